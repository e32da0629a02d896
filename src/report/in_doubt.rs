//! Lists what is in doubt for the person who has to settle it: since when, what the gateway said of each send, and
//! whether a run can still settle it.

use super::lang::Lang;
use super::reasons::code_text;
use crate::domain::batch_name::BatchName;
use crate::domain::event::Fate;
use crate::domain::hint::{Step, StepText};
use crate::domain::payout_process::{Policy, Stuck};
use crate::domain::privacy::hide_numbers;
use crate::domain::text::counted;
use crate::ledger::{InDoubt, Send, UnixMs};
use serde_json::{Value, json};
use std::fmt::Write;
use std::time::Duration;

/// Payouts in doubt that are looked into and listed.
pub const IN_DOUBT_MAX: usize = 1000;
/// Of those, the ones that are printed for people.
const PRINTED_MAX: usize = 20;
/// Of those that a run settles, the ones that are named: they are not for a person to do anything about.
const NAMED_MAX: usize = 5;

/// What is in doubt in a batch, at one moment.
#[derive(Clone, Debug, Default)]
pub struct DoubtList {
    listed: Vec<Listed>,
    /// Payouts in doubt, the ones that are not listed too.
    all: u64,
}

#[derive(Clone, Debug)]
struct Listed {
    row: u64,
    /// A run that goes on waits for its answer right now.
    is_under_way: bool,
    since_ms: UnixMs,
    reference: Option<String>,
    invoice_no: String,
    since: String,
    settles: bool,
    why: &'static str,
    sends: Vec<String>,
    /// Another order is behind its number: evidence would be refused.
    is_contradicted: bool,
    /// From when on a person may attest that nothing was credited; `None`: now.
    not_credited_from: Option<String>,
}

impl DoubtList {
    /// Judges the payouts in doubt, of which there are `all`, by the policy of a run at `now`; the gateway may still apply
    /// a request for `signed_valid` after it was sent; `running`: a run goes on, which waits for what has no end yet.
    #[must_use]
    pub fn new(
        found: &[InDoubt],
        all: u64,
        policy: &Policy,
        (signed_valid, running): (Duration, bool),
        now: UnixMs,
    ) -> Self {
        let one = |payout: &InDoubt| {
            let is_under_way = running && payout.standing.open;
            Listed { is_under_way, ..listed(payout, policy, signed_valid, now) }
        };
        Self { listed: found.iter().map(one).collect(), all }
    }

    /// Top-ups of a run that goes on, whose answer it waits for right now.
    #[must_use]
    pub fn under_way(&self) -> u64 {
        self.listed.iter().filter(|payout| payout.is_under_way).count() as u64
    }

    /// Since when the others are in doubt.
    pub(super) fn since(&self) -> Vec<UnixMs> {
        self.listed.iter().filter(|payout| !payout.is_under_way).map(|payout| payout.since_ms).collect()
    }

    /// The lines about those that a run settles by itself: which they are, and what is known of each.
    pub(super) fn settling_text(&self) -> String {
        let settling = || self.listed.iter().filter(|payout| payout.settles && !payout.is_under_way);
        let mut text = String::new();
        for payout in settling().take(NAMED_MAX) {
            let _ = writeln!(text, "  {}: {}", payout.named(), payout.why);
        }
        let more = settling().count().saturating_sub(NAMED_MAX);
        if more > 0 {
            let _ = writeln!(text, "  … and {more} more");
        }
        if text.is_empty() { text } else { format!("in doubt, and a run asks about it:\n{text}") }
    }

    /// The list for scripts, and how many it leaves out.
    #[must_use]
    pub fn to_json(&self) -> (Value, u64) {
        let entry = |payout: &Listed| {
            json!({
                "row": payout.row,
                "reference": payout.reference,
                "invoice_no": payout.invoice_no,
                "since": payout.since,
                "settles": payout.settles,
                "why": format!("{}; {}", payout.why, payout.sends.join("; ")),
            })
        };
        (self.listed.iter().map(entry).collect(), self.all.saturating_sub(self.listed.len() as u64))
    }

    /// Whether a run may settle any of them.
    #[must_use]
    pub fn has_settling(&self) -> bool {
        self.all > self.listed.len() as u64 || self.listed.iter().any(|payout| payout.settles)
    }

