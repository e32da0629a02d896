//! Judges one row: a typed row with its repairs, or everything that is wrong with it.

use super::cells::{self, IdType};
use super::columns::Columns;
use super::points::{self, Reading};
use super::problem::{Problem, ProblemKind};
use super::record::{Cell, Record, is_control, text_formula};
use super::refusal::{Refusal, refuse};
use super::repair::{Repair, RepairKind};
use super::words::shortened;
use super::{oddity, phone};
use crate::domain::column_role::ColumnRole;
use crate::domain::member::{Member, is_id_separator};
use crate::domain::payout::Row;
use crate::domain::phone::PhoneNumber;
use crate::domain::points::Points;
use crate::domain::receipt::{Receipt, ReceiptProblem};
use crate::domain::text::grouped;
use std::borrow::Cow;

/// A valid row that still borrows its texts, so that judging a million rows allocates for none of them.
#[derive(Debug)]
pub(crate) struct ParsedRow<'r> {
    pub(crate) row: u64,
    pub(crate) reference: Option<Cow<'r, str>>,
    pub(crate) member: MemberRef<'r>,
    pub(crate) points: Points,
    pub(crate) name: Option<&'r str>,
    pub(crate) send_sms: Option<bool>,
    pub(crate) receipt: Option<Receipt>,
}

/// A member that still borrows its identifier.
#[derive(Clone, Debug)]
pub(crate) enum MemberRef<'r> {
    Phone(PhoneNumber),
    Card(Cow<'r, str>, Option<PhoneNumber>),
    UserId(Cow<'r, str>, Option<PhoneNumber>),
}

impl MemberRef<'_> {
    /// The member's number, where it is known.
    pub(crate) fn phone(&self) -> Option<&PhoneNumber> {
        match self {
            Self::Phone(phone) => Some(phone),
            Self::Card(_, phone) | Self::UserId(_, phone) => phone.as_ref(),
        }
    }

    pub(crate) fn to_member(&self) -> Member {
        match self {
            Self::Phone(phone) => Member::Phone(*phone),
            Self::Card(id, phone) => Member::Card { id: id.clone().into_owned(), phone: *phone },
            Self::UserId(id, phone) => Member::UserId { id: id.clone().into_owned(), phone: *phone },
        }
    }
}

impl ParsedRow<'_> {
    /// The row as its own, with the cells that are only kept.
    pub(crate) fn to_row(&self, columns: &Columns, record: &Record) -> Row {
        let kept =
            |column: &usize| (columns.headers[*column].clone(), cells::text(record.cell(*column).text).to_owned());
        Row {
            row: self.row,
            reference: self.reference.as_ref().map(|reference| reference.clone().into_owned()),
            member: self.member.to_member(),
            points: self.points,
            name: self.name.map(str::to_owned),
            send_sms: self.send_sms,
            receipt: self.receipt.clone(),
            extra: columns.extra.iter().map(kept).collect(),
        }
    }
}

/// What a row is judged by.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Rules<'a> {
    pub(crate) columns: &'a Columns,
    /// How the points column writes thousands.
    pub(crate) reading: Reading,
    /// The separator of a text file.
    pub(crate) delimiter: Option<char>,
}

/// What a row gave besides the row: kept by the caller and used again for the next one.
#[derive(Debug, Default)]
pub(crate) struct Findings {
    pub(crate) problems: Vec<Problem>,
    pub(crate) repairs: Vec<Repair>,
    /// The row's points, where they can be read at all: the control total counts refused rows too.
    pub(crate) points: Option<u64>,
    /// Whether the spreadsheet computes the phone or the points.
    pub(crate) formula: bool,
}

impl Findings {
    fn clear(&mut self) {
        self.problems.clear();
        self.repairs.clear();
        self.points = None;
        self.formula = false;
    }
}

/// Judges a row; `None` where `findings` holds problems.
pub(crate) fn parse<'r>(record: &'r Record, rules: Rules<'_>, findings: &mut Findings) -> Option<ParsedRow<'r>> {
    findings.clear();
    let mut bench = RowParser { record, columns: rules.columns, findings };
    bench.shape(rules.delimiter);
    if let (true, Some(delimiter)) = (record.has_breaks, rules.delimiter) {
        bench.swallowed_rows(delimiter);
    }
    let points = bench.points(rules.reading);
    let reference = bench.key(ColumnRole::Reference, cells::reference);
    let member = bench.member();
    let name = bench.take(ColumnRole::Name, |cell| Ok(cells::text(cell.text))).filter(|name| !name.is_empty());
    let send_sms = bench.take(ColumnRole::SendSms, |cell| cells::send_sms(cell.text)).flatten();
    let receipt = bench.receipt(points);
    if !findings.problems.is_empty() {
        return None;
    }
    Some(ParsedRow { row: record.row, reference, member: member?, points: points?, name, send_sms, receipt })
}

