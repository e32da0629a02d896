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

#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  topup find 0912345678\n  topup find R-0017 --json\n  topup find TP7Q2M0K4V9X1C3B5N8D6\n\n\
    It reads beside a live run, and says of each payout what was planned, sent, answered and decided, and by whom."
)]
pub(crate) struct FindArgs {
    /// A phone in any spelling, a card or user id, a reference, or an invoice_no
    #[arg(value_name = "PHONE|REFERENCE|INVOICE_NO")]
    pub(crate) text: String,
}

#[derive(Debug, Subcommand)]
pub(crate) enum LedgerAction {
    /// Copy the ledger into a new file
    Backup {
        /// The file to make; it must not be there yet
        file: PathBuf,
    },
}
