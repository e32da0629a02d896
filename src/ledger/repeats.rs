//! Finds payouts that another batch pays, or paid, to the same member with the same points; where that batch was purged,
//! by the hashes of its members.

use super::error::LedgerError;
use super::planning::Planning;
use super::purge_key;
use super::read;
use crate::domain::standing::State;
use rusqlite::types::FromSql;
use rusqlite::{Row, params};

/// A payout of a plan that another batch may pay, or paid, as well.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Repeat {
    /// The row of this file.
    pub row: u64,
    /// The other batch.
    pub batch: String,
    /// The row there.
    pub other_row: u64,
    /// Its state there.
    pub state: State,
    /// When it was credited, in Unix milliseconds.
    pub credited_at: Option<i64>,
    /// When the other batch was planned first, in Unix milliseconds.
    pub planned_at: i64,
}

/// Whether `o` and `p` pay one member: by the same name, or by the same phone, be it the name or beside a card.
pub(super) const SAME_MEMBER: &str =
    "(o.member = p.member OR o.member = p.phone OR o.phone = coalesce(p.phone, p.member))";

impl Planning<'_> {
    /// Payouts that this file adds whose member and points another batch at the same gateway has in one of `states`
    /// (credited ones only since `credited_since`): how many, and the first few. Not in purged batches.
    ///
    /// # Errors
    /// When the ledger cannot be read.
    pub fn repeats(
        &self,
        states: &[State],
        credited_since: i64,
        few: usize,
    ) -> Result<(u64, Vec<Repeat>), LedgerError> {
        let from = from(states);
        let new = params![self.batch.0, credited_since, self.last];
        let count = read::one(&self.transaction, &format!("SELECT count(DISTINCT p.payout_id) {from}"), new)?;
        let list_sql = format!("SELECT p.row, {OTHER} {from} ORDER BY p.row LIMIT ?4");
        let few = i64::try_from(few).unwrap_or(i64::MAX);
        let new = params![self.batch.0, credited_since, self.last, few];
        let list = read::rows(&self.transaction, &list_sql, new, |row| repeat(row, get(row, 0)?, 1))?;
        Ok((count.unwrap_or(0), list))
    }

    /// The same among what purged batches credited, by hash: how many that repeat no other batch as well, and the first
    /// few. The key is asked for only where there are such credits.
    ///
    /// # Errors
    /// [`LedgerError::PurgeKey`] when it is not there, or when the ledger cannot be read.
    pub fn repeats_of_purged(&self, credited_since: i64, few: usize) -> Result<(u64, Vec<Repeat>), LedgerError> {
        let purged = [self.batch.0, credited_since];
        if self.new.rows == 0 || read::one::<i64>(&self.transaction, PURGED_CREDITS, purged)?.is_none() {
            return Ok((0, Vec::new()));
        }
        let key = purge_key::read(&self.transaction, self.purge_key.as_deref())?;
        let key = key.ok_or_else(|| LedgerError::Broken("there are purged batches and no key".to_owned()))?;
        let other = format!("SELECT 1 {} AND p.payout_id = ?4 LIMIT 1", from(&[State::Credited]));
        let (mut count, mut list) = (0, Vec::new());
        let sql = "SELECT payout_id, row, member, phone, points FROM payouts WHERE payout_id > ?2 AND +batch_id = ?1";
        let mut statement = self.transaction.prepare(sql).map_err(comparing())?;
        let mut rows = statement.query([self.batch.0, self.last]).map_err(comparing())?;
        while let Some(row) = rows.next().map_err(comparing())? {
            let (payout, sheet_row, points): (i64, u64, u64) = (get(row, 0)?, get(row, 1)?, get(row, 4)?);
            let (member, phone): (String, Option<String>) = (get(row, 2)?, get(row, 3)?);
            let hashes = (key.member(&member), key.member(phone.as_deref().unwrap_or(&member)));
            let like = params![self.batch.0, credited_since, hashes.0, hashes.1, points];
            let found = read::rows(&self.transaction, PURGED_LIKE, like, |row| repeat(row, sheet_row, 0))?.pop();
            let Some(found) = found else { continue };
            let new = params![self.batch.0, credited_since, self.last, payout];
            if read::one::<i64>(&self.transaction, &other, new)?.is_none() {
                count += 1;
                list.extend(Some(found).filter(|_| list.len() < few));
            }
        }
        Ok((count, list))
    }
}

