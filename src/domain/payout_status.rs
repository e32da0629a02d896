//! Tells how a payout stands: the state and the few facts beside it that its history implies.
//!
//! This is the whole money logic. A payout is in doubt from its intent on, and only a definite answer moves it out.

use super::event::{Doubt, Event, Fate, MemberAnswer, OrderAnswer};
use std::fmt;
use std::time::Duration;

/// For so long the gateway may still apply signed bytes (VinID top-up API, header `X-Timestamp`): until then nobody can
/// know that a send was not credited.
pub const SIGNED_BYTES_VALID: Duration = Duration::from_secs(2 * 60 * 60);

/// Where a payout stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum State {
    /// Nothing of it can have been credited, and it is to be paid.
    Planned,
    /// A send of it may have been credited.
    InDoubt,
    /// The member has the points.
    Credited,
    /// The gateway refused it, or its order failed.
    Declined,
    /// The member cannot be paid, and nothing was credited.
    Ineligible,
    /// The member's name is another one, or none is given: a person decides.
    Held,
    /// A person closed it.
    Cancelled,
}

impl State {
    /// Every state, in the order in which reports list them.
    pub const ALL: [Self; 7] =
        [Self::Planned, Self::InDoubt, Self::Credited, Self::Declined, Self::Ineligible, Self::Held, Self::Cancelled];

    /// The word for it in the ledger, in JSON and on the screen.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Planned => "planned",
            Self::InDoubt => "in_doubt",
            Self::Credited => "credited",
            Self::Declined => "declined",
            Self::Ineligible => "ineligible",
            Self::Held => "held",
            Self::Cancelled => "cancelled",
        }
    }

    /// The state that a word names.
    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.word() == word)
    }
}

/// Why the pre-check says no. Only an absent order turns it into a state.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PreCheckVerdict {
    /// The member cannot be paid.
    Refused,
    /// The member's name is another one.
    NameDiffers,
    /// The gateway gives no name to compare.
    NameMissing,
}

/// What the history of a payout implies. Numbers count for the current attempt, whose number is the one in use.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PayoutStatus {
    /// Where the payout stands.
    pub state: State,
    /// The attempt, from 1: each has a number of its own.
    pub attempt: u32,
    /// Recorded sends of the number.
    pub sends: u32,
    /// Sends of which it is not known that they did nothing; an intent whose end was never recorded is one.
    pub doubtful: u32,
    /// Those of them that the gateway answered with "number taken" (4000307): they themselves did nothing.
    pub taken: u32,
    /// Sends of the number that followed a send of unknown fate.
    pub resends: u32,
    /// The last intent's send has no recorded end.
    pub open: bool,
    /// Order status said absent since the last send ended.
    pub absent: bool,
    /// Order status said `E`: the number is used up.
    pub failed: bool,
    /// What order status said of the number, if nothing happened since: a decision rests on nothing older.
    pub answer: Option<OrderAnswer>,
    /// What the pre-check said last.
    pub objection: Option<PreCheckVerdict>,
    /// The name that a person accepted; empty: that the gateway gives none.
    pub accepted_name: Option<String>,
}

/// An event that cannot follow a payout's history: a broken invariant, never passed over.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IllegalTransition {
    /// How the payout stood.
    pub standing: Box<PayoutStatus>,
    /// What cannot have followed.
    pub event: Event,
}

impl fmt::Display for IllegalTransition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?} cannot follow {:?}", self.event, self.standing)
    }
}

impl std::error::Error for IllegalTransition {}

impl Default for PayoutStatus {
    fn default() -> Self {
        Self::planned(1)
    }
}

impl PayoutStatus {
    /// How a payout stands before anything happened at this attempt.
    #[must_use]
    pub fn planned(attempt: u32) -> Self {
        Self {
            state: State::Planned,
            attempt,
            sends: 0,
            doubtful: 0,
            taken: 0,
            resends: 0,
            open: false,
            absent: false,
            failed: false,
            answer: None,
            objection: None,
            accepted_name: None,
        }
    }

