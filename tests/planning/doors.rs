//! What the ledger refuses of a decision, whatever door it comes through: no command made these entries.

use super::fixture::{Fixture, NOW, under};
use std::time::Duration;
use topup::domain::event::{Doubt, Event, Fate, OrderAnswer, Refusal};
use topup::domain::invoice_no::InvoiceNo;
use topup::domain::payout_status::{PayoutStatus, SIGNED_BYTES_VALID, State};
use topup::ledger::{Access, Entry, Ledger, LedgerError, PayoutId, Purpose, Under};

const HOUR_MS: i64 = 3_600_000;
const ABSENT: Event = Event::OrderAnswered(OrderAnswer::Absent);

fn entry(payout: PayoutId, event: &Event, (before, after): (State, State), new_number: Option<InvoiceNo>) -> Entry {
    Entry {
        payout,
        event: event.clone(),
        before,
        after,
        call: None,
        note: None,
        why: None,
        new_number,
        recovered: false,
    }
}

/// Writes `history` to the payout of row 2 at `NOW`, and then `step` in one go, so much later; gives what became of it.
fn written(history: &[Event], later_ms: i64, step: &[(Event, State)], mints: bool) -> Result<State, LedgerError> {
    let mut before = PayoutStatus::from_history(history).unwrap().state;
    let changes = step.iter().map(|(event, after)| {
        let number = (mints && event.is_decision()).then(|| InvoiceNo::parse("TP0").unwrap());
        (event, (std::mem::replace(&mut before, *after), *after), number)
    });
    recorded(history, later_ms, changes.collect(), SIGNED_BYTES_VALID)
}

/// The same with states of the door's own, where the gateway takes signed requests for so long.
fn recorded(
    history: &[Event],
    later_ms: i64,
    step: Vec<(&Event, (State, State), Option<InvoiceNo>)>,
    signed_valid: Duration,
) -> Result<State, LedgerError> {
    let mut desk = Fixture::new();
    desk.plan("a", "reference,phone,points\nr1,0901234567,100\nr2,0901234568,200\n");
    desk.happen("a", 2, history);
    let ledger = Ledger::open(&desk.path(), Access::Write).unwrap();
    let batch = ledger.batch("a").unwrap();
    let run = ledger.into_run(batch.id, &Under { signed_valid, ..under(&batch, Purpose::Pay) }).unwrap();
    let payout = run.find("r1").unwrap().unwrap();
    let entries = step.into_iter().map(|(event, states, number)| entry(payout, event, states, number)).collect();
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    runtime.block_on(run.record(NOW + later_ms, entries))?;
    Ok(run.standing(payout).unwrap().state)
}

fn lost() -> Vec<Event> {
    vec![Event::SubmitIntended, Event::SendEnded(Fate::Unknown(Doubt::Unanswered))]
}

#[test]
fn evidence_without_an_answer_in_the_same_step_is_not_written() {
    let credited = [(Event::AttestedCredited, State::Credited)];
    let asked = [(ABSENT, State::InDoubt), (Event::AttestedCredited, State::Credited)];
    assert!(written(&lost(), 0, &credited, false).is_err(), "never asked");
    let long_ago = [lost(), vec![ABSENT]].concat();
    assert!(written(&long_ago, 0, &credited, false).is_err(), "asked by an earlier command");
    for unusable in [OrderAnswer::Unclear, OrderAnswer::AskAgain, OrderAnswer::OtherOrder] {
        let step = [(Event::OrderAnswered(unusable), State::InDoubt), (Event::AttestedCredited, State::Credited)];
        assert!(written(&lost(), 0, &step, false).is_err(), "{unusable:?}");
    }
    assert_eq!(written(&lost(), 0, &asked, false).unwrap(), State::Credited);
}

#[test]
fn not_credited_is_not_taken_while_the_gateway_may_still_apply_the_send() {
    let step = [(ABSENT, State::InDoubt), (Event::AttestedNotCredited, State::Declined)];
    for (later_ms, taken) in [(0, false), (HOUR_MS, false), (2 * HOUR_MS - 1, false), (2 * HOUR_MS, true)] {
        assert_eq!(written(&lost(), later_ms, &step, false).is_ok(), taken, "{later_ms} ms later");
    }
}

/// A gateway whose window is longer than two hours, and nothing that bounds late requests; a door that says less than two
/// hours is not believed.
#[test]
fn not_credited_is_not_taken_for_as_long_as_a_longer_window_is() {
    let hours = |hours: u64| Duration::from_secs(hours * 3600);
    for (signed_valid, later_ms, taken) in [
        (hours(4), 2 * HOUR_MS, false),
        (hours(4), 4 * HOUR_MS - 1, false),
        (hours(4), 4 * HOUR_MS, true),
        (hours(1), 2 * HOUR_MS - 1, false),
        (Duration::ZERO, 2 * HOUR_MS - 1, false),
        (Duration::ZERO, 2 * HOUR_MS, true),
    ] {
        let attested = Event::AttestedNotCredited;
        let step = vec![
            (&ABSENT, (State::InDoubt, State::InDoubt), None),
            (&attested, (State::InDoubt, State::Declined), None),
        ];
        let written = recorded(&lost(), later_ms, step, signed_valid);
        assert_eq!(written.is_ok(), taken, "{signed_valid:?}, {later_ms} ms later");
    }
}

#[test]
fn what_was_sent_is_closed_only_on_an_answer_and_what_was_not_at_a_word() {
    let unsent = [Event::SubmitIntended, Event::SendEnded(Fate::Unsent)];
    let cancelled = (Event::Cancelled, State::Cancelled);
    assert_eq!(written(&[], 0, std::slice::from_ref(&cancelled), false).unwrap(), State::Cancelled);
    assert!(written(&unsent, 0, std::slice::from_ref(&cancelled), false).is_err());
    assert_eq!(written(&unsent, 0, &[(ABSENT, State::Planned), cancelled], false).unwrap(), State::Cancelled);
}

#[test]
fn a_number_is_minted_on_nothing_but_a_failed_order_and_always_then() {
    let refused = [Event::SubmitIntended, Event::SendEnded(Fate::Refused(Refusal::Payout))];
    for (answer, mints, taken) in [
        (OrderAnswer::Absent, false, true),
        (OrderAnswer::Absent, true, false),
        (OrderAnswer::Failed, false, false),
        (OrderAnswer::Failed, true, true),
    ] {
        let step = [(Event::OrderAnswered(answer), State::Declined), (Event::Retried, State::Planned)];
        assert_eq!(written(&refused, 0, &step, mints).is_ok(), taken, "{answer:?}, mints: {mints}");
    }
}

/// The state is compared as it is replaced: whoever believes another one writes nothing.
#[test]
fn a_door_that_believes_another_state_writes_nothing() {
    let success = Event::OrderAnswered(OrderAnswer::Success);
    for believed in [State::Planned, State::Declined, State::Held] {
        let change = vec![(&success, (believed, State::Credited), None)];
        assert!(recorded(&lost(), 0, change, SIGNED_BYTES_VALID).is_err(), "{believed:?}");
    }
    let change = vec![(&success, (State::InDoubt, State::Credited), None)];
    assert_eq!(recorded(&lost(), 0, change, SIGNED_BYTES_VALID).unwrap(), State::Credited);
}
