//! Takes the workbook out of the compound file (MS-CFB) around an XLS, and says what else such a file may be.

use super::protected;
use std::io::{Cursor, Read};

/// What a compound file holds.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Contents {
    /// The records of an XLS.
    Workbook(Vec<u8>),
    /// An XLSX with a password.
    Encrypted,
    /// An XLSX that is protected against changes, and encrypted without a password; this is what is inside.
    Protected(Vec<u8>),
    /// Something that is no spreadsheet.
    Other(&'static str),
    /// It contradicts itself.
    Damaged,
}

/// The streams that tell files apart; that of Excel 97 comes before that of Excel 95, where a file has both.
const OTHERS: [(&str, &str); 4] = [
    ("WordDocument", "a Word document (DOC)"),
    ("PowerPoint Document", "a presentation (PPT)"),
    ("__properties_version1.0", "an Outlook message (MSG)"),
    ("VisioDocument", "a drawing (VSD)"),
];

/// Looks into a compound file.
pub(crate) fn contents(bytes: Vec<u8>) -> Contents {
    if is_encrypted_package(&bytes) {
        return unprotected(bytes).map_or(Contents::Encrypted, Contents::Protected);
    }
    // No stream is longer than its file, whatever the file says of it.
    let longest = bytes.len() as u64;
    let Ok(mut file) = cfb::CompoundFile::open(Cursor::new(bytes)) else { return Contents::Damaged };
    let name = ["Workbook", "Book"].into_iter().find(|name| file.is_stream(name));
    if let Some(name) = name {
        let mut stream = Vec::new();
        let read = file.open_stream(name).and_then(|found| found.take(longest).read_to_end(&mut stream));
        return if read.is_ok() { Contents::Workbook(stream) } else { Contents::Damaged };
    }
    let other = OTHERS.iter().find(|(name, _)| file.is_stream(name));
    Contents::Other(other.map_or("a file of another program", |(_, what)| *what))
}

/// The XLSX inside, where it is encrypted without a password.
fn unprotected(bytes: Vec<u8>) -> Option<Vec<u8>> {
    let longest = bytes.len() as u64;
    let mut file = cfb::CompoundFile::open(Cursor::new(bytes)).ok()?;
    let mut stream = |name: &str| {
        let mut stream = Vec::new();
        let read = file.open_stream(name).ok()?.take(longest).read_to_end(&mut stream);
        // The last sector of a file may be cut: what is there is enough, or is seen to be too short.
        (read.is_ok() || !stream.is_empty()).then_some(stream)
    };
    protected::decrypted(&stream("EncryptionInfo")?, &stream("EncryptedPackage")?)
}

/// Whether a compound file holds an encrypted XLSX; even one that is cut off still says so.
fn is_encrypted_package(bytes: &[u8]) -> bool {
    let name: Vec<u8> = "EncryptedPackage".encode_utf16().flat_map(u16::to_le_bytes).collect();
    memchr::memmem::find(bytes, &name).is_some()
}
