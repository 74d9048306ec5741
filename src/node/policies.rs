//! The policies in force: which epoch, from which bytes, and how the next one begins.
//!
//! An epoch begins only with a `configuration` receipt: at the first start, and when somebody applies a revision. Every
//! revision's bytes are kept by digest in the same commit, so a decision of any epoch can be evaluated again. A file
//! that was edited and not applied changes nothing. Out of scope: what policies say (`ground::policy`).

use std::sync::{Arc, Mutex, PoisonError, RwLock};

use crate::ground::crypto::hash::Digest;
use crate::ground::name::Code;
use crate::ground::policy::{Engine, EpochManifest, PolicyError, PolicyFile, PolicySource};
use crate::ground::receipt::compact::SignedReceipt;
use crate::ground::receipt::payload::{Configuration, ConfigurationEvent, Payload};
use crate::io::policy_folder::PolicyFolderError;
use crate::io::store::{Conflict, Epoch, EpochClaim, Store, StoreError};
use crate::node::issuer::{Attachments, IssueFailure, ReceiptIssuer};
use crate::node::write_path::WriteFailure;

/// Why there is no policy, or it did not change.
#[derive(Debug, thiserror::Error)]
pub enum PoliciesError {
    /// The revision has faults.
    #[error("the policy has faults, so it was not applied:\n{0}")]
    Policy(#[from] PolicyError),
    /// The folder cannot be read.
    #[error(transparent)]
    Folder(#[from] PolicyFolderError),
    /// The store fails.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The receipt that begins the epoch cannot be issued.
    #[error(transparent)]
    Issue(#[from] IssueFailure),
    /// Bytes of an epoch are gone.
    #[error("the bytes `{0}` of an epoch are not in the store; run `countersign log fsck`")]
    Missing(Digest),
    /// An epoch's manifest is none.
    #[error("the manifest `{0}` of an epoch is damaged; run `countersign log fsck`")]
    Damaged(Digest),
    /// Another version of the engine made the epoch in force, and the same bytes mean another epoch here.
    #[error("the epoch `{0}` in force was made by another version of this program; restart the node with that version")]
    OtherEngine(Digest),
    /// Somebody else applied a revision in the meantime.
    #[error("another revision was applied in the meantime; look at it and apply again")]
    Overtaken,
}

/// A policy revision in force.
#[derive(Debug)]
pub struct Active {
    /// The engine that answers.
    pub engine: Engine,
    /// The epoch's number.
    pub number: u64,
}

/// What applying a revision did.
#[derive(Debug)]
pub enum Applied {
    /// A new epoch began.
    Begun {
        /// The receipt that began it.
        receipt: Box<SignedReceipt>,
        /// Its number.
        number: u64,
    },
    /// The revision is the one in force.
    Unchanged,
}

/// The policies of this node. Clones share them.
#[derive(Debug, Clone)]
pub struct Policies {
    store: Arc<dyn Store>,
    active: Arc<RwLock<Arc<Active>>>,
    /// The epoch in force, where this node cannot answer by it.
    unknown: Arc<Mutex<Option<Digest>>>,
}

impl Policies {
    /// Takes up the epoch in force. Where there is none yet, `folder` makes the first one; where this program's engine
    /// differs from the one that made it, the same bytes make the next one.
    pub async fn open(
        store: Arc<dyn Store>,
        issuer: &ReceiptIssuer,
        folder: impl FnOnce() -> Result<Vec<PolicyFile>, PoliciesError>,
    ) -> Result<Self, PoliciesError> {
        let current = store.current_epoch().await?;
        let engine = match current {
            Some(epoch) => load(store.as_ref(), epoch.digest).await?,
            None => Engine::load(PolicySource::new(folder()?)?)?,
        };
        let mut number = current.map_or(1, |epoch| epoch.number);
        if current.is_none_or(|epoch| epoch.digest != engine.epoch()) {
            let by = Code::registered("node");
            number = begin(issuer, &engine, current, ConfigurationEvent::Start, &by).await?.1;
        }
        let active = Arc::new(RwLock::new(Arc::new(Active { engine, number })));
        Ok(Self { store, active, unknown: Arc::default() })
    }

    /// The revision that answers now.
    pub fn active(&self) -> Arc<Active> {
        let active = self.active.read().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(&active)
    }

    /// Checks a revision and makes it the one in force. `by` says who did, as a code.
    pub async fn apply(
        &self,
        issuer: &ReceiptIssuer,
        files: Vec<PolicyFile>,
        by: &Code,
    ) -> Result<Applied, PoliciesError> {
        let engine = Engine::load(PolicySource::new(files)?)?;
        let current = self.store.current_epoch().await?;
        if current.is_some_and(|epoch| epoch.digest == engine.epoch()) {
            self.follow().await?;
            return Ok(Applied::Unchanged);
        }
        let (receipt, number) = begin(issuer, &engine, current, ConfigurationEvent::Apply, by).await?;
        self.replace(Active { engine, number });
        Ok(Applied::Begun { receipt: Box::new(receipt), number })
    }

    /// Takes up an epoch that another process began. Tells whether there was one.
    pub async fn follow(&self) -> Result<bool, PoliciesError> {
        let Some(epoch) = self.store.current_epoch().await? else { return Ok(false) };
        let active = self.active();
        // An earlier revision that is in force again has a number of its own.
        let followed = (epoch.digest, epoch.number) == (active.engine.epoch(), active.number);
        if followed || self.unknown() == Some(epoch.digest) {
            return Ok(false);
        }
        match load(self.store.as_ref(), epoch.digest).await {
            Ok(engine) if engine.epoch() == epoch.digest => {
                self.replace(Active { engine, number: epoch.number });
                Ok(true)
            }
            // What the store cannot give now it may give in a second.
            Err(PoliciesError::Store(error)) => Err(error.into()),
            loaded => {
                *self.unknown.lock().unwrap_or_else(PoisonError::into_inner) = Some(epoch.digest);
                Err(loaded.err().unwrap_or(PoliciesError::OtherEngine(epoch.digest)))
            }
        }
    }

    /// The epoch in force, if it is one that this node cannot answer by. Then it must not answer by an older one
    /// either: what that still allows may have been forbidden since.
    pub fn unknown(&self) -> Option<Digest> {
        *self.unknown.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn replace(&self, next: Active) {
        *self.active.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(next);
        *self.unknown.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }
}

/// The files of an epoch, by its digest.
pub async fn files(store: &dyn Store, epoch: Digest) -> Result<(EpochManifest, Vec<PolicyFile>), PoliciesError> {
    let bytes = store.blob(&epoch).await?.ok_or(PoliciesError::Missing(epoch))?;
    let manifest: EpochManifest = serde_json::from_slice(&bytes).map_err(|_| PoliciesError::Damaged(epoch))?;
    let mut files = Vec::with_capacity(manifest.files.len());
    for file in &manifest.files {
        let bytes = store.blob(&file.digest).await?.ok_or(PoliciesError::Missing(file.digest))?;
        files.push(PolicyFile { path: file.id.clone(), bytes });
    }
    Ok((manifest, files))
}

async fn load(store: &dyn Store, epoch: Digest) -> Result<Engine, PoliciesError> {
    let (_, files) = files(store, epoch).await?;
    Ok(Engine::load(PolicySource::new(files)?)?)
}

/// Writes the configuration receipt, the epoch and every byte of the revision in one commit.
async fn begin(
    issuer: &ReceiptIssuer,
    engine: &Engine,
    current: Option<Epoch>,
    event: ConfigurationEvent,
    by: &Code,
) -> Result<(SignedReceipt, u64), PoliciesError> {
    let draft = issuer.draft()?;
    let revision = engine.revision();
    let number = current.map_or(1, |epoch| epoch.number + 1);
    let before = current.map(|epoch| epoch.digest);
    let payload = Configuration {
        sd: None,
        sd_alg: None,
        after: revision.digest,
        aud: issuer.name().clone(),
        before,
        by: by.clone(),
        event,
        ext: None,
        iat: draft.iat,
        iss: issuer.name().clone(),
        jti: draft.jti,
        log: draft.log,
        number,
    };
    let mut blobs: Vec<_> = revision.files.iter().map(|file| file.bytes.clone()).collect();
    blobs.push(revision.manifest_bytes.clone());
    // The issuer fills in the receipt's digest, which nobody knows before it is signed.
    let epoch = EpochClaim { number, digest: revision.digest, previous: before, receipt: revision.digest };
    let with = Attachments { epoch: Some(epoch), blobs, ..Attachments::default() };
    match issuer.issue(Payload::Configuration(Box::new(payload)), with).await {
        Ok(receipt) => Ok((receipt, number)),
        Err(IssueFailure::Write(WriteFailure::Conflict(Conflict::Epoch { .. }))) => Err(PoliciesError::Overtaken),
        Err(error) => Err(error.into()),
    }
}
