//! A ledger with one payout in every state, made through the program's own plan and run ledger.

use std::path::{Path, PathBuf};
use std::time::Duration;
use topup::cli::command;
use topup::domain::batch_name::BatchName;
use topup::domain::event::{Doubt, Event, Fate, MemberAnswer, OrderAnswer, Refusal};
use topup::domain::hint::Part;
use topup::domain::invoice_no::InvoicePrefix;
use topup::domain::payout_status::{PayoutStatus, State};
use topup::intake::{self, IntakeOptions};
use topup::ledger::{Access, Binding, Call, Entry, Ledger, Origin, Purpose, RunLedger, Settings, Under, UnixMs};
use topup::plan::{self, Limits, Planned, Resealing, Terms};
use topup::report::{ExportError, ExportRequest, Exported, Lang, Zone, export};

pub(crate) const BATCH: &str = "2026-11";
/// Code and message of a refused plan, and what it advises.
pub(crate) type Refused = (&'static str, String, Vec<Part>);

/// 2026-11-20 10:00 in Vietnam.
pub(crate) const PLANNED_AT: UnixMs = 1_795_143_600_000;
pub(crate) const NOW: UnixMs = PLANNED_AT + 5 * 3_600_000;
/// Headers in the user's order, cells that attack a spreadsheet or a page, quotes, two columns of one name.
pub(crate) const FILE: &str = "STT,Số điện thoại,Ghi chú,Mã tham chiếu,Số điểm,Họ tên,Ghi chú,send_sms\r\n\
    1,0901234561,'=1+1,T-1,1000,Nguyễn An,\"a,b\",yes\r\n\
    2,0901234562,<script>alert(1)</script>,T-2,2000,Trần Bình,\"hai\r\ndòng\",no\r\n\
    3,0901234563,,T-3,3000,Lê Chi,,no\r\n\
    4,0901234564,'@x,'-4,4000,Phạm Dũng,,yes\r\n\
    5,0901234565,,T-5,5000,Võ Em,,yes\r\n\
    6,0901234566,,T-6,6000,'+Gấm,,yes\r\n\
    7,0901234567,,T-7,7000,Đỗ Hoa,,yes\r\n\
    8,0901234568,,T-8,8000,Bùi Yến,,yes\r\n";

pub(crate) struct Fixture {
    pub(crate) folder: tempfile::TempDir,
}

impl Fixture {
    /// Payouts 1 to 8: credited, in doubt, declined, ineligible, held, cancelled, planned, and credited a while ago.
    pub(crate) fn set() -> Self {
        let stage = Self { folder: tempfile::tempdir().unwrap() };
        std::fs::write(stage.path("file.csv"), FILE).unwrap();
        let mut ledger = Ledger::open(&stage.path("topup.db"), Access::Create).unwrap();
        stage.plan(&mut ledger, "file.csv", BATCH).unwrap();
        let batch = ledger.batch(BATCH).unwrap();
        let run = ledger.into_run(batch.id, &Under::new(Purpose::Pay, batch.binding.clone(), 0)).unwrap();
        for (nth, events) in histories().into_iter().enumerate() {
            record(&run, nth, &events);
        }
        run.close().unwrap();
        stage
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Plans a file: the refusal's code and message, if it is refused; whether the batch was known otherwise.
    pub(crate) fn plan(&self, ledger: &mut Ledger, file: &str, batch: &str) -> Result<bool, Refused> {
        let terms = terms(batch);
        let intake = intake::open(&self.path(file), &IntakeOptions::default()).unwrap();
        let origin = Origin {
            file_name: file.to_owned(),
            settings: "{}".to_owned(),
            planned_by: "an@pc".to_owned(),
            planned_at: PLANNED_AT,
        };
        match plan::plan(ledger, intake, &terms, &origin).unwrap() {
            Planned::Draft(draft) => {
                draft.seal("test", PLANNED_AT).map(|_| false).map_err(|_| ("seal", String::new(), Vec::new()))
            }
            Planned::Known(..) => Ok(true),
            Planned::Refused(refusal) => {
                Err((refusal.code, refusal.message, refusal.hint.unwrap_or_default().parts().to_vec()))
            }
        }
    }

    pub(crate) fn ledger(&self) -> Ledger {
        Ledger::open(&self.path("topup.db"), Access::Read).unwrap()
    }

    pub(crate) fn export(&self, name: &str, only: &[State], lang: Lang) -> Result<Exported, ExportError> {
        self.export_with(name, only, lang, "Asia/Ho_Chi_Minh", None, None)
    }

    pub(crate) fn export_with(
        &self,
        name: &str,
        only: &[State],
        lang: Lang,
        zone: &str,
        total_by: Option<&str>,
        mode: Option<u32>,
    ) -> Result<Exported, ExportError> {
        let (path, zone) = (self.path(name), Zone::named(zone).unwrap());
        let request = ExportRequest {
            path: &path,
            only,
            skipped: true,
            lang,
            spendable_after_h: 3,
            zone: &zone,
            total_by,
            mode,
            step_text: command,
            now: NOW,
        };
        export(&self.ledger(), BATCH, &request)
    }

    pub(crate) fn text(&self, name: &str, only: &[State], lang: Lang) -> String {
        self.export(name, only, lang).unwrap();
        std::fs::read_to_string(self.path(name)).unwrap()
    }

    /// What lies in the folder beside the ledger and the payout file.
    pub(crate) fn results(&self) -> Vec<String> {
        let names = std::fs::read_dir(self.folder.path()).unwrap().map(|entry| entry.unwrap().file_name());
        let mut names: Vec<String> = names.map(|name| name.to_string_lossy().into_owned()).collect();
        names.retain(|name| !name.starts_with("topup.db") && name != "file.csv");
        names.sort();
        names
    }
}

fn terms(batch: &str) -> Terms {
    Terms {
        batch: BatchName::parse(batch).unwrap(),
        binding: Binding {
            gateway_host: "127.0.0.1:8099".to_owned(),
            merchant_id: "M001".to_owned(),
            terminal_id: "T001".to_owned(),
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
        now: PLANNED_AT,
    }
}

/// An event, `http` and `code` of the call behind it, what was said, when.
type Happened = (Event, Option<(u16, i64)>, Option<&'static str>, UnixMs);

fn histories() -> Vec<Vec<Happened>> {
    let eligible = (Event::MemberAnswered(MemberAnswer::Eligible), Some((200, 200)), None, PLANNED_AT);
    let intended = (Event::SubmitIntended, None, None, PLANNED_AT);
    let sent = |fate, code, said| (Event::SendEnded(fate), code, said, PLANNED_AT + 1000);
    let member = |answer, code, said| (Event::MemberAnswered(answer), Some((200, code)), Some(said), PLANNED_AT);
    let absent = (Event::OrderAnswered(OrderAnswer::Absent), Some((200, 4_040_001)), Some("not found"), PLANNED_AT);
    let credited = |at| (Event::SendEnded(Fate::Credited), Some((200, 200)), None, at);
    vec![
        vec![eligible.clone(), intended.clone(), credited(NOW - 3_600_000)],
        vec![
            eligible.clone(),
            intended.clone(),
            sent(Fate::Unknown(Doubt::Unanswered), Some((500, 5_000_001)), Some("system error")),
            absent.clone(),
            intended.clone(),
            sent(Fate::Refused(Refusal::Member), Some((200, 4_000_315)), Some("no such member")),
        ],
        vec![
            eligible.clone(),
            intended.clone(),
            sent(Fate::Refused(Refusal::Payout), Some((200, 600_500)), Some("-limit")),
        ],
        vec![member(MemberAnswer::Refused, 200_400, "member not exist"), absent.clone()],
        vec![member(MemberAnswer::NameDiffers, 200, "Hồ Văn Khác"), absent],
        vec![(Event::Cancelled, None, None, PLANNED_AT)],
        vec![
            eligible.clone(),
            intended.clone(),
            sent(Fate::Refused(Refusal::SetAside), Some((200, 600_400)), Some("campaign")),
        ],
        vec![eligible, intended, credited(NOW - 4 * 3_600_000)],
    ]
}

fn record(run: &RunLedger, nth: usize, events: &[Happened]) {
    let payout = (State::ALL.iter())
        .flat_map(|state| run.payouts_after(*state, None, 100).unwrap())
        .find(|payout| payout.row == nth as u64 + 2)
        .unwrap();
    let mut standing = PayoutStatus::default();
    for (event, answer, said, at) in events {
        let before = standing.state;
        standing = standing.after(event).unwrap();
        let call = answer.map(|(http, code)| Call {
            request_id: "r".to_owned(),
            http: Some(http),
            code: Some(code),
            latency: Some(Duration::from_millis(80 + 10 * nth as u64)),
        });
        let entry = Entry {
            payout: payout.id,
            event: event.clone(),
            before,
            after: standing.state,
            call,
            note: said.map(str::to_owned),
            why: (*event == Event::Cancelled).then(|| "=left the company".to_owned()),
            new_number: None,
            recovered: false,
        };
        let written = tokio::runtime::Builder::new_current_thread().build().unwrap();
        written.block_on(run.record(*at, vec![entry])).unwrap();
    }
}

/// Reads a CSV file that an export wrote.
pub(crate) fn cells(path: &Path) -> Vec<Vec<String>> {
    let text = std::fs::read_to_string(path).unwrap();
    let text = text.strip_prefix('\u{feff}').unwrap();
    let mut reader = csv::ReaderBuilder::new().has_headers(false).from_reader(text.as_bytes());
    reader.records().map(|record| record.unwrap().iter().map(str::to_owned).collect()).collect()
}
