//! Receipts as strings: every rule of form.

mod decisions;
mod others;
mod strings;

use super::case::Case;

pub(crate) fn cases() -> Vec<Case> {
    let mut cases = strings::cases();
    cases.extend(decisions::cases());
    cases.extend(others::cases());
    cases
}
