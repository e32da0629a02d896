//! `topup purge`: removes names and phones of finished batches, after it said what goes and what stays.

use super::args::PurgeArgs;
use super::next_command::typed_flags;
use super::output::Report;
use super::purge_view::{end_text, look_json, look_text};
use super::terminal::Terminal;
use crate::app::purge::{self, PurgeRequest};
use crate::app::{Details, Ending, Failure, PurgeLook, counted};

pub(super) fn purge(terminal: &Terminal, args: &PurgeArgs) -> Result<Report, Failure> {
    let ending = |look: &PurgeLook| if look.broken == 0 { Ending::Done } else { Ending::Differs };
    if args.dry_run {
        let look = purge::preview(terminal.context(), args.older_than)?;
        let (json, text) = (look_json(&look, "would_purge"), look_text(&look, "would be purged"));
        return Ok(Report { ending: ending(&look), json, text });
    }
    let request = PurgeRequest { older_than_days: args.older_than, why: args.why.clone().unwrap_or_default() };
    let agree = |look: &PurgeLook| {
        terminal.output.note(look_text(look, "to be purged").trim_end());
        let question = format!("remove this of {} for ever? type yes: ", counted(look.due.len() as u64, "batch"));
        Terminal::consent(&question, args.yes, "nothing was changed: the answer was not yes")
    };
    let purged =
        purge::purge(terminal.context(), &request, agree).map_err(|failure| once_more(terminal, args, failure))?;
    let (json, text) = (look_json(&purged.look, "purged"), end_text(&purged.look, &purged.key));
    Ok(Report { ending: ending(&purged.look), json, text })
}

/// Adds the command that ends what was begun.
fn once_more(terminal: &Terminal, args: &PurgeArgs, mut failure: Failure) -> Failure {
    if let (Some(Details::Purged(_)), Some(hint)) = (failure.details.as_deref(), failure.hint.take()) {
        let (days, flags) = (args.older_than, typed_flags(terminal));
        let command = format!(": topup purge --older-than {days} --why \"write the file anew\" --yes{flags}");
        return failure.with_hint(hint.words(command));
    }
    failure
}
