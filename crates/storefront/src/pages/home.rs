//! The first page, which is also search and category: one list, one order, one cursor.
//! Command lines that do not ask for HTML learn in plain text what runs here.

use super::{
    frame::{self, Frame, Framed, Shelf, Visit, html, shelf_address},
    problems,
};
use crate::{App, view};
use askama::Template;
use axum::{
    extract::State,
    http::{StatusCode, header},
    response::{IntoResponse, Response},
};
use contracts::{
    catalog::{ProductQuery, ProductSort, ProductView},
    values::PageSize,
};
use platform::http::{Fault, Query};
use serde::Deserialize;

/// Rows of a page: full rows of two, three, four and six cards.
const PAGE_ROWS: u32 = 24;

/// What the address may carry; anything else (a campaign's tracking words) is not looked at.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Wish {
    q: String,
    category: String,
    sort: String,
    cursor: String,
}

/// A product as a card.
pub(super) struct Card {
    pub(super) name: String,
    pub(super) href: String,
    pub(super) picture: Option<String>,
    pub(super) price: String,
    pub(super) badge: String,
    pub(super) sold_out: bool,
}

impl Card {
    pub(super) fn new(product: &ProductView) -> Self {
        Self {
            name: product.name.clone(),
            href: format!("/p/{}", view::encoded(&product.slug)),
            picture: product.image_url.clone(),
            price: view::money(product.price),
            badge: view::badge(product.stock),
            sold_out: product.stock.available <= 0,
        }
    }
}

struct Sort {
    value: &'static str,
    words: &'static str,
    chosen: bool,
}

#[derive(Template)]
#[template(path = "home.html")]
struct HomePage {
    frame: Frame,
    /// Empty on the very first page.
    heading: String,
    /// Whether the list is of all products, so far as categories go.
    everything: bool,
    search: String,
    category_slug: String,
    sorts: Vec<Sort>,
    cards: Vec<Card>,
    first: String,
    next: String,
    /// The same search in all categories.
    elsewhere: String,
}

/// GET `/`.
pub(super) async fn show(State(app): State<App>, visit: Visit, wish: Query<Wish>) -> Response {
    if !visit.reads_html() {
        return plain_text(&app);
    }
    let Query(wish) = wish;
    match page(&app, &visit, wish).await {
        Ok(response) => response,
        Err(fault) => problems::refuse(&app, &visit, fault).await,
    }
}

async fn page(app: &App, visit: &Visit, wish: Wish) -> Result<Response, Fault> {
    let search = wish.q.trim().to_owned();
    let sort = sort_of(&wish.sort).filter(|sort| {
        // Without words there is nothing to match.
        *sort != ProductSort::Relevance || !search.is_empty()
    });
    let query = ProductQuery {
        category: Some(wish.category.clone()).filter(|slug| !slug.is_empty()),
        q: Some(search.clone()).filter(|words| !words.is_empty()),
        sort,
        limit: PageSize::try_from(PAGE_ROWS).unwrap_or_default(),
        cursor: super::cursor(&wish.cursor)?,
        ..ProductQuery::default()
    };
    // Nobody's view, even for merchants: the first page is the shop window, drafts stay in the workshop.
    let products = app.catalog.products(None, query).await?;
    let Framed { mut frame, cookies, .. } = frame::plain(app, visit).await?;
    frame.search.clone_from(&search);
    let shelf = mark_current(&mut frame.categories, &wish.category);
    let sort_text = sort.map_or("", word_of);
    let here = |cursor: &str| {
        let parts = [("q", search.as_str()), ("category", &wish.category), ("sort", sort_text)];
        view::address("/", &[parts.as_slice(), &[("cursor", cursor)]].concat())
    };
    let page = HomePage {
        heading: heading(&search, shelf, &wish),
        everything: wish.category.is_empty(),
        sorts: sorts(sort, !search.is_empty()),
        cards: products.data.iter().map(Card::new).collect(),
        first: if wish.cursor.is_empty() { String::new() } else { here("") },
        next: products.next_cursor.map_or_else(String::new, |next| here(next.as_str())),
        elsewhere: view::address("/", &[("q", &search)]),
        category_slug: wish.category,
        search,
        frame,
    };
    Ok(html(StatusCode::OK, &page, cookies, visit.principal.is_some()))
}

/// Marks the category that is shown; answers its name.
fn mark_current(shelves: &mut [Shelf], slug: &str) -> Option<String> {
    let current = shelves.iter_mut().find(|shelf| shelf.slug == slug)?;
    current.current = true;
    Some(current.name.clone())
}

fn heading(search: &str, shelf: Option<String>, wish: &Wish) -> String {
    let place = shelf.unwrap_or_else(|| view::words(&wish.category.replace('-', "_")));
    match (search.is_empty(), place.is_empty()) {
        (false, true) => format!("Results for “{search}”"),
        (false, false) => format!("“{search}” in {place}"),
        (true, false) => place,
        // A later page, or another order, of everything.
        (true, true) if wish.cursor.is_empty() && wish.sort.is_empty() => String::new(),
        (true, true) => "Everything".to_owned(),
    }
}

/// The orders people may choose, by the API's own words.
const SORTS: [(ProductSort, &str, &str); 5] = [
    (ProductSort::Relevance, "relevance", "Best match"),
    (ProductSort::Newest, "-created_at", "Newest"),
    (ProductSort::Cheapest, "price", "Price, low to high"),
    (ProductSort::Dearest, "-price", "Price, high to low"),
    (ProductSort::Name, "name", "Name"),
];

fn sort_of(text: &str) -> Option<ProductSort> {
    SORTS.into_iter().find(|(_, value, _)| *value == text).map(|(sort, _, _)| sort)
}

fn word_of(sort: ProductSort) -> &'static str {
    let found = SORTS.into_iter().find(|(known, _, _)| *known == sort);
    found.map_or("", |(_, value, _)| value)
}

fn sorts(chosen: Option<ProductSort>, searching: bool) -> Vec<Sort> {
    let usual = if searching { ProductSort::Relevance } else { ProductSort::Newest };
    SORTS
        .into_iter()
        .filter(|(sort, _, _)| searching || *sort != ProductSort::Relevance)
        .map(|(sort, value, words)| Sort { value, words, chosen: sort == chosen.unwrap_or(usual) })
        .collect()
}

fn plain_text(app: &App) -> Response {
    let text = format!(
        "{}: a shop, powered by Souk.\n\n\
         /                          for people, in a browser\n\
         /docs                      how the API works\n\
         /openapi.json              the API as a document\n\
         /api/v1/products           what there is\n\
         /api/v1/categories         on which shelves\n\
         /api/v1/auth/register      POST: open an account\n\
         /api/v1/auth/login         POST: sign in\n\
         /api/v1/orders             POST: order; GET: own orders\n\
         /problems/not_found        what an error code means (all have such a page)\n\n\
         Begin with /api/v1/products?limit=3\n",
        app.shop_name
    );
    let fields = [
        (header::CONTENT_TYPE, "text/plain; charset=utf-8"),
        (header::CACHE_CONTROL, "no-cache"),
        (header::VARY, "Accept, Cookie"),
    ];
    (fields, text).into_response()
}

/// The link back to a product's shelf, or to everything.
pub(super) fn back(shelf: Option<&Shelf>) -> (String, String) {
    shelf.map_or_else(
        || ("/".to_owned(), "Back to everything".to_owned()),
        |shelf| (shelf_address(&shelf.slug), format!("More from {}", shelf.name)),
    )
}
