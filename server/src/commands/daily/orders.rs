//! `souk orders`.

use super::{
    super::api::Call,
    door::{Door, path},
    table::{Column, lines, show_one},
};
use crate::{
    console::say,
    daily_args::{OrdersArgs, OrdersCommand},
};
use contracts::BoxError;
use serde_json::{Value, json};

pub(super) const LIST: &[Column] = &[
    ("NUMBER", "/number"),
    ("ID", "/id"),
    ("STATUS", "/status"),
    ("TOTAL", "/total"),
    ("PLACED", "/created_at"),
    ("CUSTOMER", "/customer_id"),
];
const ONE: &[Column] = &[
    ("number", "/number"),
    ("id", "/id"),
    ("status", "/status"),
    ("total", "/total"),
    ("customer", "/customer_id"),
    ("placed", "/created_at"),
    ("tracking", "/tracking"),
];
const LINES: &[Column] = &[
    ("SKU", "/sku"),
    ("NAME", "/name"),
    ("UNITS", "/quantity"),
    ("EACH", "/unit_price"),
    ("TOGETHER", "/line_total"),
];
const TIMELINE: &[Column] = &[
    ("AT", "/at"),
    ("WHAT", "/kind"),
    ("WHO", "/actor"),
    ("MORE", "/note"),
];
const REFUND: &[Column] = &[
    ("refund", "/id"),
    ("amount", "/amount"),
    ("status", "/status"),
    ("reason", "/reason"),
];
const NOTE: &[Column] = &[
    ("note", "/id"),
    ("text", "/text"),
    ("for customer", "/for_customer"),
];

pub(crate) async fn run(args: OrdersArgs) -> Result<(), BoxError> {
    let door = Door::open(&args.door).await?;
    let step = async |order: &str, step: &str, body: Value| -> Result<(), BoxError> {
        let order = &id_of(&door, order).await?;
        let after = door.post(&path(&["orders", order, step])?, &body).await?;
        show_one(door.json, ONE, &after);
        Ok(())
    };
    match args.command {
        OrdersCommand::List {
            status,
            customer,
            limit,
        } => {
            let query = [("status", status), ("customer_id", customer)];
            door.list(&path(&["orders"])?, &query, limit, LIST).await
        }
        OrdersCommand::Show { order } => show(&door, &id_of(&door, &order).await?).await,
        OrdersCommand::Ship { order, tracking } => {
            step(&order, "ship", json!({"tracking": tracking})).await
        }
        OrdersCommand::Deliver { order } => step(&order, "deliver", json!({})).await,
        OrdersCommand::Cancel { order } => step(&order, "cancel", json!({})).await,
        OrdersCommand::Refund {
            order,
            amount,
            items,
            reason,
            key,
        } => {
            let order = id_of(&door, &order).await?;
            let items = named(&door, &order, &items).await?;
            let mut body = json!({"items": items, "reason": reason});
            if let (Some(amount), Some(all)) = (amount, body.as_object_mut()) {
                all.insert("amount".to_owned(), amount.into());
            }
            let path = path(&["orders", &order, "refund"])?;
            let call = Call::post(&path, &body).key(&key);
            let refund = door.send(call, &[201, 202]).await?;
            show_one(door.json, REFUND, &refund);
            Ok(())
        }
        OrdersCommand::Note {
            order,
            text,
            for_customer,
        } => {
            let order = id_of(&door, &order).await?;
            let body = json!({"text": text, "for_customer": for_customer});
            let note = door
                .post(&path(&["orders", &order, "notes"])?, &body)
                .await?;
            show_one(door.json, NOTE, &note);
            Ok(())
        }
    }
}

/// An order's id, where people say its number, which is what lists and papers show.
async fn id_of(door: &Door, order: &str) -> Result<String, BoxError> {
    if order.is_empty() || !order.bytes().all(|byte| byte.is_ascii_digit()) {
        return Ok(order.to_owned());
    }
    let found = door
        .get(&format!("{}?number={order}", path(&["orders"])?))
        .await?;
    let id = found.pointer("/data/0/id").and_then(Value::as_str);
    let id = id.ok_or_else(|| format!("there is no order {order} here"))?;
    Ok(id.to_owned())
}

async fn show(door: &Door, order: &str) -> Result<(), BoxError> {
    let seen = door.get(&path(&["orders", order])?).await?;
    if door.json {
        say(seen);
        return Ok(());
    }
    show_one(false, ONE, &seen);
    let items = seen.get("items").and_then(Value::as_array);
    let timeline = door.get(&path(&["orders", order, "timeline"])?).await?;
    let timeline = timeline.get("data").and_then(Value::as_array);
    for (columns, rows) in [(LINES, items), (TIMELINE, timeline)] {
        say("");
        let rows = rows.ok_or("the shop answered no list")?;
        lines(columns, rows).iter().for_each(say);
    }
    Ok(())
}

/// What comes back, by the SKUs that stand in the order.
async fn named(door: &Door, order: &str, items: &[String]) -> Result<Vec<Value>, BoxError> {
    if items.is_empty() {
        return Ok(Vec::new());
    }
    let seen = door.get(&path(&["orders", order])?).await?;
    let bought = seen.get("items").and_then(Value::as_array);
    let bought = bought.ok_or("the shop answered no items")?;
    let found = items.iter().map(|item| {
        let shape = || format!("--item {item} is not SKU=UNITS");
        let (sku, units) = item.rsplit_once('=').ok_or_else(shape)?;
        let units: u32 = units.parse().map_err(|_| shape())?;
        let line = bought
            .iter()
            .find(|line| line.get("sku").and_then(Value::as_str) == Some(sku));
        let variant = line.and_then(|line| line.get("variant_id"));
        let variant = variant.ok_or_else(|| format!("there is no {sku} in this order"))?;
        Ok(json!({"variant_id": variant, "quantity": units}))
    });
    found.collect()
}
