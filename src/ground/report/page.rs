//! The report page: one HTML file without scripts and without anything from elsewhere.

mod appendix;

use super::html::Html;
use super::statements::{Statements, statements};
use super::{Source, words};
use crate::ground::bundle::{BundleReport, CallReport, ItemReport, OperatorReport, Standing, Withheld};
use crate::ground::receipt::payload::Payload;
use crate::ground::verdict::Conclusion;

const STYLE: &str = include_str!("page.css");

/// The whole page.
pub fn page(report: &BundleReport, source: &Source<'_>) -> String {
    let mut main = header(report, source);
    main.push(alarms(report));
    main.push(calls(report));
    main.push(others(report));
    main.push(operators(report));
    main.push(logs(report));
    main.push(limits(report));
    main.push(appendix::appendix(report));
    main.push(Html::element(
        "footer",
        "",
        "Made by countersign bundle verify, from the file named above and nothing else.",
    ));
    let mut page = Html::markup(concat!(
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n",
        "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n",
        "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">\n",
        "<meta name=\"robots\" content=\"noindex\">\n<title>Evidence report</title>\n<style>\n"
    ));
    page.push(Html::markup(STYLE));
    page.push(Html::markup("</style>\n</head>\n<body>\n"));
    page.push(Html::element("main", "", main));
    page.push(Html::markup("</body>\n</html>\n"));
    page.into_string()
}

/// The class of a verdict, which is also its colour.
fn class(conclusion: Conclusion) -> &'static str {
    match conclusion {
        Conclusion::Valid => "valid",
        Conclusion::Invalid => "invalid",
        Conclusion::Undetermined => "undetermined",
    }
}

fn word(conclusion: Conclusion) -> &'static str {
    match conclusion {
        Conclusion::Valid => "Valid evidence",
        Conclusion::Invalid => "Invalid evidence",
        Conclusion::Undetermined => "Undetermined",
    }
}

fn code(text: impl Into<Html>) -> Html {
    Html::element("code", "", text)
}

fn list(sentences: impl IntoIterator<Item = String>) -> Html {
    Html::element("ul", "", sentences.into_iter().map(|sentence| Html::element("li", "", sentence)).collect::<Html>())
}

