//! A file to a plan that may be paid: read, judged, and approved as the policy of the ledger demands.

use super::approvals::{self, Stored};
use super::clock::unix_ms;
use super::context::{Context, News};
use super::failure::{Ending, Failure};
use super::file_request::{FileRequest, origin, terms};
use super::identity::Identity;
use super::pay::{self, Ready};
use crate::domain::sha256::Sha256;
use crate::domain::team::Policy;
use crate::domain::text::{counted, grouped};
use crate::engine::Mode;
use crate::ledger::{Access, Batch, Lease, Ledger};
use crate::plan::{self, DraftSummary, Planned, Resealing, Terms};

/// A word to a plan that need not be asked for any more. `None` where a person has to be asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Consent {
    /// Whatever the plan is.
    Yes,
    /// To a plan of so many points in all.
    Total(u64),
    /// To the plan of this seal, in hexadecimal digits.
    Plan(String),
    /// To the plan of this seal, by a person who read it.
    Read(Sha256),
}

impl Consent {
    /// Whether the word is to this plan; as it is kept with it.
    pub(super) fn to(&self, points: u64, seal: &Sha256, context: Context<'_>) -> Result<String, Failure> {
        let who = context.actor;
        match self {
            Self::Yes => Ok(format!("--yes by {who}")),
            Self::Total(expected) if *expected == points => Ok(format!("--confirm-total {expected} by {who}")),
            Self::Total(expected) => Err(Failure::no_consent(format!(
                "the word was to {} in all, and the whole plan has {}; nothing was sent",
                counted(*expected, "point"),
                grouped(points)
            ))),
            Self::Plan(expected) => {
                let plan = seal.to_string();
                if expected.eq_ignore_ascii_case(&plan) {
                    return Ok(format!("--confirm-plan {plan} by {who}"));
                }
                Err(Failure::no_consent(format!(
                    "the word was to the plan {expected}, and this plan is {plan}; nothing was sent"
                )))
            }
            Self::Read(read) if read == seal => Ok(format!("yes typed by {who}")),
            Self::Read(_) => Err(changed()),
        }
    }
}

/// A file that is to be paid.
#[derive(Clone, Debug)]
pub struct PayRequest {
    /// The file.
    pub file: FileRequest,
    /// The word to its plan.
    pub consent: Option<Consent>,
}

impl PayRequest {
    /// What becomes of a plan whose settings changed since it was sealed.
    fn resealing(&self) -> Resealing {
        match &self.consent {
            Some(Consent::Plan(plan)) => Resealing::Confirmed(plan.clone()),
            Some(Consent::Yes | Consent::Total(_) | Consent::Read(_)) | None => Resealing::Refused,
        }
    }
}

/// What became of a file that is to be paid.
pub enum ToPay {
    /// It may be paid.
    Ready(Box<Ready>),
    /// A person has to say yes to this plan first: nothing is open or locked meanwhile. With [`Consent::Read`] of its seal
    /// it is planned again then, and has to be the same plan.
    Asks(Box<DraftSummary>),
    /// It is stored, and waits for another person.
    Waits(Box<Stored>),
}

/// Plans a file, and approves the plan on the word of whoever came by: where a plan needs two persons, it is stored and
/// waits.
pub fn plan_to_pay(context: Context<'_>, request: &PayRequest, proposer: &Identity<'_>) -> Result<ToPay, Failure> {
    context.refuse_missing()?;
    let terms = terms(context, &request.file, request.resealing())?;
    // Everything that can be wrong with the set-up shows before the ledger is touched.
    check_settings(context)?;
    // A second run is told so before anything is said about its file; a ledger is made only for a file that opens.
    let lock = context.lock("run")?;
    drop(request.file.open()?);
    let mut ledger = context.open_to_change(Access::Create)?;
    let batch = match ledger.team()?.policy() {
        Policy::OnePerson => match approve_at_once(context, request, &terms, &mut ledger)? {
            Approved::Batch(batch) => *batch,
            Approved::Asks(summary) => return Ok(ToPay::Asks(summary)),
        },
        Policy::TwoPersons => match approvals::stored(context, &mut ledger, &request.file, &terms, proposer)? {
            Some(stored) => return Ok(ToPay::Waits(Box::new(stored))),
            None => ledger.batch(terms.batch.as_str())?,
        },
    };
    Ok(ToPay::Ready(Box::new(ready(context, &terms, ledger, lock, batch)?)))
}

/// Whether a run could be made under these settings.
pub fn check_settings(context: Context<'_>) -> Result<(), Failure> {
    context.settings.gateway()?;
    context.settings.run_settings(Mode::Pay, 0)?;
    Ok(())
}

fn ready(context: Context<'_>, terms: &Terms, ledger: Ledger, lock: Lease, batch: Batch) -> Result<Ready, Failure> {
    Ok(Ready {
        ledger,
        batch,
        mode: Mode::Pay,
        under: pay::under(context, terms.repeat_why.as_deref())?,
        lock,
        is_unattended: false,
        stop_after: None,
    })
}

enum Approved {
    Batch(Box<Batch>),
    Asks(Box<DraftSummary>),
}

fn approve_at_once(
    context: Context<'_>,
    request: &PayRequest,
    terms: &Terms,
    ledger: &mut Ledger,
) -> Result<Approved, Failure> {
    let was_read = matches!(request.consent, Some(Consent::Read(_)));
    match plan::plan(ledger, request.file.open()?, terms, &origin(context, &request.file, terms))? {
        Planned::Known(..) | Planned::Refused(_) if was_read => return Err(changed()),
        Planned::Refused(refusal) => return Err(refusal.into()),
        Planned::Known(batch, warnings) => {
            context.note_all(&warnings);
            // The consent is kept with the plan; one that is given again has to fit it.
            let consent = request.consent.as_ref();
            consent.map(|consent| consent.to(batch.points, &batch.plan_sha256, context)).transpose()?;
        }
        Planned::Draft(draft) => {
            let summary = draft.summary();
            if !was_read {
                context.door.tell(&News::Plan(&terms.batch, summary));
            }
            let Some(consent) = &request.consent else { return Ok(Approved::Asks(Box::new(summary.clone()))) };
            let mut consent = consent.to(summary.whole.points, &summary.plan_sha256, context)?;
            if let Some(why) = &terms.repeat_why {
                consent.push_str(&format!("; repeats another batch: {why}"));
            }
            draft.seal(&consent, unix_ms())?;
        }
    }
    Ok(Approved::Batch(Box::new(ledger.batch(terms.batch.as_str())?)))
}

fn changed() -> Failure {
    let message = "the file or the ledger changed while the plan was read; nothing was planned and nothing was sent\n\
                   hint: run the same command again, and read the plan anew";
    Failure::said(Ending::Refused, "changed", message)
}
