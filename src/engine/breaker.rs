//! Stops a batch that goes wrong in a way that no single answer shows.
//!
//! After too many top-ups in doubt in a row it opens: no new ones, until order status has resolved what is in doubt.
//! Then one payout is sent alone. A definite answer to it closes the breaker, and the run goes on. Refusals that may
//! be our own fault stop the batch for good: waiting does not fix them.

use super::event::{Stop, StopCode};
use crate::domain::answer::{Answer, Repair};
use crate::domain::event::Fate;
use crate::domain::payout_status::State;
use crate::domain::text::counted;
use crate::ledger::PayoutId;

/// Probes in a row that came to no definite answer, after which a run gives up.
const PROBES_MAX: u32 = 3;

/// Which top-ups may leave.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Gate {
    /// Every top-up may leave.
    Closed,
    /// None: too many in a row are in doubt.
    Open,
    /// This payout's alone, to see whether the gateway answers top-ups again.
    HalfOpen(PayoutId),
}

/// What the fate of one payout changes for all others.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Turn {
    /// No new top-ups for now.
    Opened,
    /// The probe got no definite answer: it stays open.
    ProbeFailed,
    /// The rest may go out again.
    Closed,
}

/// What follows when the breaker is open and nothing is under way any more.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Next {
    /// Nothing is held back: the breaker is closed again.
    GoOn,
    /// Send this payout alone.
    Probe(PayoutId),
    /// Send nothing more in this run.
    GiveUp(Stop),
}

/// What the breaker counts, each since the last sign that things go well.
#[derive(Debug)]
pub(super) struct Breaker {
    in_doubt_max: u32,
    refused_max: u32,
    /// Payouts whose refusal may be our own fault, since the last credit.
    refused: Vec<PayoutId>,
    /// New payouts in doubt, since the last definite answer to a top-up.
    in_doubt: u32,
    gate: Gate,
    /// In a row.
    probes_failed: u32,
}

impl Breaker {
    pub(super) fn new(in_doubt_max: u32, refused_max: u32) -> Self {
        Self { in_doubt_max, refused_max, refused: Vec::new(), in_doubt: 0, gate: Gate::Closed, probes_failed: 0 }
    }

    /// Counts the fate of a send; `first` of its number.
    pub(super) fn on_send(&mut self, payout: PayoutId, fate: Fate, first: bool) -> Option<Turn> {
        if fate == Fate::Credited {
            self.refused.clear();
        }
        let definite = match fate {
            Fate::Credited | Fate::Refused(_) => true,
            Fate::Unknown(_) => false,
            Fate::Unsent => return None,
        };
        match (self.gate, definite) {
            (Gate::Closed, true) => self.in_doubt = 0,
            (Gate::Closed, false) => {
                self.in_doubt += u32::from(first);
                if self.in_doubt_max > 0 && self.in_doubt >= self.in_doubt_max {
                    self.gate = Gate::Open;
                    return Some(Turn::Opened);
                }
            }
            (Gate::HalfOpen(probe), _) if probe == payout => return Some(self.judge(definite)),
            // It left before the breaker opened, and says nothing about now.
            (Gate::Open | Gate::HalfOpen(_), _) => {}
        }
        None
    }

    fn judge(&mut self, definite: bool) -> Turn {
        if definite {
            (self.gate, self.in_doubt, self.probes_failed) = (Gate::Closed, 0, 0);
            Turn::Closed
        } else {
            (self.gate, self.probes_failed) = (Gate::Open, self.probes_failed + 1);
            Turn::ProbeFailed
        }
    }

    /// A payout is done with. A probe that was never sent is judged by what became of it.
    pub(super) fn on_done(&mut self, payout: PayoutId, state: State) -> Option<Turn> {
        if self.gate != Gate::HalfOpen(payout) {
            return None;
        }
        match state {
            State::Credited | State::Declined => Some(self.judge(true)),
            State::Planned | State::InDoubt => Some(self.judge(false)),
            // The member's answer ended it; of top-ups that says nothing, and the next one has to show.
            State::Ineligible | State::Held | State::Cancelled => {
                self.gate = Gate::Open;
                None
            }
        }
    }

    /// Whether a top-up of this payout may leave.
    pub(super) fn lets_out(&self, payout: PayoutId) -> bool {
        match self.gate {
            Gate::Closed => true,
            Gate::Open => false,
            Gate::HalfOpen(probe) => probe == payout,
        }
    }

