//! Evidence bundles out of the store: a call's receipts of both sides, with everything that verifies them offline.
//!
//! Own receipts get their proofs under one checkpoint, with the way from the head that each names; the other side's get
//! the proofs that were fetched when its promises were checked. Out of scope: the file's form and its verification
//! (`ground::bundle`), and choosing receipts (`archive`).

use std::collections::BTreeSet;
use std::sync::Arc;

use crate::ground::bundle::{Bundle, BundleError, Item, Request, Response};
use crate::ground::crypto::hash::Digest;
use crate::ground::keyset::{PinnedKeySet, SelfSignedKeySet};
use crate::ground::kind::Kind;
use crate::ground::limits::MAX_BUNDLE_KEY_SETS;
use crate::ground::log::merkle::TreeHead;
use crate::ground::log::proof::{ConsistencyProof, ProofFile};
use crate::ground::name::{Issuer, Timestamp};
use crate::ground::receipt::binding::{Committed, Nonce};
use crate::ground::receipt::compact::UnverifiedReceipt;
use crate::ground::receipt::payload::Payload;
use crate::io::store::{ObservationQuery, Publication, Store, StoreError, StoredReceipt};
use crate::node::decider::Opened;
use crate::node::logbook::{Logbook, LogbookError};
use crate::node::observation::Noticed;

