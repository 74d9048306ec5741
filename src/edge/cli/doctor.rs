//! `countersign doctor`: everything that usually goes wrong, and what to do about it.

mod local;
mod network;

use serde::Serialize;
use serde_json::json;

use super::output::{CliError, Exit, Output};
use super::place::{Place, block_on};
use crate::edge::data_folder::DataFolder;
use crate::ground::crypto::keys::KeyId;

const EXAMPLES: &str = "\
Looks at configuration, keys, clock, disk, store, policy, ports, the public URL and the peers. Changes nothing, and \
may run beside the node. Whether the node runs is found out as well; what needs it running is left out when it does \
not.

Examples:
  countersign doctor
  countersign doctor --json | jq '.checks[] | select(.state != \"ok\")'

Exit codes: 0 nothing is broken (there may be warnings), 1 something is broken, 64 wrong use";

/// Find out what is wrong with a node, and what to do about it
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Args {
    #[command(flatten)]
    place: Place,

    /// Reach nobody: leave out the public URL and the peers
    #[arg(long)]
    offline: bool,
}

/// How a check came out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
enum State {
    Ok,
    Warning,
    Broken,
}

impl State {
    const fn mark(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Warning => "warning",
            Self::Broken => "BROKEN",
        }
    }
}

/// One thing that was looked at.
#[derive(Debug, Clone, Serialize)]
struct Found {
    check: &'static str,
    state: State,
    found: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    advice: Option<String>,
}

impl Found {
    fn ok(check: &'static str, found: impl Into<String>) -> Self {
        Self { check, state: State::Ok, found: found.into(), advice: None }
    }

    fn warning(check: &'static str, found: impl Into<String>, advice: impl Into<String>) -> Self {
        Self { check, state: State::Warning, found: found.into(), advice: Some(advice.into()) }
    }

    fn broken(check: &'static str, found: impl Into<String>, advice: impl Into<String>) -> Self {
        Self { check, state: State::Broken, found: found.into(), advice: Some(advice.into()) }
    }
}

pub(crate) fn run(args: &Args, output: &Output) -> Result<Exit, CliError> {
    let path = args.place.path()?;
    let found = block_on(async {
        Ok(match DataFolder::open(&path) {
            Ok(folder) => examine(&folder, args.offline).await,
            Err(error) => {
                let advice =
                    "correct the configuration, name another with --config, or make one with `countersign init`";
                vec![Found::broken("configuration", error.to_string(), advice)]
            }
        })
    })?;
    let broken = found.iter().any(|found| found.state == State::Broken);
    output.result(&json!({ "healthy": !broken, "checks": found }), || text(&found))?;
    Ok(if broken { Exit::Invalid } else { Exit::Done })
}

async fn examine(folder: &DataFolder, offline: bool) -> Vec<Found> {
    let path = folder.path().display();
    let mut found = vec![Found::ok("configuration", format!("`{path}` is for {}", folder.issuer()))];
    found.push(local::keys(folder));
    found.push(local::root_key(folder));
    found.extend(local::disk(folder));
    found.extend(local::store(folder).await);
    found.extend(local::policy(folder).await);
    let running = network::ports(folder, &mut found).await;
    if offline {
        return found;
    }
    let fingerprint: Option<KeyId> = folder.key_set().ok().map(|key_set| key_set.fingerprint());
    match (running, fingerprint) {
        (true, Some(fingerprint)) => found.push(network::public_url(folder, fingerprint).await),
        _ => found.push(Found::ok("public url", "not looked at, because the node does not run")),
    }
    found.extend(network::peers(folder).await);
    found
}

fn text(found: &[Found]) -> String {
    let width = found.iter().map(|found| found.check.len()).max().unwrap_or(0);
    let mut text = String::new();
    for Found { check, state, found, advice } in found {
        text.push_str(&format!("{:8} {check:width$}  {found}\n", state.mark()));
        if let Some(advice) = advice {
            text.push_str(&format!("{:8} {:width$}  -> {advice}\n", "", ""));
        }
    }
    text
}
