//! Sees at a glance that most of our documents are in canonical form already.
//!
//! Types of this crate declare their members in canonical order, so that what serde_json writes is canonical as it
//! stands. Seeing that costs a twentieth of what writing it by the full rules costs, and every receipt is
//! written or compared on the hot path. Whatever is not plain goes the full way: a wrong "no" costs time, and the
//! tests hold that there is no wrong "yes".

use super::Numbers;
use super::lex::{Lexer, TokenKind, number_fault};

/// How deep this JSON text nests, if it is visibly its own canonical form: no white space, no escapes, ASCII names in
/// strictly ascending order (bytes and UTF-16 sort alike there), numbers that are canonical integers, and no `null`,
/// which serde_json also writes for what is not finite.
pub(super) fn plain_depth(text: &str) -> Option<usize> {
    let mut last_names: Vec<Option<&str>> = Vec::new();
    let (mut depth, mut end) = (0, 0);
    for token in Lexer::new(text) {
        if !is_plain_gap(text.get(end..token.offset)) {
            return None;
        }
        let (length, plain) = match token.kind {
            TokenKind::Open => {
                last_names.push(None);
                depth = depth.max(last_names.len());
                (1, true)
            }
            TokenKind::Close => (1, last_names.pop().is_some()),
            TokenKind::Number(raw) => (raw.len(), number_fault(raw, Numbers::IntegersOnly).is_none()),
            TokenKind::String(raw) => {
                let length = raw.len() + 2;
                let is_name = text.as_bytes().get(token.offset + length) == Some(&b':');
                (length, !raw.contains('\\') && (!is_name || ascends(&mut last_names, raw)))
            }
        };
        if !plain {
            return None;
        }
        end = token.offset + length;
    }
    is_plain_gap(text.get(end..)).then_some(depth)
}

/// Between the tokens stand commas, colons, `true` and `false`.
fn is_plain_gap(gap: Option<&str>) -> bool {
    gap.is_some_and(|gap| !gap.contains(|c: char| c.is_ascii_whitespace() || c == 'n'))
}

fn ascends<'a>(last_names: &mut [Option<&'a str>], name: &'a str) -> bool {
    let Some(last) = last_names.last_mut() else { return false };
    let ascends = name.is_ascii() && last.is_none_or(|last| last < name);
    *last = Some(name);
    ascends
}
