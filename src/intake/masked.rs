//! Shows problems without the numbers of members, however they are spelt and in whichever column they stand.

use super::problem::Problem;
use crate::domain::privacy::{hide_middle, hide_numbers, hide_phones, is_like_a_phone};

impl Problem {
    /// The same problem as a screen, a script or a log may keep it: numbers of members are hidden, however they are spelt
    /// and in whichever column they stand.
    #[must_use]
    pub fn masked(&self) -> Self {
        let column = self.column.as_deref().unwrap_or_default();
        let hide = |text: &str| hidden_cell(column, text);
        // What is said of a cell quotes it between marks, among words of our own.
        let message = match column {
            "phone" | "id" => {
                let parts = self.message.split_inclusive(['«', '»']);
                parts
                    .map(|part| match part.strip_suffix('»') {
                        Some(cell) => hide(cell) + "»",
                        None => hide_numbers(part).into_owned(),
                    })
                    .collect()
            }
            _ => hide_phones(&self.message).into_owned(),
        };
        Self { found: hide(&self.found), message, ..self.clone() }
    }
}

/// A cell of a column as a screen, a script or a log may keep it.
pub(crate) fn hidden_cell(column: &str, text: &str) -> String {
    match column {
        "phone" | "id" => hide_middle(text),
        _ if is_like_a_phone(text) => hide_middle(text),
        "points" => hide_phones(text).into_owned(),
        _ => hide_numbers(text).into_owned(),
    }
}
