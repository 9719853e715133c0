//! The database: what an embedding program holds.

use std::ops::ControlFlow;
use std::path::Path;
use std::sync::{Arc, Mutex};

use throng_query::plan::{PLAN_VERSION, Plan, Statement};
use throng_storage::names::NameTable;
use throng_storage::store::{
    BackupOptions, BackupReport, Compacted, CompactionProgress, Outcome, Progress, Settings, Store,
    restore,
};

use crate::answer::Answer;
use crate::behaviour::BUILT_IN;
use crate::compactor::{CompactionOptions, Compactor};
use crate::currency;
use crate::error::{DatabaseError, DefinitionError, ExecuteError};
use crate::ingest::{EventBatch, IngestError, ingest};
use crate::memo::Memo;
pub use crate::options::{
    BackupPlaces, Cancel, CreateOptions, Effect, ExecuteOptions, Length, MEMORY_DEFAULT, Method,
    Parameter, ParameterType, Prepared, Probe, UseMemo,
};
use crate::present::Present;
use crate::reader::Reader;
use crate::statement::{backup, define, erase};
use crate::time::Zone;
use crate::view::View;
use crate::vitals::Vitals;

/// An open store that answers statements. Threads share it by reference or in an `Arc`.
#[derive(Debug)]
pub struct Database {
    // Dropped first: it works on the store.
    compactor: Compactor,
    present: Arc<Present>,
    zone: Arc<Zone>,
    vitals: Arc<Vitals>,
    /// Held while a definition is checked against the others and stored.
    defining: Mutex<()>,
}

impl Database {
    /// Makes a store in a directory that does not exist or is empty.
    ///
    /// # Errors
    /// When the time zone or currency is not known, or the directory cannot be used.
    pub fn create(path: &Path, options: &CreateOptions) -> Result<Self, DatabaseError> {
        Self::create_with(path, options, CompactionOptions::default())
    }

    /// As [`Self::create`], choosing how segments are merged in the background.
    ///
    /// # Errors
    /// As [`Self::create`].
    pub fn create_with(
        path: &Path,
        options: &CreateOptions,
        compaction: CompactionOptions,
    ) -> Result<Self, DatabaseError> {
        let zone = Zone::new(&options.time_zone)?;
        let settings = Settings {
            time_zone: options.time_zone.clone(),
            currency: options.currency.clone(),
            exponent: currency::exponent(&options.currency)?,
        };
        Self::over(Store::create(path, &settings)?, zone, compaction)
    }

    /// Opens a store.
    ///
    /// # Errors
    /// When there is none, another process has it, or its bytes cannot be trusted.
    pub fn open(path: &Path) -> Result<Self, DatabaseError> {
        Self::open_with(path, CompactionOptions::default())
    }

    /// As [`Self::open`], choosing how segments are merged in the background.
    ///
    /// # Errors
    /// As [`Self::open`].
    pub fn open_with(path: &Path, compaction: CompactionOptions) -> Result<Self, DatabaseError> {
        let store = Store::open(path)?;
        let zone = Zone::new(&store.settings().time_zone)?;
        Self::over(store, zone, compaction)
    }

    fn over(
        store: Store,
        zone: Zone,
        compaction: CompactionOptions,
    ) -> Result<Self, DatabaseError> {
        // Also when opening: a store that was made and closed without any commit has none yet.
        for name in BUILT_IN {
            let interned = store.names().intern(NameTable::Behaviour, name);
            interned.map_err(DefinitionError::from)?;
        }
        let vitals = Arc::new(Vitals::new(store.dir(), compaction));
        let present = Arc::new(Present::new(store));
        let compactor = Compactor::start(&present, compaction);
        Ok(Self { compactor, present, zone: Arc::new(zone), vitals, defining: Mutex::new(()) })
    }

    /// Runs one statement.
    ///
    /// # Errors
    /// See [`DatabaseError`].
    pub fn query(&self, text: &str) -> Result<Answer, DatabaseError> {
        self.execute(text, &[], &ExecuteOptions::default())
    }

    /// Parses and binds one statement without running it.
    ///
    /// # Errors
    /// See [`DatabaseError`].
    pub fn prepare(&self, text: &str) -> Result<Prepared, DatabaseError> {
        self.snapshot()?.prepare(text)
    }

    /// Runs one statement with parameters and bounds.
    ///
    /// # Errors
    /// See [`DatabaseError`].
    pub fn execute(
        &self,
        text: &str,
        parameters: &[Parameter],
        options: &ExecuteOptions,
    ) -> Result<Answer, DatabaseError> {
        let reader = self.present_for(options)?;
        let plan = reader.bind(text, parameters)?;
        self.run(&reader, &plan, options)
    }

    /// Runs a plan, which may have been bound elsewhere.
    ///
    /// # Errors
    /// See [`DatabaseError`]. A plan of another version is refused.
    pub fn execute_plan(
        &self,
        plan: &Plan,
        options: &ExecuteOptions,
    ) -> Result<Answer, DatabaseError> {
        if plan.version != PLAN_VERSION {
            let (found, expected) = (plan.version, PLAN_VERSION);
            return Err(ExecuteError::PlanVersion { found, expected }.into());
        }
        self.run(&self.present_for(options)?, plan, options)
    }

