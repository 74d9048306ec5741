//! The end: an auditor with one file and two fingerprints, a forger with the same file, and each node's own store.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use super::DemoError;
use super::calls::BOOKED_FOR;
use super::desk::question;
use super::stage::{Operator, Stage};
use super::story::{Story, short};
use crate::edge::data_folder::DataFolder;
use crate::ground::bundle::{Bundle, BundleReport, Item, Options, Stories, verify};
use crate::ground::crypto::hash::Digest;
use crate::ground::crypto::keys::{KeyId, KeyUse, ReceiptPurpose, RootPurpose};
use crate::ground::keyset::{self, KeyEntry, KeySetDocument, SelfSignedKeySet};
use crate::ground::name::Issuer;
use crate::ground::receipt::compact::{UnverifiedReceipt, issue};
use crate::ground::receipt::payload::Payload;
use crate::ground::report::{self, Source};
use crate::ground::trust::Pins;
use crate::ground::verdict::{Check, CheckResult, Conclusion, Level};
use crate::io::clock::Clock;
use crate::io::key_files;
use crate::node::audit::{self, Audited};
use crate::node::bundles::{Disclosure, Gathered, Gatherer};

/// The bundle, in the demo's folder.
pub const EVIDENCE_FILE: &str = "evidence.json";
/// The page about it.
pub const REPORT_FILE: &str = "report.html";

/// How long a checkpoint may take.
const PATIENCE: Duration = Duration::from_secs(10);

/// How often it is looked at.
const LOOK_EVERY: Duration = Duration::from_millis(50);

/// What is left when the nodes are gone.
pub(super) struct Collected {
    file: PathBuf,
    page: PathBuf,
    parts: [usize; 2],
    operators: [Party; 2],
}

struct Party {
    name: &'static str,
    issuer: Issuer,
    fingerprint: KeyId,
    folder: DataFolder,
}

impl Party {
    fn of(operator: &Operator) -> Self {
        let (name, fingerprint) = (operator.name, operator.fingerprint);
        Self { name, issuer: operator.issuer().clone(), fingerprint, folder: operator.folder.clone() }
    }
}

/// Each side hands over its half: its own receipts of the call, with proofs under its own log.
pub(super) async fn collect(stage: &Stage, call: Digest, place: &Path) -> Result<Collected, DemoError> {
    let disclosure = Disclosure { request_body: Some(question(BOOKED_FOR).into_bytes()), ..Disclosure::default() };
    let withholding = Disclosure { withhold_openings: true, ..Disclosure::default() };
    let halves = tokio::try_join!(half(&stage.atlas, call, &disclosure), half(&stage.birch, call, &withholding));
    let (atlas, birch) = halves?;
    let own = |gathered: &Gathered| gathered.bundle.items().len() - gathered.without_proof.len();
    let parts = [own(&atlas), own(&birch)];
    let mut bundle = atlas.bundle;
    bundle.join(birch.bundle)?;
    let file = place.join(EVIDENCE_FILE);
    std::fs::write(&file, bundle.to_bytes()?).map_err(DemoError::Io)?;
    let operators = [Party::of(&stage.atlas), Party::of(&stage.birch)];
    Ok(Collected { file, page: place.join(REPORT_FILE), parts, operators })
}

async fn half(operator: &Operator, call: Digest, disclosure: &Disclosure) -> Result<Gathered, DemoError> {
    let key_set = operator.server.node().operator.key_set().clone();
    let gatherer = Gatherer::new(Arc::new(operator.folder.store().await?), key_set);
    let until = tokio::time::Instant::now() + PATIENCE;
    loop {
        let gathered = gatherer.gather(&[call], disclosure, Clock::system().now()).await?;
        let own = |item: &&Item| is_of(item, operator.issuer());
        let proven = gathered.bundle.items().iter().filter(own).all(|item| item.proof.is_some());
        if proven || tokio::time::Instant::now() >= until {
            return Ok(gathered);
        }
        tokio::time::sleep(LOOK_EVERY).await;
    }
}

