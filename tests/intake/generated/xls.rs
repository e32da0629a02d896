//! The writer of workbooks as XLS, record by record (MS-XLS).

use super::book::{Cell, Merge, Seen, Table};
use crate::xls::{compound, record, unicode, words};

/// The looks of cells, by their place among the `XF` records.
const PLAIN: u16 = 0;
const GROUPED: u16 = 1;
const THOUSANDTHS: u16 = 2;
/// The fonts of runs.
const STRUCK: u16 = 1;
const BOLD: u16 = 2;

fn word(number: usize) -> u16 {
    u16::try_from(number).unwrap()
}

/// The records of one cell.
fn cell(row: usize, column: usize, cell: &Cell) -> Vec<u8> {
    let place = |look: u16| words(&[word(row), word(column), look]);
    let number = |look: u16, value: u64| {
        let value = f64::from(u32::try_from(value).unwrap());
        record(0x0203, &[place(look), value.to_le_bytes().to_vec()].concat())
    };
    let runs = |head: &str, tail: &str, font: u16| {
        // From which character on, and the font.
        let runs = words(&[2, 0, font, word(head.chars().count()), 0]);
        record(0x00D6, &[place(PLAIN), unicode(&format!("{head}{tail}")), runs].concat())
    };
    let formula = |result: [u8; 8]| record(0x0006, &[place(PLAIN), result.to_vec(), vec![0; 10]].concat());
    match cell {
        Cell::Blank => Vec::new(),
        Cell::Text(text) => record(0x0204, &[place(PLAIN), unicode(text)].concat()),
        Cell::Number(value) => number(PLAIN, *value),
        Cell::Grouped(value) => number(GROUPED, *value),
        Cell::Thousandths(value) => number(THOUSANDTHS, *value),
        Cell::Computed(value) => formula(f64::from(u32::try_from(*value).unwrap()).to_le_bytes()),
        // What xlwt, which computes nothing, writes as the result: an empty text.
        Cell::NotComputed => formula([3, 0, 0, 0, 0, 0, 0xFF, 0xFF]),
        Cell::Bold(head, tail) => runs(head, tail, BOLD),
        Cell::Struck(head, tail) => runs(head, tail, STRUCK),
    }
}

fn sheet(table: &Table) -> Vec<u8> {
    let mut sheet = record(0x0809, &words(&[0x0600, 16, 0, 0]));
    if table.filter.is_some() {
        sheet.extend(record(0x009B, &[]));
    }
    for (row, line) in table.lines.iter().enumerate() {
        if line.seen != Seen::Shown {
            sheet.extend(record(0x0208, &words(&[word(row), 0, word(line.cells.len()), 255, 0, 0, 0x20, 0])));
        }
        sheet.extend(line.cells.iter().enumerate().flat_map(|(column, of)| cell(row, column, of)));
    }
    for [top, left, bottom, right] in &table.merges {
        let merge: Merge = [*top, *bottom, *left, *right];
        sheet.extend(record(0x00E5, &words(&[&[1][..], &merge.map(word)].concat())));
    }
    sheet.extend(record(0x000A, &[]));
    sheet
}

/// The name that Excel gives to a list with a filter in the sheet at a place.
fn filter(place: usize, table: &Table) -> Vec<u8> {
    let Some((top, bottom)) = table.filter else { return Vec::new() };
    let name = [&words(&[0x20, 0x0100, 11, 0, word(place + 1), 0, 0])[..], &[0, 0x0D, 0x3B]].concat();
    record(0x0018, &[name, words(&[0, word(top), word(bottom), 0, word(table.width() - 1)])].concat())
}

pub(super) fn xls(tables: &[Table]) -> Vec<u8> {
    let mut globals = record(0x0809, &words(&[0x0600, 5, 0, 0]));
    // Fonts: plain, struck out, bold.
    for (flags, weight) in [(0, 400), (8, 400), (0, 700)] {
        globals.extend(record(0x0031, &words(&[200, flags, 0x7FFF, weight, 0, 0, 0, 0])));
    }
    globals.extend(record(0x041E, &[words(&[164]), unicode("0.000")].concat()));
    for format in [0, 3, 164] {
        globals.extend(record(0x00E0, &words(&[0, format, 0, 0, 0, 0, 0, 0])));
    }
    globals.extend(tables.iter().enumerate().flat_map(|(place, table)| filter(place, table)));
    let bound = |table: &Table, at: usize| {
        let name: Vec<u16> = table.name.encode_utf16().collect();
        let head = [0, 0, u8::try_from(name.len()).unwrap(), 1];
        record(0x0085, &[&u32::try_from(at).unwrap().to_le_bytes()[..], &head, &words(&name)].concat())
    };
    let sheets: Vec<Vec<u8>> = tables.iter().map(sheet).collect();
    let end = record(0x000A, &[]);
    let mut at = globals.len() + tables.iter().map(|table| bound(table, 0).len()).sum::<usize>() + end.len();
    for (table, sheet) in tables.iter().zip(&sheets) {
        globals.extend(bound(table, at));
        at += sheet.len();
    }
    compound("Workbook", &[globals, end, sheets.concat()].concat())
}
