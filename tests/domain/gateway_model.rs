//! A gateway as small as it can be: a book of one payout's numbers, and sends that are still on their way.

use std::time::Duration;
use topup::domain::event::OrderAnswer;
use topup::domain::payout_process::RunTime;

/// What the gateway does with a number that it knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Repeats {
    /// It refuses it, as documented, and remembers for ever. Then a send may arrive however late it likes.
    Refused,
    /// It takes it for a new order. Then a send arrives within the settle time or never, as the bound of late requests
    /// has it (which ends sooner), and order status sees each order at once: the settle time alone has to keep a payout
    /// from being paid twice.
    Applied,
}

/// What the gateway makes of an order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    Credit,
    /// The order fails for good: status `E`.
    Fail,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Order {
    Unseen,
    Credited,
    Failed,
}

/// A send that is on its way after its sender gave up on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Late {
    pub(crate) attempt: u32,
    /// Never after this; `None`: at any time.
    before: Option<RunTime>,
}

/// The book, by attempt: each attempt has its number.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Book {
    repeats: Repeats,
    orders: Vec<Order>,
    pub(crate) late: Vec<Late>,
    /// How often the payout was credited, under whatever number.
    pub(crate) credits: u32,
}

impl Book {
    pub(crate) fn new(repeats: Repeats) -> Self {
        Self { repeats, orders: Vec::new(), late: Vec::new(), credits: 0 }
    }

    pub(crate) fn order(&self, attempt: u32) -> Order {
        self.orders.get(attempt as usize - 1).copied().unwrap_or(Order::Unseen)
    }

    /// Whether a send of this attempt would be refused because its number is known.
    pub(crate) fn knows(&self, attempt: u32) -> bool {
        self.repeats == Repeats::Refused && self.order(attempt) != Order::Unseen
    }

    pub(crate) fn arrives(&mut self, attempt: u32, verdict: Verdict) {
        if self.knows(attempt) {
            return;
        }
        self.orders.resize(self.orders.len().max(attempt as usize), Order::Unseen);
        let order = &mut self.orders[attempt as usize - 1];
        match verdict {
            Verdict::Credit => (*order, self.credits) = (Order::Credited, self.credits + 1),
            Verdict::Fail => *order = Order::Failed,
        }
    }

    /// A send whose sender gave up at `now` stays on its way.
    pub(crate) fn delays(&mut self, attempt: u32, now: RunTime, settle: Duration) {
        let before = match self.repeats {
            Repeats::Refused => None,
            Repeats::Applied => Some(now + settle),
        };
        self.late.push(Late { attempt, before });
    }

    pub(crate) fn lands(&mut self, index: usize, verdict: Verdict) {
        let late = self.late.remove(index);
        self.arrives(late.attempt, verdict);
    }

    /// What has not arrived by its time never will.
    pub(crate) fn drop_overdue(&mut self, now: RunTime) {
        self.late.retain(|late| late.before.is_none_or(|before| now < before));
    }

    /// A new run counts time from its own beginning.
    pub(crate) fn restart_clock(&mut self, now: RunTime) {
        for late in &mut self.late {
            late.before = late.before.map(|before| before.saturating_sub(now));
        }
    }

    pub(crate) fn is_on_its_way(&self, attempt: u32) -> bool {
        self.late.iter().any(|late| late.attempt == attempt)
    }

    /// What order status says, truthfully.
    pub(crate) fn status(&self, attempt: u32) -> OrderAnswer {
        match self.order(attempt) {
            Order::Unseen => OrderAnswer::Absent,
            Order::Credited => OrderAnswer::Success,
            Order::Failed => OrderAnswer::Failed,
        }
    }
}
