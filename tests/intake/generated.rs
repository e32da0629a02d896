//! One payout list in every style in which people and programs keep it: what is paid is what a person sees.
//!
//! A generator knows its payees, writes them as whole sheets (titles, totals and footers, filters, merges, several
//! sheets, formulas, runs, formats) in every format that can hold the style, and holds the reading against them: each
//! row that is given has the phone and points that a person sees in it, and where a person sees another thing the file
//! is refused and the right row named. A failure names the seed; `GENERATED_SEED` begins with it.

mod book;
mod list;
mod xls;

use crate::rule::{file, with};
use book::{Cell, Line, Seen, Table, csv, ods, text, xlsx};
use list::{Column, List, Paid};
use std::collections::{BTreeMap, BTreeSet};
use topup::intake::{IntakeOptions, Item, ProblemKind, RepairKind, check, open};
use xls::xls;

/// How many lists of each style are written, each in three or four formats.
const LISTS: u64 = 20;

/// How a whole sheet is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Style {
    Plain,
    Titles,
    Total,
    WrongTotal,
    Footer,
    Filtered,
    FilteredSubtotal,
    Hidden,
    Merged,
    MergedOverBlanks,
    SecondSheet,
    TwoLists,
    Computed,
    NotComputed,
    BoldRuns,
    StruckRuns,
    Grouped,
    Thousandths,
    PhoneNumbers,
    GroupedTexts,
    AboveHeader,
}

use Style::*;

impl Style {
    /// Whether a CSV can hold it.
    fn is_in_csv(self) -> bool {
        match self {
            // A merge leaves blanks there, which is what is wrong with it.
            Plain | Titles | Total | WrongTotal | Footer | MergedOverBlanks | PhoneNumbers | GroupedTexts
            | AboveHeader => true,
            Filtered | FilteredSubtotal | Hidden | Merged | SecondSheet | TwoLists | Computed | NotComputed
            | BoldRuns | StruckRuns | Grouped | Thousandths => false,
        }
    }

    /// The repair of every row, where there is one.
    fn repair(self) -> Option<RepairKind> {
        match self {
            PhoneNumbers | Computed => Some(RepairKind::PhoneZero),
            GroupedTexts => Some(RepairKind::PointsThousands),
            Plain | Titles | Total | WrongTotal | Footer | Filtered | FilteredSubtotal | Hidden | Merged
            | MergedOverBlanks | SecondSheet | TwoLists | NotComputed | BoldRuns | StruckRuns | Grouped
            | Thousandths | AboveHeader => None,
        }
    }

    fn has_total(self) -> bool {
        matches!(self, Total | WrongTotal | Computed | FilteredSubtotal)
    }
}

/// The rows and kinds of problems.
type Found = BTreeSet<(Option<u64>, ProblemKind)>;

/// What a list must give under some options.
struct Reading {
    options: IntakeOptions,
    paid: Vec<Paid>,
    problems: Found,
    /// What the problems say, among other things.
    says: &'static str,
}

/// Some of the payees: one at least, and not all.
fn some(count: usize, random: &mut fastrand::Rng) -> BTreeSet<usize> {
    let mut of: Vec<usize> = (0..count).collect();
    random.shuffle(&mut of);
    of.into_iter().take(random.usize(1..count)).collect()
}

