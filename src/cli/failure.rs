//! Defines how a command fails: the exit status scripts rely on, a code, and words for people.

use crate::engine::EngineError;
use crate::gateway::GatewayError;
use crate::intake::IntakeError;
use crate::ledger::LedgerError;
use crate::plan::PlanError;
use crate::simulator::SimulatorError;
use std::fmt;

/// The exit statuses, as the README lists them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Exit {
    /// Every payout credited; for the other commands: done.
    Done = 0,
    /// Could not do the job: ledger, disk, network set-up, a bug.
    Failed = 1,
    /// Wrong usage or configuration.
    Usage = 2,
    /// The file or the plan was refused, or consent is missing; nothing was sent.
    Refused = 3,
    /// Finished; some payouts declined, ineligible, held, cancelled or skipped.
    Partial = 4,
    /// Some payouts in doubt or planned, or stopped early: run again.
    Unfinished = 5,
    /// Another run holds this ledger.
    Locked = 6,
    /// The gateway refused our credentials or clock.
    Credentials = 7,
    /// Ledger and gateway, ledger and statement, or ledger and its own history differ.
    Differs = 8,
    /// Waits for another person's approval; nothing was sent.
    Waits = 9,
    /// Interrupted; everything is recorded, run again.
    Interrupted = 130,
}

impl From<Exit> for std::process::ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit as u8)
    }
}

/// A command that could not do its job, or would not.
#[derive(Debug)]
pub(super) struct Failure {
    pub(super) exit: Exit,
    pub(super) code: &'static str,
    /// More for scripts, beside code, message and hint.
    pub(super) details: Option<serde_json::Value>,
    error: anyhow::Error,
}

impl Failure {
    pub(super) fn new(exit: Exit, code: &'static str, error: impl Into<anyhow::Error>) -> Self {
        Self { exit, code, details: None, error: error.into() }
    }

    /// For errors that word their cause themselves, before their hint: printed as a chain, the cause would stand in the
    /// hint once more.
    fn worded(exit: Exit, code: &'static str, error: &impl fmt::Display) -> Self {
        Self::new(exit, code, anyhow::anyhow!(error.to_string()))
    }

    pub(super) fn with_details(mut self, details: serde_json::Value) -> Self {
        self.details = Some(details);
        self
    }

    /// One more of them.
    pub(super) fn with_detail(mut self, name: &str, value: serde_json::Value) -> Self {
        let details = self.details.get_or_insert_with(|| serde_json::json!({}));
        if let Some(details) = details.as_object_mut() {
            details.insert(name.to_owned(), value);
        }
        self
    }

    /// The words without the hint, and the hint: every message carries it behind its last line's `hint: `.
    pub(super) fn message_and_hint(&self) -> (String, Option<String>) {
        let text = self.to_string();
        match text.split_once("\nhint: ") {
            Some((message, hint)) => (message.to_owned(), Some(hint.to_owned())),
            None => (text, None),
        }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:#}", self.error)
    }
}

impl From<LedgerError> for Failure {
    fn from(error: LedgerError) -> Self {
        let (exit, code) = match &error {
            LedgerError::Locked { .. } => (Exit::Locked, "locked"),
            LedgerError::Missing(_) => (Exit::Usage, "no_ledger"),
            LedgerError::NoBatch(_) => (Exit::Usage, "no_batch"),
            LedgerError::Broken(_) => (Exit::Differs, "broken"),
            LedgerError::RowChanged { .. } => (Exit::Differs, "row_changed"),
            LedgerError::Unsound { .. } => (Exit::Differs, "unsound"),
            LedgerError::Bound(_) => (Exit::Usage, "bound"),
            LedgerError::SettingChanged { .. } => (Exit::Refused, "setting_changed"),
            LedgerError::OverLimit { .. } => (Exit::Refused, "over_limit"),
            LedgerError::Repeated(_) | LedgerError::PaidElsewhere(_) => (Exit::Refused, "repeated"),
            LedgerError::Purged { .. } => (Exit::Refused, "purged"),
            LedgerError::PurgeKey { .. } => (Exit::Refused, "purge_key"),
            LedgerError::BoundByTwo
            | LedgerError::Team(_)
            | LedgerError::Signature { .. }
            | LedgerError::Proposal(_) => (Exit::Refused, "not_allowed"),
            LedgerError::NotApproved { .. } | LedgerError::DecisionNotApproved { .. } => (Exit::Waits, "not_approved"),
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
            | LedgerError::Stopped(_) => (Exit::Failed, "ledger"),
        };
        Self::worded(exit, code, &error)
    }
}

impl From<EngineError> for Failure {
    fn from(error: EngineError) -> Self {
        match error {
            EngineError::Ledger(error) => error.into(),
            EngineError::IllegalTransition(_) => Self::worded(Exit::Differs, "broken", &error),
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
        Self::worded(Exit::Refused, "file_refused", &error)
    }
}

impl From<SimulatorError> for Failure {
    fn from(error: SimulatorError) -> Self {
        let (exit, code) = match &error {
            SimulatorError::UnknownFault { .. } | SimulatorError::FaultValue { .. } => (Exit::Usage, "faults"),
            SimulatorError::MembersUnreadable(_) | SimulatorError::Members { .. } => (Exit::Usage, "members"),
            SimulatorError::Key { .. } => (Exit::Usage, "key"),
            SimulatorError::Listen { .. } | SimulatorError::KeyGeneration => (Exit::Failed, "simulator"),
        };
        Self::new(exit, code, error)
    }
}

impl From<GatewayError> for Failure {
    fn from(error: GatewayError) -> Self {
        let exit = match &error {
            GatewayError::Client { .. } => Exit::Failed,
            GatewayError::Url { .. }
            | GatewayError::Setting { .. }
            | GatewayError::KeyUnreadable { .. }
            | GatewayError::KeyExposed { .. }
            | GatewayError::KeyRefused { .. } => Exit::Usage,
        };
        Self::worded(exit, if exit == Exit::Failed { "network" } else { "configuration" }, &error)
    }
}
