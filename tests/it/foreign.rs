//! Test vectors of other projects, which are not part of this repository: `COUNTERSIGN_VECTORS` names their folder.

use std::io::Write as _;
use std::path::{Path, PathBuf};

/// The folder of one set of vectors. Without the variable the calling test has nothing to compare with, and says so
/// on the real standard error, which the test harness does not swallow.
pub(crate) fn vectors(set: &str) -> Option<PathBuf> {
    let Some(root) = std::env::var_os("COUNTERSIGN_VECTORS") else {
        let _ = writeln!(std::io::stderr(), "NOT RUN: the vectors of `{set}`, because COUNTERSIGN_VECTORS is not set");
        return None;
    };
    let folder = Path::new(&root).join(set);
    assert!(folder.is_dir(), "COUNTERSIGN_VECTORS is set, but `{}` is no folder", folder.display());
    Some(folder)
}
