//! `retry`, `release`, `cancel`, `attest`: a person's decisions about payouts. They only change the plan; `resume` sends.

use super::context::{Context, unix_ms};
use super::decision_args::{AttestArgs, CancelArgs, ReleaseArgs, RetryArgs};
use super::decision_session::{DecisionSession, by, no_usable_answer, refusal_of, refused};
use super::failure::{Exit, Failure};
use super::output::Report;
use super::{elsewhere, setup};
use crate::domain::approval::ProposalKind;
use crate::domain::event::{Event, OrderAnswer};
use crate::domain::payout_status::{SIGNED_BYTES_VALID, State};
use crate::engine::{Asked, Inquiry};
use crate::ledger::{PayoutId, UnixMs};
use crate::report::counted;
use anyhow::anyhow;
use serde_json::json;
use std::fmt::Write;
use std::ops::ControlFlow;

/// Plans again what is declined or ineligible, after asking what became of the old number.
pub(super) fn retry(context: &Context, args: &RetryArgs) -> Result<Report, Failure> {
    let RetryArgs { decision: args, repeat, who } = args;
    let desk = DecisionSession::open(context, &args.batch, "retry", repeat.why())?;
    let mut payouts = desk.ledger.in_state(State::Declined)?;
    payouts.extend(desk.ledger.in_state(State::Ineligible)?);
    let (mut inquiries, mut refused) = (Vec::new(), Vec::new());
    for id in payouts {
        match elsewhere::held_back(&desk.ledger, id, desk.repeat_is_meant)? {
            Some(why) => refused.push(desk.refusal(id, &why)?),
            None => inquiries.push(Inquiry { payout: id, earlier: None }),
        }
    }
    let ids: Vec<PayoutId> = inquiries.iter().map(|inquiry| inquiry.payout).collect();
    let desk = match desk.approved(context, ProposalKind::Retry, &ids, &args.why, repeat.why(), who)? {
        ControlFlow::Continue(desk) => desk,
        ControlFlow::Break(waits) => return Ok(waits),
    };
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
    let desk = DecisionSession::open(context, &args.decision.batch, "release", args.repeat.why())?;
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
    let ids: Vec<PayoutId> = events.iter().map(|(id, _)| *id).collect();
    let (why, repeat) = (&args.decision.why, args.repeat.why());
    let desk = match desk.approved(context, ProposalKind::Release, &ids, why, repeat, &args.who)? {
        ControlFlow::Continue(desk) => desk,
        ControlFlow::Break(waits) => return Ok(waits),
    };
    desk.consent(&question, args.decision.yes)?;
    desk.decide_all(context, Vec::new(), events, &args.decision.why, "planned again", left_alone)
}

/// Closes payouts that are planned or held: at a word what was never sent, and after asking the gateway what was.
pub(super) fn cancel(context: &Context, args: &CancelArgs) -> Result<Report, Failure> {
    let desk = DecisionSession::open(context, &args.decision.batch, "cancel", None)?;
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

/// Takes a person's evidence for a payout in doubt, unless the gateway contradicts it.
pub(super) fn attest(context: &Context, args: &AttestArgs) -> Result<Report, Failure> {
    let desk = DecisionSession::open(context, &args.decision.batch, "attest", None)?;
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
    // The ledger holds it to the same when it is written; here it is said before anybody is asked.
    let valid = setup::signed_valid(&context.config)?;
    let valid_ms = UnixMs::try_from(valid.as_millis()).unwrap_or(UnixMs::MAX);
    if !args.credited && since_ms.is_none_or(|since_ms| since_ms < valid_ms) {
        let while_valid = if valid == SIGNED_BYTES_VALID {
            "two hours".to_owned()
        } else {
            format!("{} s (timestamp_window_s)", valid.as_secs())
        };
        return Err(refused(format!(
            "not within {while_valid} of the last send: the gateway may still apply it\nhint: topup resolve {} asks again",
            desk.batch.name
        )));
    }
    let desk = if args.credited {
        desk
    } else {
        match desk.approved(context, ProposalKind::Attest, &[id], &args.decision.why, None, &args.who)? {
            ControlFlow::Continue(desk) => desk,
            ControlFlow::Break(waits) => return Ok(waits),
        }
    };
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
