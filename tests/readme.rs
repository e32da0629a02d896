//! Runs every command of the README and the pages under `docs/` as it stands, against the simulator, in an empty folder
//! with the samples.

#![expect(clippy::unwrap_used, reason = "a test fails where its set-up fails")]

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};

const README: &str = include_str!("../README.md");
const FIRST_RUN: &str = include_str!("../docs/first-run.md");
const CONFIGURATION: &str = include_str!("../docs/configuration.md");
const DEPLOYMENT: &str = include_str!("../docs/deployment.md");
const UNIT: &str = include_str!("../packaging/systemd/topup-run@.service");
const WORK_UNIT: &str = include_str!("../packaging/systemd/topup-work.service");
const TOPUP: &str = env!("CARGO_BIN_EXE_topup");
const SAMPLES: [&str; 3] = ["rewards-2026-11.csv", "members-2026-11.csv", "statement-2026-11.csv"];

/// The blocks of a language in a page, in order.
fn blocks(page: &str, language: &str) -> Vec<String> {
    let opening = format!("```{language}\n");
    page.split(&opening).skip(1).map(|rest| rest.split("```").next().unwrap().to_owned()).collect()
}

/// Every page of the documentation.
fn pages() -> Vec<String> {
    let docs = std::fs::read_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("docs")).unwrap();
    docs.map(|page| std::fs::read_to_string(page.unwrap().path()).unwrap()).collect()
}

/// A process that ends with the test.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// A folder as the first run wants it, and its simulator.
struct Practice {
    folder: tempfile::TempDir,
    port: String,
    _simulator: Running,
}

impl Practice {
    fn begin() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let samples = folder.path().join("samples");
        std::fs::create_dir(&samples).unwrap();
        for name in SAMPLES {
            std::fs::copy(Path::new(env!("CARGO_MANIFEST_DIR")).join("samples").join(name), samples.join(name))
                .unwrap();
        }
        std::fs::write(folder.path().join("topup.toml"), &blocks(FIRST_RUN, "toml")[0]).unwrap();
        // The port of the page may be taken on the machine of a test, so this one takes any that is free.
        let mut simulator = in_folder(folder.path(), blocks(FIRST_RUN, "sh")[0].trim(), "0")
            .args(["--port", "0"])
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let said = BufReader::new(simulator.stderr.take().unwrap());
        let simulator = Running(simulator);
        let address = said.lines().map_while(Result::ok).find(|line| line.starts_with("simulator at ")).unwrap();
        let port = address.split("127.0.0.1:").nth(1).unwrap().split(' ').next().unwrap().to_owned();
        Self { folder, port, _simulator: simulator }
    }

    /// Runs each line, and compares its command and exit status with what is expected.
    fn run<'l>(&self, lines: impl Iterator<Item = &'l str>, expected: &[&str]) {
        let lines: Vec<&str> = lines.collect();
        assert_eq!(lines.len(), expected.len(), "{lines:#?}");
        for (line, expected) in lines.into_iter().zip(expected) {
            let output = in_folder(self.folder.path(), line, &self.port).stdin(Stdio::null()).output().unwrap();
            let name = line.split_whitespace().nth(1).unwrap();
            let found = format!("{name} {}", output.status.code().unwrap());
            assert_eq!(found, *expected, "{line}: {}", String::from_utf8_lossy(&output.stderr));
        }
    }
}

fn in_folder(folder: &Path, line: &str, port: &str) -> Command {
    let words: Vec<&str> = line.split_whitespace().collect();
    assert_eq!(words[0], "topup", "{line}");
    let mut command = Command::new(TOPUP);
    command.args(&words[1..]).current_dir(folder).env("TOPUP_GATEWAY_URL", format!("http://127.0.0.1:{port}"));
    command
}

#[test]
fn the_readme_shows_commands_that_work_as_they_stand() {
    let sh = blocks(README, "sh");
    let [demo, short] = &sh[..] else { panic!("the README has other blocks: {sh:#?}") };
    assert_eq!(demo, "cargo run --release -- demo\ncargo test\n", "CI runs these two as they stand");
    let practice = Practice::begin();
    practice.run(short.lines(), &["check 0", "run 4", "status 0", "run 4", "export 0", "verify 0"]);
}

#[test]
fn the_steps_of_a_first_run_and_every_command_of_the_other_pages_work_as_they_stand() {
    let sh = blocks(FIRST_RUN, "sh");
    let [_simulator, steps] = &sh[..] else { panic!("the page has other blocks: {sh:#?}") };
    let practice = Practice::begin();
    let expected = [
        "doctor 0",
        "check 0",
        "run 4",
        "run 4",
        "run 4",
        "status 0",
        "run 4",
        "export 0",
        "reconcile 0",
        "verify 0",
        "retry 0",
        "resume 4",
        "resolve 4",
    ];
    practice.run(steps.lines(), &expected);
    let pages = pages();
    let mut shown: Vec<&str> =
        pages.iter().flat_map(|page| page.lines()).filter_map(|line| line.strip_prefix("$ ")).collect();
    shown.sort_unstable();
    practice.run(shown.into_iter(), &["export 0", "purge 0"]);
}

