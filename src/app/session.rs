//! A person's session of decisions about the payouts of one batch: finds them, asks the gateway, and writes what was decided.

use super::approvals;
use super::clock::{day, unix_ms};
use super::context::Context;
use super::decision::{Chosen, Decided, DecisionRequest, Outcome};
use super::failure::{Details, Ending, Failure, LeftAlone};
use super::identity::Identity;
use super::pay::{asking, early_end};
use super::runtime::block_on;
use crate::domain::approval::ProposalKind;
use crate::domain::event::{Event, OrderAnswer};
use crate::domain::hint::{Hint, Step};
use crate::domain::payout_status::State;
use crate::domain::team::Policy;
use crate::engine::{self, Asked, Decision, Inquiry};
use crate::ledger::{Access, Batch, Entry, Lease, LedgerError, Payout, PayoutId, Purpose, Repeat, RunLedger};
use crate::report::{counted, label};
use std::collections::HashMap;
use std::ops::ControlFlow;
use std::sync::Arc;

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

pub(super) fn refused(message: String) -> Failure {
    Failure::said(Ending::Refused, "refused", message)
}

fn left_alone(payout: &Payout, why: String) -> LeftAlone {
    LeftAlone { row: payout.row, invoice_no: payout.top_up.invoice_no.clone(), why }
}

/// A batch that is open for a person's decisions, under the ledger's lease; not while the person is asked.
pub(super) struct DecisionSession<'s> {
    context: Context<'s>,
    request: &'s DecisionRequest,
    command: &'s str,
    pub(super) ledger: RunLedger,
    pub(super) batch: Batch,
    /// Why the gateway of the configuration cannot be asked; only a cancellation can do without.
    pub(super) unbound: Option<Failure>,
    _lock: Lease,
}

impl<'s> DecisionSession<'s> {
    pub(super) fn open(context: Context<'s>, request: &'s DecisionRequest, command: &'s str) -> Result<Self, Failure> {
        let (ledger, lock) = context.open_locked(command, Access::Write)?;
        let batch = ledger.batch(&request.batch)?.unpurged()?;
        let why = request.repeat_why.as_deref().map(|why| context.reason(why));
        let mut under = context.settings.under(Purpose::Ask, why, unix_ms())?;
        let unbound = ledger.check_binding(Some(&batch), &under.binding).map_err(Failure::from).err();
        let unbound = match unbound {
            Some(failure) if command != "cancel" => return Err(failure),
            other => other,
        };
        if unbound.is_some() {
            under.purpose = Purpose::Record;
        }
        Ok(Self { context, request, command, ledger: ledger.into_run(batch.id, &under)?, batch, unbound, _lock: lock })
    }

    /// Goes on where the decision takes one person, or another one approved exactly it; else it is stored, and waits.
    pub(super) fn approved(
        self,
        kind: ProposalKind,
        payouts: &[PayoutId],
        person: &Identity<'_>,
    ) -> Result<ControlFlow<Decided, Self>, Failure> {
        if self.ledger.team()?.policy() == Policy::OnePerson {
            return Ok(ControlFlow::Continue(self));
        }
        let Self { context, request, command: _, ledger, batch, unbound: _, _lock: lock } = self;
        ledger.close()?;
        drop(lock);
        Ok(match approvals::decided(context, batch.name.as_str(), kind, payouts, &request.why, person)? {
            Some(seal) => {
                ControlFlow::Break(Decided::Waits { batch: batch.name, kind, seal, payouts: payouts.len() as u64 })
            }
            None => ControlFlow::Continue(Self::open(context, request, kind.word())?),
        })
    }

    /// Asks a person, while other commands may work: what is decided afterwards is decided of the batch as it was, or not
    /// at all.
    pub(super) fn agreed(self, ask: impl FnOnce() -> Result<(), Failure>) -> Result<Self, Failure> {
        let Self { context, request, command, ledger, batch, unbound: _, _lock: lock } = self;
        let seen = ledger.batch()?.chain_head;
        ledger.close()?;
        drop(lock);
        ask()?;
        let session = Self::open(context, request, command)?;
        if session.ledger.batch()?.chain_head == seen {
            Ok(session)
        } else {
            Err(Failure::changed(&format!("batch {}", batch.name)))
        }
    }

    /// A person's reason, and who it was.
    pub(super) fn why(&self) -> String {
        self.context.reason(&self.request.why)
    }

