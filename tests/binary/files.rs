//! Ledger files that cannot be used: each is refused with a clear error, unchanged, and nothing is sent.

use super::harness::{BATCH, RUN, Stage, run_and};
use rusqlite::Connection;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

/// `run`, `resume`, `resolve` and `status` all refuse the ledger with exit 1 and these words.
async fn refused_everywhere(stage: &Stage, expected: &[&str]) {
    let commands: [&[&str]; 4] = [&RUN, &["resume", BATCH], &["resolve", BATCH], &["status"]];
    for arguments in commands {
        let arguments: Vec<&str> = arguments.iter().copied().chain(["--json"]).collect();
        let ended = stage.topup(&arguments).await.exits(1).says(expected);
        assert_eq!(ended.json()["error"]["code"], "ledger", "{arguments:?}");
        assert!(ended.json()["error"]["hint"].is_string(), "{arguments:?}");
    }
    assert_eq!(stage.requests(), 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_file_that_is_no_ledger_is_refused_and_stays_as_it_is() {
    let another = |path: &Path| {
        Connection::open(path).unwrap().execute_batch("CREATE TABLE notes (text TEXT)").unwrap();
    };
    let text = |path: &Path| std::fs::write(path, "phone,points\n0901234567,500\n").unwrap();
    let damaged = |path: &Path| std::fs::write(path, [b"SQLite format 3\0".as_slice(), &[7; 4080]].concat()).unwrap();
    type Spoil<'s> = &'s dyn Fn(&Path);
    let cases: [(Spoil<'_>, &str); 3] = [
        (&another, "found another program's database"),
        (&text, "found another kind of file"),
        (&damaged, "found a damaged file"),
    ];
    for (make, expected) in cases {
        let stage = Stage::new("none").await;
        stage.rows(3);
        make(&stage.ledger());
        let before = std::fs::read(stage.ledger()).unwrap();
        refused_everywhere(&stage, &["is no ledger", expected]).await;
        assert_eq!(std::fs::read(stage.ledger()).unwrap(), before, "{expected}");
    }
}

/// What a run leaves behind that was killed as it made its ledger.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_empty_file_becomes_the_ledger_of_a_run_and_of_nothing_else() {
    let stage = Stage::new("none").await;
    stage.rows(3);
    std::fs::write(stage.ledger(), "").unwrap();
    for arguments in [&["resume", BATCH][..], &["resolve", BATCH], &["status"]] {
        stage.topup(arguments).await.exits(1).says(&["is no ledger", "found an empty file"]);
    }
    stage.topup(&RUN).await.exits(0);
    let mode = std::fs::metadata(stage.ledger()).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode, 0o600);
    stage.audit_end();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_folder_in_the_ledgers_place_is_refused() {
    let stage = Stage::new("none").await;
    stage.rows(3);
    std::fs::create_dir(stage.ledger()).unwrap();
    refused_everywhere(&stage, &["is no ledger", "found a folder"]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_newer_schema_is_refused_with_both_versions() {
    let stage = Stage::new("none").await;
    stage.rows(3);
    stage.topup(&RUN).await.exits(0);
    let requests = stage.requests();
    let connection = Connection::open(stage.ledger()).unwrap();
    let known: u32 = connection.pragma_query_value(None, "user_version", |row| row.get(0)).unwrap();
    connection.pragma_update(None, "user_version", 99).unwrap();
    drop(connection);
    let expected = ["has schema 99", &format!("knows up to {known}"), "use that one"];
    for arguments in [&run_and(&[])[..], &["resume", BATCH], &["status", BATCH]] {
        stage.topup(arguments).await.exits(1).says(&expected);
    }
    assert_eq!(stage.requests(), requests);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_ledger_in_a_folder_that_is_missing_is_refused() {
    let stage = Stage::new("none").await;
    stage.rows(3);
    stage.set("ledger.path", "\"missing/topup.db\"");
    stage.topup(&RUN).await.exits(1).says(&["missing/topup.db"]);
    assert_eq!(stage.requests(), 0);
}

/// Permissions do not bind root, for whom this test then only shows that the run works.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_read_only_folder_is_refused_before_anything_is_sent() {
    let stage = Stage::new("none").await;
    stage.rows(3);
    std::fs::create_dir(stage.path("ledgers")).unwrap();
    stage.set("ledger.path", "\"ledgers/topup.db\"");
    std::fs::set_permissions(stage.path("ledgers"), std::fs::Permissions::from_mode(0o555)).unwrap();
    let ended = stage.topup(&RUN).await;
    std::fs::set_permissions(stage.path("ledgers"), std::fs::Permissions::from_mode(0o755)).unwrap();
    if rustix::process::geteuid().is_root() {
        ended.exits(0);
    } else {
        ended.exits(1).says(&["must be writable"]);
        assert_eq!(stage.requests(), 0);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn only_run_creates_a_ledger_and_says_so() {
    let stage = Stage::new("none").await;
    stage.rows(3);
    for arguments in [["resume", BATCH], ["resolve", BATCH], ["status", BATCH]] {
        let ended = stage.topup(&[arguments[0], arguments[1], "--json"]).await.exits(2).says(&["there is no ledger"]);
        assert_eq!(ended.json()["error"]["code"], "no_ledger");
    }
    stage.topup(&run_and(&["--dry-run"])).await.exits(0);
    assert!(!stage.ledger().exists());
    assert!(!stage.path("topup.db.lock").exists(), "only looking leaves nothing behind");
    stage.topup(&RUN).await.exits(0).says(&["created the ledger topup.db"]);
    assert!(stage.ledger().exists());
}

/// A limit on the size of files, as a disk that is full: set by the shell, with the signal off that would kill.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_ledger_that_may_not_grow_stops_the_run_and_a_rerun_finishes() {
    // In blocks of 512 bytes: too small for the schema, for the plan, and for the run of these rows.
    for blocks in [8, 120, 400, 800] {
        let stage = Stage::new("none").await;
        stage.patience("1");
        stage.rows(300);
        let script = format!("trap '' XFSZ; ulimit -f {blocks}; exec \"$@\"");
        let mut command = tokio::process::Command::new("/bin/sh");
        let program = env!("CARGO_BIN_EXE_topup");
        command.args(["-c", &script, "sh", program]).args(RUN).current_dir(stage.path("."));
        command.stdin(std::process::Stdio::null()).kill_on_drop(true);
        stage.start_command(command).end().await.exits(1).says(&["error: ", "while ", "\nhint: "]);
        stage.audit_payments();
        if stage.has_tables() {
            stage.audit_intents();
        }
        stage.finish(&RUN).await.exits(0);
        stage.audit_end();
        stage.audit_intents();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_check_gives_the_sheet_back_for_its_owners_eyes_and_over_nothing_else() {
    let stage = Stage::new("none").await;
    stage.file("rewards.csv", &[("0901234567".into(), 500), ("09".into(), 1500)]);
    let source = std::fs::read(stage.path("rewards.csv")).unwrap();
    let checked = stage.topup(&["check", "rewards.csv", "--export", "errors.xlsx", "--json"]).await.exits(3).json();
    assert_eq!(checked["export"], stage.path("errors.xlsx").file_name().unwrap().to_str().unwrap());
    assert_eq!((&checked["header_row"], &checked["sheet"]), (&1.into(), &serde_json::Value::Null));
    assert_eq!(checked["phones"], serde_json::json!([{"row": 2, "phone": "0901234567"}]));
    let copy = std::fs::metadata(stage.path("errors.xlsx")).unwrap();
    assert_eq!(std::os::unix::fs::PermissionsExt::mode(&copy.permissions()) & 0o777, 0o600);
    assert!(copy.len() > 1000, "{}", copy.len());
    // Over a copy of before, and over nothing else.
    stage.topup(&["check", "rewards.csv", "--export", "errors.xlsx"]).await.exits(3);
    std::fs::hard_link(stage.path("rewards.csv"), stage.path("same.xlsx")).unwrap();
    std::fs::write(stage.path("ledger.xlsx"), b"SQLite format 3\0").unwrap();
    for name in ["rewards.csv", "same.xlsx", "ledger.xlsx", "errors.csv", "no/such/folder.xlsx"] {
        let ended = stage.topup(&["check", "rewards.csv", "--export", name]).await;
        ended.exits(if name.starts_with("no/") { 1 } else { 2 });
    }
    assert_eq!(std::fs::read(stage.path("rewards.csv")).unwrap(), source);
    assert_eq!(std::fs::read(stage.path("ledger.xlsx")).unwrap(), b"SQLite format 3\0");
}
