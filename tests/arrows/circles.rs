//! Holds that no files of one module import each other in a circle, and that the files of a module lie in layers.
//!
//! Read from the paths of `use` and of the code, each name followed to the file that defines it: what `mod.rs` only hands
//! on is no arrow.

use crate::{Source, hold, sources};
use std::collections::{BTreeMap, BTreeSet, HashMap};

/// Modules in which files still import each other in circles. None may come back that left this list.
const CIRCLED: &[&str] = &[];

/// The files of a module in layers, from the ground up: a file knows files of its own layer and of those before it.
/// A folder stands for all files in it.
const LAYERS: &[(&str, &[&[&str]])] = &[
    (
        "intake",
        &[
            // What every reader speaks of.
            &["words", "problem", "repair", "refusal", "masked", "record", "options", "format"],
            // What a column is called, and what a cell says.
            &["column_headers", "qualified", "columns", "number_format", "dates", "lookalike"],
            &["cells", "phone", "points", "oddity", "row_shape"],
            // The readers of each format.
            &["conditional", "damage", "xml", "archive", "protected", "compound", "sheet", "formatted"],
            &["decode", "encoding", "text_rows", "ods", "xls", "xlsx"],
            // The header, and the choice of sheet, separator and reader.
            &["header", "statement_columns", "layout", "file", "choice", "workbook"],
            &["table"],
            // What rows come to, one by one and all together.
            &["row_parser", "total", "closing", "group_marks", "hidden", "duplicates", "offer", "warnings"],
            &["stream", "statement", "decisions"],
            &["check", "template", "marked"],
            &["mod"],
        ],
    ),
    (
        "report",
        &[
            &["words", "lang", "table", "zone"],
            &["reasons", "skipped", "reconciliation", "check"],
            &["in_doubt", "reconciliation_words"],
            &["summary"],
            &["status", "export"],
            &["mod"],
        ],
    ),
    (
        "app",
        &[
            // The small kit.
            &["clock", "audit", "answers", "purge_look", "failure", "runtime", "output_file", "members", "identity"],
            // The configuration, and what every use case starts from.
            &["keys", "key_material"],
            &["config"],
            &["settings", "run_settings", "counts"],
            &["context"],
            // The use cases: a file, a run, a decision, and what is looked at and looked after.
            &[
                "file_request",
                "decision",
                "backup",
                "find",
                "check",
                "export",
                "init",
                "people",
                "purge",
                "rebind",
                "reconcile",
                "status",
            ],
            &["approvals", "pay"],
            &["propose", "session", "verify"],
            &["decide", "rehearse", "doctor", "work"],
            &["mod"],
        ],
    ),
    (
        "cli",
        &[
            // What can be typed, and how things are worded.
            &["args", "exit", "hints", "wrap", "run_metrics"],
            &["plan_view", "purge_view"],
            &["failure_view"],
            &["output"],
            // The terminal as a door.
            &["interrupt", "logging", "metrics", "notify", "manual"],
            &["progress", "requests"],
            &["terminal"],
            // The commands.
            &[
                "next_command",
                "approvals",
                "check",
                "decide",
                "doctor",
                "export",
                "find",
                "init",
                "ledger",
                "pay",
                "people",
                "rebind",
                "reconcile",
            ],
            &["purge", "simulator", "status", "verify"],
            &["rehearse"],
            &["demo", "run", "work"],
            &["mod"],
        ],
    ),
];

#[test]
fn no_files_of_a_module_import_each_other_in_a_circle() {
    let sources = sources();
    let arrows = Arrows::of(&sources);
    let mut circles: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    for circle in arrows.circles() {
        let module = circle.first().and_then(|file| file.split('/').next()).unwrap_or_default();
        circles.entry(module).or_default().push(format!("{} files: {}", circle.len(), circle.join(", ")));
    }
    let breaches: Vec<String> =
        circles.iter().filter(|(module, _)| !CIRCLED.contains(module)).flat_map(|(_, found)| found.clone()).collect();
    hold("a circle of files: move what they share below them", &breaches);
    let left: Vec<String> =
        CIRCLED.iter().filter(|module| !circles.contains_key(*module)).map(|module| (*module).to_owned()).collect();
    hold("no circle is left here: take it off CIRCLED", &left);
}

