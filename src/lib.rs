//! Pays loyalty points to members from a spreadsheet.

pub mod domain;
pub mod gateway;
pub mod ledger;
