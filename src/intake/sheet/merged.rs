//! Marks cells of a worksheet by where they lie: under merged ones, or under conditional formats that hide or change them.

use super::{Merge, NUMBER, SEEN, Sheet};
use crate::intake::conditional::Change;
use crate::intake::problem::{IntakeError, ProblemKind};
use crate::intake::record::Oddity;

/// How often a cell is held against an area at the most: a second's worth.
const LOOKS_MAX: usize = 1 << 28;

impl Sheet {
    /// Marks the cells in areas in which a format that holds under a condition may change what a person sees of them.
    pub(crate) fn mark_conditional(&mut self, areas: &[Merge], change: Change) -> Result<(), IntakeError> {
        let looks = self.blocks.iter().map(|block| block.cells.len()).sum::<usize>().saturating_mul(areas.len());
        if looks == 0 {
            return Ok(());
        }
        if looks > LOOKS_MAX {
            let message = format!(
                "needs fewer conditional formats that hide numbers or show others, has {} areas of them; clear these rules, or save \
                 the sheet as CSV",
                areas.len()
            );
            return Err(IntakeError::file(ProblemKind::Limit, message));
        }
        for block in &mut self.blocks {
            for at in 0..block.rows.len() {
                let (row, cells) = (block.rows[at].row, block.cells_of(at));
                for cell in &mut block.cells[cells] {
                    let is_in = |area: &&Merge| {
                        (area.top..=area.bottom).contains(&row)
                            && (area.left..=area.right).contains(&u32::from(cell.column))
                    };
                    let is_open = change.concerns(cell.flags & NUMBER != 0) && cell.flags & SEEN == 0;
                    if is_open && cell.oddity.is_none() && areas.iter().any(|area| is_in(&area)) {
                        cell.oddity = Some(Oddity::Conditional);
                    }
                }
            }
        }
        Ok(())
    }

    /// Marks the cells that lie under merged ones: nobody sees what is in them.
    pub(crate) fn mark_merged(&mut self, merges: &[Merge]) -> Result<(), IntakeError> {
        // Areas that lie over each other are no merges, and would be walked again and again.
        let mut steps = 16 * (self.blocks.iter().map(|block| block.cells.len() + block.rows.len()).sum::<usize>() + 16);
        for merge in merges {
            let first = self.blocks.partition_point(|block| block.rows.last().is_some_and(|last| last.row < merge.top));
            for block in &mut self.blocks[first..] {
                let from = block.rows.partition_point(|row| row.row < merge.top);
                let to = block.rows.partition_point(|row| row.row <= merge.bottom);
                for at in from..to {
                    let is_top = block.rows[at].row == merge.top;
                    let cells = block.cells_of(at);
                    let Some(left) = steps.checked_sub(cells.len() + 1) else {
                        let message = "needs merged cells that do not overlap, has others; unmerge them";
                        return Err(IntakeError::file(ProblemKind::NotASpreadsheet, message));
                    };
                    steps = left;
                    for cell in &mut block.cells[cells] {
                        let column = u32::from(cell.column);
                        let is_seen = is_top && column == merge.left;
                        if (merge.left..=merge.right).contains(&column) && !is_seen {
                            cell.oddity = Some(Oddity::Merged);
                        }
                    }
                }
                if to < block.rows.len() {
                    break;
                }
            }
        }
        Ok(())
    }
}
