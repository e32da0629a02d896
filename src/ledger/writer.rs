//! Writes events: each with the state it leads to, the totals and the chain's head, in one transaction.

use super::chain::Link;
use super::decided;
use super::decision_gate;
use super::error::LedgerError;
use super::intent::{self, Payable};
use super::permit::SubmitPermit;
use super::record::{BatchEvent, BatchId, Call, Entry, PayoutId, Total, Totals, UnixMs};
use super::repeats::Guard;
use super::sqlite::held::Watched;
use super::words::{batch_words_of, words_of};
use crate::crash;
use crate::domain::event::Event;
use crate::domain::invoice_no::InvoiceNo;
use crate::domain::payout::TopUp;
use crate::domain::payout_status::State;
use crate::domain::sha256::Sha256;
use crate::moment::Moment;
use rusqlite::{Connection, Transaction, TransactionBehavior, params};
use std::path::Path;

/// What becomes durable together.
#[derive(Debug)]
pub(super) enum Write {
    /// Events of payouts.
    Payouts { at: UnixMs, entries: Vec<Entry> },
    /// An event of the batch.
    Batch { at: UnixMs, event: BatchEvent },
}

impl Write {
    /// Whether it asks for a permit.
    fn intends(&self) -> bool {
        match self {
            Self::Payouts { entries, .. } => entries.iter().any(|entry| entry.event == Event::SubmitIntended),
            Self::Batch { .. } => false,
        }
    }
}

/// The one connection that writes for one batch.
#[derive(Debug)]
pub(super) struct Writer {
    connection: Connection,
    batch: BatchId,
    /// The end of the batch's chain as this writer left it; `None` before its first commit.
    head: Option<Sha256>,
    payable: Payable,
    /// A rehearsal's: nothing of it is anybody's money.
    is_rehearsal: bool,
    /// The files that it writes into; `None`: in memory.
    watched: Option<Watched>,
    stopped: Option<String>,
    /// What the moments of intents are told by.
    now: fn() -> Moment,
    guard: Guard,
}

impl Writer {
    pub(super) fn new(connection: Connection, batch: BatchId, guard: Guard) -> Self {
        Self {
            connection,
            batch,
            head: None,
            payable: None,
            is_rehearsal: false,
            watched: None,
            stopped: None,
            now: Moment::now,
            guard,
        }
    }

    /// A writer to a copy of which nothing is kept, and of which nothing is approved.
    pub(super) fn rehearsing(connection: Connection, batch: BatchId, guard: Guard) -> Self {
        Self { is_rehearsal: true, ..Self::new(connection, batch, guard) }
    }

    /// The same with another clock for the moments of intents.
    pub(super) fn on_clock(mut self, now: fn() -> Moment) -> Self {
        self.now = now;
        self
    }

    /// The same, of a file: from here on it, its write-ahead log and its index have to stay what they are.
    pub(super) fn watching(self) -> Result<Self, LedgerError> {
        let watched = self.connection.path().map(|path| Watched::of(Path::new(path))).transpose()?;
        Ok(Self { watched, ..self })
    }

    /// Whether it writes to a copy of which nothing is kept.
    pub(super) fn is_rehearsal(&self) -> bool {
        self.is_rehearsal
    }

    pub(super) fn connection(&self) -> &Connection {
        &self.connection
    }

    pub(super) fn into_connection(self) -> Connection {
        self.connection
    }

    /// Makes all writes durable in one commit, or none; gives the permits of each.
    ///
    /// After a failure nothing more is written: what the run knows and what the ledger holds may have parted.
    pub(super) fn commit(&mut self, writes: &[Write]) -> Result<Vec<Vec<SubmitPermit>>, LedgerError> {
        if let Some(why) = &self.stopped {
            return Err(LedgerError::Stopped(why.clone()));
        }
        self.try_commit(writes).inspect_err(|error| self.stopped = Some(error.to_string()))
    }

    fn check_files(&self) -> Result<(), LedgerError> {
        self.watched.as_ref().map_or(Ok(()), Watched::check)
    }

