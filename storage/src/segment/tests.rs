//! Segments against naive sorting.

use std::collections::{BTreeMap, BTreeSet};

use rand::{RngExt, SeedableRng};
use rand_pcg::Pcg64;
use roaring::RoaringBitmap;

use crate::rows::EventColumns;
use crate::segment::{
    BuildError, BuildOptions, ColumnSet, Holds, LaneChunk, RowBuffer, Segment, WideAmounts,
    WideRows, WindowRows, build,
};

/// One event as a tuple: brand, behaviour, consumer, day, second, and the rest.
pub(super) type Row = (u32, u16, u32, i32, u32, u32, u32, u32, u32, u32, i64);

pub(super) fn at<T: Copy>(column: &[T], row: usize, default: T) -> T {
    column.get(row).copied().unwrap_or(default)
}

/// The rows of columns in the order of a segment.
pub(super) fn naive(events: &EventColumns) -> Vec<Row> {
    let mut rows: Vec<Row> = (0..events.len())
        .map(|row| {
            (
                events.brand[row],
                events.behaviour[row],
                events.consumer[row],
                events.day[row],
                at(&events.second, row, 0),
                at(&events.count, row, 1),
                at(&events.touchpoint, row, 0),
                at(&events.category, row, 0),
                at(&events.item, row, 0),
                at(&events.order, row, 0),
                at(&events.amount, row, 0),
            )
        })
        .collect();
    rows.sort_by_key(|row| (row.0, row.1, row.2, row.3, row.4));
    rows
}

/// Shapes of random events.
#[derive(Debug, Clone, Copy)]
pub(super) struct Shape {
    pub(super) rows: usize,
    pub(super) brands: u32,
    pub(super) behaviours: u16,
    pub(super) consumers: (u32, u32),
    pub(super) days: (i32, i32),
    pub(super) seconds: u32,
    pub(super) counts: u32,
    pub(super) names: u32,
    pub(super) amounts: (i64, i64),
}

pub(super) const PLAIN: Shape = Shape {
    rows: 3000,
    brands: 3,
    behaviours: 3,
    consumers: (0, 300_000),
    days: (17_000, 17_063),
    seconds: 0,
    counts: 1,
    names: 0,
    amounts: (0, 0),
};

pub(super) fn shapes() -> Vec<Shape> {
    vec![
        PLAIN,
        Shape { rows: 1, ..PLAIN },
        Shape { rows: 2, consumers: (65_535, 65_536), ..PLAIN },
        Shape { rows: 12_000, brands: 1, behaviours: 1, seconds: 86_399, ..PLAIN },
        Shape { rows: 12_000, brands: 1, behaviours: 1, consumers: (65_000, 66_500), ..PLAIN },
        Shape { rows: 5000, brands: 1, behaviours: 1, consumers: (65_530, 65_542), ..PLAIN },
        Shape { rows: 6000, behaviours: 1, brands: 1, consumers: (7, 7), seconds: 9, ..PLAIN },
        Shape { rows: 400, brands: u32::MAX - 1, behaviours: u16::MAX, ..PLAIN },
        Shape {
            consumers: (u32::MAX - 100_000, u32::MAX),
            days: (0, 65_534),
            seconds: 90_000,
            ..PLAIN
        },
        Shape {
            rows: 9000,
            brands: 1,
            behaviours: 1,
            consumers: (0, u32::MAX),
            days: (0, 65_534),
            seconds: 90_000,
            ..PLAIN
        },
        Shape { counts: 5, names: 3, seconds: 3, amounts: (-5, 5), ..PLAIN },
        Shape { names: u32::MAX, counts: u32::MAX, amounts: (i64::MIN, i64::MAX), ..PLAIN },
        Shape { names: 40_000, amounts: (1 << 40, (1 << 40) + 999), days: (5, 5), ..PLAIN },
        Shape { rows: 150_000, brands: 1, behaviours: 1, consumers: (0, 90_000), ..PLAIN },
        Shape { rows: 200_000, brands: 1, behaviours: 1, consumers: (0, 70_000), ..PLAIN },
    ]
}

