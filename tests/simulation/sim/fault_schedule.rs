//! Draws what happens to one call on its way: whether and when it arrives, when it ends, and what comes back.

use super::scenario::Temper;
use fastrand::Rng;
use std::time::Duration;
use tokio::time::Instant;
use topup::domain::answer::Answer;
use topup::engine::RunSettings;
use topup::gateway::Fence;

/// What can happen to a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum CallFault {
    Clear,
    Unsent,
    LostBefore,
    LostAfter,
    Late,
    ErrorBefore,
    ErrorAfter,
    ErrorLate,
    TooMany,
    TooManyAfter,
    Anothers,
    GarbageBefore,
    GarbageAfter,
    Redirect,
    Twice,
    PanicBefore,
    PanicAfter,
    SetAside,
    BadRequest,
    NonceSeen,
}

impl CallFault {
    const ALL: [Self; 19] = [
        Self::Unsent,
        Self::LostBefore,
        Self::LostAfter,
        Self::Late,
        Self::ErrorBefore,
        Self::ErrorAfter,
        Self::ErrorLate,
        Self::TooMany,
        Self::TooManyAfter,
        Self::Anothers,
        Self::GarbageBefore,
        Self::GarbageAfter,
        Self::Redirect,
        Self::Twice,
        Self::PanicBefore,
        Self::PanicAfter,
        Self::SetAside,
        Self::BadRequest,
        Self::NonceSeen,
    ];

    fn word(self) -> &'static str {
        match self {
            Self::Clear => "wire: clear",
            Self::Unsent => "wire: unsent",
            Self::LostBefore => "wire: lost before",
            Self::LostAfter => "wire: lost after",
            Self::Late => "wire: late",
            Self::ErrorBefore => "wire: error before",
            Self::ErrorAfter => "wire: error after",
            Self::ErrorLate => "wire: error late",
            Self::TooMany => "wire: 429",
            Self::TooManyAfter => "wire: 429 without a code, applied",
            Self::Anothers => "wire: another's answer",
            Self::GarbageBefore => "wire: garbage before",
            Self::GarbageAfter => "wire: garbage after",
            Self::Redirect => "wire: redirect",
            Self::Twice => "wire: delivered twice",
            Self::PanicBefore => "wire: panic before",
            Self::PanicAfter => "wire: panic after",
            Self::SetAside => "wire: set aside",
            Self::BadRequest => "wire: bad request",
            Self::NonceSeen => "wire: nonce seen",
        }
    }
}

/// How often each weather comes, in one seed: a few kinds of it, or a single one nearly always.
#[derive(Clone, Debug)]
pub(crate) struct Mix {
    kinds: Vec<CallFault>,
    /// In thousandths.
    rough: u32,
}

/// What came back.
#[derive(Clone, Debug)]
pub(crate) enum Back {
    /// What the gateway answered to the n-th copy.
    Truth(usize),
    /// This, whatever the gateway did.
    Instead(Answer),
    Lost,
    Unsent,
    Panic,
}

/// One call's way.
#[derive(Clone, Debug)]
pub(crate) struct Passage {
    pub(crate) words: Vec<&'static str>,
    /// When each copy arrives.
    pub(crate) arrivals: Vec<Instant>,
    pub(crate) ends_at: Instant,
    pub(crate) back: Back,
}

impl Passage {
    /// In words, with times since `now`.
    pub(crate) fn text(&self, now: Instant) -> String {
        let arrivals: Vec<Duration> = self.arrivals.iter().map(|at| at.duration_since(now)).collect();
        format!("{:?} arrives {arrivals:?} ends {:?} {:?}", self.words, self.ends_at.duration_since(now), self.back)
    }
}

impl Mix {
    pub(crate) fn draw(rng: &mut Rng) -> Self {
        if rng.u32(0..40) == 0 {
            // Nobody is there.
            return Self {
                kinds: vec![if rng.bool() { CallFault::Unsent } else { CallFault::LostBefore }],
                rough: 1000,
            };
        }
        let rough = match rng.u32(0..8) {
            0 => 0,
            1..5 => rng.u32(0..150),
            5 | 6 => rng.u32(100..500),
            _ => rng.u32(500..=1000),
        };
        let often = rng.u32(1..10);
        let mut kinds: Vec<CallFault> = CallFault::ALL.into_iter().filter(|_| rng.u32(0..10) < often).collect();
        if kinds.is_empty() {
            kinds.push(rng.choice(CallFault::ALL).expect("a kind"));
        }
        Self { kinds, rough }
    }

    /// No weather at all.
    pub(crate) fn calm() -> Self {
        Self { kinds: Vec::new(), rough: 0 }
    }

    /// Nothing is answered as it should be; about half of it arrives.
    pub(crate) fn outage() -> Self {
        let kinds = vec![CallFault::LostBefore, CallFault::LostAfter, CallFault::ErrorBefore, CallFault::ErrorAfter];
        Self { kinds, rough: 1000 }
    }

    pub(crate) fn passage(&self, rng: &mut Rng, temper: &Temper, now: Instant, settings: &RunSettings) -> Passage {
        let weather = if rng.u32(0..1000) < self.rough { rng.choice(&self.kinds).copied() } else { None };
        let (timeout, settle, fence) = (settings.timeout, settings.policy.settle, settings.fence);
        Way { rng, temper, now, timeout, settle, fence }.passage(weather.unwrap_or(CallFault::Clear))
    }
}

struct Way<'a> {
    rng: &'a mut Rng,
    temper: &'a Temper,
    now: Instant,
    timeout: Duration,
    settle: Duration,
    fence: Option<Fence>,
}