/// A workbook in a style, with what it must give.
fn workbook(style: Style, random: &mut fastrand::Rng) -> (Vec<Table>, Vec<Reading>) {
    let mut list = List::new("Danh sách", style, random);
    let marked = some(list.payees.len(), random);
    list.add_payees(style, &marked, random);
    if style.has_total() {
        list.add_total(style, &marked);
    }
    if matches!(style, Total | Footer) {
        list.add_footer(style == Total);
    }
    let (all, none) = (BTreeSet::from_iter(0..list.payees.len()), BTreeSet::new());
    let refused = |list: &List, of: &BTreeSet<usize>, kind| of.iter().map(|at| (Some(list.row(*at)), kind)).collect();
    match style {
        Plain | Titles | Total | Footer | Computed | BoldRuns | Grouped | PhoneNumbers | GroupedTexts => {
            let paid = list.paid(&none);
            (vec![list.table], vec![clean(IntakeOptions::default(), paid)])
        }
        NotComputed | StruckRuns => {
            let problems = refused(&list, &marked, ProblemKind::NotAsShown);
            let paid = list.paid(&marked);
            (vec![list.table], vec![Reading { problems, ..clean(IntakeOptions::default(), paid) }])
        }
        Thousandths => {
            let problems = refused(&list, &all, ProblemKind::NotAsShown);
            (vec![list.table], vec![Reading { problems, ..clean(IntakeOptions::default(), Vec::new()) }])
        }
        WrongTotal => {
            let problems = Found::from([(Some(list.row(list.payees.len())), ProblemKind::Total)]);
            let paid = list.paid(&none);
            (vec![list.table], vec![Reading { problems, ..clean(IntakeOptions::default(), paid) }])
        }
        Filtered | FilteredSubtotal | Hidden => unseen(list, style, &marked),
        Merged | MergedOverBlanks => merged(list, style, random),
        SecondSheet | TwoLists => two_sheets(list, style, random),
        AboveHeader => {
            // As a sort leaves it that took the header along.
            let header = list.header;
            list.table.lines.swap(header, header + 1);
            let problems = Found::from([(Some(header as u64 + 1), ProblemKind::Header)]);
            (vec![list.table], vec![Reading { problems, ..clean(IntakeOptions::default(), Vec::new()) }])
        }
    }
}

fn clean(options: IntakeOptions, paid: Vec<Paid>) -> Reading {
    Reading { options, paid, problems: Found::new(), says: "" }
}

/// Hides the marked rows.
fn unseen(mut list: List, style: Style, marked: &BTreeSet<usize>) -> (Vec<Table>, Vec<Reading>) {
    let (seen, says) = if style == Hidden { (Seen::Hidden, "hidden ones") } else { (Seen::Filtered, "(filtered, ") };
    for at in marked {
        list.table.lines[list.header + 1 + at].seen = seen;
    }
    if seen == Seen::Filtered {
        list.table.filter = Some((list.header, list.header + list.payees.len()));
    }
    let hidden = Found::from([(Some(list.row(*marked.first().unwrap())), ProblemKind::Hidden)]);
    let mut with_hidden = clean(with(|options| options.include_hidden = true), list.paid(&BTreeSet::new()));
    if style == FilteredSubtotal {
        with_hidden.problems = Found::from([(Some(list.row(list.payees.len())), ProblemKind::Total)]);
    }
    let readings = vec![
        Reading { problems: hidden, says, ..clean(IntakeOptions::default(), list.paid(marked)) },
        clean(with(|options| options.visible_only = true), list.paid(marked)),
        with_hidden,
    ];
    (vec![list.table], readings)
}

/// Merges the phones or the points of payees that follow one another.
fn merged(mut list: List, style: Style, random: &mut fastrand::Rng) -> (Vec<Table>, Vec<Reading>) {
    let first = random.usize(0..list.payees.len() - 1);
    let last = random.usize(first + 1..list.payees.len());
    let under = BTreeSet::from_iter(first + 1..=last);
    let (wanted, missing) = *random
        .choice(&[(Column::Phone, ProblemKind::PhoneMissing), (Column::Points, ProblemKind::PointsMissing)])
        .unwrap();
    let (column, below) = (list.column(wanted), list.header + 1);
    list.table.merges.push([below + first, column, below + last, column]);
    let kind = if style == Merged { ProblemKind::NotAsShown } else { missing };
    if style == MergedOverBlanks {
        under.iter().for_each(|at| list.table.lines[below + at].cells[column] = Cell::Blank);
    }
    let problems = under.iter().map(|at| (Some(list.row(*at)), kind)).collect();
    let paid = list.paid(&under);
    (vec![list.table], vec![Reading { problems, ..clean(IntakeOptions::default(), paid) }])
}

