//! Defines the command line: what can be typed, and the help that explains it.

use super::approvals::{ApprovalArgs, ApproveArgs, PlanArgs, TakeBackArgs};
use super::decision_args::{AttestArgs, CancelArgs, ReleaseArgs, ResumeArgs, RetryArgs};
use super::manual::{CompletionsArgs, ManArgs};
use super::metrics::MetricsArgs;
use super::notify::NotifyArgs;
use super::people::{PeopleArgs, PolicyArgs, WhoArgs};
use super::reconcile::ReconcileArgs;
use super::status::StatusArgs;
use clap::{Args, Parser, Subcommand};
use std::path::PathBuf;

/// Pays loyalty points from a spreadsheet: nobody twice, no outcome lost, and a rerun just finishes the job.
#[derive(Debug, Parser)]
#[command(name = "topup", version, max_term_width = 100, subcommand_required = true, arg_required_else_help = true)]
#[command(after_help = "First time here? `topup demo` needs no set-up at all.\n\n\
    Exit status: 0 done, 1 could not do the job, 2 usage or configuration, 3 refused or no consent (nothing sent), \
    4 finished with some not paid, 5 run again, 6 another run holds the ledger, 7 credentials or clock, 8 ledger and \
    gateway or statement differ, 9 waits for approval, 130 interrupted")]
pub(super) struct Cli {
    #[command(flatten)]
    pub(super) common: Common,
    #[command(subcommand)]
    pub(super) command: Command,
}

