//! Words a failure: the message with what stands behind it, the hint, and the object that scripts read.

use super::hints::hint_text;
use super::plan_view::{refusal_json, refusal_text};
use super::purge_view::look_json;
use crate::app::{Details, Failure, LeftAlone, hide_phones};
use serde_json::{Value, json};

/// A failure as it stands on the screen.
pub(super) fn failure_text(failure: &Failure) -> String {
    let hint = failure.hint.as_ref().map(|hint| format!("\nhint: {}", hint_text(hint))).unwrap_or_default();
    format!("{}{hint}", message(failure))
}

/// A failure as scripts read it.
pub(super) fn failure_json(failure: &Failure) -> Value {
    let [message, hint] = [Some(message(failure)), failure.hint.as_ref().map(hint_text)]
        .map(|text| text.map(|text| hide_phones(&text).into_owned()));
    let mut error = json!({"code": failure.code, "message": message, "hint": hint});
    let details = match failure.details.as_deref() {
        Some(Details::Refusal(refusal)) => refusal_json(refusal),
        Some(Details::LeftAlone(left)) => json!({"left_alone": left_json(left)}),
        Some(Details::Purged(look)) => look_json(look, "purged"),
        None => Value::Null,
    };
    if let (Value::Object(error), Value::Object(details)) = (&mut error, details) {
        error.extend(details);
    }
    json!({"error": error})
}

/// The message, and the first of what it is about.
fn message(failure: &Failure) -> String {
    let more = match failure.details.as_deref() {
        Some(Details::Refusal(refusal)) => refusal_text(refusal),
        Some(Details::LeftAlone(left)) => left_json(left).iter().map(|left| format!("\n  {left}")).collect(),
        Some(Details::Purged(_)) | None => String::new(),
    };
    format!("{}{more}", failure.message)
}

/// Payouts that were left as they are, for scripts.
pub(super) fn left_json(left: &[LeftAlone]) -> Vec<Value> {
    let one = |left: &LeftAlone| json!({"row": left.row, "invoice_no": left.invoice_no.as_str(), "why": left.why});
    left.iter().map(one).collect()
}
