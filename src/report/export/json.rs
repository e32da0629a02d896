//! Results as JSON, for scripts: one object, its payouts one to a line, written as they are read; and `skipped`, where the
//! plan left rows out: row, reasons, and header and text of each cell; and `totals_by`, where that is asked for.
//!
//! `credited_at` is in UTC, as scripts rely on it; `credited_at_local` is the same moment by the clock of `time_zone`.

use super::error::{ExportError, Stopped};
use super::layout::{Layout, Own, code_of, own_text, reason_text, rfc_3339, words_of};
use super::source::Source;
use super::totals_by::{Group, TotalsBy};
use crate::domain::payout_status::State;
use crate::ledger::{Outcome, Total};
use crate::private_file::NewFile;
use crate::report::lang::Lang;
use serde::ser::{Serialize, SerializeMap, Serializer};
use std::borrow::Cow;
use std::collections::HashSet;
use std::io::Write;

pub(super) fn write(source: &Source<'_>, totals_by: Option<&TotalsBy>, file: &mut NewFile) -> Result<(), ExportError> {
    write_payouts(source, totals_by, file).map_err(|stopped| stopped.at(source.request.path))
}

fn write_payouts(source: &Source<'_>, totals_by: Option<&TotalsBy>, file: &mut NewFile) -> Result<(), Stopped> {
    let keys = keys(&source.layout);
    let batch = serde_json::json!(source.snapshot.batch().name.as_str());
    write!(file, "{{\"batch\": {batch}, \"payouts\": [")?;
    let mut separator = "\n";
    source.each::<Stopped>(|outcome| {
        file.write_all(separator.as_bytes())?;
        separator = ",\n";
        let payout = Payout { outcome, keys: &keys, layout: &source.layout };
        Ok(serde_json::to_writer(&mut *file, &payout).map_err(std::io::Error::from)?)
    })?;
    file.write_all(b"\n]")?;
    let mut separator = ", \"skipped\": [\n";
    source.each_skipped::<Stopped>(|skipped| {
        file.write_all(separator.as_bytes())?;
        separator = ",\n";
        let row = serde_json::json!({"row": skipped.row, "reasons": skipped.reasons, "cells": skipped.cells});
        Ok(serde_json::to_writer(&mut *file, &row).map_err(std::io::Error::from)?)
    })?;
    if separator == ",\n" {
        file.write_all(b"\n]")?;
    }
    write!(file, ", \"time_zone\": {}", serde_json::json!(source.request.zone.name()))?;
    if let Some(totals_by) = totals_by {
        write!(file, ", \"totals_by\": {}", totals_json(totals_by))?;
    }
    file.write_all(b"}\n")?;
    Ok(())
}

fn totals_json(totals_by: &TotalsBy) -> serde_json::Value {
    let total = |total: Total| serde_json::json!({"rows": total.rows, "points": total.points});
    let group = |(value, group): (&String, &Group)| {
        serde_json::json!({
            "value": value, "rows": group.all.rows, "points": group.all.points, "credited": total(group.credited),
        })
    };
    serde_json::json!({"column": totals_by.header, "groups": totals_by.groups.iter().map(group).collect::<Vec<_>>()})
}

/// A kept column under a key of its own.
type Key<'l> = (String, &'l str, Own);

/// The headers of the kept columns, made distinct: two equal keys of one object would be one to most readers.
fn keys(layout: &Layout) -> Vec<Key<'_>> {
    let mut taken = HashSet::new();
    let kept = layout.own.iter().enumerate().filter(|(_, (_, own))| matches!(own, Own::Kept(_)));
    kept.map(|(index, (header, own))| {
        let name = if header.is_empty() { format!("column {}", index + 1) } else { header.clone() };
        let mut candidates = std::iter::once(name.clone()).chain((2..).map(|n| format!("{name} ({n})")));
        let key = candidates.find(|key| taken.insert(key.clone())).unwrap_or_default();
        (key, header.as_str(), *own)
    })
    .collect()
}

struct Payout<'p, 'o> {
    outcome: &'p Outcome<'o>,
    keys: &'p [Key<'p>],
    layout: &'p Layout,
}

impl Serialize for Payout<'_, '_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Outcome { row, reference, phone, name, points, invoice_no, attempt, state, credited_at, .. } = self.outcome;
        let reason = Some(reason_text(self.outcome, self.layout.lang)).filter(|reason| !reason.is_empty());
        let message = message(self.outcome, self.layout.lang);
        let mut map = serializer.serialize_map(Some(14))?;
        map.serialize_entry("row", row)?;
        map.serialize_entry("reference", reference)?;
        map.serialize_entry("phone", phone)?;
        map.serialize_entry("points", points)?;
        map.serialize_entry("invoice_no", invoice_no)?;
        map.serialize_entry("attempt", attempt)?;
        map.serialize_entry("state", state.word())?;
        map.serialize_entry("code", &code_of(self.outcome))?;
        map.serialize_entry("message", &message)?;
        map.serialize_entry("credited_at", &credited_at.map(rfc_3339))?;
        map.serialize_entry("extra", &Extra(self))?;
        map.serialize_entry("name", name)?;
        map.serialize_entry("reason", &reason)?;
        map.serialize_entry("credited_at_local", &credited_at.map(|at| self.layout.zone.rfc_3339(at)))?;
        map.end()
    }
}

/// What was said, or else the reason; a name alone would not say what it is.
fn message<'o>(outcome: &'o Outcome<'_>, lang: Lang) -> Option<Cow<'o, str>> {
    let reason = reason_text(outcome, lang);
    match words_of(outcome) {
        Some(name) if outcome.state == State::Held => Some(Cow::Owned(format!("{reason}: {name}"))),
        Some(said) => Some(Cow::Borrowed(said)),
        None => Some(reason).filter(|reason| !reason.is_empty()),
    }
}

struct Extra<'p, 'o>(&'p Payout<'p, 'o>);

impl Serialize for Extra<'_, '_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Payout { outcome, keys, .. } = self.0;
        serializer.collect_map(keys.iter().map(|(key, header, own)| (key, own_text(header, *own, outcome, true))))
    }
}
