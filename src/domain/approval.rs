//! Decides who may approve a plan, or a decision that can pay again: the rule of two persons.
//!
//! The rule is judged twice: when somebody approves, and again by the ledger when it is asked for a permit, so that no
//! door, and nobody who writes to the ledger through this library, can pass it by.

use super::team::{PersonName, Policy, Role, Team};
use std::collections::BTreeSet;
use std::fmt;

/// How a proposal stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ProposalState {
    /// It waits for approval; nothing of it is paid.
    Proposed,
    /// It may be paid.
    Approved,
    /// Somebody else gave it back with a reason.
    SentBack,
    /// Whoever proposed it took it back.
    Withdrawn,
    /// It waits, and would be another plan by now: nobody approves it. Not kept, but found whenever it is looked at.
    OutOfDate,
}

impl ProposalState {
    /// Every state.
    pub const ALL: [Self; 5] = [Self::Proposed, Self::Approved, Self::SentBack, Self::Withdrawn, Self::OutOfDate];

    /// Whether a person's word is awaited.
    #[must_use]
    pub fn waits(self) -> bool {
        match self {
            Self::Proposed | Self::OutOfDate => true,
            Self::Approved | Self::SentBack | Self::Withdrawn => false,
        }
    }

    /// The word for it in the ledger, in JSON and on the screen.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Proposed => "proposed",
            Self::Approved => "approved",
            Self::SentBack => "sent_back",
            Self::Withdrawn => "withdrawn",
            Self::OutOfDate => "out_of_date",
        }
    }

    /// The state that a word names.
    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.word() == word)
    }
}

/// What is approved: a plan, or a decision that can pay again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ProposalKind {
    /// A file's rows.
    Plan,
    /// Declined or ineligible payouts, planned again.
    Retry,
    /// Held payouts, planned again.
    Release,
    /// A person's evidence that a payout in doubt was not credited.
    Attest,
}

impl ProposalKind {
    /// Every kind.
    pub const ALL: [Self; 4] = [Self::Plan, Self::Retry, Self::Release, Self::Attest];

    /// The word for it in the ledger and in the bytes that are signed.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Plan => "plan",
            Self::Retry => "retry",
            Self::Release => "release",
            Self::Attest => "attest",
        }
    }

    /// The kind that a word names.
    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.word() == word)
    }
}

/// Who did something, and how that is known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Actor {
    /// A person of the ledger, by a signature.
    Person(PersonName),
    /// Somebody at this machine, by the name that the system gives.
    System(String),
}

impl Actor {
    /// The person, where it is one of the ledger's.
    #[must_use]
    pub fn person(&self) -> Option<&PersonName> {
        match self {
            Self::Person(name) => Some(name),
            Self::System(_) => None,
        }
    }
}

impl fmt::Display for Actor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Person(name) => name.fmt(f),
            Self::System(name) => f.write_str(name),
        }
    }
}

/// Why an approval does not count.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ApprovalRefusal {
    /// With two persons, only people of the ledger approve.
    NotAPerson,
    /// Nobody of this name, any more or ever.
    Unknown(PersonName),
    /// The person is no approver.
    NoApprover(PersonName),
    /// Without a key nobody knows whose approval it is.
    NoKey(PersonName),
    /// Nobody approves what they proposed.
    OwnProposal(PersonName),
    /// The person proposes nothing.
    NoSubmitter(PersonName),
}

impl fmt::Display for ApprovalRefusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotAPerson => f.write_str("a plan needs two persons, so one of its people has to sign the approval"),
            Self::Unknown(name) => write!(f, "there is no person called {name}"),
            Self::NoApprover(name) => write!(f, "{name} is no approver"),
            Self::NoKey(name) => write!(f, "{name} has no SSH key, so nothing shows whose approval it is"),
            Self::OwnProposal(name) => write!(f, "{name} proposed it, and a plan needs two persons"),
            Self::NoSubmitter(name) => write!(f, "{name} is no submitter"),
        }
    }
}

