//! `retry`, `release`, `cancel`, `attest`: a person's decisions about payouts. They only change the plan; `resume` sends.

use super::args::{AttestArgs, CancelArgs, ReleaseArgs};
use super::context::{Context, unix_ms, who};
use super::elsewhere;
use super::execute::{asking, block_on};
use super::failure::{Exit, Failure};
use super::interrupt::Interrupt;
use super::output::{Output, Report};
use super::repeat::RetryArgs;
use super::setup;
use crate::domain::event::{Event, OrderAnswer};
use crate::domain::standing::{SIGNED_BYTES_VALID, State};
use crate::engine::{self, Asked, Decision, Inquiry};
use crate::ledger::{Access, Batch, Entry, Payout, PayoutId, Purpose, RunLedger, UnixMs};
use crate::report::{counted, grouped};
use anyhow::anyhow;
use serde_json::json;
use std::collections::HashMap;
use std::fmt::Write;
use std::sync::Arc;

/// Plans again what is declined or ineligible, after asking what became of the old number.
pub(super) fn retry(context: &Context, args: &RetryArgs) -> Result<Report, Failure> {
    let RetryArgs { decision: args, repeat } = args;
    let desk = Desk::open(context, &args.batch, "retry", repeat.why())?;
    let mut payouts = desk.ledger.in_state(State::Declined)?;
    payouts.extend(desk.ledger.in_state(State::Ineligible)?);
    let (mut inquiries, mut refused) = (Vec::new(), Vec::new());
    for id in payouts {
        match elsewhere::held_back(&desk.ledger, id, desk.repeat_is_meant)? {
            Some(why) => refused.push(desk.refusal(id, &why)?),
            None => inquiries.push(Inquiry { payout: id, earlier: None }),
        }
    }
    let question = format!(
        "ask the gateway about {}, and plan those again that it did not credit",
        counted(inquiries.len() as u64, "payout")
    );
    desk.consent(&question, args.yes)?;
    let why = by(&args.why);
    let (mut planned, mut credited) = (0_u64, 0_u64);
    let decide = |asked: &Asked| {
        let decision = asked.decision(&desk.batch, Event::Retried, &why);
        match &decision {
            Some(_) => planned += 1,
            None if asked.standing.state == State::Credited => credited += 1,
            None => refused.push(refusal_of(&asked.payout, &no_usable_answer(asked))),
        }
        decision
    };
    let stop = desk.ask(context, inquiries, decide)?;
    if let Some(stop) = stop {
        return Err(stop);
    }
    let mut text = format!("planned again: {}\n", counted(planned, "payout"));
    if credited > 0 {
        let _ = writeln!(text, "credited after all: {}", counted(credited, "payout"));
    }
    desk.close(Exit::Done, text, json!({"planned": planned, "credited": credited}), refused)
}

/// Plans held payouts again, and accepts the name that the gateway gave, or that it gives none.
pub(super) fn release(context: &Context, args: &ReleaseArgs) -> Result<Report, Failure> {
    let desk = Desk::open(context, &args.decision.batch, "release", args.repeat.why())?;
    let (mut events, mut left_alone) = (Vec::new(), Vec::new());
    let mut question = "release, and accept the member's name:".to_owned();
    for id in desk.find_all(&args.payouts)? {
        let standing = desk.ledger.standing(id)?;
        if standing.state != State::Held {
            return Err(desk.not_possible(id, "released", standing.state));
        }
        if let Some(why) = elsewhere::held_back(&desk.ledger, id, desk.repeat_is_meant)? {
            left_alone.push(desk.refusal(id, &why)?);
            continue;
        }
        let (expected, found) = desk.ledger.names(id)?;
        let payout = desk.ledger.payout(id)?;
        let found = found.unwrap_or_default().trim().to_owned();
        let _ = write!(
            question,
            "\n  row {}, {} points: the file says {}, the gateway {}",
            payout.row,
            payout.top_up.points.value(),
            expected.as_deref().unwrap_or("nothing"),
            if found.is_empty() { "gives no name".to_owned() } else { format!("says {found}") }
        );
        events.push((id, Event::Released { name: Some(found) }));
    }
    if events.is_empty() {
        return Err(elsewhere::nothing_released(left_alone));
    }
    desk.consent(&question, args.decision.yes)?;
    desk.decide_all(context, Vec::new(), events, &args.decision.why, "planned again", left_alone)
}

