//! Finds out how a text file is laid out: encoding, and the separator under which a header row maps.

use super::decode::{Encoding, Text};
use super::encoding;
use super::header::{HEADER_ROW_MAX, no_rows};
use super::problem::{IntakeError, ProblemKind};
use super::record::Record;
use super::text_rows::TextRows;
use std::path::Path;

/// The separators that spreadsheets write.
const DELIMITERS: [u8; 4] = [b',', b';', b'\t', b'|'];

/// How a text file is laid out.
#[derive(Clone, Debug)]
pub(crate) struct TextLayout {
    pub(crate) encoding: Encoding,
    mark_bytes: u64,
    pub(crate) delimiter: u8,
}

/// How the header row is found: by reading rows until one is it.
pub(crate) type FindHeader<'f, H> =
    &'f dyn Fn(&mut dyn FnMut(&mut Record) -> Result<bool, IntakeError>) -> Result<H, IntakeError>;

impl TextLayout {
    /// Finds the layout: the separator is the one under which a header row maps, unless the first line names it.
    pub(crate) fn find<H>(path: &Path, head: &[u8], find_header: FindHeader<'_, H>) -> Result<(Self, H), IntakeError> {
        let (encoding, mark_bytes) = encoding::find(path, head)?;
        let layout = |delimiter| Self { encoding, mark_bytes, delimiter };
        let mut text_rows = layout(b',').rows_from_start(path)?;
        if let Some(delimiter) = text_rows.skip_separator_line()? {
            let header = find_header(&mut |record| text_rows.read(record))?;
            return Ok((layout(delimiter), header));
        }
        let mut found: Option<(u8, H)> = None;
        let mut refused: Option<IntakeError> = None;
        for delimiter in DELIMITERS {
            let mut rows = layout(delimiter).rows_from_start(path)?;
            match find_header(&mut |record| rows.read(record)) {
                Ok(header) => {
                    if let Some((first, _)) = found {
                        return Err(two_separators(first, delimiter));
                    }
                    found = Some((delimiter, header));
                }
                Err(error @ IntakeError::Io { .. }) => return Err(error),
                Err(error) => {
                    refused = Some(match refused {
                        Some(before) => telling(before, error),
                        None => error,
                    });
                }
            }
        }
        match (found, refused) {
            (Some((delimiter, header)), _) => Ok((layout(delimiter), header)),
            (None, Some(refused)) => Err(refused),
            (None, None) => Err(no_rows().into()),
        }
    }

    /// The likeliest layout of a text of which no row is a header: the separator that cuts its first rows into the most
    /// cells, unless the first line names it.
    pub(crate) fn likeliest(path: &Path, head: &[u8]) -> Result<Self, IntakeError> {
        let (encoding, mark_bytes) = encoding::find(path, head)?;
        let layout = |delimiter| Self { encoding, mark_bytes, delimiter };
        if let Some(delimiter) = layout(b',').rows_from_start(path)?.skip_separator_line()? {
            return Ok(layout(delimiter));
        }
        let (mut most, mut likeliest) = (0, DELIMITERS[0]);
        for delimiter in DELIMITERS {
            let (mut rows, mut record, mut cells) = (layout(delimiter).rows_from_start(path)?, Record::default(), 0);
            while record.row < HEADER_ROW_MAX && matches!(rows.read(&mut record), Ok(true)) {
                cells += record.len();
            }
            if cells > most {
                (most, likeliest) = (cells, delimiter);
            }
        }
        Ok(layout(likeliest))
    }

    fn rows_from_start(&self, path: &Path) -> Result<TextRows, IntakeError> {
        Ok(TextRows::new(Text::open(path, self.encoding, self.mark_bytes)?, self.delimiter))
    }

    /// The rows below the header.
    pub(crate) fn rows_below(&self, path: &Path, header_row: u64) -> Result<TextRows, IntakeError> {
        let mut rows = self.rows_from_start(path)?;
        rows.skip_separator_line()?;
        let mut record = Record::default();
        while record.row < header_row && rows.read(&mut record)? {}
        Ok(rows)
    }
}

/// Of two refusals under two separators, the one that tells the user more.
fn telling(before: IntakeError, error: IntakeError) -> IntakeError {
    let rank = |error: &IntakeError| match error {
        IntakeError::Io { .. } => 0,
        IntakeError::Refused(problem) => match (problem.kind, problem.row) {
            (ProblemKind::Columns | ProblemKind::Limit, _) => 1,
            (ProblemKind::Header, Some(_)) => 2,
            // No header: the separator under which one column less is missing.
            (ProblemKind::Header, None) => 3 + usize::from(problem.message.contains("without phone and points")),
            _ => 9,
        },
    };
    if rank(&error) < rank(&before) { error } else { before }
}

fn two_separators(first: u8, second: u8) -> IntakeError {
    let (first, second) = (char::from(first).escape_debug(), char::from(second).escape_debug());
    IntakeError::file(
        ProblemKind::Header,
        format!(
            "needs one separator, has a header row under «{first}» and under «{second}»; save the file as «CSV UTF-8»"
        ),
    )
}
