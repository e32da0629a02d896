//! Is the gateway's own book: what it credited, what it knows of each number, and what it answers to whom.
//!
//! It shares nothing with the program that it judges but the types of an answer.

use super::coverage::Coverage;
use super::fault_schedule::answer;
use super::scenario::{MemberRecord, Spell, Temper};
use fastrand::Rng;
use std::collections::BTreeMap;
use std::time::Duration;
use tokio::time::Instant;
use topup::domain::answer::{Answer, AnswerData};

/// One call as it arrives.
#[derive(Clone, Debug)]
pub(crate) enum Call {
    Member {
        phone: String,
    },
    TopUp {
        invoice_no: String,
        member: String,
        points: u32,
        /// Its timestamp, in Unix seconds, where late requests are bounded by it.
        stamp_s: Option<i64>,
    },
    Order {
        invoice_no: String,
    },
}

/// One number that the gateway knows.
#[derive(Clone, Debug)]
pub(crate) struct Order {
    pub(crate) member: String,
    pub(crate) points: u32,
    pub(crate) credited: bool,
    /// The ledger that sent it.
    ledger: u32,
    /// From here on order status sees it.
    visible_at: Instant,
    /// From here on order status sees it whenever it is asked.
    steady_at: Instant,
}

/// The book and the gateway's manners.
#[derive(Debug)]
pub(crate) struct Book {
    pub(crate) orders: BTreeMap<String, Order>,
    /// Points credited to each member.
    pub(crate) credited: BTreeMap<String, u64>,
    members: BTreeMap<String, MemberRecord>,
    temper: Temper,
    spell: Option<Spell>,
    /// Which ledger is in use: each loss begins another.
    ledger: u32,
}

impl Book {
    pub(crate) fn new(members: BTreeMap<String, MemberRecord>, temper: Temper) -> Self {
        Self { orders: BTreeMap::new(), credited: BTreeMap::new(), members, temper, spell: None, ledger: 0 }
    }

    /// From here on the gateway is at its best.
    pub(crate) fn heal(&mut self, now: Instant) {
        self.temper = Temper {
            another_check: 0,
            payout_refused: 0,
            order_failed: 0,
            flaps: 0,
            unclear: 0,
            lag: Duration::ZERO,
            beyond: false,
            ..self.temper.clone()
        };
        self.spell = None;
        for order in self.orders.values_mut() {
            (order.visible_at, order.steady_at) = (order.visible_at.min(now), order.steady_at.min(now));
        }
    }

    pub(crate) fn begin_spell(&mut self, spell: Option<Spell>) {
        self.spell = spell;
    }

    pub(crate) fn ledger_was_lost(&mut self) {
        self.ledger += 1;
    }

    pub(crate) fn knows(&self, call: &Call) -> bool {
        !self.temper.applies_repeats
            && matches!(call, Call::TopUp { invoice_no, .. } if self.orders.contains_key(invoice_no))
    }

    /// Takes one call in. `settled_at` is when an application of it has to show.
    pub(crate) fn take(
        &mut self,
        call: &Call,
        now: Instant,
        settled_at: Instant,
        rng: &mut Rng,
        coverage: &mut Coverage,
    ) -> Answer {
        let is_top_up = matches!(call, Call::TopUp { .. });
        if let Some(refusal) = self.refuse_all(is_top_up, coverage) {
            return refusal;
        }
        match call {
            Call::Member { phone } => self.member_info(phone, rng, coverage),
            Call::Order { invoice_no } => self.order_status(invoice_no, now, rng, coverage),
            Call::TopUp { invoice_no, member, points, .. } => {
                let lag = self.temper.lag.mul_f64(rng.f64());
                let visible_at = if self.temper.beyond { now + lag } else { (now + lag).min(settled_at.max(now)) };
                let new = Order {
                    member: member.clone(),
                    points: *points,
                    credited: true,
                    ledger: self.ledger,
                    visible_at,
                    steady_at: settled_at.max(visible_at),
                };
                self.top_up(invoice_no, new, rng, coverage)
            }
        }
    }

