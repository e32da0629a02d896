//! What was looked at, and how it was found.

use crate::app::failure::{Ending, Failure};
use crate::domain::hint::Hint;

/// How one thing was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Finding {
    /// In order.
    Ok,
    /// Nothing that keeps a run from its work.
    Warning,
    /// Something that does.
    Failure,
}

impl Finding {
    /// The word for it on the screen and in JSON.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Warning => "warning",
            Self::Failure => "failure",
        }
    }
}

/// What was found of one thing.
#[derive(Debug)]
pub struct Line {
    /// The thing.
    pub what: &'static str,
    /// How it was found.
    pub finding: Finding,
    /// In words.
    pub text: String,
    /// What else is to be said, which names a step.
    pub also: Option<Hint>,
    /// What to do.
    pub hint: Option<Hint>,
}

/// What was looked at, line by line.
#[derive(Debug, Default)]
pub struct Findings {
    /// In the order in which it was looked at.
    pub lines: Vec<Line>,
    /// The kind of the first failure.
    first_failure: Option<Ending>,
}

impl Findings {
    /// How it went: as the first failure says.
    #[must_use]
    pub fn ending(&self) -> Ending {
        self.first_failure.unwrap_or(Ending::Done)
    }

    /// How many things were found like this.
    #[must_use]
    pub fn count(&self, of: Finding) -> usize {
        self.lines.iter().filter(|line| line.finding == of).count()
    }

    pub(super) fn ok(&mut self, what: &'static str, text: impl Into<String>) {
        self.put(what, Finding::Ok, text.into());
    }

    pub(super) fn warn(&mut self, what: &'static str, text: impl Into<String>) {
        self.put(what, Finding::Warning, text.into());
    }

    /// The first failure decides how it went.
    pub(super) fn fail(&mut self, what: &'static str, ending: Ending, text: impl Into<String>) {
        self.first_failure.get_or_insert(ending);
        self.put(what, Finding::Failure, text.into());
    }

    /// Notes a failure, and goes on without what it was to give.
    pub(super) fn take<T>(&mut self, what: &'static str, result: Result<T, Failure>) -> Option<T> {
        result.map_err(|failure| self.fail_of(what, failure)).ok()
    }

    fn put(&mut self, what: &'static str, finding: Finding, text: String) {
        let (text, hint) = match text.split_once("\nhint: ") {
            Some((text, hint)) => (text.to_owned(), Some(Hint::of(hint.to_owned()))),
            None => (text, None),
        };
        self.lines.push(Line { what, finding, text, also: None, hint });
    }

    /// Adds to the newest line what else is to be said.
    pub(super) fn also(&mut self, also: Hint) {
        if let Some(line) = self.lines.last_mut() {
            line.also = Some(also);
        }
    }

    /// Notes in the words of a failure what is none for a run.
    pub(super) fn warn_of(&mut self, what: &'static str, Failure { message, hint, .. }: Failure) {
        self.lines.push(Line { what, finding: Finding::Warning, text: message, also: None, hint });
    }

    /// Notes a failure.
    pub(super) fn fail_of(&mut self, what: &'static str, failure: Failure) {
        self.first_failure.get_or_insert(failure.ending);
        self.warn_of(what, failure);
        self.lines.iter_mut().last().into_iter().for_each(|line| line.finding = Finding::Failure);
    }
}
