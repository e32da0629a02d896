//! Opens a ledger file: what it must be, the settings that durability rests on, and its schema.

use super::held::Held;
use super::network_share::refuse_network_share;
use crate::ledger::error::LedgerError;
use crate::private_file;
use rusqlite::{Connection, OpenFlags};
use rusqlite_migration::{M, Migrations};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

pub(in crate::ledger) const MIGRATIONS: &[M<'_>] = &[M::up(include_str!("../../../migrations/0001_ledger.sql"))];
/// "topp" in ASCII, as the first migration sets it.
const APPLICATION_ID: i64 = 0x746f_7070;
/// Readers and the one writer share the file; a wait this long means that a foreign program holds it.
const BUSY_TIMEOUT: Duration = Duration::from_secs(10);
/// KiB of page cache of each connection, the same for every size of batch: a run has two.
pub(in crate::ledger) const CACHE_KIB: i64 = 6 * 1024;
/// KiB of page cache while a new batch's plan is written: members and numbers go into their indexes in no order, and
/// each page that does not fit is written and read again. What is given back is not the system's at once: a run begins
/// with it.
pub(in crate::ledger) const PLANNING_CACHE_KIB: i64 = 20 * 1024;
/// Statements that stay parsed on a connection: more than a run or a plan has. With the sixteen of the default the ones
/// that each write needs would drive each other out.
const STATEMENTS: usize = 64;

/// What a command wants of a ledger.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// Make the file if there is none.
    Create,
    /// Change an existing one.
    Write,
    /// Only look, beside a live run too.
    Read,
}

/// Opens the file, sets and reads back what durability needs, and brings the schema up to date. What is given beside the
/// connection is to be let go of after it.
///
/// Only for the first connection of a process to this file: see [`open_beside`].
pub(in crate::ledger) fn open(path: &Path, access: Access) -> Result<(Connection, Arc<Held>), LedgerError> {
    let to_change = access != Access::Read;
    let held = match Held::hold(path, to_change)? {
        Some(held) => held,
        None if access == Access::Create => {
            refuse_network_share(
                path.parent().filter(|folder| folder.as_os_str() != "").unwrap_or_else(|| Path::new(".")),
            )?;
            create_private(path)?;
            Held::hold(path, to_change)?.ok_or_else(|| LedgerError::Replaced { path: path.to_owned() })?
        }
        None => return Err(LedgerError::Missing(path.to_owned())),
    };
    refuse_network_share(path)?;
    let exists = check_file(&held, path, access)?;
    Ok((connect(path, access, exists)?, held))
}

/// Opens a reader beside a connection of this process to the same file.
///
/// Architecture invariant: while a connection is open, nothing else in the process opens the file. Closing any
/// descriptor of a file gives back every POSIX lock that the process has on it; another program that then looks at the
/// ledger takes itself for the last one and removes the write-ahead log, into which this one goes on committing.
pub(in crate::ledger) fn open_beside(path: &Path) -> Result<Connection, LedgerError> {
    connect(path, Access::Read, true)
}

fn connect(path: &Path, access: Access, exists: bool) -> Result<Connection, LedgerError> {
    let flags = match access {
        Access::Create | Access::Write => OpenFlags::SQLITE_OPEN_READ_WRITE,
        Access::Read => OpenFlags::SQLITE_OPEN_READ_ONLY,
    };
    let flags = flags | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let opened = match access {
        Access::Read if is_frozen(path) => {
            Connection::open_with_flags(frozen_uri(path), flags | OpenFlags::SQLITE_OPEN_URI)
        }
        Access::Read | Access::Create | Access::Write => Connection::open_with_flags(path, flags),
    };
    let mut connection = opened.map_err(LedgerError::sqlite("opening the ledger"))?;
    check_identity(&connection, path, access, exists)?;
    configure(&connection, path, access)?;
    if access != Access::Read {
        Migrations::from_slice(MIGRATIONS).to_latest(&mut connection)?;
    }
    Ok(connection)
}

/// A ledger in memory, for simulations: the same schema and code, nothing durable.
pub(in crate::ledger) fn open_in_memory(uri: &str) -> Result<Connection, LedgerError> {
    let mut connection = Connection::open(uri).map_err(LedgerError::sqlite("opening a ledger in memory"))?;
    connection.pragma_update(None, "foreign_keys", true).map_err(LedgerError::sqlite("configuring the ledger"))?;
    connection.set_prepared_statement_cache_capacity(STATEMENTS);
    Migrations::from_slice(MIGRATIONS).to_latest(&mut connection)?;
    Ok(connection)
}

