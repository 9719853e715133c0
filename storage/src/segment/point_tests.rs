//! One consumer's rows against all rows of the segment.

use std::collections::BTreeMap;

use rand::{RngExt, SeedableRng};
use rand_pcg::Pcg64;
use roaring::RoaringBitmap;

use crate::level::{self, Level};
use crate::segment::tests::{Row, Shape, naive, random_events, shapes};
use crate::segment::{BuildOptions, ColumnSet, ConsumerRows, RowBuffer, Segment, build, rows_of};

/// The rows of one consumer in one lane, as `naive` lists them.
fn listed(brand: u32, behaviour: u16, consumer: u32, rows: &RowBuffer) -> Vec<Row> {
    (0..rows.low.len())
        .map(|row| {
            assert_eq!(u32::from(rows.low[row]), consumer & 0xFFFF);
            (
                brand,
                behaviour,
                consumer,
                rows.day[row],
                rows.second[row],
                rows.count[row],
                rows.touchpoint[row],
                rows.category[row],
                rows.item[row],
                rows.order[row],
                rows.amount[row],
            )
        })
        .collect()
}

fn compare(shape: Shape, random: &mut Pcg64) {
    let events = random_events(shape, random);
    let options = BuildOptions { file_id: 42, seen: &RoaringBitmap::new() };
    let bytes = build(&events, &options).unwrap();
    let segment = Segment::from_bytes(bytes, "test".into()).unwrap();
    let mut expected: BTreeMap<(u32, u16), BTreeMap<u32, Vec<Row>>> = BTreeMap::new();
    for row in naive(&events) {
        expected.entry((row.0, row.1)).or_default().entry(row.2).or_default().push(row);
    }
    let mut scratch = ConsumerRows::default();
    for lane in segment.lanes() {
        let count = |consumer, columns| {
            let mut found = 0;
            let scratch = &mut ConsumerRows::default();
            let lanes = std::iter::once(lane);
            rows_of(lanes, consumer, columns, scratch, |_, rows| found = rows.low.len()).unwrap();
            found
        };
        let (brand, behaviour) = (lane.brand(), lane.behaviour());
        let of = &expected[&(brand, behaviour)];
        // Of very many, some: those at both ends and a part of the rest.
        let step = (of.len() / 2000).max(1);
        for (consumer, rows) in of.iter().step_by(step).chain(of.iter().next_back()) {
            let mut read = Vec::new();
            let lanes = std::iter::once(segment.attach(&lane.detach()));
            rows_of(lanes, *consumer, ColumnSet::ALL, &mut scratch, |_, rows| {
                read = listed(brand, behaviour, *consumer, rows);
            })
            .unwrap();
            assert_eq!(&read, rows, "{shape:?}");
            for near in [consumer.wrapping_add(1), consumer.wrapping_sub(1)] {
                let found = count(near, ColumnSet::NONE);
                assert_eq!(found, of.get(&near).map_or(0, Vec::len), "{shape:?}");
            }
        }
        for _ in 0..200 {
            let consumer = random.random();
            assert_eq!(count(consumer, ColumnSet::DAY) == 0, !of.contains_key(&consumer));
        }
    }
}

#[test]
fn the_rows_of_one_consumer_are_those_that_all_rows_have_of_it() {
    let mut random = Pcg64::seed_from_u64(21);
    for level in Level::ALL {
        if level::force(level) {
            shapes().into_iter().for_each(|shape| compare(shape, &mut random));
        }
    }
}

#[test]
fn the_lanes_of_a_brand_are_those_of_the_list_of_all() {
    let mut random = Pcg64::seed_from_u64(22);
    for shape in shapes() {
        let shape = Shape { brands: shape.brands.min(90), behaviours: 7, ..shape };
        let events = random_events(shape, &mut random);
        let options = BuildOptions { file_id: 42, seen: &RoaringBitmap::new() };
        let bytes = build(&events, &options).unwrap();
        let segment = Segment::from_bytes(bytes, "test".into()).unwrap();
        for brand in (0..=shape.brands + 1).chain([u32::MAX]) {
            let mut found = Vec::new();
            segment.each_lane_of(brand, |lane| found.push((lane.behaviour(), lane.offset())));
            let all = segment.lanes().filter(|lane| lane.brand() == brand);
            let all: Vec<_> = all.map(|lane| (lane.behaviour(), lane.offset())).collect();
            assert_eq!(found, all, "{brand}");
        }
    }
}
