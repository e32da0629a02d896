//! Binds a ledger to another address of the gateway or another terminal, for a provider that moved.

use super::clock::unix_ms;
use super::context::Context;
use super::failure::{Ending, Failure};
use crate::ledger::{Access, Binding};
use crate::plan;
pub use crate::plan::{Rebound, binding_words};

/// Binds the ledger and its batches to what the settings name, and keeps the reason; gives what was bound to something
/// else, and what all is bound to now. `agree`: a person's word, once it is known what would change; anything but `Ok`
/// ends the use case, and nothing is changed.
pub fn rebind(
    context: Context<'_>,
    why: &str,
    agree: impl FnOnce(&Rebound, &Binding) -> Result<(), Failure>,
) -> Result<(Rebound, Binding), Failure> {
    if why.trim().is_empty() {
        let message = "needs a reason, has none\nhint: such as \"the provider's mail of 3 December\"";
        return Err(Failure::said(Ending::Usage, "why", message));
    }
    let binding = context.settings.binding()?;
    // Everything that can be wrong with the new address shows before the ledger is touched.
    context.settings.gateway()?;
    let why = context.reason(why.trim());
    let rebind = |agreed: Option<&Rebound>| {
        let (mut ledger, _lock) = context.open_locked("rebind", Access::Write)?;
        Ok::<_, Failure>(plan::rebind(&mut ledger, &binding, &why, unix_ms(), |rebound| agreed == Some(rebound))?)
    };
    // What would change, or why nothing may; nobody waits for a person.
    let preview = rebind(None)?;
    if preview == Rebound::default() {
        return Ok((preview, binding));
    }
    agree(&preview, &binding)?;
    let rebound = rebind(Some(&preview))?;
    if rebound == preview { Ok((rebound, binding)) } else { Err(Failure::changed("what would be bound")) }
}
