//! `countersign key rotate` and `key revoke`: the next key set.

use std::path::Path;

use serde_json::{Value, json};

use super::super::lines::pairs;
use super::super::output::{CliError, Exit, Output};
use super::list::row;
use crate::edge::data_folder::{DataFolder, KeyChange, KeysChanged, NewKey};
use crate::ground::crypto::keys::KeyUse;
use crate::ground::keyset::{KeyEntry, SelfSignedKeySet};
use crate::ground::log::checkpoint::{CosignerKey, LogKey};
use crate::io::clock::Clock;

pub(super) async fn run(
    folder: &DataFolder,
    change: &KeyChange,
    root: &Path,
    output: &Output,
) -> Result<Exit, CliError> {
    let changed = folder.change_keys(change, root, Clock::system().now()).await?;
    let start = format!("countersign serve --config {}", folder.path().display());
    let ended: Vec<&KeyEntry> = changed.ended.iter().filter_map(|kid| Some(changed.key_set.find(*kid)?.0)).collect();
    let document = changed.key_set.document();
    let value = json!({
        "number": document.number,
        "digest": changed.key_set.digest(),
        "previous": document.previous,
        "fingerprint": changed.key_set.fingerprint(),
        "ended": ended.iter().map(|entry| row(entry)).collect::<Vec<_>>(),
        "made": changed.made.as_ref().map(|made| made_row(&changed.key_set, made)),
        "restart": start,
    });
    output.result(&value, || format!("{}restart the node: {start}\n", text(&changed, &ended)))?;
    output.say(&words(change, &changed));
    Ok(Exit::Done)
}

fn made_row(key_set: &SelfSignedKeySet, made: &NewKey) -> Value {
    json!({
        "kid": made.kid,
        "use": made.usage,
        "file": made.file,
        "put_aside": made.put_aside,
        "vkey": vkey(key_set, made),
    })
}

/// A new key of the log or of its cosigner as C2SP's tools write it.
fn vkey(key_set: &SelfSignedKeySet, made: &NewKey) -> Option<String> {
    let (names, (_, key)) = (&key_set.document().log, key_set.find(made.kid)?);
    match made.usage {
        KeyUse::Log => Some(LogKey::new(names.origin.parse().ok()?, key.as_dalek()).ok()?.vkey().to_string()),
        KeyUse::Cosign => Some(CosignerKey::new(names.cosigner.parse().ok()?, key.as_dalek()).ok()?.vkey().to_string()),
        KeyUse::Http | KeyUse::Receipt => None,
    }
}

fn text(changed: &KeysChanged, ended: &[&KeyEntry]) -> String {
    let (number, fingerprint) = (changed.key_set.document().number, changed.key_set.fingerprint());
    let mut rows = vec![("key set", format!("number {number}, of root key {fingerprint}"))];
    rows.extend(ended.iter().map(|key| (key.state.as_str(), format!("{} key {}", key.usage, key.kid))));
    if let Some(made) = &changed.made {
        rows.push(("new", format!("{} key {}, in `{}`", made.usage, made.kid, made.file.display())));
        rows.push(("verifier key", vkey(&changed.key_set, made).unwrap_or_default()));
        let aside = made.put_aside.as_ref();
        rows.push(("put aside", aside.map(|file| format!("`{}`", file.display())).unwrap_or_default()));
    }
    pairs(&rows)
}

fn words(change: &KeyChange, changed: &KeysChanged) -> String {
    let mut words = String::from(
        "\nPeers learn of it when they look next: as often as their `peers.refresh_s` says, by default every five \
         minutes, and at once when something comes under a receipt key that they do not know.\n",
    );
    if matches!(change, KeyChange::Revoke { .. }) {
        words.push_str(
            "Until then they take what the revoked key signs. What it signed before counts only where witnesses dated \
             it before the revocation.\n",
        );
    }
    let Some(made) = &changed.made else { return words };
    if vkey(&changed.key_set, made).is_some() {
        words.push_str(
            "Whoever wrote the old verifier key down, such as a witness or an auditor's quorum file, has to add the \
             new one.\n",
        );
    }
    if let Some(old) = &made.put_aside {
        words.push_str(&format!("Nothing needs the old private key any more: shred -u {}\n", old.display()));
    }
    words
}
