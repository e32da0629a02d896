//! Defines the receipt that a top-up may ask for, and its limits.

use std::fmt;

/// What the receipt names (VinID top-up API, object `receipt_info`).
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Receipt {
    name: String,
    address: String,
    email: String,
    tax_code: String,
}

/// Which field of a receipt is wrong, and what was expected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReceiptProblem {
    /// The field is empty, and a receipt needs all four.
    Missing(&'static str),
    /// The field is longer than so many characters.
    TooLong(&'static str, usize),
    /// The e-mail address has no `@` between two non-empty parts, or holds blanks.
    NotAnEmail,
}

impl Receipt {
    /// The longest `name`, in characters.
    pub const NAME_MAX: usize = 50;
    /// The longest `address`, in characters.
    pub const ADDRESS_MAX: usize = 100;
    /// The longest `email`, in characters.
    pub const EMAIL_MAX: usize = 50;
    /// The longest `tax_code`, in characters.
    pub const TAX_CODE_MAX: usize = 32;

    /// Takes four fields within the gateway's limits.
    ///
    /// # Errors
    /// The first field that is empty, too long, or no e-mail address.
    pub fn new(name: &str, address: &str, email: &str, tax_code: &str) -> Result<Self, ReceiptProblem> {
        let fields = [
            ("receipt_name", name, Self::NAME_MAX),
            ("receipt_address", address, Self::ADDRESS_MAX),
            ("receipt_email", email, Self::EMAIL_MAX),
            ("receipt_tax_code", tax_code, Self::TAX_CODE_MAX),
        ];
        for (field, text, chars_max) in fields {
            if text.is_empty() {
                return Err(ReceiptProblem::Missing(field));
            }
            if text.chars().count() > chars_max {
                return Err(ReceiptProblem::TooLong(field, chars_max));
            }
        }
        if !is_email(email) {
            return Err(ReceiptProblem::NotAnEmail);
        }
        Ok(Self {
            name: name.to_owned(),
            address: address.to_owned(),
            email: email.to_owned(),
            tax_code: tax_code.to_owned(),
        })
    }

    /// Whom the receipt names.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The address on the receipt.
    #[must_use]
    pub fn address(&self) -> &str {
        &self.address
    }

    /// Where the receipt is sent.
    #[must_use]
    pub fn email(&self) -> &str {
        &self.email
    }

    /// The tax code on the receipt.
    #[must_use]
    pub fn tax_code(&self) -> &str {
        &self.tax_code
    }
}

/// One `@` with something on both sides and a dot in the domain: the gateway judges the rest.
fn is_email(text: &str) -> bool {
    let Some((local, domain)) = text.split_once('@') else { return false };
    let domain_parts = domain.split('.').collect::<Vec<_>>();
    !local.is_empty()
        && domain_parts.len() >= 2
        && domain_parts.iter().all(|part| !part.is_empty())
        && !domain.contains('@')
        && !text.chars().any(|c| c.is_whitespace() || c.is_control())
}

impl fmt::Debug for Receipt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Receipt(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn limits_are_the_gateways() {
        let long = "x".repeat(51);
        for (fields, expected) in [
            (["An", "1 Lê Lợi", "an@vi.vn", "0101"], None),
            (["", "1 Lê Lợi", "an@vi.vn", "0101"], Some(ReceiptProblem::Missing("receipt_name"))),
            ([&long, "1 Lê Lợi", "an@vi.vn", "0101"], Some(ReceiptProblem::TooLong("receipt_name", 50))),
            (["An", "1 Lê Lợi", "an.vi.vn", "0101"], Some(ReceiptProblem::NotAnEmail)),
            (["An", "1 Lê Lợi", "an@vi", "0101"], Some(ReceiptProblem::NotAnEmail)),
            (["An", "1 Lê Lợi", "a n@vi.vn", "0101"], Some(ReceiptProblem::NotAnEmail)),
        ] {
            let [name, address, email, tax_code] = fields;
            assert_eq!(Receipt::new(name, address, email, tax_code).err(), expected);
        }
    }
}
