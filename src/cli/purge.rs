//! `topup purge`: removes names and phones of finished batches, after it said what goes and what stays.

use super::context::{Context, unix_ms, who};
use super::failure::{Exit, Failure};
use super::next_command::typed_flags;
use super::output::{Output, Report};
use crate::ledger::{Access, Ledger, Personal, Purgeable};
use crate::plan;
use crate::report::{counted, grouped};
use anyhow::anyhow;
use clap::Args;
use serde_json::{Value, json};
use std::fmt::Write;

const DAY_MS: i64 = 24 * 60 * 60 * 1000;

#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
    topup purge --older-than 90 --dry-run                          what would go, and what stays\n  \
    topup purge --older-than 90 --why \"retention of 90 days\"       asks before it removes\n  \
    topup purge --older-than 90 --why \"retention\" --yes            for scripts\n\n\
    Batches whose payouts are all credited, declined, ineligible or cancelled, the last of them\n\
    so many days ago. What became of each payout stays, `status`, `verify` and `reconcile` still\n\
    work, and a file that pays the same members again is still found. `run`, `retry`, `cancel`\n\
    and `export` of such a batch are refused, and its name stays taken.")]
pub(super) struct PurgeArgs {
    /// Purge batches that were finished at least so many days ago
    #[arg(long, value_name = "DAYS", value_parser = clap::value_parser!(u32).range(1..=36500))]
    older_than: u32,
    /// The reason, which is kept with the batch
    #[arg(long, value_name = "TEXT", required_unless_present = "dry_run")]
    why: Option<String>,
    /// Do it without asking
    #[arg(long)]
    yes: bool,
    /// Only say what would be removed, and change nothing
    #[arg(long, conflicts_with = "yes")]
    dry_run: bool,
}

/// What a look at all batches found.
#[derive(Debug, Default)]
struct Found {
    /// To be purged.
    due: Vec<(Purgeable, Personal)>,
    /// Left alone, and why.
    left: Vec<(String, String)>,
    /// Of those, the ones that do not hold together.
    broken: u64,
    /// Purged before.
    purged: u64,
}

pub(super) fn purge(context: &Context, args: &PurgeArgs) -> Result<Report, Failure> {
    let (mut ledger, _lock) = context.open_locked("purge", Access::Write)?;
    // A key that is missing shows before anybody is asked.
    ledger.purge_key()?;
    let now = unix_ms();
    let found = look(&ledger, now, args.older_than)?;
    let exit = if found.broken == 0 { Exit::Done } else { Exit::Differs };
    if args.dry_run {
        return Ok(Report { exit, json: found.to_json("would_purge"), text: found.to_text("would be purged") });
    }
    if !found.due.is_empty() {
        context.output.note(found.to_text("to be purged").trim_end());
        consent(&found, args)?;
        let key = ledger.purge_key_or_new()?;
        let why = format!("{} ({})", args.why.as_deref().unwrap_or_default(), who());
        for (purgeable, _) in &found.due {
            context.output.note(&format!("purging batch {}", purgeable.batch.name));
            ledger.purge(&purgeable.batch, &key, now, &why)?;
        }
    }
    // Also where nothing is new: an earlier purge may have been cut off before it.
    if !found.due.is_empty() || found.purged > 0 {
        context.output.note("writing the ledger's file anew");
        crate::crash::point("before-wipe");
        ledger.wipe().map_err(|error| not_wiped(context, args, &found, &error))?;
    }
    let key = ledger.purge_key_path().map(|path| path.display().to_string()).unwrap_or_default();
    Ok(Report { exit, json: found.to_json("purged"), text: found.end_text(&key) })
}

/// Looks at every batch. One that does not hold together is left as it is: a purge would hide what is wrong with it.
fn look(ledger: &Ledger, now: i64, older_than: u32) -> Result<Found, Failure> {
    let mut found = Found::default();
    for purgeable in ledger.purgeable()? {
        let Purgeable { batch, open, settled_at } = &purgeable;
        let name = batch.name.to_string();
        if batch.purged_at.is_some() {
            found.purged += 1;
        } else if *open > 0 {
            let why = format!("{} planned, in doubt or held", counted(*open, "payout"));
            found.left.push((name, why));
        } else if now.saturating_sub(*settled_at) < i64::from(older_than) * DAY_MS {
            found.left.push((name, format!("finished on {}, less than {older_than} days ago", day(*settled_at))));
        } else {
            let mut audit = ledger.audit(batch, None)?;
            if !plan::is_sealed(ledger, batch)? {
                audit.find("the payouts are not those that the plan was sealed with".to_owned());
            }
            if let Some(finding) = audit.findings.first() {
                found.broken += 1;
                let all = counted(audit.finding_count, "difference");
                found.left.push((name.clone(), format!("does not hold together, {all}: {finding}")));
            } else {
                let personal = ledger.personal(batch.id)?;
                found.due.push((purgeable, personal));
            }
        }
    }
    Ok(found)
}

