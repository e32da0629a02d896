//! Says why a payout stands as it does, in English and Vietnamese: one text for every code of the gateway, and one
//! for everything that comes without a code.

use super::lang::Lang;
use crate::domain::event::{Event, Fate, MemberAnswer, OrderAnswer, Refusal};
use crate::domain::payout_status::State;
use crate::ledger::{Decided, Outcome};
use std::borrow::Cow;

/// Why a payout stands as it does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Reason {
    /// The gateway's code.
    Code(i64),
    /// Nothing was tried yet, or a person planned it again.
    Waiting,
    /// The run ended before the send did.
    Unended,
    /// No answer came back.
    NoAnswer,
    /// An answer came back that holds no code; its HTTP status.
    NoCode(u16),
    /// The request never left.
    Unsent,
    /// The gateway asked us to go slower.
    SlowDown,
    /// Order status `E`.
    OrderFailed,
    /// Order status neither `S` nor `E`.
    OrderUndecided,
    /// Member info: member or card is not active.
    MemberInactive,
    /// Member info: another name.
    NameDiffers,
    /// Member info: no name.
    NameMissing,
    /// A person closed it.
    Cancelled,
    /// A person knows that nothing was credited.
    AttestedNotCredited,
}

impl Reason {
    /// The reason of a payout; `None` for a credited one, which needs none.
    #[must_use]
    pub fn of(outcome: &Outcome<'_>) -> Option<Self> {
        Some(match (outcome.state, &outcome.decided) {
            (State::Credited, _) => return None,
            (State::InDoubt, None) => Self::Unended,
            (_, None) => Self::Waiting,
            (_, Some(decided)) => Self::of_decided(decided),
        })
    }

    fn of_decided(decided: &Decided) -> Self {
        let without_code = [
            (Event::SendEnded(Fate::Unsent), Self::Unsent),
            (Event::SendEnded(Fate::Refused(Refusal::SlowDown)), Self::SlowDown),
            (Event::OrderAnswered(OrderAnswer::Failed), Self::OrderFailed),
            (Event::OrderAnswered(OrderAnswer::Undecided), Self::OrderUndecided),
            (Event::MemberAnswered(MemberAnswer::NameDiffers), Self::NameDiffers),
            (Event::MemberAnswered(MemberAnswer::NameMissing), Self::NameMissing),
            (Event::Cancelled, Self::Cancelled),
            (Event::AttestedNotCredited, Self::AttestedNotCredited),
        ];
        if let Some((_, reason)) = without_code.into_iter().find(|(event, _)| *event == decided.event) {
            return reason;
        }
        let is_member = decided.event == Event::MemberAnswered(MemberAnswer::Refused);
        match (code(decided), decided.http) {
            (Some(code), _) => Self::Code(code),
            (None, Some(_)) if is_member => Self::MemberInactive,
            (None, Some(http)) => Self::NoCode(http),
            (None, None) => Self::NoAnswer,
        }
    }

    /// The reason in words.
    #[must_use]
    pub fn text(self, lang: Lang) -> Cow<'static, str> {
        let (en, vi) = match self {
            Self::Code(code) => {
                return code_text(code, lang).map_or_else(|| Cow::Owned(unknown_code(code, lang)), Cow::Borrowed);
            }
            Self::NoCode(http) => {
                return Cow::Owned(lang.pick(
                    format!("the answer held no code (HTTP {http})"),
                    format!("câu trả lời không có mã (HTTP {http})"),
                ));
            }
            Self::Waiting => ("not sent yet", "chưa gửi"),
            Self::Unended => ("the run ended before an answer came", "chương trình dừng trước khi có câu trả lời"),
            Self::NoAnswer => ("no answer came back", "không nhận được câu trả lời"),
            Self::Unsent => ("the request never left this machine", "yêu cầu chưa rời khỏi máy này"),
            Self::SlowDown => ("the gateway asked to go slower", "cổng yêu cầu gửi chậm lại"),
            Self::OrderUndecided => (
                "order status gives a status that is neither S nor E",
                "trạng thái đơn hàng không phải S cũng không phải E",
            ),
            Self::OrderFailed => ("the order failed (order status E)", "đơn hàng thất bại (trạng thái E)"),
            Self::MemberInactive => ("member or card is not active", "hội viên hoặc thẻ không ở trạng thái hoạt động"),
            Self::NameDiffers => ("the member has another name", "hội viên mang tên khác"),
            Self::NameMissing => ("the gateway gives no name of the member", "cổng không cho biết tên hội viên"),
            Self::Cancelled => ("a person closed it", "đã được hủy theo yêu cầu của người vận hành"),
            Self::AttestedNotCredited => {
                ("a person attested that nothing was credited", "người vận hành xác nhận chưa cộng điểm")
            }
        };
        Cow::Borrowed(lang.pick(en, vi))
    }
}

