//! Products, and a new one. Those who only sell are shown what is theirs.

use super::{
    Desk, Done, Fault, ROWS, Sheet, Who, again, api, csv,
    fields::Fields,
    parts::{Block, Cell, Form, Pages, Search, Tab, Table, columns, told},
    product_fields, steps,
};
use crate::words::say;
use crate::{
    App,
    pages::{frame::Visit, home::Picture},
    view,
};
use axum::{Form as Sent, extract::State, http::Method, response::Response};
use contracts::{
    catalog::{ProductStatus, ProductView},
    problem::Problem,
    values::Page,
};
use platform::http::Query;
use serde::Deserialize;

pub(super) const HERE: &str = "/admin/products";

/// What the address may carry.
#[derive(Debug, Default, Clone, Deserialize)]
#[serde(default)]
pub(in crate::pages) struct Wish {
    status: String,
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
            status: text("status"),
            q: text("q"),
            cursor: text("cursor"),
            trail: text("trail"),
            ..Self::default()
        }
    }

    /// Which list it is, and which page of it.
    pub(super) fn place(&self) -> [(&'static str, &str); 5] {
        [
            (steps::LIST, steps::OF_PRODUCTS),
            ("status", &self.status),
            ("q", &self.q),
            ("cursor", &self.cursor),
            ("trail", &self.trail),
        ]
    }
}

const TABS: [(&str, &str); 3] = [
    ("", "On sale"),
    ("draft", "Drafts"),
    ("archived", "Archived"),
];

/// GET `/admin/products`.
pub(in crate::pages) async fn show(
    State(app): State<App>,
    visit: Visit,
    Query(wish): Query<Wish>,
) -> Response {
    let desk = Desk::new(&app, &visit);
    desk.show(Who::Seller, sheet(desk, wish)).await
}

impl csv::List for Wish {
    const NAME: &'static str = "products";
    const WHO: Who = Who::Seller;

    async fn page(mut self, desk: Desk<'_>, from: String) -> Result<Sheet, Fault> {
        self.cursor = from;
        // A file has no tabs, so that nothing is counted for them.
        let table = table(&self, &listed(desk, &self).await?);
        Ok(Sheet::new(say("Products")).with([Block::Table(String::new(), table)]))
    }
}

/// A status that there is: an old address is no mistake of whoever follows it.
fn known(status: &str) -> &'static str {
    let status: Option<ProductStatus> = status.parse().ok();
    status.map_or("", ProductStatus::as_str)
}

/// The products of a page.
async fn listed(desk: Desk<'_>, wish: &Wish) -> Result<Page<ProductView>, Fault> {
    let path = api(
        "products",
        &[
            ("status", known(&wish.status)),
            ("q", wish.q.trim()),
            ("cursor", &wish.cursor),
            ("limit", ROWS),
        ],
    );
    let mut found: Page<ProductView> = desk.ask().get(&path).await?;
    // What is on sale is listed to everybody; this list is of what one may change.
    found
        .data
        .retain(|product| desk.may_change(product.owner_id));
    Ok(found)
}

/// What may be changed by whoever sits here, counted: as far as words are looked for, of what they find. The catalog
/// has all products in memory, and what is low has rows of its own.
async fn tabs(desk: Desk<'_>, wish: &Wish) -> Result<Vec<Tab>, Fault> {
    let q = Some(wish.q.trim().to_owned()).filter(|q| !q.is_empty());
    let counts = desk.app.catalog.product_counts(desk.who()?, q).await?;
    let stock = desk.app.catalog.inventory_counts(desk.who()?).await?;
    let word = known(&wish.status);
    let tabs = TABS.iter().map(|(value, title)| {
        let count = match *value {
            "draft" => counts.draft,
            "archived" => counts.archived,
            _ => counts.active,
        };
        Tab {
            title: (*title).to_owned(),
            href: view::address(HERE, &[("status", value), ("q", &wish.q)]),
            count: view::grouped(&count.to_string()),
            is_current: *value == word || (value.is_empty() && word == "active"),
        }
    });
    let low = Tab {
        title: "Low in stock".to_owned(),
        href: "/admin/inventory?low=true".to_owned(),
        count: told(stock.low),
        is_current: false,
    };
    Ok(tabs.chain([low]).collect())
}

