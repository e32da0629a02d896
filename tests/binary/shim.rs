//! Between the program and the kernel: the order of syncs and sends, and disks that fail at the N-th write or sync.
//!
//! Needs a C compiler (`cc`), as the program's own build does.

#![expect(clippy::unwrap_used, reason = "a helper of tests: where it fails, the test fails")]

use super::cases::for_each;
use super::harness::{Ended, RUN, Stage};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use tempfile::TempDir;

/// The compiled shim, in a folder of its own that goes with it.
struct Shim {
    _folder: TempDir,
    library: PathBuf,
}

impl Shim {
    fn compile() -> Arc<Self> {
        let folder = tempfile::tempdir().unwrap();
        let library = folder.path().join("shim.so");
        let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/shim/shim.c");
        let compiled = std::process::Command::new("cc")
            .args(["-shared", "-fPIC", "-O1", "-Wall", "-Werror", "-pthread", "-o"])
            .args([&library, &source])
            .output();
        let compiled = compiled.unwrap_or_else(|error| panic!("these tests need a c compiler named `cc`: {error}"));
        assert!(compiled.status.success(), "the shim does not compile: {}", String::from_utf8_lossy(&compiled.stderr));
        Arc::new(Self { _folder: folder, library })
    }

    async fn run(&self, stage: &Stage, variable: &str, value: &str) -> Ended {
        let library = self.library.to_str().unwrap();
        stage.topup_with(&RUN, &[("LD_PRELOAD", library), (variable, value)]).await
    }
}

#[derive(Debug)]
struct Record<'a> {
    kind: u8,
    class: u8,
    bytes: &'a [u8],
}

fn records(mut log: &[u8]) -> Vec<Record<'_>> {
    let mut records = Vec::new();
    while let [kind, class, a, b, c, d, rest @ ..] = log {
        let (bytes, rest) = rest.split_at(u32::from_ne_bytes([*a, *b, *c, *d]) as usize);
        records.push(Record { kind: *kind, class: *class, bytes });
        log = rest;
    }
    assert!(log.is_empty(), "the log ends within a record");
    records
}

fn contains(bytes: &[u8], part: &str) -> bool {
    bytes.windows(part.len()).any(|window| window == part.as_bytes())
}

/// Whether a page of the write-ahead log holds the intent whose send carries this request id.
fn holds_intent(page: &[u8], request_id: &str) -> bool {
    const KIND: &[u8] = b"submit_intended";
    let starts = page.windows(KIND.len()).enumerate().filter(|(_, window)| *window == KIND).map(|(at, _)| at);
    // The columns of one row stand one after the other: the kind, and a little later the request id.
    starts.into_iter().any(|at| contains(&page[at..(at + 80).min(page.len())], request_id))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn before_each_top_up_leaves_its_intent_is_written_and_synced() {
    let shim = Shim::compile();
    let stage = Stage::new("top_up.lost_before=0.3,top_up.lost_after=0.2,seed=5").await;
    stage.impatient();
    stage.set("gateway.rate_per_s", "200");
    stage.set("safety.canary_rows", "0");
    stage.rows(12);
    shim.run(&stage, "SHIM_LOG", "shim.log").await.exits(0);
    let log = std::fs::read(stage.path("shim.log")).unwrap();
    let records = records(&log);
    let mut top_ups = 0;
    for (left_at, record) in records.iter().enumerate().filter(|(_, record)| record.kind == b'P') {
        let text = String::from_utf8_lossy(record.bytes);
        if !text.contains("\"point_amount\"") {
            assert!(!text.contains("mi_v1_loyalty_transaction_topup"), "a top-up's head left before its body: {text}");
            continue;
        }
        top_ups += 1;
        let request_id = text.split("x-request-id: ").nth(1).and_then(|text| text.split("\r\n").next()).unwrap();
        let before = &records[..left_at];
        let written = before
            .iter()
            .position(|record| record.kind == b'W' && record.class == b'w' && holds_intent(record.bytes, request_id));
        let written = written.unwrap_or_else(|| panic!("{request_id} left without an intent"));
        let is_log = |record: &Record<'_>, kind| record.kind == kind && record.class == b'w';
        let begun = before.iter().skip(written).position(|record| is_log(record, b'B')).map(|at| at + written);
        let begun = begun.unwrap_or_else(|| panic!("no sync began between the intent of {request_id} and its send"));
        let ended = before.iter().skip(begun).any(|record| is_log(record, b'E'));
        assert!(ended, "no sync was over between the intent of {request_id} and its send");
    }
    let delivered: u64 = stage.simulator.book().orders().map(|order| order.deliveries.len() as u64).sum();
    let intended: u64 = stage.payouts().iter().map(|payout| payout.intents).sum();
    assert_eq!((top_ups, intended), (delivered, delivered), "every top-up that arrived was looked at");
    assert!(top_ups > 12, "some were sent again");
    stage.audit_end();
}

/// One failure of the disk: the run says so and ends, or never meets it; nothing is lost, and a rerun finishes.
async fn fail_and_finish(shim: Arc<Shim>, plan: String) {
    let stage = Stage::new("none").await;
    stage.patience("0.5");
    stage.set("gateway.rate_per_s", "300");
    stage.set("safety.canary_rows", "1");
    stage.rows(6);
    let ended = shim.run(&stage, "SHIM_FAIL", &plan).await;
    match ended.code() {
        // Never met, or met only when the finished ledger was folded together.
        0 => assert_eq!(stage.credits(), 6),
        1 => {
            assert!(ended.stderr.contains("error: ") && !ended.stderr.contains("panicked"), "{ended:?}");
            let last = ended.stderr.lines().last().unwrap_or_default();
            assert!(last.starts_with("hint: ") && !last.contains("Error code"), "{ended:?}");
        }
        _ => assert!(ended.was_killed() && (plan.contains("kill") || plan.contains("power")), "{ended:?}"),
    }
    stage.audit_payments();
    stage.finish(&RUN).await.exits(0);
    stage.audit_end();
    stage.audit_intents();
    assert_eq!(stage.credits(), 6);
}

async fn sweep(op: &'static str, how: &'static str, span: &'static str, passes: impl Iterator<Item = u32>) {
    let shim = Shim::compile();
    let plans = passes.map(|pass| format!("{op}:{pass}:{how}:{span}"));
    for_each(plans, |plan| fail_and_finish(Arc::clone(&shim), plan)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_disk_that_is_full_at_any_write_loses_nothing() {
    sweep("write", "enospc", "once", (1..=60).step_by(3)).await;
    sweep("write", "enospc", "always", (2..=60).step_by(3)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_error_at_any_sync_loses_nothing() {
    sweep("sync", "eio", "once", 1..=18).await;
    sweep("sync", "eio", "always", (1..=18).step_by(2)).await;
}

/// What was written and not synced vanishes: nothing that left the machine may be among it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_power_cut_at_any_moment_loses_nothing() {
    sweep("send", "power", "once", 1..=24).await;
    sweep("write", "power", "once", (1..=90).step_by(4)).await;
    sweep("sync", "power", "once", 1..=18).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_kill_in_the_middle_of_any_write_loses_nothing() {
    sweep("write", "kill", "once", (1..=90).step_by(3)).await;
    sweep("sync", "kill", "once", (1..=18).step_by(2)).await;
}
