//! What can happen next: every answer, loss, crash, landing and decision that the setting allows.

use crate::fixture::{ANSWERED, Fixture, Others, Setting, TIMEOUT};
use crate::gateway_model::{Book, Order, Verdict};
use topup::domain::event::{Doubt, Event, Fate, MemberAnswer, OrderAnswer, Refusal};
use topup::domain::payout_process::{PayoutProcess, RunTime, Step};
use topup::domain::payout_status::State;

impl Fixture {
    /// Every world that can follow this one by one thing that happens.
    pub(crate) fn successors(&self, setting: &Setting) -> Vec<Self> {
        let mut next = Vec::new();
        for index in 0..self.payouts.len() {
            self.landings(index, &mut next);
            self.rivals(index, setting, &mut next);
            match self.step(index, setting) {
                Step::Wait(until) => {
                    assert!(until > self.now, "a wait that is over: {self:#?}");
                    next.push(self.with("wait", |world| world.pass_until(until)));
                }
                Step::CheckMember => self.member_checks(index, setting, &mut next),
                Step::QueryStatus => self.queries(index, setting, &mut next),
                Step::Submit => self.submits(index, setting, &mut next),
                Step::SetAside if !self.payouts[index].set_aside_once => next.push(self.with("set aside", |world| {
                    let paying = &mut world.payouts[index];
                    paying.set_aside_once = true;
                    paying.course = PayoutProcess::new(paying.course.standing().clone(), setting.checkable);
                })),
                Step::SetAside | Step::Rest => self.decisions(index, setting, &mut next),
            }
        }
        self.turns(&mut next);
        if self.budget.restarts > 0 {
            next.push(self.with("restart", |world| world.restart(setting)));
            if setting.restores {
                for index in 0..self.payouts.len() {
                    let length = self.payouts[index].history.len();
                    next.extend(
                        (0..length).map(|kept| self.with("restore", |world| world.restore(index, kept, setting))),
                    );
                }
            }
        }
        next
    }

    fn landings(&self, index: usize, next: &mut Vec<Self>) {
        for late in 0..self.payouts[index].book.late.len() {
            for verdict in [Verdict::Credit, Verdict::Fail] {
                next.push(self.with("a late send lands", |world| world.payouts[index].book.lands(late, verdict)));
            }
        }
    }

    /// Another ledger pays the number in use: the same file on a second machine.
    fn rivals(&self, index: usize, setting: &Setting, next: &mut Vec<Self>) {
        let attempt = self.payouts[index].course.standing().attempt;
        if setting.rivals && self.budget.turns > 0 && !self.payouts[index].book.knows(attempt) {
            next.push(self.with("a rival pays", |world| {
                world.budget.turns -= 1;
                world.payouts[index].others = Others::Meanwhile;
                world.payouts[index].book.arrives(attempt, Verdict::Credit);
            }));
        }
    }

    fn member_checks(&self, index: usize, setting: &Setting, next: &mut Vec<Self>) {
        for answer in [
            MemberAnswer::Eligible,
            MemberAnswer::Refused,
            MemberAnswer::NameDiffers,
            MemberAnswer::NameMissing,
            MemberAnswer::Unclear,
            MemberAnswer::AskAgain,
        ] {
            next.push(self.with("member info", |world| {
                let asked_at = world.now;
                world.pass(ANSWERED);
                world.take(index, Event::MemberAnswered(answer), asked_at, setting);
                // An eligible member is written together with the intent that follows.
                world.payouts[index].volatile = answer == MemberAnswer::Eligible;
            }));
        }
    }

    fn queries(&self, index: usize, setting: &Setting, next: &mut Vec<Self>) {
        for answer in self.order_answers(index, setting) {
            next.push(self.with("order status", |world| world.ask(index, answer, setting)));
        }
    }

    /// What order status may say: the truth, nothing of use, or, where it lags, absent.
    fn order_answers(&self, index: usize, setting: &Setting) -> Vec<OrderAnswer> {
        let paying = &self.payouts[index];
        let truth = paying.book.status(paying.course.standing().attempt);
        let mut answers = vec![truth, OrderAnswer::Unclear, OrderAnswer::AskAgain];
        if truth != OrderAnswer::Absent && setting.status_lags && paying.others == Others::Nothing {
            answers.push(OrderAnswer::Absent);
        }
        answers
    }

