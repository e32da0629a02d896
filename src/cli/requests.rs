//! Turns what was typed into the requests that the use cases take.

use super::args::{DecisionArgs, FileArgs, PlanningArgs, ReconcileArgs, RunArgs, WhoArgs};
use crate::app::decide::DecisionRequest;
use crate::app::propose::Consent;
use crate::app::reconcile::ReconcileRequest;
use crate::app::sshsig;
use crate::app::{
    Actor, BatchName, ColumnRole, Ending, Failure, FileRequest, Identity, IntakeOptions, LineStatus, PersonName, Role,
    Sha256, State, StatementColumn, StatementOptions,
};
use std::path::Path;

fn usage(code: &'static str, message: String) -> Failure {
    Failure::said(Ending::Usage, code, message)
}

/// Two halves at the first `=`, the second of which says something.
fn halves(text: &str) -> Option<(&str, String)> {
    let (word, rest) = text.split_once('=')?;
    (!rest.trim().is_empty()).then(|| (word, rest.to_owned()))
}

fn refuse_mark(mark: Option<char>) -> Result<(), Failure> {
    match mark.filter(|mark| !matches!(mark, '.' | ',')) {
        Some(mark) => Err(usage("points_grouping", format!("--points-grouping takes . or , and found {mark:?}"))),
        None => Ok(()),
    }
}

/// What the user says about how a file is to be read.
pub(super) fn intake_options(args: &FileArgs, expect_total: Option<u64>) -> Result<IntakeOptions, Failure> {
    let column = |text: &String| {
        let named = text.split_once('=').and_then(|(word, header)| Some((ColumnRole::parse(word)?, header.to_owned())));
        named.ok_or_else(|| {
            let words: Vec<&str> = ColumnRole::ALL.into_iter().map(ColumnRole::word).collect();
            let words = words.join(", ");
            usage("column", format!("--column takes MEANING=HEADER, found {text:?}\nhint: MEANING is one of {words}"))
        })
    };
    let columns = args.column.iter().map(column).collect::<Result<Vec<_>, _>>()?;
    refuse_mark(args.points_grouping)?;
    Ok(IntakeOptions {
        sheet: args.sheet.clone(),
        columns,
        points_grouping: args.points_grouping,
        include_hidden: args.include_hidden,
        visible_only: args.visible_only,
        expect_total,
        allow_repeat_phones: args.allow_repeat_phones,
    })
}

/// A file that is to be planned.
pub(super) fn file(file: &Path, args: &PlanningArgs, batch: BatchName) -> Result<FileRequest, Failure> {
    Ok(FileRequest {
        file: file.to_owned(),
        batch,
        options: intake_options(&args.how, args.expect_total)?,
        expect_rows: args.expect_rows,
        skip_invalid: args.skip_invalid,
        repeat_why: args.repeat.clone(),
    })
}

/// The word to a plan that was typed with the command.
pub(super) fn consent(args: &RunArgs) -> Option<Consent> {
    match (args.yes, args.confirm_total, &args.confirm_plan) {
        (_, Some(total), _) => Some(Consent::Total(total)),
        (_, _, Some(plan)) => Some(Consent::Plan(plan.clone())),
        (true, None, None) => Some(Consent::Yes),
        (false, None, None) => None,
    }
}

/// A statement that is to be compared.
pub(super) fn reconcile(args: &ReconcileArgs) -> Result<ReconcileRequest, Failure> {
    let column = |text: &String| {
        let named = halves(text).and_then(|(word, header)| Some((StatementColumn::parse(word)?, header)));
        named.ok_or_else(|| {
            let words = StatementColumn::ALL.map(StatementColumn::word).join(", ");
            usage("column", format!("--column takes MEANING=HEADER, found {text:?}\nhint: MEANING is one of {words}"))
        })
    };
    let status = |text: &String| {
        let named = halves(text).and_then(|(word, cell)| Some((LineStatus::from_word(word)?, cell)));
        named.ok_or_else(|| {
            let words = LineStatus::ALL.map(LineStatus::word).join(", ");
            usage("status", format!("--status takes MEANING=WORD, found {text:?}\nhint: MEANING is one of {words}"))
        })
    };
    refuse_mark(args.points_grouping)?;
    let options = StatementOptions {
        sheet: args.sheet.clone(),
        columns: args.column.iter().map(column).collect::<Result<_, _>>()?,
        statuses: args.status.iter().map(status).collect::<Result<_, _>>()?,
        points_grouping: args.points_grouping,
        include_hidden: args.include_hidden,
    };
    Ok(ReconcileRequest { batch: args.batch.clone(), statement: args.statement.clone(), options })
}

