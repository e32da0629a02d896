//! What can be typed about a batch that is there.

use super::run::{MetricsArgs, NotifyArgs};
use clap::Args;
use std::path::PathBuf;

#[derive(Debug, Args)]
pub(crate) struct BatchArgs {
    /// The batch
    pub(crate) batch: String,
    #[command(flatten)]
    pub(crate) notify: NotifyArgs,
    #[command(flatten)]
    pub(crate) metrics: MetricsArgs,
}

#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  topup verify 2026-11\n  topup verify 2026-11 --offline --head 97b84d9be4878f3a")]
pub(crate) struct VerifyArgs {
    /// The batch
    pub(crate) batch: String,
    /// Only the ledger's own history; no call is made
    #[arg(long)]
    pub(crate) offline: bool,
    /// What an earlier summary said that the history ends with: it has to be in there still
    #[arg(long, value_name = "HEAD")]
    pub(crate) head: Option<String>,
}

#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
    topup status                       all batches\n  \
    topup status 2026-11               one batch: progress, reasons, what is in doubt and held, what to type next\n  \
    topup status 2026-11 --watch       the same, again every second while a run goes on\n  \
    topup status 2026-11 --json        for scripts\n\n\
    It reads beside a live run and never slows it down.")]
pub(crate) struct StatusArgs {
    /// The batch; all of them where none is named
    pub(crate) batch: Option<String>,
    /// Draw again every second until no run goes on any more, or Ctrl-C; needs a terminal
    #[arg(long, requires = "batch")]
    pub(crate) watch: bool,
}

#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
    topup export 2026-11 -o results.csv               the rows and columns of the file, with outcomes\n  \
    topup export 2026-11 -o ket-qua.xlsx --lang vi    a workbook, in Vietnamese\n  \
    topup export 2026-11 -o report.html               one page to read, print and pass on\n  \
    topup export 2026-11 -o unpaid.csv --only declined,ineligible\n\n\
    The ending chooses the format: .csv, .xlsx, .html, .json. It reads beside a live run, and the file takes its\n\
    name only when it is whole. A file of what was not paid carries batch and invoice_no: `topup run` refuses it\n\
    under another batch, and `topup retry` plans its payouts again.")]
pub(crate) struct ExportArgs {
    /// The batch
    pub(crate) batch: String,
    /// The file to write: .csv, .xlsx, .html or .json
    #[arg(long, short, value_name = "FILE")]
    pub(crate) output: PathBuf,
    /// Only payouts in these states, as in declined,ineligible; skipped names the rows left out (default: all)
    #[arg(long, value_name = "STATES", value_delimiter = ',')]
    pub(crate) only: Vec<String>,
    /// Language of texts: en or vi
    #[arg(long, value_name = "LANG", default_value = "en", value_parser = ["en", "vi"])]
    pub(crate) lang: String,
    /// Add payouts and points up by a column of your own, as in «Phòng ban» (.xlsx, .html, .json)
    #[arg(long, value_name = "HEADER")]
    pub(crate) total_by: Option<String>,
    /// Who may read the file, as chmod takes it: 640 lets your group (default: 600, you alone)
    #[arg(long, value_name = "MODE")]
    pub(crate) mode: Option<String>,
}

#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
    topup reconcile 2026-11 --statement transactions.csv\n  \
    topup reconcile 2026-11 --statement transactions.xlsx --column invoice_no=\"Mã GD đối tác\"\n  \
    topup reconcile 2026-11 --statement transactions.csv --status credited=\"Đã ghi có\"\n\n\
    It only reads, and makes no call. Exit status: 0 all agree, 8 some differ, 3 the statement cannot be used.\n\
    A statement may hold other batches' and other programs' lines: they are counted and left aside.")]
pub(crate) struct ReconcileArgs {
    /// The batch
    pub(crate) batch: String,
    /// The provider's transaction list: CSV, XLSX, XLS or ODS, with a header row
    #[arg(long, value_name = "FILE")]
    pub(crate) statement: PathBuf,
    /// Worksheet of a workbook
    #[arg(long, value_name = "NAME")]
    pub(crate) sheet: Option<String>,
    /// Name a column by hand; MEANING is invoice_no, phone, points, time or status
    #[arg(long, value_name = "MEANING=HEADER")]
    pub(crate) column: Vec<String>,
    /// Say what a word of the status column means: credited, failed, open or reversed
    #[arg(long, value_name = "MEANING=WORD")]
    pub(crate) status: Vec<String>,
    /// The mark that groups thousands of points, where the file does not tell: . or ,
    #[arg(long, value_name = "MARK")]
    pub(crate) points_grouping: Option<char>,
    /// Count hidden rows and columns too
    #[arg(long)]
    pub(crate) include_hidden: bool,
}

#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
    topup purge --older-than 90 --dry-run                          what would go, and what stays\n  \
    topup purge --older-than 90 --why \"retention of 90 days\"       asks before it removes\n  \
    topup purge --older-than 90 --why \"retention\" --yes            for scripts\n\n\
    Batches whose payouts are all credited, declined, ineligible or cancelled, the last of them\n\
    so many days ago. What became of each payout stays, `status`, `verify` and `reconcile` still\n\
    work, and a file that pays the same members again is still found. `run`, `retry`, `cancel`\n\
    and `export` of such a batch are refused, and its name stays taken.")]
pub(crate) struct PurgeArgs {
    /// Purge batches that were finished at least so many days ago
    #[arg(long, value_name = "DAYS", value_parser = clap::value_parser!(u32).range(1..=36500))]
    pub(crate) older_than: u32,
    /// The reason, which is kept with the batch
    #[arg(long, value_name = "TEXT", required_unless_present = "dry_run")]
    pub(crate) why: Option<String>,
    /// Do it without asking
    #[arg(long)]
    pub(crate) yes: bool,
    /// Only say what would be removed, and change nothing
    #[arg(long, conflicts_with = "yes")]
    pub(crate) dry_run: bool,
}

#[derive(Debug, Args)]
pub(crate) struct RebindArgs {
    /// The reason, which is kept in the ledger's history
    #[arg(long, value_name = "TEXT", required = true)]
    pub(crate) why: String,
    /// Do it without asking
    #[arg(long)]
    pub(crate) yes: bool,
}
