//! Finds the header row: the one that names the needed columns, or two rows that do so together.

use super::column_headers::role_of;
use super::columns::{self, Columns};
use super::options::IntakeOptions;
use super::problem::{IntakeError, Problem, ProblemKind};
use super::record::{COLUMNS_MAX, Record};
use super::row_shape::RowShape;
use super::words::{rows_named, shortened};
use crate::domain::column_role::ColumnRole;
use crate::domain::text::typed;

/// The row up to which a header is looked for: titles, dates and a company's name stand above it.
pub(crate) const HEADER_ROW_MAX: u64 = 50;

/// The header row, and what its columns mean.
#[derive(Clone, Debug)]
pub(crate) struct Header {
    /// The spreadsheet's own number of the row above the first payee.
    pub(crate) row: u64,
    pub(crate) columns: Columns,
}

/// A row that is kept until the header is known: its cells as written.
type Cells = Vec<String>;

/// What was seen of the first rows.
struct Search<'o> {
    options: &'o IntakeOptions,
    /// Where the header begins and ends, and its cells.
    found: Option<(u64, u64, Cells)>,
    /// The row before, where it holds anything.
    before: Option<(u64, Cells)>,
    /// The row that names the most of what is needed.
    nearest: Option<(u64, Vec<ColumnRole>, Cells)>,
    glances: Vec<RowShape>,
}

/// Finds the one row that names the needed columns.
pub(crate) fn find_header(
    mut read: impl FnMut(&mut Record) -> Result<bool, IntakeError>,
    options: &IntakeOptions,
) -> Result<Header, IntakeError> {
    let mut record = Record::default();
    let mut search = Search { options, found: None, before: None, nearest: None, glances: Vec::new() };
    while record.row < HEADER_ROW_MAX {
        match read(&mut record) {
            Ok(true) => search.row(&record)?,
            Ok(false) => break,
            // What is wrong further down is said when the rows before it have been judged.
            Err(_) if search.found.is_some() => break,
            Err(error) => return Err(error),
        }
    }
    Ok(search.end()?)
}

fn is_blank(cell: &str) -> bool {
    cell.trim().is_empty()
}

