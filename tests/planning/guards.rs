//! What keeps one member from being paid twice beside the number: to what a ledger belongs, and what other batches
//! pay. Each holds in the ledger itself, by whichever door a command comes.

use super::fixture::{DAY_MS, Fixture, NOW, Outcome, TWO, terms, under};
use rusqlite::Connection;
use topup::domain::event::{Event, Fate, MemberAnswer, OrderAnswer, Refusal};
use topup::domain::invoice_no::InvoicePrefix;
use topup::domain::payout_status::State;
use topup::ledger::{Access, Binding, Entry, Ledger, LedgerError, PayoutId, Purpose, RepeatRule, RunLedger, Under};
use topup::plan::{self, PlanError, Start, Terms};

const ONE: &str = "phone,points\n0901234567,100\n";

fn at_gateway(host: &str, batch: &str) -> Terms {
    Terms { binding: Binding { gateway_host: host.into(), ..terms(batch).binding }, ..terms(batch) }
}

fn at_merchant(merchant: &str, prefix: &str, batch: &str) -> Terms {
    let invoice_prefix = InvoicePrefix::parse(prefix).unwrap();
    let binding = Binding { merchant_id: merchant.into(), invoice_prefix, ..terms(batch).binding };
    Terms { binding, ..terms(batch) }
}

fn is_bound(result: Result<Outcome, PlanError>) -> bool {
    matches!(result, Err(PlanError::Ledger(LedgerError::Bound(_))))
}

impl Fixture {
    pub(super) fn again(&self) -> Ledger {
        Ledger::open(&self.path(), Access::Write).unwrap()
    }

    /// A run of a batch under another binding, settings, reason or time.
    pub(super) fn run(&self, batch: &str, change: impl FnOnce(&mut Under)) -> Result<RunLedger, LedgerError> {
        let ledger = self.again();
        let batch = ledger.batch(batch).unwrap();
        let mut under = under(&batch, Purpose::Pay);
        change(&mut under);
        ledger.into_run(batch.id, &under)
    }

    /// Writes a decision about the payout of a row, with the answer that it rests on.
    fn decides(&self, run: &RunLedger, payout: PayoutId, event: Event, now: i64) -> Result<(), LedgerError> {
        let mut standing = run.standing(payout).unwrap();
        let mut entries = Vec::new();
        for event in [Event::OrderAnswered(OrderAnswer::Absent), event] {
            let before = standing.state;
            standing = standing.after(&event).unwrap();
            let (call, note, new_number) = (None, None, None);
            let (after, why) = (standing.state, Some("a test".to_owned()));
            entries.push(Entry { payout, event, before, after, call, note, why, new_number, recovered: false });
        }
        let done = tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(run.record(now, entries));
        done.map(drop)
    }
}

#[test]
fn a_ledger_that_sent_belongs_to_one_gateway_merchant_and_prefix_whatever_the_batch() {
    let mut desk = Fixture::new();
    desk.plan("a", ONE);
    desk.happen("a", 2, &[Event::SubmitIntended]);
    let other = "phone,points\n0909999999,100\n";
    for (file, batch) in [(ONE, "a"), (ONE, "b"), (other, "b")] {
        for alias in ["localhost:1", "127.0.0.1.:1", "127.0.0.1", "[::1]:1"] {
            assert!(is_bound(desk.plan_with(file, &at_gateway(alias, batch))), "{alias} {batch}");
        }
        assert!(is_bound(desk.plan_with(file, &at_merchant("M002", "TP", batch))), "{batch}");
        assert!(is_bound(desk.plan_with(file, &at_merchant("M001", "XX", batch))), "{batch}");
    }
    // Not only planning: every ledger that calls or permits may go to is made under a binding.
    for purpose in [Purpose::Pay, Purpose::Ask] {
        for change in [
            |under: &mut Under| under.binding.gateway_host = "localhost:1".into(),
            |under: &mut Under| under.binding.merchant_id = "M002".into(),
            |under: &mut Under| under.binding.terminal_id = "T002".into(),
            |under: &mut Under| under.binding.invoice_prefix = InvoicePrefix::parse("XX").unwrap(),
        ] {
            let refused = desk.run("a", |under| {
                under.purpose = purpose;
                change(under);
            });
            assert!(matches!(refused, Err(LedgerError::Bound(_))), "{refused:?}");
        }
    }
    let recording = desk.run("a", |under| {
        (under.purpose, under.binding.gateway_host) = (Purpose::Record, "localhost:1".into());
    });
    assert!(recording.unwrap().check_may_call().is_err(), "it was held against no gateway");
    // Where nothing is to be sent, nothing may be intended.
    let asking = desk.run("a", |under| under.purpose = Purpose::Ask).unwrap();
    let payout = asking.in_state(State::InDoubt).unwrap()[0];
    let refused = desk.decides(&asking, payout, Event::SubmitIntended, NOW);
    assert!(matches!(refused, Err(LedgerError::Broken(_))), "{refused:?}");
}

