//! One or two payouts, the gateway's book, and everything that can happen to them next.
//!
//! The program's side is nothing but the pure core, driven as the engine drives it: an event is durable before the
//! next call leaves, only an eligible member's answer waits for the intent. A crash forgets the [`PayoutProcess`] and what
//! was not durable, and rebuilds the [`PayoutStatus`] from the rest.

use crate::gateway_model::{Book, Order, Repeats, Verdict};
use crate::history::Sends;
use std::fmt::{self, Write as _};
use std::hash::{DefaultHasher, Hasher as _};
use std::rc::Rc;
use std::time::Duration;
use topup::domain::backoff::Backoff;
use topup::domain::event::{Doubt, Event, Fate, MemberAnswer, OrderAnswer};
use topup::domain::payout_process::{PayoutProcess, Permissions, Policy, RunTime, Step};
use topup::domain::payout_status::{PayoutStatus, State};

/// How long a call takes that is answered.
pub(crate) const ANSWERED: Duration = Duration::from_secs(1);
/// How long a call takes whose answer is lost.
pub(crate) const TIMEOUT: Duration = Duration::from_secs(3);
/// A quarter of the longest: asks for an order shortly before the settle time, and hears of it after.
const JITTER: f64 = 0.25;

/// What may go wrong, and how patient the program is.
#[derive(Clone, Debug)]
pub(crate) struct Setting {
    pub(crate) policy: Policy,
    pub(crate) repeats: Repeats,
    /// Order status may say absent of an order that is in the book.
    pub(crate) status_lags: bool,
    /// Something on the way may deliver a send twice, whatever the first delivery was answered.
    pub(crate) duplicates: bool,
    /// The member has a phone, so that there is a pre-check.
    pub(crate) checkable: bool,
    /// Persons may say what is not so.
    pub(crate) persons_err: bool,
    /// A crash may also bring back an older ledger.
    pub(crate) restores: bool,
    /// Another ledger may send the same numbers meanwhile.
    pub(crate) rivals: bool,
}

impl Setting {
    /// The documented gateway, a patience that reaches every branch, and no pre-check.
    pub(crate) fn documented() -> Self {
        Self {
            policy: Policy {
                settle: Duration::from_secs(7),
                late: Duration::from_secs(3),
                queries_max: 3,
                resends_max: 2,
                resubmit: true,
                member_checks_max: 2,
                idle_sends_max: 2,
                backoff: Backoff { first: Duration::from_secs(2), longest: Duration::from_secs(4) },
            },
            repeats: Repeats::Refused,
            status_lags: true,
            duplicates: false,
            checkable: false,
            persons_err: false,
            restores: false,
            rivals: false,
        }
    }

    /// Whether the ledger's words are to agree with the book at every moment. They cannot where a refusal may hide a
    /// second delivery, where a person errs, or where events were lost with the disk.
    fn words_agree(&self) -> bool {
        !self.duplicates && !self.persons_err && !self.restores
    }
}

/// What of the rarer things may still happen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Budget {
    /// Crashes and new runs.
    pub(crate) restarts: u8,
    /// A person's decisions, and `verify`.
    pub(crate) persons: u8,
    /// Changes of what the run allows.
    pub(crate) turns: u8,
}

/// One payout: the program's side, the judge's, the gateway's.
#[derive(Clone, Debug)]
pub(crate) struct Paying {
    pub(crate) course: PayoutProcess,
    pub(crate) history: Vec<Event>,
    /// The last event is not durable yet.
    pub(crate) volatile: bool,
    sends: Sends,
    pub(crate) book: Book,
    pub(crate) others: Others,
    pub(crate) set_aside_once: bool,
}

/// What ledgers other than this one did under the payout's numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Others {
    Nothing,
    /// A lost ledger's top-up under the first number was credited.
    Credited,
    /// A lost ledger's top-up under the first number failed for good.
    Failed,
    /// One paid it while this ledger was at work.
    Meanwhile,
}

