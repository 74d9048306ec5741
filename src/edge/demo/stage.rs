//! The stage: two operators with their own folders, keys, policies, databases and ports, each the other's approved
//! peer.

use std::net::{SocketAddr, TcpListener};
use std::path::Path;

use super::DemoError;
use super::agent::BookingAgent;
use super::desk::TravelDesk;
use crate::edge::data_folder::{DataFolder, InitOptions};
use crate::edge::server::{ServeError, Server};
use crate::ground::crypto::keys::KeyId;
use crate::ground::name::Issuer;
use crate::io::clock::Clock;
use crate::io::secret_files;
use crate::node::tokens::Role;

/// How often ports are drawn anew when another program takes them in between.
const MAX_STARTS: u32 = 5;

/// The caller's rule beside the starter policy.
const ATLAS_POLICY: &str = r#"// What Atlas Travel adds for this demo.

@id("atlas-budget")
@reason("no agent spends more than 5000, whoever approves")
forbid (principal is Agent, action in Action::"a2a.write", resource is PeerAgent)
when { context has facts && context.facts has amount && context.facts.amount > 5000 };
"#;

/// The called operator's rule.
const BIRCH_POLICY: &str = r#"// What Birch Hotels adds for this demo.

@id("birch-suites-by-phone")
@reason("suites are sold by people")
forbid (principal is PeerAgent, action in Action::"a2a.write", resource is Agent)
when { context has facts && context.facts has amount && context.facts.amount > 700 };
"#;

/// Both routes lift the amount out of the message, so that policies can speak of it.
const LIFT: &str = "lift = [{ name = \"amount\", pointer = \"/message/metadata/amount\", type = \"integer\", \
                    actions = [\"a2a.send_message\"] }]";

/// One operator.
#[derive(Debug)]
pub struct Operator {
    /// What people call it.
    pub name: &'static str,
    /// Its node.
    pub server: Server,
    /// Its data folder, as `countersign --config` takes it.
    pub folder: DataFolder,
    /// The thumbprint of its root key.
    pub fingerprint: KeyId,
}

impl Operator {
    /// Its permanent name.
    pub fn issuer(&self) -> &Issuer {
        self.folder.issuer()
    }

    /// The base URL of its private listener.
    pub fn private(&self) -> String {
        format!("http://{}", self.server.private_address())
    }
}

/// Everything that the story needs.
#[derive(Debug)]
pub struct Stage {
    /// The operator whose agent calls.
    pub atlas: Operator,
    /// The operator whose agent is called.
    pub birch: Operator,
    pub(super) booking: BookingAgent,
    pub(super) desk: TravelDesk,
}

impl Stage {
    /// Builds it up in `place`.
    pub(super) async fn build(place: &Path) -> Result<Self, DemoError> {
        let booking = BookingAgent::start().await.map_err(DemoError::Io)?;
        let birch_routes = format!(
            "[[inbound]]\nname = \"booking\"\npath = \"/agents/booking\"\nupstream = \"{}\"\n\
             open = [\"/.well-known/agent-card.json\"]\n{LIFT}\n\
             [[inbound]]\nname = \"concierge\"\npath = \"/agents/concierge\"\nupstream = \"{0}\"\n{LIFT}\n",
            booking.url()
        );
        let birch = start("Birch Hotels", &place.join("birch"), BIRCH_POLICY, &birch_routes).await?;
        let atlas_routes = format!(
            "[[outbound]]\nname = \"booking\"\npeer = \"{0}\"\nurl = \"{0}/agents/booking\"\n{LIFT}\n\
             [[agent]]\nname = \"travel-desk\"\nsecret_file = \"agents/travel-desk\"\n",
            birch.issuer()
        );
        let atlas = start("Atlas Travel", &place.join("atlas"), ATLAS_POLICY, &atlas_routes).await?;
        for (one, other) in [(&atlas, &birch), (&birch, &atlas)] {
            let node = one.server.node();
            node.directory.add(other.issuer(), Some(other.fingerprint)).await?;
        }
        let token = atlas.server.node().tokens.create("demo", Role::Decide).await?;
        let secret = secret_files::read(&atlas.folder.path().join("agents/travel-desk")).map_err(DemoError::Secret)?;
        let base = format!("{}/a/{}/booking", atlas.private(), secret.reveal());
        let desk = TravelDesk::new(base, atlas.private(), token, birch.issuer().clone())?;
        Ok(Self { atlas, birch, booking, desk })
    }
}

/// Starts an operator on ports that were free a moment ago. The issuer names its port, so a port that somebody takes in
/// between costs the whole identity, which nobody has seen yet.
async fn start(name: &'static str, place: &Path, policy: &str, routes: &str) -> Result<Operator, DemoError> {
    let mut tries = 0;
    loop {
        match start_once(name, place, policy, routes).await {
            Err(DemoError::Serve(ServeError::Bind { .. })) if tries < MAX_STARTS => {
                tries += 1;
                std::fs::remove_dir_all(place).map_err(DemoError::Io)?;
            }
            other => return other,
        }
    }
}

async fn start_once(name: &'static str, place: &Path, policy: &str, routes: &str) -> Result<Operator, DemoError> {
    let (public, private) = free_addresses().map_err(DemoError::Io)?;
    let issuer: Issuer = format!("http://{public}").parse()?;
    let options = InitOptions { issuer, public, private, log_origin: None, at: Clock::system().now() };
    let created = DataFolder::create(place, &options).await?;
    std::fs::write(created.folder.policy_folder().join("demo.cedar"), policy).map_err(DemoError::Io)?;
    let agents = place.join("agents");
    std::fs::create_dir_all(&agents).map_err(DemoError::Io)?;
    secret_files::create(&agents.join("travel-desk")).map_err(DemoError::Secret)?;
    let file = place.join(crate::edge::config::CONFIG_FILE);
    let text = std::fs::read_to_string(&file).map_err(DemoError::Io)?;
    // A checkpoint five times a second: the audience does not like to wait.
    std::fs::write(&file, format!("{text}\n[log]\ncheckpoint_interval_ms = 200\n\n{routes}")).map_err(DemoError::Io)?;
    let folder = DataFolder::open(place)?;
    let server = Server::start(&folder).await?;
    Ok(Operator { name, server, folder, fingerprint: created.fingerprint })
}

fn free_addresses() -> std::io::Result<(SocketAddr, SocketAddr)> {
    // Both are held at once, so that they differ.
    let (one, other) = (TcpListener::bind("127.0.0.1:0")?, TcpListener::bind("127.0.0.1:0")?);
    Ok((one.local_addr()?, other.local_addr()?))
}
