//! `topup doctor`: checks everything that a run rests on, line by line.

use super::hints::{command, hint_text};
use super::output::Report;
use super::terminal::Terminal;
use crate::app::doctor::{self, Finding, Line};
use crate::app::{Failure, Step};
use serde_json::json;
use std::fmt::Write;

/// The column in which a line's words begin.
const INDENT: usize = 25;

pub(super) fn doctor(terminal: &Terminal, all_settings: bool) -> Result<Report, Failure> {
    let findings = doctor::doctor(terminal.context(), all_settings)?;
    let (mut text, mut checks) = (String::new(), Vec::new());
    let below = format!("\n{}", " ".repeat(INDENT));
    for line in &findings.lines {
        let (what, result, words) = (line.what, line.finding.word(), words(line));
        let _ = writeln!(text, "{result:<8} {what:<15} {}", words.replace('\n', &below));
        checks.push(json!({"check": what, "result": result, "text": words}));
    }
    let _ = match (findings.count(Finding::Failure), findings.count(Finding::Warning)) {
        (0, 0) => writeln!(text, "everything that was looked at is in order"),
        (0, warnings) => writeln!(text, "nothing keeps a run from its work; warnings: {warnings}"),
        (failures, warnings) => {
            let next = command(&Step::Doctor);
            writeln!(text, "fix what failed, then: {next}; failures: {failures}, warnings: {warnings}")
        }
    };
    Ok(Report { ending: findings.ending(), json: json!({"checks": checks}), text })
}

fn words(line: &Line) -> String {
    let also = line.also.as_ref().map(|also| format!("; {}", hint_text(also))).unwrap_or_default();
    let hint = line.hint.as_ref().map(|hint| format!("\nhint: {}", hint_text(hint))).unwrap_or_default();
    format!("{}{also}{hint}", line.text)
}