#[derive(Clone, Debug)]
pub(crate) struct Fixture {
    pub(crate) payouts: Vec<Paying>,
    pub(crate) now: RunTime,
    pub(crate) allowance: Permissions,
    pub(crate) budget: Budget,
    /// How it came to this, for a failure's message.
    trace: Trace,
}

impl Fixture {
    pub(crate) fn new(setting: &Setting, others: &[Others], budget: Budget) -> Self {
        let payouts = others.iter().map(|&others| {
            let mut book = Book::new(setting.repeats);
            match others {
                Others::Nothing | Others::Meanwhile => {}
                Others::Credited => book.arrives(1, Verdict::Credit),
                Others::Failed => book.arrives(1, Verdict::Fail),
            }
            Paying {
                course: PayoutProcess::new(PayoutStatus::default(), setting.checkable),
                history: Vec::new(),
                volatile: false,
                sends: Sends::default(),
                book,
                others,
                set_aside_once: false,
            }
        });
        let allowance = Permissions { submits: true, query_first: false };
        Self { payouts: payouts.collect(), now: RunTime::ZERO, allowance, budget, trace: Trace(None) }
    }

    /// Equal for worlds in which the same can happen; the way there is no part of it.
    pub(crate) fn key(&self) -> u64 {
        struct Hashed(DefaultHasher);
        impl std::fmt::Write for Hashed {
            fn write_str(&mut self, text: &str) -> std::fmt::Result {
                self.0.write(text.as_bytes());
                Ok(())
            }
        }
        let mut hashed = Hashed(DefaultHasher::new());
        let (now, allowance, budget) = (self.now, self.allowance, self.budget);
        let mut written = vec![write!(hashed, "{now:?}{allowance:?}{budget:?}")];
        for paying in &self.payouts {
            let Paying { course, history: _, volatile, sends, book, others, set_aside_once } = paying;
            written.push(write!(hashed, "{course:?}{volatile}{sends:?}{book:?}{others:?}{set_aside_once}"));
        }
        assert!(written.iter().all(Result::is_ok));
        hashed.0.finish()
    }

    pub(crate) fn step(&self, index: usize, setting: &Setting) -> Step {
        self.payouts[index].course.step(&setting.policy, self.allowance, self.now)
    }

    pub(crate) fn with(&self, what: &'static str, change: impl FnOnce(&mut Self)) -> Self {
        let mut world = self.clone();
        world.trace.add(what, None);
        change(&mut world);
        world
    }

    pub(crate) fn pass(&mut self, time: Duration) {
        self.pass_until(self.now + time);
    }

    pub(crate) fn pass_until(&mut self, until: RunTime) {
        self.now = until;
        for paying in &mut self.payouts {
            paying.book.drop_overdue(until);
        }
    }

    /// A crash, or the end of a run, and the beginning of the next: nothing is left but the ledger and the gateway.
    pub(crate) fn restart(&mut self, setting: &Setting) {
        self.budget.restarts = self.budget.restarts.saturating_sub(1);
        for paying in &mut self.payouts {
            if std::mem::take(&mut paying.volatile) {
                paying.history.pop();
            }
            paying.begin_run(self.now, setting);
        }
        self.allowance.submits = true;
        self.now = RunTime::ZERO;
    }

    /// A crash that takes the end of one payout's history with it: a ledger out of a backup.
    pub(crate) fn restore(&mut self, index: usize, kept: usize, setting: &Setting) {
        let paying = &mut self.payouts[index];
        paying.volatile = false;
        paying.history.truncate(kept);
        self.restart(setting);
        self.check_book();
    }

    pub(crate) fn ask(&mut self, index: usize, answer: OrderAnswer, setting: &Setting) {
        let asked_at = self.now;
        self.pass(if answer == OrderAnswer::AskAgain { TIMEOUT } else { ANSWERED });
        self.take(index, Event::OrderAnswered(answer), asked_at, setting);
    }

