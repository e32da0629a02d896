//! The statements by which a ledger is looked at.

use super::read::{self, get, state_of};
use super::row::{self, BATCH_COLUMNS, SEALED_COLUMNS, TOP_UP_COLUMNS};
use super::{audit, batch_details, checkup, decision, find, in_doubt, outcomes, purge, purge_seal, skipped, statement};
use crate::domain::invoice_no::InvoiceNo;
use crate::domain::payout::TopUp;
use crate::domain::payout_status::State;
use crate::domain::statement::Line;
use crate::ledger::audit::Audit;
use crate::ledger::error::LedgerError;
use crate::ledger::outcome::{Outcome, TimedCall};
use crate::ledger::read_store::ReadStore;
use crate::ledger::record::{Batch, BatchId, Payout, PayoutId, Size, UnixMs};
use crate::ledger::views::{BatchDetails, Checkup, Found, InDoubt, LastRun, LedgerEntry, Personal, Purgeable, Skipped};
use rusqlite::{Connection, Row};

/// Payouts behind the first that are looked through for credited ones.
const LOOKED_THROUGH: i64 = 10_000;

/// What [`row::payout`] reads, from `payouts p`.
fn payout_columns() -> String {
    format!(
        "p.payout_id, p.row, p.row_key, p.name,
         EXISTS (SELECT 1 FROM payouts s
                 WHERE s.member = p.member AND s.batch_id = p.batch_id AND s.payout_id <> p.payout_id),
         EXISTS (SELECT 1 FROM events e WHERE e.payout_id = p.payout_id),
         {TOP_UP_COLUMNS}, p.state, p.attempt, p.sha256, (SELECT b.name FROM batches b WHERE b.batch_id = p.batch_id),
         {SEALED_COLUMNS},
         (SELECT b.merchant_id FROM batches b WHERE b.batch_id = p.batch_id),
         (SELECT b.invoice_prefix FROM batches b WHERE b.batch_id = p.batch_id)"
    )
}

fn limit(rows_max: usize) -> i64 {
    i64::try_from(rows_max).unwrap_or(i64::MAX)
}

impl ReadStore for Connection {
    fn batches(&self) -> Result<Vec<Batch>, LedgerError> {
        read::rows(self, &format!("SELECT {BATCH_COLUMNS} FROM batches ORDER BY batch_id"), [], row::batch)
    }

    fn batch_named(&self, name: &str) -> Result<Option<Batch>, LedgerError> {
        let sql = format!("SELECT {BATCH_COLUMNS} FROM batches WHERE name = ?1");
        Ok(read::rows(self, &sql, [name], row::batch)?.pop())
    }

    fn has_payouts(&self, batch: BatchId) -> Result<bool, LedgerError> {
        Ok(read::one::<i64>(self, "SELECT 1 FROM payouts WHERE batch_id = ?1 LIMIT 1", [batch.0])?.is_some())
    }

    fn unapproved(&self, batch: BatchId, payable: u32) -> Result<Size, LedgerError> {
        let sql = "SELECT plan_version FROM batches WHERE batch_id = ?1";
        // The cheap question first: nearly every batch is approved whole.
        if read::one::<u32>(self, sql, [batch.0])?.is_none_or(|version| version <= payable) {
            return Ok(Size::default());
        }
        let sql = "SELECT count(*), coalesce(sum(points), 0) FROM payouts
                   WHERE batch_id = ?1 AND state = 'planned' AND plan > ?2";
        let size = |row: &Row<'_>| Ok(Size { rows: get(row, 0)?, points: get(row, 1)? });
        Ok(read::rows(self, sql, (batch.0, payable), size)?.pop().unwrap_or_default())
    }

