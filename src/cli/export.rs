//! `topup export`: writes the results of a batch into a file, beside a live run too.

use super::args::ExportArgs;
use super::output::Report;
use super::requests::states;
use super::terminal::Terminal;
use crate::app::export::{self, Exported, ResultRequest};
use crate::app::{Failure, Lang, counted, grouped, noun};
use serde_json::{Map, Value, json};
use std::fmt::Write;

pub(super) fn export(terminal: &Terminal, args: &ExportArgs) -> Result<Report, Failure> {
    let (only, skipped) = states(&args.only)?;
    let lang = if args.lang == Lang::Vi.code() { Lang::Vi } else { Lang::En };
    let (batch, output) = (args.batch.clone(), args.output.clone());
    let mode = args.mode.as_deref().map(export::file_mode).transpose()?;
    let total_by = args.total_by.clone();
    let request = ResultRequest { batch, output, only, skipped, lang, total_by, mode };
    let exported = export::export(terminal.context(), &request)?;
    Ok(Terminal::shown(to_json(&exported, args), to_text(&exported, args)))
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
        let _ = writeln!(
            text,
            "  {label:<11}{:>12} {:<7} {:>16} {}",
            grouped(total.rows),
            noun(total.rows, "payout"),
            grouped(total.points),
            noun(total.points, "point")
        );
    }
    if exported.skipped > 0 {
        let _ = writeln!(
            text,
            "  {:<11}{:>12} {}",
            Lang::En.skipped(),
            grouped(exported.skipped),
            noun(exported.skipped, "row")
        );
    }
    text
}
