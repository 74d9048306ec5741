//! The text form of a quorum: C2SP tlog-policy, read strictly.

use std::collections::{BTreeMap, BTreeSet};

use super::quorum::{Group, Member, Quorum, Witness};
use crate::ground::limits::{MAX_QUORUM_BYTES, MAX_QUORUM_LINES};
use crate::ground::log::checkpoint::{CosignerKey, LogKey};
use crate::ground::log::note::{VerifierKey, VkeyError, parse_decimal};

/// What is wrong with a quorum file, with the number of the line, from 1.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum QuorumFileError {
    /// A control character other than tab and newline.
    #[error("line {line}: control characters other than tab and newline are not allowed")]
    ControlCharacter {
        /// Line number.
        line: usize,
    },
    /// A public key that another line of the kind has.
    #[error("line {line}: another line has the same public key")]
    DuplicateKey {
        /// Line number.
        line: usize,
    },
    /// A name that is defined already, or is `none`.
    #[error("line {line}: the name `{name}` is taken")]
    DuplicateName {
        /// Line number.
        line: usize,
        /// The name.
        name: String,
    },
    /// A line that is none of the four, or has too few or too many items.
    #[error("line {line}: expected `log`, `witness`, `group` or `quorum` with its items")]
    Malformed {
        /// Line number.
        line: usize,
    },
    /// A name that is a member already, here or in another group.
    #[error("line {line}: `{name}` is already a member of a group")]
    MemberTwice {
        /// Line number.
        line: usize,
        /// The name.
        name: String,
    },
    /// No quorum line.
    #[error("there is no `quorum` line")]
    NoQuorum,
    /// A second quorum line.
    #[error("line {line}: there is another `quorum` line")]
    QuorumTwice {
        /// Line number.
        line: usize,
    },
    /// Not a number from 1 to the number of members.
    #[error("line {line}: the threshold is not `all`, `any` or a number from 1 to the number of members")]
    Threshold {
        /// Line number.
        line: usize,
    },
    /// More bytes than are read.
    #[error("the file has {0} bytes, more than {MAX_QUORUM_BYTES}")]
    TooLarge(usize),
    /// More lines of a kind than are read.
    #[error("line {line}: more than {MAX_QUORUM_LINES} lines of this kind")]
    TooMany {
        /// Line number.
        line: usize,
    },
    /// A name that no line above defines.
    #[error("line {line}: no line above defines `{name}`")]
    UnknownName {
        /// Line number.
        line: usize,
        /// The name.
        name: String,
    },
    /// A key that is none, or of the wrong type.
    #[error("line {line}: {error}")]
    Vkey {
        /// Line number.
        line: usize,
        /// What is wrong with it.
        error: VkeyError,
    },
}

/// Reads a quorum file (LOG-20). Names are UTF-8 here, which is stricter than the specification's octets.
pub(super) fn parse(text: &str) -> Result<Quorum, QuorumFileError> {
    if text.len() > MAX_QUORUM_BYTES {
        return Err(QuorumFileError::TooLarge(text.len()));
    }
    let mut reader = Reader::default();
    for (number, line) in (1..).zip(text.split_terminator('\n')) {
        if line.chars().any(|c| c.is_control() && c != '\t') {
            return Err(QuorumFileError::ControlCharacter { line: number });
        }
        reader.number = number;
        let items: Vec<&str> = line.split([' ', '\t']).filter(|item| !item.is_empty()).collect();
        match items.as_slice() {
            [] => {}
            [first, ..] if first.starts_with('#') => {}
            ["log", vkey] => reader.log(vkey, None)?,
            ["log", vkey, url] => reader.log(vkey, Some(url))?,
            ["witness", name, vkey] => reader.witness(name, vkey, None)?,
            ["witness", name, vkey, url] => reader.witness(name, vkey, Some(url))?,
            ["group", name, threshold, members @ ..] if !members.is_empty() => {
                reader.group(name, threshold, members)?
            }
            ["quorum", name] => reader.quorum(name)?,
            _ => return Err(QuorumFileError::Malformed { line: number }),
        }
    }
    let rule = reader.rule.ok_or(QuorumFileError::NoQuorum)?;
    Ok(Quorum { logs: reader.logs, witnesses: reader.witnesses, groups: reader.groups, rule })
}

