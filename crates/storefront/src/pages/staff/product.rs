//! One product, and its change. A change names the version that was read: when somebody else was faster, both are shown
//! side by side, and whoever comes second decides field by field what is kept.

use super::{
    Desk, Done, Fault, Sheet, Who, again, answered, api,
    fields::Fields,
    gone,
    parts::{Block, Cell, Field, Form, Shot, Table, columns},
    price_list,
    product_fields::{self, value_of},
    sentence_of, variants,
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
    catalog::{PriceSince, ProductImage, ProductStatus, ProductView},
    problem::{Code, Problem},
    values::{Page, ProductId},
};
use platform::http::Query;
use serde::Deserialize;
use serde_json::{Value, json};

const HERE: &str = "/admin/products";

/// What the address may carry.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(in crate::pages) struct Wish {
    flash: String,
}

const FLASHES: &[(&str, &str)] = &[
    (
        "made",
        "It is made. Add a picture, and put it on sale when it is ready.",
    ),
    ("saved", "Saved."),
    ("same", "Nothing was to be saved: it is all as it was."),
    ("pictured", "The picture is added."),
    ("unpictured", "The picture is taken away."),
    (
        "added",
        "The variant is added, and on sale with the product.",
    ),
    (
        "removed",
        "The variant is sold no more. Old orders keep it.",
    ),
];

/// GET `/admin/products/{id}`.
pub(in crate::pages) async fn show(
    State(app): State<App>,
    visit: Visit,
    Path(id): Path<String>,
    Query(wish): Query<Wish>,
) -> Response {
    let desk = Desk::new(&app, &visit);
    let sheet = async {
        let sheet = sheet(desk, read(&id)?, None).await?;
        Ok(sheet.says(&sentence_of(&wish.flash, FLASHES)))
    };
    desk.show(Who::Seller, sheet).await
}

pub(super) fn read(id: &str) -> Result<ProductId, Fault> {
    id.parse().map_err(|_| Fault::new(Code::NotFound))
}

/// The product, if whoever asks may change it: to others this page of it does not exist.
pub(super) async fn mine(desk: Desk<'_>, id: ProductId) -> Result<ProductView, Fault> {
    let product: ProductView = desk.ask().get(&api(&format!("products/{id}"), &[])).await?;
    if desk.may_change(product.owner_id) {
        Ok(product)
    } else {
        Err(Fault::new(Code::NotFound))
    }
}

/// The form that was refused: its id, why, and what it said.
pub(super) type Refused<'f> = Option<(&'static str, &'f Problem, &'f Fields)>;

pub(super) async fn sheet(
    desk: Desk<'_>,
    id: ProductId,
    refused: Refused<'_>,
) -> Result<Sheet, Fault> {
    let product = mine(desk, id).await?;
    let prices = api(&format!("products/{id}/prices"), &[]);
    let prices: Page<PriceSince> = desk.ask().get(&prices).await?;
    let mend = |form: Form| match refused {
        Some((which, problem, sent)) if form.id == which => form.refused(problem, sent),
        Some(_) | None => form,
    };
    let is_archived = product.status == ProductStatus::Archived;
    let mut sheet = Sheet::new(product.name.clone())
        .below("Products", HERE)
        .refused(refused.map(|(_, problem, _)| problem));
    sheet.badge = Some((
        view::words(product.status.as_str()),
        product.status.as_str(),
    ));
    if !is_archived {
        let form = edit_form(&product, &desk.categories().await);
        sheet = sheet.with([Block::Form(mend(form))]);
    }
    let further = if is_archived {
        Vec::new()
    } else {
        price_list::further(desk, &product).await
    };
    let sold = price_list::beside(variants::table(&product), &product, &further);
    sheet = sheet.with([
        Block::Table("What is sold".to_owned(), sold),
        Block::Table("Prices".to_owned(), price_table(&prices.data)),
    ]);
    if !is_archived {
        let forms = variants::forms(&product).into_iter();
        sheet = sheet.with(forms.map(|form| Block::Form(mend(form))));
    }
    let mut side = vec![facts(desk, &product)];
    if !product.images.is_empty() {
        let shots = product.images.iter().map(|image| shot(id, image));
        side.push(Block::Shots(shots.collect()));
    }
    if !is_archived {
        side.push(Block::Form(mend(upload_form(id))));
        side.push(Block::Form(mend(archive_form(&product))));
    }
    Ok(sheet.beside(side))
}

/// The form with all fields, and beside each what it was.
fn edit_form(product: &ProductView, categories: &[(String, String)]) -> Form {
    let form = Form::new("edit", format!("{HERE}/{}", product.id), "Save")
        .headed("Edit")
        .with(product_fields::edited(product, categories))
        .hiding("version", product.version.get())
        .hiding("currency", product.price.currency);
    versus::knowing(form)
}

fn upload_form(id: ProductId) -> Form {
    let mut form = Form::new("picture", format!("{HERE}/{id}/pictures"), "Add it")
        .headed("Add a picture")
        .folded()
        .with([
            Field::new("text", "alt", "What it shows, in words", "")
                .hint("For those who do not see it; empty where it adds nothing to the name"),
            Field::new("file", "file", "JPEG, PNG or WebP", "").required(),
        ]);
    form.is_multipart = true;
    form
}

