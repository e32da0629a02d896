//! Words numbers, and texts that others wrote, for people.

/// A number with its thousands grouped: `1,234,567`.
#[must_use]
pub fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// A number of things, with the plural where there is not exactly one: `1 payout`, `2 payouts`.
#[must_use]
pub fn counted(number: u64, thing: &str) -> String {
    format!("{} {}", grouped(number), noun(number, thing))
}

/// What so many things are called: `payout`, `payouts`, `batches`.
#[must_use]
pub fn noun(number: u64, thing: &str) -> String {
    let plural = match (number, thing.ends_with("ch")) {
        (1, _) => "",
        (_, true) => "es",
        (_, false) => "s",
    };
    format!("{thing}{plural}")
}

/// Whether a character is seen by nobody, or turns what stands around it: zero-width characters, soft hyphens, marks of
/// direction, separators of lines. They come along when a text is copied, and make one text look like another.
#[must_use]
pub fn is_invisible(c: char) -> bool {
    matches!(c, '\u{00AD}' | '\u{200B}'..='\u{200F}' | '\u{2028}'..='\u{202E}' | '\u{2060}'..='\u{206F}' | '\u{FEFF}')
}

/// Whether a character looks like a hyphen: dashes and the minus sign, which text programs put for it.
#[must_use]
pub fn is_dash(c: char) -> bool {
    matches!(c, '-' | '\u{2010}'..='\u{2015}' | '\u{2212}')
}

/// A text as it is typed behind a flag: in double quotes, which every shell knows, unless something in it would still be
/// taken apart there.
#[must_use]
pub fn typed(text: &str) -> String {
    if text.contains(['"', '$', '`', '\\', '!']) {
        return format!("'{}'", text.replace('\'', r"'\''"));
    }
    let is_plain = |c: char| c.is_alphanumeric() || "-_./,:=@%+".contains(c);
    if !text.is_empty() && text.chars().all(is_plain) { text.to_owned() } else { format!("\"{text}\"") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_grouped_and_counted() {
        for (number, expected) in [(0, "0 rows"), (1, "1 row"), (1000, "1,000 rows"), (1_234_567, "1,234,567 rows")] {
            assert_eq!(counted(number, "row"), expected);
        }
        assert_eq!(
            [counted(1, "batch"), counted(2, "batch"), counted(2, "match")],
            ["1 batch", "2 batches", "2 matches"]
        );
    }

    #[test]
    fn what_is_to_be_typed_survives_a_shell() {
        for (text, expected) in [
            ("T11", "T11"),
            ("Thưởng T11", "\"Thưởng T11\""),
            ("a'b c", "\"a'b c\""),
            ("5 $ \"x\"", "'5 $ \"x\"'"),
            ("it's $1", r"'it'\''s $1'"),
            ("", "\"\""),
        ] {
            assert_eq!(typed(text), expected);
        }
    }
}
