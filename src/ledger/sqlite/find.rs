//! Finds payouts over all batches by what a person has in hand: a phone, a reference, an invoice_no; each with its history.

use super::read::{self, state_of};
use crate::domain::member::Member;
use crate::domain::payout_status::State;
use crate::domain::phone::PhoneNumber;
use crate::ledger::Ledger;
use crate::ledger::error::LedgerError;
use crate::ledger::record::UnixMs;
use rusqlite::{Connection, Row, params};

const READING: &str = "looking for payouts";
/// Payouts that are found of one text; a member has one a month.
pub const FOUND_MAX: usize = 200;

/// A payout that was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    /// Its batch.
    pub batch: String,
    /// When the batch was planned.
    pub planned_at: UnixMs,
    /// Who planned it.
    pub planned_by: String,
    /// Its row in the spreadsheet, as first planned.
    pub row: u64,
    /// The payer's own row key, where it has one.
    pub reference: Option<String>,
    /// The member, as the ledger holds it.
    pub member: String,
    /// Whole points.
    pub points: u64,
    /// How it stands.
    pub state: State,
    /// Every invoice_no that it ever had, the one in use last.
    pub invoice_nos: Vec<String>,
    /// What happened to it, oldest first.
    pub events: Vec<FoundEvent>,
}

/// Something that happened to a payout.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FoundEvent {
    /// When it was recorded.
    pub at: UnixMs,
    /// What it was, in the words of the ledger.
    pub kind: String,
    /// What came of it, in the words of the ledger.
    pub detail: Option<String>,
    /// The state that it led to, where that is another one.
    pub state: Option<String>,
    /// HTTP status, where there was an answer.
    pub http: Option<u16>,
    /// `meta.code`, where there was one.
    pub code: Option<i64>,
    /// What the gateway said.
    pub note: Option<String>,
    /// A person's reason.
    pub why: Option<String>,
    /// Who did it, and how that is known.
    pub actor: String,
}

impl Ledger {
    /// The payouts of all batches that a text names: by a phone in any spelling, a reference, or any invoice_no that they
    /// ever had; newest batch first, at most [`FOUND_MAX`].
    pub fn find(&self, text: &str) -> Result<Vec<Found>, LedgerError> {
        let connection = self.file.connection();
        let _moment = self.file.moment()?;
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

fn get<T: rusqlite::types::FromSql>(row: &Row<'_>, index: usize) -> Result<T, LedgerError> {
    row.get(index).map_err(LedgerError::sqlite(READING))
}
