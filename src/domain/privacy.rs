//! Hides phone numbers, and other long numbers, in texts that are shown or logged: whoever reads them over a shoulder or
//! in a log learns nobody's number.

use super::member::is_id_separator;
use std::borrow::Cow;

/// From this many digits on a run may be a phone or card number.
const RUN_MIN: usize = 9;
/// Digits of a Vietnamese mobile number, and of one with the country's 84 in front.
const NATIONAL: usize = 10;
const INTERNATIONAL: usize = 11;
/// Letters and digits without a break: from so many on it is a hash or an invoice_no, which people have to copy.
const WORD_MIN: usize = 16;

/// The text with its phone numbers hidden (`090***4567`), whatever stands between their digits: of a message in which
/// amounts, hashes and invoice_nos have to stay as they are.
#[must_use]
pub fn hide_phones(text: &str) -> Cow<'_, str> {
    hidden(text, usize::MAX)
}

/// The same, and every run of nine or more digits: of what others wrote, and of references.
#[must_use]
pub fn hide_numbers(text: &str) -> Cow<'_, str> {
    hidden(text, RUN_MIN)
}

/// A cell that ought to hold a member's number: whatever is in it, its middle is hidden.
#[must_use]
pub fn hide_middle(text: &str) -> String {
    let chars: Vec<char> = text.trim().chars().collect();
    if chars.iter().filter(|c| digit(**c).is_some()).count() < 7 || chars.len() < RUN_MIN {
        return hide_numbers(text).into_owned();
    }
    masked(&chars).collect()
}

/// Whether a cell begins as a phone number does and has as many digits, whatever else is in it: no amount begins so.
#[must_use]
pub fn is_like_a_phone(text: &str) -> bool {
    let chars: Vec<char> = text.trim().trim_start_matches('+').chars().collect();
    let digits = chars.iter().filter(|c| digit(**c).is_some()).count();
    digits >= RUN_MIN && phone_digits(&chars, 0).is_some()
}

/// The first three and the last four of a number, of which there are seven at least.
pub(crate) fn masked(digits: &[char]) -> impl Iterator<Item = char> + '_ {
    digits[..3].iter().chain(&['*'; 3]).chain(&digits[digits.len() - 4..]).copied()
}

fn hidden(text: &str, run_min: usize) -> Cow<'_, str> {
    if text.bytes().filter(|byte| byte.is_ascii_digit() || !byte.is_ascii()).count() < RUN_MIN {
        return Cow::Borrowed(text);
    }
    let chars: Vec<char> = text.chars().collect();
    let (mut shown, mut at, mut changed) = (String::with_capacity(text.len()), 0, false);
    while at < chars.len() {
        if let Some(word) = long_word(&chars, at) {
            shown.extend(&chars[at..at + word]);
            at += word;
        } else if let Some(end) = end_of_number(&chars, at, run_min) {
            let digits: Vec<char> = chars[at..end].iter().copied().filter(|c| digit(*c).is_some()).collect();
            shown.extend(masked(&digits));
            (at, changed) = (end, true);
        } else {
            // The rest of a short run of digits begins no number of its own.
            let run = digits_at(&chars, at).max(1);
            shown.extend(&chars[at..at + run]);
            at += run;
        }
    }
    if changed { Cow::Owned(shown) } else { Cow::Borrowed(text) }
}

/// The length of a hash or invoice_no that begins here.
fn long_word(chars: &[char], start: usize) -> Option<usize> {
    if start > 0 && chars[start - 1].is_ascii_alphanumeric() {
        return None;
    }
    let length = chars[start..].iter().take_while(|c| c.is_ascii_alphanumeric()).count();
    let has_letters = chars[start..start + length].iter().any(char::is_ascii_alphabetic);
    (length >= WORD_MIN && has_letters).then_some(length)
}

/// Where the number ends that begins here, if one does that has to be hidden.
fn end_of_number(chars: &[char], start: usize, run_min: usize) -> Option<usize> {
    let run = digits_at(chars, start);
    if run >= run_min {
        return Some(start + run);
    }
    let wanted = phone_digits(chars, start)?;
    let (mut digits, mut between) = (0, 0);
    for (index, c) in chars.iter().enumerate().skip(start) {
        if digit(*c).is_some() {
            (digits, between) = (digits + 1, 0);
            if digits == wanted {
                // One digit more, and it is a number of another kind; hidden all the same.
                return Some(index + 1 + digits_at(chars, index + 1));
            }
        } else if is_between(*c) && between < 3 {
            between += 1;
        } else {
            return None;
        }
    }
    None
}

