//! The `topup` program.
fn main() {}
