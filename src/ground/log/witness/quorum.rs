//! The quorum: which witnesses are enough, and since when they were.

use std::str::FromStr;

use ed25519_dalek::VerifyingKey;

use super::quorum_file::{self, QuorumFileError};
use crate::ground::log::checkpoint::{CosignerKey, LogKey};
use crate::ground::log::note::Note;
use crate::ground::name::Timestamp;

/// A rule that says which cosignatures make a checkpoint witnessed, read from a C2SP tlog-policy file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Quorum {
    pub(super) logs: Vec<(LogKey, Option<String>)>,
    pub(super) witnesses: Vec<Witness>,
    pub(super) groups: Vec<Group>,
    pub(super) rule: Option<Member>,
}

/// One witness of a quorum file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Witness {
    /// Name inside the file.
    pub name: String,
    /// The witness's key.
    pub key: CosignerKey,
    /// Where it takes submissions, as the file says it; unchecked.
    pub url: Option<String>,
}

/// At least `threshold` of the members, all defined before it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Group {
    pub(super) threshold: usize,
    pub(super) members: Vec<Member>,
}

/// What a name stands for: its position among the witnesses or the groups.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Member {
    Witness(usize),
    Group(usize),
}

/// What the cosignatures of one checkpoint amount to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct QuorumResult {
    /// Whether they are enough. Under `quorum none` always.
    pub met: bool,
    /// The smallest t at which cosignatures dated up to t are enough; nothing when they are not, or none are needed.
    pub witnessed_time: Option<Timestamp>,
    /// Names of the witnesses with a valid cosignature, each with its earliest time, in the order of the file.
    pub witnesses: Vec<(String, Timestamp)>,
    /// Names of the witnesses with a line that does not verify.
    pub invalid: Vec<String>,
}

impl FromStr for Quorum {
    type Err = QuorumFileError;

    fn from_str(text: &str) -> Result<Self, QuorumFileError> {
        quorum_file::parse(text)
    }
}

impl Quorum {
    /// The logs that the file names, each with its URL; may be empty.
    pub fn logs(&self) -> &[(LogKey, Option<String>)] {
        &self.logs
    }

    /// The witnesses that the file names.
    pub fn witnesses(&self) -> &[Witness] {
        &self.witnesses
    }

    /// Whether the file says `quorum none`.
    pub fn is_none(&self) -> bool {
        self.rule.is_none()
    }

    /// Weighs the cosignatures of a checkpoint, whose log signature the caller has verified.
    ///
    /// A line that does not verify counts for nothing, and takes nothing from the others: else whoever carries the
    /// file could disown a checkpoint by adding one (LOG-21).
    pub fn evaluate(&self, note: &Note) -> QuorumResult {
        self.evaluate_without(note, &[])
    }

    /// The same, with no regard to witnesses whose keys are not to be trusted.
    pub fn evaluate_without(&self, note: &Note, revoked: &[VerifyingKey]) -> QuorumResult {
        let mut result = QuorumResult { met: false, witnessed_time: None, witnesses: Vec::new(), invalid: Vec::new() };
        let mut seen = Vec::with_capacity(self.witnesses.len());
        for witness in &self.witnesses {
            let key = witness.key.vkey();
            let lines = note.signatures_of(key).filter(|_| !revoked.contains(key.key()));
            let times = lines.map(|line| key.verify(note.text(), &line.bytes).ok().flatten());
            let times: Vec<Option<Timestamp>> = times.collect();
            if times.contains(&None) {
                result.invalid.push(witness.name.clone());
            }
            let earliest = times.into_iter().flatten().min();
            result.witnesses.extend(earliest.map(|time| (witness.name.clone(), time)));
            seen.push(earliest);
        }
        result.witnessed_time = self.rule.and_then(|rule| self.time_of(rule, &seen));
        result.met = self.rule.is_none() || result.witnessed_time.is_some();
        result
    }

    /// When a member had witnessed: a witness at its earliest cosignature, a group of k at its k-th earliest member.
    fn time_of(&self, rule: Member, witnesses: &[Option<Timestamp>]) -> Option<Timestamp> {
        let mut groups: Vec<Option<Timestamp>> = Vec::with_capacity(self.groups.len());
        let look_up = |member: &Member, groups: &[Option<Timestamp>]| match member {
            Member::Witness(position) => witnesses.get(*position).copied().flatten(),
            Member::Group(position) => groups.get(*position).copied().flatten(),
        };
        // Members stand before their group, so one pass in the order of the file is enough.
        for group in &self.groups {
            let mut times: Vec<Timestamp> =
                group.members.iter().filter_map(|member| look_up(member, &groups)).collect();
            times.sort_unstable();
            groups.push(group.threshold.checked_sub(1).and_then(|last| times.get(last).copied()));
        }
        look_up(&rule, &groups)
    }
}
