//! One error at each call of a script, of each kind, once and until the disk is repaired.
//!
//! The call that fails says what it could not do, and to what. Nothing acknowledged is lost and
//! nothing is there in part; the store goes on when the fault is over, except after a sync that
//! failed (or a log that could not be cut back): then it answers, takes nothing, and is right when
//! it is opened again. A power cut at any moment afterwards takes nothing either.

use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

use rand::RngExt;
use throng_storage::io::Action;
use throng_storage::store::{BackupError, WriteError};

use crate::disk::SimDisk;
use crate::errors::{ErrorClass, ErrorPlan, Injected, Lasting};
use crate::explore::{Search, State, dice};
use crate::image::Image;
use crate::run::{Content, Expected, Refusal, Runner, Trouble};
use crate::script::Step;

/// Refused steps after which a disk that fails for good is repaired.
const REFUSALS_MAX: u32 = 2;
/// Cuts of the power after each error.
const CUTS: u64 = 2;

/// What a sweep did.
#[derive(Debug, Default)]
pub struct Sweep {
    /// Scripts.
    pub scripts: AtomicU64,
    /// Runs with an error.
    pub runs: AtomicU64,
    /// Steps that were refused.
    pub refused: AtomicU64,
    /// Stores that had to be opened again.
    pub read_only: AtomicU64,
    /// Power cuts after an error.
    pub cuts: AtomicU64,
}

/// A run that did not go as it must.
#[derive(Debug)]
pub struct SweepFailure {
    seed: u64,
    script: u64,
    plan: ErrorPlan,
    steps: Vec<Step>,
    what: String,
}

impl fmt::Display for SweepFailure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}: {}", self.plan, self.what)?;
        self.steps.iter().try_for_each(|step| writeln!(f, "  {step:?}"))?;
        let (seed, script) = (self.seed, self.script);
        write!(f, "again: cargo power-cuts -- --sweep --seed {seed} --script {script}")
    }
}

/// A run being judged.
struct Run<'r> {
    sweep: &'r Sweep,
    runner: Runner,
    plan: ErrorPlan,
    repaired: bool,
    refused: u32,
    must_open: bool,
}

impl Sweep {
    /// Sweeps one script; every `stride`th call of it.
    ///
    /// # Errors
    /// The first run that did not go as it must.
    pub fn script(
        &self,
        search: &Search,
        script: u64,
        stride: usize,
    ) -> Result<(), Box<SweepFailure>> {
        self.steps(search, script, &search.steps(script), stride)
    }

    /// Sweeps steps that may be written down; every `stride`th call of them.
    ///
    /// # Errors
    /// The first run that did not go as it must.
    pub fn steps(
        &self,
        search: &Search,
        script: u64,
        steps: &[Step],
        stride: usize,
    ) -> Result<(), Box<SweepFailure>> {
        let disk = SimDisk::new(&Image::empty(), search.honesty);
        let mut runner = Self::runner(&disk, steps);
        let never = ErrorPlan { call: 0, class: ErrorClass::Io, lasting: Lasting::Once };
        let fail = |plan: ErrorPlan, what: String| {
            let (seed, steps) = (search.seed, steps.to_vec());
            Box::new(SweepFailure { seed, script, plan, steps, what })
        };
        for step in steps {
            runner.step(step).map_err(|trouble| fail(never, trouble.to_string()))?;
        }
        drop(runner);
        for (call, action) in (1..).zip(disk.actions()).step_by(stride) {
            for class in ErrorClass::ALL.into_iter().filter(|class| class.is_of(action)) {
                for lasting in [Lasting::Once, Lasting::Sticky] {
                    if search.stop.load(Ordering::Relaxed) {
                        return Ok(());
                    }
                    let plan = ErrorPlan { call, class, lasting };
                    self.run(search, script, steps, plan).map_err(|what| fail(plan, what))?;
                }
            }
        }
        self.scripts.fetch_add(1, Ordering::Relaxed);
        Ok(())
    }

    fn runner(disk: &SimDisk, steps: &[Step]) -> Runner {
        let nothing = Expected { from: 0, live: vec![None], backup: vec![None] };
        Runner::new(disk.clone(), nothing, Search::tokens(steps))
    }

