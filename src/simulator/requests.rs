//! Reads request bodies by the letter of the protocol: a client that breaks a rule hears which one.

use serde_json::{Map, Value};

use super::fault::Call;
use super::members::{MemberRef, is_phone};

/// A body that keeps the rules.
#[derive(Clone, Debug)]
pub(super) enum Asked {
    MemberInfo { phone: String, card_no: Option<String> },
    TopUp(TopUp),
    OrderStatus { invoice_no: String },
}

/// A top-up that keeps the rules.
#[derive(Clone, Debug)]
pub(super) struct TopUp {
    pub(super) phone: Option<String>,
    /// `id_type` and `id`.
    pub(super) id: Option<(String, String)>,
    pub(super) points: u64,
    pub(super) invoice_no: String,
}

const POINTS_MIN: u64 = 50;
const POINTS_MAX: u64 = 20_000_000;
/// With a receipt the amount stays below this.
const RECEIPT_POINTS_LIMIT: u64 = 20_000;
const INVOICE_NO_MAX: usize = 23;
const RECEIPT_FIELDS: [(&str, usize); 4] = [("name", 50), ("address", 100), ("email", 50), ("tax_code", 32)];

impl TopUp {
    /// The name by which the directory is asked: an `id` is more exact than a phone.
    pub(super) fn named(&self) -> MemberRef<'_> {
        match (&self.id, &self.phone) {
            (Some((id_type, id)), _) if id_type == "CARD" => MemberRef::Card(id),
            (Some((id_type, id)), _) if id_type == "USER_ID" => MemberRef::UserId(id),
            (Some((_, id)), _) => MemberRef::Phone(id),
            (None, phone) => MemberRef::Phone(phone.as_deref().unwrap_or_default()),
        }
    }
}

impl Asked {
    /// Reads a body.
    ///
    /// The message of a broken rule says what was expected and the shape of what was found, never a value: it is
    /// kept and shown, and the values are other people's.
    pub(super) fn read(call: Call, body: &[u8]) -> Result<Self, String> {
        let value = serde_json::from_slice::<Value>(body).map_err(|_| "body: expected json".to_owned())?;
        let Value::Object(fields) = value else {
            return Err(wrong("body", "an object", &value));
        };
        match call {
            Call::MemberInfo => member_info(&fields),
            Call::TopUp => top_up(&fields).map(Self::TopUp),
            Call::OrderStatus => {
                only(&fields, &["invoice_no"])?;
                Ok(Self::OrderStatus { invoice_no: invoice_no(&fields)? })
            }
        }
    }

    /// What the faults of a request follow from: its invoice_no or phone.
    pub(super) fn subject(&self) -> &str {
        match self {
            Self::MemberInfo { phone, .. } => phone,
            Self::TopUp(top_up) => &top_up.invoice_no,
            Self::OrderStatus { invoice_no } => invoice_no,
        }
    }
}

fn member_info(fields: &Map<String, Value>) -> Result<Asked, String> {
    only(fields, &["phone_no", "card_no"])?;
    let phone = phone(fields, "phone_no")?.ok_or("phone_no: expected a string, found nothing")?;
    let card_no = text(fields, "card_no")?.map(|card_no| filled("card_no", card_no)).transpose()?;
    Ok(Asked::MemberInfo { phone, card_no })
}

fn top_up(fields: &Map<String, Value>) -> Result<TopUp, String> {
    only(
        fields,
        &["phone_no", "point_amount", "invoice_no", "send_receipt", "receipt_info", "send_sms", "id_type", "id"],
    )?;
    let phone = phone(fields, "phone_no")?;
    let id = identity(fields)?;
    if phone.is_none() && id.is_none() {
        return Err("phone_no: expected a phone or an id_type with an id, found neither".to_owned());
    }
    let points = fields.get("point_amount").ok_or("point_amount: expected an integer, found nothing")?;
    let points = points.as_u64().ok_or_else(|| wrong("point_amount", "an integer", points))?;
    if !(POINTS_MIN..=POINTS_MAX).contains(&points) {
        return Err(format!("point_amount: expected {POINTS_MIN} to {POINTS_MAX}, found {points}"));
    }
    let send_receipt = flag(fields, "send_receipt")?.ok_or("send_receipt: expected a bool, found nothing")?;
    flag(fields, "send_sms")?;
    receipt(fields, send_receipt, points)?;
    Ok(TopUp { phone, id, points, invoice_no: invoice_no(fields)? })
}

