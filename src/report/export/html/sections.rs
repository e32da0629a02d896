//! The sections of the page: what came of the batch, what to do about the rest, and how it went.

use super::chart;
use super::gather::{Gathered, Item, List};
use super::page::{escaped, foreign, table};
use super::timeline::Timeline;
use crate::domain::hint::Step;
use crate::domain::payout_status::State;
use crate::ledger::Totals;
use crate::report::export::source::Source;
use crate::report::export::totals_by::TotalsBy;
use crate::report::lang::Lang;
use std::fmt::Write;

const MINUTE_MS: i64 = 60_000;

pub(super) fn summary(source: &Source<'_>, totals: &Totals) -> String {
    let (lang, batch, zone) = (source.request.lang, source.snapshot.batch(), source.request.zone);
    let credited = totals.of(State::Credited);
    let in_doubt = totals.of(State::InDoubt);
    let mut out = format!(
        "<header><h1>{} {}</h1><p class=\"soft\">{} {} · {}</p></header><section class=\"big\">",
        lang.pick("Results of batch", "Kết quả của đợt"),
        escaped(batch.name.as_str()),
        lang.pick("as of", "tính đến"),
        zone.text(source.request.now),
        clock(source)
    );
    let boxes = [
        (lang.pick("payouts", "khoản"), batch.rows),
        (lang.pick("points planned", "điểm theo kế hoạch"), batch.points),
        (lang.pick("payouts credited", "khoản đã cộng điểm"), credited.rows),
        (lang.pick("points credited", "điểm đã cộng"), credited.points),
        (lang.pick("points in doubt", "điểm chưa rõ"), in_doubt.points),
    ];
    for (label, number) in boxes {
        // Writing to a string cannot fail.
        let _ = write!(out, "<div><b>{}</b>{label}</div>", lang.number(number));
    }
    out.push_str("</section><dl>");
    let plan = batch.plan_sha256.to_string();
    let head = batch.chain_head.to_string();
    let planned = format!("{}, {}", zone.text(batch.planned_at), batch.planned_by);
    let binding = &batch.binding;
    let gateway = format!("{}, {} / {}", binding.gateway_host, binding.merchant_id, binding.terminal_id);
    let skipped = lang.number(batch.skipped_rows);
    let listed = source.states();
    let facts = [
        (lang.pick("File", "Tệp"), batch.file_name.as_str()),
        (lang.pick("Planned", "Lập kế hoạch"), &planned),
        (lang.pick("Gateway, merchant / terminal", "Cổng, merchant / terminal"), &gateway),
        (lang.pick("Rows skipped in the file", "Số dòng bị bỏ qua trong tệp"), &skipped),
        (lang.pick("States listed here", "Các kết quả có trong trang"), &listed),
        (lang.pick("Plan", "Mã kế hoạch"), &plan),
        (lang.pick("History ends with", "Lịch sử kết thúc bằng"), &head),
    ];
    for (label, text) in facts {
        let _ = write!(out, "<dt>{label}</dt><dd>{}</dd>", foreign(text));
    }
    out.push_str("</dl>\n");
    out
}

/// By which clock the page tells times.
fn clock(source: &Source<'_>) -> String {
    let (name, label) = (source.request.zone.name(), source.request.zone.label(source.request.now));
    let clock = if name == label { label } else { format!("{name}, {label}") };
    source.request.lang.pick(format!("all times are those of {clock}"), format!("mọi giờ đều theo {clock}"))
}

/// Totals by a column of the user's own.
pub(super) fn totals_by(lang: Lang, totals_by: &TotalsBy) -> String {
    let headers = [
        totals_by.header.as_str(),
        lang.pick("Payouts", "Số khoản"),
        lang.pick("Points", "Số điểm"),
        lang.pick("Payouts credited", "Số khoản đã cộng"),
        lang.pick("Points credited", "Số điểm đã cộng"),
    ];
    let rows = totals_by.groups.iter().map(|(value, group)| {
        let numbers = [group.all.rows, group.all.points, group.credited.rows, group.credited.points];
        std::iter::once(foreign(value)).chain(numbers.map(|n| number(lang, n))).collect()
    });
    let title = format!("{} «{}»", lang.pick("Totals by", "Tổng theo"), totals_by.header);
    heading(&title) + &table(&headers, rows) + "\n"
}

