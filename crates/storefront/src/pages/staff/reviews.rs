//! What buyers say, for whoever runs the shop: of all products, and of one. Whoever hides a review can show it again;
//! one that is hidden can be taken out for good.

use super::{
    Desk, Done, Fault, ROWS, Sheet, Who, answered, api, csv,
    fields::Fields,
    parts::{Block, Cell, Form, LOOKED_AT, Pages, Tab, Table, at_least, columns},
    sentence_of,
};
use crate::words::say;
use crate::{App, pages::frame::Visit, view};
use axum::{
    Form as Sent, Router,
    extract::{Path, State},
    http::Method,
    response::Response,
    routing::{get, post},
};
use contracts::{
    catalog::{ProductReview, ProductView, ReviewStatus},
    problem::{Code, Problem},
    values::{Page, ProductId},
};
use futures_util::future::join_all;
use platform::http::Query;
use serde::Deserialize;
use serde_json::json;
use std::collections::{BTreeMap, BTreeSet};

const HERE: &str = "/admin/reviews";
/// Characters of a review that a list shows at once; the rest is opened.
const SHOWN_CHARACTERS_MAX: usize = 160;

/// What the address may carry.
#[derive(Debug, Default, Clone, Deserialize)]
#[serde(default)]
struct Wish {
    /// Of a product's: which of them.
    show: String,
    cursor: String,
    trail: String,
    flash: String,
}

impl Wish {
    /// The page that is asked for, and the way to it.
    fn page(&self) -> (&str, &str) {
        (&self.cursor, &self.trail)
    }
}

const FLASHES: &[(&str, &str)] = &[
    ("hide", "It is hidden, and counts no more."),
    ("show", "It is shown again, and counts."),
    ("remove", "It is taken out for good."),
];

pub(super) fn routes() -> Router<App> {
    Router::new()
        .route("/admin/reviews", get(show))
        .route("/admin/reviews.csv", get(csv::file::<Wish>))
        .route("/admin/reviews/{id}/{verb}", post(act))
        .route("/admin/products/{id}/reviews", get(of_product))
}

/// Which list a page is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    All,
    Of(ProductId, ReviewStatus),
}

impl Place {
    fn of(product: &str, status: &str) -> Result<Self, Fault> {
        let product = product.parse().map_err(|_| Fault::new(Code::NotFound))?;
        // An old address is no mistake of whoever follows it.
        Ok(Self::Of(
            product,
            status.parse().unwrap_or(ReviewStatus::Shown),
        ))
    }

    /// The list that a form stood in.
    fn before(fields: &Fields) -> Result<Self, Fault> {
        match fields.given("product") {
            Some(product) => Self::of(product, fields.text("show")),
            None => Ok(Self::All),
        }
    }

    fn here(self) -> String {
        match self {
            Self::All => HERE.to_owned(),
            Self::Of(product, _) => format!("/admin/products/{product}/reviews"),
        }
    }

    const fn show(self) -> &'static str {
        match self {
            Self::All => "",
            Self::Of(_, status) => status.as_str(),
        }
    }

    /// Where it is in the API.
    fn api(self, cursor: &str) -> String {
        let page = [("cursor", cursor), ("limit", ROWS)];
        match self {
            Self::All => api("reviews", &page),
            Self::Of(product, status) => {
                let path = format!("products/{product}/reviews");
                api(&path, &[&page[..], &[("status", status.as_str())]].concat())
            }
        }
    }
}

/// GET `/admin/reviews`.
async fn show(State(app): State<App>, visit: Visit, Query(wish): Query<Wish>) -> Response {
    let desk = Desk::new(&app, &visit);
    let sheet = async {
        let sheet = list(desk, Place::All, (wish.page(), None)).await?;
        Ok(sheet.says(&sentence_of(&wish.flash, FLASHES)))
    };
    desk.show(Who::Admin, sheet).await
}

impl csv::List for Wish {
    const NAME: &'static str = "reviews";
    const WHO: Who = Who::Admin;

    async fn page(self, desk: Desk<'_>, from: String) -> Result<Sheet, Fault> {
        list(desk, Place::All, ((&from, ""), None)).await
    }
}

/// GET `/admin/products/{id}/reviews`.
async fn of_product(
    State(app): State<App>,
    visit: Visit,
    Path(id): Path<String>,
    Query(wish): Query<Wish>,
) -> Response {
    let desk = Desk::new(&app, &visit);
    let sheet = async {
        let place = Place::of(&id, &wish.show)?;
        let sheet = list(desk, place, (wish.page(), None)).await?;
        Ok(sheet.says(&sentence_of(&wish.flash, FLASHES)))
    };
    desk.show(Who::Admin, sheet).await
}

