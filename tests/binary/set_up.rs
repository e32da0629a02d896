//! Set-up that is wrong: keys, clocks, merchants, configuration; each is named, and the payouts stay planned.

use super::harness::{BATCH, KEY_CODE, KEY_PEM, RUN, Stage, run_and, until, write_private};
use rustix::process::Signal;
use serde_json::json;
use std::os::unix::fs::PermissionsExt as _;
use topup::simulator::generate_key_pem;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_unknown_key_of_the_configuration_names_the_nearest() {
    let stage = Stage::new("none").await;
    stage.rows(2);
    let ended = stage.topup_with(&RUN, &[("TOPUP_RESOLVE_SETLE_S", "3")]).await.exits(2);
    assert!(ended.stderr.contains("did you mean TOPUP_RESOLVE_SETTLE_S?"), "{}", ended.stderr);
    stage.set("gateway.rate_per_sec", "3");
    let ended = stage.topup(&run_and(&["--json"])).await.exits(2);
    assert_eq!(ended.json()["error"]["code"], "configuration");
    assert_eq!(ended.json()["error"]["hint"], "did you mean gateway.rate_per_s?");
    assert!(!stage.ledger().exists());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_settle_time_below_the_timeout_is_refused() {
    let stage = Stage::new("none").await;
    stage.rows(2);
    stage.set("resolve.settle_s", "19");
    stage.topup(&RUN).await.exits(2).says(&["resolve.settle_s must be at least gateway.timeout_s (20 s), found 19"]);
    assert!(!stage.ledger().exists());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn flags_go_over_the_environment_and_that_over_the_file() {
    let stage = Stage::new("none").await;
    stage.rows(2);
    stage.set("ledger.path", "\"file.db\"");
    let environment = [("TOPUP_LEDGER_PATH", "environment.db")];
    stage.topup_with(&run_and(&["--ledger", "flag.db"]), &environment).await.exits(0);
    assert!(stage.path("flag.db").exists() && !stage.path("environment.db").exists());
    stage.topup_with(&run_and(&["--dry-run"]), &environment).await.exits(0);
    stage.topup_with(&["status"], &environment).await.exits(2).says(&["environment.db"]);
    stage.topup(&["status"]).await.exits(2).says(&["file.db"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_key_that_others_may_read_is_refused_with_the_command_to_type() {
    let stage = Stage::new("none").await;
    stage.rows(2);
    let key = stage.path("merchant.pem");
    for mode in [0o644, 0o640, 0o604] {
        std::fs::set_permissions(&key, std::fs::Permissions::from_mode(mode)).unwrap();
        stage.topup(&RUN).await.exits(2).says(&["chmod 600 ", "merchant.pem"]);
        stage.topup(&["doctor"]).await.exits(2);
    }
    std::fs::set_permissions(&key, std::fs::Permissions::from_mode(0o400)).unwrap();
    stage.topup(&RUN).await.exits(0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn files_that_are_no_key_say_what_they_are() {
    let stage = Stage::new("none").await;
    stage.rows(2);
    for text in ["", "hello", "-----BEGIN PUBLIC KEY-----\nMAA=\n-----END PUBLIC KEY-----\n"] {
        write_private(&stage.path("merchant.pem"), text);
        let ended = stage.topup(&run_and(&["--json"])).await.exits(2).says(&["merchant.pem"]);
        assert!(ended.json()["error"]["hint"].is_string(), "{text:?}");
    }
    std::fs::remove_file(stage.path("merchant.pem")).unwrap();
    let error = stage.topup(&run_and(&["--json"])).await.exits(2).says(&["merchant.pem", "No such file"]).json();
    let hint = error["error"]["hint"].as_str().unwrap();
    assert!(hint.starts_with("correct private_key") && !hint.contains("No such file"), "the cause is no hint: {hint}");
    assert_eq!(stage.requests(), 0);
}

/// Exit 7, every payout still planned, nothing credited; and once the cause is gone the same command finishes.
async fn stopped(stage: &Stage, code: &str, expected: &[&str], repair: impl FnOnce(&Stage)) {
    let ended = stage.topup(&run_and(&["--json"])).await.exits(7).says(expected);
    assert_eq!((&ended.json()["verdict"], &ended.json()["reason"]["code"]), (&json!("stopped"), &json!(code)));
    assert_eq!(ended.rows("planned"), 40, "{}", ended.stdout);
    assert_eq!(stage.credits(), 0);
    assert!(stage.requests() < 40, "it went on calling: {}", stage.requests());
    repair(stage);
    stage.finish(&RUN).await.exits(0);
    stage.audit_end_but_for_signatures();
    stage.audit_intents();
}

impl Stage {
    /// The end, where a wrong key left its traces in the counters.
    #[track_caller]
    fn audit_end_but_for_signatures(&self) {
        assert_eq!((self.credits(), self.in_state("credited")), (40, 40));
        assert_eq!(self.simulator.book().violations(), []);
        self.audit_sums();
    }
}

async fn slow_stage(faults: &str) -> Stage {
    let stage = Stage::new(faults).await;
    stage.set("gateway.rate_per_s", "100");
    stage.rows(40);
    stage
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_key_that_the_gateway_refuses_stops_the_batch() {
    let stage = slow_stage("none").await;
    write_private(&stage.path("merchant.pem"), &generate_key_pem().unwrap());
    let repair = |stage: &Stage| write_private(&stage.path("merchant.pem"), &KEY_PEM);
    stopped(&stage, "credentials", &["4010001", "check [gateway] key_code and private_key"], repair).await;
    let stage = slow_stage("none").await;
    stage.set("gateway.key_code", "\"another\"");
    let repair = |stage: &Stage| stage.set("gateway.key_code", &format!("\"{KEY_CODE}\""));
    stopped(&stage, "credentials", &["4010001", "check [gateway] key_code and private_key"], repair).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_clock_that_the_gateway_refuses_stops_the_batch_and_names_the_skew() {
    for (skew_s, code, expected) in [
        (-3600, "4010003", "ahead of the gateway's; set this machine's clock"),
        (7300, "4010004", "behind the gateway's; set this machine's clock"),
        // The gateway would still take it, and a top-up is stamped by the gateway's clock.
        (3600, "behind the gateway's, and 60 s are allowed", "set this machine's clock"),
    ] {
        let stage = slow_stage(&format!("skew_s={skew_s}")).await;
        stopped(&stage, "clock", &[code, expected], Stage::heal).await;
    }
    // Less than a minute is made up for; and where late requests are not bounded, an hour behind is taken.
    for (skew_s, within) in [("50", "10"), ("3600", "0")] {
        let stage = slow_stage(&format!("skew_s={skew_s}")).await;
        stage.set("gateway.deliver_within_s", within);
        stage.topup(&RUN).await.exits(0);
        stage.audit_end();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_window_that_is_set_wrong_stops_the_batch_at_its_first_top_up_and_names_both_settings() {
    let stage = slow_stage("window_s=300").await;
    let named = ["4010004", "deliver_within_s", "timestamp_window_s", "the command doctor measures"];
    stopped(&stage, "clock", &named, |stage| stage.set("gateway.timestamp_window_s", "300")).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn answers_about_the_merchant_stop_the_batch_at_the_top_up() {
    for code in ["4030302", "403100", "4030001", "4040201"] {
        let stage = slow_stage(&format!("top_up.refuse_{code}=1")).await;
        stopped(&stage, "credentials", &[code, "check [gateway] merchant_id and terminal_id"], Stage::heal).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_simulator_command_serves_a_gateway_that_doctor_and_run_accept() {
    let stage = Stage::new("none").await;
    stage.rows(5);
    let arguments = ["simulator", "--port", "0", "--key", "made.pem", "--make-key", "--for-s", "90", "--json"];
    let mut live = stage.start(&arguments);
    until("it says where it listens", || live.has_ended() || live.stderr().contains("; Ctrl-C ends it")).await;
    let said = live.stderr();
    let url =
        said.split("simulator at ").nth(1).and_then(|text| text.split(' ').next()).unwrap_or_else(|| panic!("{said}"));
    let mode = std::fs::metadata(stage.path("made.pem")).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode, 0o600);
    stage.point_at(url);
    stage.set("gateway.private_key", "\"made.pem\"");

    let doctor = stage.topup(&["doctor", "--json"]).await.exits(0).json();
    let checks = doctor["checks"].as_array().unwrap();
    for what in ["configuration", "gateway", "settings", "private key", "signed call", "clock"] {
        assert!(checks.iter().any(|check| check["check"] == what && check["result"] == "ok"), "{what}: {doctor}");
    }
    stage.topup(&RUN).await.exits(0);
    stage.topup(&["doctor"]).await.exits(0);
    stage.set("gateway.private_key", "\"merchant.pem\"");
    let doctor = stage.topup(&["doctor"]).await.exits(7);
    assert!(doctor.stdout.contains("4010001"), "{}", doctor.stdout);
    live.signal(Signal::TERM);
    let ended = live.end().await.exits(0);
    assert_eq!(ended.json()["book"]["credits"], 5, "doctor credits nothing");
    // A file of before is not overwritten: the key stays the key.
    assert_eq!(stage.topup(&["status", BATCH, "--json"]).await.json()["credited"]["rows"], 5);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_fault_plan_with_a_slip_of_the_pen_names_the_nearest_fault() {
    let stage = Stage::new("none").await;
    let arguments = ["simulator", "--port", "0", "--key", "merchant.pem", "--faults", "lost_aftr=0.1"];
    stage.topup(&arguments).await.exits(2).says(&["lost_after"]);
    std::fs::write(stage.path("members.csv"), "phone,status\n0901234567,x\n").unwrap();
    let wrong: [(&[&str], &str); 3] = [
        (&["--key", "made.pem", "--make-key", "--faults", "lost_after=2"], "faults"),
        (&["--key", "merchant.pem", "--members", "members.csv"], "members"),
        (&["--key", "members.csv"], "key"),
    ];
    for (more, code) in wrong {
        let arguments = [&["simulator", "--port", "0", "--for-s", "90", "--json"], more].concat();
        assert_eq!(stage.topup(&arguments).await.exits(2).json()["error"]["code"], code);
    }
    assert!(!stage.path("made.pem").exists(), "a key was made for a command that was typed wrongly");
}
