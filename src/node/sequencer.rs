//! The sequencer: gives committed receipts their place in the log, and publishes checkpoints.
//!
//! [`Sequencer::step`] is the whole commit order in one place. Any number of sequencers may run on one store: the
//! compare-and-swap of the head lets one of them move it, and the others see that it moved. Out of scope: the tree's
//! mathematics (`ground::log`), and when receipts are committed (`issuer`).

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use crate::ground::crypto::hash::leaf_hash;
use crate::ground::log::checkpoint::{Checkpoint, CheckpointError, UnverifiedCheckpoint};
use crate::ground::log::merkle::TreeHead;
use crate::ground::log::tile::{Growth, RightEdge, TileError};
use crate::ground::name::Timestamp;
use crate::io::clock::Clock;
use crate::io::head_file::{HeadFile, HeadFileError};
use crate::io::store::{
    Advance, Entry, HeadAdvance, Publication, Publish, Store, StoreError, Tile, TileAt, Unsequenced,
};
use crate::node::issuer::CaughtUp;
use crate::node::logbook::{Logbook, LogbookError};
use crate::node::operator::Operator;

/// Receipts that one transaction takes in. The database has one writer, and calls wait for it: some 10 ms with so many.
const MAX_ADVANCE: u32 = 4096;

/// Transactions of one step at most, so that a log that is far behind still publishes on the way: as many receipts as
/// a busy node issues in some ten seconds.
const MAX_ADVANCES: u32 = 64;

/// Seconds after which an unchanged head is signed again, so that an idle log still says its time.
const REPUBLISH_AFTER_S: u64 = 600;

/// Why the log does not move.
#[derive(Debug, thiserror::Error)]
pub enum SequencerError {
    /// The store fails.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The stored tiles are not those of the stored head.
    #[error("the stored log contradicts itself, so nothing is signed; run `countersign log fsck`: {0}")]
    Tiles(#[from] TileError),
    /// The checkpoint cannot be made.
    #[error(transparent)]
    Checkpoint(#[from] CheckpointError),
    /// The head file fails.
    #[error(transparent)]
    HeadFile(#[from] HeadFileError),
    /// The database is behind what was signed before.
    #[error(
        "the head file knows a log of {known} entries, the database one of {stored}: the database was restored from an \
         older backup or replaced. Nothing is signed. Restore the newer database; if it is lost for good, this log's \
         history cannot be continued, and this operator has to begin anew under another name"
    )]
    RolledBack {
        /// Size in the head file.
        known: u64,
        /// Size in the database.
        stored: u64,
    },
    /// The database holds another history.
    #[error("the database does not continue the log that the head file knows ({known} entries). Nothing is signed")]
    Forked {
        /// Size in the head file.
        known: u64,
    },
    /// Reading the log failed.
    #[error(transparent)]
    Logbook(#[from] LogbookError),
    /// A background task was lost.
    #[error("a background task was lost: {0}")]
    Task(String),
}

/// What one step did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// There was nothing to do.
    Idle,
    /// A checkpoint was published.
    Published {
        /// Entries that are new in it.
        new: u64,
    },
    /// Another sequencer was first; the next step goes on from its head.
    Overtaken,
}

/// How far steps 1 and 2 came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Sequenced {
    /// Everything that waited is in the log.
    All,
    /// More waits than one step takes.
    Part,
    /// Another sequencer was first.
    Overtaken,
}

/// Gives receipts their index and signs checkpoints.
#[derive(Debug)]
pub struct Sequencer {
    store: Arc<dyn Store>,
    operator: Arc<Operator>,
    clock: Clock,
    head_file: Option<HeadFile>,
    edge: RightEdge,
    /// The head that this node signed last, or that its head file names. Every later one has to continue it.
    signed: Option<TreeHead>,
    /// Whether the published checkpoint is under other keys than the present ones, which may be worth nothing any more.
    outdated: bool,
    published: watch::Sender<TreeHead>,
    caught_up: CaughtUp,
}

