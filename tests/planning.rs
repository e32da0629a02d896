//! What planning a file makes of it: a new batch, the same rows again, more rows, or a refusal that leaves nothing.

#![expect(clippy::unwrap_used, reason = "a test fails where its set-up fails")]

#[path = "planning/approvals.rs"]
mod approvals;
#[path = "planning/doors.rs"]
mod doors;
#[path = "planning/edits.rs"]
mod edits;
#[path = "planning/every_column.rs"]
mod every_column;
#[path = "planning/fixture.rs"]
mod fixture;
#[path = "planning/guards.rs"]
mod guards;
#[path = "planning/kinds.rs"]
mod kinds;
#[path = "planning/limits.rs"]
mod limits;
#[path = "planning/purged.rs"]
mod purged;
#[path = "planning/sealed.rs"]
mod sealed;

use fixture::{DAY_MS, Fixture, NOW, Outcome, TWO, terms};
use topup::domain::event::{Event, MemberAnswer, OrderAnswer};
use topup::domain::invoice_no::InvoicePrefix;
use topup::ledger::{Binding, LedgerError};
use topup::plan::{self, Limits, PlanError, Terms};

#[test]
fn the_same_rows_are_known_however_they_are_sorted_and_whatever_else_the_file_says() {
    let mut desk = Fixture::new();
    assert_eq!(desk.plan("a", TWO), Outcome::Planned(2, 2));
    desk.audit("a");
    for same in [
        TWO,
        "phone,points\n0901234568,200\n0901234567,100\n",
        "points,phone,note\n100,0901234567,typo\n200,0901234568,\n",
    ] {
        assert_eq!(desk.plan("a", same), Outcome::Known, "{same}");
    }
}

#[test]
fn an_amended_file_adds_exactly_its_new_rows() {
    let mut desk = Fixture::new();
    desk.plan("a", TWO);
    desk.credit("a", 2);
    let amended = "phone,points\n0901234569,300\n0901234568,200\n0901234567,100\n";
    assert_eq!(desk.plan("a", amended), Outcome::Planned(1, 3));
    assert_eq!(desk.plan("a", amended), Outcome::Known);
    let batch = desk.ledger.batch("a").unwrap();
    assert_eq!((batch.rows, batch.points), (3, 600));
    desk.audit("a");
}

#[test]
fn a_changed_value_is_refused_before_anything_is_sent() {
    let mut desk = Fixture::new();
    desk.plan("a", "reference,phone,points,send_sms\nr1,0901234567,100,yes\nr2,0901234568,200,yes\n");
    for (changed, expected) in [
        ("r1,0901234567,101,yes", "100 points, now 101"),
        ("r1,0901234569,100,yes", "member 090***4567, now 090***4569"),
        ("r1,0901234567,100,no", "send_sms true, now false"),
    ] {
        let file = format!("reference,phone,points,send_sms\n{changed}\nr2,0901234568,200,yes\n");
        let refusal = desk.plan("a", &file).refusal();
        assert_eq!(refusal.code, "plan_differs");
        assert!(refusal.message.contains("1 row changed, 0 gone"), "{}", refusal.message);
        assert!(refusal.problems[0].message.contains(expected), "{:?}", refusal.problems);
    }
    assert_eq!(desk.ledger.batch("a").unwrap().points, 300);
}

#[test]
fn a_receipt_is_sent_too_and_so_may_not_change() {
    let mut desk = Fixture::new();
    let file = |name: &str| {
        let header = "phone,points,receipt_name,receipt_address,receipt_email,receipt_tax_code";
        format!("{header}\n0901234567,100,{name}\n")
    };
    desk.plan("a", &file("An,1 Lê Lợi,an@vi.vn,01"));
    for changed in ["Anh,1 Lê Lợi,an@vi.vn,01", "An,2 Lê Lợi,an@vi.vn,01", "An,1 Lê Lợi,an@vi.vn,02", ",,,"] {
        let refusal = desk.plan("a", &file(changed)).refusal();
        assert_eq!(refusal.code, "plan_differs", "{changed}");
        assert!(refusal.problems[0].message.contains("another receipt"), "{:?}", refusal.problems);
    }
    assert_eq!(desk.plan("a", &file("An,1 Lê Lợi,an@vi.vn,01")), Outcome::Known);
}

