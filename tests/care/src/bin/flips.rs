//! `cargo flips [--count N] [--seed N]`: damages a store N times and says what became of it.

use std::time::Instant;

use throng_care::flips;

fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    let value = |name: &str, default: u64| {
        let at = arguments.iter().position(|argument| argument == name);
        at.and_then(|at| arguments.get(at + 1)?.parse().ok()).unwrap_or(default)
    };
    let (count, seed) = (value("--count", 100_000), value("--seed", 1));
    let start = Instant::now();
    let flips = flips(seed, count);
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
    println!("seed {seed}, {:.0} s", start.elapsed().as_secs_f64());
}
