//! Lists every fault by name: what it does, whether the request is applied, and on which calls it can happen.

/// One of the gateway's three calls.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Call {
    MemberInfo,
    TopUp,
    OrderStatus,
}

impl Call {
    pub(super) const ALL: [Self; 3] = [Self::MemberInfo, Self::TopUp, Self::OrderStatus];

    /// The call that a value of `X-API-Code` picks.
    pub(super) fn from_api_code(code: &[u8]) -> Option<Self> {
        match code {
            b"mi_v1_loyalty_member_info" => Some(Self::MemberInfo),
            b"mi_v1_loyalty_transaction_topup" => Some(Self::TopUp),
            b"mi_v1_loyalty_transaction_detail" => Some(Self::OrderStatus),
            _ => None,
        }
    }

    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::MemberInfo => "member_info",
            Self::TopUp => "top_up",
            Self::OrderStatus => "order_status",
        }
    }

    /// Where the call stands in a table of all three.
    pub(super) const fn place(self) -> usize {
        match self {
            Self::MemberInfo => 0,
            Self::TopUp => 1,
            Self::OrderStatus => 2,
        }
    }
}

/// What a fault does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Act {
    /// The connection is closed without an answer.
    Drop,
    /// The connection is reset without an answer.
    Reset,
    /// The head of the answer comes, then the connection is closed.
    CutAfterHead,
    /// The head and half of the body come, then the connection is closed.
    CutInBody,
    /// A complete answer whose JSON stops half-way.
    TruncatedJson,
    /// A complete answer that is no JSON.
    InvalidJson,
    /// Status 200 without a body.
    EmptyBody,
    /// Status 200 with an HTML page.
    HtmlPage,
    /// Status 403 with the challenge page of a content network.
    Challenge,
    /// An HTML error page of a content network with this status.
    ErrorPage(u16),
    /// The gateway's own answer with this code, in JSON.
    Code(i64),
    /// Status 429, with or without `Retry-After`.
    TooMany { retry_after: bool },
    /// A redirect with this status, back to the same address.
    Redirect(u16),
    /// An answer of many MiB.
    Oversized,
    /// The right answer, byte by byte.
    Trickle,
    /// A proxy delivers the same bytes twice; the client sees the second answer, which is 4010006.
    Duplicate,
    /// A proxy delivers the order twice; the client sees the second answer, which is 4000307.
    DuplicateInvoice,
    /// No answer; the top-up is delivered only after order status has said absent.
    Late,
    /// The order fails for good: no answer or code 5000, and order status says `E` from then on.
    OrderError { answered: bool },
    /// A top-up whose invoice_no is known already is refused with this code instead of 4000307.
    ResendRefused(i64),
    /// Order status says absent although the order is credited.
    StatusAbsent,
    /// Order status answers with this `status` and `type`.
    StatusOdd(&'static str, &'static str),
    /// Order status names a phone: the member's, written with 84, or another one.
    StatusPhone { own: bool },
    /// The answer is 200 / 200 without `data`.
    NoData,
    /// Member info answers with this `status` (empty: none at all).
    MemberStatus(&'static str),
    /// The right answer, late.
    Slow,
    /// The request is processed late, whether or not the client still waits.
    Delayed,
    /// The right answer, and then the idle connection is closed.
    IdleClose,
    /// Order status says absent for a while after each credit.
    Lag,
    /// A refused top-up burns its invoice_no: order status says `E`.
    RefusalBurns,
    /// Absent comes with HTTP 404 instead of 200.
    AbsentAs404,
}