#[test]
fn no_arrow_of_a_layered_module_runs_up() {
    let sources = sources();
    let arrows = Arrows::of(&sources);
    for (module, layers) in LAYERS {
        let mut breaches = Vec::new();
        let layer_of = |path: &str| {
            let below = path.split_once('/').map_or("", |(_, below)| below);
            let name = below.split(['/', '.']).next().unwrap_or_default().to_owned();
            layers.iter().position(|layer| layer.contains(&name.as_str())).ok_or(name)
        };
        let files = sources.iter().filter(|source| source.module() == *module && !source.is_test());
        for source in files.filter(|source| source.path.contains('/')) {
            let Ok(own) = layer_of(&source.path) else {
                breaches.push(format!("src/{} stands in no layer: add it to LAYERS", source.path));
                continue;
            };
            let known = arrows.0.get(source.path.as_str()).into_iter().flatten();
            let up = known.filter(|to| layer_of(to).is_ok_and(|other| other > own));
            breaches.extend(up.map(|to| format!("src/{} -> src/{to}", source.path)));
        }
        for name in layers.iter().copied().flatten() {
            let is_there = sources.iter().any(|source| {
                let below = source.path.strip_prefix(module).and_then(|rest| rest.strip_prefix('/'));
                below.is_some_and(|below| below.split(['/', '.']).next() == Some(*name))
            });
            if !is_there {
                breaches.push(format!("LAYERS names {name}, which src/{module} no longer has"));
            }
        }
        hold("an arrow runs up: the lower file takes what it needs as an argument, or the two share a file", &breaches);
    }
}

/// Which files of its own module each file knows.
struct Arrows<'s>(BTreeMap<&'s str, BTreeSet<&'s str>>);

impl<'s> Arrows<'s> {
    fn of(sources: &'s [Source]) -> Self {
        let files: HashMap<Vec<&str>, &Source> =
            sources.iter().filter(|source| !source.is_test()).map(|source| (module_path(source), source)).collect();
        // What a file hands on under a name, and where that is.
        let mut handed_on: HashMap<(&str, String), (&str, String)> = HashMap::new();
        let mut taken: Vec<(&str, &str, String)> = Vec::new();
        for (base, source) in &files {
            for (path, is_public) in paths(source) {
                let Some((to, name)) = resolved(base, &path, &files) else { continue };
                if is_public {
                    let as_name = path.rsplit("::").next().unwrap_or_default().to_owned();
                    handed_on.insert((source.path.as_str(), as_name), (to, name));
                } else {
                    taken.push((source.path.as_str(), to, name));
                }
            }
        }
        let mut arrows: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
        for (from, mut to, mut name) in taken {
            // A chain of two names that hand each other on would be no Rust.
            while let Some((next, next_name)) = handed_on.get(&(to, first_name(&name))) {
                (to, name) = (next, next_name.clone());
            }
            let is_same_module = from.split('/').next() == to.split('/').next();
            if from != to && is_same_module {
                arrows.entry(from).or_default().insert(to);
            }
        }
        Self(arrows)
    }

    /// The circles: files each of which reaches all the others.
    fn circles(&self) -> Vec<Vec<&'s str>> {
        let reach: BTreeMap<&str, BTreeSet<&str>> =
            self.0.keys().map(|file| (*file, self.reached_from(file))).collect();
        let reaches = |from: &str, to: &str| reach.get(from).is_some_and(|reached| reached.contains(to));
        let (mut circles, mut seen) = (Vec::new(), BTreeSet::new());
        for file in self.0.keys().copied().filter(|file| reaches(file, file)) {
            if seen.contains(file) {
                continue;
            }
            let circle: Vec<&str> =
                self.0.keys().copied().filter(|other| reaches(file, other) && reaches(other, file)).collect();
            seen.extend(circle.iter().copied());
            circles.push(circle);
        }
        circles
    }

    fn reached_from(&self, file: &'s str) -> BTreeSet<&'s str> {
        let (mut reached, mut next) = (BTreeSet::new(), vec![file]);
        while let Some(file) = next.pop() {
            let known = self.0.get(file).into_iter().flatten();
            next.extend(known.copied().filter(|known| reached.insert(*known)));
        }
        reached
    }
}

fn first_name(name: &str) -> String {
    name.split("::").next().unwrap_or_default().to_owned()
}

/// `intake/xlsx/mod.rs` is `intake::xlsx`, `intake/points.rs` is `intake::points`.
fn module_path(source: &Source) -> Vec<&str> {
    let path = source.path.strip_suffix(".rs").unwrap_or(&source.path);
    path.strip_suffix("/mod").unwrap_or(path).split('/').collect()
}