    pub(super) fn find(&self, named: &str) -> Result<PayoutId, Failure> {
        self.ledger.find(named)?.ok_or_else(|| {
            let message = format!("batch {} has no payout {named:?}", self.batch.name);
            let hint = Hint::of("name it by its reference or its invoice_no");
            Failure::said(Ending::Usage, "no_payout", message).with_hint(hint)
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

    /// Why a payout is not planned again: another batch of the merchant pays it, or paid it. A person may say why it is to
    /// be paid again, which counts for what was credited.
    pub(super) fn held_back(&self, id: PayoutId) -> Result<Option<LeftAlone>, Failure> {
        let Some(Repeat { batch, other_row, state, credited_at, .. }) = self.ledger.elsewhere(id, unix_ms())? else {
            return Ok(None);
        };
        let why = match credited_at {
            Some(_) if self.request.repeat_why.is_some() => return Ok(None),
            Some(at) => format!(
                "row {other_row} of batch {batch} credited the same member and points on {}: say why, if it is to be \
                 paid again",
                day(at)
            ),
            None => format!(
                "row {other_row} of batch {batch} has the same member and points, and is {}: finish it first",
                label(state)
            ),
        };
        Ok(Some(left_alone(&self.ledger.payout(id)?, why)))
    }

    /// Decides about some payouts at once, all of them or none, and about others each by what the gateway says of it.
    pub(super) fn decide_all(
        self,
        at_once: Vec<(PayoutId, Event)>,
        asked_first: Vec<(PayoutId, Event)>,
        held_back: Vec<LeftAlone>,
    ) -> Result<Outcome, Failure> {
        let events: HashMap<PayoutId, Event> = asked_first.iter().cloned().collect();
        let mut ids: Vec<PayoutId> = events.keys().copied().collect();
        ids.sort_unstable();
        let (mut changed, credited, refused) = self.ask_each(ids, |id| events.get(&id).cloned())?;
        changed += self.record_all(at_once)?;
        let ending = match (refused.len() as u64, credited) {
            (0, _) => Ending::Done,
            (left, credited) if left == credited => Ending::Refused,
            (_, _) => Ending::Unfinished,
        };
        self.close(ending, changed, credited, [held_back, refused].concat())
    }

    /// Asks about each payout, and decides what the answer allows: how many were changed, how many are credited after all,
    /// and what was left alone.
    pub(super) fn ask_each(
        &self,
        ids: Vec<PayoutId>,
        event: impl Fn(PayoutId) -> Option<Event>,
    ) -> Result<(u64, u64, Vec<LeftAlone>), Failure> {
        let (mut changed, mut credited, mut refused) = (0, 0, Vec::new());
        if ids.is_empty() {
            return Ok((changed, credited, refused));
        }
        let why = self.why();
        self.ask(ids, |asked| {
            let decision = asked.decision(&self.batch, event(asked.payout.id)?, &why);
            if decision.is_some() {
                changed += 1;
            } else {
                credited += u64::from(asked.standing.state == State::Credited);
                refused.push(left_alone(&asked.payout, no_usable_answer(asked)));
            }
            decision
        })?;
        Ok((changed, credited, refused))
    }

    /// Records decisions that need no word of the gateway; gives how many.
    fn record_all(&self, events: Vec<(PayoutId, Event)>) -> Result<u64, Failure> {
        let mut entries = Vec::new();
        for (payout, event) in events {
            let standing = self.ledger.standing(payout)?;
            let before = standing.state;
            let now = standing.after(&event).map_err(LedgerError::from)?;
            entries.push(Entry { why: Some(self.why()), ..Entry::of(payout, event, before, &now) });
        }
        let count = entries.len() as u64;
        if count > 0 {
            block_on(async { self.ledger.record(unix_ms(), entries).await.map_err(Failure::from) })?;
        }
        Ok(count)
    }

    /// The payouts that are meant, each of which has to be in one of these states; `done`: what is to be done with them.
    pub(super) fn choose(&self, chosen: &Chosen, may_be: &[State], done: &str) -> Result<Vec<PayoutId>, Failure> {
        let named = match chosen {
            Chosen::All(states) => {
                let mut all = Vec::new();
                for state in states {
                    all.extend(self.ledger.in_state(*state)?);
                }
                return Ok(all);
            }
            Chosen::Named(named) => self.find_all(named)?,
        };
        let (mut others, count) = (Vec::new(), named.len());
        for id in &named {
            let state = self.ledger.standing(*id)?.state;
            if !may_be.contains(&state) {
                others.push(left_alone(&self.ledger.payout(*id)?, format!("it is {}", label(state))));
            }
        }
        let Some(first) = others.first() else { return Ok(named) };
        let status = Hint::from(Step::Status(Some(self.batch.name.to_string())));
        let message = if count == 1 {
            format!("row {} cannot be {done}: {}; nothing was changed", first.row, first.why)
        } else {
            let (those, all) = (others.len(), counted(count as u64, "payout"));
            format!("{those} of {all} cannot be {done}; nothing was changed")
        };
        // The hint is a plain one on the screen.
        let failure = refused(message).with_hint(status.words(" says what leads out of each state"));
        Err(if count == 1 { failure } else { failure.with_details(Details::LeftAlone(others)) })
    }

    /// Asks the gateway.
    pub(super) fn ask(
        &self,
        payouts: Vec<PayoutId>,
        decide: impl FnMut(&Asked) -> Option<Decision>,
    ) -> Result<(), Failure> {
        let inquiries = payouts.into_iter().map(|payout| Inquiry { payout, earlier: None }).collect();
        let gateway = Arc::new(self.context.settings.gateway()?);
        let settings = asking(self.context)?;
        let report = block_on(async {
            let mut shutdown = self.context.door.stop_signal()?;
            let asked = engine::ask(&settings, &self.ledger, gateway, unix_ms, &mut shutdown, inquiries, decide);
            asked.await.map_err(Failure::from)
        })?;
        self.context.note_trouble(settings.shared_pace.as_ref());
        early_end(report.stop.as_ref(), report.interrupted).map_or(Ok(()), Err)
    }

    pub(super) fn close(
        self,
        ending: Ending,
        changed: u64,
        credited: u64,
        left_alone: Vec<LeftAlone>,
    ) -> Result<Outcome, Failure> {
        let planned = self.ledger.totals()?.of(State::Planned);
        self.ledger.close()?;
        Ok(Outcome { ending, batch: self.batch.name, changed, credited, left_alone, planned })
    }
}
