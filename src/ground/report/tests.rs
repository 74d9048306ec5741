use serde_json::json;

use super::*;
use crate::ground::bundle::{self, Bundle, BundleReport, Options};
use crate::ground::trust::Pins;
use crate::ground::verdict::Level;

const FIXTURES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/");

fn read(name: &str) -> Vec<u8> {
    std::fs::read(format!("{FIXTURES}{name}")).unwrap()
}

fn judged(name: &str, pinned: bool) -> BundleReport {
    let mut pins = Pins::default();
    if pinned {
        pins.insert_file(&String::from_utf8(read("trust.txt")).unwrap()).unwrap();
    }
    let bundle = Bundle::parse(&read(name)).unwrap();
    bundle::verify(&bundle, &pins, &Options::at_level(Level::Included))
}

const SOURCE: Source<'_> = Source { name: "<b>bundle</b>.json", digest: Digest([7; 32]) };

#[test]
fn a_page_says_who_said_what_and_what_is_not_proven() {
    let page = page(&judged("bundle.json", true), &SOURCE);
    for expected in [
        "Valid evidence",
        "https://a.example asks https://b.example",
        "Both sides tell the same outcome.",
        "allowed “travel-agent”, for “user-7f3a”, to do “a2a.send_message” on PeerAgent “https://b.example/hotel”",
        "That the request body in this file is, byte for byte, the one that #1 is about.",
        "Who made these statements: #1 and #4 by https://a.example and #2 and #3 by https://b.example.",
        "That the log b.example/log holds #2 (entry 3) and #3 (entry 4), from where they cannot be taken unnoticed.",
        "it acts for “user-7f3a” (#1): somebody said so, and https://a.example did not check it.",
        "#5: the nonce: without it nobody can check which request the decision was for.",
        "“duty_manager” must approve until 2027-01-15 09:03:20 UTC",
        "That the action was right, wanted or lawful.",
    ] {
        assert!(page.contains(expected), "{expected}");
    }
    assert!(!page.contains("Not pinned"));
}

#[test]
fn a_page_needs_nothing_from_elsewhere_and_runs_nothing() {
    let page = page(&judged("bundle.json", false), &SOURCE);
    for forbidden in ["<script", "<img", "<link", "<iframe", "src=", "href=", "url(", "@import", "<b>"] {
        assert!(!page.contains(forbidden), "{forbidden}");
    }
    assert!(page.contains("&lt;b&gt;bundle&lt;/b&gt;.json"));
    assert!(page.contains("default-src 'none'"));
}

#[test]
fn names_in_receipts_cannot_write_markup_or_hide() {
    let mut report = judged("bundle.json", true);
    let evil = "<script>x</script>\u{202e}\u{1b}[31m\"'&";
    for item in &mut report.items {
        let Some(crate::ground::receipt::payload::Payload::Decision(decision)) = &mut item.says else { continue };
        decision.sub = evil.to_owned();
        decision.resource.kind = evil.to_owned();
        decision.ext = json!({ evil: evil }).as_object().cloned();
        item.error = Some(evil.to_owned());
    }
    let (page, text) = (page(&report, &SOURCE), bundle_text(&report, &SOURCE));
    assert!(!page.contains("<script"));
    for shown in [page, text] {
        assert!(!shown.contains('\u{202e}') && !shown.contains('\u{1b}'));
        assert!(shown.contains("\\u{202e}\\u{1b}[31m"));
    }
}

#[test]
fn without_pins_nothing_is_called_proven_and_the_fingerprints_are_shown() {
    let report = judged("bundle.json", false);
    let page = page(&report, &SOURCE);
    assert!(page.contains("Undetermined") && page.contains("Not pinned: compare it"));
    assert!(page.contains("by https://b.example, so the file says."));
    let lines = fingerprint_lines(&report.operators);
    for row in &report.operators {
        assert!(lines.contains(&format!("  --trust {}={}\n", row.issuer, row.fingerprints[0])), "{lines}");
    }
    assert_eq!(fingerprint_lines(&judged("bundle.json", true).operators), "");
}

#[test]
fn lies_and_refuted_statements_stand_out() {
    let text = bundle_text(&judged("bundle-fork.json", true), &SOURCE);
    assert!(text.starts_with("invalid: "));
    assert!(text.contains("showed two histories of its log a.example/log"));
    let page = page(&judged("bundle-tampered.json", true), &SOURCE);
    assert!(page.contains("#2 does not hold: the signature does not verify."));
    assert!(page.contains("#1 and #4 by https://a.example and #3 by https://b.example"));
}

#[test]
fn text_keeps_its_letters_and_shows_what_hides() {
    assert_eq!(visible("Zürich 東京 “x”"), "Zürich 東京 “x”");
    assert_eq!(visible("a\u{200b}b\nc\u{7f}"), "a\\u{200b}b\\u{a}c\\u{7f}");
}
