//! Lends ledgers in memory to one simulation after the other: to parse the schema and the statements for a new one
//! takes longer than most simulations.

use rusqlite::Connection;
use rusqlite::config::DbConfig;
use std::cell::RefCell;
use std::sync::atomic::{AtomicU64, Ordering};
use topup::ledger::{Ledger, LedgerError};

/// Each in-memory ledger of the process has a name of its own.
static NAMES: AtomicU64 = AtomicU64::new(0);

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
    /// The program's own, while no run has it.
    program: Option<Ledger>,
    pub(crate) auditor: Connection,
    /// For it alone no trigger forbids to remove anything.
    eraser: Option<Connection>,
}

impl Lent {
    /// An empty ledger.
    pub(crate) fn take(which: Connections) -> Self {
        let spare = match which {
            Connections::Kept => SPARE.with_borrow_mut(Vec::pop),
            Connections::New => None,
        };
        let Some(mut spare) = spare else { return Self::new(which) };
        spare.erase();
        spare
    }

    /// Another simulation may have it.
    pub(crate) fn give_back(self) {
        if self.which == Connections::Kept {
            SPARE.with_borrow_mut(|spare| spare.push(self));
        }
    }

    fn new(which: Connections) -> Self {
        let name = format!("simulated-{}", NAMES.fetch_add(1, Ordering::Relaxed));
        let auditor = connect(&name);
        Self { name, which, program: None, auditor, eraser: None }
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

    /// Removes all rows, and leaves the schema as it is: with another one every statement would be parsed again.
    fn erase(&mut self) {
        let eraser = self.eraser.get_or_insert_with(|| {
            let eraser = connect(&self.name);
            eraser.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_TRIGGER, false).expect("no triggers");
            eraser.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_FKEY, false).expect("no foreign keys");
            eraser
        });
        for table in ["events", "invoices", "payouts", "totals", "batches"] {
            let sql = format!("DELETE FROM {table}");
            eraser.prepare_cached(&sql).and_then(|mut statement| statement.execute([])).expect("an emptied ledger");
        }
    }
}

fn connect(name: &str) -> Connection {
    let connection = Connection::open(format!("file:/{name}?vfs=memdb")).expect("a ledger in memory");
    // Sixty-four prepared statements: the auditor's own are few.
    connection.set_prepared_statement_cache_capacity(64);
    connection
}
