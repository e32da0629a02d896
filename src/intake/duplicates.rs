//! Finds rows that are there twice: eight to twelve bytes a row in a first pass, the exact rows in a second.
//!
//! Two rows are one if they have one reference, or if they pay one member and one of them has no reference: what lost
//! its reference is told apart by nothing. Two references may pay one member.

use super::lookalike;
use super::problem::{Problem, ProblemKind};
use super::row_parser::{MemberRef, ParsedRow};
use crate::domain::member::Member;
use crate::domain::payout::Row;
use crate::domain::phone::PhoneNumber;
use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash, Hasher};

/// What two rows that are one have in common.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Shared {
    /// The payer's own row key.
    Reference(String),
    /// The member's identity, or the phone beside a card or user id.
    Member(String),
    /// Member and points, and references that look alike and are not the same: `R1` and `R1` with a zero-width space.
    Look {
        /// How the reference looks.
        reference: String,
        /// The member's identity.
        member: String,
        /// The points, which are whole.
        points: u32,
    },
}

impl Shared {
    /// Everything that a row can have in common with another.
    pub fn of(row: &Row) -> impl Iterator<Item = Self> + '_ {
        let reference = row.reference.iter().cloned().map(Self::Reference);
        reference.chain(members(&row.member).map(Self::Member)).chain(Self::look(row))
    }

    fn look(row: &Row) -> Option<Self> {
        let reference = lookalike::appearance(row.reference.as_deref()?);
        Some(Self::Look { reference, member: row.member.identity(), points: row.points.value() })
    }
}

/// The names by which a member is known: its identity, and the phone that stands beside a card or user id.
fn members(member: &Member) -> impl Iterator<Item = String> {
    let phone = match member {
        Member::Phone(_) | Member::Purged { .. } => None,
        Member::Card { phone, .. } | Member::UserId { phone, .. } => *phone,
    };
    std::iter::once(member.identity()).chain(phone.map(|phone| phone.as_str().to_owned()))
}

fn print_of(text: &str) -> u64 {
    let mut hasher = DefaultHasher::new();
    text.hash(&mut hasher);
    hasher.finish()
}

/// Its digits where the name is a phone.
fn print_of_member(name: &str) -> u64 {
    PhoneNumber::parse(name).map_or_else(|| print_of(name), |phone| phone.number().into())
}

/// Half of a print: the whole of a phone's.
fn half(print: u64) -> u32 {
    (print & u64::from(u32::MAX)) as u32
}

/// The first pass: remembers fingerprints of every row.
#[derive(Debug, Default)]
pub struct Duplicates {
    /// Only references count: one member may stand in several rows (`--allow-repeat-phones`).
    members_repeat: bool,
    /// References, by how they look.
    references: Vec<u64>,
    /// Members of rows without a reference.
    without: Vec<u64>,
    /// Halves of those with one, of which only is asked whether they are among the others.
    with: Vec<u32>,
}

impl Duplicates {
    /// Nothing seen yet; `members_repeat`: one member may stand in several rows.
    #[must_use]
    pub fn new(members_repeat: bool) -> Self {
        Self { members_repeat, ..Self::default() }
    }

    /// Remembers a row.
    pub fn note(&mut self, row: &Row) {
        self.references.extend(row.reference.as_deref().map(lookalike::appearance_hash));
        let prints = members(&row.member).map(|name| print_of_member(&name));
        self.note_members(row.reference.is_some(), prints);
    }

    /// The same for a row that still borrows its texts, without writing its phone.
    pub(crate) fn note_judged(&mut self, row: &ParsedRow<'_>) {
        self.references.extend(row.reference.as_deref().map(lookalike::appearance_hash));
        let has_reference = row.reference.is_some();
        match &row.member {
            MemberRef::Phone(phone) => self.note_members(has_reference, std::iter::once(phone.number().into())),
            member @ (MemberRef::Card(..) | MemberRef::UserId(..)) => {
                let prints = members(&member.to_member()).map(|name| print_of_member(&name)).collect::<Vec<_>>();
                self.note_members(has_reference, prints.into_iter());
            }
        }
    }

    fn note_members(&mut self, has_reference: bool, prints: impl Iterator<Item = u64>) {
        match (self.members_repeat, has_reference) {
            (true, _) => {}
            (false, true) => self.with.extend(prints.map(half)),
            (false, false) => self.without.extend(prints),
        }
    }

    /// What needs a second pass over the file; `None` where no two rows can be the same.
    #[must_use]
    pub fn suspects(mut self) -> Option<Suspects> {
        let references = doubled(&mut self.references);
        let mut members = doubled(&mut self.without);
        if !self.without.is_empty() && !self.with.is_empty() {
            self.with.sort_unstable();
            members.extend(self.without.iter().filter(|print| self.with.binary_search(&half(**print)).is_ok()));
            members.sort_unstable();
            members.dedup();
        }
        let members_repeat = self.members_repeat;
        let is_needed = !(references.is_empty() && members.is_empty());
        is_needed.then(|| Suspects {
            members_repeat,
            references,
            members,
            by_reference: HashMap::new(),
            by_look: HashMap::new(),
            by_member: HashMap::new(),
        })
    }
}

