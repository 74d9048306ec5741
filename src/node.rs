//! The node: an operator's living side. It issues, sequences, accepts, remembers peers and follows up.
//!
//! [`Node::start`] puts the rooms together and starts what runs behind the calls; [`Node::shutdown`] ends it in order.
//! Out of scope: listeners and files (`edge`).

pub mod acceptor;
pub mod answers;
pub mod archive;
pub mod audit;
pub mod bundles;
pub mod decider;
pub mod directory;
pub mod followup;
pub mod issuer;
pub mod logbook;
pub mod observation;
pub mod operator;
pub mod outcomes;
pub mod policies;
pub mod policy_watch;
pub mod pseudonym;
pub mod pulls;
pub mod rate;
pub mod readiness;
pub mod running;
pub mod sequencer;
pub mod tokens;
mod turns;
pub mod upkeep;
pub mod verifier;
pub mod write_path;

use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::ground::log::merkle::TreeHead;
use crate::ground::name::Timestamp;
use crate::io::client::{ClientBuildError, ClientConfig, PeerClient};
use crate::io::clock::Clock;
use crate::io::head_file::HeadFile;
use crate::io::policy_folder;
use crate::io::secret_files::Secret;
use crate::io::store::Store;
use crate::node::acceptor::{Acceptor, Terms};
use crate::node::answers::Answers;
use crate::node::archive::Archive;
use crate::node::decider::Decider;
use crate::node::directory::{Directory, DirectoryConfig};
use crate::node::followup::FollowUp;
use crate::node::issuer::{CaughtUp, ReceiptIssuer};
use crate::node::logbook::Logbook;
use crate::node::operator::Operator;
use crate::node::policies::{Policies, PoliciesError};
use crate::node::policy_watch::{FolderState, PolicyWatch};
use crate::node::pseudonym::PseudonymKey;
use crate::node::pulls::Pulls;
use crate::node::readiness::Readiness;
use crate::node::running::RunningCalls;
use crate::node::sequencer::{Sequencer, SequencerError};
use crate::node::tokens::Tokens;
use crate::node::verifier::Verifier;
use crate::node::write_path::WritePath;

/// How a node works: the part of the configuration that is not about listeners.
#[derive(Debug, Clone, Copy)]
pub struct NodeSettings {
    /// Time between two checkpoints while there is something new.
    pub checkpoint_interval: Duration,
    /// Seconds within which every receipt promises to be in a published checkpoint.
    pub include_within_s: u64,
    /// Seconds for which our decisions are valid.
    pub decision_lifetime_s: u64,
    /// Seconds that an escalated action waits for its approval.
    pub approval_wait_s: u64,
    /// What is demanded of other operators' receipts.
    pub terms: Terms,
    /// How peers' key sets are kept fresh.
    pub directory: DirectoryConfig,
}

/// What a node is made of.
#[derive(Debug)]
pub struct NodeParts {
    /// Who it is.
    pub operator: Arc<Operator>,
    /// Its memory.
    pub store: Arc<dyn Store>,
    /// Its time.
    pub clock: Clock,
    /// Where the last signed head is kept outside of the store; without one, a store that is restored from an older
    /// backup goes unnoticed here.
    pub head_file: Option<HeadFile>,
    /// The policy's working copy: the source of the first epoch, watched for edits.
    pub policy_folder: Option<PathBuf>,
    /// The key under which users get pseudonyms.
    pub pseudonym_key: Secret,
    /// Whom it may reach.
    pub peers: ClientConfig,
    /// How it works.
    pub settings: NodeSettings,
}

