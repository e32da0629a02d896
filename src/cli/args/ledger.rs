//! What can be typed about the ledger as a whole.

use clap::{Args, Subcommand};
use std::path::PathBuf;

#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  topup ledger backup /backup/topup-2026-11-25.db\n  \
    topup ledger backup \"/backup/topup-$(date +%F).db\" --quiet      from cron, beside a live run too\n\n\
    To restore one: put it in the ledger's place while nothing runs, then type the last command again.")]
pub(crate) struct LedgerArgs {
    #[command(subcommand)]
    pub(crate) action: LedgerAction,
}

#[derive(Debug, Subcommand)]
pub(crate) enum LedgerAction {
    /// Copy the ledger into a new file
    Backup {
        /// The file to make; it must not be there yet
        file: PathBuf,
    },
}