/// What the lines read so far define.
#[derive(Default)]
struct Reader {
    number: usize,
    logs: Vec<(LogKey, Option<String>)>,
    witnesses: Vec<Witness>,
    groups: Vec<Group>,
    names: BTreeMap<String, Member>,
    members: BTreeSet<String>,
    log_keys: BTreeSet<[u8; 32]>,
    witness_keys: BTreeSet<[u8; 32]>,
    rule: Option<Option<Member>>,
}

impl Reader {
    fn log(&mut self, vkey: &str, url: Option<&str>) -> Result<(), QuorumFileError> {
        let line = self.number;
        let key: LogKey = vkey.parse().map_err(|error| QuorumFileError::Vkey { line, error })?;
        unique_key(&mut self.log_keys, key.vkey(), line)?;
        room(self.logs.len(), line)?;
        self.logs.push((key, url.map(str::to_owned)));
        Ok(())
    }

    fn witness(&mut self, name: &str, vkey: &str, url: Option<&str>) -> Result<(), QuorumFileError> {
        let line = self.number;
        let key: CosignerKey = vkey.parse().map_err(|error| QuorumFileError::Vkey { line, error })?;
        unique_key(&mut self.witness_keys, key.vkey(), line)?;
        room(self.witnesses.len(), line)?;
        self.define(name, Member::Witness(self.witnesses.len()))?;
        self.witnesses.push(Witness { name: name.to_owned(), key, url: url.map(str::to_owned) });
        Ok(())
    }

    fn group(&mut self, name: &str, threshold: &str, members: &[&str]) -> Result<(), QuorumFileError> {
        let line = self.number;
        let threshold = match threshold {
            "all" => members.len(),
            "any" => 1,
            number => parse_decimal(number)
                .and_then(|k| usize::try_from(k).ok())
                .ok_or(QuorumFileError::Threshold { line })?,
        };
        if !(1..=members.len()).contains(&threshold) {
            return Err(QuorumFileError::Threshold { line });
        }
        room(self.groups.len(), line)?;
        let mut resolved = Vec::with_capacity(members.len());
        for member in members {
            resolved.push(self.resolve(member)?);
            // Each witness may weigh in one way only, so a name is a member once in the whole file.
            if !self.members.insert((*member).to_owned()) {
                return Err(QuorumFileError::MemberTwice { line, name: (*member).to_owned() });
            }
        }
        self.define(name, Member::Group(self.groups.len()))?;
        self.groups.push(Group { threshold, members: resolved });
        Ok(())
    }

    fn quorum(&mut self, name: &str) -> Result<(), QuorumFileError> {
        if self.rule.is_some() {
            return Err(QuorumFileError::QuorumTwice { line: self.number });
        }
        self.rule = Some(if name == "none" { None } else { Some(self.resolve(name)?) });
        Ok(())
    }

    fn define(&mut self, name: &str, member: Member) -> Result<(), QuorumFileError> {
        if name == "none" || self.names.insert(name.to_owned(), member).is_some() {
            return Err(QuorumFileError::DuplicateName { line: self.number, name: name.to_owned() });
        }
        Ok(())
    }

    fn resolve(&self, name: &str) -> Result<Member, QuorumFileError> {
        let unknown = || QuorumFileError::UnknownName { line: self.number, name: name.to_owned() };
        self.names.get(name).copied().ok_or_else(unknown)
    }
}

/// Two vkeys of one public key are one key, whatever their names.
fn unique_key(keys: &mut BTreeSet<[u8; 32]>, key: &VerifierKey, line: usize) -> Result<(), QuorumFileError> {
    if keys.insert(key.key().to_bytes()) { Ok(()) } else { Err(QuorumFileError::DuplicateKey { line }) }
}

fn room(count: usize, line: usize) -> Result<(), QuorumFileError> {
    if count < MAX_QUORUM_LINES { Ok(()) } else { Err(QuorumFileError::TooMany { line }) }
}
