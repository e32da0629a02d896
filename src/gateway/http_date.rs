//! Reads the two headers of an answer that tell the time: `Date` and `Retry-After` (RFC 9110, 5.6.7 and 10.2.3).

use jiff::fmt::rfc2822::DateTimeParser;

/// The longest wait that is reported, in seconds: 136 years, which every clock type can still add.
const RETRY_AFTER_MAX_S: u64 = u32::MAX as u64;

/// The header `Date` in Unix seconds; `None` where it cannot be read.
pub(super) fn unix_s(text: &str) -> Option<i64> {
    // A wrong weekday is no reason to do without a date.
    static PARSER: DateTimeParser = DateTimeParser::new().relaxed_weekday(true);
    PARSER.parse_timestamp(text.trim()).ok().map(jiff::Timestamp::as_second)
}

/// The header `Retry-After` in seconds, from the moment `now_unix_s` where it is a date.
///
/// That moment should be the answer's own `Date`: the difference of two of the gateway's times needs no clock of ours.
pub(super) fn retry_after_s(text: &str, now_unix_s: i64) -> Option<u64> {
    let text = text.trim();
    if !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit()) {
        // More digits than a number holds are a long wait, not no wait.
        return Some(text.parse().unwrap_or(RETRY_AFTER_MAX_S).min(RETRY_AFTER_MAX_S));
    }
    let wait_s = unix_s(text)?.saturating_sub(now_unix_s);
    // A date that is past asks for no wait.
    Some(u64::try_from(wait_s).unwrap_or(0).min(RETRY_AFTER_MAX_S))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_date_is_read_as_http_writes_it() {
        for (text, expected) in [
            ("Sun, 06 Nov 1994 08:49:37 GMT", Some(784_111_777)),
            ("Mon, 06 Nov 1994 08:49:37 GMT", Some(784_111_777)),
            ("06 Nov 1994 08:49:37 GMT", Some(784_111_777)),
            ("1994-11-06", None),
            ("", None),
        ] {
            assert_eq!(unix_s(text), expected, "{text}");
        }
    }

    #[test]
    fn a_wait_is_seconds_or_a_date() {
        let now = 784_111_777;
        for (text, expected) in [
            ("0", Some(0)),
            (" 120 ", Some(120)),
            ("99999999999999999999999", Some(4_294_967_295)),
            ("Sun, 06 Nov 1994 08:50:07 GMT", Some(30)),
            ("Sun, 06 Nov 1994 08:49:07 GMT", Some(0)),
            ("Sat, 01 Jan 9999 00:00:00 GMT", Some(4_294_967_295)),
            ("-1", None),
            ("1.5", None),
            ("soon", None),
            ("", None),
        ] {
            assert_eq!(retry_after_s(text, now), expected, "{text}");
        }
    }
}