/// What `repeat` reads of the payout `o` and its batch `b`.
const OTHER: &str = "b.name, o.row, o.state, o.credited_at, b.planned_at";

/// New payouts `p` and their like `o` in other batches `b` at the same gateway.
fn from(states: &[State]) -> String {
    let words: Vec<String> = states.iter().map(|state| format!("'{}'", state.word())).collect();
    format!(
        "FROM payouts p
         CROSS JOIN payouts o ON {SAME_MEMBER} AND o.points = p.points AND o.batch_id <> p.batch_id
         JOIN batches b ON b.batch_id = o.batch_id
         WHERE p.batch_id = ?1 AND p.payout_id > ?3 AND o.state IN ({}) AND coalesce(o.credited_at, ?2) >= ?2
           AND b.gateway_host = (SELECT gateway_host FROM batches WHERE batch_id = ?1)",
        words.join(", ")
    )
}

/// Whether a purged batch at the same gateway has credits since `?2`. Only where one was credited after the purge (a
/// verification found it) are its payouts looked at.
const PURGED_CREDITS: &str = "SELECT 1 FROM purges g
     JOIN batches b ON b.batch_id = g.batch_id
     JOIN totals t ON t.batch_id = g.batch_id AND t.state = 'credited'
     WHERE b.gateway_host = (SELECT gateway_host FROM batches WHERE batch_id = ?1)
       AND (g.last_credited_at >= ?2 OR t.rows > g.credited_rows AND EXISTS (
            SELECT 1 FROM payouts o WHERE o.batch_id = g.batch_id AND o.state = 'credited' AND o.credited_at >= ?2))
     LIMIT 1";

/// What a purged batch credited to the member of these hashes, by its name (`?3`) or its phone (`?4`).
const PURGED_LIKE: &str = "SELECT b.name, o.row, o.state, o.credited_at, b.planned_at FROM payouts o
     CROSS JOIN batches b ON b.batch_id = o.batch_id
     WHERE (o.member = ?3 OR o.member = ?4 OR o.phone = ?4) AND o.points = ?5 AND o.batch_id <> ?1
       AND o.state = 'credited' AND o.credited_at >= ?2
       AND b.gateway_host = (SELECT gateway_host FROM batches WHERE batch_id = ?1) LIMIT 1";

/// Five columns from `first` on, as [`OTHER`] names them.
fn repeat(row: &Row<'_>, sheet_row: u64, first: usize) -> Result<Repeat, LedgerError> {
    Ok(Repeat {
        row: sheet_row,
        batch: get(row, first)?,
        other_row: get(row, first + 1)?,
        state: read::state_of(&get::<String>(row, first + 2)?)?,
        credited_at: get(row, first + 3)?,
        planned_at: get(row, first + 4)?,
    })
}

fn comparing() -> impl FnOnce(rusqlite::Error) -> LedgerError {
    LedgerError::sqlite("comparing with other batches")
}

fn get<T: FromSql>(row: &Row<'_>, index: usize) -> Result<T, LedgerError> {
    row.get(index).map_err(comparing())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ledger::Ledger;

    #[test]
    fn a_payout_is_looked_for_in_purged_batches_by_index() {
        let ledger = Ledger::in_memory().unwrap();
        let mut plan = ledger.connection.prepare(&format!("EXPLAIN QUERY PLAN {PURGED_LIKE}")).unwrap();
        let lines = plan.query_map(params![1, 1, "a", "b", 1], |row| row.get::<_, String>(3)).unwrap();
        let lines: Vec<String> = lines.map(Result::unwrap).collect();
        assert!(lines.iter().all(|line| !line.starts_with("SCAN")), "{lines:#?}");
        assert!(lines.iter().any(|line| line.contains("payouts_by_member")), "{lines:#?}");
        assert!(lines.iter().any(|line| line.contains("payouts_by_phone")), "{lines:#?}");
    }
}