fn identity(fields: &Map<String, Value>) -> Result<Option<(String, String)>, String> {
    match (text(fields, "id_type")?, text(fields, "id")?) {
        (None, None) => Ok(None),
        (Some(_), None) => Err("id: expected a string beside id_type, found nothing".to_owned()),
        (None, Some(_)) => Err("id_type: expected MOBILE, CARD or USER_ID beside id, found nothing".to_owned()),
        (Some(id_type @ ("MOBILE" | "CARD" | "USER_ID")), Some(id)) => {
            let id = if id_type == "MOBILE" { valid_phone("id", id)? } else { filled("id", id)? };
            Ok(Some((id_type.to_owned(), id)))
        }
        (Some(_), Some(_)) => Err("id_type: expected MOBILE, CARD or USER_ID, found another word".to_owned()),
    }
}

fn receipt(fields: &Map<String, Value>, send_receipt: bool, points: u64) -> Result<(), String> {
    if send_receipt && points >= RECEIPT_POINTS_LIMIT {
        return Err(format!("point_amount: expected below {RECEIPT_POINTS_LIMIT} with a receipt, found {points}"));
    }
    let receipt = match fields.get("receipt_info") {
        Some(Value::Object(receipt)) => receipt,
        Some(other) => return Err(wrong("receipt_info", "an object", other)),
        None if send_receipt => return Err("receipt_info: expected an object, found nothing".to_owned()),
        None => return Ok(()),
    };
    only(receipt, &RECEIPT_FIELDS.map(|(field, _)| field))?;
    for (field, chars_max) in RECEIPT_FIELDS {
        let content = text(receipt, field)?.ok_or_else(|| format!("{field}: expected a string, found nothing"))?;
        let chars = filled(field, content)?.chars().count();
        if chars > chars_max {
            return Err(format!("{field}: expected at most {chars_max} characters, found {chars}"));
        }
        if field == "email" && !is_email(content) {
            return Err("email: expected an e-mail address, found something else".to_owned());
        }
    }
    Ok(())
}

fn is_email(text: &str) -> bool {
    let Some((local, domain)) = text.split_once('@') else { return false };
    let whole = !local.is_empty() && !domain.contains('@') && !text.contains(char::is_whitespace);
    whole && domain.split('.').count() >= 2 && domain.split('.').all(|part| !part.is_empty())
}

fn invoice_no(fields: &Map<String, Value>) -> Result<String, String> {
    let invoice_no = text(fields, "invoice_no")?.ok_or("invoice_no: expected a string, found nothing")?;
    let chars = invoice_no.chars().count();
    if (1..=INVOICE_NO_MAX).contains(&chars) {
        Ok(invoice_no.to_owned())
    } else {
        Err(format!("invoice_no: expected 1 to {INVOICE_NO_MAX} characters, found {chars}"))
    }
}

fn phone(fields: &Map<String, Value>, name: &str) -> Result<Option<String>, String> {
    text(fields, name)?.map(|phone| valid_phone(name, phone)).transpose()
}

fn valid_phone(name: &str, phone: &str) -> Result<String, String> {
    if is_phone(phone) {
        Ok(phone.to_owned())
    } else {
        let chars = phone.chars().count();
        Err(format!("{name}: expected 10 to 11 digits that start with 0, found {chars} characters"))
    }
}

