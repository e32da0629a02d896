//! Simulates any number of seeds: `cargo run --release --example simulate -- --seeds 1000000 [--from N]`, or one with
//! everything that happens in it: `--seed N`.

#![expect(clippy::print_stdout, reason = "a program for the terminal")]

#[path = "../tests/simulation/sim/mod.rs"]
mod sim;

use std::process::ExitCode;

/// As the program itself.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    let (mut count, mut from, mut one) = (10_000, 0, None);
    let mut arguments = std::env::args().skip(1);
    while let Some(argument) = arguments.next() {
        let value = arguments.next().and_then(|value| value.parse::<u64>().ok());
        match (argument.as_str(), value) {
            ("--seeds", Some(value)) => count = value,
            ("--from", Some(value)) => from = value,
            ("--seed", Some(value)) => one = Some(value),
            _ => {
                println!("usage: simulate [--seeds COUNT] [--from SEED] | --seed SEED");
                return ExitCode::from(2);
            }
        }
    }
    if let Some(seed) = one {
        return show(seed);
    }
    let summary = sim::simulate_many(from..from + count, 16, |done| println!("{done} seeds passed"));
    println!("{}never met: {:?}\n{}", summary.coverage, summary.coverage.missing(), summary.rates());
    match summary.failure {
        None => ExitCode::SUCCESS,
        Some((seed, violation)) => {
            show(seed);
            println!("{violation}");
            ExitCode::FAILURE
        }
    }
}

/// One seed, line by line.
fn show(seed: u64) -> ExitCode {
    let outcome = sim::simulate(seed, true, sim::Connections::New);
    for line in &outcome.lines {
        println!("{line}");
    }
    match outcome.violation {
        None => {
            println!("seed {} passed: {} runs, {} requests", outcome.seed, outcome.runs, outcome.requests);
            ExitCode::SUCCESS
        }
        Some(violation) => {
            println!("{violation}");
            ExitCode::FAILURE
        }
    }
}
