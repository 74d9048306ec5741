//! `countersign bundle`: evidence bundles.

mod create;
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
    Create(create::Args),
    Verify(verify::Args),
}

pub(crate) fn run(args: Args, output: &Output) -> Result<Exit, CliError> {
    match args.command {
        Command::Create(args) => create::run(&args, output),
        Command::Verify(args) => verify::run(&args, output),
    }
}
