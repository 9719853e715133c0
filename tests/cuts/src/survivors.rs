//! What survives a power cut.
//!
//! - Writes and truncations since a file's last sync: none, all, the first ones, or any of them;
//!   a write whole or in any of its sectors of 512 or 4,096 bytes. Where bytes are missing stands
//!   what stood there before, or zeros. The length may have survived without the content.
//! - Names since the directory's last sync: none, all, the first ones, or any of them. A rename
//!   may have made the new name and left the old one. What is in a lost directory is lost.
//! - After a sync that failed the system forgets what it could not write: such bytes are still
//!   read while the power is on, later syncs confirm without writing them, and a cut may take
//!   them. Only what is written again is written.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rand::RngExt;
use rand_pcg::Pcg64;

use crate::image::{Image, Op};

/// Sizes of what a disk writes at once.
const SECTORS: [usize; 2] = [512, 4_096];

/// A disk as it may be found after a cut.
#[derive(Debug, Clone)]
pub struct Survivors {
    inodes: Vec<Inode>,
    names: BTreeMap<PathBuf, Entry>,
    /// Changes of names that no sync of their directory confirmed.
    loose: Vec<NameChange>,
}

#[derive(Debug, Clone)]
struct Inode {
    base: Arc<[u8]>,
    changes: Vec<(Change, Fate)>,
}

#[derive(Debug, Clone)]
enum Change {
    Write { at: usize, bytes: Arc<[u8]> },
    Length(usize),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fate {
    /// The next sync makes it durable.
    Pending,
    /// A failed sync has forgotten it.
    Forgotten,
    /// It is durable, after something that may not be.
    Durable,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Entry {
    File(usize),
    Dir,
}

#[derive(Debug, Clone)]
enum NameChange {
    Add { path: PathBuf, entry: Entry },
    Remove { path: PathBuf },
    Rename { from: PathBuf, to: PathBuf, entry: Entry },
}

impl NameChange {
    fn is_in(&self, dir: &Path) -> bool {
        let (Self::Add { path, .. } | Self::Remove { path } | Self::Rename { to: path, .. }) = self;
        path.parent() == Some(dir)
    }

    fn apply(&self, names: &mut BTreeMap<PathBuf, Entry>) {
        match self {
            Self::Add { path, entry } => {
                names.insert(path.clone(), *entry);
            }
            Self::Remove { path } => {
                names.remove(path);
            }
            Self::Rename { from, to, entry } => {
                names.remove(from);
                names.insert(to.clone(), *entry);
            }
        }
    }
}

/// How much of a list of changes survives.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kept {
    Nothing,
    Everything,
    First(usize),
    Some,
}

impl Kept {
    fn choose(random: &mut Pcg64, of: usize) -> Self {
        match random.random_range(0..6) {
            0 => Self::Nothing,
            1 => Self::Everything,
            2 | 3 => Self::First(random.random_range(0..=of)),
            _ => Self::Some,
        }
    }

    fn keeps(self, at: usize, random: &mut Pcg64) -> bool {
        match self {
            Self::Nothing => false,
            Self::Everything => true,
            Self::First(end) => at < end,
            Self::Some => random.random_range(0..2) == 0,
        }
    }
}

/// Which of the ways.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Choice {
    /// Nothing that was not synced.
    Least,
    /// Everything.
    Most,
    /// At random.
    Random,
}

impl Survivors {
    /// A disk of which everything is durable.
    #[must_use]
    pub fn new(image: &Image) -> Self {
        let inode = |bytes: &Arc<[u8]>| Inode { base: Arc::clone(bytes), changes: Vec::new() };
        let files = image.names.iter().map(|(path, &inode)| (path.clone(), Entry::File(inode)));
        let dirs = image.dirs.iter().map(|dir| (dir.clone(), Entry::Dir));
        Self {
            inodes: image.inodes.iter().map(inode).collect(),
            names: files.chain(dirs).collect(),
            loose: Vec::new(),
        }
    }

    /// The disk after one more operation. Whether it can be found otherwise than before.
    pub fn apply(&mut self, op: &Op) -> bool {
        match op {
            Op::Create { path, inode } => {
                self.inodes.resize(
                    self.inodes.len().max(inode + 1),
                    Inode { base: Arc::from([]), changes: Vec::new() },
                );
                self.loosen(path, Entry::File(*inode));
            }
            Op::Link { path, inode } => self.loosen(path, Entry::File(*inode)),
            Op::MakeDir { dir } => self.loosen(dir, Entry::Dir),
            Op::Remove { path } => self.loose.push(NameChange::Remove { path: path.clone() }),
            Op::Rename { from, to } => {
                let Some(entry) = self.entry_now(from) else { return false };
                let (from, to) = (from.clone(), to.clone());
                self.loose.push(NameChange::Rename { from, to, entry });
            }
            Op::SyncDir { dir } => {
                let (durable, loose) = self.loose.drain(..).partition(|change| change.is_in(dir));
                let durable: Vec<NameChange> = durable;
                self.loose = loose;
                durable.iter().for_each(|change| change.apply(&mut self.names));
            }
            Op::Write { inode, at, bytes } => {
                let change = Change::Write { at: *at, bytes: Arc::clone(bytes) };
                self.inodes[*inode].changes.push((change, Fate::Pending));
            }
            Op::Truncate { inode, length } => {
                self.inodes[*inode].changes.push((Change::Length(*length), Fate::Pending));
            }
            Op::Sync { inode } => self.inodes[*inode].sync(),
            Op::SyncFailed { inode } => self.inodes[*inode].forget(),
            Op::Look { .. } => return false,
        }
        true
    }