/// How many digits the phone number has that may begin here: `0…` or `84…`, each with a digit behind that one can have.
fn phone_digits(chars: &[char], start: usize) -> Option<usize> {
    let mut digits = chars[start..].iter().filter(|c| !is_between(**c)).map(|c| digit(*c));
    let first = digit(*chars.get(start)?)?;
    digits.next();
    let is_mobile = |digit: Option<Option<u32>>| matches!(digit, Some(Some(3 | 5 | 7 | 8 | 9)));
    match (first, digits.next()) {
        (0, second) if is_mobile(second) => Some(NATIONAL),
        (8, Some(Some(4))) => match digits.next() {
            // +84 (0) 901…
            Some(Some(0)) if is_mobile(digits.next()) => Some(INTERNATIONAL + 1),
            third if is_mobile(third) => Some(INTERNATIONAL),
            Some(_) | None => None,
        },
        (_, _) => None,
    }
}

/// The run of digits that begins here.
fn digits_at(chars: &[char], start: usize) -> usize {
    chars[start..].iter().take_while(|c| digit(**c).is_some()).count()
}

/// A digit's value, also of a full-width one.
pub(crate) fn digit(c: char) -> Option<u32> {
    match c {
        '\u{ff10}'..='\u{ff19}' => Some(c as u32 - 0xff10),
        _ => c.to_digit(10),
    }
}

/// What people write between the groups of a number.
pub(crate) fn is_between(c: char) -> bool {
    is_id_separator(c) || matches!(c, '.' | '(' | ')' | '/' | '_')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn phone_numbers_are_hidden_however_they_are_spelt() {
        for (text, expected) in [
            ("0901234567", "090***4567"),
            ("phone 090 123 4567 not found", "phone 090***4567 not found"),
            ("090.123.4567", "090***4567"),
            ("090-123-45-67,", "090***4567,"),
            ("+84 90 123 45 67", "+849***4567"),
            ("+84 (0) 901-234-567", "+840***4567"),
            ("84\u{a0}901\u{a0}234\u{a0}567", "849***4567"),
            ("R-090 123 4567 8", "R-090***4567 8"),
            ("0901234567x", "090***4567x"),
            ("09012345678", "090***5678"),
            ("9704 0901234567", "9704 090***4567"),
            ("a 0901234567, 0912345678", "a 090***4567, 091***5678"),
            ("số 0901234567đ", "số 090***4567đ"),
            ("０９０１２３４５６７", "０９０***４５６７"),
        ] {
            assert_eq!(hide_phones(text), expected, "{text}");
            assert_eq!(hide_numbers(text), expected, "{text}");
        }
        assert_eq!(hide_numbers("9704123412341234 and 901234567"), "970***1234 and 901***4567");
    }

    #[test]
    fn dates_amounts_hashes_and_codes_stay() {
        for text in [
            "",
            "OK",
            "code 4000307, 12345678",
            "2026-11-25 10:00:00, 2026-11-25 10:00:01",
            "25.11.2026 08:15, 26.11.2026 09:15",
            "1.234.567 points of 512,000,000",
            "950 000 000",
            "08:15, 09:30, 10:45, 11:00",
            "T11-0001, T11-0002",
            "TPB7ABE4A0912345678MSK",
            "9f2c0912345678aa9f2c0912345678aa9f2c0912345678aa9f2c0912345678aa",
        ] {
            assert_eq!(hide_numbers(text), text);
        }
        assert_eq!(hide_phones("--confirm-total says 512000000 points"), "--confirm-total says 512000000 points");
    }

    #[test]
    fn a_cell_with_anything_between_its_digits_is_hidden() {
        for (text, expected) in [
            ("09O1234567", "09O***4567"),
            ("0901a234567", "090***4567"),
            ("0901,234,567", "090***,567"),
            ("901234567", "901***4567"),
            ("#N/A", "#N/A"),
            ("12345678", "12345678"),
            ("Nguyễn Văn An", "Nguyễn Văn An"),
        ] {
            assert_eq!(hide_middle(text), expected);
        }
    }
}
