//! Reads PEM text: the blocks between `-----BEGIN …-----` and `-----END …-----`, without judging what they hold.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

/// One block of a PEM text.
pub(super) struct Block {
    /// What the block says that it is, such as `RSA PRIVATE KEY`.
    pub(super) label: String,
    /// Whether a header says that the content is encrypted (RFC 1421, `Proc-Type: 4,ENCRYPTED`).
    pub(super) encrypted: bool,
    /// The content; `None` where it is not base64, or the block has no end.
    pub(super) content: Option<Vec<u8>>,
}

/// The blocks of a text in their order. Text around the blocks is passed over, as `openssl` does.
pub(super) fn blocks(text: &str) -> Vec<Block> {
    let mut blocks = Vec::new();
    let mut lines = text.lines().map(str::trim);
    while let Some(line) = lines.next() {
        let Some(label) = between(line, "-----BEGIN ", "-----") else { continue };
        let end = format!("-----END {label}-----");
        let (mut base64, mut encrypted, mut ended) = (String::new(), false, false);
        for line in lines.by_ref() {
            if line == end {
                ended = true;
                break;
            }
            // A header holds a colon, which base64 never does.
            if line.contains(':') {
                encrypted |= line.starts_with("Proc-Type:") && line.contains("ENCRYPTED");
            } else {
                base64.extend(line.split_whitespace());
            }
        }
        let content = if ended { STANDARD.decode(base64).ok() } else { None };
        blocks.push(Block { label: label.to_owned(), encrypted, content });
    }
    blocks
}

/// A text of one block, in lines of 64 characters.
pub(super) fn block(label: &str, content: &[u8]) -> String {
    let text = STANDARD.encode(content);
    let lines: Vec<_> = text.as_bytes().chunks(64).map(String::from_utf8_lossy).collect();
    format!("-----BEGIN {label}-----\n{}\n-----END {label}-----\n", lines.join("\n"))
}

/// A text whose lines were joined, as a variable or a form of a web page does it, with its line ends put back; `None` where it
/// holds nothing of the kind.
pub(super) fn parted(text: &str) -> Option<String> {
    let text = text.replace("\\r", "").replace("\\n", "\n");
    let (before, rest) = text.split_once("-----BEGIN ")?;
    let (label, rest) = rest.split_once("-----")?;
    let end = format!("-----END {label}-----");
    let (body, behind) = rest.split_once(&end)?;
    Some(format!("{before}\n-----BEGIN {label}-----\n{body}\n{end}\n{behind}"))
}

fn between<'a>(line: &'a str, start: &str, end: &str) -> Option<&'a str> {
    line.strip_prefix(start)?.strip_suffix(end).filter(|label| !label.contains("-----"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blocks_are_read_with_crlf_blanks_and_text_around_them() {
        let text = "Bag Attributes\r\n  -----BEGIN A B-----  \r\nAA==\r\n-----END A B-----\r\n\n-----BEGIN C-----\nnot base64!\n-----END C-----\n-----BEGIN D-----\nAA==\n";
        let found: Vec<_> = blocks(text).into_iter().map(|b| (b.label, b.content)).collect();
        assert_eq!(found, [("A B".to_owned(), Some(vec![0])), ("C".to_owned(), None), ("D".to_owned(), None)]);
    }

    #[test]
    fn an_encrypted_block_says_so() {
        let text = "-----BEGIN K-----\nProc-Type: 4,ENCRYPTED\nDEK-Info: AES-256-CBC,00\n\nAA==\n-----END K-----\n";
        assert!(blocks(text).iter().all(|block| block.encrypted));
        assert_eq!(blocks(text).len(), 1);
    }
}