/// The code that decided; 200 decides nothing.
pub(super) fn code(decided: &Decided) -> Option<i64> {
    decided.code.filter(|code| *code != 200)
}

/// What a person or the gateway said in their own words, beside the reason; of a name that differs, the member's name.
pub(super) fn own_words(decided: &Decided) -> Option<&str> {
    let is_kept = [
        Event::MemberAnswered(MemberAnswer::NameDiffers),
        // It names the status.
        Event::OrderAnswered(OrderAnswer::Undecided),
    ]
    .contains(&decided.event);
    // "OK" beside an inactive member or a failed order would mislead.
    let said = decided.note.as_deref().filter(|_| is_kept || decided.code != Some(200));
    decided.why.as_deref().or(said).filter(|text| !text.is_empty())
}

fn unknown_code(code: i64, lang: Lang) -> String {
    lang.pick(
        format!("the gateway answered {code}, which its documentation does not list"),
        format!("cổng trả lời mã {code}, không có trong tài liệu"),
    )
}

/// The text of a documented code.
#[must_use]
pub fn code_text(code: i64, lang: Lang) -> Option<&'static str> {
    let (en, vi) = code_of_payout(code).or_else(|| code_of_set_up(code))?;
    Some(lang.pick(en, vi))
}

/// Codes that speak of the member, the payout or its order.
fn code_of_payout(code: i64) -> Option<(&'static str, &'static str)> {
    Some(match code {
        200 => ("the gateway said OK", "cổng trả lời thành công"),
        200_300 | 4_000_306 => {
            ("the member's card is not activated or is blocked", "thẻ của hội viên chưa kích hoạt hoặc đã bị khóa")
        }
        200_301 | 4_000_326 => (
            "the member's account is not activated or is blocked",
            "tài khoản của hội viên chưa kích hoạt hoặc đã bị khóa",
        ),
        200_400 | 4_000_315 => ("the member does not exist", "hội viên không tồn tại"),
        4_000_318 => ("the member is a potential risk", "hội viên có nguy cơ rủi ro"),
        4_000_328 => ("over the limit of a receipt", "vượt hạn mức của hóa đơn"),
        600_500 => ("over a limit", "vượt hạn mức cho phép"),
        600_600 => ("the transaction is not valid", "giao dịch không hợp lệ"),
        500_400 => ("the point balance is not sufficient", "số dư điểm không đủ"),
        4_000_307 => ("the gateway knows this invoice_no already", "cổng đã có invoice_no này"),
        600_400 => (
            "the campaign is not available, or its points are used up",
            "chương trình không khả dụng, hoặc đã vượt số điểm cho phép",
        ),
        4_000 => ("the gateway takes the request for malformed", "cổng cho rằng yêu cầu không hợp lệ"),
        4_040_001 => ("the gateway does not know the order", "cổng không có đơn hàng này"),
        _ => return None,
    })
}

