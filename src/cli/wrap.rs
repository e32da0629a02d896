//! Folds long lines at their blanks, so that no terminal cuts a word or a number in two.

use textwrap::{Options, WordSeparator, WordSplitter, WrapAlgorithm};
use unicode_width::UnicodeWidthStr;

/// How much deeper the rest of a folded line stands.
const DEEPER: &str = "  ";

/// The text in at most so many columns. A line that holds a command stays whole: it is copied, and a terminal that
/// cuts it gives it back in one piece.
pub(super) fn wrapped(text: &str, columns: usize) -> String {
    let mut result = String::with_capacity(text.len());
    for line in text.split_inclusive('\n') {
        let (line, end) = line.strip_suffix('\n').map_or((line, ""), |line| (line, "\n"));
        if line.width() <= columns || line.contains("topup ") || line.contains('\u{1b}') {
            result.push_str(line);
        } else {
            let indent = &line[..line.len() - line.trim_start_matches(' ').len()];
            let deeper = format!("{indent}{DEEPER}");
            let options = Options::new(columns)
                .initial_indent(indent)
                .subsequent_indent(&deeper)
                .break_words(false)
                .word_separator(WordSeparator::AsciiSpace)
                .word_splitter(WordSplitter::NoHyphenation)
                .wrap_algorithm(WrapAlgorithm::FirstFit);
            result.push_str(&textwrap::fill(&line[indent.len()..], options));
            // Behind a question there is a blank for the answer.
            result.push_str(&line[line.trim_end_matches(' ').len()..]);
        }
        result.push_str(end);
    }
    result
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
