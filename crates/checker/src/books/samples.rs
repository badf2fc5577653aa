//! Rows that fit together, for tests to break.

use contracts::{
    catalog::{BackAudit, ReservationAudit, ReservationState},
    orders::{OrderAudit, OrderStatus},
    payments::{PaymentAudit, PaymentStatus, RefundPart, RefundSums},
    values::{Money, OrderId, PaymentId, RefundId, Timestamp},
};

pub(super) fn money(minor: i64) -> Money {
    Money::new(minor, "USD".parse().unwrap())
}

/// Two units for 500, paid.
pub(super) fn paid_order() -> (OrderAudit, ReservationAudit, PaymentAudit) {
    let (id, payment_id) = (OrderId::generate(), PaymentId::generate());
    let order = OrderAudit {
        id,
        number: 10_001,
        status: OrderStatus::Paid,
        total: money(500),
        lines_total_minor: 500,
        parts_total_minor: 0,
        lines: 1,
        units: 2,
        payment_id: Some(payment_id),
        timeline_is_legal: true,
        taxes_add_up: true,
        versions_count_moves: true,
        contents: 7,
        returns: Vec::new(),
        returns_were_sent: true,
        updated_at: Timestamp::from_ms(0),
    };
    let held = ReservationAudit {
        order_id: id,
        state: ReservationState::Committed,
        units: 2,
        returned: 0,
        value_minor: 500,
        currency: Some(money(500).currency),
        hold_until: Timestamp::from_ms(900_000),
        contents: 7,
        prices_known: true,
        ended_once: true,
        back: Some(Vec::new()),
    };
    let payment = PaymentAudit {
        id: payment_id,
        order_id: id,
        status: PaymentStatus::Captured,
        amount: money(500),
        refunded_minor: 0,
        refunding_minor: 0,
        provider_net_minor: Some(500),
        refunds: RefundSums::default(),
        each: Some(Vec::new()),
        parked: false,
        updated_at: Timestamp::from_ms(0),
    };
    (order, held, payment)
}

/// The same, and one of the units came back with its money.
pub(super) fn order_given_back_in_part() -> (OrderAudit, ReservationAudit, PaymentAudit) {
    let (order, held, payment) = paid_order();
    let sums = RefundSums {
        count: 1,
        open: 0,
        wanted_minor: 250,
        given_minor: 250,
        units: 1,
        restocked: 1,
    };
    let part = RefundPart {
        id: RefundId::generate(),
        amount_minor: 250,
        units: 1,
        contents: 3,
        restocked: true,
        told: true,
    };
    let payment = PaymentAudit {
        each: Some(vec![part]),
        refunding_minor: 250,
        refunded_minor: 250,
        provider_net_minor: Some(250),
        refunds: sums,
        ..payment
    };
    (
        order,
        ReservationAudit {
            returned: 1,
            back: Some(vec![BackAudit {
                refund_id: part.id,
                units: part.units,
                contents: part.contents,
            }]),
            ..held
        },
        payment,
    )
}
