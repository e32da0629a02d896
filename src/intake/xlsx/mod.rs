//! Reads XLSX: which sheets there are, and one of them with all that a person sees of it.

mod around;
mod cells;
mod colour;
mod conditional;
mod package;
mod place;
mod strings;
mod styles;

use super::archive::Archive;
use super::conditional::Change;
use super::problem::IntakeError;
use super::sheet::{Hidden, Sheet, SheetName};
use around::{Around, rows_below_header};
use cells::{Book, Cells};
use package::{Xml, attribute, damaged, is_true, relationships};
use quick_xml::events::{BytesStart, Event};
use strings::Strings;
use styles::Styles;

/// The part of an archive that is the main one, whatever its name: `xl/workbook.xml`, `word/document.xml`.
pub(crate) fn main_part(archive: &mut Archive) -> Result<Option<String>, IntakeError> {
    let named = relationships(archive, "")?.into_iter().find(|to| to.kind == "officeDocument").map(|to| to.target);
    let usual = "xl/workbook.xml";
    Ok(named.filter(|name| archive.has(name)).or_else(|| archive.has(usual).then(|| usual.to_owned())))
}

/// A workbook whose sheets are known.
pub(crate) struct Workbook {
    archive: Archive,
    /// The sheets that hold cells, and no charts or macros, in their order.
    pub(crate) sheets: Vec<SheetName>,
    /// The one on which the workbook opens, where it holds cells.
    pub(crate) active: Option<usize>,
    /// The part of each of them.
    parts: Vec<String>,
    counts_from_1904: bool,
    strings: Option<String>,
    styles: Option<String>,
    read: Option<(Strings, Styles)>,
}

/// The list of sheets as the main part has it.
#[derive(Debug, Default)]
struct List {
    /// Name, relationship and whether it can be seen.
    sheets: Vec<(String, String, bool)>,
    active: usize,
    counts_from_1904: bool,
}

impl Workbook {
    /// Reads the list of sheets.
    pub(crate) fn open(mut archive: Archive, part: &str) -> Result<Self, IntakeError> {
        let targets = relationships(&mut archive, part)?;
        let list = List::read(&mut archive, part)?;
        let (mut sheets, mut parts, mut active) = (Vec::new(), Vec::new(), None);
        for (at, (name, id, is_visible)) in list.sheets.into_iter().enumerate() {
            let Some(to) = targets.iter().find(|to| to.id == id) else {
                return Err(damaged(format_args!("the sheet «{name}» without its part")));
            };
            if to.kind != "worksheet" {
                continue;
            }
            if at == list.active {
                active = Some(sheets.len());
            }
            sheets.push(SheetName { name, is_visible });
            parts.push(to.target.clone());
        }
        let of_kind = |kind: &str| targets.iter().find(|to| to.kind == kind).map(|to| to.target.clone());
        let (strings, styles) = (of_kind("sharedStrings"), of_kind("styles"));
        Ok(Self {
            archive,
            sheets,
            active,
            parts,
            counts_from_1904: list.counts_from_1904,
            strings,
            styles,
            read: None,
        })
    }

    /// Reads the sheet at a position, up to a row where one is given.
    pub(crate) fn sheet(
        &mut self,
        position: usize,
        warnings: Vec<String>,
        rows_max: Option<u32>,
    ) -> Result<Sheet, IntakeError> {
        let (Some(listed), Some(part)) = (self.sheets.get(position), self.parts.get(position)) else {
            return Err(damaged("a sheet without its part"));
        };
        let (strings, styles) = match self.read.take() {
            Some(read) => read,
            None => {
                let strings = self.strings.as_deref().map(|part| Strings::read(&mut self.archive, part)).transpose()?;
                let styles = self.styles.as_deref().map(|part| Styles::read(&mut self.archive, part)).transpose()?;
                (strings.unwrap_or_default(), styles.unwrap_or_default())
            }
        };
        let mut sheet = Sheet::new(listed.name.clone(), warnings, Hidden::default());
        let tables = relationships(&mut self.archive, part)?;
        let Some(xml) = Xml::open(&mut self.archive, part)? else {
            return Err(damaged(format_args!("the sheet «{}» without its part", listed.name)));
        };
        let book = Book { strings: &strings, styles: &styles, counts_from_1904: self.counts_from_1904 };
        let mut around = Cells::new(xml, book).read(&mut sheet, rows_max.unwrap_or(u32::MAX))?;
        for table in tables.iter().filter(|to| to.kind == "table") {
            note_filter(&mut self.archive, &table.target, &mut around)?;
        }
        self.read = Some((strings, styles));
        let (merges, conditional) = (std::mem::take(&mut around.merges), std::mem::take(&mut around.conditional));
        sheet.hide(around.hidden());
        sheet.mark_conditional(&conditional.changed, Change { numbers: true, hides: false })?;
        sheet.mark_conditional(&conditional.hidden, Change { numbers: true, hides: true })?;
        sheet.mark_merged(&merges)?;
        Ok(sheet)
    }
}

impl List {
    fn read(archive: &mut Archive, part: &str) -> Result<Self, IntakeError> {
        let mut list = Self::default();
        let Some(mut xml) = Xml::open_small(archive, part)? else { return Err(damaged("no list of its sheets")) };
        let (mut buffer, mut depth) = (Vec::new(), 0_u32);
        while let Some(event) = xml.next(&mut buffer)? {
            if let Event::Start(element) = &event {
                depth += 1;
                list.element(element, depth)?;
            } else if matches!(event, Event::End(_)) {
                depth = depth.saturating_sub(1);
            }
        }
        Ok(list)
    }

    fn element(&mut self, element: &BytesStart<'_>, depth: u32) -> Result<(), IntakeError> {
        match (element.local_name().as_ref(), depth) {
            ("workbookPr", 2) => {
                self.counts_from_1904 = is_true(attribute(element, "date1904")?.as_deref());
            }
            ("workbookView", 3) => {
                let tab = attribute(element, "activeTab")?;
                self.active = tab.and_then(|tab| tab.trim().parse().ok()).unwrap_or(0);
            }
            ("sheet", 3) => {
                let text = |name| Ok::<_, IntakeError>(attribute(element, name)?.unwrap_or_default().into_owned());
                let is_visible = !matches!(text("state")?.as_str(), "hidden" | "veryHidden");
                self.sheets.push((text("name")?, text("id")?, is_visible));
            }
            _ => {}
        }
        Ok(())
    }
}

/// Notes the rows of a table in which a filter is set.
fn note_filter(archive: &mut Archive, part: &str, around: &mut Around) -> Result<(), IntakeError> {
    let Some(mut xml) = Xml::open_small(archive, part)? else { return Ok(()) };
    let (mut buffer, mut rows) = (Vec::new(), None);
    while let Some(event) = xml.next(&mut buffer)? {
        let Event::Start(element) = &event else { continue };
        match element.local_name().as_ref() {
            "autoFilter" => rows = rows_below_header(element)?,
            "filterColumn" => rows.into_iter().for_each(|rows| around.filter(rows)),
            _ => {}
        }
    }
    Ok(())
}
