//! To what a ledger and its batches belong: one gateway, one merchant and one prefix, and a terminal for each batch.
//!
//! Architecture invariant: whatever asks or sends is made under a binding that was held against the ledger's here, and
//! only what never intended a top-up takes another one without a person's word. The merchant and the prefix of what ever
//! intended one never change: they are part of every number.

use super::error::{Bound, LedgerError};
use super::record::{Batch, Binding};
use super::store::Store;
use crate::domain::hint::{Choice, Hint, Step};

/// One of the things that something is bound to, with what it is bound to and what was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Difference {
    whose: String,
    what: What,
    bound: String,
    found: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum What {
    Gateway,
    Merchant,
    Terminal,
    Prefix,
}

impl What {
    fn word(self) -> &'static str {
        match self {
            Self::Gateway => "gateway",
            Self::Merchant => "merchant_id",
            Self::Terminal => "terminal_id",
            Self::Prefix => "invoice_prefix",
        }
    }
}

fn first_difference(whose: &str, pairs: &[(What, &str, &str)]) -> Option<Difference> {
    let (what, bound, found) = pairs.iter().find(|(_, bound, found)| bound != found)?;
    Some(Difference { whose: whose.to_owned(), what: *what, bound: (*bound).to_owned(), found: (*found).to_owned() })
}

/// What of the ledger's own binding is another one.
pub(super) fn ledger_difference(store: &impl Store, binding: &Binding) -> Result<Option<Difference>, LedgerError> {
    let Some([host, merchant, prefix]) = store.bound_to()? else { return Ok(None) };
    let pairs = [
        (What::Gateway, host.as_str(), binding.gateway_host.as_str()),
        (What::Merchant, &merchant, &binding.merchant_id),
        (What::Prefix, &prefix, binding.invoice_prefix.as_str()),
    ];
    Ok(first_difference("the ledger", &pairs))
}

/// What of a batch's binding is another one. A purged batch keeps the gateway and terminal that it was sealed with, and
/// is only asked about.
pub(super) fn batch_difference(batch: &Batch, binding: &Binding) -> Option<Difference> {
    let bound = &batch.binding;
    let mut pairs = vec![
        (What::Merchant, bound.merchant_id.as_str(), binding.merchant_id.as_str()),
        (What::Prefix, bound.invoice_prefix.as_str(), binding.invoice_prefix.as_str()),
    ];
    if batch.purged_at.is_none() {
        pairs.push((What::Terminal, &bound.terminal_id, &binding.terminal_id));
        pairs.push((What::Gateway, &bound.gateway_host, &binding.gateway_host));
    }
    first_difference(&format!("batch {}", batch.name), &pairs)
}

/// Refuses another gateway, merchant or prefix than the ledger's, and another terminal than the batch's.
pub(super) fn check(store: &impl Store, batch: Option<&Batch>, binding: &Binding) -> Result<(), LedgerError> {
    if let Some(difference) = ledger_difference(store, binding)? {
        let is_open = !store.is_touched(None)?;
        return Err(refusal(&difference, is_open, batch));
    }
    match batch.and_then(|of| Some((of, batch_difference(of, binding)?))) {
        None => Ok(()),
        Some((of, difference)) => Err(refusal(&difference, !store.is_touched(Some(of.id))?, batch)),
    }
}

/// Names both, and what to do. `is_open`: nothing was ever sent, so that the right configuration takes it over.
fn refusal(difference: &Difference, is_open: bool, batch: Option<&Batch>) -> LedgerError {
    let Difference { whose, what, bound, found } = difference;
    let word = what.word();
    let hint = match (is_open, what) {
        (true, _) => Hint::of("nothing was ever sent from it: if the configuration is right now, ")
            .step(Step::Resume(Some(batch.map_or("BATCH", |batch| batch.name.as_str()).to_owned())))
            .words(" (or ")
            .step(Step::Run)
            .words(") takes it over"),
        (false, What::Gateway) => Hint::of(
            "use the gateway.url that it was planned with; another name or address of the same gateway counts as another \
             gateway. If the provider moved: ",
        )
        .step(Step::Rebind)
        .words(
            ". What was practised elsewhere is never paid from this ledger: the real gateway has one of its own (",
        )
        .choice(Choice::Ledger)
        .words(")"),
        (false, What::Terminal) => {
            Hint::of("use the gateway.terminal_id that it was planned with; if the provider changed it: ").step(Step::Rebind)
        }
        (false, What::Merchant) => Hint::of(
            "use the gateway.merchant_id that it was planned with; another merchant has a ledger of its own (",
        )
        .choice(Choice::Ledger)
        .words(")"),
        (false, What::Prefix) => Hint::of(
            "the prefix is fixed for a merchant's life, since with another one the gateway would not refuse a second \
             payment: use the payout.invoice_prefix that it was planned with",
        ),
    };
    let message = format!("{whose} is bound to {word} {bound}, and the configuration says {found}; nothing was sent");
    LedgerError::Bound(Box::new(Bound { message, hint }))
}
