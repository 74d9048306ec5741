//! What a group commit costs per receipt, and what follows behind it.
//!
//! `cargo bench --bench store` measures wall time with criterion, the disk's sync included. Beforehand it prints the
//! CPU time per receipt, which is what the two cores of a small machine have to share.

#![expect(clippy::expect_used, clippy::string_slice, reason = "a benchmark that cannot go on may stop")]

use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use countersign::ground::crypto::hash::Digest;
use countersign::ground::kind::Kind;
use countersign::ground::log::merkle::TreeHead;
use countersign::ground::name::{Issuer, ReceiptId, Timestamp};
use countersign::io::store::sqlite::SqliteStore;
use countersign::io::store::{
    Admission, Entry, HeadAdvance, Identity, NewReceipt, Opening, ReplayClaim, SearchRow, Store, Tile, TileAt,
};
use criterion::{BatchSize, BenchmarkId, Criterion, Throughput};
use tokio::runtime::Runtime;

const COMPACT_BYTES: usize = 1200;
const OPENING_BYTES: usize = 300;

static NEXT: AtomicU64 = AtomicU64::new(1);

fn us() -> Issuer {
    "https://agents.operator.example".parse().expect("an issuer")
}

fn them() -> Issuer {
    "https://agents.counterparty.example".parse().expect("an issuer")
}

/// A receipt with a fresh id, whose digest is as random as a real one.
fn receipt(iss: Issuer, aud: Issuer) -> NewReceipt {
    let n = NEXT.fetch_add(1, Ordering::Relaxed);
    let digest = Digest::of(&n.to_be_bytes());
    let [a, b, c, d, e, f, g, h, i, j, ..] = digest.0;
    NewReceipt {
        jti: ReceiptId::from_parts(1_790_000_000_000 + n / 8, [a, b, c, d, e, f, g, h, i, j]),
        digest,
        kind: Kind::Decision,
        iss,
        aud,
        iat: Timestamp::EPOCH.plus(1_790_000_000 + n / 8000),
        compact: digest.to_string().repeat(COMPACT_BYTES / 43 + 1)[..COMPACT_BYTES].to_owned(),
        relates_to: None,
        opening: Some(Opening(vec![b'o'; OPENING_BYTES])),
        include_by: Some(Timestamp::EPOCH.plus(1_790_000_060)),
    }
}

fn issue() -> Admission {
    Admission { receipts: vec![receipt(us(), them())], ..Admission::default() }
}

/// A received receipt, consumed, and its acknowledgement.
fn accept() -> Admission {
    let decision = receipt(them(), us());
    let claim = ReplayClaim {
        iss: decision.iss.clone(),
        jti: decision.jti,
        digest: decision.digest,
        expires: decision.iat.plus(300),
    };
    let answer = NewReceipt { relates_to: Some(decision.digest), ..receipt(us(), them()) };
    Admission { receipts: vec![decision, answer], replay: Some(claim), ..Admission::default() }
}

fn batch(size: usize, item: fn() -> Admission) -> Vec<Admission> {
    (0..size).map(|_| item()).collect()
}

async fn commit(store: &SqliteStore, batch: &[Admission]) {
    let answers = store.commit(Timestamp::EPOCH, batch).await.expect("a commit");
    assert!(answers.iter().all(Result::is_ok));
}

/// Gives an index to all that waits; the roots and tiles are not real, their sizes are.
async fn sequence(store: &SqliteStore) -> u64 {
    let from = store.head().await.expect("a head");
    let waiting = store.unsequenced(8192).await.expect("rows");
    let entries: Vec<_> = (from.size..)
        .zip(&waiting)
        .map(|(index, row)| Entry { index, position: row.position, digest: row.digest })
        .collect();
    let Some(last) = entries.last().copied() else { return 0 };
    let tiles = (from.size / 256..=last.index / 256)
        .map(|index| {
            let width = (last.index + 1 - index * 256).min(256) * 32;
            Tile { at: TileAt { level: 0, index }, hashes: vec![7; usize::try_from(width).expect("a width")] }
        })
        .collect();
    let to = TreeHead { size: last.index + 1, root: last.digest };
    store.advance(&HeadAdvance { from, to, entries, tiles }).await.expect("a step");
    to.size - from.size
}

