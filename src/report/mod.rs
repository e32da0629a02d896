//! What people and scripts are told of a batch, read out of the ledger.
//!
//! Architecture invariant: nothing here computes a state; it adds up and words what the ledger holds.

mod reconciliation;
mod reconciliation_words;
mod status;
mod summary;
mod words;

pub use reconciliation::Reconciliation;
pub use status::{Look, batches_text};
pub use summary::{Run, Summary, Verdict};
pub use words::{counted, duration, grouped};
