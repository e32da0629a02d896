//! When requests leave, by tokio's own clock.

use super::*;

/// Departure times in milliseconds, on virtual time.
async fn departures(pacer: &Pacer, count: usize) -> Vec<u128> {
    let start = Instant::now();
    let mut times = Vec::new();
    for _ in 0..count {
        let slot = pacer.slot().await.unwrap();
        times.push(pacer.depart(slot).await.unwrap().duration_since(start).as_millis());
    }
    times
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

#[tokio::test(start_paused = true)]
async fn no_second_across_a_cut_holds_more_than_rate_plus_one() {
    const RATE: f64 = 50.0;
    let quiet = quiet_after_a_cut(RATE);
    assert_eq!(quiet, Duration::from_millis(120));
    assert_eq!(quiet_after_a_cut(0.5), SECOND);
    for (stall_ms, after_cut_ms) in [(0, 0), (90, 0), (400, 0), (90, 7), (90, 500), (0, 990)] {
        let start = Instant::now();
        let old = Pacer::new(RATE, start);
        departures(&old, 70).await;
        // A machine that stalls catches up in a burst, and the cut comes right behind it.
        tokio::time::advance(Duration::from_millis(stall_ms)).await;
        departures(&old, 6).await;
        tokio::time::advance(Duration::from_millis(after_cut_ms)).await;
        let mut all: Vec<Instant> = old.schedule.lock().await.departed.iter().copied().collect();
        let new = Pacer::new(RATE, Instant::now() + quiet);
        departures(&new, 50).await;
        all.extend(new.schedule.lock().await.departed.iter());
        let busiest = (0..all.len()).map(|i| all[i..].iter().take_while(|at| **at < all[i] + SECOND).count()).max();
        assert!(busiest <= Some(51), "{busiest:?} with {stall_ms} and {after_cut_ms} ms");
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
