//! Shares one pace among all commands of a ledger on this machine, by a small file beside it.
//!
//! The file holds the times of the last departures, on a clock that all processes of the machine share, and the ideal
//! time of the last one. Whoever wants to send takes the file's lock for some microseconds, looks, and either writes its own
//! departure there or learns how long to wait. So no sliding second holds more than one request above the rate, whoever
//! sends, and a run after a killed one continues its pace.
//!
//! The file is no part of the ledger: it holds no personal data, it is never synced, and where it is lost or cannot be
//! used the process keeps a pace of its own and [`SharedPace::trouble`] says so.

use crate::private_file;
use std::fs::{File, TryLockError};
use std::io;
#[cfg(unix)]
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

/// What the file begins with: its kind and version.
const MAGIC: [u8; 8] = *b"topuppc1";
/// Magic, capacity, place of the next departure, ideal time of the last one.
const HEAD_BYTES: u64 = 32;
/// Departures that a new file has room for at least.
const CAPACITY_MIN: u64 = 64;
/// How far behind the ideal times departures may be and still keep to them, in nanoseconds.
const CATCH_UP_MAX_NS: u64 = 100_000_000;
const SECOND_NS: u64 = 1_000_000_000;
/// How long to wait for a lock that is held for microseconds only.
const LOCK_WAIT: Duration = Duration::from_millis(1);
/// How often to look whether the path still leads to the file.
const LOOK_EVERY_NS: u64 = 10_000_000;
/// Who holds it for longer is stopped, or something else.
const LOCKED_MAX_NS: u64 = 2 * SECOND_NS;

/// What may happen now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Turn {
    /// One request may leave; its departure is written down.
    Now,
    /// Nothing before so long.
    Wait(Duration),
    /// There is nothing to share: the process keeps a pace of its own.
    Alone,
}

/// How fast a process wants to go.
#[derive(Clone, Copy, Debug)]
pub(super) struct Speed {
    /// Between two departures.
    pub(super) interval: Duration,
    /// Departures in any sliding second, at the most; above zero.
    pub(super) window: u64,
}

/// The shared pace of one ledger's commands.
#[derive(Debug)]
pub struct SharedPace {
    path: PathBuf,
    may_create: bool,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    file: Option<File>,
    /// Requests left without the file, or by another one: one that is joined then is joined with a pause.
    left_elsewhere: bool,
    looked_at_ns: u64,
    not_before_ns: u64,
    locked_since_ns: Option<u64>,
    trouble: Option<String>,
}

/// The first bytes of the file.
#[derive(Clone, Copy, Debug, Default)]
struct Head {
    capacity: u64,
    /// Where the next departure is written: the oldest one's place.
    next: u64,
    ideal_ns: u64,
}

impl SharedPace {
    /// The pace of the ledger at `ledger`. `may_create`: the file is made where there is none; otherwise it is joined as soon
    /// as there is one. Nothing is opened yet.
    #[must_use]
    pub fn of(ledger: &Path, may_create: bool) -> Self {
        Self { path: path_of(ledger), may_create, state: Mutex::default() }
    }

    /// Why the pace is not shared, if something is wrong.
    #[must_use]
    pub fn trouble(&self) -> Option<String> {
        self.lock_state().trouble.clone()
    }

    /// Waits until one request may leave at `rate_per_s`, which is above zero; not at all where there is nothing to share.
    pub async fn wait_for_a_turn(&self, rate_per_s: f64) {
        let interval = Duration::try_from_secs_f64(1.0 / rate_per_s).unwrap_or_default();
        // A float that is too large saturates.
        let speed = Speed { interval, window: rate_per_s as u64 + 1 };
        while let Turn::Wait(wait) = self.turn(speed) {
            tokio::time::sleep(wait).await;
        }
    }

    /// Asks for a departure now.
    pub(super) fn turn(&self, speed: Speed) -> Turn {
        now_ns().map_or(Turn::Alone, |now_ns| self.turn_at(now_ns, speed))
    }

    fn turn_at(&self, now_ns: u64, speed: Speed) -> Turn {
        let mut state = self.lock_state();
        if state.trouble.is_some() {
            return Turn::Alone;
        }
        self.try_turn(&mut state, now_ns, speed).unwrap_or_else(|error| {
            let trouble = format!(
                "the pace is not shared with other commands of this ledger: {}: {error}\nhint: while this lasts, run one \
                 command at a time",
                self.path.display()
            );
            tracing::warn!("{trouble}");
            state.trouble = Some(trouble);
            Turn::Alone
        })
    }

