//! Holds what the gateway said of each number that was asked about against what the ledger says.

use crate::domain::event::OrderAnswer;
use crate::domain::invoice_no::InvoiceNo;
use crate::domain::member::Member;
use crate::domain::payout_status::State;
use crate::engine::Asked;
use crate::ledger::{PurgeKey, Size};
use std::time::Duration;

/// Numbers of each kind that are listed; the rest is counted.
pub const LISTED_MAX: usize = 1000;

/// What the gateway said against the ledger.
#[derive(Debug, Default)]
pub struct Answers {
    /// Numbers that were asked about.
    pub asked: u64,
    /// Of which both say the same, and their points.
    pub equal: Size,
    /// Those without a usable answer.
    pub unanswered: u64,
    /// Their points.
    pub unanswered_points: u64,
    /// Of those, the first.
    pub unanswered_listed: Vec<Listed>,
    /// Numbers of which the gateway says something else.
    pub difference_count: u64,
    /// Their points.
    pub difference_points: u64,
    /// Of those, the first.
    pub differences: Vec<Listed>,
    /// What the ledger says is credited.
    pub credited_here: Size,
    /// What the gateway says is credited.
    pub credited_there: Size,
    /// How long it took.
    pub elapsed: Duration,
}

/// What the gateway says that the ledger does not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Difference {
    /// It names another phone than the batch paid.
    OtherPhone,
    /// It names another phone or amount.
    OtherOrder,
    /// A number of an earlier attempt was credited.
    EarlierCredited,
    /// It no longer knows a number of an earlier attempt.
    EarlierAbsent,
    /// What the ledger says is credited failed.
    FailedThere,
    /// It does not know what the ledger says is credited.
    AbsentThere,
    /// What the ledger said was not paid is credited, and recorded so now.
    CreditedThere,
}

impl Difference {
    /// In words.
    #[must_use]
    pub fn text(self) -> &'static str {
        match self {
            Self::OtherPhone => "the gateway names another phone than the batch paid",
            Self::OtherOrder => "the gateway names another phone or amount than the batch paid",
            Self::EarlierCredited => "a number of an earlier attempt was credited",
            Self::EarlierAbsent => "the gateway no longer knows a number of an earlier attempt",
            Self::FailedThere => "the ledger says credited, the gateway says failed",
            Self::AbsentThere => "the ledger says credited, the gateway does not know it",
            Self::CreditedThere => {
                "the ledger said that it was not paid, the gateway says credited: now recorded as credited"
            }
        }
    }
}

/// A number, and what was found.
#[derive(Clone, Debug)]
pub struct Listed {
    /// The row in the file.
    pub row: u64,
    /// The member, with the middle hidden.
    pub member: String,
    /// The points.
    pub points: u64,
    /// The number.
    pub invoice_no: InvoiceNo,
    /// What the ledger said.
    pub state: State,
    /// What the gateway says.
    pub found: String,
    /// Which difference it is; `None`: the gateway gave no usable answer.
    pub difference: Option<Difference>,
}

impl Listed {
    fn new(asked: &Asked, difference: Option<Difference>) -> Self {
        let top_up = &asked.payout.top_up;
        let found = difference.map_or_else(|| asked.message.clone(), |difference| difference.text().to_owned());
        Self {
            row: asked.payout.row,
            member: top_up.member.masked(),
            points: top_up.points.value().into(),
            invoice_no: top_up.invoice_no.clone(),
            state: asked.before,
            found,
            difference,
        }
    }
}

/// Whether a purged payout went to another phone than the gateway names; of an unpurged one the domain judges that.
fn is_other_member(asked: &Asked, key: Option<&PurgeKey>) -> bool {
    match (&asked.payout.top_up.member, asked.phone, key) {
        (Member::Purged { phone: Some(hash), .. }, Some(phone), Some(key)) => key.member(phone.as_str()) != *hash,
        (Member::Purged { .. } | Member::Phone(_) | Member::Card { .. } | Member::UserId { .. }, ..) => false,
    }
}

fn add(size: &mut Size, points: u64) {
    size.rows += 1;
    size.points += points;
}

