//! A batch of a million rows: planning beside the `sqlite3` shell's import, the way back after a kill, a status beside
//! a live run, and the rerun of the finished batch.

use crate::gateway::Gateway;
use crate::ledgers::{credit_all, plan_file};
use crate::program::{Place, Taken};
use crate::run::write_rows;
use crate::{Outcome, median, mib, print};
use std::fs;
use std::io::Write as _;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

const ROWS: u64 = 1_000_000;
/// As a live run might go.
const RATE: u32 = 500;

pub(crate) fn million() -> Outcome<()> {
    let place = Place::new()?;
    write_rows(&place.path("rows.csv"), ROWS)?;
    let gateway = Gateway::start(&place.key, Duration::from_millis(5))?;
    place.configure(&gateway.url, RATE)?;
    planning(&place, &gateway)?;
    restart(&place, &gateway)?;
    status(&place, &gateway)?;
    rerun(&place, &gateway)?;
    gateway.stop().map_err(Into::into)
}

fn planning(place: &Place, gateway: &Gateway) -> Outcome<()> {
    let host = gateway.url.trim_start_matches("http://");
    let started = Instant::now();
    plan_file(&place.path("rows.csv"), &place.path("topup.db"), host)?;
    let planned = started.elapsed();
    let imported = import(place)?;
    let (planned, imported) = (planned.as_secs_f64(), imported.map(|imported| imported.as_secs_f64()));
    let found = match imported {
        Some(imported) => format!("{planned:.1} s / {imported:.1} s = {:.2}", planned / imported),
        None => format!("{planned:.1} s, no sqlite3 here"),
    };
    print("planning 1,000,000 rows / sqlite3 .import of the same", &found, "2");
    Ok(())
}

/// The columns and indexes of the ledger's two large tables, without what only a ledger checks.
const TABLES: &str = "
CREATE TABLE payouts (payout_id INTEGER PRIMARY KEY, batch_id INTEGER, plan INTEGER, row INTEGER, row_key TEXT, member TEXT,
    spelt TEXT, phone TEXT, points INTEGER, send_sms INTEGER, receipt TEXT, name TEXT, extra TEXT, sha256 TEXT, state TEXT,
    attempt INTEGER, invoice_no TEXT, credited_at INTEGER, UNIQUE (batch_id, row_key));
CREATE INDEX payouts_by_member ON payouts (member);
CREATE INDEX payouts_by_phone ON payouts (phone) WHERE phone <> '';
CREATE INDEX payouts_planned ON payouts (batch_id, payout_id, plan) WHERE state = 'planned';
CREATE TABLE invoices (invoice_no TEXT NOT NULL PRIMARY KEY, payout_id INTEGER, attempt INTEGER) WITHOUT ROWID;
";

/// The time of `sqlite3` for the same rows into the same tables and indexes; `None` without that program.
fn import(place: &Place) -> Outcome<Option<Duration>> {
    if Command::new("sqlite3").arg("--version").stdout(Stdio::null()).status().is_err() {
        return Ok(None);
    }
    let file = |table: &str| place.path(&format!("{table}.csv")).display().to_string();
    // A seal as a text of as many bytes: the shell writes no others.
    let payouts = "payout_id, batch_id, plan, row, row_key, member, spelt, phone, points, send_sms, receipt, name, extra, \
                   substr(hex(sha256), 1, 32), state, attempt, invoice_no, credited_at";
    for (table, columns) in [("payouts", payouts), ("invoices", "*")] {
        // As a file would list them: numbers in the order of the rows.
        let rows = format!("SELECT {columns} FROM {table} ORDER BY payout_id;");
        sqlite(&place.path("topup.db"), &format!(".mode csv\n.output {}\n{rows}\n", file(table)))?;
    }
    let target = place.path("import.db");
    sqlite(&target, TABLES)?;
    let started = Instant::now();
    let settings = "PRAGMA journal_mode = wal; PRAGMA synchronous = full; PRAGMA cache_size = -40960;";
    let (payouts, invoices) = (file("payouts"), file("invoices"));
    sqlite(&target, &format!("{settings}\n.mode csv\n.import {payouts} payouts\n.import {invoices} invoices\n"))?;
    let took = started.elapsed();
    let counted = sqlite(&target, "SELECT (SELECT count(*) FROM payouts) + (SELECT count(*) FROM invoices);\n")?;
    if counted.trim() != (2 * ROWS).to_string() {
        return Err(format!("sqlite3 took in {counted} rows").into());
    }
    Ok(Some(took))
}

/// Has the shell run a script, and gives what it says.
fn sqlite(database: &Path, script: &str) -> Outcome<String> {
    let mut command = Command::new("sqlite3");
    let mut child = command.arg(database).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()?;
    child.stdin.take().ok_or("no pipe")?.write_all(script.as_bytes())?;
    let output = child.wait_with_output()?;
    if output.status.success() {
        Ok(String::from_utf8(output.stdout)?)
    } else {
        Err(format!("sqlite3 ended with {}", output.status).into())
    }
}

