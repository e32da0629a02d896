//! The ledger as a run uses it: one writer thread that groups commits, and a reader beside it.
//!
//! A commit costs a sync of the disk. All writes that wait for one go into the next together: the sync is shared,
//! and nothing is reported as durable before it is over.

use super::database::Database;
use super::error::LedgerError;
use super::guard::Guard;
use super::kept::{File, Reader};
use super::permit::SubmitPermit;
use super::read_store::ReadStore;
use super::record::{Batch, BatchEvent, BatchId, Entry, Newest, Payout, PayoutId, Totals, UnixMs};
use super::repeats::Repeat;
use super::store::Store;
use super::under::Purpose;
use super::views::InDoubt;
use super::writer::{Write, Writer};
use super::{Ledger, facts, history, proposals};
use crate::domain::approval::Actor;
use crate::domain::invoice_no::InvoiceNo;
use crate::domain::payout_status::{PayoutStatus, State};
use crate::moment::Moment;
use std::future::Future;
use std::sync::{Mutex, MutexGuard, PoisonError, mpsc};
use std::thread::JoinHandle;
use std::time::Duration;
use tokio::sync::oneshot;

/// Writes in one commit at the most: more would only make the first of them wait.
const GROUP_MAX: usize = 512;

/// How long the first write of a commit waits for company. A commit writes whole pages and syncs, whatever it holds: at
/// a thousand rows a second this halves the processor time that the ledger takes, and a payout waits twice for it.
const GATHERING: Duration = Duration::from_millis(4);

type Written = Result<Vec<SubmitPermit>, LedgerError>;

#[derive(Debug)]
struct Job {
    write: Write,
    done: oneshot::Sender<Written>,
}

/// The ledger of one batch during a run.
#[derive(Debug)]
pub struct RunLedger {
    pub(super) batch: BatchId,
    /// The version of the plan up to which payouts are taken up.
    pub(super) payable: u32,
    purpose: Purpose,
    guard: Guard,
    side: Side,
}

#[derive(Debug)]
enum Side {
    /// A file: the writer has a thread of its own. The engine bounds what waits in the channel.
    /// The writer closes last: only it can fold the write-ahead log back into the file.
    Threaded { reader: Mutex<File>, writer: WriterThread },
    /// In memory: the writer is driven by whoever records, which keeps a simulation on one thread.
    Inline(Mutex<Writer<File>>),
}

/// The thread that writes. It is waited for however the run ends: an outcome that was given to it is written, and
/// nothing is written any more once the lease is given back.
#[derive(Debug)]
struct WriterThread {
    jobs: Option<mpsc::Sender<Job>>,
    thread: Option<JoinHandle<()>>,
}

impl WriterThread {
    fn end(&mut self) -> Result<(), LedgerError> {
        drop(self.jobs.take());
        let ended = self.thread.take().map_or(Ok(()), JoinHandle::join);
        ended.map_err(|_| LedgerError::Stopped("its thread panicked".to_owned()))
    }
}

impl Drop for WriterThread {
    fn drop(&mut self) {
        drop(self.end());
    }
}

impl RunLedger {
    pub(super) fn begin(
        file: File,
        is_rehearsal: bool,
        batch: BatchId,
        actor: &Actor,
        purpose: Purpose,
        guard: Guard,
    ) -> Result<Self, LedgerError> {
        let payable = if is_rehearsal { u32::MAX } else { proposals::payable(file.store(), batch)? };
        let side = match file.beside()? {
            None => Side::Inline(Mutex::new(Writer::new(file, is_rehearsal, batch, actor, guard.clone()))),
            Some(reader) => {
                let (jobs, waiting) = mpsc::channel::<Job>();
                let mut writer = Writer::new(file.watched()?, is_rehearsal, batch, actor, guard.clone());
                let thread = std::thread::Builder::new()
                    .name("ledger".to_owned())
                    .spawn(move || write_until_closed(&mut writer, &waiting))
                    .map_err(LedgerError::io("starting the ledger's thread"))?;
                let writer = WriterThread { jobs: Some(jobs), thread: Some(thread) };
                Side::Threaded { reader: Mutex::new(reader), writer }
            }
        };
        Ok(Self { batch, payable, purpose, guard, side })
    }

