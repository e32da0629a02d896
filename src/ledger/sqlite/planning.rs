//! The statements of planning, and of binding plans elsewhere.

use super::read::{self, get, state_of};
use super::row::{self, TOP_UP_COLUMNS};
use super::{facts, soundness};
use crate::domain::batch_name::BatchName;
use crate::domain::invoice_no::InvoiceNo;
use crate::domain::member::Member;
use crate::domain::payout::{self, TopUp};
use crate::domain::payout_status::State;
use crate::domain::phone::PhoneNumber;
use crate::domain::row_key::RowKey;
use crate::domain::sha256::Sha256;
use crate::ledger::chain;
use crate::ledger::error::LedgerError;
use crate::ledger::outcome::FileColumn;
use crate::ledger::plan_store::{Known, PlanStore, Planned};
use crate::ledger::record::{BatchId, Binding, Origin, PayoutId, Size, UnixMs};
use crate::ledger::row_seal::Sealed;
use crate::ledger::settings::Settings;
use crate::ledger::views::{Earlier, MissingPayout};
use rusqlite::{Connection, Params, Row, params};

/// Payouts that are read before they get their new numbers.
const PAGE: u32 = 512;

/// What `known` reads, from `payouts`.
const KNOWN_COLUMNS: &str =
    "payout_id, row, row_key, state, coalesce(spelt, member), phone, points, send_sms, receipt, name, plan";

fn write(connection: &Connection, sql: &str, params: impl Params) -> Result<usize, LedgerError> {
    connection
        .prepare_cached(sql)
        .and_then(|mut statement| statement.execute(params))
        .map_err(LedgerError::sqlite("writing the plan to the ledger"))
}

fn known(row: &Row<'_>) -> Result<Known, LedgerError> {
    let reading = || LedgerError::sqlite("comparing with the plan");
    // Borrowed: for most rows a text is looked at once.
    let text = |index| row.get_ref(index).and_then(|value| Ok(value.as_str_or_null()?)).map_err(reading());
    let broken = |what: &str| LedgerError::Broken(format!("a stored {what} is none"));
    let phone = text(5)?.map(|phone| PhoneNumber::parse(phone).ok_or_else(|| broken("phone"))).transpose()?;
    Ok(Known {
        id: PayoutId(get(row, 0)?),
        row: get(row, 1)?,
        key: text(2)?.unwrap_or_default().to_owned(),
        state: state_of(text(3)?.unwrap_or_default())?,
        member: Member::from_key(text(4)?.unwrap_or_default(), phone).ok_or_else(|| broken("member"))?,
        points: get(row, 6)?,
        send_sms: get(row, 7)?,
        receipt: text(8)?.map(str::to_owned),
        name: text(9)?.map(str::to_owned),
        plan: get(row, 10)?,
    })
}

impl PlanStore for Connection {
    fn check_before_plan(&self, batch: Option<BatchId>) -> Result<(), LedgerError> {
        soundness::check_before_plan(self, batch)
    }

