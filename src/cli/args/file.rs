//! What can be typed about a file: how it is read, planned, paid and checked.

use super::people::WhoArgs;
use super::run::{MetricsArgs, NotifyArgs, SliceArgs};
use clap::Args;
use std::path::PathBuf;

#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
    topup run rewards.csv --batch 2026-11                 asks before it pays\n  \
    topup run rewards.csv --batch 2026-11 --yes           for scripts\n  \
    topup run rewards.csv --batch 2026-11 --dry-run       plan and pre-check, no top-up\n  \
    topup run rewards.csv --batch 2026-11 --dry-run --export not-paid.xlsx\n  \
    topup run rewards.csv --batch 2026-11 --rehearse      all of it, against a simulator inside\n  \
    topup run rewards.csv --batch 2026-11 --rehearse --faults lost_after=0.03,http_500_applied=0.02\n  \
    topup run rewards.csv --batch 2026-11 --yes --notify-command 'mail -s payout ops@example.com'\n\n\
    The same command again finishes what is left, and sends nothing on a finished batch.")]
pub(crate) struct RunArgs {
    #[command(flatten)]
    pub(crate) slice: SliceArgs,
    /// The payout file: CSV, XLSX, XLS or ODS, with a header row
    pub(crate) file: PathBuf,
    /// Batch name: 1 to 64 of a-z 0-9 . _ -  (part of every invoice_no)
    #[arg(long, value_name = "NAME")]
    pub(crate) batch: Option<String>,
    /// Pay without asking
    #[arg(long)]
    pub(crate) yes: bool,
    /// Pay without asking if the whole plan comes to exactly so many points
    #[arg(long, value_name = "POINTS", conflicts_with = "yes")]
    pub(crate) confirm_total: Option<u64>,
    /// Pay without asking if the plan is exactly the one that --dry-run printed
    #[arg(long, value_name = "SHA256", conflicts_with_all = ["yes", "confirm_total"])]
    pub(crate) confirm_plan: Option<String>,
    /// Plan and pre-check on a copy of the ledger; no top-up, and nothing changes
    #[arg(long)]
    pub(crate) dry_run: bool,
    /// Play it all against a simulator inside, on a copy of the ledger; nothing is sent to the gateway or kept
    #[arg(long, conflicts_with_all = ["dry_run", "metrics"])]
    pub(crate) rehearse: bool,
    /// Faults of a rehearsal and their probabilities, as in lost_after=0.03,seed=7
    #[arg(long, value_name = "PLAN", requires = "rehearse")]
    pub(crate) faults: Option<String>,
    /// Members of a rehearsal, as `topup simulator` takes them: a directory or a payout file [default: every phone]
    #[arg(long, value_name = "FILE", requires = "rehearse")]
    pub(crate) members: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) metrics: MetricsArgs,
    /// With --dry-run: write the members who would not be paid, and why, to a .csv, .xlsx, .html or .json
    #[arg(long, value_name = "FILE", requires = "dry_run")]
    pub(crate) export: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) reading: PlanningArgs,
    #[command(flatten)]
    pub(crate) who: WhoArgs,
    #[command(flatten)]
    pub(crate) notify: NotifyArgs,
}

/// How a file is to be planned.
#[derive(Clone, Debug, Args)]
pub(crate) struct PlanningArgs {
    /// Pay the valid rows and report the others as skipped
    #[arg(long)]
    pub(crate) skip_invalid: bool,
    #[command(flatten)]
    pub(crate) how: FileArgs,
    /// Refuse the file unless it has so many rows
    #[arg(long, value_name = "N")]
    pub(crate) expect_rows: Option<u64>,
    /// Refuse the file unless its points add up to this
    #[arg(long, value_name = "POINTS")]
    pub(crate) expect_total: Option<u64>,
    /// Pay rows again that another batch credited lately, and keep the reason
    #[arg(long, value_name = "WHY")]
    pub(crate) repeat: Option<String>,
}

/// How a file is to be read.
#[derive(Clone, Debug, Args)]
pub(crate) struct FileArgs {
    /// Worksheet of a workbook
    #[arg(long, value_name = "NAME")]
    pub(crate) sheet: Option<String>,
    /// Name a column by hand, as in points="Thưởng T11"
    #[arg(long, value_name = "MEANING=HEADER")]
    pub(crate) column: Vec<String>,
    /// The mark that groups thousands of points, where the file does not tell: . or ,
    #[arg(long, value_name = "MARK")]
    pub(crate) points_grouping: Option<char>,
    /// One member may stand in several rows without references
    #[arg(long)]
    pub(crate) allow_repeat_phones: bool,
    /// Count hidden rows and columns too
    #[arg(long)]
    pub(crate) include_hidden: bool,
    /// Leave hidden rows out: pay only the rows of a filtered sheet that are seen
    #[arg(long, conflicts_with = "include_hidden")]
    pub(crate) visible_only: bool,
}

#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  topup check rewards.xlsx\n  topup check rewards.csv --column points=\"Thưởng T11\"\n  \
                  topup check rewards.xlsx --export errors.xlsx"
)]
pub(crate) struct CheckArgs {
    /// The payout file: CSV, XLSX, XLS or ODS
    pub(crate) file: PathBuf,
    #[command(flatten)]
    pub(crate) how: FileArgs,
    /// Refuse the file unless it has so many rows
    #[arg(long, value_name = "N")]
    pub(crate) expect_rows: Option<u64>,
    /// Refuse the file unless its points add up to this
    #[arg(long, value_name = "POINTS")]
    pub(crate) expect_total: Option<u64>,
    /// Give the sheet back as FILE (.xlsx), with wrong cells marked and a column «Lỗi» that says what is wrong
    #[arg(long, value_name = "FILE")]
    pub(crate) export: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub(crate) struct TemplateArgs {
    /// Where to write it: .csv or .xlsx; a file that is there is left alone
    #[arg(short, long, value_name = "FILE")]
    pub(crate) output: PathBuf,
    /// The language of its headers and notes
    #[arg(long, value_name = "LANG", default_value = "vi", value_parser = ["vi", "en"])]
    pub(crate) lang: String,
}

#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  topup plan rewards.csv --batch 2026-11\n  \
    topup plan rewards.csv --batch 2026-11 --as lan --sign lan.key\n  \
    topup approve 2026-11 --as minh --sign minh.key\n\nIt pays nothing: what is proposed is paid once it is approved.")]
pub(crate) struct PlanArgs {
    /// The payout file: CSV, XLSX, XLS or ODS, with a header row
    pub(crate) file: PathBuf,
    /// Batch name: 1 to 64 of a-z 0-9 . _ -  (part of every invoice_no)
    #[arg(long, value_name = "NAME")]
    pub(crate) batch: Option<String>,
    #[command(flatten)]
    pub(crate) reading: PlanningArgs,
    #[command(flatten)]
    pub(crate) who: WhoArgs,
}
