//! Cuts at every operation of a script, and again during what follows each.

use std::collections::BTreeSet;
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

use rand::{RngExt, SeedableRng};
use rand_pcg::Pcg64;

use crate::disk::{Honesty, SimDisk};
use crate::image::{BACKUP_DIR, Image, RESTORED_DIR};
use crate::run::{Expected, Runner, Trace, Trouble};
use crate::script::{Step, Thrower, tokens};
use crate::survivors::{Choice, Survivors};

/// Cuts on the way to a state at most.
const DEPTH_MAX: usize = 3;
/// Amounts of events after the first, second, ... cut begin at multiples of this.
const AMOUNTS: i64 = 1_000_000;

/// A cut: after how many operations, and which of the ways the disk was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cut {
    /// Operations before it.
    pub ops: usize,
    /// 0 the least, 1 the most, else random.
    pub choice: u64,
}

impl fmt::Display for Cut {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.ops, self.choice)
    }
}

/// A state that is not as it must be.
#[derive(Debug)]
pub struct Failure {
    /// The seed.
    pub seed: u64,
    /// The script thrown with it.
    pub script: u64,
    /// The steps of it that are needed.
    pub kept: Vec<usize>,
    /// What these are.
    pub steps: Vec<Step>,
    /// The cuts.
    pub cuts: Vec<Cut>,
    /// What is wrong.
    pub what: String,
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kept: Vec<String> = self.kept.iter().map(usize::to_string).collect();
        let cuts: Vec<String> = self.cuts.iter().map(Cut::to_string).collect();
        writeln!(f, "{}", self.what)?;
        for (at, step) in self.kept.iter().zip(&self.steps) {
            writeln!(f, "  step {at}: {step:?}")?;
        }
        write!(
            f,
            "again: cargo power-cuts -- --seed {} --script {} --keep {} --at {}",
            self.seed,
            self.script,
            kept.join(","),
            cuts.join(",")
        )
    }
}

/// What is looked for, and how much was.
#[derive(Debug)]
pub struct Search {
    /// Everything follows from it.
    pub seed: u64,
    /// Random ways at each cut, beside the least and the most.
    pub choices: u64,
    /// The disk.
    pub honesty: Honesty,
    /// States verified, by cuts on the way.
    pub states: [AtomicU64; DEPTH_MAX],
    /// Whether to end.
    pub stop: AtomicBool,
}

/// Numbers that follow from others.
pub(crate) fn dice(numbers: impl IntoIterator<Item = u64>) -> Pcg64 {
    let mut seed = 0x243f_6a88_85a3_08d3;
    for number in numbers {
        seed = (seed ^ number).wrapping_mul(0x9e37_79b9_7f4a_7c15).rotate_left(29) ^ (seed >> 7);
    }
    Pcg64::seed_from_u64(seed)
}

impl Search {
    /// A search that has not begun.
    #[must_use]
    pub fn new(seed: u64, choices: u64, honesty: Honesty) -> Self {
        let (states, stop) = ([0, 0, 0].map(AtomicU64::new), AtomicBool::new(false));
        Self { seed, choices, honesty, states, stop }
    }

    /// States verified.
    #[must_use]
    pub fn total(&self) -> u64 {
        self.states.iter().map(|states| states.load(Ordering::Relaxed)).sum()
    }

    /// The steps of a script.
    #[must_use]
    pub fn steps(&self, script: u64) -> Vec<Step> {
        Thrower::new(&mut dice([self.seed, script]), 0).script()
    }

    /// Every token that is used with a script or after it.
    pub(crate) fn tokens(steps: &[Step]) -> BTreeSet<String> {
        let more = (0..5).map(|number| format!("t{number}"));
        tokens(steps).into_iter().chain(more).collect()
    }

    /// Does steps on an empty disk.
    fn trace(&self, steps: &[Step]) -> Result<Trace, Trouble> {
        let (start, nothing) =
            (Image::empty(), Expected { from: 0, live: vec![None], backup: vec![None] });
        let disk = SimDisk::new(&start, self.honesty);
        let mut runner = Runner::new(disk, nothing, Self::tokens(steps));
        for step in steps {
            runner.step(step)?;
        }
        Ok(runner.into_trace(start))
    }

