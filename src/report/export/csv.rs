//! Results as CSV: UTF-8 with BOM, the user's own columns first; the file reads back in as the payout file it was.
//!
//! A cell that a spreadsheet would take for a formula gets an apostrophe in front, which `intake` takes off again.

use super::error::{ExportError, Stopped};
use super::layout::{
    ResultColumn, code_of, has_phone_column, is_formula_like, own_text, reason_text, skipped_texts, words_of,
};
use super::source::Source;
use crate::ledger::{Outcome, Skipped};
use crate::private_file::NewFile;
use crate::report::lang::Lang;
use csv::{Terminator, Writer, WriterBuilder};
use std::io::Write;

pub(super) fn write(source: &Source<'_>, file: &mut NewFile) -> Result<(), ExportError> {
    write_rows(source, file).map_err(|stopped| stopped.at(source.request.path))
}

fn write_rows(source: &Source<'_>, file: &mut NewFile) -> Result<(), Stopped> {
    file.write_all("\u{feff}".as_bytes())?;
    let mut sheet = Sheet {
        // Excel's own line ends, which every other program takes too.
        writer: WriterBuilder::new().terminator(Terminator::CRLF).from_writer(file),
        neutral: String::new(),
    };
    let layout = &source.layout;
    for header in layout.own.iter().map(|(header, _)| header).chain(&layout.told) {
        sheet.cell(header)?;
    }
    sheet.end_row()?;
    let batch = source.snapshot.batch().name.as_str();
    let has_phone_column = has_phone_column(layout);
    source.each::<Stopped>(|outcome| {
        for (header, own) in &layout.own {
            sheet.cell(&own_text(header, *own, outcome, has_phone_column))?;
        }
        for told in ResultColumn::ALL {
            sheet.told(told, outcome, batch, source)?;
        }
        Ok(sheet.end_row()?)
    })?;
    source.each_skipped::<Stopped>(|skipped| {
        for text in skipped_texts(layout, skipped) {
            sheet.cell(text)?;
        }
        for told in ResultColumn::ALL {
            sheet.skipped(told, skipped, batch, layout.lang)?;
        }
        Ok(sheet.end_row()?)
    })?;
    sheet.writer.flush()?;
    Ok(())
}

struct Sheet<W: Write> {
    writer: Writer<W>,
    /// A cell with its apostrophe, in memory that is used again.
    neutral: String,
}

impl<W: Write> Sheet<W> {
    fn cell(&mut self, text: &str) -> Result<(), csv::Error> {
        if !is_formula_like(text) {
            return self.writer.write_field(text);
        }
        self.neutral.clear();
        self.neutral.push('\'');
        self.neutral.push_str(text);
        self.writer.write_field(&self.neutral)
    }

    fn told(
        &mut self,
        told: ResultColumn,
        outcome: &Outcome<'_>,
        batch: &str,
        source: &Source<'_>,
    ) -> Result<(), csv::Error> {
        let layout = &source.layout;
        match told {
            ResultColumn::Batch => self.cell(batch),
            ResultColumn::Row => self.cell(&outcome.row.to_string()),
            ResultColumn::InvoiceNo => self.cell(outcome.invoice_no),
            ResultColumn::Attempt => self.cell(&outcome.attempt.to_string()),
            ResultColumn::State => self.cell(layout.lang.pick(outcome.state.word(), layout.lang.state(outcome.state))),
            ResultColumn::Code => self.cell(&code_of(outcome).map(|code| code.to_string()).unwrap_or_default()),
            ResultColumn::Reason => self.cell(&reason_text(outcome, layout.lang)),
            ResultColumn::Message => self.cell(words_of(outcome).unwrap_or_default()),
            ResultColumn::CreditedAt => {
                self.cell(&outcome.credited_at.map(|at| layout.zone.text(at)).unwrap_or_default())
            }
            ResultColumn::SpendableAt => {
                let at = outcome.credited_at.map(|at| layout.spendable_at(at));
                self.cell(&at.map(|at| layout.zone.text(at)).unwrap_or_default())
            }
        }
    }

    /// What is told of a row that was skipped: it has no number, and nothing was ever said of it.
    fn skipped(&mut self, told: ResultColumn, skipped: &Skipped, batch: &str, lang: Lang) -> Result<(), csv::Error> {
        match told {
            ResultColumn::Batch => self.cell(batch),
            ResultColumn::Row => self.cell(&skipped.row.to_string()),
            ResultColumn::State => self.cell(lang.pick("skipped", lang.skipped())),
            ResultColumn::Reason => self.cell(&skipped.reasons.join("; ")),
            ResultColumn::InvoiceNo
            | ResultColumn::Attempt
            | ResultColumn::Code
            | ResultColumn::Message
            | ResultColumn::CreditedAt
            | ResultColumn::SpendableAt => self.cell(""),
        }
    }

    fn end_row(&mut self) -> Result<(), csv::Error> {
        self.writer.write_record(None::<&[u8]>)
    }
}
