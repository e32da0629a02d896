//! Reads one batch as it stood at one moment, beside a live run too: how each payout came out, what decided it, and
//! how the calls went over time.
//!
//! Architecture invariant: memory does not grow with the payouts; everything is shown once, in order, and let go.

use super::columns;
use super::read::{self, state_of};
use super::row::receipt_cells;
use super::skipped::{self, Skipped};
use crate::domain::event::{Event, Fate, MemberAnswer, OrderAnswer, Refusal};
use crate::domain::payout_status::State;
use crate::ledger::error::LedgerError;
use crate::ledger::outcome::{Decided, ExtraCell, FileColumn, Outcome, TimedCall};
use crate::ledger::record::{Batch, Totals};
use crate::ledger::words::{event_of, explains};
use rusqlite::{Connection, Row, Statement, Transaction};

const READING: &str = "reading a batch's outcomes";
const OUTCOME_COLUMNS: &str = "p.payout_id, p.row, p.row_key, coalesce(p.spelt, p.member), p.phone, p.points, p.send_sms, p.receipt, \
     p.name, p.extra, p.state, p.attempt, p.invoice_no, p.credited_at";
const HISTORY: &str = "SELECT kind, detail, state, http, code, note, why FROM events WHERE payout_id = ?1 \
     ORDER BY event_id DESC";

fn reading() -> impl FnOnce(rusqlite::Error) -> LedgerError {
    LedgerError::sqlite(READING)
}

/// A batch as it stood when the snapshot was taken: what a run writes meanwhile does not show.
#[derive(Debug)]
pub struct Snapshot<'l> {
    transaction: Transaction<'l>,
    batch: Batch,
}

impl<'l> Snapshot<'l> {
    pub(in crate::ledger) fn take(connection: &'l Connection, name: &str) -> Result<Self, LedgerError> {
        // A transaction that only reads: all queries see the same moment. It writes nothing and ends by being dropped.
        let transaction = connection.unchecked_transaction().map_err(reading())?;
        let batch = read::batch(&transaction, name)?.ok_or_else(|| LedgerError::NoBatch(name.to_owned()))?;
        let batch = batch.unpurged()?;
        Ok(Self { transaction, batch })
    }

    /// The batch.
    #[must_use]
    pub fn batch(&self) -> &Batch {
        &self.batch
    }

    /// Rows and points by state.
    pub fn totals(&self) -> Result<Totals, LedgerError> {
        read::totals(&self.transaction, self.batch.id)
    }

    /// The columns of the file, in its order. Where the plan kept none, those that the payouts themselves name.
    pub fn columns(&self) -> Result<Vec<FileColumn>, LedgerError> {
        let stored = columns::stored(&self.transaction, self.batch.id)?;
        if !stored.is_empty() {
            return Ok(stored);
        }
        let (first, last) = self.ids()?;
        let sql = "SELECT extra FROM payouts WHERE payout_id BETWEEN ?1 AND ?2 AND extra IS NOT NULL LIMIT 1";
        let extra: Option<String> = read::one(&self.transaction, sql, [first, last])?;
        let extra: Vec<(String, String)> = extra
            .map_or_else(|| Ok(Vec::new()), |json| serde_json::from_str(&json))
            .map_err(|_| LedgerError::Broken("stored extra cells are none".to_owned()))?;
        let own = ["reference", "phone", "points", "name"]
            .map(|word| FileColumn { header: word.to_owned(), meaning: Some(word.to_owned()) });
        let kept = extra.into_iter().map(|(header, _)| FileColumn { header, meaning: None });
        Ok(own.into_iter().chain(kept).collect())
    }

    /// The first and last payout. Those of one file are neighbours, since a plan is written in one transaction.
    fn ids(&self) -> Result<(i64, i64), LedgerError> {
        let edge = |edge| {
            let sql = format!("SELECT payout_id FROM payouts WHERE +batch_id = ?1 ORDER BY payout_id {edge} LIMIT 1");
            read::one(&self.transaction, &sql, [self.batch.id.0])
        };
        Ok((edge("ASC")?.unwrap_or(0), edge("DESC")?.unwrap_or(-1)))
    }

