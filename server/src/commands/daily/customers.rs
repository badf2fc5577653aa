//! `souk customers`.

use super::{
    super::api::Call,
    door::{Door, path},
    orders,
    table::{Column, show_one},
};
use crate::daily_args::{CustomersArgs, CustomersCommand};
use contracts::BoxError;
use reqwest::Method;
use serde_json::{Value, json};

const LIST: &[Column] = &[
    ("ID", "/id"),
    ("ADDRESS", "/email"),
    ("NAME", "/name"),
    ("ROLES", "/roles"),
    ("SINCE", "/created_at"),
    ("DISABLED", "/disabled_at"),
];
const ONE: &[Column] = &[
    ("id", "/id"),
    ("address", "/email"),
    ("username", "/username"),
    ("name", "/name"),
    ("roles", "/roles"),
    ("since", "/created_at"),
    ("verified", "/verified_at"),
    ("disabled", "/disabled_at"),
];

pub(crate) async fn run(args: CustomersArgs) -> Result<(), BoxError> {
    let door = Door::open(&args.door).await?;
    let user = match args.command {
        CustomersCommand::List { q, limit } => {
            return door
                .list(&path(&["users"])?, &[("q", q)], limit, LIST)
                .await;
        }
        CustomersCommand::Orders { customer, limit } => {
            let query = [("customer_id", Some(customer))];
            return door
                .list(&path(&["orders"])?, &query, limit, orders::LIST)
                .await;
        }
        CustomersCommand::Show { customer } => door.get(&path(&["users", &customer])?).await?,
        CustomersCommand::Disable { customer } => set(&door, &customer, "disabled").await?,
        CustomersCommand::Enable { customer } => set(&door, &customer, "active").await?,
    };
    show_one(door.json, ONE, &user);
    Ok(())
}

async fn set(door: &Door, customer: &str, status: &str) -> Result<Value, BoxError> {
    let seen = door.get(&path(&["users", customer])?).await?;
    let body = json!({"status": status, "version": seen.get("version")});
    let path = path(&["users", customer, "status"])?;
    let call = Call {
        method: Method::PUT,
        ..Call::post(&path, &body)
    };
    door.send(call, &[200]).await
}
