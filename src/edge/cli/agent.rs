//! `countersign agent`: own agents that call peers' agents through the gateway.

use std::fs;

use clap::Subcommand;
use serde_json::{Value, json};

use super::output::{CliError, Exit, Output};
use super::place::Place;
use super::serve::{AgentBase, agent_bases};
use crate::edge::config::{CONFIG_FILE, Config};
use crate::edge::data_folder::DataFolder;
use crate::io::files;
use crate::io::secret_files;

const EXAMPLES: &str = "\
An agent needs no change to its code: it calls `BASE/…` instead of the peer's agent. The base URL is its identity \
towards this node, so it is kept like a password. A node that runs takes a new agent up at its next start.

Examples:
  countersign agent add booking-agent
  countersign agent list

Exit codes: 0 done, 64 wrong use or a name that is taken, 74 a file cannot be used";

/// Name own agents, and show the base URLs that they call
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
    /// Draw a secret for an agent and add it to the configuration
    Add {
        /// The agent's name, as policies and receipts see it
        name: String,
    },
    /// All agents with their base URLs, one for each outbound route
    List,
}

pub(crate) fn run(args: &Args, output: &Output) -> Result<Exit, CliError> {
    let folder = args.place.folder()?;
    match &args.command {
        Command::Add { name } => add(&folder, name, output)?,
        Command::List => show(&bases(&folder)?, output)?,
    }
    Ok(Exit::Done)
}

/// The configuration keeps its comments: the new table is put at its end, where TOML always takes one.
fn add(folder: &DataFolder, name: &str, output: &Output) -> Result<(), CliError> {
    let file = folder.path().join(CONFIG_FILE);
    let failed = |error| CliError::io(format!("cannot change `{}`: {error}", file.display()));
    let before = fs::read_to_string(&file).map_err(failed)?;
    let text = format!("{}\n\n[[agent]]\nname = \"{name}\"\nsecret_file = \"agents/{name}\"\n", before.trim_end());
    // Checked before anything is written: the name's grammar, and that it is not taken.
    let config = Config::parse(&text, folder.path()).map_err(CliError::usage)?;
    let agents = folder.path().join("agents");
    let made = files::make_folder(&agents);
    made.map_err(|error| CliError::io(format!("cannot make `{}`: {error}", agents.display())))?;
    secret_files::create(&agents.join(name))?;
    files::replace(&file, text.as_bytes()).map_err(failed)?;
    let folder = folder.clone().with_config(config);
    let added: Vec<_> = bases(&folder)?.into_iter().filter(|agent| agent.name == name).collect();
    show(&added, output)?;
    output.say("a node that runs takes it up at its next start");
    Ok(())
}

fn bases(folder: &DataFolder) -> Result<Vec<AgentBase>, CliError> {
    agent_bases(folder, &format!("http://{}", folder.config().listen.private))
}

fn show(agents: &[AgentBase], output: &Output) -> Result<(), CliError> {
    let rows: Vec<Value> = agents
        .iter()
        .map(|agent| {
            let bases: serde_json::Map<_, _> =
                agent.bases.iter().map(|(route, base)| (route.clone(), json!(base))).collect();
            json!({ "name": agent.name, "secret_file": agent.file, "base_urls": bases })
        })
        .collect();
    output.result(&json!({ "agents": rows }), || {
        let mut text = String::new();
        for agent in agents {
            text.push_str(&format!("{}  (secret in `{}`)\n", agent.name, agent.file));
            for (route, base) in &agent.bases {
                text.push_str(&format!("  calls `{route}` at {base}\n"));
            }
            if agent.bases.is_empty() {
                text.push_str("  has nothing to call: the configuration has no [[outbound]] route\n");
            }
        }
        if text.is_empty() { "no agents yet: `countersign agent add NAME`\n".to_owned() } else { text }
    })
}
