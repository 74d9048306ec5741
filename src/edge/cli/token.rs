//! `countersign token`: who may use the private listener.

use clap::Subcommand;
use serde_json::{Value, json};

use super::lines::columns;
use super::output::{CliError, Exit, Output};
use super::place::{OpenNode, Place, block_on};
use crate::node::tokens::{Role, Tokens, UnknownRole};

const EXAMPLES: &str = "\
Roles: decide (ask for decisions, record them and outcomes), accept (take in others' receipts), verify, read (search
receipts, proofs, peers), metrics, admin (all of it)

Examples:
  countersign token add booking-runtime --role decide       prints the token, once
  countersign token list
  countersign token remove booking-runtime                  takes effect at once

A program shows its token as `Authorization: Bearer cst_…`.

Exit codes: 0 done, 64 wrong use, a name that is taken or unknown, 74 the store cannot be used";

/// Make and revoke bearer tokens of the private listener
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
    /// Make a token and print it: only its hash is stored, so nobody can show it again
    Add {
        /// Your name for it
        name: String,

        /// What it may do
        #[arg(long, value_parser = role)]
        role: Role,
    },
    /// All tokens, without their secrets
    List,
    /// Revoke a token at once
    Remove {
        /// Its name
        name: String,
    },
}

fn role(text: &str) -> Result<Role, String> {
    text.parse().map_err(|error: UnknownRole| error.to_string())
}

pub(crate) fn run(args: Args, output: &Output) -> Result<Exit, CliError> {
    block_on(async {
        let node = args.place.open().await?;
        let done = act(args.command, &node, output).await;
        node.close().await;
        done
    })
}

async fn act(command: Command, node: &OpenNode, output: &Output) -> Result<Exit, CliError> {
    let tokens = Tokens::new(node.store.clone(), node.clock.clone());
    match command {
        Command::Add { name, role } => {
            let token = tokens.create(&name, role).await?;
            let value = json!({ "name": name, "role": role.as_str(), "token": token });
            output.result(&value, || format!("{token}\n"))?;
            output.say("keep it like a password: it is not shown again");
        }
        Command::List => list(&tokens, output).await?,
        Command::Remove { name } => {
            if !tokens.revoke(&name).await? {
                return Err(CliError::usage(format!("there is no token named `{name}`")));
            }
            output.result(&json!({ "removed": name }), || format!("removed `{name}`\n"))?;
        }
    }
    Ok(Exit::Done)
}

async fn list(tokens: &Tokens, output: &Output) -> Result<(), CliError> {
    let tokens = tokens.list().await?;
    let rows: Vec<Value> = tokens
        .iter()
        .map(|token| json!({ "name": token.name, "role": token.role, "created": token.created }))
        .collect();
    output.result(&json!({ "tokens": rows }), || {
        if tokens.is_empty() {
            return "no tokens yet: `countersign token add NAME --role decide`\n".to_owned();
        }
        let line =
            |token: &crate::io::store::Token| [token.name.clone(), token.role.clone(), token.created.to_string()];
        columns(["NAME", "ROLE", "CREATED"], &tokens.iter().map(line).collect::<Vec<_>>())
    })
}
