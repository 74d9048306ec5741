//! Receipts, checkpoints and key sets held against each other.

mod story;

use std::collections::{BTreeMap, BTreeSet};

pub(super) use story::withheld;

use super::document::Bundle;
use super::findings::{Finding, Observation};
use super::report::{CallReport, CheckpointRow, ItemReport, LogReport};
use super::verify::Operators;
use crate::ground::crypto::hash::Digest;
use crate::ground::keyset::SelfSignedKeySet;
use crate::ground::log::merkle::TreeHead;
use crate::ground::log::proof::ProofFile;
use crate::ground::name::{Issuer, ReceiptId};
use crate::ground::receipt::verify::is_signed_by_log;
use crate::ground::trust::{IssuerKeys, KeySets, Pins};
use crate::ground::verdict::Check;

/// Everything that is at hand once each receipt has its verdict.
pub(super) struct Evidence<'a> {
    pub(super) bundle: &'a Bundle,
    pub(super) items: &'a [ItemReport],
    /// The proof files that can be read, in the order of the items.
    pub(super) proofs: Vec<Option<ProofFile>>,
    pub(super) operators: &'a Operators,
    pub(super) key_sets: &'a KeySets,
    pub(super) pins: &'a Pins,
}

impl Evidence<'_> {
    /// What proves a lie.
    pub(super) fn findings(&self) -> Vec<Finding> {
        let mut findings = self.key_sets_twice();
        findings.extend(self.ids_twice().into_iter().filter_map(|twice| twice.proven));
        findings.extend(self.forks());
        findings.extend(self.leaves_twice());
        findings
    }

    /// What a reader should know.
    pub(super) fn observations(&self, calls: &[CallReport], logs: &[LogReport]) -> Vec<Observation> {
        let mut observations = self.odd_key_sets();
        for twice in self.ids_twice() {
            if twice.proven.is_none() {
                observations.push(Observation::UnprovenIdTwice { issuer: twice.issuer, items: twice.items });
            }
        }
        observations.extend(logs.iter().flat_map(|log| self.unlinked(log)));
        observations.extend(story::observations(self.bundle, self.items, calls));
        observations
    }

    fn key_sets_twice(&self) -> Vec<Finding> {
        let twice = self.operators.keys().filter_map(|issuer| {
            let (one, other) = self.key_sets.contradiction(issuer, self.pins.get(issuer)?)?;
            let digests = [one.digest(), other.digest()];
            Some(Finding::KeySetTwice { issuer: issuer.clone(), number: one.document().number, digests })
        });
        twice.collect()
    }

    fn odd_key_sets(&self) -> Vec<Observation> {
        let unreadable = |refused: &crate::ground::trust::RefusedKeySet| Observation::KeySetUnreadable {
            number: refused.number,
            error: refused.error.to_string(),
        };
        let mut odd: Vec<Observation> = self.key_sets.refused().iter().map(unreadable).collect();
        for issuer in self.operators.keys() {
            let roots = self.key_sets.roots(issuer);
            match self.pins.get(issuer) {
                Some(pin) => odd.extend(
                    roots
                        .into_iter()
                        .filter(|root| *root != pin)
                        .map(|fingerprint| Observation::ForeignKeySet { issuer: issuer.clone(), fingerprint }),
                ),
                None if roots.len() > 1 => odd.push(Observation::SeveralRoots {
                    issuer: issuer.clone(),
                    fingerprints: roots.into_iter().collect(),
                }),
                None => {}
            }
        }
        odd
    }

    /// Different receipts that name one issuer and carry one id. It is a finding where the issuer signed both.
    fn ids_twice(&self) -> Vec<IdTwice> {
        let mut seen: BTreeMap<(&Issuer, &ReceiptId), Vec<&ItemReport>> = BTreeMap::new();
        let mut twice = Vec::new();
        for item in self.items {
            let Some(says) = &item.says else { continue };
            let known = seen.entry((says.iss(), says.jti())).or_default();
            if known.iter().any(|other| other.digest == item.digest) {
                continue;
            }
            // A receipt that somebody made up must not stand before the two that the issuer signed.
            let other = known.iter().find(|other| other.is_proven()).or(known.first()).copied();
            known.push(item);
            let Some(other) = other else { continue };
            let (issuer, items) = (says.iss().clone(), [other.number, item.number]);
            let proven = (other.is_proven() && item.is_proven()).then(|| Finding::ReceiptIdTwice {
                issuer: issuer.clone(),
                jti: *says.jti(),
                items,
            });
            twice.push(IdTwice { issuer, items, proven });
        }
        twice
    }

    /// The proofs of one issuer's receipts.
    fn proofs(&self) -> impl Iterator<Item = (&ItemReport, &Issuer, &ProofFile)> {
        self.items.iter().zip(&self.proofs).filter_map(|(item, proof)| {
            let issuer = item.says.as_ref()?.iss();
            Some((item, issuer, proof.as_ref()?))
        })
    }

    fn pinned_keys(&self, issuer: &Issuer) -> Option<&SelfSignedKeySet> {
        match self.operators.get(issuer)? {
            IssuerKeys::Pinned(pinned) => Some(pinned.key_set()),
            _ => None,
        }
    }

    /// Two roots of one size. The log's signature is enough: the date that is missing on one of them changes nothing.
    fn forks(&self) -> Vec<Finding> {
        let mut seen: BTreeMap<(&Issuer, &str, u64), Vec<Shown<'_>>> = BTreeMap::new();
        let mut forks = Vec::new();
        for (item, issuer, proof) in self.proofs() {
            let claim = proof.checkpoint.claim();
            let known = seen.entry((issuer, claim.origin.as_str(), claim.head.size)).or_default();
            if known.iter().any(|(_, other)| other.checkpoint.claim().head.root == claim.head.root) {
                continue;
            }
            let Some(key_set) = self.pinned_keys(issuer) else { continue };
            // A checkpoint that witnesses date before the revocation of its key binds the operator as before.
            if !is_signed_by_log(&proof.checkpoint, key_set) && !item.passes(Check::Checkpoint) {
                continue;
            }
            if let Some((other, before)) = known.first() {
                forks.push(Finding::Fork {
                    issuer: issuer.clone(),
                    origin: claim.origin.to_string(),
                    size: claim.head.size,
                    roots: [before.checkpoint.claim().head.root, claim.head.root],
                    items: [other.number, item.number],
                });
            }
            known.push((item, proof));
        }
        forks
    }

    /// Two leaves at one index, in trees of any sizes: an append-only log has one leaf there for ever.
    fn leaves_twice(&self) -> Vec<Finding> {
        let mut seen: BTreeMap<(&Issuer, &str, u64), Vec<&ItemReport>> = BTreeMap::new();
        let mut twice = Vec::new();
        for (item, issuer, proof) in self.proofs() {
            let logged = item.passes(Check::Inclusion) && item.passes(Check::Checkpoint);
            if !logged || self.pinned_keys(issuer).is_none() {
                continue;
            }
            let (origin, index) = (proof.checkpoint.claim().origin.as_str(), proof.inclusion.index);
            let known = seen.entry((issuer, origin, index)).or_default();
            if known.iter().any(|other| other.digest == item.digest) {
                continue;
            }
            if let Some(first) = known.first() {
                let items = [first.number, item.number];
                twice.push(Finding::LeafTwice { issuer: issuer.clone(), origin: origin.to_owned(), index, items });
            }
            known.push(item);
        }
        twice
    }

    /// The logs with the checkpoints that verify.
    pub(super) fn logs(&self) -> Vec<LogReport> {
        let mut logs: BTreeMap<(&Issuer, &str), Checkpoints> = BTreeMap::new();
        for (item, issuer, proof) in self.proofs().filter(|(item, _, _)| item.passes(Check::Checkpoint)) {
            let (claim, Some(time)) = (proof.checkpoint.claim(), item.verdict.checkpoint_time) else { continue };
            let TreeHead { size, root } = claim.head;
            let row = CheckpointRow { size, root, time, witnessed_time: item.verdict.witnessed_time };
            let known = logs.entry((issuer, claim.origin.as_str())).or_default().entry((size, root)).or_insert(row);
            known.witnessed_time = [known.witnessed_time, row.witnessed_time].into_iter().flatten().min();
        }
        let report = |((issuer, origin), rows): ((&Issuer, &str), Checkpoints)| {
            let mut log = LogReport {
                issuer: issuer.clone(),
                origin: origin.to_owned(),
                checkpoints: rows.into_values().collect(),
                one_history: None,
            };
            log.one_history = (log.checkpoints.len() > 1).then(|| self.unlinked(&log).is_empty());
            log
        };
        logs.into_iter().map(report).collect()
    }

    /// The steps from one checkpoint to the next that no proof here covers.
    fn unlinked(&self, log: &LogReport) -> Vec<Observation> {
        let mut links: BTreeSet<[(u64, Digest); 2]> = BTreeSet::new();
        for (item, issuer, proof) in self.proofs().filter(|(item, _, _)| item.passes(Check::Head)) {
            let head = proof.checkpoint.claim().head;
            if let Some(promise) = item.says.as_ref().map(|says| says.log()).filter(|_| *issuer == log.issuer) {
                links.insert([(promise.size, promise.root), (head.size, head.root)]);
            }
        }
        let steps = log.checkpoints.iter().zip(log.checkpoints.iter().skip(1));
        steps
            .filter(|(from, to)| !links.contains(&[(from.size, from.root), (to.size, to.root)]))
            .map(|(from, to)| Observation::ConsistencyNotShown {
                origin: log.origin.clone(),
                from: from.size,
                to: to.size,
            })
            .collect()
    }
}

/// A checkpoint with the receipt whose proof holds it.
type Shown<'a> = (&'a ItemReport, &'a ProofFile);

/// The checkpoints of one log, by size and root.
type Checkpoints = BTreeMap<(u64, Digest), CheckpointRow>;

struct IdTwice {
    issuer: Issuer,
    items: [usize; 2],
    proven: Option<Finding>,
}
