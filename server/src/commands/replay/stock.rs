//! The shelves of a replay: the trace's products, each with as many units as the trace will sell.

use super::{
    number,
    trace::{CatalogLine, TraceOrder},
};
use crate::commands::api::{Api, Call, text};
use contracts::BoxError;
use serde_json::{Value, json};
use std::collections::HashMap;

/// Products in one request.
const BATCH: usize = 100;

/// What is on sale, by SKU.
pub(super) struct Shelves {
    products: HashMap<String, OnSale>,
}

struct OnSale {
    product_id: String,
    variant_id: String,
    price_minor: i64,
}

impl Shelves {
    /// Makes every product that the orders name.
    pub(super) async fn fill(
        api: &Api,
        admin: &str,
        orders: &[TraceOrder],
        catalog: &[CatalogLine],
    ) -> Result<Self, BoxError> {
        let mut units: HashMap<&str, u32> = HashMap::new();
        for line in orders.iter().flat_map(|order| &order.lines) {
            let sum = units.entry(&line.sku).or_default();
            *sum = sum.saturating_add(line.qty);
        }
        let currency = orders
            .first()
            .map_or("GBP", |order| order.currency.as_str());
        let mut products = HashMap::with_capacity(catalog.len());
        for batch in catalog.chunks(BATCH) {
            let wishes: Vec<Value> = batch
                .iter()
                .map(|line| {
                    let currency = line.currency.as_deref().unwrap_or(currency);
                    let price = json!({"amount": line.price_minor, "currency": currency});
                    let stock = units.get(line.sku.as_str()).copied().unwrap_or(0);
                    json!({"name": line.name, "sku": line.sku, "price": price, "stock": stock})
                })
                .collect();
            let body = json!({"products": wishes});
            let answer = api
                .send(&Call::post("/api/v1/products/batch", &body).by(admin))
                .await?
                .expect_status(200)?;
            let results = answer
                .get("results")
                .and_then(Value::as_array)
                .ok_or("an answer lacks results")?;
            for (line, result) in batch.iter().zip(results) {
                products.insert(line.sku.clone(), on_sale(line, result)?);
            }
        }
        Ok(Self { products })
    }

    /// The items of an order as the API takes them, and what they cost at the catalog's prices.
    pub(super) fn items(&self, order: &TraceOrder) -> Result<(Vec<Value>, Value), BoxError> {
        let mut items = Vec::with_capacity(order.lines.len());
        let mut total = 0_i64;
        for line in &order.lines {
            let product = self
                .products
                .get(&line.sku)
                .ok_or_else(|| format!("{} is in no catalog", line.sku))?;
            total = total.saturating_add(product.price_minor.saturating_mul(i64::from(line.qty)));
            items.push(json!({"product_id": product.product_id, "quantity": line.qty}));
        }
        Ok((items, json!({"amount": total, "currency": order.currency})))
    }

    /// Units still on hand of all products of the trace.
    pub(super) async fn count_left(&self, api: &Api, admin: &str) -> Result<i64, BoxError> {
        let mut left = 0_i64;
        for product in self.products.values() {
            let path = format!("/api/v1/inventory/{}", product.variant_id);
            let answer = api
                .send(&Call::get(&path).by(admin))
                .await?
                .expect_status(200)?;
            left = left.saturating_add(number(&answer, "/on_hand")?);
        }
        Ok(left)
    }
}

fn on_sale(line: &CatalogLine, result: &Value) -> Result<OnSale, BoxError> {
    let product = result
        .get("product")
        .filter(|product| !product.is_null())
        .ok_or_else(|| {
            let detail = result
                .pointer("/problem/detail")
                .and_then(Value::as_str)
                .unwrap_or("no reason was given");
            format!("product {} was refused: {detail}", line.sku)
        })?;
    let variant = product
        .pointer("/variants/0")
        .ok_or("an answer lacks variants")?;
    Ok(OnSale {
        product_id: text(product, "id")?,
        variant_id: text(variant, "id")?,
        price_minor: line.price_minor,
    })
}
