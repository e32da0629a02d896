//! Prints how long `topup check` takes, and how much memory at most: 1,000,000 rows of CSV, 100,000 rows of XLSX.
//!
//! Aims: CSV under 1 s and 64 MiB on one core, XLSX under 2 s. Each measurement is a process of its own, so that its
//! peak memory is nobody else's. Beside the time on the wall stands the time on the processor, which other programs do
//! not stretch.
#![expect(clippy::print_stdout, reason = "a bench prints what it measured")]

use std::error::Error;
use std::fmt::Write as _;
use std::fs;
use std::io::{BufWriter, Write as _};
use std::path::Path;
use std::process::Command;
use std::time::Instant;
use topup::intake::{IntakeOptions, check};

const CSV_ROWS: u64 = 1_000_000;
const XLSX_ROWS: u32 = 100_000;
const RUNS: usize = 3;

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().collect();
    match arguments.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
        [_, "measure", file, ..] => measure(Path::new(file)),
        [_, "write", folder, ..] => write_files(Path::new(folder)),
        _ => run(),
    }
}

fn run() -> Result<(), Box<dyn Error>> {
    let folder = tempfile::tempdir()?;
    let this = std::env::current_exe()?;
    let done = Command::new(&this).arg("write").arg(folder.path()).status()?;
    if !done.success() {
        return Err("the files could not be written".into());
    }
    for file in ["plain.csv", "repairs.csv", "extra.csv", "plain.xlsx"] {
        for _ in 0..RUNS {
            Command::new(&this).arg("measure").arg(folder.path().join(file)).status()?;
        }
    }
    Ok(())
}

fn phone(row: u64) -> u64 {
    // Spread over the numbers, each once.
    900_000_000 + row * 7919 % 99_999_989
}

fn write_files(folder: &Path) -> Result<(), Box<dyn Error>> {
    let mut plain = BufWriter::new(fs::File::create(folder.join("plain.csv"))?);
    let mut repairs = BufWriter::new(fs::File::create(folder.join("repairs.csv"))?);
    let mut extra = BufWriter::new(fs::File::create(folder.join("extra.csv"))?);
    writeln!(plain, "reference,phone,points,name")?;
    writeln!(repairs, "reference,phone,points,name")?;
    writeln!(extra, "STT,reference,phone,points,name,branch,note")?;
    for row in 0..CSV_ROWS {
        let (phone, points) = (phone(row), 50 + row % 5000);
        writeln!(plain, "T11-{row:07},0{phone},{points},Nguyễn Văn An")?;
        writeln!(repairs, "T11-{row:07},{phone},{points},Nguyễn Văn An")?;
        writeln!(extra, "{row},T11-{row:07},0{phone},{points},Nguyễn Văn An,Hà Nội,\"a, b\"")?;
    }
    let mut book = rust_xlsxwriter::Workbook::new();
    let sheet = book.add_worksheet();
    for (column, header) in (0_u16..).zip(["reference", "phone", "points", "name"]) {
        sheet.write(0, column, header)?;
    }
    let mut text = String::new();
    for row in 1..=XLSX_ROWS {
        text.clear();
        write!(text, "T11-{row:07}")?;
        sheet.write(row, 0, text.as_str())?;
        sheet.write(row, 1, format!("0{}", phone(u64::from(row))))?;
        sheet.write(row, 2, 50 + row % 5000)?;
        sheet.write(row, 3, "Nguyễn Văn An")?;
    }
    book.save(folder.join("plain.xlsx"))?;
    Ok(())
}

fn measure(file: &Path) -> Result<(), Box<dyn Error>> {
    let started = Instant::now();
    let report = check(file, &IntakeOptions::default());
    let seconds = started.elapsed().as_secs_f64();
    let name = file.file_name().unwrap_or_default().to_string_lossy();
    let bytes = fs::metadata(file)?.len();
    let unknown = || "unknown".to_owned();
    println!(
        "check {name}: {} rows ({} MiB) in {seconds:.3} s, processor {}, peak memory {}, {} problems, {} repairs",
        report.rows,
        bytes >> 20,
        processor_time().unwrap_or_else(unknown),
        peak_memory().unwrap_or_else(unknown),
        report.problem_count,
        report.repair_count,
    );
    Ok(())
}

/// How long this process had a processor, as Linux knows it.
fn processor_time() -> Option<String> {
    let nanoseconds: u64 = fs::read_to_string("/proc/self/schedstat").ok()?.split_whitespace().next()?.parse().ok()?;
    Some(format!("{:.3} s", nanoseconds as f64 / 1e9))
}

/// The most memory that this process had resident, as Linux knows it.
fn peak_memory() -> Option<String> {
    let status = fs::read_to_string("/proc/self/status").ok()?;
    let kilobytes: u64 =
        status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?.split_whitespace().next()?.parse().ok()?;
    Some(format!("{:.1} MiB", kilobytes as f64 / 1024.0))
}
