//! Reads a path as every server behind the gateway must read it, or not at all (spec rule CALL-05).

/// Why a path could leave the route, or mean two things.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum PathFault {
    /// Some servers take `\` for `/`.
    #[error("holds a backslash")]
    Backslash,
    /// A control character, raw or percent-encoded.
    #[error("holds a control character")]
    Control,
    /// `.` or `..`, also percent-encoded or before a `;`.
    #[error("holds a `.` or `..` segment")]
    DotSegment,
    /// Two slashes in a row.
    #[error("holds an empty segment")]
    EmptySegment,
    /// A `/` or `\` in percent-encoding, which some servers decode before they split.
    #[error("holds a percent-encoded slash")]
    EncodedSlash,
    /// A percent-encoded percent-encoding, which some servers decode twice.
    #[error("is percent-encoded twice")]
    EncodedTwice,
    /// No leading slash.
    #[error("does not begin with `/`")]
    NotAbsolute,
    /// `%` without two hexadecimal digits, or bytes that are not UTF-8.
    #[error("has a malformed percent-encoding")]
    PercentEncoding,
    /// Path parameters, which some servers cut off before they match.
    #[error("holds a `;`")]
    Semicolon,
    /// A query or a fragment is no part of a path.
    #[error("holds a `?` or `#`")]
    Delimiter,
}

/// The decoded segments; a trailing slash adds none.
pub(super) fn segments(path: &str) -> Result<Vec<String>, PathFault> {
    let Some(rest) = path.strip_prefix('/') else {
        return if path.is_empty() { Ok(Vec::new()) } else { Err(PathFault::NotAbsolute) };
    };
    let raw: Vec<&str> = rest.strip_suffix('/').unwrap_or(rest).split('/').collect();
    if raw == [""] {
        return if rest.is_empty() { Ok(Vec::new()) } else { Err(PathFault::EmptySegment) };
    }
    raw.into_iter().map(segment).collect()
}

fn segment(raw: &str) -> Result<String, PathFault> {
    if raw.is_empty() {
        return Err(PathFault::EmptySegment);
    }
    if raw.contains(['?', '#']) {
        return Err(PathFault::Delimiter);
    }
    if raw.contains('\\') {
        return Err(PathFault::Backslash);
    }
    let decoded = decode(raw)?;
    let encoded_slash = decoded.contains(['/', '\\']);
    let twice = decode(&decoded).is_ok_and(|again| again != decoded);
    let name = decoded.split(';').next().unwrap_or_default();
    match () {
        () if encoded_slash => Err(PathFault::EncodedSlash),
        () if decoded.chars().any(char::is_control) => Err(PathFault::Control),
        () if twice => Err(PathFault::EncodedTwice),
        () if matches!(name, "." | "..") => Err(PathFault::DotSegment),
        () => Ok(decoded),
    }
}

fn decode(text: &str) -> Result<String, PathFault> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        if byte == b'%' {
            let (high, low) = (rest.next().and_then(hex), rest.next().and_then(hex));
            let (Some(high), Some(low)) = (high, low) else { return Err(PathFault::PercentEncoding) };
            bytes.push(high << 4 | low);
        } else {
            bytes.push(byte);
        }
    }
    String::from_utf8(bytes).map_err(|_| PathFault::PercentEncoding)
}

fn hex(digit: u8) -> Option<u8> {
    char::from(digit).to_digit(16).and_then(|value| u8::try_from(value).ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ordinary_paths_are_split_and_decoded() {
        for (path, wanted) in [
            ("", vec![]),
            ("/", vec![]),
            ("/a", vec!["a"]),
            ("/a/b/", vec!["a", "b"]),
            ("/tasks/a%3Acancel", vec!["tasks", "a:cancel"]),
            ("/100%25", vec!["100%"]),
            ("/a;v=1", vec!["a;v=1"]),
            ("/.well-known/x", vec![".well-known", "x"]),
            ("/%C3%A4", vec!["ä"]),
        ] {
            assert_eq!(segments(path), Ok(wanted.into_iter().map(str::to_owned).collect()), "{path}");
        }
    }

    #[test]
    fn ambiguous_paths_are_refused() {
        for (path, fault) in [
            ("a", PathFault::NotAbsolute),
            ("//", PathFault::EmptySegment),
            ("/a//b", PathFault::EmptySegment),
            ("/a//", PathFault::EmptySegment),
            ("/../x", PathFault::DotSegment),
            ("/a/./x", PathFault::DotSegment),
            ("/%2e%2E/x", PathFault::DotSegment),
            ("/..;/x", PathFault::DotSegment),
            ("/a%2fb", PathFault::EncodedSlash),
            ("/a%5Cb", PathFault::EncodedSlash),
            ("/a\\b", PathFault::Backslash),
            ("/%252e%252e/x", PathFault::EncodedTwice),
            ("/%00", PathFault::Control),
            ("/a%0d%0a", PathFault::Control),
            ("/%", PathFault::PercentEncoding),
            ("/%g0", PathFault::PercentEncoding),
            ("/%ff", PathFault::PercentEncoding),
            ("/a?b", PathFault::Delimiter),
        ] {
            assert_eq!(segments(path), Err(fault), "{path}");
        }
    }
}
