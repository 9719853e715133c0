//! The other systems: their virtual environment, and the program that asks them.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::Value;

use crate::{Failure, Outcome};

/// The versions that are compared.
const PACKAGES: [&str; 2] = ["chdb==4.4.0", "duckdb==2.0.0"];
/// Asks the peers; beside this crate's sources.
const PROGRAM: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/compare/compare.py");

/// A virtual environment that has the peers.
#[derive(Debug)]
pub(super) struct Peers {
    python: PathBuf,
}

impl Peers {
    /// Makes the environment and installs what it lacks.
    ///
    /// # Errors
    /// When there is no Python with `venv`, or a package cannot be installed.
    pub(super) fn ready(venv: &Path) -> Result<Self, Failure> {
        let python = venv.join("bin").join("python");
        if !python.exists() {
            println!("making {}", venv.display());
            let made = Command::new("python3").args(["-m", "venv"]).arg(venv).status();
            let made = made.map_err(|error| {
                format!("python3 cannot be started ({error}): the other systems are its packages")
            })?;
            if !made.success() {
                return Err(format!(
                    "python3 could not make {}: is its module venv installed?",
                    venv.display()
                )
                .into());
            }
        }
        let peers = Self { python: std::path::absolute(python)? };
        if !peers.has_packages()? {
            println!("installing {}", PACKAGES.join(", "));
            let mut pip = Command::new(&peers.python);
            if !pip.args(["-m", "pip", "install", "-q"]).args(PACKAGES).status()?.success() {
                return Err(format!(
                    "{} could not be installed into {}",
                    PACKAGES.join(" and "),
                    venv.display()
                )
                .into());
            }
        }
        Ok(peers)
    }

    fn has_packages(&self) -> Result<bool, Failure> {
        let mut pip = Command::new(&self.python);
        let listed = pip.args(["-m", "pip", "list", "--format", "freeze"]).output()?;
        let listed = String::from_utf8_lossy(&listed.stdout).into_owned();
        Ok(PACKAGES.iter().all(|package| listed.lines().any(|line| line == *package)))
    }

    /// Runs a part and gives what it found.
    ///
    /// # Errors
    /// When it fails, which it does when answers differ.
    pub(super) fn run(&self, arguments: &[String], programs: &Path) -> Result<Value, Failure> {
        let mut command = Command::new(&self.python);
        command.arg(PROGRAM).args(arguments).stdout(Stdio::piped());
        command.env("THRONG", programs.join("throng"));
        command.env("THRONG_BENCH", programs.join("throng-bench"));
        lines(&mut command)?
            .pop()
            .ok_or_else(|| format!("{} found nothing", arguments.join(" ")).into())
    }
}

/// Runs a program to its end and gives its lines of JSON.
///
/// # Errors
/// When it fails.
pub(super) fn lines(command: &mut Command) -> Result<Vec<Value>, Failure> {
    let done = command.stderr(Stdio::inherit()).output()?;
    if !done.status.success() {
        return Err(format!("{command:?}: {}", done.status).into());
    }
    let text = String::from_utf8(done.stdout)?;
    let found = text.lines().filter(|line| line.starts_with('{'));
    Ok(found.map(serde_json::from_str).collect::<Result<_, _>>()?)
}

/// Builds the programs that are measured, as this one was built.
///
/// # Errors
/// When they do not build.
pub(super) fn build(programs: &Path, has_peers: bool) -> Outcome {
    // Loading is measured by way of the command line.
    let server: &[&str] = if has_peers { &["throng-server"] } else { &[] };
    // Each by itself, with the features that it has alone.
    for package in ["throng-benches"].iter().chain(server) {
        let mut cargo = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
        cargo.current_dir(env!("CARGO_MANIFEST_DIR")).args(["build", "-p", package, "--bins"]);
        if programs.ends_with("release") {
            cargo.arg("--release");
        }
        if !cargo.status()?.success() {
            return Err(format!("{package} does not build, and is to be measured").into());
        }
    }
    Ok(())
}
