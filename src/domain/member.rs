//! Defines who receives points: a member named by phone, by card or by user id.

use super::phone::PhoneNumber;
use super::text::{is_dash, is_invisible};
use std::fmt;

/// The longest card number or user id that is taken, in characters; the gateway's documentation names no limit.
pub const ID_CHARS_MAX: usize = 64;

/// The member that a payout goes to.
#[derive(Clone, PartialEq, Eq, Hash)]
pub enum Member {
    /// Named by phone number (fields `phone_no`, or `id_type` `MOBILE`).
    Phone(PhoneNumber),
    /// Named by card number (field `id_type` `CARD`); the phone goes along where it is known.
    Card {
        /// The card number.
        id: String,
        /// The member's phone, without which there is no pre-check.
        phone: Option<PhoneNumber>,
    },
    /// Named by user id (field `id_type` `USER_ID`); the phone goes along where it is known.
    UserId {
        /// The user id.
        id: String,
        /// The member's phone, without which there is no pre-check.
        phone: Option<PhoneNumber>,
    },
    /// Whose phone, card or user id was removed: only keyed hashes are left, to which nothing can be sent.
    Purged {
        /// What the member was named by: `PURGED:…`, `PURGED:CARD:…` or `PURGED:USER_ID:…`.
        key: String,
        /// The hash of the phone that is known of it, as a phone's own key would be.
        phone: Option<String>,
    },
}

/// What the key of a purged member begins with; no other key does.
pub const PURGED: &str = "PURGED:";

impl Member {
    /// The phone that is known of this member.
    #[must_use]
    pub fn phone(&self) -> Option<PhoneNumber> {
        match self {
            Self::Phone(phone) => Some(*phone),
            Self::Card { phone, .. } | Self::UserId { phone, .. } => *phone,
            Self::Purged { .. } => None,
        }
    }

    /// The card number, where the member is named by card.
    #[must_use]
    pub fn card_no(&self) -> Option<&str> {
        match self {
            Self::Card { id, .. } => Some(id),
            Self::Phone(_) | Self::UserId { .. } | Self::Purged { .. } => None,
        }
    }

    /// Whether only a hash is left of the member.
    #[must_use]
    pub fn is_purged(&self) -> bool {
        match self {
            Self::Purged { .. } => true,
            Self::Phone(_) | Self::Card { .. } | Self::UserId { .. } => false,
        }
    }

    /// What the member is named by, as it is sent: the phone's digits, `CARD:…` or `USER_ID:…`; of a purged one
    /// `PURGED:…`.
    #[must_use]
    pub fn key(&self) -> String {
        match self {
            Self::Phone(phone) => phone.as_str().to_owned(),
            Self::Card { id, .. } => format!("CARD:{id}"),
            Self::UserId { id, .. } => format!("USER_ID:{id}"),
            Self::Purged { key, .. } => key.clone(),
        }
    }

    /// The member's identity across rows and batches: [`Member::key`], where the blanks, dashes and case of a card number
    /// or user id tell nobody apart.
    #[must_use]
    pub fn identity(&self) -> String {
        let of = |id_type: &str, id: &str| {
            let bare = id.chars().filter(|c| !is_id_separator(*c)).flat_map(char::to_uppercase);
            id_type.chars().chain(bare).collect()
        };
        match self {
            Self::Card { id, .. } => of("CARD:", id),
            Self::UserId { id, .. } => of("USER_ID:", id),
            Self::Phone(_) | Self::Purged { .. } => self.key(),
        }
    }

    /// Reads back what [`Member::key`] wrote; `None` for a text that it never writes.
    #[must_use]
    pub fn from_key(key: &str, phone: Option<PhoneNumber>) -> Option<Self> {
        if let Some(id) = key.strip_prefix("CARD:") {
            return Some(Self::Card { id: id.to_owned(), phone });
        }
        if let Some(id) = key.strip_prefix("USER_ID:") {
            return Some(Self::UserId { id: id.to_owned(), phone });
        }
        if key.starts_with(PURGED) {
            return Self::purged(key, None);
        }
        PhoneNumber::parse(key).map(Self::Phone)
    }

    /// The member that only hashes are left of, with that of the phone that stood beside it.
    #[must_use]
    pub fn purged(key: &str, phone_beside: Option<String>) -> Option<Self> {
        let hash = key.strip_prefix(PURGED)?;
        let phone = phone_beside.or_else(|| (!hash.contains(':')).then(|| key.to_owned()));
        Some(Self::Purged { key: key.to_owned(), phone })
    }

    /// The member with the middle hidden, for logs and errors.
    #[must_use]
    pub fn masked(&self) -> String {
        match self {
            Self::Phone(phone) => phone.masked(),
            Self::Card { id, .. } => format!("CARD:{}", masked_id(id)),
            Self::UserId { id, .. } => format!("USER_ID:{}", masked_id(id)),
            Self::Purged { .. } => "purged".to_owned(),
        }
    }
}

/// Whether people put the character between the groups of a card number: blanks, hyphens and dashes, and the zero-width
/// characters that come along when a number is copied.
#[must_use]
pub fn is_id_separator(c: char) -> bool {
    c.is_whitespace() || is_dash(c) || is_invisible(c)
}

/// The last four characters at most, and never more than half of a short identifier.
fn masked_id(id: &str) -> String {
    let chars: Vec<char> = id.chars().collect();
    let shown = (chars.len() / 2).min(4);
    let tail: String = chars[chars.len() - shown..].iter().collect();
    format!("***{tail}")
}

impl fmt::Debug for Member {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.masked())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_reads_back_as_the_member_it_names() {
        let phone = PhoneNumber::parse("0901234567");
        for member in [
            Member::Phone(phone.unwrap()),
            Member::Card { id: "9704 1234".into(), phone },
            Member::UserId { id: "u-77".into(), phone: None },
            Member::Purged { key: "PURGED:00ff".into(), phone: Some("PURGED:00ff".into()) },
            Member::Purged { key: "PURGED:CARD:00ff".into(), phone: None },
        ] {
            assert_eq!(Member::from_key(&member.key(), member.phone()), Some(member));
        }
        assert_eq!(Member::from_key("12345", None), None);
    }

    #[test]
    fn blanks_dashes_and_case_of_an_id_tell_nobody_apart() {
        let card = |id: &str| Member::Card { id: id.into(), phone: None }.identity();
        let user = |id: &str| Member::UserId { id: id.into(), phone: None }.identity();
        for spelt in ["9704-12ab", "9704 12AB", "9704\u{a0}12\u{2013}aB", "970412AB"] {
            assert_eq!(
                (card(spelt), user(spelt)),
                ("CARD:970412AB".to_owned(), "USER_ID:970412AB".to_owned()),
                "{spelt}"
            );
        }
        assert_ne!(user("u.77"), user("u77"));
        assert_eq!(Member::Phone(PhoneNumber::parse("0901234567").unwrap()).identity(), "0901234567");
    }

    #[test]
    fn debug_hides_identifiers() {
        let card = Member::Card { id: "970412345678".into(), phone: None };
        assert_eq!(format!("{card:?}"), "CARD:***5678");
    }
}