/// The fingerprints that are there more than once; sorts them all.
fn doubled(prints: &mut [u64]) -> Vec<u64> {
    prints.sort_unstable();
    let mut twice: Vec<u64> = prints.windows(2).filter(|pair| pair[0] == pair[1]).map(|pair| pair[0]).collect();
    twice.dedup();
    twice
}

/// The first rows of a member: of all, and of those without a reference.
#[derive(Clone, Copy, Debug)]
struct First {
    any: u64,
    without: Option<u64>,
}

/// The second pass: names both rows, exactly.
#[derive(Debug)]
pub struct Suspects {
    members_repeat: bool,
    references: Vec<u64>,
    members: Vec<u64>,
    by_reference: HashMap<String, u64>,
    /// By how the reference looks, with what the row pays to whom.
    by_look: HashMap<Shared, u64>,
    by_member: HashMap<String, First>,
}

impl Suspects {
    /// The earlier row that a row is the same as, and what the two share.
    pub fn shared(&mut self, row: &Row) -> Option<(u64, Shared)> {
        let mut found = None;
        if let Some(reference) = &row.reference
            && self.references.binary_search(&lookalike::appearance_hash(reference)).is_ok()
        {
            let first = *self.by_reference.entry(reference.clone()).or_insert(row.row);
            found = (first != row.row).then(|| (first, Shared::Reference(reference.clone())));
            let alike = Shared::look(row).map(|look| (*self.by_look.entry(look.clone()).or_insert(row.row), look));
            found = found.or_else(|| alike.filter(|(first, _)| *first != row.row));
        }
        if self.members_repeat {
            return found;
        }
        let by_reference = row.reference.is_some();
        for name in members(&row.member) {
            if self.members.binary_search(&print_of_member(&name)).is_err() {
                continue;
            }
            let own = First { any: row.row, without: None };
            let first = self.by_member.entry(name.clone()).or_insert(own);
            let earlier = if by_reference { first.without } else { Some(first.any).filter(|any| *any != row.row) };
            if !by_reference {
                first.without.get_or_insert(row.row);
            }
            found = found.or_else(|| earlier.map(|earlier| (earlier, Shared::Member(name))));
        }
        found
    }

    /// The problem of a row that an earlier row is the same as.
    pub fn note(&mut self, row: &Row) -> Option<Problem> {
        self.shared(row).map(|(first, shared)| same_as(first, row, &shared))
    }
}

fn same_as(first: u64, row: &Row, shared: &Shared) -> Problem {
    let (column, key, message) = match shared {
        Shared::Reference(reference) => (
            "reference",
            reference.as_str(),
            format!("needs a reference of its own, has that of row {first}; remove one row or correct it"),
        ),
        Shared::Look { .. } => (
            "reference",
            row.reference.as_deref().unwrap_or_default(),
            format!(
                "needs a reference that a person can tell from others, has one that looks like that of row {first}, with \
                 the same member and points; remove one row, or write another reference"
            ),
        ),
        Shared::Member(name) => (
            if name.contains(':') { "id" } else { "phone" },
            name.as_str(),
            format!(
                "needs a member of its own, has that of row {first}; remove one row, or say `--allow-repeat-phones` if \
                 both are meant"
            ),
        ),
    };
    Problem::of_row(row.row, ProblemKind::Duplicate, message).in_column(column).with_found(key)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::points::Points;

    fn row(row: u64, reference: &str, member: Member) -> Row {
        Row {
            row,
            reference: Some(reference.to_owned()).filter(|reference| !reference.is_empty()),
            member,
            points: Points::new(50).unwrap(),
            name: None,
            send_sms: None,
            receipt: None,
            extra: Vec::new(),
        }
    }

    fn clashes(rows: &[Row], members_repeat: bool) -> Vec<(u64, u64)> {
        let mut duplicates = Duplicates::new(members_repeat);
        rows.iter().for_each(|row| duplicates.note(row));
        let Some(mut suspects) = duplicates.suspects() else { return Vec::new() };
        rows.iter().filter_map(|row| Some((row.row, suspects.shared(row)?.0))).collect()
    }

    #[test]
    fn a_row_that_lost_its_reference_is_the_row_of_its_member() {
        let phone = PhoneNumber::parse("0901234567").unwrap();
        let by_phone = || Member::Phone(phone);
        let card = |id: &str, phone| Member::Card { id: id.to_owned(), phone };
        for (rows, expected) in [
            (vec![row(2, "r1", by_phone()), row(3, "", by_phone())], vec![(3, 2)]),
            (vec![row(2, "", by_phone()), row(3, "r1", by_phone())], vec![(3, 2)]),
            (vec![row(2, "r1", by_phone()), row(3, "r2", by_phone())], vec![]),
            (vec![row(2, "r1", by_phone()), row(3, "r2", by_phone()), row(4, "", by_phone())], vec![(4, 2)]),
            (vec![row(2, "", card("97-04", Some(phone))), row(3, "", by_phone())], vec![(3, 2)]),
            (vec![row(2, "r1", card("97 04", None)), row(3, "", card("9704", None))], vec![(3, 2)]),
            (vec![row(2, "r1", by_phone()), row(3, "r1", card("9704", None))], vec![(3, 2)]),
        ] {
            assert_eq!(clashes(&rows, false), expected, "{rows:?}");
        }
        let meant = [row(2, "r1", by_phone()), row(3, "", by_phone()), row(4, "", by_phone())];
        assert_eq!(clashes(&meant, true), []);
    }
}
