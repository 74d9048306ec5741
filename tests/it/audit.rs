//! The audit of a store: a sound one is clean, and every kind of damage is found and named.

use std::path::Path;
use std::sync::{Arc, LazyLock};

use countersign::ground::crypto::hash::Digest;
use countersign::ground::crypto::keys::{KeyUse, ReceiptPurpose, RootPurpose, SigningKey};
use countersign::ground::keyset::{self, KeyEntry, KeySetDocument, LogNames, SelfSignedKeySet};
use countersign::ground::log::merkle::TreeHead;
use countersign::ground::name::{Code, Issuer, Timestamp};
use countersign::ground::policy::starter;
use countersign::ground::question::{Action, Entity, Request};
use countersign::ground::receipt::compact::{self, SignedReceipt, UnverifiedReceipt};
use countersign::ground::receipt::payload::{Basis, Identity, Observer, OutcomeStatus, Payload, ReceiptRef};
use countersign::io::clock::{Clock, Hand};
use countersign::io::store::sqlite::SqliteStore;
use countersign::io::store::{
    Admission, Identity as StoreIdentity, KeySetVersion, Opening, Peer, PeerState, ReplayClaim, Store,
};
use countersign::node::audit::{self, AuditReport, Audited, Column, Difference};
use countersign::node::decider::{Decider, Matter, Who};
use countersign::node::issuer::{ReceiptIssuer, received_receipt};
use countersign::node::operator::{OnlineKeys, Operator};
use countersign::node::outcomes::{self, Ending};
use countersign::node::policies::Policies;
use countersign::node::sequencer::Sequencer;
use countersign::node::write_path::WritePath;
use sqlx::Connection as _;
use tempfile::TempDir;

const START: u64 = 1_800_000_000;

fn now() -> Timestamp {
    Timestamp::EPOCH.plus(START)
}

fn key_set(issuer: &str, number: u8) -> (SelfSignedKeySet, OnlineKeys) {
    let keys = OnlineKeys {
        receipt: SigningKey::from_seed(&[number; 32]).unwrap(),
        log: SigningKey::from_seed(&[number + 1; 32]).unwrap(),
        cosign: SigningKey::from_seed(&[number + 2; 32]).unwrap(),
        http: SigningKey::from_seed(&[number + 3; 32]).unwrap(),
    };
    let root = SigningKey::<RootPurpose>::from_seed(&[number + 4; 32]).unwrap();
    let since = now().minus(10);
    let issuer: Issuer = issuer.parse().unwrap();
    let name = |part: &str| format!("{}/{part}", issuer.authority());
    let document = KeySetDocument {
        iat: since,
        iss: issuer.clone(),
        keys: vec![
            KeyEntry::active(keys.receipt.public(), KeyUse::Receipt, since),
            KeyEntry::active(keys.log.public(), KeyUse::Log, since),
            KeyEntry::active(keys.cosign.public(), KeyUse::Cosign, since),
            KeyEntry::active(keys.http.public(), KeyUse::Http, since),
        ],
        log: LogNames { cosigner: name("cosigner"), origin: name("log") },
        number: 1,
        predecessor: None,
        previous: None,
        root: root.public().to_jwk(),
    };
    (keyset::sign(&document, &root).unwrap(), keys)
}

fn operator() -> Operator {
    let (key_set, keys) = key_set("https://a.example", 1);
    Operator::new("https://a.example".parse().unwrap(), key_set, keys).unwrap()
}

fn identity() -> StoreIdentity {
    StoreIdentity { issuer: "https://a.example".parse().unwrap(), origin: "a.example/log".to_owned() }
}