fn archive_form(product: &ProductView) -> Form {
    Form::new(
        "archive",
        format!("{HERE}/{}/archive", product.id),
        "Archive it",
    )
    .headed("Take it off the shelves for good")
    .hiding("version", product.version.get())
    .confirmed("It never comes back; old orders keep it")
}

fn shot(id: ProductId, image: &ProductImage) -> Shot {
    let remove = Form::new(
        &format!("remove-{}", image.id),
        format!("{HERE}/{id}/pictures/{}/remove", image.id),
        "Take it away",
    );
    Shot {
        address: image.thumbnail.url.clone(),
        alt: image.alt.clone(),
        width: image.thumbnail.width,
        height: image.thumbnail.height,
        remove: remove.hiding("version", image.version.get()).quiet(),
    }
}

fn price_table(prices: &[PriceSince]) -> Table {
    let row = |price: &PriceSince| {
        vec![
            Cell::when(price.since),
            Cell::Number(view::money(price.price)),
        ]
    };
    Table {
        caption: "Prices that it had",
        columns: columns(&["Since", "#Price"]),
        rows: prices.iter().map(row).collect(),
        ..Table::default()
    }
}

fn facts(desk: Desk<'_>, product: &ProductView) -> Block {
    let stars = product.rating.average.map_or_else(
        || say("no reviews").to_owned(),
        |average| {
            say!(
                "{} of 5, {} reviews",
                view::decimal(average),
                product.rating.count
            )
        },
    );
    let said = match desk.is_admin() {
        true => Cell::link(stars, format!("{HERE}/{}/reviews", product.id)),
        false => Cell::text(stars),
    };
    Block::Facts(
        "The product".to_owned(),
        vec![
            (
                "In the shop".to_owned(),
                Cell::link(
                    say("its page"),
                    format!("/p/{}", view::encoded(&product.slug)),
                ),
            ),
            (
                "Version".to_owned(),
                Cell::text(product.version.get().to_string()),
            ),
            ("Made".to_owned(), Cell::when(product.created_at)),
            ("Changed".to_owned(), Cell::when(product.updated_at)),
            (
                "What changed".to_owned(),
                Cell::link(
                    say("prices, texts and stock"),
                    format!("{HERE}/{}/history", product.id),
                ),
            ),
            ("Buyers say".to_owned(), said),
            ("Id".to_owned(), Cell::code(product.id)),
        ],
    )
}

/// POST `/admin/products/{id}`.
pub(in crate::pages) async fn save(
    State(app): State<App>,
    visit: Visit,
    Path(id): Path<String>,
    Sent(fields): Sent<Fields>,
) -> Response {
    let desk = Desk::new(&app, &visit);
    let fields = versus::settled(fields);
    let done = async {
        let id = read(&id)?;
        saved(desk, id, &fields).await
    };
    desk.act(Who::Seller, &fields, done).await
}

async fn saved(desk: Desk<'_>, id: ProductId, fields: &Fields) -> Result<Done, Fault> {
    let here = format!("{HERE}/{id}");
    let change = match product_fields::changed(fields) {
        Ok(change) if change.is_empty() => return Ok(Done::at(&here, "same")),
        Ok(change) => change,
        Err(fault) => return wrong(desk, id, (fault, fields)).await,
    };
    let mut body = Value::Object(change);
    if let Some(body) = body.as_object_mut() {
        body.insert("version".to_owned(), json!(fields.number("version")?));
    }
    let path = api(&format!("products/{id}"), &[]);
    match desk.ask().send(Method::PATCH, &path, (&body, "")).await {
        Ok(_) => Ok(Done::at(&here, "saved")),
        Err(fault) if fault.0.code == Code::VersionConflict => conflict(desk, id, fields).await,
        Err(fault) => wrong(desk, id, (fault, fields)).await,
    }
}

async fn wrong(
    desk: Desk<'_>,
    id: ProductId,
    (fault, fields): (Fault, &Fields),
) -> Result<Done, Fault> {
    again(fault, |problem| async move {
        sheet(desk, id, Some(("edit", &problem, fields))).await
    })
    .await
}

/// What one changed beside what stands there now.
async fn conflict(desk: Desk<'_>, id: ProductId, fields: &Fields) -> Result<Done, Fault> {
    let product = mine(desk, id).await?;
    let now = product_fields::of(&product)
        .map(|(name, label)| (name.to_owned(), label.to_owned(), value_of(&product, name)));
    let edited = Edited {
        name: product.name.clone(),
        above: ("Products", HERE),
        here: format!("{HERE}/{id}"),
        decide: format!("{HERE}/{id}"),
        version: product.version,
        beside: vec![("currency", product.price.currency.code().to_owned())],
        now: now.collect(),
    };
    Ok(versus::conflict(edited, fields))
}

/// POST `/admin/products/{id}/archive`.
pub(in crate::pages) async fn archive(
    State(app): State<App>,
    visit: Visit,
    Path(id): Path<String>,
    Sent(fields): Sent<Fields>,
) -> Response {
    let (desk, fields) = (Desk::new(&app, &visit), &fields);
    let done = async {
        let id = read(&id)?;
        let version = fields.text("version");
        let path = api(&format!("products/{id}"), &[("version", version)]);
        let gone = gone(desk, &path, fields).await;
        answered(gone, Done::at(HERE, "archived"), |problem| async move {
            sheet(desk, id, Some(("archive", &problem, fields))).await
        })
        .await
    };
    desk.act(Who::Seller, fields, done).await
}
