//! Is the process that runs the engine: it can be interrupted, and it can die between any two of its moments.
//!
//! A moment is every look at the clock (one comes before each write to the ledger), every told event, every call that
//! is made ready, every call that is about to leave.

use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::pin::pin;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::task::Poll;
use tokio::sync::Notify;

/// What unwinds the engine when the process dies in the middle of a step.
#[derive(Debug)]
struct Death;

/// One process.
#[derive(Debug, Default)]
pub(crate) struct Process {
    moment: AtomicU64,
    dies_at: Option<u64>,
    interrupted_at: Option<u64>,
    copies_at: Option<u64>,
    dead: AtomicBool,
    died: Notify,
    interrupt: Notify,
    /// What broke an invariant while the process ran.
    violations: Mutex<Vec<String>>,
}

/// How the engine ended.
#[derive(Debug)]
pub(crate) enum Ended<T> {
    Returned(T),
    Died,
    Panicked(String),
}

impl Process {
    pub(crate) fn new(dies_at: Option<u64>, interrupted_at: Option<u64>, copies_at: Option<u64>) -> Self {
        Self { dies_at, interrupted_at, copies_at, ..Self::default() }
    }

    /// Passes a moment outside the engine's own future; false: the process is dead, and nothing may happen any more.
    pub(crate) fn lives(&self) -> bool {
        let moment = self.moment.fetch_add(1, Ordering::Relaxed) + 1;
        if self.interrupted_at == Some(moment) {
            self.interrupt.notify_one();
        }
        if self.dies_at == Some(moment) {
            self.dead.store(true, Ordering::Relaxed);
            self.died.notify_one();
        }
        !self.dead.load(Ordering::Relaxed)
    }

    /// Passes a moment in the middle of one of the engine's own steps.
    pub(crate) fn step(&self) {
        if !self.lives() {
            // Not a panic: no hook, no message.
            resume_unwind(Box::new(Death));
        }
    }

    /// A copy of the ledger is to be made now.
    pub(crate) fn copies_now(&self) -> bool {
        self.copies_at == Some(self.moment.load(Ordering::Relaxed))
    }

    pub(crate) async fn interrupted(&self) {
        self.interrupt.notified().await;
    }

    pub(crate) fn violate(&self, what: String) {
        self.violations.lock().expect("no panic holds it").push(what);
    }

    pub(crate) fn violation(&self) -> Option<String> {
        self.violations.lock().expect("no panic holds it").first().cloned()
    }

    /// Runs the engine until it returns or the process dies; then everything volatile is gone.
    pub(crate) async fn run<T>(&self, engine: impl Future<Output = T>) -> Ended<T> {
        let mut engine = pin!(engine);
        let guarded =
            std::future::poll_fn(|context| match catch_unwind(AssertUnwindSafe(|| engine.as_mut().poll(context))) {
                Ok(Poll::Pending) => Poll::Pending,
                Ok(Poll::Ready(value)) => Poll::Ready(Ended::Returned(value)),
                Err(payload) if payload.is::<Death>() => Poll::Ready(Ended::Died),
                Err(payload) => Poll::Ready(Ended::Panicked(text_of(payload.as_ref()))),
            });
        tokio::select! {
            biased;
            () = self.died.notified() => Ended::Died,
            ended = guarded => ended,
        }
    }
}

fn text_of(payload: &(dyn std::any::Any + Send)) -> String {
    let text = payload.downcast_ref::<String>().map(String::as_str);
    text.or_else(|| payload.downcast_ref::<&str>().copied()).unwrap_or("a panic without a text").to_owned()
}
