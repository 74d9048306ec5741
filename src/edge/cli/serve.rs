//! `countersign serve`: the node, until a signal ends it.

use std::fmt::Write as _;
use std::io::IsTerminal as _;

use serde_json::{Value, json};
use tokio::signal::unix::{SignalKind, signal};

use super::output::{CliError, Exit, Output};
use super::place::{Place, block_on};
use crate::edge::data_folder::DataFolder;
use crate::edge::server::Server;
use crate::edge::telemetry::start_logging;
use crate::io::store::PeerState;

const EXAMPLES: &str = "\
Examples:
  countersign serve                            the node in this folder
  countersign serve --config node --json       one JSON line when it is ready, for whoever started it

Ctrl-C or SIGTERM ends it in order: running requests finish, the last checkpoint is signed. What is logged is said by
COUNTERSIGN_LOG, such as `info` or `countersign=debug`.

Exit codes: 0 ended in order, 1 the keys do not fit the key set, 64 the configuration is wrong, 70 it did not end in
time, 74 the folder, the store or a port cannot be used";

/// Run the node
///
/// Prints where it listens, the base URLs of its agents, and the line with which a counterparty adds it as a peer.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Args {
    #[command(flatten)]
    place: Place,
}

pub(crate) fn run(args: &Args, output: &Output) -> Result<Exit, CliError> {
    let folder = args.place.folder()?;
    start_logging();
    block_on(serve(&folder, output))
}

async fn serve(folder: &DataFolder, output: &Output) -> Result<Exit, CliError> {
    // Before the node runs, so that a signal during the start is not lost.
    let mut signals = Signals::new()?;
    let mut server = Server::start(folder).await?;
    let ready = Ready::of(folder, &server).await?;
    output.result(&ready.to_json(), || ready.text(std::io::stdout().is_terminal()))?;
    let failure = tokio::select! {
        () = signals.next() => None,
        failure = server.join() => Some(failure),
    };
    output.say("ending: running requests finish, and the last checkpoint is signed; once more to cut this short");
    let in_order = tokio::select! {
        in_order = server.shutdown() => in_order,
        () = signals.next() => false,
    };
    match failure {
        Some(failure) => Err(failure.into()),
        None if in_order => Ok(Exit::Done),
        None => Ok(Exit::Internal),
    }
}

/// What asks a process to end.
pub(super) struct Signals {
    interrupt: tokio::signal::unix::Signal,
    terminate: tokio::signal::unix::Signal,
}

impl Signals {
    pub(super) fn new() -> Result<Self, CliError> {
        let listen =
            |kind| signal(kind).map_err(|error| CliError::internal(format!("cannot listen for signals: {error}")));
        Ok(Self { interrupt: listen(SignalKind::interrupt())?, terminate: listen(SignalKind::terminate())? })
    }

    pub(super) async fn next(&mut self) {
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
        }
    }
}

/// What somebody who starts a node wants to know.
struct Ready {
    issuer: String,
    fingerprint: String,
    public: String,
    public_url: String,
    private: String,
    data: String,
    epoch: (u64, String),
    peers: Vec<(PeerState, usize)>,
    routes: Vec<(String, String)>,
    agents: Vec<AgentBase>,
    root_key_here: bool,
}

/// Where an own agent calls peers' agents.
pub(super) struct AgentBase {
    pub(super) name: String,
    pub(super) file: String,
    pub(super) bases: Vec<(String, String)>,
}

impl Ready {
    async fn of(folder: &DataFolder, server: &Server) -> Result<Self, CliError> {
        let (config, node) = (server.config(), server.node());
        let scheme = if config.listen.tls.is_some() { "https" } else { "http" };
        let peers = node.directory.peers().await?;
        let count = |state| (state, peers.iter().filter(|peer| peer.state == state).count());
        let active = node.policies.active();
        Ok(Self {
            issuer: config.issuer.to_string(),
            fingerprint: node.operator.key_set().key_set().fingerprint().to_string(),
            public: format!("{scheme}://{}", server.public_address()),
            public_url: config.public_url.to_string(),
            private: format!("http://{}", server.private_address()),
            data: folder.path().display().to_string(),
            epoch: (active.number, active.engine.epoch().to_string()),
            peers: PeerState::ALL.into_iter().map(count).filter(|(_, count)| *count > 0).collect(),
            routes: config
                .inbound
                .iter()
                .map(|route| (route.name.clone(), config.public_url_of(&route.path)))
                .collect(),
            agents: agent_bases(folder, &format!("http://{}", server.private_address()))?,
            root_key_here: folder.root_key_file().exists() && !config.issuer.is_loopback_http(),
        })
    }

    fn peer_add(&self) -> String {
        format!("countersign peer add {} --fingerprint {}", self.issuer, self.fingerprint)
    }

    fn to_json(&self) -> Value {
        let agents = self.agents.iter().map(|agent| {
            let bases: serde_json::Map<_, _> =
                agent.bases.iter().map(|(route, base)| (route.clone(), json!(base))).collect();
            json!({ "name": agent.name, "base_urls": bases })
        });
        json!({
            "ready": true,
            "issuer": self.issuer,
            "fingerprint": self.fingerprint,
            "public": self.public,
            "public_url": self.public_url,
            "private": self.private,
            "data": self.data,
            "epoch": { "number": self.epoch.0, "digest": self.epoch.1 },
            "routes": self.routes.iter().map(|(name, url)| json!({ "name": name, "url": url })).collect::<Vec<_>>(),
            "agents": agents.collect::<Vec<_>>(),
            "peer_add": self.peer_add(),
            "pid": std::process::id(),
        })
    }

    /// Base URLs are secrets, so they are shown to people and not to whatever collects the output.
    fn text(&self, to_people: bool) -> String {
        let peers: Vec<_> = self.peers.iter().map(|(state, count)| format!("{count} {}", state.as_str())).collect();
        let mut text = format!("countersign {} for {}\n", env!("CARGO_PKG_VERSION"), self.issuer);
        text.push_str(&super::lines::pairs(&[
            ("public", format!("{}  (bound to {})", self.public, self.public_url)),
            ("private", self.private.clone()),
            ("data", self.data.clone()),
            ("policy", format!("epoch {} ({})", self.epoch.0, self.epoch.1)),
            ("peers", if peers.is_empty() { "none yet".to_owned() } else { peers.join(", ") }),
        ]));
        for (name, url) in &self.routes {
            let _infallible = writeln!(text, "  inbound route `{name}` at {url}");
        }
        for agent in &self.agents {
            for (route, base) in &agent.bases {
                let shown = if to_people { base.clone() } else { format!("(secret in `{}`)", agent.file) };
                let _infallible = writeln!(text, "  agent `{}` calls `{route}` at {shown}", agent.name);
            }
        }
        if self.root_key_here {
            text.push_str("  the root key is still in the data folder: move it offline\n");
        }
        let _infallible = writeln!(text, "a counterparty adds this node with\n  {}\nready", self.peer_add());
        text
    }
}

/// The base URLs of all agents under a private listener.
pub(super) fn agent_bases(folder: &DataFolder, private: &str) -> Result<Vec<AgentBase>, CliError> {
    let config = folder.config();
    let mut agents = Vec::with_capacity(config.agents.len());
    for agent in &config.agents {
        let secret = folder.agent_secret(agent)?;
        let base = |route: &str| format!("{private}/a/{}/{route}", secret.reveal());
        let bases = config.outbound.iter().map(|route| (route.name.clone(), base(&route.name))).collect();
        agents.push(AgentBase { name: agent.name.clone(), file: agent.secret_file.display().to_string(), bases });
    }
    Ok(agents)
}
