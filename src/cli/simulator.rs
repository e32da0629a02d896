//! `topup simulator`: serves a gateway on loopback until it is told to stop.

use super::args::SimulatorArgs;
use super::output::Report;
use super::terminal::Terminal;
use crate::app::members::{members, read};
use crate::app::runtime::block_on;
use crate::app::simulator::{Book, FaultPlan, Latency, PublicKey, Simulator, SimulatorOptions, generate_key_pem};
use crate::app::{Ending, Failure, counted, private_file};
use anyhow::Context as _;
use serde_json::json;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// What stands for the merchant where the configuration names none.
const MERCHANT: [(&str, &str); 3] =
    [("gateway.merchant_id", "M001"), ("gateway.terminal_id", "T001"), ("gateway.key_code", "simulator-key")];

/// How often the book is written down, if it grew.
const KEEP_EVERY: Duration = Duration::from_millis(200);

pub(super) fn simulator(terminal: &Terminal, args: &SimulatorArgs) -> Result<Report, Failure> {
    if args.faults == HELP {
        return Ok(faults_help());
    }
    // Before a key is made: what was typed wrongly leaves nothing behind.
    let faults = args.faults.parse::<FaultPlan>()?;
    let key = args.key.clone().map_or_else(|| terminal.settings.private_key(), Ok)?;
    if args.make_key && !key.exists() {
        write_private(&key, &generate_key_pem()?)?;
        terminal.output.note(&format!("made a new private key: {}", key.display()));
    }
    let pem = read(&key)?;
    let members = members(args.members.as_deref())?;
    let [merchant_id, terminal_id, key_code] =
        MERCHANT.map(|(path, default)| terminal.settings.text(path).unwrap_or(default).to_owned());
    let options = SimulatorOptions {
        port: args.port,
        merchant_id,
        terminal_id,
        key_code,
        public_key: PublicKey::from_private_key_pem(&pem)?,
        members,
        faults,
        latency: Latency {
            mean: Duration::from_millis(args.latency_ms),
            jitter: Duration::from_millis(args.latency_ms / 4),
        },
    };
    let book = args.book.as_deref().map_or_else(|| Ok(Book::default()), read_book)?;
    args.book.as_deref().map_or(Ok(()), |path| write_book(path, &book))?;
    block_on(serve(terminal, options, (book, args.book.as_deref()), args.for_s.map(Duration::from_secs)))
}

/// What is typed for a fault plan to see the faults.
pub(super) const HELP: &str = "help";

/// Every fault, and what else a plan of faults may set.
pub(super) fn faults_help() -> Report {
    let mut text = String::from(
        "faults, each with a probability from 0 to 1, for one call where its name stands in front (top_up.lost_after=0.1):\n",
    );
    for (name, words) in FaultPlan::catalogue() {
        text.push_str(&format!("  {name}: {words}\n"));
    }
    text.push_str("and beside them:\n");
    for (name, words) in FaultPlan::measures() {
        text.push_str(&format!("  {name}: {words}\n"));
    }
    text.push_str("example: --faults lost_after=0.03,http_500_applied=0.02,seed=7\n");
    let faults: serde_json::Map<String, serde_json::Value> =
        FaultPlan::catalogue().map(|(name, words)| (name.to_owned(), words.into())).collect();
    let measures: serde_json::Map<String, serde_json::Value> =
        FaultPlan::measures().map(|(name, words)| (name.to_owned(), words.into())).collect();
    Report { ending: Ending::Done, json: json!({"faults": faults, "settings": measures}), text }
}

/// The book of an earlier simulator; an empty one where there is no such file yet.
fn read_book(path: &Path) -> Result<Book, Failure> {
    let wrong = |found: String| {
        let message =
            format!("--book needs a book that a simulator wrote, or no file at all; {found} {}", path.display());
        Failure::said(Ending::Usage, "book", message)
    };
    match std::fs::read_to_string(path) {
        Ok(text) => {
            let json = serde_json::from_str(&text).ok();
            json.as_ref().and_then(Book::from_json).ok_or_else(|| wrong("something else is in".to_owned()))
        }
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(Book::default()),
        Err(error) => Err(wrong(format!("{error}:"))),
    }
}

/// Under its name stands a whole book at every moment.
fn write_book(path: &Path, book: &Book) -> Result<(), Failure> {
    let written = private_file::NewFile::create(path).and_then(|mut file| {
        file.write_all(format!("{:#}\n", book.to_json()).as_bytes())?;
        file.finish()
    });
    let written = written.with_context(|| format!("writing the book {}", path.display()));
    written.map_err(|error| Failure::new(Ending::Failed, "book", error))
}

/// Writes the book down whenever it grew; ends only with an error.
async fn keep_book(simulator: &Simulator, path: Option<&Path>) -> Failure {
    let Some(path) = path else { return std::future::pending().await };
    let mut kept = simulator.book().stamp();
    loop {
        tokio::time::sleep(KEEP_EVERY).await;
        let book = simulator.book();
        if book.stamp() != kept {
            kept = book.stamp();
            if let Err(failure) = write_book(path, &book) {
                return failure;
            }
        }
    }
}

async fn serve(
    terminal: &Terminal,
    options: SimulatorOptions,
    (book, path): (Book, Option<&Path>),
    bound: Option<Duration>,
) -> Result<Report, Failure> {
    let simulator = Simulator::start_with(options, book).await?;
    terminal.output.note(&format!(
        "simulator at {url} (book: {url}/book, counters: {url}/stats); Ctrl-C ends it",
        url = simulator.url()
    ));
    let end = async {
        match bound {
            Some(bound) => tokio::time::sleep(bound).await,
            None => std::future::pending().await,
        }
    };
    tokio::select! {
        () = end => {}
        _ = tokio::signal::ctrl_c() => {}
        () = terminated() => {}
        failure = keep_book(&simulator, path) => return Err(failure),
    }
    let (book, stats) = (simulator.book(), simulator.stats());
    simulator.stop().await;
    path.map_or(Ok(()), |path| write_book(path, &book))?;
    let text =
        format!("credited {}, {}\n", counted(book.credit_count() as u64, "top-up"), counted(book.points(), "point"));
    Ok(Report { ending: Ending::Done, json: json!({"book": book.to_json(), "stats": stats.to_json()}), text })
}

/// SIGTERM, where there is such a thing.
async fn terminated() {
    #[cfg(unix)]
    if let Ok(mut signal) = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate()) {
        signal.recv().await;
        return;
    }
    std::future::pending().await
}

/// Writes a file that only its owner may read, and that was not there before.
pub(super) fn write_private(path: &PathBuf, text: &str) -> Result<(), Failure> {
    private_file::options()
        .write(true)
        .create_new(true)
        .open(path)
        .and_then(|mut file| file.write_all(text.as_bytes()))
        .with_context(|| format!("writing {}", path.display()))
        .map_err(|error| Failure::new(Ending::Failed, "file", error))
}
