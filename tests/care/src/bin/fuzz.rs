//! `cargo fuzz MINUTES [TARGET...] [--seed N]`: drives every target, or some, for so long each.

use std::process::ExitCode;
use std::time::Duration;

use clap::Parser;
use throng_care::{Bound, TARGETS, fuzz};

/// Drives readers of files with mutations of valid ones.
#[derive(Debug, Parser)]
struct Arguments {
    /// Minutes for each target.
    #[arg(default_value_t = 1.0)]
    minutes: f64,
    /// Targets by name; all of them when none is given.
    targets: Vec<String>,
    /// Where chance begins; another place each time when it is not given.
    #[arg(long)]
    seed: Option<u64>,
}

fn main() -> ExitCode {
    let Arguments { minutes, targets: names, seed } = Arguments::parse();
    if let Some(name) = names.iter().find(|name| TARGETS.iter().all(|t| t.name != name.as_str())) {
        let known: Vec<_> = TARGETS.iter().map(|target| target.name).collect();
        eprintln!("no target is called `{name}`; there are {}", known.join(", "));
        return ExitCode::from(2);
    }
    let seed = seed.unwrap_or_else(|| u64::from(std::process::id()));
    println!("seed {seed}");
    for target in TARGETS.iter().filter(|t| names.is_empty() || names.iter().any(|n| n == t.name)) {
        let (read, done) = fuzz(target, seed, Bound::Time(Duration::from_secs_f64(minutes * 60.0)));
        println!("{}: {done} inputs, {read} of them read to the end", target.name);
    }
    ExitCode::SUCCESS
}
