//! `countersign receipt find`: the search index.

use serde_json::{Value, json};

use super::super::filter::Filter;
use super::super::output::{CliError, Exit, Output};
use super::super::place::OpenNode;
use super::{line, to_json};
use crate::io::store::SearchCursor;
use crate::node::archive::{Archive, MAX_PAGE};
use crate::node::upkeep;

/// Search receipts, the latest first, page by page
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    filter: Filter,

    /// Receipts on a page, at most 500
    #[arg(long, default_value_t = 20, value_parser = clap::value_parser!(u32).range(1..=i64::from(MAX_PAGE)))]
    limit: u32,

    /// Where the page before ended, as it was printed
    #[arg(long, value_name = "CURSOR")]
    after: Option<SearchCursor>,
}

pub(super) async fn run(args: &Args, node: &OpenNode, output: &Output) -> Result<Exit, CliError> {
    // A node keeps its index itself; where none runs, or it is a moment behind, this brings it up to date.
    upkeep::catch_up(node.store.as_ref()).await?;
    let mut query = args.filter.to_query();
    query.after = args.after;
    let page = Archive::new(node.store.clone()).search(&query, args.limit).await?;
    let next = page.next.as_ref().map(SearchCursor::to_string);
    let rows: Vec<Value> = page.receipts.iter().map(to_json).collect();
    output.result(&json!({ "receipts": rows, "next": next }), || page.receipts.iter().map(line).collect())?;
    match next {
        Some(next) => output.say(&format!("there are more: --after {next}")),
        None if rows.is_empty() => output.say("no receipt meets this"),
        None => {}
    }
    Ok(Exit::Done)
}
