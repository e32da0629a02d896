//! Lays a result out in columns: the user's own first, in their order, and what came of each payout behind them.

use super::request::{ExportFormat, ExportRequest};
use crate::domain::column_role::ColumnRole;
use crate::ledger::{FileColumn, Outcome, Skipped, UnixMs};
use crate::report::lang::Lang;
use crate::report::reasons::{Reason, code, own_words};
use crate::report::zone::Zone;
use std::borrow::Cow;
use std::collections::{HashMap, HashSet};

const HOUR_MS: i64 = 3_600_000;

/// Where a cell of the user's own columns comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Own {
    Role(ColumnRole),
    Kept(Kept),
}

/// A column that is only kept. The files of one batch may have different ones, so that the header finds the cell.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Kept {
    /// Its place among those of the batch, and of its rows where the file had the same.
    nth: usize,
    /// Columns of the same header before it.
    twins_before: usize,
    has_twins: bool,
}

/// A column that tells what came of the payout.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ResultColumn {
    Batch,
    Row,
    InvoiceNo,
    Attempt,
    State,
    Code,
    Reason,
    Message,
    CreditedAt,
    SpendableAt,
}

impl ResultColumn {
    pub(super) const ALL: [Self; 10] = [
        Self::Batch,
        Self::Row,
        Self::InvoiceNo,
        Self::Attempt,
        Self::State,
        Self::Code,
        Self::Reason,
        Self::Message,
        Self::CreditedAt,
        Self::SpendableAt,
    ];

    /// The header. `batch` and `invoice_no` are the same everywhere: by them the file is known when it comes back.
    fn header(self, lang: Lang) -> &'static str {
        let (en, vi) = match self {
            Self::Batch => ("batch", "batch"),
            Self::Row => ("row", "dòng gốc"),
            Self::InvoiceNo => ("invoice_no", "invoice_no"),
            Self::Attempt => ("attempt", "lần thử"),
            Self::State => ("state", "kết quả"),
            Self::Code => ("code", "mã trả lời"),
            Self::Reason => ("reason", "lý do"),
            Self::Message => ("message", "lời nhắn"),
            Self::CreditedAt => ("credited_at", "cộng điểm lúc"),
            Self::SpendableAt => ("spendable_at", "dùng được từ"),
        };
        lang.pick(en, vi)
    }
}

/// The columns of one result file.
#[derive(Debug)]
pub(super) struct Layout {
    pub(super) own: Vec<(String, Own)>,
    /// The headers of [`ResultColumn::ALL`].
    pub(super) told: Vec<String>,
    pub(super) lang: Lang,
    pub(super) zone: Zone,
    spendable_after_ms: i64,
}

impl Layout {
    pub(super) fn new(columns: &[FileColumn], format: ExportFormat, request: &ExportRequest<'_>) -> Self {
        let own = own_columns(columns);
        let taken: HashSet<String> = own.iter().map(|(header, _)| header.to_lowercase()).collect();
        // Of a row of a spreadsheet nothing else says by which clock it tells times.
        let zone = match format {
            ExportFormat::Csv | ExportFormat::Xlsx => format!(" ({})", request.zone.label(request.now)),
            ExportFormat::Html | ExportFormat::Json => String::new(),
        };
        let told = ResultColumn::ALL.map(|told| {
            let header = told.header(request.lang);
            let is_time = matches!(told, ResultColumn::CreditedAt | ResultColumn::SpendableAt);
            let is_key = matches!(told, ResultColumn::Batch | ResultColumn::InvoiceNo);
            let mark = if taken.contains(header) && !is_key { "topup_" } else { "" };
            format!("{mark}{header}{}", if is_time { zone.as_str() } else { "" })
        });
        let spendable_after_ms = i64::try_from(request.spendable_after_h).unwrap_or(0).saturating_mul(HOUR_MS);
        Self { own, told: told.into(), lang: request.lang, zone: request.zone.clone(), spendable_after_ms }
    }

    /// When the points of a payout can be spent.
    pub(super) fn spendable_at(&self, credited_at: UnixMs) -> UnixMs {
        credited_at.saturating_add(self.spendable_after_ms)
    }
}

