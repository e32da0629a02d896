//! Maps how a use case ended to the exit status that scripts rely on.

use crate::app::Ending;

/// The exit status, as `docs/operations.md` lists them.
pub(super) fn status(ending: Ending) -> u8 {
    match ending {
        Ending::Done => 0,
        Ending::Failed => 1,
        Ending::Usage => 2,
        Ending::Refused => 3,
        Ending::Partial => 4,
        Ending::Unfinished => 5,
        Ending::Locked => 6,
        Ending::Credentials => 7,
        Ending::Differs => 8,
        Ending::Waits => 9,
        Ending::Interrupted => 130,
    }
}
