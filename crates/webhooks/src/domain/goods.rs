//! What others are told of products, stock and payments, whose events the databases write themselves.

use super::public::opened;
use contracts::{
    catalog::{ProductChange, ProductEdited, StockAdjusted, StockRanLow},
    event::{Envelope, Event},
    payments::{PaymentEnd, PaymentEnded, RefundBooked, ReviewKept},
    values::{Money, OrderId, PaymentId, ProductId, RefundId, VariantId},
    webhooks::EventType,
};
use serde_json::{Error, Value, json};

/// The type and the data of such an event, if it is one.
///
/// # Errors
/// When its payload is not what its name says.
pub(super) fn told(envelope: &Envelope) -> Result<Option<(EventType, Value)>, Error> {
    Ok(match envelope.name.as_str() {
        ProductEdited::NAME => Some(edited(&opened(envelope)?)),
        StockAdjusted::NAME => {
            let event: StockAdjusted = opened(envelope)?;
            let data = json!({
                "id": VariantId::from_bytes(event.variant.0), "product_id": ProductId::from_bytes(event.product.0),
                "delta": event.delta,
            });
            Some((EventType::StockChanged, data))
        }
        StockRanLow::NAME => {
            let event: StockRanLow = opened(envelope)?;
            let data = json!({
                "id": VariantId::from_bytes(event.variant.0), "product_id": ProductId::from_bytes(event.product.0),
                "available": event.available,
            });
            Some((EventType::StockLow, data))
        }
        PaymentEnded::NAME => Some(ended(&opened(envelope)?)),
        RefundBooked::NAME => {
            let event: RefundBooked = opened(envelope)?;
            let data = json!({
                "id": PaymentId::from_bytes(event.payment.0), "order_id": OrderId::from_bytes(event.order.0),
                "refund_id": RefundId::from_bytes(event.refund.0),
                "amount": Money::new(event.amount_minor, event.currency),
            });
            Some((EventType::PaymentRefunded, data))
        }
        ReviewKept::NAME => {
            let event: ReviewKept = opened(envelope)?;
            // A charge of no payment of ours has no id here, and what the provider calls it is between the two.
            let id: Option<PaymentId> = event.subject.parse().ok();
            Some((
                EventType::PaymentNeedsReview,
                json!({ "id": id, "kind": event.kind }),
            ))
        }
        _ => None,
    })
}

fn edited(event: &ProductEdited) -> (EventType, Value) {
    let kind = match event.change {
        ProductChange::Created => EventType::ProductCreated,
        ProductChange::Changed => EventType::ProductChanged,
        ProductChange::Archived => EventType::ProductArchived,
    };
    let data = json!({
        "id": ProductId::from_bytes(event.product.0), "version": event.version, "status": event.status,
    });
    (kind, data)
}

fn ended(event: &PaymentEnded) -> (EventType, Value) {
    let kind = match event.status {
        PaymentEnd::Captured => EventType::PaymentCaptured,
        PaymentEnd::Declined | PaymentEnd::Voided => EventType::PaymentFailed,
    };
    let data = json!({
        "id": PaymentId::from_bytes(event.payment.0), "order_id": OrderId::from_bytes(event.order.0),
        "status": event.status, "amount": Money::new(event.amount_minor, event.currency),
    });
    (kind, data)
}

#[cfg(test)]
mod tests {
    use super::*;
    use contracts::values::{EventId, RawId, Timestamp};

    #[test]
    fn what_a_database_wrote_is_told_under_the_names_of_the_api() {
        let payment = PaymentId::generate();
        let digits = String::from(RawId(*payment.as_bytes())).to_uppercase();
        let envelope = Envelope {
            id: EventId::generate(),
            name: PaymentEnded::NAME.to_owned(),
            subject: digits.clone(),
            at: Timestamp::from_ms(7),
            payload: json!({
                "payment": digits, "order": digits, "status": "declined", "amount_minor": 1_250, "currency": "USD",
            }),
            trace: None,
        };
        let (kind, data) = told(&envelope).unwrap().unwrap();
        assert_eq!(kind, EventType::PaymentFailed);
        assert_eq!(
            (&data["id"], &data["status"]),
            (&json!(payment), &json!("declined"))
        );
    }

    #[test]
    fn what_the_provider_calls_a_charge_is_told_to_nobody() {
        let kept = |subject: &str| {
            let review = ReviewKept {
                kind: "stray_charge".to_owned(),
                subject: subject.to_owned(),
            };
            let envelope = review
                .envelope(EventId::generate(), Timestamp::from_ms(7))
                .unwrap();
            told(&envelope).unwrap().unwrap().1
        };
        assert_eq!(
            kept("ch_3abc"),
            json!({ "id": null, "kind": "stray_charge" })
        );
        let payment = PaymentId::generate();
        assert_eq!(kept(&payment.to_string())["id"], json!(payment));
    }
}
