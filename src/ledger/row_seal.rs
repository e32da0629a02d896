//! Seals one payout: SHA-256 over everything that decides what is sent for its row, and what is shown of it.
//!
//! The seal is made when the row is planned and compared where its permit is minted: a row that was edited in between
//! is not sent. Its state and its number are not in it, since they move; they follow from its history and its key.

use crate::domain::batch_name::BatchName;
use crate::domain::invoice_no::{InvoiceNo, InvoicePrefix};
use crate::domain::receipt::Receipt;
use crate::domain::row_key::RowKey;
use crate::domain::sha256::Sha256;

/// Room for what most rows hash.
const HASHED_BYTES: usize = 384;

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

impl Sealed<'_> {
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

/// A receipt as the ledger stores it.
pub(super) fn receipt_json(receipt: &Receipt) -> String {
    serde_json::json!([receipt.name(), receipt.address(), receipt.email(), receipt.tax_code()]).to_string()
}

/// Whether a number is the one that the row's key leads to at an attempt.
pub(super) fn is_own_number(
    number: &InvoiceNo,
    (batch, merchant_id, prefix): (&str, &str, &str),
    key: &str,
    attempt: u32,
) -> bool {
    let (Ok(batch), Some(prefix)) = (BatchName::parse(batch), InvoicePrefix::parse(prefix)) else { return false };
    let key = RowKey::from_stored(key.to_owned());
    *number == InvoiceNo::derive(&prefix, merchant_id, &batch, &key, attempt)
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
