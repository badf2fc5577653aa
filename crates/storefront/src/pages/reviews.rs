//! What buyers say of a product, and one's own word. Who may say something is the catalog's to decide, which asks
//! orders; this page only shows no form to whom it would refuse.

use super::{
    ask::Ask,
    forms,
    frame::{self, Frame, Framed, Visit, html, see_other},
    problems,
};
use crate::{App, view, words::say};
use askama::Template;
use axum::{
    Form,
    extract::{Path, State},
    http::{Method, StatusCode},
    response::Response,
};
use contracts::{
    access::Principal,
    catalog::{ProductRef, ProductReview, ProductView},
    problem::{Code, Problem},
    values::{Page, PageSize, ProductId},
};
use platform::http::{Fault, Query};
use serde::Deserialize;
use serde_json::json;

/// One's own reviews that are looked through for the one of this product.
const OWN_MAX: u32 = 100;
const STARS: [i64; 5] = [5, 4, 3, 2, 1];

/// What the address may carry.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Wish {
    cursor: String,
    flash: String,
}

struct Review {
    title: String,
    paragraphs: Vec<String>,
    author: String,
    stars: i64,
    written: view::Moment,
}

impl Review {
    fn new(review: &ProductReview) -> Self {
        let lines = review.text.split('\n').map(str::trim);
        Self {
            title: review.title.clone(),
            paragraphs: lines
                .filter(|line| !line.is_empty())
                .map(str::to_owned)
                .collect(),
            author: review.author.clone(),
            stars: review.rating,
            written: view::moment(review.updated_at),
        }
    }
}

/// What the form of one's own word has in it.
#[derive(Default)]
struct Own {
    rating: i64,
    title: String,
    text: String,
    author: String,
    /// The review and its version, if there is one.
    id: String,
    version: String,
    error: String,
}

#[derive(Template)]
#[template(path = "reviews.html")]
struct ReviewsPage {
    frame: Frame,
    proof: String,
    name: String,
    href: String,
    average: String,
    flash: &'static str,
    reviews: Vec<Review>,
    next: String,
    own: Option<Own>,
    stars: [i64; 5],
}

/// GET `/p/{slug}/reviews`.
pub(super) async fn show(
    State(app): State<App>,
    visit: Visit,
    Path(slug): Path<String>,
    Query(wish): Query<Wish>,
) -> Response {
    let shown = async {
        let product = product(&app, &visit, slug).await?;
        page(&app, &visit, (&product, &wish), None).await
    };
    match shown.await {
        Ok(response) => response,
        Err(fault) => problems::refuse(&app, &visit, fault).await,
    }
}

async fn product(app: &App, visit: &Visit, slug: String) -> Result<ProductView, Fault> {
    let viewer = visit.principal.as_ref();
    Ok(app.catalog.product(viewer, ProductRef::Slug(slug)).await?)
}

fn address(product: &ProductView) -> String {
    format!("/p/{}/reviews", view::encoded(&product.slug))
}

async fn page(
    app: &App,
    visit: &Visit,
    (product, wish): (&ProductView, &Wish),
    refused: Option<(Own, Problem)>,
) -> Result<Response, Fault> {
    let here = address(product);
    let path = format!("/api/v1/products/{}/reviews", product.id);
    let path = view::address(&path, &[("cursor", &wish.cursor)]);
    let ask = Ask {
        api: &app.api,
        visit,
    };
    let found: Page<ProductReview> = ask.get(&path).await?;
    let status = refused.as_ref().map(|(_, problem)| problem.code.status());
    let own = match (refused, &visit.principal) {
        (Some((own, problem)), _) => Some(Own {
            error: problems::sentence(&problem.detail),
            ..own
        }),
        (None, Some(who)) => own(app, who, product.id).await?,
        (None, None) => None,
    };
    let Framed {
        frame,
        proof,
        cookies,
    } = if own.is_some() {
        frame::with_form(app, visit).await?
    } else {
        frame::plain(app, visit).await?
    };
    let next = found.next_cursor.as_ref();
    let page = ReviewsPage {
        frame,
        proof,
        name: product.name.clone(),
        href: format!("/p/{}", view::encoded(&product.slug)),
        average: product
            .rating
            .average
            .map_or_else(String::new, view::decimal),
        flash: match wish.flash.as_str() {
            "written" => say("Thank you. It stands below."),
            "removed" => say("It is taken back."),
            _ => "",
        },
        reviews: found.data.iter().map(Review::new).collect(),
        next: next.map_or_else(String::new, |next| {
            view::address(&here, &[("cursor", next.as_str())])
        }),
        own,
        stars: STARS,
    };
    let status = status.and_then(|status| StatusCode::from_u16(status).ok());
    let private = visit.principal.is_some();
    Ok(html(status.unwrap_or_default(), &page, cookies, private))
}

