//! The write path on a real database: issue, sequence, prove.

use std::sync::Arc;

use countersign::ground::crypto::hash::Digest;
use countersign::ground::crypto::keys::{KeyUse, RootPurpose, SigningKey};
use countersign::ground::effect::Effect;
use countersign::ground::keyset::{self, KeyEntry, KeySetDocument, LogNames};
use countersign::ground::log::merkle::TreeHead;
use countersign::ground::name::{Issuer, Timestamp};
use countersign::ground::policy::starter;
use countersign::ground::question::{Action, Entity, Request};
use countersign::ground::receipt::compact::{SignedReceipt, UnverifiedReceipt};
use countersign::ground::receipt::payload::{Basis, Identity, Payload};
use countersign::ground::receipt::verify::{Question, Trust, verify};
use countersign::ground::verdict::{Check, CheckResult, Conclusion, Level};
use countersign::io::clock::{Clock, Hand};
use countersign::io::head_file::HeadFile;
use countersign::io::store::sqlite::SqliteStore;
use countersign::io::store::{Admission, EpochClaim, Identity as StoreIdentity, Store};
use countersign::node::decider::{Decider, Matter, Who};
use countersign::node::issuer::{IssueFailure, ReceiptIssuer};
use countersign::node::logbook::Logbook;
use countersign::node::operator::{OnlineKeys, Operator};
use countersign::node::policies::{Applied, Policies};
use countersign::node::sequencer::{Sequencer, SequencerError, Step};
use countersign::node::write_path::{WriteFailure, WritePath};
use sqlx::Connection as _;
use tempfile::TempDir;

const START: u64 = 1_800_000_000;

struct Node {
    folder: TempDir,
    operator: Arc<Operator>,
    store: Arc<dyn Store>,
    clock: Clock,
    hand: Hand,
}

impl Node {
    async fn new() -> Self {
        let (clock, hand) = Clock::manual(Timestamp::EPOCH.plus(START));
        let folder = tempfile::tempdir().unwrap();
        let operator = Arc::new(operator("https://a.example"));
        let identity = StoreIdentity { issuer: operator.issuer().clone(), origin: "a.example/log".to_owned() };
        let store = SqliteStore::create(&folder.path().join("store.sqlite"), identity).await.unwrap();
        Self { folder, operator, store: Arc::new(store), clock, hand }
    }

    async fn sequencer(&self) -> Result<Sequencer, SequencerError> {
        let head_file = HeadFile::at(self.folder.path().join("head"));
        let (store, operator) = (Arc::clone(&self.store), Arc::clone(&self.operator));
        Sequencer::open(store, operator, self.clock.clone(), Some(head_file)).await
    }

    /// Writes the head file as another process would that went on from there.
    fn note_head(&self, size: u64, root: &[u8]) {
        let head = TreeHead::new(size, Digest::of(root)).unwrap();
        std::fs::write(self.folder.path().join("head"), serde_json::to_vec(&head).unwrap()).unwrap();
    }

    fn issuer(&self, sequencer: &Sequencer) -> ReceiptIssuer {
        let (head, caught_up) = (sequencer.published(), sequencer.caught_up());
        let writes = WritePath::start(Arc::clone(&self.store), self.clock.clone()).0;
        ReceiptIssuer::new(Arc::clone(&self.operator), writes, self.clock.clone(), head, 60, caught_up)
    }
}

fn operator(issuer: &str) -> Operator {
    let issuer: Issuer = issuer.parse().unwrap();
    let keys = OnlineKeys {
        receipt: SigningKey::from_seed(&[1; 32]).unwrap(),
        log: SigningKey::from_seed(&[2; 32]).unwrap(),
        cosign: SigningKey::from_seed(&[3; 32]).unwrap(),
        http: SigningKey::from_seed(&[4; 32]).unwrap(),
    };
    let root = SigningKey::<RootPurpose>::from_seed(&[5; 32]).unwrap();
    let since = Timestamp::EPOCH.plus(START - 10);
    let document = KeySetDocument {
        iat: since,
        iss: issuer.clone(),
        keys: vec![
            KeyEntry::active(keys.receipt.public(), KeyUse::Receipt, since),
            KeyEntry::active(keys.log.public(), KeyUse::Log, since),
            KeyEntry::active(keys.cosign.public(), KeyUse::Cosign, since),
            KeyEntry::active(keys.http.public(), KeyUse::Http, since),
        ],
        log: LogNames { cosigner: "a.example/cosigner".to_owned(), origin: "a.example/log".to_owned() },
        number: 1,
        predecessor: None,
        previous: None,
        root: root.public().to_jwk(),
    };
    Operator::new(issuer, keyset::sign(&document, &root).unwrap(), keys).unwrap()
}

