//! Writes events: each with the state it leads to, the totals and the chain's head, in one transaction.

use super::chain::Link;
use super::database::Database;
use super::error::LedgerError;
use super::guard::Guard;
use super::intent::{self, Payable};
use super::permit::{Committed, SubmitPermit};
use super::record::{BatchEvent, BatchId, Call, Entry, Total, Totals, UnixMs};
use super::store::{ActorId, Store};
use super::words::{actor_word, batch_words_of, words_of};
use super::{decided, decision_gate};
use crate::domain::approval::Actor;
use crate::domain::event::Event;
use crate::domain::payout::TopUp;
use crate::domain::payout_status::State;
use crate::domain::sha256::Sha256;
use crate::moment::Moment;

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

/// The one that writes for one batch.
#[derive(Debug)]
pub(super) struct Writer<D> {
    database: D,
    batch: BatchId,
    actor: String,
    /// The end of the batch's chain as this writer left it; `None` before its first commit.
    head: Option<Sha256>,
    payable: Payable,
    /// A rehearsal's: nothing of it is anybody's money.
    is_rehearsal: bool,
    stopped: Option<String>,
    /// What the moments of intents are told by.
    now: fn() -> Moment,
    guard: Guard,
}

impl<D: Database> Writer<D> {
    pub(super) fn new(database: D, is_rehearsal: bool, batch: BatchId, actor: &Actor, guard: Guard) -> Self {
        Self {
            database,
            batch,
            actor: actor_word(actor, false),
            head: None,
            payable: None,
            is_rehearsal,
            stopped: None,
            now: Moment::now,
            guard,
        }
    }

    /// The same with another clock for the moments of intents.
    pub(super) fn on_clock(mut self, now: fn() -> Moment) -> Self {
        self.now = now;
        self
    }

    /// Whether it writes to a copy of which nothing is kept.
    pub(super) fn is_rehearsal(&self) -> bool {
        self.is_rehearsal
    }

    pub(super) fn database(&self) -> &D {
        &self.database
    }

    pub(super) fn into_database(self) -> D {
        self.database
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

    fn try_commit(&mut self, writes: &[Write]) -> Result<Vec<Vec<SubmitPermit>>, LedgerError> {
        let Self { database, batch, actor, head: known_head, payable, is_rehearsal, stopped: _, now, guard } = self;
        let ((intended, head), committed) = Committed::by(database, *now, |store| {
            let mut group = Group::begin(store, *batch, actor)?;
            group.guard = Some(guard);
            // The lease keeps a second run off; should one come all the same (its lock file was removed), what this run
            // read is no longer what holds, and a number in doubt could go out from both.
            if known_head.is_some_and(|head| head != group.head) {
                return Err(LedgerError::Broken("another program wrote to this batch during the run".to_owned()));
            }
            if writes.iter().any(Write::intends) {
                group.payable = if *is_rehearsal { u32::MAX } else { intent::payable(payable, store, *batch)? };
            }
            let intended = writes.iter().map(|write| group.write(write)).collect::<Result<Vec<_>, _>>()?;
            let head = group.head;
            group.finish()?;
            Ok((intended, head))
        })?;
        self.head = Some(head);
        let minted = |top_up| SubmitPermit::mint(top_up, &committed);
        Ok(intended.into_iter().map(|top_ups| top_ups.into_iter().map(minted).collect()).collect())
    }
}

/// One transaction's worth of writes.
pub(super) struct Group<'t, S> {
    store: &'t S,
    batch: BatchId,
    /// Who writes, and how that is known.
    actor: &'t str,
    actor_id: ActorId,
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

impl<'t, S: Store> Group<'t, S> {
    pub(super) fn begin(store: &'t S, batch: BatchId, actor: &'t str) -> Result<Self, LedgerError> {
        let (head, actor_id) = store.chain_end(batch, actor)?;
        let (gained, lost) = (Totals::default(), Totals::default());
        Ok(Self { store, batch, actor, actor_id, head, event: None, payable: 0, gained, lost, guard: None })
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
                        decided::check(self.store, *at, entry, before, self.guard)?;
                        decision_gate::check(self.store, self.batch, &entry.event, entry.payout)?;
                    }
                    self.write_entry(*at, entry)?;
                    if entry.event == Event::SubmitIntended {
                        intended.push(intent::read_back(self.store, self.batch, self.payable, entry.payout)?);
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
                self.store.move_total(self.batch, state, gained, lost)?;
            }
        }
        self.store.end_chain(self.batch, self.head, self.event)
    }

    /// What holds an event back, and what is kept with one that a person's reason lets pass.
    fn judge(&self, at: UnixMs, entry: &Entry) -> Result<Option<String>, LedgerError> {
        let unguarded = Guard::default();
        let guard = self.guard.unwrap_or(&unguarded);
        match &entry.event {
            Event::Retried | Event::Released { .. } => guard.reason(self.store, entry.payout, at),
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
            self.store.mint(entry.payout, number)?;
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
            actor: self.actor,
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
            actor: self.actor,
            previous: self.head,
        })
    }

    fn append(&mut self, link: &Link<'_>) -> Result<(), LedgerError> {
        self.event = Some(self.store.append(self.batch, link, self.actor_id)?);
        self.head = link.hash();
        Ok(())
    }

    /// The state is compared as it is replaced: a run that believed something else about the payout is stopped.
    fn move_payout(&mut self, at: UnixMs, entry: &Entry) -> Result<(), LedgerError> {
        let credited_at = (entry.after == State::Credited).then_some(at);
        let states = (entry.before, entry.after);
        let Some(points) = self.store.move_payout(self.batch, entry.payout, states, credited_at)? else {
            let stands = self.store.stands(entry.payout)?;
            if stands.state == entry.before.word() {
                // Only what is approved moves at all.
                let batch = self.store.batch(self.batch)?.name.to_string();
                return Err(LedgerError::NotApproved { batch, row: stands.row });
            }
            return Err(LedgerError::Broken(format!(
                "payout {} was expected to be {} before {:?}",
                entry.payout.0,
                entry.before.word(),
                entry.event
            )));
        };
        let recovered = u64::from(entry.recovered);
        add(self.lost.of_mut(entry.before), points, 0);
        add(self.gained.of_mut(entry.after), points, recovered);
        Ok(())
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
