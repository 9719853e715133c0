//! Damage of every kind to one file of a store.

use std::fs;
use std::path::{Path, PathBuf};

use rand::{Rng, RngExt};

/// A kind of damage.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Damage {
    /// One bit.
    Bit,
    /// A block of zeros.
    Zeros,
    /// Two blocks of the file in each other's place.
    Swapped,
    /// A block as it was at the same place of an older file of the kind.
    Stale,
    /// The whole file as an older one of the kind.
    Older,
    /// The end cut off.
    Cut,
    /// Bytes after the end.
    Longer,
}

impl Damage {
    /// Every kind.
    pub(crate) const ALL: [Self; 7] =
        [Self::Bit, Self::Zeros, Self::Swapped, Self::Stale, Self::Older, Self::Cut, Self::Longer];

    /// The bytes, damaged; none when they would be the same.
    pub(crate) fn apply(
        self,
        random: &mut impl Rng,
        bytes: &[u8],
        older: Option<&[u8]>,
    ) -> Option<Vec<u8>> {
        let mut out = bytes.to_vec();
        let at = random.random_range(0..bytes.len());
        // Blocks of disks and of the file's own checksums.
        let block = [64, 512, 4096, 32_768][random.random_range(0..4)];
        let start = at / block * block;
        let end = bytes.len().min(start + block);
        match self {
            Self::Bit => out[at] ^= 1 << random.random_range(0..8),
            Self::Zeros => out[start..end].fill(0),
            Self::Swapped => {
                let other = random.random_range(0..bytes.len()) / block * block;
                let length = (end - start).min(bytes.len() - other);
                out[start..start + length].copy_from_slice(&bytes[other..other + length]);
                out[other..other + length].copy_from_slice(&bytes[start..start + length]);
            }
            Self::Stale => {
                let older = older?;
                let end = end.min(older.len());
                out.get_mut(start..end)?.copy_from_slice(older.get(start..end)?);
            }
            Self::Older => out = older?.to_vec(),
            Self::Cut => out.truncate(at),
            Self::Longer => {
                let more = random.random_range(1..=block);
                let fill = if random.random_range(0..2) == 0 { 0 } else { 0xa5 };
                out.resize(bytes.len() + more, fill);
            }
        }
        (out != bytes).then_some(out)
    }
}

/// The files of a store, with their content.
pub(crate) fn files(dir: &Path) -> Vec<(PathBuf, Vec<u8>)> {
    let mut files: Vec<_> = fs::read_dir(dir)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.is_file() && path.file_name().is_some_and(|name| name != "LOCK"))
        .collect();
    files.sort();
    files.into_iter().map(|path| (path.clone(), fs::read(path).unwrap())).collect()
}
