//! Single positions and containers of one chunk's bitset.

use throng_storage::container::{CHUNK_WORDS, ChunkBits, Container};
use throng_storage::prefetch::Ahead;

use super::dispatch::{or, set_all_ahead};

/// Whether no position is set.
#[must_use]
pub fn is_empty(bits: &ChunkBits) -> bool {
    bits.iter().all(|word| *word == 0)
}

/// Sets one position.
pub fn set(bits: &mut ChunkBits, position: u16) {
    bits[usize::from(position) / 64] |= 1 << (position % 64);
}

/// Adds a container's positions to `target`.
pub fn or_container(target: &mut ChunkBits, container: &Container<'_>) {
    or_container_ahead(target, container, &mut Ahead::default());
}

/// The same, while what will be read soon is loaded.
pub fn or_container_ahead(target: &mut ChunkBits, container: &Container<'_>, ahead: &mut Ahead) {
    match container {
        Container::Array(positions) => set_all_ahead(target, positions, ahead),
        Container::Bitset(bits) => or(target, bits),
        Container::Runs(runs) => runs.iter().for_each(|run| {
            set_range(target, run.first, run.last);
        }),
        Container::Full => target.fill(u64::MAX),
    }
}

/// Sets every position from `first` to `last`, both included.
fn set_range(bits: &mut ChunkBits, first: u16, last: u16) {
    let (from, to) = (usize::from(first / 64), usize::from(last / 64));
    let (head, tail) = (u64::MAX << (first % 64), u64::MAX >> (63 - last % 64));
    if from == to {
        bits[from] |= head & tail;
        return;
    }
    bits[from] |= head;
    bits[from + 1..to].fill(u64::MAX);
    bits[to] |= tail;
}

/// Whether one position is set.
#[must_use]
pub fn test(bits: &ChunkBits, position: u16) -> bool {
    bits[usize::from(position) / 64] >> (position % 64) & 1 == 1
}

/// How many of some positions are set. There is one copy of this loop: with wide registers it
/// would gather words, which takes a fifth longer than loading them one by one.
#[must_use]
pub fn count_listed(bits: &ChunkBits, positions: &[u16]) -> u32 {
    let is_set = |position: u16| bits[usize::from(position / 64)] >> (position % 64) & 1;
    let groups = positions.chunks_exact(4);
    let rest: u64 = groups.remainder().iter().map(|position| is_set(*position)).sum();
    let mut counts = [rest, 0, 0, 0];
    for group in groups {
        for (count, position) in counts.iter_mut().zip(group) {
            *count += is_set(*position);
        }
    }
    u32::try_from(counts.iter().sum::<u64>()).unwrap_or(u32::MAX)
}

/// Calls `visit` with every set position, ascending.
#[expect(clippy::cast_possible_truncation, reason = "a chunk has 1,024 words of 64 positions")]
pub fn for_each(bits: &ChunkBits, mut visit: impl FnMut(u16)) {
    for (index, word) in bits.iter().enumerate() {
        let base = (index * 64) as u16;
        let mut rest = *word;
        while rest != 0 {
            visit(base + rest.trailing_zeros() as u16);
            rest &= rest - 1;
        }
    }
}

/// A chunk's bitset with no position set, on the heap.
#[must_use]
pub fn zeroed() -> Box<ChunkBits> {
    Box::new([0; CHUNK_WORDS])
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use rand::{RngExt, SeedableRng};

    use super::super::{and, and_not, count, count_and};
    use super::*;
    use throng_storage::container::Run;

    fn random(rng: &mut rand_pcg::Pcg64, size: usize) -> (Box<ChunkBits>, BTreeSet<u16>) {
        let members: BTreeSet<u16> = (0..size).map(|_| rng.random()).collect();
        let mut bits = zeroed();
        members.iter().for_each(|m| set(&mut bits, *m));
        (bits, members)
    }

    fn listed(bits: &ChunkBits) -> BTreeSet<u16> {
        let mut members = BTreeSet::new();
        for_each(bits, |m| assert!(members.insert(m)));
        members
    }

    #[test]
    fn runs_set_what_they_span() {
        for (first, last) in
            [(0, 0), (3, 3), (0, 63), (5, 64), (63, 64), (100, 60_000), (9, 65_535)]
        {
            let mut bits = zeroed();
            or_container(&mut bits, &Container::Runs(&[Run { first, last }]));
            assert!(listed(&bits).into_iter().eq(first..=last), "{first}..={last}");
        }
    }

    #[test]
    fn kernels_agree_with_sets() {
        let mut rng = rand_pcg::Pcg64::seed_from_u64(3);
        for (a, b) in [(0, 10), (5, 5), (1000, 70), (60_000, 60_000), (200_000, 3)] {
            let ((x, xs), (y, ys)) = (random(&mut rng, a), random(&mut rng, b));
            let check = |op: fn(&mut ChunkBits, &ChunkBits), expected: BTreeSet<u16>| {
                let mut t = x.clone();
                op(&mut t, &y);
                assert_eq!(listed(&t), expected);
                assert_eq!(count(&t) as usize, expected.len());
                assert_eq!(is_empty(&t), expected.is_empty());
            };
            check(and, &xs & &ys);
            check(or, &xs | &ys);
            check(and_not, &xs - &ys);
            assert_eq!(count_and(&x, &y) as usize, (&xs & &ys).len());
            assert!(xs.iter().all(|m| test(&x, *m)));
        }
    }
}
