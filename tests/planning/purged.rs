//! A batch whose names and phones were removed: whom it paid is still found, what is left of it holds together, and
//! nothing of it can be planned again.

use super::fixture::{DAY_MS, Fixture, NOW, Outcome, TWO, terms, under};
use rusqlite::Connection;
use topup::domain::event::{Event, Fate, OrderAnswer, Refusal};
use topup::domain::hint::{Choice, Part};
use topup::domain::payout_status::State;
use topup::ledger::{Access, Entry, Ledger, LedgerError, Purpose};
use topup::plan::{PlanError, Terms, is_sealed};

const WHY: &str = "a test";
const CARDS: &str = "phone,id_type,id,points,name,reference,note\n0901234567,CARD,9704001,100,Nguyen An,r1,blue\n\
                     ,USER_ID,u-77,200,Le Chi,r2,red\n0901234568,,,300,Tran Binh,r3,green\n";

impl Fixture {
    fn purge(&mut self, batch: &str) {
        let batch = self.ledger.batch(batch).unwrap();
        let key = self.ledger.purge_key_or_new().unwrap();
        self.ledger.purge(&batch, &key, NOW, WHY).unwrap();
    }

    /// A batch of cards, user ids and phones, credited and then purged.
    fn purged() -> Self {
        let mut desk = Self::new();
        assert_eq!(desk.plan("a", CARDS), Outcome::Planned(3, 3));
        (2..=4).for_each(|row| desk.credit("a", row));
        desk.purge("a");
        desk
    }

    fn key_file(&self) -> std::path::PathBuf {
        self.path().with_file_name("topup.db.purge-key")
    }

    fn findings(&self, batch: &str) -> Vec<String> {
        let batch = self.ledger.batch(batch).unwrap();
        self.ledger.audit(&batch, None).unwrap().findings
    }

    pub(super) fn count(&self, sql: &str) -> i64 {
        Connection::open(self.path()).unwrap().query_row(sql, [], |row| row.get(0)).unwrap()
    }
}

#[test]
fn whom_a_purged_batch_paid_is_found_by_card_user_id_and_phone() {
    let mut desk = Fixture::purged();
    for (again, other_row) in [
        // The phone that stood beside a card, now by itself; and beside another card.
        ("phone,points\n0901234567,100\n", 2),
        ("phone,id_type,id,points\n0901234567,CARD,9704999,100\n", 2),
        ("phone,id_type,id,points\n,CARD,9704001,100\n", 2),
        ("phone,id_type,id,points\n,USER_ID,u-77,200\n", 3),
        ("phone,points\n0901234568,300\n", 4),
        // The phone that named the member, now beside a card.
        ("phone,id_type,id,points\n0901234568,CARD,9704777,300\n", 4),
    ] {
        let refusal = desk.plan("b", again).refusal();
        assert_eq!((refusal.code, refusal.problem_count), ("repeated_credited", 1), "{again}");
        let said = format!("same member and points as row {other_row} of batch a");
        assert!(refusal.problems[0].message.starts_with(&said), "{:?}", refusal.problems);
        let meant = Terms { repeat_why: Some("meant".into()), ..terms("b") };
        assert_eq!(desk.kinds(again, &meant).repeated, 1);
    }
    for other in ["phone,points\n0901234567,101\n", "phone,points\n0901234569,100\n"] {
        assert_eq!(desk.kinds(other, &terms("b")).repeated, 0, "{other}");
    }
}

#[test]
fn a_purged_credit_counts_as_long_as_any_other() {
    let mut desk = Fixture::purged();
    let again = "phone,points\n0901234568,300\n";
    let at = |now| Terms { now, ..terms("b") };
    assert_eq!(desk.plan_with(again, &at(NOW + 20 * DAY_MS)).unwrap().refusal().code, "repeated_credited");
    assert_eq!(desk.kinds(again, &at(NOW + 20 * DAY_MS + 1)).repeated, 0);
    let elsewhere = Terms {
        binding: topup::ledger::Binding { gateway_host: "127.0.0.1:2".into(), ..terms("b").binding },
        ..terms("b")
    };
    let refused = desk.plan_with(again, &elsewhere);
    assert!(matches!(refused, Err(PlanError::Ledger(LedgerError::Bound(_)))), "a ledger belongs to one gateway");
}

