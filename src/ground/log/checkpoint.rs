//! Checkpoints: a signed and dated tree head (C2SP tlog-checkpoint v1.0.0, tlog-cosignature v1.0.1).
//!
//! Trust grows by type: [`UnverifiedCheckpoint`] is text that parsed, [`SignedCheckpoint`] has the log's signature,
//! [`VerifiedCheckpoint`] also the operator's own dated cosignature. Only verification makes the latter two, and they
//! cannot be deserialised. Out of scope: which keys belong to whom (key sets say it) and whether the date is recent.

use crate::ground::crypto::hash::Digest;
use crate::ground::name::Timestamp;
use crate::ground::problem::ProblemType;

use super::merkle::{HeadError, TreeHead};
use super::note::{KeyName, Note, NoteError, NoteSignature, decode_base64, encode_base64, parse_decimal};

mod keys;
#[cfg(test)]
mod tests;

pub use keys::{CosignerKey, LogKey};

/// Why a checkpoint is not to be believed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CheckpointError {
    /// The operator's own cosignature does not verify, or has no time.
    #[error("the cosignature of `{0}` does not verify")]
    CosignatureInvalid(KeyName),
    /// No cosignature of the operator's own cosigner.
    #[error("the checkpoint has no dated cosignature of `{0}`")]
    CosignatureMissing(KeyName),
    /// More than one cosignature of the operator's own cosigner, so that its date is open.
    #[error("the checkpoint has more than one cosignature of `{0}`")]
    CosignatureRepeated(KeyName),
    /// Lines behind the root.
    #[error("the checkpoint has extension lines")]
    ExtensionLines,
    /// A size and a root that cannot stand together.
    #[error(transparent)]
    Head(HeadError),
    /// The log's signature does not verify.
    #[error("the log signature of `{0}` does not verify")]
    LogSignatureInvalid(KeyName),
    /// No signature of the log.
    #[error("the checkpoint has no log signature of `{0}`")]
    LogSignatureMissing(KeyName),
    /// More than one signature of the log.
    #[error("the checkpoint has more than one log signature of `{0}`")]
    LogSignatureRepeated(KeyName),
    /// Not a note.
    #[error(transparent)]
    Note(#[from] NoteError),
    /// The first line is not an origin.
    #[error("the checkpoint's first line is not an origin without spaces, of at most 255 bytes")]
    Origin,
    /// The third line is not a hash.
    #[error("the checkpoint's third line is not a hash in strict base64")]
    Root,
    /// The second line is not a size.
    #[error("the checkpoint's second line is not a decimal size")]
    Size,
    /// The checkpoint of another log.
    #[error("the checkpoint is of `{found}`, expected `{expected}`")]
    WrongOrigin {
        /// Origin whose key is at hand.
        expected: KeyName,
        /// Origin in the checkpoint.
        found: KeyName,
    },
}

impl CheckpointError {
    /// The registered problem.
    pub const fn problem(&self) -> ProblemType {
        match self {
            Self::CosignatureInvalid(_) | Self::CosignatureMissing(_) | Self::CosignatureRepeated(_) => {
                ProblemType::CheckpointUndated
            }
            Self::LogSignatureInvalid(_) | Self::LogSignatureMissing(_) | Self::LogSignatureRepeated(_) => {
                ProblemType::CheckpointSignature
            }
            Self::WrongOrigin { .. } => ProblemType::CheckpointOrigin,
            Self::ExtensionLines | Self::Head(_) | Self::Note(_) | Self::Origin | Self::Root | Self::Size => {
                ProblemType::CheckpointMalformed
            }
        }
    }
}

/// What a checkpoint says: this log has this head.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Checkpoint {
    /// Name of the log.
    pub origin: KeyName,
    /// Size and root.
    pub head: TreeHead,
}

impl Checkpoint {
    /// The three lines that are signed (LOG-15).
    pub fn text(&self) -> String {
        format!("{}\n{}\n{}\n", self.origin, self.head.size, encode_base64(&self.head.root.0))
    }

    /// Reads the three lines, and nothing more.
    fn parse(text: &str) -> Result<Self, CheckpointError> {
        let mut lines = text.split_terminator('\n');
        let origin = lines.next().and_then(|line| line.parse().ok()).ok_or(CheckpointError::Origin)?;
        let size = lines.next().and_then(parse_decimal).ok_or(CheckpointError::Size)?;
        let root = lines.next().and_then(decode_base64).and_then(|bytes| <[u8; 32]>::try_from(bytes).ok());
        let root = root.ok_or(CheckpointError::Root)?;
        if lines.next().is_some() {
            return Err(CheckpointError::ExtensionLines);
        }
        let head = TreeHead::new(size, Digest(root)).map_err(CheckpointError::Head)?;
        Ok(Self { origin, head })
    }

