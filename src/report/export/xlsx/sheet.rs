//! One sheet of payouts: a header that stays in sight, filters, and a row per payout.

use super::styles::{Styles, local_time};
use crate::domain::column_role::ColumnRole;
use crate::ledger::Outcome;
use crate::report::export::error::Stopped;
use crate::report::export::layout::{
    Layout, Own, ResultColumn, code_of, has_phone_column, is_formula_like, own_text, reason_text, words_of,
};
use crate::report::export::source::Source;
use rust_xlsxwriter::{Format, IgnoreError, Workbook, Worksheet, XlsxError};

/// The longest text that a cell of Excel holds, in characters.
const CELL_CHARS_MAX: usize = 32_767;

pub(super) struct Sheet {
    worksheet: Worksheet,
    rows: u32,
    has_phone_column: bool,
}

impl Sheet {
    /// Begins the n-th sheet, which will hold so many payouts.
    pub(super) fn begin(workbook: &mut Workbook, source: &Source<'_>, nth: u64, rows: u64) -> Result<Self, XlsxError> {
        let layout = &source.layout;
        let mut worksheet = workbook.new_worksheet_with_constant_memory()?;
        let name = layout.lang.pick("Results", "Kết quả");
        worksheet.set_name(if nth == 1 { name.to_owned() } else { format!("{name} {nth}") })?;
        let header = Styles::new().header;
        let headers = layout.own.iter().map(|(header, _)| header).chain(&layout.told);
        for (column, text) in (0..).zip(headers) {
            worksheet.write_string_with_format(0, column, cut(text), &header)?;
            worksheet.set_column_width(column, width(layout, usize::from(column), text))?;
        }
        let last_column = u16::try_from(layout.own.len() + layout.told.len() - 1).unwrap_or(u16::MAX);
        worksheet.autofilter(0, 0, u32::try_from(rows).unwrap_or(u32::MAX), last_column)?;
        // Phones and references are text on purpose.
        worksheet.ignore_error_range(
            1,
            0,
            u32::try_from(rows.max(1)).unwrap_or(u32::MAX),
            last_column,
            IgnoreError::NumberStoredAsText,
        )?;
        worksheet.set_freeze_panes(1, 0)?;
        worksheet.set_repeat_rows(0, 0)?;
        for_a4(&mut worksheet, source.snapshot.batch().name.as_str());
        Ok(Self { worksheet, rows: 0, has_phone_column: has_phone_column(layout) })
    }

    /// Payouts so far.
    pub(super) fn rows(&self) -> u64 {
        self.rows.into()
    }

    pub(super) fn end(self) -> Worksheet {
        self.worksheet
    }

    pub(super) fn write(&mut self, outcome: &Outcome<'_>, source: &Source<'_>, styles: &Styles) -> Result<(), Stopped> {
        self.rows += 1;
        let layout = &source.layout;
        let mut column = 0;
        for (header, own) in &layout.own {
            if *own == Own::Role(ColumnRole::Points) {
                self.worksheet.write_number_with_format(self.rows, column, outcome.points as f64, &styles.number)?;
            } else {
                self.text(column, &own_text(header, *own, outcome, self.has_phone_column), styles)?;
            }
            column += 1;
        }
        for told in ResultColumn::ALL {
            self.told(column, told, outcome, source, styles)?;
            column += 1;
        }
        Ok(())
    }

