//! Judging a bundle: every receipt by itself, then all of them together.

use std::collections::BTreeMap;

use super::calls;
use super::cross::{self, Evidence};
use super::document::{Bundle, Item};
use super::report::{BundleReport, ItemReport, KeySetRow, OperatorReport, Standing};
use crate::ground::crypto::hash::Digest;
use crate::ground::limits::MAX_BUNDLE_ITEMS;
use crate::ground::log::proof::ProofFile;
use crate::ground::log::witness::Quorum;
use crate::ground::name::{Issuer, ReceiptId, Timestamp};
use crate::ground::receipt::compact::{ReceiptError, UnverifiedReceipt};
use crate::ground::receipt::payload::{Observer, Payload};
use crate::ground::receipt::verify::{Exchange, Question, refuse_format, verify as verify_receipt};
use crate::ground::trust::{IssuerKeys, KeySets, Pins};
use crate::ground::verdict::{Conclusion, Disclaimer, Level};

/// What the reader of a bundle demands and brings along.
#[derive(Debug, Clone, Copy)]
pub struct Options<'a> {
    /// The level at which each receipt is judged.
    pub level: Level,
    /// The time to judge freshness by.
    pub at: Option<Timestamp>,
    /// The witnesses that have to have cosigned.
    pub quorum: Option<&'a Quorum>,
    /// Key sets from elsewhere, such as a later one that revokes a key.
    pub key_sets: &'a [String],
}

impl Options<'_> {
    /// Nothing but a level.
    pub fn at_level(level: Level) -> Self {
        Self { level, at: None, quorum: None, key_sets: &[] }
    }
}

/// The operators' keys, by issuer.
pub(super) type Operators = BTreeMap<Issuer, IssuerKeys>;

/// Makes every check that the bundle and the reader's pins allow.
pub fn verify(bundle: &Bundle, pins: &Pins, options: &Options<'_>) -> BundleReport {
    let key_sets = KeySets::read(bundle.key_sets().iter().chain(options.key_sets).map(String::as_str));
    let receipts: Vec<Result<UnverifiedReceipt, ReceiptError>> = bundle
        .items()
        .iter()
        .take(MAX_BUNDLE_ITEMS)
        .map(|item| UnverifiedReceipt::parse(item.receipt.as_bytes()))
        .collect();
    let mut operators = Operators::new();
    for receipt in receipts.iter().flatten() {
        let issuer = receipt.claims().iss();
        if !operators.contains_key(issuer) {
            operators.insert(issuer.clone(), pins.trust_for(issuer, &key_sets));
        }
    }
    let reader = Reader { bundle, receipts: &receipts, operators: &operators, options, decisions: index(&receipts) };
    let items: Vec<ItemReport> = (1..=receipts.len()).filter_map(|number| reader.judge(number)).collect();
    let proofs = bundle.items().iter().map(proof_of).collect();
    let calls = calls::group(&items, |number| reader.decision_of(number));
    let evidence = Evidence { bundle, items: &items, proofs, operators: &operators, key_sets: &key_sets, pins };
    let operator_rows = operators.iter().map(|(issuer, keys)| operator_report(issuer, keys, pins, &key_sets)).collect();
    let (calls, logs) = (calls::compare(calls, &items), evidence.logs());
    let findings = evidence.findings();
    BundleReport {
        verdict: conclude(&items, findings.is_empty()),
        level: options.level,
        created: bundle.created(),
        at: options.at,
        operators: operator_rows,
        observations: evidence.observations(&calls, &logs),
        withheld: cross::withheld(bundle, &items, &calls),
        items,
        calls,
        logs,
        findings,
        does_not_assert: Disclaimer::ALL.to_vec(),
    }
}

fn conclude(items: &[ItemReport], no_finding: bool) -> Conclusion {
    let any = |conclusion| items.iter().any(|item| item.verdict.verdict == conclusion);
    if any(Conclusion::Invalid) || !no_finding {
        Conclusion::Invalid
    } else if any(Conclusion::Undetermined) || items.is_empty() {
        Conclusion::Undetermined
    } else {
        Conclusion::Valid
    }
}

fn proof_of(item: &Item) -> Option<ProofFile> {
    item.proof.as_ref().and_then(|text| ProofFile::parse(text.as_bytes()).ok())
}

/// What is known of an operator's keys, for people.
pub fn operator_report(issuer: &Issuer, keys: &IssuerKeys, pins: &Pins, key_sets: &KeySets) -> OperatorReport {
    let standing = match keys {
        IssuerKeys::Pinned(_) => Standing::Pinned,
        IssuerKeys::Unpinned(_) => Standing::Unpinned,
        IssuerKeys::NoKeySet => Standing::NoKeySet,
        IssuerKeys::Unknown => Standing::Unknown,
        IssuerKeys::Refused(error) => Standing::Refused { problem: error.problem(), error: error.to_string() },
    };
    let key_set = keys.key_set().map(|key_set| KeySetRow {
        number: key_set.document().number,
        iat: key_set.document().iat,
        digest: key_set.digest(),
    });
    let fingerprints = key_sets.roots(issuer).into_iter().collect();
    OperatorReport { issuer: issuer.clone(), pinned: pins.get(issuer), standing, fingerprints, key_set }
}

