//! Spells events as the two words that the ledger keeps of them, and reads them back.

use super::error::LedgerError;
use crate::domain::event::{Doubt, Event, Fate, MemberAnswer, OrderAnswer, Refusal};

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
        MemberAnswer::Unclear => "unclear",
        MemberAnswer::AskAgain => "ask_again",
    }
}

fn order_word(answer: OrderAnswer) -> &'static str {
    match answer {
        OrderAnswer::Success => "success",
        OrderAnswer::Failed => "failed",
        OrderAnswer::Absent => "absent",
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

/// Reads an event back; `note` is the accepted name of a release.
pub(super) fn event_of(kind: &str, detail: Option<&str>, note: Option<String>) -> Result<Event, LedgerError> {
    if kind == "released" {
        return Ok(Event::Released { name: note });
    }
    all_events()
        .find(|event| words_of(event) == (kind, detail))
        .ok_or_else(|| LedgerError::Broken(format!("no event is called {kind:?} {detail:?}")))
}

/// Every event that a payout can have, a release without a name.
pub(super) fn all_events() -> impl Iterator<Item = Event> {
    let members = [
        MemberAnswer::Eligible,
        MemberAnswer::Refused,
        MemberAnswer::NameDiffers,
        MemberAnswer::Unclear,
        MemberAnswer::AskAgain,
    ];
    let orders =
        [OrderAnswer::Success, OrderAnswer::Failed, OrderAnswer::Absent, OrderAnswer::Unclear, OrderAnswer::AskAgain];
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
