//! Decides the next step of one payout in one run.
//!
//! Its standing is durable; what it learnt in this run beside that is not: how often it asked, and when. Time is a
//! value here, and chance too.

use super::backoff::Backoff;
use super::event::{Event, Fate, MemberAnswer, OrderAnswer, Refusal};
use super::payout_status::{IllegalTransition, PayoutStatus, State};
use std::time::Duration;

/// Monotonic time since the run began.
pub type RunTime = Duration;

/// Queries in one run of a payout that was stuck before, where none is answered.
const IN_VAIN_MAX: u32 = 2;

/// How patient a run is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Policy {
    /// How long the gateway may take with a send that has reached it, until order status tells the truth about it
    /// (`resolve.settle_s`).
    pub settle: Duration,
    /// How long after its end a send may still reach the gateway (`gateway.deliver_within_s`); zero where nothing bounds
    /// that: then `settle` has to cover it as well.
    pub late: Duration,
    /// Order-status queries of one payout in one run (`resolve.queries_max`).
    pub queries_max: u32,
    /// Sends of one number that follow a send of unknown fate (`resolve.resends_max`).
    pub resends_max: u32,
    /// Whether an absent order may be sent again at all (`resolve.resubmit`).
    pub resubmit: bool,
    /// Member-info calls of one payout in one run.
    pub member_checks_max: u32,
    /// Sends of one payout in one run that are known to have done nothing.
    pub idle_sends_max: u32,
    /// Waits between tries of one call.
    pub backoff: Backoff,
}

/// Why no run can settle a payout in doubt, as far as anybody knows: what is left is a person's, or the provider's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stuck {
    /// The gateway said once that it knows the number (4000307), and order status does not.
    NumberTaken,
    /// Order status does not know the number, and it was sent again as often as it may be.
    ResendsUsedUp,
    /// Order status does not know the number, and nothing is sent again (`resolve.resubmit`).
    ResendsOff,
    /// Order status has another order under the number.
    OtherOrder,
}

impl Policy {
    /// How long after a send's end an absent order proves that the send did nothing: it cannot reach the gateway any more,
    /// and if it reached it at the last moment, the gateway has had its time with it.
    #[must_use]
    pub fn proof_after(&self) -> Duration {
        self.late + self.settle
    }

    /// Why no run can settle this payout any more; `None`: it is not in doubt, or a run may well.
    #[must_use]
    pub fn stuck(&self, standing: &PayoutStatus) -> Option<Stuck> {
        if standing.state != State::InDoubt {
            return None;
        }
        if standing.answer == Some(OrderAnswer::OtherOrder) {
            return Some(Stuck::OtherOrder);
        }
        if !standing.absent || standing.failed {
            return None;
        }
        match standing.taken {
            0 if !self.resubmit => Some(Stuck::ResendsOff),
            0 if standing.resends >= self.resends_max => Some(Stuck::ResendsUsedUp),
            0 => None,
            1.. => Some(Stuck::NumberTaken),
        }
    }
}

/// What the run as a whole allows at the moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Permissions {
    /// Top-ups may be sent.
    pub submits: bool,
    /// The gateway's book may know more than this ledger: ask before every first send.
    pub query_first: bool,
}

/// What to do next with a payout.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// Ask member info.
    CheckMember,
    /// Ask what became of the number.
    QueryStatus,
    /// Make the intent durable and send the top-up.
    Submit,
    /// Nothing before this time.
    Wait(RunTime),
    /// Set aside: once more when everything else is done.
    SetAside,
    /// Nothing more in this run.
    Rest,
}

/// One payout's way through one run.
#[derive(Clone, Debug)]
pub struct PayoutProcess {
    standing: PayoutStatus,
    /// Still to be pre-checked.
    unchecked: bool,
    member_checks: u32,
    queries: u32,
    idle_sends: u32,
    /// No send and no member check before this time.
    not_before: RunTime,
    /// No order-status query before this time.
    query_not_before: RunTime,
    /// When the last send ended; after a restart, when the run began.
    ended_at: RunTime,
    /// An absence, asked for after the settle time.
    absent_settled: bool,
    /// An absence, asked for in this run since the last send.
    absent_now: bool,
    /// It was stuck when the run began, and every answer that may come can be there: one that says nothing new is enough.
    in_vain: bool,
    /// Order status gave an answer in this run, whichever.
    answered: bool,
    set_aside: bool,
    confirmation: Confirmation,
}

