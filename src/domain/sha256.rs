//! A SHA-256: what seals and chains are compared by, and how it is spelt.

use aws_lc_rs::digest::{self, Context};
use std::fmt;

/// A SHA-256, spelt as 64 hexadecimal digits in lower case and read in either case.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Sha256([u8; 32]);

impl Sha256 {
    /// What stands where nothing was hashed yet: before a chain's first event, and for a plan that was taken back.
    pub const NONE: Self = Self([0; 32]);

    /// These bytes, which somebody hashed before.
    #[must_use]
    pub const fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// The hash of some bytes.
    #[must_use]
    pub fn of(bytes: &[u8]) -> Self {
        Self::taken(&digest::digest(&digest::SHA256, bytes))
    }

    /// The hash that a text spells; `None` for anything else than 64 hexadecimal digits.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let mut hash = [0; 32];
        if text.len() != 2 * hash.len() || !text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return None;
        }
        for (byte, digits) in hash.iter_mut().zip(text.as_bytes().chunks(2)) {
            *byte = u8::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()?;
        }
        Some(Self(hash))
    }

    /// Its bytes.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    fn taken(digest: &digest::Digest) -> Self {
        let mut hash = [0; 32];
        hash.copy_from_slice(digest.as_ref());
        Self(hash)
    }
}

impl fmt::Display for Sha256 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex(&self.0))
    }
}

impl fmt::Debug for Sha256 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// A hash while it is made, of pieces that are too many to be put together first.
pub struct Hasher(Context);

impl Hasher {
    /// Of nothing yet.
    #[must_use]
    pub fn new() -> Self {
        Self(Context::new(&digest::SHA256))
    }

    /// Takes in a piece.
    pub fn update(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
    }

    /// The hash of all pieces in their order.
    #[must_use]
    pub fn finish(self) -> Sha256 {
        Sha256::taken(&self.0.finish())
    }
}

impl Default for Hasher {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for Hasher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Hasher")
    }
}

/// Bytes as hexadecimal digits in lower case, two a byte.
#[must_use]
pub fn hex(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    bytes.iter().flat_map(|byte| [byte >> 4, byte & 15]).map(|digit| char::from(DIGITS[usize::from(digit)])).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// FIPS 180-2, appendix B.1.
    const OF_ABC: &str = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";

    #[test]
    fn a_hash_is_spelt_and_read_back() {
        let hash = Sha256::of(b"abc");
        assert_eq!(hash.to_string(), OF_ABC);
        assert_eq!(Sha256::parse(&OF_ABC.to_uppercase()), Some(hash));
        let mut hasher = Hasher::new();
        [b"a".as_slice(), b"bc"].into_iter().for_each(|piece| hasher.update(piece));
        assert_eq!(hasher.finish(), hash);
        for text in
            ["", &OF_ABC[1..], &format!("{OF_ABC}0"), &OF_ABC.replace('b', "g"), &OF_ABC.replacen("ba", "+a", 1)]
        {
            assert_eq!(Sha256::parse(text), None, "{text}");
        }
    }
}
