//! Finds out how a text file is encoded: by its byte order mark, by being UTF-8 throughout, or by what its letters say.

use super::decode::{Encoding, byte_order_mark};
use super::problem::{IntakeError, Problem, ProblemKind};
use std::fs::File;
use std::io::{BufReader, ErrorKind, Read};
use std::path::Path;

const CHUNK: usize = 128 * 1024;

/// The encoding of a file, and the length of its byte order mark.
pub(crate) fn find(path: &Path, head: &[u8]) -> Result<(Encoding, u64), IntakeError> {
    if matches!(head, [0xFF, 0xFE, 0, 0, ..] | [0, 0, 0xFE, 0xFF, ..]) {
        return Err(refuse("needs UTF-8 or UTF-16, has UTF-32; save the file as «CSV UTF-8»"));
    }
    if let Some(marked) = byte_order_mark(head) {
        return Ok(marked);
    }
    let zeros = head.iter().filter(|byte| **byte == 0).count();
    if zeros * 10 > head.len() {
        return Err(refuse(
            "needs a text file or a workbook, has a binary file (or UTF-16 without byte order mark); save it as «CSV UTF-8»",
        ));
    }
    let failed = |error| IntakeError::io(path, error);
    if is_utf8(File::open(path).map_err(failed)?).map_err(failed)? {
        return Ok((Encoding::Utf8, 0));
    }
    if zeros > 0 {
        return Err(refuse("needs a text file or a workbook, has a binary file; export the spreadsheet again"));
    }
    legacy(&Letters::count(File::open(path).map_err(failed)?).map_err(failed)?).map(|encoding| (encoding, 0))
}

/// Whether an encoding was concluded from letters, so that a person should look at the result.
pub(crate) fn is_guessed(word: &str) -> bool {
    word == Encoding::Windows1258.word() || word == Encoding::Windows1252.word()
}

fn refuse(message: &str) -> IntakeError {
    IntakeError::file(ProblemKind::Encoding, message)
}

/// Whether a file is UTF-8 to its end.
fn is_utf8(mut file: impl Read) -> std::io::Result<bool> {
    let mut chunk = vec![0; CHUNK];
    let mut kept = 0;
    loop {
        let read = match file.read(&mut chunk[kept..]) {
            Ok(read) => read,
            Err(error) if error.kind() == ErrorKind::Interrupted => continue,
            Err(error) => return Err(error),
        };
        let len = kept + read;
        match std::str::from_utf8(&chunk[..len]) {
            Ok(_) => kept = 0,
            // A character that is cut by the end of the chunk.
            Err(error) if error.error_len().is_none() && read > 0 => {
                chunk.copy_within(error.valid_up_to()..len, 0);
                kept = len - error.valid_up_to();
            }
            Err(_) => return Ok(false),
        }
        if read == 0 {
            return Ok(true);
        }
    }
}

/// What the bytes above ASCII of a file say about its encoding.
#[derive(Debug, Default, PartialEq, Eq)]
struct Letters {
    /// Whole characters of UTF-8.
    utf8: u64,
    /// Bytes that are none.
    other: u64,
    /// The line in which the first such byte stands.
    first_other_line: u64,
    /// Vietnamese tone marks of windows-1258 that follow a letter that carries tones.
    tones: u64,
    /// The same marks anywhere else.
    stray_tones: u64,
    /// Bytes that windows-1258 does not define.
    not_1258: u64,
    /// Bytes that windows-1252 does not define.
    not_1252: u64,
}

impl Letters {
    fn count(file: impl Read) -> std::io::Result<Self> {
        let mut letters = Self::default();
        let (mut line, mut before, mut pending) = (1, 0_u8, Vec::with_capacity(4));
        for byte in BufReader::with_capacity(CHUNK, file).bytes() {
            let byte = byte?;
            line += u64::from(byte == b'\n');
            letters.legacy(byte, before);
            letters.utf8(byte, &mut pending, line);
            before = byte;
        }
        letters.other += u64::from(!pending.is_empty());
        Ok(letters)
    }

