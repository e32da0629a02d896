//! Defines what a column of a provider's statement can mean, and finds its header row.

use super::column_headers::{role_of, squeezed};
use super::columns::{Columns, describe, places};
use super::header::{HEADER_ROW_MAX, no_rows};
use super::problem::{IntakeError, Problem, ProblemKind};
use super::record::{COLUMNS_MAX, Record};
use crate::domain::column_role::ColumnRole;
use crate::domain::statement::LineStatus;

/// What a column of a statement means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StatementColumn {
    /// The merchant's number of the order.
    InvoiceNo,
    /// The member's phone, maybe with its middle hidden.
    Phone,
    /// The points of the order, whole.
    Points,
    /// When the order was made, which is only shown.
    Time,
    /// What became of it.
    Status,
}

impl StatementColumn {
    /// Every meaning, in the order in which messages name them.
    pub const ALL: [Self; 5] = [Self::InvoiceNo, Self::Phone, Self::Points, Self::Time, Self::Status];
    /// Without these there is nothing to compare.
    const NEEDED: [Self; 2] = [Self::InvoiceNo, Self::Points];

    /// The meaning in `--column` and in JSON.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::InvoiceNo => "invoice_no",
            Self::Phone => "phone",
            Self::Points => "points",
            Self::Time => "time",
            Self::Status => "status",
        }
    }

    /// Reads what [`StatementColumn::word`] writes.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|column| column.word() == word)
    }

    /// Whether a column with this header means it.
    pub(crate) fn is_called(self, header: &str) -> bool {
        let known = match self {
            Self::Phone => return role_of(header) == Some(ColumnRole::Phone),
            Self::Points => return role_of(header) == Some(ColumnRole::Points),
            Self::InvoiceNo => {
                "invoiceno invoice invoicenumber invoiceid orderno ordernumber orderid merchantinvoiceno \
                 merchantorderid merchantorderno partnerinvoiceno mahoadon sohoadon madonhang sodonhang \
                 mahoadondoitac madonhangdoitac"
            }
            Self::Time => {
                "time date datetime timestamp transactiontime transactiondate transactiondatetime createdat createdtime \
                 creditedat thoigian thoigiangiaodich ngay ngaygiogiaodich ngaygiaodich ngaygio thoidiem"
            }
            Self::Status => "status transactionstatus orderstatus result trangthai trangthaigiaodich tinhtrang ketqua",
        };
        let header = squeezed(header);
        known.split(' ').any(|known| known == header)
    }
}

/// What the statuses of a statement mean, as [`squeezed`] leaves them.
pub(crate) fn status_of(cell: &str, named: &[(LineStatus, String)]) -> Option<LineStatus> {
    let word = squeezed(cell);
    if let Some((status, _)) = named.iter().find(|(_, named)| squeezed(named) == word) {
        return Some(*status);
    }
    LineStatus::ALL.into_iter().find(|status| {
        let known = match status {
            LineStatus::Credited => {
                "s success successful succeeded completed complete credited thanhcong giaodichthanhcong hoanthanh \
                 dahoanthanh dacong"
            }
            LineStatus::Failed => {
                "e error failed fail failure unsuccessful declined rejected refused thatbai giaodichthatbai \
                 khongthanhcong loi tuchoi"
            }
            LineStatus::Open => "open p pending processing inprogress dangxuly choxuly dangcho",
            LineStatus::Reversed => "reversed reversal refunded refund hoantra dahoantra thuhoi dathuhoi",
        };
        known.split(' ').any(|known| known == word)
    })
}

/// What a word that is not known may mean, to be offered as an example: taken for credited, what was given back would be
/// money that nobody has.
pub(crate) fn likely(cell: &str) -> LineStatus {
    let word = squeezed(cell).replace("hoanthanh", "").replace("hoantat", "");
    let is = |parts: &[&str]| parts.iter().any(|part| word.contains(part));
    match () {
        () if is(&["hoan", "refund", "revers", "thuhoi", "return", "huy", "cancel"]) => LineStatus::Reversed,
        () if is(&["khong", "loi", "bai", "fail", "error", "reject"]) => LineStatus::Failed,
        () if is(&["cho", "dang", "pend", "process"]) => LineStatus::Open,
        () => LineStatus::Credited,
    }
}

