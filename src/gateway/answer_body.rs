//! Reads the JSON body of an answer: strict about `meta.code`, lenient about everything else.
//!
//! Architecture invariant: the wire's types, for answers here and for requests in `request_body`, are known nowhere
//! else. Of a member's data, birthday and gender have no field here, so they are never kept.

use super::request_body::Call;
use crate::domain::answer::AnswerData;
use serde::{Deserialize, Deserializer};
use serde_json::Value;

/// What a body says.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Said {
    /// `meta.code`; `None` unless the whole body is one JSON object in which it is an integer.
    pub(super) code: Option<i64>,
    /// `meta.message`, as it came.
    pub(super) message: Option<String>,
    /// What the call uses of `data`.
    pub(super) data: AnswerData,
    /// `data` is there and holds something.
    pub(super) has_data: bool,
    /// Member info: the phone of whom it tells. It only ties the answer to its request, and goes no further.
    pub(super) member_phone: Option<String>,
}

#[derive(Deserialize)]
struct Envelope {
    meta: Meta,
}

#[derive(Deserialize)]
struct Meta {
    code: i64,
    #[serde(default, deserialize_with = "text_or_none")]
    message: Option<String>,
}

#[derive(Deserialize)]
struct DataEnvelope {
    data: Data,
}

#[derive(Deserialize)]
struct AnyData {
    #[serde(default)]
    data: Value,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Data {
    #[serde(deserialize_with = "text_or_none")]
    status: Option<String>,
    #[serde(deserialize_with = "text_or_none")]
    card_status: Option<String>,
    #[serde(deserialize_with = "text_or_none")]
    full_name: Option<String>,
    #[serde(rename = "type", deserialize_with = "text_or_none")]
    order_type: Option<String>,
    #[serde(deserialize_with = "text_or_none")]
    phone_no: Option<String>,
    #[serde(deserialize_with = "text_or_none")]
    phone_number: Option<String>,
    #[serde(deserialize_with = "whole_number_or_none")]
    point_amount: Option<i64>,
}

/// Reads a whole body. Never fails: a body without a code says nothing.
pub(super) fn read(call: Call, body: &[u8]) -> Said {
    // A name that occurs twice is an error to serde: an answer that says two things says nothing.
    let Ok(Envelope { meta }) = serde_json::from_slice(body) else { return Said::default() };
    // Read apart, so that a strange `data` takes nothing from a code that is clear.
    let mut data = serde_json::from_slice(body).map_or_else(|_| Data::default(), |DataEnvelope { data }| data);
    let member_phone = if call == Call::MemberInfo { data.phone_number.take() } else { None };
    Said {
        code: Some(meta.code),
        message: meta.message,
        data: kept(call, data),
        has_data: has_data(body),
        member_phone,
    }
}

/// Whether `data` holds anything: `null`, `{}` and the like are how some servers write that there is none.
fn has_data(body: &[u8]) -> bool {
    match serde_json::from_slice(body) {
        Ok(AnyData { data: Value::Null }) => false,
        Ok(AnyData { data: Value::Bool(_) | Value::Number(_) }) => true,
        Ok(AnyData { data: Value::String(text) }) => !text.is_empty(),
        Ok(AnyData { data: Value::Array(items) }) => !items.is_empty(),
        Ok(AnyData { data: Value::Object(fields) }) => !fields.is_empty(),
        // It stands there twice.
        Err(_) => true,
    }
}

/// What each call uses of `data`, and nothing more.
fn kept(call: Call, data: Data) -> AnswerData {
    match call {
        Call::MemberInfo => AnswerData {
            status: data.status,
            card_status: data.card_status,
            full_name: data.full_name,
            ..AnswerData::default()
        },
        Call::OrderStatus => AnswerData {
            status: data.status,
            order_type: data.order_type,
            phone: data.phone_no.or(data.phone_number),
            points: data.point_amount,
            ..AnswerData::default()
        },
        Call::SubmitTopUp => AnswerData::default(),
    }
}

fn text_or_none<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    Ok(match Value::deserialize(deserializer)? {
        Value::String(text) => Some(text),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_) => None,
    })
}

/// Points as a number or as digits in quotes: should they ever come, they are compared and so must be read.
fn whole_number_or_none<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<i64>, D::Error> {
    Ok(match Value::deserialize(deserializer)? {
        Value::Number(number) => number.as_i64(),
        Value::String(text) => text.trim().parse().ok(),
        Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => None,
    })
}
