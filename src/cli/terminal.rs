//! The terminal as a door: what a use case tells is printed, its run shown, a signal ends it, and a person is asked.

use super::args::{Common, MetricsArgs};
use super::hints::command;
use super::interrupt::Interrupt;
use super::metrics::{Metrics, MetricsPort, serve};
use super::output::{Output, Report};
use super::plan_view::plan_text;
use super::progress::{Asking, Progress};
use crate::app::{
    Actor, BatchName, Context, Door, Ending, Failure, News, RunEvent, Settings, StepText, StopSignal, Watch, Watched,
    batch_name, counted,
};
use std::cell::{Cell, RefCell};
use std::path::{Path, PathBuf};
use std::pin::Pin;

/// The longest name that is kept of who typed a command, in characters.
const NAME_MAX: usize = 64;

/// The surroundings of one command.
pub(super) struct Terminal {
    pub(super) output: Output,
    pub(super) settings: Settings,
    pub(super) actor: Actor,
    /// The flags that said which configuration and ledger, for a command that is to be typed next.
    pub(super) typed: Vec<(&'static str, PathBuf)>,
    /// Where readers of metrics come in.
    metrics: RefCell<Option<MetricsPort>>,
    /// How far the questions to the gateway have come.
    asking: RefCell<Option<Asking>>,
    /// This command made the ledger.
    created: Cell<bool>,
}

impl Terminal {
    pub(super) fn new(output: Output, common: &Common) -> Result<Self, Failure> {
        let (config, ledger) = (common.config.as_deref(), common.ledger.as_deref());
        let settings = Settings::read(config, std::env::vars_os(), ledger.map(|path| (path, "--ledger")))?;
        let typed = [("--config", config), ("--ledger", ledger)];
        let typed = typed.into_iter().filter_map(|(flag, path)| Some((flag, path?.to_owned()))).collect();
        let (metrics, asking, created) = (RefCell::new(None), RefCell::new(None), Cell::new(false));
        Ok(Self { output, settings, actor: Actor::System(who(common.by.as_deref())?), typed, metrics, asking, created })
    }

    /// What the use cases start from.
    pub(super) fn context(&self) -> Context<'_> {
        Context { settings: &self.settings, actor: &self.actor, door: self }
    }

    /// Binds the port for metrics, if one was asked for.
    pub(super) fn bind(&self, args: &MetricsArgs) -> Result<(), Failure> {
        let Some(address) = args.metrics else { return Ok(()) };
        let (port, address) = MetricsPort::bind(address)?;
        self.output.note(&format!("metrics at http://{address}/metrics"));
        self.metrics.replace(Some(port));
        Ok(())
    }

    /// Says in the command's object that it made the ledger.
    pub(super) fn ledger_created(&self) -> Option<String> {
        self.created.get().then(|| self.settings.ledger_path().display().to_string())
    }

    /// The name that was typed for a batch, or is typed now.
    pub(super) fn batch_name(file: &Path, named: Option<&str>) -> Result<BatchName, Failure> {
        let usage = |message: String| Failure::said(Ending::Usage, "batch_name", message);
        let proposal = batch_name::propose(&file.file_stem().unwrap_or_default().to_string_lossy());
        let typed = match named {
            Some(name) => name.to_owned(),
            None if Output::can_ask() => {
                let typed = Output::ask(&format!("batch name [{proposal}]: "));
                // The end of the input is no answer: whoever typed Ctrl-D wanted out.
                let none = || Failure::no_consent("no batch name was given; nothing was sent");
                typed_name(typed, proposal).ok_or_else(none)?
            }
            None => return Err(usage(format!("--batch is required without a terminal\nhint: --batch {proposal}"))),
        };
        BatchName::parse(&typed).map_err(|problem| usage(problem.to_string()))
    }

    /// Asks a person who has to type yes, or takes `--yes` for it.
    pub(super) fn consent(question: &str, yes: bool, no: &str) -> Result<(), Failure> {
        if yes {
            return Ok(());
        }
        if !Output::can_ask() {
            return Err(Failure::no_consent("without a terminal this needs --yes; nothing was changed"));
        }
        match Output::ask(question).as_deref() {
            Some("yes") => Ok(()),
            Some(_) | None => Err(Failure::no_consent(no)),
        }
    }

    /// What a command that only shows something comes to.
    pub(super) fn shown(json: serde_json::Value, text: String) -> Report {
        Report { ending: Ending::Done, json, text }
    }
}

impl Door for Terminal {
    fn step_text(&self) -> StepText {
        command
    }

