//! The forms of an order's page: each there only while it can do something. What may be done is decided by the order's
//! own service; a form that comes too late is refused there.

use super::parts::{Field, Form};
use crate::{view, words::say};
use contracts::{
    orders::{OrderStatus, OrderView},
    payments::{PaymentStatus, PaymentView},
};

/// How an order stands.
pub(super) struct State<'o> {
    pub(super) order: &'o OrderView,
    /// Units of each line that were not sent.
    pub(super) left: Vec<u32>,
    /// Whether there is money that could go back.
    pub(super) is_paid: bool,
}

/// Whether something of a payment can be given back.
pub(super) fn has_money(payment: &PaymentView) -> bool {
    payment.status == PaymentStatus::Captured && payment.refunded.minor < payment.amount.minor
}

/// All that can be done with it now.
pub(super) fn all(stands: &State<'_>) -> Vec<Form> {
    let order = stands.order;
    let at = |verb: &str| format!("/admin/orders/{}/{verb}", order.id);
    let mut forms = Vec::new();
    let is_whole = order
        .items
        .iter()
        .zip(&stands.left)
        .all(|(line, left)| line.quantity.get() == *left);
    if order.status == OrderStatus::Paid {
        forms.push(ship(stands, at("ship")));
    }
    if order.status == OrderStatus::Shipped {
        forms.push(
            Form::new("deliver", at("deliver"), "Mark as delivered").headed("It has arrived"),
        );
    }
    if stands.is_paid && order.status != OrderStatus::Cancelled {
        forms.push(refund(stands, at("refund")));
    }
    if matches!(order.status, OrderStatus::Pending | OrderStatus::Paid) && is_whole {
        forms.push(
            Form::new("cancel", at("cancel"), "Cancel the order")
                .headed("Cancel it")
                .confirmed("Cancel it for good; stock and money go back"),
        );
    }
    forms.push(
        Form::new("note", at("note"), "Keep the note")
            .headed("Write a note")
            .folded()
            .quiet()
            .with([
                Field::new("area", "text", "Note", "").required(),
                Field::check("for_customer", "The buyer may read it", false),
            ]),
    );
    forms
}

fn ship(stands: &State<'_>, action: String) -> Form {
    let lines = (1_u32..).zip(stands.order.items.iter().zip(&stands.left));
    let open = lines.filter(|(_, (_, left))| **left > 0);
    let units = open.map(|(place, (line, left))| {
        let label = say!("Units of {}", line.name);
        Field::new("number", &format!("line.{place}"), &label, left.to_string())
            .hint(&say!("Not sent yet: {}", left))
    });
    Form::new("ship", action, "Send this parcel")
        .headed("Send a parcel")
        .with(units)
        .with([
            Field::new("text", "carrier", "Carrier", ""),
            Field::new("text", "tracking", "Tracking number", ""),
            Field::new("url", "tracking_url", "Where its way is shown", "")
                .hint("An https address, if there is one"),
        ])
}

fn refund(stands: &State<'_>, action: String) -> Form {
    let total = view::money(stands.order.total);
    let shelf = stands.order.items.iter().map(|line| {
        let label = say!("Back onto the shelf: {}", line.name);
        Field::new("number", &format!("shelf.{}", line.variant_id), &label, "")
            .hint(&say!("Of {} that were sold", line.quantity.get()))
    });
    Form::new("refund", action, "Give the money back")
        .headed("Give money back")
        .with([Field::new("text", "amount", "Amount", "").hint(&say!(
            "Of {}. Without one: what the units below cost, or all that is left",
            total
        ))])
        .with(shelf)
        .with([Field::new("text", "reason", "Why", "")])
        .confirmed("Give it back for good")
}
