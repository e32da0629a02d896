//! Holds the structure that the crate's docs promise, by reading the sources: which module may know which, and what
//! stands in one place only. The compiler cannot see these rules; a reader relies on them.

#![expect(clippy::expect_used, reason = "a helper of tests: where it fails, the test fails")]

mod circles;
mod words;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

/// One source file, with comments and the contents of strings blanked out of `code`.
struct Source {
    /// Below `src`, with `/`.
    path: String,
    text: String,
    code: String,
}

impl Source {
    /// The module of the crate that the file belongs to; a file at the top is a module of its own.
    fn module(&self) -> &str {
        let first = self.path.split('/').next().unwrap_or_default();
        first.strip_suffix(".rs").unwrap_or(first)
    }

    /// The 1-based line of a place in `code` or `text`.
    fn line(&self, at: usize) -> usize {
        self.code.as_bytes()[..at].iter().filter(|byte| **byte == b'\n').count() + 1
    }

    fn at(&self, at: usize, what: &str) -> String {
        format!("src/{}:{}: {what}", self.path, self.line(at))
    }

    /// Every identifier of the code, with its place.
    fn words(&self) -> impl Iterator<Item = (usize, &str)> {
        let is_word = |c: char| c.is_alphanumeric() || c == '_';
        let mut rest = 0;
        std::iter::from_fn(move || {
            let start = rest + self.code[rest..].find(is_word)?;
            let end = self.code[start..].find(|c| !is_word(c)).map_or(self.code.len(), |length| start + length);
            rest = end;
            Some((start, &self.code[start..end]))
        })
    }

    /// The code before the file's own tests.
    fn own(&self) -> &str {
        // Other files' tests may use what stands in them.
        let begins = ["", "pub(super) "].map(|seen| self.code.find(&format!("#[cfg(test)]\n{seen}mod tests {{")));
        &self.code[..begins.into_iter().flatten().min().unwrap_or(self.code.len())]
    }

    /// Whether the file is compiled for tests only.
    fn is_test(&self) -> bool {
        self.path.ends_with("/tests.rs") || self.path.contains("/tests/")
    }
}

fn sources() -> Vec<Source> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut files = Vec::new();
    collect(&root, &mut files);
    files.sort();
    assert!(files.len() > 50, "found {} files in {}", files.len(), root.display());
    let read = |file: PathBuf| {
        let path = file.strip_prefix(&root).expect("a file below src").to_string_lossy().replace('\\', "/");
        let text = fs::read_to_string(&file).expect("a source file");
        let code = code_of(&text);
        assert_eq!(code.len(), text.len());
        Source { path, text, code }
    };
    files.into_iter().map(read).collect()
}

fn collect(folder: &Path, files: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).expect("a folder of sources") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            collect(&path, files);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            files.push(path);
        }
    }
}

/// Blanks comments, strings and character literals, byte for byte, so that places stay places.
fn code_of(text: &str) -> String {
    let bytes = text.as_bytes();
    let mut code = bytes.to_vec();
    let mut at = 0;
    while at < bytes.len() {
        let end = match literal(bytes, at) {
            Some(end) => end.min(bytes.len()),
            None => {
                at += 1;
                continue;
            }
        };
        for byte in &mut code[at..end] {
            if *byte != b'\n' {
                *byte = b' ';
            }
        }
        at = end;
    }
    String::from_utf8(code).expect("blanks are UTF-8")
}

/// Where the comment, string or character literal that begins at `at` ends.
fn literal(bytes: &[u8], at: usize) -> Option<usize> {
    let rest = &bytes[at..];
    let find = |needle: &[u8], from: usize| {
        rest[from..].windows(needle.len()).position(|window| window == needle).map(|found| at + from + found)
    };
    let in_word = at > 0 && (bytes[at - 1].is_ascii_alphanumeric() || bytes[at - 1] == b'_');
    if rest.starts_with(b"//") {
        return Some(find(b"\n", 0).unwrap_or(bytes.len()));
    }
    if rest.starts_with(b"/*") {
        return find(b"*/", 2).map(|end| end + 2);
    }
    if rest[0] == b'r' && !in_word {
        let hashes = rest[1..].iter().take_while(|byte| **byte == b'#').count();
        if rest.get(1 + hashes) == Some(&b'"') {
            let close = [&b"\""[..], &b"#".repeat(hashes)].concat();
            return find(&close, 2 + hashes).map(|end| end + close.len());
        }
    }
    if rest[0] == b'"' {
        let mut end = 1;
        while rest.get(end).is_some_and(|byte| *byte != b'"') {
            end += if rest[end] == b'\\' { 2 } else { 1 };
        }
        return Some(at + end + 1);
    }
    // A character, not a lifetime: it closes after one character or an escape.
    if rest[0] == b'\'' {
        if rest.get(1) == Some(&b'\\') {
            return find(b"'", 3).map(|end| end + 1);
        }
        let length = std::str::from_utf8(&rest[1..rest.len().min(5)])
            .or_else(|error| std::str::from_utf8(&rest[1..1 + error.valid_up_to()]))
            .ok()
            .and_then(|text| text.chars().next())?
            .len_utf8();
        return (rest.get(1 + length) == Some(&b'\'')).then_some(at + length + 2);
    }
    None
}

