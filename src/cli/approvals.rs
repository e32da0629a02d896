//! `topup plan`, `approval`, `approve`, `send-back`, `withdraw`: a plan is proposed, and a person's word about it is taken.

use super::args::PlanningArgs;
use super::context::{Context, unix_ms};
use super::failure::{Exit, Failure};
use super::output::Report;
use super::people::{WhoArgs, person, with_identity};
use super::plan_view::{kinds_json, plan_text, refused};
use super::run;
use crate::app::approvals::{self, Decision, ProposeError, Proposed, Word};
use crate::app::identity::Identity;
use crate::domain::approval::{Actor, ProposalKind, ProposalState};
use crate::domain::proposal::Proposal;
use crate::domain::sha256::Sha256;
use crate::domain::team::Policy;
use crate::ledger::{Access, Batch, Ledger, PayoutId};
use crate::plan::{DraftSummary, Resealing, Terms};
use crate::report::counted;
use anyhow::{Context as _, anyhow};
use clap::Args;
use serde_json::{Value, json};
use std::path::{Path, PathBuf};

#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  topup plan rewards.csv --batch 2026-11\n  \
    topup plan rewards.csv --batch 2026-11 --as lan --sign lan.key\n  \
    topup approve 2026-11 --as minh --sign minh.key\n\nIt pays nothing: what is proposed is paid once it is approved.")]
pub(super) struct PlanArgs {
    /// The payout file: CSV, XLSX, XLS or ODS, with a header row
    pub(super) file: PathBuf,
    /// Batch name: 1 to 64 of a-z 0-9 . _ -  (part of every invoice_no)
    #[arg(long, value_name = "NAME")]
    pub(super) batch: Option<String>,
    #[command(flatten)]
    pub(super) reading: PlanningArgs,
    #[command(flatten)]
    pub(super) who: WhoArgs,
}

#[derive(Debug, Args)]
#[command(
    after_help = "Example:\n  topup approval 2026-11 > bytes\n  ssh-keygen -Y sign -n topup -f minh.key bytes\n  \
    topup approve 2026-11 --as minh --signature bytes.sig\n\nIt prints exactly the bytes that are signed."
)]
pub(super) struct ApprovalArgs {
    /// The batch
    pub(super) batch: String,
}

#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  topup approve 2026-11 --as minh --sign minh.key\n  \
    topup approve 2026-11 --plan 9f2c… --as minh --signature bytes.sig\n\n\
    With one person per plan, neither --as nor --sign is needed.")]
pub(super) struct ApproveArgs {
    /// The batch
    pub(super) batch: String,
    /// The seal that was looked at: anything else that waits is not approved
    #[arg(long, value_name = "SHA256")]
    pub(super) plan: Option<String>,
    #[command(flatten)]
    pub(super) who: WhoArgs,
    /// What `ssh-keygen -Y sign -n topup` made of the bytes that `topup approval` prints
    #[arg(long, value_name = "FILE", requires = "person", conflicts_with = "sign")]
    pub(super) signature: Option<PathBuf>,
}

#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  topup send-back 2026-11 --why \"row 17 left the company\" --as minh\n  \
    topup withdraw 2026-11 --why \"another file follows\" --as lan\n\n\
    What was sent back or withdrawn is not paid; the same rows may be proposed again.")]
pub(super) struct TakeBackArgs {
    /// The batch
    pub(super) batch: String,
    /// The reason, which is kept in the history
    #[arg(long, value_name = "TEXT", required = true)]
    pub(super) why: String,
    #[command(flatten)]
    pub(super) who: WhoArgs,
}

/// Stores a file's plan as a proposal.
pub(super) fn plan(context: &Context, args: &PlanArgs) -> Result<Report, Failure> {
    context.refuse_missing()?;
    context.say_created(planned(context, args))
}

fn planned(context: &Context, args: &PlanArgs) -> Result<Report, Failure> {
    let batch = run::batch_name(&args.file, args.batch.as_deref())?;
    let terms = run::terms(context, &args.reading, batch, Resealing::Refused)?;
    drop(run::open_file(&args.file, &args.reading)?);
    // A ledger is made only for a file that opens.
    let mut ledger = context.open_to_change(Access::Create)?;
    let stored = propose(context, &mut ledger, &args.file, &args.reading, &terms, &args.who)?;
    if let Some(report) = stored {
        return Ok(report);
    }
    let batch = ledger.batch(terms.batch.as_str())?;
    let state = if approvals::waiting(&ledger, &batch).is_ok() { "proposed" } else { "approved" };
    let json = json!({
        "batch": batch.name.as_str(), "version": batch.plan_version, "seal": batch.plan_sha256.to_string(), "state": state,
        "rows": batch.rows, "points": batch.points,
    });
    let text = format!("batch {} has all these rows already; its plan is {state}\n", batch.name);
    Ok(Report { exit: Exit::Done, json, text })
}