impl Sequencer {
    /// Takes up the stored log, and refuses one that is behind its head file or does not continue it.
    pub async fn open(
        store: Arc<dyn Store>,
        operator: Arc<Operator>,
        clock: Clock,
        head_file: Option<HeadFile>,
    ) -> Result<Self, SequencerError> {
        let (signed, edge) = take_up(&store, head_file.as_ref(), None).await?;
        let before = store.published().await?;
        let outdated = before.as_ref().is_some_and(|before| !is_signed_by(&operator, before));
        let published = before.map_or_else(TreeHead::empty, |checkpoint| checkpoint.head);
        let caught_up = CaughtUp::since(clock.now());
        Ok(Self {
            store,
            operator,
            clock,
            head_file,
            edge,
            signed,
            outdated,
            published: watch::Sender::new(published),
            caught_up,
        })
    }

    /// Whether it is known what was signed last: nothing by a new log, and otherwise what the head file says. Where it
    /// is not known, nobody can tell a restored database from one that goes on.
    pub fn remembers(&self) -> bool {
        self.signed.is_some() || self.edge.head() == TreeHead::empty()
    }

    /// The published head, as it moves.
    pub fn published(&self) -> watch::Receiver<TreeHead> {
        self.published.subscribe()
    }

    /// How far the log has caught up.
    pub fn caught_up(&self) -> CaughtUp {
        self.caught_up.clone()
    }

    /// One step of the log. The order is what makes it safe:
    ///
    /// 1. Read what waits. A crash here changes nothing.
    /// 2. Commit entries, tiles and head in one transaction, if the head is still the one that was read. A crash after
    ///    it leaves a head that nobody has signed; the next step signs it. Only committed heads are ever signed, so a
    ///    crash can never leave a signed head without its entries.
    /// 3. Sign and date the head. A crash loses a signature that nobody has seen.
    /// 4. Sync the head file. A crash after it is harmless: the file names a committed head. If another process has put
    ///    a larger one there, the store has to have that one too.
    /// 5. Publish, if nothing larger is published. From here on the world may hold the checkpoint, and the head file
    ///    already remembers it: a database restored to before step 2 is noticed.
    pub async fn step(&mut self) -> Result<Step, SequencerError> {
        let began = self.clock.now();
        let sequenced = self.sequence().await?;
        if sequenced == Sequenced::Overtaken {
            return Ok(Step::Overtaken);
        }
        let head = self.edge.head();
        let before = self.store.published().await?;
        if !self.is_due(before.as_ref(), head, began) {
            self.published.send_replace(head);
            self.caught_up.advance(began);
            return Ok(Step::Idle);
        }
        let publication = self.sign(head)?;
        let kept = self.sync_head_file(head).await?;
        if kept != head {
            check_history(&Logbook::new(Arc::clone(&self.store)), kept, self.store.head().await?).await?;
        }
        self.signed = Some(kept);
        match self.store.publish(&publication).await? {
            Publish::Published => {}
            // Signed anew within the second, or under a clock that was set back: the world has this head all the same.
            Publish::Stale { current } if current.head == head => {
                self.caught_up.advance(began);
                return Ok(Step::Idle);
            }
            Publish::Stale { .. } | Publish::NotCommitted { .. } => return Ok(Step::Overtaken),
        }
        self.outdated = false;
        self.published.send_replace(head);
        if sequenced == Sequenced::All {
            self.caught_up.advance(began);
        }
        Ok(Step::Published { new: head.size - before.map_or(0, |before| before.head.size.min(head.size)) })
    }

    /// Steps 1 and 2, again and again until what waited is taken.
    async fn sequence(&mut self) -> Result<Sequenced, SequencerError> {
        if self.store.head().await? != self.edge.head() {
            // Another sequencer moved it, or the database was replaced under the running node, by a restore or by a
            // replica that took over and had not got everything.
            (self.signed, self.edge) = take_up(&self.store, self.head_file.as_ref(), self.signed).await?;
        }
        for _ in 0..MAX_ADVANCES {
            let waiting = self.store.unsequenced(MAX_ADVANCE).await?;
            if waiting.is_empty() {
                return Ok(Sequenced::All);
            }
            let leaves: Vec<_> = waiting.iter().map(|waiting| leaf_hash(&waiting.digest.0)).collect();
            let growth = self.edge.grow(&leaves);
            match self.store.advance(&head_advance(self.edge.head(), &growth, &waiting)).await? {
                Advance::HeadMoved { .. } => return Ok(Sequenced::Overtaken),
                Advance::Advanced => self.edge = growth.edge,
            }
            if u32::try_from(waiting.len()).is_ok_and(|taken| taken < MAX_ADVANCE) {
                return Ok(Sequenced::All);
            }
        }
        Ok(Sequenced::Part)
    }