pub(super) fn random_events(shape: Shape, random: &mut Pcg64) -> EventColumns {
    let mut events = EventColumns::default();
    // Few distinct amounts, now and then, so that dictionaries are worth it.
    let prices: Vec<i64> =
        (0..8).map(|_| random.random_range(shape.amounts.0..=shape.amounts.1)).collect();
    let few = random.random_bool(0.5);
    for _ in 0..shape.rows {
        events.consumer.push(random.random_range(shape.consumers.0..=shape.consumers.1));
        events.brand.push(random.random_range(1..=shape.brands));
        events.behaviour.push(random.random_range(1..=shape.behaviours));
        events.day.push(random.random_range(shape.days.0..=shape.days.1));
        if shape.seconds > 0 {
            events.second.push(random.random_range(0..=shape.seconds));
        }
        if shape.counts > 1 {
            events.count.push(random.random_range(1..=shape.counts));
        }
        if shape.names > 0 {
            events.touchpoint.push(random.random_range(0..=shape.names));
            events.category.push(random.random_range(0..=shape.names));
            events.item.push(random.random_range(0..=shape.names));
            events.order.push(random.random_range(0..=shape.names));
        }
        if shape.amounts != (0, 0) {
            let any = random.random_range(shape.amounts.0..=shape.amounts.1);
            events.amount.push(if few { prices[random.random_range(0..8)] } else { any });
        }
    }
    events
}

fn open(events: &EventColumns, seen: &RoaringBitmap) -> Segment {
    let bytes = build(events, &BuildOptions { file_id: 42, seen }).unwrap();
    Segment::from_bytes(bytes, "test".into()).unwrap()
}

#[test]
fn every_shape_round_trips_in_the_order_of_a_naive_sort() {
    let mut random = Pcg64::seed_from_u64(3);
    for shape in shapes() {
        let events = random_events(shape, &mut random);
        let segment = open(&events, &RoaringBitmap::new());
        let read = segment.read_all().unwrap();
        read.check().unwrap();
        assert!(naive(&events) == naive(&read), "{shape:?}");
        let order = |row: usize| (read.brand[row], read.behaviour[row], read.consumer[row]);
        assert!((1..read.len()).all(|row| order(row - 1) <= order(row)), "{shape:?}");
        assert_eq!(segment.rows(), events.len() as u64);
        assert_eq!(segment.first_day(), *events.day.iter().min().unwrap());
        assert_eq!(segment.last_day(), *events.day.iter().max().unwrap());
        let last = events.consumer.iter().max().unwrap();
        assert_eq!(segment.chunk_end(), (last >> 16) + 1);
        segment.verify().unwrap();
    }
}

#[test]
fn chunks_in_any_order_give_what_ascending_ones_give() {
    let mut random = Pcg64::seed_from_u64(4);
    for shape in shapes() {
        let events = random_events(shape, &mut random);
        let segment = open(&events, &RoaringBitmap::new());
        let rows = naive(&events);
        for lane in segment.lanes() {
            let key = (lane.brand(), lane.behaviour());
            let mut chunks: BTreeMap<u32, Vec<&Row>> = BTreeMap::new();
            for row in rows.iter().filter(|row| (row.0, row.1) == key) {
                chunks.entry(row.2 >> 16).or_default().push(row);
            }
            if lane.rows() < 3 && random.random_bool(0.9) {
                continue;
            }
            check_lane(lane, &chunks, &mut random);
            check_spans(lane, &chunks, &mut random);
        }
        assert!(segment.lane(0, 0).is_none());
    }
}

