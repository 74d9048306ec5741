//! Bearer tokens of the private listener: who made them, what they may do, and how they are checked.
//!
//! A token is shown once, when it is made; the store keeps its SHA-256. That is enough: a token has 256 bits of
//! randomness, so there is nothing to guess. Out of scope: how a token travels (`edge`).

use std::collections::HashMap;
use std::fmt;
use std::str::FromStr;
use std::sync::{Arc, Mutex, PoisonError};

use crate::ground::crypto::hash::Digest;
use crate::io::clock::Clock;
use crate::io::entropy::EntropyError;
use crate::io::secret_files::Secret;
use crate::io::store::{PutToken, Store, StoreError, Token};

/// Tells our tokens from other secrets, for people and for scanners that look for leaked ones.
const TOKEN_PREFIX: &str = "cst_";

/// Characters of a token: the prefix and 32 bytes in base64url.
const TOKEN_CHARS: usize = TOKEN_PREFIX.len() + 43;

/// What a bearer may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Role {
    /// Ask for decisions and record them, and report outcomes: for agents' runtimes and policy enforcement points.
    Decide,
    /// Consume other operators' receipts: for a gateway that the operator runs itself.
    Accept,
    /// Verify receipts, which changes nothing.
    Verify,
    /// Search and read receipts, proofs and peers: for auditors and dashboards.
    Read,
    /// Read the metrics.
    Metrics,
    /// All of it.
    Admin,
}

impl Role {
    /// Every role.
    pub const ALL: [Self; 6] = [Self::Decide, Self::Accept, Self::Verify, Self::Read, Self::Metrics, Self::Admin];

    /// The text form.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Decide => "decide",
            Self::Accept => "accept",
            Self::Verify => "verify",
            Self::Read => "read",
            Self::Metrics => "metrics",
            Self::Admin => "admin",
        }
    }

    /// Whether a bearer with this role may do what `needed` is for.
    pub fn may(self, needed: Self) -> bool {
        self == needed || self == Self::Admin
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Text that names no role.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a role: expected `decide`, `accept`, `verify`, `read`, `metrics` or `admin`")]
pub struct UnknownRole;

impl FromStr for Role {
    type Err = UnknownRole;

    fn from_str(text: &str) -> Result<Self, UnknownRole> {
        Self::ALL.into_iter().find(|role| role.as_str() == text).ok_or(UnknownRole)
    }
}

/// Why a token cannot be made.
#[derive(Debug, thiserror::Error)]
pub enum TokenError {
    /// The name is in use.
    #[error("there is a token named `{0}` already")]
    Taken(String),
    /// Not a name.
    #[error("`{0}` is not a token's name: expected 1 to 64 letters, digits, `-`, `_` or `.`")]
    Name(String),
    /// The store fails.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// No randomness.
    #[error(transparent)]
    Entropy(#[from] EntropyError),
}

/// A bearer that showed a good token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bearer {
    /// The token's name.
    pub name: String,
    /// What it may do.
    pub role: Role,
}

/// Bearers that are remembered at most. An operator has a few dozen.
const MAX_REMEMBERED: usize = 1024;

/// Milliseconds for which a bearer is remembered: a busy client costs one look into the store a second, and a revoked
/// token stops within that time.
const REMEMBER_MS: u64 = 1000;

/// The tokens of one node. Clones share what they remember.
#[derive(Debug, Clone)]
pub struct Tokens {
    store: Arc<dyn Store>,
    clock: Clock,
    seen: Arc<Mutex<HashMap<Digest, (Bearer, u64)>>>,
}

impl Tokens {
    /// The tokens in this store.
    pub fn new(store: Arc<dyn Store>, clock: Clock) -> Self {
        Self { store, clock, seen: Arc::default() }
    }

    /// Makes a token. The answer is the token itself, which nobody can show again.
    pub async fn create(&self, name: &str, role: Role) -> Result<String, TokenError> {
        let letter = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
        if name.is_empty() || name.len() > 64 || !name.chars().all(letter) {
            return Err(TokenError::Name(name.chars().take(80).collect()));
        }
        let text = format!("{TOKEN_PREFIX}{}", Secret::generate()?.reveal());
        let hash = Digest::of(text.as_bytes());
        let token = Token { name: name.to_owned(), role: role.as_str().to_owned(), hash, created: self.clock.now() };
        match self.store.put_token(&token).await? {
            PutToken::Stored => Ok(text),
            PutToken::Taken => Err(TokenError::Taken(name.to_owned())),
        }
    }

    /// Who shows this token. Looked up by its hash, so that time tells nothing about tokens that exist; a token that
    /// another process revoked stops within a second.
    pub async fn bearer(&self, text: &str) -> Result<Option<Bearer>, StoreError> {
        if text.len() != TOKEN_CHARS || !text.starts_with(TOKEN_PREFIX) {
            return Ok(None);
        }
        let hash = Digest::of(text.as_bytes());
        let now_ms = self.clock.now_ms();
        if let Some(bearer) = self.remembered(&hash, now_ms) {
            return Ok(Some(bearer));
        }
        let found = self.store.token(&hash).await?;
        // A role of a later version means nothing here, and so allows nothing.
        let bearer = found.filter(|token| token.hash.ct_eq(&hash)).and_then(|token| {
            let role = token.role.parse().ok()?;
            Some(Bearer { name: token.name, role })
        });
        if let Some(bearer) = &bearer {
            let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
            if seen.len() >= MAX_REMEMBERED {
                seen.clear();
            }
            seen.insert(hash, (bearer.clone(), now_ms));
        }
        Ok(bearer)
    }

    fn remembered(&self, hash: &Digest, now_ms: u64) -> Option<Bearer> {
        let seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        let (bearer, at_ms) = seen.get(hash)?;
        // A clock that was set back makes nothing younger.
        (now_ms.checked_sub(*at_ms)? < REMEMBER_MS).then(|| bearer.clone())
    }

    /// All tokens, without their secrets.
    pub async fn list(&self) -> Result<Vec<Token>, StoreError> {
        self.store.tokens().await
    }

    /// Revokes a token at once. Tells whether there was one.
    pub async fn revoke(&self, name: &str) -> Result<bool, StoreError> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner).clear();
        self.store.remove_token(name).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn roles_round_trip_and_only_admin_may_do_all() {
        for role in Role::ALL {
            assert_eq!(role.as_str().parse(), Ok(role));
            assert!(role.may(role) && Role::Admin.may(role));
        }
        assert!(!Role::Read.may(Role::Decide) && !Role::Decide.may(Role::Admin));
    }
}
