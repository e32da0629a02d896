//! What the tables of the tests call what an answer means.

use topup::domain::answer::{Notice, Repair};
use topup::domain::event::{Doubt, Fate, MemberAnswer, OrderAnswer, Refusal};

pub(crate) fn fate_words(fate: Fate) -> &'static str {
    match fate {
        Fate::Unsent => "unsent",
        Fate::Refused(Refusal::Member) => "refused: member",
        Fate::Refused(Refusal::Payout) => "refused: payout",
        Fate::Refused(Refusal::SetAside) => "set aside",
        Fate::Refused(Refusal::SlowDown) => "slow down",
        Fate::Credited => "credited",
        Fate::Unknown(Doubt::Unanswered) => "unknown",
        Fate::Unknown(Doubt::NumberTaken) => "number taken",
    }
}

pub(crate) fn member_words(answer: MemberAnswer) -> &'static str {
    match answer {
        MemberAnswer::Eligible => "eligible",
        MemberAnswer::Refused => "refused",
        MemberAnswer::NameDiffers => "name differs",
        MemberAnswer::NameMissing => "name missing",
        MemberAnswer::Unclear => "unclear",
        MemberAnswer::AskAgain => "ask again",
    }
}

pub(crate) fn order_words(answer: OrderAnswer) -> &'static str {
    match answer {
        OrderAnswer::Success => "success",
        OrderAnswer::Failed => "failed",
        OrderAnswer::Absent => "absent",
        OrderAnswer::Undecided => "undecided",
        OrderAnswer::OtherOrder => "other order",
        OrderAnswer::Unclear => "unclear",
        OrderAnswer::AskAgain => "ask again",
    }
}

pub(crate) fn notice_words(notice: Notice) -> &'static str {
    match notice {
        Notice::None => "-",
        Notice::CountsForBreaker => "counts",
        Notice::SlowDown { .. } => "slows down",
        Notice::StopsBatch(Repair::Merchant) => "stops: merchant",
        Notice::StopsBatch(Repair::Credentials) => "stops: credentials",
        Notice::StopsBatch(Repair::Clock) => "stops: clock",
    }
}
