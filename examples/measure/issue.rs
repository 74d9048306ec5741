//! Issuing in process: many callers at once, a sequencer at its usual pace, every receipt durable before its caller
//! goes on.

use std::path::Path;
use std::time::{Duration, Instant};

use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::bed::Bed;
use crate::process::{self, Moment, per_second};
use crate::raw::{Raw, on_all_cores, quantile_ms, ratio};
use crate::table::{Line, Table};
use crate::{Failure, Plan};

/// Time before measuring, in which statements are compiled and memory is got.
const WARM_UP: Duration = Duration::from_millis(500);

pub(crate) async fn measure(plan: &Plan, path: &Path, raw: &Raw, table: &mut Table) -> Result<(), Failure> {
    let bed = Bed::make(path).await?;
    let before = raw.sign_on_all_cores(&bed)?;
    let callers = (0..plan.callers).map(|_| bed.caller()).collect::<Result<Vec<_>, _>>()?;
    let stop = CancellationToken::new();
    let start = Instant::now() + WARM_UP;
    let mut tasks = JoinSet::new();
    for (number, caller) in (0..).zip(callers) {
        let stop = stop.clone();
        tasks.spawn(async move {
            let mut waits = Vec::new();
            while !stop.is_cancelled() {
                let began = Instant::now();
                caller.decide(number).await?;
                if began >= start {
                    waits.push(began.elapsed());
                }
            }
            Ok::<_, Failure>(waits)
        });
    }
    let store = std::sync::Arc::clone(&bed.store);
    let end = CancellationToken::new();
    let sequencer = tokio::spawn(bed.sequencer.run(Duration::from_secs(1), end.clone()));
    tokio::time::sleep_until(start.into()).await;
    let first = store.recent(1).await?.last().map_or(0, |receipt| receipt.position.0);
    let began = Moment::now()?;
    tokio::time::sleep(plan.length()).await;
    let span = began.until_now()?;
    let last = store.recent(1).await?.last().map_or(0, |receipt| receipt.position.0);
    stop.cancel();
    let mut waits = Vec::new();
    while let Some(done) = tasks.join_next().await {
        waits.extend(done??);
    }
    end.cancel();
    sequencer.await?;
    let count = last - first;
    let spent = span.spent();
    let wall = per_second(count, span.wall);
    let cpu = on_all_cores(per_second(count, spent.running));
    table.add(Line {
        name: format!("issue in process, {} callers, wall", plan.callers),
        measured: format!("{wall:.0}/s"),
        limit: format!("{before:.0} signatures/s"),
        ratio: ratio(wall, before),
        target: "0.25".to_owned(),
    });
    table.add(Line {
        name: "issue in process, per CPU second of all cores".to_owned(),
        measured: format!("{cpu:.0}/s"),
        limit: format!("{:.0} signatures/s", on_all_cores(raw.sign)),
        ratio: ratio(cpu, on_all_cores(raw.sign)),
        target: "0.25".to_owned(),
    });
    let (middle, late) = (quantile_ms(&mut waits, 50), quantile_ms(&mut waits, 99));
    table.limit("issue in process, time to the durable receipt", format!("p50 {middle:.1} ms, p99 {late:.1} ms"));
    table.remark(format!(
        "issue: CPU time each: {}; waited {:.0} % of the time for a processor; load {}",
        span.shares(count),
        spent.waiting.as_secs_f64() / span.wall.as_secs_f64() * 100.0,
        process::load()
    ));
    Ok(())
}