async fn list(
    desk: Desk<'_>,
    place: Place,
    ((cursor, trail), refused): ((&str, &str), Option<&Problem>),
) -> Result<Sheet, Fault> {
    let found: Page<ProductReview> = desk.ask().get(&place.api(cursor)).await?;
    let table = match place {
        Place::All => all_of(desk, &found.data).await,
        Place::Of(..) => Table {
            columns: columns(&[
                "When",
                "#Stars",
                "What is said",
                "Name",
                "~Change",
                "~Take out",
            ]),
            rows: found.data.iter().map(|one| row(place, one)).collect(),
            empty: "Nothing of the kind is said of it.".to_owned(),
            ..Table::default()
        },
    };
    let table = Table {
        caption: "What buyers say, newest first",
        ..table
    };
    let pages = Pages {
        asked: cursor,
        trail,
        next: found.next_cursor.as_ref(),
    };
    let kept = [("show", place.show())];
    let mut table = table.paged(&place.here(), &kept, pages);
    if place == Place::All {
        table = table.filed(HERE, &[]);
    }
    let table = Block::Table(String::new(), table);
    let sheet = match place {
        Place::All => Sheet::new(say("Reviews")),
        Place::Of(product, status) => head(desk, product, status).await?,
    };
    Ok(sheet.refused(refused).with([table]))
}

/// What a product's list begins with.
async fn head(desk: Desk<'_>, id: ProductId, status: ReviewStatus) -> Result<Sheet, Fault> {
    let product: ProductView = desk.ask().get(&api(&format!("products/{id}"), &[])).await?;
    let tab = |title: &str, of: ReviewStatus, count: String| Tab {
        title: title.to_owned(),
        href: view::address(&Place::Of(id, of).here(), &[("show", of.as_str())]),
        count,
        is_current: of == status,
    };
    let shown = view::grouped(&product.rating.count.to_string());
    let tabs = vec![
        tab("Shown", ReviewStatus::Shown, shown),
        tab("Hidden", ReviewStatus::Hidden, hidden(desk, id).await?),
    ];
    let links = vec![(product.name.clone(), format!("/admin/products/{id}"))];
    Ok(Sheet::new(say!("What buyers say of {}", product.name))
        .below("Reviews", HERE)
        .with([
            Block::Links(links),
            Block::Tabs("Reviews by whether they are shown", tabs),
        ]))
}

/// How many of a product's are hidden.
async fn hidden(desk: Desk<'_>, id: ProductId) -> Result<String, Fault> {
    let only = [
        ("status", ReviewStatus::Hidden.as_str()),
        ("limit", LOOKED_AT),
    ];
    let path = api(&format!("products/{id}/reviews"), &only);
    let found: Page<ProductReview> = desk.ask().get(&path).await?;
    Ok(at_least(found.data.len()))
}

/// The list of all, with what each is about and whether it is seen.
async fn all_of(desk: Desk<'_>, reviews: &[ProductReview]) -> Table {
    let names = names(desk, reviews).await;
    let about = |one: &ProductReview| {
        let name = names.get(&one.product_id).cloned();
        let href = Place::Of(one.product_id, one.status);
        let href = view::address(&href.here(), &[("show", one.status.as_str())]);
        Cell::link(name.unwrap_or_else(|| one.product_id.to_string()), href)
    };
    let rows = reviews.iter().map(|one| {
        let mut row = row(Place::All, one);
        row.insert(1, about(one));
        row.insert(2, Cell::status(one.status.as_str()));
        row
    });
    Table {
        columns: columns(&[
            "When",
            "Product",
            "Status",
            "#Stars",
            "What is said",
            "Name",
            "~Change",
            "~Take out",
        ]),
        rows: rows.collect(),
        empty: "No buyer has said anything yet. Whoever has bought something may, on its page."
            .to_owned(),
        ..Table::default()
    }
}

/// Names of products, each asked for once. One that cannot be read goes by its id.
async fn names(desk: Desk<'_>, reviews: &[ProductReview]) -> BTreeMap<ProductId, String> {
    let ids: BTreeSet<ProductId> = reviews.iter().map(|one| one.product_id).collect();
    let named = ids.into_iter().map(|id| async move {
        let path = api(&format!("products/{id}"), &[]);
        let product = desk.ask().get::<ProductView>(&path).await.ok()?;
        Some((id, product.name))
    });
    join_all(named).await.into_iter().flatten().collect()
}

