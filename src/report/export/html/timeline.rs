//! Sorts calls into equal steps of time, in memory that does not grow: when the steps run out, they double.

use crate::ledger::{TimedCall, UnixMs};

/// Steps at the most.
const STEPS_MAX: usize = 240;
const FIRST_STEP_MS: i64 = 1000;
/// A silence this long is cut out of the picture: a break between runs, or a long wait within one.
const BREAK_MS: i64 = 30_000;
/// What is left of a break.
const BREAK_LEFT_MS: i64 = 1000;
/// Latencies are counted in classes a fifth apart: fine enough for a curve.
const CLASSES: usize = 80;

/// One step of time.
#[derive(Clone, Debug)]
pub(super) struct Step {
    pub(super) credits: u64,
    pub(super) calls: u64,
    classes: [u32; CLASSES],
}

impl Step {
    const EMPTY: Self = Self { credits: 0, calls: 0, classes: [0; CLASSES] };

    fn absorb(&mut self, other: &Self) {
        self.credits += other.credits;
        self.calls += other.calls;
        for (mine, others) in self.classes.iter_mut().zip(other.classes) {
            *mine += others;
        }
    }

    /// The latency that so many percent of the calls do not exceed, in milliseconds.
    pub(super) fn percentile_ms(&self, percent: u64) -> Option<f64> {
        let total: u64 = self.classes.iter().map(|count| u64::from(*count)).sum();
        let rank = (total * percent).div_ceil(100).max(1);
        let mut seen = 0;
        let class = self.classes.iter().position(|count| {
            seen += u64::from(*count);
            seen >= rank
        })?;
        (total > 0).then(|| 1.2_f64.powi(i32::try_from(class).unwrap_or(i32::MAX)))
    }
}

/// Calls over time.
#[derive(Debug)]
pub(super) struct Timeline {
    pub(super) steps: Vec<Step>,
    pub(super) step_ms: i64,
    pub(super) first_at: Option<UnixMs>,
    pub(super) last_at: UnixMs,
    /// Where time was cut out: the offset in the picture, and how much.
    pub(super) breaks: Vec<(i64, i64)>,
    cut_ms: i64,
}

impl Timeline {
    pub(super) fn new() -> Self {
        Self { steps: Vec::new(), step_ms: FIRST_STEP_MS, first_at: None, last_at: 0, breaks: Vec::new(), cut_ms: 0 }
    }

    pub(super) fn add(&mut self, call: TimedCall) {
        let first_at = *self.first_at.get_or_insert(call.at);
        let silence = call.at - self.last_at;
        if !self.steps.is_empty() && silence > BREAK_MS {
            let cut = silence - BREAK_LEFT_MS;
            self.breaks.push((self.last_at - first_at - self.cut_ms + BREAK_LEFT_MS / 2, cut));
            self.cut_ms += cut;
        }
        // A clock that was set back must not reach before the first step.
        self.last_at = call.at.max(self.last_at);
        let offset = (self.last_at - first_at - self.cut_ms).max(0);
        let step = self.step_of(offset);
        step.credits += u64::from(call.credited);
        if let Some(latency_ms) = call.latency_ms {
            step.calls += 1;
            let class = f64::from(latency_ms.max(1)).log(1.2).round();
            step.classes[(class as usize).min(CLASSES - 1)] += 1;
        }
    }

    fn step_of(&mut self, offset_ms: i64) -> &mut Step {
        while offset_ms / self.step_ms >= STEPS_MAX as i64 {
            let halves = std::mem::take(&mut self.steps);
            self.steps.extend(halves.chunks(2).map(|pair| {
                let mut sum = pair[0].clone();
                pair[1..].iter().for_each(|other| sum.absorb(other));
                sum
            }));
            self.step_ms *= 2;
        }
        let index = usize::try_from(offset_ms / self.step_ms).unwrap_or(0);
        if self.steps.len() <= index {
            self.steps.resize(index + 1, Step::EMPTY);
        }
        &mut self.steps[index]
    }

    /// Credits of the busiest step, per second.
    pub(super) fn credits_per_s_max(&self) -> f64 {
        let most = self.steps.iter().map(|step| step.credits).max().unwrap_or(0);
        most as f64 * 1000.0 / self.step_ms as f64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn timeline(at: impl IntoIterator<Item = i64>) -> Timeline {
        let mut timeline = Timeline::new();
        at.into_iter().for_each(|at| timeline.add(TimedCall { at, credited: true, latency_ms: Some(100) }));
        timeline
    }

    #[test]
    fn steps_double_and_lose_nothing() {
        let timeline = timeline((0..1_000_000).map(|n| n * 10));
        assert!(timeline.steps.len() <= STEPS_MAX);
        assert_eq!(timeline.steps.iter().map(|step| step.credits).sum::<u64>(), 1_000_000);
        assert_eq!(timeline.step_ms, 64_000);
        let p50 = timeline.steps[0].percentile_ms(50).unwrap();
        assert!((90.0..=110.0).contains(&p50), "{p50}");
    }

    #[test]
    fn a_night_between_two_runs_is_cut_out() {
        let timeline = timeline([0, 1000, 2000, 36_000_000, 36_001_000]);
        assert_eq!((timeline.steps.len(), timeline.breaks.len()), (5, 1));
        assert_eq!(timeline.breaks[0].1, 36_000_000 - 2000 - BREAK_LEFT_MS);
    }
}
