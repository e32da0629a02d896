//! Defines why a file is not paid, and how that is said.

use super::kinds::RowKinds;
use crate::domain::hint::Hint;
use crate::domain::payout_status::State;
use crate::intake::{IntakeError, Problem};
use crate::ledger::{LedgerError, UnixMs};

/// Problems that are listed; the rest is only counted.
pub const PROBLEMS_MAX: usize = 1000;

/// Why a file is not paid.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// The kind of reason, for scripts.
    pub code: &'static str,
    /// The reason in one sentence; advice that names no step stands behind it.
    pub message: String,
    /// What to do about it, where that names a step.
    pub hint: Option<Hint>,
    /// The rows concerned, at most [`PROBLEMS_MAX`].
    pub problems: Vec<Problem>,
    /// All of them.
    pub problem_count: u64,
    /// What the rows of the file are to the batch; `None` where they were not read to the end.
    pub kinds: Option<Box<RowKinds>>,
}

/// Why a file could not be planned at all.
#[derive(Debug, thiserror::Error)]
pub enum PlanError {
    /// The ledger failed.
    #[error(transparent)]
    Ledger(#[from] LedgerError),
    /// The file could not be read.
    #[error(transparent)]
    Intake(#[from] IntakeError),
}

/// Problems as they are collected: the first ones listed, all counted.
#[derive(Debug, Default)]
pub(super) struct Problems {
    pub(super) listed: Vec<Problem>,
    pub(super) count: u64,
}

impl Problems {
    pub(super) fn add(&mut self, problem: Problem) {
        self.count += 1;
        if self.listed.len() < PROBLEMS_MAX {
            self.listed.push(problem);
        }
    }

    pub(super) fn into_refusal(self, code: &'static str, message: String, kinds: RowKinds) -> Refusal {
        let kinds = Some(Box::new(kinds));
        Refusal { code, message, hint: None, problems: self.listed, problem_count: self.count, kinds }
    }
}

/// A state, and since when where that is final.
pub(super) fn since(state: State, credited_at: Option<UnixMs>) -> String {
    let word = state.word().replace('_', " ");
    credited_at.map_or_else(|| word.clone(), |at| format!("{word} on {}", day(at)))
}

/// The day in UTC, as the ledger keeps times.
pub(super) fn day(ms: UnixMs) -> String {
    jiff::Timestamp::from_millisecond(ms).map_or_else(|_| "?".to_owned(), |at| at.strftime("%Y-%m-%d").to_string())
}