#[test]
fn a_held_row_that_is_gone_is_refused_and_a_paid_one_is_said() {
    let mut desk = Fixture::new();
    desk.plan("a", TWO);
    desk.credit("a", 2);
    let said = desk.warnings("phone,points\n0901234568,200\n", &terms("a"));
    assert!(said.iter().any(|line| line.ends_with("not undone: 1 payout of the batch")), "{said:?}");
    desk.happen("a", 3, &[Event::MemberAnswered(MemberAnswer::NameDiffers), Event::OrderAnswered(OrderAnswer::Absent)]);
    let refusal = desk.plan("a", "phone,points\n0901234567,100\n").refusal();
    assert!(refusal.problems[0].message.contains("planned as row 3 and is held"), "{:?}", refusal.problems);
}

#[test]
fn skipping_bad_rows_passes_over_nothing_else() {
    let mut desk = Fixture::new();
    desk.plan("a", TWO);
    let skipping = |batch: &str| Terms { skip_invalid: true, ..terms(batch) };
    for (batch, file, code) in [
        ("a", "phone,points\n0901234567,101\n0901234568,200\n", "plan_differs"),
        ("a", "phone,points\n0901234567,100\n", "plan_differs"),
        ("a", "reference,phone,points\nr1,0901234567,100\n,0901234568,200\n", "plan_differs"),
        ("b", "phone,points\n0901234567,100\n", "repeated_open"),
        ("b", "phone,points\n0901234561,100\nTổng,99\n", "file_refused"),
    ] {
        let refusal = desk.plan_with(file, &skipping(batch)).unwrap().refusal();
        assert_eq!(refusal.code, code, "{file}");
    }
    let limits = Limits { points_per_payout: Some(99), ..Limits::default() };
    let limited = Terms { limits, ..skipping("b") };
    let refusal = desk.plan_with("phone,points\n0901234561,100\n", &limited).unwrap().refusal();
    assert_eq!(refusal.code, "file_refused");
}

#[test]
fn a_row_that_is_gone_is_refused_until_it_is_paid_or_closed() {
    let mut desk = Fixture::new();
    desk.plan("a", TWO);
    let one = "phone,points\n0901234567,100\n";
    let refusal = desk.plan("a", one).refusal();
    assert!(refusal.message.contains("0 rows changed, 1 gone"), "{}", refusal.message);
    assert!(refusal.problems[0].message.contains("row 3"), "{:?}", refusal.problems);
    desk.happen("a", 3, &[Event::Cancelled]);
    assert_eq!(desk.plan("a", one), Outcome::Known);
}

#[test]
fn another_key_for_a_member_of_the_batch_is_refused_unless_it_is_meant() {
    let mut desk = Fixture::new();
    desk.plan("a", "reference,phone,points\nr1,0901234567,100\n");
    desk.credit("a", 2);
    // The reference column is lost: the same member would be paid under another key.
    let lost = "phone,points\n0901234567,100\n";
    let refusal = desk.plan("a", lost).refusal();
    assert!(refusal.problems[0].message.contains("planned as row 2"), "{:?}", refusal.problems);
    let more = "reference,phone,points\nr1,0901234567,100\nr9,0901234567,50\n";
    assert!(desk.plan("a", more).refusal().problems[0].message.contains("--allow-repeat-phones"));
    let meant = Terms { allow_repeat_phones: true, ..terms("a") };
    assert_eq!(desk.plan_with(more, &meant).unwrap(), Outcome::Planned(1, 2));
    desk.audit("a");
}

#[test]
fn a_doubled_row_is_refused_with_both_rows_unless_it_is_meant() {
    let mut desk = Fixture::new();
    let twice = "phone,points\n0901234567,100\n0901234567,100\n";
    let refusal = desk.plan("a", twice).refusal();
    assert_eq!((refusal.problems[0].row, refusal.problem_count), (Some(3), 1));
    assert!(refusal.problems[0].message.contains("row 2"), "{:?}", refusal.problems);
    assert!(desk.ledger.find_batch("a").unwrap().is_none(), "a refused plan leaves nothing");
    let meant = Terms { allow_repeat_phones: true, ..terms("a") };
    assert_eq!(desk.plan_with(twice, &meant).unwrap(), Outcome::Planned(2, 2));
    assert_eq!(desk.plan_with(twice, &meant).unwrap(), Outcome::Known);
    let references = "reference,phone,points\nr1,0901234567,100\nr1,0901234568,100\n";
    assert!(desk.plan("b", references).refusal().problems[0].message.contains("row 2"));
}

