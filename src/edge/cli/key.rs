//! `countersign key`: the operator's online keys, and their end by the root key.

mod change;
mod list;

use std::path::PathBuf;

use clap::Subcommand;

use super::output::{CliError, Exit, Output};
use super::place::{Place, block_on};
use crate::edge::data_folder::KeyChange;
use crate::ground::crypto::keys::{KeyId, KeyUse};
use crate::ground::limits::MAX_NAME_CHARS;

const EXAMPLES: &str = "\
Examples:
  countersign key list
  countersign key rotate receipt --root /media/safe/root.jwk
  countersign key revoke r4thRn8K… --reason stolen --root /media/safe/root.jwk

Keys change while the node is ended: what it signed with a replaced key would count nowhere. The root key is read, and \
kept nowhere; a stick that knows no file modes is mounted so that only you can read it (`umask=077`).

Peers learn of a new key set when they look next: as often as their `peers.refresh_s` says, by default every five \
minutes, and at once when something comes under a receipt key that they do not know. An old key's private file is kept \
beside the new one, and nothing needs it any more.

Exit codes: 0 done, 1 another root key, or a key set that is not the latest, 64 wrong use or no such key, 74 a file or \
the store cannot be used, 75 the node runs, or the clock is behind the key set";

/// List, replace and revoke the keys that the node signs with
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Args {
    #[command(subcommand)]
    command: Command,

    #[command(flatten)]
    place: Place,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// The key set, and where its active keys are
    List,
    /// Replace a key; what the old one signed stays good
    ///
    /// A new log or cosigning key goes on with the same log. Whoever wrote the old verifier key down, such as a witness
    /// or an auditor's quorum file, has to add the new one, which is printed.
    Rotate {
        /// What it signs
        #[arg(value_name = "USE", value_parser = usage, help = "What it signs: `receipt`, `log`, `cosign` or `http`")]
        usage: KeyUse,

        #[command(flatten)]
        root: Root,
    },
    /// Trust a key no more, and replace it if the node signs with it
    ///
    /// What a revoked key signed counts only where witnesses dated it before the revocation. A key that is merely old
    /// is rotated instead.
    Revoke {
        /// The key, as `key list` shows it
        kid: KeyId,

        /// Why, such as `stolen` or `exposed`: counterparties read it
        #[arg(long, value_name = "TEXT", value_parser = reason)]
        reason: String,

        #[command(flatten)]
        root: Root,
    },
}

#[derive(Debug, clap::Args)]
struct Root {
    /// The root key, as `init` wrote it
    #[arg(long = "root", value_name = "FILE")]
    file: PathBuf,
}

fn usage(text: &str) -> Result<KeyUse, String> {
    let found = KeyUse::ALL.into_iter().find(|usage| usage.as_str() == text);
    found.ok_or_else(|| "expected `receipt`, `log`, `cosign` or `http`".to_owned())
}

fn reason(text: &str) -> Result<String, String> {
    let fits = !text.is_empty() && text.chars().count() <= MAX_NAME_CHARS && !text.chars().any(char::is_control);
    if fits { Ok(text.to_owned()) } else { Err(format!("expected 1 to {MAX_NAME_CHARS} printable characters")) }
}

pub(crate) fn run(args: Args, output: &Output) -> Result<Exit, CliError> {
    let folder = args.place.folder()?;
    let (change, root) = match args.command {
        Command::List => return list::run(&folder, output),
        Command::Rotate { usage, root } => (KeyChange::Rotate(usage), root),
        Command::Revoke { kid, reason, root } => (KeyChange::Revoke { kid, reason }, root),
    };
    block_on(change::run(&folder, &change, &root.file, output))
}
