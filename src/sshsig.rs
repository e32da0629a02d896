//! Signatures in OpenSSH's own format: checks them, and has `ssh-keygen` make them.
//!
//! An approval is signed with the key that a person already has, so that anyone can check it years later with ordinary
//! tools (`ssh-keygen -Y verify -n topup`). Checking needs nothing but this program. Signing is left to `ssh-keygen`: it
//! asks for passphrases, talks to agents and to security keys, and no private key comes near this program.

use ssh_key::{Algorithm, HashAlg, PublicKey, SshSig};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// What every signature is made for (`ssh-keygen -Y sign -n topup`): one that was made for something else never counts.
pub const NAMESPACE: &str = "topup";

/// The public half of a person's key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Key(PublicKey);

/// Why a key cannot be taken.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    /// The file cannot be read.
    #[error("reading the key {}: {error}", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What the system says of it.
        error: std::io::Error,
    },
    /// It is something else.
    #[error("needs the public half of an OpenSSH key (one line: `ssh-ed25519 AAAA… name`), has something else")]
    NotAKey,
    /// It is the half that nobody should be given.
    #[error("needs the public half of the key (the file that ends in `.pub`), has the private one")]
    Private,
    /// A kind that is not checked here.
    #[error(
        "needs an ed25519 or ECDSA key (P-256, P-384; also on a security key), has {0}; make one with \
         `ssh-keygen -t ed25519`"
    )]
    Kind(String),
}

/// Why a signature does not count.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SignatureError {
    /// No signature in OpenSSH's format.
    #[error("needs an SSH signature (-----BEGIN SSH SIGNATURE-----), has something else")]
    NotASignature,
    /// Made for another purpose.
    #[error("needs a signature made with `-n topup`, has one for another namespace")]
    Namespace,
    /// Another key's.
    #[error("was made with another key than the person's")]
    OtherKey,
    /// The key's, but over other bytes.
    #[error("does not fit: other bytes were signed")]
    OtherBytes,
}

/// Why nothing was signed.
#[derive(Debug, thiserror::Error)]
pub enum SigningError {
    /// There is no `ssh-keygen`.
    #[error("needs the program ssh-keygen (Debian package openssh-client): {0}")]
    NoSshKeygen(std::io::Error),
    /// It would not sign.
    #[error("ssh-keygen did not sign with {}: {said}", key.display())]
    Refused {
        /// The key.
        key: PathBuf,
        /// What it said.
        said: String,
    },
}

impl Key {
    /// Reads one line as `ssh-keygen` writes it into a `.pub` file.
    ///
    /// # Errors
    /// It is no public key, or of a kind whose signatures are not checked here.
    pub fn parse(line: &str) -> Result<Self, KeyError> {
        if line.contains("PRIVATE KEY") {
            return Err(KeyError::Private);
        }
        let key = PublicKey::from_openssh(line.trim()).map_err(|_| KeyError::NotAKey)?;
        let algorithm = key.algorithm();
        let is_checked = algorithm == Algorithm::Ed25519
            || algorithm == Algorithm::SkEd25519
            || algorithm == Algorithm::SkEcdsaSha2NistP256
            || algorithm.clone().is_ecdsa();
        if is_checked { Ok(Self(key)) } else { Err(KeyError::Kind(algorithm.to_string())) }
    }

    /// Reads a `.pub` file.
    ///
    /// # Errors
    /// As [`Key::parse`], or the file cannot be read.
    pub fn read(path: &Path) -> Result<Self, KeyError> {
        let unreadable = |error| KeyError::Unreadable { path: path.to_owned(), error };
        Self::parse(&std::fs::read_to_string(path).map_err(unreadable)?)
    }

    /// The line without its comment: two files of one key give the same.
    #[must_use]
    pub fn line(&self) -> String {
        let mut bare = self.0.clone();
        bare.set_comment("");
        bare.to_openssh().unwrap_or_default().trim_end().to_owned()
    }

    /// `SHA256:…`, as `ssh-keygen -l` shows it.
    #[must_use]
    pub fn fingerprint(&self) -> String {
        self.0.fingerprint(HashAlg::Sha256).to_string()
    }

    /// Checks that this key signed exactly these bytes for this program.
    ///
    /// # Errors
    /// What does not fit.
    pub fn verify(&self, bytes: &[u8], armored: &str) -> Result<(), SignatureError> {
        let signature = SshSig::from_pem(armored.trim()).map_err(|_| SignatureError::NotASignature)?;
        if signature.namespace() != NAMESPACE {
            return Err(SignatureError::Namespace);
        }
        if signature.public_key() != self.0.key_data() {
            return Err(SignatureError::OtherKey);
        }
        self.0.verify(NAMESPACE, bytes, &signature).map_err(|_| SignatureError::OtherBytes)
    }
}

