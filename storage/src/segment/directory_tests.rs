//! Directories of lanes, written and read back.

use std::collections::BTreeMap;

use rand::{RngExt, SeedableRng};
use rand_pcg::Pcg64;

use crate::segment::directory::{Directory, write};
use crate::segment::layout::{DirectoryHead, LaneEntry, PageKind, VERSION_PACKED};

const KINDS: [Option<PageKind>; 5] = [
    None,
    Some(PageKind::List),
    Some(PageKind::Bitset),
    Some(PageKind::Runs),
    Some(PageKind::Full),
];

/// Lanes one behind the other from byte 64 on, and where they end.
fn lanes(count: usize, wide: bool, random: &mut Pcg64) -> (DirectoryHead, Vec<LaneEntry>, u64) {
    let most = |narrow: u32, all: u32| if wide { all } else { narrow };
    let short = |narrow: u16, all: u16| if wide { all } else { narrow };
    let mut keys = BTreeMap::new();
    while keys.len() < count {
        let brand = random.random_range(1..=most(900, u32::MAX));
        let behaviour = random.random_range(1..=short(9, 65_535));
        keys.insert((brand, behaviour), ());
    }
    let mut offset = 64;
    let mut entry = |(brand, behaviour)| {
        let rows = random.random_range(1..=most(60, u32::MAX));
        let only = KINDS[random.random_range(0..KINDS.len())];
        let first_chunk = random.random_range(0..=short(40, 65_534));
        let first_day = 17_000 + random.random_range(0..=short(7, 40_000));
        let entry = LaneEntry {
            brand,
            behaviour,
            columns: random.random_range(0..=255),
            rows,
            consumers: rows - random.random_range(0..rows),
            first_day,
            last_day: first_day + random.random_range(0..=short(0, 8_000)),
            first_chunk,
            last_chunk: random.random_range(first_chunk..=short(304, 65_535)),
            pages: if only.is_some() { 1 } else { random.random_range(1..=most(4, 1 << 30)) },
            only,
            offset,
            length: u64::from(random.random_range(1..=most(200, u32::MAX))),
        };
        offset += entry.length;
        entry
    };
    let entries: Vec<_> = keys.into_keys().map(&mut entry).collect();
    let head = DirectoryHead {
        rows: 0,
        lanes: u32::try_from(count).unwrap(),
        presence: 0,
        chunk_end: most(305, 65_536),
        first_day: 17_000,
        last_day: 65_534,
        arrival: 3,
    };
    (head, entries, offset)
}

#[test]
fn lanes_are_read_back_in_order_by_number_and_by_key() {
    let mut random = Pcg64::seed_from_u64(4);
    for (count, wide) in [(1, false), (31, true), (32, false), (33, true), (1_000, false)] {
        for presence in [false, true] {
            let (mut head, mut entries, end) = lanes(count, wide, &mut random);
            let mut first_days = None;
            if presence {
                let last = entries.pop().unwrap();
                first_days = Some(LaneEntry { brand: 0, behaviour: 0, ..last });
                (head.lanes, head.presence) = (head.lanes - 1, 1);
            }
            let mut bytes = vec![7; 5];
            write(&head, &entries, first_days.as_ref(), &mut bytes);
            let bytes = &bytes[5..];
            assert_eq!(DirectoryHead::read(bytes).unwrap().arrival, 3);
            let directory = Directory::new(&head, bytes, VERSION_PACKED, end);
            assert!(directory.fits());
            let expected: Vec<_> = entries.iter().copied().chain(first_days).collect();
            assert_eq!(directory.iter().collect::<Vec<_>>(), expected);
            for (at, entry) in expected.iter().enumerate() {
                assert_eq!(directory.get(at), Some(*entry));
            }
            for entry in &entries {
                assert_eq!(directory.find(entry.brand, entry.behaviour), Some(*entry));
                let absent = (entry.brand, entry.behaviour.wrapping_add(1));
                if entries.iter().all(|other| other.key() != absent) {
                    assert_eq!(directory.find(absent.0, absent.1), None);
                }
            }
            assert_eq!(directory.find(0, 0), None);
            // Twelve bytes a lane at most where lanes are small, instead of forty.
            assert!(wide || count < 33 || bytes.len() < 12 * count + 100, "{}", bytes.len());
            let short = Directory::new(&head, &bytes[..bytes.len() - 12], VERSION_PACKED, end);
            assert!(short.iter().count() < expected.len());
        }
    }
}