fn check_lane(lane: super::Lane<'_>, chunks: &BTreeMap<u32, Vec<&Row>>, random: &mut Pcg64) {
    let found = lane.segment.lane(lane.brand(), lane.behaviour()).unwrap();
    assert_eq!(found.rows(), lane.rows());
    assert_eq!(lane.rows(), chunks.values().map(|rows| rows.len() as u64).sum::<u64>());
    let days = || chunks.values().flatten().map(|row| row.3);
    assert_eq!(Some(lane.first_day()), days().min());
    assert_eq!(Some(lane.last_day()), days().max());
    let distinct: BTreeSet<u32> = chunks.values().flatten().map(|row| row.2).collect();
    assert_eq!(lane.consumers_total(), distinct.len() as u64);
    let ends = chunks.first_key_value().zip(chunks.last_key_value());
    assert_eq!(Some(lane.chunks()), ends.map(|(a, b)| (*a.0, *b.0)));

    let known: Vec<u32> = chunks.keys().copied().collect();
    let mut asked: Vec<u32> = known.iter().flat_map(|&c| [c.saturating_sub(1), c]).collect();
    asked.extend((0..20).map(|_| known[random.random_range(0..known.len())]));
    asked.extend([0, 65_535, 70_000, u32::MAX, 0]);
    asked.truncate(300);
    let mut cursor = lane.cursor();
    let (mut out, mut window) = (RowBuffer::default(), WindowRows::default());
    for chunk in asked {
        if random.random_bool(0.3) {
            let next = cursor.next_chunk(chunk).unwrap();
            assert_eq!(next, known.iter().copied().find(|&c| c >= chunk));
        }
        let got = cursor.chunk(chunk).unwrap();
        let Some(rows) = chunks.get(&chunk) else {
            assert!(got.is_none());
            continue;
        };
        let got = got.unwrap();
        let low: BTreeSet<u16> =
            rows.iter().map(|row| u16::try_from(row.2 & 0xffff).unwrap()).collect();
        assert!(got.consumers().iter().eq(low.iter().copied()));
        assert_eq!(got.cardinality() as usize, low.len());
        assert_eq!(got.consumers().cardinality() as usize, low.len());
        assert_eq!(got.rows() as usize, rows.len());
        got.decode(ColumnSet::ALL, &mut out).unwrap();
        for (i, row) in rows.iter().enumerate() {
            let read = (
                row.0,
                row.1,
                chunk << 16 | u32::from(out.low[i]),
                out.day[i],
                out.second[i],
                out.count[i],
                out.touchpoint[i],
                out.category[i],
                out.item[i],
                out.order[i],
                out.amount[i],
            );
            assert_eq!(read, **row);
        }
        check_windows_and_heads(&got, rows, &mut window);
        got.decode(ColumnSet::AMOUNT, &mut out).unwrap();
        assert_eq!((out.low.len(), out.amount.len()), (rows.len(), rows.len()));
        assert!(out.day.is_empty() && out.second.is_empty() && out.item.is_empty());
    }
}

/// Several chunks at once, against the rows.
fn check_spans(lane: super::Lane<'_>, chunks: &BTreeMap<u32, Vec<&Row>>, random: &mut Pcg64) {
    let (mut dated, mut undated) = (lane.cursor(), lane.cursor());
    let (first, last) = lane.chunks();
    let [mut wide_dated, mut wide_undated, mut paid] = [0; 3].map(|_| lane.wide_cursor());
    let mut at = first.saturating_sub(1);
    for _ in 0..40 {
        let end = at.saturating_add(random.random_range(0..9));
        let end = if random.random_bool(0.1) { u32::MAX } else { end };
        let days = random.random_range(-2..70) + lane.first_day();
        let days = days..=days.saturating_add(random.random_range(0..40));
        let (mut window, mut lows) = (WindowRows::default(), vec![77]);
        let (mut found, mut listed) = (Vec::new(), Vec::new());
        let with_days = random.random();
        let mut amounts = WideAmounts::new(with_days);
        let read = dated.append_days(at..end, &days, &mut window, |chunk, rows| {
            found.push((chunk, rows));
        });
        let read = read.unwrap();
        undated
            .append_consumers(at..end, &mut lows, |chunk, rows| listed.push((chunk, rows)))
            .unwrap();
        let money = paid.append_amounts(at..end, &days, &mut amounts).unwrap();
        assert_eq!(money.rows, read.rows);
        let mut paid_rows = amounts.consumer.iter().copied().zip(amounts.amount.iter().copied());
        let (mut wide, mut listed_wide) = (WideRows::default(), vec![77]);
        let dated_wide = wide_dated.append_days(at..end, &days, &mut wide).unwrap();
        let undated_wide = wide_undated.append_consumers(at..end, &mut listed_wide).unwrap();
        assert_eq!(dated_wide.rows, read.rows);
        assert!(amounts.day.iter().eq(wide.day.iter().filter(|_| with_days)));
        let whole = |chunk: &u32, low: u16| (chunk - at) << 16 | u32::from(low);
        let expected = found.iter().flat_map(|(chunk, rows)| {
            let rows = window.low[rows.clone()].iter().zip(&window.day[rows.clone()]);
            rows.map(move |(low, day)| (whole(chunk, *low), *day))
        });
        let got = wide.consumer.iter().copied().zip(wide.day.iter().copied());
        assert!(got.eq(expected), "{at}..{end}, {days:?}");
        let expected = listed.iter().flat_map(|(chunk, rows): &(u32, std::ops::Range<usize>)| {
            lows[rows.clone()].iter().map(move |low| whole(chunk, *low))
        });
        assert!(listed_wide[1..].iter().copied().eq(expected), "{at}..{end}");
        assert_eq!(undated_wide.rows + 1, listed_wide.len() as u64);
        let there: Vec<_> = chunks.iter().filter(|(chunk, _)| (at..end).contains(chunk)).collect();
        assert_eq!(read.chunks, there.len() as u64);
        assert_eq!(read.rows, there.iter().map(|(_, rows)| rows.len() as u64).sum::<u64>());
        assert_eq!(listed.len(), there.len());
        for (chunk, rows) in there {
            let low = |row: &&&Row| u16::try_from(row.2 & 0xffff).unwrap();
            let kept = rows.iter().filter(|row| days.contains(&row.3));
            let kept: Vec<_> = kept.map(|row| (low(&row), u16::try_from(row.3).unwrap())).collect();
            let place = found.iter().find(|(of, _)| of == chunk).map_or(0..0, |(_, at)| at.clone());
            let got =
                window.low[place.clone()].iter().copied().zip(window.day[place].iter().copied());
            assert!(got.eq(kept), "chunk {chunk} of {at}..{end}, {days:?}");
            for row in rows.iter().filter(|row| days.contains(&row.3)) {
                assert_eq!(paid_rows.next(), Some((row.2 - (at << 16), row.10)));
            }
            let mut all: Vec<_> = rows.iter().map(|row| low(&row)).collect();
            all.dedup();
            let place = listed.iter().find(|(of, _)| of == chunk).unwrap().1.clone();
            assert_eq!(lows[place], all);
        }
        assert_eq!(paid_rows.next(), None);
        at = if random.random_bool(0.2) { first } else { end.min(last + 1) };
    }
}

