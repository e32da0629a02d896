//! A ledger with a plan, for the tests of this crate.

use super::{BatchId, Binding, Ledger, NewPayout, Origin, Purpose, Under};
use crate::domain::batch_name::BatchName;
use crate::domain::invoice_no::InvoicePrefix;
use crate::domain::member::Member;
use crate::domain::payout::Row;
use crate::domain::phone::PhoneNumber;
use crate::domain::points::Points;
use crate::domain::row_key::RowKey;
use crate::domain::sha256::Sha256;

/// What a run of the planned batch is made under.
pub(crate) fn under() -> Under {
    let binding = Binding {
        gateway_host: "127.0.0.1".into(),
        merchant_id: "M".into(),
        terminal_id: "T".into(),
        invoice_prefix: InvoicePrefix::parse("TP").unwrap(),
    };
    Under::new(Purpose::Pay, binding, 0)
}

/// Plans batch `b` of so many payouts, and approves it.
pub(crate) fn planned(mut ledger: Ledger, rows: u64) -> (Ledger, BatchId) {
    let (name, binding, text) = (BatchName::parse("b").unwrap(), under().binding, String::new);
    let origin = Origin { file_name: text(), settings: text(), planned_by: text(), planned_at: 0 };
    let mut planning = ledger.plan(&name, &binding, &origin).unwrap();
    for row in 1..=rows {
        let key = RowKey::reference(&row.to_string());
        let row = Row {
            row,
            reference: None,
            member: Member::Phone(PhoneNumber::parse("0901234567").unwrap()),
            points: Points::new(50).unwrap(),
            name: None,
            send_sms: None,
            receipt: None,
            extra: Vec::new(),
        };
        planning.place(&NewPayout { row: &row, key: &key, send_sms: true }).unwrap();
    }
    planning.seal(Sha256::NONE, 0, "yes", 0).unwrap();
    let batch = ledger.batch("b").unwrap().id;
    (ledger, batch)
}
