//! `topup simulator`: serves a gateway on loopback until it is told to stop.

use super::args::SimulatorArgs;
use super::context::Context;
use super::execute::block_on;
use super::failure::{Exit, Failure};
use super::output::Report;
use crate::domain::member::Member;
use crate::domain::phone::PhoneNumber;
use crate::intake::{self, Intake, IntakeOptions, Item};
use crate::private_file;
use crate::report::{counted, grouped};
use crate::simulator::{FaultPlan, Latency, Members, PublicKey, Simulator, SimulatorOptions, generate_key_pem};
use anyhow::Context as _;
use serde_json::json;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// What stands for the merchant where the configuration names none.
const MERCHANT: [(&str, &str); 3] =
    [("gateway.merchant_id", "M001"), ("gateway.terminal_id", "T001"), ("gateway.key_code", "simulator-key")];

pub(super) fn simulator(context: &Context, args: &SimulatorArgs) -> Result<Report, Failure> {
    // Before a key is made: what was typed wrongly leaves nothing behind.
    let faults = args.faults.parse::<FaultPlan>()?;
    let key = args.key.clone().map_or_else(|| context.config.path("gateway.private_key"), Ok)?;
    if args.make_key && !key.exists() {
        write_private(&key, &generate_key_pem()?)?;
        context.output.note(&format!("made a new private key: {}", key.display()));
    }
    let pem = read(&key)?;
    let members = members(args.members.as_deref())?;
    let [merchant_id, terminal_id, key_code] =
        MERCHANT.map(|(path, default)| context.config.text(path).unwrap_or(default).to_owned());
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
    block_on(serve(context, options, args.for_s.map(Duration::from_secs)))
}

/// The members of a file, or everyone. A payout file is one, too: its members are active, and called as it says.
pub(super) fn members(path: Option<&Path>) -> Result<Members, Failure> {
    let Some(path) = path else { return Ok(Members::everyone()) };
    match intake::open(path, &IntakeOptions::default()) {
        Ok(intake) => paid_members(intake),
        // A directory has no points, which no payout file can do without.
        Err(_) => Ok(Members::from_csv(read(path)?.as_bytes())?),
    }
}

fn paid_members(mut intake: Intake) -> Result<Members, Failure> {
    let mut members = Members::everyone();
    while let Some(item) = intake.next()? {
        let Item::Row(row, ..) = item else { continue };
        let name = row.name.as_deref().unwrap_or_default();
        let phone = row.member.phone();
        let phone = phone.as_ref().map_or("", PhoneNumber::as_str);
        match &row.member {
            Member::Phone(_) | Member::Purged { .. } => members.add_active(phone, "", "", name),
            Member::Card { id, .. } => members.add_active(phone, id, "", name),
            Member::UserId { id, .. } => members.add_active(phone, "", id, name),
        }
    }
    Ok(members)
}

async fn serve(context: &Context, options: SimulatorOptions, bound: Option<Duration>) -> Result<Report, Failure> {
    let simulator = Simulator::start(options).await?;
    context.output.note(&format!(
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
    }
    let (book, stats) = (simulator.book(), simulator.stats());
    simulator.stop().await;
    let text =
        format!("credited {}, {} points\n", counted(book.credit_count() as u64, "top-up"), grouped(book.points()));
    Ok(Report { exit: Exit::Done, json: json!({"book": book.to_json(), "stats": stats.to_json()}), text })
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

fn read(path: &Path) -> Result<String, Failure> {
    std::fs::read_to_string(path)
        .with_context(|| format!("reading {}", path.display()))
        .map_err(|error| Failure::new(Exit::Usage, "file", error))
}

/// Writes a file that only its owner may read, and that was not there before.
pub(super) fn write_private(path: &PathBuf, text: &str) -> Result<(), Failure> {
    private_file::options()
        .write(true)
        .create_new(true)
        .open(path)
        .and_then(|mut file| file.write_all(text.as_bytes()))
        .with_context(|| format!("writing {}", path.display()))
        .map_err(|error| Failure::new(Exit::Failed, "file", error))
}
