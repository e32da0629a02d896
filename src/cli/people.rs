//! `topup people` and `topup policy`: who may do what, with which key, and how many persons a plan needs.

use super::args::{PeopleAction, PeopleArgs, PolicyArgs, WhoArgs};
use super::output::Report;
use super::requests::{person, public_key, roles, with_identity};
use super::terminal::Terminal;
use crate::app::people::{self, Change};
use crate::app::{Ending, Failure, PersonName, Policy, Team, sshsig};
use serde_json::{Value, json};
use std::fmt::Write;

pub(super) fn people(terminal: &Terminal, args: &PeopleArgs) -> Result<Report, Failure> {
    match &args.action {
        PeopleAction::List => Ok(report(&people::team(terminal.context())?, String::new())),
        PeopleAction::Add { name, role, ssh_key, who } => {
            terminal.context().refuse_missing()?;
            let ssh_key = ssh_key.as_deref().map(public_key).transpose()?;
            let roles = roles(role)?;
            let team = changed(terminal, Change::Add { name: person(name)?, roles, ssh_key }, None, who)?;
            Ok(report(&team, format!("added {name}\n")))
        }
        PeopleAction::Remove { name, why, who } => {
            let team = changed(terminal, Change::Remove(person(name)?), Some(why), who)?;
            Ok(report(&team, format!("removed {name}\n")))
        }
    }
}

pub(super) fn policy(terminal: &Terminal, args: &PolicyArgs) -> Result<Report, Failure> {
    let Some(persons) = args.persons else {
        return Ok(policy_report(&people::team(terminal.context())?));
    };
    let usage = || Failure::said(Ending::Usage, "usage", format!("--persons needs 1 or 2, has {persons}"));
    let policy = Policy::of(persons).ok_or_else(usage)?;
    Ok(policy_report(&changed(terminal, Change::Policy(policy), args.why.as_deref(), &args.who)?))
}

fn changed(terminal: &Terminal, change: Change, why: Option<&str>, who: &WhoArgs) -> Result<Team, Failure> {
    with_identity(&terminal.actor, who, |by| people::change_team(terminal.context(), change, why, by))
}

fn fingerprint(line: &str) -> String {
    sshsig::Key::parse(line).map_or_else(|_| "?".to_owned(), |key| key.fingerprint())
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
    Terminal::shown(json!({"people": people_json(team), "persons": team.policy().persons()}), text)
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
    let ending = if waits.is_some() { Ending::Waits } else { Ending::Done };
    let json = json!({"persons": team.policy().persons(), "lowering_asked_by": waits});
    Report { ending, json, text: format!("{}\n", policy_text(team)) }
}
