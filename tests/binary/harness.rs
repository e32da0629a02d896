//! Sets the stage of one test: a folder, a simulator, a configuration, and the program as a child process.

#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a helper of tests: where it fails, the test fails")]

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use std::collections::BTreeMap;
use std::os::unix::fs::OpenOptionsExt as _;
use std::os::unix::process::ExitStatusExt as _;
use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};
use std::sync::LazyLock;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;
use tempfile::TempDir;
use tokio::process::{Child, Command};
use topup::simulator::{FaultPlan, Latency, Members, PublicKey, Simulator, SimulatorOptions, generate_key_pem};

/// No child lives longer, and nothing is waited for longer: a machine under load is slow, a hung program is for ever.
const PATIENCE: Duration = Duration::from_secs(100);
/// How often a condition is looked at.
const LOOK_EVERY: Duration = Duration::from_millis(5);
pub(crate) const BATCH: &str = "2026-11";
pub(crate) const KEY_CODE: &str = "28f04867-c6d5-425f-9108-0d90a0c0b09e";
/// What most tests run.
pub(crate) const RUN: [&str; 5] = ["run", "rewards.csv", "--batch", BATCH, "--yes"];

pub(crate) static KEY_PEM: LazyLock<String> = LazyLock::new(|| generate_key_pem().unwrap());

/// One test's surroundings. Dropped, it takes folder, simulator and children with it.
pub(crate) struct Stage {
    folder: TempDir,
    pub(crate) simulator: Simulator,
    settings: Mutex<BTreeMap<String, String>>,
    /// How often each member stands in the files, and with how many points.
    pub(crate) expected: Mutex<BTreeMap<String, (usize, u64)>>,
    children: AtomicU32,
}

impl Stage {
    /// Everyone is a member, answers come at once.
    pub(crate) async fn new(faults: &str) -> Self {
        Self::with(Members::everyone(), faults, Latency::NONE).await
    }

    pub(crate) async fn with(members: Members, faults: &str, latency: Latency) -> Self {
        let folder = tempfile::Builder::new().prefix("topup-test-").tempdir().unwrap();
        let simulator = Simulator::start(options(members, faults, latency)).await.unwrap();
        let stage = Self {
            folder,
            simulator,
            settings: Mutex::default(),
            expected: Mutex::default(),
            children: AtomicU32::new(0),
        };
        write_private(&stage.path("merchant.pem"), &KEY_PEM);
        stage.point_at(&stage.simulator.url());
        stage.set("gateway.merchant_id", "\"M001\"");
        stage.set("gateway.terminal_id", "\"T001\"");
        stage.set("gateway.key_code", &format!("\"{KEY_CODE}\""));
        stage.set("gateway.private_key", "\"merchant.pem\"");
        stage.set("gateway.rate_per_s", "2000");
        stage.patience("20");
        stage
    }

    /// How long a call may take, and how long an absence takes to prove something. Late requests are bounded where
    /// that leaves room for it.
    pub(crate) fn patience(&self, seconds: &str) {
        let within = (seconds.parse::<f64>().unwrap() - 10.0).clamp(0.0, 45.0);
        self.set("gateway.deliver_within_s", &within.to_string());
        self.set("gateway.timeout_s", seconds);
        self.set("resolve.settle_s", seconds);
    }

    /// What a test with faults needs: short waits, and as many resends as it takes.
    pub(crate) fn impatient(&self) {
        self.patience("0.5");
        self.set("resolve.resends_max", "100");
    }

    pub(crate) fn point_at(&self, url: &str) {
        self.set("gateway.url", &format!("\"{url}\""));
    }

    /// Sets a key of the configuration, as it stands in the file.
    pub(crate) fn set(&self, key: &str, value: &str) {
        self.settings.lock().unwrap().insert(key.to_owned(), value.to_owned());
        let mut text = String::new();
        for (key, value) in &*self.settings.lock().unwrap() {
            let (section, name) = key.split_once('.').unwrap();
            // TOML lets a dotted key stand at the top.
            text.push_str(&format!("{section}.{name} = {value}\n"));
        }
        std::fs::write(self.path("topup.toml"), text).unwrap();
    }

