//! `countersign log proof`: the proof that a receipt is in its issuer's log.

use std::time::Duration;

use serde_json::json;

use super::super::filter::find_one;
use super::super::output::{CliError, Exit, Output};
use super::super::place::OpenNode;
use crate::node::bundles::Gatherer;

/// How often the store is looked at while waiting.
const LOOK_EVERY: Duration = Duration::from_millis(100);

/// Print the inclusion proof of a receipt
///
/// Of an own receipt it leads to the published checkpoint. Of another operator's it is the proof that was fetched when
/// this node checked the promise.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The receipt's digest or id
    receipt: String,

    /// Wait this long for a checkpoint that has it
    #[arg(long, value_name = "SECONDS", default_value_t = 0, value_parser = clap::value_parser!(u64).range(0..=3600))]
    wait: u64,
}

pub(super) async fn run(args: &Args, node: &OpenNode, output: &Output) -> Result<Exit, CliError> {
    let row = find_one(node, &args.receipt).await?;
    let gatherer = Gatherer::new(node.store.clone(), node.key_set()?);
    let waiting = async {
        loop {
            if let Some(proof) = gatherer.proof(&row).await? {
                return Ok::<_, CliError>(proof);
            }
            tokio::time::sleep(LOOK_EVERY).await;
        }
    };
    // The first look is made in any case, also with no time to wait.
    let Ok(proof) = tokio::time::timeout(Duration::from_secs(args.wait).max(LOOK_EVERY), waiting).await else {
        let help = "a running node publishes a checkpoint every second or so: try again, or use --wait";
        return Err(CliError::not_ready("no proof of this receipt is here yet").with_help(help));
    };
    let proof = proof?;
    output.result(&json!({ "digest": row.digest, "jti": row.jti, "proof": proof }), || proof.clone())?;
    Ok(Exit::Done)
}
