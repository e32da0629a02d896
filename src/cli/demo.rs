//! `topup demo`: the whole promise on one machine: faults, a kill in the middle, a resume, and an audit.
//!
//! The gateway is the simulator in this process, which keeps a book of its own; the program under test is this very
//! program, as a child process that is killed for real.

use super::exit::status;
use super::output::{Output, Report};
use super::simulator::write_private;
use crate::app::runtime::block_on;
use crate::app::simulator::{
    Book, FaultPlan, Latency, Members, PublicKey, Simulator, SimulatorOptions, generate_key_pem,
};
use crate::app::{Access, Ending, Failure, Ledger, State, Total, Totals, counted, grouped, typed};
use anyhow::{Context as _, anyhow};
use serde_json::json;
use std::collections::HashMap;
use std::fmt::Write;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;
use tokio::process::{Child, Command};

const REWARDS: &str = include_str!("../../samples/rewards-2026-11.csv");
const MEMBERS: &str = include_str!("../../samples/members-2026-11.csv");
const BATCH: &str = "2026-11";
/// Lost answers, server errors, with and without the points credited, and top-ups that are delivered only after order
/// status said that there is none, later than the bound: about one call in six.
const FAULTS: &str = "top_up.lost_after=0.05,top_up.lost_before=0.03,top_up.late=0.02,late_s=4,top_up.http_500_applied=0.03,\
     top_up.http_502=0.02,top_up.html_200_applied=0.02,member_info.http_503=0.03,member_info.lost_after=0.02,\
     order_status.lost_after=0.05,order_status.http_504=0.03,lag=0.05,lag_s=0.2,seed=218";
/// The bound of late requests; with the time that an absence takes to prove something, ten seconds more, it is most of
/// what the demo waits for.
const DELIVER_WITHIN_S: u32 = 2;
/// The child is killed when the simulator has credited so many payouts.
const KILLED_AT: usize = 130;
/// Runs until nothing is in doubt; one is enough unless the machine is very busy.
const RUNS_MAX: u32 = 5;
/// What it shows of the batch at its end.
const REPORT: &str = "results-2026-11.html";
/// How long the demo waits for its child at the most.
const CHILD_MAX: Duration = Duration::from_secs(120);

pub(super) fn demo(output: Output) -> Result<Report, Failure> {
    block_on(play(output))
}

async fn play(output: Output) -> Result<Report, Failure> {
    let stage = Stage::set(output).await?;
    output.note(&format!(
        "a gateway on loopback that loses answers, fails and answers late; {} to make; the files are in {}",
        counted(REWARDS.lines().count() as u64 - 1, "payout"),
        stage.folder.display()
    ));
    stage.run_until_killed().await?;
    output.note("\nthe same command again: what is in doubt is resolved first, the rest is paid");
    let mut runs = 1;
    let mut exit = stage.run_to_its_end().await?;
    while exit == i32::from(status(Ending::Unfinished)) && runs < RUNS_MAX {
        stage.simulator.heal();
        output.note("\nthe faults are over; once more");
        exit = stage.run_to_its_end().await?;
        runs += 1;
    }
    let requests_before = stage.simulator.stats().requests();
    output.note("\nand once more on the finished batch");
    stage.run_to_its_end().await?;
    let new_requests = stage.simulator.stats().requests() - requests_before;
    let mut report = stage.audit(new_requests)?;
    stage.look_next(&mut report).await?;
    stage.simulator.stop().await;
    Ok(report)
}

/// The simulator, and the files that a user would have.
struct Stage {
    folder: PathBuf,
    simulator: Simulator,
    output: Output,
}

impl Stage {
    async fn set(output: Output) -> Result<Self, Failure> {
        let folder = std::env::temp_dir().join(format!("topup-demo-{}-{:08x}", std::process::id(), fastrand::u32(..)));
        make_private_folder(&folder)?;
        let key = generate_key_pem()?;
        write_private(&folder.join("merchant.pem"), &key)?;
        write_private(&folder.join("rewards-2026-11.csv"), REWARDS)?;
        write_private(&folder.join("members-2026-11.csv"), MEMBERS)?;
        let simulator = Simulator::start(SimulatorOptions {
            port: 0,
            merchant_id: "M001".to_owned(),
            terminal_id: "T001".to_owned(),
            key_code: "demo-key".to_owned(),
            public_key: PublicKey::from_private_key_pem(&key)?,
            members: Members::from_csv(MEMBERS.as_bytes())?,
            faults: FAULTS.parse::<FaultPlan>()?,
            latency: Latency { mean: Duration::from_millis(20), jitter: Duration::from_millis(10) },
        })
        .await?;
        let config = format!(
            "[gateway]\nurl = \"{}\"\nmerchant_id = \"M001\"\nterminal_id = \"T001\"\nkey_code = \"demo-key\"\n\
             private_key = \"merchant.pem\"\nrate_per_s = 200\ntimeout_s = 1\n\
             deliver_within_s = {DELIVER_WITHIN_S}\n\n[resolve]\nsettle_s = {}\n",
            simulator.url(),
            DELIVER_WITHIN_S + 10
        );
        write_private(&folder.join("topup.toml"), &config)?;
        Ok(Self { folder, simulator, output })
    }