/// A link that leads nowhere is a promise that nobody kept.
#[test]
fn every_link_between_the_pages_leads_to_a_file() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut links = 0;
    for (page, folder) in std::iter::once((README.to_owned(), root.to_owned()))
        .chain(pages().into_iter().map(|page| (page, root.join("docs"))))
    {
        for target in page.split("](").skip(1).map(|rest| rest.split(')').next().unwrap()) {
            let (file, anchor) = target.split_once('#').unwrap_or((target, ""));
            let text = if file.is_empty() { page.clone() } else { std::fs::read_to_string(folder.join(file)).unwrap() };
            let slug = |heading: &str| heading.trim().to_lowercase().replace([',', '\'', '.'], "").replace(' ', "-");
            let found = text.lines().filter_map(|line| line.strip_prefix("## ")).any(|heading| slug(heading) == anchor);
            assert!(anchor.is_empty() || found, "{target}");
            links += 1;
        }
    }
    assert!(links > 10, "{links}");
}

#[test]
fn the_demo_ends_with_book_and_ledger_in_agreement() {
    let temp = tempfile::tempdir().unwrap();
    let output = Command::new(TOPUP).args(["demo", "--json"]).env("TMPDIR", temp.path()).output().unwrap();
    let json: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(json["agree"], true, "{json:#}");
    assert_eq!(json["rows"], 320);
    assert_eq!(json["ledger_credited"], json["book_credited"]);
    assert_eq!(json["paid_twice"], 0);
    assert_eq!(json["requests_when_finished"], 0);
    assert!(json["faults"].as_u64().unwrap() > 20, "{json:#}");
    assert_eq!(output.status.code(), Some(0));
}

#[test]
fn every_configuration_key_of_its_page_is_one() {
    let table = CONFIGURATION.split("| key | default | |").nth(1).unwrap().split("\n\n").next().unwrap();
    let mut toml = std::collections::BTreeMap::<&str, Vec<&str>>::new();
    for line in table.lines().skip(2) {
        let names = line.split('|').nth(1).unwrap().trim();
        let (section, first) = names.split_once('.').unwrap();
        toml.entry(section).or_default().extend(first.split(", "));
    }
    let folder = tempfile::tempdir().unwrap();
    for (section, names) in &toml {
        for name in names {
            // A value of no kind: a known key complains of the value, an unknown one of the key.
            std::fs::write(folder.path().join("topup.toml"), format!("[{section}]\n{name} = []\n")).unwrap();
            let output = Command::new(TOPUP).arg("status").current_dir(folder.path()).output().unwrap();
            let said = String::from_utf8_lossy(&output.stderr).into_owned();
            assert!(said.contains(&format!("{section}.{name} in topup.toml must be")), "{section}.{name}: {said}");
        }
    }
    assert_eq!(toml.values().map(Vec::len).sum::<usize>(), 33);
}

/// Whoever evaluates the program reads the schema off one page: no table is missing on it.
#[test]
fn every_table_of_the_ledger_is_on_the_page_for_evaluators() {
    let page = include_str!("../docs/evaluating.md");
    let schema = include_str!("../migrations/0001_ledger.sql");
    let tables: Vec<&str> = schema.split("CREATE TABLE ").skip(1).filter_map(|rest| rest.split(' ').next()).collect();
    assert!(tables.len() > 5, "{tables:?}");
    for table in tables {
        assert!(page.contains(&format!("`{table}`")), "{table} is missing");
    }
}

/// The seal that a dry run of the sample prints, as somebody reads it for a job.
fn seal_of_the_sample(practice: &Practice) -> String {
    let line = "topup run samples/rewards-2026-11.csv --batch 2026-11 --dry-run";
    let output = in_folder(practice.folder.path(), line, &practice.port).stdin(Stdio::null()).output().unwrap();
    let said = String::from_utf8(output.stdout).unwrap();
    let next = said.split("--confirm-plan ").nth(1).unwrap_or_else(|| panic!("{said}"));
    next.split_whitespace().next().unwrap().to_owned()
}

/// Runs a job as it is started: without a terminal, a home, or anything else of a person's.
fn job(practice: &Practice, program: &str, args: &[&str]) -> Option<i32> {
    let mut command = Command::new(program);
    command.args(args).current_dir(practice.folder.path()).env_clear().stdin(Stdio::null());
    let path = Path::new(TOPUP).parent().unwrap().display().to_string();
    command.env("PATH", format!("{path}:/usr/bin:/bin"));
    command.env("TOPUP_GATEWAY_URL", format!("http://127.0.0.1:{}", practice.port));
    command.output().unwrap().status.code()
}

