//! What a person's decision about payouts takes, asks and gives.

use super::failure::{Ending, Failure, LeftAlone};
use crate::domain::approval::ProposalKind;
use crate::domain::batch_name::BatchName;
use crate::domain::payout_status::State;
use crate::domain::sha256::Sha256;
use crate::intake::read_decisions;
use crate::ledger::Total;
use std::path::Path;

/// What every decision takes.
#[derive(Clone, Debug)]
pub struct DecisionRequest {
    /// The batch.
    pub batch: String,
    /// The reason, which is kept in the history.
    pub why: String,
    /// Why payouts are planned again that another batch credited.
    pub repeat_why: Option<String>,
}

/// Which payouts a decision is about.
#[derive(Clone, Debug)]
pub enum Chosen {
    /// Every one in these states.
    All(Vec<State>),
    /// These, by reference or invoice_no.
    Named(Vec<String>),
}

impl Chosen {
    /// Those that a sheet of decisions says yes to (`approved`), or no.
    ///
    /// # Errors
    /// The sheet cannot be read, or says so of nobody.
    pub fn from_file(path: &Path, approved: bool) -> Result<Self, Failure> {
        let said = read_decisions(path)?;
        let named: Vec<String> = said.into_iter().filter(|row| row.approved == approved).map(|row| row.named).collect();
        if named.is_empty() {
            let word = if approved { "yes" } else { "no" };
            let message = format!("{} says {word} to no payout; nothing was changed", path.display());
            return Err(Failure::said(Ending::Refused, "file_refused", message));
        }
        Ok(Self::Named(named))
    }
}

/// What a person is asked before anything is decided.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Question {
    /// So many payouts are asked about, and planned again where the gateway did not credit them.
    Retry(u64),
    /// These payouts are planned again, and the names of their members accepted.
    Release(Vec<HeldName>),
    /// So many payouts are closed for ever, of which so many are asked about before.
    Cancel(u64, u64),
    /// This payout is taken to be credited, or not.
    Attest(String, bool),
}

/// A payout that is held, and the two names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HeldName {
    /// Its row in the file.
    pub row: u64,
    /// Its points.
    pub points: u32,
    /// The name that the file says.
    pub expected: Option<String>,
    /// The name that the gateway says; empty where it gives none.
    pub found: String,
}

/// A person's word to a question: anything but `Ok` ends the use case, and nothing is changed.
pub type Agree<'a> = &'a dyn Fn(&Question) -> Result<(), Failure>;

/// What became of a decision.
#[derive(Debug)]
pub enum Decided {
    /// It was carried out.
    Done(Outcome),
    /// It waits for another person.
    Waits {
        /// The batch.
        batch: BatchName,
        /// What was decided.
        kind: ProposalKind,
        /// The seal under which it waits.
        seal: Sha256,
        /// Of how many payouts.
        payouts: u64,
    },
}

/// What a decision came to.
#[derive(Debug)]
pub struct Outcome {
    /// How it went.
    pub ending: Ending,
    /// The batch.
    pub batch: BatchName,
    /// Payouts that were decided about.
    pub changed: u64,
    /// Payouts that turned out to be credited.
    pub credited: u64,
    /// Payouts that were left as they are.
    pub left_alone: Vec<LeftAlone>,
    /// What is planned now.
    pub planned: Total,
}
