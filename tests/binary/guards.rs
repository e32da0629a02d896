//! What keeps one payout from being sent under two numbers: the binding of a batch, and the look at other batches.

use super::harness::{BATCH, KEY_PEM, RUN, Stage, options, phone};
use topup::simulator::{Latency, Members, Simulator};

const OTHER: [&str; 5] = ["run", "rewards.csv", "--batch", "another", "--yes"];

/// The same command under another setting is refused as wrong configuration, and nothing is sent.
async fn bound(stage: &Stage, arguments: &[&str], expected: &[&str]) {
    let requests = stage.requests();
    let arguments: Vec<&str> = arguments.iter().copied().chain(["--json"]).collect();
    let ended = stage.topup(&arguments).await.exits(2).says(expected);
    assert_eq!(ended.json()["error"]["code"], "bound", "{}", ended.stderr);
    assert_eq!(stage.requests(), requests);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_batch_goes_on_only_under_its_own_merchant_terminal_and_prefix() {
    let stage = Stage::new("none").await;
    stage.rows(3);
    stage.topup(&RUN).await.exits(0);
    for (key, own, other) in [
        ("gateway.merchant_id", "\"M001\"", "\"M002\""),
        ("gateway.terminal_id", "\"T001\"", "\"T002\""),
        ("payout.invoice_prefix", "\"TP\"", "\"XX\""),
    ] {
        stage.set(key, other);
        let word = key.split_once('.').unwrap().1;
        for arguments in [&RUN[..], &["resume", BATCH], &["resolve", BATCH]] {
            bound(&stage, arguments, &[word, own.trim_matches('"'), other.trim_matches('"')]).await;
        }
        stage.set(key, own);
    }
    stage.set("payout.invoice_prefix", "\"XX\"");
    bound(&stage, &OTHER, &["the prefix is fixed for a merchant's life"]).await;
    stage.set("payout.invoice_prefix", "\"TP\"");
    stage.audit_rerun(&RUN, 0).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_batch_goes_on_only_at_its_own_gateway() {
    let stage = Stage::new("none").await;
    stage.rows(3);
    stage.topup(&RUN).await.exits(0);
    let production = Simulator::start(options(Members::everyone(), "none", Latency::NONE)).await.unwrap();
    stage.point_at(&production.url());
    for arguments in [&RUN[..], &["resume", BATCH], &["resolve", BATCH]] {
        bound(&stage, arguments, &["bound to gateway 127.0.0.1"]).await;
    }
    assert_eq!(production.stats().requests(), 0, "a rehearsal's ledger met another gateway");
}

/// Exit 3 with this code, and nothing sent.
async fn refused(stage: &Stage, arguments: &[&str], code: &str) {
    let requests = stage.requests();
    let arguments: Vec<&str> = arguments.iter().copied().chain(["--json"]).collect();
    let ended = stage.topup(&arguments).await.exits(3);
    assert_eq!(ended.json()["error"]["code"], code, "{}", ended.stderr);
    assert_eq!(stage.requests(), requests);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_another_batch_may_still_pay_is_never_sent_under_a_second_number() {
    // Planned: the run stops at the first answer. In doubt: no answer to the top-up. Held: another name.
    for (faults, state, exit) in
        [("member_info.refuse_4010001=1", "planned", 7), ("top_up.lost_before=1", "in_doubt", 5), ("none", "held", 4)]
    {
        let members = Members::from_csv("phone,full_name\n0901234567,Nguyễn An\n".as_bytes()).unwrap();
        let stage = Stage::with(members, faults, Latency::NONE).await;
        stage.patience("0.5");
        stage.set("resolve.resubmit", "false");
        stage.set("resolve.queries_max", "2");
        let name = if state == "held" { "Lê Chi" } else { "Nguyễn An" };
        std::fs::write(stage.path("rewards.csv"), format!("phone,points,name\n0901234567,500,{name}\n")).unwrap();
        stage.topup(&RUN).await.exits(exit);
        assert_eq!(stage.in_state(state), 1);
        stage.heal();
        refused(&stage, &OTHER, "repeated_open").await;
        // What may have been paid already cannot be closed, so nobody is told to.
        let ended = stage.topup(&OTHER).await.exits(3).says(&["topup resume 2026-11"]);
        assert_eq!(ended.stderr.contains("topup cancel"), state != "in_doubt", "{}", ended.stderr);
        // A reason is for what was paid; what may still be paid has to be finished first.
        let with_reason: Vec<&str> = OTHER.into_iter().chain(["--repeat", "a second bonus"]).collect();
        refused(&stage, &with_reason, "repeated_open").await;
        assert_eq!(stage.payouts().len(), 1);
        assert_eq!(stage.credits(), 0);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_another_batch_credited_lately_is_paid_again_only_with_a_reason() {
    let stage = Stage::new("none").await;
    let rows: Vec<(String, u64)> = (0..4).map(|row| (phone(row), 100)).collect();
    stage.file("rewards.csv", &rows);
    stage.topup(&RUN).await.exits(0);
    refused(&stage, &OTHER, "repeated_credited").await;
    assert_eq!(stage.credits(), 4);

    stage.expect_all_again();
    let with_reason: Vec<&str> = OTHER.into_iter().chain(["--repeat", "a second bonus"]).collect();
    stage.topup(&with_reason).await.exits(0);
    assert_eq!(stage.credits(), 8);
    stage.audit_end();
    stage.audit_intents();
    let consent: String = super::audit::open(&stage.ledger())
        .query_row("SELECT consent FROM batches WHERE name = 'another'", [], |row| row.get(0))
        .unwrap();
    assert!(consent.contains("a second bonus"), "{consent}");
    assert!(!consent.contains(KEY_PEM.lines().nth(1).unwrap()));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn another_name_holds_a_payout_unless_the_configuration_says_otherwise() {
    for (names, file_says, exit, credits) in [
        ("hold", "An  nguyen", 0, 1),
        ("hold", "Lê Chi", 4, 0),
        ("hold", "", 0, 1),
        ("warn", "Lê Chi", 0, 1),
        ("off", "Lê Chi", 0, 1),
    ] {
        let members = Members::from_csv("phone,full_name\n0901234567,Nguyễn An\n".as_bytes()).unwrap();
        let stage = Stage::with(members, "none", Latency::NONE).await;
        stage.set("payout.names", &format!("\"{names}\""));
        std::fs::write(stage.path("rewards.csv"), format!("phone,points,name\n0901234567,500,{file_says}\n")).unwrap();
        let ended = stage.topup(&RUN).await.exits(exit);
        assert_eq!(stage.credits(), credits, "{names}, {file_says}: {}", ended.stderr);
        assert_eq!(stage.in_state("held"), 1 - credits, "{names}, {file_says}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_name_that_the_gateway_does_not_give_is_a_reason_and_a_setting_of_its_own() {
    for (names, missing, exit) in [("hold", "hold", 4), ("hold", "pay", 0), ("warn", "hold", 0), ("off", "hold", 0)] {
        let stage = Stage::new("none").await;
        stage.set("payout.names", &format!("\"{names}\""));
        stage.set("payout.names_missing", &format!("\"{missing}\""));
        stage.file("rewards.csv", &[("0901234567".to_owned(), 500)]);
        std::fs::write(stage.path("rewards.csv"), "phone,points,name\n0901234567,500,Lê Chi\n").unwrap();
        stage.topup(&RUN).await.exits(exit);
        if exit == 4 {
            let status = stage.topup(&["status", BATCH]).await.exits(0).stdout;
            assert!(status.contains("the gateway gives no name of the member"), "{status}");
            // What it says to type next does what it says.
            let (_, next) = status.split_once("next: topup ").unwrap();
            let typed: Vec<&str> = next.lines().next().unwrap().split(' ').chain(["--yes"]).collect();
            stage.topup(&typed).await.exits(0);
            stage.finish(&["resume", BATCH]).await.exits(0);
        }
        assert_eq!(stage.credits(), 1, "{names}, {missing}");
        stage.audit_end();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_simulator_calls_members_as_a_payout_file_does() {
    let stage = Stage::new("none").await;
    stage.rows(2);
    std::fs::write(stage.path("rewards.csv"), "Họ tên,SĐT,Số điểm\nLê Chi,0901234567,500\nAn,0901234568,50\n").unwrap();
    let rehearsal = ["run", "rewards.csv", "--batch", "b", "--rehearse", "--members", "rewards.csv"];
    stage.topup(&rehearsal).await.exits(0);
    std::fs::write(stage.path("other.csv"), "Họ tên,SĐT,Số điểm\nLê Chi,0901234567,500\nBo,0901234568,50\n").unwrap();
    let other = [&rehearsal[..6], &["other.csv"]].concat();
    stage.topup(&other).await.exits(4);
}

/// Everything that would send or ask at another name of the gateway, or as another merchant, is refused before it does.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn another_name_of_the_same_gateway_is_another_gateway_for_every_command() {
    let stage = Stage::new("none").await;
    stage.rows(3);
    stage.topup(&RUN).await.exits(0);
    stage.file("other.csv", &[]);
    let alias = stage.simulator.url().replace("127.0.0.1", "localhost");
    let dry: Vec<&str> = OTHER.into_iter().chain(["--dry-run"]).collect();
    let rehearsal: Vec<&str> = OTHER.into_iter().chain(["--rehearse"]).collect();
    let why = ["--why", "a test", "--yes"];
    let retry = [&["retry", BATCH], &why[..]].concat();
    let number = stage.payouts().remove(0).invoice_no;
    let attest = [&["attest", BATCH, &number, "--credited"], &why[..]].concat();
    let commands = [
        &RUN[..],
        &OTHER,
        &dry,
        &rehearsal,
        &["resume", BATCH],
        &["resolve", BATCH],
        &["verify", BATCH],
        &retry,
        &attest,
    ];
    for (key, own, other) in [
        ("gateway.url", format!("{:?}", stage.simulator.url()), format!("{alias:?}")),
        ("gateway.merchant_id", "\"M001\"".to_owned(), "\"M002\"".to_owned()),
    ] {
        stage.set(key, &other);
        for command in &commands {
            bound(&stage, command, &["the ledger is bound to", "and the configuration says"]).await;
        }
        let requests = stage.requests();
        let doctor = stage.topup(&["doctor"]).await.exits(2);
        assert!(doctor.stdout.contains("the ledger is bound to"), "{}", doctor.stdout);
        assert_eq!(stage.requests(), requests, "doctor asks nobody there");
        stage.set(key, &own);
    }
    // A variable is a configuration, too.
    let ended = stage.topup_with(&OTHER, &[("TOPUP_GATEWAY_URL", &alias)]).await.exits(2);
    assert!(!ended.stderr.contains("another batch name"), "{}", ended.stderr);
    assert_eq!(stage.credits(), 3);
    stage.audit_rerun(&RUN, 0).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_wrong_terminal_merchant_or_address_at_the_first_run_is_no_dead_end() {
    for (key, wrong, right) in [
        ("gateway.terminal_id", "\"T9\"", "\"T001\""),
        ("gateway.merchant_id", "\"M9\"", "\"M001\""),
        ("payout.invoice_prefix", "\"XX\"", "\"TP\""),
        ("gateway.url", "\"http://127.0.0.1:9\"", ""),
    ] {
        for resumes in [false, true] {
            let stage = Stage::new("none").await;
            stage.rows(2);
            stage.set(key, wrong);
            if key == "payout.invoice_prefix" {
                stage.faults("member_info.refuse_4010001=1");
            }
            stage.patience("1");
            let ended = stage.topup(&RUN).await;
            assert!([5, 7].contains(&ended.code()), "{ended:?}");
            stage.heal();
            let own = format!("{:?}", stage.simulator.url());
            stage.set(key, if right.is_empty() { &own } else { right });
            let arguments = if resumes { vec!["resume", BATCH] } else { RUN.to_vec() };
            let taken = stage.topup(&arguments).await;
            assert_eq!(taken.code(), 0, "{key}: {}", taken.stderr);
            assert!(taken.stderr.contains("nothing was ever sent from it, and from now on"), "{}", taken.stderr);
            assert_eq!(stage.credits(), 2);
            stage.audit_end();
            stage.topup(&["verify", BATCH]).await.exits(0);
            stage.audit_rerun(&RUN, 0).await;
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_in_doubt_settles_after_the_provider_moved() {
    let stage = Stage::new("top_up.lost_after=1,order_status.status_odd=1").await;
    stage.patience("0.5");
    stage.set("safety.canary_rows", "0");
    stage.set("resolve.queries_max", "1");
    stage.rows(1);
    stage.topup(&RUN).await.exits(5);
    stage.heal();
    let moved = stage.simulator.url().replace("127.0.0.1", "localhost");
    stage.point_at(&moved);
    bound(&stage, &["resolve", BATCH], &["topup rebind"]).await;
    stage.topup(&["rebind", "--why", "the provider moved"]).await.exits(3);
    bound(&stage, &["resolve", BATCH], &["topup rebind"]).await;
    let ended = stage.topup(&["rebind", "--why", "the provider moved", "--yes", "--json"]).await.exits(0);
    assert_eq!(ended.json()["batches"][0]["batch"], BATCH);
    stage.topup(&["resolve", BATCH]).await.exits(0);
    assert_eq!(stage.in_state("credited"), 1);
    stage.set("gateway.merchant_id", "\"M002\"");
    stage.topup(&["rebind", "--why", "another merchant", "--yes"]).await.exits(2).says(&["merchant_id"]);
    stage.set("gateway.merchant_id", "\"M001\"");
    stage.topup(&["verify", BATCH]).await.exits(0);
    stage.audit_end();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_retry_leaves_alone_what_another_batch_credited_meanwhile() {
    let stage = Stage::new("top_up.refuse_500400=1").await;
    stage.set("safety.canary_rows", "0");
    stage.set("safety.breaker_refused", "0");
    stage.rows(2);
    stage.topup(&RUN).await.exits(4);
    stage.heal();
    stage.topup(&OTHER).await.exits(0);
    assert_eq!(stage.credits(), 2);
    let retry = ["retry", BATCH, "--why", "mended", "--yes"];
    let ended = stage.topup(&retry).await.exits(0);
    assert!(ended.stdout.contains("left alone: row 2, TP"), "{}", ended.stdout);
    assert!(ended.stdout.contains("batch another credited the same member and points"), "{}", ended.stdout);
    assert!(ended.stdout.contains("planned again: 0 payouts"), "{}", ended.stdout);
    stage.topup(&["resume", BATCH]).await.exits(4);
    assert_eq!(stage.credits(), 2, "nobody was paid twice");
    let meant: Vec<&str> = retry.into_iter().chain(["--repeat", "a bonus"]).collect();
    stage.topup(&meant).await.exits(0);
    stage.topup(&["resume", BATCH]).await.exits(0);
    assert_eq!(stage.credits(), 4);
    stage.topup(&["verify", BATCH, "--offline"]).await.exits(0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn names_off_after_the_consent_pays_nobody_and_says_which_setting() {
    let members = Members::from_csv("phone,full_name\n0901234567,Nguyễn An\n".as_bytes()).unwrap();
    let stage = Stage::with(members, "member_info.refuse_4010001=1", Latency::NONE).await;
    std::fs::write(stage.path("rewards.csv"), "phone,points,name\n0901234567,500,Lê Chi\n").unwrap();
    stage.topup(&RUN).await.exits(7);
    stage.heal();
    let plan = stage.topup(&["status", BATCH, "--json"]).await.json()["plan"].as_str().unwrap().to_owned();
    let confirmed = ["run", "rewards.csv", "--batch", BATCH, "--confirm-plan", &plan];
    stage.set("payout.names", "\"off\"");
    for arguments in [&RUN[..], &["resume", BATCH], &confirmed] {
        refused(&stage, arguments, "setting_changed").await;
        let ended = stage.topup(arguments).await.exits(3);
        assert!(ended.stderr.contains("payout.names = hold"), "{}", ended.stderr);
    }
    stage.set("payout.names", "\"hold\"");
    std::fs::write(stage.path("rewards.csv"), "phone,points\n0901234567,500\n").unwrap();
    refused(&stage, &RUN, "plan_differs").await;
    stage.topup(&["resume", BATCH]).await.exits(4);
    assert_eq!((stage.in_state("held"), stage.credits()), (1, 0));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn skipped_rows_are_in_the_status_and_in_every_export() {
    let stage = Stage::new("none").await;
    let file = "phone,points,note\n0901234567,100,x\n0901234,100,y\n0901234568,1,=z\n";
    std::fs::write(stage.path("rewards.csv"), file).unwrap();
    let skipping = super::harness::run_and(&["--skip-invalid"]);
    stage.topup(&skipping).await.exits(4);
    let status = stage.topup(&["status", BATCH, "--json"]).await.json();
    assert_eq!(status["skipped_listed"][0]["row"], 3);
    assert_eq!((&status["skipped_unlisted"], status["skipped_listed"].as_array().unwrap().len()), (&0.into(), 2));
    let text = stage.topup(&["status", BATCH]).await.exits(0).stdout;
    assert!(text.contains("skipped, and why (2 rows in all)") && text.contains("row 4: points: needs"), "{text}");
    for name in ["r.csv", "r.json", "r.html", "r.xlsx"] {
        stage.topup(&["export", BATCH, "-o", name]).await.exits(0);
    }
    let read = |name: &str| std::fs::read_to_string(stage.path(name)).unwrap();
    let csv = read("r.csv");
    assert!(csv.contains("0901234,100,y,2026-11,3,,,skipped,,\"phone: needs"), "{csv}");
    assert!(csv.contains("0901234568,1,'=z,2026-11,4,"), "{csv}");
    let json: serde_json::Value = serde_json::from_str(&read("r.json")).unwrap();
    assert_eq!(json["payouts"].as_array().unwrap().len(), 1);
    assert_eq!(json["skipped"][1]["cells"][2][1], "=z");
    assert!(read("r.html").contains("phone: 0901234"));
    stage.topup(&["export", BATCH, "-o", "only.csv", "--only", "skipped"]).await.exits(0);
    assert_eq!(read("only.csv").lines().count(), 3);
    // Corrected and given back under the same batch, they are paid.
    let corrected = csv.replace("0901234,100", "0901234561,100").replace("0901234568,1,", "0901234568,150,");
    std::fs::write(stage.path("corrected.csv"), corrected).unwrap();
    stage.topup(&["run", "corrected.csv", "--batch", BATCH, "--yes"]).await.exits(0);
    assert_eq!(stage.credits(), 3);
    // A file of which nothing can be paid makes no batch.
    std::fs::write(stage.path("rewards.csv"), "phone,points\n09,100\n").unwrap();
    stage.topup(&["run", "rewards.csv", "--batch", "none", "--yes", "--skip-invalid"]).await.exits(3);
    stage.topup(&["status", "none"]).await.exits(2);
}
