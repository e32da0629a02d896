//! Top-ups that are delivered late, at a gateway that takes a repeated number for a new order: nothing but the gateway's
//! refusal of an old timestamp stands between a member and a second payment.

#![expect(clippy::unwrap_used, reason = "a helper of tests: where it fails, the test fails")]

#[cfg(all(debug_assertions, target_os = "linux"))]
use super::audit::open;
use super::harness::{BATCH, RUN, Stage, until};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

/// The bound of late requests in these tests, with the second that timestamps do not tell.
const BOUND: Duration = Duration::from_secs(4 + 1);

/// Stands between the program and the gateway, and keeps the bytes of top-ups to itself until they are asked for.
struct Proxy {
    url: String,
    gateway: String,
    held: Arc<Mutex<Vec<Held>>>,
    /// So many more top-ups are held; the others pass.
    holds: Arc<Mutex<usize>>,
}

/// The bytes of a request, and when they came.
struct Held {
    bytes: Vec<u8>,
    at: Instant,
}

impl Proxy {
    async fn before(stage: &Stage, holds: usize) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let proxy = Self {
            url: format!("http://{}", listener.local_addr().unwrap()),
            gateway: stage.simulator.url().replace("http://", ""),
            held: Arc::default(),
            holds: Arc::new(Mutex::new(holds)),
        };
        stage.point_at(&proxy.url);
        let (gateway, held, holds) = (proxy.gateway.clone(), Arc::clone(&proxy.held), Arc::clone(&proxy.holds));
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(serve(stream, gateway.clone(), Arc::clone(&held), Arc::clone(&holds)));
            }
        });
        proxy
    }

    fn held(&self) -> usize {
        self.held.lock().unwrap().len()
    }

    /// The first of those that are held has been on its way for longer than the bound.
    fn is_late(&self) -> bool {
        self.held.lock().unwrap().first().is_some_and(|held| held.at.elapsed() > BOUND)
    }

    /// Delivers the first of those that are held, and gives the answer that nobody waits for any more.
    async fn deliver(&self) -> String {
        let held = self.held.lock().unwrap().remove(0);
        let mut gateway = TcpStream::connect(&self.gateway).await.unwrap();
        gateway.write_all(&held.bytes).await.unwrap();
        let mut answer = String::new();
        gateway.read_to_string(&mut answer).await.unwrap();
        answer
    }
}

/// One connection: each request goes on to the gateway, unless it is a top-up that is held. Then its sender hears
/// nothing more.
async fn serve(mut stream: TcpStream, gateway: String, held: Arc<Mutex<Vec<Held>>>, holds: Arc<Mutex<usize>>) {
    let mut buffer = Vec::new();
    while let Some(bytes) = read_message(&mut stream, &mut buffer).await {
        let is_held = String::from_utf8_lossy(&bytes).contains("mi_v1_loyalty_transaction_topup") && {
            let mut holds = holds.lock().unwrap();
            let is_held = *holds > 0;
            *holds = holds.saturating_sub(1);
            is_held
        };
        if is_held {
            held.lock().unwrap().push(Held { bytes, at: Instant::now() });
            return;
        }
        let mut onwards = TcpStream::connect(&gateway).await.unwrap();
        onwards.write_all(&bytes).await.unwrap();
        let Some(answer) = read_message(&mut onwards, &mut Vec::new()).await else { return };
        if stream.write_all(&answer).await.is_err() {
            return;
        }
    }
}

/// Reads a head and the body that it announces.
async fn read_message(stream: &mut TcpStream, buffer: &mut Vec<u8>) -> Option<Vec<u8>> {
    loop {
        if let Some(head_end) = buffer.windows(4).position(|window| window == b"\r\n\r\n").map(|at| at + 4) {
            let head = String::from_utf8_lossy(&buffer[..head_end]).to_lowercase();
            let length = head.lines().find_map(|line| line.strip_prefix("content-length: ")).unwrap();
            let end = head_end + length.trim().parse::<usize>().unwrap();
            if buffer.len() >= end {
                return Some(buffer.drain(..end).collect());
            }
        }
        if stream.read_buf(buffer).await.unwrap_or(0) == 0 {
            return None;
        }
    }
}

/// A gateway that credits a repeated number again, and a program that bounds late requests so tightly that a test can
/// wait for it.
async fn stage(rows: usize) -> Stage {
    let stage = Stage::new("apply_repeats=1").await;
    stage.set("gateway.timeout_s", "1");
    stage.set("gateway.deliver_within_s", "4");
    stage.set("resolve.settle_s", "14");
    stage.set("safety.canary_rows", "0");
    stage.rows(rows);
    stage
}

