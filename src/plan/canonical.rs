//! Seals a plan: one SHA-256 over everything that it sends, the same however the file was sorted or saved.

use crate::domain::batch_name::BatchName;
use crate::domain::payout::TopUp;
use crate::domain::sha256::{Hasher, Sha256};
use crate::ledger::{Batch, Binding, Ledger, LedgerError, Settings};

/// The seal while rows are added to it, in the order of their keys.
pub(super) struct Seal(Hasher);

impl Seal {
    /// Begins with which version of which batch it is, where the payouts go, the settings that decide what is sent or
    /// held, and the rows that were skipped. Not with the file's name or bytes: the same rows are the same plan. But with
    /// the version, which is never used again: a plan that was taken back and is proposed anew is another plan, and what
    /// somebody signed of the first one does not fit it.
    pub(super) fn new(
        (batch, version): (&BatchName, u32),
        binding: &Binding,
        settings: &Settings,
        skipped_sha256: &Sha256,
    ) -> Self {
        let mut seal = Self(Hasher::new());
        let Binding { gateway_host, merchant_id, terminal_id, invoice_prefix } = binding;
        for field in ["topup-plan-3", batch.as_str(), gateway_host, merchant_id, terminal_id, invoice_prefix.as_str()] {
            seal.field(field);
        }
        seal.field(&version.to_string());
        seal.field(&settings.iter().count().to_string());
        for (name, value) in settings.iter() {
            seal.field(name);
            seal.field(value);
        }
        seal.0.update(skipped_sha256.as_bytes());
        seal
    }

    /// Adds one payout: everything that is sent, but for the number, which follows from the key and the attempt; and the
    /// name that decides whether it is held.
    pub(super) fn add(&mut self, key: &str, top_up: &TopUp, name: Option<&str>) {
        let TopUp { invoice_no: _, member, points, send_sms, receipt } = top_up;
        let phone = member.phone();
        for field in [
            key,
            &member.key(),
            phone.as_ref().map_or("", |phone| phone.as_str()),
            &points.value().to_string(),
            if *send_sms { "sms" } else { "" },
            if receipt.is_some() { "receipt" } else { "" },
            if name.is_some() { "name" } else { "" },
            name.unwrap_or_default(),
        ] {
            self.field(field);
        }
        if let Some(receipt) = receipt {
            for field in [receipt.name(), receipt.address(), receipt.email(), receipt.tax_code()] {
                self.field(field);
            }
        }
    }

    /// Adds the totals and closes the seal.
    pub(super) fn close(mut self, rows: u64, points: u64) -> Sha256 {
        self.field(&rows.to_string());
        self.field(&points.to_string());
        self.0.finish()
    }

    /// A length in front keeps neighbouring fields apart.
    fn field(&mut self, text: &str) {
        self.0.update(&(text.len() as u64).to_be_bytes());
        self.0.update(text.as_bytes());
    }
}

/// The seal that the payouts of a batch lead to, whatever became of them since.
pub fn seal_of(ledger: &Ledger, batch: &Batch) -> Result<Sha256, LedgerError> {
    let mut seal = Seal::new(
        (&batch.name, batch.plan_version),
        &batch.binding,
        &batch.settings,
        &ledger.skipped_sha256(batch.id)?,
    );
    ledger.in_key_order(batch.id, |key, top_up, name| seal.add(key, top_up, name))?;
    Ok(seal.close(batch.rows, batch.points))
}

/// Whether the payouts of a batch are those that its plan was sealed with; of a purged one, whether what is left of them
/// is what its purge left.
pub fn is_sealed(ledger: &Ledger, batch: &Batch) -> Result<bool, LedgerError> {
    match ledger.is_purge_sealed(batch)? {
        Some(is_sealed) => Ok(is_sealed),
        // Every version of its plan was taken back: nothing is left that a seal could be of.
        None if batch.plan_version == 0 => {
            Ok(batch.rows == 0 && batch.plan_sha256 == Sha256::NONE && !ledger.has_payouts(batch.id)?)
        }
        None => Ok(seal_of(ledger, batch)? == batch.plan_sha256),
    }
}