    fn try_commit(&mut self, writes: &[Write]) -> Result<Vec<Vec<SubmitPermit>>, LedgerError> {
        let doing = "writing to the ledger";
        self.check_files()?;
        // IMMEDIATE: a deferred transaction that reads before it writes is refused without waiting.
        let transaction = self
            .connection
            .transaction_with_behavior(TransactionBehavior::Immediate)
            .map_err(LedgerError::sqlite(doing))?;
        let mut group = Group::begin(&transaction, self.batch)?;
        group.guard = Some(&self.guard);
        // The lock keeps a second run off; should one come all the same (its lock file was removed), what this run
        // read is no longer what holds, and a number in doubt could go out from both.
        if self.head.is_some_and(|head| head != group.head) {
            return Err(LedgerError::Broken("another program wrote to this batch during the run".to_owned()));
        }
        if writes.iter().any(Write::intends) {
            let payable = if self.is_rehearsal {
                u32::MAX
            } else {
                intent::payable(&mut self.payable, &transaction, self.batch)?
            };
            group.payable = payable;
        }
        let intended = writes.iter().map(|write| group.write(write)).collect::<Result<Vec<_>, _>>()?;
        let head = group.head;
        group.finish()?;
        // Before the commit, not after it: who is stopped between the two may find the intent resolved by another.
        let intended_at = (self.now)();
        crash::point("before-commit");
        transaction.commit().map_err(LedgerError::sqlite("committing to the ledger"))?;
        self.head = Some(head);
        crash::point("after-commit");
        // In pairs: a commit into a file that nobody finds any more is none, and no permit rests on it.
        self.check_files()?;
        let minted = |top_up| SubmitPermit::mint(top_up, intended_at);
        Ok(intended.into_iter().map(|top_ups| top_ups.into_iter().map(minted).collect()).collect())
    }
}

/// One transaction's worth of writes.
pub(super) struct Group<'t> {
    transaction: &'t Transaction<'t>,
    batch: BatchId,
    head: Sha256,
    /// The event that this is the hash of, once one was written.
    event: Option<i64>,
    /// The version of the plan up to which permits may be minted: none, unless the writer said so.
    payable: u32,
    gained: Totals,
    lost: Totals,
    /// What may be sent and planned again; without one, nothing.
    guard: Option<&'t Guard>,
}

impl<'t> Group<'t> {
    pub(super) fn begin(transaction: &'t Transaction<'t>, batch: BatchId) -> Result<Self, LedgerError> {
        let head = transaction
            .prepare_cached("SELECT chain_head FROM batches WHERE batch_id = ?1")
            .and_then(|mut statement| statement.query_row([batch.0], |row| row.get(0)))
            .map_err(LedgerError::sqlite("reading the chain's head"))?;
        let (gained, lost) = (Totals::default(), Totals::default());
        Ok(Self { transaction, batch, head, event: None, payable: 0, gained, lost, guard: None })
    }

    /// Gives the top-ups whose intents it wrote.
    pub(super) fn write(&mut self, write: &Write) -> Result<Vec<TopUp>, LedgerError> {
        match write {
            Write::Batch { at, event } => self.write_batch_event(*at, event).map(|()| Vec::new()),
            Write::Payouts { at, entries } => {
                let mut intended = Vec::new();
                for (index, entry) in entries.iter().enumerate() {
                    if entry.event.is_decision() {
                        let before = index.checked_sub(1).map(|index| &entries[index]);
                        decided::check(self.transaction, *at, entry, before, self.guard)?;
                        decision_gate::check(self.transaction, self.batch, &entry.event, entry.payout)?;
                    }
                    self.write_entry(*at, entry)?;
                    if entry.event == Event::SubmitIntended {
                        intended.push(intent::read_back(self.transaction, self.batch, self.payable, entry.payout)?);
                    }
                }
                Ok(intended)
            }
        }
    }

    /// The end of the batch's chain after what was written.
    pub(super) fn head(&self) -> Sha256 {
        self.head
    }

