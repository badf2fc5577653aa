//! Ways of shipping, with what they cost by weight and by what the goods cost. Where they go is `zones`'.

use super::{
    Desk, Fault, Sheet, Who, api,
    discounts::given,
    fields::invalid,
    parts::{Block, Cell, Field, Table, columns},
    pricing::{Kind, Priced, Refused, Thing, Typed, Wish, currency_of, decimal, is_active, text},
};
use crate::words::say;
use crate::{App, pages::frame::Visit, view};
use axum::{extract::State, response::Response};
use contracts::{
    orders::{ShippingMethodView, ShippingZone},
    values::Page,
};
use platform::http::Query;
use serde_json::{Value, json};

/// Bands that the API takes; a form shows one more than there are.
const BANDS_MAX: usize = 20;

pub(super) const KIND: Kind = Kind {
    api: "shipping-methods",
    here: "/admin/shipping",
    name: "Shipping",
    one: "A new way of shipping",
    shown,
    set,
    renamed: &[],
};

/// GET `/admin/shipping`.
pub(in crate::pages) async fn show(
    State(app): State<App>,
    visit: Visit,
    Query(wish): Query<Wish>,
) -> Response {
    let desk = Desk::new(&app, &visit);
    let sheet = async {
        let found: Page<ShippingMethodView> = desk.ask().get(&api(KIND.api, &[])).await?;
        let row = |method: &ShippingMethodView| {
            let free = method.free_from.map(view::money);
            let goes = match method.zones.len() {
                0 => "everywhere".to_owned(),
                1 => "to one zone".to_owned(),
                zones => format!("to {zones} zones"),
            };
            let (price, free) = if method.zones.is_empty() {
                (view::money(method.price), free.unwrap_or_default())
            } else {
                ("by zone".to_owned(), String::new())
            };
            vec![
                Cell::link(method.name.clone(), format!("{}/{}", KIND.here, method.id)),
                Cell::text(goes),
                Cell::Number(price),
                Cell::Number(free),
                given(method.active),
            ]
        };
        let table = Table {
            caption: "Ways of shipping by name",
            columns: columns(&["Name", "Goes", "#Price", "#Free from", "Status"]),
            rows: found.data.iter().map(row).collect(),
            empty: "There is no way of shipping yet: orders cost what their lines do.".to_owned(),
            ..Table::default()
        };
        Ok(Sheet::new(say(KIND.name))
            .saved(&wish.flash)
            .with([KIND.link(), Block::Table(String::new(), table)]))
    };
    desk.show(Who::Admin, sheet).await
}

fn shown(found: &Thing) -> Vec<Field> {
    let mut fields = vec![
        Field::new("text", "name", "Name", text(found, "name"))
            .required()
            .hint("What buyers read"),
        Field::new("text", "price", "Price", decimal(found, "price")).required(),
        Field::new(
            "text",
            "currency",
            "Currency",
            currency_of(found, &["price"]),
        )
        .required()
        .hint("Three letters"),
    ];
    fields.extend(bounds(found));
    fields.push(
        Field::check("active", "It can be chosen", is_active(found))
            .hint("Without the tick it has ended; orders that have it keep it"),
    );
    fields
}

/// From what sum on it is free, how heavy it may be, and where it costs something else: of a way and of a zone.
pub(super) fn bounds(found: &Thing) -> Vec<Field> {
    let mut fields = vec![
        Field::new(
            "text",
            "free_from",
            "Free from this sum on",
            decimal(found, "free_from"),
        ),
        Field::new(
            "number",
            "weight_max_grams",
            "Takes so many grams at most",
            text(found, "weight_max_grams"),
        ),
    ];
    let none = Thing::new();
    let bands = bands_of(found);
    let rows = bands.len().saturating_add(1).min(BANDS_MAX);
    for place in 0..rows {
        let band = bands.get(place).and_then(Value::as_object).unwrap_or(&none);
        let number = place.saturating_add(1);
        let name = |part: &str| band_field(place, part);
        fields.extend([
            Field::new(
                "number",
                &name("weight_max_grams"),
                &say!("Band {}: up to so many grams", number),
                text(band, "weight_max_grams"),
            ),
            Field::new(
                "text",
                &name("goods_below"),
                &say!("Band {}: goods for less than", number),
                decimal(band, "goods_below"),
            ),
            Field::new(
                "text",
                &name("price"),
                &say!("Band {}: costs", number),
                decimal(band, "price"),
            )
            .hint("The first band that fits says the price; empty where there is no band"),
        ]);
    }
    fields
}

