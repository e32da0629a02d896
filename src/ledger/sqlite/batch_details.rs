//! Reads what a status shows of a batch beside its totals: why payouts were not paid, since when others are in doubt,
//! and how fast a live run goes.
//!
//! Architecture invariant: every query is bounded and goes by an index, so that a look costs the same at a thousand
//! rows and at a million, and is no burden on a run beside it. What a bound left out is said, not guessed.

use super::read;
use crate::domain::payout_status::State;
use crate::ledger::error::LedgerError;
use crate::ledger::read_store::ReadStore;
use crate::ledger::record::{BatchId, UnixMs};
use crate::ledger::views::{BatchDetails, Pace, ReasonCount};
use crate::ledger::words::event_of;
use rusqlite::{Connection, Row, params};
use std::collections::HashSet;

/// Payouts of one state that are looked into; the totals count all of them.
const LOOKED_INTO_MAX: usize = 1000;
/// Held payouts that are named.
const HELD_NAMED: usize = 5;
/// Events that the rate of a run is taken from, and from how long ago at the most.
const RECENT_EVENTS_MAX: usize = 4000;
const RECENT_MS: i64 = 30_000;

/// States that payouts end in unpaid and that a status gives the reasons of.
const EXPLAINED: [State; 3] = [State::Declined, State::Ineligible, State::Held];

const RUN_BEGUN: &str = "SELECT event_id, at FROM events
    WHERE batch_id = ?1 AND payout_id IS NULL AND kind = 'run_started' ORDER BY event_id DESC LIMIT 1";
const RECENT: &str = "SELECT at, state IN ('credited', 'declined', 'ineligible', 'held'),
    CASE WHEN kind IN ('member_answered', 'order_answered', 'send_ended') THEN request_id END
    FROM events WHERE event_id > ?1 AND +batch_id = ?3 ORDER BY event_id DESC LIMIT ?2";

/// Looks at a batch; `running` says whether a run of it is going on.
pub(in crate::ledger) fn batch_details(
    connection: &Connection,
    batch: BatchId,
    now: UnixMs,
    running: bool,
) -> Result<BatchDetails, LedgerError> {
    let mut glance = BatchDetails::default();
    for state in EXPLAINED {
        let looked_into = count_reasons(connection, batch, state, &mut glance.reasons)?;
        glance.note_bound(state, looked_into);
    }
    for payout in connection.payouts_after(batch, (State::Held, u32::MAX), None, HELD_NAMED)? {
        let (_, found) = connection.names(payout.id)?;
        glance.held.push((payout, found));
    }
    glance.pace = if running { pace(connection, batch, now)? } else { None };
    Ok(glance)
}

impl BatchDetails {
    fn note_bound(&mut self, state: State, looked_into: usize) {
        if looked_into == LOOKED_INTO_MAX {
            self.bounded.push((state, looked_into as u64));
        }
    }
}

/// The state is spelt out, not bound: only then does SQLite use the partial index of that state.
fn reasons_sql(state: State) -> String {
    let explains = read::explaining("d", state);
    format!(
        "SELECT e.kind, e.detail, e.note, e.code
         FROM (SELECT payout_id FROM payouts WHERE batch_id = ?1 AND state = '{}' ORDER BY payout_id LIMIT ?2) p
         JOIN events e ON e.event_id = (
             SELECT d.event_id FROM events d WHERE d.payout_id = p.payout_id AND {explains}
             ORDER BY d.event_id DESC LIMIT 1)",
        state.word()
    )
}