fn matter(session: Option<&str>) -> Matter {
    let identity = Identity { agent: Basis::CLAIMED, delegation: None, user: None };
    Matter {
        request: Request::new(Entity::new("Agent", "desk"), Action::new("respond"), Entity::new("User", "ana")),
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

/// A sound store: 300 logged receipts in several checkpoints, one received, three that wait, an outcome the last.
struct Sound {
    folder: TempDir,
    head: TreeHead,
}

async fn received(store: &SqliteStore, decision: &Payload) {
    let (set, keys) = key_set("https://b.example", 101);
    let issuer: Issuer = "https://b.example".parse().unwrap();
    let peer = Peer {
        issuer: issuer.clone(),
        fingerprint: set.fingerprint().0,
        state: PeerState::Approved,
        added: now(),
        changed: now(),
    };
    store.put_peer(&peer).await.unwrap();
    let version = KeySetVersion {
        issuer: issuer.clone(),
        root: set.fingerprint().0,
        number: 1,
        digest: set.digest(),
        compact: set.compact().to_owned(),
        seen: now(),
    };
    store.put_key_set(&version, None).await.unwrap();
    let Payload::Decision(mut decision) = decision.clone() else { panic!("a decision") };
    decision.iss = issuer.clone();
    decision.aud = issuer.clone();
    decision.log.origin = "b.example/log".to_owned();
    let signed = compact::issue(Payload::Decision(decision.clone()), &keys.receipt).unwrap();
    let row = received_receipt(&UnverifiedReceipt::parse(signed.compact.as_bytes()).unwrap(), None);
    let replay = ReplayClaim { iss: issuer, jti: decision.jti, digest: signed.digest, expires: decision.exp };
    let admission = Admission { receipts: vec![row], replay: Some(replay), ..Admission::default() };
    assert!(store.commit(now(), &[admission]).await.unwrap()[0].is_ok());
}

fn failed(decision: &SignedReceipt) -> Ending {
    Ending {
        peer: "https://b.example".parse().unwrap(),
        observer: Observer::Caller,
        decision: ReceiptRef { digest: decision.digest, jti: *decision.payload.jti() },
        acknowledgement: None,
        status: OutcomeStatus::Failed,
        response: None,
        received: None,
    }
}

async fn sound() -> Sound {
    let folder = tempfile::tempdir().unwrap();
    let (clock, hand): (Clock, Hand) = Clock::manual(now());
    let operator = Arc::new(operator());
    let sqlite = SqliteStore::create(folder.path().join("store.sqlite"), identity()).await.unwrap();
    let store: Arc<dyn Store> = Arc::new(sqlite.clone());
    let mut sequencer = Sequencer::open(Arc::clone(&store), Arc::clone(&operator), clock.clone(), None).await.unwrap();
    let (head, caught_up) = (sequencer.published(), sequencer.caught_up());
    let (writes, _) = WritePath::start(Arc::clone(&store), clock.clone());
    let issuer = ReceiptIssuer::new(operator, writes, clock.clone(), head, 60, caught_up);
    let policies = Policies::open(Arc::clone(&store), &issuer, || Ok(starter::files())).await.unwrap();
    let decider = Decider::new(Arc::clone(&store), issuer.clone(), policies.clone(), 120, 300);
    for round in 0..6 {
        for _ in 0..50 {
            let matter = matter(Some("s"));
            let decision = decider.record(&decider.judge(&matter.request), &matter).await.unwrap();
            if round == 3 && store.peers().await.unwrap().is_empty() {
                received(&sqlite, &decision.payload).await;
            }
        }
        sequencer.step().await.unwrap();
        hand.advance_ms(1000);
    }
    let mut files = starter::files();
    files[0].bytes.extend_from_slice(b"\n// changed\n");
    policies.apply(&issuer, files, &"cli".parse::<Code>().unwrap()).await.unwrap();
    let decision = decider.record(&decider.judge(&matter(None).request), &matter(None)).await.unwrap();
    outcomes::record(&issuer, failed(&decision)).await.unwrap();
    let head = store.head().await.unwrap();
    sqlite.close().await;
    Sound { folder, head }
}

static SOUND: LazyLock<Sound> =
    LazyLock::new(|| std::thread::spawn(|| tokio::runtime::Runtime::new().unwrap().block_on(sound())).join().unwrap());

/// A copy of the sound store, and what was done to it behind the store's back.
async fn damaged(sql: &str) -> (TempDir, SqliteStore) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store.sqlite");
    std::fs::copy(SOUND.folder.path().join("store.sqlite"), &path).unwrap();
    tamper(&path, sql).await;
    let store = SqliteStore::open(&path, identity()).await.unwrap();
    (folder, store)
}

async fn tamper(path: &Path, sql: &str) {
    let options = sqlx::sqlite::SqliteConnectOptions::new().filename(path).foreign_keys(false);
    let mut database = sqlx::SqliteConnection::connect_with(&options).await.unwrap();
    let triggers: Vec<String> = sqlx::query_scalar("SELECT name FROM sqlite_schema WHERE type = 'trigger'")
        .fetch_all(&mut database)
        .await
        .unwrap();
    for trigger in triggers {
        sqlx::raw_sql(sqlx::AssertSqlSafe(format!("DROP TRIGGER {trigger}"))).execute(&mut database).await.unwrap();
    }
    sqlx::raw_sql(sqlx::AssertSqlSafe(sql.to_owned())).execute(&mut database).await.unwrap();
    database.close().await.unwrap();
}

async fn report(store: SqliteStore, change: impl FnOnce(&mut Audited)) -> AuditReport {
    let key_set = operator().key_set().clone();
    let mut audited = Audited {
        store: Arc::new(store.clone()),
        key_set,
        head_file: Some(SOUND.head),
        now: now().plus(10),
        database: true,
    };
    change(&mut audited);
    let report = audit::run(&audited, &|_| {}).await.unwrap();
    store.close().await;
    report
}

async fn differences(sql: &str) -> Vec<Difference> {
    let (_folder, store) = damaged(sql).await;
    report(store, |_| {}).await.differences
}

macro_rules! finds {
    ($($(#[$doc:meta])* $name:ident: $sql:expr => $pattern:pat $(if $guard:expr)?,)*) => {$(
        $(#[$doc])*
        #[tokio::test]
        async fn $name() {
            let found = differences($sql).await;
            assert!(found.iter().any(|difference| matches!(difference, $pattern $(if $guard)?)), "{found:#?}");
        }
    )*};
}

#[tokio::test]
async fn a_sound_store_is_clean() {
    let (_folder, store) = damaged("").await;
    let report = report(store, |_| {}).await;
    assert!(report.is_clean(), "{:#?}", report.differences);
    assert_eq!((report.receipts, report.own, report.entries, report.waiting), (305, 304, 301, 3));
    assert_eq!((report.tiles, report.epochs, report.key_sets), (1, 2, 2));
    assert_eq!((report.head, report.published), (Some(SOUND.head), Some(SOUND.head)));
}

finds! {
    the_databases_own_check_is_heard:
        "INSERT INTO unsequenced VALUES (9999, zeroblob(32), 0)" => Difference::Database { .. },
    a_row_that_cannot_be_read_is_passed_over:
        "UPDATE receipt SET iss = 'nobody' WHERE position = 7" => Difference::Unreadable { .. },
    the_last_row_may_be_the_one_that_cannot_be_read:
        "UPDATE receipt SET iss = 'nobody' WHERE position = (SELECT max(position) FROM receipt)"
        => Difference::Unreadable { place, .. } if place.ends_with("305"),
    bytes_that_are_no_receipt_are_found:
        "UPDATE receipt SET compact = 'x' || compact WHERE position = 7" => Difference::ReceiptMalformed { position: 7, .. },
    another_digest_than_the_receipts_is_found:
        "UPDATE receipt SET digest = zeroblob(32) WHERE position = 7" => Difference::ReceiptDigest { position: 7, .. },
    a_receipt_in_the_place_of_another_is_found:
        "UPDATE receipt SET compact = (SELECT compact FROM receipt WHERE position = 8) WHERE position = 7"
        => Difference::EntryDigest { position: 7, .. },
    a_column_that_says_another_time_is_found:
        "UPDATE receipt SET iat = iat + 1 WHERE position = 7"
        => Difference::ReceiptColumn { position: 7, column: Column::Iat, .. },
    a_column_that_says_another_kind_is_found:
        "UPDATE receipt SET kind = 'outcome' WHERE position = 7"
        => Difference::ReceiptColumn { column: Column::Kind, .. },
    a_column_that_says_another_audience_is_found:
        "UPDATE receipt SET aud = 'https://c.example' WHERE position = 7"
        => Difference::ReceiptColumn { column: Column::Aud, .. },
    a_column_that_says_another_issuer_is_found:
        "UPDATE receipt SET iss = 'https://c.example' WHERE position = 7"
        => Difference::ReceiptColumn { column: Column::Iss, .. },
    a_column_that_says_another_id_is_found:
        "UPDATE receipt SET jti = CAST(substr(jti, 1, 15) || CASE substr(jti, 16) WHEN x'00' THEN x'01' ELSE x'00' END AS BLOB)
         WHERE position = 7" => Difference::ReceiptColumn { column: Column::Jti, .. },
    a_column_that_relates_to_nothing_is_found:
        "UPDATE receipt SET relates_to = zeroblob(32) WHERE position = 7"
        => Difference::ReceiptColumn { column: Column::RelatesTo, .. },
    a_column_that_promises_something_else_is_found:
        "UPDATE receipt SET include_by = include_by + 1 WHERE position = 7"
        => Difference::ReceiptColumn { column: Column::IncludeBy, .. },
    an_opening_that_opens_nothing_is_found:
        "UPDATE receipt SET opening = (SELECT opening FROM receipt WHERE position = 8) WHERE position = 7"
        => Difference::Opening { position: 7, what: "inputs", .. },
    an_opening_that_cannot_be_read_is_found:
        "UPDATE receipt SET opening = x'00' WHERE position = 7" => Difference::Opening { position: 7, .. },
    a_receipt_without_the_key_set_of_its_signer_is_found:
        "DELETE FROM key_set; DELETE FROM peer" => Difference::SignerUnknown { .. },
    another_entry_is_found:
        "UPDATE entry SET digest = zeroblob(32) WHERE idx = 9" => Difference::EntryDigest { index: 9, .. },
    another_entry_gives_another_tile:
        "UPDATE entry SET digest = zeroblob(32) WHERE idx = 9" => Difference::Tile { level: 0, index: 0 },
    a_missing_entry_is_found: "DELETE FROM entry WHERE idx = 9" => Difference::EntryMissing { expected: 9 },
    missing_entries_at_the_end_are_found:
        "DELETE FROM entry WHERE idx > 280" => Difference::EntryMissing { expected: 281 },
    a_receipt_whose_entry_is_gone_is_found: "DELETE FROM entry WHERE idx = 9" => Difference::NotSequenced { .. },
    a_missing_receipt_is_found:
        "DELETE FROM receipt WHERE position = 7" => Difference::EntryWithoutReceipt { position: 7, .. },
    another_hash_in_a_full_tile_is_found:
        "UPDATE tile SET hashes = CAST(zeroblob(32) || substr(hashes, 33) AS BLOB) WHERE level = 0 AND idx = 0"
        => Difference::Tile { level: 0, index: 0 },
    another_hash_in_a_partial_tile_is_found:
        "UPDATE tile SET hashes = CAST(zeroblob(32) || substr(hashes, 33) AS BLOB) WHERE level = 0 AND idx = 1"
        => Difference::Tile { level: 0, index: 1 },
    another_hash_in_an_upper_tile_is_found:
        "UPDATE tile SET hashes = zeroblob(32) WHERE level = 1" => Difference::Tile { level: 1, index: 0 },
    a_missing_tile_is_found: "DELETE FROM tile WHERE level = 1" => Difference::Tile { level: 1, index: 0 },
    a_tile_that_is_too_wide_is_found:
        "UPDATE tile SET hashes = CAST(hashes || zeroblob(32) AS BLOB) WHERE level = 0 AND idx = 1"
        => Difference::Tile { level: 0, index: 1 },
    a_tile_beyond_the_log_is_found:
        "INSERT INTO tile VALUES (0, 2, zeroblob(32))" => Difference::Tile { level: 0, index: 2 },
    another_root_is_found: "UPDATE head SET root = zeroblob(32)" => Difference::Head { .. },
    a_head_without_its_entries_is_found:
        "UPDATE head SET size = size + 1" => Difference::EntryMissing { expected: 301 },
    a_head_that_went_back_is_found_by_the_head_file:
        "UPDATE head SET size = size - 1" => Difference::HeadFile { .. },
    a_checkpoint_that_is_none_is_found: "UPDATE published SET note = 'x'" => Difference::Checkpoint { .. },
    a_checkpoint_that_nobody_signed_is_found:
        "UPDATE published SET note = replace(note, char(10) || '301' || char(10), char(10) || '300' || char(10))"
        => Difference::Checkpoint { .. },
    a_checkpoint_row_that_says_another_time_is_found:
        "UPDATE published SET at = at + 1" => Difference::CheckpointRow,
    a_checkpoint_of_another_history_is_found:
        "UPDATE published SET root = zeroblob(32)" => Difference::CheckpointHead { .. },
    a_receipt_that_the_log_forgot_is_found: "DELETE FROM unsequenced" => Difference::NotSequenced { .. },
    a_row_that_waits_for_nothing_is_found:
        "UPDATE unsequenced SET digest = zeroblob(32)" => Difference::Waiting { .. },
    a_received_receipt_does_not_wait_for_the_log:
        "INSERT INTO unsequenced SELECT position, digest, at FROM receipt WHERE iss = 'https://b.example'"
        => Difference::Waiting { .. },
    a_missing_epoch_is_found: "DELETE FROM epoch WHERE number = 1" => Difference::EpochMissing { expected: 1 },
    an_epoch_that_was_begun_and_is_gone_is_found:
        "DELETE FROM epoch WHERE number = 2" => Difference::EpochNotBegun { number: 2, .. },
    an_epoch_with_another_digest_is_found:
        "UPDATE epoch SET digest = zeroblob(32) WHERE number = 2" => Difference::EpochReceipt { number: 2 },
    a_changed_policy_text_is_found:
        "UPDATE blob SET bytes = x'00'" => Difference::EpochBytes { number: 1, .. },
    a_missing_policy_text_is_found:
        "DELETE FROM blob WHERE digest NOT IN (SELECT digest FROM epoch)" => Difference::EpochBytes { number: 1, .. },
    a_changed_key_set_is_found:
        "UPDATE key_set SET compact = substr(compact, 1, length(compact) - 4) || 'AAAA'" => Difference::KeySet { .. },
    a_key_set_under_another_number_is_found: "UPDATE key_set SET number = 2" => Difference::KeySet { number: 2, .. },
    a_session_that_went_back_is_found:
        "UPDATE session SET last = last - 1" => Difference::Session { receipt: 300, stored: 299, .. },
    a_missing_replay_entry_is_found: "DELETE FROM replay" => Difference::Replay { .. },
    an_outcome_that_could_be_given_twice_is_found:
        "DELETE FROM outcome" => Difference::Outcome { position: 305, .. },
    an_outcome_beside_the_one_that_stands_is_found:
        "UPDATE outcome SET digest = zeroblob(32)" => Difference::Outcome { position: 305, .. },
}

#[tokio::test]
async fn a_promise_that_is_overdue_is_found() {
    let (_folder, store) = damaged("").await;
    let report = report(store, |audited| audited.now = now().plus(600)).await;
    assert_eq!(report.differences.len(), 3, "{:#?}", report.differences);
    assert!(report.differences.iter().all(|difference| matches!(difference, Difference::Promise { .. })));
}

#[tokio::test]
async fn a_head_file_of_another_history_is_found() {
    let (_folder, store) = damaged("").await;
    let known = TreeHead::new(100, Digest::of(b"other")).unwrap();
    let report = report(store, |audited| audited.head_file = Some(known)).await;
    assert_eq!(report.differences, [Difference::HeadFile { known }]);
}

/// Puts an own receipt into the store that says something else than the log and the keys bear out.
async fn with_own(change: impl FnOnce(&mut Payload), key: [u8; 32]) -> Vec<Difference> {
    let (_folder, store) = damaged("").await;
    let row = store.recent(2).await.unwrap().remove(0);
    let mut payload = UnverifiedReceipt::parse(row.compact.as_bytes()).unwrap().claims().clone();
    let Payload::Decision(decision) = &mut payload else { panic!("a decision") };
    decision.jti = countersign::ground::name::ReceiptId::from_parts(START * 1000, [7; 10]);
    change(&mut payload);
    let signed = compact::issue(payload, &SigningKey::<ReceiptPurpose>::from_seed(&key).unwrap()).unwrap();
    let receipt = UnverifiedReceipt::parse(signed.compact.as_bytes()).unwrap();
    let admission = Admission { receipts: vec![received_receipt(&receipt, None::<Opening>)], ..Admission::default() };
    assert!(store.commit(now(), &[admission]).await.unwrap()[0].is_ok());
    report(store, |_| {}).await.differences
}

#[tokio::test]
async fn an_own_receipt_under_another_key_is_found() {
    assert!(with_own(|_| {}, [1; 32]).await.is_empty());
    let found = with_own(|_| {}, [50; 32]).await;
    assert!(matches!(found.as_slice(), [Difference::ReceiptSignature { .. }]), "{found:#?}");
    let found = with_own(|_| {}, [2; 32]).await;
    assert!(matches!(found.as_slice(), [Difference::ReceiptSignature { .. }]), "{found:#?}");
}

#[tokio::test]
async fn a_head_that_the_log_never_had_is_found() {
    for (size, root) in [(50, Digest::of(b"other")), (9999, Digest::of(b"later"))] {
        let named = |payload: &mut Payload| {
            let Payload::Decision(decision) = payload else { panic!("a decision") };
            (decision.log.size, decision.log.root) = (size, root);
        };
        let found = with_own(named, [1; 32]).await;
        assert!(matches!(found.as_slice(), [Difference::NamedHead { .. }]), "{found:#?}");
    }
}

#[tokio::test]
async fn a_receipt_that_names_another_log_is_found() {
    let other = |payload: &mut Payload| {
        let Payload::Decision(decision) = payload else { panic!("a decision") };
        decision.log.origin = "a.example/other".to_owned();
    };
    let found = with_own(other, [1; 32]).await;
    assert!(matches!(found.as_slice(), [Difference::Origin { .. }]), "{found:#?}");
}
