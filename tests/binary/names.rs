//! A ledger under two names, one that is taken away in mid-run, one that is missing, and what only looks like one.

use super::cases::for_each;
use super::harness::{BATCH, Live, RUN, Stage, run_and, until};
use rustix::fs::{CWD, FileType, Mode, mknodat};
use std::fs::File;
use std::os::unix::fs::{PermissionsExt as _, symlink};

/// A run that pays slowly enough for something to happen to its ledger.
async fn slow(stage: &Stage) -> Live {
    stage.set("gateway.rate_per_s", "40");
    stage.rows(400);
    let live = stage.start(&run_and(&["--json"]));
    until("some payouts are credited", || stage.credits() >= 5).await;
    live
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hard_link_to_the_ledger_is_refused_by_either_name() {
    let stage = Stage::new("none").await;
    stage.rows(3);
    stage.topup(&RUN).await.exits(0);
    std::fs::hard_link(stage.ledger(), stage.path("other.db")).unwrap();
    let requests = stage.requests();
    for name in ["topup.db", "other.db"] {
        let again = run_and(&["--ledger", name]);
        for arguments in [&again[..], &["resume", BATCH, "--ledger", name], &["status", "--ledger", name]] {
            let ended = stage.topup(arguments).await.exits(1);
            ended.says(&["needs one name, and ", "is one of 2 hard links to it", "find -samefile"]);
        }
    }
    assert_eq!(stage.requests(), requests);
    std::fs::remove_file(stage.path("other.db")).unwrap();
    stage.topup(&["resume", BATCH]).await.exits(0);
}

/// A file that is mounted over another has its write-ahead log beside each of its places. In a namespace of its own anybody
/// may mount, where the kernel lets them; where it does not, this test says so and holds nothing.
#[cfg(target_os = "linux")]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_ledger_that_is_mounted_over_another_file_is_refused() {
    let stage = Stage::new("none").await;
    stage.rows(3);
    stage.topup(&RUN).await.exits(0);
    std::fs::write(stage.path("other.db"), "").unwrap();
    let mounted = |then: &str, arguments: &[&str]| {
        let script = format!("mount --bind topup.db other.db && {then}");
        let mut command = tokio::process::Command::new("unshare");
        command.args(["-Urm", "sh", "-c", &script, env!("CARGO_BIN_EXE_topup")]).args(arguments);
        command.current_dir(stage.path(""));
        command
    };
    if !mounted("true", &[]).status().await.is_ok_and(|status| status.success()) {
        eprintln!("SKIPPED: this kernel lets nobody mount in a namespace of their own");
        return;
    }
    let requests = stage.requests();
    let again = run_and(&["--ledger", "other.db"]);
    for arguments in [&again[..], &["resume", BATCH, "--ledger", "other.db"], &["status", "--ledger", "other.db"]] {
        let ended = stage.start_command(mounted("exec \"$0\" \"$@\"", arguments)).end().await.exits(1);
        ended.says(&["is mounted by itself", "mount the folder in which the ledger is"]);
    }
    assert_eq!(stage.requests(), requests);
    // Nothing was put beside it, and by its own name it goes on.
    assert!(!stage.path("other.db-wal").exists());
    stage.topup(&RUN).await.exits(0);
}

