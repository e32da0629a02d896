//! Pays what is approved as it comes, one batch after the other, until somebody stops it.
//!
//! What is to be done is read from the ledger each time, so that a machine that died is replaced by whichever comes next.
//! A batch that a person stopped, or that stopped for a person to look at it, is left to a person.

use super::clock::unix_ms;
use super::context::{Context, Door, News, StopSignal, Watch, Watched};
use super::failure::{Ending, Failure};
use super::pay::{self, Ended, GoOn, Paid};
use super::propose::check_settings;
use super::runtime::block_on;
use crate::domain::hint::StepText;
use crate::domain::payout_status::State;
use crate::domain::sha256::Sha256;
use crate::engine::{self, Mode, StopCode};
use crate::ledger::{Batch, BatchId, LastRun, UnixMs};
use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::future::poll_fn;
use std::rc::Rc;
use std::time::Duration;

/// How to look for work.
#[derive(Clone, Copy, Debug)]
pub struct WorkRequest {
    /// How long to wait before the ledger is looked at again.
    pub poll: Duration,
    /// How long a batch rests whose run left something that another try may help.
    pub rest: Duration,
    /// Pay what there is, and end.
    pub once: bool,
}

/// Pays approved plans; `on_end` hears how each run ended. Gives how the work ended: interrupted in a run, else done, or,
/// where it was to end by itself, as the worst of its runs did.
pub fn work(context: Context<'_>, request: &WorkRequest, mut on_end: impl FnMut(&Ended)) -> Result<Ending, Failure> {
    check_settings(context)?;
    drop(context.open_to_read()?);
    let door = OneSignal::listen(context.door)?;
    let mut work = Work {
        context: Context { door: &door, ..context },
        rest: request.rest,
        left: HashMap::new(),
        ended: HashMap::new(),
        told: HashMap::new(),
        worst: Ending::Done,
    };
    loop {
        while let Some(batch) = work.next()? {
            match work.pay(&batch) {
                Ok(Some(ended)) => {
                    on_end(&ended);
                    work.worst = worse(work.worst, ended.ending);
                    // What the gateway refuses of one batch it refuses of all.
                    if matches!(ended.ending, Ending::Interrupted | Ending::Credentials) {
                        return Ok(ended.ending);
                    }
                }
                Ok(None) => {}
                Err(failure) if failure.ending == Ending::Locked && !request.once => {
                    work.tell(&batch, "waits: another command is at work on this ledger");
                    break;
                }
                Err(failure) => return Err(failure),
            }
            if door.is_stopped() {
                return Ok(Ending::Done);
            }
        }
        if request.once {
            return Ok(work.worst);
        }
        if door.stops_within(request.poll)? {
            return Ok(Ending::Done);
        }
    }
}

/// The one of two ends that somebody has to know of.
fn worse(one: Ending, other: Ending) -> Ending {
    let order = [Ending::Unfinished, Ending::Partial];
    order.into_iter().find(|ending| [one, other].contains(ending)).unwrap_or(Ending::Done)
}

/// What this process knows beside the ledger.
struct Work<'c> {
    context: Context<'c>,
    rest: Duration,
    /// Batches of which nothing can be paid as long as their history ends so.
    left: HashMap<BatchId, Sha256>,
    /// How the history of a batch ended after its last run here.
    ended: HashMap<BatchId, Sha256>,
    /// What was said of a batch last, so that it is said once.
    told: HashMap<BatchId, String>,
    /// How the runs so far ended, and what was left to a person.
    worst: Ending,
}

impl Work<'_> {
    /// The oldest batch that has something to be paid now.
    fn next(&mut self) -> Result<Option<Batch>, Failure> {
        let ledger = self.context.open_to_read()?;
        for batch in ledger.batches()?.into_iter().filter(|batch| batch.purged_at.is_none()) {
            let totals = ledger.totals(batch.id)?;
            let open = totals.of(State::Planned).rows + totals.of(State::InDoubt).rows;
            if open == 0 || self.left.get(&batch.id) == Some(&batch.chain_head) {
                continue;
            }
            let last = ledger.last_run(batch.id, engine::PAYING)?;
            let is_news = self.ended.get(&batch.id) != Some(&batch.chain_head);
            match turn(last.as_ref(), is_news, unix_ms(), self.rest) {
                Turn::Now => return Ok(Some(batch)),
                Turn::Later => self.worst = Ending::Unfinished,
                Turn::Person(why) => {
                    self.worst = Ending::Unfinished;
                    self.tell(&batch, &why);
                }
            }
        }
        Ok(None)
    }

    /// Pays a batch; `None`: nothing of it could be paid.
    fn pay(&mut self, batch: &Batch) -> Result<Option<Box<Ended>>, Failure> {
        let name = batch.name.to_string();
        let go_on = GoOn { batch: name, mode: Mode::Pay, repeat_why: None, is_unattended: true };
        let paid = pay::take_up(self.context, &go_on, || Ok(())).and_then(|ready| pay::pay(self.context, ready));
        match paid {
            Ok(Paid::Ended(ended)) => {
                self.ended.insert(batch.id, ended.batch.chain_head);
                return Ok(Some(ended));
            }
            Ok(Paid::Waits(..)) => self.tell(batch, "waits for another person's approval"),
            Err(failure) if matches!(failure.ending, Ending::Refused | Ending::Waits) => {
                self.worst = Ending::Unfinished;
                self.tell(batch, &format!("is left alone: {}", failure.message));
            }
            Err(failure) => return Err(failure),
        }
        self.left.insert(batch.id, batch.chain_head);
        Ok(None)
    }

    fn tell(&mut self, batch: &Batch, what: &str) {
        if self.told.get(&batch.id).is_none_or(|told| told != what) {
            self.context.door.tell(&News::Note(&format!("batch {} {what}", batch.name)));
            self.told.insert(batch.id, what.to_owned());
        }
    }
}