    fn run(
        &self,
        reader: &Reader,
        plan: &Plan,
        options: &ExecuteOptions,
    ) -> Result<Answer, DatabaseError> {
        if options.length == Length::Brief {
            // What changes the store is never brief.
            return reader.run(plan, options);
        }
        let _running = matches!(
            plan.statement,
            Statement::Create(_) | Statement::Forget(_) | Statement::DeleteEvents(_)
        )
        .then(|| self.vitals.begin());
        match &plan.statement {
            Statement::Create(create) => define::create(self, create, options),
            Statement::AlterModel { model, missing } => {
                define::alter(self, model, *missing, options)
            }
            Statement::Drop { kind, name, brand, missing } => {
                define::drop(self, *kind, name, brand.as_deref(), *missing)
            }
            Statement::Forget(forget) => erase::forget(self, forget, &plan.columns, options),
            Statement::DeleteEvents(delete) => erase::delete(self, delete, &plan.columns, options),
            Statement::Backup(what) => backup::run(self, what, &plan.columns, options),
            _ => reader.run(plan, options),
        }
    }

    /// Keeps a batch of events: all of it or nothing. On return it is durable and visible. A batch
    /// whose token was given before changes nothing.
    ///
    /// # Errors
    /// See [`IngestError`].
    pub fn ingest(
        &self,
        batch: &EventBatch,
        token: Option<&str>,
    ) -> Result<Outcome, DatabaseError> {
        let view = self.view()?;
        ingest(self.store(), &view, &self.zone, batch, token).map_err(IngestError::into)
    }

    /// The present, held for any number of statements.
    ///
    /// # Errors
    /// When stored definitions cannot be read.
    pub fn snapshot(&self) -> Result<Reader, DatabaseError> {
        Ok(self.reader(self.view()?))
    }

    /// The present for one statement. A brief one waits for nothing to be resolved.
    fn present_for(&self, options: &ExecuteOptions) -> Result<Reader, DatabaseError> {
        match options.length {
            Length::Any => self.snapshot(),
            Length::Brief => {
                let view = self.present.ready_view().ok_or(ExecuteError::TakesLonger)?;
                Ok(self.reader(view))
            }
        }
    }

    fn reader(&self, view: Arc<View>) -> Reader {
        let (zone, vitals) = (Arc::clone(&self.zone), Arc::clone(&self.vitals));
        Reader::new(view, zone, self.store().settings().clone(), vitals)
    }

    /// The present, resolved.
    ///
    /// # Errors
    /// When stored definitions cannot be read.
    pub fn view(&self) -> Result<Arc<View>, DefinitionError> {
        self.present.view()
    }

    /// Whether [`Self::view`] has nothing to resolve and waits for nobody.
    #[must_use]
    pub fn is_ready(&self) -> bool {
        self.present.ready_view().is_some()
    }

    /// Writes what is in memory to files and merges segments until every block of days is one run
    /// of them: blocks of one day for the newest, of 8 and then of 64 days for the older ones. It
    /// takes all the time it needs, of two cores when there is much; statements and batches go on
    /// meanwhile. `progress` is called again and again; `Break` ends the merging, and what was
    /// merged before stays.
    ///
    /// # Errors
    /// When a file cannot be written or read; then the store is as it was before that merge.
    pub fn compact(
        &self,
        progress: &mut dyn FnMut(CompactionProgress) -> ControlFlow<()>,
    ) -> Result<(Compacted, ControlFlow<()>), DatabaseError> {
        let _hold = self.compactor.hold();
        self.store().checkpoint()?;
        let done = self.store().compact_all(progress);
        self.present.renew_view();
        Ok(done?)
    }

    /// Copies the present to a directory: new, empty, or with an earlier backup of this store, of
    /// which is kept what is still the same. Writers go on; whatever stops it, the directory holds
    /// the earlier backup, the new one, or no store. `progress` is told (done, total) bytes.
    ///
    /// # Errors
    /// When the directory holds something else, or a file is damaged or cannot be copied.
    pub fn backup(
        &self,
        dir: &Path,
        options: BackupOptions,
        progress: &mut dyn FnMut(u64, u64),
    ) -> Result<BackupReport, DatabaseError> {
        let mut told = |done, total| {
            progress(done, total);
            ControlFlow::Continue(())
        };
        self.backup_until(dir, options, &mut told)
    }

    /// As [`Self::backup`]; it is given up when `progress` says `Break`.
    ///
    /// # Errors
    /// As [`Self::backup`], or that it was stopped.
    pub fn backup_until(
        &self,
        dir: &Path,
        options: BackupOptions,
        progress: &mut Progress<'_>,
    ) -> Result<BackupReport, DatabaseError> {
        Ok(self.store().backup(dir, options, progress)?)
    }

    /// Makes a store of a backup, in a directory that does not exist or is empty: a copy, verified
    /// by its checksums, and opened. `progress` is told (done, total) bytes.
    ///
    /// # Errors
    /// When the backup is damaged or in use, or the directory cannot be used.
    pub fn restore(
        backup: &Path,
        path: &Path,
        progress: &mut dyn FnMut(u64, u64),
    ) -> Result<Self, DatabaseError> {
        restore(backup, path, progress)?;
        Self::open(path)
    }

    /// Sets that were asked for before, kept for statements to come.
    pub fn memo(&self) -> &Memo {
        self.present.memo()
    }

    /// The store below, for loading.
    pub fn store(&self) -> &Store {
        self.present.store()
    }

    /// The store's time zone.
    pub fn zone(&self) -> &Zone {
        &self.zone
    }

    /// Lets go of files that the newest view holds and the store has no more.
    pub(crate) fn renew_view(&self) {
        self.present.renew_view();
    }

    /// Stops merging in the background while it is held.
    pub(crate) fn hold_compactor(&self) -> impl Drop + '_ {
        self.compactor.hold()
    }

    pub(crate) fn defining(&self) -> &Mutex<()> {
        &self.defining
    }
}