fn is_of(item: &Item, issuer: &Issuer) -> bool {
    UnverifiedReceipt::parse(item.receipt.as_bytes()).is_ok_and(|receipt| receipt.claims().iss() == issuer)
}

pub(super) async fn tell(collected: &Collected, running: bool, story: &mut Story<'_>) -> Result<(), DemoError> {
    let bytes = std::fs::read(&collected.file).map_err(DemoError::Io)?;
    let mut pins = Pins::default();
    for party in &collected.operators {
        let pinned = pins.insert(party.issuer.clone(), party.fingerprint);
        pinned.map_err(|error| DemoError::Unexpected(error.to_string()))?;
    }
    offline(collected, &bytes, &pins, running, story)?;
    forged(collected, &bytes, &pins, story)?;
    own_stores(collected, story).await
}

/// Pure functions over one file: no socket is opened, and no node is asked.
fn offline(
    collected: &Collected,
    bytes: &[u8],
    pins: &Pins,
    running: bool,
    story: &mut Story<'_>,
) -> Result<(), DemoError> {
    story.begin("offline_audit", "an auditor, a file, no network");
    let [atlas, birch] = collected.parts;
    story.line("both", &format!("hand over their halves of the first call ({atlas} and {birch} receipts with proofs)"));
    if !running {
        story.line("nodes", "are shut down now");
    }
    let bundle = Bundle::parse(bytes)?;
    let judged = verify(&bundle, pins, &Options::at_level(Level::Included));
    std::fs::write(&collected.page, page(&judged, bytes)).map_err(DemoError::Io)?;
    story.line("auditor", "got both fingerprints elsewhere, and checks every signature, proof and checkpoint");
    let stories = judged.calls.first().map(|call| call.stories);
    let words = if stories == Some(Stories::Agree) { "the two stories agree" } else { "the two stories differ" };
    story.line("", &format!("{} receipts: {}; {words}", judged.items.len(), judged.verdict));
    let body = judged.items.iter().any(|item| {
        matches!(item.says, Some(Payload::Decision(_))) && item.verdict.result(Check::Body) == CheckResult::Pass
    });
    story.line("", &format!("the message that was allowed is, byte for byte, the one that asked for {BOOKED_FOR}"));
    story.fact("verdict", judged.verdict.to_string());
    story.fact("receipts", judged.items.len());
    story.fact("bytes", bytes.len());
    story.expect(judged.verdict == Conclusion::Valid, || report::bundle_text(&judged, &source(bytes)));
    story.expect(judged.items.len() == 4, || format!("the bundle holds {} receipts", judged.items.len()));
    story.expect(stories == Some(Stories::Agree), || format!("the stories are {stories:?}"));
    story.expect(judged.findings.is_empty(), || format!("there are {} findings", judged.findings.len()));
    story.expect(body, || "the disclosed body does not open its commitment".to_owned());
    story.end();
    Ok(())
}

fn source(bytes: &[u8]) -> Source<'static> {
    Source { name: EVIDENCE_FILE, digest: Digest::of(bytes) }
}

fn page(judged: &BundleReport, bytes: &[u8]) -> String {
    report::page(judged, &source(bytes))
}

