//! Decides each call against the members and the book, as the gateway would, with the faults of meaning.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};

use super::answer::Answer;
use super::book::{Book, Delivery, DeliveryFate, OrderStatus};
use super::chance::fingerprint;
use super::fault::{Act, Call};
use super::members::{Member, MemberRef, Members};
use super::nonces::NonceRecord;
use super::plan::FaultPlan;
use super::requests::TopUp;
use super::stats::Stats;

/// All that changes while the simulator runs; it stands behind one lock.
#[derive(Debug)]
pub(super) struct GatewayState {
    pub(super) book: Book,
    pub(super) stats: Stats,
    pub(super) nonces: NonceRecord,
    pub(super) plan: Arc<FaultPlan>,
    /// How many requests came with each call and subject.
    came: HashMap<(Call, u64), u32>,
    /// Top-ups that are still on their way, by invoice_no.
    late: HashMap<String, Vec<LateTopUp>>,
}

/// A top-up that nobody was answered and that is applied only later.
#[derive(Debug)]
struct LateTopUp {
    top_up: TopUp,
    /// How many absent answers are still to come before it may land.
    asks_left: u32,
    /// How long after the last of them it lands.
    after: Duration,
    /// When it lands, once that is known.
    due: Option<Duration>,
    nonce: String,
    /// Its timestamp, in Unix seconds.
    sent_s: u64,
}

/// A top-up that was delivered and let in.
#[derive(Clone, Copy, Debug)]
pub(super) struct Delivered<'a> {
    pub(super) nonce: &'a str,
    /// When its head came, since the simulator started.
    pub(super) at: Duration,
    /// Its timestamp, in Unix seconds.
    pub(super) sent_s: u64,
}

/// What a call came to.
#[derive(Debug)]
pub(super) struct Outcome {
    pub(super) answer: Answer,
    /// Whether this very request made a credit.
    pub(super) credited: bool,
    /// Whether the fault found what it needs; if not, the request is answered as if there were none.
    pub(super) fault_hit: bool,
}

impl Outcome {
    /// An answer that a fault of the wire may still garble.
    pub(super) const fn plain(answer: Answer) -> Self {
        Self { answer, credited: false, fault_hit: true }
    }

    const fn missed(mut self, missed: bool) -> Self {
        self.fault_hit = !missed;
        self
    }
}

impl GatewayState {
    pub(super) fn new(plan: FaultPlan) -> Self {
        Self {
            book: Book::default(),
            stats: Stats::default(),
            nonces: NonceRecord::new(),
            plan: Arc::new(plan),
            came: HashMap::new(),
            late: HashMap::new(),
        }
    }

    /// Counts a request of that call and subject, and says how many came before it.
    pub(super) fn count(&mut self, call: Call, subject: &str) -> u32 {
        let count = self.came.entry((call, fingerprint(subject))).or_default();
        *count += 1;
        *count - 1
    }

    pub(super) fn member_info(members: &Members, phone: &str, card_no: Option<&str>, act: Option<Act>) -> Outcome {
        let odd = matches!(act, Some(Act::MemberStatus(_) | Act::NoData));
        let nobody =
            Member { phone: phone.to_owned(), status: "A".into(), card_status: "A".into(), ..Member::default() };
        let member = match members.find(MemberRef::Phone(phone)) {
            Some(member) => member,
            None if members.admits_unknown() => &nobody,
            None => return Outcome::plain(Answer::code(200_400)).missed(odd),
        };
        let other_card = card_no.is_some_and(|card_no| !member.card_no.is_empty() && member.card_no != card_no);
        if let Some(code) = member.check_code.or_else(|| other_card.then_some(200_400)) {
            return Outcome::plain(Answer::code(code)).missed(odd);
        }
        if act == Some(Act::NoData) {
            return Outcome::plain(Answer::code(200));
        }
        let status = if let Some(Act::MemberStatus(odd)) = act { odd } else { &member.status };
        let mut data = json!({
            "full_name": member.full_name,
            "phone_number": member.phone,
            "dob": "1990-01-01",
            "gender": "M",
            "identify": member.user_id,
        });
        for (field, value) in [("status", status), ("card_status", &member.card_status)] {
            if !value.is_empty() {
                data[field] = Value::from(value);
            }
        }
        Outcome::plain(Answer::ok(data))
    }

