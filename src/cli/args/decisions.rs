//! Defines the arguments of the commands by which a person decides about payouts.

use super::batch::BatchArgs;
use super::people::WhoArgs;
use super::run::SliceArgs;
use clap::Args;
use std::path::PathBuf;

/// What every decision of a person takes.
#[derive(Debug, Args)]
pub(crate) struct DecisionArgs {
    /// The batch
    pub(crate) batch: String,
    /// The reason, which is kept in the history
    #[arg(long, value_name = "TEXT", required = true)]
    pub(crate) why: String,
    /// Do it without asking
    #[arg(long)]
    pub(crate) yes: bool,
}

/// For what another batch credited already.
#[derive(Debug, Args)]
pub(crate) struct RepeatArgs {
    /// Pay again what another batch credited to the same members, and keep the reason
    #[arg(long, value_name = "WHY")]
    repeat: Option<String>,
}

impl RepeatArgs {
    /// The reason, if one was given.
    pub(crate) fn why(&self) -> Option<&str> {
        self.repeat.as_deref().filter(|why| !why.trim().is_empty())
    }
}

#[derive(Debug, Args)]
pub(crate) struct ResumeArgs {
    #[command(flatten)]
    pub(crate) slice: SliceArgs,
    #[command(flatten)]
    pub(crate) batch: BatchArgs,
    #[command(flatten)]
    pub(crate) repeat: RepeatArgs,
}

#[derive(Debug, Args)]
pub(crate) struct RetryArgs {
    #[command(flatten)]
    pub(crate) decision: DecisionArgs,
    #[command(flatten)]
    pub(crate) who: WhoArgs,
    #[command(flatten)]
    pub(crate) repeat: RepeatArgs,
    /// References or invoice_nos [default: all that are declined or ineligible]
    #[arg(value_name = "PAYOUT")]
    pub(crate) payouts: Vec<String>,
    /// Those that this sheet says yes to, in its column `duyệt` or `approve`
    #[arg(long, value_name = "FILE", conflicts_with = "payouts")]
    pub(crate) from: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub(crate) struct ReleaseArgs {
    #[command(flatten)]
    pub(crate) decision: DecisionArgs,
    #[command(flatten)]
    pub(crate) who: WhoArgs,
    #[command(flatten)]
    pub(crate) repeat: RepeatArgs,
    /// References or invoice_nos
    #[arg(required_unless_present_any = ["from", "all_held"], value_name = "PAYOUT")]
    pub(crate) payouts: Vec<String>,
    /// Those that this sheet says yes to, in its column `duyệt` or `approve`
    #[arg(long, value_name = "FILE", conflicts_with = "payouts")]
    pub(crate) from: Option<PathBuf>,
    /// Every payout that is held
    #[arg(long, conflicts_with_all = ["payouts", "from"])]
    pub(crate) all_held: bool,
}

#[derive(Debug, Args)]
pub(crate) struct CancelArgs {
    #[command(flatten)]
    pub(crate) decision: DecisionArgs,
    /// References or invoice_nos
    #[arg(required_unless_present_any = ["all_planned", "from", "all_held"], value_name = "PAYOUT")]
    pub(crate) payouts: Vec<String>,
    /// Every payout that is planned
    #[arg(long, conflicts_with_all = ["payouts", "from"])]
    pub(crate) all_planned: bool,
    /// Those that this sheet says no to, in its column `duyệt` or `approve`
    #[arg(long, value_name = "FILE", conflicts_with = "payouts")]
    pub(crate) from: Option<PathBuf>,
    /// Every payout that is held
    #[arg(long, conflicts_with_all = ["payouts", "from"])]
    pub(crate) all_held: bool,
}

#[derive(Debug, Args)]
pub(crate) struct AttestArgs {
    #[command(flatten)]
    pub(crate) decision: DecisionArgs,
    #[command(flatten)]
    pub(crate) who: WhoArgs,
    /// Reference or invoice_no
    #[arg(value_name = "PAYOUT")]
    pub(crate) payout: String,
    /// The points were credited
    #[arg(long, required_unless_present = "not_credited")]
    pub(crate) credited: bool,
    /// The points were not credited; not within two hours of the last send
    #[arg(long, conflicts_with = "credited")]
    pub(crate) not_credited: bool,
}
