//! Asks about every number, as `topup verify` does, and as a person does who lost a ledger or put an old copy back: what
//! another ledger paid meanwhile, only the gateway knows.

use super::fixture::{Fixture, wall_ms};
use super::gateway::SimulatedGateway;
use super::process::Process;
use std::sync::Arc;
use topup::domain::event::OrderAnswer;
use topup::engine::{self, Asked, Inquiry};
use topup::ledger::{Purpose, Under};

impl Fixture {
    /// In good weather: every number has to get a usable answer.
    pub(super) async fn verify(&mut self) -> Result<(), String> {
        let ledger = self.open()?;
        let settings = self.asking();
        let gateway = Arc::new(SimulatedGateway {
            network: Arc::clone(&self.network),
            process: Arc::new(Process::default()),
            auditor: Arc::clone(&self.ledgers.auditor),
        });
        let batch = ledger.batches().map_err(|error| error.to_string())?.remove(0);
        let ledger = ledger
            .into_run(batch.id, &Under::new(Purpose::Ask, batch.binding.clone(), 0))
            .map_err(|error| error.to_string())?;
        let numbers = ledger.verifiable_numbers().map_err(|error| error.to_string())?;
        let wanted = numbers.len();
        let inquiries: Vec<Inquiry> = numbers
            .into_iter()
            .map(|(payout, number, in_use)| Inquiry { payout, earlier: (!in_use).then_some(number) })
            .collect();
        self.line(|| format!("verifies {wanted} numbers"));
        let (epoch, off_by) = (self.epoch, self.clock_is_off_by_ms);
        let clock = || wall_ms(epoch, off_by);
        let mut answered = 0;
        let take = |asked: &Asked| {
            answered += usize::from(!matches!(asked.answer, OrderAnswer::Unclear | OrderAnswer::AskAgain));
            None
        };
        let report = engine::ask(&settings, &ledger, gateway, clock, std::future::pending(), inquiries, take).await;
        self.asked();
        self.ledgers.close(ledger.into_scratch().expect("a ledger in memory"));
        let report = report.map_err(|error| format!("verify failed: {error}"))?;
        if report.stop.is_some() || answered != wanted {
            return Err(format!("verify in good weather got {answered} answers of {wanted}: {:?}", report.stop));
        }
        let read = self.read();
        self.audit(&read)
    }
}
