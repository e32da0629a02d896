//! Places a file's rows into an open transaction, and judges them as a whole before the plan is sealed.

use super::canonical::Seal;
use super::duplicate_rows::DuplicateRows;
use super::kinds::RowKinds;
use super::reimport_guard::{self, ReimportGuard};
use super::settings::{changed_setting, sealed_settings};
use super::{PlanError, Planned, Problems, Refusal, Resealing, Terms, keys_of, number_of, rules};
use crate::domain::approval::Actor;
use crate::domain::invoice_no::InvoiceNo;
use crate::domain::member::Member;
use crate::domain::payout::{Row, TopUp};
use crate::domain::payout_status::State;
use crate::domain::sha256::Sha256;
use crate::intake::{Format, Intake, Item, Problem, ProblemKind, Repair};
use crate::ledger::{
    Batch, Changed, Earlier, Ledger, LedgerError, NewPayout, Origin, Placement, Planning, Size, UnixMs,
};

/// Repairs that are listed; the rest is only counted.
const REPAIRS_MAX: usize = 1000;

/// A plan that waits for its consent. Dropped, it leaves nothing behind.
#[derive(Debug)]
pub struct Draft<'l> {
    planning: Planning<'l>,
    summary: DraftSummary,
}

/// What a plan comes to.
#[derive(Clone, Debug)]
pub struct DraftSummary {
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

/// Which kinds of rows the file has shown: only among mixed ones can a member stand twice under two keys.
#[derive(Clone, Copy, Debug, Default)]
struct Mix {
    with_reference: bool,
    without_reference: bool,
    by_id: bool,
}

impl Mix {
    /// Takes a row in; whether an earlier row of the file can be of its member, under another key.
    fn take(&mut self, row: &Row) -> bool {
        let by_id = match row.member {
            Member::Phone(_) | Member::Purged { .. } => false,
            Member::Card { .. } | Member::UserId { .. } => true,
        };
        self.by_id |= by_id;
        if row.reference.is_some() {
            self.with_reference = true;
            self.without_reference
        } else {
            self.without_reference = true;
            self.with_reference || self.by_id
        }
    }
}

/// What reading the rows came to.
#[derive(Debug, Default)]
pub(super) struct Reading {
    pub(super) problems: Problems,
    /// Why rows were skipped.
    pub(super) skipped: Problems,
    pub(super) kinds: RowKinds,
    mix: Mix,
    without_pre_check: u64,
    repairs: Vec<Repair>,
    repair_count: u64,
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
        && !planning.skips_others(batch.skipped_rows, reading.kinds.skipped)?
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

impl Reading {
    /// Reads the rows into the plan; or the refusal of the whole file.
    fn read(
        &mut self,
        planning: &mut Planning<'_>,
        intake: &mut Intake,
        doubled: &DuplicateRows,
        terms: &Terms,
    ) -> Result<Result<(), Box<Refusal>>, PlanError> {
        let format = intake.format().clone();
        let carried = ReimportGuard::new(&format, terms);
        while let Some(item) = intake.next()? {
            match item {
                Item::Row(row, repairs) => {
                    match carried.number(&row) {
                        Err(refusal) => return Ok(Err(refusal)),
                        Ok(number) => self.take_number(planning, &row, number)?,
                    }
                    if let Some(problem) = doubled.problem(&row) {
                        self.skip(planning, intake, row.row, vec![problem])?;
                    } else {
                        self.take_row(planning, &row, repairs, terms)?;
                    }
                }
                Item::Problems(problems) if terms.skip_invalid && problems.iter().all(Problem::skippable) => {
                    let row = problems.first().and_then(|problem| problem.row).unwrap_or_default();
                    self.skip(planning, intake, row, problems)?;
                }
                Item::Problems(problems) => {
                    self.kinds.to_correct += 1;
                    problems.into_iter().for_each(|problem| self.problems.add(problem));
                }
            }
        }
        Ok(Ok(()))
    }

    /// Leaves a row out of the plan, and keeps what stood in it, and why.
    fn skip(
        &mut self,
        planning: &mut Planning<'_>,
        intake: &Intake,
        row: u64,
        problems: Vec<Problem>,
    ) -> Result<(), PlanError> {
        self.kinds.skipped += 1;
        let reasons: Vec<String> = problems.iter().map(reason).collect();
        planning.skip(row, &intake.cells(), &reasons)?;
        problems.into_iter().for_each(|problem| self.skipped.add(problem));
        Ok(())
    }

    /// A later attempt that this ledger never made: another ledger did, and this one would begin with the first again,
    /// beside whatever became of the later one.
    fn take_number(
        &mut self,
        planning: &Planning<'_>,
        row: &Row,
        carried: Option<(InvoiceNo, u32)>,
    ) -> Result<(), PlanError> {
        let Some((number, attempt)) = carried.filter(|(_, attempt)| *attempt > 1) else { return Ok(()) };
        if !planning.has_number(&number)? {
            let message = format!(
                "was sent as attempt {attempt} by another ledger, and this one knows nothing of it; use that ledger or its \
                 newest backup"
            );
            self.problems.add(Problem::of_row(row.row, ProblemKind::Differs, message).with_found(number.as_str()));
        }
        Ok(())
    }

