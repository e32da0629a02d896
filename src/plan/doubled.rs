//! Finds the rows that stand in a file more than once. `--skip-invalid` pays none of them: which one is meant would be
//! a guess, and it is known only after the first of them has passed.

use super::{Terms, keys_of};
use crate::domain::payout::{Row, RowKey};
use crate::intake::{Duplicates, Intake, IntakeError, Item};
use std::collections::HashSet;

/// The keys that more than one valid row of the file has.
#[derive(Debug, Default)]
pub(super) struct Doubled(HashSet<RowKey>);

impl Doubled {
    /// Reads the file once more, and twice where two rows may be the same.
    pub(super) fn find(intake: &Intake, terms: &Terms) -> Result<Self, IntakeError> {
        let mut prints = Duplicates::new();
        each_row(intake, terms, |row| prints.note(row))?;
        let mut doubled = Self::default();
        if let Some(mut suspects) = prints.suspects() {
            each_row(intake, terms, |row| {
                if suspects.note(row).is_some() {
                    doubled.0.extend(keys_of(row).next());
                }
            })?;
        }
        Ok(doubled)
    }

    /// Whether the row is one of them.
    pub(super) fn contains(&self, row: &Row) -> bool {
        !self.0.is_empty() && keys_of(row).next().is_some_and(|key| self.0.contains(&key))
    }
}

/// Shows every valid row that no second one may be the same as.
fn each_row(intake: &Intake, terms: &Terms, mut show: impl FnMut(&Row)) -> Result<(), IntakeError> {
    let mut intake = intake.again()?;
    while let Some(item) = intake.next()? {
        match item {
            Item::Row(row, _) if row.reference.is_some() || !terms.allow_repeat_phones => show(&row),
            Item::Row(..) | Item::Problems(_) => {}
        }
    }
    Ok(())
}
