//! Writes a batch's plan, or more rows of it: all in one transaction, or nothing.

use super::binding;
use super::error::LedgerError;
use super::kept::Inside;
use super::known::KnownPayouts;
use super::ledger_chain::{self, LedgerEvent};
use super::outcome::FileColumn;
use super::plan_store::{Known, PlanStore};
use super::proposals;
use super::record::{Batch, BatchId, Binding, NewPayout, Origin, PayoutId, Size, UnixMs};
use super::repeats::Repeated;
use super::row_seal::{Sealed, receipt_json};
use super::settings::Settings;
use super::store::{Store, Waiting};
use super::views::{Earlier, MissingPayout};
use super::words::actor_word;
use crate::domain::approval::{Actor, ProposalKind};
use crate::domain::batch_name::BatchName;
use crate::domain::invoice_no::InvoiceNo;
use crate::domain::payout::{Row, TopUp};
use crate::domain::payout_status::State;
use crate::domain::sha256::Sha256;
use std::path::{Path, PathBuf};

/// A plan that is being written. Dropped before [`Planning::seal`], it leaves nothing behind.
#[derive(Debug)]
pub struct Planning<'l> {
    pub(super) transaction: Inside<'l>,
    /// As it was before.
    pub(super) batch: Batch,
    /// The version of the plan that this file makes: what it adds is told by it.
    pub(super) version: u32,
    /// On a rehearsal's copy, of which nothing is approved.
    pub(super) is_rehearsal: bool,
    /// Who plans.
    pub(super) actor: Actor,
    known: KnownPayouts,
    /// Whether another name makes a row another row: not where names are not compared.
    compares_names: bool,
    /// Where the key of purged batches is.
    purge_key: Option<PathBuf>,
    /// What this file adds, and the first and the last payout of it.
    pub(super) new: Size,
    pub(super) added: Option<(PayoutId, PayoutId)>,
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
    pub(super) fn begin(
        transaction: Inside<'l>,
        purge_key: Option<&Path>,
        actor: &Actor,
        name: &BatchName,
        binding: &Binding,
        origin: &Origin,
    ) -> Result<Self, LedgerError> {
        transaction.check_before_plan(None)?;
        if transaction.bound_to()?.is_some() {
            binding::check(&*transaction, None, binding)?;
        } else {
            let bound = LedgerEvent::Bound { binding, why: None };
            ledger_chain::append(&*transaction, origin.planned_at, &actor_word(actor, false), &bound)?;
        }
        let batch = transaction.add_batch(name, binding, origin)?;
        Self::of(transaction, purge_key, actor, batch)
    }

    /// Begins to hold a file against a batch that is planned already.
    pub(super) fn again(
        transaction: Inside<'l>,
        purge_key: Option<&Path>,
        actor: &Actor,
        batch: BatchId,
    ) -> Result<Self, LedgerError> {
        transaction.check_before_plan(Some(batch))?;
        Self::of(transaction, purge_key, actor, batch)
    }

    fn of(
        transaction: Inside<'l>,
        purge_key: Option<&Path>,
        actor: &Actor,
        batch: BatchId,
    ) -> Result<Self, LedgerError> {
        let version = proposals::proposals(&*transaction, batch)?.next_version(ProposalKind::Plan);
        Ok(Self {
            batch: Store::batch(&*transaction, batch)?,
            transaction,
            version,
            is_rehearsal: false,
            actor: actor.clone(),
            known: KnownPayouts::new(batch, version),
            compares_names: true,
            purge_key: purge_key.map(Path::to_owned),
            new: Size::default(),
            added: None,
        })
    }

    /// Keeps the columns of the file, header and meaning, so that results give the user's own columns back. Those that
    /// an earlier file of the batch had stay, in front.
    pub fn keep_columns(&mut self, columns: &[(&str, Option<&str>)]) -> Result<(), LedgerError> {
        let mut kept = self.transaction.columns(self.batch.id)?;
        for (nth, (header, meaning)) in columns.iter().enumerate() {
            let is_same = |other: &str, named: Option<&str>| match (named, meaning) {
                (Some(named), Some(meaning)) => named == *meaning,
                (None, None) => other == *header,
                (Some(_), None) | (None, Some(_)) => false,
            };
            let wanted = columns[..=nth].iter().filter(|(other, named)| is_same(other, *named)).count();
            let there = kept.iter().filter(|column| is_same(&column.header, column.meaning.as_deref())).count();
            // Two columns of one header are two columns.
            if there < wanted {
                kept.push(FileColumn { header: (*header).to_owned(), meaning: meaning.map(str::to_owned) });
            }
        }
        self.transaction.keep_columns(self.batch.id, &kept)
    }

    /// Keeps the settings that the plan is sealed with.
    pub fn keep_settings(&mut self, settings: &Settings) -> Result<(), LedgerError> {
        self.compares_names = settings.value("payout.names") != Some("off");
        self.transaction.keep_settings(self.batch.id, settings)
    }

    /// Leaves a row of the file out of the plan.
    pub fn skip(&mut self, row: u64, cells: &[(String, String)], reasons: &[String]) -> Result<(), LedgerError> {
        self.transaction.skip(self.batch.id, self.version, row, cells, reasons)
    }

    /// Whether this file skips other rows than the batch had skipped: another number of them, or other cells.
    pub fn skips_others(&self, now: u64) -> Result<bool, LedgerError> {
        Ok(self.batch.skipped_rows != now || self.transaction.skips_others(self.batch.id, self.version)?)
    }

    /// SHA-256 over the rows that the batch skipped, those of this file included.
    pub fn skipped_sha256(&self) -> Result<Sha256, LedgerError> {
        self.transaction.skipped_sha256(self.batch.id)
    }

    /// Places one row of the file: adds it to the plan, or finds it there.
    ///
    /// # Errors
    /// When its number belongs to another payout.
    pub fn place(&mut self, payout: &NewPayout<'_>) -> Result<Placement, LedgerError> {
        if let Some(known) = self.known.next_if(&*self.transaction, payout.key.as_str())? {
            return self.compare(known, payout);
        }
        if let Some(added) = self.add(payout)? {
            self.added = Some((self.added.map_or(added, |(first, _)| first), added));
            self.new.rows += 1;
            self.new.points += u64::from(payout.row.points.value());
            return Ok(Placement::New);
        }
        let known = self.known.find(&*self.transaction, payout.key.as_str())?;
        self.compare(known, payout)
    }

    /// Adds a payout with its number; `None` if the batch has its key.
    fn add(&mut self, payout: &NewPayout<'_>) -> Result<Option<PayoutId>, LedgerError> {
        let Row { row, reference: _, member, points, name, send_sms: _, receipt, extra } = payout.row;
        let extra = (!extra.is_empty()).then(|| serde_json::json!(extra).to_string());
        // Cards and user ids that are spelt otherwise are one member; what is sent is the spelling of this row.
        let (key, spelt) = (member.identity(), member.key());
        let spelt = (spelt != key).then_some(spelt);
        let phone_beside = member.phone().filter(|phone| phone.as_str() != key);
        let receipt = receipt.as_ref().map(receipt_json);
        let id = self.transaction.new_payout()?;
        let sealed = Sealed {
            payout_id: id.0,
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
        let seal = sealed.sha256(self.batch.name.as_str());
        let number = self.batch.first_number(payout.key);
        Ok(self.transaction.add_payout(self.batch.id, &sealed, seal, &number)?.then_some(id))
    }

    /// Whether this ledger ever minted the number.
    pub fn has_number(&self, number: &InvoiceNo) -> Result<bool, LedgerError> {
        self.transaction.has_number(number)
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
        let (planned, credited_at) = self.transaction.in_full(known.id)?;
        Ok(Placement::Changed { row, planned: Box::new(planned), name: known.name, state, credited_at })
    }

    /// The payout that the batch has for the same member as the row that was added last, whatever its key: by the same
    /// identity, or by the same phone, whether it names the member or stands beside a card. Any that the batch had
    /// before; of this file, where one of the two has no reference.
    pub fn earlier_of_member(&self, row: &Row) -> Result<Option<Earlier>, LedgerError> {
        let Some((_, added)) = self.added else { return Ok(None) };
        self.transaction.other_of_member(self.batch.id, self.version, added, row)
    }

    /// Shows the payouts that the batch had before and that the file no longer names.
    pub fn gone(&self, mut show: impl FnMut(MissingPayout)) -> Result<(), LedgerError> {
        if self.known.named() == self.batch.rows {
            return Ok(());
        }
        self.transaction.each_before(self.batch.id, self.version, |payout| {
            if !self.known.is_named(payout.payout) {
                show(payout);
            }
        })
    }

    /// The row of a payout that this file adds for the member, and with the points, of one that it no longer names.
    pub fn new_row_like(&self, gone: &MissingPayout) -> Result<Option<u64>, LedgerError> {
        self.transaction.row_like(self.batch.id, self.version, gone.payout)
    }

    /// What other batches of the merchant have not finished of the payouts that this file adds.
    pub fn open_elsewhere(&self, few: usize) -> Result<Repeated, LedgerError> {
        self.transaction.open_elsewhere(self.waiting(), few)
    }

    /// What other batches of the merchant credited of them since a time, purged batches included (by hash).
    ///
    /// # Errors
    /// [`LedgerError::PurgeKey`] when that would have to be known and the key is not there.
    pub fn credited_elsewhere(&self, since: UnixMs, few: usize) -> Result<Repeated, LedgerError> {
        self.transaction.credited_elsewhere(self.waiting(), self.purge_key.as_deref(), since, few)
    }

    fn waiting(&self) -> Waiting {
        Waiting { batch: self.batch.id, version: self.version }
    }

    /// The version of the batch's plan that this file makes; no other ever has it, whatever becomes of this one.
    #[must_use]
    pub fn version(&self) -> u32 {
        self.version
    }

    /// Whether the batch had payouts before.
    #[must_use]
    pub fn is_amended(&self) -> bool {
        self.batch.rows > 0
    }

    /// What this file adds to the plan.
    #[must_use]
    pub fn new_size(&self) -> Size {
        self.new
    }

    /// The whole plan, what it had before included.
    #[must_use]
    pub fn whole_size(&self) -> Size {
        Size { rows: self.batch.rows + self.new.rows, points: self.batch.points + self.new.points }
    }

    /// Shows each payout of the whole plan in the order of the row keys, which is the same however a file was sorted.
    pub fn in_key_order(&self, show: impl FnMut(&str, &TopUp, Option<&str>)) -> Result<(), LedgerError> {
        self.transaction.in_key_order(self.batch.id, show)
    }

    /// Distinct members and the largest payout among what this file adds.
    pub fn members_and_largest(&self) -> Result<(u64, u64), LedgerError> {
        let Some((first, _)) = self.added else { return Ok((0, 0)) };
        self.transaction.members_and_largest(self.batch.id, self.version, first)
    }
}
