//! Holds a fault plan: how often each fault happens, read from a string, drawn from a seed.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use super::chance::Chance;
use super::error::SimulatorError;
use super::fault::{Act, Call, FAULTS, Fault, Group};
use super::plan_settings::{MEASURES, Settings, number, probability, seconds};

/// How often each fault happens, and how long the slow ones take.
///
/// What happens to a request follows from the seed, its call, its invoice_no (or phone) and how many requests with
/// these came before. It does not follow from the order in which different payouts arrive, so a seed gives the same
/// faults to any number of workers.
#[derive(Clone, Debug, PartialEq)]
pub struct FaultPlan {
    seed: u64,
    settings: Settings,
    /// For each fault its odds on the three calls.
    odds: Vec<[f64; 3]>,
}

/// What happens to one request.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Drawn {
    /// At most one of the faults of the wire and of meaning.
    pub(super) wire: Option<&'static Fault>,
    /// At most one of the faults of pace.
    pub(super) pace: Option<&'static Fault>,
}

const EVERY: &str = "every";
const SEED: &str = "seed";
/// Two hours (VinID top-up API, header `X-Timestamp`).
const WINDOW_S: u64 = 7_200;

impl FaultPlan {
    /// No faults at all.
    #[must_use]
    pub fn none() -> Self {
        let settings = Settings {
            late_asks: 1,
            late: Duration::ZERO,
            lag_asks: 1,
            lag: Duration::ZERO,
            slow: Duration::from_secs(1),
            trickle: Duration::from_millis(20),
            retry_after_s: 1,
            oversized_mib: 8,
            skew_s: 0,
            window_s: WINDOW_S,
            apply_repeats: false,
        };
        Self { seed: 0, settings, odds: vec![[0.0; 3]; FAULTS.len()] }
    }

    /// Every fault that a client must survive without a person, each with this probability on each call it concerns:
    /// all but the refusals and the nonsense (`refuse_…`, `resend_refused_…`, `…_odd`, `…_no_data`, `member_…`).
    ///
    /// The odds of faults that exclude each other are added up; where they come to more than 1 they are scaled down.
    #[must_use]
    pub fn every_wire_fault(seed: u64, probability: f64) -> Self {
        let mut plan = Self { seed, ..Self::none() };
        plan.set_every(probability.clamp(0.0, 1.0));
        plan
    }

    /// The same plan with another seed.
    #[must_use]
    pub const fn with_seed(mut self, seed: u64) -> Self {
        self.seed = seed;
        self
    }

    /// The same plan with one fault or setting changed, named as in the string form.
    ///
    /// # Errors
    /// When there is no such fault or setting, or it cannot have that value.
    pub fn with(mut self, name: &str, value: f64) -> Result<Self, SimulatorError> {
        self.set(name, &value.to_string())?;
        Ok(self)
    }

    /// The seed that the faults are drawn from.
    #[must_use]
    pub const fn seed(&self) -> u64 {
        self.seed
    }

    /// Every fault: its name, and what it does in a few words.
    pub fn catalogue() -> impl Iterator<Item = (&'static str, String)> {
        FAULTS.iter().map(|fault| (fault.name, fault.in_words()))
    }

    /// What a plan sets beside the faults: its name, and what it means.
    pub fn measures() -> impl Iterator<Item = (&'static str, &'static str)> {
        let own = [
            (SEED, "the faults of this seed, every time"),
            (EVERY, "this probability for every fault of the wire, of pace and of orders"),
        ];
        own.into_iter().chain(MEASURES)
    }

    pub(super) const fn settings(&self) -> &Settings {
        &self.settings
    }

    /// The root of the draws for a request, the `nth` with this call and subject.
    pub(super) fn chance(&self, call: Call, subject: &str, nth: u32) -> Chance {
        Chance::of(self.seed).with(call.place() as u64).with_text(subject).with(u64::from(nth))
    }

