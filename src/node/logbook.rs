//! Reading the log: proofs, tiles and the published checkpoint, out of the store.
//!
//! The pure ground says which tiles a proof needs; this room fetches them in one query and hands them back. Out of
//! scope: writing (`sequencer`).

use std::sync::Arc;

use tokio::sync::watch;

use crate::ground::crypto::hash::Digest;
use crate::ground::log::checkpoint::{CheckpointError, UnverifiedCheckpoint};
use crate::ground::log::merkle::TreeHead;
use crate::ground::log::proof::{ConsistencyProof, ProofFile};
use crate::ground::log::tile::{
    RightEdge, Tile, TileAddress, TileError, TileMap, build_consistency, build_inclusion, tiles_for_consistency,
    tiles_for_inclusion,
};
use crate::ground::name::ReceiptId;
use crate::io::store::{Publication, Store, StoreError, TileAt};

/// Why the log cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum LogbookError {
    /// The store fails.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// Tiles are missing or contradict the head.
    #[error("the stored log contradicts itself; run `countersign log fsck`: {0}")]
    Tiles(#[from] TileError),
    /// The stored checkpoint is none.
    #[error("the published checkpoint is damaged: {0}")]
    Checkpoint(#[from] CheckpointError),
    /// The node is shutting down.
    #[error("this node is shutting down")]
    Stopped,
}

/// The log, for readers.
#[derive(Debug, Clone)]
pub struct Logbook {
    store: Arc<dyn Store>,
}

impl Logbook {
    /// The log in this store.
    pub fn new(store: Arc<dyn Store>) -> Self {
        Self { store }
    }

    /// The published checkpoint.
    pub async fn checkpoint(&self) -> Result<Option<Publication>, LogbookError> {
        Ok(self.store.published().await?)
    }

    /// A proof that the receipt with this id and digest is in the published checkpoint, or `None` when it is not yet,
    /// or not ours.
    pub async fn proof(&self, jti: &ReceiptId, digest: &Digest) -> Result<Option<ProofFile>, LogbookError> {
        let Some(published) = self.store.published().await? else { return Ok(None) };
        self.proof_under(&published, jti, digest).await
    }

    /// The same under one checkpoint that the caller holds, so that several proofs lead to one head.
    pub async fn proof_under(
        &self,
        published: &Publication,
        jti: &ReceiptId,
        digest: &Digest,
    ) -> Result<Option<ProofFile>, LogbookError> {
        let Some(index) = self.store.entry_index(jti, digest).await? else { return Ok(None) };
        let size = published.head.size;
        if index >= size {
            return Ok(None);
        }
        let tiles = self.fetch(&tiles_for_inclusion(index, size)?).await?;
        let inclusion = build_inclusion(index, size, &tiles)?;
        let checkpoint = UnverifiedCheckpoint::parse(published.note.as_bytes())?;
        Ok(Some(ProofFile { extra: None, inclusion, checkpoint }))
    }

    /// Waits until the receipt is in a published checkpoint. The caller sets the time limit.
    pub async fn wait_included(
        &self,
        jti: &ReceiptId,
        digest: &Digest,
        mut published: watch::Receiver<TreeHead>,
    ) -> Result<ProofFile, LogbookError> {
        loop {
            published.mark_unchanged();
            if let Some(proof) = self.proof(jti, digest).await? {
                return Ok(proof);
            }
            published.changed().await.map_err(|_| LogbookError::Stopped)?;
        }
    }

    /// A proof that the log of `from` entries is a prefix of the one with the head `to`.
    pub async fn consistency(&self, from: u64, to: TreeHead) -> Result<ConsistencyProof, LogbookError> {
        let tiles = self.fetch(&tiles_for_consistency(from, to.size)?).await?;
        Ok(build_consistency(from, to.size, &tiles)?)
    }

    /// The bytes of one tile, cut to the width asked for, if the published log has it.
    pub async fn tile(&self, address: TileAddress) -> Result<Option<Vec<u8>>, LogbookError> {
        let Some(published) = self.store.published().await? else { return Ok(None) };
        if !address.is_within(published.head.size) {
            return Ok(None);
        }
        let tiles = self.fetch(&[address]).await?;
        let tile = tiles.tile(address.level(), address.index()).and_then(|tile| tile.cut(address.width()));
        Ok(tile.map(|tile| tile.bytes()))
    }

    /// The right edge of the log with this head.
    pub async fn right_edge(&self, head: TreeHead) -> Result<RightEdge, LogbookError> {
        let tiles = self.fetch(&RightEdge::tiles(head.size)).await?;
        Ok(RightEdge::load(&head, &tiles)?)
    }

    async fn fetch(&self, addresses: &[TileAddress]) -> Result<TileMap, LogbookError> {
        let at = |address: &TileAddress| TileAt { level: address.level(), index: address.index() };
        let asked: Vec<_> = addresses.iter().map(at).collect();
        let found = self.store.tiles(&asked).await?;
        let mut tiles = TileMap::default();
        for (at, bytes) in asked.iter().zip(found) {
            if let Some(bytes) = bytes {
                tiles.insert(at.level, at.index, Tile::parse(&bytes)?);
            }
        }
        Ok(tiles)
    }
}
