//! Why a person does not see in a cell what the reading library gives of it, and the words that refuse the cell.
//!
//! What a person sees is what is paid. Which of it a format can have: XLSX and XLS have number formats, rich text,
//! merges, formulas without a stored value, dates, durations, errors, and colours of text and background; ODS has all of
//! it too, and keeps what a person sees beside the value; CSV has none. Colours are those of cells and of runs within
//! them. Conditional formats are looked at in XLSX and ODS, not in XLS, which has them as formulas in bytes.

use super::phone;
use super::problem::ProblemKind;
use super::record::{Cell, Oddity};
use super::refusal::{Refusal, refuse};
use super::words::shortened;
use crate::domain::column_role::ColumnRole;

/// Refuses a cell of a column that counts where a person does not see its value; `seen` is what they see, where that
/// is known.
pub(crate) fn refusal(meaning: ColumnRole, cell: Cell<'_>, seen: Option<&str>) -> Option<Refusal> {
    let oddity = cell.kind.oddity.filter(|oddity| counts(*oddity, meaning, cell, seen))?;
    Some(refuse(ProblemKind::NotAsShown, message(oddity, &what(meaning), cell, seen)))
}

/// Refuses a cell of a column that counts where nobody can read its text: white on white, or a point high.
pub(crate) fn faint(meaning: ColumnRole, cell: Cell<'_>) -> Option<Refusal> {
    let counts = cell.kind.faint && !is_only_kept(meaning) && !cell.text.trim().is_empty();
    counts.then(|| {
        let what = what(meaning);
        let message = format!(
            "needs {what} that can be seen, has a text in the colour of its background, or too small; set the font's colour to \
             automatic and its size to that of the others, and remove what shall not be paid"
        );
        refuse(ProblemKind::NotAsShown, message)
    })
}

/// Whether an oddity changes what a cell of this meaning says.
fn counts(oddity: Oddity, meaning: ColumnRole, cell: Cell<'_>, seen: Option<&str>) -> bool {
    match oddity {
        Oddity::Merged | Oddity::NotComputed => true,
        Oddity::Struck | Oddity::Faint | Oddity::Conditional | Oddity::Raised | Oddity::Error | Oddity::Duration => {
            !is_only_kept(meaning)
        }
        Oddity::Date => !is_only_kept(meaning) && meaning != ColumnRole::Reference,
        Oddity::Format => match meaning {
            ColumnRole::Points | ColumnRole::IdType => true,
            ColumnRole::Phone => !seen.is_some_and(|seen| is_same_phone(cell, seen)),
            // A card's number as a person reads it; where it is a phone, as a phone.
            ColumnRole::Id => !seen.is_some_and(|seen| alphanumeric(seen).eq(alphanumeric(cell.text))),
            // Zeros in front tell no two whole numbers apart.
            ColumnRole::Reference => {
                let (seen, text) = (seen.unwrap_or_default(), cell.text.trim_start_matches('0'));
                !alphanumeric(seen).skip_while(|c| *c == '0').eq(alphanumeric(text))
            }
            ColumnRole::Name
            | ColumnRole::SendSms
            | ColumnRole::ReceiptName
            | ColumnRole::ReceiptAddress
            | ColumnRole::ReceiptEmail
            | ColumnRole::ReceiptTaxCode => false,
        },
    }
}

/// Whether a column neither names the member nor the points nor the row.
fn is_only_kept(meaning: ColumnRole) -> bool {
    match meaning {
        ColumnRole::Phone | ColumnRole::Points | ColumnRole::Id | ColumnRole::IdType | ColumnRole::Reference => false,
        ColumnRole::Name
        | ColumnRole::SendSms
        | ColumnRole::ReceiptName
        | ColumnRole::ReceiptAddress
        | ColumnRole::ReceiptEmail
        | ColumnRole::ReceiptTaxCode => true,
    }
}

/// `0901 234 567` is how a format shows 901234567, and the number that is paid.
fn is_same_phone(cell: Cell<'_>, seen: &str) -> bool {
    let paid = phone::read(cell.text, cell.kind.number).map(|(phone, _)| phone);
    let read = phone::read(seen, false).map(|(phone, _)| phone);
    paid.is_ok_and(|paid| read.is_ok_and(|read| paid == read))
}

fn alphanumeric(text: &str) -> impl Iterator<Item = char> + '_ {
    text.chars().filter(|c| c.is_alphanumeric())
}

/// `a phone`, `points`: what a cell of a meaning is needed for.
fn what(meaning: ColumnRole) -> String {
    let article = match meaning {
        ColumnRole::Points => "",
        ColumnRole::IdType | ColumnRole::Id => "an ",
        ColumnRole::Reference
        | ColumnRole::Phone
        | ColumnRole::Name
        | ColumnRole::SendSms
        | ColumnRole::ReceiptName
        | ColumnRole::ReceiptAddress
        | ColumnRole::ReceiptEmail
        | ColumnRole::ReceiptTaxCode => "a ",
    };
    format!("{article}{}", meaning.word())
}