/// The field that hides the rows without what is typed; shown only where the page's script runs.
pub(super) fn search(lang: Lang) -> String {
    let label = lang.pick(
        "Search the lists: phone, reference, name, invoice_no",
        "Tìm trong các danh sách: SĐT, mã, tên, invoice_no",
    );
    format!(
        "<form class=\"search\" hidden><label for=\"q\">{label}</label><input id=\"q\" type=\"search\" autocomplete=\"off\">\
         <output for=\"q\" data-of=\"{}\"></output></form>\n",
        lang.pick("rows found", "dòng tìm thấy")
    )
}

pub(super) fn outcomes(lang: Lang, totals: &Totals) -> String {
    let mut out = heading(lang.pick("Outcomes", "Kết quả"));
    out.push_str("<div class=\"bars\">");
    for state in State::ALL {
        let total = totals.of(state);
        let _ = write!(
            out,
            "<span>{}<span class=\"soft\"> {}</span></span>{}<span class=\"n\"><b>{}</b><br><span class=\"soft\">{} {}</span></span>",
            tag(lang, state),
            lang.state_meaning(state),
            chart::bar(state.word(), total.rows, totals.rows()),
            lang.number(total.rows),
            lang.number(total.points),
            lang.pick("points", "điểm")
        );
    }
    out.push_str("</div>\n");
    let recovered = totals.of(State::Credited).recovered;
    if recovered > 0 {
        let text = lang.pick(
            "of the credited payouts were recovered: credited earlier, by orders that this ledger did not send; the gateway does not confirm their amount",
            "khoản đã cộng điểm được khôi phục: đã cộng trước đó bởi đơn hàng không do sổ này gửi; cổng không xác nhận số điểm",
        );
        let _ = writeln!(out, "<p class=\"soft\">{} {text}</p>", lang.number(recovered));
    }
    out
}

pub(super) fn reasons(lang: Lang, gathered: &Gathered) -> String {
    if gathered.reasons.is_empty() {
        return String::new();
    }
    let mut out = heading(lang.pick("Reasons", "Lý do"));
    out.push_str("<div class=\"bars\">");
    let mut reasons: Vec<_> = gathered.reasons.iter().collect();
    reasons.sort_by_key(|(_, count)| std::cmp::Reverse(count.rows));
    let most = reasons.first().map_or(0, |(_, count)| count.rows);
    for ((state, reason), count) in reasons {
        let text = reason.map_or_else(|| lang.pick("others", "khác").into(), |reason| reason.text(lang));
        let code = match reason {
            Some(crate::report::Reason::Code(code)) => format!(" <span class=\"soft\">{code}</span>"),
            Some(_) | None => String::new(),
        };
        let _ = write!(
            out,
            "<span class=\"what\">{} {}{code}</span>{}<span class=\"n\"><b>{}</b><br><span class=\"soft\">{} {}</span></span>",
            tag(lang, *state),
            escaped(&text),
            chart::bar(state.word(), count.rows, most),
            lang.number(count.rows),
            lang.number(count.points),
            lang.pick("points", "điểm")
        );
    }
    out.push_str("</div>\n");
    out
}

/// What a person has to look at: payouts in doubt, and held ones.
pub(super) fn to_decide(source: &Source<'_>, gathered: &Gathered) -> String {
    let (lang, batch) = (source.request.lang, || source.snapshot.batch().name.to_string());
    let number = || "INVOICE_NO".to_owned();
    let mut out = String::new();
    if gathered.in_doubt.count.rows > 0 {
        out.push_str(&heading(lang.pick("In doubt", "Chưa rõ kết quả")));
        let [resolve, credited, not_credited] = [
            Step::Resolve(batch()),
            Step::AttestCredited(batch(), number()),
            Step::AttestNotCredited(batch(), number()),
        ]
        .map(|step| code(source, &step));
        let todo = lang.pick(
            format!(
                "These points may or may not have been credited. Do not pay them by another way. {resolve} asks the gateway \
                 again. What stays in doubt is for a person: ask the provider about the invoice_no, then {credited} or \
                 {not_credited}."
            ),
            format!(
                "Điểm có thể đã hoặc chưa được cộng. Không chi lại bằng cách khác. {resolve} hỏi lại cổng. Khoản nào vẫn \
                 chưa rõ thì hỏi nhà cung cấp theo invoice_no, rồi ghi nhận: {credited} hoặc {not_credited}."
            ),
        );
        let _ = write!(out, "<div class=\"do\">{todo}</div>");
        out.push_str(&payouts(lang, &gathered.in_doubt));
    }
    if gathered.held.count.rows > 0 {
        out.push_str(&heading(lang.pick("Held", "Tạm giữ")));
        let [release, cancel] =
            [Step::Release(batch(), number()), Step::CancelOne(batch(), number())].map(|step| code(source, &step));
        let todo = lang.pick(
            format!(
                "The name in the file is not the member's. Check with whoever gave the phone. If it is right: {release}; if \
                 not: {cancel}. Nothing was credited."
            ),
            format!(
                "Tên trong tệp khác với tên hội viên. Hãy kiểm tra lại số điện thoại. Nếu đúng: {release}; nếu sai: \
                 {cancel}. Chưa cộng điểm."
            ),
        );
        let _ = write!(out, "<div class=\"do held\">{todo}</div>");
        out.push_str(&payouts(lang, &gathered.held));
    }
    out
}

