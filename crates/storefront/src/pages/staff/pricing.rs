//! Discounts and ways of shipping: made, changed as a whole, and ended by being switched off. What a form does not show
//! of one stays as it is, so that nothing is lost that this page does not know.

use super::{
    Desk, Done, Fault, ROWS, Sheet, Who, api,
    fields::{Fields, invalid},
    mendable,
    parts::{Block, Cell, Field, Form, Pages, Table, columns},
    product_fields::{minutes, moment},
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
    orders::{DiscountView, ShippingMethodView},
    problem::{Code, Problem},
    values::{Currency, Money, Page},
};
use platform::http::Query;
use serde::Deserialize;
use serde_json::{Map, Value, json};

/// What the address may carry.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(in crate::pages) struct Wish {
    cursor: String,
    flash: String,
}

/// What the API says of a thing beside what can be set.
const SAID_ONLY: [&str; 5] = ["id", "uses", "version", "created_at", "updated_at"];

/// A kind of thing that is edited here.
struct Kind {
    /// Its path in the API.
    api: &'static str,
    here: &'static str,
    name: &'static str,
    one: &'static str,
}

const DISCOUNTS: Kind = Kind {
    api: "discounts",
    here: "/admin/discounts",
    name: "Discounts",
    one: "A new discount",
};

const SHIPPING: Kind = Kind {
    api: "shipping-methods",
    here: "/admin/shipping",
    name: "Shipping",
    one: "A new way of shipping",
};

fn saved(wish: &Wish) -> &'static str {
    if wish.flash == "saved" { "Saved." } else { "" }
}

/// GET `/admin/discounts`.
pub(in crate::pages) async fn discounts(
    State(app): State<App>,
    visit: Visit,
    Query(wish): Query<Wish>,
) -> Response {
    let desk = Desk::new(&app, &visit);
    let sheet = async {
        let path = api("discounts", &[("cursor", &wish.cursor), ("limit", ROWS)]);
        let found: Page<DiscountView> = desk.ask().get(&path).await?;
        let pages = Pages {
            asked: &wish.cursor,
            next: found.next_cursor.as_ref(),
        };
        let table = Table {
            caption: "Discounts by their code",
            columns: columns(&["Code", "Takes off", "From", "Until", "#Used", "Status"]),
            rows: found.data.iter().map(discount_row).collect(),
            empty: "There are no discounts yet. Make one, and tell somebody its code.".to_owned(),
            ..Table::default()
        };
        Ok(Sheet::new(say(DISCOUNTS.name)).says(saved(&wish)).with([
            DISCOUNTS.link(),
            Block::Table(String::new(), table.paged(DISCOUNTS.here, &[], pages)),
        ]))
    };
    desk.show(Who::Admin, sheet).await
}

fn discount_row(discount: &DiscountView) -> Vec<Cell> {
    let off = match (discount.basis_points, discount.amount) {
        (Some(points), _) => format!("{} %", percent(points)),
        (None, Some(amount)) => view::money(amount),
        (None, None) => String::new(),
    };
    let used = match (discount.uses, discount.uses_max) {
        (Some(uses), Some(most)) => say!("{} of {}", uses, most),
        (Some(uses), None) => uses.to_string(),
        (None, _) => say("no limit").to_owned(),
    };
    vec![
        Cell::link(
            discount.code.as_str(),
            format!("{}/{}", DISCOUNTS.here, discount.id),
        ),
        Cell::text(off),
        Cell::maybe_when(discount.starts_at),
        Cell::maybe_when(discount.ends_at),
        Cell::Number(used),
        given(discount.active),
    ]
}

fn given(active: bool) -> Cell {
    if active {
        Cell::Badge("Given".to_owned(), "paid")
    } else {
        Cell::Badge("Ended".to_owned(), "cancelled")
    }
}

/// Hundredths of a percent as people write them.
fn percent(points: u32) -> String {
    let (whole, part) = (points / 100, points % 100);
    match part {
        0 => whole.to_string(),
        part => format!("{whole}.{part:02}")
            .trim_end_matches('0')
            .to_owned(),
    }
}

