//! Defines a line of the provider's statement, and compares the lines of a payout with what was planned and what the
//! ledger says of it.

use super::invoice_no::InvoiceNo;
use super::payout::TopUp;
use super::payout_status::State;
use super::phone::PhoneNumber;

/// What a statement says became of an order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LineStatus {
    /// The member got the points.
    Credited,
    /// Nothing was credited.
    Failed,
    /// Not decided yet.
    Open,
    /// The points were credited, and taken back.
    Reversed,
}

impl LineStatus {
    /// Every status.
    pub const ALL: [Self; 4] = [Self::Credited, Self::Failed, Self::Open, Self::Reversed];

    /// The word for it, in `--status` and in JSON.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Credited => "credited",
            Self::Failed => "failed",
            Self::Open => "open",
            Self::Reversed => "reversed",
        }
    }

    /// Reads what [`LineStatus::word`] writes.
    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|status| status.word() == word)
    }
}

/// A phone as a statement shows it: often with its middle hidden.
///
/// `Debug` hides the middle of a whole one too.
#[derive(Clone, PartialEq, Eq)]
pub enum ShownPhone {
    /// All ten digits.
    Whole(PhoneNumber),
    /// What is left at both ends.
    Masked {
        /// The first digits, from the leading zero on.
        head: String,
        /// The last digits.
        tail: String,
    },
}

impl ShownPhone {
    /// The fewest digits of a masked number that say anything about whose it is.
    const DIGITS_MIN: usize = 3;

    /// Reads a number, whole in any spelling or with its middle hidden.
    #[must_use]
    pub fn read(text: &str) -> Option<Self> {
        PhoneNumber::spelt(text).map(Self::Whole).or_else(|| Self::masked(text))
    }

    /// Reads a number whose middle is hidden behind one run of marks: `090***4567`, `84 90xxxx567`.
    #[must_use]
    pub fn masked(text: &str) -> Option<Self> {
        let is_mark = |c: char| matches!(c, '*' | 'x' | 'X' | '#' | '•');
        let plain: String = text.chars().filter(|c| !matches!(c, ' ' | '.' | '-' | '+' | '\u{a0}')).collect();
        let (head, rest) = plain.split_once(is_mark)?;
        let tail = rest.trim_start_matches(is_mark);
        let head = match head.strip_prefix("84") {
            Some(national) => format!("0{national}"),
            None if head.is_empty() || head.starts_with('0') => head.to_owned(),
            None => format!("0{head}"),
        };
        let digits = head.len() + tail.len();
        let is_one = [head.as_str(), tail].iter().all(|part| part.bytes().all(|byte| byte.is_ascii_digit()));
        (is_one && (Self::DIGITS_MIN..10).contains(&digits)).then(|| Self::Masked { head, tail: tail.to_owned() })
    }

    /// Whether it can be this number.
    #[must_use]
    pub fn fits(&self, phone: PhoneNumber) -> bool {
        match self {
            Self::Whole(whole) => *whole == phone,
            Self::Masked { head, tail } => phone.as_str().starts_with(head) && phone.as_str().ends_with(tail),
        }
    }

    /// For reports: never the whole number.
    #[must_use]
    pub fn shown(&self) -> String {
        match self {
            Self::Whole(phone) => phone.masked(),
            Self::Masked { head, tail } => format!("{head}***{tail}"),
        }
    }
}

impl std::fmt::Debug for ShownPhone {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.shown())
    }
}

/// One line of a statement that concerns us.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// The row in the spreadsheet.
    pub row: u64,
    /// Under which number.
    pub number: InvoiceNo,
    /// The phone of the account that the line speaks of, whole or masked; `None` where it names none.
    pub phone: Option<ShownPhone>,
    /// How many points.
    pub points: Option<u64>,
    /// What became of it.
    pub status: LineStatus,
    /// When, as the statement writes it.
    pub time: Option<String>,
}

