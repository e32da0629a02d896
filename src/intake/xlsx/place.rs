//! Reads the places of cells, `B2`, and areas, `A2:B3`.

/// `B2` as row and column, from 0.
pub(super) fn place(text: &str) -> Option<(u32, u32)> {
    let text = text.trim();
    let letters = text.bytes().take_while(u8::is_ascii_alphabetic).count();
    let (column, row) = text.split_at(letters);
    if !(1..=3).contains(&letters) || !row.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    let column = column.bytes().fold(0, |sum, b| sum * 26 + u32::from(b.to_ascii_uppercase() - b'A') + 1);
    Some((row.parse::<u32>().ok()?.checked_sub(1)?, column - 1))
}

/// `A2:B3` as top, left, bottom and right, from 0.
pub(super) fn area(text: &str) -> Option<(u32, u32, u32, u32)> {
    let plain = text.replace('$', "");
    let (from, to) = plain.split_once(':').unwrap_or((&plain, &plain));
    let ((top, left), (bottom, right)) = (place(from)?, place(to)?);
    Some((top.min(bottom), left.min(right), top.max(bottom), left.max(right)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cells_are_placed() {
        for (text, at) in [
            ("A1", Some((0, 0))),
            ("XFD1048576", Some((1_048_575, 16_383))),
            ("aa10", Some((9, 26))),
            ("A0", None),
            ("1", None),
            ("ABCD1", None),
            ("A", None),
            ("A1B", None),
            ("A99999999999", None),
        ] {
            assert_eq!(place(text), at, "{text}");
        }
    }

    #[test]
    fn areas_are_read_however_they_are_written() {
        assert_eq!(area("$A$2:B3"), Some((1, 0, 2, 1)));
        assert_eq!(area("B3:A2"), Some((1, 0, 2, 1)));
        assert_eq!(area("1:3"), None);
    }
}
