//! What can be wrong with a policy folder, and where.

use std::fmt;

use cedar_policy::ffi::DetailedError;
use serde::Serialize;

/// A place in a policy file.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Location {
    /// Path inside the policy folder.
    pub path: String,
    /// Line, from 1.
    pub line: usize,
    /// Character of the line, from 1.
    pub column: usize,
}

impl Location {
    /// The place of the byte at `offset` in `text`; the end of the text when the offset lies beyond it.
    pub(super) fn of(path: &str, text: &str, offset: usize) -> Self {
        let before = text.get(..offset).unwrap_or(text);
        let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
        Self {
            path: path.to_owned(),
            line: before.matches('\n').count() + 1,
            column: before.get(line_start..).unwrap_or_default().chars().count() + 1,
        }
    }
}

impl fmt::Display for Location {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}:{}", self.path, self.line, self.column)
    }
}

/// Everything that is wrong with a policy folder, as far as it can be told at once; at least one fault.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PolicyError {
    faults: Vec<PolicyFault>,
}

impl PolicyError {
    /// `Err` with the faults in the order of their places, or `Ok` when there are none. Cedar tells them in no order,
    /// and some of them once for each kind of request.
    pub(super) fn check(mut faults: Vec<PolicyFault>) -> Result<(), Self> {
        faults.sort_by(|a, b| a.at().cmp(&b.at()).then_with(|| a.to_string().cmp(&b.to_string())));
        faults.dedup();
        if faults.is_empty() { Ok(()) } else { Err(Self { faults }) }
    }

    /// The faults, those without a place first.
    pub fn faults(&self) -> &[PolicyFault] {
        &self.faults
    }
}

impl From<PolicyFault> for PolicyError {
    fn from(fault: PolicyFault) -> Self {
        Self { faults: vec![fault] }
    }
}

impl fmt::Display for PolicyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, fault) in self.faults.iter().enumerate() {
            write!(f, "{}{fault}", if index == 0 { "" } else { "\n" })?;
        }
        Ok(())
    }
}

impl std::error::Error for PolicyError {}

