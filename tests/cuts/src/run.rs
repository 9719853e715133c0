//! Steps on a disk, and what may be found there when the power goes during them.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::ControlFlow;
use std::path::Path;
use std::sync::Arc;

use throng_storage::erasure::Deletion;
use throng_storage::index::IndexBuilder;
use throng_storage::names::NameTable;
use throng_storage::store::{
    BackupError, BackupOptions, Beside, BulkOptions, Definition, Faults, IfUnknown, Links,
    OpenError, Settings, Store, Tuning, Verify, WriteError,
};

use crate::disk::SimDisk;
use crate::image::{BACKUP_DIR, Image, Op, RESTORED_DIR, STORE_DIR};
use crate::model::{Model, columns_of};
use crate::script::{Batch, Deleted, Ending, Load, Step};

/// A store, or none.
pub type Content = Option<Arc<Model>>;

/// What may be found from an operation on.
#[derive(Debug, Clone)]
pub struct Expected {
    /// Operations before.
    pub from: usize,
    /// The store is one of these.
    pub live: Vec<Content>,
    /// The backup is one of these.
    pub backup: Vec<Content>,
}

/// Why a step did not end.
#[derive(Debug)]
pub enum Trouble {
    /// It was refused, and says why.
    Refused(Refusal),
    /// Something is not as it must be.
    Wrong(String),
}

/// What a store said.
#[derive(Debug)]
pub enum Refusal {
    /// To open or to make it.
    Open(OpenError),
    /// To write.
    Write(WriteError),
    /// To back up or to restore.
    Backup(BackupError),
}

impl std::fmt::Display for Refusal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Open(error) => error.fmt(f),
            Self::Write(error) => error.fmt(f),
            Self::Backup(error) => error.fmt(f),
        }
    }
}

impl std::fmt::Display for Trouble {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Refused(refusal) => write!(f, "refused: {refusal}"),
            Self::Wrong(what) => f.write_str(what),
        }
    }
}

impl From<OpenError> for Trouble {
    fn from(error: OpenError) -> Self {
        Self::Refused(Refusal::Open(error))
    }
}

impl From<WriteError> for Trouble {
    fn from(error: WriteError) -> Self {
        Self::Refused(Refusal::Write(error))
    }
}

impl From<BackupError> for Trouble {
    fn from(error: BackupError) -> Self {
        Self::Refused(Refusal::Backup(error))
    }
}

/// Operations, and what may be found after each.
#[derive(Debug)]
pub struct Trace {
    /// The disk before.
    pub start: Image,
    /// The operations.
    pub ops: Vec<Op>,
    /// By their first operation.
    pub history: Vec<Expected>,
}

impl Trace {
    /// What may be found after so many operations.
    #[must_use]
    pub fn expected(&self, ops: usize) -> &Expected {
        let at = self.history.partition_point(|expected| expected.from <= ops);
        &self.history[at.saturating_sub(1)]
    }
}

/// Does steps.
#[derive(Debug)]
pub struct Runner {
    /// The disk.
    pub disk: SimDisk,
    faults: Faults,
    store: Option<Store>,
    tokens: BTreeSet<String>,
    history: Vec<Expected>,
    /// Who was forgotten here, and was not named since.
    forgotten: BTreeSet<String>,
}

fn settings() -> Settings {
    Settings { time_zone: "Asia/Shanghai".into(), currency: "CNY".into(), exponent: 2 }
}

/// Small limits, so that everything happens within few rows; one builder, so that operations have
/// one order.
fn tuning() -> Tuning {
    Tuning {
        checkpoint_rows: 40,
        checkpoint_bytes: 4_000,
        tail_keys: 12,
        tail_bytes: 1 << 20,
        segment_rows: 16,
        manifest_bytes: 700,
        builders: 1,
        beside_rows: u64::MAX,
        beside: Beside::Nobody,
    }
}

impl Runner {
    /// Steps begin on a disk of which this is known.
    #[must_use]
    pub fn new(disk: SimDisk, expected: Expected, tokens: BTreeSet<String>) -> Self {
        let faults = Faults { disk: Arc::new(disk.clone()), tuning: tuning() };
        let history = vec![Expected { from: 0, ..expected }];
        Self { disk, faults, store: None, tokens, history, forgotten: BTreeSet::new() }
    }

