//! `topup people` and `topup policy`: who may do what, with which key, and how many persons a plan needs.

use super::context::{Context, unix_ms, who};
use super::failure::{Exit, Failure};
use super::output::Report;
use crate::app::identity::{Identity, IdentityError};
use crate::app::people::{self, Change};
use crate::domain::team::{PersonName, Policy, Role, Team};
use crate::ledger::{Access, Ledger};
use crate::sshsig::{self, Key, SigningError};
use anyhow::anyhow;
use clap::{Args, Subcommand};
use serde_json::{Value, json};
use std::fmt::Write;
use std::path::{Path, PathBuf};

/// Whose word a command takes.
#[derive(Clone, Debug, Args)]
pub(super) struct WhoArgs {
    /// The person whose word it is, as `topup people list` names them
    #[arg(long = "as", value_name = "NAME")]
    pub(super) person: Option<String>,
    /// The person's OpenSSH key: a private one, or a public one whose agent is at SSH_AUTH_SOCK
    #[arg(long, value_name = "KEYFILE", requires = "person")]
    pub(super) sign: Option<PathBuf>,
}

#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
    topup people add lan --role administrator,submitter --ssh-key lan.pub        the first person\n  \
    topup people add minh --role approver --ssh-key minh.pub --as lan --sign lan.key\n  \
    topup people list\n  \
    topup people remove minh --why \"left the company\" --as lan --sign lan.key\n\n\
    Roles: viewer (looks), submitter (proposes plans and decisions), approver (approves what somebody else proposed),\n\
    administrator (people, keys and policy; no say about money).")]
pub(super) struct PeopleArgs {
    #[command(subcommand)]
    pub(super) action: PeopleAction,
}

#[derive(Debug, Subcommand)]
pub(super) enum PeopleAction {
    /// Add a person
    Add {
        /// 1 to 64 of a-z 0-9 . _ -
        name: String,
        /// viewer, submitter, approver, administrator; several with commas
        #[arg(long, value_name = "ROLE", required = true, value_delimiter = ',')]
        role: Vec<String>,
        /// The public half of the person's OpenSSH key
        #[arg(long, value_name = "FILE")]
        ssh_key: Option<PathBuf>,
        #[command(flatten)]
        who: WhoArgs,
    },
    /// List everybody
    List,
    /// Remove a person
    Remove {
        /// Who
        name: String,
        /// The reason, which is kept in the history
        #[arg(long, value_name = "TEXT", required = true)]
        why: String,
        #[command(flatten)]
        who: WhoArgs,
    },
}

#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  topup policy\n  \
    topup policy --persons 2 --why \"four eyes from December on\" --as lan --sign lan.key\n\n\
    With 2, nobody approves what they proposed. Going back to 1 takes two administrators: both type the command.")]
pub(super) struct PolicyArgs {
    /// How many persons a plan needs: 1 or 2
    #[arg(long, value_name = "N", requires = "why")]
    pub(super) persons: Option<u8>,
    /// The reason, which is kept in the history
    #[arg(long, value_name = "TEXT", requires = "persons")]
    pub(super) why: Option<String>,
    #[command(flatten)]
    pub(super) who: WhoArgs,
}

pub(super) fn people(context: &Context, args: &PeopleArgs) -> Result<Report, Failure> {
    match &args.action {
        PeopleAction::Add { .. } => {
            context.refuse_missing()?;
            context.say_created(changed_people(context, args))
        }
        PeopleAction::List | PeopleAction::Remove { .. } => changed_people(context, args),
    }
}

fn changed_people(context: &Context, args: &PeopleArgs) -> Result<Report, Failure> {
    match &args.action {
        PeopleAction::List => Ok(report(&context.open_to_read()?.team()?, String::new())),
        PeopleAction::Add { name, role, ssh_key, who } => {
            let ssh_key = ssh_key.as_deref().map(public_key).transpose()?;
            let roles = roles(role)?;
            let change = Change::Add { name: person(name)?, roles, ssh_key };
            let mut ledger = context.open_to_change(Access::Create)?;
            let team = changed(&mut ledger, change, None, who)?;
            Ok(report(&team, format!("added {name}\n")))
        }
        PeopleAction::Remove { name, why, who } => {
            let change = Change::Remove(person(name)?);
            let team = changed(&mut context.open_to_change(Access::Write)?, change, Some(why), who)?;
            Ok(report(&team, format!("removed {name}\n")))
        }
    }
}

