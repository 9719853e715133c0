//! Damage again and again: each is named by a check, or changes no answer.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use rand::{RngExt, SeedableRng};
use rand_pcg::Pcg64;
use throng::Database;
use throng_storage::store::{Finding, Survey};

use crate::damage::{Damage, files};
use crate::fixture;

/// What became of the damages of one kind to files of one kind.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Tally {
    /// Named, with the file.
    pub named: u64,
    /// Not named, and every answer is the same.
    pub unused: u64,
    /// The end of a log or manifest was cut to what a crash may leave: what was left answers.
    pub like_a_crash: u64,
}

/// What became of all.
#[derive(Debug, Clone, Default)]
pub struct Flips {
    /// By kind of file and kind of damage.
    pub tallies: BTreeMap<(String, Damage), Tally>,
}

/// Damages a store so many times.
///
/// # Panics
/// When damage is neither named nor without effect.
#[must_use]
pub fn flips(seed: u64, count: u64) -> Flips {
    let dir = tempfile::tempdir().unwrap();
    let (old, store) = (dir.path().join("old"), dir.path().join("store"));
    drop(fixture::make(&store));
    // The same store at an earlier moment: what a disk gives back that lost its last writes.
    fs::create_dir(&old).unwrap();
    for (path, bytes) in files(&store) {
        fs::write(old.join(path.file_name().unwrap()), bytes).unwrap();
    }
    let database = Database::open(&store).unwrap();
    fixture::grow(&database);
    let expected = fixture::answers(&database);
    drop(database);
    fs::remove_dir_all(store.join("catalog")).unwrap();
    let (originals, older) = (files(&store), files(&old));
    let mut random = Pcg64::seed_from_u64(seed);
    let mut flips = Flips::default();
    for _ in 0..count {
        let (path, bytes) = &originals[random.random_range(0..originals.len())];
        let kind = kind_of(path);
        // Another one of this moment, or one of the earlier.
        let others: Vec<&[u8]> = originals
            .iter()
            .chain(&older)
            .filter(|(other, content)| kind_of(other) == kind && content != bytes)
            .map(|(_, content)| content.as_slice())
            .collect();
        let other = (!others.is_empty()).then(|| others[random.random_range(0..others.len())]);
        let damage = Damage::ALL[random.random_range(0..Damage::ALL.len())];
        let Some(damaged) = damage.apply(&mut random, bytes, other) else { continue };
        fs::write(path, &damaged).unwrap();
        let tally = flips.tallies.entry((kind.clone(), damage)).or_default();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        match look(&store, &name) {
            Seen::Named => tally.named += 1,
            Seen::Nothing { torn } => {
                let found = answers(&store);
                if found.as_deref() == Some(expected.as_str()) {
                    tally.unused += 1;
                } else {
                    let records = ["wal", "MANIFEST"].contains(&kind.as_str());
                    let crash = records && (torn || damage == Damage::Cut);
                    assert!(crash, "{damage:?} of {name} is not named and changes answers");
                    tally.like_a_crash += 1;
                }
                restore(&store, &originals);
            }
        }
        fs::write(path, bytes).unwrap();
    }
    flips
}

/// What a check says.
enum Seen {
    Named,
    Nothing { torn: bool },
}

fn look(store: &Path, name: &str) -> Seen {
    let survey = match Survey::open(store) {
        Ok(survey) => survey,
        Err(error) => {
            let finding = Finding::of_open(error).unwrap();
            assert!(finding.path.ends_with(name), "{name} is damaged, named is {finding}");
            return Seen::Named;
        }
    };
    let report = survey.check(&mut |_, _| {});
    if report.is_clean() {
        return Seen::Nothing { torn: !report.notes.is_empty() };
    }
    // A manifest that was cut names files of an earlier moment.
    let named = report.findings.iter().any(|finding| finding.path.ends_with(name));
    assert!(named || name == "MANIFEST", "{name} is damaged, named is {:?}", report.findings);
    Seen::Named
}

fn answers(store: &Path) -> Option<String> {
    Database::open(store).ok().map(|database| fixture::answers(&database))
}

/// Opening may have cut an end, removed files and made a catalog.
fn restore(store: &Path, originals: &[(PathBuf, Vec<u8>)]) {
    fs::remove_dir_all(store).unwrap();
    fs::create_dir(store).unwrap();
    for (path, bytes) in originals {
        fs::write(path, bytes).unwrap();
    }
}

/// `seg-00000007.seg` is a `seg`, `dict-item-00000004.dict` a `dict-item`.
fn kind_of(path: &Path) -> String {
    let name = path.file_name().unwrap().to_string_lossy();
    name.rsplit_once('-').map_or(name.as_ref(), |(kind, _)| kind).to_owned()
}
