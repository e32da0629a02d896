//! `topup export`: writes the results of a batch into a file, beside a live run too.

use super::context::{Context, unix_ms};
use super::failure::{Exit, Failure};
use super::output::Report;
use super::{setup, written};
use crate::domain::payout_status::State;
use crate::ledger::Ledger;
use crate::report::{ExportError, ExportFormat, ExportRequest, Exported, Lang, counted, grouped};
use anyhow::anyhow;
use clap::Args;
use serde_json::{Map, Value, json};
use std::fmt::Write;
use std::path::{Path, PathBuf};

#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
    topup export 2026-11 -o results.csv               the rows and columns of the file, with outcomes\n  \
    topup export 2026-11 -o ket-qua.xlsx --lang vi    a workbook, in Vietnamese\n  \
    topup export 2026-11 -o report.html               one page to read, print and pass on\n  \
    topup export 2026-11 -o unpaid.csv --only declined,ineligible\n\n\
    The ending chooses the format: .csv, .xlsx, .html, .json. It reads beside a live run, and the file takes its\n\
    name only when it is whole. A file of what was not paid carries batch and invoice_no: `topup run` refuses it\n\
    under another batch, and `topup retry` plans its payouts again.")]
pub(super) struct ExportArgs {
    /// The batch
    pub(super) batch: String,
    /// The file to write: .csv, .xlsx, .html or .json
    #[arg(long, short, value_name = "FILE")]
    pub(super) output: PathBuf,
    /// Only payouts in these states, as in declined,ineligible; skipped names the rows left out (default: all)
    #[arg(long, value_name = "STATES", value_delimiter = ',')]
    pub(super) only: Vec<String>,
    /// Language of texts: en or vi
    #[arg(long, value_name = "LANG", default_value = "en", value_parser = ["en", "vi"])]
    pub(super) lang: String,
}

pub(super) fn export(context: &Context, args: &ExportArgs) -> Result<Report, Failure> {
    let is_skipped = |word: &String| word.trim().eq_ignore_ascii_case("skipped");
    let words: Vec<String> = args.only.iter().filter(|word| !is_skipped(word)).cloned().collect();
    let skipped = args.only.is_empty() || args.only.iter().any(is_skipped);
    let only = if words.is_empty() && !args.only.is_empty() { Vec::new() } else { states(&words)? };
    let lang = if args.lang == Lang::Vi.code() { Lang::Vi } else { Lang::En };
    let target = Target::new(context, &args.output, lang)?;
    let exported = target.write(context, &context.open_to_read()?, &args.batch, (&only, skipped))?;
    Ok(Report { exit: Exit::Done, json: to_json(&exported, args), text: to_text(&exported, args) })
}

/// A result file that can be written: what is wrong with its name or the configuration has shown.
pub(super) struct Target<'t> {
    path: &'t Path,
    lang: Lang,
    spendable_after_h: u64,
}

impl<'t> Target<'t> {
    pub(super) fn new(context: &Context, path: &'t Path, lang: Lang) -> Result<Self, Failure> {
        ExportFormat::of(path)?;
        written::no_ledger(path, Some(&context.ledger_path))?;
        Ok(Self { path, lang, spendable_after_h: setup::spendable_after_h(&context.config)? })
    }

    pub(super) fn write(
        &self,
        context: &Context,
        ledger: &Ledger,
        batch: &str,
        (only, skipped): (&[State], bool),
    ) -> Result<Exported, Failure> {
        let Self { path, lang, spendable_after_h } = *self;
        let request = ExportRequest { path, only, skipped, lang, spendable_after_h, now: unix_ms() };
        let exported = crate::report::export(ledger, batch, &request)?;
        exported.notes.iter().for_each(|note| context.output.note(&format!("note: {note}")));
        Ok(exported)
    }
}

/// The states that were named; all of them where none was.
fn states(words: &[String]) -> Result<Vec<State>, Failure> {
    if words.is_empty() {
        return Ok(State::ALL.to_vec());
    }
    let state = |word: &String| {
        // Typed with a dash or a blank as often as with an underscore.
        let plain = word.trim().to_lowercase().replace(['-', ' '], "_");
        State::from_word(&plain).ok_or_else(|| {
            let known: Vec<&str> = State::ALL.into_iter().map(State::word).chain(["skipped"]).collect();
            let message = format!("--only takes states, found {word:?}\nhint: the states are {}", known.join(", "));
            Failure::new(Exit::Usage, "only", anyhow!(message))
        })
    };
    words.iter().map(state).collect()
}

fn to_json(exported: &Exported, args: &ExportArgs) -> Value {
    let states: Map<String, Value> = exported
        .states
        .iter()
        .map(|(state, total)| (state.word().to_owned(), json!({"rows": total.rows, "points": total.points})))
        .collect();
    json!({
        "batch": args.batch, "file": exported.path.display().to_string(), "rows": exported.rows(),
        "points": exported.points(), "states": states, "skipped": {"rows": exported.skipped},
    })
}

fn to_text(exported: &Exported, args: &ExportArgs) -> String {
    let (file, rows) = (exported.path.display(), counted(exported.rows(), "payout"));
    let mut text = format!("wrote {file}: {rows} of batch {}\n", args.batch);
    for (state, total) in exported.states.iter().filter(|(_, total)| total.rows > 0) {
        let label = Lang::En.state(*state);
        // Writing to a string cannot fail.
        let _ = writeln!(text, "  {label:<11}{:>12} payouts {:>16} points", grouped(total.rows), grouped(total.points));
    }
    if exported.skipped > 0 {
        let _ = writeln!(text, "  {:<11}{:>12} rows", Lang::En.skipped(), grouped(exported.skipped));
    }
    text
}

impl From<ExportError> for Failure {
    fn from(error: ExportError) -> Self {
        match error {
            ExportError::Ledger(error) => error.into(),
            ExportError::Ending(_) => Self::new(Exit::Usage, "format", error),
            ExportError::Occupied { .. } => Self::new(Exit::Usage, "occupied", error),
            ExportError::Write { .. } | ExportError::Workbook(_) => Self::new(Exit::Failed, "write", error),
        }
    }
}
