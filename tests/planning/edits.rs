//! A ledger that somebody edits with another program: whatever is changed of what a person is shown, an audit finds it.

use super::fixture::{Fixture, NOW, terms};
use rusqlite::Connection;
use topup::domain::event::{Event, Fate, MemberAnswer, OrderAnswer, Refusal};
use topup::ledger::Ledger;
use topup::plan::{Terms, is_sealed};

const PAID: &str = "reference,phone,points,name,note,receipt_name,receipt_address,receipt_email,receipt_tax_code\n\
                    r1,0901234501,100,Nguyen An,blue,Nguyen An,12 Hang Bong,an@vi.vn,0101\n\
                    r2,0901234502,200,Le Chi,red,,,,\n\
                    r3,0901234503,300,Tran Binh,green,,,,\n\
                    r4,0901234504,400,Ho Giang,,,,,\n";
const PURGED: &str = "reference,phone,points,name,note\nr1,0901234511,100,Pham Em,blue\nr2,0901234512,200,Vu Khoa,red\nr3,12,300,Bui Lan,blue\n";
/// One row is paid, two are left out on the user's word.
const SKIPPED: &str = "phone,points\n0901234521,100\n12,200\n0901234523,1.5\n";

/// What is edited where: of `a`, which was paid, and of `b`, which was paid and purged.
const EDITS: &[(&str, &str)] = &[
    // The batch itself.
    ("a", "UPDATE batches SET name = 'z' WHERE batch_id = 1"),
    ("a", "UPDATE batches SET gateway_host = 'x'"),
    ("a", "UPDATE batches SET merchant_id = 'x'"),
    ("a", "UPDATE batches SET terminal_id = 'x'"),
    ("a", "UPDATE batches SET invoice_prefix = 'X'"),
    ("a", "UPDATE batches SET rows = rows + 1"),
    ("a", "UPDATE batches SET points = points + 1"),
    ("a", "UPDATE batches SET skipped_rows = 1"),
    ("a", "UPDATE batches SET plan_sha256 = zeroblob(32)"),
    ("a", "UPDATE batches SET file_name = 'x'"),
    ("a", "UPDATE batches SET settings = '{\"x\": 1}'"),
    ("a", "UPDATE batches SET planned_at = planned_at - 86400000"),
    ("a", "UPDATE batches SET planned_by = 'x'"),
    ("a", "UPDATE batches SET consent = 'x'"),
    ("a", "UPDATE batches SET columns = '[]'"),
    ("a", "UPDATE batches SET plan_version = 2"),
    ("a", "UPDATE batches SET approved_plan = 0"),
    ("a", "UPDATE batches SET chain_head = zeroblob(32)"),
    ("a", "UPDATE batches SET chain_event = chain_event - 1"),
    // Its payouts, one after the other.
    ("a", "UPDATE payouts SET row = row + 10"),
    ("a", "UPDATE payouts SET plan = 2"),
    ("a", "UPDATE payouts SET row_key = 'ref:x' WHERE payout_id = 1"),
    ("a", "UPDATE payouts SET member = '0901234509' WHERE payout_id = 1"),
    ("a", "UPDATE payouts SET spelt = '0901234509' WHERE payout_id = 1"),
    ("a", "UPDATE payouts SET phone = '0901234509' WHERE payout_id = 1"),
    ("a", "UPDATE payouts SET points = points - 50 WHERE payout_id = 2"),
    ("a", "UPDATE payouts SET send_sms = 0 WHERE payout_id = 1"),
    ("a", "UPDATE payouts SET receipt = NULL WHERE payout_id = 1"),
    ("a", "UPDATE payouts SET name = 'x' WHERE payout_id = 1"),
    ("a", "UPDATE payouts SET extra = NULL WHERE payout_id = 1"),
    ("a", "UPDATE payouts SET sha256 = zeroblob(32) WHERE payout_id = 1"),
    ("a", "UPDATE payouts SET state = 'declined', credited_at = NULL WHERE payout_id = 1"),
    ("a", "UPDATE payouts SET attempt = 2 WHERE payout_id = 1"),
    ("a", "UPDATE payouts SET invoice_no = 'TP0' WHERE payout_id = 1"),
    ("a", "UPDATE payouts SET credited_at = credited_at - 86400000 WHERE payout_id = 1"),
    ("a", "UPDATE payouts SET batch_id = 3 WHERE payout_id = 1"),
    (
        "a",
        "UPDATE payouts SET (member, name, extra, sha256) =
            (SELECT member, name, extra, sha256 FROM payouts o WHERE o.payout_id = 5 - payouts.payout_id)
         WHERE payout_id IN (2, 3)",
    ),
    ("a", "DELETE FROM payouts WHERE payout_id = 4"),
    (
        "a",
        "INSERT INTO payouts SELECT 99, batch_id, plan, 99, 'ref:x', member, spelt, phone, points, send_sms, receipt, name, extra, sha256,
            'planned', 1, 'TPX', NULL FROM payouts WHERE payout_id = 1",
    ),
    // What the payouts come to.
    ("a", "UPDATE totals SET rows = rows + 1 WHERE state = 'credited'"),
    ("a", "UPDATE totals SET points = points + 1 WHERE state = 'credited'"),
    ("a", "UPDATE totals SET recovered = 2 WHERE state = 'credited' AND batch_id = 1"),
    ("a", "UPDATE totals SET recovered = 0"),
    // Numbers.
    ("a", "DELETE FROM invoices WHERE payout_id = 3 AND attempt = 1"),
    ("a", "DELETE FROM invoices WHERE payout_id = 3 AND attempt = 2"),
    ("a", "INSERT INTO invoices VALUES ('TP0', 1, 2)"),
    ("a", "INSERT INTO invoices VALUES ('TP0', 77, 1)"),
    ("a", "UPDATE invoices SET payout_id = 2 WHERE payout_id = 1"),
    ("a", "UPDATE invoices SET attempt = 7 WHERE payout_id = 1"),
    // The history.
    ("a", "UPDATE events SET at = at - 1 WHERE event_id = 3"),
    ("a", "UPDATE events SET note = 'x' WHERE event_id = 3"),
    ("a", "UPDATE events SET why = 'x' WHERE event_id = 3"),
    ("a", "UPDATE events SET kind = 'canary_confirmed' WHERE event_id = 1"),
    ("a", "UPDATE events SET detail = 'unknown' WHERE detail = 'credited' AND payout_id = 1"),
    ("a", "UPDATE events SET request_id = 'x', http = 200, code = 200, latency_ms = 1 WHERE event_id = 3"),
    ("a", "UPDATE events SET payout_id = 2 WHERE payout_id = 1"),
    ("a", "UPDATE events SET batch_id = 3 WHERE event_id = 3"),
    ("a", "UPDATE events SET previous = zeroblob(32) WHERE event_id = 3"),
    ("a", "UPDATE actors SET actor = 'signature:lan' WHERE actor_id = 1"),
    ("a", "UPDATE actors SET actor = 'signature:lan' WHERE actor_id = 2"),
    ("a", "UPDATE actors SET actor_id = - actor_id; UPDATE actors SET actor_id = 3 + actor_id"),
    ("a", "INSERT INTO actors VALUES (9, 'signature:lan'); UPDATE events SET actor_id = 9 WHERE event_id = 3"),
    ("a", "UPDATE actors SET actor_id = 9 WHERE actor_id = 2"),
    ("a", "DELETE FROM actors"),
    ("a", "UPDATE ledger_events SET actor = 'signature:lan' WHERE ledger_event_id = 1"),
    ("a", "DELETE FROM events WHERE event_id = 3"),
    ("a", "DELETE FROM events WHERE event_id = (SELECT max(event_id) FROM events WHERE batch_id = 1)"),
    ("a", "DELETE FROM events WHERE batch_id = 1 AND kind = 'batch_planned'"),
    ("a", "INSERT INTO events (batch_id, at, kind, actor_id, previous) VALUES (1, 0, 'run_ended', 1, zeroblob(32))"),
    ("a", "INSERT INTO redacted_events VALUES (3, zeroblob(32))"),
    // Rows that were skipped.
    ("a", "INSERT INTO skipped_rows VALUES (1, 1, 9, '[]', '[]')"),
    ("c", "INSERT INTO skipped_rows VALUES (3, 1, 9, '[]', '[]')"),
    ("c", "INSERT INTO skipped_rows VALUES (3, 2, 3, '[]', '[]')"),
    ("c", "UPDATE skipped_rows SET row = 9 WHERE batch_id = 3 AND row = 3"),
    ("c", "UPDATE skipped_rows SET plan = 2 WHERE batch_id = 3 AND row = 3"),
    ("c", "UPDATE skipped_rows SET batch_id = 1 WHERE batch_id = 3 AND row = 3"),
    ("c", "UPDATE skipped_rows SET cells = '[[\"phone\",\"0901234522\"]]' WHERE batch_id = 3 AND row = 3"),
    ("c", "UPDATE skipped_rows SET cells = NULL WHERE batch_id = 3"),
    ("c", "UPDATE skipped_rows SET reasons = '[]' WHERE batch_id = 3 AND row = 4"),
    ("c", "UPDATE batches SET skipped_rows = 0 WHERE batch_id = 3"),
    ("c", "DELETE FROM skipped_rows WHERE batch_id = 3 AND row = 4"),
    ("c", "DELETE FROM skipped_rows WHERE batch_id = 3"),
    ("c", "DELETE FROM skipped_rows WHERE batch_id = 3; UPDATE batches SET skipped_rows = 0 WHERE batch_id = 3"),
    ("c", "UPDATE batches SET sealed = '[]'"),
    // The ledger as a whole.
    ("a", "UPDATE ledger SET gateway_host = 'x'"),
    ("a", "UPDATE ledger SET merchant_id = 'x'"),
    ("a", "UPDATE ledger SET gateway_host = NULL, merchant_id = NULL, invoice_prefix = NULL"),
    ("a", "UPDATE ledger SET chain_head = zeroblob(32)"),
    ("a", "DELETE FROM ledger"),
    ("a", "UPDATE ledger_events SET at = at - 1 WHERE ledger_event_id = 1"),
    ("a", "UPDATE ledger_events SET note = '{}' WHERE ledger_event_id = 1"),
    ("a", "UPDATE ledger_events SET why = 'x' WHERE ledger_event_id = 1"),
    ("a", "DELETE FROM ledger_events WHERE ledger_event_id = (SELECT max(ledger_event_id) FROM ledger_events)"),
    // A batch that is gone, whole or in part.
    ("a", "DELETE FROM batches WHERE batch_id = 3"),
    (
        "a",
        "DELETE FROM events WHERE batch_id = 3; DELETE FROM invoices WHERE payout_id IN
            (SELECT payout_id FROM payouts WHERE batch_id = 3); DELETE FROM payouts WHERE batch_id = 3;
         DELETE FROM totals WHERE batch_id = 3; DELETE FROM skipped_rows WHERE batch_id = 3; DELETE FROM batches WHERE batch_id = 3",
    ),
    // The batch that was purged.
    ("b", "UPDATE batches SET file_name = 'x' WHERE batch_id = 2"),
    ("b", "UPDATE batches SET settings = '{\"x\": 1}' WHERE batch_id = 2"),
    ("b", "UPDATE batches SET planned_at = planned_at - 1 WHERE batch_id = 2"),
    ("b", "UPDATE batches SET planned_by = 'x' WHERE batch_id = 2"),
    ("b", "UPDATE batches SET consent = 'x' WHERE batch_id = 2"),
    ("b", "UPDATE batches SET columns = '[]' WHERE batch_id = 2"),
    ("b", "UPDATE actors SET actor = 'signature:lan' WHERE actor_id = 2"),
    ("b", "UPDATE payouts SET row = 9 WHERE payout_id = 5"),
    ("b", "UPDATE payouts SET name = 'x' WHERE payout_id = 5"),
    ("b", "UPDATE payouts SET spelt = 'x' WHERE payout_id = 5"),
    ("b", "UPDATE payouts SET extra = '[]' WHERE payout_id = 5"),
    ("b", "UPDATE payouts SET sha256 = zeroblob(32) WHERE payout_id = 5"),
    ("b", "UPDATE payouts SET credited_at = credited_at - 1 WHERE payout_id = 5"),
    ("b", "UPDATE totals SET recovered = 1 WHERE batch_id = 2 AND state = 'credited'"),
    ("b", "INSERT INTO skipped_rows VALUES (2, 1, 9, NULL, '[]')"),
    ("b", "UPDATE skipped_rows SET cells = '[]' WHERE batch_id = 2"),
    ("b", "UPDATE skipped_rows SET reasons = '[\"x\"]' WHERE batch_id = 2"),
    ("b", "UPDATE skipped_rows SET row = 9 WHERE batch_id = 2"),
    ("b", "DELETE FROM skipped_rows WHERE batch_id = 2"),
    ("b", "INSERT INTO invoices VALUES ('TP0', 5, 2)"),
    ("b", "UPDATE purges SET at = at - 1"),
    ("b", "UPDATE purges SET why = 'x'"),
    ("b", "UPDATE purges SET credited_rows = 0"),
    ("b", "UPDATE purges SET last_credited_at = NULL"),
    ("b", "UPDATE purges SET key_check = zeroblob(32)"),
    ("b", "UPDATE purges SET sha256 = zeroblob(32)"),
    ("b", "DELETE FROM purges"),
    ("b", "DELETE FROM redacted_events"),
    ("b", "UPDATE redacted_events SET sha256 = zeroblob(32)"),
];

