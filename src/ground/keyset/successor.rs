//! The key set after a known one: what it says when keys are replaced or revoked.
//!
//! Whatever is not about the change stays as it was, every ended key included: without it, nothing that it signed could
//! be verified any more. The number goes up by one and `previous` names the known key set (KEYS-05), so that it takes
//! that one's place (KEYS-12). Out of scope: making keys, and signing (`sign`).

use super::{KeyEntry, KeySetDocument, KeyState, SelfSignedKeySet};
use crate::ground::crypto::keys::{KeyId, KeyUse, PublicKey};
use crate::ground::limits::{MAX_KEYS, MIN_FREE_KEYS};
use crate::ground::name::Timestamp;

/// Why there is no such key set after the known one.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SuccessorError {
    /// Dated before the known one.
    #[error("the clock says {at}, and the key set at hand is of {known}: set the clock right first")]
    Clock {
        /// The time of the change.
        at: Timestamp,
        /// The date of the known key set.
        known: Timestamp,
    },
    /// There is no such key.
    #[error("the key set has no key `{0}`")]
    Unknown(KeyId),
    /// It is revoked already.
    #[error("the key `{kid}` was revoked at {until}")]
    Revoked {
        /// The key.
        kid: KeyId,
        /// Since when it counts as revoked.
        until: Timestamp,
    },
    /// A key that signs cannot go without another of its use, and one that does not sign leaves no place.
    #[error("a key is replaced exactly when it is active")]
    Replacement,
    /// The places that are left are for revocations.
    #[error(
        "the key set names {keys} keys, and the last {MIN_FREE_KEYS} of its {MAX_KEYS} places are kept for revocations: \
         go on with the active key, and revoke it if somebody else may have it"
    )]
    Full {
        /// The keys that the known key set names.
        keys: usize,
    },
}

/// Replaces the active keys of one use by `new`. They are retired: what they signed until now stays good (KEYS-13,
/// KEYS-14). The last [`MIN_FREE_KEYS`] places are not for this: no key could be revoked any more once all are taken.
pub fn rotated(
    known: &SelfSignedKeySet,
    usage: KeyUse,
    new: &PublicKey,
    at: Timestamp,
) -> Result<KeySetDocument, SuccessorError> {
    let keys = known.document().keys.len();
    if keys + 1 + MIN_FREE_KEYS > MAX_KEYS {
        return Err(SuccessorError::Full { keys });
    }
    let mut next = begin(known, at)?;
    for entry in next.keys.iter_mut().filter(|entry| entry.usage == usage && entry.state == KeyState::Active) {
        entry.state = KeyState::Retired;
        // `until` is the first second that does not count, and the key may have signed in this one.
        entry.until = Some(at.plus(1).max(entry.since));
    }
    next.keys.push(KeyEntry::active(new, usage, at));
    Ok(next)
}

/// Revokes one key, whatever its use. If it signs, `new` takes its place, and otherwise there is none.
///
/// The revocation of a retired key does not lengthen its life: what it signed after it was retired never counted, and
/// VERD-21 looks at `until` alone.
pub fn revoked(
    known: &SelfSignedKeySet,
    kid: KeyId,
    reason: &str,
    new: Option<&PublicKey>,
    at: Timestamp,
) -> Result<KeySetDocument, SuccessorError> {
    let replaced = replaced_by_revoking(known, kid)?;
    let mut next = begin(known, at)?;
    for entry in next.keys.iter_mut().filter(|entry| entry.kid == kid) {
        entry.state = KeyState::Revoked;
        entry.until = Some(entry.until.map_or(at, |until| until.min(at)).max(entry.since));
        entry.reason = Some(reason.to_owned());
    }
    match (replaced, new) {
        (Some(usage), Some(new)) => next.keys.push(KeyEntry::active(new, usage, at)),
        (None, None) => {}
        (Some(_), None) | (None, Some(_)) => return Err(SuccessorError::Replacement),
    }
    Ok(next)
}