impl Answers {
    /// Takes in an answer.
    pub(super) fn take(&mut self, asked: &Asked, key: Option<&PurgeKey>) {
        self.asked += 1;
        let points = asked.payout.top_up.points.value().into();
        if asked.before == State::Credited && !asked.is_earlier {
            add(&mut self.credited_here, points);
        }
        if asked.answer == OrderAnswer::Success {
            add(&mut self.credited_there, points);
        }
        if is_other_member(asked, key) {
            return self.differs(asked, Difference::OtherPhone);
        }
        let difference = match (asked.is_earlier, asked.before, asked.answer) {
            (_, _, OrderAnswer::AskAgain | OrderAnswer::Unclear | OrderAnswer::Undecided) => {
                return self.left_open(asked);
            }
            (_, _, OrderAnswer::OtherOrder) => Difference::OtherOrder,
            (true, _, OrderAnswer::Success) => Difference::EarlierCredited,
            (true, _, OrderAnswer::Absent) => Difference::EarlierAbsent,
            (false, State::Credited, OrderAnswer::Failed) => Difference::FailedThere,
            (false, State::Credited, OrderAnswer::Absent) => Difference::AbsentThere,
            (
                false,
                State::Planned | State::Declined | State::Ineligible | State::Held | State::Cancelled,
                OrderAnswer::Success,
            ) => Difference::CreditedThere,
            (true, _, OrderAnswer::Failed)
            | (false, State::Credited | State::InDoubt, OrderAnswer::Success)
            | (
                false,
                State::Planned | State::InDoubt | State::Declined | State::Ineligible | State::Held | State::Cancelled,
                OrderAnswer::Failed | OrderAnswer::Absent,
            ) => return add(&mut self.equal, points),
        };
        self.differs(asked, difference);
    }

    /// In the order of the file, as far as they are listed: answers come as they come.
    pub(super) fn sort(&mut self) {
        for listed in [&mut self.differences, &mut self.unanswered_listed] {
            listed.sort_by_key(|listed| listed.row);
        }
    }

    fn left_open(&mut self, asked: &Asked) {
        self.unanswered += 1;
        self.unanswered_points += u64::from(asked.payout.top_up.points.value());
        if self.unanswered_listed.len() < LISTED_MAX {
            self.unanswered_listed.push(Listed::new(asked, None));
        }
    }

    fn differs(&mut self, asked: &Asked, difference: Difference) {
        self.difference_count += 1;
        self.difference_points += u64::from(asked.payout.top_up.points.value());
        if self.differences.len() < LISTED_MAX {
            self.differences.push(Listed::new(asked, Some(difference)));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::payout::TopUp;
    use crate::domain::payout_status::PayoutStatus;
    use crate::domain::phone::PhoneNumber;
    use crate::domain::points::Points;
    use crate::domain::row_key::RowKey;
    use crate::ledger::{Access, Ledger};
    use crate::ledger::{Payout, PayoutId};

    #[test]
    fn the_phone_that_the_gateway_names_is_compared_with_the_hash_of_a_purged_one() {
        let folder = tempfile::tempdir().unwrap();
        let ledger = Ledger::open(&folder.path().join("topup.db"), Access::Create).unwrap();
        let key = ledger.purge_key_or_new().unwrap();
        let (phone, other) = (PhoneNumber::parse("0901234567"), PhoneNumber::parse("0901234568"));
        let hash = key.member("0901234567");
        let asked = |member: Member, phone| Asked {
            payout: Payout {
                id: PayoutId::nobodys(1),
                row: 2,
                key: RowKey::from_stored("PURGED:00".to_owned()),
                top_up: TopUp {
                    invoice_no: InvoiceNo::parse("TP1").unwrap(),
                    member,
                    points: Points::new(500).unwrap(),
                    send_sms: true,
                    receipt: None,
                },
                name: None,
                shares_member: false,
                has_history: true,
            },
            standing: PayoutStatus::default(),
            before: State::Credited,
            answer: OrderAnswer::Success,
            message: String::new(),
            phone,
            is_earlier: false,
        };
        let named = Member::purged(&hash, None).unwrap();
        let card = |phone: Option<&String>| Member::purged(&key.member("CARD:9704"), phone.cloned()).unwrap();
        for (member, phone, differences) in [
            (named.clone(), phone, 0),
            (named.clone(), other, 1),
            (named, None, 0),
            (card(Some(&hash)), phone, 0),
            (card(Some(&hash)), other, 1),
            // Nobody knows which phone the card's member has.
            (card(None), other, 0),
        ] {
            let mut answers = Answers::default();
            answers.take(&asked(member.clone(), phone), Some(&key));
            assert_eq!((answers.asked, answers.difference_count), (1, differences), "{member:?} {phone:?}");
        }
    }
}
