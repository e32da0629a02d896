//! Simulates many seeds on all cores.

use super::coverage::Coverage;
use super::pool::Connections;
use super::simulate;
use std::ops::Range;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// What many seeds came to.
#[derive(Debug, Default)]
pub(crate) struct Summary {
    pub(crate) seeds: u64,
    pub(crate) runs: u64,
    pub(crate) requests: u64,
    /// One figure for all that happened in all of them, in whatever order they were simulated: what should change
    /// only the speed leaves it as it was.
    pub(crate) digest: u64,
    pub(crate) elapsed: Duration,
    pub(crate) threads: usize,
    pub(crate) coverage: Coverage,
    /// The lowest seed that failed, and how.
    pub(crate) failure: Option<(u64, String)>,
}

impl Summary {
    /// The figures in one line.
    pub(crate) fn rates(&self) -> String {
        let seconds = self.elapsed.as_secs_f64().max(1e-9);
        let per_core = |count: u64| count as f64 / seconds / self.threads as f64;
        format!(
            "{} seeds, {} runs, {} requests in {seconds:.1} s on {} cores: {:.0} seeds, {:.0} runs, {:.0} requests a second and core, digest {:016x}",
            self.seeds,
            self.runs,
            self.requests,
            self.threads,
            per_core(self.seeds),
            per_core(self.runs),
            per_core(self.requests),
            self.digest,
        )
    }
}

/// Simulates a range of seeds; every `twice`-th of them twice, since the same seed has to give the same trace (V13), the
/// second time on connections of its own. Stops at the first failure. `progress` hears of it now and then.
pub(crate) fn simulate_many(seeds: Range<u64>, twice: u64, progress: impl Fn(u64) + Sync) -> Summary {
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    let (next, failed) = (AtomicU64::new(seeds.start), AtomicBool::new(false));
    let total = Mutex::new(Summary { threads, ..Summary::default() });
    let began = Instant::now();
    let work = || {
        let mut mine = Summary::default();
        while !failed.load(Ordering::Relaxed) {
            let seed = next.fetch_add(1, Ordering::Relaxed);
            if seed >= seeds.end {
                break;
            }
            let outcome = simulate(seed, false, Connections::Kept);
            mine.seeds += 1;
            (mine.runs, mine.requests) = (mine.runs + outcome.runs, mine.requests + outcome.requests);
            mine.coverage.add(&outcome.coverage);
            mine.digest = mine.digest.wrapping_add(outcome.digest);
            let mut violation = outcome.violation;
            let again = || simulate(seed, false, Connections::New);
            if violation.is_none() && seed % twice == 0 && again().digest != outcome.digest {
                violation = Some(format!("seed {seed}: V13: the second time its trace is another one"));
            }
            if let Some(violation) = violation {
                failed.store(true, Ordering::Relaxed);
                mine.failure = Some((seed, violation));
            }
            if (seed - seeds.start) % 10_000 == 9_999 {
                progress(seed + 1 - seeds.start);
            }
        }
        total.lock().expect("no panic holds it").add(mine);
    };
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(work);
        }
    });
    let mut total = total.into_inner().expect("no panic holds it");
    total.elapsed = began.elapsed();
    total
}

impl Summary {
    fn add(&mut self, other: Self) {
        self.seeds += other.seeds;
        self.runs += other.runs;
        self.requests += other.requests;
        self.coverage.add(&other.coverage);
        self.digest = self.digest.wrapping_add(other.digest);
        self.failure = match (self.failure.take(), other.failure) {
            (Some(mine), Some(theirs)) => Some(if theirs.0 < mine.0 { theirs } else { mine }),
            (mine, theirs) => mine.or(theirs),
        };
    }
}