    pub(super) fn finish(self) -> Result<(), LedgerError> {
        for state in State::ALL {
            let (gained, lost) = (self.gained.of(state), self.lost.of(state));
            if gained != lost {
                self.move_total(state, gained, lost)?;
            }
        }
        self.transaction
            .prepare_cached(
                "UPDATE batches SET chain_head = ?2, chain_event = coalesce(?3, chain_event) WHERE batch_id = ?1",
            )
            .and_then(|mut statement| statement.execute(params![self.batch.0, self.head, self.event]))
            .map(drop)
            .map_err(LedgerError::sqlite("writing the chain's head"))
    }

    /// What holds an event back, and what is kept with one that a person's reason lets pass.
    fn judge(&self, at: UnixMs, entry: &Entry) -> Result<Option<String>, LedgerError> {
        let unguarded = Guard::default();
        let guard = self.guard.unwrap_or(&unguarded);
        match &entry.event {
            Event::Retried | Event::Released { .. } => guard.reason(self.transaction, entry.payout, at),
            Event::SubmitIntended if !guard.may_send => {
                Err(LedgerError::Broken("a top-up was to be sent by a command that only asks".to_owned()))
            }
            Event::SubmitIntended
            | Event::MemberAnswered(_)
            | Event::OrderAnswered(_)
            | Event::SendEnded(_)
            | Event::Cancelled
            | Event::AttestedCredited
            | Event::AttestedNotCredited => Ok(None),
        }
    }

    fn write_entry(&mut self, at: UnixMs, entry: &Entry) -> Result<(), LedgerError> {
        let repeats = self.judge(at, entry)?;
        if entry.before != entry.after {
            self.move_payout(at, entry)?;
        }
        if let Some(number) = &entry.new_number {
            self.mint(entry.payout, number)?;
        }
        let (kind, detail) = words_of(&entry.event);
        let released_name = match &entry.event {
            Event::Released { name } => name.as_deref(),
            Event::MemberAnswered(_)
            | Event::OrderAnswered(_)
            | Event::SubmitIntended
            | Event::SendEnded(_)
            | Event::Retried
            | Event::Cancelled
            | Event::AttestedCredited
            | Event::AttestedNotCredited => None,
        };
        let call = entry.call.as_ref();
        let why = repeats.map(|repeats| format!("{}; {repeats}", entry.why.as_deref().unwrap_or_default()));
        self.append(&Link {
            payout_id: Some(entry.payout.0),
            at,
            kind,
            detail,
            state: (entry.before != entry.after).then(|| entry.after.word()),
            request_id: call.map(|call| call.request_id.as_str()),
            http: call.and_then(|call| call.http).map(i64::from),
            code: call.and_then(|call| call.code),
            latency_ms: call.and_then(latency_ms),
            note: released_name.or(entry.note.as_deref()),
            why: why.as_deref().or(entry.why.as_deref()),
            previous: self.head,
        })
    }

    fn write_batch_event(&mut self, at: UnixMs, event: &BatchEvent) -> Result<(), LedgerError> {
        let (kind, note) = batch_words_of(event);
        self.append(&Link {
            payout_id: None,
            at,
            kind,
            detail: None,
            state: None,
            request_id: None,
            http: None,
            code: None,
            latency_ms: None,
            note,
            why: None,
            previous: self.head,
        })
    }

