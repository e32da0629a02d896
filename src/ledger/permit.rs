//! Defines the right to send one top-up once.

use super::database::Database;
use super::error::LedgerError;
use crate::crash;
use crate::domain::payout::TopUp;
use crate::moment::Moment;

/// Proof that a transaction is durable: nothing else makes it than the commit itself.
#[derive(Debug)]
pub(super) struct Committed {
    intended_at: Moment,
}

impl Committed {
    /// Does all of `write` in one transaction and makes it durable, or does nothing and is none.
    pub(super) fn by<D: Database, T>(
        database: &mut D,
        now: fn() -> Moment,
        write: impl FnOnce(&D::Store) -> Result<T, LedgerError>,
    ) -> Result<(T, Self), LedgerError> {
        let (written, intended_at) = database.commit(|store| {
            let written = write(store)?;
            // Before the commit, not after it: who is stopped between the two may find the intent resolved by another.
            let intended_at = now();
            crash::point("before-commit");
            Ok((written, intended_at))
        })?;
        crash::point("after-commit");
        Ok((written, Self { intended_at }))
    }
}

/// Proof that the intent to send exactly this top-up is durable.
///
/// Architecture invariant: there is no public constructor and no `Clone`; the ledger alone mints it, after the
/// commit of the intent, and the send consumes it. A POST without a durable intent does not compile:
///
/// ```compile_fail
/// # fn steal(top_up: topup::domain::payout::TopUp) -> topup::ledger::SubmitPermit {
/// topup::ledger::SubmitPermit { top_up, intended_at: topup::moment::Moment::now() }
/// # }
/// ```
#[derive(Debug)]
pub struct SubmitPermit {
    top_up: TopUp,
    intended_at: Moment,
}

impl SubmitPermit {
    /// Only for a top-up whose intent is durable by this commit.
    pub(super) fn mint(top_up: TopUp, committed: &Committed) -> Self {
        Self { top_up, intended_at: committed.intended_at }
    }

    /// What may be sent.
    #[must_use]
    pub fn top_up(&self) -> &TopUp {
        &self.top_up
    }

    /// When the commit of the intent began: nobody can have seen the intent before. From here on counts how long the
    /// top-up may be on its way, whatever held it up meanwhile.
    #[must_use]
    pub fn intended_at(&self) -> Moment {
        self.intended_at
    }

    /// A permit without a ledger behind it, for tests of what comes after it.
    #[cfg(test)]
    pub(crate) fn for_test(top_up: TopUp) -> Self {
        Self::for_test_since(top_up, Moment::now())
    }

    /// The same, of an intent that was made durable at another moment.
    #[cfg(test)]
    pub(crate) fn for_test_since(top_up: TopUp, intended_at: Moment) -> Self {
        Self { top_up, intended_at }
    }
}
