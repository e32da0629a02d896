//! Makes files that only their owner may read: they name members and their phones, or hold a key.

use std::fs::{File, OpenOptions};
use std::io::{BufWriter, Result, Write};
use std::path::{Path, PathBuf};
use tempfile::NamedTempFile;

const BUFFER: usize = 256 * 1024;

/// How a file is opened that only its owner may read from its first moment on.
pub(crate) fn options() -> OpenOptions {
    let mut options = OpenOptions::new();
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options
}

/// A file in the making, which bears its name only when it is whole: it is written beside it, synced, and renamed. Dropped
/// before [`NewFile::finish`], it leaves nothing behind.
#[derive(Debug)]
pub(crate) struct NewFile {
    writer: BufWriter<NamedTempFile>,
    path: PathBuf,
}

impl NewFile {
    /// Begins a file that will be `path`.
    pub(crate) fn create(path: &Path) -> Result<Self> {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        // Created with mode 600, which the rename keeps.
        let temporary =
            tempfile::Builder::new().prefix(&format!(".{name}.")).suffix(".part").tempfile_in(folder_of(path))?;
        Ok(Self { writer: BufWriter::with_capacity(BUFFER, temporary), path: path.to_owned() })
    }

    /// Gives the file these permission bits, where some are asked for: who may read it is said by who writes it.
    pub(crate) fn with_mode(self, mode: Option<u32>) -> Result<Self> {
        #[cfg(unix)]
        if let Some(mode) = mode {
            let permissions = std::os::unix::fs::PermissionsExt::from_mode(mode);
            self.writer.get_ref().as_file().set_permissions(permissions)?;
        }
        #[cfg(not(unix))]
        let _ = mode;
        Ok(self)
    }

    /// The name that the file will have.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Makes the file durable and gives it its name.
    pub(crate) fn finish(mut self) -> Result<()> {
        self.writer.flush()?;
        let temporary = self.writer.into_inner().map_err(std::io::IntoInnerError::into_error)?;
        temporary.as_file().sync_all()?;
        temporary.persist(&self.path)?;
        // The rename is durable once the folder is.
        if cfg!(unix) { File::open(folder_of(&self.path))?.sync_all() } else { Ok(()) }
    }
}

/// The folder of a file, which a bare name does not name.
pub(crate) fn folder_of(path: &Path) -> &Path {
    path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or_else(|| Path::new("."))
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
}