#[test]
fn what_never_sent_is_taken_over_by_a_corrected_configuration() {
    let terminal = |id: &str, batch: &str| {
        let binding = Binding { terminal_id: id.into(), ..terms(batch).binding };
        Terms { binding, ..terms(batch) }
    };
    for corrected in [
        at_gateway("api.example", "a"),
        at_merchant("M002", "TP", "a"),
        at_merchant("M001", "XX", "a"),
        terminal("T002", "a"),
    ] {
        let mut desk = Fixture::new();
        desk.plan("a", TWO);
        // The wrong gateway answered the pre-check, too.
        desk.happen("a", 3, &[Event::MemberAnswered(MemberAnswer::Refused), Event::OrderAnswered(OrderAnswer::Absent)]);
        let before = desk.ledger.batch("a").unwrap();
        let numbers = "SELECT count(*) FROM invoices";
        assert_eq!(desk.count(numbers), 2);
        assert_eq!(desk.plan_with(TWO, &corrected).unwrap(), Outcome::Known);
        let batch = desk.ledger.batch("a").unwrap();
        assert_eq!(batch.binding, corrected.binding);
        assert_ne!(batch.plan_sha256, before.plan_sha256, "the seal says where the payouts go");
        desk.audit("a");
        let is_renumbered = (&batch.binding.merchant_id, &batch.binding.invoice_prefix)
            != (&before.binding.merchant_id, &before.binding.invoice_prefix);
        assert_eq!(desk.count(numbers), if is_renumbered { 4 } else { 2 }, "no number is ever removed");
        // Back again, as a person does who tries: the numbers of then are the payouts' own again.
        assert_eq!(desk.plan("a", TWO), Outcome::Known);
        desk.audit("a");
        assert_eq!(desk.plan_with(TWO, &corrected).unwrap(), Outcome::Known);
        desk.audit("a");
        // Paid under the right one, it stays with it.
        desk.credit("a", 2);
        assert!(is_bound(desk.plan_with(TWO, &terms("a"))), "it sent by now");
        let run = desk.run("a", |under| under.purpose = Purpose::Ask).unwrap();
        let asked = run.verifiable_numbers().unwrap();
        assert_eq!(asked.iter().filter(|(_, _, in_use)| *in_use).count(), asked.len(), "{asked:?}");
        desk.audit("a");
    }
}

#[test]
fn what_was_planned_for_a_wrong_merchant_blocks_no_other_batch_and_is_not_paid_beside_it() {
    let mut desk = Fixture::new();
    desk.plan_with(TWO, &at_merchant("WRONG", "TP", "a")).unwrap();
    // The same rows in a batch of the right merchant: the other one's are nobody's.
    assert_eq!(desk.plan("b", TWO), Outcome::Planned(2, 2));
    // Taken over before they are paid, they would be paid twice: refused while b has them.
    assert_eq!(desk.plan("a", TWO), Outcome::Known);
    let refused = desk.run("a", |_| {});
    assert!(matches!(&refused, Err(LedgerError::Repeated(repeated)) if repeated.is_open), "{refused:?}");
}

