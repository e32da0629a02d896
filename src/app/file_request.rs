//! A file that is to be planned, and what its plan is made under.

use super::clock::unix_ms;
use super::context::Context;
use super::failure::Failure;
use crate::domain::batch_name::BatchName;
use crate::intake::{self, Intake, IntakeOptions};
use crate::ledger::Origin;
use crate::plan::{Resealing, Terms};
use std::path::PathBuf;

/// A file that is to be planned, and how it is to be read.
#[derive(Clone, Debug)]
pub struct FileRequest {
    /// The payout file.
    pub file: PathBuf,
    /// The batch that its rows are, or come to be.
    pub batch: BatchName,
    /// How it is read.
    pub options: IntakeOptions,
    /// How many rows it has to have.
    pub expect_rows: Option<u64>,
    /// Valid rows are paid, and the others reported as skipped.
    pub skip_invalid: bool,
    /// Why rows that another batch credited lately are paid again.
    pub repeat_why: Option<String>,
}

impl FileRequest {
    /// Opens the file.
    pub fn open(&self) -> Result<Intake, Failure> {
        Ok(intake::open(&self.file, &self.options)?)
    }
}

/// What a file's plan is made under.
pub(super) fn terms(context: Context<'_>, request: &FileRequest, resealing: Resealing) -> Result<Terms, Failure> {
    let settings = context.settings;
    Ok(Terms {
        batch: request.batch.clone(),
        binding: settings.binding()?,
        settings: settings.sealed_settings(),
        resealing,
        send_sms: settings.send_sms(),
        limits: settings.limits()?,
        expect_rows: request.expect_rows,
        allow_repeat_phones: request.options.allow_repeat_phones,
        skip_invalid: request.skip_invalid,
        repeat_why: request.repeat_why.clone().filter(|why| !why.trim().is_empty()),
        repeat_window_days: settings.repeat_window_days()?,
        now: unix_ms(),
    })
}

/// Where a plan comes from, as its batch keeps it.
pub(super) fn origin(context: Context<'_>, request: &FileRequest, terms: &Terms) -> Origin {
    Origin {
        file_name: request.file.file_name().unwrap_or_default().to_string_lossy().into_owned(),
        settings: context.settings.to_json(),
        planned_by: context.actor.to_string(),
        planned_at: terms.now,
    }
}