#[test]
fn a_row_that_lost_its_reference_is_not_a_second_payment_to_its_member() {
    let with_and_without = "reference,phone,points\nr1,0901234567,100\nr2,0901234568,100\n,0901234567,100\n";
    let without_first = "reference,phone,points\n,0901234567,100\nr2,0901234568,100\nr1,0901234567,200\n";
    let by_id = "phone,points,id_type,id\n0901234567,100,,\n0901234568,100,,\n,100,MOBILE,0901234567\n";
    let beside_a_card = "phone,points,id_type,id\n0901234567,100,CARD,9704\n0901234568,100,,\n0901234567,100,,\n";
    let meant = Terms { allow_repeat_phones: true, ..terms("a") };
    for file in [with_and_without, without_first, by_id, beside_a_card] {
        let mut desk = Fixture::new();
        let refusal = desk.plan("a", file).refusal();
        assert_eq!((refusal.problems[0].row, refusal.problem_count), (Some(4), 1), "{file}");
        assert!(refusal.problems[0].message.contains("row 2"), "{:?}", refusal.problems);
        assert_eq!(desk.plan_with(file, &Terms { skip_invalid: true, ..terms("a") }).unwrap(), Outcome::Planned(1, 1));
        let mut desk = Fixture::new();
        assert_eq!(desk.plan_with(file, &meant).unwrap(), Outcome::Planned(3, 3), "{file}");
        desk.audit("a");
    }
    // Two references may pay one member twice.
    let both = "reference,phone,points\nr1,0901234567,100\nr2,0901234567,100\n";
    assert_eq!(Fixture::new().plan("a", both), Outcome::Planned(2, 2));
}

#[test]
fn an_id_that_is_spelt_otherwise_is_the_same_member_in_a_file_a_batch_and_another_batch() {
    let file = |rows: &[&str]| format!("reference,id_type,id,points\n{}\n", rows.join("\n"));
    for (id_type, spelt) in [("CARD", ["9704-12ab", "9704 12AB", "970412ab"]), ("USER_ID", ["u-7 7", "U77", "u77"])] {
        let row = |reference: &str, id: &str| format!("{reference},{id_type},{id},100");
        for other in &spelt[1..] {
            let mut desk = Fixture::new();
            let refusal = desk.plan("a", &file(&[&row("", spelt[0]), &row("", other)])).refusal();
            assert!(refusal.problems[0].message.contains("row 2"), "{:?}", refusal.problems);
            assert_eq!(desk.plan("a", &file(&[&row("", spelt[0])])), Outcome::Planned(1, 1));
            desk.credit("a", 2);
            for key in ["", "r1"] {
                let amended = file(&[&row("", spelt[0]), &row(key, other)]);
                assert!(matches!(desk.plan("a", &amended), Outcome::Refused(_)), "{amended}");
                let again = desk.plan("b", &file(&[&row(key, other)])).refusal();
                assert_eq!(again.code, "repeated_credited", "{id_type} {other}");
            }
        }
    }
}

#[test]
fn what_another_batch_has_not_finished_is_never_planned_again() {
    for events in [vec![], vec![Event::SubmitIntended]] {
        let mut desk = Fixture::new();
        desk.plan("a", TWO);
        desk.happen("a", 2, &events);
        desk.credit("a", 3);
        let refusal = desk.plan("b", "phone,points\n0901234567,100\n0909999999,100\n").refusal();
        assert_eq!((refusal.code, refusal.problem_count), ("repeated_open", 1));
        // No reason changes that; another amount for the same member is another payout.
        let meant = Terms { repeat_why: Some("bonus".into()), ..terms("b") };
        assert_eq!(desk.plan_with("phone,points\n0901234567,100\n", &meant).unwrap().refusal().code, "repeated_open");
        assert_eq!(desk.plan("b", "phone,points\n0901234567,150\n"), Outcome::Planned(1, 1));
    }
}

#[test]
fn what_another_batch_credited_lately_is_asked_about_when_it_is_half_of_the_file() {
    let mut desk = Fixture::new();
    desk.plan("a", TWO);
    desk.credit("a", 2);
    desk.credit("a", 3);
    let refusal = desk.plan("b", TWO).refusal();
    assert_eq!((refusal.code, refusal.problem_count), ("repeated_credited", 2));
    assert!(refusal.problems[0].message.contains("batch a"), "{:?}", refusal.problems);
    let a_month_later = Terms { now: NOW + 30 * DAY_MS, ..terms("b") };
    assert_eq!(desk.plan_with(TWO, &a_month_later).unwrap(), Outcome::Planned(2, 2));
    let meant = Terms { repeat_why: Some("second bonus".into()), ..terms("c") };
    // Batch b has them open now, and that is never passed over.
    assert_eq!(desk.plan_with(TWO, &meant).unwrap().refusal().code, "repeated_open");
}

