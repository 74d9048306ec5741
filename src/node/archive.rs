//! The archive: reading the receipts that this node holds, its own and those of others.
//!
//! Out of scope: proofs and tiles (`logbook`), and what readers may see (`edge`).

use std::sync::Arc;

use crate::ground::crypto::hash::Digest;
use crate::ground::name::{Issuer, ReceiptId};
use crate::io::store::{Peer, Store};

pub use crate::io::store::{SearchCursor, SearchQuery, StoreError, StoredReceipt};

/// Receipts on one page at most.
pub const MAX_PAGE: u32 = 500;

/// A page of search results, latest issue time first.
#[derive(Debug)]
pub struct Page {
    /// The receipts.
    pub receipts: Vec<StoredReceipt>,
    /// Where the next page begins; `None` on the last.
    pub next: Option<SearchCursor>,
}

/// The receipts, for readers.
#[derive(Debug, Clone)]
pub struct Archive {
    store: Arc<dyn Store>,
}

impl Archive {
    /// The receipts in this store.
    pub fn new(store: Arc<dyn Store>) -> Self {
        Self { store }
    }

    /// Receipts that meet the query, at most `limit` of them and at most [`MAX_PAGE`].
    pub async fn search(&self, query: &SearchQuery, limit: u32) -> Result<Page, StoreError> {
        let limit = limit.clamp(1, MAX_PAGE);
        let mut receipts = self.store.search(query, limit + 1).await?;
        let more = u32::try_from(receipts.len()).is_ok_and(|found| found > limit);
        if more {
            receipts.pop();
        }
        let next = receipts.last().filter(|_| more).map(StoredReceipt::cursor);
        Ok(Page { receipts, next })
    }

    /// The receipt with this digest.
    pub async fn receipt(&self, digest: &Digest) -> Result<Option<StoredReceipt>, StoreError> {
        self.store.receipt(digest).await
    }

    /// The receipt that this issuer gave this id.
    pub async fn receipt_by_id(&self, issuer: &Issuer, jti: &ReceiptId) -> Result<Option<StoredReceipt>, StoreError> {
        self.store.receipt_by_id(issuer, jti).await
    }

    /// The receipts that answer the one with this digest.
    pub async fn answers(&self, digest: &Digest) -> Result<Vec<StoredReceipt>, StoreError> {
        self.store.related(digest).await
    }

    /// All peers, by name.
    pub async fn peers(&self) -> Result<Vec<Peer>, StoreError> {
        self.store.peers().await
    }
}
