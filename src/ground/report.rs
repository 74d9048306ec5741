//! Verdicts in words: a page for people who are no engineers, and text for terminals.
//!
//! Both say the same from the same data, keep apart what is proven and what somebody merely says, and end with what
//! nothing here proves. Text from receipts is shown so that it cannot pass for ours: [`visible`] takes its invisible
//! characters away, and the page escapes the rest. Out of scope: judging (`bundle`, `receipt::verify`).

mod html;
mod page;
mod statements;
mod text;
mod words;

pub use page::page;
pub use text::{bundle_text, fingerprint_lines, verdict_text};
pub use words::claims_line;

use crate::ground::crypto::hash::Digest;

/// The file that a report is about.
#[derive(Debug, Clone, Copy)]
pub struct Source<'a> {
    /// How the reader called it.
    pub name: &'a str,
    /// SHA-256 over its bytes.
    pub digest: Digest,
}

/// Text of strangers with every character spelled out that would be invisible, or would turn what stands around it:
/// controls, which steer terminals, and the bidirectional and zero-width characters of Unicode.
pub fn visible(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for character in text.chars() {
        if is_hidden(character) {
            shown.extend(character.escape_unicode());
        } else {
            shown.push(character);
        }
    }
    shown
}

fn is_hidden(character: char) -> bool {
    character.is_control()
        || matches!(character,
            '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}')
}

#[cfg(test)]
mod tests;
