//! `topup plan`, `approval`, `approve`, `send-back`, `withdraw`: a plan is proposed, and a person's word about it is taken.

use super::args::{ApprovalArgs, ApproveArgs, PlanArgs, TakeBackArgs, WhoArgs};
use super::hints::command;
use super::output::Report;
use super::plan_view::kinds_json;
use super::requests::{self, person, with_identity};
use super::terminal::Terminal;
use crate::app::approvals::{self, Outcome, Stored, Word, WordRequest};
use crate::app::{Actor, Batch, Ending, Failure, Identity, Policy, Proposal, ProposalState, Step};
use anyhow::Context as _;
use serde_json::{Value, json};

/// Stores a file's plan as a proposal.
pub(super) fn plan(terminal: &Terminal, args: &PlanArgs) -> Result<Report, Failure> {
    terminal.context().refuse_missing()?;
    let batch = Terminal::batch_name(&args.file, args.batch.as_deref())?;
    let file = requests::file(&args.file, &args.reading, batch)?;
    let outcome = with_identity(&terminal.actor, &args.who, |proposer| {
        approvals::propose_file(terminal.context(), &file, proposer)
    })?;
    let (batch, state) = match outcome {
        Outcome::Stored(waits) => return Ok(stored(&waits, &args.who)),
        Outcome::Known(batch, state) => (batch, state.word()),
    };
    let json = json!({
        "batch": batch.name.as_str(), "version": batch.plan_version, "seal": batch.plan_sha256.to_string(), "state": state,
        "rows": batch.rows, "points": batch.points,
    });
    let text = format!("batch {} has all these rows already; its plan is {state}\n", batch.name);
    Ok(Terminal::shown(json, text))
}

/// What is said of a plan that waits.
pub(super) fn stored(waits: &Stored, who: &WhoArgs) -> Report {
    let Stored { batch, version, summary, policy } = waits;
    let seal = summary.plan_sha256.to_string();
    let json = json!({
        "batch": batch.name.as_str(), "version": version, "seal": seal, "state": "proposed",
        "rows": summary.whole.rows, "points": summary.whole.points, "kinds": kinds_json(&summary.kinds),
    });
    let needs = match (policy, &who.person) {
        (Policy::OnePerson, _) => "nothing of it is paid before it is approved",
        (Policy::TwoPersons, Some(_)) => "nothing of it is paid before another person approved it",
        (Policy::TwoPersons, None) => {
            "nobody signed it, so two approvers have to approve it; signed with --as NAME --sign KEYFILE, one is enough"
        }
    };
    let name = &batch.name;
    let next = command(&Step::Approve(name.to_string(), seal.clone()));
    Terminal::shown(json, format!("stored plan {version} of batch {name}, seal {seal}\n{needs}\nnext: {next}\n"))
}

/// Prints exactly the bytes that are signed to approve what waits.
pub(super) fn approval(terminal: &Terminal, args: &ApprovalArgs) -> Result<Report, Failure> {
    let (batch, waits, bytes) = approvals::approval(terminal.context(), &args.batch)?;
    let bytes = String::from_utf8_lossy(&bytes).into_owned();
    terminal.output.bare(&bytes)?;
    let json = json!({
        "batch": batch.name.as_str(), "kind": waits.kind.word(), "seal": waits.seal.to_string(), "bytes": bytes,
    });
    Ok(Terminal::shown(json, String::new()))
}

/// Approves what waits.
pub(super) fn approve(terminal: &Terminal, args: &ApproveArgs) -> Result<Report, Failure> {
    let seal = args.plan.as_deref().map(requests::seal).transpose()?;
    let signature = match &args.signature {
        None => None,
        Some(path) => {
            let read = std::fs::read_to_string(path).with_context(|| format!("reading {}", path.display()));
            Some(read.map_err(|error| Failure::new(Ending::Usage, "signature", error))?)
        }
    };
    let request = WordRequest { batch: args.batch.clone(), word: Word::Approve, seal, why: None };
    let say = |person: &Identity<'_>| approvals::say(terminal.context(), &request, person);
    let (batch, proposal) = match (&args.who.person, signature) {
        (Some(name), Some(signature)) => {
            say(&Identity::Person { name: person(name)?, sign: Some(&|_| Ok(signature.clone())) })?
        }
        (_, _) => with_identity(&terminal.actor, &args.who, say)?,
    };
    let is_approved = proposal.state == ProposalState::Approved;
    let mut json = json_of(&batch, &proposal);
    json["approved_by"] = json!(names(&proposal.approved_by));
    let (name, what, by) = (&batch.name, proposal.kind.word(), names(&proposal.approved_by).join(", "));
    let text = if is_approved {
        let next = command(&Step::Resume(Some(name.to_string())));
        format!("approved the {what} of batch {name}, seal {}\nby {by}\nnext: {next}\n", proposal.seal)
    } else {
        format!("approved by {by}; nobody signed the proposal, so it waits for a second approver\n")
    };
    Ok(Report { ending: if is_approved { Ending::Done } else { Ending::Waits }, json, text })
}

/// Gives back what somebody else proposed.
pub(super) fn send_back(terminal: &Terminal, args: &TakeBackArgs) -> Result<Report, Failure> {
    taken_back(terminal, args, Word::SendBack, "sent back")
}

/// Takes one's own proposal back.
pub(super) fn withdraw(terminal: &Terminal, args: &TakeBackArgs) -> Result<Report, Failure> {
    taken_back(terminal, args, Word::Withdraw, "withdrew")
}

fn taken_back(terminal: &Terminal, args: &TakeBackArgs, word: Word, done: &str) -> Result<Report, Failure> {
    let request = WordRequest { batch: args.batch.clone(), word, seal: None, why: Some(args.why.clone()) };
    let (batch, proposal) =
        with_identity(&terminal.actor, &args.who, |person| approvals::say(terminal.context(), &request, person))?;
    let text = format!("{done} the {} of batch {}: nothing of it is paid\n", proposal.kind.word(), batch.name);
    Ok(Terminal::shown(json_of(&batch, &proposal), text))
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
