//! Compares a batch with its own history, and then with the gateway, number by number.

use super::answers::Answers;
use super::audit::audit;
use super::clock::unix_ms;
use super::context::{Context, News};
use super::failure::{Ending, Failure};
use super::pay::{asking, early_end};
use super::runtime::block_on;
use crate::engine::{self, Asked, Inquiry};
use crate::ledger::{Access, Audit, Batch, LedgerError, PurgeKey, Purpose, RunLedger};
use std::sync::Arc;

/// Digits of a head: enough that no other hash of a history begins with them, and all.
const HEAD_DIGITS_MIN: usize = 8;
const HEAD_DIGITS_MAX: usize = 64;

/// A batch that is to be verified.
#[derive(Clone, Debug)]
pub struct VerifyRequest {
    /// The batch.
    pub batch: String,
    /// Only its own history; no call is made.
    pub offline: bool,
    /// What an earlier summary said that the history ends with, in hexadecimal digits: it has to be in there still.
    pub head: Option<String>,
}

/// What was found.
pub struct Verified {
    /// How it went.
    pub ending: Ending,
    /// The batch.
    pub batch: Batch,
    /// Its history.
    pub audit: Audit,
    /// What the gateway said; `None`: it was not asked.
    pub answers: Option<Answers>,
}

/// Verifies a batch.
pub fn verify(context: Context<'_>, request: &VerifyRequest) -> Result<Verified, Failure> {
    let head = request.head.as_deref().map(head_of).transpose()?;
    let head = head.as_deref();
    if request.offline {
        // At one moment: a run beside it goes on, and what it writes meanwhile would look like a difference.
        return context.open_to_read()?.at_one_moment(|ledger| {
            let batch = ledger.batch(&request.batch)?;
            let audit = audit(ledger, &batch, head)?;
            Ok(verified(batch, audit, None))
        });
    }
    let under = context.settings.under(Purpose::Ask, None, unix_ms())?;
    // Everything that can be wrong with the set-up shows before the ledger is touched.
    context.settings.gateway()?;
    asking(context)?;
    let (ledger, _lock) = context.open_locked("verify", Access::Write)?;
    let batch = ledger.batch(&request.batch)?;
    ledger.check_binding(Some(&batch), &under.binding)?;
    let audit = audit(&ledger, &batch, head)?;
    let key = match batch.purged_at {
        None => None,
        Some(_) => ledger.purge_key().map_err(|error| unknown_members(context, &error)).ok().flatten(),
    };
    let ledger = match ledger.into_run(batch.id, &under) {
        // Nothing is written into such a ledger, answers of the gateway neither: what differs is what the audit lists.
        Err(LedgerError::Unsound { .. }) if audit.finding_count > 0 => return Ok(verified(batch, audit, None)),
        opened => opened?,
    };
    let (answers, early) = ask(context, &ledger, key.as_ref())?;
    let batch = ledger.batch()?;
    ledger.close()?;
    match early {
        Some(failure) if audit.finding_count + answers.difference_count == 0 => Err(failure),
        Some(_) | None => Ok(verified(batch, audit, Some(answers))),
    }
}

/// The end of a history as an earlier summary printed it, or its beginning: fewer digits would be found in any history.
fn head_of(typed: &str) -> Result<String, Failure> {
    if (HEAD_DIGITS_MIN..=HEAD_DIGITS_MAX).contains(&typed.len()) && typed.bytes().all(|byte| byte.is_ascii_hexdigit())
    {
        return Ok(typed.to_ascii_lowercase());
    }
    let message = format!(
        "the end of a history needs {HEAD_DIGITS_MIN} to {HEAD_DIGITS_MAX} hexadecimal digits, has {typed:?}\nhint: it is what a \
         summary printed behind `history ends with`"
    );
    Err(Failure::said(Ending::Usage, "head", message))
}

/// Asks about every number ever sent; gives why it ended early, too.
fn ask(
    context: Context<'_>,
    ledger: &RunLedger,
    key: Option<&PurgeKey>,
) -> Result<(Answers, Option<Failure>), Failure> {
    let numbers = ledger.verifiable_numbers()?.into_iter();
    let inquiries: Vec<Inquiry> =
        numbers.map(|(payout, number, in_use)| Inquiry { payout, earlier: (!in_use).then_some(number) }).collect();
    context.door.tell(&News::AskingAbout(inquiries.len() as u64));
    let (settings, gateway) = (asking(context)?, Arc::new(context.settings.gateway()?));
    let mut answers = Answers::default();
    let report = block_on(async {
        let mut shutdown = context.door.stop_signal()?;
        let take = |asked: &Asked| {
            answers.take(asked, key);
            context.door.tell(&News::Answered(answers.asked));
            None
        };
        engine::ask(&settings, ledger, gateway, unix_ms, &mut shutdown, inquiries, take).await.map_err(Failure::from)
    })?;
    context.note_trouble(settings.shared_pace.as_ref());
    answers.elapsed = report.elapsed;
    answers.sort();
    Ok((answers, early_end(report.stop.as_ref(), report.interrupted)))
}

fn verified(batch: Batch, audit: Audit, answers: Option<Answers>) -> Verified {
    let differences = answers.as_ref().map_or(0, |answers| answers.difference_count);
    let unanswered = answers.as_ref().map_or(0, |answers| answers.unanswered);
    let ending = match (audit.finding_count + differences, unanswered) {
        (0, 0) => Ending::Done,
        (0, _) => Ending::Unfinished,
        (_, _) => Ending::Differs,
    };
    Verified { ending, batch, audit, answers }
}

/// Without its key everything of a purged batch is verified but one thing.
fn unknown_members(context: Context<'_>, error: &LedgerError) {
    let note = format!("should the gateway name the phones that it paid, they are not compared: {error}");
    context.door.tell(&News::Note(&note));
}
