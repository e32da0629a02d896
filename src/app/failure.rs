//! Defines how a use case ends, and how it fails: a kind that each door shows in its way, a code, words, and a hint.

use super::purge_look::PurgeLook;
use crate::domain::hint::Hint;
use crate::domain::invoice_no::InvoiceNo;
use crate::engine::EngineError;
use crate::gateway::GatewayError;
use crate::intake::IntakeError;
use crate::ledger::LedgerError;
use crate::plan::{PlanError, Refusal};
use crate::simulator::SimulatorError;
use std::fmt;

/// How a use case ended, as a door shows it at one glance: the command line as an exit status.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    /// Every payout credited; for the other commands: done.
    Done,
    /// Could not do the job: ledger, disk, network set-up, a bug.
    Failed,
    /// Wrong usage or configuration.
    Usage,
    /// The file or the plan was refused, or consent is missing; nothing was sent.
    Refused,
    /// Finished; some payouts declined, ineligible, held, cancelled or skipped.
    Partial,
    /// Some payouts in doubt or planned, or stopped early: run again.
    Unfinished,
    /// Another run holds this ledger.
    Locked,
    /// The gateway refused our credentials or clock.
    Credentials,
    /// Ledger and gateway, ledger and statement, or ledger and its own history differ.
    Differs,
    /// Waits for another person's approval; nothing was sent.
    Waits,
    /// Interrupted; everything is recorded, run again.
    Interrupted,
}

/// A use case that could not do its job, or would not.
#[derive(Debug)]
pub struct Failure {
    /// Its kind.
    pub ending: Ending,
    /// The kind of reason, for scripts.
    pub code: &'static str,
    /// What happened, without what to do about it.
    pub message: String,
    /// What to do about it.
    pub hint: Option<Hint>,
    /// More than fits into words.
    pub details: Option<Box<Details>>,
}

/// What a failure has to tell beside its message.
#[derive(Debug)]
pub enum Details {
    /// Why a file, or a batch, is not paid.
    Refusal(Refusal),
    /// Payouts that a decision left alone.
    LeftAlone(Vec<LeftAlone>),
    /// What was purged all the same.
    Purged(PurgeLook),
}

/// A payout that a decision left as it is.
#[derive(Clone, Debug)]
pub struct LeftAlone {
    /// Its row in the file.
    pub row: u64,
    /// Its number.
    pub invoice_no: InvoiceNo,
    /// Why it was left alone, for people.
    pub why: String,
}

impl Failure {
    /// A failure in the words of an error and its causes. What stands behind the last `hint: ` is its hint.
    #[must_use]
    pub fn new(ending: Ending, code: &'static str, error: impl Into<anyhow::Error>) -> Self {
        Self::said(ending, code, format!("{:#}", error.into()))
    }

    /// A failure in these words; for errors that word their cause themselves, too: printed as a chain, the cause would
    /// stand in the hint once more.
    #[must_use]
    pub fn said(ending: Ending, code: &'static str, words: impl fmt::Display) -> Self {
        let words = words.to_string();
        let (message, hint) = match words.split_once("\nhint: ") {
            Some((message, hint)) => (message.to_owned(), Some(Hint::of(hint.to_owned()))),
            None => (words, None),
        };
        Self { ending, code, message, hint, details: None }
    }

    /// What a person agreed to is no longer so.
    #[must_use]
    pub(super) fn changed(what: &str) -> Self {
        let message = format!("{what} changed while you were asked; nothing was changed by this command");
        Self::said(Ending::Refused, "changed", message).with_hint(Hint::of("run the same command again, and look anew"))
    }

    /// What nobody agreed to.
    #[must_use]
    pub fn no_consent(words: impl fmt::Display) -> Self {
        Self::said(Ending::Refused, "no_consent", words)
    }

    /// With this advice.
    #[must_use]
    pub fn with_hint(mut self, hint: impl Into<Hint>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// With more than fits into words.
    #[must_use]
    pub fn with_details(mut self, details: Details) -> Self {
        self.details = Some(Box::new(details));
        self
    }
}

impl fmt::Display for Failure {
    /// For a log: a door words the hint for itself.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)?;
        self.hint.as_ref().map_or(Ok(()), |hint| write!(f, "\nhint: {hint}"))
    }
}

