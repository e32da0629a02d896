//! Shares one member-info answer among the payouts of one member in a run.
//!
//! Only payouts that share their member come here, so that a batch of ten million different members costs no memory.

use crate::domain::member::Member;
use crate::gateway::Received;
use crate::ledger::{Call, PayoutId};
use std::collections::HashMap;
use std::sync::Arc;

/// Members whose answers are kept; beyond it a member may be asked again, which costs a call and nothing else.
const KEPT_MAX: usize = 100_000;

/// An answer and the call that brought it.
#[derive(Clone, Debug)]
pub(super) struct MemberReply {
    pub(super) received: Arc<Received>,
    pub(super) call: Call,
}

#[derive(Debug)]
enum Known {
    Asking { waiting: Vec<PayoutId> },
    Answered(MemberReply),
}

/// What a payout finds.
#[derive(Debug)]
pub(super) enum Lookup {
    /// Nobody asked: this payout has to.
    Ask,
    /// Another payout's call is under way; its answer will be given to this one too.
    Waits,
    /// The answer is there.
    Answered(MemberReply),
}

/// What member info is asked about: a card or user id is asked for with its row's phone, and the answer for one phone
/// says nothing of another one that a later row has beside the same card.
pub(super) fn asked_about(member: &Member) -> String {
    let phone = member.phone();
    format!("{} {}", phone.as_ref().map_or("", |phone| phone.as_str()), member.key())
}

/// The members that are shared in this run.
#[derive(Debug, Default)]
pub(super) struct Members(HashMap<String, Known>);

impl Members {
    pub(super) fn look_up(&mut self, member: String, payout: PayoutId) -> Lookup {
        match self.0.get_mut(&member) {
            Some(Known::Answered(reply)) => Lookup::Answered(reply.clone()),
            Some(Known::Asking { waiting }) => {
                waiting.push(payout);
                Lookup::Waits
            }
            None => {
                self.0.insert(member, Known::Asking { waiting: Vec::new() });
                Lookup::Ask
            }
        }
    }

    /// Takes the answer in, for keeps where it is definite, and gives the payouts that waited for it.
    pub(super) fn answered(&mut self, member: &str, reply: &MemberReply, definite: bool) -> Vec<PayoutId> {
        let keep = definite && self.0.len() < KEPT_MAX;
        let known =
            if keep { self.0.insert(member.to_owned(), Known::Answered(reply.clone())) } else { self.0.remove(member) };
        match known {
            Some(Known::Asking { waiting }) => waiting,
            Some(Known::Answered(_)) | None => Vec::new(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::phone::PhoneNumber;

    #[test]
    fn one_card_with_two_phones_is_asked_about_twice() {
        let card = |phone| asked_about(&Member::Card { id: "9704".into(), phone: PhoneNumber::parse(phone) });
        assert_ne!(card("0901234567"), card("0901234568"));
        assert_eq!(card("0901234567"), card("0901234567"));
    }
}