    fn loosen(&mut self, path: &Path, entry: Entry) {
        self.loose.push(NameChange::Add { path: path.to_owned(), entry });
    }

    /// What has a name while the power is on.
    fn entry_now(&self, name: &Path) -> Option<Entry> {
        let mut entry = self.names.get(name).copied();
        for change in &self.loose {
            match change {
                NameChange::Add { path, entry: new } if path == name => entry = Some(*new),
                NameChange::Remove { path } if path == name => entry = None,
                NameChange::Rename { from, .. } if from == name => entry = None,
                NameChange::Rename { to, entry: new, .. } if to == name => entry = Some(*new),
                _ => {}
            }
        }
        entry
    }

    /// Whether the disk can be found in one way only.
    #[must_use]
    pub fn is_certain(&self) -> bool {
        self.loose.is_empty() && self.inodes.iter().all(|inode| inode.changes.is_empty())
    }

    /// The disk as it is found.
    #[must_use]
    pub fn found(&self, choice: Choice, random: &mut Pcg64) -> Image {
        let kept = match choice {
            Choice::Least => Kept::Nothing,
            Choice::Most => Kept::Everything,
            Choice::Random => Kept::choose(random, self.loose.len()),
        };
        let mut names = self.names.clone();
        for (at, change) in self.loose.iter().enumerate() {
            if kept.keeps(at, random) {
                change.apply(&mut names);
                if let NameChange::Rename { from, entry, .. } = change
                    && choice == Choice::Random
                    && random.random_range(0..4) == 0
                {
                    names.insert(from.clone(), *entry);
                }
            }
        }
        let mut dirs = BTreeSet::new();
        // Parents come before what is in them.
        for (path, _) in names.iter().filter(|(_, entry)| **entry == Entry::Dir) {
            if path.parent().is_none_or(|parent| dirs.contains(parent)) {
                dirs.insert(path.clone());
            }
        }
        let mut image = Image { inodes: Vec::new(), names: BTreeMap::new(), dirs };
        let mut numbers = BTreeMap::new();
        for (path, entry) in names {
            let Entry::File(inode) = entry else { continue };
            if !path.parent().is_some_and(|parent| image.dirs.contains(parent)) {
                continue;
            }
            let number = *numbers.entry(inode).or_insert_with(|| {
                image.inodes.push(self.inodes[inode].found(choice, random));
                image.inodes.len() - 1
            });
            image.names.insert(path, number);
        }
        image
    }
}

impl Inode {
    fn sync(&mut self) {
        for (_, fate) in &mut self.changes {
            if *fate == Fate::Pending {
                *fate = Fate::Durable;
            }
        }
        if self.changes.iter().all(|(_, fate)| *fate == Fate::Durable) {
            let mut content = self.base.to_vec();
            self.changes.drain(..).for_each(|(change, _)| change.apply(&mut content));
            self.base = content.into();
        }
    }

    fn forget(&mut self) {
        for (_, fate) in &mut self.changes {
            if *fate == Fate::Pending {
                *fate = Fate::Forgotten;
            }
        }
    }

    fn found(&self, choice: Choice, random: &mut Pcg64) -> Arc<[u8]> {
        if self.changes.is_empty() {
            return Arc::clone(&self.base);
        }
        let kept = match choice {
            Choice::Least => Kept::Nothing,
            Choice::Most => Kept::Everything,
            Choice::Random => Kept::choose(random, self.changes.len()),
        };
        let torn = choice == Choice::Random && random.random_range(0..2) == 0;
        let sector = SECTORS[random.random_range(0..SECTORS.len())];
        let mut content = self.base.to_vec();
        let mut longest = content.len();
        for (at, (change, fate)) in self.changes.iter().enumerate() {
            let keeps = kept.keeps(at, random);
            // The last of the first ones is the one that the cut interrupts.
            let torn = torn && (kept == Kept::Some || kept == Kept::First(at + 1));
            match change {
                change if *fate == Fate::Durable => change.apply(&mut content),
                Change::Write { at, bytes } if keeps && torn => {
                    tear(&mut content, *at, bytes, sector, random);
                }
                change if keeps => change.apply(&mut content),
                _ => {}
            }
            longest = match change {
                Change::Write { at, bytes } => longest.max(at + bytes.len()),
                Change::Length(length) => *length,
            };
        }
        if choice == Choice::Random && random.random_range(0..3) == 0 && content.len() < longest {
            content.resize(longest, 0);
        }
        content.into()
    }
}

impl Change {
    fn apply(&self, content: &mut Vec<u8>) {
        match self {
            Self::Write { at, bytes } => put(content, *at, bytes),
            Self::Length(length) => content.resize(*length, 0),
        }
    }
}

fn put(content: &mut Vec<u8>, at: usize, bytes: &[u8]) {
    let end = at + bytes.len();
    if content.len() < end {
        content.resize(end, 0);
    }
    content[at..end].copy_from_slice(bytes);
}

/// Writes some of the sectors of a write.
fn tear(content: &mut Vec<u8>, at: usize, bytes: &[u8], sector: usize, random: &mut Pcg64) {
    let mut done = 0;
    while done < bytes.len() {
        let end = ((at + done) / sector + 1) * sector;
        let part = (end - at).min(bytes.len());
        if random.random_range(0..2) == 0 {
            put(content, at + done, &bytes[done..part]);
        }
        done = part;
    }
}
