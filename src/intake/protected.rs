//! Decrypts an XLSX that has no password and is encrypted all the same: one that is protected against changes, which Excel
//! opens without asking, as every program knows what it is encrypted with (MS-OFFCRYPTO 2.3.4.10 to 2.3.4.15).

use super::xml::attribute;
use aws_lc_rs::cipher::{AES_128, AES_192, AES_256, DecryptingKey, DecryptionContext, UnboundCipherKey};
use aws_lc_rs::digest::{self, SHA1_FOR_LEGACY_USE_ONLY, SHA256, SHA384, SHA512};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use quick_xml::Reader;
use quick_xml::events::{BytesStart, Event};

/// What such a workbook is encrypted with.
const PASSWORD: &str = "VelvetSweatshop";
/// The most rounds of hashing that a file may ask for; Excel asks for 100,000.
const ROUNDS_MAX: u32 = 1_000_000;
/// The bytes of a package that are decrypted at a time.
const SEGMENT: usize = 4096;
const BLOCK: usize = 16;
/// What the description begins with: version 4.4, and the mark of this way of encryption.
const AGILE: [u8; 8] = [4, 0, 4, 0, 0x40, 0, 0, 0];

/// What each key is for.
const FOR_VERIFIER: [u8; 8] = [0xFE, 0xA7, 0xD2, 0x76, 0x3B, 0x4B, 0x9E, 0x79];
const FOR_ITS_HASH: [u8; 8] = [0xD7, 0xAA, 0x0F, 0x6D, 0x30, 0x61, 0x34, 0x4E];
const FOR_KEY: [u8; 8] = [0x14, 0x6E, 0x0B, 0xE7, 0xAB, 0xAC, 0xD0, 0xD6];

/// How one thing is encrypted.
struct Cipher {
    hash: &'static digest::Algorithm,
    key_bytes: usize,
    salt: Vec<u8>,
}

impl Cipher {
    fn of(element: &BytesStart<'_>) -> Option<Self> {
        let hash = match text(element, "hashAlgorithm")?.as_str() {
            "SHA1" | "SHA-1" => &SHA1_FOR_LEGACY_USE_ONLY,
            "SHA256" | "SHA-256" => &SHA256,
            "SHA384" | "SHA-384" => &SHA384,
            "SHA512" | "SHA-512" => &SHA512,
            _ => return None,
        };
        let is_known =
            text(element, "cipherAlgorithm")? == "AES" && text(element, "cipherChaining")? == "ChainingModeCBC";
        let key_bytes = text(element, "keyBits")?.parse::<usize>().ok()? / 8;
        is_known.then_some(Self { hash, key_bytes, salt: bytes(element, "saltValue")? })
    }

    fn hash(&self, parts: &[&[u8]]) -> Vec<u8> {
        let mut context = digest::Context::new(self.hash);
        parts.iter().for_each(|part| context.update(part));
        context.finish().as_ref().to_vec()
    }

    /// Decrypts with a key of the right length, a shorter one filled up.
    fn decrypt(&self, key: &[u8], iv: &[u8], mut data: Vec<u8>) -> Option<Vec<u8>> {
        let algorithm = match self.key_bytes {
            16 => &AES_128,
            24 => &AES_192,
            32 => &AES_256,
            _ => return None,
        };
        let filled = |bytes: &[u8], length: usize| -> Vec<u8> {
            bytes.iter().copied().chain(std::iter::repeat(0x36)).take(length).collect()
        };
        let key = UnboundCipherKey::new(algorithm, &filled(key, self.key_bytes)).ok()?;
        let iv: [u8; BLOCK] = filled(iv, BLOCK).try_into().ok()?;
        data.truncate(data.len() / BLOCK * BLOCK);
        DecryptingKey::cbc(key).ok()?.decrypt(&mut data, DecryptionContext::Iv128(iv.into())).ok()?;
        Some(data)
    }
}

fn text(element: &BytesStart<'_>, name: &str) -> Option<String> {
    attribute(element, name).ok()?
}

fn bytes(element: &BytesStart<'_>, name: &str) -> Option<Vec<u8>> {
    STANDARD.decode(text(element, name)?.trim()).ok()
}

/// The key that a password unlocks.
struct Lock {
    cipher: Cipher,
    rounds: u32,
    verifier: Vec<u8>,
    verifier_hash: Vec<u8>,
    key: Vec<u8>,
}

impl Lock {
    fn of(element: &BytesStart<'_>) -> Option<Self> {
        let rounds = text(element, "spinCount")?.parse().ok().filter(|rounds| *rounds <= ROUNDS_MAX)?;
        Some(Self {
            cipher: Cipher::of(element)?,
            rounds,
            verifier: bytes(element, "encryptedVerifierHashInput")?,
            verifier_hash: bytes(element, "encryptedVerifierHashValue")?,
            key: bytes(element, "encryptedKeyValue")?,
        })
    }

