//! What every use case starts from: under which settings, in whose name, and by which door somebody came.

use super::counts::LiveCounts;
use super::failure::{Ending, Failure};
use super::settings::Settings;
use crate::domain::approval::Actor;
use crate::domain::batch_name::BatchName;
use crate::domain::hint::{Choice, Hint, Step, StepText};
use crate::domain::text::typed;
use crate::engine::{RunEvent, SharedPace};
use crate::ledger::{Access, Lease, Ledger, LedgerError};
use crate::plan::DraftSummary;
use crate::private_file;
use std::path::Path;
use std::pin::Pin;
use std::sync::Arc;

/// What is told while a use case is at work. Nothing depends on it.
#[derive(Debug)]
pub enum News<'n> {
    /// A ledger was made at this path. One that should have been there knows nobody who was paid.
    LedgerCreated(&'n Path),
    /// The plan of a batch, before anything of it is paid.
    Plan(&'n BatchName, &'n DraftSummary),
    /// Something that a person should know.
    Note(&'n str),
    /// So many numbers are asked about.
    AskingAbout(u64),
    /// Of those, so many are answered.
    Answered(u64),
    /// This batch is being purged.
    Purging(&'n BatchName),
    /// The ledger's file is being written anew.
    WritingAnew,
}

/// Ends when somebody wants the use case to end. Dropped, it listens no more.
pub type StopSignal = Pin<Box<dyn Future<Output = ()>>>;

/// A run that somebody looks on at.
#[derive(Clone, Debug)]
pub struct Watched {
    /// Its batch.
    pub batch: BatchName,
    /// Whom it asks, as people call it.
    pub host: String,
    /// The configured rate of its requests.
    pub rate_per_s: f64,
    /// Its numbers, as they are.
    pub counts: LiveCounts,
    /// What happens is recorded for good, as not in a rehearsal.
    pub is_kept: bool,
}

/// Looks on while a run goes on.
pub trait Watch {
    /// Takes in what happened; the counts know it already.
    fn on_event(&self, event: &RunEvent);

    /// What goes on beside the run, on the run's runtime; it ends with the run, not by itself.
    fn beside(&self) -> Pin<Box<dyn Future<Output = ()> + '_>> {
        Box::pin(std::future::pending())
    }
}

/// Where somebody came in: what a use case needs of it while it is at work.
pub trait Door {
    /// Passes on what is told meanwhile.
    fn tell(&self, news: &News<'_>);

    /// How it words a step, in what is written for people to keep.
    fn step_text(&self) -> StepText;

    /// Begins to listen for a wish to end.
    ///
    /// # Errors
    /// When nobody can listen; then the use case does not begin.
    fn stop_signal(&self) -> Result<StopSignal, Failure>;

    /// Begins to look on at a run.
    fn watch(&self, run: Watched) -> Box<dyn Watch + '_>;
}

/// The surroundings of one use case.
#[derive(Clone, Copy)]
pub struct Context<'c> {
    /// Read once, before it began.
    pub settings: &'c Settings,
    /// Who is at the door, by the name that the system gives.
    pub actor: &'c Actor,
    /// The door.
    pub door: &'c dyn Door,
}

impl Context<'_> {
    /// Takes the ledger's lease and opens the ledger for changes. `purpose`: what for, as others read who holds the lock.
    pub(super) fn open_locked(self, purpose: &str, access: Access) -> Result<(Ledger, Lease), Failure> {
        let path = self.settings.ledger_path();
        if access == Access::Write && !path.exists() {
            return Err(self.elsewhere(LedgerError::Missing(path.to_owned())));
        }
        let lock = self.lock(purpose)?;
        Ok((self.open_to_change(access)?, lock))
    }

    /// Takes the ledger's lease.
    pub(super) fn lock(self, purpose: &str) -> Result<Lease, Failure> {
        let folder = private_file::folder_of(self.settings.ledger_path());
        if !folder.exists() {
            let (folder, ledger) = (folder.display(), self.settings.ledger_path().display());
            let message = format!("needs the folder {folder} for the ledger {ledger}, and there is none");
            let hint = Hint::of(format!("make it: mkdir -p {}; or correct ", typed(&folder.to_string())));
            let hint = hint.choice(Choice::Ledger).words(" or [ledger] path");
            return Err(Failure::said(Ending::Failed, "ledger", message).with_hint(hint));
        }
        let since = jiff::Timestamp::now().strftime("%Y-%m-%d %H:%M:%S UTC");
        let holder = format!("process {} (topup {purpose}) of {} since {since}", std::process::id(), self.actor);
        Ok(Lease::take(self.settings.ledger_path(), &holder)?)
    }

    /// Opens the ledger for changes, under the ledger's lease.
    pub(super) fn open_to_change(self, access: Access) -> Result<Ledger, Failure> {
        let path = self.settings.ledger_path();
        let is_new = !path.exists();
        let ledger = Ledger::open(path, access)?.acting_as(self.actor.clone());
        if is_new {
            self.door.tell(&News::LedgerCreated(path));
        }
        Ok(ledger)
    }

    /// Opens the ledger to look, beside a live run too.
    pub(super) fn open_to_read(self) -> Result<Ledger, Failure> {
        Ledger::open(self.settings.ledger_path(), Access::Read).map_err(|error| self.elsewhere(error))
    }

    /// A ledger that is missing where there is no configuration either: whoever asks may stand in another folder.
    fn elsewhere(self, error: LedgerError) -> Failure {
        let is_elsewhere = matches!(error, LedgerError::Missing(_)) && self.settings.is_unconfigured();
        let mut failure = Failure::from(error);
        if is_elsewhere {
            failure.message.push_str(", and no configuration either");
            let hint = Hint::of("go to the folder of topup.toml, or name it: ")
                .choice(Choice::Config)
                .words("; for a first use ")
                .step(Step::Init);
            failure.hint = Some(hint.words(" writes one"));
        }
        failure
    }

    /// Refuses to go on without a ledger where none may be made.
    pub fn refuse_missing(self) -> Result<(), Failure> {
        let path = self.settings.ledger_path();
        if self.settings.may_create_a_ledger() || path.exists() {
            return Ok(());
        }
        let path = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
        let message = format!(
            "needs the ledger {path}, and there is none; ledger.create is false, so none was made and nothing was sent",
            path = path.display()
        );
        let hint = Hint::of("a ledger that was there is somewhere: look for a volume that is not mounted, or another ")
            .choice(Choice::Ledger)
            .words("; for a first run set ledger.create = true");
        Err(Failure::said(Ending::Usage, "no_ledger", message).with_hint(hint))
    }

    /// The pace that the runs of this ledger share. `may_create`: this use case may make its file.
    pub(super) fn shared_pace(self, may_create: bool) -> Arc<SharedPace> {
        Arc::new(SharedPace::of(self.settings.ledger_path(), may_create))
    }

    /// Says why the pace was not shared, if something was wrong.
    pub(super) fn note_trouble(self, pace: Option<&Arc<SharedPace>>) {
        if let Some(trouble) = pace.and_then(|pace| pace.trouble()) {
            self.door.tell(&News::Note(&trouble));
        }
    }

    /// Passes on what a person should know.
    pub(super) fn note_all(self, notes: &[String]) {
        notes.iter().for_each(|note| self.door.tell(&News::Note(note)));
    }

    /// A reason, and whose it is.
    pub(super) fn reason(self, why: &str) -> String {
        format!("{why} ({})", self.actor)
    }
}
