//! Taking damage out of a store. What is damaged is moved aside, never removed, and one edit of
//! the manifest makes the store what is left: a repair that is stopped changes nothing.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use roaring::RoaringBitmap;

use super::error::RepairError;
use super::rows::{Presence, lacks_presence};
use super::survey::Survey;
use super::trouble::{Diagnosis, Remedy};
use crate::catalog::{Catalog, DIR as CATALOG};
use crate::dictionary::Part;
use crate::error::CorruptError;
use crate::manifest::{Edit, FrozenLog, MANIFEST, Manifest, PartEntry, SegmentEntry};
use crate::rows::EventColumns;
use crate::segment::{BuildOptions, Lane, Segment, build};
use crate::store::checkpoint::dump;
use crate::store::files::FileType;
use crate::store::lead::apply;
use crate::store::random;
use crate::store::snapshot::Definitions;
use crate::store::types::{Definition, KeyTable};
use crate::wal::{FileKind, Origin, RecordFile, renumber};

/// Where damaged files go, within the store's directory.
const DAMAGED: &str = "damaged";

/// What a repair did.
#[derive(Debug, Clone, Default)]
pub struct Repaired {
    /// The damaged files, where they are now.
    pub moved: Vec<PathBuf>,
    /// Files written in the place of others.
    pub written: Vec<PathBuf>,
}

/// A repair on its way.
struct Repair<'s> {
    survey: &'s Survey,
    edit: Edit,
    /// What the store is not made of any more once the edit is made.
    gone: Vec<PathBuf>,
    names: BTreeSet<String>,
    log_cut: bool,
    /// Tokens that the manifest has, of batches that are lost.
    tokens: BTreeSet<String>,
    done: Repaired,
}

impl Survey {
    /// Does what a diagnosis says can be done. Troubles that only a backup helps with stay.
    ///
    /// # Errors
    /// When a file cannot be written; then the store is as it was.
    pub fn repair(self, diagnosis: &Diagnosis) -> Result<Repaired, RepairError> {
        let files = &self.files;
        let mut repair = Repair {
            edit: Edit { logged: self.state.logged, ..Edit::default() },
            gone: Vec::new(),
            names: files.disk.list(&files.dir)?.into_iter().collect(),
            log_cut: false,
            tokens: BTreeSet::new(),
            done: Repaired::default(),
            survey: &self,
        };
        let (mut rewritten, mut dropped) = (Vec::new(), Vec::new());
        let mut catalog = false;
        for trouble in &diagnosis.troubles {
            match &trouble.remedy {
                Remedy::RewriteSegment { number } => rewritten.push(*number),
                Remedy::DropSegment { number } => dropped.push(*number),
                Remedy::DropIndex { key } => repair.drop_index(key)?,
                Remedy::RebuildPart { number } => repair.rebuild_part(*number)?,
                Remedy::RewriteDump => repair.rewrite_dump()?,
                Remedy::CutLog => {
                    repair.cut_log()?;
                    // It may have definitions of batches that are lost.
                    catalog = repair.names.contains(CATALOG);
                }
                Remedy::RebuildCatalog => catalog = true,
                Remedy::Restore => {}
            }
        }
        repair.segments(&rewritten, &dropped)?;
        repair.publish()?;
        if catalog {
            repair.rebuild_catalog()?;
        }
        Ok(repair.done)
    }

    /// What the catalog holds, when it can be read.
    pub(super) fn catalog_content(&self) -> Option<Definitions> {
        let catalog = self.catalog().ok()??;
        catalog.content().ok().map(|(held, _)| (*held).clone())
    }
}