#[test]
fn a_ledger_of_practice_is_not_taken_to_another_gateway() {
    let mut desk = Fixture::new();
    desk.plan("practice", ONE);
    desk.credit("practice", 2);
    assert!(is_bound(desk.plan_with(ONE, &at_gateway("api.example", "2026-11"))));
    assert_eq!(desk.count("SELECT count(*) FROM batches"), 1);
}

#[test]
fn a_person_binds_what_was_sent_to_another_host_and_terminal_and_never_to_another_merchant_or_prefix() {
    let mut desk = Fixture::new();
    desk.plan("a", TWO);
    desk.happen("a", 2, &[Event::SubmitIntended]);
    desk.plan("b", "phone,points\n0909999999,100\n");
    let moved = Binding { gateway_host: "api.example".into(), terminal_id: "T9".into(), ..terms("a").binding };
    for never in [
        Binding { merchant_id: "M002".into(), ..moved.clone() },
        Binding { invoice_prefix: InvoicePrefix::parse("XX").unwrap(), ..moved.clone() },
    ] {
        let refused = plan::rebind(&mut desk.ledger, &never, "a mail", NOW, |_| true);
        assert!(matches!(refused, Err(LedgerError::Bound(_))), "{refused:?}");
        assert_eq!(desk.ledger.batch("b").unwrap().binding, terms("b").binding, "all of it or nothing");
    }
    let numbers = "SELECT group_concat(invoice_no) FROM invoices";
    let numbers = |desk: &Fixture| -> String {
        Connection::open(desk.path()).unwrap().query_row(numbers, [], |row| row.get(0)).unwrap()
    };
    let before = numbers(&desk);
    let rebound = plan::rebind(&mut desk.ledger, &moved, "a mail", NOW, |_| true).unwrap();
    assert_eq!(rebound.batches.len(), 2);
    assert!(rebound.ledger.is_some());
    assert_eq!(plan::rebind(&mut desk.ledger, &moved, "a mail", NOW, |_| true).unwrap(), plan::Rebound::default());
    assert_eq!(numbers(&desk), before);
    for batch in ["a", "b"] {
        assert_eq!(desk.ledger.batch(batch).unwrap().binding, moved);
        desk.audit(batch);
    }
    assert_eq!(desk.count("SELECT count(*) FROM ledger_events WHERE kind = 'bound' AND why = 'a mail'"), 1);
    assert!(is_bound(desk.plan_with(TWO, &terms("a"))), "not at the old address any more");
    let run = desk.run("a", |under| under.purpose = Purpose::Ask).unwrap();
    assert_eq!(run.in_state(State::InDoubt).unwrap().len(), 1);
}

/// Batch a's payout of row 2 declined or held, and another batch's credit of the same member and points since.
fn paid_elsewhere(end: &[Event], credited: bool) -> (Fixture, PayoutId) {
    let mut desk = Fixture::new();
    desk.plan("a", ONE);
    desk.happen("a", 2, end);
    // What a holds is open, and is planned nowhere else: only a ledger that somebody wrote to has it in another batch, too.
    let connection = Connection::open(desk.path()).unwrap();
    let belongs_to = |merchant: &str| {
        connection.execute("UPDATE batches SET merchant_id = ?1 WHERE name = 'a'", [merchant]).unwrap();
    };
    belongs_to("other");
    assert_eq!(desk.plan("b", ONE), Outcome::Planned(1, 1));
    if credited {
        desk.credit("b", 2);
    }
    belongs_to("M001");
    let run = desk.run("a", |under| under.purpose = Purpose::Ask).unwrap();
    let payout = run.find(desk_number(&desk).as_str()).unwrap().unwrap();
    (desk, payout)
}

