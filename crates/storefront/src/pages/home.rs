//! The first page, which is also search and category: one list, one order, one cursor.
//! Command lines that do not ask for HTML learn in plain text what runs here.

use super::{
    currency,
    frame::{self, Frame, Framed, Shelf, Visit, html, shelf_address},
    goods::{self, Card},
    narrow::{self, Chosen, Narrowing, narrowings},
    numbers::{self, Listed, Pager},
    problems,
    sorts::{Sort, sort_of, sorts, word_of},
};
use crate::{App, view, words::say};
use askama::Template;
use axum::{
    extract::State,
    http::{StatusCode, header},
    response::{IntoResponse, Response},
};
use contracts::{
    catalog::{Facets, ImageFile, ProductImage, ProductQuery, ProductSort, ProductView, words},
    problem::Problem,
    values::{Currency, PageSize},
};
use platform::http::{Fault, Query};
use serde::Deserialize;

/// Rows of a page: full rows of two, three, four and six cards.
const PAGE_ROWS: u32 = 24;

/// The side of a picture that nobody measured, in pixels.
const SIDE_OF_ANY: u32 = 400;

/// What the address may carry; anything else (a campaign's tracking words) is not looked at.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Wish {
    q: String,
    pub(super) category: String,
    sort: String,
    in_stock: String,
    price_min: String,
    price_max: String,
    cursor: String,
    /// Of a shelf: the number of its page.
    page: String,
    /// What prices are shown in; the address says nothing of it.
    #[serde(skip)]
    currency: Option<Currency>,
}

impl Wish {
    fn sort(&self) -> Option<ProductSort> {
        sort_of(&self.sort, !self.q.trim().is_empty())
    }

    /// What narrows the list, as the address has it.
    fn narrowed(&self) -> [(&'static str, &str); 3] {
        [
            ("in_stock", &self.in_stock),
            ("price_min", &self.price_min),
            ("price_max", &self.price_max),
        ]
    }
}

/// A picture, and the room that it takes: a page does not jump when it comes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Picture {
    pub(super) address: String,
    pub(super) alt: String,
    pub(super) width: u32,
    pub(super) height: u32,
}

impl Picture {
    /// The shop's own, as this file of it.
    pub(super) fn of(image: &ProductImage, file: &ImageFile) -> Self {
        Self {
            address: file.url.clone(),
            alt: image.alt.clone(),
            width: file.width,
            height: file.height,
        }
    }

    /// One that is kept elsewhere, whose size nobody told.
    pub(super) fn elsewhere(address: &str) -> Self {
        Self {
            address: address.to_owned(),
            alt: String::new(),
            width: SIDE_OF_ANY,
            height: SIDE_OF_ANY,
        }
    }

    /// What stands for a product in a list.
    pub(super) fn small(product: &ProductView) -> Option<Self> {
        let own = product.images.first();
        let own = own.map(|image| Self::of(image, &image.thumbnail));
        own.or_else(|| product.pictures_elsewhere().next().map(Self::elsewhere))
    }
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
    /// What another order keeps.
    narrowed: Vec<(&'static str, String)>,
    cards: Vec<Card>,
    /// Which page it is, where pages have numbers; else the first.
    number: usize,
    pager: Pager,
    /// The same search in all categories.
    elsewhere: String,
    /// Where the list is, without what narrows it.
    base: String,
    /// The one address of what anybody may find; none for searches, which are many.
    canonical: String,
    /// The picture that stands for the list elsewhere, as a whole address.
    shown_elsewhere: String,
    /// Whether it is one of so many that nobody need find it.
    unlisted: bool,
    narrowings: Vec<Narrowing>,
    /// What may have been meant, when nothing was found.
    meant: Vec<(String, String)>,
    /// The words that were looked for, as the search reads them.
    words: Vec<String>,
}

impl HomePage {
    /// A product's name, and where in it stands what was looked for.
    fn name<'c>(&self, card: &'c Card) -> Vec<words::Part<'c>> {
        words::parts(&card.name, &self.words)
    }
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

/// GET `/search`.
pub(super) async fn search(State(app): State<App>, visit: Visit, wish: Query<Wish>) -> Response {
    let Query(wish) = wish;
    match page(&app, &visit, wish).await {
        Ok(response) => response,
        Err(fault) => problems::refuse(&app, &visit, fault).await,
    }
}

