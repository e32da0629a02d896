//! What the requests of one connection tell the loop that drives it.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use tokio::sync::Notify;

/// What the requests of one connection tell the loop that drives it.
#[derive(Debug, Default)]
pub(super) struct Link {
    /// The connection is to end with a reset.
    pub(super) reset: AtomicBool,
    /// The connection is to end once it is idle.
    pub(super) close_when_idle: Arc<Notify>,
}
