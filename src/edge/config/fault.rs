//! What can be wrong with a configuration, said so that a person knows which key to change.

use std::fmt::Display;
use std::io;
use std::ops::RangeInclusive;
use std::path::PathBuf;

/// Why a configuration is refused.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The file cannot be read.
    #[error("cannot read the configuration `{path}`: {source}")]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What the operating system said.
        source: io::Error,
    },
    /// No configuration is this large.
    #[error("`{path}` is too large for a configuration")]
    TooLarge {
        /// The file.
        path: PathBuf,
    },
    /// Not TOML, or a value of another type.
    #[error("{0}")]
    Syntax(String),
    /// A key that does not exist.
    #[error("unknown key `{key}`{}", nearest.as_ref().map(|key| format!(": did you mean `{key}`?")).unwrap_or_default())]
    UnknownKey {
        /// The key, with its path.
        key: String,
        /// The known key that is nearest to it, if one is near.
        nearest: Option<String>,
    },
    /// A value that cannot be used.
    #[error("`{key}`: {problem}")]
    Invalid {
        /// The key, with its path.
        key: String,
        /// What is wrong with it.
        problem: String,
    },
    /// One of these, in a file.
    #[error("in `{path}`: {error}")]
    In {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        error: Box<Self>,
    },
}

pub(super) fn invalid(key: impl Into<String>, problem: impl Into<String>) -> ConfigError {
    ConfigError::Invalid { key: key.into(), problem: problem.into() }
}

/// `value`, if the range holds it.
pub(super) fn within<T: PartialOrd + Display>(key: &str, value: T, range: RangeInclusive<T>) -> Result<T, ConfigError> {
    if range.contains(&value) {
        return Ok(value);
    }
    Err(invalid(key, format!("must be {} to {}, and is {value}", range.start(), range.end())))
}