pub(super) async fn page(app: &App, visit: &Visit, wish: Wish) -> Result<Response, Fault> {
    // Nobody's view, even for merchants: the first page is the shop window, drafts stay in the
    // workshop.
    let wish = Wish {
        currency: currency::chosen(app, visit).await,
        ..wish
    };
    let query = query_of(&wish)?;
    let number = match (&query.q, &query.category) {
        (None, Some(_)) => numbers::asked(&wish.page, &wish.cursor)?,
        (_, _) => None,
    };
    let mut listed = numbers::listed(app, query.clone(), number).await?;
    let is_front = query.q.is_none() && query.category.is_none();
    let facets = match is_front {
        true => None,
        false => narrow::counted(app, &query).await,
    };
    if let Some(facets) = &facets {
        listed.counted(facets.total, query.limit);
    }
    let meant = match (&query.q, listed.products.data.is_empty()) {
        (Some(words), true) => narrow::meant(app, words).await,
        _ => Vec::new(),
    };
    let Framed { frame, cookies, .. } = frame::plain(app, visit).await?;
    let mut page = compose(frame, listed, wish, facets.as_ref());
    page.meant = meant;
    Ok(html(
        StatusCode::OK,
        &page,
        cookies,
        visit.principal.is_some(),
    ))
}

fn query_of(wish: &Wish) -> Result<ProductQuery, Problem> {
    let given = |text: &str| Some(text.trim().to_owned()).filter(|text| !text.is_empty());
    Ok(ProductQuery {
        category: given(&wish.category),
        q: given(&wish.q),
        sort: wish.sort(),
        in_stock: (wish.in_stock == "true").then_some(true),
        price_min: wish.price_min.parse().ok(),
        price_max: wish.price_max.parse().ok(),
        limit: PageSize::try_from(PAGE_ROWS).unwrap_or_default(),
        cursor: super::cursor(&wish.cursor)?,
        currency: wish.currency,
        ..ProductQuery::default()
    })
}

/// Where a list is.
fn base(search: &str, category: &str) -> String {
    match (search.is_empty(), category.is_empty()) {
        (false, _) => "/search".to_owned(),
        (true, false) => shelf_address(category),
        (true, true) => "/".to_owned(),
    }
}

fn compose(mut frame: Frame, listed: Listed, wish: Wish, facets: Option<&Facets>) -> HomePage {
    let search = wish.q.trim().to_owned();
    let sort = wish.sort();
    frame.search.clone_from(&search);
    let shelf = mark_current(&mut frame.categories, &wish.category);
    let base = base(&search, &wish.category);
    // On a shelf the address itself says which.
    let category = if search.is_empty() {
        ""
    } else {
        &wish.category
    };
    let kept = [
        ("q", search.as_str()),
        ("category", category),
        ("sort", sort.map_or("", word_of)),
    ];
    let narrowed = wish.narrowed();
    let here = |name, value: &str| {
        let all = [kept.as_slice(), &narrowed, &[(name, value)]].concat();
        view::address(&base, &all)
    };
    let chosen = Chosen {
        base: &base,
        kept: &kept,
        in_stock: wish.in_stock == "true",
        price: (&wish.price_min, &wish.price_max),
    };
    // Prices are narrowed by the shop's own, which are not those that are shown then.
    let first = listed.products.data.first();
    let first = first.filter(|_| wish.currency.is_none());
    let currency = first.map(|first| first.price.currency);
    let narrowings = facets.map(|facets| narrowings(facets, currency, chosen));
    let narrowed = narrowed.into_iter().filter(|(_, value)| !value.is_empty());
    let narrowed = narrowed.map(|(name, value)| (name, value.to_owned()));
    let narrowed: Vec<_> = narrowed.collect();
    let is_plain = sort.is_none() && narrowed.is_empty();
    let canonical = if search.is_empty() && wish.cursor.is_empty() {
        numbers::canonical(&format!("{}{base}", frame.root), listed.number, is_plain)
    } else {
        String::new()
    };
    HomePage {
        heading: heading(&search, shelf, &wish),
        everything: wish.category.is_empty(),
        sorts: sorts(sort, !search.is_empty()),
        narrowed,
        cards: listed.products.data.iter().map(Card::new).collect(),
        number: listed.number.unwrap_or(1),
        pager: Pager::of(&listed, !wish.cursor.is_empty(), here),
        elsewhere: view::address("/search", &[("q", &search)]),
        // Pages that are reached from page to page are not found by themselves, but lead to what is.
        unlisted: !search.is_empty() || canonical.is_empty() && wish.cursor.is_empty(),
        canonical,
        shown_elsewhere: goods::shown_elsewhere(&frame.root, &listed.products.data),
        narrowings: narrowings.unwrap_or_default(),
        meant: Vec::new(),
        words: words::asked(&search),
        base,
        category_slug: category.to_owned(),
        search,
        frame,
    }
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
        (false, true) => say!("Results for “{}”", search),
        (false, false) => say!("“{}” in {}", search, place),
        (true, false) => place,
        // A later page, or another order, of everything.
        (true, true) if wish.cursor.is_empty() && wish.sort.is_empty() => String::new(),
        (true, true) => say("Everything").to_owned(),
    }
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
        (header::VARY, "Accept, Accept-Language, Cookie"),
    ];
    (fields, text).into_response()
}

