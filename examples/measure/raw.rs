//! What the machine can do at most: the limits that every other row is held against.

use std::fs::File;
use std::hint::black_box;
use std::io::Write as _;
use std::path::Path;
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use countersign::ground::canonical;
use countersign::ground::crypto::hash::Digest;
use countersign::ground::receipt::compact::{SignedReceipt, UnverifiedReceipt};
use countersign::ground::receipt::verify::{Question, Trust, verify};
use countersign::ground::verdict::Level;
use countersign::node::operator::Operator;

use crate::Failure;
use crate::bed::Bed;
use crate::process::{as_f64, cores, own_cpu_time, per_second};
use crate::table::{Line, Table};

/// CPU time for each operation that is measured by itself.
const EACH: Duration = Duration::from_millis(800);
/// Syncs of the disk.
const SYNCS: usize = 200;
/// What is written before each sync: about what a group commit writes.
const SYNC_BYTES: usize = 64 * 1024;

/// A message as long as a decision's, and what is needed to sign and to verify it again beside each row.
#[derive(Debug)]
pub(crate) struct Raw {
    operator: Arc<Operator>,
    message: Vec<u8>,
    signature: [u8; 64],
}

impl Raw {
    /// Measures, on a decision as long as real ones are.
    pub(crate) async fn measure(bed: &Bed, folder: &Path, table: &mut Table) -> Result<Self, Failure> {
        let receipt = bed.caller()?.decide(1).await?;
        let (message, _) = receipt.compact.rsplit_once('.').ok_or("a receipt without signature")?;
        let message = message.as_bytes().to_vec();
        let key = &bed.operator.keys().receipt;
        let signature = key.sign(&message);
        let raw = Self { operator: Arc::clone(&bed.operator), message, signature };
        let sign = rate(|| key.sign(black_box(&raw.message)))?;
        let verify = raw.verify()?;
        let hash = rate(|| Digest::of(black_box(receipt.compact.as_bytes())))?;
        let write = rate(|| canonical::to_vec(black_box(&receipt.payload)))?;
        let bytes = receipt.compact.len();
        table.limit("Ed25519 sign, one core", format!("{sign:.0}/s"));
        table.limit("Ed25519 verify_strict, one core", format!("{verify:.0}/s"));
        table.limit("SHA-256 of a receipt", format!("{hash:.0}/s ({bytes} bytes)"));
        table.limit("canonical JSON of a decision", format!("{write:.0}/s"));
        let (middle, late) = sync_times(&folder.join("sync"))?;
        table.limit("fdatasync after 64 KiB", format!("p50 {middle:.1} ms, p99 {late:.1} ms"));
        raw.whole_verification(&receipt, verify, table)?;
        Ok(raw)
    }

    /// All that a verifier does for one receipt, from its bytes to the verdict.
    fn whole_verification(&self, receipt: &SignedReceipt, bare: f64, table: &mut Table) -> Result<(), Failure> {
        let question = Question::offline(Level::Signed, Trust::Pinned(self.operator.key_set()));
        let whole = rate(|| {
            let read = UnverifiedReceipt::parse(black_box(receipt.compact.as_bytes()));
            read.map(|read| verify(read, &question).receipt.is_some())
        })?;
        table.add(Line {
            name: "verification of a receipt, one core".to_owned(),
            measured: format!("{whole:.0}/s"),
            limit: format!("{bare:.0} signatures/s"),
            ratio: ratio(whole, bare),
            target: String::new(),
        });
        Ok(())
    }

    /// Strict verifications of one core, per second of its CPU time.
    pub(crate) fn verify(&self) -> Result<f64, Failure> {
        let key = self.operator.keys().receipt.public();
        rate(|| key.verifies(black_box(&self.message), &self.signature))
    }

    /// Signing with all cores busy at it, whatever else the machine does just now.
    pub(crate) fn sign_on_all_cores(&self) -> Result<Speed, Failure> {
        let key = &self.operator.keys().receipt;
        let began = Instant::now();
        let sign = || {
            let before = own_cpu_time()?;
            let mut count = 0;
            while began.elapsed() < EACH {
                black_box(key.sign(black_box(&self.message)));
                count += 1;
            }
            Ok::<_, Failure>((count, own_cpu_time()?.saturating_sub(before)))
        };
        let done = thread::scope(|scope| {
            let signers: Vec<_> = (0..cores()).map(|_| scope.spawn(sign)).collect();
            let joined = |signer: thread::ScopedJoinHandle<'_, _>| signer.join().map_err(|_| "a signer failed")?;
            signers.into_iter().map(joined).collect::<Result<Vec<(u64, Duration)>, Failure>>()
        })?;
        let count = done.iter().map(|(count, _)| count).sum();
        Ok(Speed::of(count, began.elapsed(), done.iter().map(|(_, spent)| *spent).sum()))
    }
}

/// How often something was done: in a second of the wall clock, and in a second of CPU time on each core.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Speed {
    pub(crate) wall: f64,
    pub(crate) cpu: f64,
}

impl Speed {
    pub(crate) fn of(count: u64, wall: Duration, spent: Duration) -> Self {
        let cores = as_f64(u64::try_from(cores()).unwrap_or(1));
        Self { wall: per_second(count, wall), cpu: per_second(count, spent) * cores }
    }
}

/// How often a second of CPU time does `what`.
fn rate<T>(what: impl Fn() -> T) -> Result<f64, Failure> {
    let began = own_cpu_time()?;
    let mut count = 0;
    loop {
        for _ in 0..256 {
            black_box(what());
        }
        count += 256;
        let spent = own_cpu_time()?.saturating_sub(began);
        if spent >= EACH {
            return Ok(per_second(count, spent));
        }
    }
}

fn sync_times(path: &Path) -> Result<(f64, f64), Failure> {
    let bytes = vec![7u8; SYNC_BYTES];
    let mut file = File::create(path)?;
    let mut times = Vec::with_capacity(SYNCS);
    for _ in 0..SYNCS {
        file.write_all(&bytes)?;
        let began = Instant::now();
        file.sync_data()?;
        times.push(began.elapsed());
    }
    Ok((quantile_ms(&mut times, 50), quantile_ms(&mut times, 99)))
}

/// The time, in milliseconds, that `percent` of all stay within.
pub(crate) fn quantile_ms(times: &mut [Duration], percent: usize) -> f64 {
    times.sort_unstable();
    let rank = (times.len() * percent).div_ceil(100).max(1) - 1;
    times.get(rank).map_or(0.0, Duration::as_secs_f64) * 1e3
}

/// `part` of `whole`, as text.
pub(crate) fn ratio(part: f64, whole: f64) -> String {
    format!("{:.2}", part / whole)
}

/// The middle one.
pub(crate) fn median(values: impl Iterator<Item = f64>) -> f64 {
    let mut values: Vec<_> = values.collect();
    values.sort_unstable_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
}
