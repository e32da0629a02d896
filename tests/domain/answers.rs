//! Every line of the gateway's error-code tables, and what stands in none of them.

use super::words::{fate_words, member_words, notice_words, order_words};
use std::collections::BTreeMap;
use topup::domain::answer::{Answer, AnswerData, Notice, Reply, member_meaning, order_meaning, top_up_meaning};
use topup::domain::event::{Doubt, Fate, MemberAnswer, OrderAnswer, Refusal};
use topup::domain::invoice_no::InvoiceNo;
use topup::domain::member::Member;
use topup::domain::payout::TopUp;
use topup::domain::phone::PhoneNumber;
use topup::domain::points::Points;

/// HTTP status, `meta.code`, fate of the send, what else follows. `any`: whatever the HTTP status.
const TOP_UP: &str = "
    200 | 200     | credited         | -
    200 | 4000306 | refused: member  | -
    200 | 4000326 | refused: member  | -
    200 | 4000315 | refused: member  | -
    200 | 4000318 | refused: member  | -
    200 | 4000328 | refused: payout  | -
    200 | 600500  | refused: payout  | -
    200 | 600600  | refused: payout  | -
    200 | 500400  | refused: payout  | counts
    200 | 4000307 | number taken     | -
    200 | 600400  | set aside        | counts
    200 | 4000001 | set aside        | counts
    200 | 4030302 | set aside        | stops: merchant
    400 | 4000    | refused: payout  | counts
    403 | 403100  | set aside        | stops: merchant
    any | 4030001 | set aside        | stops: merchant
    any | 4040201 | set aside        | stops: merchant
    any | 4010001 | set aside        | stops: credentials
    any | 4010002 | set aside        | stops: clock
    any | 4010003 | set aside        | stops: clock
    any | 4010004 | set aside        | stops: clock
    any | 4010005 | set aside        | stops: credentials
    any | 4010006 | unknown          | -
    500 | 5000    | unknown          | -
    500 | 5000001 | unknown          | -
    500 | 5000101 | unknown          | -
";

/// As above, for member info. What an eligible answer takes beside its code is tested apart.
const MEMBER_INFO: &str = "
    200 | 200300  | refused   | -
    200 | 200301  | refused   | -
    200 | 200400  | refused   | -
    400 | 4000    | unclear   | counts
    200 | 600400  | unclear   | counts
    200 | 4000001 | unclear   | counts
    200 | 4030302 | unclear   | stops: merchant
    403 | 403100  | unclear   | stops: merchant
    any | 4030001 | unclear   | stops: merchant
    any | 4040201 | unclear   | stops: merchant
    any | 4010001 | unclear   | stops: credentials
    any | 4010002 | unclear   | stops: clock
    any | 4010003 | unclear   | stops: clock
    any | 4010004 | unclear   | stops: clock
    any | 4010005 | unclear   | stops: credentials
    any | 4010006 | ask again | -
";

/// As above, for order status.
const ORDER_STATUS: &str = "
    200 | 4040001 | absent    | -
    404 | 4040001 | absent    | -
    400 | 4000    | unclear   | counts
    200 | 600400  | unclear   | counts
    200 | 4000001 | unclear   | counts
    200 | 4030302 | unclear   | stops: merchant
    403 | 403100  | unclear   | stops: merchant
    any | 4030001 | unclear   | stops: merchant
    any | 4040201 | unclear   | stops: merchant
    any | 4010001 | unclear   | stops: credentials
    any | 4010002 | unclear   | stops: clock
    any | 4010003 | unclear   | stops: clock
    any | 4010004 | unclear   | stops: clock
    any | 4010005 | unclear   | stops: credentials
    any | 4010006 | ask again | -
";

/// Statuses that a gateway, a proxy or a content network answers with.
const HTTP: [u16; 24] = [
    100, 200, 201, 202, 204, 206, 301, 302, 303, 307, 308, 400, 401, 403, 404, 408, 409, 418, 500, 502, 503, 504, 520,
    599,
];

