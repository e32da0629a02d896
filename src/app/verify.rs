//! Compares a batch with its own history, and then with the gateway, number by number.

use super::audit::audit;
use super::clock::unix_ms;
use super::context::{Context, News};
use super::failure::{Ending, Failure};
use super::pay::{asking, early_end};
use super::runtime::block_on;
use crate::domain::event::OrderAnswer;
use crate::domain::invoice_no::InvoiceNo;
use crate::domain::member::Member;
use crate::domain::payout_status::State;
use crate::engine::{self, Asked, Inquiry};
use crate::ledger::{Access, Audit, Batch, LedgerError, PurgeKey, Purpose, RunLedger};
use std::sync::Arc;
use std::time::Duration;

/// Differences that are listed; the rest is counted.
const LISTED_MAX: usize = 1000;

/// Digits of a head: enough that no other hash of a history begins with them, and all.
const HEAD_DIGITS_MIN: usize = 8;
const HEAD_DIGITS_MAX: usize = 64;

/// A batch that is to be verified.
#[derive(Clone, Debug)]
pub struct VerifyRequest {
    /// The batch.
    pub batch: String,
    /// Only its own history; no call is made.
    pub offline: bool,
    /// What an earlier summary said that the history ends with, in hexadecimal digits: it has to be in there still.
    pub head: Option<String>,
}

/// What was found.
pub struct Verified {
    /// How it went.
    pub ending: Ending,
    /// The batch.
    pub batch: Batch,
    /// Its history.
    pub audit: Audit,
    /// What the gateway said; `None`: it was not asked.
    pub answers: Option<Answers>,
}

/// What the gateway said against the ledger.
#[derive(Debug, Default)]
pub struct Answers {
    /// Numbers that were asked about.
    pub asked: u64,
    /// Those without a usable answer.
    pub unanswered: u64,
    /// Of those, the first.
    pub unanswered_listed: Vec<Listed>,
    /// Numbers of which the gateway says something else.
    pub difference_count: u64,
    /// Of those, the first.
    pub differences: Vec<Listed>,
    /// How long it took.
    pub elapsed: Duration,
}

/// A number, and what was found.
#[derive(Clone, Debug)]
pub struct Listed {
    /// The row in the file.
    pub row: u64,
    /// The number.
    pub invoice_no: InvoiceNo,
    /// What the ledger said.
    pub state: State,
    /// What the gateway says.
    pub found: String,
}

impl Listed {
    fn new(asked: &Asked, found: &str) -> Self {
        let (row, invoice_no) = (asked.payout.row, asked.payout.top_up.invoice_no.clone());
        Self { row, invoice_no, state: asked.before, found: found.to_owned() }
    }
}

/// Verifies a batch.
pub fn verify(context: Context<'_>, request: &VerifyRequest) -> Result<Verified, Failure> {
    let head = request.head.as_deref().map(head_of).transpose()?;
    let head = head.as_deref();
    if request.offline {
        // At one moment: a run beside it goes on, and what it writes meanwhile would look like a difference.
        return context.open_to_read()?.at_one_moment(|ledger| {
            let batch = ledger.batch(&request.batch)?;
            let audit = audit(ledger, &batch, head)?;
            Ok(verified(batch, audit, None))
        });
    }
    let under = context.settings.under(Purpose::Ask, None, unix_ms())?;
    // Everything that can be wrong with the set-up shows before the ledger is touched.
    context.settings.gateway()?;
    asking(context)?;
    let (ledger, _lock) = context.open_locked("verify", Access::Write)?;
    let batch = ledger.batch(&request.batch)?;
    ledger.check_binding(Some(&batch), &under.binding)?;
    let audit = audit(&ledger, &batch, head)?;
    let key = match batch.purged_at {
        None => None,
        Some(_) => ledger.purge_key().map_err(|error| unknown_members(context, &error)).ok().flatten(),
    };
    let ledger = match ledger.into_run(batch.id, &under) {
        // Nothing is written into such a ledger, answers of the gateway neither: what differs is what the audit lists.
        Err(LedgerError::Unsound { .. }) if audit.finding_count > 0 => return Ok(verified(batch, audit, None)),
        opened => opened?,
    };
    let (answers, early) = ask(context, &ledger, key.as_ref())?;
    let batch = ledger.batch()?;
    ledger.close()?;
    match early {
        Some(failure) if audit.finding_count + answers.difference_count == 0 => Err(failure),
        Some(_) | None => Ok(verified(batch, audit, Some(answers))),
    }
}

/// The end of a history as an earlier summary printed it, or its beginning: fewer digits would be found in any history.
fn head_of(typed: &str) -> Result<String, Failure> {
    if (HEAD_DIGITS_MIN..=HEAD_DIGITS_MAX).contains(&typed.len()) && typed.bytes().all(|byte| byte.is_ascii_hexdigit())
    {
        return Ok(typed.to_ascii_lowercase());
    }
    let message = format!(
        "--head needs {HEAD_DIGITS_MIN} to {HEAD_DIGITS_MAX} hexadecimal digits, has {typed:?}\nhint: it is what a \
         summary printed behind `history ends with`"
    );
    Err(Failure::said(Ending::Usage, "head", message))
}

