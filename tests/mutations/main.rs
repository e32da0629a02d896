//! Holds the table of mutations against the sources, so that it cannot grow old unseen; `tests/mutations/run` runs it.

mod table;

use std::fs;
use std::path::{Path, PathBuf};

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

#[test]
fn every_mutation_still_applies_and_changes_something() {
    for mutation in table::read(root()) {
        let changed = mutation.apply(root()).unwrap_or_else(|error| panic!("{error}"));
        assert!(!changed.is_empty() && !mutation.off.is_empty(), "{mutation:?}");
        for (file, text) in changed {
            assert_ne!(fs::read_to_string(root().join(&file)).unwrap(), text, "{}: {file}", mutation.defence);
        }
    }
}

#[test]
fn every_mutation_has_tests_that_exist_or_a_defence_in_front_of_it() {
    for mutation in table::read(root()) {
        assert_eq!(mutation.tests.is_empty(), mutation.behind.is_some(), "{}", mutation.defence);
        for (target, test) in mutation.targets() {
            let mut path = test.rsplit("::");
            let name = format!("fn {}(", path.next().unwrap());
            // The file of a module is called as it: a test that moved has another name.
            let module = path.find(|module| *module != "tests");
            let folder = if target == "lib" { root().join("src") } else { root().join("tests") };
            let mut files = vec![folder.join(format!("{target}.rs"))];
            collect(if target == "lib" { folder } else { folder.join(target) }, &mut files);
            let is_of = |file: &PathBuf| {
                module.is_none_or(|module| {
                    file.iter().any(|part| part.to_str().is_some_and(|part| part.trim_end_matches(".rs") == module))
                })
            };
            let stands =
                |file: &PathBuf| is_of(file) && fs::read_to_string(file).is_ok_and(|text| text.contains(&name));
            assert!(files.iter().any(stands), "{}: no test {target} {test}", mutation.defence);
        }
    }
}

#[test]
fn the_defences_that_the_promise_rests_on_are_all_there() {
    let defences: Vec<String> = table::read(root()).into_iter().map(|mutation| mutation.defence).collect();
    for wanted in [
        "the durable intent",
        "synchronous=FULL",
        "the query before a resend",
        "the settle time",
        "the fate of earlier sends",
        "the order status before `ineligible`",
        "the cross-batch guard",
        "the run lock",
        "BEGIN IMMEDIATE",
    ] {
        assert!(defences.iter().any(|defence| defence == wanted), "{wanted} is not among {defences:#?}");
    }
}

fn collect(folder: PathBuf, files: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        if entry.path().is_dir() {
            collect(entry.path(), files);
        } else {
            files.push(entry.path());
        }
    }
}
