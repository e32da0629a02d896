//! The ledger's own history: to what it was bound, which plans it took, which batches it purged. Each event carries the
//! SHA-256 of the one before it, and the ledger's one row that of the last: a batch that is gone, a plan whose facts were
//! written anew and a purge that was taken back all show.

use super::audit::Audit;
use super::chain;
use super::error::LedgerError;
use super::record::{BatchId, Binding, UnixMs};
use super::sqlite::read;
use super::team;
use crate::domain::sha256::Sha256;
use rusqlite::{Connection, Transaction, params};
use serde_json::json;

const CHAINING: &str = "writing to the ledger's own history";
const READING: &str = "reading the ledger's own history";

/// What happens to a ledger as a whole.
#[derive(Debug)]
pub(super) enum LedgerEvent<'a> {
    /// It belongs to this gateway, merchant and prefix from now on; and a person's reason, where it belonged to others.
    Bound { binding: &'a Binding, why: Option<&'a str> },
    /// A batch was planned, or planned again, by the event of this hash.
    BatchPlanned { batch: BatchId, name: &'a str, event: Sha256 },
    /// Names and phones were removed from a batch, and what is left was sealed.
    BatchPurged { batch: BatchId, name: &'a str, seal: Sha256 },
    /// People or policy changed.
    Team { kind: &'static str, note: &'a str, why: Option<&'a str> },
}

impl LedgerEvent<'_> {
    fn kind(&self) -> &'static str {
        match self {
            Self::Bound { .. } => "bound",
            Self::BatchPlanned { .. } => "batch_planned",
            Self::BatchPurged { .. } => "batch_purged",
            Self::Team { kind, .. } => kind,
        }
    }

    fn batch(&self) -> Option<i64> {
        match self {
            Self::Bound { .. } | Self::Team { .. } => None,
            Self::BatchPlanned { batch, .. } | Self::BatchPurged { batch, .. } => Some(batch.0),
        }
    }

    fn note(&self) -> String {
        match self {
            Self::Bound { binding, .. } => {
                bound_note(&binding.gateway_host, &binding.merchant_id, binding.invoice_prefix.as_str())
            }
            Self::BatchPlanned { name, event, .. } => planned_note(name, event),
            Self::BatchPurged { name, seal, .. } => json!({"batch": name, "seal": seal.to_string()}).to_string(),
            Self::Team { note, .. } => (*note).to_owned(),
        }
    }
}

fn bound_note(gateway_host: &str, merchant_id: &str, invoice_prefix: &str) -> String {
    json!({"gateway_host": gateway_host, "merchant_id": merchant_id, "invoice_prefix": invoice_prefix}).to_string()
}

fn planned_note(name: &str, event: &Sha256) -> String {
    json!({"batch": name, "event": event.to_string()}).to_string()
}

/// Writes an event of the ledger, in the transaction of what it is about.
pub(super) fn append(transaction: &Transaction<'_>, at: UnixMs, event: &LedgerEvent<'_>) -> Result<(), LedgerError> {
    let chaining = || LedgerError::sqlite(CHAINING);
    let previous: Sha256 =
        transaction.query_row("SELECT chain_head FROM ledger", [], |row| row.get(0)).map_err(chaining())?;
    let why = match event {
        LedgerEvent::Bound { binding, why } => {
            let Binding { gateway_host, merchant_id, invoice_prefix, terminal_id: _ } = binding;
            transaction
                .execute(
                    "UPDATE ledger SET gateway_host = ?1, merchant_id = ?2, invoice_prefix = ?3",
                    params![gateway_host, merchant_id, invoice_prefix.as_str()],
                )
                .map_err(chaining())?;
            *why
        }
        LedgerEvent::Team { why, .. } => *why,
        LedgerEvent::BatchPlanned { .. } | LedgerEvent::BatchPurged { .. } => None,
    };
    let stored = Stored {
        at,
        kind: event.kind().to_owned(),
        batch_id: event.batch(),
        note: event.note(),
        why: why.map(str::to_owned),
        previous,
    };
    let Stored { kind, batch_id, note, why, .. } = &stored;
    transaction
        .execute(
            "INSERT INTO ledger_events (at, kind, batch_id, note, why, previous) VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
            params![at, kind, batch_id, note, why, previous],
        )
        .and_then(|_| transaction.execute("UPDATE ledger SET chain_head = ?1", [stored.hash()]))
        .map(drop)
        .map_err(chaining())
}

/// Whether the ledger was bound yet.
pub(super) fn is_bound(connection: &Connection) -> Result<bool, LedgerError> {
    Ok(read::one::<i64>(connection, "SELECT 1 FROM ledger WHERE merchant_id IS NOT NULL", [])?.is_some())
}

/// An event as the ledger holds it.
#[derive(Debug)]
struct Stored {
    at: UnixMs,
    kind: String,
    batch_id: Option<i64>,
    note: String,
    why: Option<String>,
    previous: Sha256,
}

impl Stored {
    /// The hash that the next event carries.
    fn hash(&self) -> Sha256 {
        let mut bytes = self.previous.as_bytes().to_vec();
        for number in [Some(self.at), self.batch_id] {
            chain::field(&mut bytes, number.map(i64::to_be_bytes).as_ref().map(<[u8; 8]>::as_slice));
        }
        for text in [Some(&self.kind), Some(&self.note), self.why.as_ref()] {
            chain::field(&mut bytes, text.map(|text| text.as_bytes()));
        }
        Sha256::of(&bytes)
    }
}

