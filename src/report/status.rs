//! Words how batches stand, for the person who watches them: one batch in full, or all of them in a table.

use super::lang::Lang;
use super::reasons::{Reason, code_text};
use super::summary::{Summary, Verdict, label};
use super::table::{Table, left, right};
use super::words::duration;
use crate::domain::event::{Event, MemberAnswer, OrderAnswer};
use crate::domain::hint::{Step, StepText};
use crate::domain::payout_status::State;
use crate::domain::privacy::hide_numbers;
use crate::domain::text::{counted, grouped};
use crate::ledger::{BatchDetails, Pace, ReasonCount, UnixMs};
use std::fmt::Write;
use std::time::Duration;

/// The bar of what is settled, in characters.
const BAR: usize = 24;
const MINUTE_MS: i64 = 60_000;
const HOUR_MS: i64 = 60 * MINUTE_MS;
/// The gateway may still apply signed bytes for so long (VinID top-up API, header `X-Timestamp`).
const STILL_VALID_MS: i64 = 2 * HOUR_MS;

/// One batch, looked at at one moment.
#[derive(Clone, Copy, Debug)]
pub struct StatusView<'l> {
    /// Its totals and verdict.
    pub summary: &'l Summary<'l>,
    /// What is shown beside them.
    pub glance: &'l BatchDetails,
    /// The moment of the look, by which ages are told.
    pub now: UnixMs,
}