    fn try_turn(&self, state: &mut State, now_ns: u64, speed: Speed) -> io::Result<Turn> {
        if now_ns.abs_diff(state.looked_at_ns) >= LOOK_EVERY_NS {
            state.looked_at_ns = now_ns;
            state.file.take_if(|file| !is_still_at(file, &self.path));
        }
        if state.file.is_none() {
            let opened = open(&self.path, self.may_create)?;
            if opened.is_some() && state.left_elsewhere {
                state.not_before_ns = now_ns + SECOND_NS;
            }
            (state.file, state.left_elsewhere) = (opened, true);
        }
        let Some(file) = &state.file else { return Ok(Turn::Alone) };
        match file.try_lock() {
            Ok(()) => state.locked_since_ns = None,
            Err(TryLockError::WouldBlock) => {
                let since = *state.locked_since_ns.get_or_insert(now_ns);
                if now_ns.saturating_sub(since) > LOCKED_MAX_NS {
                    return Err(io::Error::other("another process keeps it locked"));
                }
                return Ok(Turn::Wait(LOCK_WAIT));
            }
            Err(TryLockError::Error(error)) => return Err(error),
        }
        let turn = take_turn(file, now_ns, state.not_before_ns, speed);
        file.unlock()?;
        turn
    }

    /// A panic while it was held left it whole.
    fn lock_state(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Beside the ledger itself, by whichever link it was named.
fn path_of(ledger: &Path) -> PathBuf {
    let mut name = ledger.canonicalize().unwrap_or_else(|_| ledger.to_owned()).into_os_string();
    name.push(".pace");
    PathBuf::from(name)
}

/// Under the file's lock: writes a departure down, or says how long to wait.
fn take_turn(file: &File, now_ns: u64, not_before_ns: u64, speed: Speed) -> io::Result<Turn> {
    let interval_ns = u64::try_from(speed.interval.as_nanos()).unwrap_or(u64::MAX);
    // Of a machine that was started anew, the times are later than now.
    let known = read_head(file)?.filter(|head| head.ideal_ns <= now_ns + SECOND_NS);
    let mut head = known.unwrap_or_else(|| Head { ideal_ns: first_ideal_ns(now_ns, interval_ns), ..Head::default() });
    if head.capacity < speed.window {
        head = grow(file, head, speed.window.max(CAPACITY_MIN), now_ns)?;
    }
    let ideal_ns = head.ideal_ns.saturating_add(interval_ns).max(now_ns.saturating_sub(CATCH_UP_MAX_NS));
    // The one that has to be a second ago before another one may leave.
    let place = (head.next + head.capacity - speed.window) % head.capacity;
    let mut eight = [0; 8];
    file.read_exact_at(&mut eight, HEAD_BYTES + 8 * place)?;
    let window_opens_ns = match u64::from_le_bytes(eight) {
        0 => 0,
        // Before the machine was started anew.
        later if later > now_ns => 0,
        oldest => oldest + SECOND_NS + 1,
    };
    let at_ns = ideal_ns.max(window_opens_ns).max(not_before_ns);
    if at_ns > now_ns {
        return Ok(Turn::Wait(Duration::from_nanos(at_ns - now_ns)));
    }
    // The departure first: cut off in between, it is written over, and it had not left.
    file.write_all_at(&now_ns.to_le_bytes(), HEAD_BYTES + 8 * head.next)?;
    write_head(file, Head { next: (head.next + 1) % head.capacity, ideal_ns, ..head })?;
    Ok(Turn::Now)
}

/// What a new file says of the time before it: whoever sends without one sees it within an interval, and may be behind by what
/// is caught up. A second is always enough.
fn first_ideal_ns(now_ns: u64, interval_ns: u64) -> u64 {
    let quiet_ns = interval_ns.saturating_add(CATCH_UP_MAX_NS).min(SECOND_NS);
    (now_ns + quiet_ns).saturating_sub(interval_ns)
}

/// `None` where there is no head, or another program's.
fn read_head(file: &File) -> io::Result<Option<Head>> {
    let mut bytes = [0; HEAD_BYTES as usize];
    match file.read_exact_at(&mut bytes, 0) {
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Ok(None),
        read => read?,
    }
    let mut words = bytes.chunks_exact(8).map(|word| word.try_into().map_or(0, u64::from_le_bytes)).skip(1);
    let mut word = || words.next().unwrap_or_default();
    let head = Head { capacity: word(), next: word(), ideal_ns: word() };
    let is_whole = head.next < head.capacity && file.metadata()?.len() == HEAD_BYTES + 8 * head.capacity;
    Ok((bytes.starts_with(&MAGIC) && is_whole).then_some(head))
}

fn write_head(file: &File, head: Head) -> io::Result<()> {
    let mut bytes = [0; HEAD_BYTES as usize];
    let words = [MAGIC, head.capacity.to_le_bytes(), head.next.to_le_bytes(), head.ideal_ns.to_le_bytes()];
    bytes.chunks_exact_mut(8).zip(words).for_each(|(place, word)| place.copy_from_slice(&word));
    file.write_all_at(&bytes, 0)
}

/// Writes the file anew with room for more: all of it, so that a disk that fills up later takes nothing from it.
fn grow(file: &File, head: Head, capacity: u64, now_ns: u64) -> io::Result<Head> {
    let mut kept = vec![0; usize::try_from(8 * head.capacity).unwrap_or_default()];
    file.read_exact_at(&mut kept, HEAD_BYTES)?;
    let mut kept: Vec<u64> = kept.chunks_exact(8).map(|word| word.try_into().map_or(0, u64::from_le_bytes)).collect();
    kept.retain(|at| *at <= now_ns);
    kept.sort_unstable();
    let next = kept.len() as u64 % capacity;
    kept.resize(usize::try_from(capacity).unwrap_or_default(), 0);
    let grown = Head { capacity, next, ideal_ns: head.ideal_ns };
    file.write_all_at(&kept.iter().flat_map(|at| at.to_le_bytes()).collect::<Vec<_>>(), HEAD_BYTES)?;
    file.set_len(HEAD_BYTES + 8 * capacity)?;
    write_head(file, grown)?;
    Ok(grown)
}

/// Opens the file, which has to be a regular one that no link leads to; `None` where there is none and none is made.
fn open(path: &Path, may_create: bool) -> io::Result<Option<File>> {
    let mut options = private_file::options();
    options.read(true).write(true).create(may_create).truncate(false);
    #[cfg(unix)]
    {
        use rustix::fs::OFlags;
        use std::os::unix::fs::OpenOptionsExt as _;
        // Neither through a link nor waiting for whoever reads a pipe.
        let flags = i32::try_from((OFlags::NOFOLLOW | OFlags::NONBLOCK).bits()).unwrap_or_default();
        options.custom_flags(flags);
    }
    let file = match options.open(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound && !may_create => return Ok(None),
        opened => opened?,
    };
    if !file.metadata()?.is_file() {
        return Err(io::Error::other("needs a regular file, and is something else"));
    }
    Ok(Some(file))
}

/// Whether the path still leads to this file: it may have been removed, or another one put in its place.
#[cfg(unix)]
fn is_still_at(file: &File, path: &Path) -> bool {
    use std::os::unix::fs::MetadataExt as _;
    match (file.metadata(), std::fs::symlink_metadata(path)) {
        (Ok(ours), Ok(there)) => (ours.dev(), ours.ino()) == (there.dev(), there.ino()),
        (Ok(_) | Err(_), _) => false,
    }
}

#[cfg(not(unix))]
fn is_still_at(_file: &File, path: &Path) -> bool {
    path.exists()
}

/// Nanoseconds since the machine was started, sleep included: the same for all its processes.
#[cfg(target_os = "linux")]
fn now_ns() -> Option<u64> {
    since_start(rustix::time::ClockId::Boottime)
}

#[cfg(all(unix, not(target_os = "linux")))]
fn now_ns() -> Option<u64> {
    since_start(rustix::time::ClockId::Monotonic)
}

#[cfg(unix)]
fn since_start(clock: rustix::time::ClockId) -> Option<u64> {
    let now = rustix::time::clock_gettime(clock);
    u64::try_from(now.tv_sec).ok()?.checked_mul(SECOND_NS)?.checked_add(u64::try_from(now.tv_nsec).ok()?)
}

/// There is no such clock here: each process keeps a pace of its own.
#[cfg(not(unix))]
fn now_ns() -> Option<u64> {
    None
}

#[cfg(test)]
mod tests;