    /// New payouts may be taken up.
    pub(super) fn is_closed(&self) -> bool {
        self.gate == Gate::Closed
    }

    /// Payouts in doubt in a row.
    pub(super) fn in_doubt(&self) -> u32 {
        self.in_doubt
    }

    /// Decides, when nothing is under way any more: `resolved`: order status gave a definite answer about everything
    /// in doubt; `held_back`: who would be sent next, if anybody.
    pub(super) fn next(&mut self, resolved: bool, held_back: Option<PayoutId>) -> Next {
        let Some(payout) = held_back else {
            (self.gate, self.in_doubt) = (Gate::Closed, 0);
            return Next::GoOn;
        };
        if resolved && self.probes_failed < PROBES_MAX {
            self.gate = Gate::HalfOpen(payout);
            return Next::Probe(payout);
        }
        let beside = if resolved {
            format!("{PROBES_MAX} payouts tried alone after them got none either")
        } else {
            "order status did not settle all of them".to_owned()
        };
        Next::GiveUp(Stop {
            code: StopCode::Breaker,
            message: format!(
                "{} in a row ended without a definite answer, and {beside}, so the rest was not sent\nhint: ask \
                 the provider, then run the same command again: what is in doubt is resolved first",
                counted(self.in_doubt.into(), "top-up")
            ),
        })
    }

    /// Counts an answer that may be our own fault.
    pub(super) fn refused(&mut self, payout: PayoutId, code: Option<i64>, message: &str) -> Option<Stop> {
        if self.refused_max == 0 {
            return None;
        }
        if !self.refused.contains(&payout) {
            self.refused.push(payout);
        }
        let count = u32::try_from(self.refused.len()).unwrap_or(u32::MAX);
        (count >= self.refused_max).then(|| {
            self.refused.clear();
            Stop {
                code: StopCode::Breaker,
                message: format!(
                    "{} in a row {} refused in a way that may be our own fault, last with code {}: \
                     {message}\nhint: ask the provider about the campaign's balance and limits, then run the same \
                     command again",
                    counted(count.into(), "payout"),
                    if count == 1 { "was" } else { "were" },
                    code.map_or_else(|| "none".to_owned(), |code| code.to_string())
                ),
            }
        })
    }
}

/// What a person has to repair, in words.
pub(super) fn repair(repair: Repair, answer: Option<&Answer>, message: &str, now_unix_s: i64) -> Stop {
    let code = answer.and_then(|answer| answer.code).unwrap_or_default();
    let (stop_code, hint) = match repair {
        Repair::Credentials => {
            (StopCode::Credentials, "check [gateway] key_code and private_key, then run the same command again".into())
        }
        Repair::Merchant => (
            StopCode::Credentials,
            "check [gateway] merchant_id and terminal_id, and with the provider that both are active for top-ups; \
             then run the same command again"
                .into(),
        ),
        Repair::Clock => (StopCode::Clock, clock_hint(answer.and_then(|answer| answer.date_unix_s), now_unix_s)),
    };
    Stop { code: stop_code, message: format!("the gateway refused the call with code {code}: {message}\nhint: {hint}") }
}