/// What is done to the schema, and stays done.
const SCHEMA_EDITS: &[&str] = &[
    "DROP TRIGGER credited_never_changes",
    "DROP TRIGGER payouts_keep_what_they_send; CREATE TRIGGER payouts_keep_what_they_send BEFORE UPDATE OF row ON payouts
        BEGIN SELECT RAISE(ABORT, 'what a payout sends never changes'); END",
    "DROP INDEX payouts_by_member",
    "CREATE TRIGGER theirs AFTER INSERT ON events BEGIN UPDATE payouts SET attempt = 1; END",
    "DROP TABLE redacted_events",
    "DROP TABLE skipped_rows",
];

fn skipping(batch: &str) -> Terms {
    Terms { skip_invalid: true, ..terms(batch) }
}

impl Fixture {
    /// Three batches: one that was paid in every way, one that was purged, one that waits.
    pub(super) fn edited() -> Self {
        let mut desk = Self::new();
        desk.plan("a", PAID);
        desk.credit("a", 2);
        // Credited by an order that no send explains.
        desk.happen("a", 3, &[Event::OrderAnswered(OrderAnswer::Success)]);
        let failed = [Event::SubmitIntended, Event::SendEnded(Fate::Unknown(topup::domain::event::Doubt::Unanswered))];
        let again = [Event::OrderAnswered(OrderAnswer::Failed), Event::Retried];
        desk.happen("a", 4, &[&failed[..], &again].concat());
        desk.credit("a", 4);
        desk.happen("a", 5, &[Event::SubmitIntended, Event::SendEnded(Fate::Refused(Refusal::Payout))]);
        desk.plan_with(PURGED, &skipping("b")).unwrap();
        desk.happen_noted("b", 2, &[Event::MemberAnswered(MemberAnswer::Eligible)], "Pham Em");
        desk.credit("b", 2);
        desk.credit("b", 3);
        let batch = desk.ledger.batch("b").unwrap();
        let key = desk.ledger.purge_key_or_new().unwrap();
        desk.ledger.purge(&batch, &key, NOW, "a test").unwrap();
        desk.plan_with(SKIPPED, &skipping("c")).unwrap();
        desk
    }

