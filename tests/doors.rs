//! A second door: every use case is reached without the command line, with plain requests and a door that only listens.

#![expect(clippy::unwrap_used, reason = "a helper of tests: where it fails, the test fails")]

use std::cell::{Cell, RefCell};
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;
use tempfile::TempDir;
use tokio::runtime::Runtime;
use topup::app::approvals::{self, Outcome, Word, WordRequest};
use topup::app::check::{self, CheckRequest};
use topup::app::counts::LiveCounts;
use topup::app::decide::{self, Chosen, Decided, DecisionRequest, Question};
use topup::app::doctor::{self, Finding};
use topup::app::export::{self, ResultRequest};
use topup::app::pay::{self, GoOn, Paid};
use topup::app::people::{self, Change};
use topup::app::propose::{self, Consent, PayRequest, ToPay};
use topup::app::purge::{self, PurgeRequest};
use topup::app::rebind::{self, Rebound};
use topup::app::reconcile::{self, ReconcileRequest};
use topup::app::rehearse::{self, RehearseRequest};
use topup::app::simulator::{FaultPlan, Latency, Members, PublicKey, Simulator, SimulatorOptions, generate_key_pem};
use topup::app::status;
use topup::app::verify::{self, VerifyRequest};
use topup::app::{
    Actor, BatchName, Context, Door, Ending, Failure, FileRequest, Identity, IntakeOptions, Lang, Mode, News,
    PersonName, Policy, Role, RunEvent, Settings, State, StatementOptions, StepText, StopSignal, Watch, Watched,
};

const FILE: &str = "reference,phone,points\nR-1,0901234567,100\nR-2,0901234568,200\nR-3,0901234569,300\n";

/// A door of which nothing comes in: it keeps what it is told.
#[derive(Default)]
struct Page {
    told: RefCell<Vec<String>>,
    counts: RefCell<Option<LiveCounts>>,
    events: Cell<usize>,
}

struct Looker<'p>(&'p Page);

impl Watch for Looker<'_> {
    fn on_event(&self, _event: &RunEvent) {
        self.0.events.set(self.0.events.get() + 1);
    }
}

impl Door for Page {
    fn step_text(&self) -> StepText {
        |step| format!("/{step:?}")
    }

    fn tell(&self, news: &News<'_>) {
        self.told.borrow_mut().push(format!("{news:?}"));
    }

    fn stop_signal(&self) -> Result<StopSignal, Failure> {
        Ok(Box::pin(std::future::pending()))
    }

    fn watch(&self, run: Watched) -> Box<dyn Watch + '_> {
        self.counts.replace(Some(run.counts));
        Box::new(Looker(self))
    }
}

/// A gateway, a folder with what a user would have, and the page.
struct House {
    folder: TempDir,
    /// What the simulator runs on.
    _runtime: Runtime,
    simulator: Simulator,
    settings: Settings,
    actor: Actor,
    page: Page,
}

