//! Adds and removes the people of a ledger, and changes how many persons a plan needs.

use super::clock::unix_ms;
use super::context::Context;
use super::failure::Failure;
use super::identity::Identity;
use crate::domain::team::{Person, PersonName, Policy, Role, Team, TeamEvent, TeamRefusal};
use crate::ledger::{Access, LedgerError};

/// What is to be changed.
#[derive(Clone, Debug)]
pub enum Change {
    /// Somebody is added.
    Add {
        /// The person's name in the ledger.
        name: PersonName,
        /// What the person may do.
        roles: Vec<Role>,
        /// The public half of the person's SSH key, one line without comment.
        ssh_key: Option<String>,
    },
    /// Somebody is removed.
    Remove(PersonName),
    /// Another number of persons is asked for.
    Policy(Policy),
}

/// The people and the policy.
pub fn team(context: Context<'_>) -> Result<Team, Failure> {
    Ok(context.open_to_read()?.team()?)
}

/// Changes people or policy, in the name of an administrator; the first person needs none. Somebody may be added before
/// there is a ledger: it is made.
pub fn change_team(
    context: Context<'_>,
    wanted: Change,
    why: Option<&str>,
    administrator: &Identity<'_>,
) -> Result<Team, Failure> {
    let access = match wanted {
        Change::Add { .. } => {
            context.refuse_missing()?;
            Access::Create
        }
        Change::Remove(_) | Change::Policy(_) => Access::Write,
    };
    let mut ledger = context.open_to_change(access)?;
    let why = why.map(|why| context.reason(why));
    let by = administrator.actor().person().cloned();
    let event = match (wanted, by) {
        (Change::Add { name, roles, ssh_key }, added_by) => {
            TeamEvent::PersonAdded(Person { name, roles, ssh_key, added_by })
        }
        (Change::Remove(name), Some(by)) => TeamEvent::PersonRemoved { name, by },
        (Change::Policy(policy), Some(by)) => TeamEvent::PolicyAsked { policy, by },
        (Change::Remove(_) | Change::Policy(_), None) => {
            return Err(LedgerError::from(TeamRefusal::NobodyAsked).into());
        }
    };
    // Judged before anybody is asked for a passphrase, and again by the ledger as it writes.
    ledger.team()?.after(&event).map_err(LedgerError::from)?;
    let signature = administrator.sign(&ledger.team_bytes(&event)?)?;
    Ok(ledger.change_team(unix_ms(), &event, why.as_deref(), signature.as_deref())?)
}
