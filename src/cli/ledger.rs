//! `topup ledger backup`: a copy of the ledger, beside a live run too.

use super::args::{LedgerAction, LedgerArgs};
use super::output::Report;
use super::terminal::Terminal;
use crate::app::{Failure, backup, counted, grouped};
use serde_json::json;
use std::fmt::Write;

const KIB: u64 = 1024;

pub(super) fn ledger(terminal: &Terminal, args: &LedgerArgs) -> Result<Report, Failure> {
    let LedgerAction::Backup { file } = &args.action;
    let made = backup::back_up(terminal.context(), file)?;
    let size = grouped(made.bytes.div_ceil(KIB));
    let mut text = format!("backup {}: {}, {size} KiB\n", made.file.display(), counted(made.batches, "batch"));
    if let Some(key) = &made.purge_key {
        let _ = writeln!(text, "not in it: the key of purged batches, {}; keep a copy of it elsewhere", key.display());
    }
    let json = json!({"backup": made.file, "bytes": made.bytes, "batches": made.batches, "purge_key": made.purge_key});
    Ok(Terminal::shown(json, text))
}
