//! Answers what the ledger's rules ask of a database: each statement, and nothing that decides.

use super::read::{self, get};
use super::row::{self, BATCH_COLUMNS, SEALED_COLUMNS, TOP_UP_COLUMNS};
use super::{facts, ledger_audit, repeats};
use crate::domain::approval::ProposalKind;
use crate::domain::event::Event;
use crate::domain::invoice_no::InvoiceNo;
use crate::domain::payout_status::State;
use crate::domain::sha256::Sha256;
use crate::ledger::chain::Link;
use crate::ledger::chain::StoredLedgerEvent;
use crate::ledger::error::LedgerError;
use crate::ledger::record::{Batch, BatchId, Binding, PayoutId, Total, Totals, UnixMs};
use crate::ledger::repeats::{Repeat, Repeated};
use crate::ledger::row_seal::Sealed;
use crate::ledger::store::{ActorId, PlannedRow, Stands, Store, StoredWord, Waiting};
use crate::ledger::words::event_of;
use rusqlite::{Connection, Params, Row, params};
use serde_json::{Map, Value};
use std::path::Path;

/// Where the columns of the seal and of the top-up begin in what an intent reads back.
const SEALED_FROM: usize = 4;
const TOP_UP_FROM: usize = SEALED_FROM + 12;

/// What a top-up leaves in a history, and what the gateway said of a number that somebody else sent.
const TOUCHES: &str = "(kind = 'submit_intended' OR kind = 'order_answered' AND detail IN ('success', 'failed') OR kind = 'gateway_ahead')";

/// Does a statement that is used again and again; how many rows it changed.
fn execute(connection: &Connection, doing: &'static str, sql: &str, params: impl Params) -> Result<usize, LedgerError> {
    connection
        .prepare_cached(sql)
        .and_then(|mut statement| statement.execute(params))
        .map_err(LedgerError::sqlite(doing))
}

/// The words by which the history calls the decisions of a kind.
fn decided(kind: ProposalKind) -> &'static str {
    match kind {
        ProposalKind::Plan => "false",
        ProposalKind::Retry => "kind = 'retried'",
        ProposalKind::Release => "kind = 'released'",
        ProposalKind::Attest => "kind = 'attested' AND detail = 'not_credited'",
    }
}

/// Looked for from where the batch was planned, in the order of the history: the first one of a batch that was paid is
/// near there.
fn has_event(connection: &Connection, batch: BatchId, which: &str) -> Result<bool, LedgerError> {
    let sql = format!(
        "SELECT 1 FROM events
         WHERE event_id >= (SELECT min(event_id) FROM events
                            WHERE batch_id = ?1 AND payout_id IS NULL AND kind = 'batch_planned')
           AND +batch_id = ?1 AND {which} LIMIT 1"
    );
    Ok(read::one::<i64>(connection, &sql, [batch.0])?.is_some())
}

impl Store for Connection {
    fn history(&self, payout: PayoutId) -> Result<Vec<Event>, LedgerError> {
        let sql = "SELECT kind, detail, note FROM events WHERE payout_id = ?1 ORDER BY event_id";
        read::rows(self, sql, [payout.0], |row| {
            let get = |index| {
                row.get::<_, Option<String>>(index).map_err(LedgerError::sqlite("reading what happened to a payout"))
            };
            event_of(&get(0)?.unwrap_or_default(), get(1)?.as_deref(), get(2)?)
        })
    }

    fn stands(&self, payout: PayoutId) -> Result<Stands, LedgerError> {
        self.prepare_cached("SELECT row, state, attempt FROM payouts WHERE payout_id = ?1")
            .and_then(|mut statement| {
                statement.query_row([payout.0], |row| {
                    Ok(Stands { row: row.get(0)?, state: row.get(1)?, attempt: row.get(2)? })
                })
            })
            .map_err(LedgerError::sqlite("reading how a payout stands"))
    }

    fn planned_row<T>(
        &self,
        batch: BatchId,
        payout: PayoutId,
        judge: impl FnOnce(PlannedRow<'_>) -> Result<T, LedgerError>,
    ) -> Result<T, LedgerError> {
        let reading = || LedgerError::sqlite("reading an intent back");
        let sql = format!(
            "SELECT p.sha256, b.name, b.merchant_id, b.invoice_prefix, {SEALED_COLUMNS}, {TOP_UP_COLUMNS}
             FROM payouts p JOIN batches b ON b.batch_id = p.batch_id WHERE p.payout_id = ?1 AND p.batch_id = ?2"
        );
        let read = |row: &Row<'_>| {
            let text = |index| row.get_ref(index).and_then(|text| Ok(text.as_str()?)).map_err(reading());
            judge(PlannedRow {
                sealed: Sealed::read(row, SEALED_FROM)?,
                seal: row.get(0).map_err(reading())?,
                top_up: row::top_up(row, TOP_UP_FROM)?,
                batch: text(1)?,
                merchant_id: text(2)?,
                invoice_prefix: text(3)?,
            })
        };
        self.prepare_cached(&sql)
            .and_then(|mut statement| statement.query_row([payout.0, batch.0], |row| Ok(read(row))))
            .map_err(reading())?
    }