/// Codes that stand in no table, or in another call's, beside those of the tables above.
const OTHER_CODES: [i64; 24] = [
    i64::MIN,
    -200,
    -1,
    0,
    1,
    100,
    201,
    400,
    403,
    404,
    429,
    500,
    4_001,
    5_000,
    4_000_308,
    4_000_314,
    4_000_327,
    4_000_329,
    600_401,
    4_010_000,
    4_010_007,
    40_003_070,
    200_200,
    i64::MAX,
];

#[test]
fn each_line_of_the_top_up_table_holds_and_whatever_stands_in_none_is_unknown() {
    check(TOP_UP, |reply| {
        let (fate, notice) = top_up_meaning(reply);
        (fate_words(fate).to_owned(), notice)
    });
    for (http, code) in outside_of(TOP_UP) {
        let found = top_up_meaning(&answered(http, code));
        assert_eq!(found, (Fate::Unknown(Doubt::Unanswered), Notice::None), "HTTP {http}, code {code:?}");
    }
}

#[test]
fn each_line_of_the_member_info_table_holds_and_whatever_stands_in_none_is_asked_again() {
    check(MEMBER_INFO, |reply| {
        let (answer, notice) = member_meaning(reply, None);
        (member_words(answer).to_owned(), notice)
    });
    for (http, code) in outside_of(MEMBER_INFO).filter(|pair| *pair != (200, Some(200))) {
        let found = member_meaning(&answered(http, code), None);
        assert_eq!(found, (MemberAnswer::AskAgain, Notice::None), "HTTP {http}, code {code:?}");
    }
}

#[test]
fn each_line_of_the_order_status_table_holds_and_whatever_stands_in_none_is_asked_again() {
    check(ORDER_STATUS, |reply| {
        let (answer, notice) = order_meaning(reply, &top_up());
        (order_words(answer).to_owned(), notice)
    });
    for (http, code) in outside_of(ORDER_STATUS).filter(|pair| *pair != (200, Some(200))) {
        let found = order_meaning(&answered(http, code), &top_up());
        assert_eq!(found, (OrderAnswer::AskAgain, Notice::None), "HTTP {http}, code {code:?}");
    }
}

#[test]
fn data_that_looks_like_success_never_speaks_for_a_code_that_does_not() {
    for (http, code) in outside_of(ORDER_STATUS).filter(|pair| *pair != (200, Some(200))) {
        let reply = with_data(http, code, order_data("TXN_EARN", "S"));
        assert_eq!(order_meaning(&reply, &top_up()).0, OrderAnswer::AskAgain, "HTTP {http}, code {code:?}");
        let (fate, _) = top_up_meaning(&reply);
        assert!(fate != Fate::Credited, "HTTP {http}, code {code:?}");
        let reply = with_data(http, code, member_data(Some("A"), Some("A")));
        assert!(member_meaning(&reply, None).0 != MemberAnswer::Eligible, "HTTP {http}, code {code:?}");
    }
}

#[test]
fn a_429_slows_the_run_down_and_refuses_only_with_a_code_of_the_gateways_own() {
    let unknown = Fate::Unknown(Doubt::Unanswered);
    let refused = Fate::Refused(Refusal::SlowDown);
    for (code, fate) in [
        (Some(429), refused),
        (Some(4_000), refused),
        (Some(4_000_306), refused),
        (Some(600_400), refused),
        (Some(4_010_001), refused),
        // Anybody in front of the gateway can say 429, and the gateway may have credited behind it.
        (None, unknown),
        (Some(0), unknown),
        (Some(400), unknown),
        (Some(4_290_001), unknown),
        // Success, "number taken", "nonce already recorded" and a failure say that something may have been done.
        (Some(200), unknown),
        (Some(4_000_307), unknown),
        (Some(4_010_006), unknown),
        (Some(5_000), unknown),
        (Some(5_000_001), unknown),
        (Some(5_000_101), unknown),
    ] {
        for retry_after_s in [None, Some(0), Some(30), Some(86_400)] {
            let reply = Reply::Answered(Answer { http: 429, code, retry_after_s, ..Answer::default() });
            let notice = Notice::SlowDown { retry_after_s };
            assert_eq!(top_up_meaning(&reply), (fate, notice), "code {code:?}");
            assert_eq!(member_meaning(&reply, None), (MemberAnswer::AskAgain, notice), "code {code:?}");
            assert_eq!(order_meaning(&reply, &top_up()), (OrderAnswer::AskAgain, notice), "code {code:?}");
        }
    }
}

