//! What can go wrong with a store, grouped by what the operator can do about it.

use crate::io::store::Identity;

/// What lay beneath a failure: the database driver's own error.
pub type Cause = Box<dyn std::error::Error + Send + Sync>;

/// A store that could not do what was asked. Outcomes that the domain expects (a replay, a moved head, a taken name)
/// are not errors: each has its place in the answer of its method.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// There is no store where one was to be opened. It has to be created on purpose: a mistyped path must not begin
    /// a second history.
    #[error(
        "there is no store at `{place}`: correct the path, or restore it from a backup; only a new identity begins with `countersign init`"
    )]
    Missing {
        /// Path or address.
        place: String,
    },
    /// There is a database where a store was to be created.
    #[error("there is already a database at `{place}`")]
    AlreadyExists {
        /// Path or address.
        place: String,
    },
    /// The database exists and cannot be opened.
    #[error("cannot open the store at `{place}`: {source}")]
    Unopenable {
        /// Path or address.
        place: String,
        /// The driver's error.
        source: Cause,
    },
    /// The store belongs to another operator or to another log.
    #[error(
        "the store belongs to `{}` with the log `{}`, and not to `{}` with the log `{}`",
        found.issuer, found.origin, expected.issuer, expected.origin
    )]
    WrongOperator {
        /// Whose it is.
        found: Box<Identity>,
        /// Who asked.
        expected: Box<Identity>,
    },
    /// The store was written by a later version of Countersign.
    #[error(
        "the store has schema version {found} and this program knows versions up to {expected}: use a later version of Countersign"
    )]
    WrongSchema {
        /// The version that the store has.
        found: u32,
        /// The latest version that this program knows.
        expected: u32,
    },
    /// The database takes no writes: file permissions, a read-only mount, a standby server. Reading may still work.
    #[error("the store is read-only: {source}")]
    ReadOnly {
        /// The driver's error.
        source: Cause,
    },
    /// There is no room for the write. Nothing of it was kept; reading still works.
    #[error("no room left for the store: {source}")]
    DiskFull {
        /// The driver's error.
        source: Cause,
    },
    /// The bytes in the store are not what this program wrote.
    #[error("the store is corrupt: {what}")]
    Corrupt {
        /// What was found, where.
        what: String,
    },
    /// The store did not answer, or not in time. A write may or may not have been kept.
    #[error("the store is unavailable: {source}")]
    Unavailable {
        /// The driver's error.
        source: Cause,
    },
    /// A rule that the database itself keeps forbids the write, such as changing a stored receipt. Nothing was kept.
    #[error("the store refuses the write: {rule}")]
    Refused {
        /// The name of the constraint or trigger.
        rule: String,
    },
    /// The caller's rows do not fit those in the store, such as log entries that leave a gap. Nothing was kept.
    #[error("the write does not fit the store: {what}")]
    Unfitting {
        /// What does not fit.
        what: String,
    },
    /// Receipts that came in since the search index was last built are too many to look through one by one.
    #[error("the search index is {rows} receipts behind")]
    IndexBehind {
        /// Receipts without an index entry.
        rows: u64,
    },
}

impl StoreError {
    pub(crate) fn corrupt(what: impl Into<String>) -> Self {
        Self::Corrupt { what: what.into() }
    }

    pub(crate) fn unfitting(what: impl Into<String>) -> Self {
        Self::Unfitting { what: what.into() }
    }
}
