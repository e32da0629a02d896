//! Doctor's look at the ledger: what it is, whether it is sound and private, and whether the disk has room for a run.

use super::findings::Findings;
use super::settings::mode_of;
use crate::app::backup;
use crate::app::clock::unix_ms;
use crate::app::context::Context;
use crate::app::failure::{Ending, Failure};
use crate::domain::hint::{Hint, Step};
use crate::ledger::{Access, Batch, Checkup, Lease, Ledger, LedgerError};
use crate::report::{counted, duration, grouped};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// What the history of one payout takes on the disk, with the write-ahead log and room to spare: about 400 bytes are
/// usual, and a payout that is asked about again and again takes more.
const BYTES_PER_PAYOUT: u64 = 2048;
/// Free bytes that even an empty run should have.
const FREE_MIN: u64 = 100 * MIB;
const MIB: u64 = 1024 * 1024;

/// Gives whether the gateway of the configuration may be asked: not where the ledger belongs to another one.
pub(super) fn check_ledger(context: Context<'_>, findings: &mut Findings) -> bool {
    let path = context.settings.ledger_path();
    if !path.exists() {
        findings.warn("ledger", format!("{} does not exist yet", path.display()));
        findings.also(Hint::from(Step::Run).words(" creates it"));
        findings.take("ledger", Ledger::check_place(&folder_of(path)).map_err(Failure::from));
        check_folder(path, findings);
        check_disk(path, 0, findings);
        return true;
    }
    let looked_at = Ledger::open(path, Access::Read).and_then(|ledger| {
        let batches = ledger.batches()?;
        let bindings = Bindings::look(context, &ledger, &batches)?;
        Ok((batches, ledger.checkup()?, ledger.purge_key().map(drop), bindings))
    });
    let Some((batches, checkup, purge_key, bindings)) = findings.take("ledger", looked_at.map_err(Failure::from))
    else {
        return true;
    };
    let may_ask = bindings.foreign.is_none();
    let run = if Lease::is_taken(path) { "; a command that changes it is at work" } else { "" };
    let text = format!("{}, {}{run}", path.display(), counted(batches.len() as u64, "batch"));
    findings.ok("ledger", text);
    check_file(&checkup, findings);
    bindings.say(findings);
    check_purges(&batches, purge_key, findings);
    check_backup(path, batches.len(), findings);
    check_modes(path, findings);
    check_folder(path, findings);
    check_disk(path, checkup.open_payouts, findings);
    may_ask
}

/// What is in the file. That a run syncs each commit is set and read back by the run itself, which refuses otherwise.
fn check_file(checkup: &Checkup, findings: &mut Findings) {
    let Checkup { journal, schema, bytes, damage, .. } = checkup;
    if journal == "wal" {
        findings
            .ok("journal", format!("write-ahead log, schema {schema}; a run syncs every commit, or does not start"));
    } else {
        findings.warn("journal", format!("expected a write-ahead log (wal), found {journal}; the next run sets it"));
    }
    if damage.is_empty() {
        findings.ok("integrity", format!("sound, {} MiB", grouped(bytes.div_ceil(MIB))));
        findings.also(Hint::from(Step::VerifyOffline(None)).words(" also checks the history"));
    } else {
        let hint =
            Hint::of("restore a backup: ").step(Step::Run).words(" then asks the gateway before every first send");
        let damaged = Failure::said(Ending::Failed, "damaged", format!("damaged: {}", damage.join("; ")));
        findings.fail_of("integrity", damaged.with_hint(hint));
    }
}

/// The ledger is the memory of what was paid. Other programs may back it up, so that it is no warning to have none.
fn check_backup(path: &Path, batches: usize, findings: &mut Findings) {
    match backup::newest(path) {
        Some(newest) if newest.file.exists() => {
            let age = u64::try_from(unix_ms() - newest.at).map(Duration::from_millis).unwrap_or_default();
            let days = age.as_secs() / 86_400;
            let age = if days > 1 { counted(days, "day") } else { duration(age) };
            findings.ok("backup", format!("the newest is {age} old: {}", newest.file.display()));
        }
        Some(newest) => {
            let text = format!("{} was the newest, and is not there any more", newest.file.display());
            findings.warn("backup", text);
        }
        None if batches > 0 => {
            findings.ok("backup", "no backup was made yet; if nothing else backs it up: ");
            findings.also(Hint::from(Step::Backup));
        }
        None => {}
    }
}

/// Without the key of purged batches a new file cannot be compared with them.
fn check_purges(batches: &[Batch], key: Result<(), LedgerError>, findings: &mut Findings) {
    let purged: Vec<String> = batches
        .iter()
        .filter_map(|batch| Some(format!("{} was purged on {}", batch.name, batch.purged_on()?)))
        .collect();
    match key {
        Err(error) => findings.warn_of("purged", error.into()),
        Ok(()) if purged.is_empty() => {}
        Ok(()) => findings.ok("purged", format!("{}; their key is there", purged.join(", "))),
    }
}

