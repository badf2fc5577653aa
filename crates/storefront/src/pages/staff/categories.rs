//! The tree of categories: what each is called, where it lies, and what is new or goes. Which of that may be is the
//! catalog's to decide: a page shows what it refused.

use super::{
    Desk, Done, Fault, Sheet, Who, again, answered, api,
    fields::Fields,
    gone,
    parts::{Block, Cell, Field, Form, Table, columns},
    sentence_of,
    versus::{self, Edited},
};
use crate::words::say;
use crate::{
    App,
    pages::frame::{self, Visit},
    view,
};
use axum::{
    Form as Sent, Router,
    extract::{Path, State},
    http::Method,
    response::Response,
    routing::{get, post},
};
use contracts::{
    catalog::{CategoryView, Facets},
    problem::{Code, Problem},
    values::Page,
};
use platform::http::Query;
use serde::Deserialize;
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;

const HERE: &str = "/admin/categories";
/// Levels of the tree that a list tells apart: deeper ones stand below each other.
const LEVELS_MAX: usize = 8;

/// Categories of which the catalog says how many products are in them.
const TOLD_MAX: usize = 100;

/// What the address may carry.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Wish {
    flash: String,
}

const FLASHES: &[(&str, &str)] = &[
    (
        "made",
        "It is made. Products come into it on their own pages.",
    ),
    ("saved", "Saved."),
    ("same", "Nothing was to be saved: it is all as it was."),
    ("removed", "It is taken away."),
];

pub(super) fn routes() -> Router<App> {
    Router::new()
        .route("/admin/categories", get(show).post(make))
        .route("/admin/categories/{id}", get(one).post(save))
        .route("/admin/categories/{id}/remove", post(remove))
}

/// A form that was refused: its id, why, and what it said.
type Refused<'f> = Option<(&'static str, &'f Problem, &'f Fields)>;

fn mend(form: Form, refused: Refused<'_>) -> Form {
    match refused {
        Some((which, problem, sent)) if form.id == which => form.refused(problem, sent),
        Some(_) | None => form,
    }
}

/// GET `/admin/categories`.
async fn show(State(app): State<App>, visit: Visit, Query(wish): Query<Wish>) -> Response {
    let desk = Desk::new(&app, &visit);
    let sheet = async { Ok(list(desk, None).await?.says(&said(&wish))) };
    desk.show(Who::Admin, sheet).await
}

fn said(wish: &Wish) -> String {
    sentence_of(&wish.flash, FLASHES)
}

async fn all(desk: Desk<'_>) -> Result<Vec<CategoryView>, Fault> {
    let found: Page<CategoryView> = desk.ask().get(&api("categories", &[])).await?;
    Ok(found.data)
}

async fn list(desk: Desk<'_>, refused: Refused<'_>) -> Result<Sheet, Fault> {
    let all = all(desk).await?;
    let counted: Facets = desk.ask().get(&api("products/facets", &[])).await?;
    let row = |(level, one): (usize, &CategoryView)| {
        vec![
            Cell::link(indented(level, &one.name), address(one)),
            Cell::code(&one.slug),
            on_sale(&counted, &one.slug),
            Cell::link(say("its page"), frame::shelf_address(&one.slug)),
        ]
    };
    let table = Table {
        caption: "Categories, each behind the one it lies in",
        columns: columns(&[
            "Name",
            "Address of its page",
            "#On sale in and below it",
            "In the shop",
        ]),
        rows: in_order(&all).into_iter().map(row).collect(),
        empty: "There are no categories yet. Make one, and choose it on a product's page."
            .to_owned(),
        ..Table::default()
    };
    let form = Form::new("new", HERE, "Make it")
        .headed("A new category")
        .with(fields(None, &all));
    Ok(Sheet::new(say("Categories"))
        .refused(refused.map(|(_, problem, _)| problem))
        .with([Block::Table(String::new(), table)])
        .beside([Block::Form(mend(form, refused))]))
}

/// How many products of a category, and of what lies below it, are on sale. The catalog tells of the fullest ones.
fn on_sale(counted: &Facets, slug: &str) -> Cell {
    let told = counted.categories.iter().find(|one| one.slug == slug);
    match told {
        Some(told) => Cell::number(told.count),
        None if counted.categories.len() < TOLD_MAX => Cell::number(0),
        None => Cell::text(""),
    }
}

/// Its page here.
fn address(one: &CategoryView) -> String {
    format!("{HERE}/{}", one.id)
}

fn indented(level: usize, name: &str) -> String {
    format!("{}{name}", "– ".repeat(level.min(LEVELS_MAX)))
}

