//! Words why a payout is not planned again: another batch of the merchant pays it, or paid it.

use super::context::unix_ms;
use super::failure::{Exit, Failure};
use super::purge::day;
use crate::ledger::{PayoutId, Repeat, RunLedger};
use anyhow::anyhow;
use serde_json::{Value, json};

/// Why a payout is left alone; `is_meant`: a person says why it is to be paid again, which counts for what was credited.
pub(super) fn held_back(ledger: &RunLedger, id: PayoutId, is_meant: bool) -> Result<Option<String>, Failure> {
    let Some(Repeat { batch, other_row, state, credited_at, .. }) = ledger.elsewhere(id, unix_ms())? else {
        return Ok(None);
    };
    Ok(match credited_at {
        Some(_) if is_meant => None,
        Some(at) => Some(format!(
            "row {other_row} of batch {batch} credited the same member and points on {}: --repeat WHY, if it is to be paid \
             again",
            day(at)
        )),
        None => Some(format!(
            "row {other_row} of batch {batch} has the same member and points, and is {}: finish it first",
            state.word().replace('_', " ")
        )),
    })
}

/// The failure of a release of which nothing is left.
pub(super) fn nothing_released(left_alone: Vec<Value>) -> Failure {
    let lines: Vec<String> = left_alone.iter().map(|left| format!("\n  {left}")).collect();
    let message = format!(
        "nothing was released: another batch pays, or paid, the same{}\nhint: if it is to be paid again although it was \
         credited there, say why: --repeat \"the reason\"",
        lines.concat()
    );
    Failure::new(Exit::Refused, "repeated", anyhow!(message)).with_details(json!({"left_alone": left_alone}))
}
