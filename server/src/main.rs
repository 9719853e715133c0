//! The `throng` binary.

use std::process::ExitCode;

fn main() -> ExitCode {
    throng_server::cli::main()
}
