//! `topup verify`: holds a batch against its own history, and then against the gateway, number by number.

use super::args::VerifyArgs;
use super::context::{Context, unix_ms};
use super::execute::{asking, block_on, early_end};
use super::failure::{Exit, Failure};
use super::interrupt::Interrupt;
use super::output::Report;
use super::setup;
use crate::domain::event::OrderAnswer;
use crate::domain::member::Member;
use crate::domain::payout_status::State;
use crate::engine::{self, Asked, Inquiry, RunReport};
use crate::ledger::{Access, Audit, Batch, Ledger, LedgerError, PurgeKey, Purpose};
use crate::plan;
use crate::report::{counted, grouped};
use serde_json::json;
use std::fmt::Write;
use std::sync::Arc;

/// Differences that are listed; the rest is counted.
const LISTED_MAX: usize = 1000;
/// Of those, the ones that are printed for people.
const PRINTED_MAX: usize = 20;

/// Digits of a head: enough that no other hash of a history begins with them, and all.
const HEAD_DIGITS_MIN: usize = 8;
const HEAD_DIGITS_MAX: usize = 64;

/// What the gateway said against the ledger.
#[derive(Debug, Default)]
struct Answers {
    asked: u64,
    unanswered: u64,
    /// Of those, which, and what was said of them.
    unanswered_listed: Vec<serde_json::Value>,
    differences: Vec<serde_json::Value>,
    difference_count: u64,
}

pub(super) fn verify(context: &Context, args: &VerifyArgs) -> Result<Report, Failure> {
    let head = args.head.as_deref().map(head).transpose()?;
    if args.offline {
        // At one moment: a run beside it goes on, and what it writes meanwhile would look like a difference.
        return context.open_to_read()?.at_one_moment(|ledger| {
            let batch = ledger.batch(&args.batch)?;
            let audit = audit(ledger, &batch, head.as_deref())?;
            Ok(report(&batch, &audit, None))
        });
    }
    let under = setup::under(&context.config, Purpose::Ask)?;
    let gateway = Arc::new(setup::gateway(&context.config)?);
    let settings = asking(context)?;
    let (ledger, _lock) = context.open_locked("verify", Access::Write)?;
    let batch = ledger.batch(&args.batch)?;
    ledger.check_binding(Some(&batch), &under.binding)?;
    let audit = audit(&ledger, &batch, head.as_deref())?;
    let key = match batch.purged_at {
        None => None,
        Some(_) => ledger.purge_key().map_err(|error| context.output.note(&unknown_members(&error))).ok().flatten(),
    };
    let ledger = match ledger.into_run(batch.id, &under) {
        // Nothing is written into such a ledger, answers of the gateway neither: what differs is what the audit lists.
        Err(LedgerError::Unsound { .. }) if audit.finding_count > 0 => return Ok(report(&batch, &audit, None)),
        opened => opened?,
    };
    let inquiries: Vec<Inquiry> = ledger
        .verifiable_numbers()?
        .into_iter()
        .map(|(payout, number, in_use)| Inquiry { payout, earlier: (!in_use).then_some(number) })
        .collect();
    context.output.note(&format!("asking the gateway about {}", counted(inquiries.len() as u64, "number")));
    let mut answers = Answers::default();
    let asked = block_on(async {
        let mut shutdown = Interrupt::listen()?;
        let take = |asked: &Asked| {
            answers.take(asked, key.as_ref());
            None
        };
        engine::ask(&settings, &ledger, gateway, unix_ms, &mut shutdown, inquiries, take).await.map_err(Failure::from)
    })?;
    context.note_trouble(settings.shared_pace.as_ref());
    let batch = ledger.batch()?;
    ledger.close()?;
    if audit.finding_count + answers.difference_count == 0
        && let Some(failure) = early_end(asked.stop.as_ref(), asked.interrupted)
    {
        return Err(failure);
    }
    Ok(report(&batch, &audit, Some((&answers, &asked))))
}

/// The end of a history as an earlier summary printed it, or its beginning: fewer digits would be found in any history.
fn head(typed: &str) -> Result<String, Failure> {
    if (HEAD_DIGITS_MIN..=HEAD_DIGITS_MAX).contains(&typed.len()) && typed.bytes().all(|byte| byte.is_ascii_hexdigit())
    {
        return Ok(typed.to_ascii_lowercase());
    }
    let message = format!(
        "--head needs {HEAD_DIGITS_MIN} to {HEAD_DIGITS_MAX} hexadecimal digits, has {typed:?}\nhint: it is what a \
         summary printed behind `history ends with`"
    );
    Err(Failure::new(Exit::Usage, "head", anyhow::anyhow!(message)))
}