/// The other way.
fn points(text: &str) -> Option<u32> {
    let (whole, part) = text.split_once('.').unwrap_or((text, ""));
    let padded = format!("{part:0<2}");
    let is_plain = |digits: &str| digits.bytes().all(|byte| byte.is_ascii_digit());
    if padded.len() > 2 || whole.is_empty() || !is_plain(whole) || !is_plain(&padded) {
        return None;
    }
    let whole = whole.parse::<u32>().ok()?.checked_mul(100)?;
    whole.checked_add(padded.parse().ok()?)
}

/// GET `/admin/shipping`.
pub(in crate::pages) async fn shipping(
    State(app): State<App>,
    visit: Visit,
    Query(wish): Query<Wish>,
) -> Response {
    let desk = Desk::new(&app, &visit);
    let sheet = async {
        let path = api(SHIPPING.api, &[]);
        let found: Page<ShippingMethodView> = desk.ask().get(&path).await?;
        let row = |method: &ShippingMethodView| {
            let free = method.free_from.map(view::money);
            vec![
                Cell::link(
                    method.name.clone(),
                    format!("{}/{}", SHIPPING.here, method.id),
                ),
                Cell::Number(view::money(method.price)),
                Cell::Number(free.unwrap_or_default()),
                given(method.active),
            ]
        };
        let table = Table {
            caption: "Ways of shipping by name",
            columns: columns(&["Name", "#Price", "#Free from", "Status"]),
            rows: found.data.iter().map(row).collect(),
            empty: "There is no way of shipping yet: orders cost what their lines do.".to_owned(),
            ..Table::default()
        };
        Ok(Sheet::new(say(SHIPPING.name))
            .says(saved(&wish))
            .with([SHIPPING.link(), Block::Table(String::new(), table)]))
    };
    desk.show(Who::Admin, sheet).await
}

impl Kind {
    fn link(&self) -> Block {
        Block::Links(vec![(self.one.to_owned(), format!("{}/new", self.here))])
    }

    /// One of them as the API shows it; an empty one for a form of something new.
    async fn find(&self, desk: Desk<'_>, id: &str) -> Result<Map<String, Value>, Fault> {
        if id == "new" {
            return Ok(Map::new());
        }
        let none = || Fault::new(Code::NotFound);
        let found = if self.api == SHIPPING.api {
            let all: Page<Value> = desk.ask().get(&api(self.api, &[])).await?;
            let mut all = all.data.into_iter();
            all.find(|one| one["id"] == id).ok_or_else(none)?
        } else {
            let path = format!("{}/{}", self.api, view::encoded(id));
            desk.ask().get::<Value>(&api(&path, &[])).await?
        };
        let Value::Object(found) = found else {
            return Err(none());
        };
        Ok(found)
    }

    async fn sheet(
        &self,
        desk: Desk<'_>,
        id: &str,
        refused: Option<(&Problem, &Fields)>,
    ) -> Result<Sheet, Fault> {
        let found = self.find(desk, id).await?;
        let is_new = found.is_empty();
        let fields = match self.api {
            "discounts" => discount_fields(&found),
            _ => shipping_fields(&found),
        };
        let title = match text(&found, "code") + &text(&found, "name") {
            empty if empty.is_empty() => say(self.one).to_owned(),
            title => title,
        };
        let button = if is_new { "Make it" } else { "Save" };
        let mut form = Form::new("edit", format!("{}/{id}", self.here), button).with(fields);
        form = form.hiding("version", text(&found, "version"));
        if let Some((problem, sent)) = refused {
            form = form.refused(problem, sent);
        }
        Ok(Sheet::new(title)
            .below(self.name, self.here)
            .refused(refused.map(|(problem, _)| problem))
            .with([Block::Form(form)]))
    }

    async fn save(&self, desk: Desk<'_>, id: &str, fields: &Fields) -> Result<Done, Fault> {
        let sent = self.send(desk, id, fields).await;
        match sent {
            Ok(()) => Ok(Done::at(self.here, "saved")),
            Err(fault) => {
                let problem = mendable(fault)?;
                let sheet = self.sheet(desk, id, Some((&problem, fields))).await?;
                Ok(Done::Show(Box::new(sheet)))
            }
        }
    }

