//! `souk stock`.

use super::{
    door::{Door, path},
    table::{Column, show_all},
};
use crate::daily_args::{StockArgs, StockCommand};
use contracts::BoxError;
use serde_json::{Value, json};

const LIST: &[Column] = &[
    ("SKU", "/sku"),
    ("ON HAND", "/on_hand"),
    ("PROMISED", "/reserved"),
    ("TO SELL", "/available"),
    ("VARIANT", "/variant_id"),
];
const MOVEMENTS: &[Column] = &[
    ("AT", "/at"),
    ("KIND", "/kind"),
    ("ON HAND", "/on_hand_delta"),
    ("PROMISED", "/reserved_delta"),
    ("WHY", "/reason"),
    ("WHO", "/actor"),
    ("ORDER", "/order_id"),
];

pub(crate) async fn run(args: StockArgs) -> Result<(), BoxError> {
    let door = Door::open(&args.door).await?;
    match args.command {
        StockCommand::List { low, limit } => {
            let query = [("low_stock", low.then(|| "true".to_owned()))];
            door.list(&path(&["inventory"])?, &query, limit, LIST).await
        }
        StockCommand::Add { sku, units, reason } => {
            adjust(&door, json!({"sku": sku, "delta": units, "reason": reason})).await
        }
        StockCommand::Set { sku, units, reason } => {
            // Against what is there now: somebody else's change in between is not counted over.
            let seen = found(&door, &sku).await?;
            let expected = seen.get("on_hand");
            adjust(
                &door,
                json!({"sku": sku, "set": units, "expected": expected, "reason": reason}),
            )
            .await
        }
        StockCommand::Movements { sku, limit } => {
            let seen = found(&door, &sku).await?;
            let variant = seen
                .get("variant_id")
                .and_then(Value::as_str)
                .unwrap_or_default();
            let path = path(&["inventory", variant, "movements"])?;
            door.list(&path, &[], limit, MOVEMENTS).await
        }
    }
}

async fn found(door: &Door, sku: &str) -> Result<Value, BoxError> {
    let query = [("sku", Some(sku.to_owned()))];
    let (mut rows, _) = door.rows(&path(&["inventory"])?, &query, 1).await?;
    rows.pop()
        .ok_or_else(|| format!("there is no {sku} in this shop").into())
}

async fn adjust(door: &Door, change: Value) -> Result<(), BoxError> {
    let body = json!({"changes": [change]});
    let after = door.post(&path(&["inventory", "adjust"])?, &body).await?;
    let rows = after.get("data").and_then(Value::as_array);
    show_all(door.json, LIST, rows.ok_or("the shop answered no list")?);
    Ok(())
}