fn row(cells: impl IntoIterator<Item = (&'static str, Html)>) -> Html {
    Html::element("tr", "", cells.into_iter().map(|(class, cell)| Html::element("td", class, cell)).collect::<Html>())
}

fn table(heads: &[&'static str], rows: impl IntoIterator<Item = Html>) -> Html {
    let heads: Html = heads.iter().map(|head| Html::element("th", "", *head)).collect();
    let head = Html::element("thead", "", Html::element("tr", "", heads));
    let body = Html::element("tbody", "", rows.into_iter().collect::<Html>());
    Html::element("table", "", [head, body])
}

fn header(report: &BundleReport, source: &Source<'_>) -> Html {
    let many = |count: usize, what: &str| format!("{count} {what}{}", if count == 1 { "" } else { "s" });
    let lead = format!(
        "{} of {}, from the file {}. The file says that it was made on {}.",
        many(report.items.len(), "statement"),
        many(report.operators.len(), "operator"),
        words::quote(source.name),
        words::time(report.created)
    );
    let mut banner = Html::element("strong", "", word(report.verdict));
    banner.push(Html::element("p", "", words::conclusion(report.verdict)));
    banner.push(Html::element("p", "", reasons(report)));
    let mut header = Html::element("h1", "", "Evidence report");
    header.push(Html::element("p", "lead", lead));
    let class = match report.verdict {
        Conclusion::Valid => "banner valid",
        Conclusion::Invalid => "banner invalid",
        Conclusion::Undetermined => "banner undetermined",
    };
    header.push(Html::element("div", class, banner));
    header.push(Html::element(
        "p",
        "soft",
        "Valid evidence means that the statements are really those of the operators that they name. It does not mean \
         that the action was allowed, right, or that it happened.",
    ));
    let mut digest = Html::text("SHA-256 of the file: ");
    digest.push(code(source.digest.to_string()));
    header.push(Html::element("p", "soft", digest));
    header
}

/// Why the verdict is what it is, in one paragraph.
fn reasons(report: &BundleReport) -> String {
    let demand = format!("Demanded was that {}.", words::level(report.level));
    let of = |wanted| {
        let numbers = report.items.iter().filter(move |item| item.verdict.verdict == wanted);
        numbers.map(|item| format!("#{}", item.number)).collect::<Vec<_>>().join(", ")
    };
    let (invalid, open) = (of(Conclusion::Invalid), of(Conclusion::Undetermined));
    let mut sentences = vec![demand];
    if !invalid.is_empty() {
        sentences.push(format!("Not so: {invalid}."));
    }
    if !report.findings.is_empty() {
        sentences.push("The file proves a lie: see below.".to_owned());
    }
    if !open.is_empty() {
        sentences.push(format!("Open: {open}."));
    }
    let unpinned: Vec<String> =
        report.operators.iter().filter(|row| row.pinned.is_none()).map(|row| row.issuer.to_string()).collect();
    if !unpinned.is_empty() {
        let names = words::and(unpinned.into_iter());
        sentences.push(format!("No fingerprint was given for {names}: see “Whose signatures these are”."));
    }
    sentences.join(" ")
}

fn alarms(report: &BundleReport) -> Html {
    let mut section = Html::default();
    if !report.findings.is_empty() {
        section.push(Html::element("h2", "", "What proves a lie"));
        section.push(Html::element(
            "p",
            "",
            "Each of these follows from this file alone, under the operator's own signatures.",
        ));
        section
            .push(report.findings.iter().map(|f| Html::element("div", "alarm", words::finding(f))).collect::<Html>());
    }
    if !report.observations.is_empty() {
        section.push(Html::element("h2", "", "Worth knowing"));
        section.push(Html::element("p", "", "These blame nobody: each of them can have an innocent reason."));
        section.push(list(report.observations.iter().map(words::observation)));
    }
    section
}

fn calls(report: &BundleReport) -> Html {
    if report.calls.is_empty() {
        return Html::default();
    }
    let mut section = Html::element("h2", "", "Who said what about which call");
    for (number, call) in (1..).zip(&report.calls) {
        section.push(Html::element("h3", "", format!("Call {number}{}", parties(report, call))));
        let numbers: Vec<usize> =
            call.decision.into_iter().chain(call.acknowledgements.clone()).chain(call.outcomes.clone()).collect();
        section.push(told(report, &numbers));
        section.push(Html::element("p", "", words::stories(call.stories)));
        section.push(cards(report, &numbers));
    }
    section
}

/// The two operators of a call, as far as a receipt names them.
fn parties(report: &BundleReport, call: &CallReport) -> String {
    let of = |number: &usize| report.item(*number).and_then(|item| item.says.as_ref());
    let decision = call.decision.as_ref().and_then(of).map(|says| (says.iss(), says.aud()));
    let answer = call.acknowledgements.first().and_then(of).map(|says| (says.aud(), says.iss()));
    decision.or(answer).map(|(caller, called)| format!(": {caller} asks {called}")).unwrap_or_default()
}

fn told(report: &BundleReport, numbers: &[usize]) -> Html {
    let rows = numbers.iter().filter_map(|number| report.item(*number)).filter_map(|item| {
        let says = item.says.as_ref()?;
        Some(row([
            ("no", Html::text(&format!("#{}", item.number))),
            ("who", Html::text(says.iss().as_str())),
            (
                if item.verdict.verdict == Conclusion::Invalid { "void" } else { "" },
                Html::text(&words::claims_line(says)),
            ),
            ("when", Html::text(&words::time(*says.iat()))),
            (tag(item), state(item)),
        ]))
    });
    Html::element("div", "told", table(&["", "Operator", "What it says", "By its own clock", "Evidence"], rows))
}

fn tag(item: &ItemReport) -> &'static str {
    match item.verdict.verdict {
        Conclusion::Valid => "tag valid",
        Conclusion::Invalid => "tag invalid",
        Conclusion::Undetermined => "tag undetermined",
    }
}

fn state(item: &ItemReport) -> Html {
    Html::text(&item.verdict.verdict.to_string())
}

fn cards(report: &BundleReport, numbers: &[usize]) -> Html {
    let Statements { proven, claimed } = statements(report, numbers);
    let items = numbers.iter().filter_map(|number| report.item(*number));
    let refuted: Vec<String> = items.filter_map(refutation).collect();
    let withheld: Vec<String> = report
        .withheld
        .iter()
        .filter(|missing| numbers.contains(&missing.item()))
        .map(|missing| missing_line(*missing))
        .collect();
    let mut cards = Html::default();
    let mut card = |class, title, sentences: Vec<String>, nothing| {
        let mut inner = Html::element("h4", "", title);
        inner.push(if sentences.is_empty() { Html::element("p", "soft", nothing) } else { list(sentences) });
        cards.push(Html::element("div", class, inner));
    };
    card("card proven", "Proven", proven, "Nothing.");
    card("card claimed", "Only claimed", claimed, "Nothing.");
    card("card missing", "Withheld", withheld, "Nothing that would belong here.");
    let mut section: Html = refuted.into_iter().map(|sentence| Html::element("div", "alarm", sentence)).collect();
    section.push(Html::element("div", "cards", cards));
    section
}

fn missing_line(missing: Withheld) -> String {
    format!("#{}: {}.", missing.item(), words::withheld(missing))
}

/// Why an invalid receipt is none.
fn refutation(item: &ItemReport) -> Option<String> {
    let (_, problem) = item.verdict.failure().filter(|_| item.verdict.verdict == Conclusion::Invalid)?;
    let detail = item.error.as_ref().map(|error| format!(" ({})", super::visible(error))).unwrap_or_default();
    Some(format!("#{} does not hold: {}{detail}. What it says counts for nothing.", item.number, problem.title()))
}

/// Receipts that belong to no call, and what is no receipt.
fn others(report: &BundleReport) -> Html {
    let is_other = |item: &&ItemReport| item.says.as_ref().is_none_or(|says| matches!(says, Payload::Configuration(_)));
    let numbers: Vec<usize> = report.items.iter().filter(is_other).map(|item| item.number).collect();
    if numbers.is_empty() {
        return Html::default();
    }
    let mut section = Html::element("h2", "", "Other statements");
    if numbers.iter().any(|number| report.item(*number).is_some_and(|item| item.says.is_some())) {
        section.push(told(report, &numbers));
    }
    section.push(cards(report, &numbers));
    section
}

fn operators(report: &BundleReport) -> Html {
    let mut section = Html::element("h2", "", "Whose signatures these are");
    section.push(Html::element(
        "p",
        "",
        "A signature is only as good as the certainty whose key made it. Each operator has one root key, known by its \
         fingerprint. The keys inside the file prove nothing about that: the fingerprint has to reach you another way.",
    ));
    let rows = report.operators.iter().map(operator);
    section.push(Html::element("div", "keys", table(&["Operator", "Fingerprint", "How it stands"], rows)));
    if let Some(open) = report.operators.iter().find(|row| row.pinned.is_none()) {
        section.push(Html::element("p", "", words::how_to_compare(&open.issuer)));
    }
    section
}

fn operator(row: &OperatorReport) -> Html {
    let shown: Html = match row.pinned {
        Some(pin) => code(pin.to_string()),
        None => row.fingerprints.iter().map(|found| code(found.to_string())).collect(),
    };
    let key_set = row.key_set.map(|used| {
        format!(
            " Used was key set {}, which its root key dates {}; a later one could revoke keys.",
            used.number,
            words::time(used.iat)
        )
    });
    let (class, sentence) = match &row.standing {
        Standing::Pinned => {
            ("valid", "You pinned this fingerprint, and the key set is signed by that root key.".to_owned())
        }
        Standing::Unpinned => ("undetermined", "Not pinned: compare it before you believe anything.".to_owned()),
        Standing::NoKeySet => ("undetermined", "You pinned this fingerprint, but no key set is at hand.".to_owned()),
        Standing::Unknown => ("undetermined", "Not pinned, and no key set to go by.".to_owned()),
        Standing::Refused { error, .. } => ("invalid", format!("Refused: {}.", super::visible(error))),
    };
    let mut stands = Html::element("span", class, sentence);
    stands.push(key_set.unwrap_or_default());
    self::row([("who", Html::text(row.issuer.as_str())), ("", shown), ("", stands)])
}

fn logs(report: &BundleReport) -> Html {
    if report.logs.is_empty() {
        return Html::default();
    }
    let mut section = Html::element("h2", "", "The logs");
    section.push(Html::element(
        "p",
        "",
        "Each operator enters its statements into a log that can only grow. A checkpoint is the log's state at one \
         moment, signed and dated by its operator.",
    ));
    for log in &report.logs {
        let history = match log.one_history {
            Some(true) => "The proofs in this file show that these are states of one history.",
            Some(false) => "Nothing in this file shows that these are states of one history.",
            None => "",
        };
        section.push(Html::element("h3", "", log.origin.as_str()));
        let rows = log.checkpoints.iter().map(|checkpoint| {
            let witnessed = checkpoint.witnessed_time.map_or_else(|| "not judged".to_owned(), words::time);
            row([
                ("no", Html::text(&checkpoint.size.to_string())),
                ("", code(checkpoint.root.to_string())),
                ("when", Html::text(&words::time(checkpoint.time))),
                ("when", Html::text(&witnessed)),
            ])
        });
        section.push(table(&["Entries", "Root hash", "Operator's date", "Witnesses' date"], rows));
        section.push(Html::element("p", "", history));
    }
    section
}

fn limits(report: &BundleReport) -> Html {
    let mut section = Html::element("h2", "", "What this does not prove");
    section
        .push(list(report.does_not_assert.iter().map(|disclaimer| format!("{}.", capitalised(disclaimer.sentence())))));
    section.push(Html::element("p", "soft", "That nothing was left out: whoever made the file chose what is in it."));
    section
}

fn capitalised(sentence: &str) -> String {
    let mut characters = sentence.chars();
    characters.next().map(|first| first.to_uppercase().chain(characters).collect()).unwrap_or_default()
}