    /// A copy of the ledger with its key, to be edited: of a file whose write-ahead log is folded back into it.
    pub(super) fn copy(&self, folder: &std::path::Path) -> std::path::PathBuf {
        let (whole, copy) = (folder.join("whole.db"), folder.join("topup.db"));
        if !whole.exists() {
            Connection::open(self.path()).unwrap().execute("VACUUM INTO ?1", [whole.to_str().unwrap()]).unwrap();
        }
        std::fs::copy(&whole, &copy).unwrap();
        let key = copy.with_file_name("topup.db.purge-key");
        std::fs::copy(self.path().with_file_name("topup.db.purge-key"), key).unwrap();
        copy
    }
}

/// Everything that `topup verify --offline` finds; a ledger that cannot be read at all is found too.
pub(super) fn found(path: &std::path::Path, batch: &str) -> Vec<String> {
    let look = || {
        let ledger = Ledger::open(path, topup::ledger::Access::Read)?;
        let batch = ledger.batch(batch)?;
        let mut findings = ledger.audit(&batch, None)?.findings;
        if !is_sealed(&ledger, &batch)? {
            findings.push("the payouts are not those that the plan was sealed with".to_owned());
        }
        Ok::<_, topup::ledger::LedgerError>(findings)
    };
    look().unwrap_or_else(|error| vec![error.to_string()])
}