/// What every command takes.
#[derive(Clone, Debug, Args)]
pub(super) struct Common {
    /// Configuration file [default: topup.toml, where there is one]
    #[arg(long, global = true, value_name = "FILE")]
    pub(super) config: Option<PathBuf>,
    /// Ledger file, over the configuration's ledger.path
    #[arg(long, global = true, value_name = "FILE")]
    pub(super) ledger: Option<PathBuf>,
    /// Print exactly one JSON object on stdout
    #[arg(long, global = true)]
    pub(super) json: bool,
    /// No progress and no notes on stderr, only errors
    #[arg(long, short, global = true)]
    pub(super) quiet: bool,
    /// More on stderr: -v what happens to payouts, -vv every call
    #[arg(short, global = true, action = clap::ArgAction::Count)]
    pub(super) verbose: u8,
    /// Write every call and change to FILE as JSON lines
    #[arg(long, global = true, value_name = "FILE")]
    pub(super) log: Option<PathBuf>,
}

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Show the whole thing on this machine: faults, a kill, a resume, and the proof that nobody was paid twice
    #[command(after_help = "Example:\n  topup demo          says at its end where its files are")]
    Demo,
    /// Read and judge a file, offline
    Check(CheckArgs),
    /// Write a file to begin with
    #[command(after_help = "Examples:\n  topup template -o rewards.xlsx\n  topup template -o rewards.csv")]
    Template(TemplateArgs),
    /// Pay a file; the same command again resumes, resolves and finishes
    Run(Box<RunArgs>),
    /// Store a file's plan as a proposal; it pays nothing
    Plan(Box<PlanArgs>),
    /// Print exactly the bytes that are signed to approve what waits
    Approval(ApprovalArgs),
    /// Approve what waits, so that it may be paid
    Approve(ApproveArgs),
    /// Give back what somebody else proposed
    SendBack(TakeBackArgs),
    /// Take one's own proposal back
    Withdraw(TakeBackArgs),
    /// Add, list and remove the people of the ledger
    People(PeopleArgs),
    /// Show or change how many persons a plan needs
    Policy(PolicyArgs),
    /// Go on with a batch without its file
    #[command(
        after_help = "Examples:\n  topup resume 2026-11\n  topup resume 2026-11 --json --quiet     for scripts\n\n\
        It resolves what is in doubt first, then pays what is planned; on a finished batch it sends nothing."
    )]
    Resume(ResumeArgs),
    /// Only ask order status of what is in doubt
    #[command(
        after_help = "Example:\n  topup resolve 2026-11\n\nIt never sends a top-up: what is planned stays planned."
    )]
    Resolve(BatchArgs),
    /// Show all batches, or one
    Status(StatusArgs),
    /// Hold a batch against its own history, and against the gateway
    Verify(VerifyArgs),
    /// Hold the provider's statement against a batch
    Reconcile(ReconcileArgs),
    /// Plan again what is declined or ineligible
    #[command(
        after_help = "Example:\n  topup retry 2026-11 --why \"accounts unlocked, ticket 4711\"\n  topup resume 2026-11\n\n\
        Order status of the old number is asked first: what was credited after all becomes credited,\n\
        and a new number is made only where the order failed."
    )]
    Retry(RetryArgs),
    /// Plan held payouts again, and accept the names that the gateway gave
    #[command(after_help = "Example:\n  topup status 2026-11                    names the held payouts\n  \
        topup release 2026-11 R-0017 --why \"maiden name, checked by phone\"\n  topup resume 2026-11")]
    Release(ReleaseArgs),
    /// Close payouts that are planned or held
    #[command(after_help = "Examples:\n  topup cancel 2026-11 R-0017 R-0018 --why \"left the programme\"\n  \
        topup cancel 2026-11 --all-planned --why \"campaign called off\"\n\n\
        What is cancelled is closed for ever; what was sent with unknown fate cannot be.")]
    Cancel(CancelArgs),
    /// Take a person's evidence for a payout in doubt
    #[command(after_help = "Examples:\n  \
        topup attest 2026-11 R-0017 --credited --why \"provider's mail of 21 November\"\n  \
        topup attest 2026-11 R-0018 --not-credited --why \"provider's ticket 4711\"\n\n\
        Order status is asked first; an answer that contradicts the evidence is recorded instead of it.")]
    Attest(AttestArgs),
    /// Keep using a ledger after the provider moved the gateway, or changed the terminal
    #[command(after_help = "Example:\n  topup rebind --why \"the provider's mail of 3 December: new domain\"\n\n\
        Binds the ledger and its batches to the gateway.url and gateway.terminal_id of the configuration, and keeps the\n\
        reason. Merchant and prefix never change: they are part of every number. What is in doubt then settles at the\n\
        new address: numbers depend on neither host nor terminal.")]
    Rebind(super::rebind::RebindArgs),
    /// Write the results of a batch into a file
    Export(super::export::ExportArgs),
    /// Remove names and phones of finished batches
    Purge(super::purge::PurgeArgs),
    /// Check configuration, key, clock, ledger, and one signed call
    #[command(after_help = "Examples:\n  topup doctor\n  topup doctor --config staging.toml\n\n\
        Each line is ok, warning or failure; the exit status is that of the first failure.")]
    Doctor,
    /// Serve a gateway on loopback, with faults on request
    Simulator(SimulatorArgs),
    /// Print what a shell needs to complete commands and options
    Completions(CompletionsArgs),
    /// Print the manual page, or write one for every command
    Man(ManArgs),
}

