//! Judges the judge: what the simulator answers, over raw HTTP, and what then stands in its book.

mod client;
mod faults;
mod orders;
mod rules;
