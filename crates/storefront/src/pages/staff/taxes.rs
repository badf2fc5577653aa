//! Tax rates by place and class of goods.

use super::{
    Desk, Done, Fault, Sheet, Who, answered, api,
    fields::{Fields, invalid},
    gone,
    parts::{Block, Cell, Field, Form, Table, columns},
    pricing::{Kind, Priced, Refused, Thing, Typed, Wish, parts_of, percent, text},
};
use crate::words::say;
use crate::{App, pages::frame::Visit, view};
use axum::{
    Form as Sent,
    extract::{Path, State},
    response::Response,
};
use contracts::{orders::TaxRateView, values::Page};
use platform::http::Query;
use serde_json::{Value, json};

/// Digits of a percent behind the point: the API counts in millionths.
const DIGITS: u32 = 4;

const KIND: Kind = Kind {
    api: "tax-rates",
    here: "/admin/taxes",
    name: "Taxes",
    one: "A new tax rate",
    shown,
    set,
    renamed: &[("/millionths", "/percent")],
};

const CLASSES: [(&str, &str); 2] = [
    ("standard", "standard goods, and shipping"),
    ("reduced", "goods at a lower rate"),
];

/// GET `/admin/taxes`.
pub(in crate::pages) async fn show(
    State(app): State<App>,
    visit: Visit,
    Query(wish): Query<Wish>,
) -> Response {
    let desk = Desk::new(&app, &visit);
    let sheet = async {
        let found: Page<TaxRateView> = desk.ask().get(&api(KIND.api, &[])).await?;
        let row = |rate: &TaxRateView| {
            vec![
                Cell::link(rate.name.clone(), format!("{}/{}", KIND.here, rate.id)),
                Cell::text(rate.country.code()),
                Cell::text(rate.region.clone().unwrap_or_default()),
                Cell::text(view::words(rate.class.as_str())),
                Cell::Number(format!("{} %", percent(rate.millionths, DIGITS))),
            ]
        };
        let table = Table {
            caption: "Tax rates by country, region and class",
            columns: columns(&["Name", "Country", "Region", "Of", "#Rate"]),
            rows: found.data.iter().map(row).collect(),
            empty: "There is no rate yet: no order is taxed.".to_owned(),
            ..Table::default()
        };
        Ok(Sheet::new(say(KIND.name))
            .saved(&wish.flash)
            .with([KIND.link(), Block::Table(String::new(), table)]))
    };
    desk.show(Who::Admin, sheet).await
}

fn shown(found: &Thing) -> Vec<Field> {
    let rate = found.get("millionths").and_then(Value::as_u64);
    let rate = rate.and_then(|rate| u32::try_from(rate).ok());
    let rate = rate.map_or_else(String::new, |rate| percent(rate, DIGITS));
    let class = match text(found, "class") {
        empty if empty.is_empty() => "standard".to_owned(),
        class => class,
    };
    vec![
        Field::new("text", "name", "Name", text(found, "name"))
            .required()
            .hint("What people read beside the amount, as VAT 19%"),
        Field::new("text", "country", "Country", text(found, "country"))
            .required()
            .hint("Two letters"),
        Field::new(
            "text",
            "region",
            "Only in this region of it",
            text(found, "region"),
        )
        .hint("There it stands instead of the country's"),
        Field::select(
            "class",
            "Of",
            &class,
            &CLASSES.map(|(value, words)| (value, say(words))),
        ),
        Field::new("text", "percent", "Percent", rate)
            .required()
            .hint("As 19 or 8.875"),
    ]
}

fn set(typed: &Typed<'_>, rate: &mut Thing) -> Result<(), Fault> {
    for name in ["name", "class"] {
        if typed.changes(&[name]) {
            rate.insert(name.to_owned(), json!(typed.text(name)));
        }
    }
    if typed.changes(&["country"]) {
        let country = typed.text("country").to_ascii_uppercase();
        rate.insert("country".to_owned(), json!(country));
    }
    if typed.changes(&["region"]) {
        rate.insert("region".to_owned(), json!(typed.given("region")));
    }
    if typed.changes(&["percent"]) {
        let millionths = parts_of(typed.text("percent"), DIGITS);
        let millionths = millionths.ok_or_else(|| invalid("percent", "is none: as 19 or 8.875"))?;
        rate.insert("millionths".to_owned(), json!(millionths));
    }
    Ok(())
}

/// Tax rates, each with its page.
pub(super) struct Rates;

impl Priced for Rates {
    const KIND: Kind = KIND;

    async fn sheet(desk: Desk<'_>, id: &str, refused: Refused<'_>) -> Result<Sheet, Fault> {
        let sheet = KIND.sheet(desk, id, refused).await?;
        if id == "new" {
            return Ok(sheet);
        }
        let found = KIND.find(desk, id).await?;
        let remove = Form::new(
            "remove",
            format!("{}/{id}/remove", KIND.here),
            "Take it away",
        )
        .headed("Tax it no more")
        .hiding("version", text(&found, "version"))
        .confirmed("Orders keep what they were taxed");
        Ok(sheet.with([Block::Form(remove)]))
    }
}

/// POST `/admin/taxes/{id}/remove`.
pub(in crate::pages) async fn remove(
    State(app): State<App>,
    visit: Visit,
    Path(id): Path<String>,
    Sent(fields): Sent<Fields>,
) -> Response {
    let (desk, id, fields) = (Desk::new(&app, &visit), id.as_str(), &fields);
    let done = async {
        let path = format!("{}/{}", KIND.api, view::encoded(id));
        let path = api(&path, &[("version", fields.text("version"))]);
        let gone = gone(desk, &path, fields).await;
        answered(gone, Done::at(KIND.here, "removed"), |problem| async move {
            Rates::sheet(desk, id, Some((&problem, fields))).await
        })
        .await
    };
    desk.act(Who::Admin, fields, done).await
}
