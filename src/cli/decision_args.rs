//! Defines the arguments of the commands by which a person decides about payouts.

use super::args::BatchArgs;
use super::people::WhoArgs;
use clap::Args;

/// What every decision of a person takes.
#[derive(Debug, Args)]
pub(super) struct DecisionArgs {
    /// The batch
    pub(super) batch: String,
    /// The reason, which is kept in the history
    #[arg(long, value_name = "TEXT", required = true)]
    pub(super) why: String,
    /// Do it without asking
    #[arg(long)]
    pub(super) yes: bool,
}

/// For what another batch credited already.
#[derive(Debug, Args)]
pub(super) struct RepeatArgs {
    /// Pay again what another batch credited to the same members, and keep the reason
    #[arg(long, value_name = "WHY")]
    repeat: Option<String>,
}

impl RepeatArgs {
    /// The reason, if one was given.
    pub(super) fn why(&self) -> Option<&str> {
        self.repeat.as_deref().filter(|why| !why.trim().is_empty())
    }
}

#[derive(Debug, Args)]
pub(super) struct ResumeArgs {
    #[command(flatten)]
    pub(super) batch: BatchArgs,
    #[command(flatten)]
    pub(super) repeat: RepeatArgs,
}

#[derive(Debug, Args)]
pub(super) struct RetryArgs {
    #[command(flatten)]
    pub(super) decision: DecisionArgs,
    #[command(flatten)]
    pub(super) who: WhoArgs,
    #[command(flatten)]
    pub(super) repeat: RepeatArgs,
}

#[derive(Debug, Args)]
pub(super) struct ReleaseArgs {
    #[command(flatten)]
    pub(super) decision: DecisionArgs,
    #[command(flatten)]
    pub(super) who: WhoArgs,
    #[command(flatten)]
    pub(super) repeat: RepeatArgs,
    /// References or invoice_nos
    #[arg(required = true, value_name = "PAYOUT")]
    pub(super) payouts: Vec<String>,
}

#[derive(Debug, Args)]
pub(super) struct CancelArgs {
    #[command(flatten)]
    pub(super) decision: DecisionArgs,
    /// References or invoice_nos
    #[arg(required_unless_present = "all_planned", value_name = "PAYOUT")]
    pub(super) payouts: Vec<String>,
    /// Every payout that is planned
    #[arg(long, conflicts_with = "payouts")]
    pub(super) all_planned: bool,
}

#[derive(Debug, Args)]
pub(super) struct AttestArgs {
    #[command(flatten)]
    pub(super) decision: DecisionArgs,
    #[command(flatten)]
    pub(super) who: WhoArgs,
    /// Reference or invoice_no
    #[arg(value_name = "PAYOUT")]
    pub(super) payout: String,
    /// The points were credited
    #[arg(long, required_unless_present = "not_credited")]
    pub(super) credited: bool,
    /// The points were not credited; not within two hours of the last send
    #[arg(long, conflicts_with = "credited")]
    pub(super) not_credited: bool,
}