/// The header row of a statement, and what its columns mean.
#[derive(Clone, Debug)]
pub(crate) struct StatementHeader {
    pub(crate) row: u64,
    of: [Option<usize>; StatementColumn::ALL.len()],
    /// The same for the layers that read phones and points.
    pub(crate) columns: Columns,
}

impl StatementHeader {
    /// The column of a meaning.
    pub(crate) fn of(&self, column: StatementColumn) -> Option<usize> {
        self.of[column as usize]
    }
}

/// Finds the first row that names the needed columns.
pub(crate) fn find_header(
    read: &mut dyn FnMut(&mut Record) -> Result<bool, IntakeError>,
    named: &[(StatementColumn, String)],
) -> Result<StatementHeader, IntakeError> {
    let mut record = Record::default();
    let mut nearest: Option<(u64, Vec<StatementColumn>)> = None;
    while record.row < HEADER_ROW_MAX && read(&mut record)? {
        let cells: Vec<&str> = record.cells().map(|cell| cell.text).take(COLUMNS_MAX).collect();
        let missing = missing(&cells, named);
        if missing.is_empty() {
            return Ok(resolve(record.row, &cells, named)?);
        }
        let has_words = cells.iter().any(|cell| cell.chars().any(char::is_alphanumeric));
        if has_words && nearest.as_ref().is_none_or(|(_, before)| missing.len() < before.len()) {
            nearest = Some((record.row, missing));
        }
    }
    Err(no_header(nearest).into())
}

fn columns_of(cells: &[&str], column: StatementColumn, named: &[(StatementColumn, String)]) -> Vec<usize> {
    match named.iter().find(|(of, _)| *of == column) {
        Some((_, header)) => places(cells, header),
        None => {
            let is_free = |cell: &str| !named.iter().any(|(_, header)| squeezed(header) == squeezed(cell));
            let of = |(place, cell): (usize, &&str)| (column.is_called(cell) && is_free(cell)).then_some(place);
            cells.iter().enumerate().filter_map(of).collect()
        }
    }
}

fn missing(cells: &[&str], named: &[(StatementColumn, String)]) -> Vec<StatementColumn> {
    let is_missing = |column: &StatementColumn| columns_of(cells, *column, named).is_empty();
    StatementColumn::NEEDED.into_iter().filter(is_missing).collect()
}

fn resolve(row: u64, cells: &[&str], named: &[(StatementColumn, String)]) -> Result<StatementHeader, Problem> {
    let refuse = |message: String| Problem::of_row(row, ProblemKind::Columns, message);
    let mut of: [Option<usize>; StatementColumn::ALL.len()] = [None; StatementColumn::ALL.len()];
    for column in StatementColumn::ALL {
        let word = column.word();
        of[column as usize] = match *columns_of(cells, column, named) {
            [] => match named.iter().find(|(of, _)| *of == column) {
                Some((_, header)) => {
                    let message =
                        format!("needs the column «{header}» for {word}, has none of that name; correct `--column`");
                    return Err(refuse(message));
                }
                None => None,
            },
            // A time is only shown: any of several serves.
            [first, ..] if column == StatementColumn::Time => Some(first),
            [only] => Some(only),
            [first, second, ..] => {
                let (first, second) = (describe(cells, first), describe(cells, second));
                return Err(refuse(format!(
                    "needs one column for {word}, has two: {first} and {second}; choose with `--column {word}=HEADER`"
                )));
            }
        };
    }
    if let Some((place, both)) = twice(&of) {
        let message = format!("needs one meaning for one column, has two for {}: {both}", describe(cells, place));
        return Err(refuse(message));
    }
    let width = cells.iter().rposition(|cell| !cell.trim().is_empty()).map_or(0, |last| last + 1);
    let headers = cells[..width].iter().map(|cell| cell.trim().to_owned()).collect();
    let shared = [(ColumnRole::Phone, StatementColumn::Phone), (ColumnRole::Points, StatementColumn::Points)];
    let meanings: Vec<(ColumnRole, usize)> =
        shared.into_iter().filter_map(|(meaning, column)| Some((meaning, of[column as usize]?))).collect();
    Ok(StatementHeader { row, of, columns: Columns::of_sheet(&meanings, headers) })
}