/// Has `ssh-keygen` sign bytes with a private key, or with a public one whose agent is at `SSH_AUTH_SOCK`.
///
/// # Errors
/// There is no `ssh-keygen`, or it would not sign.
pub fn sign(key: &Path, bytes: &[u8]) -> Result<String, SigningError> {
    let mut child = Command::new("ssh-keygen")
        .args(["-q", "-Y", "sign", "-n", NAMESPACE, "-f"])
        .arg(key)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .map_err(SigningError::NoSshKeygen)?;
    // Dropped before it is waited for: the end of the input is what it waits for. A pipe that it closed shows in its end.
    let written = child.stdin.take().map_or(Ok(()), |mut stdin| stdin.write_all(bytes));
    let output = child.wait_with_output().map_err(SigningError::NoSshKeygen)?;
    let refused = |said: &str| SigningError::Refused { key: key.to_owned(), said: said.trim().to_owned() };
    if !output.status.success() {
        return Err(refused(&String::from_utf8_lossy(&output.stderr)));
    }
    written.map_err(|error| refused(&error.to_string()))?;
    String::from_utf8(output.stdout).map_err(|_| refused("it wrote no text"))
}

#[cfg(test)]
mod tests {
    use super::*;

    const BYTES: &[u8] = b"topup approval v1\n2026-11\nplan\n00ff\n";

    fn ssh_keygen(arguments: &[&str], path: &Path) {
        let made =
            Command::new("ssh-keygen").arg("-q").args(arguments).arg(path).stdin(Stdio::null()).output().unwrap();
        assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    }

    fn key(folder: &Path, name: &str, kind: &str) -> (PathBuf, Key) {
        let path = folder.join(name);
        ssh_keygen(&["-t", kind, "-N", "", "-C", "lan@acme", "-f"], &path);
        let key = Key::read(&path.with_extension("pub")).unwrap();
        (path, key)
    }

    #[test]
    fn what_ssh_keygen_signs_counts_for_this_key_and_these_bytes_alone() {
        let folder = tempfile::tempdir().unwrap();
        for kind in ["ed25519", "ecdsa"] {
            let (path, mine) = key(folder.path(), kind, kind);
            let (_, other) = key(folder.path(), &format!("{kind}-other"), kind);
            let armored = sign(&path, BYTES).unwrap();
            assert_eq!(mine.verify(BYTES, &armored), Ok(()));
            assert_eq!(
                mine.verify(b"topup approval v1\n2026-11\nplan\n00fe\n", &armored),
                Err(SignatureError::OtherBytes)
            );
            assert_eq!(other.verify(BYTES, &armored), Err(SignatureError::OtherKey));
            assert_eq!(mine.verify(BYTES, &armored[..60]), Err(SignatureError::NotASignature));
        }
    }

    #[test]
    fn a_signature_for_another_purpose_does_not_count() {
        let folder = tempfile::tempdir().unwrap();
        let (path, mine) = key(folder.path(), "key", "ed25519");
        let file = folder.path().join("bytes");
        std::fs::write(&file, BYTES).unwrap();
        let named = path.to_str().unwrap();
        ssh_keygen(&["-Y", "sign", "-n", "git", "-f", named], &file);
        let armored = std::fs::read_to_string(file.with_extension("sig")).unwrap();
        assert_eq!(mine.verify(BYTES, &armored), Err(SignatureError::Namespace));
    }

    #[test]
    fn keys_are_told_apart_by_what_they_are_and_not_by_their_comment() {
        let folder = tempfile::tempdir().unwrap();
        let (path, mine) = key(folder.path(), "key", "ed25519");
        let line = std::fs::read_to_string(path.with_extension("pub")).unwrap();
        assert!(line.contains("lan@acme"));
        let renamed = Key::parse(&line.replace("lan@acme", "somebody else")).unwrap();
        assert_eq!(renamed.line(), mine.line());
        assert!(mine.line().starts_with("ssh-ed25519 AAAA") && !mine.line().contains(char::is_control));
        assert!(mine.fingerprint().starts_with("SHA256:"));
    }

    #[test]
    fn what_is_no_public_key_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let (path, _) = key(folder.path(), "key", "ed25519");
        assert!(matches!(Key::read(&path), Err(KeyError::Private)));
        assert!(matches!(Key::parse("lan"), Err(KeyError::NotAKey)));
        assert!(matches!(Key::read(&folder.path().join("none")), Err(KeyError::Unreadable { .. })));
        let rsa = folder.path().join("rsa");
        ssh_keygen(&["-t", "rsa", "-b", "2048", "-N", "", "-f"], &rsa);
        let refused = Key::read(&rsa.with_extension("pub")).unwrap_err().to_string();
        assert!(refused.contains("has ssh-rsa; make one with `ssh-keygen -t ed25519`"), "{refused}");
    }

    #[test]
    fn a_key_that_cannot_sign_is_named_with_what_was_said() {
        let folder = tempfile::tempdir().unwrap();
        let missing = folder.path().join("none");
        let refused = sign(&missing, BYTES).unwrap_err().to_string();
        assert!(refused.contains(missing.to_str().unwrap()), "{refused}");
    }
}
