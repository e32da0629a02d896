//! Compares two people's names as a person would: without case, diacritics, word order and extra spaces.

use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::is_combining_mark;

/// Lower case without diacritics; `đ` becomes `d`, which Unicode does not decompose, and so do the two letters that look
/// like it and are typed for it: `Ð` (U+00D0, Icelandic) and `Ɖ` (U+0189).
#[must_use]
pub fn normalize(text: &str) -> String {
    if text.is_ascii() {
        return text.to_ascii_lowercase();
    }
    text.nfd()
        .filter(|c| !is_combining_mark(*c))
        .flat_map(char::to_lowercase)
        .map(|c| if matches!(c, 'đ' | 'ð' | 'ɖ') { 'd' } else { c })
        .collect()
}

/// Whether two names are the same words, in whatever order and case, with or without diacritics.
///
/// An empty name is the same as no name: not even another empty one, since it proves nothing.
#[must_use]
pub fn same_name(a: &str, b: &str) -> bool {
    let (a, b) = (words(a), words(b));
    !a.is_empty() && a == b
}

/// Whether there is nothing in a name that could be compared.
#[must_use]
pub fn is_no_name(name: &str) -> bool {
    !name.contains(char::is_alphanumeric)
}

fn words(name: &str) -> Vec<String> {
    let mut words: Vec<String> = normalize(name)
        .split(|c: char| !c.is_alphanumeric())
        .filter(|word| !word.is_empty())
        .map(str::to_owned)
        .collect();
    words.sort_unstable();
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_compared_as_a_person_would() {
        for (a, b, same) in [
            ("Nguyễn Văn An", "NGUYEN VAN AN", true),
            ("Nguyễn Văn An", "An Nguyễn  Văn", true),
            ("Đỗ Thị Hà", "do thi ha", true),
            ("\u{d0}ỗ Thị Hà", "\u{110}ỗ Thị Hà", true),
            ("Nguyễn Văn An", "Nguyễn Văn Anh", false),
            ("Nguyễn Văn An", "Nguyễn Văn", false),
            ("Nguyễn An An", "Nguyễn An", false),
            ("", "", false),
            ("An", "", false),
        ] {
            assert_eq!(same_name(a, b), same, "{a} / {b}");
        }
    }
}