pub(super) async fn sheet(desk: Desk<'_>, wish: Wish) -> Result<Sheet, Fault> {
    let found = listed(desk, &wish).await?;
    let tabs = tabs(desk, &wish).await?;
    let flash = if wish.flash == "archived" {
        "It is archived. Old orders keep it."
    } else {
        ""
    };
    let place = wish.place();
    let (said, back) = match steps::just_now(desk, (&wish.moved, &place)).await {
        Some((said, back)) => (said, back),
        None => (flash.to_owned(), None),
    };
    let sheet = Sheet::new(say("Products")).says(&said).with(back).with([
        Block::Links(vec![("A new product".to_owned(), format!("{HERE}/new"))]),
        Block::Tabs("Products by where they stand", tabs),
        Block::Search(Search {
            action: HERE,
            label: "Words of a product, or its SKU",
            value: wish.q.clone(),
            hidden: vec![("status".to_owned(), known(&wish.status).to_owned())],
        }),
        Block::Table(String::new(), table(&wish, &found)),
    ]);
    Ok(sheet)
}

fn table(wish: &Wish, found: &Page<ProductView>) -> Table {
    Table {
        caption: "Products",
        columns: columns(&[
            "~Picture",
            "Product",
            "SKU",
            "Category",
            "Status",
            "#Variants",
            "#Available",
            "~Change",
            "#Price",
        ]),
        rows: found.data.iter().map(row).collect(),
        empty: if found.next_cursor.is_some() {
            "Nothing on this page is yours. The next page may have some.".to_owned()
        } else if wish.q.is_empty() {
            "There is nothing here yet. Make a new product, or import many with souk import."
                .to_owned()
        } else {
            "Nothing found. Try fewer words, or only the beginning of one.".to_owned()
        },
        bulk: Some(Box::new(steps::around(&wish.place()))),
        ..Table::default()
    }
    .paged(
        HERE,
        &[("status", &wish.status), ("q", &wish.q)],
        Pages {
            asked: &wish.cursor,
            trail: &wish.trail,
            next: found.next_cursor.as_ref(),
        },
    )
    .filed(HERE, &[("status", &wish.status), ("q", &wish.q)])
}

fn row(product: &ProductView) -> Vec<Cell> {
    let left = product.stock.available;
    let available = view::badge(product.stock);
    let picture = Picture::small(product).map(|picture| Cell::Picture(picture.address));
    vec![
        picture.unwrap_or_else(|| Cell::text("")),
        Cell::link(product.name.clone(), format!("{HERE}/{}", product.id)),
        Cell::code(&product.sku),
        Cell::text(product.category.clone().unwrap_or_default()),
        Cell::status(product.status.as_str()),
        Cell::number(product.variants.len()),
        if available.is_empty() {
            Cell::number(left)
        } else {
            Cell::Badge(available, if left > 0 { "low" } else { "cancelled" })
        },
        // Of several variants each has its own, on the product's page.
        match product.variants.as_slice() {
            [only] => Cell::Steps(only.id.to_string(), product.sku.to_string()),
            _ => Cell::text(""),
        },
        Cell::Number(view::money(product.price)),
    ]
}

/// GET `/admin/products/new`.
pub(in crate::pages) async fn fresh(State(app): State<App>, visit: Visit) -> Response {
    let desk = Desk::new(&app, &visit);
    let sheet = async { blank(desk, None).await };
    desk.show(Who::Seller, sheet).await
}

async fn blank(desk: Desk<'_>, refused: Option<(&Problem, &Fields)>) -> Result<Sheet, Fault> {
    let fields = product_fields::fresh(&desk.categories().await);
    let mut form = Form::new("product", format!("{HERE}/new"), "Make it").with(fields);
    if let Some((problem, sent)) = refused {
        form = form.refused(problem, sent);
    }
    let sheet = Sheet::new(say("A new product"))
        .below("Products", HERE)
        .refused(refused.map(|(problem, _)| problem));
    Ok(sheet.with([Block::Form(form)]))
}

/// POST `/admin/products/new`.
pub(in crate::pages) async fn make(
    State(app): State<App>,
    visit: Visit,
    Sent(fields): Sent<Fields>,
) -> Response {
    let desk = Desk::new(&app, &visit);
    desk.act(Who::Seller, &fields, made(desk, &fields)).await
}

async fn made(desk: Desk<'_>, fields: &Fields) -> Result<Done, Fault> {
    let sent = match product_fields::whole(fields) {
        Ok(body) => {
            let key = fields.text("key");
            let path = api("products", &[]);
            desk.ask().send(Method::POST, &path, (&body, key)).await
        }
        Err(fault) => Err(fault),
    };
    match sent {
        Ok(reply) => {
            let product: ProductView = reply.read()?;
            Ok(Done::at(&format!("{HERE}/{}", product.id), "made"))
        }
        Err(fault) => {
            again(fault, |problem| async move {
                blank(desk, Some((&problem, fields))).await
            })
            .await
        }
    }
}
