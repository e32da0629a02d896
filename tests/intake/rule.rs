//! A rule as a table: what a file holds and what it must give, one line per case.
//!
//! Rows are written `row:member=points`, their repairs in brackets behind them, refused rows `row!Kind`, and what
//! refuses the whole file `!Kind`.

use std::fmt::Write as _;
use std::io::Write as _;
use std::path::Path;
use topup::intake::{IntakeError, IntakeOptions, Item, open};

pub(super) const GOOD: &str = "2:0901234567=1000";

/// Reads a file and writes down what it gave, in the words of this file's cases.
pub(super) fn read(path: &Path, options: &IntakeOptions) -> String {
    let mut given = String::new();
    if let Err(error) = read_items(path, options, &mut given) {
        match error.to_problem() {
            problem if problem.row.is_some() => write!(given, " {}!{:?}", problem.row.unwrap(), problem.kind),
            problem => write!(given, " !{:?}", problem.kind),
        }
        .unwrap();
    }
    given.trim().to_owned()
}

fn read_items(path: &Path, options: &IntakeOptions, given: &mut String) -> Result<(), IntakeError> {
    let mut intake = open(path, options)?;
    while let Some(item) = intake.next()? {
        match item {
            Item::Row(row, repairs) => {
                write!(given, " {}:{}={}", row.row, row.member.key(), row.points.value()).unwrap();
                let kinds: Vec<String> = repairs.iter().map(|repair| format!("{:?}", repair.kind)).collect();
                if !kinds.is_empty() {
                    write!(given, "[{}]", kinds.join(",")).unwrap();
                }
            }
            Item::Problems(problems) => {
                for problem in problems {
                    write!(given, " {}!{:?}", problem.row.unwrap(), problem.kind).unwrap();
                }
            }
        }
    }
    let tail = intake.finish()?;
    if let Some((row, points)) = tail.control_total {
        write!(given, " {row}:total={points}").unwrap();
    }
    tail.problems.iter().for_each(|problem| write!(given, " !{:?}", problem.kind).unwrap());
    Ok(())
}

pub(super) fn file(bytes: &[u8]) -> tempfile::NamedTempFile {
    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(bytes).unwrap();
    file
}

/// Holds the cases of one rule.
pub(super) fn rule(rule: &str, cases: &[(&str, &str)]) {
    rule_with(rule, &IntakeOptions::default(), cases);
}

pub(super) fn rule_with(rule: &str, options: &IntakeOptions, cases: &[(&str, &str)]) {
    assert!(!cases.is_empty(), "{rule}: no case");
    for (content, expected) in cases {
        assert_eq!(read(file(content.as_bytes()).path(), options), *expected, "{rule}\n{content}");
    }
}

pub(super) fn with(change: impl FnOnce(&mut IntakeOptions)) -> IntakeOptions {
    let mut options = IntakeOptions::default();
    change(&mut options);
    options
}
