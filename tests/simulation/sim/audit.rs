//! Reads a ledger after a run and holds its histories against the invariants: V6, V7, V8, V9, and what a resend needs.

use super::coverage::Coverage;
use super::scenario::Scenario;
use rusqlite::Connection;
use std::collections::BTreeMap;
use std::hash::{DefaultHasher, Hash, Hasher};

/// One payout as the ledger holds it.
#[derive(Clone, Debug)]
pub(crate) struct PayoutRow {
    pub(crate) id: i64,
    pub(crate) invoice_no: String,
    pub(crate) member: String,
    pub(crate) points: u32,
    pub(crate) state: String,
    attempt: u32,
}

/// One event.
#[derive(Clone, Debug, Hash)]
pub(crate) struct EventRow {
    id: i64,
    payout: Option<i64>,
    at: i64,
    kind: String,
    detail: Option<String>,
    state: Option<String>,
    code: Option<i64>,
    previous: Vec<u8>,
}

impl EventRow {
    /// It is part of a payout's history, and not only another question about it.
    pub(crate) fn moves_points(&self) -> bool {
        self.payout.is_some() && self.kind != "order_answered" && self.kind != "member_answered"
    }
}

/// A whole ledger.
#[derive(Debug)]
pub(crate) struct Read {
    pub(crate) payouts: Vec<PayoutRow>,
    pub(crate) events: Vec<EventRow>,
    totals: BTreeMap<String, (u64, u64, u64)>,
}

/// What an earlier reading of the same ledger came to: its history may only grow.
#[derive(Clone, Debug, Default)]
pub(crate) struct Seen {
    events: usize,
    hash: u64,
    /// Payouts whose history is not counted for coverage again.
    counted: usize,
}

impl Read {
    pub(crate) fn of(connection: &Connection) -> Self {
        let payouts = rows(
            connection,
            "SELECT payout_id, invoice_no, coalesce(spelt, member), points, state, attempt FROM payouts ORDER BY payout_id",
            |row| {
                Ok(PayoutRow {
                    id: row.get(0)?,
                    invoice_no: row.get(1)?,
                    member: row.get(2)?,
                    points: row.get(3)?,
                    state: row.get(4)?,
                    attempt: row.get(5)?,
                })
            },
        );
        let events = rows(
            connection,
            "SELECT event_id, payout_id, at, kind, detail, state, code, previous FROM events ORDER BY event_id",
            |row| {
                Ok(EventRow {
                    id: row.get(0)?,
                    payout: row.get(1)?,
                    at: row.get(2)?,
                    kind: row.get(3)?,
                    detail: row.get(4)?,
                    state: row.get(5)?,
                    code: row.get(6)?,
                    previous: row.get(7)?,
                })
            },
        );
        let totals = rows(connection, "SELECT state, rows, points, recovered FROM totals", |row| {
            Ok((row.get(0)?, (row.get(1)?, row.get(2)?, row.get(3)?)))
        });
        Self { payouts, events, totals: totals.into_iter().collect() }
    }

    pub(crate) fn count(&self, state: &str) -> usize {
        self.payouts.iter().filter(|payout| payout.state == state).count()
    }

    /// Intents whose send has no recorded end.
    pub(crate) fn open_intents(&self) -> usize {
        let mut open = BTreeMap::new();
        for event in &self.events {
            match event.kind.as_str() {
                "submit_intended" => drop(open.insert(event.payout, true)),
                "send_ended" => drop(open.insert(event.payout, false)),
                _ => {}
            }
        }
        open.values().filter(|open| **open).count()
    }

    /// Everything that one ledger alone can show; gives how often each number was sent again.
    pub(crate) fn check(
        &self,
        scenario: &Scenario,
        seen: &mut Seen,
        coverage: &mut Coverage,
    ) -> Result<BTreeMap<String, u32>, String> {
        self.v6_new_numbers_only_after_e()?;
        self.v7_history_only_grows(seen)?;
        self.v9_every_row_once(scenario)?;
        let mut histories: BTreeMap<i64, History<'_>> =
            self.payouts.iter().map(|payout| (payout.id, History::new(payout, scenario))).collect();
        if self.totals.values().any(|(.., recovered)| *recovered > 0) {
            coverage.hit("history: recovered");
        }
        let mut run = Run { number: 0, started_at: 0 };
        for (index, event) in self.events.iter().enumerate() {
            if event.kind == "run_started" {
                run = Run { number: run.number + 1, started_at: event.at };
            }
            let Some(history) = event.payout.and_then(|id| histories.get_mut(&id)) else { continue };
            let mut unheard = Coverage::default();
            let heard = if index >= seen.counted { &mut *coverage } else { &mut unheard };
            history.take(event, run, heard)?;
        }
        seen.counted = self.events.len();
        histories.values().try_for_each(History::v7_state_is_what_the_history_implies)?;
        Ok(histories.into_values().map(|history| (history.payout.invoice_no.clone(), history.resends)).collect())
    }