/// One's own word, or an empty one for whoever has bought the product; nothing for others.
async fn own(app: &App, who: &Principal, product: ProductId) -> Result<Option<Own>, Fault> {
    let limit = PageSize::try_from(OWN_MAX).unwrap_or_default();
    let mine = app.catalog.reviews_by(who.user_id, limit, None).await?;
    let mut mine = mine.data.into_iter();
    if let Some(review) = mine.find(|review| review.product_id == product) {
        return Ok(Some(Own {
            rating: review.rating,
            title: review.title,
            text: review.text,
            author: review.author,
            id: review.id.to_string(),
            version: review.version.get().to_string(),
            error: String::new(),
        }));
    }
    let has_bought = app.orders.has_bought(who.user_id, product).await;
    let has_bought = has_bought.map_err(|cause| Problem::internal(&cause))?;
    Ok(has_bought.then(|| Own {
        rating: 5,
        ..Own::default()
    }))
}

/// The form with one's own word.
#[derive(Default, Deserialize)]
#[serde(default)]
pub(super) struct ReviewForm {
    csrf: String,
    id: String,
    version: String,
    rating: String,
    title: String,
    text: String,
    author: String,
}

/// POST `/p/{slug}/reviews`.
pub(super) async fn write(
    State(app): State<App>,
    visit: Visit,
    Path(slug): Path<String>,
    Form(form): Form<ReviewForm>,
) -> Response {
    answered(&app, &visit, slug, (form, false)).await
}

/// POST `/p/{slug}/reviews/remove`.
pub(super) async fn remove(
    State(app): State<App>,
    visit: Visit,
    Path(slug): Path<String>,
    Form(form): Form<ReviewForm>,
) -> Response {
    answered(&app, &visit, slug, (form, true)).await
}

async fn answered(
    app: &App,
    visit: &Visit,
    slug: String,
    (form, removes): (ReviewForm, bool),
) -> Response {
    if !forms::trusted(app.cookies, &visit.headers, &form.csrf) {
        return problems::refuse(app, visit, Fault::new(Code::CsrfFailed)).await;
    }
    let done = async {
        let product = product(app, visit, slug).await?;
        let fault = match send(app, visit, (&product, &form), removes).await {
            Ok(()) => {
                let flash = if removes { "removed" } else { "written" };
                let place = view::address(&address(&product), &[("flash", flash)]);
                return Ok(see_other(&place, Vec::new()));
            }
            Err(fault) => fault,
        };
        // Whoever may say nothing of it at all is shown no form.
        if !matches!(fault.0.code.status(), 409 | 422) {
            return Err(fault);
        }
        let own = Own {
            rating: form.rating.parse().unwrap_or(5),
            title: form.title,
            text: form.text,
            author: form.author,
            id: form.id,
            version: form.version,
            error: String::new(),
        };
        let refused = Some((own, fault.0));
        page(app, visit, (&product, &Wish::default()), refused).await
    };
    match done.await {
        Ok(response) => response,
        Err(fault) => problems::refuse(app, visit, fault).await,
    }
}

async fn send(
    app: &App,
    visit: &Visit,
    (product, form): (&ProductView, &ReviewForm),
    removes: bool,
) -> Result<(), Fault> {
    let ask = Ask {
        api: &app.api,
        visit,
    };
    let own = format!("/api/v1/reviews/{}", view::encoded(&form.id));
    if removes {
        let path = view::address(&own, &[("version", form.version.trim())]);
        return ask.delete(&path).await;
    }
    let mut body = json!({
        "rating": form.rating.trim().parse::<i64>().unwrap_or(0),
        "title": form.title.trim(),
        "text": form.text.replace("\r\n", "\n").trim(),
        "author": form.author.trim(),
    });
    if form.id.is_empty() {
        let path = format!("/api/v1/products/{}/reviews", product.id);
        return ask.send(Method::POST, &path, (&body, "")).await.map(drop);
    }
    if let Some(body) = body.as_object_mut() {
        let version = form.version.trim().parse::<i64>().ok();
        body.insert("version".to_owned(), json!(version));
    }
    ask.send(Method::PUT, &own, (&body, "")).await.map(drop)
}