fn bands_of(found: &Thing) -> &[Value] {
    let bands = found.get("bands").and_then(Value::as_array);
    bands.map(Vec::as_slice).unwrap_or_default()
}

fn band_field(place: usize, part: &str) -> String {
    format!("bands/{place}/{part}")
}

const BAND: [&str; 3] = ["weight_max_grams", "goods_below", "price"];

fn set(typed: &Typed<'_>, way: &mut Thing) -> Result<(), Fault> {
    let currency = typed.text("currency").to_owned();
    if typed.changes(&["name"]) {
        way.insert("name".to_owned(), json!(typed.text("name")));
    }
    let is_other_money = typed.changes(&["currency"]);
    if typed.changes(&["price"]) || is_other_money {
        way.insert("price".to_owned(), typed.money("price", &currency)?);
    }
    if typed.changes(&["active"]) {
        way.insert("active".to_owned(), json!(typed.is_ticked("active")));
    }
    say_bounds(typed, way, (&currency, is_other_money))
}

pub(super) fn say_bounds(
    typed: &Typed<'_>,
    thing: &mut Thing,
    (currency, is_other_money): (&str, bool),
) -> Result<(), Fault> {
    if typed.changes(&["free_from"]) || is_other_money {
        thing.insert("free_from".to_owned(), typed.money("free_from", currency)?);
    }
    if typed.changes(&["weight_max_grams"]) {
        let most = typed.number("weight_max_grams")?;
        thing.insert("weight_max_grams".to_owned(), most);
    }
    let names: Vec<String> = (0..BANDS_MAX)
        .flat_map(|place| BAND.map(|part| band_field(place, part)))
        .collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    if typed.changes(&names) || is_other_money {
        let mut bands = Vec::new();
        for place in 0..BANDS_MAX {
            bands.extend(band(typed, place, currency)?);
        }
        thing.insert("bands".to_owned(), Value::Array(bands));
    }
    Ok(())
}

/// The band of this place, if anything is said of it.
fn band(typed: &Typed<'_>, place: usize, currency: &str) -> Result<Option<Value>, Fault> {
    let [weight, below, price] = BAND.map(|part| band_field(place, part));
    let is_any = [&weight, &below, &price]
        .into_iter()
        .any(|name| typed.given(name).is_some());
    if !is_any {
        return Ok(None);
    }
    if typed.given(&price).is_none() {
        return Err(invalid(&price, "is missing: what does it cost then?"));
    }
    Ok(Some(json!({
        "weight_max_grams": typed.number(&weight)?,
        "goods_below": typed.money(&below, currency)?,
        "price": typed.money(&price, currency)?,
    })))
}

/// Ways of shipping, each with its page.
pub(super) struct Ways;

impl Priced for Ways {
    const KIND: Kind = KIND;

    async fn sheet(desk: Desk<'_>, id: &str, refused: Refused<'_>) -> Result<Sheet, Fault> {
        let sheet = KIND.sheet(desk, id, refused).await?;
        if id == "new" {
            return Ok(sheet);
        }
        let way = KIND.find(desk, id).await?;
        let here = format!("{}/{id}/zones", KIND.here);
        let zone = |(place, zone): (usize, &ShippingZone)| {
            vec![
                Cell::link(
                    say!("Zone {}", place.saturating_add(1)),
                    format!("{here}/{place}"),
                ),
                Cell::text(countries(zone)),
                Cell::text(zone.regions.join(", ")),
                Cell::Number(view::money(zone.price)),
            ]
        };
        let zones: Vec<ShippingZone> = zones_of(&way)
            .iter()
            .filter_map(|zone| serde_json::from_value(zone.clone()).ok())
            .collect();
        let table = Table {
            caption: "Where it goes: the first zone that has the address",
            columns: columns(&["Zone", "Countries", "Regions", "#Price"]),
            rows: zones.iter().enumerate().map(zone).collect(),
            empty: "It goes everywhere. With a zone it goes where its zones are, and nowhere else; the price above \
                    then says nothing."
                .to_owned(),
            ..Table::default()
        };
        Ok(sheet.with([
            Block::Table("Where it goes".to_owned(), table),
            Block::Links(vec![("A new zone".to_owned(), format!("{here}/new"))]),
        ]))
    }
}

pub(super) fn zones_of(way: &Thing) -> &[Value] {
    let zones = way.get("zones").and_then(Value::as_array);
    zones.map(Vec::as_slice).unwrap_or_default()
}

pub(super) fn countries(zone: &ShippingZone) -> String {
    let codes: Vec<&str> = zone
        .countries
        .iter()
        .map(|country| country.code())
        .collect();
    codes.join(", ")
}
