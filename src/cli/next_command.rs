//! Writes the command that pays a plan which was looked at, as it can be typed: everything that the plan depends on
//! stands in it, quoted for a shell.

use super::args::RunArgs;
use super::terminal::Terminal;
use crate::app::{Batch, typed};
use std::path::PathBuf;

/// `topup run …` for the plan of `batch` and no other, with what the plan was made under.
pub(super) fn paying_command(terminal: &Terminal, args: &RunArgs, batch: &Batch) -> String {
    let mut words = vec!["topup".to_owned(), "run".to_owned(), typed(&args.file.display().to_string())];
    let mut put = |flag: &str, value: &str| {
        // A value that begins like a flag would be taken for one.
        let glue = if value.starts_with('-') { '=' } else { ' ' };
        words.push(format!("{flag}{glue}{}", typed(value)));
    };
    put("--batch", batch.name.as_str());
    put("--confirm-plan", &batch.plan_sha256.to_string());
    for (flag, path) in &terminal.typed {
        put(flag, &path.display().to_string());
    }
    let args = &args.reading;
    let how = &args.how;
    if let Some(sheet) = &how.sheet {
        put("--sheet", sheet);
    }
    how.column.iter().for_each(|column| put("--column", column));
    if let Some(mark) = how.points_grouping {
        put("--points-grouping", &mark.to_string());
    }
    if let Some(rows) = args.expect_rows {
        put("--expect-rows", &rows.to_string());
    }
    if let Some(points) = args.expect_total {
        put("--expect-total", &points.to_string());
    }
    if let Some(why) = &args.repeat {
        put("--repeat", why);
    }
    let switches = [
        (args.skip_invalid, "--skip-invalid"),
        (how.allow_repeat_phones, "--allow-repeat-phones"),
        (how.include_hidden, "--include-hidden"),
        (how.visible_only, "--visible-only"),
    ];
    words.extend(switches.into_iter().filter(|(is_on, _)| *is_on).map(|(_, flag)| flag.to_owned()));
    words.join(" ")
}

/// The flags that said which configuration and ledger, with a blank in front of each.
pub(super) fn typed_flags(terminal: &Terminal) -> String {
    let flag = |(flag, path): &(&str, PathBuf)| format!(" {flag}={}", typed(&path.display().to_string()));
    terminal.typed.iter().map(flag).collect()
}
