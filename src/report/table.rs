//! Lays cells out in columns, aligned by how wide a terminal shows them, not by bytes or characters.

use unicode_width::UnicodeWidthStr;

/// A column: on which side its cells are filled up, and how wide it is at least, in places of a terminal.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Column {
    is_right: bool,
    least: usize,
}

/// Texts begin at the same place.
pub(crate) const fn left(least: usize) -> Column {
    Column { is_right: false, least }
}

/// Numbers end at the same place.
pub(crate) const fn right(least: usize) -> Column {
    Column { is_right: true, least }
}

/// Rows of as many cells as there are columns.
#[derive(Clone, Debug)]
pub(crate) struct Table<const N: usize> {
    margin: usize,
    gap: usize,
    columns: [Column; N],
    rows: Vec<[String; N]>,
}

impl<const N: usize> Table<N> {
    /// A table without rows; `margin` blanks stand before its lines, `gap` between two columns.
    pub(crate) fn new(margin: usize, gap: usize, columns: [Column; N]) -> Self {
        Self { margin, gap, columns, rows: Vec::new() }
    }

    /// Adds a row.
    pub(crate) fn row(&mut self, cells: [impl Into<String>; N]) {
        self.rows.push(cells.map(Into::into));
    }

    fn widths(&self) -> [usize; N] {
        std::array::from_fn(|column| {
            let widest = self.rows.iter().map(|row| row[column].width()).max().unwrap_or(0);
            widest.max(self.columns[column].least)
        })
    }

    /// How wide its lines are.
    pub(crate) fn width(&self) -> usize {
        self.margin + self.widths().iter().sum::<usize>() + self.gap * N.saturating_sub(1)
    }

    /// Its lines, without blanks at their ends.
    pub(crate) fn to_text(&self) -> String {
        let widths = self.widths();
        let line = |row: &[String; N]| {
            let mut line = " ".repeat(self.margin);
            for (place, cell) in row.iter().enumerate() {
                let blanks = " ".repeat(widths[place] - cell.width());
                let (before, behind) = if self.columns[place].is_right { (&*blanks, "") } else { ("", &*blanks) };
                let gap = if place == 0 { 0 } else { self.gap };
                line.extend([&" ".repeat(gap), before, cell, behind]);
            }
            line.truncate(line.trim_end().len());
            line + "\n"
        };
        self.rows.iter().map(line).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tables_are_aligned_by_display_width() {
        let mut table = Table::new(1, 2, [left(0), left(3), right(4), left(0)]);
        for name in ["Nguyễn", "Nguye\u{302}\u{303}n", "日本", "plain"] {
            table.row(["row 2", name, "7", "x"]);
        }
        let text = table.to_text();
        assert!(text.lines().all(|line| line.width() == table.width()), "{text}");
        table.row(["a", "b", "12345678", ""]);
        assert!(table.to_text().ends_with("\n a      b       12345678\n"), "{}", table.to_text());
    }
}
