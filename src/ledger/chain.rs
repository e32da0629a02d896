//! Links the events of a batch: each carries the SHA-256 of the one before, so that an edited, removed or reordered
//! event shows.

use aws_lc_rs::digest::{SHA256, digest};

/// What the first event of a batch carries.
pub(super) const START: [u8; 32] = [0; 32];

/// Room for what most events hash.
const HASHED_BYTES: usize = 256;

/// The columns of one event, as they are hashed.
#[derive(Debug)]
pub(super) struct Link<'a> {
    pub(super) payout_id: Option<i64>,
    pub(super) at: i64,
    pub(super) kind: &'a str,
    pub(super) detail: Option<&'a str>,
    pub(super) state: Option<&'a str>,
    pub(super) request_id: Option<&'a str>,
    pub(super) http: Option<i64>,
    pub(super) code: Option<i64>,
    pub(super) latency_ms: Option<i64>,
    pub(super) note: Option<&'a str>,
    pub(super) why: Option<&'a str>,
    pub(super) previous: [u8; 32],
}

impl Link<'_> {
    /// The hash that the next event carries.
    pub(super) fn hash(&self) -> [u8; 32] {
        // Hashed in one go: a digest that takes two dozen pieces costs three times as much.
        let mut bytes = Vec::with_capacity(HASHED_BYTES);
        bytes.extend_from_slice(&self.previous);
        for number in [self.payout_id, Some(self.at), self.http, self.code, self.latency_ms] {
            field(&mut bytes, number.map(i64::to_be_bytes).as_ref().map(<[u8; 8]>::as_slice));
        }
        for text in [Some(self.kind), self.detail, self.state, self.request_id, self.note, self.why] {
            field(&mut bytes, text.map(str::as_bytes));
        }
        let mut hash = [0; 32];
        hash.copy_from_slice(digest(&SHA256, &bytes).as_ref());
        hash
    }
}

/// A length in front keeps neighbouring fields apart, and absent ones from empty ones.
fn field(hashed: &mut Vec<u8>, bytes: Option<&[u8]>) {
    let length = bytes.map_or(u64::MAX, |bytes| bytes.len() as u64);
    hashed.extend_from_slice(&length.to_be_bytes());
    hashed.extend_from_slice(bytes.unwrap_or_default());
}
