//! Says which conditions of a conditional format hold for no phone and no points that are paid: what people hide is mostly
//! zeros, blanks and errors.

use crate::domain::points::Points;

/// What a format that holds under a condition may do to what a person sees.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Change {
    /// Numbers show as others.
    pub(crate) numbers: bool,
    /// Nothing can be read.
    pub(crate) hides: bool,
}

impl Change {
    /// Whether it may change what a person sees of a cell.
    pub(crate) fn concerns(self, is_number: bool) -> bool {
        self.hides || (self.numbers && is_number)
    }
}

/// Whether a comparison with a constant holds for nothing that is paid: `= 0`, `< 50`, `= ""`.
pub(crate) fn spares_payees(operator: &str, operand: &str) -> bool {
    let operand = operand.trim();
    let Ok(number) = operand.parse::<f64>() else { return operator == "=" && operand == "\"\"" };
    let least = f64::from(Points::MIN);
    match operator {
        "=" | "<=" => number < least,
        "<" => number <= least,
        _ => false,
    }
}

/// The same of a whole condition, as an ODS writes it: `cell-content()=0`, `<50`, `is-error`.
pub(crate) fn holds_for_no_payee(condition: &str) -> bool {
    let condition = condition.trim();
    let condition = condition.strip_prefix("cell-content()").unwrap_or(condition).trim();
    let operand_at = condition.find(|c: char| !matches!(c, '<' | '>' | '=' | '!')).unwrap_or(condition.len());
    condition == "is-error" || spares_payees(&condition[..operand_at], &condition[operand_at..])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn zeros_and_blanks_may_be_hidden() {
        for (operator, operand, spares) in [
            ("=", "0", true),
            ("=", " 49 ", true),
            ("=", "\"\"", true),
            ("<", "50", true),
            ("<=", "49.5", true),
            ("<=", "50", false),
            ("=", "500", false),
            ("<", "51", false),
            (">", "0", false),
            ("=", "B3", false),
            ("=", "\"x\"", false),
        ] {
            assert_eq!(spares_payees(operator, operand), spares, "{operator} {operand}");
        }
    }

    #[test]
    fn conditions_that_hold_for_no_payee_are_told_from_others() {
        for (condition, expected) in [
            ("=0", true),
            ("cell-content()=0", true),
            ("<50", true),
            ("is-error", true),
            ("=500", false),
            (">0", false),
            ("formula-is([.B2]=0)", false),
            ("duplicate", false),
        ] {
            assert_eq!(holds_for_no_payee(condition), expected, "{condition}");
        }
    }
}