/// The link back to a product's shelf, or to everything.
pub(super) fn back(shelf: Option<&Shelf>) -> (String, String) {
    shelf.map_or_else(
        || ("/".to_owned(), say("Back to everything").to_owned()),
        |shelf| (shelf_address(&shelf.slug), say!("More from {}", shelf.name)),
    )
}

#[cfg(test)]
mod tests {
    use super::super::samples::{demo_products, frame, product, rendered};
    use super::*;
    use contracts::values::{Cursor, Page};

    fn shown(products: Vec<ProductView>, wish: Wish) -> String {
        let products = Page {
            data: products,
            next_cursor: Cursor::parse("abc").ok(),
        };
        let listed = Listed {
            products,
            number: None,
            pages: 1,
        };
        rendered(&compose(frame(None), listed, wish, None))
    }

    #[test]
    fn a_product_s_name_is_text_and_never_markup() {
        let name = "<script>alert('tea')</script>";
        let page = shown(vec![product(name, 9)], Wish::default());
        assert!(!page.contains("<script>"), "{page}");
        assert!(page.contains("&#60;script&#62;alert("), "{page}");
    }

    #[test]
    fn what_was_searched_for_is_echoed_as_text() {
        let wish = Wish {
            q: "\"><img src=x onerror=alert(1)>".to_owned(),
            ..Wish::default()
        };
        let page = shown(Vec::new(), wish);
        assert!(
            !page.contains("<img") && page.contains("Nothing found for"),
            "{page}"
        );
    }

    #[test]
    fn what_was_searched_for_is_marked_in_names_that_stay_text() {
        let wish = |q: &str| Wish {
            q: q.to_owned(),
            ..Wish::default()
        };
        let evil = || vec![product("<i>Crème</i> &lt;mark&gt; \"><script>", 9)];
        for (q, name) in [
            (
                "creme",
                "&#60;i&#62;<mark>Crème</mark>&#60;/i&#62; &#38;lt;mark&#38;gt;",
            ),
            ("CR", "&#60;i&#62;<mark>Cr</mark>ème&#60;/i&#62; "),
            (
                "lt",
                "&#62; &#38;<mark>lt</mark>;mark&#38;gt; &#34;&#62;&#60;script&#62;",
            ),
            ("<script>", "&#60;<mark>script</mark>&#62;"),
            (
                "60 38",
                "&#60;i&#62;Crème&#60;/i&#62; &#38;lt;mark&#38;gt; &#34;&#62;&#60;script&#62;",
            ),
        ] {
            let page = shown(evil(), wish(q));
            assert!(page.contains(name), "{q}: {page}");
            assert!(
                !page.contains("<script>") && !page.contains("<i>"),
                "{page}"
            );
        }
        assert!(!shown(evil(), Wish::default()).contains("<mark>"));
    }

    #[test]
    fn a_badge_appears_on_low_stock_only() {
        let stock = [("A", 0), ("B", 3), ("C", 40)];
        let products = stock
            .map(|(name, available)| product(name, available))
            .to_vec();
        let page = shown(products, Wish::default());
        assert_eq!(page.matches("class=\"badge").count(), 2);
        assert!(
            page.contains(">Sold out<") && page.contains(">3 left<") && page.contains("$14.50")
        );
    }

    #[test]
    fn the_next_page_keeps_words_category_and_order() {
        let wish = Wish {
            q: "rose & fig".to_owned(),
            category: "tea-coffee".to_owned(),
            sort: "-price".to_owned(),
            cursor: "old".to_owned(),
            ..Wish::default()
        };
        let page = shown(demo_products(), wish);
        let kept = "/search?q=rose%20%26%20fig&#38;category=tea-coffee&#38;sort=-price";
        assert!(
            page.contains(&format!("href=\"{kept}&#38;cursor=abc\" rel=\"next\"")),
            "{page}"
        );
        assert!(
            page.contains(&format!("href=\"{kept}\">First page")),
            "{page}"
        );
        assert!(page.contains("<option value=\"-price\" selected>"));
    }

    #[test]
    fn an_order_or_a_page_that_nobody_knows_does_no_harm() {
        let odd = Wish {
            sort: "chaos".to_owned(),
            ..Wish::default()
        };
        assert_eq!(query_of(&odd).unwrap().sort, None);
        let match_of_nothing = Wish {
            sort: "relevance".to_owned(),
            ..Wish::default()
        };
        assert_eq!(query_of(&match_of_nothing).unwrap().sort, None);
        let torn = Wish {
            cursor: "a b".to_owned(),
            ..Wish::default()
        };
        assert_eq!(
            query_of(&torn).unwrap_err().code.slug(),
            "invalid_parameter"
        );
    }
}