fn setting<'u>(unit: &'u str, name: &str) -> &'u str {
    let found = unit.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix('='));
    found.unwrap_or_else(|| panic!("the unit has no {name}"))
}

#[test]
fn the_unit_of_systemd_pays_the_plan_that_was_read_and_no_other() {
    let practice = Practice::begin();
    let seal = seal_of_the_sample(&practice);
    let line = setting(UNIT, "ExecStart").replace("%i", "2026-11").replace("/etc/topup/topup.toml", "topup.toml");
    let start = |plan: &str| {
        let line = line.replace("${FILE}", "samples/rewards-2026-11.csv").replace("${PLAN}", plan);
        let words: Vec<&str> = line.split_whitespace().collect();
        assert_eq!(words[0], "/usr/bin/topup");
        job(&practice, TOPUP, &words[1..])
    };
    assert_eq!(start(&"0".repeat(64)), Some(3));
    assert_eq!(start(&seal), Some(4));
    assert_eq!(start(&seal), Some(4), "a finished batch");
    assert_eq!(setting(UNIT, "SuccessExitStatus"), "4");
    assert_eq!(setting(UNIT, "RestartPreventExitStatus"), "1 2 3 6 7 8 9 130", "everything but 5");
}

#[test]
fn the_unit_that_works_pays_what_is_approved() {
    let practice = Practice::begin();
    for line in ["topup plan samples/rewards-2026-11.csv --batch 2026-11", "topup approve 2026-11"] {
        assert!(in_folder(practice.folder.path(), line, &practice.port).output().unwrap().status.success());
    }
    let line = setting(WORK_UNIT, "ExecStart").replace("/etc/topup/topup.toml", "topup.toml");
    let words: Vec<&str> = line.split_whitespace().chain(["--once"]).collect();
    assert_eq!(words[0], "/usr/bin/topup");
    assert_eq!(job(&practice, TOPUP, &words[1..]), Some(4));
    assert_eq!(setting(WORK_UNIT, "SuccessExitStatus"), "130");
}

#[test]
fn the_line_for_cron_and_the_arguments_of_the_container_pay_the_plan_that_was_read() {
    let practice = Practice::begin();
    let seal = seal_of_the_sample(&practice);
    std::fs::write(practice.folder.path().join("2026-11.plan"), &seal).unwrap();
    std::fs::copy(
        practice.folder.path().join("samples/rewards-2026-11.csv"),
        practice.folder.path().join("rewards-2026-11.csv"),
    )
    .unwrap();
    let cron = blocks(DEPLOYMENT, "cron");
    let line = cron[0].split_once("cd /srv/topup && ").unwrap().1;
    assert_eq!(job(&practice, "/bin/sh", &["-c", line]), Some(0), "what cron sees is the end of `echo`");
    assert!(practice.folder.path().join("2026-11.log").exists());
    let yaml = blocks(DEPLOYMENT, "yaml");
    let args = yaml[0].split("args: [").nth(1).unwrap().split(']').next().unwrap();
    let args = args.replace("/etc/topup/", "").replace("/data/", "").replace("3b1f…", &seal);
    let args: Vec<&str> = args.split(", ").collect();
    assert_eq!(job(&practice, TOPUP, &args), Some(4));
}

/// What systemd itself says of the units. Where it is missing, that is said.
#[test]
fn systemd_takes_the_units() {
    let folder = tempfile::tempdir().unwrap();
    let unit = |name: &str| folder.path().join(name);
    // The program is not installed where it is built.
    std::fs::write(unit("topup-run@.service"), UNIT.replace("/usr/bin/topup", TOPUP)).unwrap();
    std::fs::write(unit("topup-run@.timer"), include_str!("../packaging/systemd/topup-run@.timer")).unwrap();
    std::fs::write(unit("topup-work.service"), WORK_UNIT.replace("/usr/bin/topup", TOPUP)).unwrap();
    let instances = ["topup-run@2026-11.service", "topup-run@2026-11.timer"];
    for instance in instances {
        std::fs::copy(unit(&instance.replace("2026-11", "")), unit(instance)).unwrap();
    }
    let mut verify = Command::new("systemd-analyze");
    verify.arg("verify").args(instances.map(unit)).arg(unit("topup-work.service"));
    let verify = verify.output();
    match verify {
        Ok(output) => {
            let said = String::from_utf8_lossy(&output.stderr);
            assert!(output.status.success(), "{said}");
            assert!(!said.contains("topup-"), "{said}");
        }
        Err(error) => eprintln!("NOT CHECKED: systemd-analyze is missing ({error})"),
    }
}
