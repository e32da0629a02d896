//! Puts what the gateway decided into its own words: a code, a message, a status, perhaps some data.

use hyper::body::Bytes;
use serde_json::{Value, json};

/// What the gateway decided about a request.
#[derive(Clone, Debug)]
pub(super) struct Answer {
    pub(super) code: i64,
    /// Overrides the status that belongs to the code.
    pub(super) http: Option<u16>,
    pub(super) data: Option<Value>,
    /// What was wrong with the request, for those that are refused with 4000.
    pub(super) detail: Option<String>,
}

impl Answer {
    pub(super) const fn code(code: i64) -> Self {
        Self { code, http: None, data: None, detail: None }
    }

    pub(super) const fn ok(data: Value) -> Self {
        Self { code: 200, http: None, data: Some(data), detail: None }
    }

    /// The request breaks a rule of the protocol.
    pub(super) const fn invalid(detail: String) -> Self {
        Self { code: 4_000, http: None, data: None, detail: Some(detail) }
    }

    /// The HTTP status.
    pub(super) const fn status(&self) -> u16 {
        match self.http {
            Some(http) => http,
            None => status_of(self.code),
        }
    }

    /// The JSON that goes over the wire.
    pub(super) fn bytes(&self) -> Bytes {
        let message = match &self.detail {
            Some(detail) => format!("{}: {detail}", message_of(self.code)),
            None => message_of(self.code).to_owned(),
        };
        let meta = json!({ "code": self.code, "message": message });
        let whole = match &self.data {
            Some(data) => json!({ "data": data, "meta": meta }),
            None => json!({ "meta": meta }),
        };
        Bytes::from(whole.to_string())
    }
}

/// The status that the protocol's table gives a code, or the likely one where it says "any".
const fn status_of(code: i64) -> u16 {
    match code {
        4_000 => 400,
        403_100 | 4_030_001 => 403,
        4_040_201 => 404,
        4_010_001..=4_010_006 => 401,
        5_000 | 5_000_001 | 5_000_101 => 500,
        _ => 200,
    }
}

const fn message_of(code: i64) -> &'static str {
    match code {
        200 => "OK",
        200_300 => "Card is not activated or blocked",
        200_301 => "Account is not activated or blocked",
        200_400 | 4_000_315 => "Member does not exist",
        4_000 => "Bad request",
        4_000_001 => "MerchantId/TerminalId/RequestId is invalid",
        4_000_306 => "Card is not activated or blocked",
        4_000_307 => "Invoice no already exists",
        4_000_318 => "Member is potential risk",
        4_000_326 => "Account is not activated or blocked",
        4_000_328 => "Over the receipt limit",
        4_010_001 => "Authentication failed",
        4_010_002 => "Timestamp is not a number",
        4_010_003 => "Timestamp is in the future",
        4_010_004 => "Timestamp is too old",
        4_010_005 => "Nonce is malformed",
        4_010_006 => "Nonce already recorded",
        403_100 => "MerchantId/TerminalId is invalid",
        4_030_001 => "Merchant has no right to this feature",
        4_030_302 => "MerchantId/TerminalId not found or not active",
        4_040_001 => "Order does not exist",
        4_040_201 => "Feature does not exist",
        500_400 => "Insufficient point balance",
        600_400 => "Campaign unavailable or allowed point exceeded",
        600_500 => "Over a limit",
        600_600 => "Transaction invalid",
        5_000 | 5_000_001 | 5_000_101 => "System error",
        _ => "Unknown",
    }
}
