//! Stock: what there is, what moved it, and changing it by hand with a reason; in the list itself see `steps`.

use super::{
    Desk, Done, Fault, ROWS, Sheet, Who, answered, api, csv,
    fields::{Fields, invalid},
    parts::{Block, Cell, Field, Form, Pages, Search, Tab, Table, columns, told},
    sentence_of, steps,
};
use crate::words::say;
use crate::{App, pages::frame::Visit, view};
use axum::{
    Form as Sent,
    extract::{Path, State},
    http::Method,
    response::Response,
};
use contracts::{
    catalog::{InventoryView, MovementView},
    problem::{Code, Problem},
    values::{Page, VariantId},
};
use platform::http::Query;
use serde::Deserialize;
use serde_json::{Value, json};

pub(super) const HERE: &str = "/admin/inventory";

/// What the address may carry.
#[derive(Debug, Default, Clone, Deserialize)]
#[serde(default)]
pub(in crate::pages) struct Wish {
    low: String,
    q: String,
    cursor: String,
    trail: String,
    flash: String,
    /// Whose stock was changed in the list just now.
    moved: String,
}

impl Wish {
    /// The list as a form in it remembers it.
    pub(super) fn of(fields: &Fields) -> Self {
        let text = |name| fields.text(name).to_owned();
        Self {
            low: text("low"),
            q: text("q"),
            cursor: text("cursor"),
            trail: text("trail"),
            ..Self::default()
        }
    }

    /// Which list it is, and which page of it.
    pub(super) fn place(&self) -> [(&'static str, &str); 4] {
        [
            ("low", &self.low),
            ("q", &self.q),
            ("cursor", &self.cursor),
            ("trail", &self.trail),
        ]
    }
}

/// GET `/admin/inventory`.
pub(in crate::pages) async fn show(
    State(app): State<App>,
    visit: Visit,
    Query(wish): Query<Wish>,
) -> Response {
    let desk = Desk::new(&app, &visit);
    desk.show(Who::Seller, list(desk, &wish, None)).await
}

impl csv::List for Wish {
    const NAME: &'static str = "inventory";
    const WHO: Who = Who::Seller;

