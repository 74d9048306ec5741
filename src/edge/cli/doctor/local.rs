//! What is on this machine: keys, disk, store, policy.

use std::process::Command;
use std::sync::Arc;

use super::Found;
use crate::edge::data_folder::{DataFolder, DataFolderError};
use crate::ground::log::checkpoint::UnverifiedCheckpoint;
use crate::ground::policy::{Engine, PolicySource};
use crate::io::clock::Clock;
use crate::io::store::{Store, StoreError};
use crate::node::logbook::Logbook;

/// Free bytes below which it is time to act: some days of a busy node.
const FEW_BYTES: u64 = 5 * 1024 * 1024 * 1024;

/// Free bytes below which the next hours are at risk.
const NO_BYTES: u64 = 256 * 1024 * 1024;

pub(super) fn keys(folder: &DataFolder) -> Found {
    match folder.operator() {
        Ok(operator) => {
            let number = operator.key_set().key_set().document().number;
            let fingerprint = operator.key_set().key_set().fingerprint();
            Found::ok("keys", format!("four online keys, active in key set {number} of root key {fingerprint}"))
        }
        Err(error) => {
            let advice = match &error {
                DataFolderError::KeyFile(_) => {
                    "restore the file from a copy; its mode must be 0600: `chmod 600 FILE`; if it is lost or was exposed, \
                     `countersign key rotate USE --root FILE`"
                }
                DataFolderError::Operator(_) => {
                    "restore the key files that belong to the key set, or `countersign key rotate USE --root FILE`"
                }
                _ => "restore the folder from a copy",
            };
            Found::broken("keys", error.to_string(), advice)
        }
    }
}

pub(super) fn root_key(folder: &DataFolder) -> Found {
    let file = folder.root_key_file();
    if !file.exists() {
        return Found::ok("root key", "not on this machine, as it should be");
    }
    if folder.issuer().is_loopback_http() {
        return Found::ok("root key", "here, which is fine for a disposable loopback identity");
    }
    let advice = format!("copy it to two places that are offline, read both back, then `shred -u {}`", file.display());
    Found::warning("root key", "online: whoever takes this machine over can become this operator for good", advice)
}

pub(super) fn disk(folder: &DataFolder) -> Vec<Found> {
    let path = folder.path();
    let writable = match tempfile::NamedTempFile::new_in(path) {
        Ok(_) => Found::ok("disk", format!("`{}` can be written", path.display())),
        Err(error) => {
            let advice = "check owner, mode and mount of the folder";
            Found::broken("disk", format!("`{}` cannot be written: {error}", path.display()), advice)
        }
    };
    let free = free_bytes(folder).map(|free| {
        let words = format!("{:.1} GiB free", free as f64 / f64::from(1u32 << 30));
        match free {
            0..NO_BYTES => {
                Found::broken("space", words, "make room now: without it nothing can be decided or accepted")
            }
            NO_BYTES..FEW_BYTES => Found::warning("space", words, "make room soon: a receipt takes about 3 KiB"),
            FEW_BYTES.. => Found::ok("space", words),
        }
    });
    [Some(writable), free].into_iter().flatten().collect()
}

/// By `df`, as POSIX writes its columns: the standard library does not tell.
fn free_bytes(folder: &DataFolder) -> Option<u64> {
    let output = Command::new("df").arg("-Pk").arg(folder.path()).output().ok()?;
    let text = String::from_utf8(output.stdout).ok()?;
    let kibibytes: u64 = text.lines().nth(1)?.split_whitespace().nth(3)?.parse().ok()?;
    Some(kibibytes.saturating_mul(1024))
}

