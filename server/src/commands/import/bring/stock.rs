//! Stock of another shop, or what somebody counted: each row is an adjustment of its own, with a movement and a reason.
//! Its key is the file's and the line's, so a row that was taken is not taken twice, however often the file comes.

use super::{Fate, Row, Run};
use crate::commands::{
    api::Call,
    daily::{path, said},
};
use contracts::BoxError;
use futures_util::future::try_join_all;
use serde_json::{Value, json};
use std::collections::HashSet;

/// Rows of different things that are sent at a time.
const AT_ONCE: usize = 8;
/// How often a count is tried while orders move the same units.
const TRIES_MAX: u32 = 5;

/// What a row asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Change {
    Set(i64),
    By(i64),
}

/// A row that can be read.
struct Wish<'r> {
    line: u64,
    of: (&'static str, &'r str),
    change: Change,
    reason: String,
}

pub(super) async fn bring(run: &Run<'_>, rows: &[Row]) -> Result<Vec<Fate>, BoxError> {
    let wishes: Vec<_> = rows.iter().map(|row| read(row, run)).collect();
    let mut fates = Vec::with_capacity(rows.len());
    let mut rest = wishes.as_slice();
    while !rest.is_empty() {
        let (now, then) = rest.split_at(apart(rest).clamp(1, rest.len()));
        let sent = now.iter().map(|wish| one(run, wish.as_ref()));
        fates.extend(try_join_all(sent).await?);
        rest = then;
    }
    Ok(fates)
}

/// How many of these are of different things: of the same thing the later row waits for the earlier one.
fn apart(wishes: &[Result<Wish<'_>, String>]) -> usize {
    let mut seen = HashSet::new();
    let first = wishes.iter().take(AT_ONCE);
    let new = first.take_while(|wish| wish.as_ref().map_or(true, |wish| seen.insert(wish.of)));
    new.count()
}

async fn one(run: &Run<'_>, wish: Result<&Wish<'_>, &String>) -> Result<Fate, BoxError> {
    let wish = match wish {
        Ok(wish) => wish,
        Err(why) => return Ok(Fate::Refused(why.clone())),
    };
    let needs_look = !run.args.commit || matches!(wish.change, Change::Set(_));
    for _ in 0..TRIES_MAX {
        let seen = if needs_look {
            match found(run, wish).await? {
                Some(seen) => seen,
                None => return Ok(Fate::Refused(format!("there is no {}", wish.of.1))),
            }
        } else {
            Value::Null
        };
        if !run.args.commit {
            return Ok(would(wish, &seen));
        }
        let change = match wish.change {
            Change::By(delta) => json!({"delta": delta}),
            Change::Set(units) => json!({"set": units, "expected": seen.get("on_hand")}),
        };
        if let Some(fate) = adjust(run, wish, change).await? {
            return Ok(fate);
        }
    }
    Ok(Fate::Refused(
        "orders moved it all the time: again later".to_owned(),
    ))
}

/// Sends the adjustment; nothing if somebody else moved the units meanwhile.
async fn adjust(
    run: &Run<'_>,
    wish: &Wish<'_>,
    mut change: Value,
) -> Result<Option<Fate>, BoxError> {
    if let Some(change) = change.as_object_mut() {
        change.insert(wish.of.0.to_owned(), wish.of.1.into());
        change.insert("reason".to_owned(), wish.reason.as_str().into());
    }
    let (body, key) = (json!({"changes": [change]}), run.key(wish.line));
    let path = path(&["inventory", "adjust"])?;
    let answer = run.door.ask(Call::post(&path, &body).key(&key)).await?;
    let code = answer.body.get("code").and_then(Value::as_str);
    Ok(match (answer.status, code) {
        (200, _) => Some(Fate::Done),
        (_, Some("stock_changed")) => None,
        // It was counted against other units, by a run before this one: a key is remembered when it is done.
        (_, Some("idempotency_key_reused")) => Some(Fate::Known),
        (404 | 409 | 422, _) => Some(Fate::Refused(said(&answer).to_string())),
        _ => return Err(said(&answer)),
    })
}

/// What would become of it, as the shelf is now.
fn would(wish: &Wish<'_>, seen: &Value) -> Fate {
    let units = |name: &str| seen.get(name).and_then(Value::as_i64).unwrap_or_default();
    let (on_hand, reserved) = (units("on_hand"), units("reserved"));
    let after = match wish.change {
        Change::Set(units) if units == on_hand => return Fate::Known,
        Change::Set(units) => units,
        Change::By(delta) => on_hand.saturating_add(delta),
    };
    if after < reserved {
        return Fate::Refused(format!(
            "{after} would be left, and {reserved} are promised"
        ));
    }
    Fate::Done
}

async fn found(run: &Run<'_>, wish: &Wish<'_>) -> Result<Option<Value>, BoxError> {
    let (name, value) = wish.of;
    if name == "sku" {
        let query = [("sku", Some(value.to_owned()))];
        let (mut rows, _) = run.door.rows(&path(&["inventory"])?, &query, 1).await?;
        return Ok(rows.pop());
    }
    let path = path(&["inventory", value])?;
    let answer = run.door.ask(Call::get(&path)).await?;
    match answer.status {
        200 => Ok(Some(answer.body)),
        400 | 404 => Ok(None),
        _ => Err(said(&answer)),
    }
}

fn read<'r>(row: &'r Row, run: &Run<'_>) -> Result<Wish<'r>, String> {
    let of = match (row.text(&["sku", "SKU"]), row.text(&["variant_id"])) {
        (Some(sku), _) => ("sku", sku),
        (None, Some(variant)) => ("variant_id", variant),
        (None, None) => return Err("sku or variant_id is missing".to_owned()),
    };
    let set = row.number(&["set", "on_hand", "stock"])?;
    let change = match (set, row.number(&["delta", "adjust"])?) {
        (Some(units), None) => Change::Set(units),
        (None, Some(delta)) => Change::By(delta),
        (Some(_), Some(_)) | (None, None) => {
            return Err("either on_hand or delta is needed".to_owned());
        }
    };
    let reason = row
        .text(&["reason"])
        .map_or_else(|| file_name(run), str::to_owned);
    Ok(Wish {
        line: row.line,
        of,
        change,
        reason,
    })
}

/// What a movement says whose row gives no reason.
fn file_name(run: &Run<'_>) -> String {
    let name = run.args.file.file_name().unwrap_or_default();
    format!("import of {}", name.to_string_lossy())
        .chars()
        .take(200)
        .collect()
}