/// What of the ledger belongs elsewhere under this configuration.
#[derive(Debug, Default)]
struct Bindings {
    /// Why no command that asks or sends would touch the ledger at all.
    foreign: Option<Failure>,
    /// What the next run would take over, since nothing was ever sent from it.
    open: Option<Failure>,
    /// Batches that this configuration may not touch.
    batches: Vec<Failure>,
}

impl Bindings {
    fn look(context: Context<'_>, ledger: &Ledger, batches: &[Batch]) -> Result<Self, LedgerError> {
        let Ok(binding) = context.settings.binding() else { return Ok(Self::default()) };
        match ledger.check_binding(None, &binding) {
            Ok(()) => {}
            Err(bound @ LedgerError::Bound(_)) if ledger.takes_over(None, &binding)? => {
                return Ok(Self { open: Some(bound.into()), ..Self::default() });
            }
            Err(bound @ LedgerError::Bound(_)) => return Ok(Self { foreign: Some(bound.into()), ..Self::default() }),
            Err(error) => return Err(error),
        }
        let refused = batches.iter().filter_map(|batch| ledger.check_binding(Some(batch), &binding).err());
        Ok(Self { batches: refused.map(Failure::from).collect(), ..Self::default() })
    }

    fn say(self, findings: &mut Findings) {
        if let Some(failure) = self.foreign {
            findings.fail_of("bindings", failure);
        }
        if let Some(failure) = self.open {
            findings.warn_of("bindings", failure);
        }
        let (more, mut batches) = (self.batches.len().saturating_sub(1), self.batches.into_iter());
        let Some(mut first) = batches.next() else { return };
        if more > 0 {
            let count = format!("\n(and {} more)", counted(more as u64, "batch"));
            match first.hint.take() {
                Some(hint) => first.hint = Some(hint.words(count)),
                None => first.message.push_str(&count),
            }
        }
        findings.warn_of("bindings", first);
    }
}

/// The ledger and what stands beside it hold whole phone numbers.
fn check_modes(path: &Path, findings: &mut Findings) {
    let files = crate::app::output_file::ENDS.map(|end| beside(path, end));
    let modes = files.iter().filter_map(|file| Some((file, mode_of(file)?)));
    let mut all_private = true;
    for (file, mode) in modes {
        let file = file.display();
        if mode & 0o077 != 0 {
            all_private = false;
            findings.warn("file modes", format!("others may read {file} (mode {mode:03o})\nhint: chmod 600 {file}"));
        }
        if mode & 0o200 == 0 {
            all_private = false;
            findings.warn("file modes", format!("{file} is read-only (mode {mode:03o})\nhint: chmod 600 {file}"));
        }
    }
    if all_private && cfg!(unix) {
        findings.ok("file modes", "only their owner may read and write the ledger's files");
    }
}

/// SQLite keeps two files beside the ledger, and the lock is a third.
#[cfg(unix)]
fn check_folder(path: &Path, findings: &mut Findings) {
    let needs = |path: &Path| rustix::fs::access(path, rustix::fs::Access::WRITE_OK);
    let folder = folder_of(path);
    let beside = ["", "-wal", "-shm", ".lock"].map(|end| beside(path, end));
    for place in std::iter::once(&folder).chain(beside.iter().filter(|file| file.exists())) {
        if let Err(error) = needs(place) {
            let text = format!("cannot write to {}: {}", place.display(), std::io::Error::from(error));
            findings.fail(
                "ledger",
                Ending::Failed,
                format!("{text}\nhint: the ledger and its folder must be writable"),
            );
        }
    }
}

#[cfg(not(unix))]
fn check_folder(_path: &Path, _findings: &mut Findings) {}

#[cfg(unix)]
fn check_disk(path: &Path, open_payouts: u64, findings: &mut Findings) {
    let folder = folder_of(path);
    let Ok(disk) = rustix::fs::statvfs(&folder) else { return };
    let free = disk.f_bavail.saturating_mul(disk.f_frsize);
    let needed = FREE_MIN + open_payouts * BYTES_PER_PAYOUT;
    let of =
        if open_payouts == 0 { String::new() } else { format!(" for {} to settle", counted(open_payouts, "payout")) };
    let text = format!(
        "{} MiB free in {}, about {} MiB needed{of}",
        grouped(free / MIB),
        folder.display(),
        grouped(needed / MIB)
    );
    if free >= needed {
        findings.ok("disk", text);
    } else {
        findings.warn(
            "disk",
            format!("{text}\nhint: free some disk space; a run that finds none stops, and nothing is lost"),
        );
    }
}

#[cfg(not(unix))]
fn check_disk(_path: &Path, _open_payouts: u64, _findings: &mut Findings) {}

fn folder_of(path: &Path) -> PathBuf {
    match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder.to_owned(),
        Some(_) | None => PathBuf::from("."),
    }
}

fn beside(path: &Path, end: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(end);
    PathBuf::from(name)
}
