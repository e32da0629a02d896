//! Random histories and random lives, longer and wilder than the exhaustive model's.

use crate::fixture::{Budget, Fixture, Others, Setting};
use crate::gateway_model::Repeats;
use crate::history::Sends;
use proptest::prelude::*;
use proptest::sample::{Index, select};
use std::time::Duration;
use topup::domain::event::{Doubt, Event, Fate, MemberAnswer, OrderAnswer, Refusal};
use topup::domain::payout_process::{PayoutProcess, Permissions, Policy, RunTime, Step};
use topup::domain::payout_status::{PayoutStatus, State};

/// Steps of one random life.
const STEPS: usize = 100;

fn any_event() -> impl Strategy<Value = Event> {
    let members = select(vec![
        MemberAnswer::Eligible,
        MemberAnswer::Refused,
        MemberAnswer::NameDiffers,
        MemberAnswer::NameMissing,
        MemberAnswer::Unclear,
        MemberAnswer::AskAgain,
    ]);
    let orders = select(vec![
        OrderAnswer::Success,
        OrderAnswer::Failed,
        OrderAnswer::Absent,
        OrderAnswer::Undecided,
        OrderAnswer::OtherOrder,
        OrderAnswer::Unclear,
        OrderAnswer::AskAgain,
    ]);
    let fates = select(vec![
        Fate::Unsent,
        Fate::Refused(Refusal::Member),
        Fate::Refused(Refusal::Payout),
        Fate::Refused(Refusal::SetAside),
        Fate::Refused(Refusal::SlowDown),
        Fate::Credited,
        Fate::Unknown(Doubt::Unanswered),
        Fate::Unknown(Doubt::NumberTaken),
    ]);
    let persons = select(vec![
        Event::Retried,
        Event::Released { name: None },
        Event::Released { name: Some("An".to_owned()) },
        Event::Cancelled,
        Event::AttestedCredited,
        Event::AttestedNotCredited,
    ]);
    prop_oneof![
        2 => members.prop_map(Event::MemberAnswered),
        3 => orders.prop_map(Event::OrderAnswered),
        4 => Just(Event::SubmitIntended),
        4 => fates.prop_map(Event::SendEnded),
        2 => persons,
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1_000))]

    /// Whatever is offered in whatever order: what the core takes keeps the invariants, and what it refuses leaves
    /// the history as it was.
    #[test]
    fn whatever_happens_in_whatever_order_the_state_is_what_the_history_implies(
        offered in prop::collection::vec(any_event(), 1..60),
    ) {
        let (mut standing, mut history) = (PayoutStatus::default(), Vec::new());
        let mut sends = Sends::default();
        for event in offered {
            let before = standing.clone();
            let Ok(after) = standing.clone().after(&event) else { continue };
            sends = sends.after(&event, RunTime::ZERO, RunTime::ZERO, Duration::ZERO);
            history.push(event.clone());
            prop_assert_eq!(PayoutStatus::from_history(&history), Ok(after.clone()));
            prop_assert_eq!(sends.objection_to(before.state, after.state), None, "{:?}", history);
            if event == Event::SubmitIntended {
                let resent = before.doubtful > 0;
                prop_assert!(!resent || (before.absent && before.taken == 0 && !before.failed), "{:?}", history);
                prop_assert_eq!(after.state, State::InDoubt);
            }
            if after.attempt != before.attempt {
                prop_assert!(before.failed && after.attempt == before.attempt + 1, "{:?}", history);
            }
            standing = after;
        }
    }

    /// No allowance, no patience and no moment makes a finished payout want a call, or an unsettled one a send.
    #[test]
    fn a_new_run_never_begins_with_a_send_of_a_number_in_doubt(
        offered in prop::collection::vec(any_event(), 1..40),
        (submits, query_first, checkable) in any::<(bool, bool, bool)>(),
        now_s in 0_u64..1_000,
    ) {
        let mut standing = PayoutStatus::default();
        for event in offered {
            standing = standing.clone().after(&event).unwrap_or(standing);
        }
        let policy = Setting::documented().policy;
        let now = Duration::from_secs(now_s);
        let step = PayoutProcess::new(standing.clone(), checkable).step(&policy, Permissions { submits, query_first }, now);
        match standing.state {
            State::Planned => prop_assert!(submits || step == Step::Rest, "{step:?}"),
            State::InDoubt => prop_assert_eq!(step, Step::QueryStatus),
            State::Credited | State::Declined | State::Ineligible | State::Held | State::Cancelled => {
                prop_assert_eq!(step, Step::Rest);
            }
        }
        let first_send = standing.state == State::Planned && !checkable && !query_first && standing.objection.is_none();
        prop_assert!(step != Step::Submit || first_send, "{standing:?}");
    }
}

