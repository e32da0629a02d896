//! Prints how long the export of a large batch takes and the most memory that it uses: `cargo bench --bench export`.
//!
//! `TOPUP_BENCH_ROWS` sets the size of the batch; a million by default. Aims: CSV within 3 s, and memory that does not
//! grow with the rows in any format.
#![expect(clippy::print_stdout, reason = "a bench prints what it measured")]

use std::error::Error;
use std::path::Path;
use std::time::{Duration, Instant};
use topup::domain::batch_name::BatchName;
use topup::domain::event::{Event, MemberAnswer, OrderAnswer};
use topup::domain::invoice_no::InvoicePrefix;
use topup::domain::member::Member;
use topup::domain::payout::Row;
use topup::domain::payout_status::{PayoutStatus, State};
use topup::domain::phone::PhoneNumber;
use topup::domain::points::Points;
use topup::domain::row_key::RowKey;
use topup::domain::sha256::Sha256;
use topup::ledger::{Access, Binding, Call, Entry, Ledger, NewPayout, Origin, PayoutId, Purpose, RunLedger, Under};
use topup::report::{ExportRequest, Lang, Zone, export};

const BATCH: &str = "bench";
const PLANNED_AT: i64 = 1_795_143_600_000;
/// Payouts recorded in one commit.
const COMMIT: usize = 10_000;
/// One payout in so many is ineligible.
const INELIGIBLE_EVERY: u64 = 50;

fn main() -> Result<(), Box<dyn Error>> {
    let rows: u64 = std::env::var("TOPUP_BENCH_ROWS").map_or(Ok(1_000_000), |text| text.parse())?;
    let folder = tempfile::tempdir()?;
    let path = folder.path().join("topup.db");
    let started = Instant::now();
    plan(&path, rows)?;
    pay(&path)?;
    println!("made a ledger of {rows} payouts in {:.1} s", started.elapsed().as_secs_f64());
    let ledger = Ledger::open(&path, Access::Read)?;
    for name in ["results.csv", "results.json", "results.html", "results.xlsx"] {
        forget_peak();
        let file = folder.path().join(name);
        let request = ExportRequest {
            path: &file,
            only: &State::ALL,
            skipped: true,
            lang: Lang::En,
            spendable_after_h: 24,
            zone: &Zone::named("Asia/Ho_Chi_Minh").ok_or("the zone is not known")?,
            total_by: None,
            mode: None,
            step_text: |step| format!("{step:?}"),
            now: PLANNED_AT + 3_600_000,
        };
        let started = Instant::now();
        let exported = export(&ledger, BATCH, &request)?;
        let seconds = started.elapsed().as_secs_f64();
        let bytes = std::fs::metadata(&file)?.len();
        println!(
            "{name:<13} {} rows, {seconds:6.2} s, {:>5} MB, peak {:>4} MB",
            exported.rows(),
            bytes >> 20,
            peak_mb()
        );
        std::fs::remove_file(&file)?;
    }
    Ok(())
}

