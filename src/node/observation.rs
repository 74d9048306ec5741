//! Observations: what this node noticed about a peer, and what proves nothing by itself.
//!
//! A closed set of kinds, whose codes stand in the store, in search and in reports. Out of scope: findings, which
//! prove a lie from a file.

use serde_json::Value;

use crate::ground::crypto::hash::Digest;
use crate::ground::name::{Code, Issuer, Timestamp};
use crate::io::store::{Admission, NewObservation, ObservationQuery, Store, StoreError};

/// What was noticed. In text: its code.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Noticed {
    /// No acknowledgement came, although we asked for long enough.
    AcknowledgementMissing,
    /// The peer answered with a receipt that does not verify, or answers another decision.
    AnswerInvalid,
    /// The answer to a call came without an acknowledgement. It may still be pulled.
    AnswerUnacknowledged,
    /// A receipt is in the log, and the proof does not show that it was there in time.
    IncludedLater,
    /// The peer served an older key set than one that we know, or another one of the same number.
    KeySetRolledBack,
    /// Executor and caller describe the outcome of a call differently.
    OutcomeDisagrees,
    /// No outcome came, although we asked for long enough.
    OutcomeMissing,
    /// A receipt was in the log in time.
    PromiseKept,
    /// There is no proof that a receipt is in the log.
    PromiseUnproven,
    /// The peer served a key set under another root key than the pinned one.
    RootKeyDiffers,
    /// The peer signed two receipts with one id: the digest of the first, and the second one whole.
    TwoReceiptsOneId,
}

impl Noticed {
    /// Every kind.
    pub const ALL: [Self; 11] = [
        Self::AcknowledgementMissing,
        Self::AnswerInvalid,
        Self::AnswerUnacknowledged,
        Self::IncludedLater,
        Self::KeySetRolledBack,
        Self::OutcomeDisagrees,
        Self::OutcomeMissing,
        Self::PromiseKept,
        Self::PromiseUnproven,
        Self::RootKeyDiffers,
        Self::TwoReceiptsOneId,
    ];

    /// The code as text.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::AcknowledgementMissing => "acknowledgement_missing",
            Self::AnswerInvalid => "answer_invalid",
            Self::AnswerUnacknowledged => "answer_unacknowledged",
            Self::IncludedLater => "included_later",
            Self::KeySetRolledBack => "key_set_rolled_back",
            Self::OutcomeDisagrees => "outcome_disagrees",
            Self::OutcomeMissing => "outcome_missing",
            Self::PromiseKept => "promise_kept",
            Self::PromiseUnproven => "promise_unproven",
            Self::RootKeyDiffers => "root_key_differs",
            Self::TwoReceiptsOneId => "two_receipts_one_id",
        }
    }

    /// Whether it is what one expects: kept because it names the proof, and nothing to look into.
    pub const fn is_routine(self) -> bool {
        matches!(self, Self::IncludedLater | Self::PromiseKept)
    }

    /// The code as the store keeps it.
    pub fn code(self) -> Code {
        Code::registered(self.as_str())
    }
}

/// An observation in the making.
#[derive(Debug, Clone)]
pub(in crate::node) struct Note<'a> {
    pub(in crate::node) noticed: Noticed,
    pub(in crate::node) peer: &'a Issuer,
    pub(in crate::node) about: Digest,
    pub(in crate::node) detail: Value,
}

/// The observation to be kept, unless there is one of its kind about the same thing: work that is done again, and a
/// peer that misbehaves at every refresh, are noticed once.
pub(in crate::node) async fn news(
    store: &dyn Store,
    at: Timestamp,
    note: Note<'_>,
) -> Result<Option<NewObservation>, StoreError> {
    let kind = note.noticed.code();
    let query = ObservationQuery {
        peer: Some(note.peer.clone()),
        kind: Some(kind.clone()),
        about: Some(note.about),
        before: None,
    };
    if !store.observations(&query, 1).await?.is_empty() {
        return Ok(None);
    }
    // What came may be a whole receipt, and what receipts say is nothing for a log; the store keeps it.
    let problem = note.detail.get("problem").and_then(Value::as_str);
    if note.noticed.is_routine() {
        tracing::debug!(peer = %note.peer, kind = %kind, about = %note.about, "observation");
    } else {
        tracing::warn!(peer = %note.peer, kind = %kind, about = %note.about, problem, "observation");
    }
    let (peer, detail) = (note.peer.clone(), note.detail.to_string());
    Ok(Some(NewObservation { at, kind, peer, about: Some(note.about), detail }))
}

/// Keeps an observation, if it is news.
pub(in crate::node) async fn note_once(store: &dyn Store, at: Timestamp, note: Note<'_>) -> Result<(), StoreError> {
    let observations: Vec<_> = news(store, at, note).await?.into_iter().collect();
    if !observations.is_empty() {
        store.commit(at, &[Admission { observations, ..Admission::default() }]).await?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_has_one_code_without_a_dot() {
        for noticed in Noticed::ALL {
            assert_eq!(noticed.as_str().parse::<Code>(), Ok(noticed.code()));
            assert!(!noticed.code().is_own(), "{noticed:?}");
        }
    }
}
