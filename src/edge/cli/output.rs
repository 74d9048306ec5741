//! How a command ends and what it says.

use std::fmt;
use std::io::{self, Write as _};
use std::process::ExitCode;

use serde::Serialize;
use serde_json::json;

use crate::ground::report::visible;
use crate::ground::verdict::Conclusion;

/// How a command ended. The numbers are part of the interface; those from 64 on are those of `sysexits.h`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exit {
    /// 0: valid, or done.
    Done,
    /// 1: the evidence, or the document, does not hold.
    Invalid,
    /// 2: nothing is refuted, but something needed to confirm it is missing.
    Undetermined,
    /// 64: wrong use.
    Usage,
    /// 70: a fault of our own.
    Internal,
    /// 74: something could not be read or written.
    Io,
    /// 75: not ready.
    NotReady,
}

impl Exit {
    /// The number.
    pub const fn code(self) -> u8 {
        match self {
            Self::Done => 0,
            Self::Invalid => 1,
            Self::Undetermined => 2,
            Self::Usage => 64,
            Self::Internal => 70,
            Self::Io => 74,
            Self::NotReady => 75,
        }
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit.code())
    }
}

impl From<Conclusion> for Exit {
    fn from(conclusion: Conclusion) -> Self {
        match conclusion {
            Conclusion::Valid => Self::Done,
            Conclusion::Invalid => Self::Invalid,
            Conclusion::Undetermined => Self::Undetermined,
        }
    }
}

/// Why a command could not give its result, and what to do about it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct CliError {
    exit: Exit,
    message: String,
    help: Option<String>,
}

impl CliError {
    /// The command was used wrongly, or a file that the user wrote is.
    pub(crate) fn usage(message: impl fmt::Display) -> Self {
        Self { exit: Exit::Usage, message: message.to_string(), help: None }
    }

    /// A fault of our own.
    pub(crate) fn internal(message: impl fmt::Display) -> Self {
        let help = "this is a fault of countersign: please report it with the command that you ran";
        Self { exit: Exit::Internal, message: message.to_string(), help: Some(help.to_owned()) }
    }

    /// Something could not be read or written.
    pub(crate) fn io(message: impl fmt::Display) -> Self {
        Self { exit: Exit::Io, message: message.to_string(), help: None }
    }

    /// What was given does not hold.
    pub(crate) fn invalid(message: impl fmt::Display) -> Self {
        Self { exit: Exit::Invalid, message: message.to_string(), help: None }
    }

    /// It cannot be told or done yet.
    pub(crate) fn not_ready(message: impl fmt::Display) -> Self {
        Self { exit: Exit::NotReady, message: message.to_string(), help: None }
    }

    /// Says what to do.
    pub(crate) fn with_help(self, help: impl fmt::Display) -> Self {
        Self { help: Some(help.to_string()), ..self }
    }

    pub(crate) fn exit(&self) -> Exit {
        self.exit
    }
}

/// Where results and words go.
#[derive(Debug)]
pub(crate) struct Output {
    json: bool,
}

impl Output {
    pub(crate) fn new(json: bool) -> Self {
        Self { json }
    }

    /// Whether the result is to be JSON.
    pub(crate) fn is_json(&self) -> bool {
        self.json
    }

    /// The result: `value` with `--json`, else the text.
    pub(crate) fn result(&self, value: &impl Serialize, text: impl FnOnce() -> String) -> Result<(), CliError> {
        if self.json { self.json(value) } else { self.bytes(for_terminal(&text()).as_bytes()) }
    }

    /// The result as one line of JSON.
    pub(crate) fn json(&self, value: &impl Serialize) -> Result<(), CliError> {
        let mut line = serde_json::to_vec(value).map_err(CliError::internal)?;
        line.push(b'\n');
        self.bytes(&line)
    }

    /// The result as it is, in either mode.
    pub(crate) fn bytes(&self, bytes: &[u8]) -> Result<(), CliError> {
        let mut out = io::stdout().lock();
        out.write_all(bytes)
            .and_then(|()| out.flush())
            .map_err(|error| CliError::io(format!("cannot write the result: {error}")))
    }

    /// Words to whoever watches. With `--json` the result has them already.
    pub(crate) fn say(&self, words: &str) {
        if !self.json && !words.is_empty() {
            // A closed standard error must not change how the command ends.
            let _unheard = writeln!(io::stderr(), "{}", for_terminal(words.trim_end()));
        }
    }

    /// An error, for people or as JSON, always on standard error: the result is not there, so nothing stands for it.
    pub(crate) fn complain(&self, error: &CliError) {
        let message = &error.message;
        let words = if self.json {
            json!({"error": {"exit": error.exit.code(), "message": message, "help": error.help}}).to_string()
        } else {
            let help = error.help.as_ref().map(|help| format!("\nhelp: {help}")).unwrap_or_default();
            for_terminal(&format!("error: {message}{help}"))
        };
        let _unheard = writeln!(io::stderr(), "{words}");
    }
}

/// Receipts, key sets and error messages quote what strangers wrote, which must not steer a terminal.
fn for_terminal(text: &str) -> String {
    let lines: Vec<String> = text.split('\n').map(visible).collect();
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_of_strangers_does_not_steer_the_terminal() {
        let shown = for_terminal("agent\n  \u{9b}31m\u{1b}]0;x\u{7}\u{202e}\n");
        assert_eq!(shown, "agent\n  \\u{9b}31m\\u{1b}]0;x\\u{7}\\u{202e}\n");
    }
}
