//! `countersign key list`: the key set, and where its active keys are.

use std::path::PathBuf;

use serde_json::{Value, json};

use super::super::lines::{columns, pairs};
use super::super::output::{CliError, Exit, Output};
use crate::edge::data_folder::DataFolder;
use crate::ground::keyset::{KeyEntry, KeyState, SelfSignedKeySet};
use crate::ground::report::visible;

pub(super) fn run(folder: &DataFolder, output: &Output) -> Result<Exit, CliError> {
    let key_set = folder.key_set()?;
    let keys: Vec<_> = key_set.document().keys.iter().map(|entry| (entry, file_of(folder, entry))).collect();
    let rows: Vec<Value> = keys.iter().map(|(entry, file)| with_file(entry, file.as_ref())).collect();
    let document = key_set.document();
    let value = json!({
        "issuer": document.iss,
        "number": document.number,
        "of": document.iat,
        "digest": key_set.digest(),
        "fingerprint": key_set.fingerprint(),
        "log": document.log,
        "keys": rows,
    });
    output.result(&value, || text(&key_set, &keys))?;
    Ok(Exit::Done)
}

/// Only an active key has to be anywhere.
fn file_of(folder: &DataFolder, entry: &KeyEntry) -> Option<PathBuf> {
    folder.file_of(entry.usage, entry.kid).filter(|_| entry.state == KeyState::Active)
}

/// As the key set says it, without what the kid says as well.
pub(super) fn row(entry: &KeyEntry) -> Value {
    let KeyEntry { kid, usage, state, since, until, reason, .. } = entry;
    json!({ "kid": kid, "use": usage, "state": state, "since": since, "until": until, "reason": reason })
}

fn with_file(entry: &KeyEntry, file: Option<&PathBuf>) -> Value {
    let mut row = row(entry);
    if let Some(row) = row.as_object_mut() {
        row.insert("file".to_owned(), json!(file));
    }
    row
}

fn text(key_set: &SelfSignedKeySet, keys: &[(&KeyEntry, Option<PathBuf>)]) -> String {
    let document = key_set.document();
    let mut text = pairs(&[
        ("key set", format!("number {}, signed {}", document.number, document.iat)),
        ("digest", key_set.digest().to_string()),
        ("fingerprint", key_set.fingerprint().to_string()),
        ("log", visible(&document.log.origin)),
    ]);
    let line = |(entry, file): &(&KeyEntry, Option<PathBuf>)| {
        let note = match (entry.state, file) {
            (KeyState::Active, None) => "its file is missing".to_owned(),
            (_, Some(file)) => format!("in `{}`", file.display()),
            (_, None) => {
                entry.reason.as_ref().map(|reason| format!("because `{}`", visible(reason))).unwrap_or_default()
            }
        };
        let until = entry.until.map(|until| until.to_string()).unwrap_or_default();
        let (usage, state) = (entry.usage.to_string(), entry.state.as_str().to_owned());
        [usage, state, entry.since.to_string(), until, entry.kid.to_string(), note]
    };
    let lines: Vec<_> = keys.iter().map(line).collect();
    text.push_str(&columns(["USE", "STATE", "SINCE", "UNTIL", "KEY", ""], &lines));
    text
}
