//! What follows when each event happens to a payout in each standing, as one table to be read.

use std::fmt::Write as _;
use topup::domain::event::{Doubt, Event, Fate, MemberAnswer, OrderAnswer, Refusal};
use topup::domain::payout_status::{PayoutStatus, PreCheckVerdict};

const ORDERS: [OrderAnswer; 7] = [
    OrderAnswer::Success,
    OrderAnswer::Failed,
    OrderAnswer::Absent,
    OrderAnswer::Undecided,
    OrderAnswer::OtherOrder,
    OrderAnswer::Unclear,
    OrderAnswer::AskAgain,
];

#[test]
fn each_event_in_each_standing_leads_where_the_table_says() {
    let mut table = String::new();
    for (name, history) in standings() {
        let standing = PayoutStatus::from_history(&history).unwrap();
        writeln!(table, "{name}\n    is {}", words(&standing)).unwrap();
        let mut impossible = Vec::new();
        for event in events() {
            match standing.clone().after(&event) {
                Ok(after) if after == standing => writeln!(table, "    {:32} -", event_words(&event)).unwrap(),
                Ok(after) => writeln!(table, "    {:32} {}", event_words(&event), words(&after)).unwrap(),
                Err(_) => impossible.push(event),
            }
        }
        writeln!(table, "    impossible: {}\n", families(&impossible)).unwrap();
    }
    insta::assert_snapshot!(table);
}

#[test]
fn what_is_impossible_names_the_standing_and_the_event() {
    let problem = PayoutStatus::default().after(&Event::SendEnded(Fate::Credited)).unwrap_err();
    assert_eq!(problem.event, Event::SendEnded(Fate::Credited));
    let message = problem.to_string();
    assert!(message.starts_with("SendEnded(Credited) cannot follow PayoutStatus {"), "{message}");
}

#[test]
fn a_number_that_the_gateway_knows_is_never_sent_again_whatever_a_person_attested() {
    let absent = || order(OrderAnswer::Absent);
    let history = [intent(), ended(Fate::Unknown(Doubt::NumberTaken)), absent(), Event::AttestedNotCredited, absent()];
    let standing = PayoutStatus::from_history(&history).unwrap();
    assert!(standing.clone().after(&Event::Retried).is_err());
    // An E burns the number, and another one is minted.
    let failed = standing.after(&order(OrderAnswer::Failed)).unwrap();
    assert_eq!(failed.after(&Event::Retried), Ok(PayoutStatus::planned(2)));
}

#[test]
fn an_order_that_turns_up_after_an_absence_takes_back_retry_and_release() {
    for no in [MemberAnswer::Refused, MemberAnswer::NameDiffers] {
        for turned_up in [OrderAnswer::Success, OrderAnswer::Failed] {
            let history = [Event::MemberAnswered(no), order(OrderAnswer::Absent), order(turned_up)];
            let standing = PayoutStatus::from_history(&history).unwrap();
            // An E uses the number up: only another one leads on.
            let wish = if no == MemberAnswer::Refused { Event::Retried } else { Event::Released { name: None } };
            let (failed, wished) = (turned_up == OrderAnswer::Failed, standing.clone().after(&wish));
            assert_eq!(wished.map(|wished| wished.attempt).ok(), failed.then_some(2), "{no:?}, {turned_up:?}");
            // Nor does another absence give the number back.
            let absent_again = standing.after(&order(OrderAnswer::Absent)).unwrap();
            assert!(absent_again.after(&wish).is_err(), "{no:?}, {turned_up:?}");
        }
    }
}