    pub(crate) fn heal(&self) {
        self.simulator.heal();
    }

    pub(crate) fn faults(&self, plan: &str) {
        self.simulator.set_faults(plan.parse::<FaultPlan>().unwrap());
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub(crate) fn ledger(&self) -> PathBuf {
        self.path("topup.db")
    }

    /// Writes `rewards.csv` with so many rows, each for a member of its own.
    pub(crate) fn rows(&self, count: usize) {
        let rows: Vec<(String, u64)> = (0..count).map(|row| (phone(row), 50 + (row as u64 * 7) % 1000)).collect();
        self.file("rewards.csv", &rows);
    }

    /// Writes a file of phones and points, and expects these members to be paid so often, however often it is written.
    pub(crate) fn file(&self, name: &str, rows: &[(String, u64)]) {
        let mut text = String::from("phone,points\n");
        let mut here = BTreeMap::<String, (usize, u64)>::new();
        for (phone, points) in rows {
            text.push_str(&format!("{phone},{points}\n"));
            let (times, sum) = here.entry(phone.clone()).or_default();
            (*times, *sum) = (*times + 1, *sum + points);
        }
        std::fs::write(self.path(name), text).unwrap();
        for (phone, (times, sum)) in here {
            let mut expected = self.expected.lock().unwrap();
            let known = expected.entry(phone).or_default();
            *known = (known.0.max(times), known.1.max(sum));
        }
    }

    /// Expects every member to be paid once more than so far: twice on purpose.
    pub(crate) fn expect_all_again(&self) {
        for (times, sum) in self.expected.lock().unwrap().values_mut() {
            (*times, *sum) = (*times * 2, *sum * 2);
        }
    }

    /// The program with these arguments, in the stage's folder, with none of the user's own environment.
    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_topup"));
        command.args(arguments).current_dir(self.folder.path()).stdin(Stdio::null()).kill_on_drop(true);
        for (variable, _) in std::env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("TOPUP_")) {
            command.env_remove(variable);
        }
        command.env("RUST_BACKTRACE", "full").env("USER", "tester");
        command
    }

    /// Starts the program; its output goes to files, so that it can be looked at while it runs.
    pub(crate) fn start(&self, arguments: &[&str]) -> Live {
        self.start_command(self.command(arguments))
    }

    pub(crate) fn start_command(&self, mut command: Command) -> Live {
        let number = self.children.fetch_add(1, Ordering::Relaxed);
        let [stdout, stderr] = ["stdout", "stderr"].map(|name| self.path(&format!("{number}.{name}")));
        command.stdout(std::fs::File::create(&stdout).unwrap()).stderr(std::fs::File::create(&stderr).unwrap());
        Live { child: command.spawn().unwrap(), stdout, stderr }
    }

    /// Runs the program to its end.
    pub(crate) async fn topup(&self, arguments: &[&str]) -> Ended {
        self.start(arguments).end().await
    }

    /// Runs the program with more in its environment.
    pub(crate) async fn topup_with(&self, arguments: &[&str], environment: &[(&str, &str)]) -> Ended {
        let mut command = self.command(arguments);
        command.envs(environment.iter().copied());
        self.start_command(command).end().await
    }

    /// Runs the same command until there is nothing left to do: a busy machine makes answers late, which is a fault
    /// of its own.
    pub(crate) async fn finish(&self, arguments: &[&str]) -> Ended {
        for _ in 0..8 {
            let ended = self.topup(arguments).await;
            if ended.code() != 5 {
                return ended;
            }
        }
        panic!("eight healthy runs did not finish the batch");
    }

    pub(crate) fn requests(&self) -> u64 {
        self.simulator.stats().requests()
    }

    pub(crate) fn credits(&self) -> usize {
        self.simulator.book().credit_count()
    }
}

/// A child that may still be running.
pub(crate) struct Live {
    child: Child,
    stdout: PathBuf,
    stderr: PathBuf,
}

