//! The whole program, measured from outside against a fast gateway on loopback, each figure beside what it is to reach.
//!
//! `cargo bench --bench whole` measures everything, `cargo bench --bench whole -- run start` only what is named:
//! `run`, `tls`, `slow-disk`, `plan`, `rate`, `million`, `memory`, `start`. Figures mean something on a quiet machine only.

#![expect(clippy::print_stdout, reason = "a bench prints what it measured")]

mod gateway;
mod ledgers;
mod million;
mod planning;
mod program;
mod rate;
mod run;
mod tls;

use std::error::Error;

/// A bench ends where its set-up fails.
pub(crate) type Outcome<T> = Result<T, Box<dyn Error>>;

type Case = (&'static str, fn() -> Outcome<()>);

const CASES: &[Case] = &[
    ("start", run::start),
    ("run", run::clean),
    ("tls", tls::beside_plain),
    ("slow-disk", run::slow_disk),
    ("plan", planning::planning),
    ("million", million::million),
    ("memory", run::memory),
    ("rate", rate::rate),
];

fn main() -> Outcome<()> {
    let named: Vec<String> = std::env::args().skip(1).filter(|argument| !argument.starts_with('-')).collect();
    if let Some(unknown) = named.iter().find(|name| CASES.iter().all(|(case, _)| case != name)) {
        let known: Vec<&str> = CASES.iter().map(|(case, _)| *case).collect();
        return Err(format!("there is no case {unknown:?}, only {}", known.join(", ")).into());
    }
    for (name, case) in CASES {
        if named.is_empty() || named.iter().any(|wanted| wanted == name) {
            case()?;
        }
    }
    Ok(())
}

/// Prints one figure, and what it is to reach.
pub(crate) fn print(what: &str, found: &str, reach: &str) {
    println!("{what:<58} {found:>24}   reach: {reach}");
}

pub(crate) fn mib(bytes: u64) -> String {
    format!("{:.1} MiB", bytes as f64 / f64::from(1 << 20))
}

/// The middle one of several figures.
pub(crate) fn median<T: Copy + PartialOrd>(mut figures: Vec<T>) -> Option<T> {
    figures.sort_by(|a, b| a.partial_cmp(b).unwrap_or(std::cmp::Ordering::Equal));
    figures.get(figures.len() / 2).copied()
}