/// The file that a path leads to from a module, and the names in it; `None` outside of the crate.
fn resolved<'s>(base: &[&str], path: &str, files: &HashMap<Vec<&'s str>, &'s Source>) -> Option<(&'s str, String)> {
    let names: Vec<&str> = path.split("::").collect();
    let mut at = base.to_vec();
    let mut rest = names.as_slice();
    match names[0] {
        "crate" => (at, rest) = (Vec::new(), &names[1..]),
        "self" => rest = &names[1..],
        "super" => {
            while rest.first() == Some(&"super") {
                at.pop();
                rest = &rest[1..];
            }
        }
        child => {
            at.push(child);
            files.get(&at)?;
            at.pop();
        }
    }
    at.extend(rest);
    let file = (1..=at.len()).rev().find_map(|length| Some((files.get(&at[..length])?, length)));
    file.map(|(source, length)| (source.path.as_str(), at[length..].join("::")))
}

/// Every path of a file's own code, and whether the file hands it on.
fn paths(source: &Source) -> Vec<(String, bool)> {
    let code = source.own();
    let mut found = Vec::new();
    let mut rest = String::with_capacity(code.len());
    let mut from = 0;
    // Behind the end of something, or behind `pub`; `use<'a>` in a type is no import.
    let begins =
        |at: usize| matches!(code[..at].trim_end().chars().next_back(), None | Some(';' | '{' | '}' | ')' | ']' | 'b'));
    for (at, word) in source.words().filter(|(at, word)| *word == "use" && *at < code.len() && begins(*at)) {
        let Some(end) = code[at..].find(';').filter(|_| at >= from) else { continue };
        let before = code[..at].trim_end();
        let is_public = before.ends_with("pub") || before.ends_with("pub(crate)") || before.ends_with("pub(super)");
        let tree: String = code[at + word.len()..at + end].split_whitespace().collect::<Vec<_>>().join(" ");
        found.extend(expanded(&tree).into_iter().map(|path| (path, is_public)));
        rest.push_str(&code[from..at]);
        from = at + end;
    }
    rest.push_str(&code[from..]);
    // Who may see something is no arrow.
    let rest = rest.replace("pub(in crate::ledger)", "pub");
    let is_of_path = |c: char| c.is_alphanumeric() || c == '_' || c == ':';
    let inline = rest.split(|c| !is_of_path(c)).map(|path| path.trim_matches(':')).filter(|path| path.contains("::"));
    found.extend(inline.map(|path| (path.to_owned(), false)));
    found
}

/// `a::{b, c::d}` as `a::b` and `a::c::d`.
fn expanded(tree: &str) -> Vec<String> {
    let Some((before, inner)) = tree.split_once('{') else {
        let path = tree.split(" as ").next().unwrap_or_default().trim();
        return vec![path.strip_suffix("::self").unwrap_or(path).to_owned()];
    };
    let inner = inner.rsplit_once('}').map_or(inner, |(inner, _)| inner);
    let (mut depth, mut start, mut parts) = (0_u32, 0, Vec::new());
    for (at, c) in inner.char_indices() {
        match c {
            '{' => depth += 1,
            '}' => depth -= 1,
            ',' if depth == 0 => {
                parts.push(&inner[start..at]);
                start = at + 1;
            }
            _ => {}
        }
    }
    parts.push(&inner[start..]);
    let whole = parts.into_iter().map(str::trim).filter(|part| !part.is_empty());
    whole.flat_map(|part| expanded(&format!("{}{part}", before.trim()))).collect()
}

/// The rules above are worth what the reader of paths in this file is worth.
#[test]
fn trees_of_paths_are_unfolded() {
    assert_eq!(
        expanded("super::a::{self, b as c, d::{e, F}}"),
        ["super::a", "super::a::b", "super::a::d::e", "super::a::d::F"]
    );
    let source =
        |path: &str, text: &str| Source { path: path.to_owned(), text: text.to_owned(), code: crate::code_of(text) };
    let sources = [
        source("m/mod.rs", "mod a; mod b; pub use a::A; pub(crate) use b::{B, c as d};"),
        source("m/a.rs", "use super::B; // use super::x\nstruct A;"),
        source(
            "m/b.rs",
            "use crate::m::A; fn f() { super::super::m::a::g() }\n#[cfg(test)]\nmod tests { use super::super::c::C; }",
        ),
        source("m/c.rs", "use super::{a::A, B}; struct C;"),
    ];
    let arrows = Arrows::of(&sources);
    assert_eq!(arrows.circles(), [["m/a.rs", "m/b.rs"]]);
    assert_eq!(arrows.0["m/c.rs"], BTreeSet::from(["m/a.rs", "m/b.rs"]));
}
