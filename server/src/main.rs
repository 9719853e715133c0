//! The `throng` binary.

use std::process::ExitCode;

/// Statements allocate and free some megabytes each, on several threads. The system's allocator
/// gives such pieces back to the kernel each time, which then interrupts the other cores.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    throng_server::cli::main()
}
