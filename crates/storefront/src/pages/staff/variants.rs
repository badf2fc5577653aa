//! The variants of a product, and what they are chosen by. They are part of their product's document: whoever changes
//! one names the product's version, and is shown both sides' words when somebody else was faster.

use super::{
    Desk, Done, Fault, Sheet, Who, again, answered, api,
    fields::{Fields, invalid},
    gone,
    parts::{Block, Cell, Field, Form, Table, columns},
    product::{self, mine},
    product_fields, sentence_of,
    versus::{self, Edited},
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
    catalog::{ProductOption, ProductStatus, ProductView, VariantView},
    problem::{Code, Problem},
    values::{ProductId, VariantId},
};
use platform::http::Query;
use serde::Deserialize;
use serde_json::{Map, Value, json};

const HERE: &str = "/admin/products";
/// Options that a product may have.
const OPTIONS_MAX: usize = 3;

/// What the address may carry.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(in crate::pages) struct Wish {
    flash: String,
}

const FLASHES: &[(&str, &str)] = &[
    ("saved", "Saved."),
    ("same", "Nothing was to be saved: it is all as it was."),
];

/// The variants, each with a way to change it.
pub(super) fn table(product: &ProductView) -> Table {
    let row = |variant: &VariantView| {
        let title = match variant.title.as_str() {
            "" => product.name.clone(),
            title => title.to_owned(),
        };
        let stock = format!("/admin/inventory/{}", variant.id);
        let edit = if product.options.is_empty() {
            Cell::text("")
        } else {
            Cell::link(
                format!("edit {title}"),
                format!("{HERE}/{}/variants/{}", product.id, variant.id),
            )
        };
        vec![
            Cell::text(title),
            Cell::link(variant.sku.clone(), stock),
            Cell::Number(view::money(variant.price)),
            Cell::number(variant.stock.on_hand),
            Cell::number(variant.stock.reserved),
            Cell::number(variant.stock.available),
            edit,
        ]
    };
    Table {
        caption: "What is sold",
        columns: columns(&[
            "What",
            "SKU",
            "#Price",
            "#On hand",
            "#Reserved",
            "#Available",
            "Change",
        ]),
        rows: product.variants.iter().map(row).collect(),
        ..Table::default()
    }
}

/// The forms below the table: one more variant, and what they are chosen by.
pub(super) fn forms(product: &ProductView) -> Vec<Form> {
    let mut forms = Vec::new();
    if !product.options.is_empty() {
        let form = Form::new(
            "add",
            format!("{HERE}/{}/variants", product.id),
            "Add the variant",
        );
        let form = form
            .headed("Add a variant")
            .folded()
            .with(choices(&product.options, |_| String::new()))
            .with([
                Field::new("text", "sku", "SKU", "").hint("Made by the shop when empty"),
                Field::new("text", "price", "Price", "").hint("The product's price when empty"),
                Field::new("number", "stock", "Units in the building", "0"),
            ]);
        forms.push(form);
    }
    let options = Form::new("options", format!("{HERE}/{}/options", product.id), "Save")
        .headed("What its variants are chosen by")
        .folded()
        .with(option_fields(&product.options))
        .hiding("version", product.version.get());
    forms.push(versus::knowing(options));
    forms
}

/// A choice for each option: its place names the field, the option's own name goes along.
fn choices(options: &[ProductOption], chosen: impl Fn(&str) -> String) -> Vec<Field> {
    let field = |option: &ProductOption| {
        let all: Vec<(&str, &str)> = option
            .values
            .iter()
            .map(|value| (value.as_str(), value.as_str()))
            .collect();
        let name = option_field(&option.name);
        Field::select(&name, &option.name, &chosen(&option.name), &all)
    };
    options.iter().map(field).collect()
}

/// A field's name has no space in it, whatever the option is called.
fn option_field(name: &str) -> String {
    format!("options/{}", view::encoded(name))
}

