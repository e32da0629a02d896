//! Turns the bytes of a text file into UTF-8 text, piece by piece, and never loses a character.

use super::problem::{IntakeError, Problem, ProblemKind};
use encoding_rs::{Decoder, DecoderResult};
use std::fs::File;
use std::io::{ErrorKind, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

/// How many bytes are read at once.
const CHUNK: usize = 128 * 1024;

/// The encodings that spreadsheets are exported in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Encoding {
    Utf8,
    Utf16Le,
    Utf16Be,
    Windows1258,
    Windows1252,
}

impl Encoding {
    /// The encoding in reports and JSON.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Utf8 => "utf-8",
            Self::Utf16Le => "utf-16le",
            Self::Utf16Be => "utf-16be",
            Self::Windows1258 => "windows-1258",
            Self::Windows1252 => "windows-1252",
        }
    }

    fn decoder(self) -> Decoder {
        match self {
            Self::Utf8 => encoding_rs::UTF_8,
            Self::Utf16Le => encoding_rs::UTF_16LE,
            Self::Utf16Be => encoding_rs::UTF_16BE,
            Self::Windows1258 => encoding_rs::WINDOWS_1258,
            Self::Windows1252 => encoding_rs::WINDOWS_1252,
        }
        .new_decoder_without_bom_handling()
    }
}

/// The encoding that a byte order mark names, and the length of the mark.
pub(crate) fn byte_order_mark(head: &[u8]) -> Option<(Encoding, u64)> {
    match head {
        [0xEF, 0xBB, 0xBF, ..] => Some((Encoding::Utf8, 3)),
        [0xFF, 0xFE, ..] => Some((Encoding::Utf16Le, 2)),
        [0xFE, 0xFF, ..] => Some((Encoding::Utf16Be, 2)),
        _ => None,
    }
}

/// A file that is read as text.
pub(crate) struct Text {
    path: PathBuf,
    file: File,
    decoder: Decoder,
    encoding: Encoding,
    raw: Box<[u8]>,
    /// Bytes of `raw` that are read and not yet decoded.
    pending: std::ops::Range<usize>,
    ended: bool,
    malformed: bool,
}

impl Text {
    /// Opens a file behind its byte order mark.
    pub(crate) fn open(path: &Path, encoding: Encoding, mark_bytes: u64) -> Result<Self, IntakeError> {
        let failed = |source| IntakeError::io(path, source);
        let mut file = File::open(path).map_err(failed)?;
        file.seek(SeekFrom::Start(mark_bytes)).map_err(failed)?;
        Ok(Self {
            path: path.to_owned(),
            file,
            decoder: encoding.decoder(),
            encoding,
            raw: vec![0; CHUNK].into_boxed_slice(),
            pending: 0..0,
            ended: false,
            malformed: false,
        })
    }

    /// Adds the next piece of text; `false` at the end of what can be decoded.
    pub(crate) fn fill(&mut self, text: &mut String) -> Result<bool, IntakeError> {
        if self.malformed || self.ended {
            return Ok(false);
        }
        if self.pending.is_empty() {
            let read = self.read()?;
            self.pending = 0..read;
            self.ended = read == 0;
        }
        let bytes = &self.raw[self.pending.clone()];
        // Without the reserve the decoder would stop at every short remainder of the capacity.
        text.reserve(self.decoder.max_utf8_buffer_length_without_replacement(bytes.len()).unwrap_or(4 * CHUNK));
        let (result, used) = self.decoder.decode_to_string_without_replacement(bytes, text, self.ended);
        self.pending.start += used;
        match result {
            DecoderResult::InputEmpty | DecoderResult::OutputFull => Ok(!self.ended),
            DecoderResult::Malformed(..) => {
                // What stands before the bad bytes is still read, so that the error can name its row.
                self.malformed = true;
                Ok(true)
            }
        }
    }

    /// The problem of bytes that do not decode, once everything before them is read.
    pub(crate) fn malformed_at(&self, row: u64) -> Option<Problem> {
        self.malformed.then(|| {
            let message = format!(
                "needs text in one encoding, has bytes that are not {}; save the file as «CSV UTF-8» and check the \
                 names in it",
                self.encoding.word()
            );
            Problem::of_row(row, ProblemKind::Encoding, message)
        })
    }

    fn read(&mut self) -> Result<usize, IntakeError> {
        loop {
            match self.file.read(&mut self.raw) {
                Ok(read) => return Ok(read),
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(IntakeError::io(&self.path, error)),
            }
        }
    }
}
