//! Sorts what a provider's statement says of a batch: equal, paid twice, only there, different, only here.

use crate::domain::invoice_no::InvoiceNo;
use crate::domain::payout_status::State;
use crate::domain::privacy::hide_numbers;
use crate::domain::row_key::RowKey;
use crate::domain::statement::{Difference, Line, LineStatus, ShownPhone, differences};
use crate::ledger::{Batch, LedgerEntry, UnixMs};
use std::collections::{BTreeMap, HashMap};

/// Findings of each kind that are listed; the rest is counted.
pub(super) const LISTED_MAX: usize = 1000;
/// Lines of one payout that are listed.
const LINES_MAX: usize = 5;
/// Occurrences of a member, and attempts, by which a number that nobody knows is tried to be explained.
const TRIED: u32 = 3;

/// The kinds of findings, the worst first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    PaidTwice,
    OnlyThere,
    Different,
    OnlyHere,
}

impl Kind {
    pub(super) const ALL: [Self; 4] = [Self::PaidTwice, Self::OnlyThere, Self::Different, Self::OnlyHere];

    /// The kind of a payout's findings, by the worst of them.
    fn of(worst: Difference) -> Self {
        match worst {
            Difference::CreditedTwice => Self::PaidTwice,
            Difference::NotThere => Self::OnlyHere,
            Difference::EarlierNumber
            | Difference::NotHere
            | Difference::DoubtCredited
            | Difference::DoubtFailed
            | Difference::FailedThere
            | Difference::OpenThere
            | Difference::TakenBack
            | Difference::Points
            | Difference::Phone => Self::Different,
        }
    }

    /// The word for it in JSON.
    pub(super) fn word(self) -> &'static str {
        match self {
            Self::PaidTwice => "paid_twice",
            Self::OnlyThere => "only_there",
            Self::Different => "different",
            Self::OnlyHere => "only_here",
        }
    }
}

/// Rows and points.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Tally {
    pub(super) rows: u64,
    pub(super) points: u64,
}

impl Tally {
    fn add(&mut self, points: u64) {
        self.rows += 1;
        self.points = self.points.saturating_add(points);
    }

    fn take(&mut self, points: u64) {
        self.rows = self.rows.saturating_sub(1);
        self.points = self.points.saturating_sub(points);
    }
}

/// One finding.
#[derive(Clone, Debug)]
pub(super) struct Found {
    pub(super) kind: Kind,
    pub(super) number: InvoiceNo,
    /// The payout: its row, reference, masked member, points and state.
    pub(super) payout: Option<(u64, Option<String>, String, u32, State)>,
    pub(super) credited_at: Option<UnixMs>,
    pub(super) what: Vec<Difference>,
    pub(super) lines: Vec<Line>,
    pub(super) line_count: u64,
    /// What a number that nobody knows turned out to be.
    pub(super) explained: Option<String>,
}

/// A statement compared with a batch.
#[derive(Clone, Debug)]
pub struct Reconciliation<'b> {
    pub(super) batch: &'b Batch,
    pub(super) equal: Tally,
    /// Not credited here, and not on the statement.
    pub(super) nowhere: Tally,
    /// Of those, the ones in doubt.
    pub(super) in_doubt: Tally,
    pub(super) tallies: [Tally; Kind::ALL.len()],
    pub(super) found: Vec<Found>,
    /// Listed numbers that nobody knows and nothing explains yet, with their places in `found`.
    unexplained: HashMap<InvoiceNo, usize>,
    pub(super) credited_here: Tally,
    pub(super) credited_there: Tally,
    /// Lines with content.
    pub(super) lines: u64,
    pub(super) other_batches: BTreeMap<String, u64>,
    pub(super) other_programs: u64,
    pub(super) without_number: u64,
    /// What a person should know.
    pub warnings: Vec<String>,
    /// Whether the payouts are those that the plan was sealed with.
    pub is_sealed: bool,
}

impl<'b> Reconciliation<'b> {
    /// Begins to compare a statement with a batch.
    #[must_use]
    pub fn new(batch: &'b Batch) -> Self {
        Self {
            batch,
            equal: Tally::default(),
            nowhere: Tally::default(),
            in_doubt: Tally::default(),
            tallies: Default::default(),
            found: Vec::new(),
            unexplained: HashMap::new(),
            credited_here: Tally::default(),
            credited_there: Tally::default(),
            lines: 0,
            other_batches: BTreeMap::new(),
            other_programs: 0,
            without_number: 0,
            warnings: Vec::new(),
            is_sealed: true,
        }
    }

    /// Counts a line of the statement.
    pub fn line(&mut self) {
        self.lines += 1;
    }

    /// Counts a line of another batch of this ledger.
    pub fn other_batch(&mut self, name: String) {
        *self.other_batches.entry(name).or_default() += 1;
    }

    /// Counts a line that another program sent.
    pub fn other_program(&mut self) {
        self.other_programs += 1;
    }

    /// Counts a line without a number.
    pub fn without_number(&mut self) {
        self.without_number += 1;
    }

