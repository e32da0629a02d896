//! A spreadsheet to typed rows or row problems, streaming.
//!
//! Intake repairs only what has one reading, shows every repair, and refuses the rest with the row, the column, what
//! was expected, what was found and how to fix it. It does not decide what is paid.
//!
//! Architecture invariant: memory does not grow with the rows of a text file; nothing is kept of a row once it is
//! given out.

mod archive;
mod cells;
mod check;
mod choice;
mod closing;
mod column_headers;
mod columns;
mod compound;
mod conditional;
mod damage;
mod dates;
mod decisions;
mod decode;
mod duplicates;
mod encoding;
mod file;
mod format;
mod formatted;
mod group_marks;
mod header;
mod hidden;
mod layout;
mod lookalike;
mod marked;
mod masked;
mod number_format;
mod oddity;
mod ods;
mod offer;
mod options;
mod phone;
mod points;
mod problem;
mod protected;
mod qualified;
mod record;
mod refusal;
mod repair;
mod row_parser;
mod row_shape;
mod sheet;
mod statement;
mod statement_columns;
mod stream;
mod table;
mod template;
mod text_rows;
mod total;
mod warnings;
mod words;
mod workbook;
mod xls;
mod xlsx;
mod xml;

pub use check::{CheckReport, LISTED_MAX, check};
pub use decisions::{DecidedRow, read_decisions};
pub use duplicates::{Duplicates, Shared, Suspects};
pub use format::{Format, Tail};
pub use marked::{MarkedError, write_marked};
pub(crate) use masked::hidden_cell;
pub use options::IntakeOptions;
pub use problem::{IntakeError, Problem, ProblemKind};
pub use repair::{Repair, RepairKind};
pub use statement::{Statement, StatementOptions, StatementRow};
pub use statement_columns::StatementColumn;
pub use stream::{Intake, Item, open};
pub use template::{TemplateLang, template_csv, template_xlsx};

#[cfg(test)]
mod tests;
