//! A folder with one ledger, in which files are planned.

use std::path::Path;
use topup::domain::approval::Actor;
use topup::domain::batch_name::BatchName;
use topup::domain::event::{Event, Fate};
use topup::domain::invoice_no::{InvoiceNo, InvoicePrefix};
use topup::domain::payout_status::State;
use topup::intake::{self, IntakeOptions};
use topup::ledger::{Access, Batch, Binding, Entry, Ledger, Origin, PayoutId, Purpose, RepeatRule, Settings, Under};
use topup::plan::{Draft, Limits, PlanError, Planned, Refusal, Resealing, RowKinds, Terms, is_sealed, plan};

pub(super) const NOW: i64 = 1_800_000_000_000;
pub(super) const DAY_MS: i64 = 86_400_000;

/// A folder with one ledger, in which files are planned.
pub(super) struct Fixture {
    folder: tempfile::TempDir,
    pub(super) ledger: Ledger,
}

/// What became of a file.
#[derive(Debug, PartialEq)]
pub(super) enum Outcome {
    /// So many new rows, so many in all.
    Planned(u64, u64),
    Known,
    Refused(Refusal),
}

impl Outcome {
    pub(super) fn refusal(self) -> Refusal {
        match self {
            Self::Refused(refusal) => refusal,
            Self::Planned(..) | Self::Known => panic!("expected a refusal, found {self:?}"),
        }
    }
}

