//! What every format writes from: the batch at one moment, and how its columns lie.

use super::layout::Layout;
use super::request::ExportRequest;
use crate::domain::payout_status::State;
use crate::ledger::{LedgerError, Outcome, Skipped, Snapshot, Total};

/// What every format writes from.
pub(super) struct Source<'s> {
    pub(super) snapshot: &'s Snapshot<'s>,
    pub(super) layout: Layout,
    pub(super) request: &'s ExportRequest<'s>,
}

impl Source<'_> {
    /// The states that were asked for, in words.
    pub(super) fn states(&self) -> String {
        let (only, lang) = (self.request.only, self.request.lang);
        if State::ALL.iter().all(|state| only.contains(state)) {
            return lang.pick("all", "tất cả").to_owned();
        }
        let mut words: Vec<&str> = only.iter().map(|state| lang.state(*state)).collect();
        words.extend(self.request.skipped.then(|| lang.skipped()));
        words.join(", ")
    }

    /// Shows the rows that were skipped, if they were asked for.
    pub(super) fn each_skipped<E: From<LedgerError>>(
        &self,
        show: impl FnMut(&Skipped) -> Result<(), E>,
    ) -> Result<(), E> {
        if self.request.skipped { self.snapshot.skipped(show) } else { Ok(()) }
    }

    /// Shows the payouts, and compares what was shown with the ledger's own totals.
    pub(super) fn each<E: From<LedgerError>>(
        &self,
        mut show: impl FnMut(&Outcome<'_>) -> Result<(), E>,
    ) -> Result<(), E> {
        let only = self.request.only;
        let mut shown = [Total::default(); State::ALL.len()];
        self.snapshot.outcomes(only, |outcome| {
            let total = &mut shown[outcome.state as usize];
            total.rows += 1;
            total.points += outcome.points;
            show(outcome)
        })?;
        let totals = self.snapshot.totals()?;
        for state in State::ALL {
            let (found, expected) = (shown[state as usize], totals.of(state));
            let is_wanted = only.contains(&state);
            let same = (found.rows, found.points) == (expected.rows, expected.points);
            // A state that was not asked for must not be in the file: a retry file rests on it.
            if (is_wanted && !same) || (!is_wanted && found != Total::default()) {
                let word = state.word();
                let message = format!("{} payouts are {word}, and the totals say {}", found.rows, expected.rows);
                return Err(LedgerError::Broken(message).into());
            }
        }
        Ok(())
    }
}