/// The history, and the seal of the plan.
fn audit(ledger: &Ledger, batch: &Batch, head: Option<&str>) -> Result<Audit, Failure> {
    let mut audit = ledger.audit(batch, head)?;
    // A purged batch was sealed anew, which the audit looked at.
    if batch.purged_at.is_none() && !plan::is_sealed(ledger, batch)? {
        audit.find("the payouts are not those that the plan was sealed with".to_owned());
    }
    Ok(audit)
}

/// Without its key everything of a purged batch is verified but one thing.
fn unknown_members(error: &LedgerError) -> String {
    format!("note: should the gateway name the phones that it paid, they are not compared: {error}")
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
            self.unanswered_listed.push(json!({
                "row": asked.payout.row,
                "invoice_no": asked.payout.top_up.invoice_no.as_str(),
                "state": asked.before.word(),
                "said": asked.message,
            }));
        }
    }

    fn differs(&mut self, asked: &Asked, difference: &str) {
        self.difference_count += 1;
        if self.differences.len() < LISTED_MAX {
            self.differences.push(json!({
                "row": asked.payout.row,
                "invoice_no": asked.payout.top_up.invoice_no.as_str(),
                "state": asked.before.word(),
                "difference": difference,
            }));
        }
    }
}

fn report(batch: &Batch, audit: &Audit, online: Option<(&Answers, &RunReport)>) -> Report {
    let head = batch.chain_head.to_string();
    let differences = online.map_or(0, |(answers, _)| answers.difference_count);
    let unanswered = online.map_or(0, |(answers, _)| answers.unanswered);
    let exit = match (audit.finding_count + differences, unanswered) {
        (0, 0) => Exit::Done,
        (0, _) => Exit::Unfinished,
        (_, _) => Exit::Differs,
    };
    let verdict = match exit {
        Exit::Done => "agree",
        Exit::Unfinished => "unanswered",
        Exit::Failed
        | Exit::Usage
        | Exit::Refused
        | Exit::Partial
        | Exit::Locked
        | Exit::Credentials
        | Exit::Differs
        | Exit::Waits
        | Exit::Interrupted => "differ",
    };
    let mut text = format!(
        "batch {}: {} and {} looked at, {} found\n",
        batch.name,
        counted(audit.payouts, "payout"),
        counted(audit.events, "event"),
        counted(audit.finding_count, "difference")
    );
    if let Some(day) = batch.purged_on() {
        let _ = writeln!(text, "purged on {day}: what is left of it was looked at");
    }
    for finding in audit.findings.iter().take(PRINTED_MAX) {
        let _ = writeln!(text, "  {finding}");
    }
    if let Some((answers, asked)) = online {
        let _ = writeln!(
            text,
            "gateway: {} asked about, {} found, {} without a usable answer, in {}",
            counted(answers.asked, "number"),
            counted(answers.difference_count, "difference"),
            grouped(answers.unanswered),
            crate::report::duration(asked.elapsed)
        );
        for listed in
            answers.differences.iter().take(PRINTED_MAX).chain(answers.unanswered_listed.iter().take(PRINTED_MAX))
        {
            let _ = writeln!(text, "  {listed}");
        }
    }
    let _ = writeln!(text, "history ends with {}", &head[..16]);
    let json = json!({
        "batch": batch.name.as_str(),
        "verdict": verdict,
        "head": head,
        "payouts": audit.payouts,
        "events": audit.events,
        "finding_count": audit.finding_count,
        "findings": audit.findings,
        "asked": online.map(|(answers, _)| answers.asked),
        "unanswered": online.map(|(answers, _)| answers.unanswered),
        "unanswered_listed": online.map(|(answers, _)| answers.unanswered_listed.clone()),
        "difference_count": online.map(|(answers, _)| answers.difference_count),
        "differences": online.map(|(answers, _)| answers.differences.clone()),
    });
    Report { exit, json, text }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::invoice_no::InvoiceNo;
    use crate::domain::payout::TopUp;
    use crate::domain::payout_status::PayoutStatus;
    use crate::domain::phone::PhoneNumber;
    use crate::domain::points::Points;
    use crate::domain::row_key::RowKey;
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