impl Act {
    /// What the fault does, in a few words for a person.
    const fn in_words(self) -> &'static str {
        match self {
            Self::Drop => "the connection is closed without an answer",
            Self::Reset => "the connection is reset without an answer",
            Self::CutAfterHead => "the head of the answer, then the connection is closed",
            Self::CutInBody => "the head and half the body, then the connection is closed",
            Self::TruncatedJson => "a complete answer whose json stops half-way",
            Self::InvalidJson => "a complete answer that is no json",
            Self::EmptyBody => "status 200 without a body",
            Self::HtmlPage => "status 200 with an html page",
            Self::Challenge => "status 403 with a challenge page",
            Self::ErrorPage(_) => "an html error page with this status",
            Self::Code(_) => "an answer with this code",
            Self::TooMany { .. } => "status 429",
            Self::Redirect(_) => "a redirect back to the same address",
            Self::Oversized => "an answer of `oversized_mib`",
            Self::Trickle => "the right answer, a byte each `trickle_s`",
            Self::Duplicate => "delivered twice, the client sees the second answer: 4010006",
            Self::DuplicateInvoice => "delivered twice, the client sees the second answer: 4000307",
            Self::Late => "no answer; delivered `late_s` after order status said absent `late_asks` times",
            Self::OrderError { answered: true } => "answered 5000; order status says E from then on",
            Self::OrderError { answered: false } => "no answer; order status says E from then on",
            Self::ResendRefused(_) => "a known invoice_no is refused with this code instead of 4000307",
            Self::StatusAbsent => "order status says absent though the order is there",
            Self::StatusOdd(..) => "order status answers with another status or type",
            Self::StatusPhone { own: true } => "order status names the member's phone, as 84…",
            Self::StatusPhone { own: false } => "order status names another member's phone",
            Self::NoData => "the answer is 200 without data",
            Self::MemberStatus(_) => "member info answers without a status, or with another",
            Self::Slow => "processed at once, answered `slow_s` later",
            Self::Delayed => "processed `slow_s` later, even if the client has gone",
            Self::IdleClose => "the right answer, then the idle connection is closed",
            Self::Lag => "order status says absent `lag_asks` times, and for `lag_s`, after a credit",
            Self::RefusalBurns => "a refused top-up leaves order status E",
            Self::AbsentAs404 => "absent comes with http 404",
        }
    }
}

/// Which faults exclude each other, and how they are drawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Group {
    /// At most one of these happens to a request.
    Wire,
    /// At most one of these happens to a request, and none of them together with one of `Wire`; what they say is
    /// a refusal or nonsense, so that a client may stop for good.
    ColumnRole,
    /// At most one of these happens to a request, on top of the others.
    Pace,
    /// A trait of one order, drawn for each of them alone.
    Order,
}

/// A fault.
#[derive(Debug)]
pub(super) struct Fault {
    pub(super) name: &'static str,
    pub(super) act: Act,
    /// Whether the gateway does what the request asks for. What is not applied is not looked at either: its nonce
    /// stays unused and its signature is not verified.
    pub(super) applied: bool,
    pub(super) group: Group,
    calls: &'static [Call],
}

impl Fault {
    /// Whether the fault can happen on that call.
    pub(super) fn concerns(&self, call: Call) -> bool {
        self.calls.contains(&call)
    }

    /// The fault for a person: what it does, whether the request is applied, and which calls it concerns.
    pub(super) fn in_words(&self) -> String {
        let applied = match (self.group, self.applied) {
            (Group::Wire | Group::ColumnRole, false) => "; not applied",
            (Group::Wire, true) if self.calls == ALL => "; applied",
            (Group::Wire | Group::ColumnRole | Group::Pace | Group::Order, _) => "",
        };
        let calls = self.calls.iter().map(|call| call.name()).collect::<Vec<_>>().join(", ");
        format!("{}{applied} ({calls})", self.act.in_words())
    }
}

const ALL: &[Call] = &Call::ALL;
const TOP_UP: &[Call] = &[Call::TopUp];
const STATUS: &[Call] = &[Call::OrderStatus];
const MEMBER: &[Call] = &[Call::MemberInfo];

const fn before(name: &'static str, act: Act) -> Fault {
    Fault { name, act, applied: false, group: Group::Wire, calls: ALL }
}

const fn after(name: &'static str, act: Act) -> Fault {
    Fault { name, act, applied: true, group: Group::Wire, calls: ALL }
}

const fn of(group: Group, calls: &'static [Call], name: &'static str, act: Act) -> Fault {
    Fault { name, act, applied: true, group, calls }
}

const fn refusal(name: &'static str, code: i64) -> Fault {
    Fault { name, act: Act::Code(code), applied: false, group: Group::ColumnRole, calls: ALL }
}