impl Live {
    pub(crate) fn pid(&self) -> u32 {
        self.child.id().expect("the child was not waited for yet")
    }

    pub(crate) fn stderr(&self) -> String {
        std::fs::read_to_string(&self.stderr).unwrap()
    }

    pub(crate) fn stdout(&self) -> String {
        std::fs::read_to_string(&self.stdout).unwrap()
    }

    pub(crate) fn has_ended(&mut self) -> bool {
        self.child.try_wait().unwrap().is_some()
    }

    pub(crate) fn signal(&self, signal: Signal) {
        let pid = i32::try_from(self.pid()).unwrap();
        kill_process(Pid::from_raw(pid).unwrap(), signal).unwrap();
    }

    pub(crate) async fn kill(mut self) -> Ended {
        self.child.start_kill().unwrap();
        self.end().await
    }

    pub(crate) async fn end(mut self) -> Ended {
        let waited = tokio::time::timeout(PATIENCE, self.child.wait()).await;
        let stderr = self.stderr();
        let status = waited.unwrap_or_else(|_| panic!("the program hangs; it said {stderr}")).unwrap();
        Ended { status, stdout: std::fs::read_to_string(&self.stdout).unwrap(), stderr }
    }
}

/// How a child ended, and what it said.
#[derive(Debug)]
pub(crate) struct Ended {
    pub(crate) status: ExitStatus,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Ended {
    /// The exit status; -1 after a signal.
    pub(crate) fn code(&self) -> i32 {
        self.status.code().unwrap_or(-1)
    }

    pub(crate) fn was_killed(&self) -> bool {
        self.status.signal() == Some(9)
    }

    /// Fails the test, with all that was said, unless this is the exit status.
    #[track_caller]
    pub(crate) fn exits(self, expected: i32) -> Self {
        assert_eq!(self.code(), expected, "{}\n{}", self.stdout, self.stderr);
        self
    }

    /// Fails the test unless stderr holds each of these.
    #[track_caller]
    pub(crate) fn says(self, expected: &[&str]) -> Self {
        for part in expected {
            assert!(self.stderr.contains(part), "{part:?} is not in {}", self.stderr);
        }
        self
    }

    /// The one JSON object on stdout.
    #[track_caller]
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.stdout).unwrap_or_else(|error| panic!("{error} in {:?}", self.stdout))
    }

    /// Rows in a state, as the JSON says.
    #[track_caller]
    pub(crate) fn rows(&self, state: &str) -> u64 {
        self.json()[state]["rows"].as_u64().unwrap()
    }
}

/// Waits for a condition, looking often, and not for ever.
pub(crate) async fn until(what: &str, mut condition: impl FnMut() -> bool) {
    let reached = async {
        while !condition() {
            tokio::time::sleep(LOOK_EVERY).await;
        }
    };
    tokio::time::timeout(PATIENCE, reached).await.unwrap_or_else(|_| panic!("waited in vain until {what}"));
}

/// The arguments of [`RUN`] and more.
pub(crate) fn run_and<'a>(more: &[&'a str]) -> Vec<&'a str> {
    RUN.into_iter().chain(more.iter().copied()).collect()
}

pub(crate) fn options(members: Members, faults: &str, latency: Latency) -> SimulatorOptions {
    SimulatorOptions {
        port: 0,
        merchant_id: "M001".to_owned(),
        terminal_id: "T001".to_owned(),
        key_code: KEY_CODE.to_owned(),
        public_key: PublicKey::from_private_key_pem(&KEY_PEM).unwrap(),
        members,
        faults: faults.parse::<FaultPlan>().unwrap(),
        latency,
    }
}

/// A mobile number of nobody else.
pub(crate) fn phone(row: usize) -> String {
    format!("090{:07}", 1_000_000 + row)
}

pub(crate) fn write_private(path: &Path, text: &str) {
    let mut file = std::fs::OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(path).unwrap();
    std::io::Write::write_all(&mut file, text.as_bytes()).unwrap();
}
