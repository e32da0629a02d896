//! Names what can keep the gateway's client from being set up; nothing was sent when one of these occurs.

use std::path::PathBuf;

/// Why there is no client to call the gateway with.
///
/// No message holds key material or a password: what was found is named by its kind.
#[derive(Debug, thiserror::Error)]
pub enum GatewayError {
    /// The gateway's address cannot be used.
    #[error("cannot use {found} as the gateway's url: expected {expected}, found {problem}\nhint: {hint}")]
    Url {
        /// The text, without what may be a password.
        found: String,
        /// What was expected.
        expected: &'static str,
        /// What is there instead.
        problem: &'static str,
        /// What to do.
        hint: &'static str,
    },
    /// A setting that goes into a header cannot go into one.
    #[error("cannot use the setting {name}: expected {expected}, found {found}\nhint: correct {name} under [gateway]")]
    Setting {
        /// The setting's name in the configuration.
        name: &'static str,
        /// What was expected.
        expected: &'static str,
        /// What is there instead; never the value itself.
        found: &'static str,
    },
    /// The proxy's address cannot be used.
    #[error(
        "cannot use gateway.proxy: expected http://HOST:PORT of a proxy that tunnels (CONNECT), found {found}\nhint: correct \
         proxy under [gateway], or take it out: then the connection is made directly"
    )]
    Proxy {
        /// What is there instead; never the value itself.
        found: &'static str,
    },
    /// The file of certificates cannot be used.
    #[error(
        "cannot use gateway.ca_file {}: expected certificates in pem form, found {found}\nhint: ask whoever runs the network for \
         the certificate of its authority, or take ca_file out: then the system's are trusted alone",
        path.display()
    )]
    Authorities {
        /// The file.
        path: PathBuf,
        /// What is there instead.
        found: String,
    },
    /// The file of the private key, or of its passphrase, cannot be read.
    #[error("cannot read the {secret} {}: {source}\nhint: {hint}", path.display())]
    KeyUnreadable {
        /// What the file holds.
        secret: &'static str,
        /// The file that the configuration names.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
        /// What to do.
        hint: &'static str,
    },
    /// Others than the owner may read the private key, or its passphrase.
    #[error(
        "the {secret} {} may be read by others: expected mode 600, found {mode:03o}\nhint: chmod 600 {quoted}",
        path.display()
    )]
    KeyExposed {
        /// What the file holds.
        secret: &'static str,
        /// The file that the configuration names.
        path: PathBuf,
        /// Its permission bits.
        mode: u32,
        /// The path as a shell takes it.
        quoted: String,
    },
    /// What should be the private key is something else.
    #[error(
        "cannot use {what} as the private key: expected an rsa key of 2048 to 8192 bits in pem form, found {found}\nhint: {hint}"
    )]
    KeyRefused {
        /// The file, or what else holds the text.
        what: String,
        /// What is there instead.
        found: &'static str,
        /// What to do.
        hint: &'static str,
    },
    /// The HTTP client cannot be set up.
    #[error("cannot set up the http client: {problem}\nhint: {hint}")]
    Client {
        /// What the client's builder said.
        problem: String,
        /// What to do.
        hint: &'static str,
    },
}
