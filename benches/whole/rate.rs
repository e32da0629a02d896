//! How well the rate is held: the share of it that was reached, and the most requests that left in any sliding second,
//! both by the times of departure that the program logs.

use crate::gateway::Gateway;
use crate::program::Place;
use crate::run::write_rows;
use crate::{Outcome, print};
use std::fs;
use std::path::Path;
use std::time::Duration;

const RATES: [u32; 3] = [50, 500, 1500];
const LATENCIES_MS: [u64; 3] = [5, 100, 500];
const SECONDS: u64 = 60;

pub(crate) fn rate() -> Outcome<()> {
    for rate in RATES {
        for latency_ms in LATENCIES_MS {
            case(rate, latency_ms)?;
        }
    }
    Ok(())
}

fn case(rate: u32, latency_ms: u64) -> Outcome<()> {
    let place = Place::new()?;
    let gateway = Gateway::start(&place.key, Duration::from_millis(latency_ms))?;
    place.configure(&gateway.url, rate)?;
    // Each row costs two requests. The canary, which waits for its own answers, is no part of the pace.
    write_rows(&place.path("rows.csv"), u64::from(rate) * SECONDS / 2)?;
    let mut command = place.command(&["run", "rows.csv", "--batch", "bench", "--yes", "--quiet", "--log", "run.log"]);
    let status = command.env("TOPUP_SAFETY_CANARY_ROWS", "0").status()?;
    gateway.stop()?;
    if !status.success() {
        return Err(format!("the run ended with {status}").into());
    }
    let departed_us = departures(&place.path("run.log"))?;
    let [first, .., last] = departed_us[..] else { return Err("the run logged no departures".into()) };
    let reached = (departed_us.len() - 1) as f64 / ((last - first) as f64 / 1e6);
    print(
        &format!("rate {rate}/s, latency {latency_ms} ms ± a quarter, {:.0} s", (last - first) as f64 / 1e6),
        &format!("{:.2} %, busiest {}", reached / f64::from(rate) * 100.0, busiest_second(&departed_us)),
        &format!("99.5 %, busiest second at most {}", rate + 1),
    );
    Ok(())
}

/// When each request left, in microseconds since the run began, in order.
fn departures(log: &Path) -> Outcome<Vec<u64>> {
    let text = fs::read_to_string(log)?;
    let field = |line: &str| line.split("\"departed_us\":").nth(1)?.split([',', '}']).next()?.parse().ok();
    let mut departed: Vec<u64> = text.lines().filter_map(field).collect();
    departed.sort_unstable();
    Ok(departed)
}

fn busiest_second(departed_us: &[u64]) -> usize {
    let (mut first, mut busiest) = (0, 0);
    for (last, at) in departed_us.iter().enumerate() {
        while departed_us[first] + 1_000_000 < *at {
            first += 1;
        }
        busiest = busiest.max(last + 1 - first);
    }
    busiest
}
