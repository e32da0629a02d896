//! Loads the merchant's private key and signs with it; says what a file is that holds no such key.

use super::error::GatewayError;
use super::pem::{self, Block};
use crate::domain::text::typed;
use aws_lc_rs::encoding::{AsDer as _, PublicKeyX509Der};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::KeyPair;
use aws_lc_rs::signature::{KeyPair as _, RSA_PKCS1_SHA256};
use std::fmt;
use std::fs::File;
use std::io::Read;
use std::path::Path;

/// The largest key file that is read, in bytes: a key of 8192 bits has about 6,400.
const FILE_BYTES_MAX: u64 = 64 * 1024;

/// The merchant's RSA key, 2048 to 8192 bits. `Debug` shows its size only.
pub struct PrivateKey(KeyPair);

impl PrivateKey {
    /// Loads a PEM file, PKCS#1 (`BEGIN RSA PRIVATE KEY`) or PKCS#8 (`BEGIN PRIVATE KEY`, or `BEGIN ENCRYPTED PRIVATE KEY` with
    /// its passphrase).
    ///
    /// On Unix a file that group or others may read is refused: whoever holds the key can credit points; only root's own file
    /// may be read by its group, as a secret is mounted for an account that is not root. Windows keeps no such bits, so
    /// there the file's access list is left to its owner.
    ///
    /// # Errors
    /// [`GatewayError::KeyUnreadable`], [`GatewayError::KeyExposed`] or [`GatewayError::KeyRefused`].
    pub fn load(path: &Path, passphrase: Option<&str>) -> Result<Self, GatewayError> {
        let bytes = read_secret(path, KEY)?;
        let what = path.display().to_string();
        if bytes.len() as u64 > FILE_BYTES_MAX {
            return Err(Refusal("a file of more than 64 KiB", HINT_FILE).of(&what));
        }
        match std::str::from_utf8(&bytes) {
            Ok(text) if !text.contains('\0') => parse(text, passphrase).map_err(|refusal| refusal.of(&what)),
            Ok(_) | Err(_) => Err(binary(&bytes).of(&what)),
        }
    }

    /// Reads the text of a PEM file; `what` holds it.
    ///
    /// # Errors
    /// [`GatewayError::KeyRefused`], which says what the text is instead.
    pub fn from_pem(text: &str, what: &str, passphrase: Option<&str>) -> Result<Self, GatewayError> {
        parse(text, passphrase).map_err(|refusal| refusal.of(what))
    }

    /// The size of the key in bits, rounded up to whole bytes.
    #[must_use]
    pub fn bits(&self) -> usize {
        self.0.public_modulus_len() * 8
    }

    /// The public half, X.509 in PEM form, as `openssl rsa -pubout` writes it; empty only if it cannot be encoded.
    #[must_use]
    pub fn public_pem(&self) -> String {
        let Ok(der): Result<PublicKeyX509Der<'_>, _> = self.0.public_key().as_der() else { return String::new() };
        pem::block("PUBLIC KEY", der.as_ref())
    }

    /// The signature of a text: RSASSA-PKCS1-v1_5 with SHA-256. `None` only if the system's randomness failed.
    pub(super) fn sign(&self, text: &[u8]) -> Option<Vec<u8>> {
        let mut signature = vec![0; self.0.public_modulus_len()];
        self.0.sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), text, &mut signature).ok()?;
        Some(signature)
    }
}

impl fmt::Debug for PrivateKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PrivateKey({} bits)", self.bits())
    }
}

/// What a text is that is no key for us, and what to do about it.
struct Refusal(&'static str, &'static str);

impl Refusal {
    fn of(self, what: &str) -> GatewayError {
        GatewayError::KeyRefused { what: what.to_owned(), found: self.0, hint: self.1 }
    }
}

const HINT_FILE: &str =
    "use the file whose first line is -----BEGIN RSA PRIVATE KEY----- or -----BEGIN PRIVATE KEY-----";
const HINT_RSA: &str = "make one with openssl genrsa -out merchant.pem 2048, and give its public key to the provider";
const HINT_AGAIN: &str = "copy the file again: it is damaged or cut";
/// What the file of a key holds, in messages.
const KEY: &str = "private key";
const HINT_DECRYPT: &str = "convert it: openssl pkcs8 -topk8 -v2 aes-256-cbc -in KEY -out merchant.pem, and give its passphrase; or \
                            decrypt it: openssl rsa -in KEY -out merchant.pem && chmod 600 merchant.pem";
