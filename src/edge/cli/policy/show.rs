//! `countersign policy show`: any revision that was ever in force, byte for byte.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::json;

use super::super::output::{CliError, Exit, Output};
use super::super::place::Place;
use crate::ground::crypto::hash::Digest;
use crate::ground::policy::{EpochManifest, PolicyFile};
use crate::node::policies;

/// Show a revision: the one in force, or that of any epoch that a decision names
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The epoch's digest, as receipts name it; by default the epoch in force
    epoch: Option<Digest>,

    /// Write its files into this folder, which must not exist yet
    #[arg(long, value_name = "FOLDER")]
    out: Option<PathBuf>,
}

pub(super) async fn run(args: &Args, place: &Place, output: &Output) -> Result<Exit, CliError> {
    let node = place.open().await?;
    let epochs = node.store.epochs().await?;
    let epoch = match args.epoch {
        Some(digest) => epochs.iter().rfind(|epoch| epoch.digest == digest).copied(),
        None => epochs.last().copied(),
    };
    let Some(epoch) = epoch else {
        let known: Vec<String> = epochs.iter().map(|epoch| format!("{} ({})", epoch.digest, epoch.number)).collect();
        let help =
            if known.is_empty() { "there is none yet".to_owned() } else { format!("known: {}", known.join(", ")) };
        return Err(CliError::invalid("no such epoch").with_help(help));
    };
    let (manifest, files) = policies::files(node.store.as_ref(), epoch.digest).await?;
    let current = epochs.last().is_some_and(|last| last.number == epoch.number);
    node.close().await;
    if let Some(folder) = &args.out {
        write(folder, &files)?;
    }
    let value = json!({
        "number": epoch.number,
        "epoch": epoch.digest,
        "in_force": current,
        "receipt": epoch.receipt,
        "manifest": manifest,
        "files": files.iter().map(|file| json!({ "path": file.path, "text": text_of(file) })).collect::<Vec<_>>(),
    });
    output.result(&value, || {
        let state = if current { "in force" } else { "no longer in force" };
        let head = format!("// epoch {} ({}), {state}\n", epoch.number, epoch.digest);
        if args.out.is_some() { head } else { head + &listing(&manifest, &files) }
    })?;
    if let Some(folder) = &args.out {
        output.say(&format!("its files are in `{}`", folder.display()));
    }
    Ok(Exit::Done)
}

fn listing(manifest: &EpochManifest, files: &[PolicyFile]) -> String {
    let mut text = format!("// {} {}\n", manifest.engine.name, manifest.engine.version);
    for file in files {
        text.push_str(&format!("\n// --- {}\n{}", file.path, text_of(file)));
    }
    text
}

fn text_of(file: &PolicyFile) -> String {
    String::from_utf8_lossy(&file.bytes).into_owned()
}

fn write(folder: &Path, files: &[PolicyFile]) -> Result<(), CliError> {
    let failed = |error| CliError::io(format!("cannot write `{}`: {error}", folder.display()));
    if folder.exists() {
        return Err(CliError::usage(format!("`{}` exists already", folder.display())));
    }
    for file in files {
        // The paths were checked when the revision was applied: relative, without `..`.
        let path = folder.join(&file.path);
        fs::create_dir_all(path.parent().unwrap_or(folder)).map_err(failed)?;
        fs::write(&path, &file.bytes).map_err(failed)?;
    }
    Ok(())
}
