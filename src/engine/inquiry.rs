//! Asks order status of chosen numbers, at the pace of a run, and lets the caller decide on each answer.
//!
//! For people's commands and for `verify`: nothing here can send a top-up.

use super::event::{CallKind, Requests, RunReport, Stop, StopCode};
use super::pacer::Pacer;
use super::reach::{Reach, Reached};
use super::settings::RunSettings;
use super::worker::{self, Called, Ticket};
use super::{EngineError, breaker};
use crate::domain::answer::{Notice, order_meaning};
use crate::domain::event::{Event, OrderAnswer};
use crate::domain::invoice_no::InvoiceNo;
use crate::domain::payout_status::{PayoutStatus, State};
use crate::domain::phone::PhoneNumber;
use crate::gateway::{Gateway, Request};
use crate::ledger::{Batch, Binding, Call, Entry, LedgerError, Payout, PayoutId, RunLedger, UnixMs};
use std::future::Future;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::task::JoinSet;
use tokio::time::Instant;

/// The pause after a 429 that names none.
const PAUSE: Duration = Duration::from_secs(1);
/// Numbers that are asked about at once: the pace decides, this only bounds the memory.
const UNDER_WAY_MAX: usize = 256;

/// One number to ask about.
#[derive(Clone, Debug)]
pub struct Inquiry {
    /// The payout that is asked about.
    pub payout: PayoutId,
    /// A number of an earlier attempt; `None`: the one in use.
    pub earlier: Option<InvoiceNo>,
}

/// What the gateway answered about one number.
#[derive(Clone, Debug)]
pub struct Asked {
    /// The payout as it stood before.
    pub payout: Payout,
    /// How it stands, the answer included.
    pub standing: PayoutStatus,
    /// How it stood before.
    pub before: State,
    /// The last answer.
    pub answer: OrderAnswer,
    /// What the gateway said, for people.
    pub message: String,
    /// The phone that the last answer named, should the gateway ever repeat it.
    pub phone: Option<PhoneNumber>,
    /// The number is that of an earlier attempt.
    pub is_earlier: bool,
}

impl Asked {
    /// The decision, if what the gateway said allows it. A new attempt gets a number of its own.
    #[must_use]
    pub fn decision(&self, batch: &Batch, event: Event, why: &str) -> Option<Decision> {
        let after = self.standing.clone().after(&event).ok()?;
        let new_number = (after.attempt > self.standing.attempt).then(|| {
            let Binding { invoice_prefix, merchant_id, .. } = &batch.binding;
            InvoiceNo::derive(invoice_prefix, merchant_id, &batch.name, &self.payout.key, after.attempt)
        });
        Some(Decision { event, why: why.to_owned(), new_number })
    }
}

/// What a person decided about a payout.
#[derive(Clone, Debug)]
pub struct Decision {
    /// What the decision does to the payout.
    pub event: Event,
    /// The reason, and who it was.
    pub why: String,
    /// The number of the new attempt, where the event begins one.
    pub new_number: Option<InvoiceNo>,
}

/// What all that are asked about share.
struct Way {
    pacer: Arc<Pacer>,
    reach: Arc<Mutex<Reach>>,
    now_unix_s: i64,
}

/// Every try at one number.
#[derive(Debug)]
struct Tried {
    inquiry: Inquiry,
    payout: Payout,
    tries: Vec<Called>,
    answer: OrderAnswer,
    stop: Option<Stop>,
}

/// Asks about each number once, again while there is no usable answer, and records what was answered about numbers in
/// use together with what `decide` makes of it.
///
/// # Errors
/// When the ledger fails, or a decision contradicts a payout's history.
pub async fn ask<G: Gateway>(
    settings: &RunSettings,
    ledger: &RunLedger,
    gateway: Arc<G>,
    clock: impl Fn() -> UnixMs,
    shutdown: impl Future<Output = ()>,
    inquiries: Vec<Inquiry>,
    mut decide: impl FnMut(&Asked) -> Option<Decision>,
) -> Result<RunReport, EngineError> {
    ledger.check_may_call()?;
    let started = Instant::now();
    let pacer = Arc::new(Pacer::of(settings, started));
    let reach = Arc::new(Mutex::new(Reach::new(settings.timeout)));
    let mut report = RunReport {
        requests: Requests::default(),
        checked: 0,
        stop: None,
        interrupted: false,
        elapsed: Duration::ZERO,
    };
    let mut waiting = inquiries.into_iter();
    let mut tasks = JoinSet::new();
    tokio::pin!(shutdown);
    loop {
        while report.stop.is_none() && !report.interrupted && tasks.len() < UNDER_WAY_MAX {
            let Some(inquiry) = waiting.next() else { break };
            let payout = ledger.payout(inquiry.payout)?;
            let (settings, gateway) = (settings.clone(), Arc::clone(&gateway));
            let way = Way { pacer: Arc::clone(&pacer), reach: Arc::clone(&reach), now_unix_s: clock() / 1000 };
            tasks.spawn(async move { ask_one(&settings, &way, gateway.as_ref(), inquiry, payout).await });
        }
        let tried = tokio::select! {
            biased;
            () = &mut shutdown, if !report.interrupted => {
                report.interrupted = true;
                pacer.close();
                continue;
            }
            tried = tasks.join_next() => tried,
        };
        let Some(tried) = tried else { break };
        let tried = tried.map_err(|error| LedgerError::Stopped(error.to_string()))??;
        if let Some(stop) = take_in(ledger, clock(), tried, &mut report.requests, &mut decide).await? {
            pacer.close();
            report.stop.get_or_insert(stop);
        }
    }
    report.elapsed = started.elapsed();
    Ok(report)
}