impl Fixture {
    pub(super) fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let ledger = Ledger::open(&folder.path().join("topup.db"), Access::Create).unwrap();
        Self { folder, ledger: ledger.acting_as(Actor::System("test".to_owned())) }
    }

    pub(super) fn path(&self) -> std::path::PathBuf {
        self.folder.path().join("topup.db")
    }

    pub(super) fn plan(&mut self, batch: &str, file: &str) -> Outcome {
        self.plan_with(file, &terms(batch)).unwrap()
    }

    pub(super) fn plan_with(&mut self, file: &str, terms: &Terms) -> Result<Outcome, PlanError> {
        let path = self.folder.path().join("file.csv");
        std::fs::write(&path, file).unwrap();
        let intake = intake::open(Path::new(&path), &IntakeOptions::default()).unwrap();
        Ok(match plan(&mut self.ledger, intake, terms, &origin())? {
            Planned::Known(..) => Outcome::Known,
            Planned::Refused(refusal) => Outcome::Refused(refusal),
            Planned::Draft(draft) => {
                let summary = draft.seal("test", NOW).unwrap();
                Outcome::Planned(summary.new.rows, summary.whole.rows)
            }
        })
    }

    /// What is done with the draft of a file's plan.
    pub(super) fn draft<T>(&mut self, file: &str, terms: &Terms, done: impl FnOnce(Draft<'_>) -> T) -> T {
        let path = self.folder.path().join("file.csv");
        std::fs::write(&path, file).unwrap();
        let intake = intake::open(Path::new(&path), &IntakeOptions::default()).unwrap();
        match plan(&mut self.ledger, intake, terms, &origin()).unwrap() {
            Planned::Draft(draft) => done(*draft),
            other @ (Planned::Known(..) | Planned::Refused(_)) => panic!("expected a draft, found {other:?}"),
        }
    }

    /// What a file's rows are to the batch; nothing is sealed.
    pub(super) fn kinds(&mut self, file: &str, terms: &Terms) -> RowKinds {
        let path = self.folder.path().join("file.csv");
        std::fs::write(&path, file).unwrap();
        let intake = intake::open(Path::new(&path), &IntakeOptions::default()).unwrap();
        match plan(&mut self.ledger, intake, terms, &origin()).unwrap() {
            Planned::Known(..) => panic!("nothing is new"),
            Planned::Refused(refusal) => *refusal.kinds.unwrap(),
            Planned::Draft(draft) => draft.summary().kinds.clone(),
        }
    }

    /// What a person is told of a file of which the batch has every row.
    pub(super) fn warnings(&mut self, file: &str, terms: &Terms) -> Vec<String> {
        let path = self.folder.path().join("file.csv");
        std::fs::write(&path, file).unwrap();
        let intake = intake::open(Path::new(&path), &IntakeOptions::default()).unwrap();
        match plan(&mut self.ledger, intake, terms, &origin()).unwrap() {
            Planned::Known(_, warnings) => warnings,
            other @ (Planned::Refused(_) | Planned::Draft(_)) => panic!("expected a known file, found {other:?}"),
        }
    }

    /// Records what happened to the payout of a row, as a run would.
    pub(super) fn happen(&mut self, batch: &str, row: u64, events: &[Event]) {
        self.happen_noted(batch, row, events, None);
    }

    /// The same, with a note that the gateway gave.
    pub(super) fn happen_noted<'n>(
        &mut self,
        batch: &str,
        row: u64,
        events: &[Event],
        note: impl Into<Option<&'n str>>,
    ) {
        self.happen_to(batch, State::Planned, row, events, note.into());
    }

    /// The same to the payout of a row in another state.
    pub(super) fn happen_in(&mut self, batch: &str, state: State, row: u64, events: &[Event]) {
        self.happen_to(batch, state, row, events, None);
    }

    fn happen_to(&mut self, batch: &str, state: State, row: u64, events: &[Event], note: Option<&str>) {
        let ledger = Ledger::open(&self.path(), Access::Write).unwrap();
        let batch = ledger.batch(batch).unwrap();
        let run = ledger.into_run(batch.id, &under(&batch, Purpose::Pay)).unwrap();
        let all = run.payouts_after(state, None, 1000).unwrap();
        let payout = all.iter().find(|payout| payout.row == row).unwrap();
        let id: PayoutId = payout.id;
        let mut standing = run.standing(id).unwrap();
        let mut entries = Vec::new();
        for event in events {
            let (before, attempt) = (standing.state, standing.attempt);
            standing = standing.after(event).unwrap();
            let Binding { invoice_prefix, merchant_id, .. } = &batch.binding;
            let number = |n| InvoiceNo::derive(invoice_prefix, merchant_id, &batch.name, &payout.key, n);
            entries.push(Entry {
                note: note.map(str::to_owned),
                new_number: (standing.attempt > attempt).then(|| number(standing.attempt)),
                ..Entry::of(id, event.clone(), before, &standing)
            });
        }
        tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(run.record(NOW, entries)).unwrap();
        run.close().unwrap();
    }

    pub(super) fn credit(&mut self, batch: &str, row: u64) {
        self.happen(batch, row, &[Event::SubmitIntended, Event::SendEnded(Fate::Credited)]);
    }

    /// The ledger holds together, its seal included.
    pub(super) fn audit(&self, batch: &str) {
        let batch = self.ledger.batch(batch).unwrap();
        assert_eq!(self.ledger.audit(&batch, None).unwrap().findings, Vec::<String>::new());
        assert!(is_sealed(&self.ledger, &batch).unwrap());
    }
}

/// Under what a run of a batch is made, where its configuration is still the one that it was planned with.
pub(super) fn under(batch: &Batch, purpose: Purpose) -> Under {
    let repeats = RepeatRule { window_days: 20, why: None };
    Under { repeats, ..Under::new(purpose, batch.binding.clone(), NOW) }
}

pub(super) fn terms(batch: &str) -> Terms {
    Terms {
        batch: BatchName::parse(batch).unwrap(),
        binding: Binding {
            gateway_host: "127.0.0.1:1".into(),
            merchant_id: "M001".into(),
            terminal_id: "T001".into(),
            invoice_prefix: InvoicePrefix::parse("TP").unwrap(),
        },
        settings: Settings::default(),
        resealing: Resealing::Refused,
        send_sms: true,
        limits: Limits::default(),
        expect_rows: None,
        allow_repeat_phones: false,
        skip_invalid: false,
        repeat_why: None,
        repeat_window_days: 20,
        now: NOW,
    }
}

pub(super) fn origin() -> Origin {
    Origin { file_name: "file.csv".into(), settings: "{}".into(), planned_by: "test".into(), planned_at: NOW }
}

pub(super) const TWO: &str = "phone,points\n0901234567,100\n0901234568,200\n";
