//! Writes the JSON bodies of the three calls, once each: the bytes that are written are signed and sent.

use super::Request;
use crate::domain::member::Member;
use crate::domain::payout::TopUp;
use crate::domain::receipt::Receipt;
use serde::Serialize;
use serde::ser::Error as _;

/// Which of the three calls is made (header `X-API-Code`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Call {
    MemberInfo,
    SubmitTopUp,
    OrderStatus,
}

impl Call {
    /// The header `X-API-Code` (VinID developer documentation, the three service pages).
    pub(super) fn api_code(self) -> &'static str {
        match self {
            Self::MemberInfo => "mi_v1_loyalty_member_info",
            Self::SubmitTopUp => "mi_v1_loyalty_transaction_topup",
            Self::OrderStatus => "mi_v1_loyalty_transaction_detail",
        }
    }
}

#[derive(Serialize)]
struct MemberInfoBody<'a> {
    phone_no: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    card_no: Option<&'a str>,
}

#[derive(Serialize)]
struct OrderStatusBody<'a> {
    invoice_no: &'a str,
}

#[derive(Serialize)]
struct SubmitTopUpBody<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    phone_no: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    id_type: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<&'a str>,
    point_amount: u32,
    invoice_no: &'a str,
    send_receipt: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    receipt_info: Option<ReceiptInfo<'a>>,
    /// Always written: where it is absent the gateway sends a message.
    send_sms: bool,
}

#[derive(Serialize)]
struct ReceiptInfo<'a> {
    name: &'a str,
    address: &'a str,
    email: &'a str,
    tax_code: &'a str,
}

/// The call that a request makes, and its body.
pub(super) fn call_and_body(request: &Request) -> Result<(Call, Vec<u8>), serde_json::Error> {
    Ok(match request {
        Request::MemberInfo { phone, card_no } => {
            let body = MemberInfoBody { phone_no: phone.as_str(), card_no: card_no.as_deref() };
            (Call::MemberInfo, serde_json::to_vec(&body)?)
        }
        Request::SubmitTopUp(permit) => (Call::SubmitTopUp, submit_body(permit.top_up())?),
        Request::OrderStatus(invoice_no) => {
            (Call::OrderStatus, serde_json::to_vec(&OrderStatusBody { invoice_no: invoice_no.as_str() })?)
        }
    })
}

fn submit_body(top_up: &TopUp) -> Result<Vec<u8>, serde_json::Error> {
    let phone = top_up.member.phone();
    let (id_type, id) = match &top_up.member {
        Member::Phone(_) => (None, None),
        Member::Card { id, .. } => (Some("CARD"), Some(id.as_str())),
        Member::UserId { id, .. } => (Some("USER_ID"), Some(id.as_str())),
        // Nobody is behind a hash, and the ledger gives no permit for one.
        Member::Purged { .. } => return Err(serde_json::Error::custom("the member was purged")),
    };
    serde_json::to_vec(&SubmitTopUpBody {
        phone_no: phone.as_ref().map(|phone| phone.as_str()),
        id_type,
        id,
        point_amount: top_up.points.value(),
        invoice_no: top_up.invoice_no.as_str(),
        send_receipt: top_up.receipt.is_some(),
        receipt_info: top_up.receipt.as_ref().map(receipt_info),
        send_sms: top_up.send_sms,
    })
}

fn receipt_info(receipt: &Receipt) -> ReceiptInfo<'_> {
    ReceiptInfo {
        name: receipt.name(),
        address: receipt.address(),
        email: receipt.email(),
        tax_code: receipt.tax_code(),
    }
}