async fn index(store: &SqliteStore) -> u64 {
    let receipts = store.unindexed(4096).await.expect("rows");
    let text = |n: usize, word: &str| Some(format!("{word}-{}", n % 97));
    let rows: Vec<_> = receipts
        .iter()
        .enumerate()
        .map(|(n, receipt)| SearchRow {
            effect: Some("allow".to_owned()),
            subject: text(n, "agent"),
            action: text(n, "action"),
            resource: text(n, "resource"),
            ..SearchRow::bare(receipt.position)
        })
        .collect();
    store.index(&rows).await.expect("an index");
    u64::try_from(rows.len()).expect("a count")
}

/// User and system time of this process, all threads, in clock ticks of 10 ms (proc(5)).
fn cpu_time() -> Duration {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let fields: Vec<&str> = stat.rsplit(')').next().unwrap_or_default().split_whitespace().collect();
    let ticks = |n: usize| fields.get(n).and_then(|field| field.parse::<u64>().ok()).unwrap_or_default();
    Duration::from_millis((ticks(11) + ticks(12)) * 10)
}

fn report(what: &str, receipts: u64, wall: Duration, cpu: Duration) {
    let per = |time: Duration| time.as_secs_f64() * 1e6 / receipts.max(1) as f64;
    println!("{what:<44} {receipts:>8} receipts  {:>6.1} us CPU  {:>6.1} us wall, each", per(cpu), per(wall));
}

/// Rounds of commits with what follows behind them, each priced by itself.
async fn price(store: &SqliteStore, what: &str, rounds: usize, item: fn() -> Admission) {
    let batches: Vec<_> = (0..rounds).map(|_| batch(256, item)).collect();
    let receipts = batches.iter().flatten().map(|item| item.receipts.len()).sum::<usize>();
    let receipts = u64::try_from(receipts).expect("a count");
    let (start, cpu) = (Instant::now(), cpu_time());
    for batch in &batches {
        commit(store, batch).await;
    }
    report(&format!("{what}, batches of 256"), receipts, start.elapsed(), cpu_time() - cpu);
    let (start, cpu, mut done) = (Instant::now(), cpu_time(), 0);
    while let moved @ 1.. = sequence(store).await {
        done += moved;
    }
    report("  advance", done, start.elapsed(), cpu_time() - cpu);
    let (start, cpu, mut done) = (Instant::now(), cpu_time(), 0);
    while let rows @ 1.. = index(store).await {
        done += rows;
    }
    report("  index", done, start.elapsed(), cpu_time() - cpu);
}

/// In the target folder and not in the system's temporary one, which may be memory and sync for free.
fn folder() -> tempfile::TempDir {
    let base = PathBuf::from(env!("CARGO_TARGET_TMPDIR"));
    tempfile::TempDir::new_in(base).expect("a folder")
}

fn group_commit(criterion: &mut Criterion, runtime: &Runtime, store: &SqliteStore) {
    let mut group = criterion.benchmark_group("commit");
    for size in [1_u32, 16, 256, 1024] {
        let items = usize::try_from(size).expect("a count");
        group.throughput(Throughput::Elements(size.into()));
        group.bench_function(BenchmarkId::from_parameter(size), |bencher| {
            bencher.to_async(runtime).iter_batched(
                || batch(items, issue),
                |batch| async move { commit(store, &batch).await },
                BatchSize::PerIteration,
            );
        });
    }
    group.finish();
}

fn lookups(criterion: &mut Criterion, runtime: &Runtime, store: &SqliteStore) {
    let known = runtime.block_on(store.recent(1)).expect("rows").remove(0);
    runtime.block_on(async { while index(store).await > 0 {} });
    criterion.bench_function("receipt by id", |bencher| {
        bencher.to_async(runtime).iter(|| store.receipt_by_id(&known.iss, &known.jti));
    });
    criterion.bench_function("receipt by digest", |bencher| {
        bencher.to_async(runtime).iter(|| store.receipt(&known.digest));
    });
}

fn main() {
    let runtime = Runtime::new().expect("a runtime");
    let folder = folder();
    let identity = Identity { issuer: us(), origin: "agents.operator.example/log".to_owned() };
    let store = runtime.block_on(SqliteStore::create(folder.path().join("store.db"), identity)).expect("a new store");
    let rounds = if std::env::args().any(|argument| argument == "--bench") { 200 } else { 1 };
    runtime.block_on(price(&store, "issue (1 receipt)", rounds, issue));
    runtime.block_on(price(&store, "accept (2 receipts, replay entry)", rounds / 2 + 1, accept));
    let mut criterion = Criterion::default().sample_size(10).configure_from_args();
    group_commit(&mut criterion, &runtime, &store);
    lookups(&mut criterion, &runtime, &store);
    criterion.final_summary();
}
