//! Holds what a ledger says against what must follow from its history: what of that is the same in any database.

use super::error::LedgerError;
use super::record::UnixMs;
use crate::domain::event::Event;
use crate::domain::payout_status::{PayoutStatus, State};

/// Findings that are listed; the rest is counted.
const LISTED_MAX: usize = 1000;

/// What an audit found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Audit {
    /// Each difference in words, the first thousand of them.
    pub findings: Vec<String>,
    /// All of them.
    pub finding_count: u64,
    /// Payouts that were looked at.
    pub payouts: u64,
    /// Events that were looked at.
    pub events: u64,
}

impl Audit {
    /// Adds a finding.
    pub fn find(&mut self, finding: String) {
        self.finding_count += 1;
        if self.findings.len() < LISTED_MAX {
            self.findings.push(finding);
        }
    }
}

/// What the events of a payout come to.
pub(super) struct History {
    pub(super) standing: PayoutStatus,
    /// When it was credited.
    pub(super) credited_at: Option<UnixMs>,
    /// It was credited by an order that no send of this ledger explains.
    pub(super) recovered: bool,
}

impl History {
    /// Of a payout's events, each with the change of state that was recorded with it, and when.
    pub(super) fn of(events: Vec<(Event, Option<String>, UnixMs)>) -> Result<Self, LedgerError> {
        let mut history = Self { standing: PayoutStatus::default(), credited_at: None, recovered: false };
        for (event, told, at) in events {
            let before = history.standing.state;
            let standing = history.standing.after(&event)?;
            let expected = (before != standing.state).then(|| standing.state.word());
            if told.as_deref() != expected {
                return Err(LedgerError::Broken(format!(
                    "{event:?} leads to {expected:?}, and was recorded as {told:?}"
                )));
            }
            if before != State::Credited && standing.state == State::Credited {
                (history.credited_at, history.recovered) = (Some(at), standing.recovered());
            }
            history.standing = standing;
        }
        Ok(history)
    }

    /// What a payout's row says of its state, attempt and credit, against its history.
    pub(super) fn check(
        &self,
        sheet_row: u64,
        (state, attempt): (&str, u32),
        credited_at: Option<UnixMs>,
        audit: &mut Audit,
    ) {
        let standing = &self.standing;
        if standing.state.word() != state {
            let implied = standing.state.word();
            audit.find(format!("row {sheet_row}: the ledger says {state}, and its history implies {implied}"));
        } else if standing.attempt != attempt {
            let implied = standing.attempt;
            audit
                .find(format!("row {sheet_row}: the ledger says attempt {attempt}, and its history implies {implied}"));
        }
        if credited_at != self.credited_at {
            let time = |at: Option<UnixMs>| at.map_or_else(|| "never".to_owned(), |at| format!("at {at}"));
            audit.find(format!(
                "row {sheet_row}: the ledger says that it was credited {}, and its history says {}",
                time(credited_at),
                time(self.credited_at)
            ));
        }
    }
}
