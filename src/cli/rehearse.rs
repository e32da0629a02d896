//! `topup run … --rehearse`: plays the real file through the simulator inside, on a copy of the ledger.
//!
//! Nothing leaves the machine: the gateway's address is replaced before a client is made, and the key is one that is
//! made for this rehearsal and forgotten with it. Nothing is kept: the copy is gone afterwards.

use super::args::RunArgs;
use super::config::Config;
use super::context::{Context, unix_ms};
use super::execute::{self, background, exit_of};
use super::failure::Failure;
use super::next_command::paying_command;
use super::output::Report;
use super::plan_view::{plan_text, refused};
use super::run::{consent_by_flag, open_file, origin, under};
use super::setup;
use super::simulator::members;
use crate::domain::payout_status::State;
use crate::engine::{CallKind, Mode, RunReport};
use crate::gateway::{HttpGateway, PrivateKey};
use crate::ledger::{Batch, Ledger, Totals};
use crate::plan::{self, Planned, Terms};
use crate::report::{Run, Summary, counted, duration, grouped};
use crate::simulator::{FaultPlan, Latency, PublicKey, Simulator, SimulatorOptions, generate_key_pem};
use serde_json::{Value, json};
use std::fmt::Write;
use std::sync::Arc;
use std::time::Duration;

const FLAG: &str = "--rehearse";
/// A rehearsal of a long file must not take as long as the file.
const RATE_PER_S: f64 = 100_000.0;
/// Enough for this machine: more calls at once would only wait for each other, until they time out.
const IN_FLIGHT_MAX: i64 = 64;
/// The longest that a rehearsed call may take, and an absent order may be waited for.
const PATIENCE_S: f64 = 2.0;

/// What was played, beside what became of it.
struct Play<'p> {
    batch: &'p Batch,
    totals: &'p Totals,
    report: &'p RunReport,
    /// In doubt before the rehearsal began.
    doubt_before: u64,
    rate_per_s: f64,
    settle: [Duration; 2],
    faults_injected: u64,
    credits: (usize, u64),
}

pub(super) fn rehearse(context: &Context, args: &RunArgs, terms: &Terms) -> Result<Report, Failure> {
    let faults = args.faults.as_deref().unwrap_or("none").parse::<FaultPlan>()?;
    let members = members(args.members.as_deref())?;
    let real = setup::run_settings(&context.config, Mode::Pay, 0)?;
    let existing = context.ledger_path.exists().then_some(context.ledger_path.as_path());
    let mut scratch = Ledger::scratch(existing)?;
    let batch = planned(context, args, terms, &mut scratch)?;
    let doubt_before = scratch.totals(batch.id)?.of(State::InDoubt).rows;

    let gateway = setup::gateway_settings(&context.config)?;
    let key = generate_key_pem()?;
    let runtime = background()?;
    let simulator = runtime.block_on(Simulator::start(SimulatorOptions {
        port: 0,
        merchant_id: gateway.merchant_id,
        terminal_id: gateway.terminal_id,
        key_code: gateway.key_code,
        public_key: PublicKey::from_private_key_pem(&key)?,
        members,
        faults,
        latency: Latency::NONE,
    }))?;
    let config = rehearsed(&context.config, &simulator.url(), args.members.is_some())?;
    let client = HttpGateway::new(setup::gateway_settings(&config)?, PrivateKey::from_pem(&key)?)?;
    let settings = setup::run_settings(&config, Mode::Pay, batch.points)?;
    let settle = [settings.policy.proof_after(), real.policy.proof_after()];
    tracing::info!("a rehearsal: every call goes to a simulator inside this process");
    let ledger = execute::begin(scratch, &batch, &under(context, terms)?)?;
    let report = execute::run_to_its_end(context, settings, &ledger, Arc::new(client), None)?;
    let (book, faults_injected) = (simulator.book(), simulator.stats().faults_injected());
    runtime.block_on(simulator.stop());

    let (totals, batch) = (ledger.totals()?, ledger.batch()?);
    let credits = (book.credit_count(), book.points());
    let rate_per_s = real.rate_per_s;
    let play = Play {
        batch: &batch,
        totals: &totals,
        report: &report,
        doubt_before,
        rate_per_s,
        settle,
        faults_injected,
        credits,
    };
    let summary = Summary::new(&batch, &totals, Run::Ended(&report));
    Ok(Report {
        exit: exit_of(&summary, Mode::Pay, &report),
        json: play.to_json(&summary),
        text: play.to_text(context, args, &summary),
    })
}

/// Plans the file on the copy, as a run would. Consent is only looked at where it is given: nothing is sent.
fn planned(context: &Context, args: &RunArgs, terms: &Terms, scratch: &mut Ledger) -> Result<Batch, Failure> {
    let intake = open_file(&args.file, &args.reading)?;
    let origin = origin(context, &args.file, terms);
    match plan::plan(scratch, intake, terms, &origin)? {
        Planned::Refused(refusal) => return Err(refused(refusal)),
        Planned::Known(batch, warnings) => {
            warnings.iter().for_each(|warning| context.output.note(&format!("note: {warning}")));
            consent_by_flag(args, batch.points, &batch.plan_sha256)?;
        }
        Planned::Draft(draft) => {
            let summary = draft.summary();
            context.output.note(&plan_text(context, &terms.batch, summary)?);
            consent_by_flag(args, summary.whole.points, &summary.plan_sha256)?;
            draft.seal("rehearsal", unix_ms())?;
        }
    }
    Ok(scratch.batch(terms.batch.as_str())?)
}

