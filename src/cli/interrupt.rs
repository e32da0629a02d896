//! Hears Ctrl-C and SIGTERM while a command is at work: the first one asks it to end, the second one ends the process.
//!
//! On a thread of its own: the command's thread may be held up, by a stderr that nobody reads or by a stuck disk, and the
//! second Ctrl-C has to work all the same. Everything that matters is in the ledger by then.

use super::execute::current_thread;
use super::failure::{Exit, Failure};
use anyhow::Context as _;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};
use tokio::sync::oneshot;

/// Ends at the first Ctrl-C or SIGTERM. Dropped, it hears no more: the next one is meant for somebody else.
#[derive(Debug)]
pub(super) struct Interrupt {
    heard: oneshot::Receiver<()>,
    /// Its end is that of the thread.
    _over: oneshot::Sender<()>,
}

impl Interrupt {
    /// Listens from now on.
    pub(super) fn listen() -> Result<Self, Failure> {
        let failed = |error| Failure::new(Exit::Failed, "signals", error);
        let runtime = current_thread()?;
        let mut signals = {
            let _entered = runtime.enter();
            Signals::listen().context("listening for signals").map_err(failed)?
        };
        let (hears, heard) = oneshot::channel();
        let (_over, over) = oneshot::channel::<()>();
        let two_signals = async move {
            signals.next().await;
            drop(hears);
            signals.next().await;
            std::process::exit(Exit::Interrupted as i32);
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
struct Signals(tokio::signal::unix::Signal, tokio::signal::unix::Signal);

#[cfg(unix)]
impl Signals {
    fn listen() -> std::io::Result<Self> {
        use tokio::signal::unix::{SignalKind, signal};
        Ok(Self(signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?))
    }

    async fn next(&mut self) {
        tokio::select! {
            _ = self.0.recv() => {}
            _ = self.1.recv() => {}
        }
    }
}

#[cfg(not(unix))]
struct Signals;

#[cfg(not(unix))]
impl Signals {
    fn listen() -> std::io::Result<Self> {
        Ok(Self)
    }

    async fn next(&mut self) {
        drop(tokio::signal::ctrl_c().await);
    }
}
