//! Each fault: what the client sees, and whether the book then holds the credit.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use topup::simulator::{DeliveryFate, FaultCount, FaultPlan, Simulator};

use crate::client::{Back, Sent, connect, member_info, order_status, simulator, status_of, top_up};

/// What a fault looks like from outside.
#[derive(Clone, Copy, Debug)]
enum Seen {
    Closed,
    Reset,
    Cut,
    /// A status, and a body without a readable code.
    Unreadable(u16),
    /// A status and a code.
    Code(u16, i64),
}

fn looks_like(back: &Back, seen: Seen) -> bool {
    match seen {
        Seen::Closed => *back == Back::Closed,
        Seen::Reset => *back == Back::Reset,
        Seen::Cut => matches!(back, Back::Cut { .. }),
        Seen::Unreadable(status) => back.status() == Some(status) && back.code().is_none(),
        Seen::Code(status, code) => back.status() == Some(status) && back.code() == Some(code),
    }
}

/// A name, what the client sees, whether a top-up is applied.
const FAULTS: &[(&str, Seen, bool)] = &[
    ("lost_before", Seen::Closed, false),
    ("lost_after", Seen::Closed, true),
    ("reset_before", Seen::Reset, false),
    ("reset_after", Seen::Reset, true),
    ("cut_after_head", Seen::Cut, false),
    ("cut_after_head_applied", Seen::Cut, true),
    ("cut_in_body", Seen::Cut, false),
    ("cut_in_body_applied", Seen::Cut, true),
    ("truncated_json", Seen::Unreadable(200), false),
    ("truncated_json_applied", Seen::Unreadable(200), true),
    ("invalid_json", Seen::Unreadable(200), false),
    ("invalid_json_applied", Seen::Unreadable(200), true),
    ("empty_body", Seen::Unreadable(200), false),
    ("empty_body_applied", Seen::Unreadable(200), true),
    ("html_200", Seen::Unreadable(200), false),
    ("html_200_applied", Seen::Unreadable(200), true),
    ("challenge_403", Seen::Unreadable(403), false),
    ("challenge_403_applied", Seen::Unreadable(403), true),
    ("http_500", Seen::Unreadable(500), false),
    ("http_500_applied", Seen::Unreadable(500), true),
    ("http_502", Seen::Unreadable(502), false),
    ("http_502_applied", Seen::Unreadable(502), true),
    ("http_503", Seen::Unreadable(503), false),
    ("http_503_applied", Seen::Unreadable(503), true),
    ("http_504", Seen::Unreadable(504), false),
    ("http_504_applied", Seen::Unreadable(504), true),
    ("code_5000", Seen::Code(500, 5_000), false),
    ("code_5000_applied", Seen::Code(500, 5_000), true),
    ("code_5000001", Seen::Code(500, 5_000_001), false),
    ("code_5000001_applied", Seen::Code(500, 5_000_001), true),
    ("code_5000101", Seen::Code(500, 5_000_101), false),
    ("code_5000101_applied", Seen::Code(500, 5_000_101), true),
    ("unknown_code", Seen::Code(200, 7_777_777), false),
    ("unknown_code_applied", Seen::Code(200, 7_777_777), true),
    ("nonce_refused", Seen::Code(401, 4_010_006), false),
    ("nonce_refused_applied", Seen::Code(401, 4_010_006), true),
    ("oversized", Seen::Code(200, 200), false),
    ("oversized_applied", Seen::Code(200, 200), true),
    ("trickle", Seen::Code(200, 200), true),
    ("too_many", Seen::Unreadable(429), false),
    ("too_many_applied", Seen::Unreadable(429), true),
    ("too_many_retry_after", Seen::Unreadable(429), false),
    ("redirect_301", Seen::Unreadable(301), false),
    ("redirect_302", Seen::Unreadable(302), false),
    ("redirect_307", Seen::Unreadable(307), false),
    ("redirect_308", Seen::Unreadable(308), false),
    ("duplicate", Seen::Code(401, 4_010_006), true),
    ("duplicate_invoice", Seen::Code(200, 4_000_307), true),
    ("order_error_500", Seen::Code(500, 5_000), false),
    ("order_error_lost", Seen::Closed, false),
    ("late", Seen::Closed, false),
    ("refuse_4000", Seen::Code(400, 4_000), false),
    ("refuse_4000001", Seen::Code(200, 4_000_001), false),
    ("refuse_4030302", Seen::Code(200, 4_030_302), false),
    ("refuse_403100", Seen::Code(403, 403_100), false),
    ("refuse_4030001", Seen::Code(403, 4_030_001), false),
    ("refuse_4040201", Seen::Code(404, 4_040_201), false),
    ("refuse_4010001", Seen::Code(401, 4_010_001), false),
    ("refuse_4010002", Seen::Code(401, 4_010_002), false),
    ("refuse_4010003", Seen::Code(401, 4_010_003), false),
    ("refuse_4010004", Seen::Code(401, 4_010_004), false),
    ("refuse_4010005", Seen::Code(401, 4_010_005), false),
    ("refuse_500400", Seen::Code(200, 500_400), false),
    ("refuse_600400", Seen::Code(200, 600_400), false),
    ("slow", Seen::Code(200, 200), true),
    ("delayed", Seen::Code(200, 200), true),
    ("idle_close", Seen::Code(200, 200), true),
];

