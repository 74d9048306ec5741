//! The embedded store: one SQLite file in WAL mode, every commit synced to disk before it is acknowledged.
//!
//! One connection writes, inside `BEGIN IMMEDIATE`; a few others read. Another process (the command line beside a
//! running node) may open the same file: every rule that must hold across writers is judged inside the write
//! transaction, on what is in the file, never on what this process remembers.
//!
//! Statement costs are per call far more than per row, so hot writes use one statement for many rows (`rows`).
//!
//! Out of scope: network file systems, where SQLite's locks do not hold.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use async_trait::async_trait;
use sqlx::sqlite::SqlitePool;
use sqlx::{Sqlite, Transaction};

use crate::ground::crypto::hash::Digest;
use crate::ground::log::merkle::TreeHead;
use crate::ground::name::{Issuer, ReceiptId, Timestamp};
use crate::io::store::{
    Admission, Advance, Conflict, Entry, Epoch, Followup, HeadAdvance, Identity, KeySetVersion, Line, Observation,
    ObservationQuery, Peer, PeerChange, PeerState, Position, Publication, Publish, PutKeySet, PutPeer, PutToken,
    SearchQuery, SearchRow, Store, StoreError, StoredReceipt, TileAt, Token, Unsequenced, WorkTerms,
};

mod claims;
mod commit;
mod directory;
mod fault;
mod integrity;
mod lookup;
mod open;
mod replay;
mod rows;
mod search;
mod sequence;
#[cfg(test)]
mod tests;
mod wal;
mod work;

use fault::fault;
use wal::WalKeeper;

/// An open SQLite store. Cheap to clone; all clones share its connections.
#[derive(Debug, Clone)]
pub struct SqliteStore {
    path: PathBuf,
    identity: Identity,
    writer: SqlitePool,
    readers: SqlitePool,
    wal: Arc<WalKeeper>,
}

impl SqliteStore {
    /// Makes a new store at `path` for this identity. The file, readable by its owner only, is on disk when this
    /// returns.
    ///
    /// Fails with [`StoreError::AlreadyExists`] when the file holds a store. A file that an interrupted creation left
    /// empty is taken over.
    pub async fn create(path: impl AsRef<Path>, identity: Identity) -> Result<Self, StoreError> {
        open::create(path.as_ref(), identity).await
    }

    /// Opens the store at `path`, and brings an earlier schema up to date.
    ///
    /// Fails with [`StoreError::Missing`], [`StoreError::WrongOperator`], [`StoreError::WrongSchema`],
    /// [`StoreError::ReadOnly`] or [`StoreError::Corrupt`] when it is not there, another's, a later version's, not to
    /// be written, or not a database of ours.
    pub async fn open(path: impl AsRef<Path>, identity: Identity) -> Result<Self, StoreError> {
        open::open(path.as_ref(), identity).await
    }

    /// The database file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Waits for running calls and closes the file; later calls fail. A store that is just dropped loses nothing, but
    /// its files may stay open for a moment.
    pub async fn close(&self) {
        self.wal.stop().await;
        self.readers.close().await;
        self.writer.close().await;
    }

    /// Begins a write. No other writer, in any process, gets between its first read and its commit.
    async fn write(&self) -> Result<Transaction<'static, Sqlite>, StoreError> {
        self.writer.begin_with("BEGIN IMMEDIATE").await.map_err(fault)
    }
}

#[async_trait]
impl Store for SqliteStore {
    fn identity(&self) -> &Identity {
        &self.identity
    }

    async fn commit(&self, at: Timestamp, batch: &[Admission]) -> Result<Vec<Result<(), Conflict>>, StoreError> {
        commit::commit(self, at, batch).await
    }

    async fn accepted(&self, iss: &Issuer, jti: &ReceiptId) -> Result<Option<Digest>, StoreError> {
        replay::accepted(self, iss, jti).await
    }

    async fn purge_replay(&self, before: Timestamp) -> Result<u64, StoreError> {
        replay::purge(self, before).await
    }

    async fn replay_watermark(&self) -> Result<Timestamp, StoreError> {
        replay::watermark(self).await
    }

    async fn session(&self, id: &str) -> Result<u64, StoreError> {
        replay::session(self, id).await
    }

    async fn outcomes(&self, decisions: &[(Issuer, ReceiptId)]) -> Result<Vec<Option<Digest>>, StoreError> {
        claims::outcomes(self, decisions).await
    }

    async fn unsequenced(&self, limit: u32) -> Result<Vec<Unsequenced>, StoreError> {
        sequence::unsequenced(self, limit).await
    }

    async fn oldest_unsequenced(&self) -> Result<Option<Timestamp>, StoreError> {
        sequence::oldest_unsequenced(self).await
    }

    async fn head(&self) -> Result<TreeHead, StoreError> {
        sequence::head(self).await
    }

    async fn advance(&self, step: &HeadAdvance) -> Result<Advance, StoreError> {
        sequence::advance(self, step).await
    }

