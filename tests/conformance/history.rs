//! What stays: the chain, what an audit finds, results, a purge, the lease.

use super::fixture::*;
use topup::domain::event::{Doubt, Event, Fate, MemberAnswer, OrderAnswer, Refusal};
use topup::domain::payout_status::State;
use topup::domain::proposal::ProposalEvent;
use topup::ledger::{Along, BatchEvent, Lease, LedgerError, Purpose};

/// The end of the batch's history after [`operations`]: of every kind of ledger, and of every later version of this
/// program that can read what this one wrote.
const HEAD: &str = "7b90cd021b73620cb80f7bd5faebb275b3539fe6d75e6275be629d5de275970c";

/// Something of everything, always the same.
fn operations(kind: &impl Kind) {
    let mut ledger = kind.open();
    plan(&mut ledger, "a", &[row(1, 100), row(2, 200), row(3, 300)]);
    let seal = propose(&mut ledger, "a", &[row(4, 400)]);
    let batch = ledger.batch("a").unwrap();
    let approved = ProposalEvent::Approved { seal, by: somebody() };
    ledger.decide_proposal(batch.id, NOW, &approved, &Along { why: Some("checked"), ..Along::default() }).unwrap();
    let paying = run(ledger, "a", Purpose::Pay).unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    runtime.block_on(paying.record_batch(NOW, BatchEvent::RunStarted("{}".to_owned()))).unwrap();
    happen(&paying, "r1", &[Event::SubmitIntended, Event::SendEnded(Fate::Credited)]).unwrap();
    let absent = Event::OrderAnswered(OrderAnswer::Absent);
    happen(&paying, "r2", &[Event::MemberAnswered(MemberAnswer::Refused), absent.clone()]).unwrap();
    happen(&paying, "r3", &[Event::SubmitIntended, Event::SendEnded(Fate::Refused(Refusal::Payout))]).unwrap();
    let lost = Event::SendEnded(Fate::Unknown(Doubt::Unanswered));
    happen(&paying, "r4", &[Event::SubmitIntended, lost, Event::OrderAnswered(OrderAnswer::Success)]).unwrap();
    runtime.block_on(paying.record_batch(NOW, BatchEvent::RunEnded("{}".to_owned()))).unwrap();
    paying.close().unwrap();
}

pub(super) fn the_same_operations_give_the_same_end_of_the_chain(kind: impl Kind) {
    operations(&kind);
    let ledger = kind.open();
    assert_eq!(ledger.batch("a").unwrap().chain_head.to_string(), HEAD);
    holds_together(&ledger, "a");
}

pub(super) fn an_edit_is_found(kind: impl Kind) {
    operations(&kind);
    kind.edit("DROP TRIGGER payouts_keep_what_they_send; UPDATE payouts SET points = points + 50 WHERE row = 2");
    let ledger = kind.open();
    let found = ledger.audit(&ledger.batch("a").unwrap(), None).unwrap().findings;
    assert!(found.iter().any(|finding| finding.contains("row 2 is not what it was planned with")), "{found:?}");
}

pub(super) fn a_snapshot_shows_every_payout_and_what_decided_it(kind: impl Kind) {
    operations(&kind);
    let ledger = kind.open();
    let snapshot = ledger.snapshot("a").unwrap();
    let mut shown = Vec::new();
    snapshot
        .outcomes(&State::ALL, |outcome| {
            shown.push((outcome.row, outcome.state, outcome.decided.as_ref().map(|decided| decided.event.clone())));
            Ok::<_, LedgerError>(())
        })
        .unwrap();
    let refused = Event::SendEnded(Fate::Refused(Refusal::Payout));
    let expected = [
        (1, State::Credited, None),
        (2, State::Ineligible, Some(Event::MemberAnswered(MemberAnswer::Refused))),
        (3, State::Declined, Some(refused)),
        (4, State::Credited, None),
    ];
    assert_eq!(shown, expected);
    assert_eq!(snapshot.totals().unwrap().of(State::Credited).points, 500);
}

pub(super) fn a_purge_leaves_nobody_and_holds_together(kind: impl Kind) {
    operations(&kind);
    let mut ledger = kind.open();
    let Some(_) = kind.place() else {
        assert!(ledger.purge_key_or_new().is_err(), "there is nowhere to keep a key");
        return;
    };
    let batch = ledger.batch("a").unwrap();
    let key = ledger.purge_key_or_new().unwrap();
    ledger.purge(&batch, &key, NOW, "a test").unwrap();
    let purged = ledger.batch("a").unwrap();
    assert!(purged.purged_at.is_some());
    assert_eq!(ledger.is_purge_sealed(&purged).unwrap(), Some(true));
    assert!(matches!(ledger.snapshot("a"), Err(LedgerError::Purged { .. })));
    holds_together(&ledger, "a");
    // Whom it paid is still known, by its hash.
    let mut planning = begin(&mut ledger, "b");
    place(&mut planning, &row(1, 100));
    assert_eq!(planning.credited_elsewhere(NOW - 1, 9).unwrap().count, 1);
}

pub(super) fn one_command_at_a_time_has_the_lease(kind: impl Kind) {
    drop(kind.open());
    let Some(place) = kind.place() else { return };
    let lease = Lease::take(&place, "the first").unwrap();
    assert!(Lease::is_taken(&place));
    let refused = Lease::take(&place, "the second").unwrap_err().to_string();
    assert!(refused.contains("another run holds the ledger") && refused.contains("the first"), "{refused}");
    drop(lease);
    assert!(!Lease::is_taken(&place));
    drop(Lease::take(&place, "the second").unwrap());
}
