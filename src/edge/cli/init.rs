//! `countersign init`: a new node's data folder.

use std::fmt::Write as _;
use std::net::SocketAddr;
use std::path::PathBuf;

use serde_json::json;

use super::evidence;
use super::output::{CliError, Exit, Output};
use super::place::{DEFAULT_FOLDER, block_on};
use crate::edge::data_folder::{Created, DataFolder, InitOptions};
use crate::ground::name::Issuer;
use crate::io::clock::Clock;

const EXAMPLES: &str = "\
Examples:
  countersign init --dev                                     try it on this machine, to be thrown away
  countersign init --issuer https://agents.example node      a node for agents.example, in the folder `node`

Exit codes: 0 made, 64 wrong use (also when the folder is taken), 74 it cannot be written";

/// Make a new node: keys, key set, configuration, a starter policy and an empty store
///
/// The issuer and the log origin are permanent: every receipt names them, and counterparties pin the root key for them.
/// The root key is written to `root.jwk` in the folder and belongs offline: it alone can replace the other keys.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Args {
    /// The folder to make; it must not exist yet, or be empty
    #[arg(default_value = DEFAULT_FOLDER)]
    folder: PathBuf,

    /// The operator's permanent name: the https origin at which counterparties reach the node
    #[arg(long, value_name = "ORIGIN", value_parser = evidence::issuer, required_unless_present = "dev")]
    issuer: Option<Issuer>,

    /// A disposable identity on this machine's loopback address, which nobody else can reach or should trust
    #[arg(long, conflicts_with_all = ["issuer", "log_origin"])]
    dev: bool,

    /// Where the public listener shall listen
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:7400")]
    public: SocketAddr,

    /// Where the private listener shall listen
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:7401")]
    private: SocketAddr,

    /// The log's permanent name; by default the issuer's host and `/log`
    #[arg(long, value_name = "NAME")]
    log_origin: Option<String>,
}

pub(crate) fn run(args: &Args, output: &Output) -> Result<Exit, CliError> {
    let issuer = match &args.issuer {
        Some(issuer) => issuer.clone(),
        None => dev_issuer(args.public)?,
    };
    let options = InitOptions {
        issuer,
        public: args.public,
        private: args.private,
        log_origin: args.log_origin.clone(),
        at: Clock::system().now(),
    };
    let created = block_on(async { Ok(DataFolder::create(&args.folder, &options).await?) })?;
    let origin = created.folder.key_set()?.document().log.origin.clone();
    let value = json!({
        "folder": created.folder.path(),
        "issuer": created.folder.issuer(),
        "log_origin": origin,
        "fingerprint": created.fingerprint,
        "root_key": created.root_key_file,
        "dev": args.dev,
    });
    output.result(&value, || text(&created, &origin))?;
    output.say(&if args.dev { dev_words(&created) } else { words(&created) });
    Ok(Exit::Done)
}

fn dev_issuer(public: SocketAddr) -> Result<Issuer, CliError> {
    if public.port() == 0 {
        return Err(CliError::usage("--dev needs a fixed port in --public, because the issuer names it"));
    }
    format!("http://{public}").parse().map_err(|_| CliError::usage("--dev needs a loopback address in --public"))
}

fn text(created: &Created, origin: &str) -> String {
    super::lines::pairs(&[
        ("folder", created.folder.path().display().to_string()),
        ("issuer", created.folder.issuer().to_string()),
        ("log origin", origin.to_owned()),
        ("fingerprint", created.fingerprint.to_string()),
        ("root key", created.root_key_file.display().to_string()),
    ])
}

fn dev_words(created: &Created) -> String {
    let folder = created.folder.path().display();
    format!(
        "\nThis identity is for trying things out: it lives on loopback, and its root key lies beside its other keys. \
         Throw the folder away when you are done.\n\nnext:\n  countersign serve --config {folder}\n"
    )
}

fn words(created: &Created) -> String {
    let (folder, root) = (created.folder.path().display(), created.root_key_file.display());
    let mut words = String::from(
        "\nPermanent from now on: the issuer and the log origin. Every receipt names them, and counterparties pin the \
         fingerprint for them. If one of them is wrong, remove the folder and begin again before the first receipt.\n",
    );
    let _infallible = write!(
        words,
        "\nThe root key is `{root}`. It signs key sets and nothing else, and no running node needs it. Whoever has it \
         is you; whoever loses it can never replace a stolen key.\n\
         \x20 1. copy it to two places that are not online, such as two encrypted sticks in two safes\n\
         \x20 2. read both copies back, then remove it here: shred -u {root}\n\
         \nnext:\n\
         \x20 edit {folder}/countersign.toml (listen addresses, TLS or the proxy in front, routes)\n\
         \x20 countersign doctor --config {folder}\n\
         \x20 countersign serve --config {folder}\n"
    );
    words
}
