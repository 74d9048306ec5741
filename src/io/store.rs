//! The store: what a node must not lose, in the verbs of its domain.
//!
//! Every method says what is durable when it returns. "Durable" means: survives the death of the process and of the
//! machine's power, as far as the disk keeps what it acknowledged. A method that fails with [`StoreError::Unavailable`]
//! may or may not have taken effect; after any other error nothing did. A future that is dropped before it returns
//! leaves the store consistent, with its effect or without it; the effect may still come a moment after the drop.
//!
//! Two implementations are written independently against this contract, and one suite of tests runs against both. A
//! store holds bytes and plain rows: it does not know what a receipt says, and verifies no signature. Reads see every
//! commit that returned before they began, made by this process or by another.
//!
//! Out of scope: what an entry, a tile or a checkpoint means (`ground::log`); when to commit, to sequence or to purge
//! (`node`).

use std::fmt;

use async_trait::async_trait;

use crate::ground::crypto::hash::Digest;
use crate::ground::log::merkle::TreeHead;
use crate::ground::name::{Issuer, ReceiptId, Timestamp};

mod admission;
#[cfg(test)]
mod contract;
mod directory;
mod fault;
mod lookup;
mod sequence;
pub mod sqlite;
mod work;

pub use admission::{Admission, Conflict, EpochClaim, NewReceipt, Opening, OutcomeClaim, ReplayClaim, SessionClaim};
pub use directory::{Epoch, Identity, KeySetVersion, Peer, PeerChange, PeerState, PutKeySet, PutPeer, PutToken, Token};
pub use fault::{Cause, StoreError};
pub use lookup::{CursorError, Position, SearchCursor, SearchQuery, SearchRow, StoredReceipt};
pub use sequence::{Advance, Entry, HeadAdvance, Publication, Publish, Tile, TileAt, Unsequenced};
pub use work::{Followup, Line, NewFollowup, NewObservation, Observation, ObservationQuery, Rescheduled, WorkTerms};

/// How many receipts without an index entry [`Store::receipt`] and [`Store::related`] look through one by one. At a few
/// thousand receipts a second the index may then be ten seconds behind, and the look takes some tens of milliseconds.
pub const MAX_UNINDEXED_SCAN: u64 = 65_536;

/// A node's memory. Safe to share between tasks, and between processes that open the same database.
#[async_trait]
pub trait Store: Send + Sync + fmt::Debug {
    /// Whose store this is.
    fn identity(&self) -> &Identity;

    // --- Admission ---

    /// Keeps every item of `batch` whose claims hold, in one transaction, and answers item by item, in order.
    ///
    /// An item is kept whole or not at all; its conflict is its own answer, and the others are kept. Items are judged
    /// in order, each against the store and against the items kept before it. The digests of own receipts wait for an
    /// index ([`Store::unsequenced`]); received receipts never get one. `at` is the time of the commit by the caller's
    /// clock.
    ///
    /// Durable: everything that was answered `Ok`, when this returns. After an error no item is kept, save that after
    /// `Unavailable` all of them may be, as ever as a whole.
    async fn commit(&self, at: Timestamp, batch: &[Admission]) -> Result<Vec<Result<(), Conflict>>, StoreError>;

    /// The digest of the receipt that was accepted under this (`iss`, `jti`), as long as its replay entry is not
    /// purged. For an early refusal; only [`Store::commit`] decides.
    async fn accepted(&self, iss: &Issuer, jti: &ReceiptId) -> Result<Option<Digest>, StoreError>;

    /// Forgets replay entries that expire before `before`, and answers how many.
    ///
    /// The watermark is then one second after the latest expiry among them, and where it was before if that is
    /// later. It does not follow `before`, which may come from a clock that is ahead, and never goes back.
    ///
    /// Durable: the watermark, no later than its entries are gone. [`Store::commit`] refuses receipts that expire
    /// before it, so that a forgotten entry cannot be used again at any moment, crashes included.
    async fn purge_replay(&self, before: Timestamp) -> Result<u64, StoreError>;

    /// The time before which a receipt must not expire to be accepted: one second after the latest expiry of any
    /// replay entry that was ever forgotten; the epoch when none was.
    async fn replay_watermark(&self) -> Result<Timestamp, StoreError>;

