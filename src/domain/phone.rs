//! Defines the phone number of a member, as the gateway takes it.
//!
//! Repairing what a spreadsheet made of a number is not done here: see `intake`.

use std::fmt;

/// A Vietnamese mobile number: ten digits, `03…`, `05…`, `07…`, `08…` or `09…`.
///
/// The gateway also takes eleven digits (VinID top-up API, field `phone_no`), but eleven-digit numbers were
/// withdrawn in 2018 and may belong to someone else today, so they are not representable.
///
/// `Debug` masks the number, and there is no `Display`: writing a whole number takes [`PhoneNumber::as_str`].
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct PhoneNumber([u8; 10]);

impl PhoneNumber {
    /// Takes exactly ten digits that begin as a mobile number does; `None` for anything else.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let digits: [u8; 10] = text.as_bytes().try_into().ok()?;
        let mobile = digits[0] == b'0' && matches!(digits[1], b'3' | b'5' | b'7' | b'8' | b'9');
        (mobile && digits.iter().all(u8::is_ascii_digit)).then_some(Self(digits))
    }

    /// Reads the number as others write it: `84…` or `+84…` for the leading zero, blanks, dots, dashes or brackets
    /// between the digits.
    #[must_use]
    pub fn spelt(text: &str) -> Option<Self> {
        let between = |c: char| c.is_whitespace() || matches!(c, '.' | '-' | '(' | ')');
        let bare: String = text.chars().filter(|c| !between(*c)).collect();
        let national = bare.strip_prefix("+84").or_else(|| bare.strip_prefix("84").filter(|rest| rest.len() >= 9));
        match national {
            Some(rest) => Self::parse(&format!("0{}", rest.strip_prefix('0').unwrap_or(rest))),
            None => Self::parse(&bare),
        }
    }

    /// The ten digits.
    #[must_use]
    pub fn as_str(&self) -> &str {
        std::str::from_utf8(&self.0).unwrap_or_default()
    }

    /// The ten digits as one number, below 1,000,000,000 since the first of them is zero.
    #[must_use]
    pub fn number(&self) -> u32 {
        self.0.iter().fold(0, |number, digit| number * 10 + u32::from(digit - b'0'))
    }

    /// The number with its middle hidden, for logs and errors: `090***4567`.
    #[must_use]
    pub fn masked(&self) -> String {
        let digits = self.as_str();
        format!("{}***{}", &digits[..3], &digits[6..])
    }
}

impl fmt::Debug for PhoneNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.masked())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ten_digits_of_a_mobile_are_taken_and_nothing_else() {
        for good in ["0901234567", "0312345678", "0512345678", "0712345678", "0812345678"] {
            assert_eq!(PhoneNumber::parse(good).map(|p| p.as_str().to_owned()).as_deref(), Some(good));
        }
        for bad in [
            "",
            "901234567",
            "0101234567",
            "0212345678",
            "09012345678",
            "09O1234567",
            "０９０１２３４５６７",
            " 901234567",
        ] {
            assert_eq!(PhoneNumber::parse(bad), None, "{bad}");
        }
    }

    #[test]
    fn one_number_has_many_spellings() {
        let phone = PhoneNumber::parse("0901234567");
        for same in
            ["0901234567", "84901234567", "+84901234567", "+84 (0) 90-123.45 67", "840901234567", "090 123 4567"]
        {
            assert_eq!(PhoneNumber::spelt(same), phone, "{same}");
        }
        for other in ["", "84", "0901234568", "+85901234567", "8490123456", "849012345678", "090***4567"] {
            assert_ne!(PhoneNumber::spelt(other), phone, "{other}");
        }
        assert_eq!(PhoneNumber::spelt("0842345678"), PhoneNumber::parse("0842345678"));
    }

    #[test]
    fn debug_never_shows_a_whole_number() {
        let phone = PhoneNumber::parse("0901234567").unwrap();
        assert_eq!(format!("{phone:?}"), "090***4567");
    }
}
