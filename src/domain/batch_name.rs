//! Defines the one spelling that a batch name has.

use std::fmt;

/// The name of a batch: 1 to 64 of `a-z 0-9 . _ -`. One spelling, since the name is part of every invoice_no.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct BatchName(String);

/// Why a text is no batch name, with one that would be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BatchNameProblem {
    /// The text as it was given.
    pub found: String,
    /// A close name that is allowed.
    pub proposal: String,
}

impl BatchName {
    /// The longest name, in characters.
    pub const CHARS_MAX: usize = 64;

    /// Takes a name as it is spelt; nothing is folded or trimmed.
    ///
    /// # Errors
    /// With a proposal, when a character is not allowed or the length is not 1 to 64.
    pub fn parse(text: &str) -> Result<Self, BatchNameProblem> {
        let fits = (1..=Self::CHARS_MAX).contains(&text.len()) && text.chars().all(is_allowed);
        if fits {
            Ok(Self(text.to_owned()))
        } else {
            Err(BatchNameProblem { found: text.to_owned(), proposal: propose(text) })
        }
    }

    /// The name as it was given.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for BatchName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Display for BatchNameProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "a batch name is 1 to {} of a-z 0-9 . _ -, found {:?}\nhint: use {}",
            BatchName::CHARS_MAX,
            self.found,
            self.proposal
        )
    }
}

fn is_allowed(c: char) -> bool {
    matches!(c, 'a'..='z' | '0'..='9' | '.' | '_' | '-')
}

/// The nearest allowed name: diacritics folded, lower case, every other character a dash.
#[must_use]
pub fn propose(text: &str) -> String {
    let folded: String = super::name::normalize(text).chars().map(|c| if is_allowed(c) { c } else { '-' }).collect();
    let trimmed = folded.trim_matches('-');
    let cut: String = trimmed.chars().take(BatchName::CHARS_MAX).collect();
    if cut.is_empty() { "batch-1".to_owned() } else { cut }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_spelling_and_a_proposal_for_the_rest() {
        for good in ["2026-11", "a", "t11_hn.v2", &"x".repeat(64)] {
            assert_eq!(BatchName::parse(good).unwrap().as_str(), good);
        }
        for (bad, proposal) in [
            ("2026/11", "2026-11"),
            ("Thưởng T11", "thuong-t11"),
            (" 2026-11", "2026-11"),
            ("", "batch-1"),
            ("???", "batch-1"),
        ] {
            let problem = BatchName::parse(bad).unwrap_err();
            assert_eq!(problem.proposal, proposal, "{bad}");
            assert!(BatchName::parse(&problem.proposal).is_ok());
        }
        assert_eq!(BatchName::parse(&"x".repeat(65)).unwrap_err().proposal.len(), 64);
    }
}
