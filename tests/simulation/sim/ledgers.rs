//! Keeps the ledgers of one simulation in memory: plans, loses, restores and breaks them, and reads them with SQL of
//! its own, so that the judge does not trust the code that it judges.

use super::pool::{Connections, Lent};
use super::scenario::{Ending, FaultyRun, Scenario};
use rusqlite::{Connection, OptionalExtension, params};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard};
use topup::domain::batch_name::BatchName;
use topup::domain::invoice_no::InvoicePrefix;
use topup::domain::payout::Row;
use topup::domain::sha256::Sha256;
use topup::ledger::{Binding, Ledger, LedgerError, NewPayout, Origin, Placement};

const BATCH: &str = "simulated";
const MERCHANT: &str = "M001";

/// The ledger in use, and the copies of it.
#[derive(Debug)]
pub(crate) struct Ledgers {
    which: Connections,
    may_fail: bool,
    pub(crate) auditor: Arc<Mutex<Auditor>>,
}

/// A second pair of eyes on the ledger in use.
#[derive(Debug)]
pub(crate) struct Auditor {
    /// It is given back at the end.
    ledger: Option<Lent>,
    /// Whether a copy that is made now may be put back later.
    pub(crate) keeps_copies: bool,
    copies: Vec<Lent>,
    /// What went out under each number, whichever ledger sent it.
    sent: BTreeMap<String, (String, u32)>,
}

impl Ledgers {
    pub(crate) fn new(scenario: &Scenario, which: Connections) -> Self {
        let fails = |run: &FaultyRun| matches!(run.ending, Ending::WriteFails(_) | Ending::CommitFails(_));
        let may_fail = scenario.runs.iter().any(fails);
        let ledger = Some(Lent::take(which, may_fail));
        let auditor = Auditor { ledger, keeps_copies: false, copies: Vec::new(), sent: BTreeMap::new() };
        Self { which, may_fail, auditor: Arc::new(Mutex::new(auditor)) }
    }

    pub(crate) fn auditor(&self) -> MutexGuard<'_, Auditor> {
        self.auditor.lock().expect("no panic holds it")
    }

    /// Opens the ledger as a command does.
    pub(crate) fn open(&self) -> Result<Ledger, LedgerError> {
        self.auditor().ledger_mut().open()
    }

    /// The command is over.
    pub(crate) fn close(&self, ledger: Ledger) {
        self.auditor().ledger_mut().close(ledger);
    }

    /// Plans the file, as `topup run` does for a batch that the ledger does not hold.
    pub(crate) fn plan(&self, scenario: &Scenario, at: i64) -> Result<(), LedgerError> {
        let prefix = InvoicePrefix::parse("TP").expect("a prefix");
        let batch = BatchName::parse(BATCH).expect("a batch name");
        let binding = Binding {
            gateway_host: "simulated".to_owned(),
            merchant_id: MERCHANT.to_owned(),
            terminal_id: "T001".to_owned(),
            invoice_prefix: prefix.clone(),
        };
        let origin = Origin {
            file_name: "simulated.csv".to_owned(),
            settings: "{}".to_owned(),
            planned_by: "simulation".to_owned(),
            planned_at: at,
        };
        let mut ledger = self.open()?;
        let mut planning = ledger.plan(&batch, &binding, &origin)?;
        for (row, nth) in scenario.rows.iter().zip(2..) {
            let planned = Row {
                row: nth,
                reference: None,
                member: row.member.clone(),
                points: row.points,
                name: row.name.clone(),
                send_sms: None,
                receipt: None,
                extra: Vec::new(),
            };
            let new = NewPayout { row: &planned, key: &row.key, send_sms: true };
            assert_eq!(planning.place(&new)?, Placement::New);
        }
        planning.seal(Sha256::from_bytes([7; 32]), 0, "simulated", at)?;
        self.close(ledger);
        Ok(())
    }

    /// The ledger is gone.
    pub(crate) fn delete(&self) {
        let empty = Lent::take(self.which, self.may_fail);
        self.auditor().use_now(empty);
    }

    /// An older copy of the ledger is put back; `index` picks one. False: there is none.
    pub(crate) fn restore(&self, index: usize) -> bool {
        self.auditor().copy_back(index)
    }

    /// Makes the writes fail that the ending says.
    pub(crate) fn break_as(&self, ending: Ending) {
        let (write_from, commit_from) = match ending {
            Ending::WriteFails(n) => (Some(self.last_event() + n - 1), None),
            Ending::CommitFails(n) => (None, Some(self.last_event() + n)),
            Ending::Natural
            | Ending::Crash(_)
            | Ending::Interrupt(_)
            | Ending::InterruptAt(_)
            | Ending::InterruptAndCrash(..) => return,
        };
        self.execute("INSERT INTO simulated_fault VALUES (?1, ?2)", params![write_from, commit_from]);
    }

    /// The disk is well again.
    pub(crate) fn mend(&self) {
        if self.may_fail {
            self.execute("DELETE FROM simulated_fault WHERE TRUE", []);
        }
    }

    fn execute(&self, sql: &str, params: impl rusqlite::Params) {
        let auditor = self.auditor();
        let mut statement = auditor.connection().prepare_cached(sql).expect("a statement about a fault");
        statement.execute(params).expect("a fault that comes or goes");
    }

    fn last_event(&self) -> u64 {
        let sql = "SELECT coalesce(max(event_id), 0) FROM events";
        self.auditor().connection().query_row(sql, [], |row| row.get(0)).expect("a ledger")
    }
}

