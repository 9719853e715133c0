//! `cargo flips [--count N] [--seed N] [--threads N]`: damages stores N times and says what
//! became of it.

use std::thread;
use std::time::Instant;

use clap::Parser;
use throng_care::{Flips, flips};

/// Damages a store again and again, and says what became of it.
#[derive(Debug, Parser)]
struct Arguments {
    /// How often.
    #[arg(long, default_value_t = 100_000)]
    count: u64,
    /// Where chance begins; each thread adds its number.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Stores at a time; all cores when not given.
    #[arg(long)]
    threads: Option<u64>,
}

fn main() {
    let Arguments { count, seed, threads } = Arguments::parse();
    let cores = thread::available_parallelism().map_or(1, |cores| cores.get() as u64);
    let threads = threads.unwrap_or(cores).clamp(1, 256);
    let start = Instant::now();
    let mut all = Flips::default();
    thread::scope(|scope| {
        let share = |number| count / threads + u64::from(number < count % threads);
        let parts: Vec<_> = (0..threads)
            .map(|number| scope.spawn(move || flips(seed + number, share(number))))
            .collect();
        for part in parts {
            let part = part.join().expect("damage was answered from");
            for (key, tally) in part.tallies {
                let sum = all.tallies.entry(key).or_default();
                sum.named += tally.named;
                sum.unused += tally.unused;
                sum.like_a_crash += tally.like_a_crash;
            }
        }
    });
    tell(&all);
    println!("seed {seed}, {threads} threads, {:.0} s", start.elapsed().as_secs_f64());
}

fn tell(flips: &Flips) {
    println!(
        "{:<14} {:<8} {:>9} {:>9} {:>13}",
        "file", "damage", "named", "unused", "like a crash"
    );
    let (mut named, mut unused, mut crash) = (0, 0, 0);
    for ((kind, damage), tally) in &flips.tallies {
        let damage = format!("{damage:?}");
        println!(
            "{kind:<14} {damage:<8} {:>9} {:>9} {:>13}",
            tally.named, tally.unused, tally.like_a_crash
        );
        named += tally.named;
        unused += tally.unused;
        crash += tally.like_a_crash;
    }
    println!("{:<14} {:<8} {named:>9} {unused:>9} {crash:>13}", "all", "");
}
