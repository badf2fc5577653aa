//! Discounts: with a code or by themselves, off goods or shipping, for some products, with something bought for it.

use super::{
    Desk, Fault, ROWS, Sheet, Who, api, csv,
    fields::{Fields, invalid},
    parts::{Block, Cell, Field, Pages, Tab, Table, columns, together, told},
    pricing::{
        Kind, Priced, Refused, Thing, Typed, currency_of, decimal, inner, is_active, parts_of,
        percent, text,
    },
    product_fields::{minutes, moment},
    versus,
};
use crate::words::say;
use crate::{App, pages::frame::Visit, view};
use axum::{extract::State, response::Response};
use contracts::{
    catalog::ProductView,
    orders::DiscountView,
    values::{CategoryId, Page, ProductId},
};
use futures_util::future::join_all;
use platform::http::Query;
use serde::Deserialize;
use serde_json::{Value, json};

/// What the address may carry.
#[derive(Debug, Default, Clone, Deserialize)]
#[serde(default)]
pub(in crate::pages) struct Wish {
    show: String,
    cursor: String,
    trail: String,
    flash: String,
}

/// Digits of a percent behind the point: the API counts in hundredths.
const DIGITS: u32 = 2;
/// Products whose names are looked up beside the form.
const NAMED_MAX: usize = 20;
/// Where products and categories are named: the field, and how the API calls it.
const SELECTIONS: [(&str, &str); 4] = [
    ("only/products", "products"),
    ("only/categories", "categories"),
    ("buy/of/products", "products"),
    ("buy/of/categories", "categories"),
];

const KIND: Kind = Kind {
    api: "discounts",
    here: "/admin/discounts",
    name: "Discounts",
    one: "A new discount",
    shown,
    set,
    renamed: &[("/basis_points", "/percent")],
};

/// The tabs: a word in the address, its title, and what the API calls it.
const TABS: [(&str, &str, &str); 3] = [
    ("", "All", ""),
    ("given", "Given", "true"),
    ("ended", "Ended", "false"),
];

/// GET `/admin/discounts`.
pub(in crate::pages) async fn show(
    State(app): State<App>,
    visit: Visit,
    Query(wish): Query<Wish>,
) -> Response {
    let desk = Desk::new(&app, &visit);
    let sheet = async {
        let (current, table) = rows(desk, &wish).await?;
        Ok(Sheet::new(say(KIND.name)).saved(&wish.flash).with([
            KIND.link(),
            tabs(desk, current).await?,
            Block::Table(String::new(), table),
        ]))
    };
    desk.show(Who::Admin, sheet).await
}

impl csv::List for Wish {
    const NAME: &'static str = "discounts";
    const WHO: Who = Who::Admin;

    async fn page(mut self, desk: Desk<'_>, from: String) -> Result<Sheet, Fault> {
        self.cursor = from;
        // A file has no tabs, so that nothing is counted for them.
        let (_, table) = rows(desk, &self).await?;
        Ok(Sheet::new(say(KIND.name)).with([Block::Table(String::new(), table)]))
    }
}

/// The word of the tab that is chosen, and its discounts.
async fn rows(desk: Desk<'_>, wish: &Wish) -> Result<(&'static str, Table), Fault> {
    let chosen = TABS.iter().find(|(word, ..)| *word == wish.show);
    let (current, _, active) = chosen.copied().unwrap_or_default();
    let asked = [
        ("active", active),
        ("cursor", &wish.cursor),
        ("limit", ROWS),
    ];
    let found: Page<DiscountView> = desk.ask().get(&api(KIND.api, &asked)).await?;
    let pages = Pages {
        asked: &wish.cursor,
        trail: &wish.trail,
        next: found.next_cursor.as_ref(),
    };
    let table = Table {
        caption: "Discounts by their code",
        columns: columns(&["Code", "Takes off", "From", "Until", "#Used", "Status"]),
        rows: found.data.iter().map(row).collect(),
        empty: if current.is_empty() {
            "There are no discounts yet. Make one, and tell somebody its code.".to_owned()
        } else {
            "No discount stands so. Look at all of them.".to_owned()
        },
        ..Table::default()
    };
    let kept = [("show", current)];
    let table = table.paged(KIND.here, &kept, pages).filed(KIND.here, &kept);
    Ok((current, table))
}

