//! A seeded simulation of whole batches: the real engine and the real ledger, on virtual time, with a gateway, a
//! network, a process and a disk that fail as the seed says. TigerBeetle's shape: a safety phase under faults, then
//! everything heals and must finish.

#![expect(clippy::expect_used, reason = "a helper of tests: where it fails, the simulation itself is broken")]

mod audit;
mod book;
mod clock;
mod coverage;
mod edited;
mod fault_schedule;
mod fixture;
mod gateway;
mod invariants;
mod ledgers;
mod many;
mod network;
mod person;
mod pool;
mod process;
mod recorded_events;
mod scenario;
mod trace;
mod verification;

pub(crate) use coverage::Coverage;
pub(crate) use many::simulate_many;
pub(crate) use pool::Connections;

/// What one seed came to.
#[derive(Debug)]
pub(crate) struct Outcome {
    pub(crate) seed: u64,
    /// The invariant that broke.
    pub(crate) violation: Option<String>,
    /// A hash of everything that happened.
    pub(crate) digest: u64,
    pub(crate) coverage: Coverage,
    pub(crate) runs: u64,
    pub(crate) requests: u64,
    /// Everything that happened, where it was asked for.
    pub(crate) lines: Vec<String>,
}

/// Simulates one seed.
pub(crate) fn simulate(seed: u64, with_lines: bool, connections: Connections) -> Outcome {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build()
        .expect("a runtime without I/O");
    runtime.block_on(async { fixture::Fixture::new(seed, with_lines, connections).live().await })
}
