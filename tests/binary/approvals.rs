//! People, policy, plans and approvals: nobody pays what they proposed, whichever command they type.

#![expect(clippy::unwrap_used, reason = "a helper of tests: where it fails, the test fails")]

use super::harness::{BATCH, Ended, RUN, Stage, phone};
use std::process::{Command, Stdio};
use topup::simulator::{Latency, Members};

/// Lan proposes and administers, Minh and An approve; each with a key in the stage's folder.
async fn team(stage: &Stage) {
    for who in ["lan", "minh", "an"] {
        let mut made = Command::new("ssh-keygen");
        assert!(run(made.args(["-q", "-t", "ed25519", "-N", "", "-f"]).arg(stage.path(who))).success());
    }
    let add = |who: &'static str, role: &'static str| vec!["people", "add", who, "--role", role];
    let lan = add("lan", "administrator,submitter,approver");
    said(stage, &lan, &["--ssh-key", "lan.pub"]).await.exits(0);
    for (who, key) in [("minh", "minh.pub"), ("an", "an.pub")] {
        let role = if who == "minh" { "approver,administrator" } else { "approver" };
        said(stage, &add(who, role), &["--ssh-key", key, "--as", "lan", "--sign", "lan"]).await.exits(0);
    }
}

fn run(command: &mut Command) -> std::process::ExitStatus {
    command.stdin(Stdio::null()).status().unwrap()
}

async fn said(stage: &Stage, first: &[&str], more: &[&str]) -> Ended {
    let arguments: Vec<&str> = first.iter().chain(more).copied().collect();
    stage.topup(&arguments).await
}

/// As above, and a plan needs two persons.
pub(super) async fn two_persons() -> Stage {
    two_persons_with(Members::everyone()).await
}

async fn two_persons_with(members: Members) -> Stage {
    let stage = Stage::with(members, "none", Latency::NONE).await;
    stage.rows(4);
    team(&stage).await;
    let policy = ["policy", "--persons", "2", "--why", "four eyes"];
    said(&stage, &policy, &["--as", "lan", "--sign", "lan"]).await.exits(0);
    stage
}

/// Refused with 3, and nothing was sent.
async fn refused(stage: &Stage, arguments: &[&str], words: &str) {
    let requests = stage.requests();
    stage.topup(arguments).await.exits(3).says(&[words]);
    assert_eq!(stage.requests(), requests);
}

