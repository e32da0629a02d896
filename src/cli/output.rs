//! Prints: results on stdout, everything else on stderr; with `--json` exactly one object on stdout.

#![expect(clippy::print_stderr, reason = "this is where the program speaks")]

use super::args::Common;
use super::failure::{Exit, Failure};
use serde_json::{Value, json};
use std::io::{IsTerminal, Write};
use std::process::ExitCode;

/// What a command has to say at its end.
#[derive(Debug)]
pub(super) struct Report {
    pub(super) exit: Exit,
    pub(super) json: Value,
    pub(super) text: String,
}

/// Where and how much to print.
#[derive(Clone, Copy, Debug)]
pub(super) struct Output {
    pub(super) json: bool,
    pub(super) quiet: bool,
}

impl Output {
    pub(super) fn new(common: &Common) -> Self {
        Self { json: common.json, quiet: common.quiet }
    }

    /// A note for people, beside the result.
    pub(super) fn note(self, text: &str) {
        if !self.quiet {
            eprintln!("{text}");
        }
    }

    /// Whether a person can be asked.
    pub(super) fn can_ask() -> bool {
        std::io::stdin().is_terminal() && std::io::stderr().is_terminal()
    }

    /// Asks a person, and gives the line they typed; `None` at the end of the input.
    pub(super) fn ask(question: &str) -> Option<String> {
        eprint!("{question}");
        let mut line = String::new();
        match std::io::stdin().read_line(&mut line) {
            Ok(0) | Err(_) => None,
            Ok(_) => Some(line.trim().to_owned()),
        }
    }

    /// Prints the end of a command. A reader that went away early is no failure.
    pub(super) fn finish(self, result: Result<Report, Failure>) -> ExitCode {
        match result {
            Ok(report) => {
                let text = if self.json { format!("{}\n", report.json) } else { report.text };
                let _ = std::io::stdout().write_all(text.as_bytes());
                report.exit.into()
            }
            Err(failure) => {
                if self.json {
                    print_failure_as_json(&failure);
                }
                eprintln!("error: {failure}");
                failure.exit.into()
            }
        }
    }
}

/// A failure as scripts read it.
pub(super) fn print_failure_as_json(failure: &Failure) {
    let (message, hint) = failure.message_and_hint();
    let mut error = json!({"code": failure.code, "message": message, "hint": hint});
    if let Some(details) = &failure.details
        && let (Value::Object(error), Value::Object(details)) = (&mut error, details)
    {
        error.extend(details.clone());
    }
    let _ = writeln!(std::io::stdout(), "{}", json!({"error": error}));
}