impl From<Refusal> for Failure {
    fn from(refusal: Refusal) -> Self {
        let said = Self::said(Ending::Refused, refusal.code, &refusal.message);
        let hint = refusal.hint.clone().or_else(|| said.hint.clone());
        Self { hint, ..said }.with_details(Details::Refusal(refusal))
    }
}

impl From<LedgerError> for Failure {
    fn from(error: LedgerError) -> Self {
        let (ending, code) = match &error {
            LedgerError::Locked { .. } => (Ending::Locked, "locked"),
            LedgerError::Missing(_) => (Ending::Usage, "no_ledger"),
            LedgerError::NoBatch(_) => (Ending::Usage, "no_batch"),
            LedgerError::Broken(_) => (Ending::Differs, "broken"),
            LedgerError::RowChanged { .. } => (Ending::Differs, "row_changed"),
            LedgerError::Unsound { .. } => (Ending::Differs, "unsound"),
            LedgerError::Bound(_) => (Ending::Usage, "bound"),
            LedgerError::SettingChanged { .. } => (Ending::Refused, "setting_changed"),
            LedgerError::OverLimit { .. } => (Ending::Refused, "over_limit"),
            LedgerError::Repeated(_) | LedgerError::PaidElsewhere(_) => (Ending::Refused, "repeated"),
            LedgerError::Purged { .. } => (Ending::Refused, "purged"),
            LedgerError::PurgeKey { .. } => (Ending::Refused, "purge_key"),
            LedgerError::BoundByTwo
            | LedgerError::Team(_)
            | LedgerError::Signature { .. }
            | LedgerError::Proposal(_) => (Ending::Refused, "not_allowed"),
            LedgerError::NotApproved { .. } | LedgerError::DecisionNotApproved { .. } => {
                (Ending::Waits, "not_approved")
            }
            LedgerError::NotALedger { .. }
            | LedgerError::NewerSchema { .. }
            | LedgerError::NetworkShare { .. }
            | LedgerError::ManyNames { .. }
            | LedgerError::Mounted { .. }
            | LedgerError::Replaced { .. }
            | LedgerError::Setting { .. }
            | LedgerError::Io { .. }
            | LedgerError::Storage { .. }
            | LedgerError::ReadersInTheWay
            | LedgerError::Stopped(_) => (Ending::Failed, "ledger"),
        };
        let failure = Self::said(ending, code, &error);
        match error.hint() {
            Some(hint) => failure.with_hint(hint),
            None => failure,
        }
    }
}

impl From<EngineError> for Failure {
    fn from(error: EngineError) -> Self {
        match error {
            EngineError::Ledger(error) => error.into(),
            EngineError::IllegalTransition(_) => Self::said(Ending::Differs, "broken", &error),
        }
    }
}

impl From<PlanError> for Failure {
    fn from(error: PlanError) -> Self {
        match error {
            PlanError::Ledger(error) => error.into(),
            PlanError::Intake(error) => error.into(),
        }
    }
}

impl From<IntakeError> for Failure {
    fn from(error: IntakeError) -> Self {
        Self::said(Ending::Refused, "file_refused", &error)
    }
}

impl From<SimulatorError> for Failure {
    fn from(error: SimulatorError) -> Self {
        let (ending, code) = match &error {
            SimulatorError::UnknownFault { .. } | SimulatorError::FaultValue { .. } => (Ending::Usage, "faults"),
            SimulatorError::MembersUnreadable(_) | SimulatorError::Members { .. } => (Ending::Usage, "members"),
            SimulatorError::Key { .. } => (Ending::Usage, "key"),
            SimulatorError::Listen { .. } | SimulatorError::KeyGeneration => (Ending::Failed, "simulator"),
        };
        Self::new(ending, code, error)
    }
}

impl From<GatewayError> for Failure {
    fn from(error: GatewayError) -> Self {
        let ending = match &error {
            GatewayError::Client { .. } => Ending::Failed,
            GatewayError::Url { .. }
            | GatewayError::Proxy { .. }
            | GatewayError::Authorities { .. }
            | GatewayError::Setting { .. }
            | GatewayError::KeyUnreadable { .. }
            | GatewayError::KeyExposed { .. }
            | GatewayError::KeyRefused { .. } => Ending::Usage,
        };
        Self::said(ending, if ending == Ending::Failed { "network" } else { "configuration" }, &error)
    }
}
