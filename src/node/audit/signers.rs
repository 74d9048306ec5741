//! Whose keys signed what: every stored key set, checked itself, and then held against receipts.

use std::collections::BTreeMap;

use super::difference::Difference;
use crate::ground::crypto::hash::Digest;
use crate::ground::crypto::keys::KeyUse;
use crate::ground::keyset::SelfSignedKeySet;
use crate::ground::log::checkpoint::{CosignerKey, LogKey, UnverifiedCheckpoint};
use crate::ground::log::note::KeyName;
use crate::ground::name::{Issuer, Timestamp};
use crate::ground::problem::ProblemType;
use crate::ground::receipt::compact::UnverifiedReceipt;
use crate::ground::receipt::verify::{Question, Trust, verify};
use crate::ground::verdict::{Check, CheckResult, Level};
use crate::io::store::{KeySetVersion, Store, StoreError};

/// Why nothing shows that the issuer signed: what does not hold, or nothing where no key set of theirs is stored.
pub(super) type Unsigned = Option<ProblemType>;

/// Key sets by operator, the latest ones first.
#[derive(Debug, Clone, Default)]
pub(super) struct Signers(BTreeMap<Issuer, Vec<SelfSignedKeySet>>);

impl Signers {
    /// Nobody but the operator itself, under its present key set.
    pub(super) fn new(own: &SelfSignedKeySet) -> Self {
        Self(BTreeMap::from([(own.document().iss.clone(), vec![own.clone()])]))
    }

    /// Whether these operators' key sets were looked for.
    pub(super) fn knows(&self, issuer: &Issuer) -> bool {
        self.0.contains_key(issuer)
    }

    /// Takes in what the store has of an operator's key sets.
    pub(super) async fn load(
        &mut self,
        store: &dyn Store,
        issuer: &Issuer,
        found: &mut Vec<Difference>,
    ) -> Result<(), StoreError> {
        let versions = store.key_sets(issuer).await?;
        let known = self.0.entry(issuer.clone()).or_default();
        let digests: BTreeMap<(Digest, u64), Digest> =
            versions.iter().map(|version| ((version.root, version.number), version.digest)).collect();
        for version in versions.iter().rev() {
            match read(version, &digests) {
                Ok(key_set) => known.push(key_set),
                Err(what) => {
                    found.push(Difference::KeySet { issuer: issuer.clone(), number: version.number, what });
                }
            }
        }
        Ok(())
    }

    /// Whether the receipt's issuer signed it. A key that was revoked since did sign: that is the verifier's business.
    pub(super) fn check(&self, receipt: UnverifiedReceipt) -> Result<(), Unsigned> {
        let key_sets = self.0.get(receipt.claims().iss()).filter(|key_sets| !key_sets.is_empty()).ok_or(None)?;
        let kid = receipt.kid();
        let key_set = key_sets.iter().find(|key_set| key_set.find(kid).is_some());
        let key_set = key_set.ok_or(Some(ProblemType::KeyUnknown))?;
        let verdict = verify(receipt, &Question::offline(Level::Signed, Trust::Unpinned(key_set))).verdict;
        match (verdict.result(Check::Signature), verdict.result(Check::Key)) {
            (CheckResult::Pass, _) => Ok(()),
            (CheckResult::Fail(problem), _) | (_, CheckResult::Fail(problem)) => Err(Some(problem)),
            (CheckResult::NotEvaluated(_), _) => Err(Some(ProblemType::KeyUnknown)),
        }
    }

    /// The time at which the operator dated its checkpoint, or why nothing shows that it did. Any of its keys will do,
    /// also one that was replaced since.
    pub(super) fn date(&self, checkpoint: &UnverifiedCheckpoint, issuer: &Issuer) -> Result<Timestamp, String> {
        let mut failure = "no key set of the operator is at hand".to_owned();
        for key_set in self.0.get(issuer).into_iter().flatten() {
            for (log, cosigner) in checkpoint_keys(key_set) {
                match checkpoint.clone().verify(&log, &cosigner) {
                    Ok(verified) => return Ok(verified.time()),
                    Err(error) => failure = error.to_string(),
                }
            }
        }
        Err(failure)
    }

    /// How many key sets are at hand.
    pub(super) fn count(&self) -> u64 {
        self.0.values().map(|key_sets| u64::try_from(key_sets.len()).unwrap_or(u64::MAX)).sum()
    }
}

fn checkpoint_keys(key_set: &SelfSignedKeySet) -> Vec<(LogKey, CosignerKey)> {
    let names = &key_set.document().log;
    let (Ok(origin), Ok(cosigner)) = (names.origin.parse::<KeyName>(), names.cosigner.parse::<KeyName>()) else {
        return Vec::new();
    };
    let logs = key_set.of_use(KeyUse::Log).filter_map(|(_, key)| LogKey::new(origin.clone(), key.as_dalek()).ok());
    let pairs = logs.flat_map(|log| {
        let cosigner = cosigner.clone();
        let keys = key_set.of_use(KeyUse::Cosign);
        keys.filter_map(move |(_, key)| Some((log.clone(), CosignerKey::new(cosigner.clone(), key.as_dalek()).ok()?)))
    });
    pairs.collect()
}

/// Reads a version, and holds its row and its predecessor against it.
fn read(version: &KeySetVersion, digests: &BTreeMap<(Digest, u64), Digest>) -> Result<SelfSignedKeySet, String> {
    if Digest::of(version.compact.as_bytes()) != version.digest {
        return Err("its digest is not that of its bytes".to_owned());
    }
    let key_set = SelfSignedKeySet::parse(version.compact.as_bytes()).map_err(|error| error.to_string())?;
    let document = key_set.document();
    let fits =
        document.iss == version.issuer && document.number == version.number && key_set.fingerprint().0 == version.root;
    if !fits {
        return Err("its row says something else than the key set".to_owned());
    }
    let before = digests.get(&(version.root, version.number.saturating_sub(1)));
    match (before, document.previous) {
        (Some(known), Some(previous)) if *known != previous => {
            Err("it does not follow the key set with the number before it".to_owned())
        }
        _ => Ok(key_set),
    }
}