    /// Refuses to be used for calls unless the ledger was made for them: only then was it held against the gateway that
    /// they go to.
    ///
    /// # Errors
    /// [`LedgerError::Broken`].
    pub fn check_may_call(&self) -> Result<(), LedgerError> {
        match self.purpose {
            Purpose::Pay | Purpose::Ask => Ok(()),
            Purpose::Record => {
                Err(LedgerError::Broken("a call was to be made by a command that only records".to_owned()))
            }
        }
    }

    /// The same with another clock for the moments of intents, where the ledger is in memory: a simulation has its own
    /// time.
    #[must_use]
    pub fn on_clock(self, now: fn() -> Moment) -> Self {
        let side = match self.side {
            Side::Inline(writer) => {
                let writer = writer.into_inner().unwrap_or_else(PoisonError::into_inner);
                Side::Inline(Mutex::new(writer.on_clock(now)))
            }
            threaded @ Side::Threaded { .. } => threaded,
        };
        Self { side, ..self }
    }

    /// Makes events durable; the future ends after the commit, with a permit for each intent among them.
    pub fn record(&self, at: UnixMs, entries: Vec<Entry>) -> impl Future<Output = Written> + Send + use<> {
        self.write(Write::Payouts { at, entries })
    }

    /// Makes an event of the batch durable.
    pub fn record_batch(&self, at: UnixMs, event: BatchEvent) -> impl Future<Output = Written> + Send + use<> {
        self.write(Write::Batch { at, event })
    }

    fn write(&self, write: Write) -> impl Future<Output = Written> + Send + use<> {
        let (done, written) = oneshot::channel();
        match &self.side {
            // A closed channel drops `done`, which `written` reports.
            Side::Threaded { writer, .. } => {
                drop(writer.jobs.as_ref().map(|jobs| jobs.send(Job { write, done })));
            }
            Side::Inline(writer) => {
                let result = unpoisoned(writer).commit(&[write]).map(|mut permits| permits.remove(0));
                drop(done.send(result));
            }
        }
        async move { written.await.unwrap_or_else(|_| Err(LedgerError::Stopped("its thread ended".to_owned()))) }
    }

    pub(super) fn read<T>(&self, read: impl FnOnce(&Reader) -> Result<T, LedgerError>) -> Result<T, LedgerError> {
        match &self.side {
            Side::Threaded { reader, .. } => read(unpoisoned(reader).store()),
            Side::Inline(writer) => read(unpoisoned(writer).database().store()),
        }
    }

    /// The next payouts in a state, in the order of the plan.
    pub fn payouts_after(
        &self,
        state: State,
        after: Option<PayoutId>,
        rows_max: usize,
    ) -> Result<Vec<Payout>, LedgerError> {
        let plan_max = if state == State::Planned { self.payable } else { u32::MAX };
        self.read(|connection| connection.payouts_after(self.batch, (state, plan_max), after, rows_max))
    }

    /// The first payouts in doubt, each with what became of its sends.
    pub fn in_doubt(&self, rows_max: usize) -> Result<Vec<InDoubt>, LedgerError> {
        self.read(|connection| connection.in_doubt(self.batch, rows_max))
    }

    /// One payout.
    pub fn payout(&self, payout: PayoutId) -> Result<Payout, LedgerError> {
        self.read(|connection| connection.payout(payout))
    }

    /// How a payout stands after its whole history.
    ///
    /// # Errors
    /// When the history contradicts itself.
    pub fn standing(&self, payout: PayoutId) -> Result<PayoutStatus, LedgerError> {
        self.read(|store| history::standing(store, payout))
    }

    /// The batch, with the newest head of its chain.
    pub fn batch(&self) -> Result<Batch, LedgerError> {
        self.read(|connection| Store::batch(connection, self.batch))
    }

    /// Rows and points by state.
    pub fn totals(&self) -> Result<Totals, LedgerError> {
        self.read(|connection| connection.totals(self.batch))
    }

    /// The gateway was found to know numbers that this ledger never sent.
    pub fn gateway_is_ahead(&self) -> Result<bool, LedgerError> {
        self.read(|connection| Ok(!connection.batch_events(self.batch, &["gateway_ahead"])?.is_empty()))
    }

    /// The rows that the batch's last plan added, and whether their canary was confirmed.
    pub fn newest(&self) -> Result<Newest, LedgerError> {
        self.read(|connection| facts::newest(connection, self.batch))
    }

