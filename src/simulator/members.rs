//! Knows the members of the loyalty programme: who they are, and what the gateway says about each.

use std::collections::HashMap;
use std::io::Read;

use super::error::SimulatorError;

/// What the gateway says about a phone number that is not in the directory.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum UnknownMembers {
    /// An active member without a name.
    #[default]
    Active,
    /// There is no such member.
    Absent,
}

/// The directory of members.
#[derive(Clone, Debug, Default)]
pub struct Members {
    members: Vec<Member>,
    by_phone: HashMap<String, usize>,
    by_card: HashMap<String, usize>,
    by_user: HashMap<String, usize>,
    unknown: UnknownMembers,
}

/// One member.
#[derive(Clone, Debug, Default)]
pub(super) struct Member {
    pub(super) phone: String,
    pub(super) card_no: String,
    pub(super) user_id: String,
    pub(super) full_name: String,
    /// `A`, `I` or `B`; empty leaves the field out of the answer.
    pub(super) status: String,
    /// `A` or `I`; empty leaves the field out of the answer.
    pub(super) card_status: String,
    /// What member info answers instead of 200.
    pub(super) check_code: Option<i64>,
    /// What a top-up answers instead of 200.
    pub(super) topup_code: Option<i64>,
}

/// How a request names a member.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum MemberRef<'a> {
    Phone(&'a str),
    Card(&'a str),
    UserId(&'a str),
}

impl Members {
    /// An empty directory: each phone number, card and user id is an active member without a name.
    #[must_use]
    pub fn everyone() -> Self {
        Self::default()
    }

    /// Reads a directory: CSV with the columns `phone`, `card_no`, `user_id`, `full_name`, `status`, `card_status`,
    /// `check_code` and `topup_code`, of which only `phone` is required. An empty status is `A`, `-` leaves it out
    /// of the answers; an empty code means that nothing is refused.
    ///
    /// # Errors
    /// When the text is no CSV, has another column, or a row makes no sense.
    pub fn from_csv(reader: impl Read) -> Result<Self, SimulatorError> {
        let mut rows = csv::ReaderBuilder::new().trim(csv::Trim::All).from_reader(reader);
        let columns = rows.headers()?.iter().map(column_of).collect::<Result<Vec<_>, _>>()?;
        if !columns.contains(&Column::Phone) {
            return Err(bad_row(1, "a column `phone`", "none"));
        }
        let mut directory = Self::default();
        for row in rows.records() {
            let row = row?;
            let line = row.position().map_or(0, csv::Position::line);
            let mut member = Member { status: "A".to_owned(), card_status: "A".to_owned(), ..Member::default() };
            for (column, text) in columns.iter().zip(&row) {
                fill(&mut member, *column, text, line)?;
            }
            directory.admit(member, line)?;
        }
        Ok(directory)
    }

    /// An active member more, with this name; a phone, card or user id that is in the directory already keeps its own.
    pub fn add_active(&mut self, phone: &str, card_no: &str, user_id: &str, full_name: &str) {
        let [phone, card_no, user_id, full_name] = [phone, card_no, user_id, full_name].map(str::to_owned);
        let (status, card_status) = ("A".to_owned(), "A".to_owned());
        let member = Member { phone, card_no, user_id, full_name, status, card_status, ..Member::default() };
        // The line is only for the message, which nobody sees.
        drop(self.admit(member, 0));
    }

    /// The same directory with another answer about phone numbers that are not in it.
    #[must_use]
    pub const fn with_unknown(mut self, unknown: UnknownMembers) -> Self {
        self.unknown = unknown;
        self
    }

    /// How many members the directory holds.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.members.len()
    }

    /// Whether the directory holds nobody.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.members.is_empty()
    }

    /// The member of that name, if the directory holds it.
    pub(super) fn find(&self, named: MemberRef<'_>) -> Option<&Member> {
        let place = match named {
            MemberRef::Phone(phone) => self.by_phone.get(phone),
            MemberRef::Card(card_no) => self.by_card.get(card_no),
            MemberRef::UserId(user_id) => self.by_user.get(user_id),
        };
        place.map(|&place| &self.members[place])
    }

    /// Whether somebody whom the directory does not hold is a member all the same.
    pub(super) const fn admits_unknown(&self) -> bool {
        matches!(self.unknown, UnknownMembers::Active)
    }

    /// The code with which a top-up of the member is refused.
    pub(super) fn top_up_refusal(&self, named: MemberRef<'_>) -> Option<i64> {
        let Some(member) = self.find(named) else {
            return (!self.admits_unknown()).then_some(4_000_315);
        };
        // What the pre-check would have said holds for the top-up too, in the top-up's own codes.
        let from_check = match member.check_code {
            None => None,
            Some(200_400) => Some(4_000_315),
            Some(200_300) => Some(4_000_306),
            Some(_) => Some(4_000_326),
        };
        let from_status = (member.status == "I" || member.status == "B").then_some(4_000_326);
        let from_card = (member.card_status == "I").then_some(4_000_306);
        member.topup_code.or(from_check).or(from_status).or(from_card)
    }

    fn admit(&mut self, member: Member, line: u64) -> Result<(), SimulatorError> {
        let place = self.members.len();
        let names = [
            (&mut self.by_phone, &member.phone),
            (&mut self.by_card, &member.card_no),
            (&mut self.by_user, &member.user_id),
        ];
        for (index, name) in names {
            if !name.is_empty() && index.insert(name.clone(), place).is_some() {
                return Err(bad_row(line, "a phone, card_no and user_id of its own", "one of an earlier row"));
            }
        }
        self.members.push(member);
        Ok(())
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Column {
    Phone,
    CardNo,
    UserId,
    FullName,
    Status,
    CardStatus,
    CheckCode,
    TopupCode,
}

fn column_of(header: &str) -> Result<Column, SimulatorError> {
    // Excel and many editors put a byte order mark in front of the first header.
    match header.trim_start_matches('\u{feff}') {
        "phone" => Ok(Column::Phone),
        "card_no" => Ok(Column::CardNo),
        "user_id" => Ok(Column::UserId),
        "full_name" => Ok(Column::FullName),
        "status" => Ok(Column::Status),
        "card_status" => Ok(Column::CardStatus),
        "check_code" => Ok(Column::CheckCode),
        "topup_code" => Ok(Column::TopupCode),
        other => Err(bad_row(
            1,
            "the columns phone, card_no, user_id, full_name, status, card_status, check_code, topup_code",
            other,
        )),
    }
}

fn fill(member: &mut Member, column: Column, text: &str, line: u64) -> Result<(), SimulatorError> {
    match column {
        Column::Phone => {
            if !is_phone(text) {
                // The number itself stays out of the message: it may end up in a log.
                return Err(bad_row(
                    line,
                    "a phone of 10 to 11 digits that starts with 0",
                    &format!("{} characters", text.chars().count()),
                ));
            }
            text.clone_into(&mut member.phone);
        }
        Column::CardNo => text.clone_into(&mut member.card_no),
        Column::UserId => text.clone_into(&mut member.user_id),
        Column::FullName => text.clone_into(&mut member.full_name),
        Column::Status => member.status = status(text, line)?,
        Column::CardStatus => member.card_status = status(text, line)?,
        Column::CheckCode => member.check_code = code(text, line)?,
        Column::TopupCode => member.topup_code = code(text, line)?,
    }
    Ok(())
}

fn status(text: &str, line: u64) -> Result<String, SimulatorError> {
    match text {
        "" => Ok("A".to_owned()),
        "-" => Ok(String::new()),
        text if text.chars().all(|c| c.is_ascii_uppercase()) => Ok(text.to_owned()),
        other => Err(bad_row(line, "a status such as A, I or B, or `-` for none", other)),
    }
}

fn code(text: &str, line: u64) -> Result<Option<i64>, SimulatorError> {
    if text.is_empty() {
        return Ok(None);
    }
    text.parse::<u32>()
        .map(|code| Some(i64::from(code)))
        .map_err(|_| bad_row(line, "a code of the gateway, or nothing", text))
}

/// Digits, 10 to 11 of them, the first a zero.
pub(super) fn is_phone(text: &str) -> bool {
    (10..=11).contains(&text.len()) && text.starts_with('0') && text.bytes().all(|byte| byte.is_ascii_digit())
}

fn bad_row(line: u64, expected: &'static str, found: &str) -> SimulatorError {
    SimulatorError::Members { line, expected, found: found.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEADER: &str = "phone,card_no,user_id,full_name,status,card_status,check_code,topup_code\n";

    fn directory(rows: &str) -> Result<Members, SimulatorError> {
        Members::from_csv(format!("{HEADER}{rows}").as_bytes())
    }

    #[test]
    fn members_are_found_by_each_of_their_names() {
        let members = directory("0901234567,9700000001,U1,Nguyễn An,,,,\n").unwrap();
        for named in [MemberRef::Phone("0901234567"), MemberRef::Card("9700000001"), MemberRef::UserId("U1")] {
            assert_eq!(members.find(named).unwrap().full_name, "Nguyễn An");
        }
        assert!(members.find(MemberRef::Phone("0901234568")).is_none());
        assert_eq!(members.len(), 1);
        assert!(!members.is_empty());
    }

    #[test]
    fn a_top_up_is_refused_for_what_the_directory_says() {
        for (row, expected) in [
            ("0901234567,,,An,,,,", None),
            ("0901234567,,,An,A,A,,4000318", Some(4_000_318)),
            ("0901234567,,,An,I,A,,", Some(4_000_326)),
            ("0901234567,,,An,B,A,,", Some(4_000_326)),
            ("0901234567,,,An,A,I,,", Some(4_000_306)),
            ("0901234567,,,An,,,200400,", Some(4_000_315)),
            ("0901234567,,,An,,,200300,", Some(4_000_306)),
            ("0901234567,,,An,,,200301,", Some(4_000_326)),
        ] {
            assert_eq!(directory(row).unwrap().top_up_refusal(MemberRef::Phone("0901234567")), expected, "{row}");
        }
        let everyone = Members::everyone();
        assert_eq!(everyone.top_up_refusal(MemberRef::Card("1")), None);
        let nobody = Members::everyone().with_unknown(UnknownMembers::Absent);
        assert_eq!(nobody.top_up_refusal(MemberRef::Card("1")), Some(4_000_315));
    }

    #[test]
    fn rows_that_make_no_sense_are_refused_with_their_line() {
        for (rows, expected) in [
            (
                "901234567,,,An,,,,",
                "line 2: expected a phone of 10 to 11 digits that starts with 0, found \"9 characters\"",
            ),
            ("0901234567,,,An,a,,,", "line 2: expected a status such as A, I or B, or `-` for none, found \"a\""),
            ("0901234567,,,An,,,x,", "line 2: expected a code of the gateway, or nothing, found \"x\""),
            ("0901234567,,,An,,,,\n0901234567,,,Bo,,,,", "line 3: expected a phone, card_no and user_id of its own"),
        ] {
            let message = directory(rows).unwrap_err().to_string();
            assert!(message.contains(expected), "{message}");
        }
        let message = Members::from_csv("phone,name\n".as_bytes()).unwrap_err().to_string();
        assert!(message.ends_with("found \"name\""), "{message}");
    }
}
