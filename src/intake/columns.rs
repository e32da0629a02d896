//! Decides which column means what, from the header row and `--column`.

use super::column_headers::{role_of, squeezed};
use super::problem::{Problem, ProblemKind};
use crate::domain::column_role::ColumnRole;
use crate::domain::text::typed;

/// The columns of a file: what each means, and the headers as written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Columns {
    of_meaning: [Option<usize>; ColumnRole::ALL.len()],
    /// The columns that are only kept.
    pub(crate) extra: Vec<usize>,
    /// Every header as written, trimmed.
    pub(crate) headers: Vec<String>,
}

impl Columns {
    /// The columns of a sheet that is no payout file, by what they mean; the others are only kept.
    pub(crate) fn of_sheet(meanings: &[(ColumnRole, usize)], headers: Vec<String>) -> Self {
        let mut of_meaning = [None; ColumnRole::ALL.len()];
        for (meaning, column) in meanings {
            of_meaning[*meaning as usize] = Some(*column);
        }
        let extra = (0..headers.len()).filter(|column| !of_meaning.contains(&Some(*column))).collect();
        Self { of_meaning, extra, headers }
    }

    /// The column of a meaning.
    pub(crate) fn of(&self, meaning: ColumnRole) -> Option<usize> {
        self.of_meaning[meaning as usize]
    }

    /// Whether two header rows say the same of every column.
    pub(crate) fn means(&self, other: &Self) -> bool {
        self.of_meaning == other.of_meaning
    }

    /// The meanings that the file has, with the headers as written.
    pub(crate) fn named(&self) -> Vec<(ColumnRole, String)> {
        let column = |meaning: &ColumnRole| self.of(*meaning).map(|column| (*meaning, self.headers[column].clone()));
        ColumnRole::ALL.iter().filter_map(column).collect()
    }

    /// The headers, as written, of the kept columns that are called by this name.
    pub(crate) fn kept(&self, name: &str) -> Vec<String> {
        let headers = self.extra.iter().map(|column| &self.headers[*column]);
        headers.filter(|header| squeezed(header) == squeezed(name)).cloned().collect()
    }

    /// How a message calls a column: its meaning, or else its header.
    pub(crate) fn label(&self, column: usize) -> String {
        match ColumnRole::ALL.into_iter().find(|meaning| self.of(*meaning) == Some(column)) {
            Some(meaning) => meaning.word().to_owned(),
            None => {
                self.headers.get(column).filter(|header| !header.is_empty()).cloned().unwrap_or_else(|| letters(column))
            }
        }
    }
}

/// The spreadsheet's name of a column: A to Z, AA, AB …
pub(crate) fn letters(column: usize) -> String {
    let mut name = Vec::new();
    let mut rest = column + 1;
    while rest > 0 {
        name.push(char::from(b'A' + u8::try_from((rest - 1) % 26).unwrap_or(0)));
        rest = (rest - 1) / 26;
    }
    name.iter().rev().collect()
}

/// Whether a row names the needed columns, so that it may be the header.
pub(crate) fn is_header(cells: &[&str], overrides: &[(ColumnRole, String)]) -> bool {
    let has = |meaning: ColumnRole| {
        let named = overrides.iter().any(|(of, header)| *of == meaning && !places(cells, header).is_empty());
        let taken = overrides.iter().any(|(of, _)| *of == meaning);
        named || (!taken && cells.iter().any(|cell| role_of(cell) == Some(meaning)))
    };
    has(ColumnRole::Points) && (has(ColumnRole::Phone) || (has(ColumnRole::IdType) && has(ColumnRole::Id)))
}

/// The needed columns that a row does not name, for the message that no row is a header.
pub(crate) fn missing(cells: &[&str], overrides: &[(ColumnRole, String)]) -> Vec<ColumnRole> {
    [ColumnRole::Phone, ColumnRole::Points]
        .into_iter()
        .filter(|meaning| {
            let named = overrides.iter().any(|(of, header)| of == meaning && !places(cells, header).is_empty());
            !named && !cells.iter().any(|cell| role_of(cell) == Some(*meaning))
        })
        .collect()
}