/// Holds the ledger's own history against itself, and against the batches that are there.
pub(super) fn check(connection: &Connection, audit: &mut Audit) -> Result<(), LedgerError> {
    // A person's word about a plan names the last of these events before it: their numbers say who might then do what.
    let sql = "SELECT min(ledger_event_id) = 1 AND max(ledger_event_id) = count(*) FROM ledger_events";
    if read::one::<Option<bool>>(connection, sql, [])?.flatten() == Some(false) {
        audit.find("the events of the ledger's own history are not numbered one after the other".to_owned());
    }
    let sql = "SELECT at, kind, batch_id, note, why, previous FROM ledger_events ORDER BY ledger_event_id";
    let events = read::rows(connection, sql, [], |row| {
        let read = || {
            Ok(Stored {
                at: row.get(0)?,
                kind: row.get(1)?,
                batch_id: row.get(2)?,
                note: row.get(3)?,
                why: row.get(4)?,
                previous: row.get(5)?,
            })
        };
        read().map_err(LedgerError::sqlite(READING))
    })?;
    let mut expected = chain::START;
    for (nth, event) in (1..).zip(&events) {
        if event.previous != expected {
            audit.find(format!(
                "the ledger's own history is broken before its event {nth} ({}): one was edited, removed or reordered",
                event.kind
            ));
        }
        expected = event.hash();
    }
    check_head(connection, expected, &events, audit)?;
    team::findings(&team::changes(connection)?).into_iter().for_each(|finding| audit.find(finding));
    check_batches(connection, &events, audit)
}

/// The ledger's one row says what the last event of each kind says.
fn check_head(
    connection: &Connection,
    expected: Sha256,
    events: &[Stored],
    audit: &mut Audit,
) -> Result<(), LedgerError> {
    let sql = "SELECT chain_head, gateway_host, merchant_id, invoice_prefix FROM ledger";
    let rows = read::rows(connection, sql, [], |row| {
        let read = || {
            let text = |index| row.get::<_, Option<String>>(index);
            Ok((row.get::<_, Sha256>(0)?, [text(1)?, text(2)?, text(3)?]))
        };
        read().map_err(LedgerError::sqlite(READING))
    })?;
    let [(head, bound)] = rows.as_slice() else {
        audit.find(format!("the ledger needs one row that says to what it is bound, has {}", rows.len()));
        return Ok(());
    };
    if *head != expected {
        audit.find("the ledger's own history does not end where the ledger says that it ends".to_owned());
    }
    let [host, merchant, prefix] = bound.each_ref().map(|text| text.as_deref().unwrap_or_default());
    let told = events.iter().rfind(|event| event.kind == "bound").map(|event| event.note.as_str());
    let found = bound[1].is_some().then(|| bound_note(host, merchant, prefix));
    if told != found.as_deref() {
        audit.find("the ledger is not bound to what its own history says".to_owned());
    }
    Ok(())
}

/// Each batch that was planned is there under its name, planned last by the event that the ledger's history names, and
/// purged exactly if it says so.
fn check_batches(connection: &Connection, events: &[Stored], audit: &mut Audit) -> Result<(), LedgerError> {
    let last =
        |kind: &str, batch: i64| events.iter().rfind(|event| event.kind == kind && event.batch_id == Some(batch));
    let sql = "SELECT batch_id, name, (SELECT sha256 FROM purges p WHERE p.batch_id = b.batch_id) FROM batches b";
    let batches = read::rows(connection, sql, [], |row| {
        let read = || Ok((row.get(0)?, row.get::<_, String>(1)?, row.get::<_, Option<Sha256>>(2)?));
        read().map_err(LedgerError::sqlite(READING))
    })?;
    for (id, name, purge) in &batches {
        let planned = planned_by(connection, *id)?.map(|event| planned_note(name, &event));
        if planned.is_none() || last("batch_planned", *id).map(|event| &event.note) != planned.as_ref() {
            audit.find(format!("batch {name} is not planned as the ledger's own history says"));
        }
        let purged = purge.map(|seal| json!({"batch": name, "seal": seal.to_string()}).to_string());
        if last("batch_purged", *id).map(|event| &event.note) != purged.as_ref() {
            audit.find(format!("batch {name} is not purged as the ledger's own history says"));
        }
    }
    for event in events.iter().filter(|event| event.kind == "batch_planned") {
        if !batches.iter().any(|(id, ..)| Some(*id) == event.batch_id) {
            audit.find(format!("a batch is gone: the ledger's own history says {}", event.note));
        }
    }
    Ok(())
}

/// The hash of the event by which a batch was planned last.
fn planned_by(connection: &Connection, batch: i64) -> Result<Option<Sha256>, LedgerError> {
    let sql = format!(
        "SELECT {} FROM events e WHERE e.batch_id = ?1 AND e.payout_id IS NULL AND e.kind = 'batch_planned'
         ORDER BY e.event_id DESC LIMIT 1",
        chain::EVENT_COLUMNS
    );
    let event = read::rows(connection, &sql, [batch], |row| chain::StoredEvent::read(row, 0))?.pop();
    Ok(event.map(|event| event.hash()))
}
