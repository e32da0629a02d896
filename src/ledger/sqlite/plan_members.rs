//! Looks up, while a file is planned, what its batch has for the same members under other row keys.

use super::planning::Planning;
use super::read;
use crate::domain::payout::Row;
use crate::ledger::error::LedgerError;
use rusqlite::params;

/// Another payout of the batch that goes to the member of a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Earlier {
    /// Its row, as first planned.
    pub row: u64,
    /// This file added it.
    pub is_of_this_file: bool,
}

impl Planning<'_> {
    /// The payout that the batch has for the same member as the row that was added last, whatever its key: by the same
    /// identity, or by the same phone, whether it names the member or stands beside a card. Any that the batch had
    /// before; of this file, where one of the two has no reference.
    pub fn earlier_of_member(&self, row: &Row) -> Result<Option<Earlier>, LedgerError> {
        let of = |column, value| {
            format!(
                "SELECT row, plan < ?4 FROM payouts
                 WHERE {column} = {value} AND batch_id = ?3 AND payout_id <> ?5
                   AND (plan < ?4 OR ?6 OR substr(row_key, 1, 4) <> 'ref:')"
            )
        };
        let sql =
            format!("{} UNION ALL {} UNION ALL {} LIMIT 1", of("member", "?1"), of("member", "?2"), of("phone", "?2"));
        let phone = row.member.phone();
        let phone = phone.as_ref().map(|phone| phone.as_str());
        let by_member = row.reference.is_none();
        let like = params![row.member.identity(), phone, self.batch.0, self.version, self.next - 1, by_member];
        let reading = || LedgerError::sqlite("looking for another row of the member");
        let earlier = |found: &rusqlite::Row<'_>| {
            Ok(Earlier {
                row: found.get(0).map_err(reading())?,
                is_of_this_file: !found.get::<_, bool>(1).map_err(reading())?,
            })
        };
        Ok(read::rows(&self.transaction, &sql, like, earlier)?.pop())
    }
}