fn option_fields(options: &[ProductOption]) -> Vec<Field> {
    let of_place = |place: usize| {
        let option = options.get(place);
        let name = option.map_or("", |option| option.name.as_str());
        let values = option.map_or_else(String::new, |option| option.values.join("\n"));
        let number = place.saturating_add(1);
        [
            Field::new(
                "text",
                &format!("options/{place}/name"),
                &say!("Option {}", number),
                name,
            )
            .hint("As Size; empty where there is none"),
            Field::new(
                "area",
                &format!("options/{place}/values"),
                &say!("Values of option {}", number),
                values,
            )
            .hint("One a line, in the order in which they are shown"),
        ]
    };
    (0..OPTIONS_MAX).flat_map(of_place).collect()
}

/// What the fields of the options say.
fn options_said(fields: &Fields) -> Value {
    let of_place = |place: usize| {
        let name = fields.given(&format!("options/{place}/name"));
        let values = versus::said(fields, &format!("options/{place}/values"));
        let values = values.lines().map(str::trim);
        let values: Vec<&str> = values.filter(|value| !value.is_empty()).collect();
        let is_any = name.is_some() || !values.is_empty();
        is_any.then(|| json!({"name": name.unwrap_or_default(), "values": values}))
    };
    (0..OPTIONS_MAX).filter_map(of_place).collect()
}

/// POST `/admin/products/{id}/options`.
pub(in crate::pages) async fn set_options(
    State(app): State<App>,
    visit: Visit,
    Path(id): Path<String>,
    Sent(fields): Sent<Fields>,
) -> Response {
    let desk = Desk::new(&app, &visit);
    let fields = versus::settled(fields);
    let done = async { options_set(desk, product::read(&id)?, fields.clone()).await };
    desk.act(Who::Seller, &fields, done).await
}

/// They are set as a whole: what the form does not change stays as it is in the version that it names.
async fn options_set(desk: Desk<'_>, id: ProductId, mut fields: Fields) -> Result<Done, Fault> {
    let product = mine(desk, id).await?;
    let here = format!("{HERE}/{id}");
    let shown = option_fields(&product.options);
    let is_same = |field: &Field| !versus::is_changed(&fields, &field.name);
    if shown.iter().all(is_same) {
        return Ok(Done::at(&here, "same"));
    }
    for field in &shown {
        if !fields.has(&field.name) {
            fields.0.push((field.name.clone(), field.value.clone()));
        }
    }
    let body = json!({"options": options_said(&fields), "version": fields.number("version")?});
    let path = api(&format!("products/{id}/options"), &[]);
    match desk.ask().send(Method::PUT, &path, (&body, "")).await {
        Ok(_) => Ok(Done::at(&here, "saved")),
        Err(fault) if fault.0.code == Code::VersionConflict => {
            let product = mine(desk, id).await?;
            let edited = Edited {
                name: product.name.clone(),
                above: ("Products", HERE),
                here: here.clone(),
                decide: format!("{here}/options"),
                version: product.version,
                beside: Vec::new(),
                now: versus::now(&option_fields(&product.options)),
            };
            Ok(versus::conflict(edited, &fields))
        }
        Err(fault) => refused(desk, id, ("options", fault, &fields)).await,
    }
}

