//! Words cells and rows for messages.

use crate::domain::text::grouped;
use std::borrow::Cow;

/// The most characters of a cell that a message shows.
const SHOWN_MAX: usize = 40;

/// A cell as a message shows it: on one line, without control characters, at most 40 characters.
pub(crate) fn shortened(text: &str) -> Cow<'_, str> {
    let plain = !text.chars().any(char::is_control);
    if plain && (text.len() <= SHOWN_MAX || text.chars().count() <= SHOWN_MAX) {
        return Cow::Borrowed(text);
    }
    let mut chars = text.chars();
    let mut shown: String = chars
        .by_ref()
        .take(SHOWN_MAX - 1)
        .map(|c| match c {
            '\n' | '\r' => '⏎',
            '\t' => '⇥',
            c if c.is_control() => '␀',
            c => c,
        })
        .collect();
    if let Some(last) = chars.next() {
        let one_more = chars.next().is_none() && !last.is_control();
        shown.push(if one_more { last } else { '…' });
    }
    Cow::Owned(shown)
}

/// `row 3`, `rows 1 and 2`, `rows 1 to 5`, `rows 1, 4 and 7 to 9`.
pub(crate) fn rows_named(rows: &[u64]) -> String {
    /// Ranges that a message names; the rest is counted.
    const SHOWN: usize = 8;
    let mut ranges: Vec<(u64, u64)> = Vec::new();
    for row in rows {
        match ranges.last_mut() {
            Some((_, last)) if *last + 1 == *row => *last = *row,
            Some(_) | None => ranges.push((*row, *row)),
        }
    }
    let word = if rows.len() == 1 { "row" } else { "rows" };
    let mut named: Vec<String> = Vec::new();
    for (first, last) in ranges.iter().take(SHOWN) {
        match last - first {
            0 => named.push(first.to_string()),
            1 => named.extend([first.to_string(), last.to_string()]),
            _ => named.push(format!("{first} to {last}")),
        }
    }
    if ranges.len() > SHOWN {
        let left: u64 = ranges[SHOWN..].iter().map(|(first, last)| last - first + 1).sum();
        named.push(format!("{} more", grouped(left)));
    }
    match named.as_slice() {
        [.., _, last] => format!("{word} {} and {last}", named[..named.len() - 1].join(", ")),
        [only] => format!("{word} {only}"),
        [] => "no row".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cell_is_shown_on_one_line_and_short() {
        assert_eq!(shortened("0901234567"), "0901234567");
        assert_eq!(shortened("090\n091"), "090⏎091");
        assert_eq!(shortened("a\0b"), "a␀b");
        let forty = "đ".repeat(40);
        assert_eq!(shortened(&forty), forty);
        let long = shortened(&"đ".repeat(41)).into_owned();
        assert_eq!(long.chars().count(), 40);
        assert!(long.ends_with('…'));
        assert_eq!(shortened(&format!("\n{}", "x".repeat(39))).chars().count(), 40);
    }

    #[test]
    fn rows_are_named_as_ranges() {
        for (rows, expected) in [
            (vec![3], "row 3"),
            (vec![1, 2], "rows 1 and 2"),
            (vec![1, 2, 3, 4], "rows 1 to 4"),
            (vec![1, 4, 7, 8, 9], "rows 1, 4 and 7 to 9"),
            ((0..20).map(|n| n * 2).collect(), "rows 0, 2, 4, 6, 8, 10, 12, 14 and 12 more"),
        ] {
            assert_eq!(rows_named(&rows), expected);
        }
    }
}
