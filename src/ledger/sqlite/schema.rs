//! Holds the tables, indexes and triggers of a ledger against those that the migrations make: a guard that somebody took
//! away guards nothing, and one that somebody added may do anything.

use super::open;
use super::read;
use crate::ledger::audit::Audit;
use crate::ledger::error::LedgerError;
use rusqlite::Connection;
use std::collections::BTreeMap;
use std::sync::OnceLock;

/// By kind and name, what makes each.
type Schema = BTreeMap<(String, String), String>;

/// Finds what is missing, changed or added. In memory there are only simulations, which add faults of their own.
pub(in crate::ledger) fn check(connection: &Connection, audit: &mut Audit) -> Result<(), LedgerError> {
    if !open::is_file(connection) {
        return Ok(());
    }
    static EXPECTED: OnceLock<Schema> = OnceLock::new();
    let expected = match EXPECTED.get() {
        Some(expected) => expected,
        None => {
            let made = of(&open::open_in_memory(":memory:")?)?;
            EXPECTED.get_or_init(|| made)
        }
    };
    let found = of(connection)?;
    for ((kind, name), sql) in expected {
        match found.get(&(kind.clone(), name.clone())) {
            None => audit.find(format!("the {kind} {name} is missing")),
            Some(other) if other != sql => audit.find(format!("the {kind} {name} was changed")),
            Some(_) => {}
        }
    }
    for (kind, name) in found.keys().filter(|key| !expected.contains_key(*key)) {
        audit.find(format!("the {kind} {name} is not one of topup's"));
    }
    Ok(())
}

fn of(connection: &Connection) -> Result<Schema, LedgerError> {
    // What SQLite makes for itself is called sqlite_….
    let sql = "SELECT type, name, coalesce(sql, '') FROM sqlite_schema WHERE name NOT LIKE 'sqlite\\_%' ESCAPE '\\'";
    let rows = read::rows(connection, sql, [], |row| {
        let read = || Ok(((row.get(0)?, row.get(1)?), row.get(2)?));
        read().map_err(LedgerError::sqlite("reading the ledger's schema"))
    })?;
    Ok(rows.into_iter().collect())
}

#[cfg(test)]
mod tests {
    use crate::domain::event::Event;
    use crate::domain::invoice_no::InvoiceNo;
    use crate::domain::payout_status::State;
    use crate::ledger::proposals;
    use crate::ledger::record::BatchEvent;
    use crate::ledger::sqlite::open::open_in_memory;
    use crate::ledger::words::{all_events, batch_words_of, words_of};
    use std::collections::BTreeSet;

    /// The words that the schema's `CHECK (<column> IN (…) OR …)` takes, in the order in which they stand there.
    fn checked(table: &str, column: &str) -> Vec<String> {
        let ledger = open_in_memory(":memory:").unwrap();
        let sql: String = ledger
            .query_row("SELECT sql FROM sqlite_schema WHERE type = 'table' AND name = ?1", [table], |row| row.get(0))
            .unwrap();
        let (_, check) = sql.split_once(&format!("CHECK ({column} IN")).unwrap();
        let (check, _) = check.split_once("))").unwrap();
        let lists: Vec<Vec<String>> = (check.split(" OR "))
            .map(|list| list.split('\'').skip(1).step_by(2).map(str::to_owned).collect())
            .collect();
        assert!(lists.iter().all(|list| list.len() <= 2), "a table is made for each check of {table}.{column}: {sql}");
        lists.concat()
    }

    /// Each event of a batch once: a new one does not compile here before it is listed.
    fn batch_events() -> Vec<BatchEvent> {
        let number = InvoiceNo::parse("T1").unwrap();
        let proposal = |nth: usize| BatchEvent::Proposal { kind: proposals::KINDS[nth], note: "{}".into() };
        let mut events = vec![BatchEvent::Planned("note".into())];
        loop {
            let next = match events.last().unwrap() {
                BatchEvent::Planned(note) => BatchEvent::RunStarted(note.clone()),
                BatchEvent::RunStarted(note) => BatchEvent::RunEnded(note.clone()),
                BatchEvent::RunEnded(_) => BatchEvent::GatewayAhead(number.clone()),
                BatchEvent::GatewayAhead(_) => BatchEvent::CanaryConfirmed,
                BatchEvent::CanaryConfirmed => BatchEvent::RepeatAccepted("why".into()),
                BatchEvent::RepeatAccepted(_) => proposal(0),
                BatchEvent::Proposal { kind, .. } => {
                    let next = proposals::KINDS.iter().position(|known| known == kind).unwrap() + 1;
                    if next == proposals::KINDS.len() {
                        return events;
                    }
                    proposal(next)
                }
            };
            events.push(next);
        }
    }

    #[test]
    fn the_tables_take_the_states_of_the_enum_and_no_others() {
        for table in ["totals", "payouts", "events"] {
            assert_eq!(checked(table, "state"), State::ALL.map(State::word), "{table}");
        }
    }

    #[test]
    fn the_table_of_events_takes_the_words_of_the_enums_and_no_others() {
        let events: Vec<Event> = all_events().collect();
        let batch_events = batch_events();
        let kinds =
            events.iter().map(|event| words_of(event).0).chain(batch_events.iter().map(|e| batch_words_of(e).0));
        let details = events.iter().filter_map(|event| words_of(event).1);
        for (column, words) in [("kind", kinds.collect::<BTreeSet<_>>()), ("detail", details.collect())] {
            let list = checked("events", column);
            assert_eq!(list.iter().map(String::as_str).collect::<BTreeSet<_>>(), words, "{column}");
            assert_eq!(list.len(), words.len(), "a word of {column} stands twice");
        }
    }

    #[test]
    fn a_row_with_another_word_is_refused() {
        let ledger = open_in_memory(":memory:").unwrap();
        let rows = "INSERT INTO batches VALUES (1, 'b', 'h', 'm', 't', 'TP', 1, 50, 0, zeroblob(32), 'f', '{}', 0, 'w',
                                                'yes', 1, 1, '[]', zeroblob(32), NULL, '[]');
                    INSERT INTO totals VALUES (1, 'planned', 1, 50, 0);
                    INSERT INTO payouts VALUES (1, 1, 1, 2, 'ref:1', '0901234567', NULL, NULL, 50, 1, NULL, NULL, NULL,
                                                zeroblob(32), 'planned', 1, 'TP1', NULL);";
        ledger.execute_batch(rows).unwrap();
        ledger.execute_batch("INSERT INTO actors VALUES (1, 'account:x')").unwrap();
        let event = |kind, detail, state| {
            format!(
                "INSERT INTO events (batch_id, at, kind, detail, state, actor_id, previous)
                 VALUES (1, 0, {kind}, {detail}, {state}, 1, zeroblob(32))"
            )
        };
        for good in [event("'attested'", "NULL", "NULL"), event("'attested'", "'not_credited'", "'cancelled'")] {
            ledger.execute_batch(&good).unwrap();
        }
        for bad in [
            event("'sent'", "NULL", "NULL"),
            event("NULL", "NULL", "NULL"),
            event("'attested'", "'maybe'", "NULL"),
            event("'attested'", "NULL", "'paid'"),
            "UPDATE payouts SET state = 'paid'".to_owned(),
            "INSERT INTO totals VALUES (1, 'paid', 0, 0, 0)".to_owned(),
            "DELETE FROM events".to_owned(),
        ] {
            assert!(ledger.execute_batch(&bad).is_err(), "{bad}");
        }
    }
}
