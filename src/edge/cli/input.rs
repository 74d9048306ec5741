//! Files and standard input, read to a bound.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use super::output::CliError;

/// How a path is called in messages.
pub(super) fn name(path: &Path) -> String {
    if is_stdin(path) { "standard input".to_owned() } else { format!("`{}`", path.display()) }
}

fn is_stdin(path: &Path) -> bool {
    path.as_os_str() == "-"
}

/// The bytes of a file, or of standard input for `-`, at most `max_bytes` of them.
pub(super) fn read(path: &Path, max_bytes: usize) -> Result<Vec<u8>, CliError> {
    let failed = |error: io::Error| {
        CliError::io(format!("cannot read {}: {error}", name(path))).with_help("check the path and its permissions")
    };
    let bytes = if is_stdin(path) {
        read_to(io::stdin().lock(), max_bytes)
    } else {
        File::open(path).and_then(|file| read_to(file, max_bytes))
    };
    let bytes = bytes.map_err(failed)?;
    if bytes.len() > max_bytes {
        return Err(CliError::invalid(format!("{} has more than {max_bytes} bytes", name(path))));
    }
    Ok(bytes)
}

/// One byte more than is allowed shows that there are too many, without reading them all.
fn read_to(source: impl Read, max_bytes: usize) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    let limit = u64::try_from(max_bytes).unwrap_or(u64::MAX).saturating_add(1);
    source.take(limit).read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// A text file.
pub(super) fn read_text(path: &Path, max_bytes: usize) -> Result<String, CliError> {
    let not_text = |_| CliError::usage(format!("{} is not UTF-8 text", name(path)));
    String::from_utf8(read(path, max_bytes)?).map_err(not_text)
}

/// A file that holds one compact serialisation and perhaps the line end that editors put behind it.
pub(super) fn read_compact(path: &Path, max_bytes: usize) -> Result<Vec<u8>, CliError> {
    // Room for the line end, so that it does not count as a part of the receipt.
    let mut bytes = read(path, max_bytes.saturating_add(2))?;
    let kept = bytes.strip_suffix(b"\n").map_or(bytes.len(), |line| line.strip_suffix(b"\r").unwrap_or(line).len());
    bytes.truncate(kept);
    Ok(bytes)
}
