//! Counts the rows of a file by what they are to the batch, for the person who decides and for one who was refused.

use crate::domain::payout_status::State;
use crate::ledger::Size;

/// Payouts of the plan with their points, by the state in which they are.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ByState([Size; State::ALL.len()]);

impl ByState {
    /// Those in one state.
    #[must_use]
    pub fn of(&self, state: State) -> Size {
        self.0[state as usize]
    }

    /// Those in any state.
    #[must_use]
    pub fn all(&self) -> Size {
        self.0
            .iter()
            .fold(Size::default(), |sum, size| Size { rows: sum.rows + size.rows, points: sum.points + size.points })
    }

    pub(super) fn add(&mut self, state: State, points: u64) {
        let size = &mut self.0[state as usize];
        size.rows += 1;
        size.points += points;
    }
}

/// How many rows of each kind there are. What a row of the file is counted as, it is counted as once.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RowKinds {
    /// New to the batch.
    pub new: Size,
    /// Of the new ones: another batch has the same member and points, unfinished or credited lately.
    pub repeated: u64,
    /// In the plan already, unchanged.
    pub known: ByState,
    /// In the plan with other values; the points are the plan's.
    pub changed: ByState,
    /// New to the batch by their key, while their member has a payout in it under another one.
    pub another_key: u64,
    /// In the plan, and no longer in the file.
    pub gone: ByState,
    /// The same reference or member as an earlier row of the file.
    pub doubled: u64,
    /// With cells to correct, or over a limit.
    pub to_correct: u64,
    /// Left out, as `--skip-invalid` asks.
    pub skipped: u64,
}
