//! Key files: both forms sign as `openssl` does, and everything else is named for what it is.

use super::super::GatewayError;
use super::super::signature::{Signable, signature};
use super::*;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use std::path::{Path, PathBuf};
use tempfile::TempDir;

/// A folder with key files that only their owner may read.
struct Keys(TempDir);

impl Keys {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn write(&self, name: &str, content: impl AsRef<[u8]>) -> PathBuf {
        let path = self.path(name);
        std::fs::write(&path, content).unwrap();
        permit(&path, 0o600);
        path
    }

    /// The output of `openssl`, whose blanks part its arguments, as a file.
    fn openssl(&self, name: &str, args: &str) -> PathBuf {
        self.write(name, openssl(&args.split(' ').collect::<Vec<_>>()))
    }
}

#[cfg(unix)]
fn permit(path: &Path, mode: u32) {
    use std::os::unix::fs::PermissionsExt;
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
}

#[cfg(not(unix))]
fn permit(_path: &Path, _mode: u32) {}

fn refusal(path: &Path) -> String {
    PrivateKey::load(path, None).unwrap_err().to_string()
}

#[test]
fn both_forms_load_and_sign_as_openssl_does() {
    let keys = Keys::new();
    let pkcs1 = keys.write("pkcs1.pem", key_pem());
    let pkcs8 = keys.openssl("pkcs8.pem", &format!("pkcs8 -topk8 -nocrypt -in {}", pkcs1.display()));
    let signable = Signable {
        path: "/merchant-integration/v1/gateway",
        method: "POST",
        nonce: "00112233445566778899aabbccddeeff",
        timestamp_s: 1_700_000_000,
        key_code: KEY_CODE,
        body: r#"{"invoice_no":"TP1"}"#.as_bytes(),
    };
    let raw = keys.write("raw", signable.raw());
    for (path, first_line) in [(pkcs1, "-----BEGIN RSA PRIVATE KEY-----"), (pkcs8, "-----BEGIN PRIVATE KEY-----")] {
        assert!(std::fs::read_to_string(&path).unwrap().starts_with(first_line));
        let key = PrivateKey::load(&path, None).unwrap();
        assert_eq!(key.bits(), 2048);
        let expected = openssl(&["dgst", "-sha256", "-sign", path.to_str().unwrap(), raw.to_str().unwrap()]);
        assert_eq!(signature(&key, &signable.raw()), Some(STANDARD.encode(expected)));
    }
}

#[test]
fn a_key_with_a_certificate_crlf_or_a_byte_order_mark_loads() {
    let key = key_pem();
    let certificate = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
    for text in [key.replace('\n', "\r\n"), format!("\u{feff}{key}"), format!("{certificate}{key}"), format!("\n{key}")]
    {
        assert_eq!(PrivateKey::from_pem(&text, "this text", None).unwrap().bits(), 2048);
    }
}

#[test]
fn what_is_no_key_for_us_is_named() {
    let keys = Keys::new();
    let rsa = keys.write("rsa.pem", key_pem());
    let (in_rsa, truncated) = (format!("-in {}", rsa.display()), key_pem()[..key_pem().len() / 2].to_owned());
    let ec = keys.openssl("ec.pem", "genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256");
    let damaged = key_pem().replacen("\nMII", "\nMIJ", 1);
    for (path, found) in [
        (keys.openssl("short.pem", "genrsa 1024"), "fewer than 2048 bits"),
        (keys.openssl("short1.pem", "genrsa -traditional 1024"), "fewer than 2048 bits"),
        (keys.openssl("sec1.pem", &format!("ec -in {}", ec.display())), "an ec key"),
        (ec, "a key that is not rsa"),
        (keys.openssl("public.pem", &format!("rsa {in_rsa} -pubout")), "a public key"),
        (keys.openssl("public1.pem", &format!("rsa {in_rsa} -RSAPublicKey_out")), "a public key"),
        (keys.openssl("enc8.pem", &format!("pkcs8 -topk8 {in_rsa} -passout pass:hunter2")), "an encrypted key"),
        (
            keys.openssl("enc1.pem", &format!("rsa {in_rsa} -aes256 -passout pass:hunter2 -traditional")),
            "an encrypted key",
        ),
        (
            keys.openssl("cert.pem", &format!("req -x509 -new -key {} -subj /CN=x -days 2", rsa.display())),
            "a certificate",
        ),
        (keys.openssl("csr.pem", &format!("req -new -key {} -subj /CN=x", rsa.display())), "a certificate request"),
        (keys.openssl("key.der", &format!("rsa {in_rsa} -outform der")), "a binary file"),
        (keys.write("two.pem", format!("{0}{0}", key_pem())), "more than one private key"),
        (keys.write("ssh", "-----BEGIN OPENSSH PRIVATE KEY-----\n-----END OPENSSH PRIVATE KEY-----"), "an openssh key"),
        (keys.write("cut.pem", truncated), "a damaged key"),
        (keys.write("damaged.pem", damaged), "a damaged key"),
        (keys.write("empty.pem", ""), "it is empty"),
        (keys.write("blank.pem", " \n\n"), "it is empty"),
        (keys.write("garbage.pem", "phone,points\n0901234567,500\n"), "no pem block"),
        (keys.write("large.pem", "x".repeat(70_000)), "more than 64 KiB"),
    ] {
        let message = refusal(&path);
        assert!(message.contains(found), "{}: {message}", path.display());
        assert!(message.contains(path.to_str().unwrap()), "{message}");
        assert!(message.contains("expected an rsa key of 2048 to 8192 bits in pem form"), "{message}");
        assert!(message.contains("\nhint: ") && !message.contains("0901234567"), "{message}");
    }
}