    fn add_batch(&self, name: &BatchName, binding: &Binding, origin: &Origin) -> Result<BatchId, LedgerError> {
        let sql = "INSERT INTO batches (name, gateway_host, merchant_id, terminal_id, invoice_prefix, rows, points,
                                        skipped_rows, plan_sha256, file_name, settings, planned_at, planned_by, consent,
                                        plan_version, approved_plan, columns, chain_head, sealed)
                   VALUES (?1, ?2, ?3, ?4, ?5, 0, 0, 0, zeroblob(32), ?6, ?7, ?8, ?9, '', 0, 0, '[]', ?10, '[]')";
        let row = params![
            name.as_str(),
            binding.gateway_host,
            binding.merchant_id,
            binding.terminal_id,
            binding.invoice_prefix.as_str(),
            origin.file_name,
            origin.settings,
            origin.planned_at,
            origin.planned_by,
            chain::START,
        ];
        write(self, sql, row)?;
        let batch = self.last_insert_rowid();
        for state in State::ALL {
            let sql = "INSERT INTO totals (batch_id, state, rows, points, recovered) VALUES (?1, ?2, 0, 0, 0)";
            write(self, sql, (batch, state.word()))?;
        }
        Ok(BatchId(batch))
    }

    fn new_payout(&self) -> Result<PayoutId, LedgerError> {
        // One writer at a time is in a transaction.
        let last = read::one(self, "SELECT coalesce(max(payout_id), 0) FROM payouts", [])?;
        Ok(PayoutId(last.unwrap_or(0) + 1))
    }

    fn add_payout(
        &self,
        batch: BatchId,
        row: &Sealed<'_>,
        seal: Sha256,
        number: &InvoiceNo,
    ) -> Result<bool, LedgerError> {
        let sql =
            "INSERT INTO payouts (payout_id, batch_id, plan, row, row_key, member, spelt, phone, points, send_sms,
                                        receipt, name, extra, sha256, state, attempt, invoice_no)
                   VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, 'planned', 1, ?15)
                   ON CONFLICT (batch_id, row_key) DO NOTHING";
        let values = params![
            row.payout_id,
            batch.0,
            row.plan,
            row.row,
            row.row_key,
            row.member,
            row.spelt,
            row.phone,
            row.points,
            row.send_sms,
            row.receipt,
            row.name,
            row.extra,
            seal,
            number.as_str(),
        ];
        if write(self, sql, values)? == 0 {
            return Ok(false);
        }
        let sql = "INSERT INTO invoices (invoice_no, payout_id, attempt) VALUES (?1, ?2, 1)";
        write(self, sql, (number.as_str(), row.payout_id))?;
        Ok(true)
    }

    fn has_number(&self, number: &InvoiceNo) -> Result<bool, LedgerError> {
        let sql = "SELECT 1 FROM invoices WHERE invoice_no = ?1";
        Ok(read::one::<i64>(self, sql, [number.as_str()])?.is_some())
    }

    fn columns(&self, batch: BatchId) -> Result<Vec<FileColumn>, LedgerError> {
        let json: Option<String> = read::one(self, "SELECT columns FROM batches WHERE batch_id = ?1", [batch.0])?;
        let broken = |_| LedgerError::Broken("the stored columns of a file are none".to_owned());
        let stored: Vec<(String, Option<String>)> = serde_json::from_str(&json.unwrap_or_default()).map_err(broken)?;
        Ok(stored.into_iter().map(|(header, meaning)| FileColumn { header, meaning }).collect())
    }

    fn keep_columns(&self, batch: BatchId, columns: &[FileColumn]) -> Result<(), LedgerError> {
        let kept: Vec<_> = columns.iter().map(|column| (&column.header, &column.meaning)).collect();
        let sql = "UPDATE batches SET columns = ?2 WHERE batch_id = ?1";
        write(self, sql, (batch.0, serde_json::json!(kept).to_string())).map(drop)
    }

    fn keep_settings(&self, batch: BatchId, settings: &Settings) -> Result<(), LedgerError> {
        let sql = "UPDATE batches SET sealed = ?2 WHERE batch_id = ?1";
        write(self, sql, (batch.0, settings.to_json())).map(drop)
    }

    fn skip(
        &self,
        batch: BatchId,
        version: u32,
        row: u64,
        cells: &[(String, String)],
        reasons: &[String],
    ) -> Result<(), LedgerError> {
        let (cells, reasons) = (serde_json::json!(cells).to_string(), serde_json::json!(reasons).to_string());
        let sql = "INSERT INTO skipped_rows (batch_id, plan, row, cells, reasons) VALUES (?1, ?2, ?3, ?4, ?5)";
        write(self, sql, params![batch.0, version, row, cells, reasons]).map(drop)
    }

    fn skips_others(&self, batch: BatchId, version: u32) -> Result<bool, LedgerError> {
        let sql = "SELECT 1 FROM (
                       SELECT cells, reasons FROM skipped_rows WHERE batch_id = ?1 AND plan = ?2
                       EXCEPT SELECT cells, reasons FROM skipped_rows s JOIN batches b ON b.batch_id = s.batch_id
                       WHERE s.batch_id = ?1 AND s.plan = b.plan_version)";
        Ok(read::one::<i64>(self, sql, (batch.0, version))?.is_some())
    }

    fn skipped_sha256(&self, batch: BatchId) -> Result<Sha256, LedgerError> {
        facts::skipped_sha256(self, batch)
    }

    fn keep_plan(&self, batch: BatchId, planned: &Planned<'_>) -> Result<(), LedgerError> {
        let Planned { version, new: Size { rows, points }, skipped_rows, seal, consent } = *planned;
        let sql = "UPDATE totals SET rows = rows + ?2, points = points + ?3 WHERE batch_id = ?1 AND state = 'planned'";
        write(self, sql, (batch.0, rows, points))?;
        let sql = "UPDATE batches SET rows = rows + ?2, points = points + ?3, skipped_rows = ?4, plan_sha256 = ?5,
                                      consent = ?6, plan_version = ?7
                   WHERE batch_id = ?1";
        write(self, sql, params![batch.0, rows, points, skipped_rows, seal, consent, version]).map(drop)
    }

    fn known_after(
        &self,
        batch: BatchId,
        version: u32,
        after: PayoutId,
        rows_max: u32,
    ) -> Result<Vec<Known>, LedgerError> {
        let sql = format!(
            "SELECT {KNOWN_COLUMNS} FROM payouts
             WHERE payout_id > ?2 AND +batch_id = ?1 AND +plan < ?3 ORDER BY payout_id LIMIT ?4"
        );
        read::rows(self, &sql, (batch.0, after.0, version, rows_max), known)
    }

    fn known(&self, batch: BatchId, key: &str) -> Result<Option<Known>, LedgerError> {
        let sql = format!("SELECT {KNOWN_COLUMNS} FROM payouts WHERE batch_id = ?1 AND row_key = ?2");
        Ok(read::rows(self, &sql, (batch.0, key), known)?.pop())
    }

    fn in_full(&self, payout: PayoutId) -> Result<(TopUp, Option<UnixMs>), LedgerError> {
        let sql = format!("SELECT {TOP_UP_COLUMNS}, p.credited_at FROM payouts p WHERE p.payout_id = ?1");
        let found = read::rows(self, &sql, [payout.0], |row| Ok((row::top_up(row, 0)?, get(row, 6)?)))?.pop();
        found.ok_or_else(|| LedgerError::Broken(format!("there is no payout {}", payout.0)))
    }

    fn each_before(
        &self,
        batch: BatchId,
        version: u32,
        mut show: impl FnMut(MissingPayout),
    ) -> Result<(), LedgerError> {
        let sql = "SELECT payout_id, row, invoice_no, state, points FROM payouts
                   WHERE batch_id = ?1 AND plan < ?2 ORDER BY payout_id";
        read::each(self, sql, (batch.0, version), |row| {
            show(MissingPayout {
                payout: PayoutId(get(row, 0)?),
                row: get(row, 1)?,
                invoice_no: get(row, 2)?,
                state: state_of(&get::<String>(row, 3)?)?,
                points: get(row, 4)?,
            });
            Ok(())
        })
    }

    fn row_like(&self, batch: BatchId, version: u32, other: PayoutId) -> Result<Option<u64>, LedgerError> {
        let of = |same| {
            format!(
                "SELECT n.row FROM payouts g CROSS JOIN payouts n ON {same}
                 WHERE g.payout_id = ?1 AND n.batch_id = ?2 AND n.plan = ?3 AND n.points = g.points"
            )
        };
        let sql = format!(
            "{} UNION ALL {} UNION ALL {} LIMIT 1",
            of("n.member = g.member"),
            of("n.member = g.phone"),
            of("n.phone = coalesce(g.phone, g.member)")
        );
        read::one(self, &sql, (other.0, batch.0, version))
    }

    fn other_of_member(
        &self,
        batch: BatchId,
        version: u32,
        payout: PayoutId,
        row: &payout::Row,
    ) -> Result<Option<Earlier>, LedgerError> {
        let of = |column, value| {
            format!(
                "SELECT row, plan < ?4 FROM payouts
                 WHERE {column} = {value} AND batch_id = ?3 AND payout_id <> ?5
                   AND (plan < ?4 OR ?6 OR substr(row_key, 1, 4) <> 'ref:')"
            )
        };
        let sql =
            format!("{} UNION ALL {} UNION ALL {} LIMIT 1", of("member", "?1"), of("member", "?2"), of("phone", "?2"));
        let phone = row.member.phone();
        let phone = phone.as_ref().map(|phone| phone.as_str());
        let by_member = row.reference.is_none();
        let like = params![row.member.identity(), phone, batch.0, version, payout.0, by_member];
        let earlier = |row: &Row<'_>| Ok(Earlier { row: get(row, 0)?, is_of_this_file: !get::<bool>(row, 1)? });
        Ok(read::rows(self, &sql, like, earlier)?.pop())
    }

    fn members_and_largest(&self, batch: BatchId, version: u32, first: PayoutId) -> Result<(u64, u64), LedgerError> {
        let sql = "SELECT count(DISTINCT member), coalesce(max(points), 0) FROM payouts
                   WHERE +batch_id = ?1 AND plan = ?2 AND payout_id >= ?3";
        let found = read::rows(self, sql, (batch.0, version, first.0), |row| Ok((get(row, 0)?, get(row, 1)?)))?;
        Ok(found.into_iter().next().unwrap_or_default())
    }

    fn in_key_order(
        &self,
        batch: BatchId,
        mut show: impl FnMut(&str, &TopUp, Option<&str>),
    ) -> Result<(), LedgerError> {
        let sql =
            format!("SELECT {TOP_UP_COLUMNS}, p.row_key, p.name FROM payouts p WHERE batch_id = ?1 ORDER BY row_key");
        let reading = || LedgerError::sqlite("reading the plan back");
        read::each(self, &sql, [batch.0], |row| {
            let text = |index| row.get_ref(index).and_then(|text| Ok(text.as_str_or_null()?)).map_err(reading());
            show(text(6)?.unwrap_or_default(), &row::top_up(row, 0)?, text(7)?);
            Ok(())
        })
    }

    fn bind_batch(&self, batch: BatchId, binding: &Binding) -> Result<(), LedgerError> {
        let Binding { gateway_host, merchant_id, terminal_id, invoice_prefix } = binding;
        let sql = "UPDATE batches SET gateway_host = ?2, merchant_id = ?3, terminal_id = ?4, invoice_prefix = ?5
                   WHERE batch_id = ?1";
        let row = params![batch.0, gateway_host, merchant_id, terminal_id, invoice_prefix.as_str()];
        write(self, sql, row).map(drop)
    }

    fn keys_after(&self, batch: BatchId, after: Option<PayoutId>) -> Result<Vec<(PayoutId, RowKey)>, LedgerError> {
        let sql = "SELECT payout_id, row_key FROM payouts
                   WHERE payout_id > ?2 AND +batch_id = ?1 ORDER BY payout_id LIMIT ?3";
        let after = after.map_or(0, |payout| payout.0);
        read::rows(self, sql, (batch.0, after, PAGE), |row| {
            Ok((PayoutId(get(row, 0)?), RowKey::from_stored(get(row, 1)?)))
        })
    }

    fn renumber(&self, payout: PayoutId, number: &InvoiceNo) -> Result<(), LedgerError> {
        // A number that the payout had under an earlier binding is its own again.
        let sql = "INSERT INTO invoices (invoice_no, payout_id, attempt) VALUES (?1, ?2, 1)
                   ON CONFLICT (invoice_no) DO NOTHING";
        write(self, sql, (number.as_str(), payout.0))?;
        let owner = "SELECT payout_id FROM invoices WHERE invoice_no = ?1";
        if read::one::<i64>(self, owner, [number.as_str()])? != Some(payout.0) {
            return Err(LedgerError::Broken(format!("{number} belongs to another payout")));
        }
        let sql = "UPDATE payouts SET invoice_no = ?2 WHERE payout_id = ?1 AND attempt = 1";
        write(self, sql, (payout.0, number.as_str())).map(drop)
    }

    fn seal_anew(&self, batch: BatchId, seal: Sha256) -> Result<(), LedgerError> {
        write(self, "UPDATE batches SET plan_sha256 = ?2 WHERE batch_id = ?1", params![batch.0, seal]).map(drop)
    }
}