    fn is_due(&self, before: Option<&Publication>, head: TreeHead, now: Timestamp) -> bool {
        match before {
            None => head.size > 0,
            Some(before) => self.outdated || before.head != head || now.since(before.at) >= REPUBLISH_AFTER_S,
        }
    }

    fn sign(&self, head: TreeHead) -> Result<Publication, SequencerError> {
        let at = self.clock.now();
        let (operator, keys) = (&self.operator, self.operator.keys());
        let checkpoint = Checkpoint { origin: operator.log_key().origin().clone(), head };
        let mut note = checkpoint.sign(operator.log_key(), |message| keys.log.sign(message))?;
        let dated = checkpoint.cosign(operator.cosigner_key(), at, |message| keys.cosign.sign(message));
        note.add(dated).map_err(CheckpointError::from)?;
        Ok(Publication { head, at, note: note.to_string() })
    }

    async fn sync_head_file(&self, head: TreeHead) -> Result<TreeHead, SequencerError> {
        let Some(file) = self.head_file.clone() else { return Ok(head) };
        let kept = tokio::task::spawn_blocking(move || file.advance(head)).await;
        Ok(kept.map_err(|error| SequencerError::Task(error.to_string()))??)
    }

    /// Steps on at every `interval` until `stop`, and once more after it, so that a node that shuts down leaves
    /// nothing waiting.
    pub async fn run(mut self, interval: Duration, stop: CancellationToken) {
        let mut ticks = tokio::time::interval(interval);
        ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            let stopping = tokio::select! {
                () = stop.cancelled() => true,
                _ = ticks.tick() => false,
            };
            match self.step().await {
                Ok(Step::Published { new }) => {
                    tracing::debug!(new, size = self.edge.head().size, "published a checkpoint")
                }
                Ok(Step::Idle | Step::Overtaken) => {}
                Err(error) => tracing::error!(error = %error, "the log does not move"),
            }
            if stopping {
                return;
            }
        }
    }
}

fn head_advance(from: TreeHead, growth: &Growth, waiting: &[Unsequenced]) -> HeadAdvance {
    let entries = (from.size..).zip(waiting);
    let entries = entries.map(|(index, waiting)| Entry { index, position: waiting.position, digest: waiting.digest });
    let tiles = growth.tiles.iter();
    let tiles =
        tiles.map(|tile| Tile { at: TileAt { level: tile.level, index: tile.index }, hashes: tile.bytes.clone() });
    HeadAdvance { from, to: growth.head, entries: entries.collect(), tiles: tiles.collect() }
}

/// What was signed last, by this process (`signed`) or by another one (the head file), and the right edge of the stored
/// log, which has to go on from both.
async fn take_up(
    store: &Arc<dyn Store>,
    head_file: Option<&HeadFile>,
    signed: Option<TreeHead>,
) -> Result<(Option<TreeHead>, RightEdge), SequencerError> {
    // The file before the store: a head is committed before it comes into the file, so the store has what was read
    // here, also if another process publishes in between.
    let noted = match head_file.cloned() {
        Some(file) => {
            let read = tokio::task::spawn_blocking(move || file.read()).await;
            read.map_err(|error| SequencerError::Task(error.to_string()))??
        }
        None => None,
    };
    let logbook = Logbook::new(Arc::clone(store));
    let head = store.head().await?;
    let known = signed.into_iter().chain(noted.filter(|noted| Some(*noted) != signed));
    for known in known.clone() {
        check_history(&logbook, known, head).await?;
    }
    Ok((known.max_by_key(|known| known.size), logbook.right_edge(head).await?))
}

fn is_signed_by(operator: &Operator, publication: &Publication) -> bool {
    let note = UnverifiedCheckpoint::parse(publication.note.as_bytes());
    note.is_ok_and(|note| note.verify(operator.log_key(), operator.cosigner_key()).is_ok())
}

/// The stored log must contain the head that was signed last.
async fn check_history(logbook: &Logbook, known: TreeHead, stored: TreeHead) -> Result<(), SequencerError> {
    if known.size > stored.size {
        return Err(SequencerError::RolledBack { known: known.size, stored: stored.size });
    }
    let proof = logbook.consistency(known.size, stored).await?;
    proof.verify(&known, &stored).map_err(|_| SequencerError::Forked { known: known.size })
}
