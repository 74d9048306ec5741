//! `countersign verify`: one receipt, offline.

use std::path::PathBuf;

use serde::Serialize;

use super::evidence::{self, Evidence, EvidenceArgs};
use super::input;
use super::output::{CliError, Exit, Output};
use crate::ground::bundle::{OperatorReport, operator_report};
use crate::ground::limits::{MAX_BUNDLE_BYTES, MAX_DECISION_BYTES, MAX_PROOF_BYTES};
use crate::ground::name::Issuer;
use crate::ground::receipt::binding::Nonce;
use crate::ground::receipt::compact::UnverifiedReceipt;
use crate::ground::receipt::payload::Payload;
use crate::ground::receipt::verify::{Exchange, Question, refuse_format, verify};
use crate::ground::report;
use crate::ground::trust::KeySets;
use crate::ground::verdict::{Level, Verdict};

/// Largest body that is read to be held against a commitment.
const MAX_BODY_BYTES: usize = 64 * 1024 * 1024;

/// Check one receipt, offline
///
/// Makes every check that the arguments allow and prints each result. Without a pin for the receipt's operator the best
/// answer is `undetermined`, and the fingerprints to compare are printed.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The receipt in its compact form; `-` is standard input
    #[arg(default_value = "-")]
    file: PathBuf,

    #[command(flatten)]
    evidence: EvidenceArgs,

    /// What to demand: signed, included or witnessed; by default what the given files can show
    #[arg(long, value_parser = evidence::level)]
    level: Option<Level>,

    /// The receipt's inclusion proof, a C2SP tlog-proof file
    #[arg(long, value_name = "FILE")]
    proof: Option<PathBuf>,

    /// The operator that the receipt must be made out to
    #[arg(long, value_name = "ISSUER", value_parser = evidence::issuer)]
    audience: Option<Issuer>,

    /// The decision that an acknowledgement or outcome must answer
    #[arg(long, value_name = "FILE")]
    decision: Option<PathBuf>,

    /// The nonce that opens the receipt's commitments
    #[arg(long, help_heading = "Exchange")]
    nonce: Option<String>,

    /// The request's method
    #[arg(long, requires_all = ["target", "nonce"], help_heading = "Exchange")]
    method: Option<String>,

    /// The request's absolute target URI
    #[arg(long, value_name = "URI", requires_all = ["method", "nonce"], help_heading = "Exchange")]
    target: Option<String>,

    /// The request's whole body
    #[arg(long, value_name = "FILE", requires = "nonce", help_heading = "Exchange")]
    body: Option<PathBuf>,

    /// The response's whole body
    #[arg(long, value_name = "FILE", requires = "nonce", help_heading = "Exchange")]
    response: Option<PathBuf>,
}

/// The result with `--json`.
#[derive(Debug, Serialize)]
struct Checked<'a> {
    #[serde(flatten)]
    verdict: &'a Verdict,
    #[serde(skip_serializing_if = "Option::is_none")]
    says: Option<&'a Payload>,
    #[serde(skip_serializing_if = "Option::is_none")]
    operator: Option<&'a OperatorReport>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<String>,
}

/// The files of the exchange and of the log, read.
#[derive(Debug, Default)]
struct Disclosed {
    nonce: Option<Nonce>,
    body: Option<Vec<u8>>,
    response: Option<Vec<u8>>,
    proof: Option<Vec<u8>>,
    decision: Option<UnverifiedReceipt>,
}

pub(crate) fn run(args: &Args, output: &Output) -> Result<Exit, CliError> {
    let evidence = args.evidence.read()?;
    let disclosed = args.disclosed()?;
    let level = args.level.unwrap_or(match (&evidence.quorum, &disclosed.proof) {
        (Some(_), _) => Level::Witnessed,
        (None, Some(_)) => Level::Included,
        (None, None) => Level::Signed,
    });
    // Read to the bound of a bundle, so that one that was given by mistake is told apart from a receipt that is too
    // long.
    let bytes = input::read_compact(&args.file, MAX_BUNDLE_BYTES)?;
    if bytes.trim_ascii_start().starts_with(b"{") {
        let what = format!("{} is JSON, not a receipt in its compact form", input::name(&args.file));
        return Err(CliError::usage(what).with_help("an evidence bundle is checked by `countersign bundle verify`"));
    }
    match UnverifiedReceipt::parse(&bytes) {
        Ok(receipt) => judge(args, receipt, level, &evidence, &disclosed, output),
        Err(error) => {
            let verdict = refuse_format(error.problem(), level);
            let checked = Checked { verdict: &verdict, says: None, operator: None, error: Some(error.to_string()) };
            output.result(&checked, || report::verdict_text(&verdict, None))?;
            output.say(&format!("not a receipt: {}", report::visible(&error.to_string())));
            Ok(verdict.verdict.into())
        }
    }
}

fn judge(
    args: &Args,
    receipt: UnverifiedReceipt,
    level: Level,
    evidence: &Evidence,
    disclosed: &Disclosed,
    output: &Output,
) -> Result<Exit, CliError> {
    let claims = receipt.claims().clone();
    let key_sets = KeySets::read(evidence.key_sets.iter().map(String::as_str));
    let keys = evidence.pins.trust_for(claims.iss(), &key_sets);
    let operator = operator_report(claims.iss(), &keys, &evidence.pins, &key_sets);
    let mut question = Question::offline(level, keys.as_trust());
    question.at = evidence.at;
    question.quorum = evidence.quorum.as_ref();
    question.audience = args.audience.as_ref();
    question.proof = disclosed.proof.as_deref();
    question.decision = disclosed.decision.as_ref();
    question.exchange = disclosed.nonce.as_ref().map(|nonce| Exchange {
        nonce: Some(nonce),
        target: args.method.as_deref().zip(args.target.as_deref()),
        body: disclosed.body.as_deref(),
        response: disclosed.response.as_deref(),
        demand_body: false,
    });
    let verdict = verify(receipt, &question).verdict;
    let checked = Checked { verdict: &verdict, says: Some(&claims), operator: Some(&operator), error: None };
    output.result(&checked, || report::verdict_text(&verdict, Some(&claims)))?;
    output.say(&report::fingerprint_lines(std::slice::from_ref(&operator)));
    Ok(verdict.verdict.into())
}

impl Args {
    fn disclosed(&self) -> Result<Disclosed, CliError> {
        let read = |path: &Option<PathBuf>, max| path.as_ref().map(|path| input::read(path, max)).transpose();
        let nonce = self
            .nonce
            .as_ref()
            .map(|text| Nonce::parse(text).map_err(|error| CliError::usage(format!("--nonce: {error}"))));
        Ok(Disclosed {
            nonce: nonce.transpose()?,
            body: read(&self.body, MAX_BODY_BYTES)?,
            response: read(&self.response, MAX_BODY_BYTES)?,
            proof: read(&self.proof, MAX_PROOF_BYTES)?,
            decision: self.decision()?,
        })
    }

    fn decision(&self) -> Result<Option<UnverifiedReceipt>, CliError> {
        let Some(path) = &self.decision else { return Ok(None) };
        let bytes = input::read_compact(path, MAX_DECISION_BYTES)?;
        let decision = UnverifiedReceipt::parse(&bytes)
            .map_err(|error| CliError::usage(format!("--decision {}: {error}", input::name(path))))?;
        match decision.claims() {
            Payload::Decision(_) => Ok(Some(decision)),
            other => Err(CliError::usage(format!(
                "--decision {}: this is a receipt of kind {}",
                input::name(path),
                other.kind()
            ))),
        }
    }
}