/// The configuration with another gateway, and in faster time. Where nobody's name is known, names are not compared:
/// every payout with a name would be held.
fn rehearsed(config: &Config, url: &str, knows_names: bool) -> Result<Config, Failure> {
    let mut config = config.clone();
    let shorter = |key: &str| config.seconds(key, f64::MAX).map(|span| span.as_secs_f64().min(PATIENCE_S));
    let spans = [shorter("gateway.timeout_s")?, shorter("gateway.connect_timeout_s")?, shorter("resolve.settle_s")?];
    let in_flight = i64::from(config.count("gateway.max_in_flight", 1..=100_000)?).min(IN_FLIGHT_MAX);
    config.set_flag("gateway.url", url.into(), FLAG);
    config.set_flag("gateway.rate_per_s", RATE_PER_S.into(), FLAG);
    config.set_flag("gateway.max_in_flight", in_flight.into(), FLAG);
    // The simulator inside delivers at once, or as late as a fault says: the settle time is shortened, so the bound goes.
    config.set_flag("gateway.deliver_within_s", 0.0.into(), FLAG);
    if !knows_names {
        config.set_flag("payout.names", "off".into(), FLAG);
    }
    for (key, span) in ["gateway.timeout_s", "gateway.connect_timeout_s", "resolve.settle_s"].into_iter().zip(spans) {
        config.set_flag(key, span.into(), FLAG);
    }
    Ok(config)
}

impl Play<'_> {
    /// How long the same calls take at the configured rate.
    fn expected(&self) -> Duration {
        Duration::from_secs_f64(self.report.requests.all() as f64 / self.rate_per_s)
    }

    fn to_json(&self, summary: &Summary<'_>) -> Value {
        let mut json = summary.to_json();
        if let Value::Object(object) = &mut json {
            let mut put = |name: &str, value: Value| drop(object.insert(name.to_owned(), value));
            put("rehearsal", json!(true));
            put("rate_per_s", json!(self.rate_per_s));
            put("expected_s", json!((self.expected().as_secs_f64() * 10.0).round() / 10.0));
            put("faults_injected", json!(self.faults_injected));
        }
        json
    }

    fn to_text(&self, context: &Context, args: &RunArgs, summary: &Summary<'_>) -> String {
        let name = &self.batch.name;
        let mut text = format!("REHEARSAL of batch {name}: nothing was sent to the gateway, paid or kept\n");
        // Writing to a string cannot fail.
        for state in State::ALL {
            let total = self.totals.of(state);
            if total.rows > 0 {
                let word = state.word().replace('_', " ");
                let _ = writeln!(text, "  {word:<11}{:>12}{:>18} points", grouped(total.rows), grouped(total.points));
            }
        }
        if self.batch.skipped_rows > 0 {
            let _ = writeln!(text, "  {:<11}{:>12}", "skipped", grouped(self.batch.skipped_rows));
        }
        if self.report.interrupted {
            text.push_str("it was interrupted: this is how far it came\n");
        } else if let Some(stop) = summary.stop() {
            let message = stop.message.split("\nhint: ").next().unwrap_or_default();
            let _ = writeln!(text, "it stopped early, as a run would have: {message}");
        }
        self.say_calls(&mut text);
        let whom = match &args.members {
            Some(path) => format!("the members of {}", path.display()),
            None => "everybody as an active member, and names were not compared (--members FILE)".to_owned(),
        };
        let _ = writeln!(
            text,
            "the simulator took {whom}; {} injected, {} credits of {} points in its own book",
            counted(self.faults_injected, "fault"),
            grouped(self.credits.0 as u64),
            grouped(self.credits.1)
        );
        if self.doubt_before > 0 {
            let _ = writeln!(
                text,
                "note: {} in doubt before: the simulator does not know them, so the rehearsal took them as never arrived",
                counted(self.doubt_before, "payout")
            );
        }
        let _ = writeln!(text, "next: {}", paying_command(context, args, self.batch));
        text
    }

    /// The calls, how long they took, and how long they will.
    fn say_calls(&self, text: &mut String) {
        let of = |kind| grouped(self.report.requests.of(kind));
        let _ = writeln!(
            text,
            "requests: {} member info, {} top-up, {} order status",
            of(CallKind::MemberInfo),
            of(CallKind::TopUp),
            of(CallKind::OrderStatus)
        );
        let [rehearsed, real] = self.settle;
        let _ = writeln!(
            text,
            "rehearsed in {} without a rate limit; the same at {} requests/s: at least {}",
            duration(self.report.elapsed),
            self.rate_per_s,
            duration(self.expected())
        );
        if real > rehearsed {
            let _ = writeln!(
                text,
                "an order that is absent after a lost answer waited {} here; for real it waits {} (gateway.deliver_within_s, resolve.settle_s)",
                duration(rehearsed),
                duration(real)
            );
        }
    }
}