/// Asks about every number ever sent; gives why it ended early, too.
fn ask(
    context: Context<'_>,
    ledger: &RunLedger,
    key: Option<&PurgeKey>,
) -> Result<(Answers, Option<Failure>), Failure> {
    let numbers = ledger.verifiable_numbers()?.into_iter();
    let inquiries: Vec<Inquiry> =
        numbers.map(|(payout, number, in_use)| Inquiry { payout, earlier: (!in_use).then_some(number) }).collect();
    context.door.tell(&News::AskingAbout(inquiries.len() as u64));
    let (settings, gateway) = (asking(context)?, Arc::new(context.settings.gateway()?));
    let mut answers = Answers::default();
    let report = block_on(async {
        let mut shutdown = context.door.stop_signal()?;
        let take = |asked: &Asked| {
            answers.take(asked, key);
            None
        };
        engine::ask(&settings, ledger, gateway, unix_ms, &mut shutdown, inquiries, take).await.map_err(Failure::from)
    })?;
    context.note_trouble(settings.shared_pace.as_ref());
    answers.elapsed = report.elapsed;
    Ok((answers, early_end(report.stop.as_ref(), report.interrupted)))
}

fn verified(batch: Batch, audit: Audit, answers: Option<Answers>) -> Verified {
    let differences = answers.as_ref().map_or(0, |answers| answers.difference_count);
    let unanswered = answers.as_ref().map_or(0, |answers| answers.unanswered);
    let ending = match (audit.finding_count + differences, unanswered) {
        (0, 0) => Ending::Done,
        (0, _) => Ending::Unfinished,
        (_, _) => Ending::Differs,
    };
    Verified { ending, batch, audit, answers }
}

/// Without its key everything of a purged batch is verified but one thing.
fn unknown_members(context: Context<'_>, error: &LedgerError) {
    let note = format!("should the gateway name the phones that it paid, they are not compared: {error}");
    context.door.tell(&News::Note(&note));
}

/// Whether a purged payout went to another phone than the gateway names; of an unpurged one the domain judges that.
fn is_other_member(asked: &Asked, key: Option<&PurgeKey>) -> bool {
    match (&asked.payout.top_up.member, asked.phone, key) {
        (Member::Purged { phone: Some(hash), .. }, Some(phone), Some(key)) => key.member(phone.as_str()) != *hash,
        (Member::Purged { .. } | Member::Phone(_) | Member::Card { .. } | Member::UserId { .. }, ..) => false,
    }
}

impl Answers {
    fn take(&mut self, asked: &Asked, key: Option<&PurgeKey>) {
        self.asked += 1;
        if is_other_member(asked, key) {
            return self.differs(asked, "the gateway names another phone than the batch paid");
        }
        let difference = match (asked.is_earlier, asked.before, asked.answer) {
            (_, _, OrderAnswer::AskAgain | OrderAnswer::Unclear | OrderAnswer::Undecided) => {
                return self.left_open(asked);
            }
            (_, _, OrderAnswer::OtherOrder) => "the gateway names another phone or amount than the batch paid",
            (true, _, OrderAnswer::Success) => "a number of an earlier attempt was credited",
            (true, _, OrderAnswer::Absent) => "the gateway no longer knows a number of an earlier attempt",
            (false, State::Credited, OrderAnswer::Failed) => "the ledger says credited, the gateway says failed",
            (false, State::Credited, OrderAnswer::Absent) => "the ledger says credited, the gateway does not know it",
            (
                false,
                State::Planned | State::Declined | State::Ineligible | State::Held | State::Cancelled,
                OrderAnswer::Success,
            ) => "the ledger said that it was not paid, the gateway says credited: now recorded as credited",
            (true, _, OrderAnswer::Failed)
            | (false, State::Credited | State::InDoubt, OrderAnswer::Success)
            | (
                false,
                State::Planned | State::InDoubt | State::Declined | State::Ineligible | State::Held | State::Cancelled,
                OrderAnswer::Failed | OrderAnswer::Absent,
            ) => return,
        };
        self.differs(asked, difference);
    }

    fn left_open(&mut self, asked: &Asked) {
        self.unanswered += 1;
        if self.unanswered_listed.len() < LISTED_MAX {
            self.unanswered_listed.push(Listed::new(asked, &asked.message));
        }
    }

    fn differs(&mut self, asked: &Asked, difference: &str) {
        self.difference_count += 1;
        if self.differences.len() < LISTED_MAX {
            self.differences.push(Listed::new(asked, difference));
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
    use crate::ledger::Ledger;
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
