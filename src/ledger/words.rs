//! Spells events as the two words that the ledger keeps of them, and reads them back.

use super::error::LedgerError;
use super::record::BatchEvent;
use crate::domain::approval::Actor;
use crate::domain::event::{Doubt, Event, Fate, MemberAnswer, OrderAnswer, Refusal};
use crate::domain::payout_status::State;

/// Who did something, and how that is known: by a signature, by a name that is only claimed, or by the account that the
/// system gives.
pub(super) fn actor_word(actor: &Actor, is_signed: bool) -> String {
    match (actor, is_signed) {
        (Actor::Person(name), true) => format!("signature:{name}"),
        (Actor::Person(name), false) => format!("name:{name}"),
        (Actor::System(account), _) => format!("account:{account}"),
    }
}

/// The words of one event: kind and detail.
pub(super) fn words_of(event: &Event) -> (&'static str, Option<&'static str>) {
    match event {
        Event::MemberAnswered(answer) => ("member_answered", Some(member_word(*answer))),
        Event::OrderAnswered(answer) => ("order_answered", Some(order_word(*answer))),
        Event::SubmitIntended => ("submit_intended", None),
        Event::SendEnded(fate) => ("send_ended", Some(fate_word(*fate))),
        Event::Retried => ("retried", None),
        Event::Released { .. } => ("released", None),
        Event::Cancelled => ("cancelled", None),
        Event::AttestedCredited => ("attested", Some("credited")),
        Event::AttestedNotCredited => ("attested", Some("not_credited")),
    }
}

fn member_word(answer: MemberAnswer) -> &'static str {
    match answer {
        MemberAnswer::Eligible => "eligible",
        MemberAnswer::Refused => "refused",
        MemberAnswer::NameDiffers => "name_differs",
        MemberAnswer::NameMissing => "name_missing",
        MemberAnswer::Unclear => "unclear",
        MemberAnswer::AskAgain => "ask_again",
    }
}

fn order_word(answer: OrderAnswer) -> &'static str {
    match answer {
        OrderAnswer::Success => "success",
        OrderAnswer::Failed => "failed",
        OrderAnswer::Absent => "absent",
        OrderAnswer::Undecided => "undecided",
        OrderAnswer::OtherOrder => "other_order",
        OrderAnswer::Unclear => "unclear",
        OrderAnswer::AskAgain => "ask_again",
    }
}

fn fate_word(fate: Fate) -> &'static str {
    match fate {
        Fate::Unsent => "unsent",
        Fate::Refused(Refusal::Member) => "refused_member",
        Fate::Refused(Refusal::Payout) => "refused_payout",
        Fate::Refused(Refusal::SetAside) => "set_aside",
        Fate::Refused(Refusal::SlowDown) => "slow_down",
        Fate::Credited => "credited",
        Fate::Unknown(Doubt::Unanswered) => "unknown",
        Fate::Unknown(Doubt::NumberTaken) => "number_taken",
    }
}

/// The word of a batch's event, and its note.
pub(super) fn batch_words_of(event: &BatchEvent) -> (&'static str, Option<&str>) {
    match event {
        BatchEvent::Planned(note) => ("batch_planned", Some(note)),
        BatchEvent::RunStarted(note) => ("run_started", Some(note)),
        BatchEvent::RunEnded(note) => ("run_ended", Some(note)),
        BatchEvent::GatewayAhead(invoice_no) => ("gateway_ahead", Some(invoice_no.as_str())),
        BatchEvent::CanaryConfirmed => ("canary_confirmed", None),
        BatchEvent::RepeatAccepted(why) => ("repeat_accepted", Some(why)),
        BatchEvent::Proposal { kind, note } => (kind, Some(note)),
    }
}

/// Reads an event back; `note` is the accepted name of a release.
pub(super) fn event_of(kind: &str, detail: Option<&str>, note: Option<String>) -> Result<Event, LedgerError> {
    if kind == "released" {
        return Ok(Event::Released { name: note });
    }
    all_events()
        .find(|event| words_of(event) == (kind, detail))
        .ok_or_else(|| LedgerError::Broken(format!("no event is called {kind:?} {detail:?}")))
}

/// Whether an event explains that a payout ended in a state unpaid. A member's answer does, not the order status that
/// confirms it. Of payouts that are planned or in doubt more than the kind of event decides.
pub(super) fn explains(state: State, event: &Event) -> bool {
    match state {
        State::Declined => matches!(
            event,
            Event::SendEnded(Fate::Refused(Refusal::Member | Refusal::Payout))
                | Event::OrderAnswered(OrderAnswer::Failed)
                | Event::AttestedNotCredited
        ),
        State::Ineligible => *event == Event::MemberAnswered(MemberAnswer::Refused),
        State::Held => {
            matches!(event, Event::MemberAnswered(MemberAnswer::NameDiffers | MemberAnswer::NameMissing))
        }
        State::Cancelled => *event == Event::Cancelled,
        State::Planned | State::InDoubt | State::Credited => false,
    }
}

/// Every event that a payout can have, a release without a name.
pub(super) fn all_events() -> impl Iterator<Item = Event> {
    let members = [
        MemberAnswer::Eligible,
        MemberAnswer::Refused,
        MemberAnswer::NameDiffers,
        MemberAnswer::NameMissing,
        MemberAnswer::Unclear,
        MemberAnswer::AskAgain,
    ];
    let orders = [
        OrderAnswer::Success,
        OrderAnswer::Failed,
        OrderAnswer::Absent,
        OrderAnswer::Undecided,
        OrderAnswer::OtherOrder,
        OrderAnswer::Unclear,
        OrderAnswer::AskAgain,
    ];
    let fates = [
        Fate::Unsent,
        Fate::Refused(Refusal::Member),
        Fate::Refused(Refusal::Payout),
        Fate::Refused(Refusal::SetAside),
        Fate::Refused(Refusal::SlowDown),
        Fate::Credited,
        Fate::Unknown(Doubt::Unanswered),
        Fate::Unknown(Doubt::NumberTaken),
    ];
    let others = [
        Event::SubmitIntended,
        Event::Retried,
        Event::Released { name: None },
        Event::Cancelled,
        Event::AttestedCredited,
        Event::AttestedNotCredited,
    ];
    (members.into_iter().map(Event::MemberAnswered))
        .chain(orders.into_iter().map(Event::OrderAnswered))
        .chain(fates.into_iter().map(Event::SendEnded))
        .chain(others)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn every_event_reads_back_as_itself() {
        let mut words = BTreeSet::new();
        for event in all_events() {
            let (kind, detail) = words_of(&event);
            assert!(words.insert((kind, detail)), "two events are called {kind} {detail:?}");
            assert_eq!(event_of(kind, detail, None).unwrap(), event);
        }
        assert_eq!(words.len(), 27);
        let released = Event::Released { name: Some("Nguyễn Văn An".into()) };
        let (kind, detail) = words_of(&released);
        assert_eq!(event_of(kind, detail, Some("Nguyễn Văn An".into())).unwrap(), released);
    }

    #[test]
    fn words_that_no_event_has_are_a_broken_ledger() {
        for (kind, detail) in [
            ("", None),
            ("submit_intended", Some("credited")),
            ("send_ended", None),
            ("send_ended", Some("absent")),
            ("Send_ended", Some("credited")),
            ("run_started", None),
        ] {
            let problem = event_of(kind, detail, None).unwrap_err();
            assert!(matches!(problem, LedgerError::Broken(_)), "{kind} {detail:?}: {problem}");
        }
    }
}
