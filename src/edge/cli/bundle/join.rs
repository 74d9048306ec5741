//! `countersign bundle join`: both sides' halves in one file.

use std::path::PathBuf;

use serde_json::json;

use super::super::input;
use super::super::output::{CliError, Exit, Output};
use super::create::write_new;
use crate::ground::bundle::Bundle;
use crate::ground::crypto::hash::Digest;
use crate::ground::limits::MAX_BUNDLE_BYTES;
use crate::ground::report::visible;

/// Put several bundles into one, such as the halves of a call that each side handed over
///
/// Each receipt stands once, with the proofs and openings of either file. Nothing is checked: `bundle verify` does
/// that.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The bundles, two or more
    #[arg(required = true, num_args = 2..)]
    files: Vec<PathBuf>,

    /// The file to write, which must not exist yet; by default standard output
    #[arg(long, short, value_name = "FILE")]
    out: Option<PathBuf>,
}

pub(crate) fn run(args: &Args, output: &Output) -> Result<Exit, CliError> {
    let mut joined: Option<Bundle> = None;
    for path in &args.files {
        let bytes = input::read(path, MAX_BUNDLE_BYTES)?;
        let refused = |error: &dyn std::fmt::Display| {
            CliError::invalid(format!("{}: {}", input::name(path), visible(&error.to_string())))
        };
        let bundle = Bundle::parse(&bytes).map_err(|error| refused(&error))?;
        match &mut joined {
            None => joined = Some(bundle),
            Some(joined) => joined.join(bundle).map_err(|error| refused(&error))?,
        }
    }
    let Some(joined) = joined else { return Err(CliError::usage("there is nothing to join")) };
    let bytes = joined.to_bytes().map_err(CliError::usage)?;
    let Some(path) = &args.out else {
        output.bytes(&bytes)?;
        return Ok(Exit::Done);
    };
    write_new(path, &bytes)?;
    let receipts = joined.items().len();
    let value = json!({ "file": path, "sha256": Digest::of(&bytes), "receipts": receipts });
    output.result(&value, || format!("{receipts} receipts in `{}`\n", path.display()))?;
    Ok(Exit::Done)
}