    /// The operations so far, and what may be found after each.
    #[must_use]
    pub fn into_trace(mut self, start: Image) -> Trace {
        self.store = None;
        Trace { start, ops: self.disk.take_ops(), history: self.history }
    }

    /// What may be found now.
    #[must_use]
    pub fn expected(&self) -> &Expected {
        self.history.last().expect("it begins with one")
    }

    /// The open store.
    #[must_use]
    pub fn store(&self) -> Option<&Store> {
        self.store.as_ref()
    }

    fn expect_live(&mut self, live: Vec<Content>) {
        let backup = self.expected().backup.clone();
        self.history.push(Expected { from: self.disk.ops(), live, backup });
    }

    fn expect_backup(&mut self, backup: Vec<Content>) {
        let live = self.expected().live.clone();
        self.history.push(Expected { from: self.disk.ops(), live, backup });
    }

    /// Does a step.
    ///
    /// # Errors
    /// When it is refused, or finds what it must not.
    pub fn step(&mut self, step: &Step) -> Result<(), Trouble> {
        self.forgotten.retain(|one| !step.consumers().contains(one));
        match step {
            Step::Open => self.open(),
            Step::Restore => self.restore(),
            Step::Backup(links) => self.backup(*links),
            Step::Checkpoint => Ok(self.opened()?.checkpoint()?),
            Step::Advance => Ok(Faults::advance(self.opened()?)?),
            Step::Compact(depth, stop) => {
                let mut left = *stop;
                self.opened()?.compact_step(*depth, &mut |_| onward(&mut left))?;
                Ok(())
            }
            Step::CompactAll(stop) => self.compact_all(*stop),
            Step::Forget(consumers) => {
                let candidates = self.begin(step)?;
                let identities: Vec<&[u8]> = consumers.iter().map(String::as_bytes).collect();
                let done = self.opened()?.forget(&identities, IfUnknown::Skip, None);
                self.end(&candidates, done.map(drop))?;
                self.forgotten.extend(consumers.iter().cloned());
                Ok(())
            }
            Step::Delete(deleted) => {
                let candidates = self.begin(step)?;
                let done = delete(self.opened()?, deleted);
                self.end(&candidates, done)
            }
            Step::Batches(batches) => self.batches(step, batches),
            Step::Define(changes) => {
                let candidates = self.begin(step)?;
                let change = |(name, value): &(String, Option<String>)| Definition {
                    kind: 1,
                    name: name.clone(),
                    value: value.clone().map(String::into_bytes),
                };
                let defined = self.opened()?.define(changes.iter().map(change).collect());
                self.end(&candidates, defined)
            }
            Step::Load(load) => {
                let candidates = self.begin(step)?;
                let loaded = bulk(self.opened()?, load);
                self.end(&candidates, loaded)
            }
        }
    }

    fn compact_all(&mut self, stop: Option<u32>) -> Result<(), Trouble> {
        let mut left = stop;
        let (_, flow) = self.opened()?.compact_all(&mut |_| onward(&mut left))?;
        if flow.is_break() {
            return Ok(());
        }
        let snapshot = self.opened()?.snapshot();
        if !snapshot.erasures().pending().is_empty() {
            return Err(Trouble::Wrong("merging everything left who was forgotten".to_owned()));
        }
        match self.disk.holding(Path::new(STORE_DIR), &self.forgotten) {
            Some(what) => Err(Trouble::Wrong(format!("after merging everything {what}"))),
            None => Ok(()),
        }
    }

    fn opened(&self) -> Result<&Store, Trouble> {
        self.store.as_ref().ok_or_else(|| Trouble::Wrong("no store is open".to_owned()))
    }

    /// Content before a step and after each of its effects; any of them may be found from now on.
    fn begin(&mut self, step: &Step) -> Result<Vec<Content>, Trouble> {
        let [Some(model)] = &*self.expected().live else {
            return Err(Trouble::Wrong("the store was not opened again".to_owned()));
        };
        let mut candidates: Vec<Content> = vec![Some(Arc::clone(model))];
        let mut model = Arc::clone(model);
        for effect in step.effects() {
            model = Arc::new(effect.on(&model));
            candidates.push(Some(Arc::clone(&model)));
        }
        self.expect_live(candidates.clone());
        Ok(candidates)
    }