/// However the second one came to the same file: here its lock file was removed.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_lock_is_on_the_file_itself() {
    let stage = Stage::new("none").await;
    stage.rows(3);
    stage.topup(&RUN).await.exits(0);
    let file = File::open(stage.ledger()).unwrap();
    file.lock().unwrap();
    let ended = stage.topup(&["resume", BATCH, "--json"]).await.exits(6);
    let ended = ended.says(&["another run holds the ledger", "by another name"]);
    assert_eq!(ended.json()["error"]["code"], "locked");
    stage.topup(&["status", BATCH]).await.exits(0);
    file.unlock().unwrap();
    stage.topup(&["resume", BATCH]).await.exits(0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_run_whose_files_are_taken_away_stops() {
    for_each(vec!["topup.db-wal", "topup.db-shm", "topup.db", "another"], async |what| {
        let stage = Stage::new("none").await;
        let live = slow(&stage).await;
        match what {
            "another" => std::fs::hard_link(stage.ledger(), stage.path("another.db")).unwrap(),
            file => std::fs::rename(stage.path(file), stage.path("away")).unwrap(),
        }
        let ended = live.end().await.exits(1);
        let expected = if what == "another" { "hard links" } else { "was removed or replaced" };
        assert!(ended.json()["error"]["message"].as_str().unwrap().contains(expected), "{what}: {ended:?}");
        assert!(stage.credits() < 400, "{what}: it went on to the end");
    })
    .await;
}

/// A volume that is not mounted: everybody would be paid once more.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_missing_ledger_is_an_error_where_none_may_be_made() {
    let stage = Stage::new("none").await;
    stage.rows(3);
    stage.set("ledger.create", "false");
    let rehearsals = [run_and(&["--dry-run"]), run_and(&["--rehearse"])];
    for arguments in [&RUN[..], &rehearsals[0], &rehearsals[1], &["resume", BATCH]] {
        let ended = stage.topup(arguments).await.exits(2);
        ended.says(&["topup.db"]);
    }
    let said = stage.topup(&run_and(&["--json"])).await.exits(2);
    let error = said.json()["error"].clone();
    assert_eq!(error["code"], "no_ledger");
    let looked_for = stage.ledger().display().to_string();
    assert!(error["message"].as_str().unwrap().contains(&looked_for), "{error:#}");
    assert!(!stage.ledger().exists() && !stage.path("topup.db.lock").exists());
    assert_eq!(stage.requests(), 0);

    let made = stage.topup_with(&run_and(&["--quiet", "--json"]), &[("TOPUP_LEDGER_CREATE", "true")]).await.exits(0);
    assert_eq!(made.json()["ledger_created"], "topup.db");
    assert!(made.stderr.contains("created the ledger topup.db"), "{}", made.stderr);
    let again = stage.topup(&run_and(&["--json"])).await.exits(0);
    assert!(again.json().get("ledger_created").is_none(), "{again:?}");
}

