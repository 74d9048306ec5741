//! The same for a terminal.

use std::collections::BTreeSet;

use super::words;
use super::{Source, visible};
use crate::ground::bundle::{BundleReport, CallReport, ItemReport, OperatorReport, Standing};
use crate::ground::receipt::payload::Payload;
use crate::ground::verdict::{CheckResult, Conclusion, Verdict};

/// A verdict with what the receipt says, if it is one, and every check.
pub fn verdict_text(verdict: &Verdict, claims: Option<&Payload>) -> String {
    let mut out = format!("{}\n", verdict.verdict);
    if let Some(claims) = claims {
        let kind = claims.kind();
        out.push_str(&format!("\n{kind} of {} for {}\n", claims.iss(), claims.aud()));
        let it = if verdict.verdict == Conclusion::Valid { "it" } else { "it claims that it" };
        out.push_str(&format!("  {it} {}\n", words::claims_line(claims)));
        out.push_str(&format!("  issued {} by its own clock, id {}\n", words::time(*claims.iat()), claims.jti()));
    }
    out.push_str(&format!("\nchecks (level {})\n", verdict.level));
    for row in &verdict.checks {
        let (state, why) = words::result(row.result);
        out.push_str(format!("  {:<11} {state:<14} {why}", row.check.as_str()).trim_end());
        out.push('\n');
    }
    if let Some(time) = verdict.checkpoint_time {
        out.push_str(&format!("\ncheckpoint dated {} by the operator\n", words::time(time)));
    }
    if let Some(time) = verdict.witnessed_time {
        out.push_str(&format!("witnessed by {}\n", words::time(time)));
    }
    disclaimers(&verdict.does_not_assert, &mut out);
    out
}

/// The whole report in lines.
pub fn bundle_text(report: &BundleReport, source: &Source<'_>) -> String {
    let mut out = format!("{}: {}\n", report.verdict, words::conclusion(report.verdict));
    out.push_str(&format!("{} (sha-256 {}), level {}\n", visible(source.name), source.digest, report.level));
    let mut told = BTreeSet::new();
    for (number, call) in (1..).zip(&report.calls) {
        out.push_str(&format!("\ncall {number}\n"));
        for item in numbers(call) {
            out.push_str(&report.item(item).map(item_line).unwrap_or_default());
            told.insert(item);
        }
        out.push_str(&format!("  {}\n", words::stories(call.stories)));
    }
    let rest: String = report.items.iter().filter(|item| !told.contains(&item.number)).map(item_line).collect();
    if !rest.is_empty() {
        out.push_str(&format!("\nother statements\n{rest}"));
    }
    section("findings: each proves a lie", report.findings.iter().map(words::finding), &mut out);
    section("observations: these blame nobody", report.observations.iter().map(words::observation), &mut out);
    let withheld = report.withheld.iter().map(|missing| format!("#{}: {}", missing.item(), words::withheld(*missing)));
    section("withheld", withheld, &mut out);
    section("operators", report.operators.iter().map(operator_line), &mut out);
    disclaimers(&report.does_not_assert, &mut out);
    out
}

/// What to compare, and what to put on the command line afterwards, for operators that are not pinned. Empty when all
/// are.
pub fn fingerprint_lines(operators: &[OperatorReport]) -> String {
    let open: Vec<&OperatorReport> = operators.iter().filter(|row| row.pinned.is_none()).collect();
    let mut out = String::new();
    for row in &open {
        if row.fingerprints.is_empty() {
            out.push_str(&format!(
                "no key set of {} is at hand: ask for it, or fetch {}/.well-known/countersign\n",
                row.issuer, row.issuer
            ));
        }
        for fingerprint in &row.fingerprints {
            out.push_str(&format!(
                "whoever made this file says that the root key of {} is {fingerprint}\n",
                row.issuer
            ));
        }
    }
    if open.iter().any(|row| !row.fingerprints.is_empty()) {
        if let Some(first) = open.first() {
            out.push_str(&format!("{}\nIf it is the same, run again with:\n", words::how_to_compare(&first.issuer)));
        }
        for row in open.iter().filter(|row| row.fingerprints.len() == 1) {
            out.extend(row.fingerprints.iter().map(|found| format!("  --trust {}={found}\n", row.issuer)));
        }
    }
    out
}

fn numbers(call: &CallReport) -> impl Iterator<Item = usize> {
    call.decision.into_iter().chain(call.acknowledgements.iter().copied()).chain(call.outcomes.iter().copied())
}

fn item_line(item: &ItemReport) -> String {
    let verdict = item.verdict.verdict.to_string();
    let head = format!("  #{:<3} {verdict:<13}", item.number);
    let mut line = match &item.says {
        Some(says) => format!("{head} {}: {} {}\n", says.kind(), says.iss(), words::claims_line(says)),
        None => format!("{head} not a receipt: {}\n", item.error.as_deref().map(visible).unwrap_or_default()),
    };
    if item.verdict.verdict != Conclusion::Valid {
        let why = item.verdict.checks.iter().filter(|row| match row.result {
            CheckResult::Fail(_) => true,
            CheckResult::NotEvaluated(_) => {
                row.check.required_from().is_some_and(|level| level <= item.verdict.level)
                    && item.verdict.verdict == Conclusion::Undetermined
            }
            CheckResult::Pass => false,
        });
        for row in why {
            let (state, why) = words::result(row.result);
            line.push_str(&format!("       {} {state}: {why}\n", row.check));
        }
    }
    line
}

fn operator_line(row: &OperatorReport) -> String {
    let used = row.key_set.map(|used| format!(", key set {}", used.number)).unwrap_or_default();
    let issuer = &row.issuer;
    match (&row.standing, row.pinned) {
        (Standing::Refused { error, .. }, _) => format!("{issuer}: refused: {}", visible(error)),
        (_, Some(pin)) => format!("{issuer}: pinned to {pin}{used}"),
        (_, None) => format!("{issuer}: not pinned{used}"),
    }
}

fn section(title: &str, lines: impl Iterator<Item = String>, out: &mut String) {
    let lines: Vec<String> = lines.collect();
    if !lines.is_empty() {
        out.push_str(&format!("\n{title}\n"));
        out.extend(lines.into_iter().map(|line| format!("  {line}\n")));
    }
}

fn disclaimers(all: &[crate::ground::verdict::Disclaimer], out: &mut String) {
    section("this does not prove", all.iter().map(|one| one.sentence().to_owned()), out);
}
