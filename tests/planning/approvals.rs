//! The rule of two persons as the ledger itself keeps it: whoever writes to it through this library, past every door,
//! meets it where permits are minted.

use super::fixture::{Fixture, NOW, Outcome, terms, under};
use std::path::Path;
use std::process::{Command, Stdio};
use topup::domain::approval::{Actor, ProposalKind};
use topup::domain::event::{Event, Fate, MemberAnswer, OrderAnswer, Refusal};
use topup::domain::payout_status::State;
use topup::domain::proposal::{ProposalEvent, ProposalRefusal, Proposals};
use topup::domain::sha256::Sha256;
use topup::domain::team::{Person, PersonName, Policy, Role, TeamEvent};
use topup::ledger::{Access, Along, Binding, Entry, Ledger, LedgerError, Purpose, SubmitPermit};
use topup::plan::{self, Terms};
use topup::sshsig::{self, Key};

fn name(text: &str) -> PersonName {
    PersonName::parse(text).unwrap()
}

/// A person who may do everything, with a new key in the folder.
fn person(who: &str, folder: &Path, added_by: Option<&str>) -> Person {
    let key = folder.join(who);
    let made = Command::new("ssh-keygen")
        .args(["-q", "-t", "ed25519", "-N", "", "-f"])
        .arg(&key)
        .stdin(Stdio::null())
        .status();
    assert!(made.unwrap().success());
    let ssh_key = Some(Key::read(&key.with_extension("pub")).unwrap().line());
    Person { name: name(who), roles: Role::ALL.to_vec(), ssh_key, added_by: added_by.map(name) }
}

/// Lan administers and approves, and so do the others; from here on a plan needs two persons.
fn raise_with(desk: &mut Fixture, folder: &Path, others: &[&str]) {
    let lan = person("lan", folder, None);
    desk.ledger.change_team(NOW, &TeamEvent::PersonAdded(lan), None, None).unwrap();
    let added = others.iter().map(|who| TeamEvent::PersonAdded(person(who, folder, Some("lan"))));
    for change in added.chain([TeamEvent::PolicyAsked { policy: Policy::TwoPersons, by: name("lan") }]) {
        let signature = sshsig::sign(&folder.join("lan"), &desk.ledger.team_bytes(&change).unwrap()).unwrap();
        desk.ledger.change_team(NOW, &change, None, Some(&signature)).unwrap();
    }
}

/// Lan alone.
fn raise(desk: &mut Fixture, folder: &Path) {
    raise_with(desk, folder, &[]);
}

/// Stores a plan that nobody signed as a proposal; its version and its seal.
fn propose(desk: &mut Fixture, file: &str) -> (u32, Sha256) {
    let (version, summary) = desk.draft(file, &terms("a"), |draft| draft.propose(&system(), None, NOW)).unwrap();
    (version, summary.plan_sha256)
}

fn system() -> Actor {
    Actor::System("test".to_owned())
}

/// A person's signature to approve what is sealed so.
fn signed(who: &str, folder: &Path, seal: Sha256) -> String {
    let event = ProposalEvent::Approved { seal, by: Actor::Person(name(who)) };
    let bytes = Ledger::signed_bytes(&event, &terms("a").batch, ProposalKind::Plan, &seal);
    sshsig::sign(&folder.join(who), &bytes).unwrap()
}

/// Somebody approves what is sealed so, with a signature.
fn approve(desk: &mut Fixture, who: &str, seal: Sha256, signature: &str) -> Result<Proposals, LedgerError> {
    let batch = desk.ledger.batch("a").unwrap();
    let event = ProposalEvent::Approved { seal, by: Actor::Person(name(who)) };
    let along = Along { signature: Some(signature), ..Along::default() };
    desk.ledger.decide_proposal(batch.id, NOW, &event, &along)
}

fn withdraw(desk: &mut Fixture) {
    let batch = desk.ledger.batch("a").unwrap();
    let event = ProposalEvent::Withdrawn { by: system() };
    desk.ledger.decide_proposal(batch.id, NOW, &event, &Along::default()).unwrap();
}

/// Asks the ledger for a permit for the first row, as a run would.
fn permit(desk: &Fixture) -> Result<Vec<SubmitPermit>, LedgerError> {
    written(desk, Event::SubmitIntended, State::InDoubt)
}