/// A decision about payouts.
pub(super) fn decision(args: &DecisionArgs, repeat_why: Option<&str>) -> DecisionRequest {
    DecisionRequest { batch: args.batch.clone(), why: args.why.clone(), repeat_why: repeat_why.map(str::to_owned) }
}

/// The states that were named, all of them where none was; and whether the rows that were left out belong to it.
pub(super) fn states(words: &[String]) -> Result<(Vec<State>, bool), Failure> {
    if words.is_empty() {
        return Ok((State::ALL.to_vec(), true));
    }
    let is_skipped = |word: &&String| word.trim().eq_ignore_ascii_case("skipped");
    let state = |word: &String| {
        // Typed with a dash or a blank as often as with an underscore.
        let plain = word.trim().to_lowercase().replace(['-', ' '], "_");
        State::from_word(&plain).ok_or_else(|| {
            let known: Vec<&str> = State::ALL.into_iter().map(State::word).chain(["skipped"]).collect();
            let known = known.join(", ");
            usage("only", format!("--only takes states, found {word:?}\nhint: the states are {known}"))
        })
    };
    let named: Vec<State> = words.iter().filter(|word| !is_skipped(word)).map(state).collect::<Result<_, _>>()?;
    Ok((named, words.iter().any(|word| is_skipped(&word))))
}

/// Whose word it is, as it was typed; what is signed is signed with the key that was named.
pub(super) fn with_identity<T>(
    actor: &Actor,
    args: &WhoArgs,
    take: impl FnOnce(&Identity<'_>) -> Result<T, Failure>,
) -> Result<T, Failure> {
    let Some(name) = &args.person else { return take(&Identity::System(actor.to_string())) };
    let name = person(name)?;
    match &args.sign {
        None => take(&Identity::Person { name, sign: None }),
        Some(key) => take(&Identity::Person { name, sign: Some(&|bytes: &[u8]| sshsig::sign(key, bytes)) }),
    }
}

/// The name of a person.
pub(super) fn person(name: &str) -> Result<PersonName, Failure> {
    let message = || format!("a person's name needs 1 to 64 of a-z 0-9 . _ -, has {name:?}");
    PersonName::parse(name).ok_or_else(|| usage("usage", message()))
}

/// What a person may do.
pub(super) fn roles(words: &[String]) -> Result<Vec<Role>, Failure> {
    let role = |word: &String| {
        let known = Role::ALL.map(Role::word).join(", ");
        let message = format!("--role needs one of {known}, has {word:?}");
        Role::from_word(word.trim()).ok_or_else(|| usage("usage", message))
    };
    let given = words.iter().map(role).collect::<Result<Vec<_>, _>>()?;
    Ok(Role::ALL.into_iter().filter(|role| given.contains(role)).collect())
}

/// The public half of a person's key, in one line.
pub(super) fn public_key(path: &Path) -> Result<String, Failure> {
    let key = sshsig::Key::read(path).map_err(|error| usage("key", format!("{}: {error}", path.display())))?;
    Ok(key.line())
}

/// A seal in hexadecimal digits.
pub(super) fn seal(text: &str) -> Result<Sha256, Failure> {
    let wrong = || usage("usage", format!("--plan needs the 64 hex digits of a seal, has {text:?}"));
    Sha256::parse(text).ok_or_else(wrong)
}