fn plan(path: &Path, rows: u64) -> Result<(), Box<dyn Error>> {
    let mut ledger = Ledger::open(path, Access::Create)?;
    let batch = BatchName::parse(BATCH).map_err(|problem| problem.to_string())?;
    let prefix = InvoicePrefix::parse("TP").ok_or("a prefix")?;
    let binding = Binding {
        gateway_host: "127.0.0.1".to_owned(),
        merchant_id: "M001".to_owned(),
        terminal_id: "T001".to_owned(),
        invoice_prefix: prefix.clone(),
    };
    let origin = Origin {
        file_name: "bench-input.csv".to_owned(),
        settings: "{}".to_owned(),
        planned_by: "bench".to_owned(),
        planned_at: PLANNED_AT,
    };
    let mut planning = ledger.plan(&batch, &binding, &origin)?;
    let meanings = [Some("reference"), Some("name"), Some("phone"), Some("points"), None, None];
    let headers = ["Mã tham chiếu", "Họ tên", "Số điện thoại", "Số điểm", "Phòng ban", "Ghi chú"];
    let columns: Vec<_> = headers.into_iter().zip(meanings).collect();
    planning.keep_columns(&columns)?;
    for nth in 0..rows {
        let key = RowKey::reference(&format!("T11-{nth:07}"));
        let phone = PhoneNumber::parse(&format!("09{nth:08}")).ok_or("a phone")?;
        let row = Row {
            row: nth + 2,
            reference: None,
            member: Member::Phone(phone),
            points: Points::new(100 + nth % 5000).ok_or("points")?,
            name: Some("Nguyễn Thị Ngọc Ánh".to_owned()),
            send_sms: None,
            receipt: None,
            extra: vec![
                ("Phòng ban".to_owned(), "Kinh doanh, miền Nam".to_owned()),
                ("Ghi chú".to_owned(), "Thưởng tháng mười một".to_owned()),
            ],
        };
        planning.place(&NewPayout { row: &row, key: &key, send_sms: true })?;
    }
    planning.seal(Sha256::from_bytes([7; 32]), 0, "bench", PLANNED_AT)?;
    Ok(())
}

fn pay(path: &Path) -> Result<(), Box<dyn Error>> {
    let ledger = Ledger::open(path, Access::Write)?;
    let batch = ledger.batch(BATCH)?;
    let run = ledger.into_run(batch.id, &Under::new(Purpose::Pay, batch.binding.clone(), PLANNED_AT))?;
    let runtime = tokio::runtime::Builder::new_current_thread().build()?;
    let mut after = None;
    loop {
        let payouts = run.payouts_after(State::Planned, after, COMMIT)?;
        let Some(last) = payouts.last() else { break };
        after = Some(last.id);
        let at = PLANNED_AT + i64::try_from(last.row)? / 100;
        let entries = payouts.iter().map(|payout| history(payout.id, payout.row)).collect::<Result<Vec<_>, _>>()?;
        runtime.block_on(record(&run, at, entries.into_iter().flatten().collect()))?;
    }
    run.close()?;
    Ok(())
}

async fn record(run: &RunLedger, at: i64, entries: Vec<Entry>) -> Result<(), Box<dyn Error>> {
    run.record(at, entries).await?;
    Ok(())
}

/// Credited by one event, or ineligible by two: the fewest that the ledger takes.
fn history(payout: PayoutId, row: u64) -> Result<Vec<Entry>, Box<dyn Error>> {
    let refused = [
        (Event::MemberAnswered(MemberAnswer::Refused), 200_400),
        (Event::OrderAnswered(OrderAnswer::Absent), 4_040_001),
    ];
    let credited = [(Event::OrderAnswered(OrderAnswer::Success), 200)];
    let events = if row.is_multiple_of(INELIGIBLE_EVERY) { &refused[..] } else { &credited[..] };
    let mut standing = PayoutStatus::default();
    let mut entries = Vec::new();
    for (event, code) in events {
        let before = standing.state;
        standing = standing.after(event)?;
        let latency = Some(Duration::from_millis(50 + row % 200));
        let call = Call { request_id: format!("bench-{row}"), http: Some(200), code: Some(*code), latency };
        entries.push(Entry {
            payout,
            event: event.clone(),
            before,
            after: standing.state,
            call: Some(call),
            note: None,
            why: None,
            new_number: None,
            recovered: false,
        });
    }
    Ok(entries)
}

/// Begins to measure the peak anew, where the system lets us.
fn forget_peak() {
    drop(std::fs::write("/proc/self/clear_refs", "5"));
}

fn peak_mb() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find(|line| line.starts_with("VmHWM:"));
    let kb = line.and_then(|line| line.split_whitespace().nth(1)).and_then(|text| text.parse().ok());
    kb.unwrap_or(0_u64) >> 10
}
