//! Decides as a person does between two runs: releases or cancels what is held, cancels what is planned.

use super::coverage::Coverage;
use fastrand::Rng;
use topup::domain::event::Event;
use topup::domain::standing::State;
use topup::ledger::{Entry, Ledger};

/// Decides about some of the payouts that a person may decide about.
/// Gives the ledger back.
pub(crate) fn decides(ledger: Ledger, at: i64, rng: &mut Rng, coverage: &mut Coverage) -> Result<Ledger, String> {
    let failed = |error| format!("a person's decision failed: {error}");
    let batch = ledger.batches().map_err(failed)?.remove(0);
    let ledger = ledger.into_run(batch.id).map_err(failed)?;
    let mut entries = Vec::new();
    for state in [State::Held, State::Planned] {
        for payout in ledger.payouts_after(state, None, 100).map_err(failed)? {
            let event = match (state, rng.u32(0..12)) {
                (State::Held, 0..5) => Event::Released { name: None },
                (State::Held, 5..8) => Event::Cancelled,
                (State::Planned, 0) => Event::Cancelled,
                _ => continue,
            };
            coverage.hit(if event == Event::Cancelled { "person: cancelled" } else { "person: released" });
            let standing = ledger.standing(payout.id).map_err(failed)?;
            let before = standing.state;
            let after = standing.after(&event).map_err(|error| error.to_string())?.state;
            let (call, note, why, new_number) = (None, None, Some("simulated".to_owned()), None);
            let recovered = false;
            let payout = payout.id;
            entries.push(Entry { payout, event, before, after, call, note, why, new_number, recovered });
        }
    }
    if !entries.is_empty() {
        let written = ledger.record(at, entries);
        // The inline writer has written when it returns; there is nothing to wait for.
        drop(written);
    }
    Ok(ledger.into_scratch().expect("a ledger in memory"))
}
