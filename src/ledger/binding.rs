//! To what a ledger and its batches belong: one gateway, one merchant and one prefix, and a terminal for each batch.
//!
//! Architecture invariant: whatever asks or sends is made under a binding that was held against the ledger's here, and
//! only what never intended a top-up takes another one without a person's word. The merchant and the prefix of what ever
//! intended one never change: they are part of every number.

use super::Ledger;
use super::error::LedgerError;
use super::record::{Batch, BatchId, Binding};
use super::sqlite::read;
use rusqlite::Connection;

/// To what the whole ledger is bound; `None` until its first batch is planned.
pub(super) fn of_ledger(connection: &Connection) -> Result<Option<[String; 3]>, LedgerError> {
    let sql = "SELECT gateway_host, merchant_id, invoice_prefix FROM ledger WHERE merchant_id IS NOT NULL";
    let found = read::rows(connection, sql, [], |row| {
        let read = || Ok([row.get(0)?, row.get(1)?, row.get(2)?]);
        read().map_err(LedgerError::sqlite("reading to what the ledger is bound"))
    })?;
    Ok(found.into_iter().next())
}

impl Ledger {
    /// Refuses another gateway, merchant or prefix than the ledger belongs to, and another terminal than the batch's.
    ///
    /// # Errors
    /// [`LedgerError::Bound`], naming both and what to do.
    pub fn check_binding(&self, batch: Option<&Batch>, binding: &Binding) -> Result<(), LedgerError> {
        check(&self.connection, batch, binding)
    }

    /// What of the binding of the ledger, or of a batch, another one would take over: nothing was ever sent from it.
    ///
    /// # Errors
    /// When the ledger cannot be read.
    pub fn takes_over(&self, batch: Option<&Batch>, binding: &Binding) -> Result<bool, LedgerError> {
        let ledger = ledger_difference(&self.connection, binding)?.is_some();
        let is_open = !ledger || !is_touched(&self.connection, None)?;
        let Some(batch) = batch else { return Ok(ledger && is_open) };
        let differs = batch_difference(batch, binding).is_some();
        let is_open = is_open && (!differs || !is_touched(&self.connection, Some(batch.id))?);
        Ok((ledger || differs) && is_open)
    }
}

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
pub(super) fn ledger_difference(connection: &Connection, binding: &Binding) -> Result<Option<Difference>, LedgerError> {
    let Some([host, merchant, prefix]) = of_ledger(connection)? else { return Ok(None) };
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
pub(super) fn check(connection: &Connection, batch: Option<&Batch>, binding: &Binding) -> Result<(), LedgerError> {
    if let Some(difference) = ledger_difference(connection, binding)? {
        let is_open = !is_touched(connection, None)?;
        return Err(refusal(&difference, is_open, batch));
    }
    match batch.and_then(|of| Some((of, batch_difference(of, binding)?))) {
        None => Ok(()),
        Some((of, difference)) => Err(refusal(&difference, !is_touched(connection, Some(of.id))?, batch)),
    }
}

/// Names both, and what to do. `is_open`: nothing was ever sent, so that the right configuration takes it over.
fn refusal(difference: &Difference, is_open: bool, batch: Option<&Batch>) -> LedgerError {
    let Difference { whose, what, bound, found } = difference;
    let word = what.word();
    let hint = match (is_open, what) {
        (true, _) => {
            let name = batch.map_or("BATCH", |batch| batch.name.as_str());
            format!(
                "nothing was ever sent from it: if the configuration is right now, `topup resume {name}` (or `topup run`) \
                 takes it over"
            )
        }
        (false, What::Gateway) => "use the gateway.url that it was planned with; another name or address of the same \
            gateway counts as another gateway. If the provider moved: `topup rebind --why TEXT`. What was practised \
            elsewhere is never paid from this ledger: the real gateway has one of its own (--ledger)"
            .to_owned(),
        (false, What::Terminal) => "use the gateway.terminal_id that it was planned with; if the provider changed it: \
            `topup rebind --why TEXT`"
            .to_owned(),
        (false, What::Merchant) => {
            "use the gateway.merchant_id that it was planned with; another merchant has a ledger \
            of its own (--ledger)"
                .to_owned()
        }
        (false, What::Prefix) => "the prefix is fixed for a merchant's life, since with another one the gateway would \
            not refuse a second payment: use the payout.invoice_prefix that it was planned with"
            .to_owned(),
    };
    LedgerError::Bound(format!(
        "{whose} is bound to {word} {bound}, and the configuration says {found}; nothing was sent\nhint: {hint}"
    ))
}

/// What a top-up leaves in a history, and what the gateway said of a number that somebody else sent.
const TOUCHES: &str = "(kind = 'submit_intended' OR kind = 'order_answered' AND detail IN ('success', 'failed') OR kind = 'gateway_ahead')";

/// Whether a top-up was ever intended from the batch (or, with `None`, from the ledger), or the gateway was ever found to
/// know one of its numbers.
pub(super) fn is_touched(connection: &Connection, batch: Option<BatchId>) -> Result<bool, LedgerError> {
    match batch {
        None => {
            let sql = format!("SELECT 1 FROM events WHERE {TOUCHES} LIMIT 1");
            Ok(read::one::<i64>(connection, &sql, [])?.is_some())
        }
        Some(batch) => has_event(connection, batch, TOUCHES),
    }
}

/// Whether a top-up was ever intended from the batch.
pub(super) fn is_intended(connection: &Connection, batch: BatchId) -> Result<bool, LedgerError> {
    has_event(connection, batch, "kind = 'submit_intended'")
}

/// Looked for from where the batch was planned, in the order of the history: the first one of a batch that was paid is
/// near there.
fn has_event(connection: &Connection, batch: BatchId, which: &str) -> Result<bool, LedgerError> {
    let sql = format!(
        "SELECT 1 FROM events
         WHERE event_id >= (SELECT min(event_id) FROM events
                            WHERE batch_id = ?1 AND payout_id IS NULL AND kind = 'batch_planned')
           AND +batch_id = ?1 AND {which} LIMIT 1"
    );
    Ok(read::one::<i64>(connection, &sql, [batch.0])?.is_some())
}
