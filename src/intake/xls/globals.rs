//! Reads what holds for all sheets of an XLS: which there are, fonts, number formats, looks and shared texts.

use super::super::damage::{self, encrypted};
use super::super::number_format::NumberFormat;
use super::super::problem::IntakeError;
use super::super::sheet::SheetName;
use super::records::{BOF, Bytes, EOF, Letters, Record, Records, code_page, u16_at, u32_at};
use std::cell::Cell;
use std::collections::HashMap;
use std::ops::RangeInclusive;

const FILE_PASS: u16 = 0x002F;
const CODE_PAGE: u16 = 0x0042;
const DATE_MODE: u16 = 0x0022;
const BOUND_SHEET: u16 = 0x0085;
/// The kind of a sheet that holds cells (2.4.28).
const WORKSHEET: u8 = 0;
/// A name of the workbook, and the one that Excel gives to a list with a filter (2.4.150).
const NAME: u16 = 0x0018;
const FILTER_DATABASE: u8 = 0x0D;
const WINDOW1: u16 = 0x003D;
const FONT: u16 = 0x0031;
const FORMAT: u16 = 0x041E;
const XF: u16 = 0x00E0;
const PALETTE: u16 = 0x0092;
const PALETTE_LEN: usize = 56;
const SST: u16 = 0x00FC;
/// Which Excel computed the workbook last; one that none computed is computed when it is opened.
const RECALC_ID: u16 = 0x01C1;

/// The most sheets.
const SHEETS_MAX: usize = 10_000;
/// The most records that are read of all sheets together: several may be one and the same place of the stream.
pub(super) const RECORDS_MAX: u64 = 64 << 20;
/// Cells name fonts and looks by 16 bits.
const NAMED_MAX: usize = 1 << 16;
/// The longest code of a number format, in bytes; Excel takes 255 characters.
const CODE_BYTES_MAX: usize = 1024;

/// How a font changes what a person sees.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Font {
    pub(super) struck: bool,
    pub(super) raised: bool,
    /// Its colour by its number; and whether it is too small to be read.
    colour: u16,
    is_small: bool,
}

/// The first eight colours, which are there again as those that a workbook may redefine (2.5.161).
const COLOURS: [u32; 8] = [0, 0xFF_FFFF, 0xFF_0000, 0x00_FF00, 0x00_00FF, 0xFF_FF00, 0xFF_00FF, 0x00_FFFF];
const WHITE: u32 = 0xFF_FFFF;
/// The colour of the window behind texts.
const WINDOW: u16 = 65;
/// From here on colours without a number of red, green and blue: each is one by itself.
const UNKNOWN: u32 = 1 << 24;
/// A smaller font, in twentieths of a point, nobody reads.
const FONT_SIZE_MIN: u16 = 60;

/// The pattern behind the cells of a look, and its colour (2.4.353); BIFF5 has them elsewhere.
fn fill(look: &[u8]) -> Option<Fill> {
    let pattern = look.get(17)? >> 2;
    Some((pattern, u16_at(look, 18)? & 0x7F))
}

/// How a cell is shown.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Appearance {
    pub(super) font: Font,
    /// The place of its number format; nothing for General.
    pub(super) format: Option<u32>,
    /// Whether every whole number shows as it is.
    pub(super) whole_as_is: bool,
    /// Whether nobody can read its text.
    pub(super) faint: bool,
    fill: Option<Fill>,
}

/// The texts that cells name by number, back to back.
#[derive(Debug, Default)]
pub(super) struct Shared {
    text: String,
    ends: Vec<u32>,
    /// The runs of those that have some.
    runs: HashMap<u32, Vec<(u16, u16)>>,
}

impl Shared {
    pub(super) fn get(&self, at: u32) -> Option<(&str, &[(u16, u16)])> {
        let place = usize::try_from(at).ok()?;
        let end = *self.ends.get(place)?;
        let start = place.checked_sub(1).map_or(0, |before| self.ends[before]);
        Some((&self.text[start as usize..end as usize], self.runs.get(&at).map_or(&[], Vec::as_slice)))
    }
}

/// A workbook whose parts are known.
pub(crate) struct Workbook {
    pub(super) stream: Vec<u8>,
    pub(super) letters: Letters,
    /// The sheets that hold cells, and no charts or macros, in their order.
    pub(crate) sheets: Vec<SheetName>,
    /// The one on which the workbook opens, where it holds cells.
    pub(crate) active: Option<usize>,
    /// Where each of them begins, and which it is among all sheets.
    pub(super) places: Vec<(usize, usize)>,
    /// The lists that have a filter: the sheet among all of them, and the rows without the header.
    pub(super) filters: Vec<(usize, RangeInclusive<u32>)>,
    pub(super) fonts: Vec<Font>,
    /// The colours from the eighth on, where the workbook has its own.
    palette: Vec<u32>,
    pub(super) formats: Vec<NumberFormat>,
    pub(super) looks: Vec<Appearance>,
    pub(super) shared: Shared,
    pub(super) counts_from_1904: bool,
    pub(super) has_recalc_id: bool,
    /// How many records were read of all sheets.
    pub(super) records: Cell<u64>,
}

