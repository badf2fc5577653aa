//! `souk products`.

use super::{
    super::api::Call,
    door::{Door, path},
    table::{Column, show_one},
};
use crate::daily_args::{ProductsArgs, ProductsCommand, TraitsArgs};
use contracts::BoxError;
use reqwest::Method;
use serde_json::{Map, Value, json};

const LIST: &[Column] = &[
    ("ID", "/id"),
    ("SKU", "/sku"),
    ("NAME", "/name"),
    ("PRICE", "/price"),
    ("TO SELL", "/stock/available"),
    ("STATUS", "/status"),
];
const ONE: &[Column] = &[
    ("id", "/id"),
    ("name", "/name"),
    ("slug", "/slug"),
    ("sku", "/sku"),
    ("price", "/price"),
    ("status", "/status"),
    ("category", "/category"),
    ("on hand", "/stock/on_hand"),
    ("promised", "/stock/reserved"),
    ("to sell", "/stock/available"),
    ("version", "/version"),
    ("changed", "/updated_at"),
    ("description", "/description"),
];

pub(crate) async fn run(args: ProductsArgs) -> Result<(), BoxError> {
    let door = Door::open(&args.door).await?;
    let product = match args.command {
        ProductsCommand::List {
            q,
            status,
            category,
            limit,
        } => {
            let query = [("q", q), ("status", status), ("category", category)];
            return door.list(&path(&["products"])?, &query, limit, LIST).await;
        }
        ProductsCommand::Show { product } => door.get(&path(&["products", &product])?).await?,
        ProductsCommand::Add {
            name,
            price,
            stock,
            traits,
        } => {
            let mut body = given(Some(name), Some(price), traits);
            body.extend(stock.map(|units| ("stock".to_owned(), json!(units))));
            door.post(&path(&["products"])?, &body.into()).await?
        }
        ProductsCommand::Change {
            product,
            name,
            price,
            traits,
        } => change(&door, &product, given(name, price, traits)).await?,
    };
    show_one(door.json, ONE, &product);
    Ok(())
}

/// Against the version that was read a moment ago: somebody else's change is not undone.
async fn change(
    door: &Door,
    product: &str,
    mut body: Map<String, Value>,
) -> Result<Value, BoxError> {
    if body.is_empty() {
        return Err("nothing was named that should change".into());
    }
    let path = path(&["products", product])?;
    let seen = door.get(&path).await?;
    body.extend(
        seen.get("version")
            .map(|version| ("version".to_owned(), version.clone())),
    );
    let body = Value::Object(body);
    let call = Call {
        method: Method::PATCH,
        ..Call::post(&path, &body)
    };
    door.send(call, &[200]).await
}

fn given(name: Option<String>, price: Option<String>, traits: TraitsArgs) -> Map<String, Value> {
    let all = [
        ("name", name),
        ("price", price),
        ("sku", traits.sku),
        ("category", traits.category),
        ("description", traits.description),
        ("status", traits.status),
    ];
    let said = all
        .into_iter()
        .filter_map(|(name, value)| Some((name.to_owned(), Value::String(value?))));
    said.collect()
}
