//! `retry`, `release`, `cancel`, `attest`: a person's decisions about payouts. They only change the plan; `resume` sends.

use super::args::{AttestArgs, CancelArgs, DecisionArgs, ReleaseArgs};
use super::context::{Context, unix_ms, who};
use super::execute::{asking, block_on};
use super::failure::{Exit, Failure};
use super::interrupt::Interrupt;
use super::output::{Output, Report};
use super::setup;
use crate::domain::event::{Event, OrderAnswer};
use crate::domain::invoice_no::InvoiceNo;
use crate::domain::standing::{Impossible, State};
use crate::engine::{self, Asked, Decision, Inquiry};
use crate::ledger::{Access, Batch, Entry, Payout, PayoutId, RunLedger};
use crate::plan;
use crate::report::{counted, grouped};
use anyhow::anyhow;
use serde_json::json;
use std::fmt::Write;
use std::sync::Arc;

/// The gateway may still apply signed bytes for so long (VinID top-up API, header `X-Timestamp`).
const STILL_VALID_MS: i64 = 2 * 60 * 60 * 1000;

/// Plans again what is declined or ineligible, after asking what became of the old number.
pub(super) fn retry(context: &Context, args: &DecisionArgs) -> Result<Report, Failure> {
    let desk = Desk::open(context, &args.batch, "retry")?;
    let mut payouts = desk.ledger.in_state(State::Declined)?;
    payouts.extend(desk.ledger.in_state(State::Ineligible)?);
    let (mut inquiries, mut refused) = (Vec::new(), Vec::new());
    for id in payouts {
        match desk.ledger.open_elsewhere(id)? {
            Some(batch) => refused.push(desk.refusal(id, &format!("batch {batch} has the same payout open"))?),
            None => inquiries.push(Inquiry { payout: id, earlier: None }),
        }
    }
    let question = format!(
        "ask the gateway about {}, and plan those again that it did not credit",
        counted(inquiries.len() as u64, "payout")
    );
    desk.consent(&question, args.yes)?;
    let why = desk.why(&args.why);
    let (mut planned, mut credited) = (0_u64, 0_u64);
    let decide = |asked: &Asked| {
        let decision = retry_decision(&desk.batch, asked, &why);
        match &decision {
            Some(_) => planned += 1,
            None if asked.standing.state == State::Credited => credited += 1,
            None => refused.push(refusal_of(&asked.payout, &format!("no usable answer: {}", asked.message))),
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
    desk.close(text, json!({"planned": planned, "credited": credited}), refused)
}

/// A new number only on `E`; an absent one is used again.
fn retry_decision(batch: &Batch, asked: &Asked, why: &str) -> Option<Decision> {
    let new_number = match asked.answer {
        OrderAnswer::Failed => Some(InvoiceNo::derive(
            &batch.binding.invoice_prefix,
            &batch.binding.merchant_id,
            &batch.name,
            &asked.payout.key,
            asked.standing.attempt + 1,
        )),
        OrderAnswer::Absent if !asked.standing.failed => None,
        OrderAnswer::Absent | OrderAnswer::Success | OrderAnswer::Unclear | OrderAnswer::AskAgain => return None,
    };
    asked.standing.clone().after(&Event::Retried).ok()?;
    Some(Decision { event: Event::Retried, why: why.to_owned(), new_number })
}

/// Plans held payouts again, and accepts the name that the gateway gave.
pub(super) fn release(context: &Context, args: &ReleaseArgs) -> Result<Report, Failure> {
    let desk = Desk::open(context, &args.decision.batch, "release")?;
    let mut events = Vec::new();
    let mut question = "release, and accept the member's name:".to_owned();
    for id in desk.find_all(&args.payouts)? {
        if let Some(batch) = desk.ledger.open_elsewhere(id)? {
            let message = format!("batch {batch} has the same payout open\nhint: finish that batch first");
            return Err(Failure::new(Exit::Refused, "repeated_open", anyhow!(message)));
        }
        let (expected, found) = desk.ledger.names(id)?;
        if found.as_deref().unwrap_or_default().trim().is_empty() {
            return Err(refused(
                "the gateway gave no name that could be accepted; nothing was changed\nhint: cancel the payout, and pay \
                 it in a batch without a name column if it is to be paid"
                    .to_owned(),
            ));
        }
        let payout = desk.ledger.payout(id)?;
        let _ = write!(
            question,
            "\n  row {}, {} points: the file says {}, the gateway says {}",
            payout.row,
            payout.top_up.points.value(),
            expected.as_deref().unwrap_or("nothing"),
            found.as_deref().unwrap_or("nothing")
        );
        events.push((id, Event::Released { name: found }));
    }
    desk.consent(&question, args.decision.yes)?;
    desk.decide_all(events, &args.decision.why, "planned again")
}

/// Closes payouts that are planned or held.
pub(super) fn cancel(context: &Context, args: &CancelArgs) -> Result<Report, Failure> {
    let desk = Desk::open(context, &args.decision.batch, "cancel")?;
    let payouts = if args.all_planned { desk.ledger.in_state(State::Planned)? } else { desk.find_all(&args.payouts)? };
    desk.consent(&format!("close {} for ever", counted(payouts.len() as u64, "payout")), args.decision.yes)?;
    let events = payouts.into_iter().map(|id| (id, Event::Cancelled)).collect();
    desk.decide_all(events, &args.decision.why, "cancelled")
}

/// Takes a person's evidence for a payout in doubt, unless the gateway contradicts it.
pub(super) fn attest(context: &Context, args: &AttestArgs) -> Result<Report, Failure> {
    let desk = Desk::open(context, &args.decision.batch, "attest")?;
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
    if !args.credited && since_ms.is_none_or(|since_ms| since_ms < STILL_VALID_MS) {
        return Err(refused(
            "not within two hours of the last send: the gateway may still apply it\nhint: topup resolve BATCH asks again"
                .replace("BATCH", desk.batch.name.as_str()),
        ));
    }
    desk.consent(&format!("take it as evidence that {} was {word}", args.payout), args.decision.yes)?;
    let why = desk.why(&args.decision.why);
    let mut answered = None;
    let decide = |asked: &Asked| {
        answered = Some(asked.standing.state);
        let still_open = asked.standing.state == State::InDoubt && asked.answer != OrderAnswer::AskAgain;
        still_open.then(|| Decision { event: event.clone(), why: why.clone(), new_number: None })
    };
    if let Some(stop) = desk.ask(context, vec![Inquiry { payout: id, earlier: None }], decide)? {
        return Err(stop);
    }
    match (answered, args.credited) {
        (Some(State::Credited), false) | (Some(State::Declined), true) => Err(Failure::new(
            Exit::Differs,
            "contradiction",
            anyhow!("the gateway contradicts the evidence; its answer is recorded, and the evidence is not"),
        )),
        (Some(_), _) if desk.ledger.standing(id)?.state == State::InDoubt => {
            Err(refused("the gateway gave no usable answer, so nothing was attested\nhint: try again later".to_owned()))
        }
        _ => desk.close(format!("{} is {word}\n", args.payout), json!({"attested": word}), Vec::new()),
    }
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
    _lock: crate::ledger::RunLock,
}

impl Desk {
    fn open(context: &Context, name: &str, command: &str) -> Result<Self, Failure> {
        let (ledger, lock) = context.open_locked(command, Access::Write)?;
        let batch = ledger.batch(name)?.unpurged()?;
        Ok(Self { ledger: ledger.into_run(batch.id)?, batch, _lock: lock })
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
        named.iter().map(|named| self.find(named)).collect()
    }

    fn refusal(&self, id: PayoutId, why: &str) -> Result<serde_json::Value, Failure> {
        Ok(refusal_of(&self.ledger.payout(id)?, why))
    }

    fn why(&self, why: &str) -> String {
        format!("{why} ({})", who())
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

    /// Records decisions that need no word of the gateway, all of them or none.
    fn decide_all(self, events: Vec<(PayoutId, Event)>, why: &str, word: &str) -> Result<Report, Failure> {
        let why = self.why(why);
        let mut entries = Vec::new();
        for (id, event) in events {
            let standing = self.ledger.standing(id)?;
            let before = standing.state;
            let after = standing.after(&event).map_err(|impossible| self.not_possible(id, &impossible))?.state;
            let entry = Entry {
                payout: id,
                event,
                before,
                after,
                call: None,
                note: None,
                why: Some(why.clone()),
                new_number: None,
                recovered: false,
            };
            entries.push(entry);
        }
        let count = entries.len() as u64;
        block_on(async { self.ledger.record(unix_ms(), entries).await.map_err(Failure::from) })?;
        self.close(format!("{word}: {}\n", counted(count, "payout")), json!({"changed": count}), Vec::new())
    }

    fn not_possible(&self, id: PayoutId, impossible: &Impossible) -> Failure {
        let row = self.ledger.payout(id).map(|payout| payout.row).unwrap_or_default();
        let state = impossible.standing.state.word();
        refused(format!(
            "row {row} cannot be changed in this way; nothing was changed\nhint: see `topup status`, its state was {state} or a send of it has an unknown fate"
        ))
    }

    /// Asks the gateway; gives the failure to end with, if it stopped early.
    fn ask(
        &self,
        context: &Context,
        inquiries: Vec<Inquiry>,
        decide: impl FnMut(&Asked) -> Option<Decision>,
    ) -> Result<Option<Failure>, Failure> {
        plan::check_binding(&self.batch, &setup::binding(&context.config)?)?;
        let gateway = Arc::new(setup::gateway(&context.config)?);
        let settings = asking(&context.config)?;
        let report = block_on(async {
            let mut shutdown = Interrupt::listen()?;
            engine::ask(&settings, &self.ledger, gateway, unix_ms, &mut shutdown, inquiries, decide)
                .await
                .map_err(Failure::from)
        })?;
        Ok(super::execute::early_end(report.stop.as_ref(), report.interrupted))
    }

    fn close(
        self,
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
        Ok(Report { exit: Exit::Done, json: object, text })
    }
}