    fn refuse_all(&mut self, is_top_up: bool, coverage: &mut Coverage) -> Option<Answer> {
        match &mut self.spell {
            None => None,
            Some(Spell::Revoked) => {
                coverage.hit("spell: revoked");
                Some(answer(401, 4_010_001))
            }
            Some(Spell::Clock) => {
                coverage.hit("spell: clock");
                Some(Answer { date_unix_s: Some(1_780_000_000), ..answer(401, 4_010_003) })
            }
            Some(Spell::Merchant) => {
                coverage.hit("spell: merchant");
                Some(answer(200, 4_030_302))
            }
            Some(Spell::Campaign(left)) if is_top_up && *left > 0 => {
                *left -= 1;
                coverage.hit("spell: campaign");
                Some(answer(200, 600_400))
            }
            Some(Spell::Campaign(_) | Spell::Outage { .. }) => None,
        }
    }

    fn member_info(&self, phone: &str, rng: &mut Rng, coverage: &mut Coverage) -> Answer {
        let Some(member) = self.members.get(phone).filter(|member| member.exists) else { return answer(200, 200_400) };
        let text = |text: &str| Some(text.to_owned());
        let mut data = AnswerData {
            status: text(member.status),
            card_status: text(member.card_status),
            full_name: text(&member.full_name),
            ..AnswerData::default()
        };
        if rng.u32(0..1000) < self.temper.unclear {
            coverage.hit("book: member unclear");
            data.card_status = if rng.bool() { None } else { text("X") };
        }
        Answer { data, ..answer(200, 200) }
    }

    fn order_status(&self, invoice_no: &str, now: Instant, rng: &mut Rng, coverage: &mut Coverage) -> Answer {
        let absent = answer(if rng.bool() { 200 } else { 404 }, 4_040_001);
        let Some(order) = self.orders.get(invoice_no) else { return absent };
        if now < order.visible_at {
            coverage.hit("book: absent though credited");
            return absent;
        }
        let may_flap = self.temper.beyond || now < order.steady_at;
        if may_flap && rng.u32(0..1000) < self.temper.flaps {
            coverage.hit("book: flapped");
            return absent;
        }
        let mut data = AnswerData {
            status: Some(if order.credited { "S" } else { "E" }.to_owned()),
            order_type: Some("TXN_EARN".to_owned()),
            ..AnswerData::default()
        };
        if self.temper.tells_all {
            data.phone = Some(order.member.clone()).filter(|member| member.starts_with('0'));
            data.points = Some(i64::from(order.points));
        }
        if rng.u32(0..1000) < self.temper.unclear {
            coverage.hit("book: status unclear");
            data.status = if rng.bool() { None } else { Some("P".to_owned()) };
        }
        Answer { data, ..answer(200, 200) }
    }

    fn top_up(&mut self, invoice_no: &str, new: Order, rng: &mut Rng, coverage: &mut Coverage) -> Answer {
        if let Some(known) = self.orders.get(invoice_no).filter(|_| !self.temper.applies_repeats) {
            if rng.u32(0..1000) < self.temper.another_check {
                coverage.hit("book: resend refused by another check");
                return answer(200, if rng.bool() { 500_400 } else { 4_000_326 });
            }
            coverage.hit(if known.credited { "book: taken after S" } else { "book: taken after E" });
            if known.ledger != self.ledger {
                coverage.hit("book: taken for a lost ledger's number");
            }
            return answer(200, 4_000_307);
        }
        let refusal = self.members.get(&new.member).and_then(|member| member.refusal);
        if let Some(code) = refusal {
            coverage.hit("book: member refused at the top-up");
            return self.refuse(invoice_no, new, code, coverage);
        }
        if rng.u32(0..1000) < self.temper.payout_refused {
            coverage.hit("book: payout refused");
            let code = rng.choice([600_500, 600_600, 4_000_328, 500_400]).unwrap_or(600_500);
            return self.refuse(invoice_no, new, code, coverage);
        }
        if rng.u32(0..1000) < self.temper.order_failed {
            coverage.hit("book: E");
            self.orders.insert(invoice_no.to_owned(), Order { credited: false, ..new });
            return rng.choice([answer(500, 5_000), answer(200, 9_999_998), answer(200, 600_600)]).unwrap_or_default();
        }
        coverage.hit("book: credited");
        if self.temper.applies_repeats {
            coverage.hit("book: credited, and would be again");
        }
        *self.credited.entry(new.member.clone()).or_default() += u64::from(new.points);
        self.orders.insert(invoice_no.to_owned(), new);
        answer(200, 200)
    }

    fn refuse(&mut self, invoice_no: &str, new: Order, code: i64, coverage: &mut Coverage) -> Answer {
        if self.temper.burns {
            coverage.hit("book: refused and burnt");
            self.orders.insert(invoice_no.to_owned(), Order { credited: false, ..new });
        }
        answer(200, code)
    }
}
