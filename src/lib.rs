//! Pays loyalty points to members from a spreadsheet.

mod crash;
pub mod domain;
pub mod engine;
pub mod gateway;
pub mod ledger;
