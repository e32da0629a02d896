//! Reads the table of mutations, and holds it against the sources.

#![expect(clippy::expect_used, reason = "a helper of tests: where it fails, the test fails")]

use serde::Deserialize;
use std::fs;
use std::path::Path;

/// One defence and what happens without it.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Mutation {
    pub(crate) defence: String,
    /// What is switched off.
    pub(crate) off: String,
    /// Tests that fail then, as `target path::of::test`.
    #[serde(default)]
    pub(crate) tests: Vec<String>,
    /// The defence in front of it, where no test can notice.
    pub(crate) behind: Option<String>,
    #[serde(rename = "edit")]
    pub(crate) edits: Vec<Edit>,
}

/// One place that changes.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Edit {
    pub(crate) file: String,
    find: String,
    replace: String,
}

#[derive(Debug, Deserialize)]
struct Table {
    mutation: Vec<Mutation>,
}

/// The whole table, of the repository at `root`.
pub(crate) fn read(root: &Path) -> Vec<Mutation> {
    let path = root.join("tests/mutations/mutations.toml");
    let text = fs::read_to_string(path).expect("the table of mutations");
    toml::from_str::<Table>(&text).expect("a table of mutations").mutation
}

impl Mutation {
    /// The changed files with their texts; an error where the sources are no longer what the mutation was made for.
    pub(crate) fn apply(&self, root: &Path) -> Result<Vec<(String, String)>, String> {
        let mut changed: Vec<(String, String)> = Vec::new();
        for edit in &self.edits {
            let known = changed.iter().position(|(file, _)| *file == edit.file);
            let place = known.unwrap_or_else(|| {
                let text = fs::read_to_string(root.join(&edit.file)).unwrap_or_default();
                changed.push((edit.file.clone(), text));
                changed.len() - 1
            });
            let text = &mut changed[place].1;
            let found = text.matches(&edit.find).count();
            if found != 1 {
                return Err(format!(
                    "{}: what it changes in {} stands there {found} times, and has to once:\n{}",
                    self.defence, edit.file, edit.find
                ));
            }
            *text = text.replacen(&edit.find, &edit.replace, 1);
        }
        Ok(changed)
    }

    /// The tests, as target and path.
    pub(crate) fn targets(&self) -> impl Iterator<Item = (&str, &str)> {
        self.tests.iter().map(|test| test.split_once(' ').unwrap_or((test, "")))
    }
}
