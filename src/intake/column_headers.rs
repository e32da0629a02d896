//! The headers by which finance teams call a column.

use super::qualified;
use crate::domain::column_role::ColumnRole;
use crate::domain::name::normalize;

/// A longer text is no header, and is not folded to find that out.
const HEADER_BYTES_MAX: usize = 200;

/// The role of a column with this header; `None` for a column that is only kept.
pub(crate) fn role_of(header: &str) -> Option<ColumnRole> {
    if header.len() > HEADER_BYTES_MAX {
        return None;
    }
    let squeezed = squeezed(header);
    let exact = |name: &str| ColumnRole::ALL.into_iter().find(|role| headers(*role).split(' ').any(|h| h == name));
    exact(&squeezed).or_else(|| qualified::role(header))
}

/// The headers of a role, as [`squeezed`] leaves them.
///
/// Left out on purpose: `STT`, `No.` and `#` (row numbers, not row keys), `DT` (revenue as often as phone),
/// `Số tiền` (money, not points), `Mã nhân viên` (a person, not a row), and tax codes that do not say that they
/// are for a receipt.
fn headers(role: ColumnRole) -> &'static str {
    match role {
        ColumnRole::Reference => {
            "reference ref refno refid refcode referenceno referencenumber referenceid referencecode \
             externalref externalreference paymentref paymentreference thamchieu mathamchieu \
             sothamchieu machungtu sochungtu rowkey"
        }
        ColumnRole::Phone => {
            "phone phoneno phonenumber mobile mobileno mobilenumber mobilephone mobilephonenumber \
             msisdn tel telno telephone telephonenumber cellphone contactnumber customerphone \
             memberphone recipientphone employeephone sodienthoai sdt sodt dienthoai dtdd sodtdd \
             didong sodidong dienthoaididong sodienthoaididong sdtkhachhang sdtkh \
             sodienthoaikhachhang sodienthoaikh sodienthoaihoivien sdthoivien sodienthoainguoinhan \
             sdtnguoinhan sodienthoainhanvien sdtnhanvien sdtvinid sodienthoaivinid"
        }
        ColumnRole::Points => {
            "points point amount pointamount pointsamount amountofpoints numberofpoints rewardpoints \
             rewardpoint bonuspoints bonuspoint loyaltypoints loyaltypoint vinidpoint vinidpoints \
             diem sodiem diemthuong sodiemthuong diemtang sodiemtang diemnap sodiemnap diemvinid \
             sodiemvinid"
        }
        ColumnRole::Name => {
            "name fullname membername customername recipientname employeename ten hoten hovaten \
             tenkhachhang tenkh hotenkhachhang tenhoivien hotenhoivien tennguoinhan hotennguoinhan \
             tennhanvien hotennhanvien nguoinhan"
        }
        ColumnRole::SendSms => "sendsms sms guisms guitinnhan nhantinnhan",
        ColumnRole::ReceiptName => "receiptname invoicename tenhoadon tentrenhoadon tenbienlai",
        ColumnRole::ReceiptAddress => "receiptaddress invoiceaddress diachihoadon diachibienlai",
        ColumnRole::ReceiptEmail => "receiptemail invoiceemail emailhoadon emailnhanhoadon emailbienlai",
        ColumnRole::ReceiptTaxCode => "receipttaxcode invoicetaxcode masothuehoadon mathuehoadon msthoadon",
        ColumnRole::IdType => "idtype loaiid loaidinhdanh loaimadinhdanh",
        ColumnRole::Id => "id idvalue madinhdanh sodinhdanh",
    }
}

/// A header without case, diacritics, blanks and punctuation: `Số ĐT (*)` and `so_dt` are the same.
pub(crate) fn squeezed(header: &str) -> String {
    normalize(header).chars().filter(|c| c.is_alphanumeric()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers_are_matched_by_role() {
        for (header, role) in [
            ("Số điện thoại", Some(ColumnRole::Phone)),
            (" SỐ ĐIỆN THOẠI ", Some(ColumnRole::Phone)),
            ("SĐT", Some(ColumnRole::Phone)),
            ("Số ĐT", Some(ColumnRole::Phone)),
            ("Điện thoại", Some(ColumnRole::Phone)),
            ("Phone", Some(ColumnRole::Phone)),
            ("Mobile", Some(ColumnRole::Phone)),
            ("MSISDN", Some(ColumnRole::Phone)),
            ("phone_no", Some(ColumnRole::Phone)),
            ("Số điểm", Some(ColumnRole::Points)),
            ("Điểm", Some(ColumnRole::Points)),
            ("Điểm thưởng", Some(ColumnRole::Points)),
            ("Points", Some(ColumnRole::Points)),
            ("Amount", Some(ColumnRole::Points)),
            ("point_amount", Some(ColumnRole::Points)),
            ("Họ và tên", Some(ColumnRole::Name)),
            ("Mã tham chiếu", Some(ColumnRole::Reference)),
            ("STT", None),
            ("No.", None),
            ("#", None),
            ("", None),
            ("Số tiền", None),
            ("S\u{d0}T", Some(ColumnRole::Phone)),
            ("SĐT đăng ký VinID", Some(ColumnRole::Phone)),
            ("ĐIỂM THƯỞNG T11", Some(ColumnRole::Points)),
            ("Điểm quy đổi", Some(ColumnRole::Points)),
        ] {
            assert_eq!(role_of(header), role, "{header}");
        }
    }

    #[test]
    fn no_header_has_two_roles_and_each_is_squeezed() {
        let mut seen = std::collections::HashSet::new();
        for role in ColumnRole::ALL {
            assert_eq!(ColumnRole::parse(role.word()), Some(role));
            assert_eq!(role_of(role.word()), Some(role));
            for header in headers(role).split(' ') {
                assert_eq!(squeezed(header), header);
                assert!(seen.insert(header), "{header} twice");
            }
        }
    }
}