    pub(crate) fn check_submit(&self, index: usize, setting: &Setting) {
        assert!(self.allowance.submits, "a submit while none is allowed: {self:#?}");
        let forbidden = self.payouts[index].sends.forbid_submit(&setting.policy, self.allowance.query_first);
        assert!(forbidden.is_none(), "a submit, although {}: {self:#?}", forbidden.unwrap_or_default());
    }

    /// Takes an event into the core, and judges what the core makes of it.
    pub(crate) fn take(&mut self, index: usize, event: Event, asked_at: RunTime, setting: &Setting) {
        self.trace.add("took", Some((self.now, event.clone())));
        let (policy, now) = (&setting.policy, self.now);
        let paying = &mut self.payouts[index];
        let before = paying.course.standing().clone();
        let taken = paying.course.clone().take(&event, policy, asked_at, now, JITTER);
        let Ok(course) = taken else { panic!("{}: {self:#?}", taken.map(drop).unwrap_err()) };
        let after = course.standing().clone();
        paying.sends = paying.sends.clone().after(&event, asked_at, now, policy.proof_after());
        paying.history.push(event);
        (paying.course, paying.volatile) = (course, false);
        let recorded = PayoutStatus::from_history(&paying.history);
        assert_eq!(recorded.as_ref(), Ok(&after), "the history says otherwise: {self:#?}");
        // As the engine does: the number was taken, and no send of this ledger explains it.
        self.allowance.query_first |= after.taken > before.taken && after.doubtful == after.taken;
        self.check_standing(index, &before, &after, setting);
    }

    fn check_standing(&self, index: usize, before: &PayoutStatus, after: &PayoutStatus, setting: &Setting) {
        let paying = &self.payouts[index];
        let objection = paying.sends.objection_to(before.state, after.state);
        assert!(objection.is_none(), "{:?}, but {}: {self:#?}", after.state, objection.unwrap_or_default());
        self.check_book();
        if after.attempt != before.attempt {
            let failed = paying.book.order(before.attempt) == Order::Failed;
            assert!(failed, "a new number, although the old order did not fail: {self:#?}");
        }
        if setting.words_agree() {
            self.check_words(index, after);
        }
    }

    /// V1.
    fn check_book(&self) {
        for paying in &self.payouts {
            assert!(paying.book.credits <= 1, "paid twice: {self:#?}");
        }
    }

    /// What the ledger says of a payout is so at the gateway.
    ///
    /// Of a payout that another ledger paid, some words may be wrong, and no ledger can help it: one that was told absent
    /// before the other one paid, or one that was refused before the gateway looked for the number. Never the word
    /// credited; and a send of the number is refused.
    fn check_words(&self, index: usize, standing: &PayoutStatus) {
        let paying = &self.payouts[index];
        let (book, attempt) = (&paying.book, standing.attempt);
        let credited = book.credits > 0;
        let cannot_be_credited = !credited && (!book.is_on_its_way(attempt) || book.order(attempt) == Order::Failed);
        let paid_by_other = credited && matches!(paying.others, Others::Credited | Others::Meanwhile);
        let holds = match standing.state {
            State::Credited => credited,
            State::InDoubt => true,
            State::Ineligible | State::Held => cannot_be_credited || paying.others == Others::Meanwhile,
            State::Planned | State::Declined | State::Cancelled => cannot_be_credited || paid_by_other,
        };
        assert!(holds, "{:?} is not so: {self:#?}", standing.state);
        let explained = !standing.recovered() || paid_by_other || paying.sends.attested;
        assert!(explained, "a send of this ledger explains the credit: {self:#?}");
    }

    /// Everything heals: sends land or never will, each answer is true and definite. Then every payout finishes, with
    /// the right word, and another run has nothing to do (V2, V3, V12).
    pub(crate) fn check_healing(&self, setting: &Setting) {
        for lands in [true, false] {
            let mut world = self.clone();
            for paying in &mut world.payouts {
                while !paying.book.late.is_empty() {
                    if lands { paying.book.lands(0, Verdict::Credit) } else { paying.book.late.clear() }
                }
            }
            world.trace.add("heals", None);
            // Two runs: what a run set aside, the next one takes up.
            for _ in 0..2 {
                world.restart(setting);
                (0..world.payouts.len()).for_each(|index| world.run_healed(index, setting));
            }
            world.restart(setting);
            (0..world.payouts.len()).for_each(|index| world.check_finished(index, setting));
        }
    }

