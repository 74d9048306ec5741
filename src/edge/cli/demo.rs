//! `countersign demo`: the whole loop on this machine, told as it happens.

use std::path::Path;

use serde_json::{Value, json};

use super::output::{CliError, Exit, Output};
use super::place::block_on;
use super::serve::{Signals, agent_bases};
use crate::edge::demo::{self, EVIDENCE_FILE, Ending, Operator, REPORT_FILE, Stage, Step, Told};

const EXAMPLES: &str = "\
Examples:
  countersign demo
  countersign demo --keep        the nodes run on, to look around in

Everything is real and local: two nodes with their own keys, policies and embedded databases in a temporary folder, \
on free loopback ports. The folder is removed at the end.

Exit codes: 0 every step came out as told, 1 one did not, 74 the temporary folder or a port cannot be used";

/// Two operators whose agents call each other, and what evidence does about it; takes a few seconds
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Args {
    /// Leave the nodes running until Ctrl-C, and print what to try
    #[arg(long)]
    keep: bool,
}

pub(crate) fn run(args: &Args, output: &Output) -> Result<Exit, CliError> {
    let place = tempfile::Builder::new().prefix("countersign-demo-").tempdir();
    let place = place.map_err(|error| CliError::io(format!("cannot make a temporary folder: {error}")))?;
    block_on(show(args, place.path(), output))
}

async fn show(args: &Args, place: &Path, output: &Output) -> Result<Exit, CliError> {
    let mut signals = Signals::new()?;
    let mut tell = |told: Told<'_>| tell(&told, output);
    let told = tokio::select! {
        told = demo::run(place, args.keep, &mut tell) => told.map_err(CliError::io)?,
        () = signals.next() => return Err(CliError::not_ready("the demo was cut short")),
    };
    let Ending { steps, kept } = told;
    let as_told = steps.iter().all(|step| step.as_told);
    let exit = if as_told { Exit::Done } else { Exit::Invalid };
    finish(&steps, kept.as_ref(), place, output)?;
    let Some(stage) = kept else { return Ok(exit) };
    signals.next().await;
    let Stage { atlas, birch, .. } = stage;
    tokio::join!(atlas.server.shutdown(), birch.server.shutdown());
    Ok(exit)
}

/// One line at a time, while it happens. With --json the whole story comes at its end.
fn tell(told: &Told<'_>, output: &Output) {
    if output.is_json() {
        return;
    }
    let text = match told {
        Told::Setting(stage) => setting(stage),
        Told::Begins(number, title) => format!("{number:2}  {title}\n"),
        Told::Line(who, what) => format!("    {who:8} {what}\n"),
        Told::Ended(step) => ended(step),
    };
    // A closed standard output must not change how the story ends.
    let _unheard = output.bytes(text.as_bytes());
}

fn setting(stage: &Stage) -> String {
    let line = |operator: &Operator, agent: &str| {
        format!(
            "    {:13} {}  agent `{agent}`\n                  root key {}\n",
            operator.name,
            operator.issuer(),
            operator.fingerprint
        )
    };
    format!(
        "\nTwo companies whose agents call each other. Neither has to believe the other.\n\n{}{}\
         \x20   Each has its own keys, policy, database and log, and pinned the other's root key.\n\n",
        line(&stage.atlas, "travel-desk"),
        line(&stage.birch, "booking"),
    )
}

fn ended(step: &Step) -> String {
    if step.as_told {
        return "    ✓\n\n".to_owned();
    }
    let otherwise: Vec<String> = step.otherwise.iter().map(|what| format!("    ✗ {what}\n")).collect();
    otherwise.concat() + "\n"
}

fn finish(steps: &[Step], kept: Option<&Stage>, place: &Path, output: &Output) -> Result<(), CliError> {
    let as_told = steps.iter().filter(|step| step.as_told).count();
    let value = json!({
        "as_told": as_told == steps.len(),
        "steps": steps,
        "kept": kept.map(|stage| kept_json(stage, place)).transpose()?,
    });
    output.result(&value, || {
        let count = steps.len();
        let words = if as_told == count {
            format!("All {count} steps came out as told.\n")
        } else {
            format!("{} of {count} steps did NOT come out as told.\n", count - as_told)
        };
        words + &kept.map(|stage| try_this(stage, place)).unwrap_or_default()
    })?;
    if kept.is_none() {
        output.say("The same with the nodes left running, to look around in: countersign demo --keep");
    }
    Ok(())
}

fn kept_json(stage: &Stage, place: &Path) -> Result<Value, CliError> {
    let operator = |operator: &Operator| -> Result<Value, CliError> {
        let agents = agent_bases(&operator.folder, &operator.private())?;
        let agents = agents.into_iter().map(|agent| json!({ "name": agent.name, "base_urls": agent.bases }));
        Ok(json!({
            "name": operator.name,
            "issuer": operator.issuer(),
            "fingerprint": operator.fingerprint,
            "private": operator.private(),
            "config": operator.folder.path(),
            "agents": agents.collect::<Vec<_>>(),
        }))
    };
    Ok(json!({
        "atlas": operator(&stage.atlas)?,
        "birch": operator(&stage.birch)?,
        "evidence": place.join(EVIDENCE_FILE),
        "report": place.join(REPORT_FILE),
    }))
}

fn try_this(stage: &Stage, place: &Path) -> String {
    let (atlas, birch) = (stage.atlas.folder.path().display(), stage.birch.folder.path().display());
    let base = agent_bases(&stage.atlas.folder, &stage.atlas.private()).ok();
    let base = base.and_then(|agents| Some(agents.first()?.bases.first()?.1.clone())).unwrap_or_default();
    let trust = format!(
        "--trust {}={} --trust {}={}",
        stage.atlas.issuer(),
        stage.atlas.fingerprint,
        stage.birch.issuer(),
        stage.birch.fingerprint
    );
    let message = json!({ "role": "ROLE_USER", "messageId": "try-1", "parts": [{ "text": "A room, please." }], "metadata": { "amount": 120 } });
    // Whoever came by `cargo run` has no `countersign` on the path.
    let program = std::env::current_exe().map_or("countersign".to_owned(), |path| path.display().to_string());
    let call = json!({ "jsonrpc": "2.0", "id": 1, "method": "SendMessage", "params": { "message": message } });
    format!(
        "\nThe nodes run on. In another terminal (change the amount to 900, 1800 or 9000):\n\
         \n  curl -s {base}/rpc -H 'content-type: application/json' -d '{call}'\n\
         \n  {program} receipt tail --follow --config {atlas}\n\
         \x20 {program} receipt find --effect deny --config {birch}\n\
         \x20 {program} policy eval --in-force --config {atlas} --subject Agent:travel-desk --action respond --resource User:ana\n\
         \x20 {program} log fsck --config {birch}\n\
         \x20 {program} bundle verify {evidence} {trust}\n\
         \nThe auditor's page: {report}\n\
         \nCtrl-C ends both nodes and removes {place}.\n",
        evidence = place.join(EVIDENCE_FILE).display(),
        report = place.join(REPORT_FILE).display(),
        place = place.display(),
    )
}
