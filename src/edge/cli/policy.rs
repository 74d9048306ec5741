//! `countersign policy`: the operator's rules.

mod apply;
mod eval;
mod show;

use std::path::{Path, PathBuf};

use clap::Subcommand;
use serde_json::json;

use super::output::{CliError, Exit, Output};
use super::place::{Place, block_on};
use crate::ground::policy::{Engine, PolicySource};
use crate::io::policy_folder;

const EXAMPLES: &str = "\
Examples:
  countersign policy check                         the working copy, before it is applied
  countersign policy check rules                   any folder; needs no node
  countersign policy eval --subject Agent:desk --action respond --resource User:ana
  countersign policy eval question.json --expect deny
  countersign policy apply                         the working copy becomes the policy in force
  countersign policy show                          what is in force

An edited file changes nothing until it is applied. A node that runs takes an applied policy up within a second.

Exit codes: 0 done, 1 the policy has faults, or --expect was not met, 64 wrong use, 74 a file or the store cannot be used,
75 another revision was applied at the same moment";

/// Check, try, apply and show policies
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Args {
    #[command(subcommand)]
    command: Command,

    #[command(flatten)]
    place: Place,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Read a policy folder as the node would, and say everything that is wrong with it
    Check {
        /// The folder; by default the node's working copy
        folder: Option<PathBuf>,
    },
    Eval(Box<eval::Args>),
    /// Put the working copy into force, with a receipt that says so
    Apply,
    Show(show::Args),
}

pub(crate) fn run(args: Args, output: &Output) -> Result<Exit, CliError> {
    match args.command {
        Command::Check { folder } => check(&folder_of(folder, &args.place)?, output),
        Command::Eval(eval) => eval::run(&eval, &args.place, output),
        Command::Apply => block_on(apply::run(&args.place, output)),
        Command::Show(show) => block_on(show::run(&show, &args.place, output)),
    }
}

fn folder_of(given: Option<PathBuf>, place: &Place) -> Result<PathBuf, CliError> {
    given.map_or_else(|| Ok(place.folder()?.policy_folder()), Ok)
}

/// The engine of a folder, or every fault of it.
fn load(folder: &Path) -> Result<Engine, CliError> {
    let files = policy_folder::read(folder).map_err(CliError::io)?;
    PolicySource::new(files).and_then(Engine::load).map_err(CliError::invalid)
}

fn check(folder: &Path, output: &Output) -> Result<Exit, CliError> {
    let engine = load(folder)?;
    let warnings: Vec<String> = engine.warnings().iter().map(ToString::to_string).collect();
    let manifest = &engine.revision().manifest;
    let actions: Vec<&str> = engine.actions().collect();
    let value = json!({
        "epoch": engine.epoch(),
        "policies": manifest.policies.len(),
        "files": manifest.files.len(),
        "actions": actions,
        "warnings": warnings,
    });
    output.result(&value, || {
        let (policies, files) = (manifest.policies.len(), manifest.files.len());
        format!("good: {policies} policies in {files} files, {} actions\nepoch {}\n", actions.len(), engine.epoch())
    })?;
    for warning in warnings {
        output.say(&format!("warning: {warning}"));
    }
    Ok(Exit::Done)
}
