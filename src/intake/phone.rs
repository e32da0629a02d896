//! Reads a phone number out of a cell: repairs what has one reading, refuses the rest.

use super::problem::ProblemKind;
use super::record::text_formula;
use super::refusal::{Refusal, refuse};
use super::repair::RepairKind;
use crate::domain::member::is_id_separator;
use crate::domain::phone::PhoneNumber;

/// The most digits that are looked at: two whole numbers in one cell, with room to see that they are two.
const DIGITS_MAX: usize = 40;

/// What is left of a cell without separators.
struct Digits {
    digits: [u8; DIGITS_MAX],
    len: usize,
    plus: bool,
}

impl Digits {
    fn as_str(&self) -> &str {
        std::str::from_utf8(&self.digits[..self.len]).unwrap_or_default()
    }
}

/// Reads a cell; the repair is named where the number is not what is written.
pub(crate) fn read(cell: &str, number: bool) -> Result<(PhoneNumber, Option<RepairKind>), Refusal> {
    if let Some(phone) = PhoneNumber::parse(cell) {
        return Ok((phone, None));
    }
    let text = cell.trim_matches(|c: char| c.is_whitespace() && !matches!(c, '\n' | '\r'));
    if let Some(phone) = PhoneNumber::parse(text) {
        return Ok((phone, None));
    }
    if let Some(inner) = text_formula(text) {
        return read(inner, false).map(|(phone, repair)| (phone, repair.or(Some(RepairKind::TextFormula))));
    }
    if let Some(whole) = without_zero_decimals(text) {
        return read(whole, false).map(|(phone, repair)| (phone, repair.or(Some(RepairKind::PhoneDecimals))));
    }
    if text.trim().is_empty() {
        return Err(refuse(
            ProblemKind::PhoneMissing,
            "needs a phone number, has none; fill the cell or remove the row",
        ));
    }
    if text.contains(['\n', '\r']) {
        let message = "needs one number on one line, has a line break; put every number in a row of its own";
        return Err(refuse(ProblemKind::PhoneTwo, message));
    }
    lost_digits(text, number)?;
    let digits = collect(text)?;
    let (number, repair) = by_count(&digits, text)?;
    match PhoneNumber::parse(&number) {
        Some(phone) => Ok((phone, Some(repair))),
        None => Err(wrong_digits(digits.as_str())),
    }
}

/// The digits of `901234567.0`, as programs write a number that went through a floating-point column. With fewer digits
/// the dot could be a separator between some of a phone's ten.
fn without_zero_decimals(text: &str) -> Option<&str> {
    let (whole, zeros) = text.rsplit_once(['.', ','])?;
    let is_phone = (9..=13).contains(&whole.len()) && whole.bytes().all(|b| b.is_ascii_digit());
    (is_phone && matches!(zeros, "0" | "00")).then_some(whole)
}

/// Refuses what a number cell makes of a phone when digits are gone: `8.49E+10`, and `9012345.7`, whose dot is a decimal
/// point and not a separator.
fn lost_digits(text: &str, number: bool) -> Result<(), Refusal> {
    let body = text.strip_prefix(['\'', '’']).unwrap_or(text);
    if let Some((mantissa, exponent)) = body.split_once(['e', 'E']) {
        let exponent = exponent.strip_prefix(['+', '-']).unwrap_or(exponent);
        let number =
            |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit() || matches!(b, b'.' | b','));
        if number(mantissa) && number(exponent) {
            let message = format!(
                "needs all 10 digits, has {body}: the spreadsheet dropped the last ones; format the column as text and \
                 fill it again from the source"
            );
            return Err(refuse(ProblemKind::PhoneLost, message));
        }
    }
    if let Some((whole, decimals)) = body.split_once('.')
        && (number || (1..=2).contains(&decimals.len()))
        && !whole.is_empty()
        && body.bytes().filter(|b| *b != b'.').all(|b| b.is_ascii_digit())
    {
        let message = format!(
            "needs 10 digits, has a decimal number ({body}); format the column as text and fill it again from the source"
        );
        return Err(refuse(ProblemKind::PhoneDigits, message));
    }
    Ok(())
}