    /// The key of the package, if the password is the right one.
    fn opened(&self) -> Option<Vec<u8>> {
        let cipher = &self.cipher;
        let password: Vec<u8> = PASSWORD.encode_utf16().flat_map(u16::to_le_bytes).collect();
        // The round and the hash before it lie side by side in one place, as this is done a hundred thousand times.
        let mut input = [vec![0; 4], cipher.hash(&[&cipher.salt, &password])].concat();
        for round in 0..self.rounds {
            input[..4].copy_from_slice(&round.to_le_bytes());
            let hash = digest::digest(cipher.hash, &input);
            input[4..].copy_from_slice(hash.as_ref());
        }
        let hash = &input[4..];
        let decrypted = |purpose: &[u8; 8], data: &[u8]| {
            cipher.decrypt(&cipher.hash(&[hash, purpose]), &cipher.salt, data.to_vec())
        };
        let verifier = decrypted(&FOR_VERIFIER, &self.verifier)?;
        let its_hash = decrypted(&FOR_ITS_HASH, &self.verifier_hash)?;
        let expected = cipher.hash(&[verifier.get(..cipher.salt.len())?]);
        if its_hash.get(..expected.len())? != expected.as_slice() {
            return None;
        }
        let mut key = decrypted(&FOR_KEY, &self.key)?;
        key.truncate(cipher.key_bytes);
        Some(key)
    }
}

/// The package of a workbook without a password of its own; nothing where it has one, or is encrypted in another way.
pub(crate) fn decrypted(description: &[u8], package: &[u8]) -> Option<Vec<u8>> {
    let (cipher, lock) = described(description.strip_prefix(&AGILE)?)?;
    let key = lock.opened()?;
    let (length, encrypted) = package.split_first_chunk::<8>()?;
    let length = usize::try_from(u64::from_le_bytes(*length)).ok().filter(|length| *length <= encrypted.len())?;
    let mut opened = Vec::with_capacity(encrypted.len());
    for (number, segment) in (0_u32..).zip(encrypted.chunks(SEGMENT)) {
        let iv = cipher.hash(&[&cipher.salt, &number.to_le_bytes()]);
        opened.append(&mut cipher.decrypt(&key, &iv, segment.to_vec())?);
    }
    opened.truncate(length);
    Some(opened)
}

fn described(xml: &[u8]) -> Option<(Cipher, Lock)> {
    let (mut cipher, mut lock) = (None, None);
    let (mut reader, mut buffer) = (Reader::from_reader(xml), Vec::new());
    loop {
        buffer.clear();
        match reader.read_event_into(&mut buffer).ok()? {
            Event::Start(element) | Event::Empty(element) => match element.local_name().as_ref() {
                "keyData" => cipher = Cipher::of(&element),
                "encryptedKey" => lock = Lock::of(&element),
                _ => {}
            },
            // What stands behind the description is no part of it.
            Event::End(end) if end.local_name().as_ref() == "encryption" => return cipher.zip(lock),
            Event::Eof => return cipher.zip(lock),
            Event::End(_)
            | Event::Text(_)
            | Event::CData(_)
            | Event::Comment(_)
            | Event::Decl(_)
            | Event::PI(_)
            | Event::DocType(_)
            | Event::GeneralRef(_) => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::{Cursor, Read};

    #[test]
    fn a_workbook_without_a_password_of_its_own_is_opened() {
        let sample = concat!(env!("CARGO_MANIFEST_DIR"), "/samples/troubles/protected-against-changes.xlsx");
        let mut file = cfb::CompoundFile::open(Cursor::new(std::fs::read(sample).unwrap())).unwrap();
        let mut stream = |name: &str| {
            let mut stream = Vec::new();
            file.open_stream(name).unwrap().read_to_end(&mut stream).unwrap();
            stream
        };
        let (description, package) = (stream("EncryptionInfo"), stream("EncryptedPackage"));
        assert!(decrypted(&description, &package).unwrap().starts_with(b"PK\x03\x04"));
        // Another password, too many rounds, another cipher, and what is cut off: each is as good as encrypted.
        let changed = |from: &str, to: &str| {
            let text = String::from_utf8(description[8..].to_vec()).unwrap();
            assert!(text.contains(from), "{text}");
            [&AGILE[..], text.replacen(from, to, 1).as_bytes()].concat()
        };
        for (description, package) in [
            (changed("spinCount=\"1000\"", "spinCount=\"1001\""), package.as_slice()),
            (changed("spinCount=\"1000\"", "spinCount=\"100000000\""), &package),
            (changed("\"AES\"", "\"DES\""), &package),
            (description[..100].to_vec(), &package),
            (description.clone(), &package[..7]),
            (description.clone(), &package[..9]),
        ] {
            assert_eq!(decrypted(&description, package), None);
        }
    }
}