/// Closes payouts that are planned or held: at a word what was never sent, and after asking the gateway what was.
pub(super) fn cancel(context: &Context, args: &CancelArgs) -> Result<Report, Failure> {
    let desk = Desk::open(context, &args.decision.batch, "cancel", None)?;
    let payouts = if args.all_planned { desk.ledger.in_state(State::Planned)? } else { desk.find_all(&args.payouts)? };
    let (mut at_once, mut asked_first) = (Vec::new(), Vec::new());
    for id in payouts {
        let standing = desk.ledger.standing(id)?;
        if !matches!(standing.state, State::Planned | State::Held) {
            return Err(desk.not_possible(id, "cancelled", standing.state));
        }
        let asks = standing.asks_first(&Event::Cancelled);
        if asks { &mut asked_first } else { &mut at_once }.push((id, Event::Cancelled));
    }
    let mut question = format!("close {} for ever", counted((at_once.len() + asked_first.len()) as u64, "payout"));
    if !asked_first.is_empty() {
        if let Some(failure) = desk.unbound {
            return Err(failure);
        }
        let _ = write!(question, ", after asking the gateway about {} that were sent before", asked_first.len());
    }
    desk.consent(&question, args.decision.yes)?;
    desk.decide_all(context, at_once, asked_first, &args.decision.why, "cancelled", Vec::new())
}

fn valid_ms() -> UnixMs {
    UnixMs::try_from(SIGNED_BYTES_VALID.as_millis()).unwrap_or(UnixMs::MAX)
}

/// How long after a send a person's word that it did nothing is too early: the two hours for which a signed request is
/// valid, or longer where the gateway's window is longer and nothing bounds late requests.
fn still_valid_ms(context: &Context) -> Result<UnixMs, Failure> {
    let window = match setup::fence(&context.config)? {
        Some(_) => 0,
        None => setup::timestamp_window(&context.config)?.as_millis(),
    };
    Ok(UnixMs::try_from(window).unwrap_or(UnixMs::MAX).max(valid_ms()))
}

/// Takes a person's evidence for a payout in doubt, unless the gateway contradicts it.
pub(super) fn attest(context: &Context, args: &AttestArgs) -> Result<Report, Failure> {
    let desk = Desk::open(context, &args.decision.batch, "attest", None)?;
    let id = desk.find(&args.payout)?;
    let (event, word) = if args.credited {
        (Event::AttestedCredited, "credited")
    } else {
        (Event::AttestedNotCredited, "not credited")
    };
    let state = desk.ledger.standing(id)?.state;
    if state != State::InDoubt {
        return Err(refused(format!(
            "only a payout in doubt can be attested, and {} is {}",
            args.payout,
            state.word()
        )));
    }
    let since_ms = desk.ledger.last_send_at(id)?.map(|at| unix_ms() - at);
    let still_valid_ms = still_valid_ms(context)?;
    if !args.credited && since_ms.is_none_or(|since_ms| since_ms < still_valid_ms) {
        let while_valid = if still_valid_ms == valid_ms() {
            "two hours".to_owned()
        } else {
            format!("{} s (timestamp_window_s)", still_valid_ms / 1000)
        };
        return Err(refused(format!(
            "not within {while_valid} of the last send: the gateway may still apply it\nhint: topup resolve {} asks again",
            desk.batch.name
        )));
    }
    desk.consent(&format!("take it as evidence that {} was {word}", args.payout), args.decision.yes)?;
    let why = by(&args.decision.why);
    let mut answered = None;
    let decide = |asked: &Asked| {
        answered = Some((asked.standing.state, asked.answer));
        asked.decision(&desk.batch, event.clone(), &why)
    };
    if let Some(stop) = desk.ask(context, vec![Inquiry { payout: id, earlier: None }], decide)? {
        return Err(stop);
    }
    let contradicts = match answered {
        Some((_, OrderAnswer::OtherOrder)) => true,
        Some((state, _)) => matches!((state, args.credited), (State::Credited, false) | (State::Declined, true)),
        None => false,
    };
    if contradicts {
        let message = "the gateway contradicts the evidence; its answer is recorded, and the evidence is not";
        return Err(Failure::new(Exit::Differs, "contradiction", anyhow!(message)));
    }
    if desk.ledger.standing(id)?.state == State::InDoubt {
        let message = "the gateway gave no usable answer, so nothing was attested\nhint: try again later";
        return Err(refused(message.to_owned()));
    }
    desk.close(Exit::Done, format!("{} is {word}\n", args.payout), json!({"attested": word}), Vec::new())
}

