//! `countersign receipt export`: everything, for other programs.

use serde_json::Value;

use super::super::filter::Filter;
use super::super::output::{CliError, Exit, Output};
use super::super::place::OpenNode;
use super::{read, to_json};
use crate::io::store::Position;

/// Receipts that are read at once.
const PAGE: u32 = 1024;

/// Write receipts as lines of JSON, in the order of commits
///
/// Each line has the receipt itself and, readable beside it, what it says. What opens its commitments (nonce, target,
/// policy input) is left out unless it is asked for: it shows what the other operator was only shown in confidence.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    filter: Filter,

    /// Write what opens the commitments as well
    #[arg(long)]
    openings: bool,
}

pub(super) async fn run(args: &Args, node: &OpenNode, output: &Output) -> Result<Exit, CliError> {
    let mut after = Position::START;
    let mut written = 0u64;
    loop {
        let rows = node.store.scan_receipts(after, PAGE).await?;
        let Some(last) = rows.last() else { break };
        after = last.position;
        for row in &rows {
            if !args.filter.meets(row, read(row)?.claims(), node.folder.issuer()) {
                continue;
            }
            let mut value = to_json(row);
            if let (true, Some(value), Some(opening)) = (args.openings, value.as_object_mut(), &row.opening) {
                value.insert("opening".to_owned(), serde_json::from_slice(&opening.0).unwrap_or(Value::Null));
            }
            output.json(&value)?;
            written += 1;
        }
    }
    output.say(&format!("{written} receipts"));
    Ok(Exit::Done)
}