/// Fails with every breach of a rule, one a line.
#[track_caller]
fn hold(rule: &str, breaches: &[String]) {
    assert!(breaches.is_empty(), "{rule}\n  {}\n", breaches.join("\n  "));
}

/// What each module may know of the others. `*`: everything.
const ARROWS: &[(&str, &[&str])] = &[
    ("domain", &[]),
    ("intake", &["domain", "caught"]),
    ("gateway", &["domain", "ledger::SubmitPermit", "moment"]),
    ("ledger", &["domain", "crash", "moment", "sshsig", "private_file"]),
    ("plan", &["domain", "intake", "ledger"]),
    ("engine", &["domain", "gateway", "ledger", "crash", "private_file"]),
    ("report", &["domain", "intake", "ledger", "engine", "caught", "private_file"]),
    ("simulator", &[]),
    ("caught", &[]),
    ("crash", &[]),
    ("sshsig", &[]),
    ("moment", &[]),
    ("private_file", &[]),
    (
        "app",
        &[
            "domain",
            "intake",
            "gateway",
            "ledger",
            "plan",
            "engine",
            "report",
            "simulator",
            "sshsig",
            "caught",
            "crash",
            "private_file",
        ],
    ),
    ("cli", &["app"]),
    ("lib", &[]),
    ("main", &["cli"]),
];

#[test]
fn modules_know_only_the_modules_that_their_arrows_point_to() {
    let mut breaches = Vec::new();
    for source in sources() {
        let module = source.module();
        let Some((_, allowed)) = ARROWS.iter().find(|(name, _)| *name == module) else {
            breaches.push(source.at(0, &format!("the module {module} stands in no arrow: add it to ARROWS")));
            continue;
        };
        for (at, path) in crate_paths(&source) {
            let target = path.split("::").next().unwrap_or_default();
            let known = target == module
                || allowed.iter().any(|allowed| *allowed == "*" || *allowed == target || *allowed == path);
            if !known {
                breaches.push(source.at(at, &format!("{module} may not know {path}")));
            }
        }
    }
    hold("an arrow points the wrong way", &breaches);
}

/// The paths that a file takes from the crate's root, two names deep, with their places.
fn crate_paths(source: &Source) -> Vec<(usize, String)> {
    let mut paths = Vec::new();
    for root in ["crate::", "topup::"] {
        for (at, _) in source.code.match_indices(root) {
            let names = &source.code[at + root.len()..];
            let preceded = source.code[..at].chars().next_back().is_some_and(|c| c.is_alphanumeric() || c == '_');
            if preceded {
                continue;
            }
            let end = names.find(|c: char| !(c.is_alphanumeric() || c == '_' || c == ':')).unwrap_or(names.len());
            let path: Vec<&str> = names[..end].split("::").take(2).collect();
            paths.push((at, path.join("::").trim_end_matches(':').to_owned()));
        }
    }
    paths
}

#[test]
fn no_path_climbs_out_of_its_module() {
    let mut breaches = Vec::new();
    for source in sources() {
        // `super` in a module's `mod.rs` is the crate, `super::super` in any other of its files, tests aside.
        let depth = source.path.matches('/').count() - usize::from(source.path.ends_with("/mod.rs"));
        let climbs = "super::".repeat(depth + 1);
        if source.path.contains('/') && !source.is_test() {
            breaches
                .extend(source.own().match_indices(&climbs).map(|(at, _)| source.at(at, "climbs out of its module")));
        }
        breaches.extend(
            source.code.match_indices("crate::{").map(|(at, _)| source.at(at, "names several modules in one path")),
        );
    }
    hold("a path that hides its arrow: write it from `crate::`, one module each", &breaches);
}

#[test]
fn the_domain_does_no_io_awaits_nothing_and_reads_no_clock() {
    let forbidden = [
        "async",
        "await",
        "tokio",
        "serde",
        "serde_json",
        "tracing",
        "fastrand",
        "rand",
        "reqwest",
        "rusqlite",
        "rustix",
        "SystemTime",
        "Instant",
        "File",
        "TcpStream",
        "thread",
        "env",
        "println",
        "print",
        "eprintln",
        "eprint",
        "unsafe",
    ];
    let paths = ["std::io", "std::fs", "std::net", "std::process", "std::env", "std::thread", "std::time::SystemTime"];
    let mut breaches = Vec::new();
    for source in sources().iter().filter(|source| source.module() == "domain") {
        for (at, word) in source.words().filter(|(_, word)| forbidden.contains(word)) {
            breaches.push(source.at(at, &format!("the domain may not use {word}")));
        }
        for path in paths {
            breaches.extend(source.code.match_indices(path).map(|(at, _)| source.at(at, path)));
        }
    }
    hold("the domain is pure: time and chance are arguments", &breaches);
}