/// Takes out what people and programs put between digits.
fn collect(text: &str) -> Result<Digits, Refusal> {
    let body = text.strip_prefix(['\'', '’']).unwrap_or(text);
    if body.starts_with('-') && body.as_bytes().get(1).is_some_and(|b| (b'1'..=b'9').contains(b)) {
        return Err(refuse(ProblemKind::PhoneLetters, "needs a phone number, has a negative number; correct the cell"));
    }
    let mut digits = Digits { digits: [0; DIGITS_MAX], len: 0, plus: false };
    for c in body.chars() {
        match c {
            '0'..='9' if digits.len < DIGITS_MAX => {
                digits.digits[digits.len] = c as u8;
                digits.len += 1;
            }
            '0'..='9' => break,
            '+' if digits.len == 0 && !digits.plus => digits.plus = true,
            c if is_separator(c) => {}
            c => return Err(other_character(text, c)),
        }
    }
    Ok(digits)
}

fn is_separator(c: char) -> bool {
    is_id_separator(c) || matches!(c, '.' | '(' | ')' | '[' | ']')
}

fn other_character(text: &str, other: char) -> Refusal {
    let digits = text.bytes().filter(u8::is_ascii_digit).count();
    if digits >= 18 {
        return two_numbers();
    }
    let message = format!("needs digits only, has «{}»; correct the cell", other.escape_debug());
    refuse(ProblemKind::PhoneLetters, message)
}

fn two_numbers() -> Refusal {
    refuse(ProblemKind::PhoneTwo, "needs one number, has two; put every number in a row of its own")
}

/// The ten digits that a cell means, by how many digits it has.
fn by_count(digits: &Digits, text: &str) -> Result<(String, RepairKind), Refusal> {
    let number = digits.as_str();
    let mobile = |digits: &str| digits.starts_with(['3', '5', '7', '8', '9']);
    if digits.plus {
        let Some(national) = number.strip_prefix("84") else {
            let message = "needs a Vietnamese number (+84 …), has another country's code; correct the cell";
            return Err(refuse(ProblemKind::PhoneDigits, message));
        };
        if national.len() == 9 && mobile(national) {
            return Ok((format!("0{national}"), RepairKind::PhoneCountryCode));
        }
        return Err(special(&format!("0{national}")).unwrap_or_else(|| wrong_digits(text.trim())));
    }
    let repaired = match number.len() {
        10 if number.starts_with('0') => Some((number.to_owned(), RepairKind::PhoneSeparators)),
        9 if mobile(number) => Some((format!("0{number}"), RepairKind::PhoneZero)),
        11 if number.starts_with("84") && mobile(&number[2..]) => {
            Some((format!("0{}", &number[2..]), RepairKind::PhoneCountryCode))
        }
        13 if number.starts_with("0084") && mobile(&number[4..]) => {
            Some((format!("0{}", &number[4..]), RepairKind::PhoneCountryCode))
        }
        _ => None,
    };
    match repaired {
        Some(repaired) if special(&repaired.0).is_none() => Ok(repaired),
        Some(_) | None if number.len() >= 18 => Err(two_numbers()),
        Some(_) | None => Err(special_of_any(number).unwrap_or_else(|| wrong_digits(number))),
    }
}

/// The numbers that look like something else than a mobile of today, with or without what came before them.
fn special_of_any(number: &str) -> Option<Refusal> {
    let national = match number.strip_prefix("0084").or_else(|| number.strip_prefix("84")) {
        Some(national) if number.len() >= 11 => format!("0{national}"),
        Some(_) | None if number.starts_with('0') => number.to_owned(),
        Some(_) | None => format!("0{number}"),
    };
    special(&national)
}

