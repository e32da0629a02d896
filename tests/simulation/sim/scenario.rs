//! Draws from a seed what a simulation is about: rows, members, settings, faults, and how each run ends.

use super::fault_schedule::Mix;
use fastrand::Rng;
use std::collections::BTreeMap;
use std::time::Duration;
use topup::domain::backoff::Backoff;
use topup::domain::member::Member;
use topup::domain::payout_process::Policy;
use topup::domain::phone::PhoneNumber;
use topup::domain::points::Points;
use topup::domain::row_key::RowKey;
use topup::engine::{Mode, Names, NamesMissing, RunSettings};
use topup::gateway::Fence;

/// One row of the file.
#[derive(Clone, Debug)]
pub(crate) struct Row {
    pub(crate) key: RowKey,
    pub(crate) member: Member,
    pub(crate) points: Points,
    pub(crate) name: Option<String>,
}

/// A member as the gateway knows it.
#[derive(Clone, Debug)]
pub(crate) struct MemberRecord {
    pub(crate) full_name: String,
    pub(crate) status: &'static str,
    pub(crate) card_status: &'static str,
    pub(crate) exists: bool,
    /// What every top-up to it is refused with.
    pub(crate) refusal: Option<i64>,
}

/// How a run under faults ends, unless it ends by itself before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ending {
    /// On its own.
    Natural,
    /// The process dies at its n-th moment.
    Crash(u64),
    /// Ctrl-C at the n-th moment.
    Interrupt(u64),
    /// Ctrl-C at this time of the run.
    InterruptAt(Duration),
    /// Ctrl-C at the n-th moment, and the process dies so many moments later.
    InterruptAndCrash(u64, u64),
    /// The n-th event cannot be written.
    WriteFails(u64),
    /// The commit of the n-th event fails.
    CommitFails(u64),
}

/// What becomes of the ledger before a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Loss {
    /// It is gone, and the file is planned again (D6).
    Deleted,
    /// An older copy of it is back (D5).
    Restored,
}

/// One run under faults.
#[derive(Clone, Copy, Debug)]
pub(crate) struct FaultyRun {
    pub(crate) mode: Mode,
    pub(crate) ending: Ending,
    /// How long before it nothing happens.
    pub(crate) gap: Duration,
    pub(crate) loss: Option<Loss>,
    /// How far the wall clock jumps before it, in milliseconds.
    pub(crate) jump_ms: i64,
    /// A person decides something before it.
    pub(crate) person: bool,
    /// What begins at the gateway with the n-th request of the run.
    pub(crate) spell: Option<(Spell, u64)>,
    /// A copy of the ledger is made at this moment.
    pub(crate) copy_at: u64,
    /// A row of the ledger is edited by hand before it, and a run meets that: which row and how.
    pub(crate) edit: Option<u64>,
}

/// A time in which the gateway refuses or loses every call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Spell {
    Revoked,
    Clock,
    Merchant,
    /// So many top-ups are refused for the campaign's sake.
    Campaign(u32),
    /// No call is answered as it should be, or no top-up is, for so long.
    Outage {
        lasts: Duration,
        top_ups_only: bool,
    },
}

/// How the gateway decides where the protocol leaves it open, and how often it misbehaves, in thousandths.
#[derive(Clone, Debug)]
pub(crate) struct Temper {
    /// A refused top-up uses its number up.
    pub(crate) burns: bool,
    /// A repeated number is refused by another check first.
    pub(crate) another_check: u32,
    pub(crate) payout_refused: u32,
    pub(crate) order_failed: u32,
    pub(crate) flaps: u32,
    pub(crate) unclear: u32,
    /// The longest time between applying and order status.
    pub(crate) lag: Duration,
    /// Order status repeats phone and points.
    pub(crate) tells_all: bool,
    /// Late applications and lags keep to no settle time.
    pub(crate) beyond: bool,
    /// A known number is taken for a new order: nothing but the bound of late requests keeps it from being paid twice.
    pub(crate) applies_repeats: bool,
    /// How far the gateway's clock is ahead, in milliseconds.
    pub(crate) ahead_ms: i64,
}

/// Everything that a seed says.
#[derive(Clone, Debug)]
pub(crate) struct Scenario {
    pub(crate) rows: Vec<Row>,
    pub(crate) members: BTreeMap<String, MemberRecord>,
    pub(crate) settings: RunSettings,
    pub(crate) mix: Mix,
    pub(crate) temper: Temper,
    pub(crate) runs: Vec<FaultyRun>,
}