/// Puts a sheet beside the list: a cover in front, or another list behind.
fn two_sheets(list: List, style: Style, random: &mut fastrand::Rng) -> (Vec<Table>, Vec<Reading>) {
    let named = |name: &str| with(|options| options.sheet = Some(name.to_owned()));
    let paid = list.paid(&BTreeSet::new());
    let problems = Found::from([(None, ProblemKind::Sheet)]);
    let says = "--sheet \"Danh sách\"";
    let mut readings = vec![
        Reading { problems, says, ..clean(IntakeOptions::default(), paid.clone()) },
        clean(named("Danh sách"), paid),
    ];
    if style == SecondSheet {
        let mut cover = Table { name: "Bìa", ..Table::default() };
        cover.lines.push(Line { cells: vec![text("Ghi chú"), text("Chi điểm thưởng")], seen: Seen::Shown });
        return (vec![cover, list.table], readings);
    }
    let mut other = List::new("Tháng 10", style, random);
    other.add_payees(style, &BTreeSet::new(), random);
    readings.push(clean(named("Tháng 10"), other.paid(&BTreeSet::new())));
    (vec![list.table, other.table], readings)
}

/// Holds what a file gives against what the generator knows.
fn hold(bytes: &[u8], reading: &Reading, style: Style, case: &str) {
    let file = file(bytes);
    let report = check(file.path(), &reading.options);
    let problems: Found = report.problems.iter().map(|problem| (problem.row, problem.kind)).collect();
    assert_eq!(problems, reading.problems, "{case}: {:?}", report.problems);
    let says = reading.says.is_empty() || report.problems.iter().any(|problem| problem.message.contains(reading.says));
    assert!(says, "{case}: {:?}", report.problems);
    let mut paid = Vec::new();
    if let Ok(mut intake) = open(file.path(), &reading.options) {
        while let Some(item) = intake.next().unwrap() {
            let Item::Row(row, _) = item else { continue };
            paid.push((row.row, row.member.key().as_str().to_owned(), u64::from(row.points.value())));
        }
    }
    assert_eq!(paid, reading.paid, "{case}");
    if problems.is_empty() {
        let sum: u64 = paid.iter().map(|(.., points)| points).sum();
        assert_eq!((report.valid_rows, report.points), (paid.len() as u64, sum), "{case}");
        assert_eq!(report.control_total.map(|(_, total)| total), style.has_total().then_some(sum), "{case}");
        let repairs: BTreeMap<RepairKind, u64> = style.repair().map(|kind| (kind, report.rows)).into_iter().collect();
        assert_eq!(report.repair_kinds, repairs, "{case}: {:?}", report.repairs);
    }
}

/// Writes lists of one style in every format, and holds what each gives.
fn held(style: Style) {
    let seed = std::env::var("GENERATED_SEED").ok().and_then(|seed| seed.parse().ok());
    let first: u64 = seed.unwrap_or_else(|| fastrand::u64(..u64::MAX - LISTS));
    for seed in first..first + LISTS {
        let (tables, readings) = workbook(style, &mut fastrand::Rng::with_seed(seed));
        let mut files = vec![("xlsx", xlsx(&tables)), ("ods", ods(&tables)), ("xls", xls(&tables))];
        if style.is_in_csv() {
            files.push(("csv", csv(&tables[0])));
        }
        for (format, bytes) in files {
            for reading in &readings {
                let case = format!("GENERATED_SEED={seed} {style:?} as {format}, {:?}", reading.options);
                hold(&bytes, reading, style, &case);
            }
        }
    }
}

#[test]
fn titles_totals_and_footers_are_no_payees() {
    [Plain, Titles, Total, WrongTotal, Footer].into_iter().for_each(held);
}

#[test]
fn a_payee_above_the_header_refuses_the_file() {
    held(AboveHeader);
}

#[test]
fn rows_that_nobody_sees_are_paid_by_an_option_alone() {
    [Filtered, FilteredSubtotal, Hidden].into_iter().for_each(held);
}

#[test]
fn a_merge_over_payees_refuses_those_under_it() {
    [Merged, MergedOverBlanks].into_iter().for_each(held);
}

#[test]
fn a_second_sheet_asks_for_a_name() {
    [SecondSheet, TwoLists].into_iter().for_each(held);
}

#[test]
fn formulas_are_paid_with_their_values_only() {
    [Computed, NotComputed].into_iter().for_each(held);
}

#[test]
fn runs_that_are_struck_out_refuse_their_rows() {
    [BoldRuns, StruckRuns].into_iter().for_each(held);
}

#[test]
fn formats_and_written_numbers() {
    [Grouped, Thousandths, PhoneNumbers, GroupedTexts].into_iter().for_each(held);
}