    /// V6: a new number exists only where order status of the earlier one answered `E`.
    fn v6_new_numbers_only_after_e(&self) -> Result<(), String> {
        for payout in self.payouts.iter().filter(|payout| payout.attempt > 1) {
            let failed = self.events.iter().filter(|event| {
                event.payout == Some(payout.id)
                    && event.kind == "order_answered"
                    && event.detail.as_deref() == Some("failed")
            });
            if payout.attempt as usize > 1 + failed.count() {
                return Err(format!("V6: {} is attempt {} without an E before it", payout.invoice_no, payout.attempt));
            }
        }
        Ok(())
    }

    /// V7, first half: the history is append-only.
    fn v7_history_only_grows(&self, seen: &mut Seen) -> Result<(), String> {
        let hash_of = |events: &[EventRow]| {
            let mut hasher = DefaultHasher::new();
            events.hash(&mut hasher);
            hasher.finish()
        };
        if self.events.len() < seen.events || (seen.events > 0 && hash_of(&self.events[..seen.events]) != seen.hash) {
            return Err(format!("V7: the first {} events changed", seen.events));
        }
        seen.events = self.events.len();
        seen.hash = hash_of(&self.events);
        Ok(())
    }

    /// V9: every row of the file is one payout in one state, and the totals say so.
    fn v9_every_row_once(&self, scenario: &Scenario) -> Result<(), String> {
        let mut found: BTreeMap<&str, (u64, u64)> = BTreeMap::new();
        for payout in &self.payouts {
            let total = found.entry(payout.state.as_str()).or_default();
            *total = (total.0 + 1, total.1 + u64::from(payout.points));
        }
        for (state, (rows, points, _)) in &self.totals {
            let expected = found.get(state.as_str()).copied().unwrap_or_default();
            if (*rows, *points) != expected {
                return Err(format!("V9: the totals say {rows} rows, {points} points {state}; there are {expected:?}"));
            }
        }
        let points: u64 = self.payouts.iter().map(|payout| u64::from(payout.points)).sum();
        let planned: u64 = scenario.rows.iter().map(|row| u64::from(row.points.value())).sum();
        if (self.payouts.len(), points) != (scenario.rows.len(), planned) {
            return Err(format!(
                "V9: {} payouts with {points} points for {} rows",
                self.payouts.len(),
                scenario.rows.len()
            ));
        }
        Ok(())
    }
}

fn rows<T>(connection: &Connection, sql: &str, read: impl Fn(&rusqlite::Row<'_>) -> rusqlite::Result<T>) -> Vec<T> {
    let mut statement = connection.prepare_cached(sql).expect("the auditor's query");
    let mut rows = statement.query([]).expect("the auditor's query runs");
    let mut found = Vec::new();
    while let Some(row) = rows.next().expect("the auditor reads") {
        found.push(read(row).expect("the auditor knows the schema"));
    }
    found
}

/// The run that an event belongs to.
#[derive(Clone, Copy)]
struct Run {
    number: u32,
    started_at: i64,
}

/// One payout's events, as a reader without the program's own rules sees them.
struct History<'a> {
    payout: &'a PayoutRow,
    scenario: &'a Scenario,
    state: String,
    /// What became of each send of the number.
    sends: Vec<Option<String>>,
    /// When the last send ended, and in which run.
    ended: (i64, u32),
    /// The newest absence since: when.
    absent_at: Option<i64>,
    objection: Option<&'static str>,
    resends: u32,
    /// Order status said `E` of the number in use.
    failed: bool,
}

const DID_NOTHING: [&str; 5] = ["unsent", "refused_member", "refused_payout", "set_aside", "slow_down"];

impl<'a> History<'a> {
    fn new(payout: &'a PayoutRow, scenario: &'a Scenario) -> Self {
        Self {
            payout,
            scenario,
            state: "planned".to_owned(),
            sends: Vec::new(),
            ended: (0, 0),
            absent_at: None,
            objection: None,
            resends: 0,
            failed: false,
        }
    }

    fn doubtful(&self) -> bool {
        self.sends.iter().any(|fate| !fate.as_deref().is_some_and(|fate| DID_NOTHING.contains(&fate)))
    }

    fn taken(&self) -> bool {
        self.sends.iter().any(|fate| fate.as_deref() == Some("number_taken"))
    }

    fn take(&mut self, event: &EventRow, run: Run, coverage: &mut Coverage) -> Result<(), String> {
        let detail = event.detail.as_deref().unwrap_or_default();
        match event.kind.as_str() {
            "submit_intended" => self.take_intent(run, coverage)?,
            "send_ended" => {
                self.cover_end(detail, coverage);
                if let Some(last) = self.sends.last_mut() {
                    *last = Some(detail.to_owned());
                }
                self.ended = (event.at, run.number);
            }
            "order_answered" if detail == "absent" => {
                self.absent_at = Some(event.at);
                if self.taken() {
                    coverage.hit("history: absent though taken");
                }
            }
            "order_answered" if detail == "failed" => self.failed = true,
            // A number that failed is used up: what follows is another one's.
            "released" | "retried" if self.failed => {
                (self.sends, self.resends, self.failed) = (Vec::new(), 0, false);
            }
            "member_answered" => {
                self.objection = match detail {
                    "refused" => Some("ineligible"),
                    "name_differs" | "name_missing" => Some("held"),
                    _ => None,
                }
            }
            _ => {}
        }
        if let Some(to) = &event.state {
            self.v7_move_is_in_the_table(to, coverage)?;
            self.v8_move_is_earned(&event.kind, detail, to)?;
            self.state.clone_from(to);
        }
        Ok(())
    }

