//! `cargo power-cuts -- [--states N] [--seed N] [--minutes M] [--threads N] [--choices N]`: cuts
//! the power of stores and verifies so many states. `--script N --keep STEPS --at CUTS`: one again.
//!
//! `cargo power-cuts -- --sweep [--scripts N] [--seed N]`: an error at every call of N scripts.

use std::process::ExitCode;
use std::sync::Mutex;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use throng_cuts::{Cut, Honesty, Search, Sweep, explore, sweep};

/// What stands after a name.
fn text(name: &str) -> Option<String> {
    let mut arguments = std::env::args().skip_while(|argument| argument != name);
    arguments.nth(1)
}

fn number(name: &str, default: u64) -> u64 {
    text(name).and_then(|text| text.parse().ok()).unwrap_or(default)
}

fn cuts(text: &str) -> Vec<Cut> {
    let cut = |text: &str| {
        let (ops, choice) = text.split_once(':')?;
        Some(Cut { ops: ops.parse().ok()?, choice: choice.parse().ok()? })
    };
    text.split(',').filter_map(cut).collect()
}

fn again(search: &Search, script: u64) -> ExitCode {
    let kept = text("--keep").unwrap_or_default();
    let kept: Vec<usize> = kept.split(',').filter_map(|at| at.parse().ok()).collect();
    match search.again(script, &kept, &cuts(&text("--at").unwrap_or_default())) {
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

fn sweep_all(search: &Search, threads: usize) -> ExitCode {
    let first = number("--script", 0);
    let end = text("--script").map_or(number("--scripts", 20), |_| first + 1);
    let start = Instant::now();
    match sweep(search, first..end, threads, &|sweep| tell(sweep, start)) {
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
    let search = Search::new(number("--seed", 1), number("--choices", 4), Honesty::Honest);
    let cores = std::thread::available_parallelism().map_or(1, |cores| cores.get() as u64);
    let threads = usize::try_from(number("--threads", cores)).unwrap_or(1);
    if std::env::args().any(|argument| argument == "--sweep") {
        return sweep_all(&search, threads);
    }
    if let Some(script) = text("--script").and_then(|text| text.parse().ok()) {
        return again(&search, script);
    }
    let states = number("--states", 100_000);
    let minutes = text("--minutes").and_then(|text| text.parse().ok()).unwrap_or(f64::INFINITY);
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
