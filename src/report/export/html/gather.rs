//! Gathers what the page shows, in one pass and in memory that does not grow: lists stop at a length, counts do not.

use crate::domain::payout_status::State;
use crate::ledger::{LedgerError, Outcome, UnixMs};
use crate::report::export::layout::{code_of, words_of};
use crate::report::export::source::Source;
use crate::report::reasons::Reason;
use std::collections::BTreeMap;

/// Payouts that a list names; the other formats hold all of them.
pub(super) const LISTED_MAX: usize = 1000;
/// Different reasons that are told apart; a gateway that invents codes must not fill the memory.
const REASONS_MAX: usize = 200;
const HOUR_MS: i64 = 3_600_000;

/// Payouts and their points.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Count {
    pub(super) rows: u64,
    pub(super) points: u64,
}

impl Count {
    fn add(&mut self, points: u64) {
        self.rows += 1;
        self.points += points;
    }
}

/// One payout of a list.
#[derive(Debug)]
pub(super) struct Item {
    pub(super) row: u64,
    pub(super) reference: String,
    pub(super) member: String,
    pub(super) name: String,
    pub(super) points: u64,
    pub(super) invoice_no: String,
    pub(super) state: State,
    pub(super) reason: Option<Reason>,
    pub(super) code: Option<i64>,
    pub(super) words: String,
    pub(super) credited_at: Option<UnixMs>,
}

/// The first payouts of a kind, and how many there are.
#[derive(Debug, Default)]
pub(super) struct List {
    pub(super) items: Vec<Item>,
    pub(super) count: Count,
}

impl List {
    fn add(&mut self, outcome: &Outcome<'_>) {
        self.count.add(outcome.points);
        if self.items.len() < LISTED_MAX {
            self.items.push(Item::of(outcome));
        }
    }
}

impl Item {
    fn of(outcome: &Outcome<'_>) -> Self {
        let owned = |text: Option<&str>| text.unwrap_or_default().to_owned();
        let member = match (outcome.id, outcome.phone) {
            (Some((id_type, id)), _) => format!("{id_type} {id}"),
            (None, phone) => owned(phone),
        };
        // What our own side says of a lost call is for the log.
        let is_said = outcome.decided.as_ref().is_some_and(|decided| decided.http.is_some() || decided.why.is_some());
        Self {
            row: outcome.row,
            reference: owned(outcome.reference),
            member,
            name: owned(outcome.name),
            points: outcome.points,
            invoice_no: outcome.invoice_no.to_owned(),
            state: outcome.state,
            reason: Reason::of(outcome),
            code: code_of(outcome),
            words: owned(words_of(outcome).filter(|_| is_said)),
            credited_at: outcome.credited_at,
        }
    }
}

/// Everything that the page shows of payouts.
#[derive(Debug, Default)]
pub(super) struct Gathered {
    pub(super) in_doubt: List,
    pub(super) held: List,
    /// Declined, ineligible, cancelled.
    pub(super) unpaid: List,
    /// Planned.
    pub(super) waiting: List,
    /// Credited, and not spendable yet: still to be raised with the provider.
    pub(super) fresh: List,
    /// Credited, and spendable.
    pub(super) spendable: List,
    /// Credits by how long they stand: up to 1 h, 6 h, 12 h, until they are spendable, longer.
    pub(super) ages: [Count; 5],
    pub(super) reasons: BTreeMap<(State, Option<Reason>), Count>,
}

pub(super) fn gather(source: &Source<'_>) -> Result<Gathered, LedgerError> {
    let mut gathered = Gathered::default();
    source.each::<LedgerError>(|outcome| {
        gathered.take(outcome, source);
        Ok(())
    })?;
    Ok(gathered)
}

impl Gathered {
    fn take(&mut self, outcome: &Outcome<'_>, source: &Source<'_>) {
        match outcome.state {
            State::Credited => return self.take_credit(outcome, source),
            State::InDoubt => self.in_doubt.add(outcome),
            State::Held => self.held.add(outcome),
            State::Planned => self.waiting.add(outcome),
            State::Declined | State::Ineligible | State::Cancelled => self.unpaid.add(outcome),
        }
        let key = (outcome.state, Reason::of(outcome));
        let key = if self.reasons.len() < REASONS_MAX || self.reasons.contains_key(&key) { key } else { (key.0, None) };
        self.reasons.entry(key).or_default().add(outcome.points);
    }

    fn take_credit(&mut self, outcome: &Outcome<'_>, source: &Source<'_>) {
        let now = source.request.now;
        let credited_at = outcome.credited_at.unwrap_or(now);
        let age_h = (now - credited_at) / HOUR_MS;
        let is_fresh = source.layout.spendable_at(credited_at) > now;
        let age = match (is_fresh, age_h) {
            (false, _) => 4,
            (true, ..1) => 0,
            (true, 1..6) => 1,
            (true, 6..12) => 2,
            (true, _) => 3,
        };
        self.ages[age].add(outcome.points);
        if is_fresh { self.fresh.add(outcome) } else { self.spendable.add(outcome) }
    }
}