    /// How a payout stands after its whole history.
    ///
    /// # Errors
    /// The first event that cannot follow the ones before it.
    pub fn from_history<'a>(events: impl IntoIterator<Item = &'a Event>) -> Result<Self, IllegalTransition> {
        events.into_iter().try_fold(Self::default(), |standing, event| standing.after(event))
    }

    /// Credited by an order that no send of this ledger explains: another ledger's, or a forgotten one's.
    /// The gateway does not confirm its amount.
    #[must_use]
    pub fn recovered(&self) -> bool {
        self.state == State::Credited && self.doubtful == self.taken
    }

    /// How the payout stands after one more event.
    ///
    /// # Errors
    /// When the event cannot have happened to a payout that stands like this.
    pub fn after(mut self, event: &Event) -> Result<Self, IllegalTransition> {
        let before = self.clone();
        self.answer = None;
        let allowed = match event {
            Event::MemberAnswered(answer) => self.member_answered(*answer),
            Event::OrderAnswered(answer) => self.order_answered(*answer),
            Event::SubmitIntended => self.submit_intended(),
            Event::SendEnded(fate) => self.send_ended(*fate),
            Event::Retried => self.retried(before.answer),
            Event::Released { name } => self.released(name.clone(), before.answer),
            Event::Cancelled => self.cancelled(before.answer),
            Event::AttestedCredited => self.attested(State::Credited, before.answer),
            Event::AttestedNotCredited => self.attested(State::Declined, before.answer),
        };
        if allowed { Ok(self) } else { Err(IllegalTransition { standing: Box::new(before), event: event.clone() }) }
    }

    /// Whether order status has to be asked before this can happen, in the same step: of a decision about a number that
    /// was ever sent, or may be sent next.
    #[must_use]
    pub fn asks_first(&self, event: &Event) -> bool {
        match event {
            Event::Retried | Event::Released { .. } | Event::AttestedCredited | Event::AttestedNotCredited => true,
            Event::Cancelled => self.sends > 0,
            Event::MemberAnswered(_) | Event::OrderAnswered(_) | Event::SubmitIntended | Event::SendEnded(_) => false,
        }
    }

    fn member_answered(&mut self, answer: MemberAnswer) -> bool {
        self.objection = match answer {
            MemberAnswer::Refused => Some(PreCheckVerdict::Refused),
            MemberAnswer::NameDiffers => Some(PreCheckVerdict::NameDiffers),
            MemberAnswer::NameMissing => Some(PreCheckVerdict::NameMissing),
            MemberAnswer::Eligible | MemberAnswer::Unclear | MemberAnswer::AskAgain => None,
        };
        self.state == State::Planned
    }

    fn order_answered(&mut self, answer: OrderAnswer) -> bool {
        self.answer = Some(answer);
        match answer {
            OrderAnswer::Success => self.order_succeeded(),
            OrderAnswer::Failed => self.order_failed(),
            OrderAnswer::Absent => self.order_absent(),
            OrderAnswer::Undecided | OrderAnswer::OtherOrder | OrderAnswer::Unclear | OrderAnswer::AskAgain => {}
        }
        true
    }

    /// Whatever a person or an absence made of it before: another ledger can have paid what this one closed, and the
    /// member has the points.
    fn order_succeeded(&mut self) {
        self.state = State::Credited;
    }

    fn order_failed(&mut self) {
        self.failed = true;
        self.absent = false;
        match self.state {
            State::Planned | State::InDoubt | State::Declined => self.state = State::Declined,
            State::Credited | State::Ineligible | State::Held | State::Cancelled => {}
        }
    }

    fn order_absent(&mut self) {
        self.absent = match self.state {
            State::Planned | State::InDoubt | State::Credited | State::Declined => true,
            // They rest on an absence already. An order that turned up since is not undone by another absence.
            State::Ineligible | State::Held | State::Cancelled => self.absent,
        };
        match (self.state, self.objection) {
            (State::Planned, Some(PreCheckVerdict::Refused)) => self.state = State::Ineligible,
            (State::Planned, Some(PreCheckVerdict::NameDiffers | PreCheckVerdict::NameMissing)) => {
                self.state = State::Held
            }
            (State::Planned, None)
            | (
                State::InDoubt | State::Credited | State::Declined | State::Ineligible | State::Held | State::Cancelled,
                _,
            ) => {}
        }
    }

    /// Between two sends of one number stands an absence, or every earlier send is known to have done nothing.
    fn submit_intended(&mut self) -> bool {
        let allowed = match self.state {
            State::Planned => self.doubtful == 0 && self.taken == 0 && !self.failed && self.objection.is_none(),
            State::InDoubt => self.may_resend(),
            State::Credited | State::Declined | State::Ineligible | State::Held | State::Cancelled => false,
        };
        self.resends += u32::from(self.doubtful > 0);
        self.state = State::InDoubt;
        self.sends += 1;
        self.doubtful += 1;
        self.open = true;
        self.absent = false;
        allowed
    }

    /// Whether the number of a payout in doubt may go out again, its time and count aside.
    #[must_use]
    pub fn may_resend(&self) -> bool {
        self.absent && self.taken == 0 && !self.failed
    }

    fn send_ended(&mut self, fate: Fate) -> bool {
        let allowed = self.open && self.state == State::InDoubt;
        self.open = false;
        match fate {
            Fate::Credited => self.state = State::Credited,
            Fate::Unknown(Doubt::Unanswered) => {}
            Fate::Unknown(Doubt::NumberTaken) => self.taken += 1,
            Fate::Unsent => self.send_did_nothing(State::Planned),
            Fate::Refused(refusal) if refusal.declines() => self.send_did_nothing(State::Declined),
            Fate::Refused(_) => self.send_did_nothing(State::Planned),
        }
        allowed
    }

    /// A refusal of a second send says nothing about the first: with any other send of unknown fate the payout
    /// stays in doubt.
    fn send_did_nothing(&mut self, otherwise: State) {
        self.doubtful = self.doubtful.saturating_sub(1);
        if self.doubtful == 0 {
            self.state = otherwise;
        }
    }

    /// Whether nothing of the number can be credited, by what order status just said: it failed, or it is absent and the
    /// gateway never said that it knows it. An `E` is not undone by an absence: such a number is used up.
    fn is_unpaid(&self, answer: Option<OrderAnswer>) -> bool {
        let nothing_sent = self.doubtful == 0 && self.taken == 0;
        match answer {
            Some(OrderAnswer::Failed) => true,
            Some(OrderAnswer::Absent) => nothing_sent && !self.failed,
            Some(
                OrderAnswer::Success
                | OrderAnswer::Undecided
                | OrderAnswer::OtherOrder
                | OrderAnswer::Unclear
                | OrderAnswer::AskAgain,
            )
            | None => false,
        }
    }

    /// Plans the payout again: a new number is minted on nothing but `E`, an absent one is used again.
    fn plan_again(&mut self) {
        if self.failed {
            *self = Self { accepted_name: self.accepted_name.take(), ..Self::planned(self.attempt + 1) };
        }
        self.state = State::Planned;
        self.objection = None;
    }

    /// Whatever a person attested: absent proves nothing of a number that the gateway ever said it knows.
    fn retried(&mut self, answer: Option<OrderAnswer>) -> bool {
        let allowed = matches!(self.state, State::Declined | State::Ineligible) && self.is_unpaid(answer);
        self.plan_again();
        allowed
    }

    fn released(&mut self, name: Option<String>, answer: Option<OrderAnswer>) -> bool {
        let allowed = self.state == State::Held && self.is_unpaid(answer);
        self.plan_again();
        self.accepted_name = name;
        allowed
    }

    /// What was never sent is closed at a word; what was sent only by what order status says now. An `E` declines a
    /// planned one, and that may be closed all the same.
    fn cancelled(&mut self, answer: Option<OrderAnswer>) -> bool {
        let open = matches!(self.state, State::Planned | State::Held) && self.doubtful == 0;
        let failed = answer == Some(OrderAnswer::Failed);
        let allowed =
            (open && (self.sends == 0 || self.is_unpaid(answer))) || (failed && self.state == State::Declined);
        self.state = State::Cancelled;
        allowed
    }

    /// Evidence counts beside an answer that leaves it open; one that contradicts it, and none, do not.
    fn attested(&mut self, state: State, answer: Option<OrderAnswer>) -> bool {
        let is_left_open = matches!(answer, Some(OrderAnswer::Absent | OrderAnswer::Undecided));
        let allowed = self.state == State::InDoubt && is_left_open;
        self.state = state;
        if state == State::Declined {
            self.doubtful = 0;
            self.open = false;
        }
        allowed
    }
}
