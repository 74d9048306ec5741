//! `countersign peer`: the operators that this node exchanges evidence with.

use clap::Subcommand;
use serde_json::{Value, json};

use super::evidence;
use super::lines::{columns, pairs};
use super::output::{CliError, Exit, Output};
use super::place::{OpenNode, Place, block_on};
use crate::edge::server::client_config;
use crate::ground::crypto::keys::KeyId;
use crate::ground::keyset::SelfSignedKeySet;
use crate::ground::name::Issuer;
use crate::ground::report::visible;
use crate::io::client::PeerClient;
use crate::io::store::{Observation, ObservationQuery, Peer, PeerState};
use crate::node::directory::{Directory, DirectoryConfig};
use crate::node::observation::Noticed;

/// Observations that are shown of one peer.
const SHOWN: u8 = 20;

const EXAMPLES: &str = "\
Examples:
  countersign peer add https://b.example                             fetch its root key, and wait
  countersign peer add https://b.example --fingerprint r4thRn8K…     approve what you compared
  countersign peer approve https://b.example                         after comparing
  countersign peer list

Compare fingerprints on a channel that the other operator's node has no part in. A node that runs takes changes up \
within seconds.

Exit codes: 0 done, 1 another fingerprint than the one given or pinned, 64 wrong use or no such peer, 74 the peer or \
the store cannot be reached";

/// Know, approve and refuse other operators
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
    /// Fetch an operator's root key and remember it; approved at once if the fingerprint is the one given
    Add {
        /// The operator: its https origin
        #[arg(value_parser = evidence::issuer)]
        issuer: Issuer,

        /// The fingerprint that the operator told you on another channel
        #[arg(long, allow_hyphen_values = true)]
        fingerprint: Option<KeyId>,
    },
    /// Exchange evidence with a peer whose fingerprint you compared
    Approve(Named),
    /// Refuse a peer's calls and receipts until it is approved again
    Suspend(Named),
    /// Refuse a peer; what was exchanged stays
    Remove(Named),
    /// All peers
    List,
    /// One peer, with its keys and what was noticed about it
    Show(Named),
}

#[derive(Debug, clap::Args)]
struct Named {
    /// The operator: its https origin
    #[arg(value_parser = evidence::issuer)]
    issuer: Issuer,
}

pub(crate) fn run(args: Args, output: &Output) -> Result<Exit, CliError> {
    block_on(async {
        let node = args.place.open().await?;
        let done = act(args.command, &node, output).await;
        node.close().await;
        done
    })
}

async fn act(command: Command, node: &OpenNode, output: &Output) -> Result<Exit, CliError> {
    let client = PeerClient::new(&client_config(node.folder.config()))?;
    let directory = Directory::new(node.store.clone(), client, node.clock.clone(), DirectoryConfig::default());
    match command {
        Command::Add { issuer, fingerprint } => return add(&directory, &issuer, fingerprint, output).await,
        Command::Approve(Named { issuer }) => {
            directory.approve(&issuer).await?;
            told(node, &issuer, output).await?;
        }
        Command::Suspend(Named { issuer }) => {
            directory.suspend(&issuer).await?;
            told(node, &issuer, output).await?;
        }
        Command::Remove(Named { issuer }) => {
            directory.remove(&issuer).await?;
            told(node, &issuer, output).await?;
        }
        Command::List => list(&directory.peers().await?, output)?,
        Command::Show(Named { issuer }) => show(node, &issuer, output).await?,
    }
    Ok(Exit::Done)
}

async fn add(
    directory: &Directory,
    issuer: &Issuer,
    fingerprint: Option<KeyId>,
    output: &Output,
) -> Result<Exit, CliError> {
    let added = directory.add(issuer, fingerprint).await?;
    let value = json!({ "issuer": issuer, "fingerprint": added.fingerprint, "state": added.state.as_str() });
    output.result(&value, || {
        pairs(&[
            ("peer", issuer.to_string()),
            ("fingerprint", added.fingerprint.to_string()),
            ("state", added.state.as_str().to_owned()),
        ])
    })?;
    if added.state == PeerState::Pending {
        output.say(&format!(
            "\nNothing is exchanged with it yet. Compare the fingerprint with its operator on another channel; if it is \
             the same:\n  countersign peer approve {issuer}"
        ));
    }
    Ok(Exit::Done)
}

