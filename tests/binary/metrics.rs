//! The numbers that a run serves to Prometheus: in the text format, on loopback only, and those of the summary.

#![expect(clippy::unwrap_used, reason = "a helper of tests: where it fails, the test fails")]

use super::harness::{BATCH, Live, Stage, run_and, until};
use rustix::process::Signal;
use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};

/// Where a run says that it serves its metrics.
async fn address_of(run: &Live) -> String {
    until("the metrics are served", || run.stderr().contains("/metrics")).await;
    run.stderr().split("http://").nth(1).unwrap().split("/metrics").next().unwrap().to_owned()
}

fn get(address: &str, path: &str) -> std::io::Result<String> {
    let mut stream = TcpStream::connect(address)?;
    write!(stream, "GET {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n")?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    Ok(answer)
}

/// The values of a page, by name and labels, each of a family that has a type.
fn values(answer: &str) -> BTreeMap<String, f64> {
    let (head, page) = answer.split_once("\r\n\r\n").unwrap();
    assert!(head.starts_with("HTTP/1.1 200") && head.contains("text/plain; version=0.0.4"), "{head}");
    let mut values = BTreeMap::new();
    for line in page.lines().filter(|line| !line.starts_with('#')) {
        let (name, value) = line.rsplit_once(' ').unwrap();
        let family = name.split('{').next().unwrap();
        let family = ["_bucket", "_sum", "_count"].iter().find_map(|end| family.strip_suffix(end)).unwrap_or(family);
        assert!(page.contains(&format!("# TYPE {family} ")) && page.contains(&format!("# HELP {family} ")), "{line}");
        assert_eq!(values.insert(name.to_owned(), value.parse().unwrap()), None, "{name} twice");
    }
    values
}

fn requests(values: &BTreeMap<String, f64>, call: &str) -> f64 {
    let prefix = format!("topup_requests_total{{call=\"{call}\"");
    values.iter().filter(|(name, _)| name.starts_with(&prefix)).map(|(_, count)| count).sum()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_run_can_be_scraped_and_its_numbers_are_those_of_the_summary() {
    // Every answer to a top-up is lost and nobody can say what became of it: the run goes on asking, and waits.
    let stage = Stage::new("top_up.lost_after=1,order_status.http_503=1").await;
    stage.set("safety.canary_rows", "0");
    stage.set("safety.breaker_in_doubt", "0");
    stage.rows(5);
    let run = stage.start(&run_and(&["--metrics", "127.0.0.1:0", "--json"]));
    let address = address_of(&run).await;
    let in_doubt = "topup_payouts{state=\"in_doubt\"}";
    let mut scraped = values(&get(&address, "/metrics").unwrap());
    until("all five are in doubt and answered", || {
        scraped = values(&get(&address, "/metrics").unwrap());
        scraped[in_doubt] == 5.0 && requests(&scraped, "top_up") == 5.0
    })
    .await;
    assert!(get(&address, "/").unwrap().starts_with("HTTP/1.1 404"));
    run.signal(Signal::INT);
    let ended = run.end().await.exits(130);
    let json = ended.json();
    assert_eq!(json["in_doubt"]["rows"], 5);
    assert_eq!(Some(scraped["topup_in_doubt_points"]), json["in_doubt"]["points"].as_f64());
    for (state, rows) in [("planned", 0.0), ("credited", 0.0)] {
        assert_eq!(
            (scraped[&format!("topup_payouts{{state=\"{state}\"}}")], json[state]["rows"].as_f64()),
            (rows, Some(rows))
        );
    }
    for call in ["member_info", "top_up"] {
        assert_eq!(Some(requests(&scraped, call)), json["requests"][call].as_f64(), "{call}");
        let count = scraped[&format!("topup_request_duration_seconds_count{{call=\"{call}\"}}")];
        let largest = scraped[&format!("topup_request_duration_seconds_bucket{{call=\"{call}\",le=\"+Inf\"}}")];
        assert_eq!((count, largest), (5.0, 5.0));
        assert_eq!(scraped[&format!("topup_requests_in_flight{{call=\"{call}\"}}")], 0.0);
    }
    assert!(scraped.contains_key("topup_requests_total{call=\"top_up\",http=\"none\",code=\"none\"}"), "{scraped:?}");
    assert!(get(&address, "/metrics").is_err(), "the server ends with the run");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_busy_port_or_another_address_ends_before_anything_is_sent() {
    let stage = Stage::new("none").await;
    stage.rows(2);
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    stage.topup(&run_and(&["--metrics", &address])).await.exits(2).says(&["--metrics", "nothing was sent"]);
    for outside in ["0.0.0.0:9464", "192.0.2.1:9464", "nowhere", "127.0.0.1"] {
        stage.topup(&run_and(&["--metrics", outside])).await.exits(2);
    }
    assert_eq!((stage.requests(), stage.ledger().exists()), (0, false));
    stage.topup(&run_and(&["--metrics", "127.0.0.1:0"])).await.exits(0);
    for command in ["resume", "resolve"] {
        stage.topup(&[command, BATCH, "--metrics", &address]).await.exits(2);
        stage.topup(&[command, BATCH, "--metrics", "127.0.0.1:0"]).await.exits(0);
    }
    stage.audit_end();
}
