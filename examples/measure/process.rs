//! What the operating system says about this process: CPU time by thread, and memory (Linux, proc(5)).

use std::collections::BTreeMap;
use std::fs;
use std::time::{Duration, Instant};

use crate::Failure;

/// Processors that this process may use.
pub(crate) fn cores() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from)
}

/// CPU time that threads have had, and time that they waited for a processor which others used.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Spent {
    pub(crate) running: Duration,
    pub(crate) waiting: Duration,
}

/// A moment, for measuring what is spent from it on.
#[derive(Debug)]
pub(crate) struct Moment {
    at: Instant,
    threads: BTreeMap<String, (String, Spent)>,
}

/// What was spent between two moments.
#[derive(Debug)]
pub(crate) struct Span {
    pub(crate) wall: Duration,
    /// By the threads' names.
    pub(crate) by_name: BTreeMap<String, Spent>,
}

impl Moment {
    pub(crate) fn now() -> Result<Self, Failure> {
        let mut threads = BTreeMap::new();
        for entry in fs::read_dir("/proc/self/task")? {
            let folder = entry?.path();
            // A thread may end between being listed and being read.
            let (Ok(name), Ok(times)) =
                (fs::read_to_string(folder.join("comm")), fs::read_to_string(folder.join("schedstat")))
            else {
                continue;
            };
            let id = folder.file_name().map(|id| id.to_string_lossy().into_owned());
            threads.insert(id.unwrap_or_default(), (name.trim_end().to_owned(), read(&times)));
        }
        Ok(Self { at: Instant::now(), threads })
    }

    /// What all threads that live now have spent since.
    pub(crate) fn until_now(&self) -> Result<Span, Failure> {
        let now = Self::now()?;
        let mut by_name: BTreeMap<String, Spent> = BTreeMap::new();
        for (id, (name, spent)) in now.threads {
            let before = self.threads.get(&id).map(|(_, spent)| *spent).unwrap_or_default();
            let sum = by_name.entry(name).or_default();
            sum.running += spent.running.saturating_sub(before.running);
            sum.waiting += spent.waiting.saturating_sub(before.waiting);
        }
        Ok(Span { wall: now.at.duration_since(self.at), by_name })
    }
}

impl Span {
    /// All threads together.
    pub(crate) fn spent(&self) -> Spent {
        let sum = |one: Spent, next: &Spent| Spent {
            running: one.running + next.running,
            waiting: one.waiting + next.waiting,
        };
        self.by_name.values().fold(Spent::default(), sum)
    }

    /// Who spent how much for each of `count` things.
    pub(crate) fn shares(&self, count: u64) -> String {
        let mut shares: Vec<_> = self.by_name.iter().map(|(name, spent)| (spent.running, name)).collect();
        shares.sort_unstable_by(|one, next| next.cmp(one));
        let shares = shares.into_iter().filter(|(running, _)| *running > self.wall / 100);
        let text = shares.map(|(running, name)| format!("{name} {:.1} us", micros_each(running, count)));
        text.collect::<Vec<_>>().join(", ")
    }
}

/// CPU time of the calling thread.
pub(crate) fn own_cpu_time() -> Result<Duration, Failure> {
    Ok(read(&fs::read_to_string("/proc/thread-self/schedstat")?).running)
}

/// `schedstat`: nanoseconds on a processor, nanoseconds waiting for one, number of turns.
fn read(schedstat: &str) -> Spent {
    let mut fields = schedstat.split_whitespace().map(|field| field.parse().unwrap_or_default());
    let mut next = || Duration::from_nanos(fields.next().unwrap_or_default());
    Spent { running: next(), waiting: next() }
}

/// Resident memory, now and at its largest, in MB of 10^6 bytes.
pub(crate) fn resident_mb() -> Result<(f64, f64), Failure> {
    let status = fs::read_to_string("/proc/self/status")?;
    let field = |name: &str| {
        let line = status.lines().find_map(|line| line.strip_prefix(name));
        let kib = line.and_then(|rest| rest.split_whitespace().next()?.parse::<f64>().ok());
        kib.map(|kib| kib * 1.024e-3).ok_or_else(|| format!("no `{name}` in /proc/self/status"))
    };
    Ok((field("VmRSS:")?, field("VmHWM:")?))
}

/// Tasks that want a processor, on average over the last minute, this program's among them.
pub(crate) fn load() -> String {
    let load = fs::read_to_string("/proc/loadavg").unwrap_or_default();
    load.split_whitespace().next().unwrap_or("unknown").to_owned()
}

/// Microseconds for each of `count` things.
pub(crate) fn micros_each(time: Duration, count: u64) -> f64 {
    time.as_secs_f64() * 1e6 / as_f64(count)
}

/// How many a second.
pub(crate) fn per_second(count: u64, time: Duration) -> f64 {
    as_f64(count) / time.as_secs_f64()
}

/// A count for dividing; exact up to 2^53.
#[expect(clippy::cast_precision_loss, reason = "counts stay far below 2^53")]
pub(crate) fn as_f64(count: u64) -> f64 {
    count as f64
}