    /// What happens to a request.
    pub(super) fn draw(&self, call: Call, chance: Chance) -> Drawn {
        Drawn {
            wire: self.pick(call, &[Group::Wire, Group::ColumnRole], chance.with(1).unit()),
            pace: self.pick(call, &[Group::Pace], chance.with(2).unit()),
        }
    }

    /// Whether an order has one of the traits of [`Group::Order`]; it has it, or not, for good.
    pub(super) fn order_has(&self, act: Act, invoice_no: &str) -> bool {
        FAULTS.iter().zip(&self.odds).enumerate().any(|(place, (fault, odds))| {
            let probability = odds.iter().copied().fold(0.0, f64::max);
            fault.act == act
                && probability > 0.0
                && Chance::of(self.seed).with_text(invoice_no).with(place as u64).unit() < probability
        })
    }

    fn pick(&self, call: Call, groups: &[Group], drawn: f64) -> Option<&'static Fault> {
        let candidates =
            || FAULTS.iter().zip(&self.odds).filter(|(fault, _)| groups.contains(&fault.group) && fault.concerns(call));
        let total = candidates().map(|(_, odds)| odds[call.place()]).sum::<f64>();
        let mut left = drawn * total.max(1.0);
        for (fault, odds) in candidates() {
            left -= odds[call.place()];
            if left < 0.0 {
                return Some(fault);
            }
        }
        None
    }

    fn set(&mut self, name: &str, value: &str) -> Result<(), SimulatorError> {
        if name == SEED {
            self.seed = number(name, value, "a whole number")?;
            return Ok(());
        }
        if name == EVERY {
            let probability = probability(name, value)?;
            self.set_every(probability);
            return Ok(());
        }
        if MEASURES.iter().any(|(measure, _)| *measure == name) {
            return self.set_setting(name, value);
        }
        let (prefix, fault_name) = name.split_once('.').map_or((None, name), |(call, fault)| (Some(call), fault));
        let calls = match prefix {
            None => Call::ALL.to_vec(),
            Some(prefix) => Call::ALL.into_iter().filter(|call| call.name() == prefix).collect(),
        };
        let place = FAULTS.iter().position(|fault| fault.name == fault_name);
        let Some(place) = place.filter(|&place| calls.iter().any(|&call| FAULTS[place].concerns(call))) else {
            return Err(SimulatorError::UnknownFault { found: name.to_owned(), nearest: nearest(name) });
        };
        let probability = probability(name, value)?;
        for call in calls.into_iter().filter(|&call| FAULTS[place].concerns(call)) {
            self.odds[place][call.place()] = probability;
        }
        Ok(())
    }

    fn set_every(&mut self, probability: f64) {
        for (fault, odds) in FAULTS.iter().zip(&mut self.odds) {
            if fault.group != Group::ColumnRole {
                for call in Call::ALL.into_iter().filter(|&call| fault.concerns(call)) {
                    odds[call.place()] = probability;
                }
            }
        }
    }

    fn set_setting(&mut self, name: &str, value: &str) -> Result<(), SimulatorError> {
        let settings = &mut self.settings;
        match name {
            "late_asks" => settings.late_asks = number(name, value, "a whole number")?,
            "late_s" => settings.late = seconds(name, value)?,
            "lag_asks" => settings.lag_asks = number(name, value, "a whole number")?,
            "lag_s" => settings.lag = seconds(name, value)?,
            "slow_s" => settings.slow = seconds(name, value)?,
            "trickle_s" => settings.trickle = seconds(name, value)?,
            "retry_after_s" => settings.retry_after_s = number(name, value, "a whole number of seconds")?,
            "oversized_mib" => settings.oversized_mib = number(name, value, "a whole number of mib")?,
            "window_s" => settings.window_s = number(name, value, "a whole number of seconds")?,
            "apply_repeats" => settings.apply_repeats = number::<u8>(name, value, "0 or 1")? > 0,
            _ => settings.skew_s = number(name, value, "a whole number of seconds")?,
        }
        Ok(())
    }
}