#[test]
fn sql_and_sqlite_stand_in_their_room_of_the_ledger_only() {
    let sql = [
        "SELECT ",
        "INSERT INTO",
        "INSERT OR",
        "UPDATE ",
        "DELETE FROM",
        "PRAGMA",
        "CREATE TABLE",
        "CREATE INDEX",
        "BEGIN IMMEDIATE",
        "COMMIT",
        "VACUUM",
        "ORDER BY",
        "DROP TABLE",
        "ALTER TABLE",
    ];
    let mut breaches = Vec::new();
    for source in sources().iter().filter(|source| !source.path.starts_with("ledger/sqlite/")) {
        for (at, word) in source.words().filter(|(_, word)| word.starts_with("rusqlite")) {
            breaches.push(source.at(at, word));
        }
        for keyword in sql {
            let found = source.text.match_indices(keyword).filter(|(at, _)| source.is_in_string(*at));
            breaches.extend(found.map(|(at, _)| source.at(at, keyword)));
        }
    }
    hold("SQL, or a word of SQLite, outside of ledger/sqlite", &breaches);
}

#[test]
fn one_file_of_the_ledger_says_in_what_it_is_kept() {
    let mut breaches = Vec::new();
    let rules = |source: &&Source| source.module() == "ledger" && !source.path.starts_with("ledger/sqlite/");
    for source in sources().iter().filter(rules).filter(|source| source.path != "ledger/kept.rs") {
        let is_declared = |at: usize| source.code[..at].ends_with("mod ");
        let found = source.words().filter(|(at, word)| *word == "sqlite" && !is_declared(*at));
        breaches.extend(found.map(|(at, word)| source.at(at, word)));
    }
    hold("a kind of ledger is named by its rules: only ledger/kept.rs says which there is", &breaches);
}

impl Source {
    /// Whether a place of the text is in a string, not in a comment: blanked, on a line that is not all comment.
    fn is_in_string(&self, at: usize) -> bool {
        let begin = self.text[..at].rfind('\n').map_or(0, |newline| newline + 1);
        let comment = self.text[begin..].trim_start().starts_with("//");
        self.code.as_bytes()[at] == b' ' && !comment
    }
}

#[test]
fn types_are_serialised_only_where_something_is_read_or_written() {
    let allowed = ["gateway", "report", "cli", "simulator"];
    let mut breaches = Vec::new();
    for source in sources().iter().filter(|source| !allowed.contains(&source.module())) {
        let found = source.words().filter(|(_, word)| ["serde", "Serialize", "Deserialize"].contains(word));
        breaches.extend(found.map(|(at, word)| source.at(at, word)));
    }
    hold("serde outside of gateway, report, cli and simulator", &breaches);
}

#[test]
fn the_walk_of_a_row_leads_through_rooms_that_are_there() {
    let sources = sources();
    let doc = &sources.iter().find(|source| source.path == "lib.rs").expect("the crate's docs").text;
    let (_, walk) = doc.split_once("# The walk of a row").expect("the walk of a row in the crate's docs");
    let (walk, _) = walk.split_once("# ").expect("what comes behind it");
    let rooms: Vec<&str> = walk.split_whitespace().filter(|word| word.contains('/') && word.ends_with(".rs")).collect();
    assert!(rooms.len() > 15, "{rooms:?}");
    let gone: Vec<String> = rooms
        .into_iter()
        .filter(|room| !sources.iter().any(|source| source.path == *room))
        .map(|room| format!("src/{room}"))
        .collect();
    hold("a room of the walk is not there", &gone);
}

#[test]
fn only_the_command_line_prints() {
    let mut breaches = Vec::new();
    for source in sources().iter().filter(|source| source.module() != "cli") {
        let prints = ["println", "print", "eprintln", "eprint", "dbg"];
        let found = source
            .words()
            .filter(|(at, word)| prints.contains(word) && source.code[at + word.len()..].starts_with('!'));
        breaches.extend(found.map(|(at, word)| source.at(at, word)));
    }
    hold("printing outside of cli", &breaches);
}

