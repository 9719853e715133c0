//! Merged segments against naive sorting, and what a merge may cost in memory.

use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rand::{RngExt, SeedableRng};
use rand_pcg::Pcg64;
use roaring::RoaringBitmap;

use super::tests::{PLAIN, Row, Shape, naive, random_events, shapes};
use super::{
    BuildOptions, ColumnSet, DayBlock, Merge, MergeError, Output, RowBuffer, Segment,
    SegmentStream, StreamOptions, Without, build,
};
use crate::io::{Disk, SystemDisk};
use crate::rows::EventColumns;

/// Segments as files of a directory.
struct Dir<'d> {
    dir: &'d Path,
    made: Vec<PathBuf>,
    pauses_left: u64,
    rows: u64,
}

impl Output for Dir<'_> {
    fn begin(&mut self, first_day: u16) -> Result<SegmentStream, MergeError> {
        let path = self.dir.join(self.made.len().to_string());
        let file = SystemDisk.create(&path).unwrap();
        self.made.push(path);
        Ok(SegmentStream::new(file, StreamOptions { file_id: 77, first_day, arrival: 5 }))
    }

    fn pause(&mut self, rows: u64) -> ControlFlow<()> {
        self.rows += rows;
        match self.pauses_left.checked_sub(1) {
            Some(left) => {
                self.pauses_left = left;
                ControlFlow::Continue(())
            }
            None => ControlFlow::Break(()),
        }
    }
}

fn merge(
    inputs: &[Arc<Segment>],
    blocks: &[DayBlock],
    rows_max: u64,
    pauses: u64,
) -> Result<Vec<Segment>, MergeError> {
    let dir = tempfile::tempdir().unwrap();
    let mut output = Dir { dir: dir.path(), made: Vec::new(), pauses_left: pauses, rows: 0 };
    let consumers = &RoaringBitmap::new();
    let without = &Without { consumers, events: None, presence: None };
    Merge { inputs, blocks, rows_max, without }.run(&mut output)?;
    assert_eq!(output.rows, inputs.iter().map(|input| input.rows()).sum::<u64>());
    Ok(output.made.iter().map(|path| Segment::open(path).unwrap()).collect())
}

fn blocks(first: i32, last: i32, length: i32) -> Vec<DayBlock> {
    let block = |first| DayBlock { first, last: first + length - 1 };
    (first.div_euclid(length)..=last.div_euclid(length)).map(|n| block(n * length)).collect()
}

/// The first day of everyone, by the presence lanes.
fn first_days<'s>(segments: impl Iterator<Item = &'s Segment>) -> BTreeMap<u32, i32> {
    let mut days = BTreeMap::new();
    let mut rows = RowBuffer::default();
    for lane in segments.filter_map(|segment| segment.presence()) {
        let mut cursor = lane.cursor();
        let mut next = cursor.next_chunk(0).unwrap();
        while let Some(number) = next {
            cursor.chunk(number).unwrap().unwrap().decode(ColumnSet::DAY, &mut rows).unwrap();
            for (low, day) in rows.low.iter().zip(&rows.day) {
                let first = days.entry(number << 16 | u32::from(*low)).or_insert(*day);
                *first = (*first).min(*day);
            }
            next = cursor.next_chunk(number + 1).unwrap();
        }
    }
    days
}