#[test]
fn a_batch_stays_with_its_gateway_merchant_terminal_and_prefix() {
    let mut desk = Fixture::new();
    desk.plan("a", TWO);
    desk.credit("a", 2);
    type Change = fn(&mut Binding);
    let changes: [(&str, Change); 4] = [
        ("gateway", |binding| binding.gateway_host = "api.example:443".into()),
        ("merchant_id", |binding| binding.merchant_id = "M002".into()),
        ("terminal_id", |binding| binding.terminal_id = "T002".into()),
        ("invoice_prefix", |binding| binding.invoice_prefix = InvoicePrefix::parse("XX").unwrap()),
    ];
    for (what, change) in changes {
        let mut other = terms("a");
        change(&mut other.binding);
        let error = desk.plan_with(TWO, &other).unwrap_err().to_string();
        assert!(error.contains(what), "{what}: {error}");
    }
    // The prefix is the merchant's, not the batch's.
    let mut other = terms("b");
    other.binding.invoice_prefix = InvoicePrefix::parse("XX").unwrap();
    assert!(matches!(
        desk.plan_with("phone,points\n0909999999,100\n", &other),
        Err(PlanError::Ledger(LedgerError::Bound(_)))
    ));
}

#[test]
fn limits_hold_for_the_whole_batch() {
    let mut desk = Fixture::new();
    let limited = |limits| Terms { limits, ..terms("a") };
    for (limits, expected) in [
        (Limits { points_per_payout: Some(150), ..Limits::default() }, "limits.points_per_payout"),
        (Limits { points_per_batch: Some(299), ..Limits::default() }, "limits.points_per_batch"),
        (Limits { rows_per_batch: Some(1), ..Limits::default() }, "limits.rows_per_batch"),
    ] {
        let refusal = desk.plan_with(TWO, &limited(limits)).unwrap().refusal();
        assert!(refusal.problems[0].message.contains(expected), "{:?}", refusal.problems);
    }
    let expecting = Terms { expect_rows: Some(3), ..terms("a") };
    assert!(
        desk.plan_with(TWO, &expecting).unwrap().refusal().problems[0]
            .message
            .contains("needs 3 rows, as you said, has 2")
    );
    let enough = Limits { points_per_batch: Some(300), rows_per_batch: Some(2), points_per_payout: Some(200) };
    assert_eq!(desk.plan_with(TWO, &limited(enough)).unwrap(), Outcome::Planned(2, 2));
}

#[test]
fn bad_cells_refuse_the_file_and_can_be_skipped() {
    let mut desk = Fixture::new();
    let bad = "phone,points\n0901234567,100\n090123,100\n0901234568,x\n";
    let refusal = desk.plan("a", bad).refusal();
    assert_eq!((refusal.code, refusal.problem_count), ("file_refused", 2));
    let skipping = Terms { skip_invalid: true, ..terms("a") };
    assert_eq!(desk.plan_with(bad, &skipping).unwrap(), Outcome::Planned(1, 1));
    assert_eq!(desk.ledger.batch("a").unwrap().skipped_rows, 2);
    assert_eq!(desk.plan_with(bad, &skipping).unwrap(), Outcome::Known);
    let mended = "phone,points\n0901234567,100\n0901234569,100\n0901234568,x\n";
    assert_eq!(desk.plan_with(mended, &skipping).unwrap(), Outcome::Planned(1, 2));
    assert_eq!(desk.ledger.batch("a").unwrap().skipped_rows, 1);
}