    /// The first payouts that are credited from one on, in the order of the plan. It does not look further than a few
    /// pages of payouts: a canary is among the first of its rows.
    pub fn credited_from(&self, first: PayoutId, rows_max: usize) -> Result<Vec<Payout>, LedgerError> {
        self.read(|connection| connection.credited_from(self.batch, first, rows_max))
    }

    /// The payout that a person names by its reference or an invoice_no.
    pub fn find(&self, named: &str) -> Result<Option<PayoutId>, LedgerError> {
        self.read(|connection| connection.named(self.batch, named))
    }

    /// The names of a held payout: the one that the file says, and the one that the gateway gave last.
    pub fn names(&self, payout: PayoutId) -> Result<(Option<String>, Option<String>), LedgerError> {
        self.read(|connection| connection.names(payout))
    }

    /// Another batch of the merchant that has the same member and points, so that a retry or release is refused, or needs
    /// a reason.
    ///
    /// # Errors
    /// When the key of purged batches is needed and not there.
    pub fn elsewhere(&self, payout: PayoutId, now: UnixMs) -> Result<Option<Repeat>, LedgerError> {
        self.read(|connection| self.guard.elsewhere(connection, payout, now))
    }

    /// All payouts in a state, in the order of the plan.
    pub fn in_state(&self, state: State) -> Result<Vec<PayoutId>, LedgerError> {
        self.read(|connection| connection.in_state(self.batch, state))
    }

    /// When the last send of a payout began or ended, in Unix milliseconds.
    pub fn last_send_at(&self, payout: PayoutId) -> Result<Option<UnixMs>, LedgerError> {
        self.read(|connection| connection.last_send_at(payout))
    }

    /// Every number that may have been sent, by this ledger or by one that was lost meanwhile, with the payout and
    /// whether it is the one in use: all but those of payouts that wait for their first send.
    pub fn verifiable_numbers(&self) -> Result<Vec<(PayoutId, InvoiceNo, bool)>, LedgerError> {
        let batch = self.batch()?;
        self.read(|connection| connection.verifiable_numbers(&batch))
    }

    /// Whether this is a rehearsal's copy, of which nothing is kept.
    #[must_use]
    pub fn is_scratch(&self) -> bool {
        match self.side {
            Side::Inline(_) => true,
            Side::Threaded { .. } => false,
        }
    }

    /// The ledger that a rehearsal ran on, which is nowhere else; `None` where it is a file: that is opened again.
    #[must_use]
    pub fn into_scratch(self) -> Option<Ledger> {
        match self.side {
            Side::Threaded { .. } => None,
            Side::Inline(writer) => {
                let writer = writer.into_inner().unwrap_or_else(PoisonError::into_inner);
                let is_rehearsal = writer.is_rehearsal();
                Some(Ledger { is_rehearsal, ..Ledger::of(writer.into_database(), None) })
            }
        }
    }

    /// Waits for the writer to finish what was given to it.
    ///
    /// # Errors
    /// When the writer's thread panicked.
    pub fn close(self) -> Result<(), LedgerError> {
        match self.side {
            Side::Inline(_) => Ok(()),
            Side::Threaded { reader, mut writer } => {
                drop(reader);
                writer.end()
            }
        }
    }
}

/// A panic while the lock was held left nothing half done: every write is a transaction.
fn unpoisoned<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn write_until_closed(writer: &mut Writer<File>, waiting: &mpsc::Receiver<Job>) {
    while let Ok(first) = waiting.recv() {
        let (mut writes, mut dones) = (vec![first.write], vec![first.done]);
        std::thread::sleep(GATHERING);
        while writes.len() < GROUP_MAX {
            let Ok(job) = waiting.try_recv() else { break };
            writes.push(job.write);
            dones.push(job.done);
        }
        match writer.commit(&writes) {
            // Who no longer waits does not want to know: the outcome is in the ledger either way.
            Ok(permits) => permits.into_iter().zip(dones).for_each(|(permits, done)| drop(done.send(Ok(permits)))),
            Err(error) => {
                let why = error.to_string();
                let mut first = Some(error);
                for done in dones {
                    let error = first.take().unwrap_or_else(|| LedgerError::Stopped(why.clone()));
                    drop(done.send(Err(error)));
                }
            }
        }
    }
}
