//! What every command starts from: configuration, output, ledger path, who is at the keyboard.

use super::args::Common;
use super::config::Config;
use super::failure::{Exit, Failure};
use super::output::{Output, Report};
use crate::domain::approval::Actor;
use crate::engine::SharedPace;
use crate::ledger::{Access, Ledger, RunLock, UnixMs};
use std::cell::Cell;
use std::ffi::OsString;
use std::path::PathBuf;
use std::sync::Arc;

/// The surroundings of one command.
#[derive(Debug)]
pub(super) struct Context {
    pub(super) config: Config,
    pub(super) output: Output,
    pub(super) ledger_path: PathBuf,
    /// The flags that said which configuration and ledger, for a command that is to be typed next.
    pub(super) typed: Vec<(&'static str, PathBuf)>,
    /// This command made the ledger.
    created: Cell<bool>,
}

impl Context {
    pub(super) fn new(common: &Common) -> Result<Self, Failure> {
        let mut config = Config::read(common.config.as_deref(), environment(std::env::vars_os()))?;
        if let Some(path) = &common.ledger {
            config.set_flag("ledger.path", toml::Value::String(path.display().to_string()), "--ledger");
        }
        let ledger_path = common.ledger.clone().map_or_else(|| config.path("ledger.path"), Ok)?;
        let typed = [("--config", &common.config), ("--ledger", &common.ledger)];
        let typed = typed.into_iter().filter_map(|(flag, path)| Some((flag, path.clone()?))).collect();
        Ok(Self { config, output: Output::new(common), ledger_path, typed, created: Cell::new(false) })
    }

    /// Takes the run lock and opens the ledger for changes.
    pub(super) fn open_locked(&self, command: &str, access: Access) -> Result<(Ledger, RunLock), Failure> {
        if access == Access::Write && !self.ledger_path.exists() {
            return Err(crate::ledger::LedgerError::Missing(self.ledger_path.clone()).into());
        }
        let lock = self.lock(command)?;
        Ok((self.open_to_change(access)?, lock))
    }

    /// Takes the run lock.
    pub(super) fn lock(&self, command: &str) -> Result<RunLock, Failure> {
        Ok(RunLock::acquire(&self.ledger_path, &holder(command))?)
    }

    /// Opens the ledger for changes, under the run lock.
    pub(super) fn open_to_change(&self, access: Access) -> Result<Ledger, Failure> {
        let is_new = !self.ledger_path.exists();
        let ledger = Ledger::open(&self.ledger_path, access)?.acting_as(Actor::System(who()));
        if is_new {
            self.created.set(true);
            // Not only where notes are wanted: a ledger that should have been there knows nobody who was paid.
            Output::warn(&format!("created the ledger {}", self.ledger_path.display()));
        }
        Ok(ledger)
    }

    /// Refuses to go on without a ledger where none may be made.
    pub(super) fn refuse_missing(&self) -> Result<(), Failure> {
        if self.config.yes("ledger.create") || self.ledger_path.exists() {
            return Ok(());
        }
        let path = std::path::absolute(&self.ledger_path).unwrap_or_else(|_| self.ledger_path.clone());
        let message = format!(
            "needs the ledger {path}, and there is none; ledger.create is false, so none was made and nothing was sent\nhint: \
             a ledger that was there is somewhere: look for a volume that is not mounted, or another --ledger; for a first \
             run set ledger.create = true",
            path = path.display()
        );
        Err(Failure::new(Exit::Usage, "no_ledger", anyhow::anyhow!(message)))
    }

    /// Says in the command's object that it made the ledger.
    pub(super) fn say_created(&self, ended: Result<Report, Failure>) -> Result<Report, Failure> {
        if !self.created.get() {
            return ended;
        }
        let path = self.ledger_path.display().to_string();
        match ended {
            Ok(mut report) => {
                if let Some(object) = report.json.as_object_mut() {
                    object.insert("ledger_created".to_owned(), path.into());
                }
                Ok(report)
            }
            Err(failure) => Err(failure.with_detail("ledger_created", path.into())),
        }
    }

    /// The pace that the commands of this ledger share. `may_create`: this command may make its file.
    pub(super) fn shared_pace(&self, may_create: bool) -> Arc<SharedPace> {
        Arc::new(SharedPace::of(&self.ledger_path, may_create))
    }

    /// Says why the pace was not shared, if something was wrong.
    pub(super) fn note_trouble(&self, pace: Option<&Arc<SharedPace>>) {
        if let Some(trouble) = pace.and_then(|pace| pace.trouble()) {
            self.output.note(&format!("note: {trouble}"));
        }
    }

    /// Opens the ledger to look, beside a live run too.
    pub(super) fn open_to_read(&self) -> Result<Ledger, Failure> {
        Ok(Ledger::open(&self.ledger_path, Access::Read)?)
    }
}

/// The variables that are text. Others' may be anything, and `std::env::vars` would panic and show them; one of ours
/// that is no text is passed on with what cannot be read replaced, so that it is refused and not overlooked.
fn environment(variables: impl Iterator<Item = (OsString, OsString)>) -> impl Iterator<Item = (String, String)> {
    variables.filter_map(|(name, value)| {
        let name = name.into_string().ok().filter(|name| name.starts_with("TOPUP_"))?;
        Some((name, value.to_string_lossy().into_owned()))
    })
}

/// Now, in Unix milliseconds.
pub(super) fn unix_ms() -> UnixMs {
    jiff::Timestamp::now().as_millisecond()
}

/// User and machine.
pub(super) fn who() -> String {
    let user = std::env::var("USER").or_else(|_| std::env::var("LOGNAME")).unwrap_or_else(|_| "unknown".to_owned());
    #[cfg(unix)]
    let machine = rustix::system::uname().nodename().to_string_lossy().into_owned();
    #[cfg(not(unix))]
    let machine = std::env::var("COMPUTERNAME").unwrap_or_default();
    format!("{user}@{machine}")
}

fn holder(command: &str) -> String {
    let since = jiff::Timestamp::now().strftime("%Y-%m-%d %H:%M:%S UTC");
    format!("process {} (topup {command}) of {} since {since}", std::process::id(), who())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[cfg(unix)]
    #[test]
    fn an_environment_that_is_no_text_harms_nobody() {
        use std::os::unix::ffi::OsStringExt;
        let bytes = |bytes: &[u8]| OsString::from_vec(bytes.to_vec());
        let variables = [
            (bytes(b"SECRET"), bytes(b"\xff")),
            (bytes(b"\xff"), bytes(b"x")),
            (bytes(b"TOPUP_GATEWAY_URL"), bytes(b"sandbox")),
        ];
        let read: Vec<_> = environment(variables.into_iter()).collect();
        assert_eq!(read, [("TOPUP_GATEWAY_URL".to_owned(), "sandbox".to_owned())]);
    }
}
