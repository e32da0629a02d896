//! Chooses the sheet of a workbook: the one that is asked for, or the only one that holds a list, where a person who
//! opens the file would take it for that, too.

use super::problem::{IntakeError, Problem, ProblemKind};
use super::record::Record;
use super::sheet::{SHEETS_LOOKED_AT, Sheet, SheetName, SheetRows};
use crate::domain::text::typed;
use std::sync::Arc;

/// What is asked of a workbook.
#[derive(Clone, Copy)]
pub(crate) struct Wanted<'w> {
    /// The sheet's name (`--sheet`).
    pub(crate) sheet: Option<&'w str>,
    /// Looks for the header of a list in rows, and says whether a workbook of such lists may open on another sheet.
    #[expect(clippy::type_complexity, reason = "a name for it would say less than the type")]
    pub(crate) find: &'w dyn Fn(&mut dyn FnMut(&mut Record) -> Result<bool, IntakeError>) -> Result<bool, IntakeError>,
}

/// What a sheet is, as far as its first rows tell.
enum Looks {
    /// It has the header of a list; whether the workbook may open on another.
    List(bool),
    /// It has none, for this reason.
    Other(Problem),
}

/// The sheet that is read.
pub(crate) struct Choice {
    /// Where it stands among the sheets.
    pub(crate) position: usize,
    /// What a person should know about the others.
    pub(crate) warnings: Vec<String>,
    /// Why nothing may be paid from it before its name is said: it may not be the one that is meant.
    pub(crate) problem: Option<Problem>,
}

/// Chooses one of the sheets; `head` reads a sheet's first rows.
pub(crate) fn choose(
    sheets: &[SheetName],
    active: Option<usize>,
    wanted: Wanted<'_>,
    head: impl FnMut(usize) -> Result<Sheet, IntakeError>,
) -> Result<Choice, IntakeError> {
    let visible: Vec<usize> = (0..sheets.len()).filter(|at| sheets[*at].is_visible).collect();
    let mut warnings = Vec::new();
    let (position, problem) = match (wanted.sheet, visible.as_slice()) {
        (Some(name), _) => {
            let at = named(sheets, name, &visible)?;
            if !sheets[at].is_visible {
                warnings.push(format!("the sheet «{}» is hidden in the workbook", sheets[at].name));
            }
            (at, None)
        }
        (None, []) => return Err(refuse("needs a visible sheet, has none; show it, or name it with `--sheet`")),
        (None, [only]) => (*only, None),
        (None, _) => only_list(sheets, active, &visible, wanted, head)?,
    };
    let name = &sheets[position].name;
    let others: Vec<usize> = (0..sheets.len()).filter(|at| *at != position).collect();
    if !others.is_empty() {
        warnings.push(format!("only the sheet «{name}» is read, not {}", quoted(sheets, &others)));
    }
    Ok(Choice { position, warnings, problem })
}

fn refuse(message: impl Into<String>) -> IntakeError {
    IntakeError::file(ProblemKind::Sheet, message)
}

fn quoted(sheets: &[SheetName], at: &[usize]) -> String {
    at.iter().map(|at| format!("«{}»", sheets[*at].name)).collect::<Vec<_>>().join(", ")
}

/// The sheet of a name: to the letter, or else as it reads, since `ế` may be one character or three.
fn named(sheets: &[SheetName], wanted: &str, visible: &[usize]) -> Result<usize, IntakeError> {
    let of = |same: &dyn Fn(&SheetName) -> bool| -> Vec<usize> {
        (0..sheets.len()).filter(|at| same(&sheets[*at])).collect()
    };
    let exact = of(&|sheet| sheet.name.trim() == wanted.trim());
    let found = if exact.is_empty() { of(&|sheet| sheet.reads_as(wanted)) } else { exact };
    match found.as_slice() {
        [only] => Ok(*only),
        [] => {
            let message = format!("needs the sheet «{wanted}», has {}; correct `--sheet`", quoted(sheets, visible));
            Err(refuse(message))
        }
        [..] => {
            let message = format!("needs one sheet of the name «{wanted}», has {}; rename one of them", found.len());
            Err(refuse(message))
        }
    }
}

