//! Makes a text of the other side fit for logs, reports and terminals: masked, cut, and on one line.

use crate::domain::privacy::{self, digit, is_between};
use crate::domain::text::is_invisible;

/// The longest message that is kept, in characters.
const CHARS_MAX: usize = 200;
/// From this many digits on a run may be a phone or card number.
const MASKED_DIGITS_MIN: usize = 9;
/// From this many digits on a number that is written in groups may be a card's.
const GROUPED_CARD_DIGITS_MIN: usize = 12;
/// So many characters between two groups of digits still belong to one number: `(+84) 90`.
const BETWEEN_MAX: usize = 2;

/// The text on one line, with what may be a phone or card number masked (`090***4567`), cut to 200 characters.
pub(super) fn fit(text: &str) -> String {
    let one_line: String = text.chars().map(|c| if c.is_control() || is_invisible(c) { ' ' } else { c }).collect();
    // Masked before it is cut: a cut in the middle of a number would leave digits that are no longer masked.
    let masked = mask_digits(one_line.trim());
    if masked.chars().count() <= CHARS_MAX {
        return masked;
    }
    masked.chars().take(CHARS_MAX - 1).chain(['…']).collect()
}

/// Digits of either width: full-width ones are how some keyboards write them.
fn is_digit(c: char) -> bool {
    digit(c).is_some()
}

/// Masks runs of nine or more digits, and phones and cards whose digits stand in groups: `090 123 45 67`,
/// `(+84) 90-123.4567`, `9704 0000 1111 2222`.
fn mask_digits(text: &str) -> String {
    let mut masked = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(start) = rest.find(is_digit) {
        let (before, from) = rest.split_at(start);
        masked.push_str(before);
        let groups = groups_of(from);
        let whole = &from[..groups.last().map_or(0, |group| group.end)];
        let first = &from[..groups.first().map_or(0, |group| group.end)];
        // A group that is a number of its own is followed by another number, not by more of it.
        let is_whole = first.chars().count() >= MASKED_DIGITS_MIN;
        let number = if !is_whole && is_number_in_groups(whole, &groups) { whole } else { first };
        let digits: String = number.chars().filter(|c| is_digit(*c)).collect();
        if digits.chars().count() >= MASKED_DIGITS_MIN {
            let all: Vec<char> = digits.chars().collect();
            masked.extend(privacy::masked(&all));
        } else {
            masked.push_str(number);
        }
        rest = &from[number.len()..];
    }
    masked.push_str(rest);
    masked
}

/// Where the groups of digits stand that may be one number, from the text's beginning on, which is a digit.
fn groups_of(text: &str) -> Vec<std::ops::Range<usize>> {
    let mut groups: Vec<std::ops::Range<usize>> = Vec::new();
    let mut between = 0;
    for (at, c) in text.char_indices() {
        if is_digit(c) {
            match groups.last_mut() {
                Some(group) if between == 0 => group.end = at + c.len_utf8(),
                Some(_) | None => groups.push(at..at + c.len_utf8()),
            }
            between = 0;
        } else {
            between += 1;
            if between > BETWEEN_MAX || !is_between(c) {
                break;
            }
        }
    }
    groups
}

/// Whether groups of digits are one number: they begin as a phone does, or are as many as a card has. Dates and addresses
/// of machines are none.
fn is_number_in_groups(text: &str, groups: &[std::ops::Range<usize>]) -> bool {
    let digits: String = text.chars().filter(char::is_ascii_digit).collect();
    let count = text.chars().filter(|c| is_digit(*c)).count();
    if groups.len() < 2 || count < MASKED_DIGITS_MIN {
        return false;
    }
    if text.parse::<std::net::Ipv4Addr>().is_ok() {
        return false;
    }
    let begins_as_phone = digits.starts_with('0') || digits.starts_with("84");
    let lost_its_zero = count == MASKED_DIGITS_MIN && digits.starts_with(['3', '5', '7', '8', '9']);
    count > digits.len() || begins_as_phone || lost_its_zero || count >= GROUPED_CARD_DIGITS_MIN
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_runs_of_digits_are_masked_and_short_ones_stay() {
        for (text, expected) in [
            ("OK", "OK"),
            ("", ""),
            ("phone 0901234567 not found", "phone 090***4567 not found"),
            ("0901234567", "090***4567"),
            ("+84901234567/0312345678", "+849***4567/031***5678"),
            ("code 4000307, 12345678", "code 4000307, 12345678"),
            ("123456789", "123***6789"),
            ("số 0901234567đ", "số 090***4567đ"),
            ("090 123 4567 is blocked", "090***4567 is blocked"),
            ("0901.234.567, 0901-234-568", "090***4567, 090***4568"),
            ("+84 90 123 45 67", "+849***4567"),
            ("(+84) 90-123.4567", "(+849***4567"),
            ("0084 90 123 4567", "008***4567"),
            ("84\u{a0}901\u{2009}234\u{202f}567!", "849***4567!"),
            ("901 234 567", "901***4567"),
            ("０９０１２３４５６７", "０９０***４５６７"),
            ("09 01 23 45 67 and 09/01/23/45/68", "090***4567 and 090***4568"),
            ("card 9704 0000 1111 2222", "card 970***2222"),
            ("0901234567 0901234568", "090***4567 090***4568"),
            ("at 2026-11-25 13:13:40, code 4000315", "at 2026-11-25 13:13:40, code 4000315"),
            ("25.11.2026 10:00", "25.11.2026 10:00"),
            ("connect 192.168.100.200:8443", "connect 192.168.100.200:8443"),
            ("HTTP 200, code 600400 (3 of 10)", "HTTP 200, code 600400 (3 of 10)"),
            ("limit 50 - 20000000", "limit 50 - 20000000"),
        ] {
            assert_eq!(fit(text), expected);
        }
    }

    #[test]
    fn a_message_is_one_short_line() {
        assert_eq!(fit("a\r\nb\u{1b}[31mc\u{202e}d\u{0}"), "a  b [31mc d");
        let long = fit(&"é".repeat(1000));
        assert_eq!((long.chars().count(), long.ends_with('…')), (200, true));
        assert_eq!(fit(&"x".repeat(200)).len(), 200);
        // A number that the cut goes through is masked all the same.
        let cut = fit(&format!("{}0901234567", "x".repeat(195)));
        assert!(cut.ends_with("x090*…"), "{cut}");
    }
}
