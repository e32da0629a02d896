//! Brings payouts from the ledger into a run, page by page, so that a batch of any size needs the same memory.

use crate::domain::payout_status::State;
use crate::ledger::{LedgerError, Payout, PayoutId, RunLedger};
use std::collections::VecDeque;

/// Payouts read at once.
const PAGE: usize = 256;
/// Payouts that get one more try at the end of a run; the rest is left to the next run.
const SET_ASIDE_MAX: usize = 10_000;

/// Where a run is in its batch: what is in doubt comes first, then what is planned, then what was set aside. Of what is
/// planned, the rows that were added last come first where a canary is to be paid of them.
#[derive(Debug)]
pub(super) struct Source {
    stage: Stage,
    after: Option<PayoutId>,
    page: VecDeque<Payout>,
    set_aside: VecDeque<PayoutId>,
    last_round: bool,
    with_in_doubt: bool,
    with_planned: bool,
    /// The first of the rows that come before the others.
    newest: Option<PayoutId>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    InDoubt,
    /// Planned, from the first of the newest rows on.
    Newest,
    /// Planned, up to the newest rows; all of them where none are apart.
    Planned,
    Done,
}

impl Source {
    pub(super) fn new(with_in_doubt: bool, with_planned: bool, newest: Option<PayoutId>) -> Self {
        Self {
            stage: Stage::InDoubt,
            after: None,
            page: VecDeque::new(),
            set_aside: VecDeque::new(),
            last_round: false,
            with_in_doubt,
            with_planned,
            newest,
        }
    }

    /// Whether what comes next was planned, and so is a new top-up; `None` at the end.
    pub(super) fn next_is_planned(&mut self, ledger: &RunLedger) -> Result<Option<bool>, LedgerError> {
        while self.page.is_empty() {
            let (wanted, state, then) = match self.stage {
                Stage::InDoubt => (self.with_in_doubt, State::InDoubt, Stage::Newest),
                Stage::Newest => (self.with_planned && self.newest.is_some(), State::Planned, Stage::Planned),
                Stage::Planned => (self.with_planned, State::Planned, Stage::Done),
                Stage::Done => return Ok(None),
            };
            if wanted {
                self.page = ledger.payouts_after(state, self.after, PAGE)?.into();
            }
            if self.stage == Stage::Planned
                && let Some(newest) = self.newest
            {
                self.page.retain(|payout| payout.id < newest);
            }
            self.after = self.page.back().map(|payout| payout.id);
            if self.page.is_empty() {
                self.stage = then;
                self.after = self.newest.filter(|_| then == Stage::Newest).map(PayoutId::just_before);
            }
        }
        Ok(Some(matches!(self.stage, Stage::Newest | Stage::Planned)))
    }

    pub(super) fn take(&mut self) -> Option<Payout> {
        self.page.pop_front()
    }

    /// Remembers a payout that is to be tried again last. It is planned in the ledger, whatever becomes of this.
    pub(super) fn set_aside(&mut self, payout: PayoutId) {
        if !self.last_round && self.set_aside.len() < SET_ASIDE_MAX {
            self.set_aside.push_back(payout);
        }
    }

    /// The payouts that were set aside, once.
    pub(super) fn take_set_aside(&mut self) -> Option<PayoutId> {
        self.set_aside.pop_front()
    }

    /// Whoever comes next, of the planned ones and then of those that were set aside.
    pub(super) fn take_next(&mut self, ledger: &RunLedger) -> Result<Option<Payout>, LedgerError> {
        if self.next_is_planned(ledger)?.is_some() {
            return Ok(self.take());
        }
        self.take_set_aside().map(|id| ledger.payout(id)).transpose()
    }

    /// What is set aside from here on waits for the next run.
    pub(super) fn begin_last_round(&mut self) {
        self.last_round = true;
    }

    /// No new payouts are wanted any more.
    pub(super) fn close(&mut self) {
        self.stage = Stage::Done;
        self.page.clear();
        self.set_aside.clear();
    }
}
