//! Says what every answer of the gateway means: one total function per call.
//!
//! Source of each line: VinID top-up API, "error codes" of the three calls and the common error codes. What is not
//! listed there is never guessed to be harmless: for a top-up it is a send of unknown fate.

use super::event::{Doubt, Fate, MemberAnswer, OrderAnswer, Refusal};
use super::name::{is_no_name, same_name};
use super::payout::TopUp;
use super::statement::ShownPhone;

/// Every `meta.code` that the gateway's documentation lists for the three calls, and those common to all.
///
/// What each means is decided below; what people are told of each is `report`'s, which checks itself against this list.
pub const CODES: [i64; 31] = [
    200, 429, 4_000, 5_000, 200_300, 200_301, 200_400, 403_100, 500_400, 600_400, 600_500, 600_600, 4_000_001,
    4_000_306, 4_000_307, 4_000_315, 4_000_318, 4_000_326, 4_000_328, 4_010_001, 4_010_002, 4_010_003, 4_010_004,
    4_010_005, 4_010_006, 4_030_001, 4_030_302, 4_040_001, 4_040_201, 5_000_001, 5_000_101,
];

/// What came of one HTTP call, as far as the transport can tell.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reply {
    /// No byte of the request can have left: the name did not resolve, or the connection was never made.
    Unsent,
    /// The request may have arrived; no whole answer came back.
    Lost,
    /// A whole HTTP answer came back, whatever it holds.
    Answered(Answer),
}

impl Reply {
    /// The answer, if a whole one came back.
    #[must_use]
    pub fn answer(&self) -> Option<&Answer> {
        match self {
            Self::Answered(answer) => Some(answer),
            Self::Unsent | Self::Lost => None,
        }
    }
}

/// A whole HTTP answer.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Answer {
    /// The HTTP status.
    pub http: u16,
    /// `meta.code`; `None` where the body holds none that can be read.
    pub code: Option<i64>,
    /// `data`, as far as any call uses it.
    pub data: AnswerData,
    /// `data` holds anything at all. A top-up's answer has none (VinID top-up API, "response").
    pub has_data: bool,
    /// The header `Retry-After`, in seconds.
    pub retry_after_s: Option<u64>,
    /// The header `Date`, in Unix seconds.
    pub date_unix_s: Option<i64>,
}

/// What is kept of an answer's `data`. Of a member's data, birthday and gender are never read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AnswerData {
    /// Member info: `A`, `I` or `B`. Order status: `S` or `E`.
    pub status: Option<String>,
    /// Member info: `A` or `I`.
    pub card_status: Option<String>,
    /// Member info: the member's name.
    pub full_name: Option<String>,
    /// Order status: `TXN_EARN`.
    pub order_type: Option<String>,
    /// Order status: the phone, should the gateway ever repeat it.
    pub phone: Option<String>,
    /// Order status: the points, should the gateway ever repeat them.
    pub points: Option<i64>,
}

/// What an answer means beyond the payout that it was given for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Notice {
    /// It concerns this payout alone.
    None,
    /// It may be our own fault or the campaign's: several of them in a row stop the batch.
    CountsForBreaker,
    /// The whole run goes too fast.
    SlowDown {
        /// How long the gateway asks us to wait, in seconds.
        retry_after_s: Option<u64>,
    },
    /// No further call of this batch can succeed before a person repaired something.
    StopsBatch(Repair),
}

/// What a person has to repair before the batch can go on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Repair {
    /// Key code, key, signature or nonce.
    Credentials,
    /// The merchant or terminal is unknown, not active, or has no right to the call.
    Merchant,
    /// This machine's clock.
    Clock,
}

/// What a top-up's reply means: the fate of the send, and what else follows.
#[must_use]
pub fn top_up_meaning(reply: &Reply) -> (Fate, Notice) {
    let answer = match reply {
        Reply::Unsent => return (Fate::Unsent, Notice::None),
        Reply::Lost => return (Fate::Unknown(Doubt::Unanswered), Notice::None),
        Reply::Answered(answer) => answer,
    };
    // A top-up's answer has no `data`: one that does belongs to another request, and says nothing of this one.
    if answer.has_data {
        return (Fate::Unknown(Doubt::Unanswered), common_notice(answer).unwrap_or(Notice::None));
    }
    if let Some(notice) = common_notice(answer) {
        let fate = match notice {
            // Without a code of the gateway's own it may be anybody's answer: the gateway may have credited behind it.
            Notice::SlowDown { .. } if !is_refusal_for_speed(answer) => Fate::Unknown(Doubt::Unanswered),
            Notice::SlowDown { .. } => Fate::Refused(Refusal::SlowDown),
            Notice::None | Notice::CountsForBreaker | Notice::StopsBatch(_) => Fate::Refused(Refusal::SetAside),
        };
        return (fate, notice);
    }
    match (answer.http, answer.code) {
        (200, Some(200)) => (Fate::Credited, Notice::None),
        (200, Some(4_000_306 | 4_000_326 | 4_000_315 | 4_000_318)) => (Fate::Refused(Refusal::Member), Notice::None),
        (200, Some(4_000_328 | 600_500 | 600_600)) => (Fate::Refused(Refusal::Payout), Notice::None),
        (200, Some(500_400)) | (400, Some(4_000)) => (Fate::Refused(Refusal::Payout), Notice::CountsForBreaker),
        (200, Some(4_000_307)) => (Fate::Unknown(Doubt::NumberTaken), Notice::None),
        // 4010006 among them: somebody delivered these very bytes before.
        _ => (Fate::Unknown(Doubt::Unanswered), Notice::None),
    }
}

