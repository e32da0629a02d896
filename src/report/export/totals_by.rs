//! Adds the payouts up by what stands in a column of the user's own (`--total-by «Phòng ban»`).

use super::error::ExportError;
use super::layout::{Layout, Own, has_phone_column, own_text};
use super::source::Source;
use crate::domain::name::normalize;
use crate::domain::payout_status::State;
use crate::ledger::{LedgerError, Total};
use std::collections::BTreeMap;

/// The most different values: a column of more is one of keys, and tells nothing.
const GROUPS_MAX: usize = 10_000;

/// Payouts and points of one value: of all, and of the credited.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Group {
    pub(super) all: Total,
    pub(super) credited: Total,
}

/// The totals by a column: its header, and each value with what it comes to, in the order of the values.
#[derive(Debug)]
pub(super) struct TotalsBy {
    pub(super) header: String,
    pub(super) groups: BTreeMap<String, Group>,
}

/// The column of a header: as it is written, or else without case and diacritics, where that is one.
fn column(layout: &Layout, asked: &str) -> Result<(String, Own), ExportError> {
    let of = |is: &dyn Fn(&str) -> bool| -> Vec<&(String, Own)> {
        layout.own.iter().filter(|(header, _)| is(header)).collect()
    };
    let exact = of(&|header| header == asked);
    let found = if exact.is_empty() { of(&|header| normalize(header) == normalize(asked)) } else { exact };
    match found.as_slice() {
        [only] => Ok((*only).clone()),
        _ => Err(ExportError::Column {
            asked: asked.to_owned(),
            has: if found.is_empty() { "none" } else { "several" },
            columns: layout.own.iter().map(|(header, _)| format!("«{header}»")).collect::<Vec<_>>().join(", "),
        }),
    }
}

/// Adds them up, if that is asked for.
pub(super) fn totals_by(source: &Source<'_>) -> Result<Option<TotalsBy>, ExportError> {
    let Some(asked) = source.request.total_by else { return Ok(None) };
    let (header, own) = column(&source.layout, asked)?;
    let has_phone_column = has_phone_column(&source.layout);
    let (mut groups, mut is_full) = (BTreeMap::<String, Group>::new(), false);
    source.each::<LedgerError>(|outcome| {
        let text = own_text(&header, own, outcome, has_phone_column);
        let value = text.trim();
        if !groups.contains_key(value) {
            is_full |= groups.len() >= GROUPS_MAX;
            if is_full {
                return Ok(());
            }
            groups.insert(value.to_owned(), Group::default());
        }
        let Some(group) = groups.get_mut(value) else { return Ok(()) };
        let credited = (outcome.state == State::Credited).then_some(&mut group.credited);
        for total in [Some(&mut group.all), credited].into_iter().flatten() {
            total.rows += 1;
            total.points += outcome.points;
        }
        Ok(())
    })?;
    if is_full {
        return Err(ExportError::Groups { header, max: GROUPS_MAX });
    }
    Ok(Some(TotalsBy { header, groups }))
}