impl Scenario {
    pub(crate) fn draw(seed: u64) -> Self {
        let mut rng = Rng::with_seed(seed);
        let (rows, members) = draw_rows(&mut rng);
        let budget: u64 = rows.iter().map(|row| u64::from(row.points.value())).sum();
        let settings = draw_settings(&mut rng, budget, seed);
        let beyond = rng.u32(0..8) == 0;
        let settle = settings.policy.settle;
        let temper = Temper {
            burns: rng.bool(),
            another_check: sometimes(&mut rng, 500),
            payout_refused: sometimes(&mut rng, 200),
            order_failed: sometimes(&mut rng, 200),
            flaps: sometimes(&mut rng, 400),
            unclear: sometimes(&mut rng, 150),
            lag: if rng.bool() { Duration::ZERO } else { settle.mul_f64(rng.f64() * if beyond { 12.0 } else { 1.0 }) },
            tells_all: rng.u32(0..4) == 0,
            beyond,
            applies_repeats: settings.fence.is_some() && !beyond && rng.u32(0..3) == 0,
            ahead_ms: if rng.bool() { 0 } else { rng.i64(-30_000..=30_000) },
        };
        let mix = Mix::draw(&mut rng);
        let count = rng.usize(1..=4);
        let mut runs: Vec<FaultyRun> =
            (0..count).map(|index| draw_run(&mut rng, index, rows.len(), &settings, &temper)).collect();
        let mut edits = Rng::with_seed(seed ^ 0x0065_6469_7473);
        for run in &mut runs {
            run.edit = (edits.u32(0..8) == 0).then(|| edits.u64(..));
        }
        Self { rows, members, settings, mix, temper, runs }
    }
}

/// Half of the seeds do without it; the others have it with up to `most` thousandths.
fn sometimes(rng: &mut Rng, most: u32) -> u32 {
    if rng.bool() { 0 } else { rng.u32(1..=most) }
}

fn draw_rows(rng: &mut Rng) -> (Vec<Row>, BTreeMap<String, MemberRecord>) {
    let skew = rng.f64();
    let count = 1 + (skew * skew * skew * 40.0) as usize;
    let shared = rng.u32(0..3) == 0;
    let by_reference = rng.bool();
    let sickly = sometimes(rng, 400);
    let (mut rows, mut members) = (Vec::with_capacity(count), BTreeMap::new());
    let mut occurrences = BTreeMap::<String, u32>::new();
    for index in 0..count {
        let number = if shared { rng.usize(0..count.div_ceil(3)) } else { index };
        let member = member_of(number);
        let record = draw_member(rng, number, sickly);
        let occurrence = occurrences.entry(member.key()).and_modify(|n| *n += 1).or_insert(1);
        let key =
            if by_reference { RowKey::reference(&format!("R{index}")) } else { RowKey::member(&member, *occurrence) };
        for alias in [Some(member.key()), member.phone().map(|phone| phone.as_str().to_owned())].into_iter().flatten() {
            members.entry(alias).or_insert_with(|| record.clone());
        }
        let name = match rng.u32(0..10) {
            0 | 1 => Some(format!("Member {number}")),
            2 => Some("Somebody Else".to_owned()),
            _ => None,
        };
        let points = Points::new(rng.u64(50..=5000)).expect("points in range");
        rows.push(Row { key, member, points, name });
    }
    (rows, members)
}

/// The same member for the same number.
fn member_of(number: usize) -> Member {
    let phone = PhoneNumber::parse(&format!("09{number:08}")).expect("a phone number");
    match number % 10 {
        7 => Member::Card { id: format!("9704{number:04}"), phone: Some(phone) },
        8 => Member::Card { id: format!("9704{number:04}"), phone: None },
        9 => Member::UserId { id: format!("u{number}"), phone: None },
        _ => Member::Phone(phone),
    }
}

fn draw_member(rng: &mut Rng, number: usize, sickly: u32) -> MemberRecord {
    let mut record = MemberRecord {
        full_name: format!("Member {number}"),
        status: "A",
        card_status: "A",
        exists: true,
        refusal: None,
    };
    if rng.u32(0..1000) < sickly {
        match rng.u32(0..4) {
            0 => record.status = if rng.bool() { "I" } else { "B" },
            1 => record.card_status = "I",
            2 => record.exists = false,
            // Active at the pre-check, refused at the top-up (G9).
            _ => record.refusal = rng.choice([4_000_306, 4_000_326, 4_000_315, 4_000_318]),
        }
    }
    record
}

