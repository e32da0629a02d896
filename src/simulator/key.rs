//! Reads and makes the RSA keys of the simulator: the public one it verifies with, a private one for a demo or a test.

use std::fmt;

use aws_lc_rs::encoding::{AsDer, Pkcs8V1Der};
use aws_lc_rs::rsa::KeySize;
use aws_lc_rs::signature::{KeyPair as _, ParsedPublicKey, RSA_PKCS1_2048_8192_SHA256, RsaKeyPair};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::error::SimulatorError;

const PRIVATE: &str = "BEGIN PRIVATE KEY or BEGIN RSA PRIVATE KEY";
const PUBLIC: &str = "BEGIN PUBLIC KEY or BEGIN RSA PUBLIC KEY";

/// The key that signatures are verified with.
#[derive(Clone)]
pub struct PublicKey(ParsedPublicKey);

impl PublicKey {
    /// Takes the public half of a private key: PKCS#8 or PKCS#1, as PEM.
    ///
    /// # Errors
    /// When the text holds no such key.
    pub fn from_private_key_pem(pem: &str) -> Result<Self, SimulatorError> {
        let (label, der) = pem_block(pem, PRIVATE)?;
        let pair = match label {
            "PRIVATE KEY" => RsaKeyPair::from_pkcs8(&der),
            "RSA PRIVATE KEY" => RsaKeyPair::from_der(&der),
            other => return Err(rejected(PRIVATE, format!("BEGIN {other}"))),
        };
        let pair = pair.map_err(|error| rejected(PRIVATE, format!("a key that was rejected: {error}")))?;
        Self::parse(pair.public_key().as_ref(), PRIVATE)
    }

    /// Takes a public key: X.509 or PKCS#1, as PEM.
    ///
    /// # Errors
    /// When the text holds no such key.
    pub fn from_public_key_pem(pem: &str) -> Result<Self, SimulatorError> {
        let (label, der) = pem_block(pem, PUBLIC)?;
        match label {
            "PUBLIC KEY" | "RSA PUBLIC KEY" => Self::parse(&der, PUBLIC),
            other => Err(rejected(PUBLIC, format!("BEGIN {other}"))),
        }
    }

    fn parse(der: &[u8], expected: &'static str) -> Result<Self, SimulatorError> {
        ParsedPublicKey::new(&RSA_PKCS1_2048_8192_SHA256, der)
            .map(Self)
            .map_err(|error| rejected(expected, format!("a key that was rejected: {error}")))
    }

    /// Whether the base64 text is this key's RSASSA-PKCS1-v1_5-SHA256 signature of the message.
    pub(super) fn verifies(&self, message: &[u8], signature: &[u8]) -> bool {
        STANDARD.decode(signature).is_ok_and(|bytes| self.0.verify_sig(message, &bytes).is_ok())
    }
}

impl fmt::Debug for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PublicKey(…)")
    }
}

/// Makes a fresh RSA private key of 2048 bits: PKCS#8, as PEM.
///
/// # Errors
/// When the machine's randomness fails.
pub fn generate_key_pem() -> Result<String, SimulatorError> {
    let pair = RsaKeyPair::generate(KeySize::Rsa2048).map_err(|_| SimulatorError::KeyGeneration)?;
    let der: Pkcs8V1Der<'_> = pair.as_der().map_err(|_| SimulatorError::KeyGeneration)?;
    let text = STANDARD.encode(der.as_ref());
    let lines = text.as_bytes().chunks(64).map(String::from_utf8_lossy).collect::<Vec<_>>();
    Ok(format!("-----BEGIN PRIVATE KEY-----\n{}\n-----END PRIVATE KEY-----\n", lines.join("\n")))
}

/// The label and the bytes of the first PEM block. What stands before it (`openssl` writes attributes there) is passed over.
fn pem_block<'a>(pem: &'a str, expected: &'static str) -> Result<(&'a str, Vec<u8>), SimulatorError> {
    let after = pem.split_once("-----BEGIN ").map(|(_, after)| after);
    let (label, rest) = after
        .and_then(|after| after.split_once("-----"))
        .ok_or_else(|| rejected(expected, "no pem block".to_owned()))?;
    let (text, _) = rest
        .split_once(&format!("-----END {label}-----"))
        .ok_or_else(|| rejected(expected, "a pem block without an end".to_owned()))?;
    let text = text.split_whitespace().collect::<String>();
    let der = STANDARD.decode(text).map_err(|_| rejected(expected, "a pem block that is not base64".to_owned()))?;
    Ok((label, der))
}

const fn rejected(expected: &'static str, found: String) -> SimulatorError {
    SimulatorError::Key { expected, found }
}

#[cfg(test)]
mod tests {
    use super::*;