    /// Judges a payout of the batch with its lines.
    pub fn payout(&mut self, claimed: &LedgerEntry, lines: &[Line]) {
        let top_up = &claimed.top_up;
        let points = u64::from(top_up.points.value());
        if claimed.state == State::Credited {
            self.credited_here.add(points);
        }
        self.count_credits(lines);
        let what = differences(top_up, claimed.state, lines);
        let Some(worst) = what.first() else {
            match (claimed.state, lines) {
                (State::Credited, _) | (_, [_, ..]) => self.equal.add(points),
                (state, []) => {
                    self.nowhere.add(points);
                    if state == State::InDoubt {
                        self.in_doubt.add(points);
                    }
                }
            }
            return;
        };
        let kind = Kind::of(*worst);
        let at_stake = if kind == Kind::PaidTwice { credited(lines).saturating_sub(points) } else { points };
        let reference = claimed.key.as_reference().map(|reference| hide_numbers(reference).into_owned());
        let found = Found {
            kind,
            number: top_up.invoice_no.clone(),
            payout: Some((claimed.row, reference, top_up.member.masked(), top_up.points.value(), claimed.state)),
            credited_at: claimed.credited_at,
            what,
            lines: first(lines),
            line_count: lines.len() as u64,
            explained: None,
        };
        self.find(found, at_stake);
    }

    /// Judges the lines of a number that this ledger does not know and this program could have made.
    pub fn stranger(&mut self, lines: &[Line]) {
        let Some(line) = lines.first() else { return };
        let credits = lines.iter().filter(|line| line.status == LineStatus::Credited).count();
        let twice = credits > 1;
        let found = Found {
            kind: if twice { Kind::PaidTwice } else { Kind::OnlyThere },
            number: line.number.clone(),
            payout: None,
            credited_at: None,
            what: if twice { vec![Difference::CreditedTwice] } else { Vec::new() },
            lines: first(lines),
            line_count: lines.len() as u64,
            explained: self.explained_by_phone(line),
        };
        if self.find(found, credited(lines)) && self.found.last().is_some_and(|found| found.explained.is_none()) {
            self.unexplained.insert(line.number.clone(), self.found.len() - 1);
        }
    }

    /// A row of this batch that this ledger lost: its number follows from the phone, where it had no reference.
    fn explained_by_phone(&self, line: &Line) -> Option<String> {
        let Some(ShownPhone::Whole(phone)) = line.phone else { return None };
        let member = crate::domain::member::Member::Phone(phone);
        let key_is = |occurrence| {
            let key = RowKey::member(&member, occurrence);
            (1..=TRIED).any(|attempt| self.derive(&key, attempt) == line.number)
        };
        (1..=TRIED).any(key_is).then(|| "a row of this batch that this ledger does not have".to_owned())
    }

    fn derive(&self, key: &RowKey, attempt: u32) -> InvoiceNo {
        let binding = &self.batch.binding;
        InvoiceNo::derive(&binding.invoice_prefix, &binding.merchant_id, &self.batch.name, key, attempt)
    }

    /// Whether a listed number has no explanation yet, so that [`Reconciliation::explain`] is worth its while.
    #[must_use]
    pub fn has_unexplained(&self) -> bool {
        !self.unexplained.is_empty()
    }

    /// Looks whether a number that nobody knows is a later attempt of this payout, which this ledger forgot. Where both
    /// were credited, the payout was paid twice.
    pub fn explain(&mut self, claimed: &LedgerEntry, lines: &[Line]) {
        for later in claimed.attempt + 1..=claimed.attempt + TRIED {
            let Some(place) = self.unexplained.remove(&self.derive(&claimed.key, later)) else { continue };
            let found = &mut self.found[place];
            let row = claimed.row;
            found.explained = Some(format!("attempt {later} of row {row}, of which this ledger knows nothing"));
            let points = credited(&found.lines);
            if found.kind == Kind::OnlyThere && points > 0 && credited(lines) > 0 {
                found.kind = Kind::PaidTwice;
                found.what.push(Difference::CreditedTwice);
                // The payout is counted once, with its other credit.
                if differences(&claimed.top_up, claimed.state, lines).is_empty() {
                    self.equal.take(claimed.top_up.points.value().into());
                }
                self.tallies[Kind::OnlyThere as usize].take(points);
                self.tallies[Kind::PaidTwice as usize].add(points);
            }
        }
    }

    fn count_credits(&mut self, lines: &[Line]) {
        for line in lines.iter().filter(|line| line.status == LineStatus::Credited) {
            self.credited_there.add(line.points.unwrap_or_default());
        }
    }

    /// Counts a finding, and lists it while there is room.
    fn find(&mut self, found: Found, points: u64) -> bool {
        let tally = &mut self.tallies[found.kind as usize];
        tally.add(points);
        let is_listed = tally.rows <= LISTED_MAX as u64;
        if is_listed {
            self.found.push(found);
        }
        is_listed
    }

    /// How many findings there are; a plan that is not the sealed one is one more.
    #[must_use]
    pub fn difference_count(&self) -> u64 {
        self.tallies.iter().map(|tally| tally.rows).sum::<u64>() + u64::from(!self.is_sealed)
    }

    /// Whether points were added up to more than a sum can hold: then the sums say nothing. They stop there, and never
    /// begin again at zero.
    #[must_use]
    pub fn is_beyond_counting(&self) -> bool {
        let tallies = [self.equal, self.nowhere, self.in_doubt, self.credited_here, self.credited_there];
        tallies.iter().chain(&self.tallies).any(|tally| tally.points == u64::MAX)
    }

    pub(super) fn of(&self, kind: Kind) -> (Tally, impl Iterator<Item = &Found>) {
        (self.tallies[kind as usize], self.found.iter().filter(move |found| found.kind == kind))
    }
}

fn credited(lines: &[Line]) -> u64 {
    let credits = lines.iter().filter(|line| line.status == LineStatus::Credited);
    credits.filter_map(|line| line.points).fold(0, u64::saturating_add)
}

fn first(lines: &[Line]) -> Vec<Line> {
    lines.iter().take(LINES_MAX).cloned().collect()
}
