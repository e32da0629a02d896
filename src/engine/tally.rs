//! What a run counts: points against its budget, requests, payouts that were not checked; and why it stops.
//!
//! Invariant: the points committed are those of payouts that are credited, in doubt or about to be, and no payout that was
//! planned is committed beyond the budget.

use super::event::{Requests, RunReport, Stop};
use crate::ledger::PayoutId;
use std::collections::HashSet;
use std::time::Duration;

/// The part of a plan that a run may send, and what it has sent of it.
#[derive(Debug)]
struct Slice {
    points: u64,
    sent: u64,
    payouts: HashSet<PayoutId>,
}

/// Why a top-up may not leave.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Over {
    /// So many points would be committed, beyond the budget of the batch.
    Budget(u64),
    /// So many points are sent of those that this run may send, and it would be more.
    Slice(u64, u64),
}

/// The counts of one run.
#[derive(Debug)]
pub(super) struct Tally {
    budget_points: u64,
    committed_points: u64,
    slice: Option<Slice>,
    /// Requests that left.
    pub(super) requests: Requests,
    /// Payouts that were let go of before their pre-check came to an answer.
    pub(super) unchecked: u64,
    /// The others that were let go of.
    pub(super) checked: u64,
    stop: Option<Stop>,
    /// Whether the user ended the run.
    pub(super) interrupted: bool,
}

impl Tally {
    /// Begins with the points that are credited or in doubt already.
    pub(super) fn new(budget_points: u64, committed_points: u64, stop_after: Option<u64>) -> Self {
        Self {
            budget_points,
            committed_points,
            slice: stop_after.map(|points| Slice { points, sent: 0, payouts: HashSet::new() }),
            requests: Requests::default(),
            unchecked: 0,
            checked: 0,
            stop: None,
            interrupted: false,
        }
    }

    /// Commits the points of a top-up that is about to leave for the first time.
    ///
    /// # Errors
    /// Which bound it is beyond; then nothing is committed.
    pub(super) fn commit(&mut self, payout: PayoutId, points: u32) -> Result<(), Over> {
        let committed = self.committed_points + u64::from(points);
        if committed > self.budget_points {
            return Err(Over::Budget(committed));
        }
        // What did not leave is committed again: of the slice it is one payout all the same.
        if let Some(slice) = self.slice.as_mut().filter(|slice| !slice.payouts.contains(&payout)) {
            if slice.sent + u64::from(points) > slice.points {
                return Err(Over::Slice(slice.sent, slice.points));
            }
            slice.sent += u64::from(points);
            slice.payouts.insert(payout);
        }
        self.committed_points = committed;
        Ok(())
    }

    /// Commits the points of a payout that turned out to be credited before this ledger sent it.
    pub(super) fn commit_recovered(&mut self, points: u32) {
        self.committed_points += u64::from(points);
    }

    /// Points that turned out not to be credited are free again.
    pub(super) fn give_back(&mut self, points: u32) {
        self.committed_points = self.committed_points.saturating_sub(u64::from(points));
    }

    /// Points that the batch may credit in all.
    pub(super) fn budget_points(&self) -> u64 {
        self.budget_points
    }

    /// Takes a reason to stop; whether it is the first, which is the one that is told.
    pub(super) fn stop(&mut self, stop: &Stop) -> bool {
        let is_first = self.stop.is_none();
        self.stop.get_or_insert_with(|| stop.clone());
        is_first
    }

    pub(super) fn into_report(self, elapsed: Duration) -> RunReport {
        RunReport {
            requests: self.requests,
            checked: self.checked,
            stop: self.stop,
            interrupted: self.interrupted,
            elapsed,
        }
    }
}