#[test]
fn a_503_that_names_a_time_is_obeyed_and_refuses_nothing() {
    for code in [None, Some(429), Some(5_000), Some(4_000_315)] {
        let reply = Reply::Answered(Answer { http: 503, code, retry_after_s: Some(30), ..Answer::default() });
        let notice = Notice::SlowDown { retry_after_s: Some(30) };
        assert_eq!(top_up_meaning(&reply), (Fate::Unknown(Doubt::Unanswered), notice), "code {code:?}");
        assert_eq!(member_meaning(&reply, None), (MemberAnswer::AskAgain, notice), "code {code:?}");
        assert_eq!(order_meaning(&reply, &top_up()), (OrderAnswer::AskAgain, notice), "code {code:?}");
    }
    assert_eq!(top_up_meaning(&answered(503, None)), (Fate::Unknown(Doubt::Unanswered), Notice::None));
}

#[test]
fn a_top_up_that_is_answered_with_data_is_of_unknown_fate_whatever_its_code() {
    for (http, code, ..) in lines_of(TOP_UP) {
        for http in http.map_or_else(|| HTTP.to_vec(), |http| vec![http]) {
            let answer = Answer { http, code: Some(code), has_data: true, ..Answer::default() };
            let (fate, notice) = top_up_meaning(&Reply::Answered(answer));
            assert_eq!(fate, Fate::Unknown(Doubt::Unanswered), "HTTP {http}, code {code}");
            // What it says of key, merchant or clock is true of whichever request it answers.
            let stops = matches!(code, 4_030_302 | 403_100 | 4_030_001 | 4_040_201 | 4_010_001..=4_010_005);
            assert_eq!(matches!(notice, Notice::StopsBatch(_)), stops, "HTTP {http}, code {code}");
        }
    }
}

#[test]
fn without_an_answer_a_top_up_is_unsent_or_of_unknown_fate_and_a_question_is_asked_again() {
    assert_eq!(top_up_meaning(&Reply::Unsent), (Fate::Unsent, Notice::None));
    assert_eq!(top_up_meaning(&Reply::Lost), (Fate::Unknown(Doubt::Unanswered), Notice::None));
    for reply in [Reply::Unsent, Reply::Lost] {
        assert_eq!(member_meaning(&reply, Some("An")), (MemberAnswer::AskAgain, Notice::None));
        assert_eq!(order_meaning(&reply, &top_up()), (OrderAnswer::AskAgain, Notice::None));
    }
}

#[test]
fn a_member_is_eligible_only_when_member_and_card_are_active() {
    let (eligible, refused) = ((MemberAnswer::Eligible, Notice::None), (MemberAnswer::Refused, Notice::None));
    let unclear = (MemberAnswer::Unclear, Notice::CountsForBreaker);
    for (status, card_status, expected) in [
        (Some("A"), Some("A"), eligible),
        (Some("A"), Some("I"), refused),
        (Some("I"), Some("A"), refused),
        (Some("I"), Some("I"), refused),
        (Some("B"), Some("A"), refused),
        (Some("B"), Some("I"), refused),
        (Some("A"), None, unclear),
        (Some("I"), None, unclear),
        (Some("B"), None, unclear),
        (None, Some("A"), unclear),
        (None, Some("I"), unclear),
        (None, None, unclear),
        (Some("A"), Some("B"), unclear),
        (Some("A"), Some("a"), unclear),
        (Some("a"), Some("A"), unclear),
        (Some("A "), Some("A"), unclear),
        (Some("X"), Some("A"), unclear),
        (Some("X"), Some("I"), unclear),
        (Some("A"), Some(""), unclear),
        (Some(""), Some("A"), unclear),
        (Some("ACTIVE"), Some("ACTIVE"), unclear),
    ] {
        let reply = with_data(200, Some(200), member_data(status, card_status));
        assert_eq!(member_meaning(&reply, None), expected, "status {status:?}, card_status {card_status:?}");
    }
}