/// One thing in which statement, plan and ledger differ over a payout. The worst come first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Difference {
    /// Credited more than once, under one number or under two.
    CreditedTwice,
    /// Credited under the number of an earlier attempt.
    EarlierNumber,
    /// The statement says credited, the ledger says that nothing was.
    NotHere,
    /// The statement says credited, and the ledger does not know.
    DoubtCredited,
    /// The statement says that it failed, and the ledger does not know.
    DoubtFailed,
    /// The ledger says credited, the statement says that it failed.
    FailedThere,
    /// The statement has not decided.
    OpenThere,
    /// The statement takes points back.
    TakenBack,
    /// Another amount than planned.
    Points,
    /// Another phone than planned.
    Phone,
    /// The ledger says credited, and the statement does not have it.
    NotThere,
}

impl Difference {
    /// The word for it in JSON.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::CreditedTwice => "credited_twice",
            Self::EarlierNumber => "earlier_number",
            Self::NotHere | Self::DoubtCredited | Self::DoubtFailed | Self::FailedThere | Self::OpenThere => "status",
            Self::TakenBack => "taken_back",
            Self::Points => "points",
            Self::Phone => "phone",
            Self::NotThere => "missing",
        }
    }

    /// What it is, for people.
    #[must_use]
    pub fn text(self) -> &'static str {
        match self {
            Self::CreditedTwice => "credited more than once",
            Self::EarlierNumber => "credited under the number of an earlier attempt",
            Self::NotHere => "the statement says credited, the ledger does not",
            Self::DoubtCredited => "in doubt here, and credited on the statement",
            Self::DoubtFailed => "in doubt here, and failed on the statement",
            Self::FailedThere => "the ledger says credited, the statement says failed",
            Self::OpenThere => "the statement has not decided yet",
            Self::TakenBack => "the statement takes the points back",
            Self::Points => "another amount than planned",
            Self::Phone => "another phone than planned",
            Self::NotThere => "the ledger says credited, the statement does not have it",
        }
    }
}

