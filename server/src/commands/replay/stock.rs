//! The shelves of a replay: the trace's products, each with as many units as the trace will sell.

use super::{account::Account, trace::Trace};
use crate::commands::api::{Api, Call, text};
use contracts::BoxError;
use serde::Deserialize;
use serde_json::{Value, json};
use std::{collections::HashMap, time::Duration};

/// Products in one request.
const BATCH: usize = 100;
/// Looks at the stock, a second apart, until it is as it must be: what was given back is put on the shelf a moment
/// after its money.
const LOOKS_MAX: usize = 30;

/// What is on sale, in the order of the trace's catalog.
pub(super) struct Shelves {
    products: Vec<OnSale>,
}

/// A product as orders and returns name it.
pub(super) struct OnSale {
    pub(super) product_id: String,
    pub(super) variant_id: String,
    sku: String,
}

/// Units that are on the shelves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Left {
    pub(super) units: i64,
    /// Products of which there are more or fewer units than must be.
    pub(super) differing: i64,
}

#[derive(Deserialize)]
struct InventoryPage {
    data: Vec<InventoryRow>,
    next_cursor: Option<String>,
}

#[derive(Deserialize)]
struct InventoryRow {
    sku: String,
    on_hand: i64,
}

impl Shelves {
    /// Makes every product of the trace.
    pub(super) async fn fill(api: &Api, admin: &Account, trace: &Trace) -> Result<Self, BoxError> {
        let (sold, _) = trace.units();
        let currency = trace
            .orders
            .first()
            .map_or("GBP", |order| order.currency.as_str());
        let lines: Vec<_> = trace.catalog.iter().zip(sold).collect();
        let mut products = Vec::with_capacity(lines.len());
        for batch in lines.chunks(BATCH) {
            let wishes: Vec<Value> = batch
                .iter()
                .map(|(line, stock)| {
                    let currency = line.currency.as_deref().unwrap_or(currency);
                    let price = json!({"amount": line.price_minor, "currency": currency});
                    json!({"name": line.name, "sku": line.sku, "price": price, "stock": stock})
                })
                .collect();
            let body = json!({"products": wishes});
            let call = Call::post("/api/v1/products/batch", &body);
            let answer = admin.send(api, call).await?.expect_status(200)?;
            let results = answer
                .get("results")
                .and_then(Value::as_array)
                .ok_or("an answer lacks results")?;
            for ((line, _), result) in batch.iter().zip(results) {
                products.push(on_sale(&line.sku, result)?);
            }
        }
        Ok(Self { products })
    }

    /// A product by its place in the catalog.
    pub(super) fn product(&self, place: usize) -> Result<&OnSale, BoxError> {
        let product = self.products.get(place);
        product.ok_or_else(|| "a product of the trace was not made".into())
    }

    /// Units that are on the shelves, once they are as they must be, or long enough after.
    pub(super) async fn count_left(
        &self,
        api: &Api,
        admin: &Account,
        trace: &Trace,
    ) -> Result<Left, BoxError> {
        let (_, expected) = trace.units();
        let mut left = self.look(api, admin, &expected).await?;
        for _ in 1..LOOKS_MAX {
            if left.differing == 0 {
                break;
            }
            tokio::time::sleep(Duration::from_secs(1)).await;
            left = self.look(api, admin, &expected).await?;
        }
        Ok(left)
    }

    async fn look(&self, api: &Api, admin: &Account, expected: &[i64]) -> Result<Left, BoxError> {
        let mut on_hand: HashMap<String, i64> = HashMap::new();
        let mut path = "/api/v1/inventory?limit=100".to_owned();
        loop {
            let answer = admin
                .send(api, Call::get(&path))
                .await?
                .expect_status(200)?;
            let page: InventoryPage = serde_json::from_value(answer)?;
            on_hand.extend(page.data.into_iter().map(|row| (row.sku, row.on_hand)));
            let Some(cursor) = page.next_cursor else {
                break;
            };
            path = format!("/api/v1/inventory?limit=100&cursor={cursor}");
        }
        let mut left = Left {
            units: 0,
            differing: 0,
        };
        for (product, expected) in self.products.iter().zip(expected) {
            let units = on_hand.get(&product.sku).copied();
            left.units = left.units.saturating_add(units.unwrap_or(0));
            let differs = i64::from(units != Some(*expected));
            left.differing = left.differing.saturating_add(differs);
        }
        Ok(left)
    }
}

fn on_sale(sku: &str, result: &Value) -> Result<OnSale, BoxError> {
    let product = result
        .get("product")
        .filter(|product| !product.is_null())
        .ok_or_else(|| {
            let detail = result
                .pointer("/problem/detail")
                .and_then(Value::as_str)
                .unwrap_or("no reason was given");
            format!("product {sku} was refused: {detail}")
        })?;
    let variant = product
        .pointer("/variants/0")
        .ok_or("an answer lacks variants")?;
    Ok(OnSale {
        product_id: text(product, "id")?,
        variant_id: text(variant, "id")?,
        sku: text(variant, "sku")?,
    })
}
