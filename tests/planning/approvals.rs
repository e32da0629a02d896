//! The rule of two persons as the ledger itself keeps it: whoever writes to it through this library, past every door,
//! meets it where permits are minted.

use super::fixture::{Fixture, NOW, Outcome, under};
use std::path::Path;
use std::process::{Command, Stdio};
use topup::domain::event::{Event, MemberAnswer, OrderAnswer};
use topup::domain::payout_status::State;
use topup::domain::team::{Person, PersonName, Policy, Role, TeamEvent};
use topup::ledger::{Access, Entry, Ledger, LedgerError, Purpose, SubmitPermit};
use topup::sshsig::{self, Key};

/// Lan administers and approves; from here on a plan needs two persons.
fn raise(desk: &mut Fixture, folder: &Path) {
    let key = folder.join("lan");
    let made = Command::new("ssh-keygen")
        .args(["-q", "-t", "ed25519", "-N", "", "-f"])
        .arg(&key)
        .stdin(Stdio::null())
        .status();
    assert!(made.unwrap().success());
    let name = PersonName::parse("lan").unwrap();
    let ssh_key = Some(Key::read(&key.with_extension("pub")).unwrap().line());
    let lan = Person { name: name.clone(), roles: Role::ALL.to_vec(), ssh_key, added_by: None };
    desk.ledger.change_team(NOW, &TeamEvent::PersonAdded(lan), None, None).unwrap();
    let two = TeamEvent::PolicyAsked { policy: Policy::TwoPersons, by: name };
    let signature = sshsig::sign(&key, &desk.ledger.team_bytes(&two).unwrap()).unwrap();
    desk.ledger.change_team(NOW, &two, None, Some(&signature)).unwrap();
}

/// Asks the ledger for a permit for the first row, as a run would.
fn permit(desk: &Fixture) -> Result<Vec<SubmitPermit>, LedgerError> {
    let ledger = Ledger::open(&desk.path(), Access::Write).unwrap();
    let batch = ledger.batch("a").unwrap();
    let run = ledger.into_run(batch.id, &under(&batch, Purpose::Pay)).unwrap();
    let payout = run.find("r1").unwrap().unwrap();
    let intent = Entry {
        payout,
        event: Event::SubmitIntended,
        before: State::Planned,
        after: State::InDoubt,
        call: None,
        note: None,
        why: None,
        new_number: None,
        recovered: false,
    };
    tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(run.record(NOW, vec![intent]))
}

const FILE: &str = "reference,phone,points\nr1,0901234567,100\n";

#[test]
fn a_permit_is_minted_for_what_one_person_approved_only_while_one_is_enough() {
    let mut desk = Fixture::new();
    assert_eq!(desk.plan("a", FILE), Outcome::Planned(1, 1));
    let folder = tempfile::tempdir().unwrap();
    raise(&mut desk, folder.path());
    let refused = permit(&desk).unwrap_err();
    assert!(matches!(refused, LedgerError::NotApproved { row: 2, .. }), "{refused}");
    desk.audit("a");
    let mut alone = Fixture::new();
    assert_eq!(alone.plan("a", FILE), Outcome::Planned(1, 1));
    assert_eq!(permit(&alone).unwrap().len(), 1);
}

/// Writes a release as a door would that forgot to ask whether somebody approved it.
fn release(desk: &Fixture) -> Result<Vec<SubmitPermit>, LedgerError> {
    let ledger = Ledger::open(&desk.path(), Access::Write).unwrap();
    let batch = ledger.batch("a").unwrap();
    let run = ledger.into_run(batch.id, &under(&batch, Purpose::Ask)).unwrap();
    let payout = run.find("r1").unwrap().unwrap();
    let entry = |event: Event, after: State| Entry {
        payout,
        event,
        before: State::Held,
        after,
        call: None,
        note: None,
        why: Some("checked by phone".to_owned()),
        new_number: None,
        recovered: false,
    };
    let absent = entry(Event::OrderAnswered(OrderAnswer::Absent), State::Held);
    let released = entry(Event::Released { name: Some("Nguyễn An".to_owned()) }, State::Planned);
    tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(run.record(NOW, vec![absent, released]))
}

#[test]
fn a_decision_that_can_pay_again_is_written_only_where_another_person_approved_it() {
    let held = || {
        let mut desk = Fixture::new();
        assert_eq!(desk.plan("a", FILE), Outcome::Planned(1, 1));
        let differs = Event::MemberAnswered(MemberAnswer::NameDiffers);
        desk.happen("a", 2, &[differs, Event::OrderAnswered(OrderAnswer::Absent)]);
        desk
    };
    release(&held()).unwrap();
    let mut two = held();
    let folder = tempfile::tempdir().unwrap();
    raise(&mut two, folder.path());
    let refused = release(&two).unwrap_err();
    assert!(matches!(refused, LedgerError::DecisionNotApproved { kind: "release", row: 2 }), "{refused}");
    two.audit("a");
}