#[test]
fn no_message_holds_key_material() {
    let body: Vec<_> = key_pem().lines().filter(|line| !line.starts_with("-----")).collect();
    let damaged = key_pem().replacen("\nMII", "\nMIJ", 1);
    for error in [
        PrivateKey::from_pem(&damaged, "this text", None).unwrap_err(),
        PrivateKey::from_pem(&body.join("\n"), "this text", None).unwrap_err(),
    ] {
        let said = format!("{error} {error:?}");
        assert!(body.iter().all(|line| !said.contains(line)), "{said}");
    }
}

#[test]
fn a_file_that_cannot_be_read_says_why() {
    let keys = Keys::new();
    let missing = refusal(&keys.path("missing.pem"));
    assert!(missing.contains("cannot read the private key") && missing.contains("missing.pem"), "{missing}");
    assert!(missing.contains("No such file") && missing.contains("hint: correct private_key"), "{missing}");
    let folder = refusal(keys.0.path());
    assert!(folder.contains("cannot read the private key") && folder.contains("hint: "), "{folder}");
}

#[cfg(unix)]
#[test]
fn a_key_that_others_may_read_is_refused_with_the_command_that_helps() {
    let keys = Keys::new();
    let path = keys.write("merchant's key.pem", key_pem());
    for mode in [0o640, 0o604, 0o644, 0o660, 0o601, 0o777] {
        permit(&path, mode);
        let error = PrivateKey::load(&path, None).unwrap_err();
        assert!(matches!(error, GatewayError::KeyExposed { .. }));
        let message = error.to_string();
        assert!(message.contains(&format!("expected mode 600, found {mode:o}")), "{message}");
        let command = message.split_once("hint: ").unwrap().1;
        // The command can be pasted as it stands.
        assert!(Command::new("sh").args(["-c", command]).status().unwrap().success(), "{command}");
        assert!(PrivateKey::load(&path, None).is_ok());
    }
    permit(&path, 0o400);
    assert!(PrivateKey::load(&path, None).is_ok());
}

#[test]
fn line_ends_of_any_kind_and_joined_lines_hold_the_same_key() {
    let pem = key_pem();
    for text in [
        pem.replace('\n', "\r\n"),
        pem.trim_end().to_owned(),
        pem.trim_end().replace('\n', "\r\n"),
        pem.replace('\n', " "),
        pem.replace('\n', "\\n"),
        pem.replace('\n', ""),
        format!("\u{feff}{pem}"),
    ] {
        assert_eq!(PrivateKey::from_pem(&text, "this text", None).unwrap().bits(), 2048, "{text:?}");
    }
}

#[test]
fn what_is_no_text_is_named_with_the_command_that_converts_it() {
    let keys = Keys::new();
    let pem = keys.write("key.pem", key_pem());
    let utf16: Vec<u8> = [0xff, 0xfe].into_iter().chain(key_pem().encode_utf16().flat_map(u16::to_le_bytes)).collect();
    let text = refusal(&keys.write("utf16.pem", &utf16));
    assert!(text.contains("found a text in utf-16") && text.contains("iconv -f utf-16"), "{text}");
    assert!(refusal(&keys.write("bare.pem", &utf16[2..])).contains("found a text in utf-16"));
    let p12 = keys.path("key.p12");
    let made = format!("pkcs12 -export -nocerts -inkey {} -passout pass:x -out {}", pem.display(), p12.display());
    openssl(&made.split(' ').collect::<Vec<_>>());
    permit(&p12, 0o600);
    let text = refusal(&p12);
    assert!(text.contains("found a pkcs#12 file") && text.contains("openssl pkcs12 -in KEY -nocerts"), "{text}");
}

#[test]
fn an_encrypted_key_opens_with_its_passphrase_alone() {
    let keys = Keys::new();
    let pem = keys.write("key.pem", key_pem());
    for how in ["-v2 aes-256-cbc", "-scrypt"] {
        let made = format!("pkcs8 -topk8 {how} -passout pass:secret -in {}", pem.display());
        let locked = keys.openssl("locked.pem", &made);
        assert_eq!(PrivateKey::load(&locked, Some("secret")).unwrap().bits(), 2048, "{how}");
        for (passphrase, found) in [(None, "an encrypted key, and no passphrase"), (Some("Secret"), "does not open")] {
            let said = PrivateKey::load(&locked, passphrase).unwrap_err().to_string();
            assert!(said.contains(found), "{said}");
        }
    }
}

#[cfg(unix)]
#[test]
fn a_group_may_read_what_root_gave_it_and_nothing_else() {
    let keys = Keys::new();
    let path = keys.write("key.pem", key_pem());
    let is_roots = std::os::unix::fs::MetadataExt::uid(&std::fs::metadata(&path).unwrap()) == 0;
    permit(&path, 0o440);
    assert_eq!(PrivateKey::load(&path, None).is_ok(), is_roots);
    for mode in [0o460, 0o444, 0o640, 0o404] {
        permit(&path, mode);
        assert!(PrivateKey::load(&path, None).is_err(), "{mode:o}");
    }
}