#[test]
fn a_name_is_compared_only_where_one_is_expected_and_only_for_an_active_member() {
    for (expected_name, found_name, expected) in [
        (None, Some("Nguyễn Văn An"), MemberAnswer::Eligible),
        (None, None, MemberAnswer::Eligible),
        (Some("Nguyễn Văn An"), Some("NGUYEN VAN AN"), MemberAnswer::Eligible),
        (Some("Đỗ Thị Hà"), Some("Hà Đỗ Thị"), MemberAnswer::Eligible),
        (Some("Nguyễn Văn An"), Some("Nguyễn Văn Anh"), MemberAnswer::NameDiffers),
        (Some("Nguyễn Văn An"), Some(" - "), MemberAnswer::NameMissing),
        (Some("Nguyễn Văn An"), Some(""), MemberAnswer::NameMissing),
        (Some("Nguyễn Văn An"), None, MemberAnswer::NameMissing),
    ] {
        let data = AnswerData { full_name: found_name.map(str::to_owned), ..member_data(Some("A"), Some("A")) };
        let found = member_meaning(&with_data(200, Some(200), data), expected_name);
        assert_eq!(found, (expected, Notice::None), "{expected_name:?} against {found_name:?}");
    }
    let blocked = AnswerData { full_name: Some("Anh".into()), ..member_data(Some("B"), Some("A")) };
    assert_eq!(member_meaning(&with_data(200, Some(200), blocked), Some("An")).0, MemberAnswer::Refused);
}

#[test]
fn an_order_is_credited_or_failed_only_as_an_earning_of_this_member_and_amount() {
    let known = || order_data("TXN_EARN", "S");
    for (what, data, expected) in [
        ("S", known(), OrderAnswer::Success),
        ("E", order_data("TXN_EARN", "E"), OrderAnswer::Failed),
        ("pending", order_data("TXN_EARN", "P"), OrderAnswer::Undecided),
        ("lower case", order_data("TXN_EARN", "s"), OrderAnswer::Undecided),
        ("empty status", order_data("TXN_EARN", ""), OrderAnswer::Unclear),
        ("no status", AnswerData { status: None, ..known() }, OrderAnswer::Unclear),
        ("another type", order_data("TXN_BURN", "S"), OrderAnswer::Undecided),
        ("another type that failed", order_data("TXN_BURN", "E"), OrderAnswer::Undecided),
        ("no type", AnswerData { order_type: None, ..known() }, OrderAnswer::Undecided),
        ("no data", AnswerData::default(), OrderAnswer::Unclear),
        ("same phone", AnswerData { phone: Some("0901234567".into()), ..known() }, OrderAnswer::Success),
        ("another phone", AnswerData { phone: Some("0901234568".into()), ..known() }, OrderAnswer::OtherOrder),
        ("no phone", AnswerData { phone: Some("".into()), ..known() }, OrderAnswer::Success),
        ("a hidden phone", AnswerData { phone: Some("090***4567".into()), ..known() }, OrderAnswer::Success),
        ("another hidden phone", AnswerData { phone: Some("090***4568".into()), ..known() }, OrderAnswer::OtherOrder),
        ("phone spelt 84", AnswerData { phone: Some("84901234567".into()), ..known() }, OrderAnswer::Success),
        ("phone spelt +84", AnswerData { phone: Some("+84 901-234-567".into()), ..known() }, OrderAnswer::Success),
        ("same points", AnswerData { points: Some(50_000), ..known() }, OrderAnswer::Success),
        ("more points", AnswerData { points: Some(50_001), ..known() }, OrderAnswer::OtherOrder),
        ("negative points", AnswerData { points: Some(-50_000), ..known() }, OrderAnswer::OtherOrder),
        ("points that wrap", AnswerData { points: Some(50_000 + (1 << 32)), ..known() }, OrderAnswer::OtherOrder),
    ] {
        let found = order_meaning(&with_data(200, Some(200), data), &top_up());
        assert_eq!(found, (expected, Notice::None), "{what}");
    }
}