impl Command {
    /// What is to be run when the command ends, of the commands that send.
    pub(super) fn notify_command(&self) -> Option<&str> {
        let notify = match self {
            Self::Run(args) => &args.notify,
            Self::Resume(args) => &args.batch.notify,
            Self::Resolve(args) => &args.notify,
            Self::Demo
            | Self::Plan(_)
            | Self::Approval(_)
            | Self::Approve(_)
            | Self::SendBack(_)
            | Self::Withdraw(_)
            | Self::People(_)
            | Self::Policy(_)
            | Self::Check(_)
            | Self::Template(_)
            | Self::Status(_)
            | Self::Verify(_)
            | Self::Reconcile(_)
            | Self::Export(_)
            | Self::Retry(_)
            | Self::Release(_)
            | Self::Cancel(_)
            | Self::Attest(_)
            | Self::Purge(_)
            | Self::Rebind(_)
            | Self::Doctor
            | Self::Simulator(_)
            | Self::Completions(_)
            | Self::Man(_) => return None,
        };
        notify.notify_command.as_deref()
    }
}

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
pub(super) struct RunArgs {
    /// The payout file: CSV, XLSX, XLS or ODS, with a header row
    pub(super) file: PathBuf,
    /// Batch name: 1 to 64 of a-z 0-9 . _ -  (part of every invoice_no)
    #[arg(long, value_name = "NAME")]
    pub(super) batch: Option<String>,
    /// Pay without asking
    #[arg(long)]
    pub(super) yes: bool,
    /// Pay without asking if the whole plan comes to exactly so many points
    #[arg(long, value_name = "POINTS", conflicts_with = "yes")]
    pub(super) confirm_total: Option<u64>,
    /// Pay without asking if the plan is exactly the one that --dry-run printed
    #[arg(long, value_name = "SHA256", conflicts_with_all = ["yes", "confirm_total"])]
    pub(super) confirm_plan: Option<String>,
    /// Plan and pre-check on a copy of the ledger; no top-up, and nothing changes
    #[arg(long)]
    pub(super) dry_run: bool,
    /// Play it all against a simulator inside, on a copy of the ledger; nothing is sent to the gateway or kept
    #[arg(long, conflicts_with_all = ["dry_run", "metrics"])]
    pub(super) rehearse: bool,
    /// Faults of a rehearsal and their probabilities, as in lost_after=0.03,seed=7
    #[arg(long, value_name = "PLAN", requires = "rehearse")]
    pub(super) faults: Option<String>,
    /// Members of a rehearsal, as `topup simulator` takes them: a directory or a payout file [default: every phone]
    #[arg(long, value_name = "FILE", requires = "rehearse")]
    pub(super) members: Option<PathBuf>,
    #[command(flatten)]
    pub(super) metrics: MetricsArgs,
    /// With --dry-run: write the members who would not be paid, and why, to a .csv, .xlsx, .html or .json
    #[arg(long, value_name = "FILE", requires = "dry_run")]
    pub(super) export: Option<PathBuf>,
    #[command(flatten)]
    pub(super) reading: PlanningArgs,
    #[command(flatten)]
    pub(super) who: WhoArgs,
    #[command(flatten)]
    pub(super) notify: NotifyArgs,
}

/// How a file is to be planned.
#[derive(Clone, Debug, Args)]
pub(super) struct PlanningArgs {
    /// Pay the valid rows and report the others as skipped
    #[arg(long)]
    pub(super) skip_invalid: bool,
    #[command(flatten)]
    pub(super) how: FileArgs,
    /// Refuse the file unless it has so many rows
    #[arg(long, value_name = "N")]
    pub(super) expect_rows: Option<u64>,
    /// Refuse the file unless its points add up to this
    #[arg(long, value_name = "POINTS")]
    pub(super) expect_total: Option<u64>,
    /// Pay rows again that another batch credited lately, and keep the reason
    #[arg(long, value_name = "WHY")]
    pub(super) repeat: Option<String>,
}

/// How a file is to be read.
#[derive(Clone, Debug, Args)]
pub(super) struct FileArgs {
    /// Worksheet of a workbook
    #[arg(long, value_name = "NAME")]
    pub(super) sheet: Option<String>,
    /// Name a column by hand, as in points="Thưởng T11"
    #[arg(long, value_name = "MEANING=HEADER")]
    pub(super) column: Vec<String>,
    /// The mark that groups thousands of points, where the file does not tell: . or ,
    #[arg(long, value_name = "MARK")]
    pub(super) points_grouping: Option<char>,
    /// One member may stand in several rows without references
    #[arg(long)]
    pub(super) allow_repeat_phones: bool,
    /// Count hidden rows and columns too
    #[arg(long)]
    pub(super) include_hidden: bool,
    /// Leave hidden rows out: pay only the rows of a filtered sheet that are seen
    #[arg(long, conflicts_with = "include_hidden")]
    pub(super) visible_only: bool,
}