/// A temporary ledger that SQLite removes by itself, with the contents of the one at `from`.
pub(in crate::ledger) fn open_scratch(from: Option<&Path>) -> Result<Connection, LedgerError> {
    let copying = || LedgerError::sqlite("copying the ledger");
    // An empty name is SQLite's own kind of temporary file.
    let mut scratch = Connection::open("").map_err(copying())?;
    if let Some(path) = from {
        let (source, _held) = open(path, Access::Read)?;
        let backup = rusqlite::backup::Backup::new(&source, &mut scratch).map_err(copying())?;
        // In one step: between two, a run beside it would write, and the copy would begin again, maybe for ever.
        backup.run_to_completion(i32::MAX, Duration::from_millis(10), None).map_err(copying())?;
    }
    scratch.pragma_update(None, "foreign_keys", true).map_err(copying())?;
    scratch.set_prepared_statement_cache_capacity(STATEMENTS);
    Migrations::from_slice(MIGRATIONS).to_latest(&mut scratch)?;
    Ok(scratch)
}

/// An existing file must be an SQLite database, all of it, or be about to become one; whether it is one already.
fn check_file(held: &Held, path: &Path, access: Access) -> Result<bool, LedgerError> {
    let reading = || format!("reading the ledger {}", path.display());
    let not_a_ledger = |found: &str| LedgerError::NotALedger { path: path.to_owned(), found: found.to_owned() };
    let (header, length) = held.header().map_err(LedgerError::io(reading()))?;
    if header.is_empty() {
        if access != Access::Create {
            return Err(not_a_ledger("an empty file"));
        }
        held.only_for_the_owner().map_err(LedgerError::io(reading()))?;
        return Ok(false);
    }
    if !header.starts_with(b"SQLite format 3\0") {
        return Err(not_a_ledger("another kind of file"));
    }
    // With a write-ahead log the file may be shorter than what it holds; and who only looks may look while it grows.
    if access != Access::Read && !has_log(path) && pages_bytes(&header).is_some_and(|told| told != length) {
        let finding =
            format!("the file {} has {length} bytes, and by its header it should have another size", path.display());
        return Err(LedgerError::Unsound { finding });
    }
    Ok(true)
}

/// Whether nobody can write the file where it is mounted, and all of it stands in the file itself: SQLite would make files
/// beside it to look at it, unless it is told that it never changes.
#[cfg(unix)]
fn is_frozen(path: &Path) -> bool {
    let read_only = |mount: rustix::fs::StatVfs| mount.f_flag.contains(rustix::fs::StatVfsMountFlags::RDONLY);
    rustix::fs::statvfs(path).is_ok_and(read_only) && !has_log(path)
}

#[cfg(not(unix))]
fn is_frozen(_path: &Path) -> bool {
    false
}

/// The file as one that never changes (SQLite, "URI Filenames", `immutable`).
fn frozen_uri(path: &Path) -> String {
    let path = path.to_string_lossy().replace('%', "%25").replace('?', "%3f").replace('#', "%23");
    format!("file:{path}?immutable=1")
}

/// Whether there is a write-ahead log with anything in it.
fn has_log(path: &Path) -> bool {
    let path = path.canonicalize().unwrap_or_else(|_| path.to_owned());
    let mut log = path.into_os_string();
    log.push("-wal");
    std::fs::metadata(log).is_ok_and(|log| log.len() > 0)
}

/// The size of the file by its header (SQLite, "Database File Format", 1.3.7); `None` where the header does not say.
fn pages_bytes(header: &[u8]) -> Option<u64> {
    let number = |at: usize| Some(u32::from_be_bytes(header.get(at..at + 4)?.try_into().ok()?));
    let page = u64::from(u16::from_be_bytes(header.get(16..18)?.try_into().ok()?));
    let page = if page == 1 { 65_536 } else { page };
    let (changes, pages, application, valid_for) = (number(24)?, number(28)?, number(68)?, number(92)?);
    let is_ledger = i64::from(application) == APPLICATION_ID;
    (is_ledger && changes == valid_for && pages > 0).then_some(page * u64::from(pages))
}

/// The ledger holds whole phone numbers: from its first moment on only its owner may read it.
///
/// SQLite takes a file of length zero for a new database, and gives its side files the same mode.
fn create_private(path: &Path) -> Result<(), LedgerError> {
    private_file::options()
        .write(true)
        .create_new(true)
        .open(path)
        .map(drop)
        .map_err(LedgerError::io(format!("creating the ledger {}", path.display())))
}