/// The first visible sheet, if it alone holds a list and the workbook opens on it; else the likeliest, with the problem.
fn only_list(
    sheets: &[SheetName],
    active: Option<usize>,
    visible: &[usize],
    wanted: Wanted<'_>,
    mut head: impl FnMut(usize) -> Result<Sheet, IntakeError>,
) -> Result<(usize, Option<Problem>), IntakeError> {
    let mut lists = Vec::new();
    let mut reason: Option<Problem> = None;
    for at in visible.iter().take(SHEETS_LOOKED_AT) {
        match look(head(*at), wanted)? {
            Looks::List(opens_elsewhere) => lists.push((*at, opens_elsewhere)),
            Looks::Other(problem) => {
                if reason.as_ref().is_none_or(|before| before.kind == ProblemKind::Empty) {
                    reason = Some(problem);
                }
            }
        }
    }
    let places: Vec<usize> = lists.iter().map(|(at, _)| *at).collect();
    let type_one = |at: &[usize]| {
        let flags: Vec<String> = at.iter().map(|at| format!("`--sheet {}`", typed(&sheets[*at].name))).collect();
        flags.join(" or ")
    };
    let name = |at: usize| &sheets[at].name;
    let (position, message) = match (lists.as_slice(), reason) {
        ([(only, opens_elsewhere)], _) if *only == visible[0] => {
            let elsewhere = active.filter(|active| active != only && visible.contains(active) && !opens_elsewhere);
            let Some(active) = elsewhere else { return Ok((*only, None)) };
            let message = format!(
                "needs a workbook that opens on its list, has one that opens on «{}», with the list on «{}»; say {} if that is \
                 meant",
                name(active),
                name(*only),
                type_one(&places)
            );
            (*only, message)
        }
        ([(only, _)], _) => {
            let message = format!(
                "needs the list on the first sheet, or the name of its sheet, has it on «{}», behind «{}»; say {}",
                name(*only),
                name(visible[0]),
                type_one(&places)
            );
            (*only, message)
        }
        ([], Some(reason)) => return Err(with_sheets(reason, &quoted(sheets, visible)).into()),
        ([], None) => return Ok((visible[0], None)),
        ([(first, _), ..], _) => {
            let opens = active.filter(|active| places.contains(active));
            let on = opens.map_or_else(String::new, |at| format!(" (it opens on «{}»)", name(at)));
            let message = format!(
                "needs one sheet with a list, has {}: {}{on}; say which: {}",
                places.len(),
                quoted(sheets, &places),
                type_one(&places)
            );
            (opens.unwrap_or(*first), message)
        }
    };
    Ok((position, Some(Problem::of_file(ProblemKind::Sheet, message))))
}

/// The reason why the first sheet with anything in it is no list, with all sheets that were looked at.
fn with_sheets(mut problem: Problem, names: &str) -> Problem {
    problem.message.push_str(&format!("; looked for in the sheets {names}"));
    problem
}

/// Whether the first rows of a sheet hold a list; what is wrong with a sheet that is not read is none of our business.
fn look(head: Result<Sheet, IntakeError>, wanted: Wanted<'_>) -> Result<Looks, IntakeError> {
    let found = head.and_then(|sheet| {
        let mut rows = SheetRows::new(Arc::new(sheet));
        (wanted.find)(&mut |record| Ok(rows.read(record)))
    });
    match found {
        Ok(opens_elsewhere) => Ok(Looks::List(opens_elsewhere)),
        Err(error @ IntakeError::Io { .. }) => Err(error),
        Err(IntakeError::Refused(problem)) => {
            let has_header =
                problem.kind == ProblemKind::Columns || (problem.kind == ProblemKind::Header && problem.row.is_some());
            Ok(if has_header { Looks::List(false) } else { Looks::Other(*problem) })
        }
    }
}