    fn last_send_at(&self, payout: PayoutId) -> Result<Option<UnixMs>, LedgerError> {
        let sql = "SELECT max(at) FROM events WHERE payout_id = ?1 AND kind IN ('submit_intended', 'send_ended')";
        Ok(read::one(self, sql, [payout.0])?.flatten())
    }

    fn was_decided_since(&self, payout: PayoutId, kind: ProposalKind, event: i64) -> Result<bool, LedgerError> {
        let which = decided(kind);
        let sql = format!("SELECT 1 FROM events WHERE payout_id = ?1 AND event_id > ?2 AND {which} LIMIT 1");
        Ok(read::one::<i64>(self, &sql, (payout.0, event))?.is_some())
    }

    fn move_payout(
        &self,
        batch: BatchId,
        payout: PayoutId,
        (before, after): (State, State),
        credited_at: Option<UnixMs>,
    ) -> Result<Option<u64>, LedgerError> {
        let sql = "UPDATE payouts SET state = ?4, credited_at = ?5
                   WHERE payout_id = ?1 AND batch_id = ?2 AND state = ?3
                       AND plan <= (SELECT approved_plan FROM batches WHERE batch_id = ?2)";
        let row = params![payout.0, batch.0, before.word(), after.word(), credited_at];
        if execute(self, "writing a payout's state", sql, row)? != 1 {
            return Ok(None);
        }
        // Asked for apart: SQLite makes a table for what an `UPDATE` returns.
        self.prepare_cached("SELECT points FROM payouts WHERE payout_id = ?1")
            .and_then(|mut statement| statement.query_row([payout.0], |row| row.get(0)))
            .map(Some)
            .map_err(LedgerError::sqlite("reading a payout's points"))
    }

    fn mint(&self, payout: PayoutId, number: &InvoiceNo) -> Result<(), LedgerError> {
        let minting = "minting a new number";
        let attempt: u32 = self
            .prepare_cached(
                "UPDATE payouts SET attempt = attempt + 1, invoice_no = ?2 WHERE payout_id = ?1 RETURNING attempt",
            )
            .and_then(|mut statement| statement.query_row(params![payout.0, number.as_str()], |row| row.get(0)))
            .map_err(LedgerError::sqlite(minting))?;
        let sql = "INSERT INTO invoices (invoice_no, payout_id, attempt) VALUES (?1, ?2, ?3)";
        execute(self, minting, sql, params![number.as_str(), payout.0, attempt]).map(drop)
    }

    fn batch(&self, batch: BatchId) -> Result<Batch, LedgerError> {
        let sql = format!("SELECT {BATCH_COLUMNS} FROM batches WHERE batch_id = ?1");
        let found = read::rows(self, &sql, [batch.0], row::batch)?.pop();
        found.ok_or_else(|| LedgerError::Broken(format!("there is no batch {}", batch.0)))
    }

    fn totals(&self, batch: BatchId) -> Result<Totals, LedgerError> {
        let mut totals = Totals::default();
        let sql = "SELECT state, rows, points, recovered FROM totals WHERE batch_id = ?1";
        read::each(self, sql, [batch.0], |row| {
            let total = totals.of_mut(read::state_of(&get::<String>(row, 0)?)?);
            (total.rows, total.points, total.recovered) = (get(row, 1)?, get(row, 2)?, get(row, 3)?);
            Ok::<_, LedgerError>(())
        })?;
        Ok(totals)
    }

    fn largest_open(&self, batch: BatchId) -> Result<u64, LedgerError> {
        let sql = "SELECT max(points) FROM payouts WHERE batch_id = ?1 AND state IN ('planned', 'in_doubt')";
        Ok(read::one::<Option<u64>>(self, sql, [batch.0])?.flatten().unwrap_or(0))
    }

    fn batch_events(&self, batch: BatchId, kinds: &[&str]) -> Result<Vec<StoredWord>, LedgerError> {
        let sql = format!(
            "SELECT event_id, kind, note, at FROM events WHERE batch_id = ?1 AND payout_id IS NULL AND kind IN ({})
             ORDER BY event_id",
            read::quoted(kinds)
        );
        read::rows(self, &sql, [batch.0], |row| {
            let read =
                || Ok(StoredWord { event_id: row.get(0)?, kind: row.get(1)?, note: row.get(2)?, at: row.get(3)? });
            read().map_err(LedgerError::sqlite("reading the history of a batch"))
        })
    }

