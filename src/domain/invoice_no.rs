//! Derives the number under which a payout is known to the gateway, the same on every machine and in every rerun.

use super::batch_name::BatchName;
use super::row_key::RowKey;
use aws_lc_rs::digest::{Context, SHA256};
use std::fmt;

/// The first field that is hashed: another derivation would be another version, never a silent change.
const VERSION: &str = "topup-invoice-1";
/// Crockford's alphabet: no `I`, `L`, `O`, `U`, so that a number read aloud or typed over stays itself.
const ALPHABET: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";
/// 20 characters of 5 bits: ten million payouts collide with a probability of 4e-17.
const HASH_CHARS: usize = 20;

/// An order number: prefix and 20 Crockford base32 characters, at most 23 (VinID top-up API, field `invoice_no`).
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct InvoiceNo(String);

impl InvoiceNo {
    /// The longest number that the gateway takes, in characters.
    pub const CHARS_MAX: usize = 23;
    /// What follows the prefix, in characters.
    pub const HASH_CHARS: usize = HASH_CHARS;

    /// Derives the number of one attempt (from 1) at one row of one batch of one merchant.
    #[must_use]
    pub fn derive(prefix: &InvoicePrefix, merchant_id: &str, batch: &BatchName, key: &RowKey, attempt: u32) -> Self {
        let mut hash = Context::new(&SHA256);
        for field in [VERSION, merchant_id, batch.as_str(), key.as_str(), &attempt.to_string()] {
            // The length in front keeps ("ab", "c") apart from ("a", "bc").
            hash.update(&(field.len() as u64).to_be_bytes());
            hash.update(field.as_bytes());
        }
        let mut number = prefix.0.clone();
        let digest = hash.finish();
        let (mut bits, mut count) = (0_u32, 0);
        let mut bytes = digest.as_ref().iter();
        for _ in 0..HASH_CHARS {
            if count < 5 {
                bits = (bits << 8) | u32::from(bytes.next().copied().unwrap_or(0));
                count += 8;
            }
            count -= 5;
            number.push(char::from(ALPHABET[((bits >> count) & 31) as usize]));
        }
        Self(number)
    }

    /// Reads a number back from the ledger, or from a person; `None` unless it is 1 to 23 of `A-Z 0-9`.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let fits = (1..=Self::CHARS_MAX).contains(&text.len())
            && text.bytes().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit());
        fits.then(|| Self(text.to_owned()))
    }

    /// Whether this program, under this prefix, could have derived it: the hash itself tells nothing more.
    #[must_use]
    pub fn is_of(&self, prefix: &InvoicePrefix) -> bool {
        self.0
            .strip_prefix(prefix.as_str())
            .is_some_and(|hash| hash.len() == HASH_CHARS && hash.bytes().all(|byte| ALPHABET.contains(&byte)))
    }

    /// The number as it is sent (VinID top-up API, field `invoice_no`).
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for InvoiceNo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// What every number of a merchant begins with, for ever: at most 3 of `A-Z 0-9`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InvoicePrefix(String);

impl InvoicePrefix {
    /// The longest prefix: 23 characters less the 20 of the hash.
    pub const CHARS_MAX: usize = InvoiceNo::CHARS_MAX - HASH_CHARS;

    /// Takes 0 to 3 of `A-Z 0-9`; `None` for anything else.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let fits = text.len() <= Self::CHARS_MAX && text.bytes().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit());
        fits.then(|| Self(text.to_owned()))
    }

    /// The prefix as the configuration has it, with which every number of this program begins.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}
