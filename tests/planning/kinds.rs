//! What the rows of a file are to the batch: each kind counted, refusals with batch, day and row.

use super::fixture::{Fixture, Outcome, TWO, terms};
use topup::domain::event::Event;
use topup::domain::payout_status::State;
use topup::ledger::Size;
use topup::plan::{RowKinds, Terms};

#[test]
fn every_row_is_counted_as_what_it_is_to_the_batch() {
    let mut desk = Fixture::new();
    let header = "reference,phone,points\n";
    let planned: String = (1..=6).map(|row| format!("r{row},090000000{row},{row}00\n")).collect();
    assert_eq!(desk.plan("a", &format!("{header}{planned}")), Outcome::Planned(6, 6));
    desk.credit("a", 2);
    desk.happen("a", 3, &[Event::SubmitIntended]);
    desk.credit("a", 6);
    // r1 and r2 as planned, r3 with other points, r4 and r5 gone, r6 as planned.
    let known = "r1,0900000001,100\nr2,0900000002,200\nr3,0900000003,333\nr6,0900000006,600\n";
    let others = "n1,0900000011,50\nn1,0900000012,50\nn2,0900000001,70\nn3,09,70\n";
    let file = format!("{header}{known}{others}");
    let kinds = desk.kinds(&file, &terms("a"));
    let rows = |rows, points| Size { rows, points };
    assert_eq!(kinds.new, rows(1, 50));
    assert_eq!(
        [State::Credited, State::InDoubt, State::Planned].map(|state| kinds.known.of(state)),
        [rows(1, 100), rows(1, 200), rows(1, 600)]
    );
    assert_eq!((kinds.changed.of(State::Planned), kinds.changed.all()), (rows(1, 300), rows(1, 300)));
    assert_eq!([State::Planned, State::Credited].map(|state| kinds.gone.of(state)), [rows(1, 400), rows(1, 500)]);
    assert_eq!((kinds.doubled, kinds.another_key, kinds.to_correct, kinds.skipped), (1, 1, 1, 0));
    let skipping = desk.kinds(&file, &Terms { skip_invalid: true, ..terms("a") });
    assert_eq!(skipping, RowKinds { new: rows(0, 0), doubled: 0, to_correct: 0, skipped: 3, ..kinds });
}

#[test]
fn a_row_that_only_its_member_and_points_give_away_is_counted_once() {
    let mut desk = Fixture::new();
    desk.plan("a", "reference,phone,points\nr1,0901234567,100\n");
    desk.credit("a", 2);
    let lost = "phone,points\n0901234567,100\n0901234568,200\n";
    for allow_repeat_phones in [false, true] {
        let kinds = desk.kinds(lost, &Terms { allow_repeat_phones, ..terms("a") });
        assert_eq!((kinds.new, kinds.another_key), (Size { rows: 1, points: 200 }, 1), "{allow_repeat_phones}");
    }
}

#[test]
fn what_another_batch_has_too_is_counted_and_named_with_batch_day_and_row() {
    let mut desk = Fixture::new();
    desk.plan("a", TWO);
    desk.credit("a", 2);
    desk.happen("a", 3, &[Event::SubmitIntended]);
    let open = desk.plan("b", "phone,points\n0901234568,200\n").refusal();
    assert_eq!(open.problems[0].message, "same member and points as row 3 of batch a (begun on 2027-01-15), in doubt");
    assert_eq!(open.kinds.unwrap().repeated, 1);
    let paid = desk.plan("b", "phone,points\n0901234567,100\n").refusal();
    let expected = "same member and points as row 2 of batch a (begun on 2027-01-15), credited on 2027-01-15";
    assert_eq!(paid.problems[0].message, expected);
    let few = desk.kinds("phone,points\n0901234567,100\n0901234561,1000\n0901234562,1000\n", &terms("b"));
    assert_eq!((few.new.rows, few.repeated), (3, 1), "fewer than half are said, and pass");
    let changed = desk.plan("a", "phone,points\n0901234567,101\n0901234568,200\n").refusal();
    assert!(changed.message.contains("batch a, begun on 2027-01-15"), "{}", changed.message);
    let message = &changed.problems[0].message;
    assert_eq!(message, "was planned as row 2 with 100 points, now 101, and is credited on 2027-01-15");
}

/// A file that comes again is compared page by page along the plan: over the edges of pages, with rows gone, new, turned
/// round and given twice, each is still found for what it is.
#[test]
fn a_long_file_that_comes_again_in_pieces_is_found_row_by_row() {
    let mut desk = Fixture::new();
    let line = |row: u32| format!("r{row},09{row:08},100\n");
    let file =
        |rows: &[u32]| format!("reference,phone,points\n{}", rows.iter().map(|row| line(*row)).collect::<String>());
    let planned: Vec<u32> = (1..=1_300).collect();
    assert_eq!(desk.plan("a", &file(&planned)), Outcome::Planned(1_300, 1_300));
    let mut again: Vec<u32> = planned.iter().copied().filter(|row| !(500..=530).contains(row)).collect();
    again[600..].reverse();
    again.insert(505, 9_000);
    again.push(7);
    let kinds = desk.kinds(&file(&again), &terms("a"));
    assert_eq!(kinds.new, Size { rows: 1, points: 100 });
    assert_eq!(kinds.known.of(State::Planned), Size { rows: 1_269, points: 126_900 });
    assert_eq!(kinds.gone.of(State::Planned), Size { rows: 31, points: 3_100 });
    assert_eq!((kinds.doubled, kinds.changed.all()), (1, Size::default()));
}