#[test]
fn all_rows_of_a_duplicate_can_be_skipped_and_none_of_them_is_paid() {
    let skipping = Terms { skip_invalid: true, ..terms("a") };
    let members = "phone,points\n0901234567,100\n0901234568,200\n901234567,300\n0901234567,400\n";
    let references = "reference,phone,points\nr1,0901234567,100\nr2,0901234568,200\n r1,0901234569,300\n";
    for (file, skipped) in [(members, 3), (references, 2)] {
        let mut desk = Fixture::new();
        assert_eq!(desk.plan_with(file, &skipping).unwrap(), Outcome::Planned(1, 1), "{file}");
        let batch = desk.ledger.batch("a").unwrap();
        assert_eq!((batch.points, batch.skipped_rows), (200, skipped), "{file}");
        assert_eq!(desk.plan_with(file, &skipping).unwrap(), Outcome::Known, "{file}");
        desk.audit("a");
        // Doubled later, a row that is still to be paid is not passed over.
        let doubled = format!("{file}{}", file.lines().nth(2).unwrap());
        let refusal = desk.plan_with(&doubled, &skipping).unwrap().refusal();
        assert!(refusal.problems[0].message.contains("or has it twice"), "{:?}", refusal.problems);
    }
    let mut desk = Fixture::new();
    let meant = Terms { allow_repeat_phones: true, ..skipping };
    assert_eq!(desk.plan_with(members, &meant).unwrap(), Outcome::Planned(4, 4));
}

#[test]
fn only_the_listed_problems_are_bounded() {
    let mut desk = Fixture::new();
    let bad: String = (0..1500).map(|_| "1,x\n").collect();
    let refusal = desk.plan("a", &format!("phone,points\n{bad}")).refusal();
    assert_eq!(refusal.problems.len(), plan::PROBLEMS_MAX);
    assert_eq!(refusal.problem_count, 3000);
}

#[test]
fn a_paid_row_under_another_key_is_not_paid_again() {
    let by_phone = "phone,points\n0901234567,1000\n";
    let by_card = "phone,points,id_type,id\n0901234567,1000,CARD,9704001\n";
    let by_reference = "phone,points,reference\n0901234567,1000,A1\n";
    let respelt = "phone,points,reference\n0901234567,1000,A-1\n";
    for (first, then) in [
        (by_phone, by_card),
        (by_card, by_phone),
        (by_phone, by_reference),
        (by_reference, by_phone),
        (by_reference, respelt),
        (by_reference, by_card),
    ] {
        for allow_repeat_phones in [false, true] {
            let mut desk = Fixture::new();
            assert_eq!(desk.plan("b", first), Outcome::Planned(1, 1));
            desk.credit("b", 2);
            let terms = Terms { allow_repeat_phones, ..terms("b") };
            let outcome = desk.plan_with(then, &terms).unwrap();
            assert!(matches!(outcome, Outcome::Refused(_)), "{first} then {then}: {outcome:?}");
        }
    }
}

#[test]
fn a_member_by_card_is_the_member_by_the_phone_beside_it_in_another_batch() {
    let mut desk = Fixture::new();
    assert_eq!(desk.plan("a", "phone,points\n0901234567,1000\n"), Outcome::Planned(1, 1));
    let by_card = "phone,points,id_type,id\n0901234567,1000,CARD,9704001\n";
    assert_eq!(desk.plan("b", by_card).refusal().code, "repeated_open");
    desk.credit("a", 2);
    assert_eq!(desk.plan("b", by_card).refusal().code, "repeated_credited");
}

#[test]
fn a_batch_with_another_one_in_its_midst_is_found_row_by_row_in_whatever_order_its_blocks_come() {
    let mut desk = Fixture::new();
    let line = |row: u32| format!("r{row},09{row:08},100\n");
    let file = |rows: &[u32]| format!("reference,phone,points\n{}", rows.iter().map(|r| line(*r)).collect::<String>());
    let rows: Vec<u32> = (1..=1_300).collect();
    assert_eq!(desk.plan("a", &file(&rows[..700])), Outcome::Planned(700, 700));
    let others: Vec<u32> = (5_001..=5_600).collect();
    assert_eq!(desk.plan("b", &file(&others)), Outcome::Planned(600, 600));
    assert_eq!(desk.plan("a", &file(&rows)), Outcome::Planned(600, 1_300));
    for turned_by in [0, 1, 700, 900, 1_299] {
        let mut again = rows.clone();
        again.rotate_left(turned_by);
        assert_eq!(desk.plan("a", &file(&again)), Outcome::Known, "{turned_by}");
        let one_changed = file(&again).replace("0900000800,100\n", "0900000800,101\n");
        assert!(desk.plan("a", &one_changed).refusal().message.contains("1 row changed, 0 gone"), "{turned_by}");
        again.remove(650);
        assert!(desk.plan("a", &file(&again)).refusal().message.contains("0 rows changed, 1 gone"), "{turned_by}");
    }
}