fn consent(found: &Found, args: &PurgeArgs) -> Result<(), Failure> {
    if args.yes {
        return Ok(());
    }
    let no = |message: &str| Err(Failure::new(Exit::Refused, "no_consent", anyhow!(message.to_owned())));
    if !Output::can_ask() {
        return no("without a terminal this needs --yes; nothing was changed");
    }
    let question = format!("remove this of {} for ever? type yes: ", batches(found.due.len() as u64));
    match Output::ask(&question).as_deref() {
        Some("yes") => Ok(()),
        Some(_) | None => no("nothing was changed: the answer was not yes"),
    }
}

/// The purge is over, and only what the file held before may still be found in it.
fn not_wiped(context: &Context, args: &PurgeArgs, found: &Found, error: &crate::ledger::LedgerError) -> Failure {
    let error = error.to_string();
    let error = error.split("\nhint: ").next().unwrap_or_default();
    let message = format!(
        "{} purged, and the file could not be written anew: {error}; bytes of names and phones may still be in the free \
         space of {} and in its write-ahead log\nhint: about twice the size of the ledger has to be free, and no other \
         program may read it; then once more: topup purge --older-than {} --why \"write the file anew\" --yes{}",
        batches(found.due.len() as u64),
        context.ledger_path.display(),
        args.older_than,
        typed_flags(context)
    );
    Failure::new(Exit::Failed, "not_wiped", anyhow!(message)).with_details(found.to_json("purged"))
}

impl Found {
    fn to_json(&self, word: &str) -> Value {
        let due = self.due.iter().map(|(purgeable, personal)| {
            let Personal { names, receipts, extras, notes } = personal;
            json!({
                "batch": purgeable.batch.name.as_str(), "finished_on": day(purgeable.settled_at),
                "payouts": purgeable.batch.rows, "names": names, "receipts": receipts, "other_columns": extras,
                "notes": notes,
            })
        });
        let left = self.left.iter().map(|(batch, why)| json!({"batch": batch, "why": why}));
        let mut object = json!({word: due.collect::<Vec<_>>(), "left_alone": left.collect::<Vec<_>>()});
        if let Value::Object(object) = &mut object {
            object.insert("purged_before".to_owned(), json!(self.purged));
        }
        object
    }

    /// What goes and what stays.
    fn to_text(&self, word: &str) -> String {
        let mut text = String::new();
        // Writing to a string cannot fail.
        if !self.due.is_empty() {
            let _ = writeln!(text, "{word}: {}", batches(self.due.len() as u64));
            let width = self.due.iter().map(|(due, _)| due.batch.name.as_str().len()).max().unwrap_or(0).max(5);
            let _ = writeln!(
                text,
                "  {:<width$}  {:<11}{:>11}{:>11}{:>11}{:>15}{:>11}",
                "batch", "finished on", "payouts", "names", "receipts", "other columns", "notes"
            );
            for (due, personal) in &self.due {
                let counts = [due.batch.rows, personal.names, personal.receipts, personal.extras, personal.notes];
                let [payouts, names, receipts, extras, notes] = counts.map(grouped);
                let _ = writeln!(
                    text,
                    "  {:<width$}  {:<11}{payouts:>11}{names:>11}{receipts:>11}{extras:>15}{notes:>11}",
                    due.batch.name.as_str(),
                    day(due.settled_at)
                );
            }
            text.push_str(GOES_AND_STAYS);
        }
        self.say_left(&mut text);
        text
    }

    fn end_text(&self, key: &str) -> String {
        let mut text = match (self.due.len() as u64, self.purged) {
            (0, 0) => "nothing to purge\n".to_owned(),
            (0, purged) => format!(
                "nothing new to purge; {} purged before, and the file was written anew without what it held in its free \
                 space\n",
                batches(purged)
            ),
            (due, _) => format!(
                "purged: {}; the file was written anew\nkeep a copy of {key}, best apart from the ledger: \
                 without it nobody can tell whom these batches paid, and with both whoever tries all phone numbers can\n",
                batches(due)
            ),
        };
        self.say_left(&mut text);
        text
    }

    fn say_left(&self, text: &mut String) {
        for (batch, why) in &self.left {
            let _ = writeln!(text, "left alone: {batch}, {why}");
        }
        if self.broken > 0 {
            text.push_str("a batch that does not hold together is not purged: topup verify BATCH --offline\n");
        }
    }
}

/// What a person has to know before the answer.
const GOES_AND_STAYS: &str = "\
goes:  phones, cards, user ids and references (a keyed hash takes the place of each), names, receipts, other columns,
       and what the gateway said of each payout
stays: rows, points, states, invoice_nos, times, codes, the history and its end, the file's name, the reasons that
       persons gave
not out of reach: an invoice_no is derived from the row's reference or phone without a key, so whoever has the ledger
       can still try all phone numbers against it
not touched: backups of the ledger, result files, the payout files, logs
";

fn batches(count: u64) -> String {
    format!("{} batch{}", grouped(count), if count == 1 { "" } else { "es" })
}

/// The day in UTC, as the ledger keeps times.
pub(super) fn day(ms: i64) -> String {
    jiff::Timestamp::from_millisecond(ms).map_or_else(|_| "?".to_owned(), |at| at.strftime("%Y-%m-%d").to_string())
}
