//! Changing bytes at random.

use rand::{Rng, RngExt};

/// Numbers at which things change.
const EDGES: [u64; 14] =
    [0, 1, 2, 7, 8, 63, 64, 255, 256, 65_535, 65_536, u32::MAX as u64, i64::MAX as u64, u64::MAX];

/// A file changed in one to four places.
pub(crate) fn mutate(random: &mut impl Rng, seed: &[u8], other: &[u8]) -> Vec<u8> {
    let mut bytes = seed.to_vec();
    for _ in 0..random.random_range(1..5) {
        change(random, &mut bytes, other);
    }
    bytes
}

fn change(random: &mut impl Rng, bytes: &mut Vec<u8>, other: &[u8]) {
    if bytes.is_empty() {
        bytes.push(random.random_range(0..=255));
        return;
    }
    // Heads say the most, so they are changed most often.
    let near = if random.random_range(0..3) == 0 { bytes.len().min(128) } else { bytes.len() };
    let at = random.random_range(0..near);
    let length = random.random_range(1..=64.min(bytes.len() - at));
    match random.random_range(0..10) {
        0 | 1 => bytes[at] ^= 1 << random.random_range(0..8),
        2 => bytes[at] = random.random_range(0..=255),
        3 | 4 => {
            let edge = EDGES[random.random_range(0..EDGES.len())].to_le_bytes();
            let width = [1, 2, 4, 8][random.random_range(0..4)];
            for (to, from) in bytes[at..].iter_mut().zip(&edge[..width]) {
                *to = *from;
            }
        }
        5 => bytes[at..at + length].fill(0),
        6 => {
            bytes.drain(at..at + length);
        }
        7 => {
            let part = bytes[at..at + length].to_vec();
            let to = random.random_range(0..=bytes.len());
            bytes.splice(to..to, part);
        }
        8 => bytes.truncate(at),
        _ if !other.is_empty() => {
            let from = random.random_range(0..other.len());
            let part = &other[from..other.len().min(from + length)];
            for (to, from) in bytes[at..].iter_mut().zip(part) {
                *to = *from;
            }
        }
        _ => bytes[at] ^= 0xff,
    }
}