    /// Between two sends of one number stands an absence after the settle time, or no send of it did anything.
    fn take_intent(&mut self, run: Run, coverage: &mut Coverage) -> Result<(), String> {
        let number = &self.payout.invoice_no;
        let policy = &self.scenario.settings.policy;
        if self.doubtful() {
            self.resends += 1;
            coverage.hit("history: resent after an absence");
            // What an earlier run saw end, or did not see end, counts from the start of this one.
            let ended_at = if self.ended.1 == run.number { self.ended.0 } else { run.started_at };
            let settled_at = ended_at + i64::try_from(policy.proof_after().as_millis()).unwrap_or(i64::MAX);
            if self.absent_at.is_none_or(|absent_at| absent_at < settled_at) {
                return Err(format!(
                    "V8: {number} is sent again after an absence at {:?}, settled at {settled_at}",
                    self.absent_at
                ));
            }
            if self.taken() || !policy.resubmit || self.resends > policy.resends_max {
                return Err(format!("V8: {number} is sent again against the rules: {:?}", self.sends));
            }
        } else if !self.sends.is_empty() {
            coverage.hit("history: resent after every send did nothing");
        }
        self.sends.push(None);
        self.absent_at = None;
        Ok(())
    }

    fn cover_end(&self, fate: &str, coverage: &mut Coverage) {
        let resent = self.resends > 0;
        match fate {
            "number_taken" if resent => coverage.hit("history: taken on a resend"),
            "credited" if resent => coverage.hit("history: credited on a resend"),
            "refused_member" | "refused_payout" if resent => {
                coverage.hit("history: refused on a resend, still in doubt");
            }
            "set_aside" => coverage.hit("history: set aside"),
            "slow_down" => coverage.hit("history: slowed down"),
            _ => {}
        }
    }

    /// V7: transitions follow the table, and credited never changes.
    fn v7_move_is_in_the_table(&self, to: &str, coverage: &mut Coverage) -> Result<(), String> {
        const TABLE: [(&str, &str, &str); 17] = [
            ("planned", "in_doubt", "move: planned to in_doubt"),
            ("planned", "credited", "move: planned to credited"),
            ("planned", "declined", "move: planned to declined"),
            ("planned", "ineligible", "move: planned to ineligible"),
            ("planned", "held", "move: planned to held"),
            ("planned", "cancelled", "move: planned to cancelled"),
            ("in_doubt", "planned", "move: in_doubt to planned"),
            ("in_doubt", "credited", "move: in_doubt to credited"),
            ("in_doubt", "declined", "move: in_doubt to declined"),
            ("declined", "credited", "move: declined to credited"),
            ("ineligible", "credited", "move: ineligible to credited"),
            ("held", "credited", "move: held to credited"),
            ("cancelled", "credited", "move: cancelled to credited"),
            ("declined", "cancelled", "move: declined to cancelled"),
            ("held", "planned", "move: held to planned"),
            ("held", "cancelled", "move: held to cancelled"),
            ("ineligible", "planned", "move: ineligible to planned"),
        ];
        match TABLE.iter().find(|(from, into, _)| *from == self.state && *into == to) {
            Some((.., name)) => {
                coverage.hit(name);
                Ok(())
            }
            None => Err(format!("V7: {} moved from {} to {to}", self.payout.invoice_no, self.state)),
        }
    }

    /// V8: back to planned, or to declined, only while every send is known to have done nothing; with one send of
    /// unknown fate only order status or a person moves it. Ineligible and held rest on an absence.
    fn v8_move_is_earned(&self, kind: &str, detail: &str, to: &str) -> Result<(), String> {
        let earned = match (kind, to) {
            ("submit_intended", "in_doubt") => true,
            ("send_ended", "credited") => detail == "credited",
            ("send_ended", "planned" | "declined") => !self.doubtful(),
            ("order_answered", "credited") => detail == "success",
            ("order_answered", "declined") => detail == "failed",
            ("order_answered", "ineligible" | "held") => {
                detail == "absent" && self.objection == Some(to) && !self.doubtful()
            }
            ("released", "planned") => self.state == "held",
            ("cancelled", "cancelled") => !self.doubtful(),
            _ => false,
        };
        if earned {
            return Ok(());
        }
        Err(format!("V8: {} became {to} on {kind} {detail} after {:?}", self.payout.invoice_no, self.sends))
    }

    /// V7, second half: the state is the one that the history ends in.
    fn v7_state_is_what_the_history_implies(&self) -> Result<(), String> {
        if self.state == self.payout.state {
            return Ok(());
        }
        let PayoutRow { invoice_no, state, .. } = self.payout;
        Err(format!("V7: {invoice_no} is {state}, and its history ends as {}", self.state))
    }
}