/// One thing that is wrong with a policy folder.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PolicyFault {
    /// More files than are read.
    #[error("the policy folder has {found} files, and at most {limit} are read")]
    TooManyFiles {
        /// Files in the folder.
        found: usize,
        /// Files that are read at most.
        limit: usize,
    },
    /// More bytes than are read.
    #[error("the policy folder has {found} bytes, and at most {limit} are read")]
    TooLarge {
        /// Bytes of all files.
        found: usize,
        /// Bytes that are read at most.
        limit: usize,
    },
    /// More rules than are evaluated.
    #[error("the policy folder has {found} policies, and at most {limit} are evaluated")]
    TooManyRules {
        /// Policies in all files.
        found: usize,
        /// Policies that are evaluated at most.
        limit: usize,
    },
    /// A path that names nothing inside the folder, or not in one way.
    #[error(
        "`{path}` is not a path inside the policy folder: no `..`, no backslash, no control characters, at most 255 bytes"
    )]
    PathMalformed {
        /// The path.
        path: String,
    },
    /// Two files of one path.
    #[error("`{path}` stands twice in the policy folder")]
    PathRepeated {
        /// The path.
        path: String,
    },
    /// A file that is no part of a policy. A misspelt name must not drop a rule.
    #[error(
        "`{path}` is neither a policy (`*.cedar`), nor `schema.cedarschema`, nor `entities.json`: rename it, or move it out of the policy folder"
    )]
    FileUnexpected {
        /// The path.
        path: String,
    },
    /// A file that is not text.
    #[error("`{path}` is not UTF-8 text")]
    NotText {
        /// The path.
        path: String,
    },
    /// No schema.
    #[error("the policy folder has no `schema.cedarschema`: every fact that policies name is declared there")]
    SchemaMissing,
    /// Text that Cedar cannot read.
    #[error("{at}: {message}")]
    Syntax {
        /// Where.
        at: Location,
        /// What Cedar says.
        message: String,
    },
    /// Two actions of one name in different namespaces, which a request could not tell apart.
    #[error(
        "schema.cedarschema: the action `{name}` is declared in two namespaces: give each action a name of its own"
    )]
    ActionAmbiguous {
        /// The action's name.
        name: String,
    },
    /// Entities that are not JSON, or do not conform to the schema.
    #[error("entities.json: {message}")]
    Entities {
        /// What is wrong.
        message: String,
    },
    /// A policy without a name.
    #[error(
        "{at}: this policy has no id: write `@id(\"a-name\")` before it, since receipts name the policies that decided"
    )]
    IdMissing {
        /// Where the policy begins.
        at: Location,
    },
    /// A name that receipts cannot carry.
    #[error("{at}: the id `{id}` must have 1 to 128 characters and no control characters")]
    IdMalformed {
        /// Where the policy begins.
        at: Location,
        /// The id.
        id: String,
    },
    /// A name that another policy has.
    #[error("{at}: the id `{id}` is taken by the policy at {first}: every policy needs its own")]
    IdRepeated {
        /// Where the later policy begins.
        at: Location,
        /// The id.
        id: String,
        /// Where the first policy of that id begins.
        first: Location,
    },
    /// A template, which only links would turn into policies.
    #[error("{at}: templates (`?principal`, `?resource`) are not read: write the policy out")]
    Template {
        /// Where the template begins.
        at: Location,
    },
    /// An annotation of ours with a value that it cannot have.
    #[error("{at}: `@{name}(\"{value}\")` of policy `{id}` {expected}")]
    Annotation {
        /// Where the policy begins.
        at: Location,
        /// The policy.
        id: String,
        /// The annotation.
        name: &'static str,
        /// Its value.
        value: String,
        /// What it has to be.
        expected: &'static str,
    },
    /// An integer that canonical JSON cannot keep exactly, so that two different policies would have one digest.
    #[error("{at}: policy `{id}` has the integer {value}: integers stay within 2^53 - 1, so that digests are exact")]
    IntegerTooLarge {
        /// Where the policy begins.
        at: Location,
        /// The policy.
        id: String,
        /// The integer.
        value: i64,
    },
    /// A policy that does not pass strict validation against the schema.
    #[error("{at}: {message}")]
    Invalid {
        /// Where.
        at: Location,
        /// The policy.
        id: String,
        /// What Cedar says.
        message: String,
    },
    /// The engine could not write out a policy that it had read.
    #[error("{path}: the engine cannot write this as JSON: {message}")]
    Unwritable {
        /// The file.
        path: String,
        /// What the engine says.
        message: String,
    },
}

impl PolicyFault {
    /// The place, where there is one.
    pub fn at(&self) -> Option<&Location> {
        match self {
            Self::Syntax { at, .. }
            | Self::IdMissing { at }
            | Self::IdMalformed { at, .. }
            | Self::IdRepeated { at, .. }
            | Self::Template { at }
            | Self::Annotation { at, .. }
            | Self::IntegerTooLarge { at, .. }
            | Self::Invalid { at, .. } => Some(at),
            Self::TooManyFiles { .. }
            | Self::TooLarge { .. }
            | Self::TooManyRules { .. }
            | Self::PathMalformed { .. }
            | Self::PathRepeated { .. }
            | Self::FileUnexpected { .. }
            | Self::NotText { .. }
            | Self::SchemaMissing
            | Self::ActionAmbiguous { .. }
            | Self::Entities { .. }
            | Self::Unwritable { .. } => None,
        }
    }
}

/// Something that is allowed and yet probably not meant: a policy that can never apply, look-alike characters.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct PolicyWarning {
    /// Where.
    pub at: Location,
    /// What Cedar says.
    pub message: String,
}

impl fmt::Display for PolicyWarning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.at, self.message)
    }
}

/// Cedar's message with its advice, and the place that it points to.
pub(super) fn cedar_says(error: &DetailedError, path: &str, text: &str, fallback: usize) -> (Location, String) {
    let offset = error.source_locations.first().map_or(fallback, |label| label.loc.start);
    let mut message = error.message.clone();
    if let Some(label) = error.source_locations.first().and_then(|label| label.label.as_ref()) {
        message.push_str(&format!(" ({label})"));
    }
    if let Some(help) = &error.help {
        message.push_str(&format!("; {help}"));
    }
    (Location::of(path, text, offset), message)
}
