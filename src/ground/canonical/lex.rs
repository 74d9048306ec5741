//! Cuts JSON text into the tokens whose spelling matters, with their places.
//!
//! Out of scope: the grammar. The lexer accepts any text, because serde_json judges the syntax of the same bytes.

use super::{MAX_SAFE_INTEGER, Numbers, ReadErrorKind};

pub(super) enum TokenKind<'a> {
    /// `{` or `[`.
    Open,
    /// `}` or `]`.
    Close,
    /// What stands between the quotes, still escaped.
    String(&'a str),
    /// Everything that could belong to a number.
    Number(&'a str),
}

pub(super) struct Token<'a> {
    /// Offset of the token's first byte, which for a string is its quote.
    pub(super) offset: usize,
    pub(super) kind: TokenKind<'a>,
}

pub(super) struct Lexer<'a> {
    text: &'a str,
    next: usize,
}

impl<'a> Lexer<'a> {
    pub(super) fn new(text: &'a str) -> Self {
        Self { text, next: 0 }
    }

    fn rest(&self) -> &'a [u8] {
        self.text.as_bytes().get(self.next..).unwrap_or_default()
    }

    fn take(&mut self, length: usize) -> &'a str {
        let taken = self.text.get(self.next..self.next + length).unwrap_or_default();
        self.next += length;
        taken
    }

    /// The inside of a string whose opening quote was taken. An unterminated one runs to the end.
    fn string(&mut self) -> &'a str {
        let mut escaped = false;
        let closing = self.rest().iter().position(|byte| {
            let closes = *byte == b'"' && !escaped;
            escaped = *byte == b'\\' && !escaped;
            closes
        });
        let inside = self.take(closing.unwrap_or(self.rest().len()));
        self.next += 1;
        inside
    }

    fn number(&mut self) -> &'a str {
        let is_part = |byte: &u8| matches!(byte, b'0'..=b'9' | b'+' | b'-' | b'.' | b'e' | b'E');
        self.take(self.rest().iter().take_while(|byte| is_part(byte)).count())
    }
}

impl<'a> Iterator for Lexer<'a> {
    type Item = Token<'a>;

    fn next(&mut self) -> Option<Token<'a>> {
        let is_token = |byte: &u8| matches!(byte, b'{' | b'[' | b'}' | b']' | b'"' | b'-' | b'0'..=b'9');
        self.next += self.rest().iter().position(is_token)?;
        let offset = self.next;
        let kind = match self.rest().first()? {
            b'-' | b'0'..=b'9' => TokenKind::Number(self.number()),
            byte => {
                self.next += 1;
                match byte {
                    b'{' | b'[' => TokenKind::Open,
                    b'"' => TokenKind::String(self.string()),
                    _ => TokenKind::Close,
                }
            }
        };
        Some(Token { offset, kind })
    }
}

/// Where in an escaped string half a surrogate pair stands without its other half.
pub(super) fn lone_surrogate(raw: &str) -> Option<usize> {
    let mut at = 0;
    loop {
        at += raw.get(at..)?.find('\\')?;
        at += match code_unit(raw, at) {
            Some(0xD800..=0xDBFF) if matches!(code_unit(raw, at + 6), Some(0xDC00..=0xDFFF)) => 12,
            Some(0xD800..=0xDFFF) => return Some(at),
            Some(_) => 6,
            // `\"`, `\\` and the like; an escape that JSON does not know is a syntax error, found later.
            None => 1 + raw.get(at + 1..)?.chars().next()?.len_utf8(),
        };
    }
}

/// The UTF-16 code unit of a `\uXXXX` escape at `at`.
fn code_unit(raw: &str, at: usize) -> Option<u16> {
    let digits = raw.get(at..at + 6)?.strip_prefix("\\u")?;
    u16::from_str_radix(digits, 16).ok()
}

/// What is wrong with the spelling of a number. Text that is no number at all passes: it is a syntax error, found
/// later.
pub(super) fn number_fault(raw: &str, numbers: Numbers) -> Option<ReadErrorKind> {
    let digits = raw.strip_prefix('-').unwrap_or(raw);
    if !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit()) {
        let negative_zero = digits == "0" && raw != digits;
        return match digits.parse::<u64>() {
            Ok(0..=MAX_SAFE_INTEGER) if negative_zero && numbers == Numbers::IntegersOnly => {
                Some(ReadErrorKind::NotInteger)
            }
            Ok(0..=MAX_SAFE_INTEGER) => None,
            Ok(_) | Err(_) => Some(ReadErrorKind::IntegerRange),
        };
    }
    match numbers {
        Numbers::IntegersOnly => Some(ReadErrorKind::NotInteger),
        Numbers::Finite => fraction_fault(raw),
    }
}

/// Doubles from 2^53 up to 10^21 have a canonical form without exponent, which the reader would refuse as an integer
/// beyond the range: accepting them would accept documents that have no readable canonical form.
fn fraction_fault(raw: &str) -> Option<ReadErrorKind> {
    let magnitude = raw.parse::<f64>().ok()?.abs();
    let is_written_as_integer = (9_007_199_254_740_992.0..1e21).contains(&magnitude);
    (is_written_as_integer || magnitude.is_infinite()).then_some(ReadErrorKind::IntegerRange)
}
