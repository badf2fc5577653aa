//! Orders as they are shown, made of what their rows hold, whatever database that is. No statement is here.

use crate::domain::order::{NewOrder, Order};
use contracts::{
    catalog::PricedLine,
    orders::{
        Address, DiscountCode, DiscountError, DiscountView, OrderError, OrderLineView,
        OrderPartView, OrderStatus, OrderView, PartTax,
    },
    values::{Currency, Cursor, Money, Quantity, ValueError, Version},
};
use platform::{db::StoreError, digest};

/// Orders are numbered from here on.
pub(super) const FIRST_NUMBER: i64 = 10_001;

/// What is kept beside an order's lines, as the statement that reads the order reads it.
#[derive(Debug, Default)]
pub(super) struct Kept {
    /// A list of kind, title and minor units; none where there is no list.
    pub(super) parts: Option<String>,
    pub(super) address: Option<String>,
}

/// The same, read.
#[derive(Debug, Default)]
pub(super) struct Beside {
    pub(super) parts: Vec<OrderPartView>,
    pub(super) address: Option<Address>,
}

impl Kept {
    pub(super) fn read(self, currency: Currency) -> Result<Beside, StoreError> {
        let address = self.address.as_deref().map(address).transpose()?;
        Ok(Beside {
            parts: parts(self.parts.as_deref(), currency)?,
            address,
        })
    }
}

/// An order as it stands.
pub(super) fn of(order: Order, items: Vec<OrderLineView>, beside: Beside) -> OrderView {
    OrderView {
        id: order.id,
        number: order.number,
        version: order.version,
        status: order.status,
        customer_id: order.customer_id,
        items: taxed(items, &beside.parts),
        parts: beside.parts,
        shipping_address: beside.address,
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
        items: taxed(order.lines.into_iter().map(line).collect(), &order.parts),
        parts: order.parts,
        shipping_address: order.address,
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
        tax: None,
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

/// An address as it is kept: one document.
pub(super) fn address(json: &str) -> Result<Address, StoreError> {
    serde_json::from_str(json).map_err(|error| StoreError::Other(Box::new(error)))
}

/// The document of an address, if there is one.
pub(super) fn document(address: Option<&Address>) -> Result<Option<String>, StoreError> {
    let json = address.map(serde_json::to_string).transpose();
    json.map_err(|error| StoreError::Other(Box::new(error)))
}

/// Kind, title, minor units, code, and the document of a tax.
type PartRow = (String, String, i64, Option<String>, Option<String>);

fn part_tax(json: &str) -> Result<Box<PartTax>, StoreError> {
    serde_json::from_str(json).map_err(|error| StoreError::Other(Box::new(error)))
}

/// The document of a part's tax, if it is one.
pub(super) fn tax_document(part: &OrderPartView) -> Result<Option<String>, StoreError> {
    let json = part.tax.as_ref().map(serde_json::to_string).transpose();
    json.map_err(|error| StoreError::Other(Box::new(error)))
}

/// The lines with their taxes.
pub(super) fn taxed(mut items: Vec<OrderLineView>, parts: &[OrderPartView]) -> Vec<OrderLineView> {
    let taxes = parts.iter().filter_map(|part| part.tax.as_ref());
    for tax in taxes.flat_map(|tax| &tax.lines) {
        let place = usize::try_from(tax.line)
            .unwrap_or(usize::MAX)
            .wrapping_sub(1);
        if let Some(item) = items.get_mut(place) {
            item.tax = Some(tax.amount);
        }
    }
    items
}

fn parts(json: Option<&str>, currency: Currency) -> Result<Vec<OrderPartView>, StoreError> {
    let rows: Vec<PartRow> = match json {
        Some(json) => {
            serde_json::from_str(json).map_err(|error| StoreError::Other(Box::new(error)))?
        }
        None => Vec::new(),
    };
    let broken = |error: ValueError| StoreError::Other(Box::new(error));
    let part = |(kind, title, minor, code, tax): PartRow| {
        let code = code.map(|code| DiscountCode::parse(&code)).transpose();
        Ok(OrderPartView {
            kind: kind.parse().map_err(broken)?,
            title,
            code: code.map_err(broken)?,
            amount: Money::new(minor, currency),
            tax: tax.as_deref().map(part_tax).transpose()?,
        })
    };
    rows.into_iter().map(part).collect()
}

/// The code after which a page of discounts begins.
pub(super) fn code_position(cursor: Option<&Cursor>) -> Result<String, DiscountError> {
    let Some(cursor) = cursor else {
        return Ok(String::new());
    };
    let code = digest::from_base64url(cursor.as_str())
        .and_then(|bytes| String::from_utf8(bytes).ok())
        .filter(|code| DiscountCode::parse(code).is_ok());
    code.ok_or_else(|| DiscountError::Invalid {
        field: "cursor".to_owned(),
        reason: "is no cursor of this list".to_owned(),
    })
}

/// Cuts a page that was read one discount too long; where the next one begins, if there is one.
pub(super) fn cut_discounts(data: &mut Vec<DiscountView>, limit: u32) -> Option<Cursor> {
    let limit = usize::try_from(limit).unwrap_or(usize::MAX);
    let more = data.len() > limit;
    data.truncate(limit);
    let last = data.last().filter(|_| more)?;
    Cursor::parse(&digest::base64url(last.code.as_str().as_bytes())).ok()
}

/// Cuts a page that was read one order too long; where the next one begins, if there is one.
pub(super) fn cut(orders: &mut Vec<Order>, limit: u32) -> Option<Cursor> {
    let limit = usize::try_from(limit).unwrap_or(usize::MAX);
    let more = orders.len() > limit;
    orders.truncate(limit);
    let last = orders.last().filter(|_| more)?;
    Cursor::parse(&digest::base64url(last.number.to_string().as_bytes())).ok()
}