    /// The last position taken in a session; 0 when it has none.
    async fn session(&self, id: &str) -> Result<u64, StoreError>;

    /// The digests of the operator's own outcomes, by issuer and id of the decisions, in the order asked; `None` where
    /// a call has none. All from one moment.
    async fn outcomes(&self, decisions: &[(Issuer, ReceiptId)]) -> Result<Vec<Option<Digest>>, StoreError>;

    // --- The log ---

    /// Own receipts without an index, by position, at most `limit`. On a database with several writers a later look may
    /// find a smaller position: an index is given by [`Store::advance`] alone.
    async fn unsequenced(&self, limit: u32) -> Result<Vec<Unsequenced>, StoreError>;

    /// When the receipt that waits longest for an index was committed.
    async fn oldest_unsequenced(&self) -> Result<Option<Timestamp>, StoreError>;

    /// The committed head: only this one, and those before it, may be signed. A new log has the head of the empty tree.
    async fn head(&self) -> Result<TreeHead, StoreError>;

    /// Moves the head, its entries and its tiles as one, if the head still is `step.from` in size and root. This
    /// comparison alone makes a fork impossible, however many nodes try.
    ///
    /// Fails with [`StoreError::Unfitting`] when the entries do not fill the indices between the heads in order or are
    /// not waiting receipts, and with [`StoreError::Refused`] when a tile would change a hash that it already has.
    ///
    /// Durable: head, entries and tiles together, when this returns `Advanced`.
    async fn advance(&self, step: &HeadAdvance) -> Result<Advance, StoreError>;

    /// Makes `checkpoint` the published one, if it is larger than the one there is, or as large with the same root and
    /// a later time; a late writer therefore cannot take the world back.
    ///
    /// Durable: when this returns `Published`.
    async fn publish(&self, checkpoint: &Publication) -> Result<Publish, StoreError>;

    /// The published checkpoint.
    async fn published(&self) -> Result<Option<Publication>, StoreError>;

    /// The hashes of tiles, in the order asked; `None` where there is none. All from one moment.
    async fn tiles(&self, at: &[TileAt]) -> Result<Vec<Option<Vec<u8>>>, StoreError>;

    /// The log index of the own receipt that has this id and this digest, both.
    async fn entry_index(&self, jti: &ReceiptId, digest: &Digest) -> Result<Option<u64>, StoreError>;

    // --- Looking up ---

    /// The receipt with this digest, from the moment of its commit on.
    ///
    /// The index by digest is built behind the commit; until then the newest receipts are looked through, at most
    /// [`MAX_UNINDEXED_SCAN`]. When more are waiting and none of those is the one, this is [`StoreError::IndexBehind`].
    async fn receipt(&self, digest: &Digest) -> Result<Option<StoredReceipt>, StoreError>;

    /// The receipt that this issuer gave this id, from the moment of its commit on.
    async fn receipt_by_id(&self, iss: &Issuer, jti: &ReceiptId) -> Result<Option<StoredReceipt>, StoreError>;

    /// The receipts that name this digest as what they answer, in the order of commits. Bounded as [`Store::receipt`]
    /// is.
    async fn related(&self, digest: &Digest) -> Result<Vec<StoredReceipt>, StoreError>;

    /// The newest receipts, at most `limit`, in the order of commits.
    async fn recent(&self, limit: u32) -> Result<Vec<StoredReceipt>, StoreError>;

    /// Receipts that the index knows and that meet the query, latest issue time first, at most `limit`.
    async fn search(&self, query: &SearchQuery, limit: u32) -> Result<Vec<StoredReceipt>, StoreError>;

    /// Receipts that the index does not know yet, in the order of commits, at most `limit`.
    async fn unindexed(&self, limit: u32) -> Result<Vec<StoredReceipt>, StoreError>;

    /// Takes rows into the index: one for each receipt that [`Store::unindexed`] gave, in its order. Rows that the
    /// index has are left as they are, so that two indexers do no harm.
    ///
    /// Fails with [`StoreError::Unfitting`] when a receipt is left out.
    ///
    /// Durable: when this returns. The index holds nothing that could not be built again.
    async fn index(&self, rows: &[SearchRow]) -> Result<(), StoreError>;

    // --- The directory ---

