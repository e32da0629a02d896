//! Recognises a private key that stands where none belongs, so that no message repeats it.

use std::fmt;

/// The variables that hold a key, and the passphrase of one.
pub const SECRETS: [&str; 2] = ["TOPUP_GATEWAY_PRIVATE_KEY_PEM", "TOPUP_GATEWAY_PRIVATE_KEY_PASSPHRASE"];

/// A text that is never shown.
#[derive(Clone)]
pub(super) struct Secret(pub(super) String);

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("(not shown)")
    }
}

/// From so many characters of base64 in a row on, a text may be a key without its head: a line of a PEM file has 64.
const BASE64_MIN: usize = 64;
/// From so many hexadecimal digits on: a hash has 64 to 128.
const HEX_MIN: usize = 200;

/// What kind of key a text holds, or looks as if it held; `None` for any other text.
pub(super) fn kind_of_key(text: &str) -> Option<&'static str> {
    let heads = [
        ("BEGIN RSA PRIVATE KEY", "an rsa private key"),
        ("BEGIN EC PRIVATE KEY", "an ec private key"),
        ("BEGIN DSA PRIVATE KEY", "a dsa private key"),
        ("BEGIN OPENSSH PRIVATE KEY", "an openssh private key"),
        ("BEGIN ENCRYPTED PRIVATE KEY", "an encrypted private key"),
        ("BEGIN PGP PRIVATE KEY", "a pgp private key"),
        ("PRIVATE KEY", "a private key"),
        ("PuTTY-User-Key-File", "a putty private key"),
        ("AGE-SECRET-KEY-", "an age private key"),
    ];
    let upper = text.to_ascii_uppercase();
    let named = heads.into_iter().find(|(head, _)| upper.contains(&head.to_ascii_uppercase()));
    if let Some((_, kind)) = named {
        return Some(kind);
    }
    if text.contains("\"kty\"") || text.contains("\"privateExponent\"") {
        return Some("a key in json form");
    }
    looks_encoded(text).then_some("what looks like a key without its first line")
}

/// Long base64 or hexadecimal, also where its lines were broken or joined.
fn looks_encoded(text: &str) -> bool {
    let compact: String = text.chars().filter(|c| !c.is_whitespace()).collect();
    let is_base64 = |c: char| c.is_ascii_alphanumeric() || matches!(c, '+' | '=');
    let has = |run: &str, test: fn(&char) -> bool| run.chars().any(|c| test(&c));
    let is_mixed = |run: &str| {
        has(run, char::is_ascii_uppercase) && has(run, char::is_ascii_lowercase) && has(run, char::is_ascii_digit)
    };
    let long_run = |run: &str| run.len() >= BASE64_MIN && is_mixed(run);
    let all = compact.chars().all(|c| is_base64(c) || c == '/');
    (all && long_run(&compact))
        || text.split(|c| !is_base64(c)).any(long_run)
        || compact.split(|c: char| !c.is_ascii_hexdigit()).any(|run| run.len() >= HEX_MIN)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::simulator::generate_key_pem;

    #[test]
    fn a_key_is_known_in_any_form_and_other_texts_are_none() {
        let pem = generate_key_pem().unwrap();
        let body: String = pem.lines().filter(|line| !line.starts_with('-')).collect();
        for (text, kind) in [
            (pem.clone(), "a private key"),
            (pem.replace('\n', " "), "a private key"),
            (pem.replace('\n', "\\n"), "a private key"),
            (pem.replace("PRIVATE", "RSA PRIVATE"), "an rsa private key"),
            (pem.replace("PRIVATE", "OPENSSH PRIVATE"), "an openssh private key"),
            (pem.replace("PRIVATE", "EC PRIVATE").to_lowercase(), "an ec private key"),
            ("PuTTY-User-Key-File-3: ssh-rsa".to_owned(), "a putty private key"),
            (r#"{"kty":"RSA","d":"x"}"#.to_owned(), "a key in json form"),
            (body.clone(), "what looks like a key without its first line"),
            (format!("key: {body}"), "what looks like a key without its first line"),
            (
                pem.lines().skip(1).take(5).collect::<Vec<_>>().join("\n"),
                "what looks like a key without its first line",
            ),
            ("30".repeat(600), "what looks like a key without its first line"),
        ] {
            assert_eq!(kind_of_key(&text), Some(kind), "{text}");
        }
        for text in [
            "",
            "merchant.pem",
            "28f04867-c6d5-425f-9108-0d90a0c0b09e",
            "https://api-merchant.vinid.net",
            "/home/Payments2026/SomeCompanyWithALongName/secrets/merchant-2026-11/merchant.pem",
            "a file whose name Has 64 characters and More, with blanks, and Digits 123456789",
            &"ab12".repeat(16),
        ] {
            assert_eq!(kind_of_key(text), None, "{text}");
        }
    }
}
