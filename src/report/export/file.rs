//! A file that bears its name only when it is whole: written beside it, synced, and renamed.

use super::error::ExportError;
use std::fs::{File, OpenOptions};
use std::io::{BufWriter, Result, Write};
use std::path::{Path, PathBuf};

const BUFFER: usize = 256 * 1024;

/// Where a result goes: behind a link, and never over a folder, a device, or the payout file itself.
pub(super) fn target(path: &Path, payout_file: &str) -> std::result::Result<PathBuf, ExportError> {
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

/// A file in the making. Dropped before [`NewFile::finish`], it leaves nothing behind.
#[derive(Debug)]
pub(crate) struct NewFile {
    writer: BufWriter<File>,
    temporary: PathBuf,
    path: PathBuf,
    finished: bool,
}

impl NewFile {
    /// Begins a file that will be `path`, for its owner's eyes only: it names members and their phones.
    pub(crate) fn create(path: &Path) -> Result<Self> {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        let temporary = path.with_file_name(format!(".{name}.{:016x}.part", fastrand::u64(..)));
        let mut options = OpenOptions::new();
        options.write(true).create_new(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let writer = BufWriter::with_capacity(BUFFER, options.open(&temporary)?);
        Ok(Self { writer, temporary, path: path.to_owned(), finished: false })
    }

    /// The name that the file will have.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Makes the file durable and gives it its name.
    pub(crate) fn finish(mut self) -> Result<()> {
        self.writer.flush()?;
        self.writer.get_ref().sync_all()?;
        std::fs::rename(&self.temporary, &self.path)?;
        self.finished = true;
        sync_folder(&self.path)
    }
}

/// A rename is durable once the folder is.
#[cfg(unix)]
fn sync_folder(path: &Path) -> Result<()> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or_else(|| Path::new("."));
    File::open(folder)?.sync_all()
}

#[cfg(not(unix))]
fn sync_folder(_path: &Path) -> Result<()> {
    Ok(())
}

impl Write for NewFile {
    fn write(&mut self, bytes: &[u8]) -> Result<usize> {
        self.writer.write(bytes)
    }

    fn write_all(&mut self, bytes: &[u8]) -> Result<()> {
        self.writer.write_all(bytes)
    }

    fn flush(&mut self) -> Result<()> {
        self.writer.flush()
    }
}

impl Drop for NewFile {
    fn drop(&mut self) {
        if !self.finished {
            // Nothing is left to be done about a file that cannot be removed.
            drop(std::fs::remove_file(&self.temporary));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_half_written_file_never_bears_the_name_and_leaves_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let names =
            || -> Vec<_> { std::fs::read_dir(folder.path()).unwrap().map(|it| it.unwrap().file_name()).collect() };
        let path = folder.path().join("r.csv");
        std::fs::write(&path, "old").unwrap();
        let mut half = NewFile::create(&path).unwrap();
        half.write_all(b"half").unwrap();
        half.flush().unwrap();
        assert_eq!((names().len(), std::fs::read_to_string(&path).unwrap()), (2, "old".to_owned()));
        drop(half);
        assert_eq!((names().len(), std::fs::read_to_string(&path).unwrap()), (1, "old".to_owned()));
        let mut whole = NewFile::create(&path).unwrap();
        whole.write_all(b"whole").unwrap();
        whole.finish().unwrap();
        assert_eq!((names().len(), std::fs::read_to_string(&path).unwrap()), (1, "whole".to_owned()));
    }

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