/// The use for which a new key is needed when this one is revoked: that of an active key, since a node signs with it.
pub fn replaced_by_revoking(known: &SelfSignedKeySet, kid: KeyId) -> Result<Option<KeyUse>, SuccessorError> {
    let (entry, _) = known.find(kid).ok_or(SuccessorError::Unknown(kid))?;
    match (entry.state, entry.until) {
        (KeyState::Revoked, Some(until)) => Err(SuccessorError::Revoked { kid, until }),
        (KeyState::Active, _) => Ok(Some(entry.usage)),
        _ => Ok(None),
    }
}

fn begin(known: &SelfSignedKeySet, at: Timestamp) -> Result<KeySetDocument, SuccessorError> {
    let before = known.document();
    if at < before.iat {
        return Err(SuccessorError::Clock { at, known: before.iat });
    }
    Ok(KeySetDocument {
        iat: at,
        // More than 2^53 - 1 is refused when it is signed.
        number: before.number.saturating_add(1),
        previous: Some(known.digest()),
        ..before.clone()
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ground::crypto::keys::{ReceiptPurpose, SigningKey};
    use crate::ground::keyset::tests::{document, issuer, receipt_key, root};
    use crate::ground::keyset::{PinnedKeySet, sign, state_at};
    use crate::ground::problem::ProblemType;

    const NOW: u64 = 1_790_000_500;

    fn time(seconds: u64) -> Timestamp {
        Timestamp::from_unix_s(seconds).unwrap()
    }

    fn fresh(seed: u8) -> PublicKey {
        SigningKey::<ReceiptPurpose>::from_seed(&[seed; 32]).unwrap().public().clone()
    }

    fn first() -> SelfSignedKeySet {
        sign(&document(), &root()).unwrap()
    }

    fn pinned(document: &KeySetDocument) -> PinnedKeySet {
        sign(document, &root()).unwrap().pinned(&issuer(), root().id()).unwrap()
    }

    fn states(document: &KeySetDocument, usage: KeyUse) -> Vec<KeyState> {
        document.keys.iter().filter(|entry| entry.usage == usage).map(|entry| entry.state).collect()
    }

    #[test]
    fn keys_05_and_keys_12_the_next_key_set_follows_the_known_one_and_takes_its_place() {
        let known = first();
        let next = rotated(&known, KeyUse::Receipt, &fresh(21), time(NOW)).unwrap();
        assert_eq!((next.number, next.previous, next.iat), (2, Some(known.digest()), time(NOW)));
        assert_eq!((&next.iss, &next.log, &next.root), (&document().iss, &document().log, &document().root));
        assert_eq!(pinned(&document()).admit(&pinned(&next)), Ok(()));
        let third = rotated(&sign(&next, &root()).unwrap(), KeyUse::Http, &fresh(22), time(NOW)).unwrap();
        assert_eq!((third.number, third.previous), (3, Some(sign(&next, &root()).unwrap().digest())));
    }

    #[test]
    fn keys_13_what_a_replaced_key_signed_stays_good_and_nothing_later() {
        for usage in KeyUse::ALL {
            let next = rotated(&first(), usage, &fresh(21), time(NOW)).unwrap();
            assert_eq!(states(&next, usage), [KeyState::Retired, KeyState::Active]);
            let [old, new] = [0, 1].map(|at| next.keys.iter().filter(|entry| entry.usage == usage).nth(at).unwrap());
            assert_eq!(new.kid, fresh(21).id());
            // Both may sign in the second of the change, in which nobody can tell what came first.
            assert_eq!((state_at(old, time(NOW)), state_at(new, time(NOW))), (Ok(()), Ok(())));
            assert_eq!(state_at(old, time(NOW + 1)), Err(ProblemType::KeyNotActive));
            assert_eq!(state_at(new, time(NOW - 1)), Err(ProblemType::KeyNotActive));
            let others = KeyUse::ALL.into_iter().filter(|other| *other != usage);
            assert!(others.into_iter().all(|other| states(&next, other) == [KeyState::Active]));
            pinned(&next);
        }
    }

    #[test]
    fn an_active_key_is_revoked_only_with_a_replacement_and_another_without() {
        let (known, kid) = (first(), receipt_key().id());
        assert_eq!(replaced_by_revoking(&known, kid), Ok(Some(KeyUse::Receipt)));
        assert_eq!(revoked(&known, kid, "stolen", None, time(NOW)), Err(SuccessorError::Replacement));
        let next = revoked(&known, kid, "stolen", Some(&fresh(21)), time(NOW)).unwrap();
        assert_eq!(states(&next, KeyUse::Receipt), [KeyState::Revoked, KeyState::Active]);
        let entry = &next.keys[0];
        assert_eq!((entry.until, entry.reason.as_deref()), (Some(time(NOW)), Some("stolen")));
        let next = sign(&next, &root()).unwrap();
        let again = revoked(&next, kid, "stolen", None, time(NOW));
        assert_eq!(again, Err(SuccessorError::Revoked { kid, until: time(NOW) }));

        let retired = sign(&rotated(&known, KeyUse::Receipt, &fresh(21), time(NOW)).unwrap(), &root()).unwrap();
        assert_eq!(replaced_by_revoking(&retired, kid), Ok(None));
        let spare = fresh(22);
        assert_eq!(revoked(&retired, kid, "stolen", Some(&spare), time(NOW + 9)), Err(SuccessorError::Replacement));
    }

    #[test]
    fn a_revocation_never_lengthens_the_life_of_a_retired_key() {
        let retired = rotated(&first(), KeyUse::Receipt, &fresh(21), time(NOW)).unwrap();
        let retired = sign(&retired, &root()).unwrap();
        let next = revoked(&retired, receipt_key().id(), "stolen", None, time(NOW + 900)).unwrap();
        assert_eq!((next.keys[0].state, next.keys[0].until), (KeyState::Revoked, Some(time(NOW + 1))));
        pinned(&next);
    }

    #[test]
    fn keys_09_a_key_that_was_to_begin_later_ends_when_it_would_have_begun() {
        let mut waiting = document();
        waiting.keys[0].state = KeyState::Pending;
        waiting.keys[0].since = time(NOW + 50);
        let next = revoked(&sign(&waiting, &root()).unwrap(), receipt_key().id(), "lost", None, time(NOW)).unwrap();
        assert_eq!(next.keys[0].until, Some(time(NOW + 50)));
        pinned(&next);
    }

    #[test]
    fn keys_that_are_not_there_and_clocks_that_are_behind_change_nothing() {
        let (known, stranger) = (first(), fresh(30).id());
        assert_eq!(revoked(&known, stranger, "lost", None, time(NOW)), Err(SuccessorError::Unknown(stranger)));
        let behind = rotated(&known, KeyUse::Log, &fresh(21), time(1_789_999_999));
        assert!(matches!(behind, Err(SuccessorError::Clock { .. })));
    }

    #[test]
    fn rotations_leave_the_last_places_to_revocations() {
        let mut known = first();
        let mut seed = 100;
        let mut spare = || {
            seed += 1;
            fresh(seed)
        };
        while known.document().keys.len() < MAX_KEYS - MIN_FREE_KEYS {
            let next = rotated(&known, KeyUse::Receipt, &spare(), time(NOW)).unwrap();
            known = sign(&next, &root()).unwrap();
        }
        let keys = MAX_KEYS - MIN_FREE_KEYS;
        for usage in KeyUse::ALL {
            assert_eq!(rotated(&known, usage, &spare(), time(NOW)), Err(SuccessorError::Full { keys }));
        }
        for usage in KeyUse::ALL.into_iter().cycle().take(MIN_FREE_KEYS) {
            let active = known.of_use(usage).find(|(entry, _)| entry.state == KeyState::Active);
            let next = revoked(&known, active.unwrap().0.kid, "stolen", Some(&spare()), time(NOW)).unwrap();
            known = sign(&next, &root()).unwrap();
        }
        assert_eq!(known.document().keys.len(), MAX_KEYS);
    }

    #[test]
    fn keys_06_a_full_key_set_takes_no_more_keys() {
        let mut full = document();
        full.keys.extend((100..160).map(|seed| KeyEntry::active(&fresh(seed), KeyUse::Http, full.iat)));
        let full = sign(&full, &root()).unwrap();
        let next = revoked(&full, receipt_key().id(), "stolen", Some(&fresh(21)), time(NOW)).unwrap();
        assert!(sign(&next, &root()).is_err());
    }
}