    /// Shows the payouts in these states, in the order of the plan.
    ///
    /// A payout whose newest change of state is not the state that it is in refuses the whole reading: a result that
    /// contradicts the history must never reach anyone.
    ///
    /// # Errors
    /// When the ledger cannot be read or contradicts itself, or `show` fails.
    pub fn outcomes<E: From<LedgerError>>(
        &self,
        states: &[State],
        mut show: impl FnMut(&Outcome<'_>) -> Result<(), E>,
    ) -> Result<(), E> {
        let words: Vec<String> = states.iter().map(|state| format!("'{}'", state.word())).collect();
        let (first, last) = self.ids()?;
        // In the order of the table itself: any index would cost a sort, or a jump per payout.
        let sql = format!(
            "SELECT {OUTCOME_COLUMNS} FROM payouts p
             WHERE p.payout_id BETWEEN ?1 AND ?2 AND +p.batch_id = ?3 AND +p.state IN ({})
             ORDER BY p.payout_id",
            words.join(", ")
        );
        let mut statement = self.transaction.prepare(&sql).map_err(reading())?;
        let mut history = self.transaction.prepare(HISTORY).map_err(reading())?;
        let mut rows = statement.query([first, last, self.batch.id.0]).map_err(reading())?;
        while let Some(row) = rows.next().map_err(reading())? {
            show(&outcome(row, &mut history)?)?;
        }
        Ok(())
    }

    /// Shows the rows that were skipped, in the order of the file.
    ///
    /// # Errors
    /// When the ledger cannot be read, or `show` fails.
    pub fn skipped<E: From<LedgerError>>(&self, show: impl FnMut(&Skipped) -> Result<(), E>) -> Result<(), E> {
        skipped::each(&self.transaction, &self.batch, u64::MAX, show)
    }

    /// Shows every call of the batch that has an end, and every credit, in the order in which they were recorded.
    pub fn calls(&self, mut show: impl FnMut(TimedCall)) -> Result<(), LedgerError> {
        let sql = "SELECT event_id FROM events WHERE batch_id = ?1 AND payout_id IS NULL AND kind = 'batch_planned'
             ORDER BY event_id LIMIT 1";
        let first: i64 = read::one(&self.transaction, sql, [self.batch.id.0])?.unwrap_or(0);
        let sql = "SELECT at, state = 'credited', latency_ms FROM events
             WHERE event_id >= ?1 AND +batch_id = ?2 AND (latency_ms IS NOT NULL OR state = 'credited')
             ORDER BY event_id";
        let mut statement = self.transaction.prepare(sql).map_err(reading())?;
        let mut rows = statement.query([first, self.batch.id.0]).map_err(reading())?;
        while let Some(row) = rows.next().map_err(reading())? {
            show(TimedCall {
                at: row.get(0).map_err(reading())?,
                credited: row.get::<_, Option<bool>>(1).map_err(reading())?.unwrap_or(false),
                latency_ms: row.get(2).map_err(reading())?,
            });
        }
        Ok(())
    }
}

/// Header and text of the cells that are only kept, borrowed where no character of theirs is escaped.
fn extra_cells(json: &str) -> Result<Vec<ExtraCell<'_>>, LedgerError> {
    if let Ok(cells) = serde_json::from_str::<Vec<(&str, &str)>>(json) {
        return Ok(cells.into_iter().map(|(header, text)| (header.into(), text.into())).collect());
    }
    serde_json::from_str(json).map_err(|_| LedgerError::Broken("stored extra cells are none".to_owned()))
}

fn text<'r>(row: &'r Row<'_>, index: usize) -> Result<&'r str, LedgerError> {
    maybe_text(row, index).map(Option::unwrap_or_default)
}

fn maybe_text<'r>(row: &'r Row<'_>, index: usize) -> Result<Option<&'r str>, LedgerError> {
    let value = row.get_ref(index).map_err(reading())?;
    value.as_str_or_null().map_err(|_| LedgerError::Broken("a stored text is none".to_owned()))
}

fn outcome<'r>(row: &'r Row<'_>, history: &mut Statement<'_>) -> Result<Outcome<'r>, LedgerError> {
    let state = state_of(text(row, 10)?)?;
    let decided =
        if state == State::Credited { None } else { decided(history, row.get(0).map_err(reading())?, state)? };
    let member = text(row, 3)?;
    let id = member.split_once(':').filter(|(id_type, _)| matches!(*id_type, "CARD" | "USER_ID"));
    Ok(Outcome {
        row: row.get(1).map_err(reading())?,
        reference: text(row, 2)?.strip_prefix("ref:"),
        phone: if id.is_some() { maybe_text(row, 4)? } else { Some(member) },
        id,
        points: row.get(5).map_err(reading())?,
        send_sms: row.get(6).map_err(reading())?,
        receipt: maybe_text(row, 7)?.map(receipt_cells).transpose()?,
        name: maybe_text(row, 8)?,
        extra: maybe_text(row, 9)?.map_or_else(|| Ok(Vec::new()), extra_cells)?,
        state,
        attempt: row.get(11).map_err(reading())?,
        invoice_no: text(row, 12)?,
        credited_at: row.get(13).map_err(reading())?,
        decided,
    })
}

