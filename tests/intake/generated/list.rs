//! A payout list as the generator knows it, and its rows in a style.

use super::Style::{self, *};
use super::book::{Cell, Line, Seen, Table, grouped, text};
use std::collections::BTreeSet;

/// What the generator knows of a payee: the phone without its zero, and the points.
#[derive(Clone, Copy, Debug)]
pub(super) struct Payee {
    phone: u64,
    points: u64,
}

/// The columns behind the first, which counts the rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Column {
    Phone,
    Points,
    Reference,
    Name,
}

/// What is given of a row: its number, the phone, the points.
pub(super) type Paid = (u64, String, u64);

/// A list, and where it stands in its sheet.
pub(super) struct List {
    pub(super) table: Table,
    pub(super) payees: Vec<Payee>,
    order: [Column; 4],
    /// The row of the header, counted from 0.
    pub(super) header: usize,
}

impl List {
    pub(super) fn new(name: &'static str, style: Style, random: &mut fastrand::Rng) -> Self {
        let mut phones = BTreeSet::new();
        let count = random.usize(3..9);
        while phones.len() < count {
            phones.insert(random.choice([3, 5, 7, 8, 9]).unwrap() * 100_000_000 + random.u64(0..100_000_000));
        }
        let mut payee = |phone| {
            // Not whole when it is read as decimals.
            let points = random.u64(1..200) * 1000 + random.u64(1..1000);
            Payee { phone, points: if random.bool() || style == GroupedTexts { points } else { random.u64(50..1000) } }
        };
        let payees: Vec<Payee> = phones.into_iter().map(&mut payee).collect();
        let mut order = [Column::Phone, Column::Points, Column::Reference, Column::Name];
        random.shuffle(&mut order);
        let titles = if style == Titles { random.usize(1..5) } else { random.usize(0..3) };
        let mut list = Self { table: Table { name, ..Table::default() }, payees, order, header: titles };
        for title in ["CÔNG TY TNHH AN BÌNH", "DANH SÁCH CHI ĐIỂM THƯỞNG", "Tháng 11 năm 2026", ""].iter().take(titles)
        {
            list.push(vec![if title.is_empty() { Cell::Blank } else { text(*title) }]);
        }
        if style == Titles {
            list.table.lines[0].cells.resize(5, Cell::Blank);
            list.table.merges.push([0, 0, 0, 4]);
        }
        let mut header = vec![text("STT")];
        header.extend(order.map(|column| {
            text(match column {
                Column::Phone => random.choice(["SĐT", "Số điện thoại", "Phone"]).unwrap(),
                Column::Points => random.choice(["Số điểm", "Điểm thưởng T11", "Points"]).unwrap(),
                Column::Reference => "Mã tham chiếu",
                Column::Name => "Họ tên",
            })
        }));
        list.push(header);
        list
    }

    fn push(&mut self, cells: Vec<Cell>) {
        self.table.lines.push(Line { cells, seen: Seen::Shown });
    }

    pub(super) fn column(&self, wanted: Column) -> usize {
        1 + self.order.iter().position(|column| *column == wanted).unwrap()
    }

    /// Adds the payees; those that are marked are written as a style says in which a person sees another thing.
    pub(super) fn add_payees(&mut self, style: Style, marked: &BTreeSet<usize>, random: &mut fastrand::Rng) {
        for (at, payee) in self.payees.clone().into_iter().enumerate() {
            let is_phone = random.bool();
            let mut cells = vec![Cell::Number(at as u64 + 1)];
            cells.extend(self.order.map(|column| match column {
                Column::Phone => phone(style, payee.phone, marked.contains(&at) && is_phone),
                Column::Points => points(style, payee.points, marked.contains(&at) && !is_phone),
                Column::Reference => text(format!("GD-{:04}", 1000 + at)),
                // A name may be the word that labels a total, but for its diacritics.
                Column::Name => text(random.choice(["Nguyễn Văn An", "Trần Thị Công", "Lê Tống", "Phạm Bé"]).unwrap()),
            }));
            self.push(cells);
        }
    }

