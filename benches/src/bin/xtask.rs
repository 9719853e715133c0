//! `cargo xtask`: measurements that take a while, each one command.

use clap::{Parser, Subcommand};
use throng_benches::{Outcome, capacity, compare};

#[derive(Parser)]
#[command(about = "Measurements of Throng that take a while")]
struct Arguments {
    #[command(subcommand)]
    task: Task,
}

#[derive(Subcommand)]
enum Task {
    /// Measures what stores of several sizes need; goes on where an earlier run ended.
    Capacity(capacity::Options),
    /// One step of it, in a process of its own.
    #[command(hide = true)]
    CapacityStep(capacity::Step),
    /// Asks Throng and other systems the same, and writes docs/benchmarks.md; goes on where an
    /// earlier run ended.
    Compare(compare::Options),
}

fn main() -> Outcome {
    match Arguments::parse().task {
        Task::Capacity(options) => capacity::run(&options),
        Task::CapacityStep(step) => capacity::step(&step),
        Task::Compare(options) => compare::run(&options),
    }
}