    fn legacy(&mut self, byte: u8, before: u8) {
        match byte {
            // Combining grave, hook, tilde, acute, dot below.
            0xCC | 0xD2 | 0xDE | 0xEC | 0xF2 if carries_tone(before) => self.tones += 1,
            0xCC | 0xD2 | 0xDE | 0xEC | 0xF2 => self.stray_tones += 1,
            _ => {}
        }
        self.not_1258 += u64::from(
            matches!(byte, 0x80..=0x9F)
                && !matches!(byte, 0x80 | 0x82..=0x89 | 0x8B | 0x8C | 0x91..=0x99 | 0x9B | 0x9C | 0x9F),
        );
        self.not_1252 += u64::from(matches!(byte, 0x81 | 0x8D | 0x8F | 0x90 | 0x9D));
    }

    fn utf8(&mut self, byte: u8, pending: &mut Vec<u8>, line: u64) {
        if pending.is_empty() && byte.is_ascii() {
            return;
        }
        pending.push(byte);
        match std::str::from_utf8(pending) {
            Ok(_) => self.utf8 += 1,
            Err(error) if error.error_len().is_none() => return,
            Err(_) => {
                if self.other == 0 {
                    self.first_other_line = line;
                }
                self.other += 1;
            }
        }
        pending.clear();
    }
}

/// The vowels of windows-1258 that take a tone mark.
fn carries_tone(byte: u8) -> bool {
    matches!(byte.to_ascii_lowercase(), b'a' | b'e' | b'i' | b'o' | b'u' | b'y')
        || matches!(byte, 0xC2 | 0xE2 | 0xC3 | 0xE3 | 0xCA | 0xEA | 0xD4 | 0xF4 | 0xD5 | 0xF5 | 0xDD | 0xFD)
}

/// Decides between the encodings that give every byte a character, where one reading remains.
fn legacy(letters: &Letters) -> Result<Encoding, IntakeError> {
    // A few pairs of windows-125x letters happen to be UTF-8; many are no accident.
    if letters.utf8 * 10 > letters.other {
        let message = format!(
            "needs one encoding, has UTF-8 and bytes that are none (first in line {}); save the file as «CSV \
             UTF-8» and check the names in it",
            letters.first_other_line
        );
        return Err(Problem::of_file(ProblemKind::Encoding, message).into());
    }
    if letters.not_1258 == 0 && letters.stray_tones == 0 {
        return Ok(Encoding::Windows1258);
    }
    if letters.not_1252 == 0 && letters.tones == 0 {
        return Ok(Encoding::Windows1252);
    }
    Err(refuse(
        "needs UTF-8, UTF-16, windows-1258 or windows-1252, has bytes that none of them explains; save the file as «CSV UTF-8»",
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(bytes: &[u8]) -> Result<Encoding, ProblemKind> {
        assert!(!is_utf8(bytes).unwrap());
        legacy(&Letters::count(bytes).unwrap()).map_err(|error| error.to_problem().kind)
    }

    #[test]
    fn letters_tell_the_encoding() {
        // «Số điện» as Vietnamese Excel writes it: ô + acute, ê + dot below.
        assert_eq!(of(b"S\xF4\xEC \xF0i\xEA\xF2n"), Ok(Encoding::Windows1258));
        assert_eq!(of(b"Ren\xE9"), Ok(Encoding::Windows1258));
        assert_eq!(of(b"Zo\xEB \x8A"), Ok(Encoding::Windows1252));
        assert_eq!(of(b"S\xF4\xEC \x8A"), Err(ProblemKind::Encoding));
        assert_eq!(of(b"\x81\x8D"), Err(ProblemKind::Encoding));
        assert_eq!(
            of("Số điện thoại, Nguyễn Văn \u{1ea5}n \u{0}"
                .replace('\0', "x")
                .as_bytes()
                .iter()
                .copied()
                .chain([0xE9])
                .collect::<Vec<_>>()
                .as_slice()),
            Err(ProblemKind::Encoding)
        );
    }

    #[test]
    fn a_character_across_chunks_is_whole() {
        let mut text = "x".repeat(CHUNK - 1);
        text.push('ố');
        assert!(is_utf8(text.as_bytes()).unwrap());
        assert!(!is_utf8(&text.as_bytes()[..text.len() - 1]).unwrap());
    }
}
