//! What `doctor` says in each situation that keeps a run from its work, line by line: a line that is not true is worse
//! than none.

#![expect(clippy::unwrap_used, reason = "a helper of tests: where it fails, the test fails")]

use super::harness::{Ended, KEY_CODE, RUN, Stage, write_private};
use serde_json::Value;
use std::os::unix::fs::PermissionsExt as _;
use topup::simulator::generate_key_pem;

/// Result and words of a check; the test fails if there is none.
#[track_caller]
fn line(json: &Value, check: &str, result: &str) -> String {
    let lines: Vec<&Value> = json["checks"].as_array().unwrap().iter().filter(|line| line["check"] == check).collect();
    let line = lines.iter().find(|line| line["result"] == result);
    line.unwrap_or_else(|| panic!("{check} is not {result} in {json:#}"))["text"].as_str().unwrap().to_owned()
}

#[track_caller]
fn says_nothing_of(json: &Value, check: &str) {
    assert!(json["checks"].as_array().unwrap().iter().all(|line| line["check"] != check), "{check} in {json:#}");
}

async fn doctor(stage: &Stage, exit: i32) -> Value {
    stage.topup(&["doctor", "--json"]).await.exits(exit).json()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn in_order_it_says_so_with_the_source_of_each_value() {
    let stage = Stage::new("none").await;
    stage.rows(3);
    let before = doctor(&stage, 0).await;
    assert!(line(&before, "ledger", "warning").contains("does not exist yet"));
    stage.topup(&RUN).await.exits(0);
    let json =
        stage.topup_with(&["doctor", "--json", "-v"], &[("TOPUP_SAFETY_CANARY_ROWS", "7")]).await.exits(0).json();
    let configuration = line(&json, "configuration", "ok");
    for expected in [
        "gateway.merchant_id = \"M001\"   (file)",
        "safety.canary_rows = 7   (environment: TOPUP_SAFETY_CANARY_ROWS)",
        "payout.names = \"hold\"   (default)",
        "gateway.key_code = (set, not shown)   (file)",
        "limits.rows_per_batch is not set",
    ] {
        assert!(configuration.contains(expected), "{expected:?} is not in {configuration}");
    }
    assert!(!json.to_string().contains(KEY_CODE));
    for check in ["gateway", "settings", "name", "connection", "tls", "signed call", "clock", "integrity", "file modes"]
    {
        line(&json, check, "ok");
    }
    assert!(line(&json, "private key", "ok").ends_with("RSA, 2048 bits, mode 600"));
    assert!(line(&json, "journal", "ok").starts_with("write-ahead log, schema 1"));
    assert!(line(&json, "ledger", "ok").ends_with("topup.db, 1 batch"));
    let Ended { stdout, .. } = stage.topup(&["doctor"]).await.exits(0);
    assert!(stdout.contains("topup.toml (-v lists every setting)") && !stdout.contains("(default)"), "{stdout}");
    assert!(stdout.ends_with("everything that was looked at is in order\n"), "{stdout}");
    let flag = stage.topup(&["doctor", "-v", "--json", "--ledger", "other.db"]).await.exits(0).json();
    assert!(line(&flag, "configuration", "ok").contains("ledger.path = \"other.db\"   (flag: --ledger)"));
    assert_eq!(stage.credits(), 3, "doctor credits nothing");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_a_key_everything_else_is_still_looked_at() {
    let stage = Stage::new("none").await;
    std::fs::remove_file(stage.path("merchant.pem")).unwrap();
    let json = doctor(&stage, 2).await;
    assert!(line(&json, "private key", "failure").contains("\nhint: "));
    line(&json, "connection", "ok");
    line(&json, "signed call", "warning");
    says_nothing_of(&json, "tls");
    assert_eq!(stage.requests(), 0);
    stage.set("gateway.url", "\"https://user:secret@gateway.example\"");
    let json = doctor(&stage, 2).await;
    line(&json, "gateway", "failure");
    line(&json, "network", "warning");
    assert!(!json.to_string().contains("secret"), "{json}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_key_or_clock_that_the_gateway_refuses_is_named_with_what_to_do() {
    let stage = Stage::new("none").await;
    write_private(&stage.path("merchant.pem"), &generate_key_pem().unwrap());
    let json = doctor(&stage, 7).await;
    assert!(line(&json, "signed call", "failure").contains("4010001"));
    line(&json, "private key", "ok");
    line(&json, "clock", "ok");

    // The gateway's answer says how far off the clock is: a call that it takes is no sign that a run would go on.
    for (skew_s, call, clock, side) in [
        (-3600, "failure", "failure", "ahead of"),
        (3600, "ok", "failure", "behind"),
        (7300, "failure", "failure", "behind"),
        (40, "ok", "warning", "behind"),
    ] {
        let stage = Stage::new(&format!("skew_s={skew_s}")).await;
        let json = doctor(&stage, if clock == "failure" { 7 } else { 0 }).await;
        assert!(line(&json, "clock", clock).contains(side), "{json:#}");
        line(&json, "signed call", call);
    }
    // Where nothing is stamped by the gateway's clock, a run goes on behind it.
    let stage = Stage::new("skew_s=3600").await;
    stage.set("gateway.deliver_within_s", "0");
    line(&doctor(&stage, 0).await, "clock", "warning");
}

/// The window of the gateway is proved with order status alone, and another one is found.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_window_that_bounds_late_requests_is_measured_without_a_top_up() {
    let stage = Stage::new("none").await;
    let text = line(&doctor(&stage, 0).await, "late requests", "ok");
    assert!(text.contains("7190 s old is taken and one 7260 s old refused"), "{text}");
    for (window_s, set, exit) in [
        (300, None, 7),
        (3600, None, 7),
        (4567, None, 7),
        (7230, None, 2),
        (86_400, None, 2),
        (7200, Some("300"), 2),
        (300, Some("300"), 0),
    ] {
        stage.faults(&format!("window_s={window_s}"));
        stage.set("gateway.timestamp_window_s", set.unwrap_or("7200"));
        let before = stage.requests();
        let json = doctor(&stage, exit).await;
        if exit == 0 {
            line(&json, "late requests", "ok");
            continue;
        }
        let text = line(&json, "late requests", "failure");
        let named = text.split("set timestamp_window_s = ").nth(1).and_then(|text| text.split(' ').next()).unwrap();
        assert!((window_s - 6..=window_s).contains(&named.parse().unwrap()), "{window_s}: {text}");
        assert!([60, 30].into_iter().all(|round| window_s % round != 0) || named == window_s.to_string(), "{text}");
        assert!(stage.requests() - before <= 20, "{} calls for {window_s}", stage.requests() - before);
    }
    // No window at all: nothing to bound late requests by.
    stage.faults("window_s=10000000");
    let text = line(&doctor(&stage, 2).await, "late requests", "failure");
    assert!(text.contains("set deliver_within_s = 0"), "{text}");
    stage.set("gateway.deliver_within_s", "0");
    let text = line(&doctor(&stage, 0).await, "late requests", "warning");
    assert!(
        text.contains("for 300 s after it was signed") || text.contains("for 7200 s after it was signed"),
        "{text}"
    );
    let stats = stage.simulator.stats();
    assert_eq!((stats.top_up, stage.credits()), (0, 0));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_gateway_that_is_away_mute_or_another_is_told_apart() {
    let stage = Stage::new("none").await;
    // A port that was free a moment ago: nobody listens.
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    stage.point_at(&format!("http://{free}"));
    let json = doctor(&stage, 1).await;
    assert!(line(&json, "connection", "failure").contains(&free.to_string()));
    says_nothing_of(&json, "signed call");

    stage.point_at(&stage.simulator.url().replace("http:", "https:"));
    let json = doctor(&stage, 1).await;
    line(&json, "connection", "ok");
    assert!(line(&json, "tls", "failure").starts_with("no encrypted connection"));

    stage.point_at(&stage.simulator.url());
    stage.faults("lost_before=1");
    stage.patience("0.3");
    assert!(line(&doctor(&stage, 1).await, "signed call", "failure").contains("no whole answer"));

    stage.heal();
    stage.faults("html_200=1");
    assert!(line(&doctor(&stage, 1).await, "signed call", "failure").contains("expected code 4040001"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_ledger_that_is_exposed_read_only_damaged_or_another_gateways_is_named() {
    let stage = Stage::new("none").await;
    stage.rows(300);
    stage.topup(&RUN).await.exits(0);
    let ledger = stage.ledger();
    let mode = |mode| std::fs::set_permissions(&ledger, std::fs::Permissions::from_mode(mode)).unwrap();
    mode(0o644);
    assert!(line(&doctor(&stage, 0).await, "file modes", "warning").contains("(mode 644)\nhint: chmod 600 "));
    mode(0o400);
    // Whoever may write to everything is warned; anybody else could not run.
    let ended = stage.topup(&["doctor", "--json"]).await;
    let can_write = rustix::process::geteuid().is_root();
    assert_eq!(ended.code(), if can_write { 0 } else { 1 }, "{}", ended.stdout);
    assert!(line(&ended.json(), "file modes", "warning").contains("read-only (mode 400)"));
    if !can_write {
        assert!(line(&ended.json(), "ledger", "failure").contains("cannot write to"));
    }
    mode(0o600);

    stage.set("gateway.terminal_id", "\"T002\"");
    assert!(line(&doctor(&stage, 7).await, "bindings", "warning").contains("bound to terminal_id T001"));
    stage.set("gateway.terminal_id", "\"T001\"");

    // Past the first pages, which say what the file is.
    let mut bytes = std::fs::read(&ledger).unwrap();
    let from = bytes.len() / 2 / 4096 * 4096;
    bytes[from..from + 8192].fill(0xa5);
    std::fs::write(&ledger, bytes).unwrap();
    // SQLite finds some damage only as it reads on, and then gives up.
    let json = doctor(&stage, 1).await;
    let lines = json["checks"].as_array().unwrap().iter();
    let failed = lines.filter(|line| line["result"] == "failure").map(|line| line["text"].to_string());
    assert!(failed.collect::<String>().contains("restore a backup"), "{json:#}");
    std::fs::write(&ledger, "not a ledger at all").unwrap();
    assert!(line(&doctor(&stage, 1).await, "ledger", "failure").contains("is no ledger"));
}

/// What `run` refuses before it sends anything, `doctor` calls a failure, with the same exit status.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whatever_keeps_a_run_from_beginning_is_a_failure() {
    for (key, value, exit, check) in [
        ("gateway.key_code", "\"28f04867\\n\"", 2, "client"),
        ("gateway.key_code", "\"\"", 2, "gateway"),
        ("gateway.merchant_id", "\"M 001\"", 2, "client"),
        ("gateway.terminal_id", "\"T001\\r\"", 2, "client"),
        ("gateway.private_key", "\"nowhere.pem\"", 2, "private key"),
        ("gateway.rate_per_s", "0", 2, "settings"),
        ("gateway.max_in_flight", "0", 2, "settings"),
        ("payout.invoice_prefix", "\"long\"", 2, "invoice prefix"),
        ("payout.names", "\"maybe\"", 2, "settings"),
        ("payout.repeat_window_days", "5000", 2, "settings"),
        ("limits.points_per_batch", "0", 2, "settings"),
        ("ledger.path", "\"no/such/folder/topup.db\"", 1, "ledger"),
    ] {
        let stage = Stage::new("none").await;
        stage.rows(1);
        stage.set(key, value);
        stage.topup(&RUN).await.exits(exit);
        let json = doctor(&stage, exit).await;
        assert!(!line(&json, check, "failure").is_empty(), "{key} = {value}");
        assert_eq!(stage.credits(), 0);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_machine_without_root_certificates_is_named_before_a_run_finds_out() {
    let stage = Stage::new("none").await;
    stage.rows(1);
    stage.point_at(&stage.simulator.url().replace("http:", "https:"));
    std::fs::write(stage.path("empty.pem"), "").unwrap();
    std::fs::create_dir(stage.path("empty")).unwrap();
    let (file, folder) = (stage.path("empty.pem"), stage.path("empty"));
    let none = [("SSL_CERT_FILE", file.to_str().unwrap()), ("SSL_CERT_DIR", folder.to_str().unwrap())];
    stage.topup_with(&RUN, &none).await.exits(1).says(&["ca-certificates"]);
    let json = stage.topup_with(&["doctor", "--json"], &none).await.exits(1).json();
    assert!(line(&json, "client", "failure").contains("ca-certificates"), "{json:#}");
}
