//! Turns rows of the ledger's tables into the types of the domain; what does not fit is a broken ledger.

use super::read::get;
use crate::domain::batch_name::BatchName;
use crate::domain::invoice_no::{InvoiceNo, InvoicePrefix};
use crate::domain::member::{Member, PURGED};
use crate::domain::payout::TopUp;
use crate::domain::payout_status::State;
use crate::domain::phone::PhoneNumber;
use crate::domain::points::Points;
use crate::domain::receipt::Receipt;
use crate::domain::row_key::RowKey;
use crate::domain::sha256::Sha256;
use crate::ledger::chain::StoredEvent;
use crate::ledger::error::LedgerError;
use crate::ledger::record::{Batch, BatchId, Binding, Payout, PayoutId};
use crate::ledger::row_seal::{Sealed, is_own_number};
use crate::ledger::settings::Settings;
use rusqlite::Row;
use rusqlite::types::{FromSql, FromSqlResult, ToSql, ToSqlOutput, ValueRef};

/// What [`top_up`] reads, from `payouts p`.
pub(in crate::ledger) const TOP_UP_COLUMNS: &str =
    "p.invoice_no, coalesce(p.spelt, p.member), p.phone, p.points, p.send_sms, p.receipt";
/// What [`batch`] reads, from `batches`.
pub(in crate::ledger) const BATCH_COLUMNS: &str = "batch_id, name, gateway_host, merchant_id, terminal_id, invoice_prefix, rows, \
     points, skipped_rows, plan_sha256, file_name, planned_at, planned_by, chain_head, sealed, \
     (SELECT purges.at FROM purges WHERE purges.batch_id = batches.batch_id), plan_version";

impl FromSql for Sha256 {
    fn column_result(value: ValueRef<'_>) -> FromSqlResult<Self> {
        <[u8; 32]>::column_result(value).map(Self::from_bytes)
    }
}

impl ToSql for Sha256 {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(ToSqlOutput::Borrowed(ValueRef::Blob(self.as_bytes())))
    }
}

/// What [`Sealed::read`] reads, from `payouts p`.
pub(in crate::ledger) const SEALED_COLUMNS: &str = "p.payout_id, p.row, p.row_key, p.member, p.phone, p.points, p.send_sms, p.receipt, p.name, p.extra, p.spelt, p.plan";

impl<'a> Sealed<'a> {
    /// Twelve columns from `first` on, as [`SEALED_COLUMNS`] names them.
    pub(in crate::ledger) fn read(row: &'a Row<'_>, first: usize) -> Result<Self, LedgerError> {
        let get = |index: usize| row.get_ref(first + index).map_err(LedgerError::sqlite("reading a row's seal"));
        let text = |index| match get(index)? {
            ValueRef::Null => Ok(None),
            value @ (ValueRef::Integer(_) | ValueRef::Real(_) | ValueRef::Text(_) | ValueRef::Blob(_)) => {
                value.as_str().map(Some).map_err(|_| LedgerError::Broken("a stored text is none".to_owned()))
            }
        };
        let number =
            |index| get(index)?.as_i64().map_err(|_| LedgerError::Broken("a stored number is none".to_owned()));
        Ok(Self {
            payout_id: number(0)?,
            row: number(1)?,
            row_key: text(2)?.unwrap_or_default(),
            member: text(3)?.unwrap_or_default(),
            phone: text(4)?,
            points: number(5)?,
            send_sms: number(6)? != 0,
            receipt: text(7)?,
            name: text(8)?,
            extra: text(9)?,
            spelt: text(10)?,
            plan: number(11)?,
        })
    }
}

/// What [`StoredEvent::read`] reads, from `events e`.
pub(in crate::ledger) const EVENT_COLUMNS: &str = "e.event_id, e.payout_id, e.at, e.kind, e.detail, e.state, e.request_id, \
     e.http, e.code, e.latency_ms, e.note, e.why, e.previous, \
     (SELECT a.actor FROM actors a WHERE a.actor_id = e.actor_id)";

impl StoredEvent {
    /// Fourteen columns from `first` on, as [`EVENT_COLUMNS`] names them.
    pub(in crate::ledger) fn read(row: &Row<'_>, first: usize) -> Result<Self, LedgerError> {
        Ok(Self {
            event_id: get(row, first)?,
            payout_id: get(row, first + 1)?,
            at: get(row, first + 2)?,
            kind: get(row, first + 3)?,
            detail: get(row, first + 4)?,
            state: get(row, first + 5)?,
            request_id: get(row, first + 6)?,
            http: get(row, first + 7)?,
            code: get(row, first + 8)?,
            latency_ms: get(row, first + 9)?,
            note: get(row, first + 10)?,
            why: get(row, first + 11)?,
            previous: get(row, first + 12)?,
            // Where there is no such actor, the hash of the event is not the one that was chained.
            actor: get::<Option<String>>(row, first + 13)?.unwrap_or_default(),
        })
    }
}

fn broken(what: &str) -> LedgerError {
    LedgerError::Broken(format!("a stored {what} is none"))
}