/// The columns whose header is this one: exactly, or else without case, diacritics and punctuation.
pub(crate) fn places(cells: &[&str], header: &str) -> Vec<usize> {
    let at = |same: &dyn Fn(&str) -> bool| -> Vec<usize> {
        cells.iter().enumerate().filter(|(_, cell)| same(cell.trim())).map(|(column, _)| column).collect()
    };
    let exact = at(&|cell| !cell.is_empty() && cell == header.trim());
    let wanted = squeezed(header);
    if exact.is_empty() && !wanted.is_empty() { at(&|cell| squeezed(cell) == wanted) } else { exact }
}

/// Gives every column of the header row its meaning.
pub(crate) fn resolve(row: u64, cells: &[&str], overrides: &[(ColumnRole, String)]) -> Result<Columns, Problem> {
    let refuse = |message: String| Problem::of_row(row, ProblemKind::Columns, message);
    let width = cells.iter().rposition(|cell| !cell.trim().is_empty()).map_or(0, |last| last + 1);
    let cells = &cells[..width];
    let mut of_meaning = [None; ColumnRole::ALL.len()];
    for (meaning, header) in overrides {
        let column = overridden(cells, *meaning, header).map_err(refuse)?;
        if of_meaning[*meaning as usize].is_some() || of_meaning.contains(&Some(column)) {
            let word = meaning.word();
            return Err(refuse(format!(
                "needs one meaning for one column, has `--column {word}={header}` on top of another"
            )));
        }
        of_meaning[*meaning as usize] = Some(column);
    }
    let named = of_meaning;
    for (column, cell) in cells.iter().enumerate() {
        let Some(meaning) = role_of(cell) else { continue };
        if named[meaning as usize].is_some() || named.contains(&Some(column)) {
            continue;
        }
        if let Some(other) = of_meaning[meaning as usize].replace(column) {
            return Err(refuse(two_columns(meaning, cells, other, column)));
        }
    }
    drop_lone_id(&mut of_meaning);
    whole_groups(&of_meaning, &named).map_err(refuse)?;
    let extra = (0..width).filter(|column| !of_meaning.contains(&Some(*column))).collect();
    Ok(Columns { of_meaning, extra, headers: cells.iter().map(|cell| cell.trim().to_owned()).collect() })
}

fn overridden(cells: &[&str], meaning: ColumnRole, header: &str) -> Result<usize, String> {
    let word = meaning.word();
    match *places(cells, header) {
        [column] => Ok(column),
        [] => {
            let headers: Vec<String> = cells.iter().map(|cell| format!("«{}»", cell.trim())).collect();
            Err(format!("needs the column «{header}» for {word}, has {}; correct `--column`", headers.join(", ")))
        }
        [first, second, ..] => Err(format!(
            "needs one column «{header}» for {word}, has two: {} and {}; rename one",
            describe(cells, first),
            describe(cells, second)
        )),
    }
}

/// The refusal of two columns for one meaning, with what is to be typed for the one or the other.
fn two_columns(meaning: ColumnRole, cells: &[&str], first: usize, second: usize) -> String {
    let (word, one, other) = (meaning.word(), cells[first].trim(), cells[second].trim());
    let choice = if squeezed(one) == squeezed(other) {
        String::new()
    } else {
        format!(", or choose with `--column {word}={}` or `--column {word}={}`", typed(one), typed(other))
    };
    format!(
        "needs one column for {word}, has two: {} and {}; rename one{choice}",
        describe(cells, first),
        describe(cells, second)
    )
}

pub(crate) fn describe(cells: &[&str], column: usize) -> String {
    format!("«{}» (column {})", cells[column].trim(), letters(column))
}

/// A column `ID` alone is a row number as often as an identifier, so it is kept and means nothing.
fn drop_lone_id(of_meaning: &mut [Option<usize>; ColumnRole::ALL.len()]) {
    if of_meaning[ColumnRole::IdType as usize].is_none() {
        of_meaning[ColumnRole::Id as usize] = None;
    }
}