/// What member info's reply means for a payout that expects `name` behind the member (`None`: not compared).
#[must_use]
pub fn member_meaning(reply: &Reply, name: Option<&str>) -> (MemberAnswer, Notice) {
    let answer = match reply {
        Reply::Unsent | Reply::Lost => return (MemberAnswer::AskAgain, Notice::None),
        Reply::Answered(answer) => answer,
    };
    if let Some(notice) = common_notice(answer) {
        return (unless_slowed(notice, MemberAnswer::Unclear, MemberAnswer::AskAgain), notice);
    }
    match (answer.http, answer.code) {
        (200, Some(200)) => member_status_meaning(&answer.data, name),
        (200, Some(200_300 | 200_301 | 200_400)) => (MemberAnswer::Refused, Notice::None),
        (400, Some(4_000)) => (MemberAnswer::Unclear, Notice::CountsForBreaker),
        _ => (MemberAnswer::AskAgain, Notice::None),
    }
}

fn member_status_meaning(data: &AnswerData, name: Option<&str>) -> (MemberAnswer, Notice) {
    match (data.status.as_deref(), data.card_status.as_deref()) {
        (Some("A"), Some("A")) => {
            let found = data.full_name.as_deref().unwrap_or_default();
            let answer = match name {
                None => MemberAnswer::Eligible,
                Some(expected) if same_name(expected, found) => MemberAnswer::Eligible,
                Some(_) if is_no_name(found) => MemberAnswer::NameMissing,
                Some(_) => MemberAnswer::NameDiffers,
            };
            (answer, Notice::None)
        }
        (Some("A" | "I" | "B"), Some("A" | "I")) => (MemberAnswer::Refused, Notice::None),
        _ => (MemberAnswer::Unclear, Notice::CountsForBreaker),
    }
}

/// What order status's reply means for the top-up that was asked about.
#[must_use]
pub fn order_meaning(reply: &Reply, top_up: &TopUp) -> (OrderAnswer, Notice) {
    let answer = match reply {
        Reply::Unsent | Reply::Lost => return (OrderAnswer::AskAgain, Notice::None),
        Reply::Answered(answer) => answer,
    };
    if let Some(notice) = common_notice(answer) {
        return (unless_slowed(notice, OrderAnswer::Unclear, OrderAnswer::AskAgain), notice);
    }
    match (answer.http, answer.code) {
        (200, Some(200)) => (order_status_meaning(&answer.data, top_up), Notice::None),
        (200 | 404, Some(4_040_001)) => (OrderAnswer::Absent, Notice::None),
        (400, Some(4_000)) => (OrderAnswer::Unclear, Notice::CountsForBreaker),
        _ => (OrderAnswer::AskAgain, Notice::None),
    }
}

fn order_status_meaning(data: &AnswerData, top_up: &TopUp) -> OrderAnswer {
    let shown = data.phone.as_deref().filter(|shown| !shown.is_empty());
    let same_phone = match (shown, top_up.member.phone()) {
        (Some(shown), Some(expected)) => ShownPhone::read(shown).is_some_and(|shown| shown.fits(expected)),
        (Some(_), None) | (None, _) => true,
    };
    let same_points = data.points.is_none_or(|found| found == i64::from(top_up.points.value()));
    let is_top_up = data.order_type.as_deref() == Some("TXN_EARN");
    match data.status.as_deref().filter(|status| !status.is_empty()) {
        None => OrderAnswer::Unclear,
        Some(_) if !same_phone || !same_points => OrderAnswer::OtherOrder,
        Some("S") if is_top_up => OrderAnswer::Success,
        Some("E") if is_top_up => OrderAnswer::Failed,
        Some(_) => OrderAnswer::Undecided,
    }
}

/// What sets a top-up aside, stops the batch or slows the run, on whichever call it is answered.
fn common_notice(answer: &Answer) -> Option<Notice> {
    // Whoever says 429, or names a time with 503, is to be obeyed, the gateway or what stands in front of it. What
    // became of the request is another question.
    if answer.http == 429 || (answer.http == 503 && answer.retry_after_s.is_some()) {
        return Some(Notice::SlowDown { retry_after_s: answer.retry_after_s });
    }
    Some(match (answer.http, answer.code?) {
        (200, 600_400 | 4_000_001) => Notice::CountsForBreaker,
        (200, 4_030_302) | (403, 403_100) | (_, 4_030_001 | 4_040_201) => Notice::StopsBatch(Repair::Merchant),
        (_, 4_010_001 | 4_010_005) => Notice::StopsBatch(Repair::Credentials),
        (_, 4_010_002..=4_010_004) => Notice::StopsBatch(Repair::Clock),
        _ => return None,
    })
}

/// Whether the gateway itself says that it did nothing, since it was asked too fast: a 429 with a code of its own.
///
/// One that claims success, knows the number or nonce already, or failed within, contradicts itself: something may
/// have been done, and a contradiction is never taken for a refusal.
fn is_refusal_for_speed(answer: &Answer) -> bool {
    let may_have_acted = matches!(answer.code, Some(200 | 4_000_307 | 4_010_006 | 5_000 | 5_000_001 | 5_000_101));
    answer.http == 429 && !may_have_acted && answer.code.is_some_and(|code| CODES.contains(&code))
}

fn unless_slowed<T>(notice: Notice, unclear: T, ask_again: T) -> T {
    match notice {
        Notice::SlowDown { .. } => ask_again,
        Notice::None | Notice::CountsForBreaker | Notice::StopsBatch(_) => unclear,
    }
}
