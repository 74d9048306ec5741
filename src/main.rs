//! The `countersign` program: the command line of the library.

use std::process::ExitCode;

use mimalloc::MiMalloc;

/// Receipts are made on one thread and freed on another. The system's allocator takes a lock for that, which cost
/// nearly half of the time of a busy node (`examples/measure`).
#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

fn main() -> ExitCode {
    countersign::edge::cli::main(std::env::args_os())
}