const HINT_PASSPHRASE: &str = "give its passphrase: private_key_passphrase_file under [gateway], or the variable \
                               TOPUP_GATEWAY_PRIVATE_KEY_PASSPHRASE";
/// The object identifier of a PKCS#12 file's content (RFC 7292, section 4: `data` of PKCS#7), as DER.
const PKCS12_CONTENT: [u8; 11] = [0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x07, 0x01];

/// What a file is that is no text.
fn binary(bytes: &[u8]) -> Refusal {
    let is_utf16 = bytes.starts_with(&[0xff, 0xfe]) || bytes.starts_with(&[0xfe, 0xff]) || bytes.contains(&0);
    let head = &bytes[..bytes.len().min(64)];
    if bytes.first() == Some(&0x30) && head.windows(PKCS12_CONTENT.len()).any(|window| window == PKCS12_CONTENT) {
        let hint = "take the key out of it: openssl pkcs12 -in KEY -nocerts -nodes -out merchant.pem && chmod 600 merchant.pem";
        return Refusal("a pkcs#12 file (.p12, .pfx)", hint);
    }
    if bytes.first() != Some(&0x30) && is_utf16 {
        let hint = "save it as plain text: iconv -f utf-16 -t utf-8 KEY > merchant.pem && chmod 600 merchant.pem";
        return Refusal("a text in utf-16", hint);
    }
    Refusal(
        "a binary file",
        "convert a der key: openssl rsa -inform der -in KEY -out merchant.pem && chmod 600 merchant.pem",
    )
}

fn parse(text: &str, passphrase: Option<&str>) -> Result<PrivateKey, Refusal> {
    let text = text.trim_start_matches('\u{feff}');
    if text.trim().is_empty() {
        return Err(Refusal("nothing: it is empty", HINT_FILE));
    }
    let mut blocks = pem::blocks(text);
    if blocks.is_empty() {
        blocks = pem::parted(text).map(|text| pem::blocks(&text)).unwrap_or_default();
    }
    let mut keys = blocks.iter().filter(|block| block.label.ends_with("PRIVATE KEY"));
    match (keys.next(), keys.next()) {
        (Some(_), Some(_)) => Err(Refusal("more than one private key", "leave one key in the file")),
        (Some(block), None) => parse_block(block, passphrase),
        (None, _) => Err(no_private_key(&blocks)),
    }
}

/// Decrypts a PKCS#8 key (RFC 5958, `EncryptedPrivateKeyInfo`).
fn decrypted(der: &[u8], passphrase: Option<&str>) -> Result<PrivateKey, Refusal> {
    let Some(passphrase) = passphrase else {
        return Err(Refusal("an encrypted key, and no passphrase", HINT_PASSPHRASE));
    };
    let info = pkcs8::EncryptedPrivateKeyInfo::try_from(der).map_err(|_| Refusal("a damaged key", HINT_AGAIN))?;
    let wrong = |error: pkcs8::Error| {
        use pkcs8::pkcs5::Error;
        let pkcs8::Error::EncryptedPrivateKey(
            Error::UnsupportedAlgorithm { .. } | Error::AlgorithmParametersInvalid { .. } | Error::NoPbes1CryptSupport,
        ) = error
        else {
            return Refusal("an encrypted key that its passphrase does not open", HINT_PASSPHRASE);
        };
        Refusal("a key whose encryption is not known here", HINT_DECRYPT)
    };
    let plain = info.decrypt(passphrase).map_err(wrong)?;
    KeyPair::from_pkcs8(plain.as_bytes()).map(PrivateKey).map_err(|rejected| unusable(&rejected.to_string()))
}

/// The library tells its refusals apart by a word alone; a word that is new is as good as damage.
fn unusable(word: &str) -> Refusal {
    match word {
        "TooSmall" => Refusal("an rsa key of fewer than 2048 bits", HINT_RSA),
        "TooLarge" => Refusal("an rsa key of more than 8192 bits", HINT_RSA),
        "WrongAlgorithm" => Refusal("a key that is not rsa, such as an ec key", HINT_RSA),
        _ => Refusal("a damaged key", HINT_AGAIN),
    }
}