/// Writes what happened to the first row, which is planned.
fn written(desk: &Fixture, event: Event, after: State) -> Result<Vec<SubmitPermit>, LedgerError> {
    let ledger = Ledger::open(&desk.path(), Access::Write).unwrap().acting_as(Actor::System("run".to_owned()));
    let batch = ledger.batch("a").unwrap();
    let run = ledger.into_run(batch.id, &under(&batch, Purpose::Pay)).unwrap();
    let payout = run.find("r1").unwrap().unwrap();
    let entry = Entry {
        payout,
        event,
        before: State::Planned,
        after,
        call: None,
        note: None,
        why: None,
        new_number: None,
        recovered: false,
    };
    tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(run.record(NOW, vec![entry]))
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

/// What nobody signed takes two approvers: the signature of the first one counts for the version that they looked at.
#[test]
fn a_signature_on_a_plan_that_was_taken_back_does_not_fit_the_same_rows_proposed_again() {
    let mut desk = Fixture::new();
    let folder = tempfile::tempdir().unwrap();
    raise_with(&mut desk, folder.path(), &["minh"]);
    let (version, seal) = propose(&mut desk, FILE);
    let signature = signed("lan", folder.path(), seal);
    let waits = approve(&mut desk, "lan", seal, &signature).unwrap();
    assert_eq!((version, waits.waiting().map(|plan| plan.approved_by.len())), (1, Some(1)));
    withdraw(&mut desk);
    let (version, again) = propose(&mut desk, FILE);
    assert_eq!(version, 2);
    assert_ne!(again, seal);
    let refused = approve(&mut desk, "lan", again, &signature).unwrap_err();
    assert!(matches!(refused, LedgerError::Signature { .. }), "{refused}");
    assert!(approve(&mut desk, "lan", seal, &signature).is_err());
    for (who, approved) in [("lan", None), ("minh", Some(2))] {
        let proposals = approve(&mut desk, who, again, &signed(who, folder.path(), again)).unwrap();
        assert_eq!(proposals.approved_plan().map(|plan| plan.version), approved, "{who}");
    }
    assert_eq!(permit(&desk).unwrap().len(), 1);
    desk.audit("a");
}

/// Somebody at this machine approves what waits in the batch.
fn approve_alone(desk: &mut Fixture) -> Result<Proposals, LedgerError> {
    let batch = desk.ledger.batch("a").unwrap();
    let waits = desk.ledger.proposals(&batch).unwrap().waiting().unwrap().clone();
    let event = ProposalEvent::Approved { seal: waits.seal, by: system() };
    desk.ledger.decide_proposal(batch.id, NOW, &event, &Along::default())
}

fn state(desk: &Fixture) -> &'static str {
    let proposals = desk.ledger.proposals(&desk.ledger.batch("a").unwrap()).unwrap();
    proposals.all().last().unwrap().state.word()
}

#[track_caller]
fn is_out_of_date(desk: &mut Fixture) {
    assert_eq!(state(desk), "out_of_date");
    let refused = approve_alone(desk).unwrap_err();
    assert!(matches!(refused, LedgerError::Proposal(ProposalRefusal::OutOfDate)), "{refused}");
    withdraw(desk);
    assert_eq!(state(desk), "withdrawn");
    desk.audit("a");
}

#[test]
fn a_plan_that_another_batch_paid_meanwhile_is_out_of_date() {
    let mut desk = Fixture::new();
    assert_eq!(desk.plan("b", FILE), Outcome::Planned(1, 1));
    let declined = [Event::SubmitIntended, Event::SendEnded(Fate::Refused(Refusal::Payout))];
    desk.happen("b", 2, &declined);
    propose(&mut desk, FILE);
    assert_eq!(state(&desk), "proposed");
    // It was credited there after all, as an order status found.
    desk.happen_in("b", State::Declined, 2, &[Event::OrderAnswered(OrderAnswer::Success)]);
    is_out_of_date(&mut desk);
}

#[test]
fn a_plan_that_goes_elsewhere_by_now_is_out_of_date_and_planned_anew_it_is_approved() {
    let mut desk = Fixture::new();
    propose(&mut desk, FILE);
    let moved = Binding { terminal_id: "T002".into(), ..terms("a").binding };
    assert_eq!(plan::rebind(&mut desk.ledger, &moved, "a new till", NOW, |_| true).unwrap().batches.len(), 1);
    is_out_of_date(&mut desk);
    let terms = Terms { binding: moved, ..terms("a") };
    desk.draft(FILE, &terms, |draft| draft.propose(&system(), None, NOW)).unwrap();
    assert_eq!(approve_alone(&mut desk).unwrap().approved_plan().map(|plan| plan.version), Some(2));
    desk.audit("a");
}

#[test]
fn every_event_says_who_did_it_and_how_that_is_known() {
    let mut desk = Fixture::new();
    let folder = tempfile::tempdir().unwrap();
    raise_with(&mut desk, folder.path(), &["minh"]);
    let (_, seal) = propose(&mut desk, FILE);
    for who in ["lan", "minh"] {
        approve(&mut desk, who, seal, &signed(who, folder.path(), seal)).unwrap();
    }
    permit(&desk).unwrap();
    let connection = rusqlite::Connection::open(desk.path()).unwrap();
    let actors = |table: &str| -> Vec<(String, String)> {
        let mut all = connection.prepare(&format!("SELECT kind, actor FROM {table} ORDER BY 1, 2")).unwrap();
        let rows = all.query_map([], |row| Ok((row.get(0)?, row.get(1)?))).unwrap();
        rows.map(Result::unwrap).collect()
    };
    let told = |pairs: &[(&str, &str)]| -> Vec<(String, String)> {
        pairs.iter().map(|(kind, actor)| ((*kind).to_owned(), (*actor).to_owned())).collect()
    };
    let (lan, minh, account) = ("signature:lan", "signature:minh", "account:test");
    let events = [
        ("approved", lan),
        ("approved", minh),
        ("batch_planned", account),
        ("proposed", account),
        ("submit_intended", "account:run"),
    ];
    assert_eq!(actors("events JOIN actors USING (actor_id)"), told(&events));
    let of_the_ledger = [
        ("batch_planned", account),
        ("bound", account),
        // The first person is added by nobody, and says so.
        ("person_added", "name:lan"),
        ("person_added", lan),
        ("policy_asked", lan),
    ];
    assert_eq!(actors("ledger_events"), told(&of_the_ledger));
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

/// What nobody approved can be neither paid nor closed, and that is no ledger that contradicts itself.
#[test]
fn a_decision_about_what_waits_for_approval_says_that_it_waits() {
    let (mut desk, folder) = (Fixture::new(), tempfile::tempdir().unwrap());
    raise(&mut desk, folder.path());
    propose(&mut desk, FILE);
    let refused = written(&desk, Event::Cancelled, State::Cancelled).unwrap_err();
    assert!(matches!(refused, LedgerError::NotApproved { row: 2, .. }), "{refused}");
}