fn filled(name: &str, content: &str) -> Result<String, String> {
    if content.is_empty() {
        Err(format!("{name}: expected a text, found an empty one"))
    } else {
        Ok(content.to_owned())
    }
}

fn text<'a>(fields: &'a Map<String, Value>, name: &str) -> Result<Option<&'a str>, String> {
    match fields.get(name) {
        None => Ok(None),
        Some(value) => value.as_str().map(Some).ok_or_else(|| wrong(name, "a string", value)),
    }
}

fn flag(fields: &Map<String, Value>, name: &str) -> Result<Option<bool>, String> {
    match fields.get(name) {
        None => Ok(None),
        Some(value) => value.as_bool().map(Some).ok_or_else(|| wrong(name, "a bool", value)),
    }
}

/// A field that the protocol does not have is a mistake of the client's, even if a gateway might pass it over.
fn only(fields: &Map<String, Value>, known: &[&str]) -> Result<(), String> {
    match fields.keys().find(|name| !known.contains(&name.as_str())) {
        None => Ok(()),
        Some(other) => Err(format!("body: expected only {}, found {other:?}", known.join(", "))),
    }
}

fn wrong(name: &str, expected: &str, found: &Value) -> String {
    let found = match found {
        Value::Null => "null",
        Value::Bool(_) => "a bool",
        Value::Number(number) if number.is_f64() => "a fraction",
        Value::Number(_) => "a number",
        Value::String(_) => "a string",
        Value::Array(_) => "an array",
        Value::Object(_) => "an object",
    };
    format!("{name}: expected {expected}, found {found}")
}

#[cfg(test)]
mod tests {
    use super::*;

    const PLAIN: &str = r#"{"phone_no":"0901234567","point_amount":50,"invoice_no":"TP1","send_receipt":false}"#;

    /// The plain top-up with some of its fields replaced by those of `patch`; null takes one away.
    fn patched(patch: Value) -> Result<Asked, String> {
        let mut body = serde_json::from_str::<Value>(PLAIN).unwrap();
        let fields = body.as_object_mut().unwrap();
        for (name, value) in patch.as_object().unwrap() {
            if value.is_null() {
                fields.remove(name);
            } else {
                fields.insert(name.clone(), value.clone());
            }
        }
        Asked::read(Call::TopUp, body.to_string().as_bytes())
    }

    fn receipt_with(field: &str, value: &str) -> Value {
        let mut receipt =
            serde_json::json!({ "name": "An", "address": "1 Lê Lợi", "email": "an@vi.vn", "tax_code": "01" });
        receipt[field] = value.into();
        serde_json::json!({ "send_receipt": true, "receipt_info": receipt })
    }

    #[test]
    fn what_keeps_the_rules_is_taken() {
        for patch in [
            serde_json::json!({}),
            serde_json::json!({ "phone_no": "09012345678", "send_sms": false }),
            serde_json::json!({ "point_amount": 20_000_000, "invoice_no": "x".repeat(23) }),
            serde_json::json!({ "phone_no": null, "id_type": "CARD", "id": "9700" }),
            serde_json::json!({ "id_type": "MOBILE", "id": "0901234567" }),
            receipt_with("name", &"ế".repeat(50)),
        ] {
            assert!(patched(patch.clone()).is_ok(), "{patch}: {:?}", patched(patch.clone()));
        }
    }

