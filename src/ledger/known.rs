//! Finds the payouts that a batch had before by their row keys: a file that comes again names most of them in the order
//! of the plan, so the next of that order is looked at first, and only another key costs a search.

use super::error::LedgerError;
use super::plan_store::{Known, PlanStore};
use super::record::{BatchId, PayoutId};
use std::collections::{HashMap, VecDeque};

/// Payouts read at once along the order of the plan: few at first, since the file may leave that order again.
const PAGE_MIN: u32 = 8;
const PAGE_MAX: u32 = 512;

/// The payouts that a batch had before: the way along them, and which of them the file names.
#[derive(Debug)]
pub(super) struct KnownPayouts {
    batch: BatchId,
    /// The version that the file makes: what it adds itself is not on the way.
    version: u32,
    page: VecDeque<Known>,
    /// Payouts of the next page.
    page_rows: u32,
    /// The payout behind which the next page begins; `None`: there is none. The way begins at the first payout that is
    /// searched for.
    read_to: Option<PayoutId>,
    /// The payout that was searched for last.
    searched: Option<PayoutId>,
    /// One bit for each payout that the file names, 64 neighbours in a word. Of one plan, ten million take 4 MB.
    seen: HashMap<i64, u64>,
    named: u64,
}

/// The word and the bit of a payout.
fn bit_of(PayoutId(id): PayoutId) -> (i64, u64) {
    (id >> 6, 1 << (id & 63))
}

impl KnownPayouts {
    pub(super) fn new(batch: BatchId, version: u32) -> Self {
        let (page, seen) = (VecDeque::new(), HashMap::new());
        Self { batch, version, page, page_rows: PAGE_MIN, read_to: None, searched: None, seen, named: 0 }
    }

    /// Takes note that the file names a payout; false if it did so before.
    pub(super) fn name(&mut self, id: PayoutId) -> bool {
        let (word, bit) = bit_of(id);
        let seen = self.seen.entry(word).or_default();
        let is_new = *seen & bit == 0;
        *seen |= bit;
        self.named += u64::from(is_new);
        is_new
    }

    /// Whether the file names a payout.
    pub(super) fn is_named(&self, id: PayoutId) -> bool {
        let (word, bit) = bit_of(id);
        self.seen.get(&word).is_some_and(|seen| seen & bit != 0)
    }

    /// How many payouts the file names.
    pub(super) fn named(&self) -> u64 {
        self.named
    }

    /// The next payout in the order of the plan, if it has this key.
    pub(super) fn next_if(&mut self, store: &impl PlanStore, key: &str) -> Result<Option<Known>, LedgerError> {
        if self.page.is_empty()
            && let Some(after) = self.read_to
        {
            let page = store.known_after(self.batch, self.version, after, self.page_rows)?;
            let is_last = page.len() < self.page_rows as usize;
            self.read_to = page.last().map(|known| known.id).filter(|_| !is_last);
            self.page_rows = (self.page_rows * 2).min(PAGE_MAX);
            self.page = page.into();
        }
        Ok(self.page.pop_front_if(|known| known.key == key))
    }

    /// The payout of this key, wherever it is.
    pub(super) fn find(&mut self, store: &impl PlanStore, key: &str) -> Result<Known, LedgerError> {
        let found = store.known(self.batch, key)?;
        let found = found.ok_or_else(|| LedgerError::Broken("a duplicate row without its first".to_owned()))?;
        if found.plan < self.version {
            self.go_on_behind(found.id);
        }
        Ok(found)
    }

    /// The way goes on behind a payout that was searched for, where the file left some out before it, and where it is
    /// the second in a row: then this is how the file goes on. In a file that is sorted otherwise nothing follows.
    fn go_on_behind(&mut self, id: PayoutId) {
        let on_page = |(first, last): (&Known, &Known)| (first.id..=last.id).contains(&id);
        if self.page.front().zip(self.page.back()).is_some_and(on_page) {
            while self.page.pop_front_if(|known| known.id <= id).is_some() {}
        } else if self.searched.is_none_or(|before| id.0 == before.0 + 1) {
            self.page.clear();
            self.page_rows = PAGE_MIN;
            self.read_to = Some(id);
        }
        self.searched = Some(id);
    }
}
