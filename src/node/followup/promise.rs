//! Checking that a received receipt went into its issuer's log.

use std::time::Duration;

use serde_json::json;

use super::answers::parse_stored;
use super::{FollowUp, Next, SKEW_S, is_final};
use crate::ground::crypto::hash::Digest;
use crate::ground::discovery::Endpoints;
use crate::ground::log::merkle::TreeHead;
use crate::ground::log::proof::ProofFile;
use crate::ground::log::tile::{TileMap, build_consistency, tiles_for_consistency};
use crate::ground::problem::ProblemType;
use crate::ground::receipt::compact::UnverifiedReceipt;
use crate::ground::receipt::payload::LogPromise;
use crate::ground::receipt::verify::{Question, Trust, verify};
use crate::ground::verdict::{Check, CheckResult, Level};
use crate::io::client::FetchError;
use crate::io::store::{Admission, Followup, StoreError};
use crate::node::directory::{ApprovedPeer, Refusal};
use crate::node::observation::Noticed;

/// Time for all tiles of one proof. One that is slow tile by tile would keep the work about other peers waiting, and
/// outlive the lease of its own.
const TILES_DEADLINE: Duration = Duration::from_secs(20);

impl FollowUp {
    /// The sequence of tries reaches past the promised time. A proof from before it shows the promise kept; a proof
    /// from after it shows that the receipt is in the log, and leaves open since when.
    pub(super) async fn check_promise(&self, work: &Followup, left: &mut Admission) -> Result<Next, StoreError> {
        let Some(row) = self.store.receipt(&work.subject).await? else { return Ok(Next::Done) };
        let receipt = parse_stored(&row)?;
        let peer = match self.directory.standing(&work.peer).await {
            Ok(peer) => peer,
            Err(Refusal::Store(error)) => return Err(error),
            Err(refusal) if is_final(&refusal) => return Ok(Next::Done),
            Err(refusal) => return Ok(Next::again(Noticed::PromiseUnproven, refusal.problem())),
        };
        match self.client.proof(&peer.endpoints, &row.jti, &row.digest).await {
            Ok(Some(proof)) => self.judge(work, receipt, &peer, proof, left).await,
            Ok(None) => {
                // The issuer itself says that it has no proof, after the time that it promised.
                if self.clock.now() > receipt.claims().log().include_by.plus(SKEW_S) {
                    let detail = json!({ "problem": ProblemType::ProofMissing });
                    self.note(work, left, Noticed::PromiseUnproven, detail).await?;
                }
                Ok(Next::again(Noticed::PromiseUnproven, ProblemType::ProofMissing))
            }
            Err(error) => Ok(unproven(&error)),
        }
    }

    async fn judge(
        &self,
        work: &Followup,
        receipt: UnverifiedReceipt,
        peer: &ApprovedPeer,
        proof: Vec<u8>,
        left: &mut Admission,
    ) -> Result<Next, StoreError> {
        let gathered = self.head_proof(&peer.endpoints, receipt.claims().log(), &proof);
        let head_proof = match tokio::time::timeout(TILES_DEADLINE, gathered).await {
            Ok(Ok(hashes)) => hashes,
            Ok(Err(error)) => return Ok(unproven(&error)),
            Err(_) => return Ok(Next::again(Noticed::PromiseUnproven, ProblemType::PeerUnreachable)),
        };
        let mut question = Question::offline(Level::Included, Trust::Pinned(&peer.key_set));
        question.proof = Some(&proof);
        question.head_proof = head_proof.as_deref();
        let verification = verify(receipt, &question);
        let verdict = verification.verdict;
        let noticed = match (verification.receipt.is_some(), verdict.result(Check::Promise)) {
            (false, _) => Noticed::PromiseUnproven,
            (true, CheckResult::Pass) => Noticed::PromiseKept,
            (true, _) => Noticed::IncludedLater,
        };
        let problem = verdict.problem();
        // A proof under a key that was just rotated in, say, may verify at the next try; a good one will not get
        // better.
        if let (Noticed::PromiseUnproven, Some(problem)) = (noticed, problem) {
            return Ok(Next::again(noticed, problem));
        }
        let (blob, head) = (Digest::of(&proof), verdict.result(Check::Head));
        let detail = json!({ "proof": blob, "checkpoint_time": verdict.checkpoint_time, "head": head });
        left.blobs.push(proof);
        self.note(work, left, noticed, detail).await?;
        Ok(Next::Done)
    }

    /// The proof that the head that the receipt names is a prefix of the proof's checkpoint, built from the peer's own
    /// tiles; `None` where none is needed, or none can be: what the proof file says is judged by `verify`.
    async fn head_proof(
        &self,
        endpoints: &Endpoints,
        promise: &LogPromise,
        proof: &[u8],
    ) -> Result<Option<Vec<Digest>>, FetchError> {
        let Ok(file) = ProofFile::parse(proof) else { return Ok(None) };
        let to = file.checkpoint.claim().head;
        let Ok(from) = TreeHead::new(promise.size, promise.root) else { return Ok(None) };
        if from == TreeHead::empty() || from == to {
            return Ok(None);
        }
        // At most one tile for each node of the path, of which there are 63 in the largest of logs.
        let Ok(addresses) = tiles_for_consistency(from.size, to.size) else { return Ok(None) };
        let mut tiles = TileMap::default();
        for address in addresses {
            tiles.insert(address.level(), address.index(), self.client.tile(endpoints, &address).await?);
        }
        Ok(build_consistency(from.size, to.size, &tiles).ok().map(|proof| proof.hashes))
    }
}

fn unproven(error: &FetchError) -> Next {
    Next::after(error, vec![(Noticed::PromiseUnproven, json!({ "problem": error.problem() }))])
}
