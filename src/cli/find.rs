//! `topup find`: what was planned, sent, answered and decided of a member, a reference or a number, and by whom.

use super::args::FindArgs;
use super::output::Report;
use super::terminal::Terminal;
use crate::app::find::{self, FOUND_MAX, Finding, Found, FoundEvent};
use crate::app::{Failure, clock, counted, hide_phones};
use serde_json::{Value, json};
use std::fmt::Write;

pub(super) fn find(terminal: &Terminal, args: &FindArgs) -> Result<Report, Failure> {
    let found = find::find(terminal.context(), &args.text)?;
    let payouts: Vec<Value> = found.payouts.iter().map(to_json).collect();
    let json = json!({"payouts": payouts, "not_looked_through": found.purged});
    Ok(Terminal::shown(json, text(&found)))
}

fn text(found: &Finding) -> String {
    let mut text = String::new();
    for payout in &found.payouts {
        say(payout, &mut text);
    }
    let count = found.payouts.len();
    match count {
        0 => text.push_str("nothing of that is in the ledger\n"),
        FOUND_MAX => {
            let _ = writeln!(text, "the first {}; name a reference or an invoice_no", counted(count as u64, "payout"));
        }
        _ => {
            let _ = writeln!(text, "{}", counted(count as u64, "payout"));
        }
    }
    if !found.purged.is_empty() {
        let _ =
            writeln!(text, "found by invoice_no only, since their members were removed: {}", found.purged.join(", "));
    }
    text
}

fn say(payout: &Found, text: &mut String) {
    let named = payout.reference.as_deref().map_or_else(|| payout.member.clone(), str::to_owned);
    let _ = writeln!(
        text,
        "{} in batch {}, row {}: {}, {}",
        hide_phones(&named),
        payout.batch,
        payout.row,
        counted(payout.points, "point"),
        payout.state.word()
    );
    let _ =
        writeln!(text, "  member {}, invoice_no {}", hide_phones(&payout.member), payout.invoice_nos.join(", then "));
    let _ = writeln!(text, "  {}  planned, by {}", clock::moment(payout.planned_at), payout.planned_by);
    for event in &payout.events {
        let _ = writeln!(text, "  {}  {}", clock::moment(event.at), hide_phones(&words(event)));
    }
    text.push('\n');
}

/// What happened, with everything that was said of it; who it was where it was a person's word.
fn words(event: &FoundEvent) -> String {
    let mut words = event.kind.replace('_', " ");
    if let Some(detail) = &event.detail {
        let _ = write!(words, ": {}", detail.replace('_', " "));
    }
    if let Some(code) = event.code {
        let _ = write!(words, ", code {code}");
    }
    if let Some(http) = event.http {
        let _ = write!(words, ", HTTP {http}");
    }
    if let Some(note) = &event.note {
        let _ = write!(words, " ({note})");
    }
    if let Some(state) = &event.state {
        let _ = write!(words, ", now {state}");
    }
    if let Some(why) = &event.why {
        let _ = write!(words, "; {why}, by {}", event.actor);
    }
    words
}

fn to_json(payout: &Found) -> Value {
    let hidden = |text: &str| hide_phones(text).into_owned();
    let events: Vec<Value> = payout
        .events
        .iter()
        .map(|event| {
            json!({
                "at": clock::moment(event.at), "kind": event.kind, "detail": event.detail, "state": event.state,
                "http": event.http, "code": event.code, "note": event.note.as_deref().map(hidden),
                "why": event.why.as_deref().map(hidden), "actor": event.actor,
            })
        })
        .collect();
    json!({
        "batch": payout.batch, "row": payout.row, "reference": payout.reference.as_deref().map(hidden),
        "member": hidden(&payout.member), "points": payout.points, "state": payout.state.word(),
        "invoice_nos": payout.invoice_nos, "planned_at": clock::moment(payout.planned_at),
        "planned_by": payout.planned_by, "events": events,
    })
}