fn parse_block(block: &Block, passphrase: Option<&str>) -> Result<PrivateKey, Refusal> {
    if block.encrypted {
        return Err(Refusal("an encrypted key of the old kind", HINT_DECRYPT));
    }
    if block.label == "ENCRYPTED PRIVATE KEY" {
        let Some(der) = &block.content else { return Err(Refusal("a damaged key", HINT_AGAIN)) };
        return decrypted(der, passphrase);
    }
    let is_pkcs1 = match block.label.as_str() {
        "RSA PRIVATE KEY" => true,
        "PRIVATE KEY" => false,
        "EC PRIVATE KEY" => return Err(Refusal("an ec key", HINT_RSA)),
        "OPENSSH PRIVATE KEY" => return Err(Refusal("an openssh key", HINT_RSA)),
        _ => return Err(Refusal("a private key of another kind", HINT_RSA)),
    };
    let Some(der) = &block.content else { return Err(Refusal("a damaged key", HINT_AGAIN)) };
    let pair = if is_pkcs1 { KeyPair::from_der(der) } else { KeyPair::from_pkcs8(der) };
    pair.map(PrivateKey).map_err(|rejected| unusable(&rejected.to_string()))
}

/// Names what a text without a private key is.
fn no_private_key(blocks: &[Block]) -> Refusal {
    let Some(first) = blocks.first() else { return Refusal("no pem block", HINT_FILE) };
    let found = match first.label.as_str() {
        "CERTIFICATE" | "X509 CERTIFICATE" | "TRUSTED CERTIFICATE" => "a certificate",
        "CERTIFICATE REQUEST" | "NEW CERTIFICATE REQUEST" => "a certificate request",
        label if label.ends_with("PUBLIC KEY") => "a public key",
        _ => "a pem block of another kind",
    };
    Refusal(found, HINT_FILE)
}

/// Reads a file that nobody else may read, a little more than its limit at the most; `secret`: what it holds.
fn read_secret(path: &Path, secret: &'static str) -> Result<Vec<u8>, GatewayError> {
    let unreadable = |source: std::io::Error| {
        let hint = match (source.kind(), secret == KEY) {
            (std::io::ErrorKind::NotFound, true) => {
                "correct private_key under [gateway]; a relative path starts at the configuration file's folder"
            }
            (std::io::ErrorKind::NotFound, false) => {
                "correct private_key_passphrase_file under [gateway]; a relative path starts at the configuration file's folder"
            }
            (std::io::ErrorKind::PermissionDenied, _) => "let the user that runs topup own the file",
            (_, true) => "name the file that holds the key as private_key under [gateway]",
            (_, false) => "name the file that holds the passphrase as private_key_passphrase_file under [gateway]",
        };
        GatewayError::KeyUnreadable { secret, path: path.to_owned(), source, hint }
    };
    let mut file = File::open(path).map_err(unreadable)?;
    // The open file is asked, not the path, so that nobody can put another file there in between.
    let metadata = file.metadata().map_err(unreadable)?;
    if metadata.is_dir() {
        return Err(unreadable(std::io::ErrorKind::IsADirectory.into()));
    }
    refuse_exposed(path, &metadata, secret)?;
    let mut bytes = Vec::new();
    file.by_ref().take(FILE_BYTES_MAX + 1).read_to_end(&mut bytes).map_err(unreadable)?;
    Ok(bytes)
}

/// Reads the passphrase of a key: the first line of a file that nobody else may read, as of the key itself.
///
/// # Errors
/// [`GatewayError::KeyUnreadable`] or [`GatewayError::KeyExposed`].
pub fn read_passphrase(path: &Path) -> Result<String, GatewayError> {
    let bytes = read_secret(path, "passphrase file")?;
    Ok(String::from_utf8_lossy(&bytes).lines().next().unwrap_or_default().to_owned())
}

#[cfg(unix)]
fn refuse_exposed(path: &Path, metadata: &std::fs::Metadata, secret: &'static str) -> Result<(), GatewayError> {
    use std::os::unix::fs::{MetadataExt, PermissionsExt};
    let mode = metadata.permissions().mode() & 0o777;
    // Root decides which group gets a file of its own; nobody else could have put themselves in it.
    if mode & 0o077 == 0 || (metadata.uid() == 0 && mode == 0o440) {
        return Ok(());
    }
    // A name that begins like a flag is none behind its folder.
    let flag = if path.to_string_lossy().starts_with('-') { "./" } else { "" };
    Err(GatewayError::KeyExposed {
        secret,
        path: path.to_owned(),
        mode,
        quoted: typed(&format!("{flag}{}", path.display())),
    })
}

#[cfg(not(unix))]
fn refuse_exposed(_path: &Path, _metadata: &std::fs::Metadata, _secret: &'static str) -> Result<(), GatewayError> {
    Ok(())
}
