//! `countersign receipt`: reading what the node holds.

mod export;
mod find;
mod show;
mod tail;

use clap::Subcommand;
use serde_json::{Value, json};

use super::output::{CliError, Exit, Output};
use super::place::{Place, block_on};
use crate::ground::receipt::compact::UnverifiedReceipt;
use crate::ground::report::claims_line;
use crate::io::store::StoredReceipt;

const EXAMPLES: &str = "\
Examples:
  countersign receipt find --effect deny --peer https://b.example --since 2027-01-15T00:00:00Z
  countersign receipt show 01932f3c-7b1a-7c3e-9f00-012345678910
  countersign receipt tail --follow
  countersign receipt export --since 2027-01-01T00:00:00Z > receipts.jsonl

Exit codes: 0 done, 1 no such receipt, 64 wrong use, 74 the store cannot be used, 75 the search index is behind";

/// Show, search, follow and export receipts
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
    Show(show::Args),
    Find(find::Args),
    Tail(tail::Args),
    Export(export::Args),
}

pub(crate) fn run(args: &Args, output: &Output) -> Result<Exit, CliError> {
    block_on(async {
        let node = args.place.open().await?;
        let done = match &args.command {
            Command::Show(args) => show::run(args, &node, output).await,
            Command::Find(args) => find::run(args, &node, output).await,
            Command::Tail(args) => tail::run(args, &node, output).await,
            Command::Export(args) => export::run(args, &node, output).await,
        };
        node.close().await;
        done
    })
}

/// A stored receipt read again. What is stored was read before, so a failure is damage.
fn read(row: &StoredReceipt) -> Result<UnverifiedReceipt, CliError> {
    UnverifiedReceipt::parse(row.compact.as_bytes()).map_err(|error| {
        CliError::io(format!("the receipt `{}` is damaged: {error}", row.digest))
            .with_help("run `countersign log fsck`")
    })
}

/// One line about a receipt.
fn line(row: &StoredReceipt) -> String {
    let says = UnverifiedReceipt::parse(row.compact.as_bytes()).map(|receipt| claims_line(receipt.claims()));
    let says = says.unwrap_or_else(|error| format!("is damaged: {error}"));
    let for_whom = if row.iss == row.aud { String::new() } else { format!(" for {}", row.aud) };
    format!("{}  {}  {} of {}{for_whom}\n  {says}\n", row.iat, row.jti, row.kind, row.iss)
}

/// The row that every machine-readable output has.
fn to_json(row: &StoredReceipt) -> Value {
    let says = UnverifiedReceipt::parse(row.compact.as_bytes()).map(|receipt| receipt.claims().clone());
    json!({
        "digest": row.digest,
        "jti": row.jti,
        "kind": row.kind,
        "iss": row.iss,
        "aud": row.aud,
        "iat": row.iat,
        "stored_at": row.at,
        "position": row.position.0,
        "relates_to": row.relates_to,
        "receipt": row.compact,
        "says": says.ok(),
    })
}
