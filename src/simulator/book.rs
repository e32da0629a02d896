//! Keeps the gateway's own book: which orders came, which were credited, and what no client may ever send.

use std::collections::HashMap;
use std::time::{Duration, SystemTime};

use super::requests::TopUp;

/// The gateway's book: the judge's only evidence of who was paid.
#[derive(Clone, Debug, Default)]
pub struct Book {
    orders: Vec<Order>,
    by_invoice: HashMap<String, usize>,
    violations: Vec<Violation>,
}

/// All that came under one invoice_no.
#[derive(Clone, Debug)]
pub struct Order {
    /// The merchant's number: unique for ever.
    pub invoice_no: String,
    /// The `phone_no` that came, if one did.
    pub phone: Option<String>,
    /// The `id_type` and `id` that came, if they did.
    pub id: Option<(String, String)>,
    /// Who is paid: the member's phone where one is known, or else `CARD:…` or `USER_ID:…`.
    pub person: String,
    /// The `point_amount`.
    pub points: u64,
    /// What became of it.
    pub status: OrderStatus,
    /// How often it was credited: once, unless the gateway takes a known number for a new order (`apply_repeats`).
    pub credits: u32,
    /// When it was credited first.
    pub credited_at: Option<SystemTime>,
    /// Every top-up request that came under this number, in the order of arrival.
    pub deliveries: Vec<Delivery>,
    /// How often order status said absent since the credit.
    pub(super) asks_since_credit: u32,
}

/// What order status would say if nothing stood in its way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OrderStatus {
    /// Nothing: the number is free.
    Absent,
    /// `S`: credited.
    Credited,
    /// `E`: failed for good; the number is used up.
    Errored,
}

impl OrderStatus {
    /// The letter on the wire; none for an absent order.
    #[must_use]
    pub const fn letter(self) -> Option<&'static str> {
        match self {
            Self::Absent => None,
            Self::Credited => Some("S"),
            Self::Errored => Some("E"),
        }
    }
}

/// One top-up request that reached the gateway.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Delivery {
    /// When it came, since the simulator started.
    pub at: Duration,
    /// Its `X-Nonce`.
    pub nonce: String,
    /// What the gateway did with it, whatever it then answered.
    pub fate: DeliveryFate,
}

/// What the gateway did with a top-up request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DeliveryFate {
    /// It was lost, or answered by something else, before the gateway looked at it.
    Unprocessed,
    /// It was put off: see the fault `late`.
    Late,
    /// It was credited.
    Credited,
    /// It failed for good.
    Errored,
    /// The number was known already.
    Repeated,
    /// It was refused with this code.
    Refused(i64),
}

/// Something no client may ever do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Violation {
    /// One invoice_no came with two different members or amounts.
    OtherPayout {
        /// The number.
        invoice_no: String,
        /// The member and the amount that came first.
        first: (String, u64),
        /// The member and the amount that came now.
        then: (String, u64),
    },
}

impl Book {
    /// Every order that is credited, in the order in which their numbers first came.
    pub fn credits(&self) -> impl Iterator<Item = &Order> {
        self.orders.iter().filter(|order| order.status == OrderStatus::Credited)
    }

    /// Every number that ever came, credited or not.
    pub fn orders(&self) -> impl Iterator<Item = &Order> {
        self.orders.iter()
    }

    /// The order of that number.
    #[must_use]
    pub fn order(&self, invoice_no: &str) -> Option<&Order> {
        self.by_invoice.get(invoice_no).map(|&place| &self.orders[place])
    }

    /// How many credits were made.
    #[must_use]
    pub fn credit_count(&self) -> usize {
        self.credits().map(|order| order.credits as usize).sum()
    }

    /// What changes whenever the book does: its numbers, credits, and orders that failed for good.
    #[must_use]
    pub fn stamp(&self) -> [usize; 3] {
        let errored = self.orders.iter().filter(|order| order.status == OrderStatus::Errored).count();
        [self.orders.len(), self.credit_count(), errored]
    }

    /// How many points are credited.
    #[must_use]
    pub fn points(&self) -> u64 {
        self.credits().map(|order| order.points * u64::from(order.credits)).sum()
    }

    /// How often, and with how many points, each person was credited. Whoever is here more often than the file says
    /// was paid twice.
    #[must_use]
    pub fn persons(&self) -> HashMap<&str, (usize, u64)> {
        let mut persons = HashMap::<&str, (usize, u64)>::new();
        for order in self.credits() {
            let (credits, points) = persons.entry(&order.person).or_default();
            *credits += order.credits as usize;
            *points += order.points * u64::from(order.credits);
        }
        persons
    }

    /// How many top-up requests came under that number.
    #[must_use]
    pub fn delivery_count(&self, invoice_no: &str) -> usize {
        self.order(invoice_no).map_or(0, |order| order.deliveries.len())
    }

    /// What no client may do, and one did.
    #[must_use]
    pub fn violations(&self) -> &[Violation] {
        &self.violations
    }

    /// Takes an order over from an earlier book.
    pub(super) fn take_over(&mut self, order: Order) {
        self.by_invoice.insert(order.invoice_no.clone(), self.orders.len());
        self.orders.push(order);
    }

    /// Opens the order if its number is new, and notes whether member and amount are the ones that came before.
    pub(super) fn open(&mut self, top_up: &TopUp, person: &str) -> &mut Order {
        let place = self.by_invoice.get(&top_up.invoice_no).copied().unwrap_or_else(|| {
            self.by_invoice.insert(top_up.invoice_no.clone(), self.orders.len());
            self.orders.push(Order::new(top_up, person));
            self.orders.len() - 1
        });
        let order = &mut self.orders[place];
        if order.phone != top_up.phone || order.id != top_up.id || order.points != top_up.points {
            self.violations.push(Violation::OtherPayout {
                invoice_no: order.invoice_no.clone(),
                first: (order.person.clone(), order.points),
                then: (person.to_owned(), top_up.points),
            });
        }
        order
    }

    /// Notes that a top-up which was put off was refused when it was delivered.
    pub(super) fn refuse_late(&mut self, invoice_no: &str, nonce: &str) {
        let deliveries = self.order_mut(invoice_no).map(|order| &mut order.deliveries);
        for delivery in deliveries.into_iter().flatten().filter(|delivery| delivery.nonce == nonce) {
            delivery.fate = DeliveryFate::Refused(4_010_004);
        }
    }

    /// The order of that number, if one was opened.
    pub(super) fn order_mut(&mut self, invoice_no: &str) -> Option<&mut Order> {
        self.by_invoice.get(invoice_no).map(|&place| &mut self.orders[place])
    }
}

impl Order {
    fn new(top_up: &TopUp, person: &str) -> Self {
        Self {
            invoice_no: top_up.invoice_no.clone(),
            phone: top_up.phone.clone(),
            id: top_up.id.clone(),
            person: person.to_owned(),
            points: top_up.points,
            status: OrderStatus::Absent,
            credits: 0,
            credited_at: None,
            deliveries: Vec::new(),
            asks_since_credit: 0,
        }
    }

    /// Credits what this top-up asks for. An absent order may have been opened with other contents: what counts is
    /// what was processed.
    pub(super) fn credit(&mut self, top_up: &TopUp, person: &str) {
        self.phone.clone_from(&top_up.phone);
        self.id.clone_from(&top_up.id);
        person.clone_into(&mut self.person);
        self.points = top_up.points;
        self.status = OrderStatus::Credited;
        self.credits += 1;
        self.credited_at.get_or_insert_with(SystemTime::now);
    }
}
