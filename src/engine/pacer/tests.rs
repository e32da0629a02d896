//! When requests leave, by tokio's own clock.

use super::*;

/// When so many leave, on virtual time.
async fn moments(pacer: &Pacer, count: usize) -> Vec<Instant> {
    let mut moments = Vec::new();
    for _ in 0..count {
        let slot = pacer.slot().await.unwrap();
        moments.push(pacer.depart(slot).await.unwrap());
    }
    moments
}

/// The same in milliseconds from now on.
async fn departures(pacer: &Pacer, count: usize) -> Vec<u128> {
    let start = Instant::now();
    moments(pacer, count).await.into_iter().map(|at| at.duration_since(start).as_millis()).collect()
}

#[test]
fn who_has_a_slot_leaves_while_a_permit_lives() {
    for (rate_per_s, lives_s, expected) in [(20.0, 13, 9), (20.0, 1, 9), (1.0, 13, 5), (1.0, 4, 2), (0.2, 13, 1)] {
        let pacer = Pacer::new(rate_per_s, Instant::now()).hurried(rate_per_s, Duration::from_secs(lives_s));
        assert_eq!(pacer.slots.available_permits(), expected, "{rate_per_s} {lives_s}");
    }
}

#[tokio::test(start_paused = true)]
async fn requests_leave_evenly() {
    let pacer = Pacer::new(10.0, Instant::now());
    assert_eq!(departures(&pacer, 5).await, [0, 100, 200, 300, 400]);
}

#[tokio::test(start_paused = true)]
async fn the_first_waits_for_its_time() {
    let pacer = Pacer::new(10.0, Instant::now() + SECOND);
    assert_eq!(departures(&pacer, 3).await, [1000, 1100, 1200]);
}

#[tokio::test(start_paused = true)]
async fn a_late_request_does_not_delay_the_next_ones() {
    let pacer = Pacer::new(10.0, Instant::now());
    departures(&pacer, 2).await;
    tokio::time::advance(Duration::from_millis(130)).await;
    // Ideal times are 200 and 300 since the start, and 230 have passed.
    assert_eq!(departures(&pacer, 2).await, [0, 70]);
}

#[tokio::test(start_paused = true)]
async fn no_sliding_second_holds_more_than_rate_plus_one() {
    let pacer = Pacer::new(50.0, Instant::now());
    let mut all = Vec::new();
    let start = Instant::now();
    for pause_ms in [0, 5000, 90, 300, 0, 1000] {
        tokio::time::advance(Duration::from_millis(pause_ms)).await;
        let offset = start.elapsed().as_millis();
        all.extend(departures(&pacer, 80).await.into_iter().map(|ms| ms + offset));
    }
    let busiest = (0..all.len()).map(|i| all[i..].iter().take_while(|t| **t <= all[i] + 999).count()).max();
    assert!(busiest <= Some(51), "{busiest:?}");
    assert!(busiest >= Some(50), "{busiest:?}");
}

/// The most that leave in any second of a pace that goes on, stalls, is told to pause, and is cut and begun again.
async fn busiest_across_a_cut(rate_per_s: f64, stall_ms: u64, pause_ms: u64, after_cut_ms: u64) -> usize {
    let old = Pacer::new(rate_per_s, Instant::now());
    let mut all = moments(&old, 70).await;
    // A machine that stalls catches up in a burst, and so may what a pause held back; the cut comes right behind it.
    let waits = moments(&old, 2);
    let stalls = async {
        tokio::time::advance(Duration::from_millis(stall_ms)).await;
        if pause_ms > 0 {
            old.slow_down(Duration::from_millis(pause_ms));
        }
    };
    all.extend(tokio::join!(biased; waits, stalls).0);
    tokio::time::advance(Duration::from_millis(after_cut_ms)).await;
    let new = Pacer::new(rate_per_s, Instant::now() + quiet_after_a_cut(rate_per_s));
    all.extend(moments(&new, 50).await);
    (0..all.len()).map(|i| all[i..].iter().take_while(|at| **at < all[i] + SECOND).count()).max().unwrap_or(0)
}

#[tokio::test(start_paused = true)]
async fn no_second_across_a_cut_holds_more_than_rate_plus_one() {
    assert_eq!(quiet_after_a_cut(50.0), Duration::from_millis(120));
    assert_eq!(quiet_after_a_cut(0.5), SECOND);
    for (rate_per_s, most) in [(3.5, 4), (7.0, 8), (50.0, 51)] {
        for stall_ms in [0, 90, 250, 400, 900] {
            for pause_ms in [0, 100, 300, 1000] {
                for after_cut_ms in [0, 7, 100, 500, 990] {
                    let busiest = busiest_across_a_cut(rate_per_s, stall_ms, pause_ms, after_cut_ms).await;
                    let when = format!("stall {stall_ms}, pause {pause_ms}, {after_cut_ms} ms after the cut");
                    assert!(busiest <= most, "{busiest} at {rate_per_s}/s: {when}");
                }
            }
        }
    }
}

#[tokio::test(start_paused = true)]
async fn nothing_leaves_a_closed_pacer() {
    let pacer = Pacer::new(10.0, Instant::now() + SECOND);
    let slot = pacer.slot().await.unwrap();
    let departure = pacer.depart(slot);
    pacer.close();
    assert_eq!(departure.await, None);
    let slot = pacer.slot().await.unwrap();
    assert_eq!(pacer.depart(slot).await, None);
}

#[tokio::test(start_paused = true)]
async fn a_slowed_run_pauses_halves_and_recovers() {
    let pacer = Pacer::new(10.0, Instant::now());
    departures(&pacer, 3).await;
    assert_eq!(pacer.slow_down(Duration::from_secs(3)), Some(5.0));
    // A second answer of the same burst changes nothing further.
    assert_eq!(pacer.slow_down(Duration::from_secs(3)), None);
    let times = departures(&pacer, 120).await;
    assert!(times[0] >= 3000, "{times:?}");
    let gaps: Vec<u128> = times.windows(2).map(|pair| pair[1] - pair[0]).collect();
    let in_the_next_second = times.iter().filter(|at| **at < times[0] + 1000).count();
    assert!(in_the_next_second <= 7, "{times:?}");
    assert_eq!(gaps[118], 100, "{gaps:?}");
}
