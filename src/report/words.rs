//! Words time spans for people.

use std::time::Duration;

/// A time span in the two units that matter: `1 h 5 min`, `1 min 41 s`, `3.2 s`.
#[must_use]
pub fn duration(span: Duration) -> String {
    let seconds = span.as_secs();
    match (seconds / 3600, seconds / 60 % 60, seconds % 60) {
        (0, 0, _) => format!("{:.1} s", span.as_secs_f64()),
        (0, minutes, seconds) => format!("{minutes} min {seconds} s"),
        (hours, minutes, _) => format!("{hours} h {minutes} min"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_have_the_units_that_matter() {
        for (ms, text) in [(3_240, "3.2 s"), (101_000, "1 min 41 s"), (3_900_000, "1 h 5 min")] {
            assert_eq!(duration(Duration::from_millis(ms)), text);
        }
    }
}
