//! Words a plan before anything is asked, or why there is none: one line for each kind of row, then what is behind it.

use crate::app::{
    BatchName, ByState, DraftSummary, Environment, Mode, Problem, Refusal, RowKinds, Settings, Size, State, counted,
    duration, grouped, hidden_cell,
};
use serde_json::json;
use std::fmt::Write;
use std::time::Duration;

/// Problems and repairs that are printed for people; scripts get more of them.
const PRINTED_MAX: usize = 20;

/// What is about to be paid, for the person who decides.
pub(super) fn plan_text(settings: &Settings, name: &BatchName, plan: &DraftSummary) -> String {
    let mut text = format!("plan of batch {name}\n");
    for (label, value) in
        [("from", file_words(plan)), ("gateway", gateway_words(plan)), ("paid by", merchant_words(plan))]
    {
        let _ = writeln!(text, "  {label:<9}{value}");
    }
    text.push_str(&kinds_text(&plan.kinds));
    let mut line = |label: &str, value: String| {
        let _ = writeln!(text, "  {label:<34}{value:>10}");
    };
    line("members to be paid", grouped(plan.members));
    line("largest payout", grouped(plan.largest));
    if plan.whole != plan.new {
        line("rows of the whole plan", grouped(plan.whole.rows));
        line("points of the whole plan", grouped(plan.whole.points));
    }
    if plan.without_pre_check > 0 {
        line("without pre-check", grouped(plan.without_pre_check));
    }
    // Settings that a run could not take were refused before anything was planned.
    if let Ok(rate_per_s) = settings.run_settings(Mode::Pay, plan.whole.points).map(|run| run.rate_per_s) {
        let requests = plan.new.rows * 2 - plan.without_pre_check;
        let expected = Duration::from_secs_f64(requests as f64 / rate_per_s);
        let _ = writeln!(text, "  expected duration {} at {rate_per_s} requests/s", duration(expected));
    }
    if let Ok(words) = settings.late_words() {
        let _ = writeln!(text, "  late top-ups: {words}");
    }
    let _ = writeln!(text, "  plan {}", plan.plan_sha256);
    for repair in plan.repairs.iter().take(PRINTED_MAX) {
        let [from, to] = [&repair.from, &repair.to].map(|value| hidden_cell(&repair.column, value));
        let _ = writeln!(text, "  row {}, {}: read {from:?} as {to:?}", repair.row, repair.column);
    }
    if plan.repair_count > PRINTED_MAX as u64 {
        let _ = writeln!(text, "  … repaired in all: {}", counted(plan.repair_count, "cell"));
    }
    for warning in &plan.warnings {
        let _ = writeln!(text, "  note: {warning}");
    }
    text.push_str("points cannot be recalled once they are credited");
    text
}

/// The question before anything is paid. It stands alone: a long plan went off the screen, and notes may be switched off.
pub(super) fn question(name: &BatchName, plan: &DraftSummary) -> String {
    format!(
        "batch {name} from {}\nthrough {}, {}\npay {} to {} (largest payout {})\ntype yes to pay: ",
        file_words(plan),
        gateway_words(plan),
        merchant_words(plan),
        counted(plan.new.points, "point"),
        counted(plan.members, "member"),
        grouped(plan.largest),
    )
}

fn file_words(plan: &DraftSummary) -> String {
    let sheet = plan.sheet.as_ref().map(|sheet| format!(", sheet {sheet:?}"));
    format!("{}{}", plan.file_name, sheet.unwrap_or_default())
}

/// The host, and what it is, in capitals where points are real.
fn gateway_words(plan: &DraftSummary) -> String {
    let host = &plan.binding.gateway_host;
    match Environment::of(host) {
        Environment::Production => format!("PRODUCTION, {host}"),
        Environment::Sandbox => format!("the sandbox, {host}"),
        Environment::ThisMachine => format!("{host} on this machine"),
        Environment::Unknown => format!("{host}, which is neither the documented production nor the sandbox"),
    }
}

fn merchant_words(plan: &DraftSummary) -> String {
    format!("merchant {}, terminal {}", plan.binding.merchant_id, plan.binding.terminal_id)
}

/// The same for scripts.
pub(super) fn kinds_json(kinds: &RowKinds) -> serde_json::Value {
    let size = |size: Size| json!({"rows": size.rows, "points": size.points});
    json!({
        "new": size(kinds.new), "already_planned": size(kinds.known.all()), "changed": size(kinds.changed.all()),
        "gone": size(kinds.gone.all()), "another_key": kinds.another_key, "repeated": kinds.repeated,
        "doubled": kinds.doubled, "to_correct": kinds.to_correct, "skipped": kinds.skipped,
    })
}

/// One line for each kind of row that the file has, the new ones always.
fn kinds_text(kinds: &RowKinds) -> String {
    let mut text = format!("  {:<34}{:>10}{:>18}\n", "", "rows", "points");
    let mut line = |label: &str, rows: u64, points: Option<u64>| {
        let points = points.map(grouped).unwrap_or_default();
        let _ = writeln!(text, "{}", format!("  {label:<34}{:>10}{points:>18}", grouped(rows)).trim_end());
    };
    line("new", kinds.new.rows, Some(kinds.new.points));
    let mut some = |label: &str, rows: u64| {
        if rows > 0 {
            line(label, rows, None);
        }
    };
    some("  of these in another batch too", kinds.repeated);
    some("another key for a member", kinds.another_key);
    some("repeated in the file", kinds.doubled);
    some("to be corrected", kinds.to_correct);
    some("skipped", kinds.skipped);
    for (label, by_state) in [
        ("already in the plan", &kinds.known),
        ("changed since they were planned", &kinds.changed),
        ("gone from the file", &kinds.gone),
    ] {
        by_state_text(&mut text, label, by_state);
    }
    text
}

