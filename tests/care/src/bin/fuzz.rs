//! `cargo fuzz MINUTES [TARGET...] [seed=N]`: drives every target, or some, for so long each.

use std::time::Duration;

use throng_care::{Bound, TARGETS, fuzz};

fn main() {
    let mut arguments = std::env::args().skip(1);
    let minutes: f64 = arguments.next().and_then(|text| text.parse().ok()).unwrap_or(1.0);
    let (seeds, names): (Vec<_>, Vec<_>) = arguments.partition(|text| text.starts_with("seed="));
    let seed = seeds.first().and_then(|text| text[5..].parse().ok());
    let seed = seed.unwrap_or_else(|| u64::from(std::process::id()));
    println!("seed {seed}");
    for target in TARGETS.iter().filter(|t| names.is_empty() || names.iter().any(|n| n == t.name)) {
        let (read, done) = fuzz(target, seed, Bound::Time(Duration::from_secs_f64(minutes * 60.0)));
        println!("{}: {done} inputs, {read} of them read to the end", target.name);
    }
}