fn own_columns(columns: &[FileColumn]) -> Vec<(String, Own)> {
    let mut kept = 0..;
    let mut seen: HashMap<&str, usize> = HashMap::new();
    let of_header =
        |header| columns.iter().filter(|column| column.meaning.is_none() && column.header == header).count();
    let own = columns.iter().map(|column| {
        let own = match column.meaning.as_deref().and_then(ColumnRole::parse) {
            Some(role) => Own::Role(role),
            None => {
                let before = seen.entry(&column.header).or_default();
                *before += 1;
                Own::Kept(Kept {
                    nth: kept.next().unwrap_or_default(),
                    twins_before: *before - 1,
                    has_twins: of_header(column.header.as_str()) > 1,
                })
            }
        };
        (column.header.clone(), own)
    });
    own.collect()
}

/// The text of one of the user's own cells.
pub(super) fn own_text<'o>(header: &str, own: Own, outcome: &'o Outcome<'_>, has_phone_column: bool) -> Cow<'o, str> {
    let role = match own {
        Own::Kept(kept) => return Cow::Borrowed(kept_text(header, kept, outcome)),
        Own::Role(role) => role,
    };
    let receipt = |index: usize| outcome.receipt.as_ref().map_or("", |receipt| receipt[index].as_str());
    let text = match role {
        ColumnRole::Reference => outcome.reference.unwrap_or_default(),
        ColumnRole::Phone => outcome.phone.unwrap_or_default(),
        ColumnRole::Points => return Cow::Owned(outcome.points.to_string()),
        ColumnRole::Name => outcome.name.unwrap_or_default(),
        ColumnRole::SendSms if outcome.send_sms => "yes",
        ColumnRole::SendSms => "no",
        ColumnRole::ReceiptName => receipt(0),
        ColumnRole::ReceiptAddress => receipt(1),
        ColumnRole::ReceiptEmail => receipt(2),
        ColumnRole::ReceiptTaxCode => receipt(3),
        ColumnRole::IdType => match outcome.id {
            Some((id_type, _)) => id_type,
            None if has_phone_column => "",
            None => "MOBILE",
        },
        ColumnRole::Id => match outcome.id {
            Some((_, id)) => id,
            None if has_phone_column => "",
            None => outcome.phone.unwrap_or_default(),
        },
    };
    Cow::Borrowed(text)
}

/// The cells of a row that was skipped, as they were read, in the order of the user's own columns.
pub(super) fn skipped_texts<'s>(layout: &Layout, skipped: &'s Skipped) -> Vec<&'s str> {
    let cells = skipped.cells.as_deref().unwrap_or_default();
    let mut seen: HashMap<&str, usize> = HashMap::new();
    let texts = layout.own.iter().map(|(header, _)| {
        let nth = seen.entry(header).or_default();
        *nth += 1;
        cells.iter().filter(|(other, _)| other == header).nth(*nth - 1).map_or("", |(_, text)| text.as_str())
    });
    texts.collect()
}

/// The cell of a kept column: nearly always in its place, and else found by its header.
fn kept_text<'o>(header: &str, kept: Kept, outcome: &'o Outcome<'_>) -> &'o str {
    let at_place = outcome.extra.get(kept.nth).filter(|(other, _)| other == header && !kept.has_twins);
    let by_header = || outcome.extra.iter().filter(|(other, _)| other == header).nth(kept.twins_before);
    at_place.or_else(by_header).map_or("", |(_, text)| text)
}

/// Whether the file names phones in a column of their own.
pub(super) fn has_phone_column(layout: &Layout) -> bool {
    layout.own.iter().any(|(_, own)| *own == Own::Role(ColumnRole::Phone))
}

/// Why the payout stands as it does, in the language asked for; nothing for a credited one.
pub(super) fn reason_text(outcome: &Outcome<'_>, lang: Lang) -> Cow<'static, str> {
    Reason::of(outcome).map_or(Cow::Borrowed(""), |reason| reason.text(lang))
}

/// The deciding code.
pub(super) fn code_of(outcome: &Outcome<'_>) -> Option<i64> {
    outcome.decided.as_ref().and_then(code)
}

/// What the gateway or a person said.
pub(super) fn words_of<'o>(outcome: &'o Outcome<'_>) -> Option<&'o str> {
    outcome.decided.as_ref().and_then(own_words)
}

/// A time as RFC 3339 in UTC.
pub(super) fn rfc_3339(at: UnixMs) -> String {
    jiff::Timestamp::from_millisecond(at).map(|at| at.to_string()).unwrap_or_default()
}

/// Whether a spreadsheet may take the cell for a formula.
pub(super) fn is_formula_like(text: &str) -> bool {
    text.starts_with(['=', '+', '-', '@', '\t', '\r', '\n'])
}
