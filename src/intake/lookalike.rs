//! Tells references apart as a person does: by how they look.
//!
//! Two texts look alike if their skeletons are the same (Unicode Technical Standard 39, by the tables of
//! `unicode-security`, which rustc keeps), after blanks are one blank and dashes one dash, which the standard leaves apart.

use std::hash::{DefaultHasher, Hasher};
use unicode_security::confusable_detection::skeleton;

/// How a text looks, as something to compare: two texts of one look are the same here.
pub(crate) fn appearance(text: &str) -> String {
    let mut looks = String::with_capacity(text.len());
    each(text, |c| looks.push(c));
    looks
}

/// Bytes that go into a hash in one piece: as many as a reference may have characters.
const HASHED_AT_ONCE: usize = 128;

/// How each byte looks that is one letter, digit or mark whatever stands beside it; zero for all others.
const ALONE: [u8; 256] = {
    let (mut looks, mut byte) = ([0; 256], b'!');
    while byte <= b'~' {
        looks[byte as usize] = match byte {
            b'r' => 0,
            b'0' => b'O',
            b'1' | b'I' | b'|' => b'l',
            byte => byte,
        };
        byte += 1;
    }
    looks
};

/// A fingerprint of [`appearance`], without writing it down.
pub(crate) fn appearance_hash(text: &str) -> u64 {
    let mut hasher = DefaultHasher::new();
    // In pieces as large as a reference: the hasher is slow with single characters.
    let (mut looks, mut len) = ([0; HASHED_AT_ONCE], 0);
    // Nearly every reference is of letters and digits that look like nothing but themselves, or one other.
    if text.len() <= looks.len() && text.bytes().all(|byte| ALONE[usize::from(byte)] != 0) {
        for (looks, byte) in looks.iter_mut().zip(text.bytes()) {
            *looks = ALONE[usize::from(byte)];
        }
        hasher.write(&looks[..text.len()]);
        return hasher.finish();
    }
    each(text, |c| {
        if len + c.len_utf8() > looks.len() {
            hasher.write(&looks[..len]);
            len = 0;
        }
        len += c.encode_utf8(&mut looks[len..]).len();
    });
    hasher.write(&looks[..len]);
    hasher.finish()
}

fn each(text: &str, mut put: impl FnMut(char)) {
    let mut before = None;
    let mut put_folded = |c: char| {
        let c = folded(c);
        match (before.replace(c), c) {
            // Any number of blanks is one.
            (Some(' '), ' ') => {}
            // «rn» reads as «m».
            (Some('r'), 'n') => {
                before = None;
                put('m');
            }
            (Some('r'), 'r') => put('r'),
            (_, 'r') => {}
            (Some('r'), c) => {
                put('r');
                put(c);
            }
            (_, c) => put(c),
        }
    };
    if text.is_ascii() {
        text.chars().for_each(&mut put_folded);
    } else {
        let alike: String = text.chars().map(plain).collect();
        skeleton(&alike).for_each(&mut put_folded);
    }
    if before == Some('r') {
        put('r');
    }
}

/// Every blank as one, every dash as one.
fn plain(c: char) -> char {
    match c {
        c if c.is_whitespace() => ' ',
        '\u{2010}'..='\u{2015}' | '\u{2212}' | '\u{FE58}' | '\u{FE63}' | '\u{FF0D}' | '\u{30FC}' => '-',
        c => c,
    }
}

/// The same of what is left in ASCII, so that a text of plain letters needs no tables.
fn folded(c: char) -> char {
    match c {
        '\t' | '\n' | '\r' => ' ',
        '\u{2010}' => '-',
        '0' => 'O',
        '1' | 'I' | '|' => 'l',
        c => c,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_looks_alike_is_alike() {
        for (one, other) in [
            ("R1", "R1\u{200b}"),
            ("R1", "R\u{ad}1"),
            ("R1", "\u{feff}R1"),
            ("R 1", "R\u{a0}1"),
            ("R 1", "R  1"),
            ("R 1", "R\u{2003}1"),
            ("A-1", "A–1"),
            ("A-1", "A\u{2011}1"),
            ("A-1", "A−1"),
            ("A-1", "A—1"),
            ("A1", "\u{410}1"),
            ("PO7", "P\u{41e}7"),
            ("PO7", "P07"),
            ("KH-I", "KH-1"),
            ("BETA", "\u{392}ETA"),
            ("A1", "Ａ１"),
            ("Hồ", "Ho\u{302}\u{300}"),
            ("mr", "rnr"),
            ("rrn", "rm"),
        ] {
            assert_eq!(
                (appearance(one), appearance_hash(one)),
                (appearance(other), appearance_hash(other)),
                "{one:?} {other:?}"
            );
        }
        // The short way of a plain reference and the long one agree.
        for text in ["T11-0000001", "KH_I|l10", "Order 7", "a\u{a0}b", &"x".repeat(128), &"0".repeat(129)] {
            let mut hasher = DefaultHasher::new();
            let looks = appearance(text);
            looks.as_bytes().chunks(HASHED_AT_ONCE).for_each(|piece| hasher.write(piece));
            assert_eq!(appearance_hash(text), hasher.finish(), "{text:?}");
        }
        for (one, other) in [("a", "A"), ("R1", "R2"), ("R1", "R-1"), ("An", "Ân"), ("đ", "d"), ("r", "n"), ("m", "n")]
        {
            assert_ne!(appearance(one), appearance(other), "{one} {other}");
        }
    }

    #[test]
    fn plain_letters_look_as_the_tables_say() {
        for one in ' '..='~' {
            let by_tables: String = {
                let mut looks = String::new();
                each(&format!("{one}\u{e9}"), |c| looks.push(c));
                looks
            };
            let without = format!("{}{}", appearance(&one.to_string()), appearance("\u{e9}"));
            let differs = matches!(one, '"' | '`' | '%' | '*' | 'm');
            assert!(differs || by_tables == without, "{one}: {by_tables} {without}");
        }
    }
}
