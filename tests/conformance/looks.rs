//! What those see who plan a file again, decide, compare a statement, or ask when the last run ended.

use super::fixture::*;
use std::slice::from_ref;
use topup::domain::event::{Event, Fate, MemberAnswer, OrderAnswer};
use topup::domain::invoice_no::InvoiceNo;
use topup::domain::payout_status::State;
use topup::domain::proposal::ProposalEvent;
use topup::domain::row_key::RowKey;
use topup::domain::statement::{Line, LineStatus};
use topup::ledger::{
    Along, Batch, BatchEvent, Binding, Earlier, Ledger, LedgerError, NumberOwner, Placement, Purpose, RunLedger,
};

fn mark(run: &RunLedger, at: i64, event: BatchEvent) {
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    runtime.block_on(run.record_batch(at, event)).unwrap();
}

pub(super) fn a_file_in_another_order_beside_other_batches_finds_its_rows(kind: impl Kind) {
    let mut ledger = kind.open();
    // The payouts of two batches lie between each other.
    plan(&mut ledger, "a", &(1..=40).map(|nth| row(nth, 100)).collect::<Vec<_>>());
    plan(&mut ledger, "b", &(101..=140).map(|nth| row(nth, 100)).collect::<Vec<_>>());
    plan(&mut ledger, "a", &(1..=80).map(|nth| row(nth, 100)).collect::<Vec<_>>());
    let mut planning = begin(&mut ledger, "a");
    assert_eq!((planning.version(), planning.is_amended(), planning.whole_size().rows), (3, true, 80));
    // Backwards, then along the plan, then leaving some out, and one row twice.
    for nth in (71..=80).rev().chain(1..=50).chain(60..=65) {
        let placed = place(&mut planning, &row(nth, 100));
        assert_eq!(placed, Placement::Same { state: State::Planned }, "row {nth}");
    }
    assert_eq!(place(&mut planning, &row(65, 100)), Placement::Duplicate { row: 65 });
    assert!(matches!(place(&mut planning, &row(66, 900)), Placement::Changed { row: 66, .. }));
    assert_eq!(place(&mut planning, &row(200, 300)), Placement::New);
    assert_eq!((planning.new_size().rows, planning.new_size().points), (1, 300));
    assert_eq!(planning.members_and_largest().unwrap(), (1, 300));
    let mut gone = Vec::new();
    planning.gone(|payout| gone.push(payout.row)).unwrap();
    assert_eq!(gone, (51..=59).chain(67..=70).collect::<Vec<u64>>());
}

pub(super) fn a_member_under_another_key_and_a_skipped_row_are_told(kind: impl Kind) {
    let mut ledger = kind.open();
    plan(&mut ledger, "a", &[row(1, 100), row(2, 200)]);
    let mut planning = begin(&mut ledger, "a");
    // The member and points of row 1, which the file no longer has.
    let mut again = row(1, 100);
    (again.row, again.reference) = (9, Some("r9".to_owned()));
    assert_eq!(place(&mut planning, &again), Placement::New);
    let earlier = Earlier { row: 1, is_of_this_file: false };
    assert_eq!(planning.earlier_of_member(&again).unwrap(), Some(earlier));
    place(&mut planning, &row(2, 200));
    let mut gone = Vec::new();
    planning.gone(|payout| gone.push(payout)).unwrap();
    assert_eq!(gone.iter().map(|payout| planning.new_row_like(payout).unwrap()).collect::<Vec<_>>(), [Some(9)]);
    assert!(!planning.skips_others(0).unwrap());
    let before = planning.skipped_sha256().unwrap();
    planning.skip(3, &[("phone".to_owned(), "?".to_owned())], &["no phone".to_owned()]).unwrap();
    assert!(planning.skips_others(1).unwrap());
    assert_ne!(planning.skipped_sha256().unwrap(), before);
    drop(planning);
    let ledger = kind.open();
    assert_eq!(ledger.totals(ledger.batch("a").unwrap().id).unwrap().rows(), 2, "what was not sealed is not there");
}

pub(super) fn what_a_person_names_is_found_with_its_numbers(kind: impl Kind) {
    let mut ledger = kind.open();
    plan(&mut ledger, "a", &[row(1, 100), row(2, 200)]);
    let paying = run(ledger, "a", Purpose::Pay).unwrap();
    let differs = [Event::MemberAnswered(MemberAnswer::NameDiffers), Event::OrderAnswered(OrderAnswer::Absent)];
    happen(&paying, "r1", &differs).unwrap();
    assert!(paying.verifiable_numbers().unwrap().iter().all(|(_, found, _)| *found == number("a", "r1", 1)));
    let held = paying.find("r1").unwrap().unwrap();
    assert_eq!(paying.find(number("a", "r1", 1).as_str()).unwrap(), Some(held));
    assert_eq!(paying.find("r3").unwrap(), None);
    assert_eq!((paying.in_state(State::Held).unwrap(), paying.payout(held).unwrap().row), (vec![held], 1));
    paying.close().unwrap();
    let found = kind.open().find(row(1, 100).member.key().as_str()).unwrap();
    assert_eq!((found.len(), found[0].row, found[0].state, found[0].events.len()), (1, 1, State::Held, 2));
}