#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  topup check rewards.xlsx\n  topup check rewards.csv --column points=\"Thưởng T11\"\n  \
                  topup check rewards.xlsx --export errors.xlsx"
)]
pub(super) struct CheckArgs {
    /// The payout file: CSV, XLSX, XLS or ODS
    pub(super) file: PathBuf,
    #[command(flatten)]
    pub(super) how: FileArgs,
    /// Refuse the file unless it has so many rows
    #[arg(long, value_name = "N")]
    pub(super) expect_rows: Option<u64>,
    /// Refuse the file unless its points add up to this
    #[arg(long, value_name = "POINTS")]
    pub(super) expect_total: Option<u64>,
    /// Give the sheet back as FILE (.xlsx), with wrong cells marked and a column «Lỗi» that says what is wrong
    #[arg(long, value_name = "FILE")]
    pub(super) export: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub(super) struct TemplateArgs {
    /// Where to write it: .csv or .xlsx; a file that is there is left alone
    #[arg(short, long, value_name = "FILE")]
    pub(super) output: PathBuf,
    /// The language of its headers and notes
    #[arg(long, value_name = "LANG", default_value = "vi", value_parser = ["vi", "en"])]
    pub(super) lang: String,
}

#[derive(Debug, Args)]
pub(super) struct BatchArgs {
    /// The batch
    pub(super) batch: String,
    #[command(flatten)]
    pub(super) notify: NotifyArgs,
    #[command(flatten)]
    pub(super) metrics: MetricsArgs,
}

#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  topup verify 2026-11\n  topup verify 2026-11 --offline --head 97b84d9be4878f3a")]
pub(super) struct VerifyArgs {
    /// The batch
    pub(super) batch: String,
    /// Only the ledger's own history; no call is made
    #[arg(long)]
    pub(super) offline: bool,
    /// What an earlier summary said that the history ends with: it has to be in there still
    #[arg(long, value_name = "HEAD")]
    pub(super) head: Option<String>,
}

#[derive(Debug, Args)]
#[command(after_help = "Example:\n  topup simulator --faults lost_after=0.03,http_500_applied=0.02\n\n\
    The book is at GET /book, the counters at GET /stats; POST /faults changes the faults while it runs.")]
pub(super) struct SimulatorArgs {
    /// Port on 127.0.0.1; 0 takes a free one
    #[arg(long, default_value_t = 8099)]
    pub(super) port: u16,
    /// Private key whose signatures are accepted (default: the configuration's gateway.private_key)
    #[arg(long, value_name = "FILE")]
    pub(super) key: Option<PathBuf>,
    /// Make a new private key at the path of --key, if there is none
    #[arg(long, requires = "key")]
    pub(super) make_key: bool,
    /// Members as CSV: phone,card_no,user_id,full_name,status,card_status,check_code,topup_code; or a payout file, whose
    /// members are active and called as it says [default: every phone, without a name]
    #[arg(long, value_name = "FILE")]
    pub(super) members: Option<PathBuf>,
    /// Faults and their probabilities, as in lost_after=0.03,seed=7
    #[arg(long, value_name = "PLAN", default_value = "none")]
    pub(super) faults: String,
    /// Mean latency of an answer, in milliseconds
    #[arg(long, value_name = "MS", default_value_t = 0)]
    pub(super) latency_ms: u64,
    /// End after so many seconds
    #[arg(long, value_name = "S")]
    pub(super) for_s: Option<u64>,
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_help_of_every_command_has_an_example() {
        let mut cli = Cli::command();
        cli.clone().debug_assert();
        for command in cli.get_subcommands_mut() {
            let help = command.render_long_help().to_string();
            let example = format!("\n  topup {}", command.get_name());
            assert!(help.contains("Example") && help.contains(&example), "{help}");
        }
    }
}