async fn policies(node: &Node, issuer: &ReceiptIssuer) -> Policies {
    Policies::open(Arc::clone(&node.store), issuer, || Ok(starter::files())).await.unwrap()
}

fn decider(node: &Node, issuer: &ReceiptIssuer, policies: &Policies) -> Decider {
    Decider::new(Arc::clone(&node.store), issuer.clone(), policies.clone(), 120, 300)
}

fn matter(session: Option<&str>) -> Matter {
    let identity = Identity { agent: Basis::CLAIMED, delegation: None, user: None };
    let user = Entity::new("User", "ana");
    Matter {
        request: Request::new(Entity::new("Agent", "desk"), Action::new("respond"), user),
        who: Who { sub: "desk".to_owned(), act: None, identity },
        audience: "https://a.example".parse().unwrap(),
        bound: None,
        session: session.map(str::to_owned),
        parents: Vec::new(),
        retry_of: None,
        obligations: Vec::new(),
        followups: Vec::new(),
    }
}

async fn decide(decider: &Decider, session: Option<&str>) -> SignedReceipt {
    let matter = matter(session);
    decider.record(&decider.judge(&matter.request), &matter).await.unwrap()
}

async fn prove(node: &Node, receipt: &SignedReceipt) -> Option<String> {
    let logbook = Logbook::new(Arc::clone(&node.store));
    let proof = logbook.proof(receipt.payload.jti(), &receipt.digest).await.unwrap();
    proof.map(|proof| proof.to_string())
}

#[tokio::test]
async fn a_decision_is_durable_then_logged_then_proven() {
    let node = Node::new().await;
    let mut sequencer = node.sequencer().await.unwrap();
    let issuer = node.issuer(&sequencer);
    let policies = policies(&node, &issuer).await;
    let decider = decider(&node, &issuer, &policies);
    let first = decide(&decider, None).await;
    assert!(matches!(&first.payload, Payload::Decision(decision) if decision.effect == Effect::Allow));
    assert_eq!(node.store.receipt(&first.digest).await.unwrap().unwrap().compact, first.compact);
    assert_eq!(prove(&node, &first).await, None);

    // The configuration receipt of the first epoch stands before it.
    assert_eq!(sequencer.step().await.unwrap(), Step::Published { new: 2 });
    assert_eq!(sequencer.step().await.unwrap(), Step::Idle);
    for _ in 0..300 {
        decide(&decider, None).await;
    }
    node.hand.advance_ms(1000);
    assert_eq!(sequencer.step().await.unwrap(), Step::Published { new: 300 });

    let last = decide(&decider, None).await;
    node.hand.advance_ms(1000);
    assert_eq!(sequencer.step().await.unwrap(), Step::Published { new: 1 });
    for receipt in [&first, &last] {
        let proof = prove(&node, receipt).await.unwrap();
        let head = receipt.payload.log();
        let to = node.store.head().await.unwrap();
        let head_proof = Logbook::new(Arc::clone(&node.store)).consistency(head.size, to).await.unwrap();
        let question = Question {
            proof: Some(proof.as_bytes()),
            head_proof: Some(&head_proof.hashes),
            ..Question::offline(Level::Included, Trust::Pinned(node.operator.key_set()))
        };
        let verdict = verify(UnverifiedReceipt::parse(receipt.compact.as_bytes()).unwrap(), &question).verdict;
        assert_eq!(verdict.verdict, Conclusion::Valid, "{verdict:?}");
        assert_eq!(verdict.result(Check::Promise), CheckResult::Pass);
        assert_eq!(verdict.result(Check::Head), CheckResult::Pass);
    }
}