impl Search<'_> {
    fn is_header(&self, cells: &[String]) -> bool {
        columns::is_header(&borrowed(cells), &self.options.columns)
    }

    fn resolve(&self, row: u64, cells: &[String]) -> Result<Columns, Problem> {
        columns::resolve(row, &borrowed(cells), &self.options.columns)
    }

    fn row(&mut self, record: &Record) -> Result<(), Problem> {
        if record.is_blank() {
            self.before = None;
            return Ok(());
        }
        self.glances.push(RowShape::at(record));
        // A row of a million cells is looked at no further than a sheet may be wide.
        let cells: Cells = record.cells().map(|cell| cell.text.to_owned()).take(COLUMNS_MAX).collect();
        if self.is_header(&cells) { self.header(record, cells) } else { self.no_header(record.row, cells) }
    }

    /// A row that names everything: the header, or the same header once more in another language.
    fn header(&mut self, record: &Record, cells: Cells) -> Result<(), Problem> {
        let row = record.row;
        let beyond = record.cells().skip(COLUMNS_MAX).filter(|cell| !is_blank(cell.text)).count();
        if beyond > 0 {
            let message = format!("needs at most {COLUMNS_MAX} columns, has {beyond} more; remove them");
            return Err(Problem::of_row(row, ProblemKind::Limit, message));
        }
        let Some((first, last, found)) = &mut self.found else {
            self.found = Some((row, row, cells.clone()));
            self.before = Some((row, cells));
            return Ok(());
        };
        let upper = columns::resolve(*first, &borrowed(found), &self.options.columns);
        let lower = columns::resolve(row, &borrowed(&cells), &self.options.columns);
        if *last + 1 == row && first == last && upper.is_ok_and(|upper| lower.is_ok_and(|lower| upper.means(&lower))) {
            *last = row;
            return Ok(());
        }
        let message = format!("needs one header row, has two: rows {first} and {row}; remove one of them");
        Err(Problem::of_row(row, ProblemKind::Header, message))
    }

    fn no_header(&mut self, row: u64, cells: Cells) -> Result<(), Problem> {
        let before = self.before.take().filter(|(before, _)| before + 1 == row);
        if let (Some((upper_row, upper)), None) = (&before, &self.found)
            && let Some(joined) = joined(upper, &cells)
            && self.is_header(&joined)
        {
            self.found = Some((*upper_row, row, joined));
            return Ok(());
        }
        if let (Some((_, upper)), Some((first, last, found))) = (&before, &self.found)
            && (*first, *last) == (row - 1, row - 1)
            && let Some(joined) = joined(upper, &cells)
            && let Some(under) = self.under_points(row, found, &cells)?
        {
            if !self.is_header(&joined) {
                return Err(two_points(row, &joined, &under));
            }
            self.found = Some((row - 1, row, joined));
            return Ok(());
        }
        self.note_nearest(row, &cells);
        if let Some(joined) = before.as_ref().and_then(|(_, upper)| joined(upper, &cells)) {
            self.note_nearest(row, &joined);
        }
        self.before = Some((row, cells));
        Ok(())
    }

    fn note_nearest(&mut self, row: u64, cells: &[String]) {
        let missing = columns::missing(&borrowed(cells), &self.options.columns);
        let has_words = cells.iter().any(|cell| cell.chars().any(char::is_alphanumeric));
        let filled = |cells: &[String]| cells.iter().filter(|cell| !is_blank(cell)).count();
        let is_nearer = self
            .nearest
            .as_ref()
            .is_none_or(|(_, before, of)| (missing.len(), filled(of)) < (before.len(), filled(cells)));
        if has_words && is_nearer {
            self.nearest = Some((row, missing, cells.to_vec()));
        }
    }

    /// The columns under a header of points that stands over several: a second row of the header, and no payee's.
    ///
    /// Only where nothing else is possible: no phone below the header of phones, and two texts or more without a number
    /// below that of points.
    fn under_points(&self, row: u64, upper: &[String], lower: &[String]) -> Result<Option<Vec<usize>>, Problem> {
        let columns = self.resolve(row - 1, upper)?;
        let cell = |column: usize| lower.get(column).map_or("", |cell| cell.trim());
        let (Some(phone), Some(points)) = (columns.of(ColumnRole::Phone), columns.of(ColumnRole::Points)) else {
            return Ok(None);
        };
        let is_number =
            self.glances.last().is_some_and(|glance| !glance.phones.is_empty() || !glance.points.is_empty());
        let group = (points..lower.len()).take_while(|at| *at == points || upper.get(*at).is_none_or(|u| is_blank(u)));
        let under: Vec<usize> = group.filter(|at| !cell(*at).is_empty()).collect();
        let is_second_row = cell(phone).is_empty() && !is_number && under.len() > 1;
        Ok(is_second_row.then_some(under))
    }

    fn end(self) -> Result<Header, Problem> {
        let Some((first, last, cells)) = &self.found else { return Err(self.not_found()) };
        let columns = self.resolve(*last, cells)?;
        let above: Vec<u64> = self
            .glances
            .iter()
            .filter(|glance| glance.row < *first && glance.is_payee(&columns))
            .map(|glance| glance.row)
            .collect();
        if let Some(row) = above.first() {
            let message = format!(
                "needs every payee below the header (row {first}), has a phone and points above it in {}: a sort that took the \
                 header along, or another table? put the header above them, or remove them",
                rows_named(&above)
            );
            return Err(Problem::of_row(*row, ProblemKind::Header, message));
        }
        Ok(Header { row: *last, columns })
    }

    fn not_found(self) -> Problem {
        let Some((row, missing, cells)) = &self.nearest else { return no_rows() };
        let of_a_table: Vec<u64> =
            self.glances.iter().filter(|glance| glance.is_of_a_table()).map(|glance| glance.row).collect();
        if of_a_table.contains(row) {
            let message = format!(
                "needs a header row that names phone (or id_type and id) and points, has payees without one above them: \
                 {}; put a header into the first {HEADER_ROW_MAX} rows, above all payees",
                rows_named(&of_a_table)
            );
            return Problem::of_file(ProblemKind::Header, message);
        }
        let words: Vec<&str> = missing.iter().map(|meaning| meaning.word()).collect();
        let found: Vec<String> =
            cells.iter().filter(|cell| !is_blank(cell)).map(|cell| format!("«{}»", shortened(cell.trim()))).collect();
        let advice: Vec<String> = missing.iter().map(|meaning| self.advice(*meaning, *row, cells)).collect();
        let advice = if advice.iter().any(|advice| advice.contains("HEADER")) {
            format!("name the columns, or say {}", advice.join(" "))
        } else {
            format!("did you mean {}?", advice.join(" "))
        };
        let message = format!(
            "needs a header row that names phone (or id_type and id) and points, has none in its first {HEADER_ROW_MAX} rows; \
             row {row} comes nearest, without {}; columns found: {}; {advice}",
            words.join(" and "),
            listed(&found)
        );
        Problem::of_file(ProblemKind::Header, message)
    }

    /// `--column` with the header that a meaning is likeliest to have: by what stands below it, and by its words.
    fn advice(&self, meaning: ColumnRole, row: u64, cells: &[String]) -> String {
        let below = |column: usize| {
            let rows = self.glances.iter().filter(|glance| glance.row > row);
            let of = |glance: &&RowShape| {
                let cells = if meaning == ColumnRole::Points { &glance.points } else { &glance.phones };
                cells.contains(&column)
            };
            rows.filter(of).count()
        };
        let is_free = |cell: &str| !is_blank(cell) && role_of(cell).is_none();
        let free = || cells.iter().enumerate().filter(|(_, cell)| is_free(cell));
        let best = free().map(|(column, _)| below(column)).max().unwrap_or(0);
        let mut likely: Vec<&String> =
            free().filter(|(column, _)| best > 0 && below(*column) == best).map(|(_, cell)| cell).collect();
        if likely.len() != 1 {
            let speaks: Vec<&String> = free().map(|(_, cell)| cell).filter(|cell| speaks_of(meaning, cell)).collect();
            likely =
                if likely.is_empty() { speaks } else { likely.into_iter().filter(|c| speaks.contains(c)).collect() };
        }
        let word = meaning.word();
        match likely.as_slice() {
            [only] => format!("`--column {word}={}`", typed(only.trim())),
            _ => format!("`--column {word}=HEADER`"),
        }
    }
}

