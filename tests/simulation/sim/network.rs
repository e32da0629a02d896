//! Carries calls to the gateway's book, as the weather allows, and keeps what is still on its way when a process dies.

use super::book::{Book, Call};
use super::clock::{GatewayClock, moment_of};
use super::coverage::Coverage;
use super::fault_schedule::{Back, Mix, Passage, answer};
use super::scenario::{Scenario, Spell};
use super::trace::Trace;
use fastrand::Rng;
use std::collections::BTreeMap;
use std::time::Duration;
use tokio::time::Instant;
use topup::domain::answer::Answer;
use topup::moment::Moment;

/// One copy of a request on its way.
#[derive(Debug)]
struct Delivery {
    request: u64,
    copy: usize,
    call: Call,
    /// When the program has heard what it will hear of it.
    ends_at: Instant,
    settled_at: Instant,
}

/// A request that left, as its sender waits for it.
#[derive(Debug)]
pub(crate) struct Sent {
    request: u64,
    pub(crate) ends_at: Instant,
    back: Back,
}

/// What a sender gets.
#[derive(Debug)]
pub(crate) enum Got {
    Answer(Answer),
    Lost,
    Unsent,
    Panic,
}

/// The network and the gateway behind it.
#[derive(Debug)]
pub(crate) struct Network {
    pub(crate) book: Book,
    pub(crate) coverage: Coverage,
    pub(crate) trace: Trace,
    clock: GatewayClock,
    /// When each request left.
    pub(crate) departures: Vec<Instant>,
    rng: Rng,
    scenario: Scenario,
    mix: Mix,
    on_the_way: BTreeMap<(Instant, u64, usize), Delivery>,
    answers: BTreeMap<(u64, usize), Answer>,
    /// What begins with the n-th request from now.
    coming: Option<(Spell, u64)>,
    /// Until when nothing, or no top-up, is answered as it should be.
    outage: Option<(Instant, bool)>,
    /// A run tries one payout alone: the number that left since, if any.
    pub(crate) alone: Option<Option<String>>,
}

impl Network {
    pub(crate) fn new(scenario: &Scenario, seed: u64, trace: Trace, epoch: Instant) -> Self {
        Self {
            book: Book::new(scenario.members.clone(), scenario.temper.clone()),
            coverage: Coverage::default(),
            trace,
            clock: GatewayClock { epoch, ahead_ms: scenario.temper.ahead_ms },
            departures: Vec::new(),
            rng: Rng::with_seed(seed ^ 0x006e_6574_776f_726b),
            mix: scenario.mix.clone(),
            scenario: scenario.clone(),
            on_the_way: BTreeMap::new(),
            answers: BTreeMap::new(),
            coming: None,
            outage: None,
            alone: None,
        }
    }

    pub(crate) fn begin_run(&mut self, spell: Option<(Spell, u64)>) {
        self.book.begin_spell(None);
        (self.outage, self.alone) = (None, None);
        self.coming = spell.map(|(spell, after)| (spell, self.departures.len() as u64 + after));
    }

    /// A request leaves.
    pub(crate) fn depart(&mut self, call: Call, now: Instant) -> Sent {
        self.deliver(now);
        self.departures.push(now);
        let request = self.departures.len() as u64;
        if let Some((spell, from)) = self.coming
            && request > from
        {
            self.book.begin_spell(Some(spell));
            self.coming = None;
            if let Spell::Outage { lasts, top_ups_only } = spell {
                self.outage = Some((now + lasts, top_ups_only));
                self.coverage.hit("spell: outage");
            }
        }
        let settings = &self.scenario.settings;
        let settle = settings.policy.settle;
        let is_top_up = matches!(call, Call::TopUp { .. });
        let is_out = self.outage.is_some_and(|(until, top_ups_only)| now < until && (is_top_up || !top_ups_only));
        let mix = if is_out { &Mix::outage() } else { &self.mix };
        let passage = mix.passage(&mut self.rng, &self.scenario.temper, now, settings);
        self.trace.line(now, || format!("leaves {request} {call:?} {}", passage.text(now)));
        let Passage { words, arrivals, ends_at, back } = passage;
        words.into_iter().for_each(|word| self.coverage.hit(word));
        for (copy, at) in arrivals.into_iter().enumerate() {
            // The gateway has its time from the moment a send reaches it. Where nothing bounds that moment, the time until
            // then is part of it.
            let settled_at = if settings.fence.is_some() { at } else { ends_at } + settle;
            let delivery = Delivery { request, copy, call: call.clone(), ends_at, settled_at };
            self.on_the_way.insert((at, request, copy), delivery);
        }
        Sent { request, ends_at, back }
    }