pub(super) fn over_time(source: &Source<'_>, timeline: &Timeline) -> String {
    let (lang, zone) = (source.request.lang, source.request.zone);
    if timeline.first_at.is_none() {
        return String::new();
    }
    let mut out = heading(lang.pick("Over time", "Theo thời gian"));
    out.push_str(&chart::throughput(timeline, zone, lang));
    out.push_str(&chart::latency(timeline, zone, lang));
    out
}

/// How long each credit has been standing.
pub(super) fn standing(source: &Source<'_>, gathered: &Gathered) -> String {
    let lang = source.request.lang;
    let all = gathered.fresh.count.rows + gathered.spendable.count.rows;
    if all == 0 {
        return String::new();
    }
    let hours = source.request.spendable_after_h;
    let mut out = heading(lang.pick("How long credits have been standing", "Điểm đã cộng được bao lâu"));
    let todo = lang.pick(
        format!(
            "Credited points cannot be recalled. Members can spend them {hours} hours after receipt: until then a mistake \
             can still be raised with the provider."
        ),
        format!(
            "Điểm đã cộng không thể thu hồi. Hội viên dùng được sau {hours} giờ kể từ khi nhận: trước đó vẫn có thể báo \
             nhà cung cấp nếu có sai sót."
        ),
    );
    let _ = write!(out, "<div class=\"do plain\">{todo}</div><div class=\"bars\">");
    let labels = [
        lang.pick("up to 1 hour", "đến 1 giờ"),
        lang.pick("1 to 6 hours", "1 đến 6 giờ"),
        lang.pick("6 to 12 hours", "6 đến 12 giờ"),
        lang.pick("12 hours and more, not spendable yet", "từ 12 giờ, chưa dùng được"),
        lang.pick("spendable", "đã dùng được"),
    ];
    for (label, count) in labels.into_iter().zip(gathered.ages).filter(|(_, count)| count.rows > 0) {
        let _ = write!(
            out,
            "<span>{label}</span>{}<span class=\"n\"><b>{}</b><br><span class=\"soft\">{} {}</span></span>",
            chart::bar("credited", count.rows, all),
            lang.number(count.rows),
            lang.number(count.points),
            lang.pick("points", "điểm")
        );
    }
    out.push_str("</div>");
    let headers = [
        lang.pick("Row", "Dòng"),
        lang.pick("Member", "Hội viên"),
        lang.pick("Points", "Điểm"),
        lang.pick("Credited at", "Cộng điểm lúc"),
        lang.pick("Standing for", "Đã được"),
        lang.pick("Spendable", "Dùng được"),
    ];
    for list in [&gathered.fresh, &gathered.spendable] {
        if !list.items.is_empty() {
            out.push_str(&table(&headers, list.items.iter().map(|item| credit(source, item))));
            out.push_str(&rest(lang, list));
        }
    }
    out
}

fn credit(source: &Source<'_>, item: &Item) -> Vec<String> {
    let (lang, now) = (source.request.lang, source.request.now);
    let at = item.credited_at.unwrap_or(now);
    let spendable_at = source.layout.spendable_at(at);
    let spendable = if spendable_at > now {
        format!("{} {}", lang.pick("in", "sau"), span(lang, spendable_at - now))
    } else {
        format!("{} {}", lang.pick("since", "từ"), source.request.zone.text(spendable_at))
    };
    vec![
        row_and_reference(item),
        key(&foreign(&item.member)),
        number(lang, item.points),
        source.request.zone.text(at),
        span(lang, now - at),
        spendable,
    ]
}