/// Every fault there is. Their order is part of what a seed means: new ones go to the end of their group.
pub(super) static FAULTS: &[Fault] = &[
    before("lost_before", Act::Drop),
    after("lost_after", Act::Drop),
    before("reset_before", Act::Reset),
    after("reset_after", Act::Reset),
    before("cut_after_head", Act::CutAfterHead),
    after("cut_after_head_applied", Act::CutAfterHead),
    before("cut_in_body", Act::CutInBody),
    after("cut_in_body_applied", Act::CutInBody),
    before("truncated_json", Act::TruncatedJson),
    after("truncated_json_applied", Act::TruncatedJson),
    before("invalid_json", Act::InvalidJson),
    after("invalid_json_applied", Act::InvalidJson),
    before("empty_body", Act::EmptyBody),
    after("empty_body_applied", Act::EmptyBody),
    before("html_200", Act::HtmlPage),
    after("html_200_applied", Act::HtmlPage),
    before("challenge_403", Act::Challenge),
    after("challenge_403_applied", Act::Challenge),
    before("http_500", Act::ErrorPage(500)),
    after("http_500_applied", Act::ErrorPage(500)),
    before("http_502", Act::ErrorPage(502)),
    after("http_502_applied", Act::ErrorPage(502)),
    before("http_503", Act::ErrorPage(503)),
    after("http_503_applied", Act::ErrorPage(503)),
    before("http_504", Act::ErrorPage(504)),
    after("http_504_applied", Act::ErrorPage(504)),
    before("code_5000", Act::Code(5_000)),
    after("code_5000_applied", Act::Code(5_000)),
    before("code_5000001", Act::Code(5_000_001)),
    after("code_5000001_applied", Act::Code(5_000_001)),
    before("code_5000101", Act::Code(5_000_101)),
    after("code_5000101_applied", Act::Code(5_000_101)),
    before("unknown_code", Act::Code(7_777_777)),
    after("unknown_code_applied", Act::Code(7_777_777)),
    before("nonce_refused", Act::Code(4_010_006)),
    after("nonce_refused_applied", Act::Code(4_010_006)),
    before("oversized", Act::Oversized),
    after("oversized_applied", Act::Oversized),
    after("trickle", Act::Trickle),
    before("too_many", Act::TooMany { retry_after: false }),
    after("too_many_applied", Act::TooMany { retry_after: false }),
    before("too_many_retry_after", Act::TooMany { retry_after: true }),
    before("redirect_301", Act::Redirect(301)),
    before("redirect_302", Act::Redirect(302)),
    before("redirect_307", Act::Redirect(307)),
    before("redirect_308", Act::Redirect(308)),
    after("duplicate", Act::Duplicate),
    of(Group::Wire, TOP_UP, "duplicate_invoice", Act::DuplicateInvoice),
    of(Group::Wire, TOP_UP, "late", Act::Late),
    of(Group::Wire, TOP_UP, "order_error_500", Act::OrderError { answered: true }),
    of(Group::Wire, TOP_UP, "order_error_lost", Act::OrderError { answered: false }),
    of(Group::Wire, STATUS, "status_absent", Act::StatusAbsent),
    of(Group::ColumnRole, TOP_UP, "resend_refused_4000326", Act::ResendRefused(4_000_326)),
    of(Group::ColumnRole, TOP_UP, "resend_refused_500400", Act::ResendRefused(500_400)),
    of(Group::ColumnRole, STATUS, "status_odd", Act::StatusOdd("P", "TXN_EARN")),
    of(Group::ColumnRole, STATUS, "type_odd", Act::StatusOdd("S", "TXN_BURN")),
    of(Group::ColumnRole, STATUS, "status_no_data", Act::NoData),
    of(Group::ColumnRole, MEMBER, "member_no_data", Act::NoData),
    of(Group::ColumnRole, MEMBER, "member_no_status", Act::MemberStatus("")),
    of(Group::ColumnRole, MEMBER, "member_odd_status", Act::MemberStatus("X")),
    refusal("refuse_4000", 4_000),
    refusal("refuse_4000001", 4_000_001),
    refusal("refuse_4030302", 4_030_302),
    refusal("refuse_403100", 403_100),
    refusal("refuse_4030001", 4_030_001),
    refusal("refuse_4040201", 4_040_201),
    refusal("refuse_4010001", 4_010_001),
    refusal("refuse_4010002", 4_010_002),
    refusal("refuse_4010003", 4_010_003),
    refusal("refuse_4010004", 4_010_004),
    refusal("refuse_4010005", 4_010_005),
    refusal("refuse_500400", 500_400),
    refusal("refuse_600400", 600_400),
    of(Group::ColumnRole, STATUS, "status_phone_84", Act::StatusPhone { own: true }),
    of(Group::ColumnRole, STATUS, "status_other_phone", Act::StatusPhone { own: false }),
    of(Group::Pace, ALL, "slow", Act::Slow),
    of(Group::Pace, TOP_UP, "delayed", Act::Delayed),
    of(Group::Pace, ALL, "idle_close", Act::IdleClose),
    of(Group::Order, STATUS, "lag", Act::Lag),
    of(Group::Order, STATUS, "absent_404", Act::AbsentAs404),
    of(Group::Order, TOP_UP, "refusal_burns", Act::RefusalBurns),
];