    /// Notes what a step with at most one effect came to.
    fn end(&mut self, candidates: &[Content], did: Result<(), WriteError>) -> Result<(), Trouble> {
        match did {
            Ok(()) => self.expect_live(candidates[candidates.len() - 1..].to_vec()),
            // Either may be found.
            Err(WriteError::Unconfirmed(_)) => {}
            Err(_) => self.expect_live(candidates[..1].to_vec()),
        }
        Ok(did?)
    }

    fn batches(&mut self, step: &Step, batches: &[Batch]) -> Result<(), Trouble> {
        let candidates = self.begin(step)?;
        let mut tickets = Vec::new();
        let mut refused = None;
        for batch in batches {
            match append(self.opened()?, batch) {
                Ok(ticket) => tickets.push(ticket),
                Err(error) => {
                    refused = Some(error);
                    break;
                }
            }
        }
        let appended = tickets.len();
        let open = match &refused {
            // Whether it is in the log is not known.
            Some(WriteError::Unconfirmed(_)) => appended + 1,
            _ => appended,
        };
        for (done, ticket) in tickets.into_iter().enumerate() {
            self.expect_live(candidates[done..=open].to_vec());
            ticket.wait()?;
        }
        self.expect_live(candidates[appended..=open].to_vec());
        refused.map_or(Ok(()), |error| Err(error.into()))
    }

    fn open(&mut self) -> Result<(), Trouble> {
        self.store = None;
        let dir = Path::new(STORE_DIR);
        let candidates = self.expected().live.clone();
        let store = match self.faults.open(dir) {
            Err(OpenError::Missing { .. }) if candidates.contains(&None) => {
                let empty = Some(Arc::new(Model::default()));
                self.expect_live(vec![None, empty.clone()]);
                let store = self.faults.create(dir, &settings())?;
                self.expect_live(vec![empty]);
                store
            }
            opened => opened?,
        };
        let found = self.found(&store)?;
        let expected = &self.expected().live;
        if !expected.contains(&found) {
            return Err(Trouble::Wrong(difference("the store", &found, expected)));
        }
        self.expect_live(vec![found]);
        self.store = Some(store);
        Ok(())
    }

    fn found(&self, store: &Store) -> Result<Content, Trouble> {
        Ok(Some(Arc::new(Model::of(store, &self.tokens).map_err(Trouble::Wrong)?)))
    }

    fn backup(&mut self, links: Links) -> Result<(), Trouble> {
        let before = self.expected().backup.clone();
        let live = self.expected().live.clone();
        self.expect_backup(before.into_iter().chain(live.clone()).collect());
        let options = BackupOptions { links, verify: Verify::New };
        self.opened()?
            .backup(Path::new(BACKUP_DIR), options, &mut |_, _| ControlFlow::Continue(()))?;
        self.expect_backup(live);
        Ok(())
    }

