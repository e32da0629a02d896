//! Names what can go wrong while a simulator is set up; nothing else in it fails.

use std::io;

/// Why a simulator could not be set up.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SimulatorError {
    /// The port is taken, or the machine has no loopback.
    #[error("cannot listen on 127.0.0.1:{port}")]
    Listen {
        /// The port that was asked for; 0 stands for any.
        port: u16,
        /// What the operating system said.
        source: io::Error,
    },
    /// The PEM text holds no usable RSA key.
    #[error("expected an rsa key of 2048 bits or more as pem ({expected}), found {found}")]
    Key {
        /// The kinds of PEM block that would do.
        expected: &'static str,
        /// What the text held instead; never the text itself.
        found: String,
    },
    /// No key could be made.
    #[error("cannot generate an rsa key of 2048 bits")]
    KeyGeneration,
    /// The members file is no CSV.
    #[error("cannot read the members file")]
    MembersUnreadable(#[from] csv::Error),
    /// A row of the members file makes no sense.
    #[error("members file, line {line}: expected {expected}, found {found:?}")]
    Members {
        /// The line in the file, the header being line 1.
        line: u64,
        /// What the column takes.
        expected: &'static str,
        /// What it holds.
        found: String,
    },
    /// A fault plan names a fault that does not exist.
    #[error("expected a known fault or setting, found {found:?}: did you mean {nearest:?}?")]
    UnknownFault {
        /// The name as it was typed.
        found: String,
        /// The known name nearest to it.
        nearest: String,
    },
    /// A fault plan gives a fault or a setting a value it cannot have.
    #[error("{name}: expected {expected}, found {found:?}")]
    FaultValue {
        /// The fault or setting.
        name: String,
        /// What it takes.
        expected: &'static str,
        /// What it was given.
        found: String,
    },
}