#[test]
fn no_decision_rests_on_anything_but_an_answer_that_came_just_before_it() {
    let lost = || vec![intent(), ended(Fate::Unknown(Doubt::Unanswered))];
    let refused = || vec![intent(), ended(Fate::Refused(Refusal::Payout))];
    let unsent = || vec![intent(), ended(Fate::Unsent)];
    let no = |answer| vec![Event::MemberAnswered(answer), order(OrderAnswer::Absent)];
    let allowing = [OrderAnswer::Absent, OrderAnswer::Undecided];
    let unpaid = [OrderAnswer::Absent, OrderAnswer::Failed];
    for (what, history, wish, allowing) in [
        ("attest", lost(), Event::AttestedCredited, allowing),
        ("attest", lost(), Event::AttestedNotCredited, allowing),
        ("retry", refused(), Event::Retried, unpaid),
        ("retry", no(MemberAnswer::Refused), Event::Retried, unpaid),
        ("release", no(MemberAnswer::NameDiffers), Event::Released { name: None }, unpaid),
        ("cancel", unsent(), Event::Cancelled, unpaid),
    ] {
        let standing = PayoutStatus::from_history(&history).unwrap();
        let stale = [Event::MemberAnswered(MemberAnswer::Eligible), Event::SubmitIntended];
        assert!(standing.asks_first(&wish), "{what}");
        for answer in ORDERS {
            let asked = standing.clone().after(&order(answer)).unwrap();
            assert_eq!(asked.clone().after(&wish).is_ok(), allowing.contains(&answer), "{what} after {answer:?}");
            for later in stale.iter().filter_map(|event| asked.clone().after(event).ok()) {
                assert!(later.after(&wish).is_err(), "{what} on an answer that something followed");
            }
        }
        let unasked = PayoutStatus { answer: None, ..standing };
        assert!(unasked.after(&wish).is_err(), "{what} without an answer");
    }
    assert!(PayoutStatus::default().after(&Event::Cancelled).is_ok(), "never sent");
}

#[test]
fn a_credit_is_recovered_only_where_no_send_of_this_ledger_explains_it() {
    let lost = || [intent(), ended(Fate::Unknown(Doubt::Unanswered))];
    let taken = || [intent(), ended(Fate::Unknown(Doubt::NumberTaken))];
    let (absent, success) = (order(OrderAnswer::Absent), order(OrderAnswer::Success));
    for (what, history, recovered) in [
        ("never sent", vec![success.clone()], true),
        ("refused, then found", vec![intent(), ended(Fate::Refused(Refusal::SetAside)), success.clone()], true),
        ("the number was taken", [&taken()[..], std::slice::from_ref(&success)].concat(), true),
        ("credited by the send", vec![intent(), ended(Fate::Credited)], false),
        ("credited by the open send", vec![intent(), success.clone()], false),
        ("credited by the lost send", [&lost()[..], std::slice::from_ref(&success)].concat(), false),
        ("by the first of two", [&lost()[..], &[absent], &taken(), &[success]].concat(), false),
    ] {
        assert_eq!(PayoutStatus::from_history(&history).unwrap().recovered(), recovered, "{what}");
    }
}

/// Histories that lead to each standing worth telling apart.
fn standings() -> Vec<(&'static str, Vec<Event>)> {
    let lost = || vec![intent(), ended(Fate::Unknown(Doubt::Unanswered))];
    let absent = order(OrderAnswer::Absent);
    let no = |answer| vec![Event::MemberAnswered(answer)];
    let with = |mut history: Vec<Event>, more: &[Event]| {
        history.extend_from_slice(more);
        history
    };
    let taken = ended(Fate::Unknown(Doubt::NumberTaken));
    vec![
        ("planned, never sent", vec![]),
        ("planned, member refused by the pre-check", no(MemberAnswer::Refused)),
        ("planned, another name found by the pre-check", no(MemberAnswer::NameDiffers)),
        (
            "planned, after sends that did nothing",
            vec![intent(), ended(Fate::Unsent), intent(), ended(Fate::Refused(Refusal::SetAside))],
        ),
        ("planned again under a second number", vec![order(OrderAnswer::Failed), Event::Retried]),
        ("in doubt, the send is open", vec![intent()]),
        ("in doubt, the send ended without an answer", lost()),
        ("in doubt, absent since", with(lost(), std::slice::from_ref(&absent))),
        ("in doubt, the second send is open", with(lost(), &[absent.clone(), intent()])),
        ("in doubt, the second send was taken", with(lost(), &[absent.clone(), intent(), taken.clone()])),
        ("in doubt, the only send was taken", vec![intent(), taken.clone()]),
        ("in doubt, the only send was taken, absent since", vec![intent(), taken, absent.clone()]),
        ("credited by its send", vec![intent(), ended(Fate::Credited)]),
        ("declined, the member was refused", vec![intent(), ended(Fate::Refused(Refusal::Member))]),
        (
            "declined, the payout was refused, absent since",
            vec![intent(), ended(Fate::Refused(Refusal::Payout)), absent.clone()],
        ),
        ("declined, the order failed", with(lost(), &[order(OrderAnswer::Failed)])),
        ("declined, attested as not credited", with(lost(), &[absent.clone(), Event::AttestedNotCredited])),
        ("ineligible", with(no(MemberAnswer::Refused), std::slice::from_ref(&absent))),
        ("held", with(no(MemberAnswer::NameDiffers), &[absent])),
        ("cancelled", vec![Event::Cancelled]),
    ]
}