pub(super) fn a_statement_lies_beside_the_payouts_that_it_names(kind: impl Kind) {
    let mut ledger = kind.open();
    plan(&mut ledger, "a", &[row(1, 100), row(2, 200)]);
    plan(&mut ledger, "b", &[row(3, 300)]);
    let batch = ledger.batch("a").unwrap();
    let held = ledger.reconcile_with(&batch).unwrap();
    let line = |at, number| Line {
        row: at,
        number,
        phone: None,
        points: Some(100),
        status: LineStatus::Credited,
        time: Some("now".to_owned()),
    };
    assert_eq!(held.owner(&number("b", "r3", 1)).unwrap(), NumberOwner::OtherBatch("b".to_owned()));
    let (ours, nobodys) = (number("a", "r1", 1), number("z", "r1", 1));
    let NumberOwner::Payout(payout) = held.owner(&ours).unwrap() else { panic!("it is of this batch") };
    assert_eq!(held.owner(&nobodys).unwrap(), NumberOwner::Nobody);
    for at in [2, 3] {
        held.keep(&line(at, ours.clone()), Some(payout)).unwrap();
    }
    held.keep(&line(4, nobodys.clone()), None).unwrap();
    let mut shown = Vec::new();
    held.each_payout(|entry, lines| shown.push((entry.row, lines.to_vec()))).unwrap();
    assert_eq!(shown, [(1, vec![line(2, ours.clone()), line(3, ours)]), (2, Vec::new())]);
    let mut strangers = Vec::new();
    held.each_stranger(|lines| strangers.push(lines.to_vec())).unwrap();
    assert_eq!(strangers, [vec![line(4, nobodys)]]);
    drop(held);
    holds_together(&ledger, "a");
}

pub(super) fn a_run_that_ended_has_ended_whatever_people_do_afterwards(kind: impl Kind) {
    let mut ledger = kind.open();
    assert!(ledger.is_unused().unwrap());
    plan(&mut ledger, "a", from_ref(&row(1, 100)));
    let paying = run(ledger, "a", Purpose::Pay).unwrap();
    mark(&paying, NOW, BatchEvent::RunStarted("{}".to_owned()));
    let ledger = kind.open();
    let batch = ledger.batch("a").unwrap().id;
    assert_eq!((ledger.last_run_ended_at().unwrap(), ledger.has_open_run(batch).unwrap()), (None, true));
    happen(&paying, "r1", &[Event::SubmitIntended, Event::SendEnded(Fate::Credited)]).unwrap();
    mark(&paying, NOW + 5, BatchEvent::RunEnded("{}".to_owned()));
    paying.close().unwrap();
    // Another person plans and approves: nothing was sent.
    let mut ledger = kind.open();
    let seal = propose(&mut ledger, "b", &[row(2, 200)]);
    let approved = ProposalEvent::Approved { seal, by: somebody() };
    ledger.decide_proposal(ledger.batch("b").unwrap().id, NOW + 6, &approved, &Along::default()).unwrap();
    assert_eq!((ledger.last_run_ended_at().unwrap(), ledger.has_open_run(batch).unwrap()), (Some(NOW + 5), false));
    // Whoever asked the gateway since then may have done so a moment ago.
    let asking = run(ledger, "b", Purpose::Ask).unwrap();
    happen(&asking, "r2", &[Event::MemberAnswered(MemberAnswer::Unclear)]).unwrap();
    asking.close().unwrap();
    assert_eq!(kind.open().last_run_ended_at().unwrap(), None);
}

pub(super) fn what_nothing_was_sent_from_is_bound_elsewhere_with_new_numbers(kind: impl Kind) {
    let mut ledger = kind.open();
    plan(&mut ledger, "a", &[row(1, 100)]);
    let other = Binding { merchant_id: "M002".into(), ..binding() };
    let batch = ledger.batch("a").unwrap();
    assert!(ledger.takes_over(Some(&batch), &other).unwrap());
    let bind = |ledger: &mut Ledger, batch: &Batch, commits: bool| {
        let rebinding = ledger.rebinding(&other, None, NOW)?;
        rebinding.ledger()?;
        rebinding.batch(batch)?;
        rebinding.seal(batch.id, seal(9))?;
        if commits { rebinding.commit() } else { Ok(()) }
    };
    bind(&mut ledger, &batch, false).unwrap();
    assert_eq!(ledger.batch("a").unwrap().binding, binding(), "what was not committed is not there");
    bind(&mut ledger, &batch, true).unwrap();
    let bound = ledger.batch("a").unwrap();
    assert_eq!((bound.binding.clone(), bound.plan_sha256), (other.clone(), seal(9)));
    // The old number stays, and is never another payout's.
    let anew = InvoiceNo::derive(&other.invoice_prefix, &other.merchant_id, &name("a"), &RowKey::reference("r1"), 1);
    for found in [number("a", "r1", 1), anew] {
        assert_eq!(ledger.find(found.as_str()).unwrap().len(), 1, "{found}");
    }
    let ours = Binding { merchant_id: "M003".into(), ..binding() };
    assert!(matches!(ledger.check_binding(Some(&bound), &ours), Err(LedgerError::Bound { .. })));
}

pub(super) fn what_something_was_sent_from_stays_bound(kind: impl Kind) {
    let mut ledger = kind.open();
    plan(&mut ledger, "a", &[row(1, 100)]);
    let paying = run(ledger, "a", Purpose::Pay).unwrap();
    happen(&paying, "r1", &[Event::SubmitIntended]).unwrap();
    paying.close().unwrap();
    let mut ledger = kind.open();
    let other = Binding { merchant_id: "M002".into(), ..binding() };
    let batch = ledger.batch("a").unwrap();
    assert!(!ledger.takes_over(Some(&batch), &other).unwrap());
    let rebinding = ledger.rebinding(&other, Some("another merchant"), NOW).unwrap();
    let refused = rebinding.batch(&batch);
    assert!(matches!(refused, Err(LedgerError::Bound { .. })), "{refused:?}");
    drop(rebinding);
    holds_together(&ledger, "a");
}
