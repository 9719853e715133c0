//! Index files against trees of their members.

use std::collections::BTreeSet;

use rand::{RngExt, SeedableRng};
use rand_pcg::Pcg64;

use crate::error::FileError;
use crate::index::{IndexBuilder, IndexFile};

fn shapes(random: &mut Pcg64) -> Vec<BTreeSet<u32>> {
    let mut dense: BTreeSet<u32> = (65_536..131_072).filter(|c| c % 3 != 0).collect();
    dense.extend([0, 5, u32::MAX]);
    vec![
        BTreeSet::new(),
        [0].into(),
        [u32::MAX].into(),
        (0..200_000).collect(),
        (65_536..131_072).collect(),
        (70_000..90_000).chain([91_000]).collect(),
        dense,
        (0..3000).map(|_| random.random()).collect(),
        (0..30_000).map(|_| random.random_range(100_000..200_000)).collect(),
        (0..4097).map(|i| i * 2).collect(),
        (0..4096).map(|i| i * 2).collect(),
    ]
}

fn build(sets: &[BTreeSet<u32>]) -> Vec<u8> {
    let mut builder = IndexBuilder::new(b"free".to_vec());
    sets.iter().for_each(|set| builder.add_set(set.iter().copied()));
    builder.finish(9)
}

#[test]
fn sets_come_back_as_they_went_in() {
    let mut random = Pcg64::seed_from_u64(11);
    let sets = shapes(&mut random);
    let file = IndexFile::from_bytes(build(&sets), "i".into()).unwrap();
    file.verify().unwrap();
    assert_eq!(file.header(), b"free");
    assert_eq!(file.sets() as usize, sets.len());
    assert_eq!(file.chunk_end(), 65_536);
    for (number, set) in (0..).zip(&sets) {
        assert_eq!(file.cardinality(number), set.len() as u64);
        assert!(file.read_set(number).unwrap().iter().eq(set.iter().copied()));
        let chunks: BTreeSet<u32> = set.iter().map(|member| member >> 16).collect();
        let mut cursor = file.cursor(number);
        let mut asked: Vec<u32> = (0..200).map(|_| random.random_range(0..70_000)).collect();
        asked.extend(chunks.iter().flat_map(|&c| [c.saturating_sub(1), c, c, c + 1]).take(900));
        for chunk in asked {
            let next = cursor.next_chunk(chunk).unwrap();
            assert_eq!(next, chunks.range(chunk..).next().copied());
            let Some(container) = cursor.chunk(chunk).unwrap() else {
                assert!(!chunks.contains(&chunk));
                continue;
            };
            let start = chunk << 16;
            let expected = set.range(start..=start | 0xffff);
            assert!(
                container
                    .iter()
                    .eq(expected.map(|&member| u16::try_from(member & 0xffff).unwrap()))
            );
        }
    }
    assert_eq!(file.cardinality(99), 0);
    assert!(file.cursor(99).chunk(0).unwrap().is_none());
}

#[test]
fn many_small_sets_are_cheap() {
    let mut builder = IndexBuilder::new(Vec::new());
    for set in 0..10_000 {
        builder.add_set((0..3).map(|member| set + member * 10));
    }
    let bytes = builder.finish(1);
    assert!(bytes.len() < 10_000 * 42, "{}", bytes.len());
    let file = IndexFile::from_bytes(bytes, "i".into()).unwrap();
    assert!(file.read_set(9999).unwrap().iter().eq([9999, 10_009, 10_019]));
}

fn read_everything(bytes: Vec<u8>) -> Result<(), FileError> {
    let file = IndexFile::from_bytes(bytes, "i".into())?;
    for set in 0..file.sets() {
        file.read_set(set)?;
    }
    Ok(())
}

#[test]
fn every_flipped_bit_and_every_cut_is_found() {
    let bytes = build(&[[1, 5, 70_000].into(), (0..500).collect(), [u32::MAX].into()]);
    assert!(read_everything(bytes.clone()).is_ok());
    for bit in 0..bytes.len() * 8 {
        let mut bad = bytes.clone();
        bad[bit / 8] ^= 1 << (bit % 8);
        assert!(read_everything(bad).is_err(), "bit {bit}");
    }
    for len in 0..bytes.len() {
        assert!(read_everything(bytes[..len].to_vec()).is_err(), "length {len}");
    }
}

#[test]
fn wrong_bytes_with_right_checksums_never_panic() {
    let mut random = Pcg64::seed_from_u64(12);
    let mut sets = shapes(&mut random);
    sets.truncate(7);
    let bytes = build(&sets);
    let body = bytes.len() - (bytes.len().div_ceil(crate::block::BLOCK_LEN) + 1) * 4;
    for round in 0..500 {
        let mut bad = bytes.clone();
        let from = if round % 2 == 0 { 64 } else { body - 200 };
        bad[random.random_range(from..body)] = random.random();
        let bad = crate::block::reseal(crate::block::FileKind::Index, &bad);
        // Refused or answered: both are right as long as nothing panics.
        let _ = read_everything(bad);
    }
}

#[test]
fn a_file_opens_from_the_disk() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("x.index");
    #[expect(clippy::disallowed_methods, reason = "a test writes its own file")]
    std::fs::write(&path, build(&[[3, 4].into()])).unwrap();
    assert_eq!(IndexFile::open(&path).unwrap().cardinality(0), 2);
    assert!(matches!(crate::segment::Segment::open(&path), Err(FileError::Kind { .. })));
    assert!(matches!(IndexFile::open(dir.path()), Err(FileError::Io(_))));
    let empty = dir.path().join("empty");
    #[expect(clippy::disallowed_methods, reason = "a test writes its own file")]
    std::fs::write(&empty, b"").unwrap();
    assert!(IndexFile::open(&empty).is_err());
}

#[test]
#[should_panic(expected = "ascend")]
fn members_that_do_not_ascend_are_refused() {
    IndexBuilder::new(Vec::new()).add_set([2, 2]);
}
