//! The way of somebody who has only `--help`, the README, the sample files and the simulator, on a terminal: check,
//! rehearse, pay, be interrupted, resume, look, export, retry, reconcile, verify.
//!
//! What is asserted is what stands on the screen, and the exit status that the shell tells.

#![cfg(target_os = "linux")]
#![expect(clippy::unwrap_used, reason = "a test fails where its set-up fails")]

mod terminal;

use std::path::Path;
use terminal::{Shown, Terminal};

const FIRST_RUN: &str = include_str!("../../docs/first-run.md");
const RUN: &str = "topup run samples/rewards-2026-11.csv --batch 2026-11";
/// Slow enough to be interrupted half-way, fast enough to be waited for.
const RATE: &str = "rate_per_s = 60";

impl Shown {
    /// Fails the test unless the command ended so and all of this stood on the screen.
    #[track_caller]
    fn is(self, exit: i32, parts: &[&str]) -> Self {
        assert_eq!(self.exit, exit, "{}", self.text);
        for part in parts {
            assert!(flat(&self.text).contains(&flat(part)), "{part:?} is not in\n{}", self.text);
        }
        assert!(!self.text.contains('\u{fffd}'), "something cannot be shown:\n{}", self.text);
        self
    }

    /// Fails the test where the screen cut a line, other than one that is to be copied: it holds a command, or a seal alone.
    #[track_caller]
    fn fits(self, columns: usize) -> Self {
        for line in self.text.lines() {
            let is_seal = line.trim().len() == 64 && line.trim().bytes().all(|byte| byte.is_ascii_hexdigit());
            let is_copied = is_seal || line.contains("topup ");
            assert!(line.chars().count() <= columns || is_copied, "{line:?} in\n{}", self.text);
        }
        self
    }
}

/// Text without its line ends: where a line is folded depends on the screen.
fn flat(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// The first block of a language that begins so.
fn block(language: &str, beginning: &str) -> &'static str {
    let opening = format!("```{language}\n{beginning}");
    let place = FIRST_RUN.find(&opening).unwrap_or_else(|| panic!("the page has no block {opening:?}"));
    FIRST_RUN[place..].split_once('\n').unwrap().1.split("```").next().unwrap()
}

/// The samples, the simulator as the first run starts it, and its configuration for it.
fn stage() -> Terminal {
    let terminal = Terminal::open();
    let samples = terminal.folder().join("samples");
    std::fs::create_dir(&samples).unwrap();
    for entry in std::fs::read_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("samples")).unwrap().map(Result::unwrap) {
        if entry.file_type().unwrap().is_file() {
            std::fs::copy(entry.path(), samples.join(entry.file_name())).unwrap();
        }
    }
    terminal.window("gateway");
    // The page's port may be taken on the machine of a test.
    terminal.begin("gateway", &format!("{} --port 0", block("sh", "topup simulator").trim()));
    let said = terminal.wait("gateway", "the simulator listens", |screen| screen.contains("Ctrl-C ends it"));
    let url = said.split("simulator at ").nth(1).unwrap().split(' ').next().unwrap();
    let config = block("toml", "[gateway]").replace("http://127.0.0.1:8099", url).replace("rate_per_s = 200", RATE);
    assert!(config.contains(url) && config.contains(RATE), "{config}");
    std::fs::write(terminal.folder().join("topup.toml"), config).unwrap();
    terminal
}

/// Rows that a progress bar counts as done.
fn done(screen: &str) -> Option<u64> {
    let line = screen.lines().rfind(|line| line.ends_with("/320 rows"))?;
    line.trim_end_matches("/320 rows").rsplit(' ').next()?.parse().ok()
}

/// Payouts of a state in a summary or status.
fn payouts(text: &str, state: &str) -> u64 {
    let line = text.lines().rfind(|line| line.trim_start().starts_with(state)).unwrap_or_else(|| panic!("{text}"));
    line.trim_start()[state.len()..].split_whitespace().next().unwrap().replace(',', "").parse().unwrap()
}

#[test]
fn somebody_new_gets_from_the_file_to_the_proof_on_a_terminal() {
    let terminal = stage();
    let run = |line: &str| terminal.run("main", line);
    look_before_paying(&terminal);

    terminal.begin("main", RUN);
    let asked = terminal.wait("main", "it asks", |screen| screen.contains("type yes to pay:"));
    for part in [
        "plan of batch 2026-11",
        "points cannot be recalled",
        "batch 2026-11 from rewards-2026-11.csv\nthrough 127.0.0.1:",
        " on this machine, merchant M001, terminal T001\npay 1,914,576 points to 320 members (largest payout ",
    ] {
        assert!(flat(&asked).contains(&flat(part)), "{part:?} is not in\n{asked}");
    }
    terminal.answer("main", "yes");
    terminal.wait_rows("main", "some are paid", |screen| done(screen).is_some_and(|rows| rows >= 40));
    terminal.key("main", "C-c");
    let stopped =
        terminal.end("main").is(130, &["interrupted, and everything is recorded", "next: topup resume 2026-11"]);
    let paid = payouts(&stopped.fits(80).text, "credited");
    assert!((30..290).contains(&paid), "{paid} payouts are credited");

    let status = run("topup status 2026-11").is(0, &["settled: [", "next: topup resume 2026-11"]).fits(80);
    assert_eq!(payouts(&status.text, "credited"), paid);
    resume_on_a_narrow_screen(&terminal);

    run("topup status 2026-11")
        .is(0, &["finished, and some payouts were not paid", "declined             6", "not paid, and why:"])
        .is(0, &["4000306 the member's card is not activated or is blocked", "topup retry 2026-11 --why TEXT"])
        .fits(80);
    for (format, beginning) in [("csv", "\u{feff}"), ("xlsx", "PK"), ("html", "<!"), ("json", "{")] {
        let file = format!("results.{format}");
        run(&format!("topup export 2026-11 -o {file}"))
            .is(0, &[&format!("wrote {file}: 320 payouts of batch 2026-11")])
            .fits(80);
        let written = std::fs::read(terminal.folder().join(&file)).unwrap();
        assert!(written.starts_with(beginning.as_bytes()), "{file}");
    }
    retry(&terminal);
    prove(&terminal);
    terminal.key("gateway", "C-c");
    terminal.end("gateway").is(0, &["credited 301 top-ups, 1,858,726 points"]);
}

