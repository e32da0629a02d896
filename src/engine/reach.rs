//! Watches whether the gateway can be reached: pauses the calls while nothing but pages without a code comes back, and
//! ends them where that, or silence, lasts.
//!
//! An answer without a readable `meta.code` is not the gateway's: a content network, a firewall or a proxy gave it. Going on
//! at full pace would cost thousands of useless calls, and may be what keeps the door shut.

use super::event::{Stop, StopCode};
use crate::domain::answer::{Answer, Reply};
use crate::gateway::Received;
use std::time::Duration;
use tokio::time::Instant;

/// So many calls in a row without a usable answer, for longer than one call may take: then nobody is there.
const CALLS_MAX: u32 = 20;
/// So many pauses that something in front of the gateway asked for, in a row, and no answer of the gateway's after them.
const PAUSES_MAX: u32 = 5;
/// The first pause; each further one is twice as long.
const FIRST_PAUSE: Duration = Duration::from_secs(1);
/// The longest pause that is made unasked.
const LONGEST_PAUSE: Duration = Duration::from_secs(16);
/// A longer `Retry-After` ends the calls instead of making them wait.
const RETRY_AFTER_MAX: Duration = Duration::from_secs(600);

/// What follows from a call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Reached {
    /// Nothing: calls go on as they did.
    GoOn,
    /// No call for so long: this HTTP status, without a code, is all that came back of late.
    Pause(u16, Duration),
    /// No more calls.
    Stop(Stop),
}

/// What is counted, each in a row.
#[derive(Debug)]
pub(super) struct Reach {
    /// How long one call may take.
    timeout: Duration,
    /// Calls without any answer, since one.
    unanswered: u32,
    answered_at: Instant,
    /// Answers without a code, since one that had one.
    uncoded: u32,
    coded_at: Instant,
    /// Pauses since then, and when the last one ends.
    pauses: u32,
    paused_until: Instant,
    /// What the last call said that had no usable answer, since one that had.
    trouble: Option<String>,
}

impl Reach {
    pub(super) fn new(timeout: Duration) -> Self {
        let now = Instant::now();
        Self {
            timeout,
            unanswered: 0,
            answered_at: now,
            uncoded: 0,
            coded_at: now,
            pauses: 0,
            paused_until: now,
            trouble: None,
        }
    }

    /// Counts a call that left at `departed`, if it did.
    pub(super) fn on_reply(&mut self, received: &Received, departed: Option<Instant>, now: Instant) -> Reached {
        match &received.reply {
            Reply::Answered(answer) if answer.code.is_some() => {
                *self = Self {
                    answered_at: now,
                    coded_at: now,
                    paused_until: self.paused_until,
                    ..Self::new(self.timeout)
                };
                Reached::GoOn
            }
            Reply::Answered(answer) => {
                (self.unanswered, self.answered_at) = (0, now);
                self.trouble = Some(received.message.clone());
                self.uncoded(answer, received, departed, now)
            }
            Reply::Unsent | Reply::Lost => {
                self.unanswered += 1;
                self.trouble = Some(received.message.clone());
                self.silent(received, now)
            }
        }
    }

    /// What the last call said that had no usable answer, if none had one since.
    pub(super) fn trouble(&self) -> Option<&str> {
        self.trouble.as_deref()
    }

    fn silent(&self, received: &Received, now: Instant) -> Reached {
        let silent_for = now.saturating_duration_since(self.answered_at);
        if self.unanswered < CALLS_MAX || silent_for <= self.timeout {
            return Reached::GoOn;
        }
        let message = format!(
            "the gateway gave no answer to {} calls in a row over {:.0} s, the last: {}\nhint: check [gateway] url and the \
             network, then run the same command again",
            self.unanswered,
            silent_for.as_secs_f64(),
            received.message
        );
        Reached::Stop(Stop { code: StopCode::Unreachable, message })
    }

    fn uncoded(&mut self, answer: &Answer, received: &Received, departed: Option<Instant>, now: Instant) -> Reached {
        self.uncoded += 1;
        let asked = retry_after(answer);
        if asked.is_some_and(|asked| asked > RETRY_AFTER_MAX) {
            return Reached::Stop(self.unavailable(answer, received, now));
        }
        let lasts = now.saturating_duration_since(self.coded_at) > self.timeout;
        if lasts && (self.uncoded >= CALLS_MAX || self.pauses >= PAUSES_MAX) {
            return Reached::Stop(self.unavailable(answer, received, now));
        }
        // What left before the pause began says nothing about how things are after it.
        let is_news = departed.is_some_and(|departed| departed >= self.paused_until);
        if !is_news || (self.uncoded < CALLS_MAX && asked.is_none()) {
            return Reached::GoOn;
        }
        let own = if self.uncoded < CALLS_MAX { Duration::ZERO } else { FIRST_PAUSE * 2_u32.pow(self.pauses.min(10)) };
        let pause = own.min(LONGEST_PAUSE).max(asked.unwrap_or_default());
        self.pauses += 1;
        self.paused_until = now + pause;
        Reached::Pause(answer.http, pause)
    }

