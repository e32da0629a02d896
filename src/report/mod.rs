//! What people and scripts are told of a batch, read out of the ledger.
//!
//! Architecture invariant: nothing here computes a state; it adds up and words what the ledger holds.

mod check;
mod export;
mod in_doubt;
mod lang;
mod reasons;
mod reconciliation;
mod reconciliation_words;
mod skipped;
mod status;
mod summary;
mod table;
mod words;
mod zone;

pub use crate::domain::text::{counted, grouped, noun};
pub use check::check_text;
pub use export::{ExportError, ExportFormat, ExportRequest, Exported, export};
pub use in_doubt::{DoubtList, IN_DOUBT_MAX};
pub use lang::Lang;
pub use reasons::{Reason, code_text};
pub use reconciliation::Reconciliation;
pub use skipped::{SKIPPED_MAX, skipped_json, skipped_text};
pub use status::{StatusView, batches_text};
pub use summary::{Run, Summary, Verdict, label};
pub use words::duration;
pub use zone::Zone;