/// What is opened to be written is a regular file before its mode or content is touched.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_no_regular_file_is_left_as_it_is() {
    let stage = Stage::new("none").await;
    stage.rows(2);
    let make = |name: &str, kind, device| {
        mknodat(CWD, stage.path(name), kind, Mode::from_raw_mode(0o666), device).map(|()| {
            std::fs::set_permissions(stage.path(name), std::fs::Permissions::from_mode(0o666)).unwrap();
        })
    };
    make("pipe", FileType::Fifo, 0).unwrap();
    symlink(stage.path("nowhere"), stage.path("dangling")).unwrap();
    std::fs::create_dir(stage.path("folder")).unwrap();
    let mut found = vec![("pipe", "a pipe"), ("dangling", "a link that leads nowhere"), ("folder", "a folder")];
    // Only root may make one: the device that swallows everything.
    if make("device", FileType::CharacterDevice, rustix::fs::makedev(1, 3)).is_ok() {
        found.push(("device", "a device"));
    }
    for (name, kind) in found {
        let mode = |name| std::fs::symlink_metadata(stage.path(name)).unwrap().permissions().mode();
        let before = mode(name);
        for arguments in [&run_and(&["--ledger", name])[..], &["resume", BATCH, "--ledger", name]] {
            let code = stage.topup(arguments).await.code();
            assert!([1, 2].contains(&code), "{name}: {code}");
        }
        stage.topup(&run_and(&["--ledger", name])).await.exits(1).says(&[kind]);
        assert_eq!(mode(name), before, "{name}");
        assert!(!stage.path(&format!("{name}.lock")).exists() && !stage.path("nowhere").exists(), "{name}");
    }
    for name in ["folder", "pipe"] {
        stage.topup(&["status", "--log", name]).await.exits(2).says(&[name, "no regular file"]);
    }
    assert_eq!(stage.requests(), 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_torn_copy_is_noticed_before_anything_is_sent() {
    let stage = Stage::new("none").await;
    stage.rows(300);
    stage.topup(&RUN).await.exits(0);
    let (bytes, requests) = (std::fs::read(stage.ledger()).unwrap(), stage.requests());
    let (page, pages) = (4096, bytes.len() / 4096);
    assert!(pages > 20, "{pages}");
    // Some pages of another moment: here of none.
    let torn = |from: usize, to: usize| {
        let mut torn = bytes.clone();
        torn[from * page..to * page].fill(0);
        torn
    };
    for (what, copy) in [
        ("cut short", bytes[..bytes.len() - page].to_vec()),
        ("grown meanwhile", [&bytes[..], &bytes[..page]].concat()),
        ("pages that were not written yet", torn(pages / 2, pages / 2 + 3)),
        ("the end not written yet", torn(pages - 3, pages)),
    ] {
        std::fs::write(stage.ledger(), copy).unwrap();
        for arguments in [&["resume", BATCH][..], &RUN] {
            let code = stage.topup(arguments).await.code();
            assert!([1, 8].contains(&code), "{what}: {arguments:?} ended with {code}");
        }
    }
    assert_eq!(stage.requests(), requests);
    std::fs::write(stage.ledger(), bytes).unwrap();
    stage.topup(&RUN).await.exits(0);
}

/// What is written elsewhere never goes into a file of the ledger, whatever it is called.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_output_goes_through_a_link_into_the_ledger() {
    let stage = Stage::new("none").await;
    stage.rows(3);
    stage.topup(&RUN).await.exits(0);
    let before = std::fs::read(stage.ledger()).unwrap();
    symlink(stage.ledger(), stage.path("link.csv")).unwrap();
    symlink(stage.path("topup.db.lock"), stage.path("lock.csv")).unwrap();
    symlink(stage.path("topup.db.pace"), stage.path("pace.xlsx")).unwrap();
    // It is not there yet: who writes it makes the key that purges would hash with.
    symlink("topup.db.purge-key", stage.path("key.csv")).unwrap();
    let beside = || ["topup.db.lock", "topup.db.pace"].map(|file| std::fs::read(stage.path(file)).unwrap());
    let files_before = beside();
    for (target, arguments) in [
        ("link.csv", &["export", BATCH, "-o", "link.csv"][..]),
        ("lock.csv", &["export", BATCH, "-o", "lock.csv"]),
        ("link.csv", &["check", "rewards.csv", "--export", "link.csv"]),
        ("link.csv", &["status", "--log", "link.csv"]),
        ("lock.csv", &["status", "--log", "lock.csv"]),
        ("topup.db", &["status", "--log", "topup.db"]),
        ("topup.db.pace", &["export", BATCH, "-o", "pace.xlsx"]),
        ("topup.db.pace", &["check", "rewards.csv", "--export", "pace.xlsx"]),
        ("topup.db.pace", &["status", "--log", "topup.db.pace"]),
        ("topup.db.pace", &["status", "--log", "pace.xlsx"]),
        ("topup.db.purge-key", &["export", BATCH, "-o", "key.csv"]),
        ("topup.db.purge-key", &["status", "--log", "key.csv"]),
        ("topup.db.purge-key", &["status", "--log", "topup.db.purge-key"]),
        ("topup.db-wal", &["status", "--log", "./topup.db-wal"]),
        // Of a ledger that no configuration names.
        ("link.csv", &["check", "rewards.csv", "--export", "link.csv", "--ledger", "other.db"]),
    ] {
        let ended = stage.topup(arguments).await;
        assert!([1, 2, 3].contains(&ended.code()), "{arguments:?} into {target}: {ended:?}");
        assert_eq!(std::fs::read(stage.ledger()).unwrap(), before, "{arguments:?}");
        assert_eq!(beside(), files_before, "{arguments:?}");
        assert!(!stage.path("topup.db.purge-key").exists(), "{arguments:?}");
    }
    stage.topup(&["status", "--log", "run.log"]).await.exits(0);
}

/// A look beside a run is a look at one moment.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn verify_offline_says_the_truth_beside_a_run() {
    let stage = Stage::new("none").await;
    let mut live = slow(&stage).await;
    for _ in 0..8 {
        stage.topup(&["verify", BATCH, "--offline"]).await.exits(0);
    }
    assert!(!live.has_ended(), "the run was over before the last look");
    live.kill().await;
}
