//! Defines the command line: what can be typed, and the help that explains it.

mod batch;
mod decisions;
mod file;
mod kit;
mod ledger;
mod people;
mod run;

pub(super) use batch::{BatchArgs, ExportArgs, PurgeArgs, RebindArgs, ReconcileArgs, StatusArgs, VerifyArgs};
pub(super) use decisions::{AttestArgs, CancelArgs, DecisionArgs, ReleaseArgs, ResumeArgs, RetryArgs};
pub(super) use file::{CheckArgs, FileArgs, PlanArgs, PlanningArgs, RunArgs, TemplateArgs};
pub(super) use kit::{CompletionsArgs, ManArgs, SimulatorArgs};
pub(super) use ledger::{FindArgs, LedgerAction, LedgerArgs};
pub(super) use people::{ApprovalArgs, ApproveArgs, PeopleAction, PeopleArgs, PolicyArgs, TakeBackArgs, WhoArgs};
pub(super) use run::{MetricsArgs, WorkArgs};

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
    /// In whose name, as the history keeps it [default: TOPUP_ACTOR, or the account]
    #[arg(long, global = true, value_name = "NAME")]
    pub(super) by: Option<String>,
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
    /// Write a configuration and make the key that requests are signed with
    #[command(after_help = "Example:\n  topup init\n\n\
        It writes topup.toml and merchant.pem beside it, and prints the public half to send to the provider. Nothing that \
        is there is overwritten; a key that is there is taken.")]
    Init,
    /// Check configuration, key, clock, ledger, and one signed call
    #[command(after_help = "Examples:\n  topup doctor\n  topup doctor --config staging.toml\n\n\
        Each line is ok, warning or failure; the exit status is that of the first failure.")]
    Doctor,
    /// Write a file to begin with
    #[command(after_help = "Examples:\n  topup template -o rewards.xlsx\n  topup template -o rewards.csv")]
    Template(TemplateArgs),
    /// Read and judge a file, offline
    Check(CheckArgs),
    /// Pay a file; the same command again resumes, resolves and finishes
    Run(Box<RunArgs>),
    /// Show all batches, or one
    Status(StatusArgs),
    /// Go on with a batch without its file
    #[command(
        after_help = "Examples:\n  topup resume 2026-11\n  topup resume 2026-11 --json --quiet     for scripts\n\n\
        It resolves what is in doubt first, then pays what is planned; on a finished batch it sends nothing."
    )]
    Resume(ResumeArgs),
    /// Pay approved plans as they come, until stopped
    #[command(
        after_help = "Examples:\n  topup work            for a service: SIGTERM lets the calls under way come to their end\n  \
        topup work --once     pay what is approved now, and end\n\n\
        One batch after the other, each as `topup resume` pays it. A batch that a person stopped, or that stopped for a \
        person to look at (breaker, canary, budget), is left to a person: `topup resume` goes on with it."
    )]
    Work(WorkArgs),
    /// Only ask the gateway what became of payouts in doubt
    #[command(
        after_help = "Example:\n  topup resolve 2026-11\n\nIt never sends a top-up: what is planned stays planned."
    )]
    Resolve(BatchArgs),
    /// Find a member, a reference or a number over all batches
    Find(FindArgs),
    /// Write the results of a batch into a file
    Export(ExportArgs),
    /// Compare a batch with its own history, and with the gateway
    Verify(VerifyArgs),
    /// Compare the provider's statement with a batch
    Reconcile(ReconcileArgs),
    /// Plan again what is declined or ineligible
    #[command(
        after_help = "Example:\n  topup retry 2026-11 --why \"accounts unlocked, ticket 4711\"\n  topup resume 2026-11\n\n\
        Order status of the old number is asked first: what was credited after all becomes credited,\n\
        and a new number is made only where the order failed."
    )]
    #[command(override_usage = "topup retry [OPTIONS] --why <TEXT> <BATCH>\n       [PAYOUT]...")]
    Retry(RetryArgs),
    /// Plan held payouts again, and accept the names that the gateway gave
    #[command(override_usage = "topup release [OPTIONS] --why <TEXT> <BATCH>\n       [PAYOUT]...")]
    #[command(after_help = "Example:\n  topup status 2026-11                    names the held payouts\n  \
        topup release 2026-11 R-0017 --why \"maiden name, checked by phone\"\n  topup resume 2026-11")]
    Release(ReleaseArgs),
    /// Close payouts that are planned or held
    #[command(override_usage = "topup cancel [OPTIONS] --why <TEXT> <BATCH>\n       [PAYOUT]...")]
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
    /// Remove names and phones of finished batches
    Purge(PurgeArgs),
    /// Keep using a ledger after the provider moved the gateway, or changed the terminal
    #[command(after_help = "Example:\n  topup rebind --why \"the provider's mail of 3 December: new domain\"\n\n\
        Binds the ledger and its batches to the gateway.url and gateway.terminal_id of the configuration, and keeps the\n\
        reason. Merchant and prefix never change: they are part of every number. What is in doubt then settles at the\n\
        new address: numbers depend on neither host nor terminal.")]
    Rebind(RebindArgs),
    /// Look after the ledger as a whole
    Ledger(LedgerArgs),
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
            | Self::Ledger(_)
            | Self::Find(_)
            | Self::Doctor
            | Self::Init
            | Self::Simulator(_)
            | Self::Completions(_)
            | Self::Man(_)
            // It tells the end of each run.
            | Self::Work(_) => return None,
        };
        notify.notify_command.as_deref()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;
    use unicode_width::UnicodeWidthStr;

    #[test]
    fn no_line_of_any_help_is_wider_than_the_screen() {
        for columns in [60, 80, 100] {
            let mut cli = Cli::command().term_width(columns);
            cli.build();
            let wide = too_wide(&mut cli, columns);
            assert!(wide.is_empty(), "at {columns} columns: {wide:#?}");
        }
    }

    fn too_wide(command: &mut clap::Command, columns: usize) -> Vec<String> {
        let help = command.render_long_help().to_string();
        let mut wide: Vec<String> = help.lines().filter(|line| line.width() > columns).map(str::to_owned).collect();
        command.get_subcommands_mut().for_each(|below| wide.extend(too_wide(below, columns)));
        wide
    }

    #[test]
    fn commands_stand_in_the_order_of_a_first_use() {
        let help = Cli::command().render_help().to_string();
        let place = |name: &str| help.find(&format!("\n  {name} ")).unwrap_or_else(|| panic!("{name} in {help}"));
        let order = ["demo", "init", "doctor", "check", "run", "status", "resume", "export", "retry", "plan", "purge"];
        assert!(order.windows(2).all(|two| place(two[0]) < place(two[1])), "{help}");
    }

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
