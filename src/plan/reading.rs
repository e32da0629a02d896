//! Reads a file's rows into an open plan, one by one: each is new to it, known, changed, doubled or wrong.

use super::duplicate_rows::DuplicateRows;
use super::findings::Reading;
use super::refusal::{PlanError, Refusal, since};
use super::reimport_guard::ReimportGuard;
use super::rules;
use super::terms::{Terms, keys_of};
use crate::domain::invoice_no::InvoiceNo;
use crate::domain::member::Member;
use crate::domain::payout::{Row, TopUp};
use crate::domain::payout_status::State;
use crate::domain::text::counted;
use crate::intake::{Intake, Item, Problem, ProblemKind, Repair};
use crate::ledger::{Earlier, NewPayout, Placement, Planning};

/// Repairs that are listed; the rest is only counted.
const REPAIRS_MAX: usize = 1000;

impl Reading {
    /// Reads the rows into the plan; or the refusal of the whole file.
    pub(super) fn read(
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
            match (planning.place(&NewPayout { row, key: &key, send_sms })?, over) {
                (Placement::New, Some(limit)) => self.over_limit(row, limit),
                (Placement::New, None) => return self.take_new(planning, row, terms),
                // What is paid, or never will be, is nobody's to hold back.
                (Placement::Same { state }, Some(limit)) if !matches!(state, State::Credited | State::Cancelled) => {
                    self.over_limit(row, limit);
                }
                (Placement::Same { state }, _) => self.kinds.known.add(state, points),
                (Placement::Changed { row: planned_row, planned, name, state, credited_at }, _) => {
                    self.kinds.changed.add(state, u64::from(planned.points.value()));
                    let state = since(state, credited_at);
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
        changes.push(format!("{}, now {}", counted(planned.points.value().into(), "point"), found.points.value()));
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
