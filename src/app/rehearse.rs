//! Plays a file on a copy of the ledger, which is gone afterwards: a dry run asks the gateway about the members, and a
//! rehearsal pays everybody at a simulator inside. No top-up leaves the machine.
//!
//! Of a rehearsal nothing leaves it at all: the gateway's address is replaced before a client is made, and the key is one
//! that is made for this rehearsal and forgotten with it.

use super::clock::unix_ms;
use super::context::{Context, News};
use super::export::{Exported, Target};
use super::failure::{Ending, Failure};
use super::file_request::{FileRequest, origin, terms};
use super::members::members;
use super::pay::{begin, ending_of, ending_of_dry_run, run_to_its_end, under};
use super::propose::Consent;
use super::runtime::background;
use crate::domain::payout_status::State;
use crate::engine::{Mode, RunReport};
use crate::gateway::{HttpGateway, PrivateKey};
use crate::ledger::{Batch, Ledger, Totals};
use crate::plan::{self, Planned, Resealing, Terms};
use crate::report::{Lang, Run, Summary};
use crate::simulator::{FaultPlan, Latency, PublicKey, Simulator, SimulatorOptions, generate_key_pem};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

impl DryRun {
    /// Payouts of which nobody knows yet whether they can be paid.
    #[must_use]
    pub fn unchecked(&self) -> u64 {
        self.to_check.saturating_sub(self.report.checked)
    }
}

/// How a dry run ended.
pub struct DryRun {
    /// How it went.
    pub ending: Ending,
    /// The batch as it would be.
    pub batch: Batch,
    /// Its payouts: planned are those that would be paid.
    pub totals: Totals,
    /// Payouts whose members were to be asked about.
    pub to_check: u64,
    /// The run.
    pub report: RunReport,
    /// The file of members who would not be paid, where one was asked for.
    pub not_paid: Option<Exported>,
}

/// Plans a file, and asks the gateway about its members. `export`: a file for those who would not be paid. `set_up`: what
/// the door does once the settings are known to be in order.
pub fn dry_run(
    context: Context<'_>,
    request: &FileRequest,
    export: Option<&Path>,
    set_up: impl FnOnce() -> Result<(), Failure>,
) -> Result<DryRun, Failure> {
    context.refuse_missing()?;
    let terms = terms(context, request, Resealing::OnACopy)?;
    super::propose::check_settings(context)?;
    set_up()?;
    let target = export.map(|path| Target::new(context, path, Lang::En)).transpose()?;
    let (scratch, batch) = on_a_copy(context, request, &terms, None, "dry run")?;
    let mut settings = context.settings.run_settings(Mode::CheckMembers, 0)?;
    // It leaves nothing behind where there is no ledger yet.
    settings.shared_pace = Some(context.shared_pace(context.settings.ledger_path().exists()));
    let ledger = begin(scratch, &batch, &under(context, terms.repeat_why.as_deref())?)?;
    let to_check = ledger.totals()?.of(State::Planned).rows;
    let report = run_to_its_end(
        context,
        settings,
        &ledger,
        Arc::new(context.settings.gateway()?),
        batch.binding.gateway_host.clone(),
    )?;
    let totals = ledger.totals()?;
    let ending = ending_of_dry_run(&batch, &totals, &report);
    let not_paid = match (target, ledger.into_scratch()) {
        (Some(target), Some(scratch)) => {
            let states = [State::Declined, State::Ineligible, State::Held, State::Cancelled];
            Some(target.write(context, &scratch, batch.name.as_str(), &states, true)?)
        }
        (_, _) => None,
    };
    Ok(DryRun { ending, batch, totals, to_check, report, not_paid })
}

