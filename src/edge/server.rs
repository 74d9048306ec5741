//! The server: both listeners of one node, from bind to shutdown.
//!
//! Tests use the same door as `countersign serve`: port 0 takes a free port, and the addresses are asked afterwards.
//! Out of scope: what is answered (`http`), and which signals end it (`cli`).

mod guard;
mod listener;

use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use tokio::task::JoinHandle;

use crate::edge::config::Config;
use crate::edge::data_folder::{DataFolder, DataFolderError};
use crate::edge::gateway::{AgentSecret, Gateway};
use crate::edge::http::{App, private, public};
use crate::edge::telemetry::Metrics;
use crate::io::client::{ClientBuildError, ClientConfig};
use crate::io::clock::Clock;
use crate::io::folder_lock::{FolderLock, FolderLockError};
use crate::node::acceptor::Terms;
use crate::node::directory::DirectoryConfig;
use crate::node::rate::Rate;
use crate::node::{Node, NodeParts, NodeSettings, StartError};
use listener::{Listener, Scope};

/// Time for the sequencer's last step and for running background work to end, after the calls have.
const LAST_STEP: Duration = Duration::from_secs(10);

/// Why a server does not start.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// The data folder cannot be used.
    #[error(transparent)]
    DataFolder(#[from] DataFolderError),
    /// The keys are being changed.
    #[error(transparent)]
    Keys(#[from] FolderLockError),
    /// The node does not start.
    #[error(transparent)]
    Node(#[from] StartError),
    /// The gateway's client for own agents cannot be made.
    #[error(transparent)]
    Gateway(#[from] ClientBuildError),
    /// An address cannot be listened on.
    #[error("cannot listen on `{address}` for the {listener} listener: {source}")]
    Bind {
        /// `public` or `private`.
        listener: &'static str,
        /// The address.
        address: SocketAddr,
        /// What the operating system said.
        source: io::Error,
    },
    /// The certificate or its key cannot be used.
    #[error("cannot use the certificate `{cert_file}` with its key: {source}")]
    Tls {
        /// The certificate's file.
        cert_file: PathBuf,
        /// What is wrong.
        source: io::Error,
    },
    /// A listener ended without being asked to.
    #[error("a listener ended: {0}")]
    Ended(String),
}

/// A running server.
#[derive(Debug)]
pub struct Server {
    app: Arc<App>,
    public: Listener,
    private: Listener,
    _keys: FolderLock,
}

impl Server {
    /// Starts the node of a data folder and both of its listeners. When this returns, both answer.
    pub async fn start(folder: &DataFolder) -> Result<Self, ServeError> {
        Self::start_with_clock(folder, Clock::system()).await
    }

    /// The same under another clock.
    pub async fn start_with_clock(folder: &DataFolder, clock: Clock) -> Result<Self, ServeError> {
        let config = folder.config().clone();
        let agents = agents(folder)?;
        let keys = folder.hold_to_serve()?;
        let node = Node::start(NodeParts {
            operator: Arc::new(folder.operator()?),
            store: Arc::new(folder.store().await?),
            clock,
            head_file: Some(folder.head_file()),
            policy_folder: Some(folder.policy_folder()),
            pseudonym_key: folder.pseudonym_key()?,
            peers: client_config(&config),
            settings: settings(&config),
        })
        .await?;
        match Self::serve(config, Arc::clone(&node), agents).await {
            Ok((app, public, private)) => Ok(Self { app, public, private, _keys: keys }),
            Err(error) => {
                // It signs once more: the keys are held until it has ended.
                node.shutdown(LAST_STEP).await;
                Err(error)
            }
        }
    }

    async fn serve(
        config: Config,
        node: Arc<Node>,
        agents: Vec<AgentSecret>,
    ) -> Result<(Arc<App>, Listener, Listener), ServeError> {
        let gateway = Gateway::new(&config, Arc::clone(&node), agents)?;
        let app = Arc::new(App::new(config, node, gateway));
        let config = &app.config;
        let public = Scope::public(config);
        let public = Listener::start(&public, config.listen.tls.as_ref(), public::router(Arc::clone(&app))).await?;
        let private = Scope::private(config);
        let private = Listener::start(&private, None, private::router(Arc::clone(&app))).await?;
        Ok((app, public, private))
    }

    /// Where the public listener listens.
    pub fn public_address(&self) -> SocketAddr {
        self.public.address()
    }

    /// Where the private listener listens.
    pub fn private_address(&self) -> SocketAddr {
        self.private.address()
    }

    /// The node that is served.
    pub fn node(&self) -> &Arc<Node> {
        &self.app.node
    }

    /// The configuration.
    pub fn config(&self) -> &Config {
        &self.app.config
    }

    /// What is counted.
    pub fn metrics(&self) -> &Metrics {
        &self.app.metrics
    }

    /// Returns when a listener ends by itself, which is a failure.
    pub async fn join(&mut self) -> ServeError {
        let ended = tokio::select! {
            ended = self.public.ended() => ended,
            ended = self.private.ended() => ended,
        };
        ServeError::Ended(ended)
    }

    /// Stops in order: no new connections, running requests to their end within the configured bound, the outcomes of
    /// ended calls, then the node with its last checkpoint. Tells whether everything ended in time.
    pub async fn shutdown(self) -> bool {
        let bound = self.app.config.limits.shutdown;
        let (public, private) = tokio::join!(self.public.shutdown(bound), self.private.shutdown(bound));
        let settled = tokio::time::timeout(bound, self.app.gateway.settled()).await.is_ok();
        let node = self.app.node.shutdown(LAST_STEP).await;
        public && private && settled && node
    }
}

/// What proves that a request is an own agent's.
fn agents(folder: &DataFolder) -> Result<Vec<AgentSecret>, DataFolderError> {
    let agents = folder.config().agents.iter();
    let agents = agents.map(|agent| Ok(AgentSecret { name: agent.name.clone(), secret: folder.agent_secret(agent)? }));
    agents.collect()
}

/// The part of the configuration that the node itself works by.
pub fn settings(config: &Config) -> NodeSettings {
    let per_s = match config.limits.peer_receipts_per_s {
        0 => u32::MAX / 2,
        per_s => per_s,
    };
    NodeSettings {
        checkpoint_interval: config.log.checkpoint_interval,
        include_within_s: config.log.include_within_s,
        decision_lifetime_s: config.evidence.decision_lifetime_s,
        approval_wait_s: config.evidence.approval_wait_s,
        terms: Terms {
            level: config.evidence.level,
            demand_body: config.evidence.demand_body,
            skew_s: config.evidence.skew_s,
            rate: Rate { per_s, burst: per_s.saturating_mul(2) },
        },
        directory: DirectoryConfig { refresh_s: config.peers.refresh.as_secs(), ..DirectoryConfig::default() },
    }
}

/// The part of the configuration that says whom the node may reach.
pub fn client_config(config: &Config) -> ClientConfig {
    ClientConfig {
        allow_loopback: config.peers.allow_loopback,
        allow_networks: config.peers.allow_networks.clone(),
        ca_file: config.peers.ca_file.clone(),
        ..ClientConfig::default()
    }
}

/// What a task ended with, in words.
async fn outcome(task: &mut JoinHandle<io::Result<()>>) -> String {
    match task.await {
        Ok(Ok(())) => "it was closed".to_owned(),
        Ok(Err(error)) => error.to_string(),
        Err(error) => error.to_string(),
    }
}