    fn last_run(&self, batch: BatchId, begins: &str) -> Result<Option<LastRun>, LedgerError> {
        // Between the beginning and the end of a run there is no other of its batch.
        let sql = "SELECT b.note, e.at, e.note
                   FROM (SELECT event_id, note FROM events
                         WHERE batch_id = ?1 AND payout_id IS NULL AND kind = 'run_started' AND instr(note, ?2) = 1
                         ORDER BY event_id DESC LIMIT 1) b
                   LEFT JOIN events e ON e.event_id = (
                         SELECT event_id FROM events
                         WHERE batch_id = ?1 AND payout_id IS NULL AND kind IN ('run_started', 'run_ended')
                             AND event_id > b.event_id
                         ORDER BY event_id LIMIT 1) AND e.kind = 'run_ended'";
        let run = |row: &Row<'_>| {
            let ended: Option<UnixMs> = get(row, 1)?;
            let how: Option<String> = get(row, 2)?;
            Ok(LastRun { beginning: get(row, 0)?, ended: ended.zip(how) })
        };
        Ok(read::rows(self, sql, (batch.0, begins), run)?.pop())
    }

    fn batch_details(&self, batch: BatchId, now: UnixMs, running: bool) -> Result<BatchDetails, LedgerError> {
        batch_details::batch_details(self, batch, now, running)
    }

    fn audit(&self, batch: &Batch, head: Option<&str>) -> Result<Audit, LedgerError> {
        audit::audit(self, batch, head)
    }

    fn payouts_after(
        &self,
        batch: BatchId,
        (state, plan_max): (State, u32),
        after: Option<PayoutId>,
        rows_max: usize,
    ) -> Result<Vec<Payout>, LedgerError> {
        // The state is spelt out, not bound: only then does SQLite use the partial index of that state.
        let sql = format!(
            "SELECT {} FROM payouts p
             WHERE p.batch_id = ?1 AND p.state = '{}' AND p.payout_id > ?2 AND p.plan <= ?4
             ORDER BY p.payout_id LIMIT ?3",
            payout_columns(),
            state.word()
        );
        read::rows(self, &sql, (batch.0, after.map_or(0, |id| id.0), limit(rows_max), plan_max), row::payout)
    }

    fn credited_from(&self, batch: BatchId, first: PayoutId, rows_max: usize) -> Result<Vec<Payout>, LedgerError> {
        // There is no index of them.
        let sql = format!(
            "SELECT {} FROM payouts p
             WHERE p.batch_id = ?1 AND p.state = 'credited' AND p.payout_id >= ?2 AND p.payout_id < ?2 + {LOOKED_THROUGH}
             ORDER BY p.payout_id LIMIT ?3",
            payout_columns()
        );
        read::rows(self, &sql, (batch.0, first.0, limit(rows_max)), row::payout)
    }

    fn in_doubt(&self, batch: BatchId, rows_max: usize) -> Result<Vec<InDoubt>, LedgerError> {
        in_doubt::in_doubt(self, batch, rows_max)
    }

    fn in_state(&self, batch: BatchId, state: State) -> Result<Vec<PayoutId>, LedgerError> {
        let sql = "SELECT payout_id FROM payouts WHERE batch_id = ?1 AND state = ?2 ORDER BY payout_id";
        read::rows(self, sql, (batch.0, state.word()), |row| get(row, 0).map(PayoutId))
    }

    fn payout(&self, payout: PayoutId) -> Result<Payout, LedgerError> {
        let sql = format!("SELECT {} FROM payouts p WHERE p.payout_id = ?1", payout_columns());
        let found = read::rows(self, &sql, [payout.0], row::payout)?.pop();
        found.ok_or_else(|| LedgerError::Broken(format!("there is no payout {}", payout.0)))
    }

    fn named(&self, batch: BatchId, text: &str) -> Result<Option<PayoutId>, LedgerError> {
        let by_reference = "SELECT payout_id FROM payouts WHERE batch_id = ?1 AND row_key = 'ref:' || ?2";
        if let Some(id) = read::one(self, by_reference, (batch.0, text))? {
            return Ok(Some(PayoutId(id)));
        }
        let by_number = "SELECT p.payout_id FROM invoices i JOIN payouts p USING (payout_id)
                         WHERE p.batch_id = ?1 AND i.invoice_no = ?2";
        Ok(read::one(self, by_number, (batch.0, text))?.map(PayoutId))
    }

    fn names(&self, payout: PayoutId) -> Result<(Option<String>, Option<String>), LedgerError> {
        let expected = read::one(self, "SELECT name FROM payouts WHERE payout_id = ?1", [payout.0])?.flatten();
        let explains = read::explaining("e", State::Held);
        let sql = format!(
            "SELECT e.note FROM events e WHERE e.payout_id = ?1 AND {explains} ORDER BY e.event_id DESC LIMIT 1"
        );
        Ok((expected, read::one(self, &sql, [payout.0])?.flatten()))
    }

    fn verifiable_numbers(&self, batch: &Batch) -> Result<Vec<(PayoutId, InvoiceNo, bool)>, LedgerError> {
        decision::verifiable_numbers(self, batch)
    }

    fn each_state(&self, batch: BatchId, mut show: impl FnMut(&TopUp, State)) -> Result<(), LedgerError> {
        let sql = format!("SELECT {TOP_UP_COLUMNS}, p.state FROM payouts p WHERE p.batch_id = ?1 ORDER BY p.payout_id");
        read::each(self, &sql, [batch.0], |row| {
            show(&row::top_up(row, 0)?, state_of(&get::<String>(row, 6)?)?);
            Ok(())
        })
    }

    fn each_outcome<E: From<LedgerError>>(
        &self,
        batch: BatchId,
        states: &[State],
        show: impl FnMut(&Outcome<'_>) -> Result<(), E>,
    ) -> Result<(), E> {
        outcomes::each_outcome(self, batch, states, show)
    }

    fn first_extra(&self, batch: BatchId) -> Result<Vec<(String, String)>, LedgerError> {
        outcomes::first_extra(self, batch)
    }

    fn each_call(&self, batch: BatchId, show: impl FnMut(TimedCall)) -> Result<(), LedgerError> {
        outcomes::each_call(self, batch, show)
    }

    fn each_skipped<E: From<LedgerError>>(
        &self,
        batch: &Batch,
        at_most: u64,
        show: impl FnMut(&Skipped) -> Result<(), E>,
    ) -> Result<(), E> {
        skipped::each(self, batch, at_most, show)
    }

    fn hold_lines(&self) -> Result<(), LedgerError> {
        statement::hold_lines(self)
    }

    fn hold_line(&self, line: &Line, payout: Option<PayoutId>) -> Result<(), LedgerError> {
        statement::hold_line(self, line, payout)
    }

    fn owner(&self, number: &InvoiceNo) -> Result<Option<(PayoutId, BatchId, String)>, LedgerError> {
        statement::owner(self, number)
    }

    fn each_held(
        &self,
        batch: BatchId,
        show: impl FnMut(PayoutId, LedgerEntry, Option<Line>),
    ) -> Result<(), LedgerError> {
        statement::each_held(self, batch, show)
    }

    fn each_stranger(&self, show: impl FnMut(Line)) -> Result<(), LedgerError> {
        statement::each_stranger(self, show)
    }

    fn last_run_ended_at(&self) -> Result<Option<UnixMs>, LedgerError> {
        // One run at a time has the lease. Whatever else happened to a payout after it may have asked the gateway.
        let sql = "SELECT at FROM (
                       SELECT at, kind FROM events WHERE payout_id IS NOT NULL OR kind IN ('run_started', 'run_ended')
                       ORDER BY event_id DESC LIMIT 1) WHERE kind = 'run_ended'";
        read::one(self, sql, [])
    }

    fn is_unused(&self) -> Result<bool, LedgerError> {
        let sql = "SELECT 1 FROM events WHERE payout_id IS NULL AND kind = 'run_started' LIMIT 1";
        Ok(read::one::<i64>(self, sql, [])?.is_none())
    }

    fn find(&self, text: &str) -> Result<Vec<Found>, LedgerError> {
        find::find(self, text)
    }

    fn checkup(&self) -> Result<Checkup, LedgerError> {
        checkup::checkup(self)
    }

    fn purge_checks(&self) -> Result<Vec<[u8; 32]>, LedgerError> {
        read::rows(self, "SELECT DISTINCT key_check FROM purges", [], |row| get(row, 0))
    }

    fn purgeable(&self) -> Result<Vec<Purgeable>, LedgerError> {
        purge::purgeable(self)
    }

    fn personal(&self, batch: BatchId) -> Result<Personal, LedgerError> {
        purge::personal(self, batch)
    }

    fn is_purge_sealed(&self, batch: &Batch) -> Result<Option<bool>, LedgerError> {
        purge_seal::holds(self, batch)
    }
}
