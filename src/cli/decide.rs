//! `retry`, `release`, `cancel`, `attest`: a person's decisions about payouts. They only change the plan; `resume` sends.

use super::args::{AttestArgs, CancelArgs, ReleaseArgs, RetryArgs};
use super::failure_view::left_json;
use super::hints::command;
use super::output::Report;
use super::requests::{decision, with_identity};
use super::terminal::Terminal;
use crate::app::decide::{self, Chosen, Decided, Outcome, Question};
use crate::app::{Ending, Failure, State, Step, counted};
use serde_json::{Value, json};
use std::fmt::Write;

pub(super) fn retry(terminal: &Terminal, args: &RetryArgs) -> Result<Report, Failure> {
    let request = decision(&args.decision, args.repeat.why());
    let payouts = match (&args.from, args.payouts.is_empty()) {
        (Some(file), _) => Chosen::from_file(file, true)?,
        (None, true) => Chosen::All(vec![State::Declined, State::Ineligible]),
        (None, false) => Chosen::Named(args.payouts.clone()),
    };
    let agree = |question: &Question| consent(question, args.decision.yes);
    let decided = with_identity(&terminal.actor, &args.who, |person| {
        decide::retry(terminal.context(), &request, &payouts, person, &agree)
    })?;
    Ok(report(decided, |outcome| {
        let mut text = format!("planned again: {}\n", counted(outcome.changed, "payout"));
        if outcome.credited > 0 {
            let _ = writeln!(text, "credited after all: {}", counted(outcome.credited, "payout"));
        }
        (text, json!({"planned": outcome.changed, "credited": outcome.credited}))
    }))
}

pub(super) fn release(terminal: &Terminal, args: &ReleaseArgs) -> Result<Report, Failure> {
    let request = decision(&args.decision, args.repeat.why());
    let payouts = match (&args.from, args.all_held) {
        (Some(file), _) => Chosen::from_file(file, true)?,
        (None, true) => Chosen::All(vec![State::Held]),
        (None, false) => Chosen::Named(args.payouts.clone()),
    };
    let agree = |question: &Question| consent(question, args.decision.yes);
    let decided = with_identity(&terminal.actor, &args.who, |person| {
        decide::release(terminal.context(), &request, &payouts, person, &agree)
    })?;
    Ok(report(decided, |outcome| changed("planned again", outcome)))
}

pub(super) fn cancel(terminal: &Terminal, args: &CancelArgs) -> Result<Report, Failure> {
    let request = decision(&args.decision, None);
    let payouts = match (&args.from, args.all_planned, args.all_held) {
        (Some(file), _, _) => Chosen::from_file(file, false)?,
        (None, true, false) => Chosen::All(vec![State::Planned]),
        (None, false, true) => Chosen::All(vec![State::Held]),
        (None, true, true) => Chosen::All(vec![State::Planned, State::Held]),
        (None, false, false) => Chosen::Named(args.payouts.clone()),
    };
    let agree = |question: &Question| consent(question, args.decision.yes);
    let outcome = decide::cancel(terminal.context(), &request, &payouts, &agree)?;
    Ok(report(Decided::Done(outcome), |outcome| changed("cancelled", outcome)))
}

pub(super) fn attest(terminal: &Terminal, args: &AttestArgs) -> Result<Report, Failure> {
    let request = decision(&args.decision, None);
    let agree = |question: &Question| consent(question, args.decision.yes);
    let decided = with_identity(&terminal.actor, &args.who, |person| {
        decide::attest(terminal.context(), &request, &args.payout, args.credited, person, &agree)
    })?;
    let word = credited_word(args.credited);
    Ok(report(decided, |_| (format!("{} is {word}\n", args.payout), json!({"attested": word}))))
}

fn credited_word(credited: bool) -> &'static str {
    if credited { "credited" } else { "not credited" }
}

fn changed(word: &str, outcome: &Outcome) -> (String, Value) {
    let text = format!("{word}: {}\n", counted(outcome.changed, "payout"));
    (text, json!({"changed": outcome.changed, "credited": outcome.credited}))
}

fn consent(question: &Question, yes: bool) -> Result<(), Failure> {
    Terminal::consent(&format!("{}\ntype yes: ", words(question)), yes, "nothing was changed")
}

fn words(question: &Question) -> String {
    match question {
        Question::Retry(count) => {
            format!("ask the gateway about {}, and plan those again that it did not credit", counted(*count, "payout"))
        }
        Question::Release(names) => {
            let mut text = "release, and accept the member's name:".to_owned();
            for name in names {
                let found = &name.found;
                let _ = write!(
                    text,
                    "\n  row {}, {}: the file says {}, the gateway {}",
                    name.row,
                    counted(name.points.into(), "point"),
                    name.expected.as_deref().unwrap_or("nothing"),
                    if found.is_empty() { "gives no name".to_owned() } else { format!("says {found}") }
                );
            }
            text
        }
        Question::Cancel(count, 0) => format!("close {} for ever", counted(*count, "payout")),
        Question::Cancel(count, asked_first) => format!(
            "close {} for ever, after asking the gateway about {asked_first} that were sent before",
            counted(*count, "payout")
        ),
        Question::Attest(payout, credited) => {
            format!("take it as evidence that {payout} was {}", credited_word(*credited))
        }
    }
}

fn report(decided: Decided, said: impl FnOnce(&Outcome) -> (String, Value)) -> Report {
    let outcome = match decided {
        Decided::Done(outcome) => outcome,
        Decided::Waits { batch, kind, seal, payouts } => {
            let (seal, word) = (seal.to_string(), kind.word());
            let text = format!(
                "the {word} of {} of batch {batch} waits for another person, seal {seal}\nnext: {}, and then the same \
                 command again\n",
                counted(payouts, "payout"),
                command(&Step::Approve(batch.to_string(), seal.clone())),
            );
            let json = json!({
                "batch": batch.as_str(), "kind": word, "seal": seal, "state": "proposed", "payouts": payouts,
            });
            return Report { ending: Ending::Waits, json, text };
        }
    };
    let (mut text, more) = said(&outcome);
    let left_alone = left_json(&outcome.left_alone);
    for left in &outcome.left_alone {
        let _ = writeln!(text, "left alone: row {}, {}: {}", left.row, left.invoice_no, left.why);
    }
    let planned = outcome.planned;
    let _ = writeln!(text, "planned now: {}, {}", counted(planned.rows, "payout"), counted(planned.points, "point"));
    if planned.rows > 0 {
        let _ = writeln!(text, "next: {}", command(&Step::Resume(Some(outcome.batch.to_string()))));
    }
    let mut object = json!({"batch": outcome.batch.as_str()});
    if let (Some(object), Value::Object(more)) = (object.as_object_mut(), more) {
        object.extend(more);
        object.insert("left_alone".to_owned(), json!(left_alone));
    }
    Report { ending: outcome.ending, json: object, text }
}