/// Stores a file's plan as a proposal; nothing where the batch has all its rows already.
pub(super) fn propose(
    context: &Context,
    ledger: &mut Ledger,
    file: &Path,
    reading: &PlanningArgs,
    terms: &Terms,
    who: &WhoArgs,
) -> Result<Option<Report>, Failure> {
    let origin = run::origin(context, file, terms);
    let options = super::check::intake_options(&reading.how, reading.expect_total)?;
    let open = || crate::intake::open(file, &options);
    let proposed = with_identity(who, |identity| Ok(approvals::propose(ledger, &open, terms, &origin, identity)?))?;
    match proposed {
        Proposed::Refused(refusal) => Err(refused(refusal)),
        Proposed::Known(_, warnings) => {
            warnings.iter().for_each(|warning| context.output.note(&format!("note: {warning}")));
            Ok(None)
        }
        Proposed::Waits { version, summary } => {
            context.output.note(&plan_text(context, &terms.batch, &summary)?);
            Ok(Some(stored(&ledger.batch(terms.batch.as_str())?, version, &summary, who, ledger)?))
        }
    }
}

fn stored(
    batch: &Batch,
    version: u32,
    summary: &DraftSummary,
    who: &WhoArgs,
    ledger: &Ledger,
) -> Result<Report, Failure> {
    let seal = summary.plan_sha256.to_string();
    let json = json!({
        "batch": batch.name.as_str(), "version": version, "seal": seal, "state": "proposed",
        "rows": summary.whole.rows, "points": summary.whole.points, "kinds": kinds_json(&summary.kinds),
    });
    let needs = match (ledger.team()?.policy(), &who.person) {
        (Policy::OnePerson, _) => "nothing of it is paid before it is approved",
        (Policy::TwoPersons, Some(_)) => "nothing of it is paid before another person approved it",
        (Policy::TwoPersons, None) => {
            "nobody signed it, so two approvers have to approve it; signed with --as NAME --sign KEYFILE, one is enough"
        }
    };
    let name = &batch.name;
    let text = format!(
        "stored plan {version} of batch {name}, seal {seal}\n{needs}\nnext: topup approve {name} --plan {seal}\n"
    );
    Ok(Report { exit: Exit::Done, json, text })
}

/// Prints exactly the bytes that are signed to approve what waits.
pub(super) fn approval(context: &Context, args: &ApprovalArgs) -> Result<Report, Failure> {
    let ledger = context.open_to_read()?;
    let batch = ledger.batch(&args.batch)?;
    let waits = approvals::waiting(&ledger, &batch)?;
    let bytes = String::from_utf8_lossy(&Ledger::approval_bytes(&batch, &waits)).into_owned();
    context.output.bare(&bytes)?;
    let json = json!({
        "batch": batch.name.as_str(), "kind": waits.kind.word(), "seal": waits.seal.to_string(), "bytes": bytes,
    });
    Ok(Report { exit: Exit::Done, json, text: String::new() })
}

/// Approves what waits.
pub(super) fn approve(context: &Context, args: &ApproveArgs) -> Result<Report, Failure> {
    let seal = args.plan.as_deref().map(seal_of).transpose()?;
    let signature = match &args.signature {
        None => None,
        Some(path) => {
            let read = std::fs::read_to_string(path).with_context(|| format!("reading {}", path.display()));
            Some(read.map_err(|error| Failure::new(Exit::Usage, "signature", error))?)
        }
    };
    let decide = |identity: &Identity<'_>| word(context, &args.batch, Word::Approve, seal, None, identity);
    let (batch, proposal) = match (&args.who.person, signature) {
        (Some(name), Some(signature)) => {
            decide(&Identity::Person { name: person(name)?, sign: Some(&|_| Ok(signature.clone())) })?
        }
        (_, _) => with_identity(&args.who, decide)?,
    };
    let is_approved = proposal.state == ProposalState::Approved;
    let mut json = json_of(&batch, &proposal);
    if let Some(object) = json.as_object_mut() {
        object.insert("approved_by".to_owned(), json!(names(&proposal.approved_by)));
    }
    let (name, what, by) = (&batch.name, proposal.kind.word(), names(&proposal.approved_by).join(", "));
    let text = if is_approved {
        format!(
            "approved the {what} of batch {name}, seal {}\nby {by}\nnext: topup resume {name}\n",
            proposal.seal.to_string()
        )
    } else {
        format!("approved by {by}; nobody signed the proposal, so it waits for a second approver\n")
    };
    Ok(Report { exit: if is_approved { Exit::Done } else { Exit::Waits }, json, text })
}

