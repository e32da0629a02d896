//! Defines what a column can mean, and the headers by which finance teams call it.

use super::qualified;
use crate::domain::name::fold;

/// A longer text is no header, and is not folded to find that out.
const HEADER_BYTES_MAX: usize = 200;

/// What a column means to a payout.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Meaning {
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

impl Meaning {
    /// Every meaning, in the order in which reports name them.
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

    /// The meaning in `--column` and in JSON.
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

    /// Reads what [`Meaning::word`] writes.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|meaning| meaning.word() == word)
    }

    /// What a header means; `None` for a column that is only kept.
    #[must_use]
    pub fn of_header(header: &str) -> Option<Self> {
        if header.len() > HEADER_BYTES_MAX {
            return None;
        }
        let squeezed = squeezed(header);
        let exact = |name: &str| Self::ALL.into_iter().find(|meaning| meaning.headers().split(' ').any(|h| h == name));
        exact(&squeezed).or_else(|| qualified::meaning(header))
    }

    /// The headers of this meaning, as [`squeezed`] leaves them.
    ///
    /// Left out on purpose: `STT`, `No.` and `#` (row numbers, not row keys), `DT` (revenue as often as phone),
    /// `Số tiền` (money, not points), `Mã nhân viên` (a person, not a row), and tax codes that do not say that they
    /// are for a receipt.
    fn headers(self) -> &'static str {
        match self {
            Self::Reference => {
                "reference ref refno refid refcode referenceno referencenumber referenceid referencecode \
                 externalref externalreference paymentref paymentreference thamchieu mathamchieu \
                 sothamchieu machungtu sochungtu rowkey"
            }
            Self::Phone => {
                "phone phoneno phonenumber mobile mobileno mobilenumber mobilephone mobilephonenumber \
                 msisdn tel telno telephone telephonenumber cellphone contactnumber customerphone \
                 memberphone recipientphone employeephone sodienthoai sdt sodt dienthoai dtdd sodtdd \
                 didong sodidong dienthoaididong sodienthoaididong sdtkhachhang sdtkh \
                 sodienthoaikhachhang sodienthoaikh sodienthoaihoivien sdthoivien sodienthoainguoinhan \
                 sdtnguoinhan sodienthoainhanvien sdtnhanvien sdtvinid sodienthoaivinid"
            }
            Self::Points => {
                "points point amount pointamount pointsamount amountofpoints numberofpoints rewardpoints \
                 rewardpoint bonuspoints bonuspoint loyaltypoints loyaltypoint vinidpoint vinidpoints \
                 diem sodiem diemthuong sodiemthuong diemtang sodiemtang diemnap sodiemnap diemvinid \
                 sodiemvinid"
            }
            Self::Name => {
                "name fullname membername customername recipientname employeename ten hoten hovaten \
                 tenkhachhang tenkh hotenkhachhang tenhoivien hotenhoivien tennguoinhan hotennguoinhan \
                 tennhanvien hotennhanvien nguoinhan"
            }
            Self::SendSms => "sendsms sms guisms guitinnhan nhantinnhan",
            Self::ReceiptName => "receiptname invoicename tenhoadon tentrenhoadon tenbienlai",
            Self::ReceiptAddress => "receiptaddress invoiceaddress diachihoadon diachibienlai",
            Self::ReceiptEmail => "receiptemail invoiceemail emailhoadon emailnhanhoadon emailbienlai",
            Self::ReceiptTaxCode => "receipttaxcode invoicetaxcode masothuehoadon mathuehoadon msthoadon",
            Self::IdType => "idtype loaiid loaidinhdanh loaimadinhdanh",
            Self::Id => "id idvalue madinhdanh sodinhdanh",
        }
    }
}

/// A header without case, diacritics, blanks and punctuation: `Số ĐT (*)` and `so_dt` are the same.
pub(crate) fn squeezed(header: &str) -> String {
    fold(header).chars().filter(|c| c.is_alphanumeric()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers_are_matched_by_meaning() {
        for (header, meaning) in [
            ("Số điện thoại", Some(Meaning::Phone)),
            (" SỐ ĐIỆN THOẠI ", Some(Meaning::Phone)),
            ("SĐT", Some(Meaning::Phone)),
            ("Số ĐT", Some(Meaning::Phone)),
            ("Điện thoại", Some(Meaning::Phone)),
            ("Phone", Some(Meaning::Phone)),
            ("Mobile", Some(Meaning::Phone)),
            ("MSISDN", Some(Meaning::Phone)),
            ("phone_no", Some(Meaning::Phone)),
            ("Số điểm", Some(Meaning::Points)),
            ("Điểm", Some(Meaning::Points)),
            ("Điểm thưởng", Some(Meaning::Points)),
            ("Points", Some(Meaning::Points)),
            ("Amount", Some(Meaning::Points)),
            ("point_amount", Some(Meaning::Points)),
            ("Họ và tên", Some(Meaning::Name)),
            ("Mã tham chiếu", Some(Meaning::Reference)),
            ("STT", None),
            ("No.", None),
            ("#", None),
            ("", None),
            ("Số tiền", None),
            ("S\u{d0}T", Some(Meaning::Phone)),
            ("SĐT đăng ký VinID", Some(Meaning::Phone)),
            ("ĐIỂM THƯỞNG T11", Some(Meaning::Points)),
            ("Điểm quy đổi", Some(Meaning::Points)),
        ] {
            assert_eq!(Meaning::of_header(header), meaning, "{header}");
        }
    }

    #[test]
    fn no_header_has_two_meanings_and_each_is_squeezed() {
        let mut seen = std::collections::HashSet::new();
        for meaning in Meaning::ALL {
            assert_eq!(Meaning::parse(meaning.word()), Some(meaning));
            assert_eq!(Meaning::of_header(meaning.word()), Some(meaning));
            for header in meaning.headers().split(' ') {
                assert_eq!(squeezed(header), header);
                assert!(seen.insert(header), "{header} twice");
            }
        }
    }
}