async fn tabs(desk: Desk<'_>, current: &str) -> Result<Block, Fault> {
    let counts = desk.app.orders.discount_counts(desk.who()?).await?;
    let both = [counts.given, counts.ended];
    let tab = |(word, title, _): &(&str, &str, &str)| Tab {
        title: (*title).to_owned(),
        href: view::address(KIND.here, &[("show", word)]),
        count: match *word {
            "given" => told(counts.given),
            "ended" => told(counts.ended),
            _ => together(both.map(|one| (one.count, one.is_more))),
        },
        is_current: *word == current,
    };
    let tabs = TABS.iter().map(tab).collect();
    Ok(Block::Tabs("Discounts by whether they are given", tabs))
}

fn row(discount: &DiscountView) -> Vec<Cell> {
    let off = match (discount.basis_points, discount.amount) {
        (Some(points), _) => format!("{} %", percent(points, DIGITS)),
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
            format!("{}/{}", KIND.here, discount.id),
        ),
        Cell::text(off),
        Cell::maybe_when(discount.starts_at),
        Cell::maybe_when(discount.ends_at),
        Cell::Number(used),
        given(discount.active),
    ]
}

/// Whether something is given, or can be chosen.
pub(super) fn given(active: bool) -> Cell {
    if active {
        Cell::Badge("Given".to_owned(), "paid")
    } else {
        Cell::Badge("Ended".to_owned(), "cancelled")
    }
}

const BY: [(&str, &str); 2] = [
    ("", "to whoever names its code"),
    ("yes", "by itself, to every order that it fits"),
];
const OFF: [(&str, &str); 2] = [("goods", "the goods"), ("shipping", "the shipping")];

fn shown(found: &Thing) -> Vec<Field> {
    let area = |(name, label): (&str, &str)| {
        let ids = found.get(name.split('/').next().unwrap_or_default());
        let mut inside = ids;
        for part in name.split('/').skip(1) {
            inside = inside.and_then(|inside| inside.get(part));
        }
        let ids = inside.and_then(Value::as_array).map(Vec::as_slice);
        let ids: Vec<&str> = ids
            .unwrap_or_default()
            .iter()
            .filter_map(Value::as_str)
            .collect();
        Field::new("area", name, label, ids.join("\n"))
            .hint("An id, or the last part of its page's address, a line; all when empty")
    };
    let mut fields = Vec::new();
    if found.is_empty() {
        let code = Field::new("text", "code", "Code", "").required();
        fields.push(code.hint("3 to 40 letters, digits, - and _; it stays what it is"));
    }
    fields.push(
        Field::new("text", "name", "Name", text(found, "name"))
            .hint("What buyers read instead of the code"),
    );
    fields.extend(what_is_taken_off(found));
    fields.extend([
        area(("only/products", "Only off these products")),
        area(("only/categories", "Only off products of these categories")),
    ]);
    fields.extend(what_is_bought(found));
    fields.extend([
        area(("buy/of/products", "They are bought of these products")),
        area(("buy/of/categories", "Or of these categories")),
    ]);
    fields.extend(when_and_how_often(found));
    fields
}

fn what_is_taken_off(found: &Thing) -> [Field; 6] {
    let off = found.get("basis_points").and_then(Value::as_u64);
    let off = off.and_then(|off| u32::try_from(off).ok());
    let off = off.map_or_else(String::new, |off| percent(off, DIGITS));
    let is_automatic = found.get("automatic").and_then(Value::as_bool) == Some(true);
    let automatic = if is_automatic { "yes" } else { "" };
    let takes_off = match text(found, "takes_off") {
        empty if empty.is_empty() => "goods".to_owned(),
        word => word,
    };
    [
        Field::select(
            "automatic",
            "It is given",
            automatic,
            &BY.map(|(value, words)| (value, say(words))),
        ),
        Field::select(
            "takes_off",
            "It is taken off",
            &takes_off,
            &OFF.map(|(value, words)| (value, say(words))),
        ),
        Field::new("text", "percent", "Percent that is taken off", off),
        Field::new("text", "amount", "Or an amount", decimal(found, "amount")),
        Field::new(
            "text",
            "minimum",
            "Lines must cost at least",
            decimal(found, "minimum"),
        ),
        Field::new(
            "text",
            "currency",
            "Currency of the amounts",
            currency_of(found, &["amount", "minimum"]),
        )
        .hint("Three letters, where there is an amount"),
    ]
}

