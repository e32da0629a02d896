//! Defines what is said of payouts that another batch of the merchant pays, or paid, as well.

use crate::domain::payout_status::State;

/// A payout of a plan that another batch may pay, or paid, as well.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Repeat {
    /// The row of this file.
    pub row: u64,
    /// The other batch.
    pub batch: String,
    /// The row there.
    pub other_row: u64,
    /// Its state there.
    pub state: State,
    /// When it was credited, in Unix milliseconds.
    pub credited_at: Option<i64>,
    /// When the other batch was planned first, in Unix milliseconds.
    pub planned_at: i64,
}

/// What other batches of the merchant have of a batch's waiting payouts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Repeated {
    /// The other batches have not finished them; otherwise they credited them lately.
    pub is_open: bool,
    /// How many payouts of the batch are repeats.
    pub count: u64,
    /// The first few.
    pub list: Vec<Repeat>,
}

impl Repeated {
    /// Whether it is so much of a file or batch of so many rows that a person has to say why.
    #[must_use]
    pub fn is_half_of(&self, rows: u64) -> bool {
        self.count > 0 && self.count * 2 >= rows
    }
}