async fn told(node: &OpenNode, issuer: &Issuer, output: &Output) -> Result<(), CliError> {
    let peer = find(node, issuer).await?;
    output
        .result(&row(&peer), || format!("{} is {} (root key {})\n", peer.issuer, peer.state.as_str(), peer.fingerprint))
}

async fn find(node: &OpenNode, issuer: &Issuer) -> Result<Peer, CliError> {
    let peer = node.store.peer(issuer).await?;
    peer.ok_or_else(|| CliError::usage(format!("`{issuer}` is not a peer of this node")))
}

fn row(peer: &Peer) -> Value {
    json!({
        "issuer": peer.issuer,
        "state": peer.state.as_str(),
        "fingerprint": peer.fingerprint,
        "added": peer.added,
        "changed": peer.changed,
    })
}

fn list(peers: &[Peer], output: &Output) -> Result<(), CliError> {
    let rows: Vec<Value> = peers.iter().map(row).collect();
    output.result(&json!({ "peers": rows }), || {
        if peers.is_empty() {
            return "no peers yet: `countersign peer add https://…`\n".to_owned();
        }
        let line = |peer: &Peer| {
            let state = peer.state.as_str().to_owned();
            [peer.issuer.to_string(), state, peer.changed.to_string(), peer.fingerprint.to_string()]
        };
        columns(["PEER", "STATE", "SINCE", "FINGERPRINT"], &peers.iter().map(line).collect::<Vec<_>>())
    })
}

/// The newest observations that somebody may want to look into.
async fn noticed(node: &OpenNode, issuer: &Issuer) -> Result<Vec<Observation>, CliError> {
    let mut all = Vec::new();
    for kind in Noticed::ALL.into_iter().filter(|kind| !kind.is_routine()) {
        let (peer, kind) = (Some(issuer.clone()), Some(kind.code()));
        let query = ObservationQuery { peer, kind, ..ObservationQuery::default() };
        all.extend(node.store.observations(&query, SHOWN.into()).await?);
    }
    all.sort_by_key(|found| std::cmp::Reverse(found.observation.at));
    Ok(all.into_iter().take(SHOWN.into()).collect())
}

async fn show(node: &OpenNode, issuer: &Issuer, output: &Output) -> Result<(), CliError> {
    let peer = find(node, issuer).await?;
    let version = node.store.key_set(issuer, &peer.fingerprint).await?;
    let key_set = version.as_ref().and_then(|version| SelfSignedKeySet::parse(version.compact.as_bytes()).ok());
    let noticed = noticed(node, issuer).await?;
    let observations: Vec<Value> = noticed
        .iter()
        .map(|found| json!({ "at": found.observation.at, "kind": found.observation.kind, "about": found.observation.about }))
        .collect();
    let mut value = row(&peer);
    if let Some(value) = value.as_object_mut() {
        value.insert("key_set".to_owned(), json!(key_set.as_ref().map(SelfSignedKeySet::document)));
        value.insert("key_set_seen".to_owned(), json!(version.as_ref().map(|version| version.seen)));
        value.insert("observations".to_owned(), json!(observations));
    }
    output.result(&value, || {
        let document = key_set.as_ref().map(SelfSignedKeySet::document);
        let mut text = pairs(&[
            ("peer", peer.issuer.to_string()),
            ("state", format!("{} since {}", peer.state.as_str(), peer.changed)),
            ("fingerprint", peer.fingerprint.to_string()),
            ("log", document.map(|document| visible(&document.log.origin)).unwrap_or_default()),
            ("key set", document.map_or("none".to_owned(), |document| format!("number {}", document.number))),
            ("seen", version.as_ref().map(|version| version.seen.to_string()).unwrap_or_default()),
        ]);
        for key in document.into_iter().flat_map(|document| &document.keys) {
            text.push_str(&format!("  key {} ({}, {})\n", key.kid, key.usage, key.state.as_str()));
        }
        for found in &noticed {
            text.push_str(&format!("  noticed {} at {}\n", found.observation.kind, found.observation.at));
        }
        text
    })
}