/// All of them, each behind the one it lies in, with how deep that is.
fn in_order(all: &[CategoryView]) -> Vec<(usize, &CategoryView)> {
    let mut inside: BTreeMap<Option<&str>, Vec<&CategoryView>> = BTreeMap::new();
    for one in all {
        inside.entry(one.parent.as_deref()).or_default().push(one);
    }
    let mut found = Vec::with_capacity(all.len());
    let top = inside.remove(&None).unwrap_or_default();
    let mut open: Vec<_> = top.into_iter().rev().map(|one| (0_usize, one)).collect();
    while let Some((level, one)) = open.pop() {
        found.push((level, one));
        let next = inside.remove(&Some(one.slug.as_str())).unwrap_or_default();
        let next = next.into_iter().rev();
        open.extend(next.map(|one| (level.saturating_add(1), one)));
    }
    found
}

/// The fields of a category, or of one that is yet to be made.
fn fields(found: Option<&CategoryView>, all: &[CategoryView]) -> [Field; 3] {
    let of = |text: fn(&CategoryView) -> &str| found.map_or("", text);
    let names: Vec<(&str, String)> = in_order(all)
        .into_iter()
        .filter(|(_, one)| found.is_none_or(|found| found.id != one.id))
        .map(|(level, one)| (one.slug.as_str(), indented(level, &one.name)))
        .collect();
    let mut above = vec![("", say("none: it stands at the top"))];
    above.extend(names.iter().map(|(slug, name)| (*slug, name.as_str())));
    let slug = Field::new(
        "text",
        "slug",
        "Address of its page",
        of(|one| one.slug.as_str()),
    );
    [
        Field::new("text", "name", "Name", of(|one| one.name.as_str())).required(),
        match found {
            Some(_) => slug.required(),
            None => slug.hint("Made of the name, when empty"),
        },
        Field::select(
            "parent",
            "Lies in",
            of(|one| one.parent.as_deref().unwrap_or_default()),
            &above,
        ),
    ]
}

/// POST `/admin/categories`.
async fn make(State(app): State<App>, visit: Visit, Sent(fields): Sent<Fields>) -> Response {
    let (desk, fields) = (Desk::new(&app, &visit), &fields);
    let done = async {
        let body = json!({
            "name": fields.text("name"), "slug": fields.given("slug"), "parent": fields.given("parent"),
        });
        let wish = (&body, fields.text("key"));
        let path = api("categories", &[]);
        let sent = desk.ask().send(Method::POST, &path, wish).await;
        answered(sent, Done::at(HERE, "made"), |problem| async move {
            list(desk, Some(("new", &problem, fields))).await
        })
        .await
    };
    desk.act(Who::Admin, fields, done).await
}

/// GET `/admin/categories/{id}`.
async fn one(
    State(app): State<App>,
    visit: Visit,
    Path(id): Path<String>,
    Query(wish): Query<Wish>,
) -> Response {
    let desk = Desk::new(&app, &visit);
    let sheet = async { Ok(sheet(desk, &id, None).await?.says(&said(&wish))) };
    desk.show(Who::Admin, sheet).await
}

/// The one of this id, and the list that it is in.
async fn find(desk: Desk<'_>, id: &str) -> Result<(CategoryView, Vec<CategoryView>), Fault> {
    let all = all(desk).await?;
    let found = all.iter().find(|one| one.id.to_string() == id).cloned();
    Ok((found.ok_or_else(|| Fault::new(Code::NotFound))?, all))
}

async fn sheet(desk: Desk<'_>, id: &str, refused: Refused<'_>) -> Result<Sheet, Fault> {
    let (found, all) = find(desk, id).await?;
    let here = address(&found);
    let edit = Form::new("edit", here.as_str(), "Save")
        .with(fields(Some(&found), &all))
        .hiding("version", found.version.get());
    let remove = Form::new("remove", format!("{here}/remove"), "Take it away")
        .headed("Take it away")
        .hiding("version", found.version.get())
        .confirmed("It holds nothing, and its page is to be gone");
    let shelf = frame::shelf_address(&found.slug);
    Ok(Sheet::new(found.name.clone())
        .below("Categories", HERE)
        .refused(refused.map(|(_, problem, _)| problem))
        .with([Block::Form(mend(versus::knowing(edit), refused))])
        .beside([
            Block::Facts(
                "The category".to_owned(),
                vec![
                    ("In the shop".to_owned(), Cell::link(say("its page"), shelf)),
                    ("Version".to_owned(), Cell::number(found.version.get())),
                    ("Id".to_owned(), Cell::code(found.id)),
                ],
            ),
            Block::Form(mend(remove, refused)),
        ]))
}

/// POST `/admin/categories/{id}`.
async fn save(
    State(app): State<App>,
    visit: Visit,
    Path(id): Path<String>,
    Sent(fields): Sent<Fields>,
) -> Response {
    let desk = Desk::new(&app, &visit);
    let fields = versus::settled(fields);
    desk.act(Who::Admin, &fields, saved(desk, &id, &fields))
        .await
}