    pub(super) fn order_status(
        &mut self,
        members: &Members,
        invoice_no: &str,
        act: Option<Act>,
        now: Duration,
    ) -> Outcome {
        self.land_late(members, invoice_no, now);
        let status = self.book.order(invoice_no).map_or(OrderStatus::Absent, |order| order.status);
        let Some(letter) = status.letter() else {
            let odd =
                matches!(act, Some(Act::StatusAbsent | Act::StatusOdd(..) | Act::StatusPhone { .. } | Act::NoData));
            return Outcome::plain(self.absent(invoice_no, now)).missed(odd);
        };
        if act == Some(Act::StatusAbsent) || self.lags(invoice_no, status) {
            return Outcome::plain(self.absent(invoice_no, now));
        }
        match act {
            Some(Act::NoData) => Outcome::plain(Answer::code(200)),
            Some(Act::StatusOdd(status, kind)) => Outcome::plain(Answer::ok(json!({ "type": kind, "status": status }))),
            Some(Act::StatusPhone { own }) => {
                let phone = self.book.order(invoice_no).and_then(|order| order.phone.as_deref()).unwrap_or_default();
                let phone = if own { format!("84{}", phone.trim_start_matches('0')) } else { "0999999999".to_owned() };
                Outcome::plain(Answer::ok(json!({ "type": "TXN_EARN", "status": letter, "phone_no": phone })))
            }
            _ => Outcome::plain(Answer::ok(json!({ "type": "TXN_EARN", "status": letter }))),
        }
    }

    pub(super) fn top_up(
        &mut self,
        members: &Members,
        top_up: &TopUp,
        delivery: Option<Delivered<'_>>,
        act: Option<Act>,
        now: Duration,
    ) -> Outcome {
        self.land_late(members, &top_up.invoice_no, now);
        let (outcome, fate) = self.apply(members, top_up, act);
        if let Some(Delivered { nonce, at, sent_s }) = delivery {
            if fate == DeliveryFate::Late {
                self.put_off(top_up, nonce, sent_s, now);
            }
            self.note_delivery(members, top_up, Delivery { at, nonce: nonce.to_owned(), fate });
        }
        outcome
    }

    /// Records that a top-up came, whatever became of it.
    pub(super) fn note_delivery(&mut self, members: &Members, top_up: &TopUp, delivery: Delivery) {
        let person = person(members, top_up);
        self.book.open(top_up, &person).deliveries.push(delivery);
        self.stats.violations = self.book.violations().len() as u64;
    }

    /// Applies every late top-up that is due, for a snapshot of the book.
    pub(super) fn land_all_late(&mut self, members: &Members, now: Duration) {
        let invoice_nos = self.late.keys().cloned().collect::<Vec<_>>();
        for invoice_no in invoice_nos {
            self.land_late(members, &invoice_no, now);
        }
    }

    fn apply(&mut self, members: &Members, top_up: &TopUp, act: Option<Act>) -> (Outcome, DeliveryFate) {
        let status = self.book.order(&top_up.invoice_no).map_or(OrderStatus::Absent, |order| order.status);
        let needs_new = matches!(act, Some(Act::Late | Act::OrderError { .. }));
        if status != OrderStatus::Absent && !self.plan.settings().apply_repeats {
            if let Some(Act::ResendRefused(code)) = act {
                return (Outcome::plain(Answer::code(code)), DeliveryFate::Refused(code));
            }
            return (Outcome::plain(Answer::code(4_000_307)).missed(needs_new), DeliveryFate::Repeated);
        }
        if act == Some(Act::Late) {
            return (Outcome::plain(Answer::code(200)), DeliveryFate::Late);
        }
        let person = person(members, top_up);
        if let Some(code) = members.top_up_refusal(top_up.named()) {
            if self.plan.order_has(Act::RefusalBurns, &top_up.invoice_no) {
                self.book.open(top_up, &person).status = OrderStatus::Errored;
                self.stats.note_fault("refusal_burns", false);
            }
            let missed = needs_new || matches!(act, Some(Act::ResendRefused(_)));
            return (Outcome::plain(Answer::code(code)).missed(missed), DeliveryFate::Refused(code));
        }
        if matches!(act, Some(Act::OrderError { .. })) {
            self.book.open(top_up, &person).status = OrderStatus::Errored;
            return (Outcome::plain(Answer::code(5_000)), DeliveryFate::Errored);
        }
        self.book.open(top_up, &person).credit(top_up, &person);
        let outcome = Outcome { answer: Answer::code(200), credited: true, fault_hit: true };
        (outcome.missed(matches!(act, Some(Act::ResendRefused(_)))), DeliveryFate::Credited)
    }