    fn command(&self) -> Result<Command, Failure> {
        self.command_of(&["run", "rewards-2026-11.csv", "--batch", BATCH, "--yes"])
    }

    fn command_of(&self, arguments: &[&str]) -> Result<Command, Failure> {
        let program = std::env::current_exe()
            .context("finding this program")
            .map_err(|error| Failure::new(Ending::Failed, "demo", error))?;
        let mut command = Command::new(program);
        command.args(arguments).current_dir(&self.folder).kill_on_drop(true);
        // Only the files of the folder count: the user's own environment must not reach into the demo.
        for (variable, _) in std::env::vars_os() {
            if variable.to_string_lossy().starts_with("TOPUP_") {
                command.env_remove(variable);
            }
        }
        // What the child prints as its result is not this command's result.
        command.stdin(Stdio::null()).stdout(Stdio::null());
        if self.output.quiet {
            command.stderr(Stdio::null());
        }
        Ok(command)
    }

    /// Starts a run and kills it, as a power cut would, when half of the payouts are credited.
    async fn run_until_killed(&self) -> Result<(), Failure> {
        let mut child = spawn(&mut self.command()?)?;
        loop {
            if self.simulator.book().credit_count() >= KILLED_AT {
                child.kill().await.map_err(|error| demo_failure("killing the child process", error))?;
                break;
            }
            if let Some(status) = child.try_wait().map_err(|error| demo_failure("watching the child process", error))? {
                let message = format!("the first run ended on its own ({status}), before it could be killed");
                return Err(Failure::new(Ending::Failed, "demo", anyhow!(message)));
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        let totals = self.totals()?;
        let of = |state| grouped(totals.of(state).rows);
        self.output.note(&format!(
            "\nkilled with SIGKILL at {} credits; the ledger knows {} credited, {} in doubt, {} planned",
            self.simulator.book().credit_count(),
            of(State::Credited),
            of(State::InDoubt),
            of(State::Planned)
        ));
        Ok(())
    }

    /// Runs the same command to its end, and gives its exit status.
    async fn run_to_its_end(&self) -> Result<i32, Failure> {
        let mut child = spawn(&mut self.command()?)?;
        let ended = tokio::time::timeout(CHILD_MAX, child.wait()).await;
        let ended = ended
            .map_err(|_| {
                Failure::new(Ending::Failed, "demo", anyhow!("a run took longer than {} s", CHILD_MAX.as_secs()))
            })?
            .map_err(|error| demo_failure("waiting for the child process", error))?;
        Ok(ended.code().unwrap_or_else(|| status(Ending::Failed).into()))
    }

    /// Writes the report that somebody looks at next, and says so.
    async fn look_next(&self, report: &mut Report) -> Result<(), Failure> {
        let mut child = spawn(self.command_of(&["export", BATCH, "-o", REPORT])?.stderr(Stdio::null()))?;
        let exported = child.wait().await.map_err(|error| demo_failure("writing the report", error))?;
        let file = self.folder.join(REPORT);
        if exported.success() && file.exists() {
            let _ = writeln!(report.text, "the report, for a browser: {}", file.display());
            report.json["report"] = json!(file.display().to_string());
        }
        let _ = write!(
            report.text,
            "look at next:\n  cd {}\n  topup status {BATCH}             who was not paid, and why\n  topup find T11-0001              \
             everything that is known of one payout\n  topup verify {BATCH} --offline   the ledger against its own \
             history\nthen, in a folder of your own: topup init\n",
            typed(&self.folder.display().to_string())
        );
        Ok(())
    }

    fn ledger(&self) -> Result<Ledger, Failure> {
        Ok(Ledger::open(&self.folder.join("topup.db"), Access::Read)?)
    }

    fn totals(&self) -> Result<Totals, Failure> {
        let ledger = self.ledger()?;
        Ok(ledger.totals(ledger.batch(BATCH)?.id)?)
    }

    /// Compares file, ledger and book with each other, row by row.
    fn audit(&self, requests_when_finished: u64) -> Result<Report, Failure> {
        let ledger = self.ledger()?;
        let batch = ledger.batch(BATCH)?;
        let totals = ledger.totals(batch.id)?;
        let book = self.simulator.book();
        let differences = differences(&ledger, &book)?;
        let credited = totals.of(State::Credited);
        let stats = self.simulator.stats();
        let (faults, late) = (stats.faults_injected(), stats.refused_late);
        let rows = REWARDS.lines().count() as u64 - 1;
        let mut text = String::from("\n                        file        ledger          book\n");
        let mut line = |label: &str, cells: [String; 3]| {
            let [file, ledger, book] = cells;
            let _ = writeln!(text, "{label:<14}{file:>14}{ledger:>14}{book:>14}");
        };
        let dash = || "–".to_owned();
        line("payouts", [grouped(rows), grouped(totals.rows()), dash()]);
        line("points", [grouped(file_points()), grouped(batch.points), dash()]);
        line("credited", [dash(), grouped(credited.rows), grouped(book.credit_count() as u64)]);
        line("  points", [dash(), grouped(credited.points), grouped(book.points())]);
        for (label, state) in [
            ("declined", State::Declined),
            ("ineligible", State::Ineligible),
            ("held", State::Held),
            ("in doubt", State::InDoubt),
            ("planned", State::Planned),
        ] {
            let Total { rows, .. } = totals.of(state);
            line(label, [dash(), grouped(rows), dash()]);
        }
        let twice = book.persons().values().filter(|(credits, _)| *credits > 1).count();
        let _ = writeln!(
            text,
            "\n{faults} faults, one kill; members paid twice: {twice}; requests on the finished batch: \
             {requests_when_finished}; differences between ledger and book: {}",
            differences.len()
        );
        let _ = writeln!(
            text,
            "delivered later than {DELIVER_WITHIN_S} s after their intent, and refused by the gateway: {late}"
        );
        for difference in differences.iter().take(20) {
            let _ = writeln!(text, "  {difference}");
        }
        let _ = writeln!(text, "ledger, configuration and files: {}", self.folder.display());
        let open = totals.of(State::InDoubt).rows + totals.of(State::Planned).rows;
        let agree = differences.is_empty() && twice == 0 && requests_when_finished == 0 && open == 0;
        let json = json!({
            "agree": agree, "rows": rows, "ledger_credited": {"rows": credited.rows, "points": credited.points},
            "book_credited": {"rows": book.credit_count(), "points": book.points()}, "paid_twice": twice,
            "faults": faults, "refused_late": late, "requests_when_finished": requests_when_finished, "differences": differences,
            "folder": self.folder.display().to_string(),
        });
        Ok(Report { ending: if agree { Ending::Done } else { Ending::Differs }, json, text })
    }
}

/// What the ledger says and the book does not, and the other way round.
fn differences(ledger: &Ledger, book: &Book) -> Result<Vec<String>, Failure> {
    let credits: HashMap<&str, (&str, u64)> =
        book.credits().map(|order| (order.invoice_no.as_str(), (order.person.as_str(), order.points))).collect();
    let (mut differences, mut seen) = (Vec::new(), 0);
    ledger.outcomes(ledger.batch(BATCH)?.id, |top_up, state| {
        let number = top_up.invoice_no.as_str();
        let expected = (state == State::Credited).then(|| (top_up.member.key(), u64::from(top_up.points.value())));
        let found = credits.get(number).map(|(person, points)| ((*person).to_owned(), *points));
        seen += usize::from(found.is_some());
        if expected != found {
            let member = top_up.member.masked();
            differences.push(format!(
                "{number} to {member}: the ledger says {}, the book has {}",
                state.word(),
                found.map_or_else(
                    || "no credit".to_owned(),
                    |(_, points)| format!("a credit of {}", counted(points, "point"))
                )
            ));
        }
    })?;
    if seen != credits.len() {
        differences
            .push(format!("the book has {} credits under numbers that the ledger does not know", credits.len() - seen));
    }
    Ok(differences)
}

/// The points of the sample, added up apart from the program's own reader.
fn file_points() -> u64 {
    REWARDS.lines().skip(1).filter_map(|line| line.split(',').nth(3)).filter_map(|cell| cell.parse::<u64>().ok()).sum()
}

fn spawn(command: &mut Command) -> Result<Child, Failure> {
    command.spawn().map_err(|error| demo_failure("starting the child process", error))
}

fn demo_failure(doing: &str, error: std::io::Error) -> Failure {
    Failure::new(Ending::Failed, "demo", anyhow::Error::new(error).context(doing.to_owned()))
}

fn make_private_folder(folder: &Path) -> Result<(), Failure> {
    let mut builder = std::fs::DirBuilder::new();
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(folder).map_err(|error| demo_failure("making the demo's folder", error))
}