impl Drop for Ledgers {
    fn drop(&mut self) {
        if let Ok(mut auditor) = self.auditor.lock()
            && !std::thread::panicking()
        {
            let copies = std::mem::take(&mut auditor.copies);
            copies.into_iter().chain(auditor.ledger.take()).for_each(Lent::give_back);
        }
    }
}

impl Auditor {
    /// Writes another value into a payout's row, past everything that guards it; gives the right one.
    pub(crate) fn edit(&mut self, payout: i64, column: &str, value: &str) -> rusqlite::types::Value {
        let sql = format!("SELECT {column} FROM payouts WHERE payout_id = ?1");
        let before = self.connection().query_row(&sql, [payout], |row| row.get(0)).expect("a payout");
        let sql = format!("UPDATE payouts SET {column} = {value} WHERE payout_id = ?1");
        self.ledger_mut().eraser().execute(&sql, [payout]).expect("an edit");
        before
    }

    /// Writes the right value back.
    pub(crate) fn put_back(&mut self, payout: i64, column: &str, before: &rusqlite::types::Value) {
        let sql = format!("UPDATE payouts SET {column} = ?2 WHERE payout_id = ?1");
        self.ledger_mut().eraser().execute(&sql, params![payout, before]).expect("an edit that is undone");
    }

    pub(crate) fn connection(&self) -> &Connection {
        &self.ledger.as_ref().expect("a ledger is in use").auditor
    }

    fn ledger_mut(&mut self) -> &mut Lent {
        self.ledger.as_mut().expect("a ledger is in use")
    }

    fn use_now(&mut self, ledger: Lent) {
        if let Some(before) = self.ledger.replace(ledger) {
            before.give_back();
        }
    }

    /// Keeps a copy of the ledger as it is now.
    pub(crate) fn copy(&mut self) {
        if self.keeps_copies {
            let copy = self.ledger_mut().copy();
            self.copies.push(copy);
        }
    }

    fn copy_back(&mut self, index: usize) -> bool {
        let Some(index) = index.checked_rem(self.copies.len()) else { return false };
        let restored = self.copies[index].copy();
        self.use_now(restored);
        true
    }

    /// V4: no top-up on the wire without an earlier durable intent for that number, member and points.
    /// V5: one number never goes out with two different members or amounts.
    pub(crate) fn top_up_leaves(
        &mut self,
        invoice_no: &str,
        member: &str,
        points: u32,
        request_id: &str,
    ) -> Result<(), String> {
        let mut statement = self
            .connection()
            .prepare_cached(
                "SELECT coalesce(p.spelt, p.member), p.points, p.state, e.kind, e.request_id
                 FROM invoices i JOIN payouts p ON p.payout_id = i.payout_id AND p.invoice_no = i.invoice_no
                 JOIN events e ON e.payout_id = p.payout_id
                 WHERE i.invoice_no = ?1 ORDER BY e.event_id DESC LIMIT 1",
            )
            .expect("the auditor's query");
        let found = statement
            .query_row(params![invoice_no], |row| {
                let call = (row.get::<_, String>(3)?, row.get::<_, Option<String>>(4)?.unwrap_or_default());
                Ok((row.get::<_, String>(0)?, row.get::<_, u32>(1)?, row.get::<_, String>(2)?, call))
            })
            .optional()
            .expect("the auditor reads");
        let intent = ("submit_intended".to_owned(), request_id.to_owned());
        let wanted = (member.to_owned(), points, "in_doubt".to_owned(), intent);
        drop(statement);
        if found.as_ref() != Some(&wanted) {
            return Err(format!("V4: {invoice_no} leaves as {wanted:?}, and the ledger holds {found:?}"));
        }
        let before = self.sent.entry(invoice_no.to_owned()).or_insert_with(|| (member.to_owned(), points));
        if *before != (member.to_owned(), points) {
            return Err(format!("V5: {invoice_no} went out as {before:?} and now as {member}, {points}"));
        }
        Ok(())
    }
}
