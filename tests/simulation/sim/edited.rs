//! Edits a row of the ledger by hand between two runs, as somebody with another program could: nothing of it is sent, and
//! the run ends with that finding. Then the row is put back.

use super::fixture::{Fixture, wall_ms};
use super::gateway::SimulatedGateway;
use super::process::Process;
use rusqlite::{OptionalExtension, params};
use std::sync::Arc;
use tokio::time::Instant;
use topup::engine::{self, EngineError, Mode};
use topup::ledger::{LedgerError, Purpose, Under};

/// What is edited: the column, and the value that takes the place of the right one.
const EDITS: [(&str, &str); 8] = [
    ("points", "points + 1"),
    ("member", "'0999999999'"),
    ("phone", "'0999999999'"),
    ("send_sms", "1 - send_sms"),
    ("name", "'Nobody'"),
    ("row_key", "row_key || 'x'"),
    ("invoice_no", "invoice_no || 'X'"),
    ("attempt", "attempt + 1"),
];

impl Fixture {
    pub(super) async fn run_on_an_edited_row(&mut self, draw: u64) -> Result<(), String> {
        let (column, value) = EDITS[usize::try_from(draw % EDITS.len() as u64).unwrap_or(0)];
        // One that a run has to take up: an edit of a finished one is for `verify` to find.
        let open =
            "SELECT payout_id FROM payouts WHERE state IN ('planned', 'in_doubt') ORDER BY payout_id LIMIT 1 OFFSET
                    ?1 % (SELECT max(1, count(*)) FROM payouts WHERE state IN ('planned', 'in_doubt'))";
        let offset = i64::try_from(draw >> 8 & 0xff).unwrap_or(0);
        let chosen: Option<i64> = self
            .ledgers
            .auditor()
            .connection()
            .query_row(open, [offset], |row| row.get(0))
            .optional()
            .map_err(|error| error.to_string())?;
        let Some(payout) = chosen else { return Ok(()) };
        self.line(|| format!("{column} of payout {payout} is edited"));
        let intents = self.intents(payout);
        let before = self.ledgers.auditor().edit(payout, column, value);
        let ended = self.pay_what_is_edited().await;
        self.ledgers.auditor().put_back(payout, column, &before);
        let ended = ended?;
        self.line(|| format!("the run on it ends: {ended:?}"));
        if self.intents(payout) != intents {
            return Err(format!("{column} of payout {payout} was edited, and it was sent all the same"));
        }
        match ended {
            Err(EngineError::Ledger(LedgerError::RowChanged { .. } | LedgerError::Broken(_))) => {
                self.network().coverage.hit("ledger: an edited row is found");
                self.network().cut(Instant::now());
            }
            // It ended for another reason before it came to the row.
            Ok(report) if report.stop.is_some() => {}
            other => return Err(format!("{column} of payout {payout} was edited, and the run ended with {other:?}")),
        }
        let read = self.read();
        self.audit(&read)
    }

    /// How often the payout was about to be sent.
    fn intents(&self, payout: i64) -> i64 {
        let sql = "SELECT count(*) FROM events WHERE payout_id = ?1 AND kind = 'submit_intended'";
        self.ledgers.auditor().connection().query_row(sql, params![payout], |row| row.get(0)).expect("a ledger")
    }

    async fn pay_what_is_edited(&mut self) -> Result<Result<engine::RunReport, EngineError>, String> {
        let ledger = self.open()?;
        let mut settings = self.scenario.settings.clone();
        (settings.mode, settings.quiet_before) = (Mode::Pay, self.quiet_before(&ledger)?);
        self.network().begin_run(None);
        let gateway = Arc::new(SimulatedGateway {
            network: Arc::clone(&self.network),
            process: Arc::new(Process::default()),
            auditor: Arc::clone(&self.ledgers.auditor),
        });
        let batch = ledger.batches().map_err(|error| error.to_string())?.remove(0);
        let under = Under::new(Purpose::Pay, batch.binding.clone(), 0);
        let ledger = ledger.into_run(batch.id, &under).map_err(|error| error.to_string())?;
        let (epoch, off_by) = (self.epoch, self.clock_is_off_by_ms);
        let clock = || wall_ms(epoch, off_by);
        let ended = engine::run(settings, &ledger, gateway, clock, std::future::pending(), |_| {}).await;
        // A task that was aborted is dropped at the next turn of the runtime.
        tokio::task::yield_now().await;
        self.ledgers.close(ledger.into_scratch().expect("a ledger in memory"));
        Ok(ended)
    }
}