    fn append(&mut self, link: &Link<'_>) -> Result<(), LedgerError> {
        self.transaction
            .prepare_cached(
                "INSERT INTO events (batch_id, payout_id, at, kind, detail, state, request_id, http, code,
                                     latency_ms, note, why, previous)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13)",
            )
            .and_then(|mut statement| {
                statement.execute(params![
                    self.batch.0,
                    link.payout_id,
                    link.at,
                    link.kind,
                    link.detail,
                    link.state,
                    link.request_id,
                    link.http,
                    link.code,
                    link.latency_ms,
                    link.note,
                    link.why,
                    link.previous,
                ])
            })
            .map_err(LedgerError::sqlite("writing an event"))?;
        self.head = link.hash();
        self.event = Some(self.transaction.last_insert_rowid());
        Ok(())
    }

    /// The state is compared as it is replaced: a run that believed something else about the payout is stopped.
    fn move_payout(&mut self, at: UnixMs, entry: &Entry) -> Result<(), LedgerError> {
        let credited_at = (entry.after == State::Credited).then_some(at);
        let changed = self
            .transaction
            .prepare_cached(
                "UPDATE payouts SET state = ?4, credited_at = ?5
                 WHERE payout_id = ?1 AND batch_id = ?2 AND state = ?3
                     AND plan <= (SELECT approved_plan FROM batches WHERE batch_id = ?2)",
            )
            .and_then(|mut statement| {
                let row = params![entry.payout.0, self.batch.0, entry.before.word(), entry.after.word(), credited_at];
                statement.execute(row)
            })
            .map_err(LedgerError::sqlite("writing a payout's state"))?;
        if changed != 1 {
            return Err(LedgerError::Broken(format!(
                "payout {} was expected to be {} before {:?}",
                entry.payout.0,
                entry.before.word(),
                entry.event
            )));
        }
        let points = self.points_of(entry.payout)?;
        let recovered = u64::from(entry.recovered);
        add(self.lost.of_mut(entry.before), points, 0);
        add(self.gained.of_mut(entry.after), points, recovered);
        Ok(())
    }

    /// Asked for apart: SQLite makes a table for what an `UPDATE` returns.
    fn points_of(&self, payout: PayoutId) -> Result<u64, LedgerError> {
        self.transaction
            .prepare_cached("SELECT points FROM payouts WHERE payout_id = ?1")
            .and_then(|mut statement| statement.query_row([payout.0], |row| row.get(0)))
            .map_err(LedgerError::sqlite("reading a payout's points"))
    }

    /// Gives a payout the number of its next attempt; the old one stays in the ledger for ever.
    fn mint(&self, payout: PayoutId, number: &InvoiceNo) -> Result<(), LedgerError> {
        let minting = || LedgerError::sqlite("minting a new number");
        let attempt: u32 = self
            .transaction
            .prepare_cached(
                "UPDATE payouts SET attempt = attempt + 1, invoice_no = ?2 WHERE payout_id = ?1 RETURNING attempt",
            )
            .and_then(|mut statement| statement.query_row(params![payout.0, number.as_str()], |row| row.get(0)))
            .map_err(minting())?;
        self.transaction
            .prepare_cached("INSERT INTO invoices (invoice_no, payout_id, attempt) VALUES (?1, ?2, ?3)")
            .and_then(|mut statement| statement.execute(params![number.as_str(), payout.0, attempt]))
            .map(drop)
            .map_err(minting())
    }

    fn move_total(&self, state: State, gained: Total, lost: Total) -> Result<(), LedgerError> {
        let changed = self
            .transaction
            .prepare_cached(
                "UPDATE totals SET rows = rows + ?3 - ?6, points = points + ?4 - ?7, recovered = recovered + ?5
                 WHERE batch_id = ?1 AND state = ?2",
            )
            .and_then(|mut statement| {
                statement.execute(params![
                    self.batch.0,
                    state.word(),
                    gained.rows,
                    gained.points,
                    gained.recovered,
                    lost.rows,
                    lost.points,
                ])
            })
            .map_err(LedgerError::sqlite("writing the totals"))?;
        if changed == 1 { Ok(()) } else { Err(LedgerError::Broken(format!("no total for {}", state.word()))) }
    }
}

fn add(total: &mut Total, points: u64, recovered: u64) {
    total.rows += 1;
    total.points += points;
    total.recovered += recovered;
}

fn latency_ms(call: &Call) -> Option<i64> {
    call.latency.map(|latency| i64::try_from(latency.as_millis()).unwrap_or(i64::MAX))
}

#[cfg(test)]
pub(super) mod tests;
