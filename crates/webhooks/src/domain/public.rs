//! What others are told of an event between services: a type that stays, and data with the API's own names. An event
//! that is not in this list is told to nobody.

use super::goods;
use contracts::{
    event::{Envelope, Event},
    identity::UserDeleted,
    orders::{OrderCancelled, OrderMoved, OrderPlaced, OrderStatus},
    trace::TraceParent,
    values::{EventId, Timestamp},
    webhooks::EventType,
};
use serde_json::{Error, Value, json};

/// An event as it is told.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Told {
    pub(crate) id: EventId,
    pub(crate) kind: EventType,
    pub(crate) at: Timestamp,
    pub(crate) data: Value,
    /// Which trace it came about in, if that is told of.
    pub(crate) trace: Option<TraceParent>,
}

/// The event as others may know it, if they may.
///
/// # Errors
/// When its payload is not what its name says.
pub(crate) fn told(envelope: &Envelope) -> Result<Option<Told>, Error> {
    let found = match envelope.name.as_str() {
        OrderPlaced::NAME => {
            let event: OrderPlaced = opened(envelope)?;
            let data = json!({
                "id": event.order_id, "number": event.number, "status": OrderStatus::Pending, "version": 1,
                "total": event.total,
            });
            Some((EventType::OrderPlaced, data))
        }
        OrderMoved::NAME => {
            let event: OrderMoved = opened(envelope)?;
            let data = json!({
                "id": event.order_id, "status": event.status, "version": event.version,
            });
            moved(event.status).map(|kind| (kind, data))
        }
        OrderCancelled::NAME => {
            let event: OrderCancelled = opened(envelope)?;
            let data = json!({ "id": event.order_id, "status": OrderStatus::Cancelled });
            Some((EventType::OrderCancelled, data))
        }
        UserDeleted::NAME => {
            let event: UserDeleted = opened(envelope)?;
            Some((EventType::UserDeleted, json!({ "id": event.user_id })))
        }
        _ => goods::told(envelope)?,
    };
    Ok(found.map(|(kind, data)| Told {
        id: envelope.id,
        kind,
        at: envelope.at,
        data,
        trace: envelope.trace,
    }))
}

const fn moved(status: OrderStatus) -> Option<EventType> {
    match status {
        OrderStatus::Paid => Some(EventType::OrderPaid),
        OrderStatus::Shipped => Some(EventType::OrderShipped),
        OrderStatus::Delivered => Some(EventType::OrderDelivered),
        OrderStatus::Refunded => Some(EventType::OrderRefunded),
        // Told by events of their own.
        OrderStatus::Pending | OrderStatus::Cancelled => None,
    }
}

pub(super) fn opened<E: Event>(envelope: &Envelope) -> Result<E, Error> {
    serde_json::from_value(envelope.payload.clone())
}

#[cfg(test)]
mod tests {
    use super::*;
    use contracts::values::{OrderId, PaymentId, Version};

    fn of<E: Event>(event: &E) -> Option<Told> {
        let envelope = event.envelope(EventId::generate(), Timestamp::from_ms(7));
        told(&envelope.unwrap()).unwrap()
    }

    #[test]
    fn an_order_is_told_of_by_its_public_fields_alone() {
        let order_id = OrderId::generate();
        let cancelled = of(&OrderCancelled {
            order_id,
            payment_id: Some(PaymentId::generate()),
        });
        let cancelled = cancelled.unwrap();
        assert_eq!(cancelled.kind, EventType::OrderCancelled);
        assert_eq!(
            cancelled.data,
            json!({ "id": order_id, "status": "cancelled" })
        );
        let shipped = of(&OrderMoved {
            order_id,
            status: OrderStatus::Shipped,
            version: Version::try_from(3).unwrap(),
        });
        let shipped = shipped.unwrap();
        assert_eq!(shipped.kind.as_str(), "order.shipped");
        assert_eq!(shipped.data["version"], 3);
    }

    #[test]
    fn what_is_not_in_the_list_is_told_to_nobody() {
        let envelope = Envelope {
            id: EventId::generate(),
            name: "catalog.products_changed.v1".to_owned(),
            subject: "x".to_owned(),
            at: Timestamp::from_ms(7),
            payload: json!({}),
            trace: None,
        };
        assert_eq!(told(&envelope).unwrap(), None);
    }
}
