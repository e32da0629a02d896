//! The command line: arguments, prompts, progress, words, exit statuses.
//!
//! Architecture invariant: nothing here decides about money; it says what was decided, and asks.

mod approvals;
mod args;
mod batch;
mod check;
mod config;
mod context;
mod decide;
mod decision_args;
mod decision_session;
mod demo;
mod doctor;
mod elsewhere;
mod execute;
mod export;
mod failure;
mod interrupt;
mod key_material;
mod keys;
mod logging;
mod manual;
mod marked;
mod metrics;
mod next_command;
mod notify;
mod output;
mod people;
mod plan_view;
mod progress;
mod purge;
mod rebind;
mod reconcile;
mod rehearse;
mod run;
mod run_metrics;
mod setup;
mod simulator;
mod status;
mod verify;
mod wrap;
mod written;

use crate::domain::privacy::hide_phones;
use crate::engine::Mode;
use anyhow::anyhow;
use args::{Cli, Command};
use clap::Parser;
use context::Context;
use failure::{Exit, Failure};
use output::{Output, Report};
use std::io::IsTerminal;
use std::process::ExitCode;

/// Runs the program with the arguments it was given.
#[must_use]
pub fn main() -> ExitCode {
    interrupt::look_at_signals();
    match Cli::try_parse() {
        Ok(cli) => end(&cli, dispatch(&cli)),
        Err(error) => usage(&error),
    }
}

/// Prints how a command ended, and then tells whom the user named.
fn end(cli: &Cli, result: Result<Report, Failure>) -> ExitCode {
    let told = cli.command.notify_command().map(|command| {
        let end = result.as_ref().map_or_else(output::failure_json, |report| report.json.clone());
        (command, end)
    });
    let exit = Output::new(&cli.common).finish(result);
    if let Some((command, end)) = told {
        notify::notify(command, &end);
    }
    exit
}

fn dispatch(cli: &Cli) -> Result<Report, Failure> {
    logging::start(&cli.common)?;
    let context = || Context::new(&cli.common);
    match &cli.command {
        Command::Demo => demo::demo(Output::new(&cli.common)),
        Command::Check(args) => {
            if let Some(path) = &args.export {
                written::no_ledger(path, written::ledger_of(&cli.common).as_deref())?;
            }
            check::check(Output::new(&cli.common), args)
        }
        Command::Template(args) => check::template(args),
        Command::Run(args) => run::run(&context()?, args),
        Command::Plan(args) => approvals::plan(&context()?, args),
        Command::Approval(args) => approvals::approval(&context()?, args),
        Command::Approve(args) => approvals::approve(&context()?, args),
        Command::SendBack(args) => approvals::send_back(&context()?, args),
        Command::Withdraw(args) => approvals::withdraw(&context()?, args),
        Command::People(args) => people::people(&context()?, args),
        Command::Policy(args) => people::policy(&context()?, args),
        Command::Resume(args) => batch::go_on(&context()?, &args.batch, Mode::Pay, args.repeat.why()),
        Command::Resolve(args) => batch::go_on(&context()?, args, Mode::Resolve, None),
        Command::Status(args) => status::status(&context()?, args),
        Command::Verify(args) => verify::verify(&context()?, args),
        Command::Reconcile(args) => reconcile::reconcile(&context()?, args),
        Command::Retry(args) => decide::retry(&context()?, args),
        Command::Release(args) => decide::release(&context()?, args),
        Command::Cancel(args) => decide::cancel(&context()?, args),
        Command::Attest(args) => decide::attest(&context()?, args),
        Command::Export(args) => export::export(&context()?, args),
        Command::Rebind(args) => rebind::rebind(&context()?, args),
        Command::Purge(args) => purge::purge(&context()?, args),
        Command::Doctor => doctor::doctor(&context()?),
        Command::Completions(args) => manual::completions(Output::new(&cli.common), args),
        Command::Man(args) => manual::man(Output::new(&cli.common), args),
        Command::Simulator(args) => simulator::simulator(&context()?, args),
    }
}

/// Help goes to stdout with status 0, wrong usage to stderr with 2, and as JSON where JSON was asked for.
fn usage(error: &clap::Error) -> ExitCode {
    let wants_json = std::env::args_os().any(|argument| argument == "--json");
    if error.use_stderr() && wants_json {
        let text = error.render().to_string();
        let message = text.lines().next().unwrap_or_default().trim_start_matches("error: ").to_owned();
        output::print_failure_as_json(&Failure::new(Exit::Usage, "usage", anyhow!(message)));
    }
    if error.use_stderr() {
        // With its colours, unless what was typed is not to be shown as it stands.
        let text = error.render().to_string();
        if hide_phones(&text) == text {
            let _ = error.print();
        } else {
            output::say(&text);
        }
        return Exit::Usage.into();
    }
    // As `error.print` writes it, which says nothing of an output that is full.
    let text = error.render();
    let text = if std::io::stdout().is_terminal() { text.ansi().to_string() } else { text.to_string() };
    match output::result_to_stdout(&text) {
        Ok(()) => Exit::Done.into(),
        Err(failure) => {
            output::say(&format!("error: {failure}\n"));
            failure.exit.into()
        }
    }
}