impl StatusView<'_> {
    /// The lines for people.
    #[must_use]
    pub fn to_text(&self, step_text: StepText) -> String {
        let mut text = self.summary.table();
        text.push_str(&self.progress());
        text.push_str(&self.reasons());
        text.push_str(&self.in_doubt());
        text.push_str(&self.held());
        text.push_str(&self.summary.history_end());
        text.push_str(&self.next(step_text));
        text
    }

    fn progress(&self) -> String {
        let (rows, open) = (self.summary.batch().rows, self.open());
        if open == 0 || rows == 0 {
            return String::new();
        }
        let settled = rows.saturating_sub(open);
        let filled = usize::try_from(settled * BAR as u64 / rows).unwrap_or(0);
        let mut text = format!(
            "settled: [{}{}] {:.1} %, {} of {}\n",
            "#".repeat(filled),
            "-".repeat(BAR - filled),
            // Rounded down: what is not done is never 100 %.
            (settled * 1000 / rows) as f64 / 10.0,
            grouped(settled),
            counted(rows, "payout")
        );
        if let Some(pace) = &self.glance.pace {
            text.push_str(&pace_text(pace, open, self.now));
        }
        text
    }

    /// Payouts that a run has still to settle.
    fn open(&self) -> u64 {
        self.summary.of(State::Planned).rows + self.summary.of(State::InDoubt).rows
    }

    fn reasons(&self) -> String {
        let mut table = Table::new(2, 0, [left(11), right(11), left(0)]);
        for count in &self.glance.reasons {
            table.row([label(count.state), &grouped(count.rows), &format!("  {}", reason(count))]);
        }
        let mut text =
            if self.glance.reasons.is_empty() { "" } else { "not paid, and why:\n" }.to_owned() + &table.to_text();
        for (state, looked_into) in &self.glance.bounded {
            let all = self.summary.of(*state).rows;
            if *state != State::InDoubt && all > *looked_into {
                let (word, few) = (label(*state), grouped(*looked_into));
                let _ = writeln!(text, "  counted among the first {few} of {} {word} payouts only", grouped(all));
            }
        }
        text
    }

    /// How many are in doubt since when, and which; their points are those of the totals.
    fn in_doubt(&self) -> String {
        let doubts = self.summary.doubts();
        let (since, under_way) = (doubts.since(), doubts.under_way());
        let mut text = self.summary.at_stake();
        if text.is_empty() {
            return text;
        }
        if under_way > 0 {
            let _ = writeln!(text, "  under way: {}", counted(under_way, "top-up"));
        }
        if since.is_empty() {
            return text;
        }
        let spans = [
            ("less than a minute", i64::MIN, MINUTE_MS),
            ("a minute to an hour", MINUTE_MS, HOUR_MS),
            ("one to two hours", HOUR_MS, STILL_VALID_MS),
            ("more than two hours", STILL_VALID_MS, i64::MAX),
        ];
        let mut parts = Vec::new();
        for (words, from, to) in spans {
            let rows = since.iter().filter(|at| (from..to).contains(&(self.now - *at))).count() as u64;
            if rows > 0 {
                parts.push(format!("{} for {words}", grouped(rows)));
            }
        }
        let all = self.summary.of(State::InDoubt).rows;
        let known = since.len() as u64 + under_way;
        let only = if all > known { format!(" (the first {} of them)", grouped(known)) } else { String::new() };
        let _ = writeln!(text, "  in doubt: {}{only}", parts.join(", "));
        text + &doubts.settling_text()
    }

    fn held(&self) -> String {
        let all = self.summary.of(State::Held).rows;
        let mut text = String::new();
        for (index, (payout, found)) in self.glance.held.iter().enumerate() {
            if index == 0 {
                text.push_str("held, for a person to decide:\n");
            }
            let reference = payout.key.as_reference().map(|reference| format!(", {}", hide_numbers(reference)));
            let (row, number, reference) = (payout.row, &payout.top_up.invoice_no, reference.unwrap_or_default());
            let (member, points) =
                (payout.top_up.member.masked(), counted(payout.top_up.points.value().into(), "point"));
            let expected = payout.name.as_deref().unwrap_or("nothing");
            let found = found.as_deref().map(str::trim).filter(|found| !found.is_empty());
            let found = found.map_or_else(|| "gives no name".to_owned(), |found| format!("says {found}"));
            let _ = writeln!(
                text,
                "  row {row}{reference}, {member}, {points}, {number}: the file says {expected}, the gateway {found}"
            );
        }
        let more = all.saturating_sub(self.glance.held.len() as u64);
        if more > 0 && !self.glance.held.is_empty() {
            let _ = writeln!(text, "  … and {} more", grouped(more));
        }
        text
    }

    /// The commands to type next.
    fn next(&self, step_text: StepText) -> String {
        let batch = &self.summary.batch().name;
        let name = || batch.to_string();
        let mut text = String::new();
        match self.summary.verdict() {
            Verdict::Running => {
                let _ = writeln!(text, "next: {}", step_text(&Step::StatusWatch(name())));
                return text;
            }
            Verdict::InDoubt | Verdict::Planned | Verdict::Stopped | Verdict::Interrupted => {
                if self.summary.has_work() {
                    let _ = writeln!(text, "next: {}", step_text(&Step::Resume(Some(name()))));
                }
            }
            Verdict::Complete | Verdict::Partial => {}
        }
        text.push_str(&self.summary.doubts().to_text(batch, step_text));
        if let Some((payout, _)) = self.glance.held.first() {
            let number = || payout.top_up.invoice_no.to_string();
            let _ = writeln!(text, "next: {}", step_text(&Step::Release(name(), number())));
            let _ = writeln!(text, "  or: {}", step_text(&Step::CancelOne(name(), number())));
        }
        let refused = self.summary.of(State::Declined).rows + self.summary.of(State::Ineligible).rows;
        if refused > 0 && self.open() == 0 && self.summary.batch().purged_at.is_none() {
            let _ =
                writeln!(text, "to try the declined and ineligible ones again: {}", step_text(&Step::RetryWhy(name())));
        }
        text
    }
}

fn pace_text(pace: &Pace, open: u64, now: UnixMs) -> String {
    let span_s = pace.span_ms as f64 / 1000.0;
    let since = Duration::from_millis(u64::try_from(now - pace.started_at).unwrap_or(0));
    let left = if pace.settled > 0 {
        let left_s = span_s / pace.settled as f64 * open as f64;
        format!("about {} left", duration(Duration::from_secs_f64(left_s)))
    } else {
        "none settled lately, so no time left can be told".to_owned()
    };
    format!(
        "this run: for {}; {:.1} calls/s and {:.1} payouts/s in the last {}; {left}\n",
        duration(since),
        pace.calls as f64 / span_s,
        pace.settled as f64 / span_s,
        duration(Duration::from_millis(pace.span_ms))
    )
}

