//! The ways in which a store can differ from what follows from its own receipts.

use serde::Serialize;

use crate::ground::crypto::hash::Digest;
use crate::ground::log::merkle::TreeHead;
use crate::ground::name::{Issuer, ReceiptId, Timestamp};
use crate::ground::problem::ProblemType;

/// A column of a stored receipt that repeats what the receipt itself says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
#[expect(missing_docs, reason = "each is the column of its name")]
pub enum Column {
    Jti,
    Kind,
    Iss,
    Aud,
    Iat,
    RelatesTo,
    IncludeBy,
}

impl Column {
    /// The column's name.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Jti => "jti",
            Self::Kind => "kind",
            Self::Iss => "iss",
            Self::Aud => "aud",
            Self::Iat => "iat",
            Self::RelatesTo => "relates_to",
            Self::IncludeBy => "include_by",
        }
    }
}

/// One thing that is not as it should be. A sound store has none.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, thiserror::Error)]
#[serde(tag = "difference", rename_all = "snake_case")]
pub enum Difference {
    /// The database's own check.
    #[error("the database complains: {complaint}")]
    Database {
        /// In its words.
        complaint: String,
    },
    /// Rows that are not what any version of this program writes.
    #[error("{place} cannot be read: {what}")]
    Unreadable {
        /// Which rows.
        place: String,
        /// What stands there.
        what: String,
    },
    /// A stored receipt that is none.
    #[error("the receipt at position {position} is no receipt: {error}")]
    ReceiptMalformed {
        /// Where it stands.
        position: u64,
        /// Why.
        error: String,
    },
    /// A digest that is not that of the receipt beside it.
    #[error("the receipt at position {position} has the digest `{computed}`, and `{stored}` is stored")]
    ReceiptDigest {
        /// Where it stands.
        position: u64,
        /// In the column.
        stored: Digest,
        /// Of the bytes.
        computed: Digest,
    },
    /// A column that says something else than the receipt.
    #[error("the column `{}` at position {position} is not what receipt {jti} says", column.as_str())]
    ReceiptColumn {
        /// Where it stands.
        position: u64,
        /// The receipt's own id.
        jti: ReceiptId,
        /// Which column.
        column: Column,
    },
    /// A receipt that its issuer did not sign.
    #[error("receipt {jti} at position {position} is not signed by `{issuer}`: {problem}")]
    ReceiptSignature {
        /// Where it stands.
        position: u64,
        /// Its id.
        jti: ReceiptId,
        /// Who should have signed.
        issuer: Issuer,
        /// What does not hold.
        problem: ProblemType,
    },
    /// A receipt of an operator whose key sets are gone.
    #[error("receipt {jti} at position {position} is of `{issuer}`, and no key set of theirs is stored")]
    SignerUnknown {
        /// Where it stands.
        position: u64,
        /// Its id.
        jti: ReceiptId,
        /// Who should have signed.
        issuer: Issuer,
    },
    /// Nonce, salt, target or input that do not open what the receipt commits to.
    #[error("what is stored to open receipt {jti} at position {position} does not open its {what}")]
    Opening {
        /// Where it stands.
        position: u64,
        /// Its id.
        jti: ReceiptId,
        /// Which commitment.
        what: &'static str,
    },
    /// A receipt that names another log than this one.
    #[error("receipt {jti} at position {position} names the log `{origin}`, which is another")]
    Origin {
        /// Where it stands.
        position: u64,
        /// Its id.
        jti: ReceiptId,
        /// The log that it names.
        origin: String,
    },
    /// A head that this log never had.
    #[error("receipt {jti} at position {position} names a head of size {size} that this log never had")]
    NamedHead {
        /// Where it stands.
        position: u64,
        /// Its id.
        jti: ReceiptId,
        /// The head's size.
        size: u64,
    },
    /// A promise that is broken.
    #[error("receipt {jti} at position {position} was to be in the log by {include_by}, and no checkpoint has it")]
    Promise {
        /// Where it stands.
        position: u64,
        /// Its id.
        jti: ReceiptId,
        /// The promised time.
        include_by: Timestamp,
    },
    /// An own receipt that the log neither has nor will get.
    #[error("receipt {jti} at position {position} is neither in the log nor waiting for it")]
    NotSequenced {
        /// Where it stands.
        position: u64,
        /// Its id.
        jti: ReceiptId,
    },
    /// A waiting row that no own receipt stands behind.
    #[error("position {position} waits for a log index, and is no own receipt with that digest")]
    Waiting {
        /// Where it stands.
        position: u64,
    },
    /// Indices that are not one after the other.
    #[error("the log's entry {expected} is missing")]
    EntryMissing {
        /// The index.
        expected: u64,
    },
    /// An entry that is not the digest of its receipt.
    #[error("the log's entry {index} is `{entry}`, and the receipt at position {position} has the digest `{receipt}`")]
    EntryDigest {
        /// The index.
        index: u64,
        /// The receipt's place.
        position: u64,
        /// What the log has.
        entry: Digest,
        /// What it should have.
        receipt: Digest,
    },
    /// An entry without an own receipt.
    #[error("the log's entry {index} points to position {position}, where no own receipt stands")]
    EntryWithoutReceipt {
        /// The index.
        index: u64,
        /// Where it points.
        position: u64,
    },
    /// A tile with other hashes than its leaves give, with too few, or too many.
    #[error("tile {index} of level {level} is not what the entries give")]
    Tile {
        /// The level.
        level: u8,
        /// The index.
        index: u64,
    },
    /// A head other than the entries give.
    #[error("the head says size {} and root `{}`; the entries give size {} and root `{}`",
        stored.size, stored.root, derived.size, derived.root)]
    Head {
        /// In its row.
        stored: TreeHead,
        /// From the entries.
        derived: TreeHead,
    },
    /// A head file that this log does not continue.
    #[error("the head file knows a log of size {} with root `{}`, which this log does not continue", known.size, known.root)]
    HeadFile {
        /// In the file.
        known: TreeHead,
    },
    /// A published checkpoint that nobody would believe.
    #[error("the published checkpoint is not to be believed: {error}")]
    Checkpoint {
        /// Why.
        error: String,
    },
    /// A published checkpoint whose row says something else than its note.
    #[error("the published checkpoint's row is not what its note says")]
    CheckpointRow,
    /// A published checkpoint of another history, or ahead of the log.
    #[error("the published checkpoint of size {} with root `{}` is not of this log", published.size, published.root)]
    CheckpointHead {
        /// What was published.
        published: TreeHead,
    },
    /// Epochs that are not one after the other.
    #[error("epoch {expected} is missing")]
    EpochMissing {
        /// The number.
        expected: u64,
    },
    /// An epoch without the receipt that began it, or with one that says something else.
    #[error("epoch {number} is not what its configuration receipt says")]
    EpochReceipt {
        /// The number.
        number: u64,
    },
    /// A configuration receipt that began no epoch.
    #[error("receipt {jti} at position {position} begins epoch {number}, which is not there")]
    EpochNotBegun {
        /// Where it stands.
        position: u64,
        /// Its id.
        jti: ReceiptId,
        /// The epoch.
        number: u64,
    },
    /// Bytes of an epoch that are gone or changed.
    #[error("epoch {number}: {what}")]
    EpochBytes {
        /// The number.
        number: u64,
        /// Which, and how.
        what: String,
    },
    /// A stored key set that is none, or another one than its row says.
    #[error("key set {number} of `{issuer}`: {what}")]
    KeySet {
        /// Whose.
        issuer: Issuer,
        /// Its number.
        number: u64,
        /// What is wrong.
        what: String,
    },
    /// A session that is behind its own receipts, and would give a position twice.
    #[error("the session `{id}` is at position {stored}, and a receipt has position {receipt}")]
    Session {
        /// The session.
        id: String,
        /// In its row.
        stored: u64,
        /// In a receipt.
        receipt: u64,
    },
    /// An accepted receipt that could be accepted again.
    #[error("receipt {jti} of `{issuer}` was accepted and is still good, and its replay entry is gone")]
    Replay {
        /// Who signed it.
        issuer: Issuer,
        /// Its id.
        jti: ReceiptId,
    },
    /// An own outcome beside the one that stands for the call, or one that nothing keeps a second one from.
    #[error("receipt {jti} at position {position} is an outcome, and is not the one that stands for its call")]
    Outcome {
        /// Where it stands.
        position: u64,
        /// Its id.
        jti: ReceiptId,
    },
}
