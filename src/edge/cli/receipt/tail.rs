//! `countersign receipt tail`: the newest receipts, as they come.

use std::time::Duration;

use super::super::filter::Filter;
use super::super::output::{CliError, Exit, Output};
use super::super::place::OpenNode;
use super::super::serve::Signals;
use super::{line, read, to_json};
use crate::io::store::{Position, StoredReceipt};

/// How often a follower looks for new receipts.
const LOOK_EVERY: Duration = Duration::from_millis(250);

/// Receipts that are read at once.
const PAGE: u32 = 512;

/// Print the newest receipts in the order of commits
///
/// With --json every receipt is one line of JSON.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Go on with receipts as they come, until Ctrl-C
    #[arg(long, short)]
    follow: bool,

    /// How many of the newest receipts to begin with
    #[arg(long, short = 'n', value_name = "NUMBER", default_value_t = 10, value_parser = clap::value_parser!(u32).range(0..=100_000))]
    lines: u32,

    #[command(flatten)]
    filter: Filter,
}

pub(super) async fn run(args: &Args, node: &OpenNode, output: &Output) -> Result<Exit, CliError> {
    let newest = node.store.recent(args.lines.max(1)).await?;
    let mut after = newest.last().map_or(Position::START, |row| row.position);
    if args.lines > 0 {
        print(args, node, &newest, output)?;
    }
    if !args.follow {
        return Ok(Exit::Done);
    }
    let mut signals = Signals::new()?;
    let mut ticks = tokio::time::interval(LOOK_EVERY);
    ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            () = signals.next() => return Ok(Exit::Done),
            _ = ticks.tick() => {}
        }
        let rows = node.store.scan_receipts(after, PAGE).await?;
        after = rows.last().map_or(after, |row| row.position);
        print(args, node, &rows, output)?;
    }
}

fn print(args: &Args, node: &OpenNode, rows: &[StoredReceipt], output: &Output) -> Result<(), CliError> {
    for row in rows {
        let receipt = read(row)?;
        if args.filter.meets(row, receipt.claims(), node.folder.issuer()) {
            output.result(&to_json(row), || line(row))?;
        }
    }
    Ok(())
}
