//! Folds long lines at their blanks, so that no terminal cuts a word or a number in two.

use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

/// How much deeper the rest of a folded line stands.
const DEEPER: usize = 2;

/// The text in at most so many columns. A line that holds a command stays whole: it is copied, and a terminal that
/// cuts it gives it back in one piece.
pub(super) fn wrapped(text: &str, columns: usize) -> String {
    let mut result = String::with_capacity(text.len());
    for line in text.split_inclusive('\n') {
        let (line, end) = line.strip_suffix('\n').map_or((line, ""), |line| (line, "\n"));
        if line.width() <= columns || line.contains("topup ") || line.contains('\u{1b}') {
            result.push_str(line);
        } else {
            fold_line(line, columns, &mut result);
        }
        result.push_str(end);
    }
    result
}

fn fold_line(line: &str, columns: usize, result: &mut String) {
    let indent = line.len() - line.trim_start_matches(' ').len();
    let deeper = " ".repeat(indent + DEEPER);
    let mut rest = line;
    let mut is_first = true;
    loop {
        let before = if is_first { 0 } else { deeper.len() };
        let floor = if is_first { indent } else { 0 };
        if !is_first {
            result.push('\n');
            result.push_str(&deeper);
        }
        let Some(place) = fold_place(rest, columns.saturating_sub(before), floor) else {
            result.push_str(rest);
            return;
        };
        result.push_str(rest[..place].trim_end_matches(' '));
        rest = rest[place..].trim_start_matches(' ');
        is_first = false;
    }
}

/// The last blank that leaves what stands before it narrow enough, or else the first one; none where all of it fits, or
/// nothing but blanks would be left over.
fn fold_place(text: &str, columns: usize, floor: usize) -> Option<usize> {
    if text.width() <= columns {
        return None;
    }
    let (mut width, mut last) = (0, None);
    for (place, c) in text.char_indices() {
        if c == ' ' && place > floor && !text[place..].trim_start_matches(' ').is_empty() {
            if width > columns {
                return last.or(Some(place));
            }
            last = Some(place);
        }
        width += c.width().unwrap_or(0);
    }
    last
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_stay_whole_and_the_rest_stands_deeper() {
        for (text, expected) in [
            ("short\n", "short\n"),
            ("  one two three four\n", "  one two\n    three\n    four\n"),
            ("0123456789abcdef one two\n", "0123456789abcdef\n  one two\n"),
            ("one 0123456789abcdef\n", "one\n  0123456789abcdef\n"),
            ("tên là Nguyễn An Bình", "tên là\n  Nguyễn An\n  Bình"),
            ("type yes to pay: ", "type yes to\n  pay: "),
            ("next: topup resume 2026-11\n\n", "next: topup resume 2026-11\n\n"),
        ] {
            assert_eq!(wrapped(text, 11), expected, "{text}");
        }
    }
}
