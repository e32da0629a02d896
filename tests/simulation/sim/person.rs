//! Decides as a person does between two runs: releases or cancels what is held, cancels what is planned. What was ever
//! sent, and what is to be sent again, is asked about first, in whatever weather there is.

use super::fixture::{Fixture, wall_ms};
use super::gateway::SimulatedGateway;
use super::process::Process;
use std::collections::BTreeMap;
use std::sync::Arc;
use topup::domain::event::Event;
use topup::domain::payout_status::State;
use topup::engine::{self, Asked, Inquiry};
use topup::ledger::{Entry, PayoutId, Purpose, RunLedger, Under};

impl Fixture {
    /// Decides about some of the payouts that a person may decide about.
    pub(super) async fn decide(&mut self) -> Result<(), String> {
        let ledger = self.open()?;
        let settings = self.asking();
        let batch = ledger.batches().map_err(failed)?.remove(0);
        let ledger = ledger.into_run(batch.id, &Under::new(Purpose::Ask, batch.binding.clone(), 0)).map_err(failed)?;
        let wishes = self.wishes(&ledger)?;
        let (mut at_once, mut asked_first) = (Vec::new(), Vec::new());
        for (id, event) in &wishes {
            let standing = ledger.standing(*id).map_err(failed)?;
            if standing.asks_first(event) {
                asked_first.push(Inquiry { payout: *id, earlier: None });
            } else {
                let before = standing.state;
                let after = standing.after(event).map_err(|error| error.to_string())?.state;
                let (call, note, why, new_number) = (None, None, Some("simulated".to_owned()), None);
                let (event, recovered) = (event.clone(), false);
                at_once.push(Entry { payout: *id, event, before, after, call, note, why, new_number, recovered });
            }
        }
        let gateway = Arc::new(SimulatedGateway {
            network: Arc::clone(&self.network),
            process: Arc::new(Process::default()),
            auditor: Arc::clone(&self.ledgers.auditor),
        });
        let (epoch, off_by) = (self.epoch, self.clock_is_off_by_ms);
        let clock = || wall_ms(epoch, off_by);
        if !at_once.is_empty() {
            // The inline writer has written when it returns; there is nothing to wait for.
            drop(ledger.record(clock(), at_once));
        }
        let decide = |asked: &Asked| asked.decision(&batch, wishes.get(&asked.payout.id)?.clone(), "simulated");
        let report = engine::ask(&settings, &ledger, gateway, clock, std::future::pending(), asked_first, decide).await;
        self.asked();
        self.ledgers.close(ledger.into_scratch().expect("a ledger in memory"));
        // A worker that panics ends such a command: what was answered until then is recorded, and the rest not decided.
        let panics = |error: &engine::EngineError| error.to_string().contains("the worker panics");
        if let Some(error) = report.err().filter(|error| !panics(error)) {
            return Err(failed(error));
        }
        let read = self.read();
        self.audit(&read)
    }

    fn wishes(&mut self, ledger: &RunLedger) -> Result<BTreeMap<PayoutId, Event>, String> {
        let mut wishes = BTreeMap::new();
        for state in [State::Held, State::Planned] {
            for payout in ledger.payouts_after(state, None, 100).map_err(failed)? {
                let event = match (state, self.rng.u32(0..12)) {
                    (State::Held, 0..5) => Event::Released { name: None },
                    (State::Held, 5..8) => Event::Cancelled,
                    (State::Planned, 0) => Event::Cancelled,
                    _ => continue,
                };
                let hit = if event == Event::Cancelled { "person: cancelled" } else { "person: released" };
                self.network.lock().expect("no panic holds it").coverage.hit(hit);
                wishes.insert(payout.id, event);
            }
        }
        Ok(wishes)
    }
}

fn failed(error: impl std::fmt::Display) -> String {
    format!("a person's decision failed: {error}")
}
