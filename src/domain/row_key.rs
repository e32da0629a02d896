//! Defines what makes a row the same row when its file comes again.

use super::member::Member;
use super::privacy::hide_numbers;
use std::fmt;

/// What makes a row the same row when the file comes again: sorted otherwise, extended, saved in another format.
///
/// Never the row number, the file's bytes, the time or the points: a row whose points changed must keep its key,
/// so that the change is caught instead of paid on top.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct RowKey(String);

impl RowKey {
    /// The payer's own reference.
    #[must_use]
    pub fn reference(reference: &str) -> Self {
        Self(["ref:", reference].concat())
    }

    /// The n-th row of a member (from 1) among the valid rows of the file.
    #[must_use]
    pub fn member(member: &Member, occurrence: u32) -> Self {
        Self(format!("member:{}:{occurrence}", member.key()))
    }

    /// Reads back what the ledger holds.
    #[must_use]
    pub fn from_stored(text: String) -> Self {
        Self(text)
    }

    /// The key as the ledger holds it.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The payer's own reference, where the key is one.
    #[must_use]
    pub fn as_reference(&self) -> Option<&str> {
        self.0.strip_prefix("ref:")
    }
}

impl fmt::Debug for RowKey {
    /// A key by member holds a whole phone number, so only references are shown, and one of them may be a phone, too.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.as_reference().map_or_else(|| "member:***".into(), |_| hide_numbers(&self.0)))
    }
}
