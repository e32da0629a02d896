//! Runs code of a library, and takes a panic in it for an error: nothing of it is printed.
//!
//! What prints a panic is one hook for the whole process. It is replaced only while some thread runs such code, by one
//! that is silent for these threads alone, and put back when the last of them is done.

use std::cell::Cell;
use std::panic::{AssertUnwindSafe, PanicHookInfo, catch_unwind, set_hook, take_hook};
use std::sync::{Arc, Mutex, PoisonError};

type Hook = Box<dyn Fn(&PanicHookInfo<'_>) + Sync + Send>;

/// The hook that was there before, and how many threads run without it.
struct Silenced {
    threads: usize,
    before: Option<Arc<Hook>>,
}

static SILENCED: Mutex<Silenced> = Mutex::new(Silenced { threads: 0, before: None });

thread_local! {
    /// Whether a panic of this thread is expected, and becomes an error.
    static EXPECTED: Cell<bool> = const { Cell::new(false) };
}

/// Runs code that may panic.
///
/// # Errors
/// It panicked; these are the panic's words.
pub(crate) fn caught<T>(run: impl FnOnce() -> T) -> Result<T, String> {
    let outer = EXPECTED.replace(true);
    silence();
    let done = catch_unwind(AssertUnwindSafe(run));
    restore();
    EXPECTED.set(outer);
    done.map_err(|panic| {
        let text = panic.downcast_ref::<String>().cloned();
        text.or_else(|| panic.downcast_ref::<&str>().map(|text| (*text).to_owned())).unwrap_or_default()
    })
}

fn silence() {
    let mut silenced = SILENCED.lock().unwrap_or_else(PoisonError::into_inner);
    silenced.threads += 1;
    if silenced.before.is_none() {
        let before = Arc::new(take_hook());
        silenced.before = Some(Arc::clone(&before));
        set_hook(Box::new(move |panic| {
            if !EXPECTED.get() {
                before(panic);
            }
        }));
    }
}

fn restore() {
    let mut silenced = SILENCED.lock().unwrap_or_else(PoisonError::into_inner);
    silenced.threads -= 1;
    if silenced.threads == 0 {
        // Dropping our hook leaves the one before to us alone.
        drop(take_hook());
        if let Some(before) = silenced.before.take().and_then(|before| Arc::try_unwrap(before).ok()) {
            set_hook(before);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_is_an_error_and_the_hook_is_there_again() {
        assert_eq!(caught(|| 5), Ok(5));
        assert_eq!(caught(|| panic!("words")).map(|()| 0), Err("words".to_owned()));
        let nested = caught(|| {
            let inner = caught(|| -> u8 { panic!("{}", "inner") });
            assert!(EXPECTED.get(), "the outer one goes on");
            inner
        });
        assert_eq!(nested, Ok(Err("inner".to_owned())));
        assert!(!EXPECTED.get());
    }

    #[test]
    fn threads_at_once_leave_nothing_behind() {
        let threads: Vec<_> = (0..8)
            .map(|number| {
                std::thread::spawn(move || {
                    (0..50).filter(|round| caught(|| assert!(round % 2 == 0, "{number}")).is_err()).count()
                })
            })
            .collect();
        for thread in threads {
            assert_eq!(thread.join().unwrap(), 25);
        }
    }
}