fn desk_number(desk: &Fixture) -> String {
    let sql = "SELECT invoice_no FROM payouts p JOIN batches b USING (batch_id) WHERE b.name = 'a'";
    Connection::open(desk.path()).unwrap().query_row(sql, [], |row| row.get(0)).unwrap()
}

#[test]
fn a_retry_of_what_another_batch_pays_or_paid_is_not_written() {
    let declined = [Event::SubmitIntended, Event::SendEnded(Fate::Refused(Refusal::Payout))];
    not_written(&declined, || Event::Retried);
}

#[test]
fn a_release_of_what_another_batch_paid_is_not_written() {
    let held = [Event::MemberAnswered(MemberAnswer::NameDiffers), Event::OrderAnswered(OrderAnswer::Absent)];
    not_written(&held, || Event::Released { name: Some("An".into()) });
}

fn not_written(end: &[Event], event: impl Fn() -> Event) {
    for (credited, why) in [(true, None), (false, None), (false, Some("meant"))] {
        let (desk, payout) = paid_elsewhere(end, credited);
        let run = desk.run("a", |under| {
            (under.purpose, under.repeats.why) = (Purpose::Ask, why.map(str::to_owned));
        });
        let run = run.unwrap();
        assert_eq!(run.elsewhere(payout, NOW).unwrap().unwrap().batch, "b");
        // However long ago: since this batch was planned.
        let refused = desk.decides(&run, payout, event(), NOW + 400 * DAY_MS);
        assert!(matches!(&refused, Err(LedgerError::PaidElsewhere(repeat)) if repeat.batch == "b"), "{refused:?}");
    }
    let (desk, payout) = paid_elsewhere(end, true);
    let run = desk.run("a", |under| (under.purpose, under.repeats.why) = (Purpose::Ask, Some("a bonus".into())));
    desk.decides(&run.unwrap(), payout, event(), NOW).unwrap();
    let why = "SELECT count(*) FROM events WHERE why LIKE 'a test; repeats row 2 of batch b: a bonus'";
    assert_eq!(desk.count(why), 1, "the reason is kept");
    desk.audit("a");
}

#[test]
fn the_window_of_repetitions_is_judged_again_while_nothing_of_the_batch_was_sent() {
    let mut desk = Fixture::new();
    desk.plan("a", TWO);
    (2..=3).for_each(|row| desk.credit("a", row));
    let a_month_ahead = Terms { now: NOW + 30 * DAY_MS, ..terms("b") };
    assert_eq!(desk.plan_with(TWO, &a_month_ahead).unwrap(), Outcome::Planned(2, 2));
    // The clock is right again, and the batch has no send yet.
    assert_eq!(desk.plan("b", TWO), Outcome::Known);
    let refused = desk.run("b", |_| {});
    assert!(matches!(&refused, Err(LedgerError::Repeated(repeated)) if repeated.count == 2), "{refused:?}");
    let batch = desk.ledger.batch("b").unwrap();
    let started = plan::start(desk.again(), &batch, &under(&batch, Purpose::Pay)).unwrap();
    let Start::Refused(refusal) = started else { panic!("expected a refusal, found {started:?}") };
    assert_eq!(refusal.code, "repeated_credited");
    let planned = desk.plan("c", TWO);
    assert!(refusal.message.contains("pay members the same points that another batch credited"), "{planned:?}");
    assert!(desk.run("b", |under| under.now = NOW + 30 * DAY_MS).is_ok(), "by the clock of now");
    // A person's reason goes on, and is kept.
    desk.run("b", |under| under.repeats.why = Some("a second bonus".into())).unwrap().close().unwrap();
    assert!(desk.run("b", |_| {}).is_ok());
    assert_eq!(desk.count("SELECT count(*) FROM events WHERE kind = 'repeat_accepted'"), 1);
    desk.credit("b", 2);
    desk.audit("b");
    // What was sent goes on: it is in the plan's own hands.
    assert!(desk.run("b", |under| under.repeats = RepeatRule::default()).is_ok());
}
