//! Hides phone numbers, and other long numbers, in texts that are shown or logged: whoever reads them over a shoulder or
//! in a log learns nobody's number.

use std::borrow::Cow;

/// From this many digits on a run may be a phone or card number.
const RUN_MIN: usize = 9;
/// Digits of a Vietnamese mobile number, and of one with the country's 84 in front.
const NATIONAL: usize = 10;
const INTERNATIONAL: usize = 11;

/// The text with its long numbers hidden: every run of nine or more digits, and every phone number whose digits have
/// blanks, dots, dashes or brackets between them (`090***4567`). Dates, amounts and codes stay.
#[must_use]
pub fn hide_numbers(text: &str) -> Cow<'_, str> {
    let chars: Vec<char> = text.chars().collect();
    let (mut shown, mut at, mut changed) = (String::with_capacity(text.len()), 0, false);
    while at < chars.len() {
        let end = end_of_number(&chars, at);
        match end {
            Some(end) => {
                let digits: Vec<char> = chars[at..end].iter().copied().filter(char::is_ascii_digit).collect();
                shown.extend(&digits[..3]);
                shown.push_str("***");
                shown.extend(&digits[digits.len() - 4..]);
                (at, changed) = (end, true);
            }
            None => {
                // The rest of a short run of digits begins no number of its own.
                let run = chars[at..].iter().take_while(|c| c.is_ascii_digit()).count().max(1);
                shown.extend(&chars[at..at + run]);
                at += run;
            }
        }
    }
    if changed { Cow::Owned(shown) } else { Cow::Borrowed(text) }
}

/// A cell that ought to hold a member's number: whatever stands between its digits, its middle is hidden.
#[must_use]
pub fn hide_middle(text: &str) -> String {
    let chars: Vec<char> = text.trim().chars().collect();
    if chars.len() < RUN_MIN {
        return chars.into_iter().collect();
    }
    let (head, tail) = (&chars[..3], &chars[chars.len() - 4..]);
    head.iter().chain(&['*'; 3]).chain(tail).collect()
}

/// Where the number ends that begins here, if one does that has to be hidden.
fn end_of_number(chars: &[char], start: usize) -> Option<usize> {
    if !chars[start].is_ascii_digit() {
        return None;
    }
    let run = chars[start..].iter().take_while(|c| c.is_ascii_digit()).count();
    if run >= RUN_MIN {
        return Some(start + run);
    }
    let wanted = phone_digits(chars, start)?;
    let (mut digits, mut between) = (0, 0);
    for (index, c) in chars.iter().enumerate().skip(start) {
        if c.is_ascii_digit() {
            (digits, between) = (digits + 1, 0);
            if digits == wanted {
                // One digit more, and it is a number of another kind; hidden all the same.
                let more = chars[index + 1..].iter().take_while(|c| c.is_ascii_digit()).count();
                return Some(index + 1 + more);
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
    let mut digits = chars[start..].iter().filter(|c| !is_between(**c));
    let is_mobile = |c: Option<&char>| c.is_some_and(|c| matches!(c, '3' | '5' | '7' | '8' | '9'));
    match (digits.next(), digits.next()) {
        (Some('0'), second) if is_mobile(second) => Some(NATIONAL),
        (Some('8'), Some('4')) => match digits.next() {
            // +84 (0) 901…
            Some('0') if is_mobile(digits.next()) => Some(INTERNATIONAL + 1),
            third if is_mobile(third) => Some(INTERNATIONAL),
            Some(_) | None => None,
        },
        (Some(_) | None, _) => None,
    }
}

fn is_between(c: char) -> bool {
    c.is_whitespace()
        || matches!(c, '.' | '-' | '(' | ')' | '/' | '_' | '\u{2010}'..='\u{2015}' | '\u{200b}' | '\u{feff}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_hidden_however_they_are_spelt() {
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
            ("9704 0901234567", "9704 090***4567"),
            ("a 0901234567/0912345678", "a 090***4567/091***5678"),
        ] {
            assert_eq!(hide_numbers(text), expected, "{text}");
        }
    }

    #[test]
    fn dates_amounts_and_codes_stay() {
        for text in [
            "",
            "OK",
            "code 4000307, 12345678",
            "2026-11-25 10:00:00",
            "25.11.2026 08:15",
            "1.234.567 points",
            "950 000 000",
            "08:15, 09:30",
            "T11-0001",
            "084 1",
        ] {
            assert_eq!(hide_numbers(text), text);
        }
    }

    #[test]
    fn a_cell_with_anything_between_its_digits_is_hidden() {
        for (text, expected) in [("09O1234567", "09O***4567"), ("0901a234567", "090***4567"), ("12345678", "12345678")]
        {
            assert_eq!(hide_middle(text), expected);
        }
    }
}