/// One row on the bench.
struct RowParser<'r, 'b> {
    record: &'r Record,
    columns: &'b Columns,
    findings: &'b mut Findings,
}

impl<'r> RowParser<'r, '_> {
    fn problem(&mut self, column: String, found: &str, refusal: Refusal) {
        let problem = Problem::of_row(self.record.row, refusal.kind, refusal.message);
        self.findings.problems.push(problem.in_column(column).with_found(found));
    }

    fn repair(&mut self, meaning: ColumnRole, from: &str, to: &str, kind: RepairKind) {
        let (row, from) = (self.record.row, shortened(from).into_owned());
        self.findings.repairs.push(Repair { row, column: meaning.word().to_owned(), from, to: to.to_owned(), kind });
    }

    /// The cell of a meaning, if the file has it and a person sees in it what it holds.
    fn cell(&mut self, meaning: ColumnRole) -> Option<Cell<'r>> {
        let column = self.columns.of(meaning)?;
        let cell = self.record.cell(column);
        if cell.kind.oddity.is_some()
            && let Some(refusal) = oddity::refusal(meaning, cell, self.record.seen(column))
        {
            self.problem(meaning.word().to_owned(), cell.text, refusal);
            return None;
        }
        if cell.kind.faint
            && let Some(refusal) = oddity::faint(meaning, cell)
        {
            self.problem(meaning.word().to_owned(), cell.text, refusal);
            return None;
        }
        Some(cell)
    }

    /// Reads the cell of a meaning, if the file has it, and keeps what is wrong with it.
    fn take<T>(&mut self, meaning: ColumnRole, read: impl Fn(Cell<'r>) -> Result<T, Refusal>) -> Option<T> {
        let cell = self.cell(meaning)?;
        read(cell).map_err(|refusal| self.problem(meaning.word().to_owned(), cell.text, refusal)).ok()
    }

    /// Reads a reference or an identifier, with its repair noted; nothing where it is blank or refused.
    fn key(
        &mut self,
        meaning: ColumnRole,
        read: impl Fn(Cell<'r>) -> Result<Option<Cow<'r, str>>, Refusal>,
    ) -> Option<Cow<'r, str>> {
        let key = self.take(meaning, read).flatten()?;
        let cell = self.columns.of(meaning).map(|column| self.record.cell(column).text).unwrap_or_default();
        if text_formula(cell).is_some() {
            self.repair(meaning, cell, &key, RepairKind::TextFormula);
        }
        Some(key)
    }

    fn text(&self, meaning: ColumnRole) -> Option<&'r str> {
        self.columns
            .of(meaning)
            .map(|column| cells::text(self.record.cell(column).text))
            .filter(|text| !text.is_empty())
    }

    /// Whether the row has the cell of a meaning: some text, or a formula that Excel computes.
    fn has(&self, meaning: ColumnRole) -> bool {
        let is_odd = |column| self.record.cell(column).kind.oddity.is_some();
        self.text(meaning).is_some() || self.columns.of(meaning).is_some_and(is_odd)
    }

    /// What is wrong with the row before any cell is read.
    fn shape(&mut self, delimiter: Option<char>) {
        let width = self.columns.headers.len();
        if let Some(beyond) =
            (width..self.record.len()).find(|column| !self.record.cell(*column).text.trim().is_empty())
        {
            let (has, letters) = (self.record.len(), super::columns::letters(beyond));
            let message = if delimiter.is_some() {
                format!(
                    "needs {width} cells as the header has, has {has}; put quotes around the cell with the separator in it, \
                     or give the column a header"
                )
            } else {
                // A note beside the table; a workbook has no separators.
                format!(
                    "needs cells below a header only, has one beside the table, {letters}{}; remove it, or give column {letters} \
                     a header",
                    self.record.row
                )
            };
            let found = self.record.cell(beyond).text;
            self.problem(letters, found, refuse(ProblemKind::Shape, message));
        }
        if self.record.has_controls() {
            self.each_cell(|cell| cell.text.bytes().any(is_control), ProblemKind::CellText, CONTROL);
        }
        if self.record.has_stray_quotes {
            self.each_cell(|cell| cell.kind.stray_quote, ProblemKind::CellText, STRAY_QUOTE);
        }
    }

    /// Refuses a quoted cell that holds what looks like further rows: two stray quotes make whole rows vanish in it.
    fn swallowed_rows(&mut self, delimiter: char) {
        let columns = self.columns;
        let (Some(phone), Some(points)) = (columns.of(ColumnRole::Phone), columns.of(ColumnRole::Points)) else {
            return;
        };
        let is_row = |line: &str| {
            let cell = |column| line.split(delimiter).nth(column).unwrap_or_default();
            phone::read(cell(phone), false).is_ok() && points::written(cell(points), false).is_ok()
        };
        let swallows = |text: &str| text.split(['\n', '\r']).skip(1).any(is_row);
        self.each_cell(|cell| swallows(cell.text), ProblemKind::Quote, SWALLOWED_ROWS);
    }

    fn each_cell(&mut self, is_wrong: impl Fn(Cell<'r>) -> bool, kind: ProblemKind, message: &str) {
        for (column, cell) in self.record.cells().enumerate() {
            if is_wrong(cell) {
                self.problem(self.columns.label(column), cell.text, refuse(kind, message));
            }
        }
    }

    fn points(&mut self, reading: Reading) -> Option<Points> {
        let cell = self.cell(ColumnRole::Points)?;
        self.findings.formula |= cell.kind.formula;
        let read = points::written(cell.text, cell.kind.number).and_then(|written| points::read(written, reading));
        let (value, repair) = match read {
            Ok(read) => read,
            Err(refusal) => {
                self.problem(ColumnRole::Points.word().to_owned(), cell.text, refusal);
                return None;
            }
        };
        self.findings.points = Some(value);
        let repair = repair.or_else(|| text_formula(cell.text).map(|_| RepairKind::TextFormula));
        if let Some(kind) = repair {
            self.repair(ColumnRole::Points, cell.text, &value.to_string(), kind);
        }
        let refused = |refusal| self.problem(ColumnRole::Points.word().to_owned(), cell.text, refusal);
        points::in_range(value).map_err(refused).ok()
    }

    /// The number of a cell, with its repair noted.
    fn phone(&mut self, meaning: ColumnRole) -> Option<PhoneNumber> {
        let cell = self.cell(meaning)?;
        self.findings.formula |= cell.kind.formula;
        match phone::read(cell.text, cell.kind.number) {
            Ok((phone, None)) => Some(phone),
            Ok((phone, Some(kind))) => {
                self.repair(meaning, cell.text, phone.as_str(), kind);
                Some(phone)
            }
            Err(refusal) => {
                self.problem(meaning.word().to_owned(), cell.text, refusal);
                None
            }
        }
    }

    fn member(&mut self) -> Option<MemberRef<'r>> {
        let id_type = match self.columns.of(ColumnRole::IdType) {
            Some(_) => self.take(ColumnRole::IdType, |cell| cells::id_type(cell.text))?,
            None => None,
        };
        let Some(id_type) = id_type else {
            return self.member_by_phone();
        };
        let phone = if self.has(ColumnRole::Phone) { Some(self.phone(ColumnRole::Phone)?) } else { None };
        match id_type {
            IdType::Mobile => self.member_by_mobile(phone),
            IdType::Card => self.card().map(|id| MemberRef::Card(id, phone)),
            IdType::UserId => self.id(cells::user_id).map(|id| MemberRef::UserId(id, phone)),
        }
    }

    fn member_by_phone(&mut self) -> Option<MemberRef<'r>> {
        if self.has(ColumnRole::Id) {
            let id = self.text(ColumnRole::Id).unwrap_or_default();
            let message = "needs id_type beside an id, has none; write MOBILE, CARD or USER_ID".to_owned();
            self.problem(ColumnRole::IdType.word().to_owned(), id, refuse(ProblemKind::Id, message));
            return None;
        }
        if self.columns.of(ColumnRole::Phone).is_none() {
            let message = "needs id_type and id, has none; fill the cells or remove the row".to_owned();
            self.problem(ColumnRole::IdType.word().to_owned(), "", refuse(ProblemKind::Id, message));
            return None;
        }
        self.phone(ColumnRole::Phone).map(MemberRef::Phone)
    }

    fn member_by_mobile(&mut self, phone: Option<PhoneNumber>) -> Option<MemberRef<'r>> {
        let named = self.phone(ColumnRole::Id)?;
        if phone.is_some_and(|phone| phone != named) {
            let message = "needs the number of the phone column as id of a MOBILE, has another; correct one of them";
            let found = self.text(ColumnRole::Id).unwrap_or_default();
            let refusal = refuse(ProblemKind::Id, message);
            self.problem(ColumnRole::Id.word().to_owned(), found, refusal);
            return None;
        }
        Some(MemberRef::Phone(named))
    }

    /// The card number of the cell, with its repair noted.
    fn card(&mut self) -> Option<Cow<'r, str>> {
        let card = self.id(cells::card)?;
        let cell = self.record.cell(self.columns.of(ColumnRole::Id)?);
        if cells::text(cell.text).contains(is_id_separator) {
            self.repair(ColumnRole::Id, cell.text, &card, RepairKind::CardSeparators);
        }
        Some(card)
    }

    fn id(&mut self, read: fn(Cell<'r>) -> Result<Option<Cow<'r, str>>, Refusal>) -> Option<Cow<'r, str>> {
        let before = self.findings.problems.len();
        let id = self.key(ColumnRole::Id, read);
        if id.is_none() && self.findings.problems.len() == before {
            let message = "needs an id, has none; fill the cell or remove the row".to_owned();
            self.problem(ColumnRole::Id.word().to_owned(), "", refuse(ProblemKind::Id, message));
        }
        id
    }

    fn receipt(&mut self, points: Option<Points>) -> Option<Receipt> {
        self.columns.of(ColumnRole::ReceiptName)?;
        for meaning in RECEIPT {
            self.cell(meaning)?;
        }
        let of = |meaning| self.text(meaning).unwrap_or_default();
        let name = of(ColumnRole::ReceiptName);
        let (address, email, tax) =
            (of(ColumnRole::ReceiptAddress), of(ColumnRole::ReceiptEmail), of(ColumnRole::ReceiptTaxCode));
        if name.is_empty() && address.is_empty() && email.is_empty() && tax.is_empty() {
            return None;
        }
        let receipt = Receipt::new(name, address, email, tax).map_err(|problem| self.receipt_problem(problem)).ok()?;
        if points.is_some_and(|points| points.value() >= Points::RECEIPT_BELOW) {
            let message = format!(
                "needs fewer than {} points with a receipt, has {}; empty the receipt's cells or lower the points",
                grouped(Points::RECEIPT_BELOW.into()),
                grouped(points.map_or(0, Points::value).into())
            );
            self.problem(ColumnRole::ReceiptName.word().to_owned(), name, refuse(ProblemKind::Receipt, message));
            return None;
        }
        Some(receipt)
    }

    fn receipt_problem(&mut self, problem: ReceiptProblem) {
        let (field, message) = match problem {
            ReceiptProblem::Missing(field) => {
                (field, "needs all four cells of a receipt or none, has some; fill or empty them".to_owned())
            }
            ReceiptProblem::TooLong(field, max) => {
                (field, format!("needs at most {max} characters, has more; shorten the cell"))
            }
            ReceiptProblem::NotAnEmail => (
                ColumnRole::ReceiptEmail.word(),
                "needs an e-mail address like name@company.vn, has something else; correct the cell".to_owned(),
            ),
        };
        let found = ColumnRole::parse(field).and_then(|meaning| self.text(meaning)).unwrap_or_default();
        self.problem(field.to_owned(), found, refuse(ProblemKind::Receipt, message));
    }
}

const RECEIPT: [ColumnRole; 4] =
    [ColumnRole::ReceiptName, ColumnRole::ReceiptAddress, ColumnRole::ReceiptEmail, ColumnRole::ReceiptTaxCode];
const CONTROL: &str = "needs text, has a NUL or another control character; correct the cell or export the file again";
const SWALLOWED_ROWS: &str = "needs a text in the quotes, has what looks like further rows; a stray quote opens here, or remove \
                              the lines from the cell";
const STRAY_QUOTE: &str = "needs a separator behind the closing quote, has text; remove the quotes or double them";
