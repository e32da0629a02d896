//! Reads the cells that are neither phone nor points: references, identifiers, yes and no.

use super::problem::ProblemKind;
use super::record::{Cell, text_formula};
use super::refusal::{Refusal, refuse};
use crate::domain::member::{ID_CHARS_MAX, is_id_separator};
use crate::domain::name::normalize;
use std::borrow::Cow;
use unicode_normalization::UnicodeNormalization;

/// The longest reference, in characters.
pub(crate) const REFERENCE_CHARS_MAX: usize = 128;

/// How many digits of a number a spreadsheet keeps.
const NUMBER_DIGITS_MAX: usize = 15;

/// A text cell without outer blanks, and without the apostrophe by which result files keep a spreadsheet from taking
/// the cell for a formula: what we wrote reads back unchanged.
pub(crate) fn text(cell: &str) -> &str {
    let trimmed = cell.trim();
    match trimmed.strip_prefix('\'') {
        Some(rest) if rest.starts_with(['=', '+', '-', '@', '\t', '\r']) => rest,
        Some(_) | None => trimmed,
    }
}

/// The payer's own row key: trimmed, NFC, case kept; nothing where the cell is blank.
pub(crate) fn reference(cell: Cell<'_>) -> Result<Option<Cow<'_, str>>, Refusal> {
    let reference = text(text_formula(cell.text).unwrap_or(cell.text));
    if reference.is_empty() {
        return Ok(None);
    }
    identifier(reference, cell, "a reference", REFERENCE_CHARS_MAX, ProblemKind::Reference)?;
    Ok(Some(if reference.is_ascii() { Cow::Borrowed(reference) } else { Cow::Owned(reference.nfc().collect()) }))
}

/// A card number: without what people put between its groups. Its letters keep their case.
pub(crate) fn card(cell: Cell<'_>) -> Result<Option<Cow<'_, str>>, Refusal> {
    let Some(id) = user_id(cell)? else { return Ok(None) };
    if !id.contains(is_id_separator) {
        return Ok(Some(id));
    }
    let bare: String = id.chars().filter(|c| !is_id_separator(*c)).collect();
    if bare.is_empty() {
        return Err(refuse(ProblemKind::Id, "needs a card number, has only dashes or blanks; correct the cell"));
    }
    Ok(Some(Cow::Owned(bare)))
}

/// A user id, as it is written: what stands between its characters may be part of it.
pub(crate) fn user_id(cell: Cell<'_>) -> Result<Option<Cow<'_, str>>, Refusal> {
    let id = text(text_formula(cell.text).unwrap_or(cell.text));
    if id.is_empty() {
        return Ok(None);
    }
    identifier(id, cell, "an id", ID_CHARS_MAX, ProblemKind::Id)?;
    Ok(Some(if id.is_ascii() { Cow::Borrowed(id) } else { Cow::Owned(id.nfc().collect()) }))
}

fn identifier(text: &str, cell: Cell<'_>, what: &str, chars_max: usize, kind: ProblemKind) -> Result<(), Refusal> {
    // What nearly every row has: none of the questions below has to be asked of it.
    let is_plain = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.' | b'/');
    if text.len() <= chars_max && !cell.kind.number && text.bytes().all(is_plain) {
        return Ok(());
    }
    if text.contains(['\n', '\r', '\t']) {
        return Err(refuse(kind, format!("needs {what} on one line, has a line break or TAB; correct the cell")));
    }
    if text.len() > chars_max && text.chars().count() > chars_max {
        return Err(refuse(kind, format!("needs {what} of at most {chars_max} characters, has more; shorten it")));
    }
    if cell.kind.number && text.len() > NUMBER_DIGITS_MAX {
        let message = format!(
            "needs {what} with all its digits, has a number of more than {NUMBER_DIGITS_MAX}, which spreadsheets round; format \
             the column as text and fill it again from the source"
        );
        return Err(refuse(kind, message));
    }
    if cell.kind.number && !text.bytes().all(|b| b.is_ascii_digit()) {
        let message = format!("needs a whole number or text as {what}, has another number; format the column as text");
        return Err(refuse(kind, message));
    }
    if ["#N/A", "#REF!", "#VALUE!", "#NAME?", "#DIV/0!", "#NULL!", "#NUM!"].contains(&text) {
        return Err(refuse(kind, format!("needs {what}, has the error of a formula; correct the formula")));
    }
    if is_rounded(text) {
        let message = format!(
            "needs {what} with all its characters, has {text}: the spreadsheet dropped digits; format the column as text \
             and fill it again from the source"
        );
        return Err(refuse(kind, message));
    }
    Ok(())
}

/// What a spreadsheet shows of a long number: `1.23457E+11`. Different numbers look the same so.
fn is_rounded(text: &str) -> bool {
    let Some((mantissa, exponent)) = text.split_once("E+") else { return false };
    let digits = |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit());
    let (whole, decimals) = mantissa.split_once(['.', ',']).unwrap_or((mantissa, "0"));
    whole.len() == 1 && digits(whole) && digits(decimals) && digits(exponent)
}

/// Yes or no; nothing where the cell is blank.
pub(crate) fn send_sms(cell: &str) -> Result<Option<bool>, Refusal> {
    match normalize(cell.trim()).as_str() {
        "" => Ok(None),
        "yes" | "co" | "true" | "1" => Ok(Some(true)),
        "no" | "khong" | "false" | "0" => Ok(Some(false)),
        _ => {
            let message =
                "needs yes or no (có, không, true, false, 1, 0) or nothing, has something else; correct the cell";
            Err(refuse(ProblemKind::SendSms, message))
        }
    }
}

/// What a member is named by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum IdType {
    Mobile,
    Card,
    UserId,
}

/// The kind of identifier; nothing where the cell is blank.
pub(crate) fn id_type(cell: &str) -> Result<Option<IdType>, Refusal> {
    match cell.trim().to_ascii_uppercase().as_str() {
        "" => Ok(None),
        "MOBILE" => Ok(Some(IdType::Mobile)),
        "CARD" => Ok(Some(IdType::Card)),
        "USER_ID" => Ok(Some(IdType::UserId)),
        _ => Err(refuse(
            ProblemKind::Id,
            "needs MOBILE, CARD or USER_ID as id_type, has something else; correct the cell",
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::super::record::CellKind;
    use super::*;

    fn reference_of(text: &str, number: bool) -> Result<Option<String>, ProblemKind> {
        let cell = Cell { text, kind: CellKind { number, ..CellKind::default() } };
        reference(cell).map(|found| found.map(Cow::into_owned)).map_err(|refusal| refusal.kind)
    }

    #[test]
    fn references_are_trimmed_and_composed_and_keep_their_case() {
        let refused = Err(ProblemKind::Reference);
        for (text, number, expected) in [
            ("  Ab-1 ", false, Ok(Some("Ab-1".to_owned()))),
            ("Ho\u{302}\u{300}", false, Ok(Some("Hồ".to_owned()))),
            ("'-001", false, Ok(Some("-001".to_owned()))),
            ("'001", false, Ok(Some("'001".to_owned()))),
            ("", false, Ok(None)),
            ("1.5", false, Ok(Some("1.5".to_owned()))),
            ("17", true, Ok(Some("17".to_owned()))),
            ("1.5", true, refused.clone()),
            ("970412341234123", true, Ok(Some("970412341234123".to_owned()))),
            ("9704123412341230", true, refused.clone()),
            ("9704123412341234", false, Ok(Some("9704123412341234".to_owned()))),
            ("#N/A", false, refused.clone()),
            ("1.23457E+11", false, refused.clone()),
            ("a\nb", false, refused.clone()),
        ] {
            assert_eq!(reference_of(text, number), expected, "{text}");
        }
        assert_eq!(reference_of(&"x".repeat(129), false), refused);
        assert!(reference_of(&"đ".repeat(128), false).is_ok());
    }

    #[test]
    fn yes_and_no_in_two_languages() {
        for (cell, expected) in [
            ("yes", Ok(Some(true))),
            ("Có", Ok(Some(true))),
            ("TRUE", Ok(Some(true))),
            ("1", Ok(Some(true))),
            ("No", Ok(Some(false))),
            ("không", Ok(Some(false))),
            ("False", Ok(Some(false))),
            ("0", Ok(Some(false))),
            (" ", Ok(None)),
            ("maybe", Err(ProblemKind::SendSms)),
        ] {
            assert_eq!(send_sms(cell).map_err(|refusal| refusal.kind), expected, "{cell}");
        }
    }
}
