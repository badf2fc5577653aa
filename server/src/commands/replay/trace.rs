//! A trace as it stands in its files: products, orders, returns. Orders name their products by place in the catalog, so
//! that a million lines are a few megabytes.

use crate::commands::lines;
use contracts::BoxError;
use serde::Deserialize;
use std::{collections::HashMap, path::Path};

/// A product of the trace.
#[derive(Debug, Clone, Deserialize)]
pub(super) struct CatalogLine {
    pub(super) sku: String,
    pub(super) name: String,
    pub(super) price_minor: i64,
    pub(super) currency: Option<String>,
}

/// An order of the trace.
#[derive(Debug, Clone)]
pub(super) struct TraceOrder {
    pub(super) order_ref: String,
    pub(super) at: String,
    pub(super) customer_ref: Option<String>,
    pub(super) currency: String,
    pub(super) lines: Vec<OrderLine>,
}

/// A line of such an order.
#[derive(Debug, Clone, Copy)]
pub(super) struct OrderLine {
    /// Its place in the catalog.
    pub(super) product: usize,
    pub(super) quantity: u32,
    pub(super) unit_price_minor: i64,
}

/// What came back of one order at one time.
#[derive(Debug, Clone)]
pub(super) struct Return {
    pub(super) cancel_ref: String,
    pub(super) at: String,
    /// The order's place among the orders.
    pub(super) order: usize,
    pub(super) lines: Vec<OrderLine>,
}

/// Returns that no refund can be made of.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Unmatched {
    pub(super) lines: i64,
    pub(super) units: i64,
    pub(super) at_line_prices: i64,
}

/// The whole trace.
#[derive(Debug, Default)]
pub(super) struct Trace {
    pub(super) catalog: Vec<CatalogLine>,
    pub(super) orders: Vec<TraceOrder>,
    pub(super) returns: Vec<Return>,
    /// How many documents the returns stood in.
    pub(super) documents: i64,
    /// Lines that name no order.
    pub(super) of_no_order: Unmatched,
    /// Lines of orders that are not in this trace.
    pub(super) of_other_orders: Unmatched,
}

#[derive(Deserialize)]
struct OrderRow {
    order_ref: String,
    /// A trace that tells no times is in the order of time.
    #[serde(default)]
    at: String,
    customer_ref: Option<String>,
    currency: String,
    lines: Vec<LineRow>,
}

#[derive(Deserialize)]
struct ReturnRow {
    cancel_ref: String,
    #[serde(default)]
    at: String,
    lines: Vec<LineRow>,
}

#[derive(Deserialize)]
struct LineRow {
    sku: String,
    qty: u32,
    unit_price_minor: i64,
    /// Of returns: the order that was taken back.
    cancels: Option<String>,
}

impl Trace {
    pub(super) fn read(
        orders: &Path,
        catalog: &Path,
        returns: Option<&Path>,
    ) -> Result<Self, BoxError> {
        let mut trace = Self {
            catalog: lines::read_all(catalog)?,
            ..Self::default()
        };
        let products: HashMap<String, usize> = trace
            .catalog
            .iter()
            .enumerate()
            .map(|(place, product)| (product.sku.clone(), place))
            .collect();
        lines::for_each(orders, |row: OrderRow| {
            let lines = row
                .lines
                .iter()
                .map(|line| line.placed(&products))
                .collect::<Result<_, _>>()?;
            trace.orders.push(TraceOrder {
                order_ref: row.order_ref,
                at: row.at,
                customer_ref: row.customer_ref,
                currency: row.currency,
                lines,
            });
            Ok(())
        })?;
        if let Some(returns) = returns {
            let places: HashMap<String, usize> = trace
                .orders
                .iter()
                .enumerate()
                .map(|(place, order)| (order.order_ref.clone(), place))
                .collect();
            lines::for_each(returns, |row| trace.take_back(row, &products, &places))?;
        }
        Ok(trace)
    }

    /// One document may take back parts of several orders: each becomes a refund of its own.
    fn take_back(
        &mut self,
        row: ReturnRow,
        products: &HashMap<String, usize>,
        orders: &HashMap<String, usize>,
    ) -> Result<(), BoxError> {
        self.documents = self.documents.saturating_add(1);
        let first = self.returns.len();
        for line in &row.lines {
            let order = line.cancels.as_ref().map(|order_ref| orders.get(order_ref));
            let order = match order {
                Some(Some(order)) => *order,
                Some(None) => {
                    self.of_other_orders.count(line);
                    continue;
                }
                None => {
                    self.of_no_order.count(line);
                    continue;
                }
            };
            let line = line.placed(products)?;
            let own = self
                .returns
                .iter_mut()
                .skip(first)
                .find(|one| one.order == order);
            match own {
                Some(one) => one.lines.push(line),
                None => self.returns.push(Return {
                    cancel_ref: row.cancel_ref.clone(),
                    at: row.at.clone(),
                    order,
                    lines: vec![line],
                }),
            }
        }
        Ok(())
    }

