//! Cuts delimited text into rows, strictly: a quote that is never closed is an error with a row, not a long cell.
//!
//! Not the `csv` crate, which skips blank lines (row numbers would no longer be the spreadsheet's), lets one stray
//! quote swallow the rest of the file, and does not say that text follows a closing quote. `tests` hold the two
//! against each other for everything that is well-formed.

use super::decode::Text;
use super::problem::{IntakeError, Problem, ProblemKind};
use super::record::Record;

/// The longest row, in bytes of text.
///
/// Excel's cells end at 32,767 characters; what is longer than this is no payout row, and nothing longer is kept in
/// memory.
pub(crate) const ROW_BYTES_MAX: usize = 1024 * 1024;

/// The rows of a text file.
pub(crate) struct TextRows {
    text: Text,
    buffer: String,
    at: usize,
    ended: bool,
    delimiter: u8,
    row: u64,
}

/// What the text from here on begins with.
enum Cut {
    /// A whole row, and where the next one begins.
    Row { next: usize },
    /// A row whose end is not in memory yet.
    More { quoted: bool },
    /// A row whose quotes contradict each other.
    Broken(&'static str),
}

const UNCLOSED: &str = "needs a closing quote, has a quote that opens in this row and never closes; remove the quote \
                        or close it";
const SWALLOWED: &str = "needs a separator behind the closing quote, has text; a quote that opens in this row closes \
                         rows later: remove the stray quote";

impl TextRows {
    /// The rows of a text, from where it stands.
    pub(crate) fn new(text: Text, delimiter: u8) -> Self {
        Self { text, buffer: String::new(), at: 0, ended: false, delimiter, row: 0 }
    }

    /// Reads the first line where it is `sep=;`, which is not a row of the spreadsheet.
    pub(crate) fn skip_separator_line(&mut self) -> Result<Option<u8>, IntakeError> {
        while self.buffer.len() < 16 && self.more()? {}
        let Some(separator) = separator_line(&self.buffer) else { return Ok(None) };
        let line = self.buffer.find(['\n', '\r']).unwrap_or(self.buffer.len());
        let crlf = self.buffer[line..].starts_with("\r\n");
        self.at = (line + if crlf { 2 } else { 1 }).min(self.buffer.len());
        self.delimiter = separator;
        Ok(Some(separator))
    }

    /// Reads the next row, blank ones too; `false` at the end.
    pub(crate) fn read(&mut self, record: &mut Record) -> Result<bool, IntakeError> {
        loop {
            record.clear(self.row + 1);
            let rest = &self.buffer[self.at..];
            if rest.is_empty() && self.ended {
                return self.end().map(|()| false);
            }
            match cut(rest, self.delimiter, self.ended, record) {
                Cut::Row { next } => {
                    // A row that ends where undecodable bytes begin may not be the whole row.
                    let whole = rest[..next].ends_with(['\n', '\r']);
                    if self.ended && !whole {
                        self.end()?;
                    }
                    self.at += next;
                    self.row += 1;
                    return Ok(true);
                }
                Cut::More { quoted } => {
                    if rest.len() > ROW_BYTES_MAX {
                        return Err(too_long(self.row + 1, quoted).into());
                    }
                    self.more()?;
                }
                Cut::Broken(message) => {
                    return Err(Problem::of_row(self.row + 1, ProblemKind::Quote, message).into());
                }
            }
        }
    }

    fn more(&mut self) -> Result<bool, IntakeError> {
        self.buffer.drain(..self.at);
        self.at = 0;
        self.ended = !self.text.fill(&mut self.buffer)?;
        Ok(!self.ended)
    }

