//! A category's page: the first page's list, of what is in it.

use super::{
    frame::Visit,
    home::{self, Wish},
    problems::{self, Missing},
};
use crate::{App, words::say};
use axum::{
    extract::{Path, State},
    http::StatusCode,
    response::Response,
};
use platform::http::Query;

/// GET `/c/{slug}`.
pub(super) async fn page(
    State(app): State<App>,
    visit: Visit,
    Path(slug): Path<String>,
    wish: Query<Wish>,
) -> Response {
    let Query(mut wish) = wish;
    // Where they cannot be read, an empty list is shown rather than none.
    let categories = app.catalog.categories().await.ok();
    if categories.is_some_and(|all| all.iter().all(|category| category.slug != slug)) {
        return nowhere(&app, &visit, &slug).await;
    }
    wish.category = slug;
    match home::page(&app, &visit, wish).await {
        Ok(response) => response,
        Err(fault) => problems::refuse(&app, &visit, fault).await,
    }
}

async fn nowhere(app: &App, visit: &Visit, slug: &str) -> Response {
    let what = Missing {
        status: StatusCode::NOT_FOUND,
        title: "There is no such category",
        detail: say("It may have moved. Perhaps a search finds what you look for.").to_owned(),
        suggestion: slug.replace('-', " ").chars().take(200).collect(),
    };
    problems::missing(app, visit, what).await
}