fn no_usable_answer(asked: &Asked) -> String {
    match (asked.answer, asked.standing.state) {
        (_, State::Credited) => "the gateway says that it is credited: that is recorded".to_owned(),
        (OrderAnswer::Absent, _) => {
            "the gateway does not know the order, and said before that it knows the number or that it failed".to_owned()
        }
        (OrderAnswer::OtherOrder, _) => "the gateway names another phone or amount under this number".to_owned(),
        (
            OrderAnswer::Success
            | OrderAnswer::Failed
            | OrderAnswer::Undecided
            | OrderAnswer::Unclear
            | OrderAnswer::AskAgain,
            _,
        ) => format!("no usable answer: {}", asked.message),
    }
}

/// A person's reason, and who it was.
fn by(why: &str) -> String {
    format!("{why} ({})", who())
}

fn refused(message: String) -> Failure {
    Failure::new(Exit::Refused, "refused", anyhow!(message))
}

/// What a payout that was left alone is listed as.
fn refusal_of(payout: &Payout, why: &str) -> serde_json::Value {
    json!({"row": payout.row, "invoice_no": payout.top_up.invoice_no.as_str(), "why": why})
}

/// A batch that is open for a person's decisions, under the run lock.
struct Desk {
    ledger: RunLedger,
    batch: Batch,
    /// Why the gateway of the configuration cannot be asked; only a cancellation can do without.
    unbound: Option<Failure>,
    repeat_is_meant: bool,
    _lock: crate::ledger::RunLock,
}

impl Desk {
    fn open(context: &Context, name: &str, command: &str, repeat: Option<&str>) -> Result<Self, Failure> {
        let (ledger, lock) = context.open_locked(command, Access::Write)?;
        let batch = ledger.batch(name)?.unpurged()?;
        let mut under = setup::under(&context.config, Purpose::Ask)?;
        under.repeats.why = repeat.map(by);
        let unbound = ledger.check_binding(Some(&batch), &under.binding).map_err(Failure::from).err();
        let unbound = match unbound {
            Some(failure) if command != "cancel" => return Err(failure),
            other => other,
        };
        if unbound.is_some() {
            under.purpose = Purpose::Record;
        }
        let repeat_is_meant = repeat.is_some();
        Ok(Self { ledger: ledger.into_run(batch.id, &under)?, batch, unbound, repeat_is_meant, _lock: lock })
    }

    fn find(&self, named: &str) -> Result<PayoutId, Failure> {
        self.ledger.find(named)?.ok_or_else(|| {
            let message = format!(
                "batch {} has no payout {named:?}\nhint: name it by its reference or its invoice_no",
                self.batch.name
            );
            Failure::new(Exit::Usage, "no_payout", anyhow!(message))
        })
    }

    fn find_all(&self, named: &[String]) -> Result<Vec<PayoutId>, Failure> {
        let mut found = Vec::new();
        for named in named {
            let id = self.find(named)?;
            // Named twice, as by its reference and by its number, it is one payout all the same.
            if !found.contains(&id) {
                found.push(id);
            }
        }
        Ok(found)
    }

    fn refusal(&self, id: PayoutId, why: &str) -> Result<serde_json::Value, Failure> {
        Ok(refusal_of(&self.ledger.payout(id)?, why))
    }

    /// Asks a person, or takes `--yes` for it.
    fn consent(&self, question: &str, yes: bool) -> Result<(), Failure> {
        if yes {
            return Ok(());
        }
        if !Output::can_ask() {
            let message = "without a terminal this needs --yes; nothing was changed";
            return Err(Failure::new(Exit::Refused, "no_consent", anyhow!(message)));
        }
        match Output::ask(&format!("{question}\ntype yes: ")).as_deref() {
            Some("yes") => Ok(()),
            Some(_) | None => Err(Failure::new(Exit::Refused, "no_consent", anyhow!("nothing was changed"))),
        }
    }