/// What is not a ledger of a schema that this program knows is left alone.
fn check_identity(connection: &Connection, path: &Path, access: Access, exists: bool) -> Result<(), LedgerError> {
    let pragma = |name| connection.pragma_query_value(None, name, |row| row.get::<_, i64>(0));
    let reading = LedgerError::sqlite("reading the ledger's schema");
    let (id, version) = pragma("application_id").and_then(|id| Ok((id, pragma("user_version")?))).map_err(|error| {
        match error.sqlite_error_code() {
            Some(rusqlite::ErrorCode::NotADatabase) => {
                LedgerError::NotALedger { path: path.to_owned(), found: "a damaged file".to_owned() }
            }
            Some(_) | None => reading(error),
        }
    })?;
    // A ledger whose maker was killed before its schema was written may hold the first page alone.
    let unmade = access == Access::Create && id == 0 && version == 0 && is_without_tables(connection)?;
    if exists && (id != APPLICATION_ID || version == 0) && !unmade {
        let found = "another program's database".to_owned();
        return Err(LedgerError::NotALedger { path: path.to_owned(), found });
    }
    let version = usize::try_from(version).unwrap_or(usize::MAX);
    if version > MIGRATIONS.len() {
        return Err(LedgerError::NewerSchema { path: path.to_owned(), found: version, known: MIGRATIONS.len() });
    }
    Ok(())
}

fn is_without_tables(connection: &Connection) -> Result<bool, LedgerError> {
    connection
        .query_row("SELECT count(*) = 0 FROM sqlite_schema", [], |row| row.get(0))
        .map_err(LedgerError::sqlite("reading the ledger's schema"))
}

fn configure(connection: &Connection, path: &Path, access: Access) -> Result<(), LedgerError> {
    let configuring = || LedgerError::sqlite("configuring the ledger");
    connection.busy_timeout(BUSY_TIMEOUT).map_err(configuring())?;
    connection.set_prepared_statement_cache_capacity(STATEMENTS);
    connection.pragma_update(None, "foreign_keys", true).map_err(configuring())?;
    set_cache(connection, CACHE_KIB)?;
    connection.pragma_update(None, "trusted_schema", false).map_err(configuring())?;
    if access == Access::Read {
        return Ok(());
    }
    connection
        .pragma_update_and_check(None, "journal_mode", "wal", |row| row.get::<_, String>(0))
        .map_err(configuring())?;
    // NORMAL does not sync on commit in WAL mode: an intent would be lost with the power.
    connection.pragma_update(None, "synchronous", "full").map_err(configuring())?;
    connection.pragma_update(None, "fullfsync", true).map_err(configuring())?;
    read_back(connection, path)
}

/// Whether a connection is to a ledger's file, and not to one in memory or to a copy that is gone with it.
pub(in crate::ledger) fn is_file(connection: &Connection) -> bool {
    connection.path().is_some_and(|path| Path::new(path).is_file())
}

/// Sets how much of the file is kept in memory, and gives back what is above it.
pub(in crate::ledger) fn set_cache(connection: &Connection, kib: i64) -> Result<(), LedgerError> {
    connection.pragma_update(None, "cache_size", -kib).map_err(LedgerError::sqlite("configuring the ledger"))
}

