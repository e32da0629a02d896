//! Prints how long `topup check` takes, and how much memory at most: 1,000,000 rows of CSV, 100,000 rows of XLSX, and as
//! many rows as a sheet can have of XLSX, ODS and XLS.
//!
//! Aims: CSV under 1 s and 64 MiB on one core, XLSX under 2 s, a full sheet within 3 s and 512 MiB. Each measurement is a process of its own, so that its
//! peak memory is nobody else's. Beside the time on the wall stands the time on the processor, which other programs do
//! not stretch.
#![expect(clippy::print_stdout, reason = "a bench prints what it measured")]

use std::error::Error;
use std::fs;
use std::io::{BufWriter, Write as _};
use std::path::Path;
use std::process::Command;
use std::time::Instant;
use topup::intake::{IntakeOptions, check};

const CSV_ROWS: u64 = 1_000_000;
const XLSX_ROWS: u32 = 100_000;
/// As many as Excel takes, without the header; an XLS takes 65,536.
const FULL_ROWS: u32 = 1_048_575;
const FULL_XLS_ROWS: u16 = u16::MAX;
const HEADERS: [&str; 4] = ["reference", "phone", "points", "name"];
const NAME: &str = "Nguyễn Văn An";
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
    for file in ["plain.csv", "repairs.csv", "extra.csv", "plain.xlsx", "full.xlsx", "full.ods", "full.xls"] {
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
    write_xlsx(&folder.join("plain.xlsx"), XLSX_ROWS)?;
    write_xlsx(&folder.join("full.xlsx"), FULL_ROWS)?;
    write_ods(&folder.join("full.ods"))?;
    write_xls(&folder.join("full.xls"))
}

fn write_xlsx(path: &Path, rows: u32) -> Result<(), Box<dyn Error>> {
    let mut book = rust_xlsxwriter::Workbook::new();
    // With a table of shared texts, as Excel writes it.
    let sheet = book.add_worksheet_with_low_memory()?;
    for (column, header) in (0_u16..).zip(HEADERS) {
        sheet.write(0, column, header)?;
    }
    for row in 1..=rows {
        sheet.write(row, 0, format!("T11-{row:07}"))?;
        sheet.write(row, 1, format!("0{}", phone(u64::from(row))))?;
        sheet.write(row, 2, 50 + row % 5000)?;
        sheet.write(row, 3, NAME)?;
    }
    Ok(book.save(path)?)
}

/// As LibreOffice writes it.
fn write_ods(path: &Path) -> Result<(), Box<dyn Error>> {
    let mut zip = zip::ZipWriter::new(BufWriter::new(fs::File::create(path)?));
    let options = zip::write::SimpleFileOptions::default();
    zip.start_file("mimetype", options.compression_method(zip::CompressionMethod::Stored))?;
    zip.write_all(b"application/vnd.oasis.opendocument.spreadsheet")?;
    zip.start_file("content.xml", options)?;
    let text = |text: &str| {
        format!(
            "<table:table-cell office:value-type=\"string\" calcext:value-type=\"string\"><text:p>{text}</text:p>\
             </table:table-cell>"
        )
    };
    zip.write_all(b"<office:document-content><office:body><office:spreadsheet><table:table table:name=\"T11\">")?;
    zip.write_all(format!("<table:table-row>{}</table:table-row>", HEADERS.map(text).concat()).as_bytes())?;
    for row in 1..=FULL_ROWS {
        let points = 50 + row % 5000;
        let cells = [
            text(&format!("T11-{row:07}")),
            text(&format!("0{}", phone(u64::from(row)))),
            format!(
                "<table:table-cell office:value-type=\"float\" office:value=\"{points}\" calcext:value-type=\"float\">\
                 <text:p>{points}</text:p></table:table-cell>"
            ),
            text(NAME),
        ];
        writeln!(zip, "<table:table-row table:style-name=\"ro1\">{}</table:table-row>", cells.concat())?;
    }
    zip.write_all(b"</table:table></office:spreadsheet></office:body></office:document-content>")?;
    zip.finish()?.flush()?;
    Ok(())
}

/// A record of an XLS (MS-XLS): its kind, its length, its bytes.
fn record(kind: u16, bytes: &[u8]) -> Vec<u8> {
    let length = u16::try_from(bytes.len()).unwrap_or(u16::MAX);
    [&kind.to_le_bytes()[..], &length.to_le_bytes(), bytes].concat()
}

/// The cell of a text, in the record `LABEL`.
fn label(row: u16, column: u16, text: &str) -> Vec<u8> {
    let units: Vec<u16> = text.encode_utf16().collect();
    let mut bytes: Vec<u8> = [row, column, 0, units.len() as u16].into_iter().flat_map(u16::to_le_bytes).collect();
    bytes.push(1);
    bytes.extend(units.into_iter().flat_map(u16::to_le_bytes));
    record(0x0204, &bytes)
}

fn write_xls(path: &Path) -> Result<(), Box<dyn Error>> {
    let words = |words: &[u16]| words.iter().flat_map(|word| word.to_le_bytes()).collect::<Vec<u8>>();
    let (begin, end) = (|kind| record(0x0809, &words(&[0x0600, kind, 0, 0])), record(0x000A, &[]));
    let mut sheet = begin(16);
    (0_u16..).zip(HEADERS).for_each(|(column, header)| sheet.extend(label(0, column, header)));
    for row in 1..=FULL_XLS_ROWS {
        sheet.extend(label(row, 0, &format!("T11-{row:07}")));
        sheet.extend(label(row, 1, &format!("0{}", phone(u64::from(row)))));
        let points = f64::from(50 + row % 5000).to_le_bytes();
        sheet.extend(record(0x0203, &[words(&[row, 2, 0]), points.to_vec()].concat()));
        sheet.extend(label(row, 3, NAME));
    }
    let font = record(0x0031, &words(&[200, 0, 0x7FFF, 400, 0, 0, 0, 0]));
    let look = record(0x00E0, &[0; 16]);
    let mut globals = [begin(5), font, look].concat();
    // The sheet begins behind this record, of twelve bytes, and the end of the globals.
    let at = u32::try_from(globals.len() + 4 + 9 + end.len())?;
    globals.extend(record(0x0085, &[&at.to_le_bytes()[..], &[0, 0, 1, 0, b'T']].concat()));
    let mut compound = cfb::CompoundFile::create(fs::File::create_new(path)?)?;
    compound.create_stream("/Workbook")?.write_all(&[globals, end.clone(), sheet, end].concat())?;
    Ok(compound.flush()?)
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
