//! Makes a text of the other side fit for logs, reports and terminals: masked, cut, and on one line.

/// The longest message that is kept, in characters.
const CHARS_MAX: usize = 200;
/// From this many digits on a run may be a phone or card number.
const MASKED_DIGITS_MIN: usize = 9;

/// The text on one line, with runs of nine or more digits masked (`090***4567`), cut to 200 characters.
pub(super) fn fit(text: &str) -> String {
    let one_line: String = text.chars().map(|c| if is_unprintable(c) { ' ' } else { c }).collect();
    // Masked before it is cut: a cut in the middle of a number would leave digits that are no longer masked.
    let masked = mask_digits(one_line.trim());
    if masked.chars().count() <= CHARS_MAX {
        return masked;
    }
    masked.chars().take(CHARS_MAX - 1).chain(['…']).collect()
}

/// Control characters, and those that turn or hide what stands around them.
fn is_unprintable(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}')
}

fn mask_digits(text: &str) -> String {
    let mut masked = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(start) = rest.find(|c: char| c.is_ascii_digit()) {
        let (before, from) = rest.split_at(start);
        let (run, after) = from.split_at(from.find(|c: char| !c.is_ascii_digit()).unwrap_or(from.len()));
        masked.push_str(before);
        if run.len() >= MASKED_DIGITS_MIN {
            masked.push_str(&run[..3]);
            masked.push_str("***");
            masked.push_str(&run[run.len() - 4..]);
        } else {
            masked.push_str(run);
        }
        rest = after;
    }
    masked.push_str(rest);
    masked
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
