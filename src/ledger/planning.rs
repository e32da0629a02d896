//! Writes a batch's plan: all of its payouts in one transaction, or none.

use super::chain;
use super::error::LedgerError;
use super::read;
use super::record::{BatchEvent, BatchId, Binding, NewPayout, Origin};
use super::row::{self, TOP_UP_COLUMNS};
use super::writer::{Group, Write};
use crate::domain::batch_name::BatchName;
use crate::domain::payout::{RowKey, TopUp};
use crate::domain::standing::State;
use rusqlite::types::Null;
use rusqlite::{Connection, OptionalExtension, Transaction, TransactionBehavior, params};

const PLANNING: &str = "writing the plan to the ledger";

/// A plan that is being written. Dropped before [`Planning::seal`], it leaves nothing behind.
#[derive(Debug)]
pub struct Planning<'l> {
    transaction: Transaction<'l>,
    batch: BatchId,
    rows: u64,
    points: u64,
}

/// What became of one row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Inserted {
    /// It is in the plan.
    New,
    /// Its key is already there, from this row.
    Duplicate {
        /// The earlier row.
        row: u64,
    },
}

/// A payout of this plan that another batch may pay, or paid, as well.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Repeat {
    /// The row of this file.
    pub row: u64,
    /// The other batch.
    pub batch: String,
    /// The row there.
    pub other_row: u64,
    /// Its state there.
    pub state: State,
    /// When it was credited, in Unix milliseconds.
    pub credited_at: Option<i64>,
}