/// The event that decided each of the first payouts in a state, counted; gives how many those are.
fn count_reasons(
    connection: &Connection,
    batch: BatchId,
    state: State,
    counts: &mut Vec<ReasonCount>,
) -> Result<usize, LedgerError> {
    let sql = reasons_sql(state);
    let (mut looked_into, first) = (0, counts.len());
    let reading = || LedgerError::sqlite("reading why payouts were not paid");
    read::rows(connection, &sql, params![batch.0, bound(LOOKED_INTO_MAX)], |row| {
        looked_into += 1;
        let kind: String = row.get(0).map_err(reading())?;
        let detail: Option<String> = row.get(1).map_err(reading())?;
        let (event, code) = (event_of(&kind, detail.as_deref(), None)?, row.get(3).map_err(reading())?);
        match counts[first..].iter_mut().find(|count| count.event == event && count.code == code) {
            Some(count) => count.rows += 1,
            None => counts.push(ReasonCount { state, event, code, said: said(row, detail.as_deref())?, rows: 1 }),
        }
        Ok(())
    })?;
    counts[first..].sort_by_key(|count| std::cmp::Reverse(count.rows));
    Ok(looked_into)
}

/// The gateway's words; the note of a name that differs is that name.
fn said(row: &Row<'_>, detail: Option<&str>) -> Result<Option<String>, LedgerError> {
    if matches!(detail, Some("name_differs" | "name_missing")) {
        return Ok(None);
    }
    row.get(2).map_err(LedgerError::sqlite("reading what the gateway said"))
}

/// What the newest events of the batch say of the run that is going on.
fn pace(connection: &Connection, batch: BatchId, now: UnixMs) -> Result<Option<Pace>, LedgerError> {
    let reading = || LedgerError::sqlite("reading how fast the run goes");
    let begun = read::rows(connection, RUN_BEGUN, [batch.0], |row| {
        Ok((row.get::<_, i64>(0).map_err(reading())?, row.get::<_, UnixMs>(1).map_err(reading())?))
    })?;
    let Some((event, started_at)) = begun.into_iter().next() else { return Ok(None) };
    let (mut oldest, mut settled, mut calls, mut seen) = (now, 0, HashSet::new(), 0);
    read::rows(connection, RECENT, params![event, bound(RECENT_EVENTS_MAX), batch.0], |row| {
        let at: UnixMs = row.get(0).map_err(reading())?;
        seen += 1;
        if at < now - RECENT_MS {
            return Ok(());
        }
        oldest = oldest.min(at);
        settled += u64::from(row.get::<_, Option<bool>>(1).map_err(reading())?.unwrap_or(false));
        // Rows of one member share an answer: that is one call.
        calls.extend(row.get::<_, Option<String>>(2).map_err(reading())?);
        Ok(())
    })?;
    // Only where the bound cut the events off does the span begin with the oldest of them.
    let begins = if seen == RECENT_EVENTS_MAX && oldest > now - RECENT_MS { oldest } else { now - RECENT_MS };
    let span_ms = u64::try_from(now - begins.max(started_at)).unwrap_or(0).max(1);
    Ok(Some(Pace { started_at, span_ms, calls: calls.len() as u64, settled }))
}

fn bound(rows_max: usize) -> i64 {
    i64::try_from(rows_max).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ledger::Ledger;

    #[test]
    fn no_look_goes_through_a_whole_table() {
        let ledger = Ledger::in_memory().unwrap();
        let mut looks = EXPLAINED.map(reasons_sql).to_vec();
        looks.extend([RUN_BEGUN, RECENT].map(str::to_owned));
        for sql in looks {
            let mut plan = ledger.store().prepare(&format!("EXPLAIN QUERY PLAN {sql}")).unwrap();
            let arguments = ["1", "1", "1"][..plan.parameter_count()].iter();
            let lines = plan.query_map(rusqlite::params_from_iter(arguments), |row| row.get::<_, String>(3)).unwrap();
            for line in lines.map(Result::unwrap) {
                // `p` is the bounded list of payouts itself.
                assert!(!line.starts_with("SCAN") || line == "SCAN p", "{line} in {sql}");
                assert!(!line.contains("TEMP B-TREE"), "{line} in {sql}");
            }
        }
    }
}
