//! The key that the hashes of purged members are made with: a file of its own beside the ledger, so that whoever gets
//! hold of the ledger alone cannot try all phone numbers against them.

use super::error::LedgerError;
use crate::domain::member::PURGED;
use crate::domain::sha256::hex;
use crate::private_file::NewFile;
use aws_lc_rs::hmac::{self, HMAC_SHA256};
use std::fmt;
use std::io::Write;
use std::path::{Path, PathBuf};

const KEY_BYTES: usize = 32;
/// Bytes of a hash that are kept: enough to tell all members apart, and half of what would have to be stored.
const HASH_BYTES: usize = 16;

/// The key of a ledger's purged batches.
pub struct PurgeKey(hmac::Key);

impl fmt::Debug for PurgeKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PurgeKey")
    }
}

impl PurgeKey {
    /// What stands in the ledger for a member's key or phone. The same text gives the same hash wherever it stood, so
    /// that a phone that names a member and one beside a card are still one.
    #[must_use]
    pub fn member(&self, text: &str) -> String {
        let hash = self.hash("member", text);
        // Whether it was a card, a user id or a phone says nothing of whose.
        match text.split_once(':') {
            Some((kind, _)) => hash.replacen(PURGED, &format!("{PURGED}{kind}:"), 1),
            None => hash,
        }
    }

    /// What stands in the ledger for a row key.
    pub(super) fn row_key(&self, text: &str) -> String {
        self.hash("row_key", text)
    }

    /// Tells another key from this one, and says nothing of it.
    pub(super) fn check(&self) -> [u8; 32] {
        self.tag("check", "")
    }

    fn hash(&self, kind: &str, text: &str) -> String {
        format!("{PURGED}{}", hex(&self.tag(kind, text)[..HASH_BYTES]))
    }

    fn tag(&self, kind: &str, text: &str) -> [u8; 32] {
        let mut context = hmac::Context::with_key(&self.0);
        // The zero keeps kind and text apart: no kind holds one.
        [kind.as_bytes(), &[0], text.as_bytes()].into_iter().for_each(|part| context.update(part));
        let mut tag = [0; 32];
        tag.copy_from_slice(context.sign().as_ref());
        tag
    }

    fn from_file_text(text: &str) -> Option<Self> {
        let digits = text.trim_end();
        let is_hex = digits.len() == 2 * KEY_BYTES && digits.bytes().all(|byte| byte.is_ascii_hexdigit());
        let byte = |at: usize| u8::from_str_radix(digits.get(at..at + 2)?, 16).ok();
        let bytes: Vec<u8> = (0..digits.len()).step_by(2).map_while(byte).collect();
        (is_hex && bytes.len() == KEY_BYTES).then(|| Self(hmac::Key::new(HMAC_SHA256, &bytes)))
    }
}

/// Beside the ledger itself, by whichever link it was named.
pub(super) fn path_beside(ledger: &Path) -> PathBuf {
    let mut name = ledger.canonicalize().unwrap_or_else(|_| ledger.to_owned()).into_os_string();
    name.push(".purge-key");
    PathBuf::from(name)
}

/// The key, if there is a file of it. One that cannot be what purged batches were hashed with, by the checks that their
/// purges left, is refused.
pub(super) fn read(checks: &[[u8; 32]], path: Option<&Path>) -> Result<Option<PurgeKey>, LedgerError> {
    let refuse = |found: &'static str| {
        let path = path.map_or_else(|| PathBuf::from("the purge key"), Path::to_owned);
        Err(LedgerError::PurgeKey { path, found })
    };
    let text = match path.map(std::fs::read_to_string) {
        None => None,
        Some(Ok(text)) => Some(text),
        Some(Err(error)) if error.kind() == std::io::ErrorKind::NotFound => None,
        Some(Err(_)) => return refuse("a file that cannot be read"),
    };
    let Some(text) = text else {
        return if checks.is_empty() { Ok(None) } else { refuse("no file") };
    };
    match PurgeKey::from_file_text(&text) {
        None => refuse("something else than 64 hexadecimal digits"),
        Some(key) if checks.iter().any(|check| *check != key.check()) => refuse("another key"),
        Some(key) => Ok(Some(key)),
    }
}

/// Makes a new key and its file, durable before anything is hashed with it: what is hashed under a lost key can never
/// be compared again.
pub(super) fn make(path: &Path) -> Result<PurgeKey, LedgerError> {
    let doing = || LedgerError::io(format!("making the purge key {}", path.display()));
    let mut bytes = [0; KEY_BYTES];
    aws_lc_rs::rand::fill(&mut bytes).map_err(|_| doing()(std::io::Error::other("the system gives no randomness")))?;
    // A file of this name is always whole. None was there a moment ago, and the ledger's lease keeps a second maker away.
    let mut file = NewFile::create(path).map_err(doing())?;
    writeln!(file, "{}", hex(&bytes)).and_then(|()| file.finish()).map_err(doing())?;
    Ok(PurgeKey(hmac::Key::new(HMAC_SHA256, &bytes)))
}
