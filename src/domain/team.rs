//! Tells who may do what: the people of a ledger, their roles and keys, and how many persons a plan needs.
//!
//! The people and the policy are what the ledger's own history implies, as a payout's state is: there is no list of them
//! beside it that somebody could edit.

use std::collections::BTreeMap;
use std::fmt;

/// What a person is called: 1 to 64 of `a-z 0-9 . _ -`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PersonName(String);

/// The longest name, in characters.
const NAME_CHARS_MAX: usize = 64;

impl PersonName {
    /// A name as it was typed; nothing where it is none.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let is_allowed = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || matches!(b, b'.' | b'_' | b'-');
        ((1..=NAME_CHARS_MAX).contains(&text.len()) && text.bytes().all(is_allowed)).then(|| Self(text.to_owned()))
    }

    /// The name as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for PersonName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// What a person may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Role {
    /// Sees everything, and changes nothing.
    Viewer,
    /// Proposes plans and decisions, and stops runs.
    Submitter,
    /// Approves, or sends back, what somebody else proposed.
    Approver,
    /// Adds and removes people and their keys, and changes the policy; has no say about money by it.
    Administrator,
}

impl Role {
    /// Every role, from the one that may least.
    pub const ALL: [Self; 4] = [Self::Viewer, Self::Submitter, Self::Approver, Self::Administrator];

    /// The word for it on the command line and in the ledger.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Viewer => "viewer",
            Self::Submitter => "submitter",
            Self::Approver => "approver",
            Self::Administrator => "administrator",
        }
    }

    /// The role that a word names.
    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|role| role.word() == word)
    }
}

/// How many persons a plan needs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Policy {
    /// Whoever proposes may pay.
    #[default]
    OnePerson,
    /// Somebody approves who neither proposed nor touched it.
    TwoPersons,
}

impl Policy {
    /// The number of persons.
    #[must_use]
    pub fn persons(self) -> u8 {
        match self {
            Self::OnePerson => 1,
            Self::TwoPersons => 2,
        }
    }

    /// The policy of so many persons.
    #[must_use]
    pub fn of(persons: u8) -> Option<Self> {
        [Self::OnePerson, Self::TwoPersons].into_iter().find(|policy| policy.persons() == persons)
    }
}

/// A person of a ledger.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Person {
    /// What the person is called.
    pub name: PersonName,
    /// What the person may do, each role once, in the order of [`Role::ALL`].
    pub roles: Vec<Role>,
    /// The public half of the person's SSH key, as one line without comment.
    pub ssh_key: Option<String>,
    /// Who added the person; nobody did the first one.
    pub added_by: Option<PersonName>,
}

impl Person {
    /// Whether the person has a role.
    #[must_use]
    pub fn is(&self, role: Role) -> bool {
        self.roles.contains(&role)
    }
}

/// What happened to the people or the policy of a ledger.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TeamEvent {
    /// A person was added.
    PersonAdded(Person),
    /// A person was removed.
    PersonRemoved {
        /// The person concerned.
        name: PersonName,
        /// By which administrator.
        by: PersonName,
    },
    /// An administrator asked for another policy.
    PolicyAsked {
        /// The policy from now on.
        policy: Policy,
        /// The administrator whose word it was.
        by: PersonName,
    },
}

/// Why something about the people or the policy was refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TeamRefusal {
    /// The first person has to be able to add the others: an administrator with a key.
    FirstPerson,
    /// There is somebody of this name.
    NameTaken(PersonName),
    /// This person has the key: one person under two names could approve alone.
    KeyTaken(PersonName),
    /// An administrator or approver without a key could not be recognised.
    NoKey,
    /// Nobody has this name.
    Unknown(PersonName),
    /// Only administrators change people and policy.
    NoAdministrator(PersonName),
    /// Nobody gave a name, and only administrators change people and policy.
    NobodyAsked,
    /// Nobody could add people any more.
    LastAdministrator(PersonName),
    /// It is the policy already.
    SamePolicy(Policy),
    /// Two persons are asked for, and nobody could approve.
    NobodyToApprove,
    /// This person asked for it before; lowering takes a second administrator.
    SameAdministrator(PersonName),
}

impl fmt::Display for TeamRefusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::FirstPerson => f.write_str("needs an administrator with an SSH key as the first person"),
            Self::NameTaken(name) => write!(f, "there is a person called {name} already"),
            Self::KeyTaken(name) => write!(f, "{name} has this key already, and a key stands for one person"),
            Self::NoKey => {
                f.write_str("needs an SSH key for an administrator or approver: a signature tells who it was")
            }
            Self::Unknown(name) => write!(f, "there is no person called {name}"),
            Self::NoAdministrator(name) => write!(f, "{name} is no administrator"),
            Self::NobodyAsked => f.write_str("needs the name and the signature of an administrator"),
            Self::LastAdministrator(name) => write!(f, "{name} is the last administrator; add another one first"),
            Self::SamePolicy(Policy::OnePerson) => f.write_str("a plan needs one person already"),
            Self::SamePolicy(Policy::TwoPersons) => f.write_str("a plan needs two persons already"),
            Self::NobodyToApprove => f.write_str("needs an approver, or nobody could approve; add one first"),
            Self::SameAdministrator(name) => {
                write!(f, "{name} asked for it before; going down to one person takes a second administrator")
            }
        }
    }
}

