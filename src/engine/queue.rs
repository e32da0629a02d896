//! The payouts that are in hand, and where each of them waits for its next step.
//!
//! Invariant: a payout's place, in a line or at a timer, is only where it is looked for next. Whoever takes it from there
//! asks for its step anew, so that a place that is out of date costs a look and nothing else; and a payout that is busy is
//! taken from nowhere until its call or write has ended.

use super::event::CallKind;
use crate::domain::payout_process::{PayoutProcess, RunTime};
use crate::domain::payout_status::State;
use crate::ledger::{Entry, Payout, PayoutId};
use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap, VecDeque};

/// New payouts that wait for their first call: enough to keep the pace, few enough to need no memory.
const FRESH_MAX: usize = 512;
/// Payouts in hand at once, those that wait to settle included.
const ACTIVE_MAX: usize = 100_000;

/// One payout that is in hand.
#[derive(Debug)]
pub(super) struct Active {
    pub(super) payout: Payout,
    pub(super) course: PayoutProcess,
    /// Events that go into the ledger with the next write.
    pub(super) pending: Vec<Entry>,
    /// A call or a write of it is under way.
    pub(super) busy: bool,
    /// The state that was told last.
    pub(super) told: State,
}

/// The payouts in hand.
#[derive(Debug, Default)]
pub(super) struct Queue {
    active: HashMap<PayoutId, Active>,
    /// Payouts that only wait for a slot: top-ups, order status, member info, served in this order.
    ready: [VecDeque<PayoutId>; CallKind::ALL.len()],
    timers: BinaryHeap<Reverse<(RunTime, PayoutId)>>,
}

fn line_of(kind: CallKind) -> usize {
    match kind {
        CallKind::TopUp => 0,
        CallKind::OrderStatus => 1,
        CallKind::MemberInfo => 2,
    }
}

impl Queue {
    /// Whether another payout may be taken up.
    pub(super) fn has_room(&self) -> bool {
        self.active.len() < ACTIVE_MAX && self.ready.iter().map(VecDeque::len).sum::<usize>() < FRESH_MAX
    }

    /// Whether nothing is in hand.
    pub(super) fn is_empty(&self) -> bool {
        self.active.is_empty()
    }

    /// Every payout in hand, in no order.
    pub(super) fn all(&self) -> impl Iterator<Item = &Active> {
        self.active.values()
    }

    pub(super) fn get(&self, id: PayoutId) -> Option<&Active> {
        self.active.get(&id)
    }

    pub(super) fn get_mut(&mut self, id: PayoutId) -> Option<&mut Active> {
        self.active.get_mut(&id)
    }

    /// Takes a payout in hand; it waits nowhere yet.
    pub(super) fn insert(&mut self, active: Active) {
        self.active.insert(active.payout.id, active);
    }

    /// Lets a payout go.
    pub(super) fn remove(&mut self, id: PayoutId) -> Option<Active> {
        self.active.remove(&id)
    }

    /// Puts a payout behind those that wait for a slot for the same call.
    pub(super) fn line_up(&mut self, id: PayoutId, kind: CallKind) {
        self.ready[line_of(kind)].push_back(id);
    }

    /// Puts a payout back in front, since there was no slot for it.
    pub(super) fn put_back(&mut self, id: PayoutId, kind: CallKind) {
        self.ready[line_of(kind)].push_front(id);
    }

    /// Lets a payout wait for a moment.
    pub(super) fn wait_until(&mut self, id: PayoutId, until: RunTime) {
        self.timers.push(Reverse((until, id)));
    }

    /// Takes the next that waits for a slot.
    pub(super) fn next_in_line(&mut self) -> Option<PayoutId> {
        self.ready.iter_mut().find_map(VecDeque::pop_front)
    }

    /// Whether somebody waits for a slot.
    pub(super) fn is_anybody_in_line(&self) -> bool {
        self.ready.iter().any(|line| !line.is_empty())
    }

    /// Whether nobody waits, neither for a slot nor for a moment.
    pub(super) fn is_nobody_waiting(&self) -> bool {
        self.timers.is_empty() && !self.is_anybody_in_line()
    }

    /// When the next timer fires.
    pub(super) fn next_timer(&self) -> Option<RunTime> {
        self.timers.peek().map(|Reverse((at, _))| *at)
    }

    /// Takes the next payout whose moment has come.
    pub(super) fn due(&mut self, now: RunTime) -> Option<PayoutId> {
        self.next_timer().filter(|at| *at <= now)?;
        self.timers.pop().map(|Reverse((_, id))| id)
    }

    /// Forgets every place, and gives the payouts that need a new one: those that are not busy.
    pub(super) fn forget_places(&mut self) -> Vec<PayoutId> {
        self.timers.clear();
        self.ready = Default::default();
        let mut idle: Vec<PayoutId> =
            self.active.iter().filter(|(_, active)| !active.busy).map(|(id, _)| *id).collect();
        // A map has no order of its own, and the same seed has to give the same run.
        idle.sort_unstable();
        idle
    }

    /// What was learnt of all payouts and not come to be written.
    pub(super) fn drain_pending(&mut self) -> Vec<Entry> {
        let mut entries: Vec<Entry> = self.active.values_mut().flat_map(|active| active.pending.drain(..)).collect();
        entries.sort_by_key(|entry| entry.payout);
        entries
    }
}