/// A verification may find that what was declined is credited after all, long after the purge.
#[test]
fn a_credit_that_turns_up_after_the_purge_counts_too() {
    let mut desk = Fixture::new();
    desk.plan("a", "phone,points\n0901234567,100\n");
    desk.happen("a", 2, &[Event::SubmitIntended, Event::SendEnded(Fate::Refused(Refusal::Payout))]);
    desk.purge("a");
    let again = "phone,points\n0901234567,100\n";
    std::fs::rename(desk.key_file(), desk.key_file().with_extension("away")).unwrap();
    assert_eq!(desk.kinds(again, &terms("b")).repeated, 0, "nothing was credited, so no key is needed");
    std::fs::rename(desk.key_file().with_extension("away"), desk.key_file()).unwrap();
    let run = Ledger::open(&desk.path(), Access::Write).unwrap();
    let run = {
        let batch = run.batch("a").unwrap();
        run.into_run(batch.id, &under(&batch, Purpose::Ask)).unwrap()
    };
    let payout = run.in_state(State::Declined).unwrap()[0];
    let entry = Entry {
        payout,
        event: Event::OrderAnswered(OrderAnswer::Success),
        before: State::Declined,
        after: State::Credited,
        call: None,
        note: None,
        why: None,
        new_number: None,
        recovered: true,
    };
    let recorded = run.record(NOW, vec![entry]);
    tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(recorded).unwrap();
    run.close().unwrap();
    assert_eq!(desk.findings("a"), Vec::<String>::new());
    assert_eq!(desk.plan("b", again).refusal().code, "repeated_credited");
    assert_eq!(desk.kinds(again, &Terms { now: NOW + 21 * DAY_MS, ..terms("b") }).repeated, 0);
}

#[test]
fn a_row_that_two_batches_paid_is_one_repeated_row() {
    let mut desk = Fixture::new();
    desk.plan("a", TWO);
    (2..=3).for_each(|row| desk.credit("a", row));
    let again = Terms { repeat_why: Some("meant".into()), ..terms("b") };
    assert_eq!(desk.plan_with(TWO, &again).unwrap(), Outcome::Planned(2, 2));
    (2..=3).for_each(|row| desk.credit("b", row));
    desk.purge("a");
    let refusal = desk.plan("c", TWO).refusal();
    assert_eq!((refusal.code, refusal.problem_count), ("repeated_credited", 2));
}

#[test]
fn without_the_key_nothing_new_is_planned_unless_a_person_says_why() {
    let mut desk = Fixture::purged();
    let other = "phone,points\n0901234569,100\n";
    let key = std::fs::read_to_string(desk.key_file()).unwrap();
    let another = key.replace(['0', '1', '2'], "3").replace('a', "b");
    for (found, words) in
        [(None, "found no file"), (Some("x"), "64 hexadecimal digits"), (Some(&*another), "another key")]
    {
        match found {
            None => std::fs::remove_file(desk.key_file()).unwrap(),
            Some(text) => std::fs::write(desk.key_file(), text).unwrap(),
        }
        let refusal = desk.plan("b", other).refusal();
        assert_eq!(refusal.code, "purge_key");
        assert!(refusal.message.contains(words), "{}", refusal.message);
        assert!(refusal.hint.unwrap().parts().contains(&Part::Choice(Choice::WhyRepeated)));
        assert!(matches!(desk.ledger.purge_key(), Err(LedgerError::PurgeKey { .. })));
        assert!(matches!(desk.ledger.purge_key_or_new(), Err(LedgerError::PurgeKey { .. })), "never a second key");
    }
    let meant = Terms { repeat_why: Some("meant".into()), ..terms("b") };
    assert_eq!(desk.kinds(other, &meant).new.rows, 1);
    // What is too old to count needs no key, and neither does a file without new rows.
    let later = Terms { now: NOW + 21 * DAY_MS, ..terms("b") };
    assert_eq!(desk.plan_with(other, &later).unwrap(), Outcome::Planned(1, 1));
    assert_eq!(desk.plan("b", other), Outcome::Known);
    std::fs::write(desk.key_file(), key).unwrap();
    assert_eq!(desk.plan("c", "phone,points\n0901234570,100\n"), Outcome::Planned(1, 1));
}