/// From a killed run to the first request of the next command.
fn restart(place: &Place, gateway: &Gateway) -> Outcome<()> {
    let check = Instant::now();
    place.run(&["check", "rows.csv"])?;
    let check = check.elapsed();
    for arguments in [&["resume", "bench", "--quiet"][..], &["run", "rows.csv", "--batch", "bench", "--yes", "--quiet"]]
    {
        killed_run(place, gateway)?;
        gateway.forget();
        let started = Instant::now();
        let child = place.command(arguments).spawn()?;
        let first = wait_for_requests(gateway, 1)?;
        end(child)?;
        let took = first - started;
        match arguments[0] {
            "resume" => print("from a kill to the first request: resume", &seconds(took), "1 s"),
            _ => print(
                "from a kill to the first request: run FILE / check FILE",
                &format!("{} / {}", seconds(took), seconds(check)),
                "at most 1 s more than check",
            ),
        }
    }
    Ok(())
}

fn killed_run(place: &Place, gateway: &Gateway) -> Outcome<()> {
    gateway.forget();
    let child = place.command(&["resume", "bench", "--quiet"]).spawn()?;
    wait_for_requests(gateway, 500)?;
    end(child)
}

fn end(mut child: Child) -> Outcome<()> {
    child.kill()?;
    child.wait()?;
    Ok(())
}

/// When the first request came, once so many have come.
fn wait_for_requests(gateway: &Gateway, requests: u64) -> Outcome<Instant> {
    let begun = Instant::now();
    while gateway.requests() < requests {
        if begun.elapsed() > Duration::from_secs(120) {
            return Err(format!("only {} requests came in two minutes", gateway.requests()).into());
        }
        thread::sleep(Duration::from_millis(1));
    }
    gateway.first_at().ok_or_else(|| "no request came".into())
}

/// `topup status BATCH` while a run goes on, and what that does to the run.
fn status(place: &Place, gateway: &Gateway) -> Outcome<()> {
    gateway.forget();
    let child = place.command(&["resume", "bench", "--quiet"]).spawn()?;
    wait_for_requests(gateway, 500)?;
    let per_s = |watched: Duration, before: u64| (gateway.requests() - before) as f64 / watched.as_secs_f64();
    let (alone, before) = (Instant::now(), gateway.requests());
    thread::sleep(Duration::from_secs(3));
    let alone = per_s(alone.elapsed(), before);
    let (beside, before) = (Instant::now(), gateway.requests());
    let mut times = Vec::new();
    while beside.elapsed() < Duration::from_secs(3) {
        let Taken { wall, status, .. } = place.run(&["status", "bench"])?;
        // A batch that is not finished is told by 5.
        if !matches!(status.code(), Some(0 | 5)) {
            return Err(format!("status ended with {status}").into());
        }
        times.push(wall);
    }
    let (count, beside) = (times.len(), per_s(beside.elapsed(), before));
    end(child)?;
    let middle = median(times).unwrap_or_default();
    print(
        &format!("status of 1,000,000 rows beside a run (median of {count})"),
        &format!("{:.1} ms", middle.as_secs_f64() * 1e3),
        "50 ms",
    );
    print(
        "  requests/s of that run, alone / beside status in a loop",
        &format!("{alone:.0} / {beside:.0}"),
        "the same",
    );
    Ok(())
}

fn rerun(place: &Place, gateway: &Gateway) -> Outcome<()> {
    // What was in doubt after the kills is resolved first.
    for entry in ["topup.db", "topup.db-wal", "topup.db-shm"] {
        drop(fs::remove_file(place.path(entry)));
    }
    plan_file(&place.path("rows.csv"), &place.path("topup.db"), gateway.url.trim_start_matches("http://"))?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(credit_all(place))?;
    let bytes = fs::metadata(place.path("topup.db"))?.len();
    print("ledger of 1,000,000 credited payouts, a payout", &format!("{} bytes", bytes / ROWS), "600 bytes");
    for _ in 0..3 {
        gateway.forget();
        let taken = place.run(&["run", "rows.csv", "--batch", "bench", "--yes", "--quiet"])?;
        if !taken.status.success() || gateway.requests() > 0 {
            return Err(format!("the rerun ended with {} after {} requests", taken.status, gateway.requests()).into());
        }
        print(
            "rerun of a finished batch of 1,000,000 rows",
            &format!("{} ({} busy), {}", seconds(taken.wall), seconds(taken.processor), mib(taken.memory)),
            "2 s, 64 MiB, no request",
        );
    }
    Ok(())
}

fn seconds(time: Duration) -> String {
    format!("{:.2} s", time.as_secs_f64())
}