fn what_is_bought(found: &Thing) -> [Field; 3] {
    let none = Thing::new();
    let buy = inner(found, "buy").unwrap_or(&none);
    let number = |name: &str, label| {
        let member = name.strip_prefix("buy/").unwrap_or(name);
        Field::new("number", name, label, text(buy, member))
    };
    [
        number("buy/quantity", "Units that must be bought for it each time")
            .hint("Empty where nothing must be"),
        number("buy/get", "Units that are got for less each time"),
        number("buy/times_max", "How many times an order at most"),
    ]
}

fn when_and_how_often(found: &Thing) -> [Field; 5] {
    let at = |name: &str| {
        let at = found.get(name).cloned();
        minutes(at.and_then(|at| serde_json::from_value(at).ok()))
    };
    let number = |name, label| Field::new("number", name, label, text(found, name));
    [
        Field::new("datetime-local", "starts_at", "From (UTC)", at("starts_at")),
        Field::new("datetime-local", "ends_at", "Until (UTC)", at("ends_at")),
        number("uses_max", "In how many orders at most")
            .hint("Whether there is such a limit stays; how high it is may change"),
        number("customer_uses_max", "In how many of one customer"),
        Field::check("active", "It is given", is_active(found))
            .hint("Without the tick it has ended; orders that have it keep it"),
    ]
}

fn set(typed: &Typed<'_>, discount: &mut Thing) -> Result<(), Fault> {
    let mut set = |name: &str, value: Value| drop(discount.insert(name.to_owned(), value));
    for name in ["code", "name"] {
        if typed.changes(&[name]) {
            set(name, json!(typed.given(name)));
        }
    }
    if typed.changes(&["automatic"]) {
        set("automatic", json!(typed.given("automatic").is_some()));
    }
    if typed.changes(&["takes_off"]) {
        set("takes_off", json!(typed.given("takes_off")));
    }
    if typed.changes(&["percent"]) {
        let off = match typed.given("percent") {
            Some(text) => {
                let points = parts_of(text, DIGITS);
                json!(points.ok_or_else(|| invalid("percent", "is none: as 10 or 12.5"))?)
            }
            None => Value::Null,
        };
        set("basis_points", off);
    }
    for name in ["amount", "minimum"] {
        if typed.changes(&[name, "currency"]) {
            set(name, typed.money(name, typed.text("currency"))?);
        }
    }
    for name in ["starts_at", "ends_at"] {
        if typed.changes(&[name]) {
            set(name, moment(typed.text(name)));
        }
    }
    for name in ["uses_max", "customer_uses_max"] {
        if typed.changes(&[name]) {
            set(name, typed.number(name)?);
        }
    }
    if typed.changes(&["active"]) {
        set("active", json!(typed.is_ticked("active")));
    }
    if typed.changes(&["only/products", "only/categories"]) {
        set("only", selection(typed, "only").unwrap_or_default());
    }
    if typed.changes(&BOUGHT) {
        set("buy", bought(typed)?);
    }
    Ok(())
}

const BOUGHT: [&str; 5] = [
    "buy/quantity",
    "buy/get",
    "buy/times_max",
    "buy/of/products",
    "buy/of/categories",
];

fn bought(typed: &Typed<'_>) -> Result<Value, Fault> {
    if BOUGHT.iter().all(|name| typed.given(name).is_none()) {
        return Ok(Value::Null);
    }
    for name in ["buy/quantity", "buy/get"] {
        if typed.given(name).is_none() {
            return Err(invalid(name, "is missing: how many are bought, and got?"));
        }
    }
    Ok(json!({
        "quantity": typed.number("buy/quantity")?,
        "of": selection(typed, "buy/of").unwrap_or_else(|| json!({})),
        "get": typed.number("buy/get")?,
        "times_max": typed.number("buy/times_max")?,
    }))
}

