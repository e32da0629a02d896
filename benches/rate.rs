//! How well the rate is held: the real program against the simulator over loopback, at a rate and a latency.
//!
//! Prints the share of the rate that was reached, and the largest number of requests that left in any sliding second,
//! by the times of departure that the program logs. `cargo bench --bench rate`, or `cargo bench --bench rate -- RATE LATENCY_MS SECONDS`.

#![expect(clippy::expect_used, clippy::print_stdout, reason = "a benchmark prints, and ends where its set-up fails")]

use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;
use topup::simulator::{FaultPlan, Latency, Members, PublicKey, Simulator, SimulatorOptions, generate_key_pem};

const CASES: &[(f64, u64, u64)] =
    &[(50.0, 100, 20), (100.0, 100, 60), (500.0, 5, 20), (500.0, 500, 20), (1500.0, 100, 20)];

fn main() {
    let numbers: Vec<f64> = std::env::args().skip(1).filter_map(|argument| argument.parse().ok()).collect();
    println!(
        "{:>8} {:>11} {:>8} {:>10} {:>12} {:>8} {:>14}",
        "rate/s", "latency ms", "seconds", "requests", "reached/s", "share", "busiest second"
    );
    match numbers[..] {
        [rate, latency_ms, seconds] => case(rate, latency_ms as u64, seconds as u64),
        _ => CASES.iter().for_each(|(rate, latency_ms, seconds)| case(*rate, *latency_ms, *seconds)),
    }
}

fn case(rate: f64, latency_ms: u64, seconds: u64) {
    let folder = tempfile::tempdir().expect("a folder");
    // Each row costs two requests.
    let rows = (rate * seconds as f64 / 2.0) as u32;
    run(folder.path(), rate, latency_ms, rows);
    let departed = departures(&folder.path().join("run.log"));
    let span_s = (departed[departed.len() - 1] - departed[0]) as f64 / 1e6;
    let reached = (departed.len() - 1) as f64 / span_s;
    let busiest = departed
        .iter()
        .enumerate()
        .map(|(index, at)| departed[index..].iter().take_while(|later| **later <= at + 1_000_000).count());
    println!(
        "{rate:>8} {latency_ms:>11} {span_s:>8.1} {:>10} {reached:>12.2} {:>7.2}% {:>14}",
        departed.len(),
        reached / rate * 100.0,
        busiest.max().unwrap_or_default()
    );
}

/// When each request left, in microseconds since the run began, in order.
fn departures(log: &Path) -> Vec<u64> {
    let text = std::fs::read_to_string(log).expect("the run's log");
    let field = |line: &str| line.split("\"departed_us\":").nth(1)?.split([',', '}']).next()?.parse().ok();
    let mut departed: Vec<u64> = text.lines().filter_map(field).collect();
    departed.sort_unstable();
    departed
}

fn run(folder: &Path, rate: f64, latency_ms: u64, rows: u32) {
    let key = generate_key_pem().expect("a key");
    std::fs::write(folder.join("merchant.pem"), &key).expect("a key file");
    let mut permissions = std::fs::metadata(folder.join("merchant.pem")).expect("a key file").permissions();
    std::os::unix::fs::PermissionsExt::set_mode(&mut permissions, 0o600);
    std::fs::set_permissions(folder.join("merchant.pem"), permissions).expect("a private key file");
    let lines: String = (0..rows).map(|n| format!("09{n:08},100\n")).collect();
    std::fs::write(folder.join("rows.csv"), format!("phone,points\n{lines}")).expect("a payout file");
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().expect("a runtime");
    runtime.block_on(async {
        let simulator = Simulator::start(SimulatorOptions {
            port: 0,
            merchant_id: "M001".to_owned(),
            terminal_id: "T001".to_owned(),
            key_code: "bench".to_owned(),
            public_key: PublicKey::from_private_key_pem(&key).expect("a public key"),
            members: Members::everyone(),
            faults: FaultPlan::none(),
            latency: Latency { mean: Duration::from_millis(latency_ms), jitter: Duration::from_millis(latency_ms / 4) },
        })
        .await
        .expect("a simulator");
        let config = format!(
            "[gateway]\nurl = \"{}\"\nmerchant_id = \"M001\"\nterminal_id = \"T001\"\nkey_code = \"bench\"\n\
             private_key = \"merchant.pem\"\nrate_per_s = {rate}\n[safety]\ncanary_rows = 0\n",
            simulator.url()
        );
        std::fs::write(folder.join("topup.toml"), config).expect("a configuration");
        let mut command = Command::new(env!("CARGO_BIN_EXE_topup"));
        command
            .args(["run", "rows.csv", "--batch", "bench", "--yes", "--quiet", "--log", "run.log"])
            .current_dir(folder);
        let status = tokio::task::spawn_blocking(move || command.stdout(Stdio::null()).status()).await;
        let status = status.expect("a task").expect("a child");
        assert!(status.success(), "the run ended with {status}");
        simulator.stop().await;
    })
}
