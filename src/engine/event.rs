//! Defines what a run tells while it goes on, and what it says at its end.

use crate::domain::payout_status::State;
use std::fmt;
use std::time::Duration;

/// Which of the three calls.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CallKind {
    /// Who stands behind a phone; it moves nothing.
    MemberInfo,
    /// A top-up, which alone can move points.
    TopUp,
    /// What became of an invoice_no; it moves nothing.
    OrderStatus,
}

impl CallKind {
    /// Every kind of call, in the order in which a payout needs them.
    pub const ALL: [Self; 3] = [Self::MemberInfo, Self::TopUp, Self::OrderStatus];

    /// The word for it in JSON and logs.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::MemberInfo => "member_info",
            Self::TopUp => "top_up",
            Self::OrderStatus => "order_status",
        }
    }
}

/// Requests that left, by call.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Requests([u64; CallKind::ALL.len()]);

impl Requests {
    /// Those of one call.
    #[must_use]
    pub fn of(&self, kind: CallKind) -> u64 {
        self.0[kind as usize]
    }

    /// All of them.
    #[must_use]
    pub fn all(&self) -> u64 {
        self.0.iter().sum()
    }

    pub(super) fn count(&mut self, kind: CallKind) {
        self.0[kind as usize] += 1;
    }
}

/// Something happened in a run. One stream of these feeds progress, log and JSON.
#[derive(Clone, Debug)]
pub enum RunEvent {
    /// A call was begun; its end follows.
    CallBegan {
        /// The kind of call.
        kind: CallKind,
    },
    /// A call came to its end.
    CallEnded {
        /// The kind of call.
        kind: CallKind,
        /// Its `X-Request-ID`.
        request_id: String,
        /// The row in the spreadsheet it was made for.
        row: u64,
        /// The HTTP status; `None`: no answer came back.
        http: Option<u16>,
        /// `meta.code`.
        code: Option<i64>,
        /// When it left, since the run began; `None`: it never left.
        departed: Option<Duration>,
        /// From departure to end.
        latency: Duration,
        /// What the gateway or the transport said.
        message: String,
    },
    /// A payout changed its state, durably.
    Moved {
        /// The row in the spreadsheet.
        row: u64,
        /// Its points.
        points: u32,
        /// The state before.
        from: State,
        /// The state now.
        to: State,
    },
    /// A member has another name, and the payout goes on all the same.
    NameDiffers {
        /// The row in the spreadsheet.
        row: u64,
    },
    /// The gateway gives no name of a member, and the payout goes on all the same.
    NameMissing {
        /// The row in the spreadsheet.
        row: u64,
    },
    /// The gateway knows a number that this ledger never sent: order status is asked before every first send now.
    GatewayAhead,
    /// The first payouts are confirmed: the rest goes out.
    CanaryConfirmed,
    /// The gateway asked for less; so many requests a second now.
    SlowedDown {
        /// The new rate.
        rate_per_s: f64,
    },
    /// What answers is not the gateway: no calls for a while.
    Unavailable {
        /// The HTTP status that came back.
        http: u16,
        /// For how long no call leaves.
        pause: Duration,
    },
    /// So many top-ups in a row are in doubt: no new ones, until order status has settled what is in doubt.
    Paused {
        /// How many payouts in a row are in doubt.
        in_doubt: u32,
    },
    /// The gateway answers about what was in doubt: one payout is tried alone.
    Probing {
        /// Its row in the spreadsheet.
        row: u64,
    },
    /// The payout that was tried alone got no definite answer either.
    ProbeFailed,
    /// The gateway answers top-ups again: the rest goes out.
    WentOn,
    /// Nothing is under way, and the next call is due after this time.
    Waiting {
        /// From now on.
        span: Duration,
    },
    /// No new top-ups from here on.
    Stopping(Stop),
    /// The user asked for an end: what is under way comes to its end.
    Interrupted,
}

/// Why a run stopped early.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stop {
    /// The kind of reason.
    pub code: StopCode,
    /// What happened and what to do, for people.
    pub message: String,
}

/// The kinds of reasons to stop early.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StopCode {
    /// The batch would credit more than its plan.
    Budget,
    /// Too many refusals or unknown fates in a row.
    Breaker,
    /// The gateway refuses key, merchant or terminal.
    Credentials,
    /// The gateway refuses this machine's clock.
    Clock,
    /// The first payouts were not confirmed.
    Canary,
    /// The gateway asks for a longer pause than a run should wait.
    RateLimited,
    /// The gateway gives no answer.
    Unreachable,
    /// What answers is not the gateway: no code of its own came back.
    Unavailable,
    /// This run has sent as much as it was to send.
    StopAfter,
    /// Some payouts got no usable answer in this run.
    Unfinished,
}

impl StopCode {
    const ALL: [Self; 10] = [
        Self::Budget,
        Self::Breaker,
        Self::Credentials,
        Self::Clock,
        Self::Canary,
        Self::RateLimited,
        Self::Unreachable,
        Self::Unavailable,
        Self::StopAfter,
        Self::Unfinished,
    ];

    /// The code of a word.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|code| code.word() == word)
    }

    /// Whether a person has to look before anything of the batch is sent again: waiting makes nothing better.
    #[must_use]
    pub fn needs_a_person(self) -> bool {
        match self {
            Self::Budget | Self::Breaker | Self::Canary | Self::StopAfter => true,
            Self::Credentials
            | Self::Clock
            | Self::RateLimited
            | Self::Unreachable
            | Self::Unavailable
            | Self::Unfinished => false,
        }
    }

    /// The word for it in JSON.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Budget => "budget",
            Self::Breaker => "breaker",
            Self::Credentials => "credentials",
            Self::Clock => "clock",
            Self::Canary => "canary",
            Self::RateLimited => "rate_limited",
            Self::Unreachable => "unreachable",
            Self::Unavailable => "unavailable",
            Self::StopAfter => "stop_after",
            Self::Unfinished => "unfinished",
        }
    }
}

impl fmt::Display for Stop {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

/// How a run ended. What became of the payouts is in the ledger.
#[derive(Clone, Debug)]
pub struct RunReport {
    /// Requests that left.
    pub requests: Requests,
    /// Payouts that it was done with after their pre-check came to an answer, or that needed none.
    pub checked: u64,
    /// Why it stopped early.
    pub stop: Option<Stop>,
    /// The user asked for its end.
    pub interrupted: bool,
    /// How long it took.
    pub elapsed: Duration,
}