#[test]
fn a_purged_batch_takes_no_file_any_more() {
    let mut desk = Fixture::purged();
    for file in [CARDS, TWO] {
        let refused = desk.plan_with(file, &terms("a"));
        assert!(matches!(refused, Err(PlanError::Ledger(LedgerError::Purged { .. }))), "{refused:?}");
    }
    assert!(matches!(desk.ledger.snapshot("a"), Err(LedgerError::Purged { .. })), "nothing to export");
}

#[test]
fn what_says_who_they_are_is_gone_and_what_became_of_them_stays() {
    let mut desk = Fixture::new();
    desk.plan("a", CARDS);
    (2..=4).for_each(|row| desk.credit("a", row));
    let before = desk.ledger.batch("a").unwrap();
    let kept =
        "SELECT group_concat(payout_id || row || points || state || attempt || invoice_no || credited_at) FROM payouts";
    let kept = |desk: &Fixture| -> String {
        Connection::open(desk.path()).unwrap().query_row(kept, [], |row| row.get(0)).unwrap()
    };
    let payouts = kept(&desk);
    desk.purge("a");
    desk.ledger.wipe().unwrap();
    let after = desk.ledger.batch("a").unwrap();
    assert_eq!((after.chain_head, after.plan_sha256), (before.chain_head, before.plan_sha256));
    assert_eq!((kept(&desk), after.purged_at), (payouts, Some(NOW)));
    assert_eq!(desk.findings("a"), Vec::<String>::new());
    assert!(is_sealed(&desk.ledger, &after).unwrap());
    let gone =
        ["0901234567", "0901234568", "9704001", "u-77", "Nguyen An", "Le Chi", "Tran Binh", "blue", "green", "ref:r"];
    for file in std::fs::read_dir(desk.path().parent().unwrap()).unwrap().map(|entry| entry.unwrap().path()) {
        if file.extension().is_some_and(|extension| extension == "csv") {
            continue;
        }
        let bytes = std::fs::read(&file).unwrap();
        for text in gone {
            let found = bytes.windows(text.len()).any(|window| window == text.as_bytes());
            assert!(!found, "{text} is in {}", file.display());
        }
    }
}

#[test]
fn what_is_changed_in_a_purged_batch_is_found() {
    for (change, expected) in [
        ("UPDATE payouts SET points = points + 1 WHERE row = 2", "not what was sealed when it was purged"),
        ("UPDATE payouts SET member = 'PURGED:00' WHERE row = 2", "not what was sealed"),
        ("UPDATE payouts SET name = 'An' WHERE row = 2", "not what was sealed"),
        ("UPDATE payouts SET invoice_no = 'TP0' WHERE row = 2", "row 2: it carries number TP0"),
        ("UPDATE payouts SET state = 'cancelled', credited_at = NULL WHERE row = 2", "its history implies credited"),
        ("DELETE FROM invoices WHERE payout_id = 2", "row 3: it carries number"),
        ("INSERT INTO invoices VALUES ('TP0', 1, 2)", "not what was sealed"),
        ("UPDATE purges SET at = at + 1", "not what was sealed"),
        ("UPDATE events SET at = at + 1 WHERE event_id = 3", "the history is broken between event 3"),
    ] {
        let desk = Fixture::purged();
        let connection = Connection::open(desk.path()).unwrap();
        let mut triggers = connection.prepare("SELECT name FROM sqlite_schema WHERE type = 'trigger'").unwrap();
        let names: Vec<String> = triggers.query_map([], |row| row.get(0)).unwrap().map(Result::unwrap).collect();
        drop(triggers);
        names.iter().for_each(|name| connection.execute_batch(&format!("DROP TRIGGER {name}")).unwrap());
        connection.execute_batch(change).unwrap();
        drop(connection);
        let findings = desk.findings("a");
        assert!(findings.iter().any(|finding| finding.contains(expected)), "{change}: {findings:#?}");
    }
}

