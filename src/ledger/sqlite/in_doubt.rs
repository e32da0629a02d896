//! Reads the payouts in doubt of a batch, each with what became of its sends, for the person who has to settle them.

use super::read::{self, get};
use crate::domain::event::{Event, OrderAnswer};
use crate::domain::payout_status::{PayoutStatus, State};
use crate::ledger::error::LedgerError;
use crate::ledger::read_store::ReadStore;
use crate::ledger::record::{BatchId, PayoutId, UnixMs};
use crate::ledger::views::{InDoubt, Send};
use crate::ledger::words::event_of;
use rusqlite::Connection;

/// The first payouts in doubt of a batch, in the order of the plan.
pub(super) fn in_doubt(connection: &Connection, batch: BatchId, rows_max: usize) -> Result<Vec<InDoubt>, LedgerError> {
    let payouts = connection.payouts_after(batch, (State::InDoubt, u32::MAX), None, rows_max)?;
    let mut found = Vec::new();
    for payout in payouts {
        let History { events, since, sends, order_said } = history(connection, payout.id)?;
        found.push(InDoubt {
            row: payout.row,
            reference: payout.key.as_reference().map(str::to_owned),
            invoice_no: payout.top_up.invoice_no,
            since,
            standing: PayoutStatus::from_history(&events)?,
            sends,
            order_said,
        });
    }
    Ok(found)
}

#[derive(Default)]
struct History {
    events: Vec<Event>,
    since: UnixMs,
    sends: Vec<Send>,
    order_said: Option<String>,
}

fn history(connection: &Connection, payout: PayoutId) -> Result<History, LedgerError> {
    let sql = "SELECT kind, detail, note, at, state, http, code FROM events WHERE payout_id = ?1 ORDER BY event_id";
    let History { mut since, mut sends, mut order_said, .. } = History::default();
    let events = read::rows(connection, sql, [payout.0], |row| {
        let at: UnixMs = get(row, 3)?;
        if get::<Option<String>>(row, 4)?.as_deref() == Some(State::InDoubt.word()) {
            since = at;
        }
        let (kind, detail) = (get::<String>(row, 0)?, get::<Option<String>>(row, 1)?);
        let note: Option<String> = get(row, 2)?;
        let event = event_of(&kind, detail.as_deref(), note.clone())?;
        match &event {
            Event::SubmitIntended => sends.push(Send { at, fate: None, http: None, code: None, said: None }),
            Event::SendEnded(fate) => {
                if let Some(send) = sends.last_mut() {
                    (send.fate, send.http, send.code, send.said) = (Some(*fate), get(row, 5)?, get(row, 6)?, note);
                }
            }
            Event::OrderAnswered(answer) => order_said = note.filter(|_| *answer != OrderAnswer::Absent),
            Event::MemberAnswered(_)
            | Event::Retried
            | Event::Released { .. }
            | Event::Cancelled
            | Event::AttestedCredited
            | Event::AttestedNotCredited => {}
        }
        Ok(event)
    })?;
    Ok(History { events, since, sends, order_said })
}
