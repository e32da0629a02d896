//! Stops a batch that goes wrong in a way that no single answer shows.

use super::event::{Stop, StopCode};
use crate::domain::answer::{Answer, Repair, Reply};
use crate::domain::event::Fate;
use crate::ledger::PayoutId;
use std::time::Duration;
use tokio::time::Instant;

/// A gateway that gave no answer to so many calls in a row, and for longer than one call may take, is not there.
const UNANSWERED_MAX: u32 = 20;

/// What the breaker counts, each since the last sign that things go well.
#[derive(Debug)]
pub(super) struct Breaker {
    in_doubt_max: u32,
    refused_max: u32,
    timeout: Duration,
    /// Payouts whose refusal may be our own fault, since the last credit.
    refused: Vec<PayoutId>,
    /// New payouts in doubt, since the last definite answer to a top-up.
    in_doubt: u32,
    unanswered: u32,
    answered_at: Instant,
}

impl Breaker {
    pub(super) fn new(in_doubt_max: u32, refused_max: u32, timeout: Duration) -> Self {
        Self {
            in_doubt_max,
            refused_max,
            timeout,
            refused: Vec::new(),
            in_doubt: 0,
            unanswered: 0,
            answered_at: Instant::now(),
        }
    }

    /// Counts whether there was any answer.
    pub(super) fn heard(&mut self, reply: &Reply, now: Instant) -> Option<Stop> {
        match reply {
            Reply::Answered(_) => (self.unanswered, self.answered_at) = (0, now),
            Reply::Unsent | Reply::Lost => self.unanswered += 1,
        }
        let silent_for = now.saturating_duration_since(self.answered_at);
        (self.unanswered >= UNANSWERED_MAX && silent_for > self.timeout).then(|| Stop {
            code: StopCode::Unreachable,
            message: format!(
                "the gateway gave no answer to {} calls in a row over {:.0} s\nhint: check [gateway] url and the \
                 network, then run the same command again",
                self.unanswered,
                silent_for.as_secs_f64()
            ),
        })
    }

    /// Counts the fate of a send; `first` of its number.
    pub(super) fn sent(&mut self, fate: Fate, first: bool) -> Option<Stop> {
        match fate {
            Fate::Credited => {
                self.refused.clear();
                self.in_doubt = 0;
            }
            Fate::Refused(_) => self.in_doubt = 0,
            Fate::Unknown(_) => self.in_doubt += u32::from(first),
            Fate::Unsent => {}
        }
        (self.in_doubt_max > 0 && self.in_doubt >= self.in_doubt_max).then(|| Stop {
            code: StopCode::Breaker,
            message: format!(
                "{} top-ups in a row ended without a definite answer, so no new ones were sent\nhint: ask the \
                 provider, then run the same command again: what is in doubt is resolved first",
                self.in_doubt
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
                    "{count} payouts in a row were refused in a way that may be our own fault, last with code {}: \
                     {message}\nhint: ask the provider about the campaign's balance and limits, then run the same \
                     command again",
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

fn clock_hint(gateway_unix_s: Option<i64>, now_unix_s: i64) -> String {
    let then = "set this machine's clock, then run the same command again";
    match gateway_unix_s.map(|gateway| now_unix_s - gateway) {
        None => then.to_owned(),
        Some(skew) if skew >= 0 => format!("this machine's clock is {skew} s ahead of the gateway's; {then}"),
        Some(skew) => format!("this machine's clock is {} s behind the gateway's; {then}", -skew),
    }
}