/// Six columns from `first` on, as [`TOP_UP_COLUMNS`] names them.
pub(in crate::ledger) fn top_up(row: &Row<'_>, first: usize) -> Result<TopUp, LedgerError> {
    let member = get::<String>(row, first + 1)?;
    let phone = get::<Option<String>>(row, first + 2)?;
    let member = if member.starts_with(PURGED) {
        Member::purged(&member, phone)
    } else {
        let phone = phone.map(|phone| PhoneNumber::parse(&phone).ok_or_else(|| broken("phone"))).transpose()?;
        Member::from_key(&member, phone)
    };
    let receipt = get::<Option<String>>(row, first + 5)?;
    Ok(TopUp {
        invoice_no: InvoiceNo::parse(&get::<String>(row, first)?).ok_or_else(|| broken("invoice_no"))?,
        member: member.ok_or_else(|| broken("member"))?,
        points: Points::new(get(row, first + 3)?).ok_or_else(|| broken("amount of points"))?,
        send_sms: get(row, first + 4)?,
        receipt: receipt.map(|json| receipt_of(&json)).transpose()?,
    })
}

/// Name, address, email and tax code, as [`crate::ledger::row_seal::receipt_json`] wrote them.
pub(in crate::ledger) fn receipt_cells(json: &str) -> Result<[String; 4], LedgerError> {
    serde_json::from_str(json).map_err(|_| broken("receipt"))
}

fn receipt_of(json: &str) -> Result<Receipt, LedgerError> {
    let [name, address, email, tax_code] = receipt_cells(json)?;
    Receipt::new(&name, &address, &email, &tax_code).map_err(|_| broken("receipt"))
}

/// `payout_id, row, row_key, name, shares_member, has_history`, [`TOP_UP_COLUMNS`], `state, attempt, sha256`, the batch's
/// name, [`SEALED_COLUMNS`], merchant and prefix: a row that was edited is not taken up,
/// nor one whose number its key does not lead to, nor one that says something happened to it of which there is no event.
pub(in crate::ledger) fn payout(row: &Row<'_>) -> Result<Payout, LedgerError> {
    let batch = get::<String>(row, 15)?;
    let sealed = Sealed::read(row, 16)?;
    let is_purged = sealed.member.starts_with(PURGED);
    let (state, attempt) = (get::<String>(row, 12)?, get::<u32>(row, 13)?);
    let top_up = top_up(row, 6)?;
    let (merchant_id, prefix) = (get::<String>(row, 28)?, get::<String>(row, 29)?);
    let is_own = || is_own_number(&top_up.invoice_no, (&batch, &merchant_id, &prefix), sealed.row_key, attempt);
    if !is_purged && (sealed.sha256(&batch) != get::<Sha256>(row, 14)? || !is_own()) {
        return Err(LedgerError::RowChanged { batch, row: sealed.row });
    }
    if !get::<bool>(row, 5)? && (state != State::Planned.word() || attempt != 1) {
        let sheet_row = sealed.row;
        return Err(LedgerError::Broken(format!(
            "row {sheet_row} is {state} at attempt {attempt}, and nothing ever happened to it"
        )));
    }
    Ok(Payout {
        id: PayoutId(get(row, 0)?),
        row: get(row, 1)?,
        key: RowKey::from_stored(get(row, 2)?),
        name: get(row, 3)?,
        shares_member: get(row, 4)?,
        has_history: get(row, 5)?,
        top_up,
    })
}

/// [`BATCH_COLUMNS`].
pub(in crate::ledger) fn batch(row: &Row<'_>) -> Result<Batch, LedgerError> {
    Ok(Batch {
        id: BatchId(get(row, 0)?),
        name: BatchName::parse(&get::<String>(row, 1)?).map_err(|_| broken("batch name"))?,
        binding: Binding {
            gateway_host: get(row, 2)?,
            merchant_id: get(row, 3)?,
            terminal_id: get(row, 4)?,
            invoice_prefix: InvoicePrefix::parse(&get::<String>(row, 5)?).ok_or_else(|| broken("prefix"))?,
        },
        rows: get(row, 6)?,
        points: get(row, 7)?,
        skipped_rows: get(row, 8)?,
        plan_sha256: get(row, 9)?,
        file_name: get(row, 10)?,
        planned_at: get(row, 11)?,
        planned_by: get(row, 12)?,
        chain_head: get(row, 13)?,
        settings: Settings::from_json(&get::<String>(row, 14)?).ok_or_else(|| broken("setting"))?,
        purged_at: get(row, 15)?,
        plan_version: get(row, 16)?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ledger::intent::sendable;

    #[test]
    fn a_purged_member_reads_back_and_is_never_sent() {
        let connection = rusqlite::Connection::open_in_memory().unwrap();
        let read = |member: &str, phone: Option<&str>| {
            let sql = "SELECT 'TP1', ?1, ?2, 50, 1, NULL";
            connection.query_row(sql, (member, phone), |row| Ok(top_up(row, 0))).unwrap().unwrap()
        };
        let (phone, card) = (Some("PURGED:01".to_owned()), "PURGED:CARD:02".to_owned());
        for (found, key, expected) in [
            (read("PURGED:01", None), "PURGED:01", &phone),
            (read(&card, phone.as_deref()), &*card, &phone),
            (read(&card, None), &*card, &None),
        ] {
            assert_eq!(found.member, Member::Purged { key: key.to_owned(), phone: expected.clone() });
            assert!(matches!(sendable(found), Err(LedgerError::Broken(_))));
        }
        assert!(sendable(read("0901234567", None)).is_ok());
    }
}