/// Help, doctor, check and a rehearsal: nothing of them leaves a ledger behind.
fn look_before_paying(terminal: &Terminal) {
    let run = |line: &str| terminal.run("main", line);
    run("topup --help").is(0, &["topup demo", "reconcile", "Exit status:"]).fits(80);
    run("topup doctor").is(0, &["signed call"]).fits(80);
    run("topup check samples/rewards-2026-11.csv").is(0, &["ok", "rows     320", "Nothing is wrong"]).fits(80);
    for columns in [60, 100] {
        terminal.columns("main", columns);
        let goes_to = ["from rewards-2026-11.csv", "on this machine", "paid by merchant M001, terminal T001"];
        run(&format!("{RUN} --dry-run")).is(4, &goes_to).fits(columns.into());
    }
    terminal.columns("main", 80);
    let rehearsal = format!("{RUN} --rehearse");
    run(&rehearsal).is(0, &["REHEARSAL of batch 2026-11", "paid or kept", "--confirm-plan"]).fits(80);

    terminal.begin("main", &format!("{rehearsal} --faults slow=1,slow_s=1"));
    terminal.wait_rows("main", "it goes on", |screen| done(screen).is_some_and(|rows| rows >= 3));
    terminal.key("main", "C-c");
    let said = terminal.end("main").is(130, &["nothing was paid, and nothing is kept", "it was interrupted"]).fits(80);
    assert!(!said.text.contains("recorded"), "{}", said.text);
    run("topup status").is(2, &["error: ", "topup run"]).fits(80);
    assert!(!terminal.folder().join("topup.db").exists());
}

/// The rest of the run, on a screen of 40 columns.
fn resume_on_a_narrow_screen(terminal: &Terminal) {
    terminal.columns("main", 40);
    let run = |line: &str| terminal.run("main", line);
    run("topup status").is(0, &["2026-11: ", " of 320 payouts", " points"]).fits(40);
    run("topup status 2026-11").is(0, &["settled: ["]).fits(40);
    terminal.begin("main", "topup resume 2026-11");
    let screen =
        terminal.wait_rows("main", "it goes on", |screen| done(screen).is_some() && screen.contains(" left\n"));
    // The bar, and below it every detail in a line of its own.
    let details: Vec<&str> = screen.lines().skip_while(|line| !line.ends_with("/320 rows")).skip(1).collect();
    for (line, end) in details.iter().zip([" points", " under way", " in doubt", " calls/s", " left"]) {
        assert!(line.ends_with(end), "{end:?} is not at the end of {line:?} in\n{screen}");
    }
    let ended = terminal.end("main").is(4, &["finished, and some payouts were", "history ends with"]).fits(40);
    assert_eq!(payouts(&ended.text, "credited"), 301);
    terminal.columns("main", 80);
}

/// What was declined is planned again, with a reason, and tried once more.
fn retry(terminal: &Terminal) {
    terminal.begin("main", "topup retry 2026-11 --why 'accounts unlocked, ticket 4711'");
    let asked = terminal.wait("main", "it asks", |screen| screen.contains("type yes:"));
    assert!(asked.contains("ask the gateway about 16 payouts"), "{asked}");
    terminal.answer("main", "yes");
    let planned = ["planned again: 16 payouts", "next: topup resume 2026-11"];
    terminal.end("main").is(0, &planned).fits(80);
    // The simulator's members are what they were, so the answers are the same.
    let ended = terminal.run("main", "topup resume 2026-11").is(4, &["finished, and some payouts were not paid"]);
    assert_eq!([payouts(&ended.text, "credited"), payouts(&ended.fits(80).text, "declined")], [301, 6]);
}

/// The provider's statement, the gateway and the ledger's own history say the same as the ledger.
fn prove(terminal: &Terminal) {
    let run = |line: &str| terminal.run("main", line);
    let reconcile = "topup reconcile 2026-11 --statement samples/statement-2026-11";
    run(&format!("{reconcile}.csv")).is(0, &["they agree", "on neither"]).fits(80);
    run(&format!("{reconcile}-differs.csv")).is(8, &["8 differences", "PAID TWICE", "topup verify 2026-11"]).fits(80);
    run("topup verify 2026-11")
        .is(0, &["against its own history: they agree", "against the gateway: they agree", "by the gateway"])
        .fits(80);
}
