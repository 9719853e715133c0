//! The `throng` command: its options, its subcommands, and how it ends.

use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, Subcommand};
use throng::kernel::{Level, force};

use super::{
    CliError, backup, check, compact, create, demo, doctor, generate, load, query, restore, serve,
    shell, stats,
};

/// An embedded audience database: who is in which stage of which brand, exactly and at once.
#[derive(Debug, Parser)]
#[command(name = "throng", version, propagate_version = false, max_term_width = 100)]
struct Cli {
    /// The directory of the store [default: ./data].
    #[arg(long, global = true, value_name = "DIR")]
    data: Option<PathBuf>,

    /// Instructions for loops over bits: portable, avx2 or avx512 [default: THRONG_KERNELS, else
    /// the best that this machine has].
    #[arg(long, global = true, value_name = "LEVEL")]
    kernels: Option<String>,

    #[command(subcommand)]
    command: Command,
}

/// What every subcommand is given beside its own `Args`.
#[derive(Debug, Clone)]
pub struct Context {
    /// The directory of the store: as chosen, or `./data`.
    pub data: PathBuf,
    /// The directory of the store, if the user chose one.
    pub chosen: Option<PathBuf>,
}

/// One line per subcommand, here and in [`run`].
#[derive(Debug, Subcommand)]
enum Command {
    Load(load::Args),
    Create(create::Args),
    Query(query::Args),
    Shell(shell::Args),
    Generate(generate::Args),
    Demo(demo::Args),
    Serve(serve::Args),
    Compact(compact::Args),
    Stats(stats::Args),
    Check(check::Args),
    Doctor(doctor::Args),
    Backup(backup::Args),
    Restore(restore::Args),
}

fn run(context: &Context, command: Command) -> Result<(), CliError> {
    match command {
        Command::Load(args) => load::run(context, &args),
        Command::Create(args) => create::run(context, &args),
        Command::Query(args) => query::run(context, &args),
        Command::Shell(args) => shell::run(context, &args),
        Command::Generate(args) => generate::run(context, &args),
        Command::Demo(args) => demo::run(context, &args),
        Command::Serve(args) => serve::run(context, &args),
        Command::Compact(args) => compact::run(context, &args),
        Command::Stats(args) => stats::run(context, &args),
        Command::Check(args) => check::run(context, &args),
        Command::Doctor(args) => doctor::run(context, &args),
        Command::Backup(args) => backup::run(context, &args),
        Command::Restore(args) => restore::run(context, &args),
    }
}

/// Uses the kernels that were asked for, if any were.
fn choose_kernels(asked: Option<String>) -> Result<(), CliError> {
    let asked = asked.or_else(|| std::env::var("THRONG_KERNELS").ok());
    let Some(asked) = asked.filter(|asked| !asked.is_empty()) else { return Ok(()) };
    let known = Level::ALL.into_iter().find(|level| level.name().eq_ignore_ascii_case(&asked));
    if known.is_some_and(force) { Ok(()) } else { Err(CliError::Kernels { asked }) }
}

/// Runs the command line of this process. The exit code is 0 for success, 1 for an error and 2 for
/// wrong usage.
#[must_use]
pub fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => {
            let code = u8::try_from(error.exit_code()).unwrap_or(2);
            // Nothing is left to be said when even the help text cannot be written.
            let _ = error.print();
            return ExitCode::from(code);
        }
    };
    if let Err(error) = choose_kernels(cli.kernels) {
        // Nothing is left to be said when stderr is closed.
        let _ = writeln!(std::io::stderr(), "{}", error.report());
        return ExitCode::from(error.exit_code());
    }
    let data = cli.data.clone().unwrap_or_else(|| PathBuf::from("./data"));
    match run(&Context { data, chosen: cli.data }, cli.command) {
        Ok(()) => ExitCode::SUCCESS,
        // The reader of our output went away, as `head` does: not an error.
        Err(error) if error.is_broken_pipe() => ExitCode::SUCCESS,
        Err(error) => {
            let mut stderr = std::io::stderr().lock();
            // Nothing is left to be said when stderr is closed.
            let _ = writeln!(stderr, "{}", error.report());
            ExitCode::from(error.exit_code())
        }
    }
}
