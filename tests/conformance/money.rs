//! Who may be paid, once: plans, versions, approvals, permits, decisions, other batches, other writers.

use super::fixture::*;
use topup::domain::event::{Doubt, Event, Fate, MemberAnswer, OrderAnswer, Refusal};
use topup::domain::payout_status::State;
use topup::domain::proposal::{ProposalEvent, ProposalRefusal};
use topup::ledger::{Along, LedgerError, Placement, Purpose};

pub(super) fn a_row_is_placed_once_and_told_from_a_changed_one(kind: impl Kind) {
    let mut ledger = kind.open();
    plan(&mut ledger, "a", &[row(1, 100), row(2, 200)]);
    let mut planning = begin(&mut ledger, "a");
    assert_eq!(place(&mut planning, &row(1, 100)), Placement::Same { state: State::Planned });
    assert_eq!(place(&mut planning, &row(1, 100)), Placement::Duplicate { row: 1 });
    assert!(matches!(place(&mut planning, &row(2, 201)), Placement::Changed { row: 2, .. }));
    assert_eq!(place(&mut planning, &row(3, 300)), Placement::New);
    assert_eq!((planning.new_size().rows, planning.whole_size().points), (1, 600));
    // Dropped, it leaves nothing.
    drop(planning);
    let batch = ledger.batch("a").unwrap();
    assert_eq!((batch.rows, batch.points, ledger.totals(batch.id).unwrap().of(State::Planned).points), (2, 300, 300));
    holds_together(&ledger, "a");
}

pub(super) fn a_file_that_comes_again_makes_a_version_of_its_new_rows(kind: impl Kind) {
    let mut ledger = kind.open();
    plan(&mut ledger, "a", &[row(1, 100)]);
    propose(&mut ledger, "a", &[row(1, 100), row(2, 200)]);
    let batch = ledger.batch("a").unwrap();
    assert_eq!((batch.plan_version, batch.rows), (2, 2));
    // Taken back, its rows are gone, and its number is not used again.
    let withdrawn = ProposalEvent::Withdrawn { by: somebody() };
    ledger.decide_proposal(batch.id, NOW, &withdrawn, &Along::default()).unwrap();
    let back = ledger.batch("a").unwrap();
    assert_eq!((back.plan_version, back.rows, back.plan_sha256), (1, 1, seal(1)));
    holds_together(&ledger, "a");
    propose(&mut ledger, "a", &[row(1, 100), row(2, 200)]);
    assert_eq!(ledger.batch("a").unwrap().plan_version, 3);
    holds_together(&ledger, "a");
}

pub(super) fn a_permit_is_minted_only_for_what_was_approved(kind: impl Kind) {
    let mut ledger = kind.open();
    plan(&mut ledger, "a", &[row(1, 100)]);
    let seal = propose(&mut ledger, "a", &[row(1, 100), row(2, 200)]);
    let paying = run(ledger, "a", Purpose::Pay).unwrap();
    assert_eq!(paying.waiting().unwrap().rows, 1);
    let taken_up = paying.payouts_after(State::Planned, None, 9).unwrap();
    assert_eq!(taken_up.iter().map(|payout| payout.row).collect::<Vec<_>>(), [1]);
    assert_eq!(happen(&paying, "r1", &[Event::SubmitIntended]).unwrap().len(), 1);
    // It is not in the state of an approved one, whatever the door believes.
    assert!(happen(&paying, "r2", &[Event::SubmitIntended]).is_err());
    paying.close().unwrap();
    let mut ledger = kind.open();
    let batch = ledger.batch("a").unwrap();
    let approved = |seal| ProposalEvent::Approved { seal, by: somebody() };
    let other = ledger.decide_proposal(batch.id, NOW, &approved(super::fixture::seal(9)), &Along::default());
    assert!(matches!(other, Err(LedgerError::Proposal(ProposalRefusal::OtherSeal { .. }))), "{other:?}");
    ledger.decide_proposal(batch.id, NOW, &approved(seal), &Along::default()).unwrap();
    let again = ledger.decide_proposal(batch.id, NOW, &approved(seal), &Along::default());
    assert!(matches!(again, Err(LedgerError::Proposal(ProposalRefusal::ApprovedBefore(_)))), "{again:?}");
    let paying = run(ledger, "a", Purpose::Pay).unwrap();
    let permits = happen(&paying, "r2", &[Event::SubmitIntended]).unwrap();
    assert_eq!(permits[0].top_up().invoice_no, number("a", "r2", 1));
    paying.close().unwrap();
    holds_together(&kind.open(), "a");
}

pub(super) fn a_permit_is_minted_once(kind: impl Kind) {
    let mut ledger = kind.open();
    plan(&mut ledger, "a", &[row(1, 100)]);
    let paying = run(ledger, "a", Purpose::Pay).unwrap();
    let payout = paying.find("r1").unwrap().unwrap();
    let intent = entry(payout, &paying.standing(payout).unwrap(), Event::SubmitIntended, None);
    assert_eq!(write(&paying, vec![intent.clone()]).unwrap().len(), 1);
    assert!(write(&paying, vec![intent.clone()]).is_err(), "it is in doubt by now");
    assert!(matches!(write(&paying, vec![intent]), Err(LedgerError::Stopped(_))), "nothing is written after a failure");
    paying.close().unwrap();
    let ledger = kind.open();
    let totals = ledger.totals(ledger.batch("a").unwrap().id).unwrap();
    assert_eq!((totals.of(State::InDoubt).rows, totals.rows()), (1, 1));
    holds_together(&ledger, "a");
}

