//! What a payout's history says about the sends of its number, counted apart from the program's own counting.

use std::time::Duration;
use topup::domain::event::{Doubt, Event, Fate, MemberAnswer, OrderAnswer, Refusal};
use topup::domain::payout_process::{Policy, RunTime};
use topup::domain::payout_status::State;

/// The sends of the number in use.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Sends {
    /// Those of which it is not known that they did nothing.
    pub(crate) unknown: u32,
    /// Those that followed one of unknown fate.
    pub(crate) resends: u32,
    /// The gateway answered one of them with "number taken".
    pub(crate) taken: bool,
    /// Order status answered `E`.
    pub(crate) failed: bool,
    /// Order status answered `S`, or a send was credited, or a person said so.
    pub(crate) credited: bool,
    /// A person's evidence stands in the history.
    pub(crate) attested: bool,
    /// When the last of them ended; in a new run, when the run began.
    ended_at: RunTime,
    /// Absent was answered in this run since the last send.
    pub(crate) absent_now: bool,
    /// Absent was answered in this run, asked for the settle time after the last send's end, and no send since.
    pub(crate) absent_settled: bool,
    /// The last word on the member is a no.
    pub(crate) objection: bool,
    /// The event before was an absence.
    last_absent: bool,
}

impl Sends {
    /// The same after a crash, or in the next run.
    pub(crate) fn restarted(self) -> Self {
        Self { ended_at: RunTime::ZERO, absent_now: false, absent_settled: false, ..self }
    }

    /// What a whole history says at the beginning of a run.
    pub(crate) fn of(history: &[Event]) -> Self {
        let counted = history
            .iter()
            .fold(Self::default(), |sends, event| sends.after(event, RunTime::ZERO, RunTime::ZERO, Duration::MAX));
        counted.restarted()
    }

    pub(crate) fn after(mut self, event: &Event, asked_at: RunTime, now: RunTime, settle: Duration) -> Self {
        self.last_absent = false;
        match event {
            Event::MemberAnswered(answer) => {
                self.objection =
                    matches!(answer, MemberAnswer::Refused | MemberAnswer::NameDiffers | MemberAnswer::NameMissing);
            }
            Event::OrderAnswered(OrderAnswer::Absent) => {
                (self.absent_now, self.last_absent) = (true, true);
                self.absent_settled |= asked_at >= self.ended_at.saturating_add(settle);
            }
            Event::OrderAnswered(OrderAnswer::Success) | Event::AttestedCredited => self.credited = true,
            Event::OrderAnswered(OrderAnswer::Failed) => self.failed = true,
            Event::OrderAnswered(
                OrderAnswer::Undecided | OrderAnswer::OtherOrder | OrderAnswer::Unclear | OrderAnswer::AskAgain,
            )
            | Event::Cancelled => {}
            Event::SubmitIntended => {
                self.resends += u32::from(self.unknown > 0);
                self.unknown += 1;
                (self.absent_now, self.absent_settled) = (false, false);
            }
            Event::SendEnded(fate) => self = self.ended(*fate, now),
            Event::Retried | Event::Released { .. } if self.failed => {
                self = Self { attested: self.attested, ..Self::default() };
            }
            Event::Retried | Event::Released { .. } => self.objection = false,
            Event::AttestedNotCredited => (self.unknown, self.attested) = (0, true),
        }
        self
    }

    fn ended(mut self, fate: Fate, now: RunTime) -> Self {
        self.ended_at = now;
        match fate {
            Fate::Unsent | Fate::Refused(Refusal::Member | Refusal::Payout | Refusal::SetAside | Refusal::SlowDown) => {
                self.unknown -= 1;
            }
            Fate::Credited => self.credited = true,
            Fate::Unknown(Doubt::Unanswered) => {}
            Fate::Unknown(Doubt::NumberTaken) => self.taken = true,
        }
        self
    }

    /// Why the number must not go out now, if so (V6, V8).
    pub(crate) fn forbid_submit(&self, policy: &Policy, query_first: bool) -> Option<&'static str> {
        let reasons = [
            (self.credited, "the payout is known to be credited"),
            (self.failed, "order status answered E for this number"),
            (self.taken, "the gateway answered 4000307 for this number"),
            (self.objection, "the pre-check said no"),
            (self.unknown > 0 && !policy.resubmit, "resubmit is off"),
            (self.unknown > 0 && self.resends >= policy.resends_max, "the resends are used up"),
            (self.unknown > 0 && !self.absent_settled, "a send of unknown fate is not settled"),
            (self.unknown == 0 && query_first && !self.absent_now, "the gateway was to be asked first"),
        ];
        reasons.into_iter().find_map(|(holds, why)| holds.then_some(why))
    }

    /// What is wrong with the payout being in a state, as far as the history alone can tell (V7, V8).
    pub(crate) fn objection_to(&self, before: State, now: State) -> Option<&'static str> {
        let nothing = self.unknown == 0;
        match now {
            State::Credited => (!self.credited).then_some("nothing in the history credits it"),
            _ if before == State::Credited => Some("credited has changed"),
            State::Planned => (!nothing).then_some("a send of it has an unknown fate"),
            State::Declined | State::Cancelled => {
                (!nothing && !self.failed).then_some("a send of it has an unknown fate, and no E")
            }
            State::InDoubt => nothing.then_some("no send of it has an unknown fate"),
            State::Ineligible | State::Held if !nothing => Some("a send of it has an unknown fate"),
            State::Ineligible | State::Held if before == now => None,
            State::Ineligible | State::Held => {
                (!(self.last_absent && self.objection)).then_some("no absence followed the pre-check's no")
            }
        }
    }
}