/// The refusal of an XLS that is not whole.
pub(super) fn damaged(what: impl std::fmt::Display) -> IntakeError {
    damage::damaged("XLS", what)
}

impl Workbook {
    /// Reads what holds for all sheets.
    pub(crate) fn open(stream: Vec<u8>) -> Result<Self, IntakeError> {
        let version = Records { stream: &stream, at: 0 }.next().filter(|record| record.kind == BOF);
        let version = version.and_then(|record| u16_at(record.data, 0));
        let letters = match version {
            Some(0x0500) => Letters::CodePage(encoding_rs::WINDOWS_1252),
            Some(_) => Letters::Unicode,
            None => return Err(damaged("its records do not begin")),
        };
        let mut workbook = Self {
            stream: Vec::new(),
            letters,
            sheets: Vec::new(),
            active: None,
            places: Vec::new(),
            filters: Vec::new(),
            fonts: Vec::new(),
            palette: Vec::new(),
            formats: Vec::new(),
            looks: Vec::new(),
            shared: Shared::default(),
            counts_from_1904: false,
            has_recalc_id: false,
            records: Cell::new(0),
        };
        let mut globals = Globals::default();
        for record in (Records { stream: &stream, at: 0 }).skip(1).take_while(|record| record.kind != EOF) {
            if record.kind == FILE_PASS && record.data.iter().any(|byte| *byte != 0) {
                return Err(encrypted());
            }
            workbook.note(&stream, record, &mut globals)?;
        }
        workbook.stream = stream;
        workbook.finish(&globals);
        Ok(workbook)
    }

    fn note(&mut self, stream: &[u8], record: Record<'_>, globals: &mut Globals) -> Result<(), IntakeError> {
        let data = record.data;
        let short = || damaged(format_args!("a record {:04X} that is too short", record.kind));
        match record.kind {
            CODE_PAGE => {
                if let Letters::CodePage(encoding) = &mut self.letters {
                    let number = u16_at(data, 0).ok_or_else(short)?;
                    *encoding = code_page(number).ok_or_else(|| damaged(format_args!("the code page {number}")))?;
                }
            }
            NAME => self.filters.extend(filter(data)),
            DATE_MODE => self.counts_from_1904 = u16_at(data, 0) == Some(1),
            RECALC_ID => self.has_recalc_id = true,
            WINDOW1 if globals.active.is_none() => globals.active = u16_at(data, 10).map(usize::from),
            BOUND_SHEET if globals.sheets >= SHEETS_MAX => return Err(damaged("more than 10,000 sheets")),
            BOUND_SHEET => self.note_sheet(stream, record, globals).ok_or_else(short)?,
            FONT if self.fonts.len() < NAMED_MAX => {
                let (flags, place) = u16_at(data, 2).zip(u16_at(data, 8)).ok_or_else(short)?;
                let (height, colour) = u16_at(data, 0).zip(u16_at(data, 4)).ok_or_else(short)?;
                self.fonts.push(Font {
                    struck: flags & 0x08 != 0,
                    raised: matches!(place, 1 | 2),
                    colour,
                    is_small: (1..FONT_SIZE_MIN).contains(&height),
                });
            }
            PALETTE => {
                let colours = data.get(2..).ok_or_else(short)?.chunks_exact(4).take(PALETTE_LEN);
                self.palette = colours.map(|c| u32::from_be_bytes([0, c[0], c[1], c[2]])).collect();
            }
            FORMAT => {
                let (number, code) = self.format_code(stream, record).ok_or_else(short)?;
                globals.formats.insert(number, code);
            }
            XF if globals.xfs.len() < NAMED_MAX => {
                let (font, format) = u16_at(data, 0).zip(u16_at(data, 2)).ok_or_else(short)?;
                let fill = matches!(self.letters, Letters::Unicode).then(|| fill(data)).flatten();
                globals.xfs.push((font, format, fill));
            }
            SST => self.read_shared(stream, record).ok_or_else(|| damaged("its shared texts are cut off"))?,
            _ => {}
        }
        Ok(())
    }

    fn note_sheet(&mut self, stream: &[u8], record: Record<'_>, globals: &mut Globals) -> Option<()> {
        let at = usize::try_from(u32_at(record.data, 0)?).ok()?;
        let (state, kind) = (*record.data.get(4)?, *record.data.get(5)?);
        let mut bytes = Bytes::of(stream, record.at)?;
        bytes.skip(6)?;
        let mut name = String::new();
        bytes.short_text(self.letters, &mut name)?;
        name.retain(|c| c != '\0');
        if kind == WORKSHEET {
            if Some(globals.sheets) == globals.active.or(Some(0)) {
                self.active = Some(self.sheets.len());
            }
            self.sheets.push(SheetName { name, is_visible: state & 3 == 0 });
            self.places.push((at, globals.sheets));
        }
        globals.sheets += 1;
        Some(())
    }

