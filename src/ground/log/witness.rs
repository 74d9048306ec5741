//! Witnessing: whether to cosign what a log shows, and whether enough others did.
//!
//! [`decide`] is the rule of C2SP tlog-witness without its transport: the caller compares and swaps what it knows of
//! the log with the [`Advance`] in one transaction, and only then cosigns. [`Quorum`] reads C2SP tlog-policy files.
//! Out of scope: HTTP, persistence and which logs a witness serves.

use crate::ground::problem::ProblemType;

use super::checkpoint::{Checkpoint, SignedCheckpoint};
use super::merkle::{ConsistencyError, TreeHead};
use super::proof::ConsistencyProof;

mod quorum;
mod quorum_file;
#[cfg(test)]
mod tests;

pub use quorum::{Quorum, QuorumResult, Witness};
pub use quorum_file::QuorumFileError;

/// Why a witness does not cosign.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Refusal {
    /// The log signed two roots for one size: keep both checkpoints, they prove a fork.
    #[error("the log signed another root for the size {}", known.size)]
    Fork {
        /// Head that was cosigned before.
        known: TreeHead,
        /// Head that is proposed now.
        proposed: TreeHead,
    },
    /// The proof does not lead from the known head to the proposed one.
    #[error("the proposal does not extend the known head: {0}")]
    Inconsistent(ConsistencyError),
    /// The request starts from a size beyond its own checkpoint.
    #[error("the old size {old} is beyond the proposed size {proposed}")]
    OldBeyondProposal {
        /// Size that the request starts from.
        old: u64,
        /// Size of the proposed checkpoint.
        proposed: u64,
    },
    /// The request starts from another size than the last one cosigned.
    #[error("the old size {old} is not the last one cosigned, {known}")]
    OtherOldSize {
        /// Size that the request starts from.
        old: u64,
        /// Size of the head cosigned last; the answer tells it.
        known: u64,
    },
}

impl Refusal {
    /// The registered problem.
    pub const fn problem(&self) -> ProblemType {
        match self {
            Self::Fork { .. } | Self::Inconsistent(_) => ProblemType::HeadInconsistent,
            Self::OldBeyondProposal { .. } | Self::OtherOldSize { .. } => ProblemType::RequestMalformed,
        }
    }
}

/// Leave to move on: what the witness knew, and what it may cosign. Only [`decide`] makes one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Advance {
    from: Option<TreeHead>,
    to: Checkpoint,
}

impl Advance {
    /// The head that must still be the known one when this is stored; nothing for a log seen first.
    pub fn from(&self) -> Option<&TreeHead> {
        self.from.as_ref()
    }

    /// The checkpoint to store, then to cosign.
    pub fn to(&self) -> &Checkpoint {
        &self.to
    }
}

/// Decides on a proposal in the order of tlog-witness. `old` is the size that the request says to start from; `known`
/// is the head cosigned last of this log, nothing when there is none (then `old` must be 0 and the proof empty).
pub fn decide(
    known: Option<&TreeHead>,
    old: u64,
    proposal: &SignedCheckpoint,
    proof: &ConsistencyProof,
) -> Result<Advance, Refusal> {
    let proposed = proposal.checkpoint().head;
    let from = known.copied().unwrap_or(TreeHead::empty());
    if old > proposed.size {
        return Err(Refusal::OldBeyondProposal { old, proposed: proposed.size });
    }
    if old != from.size {
        return Err(Refusal::OtherOldSize { old, known: from.size });
    }
    proof.verify(&from, &proposed).map_err(|error| match error {
        ConsistencyError::Fork { .. } => Refusal::Fork { known: from, proposed },
        other => Refusal::Inconsistent(other),
    })?;
    Ok(Advance { from: known.copied(), to: proposal.checkpoint().clone() })
}
