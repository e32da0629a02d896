//! `--notify-command`: tells another program how a run ended. Nothing depends on it: what goes wrong with it is a
//! warning, and the exit status stays that of the run.

use super::interrupt::Interrupt;
use super::output::Output;
use crate::app::runtime::block_on;
use crate::app::{Ending, Failure, SECRETS};
use anyhow::{Context as _, anyhow};
use serde_json::Value;
use std::process::{ExitStatus, Stdio};
use std::time::Duration;
use tokio::io::AsyncWriteExt;
use tokio::process::{Child, Command};

/// How long the command may take; then it is ended, with what it started.
const LIMIT: Duration = Duration::from_secs(30);

/// Runs the command with the end of a run on its stdin.
pub(super) fn notify(command: &str, end: &Value) {
    if let Err(failure) = tell(command, end, LIMIT) {
        // However little was asked for: somebody relies on being told.
        Output::warn(&format!("WARN the notify command failed, and the run is not affected: {failure}"));
    }
}

fn tell(command: &str, end: &Value, limit: Duration) -> Result<(), Failure> {
    let failed = |error| Failure::new(Ending::Failed, "notify", error);
    let line = format!("{end}\n");
    block_on(async {
        let mut child = start(command).context("starting sh").map_err(failed)?;
        // The run's own listener ended with the run, and the system's way to end a process is gone since it began.
        let mut interrupted = Interrupt::listen()?;
        let why = tokio::select! {
            ended = feed(&mut child, &line) => {
                let status = ended.context("waiting for it").map_err(failed)?;
                return if status.success() { Ok(()) } else { Err(failed(anyhow!("it ended with {status}"))) };
            }
            () = tokio::time::sleep(limit) => format!("it did not end within {} s", limit.as_secs_f64()),
            () = &mut interrupted => "it was interrupted".to_owned(),
        };
        end_all(&child);
        let _ = child.wait().await;
        Err(failed(anyhow!("{why} and was ended")))
    })
}

/// Its stdout is our stderr: ours may hold one JSON object and nothing else.
fn start(command: &str) -> std::io::Result<Child> {
    let mut shell = Command::new("sh");
    for secret in SECRETS {
        shell.env_remove(secret);
    }
    shell.arg("-c").arg(command).stdin(Stdio::piped()).stdout(Stdio::from(std::io::stderr())).kill_on_drop(true);
    // A group of its own, which can be ended as a whole.
    #[cfg(unix)]
    shell.process_group(0);
    shell.spawn()
}

async fn feed(child: &mut Child, line: &str) -> std::io::Result<ExitStatus> {
    if let Some(mut stdin) = child.stdin.take() {
        // A command that does not read it, or not to its end, is none the worse for that.
        let _ = stdin.write_all(line.as_bytes()).await;
    }
    child.wait().await
}

#[cfg(unix)]
fn end_all(child: &Child) {
    let group = child.id().and_then(|id| rustix::process::Pid::from_raw(i32::try_from(id).ok()?));
    if let Some(group) = group {
        let _ = rustix::process::kill_process_group(group, rustix::process::Signal::KILL);
    }
}

#[cfg(not(unix))]
fn end_all(_child: &Child) {}

#[cfg(unix)]
#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_command_that_hangs_is_ended_with_what_it_started() {
        let folder = tempfile::tempdir().unwrap();
        let (pids, started) = (folder.path().join("pids"), std::time::Instant::now());
        let command = format!("sleep 600 & echo $! > {}; sleep 600", pids.display());
        let said = tell(&command, &json!({}), Duration::from_millis(500)).unwrap_err().to_string();
        assert_eq!(said, "it did not end within 0.5 s and was ended");
        assert!(started.elapsed() < Duration::from_secs(60));
        let pid = std::fs::read_to_string(pids).unwrap().trim().parse().unwrap();
        let pid = rustix::process::Pid::from_raw(pid).unwrap();
        // Its new parent may take a moment to take note of its end.
        let gone = || rustix::process::test_kill_process(pid).is_err() || is_zombie(pid);
        assert!(std::iter::repeat_with(gone).take(100_000).any(|gone| gone), "it lives on");
    }

    fn is_zombie(pid: rustix::process::Pid) -> bool {
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", pid.as_raw_nonzero())).unwrap_or_default();
        stat.contains(") Z ")
    }

    #[test]
    fn a_command_may_leave_its_input_alone_and_its_status_is_told() {
        let long = json!("x".repeat(1_000_000));
        tell("true", &long, LIMIT).unwrap();
        tell("read -r all; test ${#all} -eq 1000002", &long, LIMIT).unwrap();
        let said = tell("exit 3", &json!({}), LIMIT).unwrap_err().to_string();
        assert!(said.contains("exit status: 3"), "{said}");
    }
}