    fn restore(&mut self) -> Result<(), Trouble> {
        if self.expected().backup.contains(&None) {
            return Ok(());
        }
        match self.faults.restore(Path::new(BACKUP_DIR), Path::new(RESTORED_DIR)) {
            Ok(_) | Err(BackupError::NotEmpty { .. }) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }

    /// Looks at every byte of the store, which is closed for it.
    ///
    /// # Errors
    /// The first finding.
    pub fn check(&mut self) -> Result<(), Trouble> {
        self.store = None;
        survey(&self.faults, STORE_DIR, self.expected().live.contains(&None))
    }

    /// Opens the backup and looks at every byte of it. It is written to then: use a copy of the
    /// disk.
    ///
    /// # Errors
    /// When it is none of those it may be.
    pub fn check_backup(&self) -> Result<(), Trouble> {
        let expected = &self.expected().backup;
        survey(&self.faults, BACKUP_DIR, expected.contains(&None))?;
        match self.faults.open(Path::new(BACKUP_DIR)) {
            Err(OpenError::Missing { .. }) if expected.contains(&None) => Ok(()),
            opened => {
                let found = self.found(&opened?)?;
                if expected.contains(&found) {
                    return Ok(());
                }
                Err(Trouble::Wrong(difference("the backup", &found, expected)))
            }
        }
    }

    /// A restored store is whole, or there is none.
    ///
    /// # Errors
    /// The first finding.
    pub fn check_restored(&self) -> Result<(), Trouble> {
        survey(&self.faults, RESTORED_DIR, true)
    }

    /// Whether the store answers as it should while it takes nothing.
    ///
    /// # Errors
    /// When it does not.
    pub fn check_readable(&self, before: &Model) -> Result<(), Trouble> {
        let Some(store) = &self.store else { return Ok(()) };
        let found = Model::of(store, &BTreeSet::new()).map_err(Trouble::Wrong)?;
        let expected = Model { tokens: BTreeSet::new(), ..before.clone() };
        if found == expected {
            return Ok(());
        }
        let (found, expected) = (Some(Arc::new(found)), [Some(Arc::new(expected))]);
        Err(Trouble::Wrong(difference("what is read", &found, &expected)))
    }
}

fn survey(faults: &Faults, dir: &str, may_miss: bool) -> Result<(), Trouble> {
    match faults.survey(Path::new(dir)) {
        Err(OpenError::Missing { .. }) if may_miss => Ok(()),
        opened => match opened?.check(&mut |_, _| {}).findings.first() {
            Some(finding) => Err(Trouble::Wrong(format!("check finds {finding}"))),
            None => Ok(()),
        },
    }
}

fn difference(what: &str, found: &Content, expected: &[Content]) -> String {
    format!("{what} is {found:?}, it may be {expected:?}")
}

/// Goes on so many times.
fn onward(left: &mut Option<u32>) -> ControlFlow<()> {
    match left {
        Some(0) => ControlFlow::Break(()),
        Some(left) => {
            *left -= 1;
            ControlFlow::Continue(())
        }
        None => ControlFlow::Continue(()),
    }
}

fn delete(store: &Store, deleted: &Deleted) -> Result<(), WriteError> {
    let id = |table, name: &str| store.names().get(table, name);
    // What has no name has no events.
    let Some(brand) = id(NameTable::Brand, &deleted.brand) else { return Ok(()) };
    let behaviours = match &deleted.behaviour {
        None => Vec::new(),
        Some(name) => match id(NameTable::Behaviour, name).map(u16::try_from) {
            Some(Ok(behaviour)) => vec![behaviour],
            _ => return Ok(()),
        },
    };
    let (first_day, last_day) = deleted.days;
    let deletion = Deletion { brand, behaviours, first_day, last_day };
    store.delete_events(&deletion, None).map(drop)
}

fn append(store: &Store, batch: &Batch) -> Result<throng_storage::store::Ticket, WriteError> {
    let mut writer = store.writer()?;
    let events = columns_of(&batch.rows, store.names(), &mut |table, keys, ids| {
        writer.intern(table, keys, ids)
    })?;
    writer.append(batch.token.as_deref(), events)
}

fn bulk(store: &Store, load: &Load) -> Result<(), WriteError> {
    let options = BulkOptions { token: load.batch.token.clone(), memory: load.memory };
    let mut bulk = store.bulk(options)?;
    let mut ids = BTreeMap::new();
    for rows in load.batch.rows.chunks(10) {
        let events =
            columns_of(rows, store.names(), &mut |table, keys, ids| bulk.intern(table, keys, ids))?;
        ids.extend(rows.iter().map(|row| row.names[0].clone()).zip(events.consumer.clone()));
        bulk.push(events)?;
    }
    match &load.index {
        Some((key, Some(members))) => {
            let mut builder = IndexBuilder::new(Vec::new());
            let members = load.members(*members);
            let members: BTreeSet<u32> =
                members.iter().filter_map(|name| ids.get(name)).copied().collect();
            builder.add_set(members);
            bulk.put_index(key, builder.finish(7))?;
        }
        Some((key, None)) => bulk.drop_index(key),
        None => {}
    }
    if let Some((name, value)) = &load.definition {
        let value = Some(value.clone().into_bytes());
        bulk.define(Definition { kind: 1, name: name.clone(), value });
    }
    match load.ending {
        Ending::Commit => bulk.commit(&mut |_, _| {}).map(drop),
        Ending::GiveUp => Ok(()),
    }
}