/// Where decisions stand in the bundle, by digest and by (issuer, id).
#[derive(Default)]
struct Decisions {
    by_digest: BTreeMap<Digest, usize>,
    by_id: BTreeMap<(Issuer, ReceiptId), usize>,
}

fn index(receipts: &[Result<UnverifiedReceipt, ReceiptError>]) -> Decisions {
    let mut decisions = Decisions::default();
    for (number, receipt) in (1..).zip(receipts) {
        let Ok(receipt) = receipt else { continue };
        let claims = receipt.claims();
        if matches!(claims, Payload::Decision(_)) {
            decisions.by_digest.entry(receipt.digest()).or_insert(number);
            decisions.by_id.entry((claims.iss().clone(), *claims.jti())).or_insert(number);
        }
    }
    decisions
}

struct Reader<'a> {
    bundle: &'a Bundle,
    receipts: &'a [Result<UnverifiedReceipt, ReceiptError>],
    operators: &'a Operators,
    options: &'a Options<'a>,
    decisions: Decisions,
}

impl Reader<'_> {
    fn receipt(&self, number: usize) -> Option<&UnverifiedReceipt> {
        self.receipts.get(number.checked_sub(1)?)?.as_ref().ok()
    }

    fn item(&self, number: usize) -> Option<&Item> {
        self.bundle.items().get(number.checked_sub(1)?)
    }

    /// The decision that an answer speaks of: by digest, or else by id, so that a decision that was put in the place of
    /// the real one fails the check instead of leaving it out.
    fn decision_of(&self, number: usize) -> Option<usize> {
        let claims = self.receipt(number)?.claims();
        let about = claims.about()?;
        let by_caller = matches!(claims, Payload::Outcome(outcome) if outcome.observer == Observer::Caller);
        let decided = if by_caller { claims.iss() } else { claims.aud() };
        let by_id = || self.decisions.by_id.get(&(decided.clone(), about.jti));
        self.decisions.by_digest.get(&about.digest).or_else(by_id).copied()
    }

    fn judge(&self, number: usize) -> Option<ItemReport> {
        let item = self.item(number)?;
        let request = item.request.as_ref().map(|request| (request.method.clone(), request.target.clone()));
        let receipt = match self.receipts.get(number.checked_sub(1)?)? {
            Ok(receipt) => receipt,
            Err(error) => {
                let verdict = refuse_format(error.problem(), self.options.level);
                let error = Some(error.to_string());
                let (digest, kind, kid, says, index) = (None, None, None, None, None);
                return Some(ItemReport { number, digest, kind, kid, says, error, index, request, verdict });
            }
        };
        let verdict = verify_receipt(receipt.clone(), &self.question(number, item, receipt)).verdict;
        Some(ItemReport {
            number,
            digest: Some(receipt.digest()),
            kind: Some(receipt.claims().kind()),
            kid: Some(receipt.kid()),
            says: Some(receipt.claims().clone()),
            error: None,
            index: proof_of(item).map(|proof| proof.inclusion.index),
            request,
            verdict,
        })
    }

    fn question<'q>(&'q self, number: usize, item: &'q Item, receipt: &'q UnverifiedReceipt) -> Question<'q> {
        let trust = self.operators.get(receipt.claims().iss()).unwrap_or(&IssuerKeys::Unknown).as_trust();
        let decision = self.decision_of(number);
        let mut question = Question::offline(self.options.level, trust);
        question.at = self.options.at;
        question.quorum = self.options.quorum;
        question.proof = item.proof.as_ref().map(String::as_bytes);
        question.head_proof = item.head_proof.as_ref().map(|proof| proof.hashes.as_slice());
        question.decision = decision.and_then(|number| self.receipt(number));
        question.exchange = exchange(receipt.claims(), item, decision.and_then(|number| self.item(number)));
        question
    }
}

/// What the bundle discloses of the exchange that the receipt is about. Without a nonce nothing can be opened, and
/// without a request there is none to hold a decision against: its nonce may be there for its parents alone.
fn exchange<'a>(claims: &Payload, item: &'a Item, decision: Option<&'a Item>) -> Option<Exchange<'a>> {
    let nonce = Some(item.nonce.as_ref().or_else(|| decision?.nonce.as_ref())?);
    match claims {
        Payload::Decision(_) => item.request.as_ref().map(|request| Exchange {
            nonce,
            target: Some((request.method.as_str(), request.target.as_str())),
            body: request.body.as_deref(),
            ..Exchange::default()
        }),
        Payload::Outcome(_) => {
            let response = item.response.as_ref().or_else(|| decision?.response.as_ref())?;
            Some(Exchange { nonce, response: response.body.as_deref(), ..Exchange::default() })
        }
        Payload::Acknowledgement(_) | Payload::Configuration(_) => None,
    }
}