pub(super) fn policy(context: &Context, args: &PolicyArgs) -> Result<Report, Failure> {
    let Some(persons) = args.persons else {
        return Ok(policy_report(&context.open_to_read()?.team()?));
    };
    let usage = || Failure::new(Exit::Usage, "usage", anyhow!("--persons needs 1 or 2, has {persons}"));
    let change = Change::Policy(Policy::of(persons).ok_or_else(usage)?);
    let team = changed(&mut context.open_to_change(Access::Write)?, change, args.why.as_deref(), &args.who)?;
    Ok(policy_report(&team))
}

fn changed(ledger: &mut Ledger, change: Change, why: Option<&str>, who: &WhoArgs) -> Result<Team, Failure> {
    let why = why.map(|why| format!("{why} ({})", super::context::who()));
    with_identity(who, |identity| Ok(people::change(ledger, change, why.as_deref(), identity, unix_ms())?))
}

/// Whose word it is, as it was typed; what is signed is signed with the key that was named.
pub(super) fn with_identity<T>(
    args: &WhoArgs,
    take: impl FnOnce(&Identity<'_>) -> Result<T, Failure>,
) -> Result<T, Failure> {
    let Some(name) = &args.person else { return take(&Identity::System(who())) };
    let name = person(name)?;
    match &args.sign {
        None => take(&Identity::Person { name, sign: None }),
        Some(key) => take(&Identity::Person { name, sign: Some(&|bytes: &[u8]| sshsig::sign(key, bytes)) }),
    }
}

pub(super) fn person(name: &str) -> Result<PersonName, Failure> {
    let message = || anyhow!("a person's name needs 1 to 64 of a-z 0-9 . _ -, has {name:?}");
    PersonName::parse(name).ok_or_else(|| Failure::new(Exit::Usage, "usage", message()))
}

fn roles(words: &[String]) -> Result<Vec<Role>, Failure> {
    let role = |word: &String| {
        let known = Role::ALL.map(Role::word).join(", ");
        let message = anyhow!("--role needs one of {known}, has {word:?}");
        Role::from_word(word.trim()).ok_or_else(|| Failure::new(Exit::Usage, "usage", message))
    };
    let given = words.iter().map(role).collect::<Result<Vec<_>, _>>()?;
    Ok(Role::ALL.into_iter().filter(|role| given.contains(role)).collect())
}

fn public_key(path: &Path) -> Result<String, Failure> {
    let key =
        Key::read(path).map_err(|error| Failure::new(Exit::Usage, "key", anyhow!("{}: {error}", path.display())))?;
    Ok(key.line())
}

impl From<SigningError> for Failure {
    fn from(error: SigningError) -> Self {
        Self::new(Exit::Refused, "not_signed", anyhow!("{error}; nothing was changed"))
    }
}

impl From<IdentityError> for Failure {
    fn from(error: IdentityError) -> Self {
        match error {
            IdentityError::Signing(error) => error.into(),
            IdentityError::Ledger(error) => error.into(),
        }
    }
}

fn fingerprint(line: &str) -> String {
    Key::parse(line).map_or_else(|_| "?".to_owned(), |key| key.fingerprint())
}

fn report(team: &Team, done: String) -> Report {
    let mut text = done;
    for person in team.people() {
        let words: Vec<&str> = person.roles.iter().map(|role| role.word()).collect();
        let key = person.ssh_key.as_deref().map_or_else(|| "no key".to_owned(), fingerprint);
        let _ = writeln!(text, "  {:<16}  {:<40}  {key}", person.name.as_str(), words.join(", "));
    }
    if team.people().next().is_none() {
        text.push_str("nobody yet: the first person is an administrator\n");
    }
    let _ = writeln!(text, "{}", policy_text(team));
    Report { exit: Exit::Done, json: json!({"people": people_json(team), "persons": team.policy().persons()}), text }
}

fn people_json(team: &Team) -> Vec<Value> {
    team.people()
        .map(|person| {
            json!({
                "name": person.name.as_str(),
                "roles": person.roles.iter().map(|role| role.word()).collect::<Vec<_>>(),
                "key": person.ssh_key.as_deref().map(fingerprint),
                "added_by": person.added_by.as_ref().map(PersonName::as_str),
            })
        })
        .collect()
}

fn policy_text(team: &Team) -> String {
    let persons = match team.policy() {
        Policy::OnePerson => "a plan needs one person: who proposes may pay",
        Policy::TwoPersons => "a plan needs two persons: nobody approves what they proposed",
    };
    match team.lowering() {
        None => persons.to_owned(),
        Some(name) => format!("{persons}\n{name} asked for one person; it takes a second administrator"),
    }
}

fn policy_report(team: &Team) -> Report {
    let waits = team.lowering().map(PersonName::as_str);
    let exit = if waits.is_some() { Exit::Waits } else { Exit::Done };
    let json = json!({"persons": team.policy().persons(), "lowering_asked_by": waits});
    Report { exit, json, text: format!("{}\n", policy_text(team)) }
}
