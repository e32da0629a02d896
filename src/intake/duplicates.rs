//! Finds rows that are there twice: eight bytes a row in a first pass, the exact rows in a second.

use super::judge::{Judged, Named};
use super::problem::{Problem, ProblemKind};
use crate::domain::payout::Row;
use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash, Hasher};

/// What makes two rows the same: the reference, or else the member.
fn key(row: &Row) -> (bool, String) {
    row.reference.as_ref().map_or_else(|| (false, row.member.key()), |reference| (true, reference.clone()))
}

fn fingerprint(by_reference: bool, key: &str) -> u64 {
    let mut hasher = DefaultHasher::new();
    by_reference.hash(&mut hasher);
    key.hash(&mut hasher);
    hasher.finish()
}

/// The first pass: remembers a fingerprint of every row.
#[derive(Debug, Default)]
pub struct Duplicates {
    prints: Vec<u64>,
}

impl Duplicates {
    /// Nothing seen yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Remembers a row.
    pub fn note(&mut self, row: &Row) {
        let (by_reference, key) = key(row);
        self.note_key(by_reference, &key);
    }

    /// The same for a row that still borrows its texts, without writing its key.
    pub(crate) fn note_judged(&mut self, row: &Judged<'_>) {
        match (&row.reference, &row.member) {
            (Some(reference), _) => self.note_key(true, reference),
            (None, Named::Phone(phone)) => self.note_key(false, phone.as_str()),
            (None, member @ (Named::Card(..) | Named::UserId(..))) => self.note_key(false, &member.to_member().key()),
        }
    }

    fn note_key(&mut self, by_reference: bool, key: &str) {
        self.prints.push(fingerprint(by_reference, key));
    }

    /// What needs a second pass over the file; `None` where no two rows can be the same.
    #[must_use]
    pub fn suspects(mut self) -> Option<Suspects> {
        self.prints.sort_unstable();
        let mut twice: Vec<u64> =
            self.prints.windows(2).filter(|pair| pair[0] == pair[1]).map(|pair| pair[0]).collect();
        twice.dedup();
        (!twice.is_empty()).then_some(Suspects { prints: twice, first_rows: HashMap::new() })
    }
}

/// The second pass: names both rows, exactly.
#[derive(Debug)]
pub struct Suspects {
    prints: Vec<u64>,
    first_rows: HashMap<(bool, String), u64>,
}

impl Suspects {
    /// The problem of a row that an earlier row is the same as.
    pub fn note(&mut self, row: &Row) -> Option<Problem> {
        let key = key(row);
        if self.prints.binary_search(&fingerprint(key.0, &key.1)).is_err() {
            return None;
        }
        let by_reference = key.0;
        let first = *self.first_rows.entry(key.clone()).or_insert(row.row);
        (first != row.row).then(|| same_as(first, row.row, by_reference, &key.1))
    }
}

fn same_as(first: u64, row: u64, by_reference: bool, key: &str) -> Problem {
    let (column, message) = if by_reference {
        let message = format!("needs a reference of its own, has that of row {first}; remove one row or correct it");
        ("reference", message)
    } else {
        let message = format!(
            "needs a member of its own, has that of row {first}; remove one row, or say `--allow-repeat-phones` if both \
             are meant"
        );
        (if key.contains(':') { "id" } else { "phone" }, message)
    };
    Problem::of_row(row, ProblemKind::Duplicate, message).in_column(column).with_found(key)
}
