//! Reads the cells of one row of an ODS: their values, their texts, and what a person sees of them.

use super::super::damage::damaged_archive as damaged;
use super::super::problem::IntakeError;
use super::super::record::{CellKind, Oddity};
use super::super::sheet::{Merge, Sheet};
use super::super::xml::{Piece, Xml, attribute, resolved, skip};
use super::cell::{OdsCell, count};
use super::shown::{Shown, judged};
use super::styles::{Appearance, Family, Styles};
use quick_xml::events::BytesStart;
use std::collections::HashMap;
use std::io::Read;
use std::ops::Range;
use std::rc::Rc;

/// The most merges of a table.
const MERGES_MAX: usize = 1 << 20;
/// In how many columns the look of the cell above is kept at hand.
const LAST_LOOKS: usize = 16;

/// A cell with content, its text and what is seen of it back to back with those of the others.
#[derive(Debug)]
struct Held {
    columns: Range<u32>,
    text: Range<usize>,
    seen: Option<Range<usize>>,
    kind: CellKind,
}

/// The cells with content of one row, in memory that is used again for the next.
#[derive(Debug, Default)]
pub(super) struct Cells {
    held: Vec<Held>,
    texts: String,
    shown: Shown,
    /// The merges so far.
    pub(super) merges: Vec<Merge>,
    /// How the cells of each style look, put together once; and the last ones, by their columns.
    looks: HashMap<String, Rc<Appearance>>,
    last_looks: [Option<(String, Rc<Appearance>)>; LAST_LOOKS],
    /// Memory that is used again for each cell: its texts, and those that are open, with how they look where that is said.
    text_buffer: Vec<u8>,
    open: Vec<Option<Appearance>>,
}

impl Cells {
    /// Forgets the row before.
    pub(super) fn clear(&mut self) {
        self.held.clear();
        self.texts.clear();
    }

    /// Whether nothing is in the row.
    pub(super) fn is_blank(&self) -> bool {
        self.held.is_empty()
    }

    /// Gives the cells to a sheet as a row of it; how many they were.
    pub(super) fn push(&self, sheet: &mut Sheet, row: u32) -> Result<u64, IntakeError> {
        let mut pushed = 0;
        for held in &self.held {
            let text = &self.texts[held.text.clone()];
            for column in held.columns.clone() {
                match &held.seen {
                    Some(seen) => sheet.push_seen(row, column, (text, &self.texts[seen.clone()]), held.kind)?,
                    None => sheet.push(row, column, text, held.kind)?,
                }
                pushed += 1;
            }
        }
        Ok(pushed)
    }

    fn look(&mut self, column: u32, style: &str, styles: &Styles) -> Rc<Appearance> {
        let last = &mut self.last_looks[column as usize % LAST_LOOKS];
        // Most name no style, and to compare nothing with nothing takes longest: its address is none, which masked loads
        // find out the slow way.
        let is_same = |of: &str| of.len() == style.len() && (style.is_empty() || of == style);
        if let Some((_, look)) = last.as_ref().filter(|(of, _)| is_same(of)) {
            return Rc::clone(look);
        }
        let look = self.looks.entry(style.to_owned()).or_insert_with(|| Rc::new(styles.look(Family::Cell, style)));
        *last = Some((style.to_owned(), Rc::clone(look)));
        Rc::clone(look)
    }

