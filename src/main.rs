//! The `countersign` program: the command line of the library.

use std::process::ExitCode;

fn main() -> ExitCode {
    countersign::edge::cli::main(std::env::args_os())
}