/// Has a decision that can pay again approved as the policy demands: a report where it waits for another person.
pub(super) fn decision(
    context: &Context,
    batch: &str,
    kind: ProposalKind,
    payouts: &[PayoutId],
    why: &str,
    who: &WhoArgs,
) -> Result<Option<Report>, Failure> {
    let (mut ledger, _lock) = context.open_locked(kind.word(), Access::Write)?;
    let batch = ledger.batch(batch)?.unpurged()?;
    let decided = with_identity(who, |identity| {
        Ok(approvals::decision(&mut ledger, &batch, kind, payouts, why, identity, unix_ms())?)
    })?;
    let Decision::Waits(seal) = decided else { return Ok(None) };
    let (name, seal, word) = (&batch.name, seal.to_string(), kind.word());
    let json =
        json!({"batch": name.as_str(), "kind": word, "seal": seal, "state": "proposed", "payouts": payouts.len()});
    let text = format!(
        "the {word} of {} of batch {name} waits for another person, seal {seal}\nnext: topup approve {name} --plan {seal}, \
         and then the same command again\n",
        counted(payouts.len() as u64, "payout"),
    );
    Ok(Some(Report { exit: Exit::Waits, json, text }))
}

/// Gives back what somebody else proposed.
pub(super) fn send_back(context: &Context, args: &TakeBackArgs) -> Result<Report, Failure> {
    taken_back(context, args, Word::SendBack, "sent back")
}

/// Takes one's own proposal back.
pub(super) fn withdraw(context: &Context, args: &TakeBackArgs) -> Result<Report, Failure> {
    taken_back(context, args, Word::Withdraw, "withdrew")
}

fn taken_back(context: &Context, args: &TakeBackArgs, said: Word, done: &str) -> Result<Report, Failure> {
    let (batch, proposal) =
        with_identity(&args.who, |identity| word(context, &args.batch, said, None, Some(&args.why), identity))?;
    let text = format!("{done} the {} of batch {}: nothing of it is paid\n", proposal.kind.word(), batch.name);
    Ok(Report { exit: Exit::Done, json: json_of(&batch, &proposal), text })
}

fn word(
    context: &Context,
    batch: &str,
    said: Word,
    seal: Option<Sha256>,
    why: Option<&str>,
    identity: &Identity<'_>,
) -> Result<(Batch, Proposal), Failure> {
    let (mut ledger, _lock) = context.open_locked("approve", Access::Write)?;
    let batch = ledger.batch(batch)?.unpurged()?;
    let (proposal, _) = approvals::decide(&mut ledger, &batch, said, seal, why, identity, unix_ms())?;
    Ok((batch, proposal))
}

fn json_of(batch: &Batch, proposal: &Proposal) -> Value {
    json!({
        "batch": batch.name.as_str(), "kind": proposal.kind.word(), "version": proposal.version,
        "seal": proposal.seal.to_string(), "state": proposal.state.word(),
    })
}

pub(super) fn names(actors: &[Actor]) -> Vec<String> {
    actors.iter().map(Actor::to_string).collect()
}

fn seal_of(text: &str) -> Result<Sha256, Failure> {
    Sha256::parse(text).ok_or_else(|| {
        let message = anyhow!("--plan needs the 64 hex digits of a seal, has {text:?}");
        Failure::new(Exit::Usage, "usage", message)
    })
}

impl From<ProposeError> for Failure {
    fn from(error: ProposeError) -> Self {
        match error {
            ProposeError::Plan(error) => error.into(),
            ProposeError::Signing(error) => error.into(),
            ProposeError::Changed => Self::new(Exit::Refused, "changed", anyhow!(error.to_string())),
        }
    }
}
