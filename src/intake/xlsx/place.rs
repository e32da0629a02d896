//! Reads the places of cells, `B2`, and areas, `A2:B3`.

/// `B2` as row and column, from 0.
pub(super) fn place(text: &str) -> Option<(u32, u32)> {
    bare_place(text).or_else(|| bare_place(text.trim()))
}

fn bare_place(text: &str) -> Option<(u32, u32)> {
    let (mut column, mut letters, mut row, mut has_row) = (0, 0, 0_u32, false);
    for byte in text.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' if letters < 3 && !has_row => {
                letters += 1;
                column = column * 26 + u32::from(byte.to_ascii_uppercase() - b'A') + 1;
            }
            b'0'..=b'9' if letters > 0 => {
                has_row = true;
                row = row.checked_mul(10)?.checked_add(u32::from(byte - b'0'))?;
            }
            _ => return None,
        }
    }
    Some((row.checked_sub(1)?, column - 1))
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
            (" B2 ", Some((1, 1))),
            ("A0", None),
            ("A0B1", None),
            ("A01", Some((0, 0))),
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
