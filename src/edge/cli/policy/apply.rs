//! `countersign policy apply`: the working copy becomes the policy in force.

use std::sync::Arc;

use serde_json::json;

use super::super::output::{CliError, Exit, Output};
use super::super::place::{OpenNode, Place};
use super::load;
use crate::edge::server::settings;
use crate::ground::name::Code;
use crate::node::issuer::ReceiptIssuer;
use crate::node::policies::{Applied, Policies};
use crate::node::sequencer::Sequencer;
use crate::node::write_path::WritePath;

pub(super) async fn run(place: &Place, output: &Output) -> Result<Exit, CliError> {
    let node = place.open().await?;
    // Every fault at once, and before anything is opened for writing.
    load(&node.folder.policy_folder())?;
    let done = apply(&node, output).await;
    node.close().await;
    done
}

async fn apply(node: &OpenNode, output: &Output) -> Result<Exit, CliError> {
    let _keys = node.folder.hold_keys()?;
    let operator = Arc::new(node.folder.operator()?);
    let head_file = Some(node.folder.head_file());
    let (store, clock) = (node.store.clone(), node.clock.clone());
    let mut sequencer = Sequencer::open(store.clone(), operator.clone(), clock.clone(), head_file).await?;
    let (head, caught_up) = (sequencer.published(), sequencer.caught_up());
    let within = settings(node.folder.config()).include_within_s;
    let (writes, _writer) = WritePath::start(store.clone(), clock.clone());
    let issuer = ReceiptIssuer::new(operator, writes, clock, head, within, caught_up);
    let files = node.folder.policy_files()?;
    let before = store.current_epoch().await?;
    let policies = Policies::open(store.clone(), &issuer, || Ok(files.clone())).await?;
    let applied = policies.apply(&issuer, files, &Code::registered("cli")).await?;
    let active = policies.active();
    let (number, epoch) = (active.number, active.engine.epoch());
    let begun = before.is_none_or(|before| before.digest != epoch);
    let value = json!({ "epoch": epoch, "number": number, "changed": begun });
    output.result(&value, || {
        let words = if begun { "in force" } else { "in force already: nothing changed" };
        format!("epoch {number} is {words}\n{epoch}\n")
    })?;
    if let Applied::Begun { receipt, .. } = applied {
        output.say(&format!("receipt {} says so", receipt.payload.jti()));
    }
    // Where no node runs, nobody else would take the receipt into the log by the time that it promises.
    sequencer.step().await?;
    Ok(Exit::Done)
}