/// The rows of some windows, and what column heads say, against the rows.
fn check_windows_and_heads(got: &LaneChunk<'_>, rows: &[&Row], window: &mut WindowRows) {
    let bounds = [-5, 0, rows[0].3, rows[rows.len() / 2].3, rows[rows.len() - 1].3, 1 << 17];
    let (mut whole, mut spare) = (WindowRows::default(), WindowRows::default());
    got.decode_days(&(i32::MIN..=i32::MAX), &mut whole).unwrap();
    whole.sort_by_day(&mut spare);
    for (first, last) in bounds.into_iter().flat_map(|a| bounds.map(|b| (a, b))) {
        got.decode_days(&(first..=last), window).unwrap();
        let days = rows.iter().filter(|row| (first..=last).contains(&row.3));
        let days = days.map(|row| (row.2 & 0xffff, u32::try_from(row.3).unwrap()));
        let mut expected: Vec<_> = days.collect();
        let found = window.iter().map(|(low, day)| (u32::from(low), u32::from(day)));
        assert!(found.eq(expected.iter().copied()), "{first} to {last}");
        expected.sort_by_key(|(low, day)| (*day, *low));
        let sorted = whole.of_days(&(first..=last));
        let found = sorted.low.iter().zip(sorted.day);
        let found = found.map(|(low, day)| (u32::from(*low), u32::from(*day)));
        assert!(found.eq(expected), "{first} to {last}, by day");
    }
    for some in [[0, 1, 2], [1, 5, 9], [3, 70, 4000]] {
        let of = |column, value: fn(&Row) -> u32| {
            let has = rows.iter().filter(|row| some.contains(&value(row))).count();
            match got.holds(column, &some).unwrap() {
                Holds::None => assert_eq!(has, 0),
                Holds::Some => {}
                Holds::All => assert_eq!(has, rows.len()),
            }
        };
        of(ColumnSet::TOUCHPOINT, |row| row.6);
        of(ColumnSet::CATEGORY, |row| row.7);
        of(ColumnSet::ITEM, |row| row.8);
    }
}

