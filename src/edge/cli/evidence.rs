//! The arguments that say whom to trust and what to demand, shared by the commands that judge evidence offline.

use std::path::{Path, PathBuf};

use super::input;
use super::output::CliError;
use crate::ground::discovery::DiscoveryDocument;
use crate::ground::keyset::SelfSignedKeySet;
use crate::ground::limits::{MAX_DISCOVERY_BYTES, MAX_QUORUM_BYTES, MAX_TRUST_BYTES};
use crate::ground::log::witness::Quorum;
use crate::ground::name::{Issuer, Timestamp};
use crate::ground::trust::Pins;
use crate::ground::utc;
use crate::ground::verdict::Level;

/// Whom to trust, and what to demand.
#[derive(Debug, clap::Args)]
pub(super) struct EvidenceArgs {
    /// Pin an operator's root key: what you compared with the operator, not what came with the evidence
    #[arg(long = "trust", value_name = "ISSUER=FINGERPRINT", help_heading = "Trust")]
    trust: Vec<String>,

    /// A file of pins, one a line, with `#` comments
    #[arg(long, value_name = "FILE", help_heading = "Trust")]
    trust_file: Vec<PathBuf>,

    /// A key set of an operator, or its document of /.well-known/countersign; it counts only under a pin
    #[arg(long, value_name = "FILE", help_heading = "Trust")]
    key_set: Vec<PathBuf>,

    /// The witnesses whose cosignatures are enough, as a C2SP tlog-policy file
    #[arg(long, value_name = "FILE", help_heading = "Trust")]
    quorum: Option<PathBuf>,

    /// The time at which it must be valid: seconds since 1970, or such as 2027-01-15T08:00:00Z
    #[arg(long, value_name = "TIME", value_parser = utc::parse)]
    at: Option<Timestamp>,
}

/// The same, read.
#[derive(Debug)]
pub(super) struct Evidence {
    pub(super) pins: Pins,
    pub(super) key_sets: Vec<String>,
    pub(super) quorum: Option<Quorum>,
    pub(super) at: Option<Timestamp>,
}

impl EvidenceArgs {
    pub(super) fn read(&self) -> Result<Evidence, CliError> {
        let mut pins = Pins::default();
        for pin in &self.trust {
            pins.insert_text(pin).map_err(|error| CliError::usage(format!("--trust: {error}")))?;
        }
        for path in &self.trust_file {
            let text = input::read_text(path, MAX_TRUST_BYTES)?;
            let refused = |error| CliError::usage(format!("{}: {error}", input::name(path)));
            pins.insert_file(&text).map_err(refused)?;
        }
        let mut key_sets = Vec::with_capacity(self.key_set.len());
        for path in &self.key_set {
            key_sets.push(key_set(path)?);
        }
        let quorum = self.quorum.as_ref().map(|path| {
            let text = input::read_text(path, MAX_QUORUM_BYTES)?;
            text.parse().map_err(|error| CliError::usage(format!("{}: {error}", input::name(path))))
        });
        Ok(Evidence { pins, key_sets, quorum: quorum.transpose()?, at: self.at })
    }
}

/// A key set, compact or in the document that names it. A file that was meant to be one and is none would otherwise
/// count as none given.
fn key_set(path: &Path) -> Result<String, CliError> {
    let bytes = input::read_compact(path, MAX_DISCOVERY_BYTES)?;
    let document = serde_json::from_slice::<DiscoveryDocument>(&bytes).ok();
    let text = document.map_or_else(|| String::from_utf8_lossy(&bytes).into_owned(), |document| document.key_set);
    let help = "expected a key set in its compact form, or the document of /.well-known/countersign that holds it";
    let refused = |error| CliError::usage(format!("{}: {error}", input::name(path))).with_help(help);
    SelfSignedKeySet::parse(text.as_bytes()).map_err(refused)?;
    Ok(text)
}

/// Reads a level.
pub(super) fn level(text: &str) -> Result<Level, String> {
    text.parse().map_err(|error: crate::ground::verdict::UnknownLevel| error.to_string())
}

/// Reads an issuer.
pub(super) fn issuer(text: &str) -> Result<Issuer, String> {
    text.parse().map_err(|error: crate::ground::name::NameError| error.to_string())
}

#[cfg(test)]
mod tests {
    use super::super::output::Exit;
    use super::*;
    use crate::ground::keyset::{sign, tests as ours};

    #[test]
    fn a_key_set_is_taken_as_it_is_or_out_of_its_document_and_nothing_else_is_one() {
        let signed = sign(&ours::document(), &ours::root()).unwrap();
        let document = serde_json::to_string(&DiscoveryDocument::of(&signed, Vec::new()).unwrap()).unwrap();
        let folder = tempfile::tempdir().unwrap();
        let read = |text: &str| {
            let path = folder.path().join("file");
            std::fs::write(&path, text).unwrap();
            key_set(&path)
        };
        for good in [signed.compact().to_owned(), format!("{}\n", signed.compact()), document.clone()] {
            assert_eq!(read(&good).ok().as_deref(), Some(signed.compact()), "{good}");
        }
        for bad in ["", "{}", "a.b.c", &document.replace("ey", "ez")] {
            assert_eq!(read(bad).unwrap_err().exit(), Exit::Usage, "{bad}");
        }
    }
}
