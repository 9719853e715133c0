//! The dictionary against a hash map, over spills, merges, truncations and roll-backs.

use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use rand::{Rng, RngExt, SeedableRng};
use rand_pcg::Pcg64;

use super::{Dictionary, KEY_BYTES_MAX, KeyColumn, Part, same};
use crate::io::{Disk, SystemDisk, read};

#[derive(Default)]
struct Model {
    keys: Vec<Vec<u8>>,
    positions: HashMap<Vec<u8>, u32>,
}

impl Model {
    fn intern(&mut self, key: &[u8]) -> u32 {
        let next = u32::try_from(self.keys.len()).unwrap();
        *self.positions.entry(key.to_vec()).or_insert_with(|| {
            self.keys.push(key.to_vec());
            next
        })
    }

    fn truncate(&mut self, length: usize) {
        for key in self.keys.drain(length..) {
            self.positions.remove(&key);
        }
    }

    fn check(&self, dictionary: &Dictionary) {
        assert_eq!(dictionary.count() as usize, self.keys.len());
        for (position, key) in (0..).zip(&self.keys) {
            assert_eq!(dictionary.find(key).unwrap(), Some(position));
            assert_eq!(dictionary.key(position).unwrap().as_ref(), Some(key));
        }
        assert_eq!(dictionary.key(dictionary.count()).unwrap(), None);
        assert_eq!(dictionary.find(b"no such key").unwrap(), None);
        let mut next = 0;
        for part in dictionary.parts().iter() {
            assert_eq!(part.first(), next);
            next += part.count();
        }
    }
}

fn random_key(random: &mut impl Rng, of: u32) -> Vec<u8> {
    let number = random.random_range(0..of);
    match number % 50 {
        0 => vec![b'x'; (number as usize / 50) % (KEY_BYTES_MAX + 1)],
        1..5 => number.to_le_bytes()[..(number as usize % 4) + 1].to_vec(),
        _ => format!("device:{number}").into_bytes(),
    }
}

fn spill(dictionary: &Dictionary, dir: &Path, number: u64) -> Option<Arc<Part>> {
    dictionary.freeze(0);
    let parts = write_frozen(dictionary, dir, number)?;
    dictionary.thaw(Arc::clone(&parts));
    parts.last().cloned()
}

fn write_frozen(dictionary: &Dictionary, dir: &Path, number: u64) -> Option<Arc<[Arc<Part>]>> {
    let path = dir.join(number.to_string());
    dictionary.write_frozen(&SystemDisk, &path, number, number * 31).unwrap()
}

fn reopen(dictionary: &Dictionary, dir: &Path) -> Dictionary {
    let parts = dictionary.parts();
    let open = |part: &Arc<Part>| {
        let number = part.number();
        let path = dir.join(number.to_string());
        Arc::new(Part::open(&SystemDisk, &path, number, number * 31, None).unwrap())
    };
    Dictionary::new(parts.iter().map(open).collect())
}

#[test]
fn it_is_a_map_over_everything_that_happens_to_it() {
    for seed in 0..8 {
        let mut random = Pcg64::seed_from_u64(seed);
        let dir = tempfile::tempdir().unwrap();
        let mut dictionary = Dictionary::new(Vec::new());
        let mut model = Model::default();
        let of = [300, 20_000][usize::try_from(seed % 2).unwrap()];
        for number in 0..40 {
            let count = random.random_range(0..400);
            let keys: Vec<_> = (0..count).map(|_| random_key(&mut random, of)).collect();
            let column: KeyColumn = keys.iter().map(Vec::as_slice).collect();
            let (parts, before) = (dictionary.parts(), dictionary.count());
            let mut positions = vec![77];
            dictionary.intern(&column, &mut positions).unwrap();
            match random.random_range(0..10) {
                0 => dictionary.truncate(before),
                1 => {
                    spill(&dictionary, dir.path(), number);
                    dictionary.roll_back(parts, before).unwrap();
                }
                // What is set apart, written or not, comes back.
                action @ (8 | 9) => {
                    dictionary.freeze(10);
                    dictionary.intern(&column, &mut positions).unwrap();
                    if action == 9 {
                        write_frozen(&dictionary, dir.path(), number);
                    }
                    dictionary.roll_back(parts, before).unwrap();
                    assert!(!dictionary.is_frozen());
                }
                action => {
                    let expected: Vec<_> =
                        [77].into_iter().chain(keys.iter().map(|key| model.intern(key))).collect();
                    assert_eq!(positions, expected);
                    if action < 4 {
                        spill(&dictionary, dir.path(), number);
                    }
                    if action == 2 {
                        dictionary = reopen(&dictionary, dir.path());
                    }
                    if action == 7 {
                        let first = dictionary.parts().last().map_or(0, |p| p.first() + p.count());
                        let length = random.random_range(first..=dictionary.count());
                        dictionary.truncate(length);
                        model.truncate(length as usize);
                    }
                }
            }
            model.check(&dictionary);
            assert!(dictionary.parts().len() <= 8);
        }
        let first: KeyColumn = model.keys.iter().take(20).map(Vec::as_slice).collect();
        assert!(dictionary.restore(0, &first).unwrap());
        assert!(!dictionary.restore(dictionary.count() + 1, &first).unwrap());
        model.check(&dictionary);
    }
}

