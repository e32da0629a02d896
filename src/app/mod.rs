//! The use cases: what somebody can do with a ledger, whichever door they come by.
//!
//! Each takes a [`Context`] (the [`Settings`], the [`Actor`] at the door, and the [`Door`] itself) and a plain request, and
//! gives plain values: nothing here prints, asks, knows of arguments or ends the process, and what to do next is a value
//! ([`Hint`]). Guards of money are not here either: they stand in the ledger, so that a door that were forgotten here would
//! meet them all the same.
//!
//! # The rooms, in the order in which a reader meets them
//! - [`context`]: what every use case starts from, and what it needs of a door. [`failure`]: how it ends.
//! - `keys`, `config`, [`settings`], `run_settings`: the configuration, read once, and what each part is told of it.
//! - [`FileRequest`], [`propose`]: a file to a plan. [`approvals`]: what waits for a person's word. [`identity`]: whose word it is.
//! - [`pay`]: the run. [`counts`]: its numbers as it goes on.
//! - [`work`]: runs of what is approved, as it comes.
//! - [`rehearse`]: the same on a copy, and nothing is paid.
//! - [`decide`]: a person's decisions about payouts, each in a `session` (`decision`: what it takes and gives).
//! - [`status`], [`find`], [`verify`], [`reconcile`], [`export`]: what became of a batch.
//! - [`purge`], [`rebind`], [`people`]: what changes a ledger besides. [`backup`]: a copy of it.
//! - [`init`], [`doctor`], [`check`]: the set-up, and a file, before anything is paid.
//! - [`runtime`], [`clock`], [`members`], [`output_file`]: the small kit.

pub mod answers;
pub mod approvals;
mod audit;
pub mod backup;
pub mod check;
pub mod clock;
mod config;
pub mod context;
pub mod counts;
pub mod decide;
mod decision;
pub mod doctor;
pub mod export;
pub mod failure;
mod file_request;
pub mod find;
pub mod identity;
pub mod init;
mod key_material;
mod keys;
pub mod members;
pub mod output_file;
pub mod pay;
pub mod people;
pub mod propose;
pub mod purge;
mod purge_look;
pub mod rebind;
pub mod reconcile;
pub mod rehearse;
mod run_settings;
pub mod runtime;
mod session;
pub mod settings;
pub mod status;
pub mod verify;
pub mod work;

pub use config::DEFAULT_FILE as CONFIG_FILE;
pub use context::{Context, Door, News, StopSignal, Watch, Watched};
pub use failure::{Details, Ending, Failure, LeftAlone};
pub use file_request::FileRequest;
pub use identity::Identity;
pub use key_material::SECRETS;
pub use purge_look::PurgeLook;
pub use settings::Settings;

// What the use cases take and give, so that a door needs no other room.
pub use crate::domain::approval::{Actor, ProposalKind, ProposalState};
pub use crate::domain::batch_name::{self, BatchName};
pub use crate::domain::column_role::ColumnRole;
pub use crate::domain::hint::{Choice, Hint, Part, Step, StepText};
pub use crate::domain::payout_status::State;
pub use crate::domain::privacy::hide_phones;
pub use crate::domain::proposal::{Proposal, Proposals};
pub use crate::domain::sha256::Sha256;
pub use crate::domain::statement::LineStatus;
pub use crate::domain::team::{PersonName, Policy, Role, Team};
pub use crate::domain::text::{is_invisible, typed};
pub use crate::engine::{CallKind, Mode, RunEvent, RunReport, StopCode};
pub use crate::gateway::Environment;
pub(crate) use crate::intake::hidden_cell;
pub use crate::intake::{
    CheckReport, IntakeOptions, LISTED_MAX, Problem, StatementColumn, StatementOptions, TemplateLang,
};
pub use crate::ledger::{Access, Batch, Ledger, Personal, Size, Total, Totals};
pub use crate::plan::{ByState, DraftSummary, Refusal, RowKinds};
pub(crate) use crate::private_file;
pub use crate::report::{
    Lang, Run, StatusView, Summary, batches_text, check_text, counted, duration, grouped, label, noun, skipped_json,
    skipped_text,
};
pub use crate::simulator;
pub use crate::sshsig;
