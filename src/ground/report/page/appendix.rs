//! Every receipt with every check, for those who want to look behind the sentences.

use super::super::html::Html;
use super::super::words;
use super::{class, code, row, table};
use crate::ground::bundle::{BundleReport, ItemReport};
use crate::ground::verdict::{CheckResult, CheckRow};

pub(super) fn appendix(report: &BundleReport) -> Html {
    let mut section = Html::element("h2", "", "Technical appendix");
    let at = report.at.map(|at| format!(" Freshness was judged at {}.", words::time(at)));
    section.push(Html::element("p", "", format!("Level demanded: {}.{}", report.level, at.unwrap_or_default())));
    section.push(report.items.iter().map(one).collect::<Html>());
    Html::element("section", "appendix", section)
}

fn one(item: &ItemReport) -> Html {
    let kind = item.kind.map_or_else(|| "not a receipt".to_owned(), |kind| kind.to_string());
    let mut title = Html::text(&format!("#{} {kind}: ", item.number));
    title.push(Html::element("span", class(item.verdict.verdict), item.verdict.verdict.to_string()));
    let mut section = Html::element("h3", "", title);
    let facts = [
        ("Digest", item.digest.map(|digest| digest.to_string())),
        ("Signing key", item.kid.map(|kid| kid.to_string())),
        ("Id", item.says.as_ref().map(|says| says.jti().to_string())),
        ("Log entry", item.index.map(|index| index.to_string())),
        ("Error", item.error.clone()),
    ];
    let facts = facts
        .into_iter()
        .filter_map(|(name, value)| value.map(|value| row([("", Html::text(name)), ("", code(value))])));
    section.push(table(&[], facts));
    section.push(table(&["Check", "Result"], item.verdict.checks.iter().map(check)));
    if let Some(json) = item.says.as_ref().and_then(|says| serde_json::to_string_pretty(says).ok()) {
        section.push(Html::element("pre", "", lines(&json)));
    }
    section
}

fn check(made: &CheckRow) -> Html {
    let (state, why) = words::result(made.result);
    let class = match made.result {
        CheckResult::Pass => "valid",
        CheckResult::Fail(_) => "invalid",
        CheckResult::NotEvaluated(_) => "soft",
    };
    let mut result = Html::element("span", class, state);
    if !why.is_empty() {
        result.push(format!(" {why}"));
    }
    let mut name = code(made.check.as_str());
    name.push(format!(" {}", words::check_title(made.check)));
    row([("", name), ("", result)])
}

/// Keeps line ends, which [`Html::text`] would spell out as the control characters that they are.
fn lines(text: &str) -> Html {
    let mut piece = Html::default();
    for line in text.lines() {
        piece.push(line);
        piece.push(Html::markup("\n"));
    }
    piece
}