fn check(events: &[EventColumns], seen: &RoaringBitmap, length: i32, rows_max: u64) {
    let segment = |events: &EventColumns| {
        let bytes = build(events, &BuildOptions { file_id: 42, seen }).unwrap();
        Arc::new(Segment::from_bytes(bytes, "test".into()).unwrap())
    };
    let inputs: Vec<_> = events.iter().map(segment).collect();
    let first = inputs.iter().map(|input| input.first_day()).min().unwrap();
    let last = inputs.iter().map(|input| input.last_day()).max().unwrap();
    let blocks = blocks(first, last, length);
    let made = merge(&inputs, &blocks, rows_max, u64::MAX).unwrap();
    // The oldest first, and a stable sort: rows that agree keep the order of their arrival.
    let mut expected: Vec<Row> = events.iter().flat_map(naive).collect();
    expected.sort_by_key(|row| (row.0, row.1, row.2, row.3, row.4));
    let mut found = Vec::new();
    let mut extents: BTreeMap<DayBlock, Vec<_>> = BTreeMap::new();
    for segment in &made {
        segment.verify().unwrap();
        let block = *blocks.iter().find(|block| block.contains(segment.first_day())).unwrap();
        assert!(block.contains(segment.last_day()));
        assert_eq!(segment.arrival(), Some(5));
        let rows = naive(&segment.read_all().unwrap());
        assert_eq!(rows.len() as u64, segment.rows());
        extents.entry(block).or_default().push(segment.extent());
        found.extend(rows);
    }
    found.sort_by_key(|row| (row.0, row.1, row.2, row.3, row.4));
    assert!(found == expected);
    for (block, extents) in extents {
        assert!(extents.is_sorted_by(|one, next| one.1 < next.0), "{extents:?}");
        let in_block: Vec<i32> =
            expected.iter().map(|row| row.3).filter(|&day| block.contains(day)).collect();
        let of_block = made.iter().filter(|segment| block.contains(segment.first_day()));
        assert!(of_block.clone().all(|s| s.first_day() == *in_block.iter().min().unwrap()));
        let last = of_block.map(|segment| segment.last_day()).max();
        assert_eq!(last, in_block.iter().max().copied());
    }
    let before = first_days(inputs.iter().map(|input| &**input));
    assert_eq!(first_days(made.iter()), before);
}

#[test]
fn a_merge_is_what_a_naive_sort_of_all_events_is() {
    let mut random = Pcg64::seed_from_u64(31);
    for shape in shapes().into_iter().filter(|shape| shape.rows < 10_000) {
        let wide = shape.days.1 - shape.days.0 > 1_000;
        let events: Vec<_> = (0..random.random_range(1..6))
            .map(|_| {
                let rows = random.random_range(1..=shape.rows);
                random_events(Shape { rows, ..shape }, &mut random)
            })
            .collect();
        let seen: RoaringBitmap = (0..50).map(|_| random.random_range(0..400_000)).collect();
        for length in if wide { [32_768, 1 << 17] } else { [8, 64] } {
            check(&events, &seen, length, u64::MAX);
            check(&events, &RoaringBitmap::new(), length, 500);
        }
        if !wide {
            check(&events, &seen, 1, 1_000);
        }
    }
}

#[test]
fn a_merge_of_one_segment_has_the_pages_of_a_build() {
    let mut random = Pcg64::seed_from_u64(32);
    for shape in shapes() {
        let events = random_events(shape, &mut random);
        let seen = RoaringBitmap::new();
        let bytes = build(&events, &BuildOptions { file_id: 42, seen: &seen }).unwrap();
        let built = Arc::new(Segment::from_bytes(bytes, "test".into()).unwrap());
        let block = DayBlock { first: 0, last: 65_535 };
        let made = merge(&[Arc::clone(&built)], &[block], u64::MAX, u64::MAX).unwrap();
        let [made] = &made[..] else { panic!("{} segments", made.len()) };
        assert_eq!(made.bytes(), built.bytes(), "{shape:?}");
        for (one, other) in built.lanes().zip(made.lanes()) {
            assert_eq!(format!("{:?}", one.entry), format!("{:?}", other.entry));
        }
    }
}

#[test]
fn a_large_lane_goes_on_in_the_next_segment() {
    let mut random = Pcg64::seed_from_u64(33);
    let shape = Shape { rows: 60_000, brands: 1, behaviours: 2, ..PLAIN };
    let events: Vec<_> = (0..2).map(|_| random_events(shape, &mut random)).collect();
    check(&events, &RoaringBitmap::new(), 64, 20_000);
}

#[test]
fn a_merge_stops_when_it_is_told_to() {
    let mut random = Pcg64::seed_from_u64(34);
    let events = random_events(PLAIN, &mut random);
    let bytes = build(&events, &BuildOptions { file_id: 4, seen: &RoaringBitmap::new() });
    let segment = Arc::new(Segment::from_bytes(bytes.unwrap(), "test".into()).unwrap());
    let block = DayBlock { first: 0, last: 65_535 };
    for pauses in 0..20 {
        let stopped = merge(&[Arc::clone(&segment)], &[block], u64::MAX, pauses);
        assert!(matches!(stopped, Err(MergeError::Stopped)));
    }
}
