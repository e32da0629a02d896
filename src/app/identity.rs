//! Tells whose word a use case takes, and how that person signs it.

use super::failure::{Ending, Failure};
use crate::domain::approval::Actor;
use crate::domain::team::PersonName;
use crate::sshsig::SigningError;

/// Signs bytes as a person does; a door may ask for a passphrase meanwhile, so nothing is locked or open then.
pub type Sign<'s> = &'s dyn Fn(&[u8]) -> Result<String, SigningError>;

/// Whose word it is.
pub enum Identity<'s> {
    /// Somebody at this machine, by the name that the system gives.
    System(String),
    /// A person of the ledger. Without a way to sign, the name is only a claim: enough to take something back, never to
    /// propose or to approve.
    Person {
        /// The person's name in the ledger.
        name: PersonName,
        /// What shows that it is them.
        sign: Option<Sign<'s>>,
    },
}

impl Identity<'_> {
    /// Who it is, as the ledger keeps it.
    #[must_use]
    pub fn actor(&self) -> Actor {
        match self {
            Self::System(name) => Actor::System(name.clone()),
            Self::Person { name, .. } => Actor::Person(name.clone()),
        }
    }

    /// The person's signature over bytes, where there is one.
    pub(super) fn sign(&self, bytes: &[u8]) -> Result<Option<String>, Failure> {
        match self {
            Self::System(_) | Self::Person { sign: None, .. } => Ok(None),
            Self::Person { sign: Some(sign), .. } => Ok(Some(sign(bytes)?)),
        }
    }
}

impl From<SigningError> for Failure {
    fn from(error: SigningError) -> Self {
        Self::said(Ending::Refused, "not_signed", format!("{error}; nothing was changed"))
    }
}
