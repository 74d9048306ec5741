//! One log that grows to its full size, with the search index behind it: what appending and proving cost on the way,
//! and the memory that the node takes.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use countersign::ground::crypto::hash::Digest;
use countersign::ground::name::ReceiptId;
use countersign::node::logbook::Logbook;
use countersign::node::sequencer::Sequencer;
use countersign::node::upkeep;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::bed::{Bed, Caller};
use crate::process::{self, Moment, micros_each};
use crate::raw::quantile_ms;
use crate::table::{Line, Table};
use crate::{Failure, Plan};

/// Sizes at which costs are taken.
const SIZES: [u64; 3] = [10_000, 100_000, 1_000_000];
/// One receipt of this many is kept for proving.
const SAMPLED: u64 = 500;
/// Receipts of a measured step: a busy second of a small machine.
const STEP: u64 = 1000;
/// Steps of which the middle one counts.
const STEPS: usize = 7;
/// Proofs at each size.
const PROOFS: usize = 500;

type Sample = Vec<(ReceiptId, Digest)>;

pub(crate) async fn measure(plan: &Plan, path: &Path, table: &mut Table) -> Result<(), Failure> {
    let mut bed = Bed::make(path).await?;
    let logbook = Logbook::new(Arc::clone(&bed.store));
    let stop = CancellationToken::new();
    let indexing = tokio::spawn(upkeep::index_receipts(Arc::clone(&bed.store), stop.clone()));
    let caller = bed.caller()?;
    let mut sample = Sample::new();
    let mut issued = 0;
    let sizes = SIZES.into_iter().filter(|size| *size < plan.receipts).chain([plan.receipts]);
    for size in sizes {
        grow(&mut bed.sequencer, &caller, plan.callers, size - issued, &mut sample).await?;
        // What follows shall be the log's own cost, not that of an index which is behind.
        upkeep::catch_up(bed.store.as_ref()).await?;
        let append = append(&mut bed.sequencer, &caller, plan.callers, &mut sample).await?;
        let proof = prove(&logbook, &sample).await?;
        issued = size + STEP * u64::try_from(STEPS)?;
        let (resident, peak) = process::resident_mb()?;
        table.add(Line {
            name: format!("log of {size}: append, CPU of a step of {STEP} by leaf"),
            measured: format!("{append:.1} us"),
            limit: String::new(),
            ratio: String::new(),
            target: "flat".to_owned(),
        });
        table.add(Line {
            name: format!("log of {size}: inclusion proof from the store, p50"),
            measured: format!("{proof:.2} ms"),
            limit: String::new(),
            ratio: String::new(),
            target: "flat".to_owned(),
        });
        table.add(Line {
            name: format!("log of {size}: resident memory, callers included"),
            measured: format!("{resident:.0} MB, peak {peak:.0} MB"),
            limit: String::new(),
            ratio: String::new(),
            target: "120 MB".to_owned(),
        });
    }
    stop.cancel();
    indexing.await?;
    Ok(())
}

/// Issues `count` receipts from many callers, with a step of the log every second and one at the end.
async fn grow(
    sequencer: &mut Sequencer,
    caller: &Caller,
    callers: u64,
    count: u64,
    sample: &mut Sample,
) -> Result<(), Failure> {
    let next = Arc::new(AtomicU64::new(0));
    let mut tasks = JoinSet::new();
    for _ in 0..callers {
        let (caller, next) = (caller.clone(), Arc::clone(&next));
        tasks.spawn(async move {
            let mut sample = Sample::new();
            loop {
                let number = next.fetch_add(1, Ordering::Relaxed);
                if number >= count {
                    return Ok::<_, Failure>(sample);
                }
                let receipt = caller.decide(number).await?;
                if number.is_multiple_of(SAMPLED) {
                    sample.push((*receipt.payload.jti(), receipt.digest));
                }
            }
        });
    }
    let mut ticks = tokio::time::interval(Duration::from_secs(1));
    loop {
        tokio::select! {
            done = tasks.join_next() => match done {
                Some(done) => sample.extend(done??),
                None => break,
            },
            _ = ticks.tick() => { sequencer.step().await?; }
        }
    }
    sequencer.step().await?;
    Ok(())
}

/// CPU time of a step for each of its leaves, in microseconds.
async fn append(sequencer: &mut Sequencer, caller: &Caller, callers: u64, sample: &mut Sample) -> Result<f64, Failure> {
    let mut costs = Vec::with_capacity(STEPS);
    for _ in 0..STEPS {
        issue(caller, callers, sample).await?;
        let began = Moment::now()?;
        sequencer.step().await?;
        costs.push(micros_each(began.until_now()?.spent().running, STEP));
    }
    costs.sort_unstable_by(f64::total_cmp);
    costs.get(STEPS / 2).copied().ok_or_else(|| "no step was made".into())
}

/// Issues one step's receipts and leaves them waiting for it.
async fn issue(caller: &Caller, callers: u64, sample: &mut Sample) -> Result<(), Failure> {
    let mut tasks = JoinSet::new();
    for first in 0..callers {
        let caller = caller.clone();
        let callers = usize::try_from(callers)?;
        tasks.spawn(async move {
            let mut last = None;
            for number in (first..STEP).step_by(callers) {
                last = Some(caller.decide(number).await?);
            }
            Ok::<_, Failure>(last)
        });
    }
    while let Some(done) = tasks.join_next().await {
        if let (Some(receipt), 0) = (done??, tasks.len()) {
            sample.push((*receipt.payload.jti(), receipt.digest));
        }
    }
    Ok(())
}

/// The middle one of the times that proofs take, in milliseconds.
async fn prove(logbook: &Logbook, sample: &Sample) -> Result<f64, Failure> {
    let mut times = Vec::with_capacity(PROOFS);
    for (jti, digest) in sample.iter().cycle().step_by(7).take(PROOFS) {
        let began = Instant::now();
        logbook.proof(jti, digest).await?.ok_or("a receipt that is not in the log")?;
        times.push(began.elapsed());
    }
    Ok(quantile_ms(&mut times, 50))
}