    fn facts(&self, batch: BatchId) -> Result<Map<String, Value>, LedgerError> {
        facts::of(self, batch)
    }

    fn chain_end(&self, batch: BatchId, actor: &str) -> Result<(Sha256, ActorId), LedgerError> {
        // Both by one statement: this is asked before each commit.
        let sql = "SELECT chain_head, (SELECT actor_id FROM actors WHERE actor = ?2) FROM batches WHERE batch_id = ?1";
        let (head, known): (_, Option<i64>) = self
            .prepare_cached(sql)
            .and_then(|mut statement| statement.query_row((batch.0, actor), |row| Ok((row.get(0)?, row.get(1)?))))
            .map_err(LedgerError::sqlite("reading the chain's head"))?;
        if let Some(known) = known {
            return Ok((head, ActorId(known)));
        }
        execute(self, "writing who acts", "INSERT INTO actors (actor) VALUES (?1)", [actor])?;
        Ok((head, ActorId(self.last_insert_rowid())))
    }

    fn append(&self, batch: BatchId, link: &Link<'_>, actor: ActorId) -> Result<i64, LedgerError> {
        let sql = "INSERT INTO events (batch_id, payout_id, at, kind, detail, state, request_id, http, code,
                                       latency_ms, note, why, previous, actor_id)
                   VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14)";
        let row = params![
            batch.0,
            link.payout_id,
            link.at,
            link.kind,
            link.detail,
            link.state,
            link.request_id,
            link.http,
            link.code,
            link.latency_ms,
            link.note,
            link.why,
            link.previous,
            actor.0,
        ];
        execute(self, "writing an event", sql, row)?;
        Ok(self.last_insert_rowid())
    }

    fn end_chain(&self, batch: BatchId, head: Sha256, event: Option<i64>) -> Result<(), LedgerError> {
        let sql = "UPDATE batches SET chain_head = ?2, chain_event = coalesce(?3, chain_event) WHERE batch_id = ?1";
        execute(self, "writing the chain's head", sql, params![batch.0, head, event]).map(drop)
    }

    fn move_total(&self, batch: BatchId, state: State, gained: Total, lost: Total) -> Result<(), LedgerError> {
        let sql = "UPDATE totals SET rows = rows + ?3 - ?6, points = points + ?4 - ?7, recovered = recovered + ?5
                   WHERE batch_id = ?1 AND state = ?2";
        let word = state.word();
        let row = params![batch.0, word, gained.rows, gained.points, gained.recovered, lost.rows, lost.points];
        match execute(self, "writing the totals", sql, row)? {
            1 => Ok(()),
            _ => Err(LedgerError::Broken(format!("no total for {word}"))),
        }
    }

    fn keep_approved(&self, batch: BatchId, version: u32) -> Result<(), LedgerError> {
        let sql = "UPDATE batches SET approved_plan = ?2 WHERE batch_id = ?1";
        execute(self, "writing what was approved", sql, params![batch.0, version]).map(drop)
    }

    fn approved_plan(&self, batch: BatchId) -> Result<u32, LedgerError> {
        let sql = "SELECT approved_plan FROM batches WHERE batch_id = ?1";
        Ok(read::one(self, sql, [batch.0])?.unwrap_or(0))
    }

    fn remove_version(&self, batch: BatchId, version: u32) -> Result<(), LedgerError> {
        let removing = "taking a version of a plan back";
        let row = params![batch.0, version];
        let (rows, points): (u64, u64) = self
            .query_row(
                "SELECT count(*), coalesce(sum(points), 0) FROM payouts WHERE batch_id = ?1 AND plan = ?2",
                row,
                |row| Ok((row.get(0)?, row.get(1)?)),
            )
            .map_err(LedgerError::sqlite(removing))?;
        for sql in [
            "DELETE FROM invoices WHERE payout_id IN (SELECT payout_id FROM payouts WHERE batch_id = ?1 AND plan = ?2)",
            "DELETE FROM payouts WHERE batch_id = ?1 AND plan = ?2",
        ] {
            execute(self, removing, sql, row)?;
        }
        let sql = "UPDATE totals SET rows = rows - ?2, points = points - ?3 WHERE batch_id = ?1 AND state = 'planned'";
        execute(self, removing, sql, params![batch.0, rows, points]).map(drop)
    }

    fn put_facts(&self, batch: BatchId, facts: Option<&Map<String, Value>>) -> Result<(), LedgerError> {
        facts::put(self, batch, facts)
    }

    fn has_other_batches(&self, batch: BatchId) -> Result<bool, LedgerError> {
        Ok(read::one::<i64>(self, "SELECT 1 FROM batches WHERE batch_id <> ?1 LIMIT 1", [batch.0])?.is_some())
    }

    fn rows_from(&self, Waiting { batch, version }: Waiting) -> Result<u64, LedgerError> {
        let sql = "SELECT count(*) FROM payouts WHERE batch_id = ?1 AND plan >= ?2 AND state = 'planned'";
        Ok(read::one(self, sql, (batch.0, version))?.unwrap_or(0))
    }

    fn planned_at(&self, payout: PayoutId) -> Result<UnixMs, LedgerError> {
        let sql = "SELECT b.planned_at FROM payouts p JOIN batches b USING (batch_id) WHERE p.payout_id = ?1";
        Ok(read::one(self, sql, [payout.0])?.unwrap_or(UnixMs::MIN))
    }

    fn repeat_of(
        &self,
        payout: PayoutId,
        purge_key: Option<&Path>,
        since: UnixMs,
    ) -> Result<Option<Repeat>, LedgerError> {
        repeats::of_payout(self, purge_key, payout, since)
    }

    fn open_elsewhere(&self, waiting: Waiting, few: usize) -> Result<Repeated, LedgerError> {
        repeats::open_elsewhere(self, waiting, few)
    }

    fn credited_elsewhere(
        &self,
        waiting: Waiting,
        purge_key: Option<&Path>,
        since: UnixMs,
        few: usize,
    ) -> Result<Repeated, LedgerError> {
        repeats::credited_elsewhere(self, purge_key, waiting, since, few)
    }

    fn bound_to(&self) -> Result<Option<[String; 3]>, LedgerError> {
        let sql = "SELECT gateway_host, merchant_id, invoice_prefix FROM ledger WHERE merchant_id IS NOT NULL";
        let found = read::rows(self, sql, [], |row| {
            let read = || Ok([row.get(0)?, row.get(1)?, row.get(2)?]);
            read().map_err(LedgerError::sqlite("reading to what the ledger is bound"))
        })?;
        Ok(found.into_iter().next())
    }

    fn bind(&self, binding: &Binding) -> Result<(), LedgerError> {
        let Binding { gateway_host, merchant_id, invoice_prefix, terminal_id: _ } = binding;
        let sql = "UPDATE ledger SET gateway_host = ?1, merchant_id = ?2, invoice_prefix = ?3";
        let row = params![gateway_host, merchant_id, invoice_prefix.as_str()];
        execute(self, "binding the ledger", sql, row).map(drop)
    }

    fn is_touched(&self, batch: Option<BatchId>) -> Result<bool, LedgerError> {
        match batch {
            None => {
                let sql = format!("SELECT 1 FROM events WHERE {TOUCHES} LIMIT 1");
                Ok(read::one::<i64>(self, &sql, [])?.is_some())
            }
            Some(batch) => has_event(self, batch, TOUCHES),
        }
    }

    fn is_intended(&self, batch: BatchId) -> Result<bool, LedgerError> {
        has_event(self, batch, "kind = 'submit_intended'")
    }

    fn ledger_head(&self) -> Result<Sha256, LedgerError> {
        self.prepare_cached("SELECT chain_head FROM ledger")
            .and_then(|mut statement| statement.query_row([], |row| row.get(0)))
            .map_err(LedgerError::sqlite("reading the end of the ledger's own history"))
    }

    fn ledger_events(&self, kinds: &[&str]) -> Result<Vec<StoredLedgerEvent>, LedgerError> {
        ledger_audit::ledger_events(self, Some(kinds))
    }

    fn last_ledger_event(&self) -> Result<i64, LedgerError> {
        Ok(read::one(self, "SELECT coalesce(max(ledger_event_id), 0) FROM ledger_events", [])?.unwrap_or(0))
    }

    fn append_ledger(&self, event: &StoredLedgerEvent, head: Sha256) -> Result<(), LedgerError> {
        let chaining = "writing to the ledger's own history";
        let StoredLedgerEvent { id, at, kind, batch_id, note, why, actor, previous } = event;
        let sql = "INSERT INTO ledger_events (ledger_event_id, at, kind, batch_id, note, why, actor, previous)
                   VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)";
        execute(self, chaining, sql, params![id, at, kind, batch_id, note, why, actor, previous])?;
        execute(self, chaining, "UPDATE ledger SET chain_head = ?1", [head]).map(drop)
    }
}

#[cfg(test)]
mod tests;
