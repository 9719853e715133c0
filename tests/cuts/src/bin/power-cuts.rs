//! `cargo power-cuts -- [--states N] [--seed N] [--minutes M] [--threads N] [--choices N]`: cuts
//! the power of stores and verifies so many states. `--script N --keep STEPS --at CUTS`: one again.
//!
//! `cargo power-cuts -- --sweep [--scripts N] [--seed N]`: an error at every call of N scripts.

use std::ops::Range;
use std::process::ExitCode;
use std::sync::Mutex;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use clap::Parser;
use throng_cuts::{Cut, Honesty, Search, Sweep, explore, sweep};

/// Cuts the power of stores at their operations, or gives an error at each call.
#[derive(Debug, Parser)]
struct Arguments {
    /// States to verify.
    #[arg(long, default_value_t = 100_000)]
    states: u64,
    /// Where chance begins.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Minutes after which it ends whatever was verified.
    #[arg(long)]
    minutes: Option<f64>,
    /// Threads; all cores when not given.
    #[arg(long)]
    threads: Option<usize>,
    /// What may be found after a cut: so many choices of each.
    #[arg(long, default_value_t = 4)]
    choices: u64,
    /// An error at every call of scripts instead of power cuts.
    #[arg(long)]
    sweep: bool,
    /// Scripts of a sweep.
    #[arg(long, default_value_t = 20)]
    scripts: u64,
    /// One script alone.
    #[arg(long)]
    script: Option<u64>,
    /// Of that script the steps that are kept, as 1,2,5.
    #[arg(long, default_value = "")]
    keep: String,
    /// Of that script the cuts, as OPERATION:CHOICE,OPERATION:CHOICE.
    #[arg(long, default_value = "")]
    at: String,
}

fn cuts(text: &str) -> Vec<Cut> {
    let cut = |text: &str| {
        let (ops, choice) = text.split_once(':')?;
        Some(Cut { ops: ops.parse().ok()?, choice: choice.parse().ok()? })
    };
    text.split(',').filter_map(cut).collect()
}

fn again(search: &Search, script: u64, keep: &str, at: &str) -> ExitCode {
    let kept: Vec<usize> = keep.split(',').filter_map(|at| at.parse().ok()).collect();
    match search.again(script, &kept, &cuts(at)) {
        Ok(()) => {
            println!("as it must be");
            ExitCode::SUCCESS
        }
        Err(what) => {
            println!("{what}");
            ExitCode::FAILURE
        }
    }
}

/// Says how far a sweep has come.
fn tell(sweep: &Sweep, start: Instant) {
    let count = |count: &std::sync::atomic::AtomicU64| count.load(Ordering::Relaxed);
    println!(
        "{} scripts, {} runs with an error, {} steps refused, {} stores opened again, {} cuts, \
         {:.0} s",
        count(&sweep.scripts),
        count(&sweep.runs),
        count(&sweep.refused),
        count(&sweep.read_only),
        count(&sweep.cuts),
        start.elapsed().as_secs_f64()
    );
}

fn sweep_all(search: &Search, scripts: Range<u64>, threads: usize) -> ExitCode {
    let start = Instant::now();
    match sweep(search, scripts, threads, &|sweep| tell(sweep, start)) {
        Ok(_) => {
            println!("seed {}: nothing lost, nothing in part", search.seed);
            ExitCode::SUCCESS
        }
        Err(failure) => {
            println!("{failure}");
            ExitCode::FAILURE
        }
    }
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let search = Search::new(arguments.seed, arguments.choices, Honesty::Honest);
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let threads = arguments.threads.unwrap_or(cores);
    if arguments.sweep {
        let scripts = arguments.script.map_or(0..arguments.scripts, |script| script..script + 1);
        return sweep_all(&search, scripts, threads);
    }
    if let Some(script) = arguments.script {
        return again(&search, script, &arguments.keep, &arguments.at);
    }
    let states = arguments.states;
    let minutes = arguments.minutes.unwrap_or(f64::INFINITY);
    let start = Instant::now();
    let told = Mutex::new(start);
    let explored = explore(&search, states, threads, &|| {
        let seconds = start.elapsed().as_secs_f64();
        if seconds > minutes * 60.0 {
            search.stop.store(true, Ordering::Relaxed);
        }
        let Ok(mut told) = told.lock() else { return };
        if told.elapsed() > Duration::from_secs(5) {
            *told = Instant::now();
            let total = search.total();
            println!("{total} states, {:.0} a second", total as f64 / seconds);
        }
    });
    let seconds = start.elapsed().as_secs_f64();
    let depths: Vec<u64> =
        search.states.iter().map(|states| states.load(Ordering::Relaxed)).collect();
    let total = search.total();
    println!(
        "{total} states after 1, 2, 3 cuts {depths:?}, {seconds:.0} s, {:.0} a second",
        total as f64 / seconds
    );
    match explored {
        Ok(scripts) => {
            println!("seed {}: {scripts} scripts, nothing lost, nothing in part", search.seed);
            ExitCode::SUCCESS
        }
        Err(failure) => {
            println!("{failure}");
            ExitCode::FAILURE
        }
    }
}
