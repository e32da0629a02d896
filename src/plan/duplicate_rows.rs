//! Finds the rows that stand in a file more than once. `--skip-invalid` pays none of them: which one is meant would be
//! a guess, and it is known only after the first of them has passed.

use super::terms::Terms;
use crate::domain::payout::Row;
use crate::intake::{Duplicates, Intake, IntakeError, Item, Problem, ProblemKind, Shared};
use std::collections::HashSet;

/// The references and members by which more than one valid row of the file is the same.
#[derive(Debug, Default)]
pub(super) struct DuplicateRows(HashSet<Shared>);

impl DuplicateRows {
    /// Reads the file once more, and twice where two rows may be the same.
    pub(super) fn find(intake: &Intake, terms: &Terms) -> Result<Self, IntakeError> {
        let mut prints = Duplicates::new(terms.allow_repeat_phones);
        each_row(intake, |row| prints.note(row))?;
        let mut doubled = Self::default();
        if let Some(mut suspects) = prints.suspects() {
            each_row(intake, |row| doubled.0.extend(suspects.shared(row).map(|(_, shared)| shared)))?;
        }
        Ok(doubled)
    }

    /// The problem of a row that is one of them.
    pub(super) fn problem(&self, row: &Row) -> Option<Problem> {
        let shared = Shared::of(row).find(|shared| self.0.contains(shared))?;
        let (column, message) = match shared {
            Shared::Reference(_) => ("reference", "needs a reference of its own, has that of another row of the file"),
            Shared::Look { .. } => {
                ("reference", "needs a reference of its own, has one that looks like that of another row")
            }
            Shared::Member(_) => ("phone", "needs a member of its own, has that of another row of the file"),
        };
        Some(Problem::of_row(row.row, ProblemKind::Duplicate, message).in_column(column))
    }
}

/// Shows every valid row that no second one may be the same as.
fn each_row(intake: &Intake, mut show: impl FnMut(&Row)) -> Result<(), IntakeError> {
    let mut intake = intake.again()?;
    while let Some(item) = intake.next()? {
        match item {
            Item::Row(row, _) => show(&row),
            Item::Problems(_) => {}
        }
    }
    Ok(())
}
