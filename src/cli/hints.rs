//! Words what somebody can do next as commands to type.

use crate::app::{Choice, Hint, Part, Step};

/// A hint in one line; the commands in it stand out.
pub(super) fn hint_text(hint: &Hint) -> String {
    let words = |part: &Part| match part {
        Part::Words(words) => words.to_string(),
        Part::Step(step) => format!("`{}`", command(step)),
        Part::Choice(choice) => flag(choice),
    };
    hint.parts().iter().map(words).collect()
}

/// What is typed to say a choice.
fn flag(choice: &Choice) -> String {
    match choice {
        Choice::WhyRepeated => "--repeat \"the reason\"".to_owned(),
        Choice::Plan(Some(seal)) => format!("--confirm-plan {seal}"),
        Choice::Plan(None) => "--confirm-plan".to_owned(),
        Choice::Ledger => "--ledger".to_owned(),
        Choice::Config => "--config FILE".to_owned(),
    }
}

/// The command that takes a step.
#[must_use]
pub fn command(step: &Step) -> String {
    let of = |name: &str, batch: &Option<String>| match batch {
        Some(batch) => format!("topup {name} {batch}"),
        None => format!("topup {name}"),
    };
    match step {
        Step::Run => "topup run".to_owned(),
        Step::RunNew => "topup run FILE --batch NAME".to_owned(),
        Step::RunSkippingInvalid => "topup run --skip-invalid".to_owned(),
        Step::DryRun(batch) => format!("topup run FILE --batch {batch} --dry-run"),
        Step::Check(file) => format!("topup check {file}"),
        Step::Resume(batch) => of("resume", batch),
        Step::Resolve(batch) => format!("topup resolve {batch}"),
        Step::Retry(batch) => of("retry", batch),
        Step::RetryWhy(batch) => format!("topup retry {batch} --why TEXT"),
        Step::Release(batch, number) => format!("topup release {batch} {number} --why TEXT"),
        Step::Cancel(batch) => of("cancel", batch),
        Step::CancelOne(batch, number) => format!("topup cancel {batch} {number} --why TEXT"),
        Step::AttestCredited(batch, number) => format!("topup attest {batch} {number} --credited --why TEXT"),
        Step::AttestNotCredited(batch, number) => format!("topup attest {batch} {number} --not-credited --why TEXT"),
        Step::Status(batch) => of("status", batch),
        Step::StatusWatch(batch) => format!("topup status {batch} --watch"),
        Step::StatusJson(batch) => format!("topup status {batch} --json"),
        Step::Verify(batch) => of("verify", batch),
        Step::VerifyOffline(batch) => format!("topup verify {} --offline", batch.as_deref().unwrap_or("BATCH")),
        Step::Approve(batch, seal) => format!("topup approve {batch} --plan {seal}"),
        Step::People => "topup people list".to_owned(),
        Step::LowerPolicy => "topup policy --persons 1".to_owned(),
        Step::Rebind => "topup rebind --why TEXT".to_owned(),
        Step::Purge => "topup purge".to_owned(),
        Step::Backup => "topup ledger backup FILE".to_owned(),
        Step::Export => "topup export".to_owned(),
        Step::Doctor => "topup doctor".to_owned(),
        Step::Init => "topup init".to_owned(),
    }
}
