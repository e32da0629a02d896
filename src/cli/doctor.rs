//! `topup doctor`: checks everything that a run rests on, and makes one signed call that cannot move a point.
//!
//! It changes nothing, takes no lock, and runs beside a live run. A check that another one's failure makes pointless
//! is said to be left out, not passed over.

mod ledger;
mod network;
mod settings;
mod window;

use super::context::Context;
use super::failure::{Exit, Failure};
use super::output::Report;
use serde_json::json;
use std::fmt::Write;

/// The column in which a line's words begin.
const INDENT: usize = 25;

/// How one thing was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Finding {
    Ok,
    Warning,
    Failure,
}

impl Finding {
    fn word(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Warning => "warning",
            Self::Failure => "failure",
        }
    }
}

/// What was looked at, line by line.
#[derive(Debug, Default)]
struct Findings {
    lines: Vec<(&'static str, Finding, String)>,
    exit: Option<Exit>,
}

impl Findings {
    fn ok(&mut self, what: &'static str, text: impl Into<String>) {
        self.lines.push((what, Finding::Ok, text.into()));
    }

    fn warn(&mut self, what: &'static str, text: impl Into<String>) {
        self.lines.push((what, Finding::Warning, text.into()));
    }

    /// The first failure decides the exit status.
    fn fail(&mut self, what: &'static str, exit: Exit, text: impl Into<String>) {
        self.exit.get_or_insert(exit);
        self.lines.push((what, Finding::Failure, text.into()));
    }

    /// Notes a failure, and goes on without what it was to give.
    fn take<T>(&mut self, what: &'static str, result: Result<T, Failure>) -> Option<T> {
        result.map_err(|failure| self.fail(what, failure.exit, failure.to_string())).ok()
    }

    fn count(&self, of: Finding) -> usize {
        self.lines.iter().filter(|(_, finding, _)| *finding == of).count()
    }

    fn to_text(&self) -> String {
        let (mut text, below) = (String::new(), format!("\n{}", " ".repeat(INDENT)));
        for (what, finding, line) in &self.lines {
            let _ = writeln!(text, "{:<8} {what:<15} {}", finding.word(), line.replace('\n', &below));
        }
        let (failures, warnings) = (self.count(Finding::Failure), self.count(Finding::Warning));
        let _ = match (failures, warnings) {
            (0, 0) => writeln!(text, "everything that was looked at is in order"),
            (0, warnings) => writeln!(text, "nothing keeps a run from its work; warnings: {warnings}"),
            (failures, warnings) => {
                writeln!(text, "mend what failed, then: topup doctor; failures: {failures}, warnings: {warnings}")
            }
        };
        text
    }
}

pub(super) fn doctor(context: &Context) -> Result<Report, Failure> {
    let mut findings = Findings::default();
    settings::check_configuration(context, &mut findings);
    let gateway = settings::check_settings(context, &mut findings);
    settings::check_key(context, &mut findings);
    if ledger::check_ledger(context, &mut findings) {
        network::check_network(context, gateway.as_ref(), &mut findings)?;
    } else {
        findings.warn("network", "not looked at: the ledger belongs to another gateway or merchant");
    }
    let lines = findings.lines.iter();
    let checks: Vec<_> =
        lines.map(|(what, finding, text)| json!({"check": what, "result": finding.word(), "text": text})).collect();
    let exit = findings.exit.unwrap_or(Exit::Done);
    Ok(Report { exit, json: json!({"checks": checks}), text: findings.to_text() })
}