/// A setting that SQLite did not take is silent unless it is read back.
fn read_back(connection: &Connection, path: &Path) -> Result<(), LedgerError> {
    for (setting, expected) in [("journal_mode", "wal"), ("synchronous", "2"), ("foreign_keys", "1")] {
        let found = connection
            .pragma_query_value(None, setting, |row| {
                row.get::<_, rusqlite::types::Value>(0).map(|value| match value {
                    rusqlite::types::Value::Text(text) => text,
                    rusqlite::types::Value::Integer(number) => number.to_string(),
                    other @ (rusqlite::types::Value::Null
                    | rusqlite::types::Value::Real(_)
                    | rusqlite::types::Value::Blob(_)) => format!("{other:?}"),
                })
            })
            .map_err(LedgerError::sqlite("reading a setting back"))?;
        if found != expected {
            return Err(LedgerError::Setting { path: path.to_owned(), setting, expected, found });
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ledger::fixture::{planned, under};

    /// Locks of this process on a file, as the kernel lists them.
    #[cfg(target_os = "linux")]
    fn posix_locks_on(path: &Path) -> usize {
        use std::os::unix::fs::MetadataExt;
        let (pid, inode) = (std::process::id().to_string(), std::fs::metadata(path).unwrap().ino());
        let locks = std::fs::read_to_string("/proc/locks").unwrap();
        let ours = |line: &&str| {
            let words: Vec<&str> = line.split_whitespace().collect();
            words[1] == "POSIX" && words[4] == pid && words[5].ends_with(&format!(":{inode}"))
        };
        locks.lines().filter(ours).count()
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn the_reader_of_a_run_leaves_the_writers_locks_alone() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("topup.db");
        let (ledger, batch) = planned(crate::ledger::Ledger::open(&path, Access::Create).unwrap(), 0);
        let before = posix_locks_on(&path);
        assert!(before > 0, "SQLite keeps a lock on the file of a write-ahead log");
        let run = ledger.into_run(batch, &under()).unwrap();
        assert_eq!(posix_locks_on(&path), before);
        run.close().unwrap();
    }

    #[test]
    fn a_ledger_whose_maker_was_killed_is_made_again() {
        let folder = tempfile::tempdir().unwrap();
        let (empty, first_page) = (folder.path().join("empty.db"), folder.path().join("first-page.db"));
        create_private(&empty).unwrap();
        let connection = Connection::open(&first_page).unwrap();
        connection.pragma_update_and_check(None, "journal_mode", "wal", |_| Ok(())).unwrap();
        drop(connection);
        assert!(std::fs::metadata(&first_page).unwrap().len() > 0);
        for path in [empty, first_page] {
            assert!(matches!(open(&path, Access::Write), Err(LedgerError::NotALedger { .. })));
            drop(open(&path, Access::Create).unwrap());
            drop(open(&path, Access::Write).unwrap());
        }
        let foreign = folder.path().join("foreign.db");
        Connection::open(&foreign).unwrap().execute_batch("CREATE TABLE theirs (x)").unwrap();
        assert!(matches!(open(&foreign, Access::Create), Err(LedgerError::NotALedger { .. })));
    }

    #[test]
    fn what_a_payout_sends_never_changes() {
        let ledger = open_in_memory(":memory:").unwrap();
        ledger
            .execute_batch(
                "INSERT INTO batches VALUES (1, 'b', 'h', 'm', 't', 'TP', 1, 50, 0, zeroblob(32), 'f', '{}', 0, 'w',
                                             'yes', 1, 1, '[]', zeroblob(32), NULL, '[]');
                 INSERT INTO payouts VALUES (1, 1, 1, 2, 'ref:1', '0901234567', NULL, NULL, 50, 1, NULL, NULL, NULL, zeroblob(32),
                                             'planned', 1, 'TP1', NULL);",
            )
            .unwrap();
        for change in [
            "UPDATE payouts SET points = 60",
            "UPDATE payouts SET member = '0901234568'",
            "UPDATE payouts SET row_key = 'ref:2'",
            "UPDATE payouts SET name = 'An'",
            "UPDATE payouts SET extra = '[]'",
            "UPDATE payouts SET sha256 = randomblob(32)",
            "DELETE FROM payouts",
        ] {
            assert!(ledger.execute_batch(change).is_err(), "{change}");
        }
        ledger.execute_batch("UPDATE payouts SET attempt = 2, invoice_no = 'TP2', state = 'in_doubt'").unwrap();
    }

    #[test]
    fn the_history_and_the_numbers_are_only_added_to_and_a_credit_stays() {
        let ledger = open_in_memory(":memory:").unwrap();
        ledger
            .execute_batch(
                "INSERT INTO batches VALUES (1, 'b', 'h', 'm', 't', 'TP', 1, 50, 0, zeroblob(32), 'f', '{}', 0, 'w',
                                             'yes', 1, 1, '[]', zeroblob(32), NULL, '[]');
                 INSERT INTO payouts VALUES (1, 1, 1, 2, 'ref:1', '0901234567', NULL, NULL, 50, 1, NULL, NULL, NULL, zeroblob(32),
                                             'credited', 1, 'TP1', 7);
                 INSERT INTO invoices VALUES ('TP1', 1, 1);
                 INSERT INTO actors VALUES (1, 'account:x');
                 INSERT INTO events (batch_id, at, kind, actor_id, previous) VALUES (1, 0, 'run_started', 1, zeroblob(32));
                 INSERT INTO skipped_rows VALUES (1, 1, 3, '[]', '[]');
                 INSERT INTO ledger_events VALUES (1, 0, 'bound', NULL, '{}', NULL, 'account:x', zeroblob(32));",
            )
            .unwrap();
        for change in [
            "UPDATE events SET at = 1",
            "DELETE FROM events",
            "UPDATE actors SET actor = 'account:y'",
            "DELETE FROM actors",
            "UPDATE invoices SET attempt = 2",
            "DELETE FROM invoices",
            "UPDATE payouts SET state = 'planned', credited_at = NULL",
            "UPDATE payouts SET credited_at = 8",
            "UPDATE skipped_rows SET reasons = '[1]'",
            "DELETE FROM skipped_rows",
            "UPDATE ledger_events SET at = 1",
            "DELETE FROM ledger_events",
            "UPDATE batches SET name = 'c'",
            "DELETE FROM ledger",
        ] {
            assert!(ledger.execute_batch(change).is_err(), "{change}");
        }
        assert!(ledger.execute_batch("INSERT INTO invoices VALUES ('TP1', 1, 2)").is_err(), "a number is one payout's");
    }

    #[test]
    fn the_migrations_are_sound() {
        assert_eq!(Migrations::from_slice(MIGRATIONS).validate(), Ok(()));
    }
}
