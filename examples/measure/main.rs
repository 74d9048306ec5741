//! What this node does, beside what this machine could do at most, measured in one run.
//!
//! `cargo run --release --example measure` prints every row; names after `--` choose some: `raw`, `issue`, `http`,
//! `verify`, `gateway`, `log`.
//! Machines are shared, so each row says three things: what was done in a second of the wall clock, what one second of
//! CPU time would do, and the ratio to the raw limit of both. The second does not change when others want the cores
//! too. Everything is bounded in count or time and stays on loopback and in one folder, which is removed at the end.
//!
//! Out of scope: functions by themselves, which `benches/` measures.

mod bed;
mod gateway;
mod http;
mod issue;
mod load;
mod log;
mod process;
mod raw;
mod table;

use std::path::PathBuf;
use std::time::Duration;

use clap::{Parser, ValueEnum};

use mimalloc::MiMalloc;
use raw::Raw;
use table::Table;

/// The allocator of the program that is measured here.
#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

type Failure = Box<dyn std::error::Error + Send + Sync>;

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Row {
    /// Ed25519, SHA-256, canonical JSON and the disk, without the node.
    Raw,
    /// Decisions in process: from the judgement to the commit.
    Issue,
    /// Decisions over HTTP, by a whole node.
    Http,
    /// Verification over HTTP.
    Verify,
    /// What two gateways add to a call.
    Gateway,
    /// One log of growing size: appending, proving, and the memory that it takes.
    Log,
}

#[derive(Debug, Parser)]
#[command(about = "Measures this node beside the limits of this machine")]
struct Plan {
    /// What to measure; everything when left out. `raw` is always measured.
    rows: Vec<Row>,
    /// Length of each timed run, in seconds (1 to 600).
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u64).range(1..=600))]
    seconds: u64,
    /// Receipts of the largest log, from 10,000 on.
    #[arg(long, default_value_t = 1_000_000, value_parser = clap::value_parser!(u64).range(10_000..=100_000_000))]
    receipts: u64,
    /// Callers that wait for decisions at the same time.
    #[arg(long, default_value_t = 512, value_parser = clap::value_parser!(u64).range(1..=4096))]
    callers: u64,
    /// Keep-alive connections of the HTTP rows.
    #[arg(long, default_value_t = 64, value_parser = clap::value_parser!(u32).range(1..=1000))]
    connections: u32,
    /// Where the databases are made. It should be on the disk that the node will use.
    #[arg(long, default_value = "target")]
    folder: PathBuf,
}

impl Plan {
    fn wants(&self, row: Row) -> bool {
        self.rows.is_empty() || self.rows.contains(&row)
    }

    fn length(&self) -> Duration {
        Duration::from_secs(self.seconds)
    }
}

fn main() -> Result<(), Failure> {
    let plan = Plan::parse();
    let folder = tempfile::Builder::new().prefix("measure-").tempdir_in(&plan.folder)?;
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(process::cores()).enable_all().build()?;
    let mut table = Table::default();
    let raw = runtime.block_on(async {
        let bed = bed::Bed::make(&folder.path().join("raw.sqlite")).await?;
        Raw::measure(&bed, folder.path(), &mut table).await
    })?;
    // First, while the process holds no memory of other rows.
    if plan.wants(Row::Log) {
        runtime.block_on(log::measure(&plan, &folder.path().join("log.sqlite"), &mut table))?;
    }
    if plan.wants(Row::Issue) {
        runtime.block_on(issue::measure(&plan, &folder.path().join("issue.sqlite"), &raw, &mut table))?;
    }
    if plan.wants(Row::Http) || plan.wants(Row::Verify) {
        runtime.block_on(http::measure(&plan, &folder.path().join("http"), &raw, &mut table))?;
    }
    if plan.wants(Row::Gateway) {
        runtime.block_on(gateway::measure(&plan, folder.path(), &mut table))?;
    }
    table.print();
    Ok(())
}