fn edit(path: &std::path::Path, sql: &str, keep_guards: bool) {
    let connection = Connection::open(path).unwrap();
    let guards = "SELECT group_concat('DROP TRIGGER ' || name, ';'), group_concat(sql, ';') FROM sqlite_schema
                  WHERE type = 'trigger'";
    let (lift, guards): (String, String) =
        connection.query_row(guards, [], |row| Ok((row.get(0)?, row.get(1)?))).unwrap();
    let (lift, guards) = if keep_guards { (String::new(), String::new()) } else { (lift, guards) };
    connection
        .execute_batch(&format!(
            "PRAGMA foreign_keys = OFF; PRAGMA synchronous = OFF; BEGIN; {lift}; {sql}; {guards}; COMMIT"
        ))
        .unwrap();
}

#[test]
fn every_kind_of_edit_is_found() {
    let (desk, folder) = (Fixture::edited(), tempfile::tempdir().unwrap());
    for batch in ["a", "b", "c"] {
        assert_eq!(found(&desk.copy(folder.path()), batch), Vec::<String>::new(), "nothing was edited yet");
    }
    let mut missed = Vec::new();
    for (batch, sql) in EDITS {
        let copy = desk.copy(folder.path());
        edit(&copy, sql, false);
        if found(&copy, batch).is_empty() {
            missed.push(*sql);
        }
    }
    for sql in SCHEMA_EDITS {
        let copy = desk.copy(folder.path());
        edit(&copy, sql, true);
        if found(&copy, "a").is_empty() {
            missed.push(*sql);
        }
    }
    assert_eq!(missed, Vec::<&str>::new(), "edits that no audit finds");
}