    async fn send(&self, desk: Desk<'_>, id: &str, fields: &Fields) -> Result<(), Fault> {
        let mut body = self.find(desk, id).await?;
        body.retain(|name, _| !SAID_ONLY.contains(&name.as_str()));
        let said = match self.api {
            "discounts" => discount(fields)?,
            _ => way(fields)?,
        };
        if let Value::Object(said) = said {
            body.extend(said);
        }
        let (method, path) = if id == "new" {
            (Method::POST, self.api.to_owned())
        } else {
            body.insert("version".to_owned(), json!(fields.number("version")?));
            (Method::PUT, format!("{}/{}", self.api, view::encoded(id)))
        };
        let body = Value::Object(body);
        let path = api(&path, &[]);
        let sent = desk.ask().send(method, &path, (&body, ""));
        sent.await.map(drop)
    }
}

/// A member as text; empty if there is none.
fn text(found: &Map<String, Value>, name: &str) -> String {
    match found.get(name) {
        Some(Value::String(text)) => text.clone(),
        Some(Value::Number(number)) => number.to_string(),
        Some(_) | None => String::new(),
    }
}

fn money_of(found: &Map<String, Value>, name: &str) -> Option<Money> {
    serde_json::from_value(found.get(name)?.clone()).ok()
}

fn decimal(money: Option<Money>) -> String {
    money.map_or_else(String::new, |money| money.decimal())
}

/// The currency of the first of these amounts.
fn currency_of(found: &Map<String, Value>, names: &[&str]) -> String {
    let mut all = names.iter().filter_map(|name| money_of(found, name));
    all.next()
        .map_or_else(String::new, |money| money.currency.code().to_owned())
}

fn is_active(found: &Map<String, Value>) -> bool {
    found.get("active").and_then(Value::as_bool).unwrap_or(true)
}

fn discount_fields(found: &Map<String, Value>) -> Vec<Field> {
    let number = |name| Field::new("number", name, "", text(found, name));
    let labelled = |mut field: Field, label: &str| {
        label.clone_into(&mut field.label);
        field
    };
    let at = |name: &str| {
        let at = found.get(name).cloned();
        minutes(at.and_then(|at| serde_json::from_value(at).ok()))
    };
    let off = found.get("basis_points").and_then(Value::as_u64);
    let off = off.and_then(|off| u32::try_from(off).ok()).map(percent);
    let mut fields = Vec::new();
    if found.is_empty() {
        let code = Field::new("text", "code", "Code", "").required();
        fields.push(code.hint("3 to 40 letters, digits, - and _; it stays what it is"));
    }
    fields.extend([
        Field::new(
            "text",
            "percent",
            "Percent that is taken off",
            off.unwrap_or_default(),
        ),
        Field::new(
            "text",
            "amount",
            "Or an amount",
            decimal(money_of(found, "amount")),
        ),
        Field::new(
            "text",
            "minimum",
            "Lines must cost at least",
            decimal(money_of(found, "minimum")),
        ),
        Field::new(
            "text",
            "currency",
            "Currency of the amounts",
            currency_of(found, &["amount", "minimum"]),
        )
        .hint("Three letters, where there is an amount"),
        Field::new("datetime-local", "starts_at", "From (UTC)", at("starts_at")),
        Field::new("datetime-local", "ends_at", "Until (UTC)", at("ends_at")),
        labelled(number("uses_max"), "In how many orders at most")
            .hint("Whether there is such a limit stays; how high it is may change"),
        labelled(number("customer_uses_max"), "In how many of one customer"),
        Field::check("active", "It is given", is_active(found))
            .hint("Without the tick it has ended; orders that have it keep it"),
    ]);
    fields
}