    /// Explores a script; a failure is made as short as it gets.
    ///
    /// # Errors
    /// The shortest failure found.
    pub fn script(&self, script: u64) -> Result<(), Box<Failure>> {
        let steps = self.steps(script);
        let all: Vec<usize> = (0..steps.len()).collect();
        let Err(mut failure) = self.explore(script, &all, &steps) else { return Ok(()) };
        let mut at = 1;
        while at < failure.kept.len() {
            let mut kept = failure.kept.clone();
            kept.remove(at);
            let fewer: Vec<Step> = kept.iter().map(|&at| steps[at].clone()).collect();
            match self.explore(script, &kept, &fewer) {
                Err(shorter) => failure = shorter,
                Ok(()) => at += 1,
            }
        }
        Err(failure)
    }

    /// Explores some steps of a script.
    ///
    /// # Errors
    /// The first failure found.
    pub fn explore(&self, script: u64, kept: &[usize], steps: &[Step]) -> Result<(), Box<Failure>> {
        let fail = |cuts: &[Cut], what: String| {
            let (kept, steps, cuts) = (kept.to_vec(), steps.to_vec(), cuts.to_vec());
            Box::new(Failure { seed: self.seed, script, kept, steps, cuts, what })
        };
        let trace = self.trace(steps).map_err(|trouble| fail(&[], trouble.to_string()))?;
        let state = State { search: self, script, tokens: Self::tokens(steps) };
        let mut failure = None;
        state.cut(&trace, &mut Vec::new(), &mut failure);
        failure.map_or(Ok(()), |(cuts, what)| Err(fail(&cuts, what)))
    }

    /// Does one failure again.
    ///
    /// # Errors
    /// What is wrong.
    pub fn again(&self, script: u64, kept: &[usize], cuts: &[Cut]) -> Result<(), String> {
        let all = self.steps(script);
        let steps: Vec<Step> = kept.iter().filter_map(|&at| all.get(at).cloned()).collect();
        let state = State { search: self, script, tokens: Self::tokens(&steps) };
        let mut trace = self.trace(&steps).map_err(|trouble| trouble.to_string())?;
        for at in 0..cuts.len() {
            trace = state.verify(&trace, &cuts[..=at])?;
        }
        Ok(())
    }
}

/// One script being explored.
pub(crate) struct State<'s> {
    pub(crate) search: &'s Search,
    pub(crate) script: u64,
    pub(crate) tokens: BTreeSet<String>,
}