fn draw_settings(rng: &mut Rng, budget_points: u64, seed: u64) -> RunSettings {
    let timeout = Duration::from_millis(rng.u64(1..=30) * 1000);
    let mut settle = timeout.mul_f64(*rng.choice([1.0, 1.5, 2.0, 10.0].iter()).expect("a factor"));
    let mut rate_per_s = *rng.choice([1.0, 2.0, 3.5, 5.0, 10.0, 20.0, 50.0, 200.0].iter()).expect("a rate");
    let fence = rng.bool().then(|| Fence {
        window: Duration::from_secs(*rng.choice([300, 7200].iter()).expect("a window")),
        within: Duration::from_secs(*rng.choice([5, 10, 20, 45].iter()).expect("a bound")),
    });
    if let Some(fence) = fence {
        // As the program refuses other settings.
        settle = settle.max(fence.within + Duration::from_secs(10));
        rate_per_s = f64::max(rate_per_s, 2.0 / fence.permit_lives(timeout).as_secs_f64());
    }
    let first = (settle / 4).clamp(Duration::from_millis(50), Duration::from_secs(1));
    RunSettings {
        mode: Mode::Pay,
        policy: Policy {
            settle,
            late: fence.map_or(Duration::ZERO, |fence| fence.arrives_for()),
            queries_max: rng.u32(2..=10),
            resends_max: rng.u32(0..=3),
            resubmit: rng.u32(0..8) > 0,
            member_checks_max: rng.u32(1..=8),
            idle_sends_max: rng.u32(1..=8),
            backoff: Backoff { first, longest: first * 30 },
        },
        names: *rng.choice([Names::Hold, Names::Warn, Names::Off].iter()).expect("a way"),
        names_missing: *rng.choice([NamesMissing::Hold, NamesMissing::Pay].iter()).expect("a way"),
        rate_per_s,
        max_in_flight: *rng.choice([1, 2, 5, 1000, 1000].iter()).expect("a number"),
        timeout,
        fence,
        canary_rows: rng.u32(0..=4),
        breaker_in_doubt: *rng.choice([0, 1, 2, 3, 20].iter()).expect("a number"),
        breaker_refused: *rng.choice([0, 1, 2, 3].iter()).expect("a number"),
        budget_points,
        stop_after: None,
        quiet_before: Duration::ZERO,
        shared_pace: None,
        is_unattended: false,
        seed,
    }
}

fn draw_run(rng: &mut Rng, index: usize, rows: usize, settings: &RunSettings, temper: &Temper) -> FaultyRun {
    let mut moment = |per_row: u64| {
        let most = (rows as u64 * per_row + 4) as f64;
        1 + (rng.f64() * rng.f64() * most) as u64
    };
    let (crash, interrupt, write, copy_at) = (moment(16), moment(16), moment(8), moment(30));
    let later = 1 + moment(4);
    let ending = match rng.u32(0..20) {
        0..5 => Ending::Natural,
        5..11 => Ending::Crash(crash),
        11..13 => Ending::Interrupt(interrupt),
        13 => Ending::InterruptAt(Duration::from_millis(rng.u64(0..60_000))),
        14 => Ending::InterruptAndCrash(interrupt, later),
        15..18 => Ending::WriteFails(write),
        _ => Ending::CommitFails(write),
    };
    let settle = settings.policy.settle;
    let mut gap = match rng.u32(0..6) {
        0 | 1 => Duration::ZERO,
        2 | 3 => Duration::from_millis(rng.u64(0..2000)),
        4 => settle.mul_f64(rng.f64() * 2.0),
        _ => Duration::from_secs(3 * 3600),
    };
    let mut loss = None;
    // A gateway that applies repeats tells no later ledger what an earlier one sent.
    if index > 0 && !temper.beyond && !temper.applies_repeats && rng.u32(0..8) == 0 {
        loss = Some(if rng.bool() { Loss::Deleted } else { Loss::Restored });
        // Who loses a ledger notices it and begins anew later than a request can still be on its way.
        gap += settle + settings.timeout + Duration::from_secs(1);
    }
    let jump_ms = match rng.u32(0..10) {
        0 => -3_600_000,
        // A clock that leaps ahead hides how short ago the last request left.
        1 if gap >= Duration::from_secs(1) => 3_600_000,
        2 => -20_000,
        3 if gap >= Duration::from_secs(1) => 20_000,
        _ => 0,
    };
    let spell = match rng.u32(0..12) {
        0 => Some(Spell::Revoked),
        1 => Some(Spell::Clock),
        2 => Some(Spell::Merchant),
        3 => Some(Spell::Campaign(rng.u32(1..=8))),
        4 | 5 => {
            let lasts = Duration::from_millis(rng.u64(100..=60_000));
            Some(Spell::Outage { lasts, top_ups_only: rng.bool() })
        }
        _ => None,
    };
    FaultyRun {
        mode: match rng.u32(0..10) {
            0 => Mode::Resolve,
            1 => Mode::CheckMembers,
            _ => Mode::Pay,
        },
        ending,
        gap,
        loss,
        jump_ms,
        person: rng.u32(0..3) == 0,
        spell: spell.map(|spell| (spell, rng.u64(0..=(rows as u64 * 2)))),
        copy_at,
        edit: None,
    }
}