    /// Reads the text of a cell to its end, and keeps the cell where it has content.
    pub(super) fn read<R: Read>(
        &mut self,
        reader: &mut Xml<R>,
        is_empty: bool,
        cell: &OdsCell,
        (row, columns): (u32, Range<u32>),
        (style, styles): (&str, &Styles),
    ) -> Result<(), IntakeError> {
        self.shown.clear();
        let look = self.look(columns.start, style, styles);
        if !is_empty {
            let end = if cell.is_covered { "table:covered-table-cell" } else { "table:table-cell" };
            self.read_text(reader, end, &look, styles)?;
        }
        if cell.spans != (1, 1) {
            if self.merges.len() >= MERGES_MAX {
                return Err(damaged("more than 1,048,576 merged cells"));
            }
            let (right, bottom) =
                (columns.start.saturating_add(cell.spans.0 - 1), row.saturating_add(cell.spans.1 - 1));
            self.merges.push(Merge { top: row, left: columns.start, bottom, right });
        }
        let mut judged = judged(cell, &self.shown, &look, styles)?;
        if judged.text.is_empty() && judged.kind.oddity.is_none() {
            return Ok(());
        }
        if judged.kind.oddity.is_none() && look.change.concerns(judged.kind.number) {
            judged.kind.oddity = Some(Oddity::Conditional);
        }
        if cell.is_covered {
            judged.kind.oddity = Some(Oddity::Merged);
        }
        let start = self.texts.len();
        self.texts.push_str(&judged.text);
        let end = self.texts.len();
        let seen = judged.seen.map(|seen| {
            self.texts.push_str(&seen);
            end..self.texts.len()
        });
        self.held.push(Held { columns, text: start..end, seen, kind: judged.kind });
        Ok(())
    }

    fn read_text<R: Read>(
        &mut self,
        reader: &mut Xml<R>,
        end: &str,
        look: &Appearance,
        styles: &Styles,
    ) -> Result<(), IntakeError> {
        let mut buffer = std::mem::take(&mut self.text_buffer);
        // What stands in no text that is open is no text.
        let mut open = std::mem::take(&mut self.open);
        open.clear();
        let mut paragraphs = 0_u64;
        loop {
            let event = reader.next(&mut buffer)?;
            let now = open.iter().rev().find_map(Option::as_ref).unwrap_or(look);
            match event {
                Piece::Start(element) => {
                    let name = element.name();
                    match name.as_ref() {
                        "text:note" | "text:ruby-text" | "text:tracked-changes" => skip(reader, name.as_ref())?,
                        "table:table" => return Err(damaged("a cell holds a table of its own")),
                        name if name.starts_with("text:") => {
                            if matches!(name, "text:p" | "text:h") {
                                paragraphs += 1;
                                if paragraphs > 1 {
                                    self.shown.push("\n", look);
                                }
                            } else {
                                self.push_blanks(&element, now)?;
                            }
                            let style = attribute(&element, "text:style-name")?;
                            let own = style.map(|style| styles.look(Family::Text, &style).over(now));
                            open.push(own);
                        }
                        // Notes, drawings and what else lies on a cell are no text of it.
                        name => skip(reader, name)?,
                    }
                }
                Piece::Empty(element) => {
                    if matches!(element.name().as_ref(), "text:p" | "text:h") {
                        paragraphs += 1;
                        if paragraphs > 1 {
                            self.shown.push("\n", look);
                        }
                    } else {
                        self.push_blanks(&element, now)?;
                    }
                }
                Piece::End(element) if element.name().as_ref() == end => {
                    (self.text_buffer, self.open) = (buffer, open);
                    return Ok(());
                }
                Piece::End(_) => drop(open.pop()),
                Piece::Text(_) | Piece::CData(_) | Piece::Reference(_) if open.is_empty() => {}
                Piece::Text(text) => self.shown.push_collapsed(&text.xml10_content(), now),
                Piece::CData(text) => self.shown.push_collapsed(&text.xml10_content(), now),
                Piece::Reference(reference) => self.shown.push(&resolved(&reference)?, now),
                Piece::Eof => return Err(damaged("a cell of it is cut off")),
                Piece::Aside => {}
            }
        }
    }

    /// Adds the blanks and breaks that are elements of their own.
    fn push_blanks(&mut self, element: &BytesStart<'_>, look: &Appearance) -> Result<(), IntakeError> {
        match element.name().as_ref() {
            "text:s" => {
                let blanks = attribute(element, "text:c")?.map_or(Ok(1), |blanks| count(&blanks))?;
                // More than a cell can hold is refused as that.
                self.shown.push(&" ".repeat(blanks.min(40_000) as usize), look);
            }
            "text:tab" => self.shown.push("\t", look),
            "text:line-break" => self.shown.push("\n", look),
            _ => {}
        }
        Ok(())
    }
}
