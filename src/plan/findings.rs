//! Defines what reading a file's rows came to.

use super::kinds::RowKinds;
use super::refusal::Problems;
use crate::domain::member::Member;
use crate::domain::payout::Row;
use crate::intake::Repair;

/// Which kinds of rows the file has shown: only among mixed ones can a member stand twice under two keys.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Mix {
    with_reference: bool,
    without_reference: bool,
    by_id: bool,
}

impl Mix {
    /// Takes a row in; whether an earlier row of the file can be of its member, under another key.
    pub(super) fn take(&mut self, row: &Row) -> bool {
        let by_id = match row.member {
            Member::Phone(_) | Member::Purged { .. } => false,
            Member::Card { .. } | Member::UserId { .. } => true,
        };
        self.by_id |= by_id;
        if row.reference.is_some() {
            self.with_reference = true;
            self.without_reference
        } else {
            self.without_reference = true;
            self.with_reference || self.by_id
        }
    }
}

/// What reading the rows came to.
#[derive(Debug, Default)]
pub(super) struct Reading {
    pub(super) problems: Problems,
    /// Why rows were skipped.
    pub(super) skipped: Problems,
    pub(super) kinds: RowKinds,
    pub(super) mix: Mix,
    pub(super) without_pre_check: u64,
    pub(super) repairs: Vec<Repair>,
    pub(super) repair_count: u64,
}
