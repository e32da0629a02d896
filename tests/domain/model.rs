//! Everything that can happen to one and two payouts, up to a depth, with a crash between any two steps: the whole
//! space, not a sample of it.

use crate::fixture::{Budget, Fixture, Others, Setting};
use crate::gateway_model::Repeats;
use std::collections::HashSet;

/// What was seen of a space.
#[derive(Debug, Default)]
struct Seen {
    worlds: usize,
    transitions: usize,
    /// Nothing new follows any more.
    whole: bool,
}

/// Visits every world within `depth` steps of the first. Each world is entered once: what can happen in it does not
/// depend on the way there. `heal`: lets everything heal in each of them, and sees it finish.
fn explore(setting: &Setting, others: &[Others], budget: Budget, depth: usize, heal: bool) -> Seen {
    let first = Fixture::new(setting, others, budget);
    let mut known = HashSet::from([first.key()]);
    let mut layer = vec![first];
    let mut seen = Seen::default();
    for _ in 0..depth {
        let mut next = Vec::new();
        for world in &layer {
            if heal {
                world.check_healing(setting);
            }
            for successor in world.successors(setting) {
                seen.transitions += 1;
                if known.insert(successor.key()) {
                    next.push(successor);
                }
            }
        }
        layer = next;
    }
    seen.worlds = known.len();
    seen.whole = layer.is_empty();
    seen
}

/// Restarts, persons' decisions, changes of the run's allowance.
fn budget(restarts: u8, persons: u8, turns: u8) -> Budget {
    Budget { restarts, persons, turns }
}

/// A patience so small that the whole space with several rare things in it can be seen.
fn impatient(setting: &Setting) -> Setting {
    let mut setting = setting.clone();
    let policy = &mut setting.policy;
    (policy.queries_max, policy.resends_max, policy.idle_sends_max, policy.member_checks_max) = (2, 1, 1, 1);
    setting
}

#[test]
fn the_documented_gateway_pays_nobody_twice_and_loses_no_outcome_through_any_crash() {
    let seen = explore(&Setting::documented(), &[Others::Nothing], budget(1, 0, 0), 60, true);
    println!("one payout, one crash anywhere: {seen:?}");
    assert!(seen.whole && seen.transitions > 50_000, "{seen:?}");
}

#[test]
fn persons_and_verify_keep_every_promise() {
    let impatient = impatient(&Setting::documented());
    let seen = explore(&impatient, &[Others::Nothing], budget(1, 1, 0), 60, true);
    println!("one payout, one crash, one decision: {seen:?}");
    assert!(seen.whole && seen.transitions > 20_000, "{seen:?}");
    let seen = explore(&impatient, &[Others::Nothing], budget(0, 2, 1), 9, true);
    println!("one payout, two decisions, one change of what the run allows: {seen:?}");
    assert!(seen.transitions > 5_000, "{seen:?}");
}

#[test]
fn the_settle_time_alone_keeps_a_payout_from_being_paid_twice() {
    let setting = Setting { repeats: Repeats::Applied, status_lags: false, ..Setting::documented() };
    let seen = explore(&setting, &[Others::Nothing], budget(1, 0, 0), 60, true);
    println!("a gateway that applies repeats, one crash: {seen:?}");
    assert!(seen.whole && seen.transitions > 10_000, "{seen:?}");
    let seen = explore(&impatient(&setting), &[Others::Nothing], budget(2, 0, 0), 60, true);
    println!("a gateway that applies repeats, two crashes: {seen:?}");
    assert!(seen.whole && seen.transitions > 5_000, "{seen:?}");
}

#[test]
fn the_pre_check_says_no_only_of_what_is_proven_not_credited() {
    let setting = impatient(&Setting { checkable: true, ..Setting::documented() });
    let seen = explore(&setting, &[Others::Nothing], budget(1, 0, 0), 60, true);
    println!("with a pre-check, one crash: {seen:?}");
    assert!(seen.whole && seen.transitions > 2_000, "{seen:?}");
    let seen = explore(&setting, &[Others::Nothing], budget(1, 2, 0), 8, true);
    println!("with a pre-check, one crash, two decisions: {seen:?}");
    assert!(seen.transitions > 5_000, "{seen:?}");
}

#[test]
fn without_resubmit_no_send_follows_one_of_unknown_fate() {
    let mut setting = Setting::documented();
    setting.policy.resubmit = false;
    let seen = explore(&setting, &[Others::Nothing], budget(1, 0, 0), 60, true);
    println!("resubmit off, one crash: {seen:?}");
    assert!(seen.whole && seen.transitions > 2_000, "{seen:?}");
}

#[test]
fn a_lost_ledgers_orders_are_found_and_not_paid_again() {
    let setting = impatient(&Setting { checkable: true, ..Setting::documented() });
    let seen = explore(&setting, &[Others::Credited], budget(1, 1, 1), 60, true);
    println!("after a lost ledger's credit: {seen:?}");
    assert!(seen.whole && seen.transitions > 5_000, "{seen:?}");
    let seen = explore(&setting, &[Others::Failed], budget(1, 1, 1), 10, true);
    println!("after a lost ledger's failed order: {seen:?}");
    assert!(seen.transitions > 5_000, "{seen:?}");
}

#[test]
fn two_ledgers_at_once_pay_nobody_twice() {
    let setting = Setting { checkable: true, rivals: true, status_lags: false, ..Setting::documented() };
    let seen = explore(&impatient(&setting), &[Others::Nothing], budget(0, 2, 1), 8, true);
    println!("beside a rival ledger: {seen:?}");
    assert!(seen.transitions > 5_000, "{seen:?}");
}

/// The gateway refuses a repeated number: whatever else goes wrong, that alone keeps V1.
#[test]
fn deliveries_in_duplicate_and_persons_who_err_pay_nobody_twice() {
    let setting = Setting { duplicates: true, persons_err: true, ..Setting::documented() };
    let seen = explore(&impatient(&setting), &[Others::Nothing], budget(1, 1, 0), 8, false);
    println!("duplicates, false evidence, one crash: {seen:?}");
    assert!(seen.transitions > 10_000, "{seen:?}");
}

/// Two payouts share nothing but the run's time and allowance: a number that was taken makes the run ask before the
/// other one's first send.
#[test]
fn two_payouts_at_once_keep_every_promise() {
    let setting = impatient(&Setting::documented());
    let seen = explore(&setting, &[Others::Nothing, Others::Credited], budget(1, 0, 0), 5, true);
    println!("two payouts, one crash: {seen:?}");
    assert!(seen.transitions > 10_000, "{seen:?}");
}
