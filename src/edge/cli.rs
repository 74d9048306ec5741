//! The command line. One file for each command, each with its `Args` and its `run`.
//!
//! The result goes to standard output, words about it to standard error, and the exit code says how it came out
//! ([`Exit`]). With `--json` the result is one JSON document. Out of scope: what the commands do, which is below.

mod agent;
mod bundle;
mod canonicalize;
mod demo;
mod doctor;
mod evidence;
mod fault;
mod filter;
mod init;
mod input;
mod key;
mod lines;
mod log;
mod output;
mod peer;
mod place;
mod policy;
mod receipt;
mod serve;
mod token;
mod verify;

use std::ffi::OsString;
use std::process::ExitCode;

use clap::error::ErrorKind;
use clap::{Parser, Subcommand};

pub use output::Exit;
use output::{CliError, Output};

use crate::ground::crypto::hash::Digest;

const EXIT_CODES: &str = "\
Exit codes:
   0  valid, or done
   1  invalid: the evidence, or the document, does not hold
   2  undetermined: nothing is refuted, but something needed to confirm it is missing, such as a pin
  64  the command was used wrongly
  70  a fault inside countersign
  74  a file or a connection could not be read or written
  75  not ready: try again later";

/// Signed, logged and checkable evidence of what AI agents of different operators did.
#[derive(Debug, Parser)]
#[command(name = "countersign", version, about, after_help = EXIT_CODES, arg_required_else_help = true)]
struct Cli {
    /// Print the result as one JSON document
    #[arg(long, global = true)]
    json: bool,

    #[command(subcommand)]
    command: Command,
}

/// Adding a command: a file with `Args` and `run`, a variant here, a line in [`run`].
#[derive(Debug, Subcommand)]
enum Command {
    Demo(demo::Args),
    Init(init::Args),
    Serve(serve::Args),
    Peer(peer::Args),
    Token(token::Args),
    Agent(agent::Args),
    Key(key::Args),
    Policy(policy::Args),
    Receipt(receipt::Args),
    Log(log::Args),
    Doctor(doctor::Args),
    Bundle(bundle::Args),
    Verify(verify::Args),
    Canonicalize(canonicalize::Args),
}

fn run(command: Command, output: &Output) -> Result<Exit, CliError> {
    match command {
        Command::Demo(args) => demo::run(&args, output),
        Command::Init(args) => init::run(&args, output),
        Command::Serve(args) => serve::run(&args, output),
        Command::Peer(args) => peer::run(args, output),
        Command::Token(args) => token::run(args, output),
        Command::Agent(args) => agent::run(&args, output),
        Command::Key(args) => key::run(args, output),
        Command::Policy(args) => policy::run(args, output),
        Command::Receipt(args) => receipt::run(&args, output),
        Command::Log(args) => log::run(&args, output),
        Command::Doctor(args) => doctor::run(&args, output),
        Command::Bundle(args) => bundle::run(args, output),
        Command::Verify(args) => verify::run(&args, output),
        Command::Canonicalize(args) => canonicalize::run(&args, output),
    }
}

/// Runs one command line, the program's name first, to its end.
pub fn main(arguments: impl IntoIterator<Item = OsString>) -> ExitCode {
    let cli = match Cli::try_parse_from(digests_last(arguments)) {
        Ok(cli) => cli,
        Err(error) => return usage(&error).into(),
    };
    let output = Output::new(cli.json);
    let exit = match run(cli.command, &output) {
        Ok(exit) => exit,
        Err(error) => {
            output.complain(&error);
            error.exit()
        }
    };
    exit.into()
}

/// Options whose values may look like digests. Each takes values that begin with a hyphen.
const OPTIONS_WITH_IDS: [&str; 4] = ["--fingerprint", "--session", "--subject", "--resource"];

/// One digest in 64 begins with a hyphen, and would be taken for an option. The parser does not look for options behind
/// `--`, so such digests go there; the value of an option stays where it is.
fn digests_last(arguments: impl IntoIterator<Item = OsString>) -> Vec<OsString> {
    let (mut first, mut digests) = (Vec::new(), Vec::new());
    for argument in arguments {
        let digest = argument.to_str().is_some_and(|text| text.starts_with('-') && Digest::parse(text).is_ok());
        let before = first.last().and_then(|before: &OsString| before.to_str());
        let is_value = before.is_some_and(|before| OPTIONS_WITH_IDS.contains(&before));
        let list = if digest && !is_value { &mut digests } else { &mut first };
        list.push(argument);
    }
    if !digests.is_empty() && !first.iter().any(|argument| argument == "--") {
        first.push("--".into());
    }
    first.extend(digests);
    first
}

/// Help and version are answers; everything else that the parser has to say is wrong use, for which the code is 64 here
/// and 2 in the parser's own mind.
fn usage(error: &clap::Error) -> Exit {
    // Nothing is left to be told to whoever closed both outputs.
    let _unheard = error.print();
    match error.kind() {
        ErrorKind::DisplayHelp | ErrorKind::DisplayVersion => Exit::Done,
        _ => Exit::Usage,
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;

    #[test]
    fn the_arguments_contradict_nothing() {
        Cli::command().debug_assert();
    }

    #[test]
    fn a_digest_may_begin_like_an_option() {
        let digest = "-oH0vN5cCPlfUZqmXoZ5zp3o9y5e8Aq8bqmuVBYLVZs";
        let lines: [&[&str]; 10] = [
            &["receipt", "show", digest, "--json"],
            &["receipt", "show", "--json", digest],
            &["receipt", "show", "--", digest],
            &["log", "proof", digest],
            &["policy", "show", digest],
            &["bundle", "create", digest, "--out", "file.json"],
            &["bundle", "create", "--withhold-openings", digest, digest, "-o", "file.json", digest],
            &["peer", "add", "https://b.example", "--fingerprint", digest],
            &["receipt", "find", "--session", digest, "--subject", digest, "--resource", digest],
            &["key", "revoke", digest, "--reason", "stolen", "--root", "root.jwk"],
        ];
        for line in lines {
            let arguments = [&["countersign"], line].concat();
            let parsed = Cli::try_parse_from(digests_last(arguments.iter().map(OsString::from)));
            let parsed = format!("{:?}", parsed.unwrap_or_else(|error| panic!("{line:?}: {error}")));
            let count = line.iter().filter(|word| **word == digest).count();
            assert_eq!(parsed.matches(digest).count(), count, "{line:?}: {parsed}");
            assert_eq!(parsed.contains("out: Some(\"file.json\")"), line.contains(&"file.json"), "{line:?}: {parsed}");
        }
    }
}
