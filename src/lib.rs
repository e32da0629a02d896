//! Pays loyalty points to members from a spreadsheet.

pub mod cli;
mod crash;
pub mod domain;
pub mod engine;
pub mod gateway;
pub mod intake;
pub mod ledger;
pub mod plan;
pub mod report;
pub mod simulator;