impl Default for FaultPlan {
    fn default() -> Self {
        Self::none()
    }
}

/// Reads `name=value` pairs with commas between them, or `none`.
///
/// A name is a fault (its value a probability; `top_up.`, `order_status.` or `member_info.` before it confines it to
/// that call), `every` (all that [`FaultPlan::every_wire_fault`] names), `seed`, or a setting. Later pairs win.
impl FromStr for FaultPlan {
    type Err = SimulatorError;

    fn from_str(text: &str) -> Result<Self, SimulatorError> {
        let mut plan = Self::none();
        if text.trim() == "none" {
            return Ok(plan);
        }
        for pair in text.split(',').map(str::trim).filter(|pair| !pair.is_empty()) {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            plan.set(name.trim(), value.trim())?;
        }
        Ok(plan)
    }
}

/// Writes the string form: what [`FromStr`] reads.
impl fmt::Display for FaultPlan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "seed={}", self.seed)?;
        for (fault, odds) in FAULTS.iter().zip(&self.odds) {
            for call in Call::ALL.into_iter().filter(|call| odds[call.place()] > 0.0) {
                write!(f, ",{}.{}={}", call.name(), fault.name, odds[call.place()])?;
            }
        }
        let settings = &self.settings;
        write!(f, ",late_asks={},late_s={}", settings.late_asks, settings.late.as_secs_f64())?;
        write!(f, ",lag_asks={},lag_s={}", settings.lag_asks, settings.lag.as_secs_f64())?;
        write!(f, ",slow_s={},trickle_s={}", settings.slow.as_secs_f64(), settings.trickle.as_secs_f64())?;
        write!(f, ",retry_after_s={},oversized_mib={}", settings.retry_after_s, settings.oversized_mib)?;
        write!(f, ",skew_s={},window_s={}", settings.skew_s, settings.window_s)?;
        write!(f, ",apply_repeats={}", u8::from(settings.apply_repeats))
    }
}