    /// The timestamp of a top-up by the moment of its intent, as a client estimates the gateway's clock, and the moment
    /// after which it may not leave; how long something holds it up before that.
    pub(crate) fn stamp(&mut self, intended_at: Moment) -> Option<(i64, Moment, Duration)> {
        let settings = &self.scenario.settings;
        let fence = settings.fence?;
        let lives = fence.permit_lives(settings.timeout);
        let off_ms = self.rng.i64(-500..1000);
        let stamp_ms = self.clock.unix_ms(intended_at) + off_ms - i64::try_from(fence.age().as_millis()).unwrap_or(0);
        let held_up =
            if self.rng.u32(0..50) == 0 { fence.within.mul_f64(self.rng.f64() * 2.0) } else { Duration::ZERO };
        Some((stamp_ms.div_euclid(1000), Moment::after_start(intended_at.since_start() + lives), held_up))
    }

    /// A call that was to leave did not: its permit is dead.
    pub(crate) fn permit_is_dead(&mut self, now: Instant) {
        self.departures.push(now);
        self.coverage.hit("fence: a dead permit");
    }

    /// The gateway refuses what is delivered later than the bound, whatever it is.
    fn refuse_late(&mut self, call: &Call, at: Instant) -> Option<Answer> {
        let Call::TopUp { stamp_s: Some(stamp_s), .. } = call else { return None };
        let window_s = i64::try_from(self.scenario.settings.fence?.window.as_secs()).unwrap_or(i64::MAX);
        let age_s = self.clock.unix_ms(moment_of(at)).div_euclid(1000) - stamp_s;
        (age_s > window_s).then(|| {
            self.coverage.hit("fence: refused late");
            answer(401, 4_010_004)
        })
    }

    /// While a run tries one payout alone, no other's top-up leaves.
    pub(crate) fn leaves_alone(&mut self, invoice_no: &str) -> Result<(), String> {
        match &mut self.alone {
            None => Ok(()),
            Some(left) if left.as_deref().is_none_or(|left| left == invoice_no) => {
                *left = Some(invoice_no.to_owned());
                Ok(())
            }
            Some(left) => Err(format!("{invoice_no} leaves beside the probe {left:?}")),
        }
    }

    /// The sender has waited to the end.
    pub(crate) fn end(&mut self, sent: &Sent, now: Instant) -> Got {
        self.deliver(now);
        match &sent.back {
            Back::Truth(copy) => match self.answers.remove(&(sent.request, *copy)) {
                Some(answer) => Got::Answer(answer),
                None => Got::Lost,
            },
            Back::Instead(answer) => Got::Answer(answer.clone()),
            Back::Lost => Got::Lost,
            Back::Unsent => Got::Unsent,
            Back::Panic => Got::Panic,
        }
    }

    /// Brings everything to the gateway that is due.
    fn deliver(&mut self, now: Instant) {
        while let Some(entry) = self.on_the_way.first_entry()
            && entry.key().0 <= now
        {
            let ((at, ..), delivery) = entry.remove_entry();
            let Delivery { request, copy, call, settled_at, .. } = delivery;
            // These very bytes were delivered before: the nonce is known, whatever became of the first copy; or the
            // number is, where that is looked at first.
            let answer = if copy > 0 {
                self.coverage.hit("book: replayed");
                let number_first = self.book.knows(&call) && self.rng.bool();
                if number_first { answer(200, 4_000_307) } else { answer(401, 4_010_006) }
            } else if let Some(refusal) = self.refuse_late(&call, at) {
                refusal
            } else {
                self.book.take(&call, at, settled_at, &mut self.rng, &mut self.coverage)
            };
            let date_unix_s = self.scenario.settings.fence.map(|_| self.clock.unix_ms(moment_of(at)).div_euclid(1000));
            let answer = Answer { date_unix_s: answer.date_unix_s.or(date_unix_s), ..answer };
            self.trace
                .line(at, || format!("arrives {request} copy {copy}: {:?} {:?}", answer.code, answer.data.status));
            self.answers.insert((request, copy), answer);
        }
    }

    /// The sender died: what it had open ends now, and some of it gets lost.
    pub(crate) fn cut(&mut self, now: Instant) {
        self.deliver(now);
        let settle = self.scenario.settings.policy.settle;
        for ((at, request, copy), mut delivery) in std::mem::take(&mut self.on_the_way) {
            let was_open = delivery.ends_at > now;
            if was_open && self.rng.bool() {
                continue;
            }
            let mut arrives = at;
            if was_open && !self.scenario.temper.beyond && self.scenario.settings.fence.is_none() {
                delivery.settled_at = now + settle;
                arrives = at.min(now + settle);
            }
            self.on_the_way.insert((arrives, request, copy), delivery);
        }
    }

    /// Waits until nothing is on its way, and gives the time that takes.
    pub(crate) fn last_arrival(&self) -> Option<Instant> {
        self.on_the_way.last_key_value().map(|((at, ..), _)| *at)
    }

    /// Another ledger is in use from here on.
    pub(crate) fn ledger_was_lost(&mut self, now: Instant) {
        self.deliver(now);
        self.book.ledger_was_lost();
    }

    /// From here on everything is well.
    pub(crate) fn heal(&mut self, now: Instant) {
        self.deliver(now);
        self.mix = Mix::calm();
        self.coming = None;
        self.outage = None;
        self.book.heal(now);
    }
}
