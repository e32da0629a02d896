//! Writes the gateway's book as JSON, and reads it back, so that a simulator that is started again knows whom it paid.

use super::book::{Book, Delivery, DeliveryFate, Order, OrderStatus, Violation};
use serde_json::{Value, json};
use std::time::{Duration, SystemTime};

impl Book {
    /// The book as JSON.
    #[must_use]
    pub fn to_json(&self) -> Value {
        json!({
            "credits": self.credit_count(),
            "points": self.points(),
            "orders": self.orders().map(order_json).collect::<Vec<_>>(),
            "violations": self.violations().iter().map(violation_json).collect::<Vec<_>>(),
        })
    }

    /// Reads what [`Book::to_json`] wrote. What came when is a matter of the simulator that wrote it, so deliveries are not
    /// taken over, and neither is what it found fault with.
    #[must_use]
    pub fn from_json(json: &Value) -> Option<Self> {
        let mut book = Self::default();
        for order in json["orders"].as_array()? {
            book.take_over(order_of(order)?);
        }
        Some(book)
    }
}

fn order_of(json: &Value) -> Option<Order> {
    let text = |name: &str| json[name].as_str().map(str::to_owned);
    let letter = json["status"].as_str();
    let statuses = [OrderStatus::Absent, OrderStatus::Credited, OrderStatus::Errored];
    let status = statuses.into_iter().find(|status| status.letter() == letter)?;
    Some(Order {
        invoice_no: text("invoice_no")?,
        phone: text("phone"),
        id: text("id_type").zip(text("id")),
        person: text("person")?,
        points: json["points"].as_u64()?,
        status,
        credits: u32::try_from(json["credits"].as_u64()?).ok()?,
        credited_at: json["credited_at"]
            .as_f64()
            .and_then(|at| Duration::try_from_secs_f64(at).ok())
            .map(|at| SystemTime::UNIX_EPOCH + at),
        deliveries: Vec::new(),
        // Long ago: nothing of it is hidden any more.
        asks_since_credit: u32::MAX / 2,
    })
}

fn order_json(order: &Order) -> Value {
    let credited_at = order
        .credited_at
        .and_then(|at| at.duration_since(SystemTime::UNIX_EPOCH).ok())
        .map(|since_epoch| since_epoch.as_secs_f64());
    json!({
        "invoice_no": order.invoice_no,
        "phone": order.phone,
        "id_type": order.id.as_ref().map(|(id_type, _)| id_type),
        "id": order.id.as_ref().map(|(_, id)| id),
        "person": order.person,
        "points": order.points,
        "status": order.status.letter(),
        "credits": order.credits,
        "credited_at": credited_at,
        "deliveries": order.deliveries.iter().map(delivery_json).collect::<Vec<_>>(),
    })
}

fn delivery_json(delivery: &Delivery) -> Value {
    let (fate, code) = match delivery.fate {
        DeliveryFate::Unprocessed => ("unprocessed", None),
        DeliveryFate::Late => ("late", None),
        DeliveryFate::Credited => ("credited", None),
        DeliveryFate::Errored => ("errored", None),
        DeliveryFate::Repeated => ("repeated", None),
        DeliveryFate::Refused(code) => ("refused", Some(code)),
    };
    json!({ "at_s": delivery.at.as_secs_f64(), "nonce": delivery.nonce, "fate": fate, "code": code })
}

fn violation_json(violation: &Violation) -> Value {
    match violation {
        Violation::OtherPayout { invoice_no, first, then } => json!({
            "violation": "other_payout",
            "invoice_no": invoice_no,
            "first": { "person": first.0, "points": first.1 },
            "then": { "person": then.0, "points": then.1 },
        }),
    }
}
