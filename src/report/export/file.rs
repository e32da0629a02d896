//! Where a result goes: behind a link, and never over a folder, a device, or the payout file itself.

use super::error::ExportError;
use std::path::{Path, PathBuf};

/// Where a result goes: behind a link, and never over a folder, a device, or the payout file itself.
pub(super) fn target(path: &Path, payout_file: &str) -> Result<PathBuf, ExportError> {
    let occupied = |found| Err(ExportError::Occupied { path: path.to_owned(), found });
    let path = std::fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
    match std::fs::metadata(&path) {
        Err(_) => Ok(path),
        Ok(there) if there.is_dir() => occupied("a folder"),
        Ok(there) if !there.is_file() => occupied("no ordinary file"),
        // The ledger knows the payout file by name only, which is reason enough to leave such a file alone.
        Ok(_) if path.file_name().is_some_and(|name| name == payout_file) => {
            occupied("called like the file that the batch was planned from")
        }
        Ok(_) => Ok(path),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[cfg(unix)]
    #[test]
    fn a_link_is_followed_and_a_device_is_left_alone() {
        let folder = tempfile::tempdir().unwrap();
        let (link, real) = (folder.path().join("link.csv"), folder.path().join("real.csv"));
        std::fs::write(&real, "old").unwrap();
        std::os::unix::fs::symlink(&real, &link).unwrap();
        assert_eq!(target(&link, "in.csv").unwrap(), real.canonicalize().unwrap());
        assert!(matches!(target(Path::new("/dev/null"), "in.csv"), Err(ExportError::Occupied { .. })));
    }
}