impl Way<'_> {
    fn passage(mut self, weather: CallFault) -> Passage {
        let quick = self.quick();
        let (arrives, answered) = (self.now + quick / 2, self.now + quick);
        let ended = if self.rng.bool() { answered } else { self.now + self.timeout };
        let mut words = vec![weather.word()];
        let (arrivals, ends_at, back) = match weather {
            CallFault::Clear => (vec![arrives], answered, Back::Truth(0)),
            CallFault::Unsent => (vec![], ended, Back::Unsent),
            CallFault::LostBefore => (vec![], ended, Back::Lost),
            CallFault::LostAfter => (vec![arrives], ended, Back::Lost),
            CallFault::Late => (vec![self.late(ended, &mut words)], ended, Back::Lost),
            CallFault::ErrorBefore => (vec![], answered, Back::Instead(self.error())),
            CallFault::ErrorAfter => (vec![arrives], answered, Back::Instead(self.error())),
            CallFault::ErrorLate => (vec![self.late(answered, &mut words)], answered, Back::Instead(self.error())),
            CallFault::TooMany => (vec![], answered, Back::Instead(self.too_many(&mut words))),
            CallFault::TooManyAfter => {
                (vec![arrives], answered, Back::Instead(Answer { code: None, ..self.too_many(&mut words) }))
            }
            CallFault::Anothers => {
                let arrivals = if self.rng.bool() { vec![arrives] } else { vec![] };
                (arrivals, answered, Back::Instead(Answer { has_data: true, ..answer(200, 200) }))
            }
            CallFault::GarbageBefore => (vec![], answered, Back::Instead(self.garbage())),
            CallFault::GarbageAfter => (vec![arrives], answered, Back::Instead(self.garbage())),
            CallFault::Redirect => {
                let http = self.rng.choice([301, 302, 307, 308]).unwrap_or(307);
                (vec![], answered, Back::Instead(Answer { http, ..Answer::default() }))
            }
            CallFault::Twice => self.twice(arrives, answered),
            CallFault::PanicBefore => (vec![], self.now, Back::Panic),
            CallFault::PanicAfter => (vec![arrives], answered, Back::Panic),
            CallFault::SetAside => {
                let code = self.rng.choice([600_400, 4_000_001]).unwrap_or(600_400);
                (vec![], answered, Back::Instead(answer(200, code)))
            }
            CallFault::BadRequest => (vec![], answered, Back::Instead(answer(400, 4_000))),
            CallFault::NonceSeen => {
                let arrivals = if self.rng.bool() { vec![arrives] } else { vec![] };
                (arrivals, answered, Back::Instead(answer(401, 4_010_006)))
            }
        };
        Passage { words, arrivals, ends_at, back }
    }

    fn quick(&mut self) -> Duration {
        let most = if self.rng.u32(0..10) == 0 { self.timeout } else { self.timeout.min(Duration::from_millis(200)) };
        // A gateway that takes longer than the bound in good weather is none that a run could pay through.
        let most = self.fence.map_or(most, |fence| most.min(fence.within / 2));
        most.mul_f64(self.rng.f64())
    }

    /// After the end, and within the settle time unless the seed goes beyond it.
    fn late(&mut self, ended: Instant, words: &mut Vec<&'static str>) -> Instant {
        let beyond = self.temper.beyond && self.rng.bool();
        if beyond {
            words.push("wire: late beyond settle");
            return ended + self.settle + Duration::from_secs(self.rng.u64(1..=7200));
        }
        match self.fence {
            // Whenever it likes: past the bound, the gateway refuses it.
            Some(_) if self.rng.bool() => ended + Duration::from_secs(self.rng.u64(1..=7200)),
            Some(fence) => ended + fence.within.mul_f64(self.rng.f64() * 2.0),
            None => ended + self.settle.mul_f64(self.rng.f64()),
        }
    }

    fn twice(&mut self, arrives: Instant, answered: Instant) -> (Vec<Instant>, Instant, Back) {
        if self.rng.bool() {
            // The second copy comes before the answer, which is the answer to either.
            return (vec![arrives, arrives], answered, Back::Truth(self.rng.usize(0..2)));
        }
        let second = answered + self.settle.mul_f64(self.rng.f64());
        (vec![arrives, second], answered, Back::Truth(0))
    }

    fn error(&mut self) -> Answer {
        let http = self.rng.choice([500, 502, 503, 504]).unwrap_or(500);
        let code = self.rng.choice([None, Some(5_000), Some(5_000_001), Some(5_000_101)]).flatten();
        Answer { http, code, ..Answer::default() }
    }

    fn too_many(&mut self, words: &mut Vec<&'static str>) -> Answer {
        let retry_after_s = match self.rng.u32(0..20) {
            0..10 => None,
            19 => {
                words.push("wire: 429 with a long Retry-After");
                Some(self.rng.u64(601..=3600))
            }
            _ => {
                words.push("wire: 429 with Retry-After");
                Some(self.rng.u64(0..=40))
            }
        };
        let code = self.rng.bool().then_some(429);
        Answer { http: 429, code, retry_after_s, ..Answer::default() }
    }

    fn garbage(&mut self) -> Answer {
        match self.rng.u32(0..4) {
            0 => Answer { http: 200, ..Answer::default() },
            1 => Answer { http: 403, ..Answer::default() },
            2 => answer(200, 9_999_999),
            _ => answer(404, 4_040_404),
        }
    }
}

/// An answer of a code alone.
pub(crate) fn answer(http: u16, code: i64) -> Answer {
    Answer { http, code: Some(code), ..Answer::default() }
}
