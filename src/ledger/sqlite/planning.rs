//! Writes a batch's plan, or more rows of it: all in one transaction, or nothing.

use super::columns;
use super::known::{Known, KnownPayouts};
use super::open;
use super::read;
use super::row;
use super::soundness;
use crate::domain::approval::{Actor, ProposalKind};
use crate::domain::batch_name::BatchName;
use crate::domain::invoice_no::InvoiceNo;
use crate::domain::payout::{Row, TopUp};
use crate::domain::payout_status::State;
use crate::domain::sha256::Sha256;
use crate::ledger::binding;
use crate::ledger::chain;
use crate::ledger::error::LedgerError;
use crate::ledger::facts as ledger_facts;
use crate::ledger::ledger_chain::{self, LedgerEvent};
use crate::ledger::proposals;
use crate::ledger::record::{Batch, BatchId, Binding, NewPayout, Origin, Size, UnixMs};
use crate::ledger::row_seal::Sealed;
use crate::ledger::settings::Settings;
use crate::ledger::store::Store;
use crate::ledger::words::actor_word;
use rusqlite::{Connection, Transaction, TransactionBehavior, params};
use std::path::{Path, PathBuf};

pub(in crate::ledger) const PLANNING: &str = "writing the plan to the ledger";

/// A plan that is being written. Dropped before [`Planning::seal`], it leaves nothing behind.
#[derive(Debug)]
pub struct Planning<'l> {
    pub(in crate::ledger) transaction: Transaction<'l>,
    pub(in crate::ledger) batch: BatchId,
    /// Its name, which each row's seal begins with.
    name: String,
    /// What the batch had before.
    pub(in crate::ledger) before: Size,
    /// The last payout that the ledger had before: where what this file adds is looked for. What it adds is told by its
    /// version.
    pub(in crate::ledger) last: i64,
    /// The payout that is added next.
    pub(in crate::ledger) next: i64,
    /// The version of the plan that this file makes.
    pub(in crate::ledger) version: u32,
    /// On a rehearsal's copy, of which nothing is approved.
    pub(in crate::ledger) is_rehearsal: bool,
    /// Who plans.
    pub(in crate::ledger) actor: Actor,
    pub(in crate::ledger) known: KnownPayouts,
    /// Whether another name makes a row another row: not where names are not compared.
    compares_names: bool,
    /// Where the key of purged batches is.
    pub(in crate::ledger) purge_key: Option<PathBuf>,
    pub(in crate::ledger) new: Size,
}

/// What became of one row of the file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Placement {
    /// It is in the plan now.
    New,
    /// It was in the plan before, as it is.
    Same {
        /// How the payout stands.
        state: State,
    },
    /// Its key was in the plan before, with another value that is sent.
    Changed {
        /// The row of the plan.
        row: u64,
        /// The values of the plan.
        planned: Box<TopUp>,
        /// The name that it was planned with.
        name: Option<String>,
        /// How the payout stands.
        state: State,
        /// When it was credited, in Unix milliseconds.
        credited_at: Option<UnixMs>,
    },
    /// An earlier row of this file has the same key.
    Duplicate {
        /// The row that the plan has for this key.
        row: u64,
    },
}