impl House {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let key = generate_key_pem().unwrap();
        let pem = folder.path().join("merchant.pem");
        fs::write(&pem, &key).unwrap();
        fs::set_permissions(&pem, fs::Permissions::from_mode(0o600)).unwrap();
        fs::write(folder.path().join("rewards.csv"), FILE).unwrap();
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let options = SimulatorOptions {
            port: 0,
            merchant_id: "M001".to_owned(),
            terminal_id: "T001".to_owned(),
            key_code: "key-1".to_owned(),
            public_key: PublicKey::from_private_key_pem(&key).unwrap(),
            members: Members::everyone(),
            faults: "none".parse::<FaultPlan>().unwrap(),
            latency: Latency::NONE,
        };
        let simulator = runtime.block_on(Simulator::start(options)).unwrap();
        let config = folder.path().join("topup.toml");
        let text = format!(
            "[gateway]\nurl = \"{}\"\nmerchant_id = \"M001\"\nterminal_id = \"T001\"\nkey_code = \"key-1\"\n\
             private_key = \"merchant.pem\"\nrate_per_s = 1000\ntimeout_s = 5\ndeliver_within_s = 10\n",
            simulator.url()
        );
        fs::write(&config, text).unwrap();
        let settings = Settings::read(Some(&config), std::iter::empty(), None).unwrap();
        let actor = Actor::System("lan@page".to_owned());
        Self { folder, _runtime: runtime, simulator, settings, actor, page: Page::default() }
    }

    fn context(&self) -> Context<'_> {
        Context { settings: &self.settings, actor: &self.actor, door: &self.page }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn file(&self) -> FileRequest {
        FileRequest {
            file: self.path("rewards.csv"),
            batch: BatchName::parse("b").unwrap(),
            options: IntakeOptions::default(),
            expect_rows: None,
            skip_invalid: false,
            repeat_why: None,
        }
    }

    fn whoever(&self) -> Identity<'static> {
        Identity::System("lan@page".to_owned())
    }

    fn pay(&self) -> Paid {
        let go_on = GoOn { batch: "b".to_owned(), mode: Mode::Pay, repeat_why: None, is_unattended: false };
        let ready = pay::take_up(self.context(), &go_on, || Ok(())).unwrap();
        pay::pay(self.context(), ready).unwrap()
    }

    fn paid(&self) {
        let request = PayRequest { file: self.file(), consent: Some(Consent::Yes) };
        let ToPay::Ready(ready) = propose::plan_to_pay(self.context(), &request, &self.whoever()).unwrap() else {
            panic!("it is ready")
        };
        let Paid::Ended(ended) = pay::pay(self.context(), *ready).unwrap() else { panic!("nobody has to approve it") };
        assert_eq!(ended.ending, Ending::Done);
    }

    fn credits(&self) -> (usize, u64) {
        let book = self.simulator.book();
        (book.credit_count(), book.points())
    }
}

#[test]
fn a_file_is_proposed_approved_and_paid_without_the_command_line() {
    let house = House::new();
    let context = house.context();
    let Outcome::Stored(stored) = approvals::propose_file(context, &house.file(), &house.whoever()).unwrap() else {
        panic!("a new file")
    };
    assert_eq!((stored.version, stored.policy, stored.summary.whole.points), (1, Policy::OnePerson, 600));
    assert!(matches!(house.pay(), Paid::Waits(..)), "nobody approved it");
    assert_eq!(house.credits(), (0, 0));

    let seal = stored.summary.plan_sha256;
    let word = |seal| WordRequest { batch: "b".to_owned(), word: Word::Approve, seal: Some(seal), why: None };
    let other = topup::app::Sha256::parse(&"0".repeat(64)).unwrap();
    let refused = approvals::say(context, &word(other), &house.whoever()).unwrap_err();
    assert_eq!((refused.ending, refused.code), (Ending::Refused, "not_allowed"));
    approvals::say(context, &word(seal), &house.whoever()).unwrap();
    let Paid::Ended(ended) = house.pay() else { panic!("it was approved") };
    assert_eq!((ended.ending, ended.totals.of(State::Credited).rows), (Ending::Done, 3));
    assert_eq!(house.credits(), (3, 600));
    let counts = house.page.counts.borrow().as_ref().unwrap().now();
    assert_eq!((counts.done(), counts.points[State::Credited as usize]), (3, 600));
    assert!(house.page.events.get() >= 9 && !house.page.told.borrow().is_empty());
}

#[test]
fn what_a_person_read_is_what_is_paid_and_nothing_is_open_while_they_read() {
    let house = House::new();
    let context = house.context();
    let mut request = PayRequest { file: house.file(), consent: None };
    let step = propose::plan_to_pay(context, &request, &house.whoever()).unwrap();
    let ToPay::Asks(plan) = step else { panic!("nobody said yes") };
    // Neither locked nor open: another one may look, and change the file.
    assert!(status::all(context).unwrap().is_empty());
    request.consent = Some(Consent::Read(plan.plan_sha256));
    fs::write(house.path("rewards.csv"), FILE.replace("300", "3000")).unwrap();
    let changed = propose::plan_to_pay(context, &request, &house.whoever()).map(drop).unwrap_err();
    assert_eq!((changed.ending, changed.code), (Ending::Refused, "changed"));
    fs::write(house.path("rewards.csv"), FILE).unwrap();
    let ToPay::Ready(ready) = propose::plan_to_pay(context, &request, &house.whoever()).unwrap() else {
        panic!("it is the plan that was read")
    };
    let Paid::Ended(ended) = pay::pay(context, *ready).unwrap() else { panic!("one person is enough") };
    assert_eq!((ended.ending, house.credits()), (Ending::Done, (3, 600)));
}

