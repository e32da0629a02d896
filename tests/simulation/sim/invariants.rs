//! Holds the ledger, the gateway's book and the wire against each other when everything has healed: V1, V2, V3, V10.

use super::audit::{PayoutRow, Read};
use super::fixture::Fixture;
use std::collections::BTreeMap;
use std::time::Duration;

const SECOND: Duration = Duration::from_secs(1);

/// Everything that has to hold at the end.
pub(super) fn check_at_the_end(world: &Fixture, read: &Read) -> Result<(), String> {
    v1_nobody_is_paid_twice(world)?;
    v2_ledger_and_book_agree(world, read)?;
    v3_what_is_left_is_left_for_a_reason(world, read)?;
    v10_no_second_holds_more_than_the_rate(world)
}

/// V1: the sum credited to a member never exceeds the sum planned for it; the sums are the gateway's own.
fn v1_nobody_is_paid_twice(world: &Fixture) -> Result<(), String> {
    let mut planned: BTreeMap<String, u64> = BTreeMap::new();
    for row in &world.scenario.rows {
        *planned.entry(row.member.key()).or_default() += u64::from(row.points.value());
    }
    for (member, credited) in &world.network().book.credited {
        let planned = planned.get(member).copied().unwrap_or(0);
        if *credited > planned {
            return Err(format!("V1: {member} was credited {credited} points, and {planned} were planned"));
        }
    }
    Ok(())
}

/// V2: the ledger says credited exactly where the gateway credited, to the same member and with the same points.
fn v2_ledger_and_book_agree(world: &Fixture, read: &Read) -> Result<(), String> {
    let network = world.network();
    for payout in &read.payouts {
        let PayoutRow { invoice_no, member, points, state, .. } = payout;
        let order = network.book.orders.get(invoice_no).filter(|order| order.credited);
        let in_the_book = order.map(|order| (&order.member, order.points));
        let in_the_ledger = (state == "credited").then_some((member, *points));
        if in_the_book == in_the_ledger {
            continue;
        }
        return Err(format!(
            "V2: {invoice_no} is {state} ({in_the_ledger:?}), the gateway's book holds {in_the_book:?}"
        ));
    }
    Ok(())
}

/// V3: no payout is left unfinished, unless it is left for a person: the rules allow no further send of its number.
fn v3_what_is_left_is_left_for_a_reason(world: &Fixture, read: &Read) -> Result<(), String> {
    let policy = &world.scenario.settings.policy;
    for payout in &read.payouts {
        let resends = world.resends.get(&payout.invoice_no).copied().unwrap_or(0);
        let reason = !policy.resubmit || resends >= policy.resends_max;
        if payout.state == "planned" || (payout.state == "in_doubt" && !reason) {
            return Err(format!("V3: {} is left {} after {resends} resends", payout.invoice_no, payout.state));
        }
        if payout.state == "in_doubt" {
            world.network().coverage.hit("history: left for a person");
        }
    }
    Ok(())
}

/// V10: no sliding second holds more than the rate and one request, by the times at which they left.
fn v10_no_second_holds_more_than_the_rate(world: &Fixture) -> Result<(), String> {
    let network = world.network();
    let rate_per_s = world.scenario.settings.rate_per_s;
    let most = rate_per_s.floor() as usize + 1;
    for window in network.departures.windows(most + 1) {
        let (first, last) = (window[0], window[most]);
        if last.duration_since(first) < SECOND {
            return Err(format!("V10: {} requests within {:?} at {rate_per_s}/s", most + 1, last - first));
        }
    }
    Ok(())
}