/// Columns that only make sense together.
fn whole_groups(
    of_meaning: &[Option<usize>; ColumnRole::ALL.len()],
    named: &[Option<usize>; ColumnRole::ALL.len()],
) -> Result<(), String> {
    let has = |meaning: ColumnRole| of_meaning[meaning as usize].is_some();
    if has(ColumnRole::IdType) && !has(ColumnRole::Id) {
        return Err("needs a column id beside id_type, has none; add it, or rename id_type".to_owned());
    }
    if named[ColumnRole::Id as usize].is_some() && !has(ColumnRole::Id) {
        return Err("needs a column id_type beside id, has none; add it with MOBILE, CARD or USER_ID".to_owned());
    }
    let receipt =
        [ColumnRole::ReceiptName, ColumnRole::ReceiptAddress, ColumnRole::ReceiptEmail, ColumnRole::ReceiptTaxCode];
    let words = |wanted: bool| {
        let words: Vec<&str> = receipt.into_iter().filter(|m| has(*m) == wanted).map(ColumnRole::word).collect();
        words.join(", ")
    };
    let (there, gone) = (words(true), words(false));
    if there.is_empty() || gone.is_empty() {
        return Ok(());
    }
    Err(format!("needs all four columns of a receipt or none, has {there} without {gone}; add or rename them"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(cells: &[&str], overrides: &[(ColumnRole, &str)]) -> Result<Vec<(ColumnRole, String)>, String> {
        let overrides: Vec<_> = overrides.iter().map(|(meaning, header)| (*meaning, (*header).to_owned())).collect();
        resolve(1, cells, &overrides).map(|columns| columns.named()).map_err(|problem| problem.message)
    }

    #[test]
    fn columns_are_named_as_in_a_spreadsheet() {
        for (column, name) in [(0, "A"), (25, "Z"), (26, "AA"), (51, "AZ"), (52, "BA"), (701, "ZZ"), (702, "AAA")] {
            assert_eq!(letters(column), name);
        }
    }

    #[test]
    fn a_header_row_maps_or_says_why_not() {
        let mapped = of(&["STT", " SĐT", "Số điểm", "Ghi chú", "", ""], &[]).unwrap();
        assert_eq!(mapped, [(ColumnRole::Phone, "SĐT".to_owned()), (ColumnRole::Points, "Số điểm".to_owned())]);
        for (cells, overrides, part) in [
            (vec!["Phone", "Mobile", "Points"], vec![], "«Phone» (column A) and «Mobile» (column B)"),
            (vec!["Phone", "Thưởng"], vec![(ColumnRole::Points, "Thưởng T11")], "needs the column «Thưởng T11»"),
            (vec!["Phone", "Quà", "qua"], vec![(ColumnRole::Points, "QUA")], "has two: «Quà» (column B)"),
            (
                vec!["Phone", "A", "Points"],
                vec![(ColumnRole::Points, "A"), (ColumnRole::Phone, "A")],
                "on top of another",
            ),
            (vec!["Phone", "Points", "id_type"], vec![], "needs a column id beside"),
            (vec!["Phone", "Points", "ID"], vec![(ColumnRole::Id, "ID")], "needs a column id_type beside"),
            (vec!["Phone", "Points", "receipt_name"], vec![], "without receipt_address, receipt_email"),
        ] {
            let message = of(&cells, &overrides).unwrap_err();
            assert!(message.contains(part), "{message}");
        }
    }

    #[test]
    fn an_override_sets_its_meanings_other_columns_aside() {
        let mapped = of(&["Phone", "Points", "Thưởng T11"], &[(ColumnRole::Points, "Thưởng T11")]).unwrap();
        assert_eq!(mapped[1], (ColumnRole::Points, "Thưởng T11".to_owned()));
        assert_eq!(of(&["Phone", "Points", "ID"], &[]).unwrap().len(), 2, "a lone ID is a kept column");
    }
}
