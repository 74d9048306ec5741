//! What is read back: stored receipts, and the rows by which they are found.

use std::fmt;
use std::str::FromStr;

use crate::ground::crypto::hash::Digest;
use crate::ground::kind::Kind;
use crate::ground::name::{Issuer, ReceiptId, Timestamp};
use crate::io::store::Opening;

/// A receipt's place in one store, in the order of commits, from 1. It is not the log index: received receipts have one
/// as well, and no other store has the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Position(pub u64);

impl Position {
    /// Before the first receipt.
    pub const START: Self = Self(0);
}

/// A receipt as the store holds it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredReceipt {
    /// Where it stands in this store.
    pub position: Position,
    /// When it was committed, by the committing node's clock.
    pub at: Timestamp,
    /// The receipt's id.
    pub jti: ReceiptId,
    /// SHA-256 of `compact`, as given at the commit.
    pub digest: Digest,
    /// What it states.
    pub kind: Kind,
    /// Who signed it.
    pub iss: Issuer,
    /// Whom it is for.
    pub aud: Issuer,
    /// When it was issued.
    pub iat: Timestamp,
    /// The receipt itself.
    pub compact: String,
    /// The receipt that this one answers.
    pub relates_to: Option<Digest>,
    /// What opens its commitments.
    pub opening: Option<Opening>,
    /// The latest time that its issuer promised to have it in the log.
    pub include_by: Option<Timestamp>,
}

impl StoredReceipt {
    /// Where a search goes on after this receipt.
    pub fn cursor(&self) -> SearchCursor {
        SearchCursor { iat: self.iat, position: self.position }
    }
}

/// Where a page of search results ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SearchCursor {
    /// The issue time of the last receipt on the page.
    pub iat: Timestamp,
    /// Its position, which tells apart receipts of one second.
    pub position: Position,
}

/// As `IAT:POSITION`, the two as decimal numbers.
impl fmt::Display for SearchCursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.iat.unix_s(), self.position.0)
    }
}

/// Text that no page of results ended with.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a cursor that ended a page")]
pub struct CursorError(String);

impl FromStr for SearchCursor {
    type Err = CursorError;

    fn from_str(text: &str) -> Result<Self, CursorError> {
        let parts = text.split_once(':').and_then(|(iat, position)| Some((iat.parse().ok()?, position.parse().ok()?)));
        let read =
            |(iat, position)| Some(Self { iat: Timestamp::from_unix_s(iat).ok()?, position: Position(position) });
        parts.and_then(read).ok_or_else(|| CursorError(text.chars().take(40).collect()))
    }
}

/// What a receipt's payload says about itself, for the search index. The store takes the rest from its own row: kind,
/// issue time, the receipt it answers, and the peer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SearchRow {
    /// Which receipt.
    pub position: Position,
    /// `allow`, `deny` or `escalate`, where it has an effect.
    pub effect: Option<String>,
    /// The subject's id.
    pub subject: Option<String>,
    /// The action's name.
    pub action: Option<String>,
    /// The resource's id.
    pub resource: Option<String>,
    /// The session's id.
    pub session: Option<String>,
}

impl SearchRow {
    /// The row of a receipt that says none of these.
    pub fn bare(position: Position) -> Self {
        Self { position, effect: None, subject: None, action: None, resource: None, session: None }
    }
}

/// Which receipts are sought: those that meet every given condition.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SearchQuery {
    /// Of this kind.
    pub kind: Option<Kind>,
    /// With this effect.
    pub effect: Option<String>,
    /// With this subject id.
    pub subject: Option<String>,
    /// With this action name.
    pub action: Option<String>,
    /// With this resource id.
    pub resource: Option<String>,
    /// Exchanged with this operator: the audience of our own receipts, the issuer of all others.
    pub peer: Option<Issuer>,
    /// In this session.
    pub session: Option<String>,
    /// Issued at this time or later.
    pub since: Option<Timestamp>,
    /// Issued before this time.
    pub until: Option<Timestamp>,
    /// After this result of an earlier page.
    pub after: Option<SearchCursor>,
}

impl SearchQuery {
    /// Whether a receipt of the store of `own` meets it, as the index judges: `row` is what its payload says. Where the
    /// page before ended is not looked at.
    pub fn meets(&self, receipt: &StoredReceipt, row: &SearchRow, own: &Issuer) -> bool {
        fn is<T: PartialEq>(wanted: Option<&T>, found: Option<&T>) -> bool {
            wanted.is_none_or(|wanted| found == Some(wanted))
        }
        let peer = if receipt.iss == *own { &receipt.aud } else { &receipt.iss };
        is(self.kind.as_ref(), Some(&receipt.kind))
            && is(self.effect.as_ref(), row.effect.as_ref())
            && is(self.subject.as_ref(), row.subject.as_ref())
            && is(self.action.as_ref(), row.action.as_ref())
            && is(self.resource.as_ref(), row.resource.as_ref())
            && is(self.session.as_ref(), row.session.as_ref())
            && is(self.peer.as_ref(), Some(peer).filter(|peer| *peer != own))
            && self.since.is_none_or(|since| receipt.iat >= since)
            && self.until.is_none_or(|until| receipt.iat < until)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_is_read_as_it_was_written() {
        let cursor = SearchCursor { iat: Timestamp::EPOCH.plus(1_800_000_000), position: Position(7) };
        assert_eq!(cursor.to_string().parse(), Ok(cursor));
        for bad in ["", "1", "1:", ":1", "a:b", "-1:1", "1:1:1"] {
            assert!(bad.parse::<SearchCursor>().is_err(), "{bad}");
        }
    }
}
