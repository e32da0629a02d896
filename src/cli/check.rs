//! `topup check`: reads and judges a file, offline. `topup template`: a file to begin with.

use super::args::{CheckArgs, FileArgs, TemplateArgs};
use super::failure::{Exit, Failure};
use super::marked;
use super::output::{Output, Report};
use crate::domain::column_role::ColumnRole;
use crate::intake::{self, CheckReport, IntakeOptions, TemplateLang};
use crate::report::check_text;
use anyhow::{Context as _, anyhow};
use serde_json::{Map, Value, json};
use std::io::{IsTerminal, Write};
use std::path::Path;

/// What the user says about how a file is to be read.
pub(super) fn intake_options(args: &FileArgs, expect_total: Option<u64>) -> Result<IntakeOptions, Failure> {
    let columns = args.column.iter().map(|text| column(text)).collect::<Result<Vec<_>, _>>()?;
    if let Some(mark) = args.points_grouping.filter(|mark| !matches!(mark, '.' | ',')) {
        let message = format!("--points-grouping takes . or , and found {mark:?}");
        return Err(Failure::new(Exit::Usage, "points_grouping", anyhow!(message)));
    }
    Ok(IntakeOptions {
        sheet: args.sheet.clone(),
        columns,
        points_grouping: args.points_grouping,
        include_hidden: args.include_hidden,
        visible_only: args.visible_only,
        expect_total,
        allow_repeat_phones: args.allow_repeat_phones,
    })
}

fn column(text: &str) -> Result<(ColumnRole, String), Failure> {
    let named = text.split_once('=').and_then(|(word, header)| Some((ColumnRole::parse(word)?, header.to_owned())));
    named.ok_or_else(|| {
        let words: Vec<&str> = ColumnRole::ALL.into_iter().map(ColumnRole::word).collect();
        let message =
            format!("--column takes MEANING=HEADER, found {text:?}\nhint: MEANING is one of {}", words.join(", "));
        Failure::new(Exit::Usage, "column", anyhow!(message))
    })
}

pub(super) fn check(output: Output, args: &CheckArgs) -> Result<Report, Failure> {
    let options = intake_options(&args.how, args.expect_total)?;
    let target = args.export.as_deref().map(|path| marked::target(path, &args.file)).transpose()?;
    let mut report = intake::check(&args.file, &options);
    report.problems = report.problems.iter().map(intake::Problem::masked).collect();
    if let Some(expected) = args.expect_rows {
        report.expect_rows(expected);
    }
    let refused = !report.is_ok();
    let colour = std::io::stdout().is_terminal() && std::env::var_os("NO_COLOR").is_none();
    let mut text = check_text(&report, &args.file.display().to_string(), colour);
    let exit = if refused { Exit::Refused } else { Exit::Done };
    let mut json = to_json(&report, refused);
    if let Some(target) = &target {
        let written = marked::write(&args.file, &options, target)?;
        let shown = target.display();
        text.push_str(&if written {
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
    Ok(Report { exit, json, text })
}

/// One JSON object, as scripts rely on it.
fn to_json(report: &CheckReport, refused: bool) -> Value {
    let format = report.format.as_ref();
    let columns: Map<String, Value> = format
        .map(|format| {
            format.columns.iter().map(|(meaning, header)| (meaning.word().to_owned(), json!(header))).collect()
        })
        .unwrap_or_default();
    json!({
        "verdict": if refused { "refused" } else { "ok" },
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
        "problems": report.problems.iter().map(|problem| json!({
            "row": problem.row, "column": problem.column, "found": problem.found, "message": problem.message,
        })).collect::<Vec<_>>(),
        "repairs": report.repairs.iter().map(|repair| json!({
            "row": repair.row, "column": repair.column, "from": repair.from, "to": repair.to,
        })).collect::<Vec<_>>(),
        "phones": report.phones.iter().map(|(row, phone)| json!({"row": row, "phone": phone})).collect::<Vec<_>>(),
        "warnings": report.warnings,
    })
}

/// The first of many rows.
fn listed(rows: &[u64]) -> &[u64] {
    &rows[..rows.len().min(intake::LISTED_MAX)]
}

pub(super) fn template(args: &TemplateArgs) -> Result<Report, Failure> {
    let path = &args.output;
    let lang = if args.lang == "en" { TemplateLang::En } else { TemplateLang::Vi };
    let bytes = match path.extension().and_then(|ending| ending.to_str()) {
        Some("csv") => intake::template_csv(lang),
        Some("xlsx") => intake::template_xlsx(lang)
            .context("making the template")
            .map_err(|error| Failure::new(Exit::Failed, "template", error))?,
        Some(_) | None => {
            let message = format!("a template is .csv or .xlsx, found {}", path.display());
            return Err(Failure::new(Exit::Usage, "template", anyhow!(message)));
        }
    };
    write_new(path, &bytes)?;
    let text = format!("wrote {}; fill it in, then: topup check {}\n", path.display(), path.display());
    Ok(Report { exit: Exit::Done, json: json!({"file": path.display().to_string()}), text })
}

/// A file that is there already is somebody's work.
fn write_new(path: &Path, bytes: &[u8]) -> Result<(), Failure> {
    std::fs::OpenOptions::new()
        .write(true)
        .create_new(true)
        .open(path)
        .and_then(|mut file| file.write_all(bytes))
        .with_context(|| format!("writing {}", path.display()))
        .map_err(|error| Failure::new(Exit::Failed, "file", error))
}