/// Products and categories, or none where no line names any.
fn selection(typed: &Typed<'_>, root: &str) -> Option<Value> {
    let products = typed.lines(&format!("{root}/products"));
    let categories = typed.lines(&format!("{root}/categories"));
    let is_any = !products.is_empty() || !categories.is_empty();
    is_any.then(|| json!({"products": products, "categories": categories}))
}

/// Reads the last part of an address as the id that the API wants.
async fn with_ids(desk: Desk<'_>, mut fields: Fields) -> Result<Fields, Fault> {
    for (name, what) in SELECTIONS {
        if !versus::is_changed(&fields, name) {
            continue;
        }
        let said = versus::said(&fields, name);
        let mut ids = Vec::new();
        for line in said.lines().map(str::trim).filter(|line| !line.is_empty()) {
            let id = match what {
                "products" => product_id(desk, line).await,
                _ => category_id(desk, line).await,
            };
            let id = id.ok_or_else(|| invalid(name, &say!("names none: {}", line)))?;
            ids.push(id);
        }
        if let Some((_, value)) = fields.0.iter_mut().find(|(known, _)| known == name) {
            *value = ids.join("\n");
        }
    }
    Ok(fields)
}

async fn product_id(desk: Desk<'_>, line: &str) -> Option<String> {
    if line.parse::<ProductId>().is_ok() {
        return Some(line.to_owned());
    }
    let path = api(&format!("products/{}", view::encoded(line)), &[]);
    let found: Result<ProductView, Fault> = desk.ask().get(&path).await;
    found.ok().map(|product| product.id.to_string())
}

async fn category_id(desk: Desk<'_>, line: &str) -> Option<String> {
    if line.parse::<CategoryId>().is_ok() {
        return Some(line.to_owned());
    }
    let all = desk.app.catalog.categories().await.ok()?;
    let found = all.into_iter().find(|one| one.slug == line);
    found.map(|one| one.id.to_string())
}

/// What the ids in the form are of.
async fn named(desk: Desk<'_>, found: &Thing) -> Option<Block> {
    let fields = shown(found);
    let of = |what: &str| {
        let areas = SELECTIONS.iter().filter(|(_, of)| *of == what);
        let areas = areas.filter_map(|(name, _)| fields.iter().find(|field| field.name == *name));
        let lines = areas.flat_map(|field| field.value.lines());
        lines.map(str::to_owned).collect::<Vec<_>>()
    };
    let products = of("products")
        .into_iter()
        .take(NAMED_MAX)
        .map(|id| async move {
            let path = api(&format!("products/{}", view::encoded(&id)), &[]);
            let product: Result<ProductView, Fault> = desk.ask().get(&path).await;
            // Whatever is sold no more has no page, and stays named by its id.
            product.map_or_else(
                |_| (id.clone(), Cell::code(&id)),
                |product| {
                    let page = format!("/admin/products/{}", product.id);
                    (product.name, Cell::link("its page", page))
                },
            )
        });
    let mut facts = join_all(products).await;
    let categories = of("categories");
    if !categories.is_empty() {
        let all = desk.app.catalog.categories().await.unwrap_or_default();
        let named = all
            .into_iter()
            .filter(|one| categories.contains(&one.id.to_string()));
        facts.extend(named.map(|one| (one.name, Cell::text("a category"))));
    }
    (!facts.is_empty()).then(|| Block::Facts("It names".to_owned(), facts))
}

/// Discounts, each with its page.
pub(super) struct Discounts;

impl Priced for Discounts {
    const KIND: Kind = KIND;

    async fn sheet(desk: Desk<'_>, id: &str, refused: Refused<'_>) -> Result<Sheet, Fault> {
        let sheet = KIND.sheet(desk, id, refused).await?;
        let found = KIND.find(desk, id).await?;
        Ok(sheet.beside(named(desk, &found).await))
    }

    async fn read(desk: Desk<'_>, fields: Fields) -> Result<Fields, Fault> {
        with_ids(desk, fields).await
    }
}