fn shipping_fields(found: &Map<String, Value>) -> Vec<Field> {
    vec![
        Field::new("text", "name", "Name", text(found, "name"))
            .required()
            .hint("What buyers read"),
        Field::new("text", "price", "Price", decimal(money_of(found, "price"))).required(),
        Field::new(
            "text",
            "currency",
            "Currency",
            currency_of(found, &["price"]),
        )
        .required()
        .hint("Three letters"),
        Field::new(
            "text",
            "free_from",
            "Free from this sum on",
            decimal(money_of(found, "free_from")),
        ),
        Field::check("active", "It can be chosen", is_active(found))
            .hint("Without the tick it has ended; orders that have it keep it"),
    ]
}

/// An amount in the form's currency, or none.
fn amount(fields: &Fields, name: &str) -> Result<Value, Fault> {
    let Some(said) = fields.given(name) else {
        return Ok(Value::Null);
    };
    let currency = fields.text("currency").to_ascii_uppercase();
    let currency: Currency = currency
        .parse()
        .map_err(|_| invalid("currency", "is needed for an amount: three letters"))?;
    let money = Money::parse_decimal(said, currency);
    Ok(json!(money.map_err(|error| invalid(name, &error.0))?))
}

fn discount(fields: &Fields) -> Result<Value, Fault> {
    let off = match fields.given("percent") {
        Some(text) => {
            let points = points(text);
            json!(points.ok_or_else(|| invalid("percent", "is none: as 10 or 12.5"))?)
        }
        None => Value::Null,
    };
    let mut said = json!({
        "basis_points": off,
        "amount": amount(fields, "amount")?,
        "minimum": amount(fields, "minimum")?,
        "starts_at": moment(fields.text("starts_at")),
        "ends_at": moment(fields.text("ends_at")),
        "uses_max": fields.number("uses_max")?,
        "customer_uses_max": fields.number("customer_uses_max")?,
        "active": fields.is_ticked("active"),
    });
    if let (Some(said), Some(code)) = (said.as_object_mut(), fields.given("code")) {
        said.insert("code".to_owned(), json!(code));
    }
    Ok(said)
}

fn way(fields: &Fields) -> Result<Value, Fault> {
    Ok(json!({
        "name": fields.text("name"),
        "price": amount(fields, "price")?,
        "free_from": amount(fields, "free_from")?,
        "active": fields.is_ticked("active"),
    }))
}

/// GET `/admin/discounts/{id}`.
pub(in crate::pages) async fn show_discount(
    State(app): State<App>,
    visit: Visit,
    Path(id): Path<String>,
) -> Response {
    let desk = Desk::new(&app, &visit);
    desk.show(Who::Admin, DISCOUNTS.sheet(desk, &id, None))
        .await
}

/// POST `/admin/discounts/{id}`.
pub(in crate::pages) async fn save_discount(
    State(app): State<App>,
    visit: Visit,
    Path(id): Path<String>,
    Sent(fields): Sent<Fields>,
) -> Response {
    let desk = Desk::new(&app, &visit);
    let done = DISCOUNTS.save(desk, &id, &fields);
    desk.act(Who::Admin, &fields, done).await
}

/// GET `/admin/shipping/{id}`.
pub(in crate::pages) async fn show_way(
    State(app): State<App>,
    visit: Visit,
    Path(id): Path<String>,
) -> Response {
    let desk = Desk::new(&app, &visit);
    desk.show(Who::Admin, SHIPPING.sheet(desk, &id, None)).await
}

/// POST `/admin/shipping/{id}`.
pub(in crate::pages) async fn save_way(
    State(app): State<App>,
    visit: Visit,
    Path(id): Path<String>,
    Sent(fields): Sent<Fields>,
) -> Response {
    let desk = Desk::new(&app, &visit);
    let done = SHIPPING.save(desk, &id, &fields);
    desk.act(Who::Admin, &fields, done).await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percents_are_written_as_people_write_them() {
        for (number, words) in [(1_000, "10"), (1_250, "12.5"), (5, "0.05"), (10_000, "100")] {
            assert_eq!(percent(number), words);
            assert_eq!(points(words), Some(number));
        }
        for odd in ["", "x", "1.234", "-1", "1,5", ".5", "99999999999"] {
            assert_eq!(points(odd), None, "{odd}");
        }
    }
}