fn by_state_text(text: &mut String, label: &str, by_state: &ByState) {
    let mut line = |label: &str, Size { rows, points }: Size| {
        if rows > 0 {
            let _ = writeln!(text, "  {label:<34}{:>10}{:>18}", grouped(rows), grouped(points));
        }
    };
    line(label, by_state.all());
    for state in State::ALL {
        line(&format!("  of these {}", state.word().replace('_', " ")), by_state.of(state));
    }
}

/// What stands behind the message of a refusal: what the rows are, and the first problems.
pub(super) fn refusal_text(refusal: &Refusal) -> String {
    let mut text = String::new();
    if let Some(kinds) = &refusal.kinds {
        let _ = write!(text, "\n{}", kinds_text(kinds).trim_end());
    }
    for problem in refusal.problems.iter().take(PRINTED_MAX) {
        let _ = write!(text, "\n  {}", problem_line(&problem.masked()));
    }
    if refusal.problem_count > PRINTED_MAX as u64 && !refusal.problems.is_empty() {
        let more = refusal.problem_count.saturating_sub(PRINTED_MAX as u64);
        let _ = write!(text, "\n  … and {} more", grouped(more));
    }
    text
}

/// The same for scripts: all problems that are listed.
pub(super) fn refusal_json(refusal: &Refusal) -> serde_json::Value {
    let problems: Vec<serde_json::Value> =
        refusal.problems.iter().map(|problem| problem_json(&problem.masked())).collect();
    json!({"problem_count": refusal.problem_count, "problems": problems})
}

/// A problem as scripts read it.
pub(super) fn problem_json(problem: &Problem) -> serde_json::Value {
    json!({"row": problem.row, "column": problem.column, "found": problem.found, "message": problem.message})
}

fn problem_line(problem: &Problem) -> String {
    let mut line = problem.row.map_or_else(|| "the file".to_owned(), |row| format!("row {row}"));
    let column = problem.column.as_deref().unwrap_or_default();
    if !column.is_empty() {
        let _ = write!(line, ", {column}");
    }
    if !problem.found.is_empty() {
        let _ = write!(line, ", {:?}", problem.found);
    }
    let _ = write!(line, ": {}", problem.message);
    line
}

#[cfg(test)]
mod tests {
    use super::super::wrap::wrapped;
    use super::*;
    use crate::app::Sha256;
    use unicode_width::UnicodeWidthStr;

    fn plan(host: &str, sheet: Option<&str>, members: u64) -> DraftSummary {
        let new = Size { rows: members, points: 1_914_576 };
        let file = tempfile::NamedTempFile::new().unwrap();
        let url = format!("{}://{host}", if host.starts_with("127") { "http" } else { "https" });
        let set = [("URL", &*url), ("MERCHANT_ID", "M001"), ("TERMINAL_ID", "T001"), ("KEY_CODE", "code")];
        let set = set.map(|(name, value)| (format!("TOPUP_GATEWAY_{name}").into(), value.into()));
        let binding = Settings::read(Some(file.path()), set.into_iter(), None).unwrap().binding().unwrap();
        DraftSummary {
            binding,
            file_name: "Thưởng tháng 11 của toàn bộ khách hàng thân thiết miền Bắc.xlsx".to_owned(),
            sheet: sheet.map(str::to_owned),
            new,
            whole: new,
            kinds: RowKinds::default(),
            members,
            without_pre_check: 0,
            largest: 50_000,
            plan_sha256: Sha256::of(b"plan"),
            repairs: Vec::new(),
            repair_count: 0,
            warnings: Vec::new(),
        }
    }

    #[test]
    fn the_question_names_where_the_money_goes_and_fits_the_screen() {
        let name = BatchName::parse("2026-11").unwrap();
        for (host, sheet, members, parts) in [
            (
                "api-merchant.vinid.net",
                Some("Tháng 11"),
                320,
                &["through PRODUCTION, api-merchant.vinid.net", "sheet \"Tháng 11\"", "to 320 members"][..],
            ),
            (
                "api-merchant-sandbox.vinid.dev",
                None,
                1,
                &["through the sandbox, api-", "miền Bắc.xlsx\n", "to 1 member "],
            ),
            ("127.0.0.1:8099", None, 2, &["through 127.0.0.1:8099 on this machine, merchant"]),
            ("gateway.example", None, 2, &["gateway.example, which is neither the documented production nor"]),
        ] {
            let asked = question(&name, &plan(host, sheet, members));
            let always = ["batch 2026-11 from Thưởng", "merchant M001, terminal T001", "1,914,576 points", "50,000"];
            for part in parts.iter().chain(&always) {
                assert!(asked.contains(part), "{part:?} is not in {asked}");
            }
            assert_eq!(asked.contains("PRODUCTION"), host == "api-merchant.vinid.net", "{asked}");
            for columns in [60, 100] {
                let shown = wrapped(&asked, columns);
                assert!(shown.lines().all(|line| line.width() <= columns), "{shown}");
                assert!(shown.ends_with("type yes to pay: "), "{shown}");
            }
        }
    }
}
