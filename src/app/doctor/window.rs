//! Doctor's look at late requests: whether the gateway refuses a timestamp as old as a late top-up's would be.
//!
//! It asks order status of numbers that nobody used, stamped older and older: nothing of it can move a point.

use super::findings::Findings;
use crate::app::failure::{Ending, Failure};
use crate::app::settings::WINDOW_S_MAX;
use crate::domain::answer::{Answer, Reply};
use crate::domain::batch_name::BatchName;
use crate::domain::invoice_no::InvoiceNo;
use crate::domain::row_key::RowKey;
use crate::engine::SharedPace;
use crate::gateway::{Fence, HttpGateway};
use crate::ledger::Binding;
use std::time::Duration;

const WHAT: &str = "late requests";
/// How far beyond the window a timestamp is that has to be refused, in seconds.
const BEYOND_S: f64 = 60.0;
/// A window that is longer than it is set by less than this lets nothing in after the settle time, which is longer than
/// the bound by more, in seconds.
const CLOSE_S: f64 = 5.0;
/// Half of what whole seconds and clocks that differ a little leave open in a measured window, in seconds.
const BLUR_S: f64 = 3.0;
/// Calls at the most.
const PROBES_MAX: u32 = 24;
/// Windows that gateways have, in seconds.
const USUAL_S: [f64; 15] = [
    60.0, 120.0, 300.0, 600.0, 900.0, 1800.0, 3600.0, 5400.0, 7200.0, 10_800.0, 14_400.0, 21_600.0, 43_200.0, 86_400.0,
    604_800.0,
];

/// The gateway that is asked, at the configured rate.
pub(super) struct Probe<'a> {
    pub(super) gateway: &'a HttpGateway,
    pub(super) binding: &'a Binding,
    pub(super) rate_per_s: f64,
    pace: &'a SharedPace,
    calls: u32,
}

impl<'a> Probe<'a> {
    pub(super) fn new(gateway: &'a HttpGateway, binding: &'a Binding, rate_per_s: f64, pace: &'a SharedPace) -> Self {
        Self { gateway, binding, rate_per_s, pace, calls: 0 }
    }

    /// Whether the gateway takes a timestamp of this age; a text for people where it does not say.
    async fn takes(&mut self, age_s: f64) -> Result<bool, String> {
        self.calls += 1;
        if self.calls > PROBES_MAX {
            return Err(format!("{PROBES_MAX} calls did not find the window"));
        }
        tokio::time::sleep(Duration::from_secs_f64(1.0 / self.rate_per_s)).await;
        self.pace.wait_for_a_turn(self.rate_per_s).await;
        let age = Duration::from_secs_f64(age_s.max(0.0));
        let received = self.gateway.order_status_aged(unused(self.binding)?, "doctor", age).await?;
        match &received.reply {
            Reply::Answered(Answer { http: 200 | 404, code: Some(4_040_001), .. }) => Ok(true),
            Reply::Answered(Answer { code: Some(4_010_004), .. }) => Ok(false),
            Reply::Answered(_) | Reply::Lost | Reply::Unsent => {
                Err(format!("a timestamp {age_s} s old was answered with neither yes nor no: {}", received.message))
            }
        }
    }

    /// The window, between an age that is taken and one that is not: a usual one, or what halving leaves.
    async fn window(&mut self, mut taken: f64, mut refused: f64) -> Result<f64, String> {
        let usual: Vec<f64> = USUAL_S.into_iter().filter(|usual| *usual > taken && *usual < refused).collect();
        let (mut from, mut to) = (0, usual.len());
        while from < to {
            let middle = usize::midpoint(from, to);
            if self.takes(usual[middle] - BLUR_S).await? {
                (from, taken) = (middle + 1, usual[middle] - BLUR_S);
            } else {
                (to, refused) = (middle, usual[middle] - BLUR_S);
            }
        }
        if from > 0 && usual[from - 1] + BLUR_S < refused {
            if !self.takes(usual[from - 1] + BLUR_S).await? {
                return Ok(usual[from - 1]);
            }
            taken = usual[from - 1] + BLUR_S;
        }
        while refused - taken > 2.0 * BLUR_S {
            let middle = f64::midpoint(taken, refused).floor();
            if self.takes(middle).await? { taken = middle } else { refused = middle }
        }
        // The roundest number of seconds in between: who set it chose one.
        let round = [60.0, 30.0, 10.0, 5.0].into_iter().map(|step| ((refused - 1.0) / step).floor() * step);
        Ok(round.into_iter().find(|round| *round >= taken).unwrap_or(taken))
    }

