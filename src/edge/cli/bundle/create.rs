//! `countersign bundle create`: what another person needs to check some calls without us.

use std::fs;
use std::path::PathBuf;
use std::time::Duration;

use serde_json::json;

use super::super::filter::{Filter, find_one};
use super::super::input;
use super::super::output::{CliError, Exit, Output};
use super::super::place::{OpenNode, Place, block_on};
use crate::ground::crypto::hash::Digest;
use crate::ground::limits::{MAX_BUNDLE_ITEMS, MAX_CALL_BYTES};
use crate::node::archive::{Archive, MAX_PAGE};
use crate::node::bundles::{Disclosure, Gathered, Gatherer};
use crate::node::upkeep;

/// How often the store is looked at while waiting for proofs.
const LOOK_EVERY: Duration = Duration::from_millis(200);

const EXAMPLES: &str = "\
Examples:
  countersign bundle create 01932f3c-7b1a-7c3e-9f00-012345678910 --out call.json
  countersign bundle create --peer https://b.example --since 2027-01-15T00:00:00Z --out day.json
  countersign bundle verify call.json --trust https://a.example=r4thRn8K...-ZNtU --report call.html

What opens the commitments (nonce, method, target) goes in unless --withhold-openings: with it, whoever has the file can
tell which request a receipt was for, and confirm a guessed body. Bodies are never stored; a file can disclose them.

Exit codes: 0 written, 1 no such receipt, 64 wrong use, 74 a file or the store cannot be used, 75 proofs are missing after
--wait";

/// Write an evidence bundle: receipts of both sides of calls, with proofs and key sets
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Args {
    /// Receipts by digest or id; everything that belongs to their calls comes along
    #[arg(required_unless_present_any = ["kind", "effect", "subject", "action", "resource", "peer", "session", "since", "until"])]
    receipts: Vec<String>,

    #[command(flatten)]
    filter: Filter,

    /// The file to write, which must not exist yet; by default standard output
    #[arg(long, short, value_name = "FILE")]
    out: Option<PathBuf>,

    /// Keep nonce, method and target to yourself
    #[arg(long)]
    withhold_openings: bool,

    /// Disclose the request's body, of a bundle of one call
    #[arg(long, value_name = "FILE")]
    request_body: Option<PathBuf>,

    /// Disclose the response's body, of a bundle of one call
    #[arg(long, value_name = "FILE")]
    response_body: Option<PathBuf>,

    /// Wait this long for proofs that are not here yet
    #[arg(long, value_name = "SECONDS", default_value_t = 0, value_parser = clap::value_parser!(u64).range(0..=3600))]
    wait: u64,

    #[command(flatten)]
    place: Place,
}

pub(crate) fn run(args: &Args, output: &Output) -> Result<Exit, CliError> {
    block_on(async {
        let node = args.place.open().await?;
        let done = create(args, &node, output).await;
        node.close().await;
        done
    })
}

async fn create(args: &Args, node: &OpenNode, output: &Output) -> Result<Exit, CliError> {
    let read = |path: &PathBuf| input::read(path, MAX_CALL_BYTES);
    let disclosure = Disclosure {
        withhold_openings: args.withhold_openings,
        request_body: args.request_body.as_ref().map(read).transpose()?,
        response_body: args.response_body.as_ref().map(read).transpose()?,
    };
    let wanted = wanted(args, node).await?;
    let gathered = gather(args, node, &wanted, &disclosure).await?;
    let bytes = gathered.bundle.to_bytes().map_err(CliError::usage)?;
    match &args.out {
        None => output.bytes(&bytes)?,
        Some(path) => {
            let write = || std::io::Write::write_all(&mut fs::File::create_new(path)?, &bytes);
            write()
                .map_err(|error: std::io::Error| CliError::io(format!("cannot write `{}`: {error}", path.display())))?;
            let value = json!({
                "file": path,
                "sha256": Digest::of(&bytes),
                "receipts": gathered.bundle.items().len(),
                "calls": gathered.calls,
                "without_proof": gathered.without_proof,
            });
            let (receipts, calls) = (gathered.bundle.items().len(), gathered.calls);
            output.result(&value, || format!("{receipts} receipts of {calls} calls in `{}`\n", path.display()))?;
        }
    }
    if gathered.without_proof.is_empty() {
        return Ok(Exit::Done);
    }
    let count = gathered.without_proof.len();
    output.say(&format!(
        "{count} receipts are without a proof that they are logged: checked at level `included`, the bundle is \
         undetermined. Proofs come with the next checkpoint, and others' when this node checks their promises (--wait)."
    ));
    Ok(if args.wait > 0 { Exit::NotReady } else { Exit::Done })
}

async fn wanted(args: &Args, node: &OpenNode) -> Result<Vec<Digest>, CliError> {
    let mut wanted = Vec::new();
    for name in &args.receipts {
        wanted.push(find_one(node, name).await?.digest);
    }
    if args.filter.is_empty() {
        return Ok(wanted);
    }
    upkeep::catch_up(node.store.as_ref()).await?;
    let archive = Archive::new(node.store.clone());
    let mut query = args.filter.to_query();
    loop {
        let page = archive.search(&query, MAX_PAGE).await?;
        wanted.extend(page.receipts.iter().map(|row| row.digest));
        if wanted.len() > MAX_BUNDLE_ITEMS {
            return Err(CliError::usage(format!("more than {MAX_BUNDLE_ITEMS} receipts meet this; ask for fewer")));
        }
        match page.next {
            Some(next) => query.after = Some(next),
            None if wanted.is_empty() => return Err(CliError::invalid("no receipt meets this")),
            None => return Ok(wanted),
        }
    }
}

async fn gather(
    args: &Args,
    node: &OpenNode,
    wanted: &[Digest],
    disclosure: &Disclosure,
) -> Result<Gathered, CliError> {
    let gatherer = Gatherer::new(node.store.clone(), node.key_set()?);
    let until = tokio::time::Instant::now() + Duration::from_secs(args.wait);
    loop {
        let gathered = gatherer.gather(wanted, disclosure, node.clock.now()).await?;
        if gathered.without_proof.is_empty() || tokio::time::Instant::now() >= until {
            return Ok(gathered);
        }
        tokio::time::sleep(LOOK_EVERY).await;
    }
}
