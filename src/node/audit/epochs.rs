//! The epochs: one after the other, each begun by a receipt, each with all of its bytes.

use super::difference::Difference;
use super::receipts::Begun;
use crate::ground::crypto::hash::Digest;
use crate::ground::policy::EpochManifest;
use crate::io::store::{Epoch, Store, StoreError};

/// Holds the epochs against the configuration receipts that were met on the way.
pub(super) async fn check(store: &dyn Store, begun: &[Begun], found: &mut Vec<Difference>) -> Result<u64, StoreError> {
    let epochs = store.epochs().await?;
    let mut before = None;
    for (expected, epoch) in (1..).zip(&epochs) {
        if epoch.number != expected {
            found.push(Difference::EpochMissing { expected });
            break;
        }
        let announced = begun.iter().find(|begun| begun.receipt == epoch.receipt);
        let agrees =
            |begun: &Begun| begun.number == epoch.number && begun.after == epoch.digest && begun.before == before;
        if !announced.is_some_and(agrees) {
            found.push(Difference::EpochReceipt { number: epoch.number });
        }
        before = Some(epoch.digest);
        check_bytes(store, epoch, found).await?;
    }
    for begun in begun {
        if !epochs.iter().any(|epoch| epoch.receipt == begun.receipt) {
            let (position, jti, number) = (begun.position, begun.jti, begun.number);
            found.push(Difference::EpochNotBegun { position, jti, number });
        }
    }
    Ok(u64::try_from(epochs.len()).unwrap_or(u64::MAX))
}

async fn check_bytes(store: &dyn Store, epoch: &Epoch, found: &mut Vec<Difference>) -> Result<(), StoreError> {
    let number = epoch.number;
    let manifest = match blob(store, epoch.digest).await? {
        Ok(bytes) => serde_json::from_slice::<EpochManifest>(&bytes).map_err(|error| error.to_string()),
        Err(what) => Err(what),
    };
    let manifest = match manifest {
        Ok(manifest) => manifest,
        Err(what) => {
            found.push(Difference::EpochBytes { number, what: format!("the manifest `{}`: {what}", epoch.digest) });
            return Ok(());
        }
    };
    for file in &manifest.files {
        if let Err(what) = blob(store, file.digest).await? {
            found.push(Difference::EpochBytes { number, what: format!("the file `{}`: {what}", file.id) });
        }
    }
    Ok(())
}

/// The bytes, or why there are none. The store itself computes their digest.
async fn blob(store: &dyn Store, digest: Digest) -> Result<Result<Vec<u8>, String>, StoreError> {
    match store.blob(&digest).await {
        Ok(Some(bytes)) => Ok(Ok(bytes)),
        Ok(None) => Ok(Err("the bytes are not in the store".to_owned())),
        Err(StoreError::Corrupt { what }) => Ok(Err(what)),
        Err(error) => Err(error),
    }
}
