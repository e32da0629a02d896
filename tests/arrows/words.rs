//! Holds that what somebody can do next is worded by the doors alone: as commands, options or links.

use crate::{Source, hold, sources};

#[test]
fn a_step_is_worded_at_the_door() {
    let mut breaches = Vec::new();
    for source in sources().iter().filter(|source| !["cli", "main"].contains(&source.module()) && !source.is_test()) {
        let own = source.own().len();
        for (at, _) in source.text.match_indices("topup ").filter(|(at, _)| *at < own && source.is_in_string(*at)) {
            // `user-agent: topup 0.1`, `the user that runs topup own`: no command.
            let word: String =
                source.text[at + "topup ".len()..].chars().take_while(char::is_ascii_lowercase).collect();
            if COMMANDS.contains(&word.as_str()) {
                breaches.push(source.at(at, &format!("topup {word}")));
            }
        }
    }
    hold("a command below the command line: give a `Step`, and let the door word it", &breaches);
}

/// What can be typed behind `topup`.
const COMMANDS: &[&str] = &[
    "approve",
    "attest",
    "cancel",
    "check",
    "doctor",
    "export",
    "people",
    "plan",
    "policy",
    "purge",
    "rebind",
    "reconcile",
    "release",
    "resolve",
    "resume",
    "retry",
    "run",
    "send",
    "status",
    "template",
    "verify",
    "withdraw",
];

/// Files below the doors that name an option as it is typed, and why.
const NAME_OPTIONS: &[(&str, &str)] = &[
    ("app/propose.rs", "a consent, which is kept in the chain as it was given"),
    ("app/settings.rs", "where a setting came from, which is kept with the plan"),
    ("ledger/settings.rs", "the name under which an answer is sealed with the plan"),
    ("plan/settings.rs", "the names under which answers are sealed with the plan"),
    ("plan/reading.rs", "a problem of a row, which stands in the file's marked copy too"),
    ("plan/reimport_guard.rs", "a problem of a row, which stands in the file's marked copy too"),
    ("intake/", "a problem of a row, which stands in the file's marked copy too"),
];

#[test]
fn an_option_is_worded_at_the_door() {
    let mut breaches = Vec::new();
    let named = |source: &Source| NAME_OPTIONS.iter().any(|(file, _)| source.path.starts_with(file));
    for source in sources().iter().filter(|source| !["cli", "main"].contains(&source.module()) && !source.is_test()) {
        let own = source.own().len();
        for (at, _) in source.text.match_indices("--").filter(|(at, _)| *at < own && source.is_in_string(*at)) {
            let begins = !source.text[..at].ends_with(|before: char| before.is_alphanumeric() || before == '-');
            let is_option = begins && source.text[at + 2..].starts_with(|next: char| next.is_ascii_lowercase());
            if is_option && !named(source) {
                breaches.push(source.at(at, "an option"));
            }
        }
    }
    hold("an option below the command line: give a `Choice`, and let the door word it", &breaches);
}
