//! Defines what a column of a file is to a payout.

/// What a column of a file is to a payout.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum ColumnRole {
    /// The payer's own row key.
    Reference,
    /// The member's phone number.
    Phone,
    /// Whole points.
    Points,
    /// The name that the payer expects behind the member.
    Name,
    /// Whether the member gets a message.
    SendSms,
    /// Whom the receipt names.
    ReceiptName,
    /// The address on the receipt.
    ReceiptAddress,
    /// Where the receipt is sent.
    ReceiptEmail,
    /// The tax code on the receipt.
    ReceiptTaxCode,
    /// `MOBILE`, `CARD` or `USER_ID`.
    IdType,
    /// The identifier that `id_type` speaks of.
    Id,
}

impl ColumnRole {
    /// Every role, in the order in which reports name them.
    pub const ALL: [Self; 11] = [
        Self::Reference,
        Self::Phone,
        Self::Points,
        Self::Name,
        Self::SendSms,
        Self::ReceiptName,
        Self::ReceiptAddress,
        Self::ReceiptEmail,
        Self::ReceiptTaxCode,
        Self::IdType,
        Self::Id,
    ];

    /// The role in `--column`, in JSON and in the ledger.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Reference => "reference",
            Self::Phone => "phone",
            Self::Points => "points",
            Self::Name => "name",
            Self::SendSms => "send_sms",
            Self::ReceiptName => "receipt_name",
            Self::ReceiptAddress => "receipt_address",
            Self::ReceiptEmail => "receipt_email",
            Self::ReceiptTaxCode => "receipt_tax_code",
            Self::IdType => "id_type",
            Self::Id => "id",
        }
    }

    /// Reads what [`ColumnRole::word`] writes.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|role| role.word() == word)
    }
}