/// Why there is no bundle.
#[derive(Debug, thiserror::Error)]
pub enum GatherError {
    /// A receipt that is not here.
    #[error("there is no receipt with the digest `{0}` in the store")]
    Missing(Digest),
    /// Bodies were given, and it is open which call they belong to.
    #[error("a body can be disclosed with the receipts of one call, and these are of {0}")]
    SeveralCalls(usize),
    /// A body that is not the one that the receipts commit to.
    #[error("the {0} body that was given is not the one that the receipts commit to, so it is not disclosed")]
    OtherBody(&'static str),
    /// The bundle is full.
    #[error(transparent)]
    Bundle(#[from] BundleError),
    /// The log cannot be read.
    #[error(transparent)]
    Logbook(#[from] LogbookError),
    /// The store fails.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// What a bundle shows of the exchange beside its receipts.
#[derive(Debug, Clone, Default)]
pub struct Disclosure {
    /// Whether nonce, method and target stay out.
    pub withhold_openings: bool,
    /// The request's body, which the store never had.
    pub request_body: Option<Vec<u8>>,
    /// The response's body.
    pub response_body: Option<Vec<u8>>,
}

/// A bundle, and what it lacks.
#[derive(Debug)]
pub struct Gathered {
    /// The bundle.
    pub bundle: Bundle,
    /// Receipts without a proof: own ones that no checkpoint has yet, others' whose proof was not fetched.
    pub without_proof: Vec<Digest>,
    /// How many calls the receipts belong to.
    pub calls: usize,
}

/// Gathers bundles.
#[derive(Debug, Clone)]
pub struct Gatherer {
    store: Arc<dyn Store>,
    logbook: Logbook,
    key_set: PinnedKeySet,
}

impl Gatherer {
    /// Gathers from this store, whose operator has this key set.
    pub fn new(store: Arc<dyn Store>, key_set: PinnedKeySet) -> Self {
        Self { logbook: Logbook::new(Arc::clone(&store)), store, key_set }
    }

    /// The bundle of these receipts and of all that belong to the same calls.
    pub async fn gather(
        &self,
        wanted: &[Digest],
        disclosure: &Disclosure,
        at: Timestamp,
    ) -> Result<Gathered, GatherError> {
        let (rows, calls) = self.calls_of(wanted).await?;
        let bodies = disclosure.request_body.is_some() || disclosure.response_body.is_some();
        if bodies && calls != 1 {
            return Err(GatherError::SeveralCalls(calls));
        }
        let published = self.logbook.checkpoint().await?;
        let (mut bundle, mut without_proof) = (Bundle::new(at), Vec::new());
        for row in &rows {
            let mut item = Item::new(row.compact.as_str());
            (item.proof, item.head_proof) = self.proofs(row, published.as_ref()).await?;
            if item.proof.is_none() {
                without_proof.push(row.digest);
            }
            disclose(&mut item, row, disclosure);
            bundle.add(item)?;
        }
        let issuers: BTreeSet<&Issuer> = rows.iter().map(|row| &row.iss).collect();
        self.add_key_sets(&mut bundle, issuers).await?;
        check_bodies(&rows, &bundle, disclosure)?;
        Ok(Gathered { bundle, without_proof, calls })
    }

    /// Each call's decision and then its answers; receipts that belong to none stand by themselves.
    async fn calls_of(&self, wanted: &[Digest]) -> Result<(Vec<StoredReceipt>, usize), GatherError> {
        let (mut rows, mut taken, mut calls) = (Vec::new(), BTreeSet::new(), 0);
        for digest in wanted {
            if taken.contains(digest) {
                continue;
            }
            let row = self.store.receipt(digest).await?.ok_or(GatherError::Missing(*digest))?;
            let decision = row.relates_to.unwrap_or(row.digest);
            let first = if decision == row.digest { Some(row.clone()) } else { self.store.receipt(&decision).await? };
            let of_call = first.into_iter().chain(self.store.related(&decision).await?).chain([row]);
            calls += 1;
            rows.extend(of_call.filter(|row| taken.insert(row.digest)));
        }
        Ok((rows, calls))
    }

    /// The proof file of a receipt, if there is one here: of an own one under the published checkpoint, of another's
    /// the one that was fetched.
    pub async fn proof(&self, row: &StoredReceipt) -> Result<Option<String>, GatherError> {
        let published = self.logbook.checkpoint().await?;
        Ok(self.proofs(row, published.as_ref()).await?.0)
    }

    async fn proofs(
        &self,
        row: &StoredReceipt,
        published: Option<&Publication>,
    ) -> Result<(Option<String>, Option<ConsistencyProof>), GatherError> {
        if row.iss != *self.key_set.issuer() {
            return Ok((self.fetched_proof(row).await?, None));
        }
        let Some(published) = published else { return Ok((None, None)) };
        let Some(proof) = self.logbook.proof_under(published, &row.jti, &row.digest).await? else {
            return Ok((None, None));
        };
        Ok((Some(proof.to_string()), self.head_proof(row, published.head).await?))
    }

    async fn head_proof(&self, row: &StoredReceipt, to: TreeHead) -> Result<Option<ConsistencyProof>, GatherError> {
        let Ok(receipt) = UnverifiedReceipt::parse(row.compact.as_bytes()) else { return Ok(None) };
        let known = receipt.claims().log().size;
        if known == 0 || known >= to.size {
            return Ok(None);
        }
        Ok(Some(self.logbook.consistency(known, to).await?))
    }

    /// The proof that was kept when the other side's promise was checked.
    async fn fetched_proof(&self, row: &StoredReceipt) -> Result<Option<String>, GatherError> {
        for noticed in [Noticed::PromiseKept, Noticed::IncludedLater] {
            let query = ObservationQuery {
                peer: Some(row.iss.clone()),
                kind: Some(noticed.code()),
                about: Some(row.digest),
                before: None,
            };
            for found in self.store.observations(&query, 1).await? {
                let Some(digest) = proof_digest(&found.observation.detail) else { continue };
                let bytes = self.store.blob(&digest).await?.unwrap_or_default();
                if ProofFile::parse(&bytes).is_ok() {
                    return Ok(String::from_utf8(bytes).ok());
                }
            }
        }
        Ok(None)
    }

    /// Every operator's latest key set, which is what receipts are judged by. Then, as long as there is room, the ones
    /// before, which tell how it came about: by turns, so that an operator with many of them takes no other's place.
    async fn add_key_sets(&self, bundle: &mut Bundle, issuers: BTreeSet<&Issuer>) -> Result<(), GatherError> {
        let mut earlier = Vec::new();
        for issuer in issuers {
            let mut key_sets = self.key_sets(issuer).await?.into_iter();
            if let Some(latest) = key_sets.next() {
                bundle.add_key_set(&latest)?;
            }
            earlier.extend(key_sets.enumerate());
        }
        earlier.sort_by_key(|(age, _)| *age);
        for (_, key_set) in earlier {
            if bundle.add_key_set(&key_set).is_err() {
                break;
            }
        }
        Ok(())
    }

    /// An operator's key sets, latest first, those under the root key that counts here before any others: as many as a
    /// bundle may hold, however many the store has.
    async fn key_sets(&self, issuer: &Issuer) -> Result<Vec<SelfSignedKeySet>, GatherError> {
        let own = Some(self.key_set.key_set()).filter(|_| issuer == self.key_set.issuer());
        let root = match own {
            Some(own) => Some(own.fingerprint().0),
            None => self.store.peer(issuer).await?.map(|peer| peer.fingerprint),
        };
        let limit = u32::try_from(MAX_BUNDLE_KEY_SETS).unwrap_or(u32::MAX);
        let versions = self.store.latest_key_sets(issuer, root.as_ref(), limit).await?;
        // A damaged one proves nothing; `log fsck` complains of it.
        let stored = versions.iter().filter_map(|version| SelfSignedKeySet::parse(version.compact.as_bytes()).ok());
        Ok(own.cloned().into_iter().chain(stored).collect())
    }
}

fn proof_digest(detail: &str) -> Option<Digest> {
    let detail: serde_json::Value = serde_json::from_str(detail).ok()?;
    Digest::parse(detail.get("proof")?.as_str()?).ok()
}

/// Bytes that belong to no receipt here are somebody's mistake, and once disclosed they cannot be taken back.
fn check_bodies(rows: &[StoredReceipt], bundle: &Bundle, disclosure: &Disclosure) -> Result<(), GatherError> {
    let Some(nonce) = bundle.items().iter().find_map(|item| item.nonce.as_ref()) else { return Ok(()) };
    let parsed = rows.iter().filter_map(|row| UnverifiedReceipt::parse(row.compact.as_bytes()).ok());
    let (mut requests, mut responses) = (Vec::new(), Vec::new());
    for receipt in parsed {
        match receipt.claims() {
            Payload::Decision(decision) => requests.extend(decision.binding.as_ref().and_then(|bound| bound.content)),
            Payload::Outcome(outcome) => responses.extend(outcome.response.as_ref().and_then(|bound| bound.content)),
            Payload::Acknowledgement(_) | Payload::Configuration(_) => {}
        }
    }
    let other = |body: &Option<Vec<u8>>, what, commitments: &[Digest]| {
        let given = body.as_ref().map(|body| nonce.commit(what, body));
        given.is_some_and(|given| !commitments.is_empty() && !commitments.contains(&given))
    };
    if other(&disclosure.request_body, Committed::Body, &requests) {
        return Err(GatherError::OtherBody("request"));
    }
    if other(&disclosure.response_body, Committed::Response, &responses) {
        return Err(GatherError::OtherBody("response"));
    }
    Ok(())
}

/// What opens the commitments stands beside the decision; answers are opened with it.
fn disclose(item: &mut Item, row: &StoredReceipt, disclosure: &Disclosure) {
    if disclosure.withhold_openings || row.kind != Kind::Decision {
        return;
    }
    let Some(opened) = row.opening.as_ref().and_then(Opened::from_opening) else { return };
    item.nonce = opened.nonce.and_then(|nonce| Nonce::parse(&nonce).ok());
    if let (Some(method), Some(target)) = (opened.method, opened.target) {
        item.request = Some(Request { method, target, body: disclosure.request_body.clone() });
    }
    item.response = disclosure.response_body.clone().map(|body| Response { body: Some(body) });
}

#[cfg(test)]
mod tests;
