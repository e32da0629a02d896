//! `topup verify`: compares a batch with its own history, and then with the gateway, number by number.

use super::args::VerifyArgs;
use super::hints::command;
use super::output::Report;
use super::terminal::Terminal;
use crate::app::answers::{Answers, Difference, LISTED_MAX, Listed};
use crate::app::verify::{self, Verified, VerifyRequest};
use crate::app::{Ending, Failure, Size, Step, counted, duration, grouped, label, noun};
use serde_json::{Value, json};
use std::fmt::Write;

/// Differences that are printed for people, of those that are listed.
const PRINTED_MAX: usize = 20;

pub(super) fn verify(terminal: &Terminal, args: &VerifyArgs) -> Result<Report, Failure> {
    let request = VerifyRequest { batch: args.batch.clone(), offline: args.offline, head: args.head.clone() };
    Ok(report(&verify::verify(terminal.context(), &request)?))
}

/// Numbers of which something was found, under this word.
fn listed(list: &[Listed], word: &str) -> Vec<Value> {
    let one = |Listed { row, invoice_no, state, found, .. }: &Listed| json!({"row": row, "invoice_no": invoice_no.as_str(), "state": state.word(), word: found});
    list.iter().map(one).collect()
}

fn report(verified: &Verified) -> Report {
    let Verified { ending, batch, audit, answers } = verified;
    let (head, answers) = (batch.chain_head.to_string(), answers.as_ref());
    let differences = answers.map_or_else(Vec::new, |answers| listed(&answers.differences, "difference"));
    let unanswered = answers.map_or_else(Vec::new, |answers| listed(&answers.unanswered_listed, "said"));
    let verdict = if *ending == Ending::Done {
        "agree"
    } else if *ending == Ending::Unfinished {
        "unanswered"
    } else {
        "differ"
    };
    let text = to_text(verified);
    let json = json!({
        "batch": batch.name.as_str(),
        "verdict": verdict,
        "head": head,
        "payouts": audit.payouts,
        "events": audit.events,
        "finding_count": audit.finding_count,
        "findings": audit.findings,
        "asked": answers.map(|answers| answers.asked),
        "unanswered": answers.map(|answers| answers.unanswered),
        "unanswered_listed": answers.map(|_| &unanswered),
        "difference_count": answers.map(|answers| answers.difference_count),
        "differences": answers.map(|_| &differences),
    });
    Report { ending: *ending, json, text }
}

/// A page for people: the history, the gateway's side beside the ledger's, what differs, and what to do.
fn to_text(verified: &Verified) -> String {
    let Verified { batch, audit, answers, .. } = verified;
    // Writing to a string cannot fail.
    let mut text = format!(
        "batch {} against its own history: {} ({}, {})\n",
        batch.name,
        agreement(audit.finding_count),
        counted(audit.payouts, "payout"),
        counted(audit.events, "event")
    );
    if let Some(day) = batch.purged_on() {
        let _ = writeln!(text, "purged on {day}: what is left of it was looked at");
    }
    for finding in audit.findings.iter().take(PRINTED_MAX) {
        let _ = writeln!(text, "  {finding}");
    }
    say_more(audit.finding_count, &mut text);
    if let Some(answers) = answers {
        say_answers(batch.name.as_str(), answers, &mut text);
    }
    if audit.finding_count > 0 {
        text.push_str(
            "hint: somebody or something changed this ledger; run nothing from it, and compare it with its backup and with the \
             provider's statement\n",
        );
    }
    let _ = writeln!(text, "history ends with {}", &batch.chain_head.to_string()[..16]);
    text
}

fn agreement(differences: u64) -> String {
    if differences == 0 { "they agree".to_owned() } else { counted(differences, "difference") }
}

fn say_more(all: u64, text: &mut String) {
    if all > PRINTED_MAX as u64 {
        let (more, listed) = (grouped(all - PRINTED_MAX as u64), grouped(LISTED_MAX as u64));
        let _ = writeln!(text, "  … and {more} more: --json lists the first {listed}");
    }
}

fn say_answers(batch: &str, answers: &Answers, text: &mut String) {
    let (numbers, span) = (counted(answers.asked, "number"), duration(answers.elapsed));
    let found = agreement(answers.difference_count);
    let _ = writeln!(text, "batch {batch} against the gateway: {found} ({numbers} asked about in {span})");
    let _ = writeln!(text, "  {:<14}{:>12}{:>18}", "", "numbers", "points");
    let mut row = |label: &str, rows: u64, points: u64| {
        let _ = writeln!(text, "  {label:<14}{:>12}{:>18}", grouped(rows), grouped(points));
    };
    row("equal", answers.equal.rows, answers.equal.points);
    if answers.difference_count > 0 {
        row("different", answers.difference_count, answers.difference_points);
    }
    if answers.unanswered > 0 {
        row("not answered", answers.unanswered, answers.unanswered_points);
    }
    let credited = |size: Size| {
        format!("{} {} in {}", grouped(size.points), noun(size.points, "point"), counted(size.rows, "number"))
    };
    let (here, there) = (credited(answers.credited_here), credited(answers.credited_there));
    let _ = writeln!(text, "credited: {here} by the ledger, {there} by the gateway");
    section("DIFFERENT: the gateway says something else", &answers.differences, answers.difference_count, text);
    section("NOT ANSWERED: nobody knows what the gateway says", &answers.unanswered_listed, answers.unanswered, text);
    next_steps(batch, answers, text);
}

fn section(heading: &str, listed: &[Listed], all: u64, text: &mut String) {
    if listed.is_empty() {
        return;
    }
    let _ = writeln!(text, "\n{heading}");
    for Listed { row, member, points, invoice_no, state, found, .. } in listed.iter().take(PRINTED_MAX) {
        let (points, state) = (counted(*points, "point"), label(*state));
        let _ = writeln!(text, "  row {row}, {member}, {points}, {state}, {invoice_no}: {found}");
    }
    say_more(all, text);
}

/// What to type, or whom to ask.
fn next_steps(batch: &str, answers: &Answers, text: &mut String) {
    let mut has = [false; 3];
    for difference in answers.differences.iter().filter_map(|listed| listed.difference) {
        let kind = match difference {
            Difference::EarlierCredited | Difference::OtherPhone | Difference::OtherOrder => 0,
            Difference::FailedThere | Difference::AbsentThere | Difference::EarlierAbsent => 1,
            Difference::CreditedThere => 2,
        };
        has[kind] = true;
    }
    if has[0] {
        text.push_str(
            "hint: somebody may be paid twice, or the wrong one: raise it with the provider at once, with the numbers above; \
             run nothing of this batch before that is clear\n",
        );
    }
    if has[1] {
        text.push_str(
            "hint: nothing of this is sent again by itself; ask the provider for the statement of these days\n",
        );
        let _ = writeln!(text, "next: topup reconcile {batch} --statement FILE");
    }
    if has[2] {
        let _ = writeln!(text, "what is recorded as credited now is not paid again: {}", status(batch));
    }
    if answers.unanswered > 0 {
        let again = command(&Step::Verify(Some(batch.to_owned())));
        let _ = writeln!(text, "next: {again}   (asks again about what was not answered, too)");
    }
}

fn status(batch: &str) -> String {
    command(&Step::Status(Some(batch.to_owned())))
}
