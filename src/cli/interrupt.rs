//! Hears Ctrl-C, SIGTERM and SIGHUP while a command is at work: the first one asks it to end, a second Ctrl-C or SIGTERM
//! ends the process. A SIGHUP that came ignored, as under `nohup`, stays so.
//!
//! On a thread of its own: the command's thread may be held up, by a stderr that nobody reads or by a stuck disk, and the
//! second Ctrl-C has to work all the same. Everything that matters is in the ledger by then.

use super::exit::status;
use crate::app::runtime::current_thread;
use crate::app::{Ending, Failure};
use anyhow::Context as _;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};
use tokio::sync::oneshot;

/// Ends at the first Ctrl-C, SIGTERM or SIGHUP. Dropped, it hears no more: the next one is meant for somebody else.
#[derive(Debug)]
pub(super) struct Interrupt {
    heard: oneshot::Receiver<()>,
    /// Its end is that of the thread.
    _over: oneshot::Sender<()>,
}

impl Interrupt {
    /// Listens from now on.
    pub(super) fn listen() -> Result<Self, Failure> {
        let failed = |error| Failure::new(Ending::Failed, "signals", error);
        let runtime = current_thread()?;
        let mut signals = {
            let _entered = runtime.enter();
            Signals::listen().context("listening for signals").map_err(failed)?
        };
        let (hears, heard) = oneshot::channel();
        let (_over, over) = oneshot::channel::<()>();
        let two_signals = async move {
            signals.first().await;
            drop(hears);
            signals.second().await;
            super::output::left_at_once();
            std::process::exit(status(Ending::Interrupted).into());
        };
        let listens = move || {
            runtime.block_on(async {
                tokio::select! {
                    () = two_signals => {}
                    _ = over => {}
                }
            });
        };
        let thread = std::thread::Builder::new().name("signals".to_owned()).spawn(listens);
        thread.context("starting the thread that listens for signals").map_err(failed)?;
        Ok(Self { heard, _over })
    }
}

impl Future for Interrupt {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        Pin::new(&mut self.heard).poll(context).map(drop)
    }
}

#[cfg(unix)]
struct Signals {
    interrupt: tokio::signal::unix::Signal,
    terminate: tokio::signal::unix::Signal,
    /// `None`: it came ignored, or nobody can tell.
    hang_up: Option<tokio::signal::unix::Signal>,
}

#[cfg(unix)]
impl Signals {
    fn listen() -> std::io::Result<Self> {
        use tokio::signal::unix::{SignalKind, signal};
        let hang_up =
            if HANG_UP_ENDS.get().copied().unwrap_or_default() { Some(signal(SignalKind::hangup())?) } else { None };
        Ok(Self { interrupt: signal(SignalKind::interrupt())?, terminate: signal(SignalKind::terminate())?, hang_up })
    }

    async fn first(&mut self) {
        let hung_up = async {
            match &mut self.hang_up {
                Some(hang_up) => drop(hang_up.recv().await),
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
            () = hung_up => {}
        }
    }

    /// A terminal that goes away may say so twice: only what a person or an administrator sends ends the process.
    async fn second(&mut self) {
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
        }
    }
}

/// Whether a SIGHUP would end this process. Looked at once, before anything listens: afterwards it does not tell.
#[cfg(unix)]
static HANG_UP_ENDS: std::sync::OnceLock<bool> = std::sync::OnceLock::new();

/// Looks which signals came ignored. Where the system does not say so, a SIGHUP is left as it came.
pub(super) fn look_at_signals() {
    #[cfg(unix)]
    HANG_UP_ENDS.get_or_init(|| {
        let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
        let ignored = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
        // Signal 1 is the lowest bit.
        ignored.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok()).is_some_and(|mask| mask & 1 == 0)
    });
}

#[cfg(not(unix))]
struct Signals;

#[cfg(not(unix))]
impl Signals {
    fn listen() -> std::io::Result<Self> {
        Ok(Self)
    }

    async fn first(&mut self) {
        drop(tokio::signal::ctrl_c().await);
    }

    async fn second(&mut self) {
        drop(tokio::signal::ctrl_c().await);
    }
}
