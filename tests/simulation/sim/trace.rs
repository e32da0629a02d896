//! Keeps what happened in a simulation: as a hash always, as lines when somebody wants to read it.

use std::hash::{DefaultHasher, Hash, Hasher};
use tokio::time::Instant;

/// What happened, in order.
#[derive(Clone, Debug)]
pub(crate) struct Trace {
    hasher: DefaultHasher,
    epoch: Instant,
    lines: Option<Vec<String>>,
}

impl Trace {
    pub(crate) fn new(epoch: Instant, with_lines: bool) -> Self {
        Self { hasher: DefaultHasher::new(), epoch, lines: with_lines.then(Vec::new) }
    }

    /// Keeps a line, where lines are kept.
    pub(crate) fn line(&mut self, at: Instant, text: impl FnOnce() -> String) {
        let since = at.duration_since(self.epoch);
        since.hash(&mut self.hasher);
        if let Some(lines) = &mut self.lines {
            lines.push(format!("{:>12.3} {}", since.as_secs_f64(), text()));
        }
    }

    /// Takes something into the hash.
    pub(crate) fn hash(&mut self, value: impl Hash) {
        value.hash(&mut self.hasher);
    }

    pub(crate) fn digest(&self) -> u64 {
        self.hasher.finish()
    }

    pub(crate) fn into_lines(self) -> Vec<String> {
        self.lines.unwrap_or_default()
    }
}