/// The newest event that explains the state, and the check that the history leads to that state at all.
fn decided(history: &mut Statement<'_>, payout: i64, state: State) -> Result<Option<Decided>, LedgerError> {
    let mut rows = history.query([payout]).map_err(reading())?;
    let (mut search, mut last_state) = (Search::new(state), None);
    while last_state.is_none() || search.open {
        let Some(row) = rows.next().map_err(reading())? else { break };
        if last_state.is_none() {
            last_state = maybe_text(row, 2)?.map(state_of).transpose()?;
        }
        if search.open {
            let event = event_of(text(row, 0)?, maybe_text(row, 1)?, None)?;
            if search.is_found(&event) {
                let owned = |index| maybe_text(row, index).map(|text| text.map(str::to_owned));
                search.found = Some(Decided {
                    event,
                    http: row.get(3).map_err(reading())?,
                    code: row.get(4).map_err(reading())?,
                    note: owned(5)?,
                    why: owned(6)?,
                });
            }
        }
    }
    if last_state.unwrap_or(State::Planned) != state {
        let history = last_state.unwrap_or(State::Planned).word();
        return Err(LedgerError::Broken(format!(
            "payout {payout} is {}, and its history ends {history}",
            state.word()
        )));
    }
    Ok(search.found)
}

/// Looks through a history, newest event first, for the one that explains a state.
struct Search {
    state: State,
    open: bool,
    found: Option<Decided>,
    /// The next intent further back has a recorded end.
    ended: bool,
}

impl Search {
    fn new(state: State) -> Self {
        Self { state, open: true, found: None, ended: false }
    }

    /// Whether this is the event; closes the search where nothing further back can be.
    fn is_found(&mut self, event: &Event) -> bool {
        let found = match self.state {
            State::Credited => false,
            State::Planned => self.kept_planned(event),
            State::InDoubt => self.left_in_doubt(event),
            State::Declined | State::Ineligible | State::Held | State::Cancelled => explains(self.state, event),
        };
        if found {
            self.open = false;
        }
        found
    }

    /// What a payout waits for that was tried; what lies before a person's word is settled by it.
    fn kept_planned(&mut self, event: &Event) -> bool {
        match event {
            Event::SendEnded(Fate::Unsent | Fate::Refused(Refusal::SetAside | Refusal::SlowDown))
            | Event::MemberAnswered(MemberAnswer::Unclear | MemberAnswer::AskAgain)
            | Event::OrderAnswered(
                OrderAnswer::Undecided | OrderAnswer::OtherOrder | OrderAnswer::Unclear | OrderAnswer::AskAgain,
            ) => true,
            Event::Retried | Event::Released { .. } | Event::AttestedNotCredited => {
                self.open = false;
                false
            }
            Event::MemberAnswered(
                MemberAnswer::Eligible | MemberAnswer::Refused | MemberAnswer::NameDiffers | MemberAnswer::NameMissing,
            )
            | Event::OrderAnswered(OrderAnswer::Success | OrderAnswer::Failed | OrderAnswer::Absent)
            | Event::SubmitIntended
            | Event::SendEnded(Fate::Credited | Fate::Unknown(_) | Fate::Refused(Refusal::Member | Refusal::Payout))
            | Event::Cancelled
            | Event::AttestedCredited => false,
        }
    }

    /// What order status said of it last where that decides nothing, or else the last send of unknown fate; none where an
    /// intent's end was never recorded, which is newer.
    fn left_in_doubt(&mut self, event: &Event) -> bool {
        match event {
            Event::SendEnded(Fate::Unknown(_)) | Event::OrderAnswered(OrderAnswer::Undecided) => true,
            Event::SendEnded(Fate::Unsent | Fate::Refused(_) | Fate::Credited) => {
                self.ended = true;
                false
            }
            Event::SubmitIntended => {
                self.open = self.ended;
                self.ended = false;
                false
            }
            Event::MemberAnswered(_)
            | Event::OrderAnswered(
                OrderAnswer::Success
                | OrderAnswer::Failed
                | OrderAnswer::Absent
                | OrderAnswer::OtherOrder
                | OrderAnswer::Unclear
                | OrderAnswer::AskAgain,
            )
            | Event::Retried
            | Event::Released { .. }
            | Event::Cancelled
            | Event::AttestedCredited
            | Event::AttestedNotCredited => false,
        }
    }
}
