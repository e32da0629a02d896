//! Keeps account of what a person who looks at the sheet does not see: hidden and filtered rows, hidden columns.

use super::columns::Columns;
use super::options::IntakeOptions;
use super::problem::{Problem, ProblemKind};
use super::record::Record;
use super::sheet::Sheet;
use super::total::Sum;
use super::words::rows_named;
use crate::domain::column_role::ColumnRole;

/// The hidden rows of a sheet that hold anything.
#[derive(Debug, Default)]
pub(crate) struct HiddenRows {
    pub(crate) rows: Vec<u64>,
    /// How many of them a filter hides.
    filtered: usize,
    /// Their points, which a total may count.
    pub(crate) sum: Sum,
}

impl HiddenRows {
    /// Takes note of a hidden row.
    pub(crate) fn note(&mut self, record: &Record) {
        self.rows.push(record.row);
        self.filtered += usize::from(record.filtered);
    }

    fn named(&self) -> String {
        let (rows, count) = (rows_named(&self.rows), self.rows.len());
        match self.filtered {
            0 if count <= 2 => rows,
            0 => format!("{rows} ({count} in all)"),
            filtered if filtered == count => format!("{rows} (filtered, {count} in all)"),
            filtered => format!("{rows} ({count} in all, {filtered} of them filtered)"),
        }
    }

    /// Words what became of the rows: a problem, unless the user said what they are.
    pub(crate) fn judged(&self, options: &IntakeOptions, problems: &mut Vec<Problem>, warnings: &mut Vec<String>) {
        let Some(first) = self.rows.first() else { return };
        let named = self.named();
        if options.include_hidden {
            warnings.push(format!("hidden in the spreadsheet, and paid (`--include-hidden`): {named}"));
        } else if options.visible_only {
            warnings.push(format!("hidden in the spreadsheet, left out and not paid (`--visible-only`): {named}"));
        } else {
            let message = format!(
                "needs rows that can be seen, has hidden ones: {named}; show or remove them, or say `--visible-only` to pay \
                 only what is seen, or `--include-hidden` to pay them too"
            );
            problems.push(Problem::of_row(*first, ProblemKind::Hidden, message));
        }
    }
}

/// What is wrong with hidden columns, and what a person should know of them.
pub(crate) fn columns(
    sheet: &Sheet,
    columns: &Columns,
    options: &IntakeOptions,
    problems: &mut Vec<Problem>,
    warnings: &mut Vec<String>,
) {
    let hidden = |column: &usize| u32::try_from(*column).is_ok_and(|column| sheet.hidden_columns.contains(&column));
    let shown = |column: usize| format!("«{}»", columns.headers[column]);
    let sent = ColumnRole::ALL.into_iter().filter_map(|meaning| columns.of(meaning)).filter(hidden);
    let sent: Vec<String> = sent.map(shown).collect();
    let kept = columns.extra.iter().copied().filter(|column| !columns.headers[*column].is_empty()).filter(hidden);
    let kept: Vec<String> = kept.map(shown).collect();
    if !kept.is_empty() {
        warnings.push(format!("hidden columns that are only kept: {}", kept.join(", ")));
    }
    if sent.is_empty() {
        return;
    }
    let sent = sent.join(", ");
    if options.include_hidden {
        warnings.push(format!("hidden columns that count (`--include-hidden`): {sent}"));
    } else {
        let message =
            format!("needs columns that can be seen, has hidden ones: {sent}; show them, or say `--include-hidden`");
        problems.push(Problem::of_file(ProblemKind::Hidden, message));
    }
}