/// Why a node does not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The log does not go on.
    #[error(transparent)]
    Log(#[from] SequencerError),
    /// The client for peers' nodes cannot be made.
    #[error(transparent)]
    Client(#[from] ClientBuildError),
    /// There is no policy in force.
    #[error(transparent)]
    Policies(#[from] PoliciesError),
}

/// A running node. Shared behind an `Arc` by everything that serves it.
#[derive(Debug)]
pub struct Node {
    /// Who it is.
    pub operator: Arc<Operator>,
    /// Its time.
    pub clock: Clock,
    /// How it works.
    pub settings: NodeSettings,
    /// Signs and commits receipts.
    pub issuer: ReceiptIssuer,
    /// Reads the log.
    pub logbook: Logbook,
    /// The policies in force.
    pub policies: Policies,
    /// Takes decisions.
    pub decider: Decider,
    /// Takes in other operators' decisions.
    pub acceptor: Acceptor,
    /// Reads other operators' answers to our calls.
    pub answers: Answers,
    /// The peers and their keys.
    pub directory: Arc<Directory>,
    /// Fetches from peers.
    pub client: PeerClient,
    /// Verifies receipts, and changes nothing.
    pub verifier: Verifier,
    /// Names users so that no two peers know them by the same name.
    pub pseudonyms: PseudonymKey,
    /// The calls that this process is carrying.
    pub running: RunningCalls,
    /// Answers peers that ask for our answers.
    pub pulls: Pulls,
    /// Reads receipts.
    pub archive: Archive,
    /// Who may use the private listener.
    pub tokens: Tokens,
    /// The published head, as it moves.
    pub published: watch::Receiver<TreeHead>,
    /// How far the log has caught up.
    pub caught_up: CaughtUp,
    /// What the policy's working copy is.
    pub folder: watch::Receiver<FolderState>,
    store: Arc<dyn Store>,
    head_file: Option<HeadFile>,
    stop: CancellationToken,
    tasks: Mutex<Vec<JoinHandle<()>>>,
}

impl Node {
    /// Starts a node. The log is taken up first, since every receipt names its head, the one that begins the first
    /// epoch included.
    pub async fn start(parts: NodeParts) -> Result<Arc<Self>, StartError> {
        let NodeParts { operator, store, clock, head_file, policy_folder, pseudonym_key, peers, settings } = parts;
        let client = PeerClient::new(&peers)?;
        let sequencer =
            Sequencer::open(Arc::clone(&store), Arc::clone(&operator), clock.clone(), head_file.clone()).await?;
        let issued_from = issued_from(&sequencer, clock.now(), settings.terms.skew_s);
        let (published, caught_up) = (sequencer.published(), sequencer.caught_up());
        let (writes, writer) = WritePath::start(Arc::clone(&store), clock.clone());
        let issuer = ReceiptIssuer::new(
            Arc::clone(&operator),
            writes.clone(),
            clock.clone(),
            published.clone(),
            settings.include_within_s,
            caught_up.clone(),
        );
        let files = || match &policy_folder {
            Some(folder) => Ok(policy_folder::read(folder)?),
            None => Ok(Vec::new()),
        };
        let policies = Policies::open(Arc::clone(&store), &issuer, files).await?;
        let watch = PolicyWatch::new(policies.clone(), policy_folder);
        let folder = watch.state();
        let pseudonyms = PseudonymKey::new(&pseudonym_key);
        let basis = Basis { operator, store, clock, client, settings, issued_from, issuer, policies, pseudonyms };
        let node = basis.furnish(published, caught_up, folder, head_file);
        node.spawn(|stop| watch_writer(writer, stop));
        node.spawn(|stop| sequencer.run(settings.checkpoint_interval, stop));
        node.spawn(|stop| watch.run(stop));
        node.keep_up(writes);
        Ok(Arc::new(node))
    }

    /// Starts what runs behind the calls on any node.
    fn keep_up(&self, writes: WritePath) {
        let followup = Arc::new(FollowUp {
            store: Arc::clone(&self.store),
            writes,
            operator: Arc::clone(&self.operator),
            directory: Arc::clone(&self.directory),
            client: self.client.clone(),
            clock: self.clock.clone(),
            issuer: self.issuer.clone(),
            running: self.running.clone(),
        });
        let directory = Arc::clone(&self.directory);
        self.spawn(|stop| followup.run(stop));
        self.spawn(|stop| async move { directory.run(stop).await });
        self.spawn(|stop| upkeep::index_receipts(Arc::clone(&self.store), stop));
        self.spawn(|stop| upkeep::purge_replay(Arc::clone(&self.store), self.clock.clone(), stop));
    }

    /// Whether this node can keep its promises now.
    pub async fn readiness(&self) -> Readiness {
        readiness::readiness(self).await
    }

    /// Runs `task` until the node shuts down; it has to end soon after the token is cancelled.
    pub fn spawn<F>(&self, task: impl FnOnce(CancellationToken) -> F)
    where
        F: Future<Output = ()> + Send + 'static,
    {
        let handle = tokio::spawn(task(self.stop.clone()));
        self.tasks.lock().unwrap_or_else(PoisonError::into_inner).push(handle);
    }

    /// Ends what runs behind the calls, the sequencer with a last step, and waits for at most `bound`. Calls should
    /// have ended before: a receipt that is committed later waits for the next start. Tells whether all ended in time;
    /// what did not is cut off, which loses nothing, since every commit stands or falls whole.
    pub async fn shutdown(&self, bound: Duration) -> bool {
        self.stop.cancel();
        let tasks = std::mem::take(&mut *self.tasks.lock().unwrap_or_else(PoisonError::into_inner));
        let aborts: Vec<_> = tasks.iter().map(JoinHandle::abort_handle).collect();
        let all = tokio::time::timeout(bound, futures_util::future::join_all(tasks)).await;
        for task in aborts {
            task.abort();
        }
        all.is_ok()
    }
}

/// What every room stands on.
struct Basis {
    operator: Arc<Operator>,
    store: Arc<dyn Store>,
    clock: Clock,
    client: PeerClient,
    settings: NodeSettings,
    issued_from: Timestamp,
    issuer: ReceiptIssuer,
    policies: Policies,
    pseudonyms: PseudonymKey,
}

impl Basis {
    fn furnish(
        self,
        published: watch::Receiver<TreeHead>,
        caught_up: CaughtUp,
        folder: watch::Receiver<FolderState>,
        head_file: Option<HeadFile>,
    ) -> Node {
        let Self { operator, store, clock, client, settings, issued_from, issuer, policies, pseudonyms } = self;
        let share = || Arc::clone(&store);
        let directory = Directory::new(share(), client.clone(), clock.clone(), settings.directory);
        let directory = Arc::new(directory);
        let (lifetime_s, wait_s) = (settings.decision_lifetime_s, settings.approval_wait_s);
        let decider = Decider::new(share(), issuer.clone(), policies.clone(), lifetime_s, wait_s);
        let peers = Arc::clone(&directory);
        let (time, terms) = (clock.clone(), settings.terms);
        let acceptor = Acceptor::new(share(), time, issuer.clone(), decider.clone(), peers, terms, issued_from);
        let (own, peers) = (operator.issuer().clone(), Arc::clone(&directory));
        let answers = Answers::new(share(), clock.clone(), own, peers, settings.terms.skew_s);
        let peers = Arc::clone(&directory);
        let pulls = Pulls::new(share(), peers, clock.clone(), operator.issuer().clone());
        let peers = Arc::clone(&directory);
        let verifier = Verifier::new(Arc::clone(&operator), peers, clock.clone(), settings.terms.skew_s);
        Node {
            logbook: Logbook::new(share()),
            archive: Archive::new(share()),
            tokens: Tokens::new(share(), clock.clone()),
            operator,
            clock,
            settings,
            issuer,
            policies,
            decider,
            acceptor,
            answers,
            directory,
            client,
            verifier,
            pseudonyms,
            running: RunningCalls::default(),
            pulls,
            published,
            caught_up,
            folder,
            store,
            head_file,
            stop: CancellationToken::new(),
            tasks: Mutex::default(),
        }
    }
}

/// From which time of issue on receipts are taken. A restored store may have forgotten what it accepted, up to now, and
/// the clocks of those who issued it may have been ahead by the skew.
fn issued_from(sequencer: &Sequencer, now: Timestamp, skew_s: u64) -> Timestamp {
    if sequencer.remembers() {
        return Timestamp::EPOCH;
    }
    tracing::warn!(
        "no head file tells what this log signed last, so its database may have been restored: receipts that peers \
         issued before now, or in the next {skew_s} s, are refused"
    );
    now.plus(skew_s)
}

/// The write path lives as long as somebody holds the issuer, which the node does itself: on shutdown it is left to
/// finish its batch and is not waited for.
async fn watch_writer(writer: JoinHandle<()>, stop: CancellationToken) {
    tokio::select! {
        () = stop.cancelled() => {}
        ended = writer => {
            if !stop.is_cancelled() {
                tracing::error!(?ended, "the write path ended; nothing can be issued until the node is started again");
            }
        }
    }
}
