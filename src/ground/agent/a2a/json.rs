//! Finds members as the least strict reader would (spec rule CALL-12).

use serde_json::{Map, Value};

use super::super::call::{CallFault, shown};

/// Whether some reader takes `one` for `other`: protobuf takes `context_id` for `contextId`, Go ignores case.
pub(in super::super) fn same_for_some(one: &str, other: &str) -> bool {
    folded(one).eq(folded(other))
}

fn folded(name: &str) -> impl Iterator<Item = char> {
    name.chars().filter(|c| *c != '_').map(|c| match c {
        // The two letters outside ASCII that simple case folding takes for ASCII ones.
        '\u{17F}' => 's',
        '\u{212A}' => 'k',
        other => other.to_ascii_lowercase(),
    })
}

/// The member that some reader takes for `name`; refused when there are two.
pub(in super::super) fn member<'a>(object: &'a Map<String, Value>, name: &str) -> Result<Option<&'a Value>, CallFault> {
    let mut found = object.iter().filter(|(key, _)| same_for_some(key, name)).map(|(_, value)| value);
    let first = found.next();
    if found.next().is_some() { Err(CallFault::TwoSpellings(shown(name))) } else { Ok(first) }
}