pub(super) fn clock_hint(gateway_unix_s: Option<i64>, now_unix_s: i64) -> String {
    let then = "set this machine's clock, then run the same command again";
    match gateway_unix_s.map(|gateway| now_unix_s - gateway) {
        None => then.to_owned(),
        Some(skew) if skew >= 0 => format!("this machine's clock is {skew} s ahead of the gateway's; {then}"),
        Some(skew) => format!("this machine's clock is {} s behind the gateway's; {then}", -skew),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::event::{Doubt, Refusal};

    const UNKNOWN: Fate = Fate::Unknown(Doubt::Unanswered);
    const REFUSED: Fate = Fate::Refused(Refusal::Payout);

    fn payout(number: i64) -> PayoutId {
        PayoutId::nobodys(number)
    }

    /// A breaker that two payouts in doubt opened.
    fn opened() -> Breaker {
        let mut breaker = Breaker::new(2, 3);
        assert_eq!(breaker.on_send(payout(1), UNKNOWN, true), None);
        assert_eq!(breaker.on_send(payout(2), UNKNOWN, true), Some(Turn::Opened));
        assert!(!breaker.is_closed() && !breaker.lets_out(payout(3)));
        breaker
    }

    fn gave_up(next: Next) -> String {
        match next {
            Next::GiveUp(stop) => stop.message,
            other @ (Next::GoOn | Next::Probe(_)) => panic!("{other:?}"),
        }
    }

    #[test]
    fn only_new_doubts_in_a_row_open_it() {
        let mut breaker = Breaker::new(2, 3);
        for (fate, first) in
            [(UNKNOWN, true), (Fate::Credited, true), (UNKNOWN, true), (UNKNOWN, false), (Fate::Unsent, true)]
        {
            assert_eq!(breaker.on_send(payout(1), fate, first), None);
        }
        assert_eq!(breaker.on_send(payout(2), UNKNOWN, true), Some(Turn::Opened));
        let mut never = Breaker::new(0, 3);
        assert!((0..100).all(|n| never.on_send(payout(n), UNKNOWN, true).is_none()));
    }

    #[test]
    fn a_probe_goes_out_alone_and_only_a_definite_answer_to_it_closes() {
        for fate in [Fate::Credited, REFUSED, Fate::Refused(Refusal::SlowDown)] {
            let mut breaker = opened();
            assert_eq!(breaker.on_send(payout(9), Fate::Credited, true), None, "it left before");
            assert_eq!(breaker.next(true, Some(payout(3))), Next::Probe(payout(3)));
            assert!(breaker.lets_out(payout(3)) && !breaker.lets_out(payout(4)));
            assert_eq!(breaker.on_send(payout(3), Fate::Unsent, true), None, "it has not left yet");
            assert_eq!(breaker.on_send(payout(9), fate, true), None, "another one's answer");
            assert_eq!(breaker.on_send(payout(3), fate, true), Some(Turn::Closed));
            assert!(breaker.is_closed() && breaker.lets_out(payout(4)));
            assert_eq!(breaker.on_send(payout(4), UNKNOWN, true), None, "the count begins anew");
        }
    }

    #[test]
    fn three_probes_in_a_row_without_an_answer_are_the_end() {
        let mut breaker = opened();
        for number in 3..6 {
            assert_eq!(breaker.next(true, Some(payout(number))), Next::Probe(payout(number)));
            assert_eq!(breaker.on_send(payout(number), UNKNOWN, number == 3), Some(Turn::ProbeFailed));
            assert!(!breaker.lets_out(payout(number)));
        }
        let message = gave_up(breaker.next(true, Some(payout(6))));
        assert!(message.starts_with("2 top-ups in a row") && message.contains("3 payouts tried alone"), "{message}");
    }

    #[test]
    fn an_answered_probe_forgets_the_failed_ones() {
        let mut breaker = opened();
        for round in 0..5 {
            assert_eq!(breaker.next(true, Some(payout(3))), Next::Probe(payout(3)), "{round}");
            assert_eq!(breaker.on_send(payout(3), UNKNOWN, true), Some(Turn::ProbeFailed));
            assert_eq!(breaker.next(true, Some(payout(4))), Next::Probe(payout(4)));
            assert_eq!(breaker.on_send(payout(4), REFUSED, true), Some(Turn::Closed));
            breaker.on_send(payout(5), UNKNOWN, true);
            assert_eq!(breaker.on_send(payout(6), UNKNOWN, true), Some(Turn::Opened));
        }
    }

    #[test]
    fn no_probe_before_everything_is_resolved_and_none_without_somebody_to_send() {
        let message = gave_up(opened().next(false, Some(payout(3))));
        assert!(message.contains("order status did not settle all of them"), "{message}");
        for resolved in [true, false] {
            let mut breaker = opened();
            assert_eq!(breaker.next(resolved, None), Next::GoOn);
            assert!(breaker.is_closed());
        }
    }

    #[test]
    fn a_probe_that_was_never_sent_is_judged_by_what_became_of_it() {
        for (state, turn) in [
            (State::Credited, Some(Turn::Closed)),
            (State::Declined, Some(Turn::Closed)),
            (State::Planned, Some(Turn::ProbeFailed)),
            (State::InDoubt, Some(Turn::ProbeFailed)),
            (State::Ineligible, None),
            (State::Held, None),
        ] {
            let mut breaker = opened();
            breaker.next(true, Some(payout(3)));
            assert_eq!(breaker.on_done(payout(4), state), None, "not the probe");
            assert_eq!(breaker.on_done(payout(3), state), turn, "{state:?}");
            assert_eq!(breaker.is_closed(), turn == Some(Turn::Closed));
        }
    }
}