    /// Decides about some payouts at once, all of them or none, and about others each by what the gateway says of it.
    fn decide_all(
        self,
        context: &Context,
        at_once: Vec<(PayoutId, Event)>,
        asked_first: Vec<(PayoutId, Event)>,
        why: &str,
        word: &str,
        mut refused: Vec<serde_json::Value>,
    ) -> Result<Report, Failure> {
        let why = by(why);
        let held_back = refused.len() as u64;
        let (mut changed, mut credited) = (0_u64, 0_u64);
        let events: HashMap<PayoutId, Event> = asked_first.into_iter().collect();
        if !events.is_empty() {
            let mut ids: Vec<PayoutId> = events.keys().copied().collect();
            ids.sort_unstable();
            let inquiries = ids.into_iter().map(|payout| Inquiry { payout, earlier: None }).collect();
            let decide = |asked: &Asked| {
                let decision = asked.decision(&self.batch, events.get(&asked.payout.id)?.clone(), &why);
                match &decision {
                    Some(_) => changed += 1,
                    None => {
                        credited += u64::from(asked.standing.state == State::Credited);
                        refused.push(refusal_of(&asked.payout, &no_usable_answer(asked)));
                    }
                }
                decision
            };
            if let Some(stop) = self.ask(context, inquiries, decide)? {
                return Err(stop);
            }
        }
        changed += self.record_all(at_once, &why)?;
        let exit = match (refused.len() as u64 - held_back, credited) {
            (0, _) => Exit::Done,
            (left, credited) if left == credited => Exit::Refused,
            (_, _) => Exit::Unfinished,
        };
        let text = format!("{word}: {}\n", counted(changed, "payout"));
        self.close(exit, text, json!({"changed": changed, "credited": credited}), refused)
    }

    /// Records decisions that need no word of the gateway; gives how many.
    fn record_all(&self, events: Vec<(PayoutId, Event)>, why: &str) -> Result<u64, Failure> {
        let mut entries = Vec::new();
        for (id, event) in events {
            let standing = self.ledger.standing(id)?;
            let before = standing.state;
            let after = standing.after(&event).map_err(crate::ledger::LedgerError::from)?.state;
            entries.push(Entry {
                payout: id,
                event,
                before,
                after,
                call: None,
                note: None,
                why: Some(why.to_owned()),
                new_number: None,
                recovered: false,
            });
        }
        let count = entries.len() as u64;
        if count > 0 {
            block_on(async { self.ledger.record(unix_ms(), entries).await.map_err(Failure::from) })?;
        }
        Ok(count)
    }

    fn not_possible(&self, id: PayoutId, word: &str, state: State) -> Failure {
        let row = self.ledger.payout(id).map(|payout| payout.row).unwrap_or_default();
        let state = state.word();
        refused(format!(
            "row {row} is {state}, and cannot be {word}; nothing was changed\nhint: topup status {} says what leads out \
             of each state",
            self.batch.name
        ))
    }

    /// Asks the gateway; gives the failure to end with, if it stopped early.
    fn ask(
        &self,
        context: &Context,
        inquiries: Vec<Inquiry>,
        decide: impl FnMut(&Asked) -> Option<Decision>,
    ) -> Result<Option<Failure>, Failure> {
        let gateway = Arc::new(setup::gateway(&context.config)?);
        let settings = asking(context)?;
        let report = block_on(async {
            let mut shutdown = Interrupt::listen()?;
            engine::ask(&settings, &self.ledger, gateway, unix_ms, &mut shutdown, inquiries, decide)
                .await
                .map_err(Failure::from)
        })?;
        context.note_trouble(settings.shared_pace.as_ref());
        Ok(super::execute::early_end(report.stop.as_ref(), report.interrupted))
    }

    fn close(
        self,
        exit: Exit,
        mut text: String,
        json: serde_json::Value,
        refused: Vec<serde_json::Value>,
    ) -> Result<Report, Failure> {
        let totals = self.ledger.totals()?;
        let planned = totals.of(State::Planned);
        self.ledger.close()?;
        for refusal in &refused {
            let _ = writeln!(text, "left alone: {refusal}");
        }
        let _ = writeln!(text, "planned now: {}, {} points", counted(planned.rows, "payout"), grouped(planned.points));
        if planned.rows > 0 {
            let _ = writeln!(text, "next: topup resume {}", self.batch.name);
        }
        let mut object = json!({"batch": self.batch.name.as_str()});
        if let (Some(object), serde_json::Value::Object(more)) = (object.as_object_mut(), json) {
            object.extend(more);
            object.insert("left_alone".to_owned(), json!(refused));
        }
        Ok(Report { exit, json: object, text })
    }
}