#[tokio::test]
async fn each_fault_is_seen_and_applied_as_its_name_says() {
    let simulator = simulator("none").await;
    for (number, (name, seen, applied)) in FAULTS.iter().enumerate() {
        let plan = format!("{name}=1,trickle_s=0.0001,slow_s=0.001,oversized_mib=1");
        simulator.set_faults(plan.parse().unwrap());
        let invoice_no = format!("TP{number}");
        let back = top_up(&invoice_no, "0901234567", 50).send(&simulator).await;
        let shape = if let Back::Answer { status, body, .. } = &back {
            format!("{status}, {} bytes", body.len())
        } else {
            format!("{back:?}")
        };
        assert!(looks_like(&back, *seen), "{name}: expected {seen:?}, found {shape}");
        let (book, stats) = (simulator.book(), simulator.stats());
        let order = book.order(&invoice_no).unwrap_or_else(|| panic!("{name}: every delivery is in the book"));
        assert_eq!(order.credited_at.is_some(), *applied, "{name}");
        assert_eq!(order.deliveries.len(), 1, "{name}");
        assert_eq!(stats.fault(name), FaultCount { injected: 1, applied: u64::from(*applied) }, "{name}");
        assert_eq!((stats.invalid, stats.signature_failures, stats.violations), (0, 0, 0), "{name}");
    }
    assert_eq!(simulator.stats().faults_injected(), FAULTS.len() as u64);
}

#[tokio::test]
async fn the_read_only_calls_meet_the_faults_of_the_wire() {
    let simulator = simulator("none").await;
    top_up("TP1", "0901234567", 50).send(&simulator).await;
    for (name, seen, _) in FAULTS {
        let Ok(plan) = format!("order_status.{name}=1,member_info.{name}=1,trickle_s=0.0001,slow_s=0.001").parse()
        else {
            continue; // A fault of the top-up alone.
        };
        simulator.set_faults(plan);
        for sent in [order_status("TP1"), member_info("0901234567")] {
            let back = sent.send(&simulator).await;
            assert!(looks_like(&back, *seen), "{name}: expected {seen:?}");
        }
        assert_eq!(top_up("TP1", "0901234567", 50).send(&simulator).await.code(), Some(4_000_307), "{name}");
    }
    assert_eq!(simulator.book().credit_count(), 1);
}

#[tokio::test]
async fn details_of_the_wire_are_as_asked() {
    let simulator = simulator("too_many_retry_after=1,retry_after_s=7").await;
    let back = order_status("TP1").send(&simulator).await;
    assert_eq!(back.header("retry-after").as_deref(), Some("7"));
    simulator.set_faults("too_many=1".parse().unwrap());
    assert_eq!(order_status("TP1").send(&simulator).await.header("retry-after"), None);
    simulator.set_faults("oversized=1,oversized_mib=3".parse().unwrap());
    let Back::Answer { body, .. } = order_status("TP1").send(&simulator).await else { panic!("expected an answer") };
    assert!(body.len() > 3 * 1_024 * 1_024);
    simulator.set_faults("cut_after_head=1".parse().unwrap());
    assert_eq!(order_status("TP1").send(&simulator).await, Back::Cut { kept: 0 });
    simulator.set_faults("slow=1,slow_s=0.05".parse().unwrap());
    let started = Instant::now();
    order_status("TP1").send(&simulator).await;
    assert!(started.elapsed() >= Duration::from_millis(50));
}

#[tokio::test]
async fn a_followed_redirect_is_counted_and_applied() {
    let simulator = simulator("redirect_307=1").await;
    let sent = top_up("TP1", "0901234567", 50);
    let target = sent.send(&simulator).await.header("location").unwrap();
    assert_eq!(simulator.stats().redirects_followed, 0);
    simulator.heal();
    assert_eq!(Sent { target, ..sent }.send(&simulator).await.code(), Some(200));
    assert_eq!(simulator.stats().redirects_followed, 1);
    let book = simulator.book();
    let fates = book.order("TP1").unwrap().deliveries.iter().map(|delivery| delivery.fate).collect::<Vec<_>>();
    assert_eq!(fates, [DeliveryFate::Unprocessed, DeliveryFate::Credited]);
}

