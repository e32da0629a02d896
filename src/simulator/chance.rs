//! Draws numbers that follow from a seed and from what they are drawn for, never from the order of arrival.

use std::time::Duration;

/// The golden ratio in 64 bits: keeps a run of zero words from staying zero.
const GOLDEN: u64 = 0x9e37_79b9_7f4a_7c15;

/// A draw in the making. Each word that is mixed in gives another, unrelated draw.
///
/// A generator with a state would give the n-th request its n-th number, so that two workers in a race would swap
/// their faults. Hashing what the draw is *for* keeps a seed's faults in place, and writing the mixer out (it is
/// the finaliser of splitmix64) keeps them in place for ever, whatever a crate changes.
#[derive(Clone, Copy, Debug)]
pub(super) struct Chance(u64);

impl Chance {
    /// The root of every draw of one seed.
    pub(super) const fn of(seed: u64) -> Self {
        Self(mix(seed ^ GOLDEN))
    }

    /// Mixes in a number.
    pub(super) const fn with(self, word: u64) -> Self {
        Self(mix(self.0.rotate_left(23).wrapping_add(GOLDEN) ^ mix(word)))
    }

    /// Mixes in a text.
    pub(super) fn with_text(self, text: &str) -> Self {
        self.with(fingerprint(text))
    }

    /// The number drawn: uniform in `0.0..1.0`.
    #[expect(clippy::cast_precision_loss, reason = "53 bits are exactly what an f64 holds")]
    pub(super) const fn unit(self) -> f64 {
        (self.0 >> 11) as f64 / (1_u64 << 53) as f64
    }
}

/// FNV-1a: short texts only, and no adversary.
pub(super) fn fingerprint(text: &str) -> u64 {
    text.bytes().fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3))
}

const fn mix(word: u64) -> u64 {
    let word = (word ^ (word >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let word = (word ^ (word >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    word ^ (word >> 31)
}

/// How long the gateway thinks about each request.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Latency {
    /// The mean of the delays.
    pub mean: Duration,
    /// How far a delay may lie from the mean, either way; below zero it is cut off.
    pub jitter: Duration,
}

impl Latency {
    /// Answers at once.
    pub const NONE: Self = Self { mean: Duration::ZERO, jitter: Duration::ZERO };

    /// The delay that belongs to a draw.
    pub(super) fn delay(self, chance: Chance) -> Duration {
        let offset = self.jitter.mul_f64(2.0 * chance.unit());
        (self.mean + offset).saturating_sub(self.jitter)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn draws_are_uniform_and_belong_to_their_words() {
        let mut buckets = [0_u32; 10];
        for word in 0..10_000 {
            let drawn = Chance::of(7).with(word).unit();
            assert_eq!(drawn, Chance::of(7).with(word).unit());
            buckets[(drawn * 10.0) as usize] += 1;
        }
        assert!(buckets.iter().all(|&count| (900..1_100).contains(&count)), "{buckets:?}");
        assert_ne!(Chance::of(7).with(1).with(2).unit(), Chance::of(7).with(2).with(1).unit());
        assert_ne!(Chance::of(7).with_text("a").unit(), Chance::of(8).with_text("a").unit());
    }

    #[test]
    fn a_seed_means_the_same_faults_for_ever() {
        assert_eq!(format!("{:.12}", Chance::of(42).with_text("TP0001").with(3).unit()), "0.246273465122");
    }

    #[test]
    fn a_delay_stays_around_its_mean() {
        let latency = Latency { mean: Duration::from_millis(5), jitter: Duration::from_millis(20) };
        let delays = (0..1_000).map(|word| latency.delay(Chance::of(1).with(word))).collect::<Vec<_>>();
        assert!(delays.iter().all(|delay| *delay <= Duration::from_millis(25)));
        assert!(delays.contains(&Duration::ZERO));
        assert_eq!(Latency::NONE.delay(Chance::of(1)), Duration::ZERO);
    }
}