impl std::error::Error for ApprovalRefusal {}

/// Whether somebody may approve what somebody proposed.
///
/// # Errors
/// The approver is nobody of the team, has not that role or no key, or proposed it.
pub fn may_approve(team: &Team, proposer: &Actor, approver: &Actor) -> Result<(), ApprovalRefusal> {
    let name = match (team.policy(), approver) {
        (Policy::OnePerson, Actor::System(_)) => return Ok(()),
        (Policy::TwoPersons, Actor::System(_)) => return Err(ApprovalRefusal::NotAPerson),
        // Whoever gives a name is held to its roles, whatever the policy.
        (Policy::OnePerson | Policy::TwoPersons, Actor::Person(name)) => name,
    };
    approving(team, name)?;
    match (team.policy(), proposer) {
        (Policy::TwoPersons, Actor::Person(proposer)) if proposer == name => {
            Err(ApprovalRefusal::OwnProposal(name.clone()))
        }
        (Policy::OnePerson | Policy::TwoPersons, Actor::Person(_) | Actor::System(_)) => Ok(()),
    }
}

/// Whether somebody may propose. Whoever gives no name may, under any policy: what nobody signed takes two approvers.
///
/// # Errors
/// The name is nobody's, or one of somebody who proposes nothing.
pub fn may_propose(team: &Team, proposer: &Actor) -> Result<(), ApprovalRefusal> {
    let Some(name) = proposer.person() else { return Ok(()) };
    let person = team.person(name).ok_or_else(|| ApprovalRefusal::Unknown(name.clone()))?;
    if person.is(Role::Submitter) { Ok(()) } else { Err(ApprovalRefusal::NoSubmitter(name.clone())) }
}

fn approving(team: &Team, name: &PersonName) -> Result<(), ApprovalRefusal> {
    let person = team.person(name).ok_or_else(|| ApprovalRefusal::Unknown(name.clone()))?;
    if !person.is(Role::Approver) {
        return Err(ApprovalRefusal::NoApprover(name.clone()));
    }
    if person.ssh_key.is_none() {
        return Err(ApprovalRefusal::NoKey(name.clone()));
    }
    Ok(())
}