/// Whether a credit is to be confirmed by order status, as the first ones of a batch are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Confirmation {
    /// It is not.
    NotWanted,
    /// It is, and was not yet.
    Wanted,
    /// Order status confirmed the credit.
    Given,
    /// Order status says that the order failed.
    Contradicted,
}

impl PayoutProcess {
    /// Begins where the history left the payout; `checkable`: its member has a phone, so that there is a pre-check.
    #[must_use]
    pub fn new(standing: PayoutStatus, checkable: bool) -> Self {
        Self {
            unchecked: checkable,
            member_checks: 0,
            queries: 0,
            idle_sends: 0,
            not_before: RunTime::ZERO,
            query_not_before: RunTime::ZERO,
            ended_at: RunTime::ZERO,
            absent_settled: false,
            absent_now: false,
            in_vain: false,
            answered: false,
            set_aside: false,
            confirmation: Confirmation::NotWanted,
            standing,
        }
    }

    /// How the payout stands.
    #[must_use]
    pub fn standing(&self) -> &PayoutStatus {
        &self.standing
    }

    /// Whether the pre-check came to an answer: one that lets the payout go on, or one that ended it.
    #[must_use]
    pub fn is_checked(&self) -> bool {
        self.standing.state != State::Planned || (!self.unchecked && self.standing.objection.is_none())
    }

    /// Whether order status gave a definite answer, if the payout was in doubt: it is not any more, or its order is
    /// absent after the settle time.
    #[must_use]
    pub fn is_resolved(&self) -> bool {
        self.standing.state != State::InDoubt || (self.absent_settled && self.standing.taken == 0)
    }

    /// Whether the number of a payout in doubt may go out again in this run.
    #[must_use]
    pub fn may_resend(&self, policy: &Policy) -> bool {
        policy.resubmit
            && self.absent_settled
            && self.standing.may_resend()
            && self.standing.resends < policy.resends_max
            && self.idle_sends < policy.idle_sends_max
    }

    /// Asks once instead of again and again: an earlier run found that it is stuck, longer than the settle time ago.
    pub fn expect_nothing_new(&mut self) {
        self.in_vain = true;
    }

    /// Wants a credit confirmed by order status.
    pub fn want_confirmation(&mut self) {
        self.confirmation = Confirmation::Wanted;
    }

    /// Whether its credit was confirmed.
    #[must_use]
    pub fn confirmation(&self) -> Confirmation {
        self.confirmation
    }

    /// The next step at `now`.
    #[must_use]
    pub fn step(&self, policy: &Policy, allowance: Permissions, now: RunTime) -> Step {
        let step = match self.standing.state {
            State::Planned => self.step_planned(policy, allowance),
            State::InDoubt => self.step_in_doubt(policy, allowance),
            State::Credited if self.confirmation == Confirmation::Wanted && self.queries < policy.queries_max => {
                Step::QueryStatus
            }
            State::Credited | State::Declined | State::Ineligible | State::Held | State::Cancelled => Step::Rest,
        };
        match step {
            Step::CheckMember | Step::Submit if self.not_before > now => Step::Wait(self.not_before),
            Step::QueryStatus if self.query_not_before > now => Step::Wait(self.query_not_before),
            Step::CheckMember | Step::QueryStatus | Step::Submit | Step::Wait(_) | Step::SetAside | Step::Rest => step,
        }
    }

    fn step_planned(&self, policy: &Policy, allowance: Permissions) -> Step {
        // Also while nothing may leave: it is not one of those that only wait to be let out.
        if self.set_aside {
            return Step::SetAside;
        }
        if !allowance.submits {
            return Step::Rest;
        }
        if self.unchecked {
            return if self.member_checks < policy.member_checks_max { Step::CheckMember } else { Step::Rest };
        }
        // Before "no" is recorded, and before a first send to a gateway that knows more than the ledger, order
        // status has to say absent.
        let ask_first = self.standing.objection.is_some() || (allowance.query_first && !self.absent_now);
        if ask_first {
            return if self.queries < policy.queries_max { Step::QueryStatus } else { Step::Rest };
        }
        if self.idle_sends < policy.idle_sends_max { Step::Submit } else { Step::Rest }
    }

