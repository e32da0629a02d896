//! Lends ledgers in memory to one simulation after the other: to parse the schema and the statements for a new one
//! takes longer than most simulations.

use rusqlite::config::DbConfig;
use rusqlite::types::Value;
use rusqlite::{Connection, params_from_iter};
use std::cell::RefCell;
use std::sync::atomic::{AtomicU64, Ordering};
use topup::ledger::{Ledger, LedgerError};

/// Each in-memory ledger of the process has a name of its own.
static NAMES: AtomicU64 = AtomicU64::new(0);

/// Every table of the program's own.
const TABLES: [&str; 9] =
    ["ledger", "batches", "totals", "payouts", "invoices", "actors", "events", "skipped_rows", "ledger_events"];
/// The one row that a ledger is made with.
const UNBOUND: &str = "INSERT INTO ledger VALUES (1, NULL, NULL, NULL, zeroblob(32))";

/// Makes writes fail from an event on, where an event is named: there from the beginning, since a schema that changes
/// has every statement parsed again, and only where a seed has such a fault, since it makes every write slower.
const FAULTS: &str = "
    CREATE TABLE simulated_fault (write_from INTEGER, commit_from INTEGER);
    CREATE TRIGGER simulated_fault_of_a_write BEFORE INSERT ON events
        WHEN (SELECT coalesce(max(event_id), 0) FROM events) >= (SELECT write_from FROM simulated_fault)
        BEGIN SELECT RAISE(ABORT, 'disk full'); END;
    -- A violated deferred key shows only when the transaction is committed.
    CREATE TABLE simulated_fault_at_commit (payout_id INTEGER REFERENCES payouts DEFERRABLE INITIALLY DEFERRED);
    CREATE TRIGGER simulated_fault_of_a_commit AFTER INSERT ON events
        WHEN (SELECT max(event_id) FROM events) >= (SELECT commit_from FROM simulated_fault)
        BEGIN INSERT INTO simulated_fault_at_commit VALUES (-1); END;
";

thread_local! {
    static SPARE: RefCell<Vec<Lent>> = const { RefCell::new(Vec::new()) };
}

/// Which ledgers a simulation gets. What happens in it is the same: each seed that is simulated twice shows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Connections {
    /// Emptied ones of earlier simulations, on connections that stay open from run to run.
    Kept,
    /// New ones, on connections that are opened for each run.
    New,
}

/// A ledger in memory with the connections to it.
#[derive(Debug)]
pub(crate) struct Lent {
    name: String,
    which: Connections,
    /// Its writes can be made to fail.
    may_fail: bool,
    /// The program's own, while no run has it.
    program: Option<Ledger>,
    pub(crate) auditor: Connection,
    /// For it alone no trigger forbids to remove anything.
    eraser: Option<Connection>,
}

impl Lent {
    /// An empty ledger.
    pub(crate) fn take(which: Connections, may_fail: bool) -> Self {
        let spare = match which {
            Connections::New => None,
            Connections::Kept => SPARE.with_borrow_mut(|spare| {
                let index = spare.iter().rposition(|ledger| ledger.may_fail == may_fail);
                index.map(|index| spare.swap_remove(index))
            }),
        };
        let Some(mut spare) = spare else { return Self::new(which, may_fail) };
        spare.erase();
        spare
    }

    /// Another ledger with the same rows, and with no fault to come.
    pub(crate) fn copy(&self) -> Self {
        let mut copy = Self::take(self.which, self.may_fail);
        let eraser = copy.eraser();
        for table in TABLES {
            let mut rows = self.auditor.prepare_cached(&format!("SELECT * FROM {table}")).expect("a table");
            let columns = rows.column_count();
            let sql = format!("INSERT OR REPLACE INTO {table} VALUES (?{})", ", ?".repeat(columns - 1));
            let mut insert = eraser.prepare_cached(&sql).expect("the same table");
            let mut rows = rows.query([]).expect("a table's rows");
            while let Some(row) = rows.next().expect("a row") {
                let values = (0..columns).map(|column| row.get::<_, Value>(column).expect("a value"));
                insert.execute(params_from_iter(values)).expect("the same row");
            }
        }
        copy
    }

    /// Another simulation may have it.
    pub(crate) fn give_back(self) {
        if self.which == Connections::Kept {
            SPARE.with_borrow_mut(|spare| spare.push(self));
        }
    }

    fn new(which: Connections, may_fail: bool) -> Self {
        let name = format!("simulated-{}", NAMES.fetch_add(1, Ordering::Relaxed));
        let auditor = connect(&name);
        let mut ledger = Self { name, which, may_fail, program: None, auditor, eraser: None };
        let program = ledger.open().expect("a new ledger");
        ledger.close(program);
        if may_fail {
            ledger.auditor.execute_batch(FAULTS).expect("faults that are to come");
        }
        ledger
    }

    /// Opens the ledger as a command does.
    pub(crate) fn open(&mut self) -> Result<Ledger, LedgerError> {
        self.program.take().map_or_else(|| Ledger::in_shared_memory(&self.name), Ok)
    }

    /// The command is over.
    pub(crate) fn close(&mut self, ledger: Ledger) {
        if self.which == Connections::Kept {
            self.program = Some(ledger);
        }
    }

    /// Removes all rows, and leaves the schema as it is.
    fn erase(&mut self) {
        let fault = self.may_fail.then_some("simulated_fault");
        let eraser = self.eraser();
        for table in TABLES.into_iter().chain(fault) {
            let sql = format!("DELETE FROM {table}");
            eraser.prepare_cached(&sql).and_then(|mut statement| statement.execute([])).expect("an emptied ledger");
        }
        eraser.prepare_cached(UNBOUND).and_then(|mut statement| statement.execute([])).expect("its one row");
    }

    pub(crate) fn eraser(&mut self) -> &Connection {
        self.eraser.get_or_insert_with(|| {
            let eraser = connect(&self.name);
            eraser.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_TRIGGER, false).expect("no triggers");
            eraser.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_FKEY, false).expect("no foreign keys");
            eraser
        })
    }
}

fn connect(name: &str) -> Connection {
    let connection = Connection::open(format!("file:/{name}?vfs=memdb")).expect("a ledger in memory");
    // Sixty-four prepared statements: the auditor's own are few.
    connection.set_prepared_statement_cache_capacity(64);
    connection
}