/// Whether it is a batch's turn.
#[derive(Debug, PartialEq, Eq)]
enum Turn {
    Now,
    Later,
    /// Only after a person looked at it, and went on with it.
    Person(String),
}

/// `is_news`: something happened since the end of its last run, as far as is known here.
fn turn(last: Option<&LastRun>, is_news: bool, now: UnixMs, rest: Duration) -> Turn {
    let Some(LastRun { beginning, ended: Some((at, how)) }) = last else {
        // Never begun, or cut off: whoever comes finishes it.
        return Turn::Now;
    };
    if how == engine::INTERRUPTED {
        return if engine::was_unattended(beginning) {
            Turn::Now
        } else {
            Turn::Person("was stopped by a person, and is left to one".to_owned())
        };
    }
    match StopCode::parse(how) {
        Some(code) if code.needs_a_person() => {
            return Turn::Person(format!("stopped ({}), and is left to a person", code.word()));
        }
        // It ended the work; whoever began it again will have set that right.
        Some(StopCode::Credentials | StopCode::Clock) => return Turn::Now,
        None if is_news => return Turn::Now,
        _ => {}
    }
    // A clock that went back says nothing about how long ago that was.
    let since = u64::try_from(now - at).map_or(Duration::MAX, Duration::from_millis);
    if since >= rest { Turn::Now } else { Turn::Later }
}

/// A door at which one wish to end is meant for whatever is at work then, and for the time between two runs.
struct OneSignal<'d> {
    door: &'d dyn Door,
    signal: Rc<RefCell<StopSignal>>,
    has_come: Rc<Cell<bool>>,
}

impl<'d> OneSignal<'d> {
    fn listen(door: &'d dyn Door) -> Result<Self, Failure> {
        let signal = Rc::new(RefCell::new(door.stop_signal()?));
        Ok(Self { door, signal, has_come: Rc::new(Cell::new(false)) })
    }

    fn wish(&self) -> StopSignal {
        let (signal, has_come) = (Rc::clone(&self.signal), Rc::clone(&self.has_come));
        Box::pin(poll_fn(move |context| {
            if !has_come.get() && signal.borrow_mut().as_mut().poll(context).is_ready() {
                has_come.set(true);
            }
            if has_come.get() { std::task::Poll::Ready(()) } else { std::task::Poll::Pending }
        }))
    }

    /// Whether somebody wished so already.
    fn is_stopped(&self) -> bool {
        let mut context = std::task::Context::from_waker(std::task::Waker::noop());
        self.wish().as_mut().poll(&mut context).is_ready()
    }

    /// Whether somebody wishes so within this time.
    fn stops_within(&self, time: Duration) -> Result<bool, Failure> {
        block_on(async { Ok(tokio::time::timeout(time, self.wish()).await.is_ok()) })
    }
}

impl Door for OneSignal<'_> {
    fn tell(&self, news: &News<'_>) {
        self.door.tell(news);
    }

    fn step_text(&self) -> StepText {
        self.door.step_text()
    }

    fn stop_signal(&self) -> Result<StopSignal, Failure> {
        Ok(self.wish())
    }

    fn watch(&self, run: Watched) -> Box<dyn Watch + '_> {
        self.door.watch(run)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const REST: Duration = Duration::from_secs(600);

    fn after(beginning: &str, ended: Option<(UnixMs, &str)>, now: UnixMs) -> Turn {
        let ended = ended.map(|(at, how)| (at, how.to_owned()));
        turn(Some(&LastRun { beginning: beginning.to_owned(), ended }), true, now, REST)
    }

    #[test]
    fn what_was_never_begun_or_was_cut_off_is_paid() {
        assert_eq!(turn(None, true, 0, REST), Turn::Now);
        assert_eq!(after("Pay 1", None, 0), Turn::Now);
        assert_eq!(after("Pay 1", Some((5, "done")), 6), Turn::Now);
    }

    #[test]
    fn what_a_person_stopped_or_has_to_look_at_is_left_to_a_person() {
        assert!(matches!(after("Pay 1", Some((5, "interrupted")), 6), Turn::Person(_)));
        assert_eq!(after("Pay 1 unattended", Some((5, "interrupted")), 6), Turn::Now);
        for how in ["breaker", "budget", "canary"] {
            assert!(matches!(after("Pay 1 unattended", Some((5, how)), i64::MAX), Turn::Person(_)), "{how}");
        }
    }

    #[test]
    fn what_another_try_may_help_rests_first() {
        for how in ["unfinished", "unreachable", "unavailable", "rate_limited"] {
            assert_eq!(after("Pay 1", Some((1000, how)), 600_999), Turn::Later, "{how}");
            assert_eq!(after("Pay 1", Some((1000, how)), 601_000), Turn::Now, "{how}");
            assert_eq!(after("Pay 1", Some((1000, how)), 999), Turn::Now, "the clock went back");
        }
        // A run that came to its end and left something in doubt.
        let done = LastRun { beginning: "Pay 1".to_owned(), ended: Some((1000, "done".to_owned())) };
        assert_eq!(turn(Some(&done), false, 600_999, REST), Turn::Later);
        assert_eq!(turn(Some(&done), false, 601_000, REST), Turn::Now);
        assert_eq!(turn(Some(&done), true, 1001, REST), Turn::Now);
    }
}
