//! `countersign log fsck`: everything that can be derived is derived again.

use std::io::{IsTerminal as _, Write as _};
use std::sync::atomic::{AtomicU64, Ordering};

use super::super::lines::pairs;
use super::super::output::{CliError, Exit, Output};
use super::super::place::OpenNode;
use crate::node::audit::{self, AuditReport, Audited, Progress, Stage};

/// Derive the log, the tiles, the columns and the epochs again from the stored receipts, and check every signature
///
/// Changes nothing, and may run beside the node. Ends with 1 if anything differs.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Leave out the database's own check, which reads every page of the file
    #[arg(long)]
    skip_database: bool,
}

pub(super) async fn run(args: &Args, node: &OpenNode, output: &Output) -> Result<Exit, CliError> {
    let audited = Audited {
        // Read before the store, so that it cannot name a head that the store does not have yet.
        head_file: node.folder.head_file().read()?,
        store: node.store.clone(),
        key_set: node.key_set()?,
        now: node.clock.now(),
        database: !args.skip_database,
    };
    let shows = !output.is_json() && std::io::stderr().is_terminal();
    let shown = AtomicU64::new(0);
    let report = audit::run(&audited, &|progress| {
        if shows {
            show(progress, &shown)
        }
    })
    .await?;
    if shows {
        let _unheard = write!(std::io::stderr(), "\r{:60}\r", "");
    }
    output.result(&report, || text(&report))?;
    for difference in &report.differences {
        output.say(&format!("difference: {difference}"));
    }
    if report.is_clean() {
        return Ok(Exit::Done);
    }
    output.say(
        "\nThe store is not what this node wrote. Keep a copy of it before anything else, and do not go on issuing from \
         it: what peers and witnesses hold is now better evidence than this file.",
    );
    Ok(Exit::Invalid)
}

/// At most a hundred times: a terminal is slower than the audit.
fn show(progress: Progress, shown: &AtomicU64) {
    let percent = progress.done.saturating_mul(100).checked_div(progress.of).unwrap_or(0);
    let words = match progress.stage {
        Stage::Database => "the database checks itself".to_owned(),
        Stage::Receipts if shown.swap(percent + 1, Ordering::Relaxed) == percent + 1 => return,
        Stage::Receipts => format!("receipts and log: {percent} % of {}", progress.of),
        Stage::Epochs => "epochs".to_owned(),
    };
    let _unheard = write!(std::io::stderr(), "\r{words:60}");
}

fn text(report: &AuditReport) -> String {
    let head =
        report.head.map_or("cannot be derived".to_owned(), |head| format!("size {}, root {}", head.size, head.root));
    let found = report.more + u64::try_from(report.differences.len()).unwrap_or(u64::MAX);
    pairs(&[
        ("receipts", format!("{} ({} own, {} of others)", report.receipts, report.own, report.receipts - report.own)),
        ("log", format!("{} entries, {} waiting, {} full tiles", report.entries, report.waiting, report.tiles)),
        ("head", head),
        ("published", report.published.map_or("nothing yet".to_owned(), |head| format!("size {}", head.size))),
        ("epochs", report.epochs.to_string()),
        ("key sets", report.key_sets.to_string()),
        ("differences", if found == 0 { "none".to_owned() } else { found.to_string() }),
    ])
}