#[test]
fn an_order_of_a_member_without_a_phone_is_not_compared_by_phone() {
    let by_card = TopUp { member: Member::Card { id: "9704".into(), phone: None }, ..top_up() };
    let data = AnswerData { phone: Some("0901234567".into()), ..order_data("TXN_EARN", "S") };
    let reply = with_data(200, Some(200), data);
    assert_eq!(order_meaning(&reply, &by_card).0, OrderAnswer::Success);
    let with_phone =
        TopUp { member: Member::UserId { id: "9704".into(), phone: PhoneNumber::parse("0399999999") }, ..top_up() };
    assert_eq!(order_meaning(&reply, &with_phone).0, OrderAnswer::OtherOrder);
}

/// Holds a table against `meaning`, line by line, and asserts that there are lines.
fn check(table: &str, meaning: impl Fn(&Reply) -> (String, Notice)) {
    let lines = lines_of(table);
    assert!(lines.len() > 10);
    for (http, code, words, notice) in lines {
        let statuses = http.map_or_else(|| HTTP.to_vec(), |http| vec![http]);
        for http in statuses {
            let found = meaning(&answered(http, Some(code)));
            assert_eq!((found.0.as_str(), notice_words(found.1)), (words, notice), "HTTP {http}, code {code}");
        }
    }
}

/// Pairs of HTTP status and code that a table does not name, each of the known codes under other statuses among them.
fn outside_of(table: &str) -> impl Iterator<Item = (u16, Option<i64>)> {
    let mut listed: BTreeMap<i64, Vec<Option<u16>>> = BTreeMap::new();
    for (http, code, ..) in lines_of(table) {
        listed.entry(code).or_default().push(http);
    }
    let known = lines_of(TOP_UP).into_iter().chain(lines_of(MEMBER_INFO)).chain(lines_of(ORDER_STATUS));
    let codes: Vec<Option<i64>> = known.map(|line| line.1).chain(OTHER_CODES).map(Some).chain([None]).collect();
    let pairs: Vec<_> = HTTP.into_iter().flat_map(|http| codes.iter().map(move |code| (http, *code))).collect();
    pairs.into_iter().filter(move |(http, code)| {
        let lines = code.and_then(|code| listed.get(&code));
        lines.is_none_or(|lines| !lines.iter().any(|line| line.is_none_or(|line| line == *http)))
    })
}

fn lines_of(table: &str) -> Vec<(Option<u16>, i64, &str, &str)> {
    let lines = table.lines().map(str::trim).filter(|line| !line.is_empty());
    let cells = lines.map(|line| line.split('|').map(str::trim).collect::<Vec<_>>());
    cells
        .map(|cells| {
            let [http, code, words, notice] = cells[..] else { panic!("a line has four cells, found {cells:?}") };
            (http.parse().ok(), code.parse().expect("a code"), words, notice)
        })
        .collect()
}

fn answered(http: u16, code: Option<i64>) -> Reply {
    with_data(http, code, AnswerData::default())
}

fn with_data(http: u16, code: Option<i64>, data: AnswerData) -> Reply {
    Reply::Answered(Answer { http, code, data, ..Answer::default() })
}

fn member_data(status: Option<&str>, card_status: Option<&str>) -> AnswerData {
    let owned = |text: Option<&str>| text.map(str::to_owned);
    AnswerData { status: owned(status), card_status: owned(card_status), ..AnswerData::default() }
}

fn order_data(order_type: &str, status: &str) -> AnswerData {
    AnswerData { order_type: Some(order_type.into()), status: Some(status.into()), ..AnswerData::default() }
}

fn top_up() -> TopUp {
    TopUp {
        invoice_no: InvoiceNo::parse("T1").expect("a number"),
        member: Member::Phone(PhoneNumber::parse("0901234567").expect("a phone")),
        points: Points::new(50_000).expect("points"),
        send_sms: true,
        receipt: None,
    }
}