/// Codes that speak of merchant, credentials, clock, or the gateway itself.
fn code_of_set_up(code: i64) -> Option<(&'static str, &'static str)> {
    Some(match code {
        4_000_001 => {
            ("merchant, terminal or request data is not valid", "merchant, terminal hoặc dữ liệu không hợp lệ")
        }
        4_030_302 => (
            "merchant or terminal was not found or is not active",
            "không tìm thấy merchant hoặc terminal, hoặc chưa hoạt động",
        ),
        403_100 => ("merchant or terminal is not valid", "merchant hoặc terminal không hợp lệ"),
        4_030_001 => ("the merchant has no right to this call", "merchant không có quyền dùng chức năng này"),
        4_040_201 => ("the merchant does not exist", "merchant không tồn tại"),
        4_010_001 => (
            "authentication failed: key code, nonce, signature or time",
            "xác thực thất bại: mã khóa, nonce, chữ ký hoặc thời gian",
        ),
        4_010_002 => ("the time of the request is not a number", "thời gian của yêu cầu không phải là số"),
        4_010_003 => ("the time of the request is in the future", "thời gian của yêu cầu nằm ở tương lai"),
        4_010_004 => ("the request came too late", "yêu cầu đến quá trễ"),
        4_010_005 => ("the nonce is malformed", "nonce không đúng định dạng"),
        4_010_006 => ("the nonce was used before", "nonce đã được dùng"),
        429 => ("too many requests", "quá nhiều yêu cầu"),
        5_000 | 5_000_001 | 5_000_101 => ("the gateway had a system error", "cổng gặp lỗi hệ thống"),
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::answer::{Answer, CODES, Reply, member_meaning, order_meaning, top_up_meaning};
    use crate::domain::invoice_no::InvoiceNo;
    use crate::domain::member::Member;
    use crate::domain::payout::TopUp;
    use crate::domain::phone::PhoneNumber;
    use crate::domain::points::Points;

    #[test]
    fn every_documented_code_has_a_text_in_both_languages_and_no_other_has() {
        for code in CODES {
            let [en, vi] = Lang::ALL.map(|lang| code_text(code, lang).unwrap_or_else(|| panic!("{code} has no text")));
            assert_ne!(en, vi, "{code}");
            for text in [en, vi] {
                assert!(!text.is_empty() && !text.ends_with('.'), "{text}");
            }
        }
        for code in (0..700_000).chain(3_999_000..5_010_000).filter(|code| !CODES.contains(code)) {
            assert_eq!(code_text(code, Lang::En), None, "{code}");
        }
    }

    /// The list is complete: a code that the program treats unlike one that nobody documented is on it.
    #[test]
    fn every_code_that_means_something_is_listed() {
        let top_up = TopUp {
            invoice_no: InvoiceNo::parse("TP0").unwrap(),
            member: Member::Phone(PhoneNumber::parse("0901234567").unwrap()),
            points: Points::new(50).unwrap(),
            send_sms: true,
            receipt: None,
        };
        let meanings = |http, code| {
            let reply = Reply::Answered(Answer { http, code: Some(code), ..Answer::default() });
            (top_up_meaning(&reply), member_meaning(&reply, None), order_meaning(&reply, &top_up))
        };
        for http in [200, 400, 403, 404, 429, 500] {
            let undocumented = meanings(http, 1);
            for code in (2..10_000).chain(200_000..201_000).chain(400_000..700_000).chain(4_000_000..4_050_000) {
                assert!(meanings(http, code) == undocumented || CODES.contains(&code), "{code} is not listed");
            }
        }
    }

    #[test]
    fn what_has_no_code_has_a_text_too() {
        let reasons = [
            Reason::Waiting,
            Reason::Unended,
            Reason::NoAnswer,
            Reason::NoCode(502),
            Reason::Unsent,
            Reason::SlowDown,
            Reason::OrderFailed,
            Reason::OrderUndecided,
            Reason::MemberInactive,
            Reason::NameDiffers,
            Reason::NameMissing,
            Reason::Cancelled,
            Reason::AttestedNotCredited,
            Reason::Code(77),
        ];
        for reason in reasons {
            assert_ne!(reason.text(Lang::En), reason.text(Lang::Vi), "{reason:?}");
        }
        assert!(Reason::Code(77).text(Lang::Vi).contains("77"));
    }
}