    fn end(&self) -> Result<(), IntakeError> {
        self.text.malformed_at(self.row + 1).map_or(Ok(()), |problem| Err(problem.into()))
    }
}

fn too_long(row: u64, quoted: bool) -> Problem {
    if quoted {
        let message = "needs a closing quote within 1 MiB, has a quote that opens in this row and does not close; \
             remove the quote or close it";
        return Problem::of_row(row, ProblemKind::Quote, message);
    }
    let message = "needs at most 1 MiB in a row, has more; remove what is no payout from it";
    Problem::of_row(row, ProblemKind::Limit, message)
}

/// The separator that a first line `sep=;` names.
pub(crate) fn separator_line(text: &str) -> Option<u8> {
    let rest = text.trim_start_matches('"');
    let named = rest.get(..4).filter(|word| word.eq_ignore_ascii_case("sep=")).and_then(|_| rest.as_bytes().get(4))?;
    let behind = rest.as_bytes().get(5).copied().unwrap_or(b'\n');
    (matches!(named, b',' | b';' | b'\t' | b'|') && matches!(behind, b'\n' | b'\r' | b'"')).then_some(*named)
}

fn cut(rest: &str, delimiter: u8, ended: bool, record: &mut Record) -> Cut {
    let bytes = rest.as_bytes();
    let line = match memchr::memchr2(b'\n', b'\r', bytes) {
        Some(end) => end,
        None if ended => bytes.len(),
        None => {
            // Only the question whether a quote is open matters here, and only for the words of an error.
            let quoted = memchr::memchr_iter(b'"', bytes).count() % 2 == 1;
            return Cut::More { quoted };
        }
    };
    if memchr::memchr(b'"', &bytes[..line]).is_some() {
        return cut_quoted(rest, delimiter, ended, record);
    }
    match past_line_break(bytes, line, ended) {
        Some(next) => {
            record.push_line(&rest[..line], delimiter);
            Cut::Row { next }
        }
        None => Cut::More { quoted: false },
    }
}

/// Where the next row begins, or nothing while CR could still be half of CR LF.
fn past_line_break(bytes: &[u8], at: usize, ended: bool) -> Option<usize> {
    match (bytes.get(at), bytes.get(at + 1)) {
        (Some(b'\r'), Some(b'\n')) => Some(at + 2),
        (Some(b'\r'), None) if !ended => None,
        (Some(_), _) => Some(at + 1),
        (None, _) => ended.then_some(at),
    }
}

/// The same for a row with quotes, cell by cell.
fn cut_quoted(rest: &str, delimiter: u8, ended: bool, record: &mut Record) -> Cut {
    let bytes = rest.as_bytes();
    let mut at = 0;
    loop {
        record.begin();
        if bytes.get(at) == Some(&b'"') {
            let broken_before = record.has_breaks;
            record.has_breaks = false;
            match quoted_cell(rest, at + 1, ended, record) {
                Ok(end) => at = end,
                Err(cut) => return cut,
            }
            let broken_here = record.has_breaks;
            record.has_breaks |= broken_before;
            let tail = tail_end(bytes, at, delimiter);
            if !rest[at..tail].trim().is_empty() {
                if broken_here {
                    return Cut::Broken(SWALLOWED);
                }
                record.mark_stray_quote();
                record.extend(&rest[at..tail]);
            }
            at = tail;
        } else {
            let end = tail_end(bytes, at, delimiter);
            record.extend(&rest[at..end]);
            at = end;
        }
        if bytes.get(at) == Some(&delimiter) {
            at += 1;
            continue;
        }
        return past_line_break(bytes, at, ended).map_or(Cut::More { quoted: false }, |next| Cut::Row { next });
    }
}

/// Reads a cell behind its opening quote, up to behind its closing quote.
fn quoted_cell(rest: &str, from: usize, ended: bool, record: &mut Record) -> Result<usize, Cut> {
    let bytes = rest.as_bytes();
    let mut at = from;
    loop {
        let Some(quote) = memchr::memchr(b'"', &bytes[at..]).map(|offset| at + offset) else {
            return Err(if ended { Cut::Broken(UNCLOSED) } else { Cut::More { quoted: true } });
        };
        record.extend(&rest[at..quote]);
        record.has_breaks |= memchr::memchr2(b'\n', b'\r', &bytes[at..quote]).is_some();
        match bytes.get(quote + 1) {
            Some(b'"') => record.extend("\""),
            None if !ended => return Err(Cut::More { quoted: true }),
            Some(_) | None => return Ok(quote + 1),
        }
        at = quote + 2;
    }
}

/// The end of the cell's unquoted text.
fn tail_end(bytes: &[u8], from: usize, delimiter: u8) -> usize {
    memchr::memchr3(delimiter, b'\n', b'\r', &bytes[from..]).map_or(bytes.len(), |offset| from + offset)
}
