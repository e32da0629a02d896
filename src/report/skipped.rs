//! Words the rows that a plan left out, for a status: the first of them, without whole phone numbers.

use crate::domain::hint::{Step, StepText};
use crate::domain::privacy::hide_numbers;
use crate::domain::text::{counted, grouped};
use crate::ledger::Skipped;
use serde_json::{Value, json};
use std::fmt::Write;

/// Rows that a status lists for scripts.
pub const SKIPPED_MAX: u64 = 1000;
/// Of those, the ones that are printed for people.
const PRINTED_MAX: usize = 5;

/// The list for scripts, and how many of `all` rows it leaves out.
#[must_use]
pub fn skipped_json(skipped: &[Skipped], all: u64) -> (Value, u64) {
    let entry = |skipped: &Skipped| {
        let reasons: Vec<_> = skipped.reasons.iter().map(|reason| hide_numbers(reason)).collect();
        json!({"row": skipped.row, "reasons": reasons})
    };
    (skipped.iter().map(entry).collect(), all.saturating_sub(skipped.len() as u64))
}

/// The lines for people; empty where no row was skipped.
#[must_use]
pub fn skipped_text(skipped: &[Skipped], all: u64, step_text: StepText) -> String {
    let mut text = String::new();
    for (nth, skipped) in skipped.iter().take(PRINTED_MAX).enumerate() {
        if nth == 0 {
            let _ = writeln!(text, "skipped, and why ({} in all):", counted(all, "row"));
        }
        // Writing to a string cannot fail.
        let _ = writeln!(text, "  row {}: {}", skipped.row, hide_numbers(&skipped.reasons.join("; ")));
    }
    let more = all.saturating_sub(PRINTED_MAX as u64);
    if more > 0 && !text.is_empty() {
        let _ = writeln!(text, "  … and {} more: {}", grouped(more), step_text(&Step::Export));
    }
    text
}