    fn step_in_doubt(&self, policy: &Policy, allowance: Permissions) -> Step {
        let resend = allowance.submits && self.may_resend(policy);
        // Without a resend, a settled absence is all that can be learnt now, unless the gateway knows the number.
        let learnt = (self.absent_settled && self.standing.taken == 0) || (self.in_vain && self.answered);
        let queries_max = if self.in_vain { policy.queries_max.min(IN_VAIN_MAX) } else { policy.queries_max };
        if resend {
            Step::Submit
        } else if self.queries < queries_max && !learnt {
            Step::QueryStatus
        } else {
            Step::Rest
        }
    }

    /// Takes in what happened. `asked_at` is when the call left, `now` when its answer was there, `jitter` 0 to 1.
    ///
    /// # Errors
    /// When the event cannot follow the payout's history.
    pub fn take(
        mut self,
        event: &Event,
        policy: &Policy,
        asked_at: RunTime,
        now: RunTime,
        jitter: f64,
    ) -> Result<Self, IllegalTransition> {
        self.standing = self.standing.after(event)?;
        match event {
            Event::MemberAnswered(answer) => self.take_member(*answer, policy, now, jitter),
            Event::OrderAnswered(answer) => self.take_order(*answer, policy, asked_at, now, jitter),
            Event::SubmitIntended => {
                (self.absent_settled, self.absent_now, self.in_vain, self.answered) = (false, false, false, false);
            }
            Event::SendEnded(fate) => self.take_fate(*fate, policy, now, jitter),
            Event::Retried
            | Event::Released { .. }
            | Event::Cancelled
            | Event::AttestedCredited
            | Event::AttestedNotCredited => {}
        }
        Ok(self)
    }

    fn take_member(&mut self, answer: MemberAnswer, policy: &Policy, now: RunTime, jitter: f64) {
        self.member_checks += 1;
        match answer {
            MemberAnswer::Eligible | MemberAnswer::Refused | MemberAnswer::NameDiffers | MemberAnswer::NameMissing => {
                self.unchecked = false
            }
            MemberAnswer::Unclear => self.member_checks = policy.member_checks_max,
            MemberAnswer::AskAgain => self.not_before = now + policy.backoff.wait(self.member_checks, jitter),
        }
    }

    fn take_order(&mut self, answer: OrderAnswer, policy: &Policy, asked_at: RunTime, now: RunTime, jitter: f64) {
        self.queries += 1;
        self.answered |= answer != OrderAnswer::AskAgain;
        let absent = answer == OrderAnswer::Absent;
        if self.confirmation == Confirmation::Wanted && self.standing.state == State::Credited {
            match answer {
                OrderAnswer::Success => self.confirmation = Confirmation::Given,
                OrderAnswer::Failed => self.confirmation = Confirmation::Contradicted,
                OrderAnswer::Absent
                | OrderAnswer::Undecided
                | OrderAnswer::OtherOrder
                | OrderAnswer::Unclear
                | OrderAnswer::AskAgain => {}
            }
        }
        let settled_at = self.ended_at + policy.proof_after();
        self.absent_now = absent;
        self.absent_settled = absent && asked_at >= settled_at;
        let backed_off = now + policy.backoff.wait(self.queries, jitter);
        // An absence before the settle time proves nothing, so that time is the next that can.
        let waits_to_settle = absent && self.standing.may_resend() && backed_off < settled_at;
        self.query_not_before = if waits_to_settle { settled_at } else { backed_off };
    }

    fn take_fate(&mut self, fate: Fate, policy: &Policy, now: RunTime, jitter: f64) {
        self.ended_at = now;
        match fate {
            Fate::Credited | Fate::Refused(Refusal::Member | Refusal::Payout) => {}
            Fate::Unknown(_) => self.query_not_before = now + policy.backoff.wait(1, jitter),
            Fate::Refused(Refusal::SetAside) => {
                self.idle_sends += 1;
                self.set_aside = true;
            }
            Fate::Unsent | Fate::Refused(Refusal::SlowDown) => {
                self.idle_sends += 1;
                self.not_before = now + policy.backoff.wait(self.idle_sends, jitter);
            }
        }
    }
}