impl State<'_> {
    fn dice(&self, cuts: &[Cut], what: u64) -> Pcg64 {
        let cuts = cuts.iter().flat_map(|cut| [cut.ops as u64, cut.choice]);
        dice([self.search.seed, self.script, what].into_iter().chain(cuts))
    }

    /// Cuts a trace: the first everywhere, later ones somewhere.
    fn cut(&self, trace: &Trace, cuts: &mut Vec<Cut>, failure: &mut Option<(Vec<Cut>, String)>) {
        let depth = cuts.len();
        let mut random = self.dice(cuts, 1);
        let few = 1 + usize::from(depth == 1 && random.random_range(0..2) == 0);
        let chosen: BTreeSet<usize> =
            (0..few).map(|_| random.random_range(0..trace.ops.len().max(1))).collect();
        let mut survivors = Survivors::new(&trace.start);
        for (done, op) in (1..).zip(&trace.ops) {
            if !survivors.apply(op) || (depth > 0 && !chosen.contains(&(done - 1))) {
                continue;
            }
            let ways = match depth {
                _ if survivors.is_certain() => 0..1,
                0 => 0..2 + self.search.choices,
                _ => 2..3,
            };
            for choice in ways {
                if failure.is_some() || self.search.stop.load(Ordering::Relaxed) {
                    return;
                }
                cuts.push(Cut { ops: done, choice });
                match self.verify_at(&survivors, trace, cuts) {
                    Ok(after) => {
                        self.search.states[depth].fetch_add(1, Ordering::Relaxed);
                        if cuts.len() < DEPTH_MAX {
                            self.cut(&after, cuts, failure);
                        }
                    }
                    Err(what) => *failure = Some((cuts.clone(), what)),
                }
                cuts.pop();
            }
        }
    }

    /// The state after the last cut of a trace; what was done with it.
    pub(crate) fn verify(&self, trace: &Trace, cuts: &[Cut]) -> Result<Trace, String> {
        let ops = cuts.last().map_or(0, |cut| cut.ops);
        let mut survivors = Survivors::new(&trace.start);
        trace.ops.iter().take(ops).for_each(|op| {
            survivors.apply(op);
        });
        self.verify_at(&survivors, trace, cuts)
    }

    fn verify_at(
        &self,
        survivors: &Survivors,
        trace: &Trace,
        cuts: &[Cut],
    ) -> Result<Trace, String> {
        let (ops, choice) = cuts.last().map_or((0, 0), |cut| (cut.ops, cut.choice));
        let choice = match choice {
            0 => Choice::Least,
            1 => Choice::Most,
            _ => Choice::Random,
        };
        let mut random = self.dice(cuts, 2);
        let image = survivors.found(choice, &mut random);
        let expected = trace.expected(ops);
        let verify = || self.recover(&image, expected, cuts.len(), &mut random);
        match catch_unwind(AssertUnwindSafe(verify)) {
            Ok(done) => done.map_err(|trouble| trouble.to_string()),
            Err(_) => Err("a panic".to_owned()),
        }
    }

    /// Opens what was found, compares, goes on a little, and looks at every byte.
    fn recover(
        &self,
        image: &Image,
        expected: &Expected,
        depth: usize,
        random: &mut Pcg64,
    ) -> Result<Trace, Trouble> {
        let on = |image: &Image| {
            let disk = SimDisk::new(image, self.search.honesty);
            Runner::new(disk, expected.clone(), self.tokens.clone())
        };
        if random.random_range(0..4) == 0 {
            // Before anything is put in order nothing is wrong either.
            on(image).check()?;
        }
        if image.dirs.contains(Path::new(BACKUP_DIR)) && random.random_range(0..2) == 0 {
            on(image).check_backup()?;
        }
        if image.dirs.contains(Path::new(RESTORED_DIR)) {
            on(image).check_restored()?;
        }
        let mut runner = on(image);
        runner.step(&Step::Open)?;
        let first = AMOUNTS * i64::try_from(depth).unwrap_or_default();
        let mut thrower = Thrower::new(random, first);
        let steps = thrower.afterwards();
        let told = |trouble: Trouble| Trouble::Wrong(format!("{trouble}; afterwards {steps:?}"));
        for step in &steps {
            runner.step(step).map_err(told)?;
        }
        runner.check().map_err(told)?;
        Ok(runner.into_trace(image.clone()))
    }
}

/// Explores scripts on some threads until so many states were verified. `progress` is told now
/// and then.
///
/// # Errors
/// The first failure, made short.
pub fn explore(
    search: &Search,
    states: u64,
    threads: usize,
    progress: &(dyn Fn() + Sync),
) -> Result<u64, Box<Failure>> {
    let next = AtomicU64::new(0);
    let failed = Mutex::new(None);
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                while search.total() < states && !search.stop.load(Ordering::Relaxed) {
                    let script = next.fetch_add(1, Ordering::Relaxed);
                    if let Err(failure) = search.script(script) {
                        search.stop.store(true, Ordering::Relaxed);
                        *failed.lock().unwrap_or_else(PoisonError::into_inner) = Some(failure);
                    }
                    progress();
                }
            });
        }
    });
    match failed.into_inner().unwrap_or_else(PoisonError::into_inner) {
        Some(failure) => Err(failure),
        None => Ok(next.load(Ordering::Relaxed)),
    }
}
