//! Defines an amount of loyalty points as one top-up may carry it.

/// Whole points of one top-up, 50 to 20,000,000 (VinID top-up API, field `point_amount`).
///
/// The documentation's template says "from 0", its field table "from 50": the stricter one holds here.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Points(u32);

impl Points {
    /// The fewest points that one top-up may carry.
    pub const MIN: u32 = 50;
    /// The most points that one top-up may carry.
    pub const MAX: u32 = 20_000_000;
    /// A top-up with a receipt carries fewer points than this (VinID top-up API, field `send_receipt`).
    pub const RECEIPT_BELOW: u32 = 20_000;

    /// Takes a whole number within the gateway's range; `None` outside it.
    #[must_use]
    pub fn new(points: u64) -> Option<Self> {
        let points = u32::try_from(points).ok()?;
        (Self::MIN..=Self::MAX).contains(&points).then_some(Self(points))
    }

    /// The plain number.
    #[must_use]
    pub fn value(self) -> u32 {
        self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_range_is_the_gateways() {
        for (points, taken) in [(0, false), (49, false), (50, true), (20_000_000, true), (20_000_001, false)] {
            assert_eq!(Points::new(points).is_some(), taken, "{points}");
        }
    }
}