#[test]
fn a_dry_run_and_a_rehearsal_pay_nobody() {
    let house = House::new();
    let context = house.context();
    let dry = rehearse::dry_run(context, &house.file(), Some(&house.path("unpaid.csv")), || Ok(())).unwrap();
    assert_eq!((dry.ending, dry.totals.of(State::Planned).rows), (Ending::Done, 3));
    assert_eq!(dry.not_paid.unwrap().rows(), 0);
    let faults = "seed=7".parse::<FaultPlan>().unwrap();
    let request = RehearseRequest { file: house.file(), consent: None, faults, members: None };
    let played = rehearse::rehearse(context, &request).unwrap();
    assert_eq!((played.ending, played.credits), (Ending::Done, (3, 600)));
    assert_eq!(house.credits(), (0, 0));
    assert!(!house.settings.ledger_path().exists());
}

#[test]
fn what_became_of_a_batch_is_looked_at_verified_compared_and_written() {
    let house = House::new();
    let context = house.context();
    house.paid();
    assert_eq!(status::all(context).unwrap().len(), 1);
    let look = status::look(context, "b").unwrap();
    assert_eq!((look.stand.running, look.stand.totals.of(State::Credited).points), (false, 600));
    for offline in [true, false] {
        let request = VerifyRequest { batch: "b".to_owned(), offline, head: None };
        let verified = verify::verify(context, &request).unwrap();
        let asked = verified.answers.map(|answers| answers.asked);
        assert_eq!((verified.ending, asked), (Ending::Done, (!offline).then_some(3)));
    }
    let only = vec![State::Credited];
    let (output, batch) = (house.path("paid.json"), "b".to_owned());
    let request = ResultRequest { batch, output, only, skipped: false, lang: Lang::Vi, total_by: None, mode: None };
    assert_eq!(export::export(context, &request).unwrap().points(), 600);
    let statement = house.path("statement.csv");
    fs::write(&statement, "invoice_no,points,status\nTPSOMEBODY,5,success\n").unwrap();
    let request = ReconcileRequest { batch: "b".to_owned(), statement, options: StatementOptions::default() };
    let compared = reconcile::reconcile(context, &request, |found| found.difference_count());
    assert_eq!(compared.unwrap(), (Ending::Differs, 3));
}

#[test]
fn a_decision_asks_first_and_a_no_changes_nothing() {
    let house = House::new();
    let context = house.context();
    approvals::propose_file(context, &house.file(), &house.whoever()).unwrap();
    let approve = WordRequest { batch: "b".to_owned(), word: Word::Approve, seal: None, why: None };
    approvals::say(context, &approve, &house.whoever()).unwrap();
    let request = DecisionRequest { batch: "b".to_owned(), why: "left".to_owned(), repeat_why: None };
    let asked = RefCell::new(Vec::new());
    let no = |question: &Question| {
        asked.borrow_mut().push(question.clone());
        Err(Failure::no_consent("no"))
    };
    let refused = decide::cancel(context, &request, &Chosen::All(vec![State::Planned]), &no).unwrap_err();
    assert_eq!((refused.code, asked.take()), ("no_consent", vec![Question::Cancel(3, 0)]));
    let yes = |_: &Question| Ok(());
    let named = Chosen::Named(vec!["R-1".to_owned()]);
    let outcome = decide::cancel(context, &request, &named, &yes).unwrap();
    assert_eq!((outcome.ending, outcome.changed, outcome.planned.rows), (Ending::Done, 1, 2));
    let Decided::Done(retried) =
        decide::retry(context, &request, &Chosen::All(vec![State::Declined]), &house.whoever(), &yes).unwrap()
    else {
        panic!("one person is enough")
    };
    assert_eq!((retried.ending, retried.changed), (Ending::Done, 0));
    let early = decide::attest(context, &request, "R-2", false, &house.whoever(), &yes).unwrap_err();
    assert_eq!(early.code, "refused");
    let held =
        decide::release(context, &request, &Chosen::Named(vec!["R-2".to_owned()]), &house.whoever(), &yes).unwrap_err();
    assert!(held.hint.is_some() && held.code == "refused", "{held:?}");
}

