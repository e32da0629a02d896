//! Every sample of `samples/troubles` gives exactly the report that lies beside it.
//!
//! A report begins with the command that gives it. After a wanted change, `BLESS=1 cargo test --test intake samples`
//! writes the reports anew; the difference is then read by a person.

use std::fs;
use std::path::{Path, PathBuf};
use topup::domain::column_role::ColumnRole;
use topup::intake::{IntakeOptions, check};
use topup::report::check_text;

fn samples() -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("samples/troubles");
    let mut files: Vec<PathBuf> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| !path.to_string_lossy().ends_with(".report.txt") && path.extension().is_none_or(|e| e != "md"))
        .collect();
    files.sort();
    files
}

/// The words of a command line in which single quotes keep blanks together.
fn words(command: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    let mut quoted = false;
    for c in command.chars() {
        match c {
            '\'' => quoted = !quoted,
            ' ' if !quoted => words.push(String::new()),
            c => words.last_mut().unwrap().push(c),
        }
    }
    words
}

/// The options that a command `$ topup check FILE …` asks for.
fn options(command: &str) -> IntakeOptions {
    let words = words(command);
    let mut options = IntakeOptions::default();
    let mut words = words.iter().skip(4);
    while let Some(word) = words.next() {
        let mut value = || words.next().unwrap().clone();
        match word.as_str() {
            "--sheet" => options.sheet = Some(value()),
            "--points-grouping" => options.points_grouping = value().chars().next(),
            "--expect-total" => options.expect_total = Some(value().parse().unwrap()),
            "--include-hidden" => options.include_hidden = true,
            "--visible-only" => options.visible_only = true,
            "--allow-repeat-phones" => options.allow_repeat_phones = true,
            "--column" => {
                let (meaning, header) = value().split_once('=').map(|(m, h)| (m.to_owned(), h.to_owned())).unwrap();
                options.columns.push((ColumnRole::parse(&meaning).unwrap(), header));
            }
            other => panic!("unknown flag {other}"),
        }
    }
    options
}

#[test]
fn every_sample_gives_its_report() {
    let bless = std::env::var_os("BLESS").is_some();
    let mut different = Vec::new();
    let samples = samples();
    assert!(samples.len() > 50, "{} samples", samples.len());
    for sample in samples {
        let name = sample.file_name().unwrap().to_string_lossy().into_owned();
        let beside = sample.with_file_name(format!("{name}.report.txt"));
        let expected = fs::read_to_string(&beside).unwrap_or_default();
        let fallback = format!("$ topup check {name}");
        let command = expected.lines().next().unwrap_or(&fallback);
        let report = check(&sample, &options(command));
        let folder = format!("{}/", sample.parent().unwrap().display());
        let text =
            format!("{command}\n{}", check_text(&report, &name, false, topup::cli::command)).replace(&folder, "");
        if text == expected {
            continue;
        }
        if bless {
            fs::write(&beside, &text).unwrap();
        } else {
            different.push(format!("{name}\n--- expected\n{expected}\n--- now\n{text}"));
        }
    }
    assert!(different.is_empty(), "{}", different.join("\n\n"));
}
