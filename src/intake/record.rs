//! Holds one row of cells, whatever format it came from, in memory that is used again for the next row.

/// The most columns that are read of a row.
pub(crate) const COLUMNS_MAX: usize = 200;

/// What makes a cell show another thing than its text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Oddity {
    /// The number format shows other digits than the value has, or none.
    Format,
    /// Part of the text is struck out.
    Struck,
    /// Part of the text has the colour of what is behind it, or is too small to be seen.
    Faint,
    /// A conditional format may hide it, or show another number.
    Conditional,
    /// Part of the text is superscript or subscript.
    Raised,
    /// The cell lies under a merged one: nobody sees it.
    Merged,
    /// A formula whose result was never stored: Excel computes it when it opens the file.
    NotComputed,
    /// A date or a time of day.
    Date,
    /// A duration: 50 days are the number 50, and show as 1200:00:00.
    Duration,
    /// The error of a formula.
    Error,
}

/// What a cell is besides its text.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct CellKind {
    /// The spreadsheet holds a number, so `1.5` is a fraction and never a written group.
    pub(crate) number: bool,
    /// The spreadsheet computes the cell; the text is what it computed last.
    pub(crate) formula: bool,
    /// Text stands behind the closing quote.
    pub(crate) stray_quote: bool,
    /// The whole cell is struck through.
    pub(crate) struck: bool,
    /// The text has the colour of what is behind it, or is too small to be seen.
    pub(crate) faint: bool,
    /// Why a person does not see in the cell what its text says.
    pub(crate) oddity: Option<Oddity>,
}

#[derive(Clone, Copy, Debug)]
struct Span {
    start: usize,
    end: usize,
    kind: CellKind,
}

/// The cells of one row.
#[derive(Debug, Default)]
pub(crate) struct Record {
    /// The spreadsheet's own row number.
    pub(crate) row: u64,
    text: String,
    spans: Vec<Span>,
    /// What a person sees of the cells that show something else: column, start and end in the text.
    seen: Vec<(usize, usize, usize)>,
    /// Whether a quoted cell of this row holds a line break.
    pub(crate) has_breaks: bool,
    /// Whether text stands behind the closing quote of any cell.
    pub(crate) has_stray_quotes: bool,
    /// Whether the row is hidden in the spreadsheet.
    pub(crate) hidden: bool,
    /// Whether it is a filter that hides the row.
    pub(crate) filtered: bool,
}

/// One cell.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Cell<'r> {
    /// The cell as text.
    pub(crate) text: &'r str,
    /// What it is besides.
    pub(crate) kind: CellKind,
}

/// Whether a byte is a control character that no cell should hold: all but TAB and line breaks.
pub(crate) fn is_control(byte: u8) -> bool {
    (byte < 0x20 && !matches!(byte, b'\t' | b'\n' | b'\r')) || byte == 0x7F
}

impl Record {
    /// Forgets the cells and keeps the memory.
    pub(crate) fn clear(&mut self, row: u64) {
        self.row = row;
        self.text.clear();
        self.spans.clear();
        self.seen.clear();
        self.has_breaks = false;
        self.has_stray_quotes = false;
        self.hidden = false;
        self.filtered = false;
    }

    /// How many cells there are.
    pub(crate) fn len(&self) -> usize {
        self.spans.len()
    }

    /// The cell of a column; an empty one where the row ends before it.
    pub(crate) fn cell(&self, column: usize) -> Cell<'_> {
        self.spans
            .get(column)
            .map_or_else(Cell::default, |span| Cell { text: &self.text[span.start..span.end], kind: span.kind })
    }

    /// Every cell.
    pub(crate) fn cells(&self) -> impl Iterator<Item = Cell<'_>> {
        self.spans.iter().map(|span| Cell { text: &self.text[span.start..span.end], kind: span.kind })
    }

    /// What a person sees in the cell of a column, where that is known and is not its text.
    pub(crate) fn seen(&self, column: usize) -> Option<&str> {
        let (_, start, end) = self.seen.iter().find(|(of, ..)| *of == column)?;
        Some(&self.text[*start..*end])
    }

    /// Whether no cell holds anything but blanks; a formula without its value is no blank: Excel computes it.
    pub(crate) fn is_blank(&self) -> bool {
        self.spans.iter().all(|span| span.kind.oddity.is_none() && self.text[span.start..span.end].trim().is_empty())
    }

    /// Whether any text of the row is a NUL or another control character besides TAB and line breaks.
    pub(crate) fn has_controls(&self) -> bool {
        // To the end, whatever is found: so the compiler looks at many bytes at once.
        self.text.bytes().fold(false, |found, byte| found | is_control(byte))
    }

    /// Adds a cell.
    pub(crate) fn push(&mut self, text: &str, kind: CellKind) {
        let start = self.text.len();
        self.text.push_str(text);
        self.spans.push(Span { start, end: self.text.len(), kind });
    }

    /// Keeps what a person sees in the cell added last.
    pub(crate) fn push_seen(&mut self, seen: &str) {
        let start = self.text.len();
        self.text.push_str(seen);
        self.seen.push((self.spans.len().saturating_sub(1), start, self.text.len()));
    }

    /// Adds empty cells until a row has so many.
    pub(crate) fn pad(&mut self, columns: usize) {
        while self.spans.len() < columns {
            self.push("", CellKind::default());
        }
    }

    /// Adds a line without quotes, cut at the delimiter.
    pub(crate) fn push_line(&mut self, line: &str, delimiter: u8) {
        let base = self.text.len();
        self.text.push_str(line);
        let mut start = 0;
        for end in memchr::memchr_iter(delimiter, line.as_bytes()) {
            self.spans.push(Span { start: base + start, end: base + end, kind: CellKind::default() });
            start = end + 1;
        }
        self.spans.push(Span { start: base + start, end: base + line.len(), kind: CellKind::default() });
    }

    /// Begins a cell that is written piece by piece.
    pub(crate) fn begin(&mut self) {
        let start = self.text.len();
        self.spans.push(Span { start, end: start, kind: CellKind::default() });
    }

    /// Adds a piece to the cell begun last.
    pub(crate) fn extend(&mut self, piece: &str) {
        self.text.push_str(piece);
        if let Some(span) = self.spans.last_mut() {
            span.end = self.text.len();
        }
    }

    /// Marks the cell begun last as having text behind its closing quote.
    pub(crate) fn mark_stray_quote(&mut self) {
        if let Some(span) = self.spans.last_mut() {
            span.kind.stray_quote = true;
            self.has_stray_quotes = true;
        }
    }
}

/// The text in `="0901234567"`, which systems write so that a spreadsheet keeps zeros: that text is all it shows.
pub(crate) fn text_formula(cell: &str) -> Option<&str> {
    // The cheap question first.
    if cell.as_bytes().first().is_none_or(u8::is_ascii_alphanumeric) {
        return None;
    }
    let inner = cell.trim().strip_prefix("=\"")?.strip_suffix('"')?;
    (!inner.contains('"')).then_some(inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_cut_at_the_delimiter() {
        let mut record = Record::default();
        record.clear(7);
        record.push_line("a,,Số,", b',');
        let cells: Vec<&str> = record.cells().map(|cell| cell.text).collect();
        assert_eq!(cells, ["a", "", "Số", ""]);
        assert_eq!(record.cell(9).text, "");
        record.clear(8);
        assert_eq!((record.len(), record.row), (0, 8));
        assert!(record.is_blank());
    }
}