/// A number from before 2018, or a fixed line.
fn special(national: &str) -> Option<Refusal> {
    if national.len() == 11 && national.starts_with("01") {
        let message = match new_number(national) {
            Some(new) => format!(
                "needs 10 digits, has {national}, a number from before the change of 2018; if it is still the member's, \
                 write {new}"
            ),
            None => format!(
                "needs 10 digits, has {national}, which begins as numbers did before 2018; ask the member for today's"
            ),
        };
        return Some(refuse(ProblemKind::PhoneOld, message));
    }
    if national.starts_with("02") && matches!(national.len(), 10 | 11) {
        let message =
            "needs a mobile number (03, 05, 07, 08, 09), has a fixed line; ask the member for a mobile number";
        return Some(refuse(ProblemKind::PhoneFixed, message));
    }
    None
}

/// Today's number of an eleven-digit one, by the operators' tables of 2018.
fn new_number(old: &str) -> Option<String> {
    let prefix = match old.get(..4)? {
        "0162" => "032",
        "0163" => "033",
        "0164" => "034",
        "0165" => "035",
        "0166" => "036",
        "0167" => "037",
        "0168" => "038",
        "0169" => "039",
        "0120" => "070",
        "0121" => "079",
        "0122" => "077",
        "0126" => "076",
        "0128" => "078",
        "0123" => "083",
        "0124" => "084",
        "0125" => "085",
        "0127" => "081",
        "0129" => "082",
        "0199" => "059",
        _ => return None,
    };
    Some(format!("{prefix}{}", &old[4..]))
}

