//! Defines what `resume`, `retry` and `release` take for what another batch credited: the reason why it is paid again.

use super::args::{BatchArgs, DecisionArgs};
use clap::Args;

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
    pub(super) repeat: RepeatArgs,
}