/// The same file, with an acknowledgement that Birch never gave, under keys that call themselves Birch's.
fn forged(collected: &Collected, bytes: &[u8], pins: &Pins, story: &mut Story<'_>) -> Result<(), DemoError> {
    story.begin("forged_operator", "a forged operator in the file");
    story.line("forger", "makes a root key, a key set in Birch's name, and an acknowledgement under it");
    let bundle = forge(&Bundle::parse(bytes)?, collected)?;
    let judged = verify(&bundle, pins, &Options::at_level(Level::Signed));
    let problem = judged.items.iter().find_map(|item| match item.verdict.result(Check::KeySet) {
        CheckResult::Fail(problem) => Some(problem.code()),
        _ => None,
    });
    story.line("auditor", &format!("with the pins: {} [{}]", judged.verdict, problem.unwrap_or_default()));
    let unpinned = verify(&bundle, &Pins::default(), &Options::at_level(Level::Signed));
    story.line("", &format!("without any pin: {}, because a file cannot vouch for itself", unpinned.verdict));
    story.fact("verdict", judged.verdict.to_string());
    story.fact("without_pins", unpinned.verdict.to_string());
    story.expect(judged.verdict == Conclusion::Invalid, || format!("the verdict is {}", judged.verdict));
    story.expect(problem.is_some(), || "the forged key set was not refused".to_owned());
    story.expect(unpinned.verdict == Conclusion::Undetermined, || format!("without pins {}", unpinned.verdict));
    story.end();
    Ok(())
}

fn forge(genuine: &Bundle, collected: &Collected) -> Result<Bundle, DemoError> {
    let [atlas, birch] = &collected.operators;
    let unexpected = |error: &dyn std::fmt::Display| DemoError::Unexpected(format!("the forgery fails: {error}"));
    let root = key_files::generate::<RootPurpose>().map_err(|error| unexpected(&error))?;
    let key = key_files::generate::<ReceiptPurpose>().map_err(|error| unexpected(&error))?;
    let document = birch.folder.key_set()?.document().clone();
    let keys = vec![KeyEntry::active(key.public(), KeyUse::Receipt, document.iat)];
    let document = KeySetDocument { root: root.public().to_jwk(), keys, ..document };
    let key_set = keyset::sign(&document, &root).map_err(|error| unexpected(&error))?;

    let mut forged = Bundle::new(genuine.created());
    for text in genuine.key_sets() {
        let known = SelfSignedKeySet::parse(text.as_bytes()).map_err(|error| unexpected(&error))?;
        if known.document().iss == atlas.issuer {
            forged.add_key_set(&known)?;
        }
    }
    forged.add_key_set(&key_set)?;
    for item in genuine.items() {
        let receipt = UnverifiedReceipt::parse(item.receipt.as_bytes()).map_err(|error| unexpected(&error))?;
        match receipt.claims() {
            Payload::Decision(_) => forged.add(item.clone())?,
            Payload::Acknowledgement(payload) => {
                let signed = issue(Payload::Acknowledgement(payload.clone()), &key);
                forged.add(Item::new(signed.map_err(|error| unexpected(&error))?.compact))?;
            }
            Payload::Outcome(_) | Payload::Configuration(_) => {}
        }
    }
    Ok(forged)
}

async fn own_stores(collected: &Collected, story: &mut Story<'_>) -> Result<(), DemoError> {
    story.begin("own_stores", "each node's own store, derived again");
    for party in &collected.operators {
        let head_file = party.folder.head_file().read().map_err(|error| DemoError::Unexpected(error.to_string()))?;
        let store = party.folder.store().await?;
        let key_set = party.folder.key_set()?;
        let fingerprint = key_set.fingerprint();
        let key_set = key_set.pinned(&party.issuer, fingerprint);
        let audited = Audited {
            store: Arc::new(store.clone()),
            key_set: key_set.map_err(|error| DemoError::Unexpected(error.to_string()))?,
            head_file,
            now: Clock::system().now(),
            database: true,
        };
        let found = audit::run(&audited, &|_| {}).await?;
        store.close().await;
        let root = found.head.map(|head| short(&head.root.to_string())).unwrap_or_default();
        let who = party.name.split(' ').next().unwrap_or(party.name);
        let clean = if found.is_clean() { "no differences" } else { "DIFFERENCES" };
        story.line(who, &format!("{} receipts, log of {} with root {root}: {clean}", found.receipts, found.entries));
        story.expect(found.is_clean(), || format!("{}: {:?}", party.name, found.differences));
    }
    story.end();
    Ok(())
}
