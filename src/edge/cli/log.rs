//! `countersign log`: the operator's own log.

mod fsck;
mod proof;

use clap::Subcommand;
use serde_json::json;

use super::output::{CliError, Exit, Output};
use super::place::{OpenNode, Place, block_on};

const EXAMPLES: &str = "\
Examples:
  countersign log checkpoint                                  the published checkpoint, a C2SP signed note
  countersign log proof 01932f3c-7b1a-7c3e-9f00-012345678910  a C2SP tlog-proof file for that receipt
  countersign log fsck                                        check the whole store

Exit codes: 0 done, 1 differences were found, or no such receipt, 64 wrong use, 74 the store cannot be used, 75 not in a
published checkpoint yet";

/// Read the log, and check the store
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
    Proof(proof::Args),
    /// Print the published checkpoint
    Checkpoint,
    Fsck(fsck::Args),
}

pub(crate) fn run(args: &Args, output: &Output) -> Result<Exit, CliError> {
    block_on(async {
        let node = args.place.open().await?;
        let done = match &args.command {
            Command::Proof(args) => proof::run(args, &node, output).await,
            Command::Checkpoint => checkpoint(&node, output).await,
            Command::Fsck(args) => fsck::run(args, &node, output).await,
        };
        node.close().await;
        done
    })
}

async fn checkpoint(node: &OpenNode, output: &Output) -> Result<Exit, CliError> {
    let Some(published) = node.store.published().await? else {
        return Err(CliError::not_ready("no checkpoint is published yet")
            .with_help("the first one follows the first receipt, while the node runs"));
    };
    let value = json!({
        "size": published.head.size,
        "root": published.head.root,
        "time": published.at,
        "checkpoint": published.note,
    });
    output.result(&value, || published.note.clone())?;
    Ok(Exit::Done)
}
