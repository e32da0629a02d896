//! A person's session of decisions about the payouts of one batch: finds them, asks the gateway, and writes what was decided.

use super::context::{Context, unix_ms, who};
use super::execute::{asking, block_on};
use super::failure::{Exit, Failure};
use super::interrupt::Interrupt;
use super::output::{Output, Report};
use super::people::WhoArgs;
use super::{approvals, setup};
use crate::domain::approval::ProposalKind;
use crate::domain::event::{Event, OrderAnswer};
use crate::domain::payout_status::State;
use crate::domain::team::Policy;
use crate::engine::{self, Asked, Decision, Inquiry};
use crate::ledger::{Access, Batch, Entry, Payout, PayoutId, Purpose, RunLedger};
use crate::report::{counted, grouped};
use anyhow::anyhow;
use serde_json::json;
use std::collections::HashMap;
use std::fmt::Write;
use std::ops::ControlFlow;
use std::sync::Arc;

pub(super) fn no_usable_answer(asked: &Asked) -> String {
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
pub(super) fn by(why: &str) -> String {
    format!("{why} ({})", who())
}

pub(super) fn refused(message: String) -> Failure {
    Failure::new(Exit::Refused, "refused", anyhow!(message))
}

/// What a payout that was left alone is listed as.
pub(super) fn refusal_of(payout: &Payout, why: &str) -> serde_json::Value {
    json!({"row": payout.row, "invoice_no": payout.top_up.invoice_no.as_str(), "why": why})
}

/// A batch that is open for a person's decisions, under the run lock.
pub(super) struct DecisionSession {
    pub(super) ledger: RunLedger,
    pub(super) batch: Batch,
    /// Why the gateway of the configuration cannot be asked; only a cancellation can do without.
    pub(super) unbound: Option<Failure>,
    pub(super) repeat_is_meant: bool,
    _lock: crate::ledger::RunLock,
}

impl DecisionSession {
    pub(super) fn open(context: &Context, name: &str, command: &str, repeat: Option<&str>) -> Result<Self, Failure> {
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

    /// Goes on where the decision takes one person, or another one approved exactly it; else it is stored, and waits.
    pub(super) fn approved(
        self,
        context: &Context,
        kind: ProposalKind,
        payouts: &[PayoutId],
        why: &str,
        repeat: Option<&str>,
        person: &WhoArgs,
    ) -> Result<ControlFlow<Report, Self>, Failure> {
        if self.ledger.team()?.policy() == Policy::OnePerson {
            return Ok(ControlFlow::Continue(self));
        }
        let name = self.batch.name.to_string();
        self.ledger.close()?;
        drop(self._lock);
        Ok(match approvals::decision(context, &name, kind, payouts, why, person)? {
            Some(report) => ControlFlow::Break(report),
            None => ControlFlow::Continue(Self::open(context, &name, kind.word(), repeat)?),
        })
    }

    pub(super) fn find(&self, named: &str) -> Result<PayoutId, Failure> {
        self.ledger.find(named)?.ok_or_else(|| {
            let message = format!(
                "batch {} has no payout {named:?}\nhint: name it by its reference or its invoice_no",
                self.batch.name
            );
            Failure::new(Exit::Usage, "no_payout", anyhow!(message))
        })
    }

    pub(super) fn find_all(&self, named: &[String]) -> Result<Vec<PayoutId>, Failure> {
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

    pub(super) fn refusal(&self, id: PayoutId, why: &str) -> Result<serde_json::Value, Failure> {
        Ok(refusal_of(&self.ledger.payout(id)?, why))
    }

    /// Asks a person, or takes `--yes` for it.
    pub(super) fn consent(&self, question: &str, yes: bool) -> Result<(), Failure> {
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
    pub(super) fn decide_all(
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
    pub(super) fn record_all(&self, events: Vec<(PayoutId, Event)>, why: &str) -> Result<u64, Failure> {
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

    pub(super) fn not_possible(&self, id: PayoutId, word: &str, state: State) -> Failure {
        let row = self.ledger.payout(id).map(|payout| payout.row).unwrap_or_default();
        let state = state.word();
        refused(format!(
            "row {row} is {state}, and cannot be {word}; nothing was changed\nhint: topup status {} says what leads out \
             of each state",
            self.batch.name
        ))
    }

    /// Asks the gateway; gives the failure to end with, if it stopped early.
    pub(super) fn ask(
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

    pub(super) fn close(
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
