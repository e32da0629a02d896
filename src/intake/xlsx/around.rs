//! What a worksheet of an XLSX says of itself around its cells: what is hidden, merged and filtered.

use super::super::problem::{IntakeError, ProblemKind};
use super::super::sheet::{COLUMNS_MAX, Hidden, Merge, ROWS_MAX};
use super::conditional::Conditional;
use super::package::{attribute, damaged, is_true};
use super::place::area;
use quick_xml::events::BytesStart;

/// A lower row than this, in points, nobody sees: a pixel is 0.75.
const SEEN_HEIGHT: f64 = 2.0;
/// A narrower column than this, in characters, nobody sees: a pixel is a seventh or a twelfth.
const SEEN_WIDTH: f64 = 0.25;

/// The most merged cells: one for each row that a sheet can have.
const MERGES_MAX: usize = 1 << 20;
/// The most lists with a filter in a sheet; rows of more are said to be hidden, without the reason.
const FILTERS_MAX: usize = 1000;

/// What a worksheet says of itself outside its cells.
#[derive(Debug, Default)]
pub(super) struct Around {
    pub(super) hidden: Hidden,
    pub(super) merges: Vec<Merge>,
    pub(super) conditional: Conditional,
    /// The rows, from 0 and without the header, of lists in which a filter is set.
    filters: Vec<(u32, u32)>,
    /// Whether rows that say nothing of their height have none.
    rows_without_height: bool,
}

impl Around {
    /// What holds for rows and columns that say nothing of their own. `zeroHeight` hides only rows without an element,
    /// which hold no cell.
    pub(super) fn defaults(&mut self, element: &BytesStart<'_>) -> Result<(), IntakeError> {
        if is_below(attribute(element, "defaultColWidth")?.as_deref(), SEEN_WIDTH) {
            self.hidden.columns.extend(0..COLUMNS_MAX);
        }
        self.rows_without_height = is_below(attribute(element, "defaultRowHeight")?.as_deref(), SEEN_HEIGHT);
        Ok(())
    }

    pub(super) fn merge(&mut self, element: &BytesStart<'_>) -> Result<(), IntakeError> {
        let Some((top, left, bottom, right)) = attribute(element, "ref")?.as_deref().and_then(area) else {
            return Ok(());
        };
        if self.merges.len() >= MERGES_MAX {
            let message = "needs at most 1,048,576 merged cells, has more; unmerge them, or save the sheet as CSV";
            return Err(IntakeError::file(ProblemKind::Limit, message));
        }
        self.merges.push(Merge { top, left, bottom, right });
        Ok(())
    }

    pub(super) fn columns(&mut self, element: &BytesStart<'_>) -> Result<(), IntakeError> {
        let width = attribute(element, "width")?;
        let is_hidden = is_below(width.as_deref(), SEEN_WIDTH) || is_true(attribute(element, "hidden")?.as_deref());
        let bound = |name| -> Result<u32, IntakeError> {
            Ok(attribute(element, name)?.and_then(|number| number.trim().parse().ok()).unwrap_or(1))
        };
        let columns = bound("min")?.saturating_sub(1)..bound("max")?.min(COLUMNS_MAX);
        if is_hidden {
            self.hidden.columns.extend(columns);
        } else if width.is_some() {
            self.hidden.columns.retain(|column| !columns.contains(column));
        }
        Ok(())
    }

    pub(super) fn row(&mut self, element: &BytesStart<'_>, row: u32) -> Result<(), IntakeError> {
        let (mut height, mut hidden) = (None, None);
        for attribute in element.attributes().with_checks(false) {
            let attribute = attribute.map_err(|_| damaged("an attribute that is no XML"))?;
            match attribute.key.into_inner() {
                "ht" => height = Some(is_below(Some(attribute.value.as_ref()), SEEN_HEIGHT)),
                "hidden" => hidden = Some(is_true(Some(attribute.value.as_ref()))),
                _ => {}
            }
        }
        let says_nothing = height.is_none() && hidden.is_none();
        let is_hidden = height == Some(true) || hidden == Some(true) || (says_nothing && self.rows_without_height);
        // Rows that no sheet has are kept nowhere; a cell in one is refused.
        if is_hidden && row < ROWS_MAX {
            self.hidden.rows.insert(row);
        }
        Ok(())
    }

    /// Notes that a filter is set in a list; each of its columns may have one.
    pub(super) fn filter(&mut self, rows: (u32, u32)) {
        if self.filters.last() != Some(&rows) && self.filters.len() < FILTERS_MAX {
            self.filters.push(rows);
        }
    }

    /// What is hidden; rows in lists in which a filter is set are hidden by it.
    pub(super) fn hidden(mut self) -> Hidden {
        let mut next = 0;
        self.filters.sort_unstable();
        for (top, bottom) in &self.filters {
            // Many columns of a list have a filter, and lists may be said twice: each row is looked at once.
            let rows = next.max(*top)..bottom.saturating_add(1);
            if !rows.is_empty() {
                next = rows.end;
                self.hidden.filtered.extend(self.hidden.rows.range(rows));
            }
        }
        self.hidden
    }
}

fn is_below(value: Option<&str>, limit: f64) -> bool {
    value.and_then(|value| value.trim().parse::<f64>().ok()).is_some_and(|value| value < limit)
}

/// The rows of a list without its header.
pub(super) fn rows_below_header(element: &BytesStart<'_>) -> Result<Option<(u32, u32)>, IntakeError> {
    let area = attribute(element, "ref")?.as_deref().and_then(area);
    Ok(area.map(|(top, _, bottom, _)| (top.saturating_add(1), bottom)))
}