/// A step as the door words it, as code.
fn code(source: &Source<'_>, step: &Step) -> String {
    format!("<code>{}</code>", escaped(&(source.request.step_text)(step)))
}

/// Payouts that were not paid, and those that wait.
pub(super) fn not_paid(source: &Source<'_>, gathered: &Gathered) -> String {
    let (lang, batch) = (source.request.lang, || source.snapshot.batch().name.to_string());
    let mut out = String::new();
    if gathered.unpaid.count.rows > 0 {
        out.push_str(&heading(lang.pick("Not paid", "Không chi được")));
        let retry = code(source, &Step::RetryWhy(batch()));
        let todo = lang.pick(
            format!("Nothing of these was credited. Once the cause is gone: {retry}."),
            format!("Chưa cộng điểm nào. Khi đã xử lý nguyên nhân: {retry}."),
        );
        let _ = write!(out, "<div class=\"do plain\">{todo}</div>");
        out.push_str(&payouts(lang, &gathered.unpaid));
    }
    if gathered.waiting.count.rows > 0 {
        out.push_str(&heading(lang.pick("Still to be paid", "Chờ chi")));
        let resume = code(source, &Step::Resume(Some(batch())));
        let todo = lang.pick(format!("{resume} goes on."), format!("{resume} để tiếp tục."));
        let _ = write!(out, "<div class=\"do plain\">{todo}</div>");
        out.push_str(&payouts(lang, &gathered.waiting));
    }
    out
}

fn payouts(lang: Lang, list: &List) -> String {
    let headers = [
        lang.pick("Row", "Dòng"),
        lang.pick("Member", "Hội viên"),
        lang.pick("Name", "Tên"),
        lang.pick("Points", "Điểm"),
        lang.pick("State", "Kết quả"),
        lang.pick("Reason", "Lý do"),
        lang.pick("Said", "Lời nhắn"),
        "invoice_no",
    ];
    let rows = list.items.iter().map(|item| {
        let reason = item.reason.map(|reason| escaped(&reason.text(lang))).unwrap_or_default();
        let code = item.code.map(|code| format!(" <span class=\"soft\">{code}</span>")).unwrap_or_default();
        vec![
            row_and_reference(item),
            key(&foreign(&item.member)),
            foreign(&item.name),
            number(lang, item.points),
            tag(lang, item.state),
            format!("<span>{reason}{code}</span>"),
            foreign(&item.words),
            key(&format!("<code>{}</code>", escaped(&item.invoice_no))),
        ]
    });
    table(&headers, rows) + &rest(lang, list)
}

/// What the list does not name.
fn rest(lang: Lang, list: &List) -> String {
    let more = list.count.rows - list.items.len() as u64;
    if more == 0 {
        return String::new();
    }
    let text = lang.pick(
        "more; the .csv, .xlsx and .json files name all of them",
        "khoản nữa; tệp .csv, .xlsx và .json có đầy đủ",
    );
    format!("<p class=\"soft\">… {} {text}</p>\n", lang.number(more))
}

fn row_and_reference(item: &Item) -> String {
    if item.reference.is_empty() {
        return item.row.to_string();
    }
    key(&format!("{} <span class=\"soft\">{}</span>", item.row, foreign(&item.reference)))
}

/// What is read off or typed over as a whole stays on one line.
fn key(html: &str) -> String {
    format!("<span class=\"key\">{html}</span>")
}

fn number(lang: Lang, number: u64) -> String {
    format!("<span class=\"num\">{}</span>", lang.number(number))
}

fn tag(lang: Lang, state: State) -> String {
    format!("<span class=\"tag t-{}\">{}</span>", state.word(), lang.state(state))
}

fn heading(text: &str) -> String {
    format!("<h2>{}</h2>\n", escaped(text))
}

/// A span of time in hours and minutes.
fn span(lang: Lang, ms: i64) -> String {
    let minutes = ms.max(0) / MINUTE_MS;
    let (hours, minutes) = (minutes / 60, minutes % 60);
    let (h, min) = (lang.pick("h", "giờ"), lang.pick("min", "phút"));
    match hours {
        0 => format!("{minutes} {min}"),
        1..48 => format!("{hours} {h} {minutes} {min}"),
        _ => format!("{} {}", hours / 24, lang.pick("days", "ngày")),
    }
}