#[test]
fn the_guards_stand_again_after_a_purge() {
    let mut desk = Fixture::new();
    desk.plan("a", TWO);
    (2..=3).for_each(|row| desk.credit("a", row));
    let guards = "SELECT group_concat(name || sql) FROM (SELECT name, sql FROM sqlite_schema WHERE type = 'trigger' ORDER BY name)";
    let guards = |desk: &Fixture| -> String {
        Connection::open(desk.path()).unwrap().query_row(guards, [], |row| row.get(0)).unwrap()
    };
    let before = guards(&desk);
    desk.purge("a");
    assert_eq!(guards(&desk), before);
    let connection = Connection::open(desk.path()).unwrap();
    for change in [
        "UPDATE payouts SET member = '0901234567'",
        "UPDATE payouts SET row_key = 'ref:1' WHERE row = 2",
        "UPDATE events SET note = 'x'",
        "UPDATE purges SET why = 'x'",
        "DELETE FROM purges",
        "UPDATE redacted_events SET sha256 = zeroblob(32)",
    ] {
        let refused = connection.execute_batch(change);
        let nothing = change.contains("redacted") && desk.count("SELECT count(*) FROM redacted_events") == 0;
        assert!(refused.is_err() || nothing, "{change}");
    }
}

#[test]
fn only_a_finished_batch_as_it_was_looked_at_is_purged_and_once() {
    let mut desk = Fixture::new();
    desk.plan("a", TWO);
    desk.credit("a", 2);
    let key = desk.ledger.purge_key_or_new().unwrap();
    let open = desk.ledger.batch("a").unwrap();
    assert!(matches!(desk.ledger.purge(&open, &key, NOW, WHY), Err(LedgerError::Broken(_))));
    desk.credit("a", 3);
    assert!(matches!(desk.ledger.purge(&open, &key, NOW, WHY), Err(LedgerError::Broken(_))), "its history went on");
    assert_eq!(desk.count("SELECT count(*) FROM payouts WHERE member LIKE '09%'"), 2);
    desk.purge("a");
    let purged = desk.ledger.batch("a").unwrap();
    assert!(matches!(desk.ledger.purge(&purged, &key, NOW, WHY), Err(LedgerError::Broken(_))));
    assert_eq!(desk.findings("a"), Vec::<String>::new());
}

#[test]
fn a_copy_of_the_ledger_knows_whom_purged_batches_paid() {
    let desk = Fixture::purged();
    let copy = Ledger::scratch(Some(&desk.path())).unwrap();
    assert!(copy.purge_key().unwrap().is_some());
    drop(Ledger::open(&desk.path(), Access::Read).unwrap());
}

/// The command audits a batch before it purges it; the purge itself looks once more at what it is about to commit.
#[test]
fn a_purge_that_would_leave_a_batch_that_differs_commits_nothing() {
    let mut desk = Fixture::new();
    desk.plan("a", TWO);
    (2..=3).for_each(|row| desk.credit("a", row));
    let edit = "UPDATE totals SET points = points + 1 WHERE state = 'credited'";
    Connection::open(desk.path()).unwrap().execute_batch(edit).unwrap();
    let (batch, key) = (desk.ledger.batch("a").unwrap(), desk.ledger.purge_key_or_new().unwrap());
    let refused = desk.ledger.purge(&batch, &key, NOW, WHY).unwrap_err().to_string();
    assert!(refused.contains("batch a was not purged, since it would differ then: credited: "), "{refused}");
    assert_eq!(desk.count("SELECT count(*) FROM payouts WHERE member LIKE 'PURGED:%'"), 0);
    assert_eq!(desk.count("SELECT count(*) FROM purges"), 0);
}