    fn tell(&self, news: &News<'_>) {
        match news {
            News::LedgerCreated(path) => {
                self.created.set(true);
                // Not only where notes are wanted: a ledger that should have been there knows nobody who was paid.
                Output::warn(&format!("created the ledger {}", path.display()));
            }
            News::Plan(batch, plan) => self.output.note(&plan_text(&self.settings, batch, plan)),
            News::Note(note) => self.output.note(&format!("note: {note}")),
            News::AskingAbout(count) => {
                self.output.note(&format!("asking the gateway about {}", counted(*count, "number")));
                self.asking.replace(Some(Asking::new(self.output, *count)));
            }
            News::Answered(count) => {
                self.asking.borrow_mut().iter_mut().for_each(|asking| asking.at(*count));
            }
            News::Purging(batch) => self.output.note(&format!("purging batch {batch}")),
            News::WritingAnew => self.output.note("writing the ledger's file anew"),
        }
    }

    fn stop_signal(&self) -> Result<StopSignal, Failure> {
        Ok(Box::pin(Interrupt::listen()?))
    }

    fn watch(&self, run: Watched) -> Box<dyn Watch + '_> {
        let Watched { batch, host, rate_per_s, counts, is_kept } = run;
        let progress = Progress::new(counts.clone(), self.output, host, is_kept);
        let metrics = Metrics { batch: batch.to_string(), rate_limit_per_s: rate_per_s, counts };
        Box::new(Screen { progress, metrics: Cell::new(self.metrics.take().map(|port| (port, metrics))) })
    }
}

/// A run on the screen, and its numbers for readers of metrics.
struct Screen {
    progress: Progress,
    metrics: Cell<Option<(MetricsPort, Metrics)>>,
}

impl Watch for Screen {
    fn on_event(&self, event: &RunEvent) {
        self.progress.on_event(event);
    }

    fn beside(&self) -> Pin<Box<dyn Future<Output = ()> + '_>> {
        // A task of its own, which ends with the runtime: whoever reads never holds the run up.
        if let Some((port, metrics)) = self.metrics.take() {
            tokio::spawn(serve(port, metrics));
        }
        Box::pin(self.progress.print_lines())
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        self.progress.finish();
    }
}

/// What was typed at the question for the batch's name, where Enter alone takes the proposal.
fn typed_name(typed: Option<String>, proposal: String) -> Option<String> {
    typed.map(|typed| if typed.is_empty() { proposal } else { typed })
}

/// User and machine. A job has no user in its environment, and is called by its account then. `by`: who it is, as was typed.
fn who(by: Option<&str>) -> Result<String, Failure> {
    let is_name = |name: &str| !name.trim().is_empty() && !name.chars().any(char::is_control);
    if let Some(name) = by.filter(|name| !is_name(name) || name.chars().count() > NAME_MAX) {
        let message = format!("--by needs a name of 1 to {NAME_MAX} characters, has {name:?}");
        return Err(Failure::said(Ending::Usage, "usage", message));
    }
    let named = ["TOPUP_ACTOR", "USER", "LOGNAME"].into_iter().filter_map(|name| std::env::var(name).ok());
    let user = by.map(str::to_owned).into_iter().chain(named.filter(|name| is_name(name))).chain(account()).next();
    #[cfg(unix)]
    let machine = rustix::system::uname().nodename().to_string_lossy().into_owned();
    #[cfg(not(unix))]
    let machine = std::env::var("COMPUTERNAME").unwrap_or_default();
    Ok(format!("{}@{machine}", user.as_deref().unwrap_or("unknown")))
}

/// The account's name in the list of users of this machine, or its number: a container has no such list.
#[cfg(unix)]
fn account() -> Option<String> {
    let uid = rustix::process::getuid().as_raw();
    let users = std::fs::read_to_string("/etc/passwd").unwrap_or_default();
    Some(account_in(&users, uid).map_or_else(|| format!("uid-{uid}"), str::to_owned))
}

#[cfg(not(unix))]
fn account() -> Option<String> {
    None
}

/// The name of an account in `/etc/passwd` (passwd(5)).
#[cfg(unix)]
fn account_in(users: &str, uid: u32) -> Option<&str> {
    users.lines().find_map(|line| {
        let mut fields = line.split(':');
        let name = fields.next().filter(|name| !name.is_empty())?;
        (fields.nth(1)?.parse() == Ok(uid)).then_some(name)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[cfg(unix)]
    #[test]
    fn an_account_is_called_as_the_list_of_users_calls_it() {
        let users =
            "root:x:0:0:root:/root:/bin/bash\n\nbroken\n:x:7::\ntopup:x:998:998::/var/lib/topup:/usr/sbin/nologin\n";
        assert_eq!(account_in(users, 998), Some("topup"));
        assert_eq!(account_in(users, 0), Some("root"));
        assert_eq!([account_in(users, 7), account_in("", 0)], [None, None]);
    }

    #[test]
    fn the_end_of_the_input_names_no_batch() {
        let named = |typed: Option<&str>| typed_name(typed.map(str::to_owned), "proposal".to_owned());
        assert_eq!(named(None), None);
        assert_eq!(named(Some("")).as_deref(), Some("proposal"));
        assert_eq!(named(Some("mine")).as_deref(), Some("mine"));
    }
}
