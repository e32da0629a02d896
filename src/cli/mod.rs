//! The command line: arguments, prompts, progress, words, exit statuses.
//!
//! Architecture invariant: nothing here decides about money; it says what was decided, and asks.

mod approvals;
mod args;
mod check;
mod decide;
mod demo;
mod doctor;
mod exit;
mod export;
mod failure_view;
mod find;
mod hints;
mod init;
mod interrupt;
mod ledger;
mod logging;
mod manual;
mod metrics;
mod next_command;
mod notify;
mod output;
mod pay;
mod people;
mod plan_view;
mod progress;
mod purge;
mod purge_view;
mod rebind;
mod reconcile;
mod rehearse;
mod requests;
mod run;
mod run_metrics;
mod simulator;
mod status;
mod terminal;
mod verify;
mod work;
mod wrap;

use crate::app::{self, Ending, Failure, Mode, hide_phones};
use args::{Cli, Command};
use clap::Parser;
pub use hints::command;
use output::{Output, Report};
use serde_json::Value;
use std::io::IsTerminal;
use std::process::ExitCode;
use terminal::Terminal;

/// Runs the program with the arguments it was given.
#[must_use]
pub fn main() -> ExitCode {
    interrupt::look_at_signals();
    match Cli::try_parse() {
        Ok(cli) => start(&cli),
        Err(error) => usage(&error),
    }
}

/// Runs a command, prints how it ended, and then tells whom the user named.
fn start(cli: &Cli) -> ExitCode {
    let common = &cli.common;
    let output = Output::new(common.json, common.quiet);
    let terminal = Terminal::new(output, common);
    let ledger = terminal.as_ref().ok().map(|terminal| terminal.settings.ledger_path());
    let logs = logging::start(common.quiet, common.verbose, common.log.as_deref(), ledger);
    let (result, created) = match (logs, terminal) {
        (Ok(()), Ok(terminal)) => (dispatch(cli, output, Ok(&terminal)), terminal.ledger_created()),
        (Ok(()), Err(failure)) => (dispatch(cli, output, Err(failure)), None),
        (Err(failure), _) => (Err(failure), None),
    };
    let mut object = result.as_ref().map_or_else(failure_view::failure_json, |report| report.json.clone());
    let place = if result.is_ok() { Some(&mut object) } else { object.get_mut("error") };
    if let (Some(path), Some(place)) = (created, place.and_then(Value::as_object_mut)) {
        place.insert("ledger_created".to_owned(), path.into());
    }
    let exit = output.finish(&result, &object);
    if let Some(command) = cli.command.notify_command() {
        notify::notify(command, &object);
    }
    exit
}

/// Runs a command; some of them need no settings.
fn dispatch(cli: &Cli, output: Output, terminal: Result<&Terminal, Failure>) -> Result<Report, Failure> {
    match &cli.command {
        Command::Demo => demo::demo(output),
        Command::Init => init::init(cli.common.config.as_deref()),
        Command::Check(args) => {
            check::check(output, args, terminal.ok().map(|terminal| terminal.settings.ledger_path()))
        }
        Command::Template(args) => check::template(args),
        Command::Completions(args) => manual::completions(output, args),
        Command::Man(args) => manual::man(output, args),
        Command::Run(args) => run::run(terminal?, args),
        Command::Plan(args) => approvals::plan(terminal?, args),
        Command::Approval(args) => approvals::approval(terminal?, args),
        Command::Approve(args) => approvals::approve(terminal?, args),
        Command::SendBack(args) => approvals::send_back(terminal?, args),
        Command::Withdraw(args) => approvals::withdraw(terminal?, args),
        Command::People(args) => people::people(terminal?, args),
        Command::Policy(args) => people::policy(terminal?, args),
        Command::Resume(args) => {
            pay::go_on(terminal?, &args.batch, Mode::Pay, args.repeat.why(), args.slice.stop_after)
        }
        Command::Work(args) => work::work(terminal?, args),
        Command::Resolve(args) => pay::go_on(terminal?, args, Mode::Resolve, None, None),
        Command::Status(args) => status::status(terminal?, args),
        Command::Find(args) => find::find(terminal?, args),
        Command::Verify(args) => verify::verify(terminal?, args),
        Command::Reconcile(args) => reconcile::reconcile(terminal?, args),
        Command::Retry(args) => decide::retry(terminal?, args),
        Command::Release(args) => decide::release(terminal?, args),
        Command::Cancel(args) => decide::cancel(terminal?, args),
        Command::Attest(args) => decide::attest(terminal?, args),
        Command::Export(args) => export::export(terminal?, args),
        Command::Rebind(args) => rebind::rebind(terminal?, args),
        Command::Purge(args) => purge::purge(terminal?, args),
        Command::Ledger(args) => ledger::ledger(terminal?, args),
        Command::Doctor => doctor::doctor(terminal?, cli.common.verbose > 0),
        Command::Simulator(args) => simulator::simulator(terminal?, args),
    }
}

/// What was typed wrongly, with all that was said of it: what is missing, what was meant, and how it is typed.
fn usage_failure(text: &str) -> Failure {
    let (message, rest) = text.split_once("\n\n").unwrap_or((text, ""));
    let hint = rest.trim_end().trim_end_matches("For more information, try '--help'.").trim().replace("\n\n", "\n");
    let failure = Failure::said(Ending::Usage, "usage", message.trim_end().trim_start_matches("error: "));
    if hint.is_empty() { failure } else { failure.with_hint(app::Hint::of(hint)) }
}

/// Help goes to stdout with status 0, wrong usage to stderr with 2, and as JSON where JSON was asked for.
fn usage(error: &clap::Error) -> ExitCode {
    let wants_json = std::env::args_os().any(|argument| argument == "--json");
    if error.use_stderr() && wants_json {
        output::print_object(&failure_view::failure_json(&usage_failure(&error.render().to_string())));
    }
    if error.use_stderr() {
        // With its colours, unless what was typed is not to be shown as it stands.
        let text = error.render().to_string();
        if hide_phones(&text) == text {
            let _ = error.print();
        } else {
            output::say(&text);
        }
        return exit::status(Ending::Usage).into();
    }
    // As `error.print` writes it, which says nothing of an output that is full.
    let text = error.render();
    let text = if std::io::stdout().is_terminal() { text.ansi().to_string() } else { text.to_string() };
    match output::result_to_stdout(&text) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => output::complain(&failure),
    }
}