impl<'l> Planning<'l> {
    pub(super) fn begin(
        connection: &'l mut Connection,
        name: &BatchName,
        binding: &Binding,
        origin: &Origin,
    ) -> Result<Self, LedgerError> {
        let doing = LedgerError::sqlite(PLANNING);
        let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate).map_err(doing)?;
        let batch = transaction
            .prepare_cached(
                "INSERT INTO batches (name, gateway_host, merchant_id, terminal_id, invoice_prefix, rows, points,
                                      skipped_rows, plan_sha256, file_name, settings, planned_at, planned_by, consent,
                                      chain_head)
                 VALUES (?1, ?2, ?3, ?4, ?5, 0, 0, 0, zeroblob(32), ?6, ?7, ?8, ?9, '', ?10) RETURNING batch_id",
            )
            .and_then(|mut statement| {
                statement.query_row(
                    params![
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
                    ],
                    |row| row.get(0),
                )
            })
            .map_err(LedgerError::sqlite(PLANNING))?;
        Ok(Self { transaction, batch: BatchId(batch), rows: 0, points: 0 })
    }

    /// Adds one payout.
    ///
    /// # Errors
    /// When the ledger cannot be written, or its number belongs to another payout.
    pub fn insert(&mut self, payout: &NewPayout<'_>) -> Result<Inserted, LedgerError> {
        let TopUp { invoice_no, member, points, send_sms, receipt } = payout.top_up;
        let extra = (!payout.extra.is_empty()).then(|| serde_json::json!(payout.extra).to_string());
        let phone_beside = member.phone().filter(|phone| phone.as_str() != member.key());
        let inserted: Option<i64> = self
            .transaction
            .prepare_cached(
                "INSERT INTO payouts (batch_id, row, row_key, member, phone, points, send_sms, receipt, name, extra,
                                      state, attempt, invoice_no, credited_at)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, 'planned', 1, ?11, ?12)
                 ON CONFLICT (batch_id, row_key) DO NOTHING RETURNING payout_id",
            )
            .and_then(|mut statement| {
                let row = params![
                    self.batch.0,
                    payout.row,
                    payout.key.as_str(),
                    member.key(),
                    phone_beside.as_ref().map(|phone| phone.as_str()),
                    points.value(),
                    send_sms,
                    receipt.as_ref().map(row::receipt_json),
                    payout.name,
                    extra,
                    invoice_no.as_str(),
                    Null,
                ];
                statement.query_row(row, |row| row.get(0)).optional()
            })
            .map_err(LedgerError::sqlite(PLANNING))?;
        let Some(id) = inserted else { return self.duplicate(payout.key) };
        self.transaction
            .prepare_cached("INSERT INTO invoices (invoice_no, payout_id, attempt) VALUES (?1, ?2, 1)")
            .and_then(|mut statement| statement.execute(params![invoice_no.as_str(), id]))
            .map_err(LedgerError::sqlite(PLANNING))?;
        self.rows += 1;
        self.points += u64::from(points.value());
        Ok(Inserted::New)
    }

    fn duplicate(&self, key: &RowKey) -> Result<Inserted, LedgerError> {
        let sql = "SELECT row FROM payouts WHERE batch_id = ?1 AND row_key = ?2";
        let row = read::one(&self.transaction, sql, params![self.batch.0, key.as_str()])?;
        row.map(|row| Inserted::Duplicate { row })
            .ok_or_else(|| LedgerError::Broken("a duplicate row without its first".to_owned()))
    }

    /// Payouts and points so far.
    #[must_use]
    pub fn size(&self) -> (u64, u64) {
        (self.rows, self.points)
    }

    /// Shows each payout in the order of the row keys, which is the same however the file was sorted.
    ///
    /// # Errors
    /// When the ledger cannot be read.
    pub fn in_key_order(&self, mut show: impl FnMut(&str, &TopUp)) -> Result<(), LedgerError> {
        let sql = format!("SELECT {TOP_UP_COLUMNS}, p.row_key FROM payouts p WHERE batch_id = ?1 ORDER BY row_key");
        let reading = || LedgerError::sqlite("reading the plan back");
        let mut statement = self.transaction.prepare(&sql).map_err(reading())?;
        let mut rows = statement.query([self.batch.0]).map_err(reading())?;
        while let Some(row) = rows.next().map_err(reading())? {
            let key: String = row.get(6).map_err(reading())?;
            show(&key, &row::top_up(row, 0)?);
        }
        Ok(())
    }

    /// Distinct members and the largest payout.
    ///
    /// # Errors
    /// When the ledger cannot be read.
    pub fn members_and_largest(&self) -> Result<(u64, u64), LedgerError> {
        let sql = "SELECT count(DISTINCT member), coalesce(max(points), 0) FROM payouts WHERE batch_id = ?1";
        self.transaction
            .query_row(sql, [self.batch.0], |row| Ok((row.get(0)?, row.get(1)?)))
            .map_err(LedgerError::sqlite("reading the plan back"))
    }

    /// Payouts of this plan whose member and points another batch at the same gateway holds planned, in doubt or
    /// held, or credited since `credited_since`: how many, and the first few.
    ///
    /// # Errors
    /// When the ledger cannot be read.
    pub fn repeats(
        &self,
        states: &[State],
        credited_since: i64,
        few: usize,
    ) -> Result<(u64, Vec<Repeat>), LedgerError> {
        let words: Vec<String> = states.iter().map(|state| format!("'{}'", state.word())).collect();
        let from = format!(
            "FROM payouts p
             CROSS JOIN payouts o ON o.member = p.member AND o.points = p.points AND o.batch_id <> p.batch_id
             JOIN batches b ON b.batch_id = o.batch_id
             WHERE p.batch_id = ?1 AND o.state IN ({}) AND coalesce(o.credited_at, ?2) >= ?2
               AND b.gateway_host = (SELECT gateway_host FROM batches WHERE batch_id = ?1)",
            words.join(", ")
        );
        let count_sql = format!("SELECT count(DISTINCT p.payout_id) {from}");
        let count = read::one(&self.transaction, &count_sql, params![self.batch.0, credited_since])?;
        let list_sql = format!("SELECT p.row, b.name, o.row, o.state, o.credited_at {from} ORDER BY p.row LIMIT ?3");
        let few = i64::try_from(few).unwrap_or(i64::MAX);
        let list = read::rows(&self.transaction, &list_sql, params![self.batch.0, credited_since, few], |row| {
            let reading = || LedgerError::sqlite("comparing with other batches");
            let word: String = row.get(3).map_err(reading())?;
            Ok(Repeat {
                row: row.get(0).map_err(reading())?,
                batch: row.get(1).map_err(reading())?,
                other_row: row.get(2).map_err(reading())?,
                state: read::state_of(&word)?,
                credited_at: row.get(4).map_err(reading())?,
            })
        })?;
        Ok((count.unwrap_or(0), list))
    }

    /// Makes the plan durable under its seal, with the consent that was given to it.
    ///
    /// # Errors
    /// When the ledger cannot be written; then nothing of the plan is in it.
    pub fn seal(self, plan_sha256: [u8; 32], skipped_rows: u64, consent: &str, at: i64) -> Result<(), LedgerError> {
        for state in State::ALL {
            let (rows, points) = if state == State::Planned { (self.rows, self.points) } else { (0, 0) };
            self.transaction
                .execute(
                    "INSERT INTO totals (batch_id, state, rows, points, recovered) VALUES (?1, ?2, ?3, ?4, 0)",
                    params![self.batch.0, state.word(), rows, points],
                )
                .map_err(LedgerError::sqlite(PLANNING))?;
        }
        self.transaction
            .execute(
                "UPDATE batches SET rows = ?2, points = ?3, skipped_rows = ?4, plan_sha256 = ?5, consent = ?6
                 WHERE batch_id = ?1",
                params![self.batch.0, self.rows, self.points, skipped_rows, plan_sha256, consent],
            )
            .map_err(LedgerError::sqlite(PLANNING))?;
        let hex: String = plan_sha256.iter().map(|byte| format!("{byte:02x}")).collect();
        let note = format!("plan {hex}, {consent}");
        let mut group = Group::begin(&self.transaction, self.batch)?;
        group.write(&Write::Batch { at, event: BatchEvent::Planned(note) })?;
        group.finish()?;
        self.transaction.commit().map_err(LedgerError::sqlite("committing the plan"))
    }
}
