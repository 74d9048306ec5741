//! JSON in its one form: a strict reader of raw bytes, and the canonical writer.
//!
//! The reader takes I-JSON (RFC 7493) and refuses what lenient parsers repair or hide: duplicate names, a byte order
//! mark, lone surrogates, numbers that not every reader keeps. The writer is the JSON Canonicalization Scheme
//! (RFC 8785). The numbered rules stand in `spec/canonical.md`. Out of scope: what the members of a document mean; a
//! typed reader that wants bytes to be their own canonical form calls [`read_canonical`], and nothing else in the
//! crate names the canonicalisation library.

use serde::Serialize;
use serde::de::{DeserializeOwned, DeserializeSeed as _};
use serde_json::Value;

use crate::ground::limits::{MAX_JSON_DEPTH, MAX_SAFE_INTEGER};

mod build;
mod lex;
mod plain;

use build::Builder;
use lex::{Lexer, TokenKind, lone_surrogate, number_fault};
use plain::plain_depth;

/// Which numbers a document may hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Numbers {
    /// Integers within ±(2^53 - 1), written as integers: no fraction, no exponent, no `-0`.
    IntegersOnly,
    /// Any finite double whose canonical form is read back as the same number.
    Finite,
}

/// What a document may look like.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rules {
    numbers: Numbers,
    max_depth: usize,
    max_bytes: usize,
}

impl Rules {
    /// Receipts, key sets and whatever else is signed: integers only.
    pub const fn receipt(max_bytes: usize) -> Self {
        Self { numbers: Numbers::IntegersOnly, max_depth: MAX_JSON_DEPTH, max_bytes }
    }

    /// Any I-JSON document of at most `max_bytes`.
    pub const fn json(max_bytes: usize) -> Self {
        Self { numbers: Numbers::Finite, max_depth: MAX_JSON_DEPTH, max_bytes }
    }
}

/// Why bytes are not a document that the rules allow.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ReadErrorKind {
    /// More bytes than the rules allow.
    #[error("the document is larger than {0} bytes")]
    TooLarge(usize),
    /// The bytes EF BB BF at the start.
    #[error("the document starts with a byte order mark")]
    ByteOrderMark,
    /// Bytes that are not UTF-8.
    #[error("invalid UTF-8")]
    NotUtf8,
    /// Not JSON (RFC 8259), with what the parser expected.
    #[error("not JSON: {0}")]
    Syntax(String),
    /// One object names a member twice, compared after unescaping.
    #[error("the name `{}` stands twice in one object", .0.escape_debug())]
    DuplicateKey(String),
    /// Arrays and objects nest deeper than the rules allow.
    #[error("nested deeper than {0} levels")]
    TooDeep(usize),
    /// A number that not every reader keeps exactly.
    #[error("a number beyond ±(2^53 - 1)")]
    IntegerRange,
    /// A number with a fraction or an exponent, or `-0`, where only integers are allowed.
    #[error("a number that is not written as an integer")]
    NotInteger,
    /// A `\u` escape of half a surrogate pair.
    #[error("a lone surrogate")]
    LoneSurrogate,
    /// A string with a code point that Unicode reserves as a noncharacter (RFC 7493, section 2.1).
    #[error("a string with the noncharacter U+{0:04X}")]
    Noncharacter(u32),
    /// Something after the document.
    #[error("trailing bytes after the document")]
    TrailingBytes,
}

/// Why bytes were refused, and where: lines and columns count from 1, columns and `offset` count bytes.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{kind} at line {line}, column {column}")]
pub struct ReadError {
    /// What is wrong.
    pub kind: ReadErrorKind,
    /// Line of the offending byte, from 1.
    pub line: usize,
    /// Column of the offending byte in its line, in bytes, from 1.
    pub column: usize,
    /// Offset of the offending byte, from 0.
    pub offset: usize,
}

/// Why bytes are not the canonical form of a value of the wanted type.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CanonicalReadError {
    /// Not a document at all.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// A document, but not in its canonical form; `offset` is the first byte that differs, from 0.
    #[error("not in canonical form from byte {offset} on")]
    NotCanonical {
        /// First byte that differs from the canonical form.
        offset: usize,
    },
    /// A canonical document, but not of the wanted form.
    #[error("{0}")]
    Invalid(String),
}

/// A value that JSON cannot say: a number that is not finite, or a map whose names are not strings.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("not expressible as canonical JSON: {0}")]
pub struct WriteError(String);

/// Reads one document strictly (spec rules JSON-01 to JSON-09).
pub fn parse(bytes: &[u8], rules: &Rules) -> Result<Value, ReadError> {
    let refuse = |kind, offset| locate(bytes, offset, kind);
    let text = read_text(bytes, rules).map_err(|(kind, offset)| refuse(kind, offset))?;
    check_tokens(text, rules).map_err(|(kind, offset)| refuse(kind, offset))?;
    let mut builder = Builder::default();
    let mut json = serde_json::Deserializer::from_str(text);
    match builder.deserialize(&mut json) {
        Ok(value) => match json.end() {
            Ok(()) => Ok(value),
            Err(error) => Err(refuse(ReadErrorKind::TrailingBytes, syntax_offset(text, &error))),
        },
        Err(error) => Err(match builder.into_refusal() {
            Some((kind, ordinal)) => refuse(kind, string_offset(text, ordinal)),
            None => refuse(syntax_kind(&error), syntax_offset(text, &error)),
        }),
    }
}

