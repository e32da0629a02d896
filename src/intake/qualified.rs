//! Reads headers that say more than what the column is: whose phone, which points, of which month.
//!
//! A header is a known stem (`Số điện thoại`, `Điểm`) and qualifiers from a closed list, with a month, quarter or year
//! anywhere in it. The lists leave out on purpose what makes another column of it: `Điểm tích lũy` and `Điểm còn lại`
//! are balances, `Điểm đánh giá` is a score, `SĐT người giới thiệu` is somebody else's phone.

use crate::domain::column_role::ColumnRole;
use crate::domain::name::normalize;

const PHONES: [&str; 18] = [
    "sodienthoai",
    "dienthoai",
    "sodienthoaididong",
    "dienthoaididong",
    "sdt",
    "sodt",
    "dtdd",
    "sodtdd",
    "didong",
    "sodidong",
    "phone",
    "phonenumber",
    "phoneno",
    "mobile",
    "mobilenumber",
    "mobilephone",
    "msisdn",
    "tel",
];
/// Whose number it is: the member's, under the names that companies have for members.
const OF_THE_MEMBER: [&str; 32] = [
    "dang",
    "ky",
    "vinid",
    "vin",
    "id",
    "cua",
    "khach",
    "hang",
    "kh",
    "hoi",
    "vien",
    "thanh",
    "tv",
    "nguoi",
    "nhan",
    "nv",
    "tai",
    "khoan",
    "nap",
    "cong",
    "tich",
    "diem",
    "thuong",
    "of",
    "the",
    "member",
    "customer",
    "recipient",
    "employee",
    "registered",
    "account",
    "app",
];
const POINTS: [&str; 6] = ["diem", "sodiem", "point", "points", "vinidpoint", "vinidpoints"];
/// What is done with the points: given, topped up, converted for the purpose.
const TO_BE_PAID: [&str; 29] = [
    "thuong", "tang", "nap", "can", "phai", "quy", "doi", "duoc", "huong", "chuyen", "tra", "cong", "them", "nhan",
    "thuc", "vinid", "vin", "id", "cho", "khach", "hang", "kh", "to", "pay", "be", "paid", "credit", "topup", "award",
];
const MONTHS: [&str; 23] = [
    "january",
    "february",
    "march",
    "april",
    "may",
    "june",
    "july",
    "august",
    "september",
    "october",
    "november",
    "december",
    "jan",
    "feb",
    "mar",
    "apr",
    "jun",
    "jul",
    "aug",
    "sep",
    "oct",
    "nov",
    "dec",
];
/// Words that make a period of the number behind them.
const PERIODS: [&str; 12] = ["thang", "thg", "t", "nam", "quy", "q", "ky", "dot", "tuan", "month", "year", "quarter"];

/// The meaning of a header with qualifiers; `None` where any word of it is not known.
pub(crate) fn role(header: &str) -> Option<ColumnRole> {
    // A line that another separator would cut is no header of one column.
    if header.contains([',', ';', '\t', '|']) {
        return None;
    }
    let folded = normalize(header);
    let words: Vec<&str> = folded.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty()).collect();
    let words = without_periods(&words);
    let is = |stems: &[&str], qualifiers: &[&str]| {
        (1..=words.len().min(5)).any(|stem| {
            let (stem, rest) = words.split_at(stem);
            stems.contains(&stem.concat().as_str()) && rest.iter().all(|word| qualifiers.contains(word))
        })
    };
    if is(&PHONES, &OF_THE_MEMBER) {
        return Some(ColumnRole::Phone);
    }
    let is_reward = ["rewardpoints", "bonuspoints", "loyaltypoints", "amount"].contains(&words.concat().as_str());
    (is_reward || is(&POINTS, &TO_BE_PAID)).then_some(ColumnRole::Points)
}

/// The words without `T11`, `tháng 11/2026`, `Nov 2026`, `quý IV`, `đợt 2`.
pub(crate) fn without_periods<'w>(words: &[&'w str]) -> Vec<&'w str> {
    let mut left = Vec::new();
    let mut in_period = false;
    for (place, word) in words.iter().enumerate() {
        let next = words.get(place + 1).copied().unwrap_or_default();
        let begins = is_year(word)
            || MONTHS.contains(word)
            || is_short_period(word)
            || (PERIODS.contains(word) && is_ordinal(next))
            || (is_ordinal(word) && is_year(next));
        in_period = begins || (in_period && is_ordinal(word));
        if !in_period {
            left.push(*word);
        }
    }
    left
}

fn is_year(word: &str) -> bool {
    word.len() == 4 && word.starts_with("20") && word.bytes().all(|b| b.is_ascii_digit())
}

/// `11`, `2026`, `iv`.
fn is_ordinal(word: &str) -> bool {
    let is_number = (1..=2).contains(&word.len()) && word.bytes().all(|b| b.is_ascii_digit());
    is_number || is_year(word) || ["i", "ii", "iii", "iv"].contains(&word)
}

/// `t11`, `q4`, `t112026`.
fn is_short_period(word: &str) -> bool {
    let Some(number) = word.strip_prefix(['t', 'q']) else { return false };
    let year_at = number.len().checked_sub(4).filter(|at| number.get(*at..).is_some_and(is_year));
    let month = year_at.and_then(|at| number.get(..at)).unwrap_or(number);
    (1..=2).contains(&month.len()) && month.parse::<u8>().is_ok_and(|month| (1..=12).contains(&month))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_header_with_known_qualifiers_keeps_its_meaning() {
        for (header, expected) in [
            ("SĐT đăng ký VinID", Some(ColumnRole::Phone)),
            ("Số điện thoại đăng ký", Some(ColumnRole::Phone)),
            ("SĐT nhận điểm", Some(ColumnRole::Phone)),
            ("SĐT nhân viên (T11)", Some(ColumnRole::Phone)),
            ("Registered phone", None),
            ("Phone of the member", Some(ColumnRole::Phone)),
            ("SĐT người giới thiệu", None),
            ("SĐT người thân", None),
            ("SĐT cũ", None),
            ("SĐT 2", None),
            ("ĐIỂM THƯỞNG T11", Some(ColumnRole::Points)),
            ("Điểm thưởng tháng 11/2026", Some(ColumnRole::Points)),
            ("Điểm thưởng tháng 11 năm 2026", Some(ColumnRole::Points)),
            ("Điểm thưởng T11.2026", Some(ColumnRole::Points)),
            ("Số điểm quý IV", Some(ColumnRole::Points)),
            ("Số điểm đợt 2", Some(ColumnRole::Points)),
            ("Điểm T112026", Some(ColumnRole::Points)),
            ("Points Nov 2026", Some(ColumnRole::Points)),
            ("Amount 11/2026", Some(ColumnRole::Points)),
            ("Điểm quy đổi", Some(ColumnRole::Points)),
            ("Số điểm cần nạp", Some(ColumnRole::Points)),
            ("Số điểm được thưởng", Some(ColumnRole::Points)),
            ("Điểm tích lũy", None),
            ("Điểm còn lại", None),
            ("Điểm đánh giá", None),
            ("Điểm T13", None),
            ("Tháng 11", None),
            ("Thưởng T11", None),
            ("SĐT;Điểm", None),
        ] {
            assert_eq!(role(header), expected, "{header}");
        }
    }
}