/// The known name that looks most like the one that was typed, with its call where one was typed.
fn nearest(found: &str) -> String {
    let plain = FAULTS.iter().map(|fault| fault.name.to_owned());
    let with_call = FAULTS.iter().flat_map(|fault| {
        let calls = Call::ALL.into_iter().filter(|&call| fault.concerns(call));
        calls.map(|call| format!("{}.{}", call.name(), fault.name))
    });
    let others = FaultPlan::measures().map(|(name, _)| name.to_owned());
    plain
        .chain(others)
        .chain(with_call.filter(|_| found.contains('.')))
        .max_by(|a, b| strsim::jaro_winkler(a, found).total_cmp(&strsim::jaro_winkler(b, found)))
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plan(text: &str) -> FaultPlan {
        text.parse().unwrap()
    }

    /// How often each fault comes in ten thousand draws for one call.
    fn counts(plan: &FaultPlan, call: Call) -> std::collections::BTreeMap<&'static str, u32> {
        let mut counts = std::collections::BTreeMap::new();
        for nth in 0..10_000 {
            let drawn = plan.draw(call, plan.chance(call, "TP1", nth));
            for fault in [drawn.wire, drawn.pace].into_iter().flatten() {
                *counts.entry(fault.name).or_default() += 1;
            }
        }
        counts
    }

    #[test]
    fn each_fault_comes_as_often_as_asked() {
        let plan = plan("seed=3,lost_after=0.03,top_up.http_500_applied=0.2,late=0.1,slow=0.5");
        let top_up = counts(&plan, Call::TopUp);
        for (name, expected) in [("lost_after", 300), ("http_500_applied", 2_000), ("late", 1_000), ("slow", 5_000)] {
            assert!(top_up[name].abs_diff(expected) < 200, "{top_up:?}");
        }
        let names = counts(&plan, Call::OrderStatus).into_keys().collect::<Vec<_>>();
        assert_eq!(names, ["lost_after", "slow"]);
        assert_eq!(counts(&FaultPlan::none(), Call::TopUp), [].into());
    }

    #[test]
    fn odds_above_one_are_scaled_down() {
        let counts = counts(&FaultPlan::every_wire_fault(1, 1.0), Call::TopUp);
        let wire = FAULTS.iter().filter(|fault| fault.group == Group::Wire && fault.concerns(Call::TopUp));
        let total = wire.clone().map(|fault| counts[fault.name]).sum::<u32>();
        assert_eq!(total, 10_000, "each request has a fault");
        assert!(wire.clone().all(|fault| counts[fault.name] > 10_000 / 2 / wire.clone().count() as u32), "{counts:?}");
    }

    #[test]
    fn a_draw_depends_on_the_seed_and_the_request_alone() {
        let trace = |seed: u64, order: &[u32]| {
            let plan = FaultPlan::every_wire_fault(seed, 0.01);
            let mut trace = order
                .iter()
                .map(|&nth| {
                    let drawn = plan.draw(Call::TopUp, plan.chance(Call::TopUp, "TP1", nth));
                    (nth, drawn.wire.map(|fault| fault.name))
                })
                .collect::<Vec<_>>();
            trace.sort_unstable();
            trace
        };
        let forwards = (0..100).collect::<Vec<_>>();
        let backwards = (0..100).rev().collect::<Vec<_>>();
        assert_eq!(trace(5, &forwards), trace(5, &backwards));
        assert_ne!(trace(5, &forwards), trace(6, &forwards));
    }

    #[test]
    fn the_string_form_is_read_and_written() {
        let text = "lost_after=0.25,order_status.http_502=1,seed=9,late_asks=2,lag_s=0.5,skew_s=-3600,window_s=300,apply_repeats=1";
        let plan = plan(text);
        assert_eq!(plan.to_string().parse::<FaultPlan>().unwrap(), plan);
        assert_eq!("none".parse::<FaultPlan>().unwrap(), FaultPlan::none());
        assert_eq!("every=0.01,seed=4".parse::<FaultPlan>().unwrap(), FaultPlan::every_wire_fault(4, 0.01));
        let built = FaultPlan::none().with("lost_after", 0.25).unwrap().with("late_asks", 3.0).unwrap().with_seed(2);
        assert_eq!(built, "seed=2,lost_after=0.25,late_asks=3".parse().unwrap());
    }

    #[test]
    fn what_is_not_known_is_refused_with_the_nearest_name() {
        for (text, expected) in [
            ("lost_afer=0.1", "found \"lost_afer\": did you mean \"lost_after\"?"),
            ("topup.lost_after=0.1", "did you mean \"top_up.lost_after\"?"),
            ("member_info.late=0.1", "expected a known fault or setting, found \"member_info.late\""),
            ("late_sec=3", "did you mean \"late_s\"?"),
            ("lost_after=1.5", "lost_after: expected a probability in 0..=1, found \"1.5\""),
            ("lost_after", "lost_after: expected a probability in 0..=1, found \"\""),
            ("slow_s=-1", "slow_s: expected a number of seconds, 0 or more, found \"-1\""),
            ("seed=x", "seed: expected a whole number, found \"x\""),
        ] {
            let message = text.parse::<FaultPlan>().unwrap_err().to_string();
            assert!(message.contains(expected), "{text}: {message}");
        }
    }

    #[test]
    fn the_catalogue_names_each_fault_once() {
        let catalogue = FaultPlan::catalogue().collect::<std::collections::BTreeMap<_, _>>();
        assert_eq!(catalogue.len(), FAULTS.len());
        assert_eq!(
            catalogue["lost_after"],
            "the connection is closed without an answer; applied (member_info, top_up, order_status)"
        );
        assert!(catalogue["order_error_lost"].ends_with("says E from then on (top_up)"));
    }
}