    /// Signs as the log: the first signature of the published note. `sign` is Ed25519 under the log's private key.
    pub fn sign(&self, log: &LogKey, sign: impl FnOnce(&[u8]) -> [u8; 64]) -> Result<Note, CheckpointError> {
        self.check_origin(log)?;
        let text = self.text();
        let signature = log.vkey().sign(&text, Timestamp::EPOCH, sign);
        Ok(Note::new(text, signature))
    }

    /// Cosigns as the operator itself or as a witness, at a time. The text is written anew from what was understood, so
    /// that a slip in reading yields a useless signature instead of a false one.
    pub fn cosign(
        &self,
        cosigner: &CosignerKey,
        time: Timestamp,
        sign: impl FnOnce(&[u8]) -> [u8; 64],
    ) -> NoteSignature {
        cosigner.vkey().sign(&self.text(), time, sign)
    }

    fn check_origin(&self, log: &LogKey) -> Result<(), CheckpointError> {
        if *log.origin() == self.origin {
            Ok(())
        } else {
            Err(CheckpointError::WrongOrigin { expected: log.origin().clone(), found: self.origin.clone() })
        }
    }
}

/// A checkpoint that parsed. Whoever made it may have written anything.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnverifiedCheckpoint {
    note: Note,
    claim: Checkpoint,
}

impl UnverifiedCheckpoint {
    /// Reads a note whose text is a checkpoint.
    pub fn parse(bytes: &[u8]) -> Result<Self, CheckpointError> {
        let note = Note::parse(bytes)?;
        let claim = Checkpoint::parse(note.text())?;
        Ok(Self { note, claim })
    }

    /// What it claims to be: good for looking up keys, and for nothing else.
    pub fn claim(&self) -> &Checkpoint {
        &self.claim
    }

    /// The note as it came, signatures included.
    pub fn note(&self) -> &Note {
        &self.note
    }

    /// Checks the log's signature alone, as a witness does.
    pub fn verify_log(self, log: &LogKey) -> Result<SignedCheckpoint, CheckpointError> {
        self.claim.check_origin(log)?;
        let name = || log.origin().clone();
        let mut signatures = self.note.signatures_of(log.vkey());
        let signature = signatures.next().ok_or_else(|| CheckpointError::LogSignatureMissing(name()))?;
        if signatures.next().is_some() {
            return Err(CheckpointError::LogSignatureRepeated(name()));
        }
        let verified = log.vkey().verify(self.note.text(), &signature.bytes);
        verified.map_err(|_| CheckpointError::LogSignatureInvalid(name()))?;
        drop(signatures);
        Ok(SignedCheckpoint { note: self.note, checkpoint: self.claim })
    }

    /// Checks the log's signature and the operator's own dated cosignature: exactly one of each (LOG-17).
    pub fn verify(self, log: &LogKey, cosigner: &CosignerKey) -> Result<VerifiedCheckpoint, CheckpointError> {
        self.verify_log(log)?.verify_date(cosigner)
    }
}

/// A checkpoint under its log's signature. Only [`UnverifiedCheckpoint::verify_log`] makes one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignedCheckpoint {
    note: Note,
    checkpoint: Checkpoint,
}

impl SignedCheckpoint {
    /// Log and head.
    pub fn checkpoint(&self) -> &Checkpoint {
        &self.checkpoint
    }

    /// The note, with signatures that nobody has checked beside the log's.
    pub fn note(&self) -> &Note {
        &self.note
    }

    /// Checks the operator's own dated cosignature as well.
    pub fn verify_date(self, cosigner: &CosignerKey) -> Result<VerifiedCheckpoint, CheckpointError> {
        let name = || cosigner.vkey().name().clone();
        let mut cosignatures = self.note.signatures_of(cosigner.vkey());
        let cosignature = cosignatures.next().ok_or_else(|| CheckpointError::CosignatureMissing(name()))?;
        if cosignatures.next().is_some() {
            return Err(CheckpointError::CosignatureRepeated(name()));
        }
        let verified = cosigner.vkey().verify(self.note.text(), &cosignature.bytes);
        let time = verified.ok().flatten().ok_or_else(|| CheckpointError::CosignatureInvalid(name()))?;
        drop(cosignatures);
        Ok(VerifiedCheckpoint { signed: self, time })
    }
}

/// A checkpoint under its log's signature that says its time. Only verification makes one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VerifiedCheckpoint {
    signed: SignedCheckpoint,
    time: Timestamp,
}

impl VerifiedCheckpoint {
    /// Name of the log.
    pub fn origin(&self) -> &KeyName {
        &self.signed.checkpoint.origin
    }

    /// Size and root.
    pub fn head(&self) -> &TreeHead {
        &self.signed.checkpoint.head
    }

    /// When the operator says that it made the checkpoint: its claim, not a witnessed time.
    pub fn time(&self) -> Timestamp {
        self.time
    }

    /// The note with every signature line, also those that nobody has checked.
    pub fn note(&self) -> &Note {
        &self.signed.note
    }

    /// The same without its date.
    pub fn signed(&self) -> &SignedCheckpoint {
        &self.signed
    }
}