/// Whether a header that is not known speaks of phones or of points at all.
fn speaks_of(meaning: ColumnRole, header: &str) -> bool {
    let squeezed = super::column_headers::squeezed(header);
    let words: &[&str] = if meaning == ColumnRole::Points {
        &["diem", "point", "thuong", "reward", "bonus", "amount"]
    } else {
        &["sdt", "dienthoai", "phone", "mobile", "somay", "zalo", "sodt"]
    };
    words.iter().any(|word| squeezed.contains(word))
}

/// The first of many names.
fn listed(names: &[String]) -> String {
    const SHOWN: usize = 12;
    let mut text = names.iter().take(SHOWN).map(String::as_str).collect::<Vec<_>>().join(", ");
    if names.len() > SHOWN {
        text.push_str(&format!(" and {} more", names.len() - SHOWN));
    }
    text
}

fn borrowed(cells: &[String]) -> Vec<&str> {
    cells.iter().map(String::as_str).collect()
}

/// Two rows as one header: a group's header above, the columns' own below. `None` where they cannot be that: every cell
/// below has to stand under a blank, or under a header that reaches over the blank beside it.
fn joined(upper: &[String], lower: &[String]) -> Option<Cells> {
    if upper.iter().filter(|cell| !is_blank(cell)).count() < 2 {
        return None;
    }
    let above = |column: usize| upper.get(column).map_or("", String::as_str);
    let stands_in_group = |column: usize| is_blank(above(column)) || is_blank(above(column + 1));
    let all = lower.iter().enumerate().filter(|(_, cell)| !is_blank(cell)).all(|(column, _)| stands_in_group(column));
    let width = upper.len().max(lower.len());
    let cell = |column: usize| match lower.get(column) {
        Some(cell) if !is_blank(cell) => cell.clone(),
        Some(_) | None => above(column).to_owned(),
    };
    all.then(|| (0..width).map(cell).collect())
}

fn two_points(row: u64, joined: &[String], under: &[usize]) -> Problem {
    let cells = borrowed(joined);
    let names: Vec<String> = under.iter().map(|column| columns::describe(&cells, *column)).collect();
    let choices: Vec<String> =
        under.iter().map(|column| format!("`--column points={}`", typed(cells[*column].trim()))).collect();
    let message = format!(
        "needs one column for points, has a header over several: {}; choose with {}",
        names.join(", "),
        choices.join(" or ")
    );
    Problem::of_row(row, ProblemKind::Columns, message)
}

/// The problem of a file in which no row says anything.
pub(crate) fn no_rows() -> Problem {
    Problem::of_file(ProblemKind::Empty, "needs a header and rows, has only blank rows; export it again")
}
