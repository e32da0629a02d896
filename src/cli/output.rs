//! Prints: results on stdout, everything else on stderr; with `--json` exactly one object on stdout.

use super::exit::status;
use super::failure_view::{failure_json, failure_text};
use super::wrap::wrapped;
use crate::app::{Ending, Failure, hide_phones, is_invisible};
use serde_json::Value;
use std::io::{IsTerminal, Write};
use std::process::ExitCode;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

/// Columns of a screen that does not tell.
const COLUMNS_USUAL: usize = 80;
/// Lines of such a screen.
const LINES_USUAL: usize = 24;
/// How long whoever leaves at once waits for a reader of its one object.
const LEAVING: Duration = Duration::from_millis(500);

/// What a command has to say at its end.
#[derive(Debug)]
pub(super) struct Report {
    pub(super) ending: Ending,
    pub(super) json: Value,
    pub(super) text: String,
}

/// Where and how much to print.
#[derive(Clone, Copy, Debug)]
pub(super) struct Output {
    pub(super) json: bool,
    pub(super) quiet: bool,
}

impl Output {
    pub(super) fn new(json: bool, quiet: bool) -> Self {
        WANTS_JSON.store(json, Ordering::SeqCst);
        Self { json, quiet }
    }

    /// A note for people, beside the result.
    pub(super) fn note(self, text: &str) {
        if !self.quiet {
            say(&format!("{text}\n"));
        }
    }

    /// What is said however little was asked for.
    pub(super) fn warn(text: &str) {
        say(&format!("{text}\n"));
    }

    /// Whether a person can be asked.
    pub(super) fn can_ask() -> bool {
        std::io::stdin().is_terminal() && std::io::stderr().is_terminal()
    }

    /// Asks a person, and gives the line they typed; `None` at the end of the input.
    pub(super) fn ask(question: &str) -> Option<String> {
        say(question);
        let mut line = String::new();
        match std::io::stdin().read_line(&mut line) {
            Ok(0) | Err(_) => None,
            Ok(_) => Some(line.trim().to_owned()),
        }
    }

    /// Columns of the screen that stdout is; `None`: it is none.
    pub(super) fn screen_width() -> Option<usize> {
        columns_of(&std::io::stdout())
    }

    /// Columns of the screen that stderr is; `None`: it is none.
    pub(super) fn notes_width() -> Option<usize> {
        columns_of(&std::io::stderr())
    }

    /// The text as it stands on stdout: folded where that is a screen.
    pub(super) fn fitted(text: &str) -> String {
        Self::screen_width().map_or_else(|| text.to_owned(), |columns| wrapped(text, columns))
    }

    /// Prints what another program reads, byte for byte; with `--json` it stands in the one object.
    pub(super) fn bare(self, text: &str) -> Result<(), Failure> {
        if self.json { Ok(()) } else { result_to_stdout(text) }
    }

    /// Prints the end of a command, with `--json` as this object. A result that cannot be written is a failure, a reader that
    /// went away early is none.
    pub(super) fn finish(self, result: &Result<Report, Failure>, object: &Value) -> ExitCode {
        if self.json && !is_first_object() {
            // The second Ctrl-C was faster: its object is on the way, and the process leaves with it.
            std::thread::park();
        }
        match result {
            Ok(report) => {
                let text = if self.json { format!("{object}\n") } else { Self::fitted(&printable(&report.text)) };
                match result_to_stdout(&text) {
                    Ok(()) => status(report.ending).into(),
                    Err(failure) => complain(&failure),
                }
            }
            Err(failure) => {
                if self.json {
                    print_object(object);
                }
                complain(failure)
            }
        }
    }
}

/// A second screen of the terminal for what is drawn again and again; dropped, it gives the first one back as it was.
#[derive(Debug)]
pub(super) struct Canvas;

impl Canvas {
    pub(super) fn open() -> Self {
        send("\x1b[?1049h");
        Self
    }

    /// Draws over what was there.
    /// What does not fit on the screen is left out above its last line: drawn beyond the edge, it would push the first lines off.
    pub(super) fn draw(&self, text: &str) {
        let text = clipped(&Output::fitted(&printable(text)), screen_height());
        send(&format!("\x1b[H{}\x1b[J", text.replace('\n', "\x1b[K\n")));
    }
}

impl Drop for Canvas {
    fn drop(&mut self) {
        send("\x1b[?1049l");
    }
}

/// The text in so many lines, its last one included.
fn clipped(text: &str, height: usize) -> String {
    let lines: Vec<&str> = text.trim_end_matches('\n').split('\n').collect();
    let Some((last, rest)) = lines.split_last().filter(|_| lines.len() > height && height > 2) else {
        return text.to_owned();
    };
    let kept = &rest[..height - 2];
    let left_out = rest.len() - kept.len();
    format!("{}\n… {left_out} more lines; a higher window shows them\n{last}", kept.join("\n"))
}

