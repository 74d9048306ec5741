//! What a revision of the policy is, as one digest: the epoch manifest and the exact bytes behind it.

use serde::{Deserialize, Serialize};

use crate::ground::canonical::{self, WriteError};
use crate::ground::crypto::hash::Digest;

/// A name with a digest: a file by its path, or a policy by its id.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Named {
    /// Path or policy id.
    pub id: String,
    /// Its digest.
    pub digest: Digest,
}

/// The engine that evaluates.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EngineName {
    /// `cedar`.
    pub name: String,
    /// Version of the implementation.
    pub version: String,
    /// Version of the language.
    pub lang: String,
}

/// Everything that decides what a policy revision answers. Its digest is the `epoch` of decisions.
///
/// The digest changes with every byte of every file, and with the engine. What changes only with meaning is
/// [`policy_set`](Self::policy_set), `schema` and `entities`: between two epochs where these agree, only comments,
/// white space, order or paths changed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EpochManifest {
    /// Version of this form: 1.
    pub v: u64,
    /// The engine.
    pub engine: EngineName,
    /// SHA-256 over the canonical JSON form of the schema.
    pub schema: Digest,
    /// SHA-256 over the canonical form of `entities.json`, where there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub entities: Option<Digest>,
    /// Each policy, sorted by id, with SHA-256 over its canonical JSON form, annotations included.
    pub policies: Vec<Named>,
    /// SHA-256 over the canonical form of `policies`.
    pub policy_set: Digest,
    /// Each file, sorted by path, with SHA-256 over its bytes.
    pub files: Vec<Named>,
}

impl EpochManifest {
    /// The canonical form, which is what a store keeps.
    pub fn to_bytes(&self) -> Result<Vec<u8>, WriteError> {
        canonical::to_vec(self)
    }
}

/// One file of a revision.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RevisionFile {
    /// Path inside the policy folder.
    pub path: String,
    /// SHA-256 over the bytes.
    pub digest: Digest,
    /// The bytes.
    pub bytes: Vec<u8>,
}

/// One revision of a policy folder: what is kept, by digest, so that a decision can be evaluated again years later.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Revision {
    /// The epoch: SHA-256 over [`manifest_bytes`](Self::manifest_bytes).
    pub digest: Digest,
    /// What the digest is over.
    pub manifest: EpochManifest,
    /// The manifest's canonical form.
    pub manifest_bytes: Vec<u8>,
    /// The files, sorted by path.
    pub files: Vec<RevisionFile>,
}

impl Revision {
    pub(super) fn new(manifest: EpochManifest, files: Vec<RevisionFile>) -> Result<Self, WriteError> {
        let manifest_bytes = manifest.to_bytes()?;
        Ok(Self { digest: Digest::of(&manifest_bytes), manifest, manifest_bytes, files })
    }
}
