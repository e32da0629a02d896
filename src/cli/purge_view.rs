//! Words what a purge removes, and what it leaves.

use super::hints::command;
use crate::app::clock::day;
use crate::app::{Personal, PurgeLook, Step, counted, grouped};
use serde_json::{Value, json};
use std::fmt::Write;

/// What was found, for scripts.
pub(super) fn look_json(look: &PurgeLook, word: &str) -> Value {
    let due = look.due.iter().map(|(purgeable, personal)| {
        let Personal { names, receipts, extras, notes } = personal;
        json!({
            "batch": purgeable.batch.name.as_str(), "finished_on": day(purgeable.settled_at),
            "payouts": purgeable.batch.rows, "names": names, "receipts": receipts, "other_columns": extras,
            "notes": notes,
        })
    });
    let left = look.left.iter().map(|(batch, why)| json!({"batch": batch, "why": why}));
    let mut object = json!({word: due.collect::<Vec<_>>(), "left_alone": left.collect::<Vec<_>>()});
    if let Value::Object(object) = &mut object {
        object.insert("purged_before".to_owned(), json!(look.purged));
    }
    object
}

/// What goes and what stays.
pub(super) fn look_text(look: &PurgeLook, word: &str) -> String {
    let mut text = String::new();
    // Writing to a string cannot fail.
    if !look.due.is_empty() {
        let _ = writeln!(text, "{word}: {}", counted(look.due.len() as u64, "batch"));
        let width = look.due.iter().map(|(due, _)| due.batch.name.as_str().len()).max().unwrap_or(0).max(5);
        let _ = writeln!(
            text,
            "  {:<width$}  {:<11}{:>11}{:>11}{:>11}{:>15}{:>11}",
            "batch", "finished on", "payouts", "names", "receipts", "other columns", "notes"
        );
        for (due, personal) in &look.due {
            let counts = [due.batch.rows, personal.names, personal.receipts, personal.extras, personal.notes];
            let [payouts, names, receipts, extras, notes] = counts.map(grouped);
            let _ = writeln!(
                text,
                "  {:<width$}  {:<11}{payouts:>11}{names:>11}{receipts:>11}{extras:>15}{notes:>11}",
                due.batch.name.as_str(),
                day(due.settled_at)
            );
        }
        text.push_str(GOES_AND_STAYS);
    }
    say_left(look, &mut text);
    text
}

/// What was done.
pub(super) fn end_text(look: &PurgeLook, key: &str) -> String {
    let mut text = match (look.due.len() as u64, look.purged) {
        (0, 0) => "nothing to purge\n".to_owned(),
        (0, purged) => format!(
            "nothing new to purge; {} purged before, and the file was written anew without what it held in its free \
                 space\n",
            counted(purged, "batch")
        ),
        (due, _) => format!(
            "purged: {}; the file was written anew\nkeep a copy of {key}, best apart from the ledger: \
                 without it nobody can tell whom these batches paid, and with both whoever tries all phone numbers can\n",
            counted(due, "batch")
        ),
    };
    say_left(look, &mut text);
    text
}

fn say_left(look: &PurgeLook, text: &mut String) {
    for (batch, why) in &look.left {
        let _ = writeln!(text, "left alone: {batch}, {why}");
    }
    if look.broken > 0 {
        let verify = command(&Step::VerifyOffline(None));
        let _ = writeln!(text, "a batch that does not hold together is not purged: {verify}");
    }
}

/// What a person has to know before the answer.
const GOES_AND_STAYS: &str = "\
goes:  phones, cards, user ids and references (a keyed hash takes the place of each), names, receipts, other columns,
       and what the gateway said of each payout
stays: rows, points, states, invoice_nos, times, codes, the history and its end, the file's name, the reasons that
       persons gave
not out of reach: an invoice_no is derived from the row's reference or phone without a key, so whoever has the ledger
       can still try all phone numbers against it
not touched: backups of the ledger, result files, the payout files, logs
";
