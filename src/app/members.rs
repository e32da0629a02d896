//! Reads whom a simulator knows.

use super::failure::{Ending, Failure};
use crate::domain::member::Member;
use crate::domain::phone::PhoneNumber;
use crate::intake::{self, Intake, IntakeOptions, Item};
use crate::simulator::Members;
use anyhow::Context as _;
use std::path::Path;

/// The members of a file, or everyone. A payout file is one, too: its members are active, and called as it says.
pub fn members(path: Option<&Path>) -> Result<Members, Failure> {
    let Some(path) = path else { return Ok(Members::everyone()) };
    match intake::open(path, &IntakeOptions::default()) {
        Ok(intake) => paid_members(intake),
        // A directory has no points, which no payout file can do without.
        Err(_) => Ok(Members::from_csv(read(path)?.as_bytes())?),
    }
}

fn paid_members(mut intake: Intake) -> Result<Members, Failure> {
    let mut members = Members::everyone();
    while let Some(item) = intake.next()? {
        let Item::Row(row, ..) = item else { continue };
        let name = row.name.as_deref().unwrap_or_default();
        let phone = row.member.phone();
        let phone = phone.as_ref().map_or("", PhoneNumber::as_str);
        match &row.member {
            Member::Phone(_) | Member::Purged { .. } => members.add_active(phone, "", "", name),
            Member::Card { id, .. } => members.add_active(phone, id, "", name),
            Member::UserId { id, .. } => members.add_active(phone, "", id, name),
        }
    }
    Ok(members)
}

/// The text of a file that the user named.
pub fn read(path: &Path) -> Result<String, Failure> {
    std::fs::read_to_string(path)
        .with_context(|| format!("reading {}", path.display()))
        .map_err(|error| Failure::new(Ending::Usage, "file", error))
}