#[tokio::test]
async fn an_idle_log_says_its_time_every_ten_minutes() {
    let node = Node::new().await;
    let mut sequencer = node.sequencer().await.unwrap();
    let issuer = node.issuer(&sequencer);
    policies(&node, &issuer).await;
    assert_eq!(sequencer.step().await.unwrap(), Step::Published { new: 1 });
    node.hand.advance_ms(599_000);
    assert_eq!(sequencer.step().await.unwrap(), Step::Idle);
    node.hand.advance_ms(1_000);
    assert_eq!(sequencer.step().await.unwrap(), Step::Published { new: 0 });
}

#[tokio::test]
async fn two_sequencers_on_one_store_make_one_history() {
    let node = Node::new().await;
    let (mut one, mut two) = (node.sequencer().await.unwrap(), node.sequencer().await.unwrap());
    let issuer = node.issuer(&one);
    let policies = policies(&node, &issuer).await;
    let decider = decider(&node, &issuer, &policies);
    for round in 0..20u64 {
        let receipt = decide(&decider, None).await;
        node.hand.advance_ms(1000);
        let (first, second) = tokio::join!(one.step(), two.step());
        let steps = [first.unwrap(), second.unwrap()];
        assert!(steps.iter().any(|step| matches!(step, Step::Published { .. })), "{round}: {steps:?}");
        assert!(prove(&node, &receipt).await.is_some());
    }
    assert_eq!(node.store.head().await.unwrap().size, 21);
}

#[tokio::test]
async fn positions_in_a_session_have_no_gaps_even_when_many_ask_at_once() {
    let node = Node::new().await;
    let sequencer = node.sequencer().await.unwrap();
    let issuer = node.issuer(&sequencer);
    let policies = policies(&node, &issuer).await;
    let decider = decider(&node, &issuer, &policies);
    let tasks: Vec<_> = (0..64)
        .map(|_| {
            let decider = decider.clone();
            tokio::spawn(async move { decide(&decider, Some("s")).await })
        })
        .collect();
    let mut positions = Vec::new();
    for task in tasks {
        let Payload::Decision(decision) = task.await.unwrap().payload else { panic!("a decision") };
        positions.push(decision.session.unwrap().seq);
    }
    positions.sort_unstable();
    assert_eq!(positions, (1..=64).collect::<Vec<_>>());
}

#[tokio::test]
async fn nothing_is_issued_while_the_log_is_too_far_behind() {
    let node = Node::new().await;
    let mut sequencer = node.sequencer().await.unwrap();
    let issuer = node.issuer(&sequencer);
    let policies = policies(&node, &issuer).await;
    let decider = decider(&node, &issuer, &policies);
    decide(&decider, None).await;
    node.hand.advance_ms(31_000);
    let matter = matter(None);
    let refused = decider.record(&decider.judge(&matter.request), &matter).await;
    assert!(matches!(refused, Err(IssueFailure::Write(WriteFailure::Overloaded))));
    sequencer.step().await.unwrap();
    decide(&decider, None).await;
}

#[tokio::test]
async fn a_store_behind_its_head_file_signs_nothing() {
    let node = Node::new().await;
    let mut sequencer = node.sequencer().await.unwrap();
    let issuer = node.issuer(&sequencer);
    policies(&node, &issuer).await;
    sequencer.step().await.unwrap();
    let file = HeadFile::at(node.folder.path().join("head"));
    let known = file.read().unwrap().unwrap();
    assert_eq!(known, node.store.head().await.unwrap());

    node.note_head(2, b"newer");
    assert!(matches!(node.sequencer().await, Err(SequencerError::RolledBack { known: 2, stored: 1 })));
    node.note_head(1, b"other");
    assert!(matches!(node.sequencer().await, Err(SequencerError::Forked { known: 1 })));
    std::fs::remove_file(node.folder.path().join("head")).unwrap();
    file.advance(known).unwrap();
    assert!(node.sequencer().await.is_ok());
}

