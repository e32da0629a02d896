//! Says what somebody can do next, as values: every door words the steps for itself, as a command or as a link.

use std::borrow::Cow;
use std::fmt;

/// Something that somebody can do next. `None` where no batch is meant in particular.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// Pay a file.
    Run,
    /// Pay a file under a new batch.
    RunNew,
    /// Pay a file without the rows that are not valid.
    RunSkippingInvalid,
    /// Look at a file's plan under this batch, and pay nothing.
    DryRun(String),
    /// Check a file.
    Check(String),
    /// Go on with a batch.
    Resume(Option<String>),
    /// Ask what became of the payouts in doubt.
    Resolve(String),
    /// Plan again what was not paid.
    Retry(Option<String>),
    /// The same, and say why.
    RetryWhy(String),
    /// Plan a held payout again, by batch and invoice_no.
    Release(String, String),
    /// Close payouts of a batch.
    Cancel(Option<String>),
    /// Close one payout, by batch and invoice_no.
    CancelOne(String, String),
    /// Say that a payout in doubt was credited, by batch and invoice_no.
    AttestCredited(String, String),
    /// Say that a payout in doubt was not credited, by batch and invoice_no.
    AttestNotCredited(String, String),
    /// Look at all batches, or at one.
    Status(Option<String>),
    /// Watch a batch while a run goes on.
    StatusWatch(String),
    /// Everything that is known of a batch, for scripts.
    StatusJson(String),
    /// Compare a batch with its history and with the gateway.
    Verify(Option<String>),
    /// Compare a batch with its own history only.
    VerifyOffline(Option<String>),
    /// Approve what waits in a batch, by its seal in hexadecimal digits.
    Approve(String, String),
    /// See the people of the ledger.
    People,
    /// Go down to one person for a plan.
    LowerPolicy,
    /// Bind the ledger to the gateway of the configuration.
    Rebind,
    /// Remove personal data.
    Purge,
    /// Copy the ledger into a new file.
    Backup,
    /// Write results into a file.
    Export,
    /// Check the set-up.
    Doctor,
    /// Write a configuration to begin with.
    Init,
}

/// Something that somebody can say along with a step.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Choice {
    /// Why payouts are to be paid again that another batch credited.
    WhyRepeated,
    /// That the plan of this seal is meant, in hexadecimal digits; `None`: the one that was shown.
    Plan(Option<String>),
    /// Which ledger is meant.
    Ledger,
    /// Which configuration is meant.
    Config,
}

/// How a door words a step: as a command to type, or as a link.
pub type StepText = fn(&Step) -> String;

/// A piece of a hint.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Part {
    /// Words that hold at every door.
    Words(Cow<'static, str>),
    /// A step, which the door words.
    Step(Step),
    /// A choice, which the door words.
    Choice(Choice),
}

/// Advice: words, and between them the steps that are meant.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Hint(Vec<Part>);

impl Hint {
    /// Begins with words.
    #[must_use]
    pub fn of(words: impl Into<Cow<'static, str>>) -> Self {
        Self::default().words(words)
    }

    /// Goes on with words.
    #[must_use]
    pub fn words(mut self, words: impl Into<Cow<'static, str>>) -> Self {
        self.0.push(Part::Words(words.into()));
        self
    }

    /// Goes on with a step.
    #[must_use]
    pub fn step(mut self, step: Step) -> Self {
        self.0.push(Part::Step(step));
        self
    }

    /// Goes on with a choice.
    #[must_use]
    pub fn choice(mut self, choice: Choice) -> Self {
        self.0.push(Part::Choice(choice));
        self
    }

    /// What it is made of, in order.
    #[must_use]
    pub fn parts(&self) -> &[Part] {
        &self.0
    }
}

impl From<Step> for Hint {
    fn from(step: Step) -> Self {
        Self::default().step(step)
    }
}

impl fmt::Display for Hint {
    /// For a log, where no door words the steps.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|part| match part {
            Part::Words(words) => f.write_str(words),
            Part::Step(step) => write!(f, "{step:?}"),
            Part::Choice(choice) => write!(f, "{choice:?}"),
        })
    }
}
