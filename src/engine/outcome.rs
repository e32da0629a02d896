//! Takes in what came of calls and writes: what it means is the domain's, what follows for the run is decided here.

use super::coordinator::{Coordinator, Phase};
use super::event::{CallKind, RunEvent, Stop, StopCode};
use super::members::{MemberReply, asked_about};
use super::reach::Reached;
use super::settings::{Names, NamesMissing};
use super::worker::Called;
use super::{EngineError, breaker, clocks};
use crate::domain::answer::{Answer, Notice, Reply, member_meaning, order_meaning, top_up_meaning};
use crate::domain::event::{Doubt, Event, Fate, MemberAnswer};
use crate::domain::payout_process::RunTime;
use crate::domain::payout_status::State;
use crate::gateway::{Gateway, Received};
use crate::ledger::{BatchEvent, Call, Entry, PayoutId, UnixMs};
use std::sync::Arc;
use std::time::Duration;
use tokio::time::Instant;

/// A longer `Retry-After` ends the run instead of making it wait.
pub(super) const RETRY_AFTER_MAX: Duration = Duration::from_secs(600);
/// The pause after a 429 that names none.
const PAUSE: Duration = Duration::from_secs(1);

impl<G, C, F> Coordinator<'_, G, C, F>
where
    G: Gateway,
    C: Fn() -> UnixMs,
    F: FnMut(RunEvent),
{
    pub(super) fn apply_called(&mut self, called: Called) -> Result<(), EngineError> {
        let (id, kind, call, latency) = (called.payout, called.kind, called.to_call(), called.latency());
        let Called { request_id, received, departed, ended, .. } = called;
        if departed.is_some() {
            self.tally.requests.count(kind);
        }
        let Some(active) = self.queue.get_mut(id) else { return Ok(()) };
        active.busy = false;
        let row = active.payout.row;
        self.tell(RunEvent::CallEnded {
            kind,
            request_id,
            row,
            http: call.http,
            code: call.code,
            departed: departed.map(|departed| departed.saturating_duration_since(self.started)),
            latency: latency.unwrap_or_default(),
            message: received.message.clone(),
        });
        // Counted here, heeded when the outcome is taken in: stopping lets go of payouts that nothing is known of.
        let reached = self.reach.on_reply(&received, departed, ended);
        let skewed = self.compare_clocks(&received.reply, latency.unwrap_or_default(), ended);
        match kind {
            CallKind::MemberInfo => self.apply_member_info(id, received, call)?,
            CallKind::TopUp => self.apply_top_up(id, &received, call)?,
            CallKind::OrderStatus => {
                let asked_at = departed.map_or(RunTime::ZERO, |at| at.saturating_duration_since(self.started));
                self.apply_order_status(id, &received, call, asked_at)?;
            }
        }
        match reached {
            Reached::GoOn => {}
            Reached::Pause(http, pause) => {
                self.slots.slow_down(pause);
                self.tell(RunEvent::Unavailable { http, pause });
            }
            Reached::Stop(stop) => self.stop(stop, Phase::Halting)?,
        }
        skewed.map_or(Ok(()), |stop| self.stop(stop, Phase::Halting))
    }

    /// Where top-ups are stamped by the gateway's clock, ours must not be far from it.
    fn compare_clocks(&mut self, reply: &Reply, latency: Duration, ended: Instant) -> Option<Stop> {
        self.settings.fence?;
        self.heard |= matches!(reply, Reply::Answered(Answer { code: Some(_), .. }));
        let since_ms = UnixMs::try_from(ended.elapsed().as_millis()).unwrap_or_default();
        clocks::skew_stop(reply, (self.clock)() - since_ms, latency)
    }

    /// What the last call without a usable answer said, to be put behind a reason; empty where all is well.
    pub(super) fn trouble(&self) -> String {
        self.reach.trouble().map(|said| format!("; the last call: {said}")).unwrap_or_default()
    }

    fn apply_member_info(&mut self, id: PayoutId, received: Received, call: Call) -> Result<(), EngineError> {
        let reply = MemberReply { received: Arc::new(received), call };
        let (answer, notice) = member_meaning(&reply.received.reply, None);
        let Some(active) = self.queue.get(id) else { return Ok(()) };
        let waiting = if active.payout.shares_member {
            let member = asked_about(&active.payout.top_up.member);
            let definite = matches!(answer, MemberAnswer::Eligible | MemberAnswer::Refused);
            self.members.answered(&member, &reply, definite)
        } else {
            Vec::new()
        };
        self.apply_member_reply(id, &reply)?;
        for other in waiting {
            if let Some(active) = self.queue.get_mut(other) {
                active.busy = false;
            }
            self.apply_member_reply(other, &reply)?;
        }
        self.heed(id, notice, &reply.received)
    }

    /// What a member's answer means for one of the payouts that go to it.
    pub(super) fn apply_member_reply(&mut self, id: PayoutId, reply: &MemberReply) -> Result<(), EngineError> {
        let Some(active) = self.queue.get(id) else { return Ok(()) };
        let (row, name) = (active.payout.row, self.expected_name(active));
        let accepts_none = active.course.standing().accepted_name.as_deref() == Some("");
        let (said, _) = member_meaning(&reply.received.reply, name.as_deref());
        let note = match (&reply.received.reply, said) {
            (Reply::Answered(found), MemberAnswer::NameDiffers) => found.data.full_name.clone(),
            (_, MemberAnswer::Eligible | MemberAnswer::NameMissing) => None,
            (Reply::Answered(_) | Reply::Unsent | Reply::Lost, _) => Some(reply.received.message.clone()),
        };
        let answer = self.in_view_of_names(row, said, accepts_none);
        let eligible = answer == MemberAnswer::Eligible;
        self.apply_event(id, &Event::MemberAnswered(answer), Some(reply.call.clone()), note, RunTime::ZERO)?;
        // An eligible member is written together with the intent that follows from it.
        if !eligible {
            self.write(id);
        }
        self.advance(id)
    }

    /// What a member's answer leads to with the settings for names, and what a person accepted.
    fn in_view_of_names(&mut self, row: u64, said: MemberAnswer, accepts_none: bool) -> MemberAnswer {
        let warns = self.settings.names == Names::Warn;
        match said {
            MemberAnswer::NameDiffers if warns => self.tell(RunEvent::NameDiffers { row }),
            MemberAnswer::NameMissing if accepts_none => {}
            MemberAnswer::NameMissing if warns || self.settings.names_missing == NamesMissing::Pay => {
                self.tell(RunEvent::NameMissing { row });
            }
            MemberAnswer::Eligible
            | MemberAnswer::Refused
            | MemberAnswer::NameDiffers
            | MemberAnswer::NameMissing
            | MemberAnswer::Unclear
            | MemberAnswer::AskAgain => return said,
        }
        MemberAnswer::Eligible
    }

    fn apply_top_up(&mut self, id: PayoutId, received: &Received, call: Call) -> Result<(), EngineError> {
        let (fate, notice) = top_up_meaning(&received.reply);
        let note = (fate != Fate::Credited).then(|| received.message.clone());
        self.apply_event(id, &Event::SendEnded(fate), Some(call), note, RunTime::ZERO)?;
        self.write(id);
        let Some(active) = self.queue.get(id) else { return Ok(()) };
        let (standing, points) = (active.course.standing(), active.payout.top_up.points.value());
        let first = standing.resends == 0;
        let unknown_number = fate == Fate::Unknown(Doubt::NumberTaken) && standing.doubtful == standing.taken;
        let invoice_no = active.payout.top_up.invoice_no.clone();
        if matches!(standing.state, State::Planned | State::Declined) {
            self.tally.give_back(points);
        }
        if unknown_number && !self.query_first {
            self.query_first = true;
            self.write_batch(BatchEvent::GatewayAhead(invoice_no));
            self.tell(RunEvent::GatewayAhead);
        }
        // A number that another ledger sent says nothing about how the gateway fares now.
        if !unknown_number {
            let turn = self.breaker.on_send(id, fate, first);
            self.apply_turn(turn)?;
        }
        let stamp = self
            .settings
            .fence
            .and_then(|fence| clocks::stamp_stop(&received.reply, &received.message, fence, (self.clock)() / 1000));
        match stamp {
            Some(stop) => self.stop(stop, Phase::Halting),
            None => self.heed(id, notice, received),
        }
    }

    fn apply_order_status(
        &mut self,
        id: PayoutId,
        received: &Received,
        call: Call,
        asked_at: RunTime,
    ) -> Result<(), EngineError> {
        let Some(active) = self.queue.get(id) else { return Ok(()) };
        let was = active.course.standing().state;
        let (answer, notice) = order_meaning(&received.reply, &active.payout.top_up);
        let points = active.payout.top_up.points.value();
        let note = (!received.message.is_empty()).then(|| received.message.clone());
        self.apply_event(id, &Event::OrderAnswered(answer), Some(call), note, asked_at)?;
        let now = self.queue.get(id).map(|active| active.course.standing().state);
        if was == State::InDoubt && now == Some(State::Declined) {
            self.tally.give_back(points);
        }
        if was == State::Planned && now == Some(State::Credited) {
            self.tally.commit_recovered(points);
        }
        self.write(id);
        self.heed(id, notice, received)
    }

    /// Applies an event to a payout and keeps it for the next write.
    pub(super) fn apply_event(
        &mut self,
        id: PayoutId,
        event: &Event,
        call: Option<Call>,
        note: Option<String>,
        asked_at: RunTime,
    ) -> Result<(), EngineError> {
        let (now, jitter) = (self.now(), self.chance.f64());
        let Some(active) = self.queue.get_mut(id) else { return Ok(()) };
        let before = active.course.standing().state;
        active.course = active.course.clone().take(event, &self.settings.policy, asked_at, now, jitter)?;
        let standing = active.course.standing();
        active.pending.push(Entry { call, note, ..Entry::of(id, event.clone(), before, standing) });
        Ok(())
    }

    /// A payout's events are durable: tell what changed, and go on with it.
    pub(super) fn apply_recorded(&mut self, id: PayoutId) -> Result<(), EngineError> {
        let Some(active) = self.queue.get_mut(id) else { return Ok(()) };
        active.busy = false;
        let (from, to) = (active.told, active.course.standing().state);
        if from != to {
            active.told = to;
            let (row, points) = (active.payout.row, active.payout.top_up.points.value());
            self.tell(RunEvent::Moved { row, points, from, to });
        }
        self.advance(id)
    }

    /// What an answer means beyond its payout.
    fn heed(&mut self, id: PayoutId, notice: Notice, received: &Received) -> Result<(), EngineError> {
        let answer = received.reply.answer();
        match notice {
            Notice::None => Ok(()),
            Notice::CountsForBreaker => {
                let code = answer.and_then(|answer| answer.code);
                match self.breaker.refused(id, code, &received.message) {
                    Some(stop) => self.stop(stop, Phase::Draining),
                    None => Ok(()),
                }
            }
            // What stands in front of the gateway is obeyed by `reach`, which also sees whether that ends.
            Notice::SlowDown { .. } if answer.is_some_and(|answer| answer.http == 503 && answer.code.is_none()) => {
                Ok(())
            }
            Notice::SlowDown { retry_after_s } => self.slow_down(retry_after_s.map_or(PAUSE, Duration::from_secs)),
            Notice::StopsBatch(what) => {
                let now_unix_s = (self.clock)() / 1000;
                self.stop(breaker::repair(what, answer, &received.message, now_unix_s), Phase::Halting)
            }
        }
    }

    fn slow_down(&mut self, pause: Duration) -> Result<(), EngineError> {
        if pause > RETRY_AFTER_MAX {
            let message = format!(
                "the gateway asks for a pause of {} s, longer than a run waits ({} s)\nhint: run the same command \
                 again after it, with a lower [gateway] rate_per_s",
                pause.as_secs(),
                RETRY_AFTER_MAX.as_secs()
            );
            return self.stop(Stop { code: StopCode::RateLimited, message }, Phase::Halting);
        }
        if let Some(rate_per_s) = self.slots.slow_down(pause) {
            self.tell(RunEvent::SlowedDown { rate_per_s });
        }
        Ok(())
    }
}
