//! Checks the headers of a request, rule by rule, and its signature over the exact bytes that came.

use std::time::SystemTime;

use hyper::http::HeaderMap;

use super::answer::Answer;
use super::key::PublicKey;

/// Whom the gateway expects.
#[derive(Clone, Debug)]
pub(super) struct Merchant {
    pub(super) merchant_id: String,
    pub(super) terminal_id: String,
    pub(super) key_code: String,
    pub(super) public_key: PublicKey,
}

/// What is signed besides the headers.
#[derive(Clone, Copy, Debug)]
pub(super) struct Signed<'a> {
    pub(super) path: &'a str,
    pub(super) method: &'a str,
    pub(super) body: &'a [u8],
}

const KEY_CODE_MAX: usize = 36;
const NONCE_MAX: usize = 255;
const REQUEST_ID_MAX: usize = 255;

/// The gateway's clock, and how old a timestamp it takes.
#[derive(Clone, Copy, Debug)]
pub(super) struct Clock {
    /// How far ahead of the machine's it is, in seconds.
    pub(super) skew_s: i64,
    pub(super) window_s: u64,
}

impl Clock {
    /// Its time, in Unix seconds.
    pub(super) fn now_s(self) -> u64 {
        unix_seconds(self.skew_s)
    }

    /// Whether a timestamp is too old at a time.
    pub(super) const fn is_too_old(self, sent_s: u64, now_s: u64) -> bool {
        now_s.saturating_sub(sent_s) > self.window_s
    }
}

/// The header `X-Timestamp`, where it is a number.
pub(super) fn timestamp_s(headers: &HeaderMap) -> Option<u64> {
    headers.get("x-timestamp")?.to_str().ok()?.parse().ok()
}

impl Merchant {
    /// Checks everything but whether the nonce was used before, and gives the nonce back. `clock` is the
    /// gateway's.
    pub(super) fn admit<'a>(
        &self,
        headers: &'a HeaderMap,
        signed: Signed<'_>,
        clock: Clock,
    ) -> Result<&'a str, Answer> {
        check_form(headers)?;
        if only(headers, "x-merchant-id")? != Some(self.merchant_id.as_str())
            || only(headers, "x-terminal-id")? != Some(self.terminal_id.as_str())
        {
            return Err(Answer::code(403_100));
        }
        let key_code = only(headers, "x-key-code")?.unwrap_or_default();
        if key_code.len() > KEY_CODE_MAX || key_code != self.key_code {
            return Err(Answer::code(4_010_001));
        }
        let timestamp = only(headers, "x-timestamp")?.unwrap_or_default();
        check_timestamp(timestamp, clock)?;
        let nonce = only(headers, "x-nonce")?.unwrap_or_default();
        if nonce.is_empty() || nonce.len() > NONCE_MAX {
            return Err(Answer::code(4_010_005));
        }
        let signature = only(headers, "x-signature")?.unwrap_or_default();
        let Signed { path, method, body } = signed;
        let mut raw = format!("{path};{method};{nonce};{timestamp};{key_code};").into_bytes();
        raw.extend_from_slice(body);
        if self.public_key.verifies(&raw, signature.as_bytes()) { Ok(nonce) } else { Err(Answer::code(4_010_001)) }
    }
}

/// The headers that say what the bytes are, and the one that names the request.
fn check_form(headers: &HeaderMap) -> Result<(), Answer> {
    for name in ["content-type", "accept"] {
        let found = only(headers, name)?.unwrap_or_default();
        let media_type = found.split(';').next().unwrap_or_default().trim();
        if !media_type.eq_ignore_ascii_case("application/json") {
            return Err(Answer::invalid(format!("{name}: expected application/json, found {found:?}")));
        }
    }
    let request_id = only(headers, "x-request-id")?.unwrap_or_default();
    if request_id.len() > REQUEST_ID_MAX {
        let found = request_id.len();
        return Err(Answer::invalid(format!("x-request-id: expected at most {REQUEST_ID_MAX}, found {found}")));
    }
    Ok(())
}

fn check_timestamp(timestamp: &str, clock: Clock) -> Result<(), Answer> {
    let digits = !timestamp.is_empty() && timestamp.bytes().all(|byte| byte.is_ascii_digit());
    let Some(sent_s) = timestamp.parse::<u64>().ok().filter(|_| digits) else {
        return Err(Answer::code(4_010_002));
    };
    let now_s = clock.now_s();
    if sent_s > now_s {
        return Err(Answer::code(4_010_003));
    }
    if clock.is_too_old(sent_s, now_s) { Err(Answer::code(4_010_004)) } else { Ok(()) }
}

/// The header's one value; none if it is missing. Twice the same header is a request that two parties may read
/// differently, so it is refused.
fn only<'a>(headers: &'a HeaderMap, name: &'static str) -> Result<Option<&'a str>, Answer> {
    let mut values = headers.get_all(name).iter();
    let first = values.next();
    if values.next().is_some() {
        return Err(Answer::invalid(format!("{name}: expected one header, found several")));
    }
    first.map_or(Ok(None), |value| {
        value
            .to_str()
            .map(Some)
            .map_err(|_| Answer::invalid(format!("{name}: expected visible ascii, found other bytes")))
    })
}

/// Unix seconds, `skew_s` ahead of the machine's clock.
pub(super) fn unix_seconds(skew_s: i64) -> u64 {
    let since_epoch = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    since_epoch.as_secs().saturating_add_signed(skew_s)
}