    /// Adds a peer, or puts it in the place of a removed one with its name.
    ///
    /// Durable: when this returns `Stored`.
    async fn put_peer(&self, peer: &Peer) -> Result<PutPeer, StoreError>;

    /// The peer with this name, in whatever state.
    async fn peer(&self, issuer: &Issuer) -> Result<Option<Peer>, StoreError>;

    /// All peers, removed ones included, by name.
    async fn peers(&self) -> Result<Vec<Peer>, StoreError>;

    /// Changes a peer's state, if it still is `from`.
    ///
    /// Durable: when this returns `Changed`.
    async fn change_peer(
        &self,
        issuer: &Issuer,
        from: PeerState,
        to: PeerState,
        at: Timestamp,
    ) -> Result<PeerChange, StoreError>;

    /// Keeps a version of a key set, if none under the same root is later, none with its number differs, and the one
    /// with the number before, if that is the latest, is `previous`: the digest that the key set names as the one
    /// before it.
    ///
    /// Durable: when this returns `Stored`. Earlier versions stay.
    async fn put_key_set(&self, version: &KeySetVersion, previous: Option<&Digest>) -> Result<PutKeySet, StoreError>;

    /// The latest version of the operator's key set under this root.
    async fn key_set(&self, issuer: &Issuer, root: &Digest) -> Result<Option<KeySetVersion>, StoreError>;

    /// Every version of the operator's key sets that was ever stored, under any root, by root and number.
    async fn key_sets(&self, issuer: &Issuer) -> Result<Vec<KeySetVersion>, StoreError>;

    /// At most `limit` versions of the operator's key sets, latest number first: those under `root`, and then those
    /// under any other.
    async fn latest_key_sets(
        &self,
        issuer: &Issuer,
        root: Option<&Digest>,
        limit: u32,
    ) -> Result<Vec<KeySetVersion>, StoreError>;

    /// Adds a token.
    ///
    /// Durable: when this returns `Stored`.
    async fn put_token(&self, token: &Token) -> Result<PutToken, StoreError>;

    /// The token with this hash.
    async fn token(&self, hash: &Digest) -> Result<Option<Token>, StoreError>;

    /// All tokens, by name.
    async fn tokens(&self) -> Result<Vec<Token>, StoreError>;

    /// Removes the token with this name, and answers whether there was one.
    ///
    /// Durable: when this returns.
    async fn remove_token(&self, name: &str) -> Result<bool, StoreError>;

    // --- Blobs and epochs ---

    /// The bytes with this SHA-256. Bytes that no longer have it are [`StoreError::Corrupt`].
    async fn blob(&self, digest: &Digest) -> Result<Option<Vec<u8>>, StoreError>;

    /// The epoch with the largest number.
    async fn current_epoch(&self) -> Result<Option<Epoch>, StoreError>;

    /// All epochs, by number.
    async fn epochs(&self) -> Result<Vec<Epoch>, StoreError>;

    // --- Work ---

    /// Takes work that is due at `terms.now` and work that is due after `terms.latest`, oldest first, and makes it due
    /// again at `terms.again`: should the worker die, another one takes it then, and until then no other does. Of each
    /// line at most `per_line` pieces of either, the oldest, and none of those in `except`: much work of one kind about
    /// one operator stands in the way of no other.
    ///
    /// Durable: the new due times and the counts of attempts, when this returns.
    async fn take_followups(
        &self,
        terms: WorkTerms,
        per_line: u32,
        except: &[Line],
    ) -> Result<Vec<Followup>, StoreError>;

    /// Observations that meet the query, newest first, at most `limit`.
    async fn observations(&self, query: &ObservationQuery, limit: u32) -> Result<Vec<Observation>, StoreError>;

    // --- Integrity ---

    /// All receipts after a position, in the order of commits, at most `limit`. Going on after the last one of each
    /// page misses none that was committed when the first page was read.
    async fn scan_receipts(&self, after: Position, limit: u32) -> Result<Vec<StoredReceipt>, StoreError>;

    /// The log's entries from an index on, at most `limit`. Rows as they are: a gap shows.
    async fn scan_entries(&self, from: u64, limit: u32) -> Result<Vec<Entry>, StoreError>;

    /// The database's own check of itself: what it complains of, nothing when it is sound. Reads everything, and may
    /// take minutes.
    async fn check_database(&self) -> Result<Vec<String>, StoreError>;
}