    fn run(
        &self,
        search: &Search,
        script: u64,
        steps: &[Step],
        plan: ErrorPlan,
    ) -> Result<(), String> {
        self.runs.fetch_add(1, Ordering::Relaxed);
        let start = Image::empty();
        let disk = SimDisk::new(&start, search.honesty);
        disk.set_plan(Some(plan));
        let runner = Self::runner(&disk, steps);
        let mut run =
            Run { sweep: self, runner, plan, repaired: false, refused: 0, must_open: false };
        for step in steps {
            run.step(step)?;
        }
        run.repair();
        run.step(&Step::Open)?;
        run.runner.check().map_err(|trouble| trouble.to_string())?;
        let trace = run.runner.into_trace(start);
        let Some(first) = disk.injected().first().map(|injected| injected.ops) else {
            return Ok(());
        };
        let state = State { search, script, tokens: Search::tokens(steps) };
        let mut random = dice([search.seed, script, plan.call, plan.class as u64]);
        for choice in 0..CUTS {
            let ops = random.random_range(first..=trace.ops.len());
            let cut = crate::explore::Cut { ops, choice: choice * 2 };
            state.verify(&trace, &[cut]).map_err(|what| format!("cut {cut}: {what}"))?;
            self.cuts.fetch_add(1, Ordering::Relaxed);
        }
        Ok(())
    }
}

impl Run<'_> {
    fn repair(&mut self) {
        self.repaired = true;
        self.runner.disk.set_plan(None);
    }

    /// Does a step, if need be after opening the store again and repairing the disk.
    fn step(&mut self, step: &Step) -> Result<(), String> {
        loop {
            let opening = self.must_open;
            match self.runner.step(if opening { &Step::Open } else { step }) {
                Ok(()) if opening => self.must_open = false,
                Ok(()) => return Ok(()),
                Err(Trouble::Wrong(what)) => return Err(what),
                Err(Trouble::Refused(refusal)) => self.judge(&refusal)?,
            }
        }
    }

    fn judge(&mut self, refusal: &Refusal) -> Result<(), String> {
        self.sweep.refused.fetch_add(1, Ordering::Relaxed);
        self.refused += 1;
        let injected = self.runner.disk.injected();
        let text = refusal.to_string();
        let named = injected.iter().any(|injected| {
            text.contains(&format!("cannot {} {}", injected.action, injected.path.display()))
                || text
                    .contains(&format!("{}: byte 0: the file cannot be", injected.path.display()))
        });
        if !named {
            return Err(format!("refused without saying what failed: {text}; it was {injected:?}"));
        }
        let is_read_only = is_read_only(refusal);
        // Of a manifest's rename that failed nobody knows what it made, unless there was no room.
        let of_room = matches!(self.plan.class, ErrorClass::NoSpace | ErrorClass::Quota);
        let may_be = |injected: &Injected| match injected.action {
            Action::Sync | Action::Truncate => true,
            Action::Rename => !of_room && injected.path.ends_with("MANIFEST.tmp"),
            _ => false,
        };
        if is_read_only && !injected.iter().any(may_be) {
            return Err(format!("read-only, and every sync was confirmed: {text}"));
        }
        if self.repaired && !is_read_only {
            return Err(format!("refused after the fault was over: {text}"));
        }
        if self.runner.store().is_some() {
            let live: Vec<Content> = self.runner.expected().live.clone();
            let mut read = live.iter().flatten().map(|model| self.runner.check_readable(model));
            if !read.any(|read| read.is_ok()) {
                return Err(format!("after `{text}` something else is read"));
            }
            if !is_read_only && live.len() > 1 {
                return Err(format!("it is not known whether the change is there: {text}"));
            }
        }
        if is_read_only {
            self.sweep.read_only.fetch_add(1, Ordering::Relaxed);
        }
        self.must_open = is_read_only || self.runner.store().is_none();
        if self.plan.lasting == Lasting::Once || self.refused >= REFUSALS_MAX {
            self.repair();
        }
        Ok(())
    }
}

fn is_read_only(refusal: &Refusal) -> bool {
    let error = match refusal {
        Refusal::Write(error) | Refusal::Backup(BackupError::Write(error)) => error,
        Refusal::Open(_) | Refusal::Backup(_) => return false,
    };
    matches!(error, WriteError::ReadOnly(_) | WriteError::Unconfirmed(_))
}

/// Sweeps scripts on some threads. `progress` is told after each.
///
/// # Errors
/// The first run that did not go as it must.
pub fn sweep(
    search: &Search,
    scripts: std::ops::Range<u64>,
    threads: usize,
    progress: &(dyn Fn(&Sweep) + Sync),
) -> Result<Sweep, Box<SweepFailure>> {
    let done = Sweep::default();
    let next = AtomicU64::new(scripts.start);
    let failed = Mutex::new(None);
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                loop {
                    let script = next.fetch_add(1, Ordering::Relaxed);
                    if script >= scripts.end || search.stop.load(Ordering::Relaxed) {
                        return;
                    }
                    if let Err(failure) = done.script(search, script, 1) {
                        search.stop.store(true, Ordering::Relaxed);
                        *failed.lock().unwrap_or_else(PoisonError::into_inner) = Some(failure);
                    }
                    progress(&done);
                }
            });
        }
    });
    match failed.into_inner().unwrap_or_else(PoisonError::into_inner) {
        Some(failure) => Err(failure),
        None => Ok(done),
    }
}