    fn told(
        &mut self,
        column: u16,
        told: ResultColumn,
        outcome: &Outcome<'_>,
        source: &Source<'_>,
        styles: &Styles,
    ) -> Result<(), Stopped> {
        let layout = &source.layout;
        let time = match told {
            ResultColumn::CreditedAt => outcome.credited_at,
            ResultColumn::SpendableAt => outcome.credited_at.map(|at| layout.spendable_at(at)),
            ResultColumn::Batch => return self.text(column, source.snapshot.batch().name.as_str(), styles),
            ResultColumn::InvoiceNo => return self.text(column, outcome.invoice_no, styles),
            ResultColumn::Reason => return self.long_text(column, &reason_text(outcome, layout.lang), styles),
            ResultColumn::Message => return self.long_text(column, words_of(outcome).unwrap_or_default(), styles),
            ResultColumn::Row => return self.number(column, outcome.row as f64),
            ResultColumn::Attempt => return self.number(column, outcome.attempt.into()),
            ResultColumn::Code => return code_of(outcome).map_or(Ok(()), |code| self.number(column, code as f64)),
            ResultColumn::State => {
                let word = layout.lang.state(outcome.state);
                self.worksheet.write_string_with_format(self.rows, column, word, styles.state(outcome.state))?;
                return Ok(());
            }
        };
        if let Some(at) = time {
            self.worksheet.write_datetime_with_format(
                self.rows,
                column,
                local_time(at, &layout.zone)?,
                &styles.time,
            )?;
        }
        Ok(())
    }

    fn number(&mut self, column: u16, number: f64) -> Result<(), Stopped> {
        self.worksheet.write_number(self.rows, column, number)?;
        Ok(())
    }

    fn long_text(&mut self, column: u16, text: &str, styles: &Styles) -> Result<(), Stopped> {
        if text.is_empty() || is_formula_like(text) {
            return self.text(column, text, styles);
        }
        self.worksheet.write_string_with_format(self.rows, column, cut(text), &styles.wrapped)?;
        Ok(())
    }

    fn text(&mut self, column: u16, text: &str, styles: &Styles) -> Result<(), Stopped> {
        if text.is_empty() {
            return Ok(());
        }
        let plain = Format::default();
        let format = if is_formula_like(text) { &styles.quoted } else { &plain };
        self.worksheet.write_string_with_format(self.rows, column, cut(text), format)?;
        Ok(())
    }
}

/// A4 across, as wide as one page and as legible as that allows; each page with its number and the batch.
pub(super) fn for_a4(worksheet: &mut Worksheet, batch: &str) {
    const A4: u8 = 9;
    worksheet.set_paper_size(A4).set_landscape().set_print_fit_to_pages(1, 0);
    worksheet.set_margins(0.4, 0.4, 0.5, 0.5, 0.25, 0.25).set_footer(format!("&L{batch}&R&P / &N"));
}

/// The text as far as a cell holds it, without characters that XML cannot.
pub(super) fn cut(text: &str) -> String {
    let allowed = |c: char| match c {
        '\t' | '\n' | '\r' => c,
        '\u{0}'..='\u{1f}' | '\u{fffe}' | '\u{ffff}' => char::REPLACEMENT_CHARACTER,
        _ => c,
    };
    // Excel counts UTF-16 units.
    if text.len() <= CELL_CHARS_MAX {
        return text.chars().map(allowed).collect();
    }
    let mut units = 0;
    let fits = |c: &char| {
        units += c.len_utf16();
        units < CELL_CHARS_MAX
    };
    let mut cut: String = text.chars().take_while(fits).map(allowed).collect();
    if cut.len() < text.len() {
        cut.push('…');
    }
    cut
}

fn width(layout: &Layout, column: usize, header: &str) -> f64 {
    let told = column.checked_sub(layout.own.len()).map(|index| ResultColumn::ALL[index]);
    let least: f64 = match (told, layout.own.get(column)) {
        (Some(ResultColumn::Reason | ResultColumn::Message), _) => 28.0,
        (Some(ResultColumn::InvoiceNo), _) => 25.0,
        (Some(ResultColumn::CreditedAt | ResultColumn::SpendableAt), _) => 18.0,
        (Some(ResultColumn::State), _) => 16.0,
        (Some(ResultColumn::Batch), _) => 12.0,
        (Some(ResultColumn::Row | ResultColumn::Attempt | ResultColumn::Code), _) => 8.0,
        (None, Some((_, Own::Role(ColumnRole::Name)))) => 22.0,
        (None, Some((_, Own::Role(ColumnRole::Phone | ColumnRole::Reference)))) => 13.0,
        (None, _) => 10.0,
    };
    // A longer header goes on in the next line: in print every column takes its width from the others.
    least.max((header.split_whitespace().map(|word| word.chars().count()).max().unwrap_or(0) + 4).min(40) as f64)
}