#[test]
fn the_presence_lane_has_the_first_day_of_everyone_new() {
    let mut random = Pcg64::seed_from_u64(5);
    for shape in shapes() {
        let events = random_events(shape, &mut random);
        for share in [0.0, 0.5, 1.0] {
            let seen: RoaringBitmap =
                events.consumer.iter().copied().filter(|_| random.random_bool(share)).collect();
            let mut first: BTreeMap<u32, i32> = BTreeMap::new();
            for (&consumer, &day) in events.consumer.iter().zip(&events.day) {
                if !seen.contains(consumer) {
                    let known = first.entry(consumer).or_insert(day);
                    *known = day.min(*known);
                }
            }
            let segment = open(&events, &seen);
            let mut read = BTreeMap::new();
            if let Some(lane) = segment.presence() {
                let mut cursor = lane.cursor();
                let mut rows = RowBuffer::default();
                let mut next = cursor.next_chunk(0).unwrap();
                while let Some(number) = next {
                    let chunk = cursor.chunk(number).unwrap().unwrap();
                    chunk.decode(ColumnSet::DAY, &mut rows).unwrap();
                    for (&low, &day) in rows.low.iter().zip(&rows.day) {
                        assert!(read.insert(number << 16 | u32::from(low), day).is_none());
                    }
                    next = cursor.next_chunk(number + 1).unwrap();
                }
            }
            assert!(read == first, "{shape:?}");
        }
    }
}

#[test]
fn many_known_consumers_are_looked_up() {
    let events = EventColumns {
        consumer: vec![5, 1_000_000, 2_000_000],
        brand: vec![1; 3],
        behaviour: vec![1; 3],
        day: vec![9, 8, 7],
        ..EventColumns::default()
    };
    let mut seen = RoaringBitmap::new();
    seen.insert_range(6..=1_999_999);
    assert_eq!(open(&events, &seen).presence().unwrap().rows(), 2);
}

/// Reads everything a segment gives.
fn read_everything(bytes: Vec<u8>) -> Result<(EventColumns, u64), crate::error::FileError> {
    let segment = Segment::from_bytes(bytes, "test".into())?;
    let events = segment.read_all()?;
    let mut members = 0;
    if let Some(lane) = segment.presence() {
        let mut cursor = lane.cursor();
        let mut next = cursor.next_chunk(0)?;
        while let Some(number) = next {
            let chunk = cursor.chunk(number)?;
            members += chunk.map_or(0, |chunk| u64::from(chunk.consumers().cardinality()));
            next = cursor.next_chunk(number + 1)?;
        }
    }
    segment.verify()?;
    Ok((events, members))
}

#[test]
fn every_flipped_bit_and_every_cut_is_found() {
    let mut random = Pcg64::seed_from_u64(6);
    let shape = Shape { rows: 60, names: 3, seconds: 3, amounts: (-5, 500), ..PLAIN };
    let events = random_events(shape, &mut random);
    let seen = RoaringBitmap::new();
    let bytes = build(&events, &BuildOptions { file_id: 42, seen: &seen }).unwrap();
    assert!(read_everything(bytes.clone()).is_ok());
    for bit in 0..bytes.len() * 8 {
        let mut bad = bytes.clone();
        bad[bit / 8] ^= 1 << (bit % 8);
        assert!(read_everything(bad).is_err(), "bit {bit}");
    }
    for len in 0..bytes.len() {
        assert!(read_everything(bytes[..len].to_vec()).is_err(), "length {len}");
    }
    let longer = [&bytes[..], &[0]].concat();
    assert!(read_everything(longer).is_err());
}