    /// What each customer does, in the trace's order; what is bought comes before what is brought back in the same
    /// minute. Guests' orders stand alone. Those with most to do come first, so that nobody is left alone at the end.
    pub(super) fn journeys(&self) -> Vec<Vec<Step>> {
        let who = |order: &TraceOrder| {
            order
                .customer_ref
                .clone()
                .unwrap_or_else(|| order.order_ref.clone())
        };
        let mut journeys: HashMap<String, Vec<(&str, Step)>> = HashMap::new();
        for (place, order) in self.orders.iter().enumerate() {
            let own = journeys.entry(who(order)).or_default();
            own.push((&order.at, Step::Place(place)));
        }
        for (place, one) in self.returns.iter().enumerate() {
            if let Some(order) = self.orders.get(one.order) {
                let own = journeys.entry(who(order)).or_default();
                // A return never comes before its order, whatever the clocks said.
                own.push((one.at.as_str().max(&order.at), Step::GiveBack(place)));
            }
        }
        let mut journeys: Vec<Vec<(&str, Step)>> = journeys.into_values().collect();
        for steps in &mut journeys {
            steps.sort_unstable();
        }
        journeys.sort_unstable_by(|one, other| (other.len(), one).cmp(&(one.len(), other)));
        let steps =
            |journey: Vec<(&str, Step)>| journey.into_iter().map(|(_, step)| step).collect();
        journeys.into_iter().map(steps).collect()
    }

    /// Units of each product that are sold, and that come back.
    pub(super) fn units(&self) -> (Vec<i64>, Vec<i64>) {
        let sum = |lines: &mut dyn Iterator<Item = &OrderLine>| {
            let mut units = vec![0_i64; self.catalog.len()];
            for line in lines {
                if let Some(sum) = units.get_mut(line.product) {
                    *sum = sum.saturating_add(i64::from(line.quantity));
                }
            }
            units
        };
        (
            sum(&mut self.orders.iter().flat_map(|order| &order.lines)),
            sum(&mut self.returns.iter().flat_map(|one| &one.lines)),
        )
    }

    /// What lines cost at the catalog's prices.
    pub(super) fn at_catalog_prices(&self, lines: &[OrderLine]) -> i64 {
        lines.iter().fold(0, |sum, line| {
            let price = self
                .catalog
                .get(line.product)
                .map_or(0, |product| product.price_minor);
            sum.saturating_add(i64::from(line.quantity).saturating_mul(price))
        })
    }
}

/// Something that a customer does. (Compared as they stand: orders before returns.)
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Step {
    /// Orders: the order's place.
    Place(usize),
    /// Brings back: the return's place.
    GiveBack(usize),
}

impl LineRow {
    fn placed(&self, products: &HashMap<String, usize>) -> Result<OrderLine, BoxError> {
        let product = products
            .get(&self.sku)
            .ok_or_else(|| format!("{} is in no catalog", self.sku))?;
        Ok(OrderLine {
            product: *product,
            quantity: self.qty,
            unit_price_minor: self.unit_price_minor,
        })
    }
}

impl Unmatched {
    fn count(&mut self, line: &LineRow) {
        let units = i64::from(line.qty);
        self.lines = self.lines.saturating_add(1);
        self.units = self.units.saturating_add(units);
        self.at_line_prices = self
            .at_line_prices
            .saturating_add(units.saturating_mul(line.unit_price_minor));
    }
}

/// Units of lines.
pub(super) fn units(lines: &[OrderLine]) -> i64 {
    lines
        .iter()
        .fold(0, |sum, line| sum.saturating_add(i64::from(line.quantity)))
}

/// What lines cost at their own prices, in minor units.
pub(super) fn at_line_prices(lines: &[OrderLine]) -> i64 {
    lines.iter().fold(0, |sum, line| {
        sum.saturating_add(i64::from(line.quantity).saturating_mul(line.unit_price_minor))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn order(order_ref: &str, at: &str, customer: Option<&str>) -> TraceOrder {
        TraceOrder {
            order_ref: order_ref.to_owned(),
            at: at.to_owned(),
            customer_ref: customer.map(str::to_owned),
            currency: "GBP".to_owned(),
            lines: Vec::new(),
        }
    }

    #[test]
    fn a_customer_orders_and_brings_back_in_the_order_of_time_and_never_before_ordering() {
        let back = |at: &str, order| Return {
            cancel_ref: "C".to_owned(),
            at: at.to_owned(),
            order,
            lines: Vec::new(),
        };
        let trace = Trace {
            orders: vec![
                order("a", "2010-01-01", Some("ann")),
                order("b", "2010-01-02", None),
                order("c", "2010-01-03", Some("ann")),
            ],
            returns: vec![
                back("2010-01-02", 0),
                back("2010-01-03", 2),
                back("2010-01-01", 1),
            ],
            ..Trace::default()
        };
        use Step::{GiveBack, Place};
        let ann = vec![Place(0), GiveBack(0), Place(2), GiveBack(1)];
        assert_eq!(trace.journeys(), vec![ann, vec![Place(1), GiveBack(2)]]);
    }

    #[test]
    fn a_document_is_a_refund_for_each_order_and_what_names_none_is_counted() {
        let mut trace = Trace::default();
        let products = HashMap::from([("tea".to_owned(), 0)]);
        let orders = HashMap::from([("a".to_owned(), 0), ("b".to_owned(), 1)]);
        let line = |cancels: Option<&str>| LineRow {
            sku: "tea".to_owned(),
            qty: 2,
            unit_price_minor: 5,
            cancels: cancels.map(str::to_owned),
        };
        let row = ReturnRow {
            cancel_ref: "C1".to_owned(),
            at: String::new(),
            lines: vec![
                line(Some("a")),
                line(None),
                line(Some("b")),
                line(Some("a")),
                line(Some("?")),
            ],
        };
        trace.take_back(row, &products, &orders).unwrap();
        let lines: Vec<(usize, usize)> = trace
            .returns
            .iter()
            .map(|one| (one.order, one.lines.len()))
            .collect();
        assert_eq!(lines, [(0, 2), (1, 1)]);
        let unmatched = (
            trace.of_no_order.units,
            trace.of_other_orders.lines,
            trace.of_no_order.at_line_prices,
        );
        assert_eq!(unmatched, (2, 1, 10));
    }
}
