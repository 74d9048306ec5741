//! What one commit takes in: receipts, and the claims on shared state that stand or fall with them.

use std::fmt;

use crate::ground::crypto::hash::Digest;
use crate::ground::kind::Kind;
use crate::ground::name::{Issuer, ReceiptId, Timestamp};
use crate::io::store::{Epoch, NewFollowup, NewObservation, Rescheduled};

/// Private bytes that open a receipt's commitments (nonce, salt, inputs). Kept beside it, never published, and never
/// printed: its `Debug` shows only the length.
#[derive(Clone, PartialEq, Eq)]
pub struct Opening(pub Vec<u8>);

impl fmt::Debug for Opening {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Opening({} bytes)", self.0.len())
    }
}

/// A receipt on its way into the store. It is the operator's own, and its digest goes to the log, exactly when `iss`
/// is the issuer that the store belongs to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewReceipt {
    /// The receipt's id.
    pub jti: ReceiptId,
    /// SHA-256 of `compact`. The store does not compute it again: `fsck` does.
    pub digest: Digest,
    /// What it states.
    pub kind: Kind,
    /// Who signed it.
    pub iss: Issuer,
    /// Whom it is for.
    pub aud: Issuer,
    /// When it was issued.
    pub iat: Timestamp,
    /// The compact serialisation: the receipt itself.
    pub compact: String,
    /// The receipt that this one answers: an acknowledgement or an outcome names its decision.
    pub relates_to: Option<Digest>,
    /// What opens its commitments, where this node holds that.
    pub opening: Option<Opening>,
    /// The latest time that its issuer promised to have it in the log.
    pub include_by: Option<Timestamp>,
}

/// One item of a group commit. All of it is kept, or nothing.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Admission {
    /// Receipts, in the order in which they reach the log.
    pub receipts: Vec<NewReceipt>,
    /// Consumes a received receipt.
    pub replay: Option<ReplayClaim>,
    /// Takes the next position in a session.
    pub session: Option<SessionClaim>,
    /// Starts an epoch.
    pub epoch: Option<EpochClaim>,
    /// Says how a call ended.
    pub outcome: Option<OutcomeClaim>,
    /// Work that is due because of these receipts.
    pub followups: Vec<NewFollowup>,
    /// Bytes to keep under their SHA-256, such as policy texts.
    pub blobs: Vec<Vec<u8>>,
    /// What was noticed.
    pub observations: Vec<NewObservation>,
    /// Work that is due at another time with this. What is gone is passed over; of two times for one piece either
    /// holds.
    pub rescheduled: Vec<Rescheduled>,
    /// Ids of work that is done with this, or was given up. Those that are gone are passed over.
    pub settled: Vec<u64>,
}

/// "This receipt was accepted": holds for one receipt of one (`iss`, `jti`) only.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReplayClaim {
    /// The received receipt's issuer.
    pub iss: Issuer,
    /// Its id.
    pub jti: ReceiptId,
    /// Its digest.
    pub digest: Digest,
    /// From when on its expiry refuses it, so that the entry may be purged.
    pub expires: Timestamp,
}

/// "This is number `seq` of the session": holds when `seq` is one more than the last, beginning with 1.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SessionClaim {
    /// The session's id.
    pub id: String,
    /// The position claimed.
    pub seq: u64,
}

/// "This epoch follows that one": holds when `previous` is the current epoch's digest and `number` is one more than its
/// number, beginning with 1 and no previous digest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EpochClaim {
    /// The new epoch's number.
    pub number: u64,
    /// The digest that decisions will name.
    pub digest: Digest,
    /// The current epoch's digest, as the claimant knows it.
    pub previous: Option<Digest>,
    /// The digest of the configuration receipt that announces it.
    pub receipt: Digest,
}

/// "This is what this operator says of how that call ended": holds once for each decision. Whether the operator called
/// or was called follows from who issued the decision, so that there is one outcome for each side.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OutcomeClaim {
    /// The decision's issuer.
    pub iss: Issuer,
    /// The decision's id.
    pub jti: ReceiptId,
    /// The outcome's digest.
    pub digest: Digest,
}

/// Why one item of a group commit was not kept. The other items are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Conflict {
    /// A receipt with this issuer and id is stored already, or comes earlier in the same item or batch.
    DuplicateId {
        /// The receipt id.
        jti: ReceiptId,
        /// The digest of the receipt that holds it. When it is another one, its issuer signed two receipts with one id.
        existing: Digest,
    },
    /// A receipt with this (`iss`, `jti`) was accepted already.
    Replay {
        /// The digest of the one that was accepted.
        accepted: Digest,
    },
    /// The receipt expires no later than a replay entry that was forgotten, so nobody can tell whether it was
    /// accepted.
    BeforeWatermark {
        /// The time before which it must not expire: [`Store::replay_watermark`](super::Store::replay_watermark).
        watermark: Timestamp,
    },
    /// Another item took the position in the session.
    Session {
        /// The last position taken; 0 for a new session.
        last: u64,
    },
    /// Another epoch has begun.
    Epoch {
        /// The current one.
        current: Option<Epoch>,
    },
    /// This operator has said how the call ended.
    Outcome {
        /// The digest of the outcome that it gave.
        existing: Digest,
    },
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_opening_is_not_printed() {
        assert_eq!(format!("{:?}", Opening(b"secret nonce".to_vec())), "Opening(12 bytes)");
    }
}
