//! Orders as they are shown, made of what their rows hold, whatever database that is. No statement is here.

use crate::domain::order::{NewOrder, Order};
use contracts::{
    catalog::PricedLine,
    orders::{OrderError, OrderLineView, OrderStatus, OrderView},
    values::{Cursor, Money, Quantity, Version},
};
use platform::digest;

/// Orders are numbered from here on.
pub(super) const FIRST_NUMBER: i64 = 10_001;

/// An order as it stands.
pub(super) fn of(order: Order, items: Vec<OrderLineView>) -> OrderView {
    OrderView {
        id: order.id,
        number: order.number,
        version: order.version,
        status: order.status,
        customer_id: order.customer_id,
        items,
        total: order.total,
        payment_due_at: order.payment_due_at,
        tracking: order.tracking,
        created_at: order.created_at,
        updated_at: order.updated_at,
        order_token: None,
    }
}

/// An order as its first answer shows it.
pub(super) fn first(number: i64, order: NewOrder) -> OrderView {
    OrderView {
        id: order.id,
        number,
        version: Version::FIRST,
        status: OrderStatus::Pending,
        customer_id: order.customer_id,
        items: order.lines.into_iter().map(line).collect(),
        total: order.total,
        payment_due_at: order.payment_due_at,
        tracking: None,
        created_at: order.created_at,
        updated_at: order.created_at,
        order_token: None,
    }
}

/// A line as it is shown; the store's CHECKs and the catalog's bounds keep the product within range.
fn line(line: PricedLine) -> OrderLineView {
    OrderLineView {
        product_id: line.product_id,
        variant_id: line.variant_id,
        sku: line.sku,
        name: line.name,
        quantity: line.quantity,
        unit_price: line.unit_price,
        line_total: line_total(line.unit_price, line.quantity),
    }
}

pub(super) fn line_total(unit_price: Money, quantity: Quantity) -> Money {
    let most = Money::new(i64::MAX, unit_price.currency);
    unit_price.times(quantity).unwrap_or(most)
}

/// The order number before which a page begins.
pub(super) fn position(cursor: Option<&Cursor>) -> Result<i64, OrderError> {
    let Some(cursor) = cursor else {
        return Ok(i64::MAX);
    };
    let number = digest::from_base64url(cursor.as_str())
        .and_then(|bytes| String::from_utf8(bytes).ok())
        .and_then(|text| text.parse().ok())
        .filter(|number| *number > 0);
    number.ok_or(OrderError::Invalid {
        field: "cursor".into(),
        reason: "is no cursor of this list".to_owned(),
    })
}

/// Cuts a page that was read one order too long; where the next one begins, if there is one.
pub(super) fn cut(orders: &mut Vec<Order>, limit: u32) -> Option<Cursor> {
    let limit = usize::try_from(limit).unwrap_or(usize::MAX);
    let more = orders.len() > limit;
    orders.truncate(limit);
    let last = orders.last().filter(|_| more)?;
    Cursor::parse(&digest::base64url(last.number.to_string().as_bytes())).ok()
}
