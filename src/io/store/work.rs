//! What is done later, off the call path, and what was noticed on the way.

use crate::ground::crypto::hash::Digest;
use crate::ground::name::{Code, Issuer, Timestamp};

/// Work to be done at a time: fetch an outcome, check a promise.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewFollowup {
    /// When it is due.
    pub due: Timestamp,
    /// What is to be done.
    pub kind: Code,
    /// The receipt that it is about.
    pub subject: Digest,
    /// The operator that it concerns.
    pub peer: Issuer,
}

/// Work that is to be due at another time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rescheduled {
    /// Names it in this store.
    pub id: u64,
    /// When it is due from now on.
    pub due: Timestamp,
}

/// The work of one kind about one operator. No line stands in another's way.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Line {
    /// The operator that it concerns.
    pub peer: Issuer,
    /// What is to be done.
    pub kind: Code,
}

/// Which work a worker takes, and for how long, by its clock.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WorkTerms {
    /// What is due by now is taken.
    pub now: Timestamp,
    /// And what is due after this: so late only a clock that was ahead can have put it.
    pub latest: Timestamp,
    /// When the work taken is due again. Not after `latest`.
    pub again: Timestamp,
}

/// Work that waits in the store.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Followup {
    /// Names it in this store.
    pub id: u64,
    /// When it is due again, should the worker that took it not settle it.
    pub due: Timestamp,
    /// What is to be done.
    pub kind: Code,
    /// The receipt that it is about.
    pub subject: Digest,
    /// The operator that it concerns.
    pub peer: Issuer,
    /// How often a worker has taken it, this time included.
    pub attempts: u32,
}

/// Something that was noticed about a peer and that proves nothing by itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewObservation {
    /// When.
    pub at: Timestamp,
    /// What.
    pub kind: Code,
    /// About whom.
    pub peer: Issuer,
    /// The receipt that it is about.
    pub about: Option<Digest>,
    /// The facts, as a JSON text.
    pub detail: String,
}

/// An observation in the store.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Observation {
    /// Names it in this store; later ones have larger numbers.
    pub id: u64,
    /// What was noticed.
    pub observation: NewObservation,
}

/// Which observations are sought: those that meet every given condition.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ObservationQuery {
    /// About this operator.
    pub peer: Option<Issuer>,
    /// Of this kind.
    pub kind: Option<Code>,
    /// About this receipt.
    pub about: Option<Digest>,
    /// Older than the observation with this id: the next page.
    pub before: Option<u64>,
}