#[tokio::test]
async fn an_idle_connection_is_closed_after_its_answer() {
    let simulator = simulator("idle_close=1").await;
    let mut connection = connect(&simulator).await;
    assert_eq!(top_up("TP1", "0901234567", 50).send_on(&mut connection).await.code(), Some(200));
    let mut rest = Vec::new();
    assert_eq!(tokio::io::AsyncReadExt::read_to_end(&mut connection, &mut rest).await.unwrap(), 0);
}

#[tokio::test]
async fn a_late_top_up_lands_only_after_order_status_said_absent() {
    let simulator = simulator("late=1,late_asks=2").await;
    assert_eq!(top_up("TP1", "0901234567", 50).send(&simulator).await, Back::Closed);
    for _ in 0..2 {
        assert_eq!(simulator.book().credit_count(), 0);
        assert_eq!(status_of(&simulator, "TP1").await, None);
    }
    simulator.heal();
    assert_eq!(top_up("TP1", "0901234567", 50).send(&simulator).await.code(), Some(4_000_307));
    assert_eq!(status_of(&simulator, "TP1").await.as_deref(), Some("S"));
    assert_eq!(simulator.book().credit_count(), 1);
    assert_eq!(simulator.stats().fault("late"), FaultCount { injected: 1, applied: 1 });
}

#[tokio::test]
async fn a_late_top_up_does_not_pay_what_a_resend_has_paid() {
    let simulator = simulator("late=1").await;
    top_up("TP1", "0901234567", 50).send(&simulator).await;
    simulator.heal();
    assert_eq!(top_up("TP1", "0901234567", 50).send(&simulator).await.code(), Some(200));
    assert_eq!(status_of(&simulator, "TP1").await.as_deref(), Some("S"));
    let book = simulator.book();
    assert_eq!((book.credit_count(), book.points()), (1, 50));
    assert_eq!(simulator.stats().fault("late").applied, 0);
}

#[tokio::test]
async fn a_delayed_top_up_is_processed_though_the_client_has_gone() {
    let simulator = simulator("delayed=1,slow_s=0.2").await;
    let sent = top_up("TP1", "0901234567", 50);
    let gone = tokio::time::timeout(Duration::from_millis(50), sent.send(&simulator)).await;
    assert!(gone.is_err());
    assert_eq!(status_of(&simulator, "TP1").await, None);
    let deadline = Instant::now() + Duration::from_secs(10);
    while status_of(&simulator, "TP1").await.is_none() {
        assert!(Instant::now() < deadline, "expected the credit to come");
    }
    assert_eq!(simulator.book().delivery_count("TP1"), 1);
}

#[tokio::test]
async fn order_status_lags_behind_the_book() {
    let simulator = simulator("lag=1,lag_asks=2").await;
    assert_eq!(top_up("TP1", "0901234567", 50).send(&simulator).await.code(), Some(200));
    let mut seen = Vec::new();
    for _ in 0..4 {
        seen.push(status_of(&simulator, "TP1").await.is_some());
    }
    assert_eq!(seen, [false, false, true, true]);
    assert_eq!(simulator.stats().fault("lag").injected, 2);
    simulator.set_faults("lag=1,lag_asks=0,lag_s=3600".parse().unwrap());
    assert_eq!(status_of(&simulator, "TP1").await, None);
    simulator.set_faults("status_absent=1".parse().unwrap());
    assert_eq!(status_of(&simulator, "TP1").await, None);
    simulator.heal();
    assert_eq!(status_of(&simulator, "TP1").await.as_deref(), Some("S"));
}

#[tokio::test]
async fn nonsense_is_only_told_about_what_exists() {
    let simulator = simulator("none").await;
    top_up("TP1", "0901234567", 50).send(&simulator).await;
    for (plan, pointer, expected) in [
        ("status_odd=1", "/data/status", Some("P")),
        ("status_other_phone=1", "/data/phone_no", Some("0999999999")),
        ("type_odd=1", "/data/type", Some("TXN_BURN")),
        ("status_no_data=1", "/data/status", None),
    ] {
        simulator.set_faults(plan.parse().unwrap());
        let back = order_status("TP1").send(&simulator).await;
        assert_eq!(back.code(), Some(200), "{plan}");
        assert_eq!(back.json().unwrap().pointer(pointer).and_then(|value| value.as_str()), expected, "{plan}");
        assert_eq!(status_of(&simulator, "TP2").await, None, "{plan}");
    }
    for (plan, expected) in
        [("member_no_status=1", None), ("member_odd_status=1", Some("X")), ("member_no_data=1", None)]
    {
        simulator.set_faults(plan.parse().unwrap());
        let back = member_info("0901234567").send(&simulator).await;
        assert_eq!(back.code(), Some(200), "{plan}");
        assert_eq!(back.json().unwrap().pointer("/data/status").and_then(|value| value.as_str()), expected, "{plan}");
    }
    assert_eq!(simulator.stats().fault("status_odd").injected, 1, "what had no effect is not counted");
}

