//! `countersign receipt show`: one receipt, with everything that this node knows about it.

use std::fmt::Write as _;

use serde_json::{Value, json};

use super::super::filter::find_one;
use super::super::lines::pairs;
use super::super::output::{CliError, Exit, Output};
use super::super::place::OpenNode;
use super::{read, to_json};
use crate::ground::crypto::keys::KeyId;
use crate::ground::keyset::{PinnedKeySet, SelfSignedKeySet};
use crate::ground::receipt::payload::Payload;
use crate::ground::receipt::verify::{Question, Trust, verify};
use crate::ground::report::claims_line;
use crate::ground::verdict::{Level, Verdict};
use crate::io::store::StoredReceipt;
use crate::node::bundles::Gatherer;

/// Show one receipt: what it says, the receipt itself, its place in the log and its answers
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Its digest or its id
    receipt: String,

    /// Show what opens its commitments: nonce, target and policy input
    #[arg(long)]
    opening: bool,
}

struct Shown {
    row: StoredReceipt,
    says: Payload,
    verdict: Verdict,
    log: LogState,
    answers: Vec<StoredReceipt>,
    opening: Option<Value>,
}

enum LogState {
    /// Ours, with its index and the size of the published checkpoint.
    Own { index: Option<u64>, published: u64 },
    /// Another operator's, and whether its proof is here.
    Other { proof: bool },
}

pub(super) async fn run(args: &Args, node: &OpenNode, output: &Output) -> Result<Exit, CliError> {
    let row = find_one(node, &args.receipt).await?;
    let receipt = read(&row)?;
    let gatherer = Gatherer::new(node.store.clone(), node.key_set()?);
    let proof = gatherer.proof(&row).await?;
    let key_set = pinned_key_set(node, &row).await?;
    let trust = key_set.as_ref().map_or(Trust::Unknown, Trust::Pinned);
    let level = if proof.is_some() { Level::Included } else { Level::Signed };
    let mut question = Question::offline(level, trust);
    question.proof = proof.as_ref().map(String::as_bytes);
    let says = receipt.claims().clone();
    let shown = Shown {
        verdict: verify(receipt, &question).verdict,
        log: log_state(node, &row, proof.is_some()).await?,
        answers: node.store.related(&row.digest).await?,
        opening: row.opening.as_ref().and_then(|opening| serde_json::from_slice(&opening.0).ok()),
        says,
        row,
    };
    output.result(&shown.to_json(args.opening), || shown.text(args.opening))?;
    Ok(Exit::Done)
}

/// The issuer's key set under the root key that this node pinned for it.
async fn pinned_key_set(node: &OpenNode, row: &StoredReceipt) -> Result<Option<PinnedKeySet>, CliError> {
    if row.iss == *node.folder.issuer() {
        return Ok(Some(node.key_set()?));
    }
    let Some(peer) = node.store.peer(&row.iss).await? else { return Ok(None) };
    let version = node.store.key_set(&peer.issuer, &peer.fingerprint).await?;
    let key_set = version.and_then(|version| SelfSignedKeySet::parse(version.compact.as_bytes()).ok());
    Ok(key_set.and_then(|key_set| key_set.pinned(&peer.issuer, KeyId(peer.fingerprint)).ok()))
}

async fn log_state(node: &OpenNode, row: &StoredReceipt, proof: bool) -> Result<LogState, CliError> {
    if row.iss != *node.folder.issuer() {
        return Ok(LogState::Other { proof });
    }
    let index = node.store.entry_index(&row.jti, &row.digest).await?;
    let published = node.store.published().await?.map_or(0, |published| published.head.size);
    Ok(LogState::Own { index, published })
}

impl Shown {
    fn to_json(&self, with_opening: bool) -> Value {
        let mut value = to_json(&self.row);
        let log = match self.log {
            LogState::Own { index, published } => {
                let included = index.is_some_and(|index| index < published);
                json!({ "index": index, "included": included, "checkpoint_size": published })
            }
            LogState::Other { proof } => json!({ "proof": proof }),
        };
        let answer = |row: &StoredReceipt| json!({ "kind": row.kind, "digest": row.digest, "iss": row.iss });
        if let Some(value) = value.as_object_mut() {
            value.insert("verdict".to_owned(), json!(self.verdict));
            value.insert("log".to_owned(), log);
            value.insert("answers".to_owned(), self.answers.iter().map(answer).collect());
            if with_opening {
                value.insert("opening".to_owned(), json!(self.opening));
            }
        }
        value
    }

    fn text(&self, with_opening: bool) -> String {
        let row = &self.row;
        let mut text = format!("{} of {}", row.kind, row.iss);
        if row.iss != row.aud {
            let _infallible = write!(text, " for {}", row.aud);
        }
        let _infallible = writeln!(text, "\n  {}", claims_line(&self.says));
        text.push_str(&pairs(&[
            ("id", row.jti.to_string()),
            ("digest", row.digest.to_string()),
            ("issued", row.iat.to_string()),
            ("evidence", format!("{} at level {}", self.verdict.verdict, self.verdict.level)),
            ("log", self.log_words()),
            ("answers", row.relates_to.map(|digest| format!("the decision {digest}")).unwrap_or_default()),
        ]));
        for answer in &self.answers {
            let _infallible = writeln!(text, "  answered by {} {} of {}", answer.kind, answer.jti, answer.iss);
        }
        let _infallible = write!(text, "\nwhat it says\n{}\n\nthe receipt\n{}\n", pretty(&self.says), row.compact);
        match &self.opening {
            Some(opening) if with_opening => {
                let _infallible = write!(text, "\nwhat opens its commitments\n{}\n", pretty(opening));
            }
            Some(_) => text.push_str("\nwhat opens its commitments is stored (--opening shows it)\n"),
            None => {}
        }
        text
    }

    fn log_words(&self) -> String {
        match self.log {
            LogState::Own { index: Some(index), published } if index < published => {
                format!("entry {index}, in the published checkpoint of {published}")
            }
            LogState::Own { index: Some(index), .. } => format!("entry {index}, in no published checkpoint yet"),
            LogState::Own { index: None, .. } => "waits for its index".to_owned(),
            LogState::Other { proof: true } => "its issuer's; the proof is here".to_owned(),
            LogState::Other { proof: false } => "its issuer's; no proof is here yet".to_owned(),
        }
    }
}

fn pretty(value: &impl serde::Serialize) -> String {
    serde_json::to_string_pretty(value).unwrap_or_default()
}
