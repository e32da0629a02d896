//! Makes what proves a request to be ours: nonce, timestamp and signature (VinID developer documentation, "signature").

use super::key::PrivateKey;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;

/// 128 random bits: two of ten million nonces are equal with a probability of 1.5e-25.
const NONCE_BYTES: usize = 16;

/// What a signature is made over.
pub(super) struct Signable<'a> {
    pub(super) path: &'a str,
    pub(super) method: &'a str,
    pub(super) nonce: &'a str,
    pub(super) timestamp_s: u64,
    pub(super) key_code: &'a str,
    pub(super) body: &'a [u8],
}

impl Signable<'_> {
    /// `{path};{METHOD};{X-Nonce};{X-Timestamp};{X-Key-Code};{body}`, where the body is the very bytes that are sent.
    pub(super) fn raw(&self) -> Vec<u8> {
        let Self { path, method, nonce, timestamp_s, key_code, body } = self;
        let mut raw = format!("{path};{method};{nonce};{timestamp_s};{key_code};").into_bytes();
        raw.extend_from_slice(body);
        raw
    }
}

/// The header `X-Signature` over the bytes of [`Signable::raw`]; `None` only if the system's randomness failed.
pub(super) fn signature(key: &PrivateKey, raw: &[u8]) -> Option<String> {
    key.sign(raw).map(|signature| STANDARD.encode(signature))
}

/// A fresh header `X-Nonce`, 32 hexadecimal digits; `None` only if the system's randomness failed.
pub(super) fn fresh_nonce() -> Option<String> {
    let mut bytes = [0; NONCE_BYTES];
    aws_lc_rs::rand::fill(&mut bytes).ok()?;
    let mut nonce = String::with_capacity(2 * NONCE_BYTES);
    let digits = bytes.iter().flat_map(|byte| [byte >> 4, byte & 0xf]);
    nonce.extend(digits.filter_map(|digit| char::from_digit(u32::from(digit), 16)));
    Some(nonce)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_raw_text_is_laid_out_as_documented() {
        let signable = Signable {
            path: "/merchant-integration/v1/gateway",
            method: "POST",
            nonce: "0f",
            timestamp_s: 1_700_000_000,
            key_code: "28f04867-c6d5-425f-9108-0d90a0c0b09e",
            body: r#"{"invoice_no":"TP1","name":"Lê"}"#.as_bytes(),
        };
        let golden = concat!(
            "/merchant-integration/v1/gateway;POST;0f;1700000000;",
            r#"28f04867-c6d5-425f-9108-0d90a0c0b09e;{"invoice_no":"TP1","name":"Lê"}"#
        );
        assert_eq!(String::from_utf8(signable.raw()).unwrap(), golden);
    }

    #[test]
    fn nonces_are_hexadecimal_and_differ() {
        let nonces: std::collections::BTreeSet<_> = (0..1000).map(|_| fresh_nonce().unwrap()).collect();
        assert_eq!(nonces.len(), 1000);
        assert!(nonces.iter().all(|n| n.len() == 32 && n.bytes().all(|b| b.is_ascii_hexdigit())));
    }
}
