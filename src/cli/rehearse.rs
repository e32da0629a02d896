//! `topup run … --rehearse`: plays the real file through the simulator inside, on a copy of the ledger.

use super::args::RunArgs;
use super::next_command::paying_command;
use super::output::Report;
use super::requests;
use super::simulator::{HELP, faults_help};
use super::terminal::Terminal;

use crate::app::rehearse::{RehearseRequest, Rehearsed, rehearse as played};
use crate::app::simulator::FaultPlan;
use crate::app::{CallKind, Failure, FileRequest, Run, State, Summary, counted, duration, grouped, noun};
use serde_json::{Value, json};
use std::fmt::Write;

pub(super) fn rehearse(terminal: &Terminal, args: &RunArgs, file: FileRequest) -> Result<Report, Failure> {
    if args.faults.as_deref() == Some(HELP) {
        return Ok(faults_help());
    }
    let faults = args.faults.as_deref().unwrap_or("none").parse::<FaultPlan>()?;
    let (consent, members) = (requests::consent(args), args.members.clone());
    let played = played(terminal.context(), &RehearseRequest { file, consent, faults, members })?;
    let summary = Summary::new(&played.batch, &played.totals, Run::Ended(&played.report));
    let (json, text) = (to_json(&played, &summary), to_text(&played, terminal, args, &summary));
    Ok(Report { ending: played.ending, json, text })
}

fn to_json(played: &Rehearsed, summary: &Summary<'_>) -> Value {
    let mut json = summary.to_json();
    if let Value::Object(object) = &mut json {
        let mut put = |name: &str, value: Value| drop(object.insert(name.to_owned(), value));
        put("rehearsal", json!(true));
        put("rate_per_s", json!(played.rate_per_s));
        put("expected_s", json!((played.expected().as_secs_f64() * 10.0).round() / 10.0));
        put("faults_injected", json!(played.faults_injected));
    }
    json
}

fn to_text(played: &Rehearsed, terminal: &Terminal, args: &RunArgs, summary: &Summary<'_>) -> String {
    let name = &played.batch.name;
    let mut text = format!("REHEARSAL of batch {name}: nothing was sent to the gateway, paid or kept\n");
    // Writing to a string cannot fail.
    for state in State::ALL {
        let total = played.totals.of(state);
        if total.rows > 0 {
            let word = state.word().replace('_', " ");
            let _ = writeln!(
                text,
                "  {word:<11}{:>12}{:>18} {}",
                grouped(total.rows),
                grouped(total.points),
                noun(total.points, "point")
            );
        }
    }
    if played.batch.skipped_rows > 0 {
        let _ = writeln!(text, "  {:<11}{:>12}", "skipped", grouped(played.batch.skipped_rows));
    }
    if played.report.interrupted {
        text.push_str("it was interrupted: this is how far it came\n");
    } else if let Some(stop) = summary.stop() {
        let message = stop.message.split("\nhint: ").next().unwrap_or_default();
        let _ = writeln!(text, "it stopped early, as a run would have: {message}");
    }
    say_calls(played, &mut text);
    let whom = match &args.members {
        Some(path) => format!("the members of {}", path.display()),
        None => "everybody as an active member, and names were not compared (--members FILE)".to_owned(),
    };
    let _ = writeln!(
        text,
        "the simulator took {whom}; {} injected, {} of {} in its own book",
        counted(played.faults_injected, "fault"),
        counted(played.credits.0, "credit"),
        counted(played.credits.1, "point")
    );
    if played.doubt_before > 0 {
        let _ = writeln!(
            text,
            "note: {} in doubt before: the simulator does not know them, so the rehearsal took them as never arrived",
            counted(played.doubt_before, "payout")
        );
    }
    let _ = writeln!(text, "next: {}", paying_command(terminal, args, &played.batch));
    text
}

/// The calls, how long they took, and how long they will.
fn say_calls(played: &Rehearsed, text: &mut String) {
    let of = |kind| grouped(played.report.requests.of(kind));
    let _ = writeln!(
        text,
        "requests: {} member info, {} top-up, {} order status",
        of(CallKind::MemberInfo),
        of(CallKind::TopUp),
        of(CallKind::OrderStatus)
    );
    let [rehearsed, real] = played.settle;
    let _ = writeln!(
        text,
        "rehearsed in {} without a rate limit; the same at {} requests/s: at least {}",
        duration(played.report.elapsed),
        played.rate_per_s,
        duration(played.expected())
    );
    if real > rehearsed {
        let _ = writeln!(
            text,
            "an order that is absent after a lost answer waited {} here; for real it waits {} (gateway.deliver_within_s, \
                 resolve.settle_s)",
            duration(rehearsed),
            duration(real)
        );
    }
}