/// Writes the canonical form (RFC 8785). Numbers are written as the double nearest to them: a type whose integers may
/// exceed 2^53 - 1 bounds them itself, as every type of this crate does.
pub fn to_vec<T: Serialize + ?Sized>(value: &T) -> Result<Vec<u8>, WriteError> {
    let error = |error: serde_json::Error| WriteError(error.to_string());
    let written = serde_json::to_string(value).map_err(error)?;
    if plain_depth(&written).is_some() {
        return Ok(written.into_bytes());
    }
    if let Some(sorted) = sort_members(&written) {
        return Ok(sorted.into_bytes());
    }
    serde_jcs::to_vec(value).map_err(error)
}

/// The canonical form of a document that only has members out of order, as facts from callers have.
fn sort_members(written: &str) -> Option<String> {
    let mut document: Value = serde_json::from_str(written).ok()?;
    document.sort_all_objects();
    let sorted = serde_json::to_string(&document).ok()?;
    plain_depth(&sorted).is_some().then_some(sorted)
}

/// Reads a value from bytes that must be exactly its canonical form (spec rules JSON-01 to JSON-11).
///
/// Whether the bytes are canonical is judged before their members are, so that the answer does not depend on `T`.
pub fn read_canonical<T: DeserializeOwned + Serialize>(bytes: &[u8], rules: &Rules) -> Result<T, CanonicalReadError> {
    if let Some(value) = read_plain(bytes, rules) {
        return Ok(value);
    }
    let document = parse(bytes, rules)?;
    let why = match serde_json::from_slice::<T>(bytes) {
        Ok(value) if to_vec(&value).is_ok_and(|form| form == bytes) => return Ok(value),
        Ok(_) => "a member is not in the form in which it is written".to_owned(),
        Err(error) => error.to_string(),
    };
    match to_vec(&document) {
        Ok(form) if form == bytes => Err(CanonicalReadError::Invalid(why)),
        Ok(form) => Err(CanonicalReadError::NotCanonical { offset: first_difference(bytes, &form) }),
        Err(error) => Err(CanonicalReadError::Invalid(error.to_string())),
    }
}

/// The way of nearly every good document: plain ASCII text names nothing twice and holds no escapes, noncharacters or
/// numbers that the rules refuse, so that of all that [`parse`] looks for only the depth is left. Nothing means only
/// that the long way has to say what is wrong, if anything is.
fn read_plain<T: DeserializeOwned + Serialize>(bytes: &[u8], rules: &Rules) -> Option<T> {
    let text = read_text(bytes, rules).ok()?;
    if !text.is_ascii() || plain_depth(text)? > rules.max_depth {
        return None;
    }
    let value = serde_json::from_str(text).ok()?;
    // The text is canonical, so whatever is written alike is the value's canonical form.
    (serde_json::to_string(&value).ok()? == text).then_some(value)
}

type Refusal = (ReadErrorKind, usize);

fn read_text<'a>(bytes: &'a [u8], rules: &Rules) -> Result<&'a str, Refusal> {
    if bytes.len() > rules.max_bytes {
        return Err((ReadErrorKind::TooLarge(rules.max_bytes), rules.max_bytes));
    }
    if bytes.starts_with(b"\xEF\xBB\xBF") {
        return Err((ReadErrorKind::ByteOrderMark, 0));
    }
    std::str::from_utf8(bytes).map_err(|error| (ReadErrorKind::NotUtf8, error.valid_up_to()))
}

/// Checks what the spelling of a token alone decides, and what serde_json no longer shows once it has read a token:
/// depth, number spellings, surrogate escapes.
fn check_tokens(text: &str, rules: &Rules) -> Result<(), Refusal> {
    let mut depth = 0_usize;
    for token in Lexer::new(text) {
        match token.kind {
            TokenKind::Open if depth == rules.max_depth => {
                return Err((ReadErrorKind::TooDeep(rules.max_depth), token.offset));
            }
            TokenKind::Open => depth += 1,
            // Unbalanced brackets are a syntax error, which serde_json reports.
            TokenKind::Close => depth = depth.saturating_sub(1),
            TokenKind::String(raw) => {
                if let Some(at) = lone_surrogate(raw) {
                    return Err((ReadErrorKind::LoneSurrogate, token.offset + 1 + at));
                }
            }
            TokenKind::Number(raw) => {
                if let Some(kind) = number_fault(raw, rules.numbers) {
                    return Err((kind, token.offset));
                }
            }
        }
    }
    Ok(())
}

/// Where the string with this ordinal (from 0, names and values alike) starts.
fn string_offset(text: &str, ordinal: usize) -> usize {
    Lexer::new(text)
        .filter(|token| matches!(token.kind, TokenKind::String(_)))
        .nth(ordinal)
        .map_or(text.len(), |token| token.offset)
}

fn syntax_kind(error: &serde_json::Error) -> ReadErrorKind {
    let place = format!(" at line {} column {}", error.line(), error.column());
    let message = error.to_string();
    ReadErrorKind::Syntax(message.strip_suffix(&place).unwrap_or(&message).to_owned())
}

fn syntax_offset(text: &str, error: &serde_json::Error) -> usize {
    if error.is_eof() {
        return text.len();
    }
    let before: usize = text.split_inclusive('\n').take(error.line().saturating_sub(1)).map(str::len).sum();
    // A raw newline inside a string is reported as column 0 of the line after it.
    (before + error.column()).saturating_sub(1)
}

fn locate(bytes: &[u8], offset: usize, kind: ReadErrorKind) -> ReadError {
    let before = bytes.get(..offset).unwrap_or(bytes);
    let line_start = before.iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at + 1);
    let line = 1 + before.iter().filter(|byte| **byte == b'\n').count();
    ReadError { kind, line, column: before.len() - line_start + 1, offset: before.len() }
}

fn first_difference(left: &[u8], right: &[u8]) -> usize {
    left.iter().zip(right).take_while(|(a, b)| a == b).count()
}

#[cfg(test)]
mod tests;
