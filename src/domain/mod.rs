//! The pure core: what a payout is, what the gateway's answers mean, and what to do next.
//!
//! Architecture invariant: nothing here does I/O, awaits, reads a clock, rolls dice, serialises or logs; time and
//! chance are arguments. `tests/arrows/` holds it.

pub mod answer;
pub mod approval;
pub mod backoff;
pub mod batch_name;
pub mod column_role;
pub mod event;
pub mod hint;
pub mod invoice_no;
pub mod member;
pub mod name;
pub mod payout;
pub mod payout_process;
pub mod payout_status;
pub mod phone;
pub mod points;
pub mod privacy;
pub mod proposal;
pub mod receipt;
pub mod row_key;
pub mod sha256;
pub mod statement;
pub mod team;
pub mod text;