/// Quick: the right edge of the log, its head file, its checkpoint, and how long receipts wait. `log fsck` reads
/// everything.
pub(super) async fn store(folder: &DataFolder) -> Vec<Found> {
    let store = match folder.store().await {
        Ok(store) => store,
        Err(error) => {
            let advice = "if the disk lost it, restore the newest copy, and read what `countersign log fsck` says before serving";
            return vec![Found::broken("store", error.to_string(), advice)];
        }
    };
    let shared: Arc<dyn Store> = Arc::new(store.clone());
    let found = match look(folder, shared).await {
        Ok(found) => found,
        Err(error) => vec![Found::broken("store", error.to_string(), "run `countersign log fsck`")],
    };
    store.close().await;
    found
}

async fn look(folder: &DataFolder, store: Arc<dyn Store>) -> Result<Vec<Found>, StoreError> {
    // The file before the store: a head is committed before it comes into the file, also by a node that runs meanwhile.
    let known = folder.head_file().read();
    let head = store.head().await?;
    let mut found = Vec::new();
    found.push(match Logbook::new(Arc::clone(&store)).right_edge(head).await {
        Ok(_) => Found::ok("store", format!("log of {} entries, right edge and head agree", head.size)),
        Err(error) => Found::broken("store", error.to_string(), "keep a copy, then run `countersign log fsck`"),
    });
    found.push(match known {
        Ok(Some(known)) if known.size > head.size || (known.size == head.size && known != head) => Found::broken(
            "head file",
            format!("it knows a log of {} entries, the store one of {}", known.size, head.size),
            "the store was restored from an older copy: restore the newer one; the node signs nothing until then",
        ),
        Ok(Some(known)) => Found::ok("head file", format!("knows a log of {} entries", known.size)),
        Ok(None) => Found::ok("head file", "none yet"),
        Err(error) => {
            Found::broken("head file", error.to_string(), "compare your log with a peer's copy, then remove the file")
        }
    });
    if let Some(published) = store.published().await? {
        let verified = UnverifiedCheckpoint::parse(published.note.as_bytes()).ok().zip(folder.operator().ok());
        let verified =
            verified.and_then(|(note, operator)| note.verify(operator.log_key(), operator.cosigner_key()).ok());
        found.push(match verified {
            Some(checkpoint) => {
                Found::ok("checkpoint", format!("size {}, of {}", published.head.size, checkpoint.time()))
            }
            None => Found::warning(
                "checkpoint",
                "the published checkpoint is not signed by the present log and cosigning keys",
                "expected after `countersign key`, until the node has started again; else run `countersign log fsck`",
            ),
        });
    }
    if let Some(oldest) = store.oldest_unsequenced().await? {
        let age_s = Clock::system().now().since(oldest);
        if age_s > folder.config().log.include_within_s / 2 {
            let advice = "start the node: promises to log receipts are broken, or about to be";
            found.push(Found::warning("log", format!("a receipt has waited {age_s} s for its log index"), advice));
        }
    }
    Ok(found)
}

pub(super) async fn policy(folder: &DataFolder) -> Vec<Found> {
    let files = folder.policy_files().map_err(|error| error.to_string());
    let engine =
        files.and_then(|files| PolicySource::new(files).and_then(Engine::load).map_err(|error| error.to_string()));
    let engine = match engine {
        Ok(engine) => engine,
        Err(error) => {
            return vec![Found::warning(
                "policy",
                format!("the working copy has faults: {error}"),
                "`countersign policy check`",
            )];
        }
    };
    let Ok(store) = folder.store().await else { return Vec::new() };
    let current = store.current_epoch().await;
    store.close().await;
    vec![match current {
        Ok(Some(epoch)) if epoch.digest == engine.epoch() => {
            Found::ok("policy", format!("epoch {} is in force, and the working copy is the same", epoch.number))
        }
        Ok(Some(epoch)) => Found::warning(
            "policy",
            format!("the working copy is not the policy in force (epoch {})", epoch.number),
            "`countersign policy apply`, or `countersign policy show --out FOLDER` to get the one in force back",
        ),
        Ok(None) => Found::ok("policy", "the working copy is good, and becomes epoch 1 at the first start"),
        Err(error) => Found::broken("policy", error.to_string(), "run `countersign log fsck`"),
    }]
}
