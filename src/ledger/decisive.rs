//! Finds the event of a history that explains how its payout stands.

use super::outcome::Decided;
use super::words::explains;
use crate::domain::event::{Event, Fate, MemberAnswer, OrderAnswer, Refusal};
use crate::domain::payout_status::State;

/// Looks through a history, newest event first, for the one that explains a state.
pub(super) struct Search {
    state: State,
    /// Something further back may still be it.
    pub(super) open: bool,
    pub(super) found: Option<Decided>,
    /// The next intent further back has a recorded end.
    ended: bool,
}

impl Search {
    pub(super) fn new(state: State) -> Self {
        Self { state, open: true, found: None, ended: false }
    }

    /// Whether this is the event; closes the search where nothing further back can be.
    pub(super) fn is_found(&mut self, event: &Event) -> bool {
        let found = match self.state {
            State::Credited => false,
            State::Planned => self.kept_planned(event),
            State::InDoubt => self.left_in_doubt(event),
            State::Declined | State::Ineligible | State::Held | State::Cancelled => explains(self.state, event),
        };
        if found {
            self.open = false;
        }
        found
    }

    /// What a payout waits for that was tried; what lies before a person's word is settled by it.
    fn kept_planned(&mut self, event: &Event) -> bool {
        match event {
            Event::SendEnded(Fate::Unsent | Fate::Refused(Refusal::SetAside | Refusal::SlowDown))
            | Event::MemberAnswered(MemberAnswer::Unclear | MemberAnswer::AskAgain)
            | Event::OrderAnswered(
                OrderAnswer::Undecided | OrderAnswer::OtherOrder | OrderAnswer::Unclear | OrderAnswer::AskAgain,
            ) => true,
            Event::Retried | Event::Released { .. } | Event::AttestedNotCredited => {
                self.open = false;
                false
            }
            Event::MemberAnswered(
                MemberAnswer::Eligible | MemberAnswer::Refused | MemberAnswer::NameDiffers | MemberAnswer::NameMissing,
            )
            | Event::OrderAnswered(OrderAnswer::Success | OrderAnswer::Failed | OrderAnswer::Absent)
            | Event::SubmitIntended
            | Event::SendEnded(Fate::Credited | Fate::Unknown(_) | Fate::Refused(Refusal::Member | Refusal::Payout))
            | Event::Cancelled
            | Event::AttestedCredited => false,
        }
    }

    /// What order status said of it last where that decides nothing, or else the last send of unknown fate; none where an
    /// intent's end was never recorded, which is newer.
    fn left_in_doubt(&mut self, event: &Event) -> bool {
        match event {
            Event::SendEnded(Fate::Unknown(_)) | Event::OrderAnswered(OrderAnswer::Undecided) => true,
            Event::SendEnded(Fate::Unsent | Fate::Refused(_) | Fate::Credited) => {
                self.ended = true;
                false
            }
            Event::SubmitIntended => {
                self.open = self.ended;
                self.ended = false;
                false
            }
            Event::MemberAnswered(_)
            | Event::OrderAnswered(
                OrderAnswer::Success
                | OrderAnswer::Failed
                | OrderAnswer::Absent
                | OrderAnswer::OtherOrder
                | OrderAnswer::Unclear
                | OrderAnswer::AskAgain,
            )
            | Event::Retried
            | Event::Released { .. }
            | Event::Cancelled
            | Event::AttestedCredited
            | Event::AttestedNotCredited => false,
        }
    }
}
