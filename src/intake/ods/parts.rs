//! Looks at the small parts of an OpenDocument file: what it is, and which table is shown first.

use super::super::archive::Archive;
use super::super::problem::{IntakeError, ProblemKind};
use super::super::xml::{Piece, Xml, attribute, resolved};
use std::io::Read;

/// Refuses what is no spreadsheet among the OpenDocument files, which all look alike.
pub(super) fn check_document(archive: &mut Archive) -> Result<(), IntakeError> {
    if !archive.has("mimetype") {
        return Ok(());
    }
    let kind = archive.head("mimetype")?;
    let Some(kind) = kind.trim().strip_prefix("application/vnd.oasis.opendocument.") else { return Ok(()) };
    let what = match kind.split('-').next().unwrap_or_default() {
        "spreadsheet" => return Ok(()),
        "text" => "a text document (ODT); copy the table into a spreadsheet",
        "presentation" => "a presentation (ODP); export the list it was made from",
        "graphics" | "image" => "a drawing (ODG); export the list it was made from",
        "chart" => "a chart (ODC); export the list it was made from",
        "formula" => "a formula (ODF); export the list it was made from",
        "base" | "database" => "a database (ODB); export the list as a spreadsheet",
        _ => "another OpenDocument file; export the list as a spreadsheet",
    };
    Err(IntakeError::file(ProblemKind::NotASpreadsheet, format!("needs a spreadsheet, has {what}")))
}

/// The name of the table that is shown first, as LibreOffice keeps it.
pub(super) fn active_table<R: Read>(reader: &mut Xml<R>) -> Result<Option<String>, IntakeError> {
    let (mut buffer, mut is_here, mut name) = (Vec::new(), false, None);
    loop {
        match reader.next(&mut buffer)? {
            Piece::Start(element) if element.name().as_ref() == "config:config-item" => {
                is_here = name.is_none() && attribute(&element, "config:name")?.as_deref() == Some("ActiveTable");
            }
            Piece::Text(text) if is_here => {
                name.get_or_insert_with(String::new).push_str(&text.xml10_content());
            }
            Piece::Reference(reference) if is_here => {
                name.get_or_insert_with(String::new).push_str(&resolved(&reference)?);
            }
            Piece::End(_) => is_here = false,
            Piece::Eof => return Ok(name),
            Piece::Start(_)
            | Piece::Empty(_)
            | Piece::Text(_)
            | Piece::CData(_)
            | Piece::Reference(_)
            | Piece::Aside => {}
        }
    }
}