/// The product's page, with what was wrong beside the fields of this form.
async fn refused(
    desk: Desk<'_>,
    id: ProductId,
    (form, fault, fields): (&'static str, Fault, &Fields),
) -> Result<Done, Fault> {
    again(fault, |problem| async move {
        product::sheet(desk, id, Some((form, &problem, fields))).await
    })
    .await
}

/// POST `/admin/products/{id}/variants`.
pub(in crate::pages) async fn add(
    State(app): State<App>,
    visit: Visit,
    Path(id): Path<String>,
    Sent(fields): Sent<Fields>,
) -> Response {
    let desk = Desk::new(&app, &visit);
    let done = async {
        let id = product::read(&id)?;
        let product = mine(desk, id).await?;
        let sent = match fresh(&product, &fields) {
            Ok(body) => {
                let path = api(&format!("products/{id}/variants"), &[]);
                let sent = desk.ask().send(Method::POST, &path, (&body, ""));
                sent.await.map(drop)
            }
            Err(fault) => Err(fault),
        };
        match sent {
            Ok(()) => Ok(Done::at(&format!("{HERE}/{id}"), "added")),
            Err(fault) => refused(desk, id, ("add", fault, &fields)).await,
        }
    };
    desk.act(Who::Seller, &fields, done).await
}

/// A new variant for the API. Sent twice it is refused: no two have the same values.
fn fresh(product: &ProductView, fields: &Fields) -> Result<Value, Fault> {
    let chosen = |option: &ProductOption| {
        let value = fields.text(&option_field(&option.name));
        (option.name.clone(), json!(value))
    };
    let options: Map<String, Value> = product.options.iter().map(chosen).collect();
    let price = match fields.given("price") {
        Some(price) => product_fields::price(price, product.price.currency.code())?,
        None => Value::Null,
    };
    Ok(json!({
        "options": options,
        "sku": fields.given("sku"),
        "price": price,
        "stock": fields.number("stock")?.unwrap_or(0),
    }))
}

/// A variant in an address.
type Place = (String, String);

async fn found(desk: Desk<'_>, (id, variant): &Place) -> Result<(ProductView, VariantView), Fault> {
    let none = || Fault::new(Code::NotFound);
    let product = mine(desk, product::read(id)?).await?;
    let variant: VariantId = variant.parse().map_err(|_| none())?;
    let mut variants = product.variants.iter();
    let variant = variants.find(|one| one.id == variant).cloned();
    // A plain product is its variant, and edited on its own page.
    if product.options.is_empty() || product.status == ProductStatus::Archived {
        return Err(none());
    }
    Ok((product, variant.ok_or_else(none)?))
}

fn edit_fields(product: &ProductView, variant: &VariantView) -> Vec<Field> {
    let chosen = |name: &str| variant.options.get(name).cloned().unwrap_or_default();
    let mut fields = choices(&product.options, chosen);
    fields.extend([
        Field::new("text", "sku", "SKU", variant.sku.clone()).required(),
        Field::new("text", "price", "Price", variant.price.decimal()).required(),
    ]);
    fields
}

/// GET `/admin/products/{id}/variants/{variant}`.
pub(in crate::pages) async fn show(
    State(app): State<App>,
    visit: Visit,
    Path(place): Path<Place>,
    Query(wish): Query<Wish>,
) -> Response {
    let desk = Desk::new(&app, &visit);
    let sheet = async {
        let sheet = sheet(desk, &place, None).await?;
        Ok(sheet.says(&sentence_of(&wish.flash, FLASHES)))
    };
    desk.show(Who::Seller, sheet).await
}

async fn sheet(
    desk: Desk<'_>,
    place: &Place,
    refused: Option<(&str, &Problem, &Fields)>,
) -> Result<Sheet, Fault> {
    let (product, variant) = found(desk, place).await?;
    let here = format!("{HERE}/{}/variants/{}", product.id, variant.id);
    let version = product.version.get();
    let edit = Form::new("edit", here.clone(), "Save")
        .with(edit_fields(&product, &variant))
        .hiding("version", version)
        .hiding("currency", variant.price.currency);
    let remove = Form::new("remove", format!("{here}/remove"), "Take it away")
        .headed("Sell it no more")
        .hiding("version", version)
        .confirmed("It never comes back; old orders keep it");
    let mend = |form: Form| match refused {
        Some((which, problem, sent)) if form.id == which => form.refused(problem, sent),
        Some(_) | None => form,
    };
    Ok(Sheet::new(format!("{}: {}", product.name, variant.title))
        .below("Products", HERE)
        .refused(refused.map(|(_, problem, _)| problem))
        .with([
            Block::Form(mend(versus::knowing(edit))),
            Block::Form(mend(remove)),
        ])
        .beside([Block::Links(vec![
            (
                say!("Back to {}", product.name),
                format!("{HERE}/{}", product.id),
            ),
            (
                "Its stock and what moved it".to_owned(),
                format!("/admin/inventory/{}", variant.id),
            ),
        ])]))
}

/// POST `/admin/products/{id}/variants/{variant}`.
pub(in crate::pages) async fn save(
    State(app): State<App>,
    visit: Visit,
    Path(place): Path<Place>,
    Sent(fields): Sent<Fields>,
) -> Response {
    let desk = Desk::new(&app, &visit);
    let fields = versus::settled(fields);
    desk.act(Who::Seller, &fields, saved(desk, &place, &fields))
        .await
}

async fn saved(desk: Desk<'_>, place: &Place, fields: &Fields) -> Result<Done, Fault> {
    let (product, variant) = found(desk, place).await?;
    let here = format!("{HERE}/{}/variants/{}", product.id, variant.id);
    let sent = match changed(&product, fields) {
        Ok(change) if change.is_empty() => return Ok(Done::at(&here, "same")),
        Ok(change) => {
            let path = format!("products/{}/variants/{}", product.id, variant.id);
            let body = Value::Object(change);
            let path = api(&path, &[]);
            let sent = desk.ask().send(Method::PATCH, &path, (&body, ""));
            sent.await.map(drop)
        }
        Err(fault) => Err(fault),
    };
    match sent {
        Ok(()) => Ok(Done::at(&here, "saved")),
        Err(fault) if fault.0.code == Code::VersionConflict => {
            // Read again: what was read above may have been before the other one's change.
            let (product, variant) = found(desk, place).await?;
            let edited = Edited {
                name: format!("{}: {}", product.name, variant.title),
                above: ("Products", HERE),
                decide: here.clone(),
                here,
                version: product.version,
                beside: vec![("currency", variant.price.currency.code().to_owned())],
                now: versus::now(&edit_fields(&product, &variant)),
            };
            Ok(versus::conflict(edited, fields))
        }
        Err(fault) => {
            again(fault, |problem| async move {
                sheet(desk, place, Some(("edit", &problem, fields))).await
            })
            .await
        }
    }
}

/// What the form says otherwise than it was made, as a change for the API.
fn changed(product: &ProductView, fields: &Fields) -> Result<Map<String, Value>, Fault> {
    let mut change = Map::new();
    let mut options = Map::new();
    for option in &product.options {
        let name = option_field(&option.name);
        if versus::is_changed(fields, &name) {
            options.insert(option.name.clone(), json!(fields.text(&name)));
        }
    }
    if !options.is_empty() {
        change.insert("options".to_owned(), Value::Object(options));
    }
    if versus::is_changed(fields, "sku") {
        change.insert("sku".to_owned(), json!(fields.text("sku")));
    }
    if versus::is_changed(fields, "price") {
        let price = product_fields::price(fields.text("price"), fields.text("currency"))?;
        change.insert("price".to_owned(), price);
    }
    if !change.is_empty() {
        let version = fields.number("version")?;
        let version = version.ok_or_else(|| invalid("version", "is missing"))?;
        change.insert("version".to_owned(), json!(version));
    }
    Ok(change)
}

/// POST `/admin/products/{id}/variants/{variant}/remove`.
pub(in crate::pages) async fn remove(
    State(app): State<App>,
    visit: Visit,
    Path(place): Path<Place>,
    Sent(fields): Sent<Fields>,
) -> Response {
    let (desk, place, fields) = (Desk::new(&app, &visit), &place, &fields);
    let done = async {
        let (product, variant) = found(desk, place).await?;
        let path = format!("products/{}/variants/{}", product.id, variant.id);
        let path = api(&path, &[("version", fields.text("version"))]);
        let gone = gone(desk, &path, fields).await;
        let to = Done::at(&format!("{HERE}/{}", product.id), "removed");
        answered(gone, to, |problem| async move {
            sheet(desk, place, Some(("remove", &problem, fields))).await
        })
        .await
    };
    desk.act(Who::Seller, fields, done).await
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sent(pairs: &[(&str, &str)]) -> Fields {
        let pair = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
        Fields(pairs.iter().map(pair).collect())
    }

    #[test]
    fn options_are_said_a_value_a_line_and_empty_places_are_none() {
        let fields = sent(&[
            ("options/0/name", "Size"),
            ("options/0/values", "S\r\n M \r\n\r\nL"),
            ("options/1/name", ""),
            ("options/1/values", ""),
            ("options/2/name", "Colour"),
            ("options/2/values", ""),
        ]);
        assert_eq!(
            options_said(&fields),
            json!([
                {"name": "Size", "values": ["S", "M", "L"]},
                {"name": "Colour", "values": []},
            ])
        );
    }

    #[test]
    fn no_name_of_an_option_leaves_the_name_of_its_field() {
        assert_eq!(option_field("Size"), "options/Size");
        assert!(!option_field("a b\"<c>").contains([' ', '"', '<']));
    }
}