fn row(place: Place, one: &ProductReview) -> Vec<Cell> {
    let (change, remove) = match one.status {
        ReviewStatus::Shown => (form(place, one, "hide", "Hide"), Cell::text("")),
        ReviewStatus::Hidden => {
            let remove = form(place, one, "remove", "Take it out");
            let remove = remove.confirmed("For good");
            (form(place, one, "show", "Show it again"), Cell::Act(remove))
        }
    };
    vec![
        Cell::when(one.updated_at),
        Cell::number(one.rating),
        said(one),
        Cell::text(one.author.clone()),
        Cell::Act(change),
        remove,
    ]
}

fn said(one: &ProductReview) -> Cell {
    let parts = [one.title.as_str(), one.text.as_str()];
    let parts: Vec<&str> = parts.into_iter().filter(|part| !part.is_empty()).collect();
    let whole = parts.join("\n");
    if whole.chars().count() <= SHOWN_CHARACTERS_MAX {
        Cell::text(parts.join(": "))
    } else {
        Cell::Folded(view::beginning(&whole, SHOWN_CHARACTERS_MAX), whole)
    }
}

fn form(place: Place, one: &ProductReview, verb: &str, button: &str) -> Form {
    let id = format!("{verb}-{}", one.id);
    let form = Form::new(&id, format!("{HERE}/{}/{verb}", one.id), button).quiet();
    let form = form.hiding("version", one.version.get());
    match place {
        Place::All => form,
        Place::Of(product, status) => form
            .hiding("product", product)
            .hiding("show", status.as_str()),
    }
}

/// POST `/admin/reviews/{id}/{verb}`.
async fn act(
    State(app): State<App>,
    visit: Visit,
    Path((id, verb)): Path<(String, String)>,
    Sent(fields): Sent<Fields>,
) -> Response {
    let desk = Desk::new(&app, &visit);
    let done = async {
        let place = Place::before(&fields)?;
        let said = [("show", place.show()), ("flash", verb.as_str())];
        let to = Done::GoTo(view::address(&place.here(), &said));
        let sent = step(desk, (&id, &verb), &fields).await;
        answered(sent, to, |problem| async move {
            list(desk, place, (("", ""), Some(&problem))).await
        })
        .await
    };
    desk.act(Who::Admin, &fields, done).await
}

async fn step(desk: Desk<'_>, (id, verb): (&str, &str), fields: &Fields) -> Result<(), Fault> {
    let one = format!("reviews/{}", view::encoded(id));
    let status = match verb {
        "hide" => ReviewStatus::Hidden,
        "show" => ReviewStatus::Shown,
        "remove" => {
            fields.confirmed()?;
            let path = api(&one, &[("version", fields.text("version"))]);
            return desk.ask().delete(&path).await;
        }
        _ => return Err(Fault::new(Code::NotFound)),
    };
    let body = json!({"status": status, "version": fields.number("version")?});
    let path = api(&format!("{one}/status"), &[]);
    let sent = desk.ask().send(Method::PUT, &path, (&body, "")).await;
    sent.map(drop)
}

#[cfg(test)]
mod tests {
    use super::*;
    use contracts::values::{ReviewId, Timestamp, Version};

    fn review(title: &str, text: &str) -> ProductReview {
        ProductReview {
            id: ReviewId::from_bytes([1; 16]),
            product_id: ProductId::from_bytes([2; 16]),
            rating: 4,
            title: title.to_owned(),
            text: text.to_owned(),
            author: String::new(),
            status: ReviewStatus::Shown,
            version: Version::FIRST,
            created_at: Timestamp::from_ms(0),
            updated_at: Timestamp::from_ms(0),
        }
    }

    #[test]
    fn what_is_long_is_opened_and_what_is_short_is_read_at_once() {
        let short = said(&review("Fresh", "Good tea."));
        assert!(matches!(short, Cell::Text(text) if text == "Fresh: Good tea."));
        let bare = said(&review("", "Good tea."));
        assert!(matches!(bare, Cell::Text(text) if text == "Good tea."));
        let long = "very ".repeat(100);
        let Cell::Folded(beginning, whole) = said(&review("Fresh", &long)) else {
            panic!("it is long");
        };
        assert!(beginning.chars().count() <= SHOWN_CHARACTERS_MAX && whole.ends_with(&long));
    }

    #[test]
    fn a_form_leads_back_to_the_list_that_it_stood_in_and_nowhere_else() {
        let one = review("Fresh", "");
        for place in [Place::All, Place::Of(one.product_id, ReviewStatus::Hidden)] {
            let sent = Fields(form(place, &one, "hide", "Hide").hidden);
            assert_eq!(Place::before(&sent).ok(), Some(place));
        }
        let foreign = [("product".to_owned(), "//evil.example".to_owned())];
        assert!(Place::before(&Fields(foreign.to_vec())).is_err());
    }
}