#[test]
fn every_file_says_what_it_is_and_is_read_in_one_sitting() {
    /// Lines of the longest file.
    const LINES_MAX: usize = 400;
    let mut breaches = Vec::new();
    for source in sources() {
        if !source.text.starts_with("//! ") {
            breaches.push(source.at(0, "begins without a line of `//!` that says what it is"));
        }
        let lines = source.text.lines().count();
        if lines > LINES_MAX {
            breaches.push(source.at(0, &format!("has {lines} lines, and {LINES_MAX} are allowed")));
        }
    }
    hold("a file is too long, or says nothing of itself", &breaches);
}

/// What is named `submit…`, and where it may stand. What can move points is found by this name, so each place is known.
const SUBMITS: &[(&str, &[&str])] = &[
    // The decision.
    ("Submit", &["domain/payout_process.rs", "engine/dispatch.rs", "engine/coordinator.rs", "engine/probe.rs"]),
    // The fact, without which there is no permit.
    (
        "SubmitIntended",
        &["domain/event.rs", "domain/payout_status.rs", "domain/payout_process.rs", "ledger/", "engine/"],
    ),
    ("submit_intended", &["domain/payout_status.rs"]),
    // The permit: minted by the ledger, taken by the gateway's request, made nowhere else.
    (
        "SubmitPermit",
        &["ledger/permit.rs", "ledger/mod.rs", "ledger/run_ledger.rs", "ledger/writer.rs", "gateway/mod.rs"],
    ),
    // The call.
    (
        "SubmitTopUp",
        &[
            "gateway/mod.rs",
            "gateway/client.rs",
            "gateway/reply.rs",
            "gateway/request_body.rs",
            "gateway/answer_body.rs",
            "engine/dispatch.rs",
        ],
    ),
    ("SubmitTopUpBody", &["gateway/request_body.rs"]),
    ("submit_body", &["gateway/request_body.rs"]),
    ("start_submit", &["engine/dispatch.rs"]),
    // Settings, which only ever forbid.
    ("submits", &["domain/payout_process.rs", "engine/dispatch.rs", "engine/probe.rs"]),
    ("resubmit", &["domain/payout_process.rs", "app/run_settings.rs"]),
    // Who proposes: a role, which sends nothing.
    ("Submitter", &["domain/team.rs", "domain/approval.rs"]),
    ("NoSubmitter", &["domain/approval.rs"]),
];

#[test]
fn what_can_move_points_is_named_submit_and_stands_where_it_is_expected() {
    let mut breaches = Vec::new();
    let mut found: BTreeMap<&str, BTreeSet<String>> = BTreeMap::new();
    let sources = sources();
    for source in sources.iter().filter(|source| source.module() != "simulator" && !source.is_test()) {
        let own = source.own().len();
        for (at, word) in source.words().filter(|(at, word)| *at < own && word.to_lowercase().contains("submit")) {
            found.entry(word).or_default().insert(source.path.clone());
            let places = SUBMITS.iter().find(|(name, _)| *name == word).map_or(&[][..], |(_, places)| places);
            if !places.iter().any(|place| source.path.starts_with(place)) {
                breaches.push(source.at(at, &format!("{word} is not expected here")));
            }
        }
    }
    hold("a new place that can move points: judge it, then add it to SUBMITS", &breaches);
    for (name, places) in SUBMITS {
        let paths = found.get(name);
        for place in *places {
            let stands = paths.is_some_and(|paths| paths.iter().any(|path| path.starts_with(place)));
            assert!(stands, "SUBMITS expects {name} in src/{place}, where it no longer stands");
        }
    }
}

#[test]
fn a_permit_is_minted_in_one_place_after_the_commit() {
    let mut minted = Vec::new();
    for source in sources() {
        let found = source.code.match_indices("SubmitPermit::mint");
        minted.extend(found.map(|(at, _)| source.at(at, "SubmitPermit::mint")));
        let made = source.code.match_indices("SubmitPermit {").filter(|(at, _)| {
            let before = source.code[..*at].trim_end();
            !before.ends_with("struct") && !before.ends_with("impl")
        });
        minted.extend(made.map(|(at, _)| source.at(at, "SubmitPermit {")));
    }
    let places: Vec<&str> = minted.iter().map(|place| place.split(':').next().unwrap_or_default()).collect();
    assert_eq!(places, ["src/ledger/writer.rs"], "{minted:#?}");
}

/// The rules above are worth what the reader of Rust in this file is worth.
#[test]
fn comments_strings_and_characters_are_no_code() {
    let text = "a // \"x\" b\n\"c // \\\" d\" e 'f' '\\'' '\"' g<'h> r#\"i \" j\"# /* k\nl */ m 'đ' n";
    let code = code_of(text);
    let source = Source { path: "x/y.rs".to_owned(), text: text.to_owned(), code };
    let words: Vec<(usize, &str)> = source.words().map(|(at, word)| (source.line(at), word)).collect();
    assert_eq!(words, [(1, "a"), (2, "e"), (2, "g"), (2, "h"), (3, "m"), (3, "n")]);
}
