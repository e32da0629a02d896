//! Finds payouts over all batches by what a person has in hand: a phone, a reference, an invoice_no; each with its history.

use super::read::{self, get, state_of};
use crate::domain::member::Member;
use crate::domain::phone::PhoneNumber;
use crate::ledger::error::LedgerError;
use crate::ledger::views::{FOUND_MAX, Found, FoundEvent};
use rusqlite::{Connection, Row, params};

/// The payouts of all batches that a text names: by a phone in any spelling, a reference, or any invoice_no that they
/// ever had; newest batch first, at most [`FOUND_MAX`].
pub(super) fn find(connection: &Connection, text: &str) -> Result<Vec<Found>, LedgerError> {
    let (phone, id) = (PhoneNumber::spelt(text), text.trim().to_owned());
    let card = Member::Card { id: id.clone(), phone: None }.identity();
    let user = Member::UserId { id, phone: None }.identity();
    // Each by an index: of the member, of the number, and of the key within each batch.
    let sql = format!(
        "SELECT p.payout_id, b.name, b.planned_at, b.planned_by, p.row, p.row_key, p.member, p.points, p.state
         FROM payouts p JOIN batches b USING (batch_id)
         WHERE p.payout_id IN (
             SELECT payout_id FROM payouts WHERE member = ?1
             UNION SELECT payout_id FROM payouts WHERE phone = ?1
             UNION SELECT payout_id FROM payouts WHERE member IN (?3, ?4)
             UNION SELECT payout_id FROM invoices WHERE invoice_no = ?2
             UNION SELECT q.payout_id FROM batches c JOIN payouts q
                 ON q.batch_id = c.batch_id AND q.row_key = 'ref:' || ?2)
         ORDER BY p.batch_id DESC, p.payout_id LIMIT {FOUND_MAX}"
    );
    read::rows(connection, &sql, params![phone.as_ref().map(PhoneNumber::as_str), text.trim(), card, user], |row| {
        found(connection, row)
    })
}

fn found(connection: &Connection, row: &Row<'_>) -> Result<Found, LedgerError> {
    let id: i64 = get(row, 0)?;
    let key: String = get(row, 5)?;
    let state: String = get(row, 8)?;
    Ok(Found {
        batch: get(row, 1)?,
        planned_at: get(row, 2)?,
        planned_by: get(row, 3)?,
        row: get(row, 4)?,
        reference: key.strip_prefix("ref:").map(str::to_owned),
        member: get(row, 6)?,
        points: get(row, 7)?,
        state: state_of(&state)?,
        invoice_nos: read::rows(
            connection,
            "SELECT invoice_no FROM invoices WHERE payout_id = ?1 ORDER BY attempt",
            [id],
            |row| get(row, 0),
        )?,
        events: read::rows(
            connection,
            "SELECT at, kind, detail, state, http, code, note, why,
                    (SELECT a.actor FROM actors a WHERE a.actor_id = e.actor_id)
             FROM events e WHERE payout_id = ?1 ORDER BY event_id",
            [id],
            |row| {
                Ok(FoundEvent {
                    at: get(row, 0)?,
                    kind: get(row, 1)?,
                    detail: get(row, 2)?,
                    state: get(row, 3)?,
                    http: get(row, 4)?,
                    code: get(row, 5)?,
                    note: get(row, 6)?,
                    why: get(row, 7)?,
                    actor: get(row, 8)?,
                })
            },
        )?,
    })
}
