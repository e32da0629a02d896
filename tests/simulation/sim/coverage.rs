//! Counts what the simulations met, so that they cannot silently go blind.

use std::collections::BTreeMap;
use std::fmt;

/// Everything that a few thousand seeds have to meet at least once.
pub(crate) const EXPECTED: &[&str] = &[
    // On the way (faults.md N, P2).
    "wire: unsent",
    "wire: lost before",
    "wire: lost after",
    "wire: late",
    "wire: late beyond settle",
    "wire: error before",
    "wire: error after",
    "wire: error late",
    "wire: 429",
    "wire: 429 without a code, applied",
    "wire: another's answer",
    "wire: 429 with Retry-After",
    "wire: 429 with a long Retry-After",
    "wire: garbage before",
    "wire: garbage after",
    "wire: redirect",
    "wire: delivered twice",
    "wire: panic before",
    "wire: panic after",
    "wire: set aside",
    "wire: bad request",
    "wire: nonce seen",
    "book: credited, and would be again",
    "fence: refused late",
    "fence: a dead permit",
    // At the gateway (faults.md G).
    "book: credited",
    "book: E",
    "book: taken after S",
    "book: taken after E",
    "book: taken for a lost ledger's number",
    "book: absent though credited",
    "book: flapped",
    "book: status unclear",
    "book: member unclear",
    "book: member refused at the top-up",
    "book: payout refused",
    "book: refused and burnt",
    "book: resend refused by another check",
    "book: replayed",
    "spell: revoked",
    "spell: clock",
    "spell: merchant",
    "spell: campaign",
    "spell: outage",
    // In the run.
    "run: complete",
    "run: interrupted",
    "run: crashed",
    "run: crashed with an open intent",
    "run: crashed between intent and send",
    "run: write failed",
    "run: commit failed",
    "run: nothing to do",
    "run: gateway ahead",
    "run: canary confirmed",
    "run: name warned",
    "run: slowed down",
    "breaker: paused",
    "breaker: probed",
    "breaker: probe failed",
    "breaker: went on",
    "stop: breaker",
    "stop: credentials",
    "stop: clock",
    "stop: canary",
    "stop: rate_limited",
    "stop: unreachable",
    "stop: unfinished",
    "ledger: deleted",
    "ledger: restored",
    "ledger: an edited row is found",
    "person: released",
    "person: cancelled",
    // In the histories.
    "history: resent after an absence",
    "history: resent after every send did nothing",
    "history: taken on a resend",
    "history: absent though taken",
    "history: credited on a resend",
    "history: refused on a resend, still in doubt",
    "history: recovered",
    "history: set aside",
    "history: slowed down",
    "history: left for a person",
    "move: planned to in_doubt",
    "move: planned to credited",
    "move: planned to declined",
    "move: planned to ineligible",
    "move: planned to held",
    "move: planned to cancelled",
    "move: in_doubt to planned",
    "move: in_doubt to credited",
    "move: in_doubt to declined",
    "move: held to planned",
    "move: held to cancelled",
    "move: declined to credited",
    "move: cancelled to credited",
];

/// How often each thing happened.
#[derive(Clone, Debug, Default)]
pub(crate) struct Coverage(BTreeMap<&'static str, u64>);

impl Coverage {
    pub(crate) fn hit(&mut self, what: &'static str) {
        *self.0.entry(what).or_default() += 1;
    }

    pub(crate) fn add(&mut self, other: &Self) {
        for (what, count) in &other.0 {
            *self.0.entry(what).or_default() += count;
        }
    }

    /// What should have happened and did not.
    pub(crate) fn missing(&self) -> Vec<&'static str> {
        EXPECTED.iter().filter(|what| !self.0.contains_key(**what)).copied().collect()
    }
}

impl fmt::Display for Coverage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|(what, count)| writeln!(f, "{count:>12}  {what}"))
    }
}