    /// The lines about those that no run can settle, with the commands that can; empty where there are none.
    #[must_use]
    pub fn to_text(&self, batch: &BatchName, step_text: StepText) -> String {
        let stuck: Vec<&Listed> = self.listed.iter().filter(|payout| !payout.settles).collect();
        if stuck.is_empty() {
            return String::new();
        }
        // Writing to a string cannot fail.
        let mut text = format!(
            "no run can settle {}: ask the provider what became of each number, and take the answer in\n",
            counted(stuck.len() as u64, "payout")
        );
        for payout in stuck.iter().take(PRINTED_MAX) {
            let _ = writeln!(text, "  {}: {}", payout.named(), payout.why);
            for send in &payout.sends {
                let _ = writeln!(text, "    {send}");
            }
        }
        if stuck.len() > PRINTED_MAX {
            let all = step_text(&Step::StatusJson(batch.to_string()));
            let _ = writeln!(text, "  … and {} more: {all}", stuck.len() - PRINTED_MAX);
        }
        if let Some(payout) = stuck.iter().find(|payout| !payout.is_contradicted) {
            let about = || (batch.to_string(), payout.invoice_no.clone());
            let ((batch, number), (same_batch, same_number)) = (about(), about());
            let _ = writeln!(text, "next: {}", step_text(&Step::AttestCredited(batch, number)));
            let not_credited = step_text(&Step::AttestNotCredited(same_batch, same_number));
            let _ = match &payout.not_credited_from {
                None => writeln!(text, "  or: {not_credited}"),
                Some(from) => writeln!(text, "  (that it was not credited is taken from {from} on)"),
            };
        }
        text
    }
}

impl Listed {
    fn named(&self) -> String {
        let reference = self.reference.as_ref().map(|reference| format!(", reference {reference}"));
        let (row, number, since) = (self.row, &self.invoice_no, &self.since);
        format!("row {row}{}, {number}, in doubt since {since}", reference.unwrap_or_default())
    }
}

fn listed(payout: &InDoubt, policy: &Policy, signed_valid: Duration, now: UnixMs) -> Listed {
    let stuck = policy.stuck(&payout.standing);
    let last_send_at = payout.sends.last().map_or(payout.since, |send| send.at);
    let ms = |span: Duration| i64::try_from(span.as_millis()).unwrap_or(i64::MAX);
    // What was sent a moment ago may turn up yet.
    let settles =
        stuck.is_none() || (now - last_send_at <= ms(policy.proof_after()) && stuck != Some(Stuck::OtherOrder));
    let not_credited_at = last_send_at + ms(signed_valid);
    Listed {
        row: payout.row,
        is_under_way: false,
        since_ms: payout.since,
        reference: payout.reference.as_deref().map(|reference| hide_numbers(reference).into_owned()),
        invoice_no: payout.invoice_no.to_string(),
        since: moment(payout.since),
        settles,
        why: why(stuck, payout),
        sends: payout.sends.iter().map(send_in_words).chain(payout.order_said.as_deref().map(order_in_words)).collect(),
        is_contradicted: stuck == Some(Stuck::OtherOrder),
        not_credited_from: (not_credited_at > now).then(|| moment(not_credited_at)),
    }
}

fn why(stuck: Option<Stuck>, payout: &InDoubt) -> &'static str {
    match stuck {
        Some(Stuck::NumberTaken) => {
            "the gateway said that it knows the number, and order status does not: it is never sent again"
        }
        Some(Stuck::ResendsUsedUp) => {
            "order status does not know it, and it was sent again as often as it may be (resolve.resends_max)"
        }
        Some(Stuck::ResendsOff) => "order status does not know it, and nothing is sent again (resolve.resubmit)",
        Some(Stuck::OtherOrder) => "order status names another phone or amount under its number",
        None if payout.standing.absent => "order status does not know it: after the settle time a run sends it again",
        None => "no definite answer yet: a run asks order status",
    }
}

/// What order status said last, in the gateway's words.
fn order_in_words(said: &str) -> String {
    format!("asked what became of it: {}", hide_numbers(said))
}

/// What became of a send, in the gateway's words.
fn send_in_words(send: &Send) -> String {
    let said = send.said.as_deref().filter(|said| !said.is_empty()).map(hide_numbers).unwrap_or_default();
    let what = match (send.fate, send.code, send.http) {
        (None, _, _) => "no answer is recorded".to_owned(),
        (Some(Fate::Unsent), _, _) => "it never left this machine".to_owned(),
        (Some(_), Some(code), _) => {
            let text = code_text(code, Lang::En).unwrap_or("not in the gateway's documentation");
            if said.is_empty() { format!("{code} {text}") } else { format!("{code} {text} ({said})") }
        }
        (Some(_), None, Some(http)) => format!("HTTP {http} without a code ({said})"),
        (Some(_), None, None) => format!("no answer came back ({said})"),
    };
    format!("sent {}: {}", moment(send.at), what.replace(" ()", ""))
}

/// A moment in RFC 3339, in UTC, to the second.
fn moment(at: UnixMs) -> String {
    let at = jiff::Timestamp::from_millisecond(at).unwrap_or_default();
    at.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}
