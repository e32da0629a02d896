//! `topup verify`: compares a batch with its own history, and then with the gateway, number by number.

use super::args::VerifyArgs;
use super::output::Report;
use super::terminal::Terminal;
use crate::app::verify::{self, Listed, Verified, VerifyRequest};
use crate::app::{Ending, Failure, counted, duration, grouped};
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
    let one = |Listed { row, invoice_no, state, found }: &Listed| json!({"row": row, "invoice_no": invoice_no.as_str(), "state": state.word(), word: found});
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
    let mut text = format!(
        "batch {}: {} and {} looked at, {} found\n",
        batch.name,
        counted(audit.payouts, "payout"),
        counted(audit.events, "event"),
        counted(audit.finding_count, "difference")
    );
    if let Some(day) = batch.purged_on() {
        let _ = writeln!(text, "purged on {day}: what is left of it was looked at");
    }
    for finding in audit.findings.iter().take(PRINTED_MAX) {
        let _ = writeln!(text, "  {finding}");
    }
    if let Some(answers) = answers {
        let _ = writeln!(
            text,
            "gateway: {} asked about, {} found, {} without a usable answer, in {}",
            counted(answers.asked, "number"),
            counted(answers.difference_count, "difference"),
            grouped(answers.unanswered),
            duration(answers.elapsed)
        );
        for listed in differences.iter().take(PRINTED_MAX).chain(unanswered.iter().take(PRINTED_MAX)) {
            let _ = writeln!(text, "  {listed}");
        }
    }
    let _ = writeln!(text, "history ends with {}", &head[..16]);
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
