//! Writes HTML: text is escaped wherever it comes from, and tables turn into cards on a phone.

use std::fmt::Write;

/// The text with everything that means something to HTML written out.
pub(super) fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            '\u{0}'..='\u{8}' | '\u{b}' | '\u{c}' | '\u{e}'..='\u{1f}' | '\u{7f}' => {
                out.push(char::REPLACEMENT_CHARACTER)
            }
            c => out.push(c),
        }
    }
    out
}

/// A table; cells are HTML already.
pub(super) fn table(headers: &[&str], rows: impl Iterator<Item = Vec<String>>) -> String {
    let mut out = String::from("<table><thead><tr>");
    for header in headers {
        // Writing to a string cannot fail.
        let _ = write!(out, "<th scope=\"col\">{}</th>", escaped(header));
    }
    out.push_str("</tr></thead><tbody>");
    for cells in rows {
        out.push_str("<tr>");
        for (header, cell) in headers.iter().zip(cells) {
            let _ = write!(out, "<td data-label=\"{}\">{cell}</td>", escaped(header));
        }
        out.push_str("</tr>\n");
    }
    out.push_str("</tbody></table>");
    out
}

/// Text of the user's or the gateway's: escaped, and kept from turning the text around it.
pub(super) fn foreign(text: &str) -> String {
    if text.is_empty() { String::new() } else { format!("<bdi>{}</bdi>", escaped(text)) }
}

/// The look: no font, no picture from anywhere else.
pub(super) const STYLE: &str = include_str!("page.css");

/// The search: the page's only script. It reads the tables that are there, and writes no markup.
pub(super) const SCRIPT: &str = include_str!("page.js");

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_foreign_becomes_markup() {
        assert_eq!(escaped("<b a='1'>&\"\u{0}"), "&lt;b a=&#39;1&#39;&gt;&amp;&quot;\u{fffd}");
        assert_eq!(foreign("<script>"), "<bdi>&lt;script&gt;</bdi>");
    }
}
