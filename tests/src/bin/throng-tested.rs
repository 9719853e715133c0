//! The `throng` command, built with the tests so that they never run an old one.

use std::process::ExitCode;

fn main() -> ExitCode {
    throng_server::cli::main()
}