impl std::error::Error for TeamRefusal {}

/// The people of a ledger and its policy.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Team {
    people: BTreeMap<PersonName, Person>,
    policy: Policy,
    /// The administrator who asked for one person instead of two, while nobody has agreed yet.
    lowering: Option<PersonName>,
}

impl Team {
    /// Everybody, by name.
    pub fn people(&self) -> impl Iterator<Item = &Person> {
        self.people.values()
    }

    /// A person by name.
    #[must_use]
    pub fn person(&self, name: &PersonName) -> Option<&Person> {
        self.people.get(name)
    }

    /// How many persons a plan needs.
    #[must_use]
    pub fn policy(&self) -> Policy {
        self.policy
    }

    /// The administrator whose wish for one person waits for a second administrator.
    #[must_use]
    pub fn lowering(&self) -> Option<&PersonName> {
        self.lowering.as_ref()
    }

    /// The team after its whole history.
    ///
    /// # Errors
    /// The first event that the ones before it do not allow.
    pub fn from_history<'e>(events: impl IntoIterator<Item = &'e TeamEvent>) -> Result<Self, TeamRefusal> {
        events.into_iter().try_fold(Self::default(), |team, event| team.after(event))
    }

    /// The team after one more event.
    ///
    /// # Errors
    /// Why the event is not allowed; then the team stays as it was.
    pub fn after(mut self, event: &TeamEvent) -> Result<Self, TeamRefusal> {
        match event {
            TeamEvent::PersonAdded(person) => self.add(person)?,
            TeamEvent::PersonRemoved { name, by } => self.remove(name, by)?,
            TeamEvent::PolicyAsked { policy, by } => self.ask(*policy, by)?,
        }
        Ok(self)
    }

    fn add(&mut self, person: &Person) -> Result<(), TeamRefusal> {
        match &person.added_by {
            Some(by) => drop(self.administrator(by)?),
            None if self.people.is_empty() && person.is(Role::Administrator) && person.ssh_key.is_some() => {}
            None => return Err(TeamRefusal::FirstPerson),
        }
        if self.people.contains_key(&person.name) {
            return Err(TeamRefusal::NameTaken(person.name.clone()));
        }
        if person.ssh_key.is_none() && (person.is(Role::Administrator) || person.is(Role::Approver)) {
            return Err(TeamRefusal::NoKey);
        }
        let same_key = |other: &&Person| person.ssh_key.is_some() && other.ssh_key == person.ssh_key;
        if let Some(other) = self.people.values().find(same_key) {
            return Err(TeamRefusal::KeyTaken(other.name.clone()));
        }
        self.people.insert(person.name.clone(), person.clone());
        Ok(())
    }

    fn remove(&mut self, name: &PersonName, by: &PersonName) -> Result<(), TeamRefusal> {
        self.administrator(by)?;
        let person = self.people.get(name).ok_or_else(|| TeamRefusal::Unknown(name.clone()))?;
        let administrators = self.people.values().filter(|person| person.is(Role::Administrator)).count();
        if person.is(Role::Administrator) && administrators == 1 {
            return Err(TeamRefusal::LastAdministrator(name.clone()));
        }
        self.people.remove(name);
        if self.lowering.as_ref() == Some(name) {
            self.lowering = None;
        }
        Ok(())
    }

    /// Raising takes one administrator, lowering two.
    fn ask(&mut self, policy: Policy, by: &PersonName) -> Result<(), TeamRefusal> {
        self.administrator(by)?;
        match (self.policy, policy) {
            (Policy::OnePerson, Policy::OnePerson) => Err(TeamRefusal::SamePolicy(policy)),
            (Policy::TwoPersons, Policy::TwoPersons) if self.lowering.is_none() => Err(TeamRefusal::SamePolicy(policy)),
            // Takes a wish for one person back.
            (Policy::TwoPersons, Policy::TwoPersons) => {
                self.lowering = None;
                Ok(())
            }
            (Policy::OnePerson, Policy::TwoPersons) => {
                let approver = self.people.values().find(|person| person.is(Role::Approver));
                approver.ok_or(TeamRefusal::NobodyToApprove)?;
                self.policy = policy;
                Ok(())
            }
            (Policy::TwoPersons, Policy::OnePerson) => match self.lowering.take() {
                None => {
                    self.lowering = Some(by.clone());
                    Ok(())
                }
                Some(first) if first == *by => Err(TeamRefusal::SameAdministrator(first)),
                Some(_) => {
                    self.policy = policy;
                    Ok(())
                }
            },
        }
    }

    /// The administrator of a name.
    ///
    /// # Errors
    /// There is no such person, or one who is no administrator.
    pub fn administrator(&self, name: &PersonName) -> Result<&Person, TeamRefusal> {
        let person = self.people.get(name).ok_or_else(|| TeamRefusal::Unknown(name.clone()))?;
        if person.is(Role::Administrator) { Ok(person) } else { Err(TeamRefusal::NoAdministrator(name.clone())) }
    }
}