/// Whether approvals suffice for a proposal under a policy. Each was allowed when it was given ([`may_approve`]); a
/// policy that was raised since asks again.
///
/// A proposal that nobody signed counts as nobody's: two persons have to approve it, since either of them can have
/// made it.
#[must_use]
pub fn is_approved(policy: Policy, proposer: &Actor, approvals: &[Actor]) -> bool {
    match policy {
        Policy::OnePerson => !approvals.is_empty(),
        Policy::TwoPersons => {
            let persons: BTreeSet<&PersonName> = approvals.iter().chain([proposer]).filter_map(Actor::person).collect();
            let other_than_proposer =
                approvals.iter().any(|actor| actor.person().is_some_and(|person| Some(person) != proposer.person()));
            other_than_proposer && persons.len() >= 2
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::team::{Person, TeamEvent};
    use super::*;

    fn name(text: &str) -> PersonName {
        PersonName::parse(text).unwrap()
    }

    fn by(text: &str) -> Actor {
        Actor::Person(name(text))
    }

    fn system() -> Actor {
        Actor::System("lan@laptop".to_owned())
    }

    /// `lan` does everything, `minh` administers and approves, `an` approves, `vy` looks on.
    fn team(policy: Policy) -> Team {
        let added = |who: &str, roles: &[Role], by: Option<&str>| {
            TeamEvent::PersonAdded(Person {
                name: name(who),
                roles: roles.to_vec(),
                ssh_key: Some(format!("key of {who}")),
                added_by: by.map(name),
            })
        };
        let mut events = vec![
            added("lan", &[Role::Submitter, Role::Approver, Role::Administrator], None),
            added("minh", &[Role::Approver, Role::Administrator], Some("lan")),
            added("an", &[Role::Approver], Some("minh")),
            added("vy", &[Role::Viewer], Some("lan")),
        ];
        if policy == Policy::TwoPersons {
            events.push(TeamEvent::PolicyAsked { policy, by: name("lan") });
        }
        Team::from_history(&events).unwrap()
    }

    #[test]
    fn one_person_approves_without_a_name_and_is_held_to_one_that_is_given() {
        let team = team(Policy::OnePerson);
        assert_eq!(may_approve(&team, &system(), &system()), Ok(()));
        assert_eq!(may_approve(&team, &by("lan"), &by("lan")), Ok(()));
        assert_eq!(may_approve(&team, &system(), &by("vy")), Err(ApprovalRefusal::NoApprover(name("vy"))));
        assert_eq!(may_approve(&team, &system(), &by("ha")), Err(ApprovalRefusal::Unknown(name("ha"))));
    }

    #[test]
    fn of_two_persons_nobody_approves_what_they_proposed() {
        let team = team(Policy::TwoPersons);
        for (proposer, approver, expected) in [
            (by("lan"), by("an"), Ok(())),
            (by("lan"), by("lan"), Err(ApprovalRefusal::OwnProposal(name("lan")))),
            (by("lan"), by("minh"), Ok(())),
            (by("minh"), by("lan"), Ok(())),
            (by("minh"), by("minh"), Err(ApprovalRefusal::OwnProposal(name("minh")))),
            (by("lan"), system(), Err(ApprovalRefusal::NotAPerson)),
            (by("lan"), by("vy"), Err(ApprovalRefusal::NoApprover(name("vy")))),
            (by("lan"), by("ha"), Err(ApprovalRefusal::Unknown(name("ha")))),
            (system(), by("an"), Ok(())),
        ] {
            assert_eq!(may_approve(&team, &proposer, &approver), expected, "{proposer} {approver}");
        }
    }

    #[test]
    fn whoever_gives_a_name_proposes_only_as_a_submitter() {
        let team = team(Policy::TwoPersons);
        assert_eq!(may_propose(&team, &by("lan")), Ok(()));
        assert_eq!(may_propose(&team, &system()), Ok(()));
        assert_eq!(may_propose(&team, &by("an")), Err(ApprovalRefusal::NoSubmitter(name("an"))));
        assert_eq!(may_propose(&team, &by("ha")), Err(ApprovalRefusal::Unknown(name("ha"))));
    }

    #[test]
    fn what_suffices_depends_on_who_proposed_and_on_the_policy_of_now() {
        use Policy::{OnePerson, TwoPersons};
        for (policy, proposer, approvals, expected) in [
            (OnePerson, system(), vec![], false),
            (OnePerson, system(), vec![system()], true),
            (TwoPersons, system(), vec![system()], false),
            (TwoPersons, by("lan"), vec![], false),
            (TwoPersons, by("lan"), vec![by("lan")], false),
            (TwoPersons, by("lan"), vec![by("an")], true),
            // Either of the two can have made it.
            (TwoPersons, system(), vec![by("an")], false),
            (TwoPersons, system(), vec![by("an"), by("an")], false),
            (TwoPersons, system(), vec![by("an"), by("minh")], true),
        ] {
            assert_eq!(is_approved(policy, &proposer, &approvals), expected, "{policy:?} {proposer} {approvals:?}");
        }
    }

    #[test]
    fn words_name_what_they_name() {
        for state in ProposalState::ALL {
            assert_eq!(ProposalState::from_word(state.word()), Some(state));
        }
        for kind in ProposalKind::ALL {
            assert_eq!(ProposalKind::from_word(kind.word()), Some(kind));
        }
        for role in Role::ALL {
            assert_eq!(Role::from_word(role.word()), Some(role));
        }
    }
}