/// Everyone has the points once, and the ledger says so.
#[track_caller]
fn everyone_is_paid_once(stage: &Stage, rows: usize, refused_late: u64) {
    assert_eq!(stage.simulator.stats().refused_late, refused_late);
    assert_eq!((stage.credits(), stage.in_state("credited")), (rows, rows));
    stage.audit_end();
    stage.audit_intents();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_top_up_that_arrives_late_before_or_after_an_absent_answer_pays_nobody_twice() {
    let stage = stage(3).await;
    let proxy = Proxy::before(&stage, 3).await;
    let live = stage.start(&RUN);
    until("three top-ups are on their way", || proxy.held() == 3).await;
    // Order status says absent meanwhile, which proves nothing yet.
    until("the first of them is late", || proxy.is_late()).await;
    assert!(proxy.deliver().await.contains("4010004"), "refused for its age");
    until("all of them went out again", || stage.credits() == 3).await;
    assert!(proxy.deliver().await.contains("4010004"));
    live.end().await.exits(0);
    assert!(proxy.deliver().await.contains("4010004"));
    everyone_is_paid_once(&stage, 3, 3);
    stage.audit_rerun(&RUN, 0).await;
}

/// The fault is a real one: without the bound, the very same pays twice.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_the_bound_a_late_top_up_pays_twice_at_such_a_gateway() {
    let stage = stage(1).await;
    stage.set("gateway.deliver_within_s", "0");
    stage.set("resolve.settle_s", "5");
    let proxy = Proxy::before(&stage, 1).await;
    stage.topup(&RUN).await.exits(0);
    assert_eq!(stage.credits(), 1);
    proxy.deliver().await;
    assert_eq!((stage.credits(), stage.simulator.stats().refused_late), (2, 0));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_top_up_that_outlives_its_program_pays_nobody_twice() {
    let stage = stage(3).await;
    let proxy = Proxy::before(&stage, 3).await;
    let live = stage.start(&RUN);
    until("three top-ups are on their way", || proxy.held() == 3).await;
    assert!(live.kill().await.was_killed());
    let again = stage.start(&["resume", BATCH]);
    until("the first of them is late", || proxy.is_late()).await;
    assert!(proxy.deliver().await.contains("4010004"));
    until("all of them went out again", || stage.credits() == 3).await;
    assert!(proxy.deliver().await.contains("4010004"));
    again.end().await.exits(0);
    assert!(proxy.deliver().await.contains("4010004"));
    everyone_is_paid_once(&stage, 3, 3);
}

/// What arrives within the bound is no stranger: order status finds it, and nothing goes out again.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_top_up_that_arrives_within_the_bound_is_found_and_not_sent_again() {
    let stage = stage(1).await;
    // As long as the test needs: the request is delivered as soon as the run is known to have given it up.
    stage.set("gateway.deliver_within_s", "60");
    stage.set("resolve.settle_s", "70");
    let proxy = Proxy::before(&stage, 1).await;
    let live = stage.start(&RUN);
    until("order status said absent", || stage.simulator.stats().codes.contains_key(&4_040_001)).await;
    assert!(proxy.deliver().await.contains("\"code\":200"));
    // The next question is due only after the settle time: a new run asks at once.
    assert!(live.kill().await.was_killed());
    stage.topup(&["resume", BATCH]).await.exits(0);
    everyone_is_paid_once(&stage, 1, 0);
    assert_eq!(stage.simulator.stats().top_up, 1);
}

/// A machine that falls asleep between the permit and the send wakes up with a permit that is dead.
#[cfg(all(debug_assertions, target_os = "linux"))]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_program_that_was_stopped_before_its_send_lets_no_byte_out_when_it_goes_on() {
    let stage = stage(1).await;
    let mut command = stage.command(&RUN);
    // The first send is member info's, the second one the top-up's: its intent is durable and it is signed.
    command.env("TOPUP_STOP_AT", "before-send:2");
    let live = stage.start_command(command);
    let stat = format!("/proc/{}/stat", live.pid());
    until("it stands still", || std::fs::read_to_string(&stat).is_ok_and(|text| text.contains(") T "))).await;
    let stopped = Instant::now();
    assert_eq!((stage.in_state("in_doubt"), stage.simulator.stats().top_up), (1, 0));
    until("the bound has passed", || stopped.elapsed() > BOUND).await;
    live.signal(rustix::process::Signal::CONT);
    live.end().await.exits(0);
    let ledger = open(&stage.ledger());
    let first = "SELECT detail FROM events WHERE kind = 'send_ended' ORDER BY event_id LIMIT 1";
    assert_eq!(ledger.query_row(first, [], |row| row.get::<_, String>(0)).unwrap(), "unsent");
    assert_eq!(stage.simulator.stats().top_up, 1, "the first one never left");
    everyone_is_paid_once(&stage, 1, 0);
}