pub(super) fn what_one_command_may_not_do_is_not_written(kind: impl Kind) {
    let mut ledger = kind.open();
    plan(&mut ledger, "a", &[row(1, 100)]);
    let asking = run(ledger, "a", Purpose::Ask).unwrap();
    assert!(happen(&asking, "r1", &[Event::SubmitIntended]).is_err(), "it only asks");
    asking.close().unwrap();
    let paying = run(kind.open(), "a", Purpose::Pay).unwrap();
    let lost = Event::SendEnded(Fate::Unknown(Doubt::Unanswered));
    happen(&paying, "r1", &[Event::SubmitIntended, lost, Event::OrderAnswered(OrderAnswer::Absent)]).unwrap();
    // Evidence rests on an answer of the same step.
    assert!(happen(&paying, "r1", &[Event::AttestedCredited]).is_err());
    paying.close().unwrap();
    holds_together(&kind.open(), "a");
}

pub(super) fn a_number_is_minted_once_and_stays(kind: impl Kind) {
    let mut ledger = kind.open();
    plan(&mut ledger, "a", &[row(1, 100)]);
    let paying = run(ledger, "a", Purpose::Pay).unwrap();
    let refused = [Event::SubmitIntended, Event::SendEnded(Fate::Refused(Refusal::Payout))];
    happen(&paying, "r1", &refused).unwrap();
    let payout = paying.find("r1").unwrap().unwrap();
    let status = paying.standing(payout).unwrap();
    let failed = Event::OrderAnswered(OrderAnswer::Failed);
    let after = status.clone().after(&failed).unwrap();
    let retried = entry(payout, &after, Event::Retried, Some(number("a", "r1", 2)));
    write(&paying, vec![entry(payout, &status, failed, None), retried]).unwrap();
    let permits = happen(&paying, "r1", &[Event::SubmitIntended]).unwrap();
    assert_eq!(permits[0].top_up().invoice_no, number("a", "r1", 2));
    for attempt in [1, 2] {
        assert_eq!(paying.find(number("a", "r1", attempt).as_str()).unwrap(), Some(payout), "attempt {attempt}");
    }
    paying.close().unwrap();
    holds_together(&kind.open(), "a");
}

pub(super) fn a_payout_of_another_batch_is_held_against_a_plan_and_a_retry(kind: impl Kind) {
    let mut ledger = kind.open();
    plan(&mut ledger, "a", &[row(1, 100), row(2, 200)]);
    let elsewhere = |ledger: &mut _| {
        let mut planning = begin(ledger, "b");
        place(&mut planning, &row(1, 100));
        (planning.open_elsewhere(9).unwrap().count, planning.credited_elsewhere(NOW - 1, 9).unwrap().count)
    };
    assert_eq!(elsewhere(&mut ledger), (1, 0));
    let paying = run(ledger, "a", Purpose::Pay).unwrap();
    happen(&paying, "r1", &[Event::SubmitIntended, Event::SendEnded(Fate::Credited)]).unwrap();
    happen(&paying, "r2", &[Event::MemberAnswered(MemberAnswer::Refused), Event::OrderAnswered(OrderAnswer::Absent)])
        .unwrap();
    paying.close().unwrap();
    let mut ledger = kind.open();
    assert_eq!(elsewhere(&mut ledger), (0, 1));
    plan(&mut ledger, "b", &[row(2, 200)]);
    let asking = run(ledger, "a", Purpose::Ask).unwrap();
    let payout = asking.find("r2").unwrap().unwrap();
    let status = asking.standing(payout).unwrap();
    let absent = Event::OrderAnswered(OrderAnswer::Absent);
    let after = status.clone().after(&absent).unwrap();
    let step = vec![entry(payout, &status, absent, None), entry(payout, &after, Event::Retried, None)];
    let refused = write(&asking, step).unwrap_err();
    assert!(matches!(refused, LedgerError::PaidElsewhere(_)), "{refused}");
    asking.close().unwrap();
    holds_together(&kind.open(), "a");
}

pub(super) fn a_second_writer_stops_the_first(kind: impl Kind) {
    let mut ledger = kind.open();
    plan(&mut ledger, "a", &[row(1, 100), row(2, 200), row(3, 300)]);
    let (first, second) = (run(ledger, "a", Purpose::Pay).unwrap(), run(kind.open(), "a", Purpose::Pay).unwrap());
    happen(&first, "r1", &[Event::SubmitIntended]).unwrap();
    happen(&second, "r2", &[Event::SubmitIntended]).unwrap();
    assert!(happen(&first, "r3", &[Event::SubmitIntended]).is_err(), "what it read is no longer what holds");
    first.close().unwrap();
    second.close().unwrap();
    holds_together(&kind.open(), "a");
}
