//! Defines what can happen to a payout: past facts, each of which is kept in its history.

/// A fact about one payout. The payout's state is a function of these, in their order, and of nothing else.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// Member info was asked.
    MemberAnswered(MemberAnswer),
    /// Order status of the current number was asked.
    OrderAnswered(OrderAnswer),
    /// The intent to send the top-up is durable: from here on the points may be credited.
    SubmitIntended,
    /// The send of the last intent came to its end.
    SendEnded(Fate),
    /// A person wants a declined or ineligible payout planned again.
    Retried,
    /// A person wants a held payout planned again, and accepts the name that the gateway gave.
    Released {
        /// The name that the person accepted; the check then passes for exactly this name. An empty one: that the
        /// gateway gives none.
        name: Option<String>,
    },
    /// A person closed a payout that was never credited.
    Cancelled,
    /// A person's evidence that the points were credited.
    AttestedCredited,
    /// A person's evidence that the points were not credited.
    AttestedNotCredited,
}

impl Event {
    /// Whether a person decided it: then the ledger itself holds it to the payout's history once more.
    #[must_use]
    pub fn is_decision(&self) -> bool {
        match self {
            Self::Retried
            | Self::Released { .. }
            | Self::Cancelled
            | Self::AttestedCredited
            | Self::AttestedNotCredited => true,
            Self::MemberAnswered(_) | Self::OrderAnswered(_) | Self::SubmitIntended | Self::SendEnded(_) => false,
        }
    }
}

/// What member info said.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MemberAnswer {
    /// Member and card are active, and the name, where it is compared, is the expected one.
    Eligible,
    /// The member does not exist, or is not active.
    Refused,
    /// The member is active and has another name.
    NameDiffers,
    /// The member is active, and the gateway gives no name to compare.
    NameMissing,
    /// The gateway answered, and asking again would not help.
    Unclear,
    /// No usable answer: asking again may help.
    AskAgain,
}

/// What order status said of a number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OrderAnswer {
    /// `S`: the points were credited.
    Success,
    /// `E`: the order failed for good.
    Failed,
    /// The gateway does not know the number, yet.
    Absent,
    /// The order is there, and its status or type is another one: nothing follows yet.
    Undecided,
    /// The number belongs to an order of another phone or amount: it contradicts whatever is said of this one.
    OtherOrder,
    /// An answer that says nothing of the order, such as a refused key.
    Unclear,
    /// No usable answer: asking again may help.
    AskAgain,
}

/// What became of one send of a top-up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    /// No byte left the machine.
    Unsent,
    /// The gateway said so, and did nothing.
    Refused(Refusal),
    /// The gateway credited the points.
    Credited,
    /// Whatever else came back, or nothing: it may have been credited.
    Unknown(Doubt),
}

/// Why the gateway refused a send.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// For the member's sake.
    Member,
    /// For the payout's sake.
    Payout,
    /// For a reason that may pass: campaign, credentials, merchant.
    SetAside,
    /// For going too fast.
    SlowDown,
}

impl Refusal {
    /// Whether the payout is declined by it; otherwise it stays planned.
    #[must_use]
    pub fn declines(self) -> bool {
        match self {
            Self::Member | Self::Payout => true,
            Self::SetAside | Self::SlowDown => false,
        }
    }
}

/// Why a send's fate is unknown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Doubt {
    /// There was no answer, or none that the protocol defines.
    Unanswered,
    /// The gateway knows the number already (4000307): it may follow a credit that was applied.
    NumberTaken,
}