    fn unavailable(&self, answer: &Answer, received: &Received, now: Instant) -> Stop {
        let asked = retry_after(answer).map(|asked| format!(", Retry-After {} s", asked.as_secs())).unwrap_or_default();
        let over = now.saturating_duration_since(self.coded_at).as_secs_f64();
        let hint = match answer.http {
            401 | 403 => {
                "something in front of the gateway, such as a firewall, turns this machine away: ask the provider to \
                 allow its address; then run the same command again"
            }
            200..=399 => "check [gateway] url: something else answers there; then run the same command again",
            429 => "run the same command again later, with a lower [gateway] rate_per_s",
            _ => "the provider's service is down: ask the provider, then run the same command again",
        };
        let message = format!(
            "the gateway is not available: {} calls in a row over {over:.0} s were answered without a code of its own, the \
             last with HTTP {}{asked}: {}\nhint: {hint}",
            self.uncoded, answer.http, received.message
        );
        Stop { code: StopCode::Unavailable, message }
    }
}

/// How long an answer without a code asks us to wait, where such an answer may: see `domain::answer`.
fn retry_after(answer: &Answer) -> Option<Duration> {
    answer.retry_after_s.filter(|_| matches!(answer.http, 429 | 503)).map(Duration::from_secs)
}

#[cfg(test)]
mod tests {
    use super::*;

    const TIMEOUT: Duration = Duration::from_secs(30);

    fn answered(http: u16, code: Option<i64>, retry_after_s: Option<u64>) -> Received {
        let answer = Answer { http, code, retry_after_s, ..Answer::default() };
        Received { reply: Reply::Answered(answer), message: format!("http {http}") }
    }

    /// A call that leaves now and ends a tenth of a second later.
    async fn call(reach: &mut Reach, received: &Received) -> Reached {
        let departed = Instant::now();
        tokio::time::advance(Duration::from_millis(100)).await;
        reach.on_reply(received, Some(departed), Instant::now())
    }

    /// Calls one after the other, obeying each pause, until the end; gives how many there were and the end.
    async fn calls_until_the_end(received: &Received) -> (u32, Duration, Stop) {
        let (mut reach, started) = (Reach::new(TIMEOUT), Instant::now());
        for calls in 1..10_000 {
            match call(&mut reach, received).await {
                Reached::GoOn => {}
                Reached::Pause(_, pause) => tokio::time::advance(pause).await,
                Reached::Stop(stop) => return (calls, started.elapsed(), stop),
            }
        }
        panic!("it never ends");
    }

    #[tokio::test(start_paused = true)]
    async fn pages_without_a_code_end_the_calls_after_few_of_them() {
        for (http, retry_after_s, said, hint) in [
            (503, None, "HTTP 503: http 503", "the provider's service is down"),
            (503, Some(10), "HTTP 503, Retry-After 10 s: http 503", "the provider's service is down"),
            (403, None, "HTTP 403: http 403", "ask the provider to allow its address"),
            (200, None, "HTTP 200: http 200", "something else answers there"),
            (429, Some(20), "HTTP 429, Retry-After 20 s: http 429", "a lower [gateway] rate_per_s"),
        ] {
            let (calls, took, stop) = calls_until_the_end(&answered(http, None, retry_after_s)).await;
            assert_eq!(stop.code, StopCode::Unavailable);
            assert!(stop.message.contains(said) && stop.message.contains(hint), "{}", stop.message);
            assert!((6..=30).contains(&calls), "HTTP {http}: {calls} calls");
            assert!(took > TIMEOUT && took < TIMEOUT * 4, "HTTP {http}: {took:?}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_pause_of_more_than_ten_minutes_ends_them_at_once() {
        let (calls, _, stop) = calls_until_the_end(&answered(503, None, Some(601))).await;
        assert_eq!((calls, stop.code), (1, StopCode::Unavailable));
        assert!(stop.message.contains("Retry-After 601 s"), "{}", stop.message);
    }

    #[tokio::test(start_paused = true)]
    async fn one_answer_with_a_code_forgets_all_of_it() {
        let mut reach = Reach::new(TIMEOUT);
        for _ in 0..20 {
            for _ in 0..19 {
                assert_eq!(call(&mut reach, &answered(502, None, None)).await, Reached::GoOn);
                tokio::time::advance(TIMEOUT).await;
            }
            assert!(reach.trouble().is_some());
            assert_eq!(call(&mut reach, &answered(500, Some(5_000), None)).await, Reached::GoOn);
            assert_eq!(reach.trouble(), None);
        }
    }

    #[tokio::test(start_paused = true)]
    async fn calls_that_left_before_a_pause_make_it_no_longer() {
        let mut reach = Reach::new(TIMEOUT);
        let departed = Instant::now();
        let mut pauses = Vec::new();
        for _ in 0..200 {
            if let Reached::Pause(_, pause) = reach.on_reply(&answered(502, None, None), Some(departed), Instant::now())
            {
                pauses.push(pause);
            }
            tokio::time::advance(Duration::from_millis(1)).await;
        }
        assert_eq!(pauses, [FIRST_PAUSE]);
    }

    #[tokio::test(start_paused = true)]
    async fn silence_names_its_last_cause() {
        let received = Received { reply: Reply::Unsent, message: "not sent: connection refused".to_owned() };
        let (mut reach, mut calls) = (Reach::new(TIMEOUT), 0);
        let stop = loop {
            calls += 1;
            if let Reached::Stop(stop) = call(&mut reach, &received).await {
                break stop;
            }
            tokio::time::advance(Duration::from_secs(1)).await;
        };
        assert_eq!((stop.code, calls), (StopCode::Unreachable, 29));
        assert!(stop.message.contains("the last: not sent: connection refused"), "{}", stop.message);
    }
}