/// A reason in words, those of the results; beside a code the gateway's own, where they are others.
fn reason(count: &ReasonCount) -> String {
    let refused = Event::MemberAnswered(MemberAnswer::Refused);
    let own = [
        (Event::MemberAnswered(MemberAnswer::NameDiffers), Reason::NameDiffers),
        (Event::MemberAnswered(MemberAnswer::NameMissing), Reason::NameMissing),
        (Event::OrderAnswered(OrderAnswer::Failed), Reason::OrderFailed),
        (Event::AttestedNotCredited, Reason::AttestedNotCredited),
    ];
    let own = own.into_iter().find(|(event, _)| *event == count.event).map(|(_, reason)| reason);
    // The call itself succeeded: what it said of the member is the reason.
    let own = own.or_else(|| (count.event == refused && count.code == Some(200)).then_some(Reason::MemberInactive));
    let said = count.said.as_deref().filter(|said| !said.is_empty());
    match (own, count.code) {
        (Some(own), _) => own.text(Lang::En).into_owned(),
        (None, Some(code)) => code_in_words(code, said),
        (None, None) => said.unwrap_or("no code was given").to_owned(),
    }
}

fn code_in_words(code: i64, said: Option<&str>) -> String {
    let bare = |text: &str| text.to_lowercase().trim_start_matches("the ").to_owned();
    match (code_text(code, Lang::En), said) {
        (Some(text), Some(said)) if bare(text) != bare(said) => format!("{code} {text} ({said})"),
        (Some(text), _) => format!("{code} {text}"),
        (None, Some(said)) => format!("{code} {said}"),
        (None, None) => format!("{code}, which the gateway's documentation does not list"),
    }
}

/// All batches in a table; a few lines for each where `width` columns do not hold it.
#[must_use]
pub fn batches_text(batches: &[Summary<'_>], width: usize, step_text: StepText) -> String {
    if batches.is_empty() {
        return format!("the ledger holds no batch yet\nnext: {}\n", step_text(&Step::RunNew));
    }
    let cells: Vec<[String; 5]> = batches.iter().map(cells_of).collect();
    let mut table = Table::new(0, 2, [left(0), left(0), right(0), right(0), right(0)]);
    table.row(["batch", "verdict", "payouts credited", "points credited", "open"]);
    cells.iter().for_each(|row| table.row(row.each_ref()));
    if table.width() <= width {
        return table.to_text();
    }
    let mut text = String::new();
    for [name, verdict, rows, points, open] in &cells {
        let _ = writeln!(text, "{name}: {verdict}\n  {rows} payouts\n  {points} points\n  {open} open");
    }
    text
}

fn cells_of(summary: &Summary<'_>) -> [String; 5] {
    let (batch, credited) = (summary.batch(), summary.of(State::Credited));
    let open = summary.of(State::Planned).rows + summary.of(State::InDoubt).rows + summary.of(State::Held).rows;
    [
        batch.name.to_string(),
        summary.verdict().word().replace('_', " ") + if batch.purged_at.is_some() { ", purged" } else { "" },
        format!("{} of {}", grouped(credited.rows), grouped(batch.rows)),
        format!("{} of {}", grouped(credited.points), grouped(batch.points)),
        grouped(open),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_is_worded_as_in_the_results_beside_what_the_gateway_said() {
        for (code, said, expected) in [
            (
                4_000_318,
                Some("Member is potential risk"),
                "4000318 the member is a potential risk (Member is potential risk)",
            ),
            (200_400, Some("Member does not exist"), "200400 the member does not exist"),
            (200_400, None, "200400 the member does not exist"),
            (77, Some("no idea"), "77 no idea"),
            (77, None, "77, which the gateway's documentation does not list"),
        ] {
            assert_eq!(code_in_words(code, said), expected);
        }
    }
}