    fn submits(&self, index: usize, setting: &Setting, next: &mut Vec<Self>) {
        let attempt = self.payouts[index].course.standing().attempt;
        let known = self.payouts[index].book.knows(attempt);
        let intended = self.with("intent", |world| {
            world.check_submit(index, setting);
            let now = world.now;
            world.take(index, Event::SubmitIntended, now, setting);
        });
        let ended = |fate: Fate, on_the_way: &dyn Fn(&mut Book, RunTime)| {
            intended.with("send", |world| {
                world.pass(if fate == Fate::Unknown(Doubt::Unanswered) { TIMEOUT } else { ANSWERED });
                let now = world.now;
                on_the_way(&mut world.payouts[index].book, now);
                world.take(index, Event::SendEnded(fate), now, setting);
            })
        };
        let late = |book: &mut Book, now| book.delays(attempt, now, setting.policy.proof_after());
        let lost = Fate::Unknown(Doubt::Unanswered);
        next.push(ended(Fate::Unsent, &|_, _| {}));
        next.push(ended(lost, &|_, _| {}));
        next.push(ended(lost, &late));
        for refusal in [Refusal::Member, Refusal::Payout, Refusal::SetAside, Refusal::SlowDown] {
            next.push(ended(Fate::Refused(refusal), &|_, _| {}));
            if setting.duplicates {
                next.push(ended(Fate::Refused(refusal), &late));
            }
        }
        if known {
            next.push(ended(Fate::Unknown(Doubt::NumberTaken), &|_, _| {}));
        } else {
            let (credited, failed) = (
                |book: &mut Book, _| book.arrives(attempt, Verdict::Credit),
                |book: &mut Book, _| book.arrives(attempt, Verdict::Fail),
            );
            next.push(ended(Fate::Credited, &credited));
            next.push(ended(lost, &credited));
            next.push(ended(lost, &failed));
            next.push(ended(Fate::Refused(Refusal::Payout), &failed));
        }
        self.crashes_in_submit(&intended, index, setting, next);
    }

    /// Killed between the durable intent and the durable outcome: nothing left, it arrived, or it will.
    fn crashes_in_submit(&self, intended: &Self, index: usize, setting: &Setting, next: &mut Vec<Self>) {
        if self.budget.restarts == 0 {
            return;
        }
        let attempt = intended.payouts[index].course.standing().attempt;
        type Way<'w> = &'w dyn Fn(&mut Book, RunTime);
        let ways: [Way<'_>; 4] = [
            &|_, _| {},
            &|book, _| book.arrives(attempt, Verdict::Credit),
            &|book, _| book.arrives(attempt, Verdict::Fail),
            &|book, now| book.delays(attempt, now, setting.policy.proof_after()),
        ];
        next.extend(ways.iter().map(|way| {
            intended.with("crash in a send", |world| {
                let now = world.now;
                way(&mut world.payouts[index].book, now);
                world.restart(setting);
            })
        }));
    }

    /// What a person does with a payout that the run is through with.
    fn decisions(&self, index: usize, setting: &Setting, next: &mut Vec<Self>) {
        if self.budget.persons == 0 {
            return;
        }
        let paying = &self.payouts[index];
        let standing = paying.course.standing();
        let mut decide = |what: &'static str, event: Event| self.decided(index, what, event, setting, next);
        match standing.state {
            State::Planned => decide("cancel", Event::Cancelled),
            State::Held => {
                decide("cancel", Event::Cancelled);
                decide("release", Event::Released { name: Some("An".to_owned()) });
                self.verifications(index, setting, next);
            }
            State::InDoubt => {
                let credited = paying.book.order(standing.attempt) == Order::Credited;
                if credited || setting.persons_err {
                    decide("attest credited", Event::AttestedCredited);
                }
                if (!credited && paying.book.late.is_empty()) || setting.persons_err {
                    decide("attest not credited", Event::AttestedNotCredited);
                }
            }
            State::Credited | State::Cancelled => self.verifications(index, setting, next),
            State::Declined | State::Ineligible => {
                decide("retry", Event::Retried);
                self.verifications(index, setting, next);
            }
        }
    }

    /// A decision, after order status was asked where it has to be; one that the answer does not allow is not taken.
    fn decided(&self, index: usize, what: &'static str, event: Event, setting: &Setting, next: &mut Vec<Self>) {
        let standing = self.payouts[index].course.standing();
        let asked = if standing.asks_first(&event) {
            let answers = self.order_answers(index, setting).into_iter();
            answers.map(|answer| self.with("asks first", |world| world.ask(index, answer, setting))).collect()
        } else {
            vec![self.clone()]
        };
        for asked in asked {
            next.push(asked.with(what, |world| {
                world.budget.persons -= 1;
                let now = world.now;
                if world.payouts[index].course.standing().clone().after(&event).is_ok() {
                    world.take(index, event.clone(), now, setting);
                    let paying = &mut world.payouts[index];
                    paying.course = PayoutProcess::new(paying.course.standing().clone(), setting.checkable);
                }
            }));
        }
    }

    /// `verify` asks for orders of payouts that are done with.
    fn verifications(&self, index: usize, setting: &Setting, next: &mut Vec<Self>) {
        for answer in self.order_answers(index, setting) {
            next.push(self.with("verify", |world| {
                world.budget.persons -= 1;
                world.ask(index, answer, setting);
            }));
        }
    }

    /// The run stops new top-ups, or learns from another payout that the gateway's book is ahead.
    fn turns(&self, next: &mut Vec<Self>) {
        if self.budget.turns == 0 {
            return;
        }
        if self.allowance.submits {
            next.push(self.with("drain", |world| {
                world.budget.turns -= 1;
                world.allowance.submits = false;
            }));
        }
        if !self.allowance.query_first {
            next.push(self.with("query first", |world| {
                world.budget.turns -= 1;
                world.allowance.query_first = true;
            }));
        }
    }
}