    fn put_off(&mut self, top_up: &TopUp, nonce: &str, sent_s: u64, now: Duration) {
        let settings = self.plan.settings();
        let due = (settings.late_asks == 0).then(|| now + settings.late);
        let late = LateTopUp {
            top_up: top_up.clone(),
            asks_left: settings.late_asks,
            after: settings.late,
            due,
            nonce: nonce.to_owned(),
            sent_s,
        };
        self.late.entry(top_up.invoice_no.clone()).or_default().push(late);
    }

    /// Nobody can see a late top-up land but through a later request or a snapshot of the book, so it lands just
    /// before these: no timer, and the same order of things in every run.
    fn land_late(&mut self, members: &Members, invoice_no: &str, now: Duration) {
        let Some(waiting) = self.late.remove(invoice_no) else { return };
        let (due, waiting): (Vec<_>, Vec<_>) =
            waiting.into_iter().partition(|late| late.due.is_some_and(|due| due <= now));
        let clock = self.plan.settings().clock();
        for late in due {
            // It is delivered only now, or was a while ago, so its timestamp is looked at as of then.
            let ago = now.saturating_sub(late.due.unwrap_or(now));
            if clock.is_too_old(late.sent_s, clock.now_s().saturating_sub(ago.as_secs())) {
                self.stats.refused_late += 1;
                self.book.refuse_late(invoice_no, &late.nonce);
                continue;
            }
            let (outcome, _) = self.apply(members, &late.top_up, None);
            if outcome.credited {
                self.stats.note_applied("late");
            }
        }
        if !waiting.is_empty() {
            self.late.insert(invoice_no.to_owned(), waiting);
        }
    }

    /// Answers that there is no such order, and lets what waits for that answer go on.
    fn absent(&mut self, invoice_no: &str, now: Duration) -> Answer {
        for late in self.late.get_mut(invoice_no).into_iter().flatten() {
            late.asks_left = late.asks_left.saturating_sub(1);
            if late.asks_left == 0 && late.due.is_none() {
                late.due = Some(now + late.after);
            }
        }
        let http = self.plan.order_has(Act::AbsentAs404, invoice_no).then(|| {
            self.stats.note_fault("absent_404", false);
            404
        });
        Answer { http, ..Answer::code(4_040_001) }
    }

    /// Whether order status does not see the credit yet.
    fn lags(&mut self, invoice_no: &str, status: OrderStatus) -> bool {
        if status != OrderStatus::Credited || !self.plan.order_has(Act::Lag, invoice_no) {
            return false;
        }
        let settings = self.plan.settings();
        let Some(order) = self.book.order_mut(invoice_no) else { return false };
        let age = order.credited_at.and_then(|at| at.elapsed().ok()).unwrap_or_default();
        let lags = order.asks_since_credit < settings.lag_asks || age < settings.lag;
        order.asks_since_credit += 1;
        if lags {
            self.stats.note_fault("lag", false);
        }
        lags
    }
}

/// Who is paid: the member's phone where one is known, so that a card and a phone of one member are one person.
fn person(members: &Members, top_up: &TopUp) -> String {
    let named = top_up.named();
    match (members.find(named), named, top_up.phone.as_deref()) {
        (Some(member), _, _) => member.phone.clone(),
        (None, MemberRef::Phone(phone), _) | (None, MemberRef::Card(_) | MemberRef::UserId(_), Some(phone)) => {
            phone.to_owned()
        }
        (None, MemberRef::Card(card_no), None) => format!("CARD:{card_no}"),
        (None, MemberRef::UserId(user_id), None) => format!("USER_ID:{user_id}"),
    }
}
