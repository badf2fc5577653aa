//! The address, and the file that it answers with.

use super::{Account, AccountExport, LinkedProvider, Sources, write};
use axum::{
    body::Body,
    extract::State,
    http::{
        HeaderValue,
        header::{CACHE_CONTROL, CONTENT_DISPOSITION, CONTENT_TYPE},
    },
    response::Response,
};
use contracts::problem::{Problem, ProblemBody};
use platform::{
    http::{Described, Fault, NoQuery, Routes, auth::User},
    routes,
};

/// The address, and what is said of it.
pub(crate) fn routes<D: Described>() -> Routes<Sources, D> {
    Routes::new().routes(routes!(export))
}

/// Take one's own data along
///
/// All that is kept of whoever asks: the account and the ways into it, sessions, API keys, security events, reviews,
/// the open cart, what was bought elsewhere before, orders with their lines, what happened to them, and how they were
/// paid. It counts as twenty requests.
#[utoipa::path(
    get, path = "/api/v1/me/export", operation_id = "export_me", tag = "identity",
    responses(
        (status = 200, body = AccountExport, description = "A file"),
        (status = 400, body = ProblemBody), (status = 401, body = ProblemBody),
        (status = 404, body = ProblemBody, description = "The account has gone"),
        (status = 429, body = ProblemBody),
    ),
    security(("bearer" = []))
)]
async fn export(
    State(sources): State<Sources>,
    User(who): User,
    _: NoQuery,
) -> Result<Response, Fault> {
    let account = sources.identity.export(&who).await?;
    let second_factor = sources.identity.second_factor(&who).await?;
    let links = sources.identity.external_links(&who).await;
    let links = links.map_err(|cause| Problem::internal(&cause.into()))?;
    let providers = links.into_iter().map(|link| LinkedProvider {
        name: link.provider.name,
        linked_at: link.linked_at,
    });
    let account = Account {
        account,
        second_factor,
        providers: providers.collect(),
    };
    let written = write(sources, who, &account, crate::shop::now());
    let written = written.map_err(|cause| Problem::internal(&cause))?;
    let mut response = Response::new(Body::from_stream(written));
    for (name, value) in [
        (CONTENT_TYPE, "application/json"),
        (
            CONTENT_DISPOSITION,
            "attachment; filename=\"souk-export.json\"",
        ),
        (CACHE_CONTROL, "no-store"),
    ] {
        let value = HeaderValue::from_static(value);
        response.headers_mut().insert(name, value);
    }
    Ok(response)
}
