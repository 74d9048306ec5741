//! `countersign bundle`: evidence bundles.

mod verify;

use clap::Subcommand;

use super::output::{CliError, Exit, Output};

/// Work with evidence bundles
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Verify(verify::Args),
}

pub(crate) fn run(args: Args, output: &Output) -> Result<Exit, CliError> {
    match args.command {
        Command::Verify(args) => verify::run(&args, output),
    }
}