    /// The sum of the payees' points, but for some.
    fn sum(&self, without: &BTreeSet<usize>) -> u64 {
        self.paid(without).iter().map(|(.., points)| points).sum()
    }

    /// Adds a closing total; where rows are hidden, the marked ones, it is that of the others, as `SUBTOTAL` has it.
    pub(super) fn add_total(&mut self, style: Style, marked: &BTreeSet<usize>) {
        let none = BTreeSet::new();
        let sum = self.sum(if style == FilteredSubtotal { marked } else { &none });
        let mut cells = vec![Cell::Blank; 5];
        cells[0] = text("Tổng cộng");
        cells[self.column(Column::Points)] = match style {
            Computed | FilteredSubtotal => Cell::Computed(sum),
            WrongTotal => Cell::Number(sum + 1),
            Plain | Titles | Total | Footer | Filtered | Hidden | Merged | MergedOverBlanks | SecondSheet
            | TwoLists | NotComputed | BoldRuns | StruckRuns | Grouped | Thousandths | PhoneNumbers | GroupedTexts
            | AboveHeader => Cell::Number(sum),
        };
        self.push(cells);
    }

    pub(super) fn add_footer(&mut self, has_words: bool) {
        if has_words {
            self.push(vec![text("Bằng chữ: Một nghìn hai trăm điểm")]);
            self.push(vec![Cell::Blank]);
            self.push(vec![Cell::Blank, Cell::Blank, text("Hà Nội, ngày 25 tháng 11 năm 2026")]);
        }
        self.push(vec![text("Người lập biểu"), Cell::Blank, text("Kế toán trưởng"), text("Giám đốc")]);
        self.push(vec![text("(Ký, họ tên)"), Cell::Blank, text("(Ký, họ tên)")]);
        self.push(vec![text("Trần Thị Bình"), Cell::Blank, text("Lê Văn Cường")]);
    }

    /// The number that the spreadsheet has for a payee's row.
    pub(super) fn row(&self, payee: usize) -> u64 {
        self.header as u64 + payee as u64 + 2
    }

    /// What a person sees of the payees, but for some.
    pub(super) fn paid(&self, without: &BTreeSet<usize>) -> Vec<Paid> {
        let seen = self.payees.iter().enumerate().filter(|(at, _)| !without.contains(at));
        seen.map(|(at, payee)| (self.row(at), format!("0{}", payee.phone), payee.points)).collect()
    }
}

/// A text in two parts.
fn halves(text: &str) -> (String, String) {
    let (head, tail) = text.split_at(text.len() / 2);
    (head.to_owned(), tail.to_owned())
}

fn phone(style: Style, phone: u64, is_marked: bool) -> Cell {
    let written = format!("0{phone}");
    let (head, tail) = halves(&written);
    match style {
        PhoneNumbers => Cell::Number(phone),
        Computed => Cell::Computed(phone),
        NotComputed if is_marked => Cell::NotComputed,
        StruckRuns if is_marked => Cell::Struck(head, tail),
        BoldRuns => Cell::Bold(head, tail),
        Plain | Titles | Total | WrongTotal | Footer | Filtered | FilteredSubtotal | Hidden | Merged
        | MergedOverBlanks | SecondSheet | TwoLists | NotComputed | StruckRuns | Grouped | Thousandths
        | GroupedTexts | AboveHeader => Cell::Text(written),
    }
}

fn points(style: Style, points: u64, is_marked: bool) -> Cell {
    let (head, tail) = halves(&points.to_string());
    match style {
        Computed => Cell::Computed(points),
        NotComputed if is_marked => Cell::NotComputed,
        StruckRuns if is_marked => Cell::Struck(head, tail),
        BoldRuns => Cell::Bold(head, tail),
        Grouped => Cell::Grouped(points),
        Thousandths => Cell::Thousandths(points),
        GroupedTexts => text(grouped(points, '.')),
        Plain | Titles | Total | WrongTotal | Footer | Filtered | FilteredSubtotal | Hidden | Merged
        | MergedOverBlanks | SecondSheet | TwoLists | NotComputed | StruckRuns | PhoneNumbers | AboveHeader => {
            Cell::Number(points)
        }
    }
}
