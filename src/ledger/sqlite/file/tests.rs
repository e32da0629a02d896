//! Writers beside each other, and what they do not take from one another.

use super::super::read;
use super::*;
use crate::ledger::fixture::{planned, under};
use crate::ledger::guard::Guard;
use crate::ledger::record::BatchEvent;
use crate::ledger::writer::{Write, Writer};
use crate::ledger::{Access, Ledger, LedgerError};
use std::sync::atomic::{AtomicBool, Ordering};

fn somebody() -> crate::domain::approval::Actor {
    crate::domain::approval::Actor::System("test".to_owned())
}

/// Somebody else's write is waited for, however short the run's own: a transaction that read before it asked for
/// the right to write is refused at once instead.
#[test]
fn a_writer_waits_for_another_program_that_writes() {
    static ASKED_TO_WAIT: AtomicBool = AtomicBool::new(false);
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("topup.db");
    let (ledger, batch) = planned(Ledger::open(&path, Access::Create).unwrap(), 0);
    let waits = |_| {
        ASKED_TO_WAIT.store(true, Ordering::SeqCst);
        std::thread::yield_now();
        true
    };
    ledger.file.connection.busy_handler(Some(waits)).unwrap();
    let mut writer = Writer::new(ledger.file, false, batch, &somebody(), Guard::default());
    let other = Connection::open(&path).unwrap();
    other.execute_batch("BEGIN IMMEDIATE; UPDATE batches SET planned_by = 'other'").unwrap();
    let (done, is_done) = std::sync::mpsc::channel();
    let other = std::thread::spawn(move || {
        // Until the writer waits, or gave up.
        while !ASKED_TO_WAIT.load(Ordering::SeqCst) && is_done.try_recv().is_err() {
            std::thread::yield_now();
        }
        other.execute_batch("COMMIT").unwrap();
    });
    let written = writer.commit(&[Write::Batch { at: 0, event: BatchEvent::CanaryConfirmed }]);
    let _ = done.send(());
    other.join().unwrap();
    written.unwrap();
}

#[test]
fn a_second_writer_of_a_batch_stops_the_first() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("topup.db");
    let (ledger, batch) = planned(Ledger::open(&path, Access::Create).unwrap(), 0);
    let write = || [Write::Batch { at: 0, event: BatchEvent::CanaryConfirmed }];
    let mut first = Writer::new(ledger.file, false, batch, &somebody(), Guard::default());
    let mut second =
        Writer::new(Ledger::open(&path, Access::Write).unwrap().file, false, batch, &somebody(), Guard::default());
    first.commit(&write()).unwrap();
    first.commit(&write()).unwrap();
    second.commit(&write()).unwrap();
    assert!(matches!(first.commit(&write()), Err(LedgerError::Broken(_))));
    assert!(matches!(first.commit(&write()), Err(LedgerError::Stopped(_))));
}

#[test]
fn what_was_given_to_a_run_that_failed_is_written() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("topup.db");
    let (ledger, batch) = planned(Ledger::open(&path, Access::Create).unwrap(), 0);
    let run = ledger.into_run(batch, &under()).unwrap();
    let before = run.batch().unwrap().chain_head;
    for _ in 0..100 {
        drop(run.record_batch(0, BatchEvent::CanaryConfirmed));
    }
    drop(run);
    let ledger = Ledger::open(&path, Access::Read).unwrap();
    let written =
        read::rows(ledger.file.store(), "SELECT 1 FROM events WHERE kind = 'canary_confirmed'", [], |_| Ok(()));
    assert_eq!(written.unwrap().len(), 100);
    assert_ne!(ledger.batch("b").unwrap().chain_head, before);
}
