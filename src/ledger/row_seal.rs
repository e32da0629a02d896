//! Seals one payout: SHA-256 over everything that decides what is sent for its row, and what is shown of it.
//!
//! The seal is made when the row is planned and compared where its permit is minted: a row that was edited in between
//! is not sent. Its state and its number are not in it, since they move; they follow from its history and its key.

use super::error::LedgerError;
use crate::domain::sha256::Sha256;
use rusqlite::Row;
use rusqlite::types::ValueRef;

/// Room for what most rows hash.
const HASHED_BYTES: usize = 384;

/// What [`Sealed::read`] reads, from `payouts p`.
pub(super) const SEALED_COLUMNS: &str = "p.payout_id, p.row, p.row_key, p.member, p.phone, p.points, p.send_sms, p.receipt, p.name, p.extra, p.spelt, p.plan";

/// The columns of a payout that never change, as they are stored.
#[derive(Clone, Copy, Debug)]
pub(super) struct Sealed<'a> {
    /// Which payout it is: a row that takes another one's place is not that one.
    pub(super) payout_id: i64,
    /// The version of the plan that brought it: only with it is it approved.
    pub(super) plan: i64,
    pub(super) row: i64,
    pub(super) row_key: &'a str,
    pub(super) member: &'a str,
    pub(super) spelt: Option<&'a str>,
    pub(super) phone: Option<&'a str>,
    pub(super) points: i64,
    pub(super) send_sms: bool,
    pub(super) receipt: Option<&'a str>,
    pub(super) name: Option<&'a str>,
    pub(super) extra: Option<&'a str>,
}

impl<'a> Sealed<'a> {
    /// Twelve columns from `first` on, as [`SEALED_COLUMNS`] names them.
    pub(super) fn read(row: &'a Row<'_>, first: usize) -> Result<Self, LedgerError> {
        let get = |index: usize| row.get_ref(first + index).map_err(LedgerError::sqlite("reading a row's seal"));
        let text = |index| match get(index)? {
            ValueRef::Null => Ok(None),
            value @ (ValueRef::Integer(_) | ValueRef::Real(_) | ValueRef::Text(_) | ValueRef::Blob(_)) => {
                value.as_str().map(Some).map_err(|_| LedgerError::Broken("a stored text is none".to_owned()))
            }
        };
        let number =
            |index| get(index)?.as_i64().map_err(|_| LedgerError::Broken("a stored number is none".to_owned()));
        Ok(Self {
            payout_id: number(0)?,
            row: number(1)?,
            row_key: text(2)?.unwrap_or_default(),
            member: text(3)?.unwrap_or_default(),
            phone: text(4)?,
            points: number(5)?,
            send_sms: number(6)? != 0,
            receipt: text(7)?,
            name: text(8)?,
            extra: text(9)?,
            spelt: text(10)?,
            plan: number(11)?,
        })
    }

    /// The seal of the row in the batch of this name.
    pub(super) fn sha256(&self, batch: &str) -> Sha256 {
        let Self { payout_id, plan, row, row_key, member, spelt, phone, points, send_sms, receipt, name, extra } =
            *self;
        // Hashed in one go: each of the small pieces would cost a call.
        let mut bytes = Vec::with_capacity(HASHED_BYTES);
        for number in [payout_id, plan, row, points, i64::from(send_sms)] {
            bytes.extend_from_slice(&number.to_be_bytes());
        }
        for text in [Some("topup-row-1"), Some(batch), Some(row_key), Some(member), spelt, phone, receipt, name, extra]
        {
            // A length in front keeps neighbouring fields apart, and absent ones from empty ones.
            let length = text.map_or(u64::MAX, |text| text.len() as u64);
            bytes.extend_from_slice(&length.to_be_bytes());
            bytes.extend_from_slice(text.unwrap_or_default().as_bytes());
        }
        Sha256::of(&bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_field_of_a_row_is_in_its_seal() {
        let row = Sealed {
            payout_id: 1,
            plan: 1,
            row: 2,
            row_key: "ref:1",
            member: "0901234567",
            spelt: None,
            phone: None,
            points: 500,
            send_sms: true,
            receipt: None,
            name: Some("An"),
            extra: None,
        };
        let seal = row.sha256("b");
        let others = [
            Sealed { payout_id: 2, ..row },
            Sealed { plan: 2, ..row },
            Sealed { row: 3, ..row },
            Sealed { row_key: "ref:2", ..row },
            Sealed { member: "0901234568", ..row },
            Sealed { spelt: Some(""), ..row },
            Sealed { phone: Some(""), ..row },
            Sealed { points: 501, ..row },
            Sealed { send_sms: false, ..row },
            Sealed { receipt: Some("An"), name: None, ..row },
            Sealed { name: None, ..row },
            Sealed { extra: Some("[]"), ..row },
        ];
        for other in others {
            assert_ne!(other.sha256("b"), seal, "{other:?}");
        }
        assert_ne!(row.sha256("c"), seal);
        assert_eq!(row.sha256("b"), seal);
    }
}
