//! Runtimes for what a use case does asynchronously; what runs on one ends with it.

use super::failure::{Ending, Failure};
use anyhow::Context as _;
use tokio::runtime::{Builder, Runtime};

/// Runs a use case's asynchronous part, on this thread alone: signatures, the one thing that takes its time, have
/// threads of their own.
pub fn block_on<T>(work: impl Future<Output = Result<T, Failure>>) -> Result<T, Failure> {
    current_thread()?.block_on(work)
}

/// A runtime without threads of its own.
pub fn current_thread() -> Result<Runtime, Failure> {
    built(&mut Builder::new_current_thread())
}

/// A runtime with a thread of its own, for what goes on beside a use case; what runs on it ends when it is dropped.
pub(super) fn background() -> Result<Runtime, Failure> {
    built(Builder::new_multi_thread().worker_threads(1))
}

fn built(builder: &mut Builder) -> Result<Runtime, Failure> {
    let runtime = builder.enable_all().build().context("starting the runtime");
    runtime.map_err(|error| Failure::new(Ending::Failed, "runtime", error))
}