fn wrong_digits(number: &str) -> Refusal {
    let count = number.bytes().filter(u8::is_ascii_digit).count();
    let has = match number.get(..2) {
        Some(start) if count == 10 => format!("10 beginning {start}"),
        Some(_) | None => count.to_string(),
    };
    let message =
        format!("needs 10 digits beginning 03, 05, 07, 08 or 09, has {has}; check the number with the member");
    refuse(ProblemKind::PhoneDigits, message)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn taken(cell: &str) -> Result<(String, Option<RepairKind>), ProblemKind> {
        read(cell, false).map(|(phone, repair)| (phone.as_str().to_owned(), repair)).map_err(|refusal| refusal.kind)
    }

    #[test]
    fn what_has_one_reading_is_repaired_by_digit_count() {
        use RepairKind::{PhoneCountryCode, PhoneDecimals, PhoneSeparators, PhoneZero, TextFormula};
        for (cell, phone, repair) in [
            ("0901234567", "0901234567", None),
            (" 0312345678\u{a0}", "0312345678", None),
            ("090 123 4567", "0901234567", Some(PhoneSeparators)),
            ("090\u{a0}123\u{200b}4567", "0901234567", Some(PhoneSeparators)),
            ("090.123.4567", "0901234567", Some(PhoneSeparators)),
            ("0901-234-567", "0901234567", Some(PhoneSeparators)),
            ("(090) 1234567", "0901234567", Some(PhoneSeparators)),
            ("[090]1234567", "0901234567", Some(PhoneSeparators)),
            ("'0901234567", "0901234567", Some(PhoneSeparators)),
            ("\u{202a}0901234567\u{202c}", "0901234567", Some(PhoneSeparators)),
            ("901234567", "0901234567", Some(PhoneZero)),
            ("841234567", "0841234567", Some(PhoneZero)),
            ("'901 234 567", "0901234567", Some(PhoneZero)),
            ("+84901234567", "0901234567", Some(PhoneCountryCode)),
            ("+84 90-123-4567", "0901234567", Some(PhoneCountryCode)),
            ("0084901234567", "0901234567", Some(PhoneCountryCode)),
            ("84901234567", "0901234567", Some(PhoneCountryCode)),
            ("84841234567", "0841234567", Some(PhoneCountryCode)),
            ("=\"0901234567\"", "0901234567", Some(TextFormula)),
            ("=\"901234567\"", "0901234567", Some(PhoneZero)),
            ("901234567.0", "0901234567", Some(PhoneZero)),
            ("0901234567.00", "0901234567", Some(PhoneDecimals)),
            ("84901234567.0", "0901234567", Some(PhoneCountryCode)),
        ] {
            assert_eq!(taken(cell), Ok((phone.to_owned(), repair)), "{cell}");
        }
    }

    #[test]
    fn the_rest_is_refused_by_kind() {
        for (cell, kind) in [
            ("", ProblemKind::PhoneMissing),
            (" \u{a0}", ProblemKind::PhoneMissing),
            ("8.49E+10", ProblemKind::PhoneLost),
            ("8,49E+10", ProblemKind::PhoneLost),
            ("9E8", ProblemKind::PhoneLost),
            ("01681234567", ProblemKind::PhoneOld),
            ("1681234567", ProblemKind::PhoneOld),
            ("+841681234567", ProblemKind::PhoneOld),
            ("841681234567", ProblemKind::PhoneOld),
            ("0901234567/0912345678", ProblemKind::PhoneTwo),
            ("0901234567 0912345678", ProblemKind::PhoneTwo),
            ("0901234567, 0912345678", ProblemKind::PhoneTwo),
            ("901234567 912345678", ProblemKind::PhoneTwo),
            ("0901234567\n", ProblemKind::PhoneTwo),
            ("0901234567\n0912345678", ProblemKind::PhoneTwo),
            ("09O1234567", ProblemKind::PhoneLetters),
            ("０９０１２３４５６７", ProblemKind::PhoneLetters),
            ("-901234567", ProblemKind::PhoneLetters),
            ("0901+234567", ProblemKind::PhoneLetters),
            ("=\"Điện thoại\"", ProblemKind::PhoneLetters),
            ("=\"\"", ProblemKind::PhoneMissing),
            ("=901234567", ProblemKind::PhoneLetters),
            ("090123456.0", ProblemKind::PhoneDigits),
            ("901234567.5", ProblemKind::PhoneDigits),
            ("02438261234", ProblemKind::PhoneFixed),
            ("+842438261234", ProblemKind::PhoneFixed),
            ("2438261234", ProblemKind::PhoneFixed),
            ("090123456", ProblemKind::PhoneDigits),
            ("09012345678", ProblemKind::PhoneDigits),
            ("0401234567", ProblemKind::PhoneDigits),
            ("8490123456", ProblemKind::PhoneDigits),
            ("84901234.0", ProblemKind::PhoneDigits),
            ("+1 650 253 0000", ProblemKind::PhoneDigits),
            ("+840901234567", ProblemKind::PhoneDigits),
            ("+0901234567", ProblemKind::PhoneDigits),
            ("0", ProblemKind::PhoneDigits),
        ] {
            assert_eq!(taken(cell), Err(kind), "{cell}");
        }
        assert!(read("901234.567", false).is_ok(), "dots in a text are separators");
        assert!(read("901234.567", true).is_err(), "a dot in a number is a decimal point");
    }

    #[test]
    fn an_old_number_is_answered_with_the_new_one() {
        for (old, new) in [
            ("0162", "032"),
            ("0163", "033"),
            ("0164", "034"),
            ("0165", "035"),
            ("0166", "036"),
            ("0167", "037"),
            ("0168", "038"),
            ("0169", "039"),
            ("0120", "070"),
            ("0121", "079"),
            ("0122", "077"),
            ("0126", "076"),
            ("0128", "078"),
            ("0123", "083"),
            ("0124", "084"),
            ("0125", "085"),
            ("0127", "081"),
            ("0129", "082"),
            ("0199", "059"),
        ] {
            let message = read(&format!("{old}7654321"), false).unwrap_err().message;
            assert!(message.ends_with(&format!("write {new}7654321")), "{message}");
        }
        assert!(read("01117654321", false).unwrap_err().message.contains("ask the member"));
    }
}