fn events() -> Vec<Event> {
    let members = [
        MemberAnswer::Eligible,
        MemberAnswer::Refused,
        MemberAnswer::NameDiffers,
        MemberAnswer::NameMissing,
        MemberAnswer::Unclear,
        MemberAnswer::AskAgain,
    ];
    let fates = [
        Fate::Credited,
        Fate::Unsent,
        Fate::Refused(Refusal::Member),
        Fate::Refused(Refusal::Payout),
        Fate::Refused(Refusal::SetAside),
        Fate::Refused(Refusal::SlowDown),
        Fate::Unknown(Doubt::Unanswered),
        Fate::Unknown(Doubt::NumberTaken),
    ];
    let persons = [
        Event::Retried,
        Event::Released { name: Some("An".to_owned()) },
        Event::Cancelled,
        Event::AttestedCredited,
        Event::AttestedNotCredited,
    ];
    let calls = members.into_iter().map(Event::MemberAnswered).chain(ORDERS.map(Event::OrderAnswered));
    calls.chain([intent()]).chain(fates.map(Event::SendEnded)).chain(persons).collect()
}

fn intent() -> Event {
    Event::SubmitIntended
}

fn ended(fate: Fate) -> Event {
    Event::SendEnded(fate)
}

fn order(answer: OrderAnswer) -> Event {
    Event::OrderAnswered(answer)
}

/// Events in few words: a kind of which every one is among them is named once.
fn families(events_in: &[Event]) -> String {
    let kind_of = |event: &Event| event_words(event).split(':').next().unwrap_or_default().to_owned();
    let count = |all: &[Event], kind: &str| all.iter().filter(|event| kind_of(event) == kind).count();
    let mut words: Vec<String> = Vec::new();
    for event in events_in {
        let kind = kind_of(event);
        let whole = count(events_in, &kind) == count(&events(), &kind);
        let word = if whole { kind } else { event_words(event) };
        if !words.contains(&word) {
            words.push(word);
        }
    }
    words.join(", ")
}

/// The event as `{:?}` names it, without the names of the enums' layers.
fn event_words(event: &Event) -> String {
    match event {
        Event::MemberAnswered(answer) => format!("member info: {answer:?}"),
        Event::OrderAnswered(answer) => format!("order status: {answer:?}"),
        Event::SendEnded(Fate::Refused(refusal)) => format!("send ended: refused, {refusal:?}"),
        Event::SendEnded(Fate::Unknown(doubt)) => format!("send ended: unknown, {doubt:?}"),
        Event::SendEnded(fate) => format!("send ended: {fate:?}"),
        Event::Released { .. } => "Released".to_owned(),
        Event::SubmitIntended
        | Event::Retried
        | Event::Cancelled
        | Event::AttestedCredited
        | Event::AttestedNotCredited => format!("{event:?}"),
    }
}

/// The state, and the facts beside it that are not as at the beginning.
fn words(standing: &PayoutStatus) -> String {
    let PayoutStatus {
        state,
        attempt,
        sends,
        doubtful,
        taken,
        resends,
        open,
        absent,
        failed,
        answer,
        objection,
        accepted_name,
    } = standing;
    let mut facts = vec![state.word().to_owned()];
    for (name, count) in [("sends", sends), ("doubtful", doubtful), ("taken", taken), ("resends", resends)]
        .into_iter()
        .filter(|c| *c.1 > 0)
    {
        facts.push(format!("{name} {count}"));
    }
    for (name, holds) in [("open", open), ("absent", absent), ("failed", failed)] {
        facts.extend(holds.then(|| name.to_owned()));
    }
    facts.extend(answer.map(|answer| format!("just answered {answer:?}")));
    facts.extend((*attempt > 1).then(|| format!("attempt {attempt}")));
    facts.extend(objection.map(|objection| match objection {
        PreCheckVerdict::Refused => "objection: refused".to_owned(),
        PreCheckVerdict::NameDiffers => "objection: name".to_owned(),
        PreCheckVerdict::NameMissing => "objection: no name".to_owned(),
    }));
    facts.extend(accepted_name.as_ref().map(|name| format!("accepts {name:?}")));
    facts.extend(standing.recovered().then(|| "recovered".to_owned()));
    facts.join(", ")
}