    async fn publish(&self, checkpoint: &Publication) -> Result<Publish, StoreError> {
        sequence::publish(self, checkpoint).await
    }

    async fn published(&self) -> Result<Option<Publication>, StoreError> {
        sequence::published(self).await
    }

    async fn tiles(&self, at: &[TileAt]) -> Result<Vec<Option<Vec<u8>>>, StoreError> {
        sequence::tiles(self, at).await
    }

    async fn entry_index(&self, jti: &ReceiptId, digest: &Digest) -> Result<Option<u64>, StoreError> {
        sequence::entry_index(self, jti, digest).await
    }

    async fn receipt(&self, digest: &Digest) -> Result<Option<StoredReceipt>, StoreError> {
        lookup::receipt(self, digest).await
    }

    async fn receipt_by_id(&self, iss: &Issuer, jti: &ReceiptId) -> Result<Option<StoredReceipt>, StoreError> {
        lookup::receipt_by_id(self, iss, jti).await
    }

    async fn related(&self, digest: &Digest) -> Result<Vec<StoredReceipt>, StoreError> {
        lookup::related(self, digest).await
    }

    async fn recent(&self, limit: u32) -> Result<Vec<StoredReceipt>, StoreError> {
        lookup::recent(self, limit).await
    }

    async fn search(&self, query: &SearchQuery, limit: u32) -> Result<Vec<StoredReceipt>, StoreError> {
        search::search(self, query, limit).await
    }

    async fn unindexed(&self, limit: u32) -> Result<Vec<StoredReceipt>, StoreError> {
        search::unindexed(self, limit).await
    }

    async fn index(&self, rows: &[SearchRow]) -> Result<(), StoreError> {
        search::index(self, rows).await
    }

    async fn put_peer(&self, peer: &Peer) -> Result<PutPeer, StoreError> {
        directory::put_peer(self, peer).await
    }

    async fn peer(&self, issuer: &Issuer) -> Result<Option<Peer>, StoreError> {
        directory::peer(self, issuer).await
    }

    async fn peers(&self) -> Result<Vec<Peer>, StoreError> {
        directory::peers(self).await
    }

    async fn change_peer(
        &self,
        issuer: &Issuer,
        from: PeerState,
        to: PeerState,
        at: Timestamp,
    ) -> Result<PeerChange, StoreError> {
        directory::change_peer(self, issuer, from, to, at).await
    }

    async fn put_key_set(&self, version: &KeySetVersion, previous: Option<&Digest>) -> Result<PutKeySet, StoreError> {
        directory::put_key_set(self, version, previous).await
    }

    async fn key_set(&self, issuer: &Issuer, root: &Digest) -> Result<Option<KeySetVersion>, StoreError> {
        directory::key_set(self, issuer, root).await
    }

    async fn key_sets(&self, issuer: &Issuer) -> Result<Vec<KeySetVersion>, StoreError> {
        directory::key_sets(self, issuer).await
    }

    async fn latest_key_sets(
        &self,
        issuer: &Issuer,
        root: Option<&Digest>,
        limit: u32,
    ) -> Result<Vec<KeySetVersion>, StoreError> {
        directory::latest_key_sets(self, issuer, root, limit).await
    }

    async fn put_token(&self, token: &Token) -> Result<PutToken, StoreError> {
        directory::put_token(self, token).await
    }

    async fn token(&self, hash: &Digest) -> Result<Option<Token>, StoreError> {
        directory::token(self, hash).await
    }

    async fn tokens(&self) -> Result<Vec<Token>, StoreError> {
        directory::tokens(self).await
    }

    async fn remove_token(&self, name: &str) -> Result<bool, StoreError> {
        directory::remove_token(self, name).await
    }

    async fn blob(&self, digest: &Digest) -> Result<Option<Vec<u8>>, StoreError> {
        lookup::blob(self, digest).await
    }

    async fn current_epoch(&self) -> Result<Option<Epoch>, StoreError> {
        lookup::current_epoch(self).await
    }

    async fn epochs(&self) -> Result<Vec<Epoch>, StoreError> {
        lookup::epochs(self).await
    }

    async fn take_followups(
        &self,
        terms: WorkTerms,
        per_line: u32,
        except: &[Line],
    ) -> Result<Vec<Followup>, StoreError> {
        work::take(self, terms, per_line, except).await
    }

    async fn observations(&self, query: &ObservationQuery, limit: u32) -> Result<Vec<Observation>, StoreError> {
        work::observations(self, query, limit).await
    }

    async fn scan_receipts(&self, after: Position, limit: u32) -> Result<Vec<StoredReceipt>, StoreError> {
        lookup::scan(self, after, limit).await
    }

    async fn scan_entries(&self, from: u64, limit: u32) -> Result<Vec<Entry>, StoreError> {
        integrity::scan_entries(self, from, limit).await
    }

    async fn check_database(&self) -> Result<Vec<String>, StoreError> {
        integrity::check(self).await
    }
}