    fn run_healed(&mut self, index: usize, setting: &Setting) {
        for _ in 0..32 {
            let attempt = self.payouts[index].course.standing().attempt;
            match self.step(index, setting) {
                Step::Wait(until) => self.pass_until(until),
                Step::CheckMember => {
                    self.pass(ANSWERED);
                    let now = self.now;
                    self.take(index, Event::MemberAnswered(MemberAnswer::Eligible), now, setting);
                }
                Step::QueryStatus => {
                    let truth = self.payouts[index].book.status(attempt);
                    self.ask(index, truth, setting);
                }
                Step::Submit => {
                    self.check_submit(index, setting);
                    let now = self.now;
                    self.take(index, Event::SubmitIntended, now, setting);
                    self.pass(ANSWERED);
                    let (now, book) = (self.now, &mut self.payouts[index].book);
                    let known = book.knows(attempt);
                    book.arrives(attempt, Verdict::Credit);
                    let fate = if known { Fate::Unknown(Doubt::NumberTaken) } else { Fate::Credited };
                    self.take(index, Event::SendEnded(fate), now, setting);
                }
                Step::SetAside | Step::Rest => return,
            }
        }
        panic!("a run without an end: {self:#?}");
    }

    fn check_finished(&self, index: usize, setting: &Setting) {
        let paying = &self.payouts[index];
        let (standing, credited) = (paying.course.standing(), paying.book.credits > 0);
        let finished = match standing.state {
            State::Planned => false,
            // Left to a person, for one of these reasons.
            State::InDoubt => {
                let sends = &paying.sends;
                let exhausted = sends.resends >= setting.policy.resends_max || !setting.policy.resubmit;
                !credited && (sends.taken || exhausted)
            }
            State::Credited => credited,
            State::Declined | State::Cancelled => !credited || paying.others != Others::Nothing,
            State::Ineligible | State::Held => !credited || paying.others == Others::Meanwhile,
        };
        assert!(finished, "{:?} after everything healed: {self:#?}", standing.state);
        if standing.state != State::InDoubt {
            assert_eq!(self.step(index, setting), Step::Rest, "a finished payout wants a call: {self:#?}");
        }
        // What no run can know, that another ledger paid, `verify` finds out.
        let truth = paying.book.status(standing.attempt);
        let verified = standing.clone().after(&Event::OrderAnswered(truth));
        let is_true = verified.as_ref().is_ok_and(|verified| (verified.state == State::Credited) == credited);
        assert!(is_true, "{verified:?} after `verify`: {self:#?}");
    }
}

impl Paying {
    fn begin_run(&mut self, now: RunTime, setting: &Setting) {
        let standing = PayoutStatus::from_history(&self.history);
        let Ok(standing) = standing else { panic!("a recorded history cannot be: {standing:?}") };
        self.course = PayoutProcess::new(standing, setting.checkable);
        self.sends = Sends::of(&self.history);
        self.book.restart_clock(now);
        self.set_aside_once = false;
    }
}

/// What happened, the last first; worlds share their beginnings.
#[derive(Clone)]
struct Trace(Option<Rc<Happened>>);

/// What happened, the event if the core was told one, and what was before.
type Happened = (&'static str, Option<(RunTime, Event)>, Trace);

impl Trace {
    fn add(&mut self, what: &'static str, event: Option<(RunTime, Event)>) {
        *self = Self(Some(Rc::new((what, event, self.clone()))));
    }
}

impl fmt::Debug for Trace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut list = f.debug_list();
        let mut trace = self;
        while let Some(node) = &trace.0 {
            match &node.1 {
                Some((at, event)) => list.entry(&format_args!("{at:?} {event:?}")),
                None => list.entry(&format_args!("{}", node.0)),
            };
            trace = &node.2;
        }
        list.finish()
    }
}