#[test]
fn a_part_takes_less_than_twelve_bytes_beside_each_key() {
    let dir = tempfile::tempdir().unwrap();
    let dictionary = Dictionary::new(Vec::new());
    let mut bytes = 0;
    for from in (0..40_000).step_by(1000) {
        let keys: KeyColumn = (from..from + 1000)
            .map(|number| format!("u{number:016}").into_bytes())
            .fold(KeyColumn::default(), |mut column, key| {
                column.push(&key);
                column
            });
        bytes += keys.bytes.len();
        dictionary.intern(&keys, &mut Vec::new()).unwrap();
    }
    let part = spill(&dictionary, dir.path(), 1).unwrap();
    let beside = (part.bytes() - bytes as u64) as f64 / 40_000.0;
    assert!(beside < 10.0, "{beside}");
}

#[test]
fn damage_anywhere_is_named_and_nothing_panics() {
    let dir = tempfile::tempdir().unwrap();
    let dictionary = Dictionary::new(Vec::new());
    let mut random = Pcg64::seed_from_u64(4);
    let keys: Vec<_> = (0..3_000).map(|_| random_key(&mut random, 100_000)).collect();
    let column: KeyColumn = keys.iter().map(Vec::as_slice).collect();
    dictionary.intern(&column, &mut Vec::new()).unwrap();
    spill(&dictionary, dir.path(), 1).unwrap();
    let whole = read(&dir.path().join("1")).unwrap();
    for turn in 0..300 {
        let mut bytes = whole.clone();
        let at = random.random_range(0..bytes.len());
        if turn % 5 == 0 {
            bytes.truncate(at)
        } else {
            bytes[at] ^= 1 << (turn % 8)
        }
        let path = dir.path().join("damaged");
        SystemDisk.create(&path).unwrap().append(&bytes).unwrap();
        if let Ok(part) = Part::open(&SystemDisk, &path, 1, 31, None) {
            part.verify_all().unwrap_err();
            let damaged = Dictionary::new(vec![Arc::new(part)]);
            for (position, key) in (0..).zip(keys.iter().take(200)) {
                if let Ok(found) = damaged.find(key) {
                    assert_eq!(found, dictionary.find(key).unwrap());
                }
                if let Ok(found) = damaged.key(position) {
                    assert_eq!(found, dictionary.key(position).unwrap());
                }
            }
        }
        SystemDisk.remove(&path).unwrap();
    }
    assert!(Part::open(&SystemDisk, &dir.path().join("1"), 1, 32, None).is_err());
}

#[test]
fn a_table_whose_hashes_crowd_still_finds_every_key() {
    // Far more keys than the first table has room for, in one column.
    let dictionary = Dictionary::new(Vec::new());
    let mut model = Model::default();
    let keys: Vec<_> = (0..30_000_u32).map(|n| n.to_string().into_bytes()).collect();
    let column: KeyColumn = keys.iter().map(Vec::as_slice).collect();
    let mut positions = Vec::new();
    dictionary.intern(&column, &mut positions).unwrap();
    let expected: Vec<_> = keys.iter().map(|key| model.intern(key)).collect();
    assert_eq!(positions, expected);
    model.check(&dictionary);
}

#[test]
fn readers_find_what_was_published_while_keys_are_added_and_taken_back() {
    let dir = tempfile::tempdir().unwrap();
    let dictionary = Dictionary::new(Vec::new());
    let published: KeyColumn = [&b"a"[..], b"b", b"c"].into_iter().collect();
    dictionary.intern(&published, &mut Vec::new()).unwrap();
    let done = AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            while !done.load(Ordering::Relaxed) {
                for (position, key) in (0..).zip(published.iter()) {
                    assert_eq!(dictionary.find(key).unwrap(), Some(position));
                    assert_eq!(dictionary.key(position).unwrap().as_deref(), Some(key));
                }
            }
        });
        let mut random = Pcg64::seed_from_u64(5);
        for number in 0..30 {
            let parts = dictionary.parts();
            let keys: Vec<_> = (0..500).map(|_| random_key(&mut random, 50_000)).collect();
            let column = keys.iter().map(Vec::as_slice).collect();
            dictionary.intern(&column, &mut Vec::new()).unwrap();
            if number % 2 == 0 {
                spill(&dictionary, dir.path(), number);
            }
            dictionary.roll_back(parts, 3).unwrap();
        }
        done.store(true, Ordering::Relaxed);
    });
    assert_eq!(dictionary.count(), 3);
}

#[test]
fn keys_are_the_same_when_every_byte_is() {
    for length in 0..40_u8 {
        let key: Vec<u8> = (0..length).collect();
        assert!(same(&key, &key.clone()));
        for at in 0..key.len() {
            let mut other = key.clone();
            other[at] ^= 0x80;
            assert!(!same(&key, &other), "{length} {at}");
            assert!(!same(&key, &key[..at]));
        }
    }
}