    fn take_row(
        &mut self,
        planning: &mut Planning<'_>,
        row: &Row,
        repairs: Vec<Repair>,
        terms: &Terms,
    ) -> Result<(), PlanError> {
        self.repair_count += repairs.len() as u64;
        let room = REPAIRS_MAX.saturating_sub(self.repairs.len());
        self.repairs.extend(repairs.into_iter().take(room));
        let points = u64::from(row.points.value());
        let over = terms.limits.points_per_payout.filter(|limit| points > *limit);
        let send_sms = row.send_sms.unwrap_or(terms.send_sms);
        for key in keys_of(row) {
            let number = || number_of(&key, terms);
            match (planning.place(&NewPayout { row, key: &key, send_sms, number: &number })?, over) {
                (Placement::New, Some(limit)) => self.over_limit(row, limit),
                (Placement::New, None) => return self.take_new(planning, row, terms),
                // What is paid, or never will be, is nobody's to hold back.
                (Placement::Same { state }, Some(limit)) if !matches!(state, State::Credited | State::Cancelled) => {
                    self.over_limit(row, limit);
                }
                (Placement::Same { state }, _) => self.kinds.known.add(state, points),
                (Placement::Changed { row: planned_row, planned, name, state, credited_at }, _) => {
                    self.kinds.changed.add(state, u64::from(planned.points.value()));
                    let state = rules::since(state, credited_at);
                    let message = changes((&planned, name.as_deref()), row, send_sms, planned_row, &state);
                    self.problems.add(Problem::of_row(row.row, ProblemKind::Differs, message));
                }
                (Placement::Duplicate { row: first }, _) if row.reference.is_some() || !terms.allow_repeat_phones => {
                    self.duplicate(row, first);
                }
                // The next occurrence of the member.
                (Placement::Duplicate { .. }, _) => continue,
            }
            return Ok(());
        }
        Ok(())
    }

    fn over_limit(&mut self, row: &Row, limit: u64) {
        self.problems.add(rules::over_limit(row, limit));
        self.kinds.to_correct += 1;
    }

    /// A new row key whose member has a payout in the batch already is a second payment, unless that is meant.
    fn take_new(&mut self, planning: &Planning<'_>, row: &Row, terms: &Terms) -> Result<(), PlanError> {
        self.without_pre_check += u64::from(row.member.phone().is_none());
        let is_looked_for = !terms.allow_repeat_phones && (self.mix.take(row) || planning.is_amended());
        let earlier = if is_looked_for { planning.earlier_of_member(row)? } else { None };
        match earlier {
            Some(Earlier { row: first, is_of_this_file: true }) => self.same_member(row, first),
            Some(Earlier { row: earlier, is_of_this_file: false }) => {
                self.kinds.another_key += 1;
                let message = format!(
                    "is new, and its member has a payout in this batch already, planned as row {earlier}; take it out, \
                     or say --allow-repeat-phones if the member is to be paid twice"
                );
                let problem = Problem::of_row(row.row, ProblemKind::Duplicate, message);
                self.problems.add(problem.with_found(&row.member.masked()));
            }
            None => {
                self.kinds.new.rows += 1;
                self.kinds.new.points += u64::from(row.points.value());
            }
        }
        Ok(())
    }

    /// One of two rows of a member has no reference: nothing tells it from the other.
    fn same_member(&mut self, row: &Row, first: u64) {
        self.kinds.doubled += 1;
        let column = match &row.member {
            Member::Phone(_) | Member::Purged { .. } => "phone",
            Member::Card { .. } | Member::UserId { .. } => "id",
        };
        let message = format!(
            "is the member of row {first} too, and one of the two has no reference; take one out, give each a reference, or \
             say --allow-repeat-phones"
        );
        let problem = Problem::of_row(row.row, ProblemKind::Duplicate, message);
        self.problems.add(problem.in_column(column).with_found(&row.member.masked()));
    }

    fn duplicate(&mut self, row: &Row, first: u64) {
        self.kinds.doubled += 1;
        let (column, message) = match &row.reference {
            Some(_) => ("reference", format!("is the reference of row {first} too; a reference names one row")),
            None => (
                "phone",
                format!("is the member of row {first} too; give each row a reference, or say --allow-repeat-phones"),
            ),
        };
        let found = row.reference.clone().unwrap_or_else(|| row.member.masked());
        let problem = Problem::of_row(row.row, ProblemKind::Duplicate, message);
        self.problems.add(problem.in_column(column).with_found(&found));
    }
}

/// Why a row is left out, in one line.
fn reason(problem: &Problem) -> String {
    let place = problem.column.as_deref().map(|column| format!("{column}: ")).unwrap_or_default();
    format!("{place}{}", problem.message)
}

/// Which values differ, and what was planned.
fn changes(
    (planned, name): (&TopUp, Option<&str>),
    found: &Row,
    send_sms: bool,
    planned_row: u64,
    state: &str,
) -> String {
    let mut changes = Vec::new();
    if planned.points != found.points {
        changes.push(format!("{} points, now {}", planned.points.value(), found.points.value()));
    }
    if planned.member != found.member {
        changes.push(format!("member {}, now {}", planned.member.masked(), found.member.masked()));
    }
    if planned.send_sms != send_sms {
        changes.push(format!("send_sms {}, now {send_sms}", planned.send_sms));
    }
    if planned.receipt != found.receipt {
        changes.push("another receipt".to_owned());
    }
    if name != found.name.as_deref() {
        let shown = |name: Option<&str>| name.map_or_else(|| "no name".to_owned(), |name| format!("name {name:?}"));
        changes.push(format!("{}, now {}", shown(name), shown(found.name.as_deref())));
    }
    format!("was planned as row {planned_row} with {}, and is {state}", changes.join("; "))
}
