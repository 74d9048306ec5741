//! Proofs as they travel: the inclusion proof file (C2SP `tlog-proof@v1`) and consistency proofs.
//!
//! Out of scope: building them ([`super::tile`]) and the mathematics ([`super::merkle`]).

use std::fmt;

use serde::{Deserialize, Serialize};

use super::checkpoint::{CheckpointError, UnverifiedCheckpoint};
use super::merkle::{ConsistencyError, InclusionError, TreeHead, verify_consistency, verify_inclusion};
use super::note::{decode_base64, encode_base64, parse_decimal};
use crate::ground::crypto::hash::Digest;
use crate::ground::limits::{MAX_PROOF_BYTES, MAX_PROOF_EXTRA_BYTES, MAX_PROOF_HASHES, MAX_TREE_SIZE};
use crate::ground::problem::ProblemType;

#[cfg(test)]
mod tests;

/// First line of a proof file.
const PROOF_HEADER: &str = "c2sp.org/tlog-proof@v1";

/// Why bytes are not a proof file.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ProofFileError {
    /// The checkpoint in the file is none.
    #[error("the proof's checkpoint is malformed: {0}")]
    Checkpoint(#[from] CheckpointError),
    /// The `extra` line is not strict base64, or too long.
    #[error("the `extra` line is not strict base64 of at most {MAX_PROOF_EXTRA_BYTES} bytes")]
    Extra,
    /// A line that should be a hash is none.
    #[error("hash {0} of the proof is not 32 bytes in strict base64")]
    Hash(usize),
    /// The first line is another.
    #[error("the first line is not `{PROOF_HEADER}`")]
    Header,
    /// The index line is missing or not decimal.
    #[error("the line `index` with a decimal number is missing or malformed")]
    Index,
    /// No blank line with a checkpoint behind it.
    #[error("no blank line and checkpoint follow the hashes")]
    NoCheckpoint,
    /// Not UTF-8.
    #[error("the proof is not UTF-8")]
    NotUtf8,
    /// More bytes than are read.
    #[error("the proof has {0} bytes, more than {MAX_PROOF_BYTES}")]
    TooLarge(usize),
    /// More hashes than any tree takes.
    #[error("the proof has more than {MAX_PROOF_HASHES} hashes")]
    TooManyHashes,
}

impl ProofFileError {
    /// The registered problem.
    pub const fn problem(&self) -> ProblemType {
        match self {
            Self::Checkpoint(error) => error.problem(),
            _ => ProblemType::ProofMalformed,
        }
    }
}

/// The way from one leaf to the root.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InclusionProof {
    /// Position of the leaf, from 0.
    pub index: u64,
    /// Sibling hashes, the leaf's first.
    pub hashes: Vec<Digest>,
}

impl InclusionProof {
    /// Checks that the leaf with this hash stands at this index of the tree; see [`verify_inclusion`].
    pub fn verify(&self, leaf_hash: &Digest, head: &TreeHead) -> Result<(), InclusionError> {
        verify_inclusion(leaf_hash, self.index, &self.hashes, head)
    }
}

/// The nodes that show one tree to be the beginning of another. In JSON an array of at most 63 digests.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Vec<Digest>", into = "Vec<Digest>")]
pub struct ConsistencyProof {
    /// Hashes in the order of RFC 9162, section 2.1.4.1.
    pub hashes: Vec<Digest>,
}

impl ConsistencyProof {
    /// Checks that the tree of `from` is a prefix of the tree of `to`; see [`verify_consistency`].
    ///
    /// RFC 9162 knows no proof from size 0. Here the empty tree, by its own root and with the empty proof, is a prefix
    /// of every tree: it says that nothing was known, and proves nothing (LOG-08).
    pub fn verify(&self, from: &TreeHead, to: &TreeHead) -> Result<(), ConsistencyError> {
        if *from != TreeHead::empty() {
            return verify_consistency(from, to, &self.hashes);
        }
        if self.hashes.is_empty() { Ok(()) } else { Err(ConsistencyError::TooLong { hashes: self.hashes.len() }) }
    }
}

/// More hashes than any two sizes take.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the proof has {0} hashes, more than {MAX_PROOF_HASHES}")]
pub struct TooManyHashes(usize);

impl TryFrom<Vec<Digest>> for ConsistencyProof {
    type Error = TooManyHashes;

    fn try_from(hashes: Vec<Digest>) -> Result<Self, TooManyHashes> {
        if hashes.len() <= MAX_PROOF_HASHES { Ok(Self { hashes }) } else { Err(TooManyHashes(hashes.len())) }
    }
}

impl From<ConsistencyProof> for Vec<Digest> {
    fn from(proof: ConsistencyProof) -> Self {
        proof.hashes
    }
}

/// One proof file: an inclusion proof with the checkpoint that it leads to. Nothing of it is believed yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProofFile {
    /// Bytes that nobody signed; we write none and conclude nothing from any.
    pub extra: Option<Vec<u8>>,
    /// Index and hashes.
    pub inclusion: InclusionProof,
    /// The checkpoint with its signatures.
    pub checkpoint: UnverifiedCheckpoint,
}

impl ProofFile {
    /// Reads a proof file strictly (LOG-18): what parses is exactly its own serialisation.
    pub fn parse(bytes: &[u8]) -> Result<Self, ProofFileError> {
        if bytes.len() > MAX_PROOF_BYTES {
            return Err(ProofFileError::TooLarge(bytes.len()));
        }
        let text = std::str::from_utf8(bytes).map_err(|_| ProofFileError::NotUtf8)?;
        let (head, checkpoint) = text.split_once("\n\n").ok_or(ProofFileError::NoCheckpoint)?;
        let mut lines = head.split('\n').peekable();
        if lines.next() != Some(PROOF_HEADER) {
            return Err(ProofFileError::Header);
        }
        let extra = lines.next_if(|line| line.starts_with("extra ")).map(parse_extra).transpose()?;
        let index = lines.next().and_then(|line| line.strip_prefix("index ")).and_then(parse_decimal);
        let index = index.filter(|index| *index <= MAX_TREE_SIZE).ok_or(ProofFileError::Index)?;
        let mut hashes = Vec::new();
        for (number, line) in (1..).zip(lines) {
            if number > MAX_PROOF_HASHES {
                return Err(ProofFileError::TooManyHashes);
            }
            let hash = decode_base64(line).and_then(|bytes| bytes.try_into().ok());
            hashes.push(Digest(hash.ok_or(ProofFileError::Hash(number))?));
        }
        let checkpoint = UnverifiedCheckpoint::parse(checkpoint.as_bytes())?;
        Ok(Self { extra, inclusion: InclusionProof { index, hashes }, checkpoint })
    }
}

fn parse_extra(line: &str) -> Result<Vec<u8>, ProofFileError> {
    let bytes = line.strip_prefix("extra ").and_then(decode_base64);
    bytes.filter(|bytes| bytes.len() <= MAX_PROOF_EXTRA_BYTES).ok_or(ProofFileError::Extra)
}

impl fmt::Display for ProofFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{PROOF_HEADER}")?;
        if let Some(extra) = &self.extra {
            writeln!(f, "extra {}", encode_base64(extra))?;
        }
        writeln!(f, "index {}", self.inclusion.index)?;
        self.inclusion.hashes.iter().try_for_each(|hash| writeln!(f, "{}", encode_base64(&hash.0)))?;
        write!(f, "\n{}", self.checkpoint.note())
    }
}
