//! What a run needs before it begins: somebody who orders, and products with enough in stock. All of it through
//! the API.

use crate::{
    args::BenchArgs,
    commands::api::{Api, Call, text},
    shop::Shop,
    wiring::Services,
};
use contracts::{BoxError, catalog::Catalog, values::Email};
use serde_json::{Value, json};

/// Products made in one request.
const PRODUCTS_AT_A_TIME: usize = 100;

/// Who orders, and what there is.
pub(super) struct Prepared {
    pub(super) token: String,
    pub(super) products: Vec<String>,
}

pub(super) async fn products(shop: &Shop, plan: &BenchArgs) -> Result<Prepared, BoxError> {
    // Enough for every mode that the run may have.
    let stock = u64::from(plan.orders).saturating_mul(3);
    goods(shop, plan.products, stock).await
}

/// So many products, each with so much in stock.
pub(super) async fn goods(shop: &Shop, count: u32, stock: u64) -> Result<Prepared, BoxError> {
    let api = Api::new(&shop.public_url)?;
    let password = platform::digest::base64url(&platform::digest::random::<18>()?);
    let email = "bench@souk.example";
    let identity = shop.services.near_identity()?;
    identity
        .create_admin(Email::parse(email)?, password.clone().into())
        .await?;
    let token = api.enter(email, &password).await?;
    let mut products = Vec::new();
    let numbers: Vec<u32> = (0..count.max(1)).collect();
    for batch in numbers.chunks(PRODUCTS_AT_A_TIME) {
        let wishes: Vec<Value> = batch
            .iter()
            .map(|number| json!({"name": format!("Thing {number}"), "price": "9.99", "stock": stock}))
            .collect();
        let body = json!({"products": wishes});
        let call = Call::post("/api/v1/products/batch", &body).by(&token);
        let answer = api.send(&call).await?.expect_status(200)?;
        let results = answer.get("results").and_then(Value::as_array);
        for result in results.into_iter().flatten() {
            products.push(text(result.get("product").unwrap_or(&Value::Null), "id")?);
        }
    }
    Ok(Prepared { token, products })
}

/// Units that are held, over all products.
pub(super) async fn reserved(services: &Services, prepared: &Prepared) -> Result<u64, BoxError> {
    let catalog: &dyn Catalog = &*services.catalog;
    let limit = u32::try_from(prepared.products.len())?.max(1);
    let stock = catalog.audit_stock(None, limit).await?;
    let held: i64 = stock.iter().map(|row| row.reserved).sum();
    Ok(u64::try_from(held)?)
}
