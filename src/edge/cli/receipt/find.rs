//! `countersign receipt find`: the search index.

use serde_json::{Value, json};

use super::super::filter::Filter;
use super::super::output::{CliError, Exit, Output};
use super::super::place::OpenNode;
use super::{line, to_json};
use crate::ground::name::Timestamp;
use crate::io::store::{Position, SearchCursor};
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
    #[arg(long, value_name = "CURSOR", value_parser = read_cursor)]
    after: Option<SearchCursor>,
}

pub(super) async fn run(args: &Args, node: &OpenNode, output: &Output) -> Result<Exit, CliError> {
    // A node keeps its index itself; where none runs, or it is a moment behind, this brings it up to date.
    upkeep::catch_up(node.store.as_ref()).await?;
    let mut query = args.filter.to_query();
    query.after = args.after;
    let page = Archive::new(node.store.clone()).search(&query, args.limit).await?;
    let next = page.next.as_ref().map(write_cursor);
    let rows: Vec<Value> = page.receipts.iter().map(to_json).collect();
    output.result(&json!({ "receipts": rows, "next": next }), || page.receipts.iter().map(line).collect())?;
    match next {
        Some(next) => output.say(&format!("there are more: --after {next}")),
        None if rows.is_empty() => output.say("no receipt meets this"),
        None => {}
    }
    Ok(Exit::Done)
}

fn write_cursor(cursor: &SearchCursor) -> String {
    format!("{}:{}", cursor.iat.unix_s(), cursor.position.0)
}

fn read_cursor(text: &str) -> Result<SearchCursor, String> {
    let parts = text.split_once(':').and_then(|(iat, position)| Some((iat.parse().ok()?, position.parse().ok()?)));
    let cursor = parts.and_then(|(iat, position)| {
        Some(SearchCursor { iat: Timestamp::from_unix_s(iat).ok()?, position: Position(position) })
    });
    cursor.ok_or_else(|| format!("`{text}` is not a cursor that `receipt find` printed"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_is_read_as_it_was_written() {
        let cursor = SearchCursor { iat: Timestamp::EPOCH.plus(1_800_000_000), position: Position(7) };
        assert_eq!(read_cursor(&write_cursor(&cursor)), Ok(cursor));
        for bad in ["", "1", "1:", ":1", "a:b", "-1:1", "1:1:1"] {
            assert!(read_cursor(bad).is_err(), "{bad}");
        }
    }
}
