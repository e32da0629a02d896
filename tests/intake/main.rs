//! Reading payout files: the rules by the smallest files that show them, samples, bad input, properties, mutations.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails there")]

mod bad_input;
mod cells;
mod closing;
mod columns;
mod conditional;
mod faint;
mod files;
mod formats;
mod generated;
mod headers;
mod marked;
mod mutations;
mod ods;
mod ods_tables;
mod properties;
mod rows;
mod rule;
mod samples;
mod sheets;
mod styled;
mod styled_ods;
mod xls;