#[tokio::test]
async fn a_resend_can_be_refused_for_another_reason() {
    let simulator = simulator("resend_refused_500400=1").await;
    assert_eq!(top_up("TP1", "0901234567", 50).send(&simulator).await.code(), Some(200));
    assert_eq!(simulator.stats().fault("resend_refused_500400").injected, 0);
    assert_eq!(top_up("TP1", "0901234567", 50).send(&simulator).await.code(), Some(500_400));
    simulator.set_faults("resend_refused_4000326=1".parse().unwrap());
    assert_eq!(top_up("TP1", "0901234567", 50).send(&simulator).await.code(), Some(4_000_326));
    assert_eq!(simulator.book().credit_count(), 1);
}

/// Sends twenty payouts thrice each, asks about each, in the given order; gives all that the book and the client saw.
async fn trace(simulator: &Simulator, order: &[u32]) -> BTreeMap<String, Vec<String>> {
    let mut trace = BTreeMap::<String, Vec<String>>::new();
    for _ in 0..3 {
        for number in order {
            let invoice_no = format!("TP{number}");
            for sent in [top_up(&invoice_no, "0901234567", 50), order_status(&invoice_no)] {
                let seen = match sent.send(simulator).await {
                    Back::Answer { status, body, .. } => format!("{status}, {} bytes", body.len()),
                    back @ (Back::Cut { .. } | Back::Closed | Back::Reset) => format!("{back:?}"),
                };
                trace.entry(invoice_no.clone()).or_default().push(seen);
            }
        }
    }
    for order in simulator.book().orders() {
        let fates = order.deliveries.iter().map(|delivery| format!("{:?}", delivery.fate));
        trace.entry(order.invoice_no.clone()).or_default().extend(fates);
    }
    trace
}

#[tokio::test]
async fn a_seed_gives_the_same_faults_in_any_order_of_arrival() {
    let plan = |seed| {
        let plan = FaultPlan::every_wire_fault(seed, 0.02).with("trickle_s", 0.0001).unwrap();
        plan.with("slow_s", 0.001).unwrap().with("oversized_mib", 1.0).unwrap().to_string()
    };
    let forwards = (0..20).collect::<Vec<_>>();
    let backwards = (0..20).rev().collect::<Vec<_>>();
    let first = trace(&simulator(&plan(11)).await, &forwards).await;
    assert_eq!(first, trace(&simulator(&plan(11)).await, &forwards).await);
    assert_eq!(first, trace(&simulator(&plan(11)).await, &backwards).await);
    assert_ne!(first, trace(&simulator(&plan(12)).await, &forwards).await);
}

#[tokio::test]
async fn nothing_is_credited_twice_under_all_faults_at_once() {
    let simulator = simulator("every=0.02,seed=5,trickle_s=0.0001,slow_s=0.001,oversized_mib=1").await;
    trace(&simulator, &(0..40).collect::<Vec<_>>()).await;
    let (book, stats) = (simulator.book(), simulator.stats());
    assert!(book.credits().all(|order| {
        let credits = order.deliveries.iter().filter(|delivery| delivery.fate == DeliveryFate::Credited).count();
        order.deliveries.len() == 3 && credits <= 1
    }));
    assert_eq!(book.points(), 50 * book.credit_count() as u64);
    assert_eq!(stats.top_up, 120);
    assert!(stats.faults_injected() > 50, "{:?}", stats.faults);
    assert!(stats.busiest_second() >= 1 && stats.arrivals().count() == 240);
}

#[tokio::test]
async fn a_request_that_is_refused_on_its_headers_is_answered_plainly() {
    let simulator = simulator("lost_after=0.5,late=0.5").await;
    for number in 0..10 {
        let unsigned = Sent { signature: Some(String::new()), ..top_up(&format!("TP{number}"), "0901234567", 50) };
        assert_eq!(unsigned.send(&simulator).await.code(), Some(4_010_001));
    }
    assert_eq!(simulator.stats().faults_injected(), 0);
    assert_eq!(simulator.book().orders().count(), 0);
}
