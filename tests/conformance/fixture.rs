//! Ledgers of each kind, and what is done with all of them alike.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use topup::domain::approval::Actor;
use topup::domain::batch_name::BatchName;
use topup::domain::event::Event;
use topup::domain::invoice_no::{InvoiceNo, InvoicePrefix};
use topup::domain::member::Member;
use topup::domain::payout::Row;
use topup::domain::payout_status::PayoutStatus;
use topup::domain::phone::PhoneNumber;
use topup::domain::points::Points;
use topup::domain::row_key::RowKey;
use topup::domain::sha256::Sha256;
use topup::ledger::{
    Access, Batch, Binding, Entry, Ledger, LedgerError, NewPayout, Origin, PayoutId, Placement, Planning, Purpose,
    RepeatRule, RunLedger, SubmitPermit, Under,
};

pub(super) const NOW: i64 = 1_800_000_000_000;

/// A kind of ledger.
pub(super) trait Kind {
    /// An empty one.
    fn fresh() -> Self;
    /// Opens it, again and again.
    fn open(&self) -> Ledger;
    /// Changes it behind the program's back, past its guards.
    fn edit(&self, sql: &str);
    /// Where it is, as a lease and a purge need it; `None`: nowhere.
    fn place(&self) -> Option<PathBuf>;
}

/// A file of SQLite.
pub(super) struct OnDisk(tempfile::TempDir);

impl Kind for OnDisk {
    fn fresh() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn open(&self) -> Ledger {
        acting(Ledger::open(&self.path(), Access::Create).unwrap())
    }

    fn edit(&self, sql: &str) {
        edit(&self.path(), sql);
    }

    fn place(&self) -> Option<PathBuf> {
        Some(self.path())
    }
}

impl OnDisk {
    fn path(&self) -> PathBuf {
        self.0.path().join("topup.db")
    }
}

/// SQLite in memory; it lives as long as the first ledger that was opened.
pub(super) struct InMemory {
    name: String,
    _kept: Ledger,
}

impl Kind for InMemory {
    fn fresh() -> Self {
        static MADE: AtomicU64 = AtomicU64::new(0);
        let name = format!("conformance-{}", MADE.fetch_add(1, Ordering::Relaxed));
        Self { _kept: Ledger::in_shared_memory(&name).unwrap(), name }
    }

    fn open(&self) -> Ledger {
        acting(Ledger::in_shared_memory(&self.name).unwrap())
    }

    fn edit(&self, sql: &str) {
        edit(Path::new(&format!("file:/{}?vfs=memdb", self.name)), sql);
    }

    fn place(&self) -> Option<PathBuf> {
        None
    }
}

fn acting(ledger: Ledger) -> Ledger {
    ledger.acting_as(somebody())
}

fn edit(path: &Path, sql: &str) {
    rusqlite::Connection::open(path).unwrap().execute_batch(sql).unwrap();
}

pub(super) fn somebody() -> Actor {
    Actor::System("test".to_owned())
}

pub(super) fn binding() -> Binding {
    Binding {
        gateway_host: "127.0.0.1:1".into(),
        merchant_id: "M001".into(),
        terminal_id: "T001".into(),
        invoice_prefix: InvoicePrefix::parse("TP").unwrap(),
    }
}

pub(super) fn name(batch: &str) -> BatchName {
    BatchName::parse(batch).unwrap()
}

/// The payout of reference `r<row>`, to the member of that number.
pub(super) fn row(row: u64, points: u64) -> Row {
    Row {
        row,
        reference: Some(format!("r{row}")),
        member: Member::Phone(PhoneNumber::parse(&format!("09{row:08}")).unwrap()),
        points: Points::new(points).unwrap(),
        name: None,
        send_sms: None,
        receipt: None,
        extra: Vec::new(),
    }
}

pub(super) fn number(batch: &str, reference: &str, attempt: u32) -> InvoiceNo {
    let binding = binding();
    let key = RowKey::reference(reference);
    InvoiceNo::derive(&binding.invoice_prefix, &binding.merchant_id, &name(batch), &key, attempt)
}

pub(super) fn place(planning: &mut Planning<'_>, row: &Row) -> Placement {
    let reference = row.reference.as_deref().unwrap();
    let key = RowKey::reference(reference);
    planning.place(&NewPayout { row, key: &key, send_sms: true }).unwrap()
}

/// A seal for a version of a plan. The ledger keeps what it is given.
pub(super) fn seal(version: u32) -> Sha256 {
    Sha256::of(&version.to_be_bytes())
}

/// Begins to plan a batch, or to plan it again.
pub(super) fn begin<'l>(ledger: &'l mut Ledger, batch: &str) -> Planning<'l> {
    let origin =
        Origin { file_name: "f.csv".into(), settings: "{}".into(), planned_by: "test".into(), planned_at: NOW };
    match ledger.find_batch(batch).unwrap() {
        Some(known) => ledger.plan_again(known.id).unwrap(),
        None => ledger.plan(&name(batch), &binding(), &origin).unwrap(),
    }
}

/// Plans rows, and approves them at once.
pub(super) fn plan(ledger: &mut Ledger, batch: &str, rows: &[Row]) {
    let mut planning = begin(ledger, batch);
    for row in rows {
        place(&mut planning, row);
    }
    let seal = seal(planning.version());
    planning.seal(seal, 0, "yes", NOW).unwrap();
}

/// Plans rows, and leaves them to somebody's approval; the seal.
pub(super) fn propose(ledger: &mut Ledger, batch: &str, rows: &[Row]) -> Sha256 {
    let mut planning = begin(ledger, batch);
    for row in rows {
        place(&mut planning, row);
    }
    let seal = seal(planning.version());
    planning.propose(seal, 0, &somebody(), None, NOW).unwrap();
    seal
}

/// A run of a batch.
pub(super) fn run(ledger: Ledger, batch: &str, purpose: Purpose) -> Result<RunLedger, LedgerError> {
    let batch: Batch = ledger.batch(batch).unwrap();
    let repeats = RepeatRule { window_days: 20, why: None };
    ledger.into_run(batch.id, &Under { repeats, ..Under::new(purpose, binding(), NOW) })
}

/// An event of a payout in the state that its history gives, as a run writes it.
pub(super) fn entry(payout: PayoutId, status: &PayoutStatus, event: Event, new_number: Option<InvoiceNo>) -> Entry {
    let after = status.clone().after(&event).unwrap();
    Entry { new_number, ..Entry::of(payout, event, status.state, &after) }
}

/// Writes what happens to the payout of a reference, each event on its own; the permits.
pub(super) fn happen(run: &RunLedger, reference: &str, events: &[Event]) -> Result<Vec<SubmitPermit>, LedgerError> {
    let payout = run.find(reference).unwrap().unwrap();
    let mut permits = Vec::new();
    for event in events {
        let entry = entry(payout, &run.standing(payout)?, event.clone(), None);
        permits.extend(write(run, vec![entry])?);
    }
    Ok(permits)
}

pub(super) fn write(run: &RunLedger, entries: Vec<Entry>) -> Result<Vec<SubmitPermit>, LedgerError> {
    tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(run.record(NOW, entries))
}

#[track_caller]
pub(super) fn holds_together(ledger: &Ledger, batch: &str) {
    let batch = ledger.batch(batch).unwrap();
    assert_eq!(ledger.audit(&batch, None).unwrap().findings, Vec::<String>::new());
}