pub(super) const PLAN: [&str; 8] = ["plan", "rewards.csv", "--batch", BATCH, "--as", "lan", "--sign", "lan"];
const VERIFY: [&str; 3] = ["verify", BATCH, "--offline"];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nobody_pays_what_they_proposed_and_what_another_person_approved_is_paid_once() {
    let stage = two_persons().await;
    let plan = said(&stage, &PLAN, &["--json"]).await.exits(0).json();
    assert_eq!((&plan["state"], &plan["version"], &plan["rows"]), (&"proposed".into(), &1.into(), &4.into()), "{plan}");
    let seal = plan["seal"].as_str().unwrap().to_owned();
    for waits in [&RUN[..], &["resume", BATCH]] {
        stage.topup(waits).await.exits(9);
    }
    refused(&stage, &["approve", BATCH, "--as", "lan", "--sign", "lan"], "lan proposed it").await;
    refused(&stage, &["approve", BATCH], "sign").await;
    refused(&stage, &["approve", BATCH, "--as", "minh"], "is missing").await;
    refused(&stage, &["approve", BATCH, "--as", "minh", "--sign", "an"], "another key").await;
    refused(&stage, &["approve", BATCH, "--as", "ha", "--sign", "an"], "no person called ha").await;
    let other = "00".repeat(32);
    refused(&stage, &["approve", BATCH, "--plan", &other, "--as", "minh", "--sign", "minh"], &seal).await;
    assert_eq!(stage.requests(), 0);
    let approve = ["approve", BATCH, "--plan", &seal, "--as", "minh", "--sign", "minh", "--json"];
    let approved = stage.topup(&approve).await.exits(0).json();
    assert_eq!(
        (&approved["state"], &approved["approved_by"]),
        (&"approved".into(), &vec!["minh"].into()),
        "{approved}"
    );
    refused(&stage, &["approve", BATCH, "--as", "an", "--sign", "an"], "approved already, by minh").await;
    let status = stage.topup(&["status", BATCH, "--json"]).await.exits(0).json();
    let plan = &status["plans"][0];
    assert_eq!((&plan["state"], &plan["proposed_by"]), (&"approved".into(), &"lan".into()), "{status}");
    assert_eq!((&plan["seal"], &plan["approved_by"]), (&seal.into(), &vec!["minh"].into()), "{status}");
    stage.topup(&["resume", BATCH]).await.exits(0);
    stage.topup(&VERIFY).await.exits(0);
    stage.audit_rerun(&RUN, 0).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_run_stores_what_needs_another_person_and_what_nobody_signed_needs_two() {
    let stage = two_persons().await;
    let waits = said(&stage, &RUN, &["--json"]).await.exits(9).json();
    assert_eq!(waits["state"], "proposed", "{waits}");
    stage.topup(&["approve", BATCH, "--as", "minh", "--sign", "minh"]).await.exits(9);
    refused(&stage, &["approve", BATCH, "--as", "minh", "--sign", "minh"], "minh").await;
    stage.topup(&RUN).await.exits(9);
    assert_eq!(stage.requests(), 0, "one person could have been both");
    stage.topup(&["approve", BATCH, "--as", "an", "--sign", "an"]).await.exits(0);
    stage.topup(&RUN).await.exits(0);
    stage.topup(&VERIFY).await.exits(0);
    stage.audit_rerun(&RUN, 0).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ordinary_tools_sign_what_is_approved_and_check_what_was_signed() {
    let stage = two_persons().await;
    stage.topup(&PLAN).await.exits(0);
    let bytes = stage.topup(&["approval", BATCH]).await.exits(0).stdout;
    let lines: Vec<&str> = bytes.lines().collect();
    assert_eq!(&lines[..3], ["topup approval v1", BATCH, "plan"]);
    assert!(bytes.ends_with('\n') && lines.len() == 4 && lines[3].len() == 64, "{bytes:?}");
    let file = stage.path("bytes");
    std::fs::write(&file, &bytes).unwrap();
    let signed = run(Command::new("ssh-keygen")
        .args(["-q", "-Y", "sign", "-n", "topup", "-f"])
        .arg(stage.path("an"))
        .arg(&file));
    assert!(signed.success());
    // The other direction: whoever has the public key checks the bytes with the same tool.
    std::fs::write(stage.path("signers"), format!("an {}", std::fs::read_to_string(stage.path("an.pub")).unwrap()))
        .unwrap();
    let mut check = Command::new("ssh-keygen");
    check.args(["-q", "-Y", "verify", "-n", "topup", "-I", "an", "-f"]).arg(stage.path("signers"));
    check.arg("-s").arg(stage.path("bytes.sig")).stdin(std::fs::File::open(&file).unwrap());
    assert!(check.status().unwrap().success());
    stage.topup(&["approve", BATCH, "--as", "an", "--signature", "bytes.sig"]).await.exits(0);
    stage.topup(&["resume", BATCH]).await.exits(0);
    stage.topup(&VERIFY).await.exits(0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_sent_back_or_withdrawn_is_not_paid_and_may_come_again() {
    let stage = two_persons().await;
    stage.topup(&PLAN).await.exits(0);
    refused(&stage, &["send-back", BATCH, "--why", "x", "--as", "lan"], "your own proposal").await;
    refused(&stage, &["withdraw", BATCH, "--why", "x", "--as", "minh"], "who alone takes it back").await;
    stage.topup(&["send-back", BATCH, "--why", "row 3 left", "--as", "minh"]).await.exits(0);
    refused(&stage, &["approve", BATCH, "--as", "minh", "--sign", "minh"], "nothing waits").await;
    stage.topup(&VERIFY).await.exits(0);
    let again = said(&stage, &PLAN, &["--json"]).await.exits(0).json();
    assert_eq!((&again["version"], &again["rows"]), (&2.into(), &4.into()), "{again}");
    stage.topup(&["withdraw", BATCH, "--why", "another file", "--as", "lan"]).await.exits(0);
    stage.topup(&VERIFY).await.exits(0);
    stage.topup(&PLAN).await.exits(0);
    stage.topup(&["approve", BATCH, "--as", "minh", "--sign", "minh"]).await.exits(0);
    stage.topup(&["resume", BATCH]).await.exits(0);
    stage.topup(&VERIFY).await.exits(0);
    stage.audit_rerun(&RUN, 0).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_amended_file_waits_with_its_new_rows_only_and_a_raised_policy_asks_again() {
    let stage = Stage::new("none").await;
    stage.rows(3);
    team(&stage).await;
    // One person: proposed, approved and paid in one go.
    stage.topup(&RUN).await.exits(0);
    stage.rows(5);
    stage.topup(&PLAN).await.exits(0);
    stage.topup(&["resume", BATCH]).await.exits(9);
    stage.topup(&["approve", BATCH]).await.exits(0);
    let policy = ["policy", "--persons", "2", "--why", "four eyes", "--as", "lan", "--sign", "lan"];
    stage.topup(&policy).await.exits(0);
    let credits = stage.credits();
    stage.topup(&["resume", BATCH]).await.exits(9);
    assert_eq!(stage.credits(), credits, "one person approved it, and two are needed by now");
    stage.topup(&["approve", BATCH, "--as", "minh", "--sign", "minh"]).await.exits(0);
    stage.topup(&["resume", BATCH]).await.exits(0);
    stage.topup(&VERIFY).await.exits(0);
    stage.audit_rerun(&RUN, 0).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_run_that_leaves_what_nobody_approved_says_who_is_waited_for() {
    let stage = Stage::new("member_info.refuse_4010001=1").await;
    stage.rows(3);
    stage.topup(&["plan", "rewards.csv", "--batch", BATCH]).await.exits(0);
    stage.topup(&["approve", BATCH]).await.exits(0);
    stage.topup(&["resume", BATCH]).await.exits(7);
    stage.heal();
    stage.rows(5);
    let plan = stage.topup(&["plan", "rewards.csv", "--batch", BATCH, "--json"]).await.exits(0).json();
    let seal = plan["seal"].as_str().unwrap();
    let ended = stage.topup(&["resume", BATCH]).await.exits(5);
    assert!(ended.stdout.contains("2 payouts"), "{}", ended.stdout);
    assert!(ended.stdout.contains(&format!("topup approve {BATCH} --plan {seal}")), "{}", ended.stdout);
    assert!(!ended.stdout.contains("topup resume"), "nothing is left to it: {}", ended.stdout);
    stage.topup(&["approve", BATCH, "--plan", seal]).await.exits(0);
    stage.topup(&["resume", BATCH]).await.exits(0);
    stage.audit_end();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn lowering_the_number_of_persons_takes_two_administrators() {
    let stage = two_persons().await;
    let lower = |who: &'static str| ["policy", "--persons", "1", "--why", "too slow", "--as", who, "--sign", who];
    refused(&stage, &lower("an"), "an is no administrator").await;
    stage.topup(&lower("lan")).await.exits(9);
    refused(&stage, &lower("lan"), "a second administrator").await;
    let still = stage.topup(&["policy", "--json"]).await.exits(9).json();
    assert_eq!((&still["persons"], &still["lowering_asked_by"]), (&2.into(), &"lan".into()), "{still}");
    stage.topup(&lower("minh")).await.exits(0);
    stage.topup(&RUN).await.exits(0);
    stage.topup(&VERIFY).await.exits(0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn people_change_only_in_the_name_of_an_administrator_who_signed() {
    let stage = two_persons().await;
    let add = ["people", "add", "vy", "--role", "viewer"];
    refused(&stage, &add, "first person").await;
    refused(&stage, &[&add[..], &["--as", "lan"]].concat(), "is missing").await;
    refused(&stage, &[&add[..], &["--as", "lan", "--sign", "minh"]].concat(), "another key").await;
    refused(&stage, &[&add[..], &["--as", "an", "--sign", "an"]].concat(), "an is no administrator").await;
    let taken = ["people", "add", "vy", "--role", "approver", "--ssh-key", "an.pub", "--as", "lan", "--sign", "lan"];
    refused(&stage, &taken, "an has this key already").await;
    stage
        .topup(&["people", "add", "vy", "--role", "boss", "--as", "lan", "--sign", "lan"])
        .await
        .exits(2)
        .says(&["boss"]);
    let remove = ["people", "remove", "an", "--why", "left", "--as", "lan", "--sign", "lan"];
    stage.topup(&remove).await.exits(0);
    let left = stage.topup(&["people", "list", "--json"]).await.exits(0).json();
    let names: Vec<&str> = left["people"].as_array().unwrap().iter().map(|who| who["name"].as_str().unwrap()).collect();
    assert_eq!(names, ["lan", "minh"]);
    // Whoever was removed between the look and the click approves nothing.
    stage.topup(&PLAN).await.exits(0);
    refused(&stage, &["approve", BATCH, "--as", "an", "--sign", "an"], "no person called an").await;
    stage.topup(&VERIFY).await.exits(0);
}

/// The history of people and approvals is judged as it was: an edit shows, years later too.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn verify_finds_an_approval_that_nobody_gave() {
    let stage = two_persons().await;
    stage.topup(&PLAN).await.exits(0);
    let ledger = rusqlite::Connection::open(stage.ledger()).unwrap();
    ledger.execute_batch("UPDATE batches SET approved_plan = 1").unwrap();
    drop(ledger);
    let found = stage.topup(&VERIFY).await.exits(8).stdout;
    assert!(found.contains("version 1 of its plan is approved"), "{found}");
    // Nor does it pay: the permit asks the history.
    let ended = stage.topup(&["resume", BATCH]).await;
    assert!([8, 9].contains(&ended.code()), "{}", ended.code());
    assert_eq!(stage.credits(), 0);
}

/// A decision that can pay again takes another person too, and an approval serves once.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_can_pay_again_is_approved_by_another_person_each_time() {
    let rows = (0..4).map(|row| format!("{},{}\n", phone(row), if row == 0 { "I" } else { "A" }));
    let members: String = std::iter::once("phone,status\n".to_owned()).chain(rows).collect();
    let stage = two_persons_with(Members::from_csv(members.as_bytes()).unwrap()).await;
    stage.topup(&PLAN).await.exits(0);
    stage.topup(&["approve", BATCH, "--as", "minh", "--sign", "minh"]).await.exits(0);
    stage.topup(&["resume", BATCH]).await.exits(4);
    let retry = ["retry", BATCH, "--why", "unlocked", "--yes", "--as", "lan", "--sign", "lan"];
    for again in 0..2 {
        stage.topup(&retry).await.exits(9);
        stage.topup(&retry).await.exits(9);
        assert_eq!(stage.topup(&["approval", BATCH]).await.exits(0).stdout.lines().nth(2), Some("retry"), "{again}");
        refused(&stage, &["approve", BATCH, "--as", "lan", "--sign", "lan"], "lan proposed it").await;
        // What An signed for the decision before, which stands in the history for all to read, does not fit this one.
        let bytes = stage.topup(&["approval", BATCH]).await.exits(0).stdout;
        if again == 1 {
            refused(&stage, &["approve", BATCH, "--as", "an", "--signature", "bytes.sig"], "other bytes").await;
            std::fs::remove_file(stage.path("bytes.sig")).unwrap();
        }
        std::fs::write(stage.path("bytes"), bytes).unwrap();
        let mut sign = Command::new("ssh-keygen");
        sign.args(["-q", "-Y", "sign", "-n", "topup", "-f"]).arg(stage.path("an")).arg(stage.path("bytes"));
        assert!(run(&mut sign).success());
        stage.topup(&["approve", BATCH, "--as", "an", "--signature", "bytes.sig"]).await.exits(0);
        // What was approved is exactly this: another reason is another decision.
        let other = ["retry", BATCH, "--why", "another reason", "--yes", "--as", "lan", "--sign", "lan"];
        stage.topup(&other).await.exits(9);
        stage.topup(&["withdraw", BATCH, "--why", "x", "--as", "lan"]).await.exits(0);
        stage.topup(&retry).await.exits(0);
        stage.topup(&["resume", BATCH]).await.exits(4);
    }
    stage.topup(&VERIFY).await.exits(0);
}

/// A plan that was approved for one gateway is not paid at another one on a single person's word.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nobody_binds_an_approved_plan_elsewhere_alone() {
    let stage = two_persons().await;
    stage.topup(&PLAN).await.exits(0);
    stage.topup(&["approve", BATCH, "--as", "minh", "--sign", "minh"]).await.exits(0);
    stage.set("gateway.terminal_id", "\"T002\"");
    refused(&stage, &["resume", BATCH], "nobody changes that alone").await;
    refused(&stage, &["rebind", "--why", "new terminal", "--yes"], "nobody changes that alone").await;
    assert_eq!(stage.requests(), 0);
    for who in ["lan", "minh"] {
        let lower = ["policy", "--persons", "1", "--why", "new terminal", "--as", who, "--sign", who];
        stage.topup(&lower).await.exits(if who == "lan" { 9 } else { 0 });
    }
    stage.topup(&["rebind", "--why", "new terminal", "--yes"]).await.exits(0);
    let raise = ["policy", "--persons", "2", "--why", "as before", "--as", "lan", "--sign", "lan"];
    stage.topup(&raise).await.exits(0);
    stage.topup(&VERIFY).await.exits(0);
}
