//! The use cases: what somebody can do with a ledger, whichever door they come by.
//!
//! Architecture invariant: nothing here prints, asks, or knows of arguments: requests are plain values, and so is what
//! comes of them. Each door words that for itself. Guards of money are not here either: they stand in the ledger, so that
//! a door that were forgotten here would meet them all the same.

pub mod approvals;
pub mod identity;
pub mod people;
