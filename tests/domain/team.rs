//! The people of a ledger and its policy: what each event needs, and what it leads to.

use topup::domain::team::{Person, PersonName, Policy, Role, Team, TeamEvent, TeamRefusal};

fn name(text: &str) -> PersonName {
    PersonName::parse(text).unwrap()
}

fn added(who: &str, roles: &[Role], key: Option<&str>, by: Option<&str>) -> TeamEvent {
    TeamEvent::PersonAdded(Person {
        name: name(who),
        roles: roles.to_vec(),
        ssh_key: key.map(str::to_owned),
        added_by: by.map(name),
    })
}

fn asked(policy: Policy, by: &str) -> TeamEvent {
    TeamEvent::PolicyAsked { policy, by: name(by) }
}

/// Two administrators, one of whom approves.
fn two() -> Vec<TeamEvent> {
    vec![
        added("lan", &[Role::Administrator], Some("k1"), None),
        added("minh", &[Role::Approver, Role::Administrator], Some("k2"), Some("lan")),
    ]
}

fn refused(mut before: Vec<TeamEvent>, event: TeamEvent) -> TeamRefusal {
    let team = Team::from_history(&before).unwrap();
    before.push(event);
    let refusal = Team::from_history(&before).unwrap_err();
    assert_eq!(team.after(before.last().unwrap()), Err(refusal.clone()));
    refusal
}

#[test]
fn names_have_one_spelling() {
    for text in ["lan", "a.b_c-9", &"x".repeat(64)] {
        assert_eq!(PersonName::parse(text).unwrap().as_str(), text);
    }
    for text in ["", "Lan", "lan ", "lân", "a/b", &"x".repeat(65)] {
        assert_eq!(PersonName::parse(text), None, "{text}");
    }
}

#[test]
fn the_first_person_is_an_administrator_with_a_key_and_adds_the_others() {
    for first in [added("lan", &[Role::Approver], Some("k1"), None), added("lan", &[Role::Administrator], None, None)] {
        assert_eq!(refused(Vec::new(), first), TeamRefusal::FirstPerson);
    }
    let unknown = added("lan", &[Role::Administrator], Some("k1"), Some("lan"));
    assert_eq!(refused(Vec::new(), unknown), TeamRefusal::Unknown(name("lan")));
    let second = added("an", &[Role::Viewer], None, None);
    assert_eq!(refused(two(), second), TeamRefusal::FirstPerson);
    let team = Team::from_history(&two()).unwrap();
    assert_eq!(team.people().map(|person| person.name.as_str()).collect::<Vec<_>>(), ["lan", "minh"]);
    assert_eq!(team.policy(), Policy::OnePerson);
}

#[test]
fn a_name_and_a_key_stand_for_one_person() {
    let by = Some("lan");
    let viewer = |who, key| added(who, &[Role::Viewer], key, by);
    assert_eq!(refused(two(), viewer("minh", None)), TeamRefusal::NameTaken(name("minh")));
    assert_eq!(refused(two(), viewer("an", Some("k2"))), TeamRefusal::KeyTaken(name("minh")));
    assert_eq!(refused(two(), added("an", &[Role::Approver], None, by)), TeamRefusal::NoKey);
    let mut three = two();
    three.push(viewer("an", None));
    // Nobody's key is not a key that two people share.
    three.push(viewer("ha", None));
    assert_eq!(Team::from_history(&three).unwrap().people().count(), 4);
    let by_viewer = added("vy", &[Role::Viewer], None, Some("an"));
    assert_eq!(refused(three, by_viewer), TeamRefusal::NoAdministrator(name("an")));
}

#[test]
fn there_is_always_an_administrator() {
    let removed = |who, by| TeamEvent::PersonRemoved { name: name(who), by: name(by) };
    let mut alone = two();
    alone.push(removed("lan", "minh"));
    assert_eq!(Team::from_history(&alone).unwrap().person(&name("lan")), None);
    assert_eq!(refused(alone, removed("minh", "minh")), TeamRefusal::LastAdministrator(name("minh")));
    assert_eq!(refused(two(), removed("an", "lan")), TeamRefusal::Unknown(name("an")));
}

#[test]
fn raising_takes_one_administrator_and_lowering_two() {
    use Policy::{OnePerson, TwoPersons};
    let alone = vec![added("lan", &[Role::Administrator], Some("k1"), None)];
    assert_eq!(refused(alone, asked(TwoPersons, "lan")), TeamRefusal::NobodyToApprove);
    let mut events = two();
    assert_eq!(refused(events.clone(), asked(OnePerson, "lan")), TeamRefusal::SamePolicy(OnePerson));
    events.push(asked(TwoPersons, "lan"));
    assert_eq!(Team::from_history(&events).unwrap().policy(), TwoPersons);
    assert_eq!(refused(events.clone(), asked(TwoPersons, "lan")), TeamRefusal::SamePolicy(TwoPersons));
    events.push(asked(OnePerson, "lan"));
    let waiting = Team::from_history(&events).unwrap();
    assert_eq!((waiting.policy(), waiting.lowering()), (TwoPersons, Some(&name("lan"))));
    assert_eq!(refused(events.clone(), asked(OnePerson, "lan")), TeamRefusal::SameAdministrator(name("lan")));
    let with = |event| Team::from_history(events.iter().chain([&event])).unwrap();
    assert_eq!(with(asked(OnePerson, "minh")).policy(), OnePerson);
    let taken_back = with(asked(TwoPersons, "minh"));
    assert_eq!((taken_back.policy(), taken_back.lowering()), (TwoPersons, None));
    // The wish goes with the one who had it.
    let removed = with(TeamEvent::PersonRemoved { name: name("lan"), by: name("minh") });
    assert_eq!((removed.policy(), removed.lowering()), (TwoPersons, None));
}
