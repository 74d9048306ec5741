//! The files of one revision of a policy folder: bounded, named once, sorted.

use crate::ground::limits::{MAX_POLICY_FILES, MAX_POLICY_PATH_BYTES, MAX_POLICY_SOURCE_BYTES};
use crate::ground::policy::fault::{PolicyError, PolicyFault};

/// Path of the schema, which every policy folder has.
pub const SCHEMA_PATH: &str = "schema.cedarschema";

/// Path of the entities that are known beforehand, in Cedar's JSON form; a folder may do without.
pub const ENTITIES_PATH: &str = "entities.json";

/// One file of a policy folder, as found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PolicyFile {
    /// Path inside the folder, with `/` between its parts.
    pub path: String,
    /// The bytes.
    pub bytes: Vec<u8>,
}

/// One file of a policy folder, known to be text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct SourceText {
    pub(super) path: String,
    pub(super) text: String,
}

/// The files of one revision: policies (`*.cedar`, also in subfolders), one schema, perhaps entities.
///
/// Names that begin with a dot and `*.md` files are left out, as notes of people and of version control; anything
/// else is a fault, because a policy that is dropped for its misspelt name might have been a forbid.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PolicySource {
    pub(super) policies: Vec<SourceText>,
    pub(super) schema: SourceText,
    pub(super) entities: Option<SourceText>,
}

impl PolicySource {
    /// Sorts the files of a folder into their roles.
    pub fn new(files: Vec<PolicyFile>) -> Result<Self, PolicyError> {
        let files: Vec<PolicyFile> = files.into_iter().filter(|file| !is_note(&file.path)).collect();
        check_bounds(&files)?;
        let (mut policies, mut schema, mut entities) = (Vec::new(), None, None);
        let mut faults = Vec::new();
        for file in files {
            match read(file) {
                Err(fault) => faults.push(fault),
                Ok(file) if file.path == SCHEMA_PATH => schema = Some(file),
                Ok(file) if file.path == ENTITIES_PATH => entities = Some(file),
                Ok(file) => policies.push(file),
            }
        }
        policies.sort_by(|a, b| a.path.cmp(&b.path));
        if schema.is_none() && faults.is_empty() {
            faults.push(PolicyFault::SchemaMissing);
        }
        match (PolicyError::check(faults), schema) {
            (Ok(()), Some(schema)) => Ok(Self { policies, schema, entities }),
            (Ok(()), None) => Err(PolicyFault::SchemaMissing.into()),
            (Err(error), _) => Err(error),
        }
    }

    /// Every file, sorted by path.
    pub(super) fn into_files(self) -> Vec<SourceText> {
        let mut files = self.policies;
        files.push(self.schema);
        files.extend(self.entities);
        files.sort_by(|a, b| a.path.cmp(&b.path));
        files
    }
}

/// What people and version control keep beside the policies.
fn is_note(path: &str) -> bool {
    path.split('/').any(|part| part.starts_with('.') && !matches!(part, "." | "..")) || path.ends_with(".md")
}

fn check_bounds(files: &[PolicyFile]) -> Result<(), PolicyError> {
    if files.len() > MAX_POLICY_FILES {
        return Err(PolicyFault::TooManyFiles { found: files.len(), limit: MAX_POLICY_FILES }.into());
    }
    let found = files.iter().map(|file| file.bytes.len()).sum();
    if found > MAX_POLICY_SOURCE_BYTES {
        return Err(PolicyFault::TooLarge { found, limit: MAX_POLICY_SOURCE_BYTES }.into());
    }
    let mut paths: Vec<&str> = files.iter().map(|file| file.path.as_str()).collect();
    paths.sort_unstable();
    let repeated = paths.iter().zip(paths.iter().skip(1)).find(|(path, next)| path == next);
    match repeated {
        Some((path, _)) => Err(PolicyFault::PathRepeated { path: (*path).to_owned() }.into()),
        None => Ok(()),
    }
}

fn read(file: PolicyFile) -> Result<SourceText, PolicyFault> {
    let PolicyFile { path, bytes } = file;
    let one_way = path.split('/').all(|part| !matches!(part, "" | "." | ".."));
    if !one_way || path.len() > MAX_POLICY_PATH_BYTES || path.contains(|c: char| c == '\\' || c.is_control()) {
        return Err(PolicyFault::PathMalformed { path: path.chars().take(MAX_POLICY_PATH_BYTES).collect() });
    }
    if path != SCHEMA_PATH && path != ENTITIES_PATH && !path.ends_with(".cedar") {
        return Err(PolicyFault::FileUnexpected { path });
    }
    match String::from_utf8(bytes) {
        Ok(text) => Ok(SourceText { path, text }),
        Err(_) => Err(PolicyFault::NotText { path }),
    }
}
