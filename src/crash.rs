//! Named points at which a test kills the program, so that what a crash leaves behind is seen for each of them.
//!
//! Only in debug builds: a release build holds no such code.

/// Ends the process as SIGKILL would, when `TOPUP_CRASH_AT` is `name:n` and this is the n-th pass (from 1).
#[cfg(debug_assertions)]
pub(crate) fn point(name: &str) {
    use std::sync::OnceLock;
    use std::sync::atomic::{AtomicU32, Ordering};
    static PLAN: OnceLock<Option<(String, u32)>> = OnceLock::new();
    static PASSES: AtomicU32 = AtomicU32::new(0);
    let plan = PLAN.get_or_init(|| {
        let text = std::env::var("TOPUP_CRASH_AT").ok()?;
        let (name, pass) = text.split_once(':')?;
        Some((name.to_owned(), pass.parse().ok()?))
    });
    if let Some((planned, pass)) = plan
        && planned == name
        && PASSES.fetch_add(1, Ordering::SeqCst) + 1 == *pass
    {
        let _ = rustix::process::kill_process(rustix::process::getpid(), rustix::process::Signal::KILL);
    }
}

/// Nothing, in a release build.
#[cfg(not(debug_assertions))]
pub(crate) fn point(_name: &str) {}
