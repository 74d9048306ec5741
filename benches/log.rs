//! What the log costs at 10^4, 10^5 and 10^6 leaves: appending must not depend on what came before, and a proof must
//! grow with the logarithm only.

use std::hint::black_box;
use std::time::Duration;

use countersign::ground::crypto::hash::{Digest, leaf_hash};
use countersign::ground::log::merkle::TreeHead;
use countersign::ground::log::tile::{
    RightEdge, TileMap, build_consistency, build_inclusion, tiles_for_consistency, tiles_for_inclusion,
};
use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};

const SIZES: [u64; 3] = [10_000, 100_000, 1_000_000];

/// Leaves of one batch: a busy second on a small machine.
const BATCH: u64 = 1000;

struct Log {
    edge: RightEdge,
    tiles: TileMap,
    head: TreeHead,
}

fn leaf(index: u64) -> Digest {
    leaf_hash(&index.to_be_bytes())
}

fn log(size: u64) -> Log {
    let leaves: Vec<Digest> = (0..size).map(leaf).collect();
    let growth = RightEdge::empty().grow(&leaves);
    let tiles = growth.tiles.iter().filter_map(|row| Some((row.level, row.index, row.tile().ok()?))).collect();
    Log { edge: growth.edge, tiles, head: growth.head }
}

fn append(c: &mut Criterion, logs: &[Log]) {
    for (name, count) in [("append one leaf", 1), ("append a batch of 1000", BATCH)] {
        let leaves: Vec<Digest> = (0..count).map(leaf).collect();
        let mut group = c.benchmark_group(name);
        group.throughput(Throughput::Elements(count));
        for log in logs {
            group.bench_function(BenchmarkId::from_parameter(log.head.size), |b| {
                b.iter(|| log.edge.grow(black_box(&leaves)))
            });
        }
    }
}

fn prove(c: &mut Criterion, logs: &[Log]) {
    let mut group = c.benchmark_group("inclusion proof: plan and build");
    for log in logs {
        let size = log.head.size;
        group.bench_function(BenchmarkId::from_parameter(size), |b| {
            let mut index = 0;
            b.iter(|| {
                index = (index + 7919) % size;
                (tiles_for_inclusion(index, size), build_inclusion(index, size, &log.tiles))
            });
        });
    }
    group.finish();
    let mut group = c.benchmark_group("consistency proof: plan and build");
    for log in logs {
        let size = log.head.size;
        group.bench_function(BenchmarkId::from_parameter(size), |b| {
            let mut from = 0;
            b.iter(|| {
                from = (from + 7919) % size;
                (tiles_for_consistency(from + 1, size), build_consistency(from + 1, size, &log.tiles))
            });
        });
    }
    group.finish();
}

fn verify(c: &mut Criterion, logs: &[Log]) {
    let mut group = c.benchmark_group("inclusion proof: verify");
    for log in logs {
        let index = log.head.size / 3;
        let Ok(proof) = build_inclusion(index, log.head.size, &log.tiles) else { continue };
        let leaf = leaf(index);
        group.bench_function(BenchmarkId::from_parameter(log.head.size), |b| b.iter(|| proof.verify(&leaf, &log.head)));
    }
}

fn benches(c: &mut Criterion) {
    let logs: Vec<Log> = SIZES.into_iter().map(log).collect();
    append(c, &logs);
    prove(c, &logs);
    verify(c, &logs);
}

criterion_group! {
    name = log_benches;
    config = Criterion::default().sample_size(30).warm_up_time(Duration::from_millis(300)).measurement_time(Duration::from_secs(1));
    targets = benches
}
criterion_main!(log_benches);
