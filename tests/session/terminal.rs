//! A terminal of the test's own: a shell in a `tmux` server that nobody else uses, what is typed into it, what it shows.

#![expect(clippy::unwrap_used, reason = "a helper of tests: where it fails, the test fails")]

use std::path::Path;
use std::process::{Command, Output};
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// Nothing is waited for longer: a machine under load is slow, a hung program is for ever.
const PATIENCE: Duration = Duration::from_secs(120);
/// How often a screen is looked at.
const LOOK_EVERY: Duration = Duration::from_millis(20);
/// What the shell asks with, and what a command's end is told by; as it is typed, no number stands behind it.
const PROMPT: &str = "$";
const ENDED: &str = "ended with ";

/// A private `tmux` server with windows in one folder. Dropped, it takes the server and the folder with it.
pub(crate) struct Terminal {
    folder: TempDir,
}

/// How a command ended, and what stood on the screen and above it.
pub(crate) struct Shown {
    pub(crate) exit: i32,
    /// The lines as they were printed, whether or not the screen was too narrow for them.
    pub(crate) text: String,
}

impl Terminal {
    /// A shell in an empty folder, on a screen of 80 columns and 24 lines.
    pub(crate) fn open() -> Self {
        let folder = tempfile::Builder::new().prefix("topup-session-").tempdir().unwrap();
        let terminal = Self { folder };
        terminal.tmux(&["new-session", "-d", "-s", "s", "-n", "main", "-x", "80", "-y", "24", &shell()]);
        terminal.tmux(&["set-option", "-g", "status", "off"]);
        terminal.tmux(&["set-option", "-g", "history-limit", "5000"]);
        terminal.wait("main", "the shell asks", |screen| last_line(screen) == PROMPT);
        terminal
    }

    /// One more window, with a shell of its own.
    pub(crate) fn window(&self, name: &str) {
        self.tmux(&["new-window", "-d", "-t", "s:", "-n", name, &shell()]);
        self.wait(name, "the shell asks", |screen| last_line(screen) == PROMPT);
    }

    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Gives the window another width, and waits until its programs know.
    pub(crate) fn columns(&self, window: &str, columns: u16) {
        self.tmux(&["resize-window", "-t", &target(window), "-x", &columns.to_string(), "-y", "24"]);
        let deadline = Instant::now() + PATIENCE;
        while !self.run(window, "stty size").text.contains(&format!("24 {columns}\n")) {
            assert!(Instant::now() < deadline, "the window does not become {columns} columns wide");
        }
    }

    /// Types a line into a window that the shell asks in; what stood there before is gone.
    pub(crate) fn begin(&self, window: &str, line: &str) {
        self.tmux(&["send-keys", "-R", "-t", &target(window)]);
        self.tmux(&["clear-history", "-t", &target(window)]);
        self.answer(window, &format!("{line}; echo \"{ENDED}$?\""));
    }

    /// Types an answer, and Enter.
    pub(crate) fn answer(&self, window: &str, text: &str) {
        self.tmux(&["send-keys", "-t", &target(window), "-l", text]);
        self.key(window, "Enter");
    }

    /// Presses a key, as in `C-c`.
    pub(crate) fn key(&self, window: &str, key: &str) {
        self.tmux(&["send-keys", "-t", &target(window), key]);
    }

    /// Waits until the shell asks again; gives how the command ended, and all that it printed.
    pub(crate) fn end(&self, window: &str) -> Shown {
        let text = self.wait(window, "the command ends", |screen| {
            last_line(screen) == PROMPT && screen.lines().any(|line| ended(line).is_some())
        });
        let exit = text.lines().rev().find_map(ended).unwrap();
        Shown { exit, text }
    }

    /// Types a line, and waits for its end.
    pub(crate) fn run(&self, window: &str, line: &str) -> Shown {
        self.begin(window, line);
        self.end(window)
    }

    /// Waits until the window shows something, and gives all that it shows.
    #[track_caller]
    pub(crate) fn wait(&self, window: &str, what: &str, condition: impl Fn(&str) -> bool) -> String {
        // What went off the upper edge too; lines that the screen cut are put together again.
        self.wait_for(window, &["-J", "-S", "-"], what, condition)
    }

    /// Waits until the rows of the screen show something, and gives them as they stand there.
    #[track_caller]
    pub(crate) fn wait_rows(&self, window: &str, what: &str, condition: impl Fn(&str) -> bool) -> String {
        self.wait_for(window, &[], what, condition)
    }

    #[track_caller]
    fn wait_for(&self, window: &str, how: &[&str], what: &str, condition: impl Fn(&str) -> bool) -> String {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let target = target(window);
            let output = self.tmux(&[&["capture-pane", "-p", "-t", &target], how].concat());
            let text = String::from_utf8_lossy(&output.stdout);
            let screen: String = text.lines().map(|line| format!("{}\n", line.trim_end())).collect();
            if condition(&screen) {
                return screen;
            }
            assert!(Instant::now() < deadline, "waited in vain until {what}; the screen shows\n{screen}");
            std::thread::sleep(LOOK_EVERY);
        }
    }

    #[track_caller]
    fn tmux(&self, arguments: &[&str]) -> Output {
        let output = self.command(arguments).output().unwrap_or_else(|error| {
            panic!("this test needs tmux, which cannot be started ({error}); install it: apt-get install tmux")
        });
        assert!(output.status.success(), "tmux {arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
        output
    }

    /// `tmux` on the private server, in the folder, with the program to be found first and nothing of the user's own.
    fn command(&self, arguments: &[&str]) -> Command {
        let program = Path::new(env!("CARGO_BIN_EXE_topup")).parent().unwrap();
        let path = std::env::var("PATH").unwrap_or_default();
        let mut command = Command::new("tmux");
        command.args(["-u", "-L", "session", "-f", "/dev/null"]).args(arguments).current_dir(self.folder.path());
        for (variable, _) in std::env::vars_os() {
            let name = variable.to_string_lossy();
            if name.starts_with("TOPUP_") || name.starts_with("TMUX") || name.starts_with("LC_") || name == "ENV" {
                command.env_remove(variable);
            }
        }
        command.env("TMUX_TMPDIR", self.folder.path()).env("LC_ALL", "C.UTF-8").env("USER", "tester");
        command.env("PATH", format!("{}:{path}", program.display())).env("PS1", "$ ");
        command
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        // The programs in the windows go with the server that is this test's alone.
        let _ = self.command(&["kill-server"]).output();
    }
}

fn target(window: &str) -> String {
    format!("s:{window}")
}

/// A shell without the user's habits.
fn shell() -> String {
    format!("PS1='{PROMPT} ' exec sh")
}

fn last_line(screen: &str) -> &str {
    screen.lines().rfind(|line| !line.is_empty()).unwrap_or_default()
}

fn ended(line: &str) -> Option<i32> {
    line.strip_prefix(ENDED)?.parse().ok()
}
