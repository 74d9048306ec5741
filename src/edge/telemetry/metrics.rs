//! All metrics of the node, each with its name and meaning, in one place.

use std::fmt;
use std::time::Duration;

use prometheus_client::encoding::text::encode;
use prometheus_client::encoding::{EncodeLabelSet, EncodeLabelValue, LabelValueEncoder};
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::{Registry, Unit};

use crate::edge::gateway::{Counts, Via};
use crate::ground::effect::Effect;
use crate::ground::problem::ProblemType;

/// Upper bounds of the duration buckets, in seconds: from a tile out of memory to an upstream that takes its time.
const DURATIONS_S: [f64; 13] = [0.000_5, 0.001, 0.002_5, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 5.0, 30.0];

/// A value of a closed set, as a label.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
struct Label(&'static str);

impl EncodeLabelValue for Label {
    fn encode(&self, encoder: &mut LabelValueEncoder<'_>) -> Result<(), fmt::Error> {
        self.0.encode(encoder)
    }
}

/// Which listener.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ListenerName {
    /// The public one.
    Public,
    /// The private one.
    Private,
}

impl ListenerName {
    /// The label.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Public => "public",
            Self::Private => "private",
        }
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct OfRequest {
    listener: Label,
    class: Label,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct OfListener {
    listener: Label,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct OfProblem {
    listener: Label,
    problem: Label,
}

/// What the node is at the moment of a scrape.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Snapshot {
    /// Entries under the published checkpoint.
    pub log_entries: u64,
    /// Seconds that the log is behind at most.
    pub log_lag_s: u64,
    /// The number of the epoch in force.
    pub epoch: u64,
    /// Whether nothing is in the way.
    pub ready: bool,
}

/// What is counted.
#[derive(Debug)]
pub struct Metrics {
    registry: Registry,
    requests: Family<OfRequest, Counter>,
    durations: Family<OfListener, Histogram, fn() -> Histogram>,
    problems: Family<OfProblem, Counter>,
    counts: Counts,
    log_entries: Gauge,
    log_lag: Gauge,
    epoch: Gauge,
    ready: Gauge,
}

impl Metrics {
    /// All at zero, beside what is counted elsewhere.
    pub fn new(counts: &Counts) -> Self {
        let mut registry = Registry::with_prefix("countersign");
        counts.register(&mut registry);
        let requests = Family::default();
        registry.register("http_requests", "HTTP requests by listener and class of status", requests.clone());
        let durations = Family::new_with_constructor((|| Histogram::new(DURATIONS_S)) as fn() -> Histogram);
        let meaning = "Time from a request's head to its response's head";
        registry.register_with_unit("http_request_duration", meaning, Unit::Seconds, durations.clone());
        let problems = Family::default();
        registry.register("problems", "Requests that were answered with a problem, by its code", problems.clone());
        let log_entries = Gauge::default();
        registry.register("log_entries", "Entries under the published checkpoint", log_entries.clone());
        let log_lag = Gauge::default();
        registry.register_with_unit("log_lag", "Time that the log is behind at most", Unit::Seconds, log_lag.clone());
        let epoch = Gauge::default();
        registry.register("policy_epoch", "Number of the policy epoch in force", epoch.clone());
        let ready = Gauge::default();
        registry.register("ready", "Whether the node can keep its promises, 1 or 0", ready.clone());
        Self { registry, requests, durations, problems, counts: counts.clone(), log_entries, log_lag, epoch, ready }
    }

    /// A request was answered.
    pub fn answered(&self, listener: ListenerName, status: u16, after: Duration) {
        let class = match status {
            ..=199 => "1xx",
            200..=299 => "2xx",
            300..=399 => "3xx",
            400..=499 => "4xx",
            500.. => "5xx",
        };
        let listener = Label(listener.as_str());
        self.requests.get_or_create(&OfRequest { listener, class: Label(class) }).inc();
        self.durations.get_or_create(&OfListener { listener }).observe(after.as_secs_f64());
    }

    /// A request was answered with a problem, or with a refusal that names one.
    pub fn refused(&self, listener: ListenerName, problem: ProblemType) {
        let labels = OfProblem { listener: Label(listener.as_str()), problem: Label(problem.code()) };
        self.problems.get_or_create(&labels).inc();
    }

    /// A decision is durable.
    pub fn decided(&self, via: Via, effect: Effect) {
        self.counts.decided(via, effect);
    }

    /// The text that a Prometheus server scrapes (text exposition format 0.0.4).
    pub fn text(&self, now: &Snapshot) -> Result<String, fmt::Error> {
        let gauge = |value: u64| i64::try_from(value).unwrap_or(i64::MAX);
        self.log_entries.set(gauge(now.log_entries));
        self.log_lag.set(gauge(now.log_lag_s));
        self.epoch.set(gauge(now.epoch));
        self.ready.set(i64::from(now.ready));
        let mut text = String::new();
        encode(&mut text, &self.registry)?;
        Ok(to_exposition_format(&text))
    }
}

/// OpenMetrics names a counter's family without `_total`; the older format, which every scraper reads, with it.
fn to_exposition_format(open_metrics: &str) -> String {
    let counters: Vec<&str> =
        open_metrics.lines().filter_map(|line| line.strip_prefix("# TYPE ")?.strip_suffix(" counter")).collect();
    let mut text = String::with_capacity(open_metrics.len());
    for line in open_metrics.lines() {
        let mut words = line.splitn(4, ' ');
        match (words.next(), words.next(), words.next()) {
            (Some("#"), Some("EOF" | "UNIT"), _) => {}
            (Some("#"), Some(what), Some(name)) if counters.contains(&name) => {
                text += &format!("# {what} {name}_total {}\n", words.next().unwrap_or_default());
            }
            _ => {
                text += line;
                text.push('\n');
            }
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counters_end_in_total_wherever_they_are_named() {
        let metrics = Metrics::new(&Counts::default());
        metrics.answered(ListenerName::Public, 404, Duration::from_millis(3));
        metrics.refused(ListenerName::Public, ProblemType::NotFound);
        metrics.decided(Via::Authzen, Effect::Deny);
        let text = metrics.text(&Snapshot { log_entries: 7, log_lag_s: 0, epoch: 1, ready: true }).unwrap();
        for line in [
            "# TYPE countersign_http_requests_total counter",
            "countersign_http_requests_total{listener=\"public\",class=\"4xx\"} 1",
            "countersign_problems_total{listener=\"public\",problem=\"not_found\"} 1",
            "countersign_decisions_total{via=\"authzen\",effect=\"deny\"} 1",
            "countersign_log_entries 7",
            "# TYPE countersign_http_request_duration_seconds histogram",
        ] {
            assert!(text.lines().any(|found| found == line), "{line} is missing in\n{text}");
        }
        assert!(!text.contains("EOF") && !text.contains("UNIT"));
    }
}
