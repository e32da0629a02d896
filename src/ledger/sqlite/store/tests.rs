//! Edits of a ledger between the moment at which a run took a payout up and its intent.

use super::*;
use crate::domain::event::Event;
use crate::domain::event::MemberAnswer;
use crate::domain::payout_status::PayoutStatus;
use crate::ledger::Ledger;
use crate::ledger::fixture::planned;
use crate::ledger::guard::Guard;
use crate::ledger::record::Entry;
use crate::ledger::sqlite::File;
use crate::ledger::writer::{Write, Writer};

/// A writer of a batch with one payout that waits, without the guards of its tables.
fn one_payout() -> Writer<File> {
    let (ledger, batch) = planned(Ledger::in_memory().unwrap(), 1);
    ledger
        .file
        .connection
        .execute_batch(
            "DROP TRIGGER payouts_keep_what_they_send; DROP TRIGGER events_are_never_removed;
             DROP TRIGGER batches_keep_their_name; DROP TRIGGER credited_never_changes",
        )
        .unwrap();
    let somebody = crate::domain::approval::Actor::System("test".to_owned());
    Writer::new(ledger.file, false, batch, &somebody, Guard { may_send: true, ..Guard::default() })
}

fn entry(event: Event, before: State, after: State) -> Write {
    let entry = Entry {
        payout: PayoutId(1),
        event,
        before,
        after,
        call: None,
        note: None,
        why: None,
        new_number: None,
        recovered: false,
    };
    Write::Payouts { at: 0, entries: vec![entry] }
}

fn intent() -> Write {
    entry(Event::SubmitIntended, State::Planned, State::InDoubt)
}

/// Between the moment at which a run took a payout up and its intent.
#[test]
fn a_row_that_was_edited_meanwhile_gets_no_permit() {
    for edit in [
        "UPDATE payouts SET member = '0901234568'",
        "UPDATE payouts SET spelt = '0901234568'",
        "UPDATE payouts SET phone = '0901234568'",
        "UPDATE payouts SET points = 51",
        "UPDATE payouts SET send_sms = 0",
        "UPDATE payouts SET receipt = '[\"\",\"\",\"\",\"\"]'",
        "UPDATE payouts SET row = 3",
        "UPDATE payouts SET row_key = 'ref:2'",
        "UPDATE payouts SET name = 'An'",
        "UPDATE payouts SET extra = '[]'",
        "UPDATE payouts SET sha256 = zeroblob(32)",
        "UPDATE payouts SET invoice_no = 'TP0'",
        "UPDATE payouts SET attempt = 2",
        "UPDATE batches SET name = 'c'",
        "UPDATE batches SET merchant_id = 'N'",
    ] {
        let mut writer = one_payout();
        writer.database().connection.execute_batch(edit).unwrap();
        let refused = writer.commit(&[intent()]).unwrap_err();
        let is_finding = matches!(refused, LedgerError::RowChanged { .. } | LedgerError::Broken(_));
        assert!(is_finding, "{edit}: {refused}");
        assert!(matches!(writer.commit(&[intent()]), Err(LedgerError::Stopped(_))), "{edit}");
    }
    assert_eq!(one_payout().commit(&[intent()]).unwrap().remove(0).len(), 1);
}

/// A payout whose history says otherwise is not sent, however its row was put back.
#[test]
fn a_payout_that_its_history_says_is_paid_gets_no_permit() {
    let mut writer = one_payout();
    let credited = entry(Event::SendEnded(crate::domain::event::Fate::Credited), State::InDoubt, State::Credited);
    writer.commit(&[intent(), credited]).unwrap();
    let back = "UPDATE payouts SET state = 'planned', credited_at = NULL;
                UPDATE totals SET rows = 1, points = 50 WHERE state = 'planned'";
    writer.database().connection.execute_batch(back).unwrap();
    assert!(matches!(writer.commit(&[intent()]), Err(LedgerError::Broken(_))));
}

/// What a run believes about a payout is compared as it is replaced, in a write that sends nothing too.
#[test]
fn a_run_that_believes_otherwise_about_a_payout_is_stopped() {
    let mut writer = one_payout();
    writer.database().connection.execute_batch("UPDATE payouts SET state = 'held'").unwrap();
    let refused = Event::MemberAnswered(MemberAnswer::Refused);
    let standing = PayoutStatus::default().after(&refused).unwrap();
    assert_eq!(standing.state, State::Planned, "only an absent order closes it");
    let closed = entry(refused, State::Planned, State::Ineligible);
    let stopped = writer.commit(&[closed]).unwrap_err().to_string();
    assert!(stopped.contains("payout 1 was expected to be planned"), "{stopped}");
}
