//! Issuing in process: many callers at once, a step of the log every second, every receipt durable before its caller
//! goes on.
//!
//! Rounds of issuing and of bare signing take turns, and each round of issuing is held against the signing beside it: a
//! core of a shared machine may be half as fast a second later.

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use countersign::io::store::Store;
use tokio::sync::watch;
use tokio::task::JoinSet;

use crate::bed::{Bed, Caller};
use crate::process::{self, Moment, Span};
use crate::raw::{Raw, Speed, median, quantile_ms, ratio};
use crate::table::{Line, Table};
use crate::{Failure, Plan};

/// Steps of the log in one round.
const STEPS: u32 = 2;
const STEP: Duration = Duration::from_secs(1);
/// Time in which the callers of a round that is over come to rest.
const REST: Duration = Duration::from_millis(300);

/// A round of issuing, and the signing beside it.
#[derive(Debug)]
struct Round {
    count: u64,
    span: Span,
    issued: Speed,
    signed: Speed,
}

pub(crate) async fn measure(plan: &Plan, path: &Path, raw: &Raw, table: &mut Table) -> Result<(), Failure> {
    let mut bed = Bed::make(path).await?;
    let (gate, open) = watch::channel(false);
    let mut callers = JoinSet::new();
    for number in 0..plan.callers {
        callers.spawn(call(bed.caller()?, number, open.clone()));
    }
    drop(open);
    // The first round is for compiling statements and getting memory.
    round(&mut bed, &gate, raw).await?;
    let mut rounds = Vec::new();
    let end = Instant::now() + plan.length();
    while rounds.is_empty() || Instant::now() < end {
        rounds.push(round(&mut bed, &gate, raw).await?);
    }
    drop(gate);
    let mut waits = Vec::new();
    while let Some(done) = callers.join_next().await {
        waits.extend(done??);
    }
    report(plan, &rounds, &mut waits, table);
    Ok(())
}

/// One caller: asks, waits, asks again, while the gate is open.
async fn call(caller: Caller, number: u64, mut open: watch::Receiver<bool>) -> Result<Vec<Duration>, Failure> {
    let mut waits = Vec::new();
    // The gate is gone when the last round is over.
    while open.wait_for(|open| *open).await.is_ok() {
        let began = Instant::now();
        caller.decide(number).await?;
        waits.push(began.elapsed());
    }
    Ok(waits)
}

async fn round(bed: &mut Bed, gate: &watch::Sender<bool>, raw: &Raw) -> Result<Round, Failure> {
    let signed = raw.sign_on_all_cores()?;
    let (began, first) = (Moment::now()?, last_position(&bed.store).await?);
    gate.send_replace(true);
    let mut ticks = tokio::time::interval_at(tokio::time::Instant::now() + STEP, STEP);
    for _ in 0..STEPS {
        ticks.tick().await;
        bed.sequencer.step().await?;
    }
    gate.send_replace(false);
    tokio::time::sleep(REST).await;
    let count = last_position(&bed.store).await? - first;
    let mut span = began.until_now()?;
    span.wall = span.wall.saturating_sub(REST);
    Ok(Round { count, issued: Speed::of(count, span.wall, span.spent().running), signed, span })
}

/// Positions have no gaps, so that two of them tell how many receipts came between.
async fn last_position(store: &Arc<dyn Store>) -> Result<u64, Failure> {
    Ok(store.recent(1).await?.last().map_or(0, |receipt| receipt.position.0))
}

/// One number out of a round.
type Figure = fn(&Round) -> f64;

fn report(plan: &Plan, rounds: &[Round], waits: &mut [Duration], table: &mut Table) {
    let middle = |value: Figure| median(rounds.iter().map(value));
    let lines: [(&str, Figure, Figure); 2] = [
        ("wall", |round| round.issued.wall, |round| round.signed.wall),
        ("CPU of all cores", |round| round.issued.cpu, |round| round.signed.cpu),
    ];
    for (clock, issued, signed) in lines {
        let ratios = rounds.iter().map(|round| issued(round) / signed(round));
        table.add(Line {
            name: format!("issue in process, {} callers, {clock}", plan.callers),
            measured: format!("{:.0}/s", middle(issued)),
            limit: format!("{:.0} signatures/s", middle(signed)),
            ratio: ratio(median(ratios), 1.0),
            target: "0.25".to_owned(),
        });
    }
    let (early, late) = (quantile_ms(waits, 50), quantile_ms(waits, 99));
    table.limit("issue in process, until it is durable", format!("p50 {early:.1} ms, p99 {late:.1} ms"));
    for round in rounds {
        let (wall, spent) = (round.span.wall.as_secs_f64(), round.span.spent());
        table.remark(format!(
            "issue: CPU time each: {}; of {} cores {:.2} used, {:.2} waited for; load {}",
            round.span.shares(round.count),
            process::cores(),
            spent.running.as_secs_f64() / wall,
            spent.waiting.as_secs_f64() / wall,
            process::load()
        ));
    }
}