/// What was typed otherwise than it stood there, as the API takes it.
fn changed(fields: &Fields) -> Map<String, Value> {
    let names = ["name", "slug", "parent"].into_iter();
    let differ = names.filter(|name| versus::is_changed(fields, name));
    let said = differ.map(|name| {
        let value = match name {
            "parent" => json!(fields.given(name)),
            _ => json!(fields.text(name)),
        };
        (name.to_owned(), value)
    });
    said.collect()
}

async fn saved(desk: Desk<'_>, id: &str, fields: &Fields) -> Result<Done, Fault> {
    let here = format!("{HERE}/{}", view::encoded(id));
    let mut change = changed(fields);
    if change.is_empty() {
        return Ok(Done::at(&here, "same"));
    }
    change.insert("version".to_owned(), json!(fields.number("version")?));
    let path = api(&format!("categories/{}", view::encoded(id)), &[]);
    let body = Value::Object(change);
    match desk.ask().send(Method::PATCH, &path, (&body, "")).await {
        Ok(_) => Ok(Done::at(&here, "saved")),
        Err(fault) if fault.0.code == Code::VersionConflict => conflict(desk, id, fields).await,
        Err(fault) => wrong(desk, id, ("edit", fault, fields)).await,
    }
}

async fn wrong(
    desk: Desk<'_>,
    id: &str,
    (form, fault, fields): (&'static str, Fault, &Fields),
) -> Result<Done, Fault> {
    again(fault, |problem| async move {
        sheet(desk, id, Some((form, &problem, fields))).await
    })
    .await
}

/// What one changed beside what stands there now.
async fn conflict(desk: Desk<'_>, id: &str, typed: &Fields) -> Result<Done, Fault> {
    let (found, all) = find(desk, id).await?;
    let here = address(&found);
    let edited = Edited {
        name: found.name.clone(),
        above: ("Categories", HERE),
        here: here.clone(),
        decide: here,
        version: found.version,
        beside: Vec::new(),
        now: versus::now(&fields(Some(&found), &all)),
    };
    Ok(versus::conflict(edited, typed))
}

/// POST `/admin/categories/{id}/remove`.
async fn remove(
    State(app): State<App>,
    visit: Visit,
    Path(id): Path<String>,
    Sent(fields): Sent<Fields>,
) -> Response {
    let desk = Desk::new(&app, &visit);
    let done = async {
        let path = format!("categories/{}", view::encoded(&id));
        let path = api(&path, &[("version", fields.text("version"))]);
        match gone(desk, &path, &fields).await {
            Ok(()) => Ok(Done::at(HERE, "removed")),
            Err(fault) => wrong(desk, &id, ("remove", fault, &fields)).await,
        }
    };
    desk.act(Who::Admin, &fields, done).await
}

#[cfg(test)]
mod tests {
    use super::*;
    use contracts::values::{CategoryId, Version};

    fn lying(slug: &str, parent: Option<&str>) -> CategoryView {
        CategoryView {
            id: CategoryId::generate(),
            slug: slug.to_owned(),
            name: slug.to_uppercase(),
            parent: parent.map(str::to_owned),
            version: Version::FIRST,
        }
    }

    #[test]
    fn each_stands_behind_the_one_it_lies_in() {
        // As the API lists them: by level, then by name.
        let all = [
            lying("home", None),
            lying("tea", None),
            lying("green", Some("tea")),
            lying("lamps", Some("home")),
            lying("oolong", Some("tea")),
            lying("rare", Some("green")),
        ];
        let found: Vec<_> = in_order(&all)
            .into_iter()
            .map(|(level, one)| indented(level, &one.slug))
            .collect();
        let expected = ["home", "– lamps", "tea", "– green", "– – rare", "– oolong"];
        assert_eq!(found, expected);
        let [.., parent] = fields(all.first(), &all);
        let offered = parent.choices.iter().map(|choice| choice.value.as_str());
        let offered: Vec<_> = offered.collect();
        assert_eq!(offered, ["", "lamps", "tea", "green", "rare", "oolong"]);
    }

    #[test]
    fn only_what_was_typed_otherwise_is_sent_and_the_top_is_no_parent() {
        let sent = |pairs: &[(&str, &str)]| {
            let pair = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
            changed(&Fields(pairs.iter().map(pair).collect()))
        };
        let same = sent(&[("name", "Tea"), ("was.name", "Tea")]);
        assert!(same.is_empty(), "{same:?}");
        let up = sent(&[
            ("name", "Tea"),
            ("was.name", "Tea"),
            ("parent", ""),
            ("was.parent", "a"),
        ]);
        assert_eq!(Value::Object(up), json!({"parent": null}));
    }
}
