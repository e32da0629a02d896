//! A person's decisions about payouts: plan again, release, close, or take evidence. They only change the plan; a run sends.
//!
//! What may not be decided is refused by the ledger as it is written; what is looked at here before, so that a person hears
//! it before anything is asked.

use super::clock::unix_ms;
use super::context::Context;
pub use super::decision::{Agree, Chosen, Decided, DecisionRequest, HeldName, Outcome, Question};
use super::failure::{Details, Ending, Failure};
use super::identity::Identity;
use super::session::{DecisionSession, refused};
use crate::domain::approval::ProposalKind;
use crate::domain::event::{Event, OrderAnswer};
use crate::domain::hint::{Choice, Hint, Step};
use crate::domain::payout_status::{SIGNED_BYTES_VALID, State};
use crate::engine::Asked;
use crate::ledger::PayoutId;
use crate::report::label;
use std::ops::ControlFlow;

/// Plans again what is declined or ineligible, after asking what became of the old number.
pub fn retry(
    context: Context<'_>,
    request: &DecisionRequest,
    payouts: &Chosen,
    person: &Identity<'_>,
    agree: Agree<'_>,
) -> Result<Decided, Failure> {
    let session = DecisionSession::open(context, request, "retry")?;
    let payouts = session.choose(payouts, &[State::Declined, State::Ineligible], "planned again")?;
    let (mut ids, mut held_back) = (Vec::new(), Vec::new());
    for id in payouts {
        match session.held_back(id)? {
            Some(left) => held_back.push(left),
            None => ids.push(id),
        }
    }
    let session = match session.approved(ProposalKind::Retry, &ids, person)? {
        ControlFlow::Continue(session) => session,
        ControlFlow::Break(waits) => return Ok(waits),
    };
    let session = session.agreed(|| agree(&Question::Retry(ids.len() as u64)))?;
    let (changed, credited, refused) = session.ask_each(ids, |_| Some(Event::Retried))?;
    Ok(Decided::Done(session.close(Ending::Done, changed, credited, [held_back, refused].concat())?))
}

/// Plans held payouts again, and accepts the name that the gateway gave, or that it gives none.
pub fn release(
    context: Context<'_>,
    request: &DecisionRequest,
    payouts: &Chosen,
    person: &Identity<'_>,
    agree: Agree<'_>,
) -> Result<Decided, Failure> {
    let session = DecisionSession::open(context, request, "release")?;
    let (mut events, mut names, mut held_back) = (Vec::new(), Vec::new(), Vec::new());
    for id in session.choose(payouts, &[State::Held], "released")? {
        if let Some(left) = session.held_back(id)? {
            held_back.push(left);
            continue;
        }
        let (expected, found) = session.ledger.names(id)?;
        let found = found.unwrap_or_default().trim().to_owned();
        let payout = session.ledger.payout(id)?;
        let (row, points) = (payout.row, payout.top_up.points.value());
        names.push(HeldName { row, points, expected, found: found.clone() });
        events.push((id, Event::Released { name: Some(found) }));
    }
    if events.is_empty() {
        let message = "nothing was released: another batch pays, or paid, the same";
        let hint = Hint::of("if it is to be paid again although it was credited there, say why: ");
        let failure = Failure::said(Ending::Refused, "repeated", message).with_hint(hint.choice(Choice::WhyRepeated));
        return Err(failure.with_details(Details::LeftAlone(held_back)));
    }
    let ids: Vec<PayoutId> = events.iter().map(|(id, _)| *id).collect();
    let session = match session.approved(ProposalKind::Release, &ids, person)? {
        ControlFlow::Continue(session) => session,
        ControlFlow::Break(waits) => return Ok(waits),
    };
    let session = session.agreed(|| agree(&Question::Release(names)))?;
    Ok(Decided::Done(session.decide_all(Vec::new(), events, held_back)?))
}