    // Made once with openssl 3: `genrsa 2048`, `rsa -pubout`, `rsa -RSAPublicKey_out`, `dgst -sha256 -sign`.
    const OPENSSL_PUBLIC: &str = "\
-----BEGIN PUBLIC KEY-----\n\
MIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8AMIIBCgKCAQEAvhHF3PagOOBODDqgdVb1\n\
mC4taTePsOcREpBIv6yLZGXJlSj3je74p/yK1SVmPJ4sklCxNzBtD+P9ivAo5X+4\n\
vGu2zRFmmc6lxlkxtCZt1fwOtJRTn2/rdgGfnUyDmY+I1oZ55BaOD13Rve9Re594\n\
HKiPSJQBqIvvyoXwXRUg4RBKWeN068/nhtPsuJoqBpUZRgK8+u2TV2bj+JS6Ism9\n\
nMJtPfh8f83aQGSa5ZUFjBg8zBYb1Ns96T5gueWXLFe6aVnPcC69P3WszNjzo/z0\n\
ruzGp1i92hl7u6EkhXnudPPIGwQ7o4spQiuUR+AwpH1YkqUl46g67mKKU/CiiixQ\n\
7wIDAQAB\n\
-----END PUBLIC KEY-----\n\
";
    const OPENSSL_PUBLIC_PKCS1: &str = "\
-----BEGIN RSA PUBLIC KEY-----\n\
MIIBCgKCAQEAvhHF3PagOOBODDqgdVb1mC4taTePsOcREpBIv6yLZGXJlSj3je74\n\
p/yK1SVmPJ4sklCxNzBtD+P9ivAo5X+4vGu2zRFmmc6lxlkxtCZt1fwOtJRTn2/r\n\
dgGfnUyDmY+I1oZ55BaOD13Rve9Re594HKiPSJQBqIvvyoXwXRUg4RBKWeN068/n\n\
htPsuJoqBpUZRgK8+u2TV2bj+JS6Ism9nMJtPfh8f83aQGSa5ZUFjBg8zBYb1Ns9\n\
6T5gueWXLFe6aVnPcC69P3WszNjzo/z0ruzGp1i92hl7u6EkhXnudPPIGwQ7o4sp\n\
QiuUR+AwpH1YkqUl46g67mKKU/CiiixQ7wIDAQAB\n\
-----END RSA PUBLIC KEY-----\n\
";
    const OPENSSL_SIGNATURE: &[u8] =
        b"FjRVqo1RE3sHx89+Q90NPHuRnj7IkNFHxoxBBeFKaefCMFfkLhx5OLeACqrbAOtXneH1ie9EaWNmDflrVbNNsCPyWkADkcLRNggM\
    Th+hUVc8/LQHGv0Drx5QAd7MyjcfeUwpeDxf0PPvHD6U+u9QHjKx6ILbRJYyw5AR0n6wVZc+I6l24DEW7YR4xy4VLKpLuV0+vLAL\
    LfDTFT5Fm9kH5/VaDHYgeYbmOeGiGIvMPRFCka5ZgZjCWpB2aFTF9GBqc3KCouaCC5K5+mxeslfN462a/1yxi4xacOQdjP/+4A82\
    8DmZqAVRm0tFDRunD2cN07Q6PkMKPROitSVydhTNrQ==";
    const SIGNED: &[u8] = br#"/merchant-integration/v1/gateway;POST;n-1;1700000000;28f04867;{"invoice_no":"TP1"}"#;

    #[test]
    fn a_signature_by_openssl_verifies() {
        for pem in [OPENSSL_PUBLIC, OPENSSL_PUBLIC_PKCS1] {
            let key = PublicKey::from_public_key_pem(pem).unwrap();
            assert!(key.verifies(SIGNED, OPENSSL_SIGNATURE));
            assert!(!key.verifies(&SIGNED[1..], OPENSSL_SIGNATURE));
            assert!(!key.verifies(SIGNED, &OPENSSL_SIGNATURE[4..]));
            assert!(!key.verifies(SIGNED, b"not base64!"));
        }
    }

    #[test]
    fn both_kinds_of_private_key_give_their_public_half() {
        let pkcs8 = generate_key_pem().unwrap();
        let (_, der) = pem_block(&pkcs8, PRIVATE).unwrap();
        // An RSA key of 2048 bits in PKCS#8 is its PKCS#1 form behind a head of 26 bytes.
        let pkcs1 = STANDARD.encode(&der[26..]);
        let pkcs1 = format!("-----BEGIN RSA PRIVATE KEY-----\n{pkcs1}\n-----END RSA PRIVATE KEY-----\n");
        let pair = RsaKeyPair::from_pkcs8(&der).unwrap();
        let mut signature = vec![0; pair.public_modulus_len()];
        let random = aws_lc_rs::rand::SystemRandom::new();
        pair.sign(&aws_lc_rs::signature::RSA_PKCS1_SHA256, &random, SIGNED, &mut signature).unwrap();
        for pem in [pkcs8, pkcs1] {
            let key = PublicKey::from_private_key_pem(&pem).unwrap();
            assert!(key.verifies(SIGNED, STANDARD.encode(&signature).as_bytes()));
            assert!(!key.verifies(SIGNED, OPENSSL_SIGNATURE));
        }
    }

    #[test]
    fn what_is_no_key_is_refused_without_being_shown() {
        for (pem, expected) in [
            ("", "found no pem block"),
            ("-----BEGIN PRIVATE KEY-----\nAAAA\n", "found a pem block without an end"),
            ("-----BEGIN PRIVATE KEY-----\n?\n-----END PRIVATE KEY-----", "found a pem block that is not base64"),
            ("-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----", "found a key that was rejected"),
            (OPENSSL_PUBLIC, "found BEGIN PUBLIC KEY"),
        ] {
            let message = PublicKey::from_private_key_pem(pem).unwrap_err().to_string();
            assert!(message.contains(expected), "{message}");
            assert!(!message.contains("AAAA") && !message.contains("MIIB"), "{message}");
        }
        assert!(PublicKey::from_public_key_pem(&generate_key_pem().unwrap()).is_err());
    }
}
