//! Words numbers for people.

/// A number with its thousands grouped: `1,234,567`.
#[must_use]
pub fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// A number of things, with the plural where there is not exactly one: `1 payout`, `2 payouts`.
#[must_use]
pub fn counted(number: u64, thing: &str) -> String {
    let plural = if number == 1 { "" } else { "s" };
    format!("{} {thing}{plural}", grouped(number))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_grouped_and_counted() {
        for (number, expected) in [(0, "0 rows"), (1, "1 row"), (1000, "1,000 rows"), (1_234_567, "1,234,567 rows")] {
            assert_eq!(counted(number, "row"), expected);
        }
    }
}