    fn format_code(&self, stream: &[u8], record: Record<'_>) -> Option<(u16, String)> {
        let mut bytes = Bytes::of(stream, record.at)?;
        let (number, mut code) = (bytes.u16()?, String::new());
        match self.letters {
            Letters::Unicode => bytes.rich_text(&mut code, &mut Vec::new())?,
            Letters::CodePage(_) => bytes.short_text(self.letters, &mut code)?,
        }
        Some((number, code))
    }

    fn read_shared(&mut self, stream: &[u8], record: Record<'_>) -> Option<()> {
        let mut bytes = Bytes::of(stream, record.at)?;
        bytes.skip(4)?;
        let count = bytes.u32()?;
        let mut runs = Vec::new();
        for at in 0..count {
            // Some programs count more texts than they write; a cell that names one of those is refused.
            if bytes.is_at_end() {
                break;
            }
            bytes.rich_text(&mut self.shared.text, &mut runs)?;
            self.shared.ends.push(u32::try_from(self.shared.text.len()).ok()?);
            if !runs.is_empty() {
                self.shared.runs.insert(at, std::mem::take(&mut runs));
            }
        }
        Some(())
    }

    fn finish(&mut self, globals: &Globals) {
        let mut places: HashMap<u16, (Option<u32>, bool)> = HashMap::new();
        for (font, number, fill) in &globals.xfs {
            let (format, whole_as_is) = *places.entry(*number).or_insert_with(|| {
                let format = globals.format(*number);
                let whole_as_is = format.shows_whole_numbers();
                if format.is_general() {
                    return (None, whole_as_is);
                }
                self.formats.push(format);
                (u32::try_from(self.formats.len() - 1).ok(), whole_as_is)
            });
            let (font, fill) = (self.font(*font), *fill);
            let faint = self.is_faint(font, fill);
            self.looks.push(Appearance { font, format, whole_as_is, faint, fill });
        }
    }

    /// The number format of a look, unless it is General.
    pub(super) fn format(&self, look: &Appearance) -> Option<&NumberFormat> {
        self.formats.get(usize::try_from(look.format?).ok()?)
    }

    /// A colour by its number.
    fn colour(&self, number: u16) -> u32 {
        let own = number.checked_sub(8).and_then(|place| self.palette.get(usize::from(place)));
        match (own, number) {
            (Some(own), _) => *own,
            (None, WINDOW) => WHITE,
            (None, 0..16) => COLOURS[usize::from(number % 8)],
            (None, _) => UNKNOWN + u32::from(number),
        }
    }

    /// Whether nobody can read a text of a font on a fill: its pattern, and its colour.
    fn is_faint(&self, font: Font, fill: Option<Fill>) -> bool {
        let behind = match fill {
            Some((0, _)) => Some(WHITE),
            Some((1, colour)) => Some(self.colour(colour)),
            Some(_) | None => None,
        };
        font.is_small || behind == Some(self.colour(font.colour))
    }

    /// Whether nobody can read a run of a font in a cell of a look.
    pub(super) fn is_faint_in(&self, font: Font, look: Option<&Appearance>) -> bool {
        look.is_some_and(|look| self.is_faint(font, look.fill))
    }

    /// A font by its number; the number 4 is never used (2.5.129).
    pub(super) fn font(&self, number: u16) -> Font {
        let place = if number > 4 { number - 1 } else { number };
        self.fonts.get(usize::from(place)).copied().unwrap_or_default()
    }
}

/// The rows of a list with a filter, without its header, and the sheet that it is on, where a name is that of one.
fn filter(name: &[u8]) -> Option<(usize, RangeInclusive<u32>)> {
    let (flags, sheet) = (u16_at(name, 0)?, usize::from(u16_at(name, 8)?).checked_sub(1)?);
    // A name of one character that Excel gives, and an area of one sheet.
    if flags & 0x20 == 0 || name.get(15..17)? != [FILTER_DATABASE, 0x3B] {
        return None;
    }
    Some((sheet, u32::from(u16_at(name, 19)?).saturating_add(1)..=u32::from(u16_at(name, 21)?)))
}

/// Pattern and colour of a cell's ground.
type Fill = (u8, u16);

/// What is read before it can be put together.
#[derive(Debug, Default)]
struct Globals {
    /// The sheet on which the workbook opens, charts and macros counted.
    active: Option<usize>,
    /// How many sheets there are so far.
    sheets: usize,
    formats: HashMap<u16, String>,
    /// The font, the number format and the fill of each look.
    xfs: Vec<(u16, u16, Option<Fill>)>,
}

impl Globals {
    fn format(&self, number: u16) -> NumberFormat {
        match self.formats.get(&number) {
            // Too long for Excel: nobody can tell what it shows.
            Some(code) if code.len() > CODE_BYTES_MAX => NumberFormat::parse("["),
            Some(code) => NumberFormat::parse(code),
            None => NumberFormat::builtin(u32::from(number)),
        }
    }
}