impl Repair<'_> {
    /// Gives a file a second place among the damaged. It loses its first with the edit.
    fn set_aside(&mut self, name: &str) -> Result<(), RepairError> {
        if !self.names.contains(name) {
            return Ok(());
        }
        let files = &self.survey.files;
        let from = files.dir.join(name);
        let to = self.free_place(name)?;
        if files.disk.link(&from, &to).is_err() {
            let file = files.disk.create(&to)?;
            file.append(&files.disk.read(&from)?)?;
            file.sync()?;
        }
        files.disk.sync_dir(&files.dir.join(DAMAGED))?;
        self.done.moved.push(to);
        self.gone.push(from);
        Ok(())
    }

    /// A place among the damaged that nothing has.
    fn free_place(&self, name: &str) -> Result<PathBuf, RepairError> {
        let files = &self.survey.files;
        let damaged = files.dir.join(DAMAGED);
        files.disk.create_dir(&damaged)?;
        files.disk.sync_dir(&files.dir)?;
        let taken = files.disk.list(&damaged)?;
        let mut place = name.to_owned();
        let mut number = 2;
        while taken.contains(&place) {
            place = format!("{name}.{number}");
            number += 1;
        }
        Ok(damaged.join(place))
    }

    /// A number whose file is not there, and its path.
    fn reserve(&self, kind: FileType) -> (u64, PathBuf) {
        loop {
            let number = self.survey.files.number();
            // What a load left that did not end may have it.
            if !self.names.contains(&kind.name(number)) {
                return (number, self.survey.files.path(kind, number));
            }
        }
    }

    fn write(&mut self, path: &Path, bytes: &[u8]) -> Result<(), RepairError> {
        let file = self.survey.files.disk.create(path)?;
        file.append(bytes)?;
        file.sync()?;
        self.done.written.push(path.to_owned());
        Ok(())
    }

    fn drop_index(&mut self, key: &str) -> Result<(), RepairError> {
        if let Some(entry) = self.survey.state.indexes.get(key) {
            self.edit.indexes_dropped.push(key.to_owned());
            self.set_aside(&FileType::Index.name(entry.number))?;
        }
        Ok(())
    }

    fn rebuild_part(&mut self, number: u64) -> Result<(), RepairError> {
        let survey = self.survey;
        let mut parts = survey.parts.iter().zip(KeyTable::ALL);
        let found = parts.find_map(|(parts, table)| {
            parts.iter().find(|part| part.number() == number).map(|part| (table, part))
        });
        let Some((table, old)) = found else { return Ok(()) };
        let (new, path) = self.reserve(FileType::Part(table));
        let disk = &*survey.files.disk;
        let buried = &survey.state.erasures.buried[table as usize];
        let id = survey.files.file_id(new);
        let part = Part::write_again(old, buried, disk, &path, new, id)?;
        self.done.written.push(path);
        self.edit.parts_removed.push(number);
        self.edit.parts_added.push(PartEntry {
            table: table as u8,
            number: new,
            first: part.first(),
            count: part.count(),
            bytes: part.bytes(),
        });
        self.set_aside(&FileType::Part(table).name(number))
    }

    fn rewrite_dump(&mut self) -> Result<(), RepairError> {
        let survey = self.survey;
        let mut definitions = survey.catalog_content().unwrap_or_default();
        for ((kind, name), value) in &survey.state.changes {
            let change = Definition { kind: *kind, name: name.clone(), value: value.clone() };
            apply(&mut definitions, change);
        }
        let (number, path) = self.reserve(FileType::Dump);
        self.write(&path, &dump(survey.files.file_id(number), &definitions)?)?;
        self.edit.dump = Some(number);
        match survey.state.dump {
            Some(old) => self.set_aside(&FileType::Dump.name(old)),
            None => Ok(()),
        }
    }

    /// Cuts the log before its damage, or begins a new one where not even its header is whole.
    fn cut_log(&mut self) -> Result<(), RepairError> {
        let survey = self.survey;
        let files = &survey.files;
        // Each of two logs may be damaged; what follows the first damage goes anyway.
        if std::mem::replace(&mut self.log_cut, true) {
            return Ok(());
        }
        // What comes next must not pass for records whose definitions the manifest has.
        self.edit.logged = self.edit.logged.min(survey.log.last);
        // Who sends a lost batch again must not be told that it is there.
        self.tokens = survey.lost_tokens()?.into_tokens();
        let number = survey.log.number;
        let name = FileType::Log.name(number);
        let is_frozen = survey.state.frozen == Some(number);
        if survey.log.sound == 0 || is_frozen {
            let (new, path) = self.reserve(FileType::Log);
            let origin = Origin { store_id: files.store_id, number: new };
            let (salt, last) = (random::salt(), survey.log.last);
            if survey.log.sound == 0 {
                RecordFile::create(&*files.disk, &path, FileKind::Log, origin, salt, last)?;
                self.done.written.push(path);
            } else {
                // Its records go on in a log of their own, which others may follow.
                let mut bytes = files.disk.read(&survey.log.path)?;
                bytes.truncate(usize::try_from(survey.log.sound).unwrap_or(usize::MAX));
                self.write(&path, &renumber(bytes, new))?;
            }
            self.edit.log = Some(new);
            if is_frozen {
                self.edit.frozen = Some(FrozenLog::None);
                self.set_aside(&FileType::Log.name(survey.state.log))?;
            }
            return self.set_aside(&name);
        }
        let to = self.free_place(&name)?;
        // A copy: a second name would be cut with the first.
        let copy = files.disk.create(&to)?;
        copy.append(&files.disk.read(&survey.log.path)?)?;
        copy.sync()?;
        files.disk.sync_dir(&files.dir.join(DAMAGED))?;
        self.done.moved.push(to);
        let log = files.disk.open_append(&survey.log.path)?;
        log.truncate(survey.log.sound)?;
        log.sync()?;
        Ok(())
    }

    /// Writes segments again without what cannot be read, and takes others out.
    fn segments(&mut self, rewritten: &[u64], dropped: &[u64]) -> Result<(), RepairError> {
        if rewritten.is_empty() && dropped.is_empty() {
            return Ok(());
        }
        let survey = self.survey;
        let mut known = Presence::new(survey.limits().keys[0]);
        let (damaged, whole): (Vec<_>, Vec<_>) = survey
            .segments
            .iter()
            .partition(|(number, _)| rewritten.contains(number) || dropped.contains(number));
        for (number, segment) in damaged {
            if rewritten.contains(number) {
                let lanes = survey.lanes(segment).0;
                let segment = self.write_segment(&lanes)?;
                known.add(&segment)?;
            }
        }
        for number in rewritten.iter().chain(dropped) {
            self.edit.segments_removed.push(*number);
            self.set_aside(&FileType::Segment.name(*number))?;
        }
        for (_, segment) in &whole {
            known.add(segment)?;
        }
        // Segments may leave it to an earlier one to know a consumer, and that may be gone.
        for (number, segment) in whole {
            if lacks_presence(segment, &known)? {
                let lanes: Vec<_> = segment.lanes().collect();
                self.write_segment(&lanes)?;
                self.edit.segments_removed.push(*number);
                self.gone.push(survey.files.path(FileType::Segment, *number));
            }
        }
        Ok(())
    }

    /// Writes a segment of lanes, with the first days of all their consumers.
    fn write_segment(&mut self, lanes: &[Lane<'_>]) -> Result<Arc<Segment>, RepairError> {
        let files = &self.survey.files;
        let mut events = EventColumns::default();
        lanes.iter().try_for_each(|lane| lane.read_into(&mut events))?;
        let (number, path) = self.reserve(FileType::Segment);
        let file_id = files.file_id(number);
        let bytes = build(&events, &BuildOptions { file_id, seen: &RoaringBitmap::new() })?;
        drop(events);
        self.write(&path, &bytes)?;
        self.edit.segments_added.push(SegmentEntry { number, bytes: bytes.len() as u64 });
        let mapping = files.disk.map(&path)?;
        Ok(Arc::new(Segment::from_mapping(mapping, path)?))
    }

    /// Makes the edit, and takes the old files out of the way.
    fn publish(&mut self) -> Result<(), RepairError> {
        let files = &self.survey.files;
        let unchanged = Edit { logged: self.survey.state.logged, ..Edit::default() };
        if self.edit != unchanged {
            self.edit.next_number = files.next_number();
            files.disk.sync_dir(&files.dir)?;
            let (disk, dir, id) = (&*files.disk, &*files.dir, files.store_id);
            let edit = std::mem::take(&mut self.edit);
            if self.tokens.is_empty() {
                Manifest::open(disk, dir, id)?.append(edit)?;
            } else {
                // No edit takes tokens out: the manifest is written anew without them.
                let (mut state, last) = Manifest::read(disk, dir, id)?;
                let corrupt = |what| CorruptError { path: dir.join(MANIFEST), offset: 0, what };
                state.apply(edit).map_err(corrupt)?;
                state.tokens.retain(|token| !self.tokens.contains(token));
                Manifest::replace(disk, dir, id, random::salt(), &state, last)?;
            }
        }
        for path in self.gone.drain(..) {
            files.disk.remove(&path)?;
        }
        Ok(())
    }

    fn rebuild_catalog(&mut self) -> Result<(), RepairError> {
        let survey = self.survey;
        let files = &survey.files;
        if self.names.contains(CATALOG) {
            let to = self.free_place(CATALOG)?;
            files.disk.rename(&files.dir.join(CATALOG), &to)?;
            files.disk.sync_dir(&files.dir)?;
            self.done.moved.push(to);
        }
        let catalog = Catalog::new(Arc::clone(&files.disk), &files.dir, files.store_id);
        let definitions = Arc::new(survey.definitions.clone());
        // The store does not depend on it: it is made at the next change as well.
        let _ = catalog.follow(survey.edits + survey.log.last, &definitions);
        Ok(())
    }
}
