//! Writes the command that pays a plan which was looked at, as it can be typed: everything that the plan depends on
//! stands in it, quoted for a shell.

use super::args::RunArgs;
use super::context::Context;
use crate::ledger::Batch;
use std::borrow::Cow;
use std::path::PathBuf;

/// `topup run …` for the plan of `batch` and no other, with what the plan was made under.
pub(super) fn paying_command(context: &Context, args: &RunArgs, batch: &Batch) -> String {
    let mut words = vec!["topup".to_owned(), "run".to_owned(), quoted(&args.file.display().to_string()).into_owned()];
    let mut put = |flag: &str, value: &str| {
        // A value that begins like a flag would be taken for one.
        let glue = if value.starts_with('-') { '=' } else { ' ' };
        words.push(format!("{flag}{glue}{}", quoted(value)));
    };
    put("--batch", batch.name.as_str());
    put("--confirm-plan", &batch.plan_sha256.to_string());
    for (flag, path) in &context.typed {
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
pub(super) fn typed_flags(context: &Context) -> String {
    let flag = |(flag, path): &(&str, PathBuf)| format!(" {flag}={}", quoted(&path.display().to_string()));
    context.typed.iter().map(flag).collect()
}

/// A word as a shell takes it for one: between single quotes where it holds anything but plain characters.
fn quoted(word: &str) -> Cow<'_, str> {
    let is_plain = |c: char| c.is_alphanumeric() || "-_./,:=@%+".contains(c);
    if !word.is_empty() && word.chars().all(is_plain) {
        return Cow::Borrowed(word);
    }
    Cow::Owned(format!("'{}'", word.replace('\'', r"'\''")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_shell_would_take_apart_is_quoted() {
        for (word, expected) in [
            ("rewards-2026.csv", "rewards-2026.csv"),
            ("thưởng.csv", "thưởng.csv"),
            ("my file.csv", "'my file.csv'"),
            ("$(x)", "'$(x)'"),
            ("a'b", r"'a'\''b'"),
            ("", "''"),
        ] {
            assert_eq!(quoted(word), expected);
        }
    }
}