#[cfg(unix)]
fn screen_height() -> usize {
    let size = rustix::termios::tcgetwinsize(std::io::stdout()).ok();
    size.map(|size| usize::from(size.ws_row)).filter(|rows| *rows > 0).unwrap_or(LINES_USUAL)
}

#[cfg(not(unix))]
fn screen_height() -> usize {
    LINES_USUAL
}

#[cfg(unix)]
fn columns_of(stream: &(impl IsTerminal + std::os::fd::AsFd)) -> Option<usize> {
    let columns = |size: rustix::termios::Winsize| usize::from(size.ws_col);
    stream.is_terminal().then(|| {
        let size = rustix::termios::tcgetwinsize(stream).ok();
        size.map(columns).filter(|columns| *columns > 0).unwrap_or(COLUMNS_USUAL)
    })
}

#[cfg(not(unix))]
fn columns_of(stream: &impl IsTerminal) -> Option<usize> {
    stream.is_terminal().then_some(COLUMNS_USUAL)
}

/// Writes all of a result to stdout.
pub(super) fn result_to_stdout(text: &str) -> Result<(), Failure> {
    let mut stdout = std::io::stdout();
    match stdout.write_all(text.as_bytes()).and_then(|()| stdout.flush()) {
        Ok(()) => Ok(()),
        Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => Ok(()),
        Err(error) => {
            let message = format!(
                "the result could not be written to stdout: {error}\nhint: what was done is recorded, and `topup status` \
                 shows it"
            );
            Err(Failure::said(Ending::Failed, "output", message))
        }
    }
}

/// With `--json` stdout holds one object: whoever asks first may write it.
static OBJECT_IS_TAKEN: AtomicBool = AtomicBool::new(false);
/// Whether `--json` was asked for, for the one who leaves without the command's end.
static WANTS_JSON: AtomicBool = AtomicBool::new(false);

fn is_first_object() -> bool {
    !OBJECT_IS_TAKEN.swap(true, Ordering::SeqCst)
}

/// The object of a command that leaves at once, unless its end is being written. It is not waited for longer than a
/// moment: nobody may read stdout.
pub(super) fn left_at_once() {
    if !WANTS_JSON.load(Ordering::SeqCst) || !is_first_object() {
        return;
    }
    let message = "interrupted twice: left at once, everything is recorded\nhint: run the same command again";
    let failure = Failure::said(Ending::Interrupted, "interrupted", message);
    let (done, is_done) = std::sync::mpsc::channel();
    std::thread::spawn(move || {
        print_object(&failure_json(&failure));
        let _ = done.send(());
    });
    let _ = is_done.recv_timeout(LEAVING);
}

/// Sends stdout exactly this. A screen or reader that went away is no failure.
fn send(bytes: &str) {
    let mut stdout = std::io::stdout();
    let _ = stdout.write_all(bytes.as_bytes()).and_then(|()| stdout.flush());
}

/// Writes to stderr. Nothing depends on it: a run must not end because its screen went away, as `eprintln!` would.
pub(super) fn say(text: &str) {
    // Nothing that is said beside a result shows a whole phone, whatever cell or reference a message quotes.
    let text = hide_phones(&printable(text)).into_owned();
    let text = Output::notes_width().map_or_else(|| text.clone(), |columns| wrapped(&text, columns));
    let _ = std::io::stderr().write_all(text.as_bytes());
}

/// The text without what moves the cursor, colours, turns or hides: cells and headers of the file stand in messages.
fn printable(text: &str) -> String {
    let hidden = |c: char| (c.is_control() && c != '\n') || is_invisible(c);
    text.chars().map(|c| if hidden(c) { '\u{fffd}' } else { c }).collect()
}

/// Prints the one object that stdout holds.
pub(super) fn print_object(object: &Value) {
    let _ = writeln!(std::io::stdout(), "{object}");
}

/// Says why a command failed; gives its exit status.
pub(super) fn complain(failure: &Failure) -> ExitCode {
    say(&format!("error: {}\n", failure_text(failure)));
    status(failure.ending).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_higher_than_the_screen_keeps_its_first_lines_and_its_last() {
        assert_eq!(clipped("a\nb\nc", 3), "a\nb\nc");
        assert_eq!(clipped("a\nb\nc\nd\n\nend", 4), "a\nb\n… 3 more lines; a higher window shows them\nend");
    }

    #[test]
    fn nothing_that_steers_a_terminal_is_printed() {
        assert_eq!(
            printable("cột «\u{1b}[2J\u{9b}1m\u{202e}»\r\nnext"),
            "cột «\u{fffd}[2J\u{fffd}1m\u{fffd}»\u{fffd}\nnext"
        );
    }
}