/// The gateway has its whole time from the last moment at which the send can have reached it, in this run and after a kill.
#[test]
fn an_absence_proves_nothing_before_the_gateway_had_its_time_with_what_came_last() {
    let s = Duration::from_secs;
    let policy = Policy { settle: s(60), late: s(48), ..Setting::documented().policy };
    let events = [(Event::SubmitIntended, 0), (Event::SendEnded(Fate::Unknown(Doubt::Unanswered)), 30)];
    let sent = events.iter().fold(PayoutProcess::new(PayoutStatus::default(), false), |process, (event, at)| {
        process.take(event, &policy, s(*at), s(*at), 0.0).unwrap()
    });
    let killed = PayoutProcess::new(sent.standing().clone(), false);
    for (process, ended_s) in [(sent, 30), (killed, 0)] {
        for (asked_s, resent) in [(61, false), (107, false), (108, true)] {
            let at = s(ended_s + asked_s);
            let asked = process.clone().take(&Event::OrderAnswered(OrderAnswer::Absent), &policy, at, at, 0.0).unwrap();
            assert_eq!(asked.may_resend(&policy), resent, "{asked_s} s after {ended_s} s");
        }
    }
}

/// It is set aside, and not held back with those that wait to be let out: whoever tries one of these alone when the gateway
/// answers again would go on without a trial where nobody else is left.
#[test]
fn what_the_gateway_sets_aside_is_set_aside_also_while_nothing_may_leave() {
    let policy = Setting::documented().policy;
    let mut course = PayoutProcess::new(PayoutStatus::default(), false);
    for event in [Event::SubmitIntended, Event::SendEnded(Fate::Refused(Refusal::SetAside))] {
        course = course.take(&event, &policy, Duration::ZERO, Duration::ZERO, 0.0).unwrap();
    }
    for submits in [true, false] {
        let step = course.step(&policy, Permissions { submits, query_first: false }, Duration::from_secs(60));
        assert_eq!(step, Step::SetAside, "{submits}");
    }
}

/// Lives one random life, and lets everything heal at its end.
fn live(setting: &Setting, others: &[Others], choices: &[Index]) -> Fixture {
    let budget = Budget { restarts: 6, persons: 6, turns: 2 };
    let mut world = Fixture::new(setting, others, budget);
    for choice in choices {
        let mut next = world.successors(setting);
        if next.is_empty() {
            break;
        }
        world = next.swap_remove(choice.index(next.len()));
    }
    world
}

fn choices() -> impl Strategy<Value = Vec<Index>> {
    prop::collection::vec(any::<Index>(), STEPS)
}

fn any_patience() -> impl Strategy<Value = Policy> {
    (2_u32..6, 0_u32..4, 1_u32..4, any::<bool>()).prop_map(|(queries_max, resends_max, tries_max, resubmit)| Policy {
        queries_max,
        resends_max,
        resubmit,
        member_checks_max: tries_max,
        idle_sends_max: tries_max,
        ..Setting::documented().policy
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(100))]

    #[test]
    fn long_lives_at_the_documented_gateway_keep_every_promise(
        policy in any_patience(),
        checkable in any::<bool>(),
        others in select(vec![Others::Nothing, Others::Credited, Others::Failed]),
        choices in choices(),
    ) {
        let setting = Setting { policy, checkable, ..Setting::documented() };
        live(&setting, &[others, Others::Nothing], &choices).check_healing(&setting);
    }

    #[test]
    fn long_lives_at_a_gateway_that_applies_repeats_keep_every_promise(
        policy in any_patience(),
        checkable in any::<bool>(),
        choices in choices(),
    ) {
        let setting =
            Setting { policy, checkable, repeats: Repeats::Applied, status_lags: false, ..Setting::documented() };
        live(&setting, &[Others::Nothing], &choices).check_healing(&setting);
    }

    /// Everything at once: ledgers out of backups, rivals, second deliveries, false evidence. V1 alone is promised.
    #[test]
    fn ledgers_out_of_backups_and_rivals_and_false_evidence_pay_nobody_twice(
        policy in any_patience(),
        checkable in any::<bool>(),
        choices in choices(),
    ) {
        let setting = Setting {
            policy,
            checkable,
            duplicates: true,
            persons_err: true,
            restores: true,
            rivals: true,
            ..Setting::documented()
        };
        live(&setting, &[Others::Nothing, Others::Nothing], &choices);
    }
}
