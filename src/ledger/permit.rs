//! Defines the right to send one top-up once.

use crate::domain::payout::TopUp;

/// Proof that the intent to send exactly this top-up is durable.
///
/// Architecture invariant: there is no public constructor and no `Clone`; the ledger alone mints it, after the
/// commit of the intent, and the send consumes it. A POST without a durable intent does not compile:
///
/// ```compile_fail
/// # fn steal(top_up: topup::domain::payout::TopUp) -> topup::ledger::SubmitPermit {
/// topup::ledger::SubmitPermit { top_up }
/// # }
/// ```
#[derive(Debug)]
pub struct SubmitPermit {
    top_up: TopUp,
}

impl SubmitPermit {
    /// Only for a top-up whose intent is durable.
    pub(super) fn mint(top_up: TopUp) -> Self {
        Self { top_up }
    }

    /// What may be sent.
    #[must_use]
    pub fn top_up(&self) -> &TopUp {
        &self.top_up
    }

    /// A permit without a ledger behind it, for tests of what comes after it.
    #[cfg(test)]
    pub(crate) fn for_test(top_up: TopUp) -> Self {
        Self { top_up }
    }
}