    #[test]
    fn a_top_up_that_breaks_a_rule_hears_which() {
        for (patch, expected) in [
            (serde_json::json!({ "phone_no": "901234567" }), "phone_no: expected 10 to 11 digits"),
            (serde_json::json!({ "phone_no": "8490123456" }), "phone_no: expected 10 to 11 digits"),
            (serde_json::json!({ "phone_no": "090123456x" }), "phone_no: expected 10 to 11 digits"),
            (serde_json::json!({ "phone_no": 901_234_567 }), "phone_no: expected a string, found a number"),
            (serde_json::json!({ "phone_no": null }), "phone_no: expected a phone or an id_type with an id"),
            (serde_json::json!({ "point_amount": 49 }), "point_amount: expected 50 to 20000000, found 49"),
            (serde_json::json!({ "point_amount": 20_000_001 }), "point_amount: expected 50 to 20000000"),
            (serde_json::json!({ "point_amount": 50.5 }), "point_amount: expected an integer, found a fraction"),
            (serde_json::json!({ "point_amount": "50" }), "point_amount: expected an integer, found a string"),
            (serde_json::json!({ "point_amount": null }), "point_amount: expected an integer, found nothing"),
            (serde_json::json!({ "invoice_no": "" }), "invoice_no: expected 1 to 23 characters, found 0"),
            (serde_json::json!({ "invoice_no": "x".repeat(24) }), "invoice_no: expected 1 to 23 characters, found 24"),
            (serde_json::json!({ "invoice_no": null }), "invoice_no: expected a string, found nothing"),
            (serde_json::json!({ "send_receipt": null }), "send_receipt: expected a bool, found nothing"),
            (serde_json::json!({ "send_receipt": "no" }), "send_receipt: expected a bool, found a string"),
            (serde_json::json!({ "send_receipt": true }), "receipt_info: expected an object, found nothing"),
            (serde_json::json!({ "send_sms": 1 }), "send_sms: expected a bool, found a number"),
            (serde_json::json!({ "id_type": "CARD" }), "id: expected a string beside id_type"),
            (serde_json::json!({ "id": "9700" }), "id_type: expected MOBILE, CARD or USER_ID beside id"),
            (serde_json::json!({ "id_type": "PASSPORT", "id": "1" }), "id_type: expected MOBILE, CARD or USER_ID"),
            (serde_json::json!({ "id_type": "MOBILE", "id": "1" }), "id: expected 10 to 11 digits"),
            (serde_json::json!({ "points": 50 }), "body: expected only phone_no, point_amount"),
            (receipt_with("name", &"x".repeat(51)), "name: expected at most 50 characters, found 51"),
            (receipt_with("address", &"x".repeat(101)), "address: expected at most 100 characters, found 101"),
            (receipt_with("tax_code", &"x".repeat(33)), "tax_code: expected at most 32 characters, found 33"),
            (receipt_with("email", "an.vi.vn"), "email: expected an e-mail address"),
            (receipt_with("name", ""), "name: expected a text, found an empty one"),
        ] {
            let message = patched(patch.clone()).unwrap_err();
            assert!(message.starts_with(expected), "{patch}: {message}");
        }
        let mut large = receipt_with("name", "An");
        large["point_amount"] = 20_000.into();
        assert_eq!(patched(large).unwrap_err(), "point_amount: expected below 20000 with a receipt, found 20000");
    }

    #[test]
    fn the_read_only_calls_have_rules_too() {
        for (call, body, expected) in [
            (Call::MemberInfo, r#"{"phone_no":"0901234567","card_no":"1"}"#, None),
            (Call::MemberInfo, r#"{"card_no":"1"}"#, Some("phone_no: expected a string, found nothing")),
            (Call::MemberInfo, r#"{"phone_no":"0901234567","card_no":""}"#, Some("card_no: expected a text")),
            (Call::OrderStatus, r#"{"invoice_no":"TP1"}"#, None),
            (Call::OrderStatus, r#"{"invoice_no":"TP1","phone_no":"0"}"#, Some("body: expected only invoice_no")),
            (Call::OrderStatus, r#"["TP1"]"#, Some("body: expected an object, found an array")),
            (Call::OrderStatus, "{", Some("body: expected json")),
        ] {
            let message = Asked::read(call, body.as_bytes()).err();
            let matches = match (&message, expected) {
                (None, None) => true,
                (Some(message), Some(expected)) => message.starts_with(expected),
                (None, Some(_)) | (Some(_), None) => false,
            };
            assert!(matches, "{body}: {message:?}");
        }
    }
}
