//! The operator's own limits, once a plan is sealed: a raised one holds nothing back, a lowered one what is above it.

use super::fixture::{Fixture, Outcome, TWO, terms, under};
use topup::ledger::{Access, Ledger, LedgerError, Purpose, Settings, Under};
use topup::plan::{Limits, Terms};

/// The limits of rows, of points and of points in one payout, as a configuration says them.
fn set(limits: [Option<u64>; 3]) -> Settings {
    let names = ["limits.rows_per_batch", "limits.points_per_batch", "limits.points_per_payout"];
    let value = |limit: Option<u64>| limit.map_or_else(|| "none".to_owned(), |limit| limit.to_string());
    Settings::new(names.into_iter().zip(limits).map(|(name, limit)| (name.to_owned(), value(limit))).collect())
}

fn under_limits(limits: [Option<u64>; 3]) -> Terms {
    let [rows_per_batch, points_per_batch, points_per_payout] = limits;
    let own = Limits { points_per_payout, points_per_batch, rows_per_batch };
    Terms { limits: own, settings: set(limits), ..terms("a") }
}

/// Begins to pay the batch under other limits.
fn started(desk: &Fixture, limits: [Option<u64>; 3]) -> Result<(), LedgerError> {
    let ledger = Ledger::open(&desk.path(), Access::Write).unwrap();
    let batch = ledger.batch("a").unwrap();
    ledger.into_run(batch.id, &Under { settings: set(limits), ..under(&batch, Purpose::Pay) })?.close()
}

#[test]
fn a_limit_that_was_raised_or_taken_away_holds_nothing_back() {
    let mut desk = Fixture::new();
    let tight = [Some(2), Some(300), Some(200)];
    assert_eq!(desk.plan_with(TWO, &under_limits(tight)).unwrap(), Outcome::Planned(2, 2));
    for raised in [tight, [Some(3), Some(301), Some(201)], [None, Some(300), None], [None; 3]] {
        started(&desk, raised).unwrap();
        assert_eq!(desk.plan_with(TWO, &under_limits(raised)).unwrap(), Outcome::Known, "{raised:?}");
    }
    // Also for the rows that an amended file adds.
    let three = format!("{TWO}0901234569,500\n");
    assert_eq!(desk.plan_with(&three, &under_limits([None; 3])).unwrap(), Outcome::Planned(1, 3));
    desk.audit("a");
}

#[test]
fn a_limit_that_was_lowered_refuses_what_is_above_it_and_nothing_else() {
    let mut desk = Fixture::new();
    assert_eq!(desk.plan_with(TWO, &under_limits([None, Some(1000), None])).unwrap(), Outcome::Planned(2, 2));
    started(&desk, [Some(2), Some(300), Some(200)]).unwrap();
    for (lowered, named) in [
        ([Some(1), None, None], "needs at most 1 row (limits.rows_per_batch), has 2"),
        ([None, Some(299), None], "needs at most 299 points (limits.points_per_batch), has 300"),
        ([None, None, Some(199)], "needs at most 199 points in one payout (limits.points_per_payout), has 200"),
    ] {
        let refused = started(&desk, lowered).unwrap_err();
        assert!(matches!(refused, LedgerError::OverLimit { .. }), "{refused:?}");
        assert!(refused.to_string().contains(named), "{refused}");
        assert_eq!(desk.plan_with(TWO, &under_limits(lowered)).unwrap().refusal().code, "file_refused");
    }
    // What is paid is nobody's to hold back.
    desk.credit("a", 3);
    started(&desk, [None, None, Some(199)]).unwrap();
    desk.credit("a", 2);
    started(&desk, [Some(1), Some(1), Some(1)]).unwrap();
    assert_eq!(desk.plan_with(TWO, &under_limits([None, None, Some(99)])).unwrap(), Outcome::Known);
}

/// What was planned under a higher limit does not slip through when an amended file seals the batch under a lower one.
#[test]
fn an_amended_file_is_held_to_the_lower_limit_with_all_its_rows() {
    let mut desk = Fixture::new();
    desk.plan_with(TWO, &under_limits([None; 3])).unwrap();
    let refusal = desk.plan_with(&format!("{TWO}0901234569,50\n"), &under_limits([None, None, Some(199)])).unwrap();
    let problems = refusal.refusal().problems;
    assert_eq!(problems.iter().map(|problem| problem.row).collect::<Vec<_>>(), [Some(3)], "{problems:?}");
    assert!(problems[0].message.contains("needs at most 199 points (limits.points_per_payout)"), "{problems:?}");
}
