//! `topup check`: reads and judges a file, offline. `topup template`: a file to begin with.

use super::args::{CheckArgs, TemplateArgs};
use super::hints::command;
use super::output::{Output, Report};
use super::plan_view::problem_json;
use super::requests::intake_options;
use super::terminal::Terminal;
use crate::app::check::{self, CheckRequest};
use crate::app::{CheckReport, Failure, LISTED_MAX, Step, TemplateLang, check_text};
use serde_json::{Map, Value, json};
use std::io::IsTerminal;
use std::path::Path;

pub(super) fn check(output: Output, args: &CheckArgs, ledger: Option<&Path>) -> Result<Report, Failure> {
    let options = intake_options(&args.how, args.expect_total)?;
    let (file, export) = (args.file.clone(), args.export.clone());
    let request = CheckRequest { file, options, expect_rows: args.expect_rows, export };
    let checked = check::check(&request, ledger)?;
    let colour = std::io::stdout().is_terminal() && std::env::var_os("NO_COLOR").is_none();
    let mut text = check_text(&checked.report, &args.file.display().to_string(), colour, command);
    let mut json = to_json(&checked.report);
    if let Some((target, written)) = &checked.export {
        let shown = target.display();
        text.push_str(&if *written {
            format!("wrote {shown}: the sheet with what is wrong in it, marked and in the column «Lỗi»\n")
        } else {
            format!("{shown} was not written: no sheet was found that could be given back\n")
        });
        json["export"] = json!(written.then(|| shown.to_string()));
    }
    if colour {
        // The report shows what steers a terminal as dots already; at the end its own colours would go as well.
        output.bare(&Output::fitted(&text))?;
        text.clear();
    }
    Ok(Report { ending: checked.ending, json, text })
}

/// One JSON object, as scripts rely on it.
fn to_json(report: &CheckReport) -> Value {
    let format = report.format.as_ref();
    let columns: Map<String, Value> = format
        .map(|format| {
            format.columns.iter().map(|(meaning, header)| (meaning.word().to_owned(), json!(header))).collect()
        })
        .unwrap_or_default();
    json!({
        "verdict": if report.is_ok() { "ok" } else { "refused" },
        "rows": report.rows,
        "points": report.points,
        "encoding": format.map(|format| format.encoding),
        "delimiter": format.and_then(|format| format.delimiter),
        "sheet": format.and_then(|format| format.sheet.as_deref()),
        "header_row": format.map(|format| format.header_row),
        "columns": columns,
        "control_total": report.control_total.map(|(row, points)| json!({"row": row, "points": points})),
        "footer_rows": listed(&report.footer_rows),
        "hidden_rows": listed(&report.hidden_rows),
        "problem_count": report.problem_count,
        "problems": report.problems.iter().map(problem_json).collect::<Vec<_>>(),
        "repairs": report.repairs.iter().map(|repair| json!({
            "row": repair.row, "column": repair.column, "from": repair.from, "to": repair.to,
        })).collect::<Vec<_>>(),
        "phones": report.phones.iter().map(|(row, phone)| json!({"row": row, "phone": phone})).collect::<Vec<_>>(),
        "warnings": report.warnings,
    })
}

/// The first of many rows.
fn listed(rows: &[u64]) -> &[u64] {
    &rows[..rows.len().min(LISTED_MAX)]
}

pub(super) fn template(args: &TemplateArgs) -> Result<Report, Failure> {
    check::template(&args.output, if args.lang == "en" { TemplateLang::En } else { TemplateLang::Vi }, command)?;
    let file = args.output.display().to_string();
    let text = format!("wrote {file}; fill it in, then: {}\n", command(&Step::Check(file.clone())));
    Ok(Terminal::shown(json!({"file": file}), text))
}
