//! `countersign bundle verify`: a whole bundle, offline.

use std::fs;
use std::path::{Path, PathBuf};

use super::super::evidence::{self, EvidenceArgs};
use super::super::input;
use super::super::output::{CliError, Exit, Output};
use crate::ground::bundle::{self, Bundle, Options};
use crate::ground::crypto::hash::Digest;
use crate::ground::limits::MAX_BUNDLE_BYTES;
use crate::ground::report::{self, Source};
use crate::ground::verdict::Level;

/// Check an evidence bundle, offline
///
/// Checks every receipt in the file under your pins, and holds the receipts, checkpoints and key sets against each
/// other. Nothing is fetched. Without a pin for every operator the best answer is `undetermined`, and the fingerprints
/// to compare are printed.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The bundle; `-` is standard input
    file: PathBuf,

    #[command(flatten)]
    evidence: EvidenceArgs,

    /// What to demand of each receipt: signed, included or witnessed; by default witnessed with --quorum, else included
    #[arg(long, value_parser = evidence::level)]
    level: Option<Level>,

    /// Write a page in plain language, one self-contained HTML file, replacing what is there
    #[arg(long, value_name = "FILE.html")]
    report: Option<PathBuf>,
}

pub(crate) fn run(args: &Args, output: &Output) -> Result<Exit, CliError> {
    let evidence = args.evidence.read()?;
    let default = if evidence.quorum.is_some() { Level::Witnessed } else { Level::Included };
    let bytes = input::read(&args.file, MAX_BUNDLE_BYTES)?;
    let bundle = Bundle::parse(&bytes).map_err(|error| {
        CliError::invalid(format!("{}: {}", input::name(&args.file), report::visible(&error.to_string())))
    })?;
    let options = Options {
        level: args.level.unwrap_or(default),
        at: evidence.at,
        quorum: evidence.quorum.as_ref(),
        key_sets: &evidence.key_sets,
    };
    let judged = bundle::verify(&bundle, &evidence.pins, &options);
    let name = args.file.display().to_string();
    let source = Source { name: &name, digest: Digest::of(&bytes) };
    if let Some(path) = &args.report {
        write(path, &report::page(&judged, &source))?;
    }
    output.result(&judged, || report::bundle_text(&judged, &source))?;
    output.say(&report::fingerprint_lines(&judged.operators));
    if let Some(path) = &args.report {
        output.say(&format!("the report is in `{}`", path.display()));
    }
    Ok(judged.verdict.into())
}

fn write(path: &Path, page: &str) -> Result<(), CliError> {
    fs::write(path, page)
        .map_err(|error| CliError::io(format!("cannot write the report `{}`: {error}", path.display())))
}