/// A column that means two things, as only `--column` can make it.
fn twice(of: &[Option<usize>; StatementColumn::ALL.len()]) -> Option<(usize, String)> {
    StatementColumn::ALL.into_iter().find_map(|column| {
        let place = of[column as usize]?;
        let other =
            StatementColumn::ALL.into_iter().find(|other| *other != column && of[*other as usize] == Some(place))?;
        Some((place, format!("{} and {}", column.word(), other.word())))
    })
}

fn no_header(nearest: Option<(u64, Vec<StatementColumn>)>) -> Problem {
    let Some((row, missing)) = nearest else { return no_rows() };
    let words: Vec<&str> = missing.into_iter().map(StatementColumn::word).collect();
    let message = format!(
        "needs a header row that names invoice_no and points, has none in its first {HEADER_ROW_MAX} rows; row {row} comes \
         nearest, without {}: say `--column {}=HEADER`",
        words.join(" and "),
        words.first().unwrap_or(&"points")
    );
    Problem::of_file(ProblemKind::Header, message)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn statuses_are_read_in_both_languages_and_as_named() {
        for (cell, status) in [
            ("S", Some(LineStatus::Credited)),
            (" Thành công ", Some(LineStatus::Credited)),
            ("SUCCESS", Some(LineStatus::Credited)),
            ("Thất bại", Some(LineStatus::Failed)),
            ("Đang xử lý", Some(LineStatus::Open)),
            ("Đã hoàn trả", Some(LineStatus::Reversed)),
            ("Đã ghi có", Some(LineStatus::Credited)),
            ("Không rõ", None),
            ("", None),
        ] {
            assert_eq!(status_of(cell, &[(LineStatus::Credited, "đã ghi có".to_owned())]), status, "{cell}");
        }
        for status in LineStatus::ALL {
            assert_eq!(status_of(status.word(), &[]), Some(status));
        }
    }

    #[test]
    fn what_was_given_back_is_never_offered_as_credited() {
        for (cell, status) in [
            ("Đã hoàn", LineStatus::Reversed),
            ("Hoàn tiền", LineStatus::Reversed),
            ("Đã hủy", LineStatus::Reversed),
            ("Giao dịch không thực hiện", LineStatus::Failed),
            ("Chờ duyệt", LineStatus::Open),
            ("Đã hoàn tất việc ghi", LineStatus::Credited),
            ("Đã ghi có", LineStatus::Credited),
        ] {
            assert_eq!(likely(cell), status, "{cell}");
        }
    }

    #[test]
    fn columns_are_found_by_header_or_by_hand() {
        let resolved = |cells: &[&str], named: &[(StatementColumn, &str)]| {
            let named: Vec<_> = named.iter().map(|(column, header)| (*column, (*header).to_owned())).collect();
            resolve(1, cells, &named).map(|header| header.of).map_err(|problem| problem.message)
        };
        let vietnamese = ["STT", "Mã đơn hàng", "SĐT", "Số điểm", "Ngày giao dịch", "Trạng thái"];
        assert_eq!(resolved(&vietnamese, &[]), Ok([Some(1), Some(2), Some(3), Some(4), Some(5)]));
        let english = ["Order ID", "Mobile", "Amount", "Created at", "Date", "Status", "Ref"];
        assert_eq!(resolved(&english, &[]), Ok([Some(0), Some(1), Some(2), Some(3), Some(5)]));
        assert_eq!(resolved(&english, &[(StatementColumn::InvoiceNo, "ref")]).unwrap()[0], Some(6));
        let message = resolved(&["Order no", "Invoice no", "Points"], &[]).unwrap_err();
        assert!(message.contains("«Order no» (column A) and «Invoice no» (column B)"), "{message}");
        let both = [(StatementColumn::Status, "Points")];
        assert_eq!(missing(&["Invoice", "Points"], &both.map(|(c, h)| (c, h.to_owned()))), [StatementColumn::Points]);
    }
}