/// Plans a file on a copy of the ledger, as a run would. Consent is only looked at where it is given: nothing is sent.
fn on_a_copy(
    context: Context<'_>,
    request: &FileRequest,
    terms: &Terms,
    consent: Option<&Consent>,
    what: &str,
) -> Result<(Ledger, Batch), Failure> {
    let path = context.settings.ledger_path();
    let mut scratch = Ledger::scratch(path.exists().then_some(path))?;
    let fits = |points, seal| consent.map(|consent| consent.to(points, seal, context)).transpose();
    match plan::plan(&mut scratch, request.open()?, terms, &origin(context, request, terms))? {
        Planned::Refused(refusal) => return Err(refusal.into()),
        Planned::Known(batch, warnings) => {
            context.note_all(&warnings);
            fits(batch.points, &batch.plan_sha256)?;
        }
        Planned::Draft(draft) => {
            let summary = draft.summary();
            context.door.tell(&News::Plan(&terms.batch, summary));
            fits(summary.whole.points, &summary.plan_sha256)?;
            draft.seal(what, unix_ms())?;
        }
    }
    let batch = scratch.batch(terms.batch.as_str())?;
    Ok((scratch, batch))
}

/// A file that is to be played.
#[derive(Clone, Debug)]
pub struct RehearseRequest {
    /// The file.
    pub file: FileRequest,
    /// The word to its plan.
    pub consent: Option<Consent>,
    /// What goes wrong, and how often.
    pub faults: FaultPlan,
    /// Whom the simulator knows; everybody, where none are named.
    pub members: Option<PathBuf>,
}

/// What was played, and what became of it.
pub struct Rehearsed {
    /// How it went.
    pub ending: Ending,
    /// The batch as it would be.
    pub batch: Batch,
    /// Its payouts.
    pub totals: Totals,
    /// The run.
    pub report: RunReport,
    /// In doubt before the rehearsal began.
    pub doubt_before: u64,
    /// The configured rate, which a rehearsal does not keep.
    pub rate_per_s: f64,
    /// How long an absent order was waited for, and how long it will be.
    pub settle: [Duration; 2],
    /// Faults that the simulator made.
    pub faults_injected: u64,
    /// Credits in the simulator's own book, and their points.
    pub credits: (u64, u64),
}

impl Rehearsed {
    /// How long the same calls take at the configured rate.
    #[must_use]
    pub fn expected(&self) -> Duration {
        Duration::from_secs_f64(self.report.requests.all() as f64 / self.rate_per_s)
    }
}

/// Pays a file at a simulator inside this process.
pub fn rehearse(context: Context<'_>, request: &RehearseRequest) -> Result<Rehearsed, Failure> {
    context.refuse_missing()?;
    let terms = terms(context, &request.file, Resealing::OnACopy)?;
    let members = members(request.members.as_deref())?;
    let real = context.settings.run_settings(Mode::Pay, 0)?;
    let (scratch, batch) = on_a_copy(context, &request.file, &terms, request.consent.as_ref(), "rehearsal")?;
    let doubt_before = scratch.totals(batch.id)?.of(State::InDoubt).rows;

    let gateway = context.settings.gateway_settings()?;
    let key = generate_key_pem()?;
    let runtime = background()?;
    let simulator = runtime.block_on(Simulator::start(SimulatorOptions {
        port: 0,
        merchant_id: gateway.merchant_id,
        terminal_id: gateway.terminal_id,
        key_code: gateway.key_code,
        public_key: PublicKey::from_private_key_pem(&key)?,
        members,
        faults: request.faults.clone(),
        latency: Latency::NONE,
    }))?;
    let played = context.settings.rehearsed(&simulator.url(), request.members.is_some())?;
    let client =
        HttpGateway::new(played.gateway_settings()?, PrivateKey::from_pem(&key, "the rehearsal's key", None)?)?;
    let settings = played.run_settings(Mode::Pay, batch.points)?;
    let settle = [settings.policy.proof_after(), real.policy.proof_after()];
    tracing::info!("a rehearsal: every call goes to a simulator inside this process");
    let ledger = begin(scratch, &batch, &under(context, terms.repeat_why.as_deref())?)?;
    let report = run_to_its_end(context, settings, &ledger, Arc::new(client), "the simulator".to_owned())?;
    let (book, faults_injected) = (simulator.book(), simulator.stats().faults_injected());
    runtime.block_on(simulator.stop());

    let (totals, batch) = (ledger.totals()?, ledger.batch()?);
    let ending = ending_of(&Summary::new(&batch, &totals, Run::Ended(&report)), &report);
    let credits = (book.credit_count() as u64, book.points());
    let rate_per_s = real.rate_per_s;
    Ok(Rehearsed { ending, batch, totals, report, doubt_before, rate_per_s, settle, faults_injected, credits })
}
