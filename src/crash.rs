//! Named points at which a test kills or stops the program, so that what a crash leaves behind is seen for each of them.
//!
//! Only in debug builds: a release build holds no such code.

/// Ends the process as SIGKILL would, when `TOPUP_CRASH_AT` is `name:n` and this is the n-th pass (from 1); stops it as
/// SIGSTOP would, until somebody lets it go on, when `TOPUP_STOP_AT` is.
#[cfg(debug_assertions)]
pub(crate) fn point(name: &str) {
    use rustix::process::{Signal, getpid, kill_process};
    use std::sync::OnceLock;
    use std::sync::atomic::{AtomicU32, Ordering};
    type Plan = OnceLock<Option<(String, u32)>>;
    static PLANS: [(&str, Signal, Plan, AtomicU32); 2] = [
        ("TOPUP_CRASH_AT", Signal::KILL, OnceLock::new(), AtomicU32::new(0)),
        ("TOPUP_STOP_AT", Signal::STOP, OnceLock::new(), AtomicU32::new(0)),
    ];
    for (variable, signal, plan, passes) in &PLANS {
        let plan = plan.get_or_init(|| {
            let text = std::env::var(variable).ok()?;
            let (name, pass) = text.split_once(':')?;
            Some((name.to_owned(), pass.parse().ok()?))
        });
        if let Some((planned, pass)) = plan
            && planned == name
            && passes.fetch_add(1, Ordering::SeqCst) + 1 == *pass
        {
            let _ = kill_process(getpid(), *signal);
        }
    }
}

/// Nothing, in a release build.
#[cfg(not(debug_assertions))]
pub(crate) fn point(_name: &str) {}