/// Asks until there is a usable answer, or none is to be had.
async fn ask_one<G: Gateway>(
    settings: &RunSettings,
    way: &Way,
    gateway: &G,
    inquiry: Inquiry,
    payout: Payout,
) -> Result<Tried, LedgerError> {
    let pacer = way.pacer.as_ref();
    let number = inquiry.earlier.clone().unwrap_or_else(|| payout.top_up.invoice_no.clone());
    let mut tried = Tried { inquiry, payout, tries: Vec::new(), answer: OrderAnswer::AskAgain, stop: None };
    for n in 1..=settings.policy.queries_max {
        let Some(slot) = pacer.slot().await else { break };
        let ticket = Ticket {
            payout: tried.payout.id,
            kind: CallKind::OrderStatus,
            request_id: format!("{:08x}-q{n}-{number}", settings.seed & 0xffff_ffff),
        };
        let request = std::future::ready(Ok(Request::OrderStatus(number.clone())));
        let called = worker::call(gateway, pacer, slot, ticket, request).await?;
        if called.departed.is_none() {
            break;
        }
        let (answer, notice) = order_meaning(&called.received.reply, &tried.payout.top_up);
        tried.answer = answer;
        tried.stop = stop_of(notice, way, &called);
        tried.tries.push(called);
        if answer != OrderAnswer::AskAgain || tried.stop.is_some() {
            break;
        }
        tokio::time::sleep(settings.policy.backoff.wait(n, 0.0)).await;
    }
    Ok(tried)
}

fn stop_of(notice: Notice, way: &Way, called: &Called) -> Option<Stop> {
    let (received, pacer) = (&called.received, &way.pacer);
    // A panic while it was held left counts, each whole.
    let mut reach = way.reach.lock().unwrap_or_else(PoisonError::into_inner);
    match reach.on_reply(received, called.departed, called.ended) {
        Reached::GoOn => {}
        Reached::Pause(_, pause) => drop(pacer.slow_down(pause)),
        Reached::Stop(stop) => return Some(stop),
    }
    match notice {
        Notice::None | Notice::CountsForBreaker => None,
        Notice::SlowDown { retry_after_s } => {
            let pause = retry_after_s.map_or(PAUSE, Duration::from_secs);
            if pause > super::outcome::RETRY_AFTER_MAX {
                let message =
                    format!("the gateway asks for a pause of {} s\nhint: try again after it", pause.as_secs());
                return Some(Stop { code: StopCode::RateLimited, message });
            }
            pacer.slow_down(pause);
            None
        }
        Notice::StopsBatch(what) => {
            Some(breaker::repair(what, received.reply.answer(), &received.message, way.now_unix_s))
        }
    }
}

/// Records every try about a number in use, and the decision that follows from the last.
async fn take_in(
    ledger: &RunLedger,
    at: UnixMs,
    tried: Tried,
    requests: &mut Requests,
    decide: &mut impl FnMut(&Asked) -> Option<Decision>,
) -> Result<Option<Stop>, EngineError> {
    let Tried { inquiry, payout, tries, answer, stop } = tried;
    let is_earlier = inquiry.earlier.is_some();
    let mut standing = ledger.standing(payout.id)?;
    let before = standing.state;
    let mut entries = Vec::new();
    let (mut message, mut phone) = (String::new(), None);
    let was_asked = !tries.is_empty();
    for called in tries {
        requests.count(CallKind::OrderStatus);
        let (answer, _) = order_meaning(&called.received.reply, &payout.top_up);
        message = called.received.message.clone();
        phone = called.received.reply.answer().and_then(|answer| PhoneNumber::spelt(answer.data.phone.as_deref()?));
        if !is_earlier {
            let call = called.to_call();
            let event = Event::OrderAnswered(answer);
            // What a purge removed must not come back in the gateway's words.
            let is_kept = !message.is_empty() && !payout.top_up.member.is_purged();
            let note = is_kept.then(|| message.clone());
            push(&mut entries, &mut standing, payout.id, event, (Some(call), note, None, None))?;
        }
    }
    let asked = Asked { payout, standing: standing.clone(), before, answer, message, phone, is_earlier };
    // Nothing is decided about a number that the end of the others' calls kept from being asked about: what an earlier
    // answer said is no answer of now.
    if let Some(Decision { event, why, new_number }) = decide(&asked).filter(|_| was_asked) {
        push(&mut entries, &mut standing, asked.payout.id, event, (None, None, Some(why), new_number))?;
    }
    if !entries.is_empty() {
        ledger.record(at, entries).await?;
    }
    Ok(stop)
}

type Beside = (Option<Call>, Option<String>, Option<String>, Option<InvoiceNo>);

fn push(
    entries: &mut Vec<Entry>,
    standing: &mut PayoutStatus,
    payout: PayoutId,
    event: Event,
    (call, note, why, new_number): Beside,
) -> Result<(), EngineError> {
    let before = standing.state;
    *standing = standing.clone().after(&event)?;
    entries.push(Entry { call, note, why, new_number, ..Entry::of(payout, event, before, standing) });
    Ok(())
}