#[test]
fn the_ledger_and_the_set_up_are_looked_after() {
    let house = House::new();
    let context = house.context();
    let checked = CheckRequest {
        file: house.path("rewards.csv"),
        options: IntakeOptions::default(),
        expect_rows: Some(4),
        export: None,
    };
    assert_eq!(check::check(&checked, None).unwrap().ending, Ending::Refused);
    house.paid();
    let found = doctor::doctor(context, false).unwrap();
    assert_eq!((found.ending(), found.count(Finding::Failure)), (Ending::Done, 0), "{found:?}");
    let (rebound, _) = rebind::rebind(context, "nothing moved", |_, _| Err(Failure::no_consent("no"))).unwrap();
    assert_eq!(rebound, Rebound::default());
    assert_eq!(purge::preview(context, 1).unwrap().left.len(), 1);
    let request = PurgeRequest { older_than_days: 1, why: "retention".to_owned() };
    let purged = purge::purge(context, &request, |_| Err(Failure::no_consent("no"))).unwrap();
    assert_eq!((purged.look.due.len(), purged.look.left.len()), (0, 1));
    let add = Change::Add {
        name: PersonName::parse("lan").unwrap(),
        roles: vec![Role::Administrator],
        ssh_key: Some(format!("ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAI{}", "A".repeat(43))),
    };
    people::change_team(context, add, None, &house.whoever()).unwrap();
    let team = people::team(context).unwrap();
    assert_eq!((team.policy(), team.people().count()), (Policy::OnePerson, 1));
}

#[test]
fn nobody_waits_for_a_person_and_what_changed_meanwhile_is_asked_again() {
    let house = House::new();
    let context = house.context();
    approvals::propose_file(context, &house.file(), &house.whoever()).unwrap();
    let approve = WordRequest { batch: "b".to_owned(), word: Word::Approve, seal: None, why: None };
    approvals::say(context, &approve, &house.whoever()).unwrap();
    let request = DecisionRequest { batch: "b".to_owned(), why: "left".to_owned(), repeat_why: None };
    let cancel = |which: &str, agree: &dyn Fn() -> Result<(), Failure>| {
        let named = Chosen::Named(vec![which.to_owned()]);
        decide::cancel(context, &request, &named, &|_| agree()).map(|outcome| outcome.changed)
    };
    // Another command works while the person thinks.
    let refused = cancel("R-1", &|| cancel("R-2", &|| Ok(())).map(drop)).unwrap_err();
    assert_eq!((refused.ending, refused.code), (Ending::Refused, "changed"));
    let cancelled = status::look(context, "b").unwrap().stand.totals.of(State::Cancelled).rows;
    assert_eq!(cancelled, 1, "what was decided meanwhile");
    assert_eq!(cancel("R-1", &|| status::all(context).map(drop)).unwrap(), 1);

    let elsewhere = house.path("elsewhere.toml");
    let config = fs::read_to_string(house.path("topup.toml")).unwrap();
    fs::write(&elsewhere, config.replace("T001", "T002")).unwrap();
    let settings = Settings::read(Some(&elsewhere), std::iter::empty(), None).unwrap();
    let moved = Context { settings: &settings, ..context };
    let rebind = |agree: &dyn Fn() -> Result<(), Failure>| {
        rebind::rebind(moved, "a new till", |_, _| agree()).map(|(rebound, _)| rebound.batches.len())
    };
    let refused = rebind(&|| rebind(&|| Ok(())).map(drop)).unwrap_err();
    assert_eq!((refused.ending, refused.code), (Ending::Refused, "changed"));
    assert_eq!(rebind(&|| Ok(())).unwrap(), 0, "it was bound meanwhile");

    assert_eq!(cancel("R-3", &|| Ok(())).map_err(|failure| failure.code), Ok(1));
    let request = PurgeRequest { older_than_days: 0, why: "retention".to_owned() };
    let purge = |agree: &dyn Fn() -> Result<(), Failure>| {
        purge::purge(moved, &request, |_| agree()).map(|purged| purged.look.due.len())
    };
    let refused = purge(&|| purge(&|| Ok(())).map(drop)).unwrap_err();
    assert_eq!((refused.ending, refused.code), (Ending::Refused, "changed"));
    assert_eq!(purge(&|| Ok(())).unwrap(), 0, "it was purged meanwhile");
}