    async fn page(mut self, desk: Desk<'_>, from: String) -> Result<Sheet, Fault> {
        self.cursor = from;
        // A file has no tabs, so that nothing is counted for them.
        let table = rows(desk, &self).await?;
        Ok(Sheet::new(say("Inventory")).with([Block::Table(String::new(), table)]))
    }
}

async fn rows(desk: Desk<'_>, wish: &Wish) -> Result<Table, Fault> {
    let is_low = !wish.low.is_empty();
    let path = api(
        "inventory",
        &[
            ("low_stock", if is_low { "true" } else { "" }),
            ("sku", wish.q.trim()),
            ("cursor", &wish.cursor),
            ("limit", ROWS),
        ],
    );
    let found: Page<InventoryView> = desk.ask().get(&path).await?;
    let table = Table {
        caption: "Stock by SKU",
        columns: columns(&[
            "SKU",
            "Product",
            "#On hand",
            "#Reserved",
            "#Available",
            "~Change",
        ]),
        rows: found.data.iter().map(row).collect(),
        empty: if is_low {
            "Nothing is low in stock.".to_owned()
        } else {
            "No such SKU. Stock is here as soon as there is a product.".to_owned()
        },
        bulk: Some(Box::new(steps::around(&wish.place()))),
        ..Table::default()
    }
    .paged(
        HERE,
        &[("low", &wish.low), ("q", &wish.q)],
        Pages {
            asked: &wish.cursor,
            trail: &wish.trail,
            next: found.next_cursor.as_ref(),
        },
    )
    .filed(HERE, &[("low", &wish.low), ("q", &wish.q)]);
    Ok(table)
}

pub(super) async fn list(
    desk: Desk<'_>,
    wish: &Wish,
    refused: Option<&Problem>,
) -> Result<Sheet, Fault> {
    let table = rows(desk, wish).await?;
    let counts = desk.app.catalog.inventory_counts(desk.who()?).await?;
    let tab = |title: &str, low: &str, count| Tab {
        title: title.to_owned(),
        href: view::address(HERE, &[("low", low)]),
        count: told(count),
        is_current: low.is_empty() == wish.low.is_empty(),
    };
    let (said, back) = steps::just_now(desk, (&wish.moved, &wish.place()))
        .await
        .unwrap_or_default();
    let sheet = Sheet::new(say("Inventory")).says(&said).refused(refused);
    Ok(sheet.with(back).with([
        Block::Tabs(
            "Stock by how much there is",
            vec![tab("All", "", counts.all), tab("Low", "true", counts.low)],
        ),
        Block::Search(Search {
            action: HERE,
            label: "A whole SKU",
            value: wish.q.clone(),
            hidden: Vec::new(),
        }),
        Block::Table(String::new(), table),
    ]))
}

fn row(stock: &InventoryView) -> Vec<Cell> {
    vec![
        Cell::link(stock.sku.clone(), format!("{HERE}/{}", stock.variant_id)),
        Cell::link(
            // An earlier release does not say it.
            match stock.name.as_str() {
                "" => say("product"),
                name => name,
            },
            format!("/admin/products/{}", stock.product_id),
        ),
        Cell::number(stock.on_hand),
        Cell::number(stock.reserved),
        Cell::number(stock.available),
        Cell::Steps(stock.variant_id.to_string(), stock.sku.clone()),
    ]
}

/// GET `/admin/inventory/{id}`.
pub(in crate::pages) async fn one(
    State(app): State<App>,
    visit: Visit,
    Path(id): Path<String>,
    Query(wish): Query<Wish>,
) -> Response {
    let desk = Desk::new(&app, &visit);
    let sheet = async {
        let flashes = [("adjusted", "The stock is changed, and the reason is kept.")];
        let place = (wish.cursor.as_str(), wish.trail.as_str());
        let sheet = sheet(desk, read(&id)?, (place, None)).await?;
        Ok(sheet.says(&sentence_of(&wish.flash, &flashes)))
    };
    desk.show(Who::Seller, sheet).await
}

fn read(id: &str) -> Result<VariantId, Fault> {
    id.parse().map_err(|_| Fault::new(Code::NotFound))
}

async fn sheet(
    desk: Desk<'_>,
    id: VariantId,
    ((cursor, trail), refused): ((&str, &str), Option<(&Problem, &Fields)>),
) -> Result<Sheet, Fault> {
    let stock: InventoryView = desk
        .ask()
        .get(&api(&format!("inventory/{id}"), &[]))
        .await?;
    let moves = api(
        &format!("inventory/{id}/movements"),
        &[("cursor", cursor), ("limit", ROWS)],
    );
    let moves: Page<MovementView> = desk.ask().get(&moves).await?;
    let mut form = adjust_form(&stock);
    if let Some((problem, sent)) = refused {
        form = form.refused(problem, sent);
    }
    let mut rows = Vec::with_capacity(moves.data.len());
    for movement in &moves.data {
        rows.push(moved(desk, movement).await);
    }
    let here = format!("{HERE}/{id}");
    let table = Table {
        caption: "What moved the stock, newest first",
        columns: columns(&[
            "When",
            "What",
            "#On hand",
            "#Reserved",
            "Why",
            "Who",
            "Order",
        ]),
        rows,
        empty: "Nothing has moved it yet.".to_owned(),
        ..Table::default()
    }
    .paged(
        &here,
        &[],
        Pages {
            asked: cursor,
            trail,
            next: moves.next_cursor.as_ref(),
        },
    );
    Ok(Sheet::new(stock.sku.clone())
        .below("Inventory", HERE)
        .refused(refused.map(|(problem, _)| problem))
        .with([Block::Table("Movements".to_owned(), table)])
        .beside([
            Block::Facts(
                "Stock".to_owned(),
                vec![
                    ("On hand".to_owned(), Cell::number(stock.on_hand)),
                    ("Reserved".to_owned(), Cell::number(stock.reserved)),
                    ("Available".to_owned(), Cell::number(stock.available)),
                    (
                        "Product".to_owned(),
                        Cell::link(
                            say("its page"),
                            format!("/admin/products/{}", stock.product_id),
                        ),
                    ),
                ],
            ),
            Block::Form(form),
        ]))
}

/// What is set names what was seen: a sale in between is no reason to lose a unit.
fn adjust_form(stock: &InventoryView) -> Form {
    Form::new(
        "adjust",
        format!("{HERE}/{}/adjust", stock.variant_id),
        "Change the stock",
    )
    .headed("Change it")
    .with([
        Field::new("text", "delta", "Units more, or fewer as -2", "")
            .hint("What came in, broke or was found"),
        Field::new("number", "set", "Or: units in the building", "")
            .hint("What somebody counted; refused if it moved meanwhile"),
        Field::new("text", "reason", "Why", "").required(),
    ])
    .hiding("expected", stock.on_hand)
}

/// A movement as a row of a list.
pub(super) async fn moved(desk: Desk<'_>, movement: &MovementView) -> Vec<Cell> {
    let signed = |delta: i64| {
        let plus = if delta > 0 { "+" } else { "" };
        Cell::Number(format!("{plus}{delta}"))
    };
    let order = match movement.order_id {
        // Orders are for those who run the shop.
        Some(id) if desk.is_admin() => Cell::link(say("order"), format!("/admin/orders/{id}")),
        Some(_) => Cell::text(say("an order")),
        None => Cell::text(""),
    };
    let who = if desk.is_admin() {
        desk.actor(&movement.actor).await
    } else {
        String::new()
    };
    vec![
        Cell::when(movement.at),
        Cell::text(view::words(&movement.kind)),
        signed(movement.on_hand_delta),
        signed(movement.reserved_delta),
        Cell::text(steps::reason(&movement.reason)),
        Cell::text(who),
        order,
    ]
}

/// POST `/admin/inventory/{id}/adjust`.
pub(in crate::pages) async fn adjust(
    State(app): State<App>,
    visit: Visit,
    Path(id): Path<String>,
    Sent(fields): Sent<Fields>,
) -> Response {
    let (desk, fields) = (Desk::new(&app, &visit), &fields);
    let done = async {
        let id = read(&id)?;
        let sent = match change(id, fields) {
            Ok(body) => {
                let key = fields.text("key");
                let path = api("inventory/adjust", &[]);
                let sent = desk.ask().send(Method::POST, &path, (&body, key));
                sent.await.map(drop)
            }
            Err(fault) => Err(fault),
        };
        let to = Done::at(&format!("{HERE}/{id}"), "adjusted");
        answered(sent, to, |problem| async move {
            sheet(desk, id, (("", ""), Some((&problem, fields)))).await
        })
        .await
    };
    desk.act(Who::Seller, fields, done).await
}

fn change(id: VariantId, fields: &Fields) -> Result<Value, Fault> {
    let mut change = json!({"variant_id": id, "reason": fields.text("reason")});
    let (delta, set) = (fields.given("delta"), fields.number("set")?);
    let more = match (delta, set) {
        (Some(delta), None) => {
            let delta = delta.trim_start_matches('+').parse::<i64>();
            json!({"delta": delta.map_err(|_| invalid("delta", "is no whole number"))?})
        }
        (None, Some(set)) => json!({"set": set, "expected": fields.number("expected")?}),
        (Some(_), Some(_)) => return Err(invalid("set", "is one of two: say one of them")),
        (None, None) => return Err(invalid("delta", "is missing, and so is the other one")),
    };
    if let (Some(change), Some(more)) = (change.as_object_mut(), more.as_object()) {
        change.extend(more.clone());
    }
    Ok(json!({"changes": [change]}))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_change_is_by_so_many_or_to_so_many_and_never_both() {
        let id = VariantId::from_bytes([4; 16]);
        let body = |pairs: &[(&str, &str)]| {
            let pair = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
            change(id, &Fields(pairs.iter().map(pair).collect()))
        };
        let by = body(&[("delta", "-2"), ("reason", "broken")]).unwrap();
        assert_eq!(by["changes"][0]["delta"], -2);
        let to = body(&[("set", "7"), ("expected", "9"), ("reason", "counted")]).unwrap();
        assert_eq!(
            (&to["changes"][0]["set"], &to["changes"][0]["expected"]),
            (&json!(7), &json!(9))
        );
        for wrong in [&[][..], &[("delta", "1"), ("set", "2")], &[("delta", "x")]] {
            assert!(body(wrong).is_err(), "{wrong:?}");
        }
    }
}
