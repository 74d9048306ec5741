//! Whose signatures make a checkpoint: the one log key and the one cosigning key of a key set that have lines on it.

use crate::ground::crypto::keys::{KeyUse, PublicKey};
use crate::ground::keyset::{KeyEntry, KeyState, SelfSignedKeySet};
use crate::ground::log::checkpoint::{CheckpointError, CosignerKey, LogKey, UnverifiedCheckpoint, VerifiedCheckpoint};
use crate::ground::log::note::{KeyName, VerifierKey};

/// A checkpoint with both signatures, and the entries of the keys that made them: the log's, then the cosigner's.
pub(super) type Signed<'a> = (VerifiedCheckpoint, [&'a KeyEntry; 2]);

/// Verifies a checkpoint under a key set. Whether the keys may have signed at its date is left to the caller.
pub(super) fn verify_with_keys<'a>(
    checkpoint: &UnverifiedCheckpoint,
    key_set: &'a SelfSignedKeySet,
) -> Result<Signed<'a>, CheckpointError> {
    let origin = &checkpoint.claim().origin;
    let (log, key) = one_signer(
        log_keys(key_set, origin).filter(|(_, key)| has_line(checkpoint, key.vkey())),
        CheckpointError::LogSignatureMissing(origin.clone()),
        CheckpointError::LogSignatureRepeated(origin.clone()),
    )?;
    let signed = checkpoint.clone().verify_log(&key)?;
    let name = key_set.document().log.cosigner.parse::<KeyName>();
    let name = name.map_err(|_| CheckpointError::CosignatureMissing(origin.clone()))?;
    let (cosigner, key) = one_signer(
        cosign_keys(key_set, &name).filter(|(_, key)| has_line(checkpoint, key.vkey())),
        CheckpointError::CosignatureMissing(name.clone()),
        CheckpointError::CosignatureRepeated(name.clone()),
    )?;
    Ok((signed.verify_date(&key)?, [log, cosigner]))
}

/// Lines of two keys would leave open which of them counts, and with it the date.
fn one_signer<T>(
    mut signers: impl Iterator<Item = T>,
    missing: CheckpointError,
    repeated: CheckpointError,
) -> Result<T, CheckpointError> {
    let signer = signers.next().ok_or(missing)?;
    if signers.next().is_some() { Err(repeated) } else { Ok(signer) }
}

fn has_line(checkpoint: &UnverifiedCheckpoint, key: &VerifierKey) -> bool {
    checkpoint.note().signatures_of(key).next().is_some()
}

fn log_keys<'a>(key_set: &'a SelfSignedKeySet, origin: &KeyName) -> impl Iterator<Item = (&'a KeyEntry, LogKey)> {
    let named = |(entry, key): (&'a KeyEntry, &PublicKey)| {
        let key = LogKey::new(origin.clone(), key.as_dalek()).ok()?;
        Some((entry, key))
    };
    begun(key_set, KeyUse::Log).filter_map(named)
}

fn cosign_keys<'a>(key_set: &'a SelfSignedKeySet, name: &KeyName) -> impl Iterator<Item = (&'a KeyEntry, CosignerKey)> {
    let named = |(entry, key): (&'a KeyEntry, &PublicKey)| {
        let key = CosignerKey::new(name.clone(), key.as_dalek()).ok()?;
        Some((entry, key))
    };
    begun(key_set, KeyUse::Cosign).filter_map(named)
}

/// A pending key is announced and signs nothing.
fn begun(key_set: &SelfSignedKeySet, usage: KeyUse) -> impl Iterator<Item = (&KeyEntry, &PublicKey)> {
    key_set.of_use(usage).filter(|(entry, _)| entry.state != KeyState::Pending)
}

/// Whether a log key of a key set signed the checkpoint, whatever its date: what two roots of one size need to prove a
/// fork. A revoked key proves none by itself, since whoever stole it can sign any root.
pub(in crate::ground) fn is_signed_by_log(checkpoint: &UnverifiedCheckpoint, key_set: &SelfSignedKeySet) -> bool {
    let keys = log_keys(key_set, &checkpoint.claim().origin);
    keys.filter(|(entry, _)| entry.state != KeyState::Revoked)
        .any(|(_, key)| checkpoint.clone().verify_log(&key).is_ok())
}
