//! `countersign canonicalize`: the canonical form of a JSON document.

use std::path::PathBuf;

use serde_json::json;

use super::input;
use super::output::{CliError, Exit, Output};
use crate::ground::canonical::{self, ReadError, Rules};
use crate::ground::crypto::hash::Digest;
use crate::ground::limits::MAX_CANONICALIZE_BYTES;

/// Write JSON in its canonical form
///
/// Reads the document strictly (I-JSON, RFC 7493) and writes it as RFC 8785 says, without a line end. What other
/// readers repair or hide is refused with its place: duplicate names, a byte order mark, lone surrogates, trailing
/// bytes.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The document; `-` is standard input
    #[arg(default_value = "-")]
    file: PathBuf,
}

pub(crate) fn run(args: &Args, output: &Output) -> Result<Exit, CliError> {
    let bytes = input::read(&args.file, MAX_CANONICALIZE_BYTES)?;
    let refused = |error: ReadError| CliError::invalid(format!("{}: {error}", input::name(&args.file)));
    let document = canonical::parse(&bytes, &Rules::json(MAX_CANONICALIZE_BYTES)).map_err(refused)?;
    let form = canonical::to_vec(&document).map_err(CliError::internal)?;
    if output.is_json() {
        let text = String::from_utf8(form).map_err(CliError::internal)?;
        let digest = Digest::of(text.as_bytes());
        output.json(&json!({"canonical": text, "sha256": digest}))?;
    } else {
        output.bytes(&form)?;
    }
    Ok(Exit::Done)
}
