//! What somebody meets who has nothing yet: no configuration, no key, no idea of the faults; and in whose name they act.

use super::harness::{BATCH, Ended, KEY_CODE, RUN, Stage, run_and, until, write_private};
use std::os::unix::fs::PermissionsExt as _;
use topup::simulator::PublicKey;

/// A command in an empty folder.
async fn elsewhere(stage: &Stage, arguments: &[&str], environment: &[(&str, &str)]) -> Ended {
    let folder = stage.path("elsewhere");
    let _ = std::fs::create_dir(&folder);
    let mut command = stage.command(arguments);
    command.current_dir(folder).envs(environment.iter().copied());
    stage.start_command(command).end().await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_a_configuration_everything_says_so_and_names_init() {
    let stage = Stage::new("none").await;
    stage.rows(1);
    let file = stage.path("rewards.csv").display().to_string();
    for arguments in [
        &["doctor"][..],
        &["status"],
        &["status", BATCH],
        &["resume", BATCH],
        &["verify", BATCH],
        &["run", &file, "--batch", BATCH, "--yes"],
        &["plan", &file, "--batch", BATCH],
    ] {
        let ended = elsewhere(&stage, arguments, &[]).await.exits(2);
        let said = format!("{}{}", ended.stdout, ended.stderr);
        assert!(said.contains("no configuration") && said.contains("`topup init`"), "{arguments:?}: {said}");
        assert!(!said.contains("(default)"), "{said}");
    }
    // Where variables configure it, only what is missing is missed.
    let set = [("TOPUP_GATEWAY_URL", "sandbox")];
    let ended = elsewhere(&stage, &["resume", BATCH], &set).await.exits(2);
    assert!(ended.stderr.contains("nothing else sets gateway.merchant_id"), "{}", ended.stderr);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn init_makes_what_doctor_takes_and_overwrites_nothing() {
    let stage = Stage::new("none").await;
    let made = elsewhere(&stage, &["init", "--json"], &[]).await.exits(0).json();
    PublicKey::from_public_key_pem(made["public_key"].as_str().unwrap()).unwrap();
    let path = |name: &str| stage.path("elsewhere").join(name);
    for name in ["topup.toml", "merchant.pem"] {
        assert_eq!(std::fs::metadata(path(name)).unwrap().permissions().mode() & 0o777, 0o600, "{name}");
    }
    let key = std::fs::read(path("merchant.pem")).unwrap();
    let doctor = elsewhere(&stage, &["doctor"], &[]).await.exits(2).stdout;
    assert!(doctor.contains("the configuration has no gateway.merchant_id"), "{doctor}");
    assert!(doctor.contains("RSA, 2048 bits, mode 600"), "{doctor}");
    // What the provider gives, and it is complete.
    let environment = [
        ("TOPUP_GATEWAY_URL", "http://127.0.0.1:9"),
        ("TOPUP_GATEWAY_MERCHANT_ID", "M001"),
        ("TOPUP_GATEWAY_TERMINAL_ID", "T001"),
        ("TOPUP_GATEWAY_KEY_CODE", "code"),
    ];
    let doctor = elsewhere(&stage, &["doctor"], &environment).await.stdout;
    assert!(doctor.contains("ok       settings") && doctor.contains("failure  connection"), "{doctor}");

    std::fs::write(path("topup.toml"), "[gateway]\nurl = \"production\"\n").unwrap();
    elsewhere(&stage, &["init"], &[]).await.exits(2).says(&["topup.toml is there already, and nothing is overwritten"]);
    assert_eq!(std::fs::read_to_string(path("topup.toml")).unwrap(), "[gateway]\nurl = \"production\"\n");
    std::fs::remove_file(path("topup.toml")).unwrap();
    let again = elsewhere(&stage, &["init"], &[]).await.exits(0).stdout;
    assert!(again.contains("merchant.pem was there, and is taken") && again.contains("BEGIN PUBLIC KEY"), "{again}");
    assert_eq!(std::fs::read(path("merchant.pem")).unwrap(), key);
    write_private(&path("merchant.pem"), "no key");
    elsewhere(&stage, &["init", "--config", "other.toml"], &[]).await.exits(2).says(&["as the private key"]);
    assert!(!path("other.toml").exists());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_faults_are_listed_where_help_is_asked_for() {
    let stage = Stage::new("none").await;
    stage.rows(1);
    for arguments in [&["simulator", "--faults", "help"][..], &run_and(&["--rehearse", "--faults", "help"])] {
        let said = stage.topup(arguments).await.exits(0).stdout;
        for part in ["\n  lost_after: ", "\n  http_500_applied: ", "\n  seed: ", "\n  skew_s: "] {
            assert!(said.contains(part), "{part:?} is not in {said}");
        }
    }
    let json = stage.topup(&["simulator", "--faults", "help", "--json"]).await.exits(0).json();
    assert!(json["faults"]["lost_after"].is_string() && json["settings"]["every"].is_string(), "{json}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_acts_is_who_it_was_said_to_be_and_never_unknown() {
    for (more, environment, expected) in [
        (&[][..], &[("USER", "lan"), ("TOPUP_ACTOR", "")][..], "lan@"),
        (&[], &[("USER", "lan"), ("TOPUP_ACTOR", "payroll")], "payroll@"),
        (&["--by", "Trần Thị Mai"], &[("USER", "lan"), ("TOPUP_ACTOR", "payroll")], "Trần Thị Mai@"),
        (&[], &[("USER", ""), ("LOGNAME", "")], ""),
    ] {
        let stage = Stage::new("none").await;
        stage.rows(1);
        stage.topup_with(&run_and(more), environment).await.exits(0);
        let json = stage.topup(&["status", BATCH, "--json"]).await.json();
        let text = stage.topup(&["status", BATCH]).await.stdout;
        assert!(text.contains(&format!("plan 1, approved: proposed by {expected}")), "{text}");
        let by = json["plans"][0]["proposed_by"].as_str().unwrap_or_default().to_owned();
        assert!(by.starts_with(expected) && by.len() > expected.len() && !by.starts_with("unknown@"), "{json}");
        assert!(!by.starts_with('@'), "{by}");
    }
    let stage = Stage::new("none").await;
    stage.rows(1);
    for name in ["", "  ", "a\nb"] {
        stage.topup(&run_and(&["--by", name])).await.exits(2).says(&["--by needs a name of 1 to 64 characters"]);
    }
    assert!(!stage.ledger().exists());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_of_a_thing_is_said_as_one() {
    let stage = Stage::new("none").await;
    stage.file("rewards.csv", &[("0901234567".to_owned(), 50)]);
    let said = stage.topup(&RUN).await.exits(0).stderr;
    assert!(!said.contains("1 members") && !said.contains("1 payouts"), "{said}");
    let purge = stage.topup(&["purge", "--older-than", "1", "--dry-run"]).await;
    assert!(purge.stdout.contains("less than 1 day ago"), "{}", purge.stdout);
    let dry = ["run", "rewards.csv", "--batch", "other", "--dry-run", "--repeat", "a test"];
    let dry = stage.topup(&dry).await.exits(0).stdout;
    assert!(dry.contains("1 payout ") && dry.contains(" 50 points\n"), "{dry}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_simulator_that_is_started_again_knows_whom_it_paid() {
    let stage = Stage::new("none").await;
    stage.rows(3);
    let start = ["simulator", "--port", "0", "--key", "merchant.pem", "--for-s", "90", "--book", "book.json"];
    let code = [("TOPUP_GATEWAY_KEY_CODE", KEY_CODE)];
    for life in 0..2 {
        let mut command = stage.command(&start);
        command.envs(code);
        let mut live = stage.start_command(command);
        until("it listens", || live.has_ended() || live.stderr().contains("; Ctrl-C ends it")).await;
        let said = live.stderr();
        let url = said.split("simulator at ").nth(1).unwrap().split(' ').next().unwrap().to_owned();
        stage.point_at(&url);
        if life == 0 {
            stage.topup(&RUN).await.exits(0);
        } else {
            stage.topup(&["rebind", "--why", "another port", "--yes"]).await.exits(0);
            let found = stage.topup(&["verify", BATCH, "--json"]).await.exits(0).json();
            assert_eq!((&found["verdict"], &found["asked"]), (&"agree".into(), &3.into()));
        }
        // It is not given the time to say goodbye.
        until("the book is written down", || {
            std::fs::read_to_string(stage.path("book.json")).is_ok_and(|book| book.contains("\"credits\": 3,"))
        })
        .await;
        live.kill().await;
    }
    write_private(&stage.path("book.json"), "no book");
    stage.topup(&start).await.exits(2).says(&["--book needs a book that a simulator wrote"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_demo_ends_with_a_report_and_what_to_look_at_next() {
    let stage = Stage::new("none").await;
    let mut command = stage.command(&["demo", "--quiet"]);
    command.env("TMPDIR", stage.path("."));
    let said = stage.start_command(command).end().await.exits(0).stdout;
    let report = said.split("the report, for a browser: ").nth(1).unwrap().lines().next().unwrap();
    assert!(std::fs::read_to_string(report).unwrap().starts_with("<!"), "{report}");
    let folder = std::path::Path::new(report).parent().unwrap();
    let look = said.split("look at next:\n").nth(1).unwrap();
    for line in look.lines().filter_map(|line| line.strip_prefix("  topup ")) {
        // As it stands there, without the words behind it.
        let arguments: Vec<&str> =
            line.split("    ").next().unwrap().split_whitespace().take_while(|it| *it != "the").collect();
        let mut command = stage.command(&arguments);
        command.current_dir(folder);
        stage.start_command(command).end().await.exits(0);
    }
    assert!(look.contains("topup status 2026-11") && look.ends_with("topup init\n"), "{look}");
}

/// Where a ledger is mounted read-only, and where it belongs to somebody else.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_may_only_read_sees_status_finds_and_exports() {
    let stage = Stage::new("none").await;
    stage.rows(2);
    stage.topup(&RUN).await.exits(0);
    let (topup, folder, out) = (env!("CARGO_BIN_EXE_topup"), stage.path("."), tempfile::tempdir().unwrap());
    let look = format!(
        "{topup} status && {topup} status {BATCH} && {topup} find 0901000001 && {topup} export {BATCH} -o {out}/r.csv && \
         {topup} verify {BATCH} --offline",
        out = out.path().display()
    );
    let folder = folder.display();
    let frozen =
        format!("mount --bind {folder} {folder} && mount -o remount,ro,bind {folder} && cd {folder} && {look}");
    let allowed = std::process::Command::new("unshare").args(["-m", "true"]).status().is_ok_and(|it| it.success());
    let mut command = if allowed {
        let mut command = tokio::process::Command::new("unshare");
        command.args(["-m", "sh", "-c", &frozen]);
        command
    } else {
        // Nobody but root may mount anything; a folder without the right to write is the nearest to it.
        std::fs::set_permissions(stage.path("."), std::fs::Permissions::from_mode(0o555)).unwrap();
        let mut command = tokio::process::Command::new("sh");
        command.args(["-c", &format!("cd {folder} && {look}")]);
        command
    };
    let said = command.output().await.unwrap();
    std::fs::set_permissions(stage.path("."), std::fs::Permissions::from_mode(0o755)).unwrap();
    let text = String::from_utf8_lossy(&said.stdout).into_owned();
    assert!(said.status.success(), "{text}{}", String::from_utf8_lossy(&said.stderr));
    for part in ["2 of 2", "complete, every payout is credited", "2 payouts of batch", "history: they agree"] {
        assert!(text.contains(part), "{part:?} is not in {text}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_folder_that_is_missing_is_named_with_the_command_that_makes_it() {
    let stage = Stage::new("none").await;
    stage.rows(1);
    let there = run_and(&["--ledger", "no folder/topup.db"]);
    stage.topup(&there).await.exits(1).says(&["needs the folder no folder", "mkdir -p \"no folder\""]);
    assert_eq!(stage.requests(), 0);
}