#[tokio::test]
async fn a_store_that_goes_back_under_a_running_node_gets_no_second_history() {
    let node = Node::new().await;
    let mut sequencer = node.sequencer().await.unwrap();
    let issuer = node.issuer(&sequencer);
    let policies = policies(&node, &issuer).await;
    let decider = decider(&node, &issuer, &policies);
    sequencer.step().await.unwrap();
    let path = node.folder.path();
    let options = sqlx::sqlite::SqliteConnectOptions::new().filename(path.join("store.sqlite")).foreign_keys(false);
    let mut database = sqlx::SqliteConnection::connect_with(&options).await.unwrap();
    let backup = path.join("backup.sqlite");
    sqlx::query("VACUUM INTO ?").bind(backup.to_str().unwrap()).execute(&mut database).await.unwrap();
    decide(&decider, None).await;
    sequencer.step().await.unwrap();
    let signed = HeadFile::at(path.join("head")).read().unwrap().unwrap();
    assert_eq!(signed.size, 2);

    sqlx::query("ATTACH ? AS backup").bind(backup.to_str().unwrap()).execute(&mut database).await.unwrap();
    let names =
        |kind: &str| format!("SELECT name FROM sqlite_schema WHERE type = '{kind}' AND name NOT LIKE 'sqlite_%'");
    let triggers: Vec<String> =
        sqlx::query_scalar(sqlx::AssertSqlSafe(names("trigger"))).fetch_all(&mut database).await.unwrap();
    let tables: Vec<String> =
        sqlx::query_scalar(sqlx::AssertSqlSafe(names("table"))).fetch_all(&mut database).await.unwrap();
    let drops = triggers.iter().map(|name| format!("DROP TRIGGER {name};"));
    let copies = tables
        .iter()
        .map(|name| format!("DELETE FROM main.{name}; INSERT INTO main.{name} SELECT * FROM backup.{name};"));
    let restore: String = drops.chain(copies).collect();
    sqlx::raw_sql(sqlx::AssertSqlSafe(format!("BEGIN; {restore} COMMIT;"))).execute(&mut database).await.unwrap();

    decide(&decider, None).await;
    decide(&decider, None).await;
    node.hand.advance_ms(1000);
    assert!(matches!(sequencer.step().await, Err(SequencerError::RolledBack { known: 2, stored: 1 })));
    assert_eq!(HeadFile::at(path.join("head")).read().unwrap(), Some(signed));
}

#[tokio::test]
async fn a_head_of_another_process_that_the_store_does_not_have_stops_the_publishing() {
    let node = Node::new().await;
    let mut sequencer = node.sequencer().await.unwrap();
    let issuer = node.issuer(&sequencer);
    let policies = policies(&node, &issuer).await;
    let decider = decider(&node, &issuer, &policies);
    sequencer.step().await.unwrap();
    let published = node.store.published().await.unwrap();

    decide(&decider, None).await;
    node.note_head(9, b"lost");
    assert!(matches!(sequencer.step().await, Err(SequencerError::RolledBack { known: 9, stored: 2 })));
    node.note_head(2, b"other");
    assert!(matches!(sequencer.step().await, Err(SequencerError::Forked { known: 2 })));
    assert_eq!(node.store.published().await.unwrap(), published);
}

#[tokio::test]
async fn a_log_that_another_process_publishes_meanwhile_is_taken_up() {
    let node = Node::new().await;
    let mut first = node.sequencer().await.unwrap();
    let issuer = node.issuer(&first);
    let policies = policies(&node, &issuer).await;
    let decider = decider(&node, &issuer, &policies);
    first.step().await.unwrap();
    decide(&decider, None).await;

    // A pipe as the head file: it stands still where it is read, until the other process is done.
    let head_file = node.folder.path().join("pipe");
    assert!(std::process::Command::new("mkfifo").arg(&head_file).status().unwrap().success());
    let (store, operator) = (Arc::clone(&node.store), Arc::clone(&node.operator));
    let second = Sequencer::open(store, operator, node.clock.clone(), Some(HeadFile::at(&head_file)));
    let second = tokio::spawn(second);
    let mut pipe = tokio::task::spawn_blocking(move || std::fs::File::create(head_file).unwrap()).await.unwrap();
    first.step().await.unwrap();
    let head = node.store.head().await.unwrap();
    assert_eq!(head.size, 2);
    std::io::Write::write_all(&mut pipe, &serde_json::to_vec(&head).unwrap()).unwrap();
    drop(pipe);
    assert!(second.await.unwrap().unwrap().remembers());
}