/// Closes payouts that are planned or held: at a word what was never sent, and after asking the gateway what was.
pub fn cancel(
    context: Context<'_>,
    request: &DecisionRequest,
    payouts: &Chosen,
    agree: Agree<'_>,
) -> Result<Outcome, Failure> {
    let session = DecisionSession::open(context, request, "cancel")?;
    let payouts = session.choose(payouts, &[State::Planned, State::Held], "cancelled")?;
    let (mut at_once, mut asked_first) = (Vec::new(), Vec::new());
    for id in payouts {
        let asks = session.ledger.standing(id)?.asks_first(&Event::Cancelled);
        if asks { &mut asked_first } else { &mut at_once }.push((id, Event::Cancelled));
    }
    match session.unbound {
        Some(failure) if !asked_first.is_empty() => return Err(failure),
        Some(_) | None => {}
    }
    let question = Question::Cancel((at_once.len() + asked_first.len()) as u64, asked_first.len() as u64);
    let session = session.agreed(|| agree(&question))?;
    session.decide_all(at_once, asked_first, Vec::new())
}

/// Takes a person's evidence for a payout in doubt, unless the gateway contradicts it.
pub fn attest(
    context: Context<'_>,
    request: &DecisionRequest,
    payout: &str,
    credited: bool,
    person: &Identity<'_>,
    agree: Agree<'_>,
) -> Result<Decided, Failure> {
    let session = DecisionSession::open(context, request, "attest")?;
    let id = session.find(payout)?;
    let state = session.ledger.standing(id)?.state;
    if state != State::InDoubt {
        return Err(refused(format!("only a payout in doubt can be attested, and {payout} is {}", label(state))));
    }
    let session = if credited {
        session
    } else {
        refuse_too_early(context, &session, id)?;
        match session.approved(ProposalKind::Attest, &[id], person)? {
            ControlFlow::Continue(session) => session,
            ControlFlow::Break(waits) => return Ok(waits),
        }
    };
    let session = session.agreed(|| agree(&Question::Attest(payout.to_owned(), credited)))?;
    let (event, why) = (if credited { Event::AttestedCredited } else { Event::AttestedNotCredited }, session.why());
    let mut answered = None;
    session.ask(vec![id], |asked: &Asked| {
        answered = Some((asked.standing.state, asked.answer));
        asked.decision(&session.batch, event.clone(), &why)
    })?;
    let contradicts = match answered {
        Some((_, OrderAnswer::OtherOrder)) => true,
        Some((state, _)) => matches!((state, credited), (State::Credited, false) | (State::Declined, true)),
        None => false,
    };
    if contradicts {
        let message = "the gateway contradicts the evidence; its answer is recorded, and the evidence is not";
        return Err(Failure::said(Ending::Differs, "contradiction", message));
    }
    if session.ledger.standing(id)?.state == State::InDoubt {
        let message = "the gateway gave no usable answer, so nothing was attested";
        return Err(refused(message.to_owned()).with_hint(Hint::of("try again later")));
    }
    Ok(Decided::Done(session.close(Ending::Done, 1, 0, Vec::new())?))
}

/// What was signed lately may still be applied. The ledger holds it to the same when it is written; here it is said before
/// anybody is asked.
fn refuse_too_early(context: Context<'_>, session: &DecisionSession<'_>, id: PayoutId) -> Result<(), Failure> {
    let still_valid = context.settings.signed_valid()?;
    let still_valid_ms = i64::try_from(still_valid.as_millis()).unwrap_or(i64::MAX);
    if session.ledger.last_send_at(id)?.is_some_and(|at| unix_ms() - at >= still_valid_ms) {
        return Ok(());
    }
    let while_valid = if still_valid == SIGNED_BYTES_VALID {
        "two hours".to_owned()
    } else {
        format!("{} s (timestamp_window_s)", still_valid.as_secs())
    };
    let message = format!("not within {while_valid} of the last send: the gateway may still apply it");
    let resolve = Hint::from(Step::Resolve(session.batch.name.to_string())).words(" asks again");
    Err(refused(message).with_hint(resolve))
}
