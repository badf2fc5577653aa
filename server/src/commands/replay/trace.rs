//! The trace's lines, as they stand in the files.

use serde::Deserialize;
use std::collections::BTreeMap;

/// An order of the trace.
#[derive(Debug, Clone, Deserialize)]
pub(super) struct TraceOrder {
    pub(super) order_ref: String,
    pub(super) customer_ref: Option<String>,
    pub(super) currency: String,
    pub(super) lines: Vec<OrderLine>,
}

/// A line of such an order.
#[derive(Debug, Clone, Deserialize)]
pub(super) struct OrderLine {
    pub(super) sku: String,
    pub(super) qty: u32,
    pub(super) unit_price_minor: i64,
}

/// A product of the trace.
#[derive(Debug, Clone, Deserialize)]
pub(super) struct CatalogLine {
    pub(super) sku: String,
    pub(super) name: String,
    pub(super) price_minor: i64,
    pub(super) currency: Option<String>,
}

/// Each customer's orders in the trace's order; guests' orders stand alone, under their own reference.
pub(super) fn by_customer(orders: &[TraceOrder]) -> BTreeMap<&str, Vec<&TraceOrder>> {
    let mut grouped: BTreeMap<&str, Vec<&TraceOrder>> = BTreeMap::new();
    for order in orders {
        let who = order.customer_ref.as_deref().unwrap_or(&order.order_ref);
        grouped.entry(who).or_default().push(order);
    }
    grouped
}