impl<'l> Planning<'l> {
    /// Begins the plan of a new batch.
    pub(in crate::ledger) fn begin(
        connection: &'l mut Connection,
        purge_key: Option<&Path>,
        actor: &Actor,
        name: &BatchName,
        binding: &Binding,
        origin: &Origin,
    ) -> Result<Self, LedgerError> {
        open::set_cache(connection, open::PLANNING_CACHE_KIB)?;
        let transaction = immediate(connection)?;
        soundness::check_before_plan(&transaction, None)?;
        if transaction.bound_to()?.is_some() {
            binding::check(&*transaction, None, binding)?;
        } else {
            ledger_chain::append(
                &*transaction,
                origin.planned_at,
                &actor_word(actor, false),
                &LedgerEvent::Bound { binding, why: None },
            )?;
        }
        let batch = transaction
            .prepare_cached(
                "INSERT INTO batches (name, gateway_host, merchant_id, terminal_id, invoice_prefix, rows, points,
                                      skipped_rows, plan_sha256, file_name, settings, planned_at, planned_by, consent,
                                      plan_version, approved_plan, columns, chain_head, sealed)
                 VALUES (?1, ?2, ?3, ?4, ?5, 0, 0, 0, zeroblob(32), ?6, ?7, ?8, ?9, '', 0, 0, '[]', ?10, '[]')
                 RETURNING batch_id",
            )
            .and_then(|mut statement| {
                let row = params![
                    name.as_str(),
                    binding.gateway_host,
                    binding.merchant_id,
                    binding.terminal_id,
                    binding.invoice_prefix.as_str(),
                    origin.file_name,
                    origin.settings,
                    origin.planned_at,
                    origin.planned_by,
                    chain::START,
                ];
                statement.query_row(row, |row| row.get(0))
            })
            .map_err(LedgerError::sqlite(PLANNING))?;
        for state in State::ALL {
            transaction
                .prepare_cached(
                    "INSERT INTO totals (batch_id, state, rows, points, recovered) VALUES (?1, ?2, 0, 0, 0)",
                )
                .and_then(|mut statement| statement.execute(params![batch, state.word()]))
                .map_err(LedgerError::sqlite(PLANNING))?;
        }
        Self::of(transaction, purge_key, actor, BatchId(batch))
    }

    /// Begins to hold a file against a batch that is planned already.
    pub(in crate::ledger) fn again(
        connection: &'l mut Connection,
        purge_key: Option<&Path>,
        actor: &Actor,
        batch: BatchId,
    ) -> Result<Self, LedgerError> {
        let transaction = immediate(connection)?;
        soundness::check_before_plan(&transaction, Some(batch))?;
        Self::of(transaction, purge_key, actor, batch)
    }

    fn of(
        transaction: Transaction<'l>,
        purge_key: Option<&Path>,
        actor: &Actor,
        batch: BatchId,
    ) -> Result<Self, LedgerError> {
        let (name, before) = transaction
            .query_row("SELECT name, rows, points FROM batches WHERE batch_id = ?1", [batch.0], |row| {
                Ok((row.get(0)?, Size { rows: row.get(1)?, points: row.get(2)? }))
            })
            .map_err(LedgerError::sqlite("reading the plan back"))?;
        // Of any batch: the last one of this batch alone is known only after its whole index.
        let last = read::one(&transaction, "SELECT coalesce(max(payout_id), 0) FROM payouts", [])?.unwrap_or(0);
        let first = ledger_facts::first_payout(&*transaction, batch)?;
        let known = KnownPayouts::new(batch, (first.unwrap_or(last), last));
        let version = proposals::proposals(&*transaction, batch)?.next_version(ProposalKind::Plan);
        let purge_key = purge_key.map(Path::to_owned);
        let (next, new) = (last + 1, Size::default());
        Ok(Self {
            transaction,
            batch,
            name,
            before,
            last,
            next,
            version,
            is_rehearsal: false,
            actor: actor.clone(),
            known,
            compares_names: true,
            purge_key,
            new,
        })
    }

    /// Keeps the columns of the file, header and meaning, so that results give the user's own columns back. Those that
    /// an earlier file of the batch had stay, in front.
    pub fn keep_columns(&mut self, columns: &[(&str, Option<&str>)]) -> Result<(), LedgerError> {
        columns::keep(&self.transaction, self.batch, columns)
    }

    /// Keeps the settings that the plan is sealed with.
    pub fn keep_settings(&mut self, settings: &Settings) -> Result<(), LedgerError> {
        self.compares_names = settings.value("payout.names") != Some("off");
        self.transaction
            .execute("UPDATE batches SET sealed = ?2 WHERE batch_id = ?1", params![self.batch.0, settings.to_json()])
            .map(drop)
            .map_err(LedgerError::sqlite(PLANNING))
    }

    /// SHA-256 over the rows that the batch skipped, those of this file included.
    pub fn skipped_sha256(&self) -> Result<Sha256, LedgerError> {
        super::facts::skipped_sha256(&self.transaction, self.batch)
    }

    /// Places one row of the file: adds it to the plan, or finds it there.
    ///
    /// # Errors
    /// When its number belongs to another payout.
    pub fn place(&mut self, payout: &NewPayout<'_>) -> Result<Placement, LedgerError> {
        if let Some(known) = self.known.next_if(&self.transaction, payout.key.as_str())? {
            return self.compare(known, payout);
        }
        if self.insert(payout)? {
            self.next += 1;
            self.new.rows += 1;
            self.new.points += u64::from(payout.row.points.value());
            return Ok(Placement::New);
        }
        let known = self.known.find(&self.transaction, payout.key.as_str())?;
        self.compare(known, payout)
    }

    /// Adds a payout with its number; false if the batch has its key.
    fn insert(&mut self, payout: &NewPayout<'_>) -> Result<bool, LedgerError> {
        let Row { row, reference: _, member, points, name, send_sms: _, receipt, extra } = payout.row;
        let invoice_no = (payout.number)();
        let extra = (!extra.is_empty()).then(|| serde_json::json!(extra).to_string());
        // Cards and user ids that are spelt otherwise are one member; what is sent is the spelling of this row.
        let (key, spelt) = (member.identity(), member.key());
        let spelt = (spelt != key).then_some(spelt);
        let phone_beside = member.phone().filter(|phone| phone.as_str() != key);
        let receipt = receipt.as_ref().map(row::receipt_json);
        let sealed = Sealed {
            payout_id: self.next,
            plan: i64::from(self.version),
            row: i64::try_from(*row).unwrap_or(i64::MAX),
            row_key: payout.key.as_str(),
            member: &key,
            spelt: spelt.as_deref(),
            phone: phone_beside.as_ref().map(|phone| phone.as_str()),
            points: i64::from(points.value()),
            send_sms: payout.send_sms,
            receipt: receipt.as_deref(),
            name: name.as_deref(),
            extra: extra.as_deref(),
        };
        let is_new = self
            .transaction
            .prepare_cached(
                "INSERT INTO payouts (payout_id, batch_id, plan, row, row_key, member, spelt, phone, points, send_sms, receipt,
                                      name, extra, sha256, state, attempt, invoice_no)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, 'planned', 1, ?15)
                 ON CONFLICT (batch_id, row_key) DO NOTHING",
            )
            .and_then(|mut statement| {
                statement.execute(params![
                    sealed.payout_id,
                    self.batch.0,
                    sealed.plan,
                    sealed.row,
                    sealed.row_key,
                    sealed.member,
                    sealed.spelt,
                    sealed.phone,
                    sealed.points,
                    sealed.send_sms,
                    sealed.receipt,
                    sealed.name,
                    sealed.extra,
                    sealed.sha256(&self.name),
                    invoice_no.as_str(),
                ])
            })
            .map_err(LedgerError::sqlite(PLANNING))?
            == 1;
        if is_new {
            self.mint(&invoice_no, self.next)?;
        }
        Ok(is_new)
    }

    fn mint(&self, number: &InvoiceNo, payout: i64) -> Result<(), LedgerError> {
        self.transaction
            .prepare_cached("INSERT INTO invoices (invoice_no, payout_id, attempt) VALUES (?1, ?2, 1)")
            .and_then(|mut statement| statement.execute(params![number.as_str(), payout]))
            .map(drop)
            .map_err(LedgerError::sqlite(PLANNING))
    }

    /// Whether this ledger ever minted the number.
    pub fn has_number(&self, number: &InvoiceNo) -> Result<bool, LedgerError> {
        let sql = "SELECT 1 FROM invoices WHERE invoice_no = ?1";
        Ok(read::one::<i64>(&self.transaction, sql, [number.as_str()])?.is_some())
    }

    /// Holds a row against the payout that has its key.
    fn compare(&mut self, known: Known, payout: &NewPayout<'_>) -> Result<Placement, LedgerError> {
        if known.plan == self.version || !self.known.name(known.id) {
            return Ok(Placement::Duplicate { row: known.row });
        }
        let Known { row, state, .. } = known;
        // Whom the payer expected matters until the member is paid.
        let is_same_name = !self.compares_names || state == State::Credited || known.has_name_of(payout.row);
        if known.sends(payout) && is_same_name {
            return Ok(Placement::Same { state });
        }
        let (planned, credited_at) = known.in_full(&self.transaction)?;
        Ok(Placement::Changed { row, planned: Box::new(planned), name: known.name, state, credited_at })
    }

    /// The version of the batch's plan that this file makes; no other ever has it, whatever becomes of this one.
    #[must_use]
    pub fn version(&self) -> u32 {
        self.version
    }

    /// Whether the batch had payouts before.
    #[must_use]
    pub fn is_amended(&self) -> bool {
        self.before.rows > 0
    }

    /// What this file adds to the plan.
    #[must_use]
    pub fn new_size(&self) -> Size {
        self.new
    }

    /// The whole plan, what it had before included.
    #[must_use]
    pub fn whole_size(&self) -> Size {
        Size { rows: self.before.rows + self.new.rows, points: self.before.points + self.new.points }
    }

    /// Shows each payout of the whole plan in the order of the row keys, which is the same however a file was sorted.
    pub fn in_key_order(&self, show: impl FnMut(&str, &TopUp, Option<&str>)) -> Result<(), LedgerError> {
        read::in_key_order(&self.transaction, self.batch, show)
    }

    /// Distinct members and the largest payout among what this file adds.
    pub fn members_and_largest(&self) -> Result<(u64, u64), LedgerError> {
        let sql = "SELECT count(DISTINCT member), coalesce(max(points), 0) FROM payouts
                   WHERE +batch_id = ?1 AND plan = ?2 AND payout_id > ?3";
        self.transaction
            .query_row(sql, params![self.batch.0, self.version, self.last], |row| Ok((row.get(0)?, row.get(1)?)))
            .map_err(LedgerError::sqlite("reading the plan back"))
    }

    /// The batch as it was before.
    pub fn batch(&self) -> Result<Batch, LedgerError> {
        read::batch_of(&self.transaction, self.batch)
    }
}

/// IMMEDIATE: a deferred transaction that reads before it writes is refused without waiting.
fn immediate(connection: &mut Connection) -> Result<Transaction<'_>, LedgerError> {
    connection.transaction_with_behavior(TransactionBehavior::Immediate).map_err(LedgerError::sqlite(PLANNING))
}
