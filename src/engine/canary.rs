//! Pays the first payouts of a plan alone, and lets the rest out when order status confirmed them. Rows that an amended
//! file adds are a plan of their own, and what a run credited that was cut off is confirmed by the next one.

use super::event::{Stop, StopCode};
use crate::domain::payout_process::{Confirmation, PayoutProcess};
use crate::domain::payout_status::State;
use crate::ledger::PayoutId;
use std::collections::HashSet;

/// The canary of one run.
#[derive(Debug)]
pub(super) struct Canary {
    /// Payouts to confirm; 0 when there is nothing (more) to wait for.
    wanted: u32,
    confirmed: u32,
    under_way: HashSet<PayoutId>,
    /// Where the rows begin that it is paid of.
    first: Option<PayoutId>,
}

impl Canary {
    pub(super) fn new(wanted: u32, first: Option<PayoutId>) -> Self {
        Self { wanted, confirmed: 0, under_way: HashSet::new(), first }
    }

    /// Where the rows begin that it is paid of; `None`: there is none.
    pub(super) fn first(&self) -> Option<PayoutId> {
        self.first.filter(|_| self.is_on())
    }

    /// The rest of the batch has to wait.
    pub(super) fn is_on(&self) -> bool {
        self.confirmed < self.wanted
    }

    /// How many more payouts may be taken up now.
    pub(super) fn room(&self) -> usize {
        if self.is_on() {
            (self.wanted as usize).saturating_sub(self.confirmed as usize + self.under_way.len())
        } else {
            usize::MAX
        }
    }

    /// A payout is taken up that is planned, or credited and not confirmed.
    pub(super) fn admit(&mut self, payout: PayoutId, course: &mut PayoutProcess) {
        if self.is_on() {
            self.under_way.insert(payout);
            course.want_confirmation();
        }
    }

    /// A payout is done with. Gives the reason to stop, where its credit was not confirmed.
    pub(super) fn on_done(&mut self, payout: PayoutId, row: u64, course: &PayoutProcess) -> Option<Stop> {
        if !self.under_way.remove(&payout) || course.standing().state != State::Credited {
            return None;
        }
        match course.confirmation() {
            Confirmation::Given => {
                self.confirmed += 1;
                None
            }
            Confirmation::NotWanted | Confirmation::Wanted | Confirmation::Contradicted => Some(Stop {
                code: StopCode::Canary,
                message: format!(
                    "row {row} was credited, and order status does not confirm it, so the rest of the batch was not \
                     paid\nhint: ask the provider about this order, then run the same command again; where the provider \
                     confirms it and order status still does not, with safety.canary_rows = 0"
                ),
            }),
        }
    }

    /// As many as were wanted are confirmed.
    pub(super) fn is_confirmed(&self) -> bool {
        self.wanted > 0 && self.confirmed >= self.wanted
    }

    /// Lets the rest out, or has nothing left to wait for.
    pub(super) fn switch_off(&mut self) {
        self.wanted = 0;
    }
}