/// Holds the lines of a payout, under whichever of its numbers, against its plan and its state. Empty: they agree.
///
/// A statement proves that an order is there, and never that it is not: what is not credited here and not on it agrees.
#[must_use]
pub fn differences(top_up: &TopUp, state: State, lines: &[Line]) -> Vec<Difference> {
    let credits: Vec<&Line> = lines.iter().filter(|line| line.status == LineStatus::Credited).collect();
    let has = |status| lines.iter().any(|line| line.number == top_up.invoice_no && line.status == status);
    let mut found = Vec::new();
    let mut note = |holds: bool, difference| {
        if holds {
            found.push(difference);
        }
    };
    note(credits.len() > 1, Difference::CreditedTwice);
    note(credits.iter().any(|line| line.number != top_up.invoice_no), Difference::EarlierNumber);
    let is_credited_here = state == State::Credited;
    let is_in_doubt = state == State::InDoubt;
    if credits.is_empty() {
        note(is_in_doubt && has(LineStatus::Failed), Difference::DoubtFailed);
        note(is_credited_here && has(LineStatus::Failed), Difference::FailedThere);
        let told = [LineStatus::Failed, LineStatus::Open, LineStatus::Reversed].into_iter().any(has);
        note(is_credited_here && !told, Difference::NotThere);
    } else {
        note(is_in_doubt, Difference::DoubtCredited);
        note(!is_in_doubt && !is_credited_here, Difference::NotHere);
    }
    // A line that was open before its order was credited is no difference; an earlier attempt that is still open is.
    let is_open =
        |line: &Line| line.status == LineStatus::Open && !credits.iter().any(|credit| credit.number == line.number);
    note(lines.iter().any(is_open), Difference::OpenThere);
    note(lines.iter().any(|line| line.status == LineStatus::Reversed), Difference::TakenBack);
    let planned = Some(u64::from(top_up.points.value()));
    note(credits.iter().any(|line| line.points != planned), Difference::Points);
    let is_other = |phone: &ShownPhone| top_up.member.phone().is_some_and(|planned| !phone.fits(planned));
    note(lines.iter().any(|line| line.phone.as_ref().is_some_and(is_other)), Difference::Phone);
    found.sort_unstable();
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::member::Member;
    use crate::domain::points::Points;

    fn top_up() -> TopUp {
        TopUp {
            invoice_no: InvoiceNo::parse("NOW").unwrap(),
            member: Member::Phone(PhoneNumber::parse("0901234567").unwrap()),
            points: Points::new(500).unwrap(),
            send_sms: true,
            receipt: None,
        }
    }

    fn line(number: &str, status: LineStatus) -> Line {
        let number = InvoiceNo::parse(number).unwrap();
        Line { row: 2, number, phone: None, points: Some(500), status, time: None }
    }

    #[test]
    fn a_masked_phone_fits_the_numbers_that_it_can_be() {
        let phone = PhoneNumber::parse("0901234567").unwrap();
        for (text, fits) in [
            ("090***4567", Some(true)),
            ("84 90****567", Some(true)),
            ("+8490xxx4567", Some(true)),
            ("90***4567", Some(true)),
            ("*******567 ", Some(true)),
            ("*******67", None),
            ("******4567", Some(true)),
            ("091***4567", Some(false)),
            ("090***4568", Some(false)),
            ("0901234567", None),
            ("090**45*67", None),
            ("0901234567*", None),
            ("VIP***4567", None),
        ] {
            assert_eq!(ShownPhone::masked(text).map(|shown| shown.fits(phone)), fits, "{text}");
        }
        assert_eq!(format!("{:?}", ShownPhone::Whole(phone)), "090***4567");
    }

    #[test]
    fn each_state_agrees_with_what_it_implies_and_with_nothing_else() {
        use Difference as D;
        use LineStatus as L;
        use State as S;
        for (state, statuses, expected) in [
            (S::Credited, vec![L::Credited], vec![]),
            (S::Credited, vec![L::Failed, L::Credited], vec![]),
            (S::Credited, vec![], vec![D::NotThere]),
            (S::Credited, vec![L::Failed], vec![D::FailedThere]),
            (S::Credited, vec![L::Open], vec![D::OpenThere]),
            (S::Credited, vec![L::Credited, L::Reversed], vec![D::TakenBack]),
            (S::Credited, vec![L::Credited, L::Credited], vec![D::CreditedTwice]),
            (S::InDoubt, vec![], vec![]),
            (S::InDoubt, vec![L::Credited], vec![D::DoubtCredited]),
            (S::InDoubt, vec![L::Failed], vec![D::DoubtFailed]),
            (S::Declined, vec![], vec![]),
            (S::Declined, vec![L::Failed], vec![]),
            (S::Declined, vec![L::Credited], vec![D::NotHere]),
            (S::Planned, vec![L::Credited], vec![D::NotHere]),
            (S::Planned, vec![L::Open], vec![D::OpenThere]),
            (S::Ineligible, vec![], vec![]),
            (S::Held, vec![L::Credited], vec![D::NotHere]),
            (S::Cancelled, vec![L::Credited], vec![D::NotHere]),
        ] {
            let lines: Vec<Line> = statuses.iter().map(|status| line("NOW", *status)).collect();
            assert_eq!(differences(&top_up(), state, &lines), expected, "{state:?} {statuses:?}");
        }
    }

    #[test]
    fn an_earlier_number_that_was_credited_is_found_however_the_payout_stands() {
        let earlier = line("BEFORE", LineStatus::Credited);
        let found = |state, lines: &[Line]| differences(&top_up(), state, lines);
        assert_eq!(found(State::Credited, std::slice::from_ref(&earlier)), [Difference::EarlierNumber]);
        assert_eq!(
            found(State::Planned, std::slice::from_ref(&earlier)),
            [Difference::EarlierNumber, Difference::NotHere]
        );
        let both = [earlier, line("NOW", LineStatus::Credited)];
        assert_eq!(found(State::Credited, &both), [Difference::CreditedTwice, Difference::EarlierNumber]);
        // An attempt that failed, and the one after it that did not: as it should be.
        let retried = [line("BEFORE", LineStatus::Failed), line("NOW", LineStatus::Credited)];
        assert_eq!(found(State::Credited, &retried), []);
        let still_open = [line("BEFORE", LineStatus::Open), line("NOW", LineStatus::Credited)];
        assert_eq!(found(State::Credited, &still_open), [Difference::OpenThere]);
    }

    #[test]
    fn another_amount_or_phone_is_a_difference() {
        let mut other = line("NOW", LineStatus::Credited);
        other.points = Some(5000);
        other.phone = ShownPhone::masked("091***4567");
        assert_eq!(differences(&top_up(), State::Credited, &[other]), [Difference::Points, Difference::Phone]);
    }
}