#[test]
fn wrong_bytes_with_right_checksums_never_panic() {
    let mut random = Pcg64::seed_from_u64(9);
    let seen = RoaringBitmap::new();
    let lane = Shape { brands: 1, behaviours: 1, seconds: 3, names: 3, amounts: (0, 50), ..PLAIN };
    let shapes = [
        Shape { rows: 40, behaviours: 3, ..lane },
        Shape { rows: 400, counts: 9, amounts: (-(1 << 60), 1 << 60), ..lane },
        Shape { rows: 2500, consumers: (65_536, 66_000), ..lane },
        Shape { rows: 3000, consumers: (0, 131_071), ..lane },
        Shape { rows: 9000, consumers: (0, 20_000), names: 0, ..lane },
    ];
    let (mut refused, mut answered) = (0, 0);
    for shape in shapes {
        let events = random_events(shape, &mut random);
        let bytes = build(&events, &BuildOptions { file_id: 42, seen: &seen }).unwrap();
        let body = bytes.len() - (bytes.len().div_ceil(crate::block::BLOCK_LEN) + 1) * 4;
        for _ in 0..400 {
            let mut bad = bytes.clone();
            for _ in 0..random.random_range(1..4) {
                // Heads are where harm is done: near the start, and in the directory at the end.
                let place = match random.random_range(0..3) {
                    0 => random.random_range(64..body),
                    1 => random.random_range(64..body.min(400)),
                    _ => random.random_range(body.saturating_sub(150).max(64)..body),
                };
                bad[place] = random.random();
            }
            let bad = crate::block::reseal(crate::block::FileKind::Segment, &bad);
            match read_everything(bad) {
                Ok(_) => answered += 1,
                Err(_) => refused += 1,
            }
        }
    }
    assert!(refused > 100 && answered > 100, "{refused} refused, {answered} answered");
}

#[test]
fn a_block_of_another_file_or_place_is_found() {
    let mut random = Pcg64::seed_from_u64(7);
    let events = random_events(Shape { rows: 200_000, ..PLAIN }, &mut random);
    let seen = RoaringBitmap::new();
    let block = crate::block::BLOCK_LEN;
    let ours = build(&events, &BuildOptions { file_id: 1, seen: &seen }).unwrap();
    let theirs = build(&events, &BuildOptions { file_id: 2, seen: &seen }).unwrap();
    assert!(ours.len() > 3 * block);
    let mut mixed = ours.clone();
    mixed[block..2 * block].copy_from_slice(&theirs[block..2 * block]);
    assert_eq!(mixed, ours, "only the header and the table differ");
    let mut mixed = ours.clone();
    mixed.copy_within(block..2 * block, 2 * block);
    let segment = Segment::from_bytes(mixed, "test".into()).unwrap();
    let error = segment.verify().unwrap_err();
    assert_eq!(error.offset, 2 * block as u64);
    assert!(segment.read_all().is_err());
    let mut table = ours.clone();
    let body = ours.len() - (ours.len().div_ceil(block) + 1) * 4;
    table[body..].copy_from_slice(&theirs[body..]);
    assert!(Segment::from_bytes(table, "test".into()).is_err());
}

#[test]
fn another_version_is_refused_by_name() {
    let events = random_events(Shape { rows: 3, ..PLAIN }, &mut Pcg64::seed_from_u64(8));
    let seen = RoaringBitmap::new();
    let mut bytes = build(&events, &BuildOptions { file_id: 1, seen: &seen }).unwrap();
    for version in [0, 3] {
        bytes[8] = version;
        let error = Segment::from_bytes(bytes.clone(), "s".into()).unwrap_err();
        let expected = format!("s: format version {version}, this Throng reads version 2");
        assert_eq!(error.to_string(), expected);
    }
    bytes[0] = b'X';
    let error = Segment::from_bytes(bytes, "s".into()).unwrap_err();
    assert_eq!(error.to_string(), "s: not a Throng segment");
}

#[test]
fn what_cannot_be_stored_is_refused() {
    let seen = RoaringBitmap::new();
    let options = BuildOptions { file_id: 1, seen: &seen };
    assert_eq!(build(&EventColumns::default(), &options), Err(BuildError::Empty));
    let one = EventColumns {
        consumer: vec![1],
        brand: vec![1],
        behaviour: vec![1],
        day: vec![65_534],
        ..EventColumns::default()
    };
    assert!(build(&one, &options).is_ok());
    for day in [-1, 65_535, i32::MAX, i32::MIN] {
        let bad = EventColumns { day: vec![day], ..one.clone() };
        assert_eq!(build(&bad, &options), Err(BuildError::Day { row: 0, day }));
    }
    let bad = EventColumns { second: vec![1 << 17], ..one.clone() };
    assert_eq!(build(&bad, &options), Err(BuildError::Second { row: 0, second: 1 << 17 }));
    let bad = EventColumns { amount: vec![1, 2], ..one };
    assert!(matches!(build(&bad, &options), Err(BuildError::Columns(_))));
}