#[tokio::test]
async fn an_epoch_begins_with_a_receipt_and_keeps_its_bytes() {
    let node = Node::new().await;
    let sequencer = node.sequencer().await.unwrap();
    let issuer = node.issuer(&sequencer);
    let first = policies(&node, &issuer).await;
    let before = first.active().engine.epoch();
    let by = "cli".parse().unwrap();
    assert!(matches!(first.apply(&issuer, starter::files(), &by).await.unwrap(), Applied::Unchanged));

    let mut files = starter::files();
    files[0].bytes.extend_from_slice(b"\n// changed\n");
    let Applied::Begun { receipt, number } = first.apply(&issuer, files.clone(), &by).await.unwrap() else {
        panic!("a new epoch")
    };
    let Payload::Configuration(change) = &receipt.payload else { panic!("a configuration receipt") };
    assert_eq!((number, change.before), (2, Some(before)));
    assert_eq!(first.active().engine.epoch(), change.after);
    let (_, mut kept) = countersign::node::policies::files(node.store.as_ref(), change.after).await.unwrap();
    kept.sort_by(|one, other| one.path.cmp(&other.path));
    files.sort_by(|one, other| one.path.cmp(&other.path));
    assert_eq!(kept, files);

    // Another process begins an epoch; this one sees it when it looks.
    let other = Policies::open(Arc::clone(&node.store), &issuer, || Ok(Vec::new())).await.unwrap();
    assert_eq!(other.active().engine.epoch(), change.after);
    other.apply(&issuer, starter::files(), &by).await.unwrap();
    assert_eq!(first.active().engine.epoch(), change.after);
    assert!(first.follow().await.unwrap());
    assert_eq!(first.active().engine.epoch(), before);
}

#[tokio::test]
async fn a_node_that_cannot_answer_by_the_epoch_in_force_denies_until_it_can() {
    let node = Node::new().await;
    let sequencer = node.sequencer().await.unwrap();
    let issuer = node.issuer(&sequencer);
    let policies = policies(&node, &issuer).await;
    let (decider, question) = (decider(&node, &issuer, &policies), matter(None).request);
    assert_eq!(decider.judge(&question).effect, Effect::Allow);
    // A later version of the program began an epoch of which this one cannot make anything.
    let (later, previous) = (Digest::of(b"a later epoch"), Some(policies.active().engine.epoch()));
    let claim = EpochClaim { number: 2, digest: later, previous, receipt: Digest::of(b"its receipt") };
    let admission = Admission { epoch: Some(claim), ..Admission::default() };
    assert_eq!(node.store.commit(node.clock.now(), &[admission]).await.unwrap(), [Ok(())]);
    assert!(policies.follow().await.is_err());
    assert!(!policies.follow().await.unwrap(), "said once");
    assert_eq!(policies.unknown(), Some(later));
    let denied = decider.judge(&question);
    assert_eq!((denied.effect, denied.reasons[0].as_str()), (Effect::Deny, "engine_error"));
    // Somebody brings the revision back that this node knows: an epoch of its own.
    let claim = EpochClaim { number: 3, digest: previous.unwrap(), previous: Some(later), receipt: later };
    let admission = Admission { epoch: Some(claim), ..Admission::default() };
    assert_eq!(node.store.commit(node.clock.now(), &[admission]).await.unwrap(), [Ok(())]);
    assert!(policies.follow().await.unwrap());
    assert_eq!((policies.unknown(), policies.active().number), (None, 3));
    assert_eq!(decider.judge(&question).effect, Effect::Allow);
}

#[tokio::test]
async fn nothing_is_signed_while_the_clock_is_behind_the_keys() {
    let node = Node::new().await;
    let sequencer = node.sequencer().await.unwrap();
    let issuer = node.issuer(&sequencer);
    let policies = policies(&node, &issuer).await;
    let decider = decider(&node, &issuer, &policies);
    let matter = matter(None);
    node.hand.set(Timestamp::EPOCH.plus(START - 11));
    let refused = decider.record(&decider.judge(&matter.request), &matter).await;
    assert!(matches!(refused, Err(IssueFailure::KeysAhead { .. })), "{refused:?}");
    node.hand.set(Timestamp::EPOCH.plus(START - 10));
    decider.record(&decider.judge(&matter.request), &matter).await.unwrap();
}
