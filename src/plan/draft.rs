//! Places a file's rows into an open transaction, and judges them as a whole before the plan is sealed.

use super::canonical::Seal;
use super::duplicate_rows::DuplicateRows;
use super::findings::Reading;
use super::kinds::RowKinds;
use super::refusal::{PlanError, Refusal};
use super::reimport_guard::{self};
use super::rules;
use super::settings::{changed_setting, sealed_settings};
use super::terms::{Resealing, Terms};
use crate::domain::approval::Actor;
use crate::domain::sha256::Sha256;
use crate::intake::{Format, Intake, Repair};
use crate::ledger::{Batch, Binding, Changed, Ledger, LedgerError, Origin, Planning, Size, UnixMs};

/// A plan that waits for its consent. Dropped, it leaves nothing behind.
#[derive(Debug)]
pub struct Draft<'l> {
    planning: Planning<'l>,
    summary: DraftSummary,
}

/// What a plan comes to.
#[derive(Clone, Debug)]
pub struct DraftSummary {
    /// Which gateway pays it, and for which merchant and terminal.
    pub binding: Binding,
    /// The name of the file it was made from.
    pub file_name: String,
    /// The worksheet, where the file has such.
    pub sheet: Option<String>,
    /// What this file adds to the plan.
    pub new: Size,
    /// The whole plan, what the batch had before included.
    pub whole: Size,
    /// What the rows of the file are to the batch.
    pub kinds: RowKinds,
    /// Different members among what is new.
    pub members: u64,
    /// New payouts whose member has no phone, and so no pre-check.
    pub without_pre_check: u64,
    /// Points of the largest new payout.
    pub largest: u64,
    /// The seal of the whole plan.
    pub plan_sha256: Sha256,
    /// Cells that were repaired, the first of them.
    pub repairs: Vec<Repair>,
    /// All repaired cells.
    pub repair_count: u64,
    /// What a person should know.
    pub warnings: Vec<String>,
}

impl Draft<'_> {
    /// What the plan comes to.
    #[must_use]
    pub fn summary(&self) -> &DraftSummary {
        &self.summary
    }

    /// Makes the plan durable, with the consent that was given to it.
    ///
    /// # Errors
    /// When the ledger cannot be written; then nothing of what the file adds is in it.
    pub fn seal(self, consent: &str, at: UnixMs) -> Result<DraftSummary, LedgerError> {
        self.planning.seal(self.summary.plan_sha256, self.summary.kinds.skipped, consent, at)?;
        Ok(self.summary)
    }

    /// Makes the plan durable as a proposal, of which nothing is paid before somebody approved it; with its version.
    ///
    /// # Errors
    /// When the proposer may not, or the ledger cannot be written; then nothing of what the file adds is in it.
    pub fn propose(self, by: &Actor, signature: Option<&str>, at: UnixMs) -> Result<(u32, DraftSummary), LedgerError> {
        let Self { planning, summary } = self;
        let version = planning.propose(summary.plan_sha256, summary.kinds.skipped, by, signature, at)?;
        Ok((version, summary))
    }
}

/// What planning a file came to.
#[derive(Debug)]
pub enum Planned<'l> {
    /// A new batch, or new rows of one, in an open transaction: sealed with a consent, or dropped.
    Draft(Box<Draft<'l>>),
    /// The batch has all these rows already; and what a person should know.
    Known(Box<Batch>, Vec<String>),
    /// Nothing will be paid.
    Refused(Refusal),
}

pub(super) fn draft<'l>(
    ledger: &'l mut Ledger,
    mut intake: Intake,
    terms: &Terms,
    origin: &Origin,
    batch: Option<Batch>,
    taken_over: Option<String>,
) -> Result<Planned<'l>, PlanError> {
    let changed = changed_setting(ledger, batch.as_ref(), terms)?;
    if let (Some((batch, changed)), Resealing::Refused) = (&changed, &terms.resealing) {
        return Ok(Planned::Refused(rules::setting_changed(batch, changed, None)));
    }
    let doubled = if terms.skip_invalid { DuplicateRows::find(&intake, terms)? } else { DuplicateRows::default() };
    let has_other_batches = ledger.batches()?.len() > usize::from(batch.is_some());
    let settings = sealed_settings(terms, batch.as_ref());
    let mut planning = match &batch {
        None => ledger.plan(&terms.batch, &terms.binding, origin)?,
        Some(batch) => ledger.plan_again(batch.id)?,
    };
    planning.keep_columns(&columns(intake.format()))?;
    planning.keep_settings(&settings)?;
    let mut reading = Reading::default();
    if let Err(refusal) = reading.read(&mut planning, &mut intake, &doubled, terms)? {
        return Ok(Planned::Refused(*refusal));
    }
    let sheet = intake.format().sheet.clone();
    let tail = intake.finish()?;
    rules::gone(&planning, &mut reading, terms)?;
    let whole = planning.whole_size();
    if let Some(refusal) = rules::file(&mut reading, &tail, whole, batch.as_ref(), terms) {
        return Ok(Planned::Refused(refusal));
    }
    if has_other_batches && let Some(refusal) = rules::repeats(&planning, &mut reading, terms)? {
        return Ok(Planned::Refused(refusal));
    }
    let mut warnings: Vec<String> = taken_over.into_iter().chain(tail.warnings).collect();
    warnings.extend(rules::gone_said(&reading.kinds));
    warnings.extend(changed.as_ref().map(|(_, changed)| {
        let Changed { setting, then, now } = changed;
        format!("the plan is sealed anew: it was planned with {setting} = {then}, and the configuration says {now}")
    }));
    if let Some(batch) = &batch
        && changed.is_none()
        && planning.new_size().rows == 0
        && !planning.skips_others(reading.kinds.skipped)?
    {
        return Ok(Planned::Known(Box::new(batch.clone()), warnings));
    }
    let mut seal =
        Seal::new((&terms.batch, planning.version()), &terms.binding, &settings, &planning.skipped_sha256()?);
    planning.in_key_order(|key, top_up, name| seal.add(key, top_up, name))?;
    let plan_sha256 = seal.close(whole.rows, whole.points);
    if let (Some((batch, changed)), Resealing::Confirmed(expected)) = (&changed, &terms.resealing) {
        let seal = plan_sha256.to_string();
        if !seal.eq_ignore_ascii_case(expected) {
            return Ok(Planned::Refused(rules::setting_changed(batch, changed, Some(&seal))));
        }
    }
    let (members, largest) = planning.members_and_largest()?;
    let summary = DraftSummary {
        binding: terms.binding.clone(),
        file_name: origin.file_name.clone(),
        sheet,
        new: planning.new_size(),
        whole,
        kinds: reading.kinds,
        members,
        without_pre_check: reading.without_pre_check,
        largest,
        plan_sha256,
        repairs: reading.repairs,
        repair_count: reading.repair_count,
        warnings,
    };
    Ok(Planned::Draft(Box::new(Draft { planning, summary })))
}

/// Every column of the file with the word of its meaning, in the file's order; not those that `export` added.
fn columns(format: &Format) -> Vec<(&str, Option<&'static str>)> {
    let meaning_of = |header: &String| format.columns.iter().find(|(_, named)| named == header).map(|(m, _)| m.word());
    reimport_guard::own_headers(format).iter().map(|header| (header.as_str(), meaning_of(header))).collect()
}