fn message(oddity: Oddity, what: &str, cell: Cell<'_>, seen: Option<&str>) -> String {
    let value = shortened(cell.text.trim());
    match oddity {
        Oddity::Format => {
            let shows = match seen.map(str::trim) {
                Some("") => "looks empty".to_owned(),
                Some(seen) => format!("shows «{}»", shortened(seen)),
                None => "shows it in another way".to_owned(),
            };
            format!(
                "needs {what} as the cell shows it, has {value} in a cell that {shows} (its number format); set the format to \
                 General, and correct the number if it is wrong then"
            )
        }
        Oddity::Struck => {
            let reads =
                seen.map_or_else(String::new, |seen| format!(": what is not reads «{}»", shortened(seen.trim())));
            format!(
                "needs {what} without struck-out text, has «{value}», partly struck out{reads}; write what counts anew"
            )
        }
        Oddity::Faint => {
            let reads = seen.map_or_else(String::new, |seen| format!(": the rest reads «{}»", shortened(seen.trim())));
            format!(
                "needs {what} that can be seen, has «{value}», partly in the colour of its background or too small{reads}; \
                 write what counts anew"
            )
        }
        Oddity::Conditional => format!(
            "needs {what} as the cell shows it, has «{value}» under a conditional format that may hide it or show another number; \
             clear that rule, and correct the cell if it is wrong then"
        ),
        Oddity::Raised => format!(
            "needs {what} in plain characters, has «{value}», partly superscript or subscript; write the number anew"
        ),
        Oddity::Merged => format!(
            "needs {what} that can be seen, has «{value}» under a merged cell; unmerge it, and remove what shall not be paid"
        ),
        Oddity::NotComputed => format!(
            "needs {what} that can be read, has a formula whose result was never stored; open the file in Excel, look at the \
             result, save it, and check it again"
        ),
        Oddity::Date => format!("needs {what}, has a date or time, {value}; format the cell as text and write it anew"),
        Oddity::Duration => {
            let shows = seen.map_or_else(String::new, |seen| format!(", shown as «{}»", shortened(seen.trim())));
            format!("needs {what}, has a duration{shows}; set the number format to General, and correct the number")
        }
        Oddity::Error => format!("needs {what}, has the error {value} of a formula; correct the formula"),
    }
}

#[cfg(test)]
mod tests {
    use super::super::record::CellKind;
    use super::*;

    #[test]
    fn a_cell_is_refused_where_a_person_sees_another_thing() {
        let number = |oddity| CellKind { number: true, oddity: Some(oddity), ..CellKind::default() };
        let text = |oddity| CellKind { oddity: Some(oddity), ..CellKind::default() };
        for (meaning, cell, kind, seen, part) in [
            (
                ColumnRole::Points,
                "500",
                number(Oddity::Format),
                Some("500.000"),
                Some("has 500 in a cell that shows «500.000»"),
            ),
            (ColumnRole::Points, "500", number(Oddity::Format), Some(""), Some("looks empty")),
            (ColumnRole::Points, "500", number(Oddity::Format), None, Some("in another way")),
            (ColumnRole::Points, "500 700", text(Oddity::Struck), Some(" 700"), Some("what is not reads «700»")),
            (ColumnRole::Points, "50", number(Oddity::Duration), Some("1200:00:00"), Some("shown as «1200:00:00»")),
            (ColumnRole::Points, "", text(Oddity::NotComputed), None, Some("never stored")),
            (ColumnRole::Points, "#SPILL!", text(Oddity::Error), None, Some("the error #SPILL!")),
            (ColumnRole::Phone, "901234567", number(Oddity::Format), Some("0901 234 567"), None),
            (ColumnRole::Phone, "901234567", number(Oddity::Format), Some("+84901234567"), None),
            (ColumnRole::Phone, "901234567", number(Oddity::Format), Some("0901 234 568"), Some("0901 234 568")),
            (ColumnRole::Phone, "2026-11-25", text(Oddity::Date), None, Some("has a date")),
            (ColumnRole::Reference, "2026-11-25", text(Oddity::Date), None, None),
            (ColumnRole::Reference, "5", number(Oddity::Format), Some("0005"), None),
            (ColumnRole::Reference, "5", number(Oddity::Format), Some("KH-5"), Some("KH-5")),
            (ColumnRole::Reference, "5000", number(Oddity::Format), Some("5"), Some("«5»")),
            (ColumnRole::Id, "5", number(Oddity::Format), Some("0005"), Some("0005")),
            (ColumnRole::Id, "97041234", number(Oddity::Format), Some("9704 1234"), None),
            (ColumnRole::Name, "An", text(Oddity::Struck), None, None),
            (ColumnRole::Name, "An", text(Oddity::Merged), None, Some("under a merged cell")),
            (ColumnRole::SendSms, "", text(Oddity::NotComputed), None, Some("never stored")),
        ] {
            let message = refusal(meaning, Cell { text: cell, kind }, seen).map(|refusal| refusal.message);
            let place = format!("{meaning:?} {cell} {seen:?}: {message:?}");
            assert_eq!(message.is_some(), part.is_some(), "{place}");
            assert!(message.is_none_or(|message| message.contains(part.unwrap())), "{place}");
        }
    }
}