    /// What the window is, if not the one that is set.
    async fn other_window(&mut self, fence: Fence) -> Result<Option<f64>, String> {
        let window = fence.window.as_secs_f64();
        if !self.takes(fence.age().as_secs_f64()).await? {
            return self.window(0.0, fence.age().as_secs_f64()).await.map(Some);
        }
        if !self.takes(window + BEYOND_S).await? {
            if !self.takes(window + CLOSE_S).await? {
                return Ok(None);
            }
            return self.window(window + CLOSE_S, window + BEYOND_S).await.map(Some);
        }
        let longest = WINDOW_S_MAX;
        if window + BEYOND_S >= longest || self.takes(longest + BEYOND_S).await? {
            return Ok(Some(f64::INFINITY));
        }
        self.window(window + BEYOND_S, longest + BEYOND_S).await.map(Some)
    }
}

/// Measures the window where late requests are to be bounded by it.
pub(super) async fn check_window(mut probe: Probe<'_>, fence: Option<Fence>, findings: &mut Findings) {
    let Some(fence) = fence else { return };
    let (set, within, age) = (fence.window.as_secs_f64(), fence.within.as_secs_f64(), fence.age().as_secs_f64());
    match probe.other_window(fence).await {
        Ok(None) => findings.ok(
            WHAT,
            format!(
                "a timestamp {age} s old is taken and one {} s old refused: a top-up that is delivered later than {within} \
                 s after its intent does nothing",
                set + BEYOND_S
            ),
        ),
        Ok(Some(found)) if found > set => {
            let hint = if found.is_finite() {
                format!("set timestamp_window_s = {found} under [gateway]")
            } else {
                "ask the provider; until then set deliver_within_s = 0 under [gateway]: nothing bounds late requests".into()
            };
            let found = if found.is_finite() { format!("{found} s") } else { "longer than a week".to_owned() };
            let text = format!(
                "the gateway takes older timestamps than timestamp_window_s = {set}: its window is {found}, so that late \
                 top-ups would still be applied\nhint: {hint}"
            );
            findings.fail(WHAT, Ending::Usage, text);
        }
        Ok(Some(found)) => {
            let text = format!(
                "the gateway refuses a timestamp {age} s old, so that every top-up would be refused: its window is {found} \
                 s, and timestamp_window_s is {set}\nhint: set timestamp_window_s = {found} under [gateway]"
            );
            findings.fail(WHAT, Ending::Credentials, text);
        }
        Err(why) => findings.warn(WHAT, format!("the gateway's window could not be measured: {why}\nhint: try again")),
    }
}

/// A number that nobody used: asking for its order is signed like every call, and without any effect.
pub(super) fn unused(binding: &Binding) -> Result<InvoiceNo, String> {
    let batch = BatchName::parse("doctor").map_err(|problem| problem.to_string())?;
    let nobody = RowKey::reference(&format!("{:032x}", fastrand::u128(..)));
    Ok(InvoiceNo::derive(&binding.invoice_prefix, &binding.merchant_id, &batch, &nobody, 1))
}

/// The failure of a call that could not be made.
pub(super) fn failed(message: String) -> Failure {
    Failure::said(Ending::Failed, "signed_call", message)
}
