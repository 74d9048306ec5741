//! Which keys exist, so that an unknown one is named with its path and with the key that was probably meant.

use toml::{Table, Value};

use super::fault::ConfigError;
use super::raw::Raw;

/// Every table and its keys. `schemas/config.schema.json` lists the same, and a test compares the two.
pub(super) const KEYS: &[(&str, &[&str])] = &[
    (
        "",
        &[
            "issuer",
            "public_url",
            "listen",
            "log",
            "limits",
            "peers",
            "evidence",
            "api",
            "inbound",
            "outbound",
            "agent",
        ],
    ),
    ("listen", &["public", "private", "private_hosts", "tls"]),
    ("listen.tls", &["cert_file", "key_file"]),
    ("log", &["checkpoint_interval_ms", "include_within_s"]),
    (
        "limits",
        &[
            "body_bytes",
            "connections",
            "connections_per_address",
            "header_timeout_s",
            "body_timeout_s",
            "upstream_timeout_s",
            "stranger_requests_per_s",
            "peer_receipts_per_s",
            "shutdown_s",
        ],
    ),
    ("peers", &["allow_loopback", "allow_networks", "ca_file", "refresh_s"]),
    ("evidence", &["level", "demand_body", "skew_s", "decision_lifetime_s", "approval_wait_s"]),
    ("api", &["inline_receipts", "wait_included_s"]),
    ("inbound", &["name", "path", "upstream", "protocol", "mode", "open", "lift"]),
    ("inbound.lift", LIFT),
    ("outbound", &["name", "peer", "url", "protocol", "lift"]),
    ("outbound.lift", LIFT),
    ("agent", &["name", "secret_file"]),
];

const LIFT: &[&str] = &["name", "pointer", "type", "max_length", "actions"];

/// Reads the file's text; unknown keys are found before anything else is judged.
pub(super) fn read(text: &str) -> Result<Raw, ConfigError> {
    let table: Table = toml::from_str(text).map_err(syntax)?;
    check("", "", &table)?;
    toml::from_str(text).map_err(syntax)
}

#[expect(clippy::needless_pass_by_value, reason = "the shape that `map_err` asks for")]
fn syntax(error: toml::de::Error) -> ConfigError {
    ConfigError::Syntax(error.to_string().trim_end().to_owned())
}

/// `place` is the path with positions, as a person counts them; `kind` is the same path without.
fn check(place: &str, kind: &str, table: &Table) -> Result<(), ConfigError> {
    let Some((_, known)) = KEYS.iter().find(|(path, _)| *path == kind) else { return Ok(()) };
    for (key, value) in table {
        let (here, inner) = (join(place, key), join(kind, key));
        if !known.contains(&key.as_str()) {
            return Err(ConfigError::UnknownKey {
                nearest: nearest(key, known).map(|key| join(place, key)),
                key: here,
            });
        }
        match value {
            Value::Table(table) => check(&here, &inner, table)?,
            Value::Array(items) => {
                for (at, item) in items.iter().enumerate() {
                    if let Value::Table(table) = item {
                        check(&format!("{here}[{at}]"), &inner, table)?;
                    }
                }
            }
            _ => {}
        }
    }
    Ok(())
}

fn join(path: &str, key: &str) -> String {
    if path.is_empty() { key.to_owned() } else { format!("{path}.{key}") }
}

/// The known key that needs the fewest edits, if those are few for its length.
fn nearest<'k>(key: &str, known: &[&'k str]) -> Option<&'k str> {
    let edits = |known: &&'k str| (edits(key, known), *known);
    let (count, nearest) = known.iter().map(edits).min()?;
    (count <= nearest.len().div_ceil(3)).then_some(nearest)
}

/// Levenshtein's distance, over bytes: keys are ASCII.
fn edits(one: &str, other: &str) -> usize {
    let mut row: Vec<usize> = (0..=other.len()).collect();
    for (at, letter) in one.bytes().enumerate() {
        let mut corner = at;
        let mut left = at + 1;
        let mut next = Vec::with_capacity(row.len());
        next.push(left);
        for (above, wanted) in row.iter().skip(1).zip(other.bytes()) {
            let cost = usize::from(letter != wanted);
            left = (corner + cost).min(left + 1).min(above + 1);
            corner = *above;
            next.push(left);
        }
        row = next;
    }
    row.last().copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn distances_are_levenshteins() {
        for (one, other, distance) in [("", "abc", 3), ("kitten", "sitting", 3), ("level", "level", 0), ("a", "", 1)] {
            assert_eq!(edits(one, other), distance, "{one} {other}");
        }
    }
}
