//! The OpenAPI document of the whole shop: the services' parts put together.

use contracts::BoxError;
use utoipa::openapi::{
    ComponentsBuilder, InfoBuilder, OpenApi, OpenApiBuilder,
    security::{Http, HttpAuthScheme, SecurityScheme},
};

/// Joins the services' documents.
pub(crate) fn join(parts: Vec<OpenApi>) -> Result<String, BoxError> {
    let info = InfoBuilder::new()
        .title("Souk")
        .version(env!("CARGO_PKG_VERSION"))
        .description(Some(
            "A shop's back end: identity, catalog and inventory, orders, payments. Errors are problems \
             (RFC 9457); money is whole minor units; lists are keyset pages; every write answers the new \
             version; `Idempotency-Key` makes any POST of orders and payments safe to repeat.",
        ))
        .build();
    let mut bearer = Http::new(HttpAuthScheme::Bearer);
    bearer.bearer_format = Some("JWT".to_owned());
    let components = ComponentsBuilder::new()
        .security_scheme("bearer", SecurityScheme::Http(bearer))
        .build();
    let mut document = OpenApiBuilder::new()
        .info(info)
        .components(Some(components))
        .build();
    for part in parts {
        document.merge(part);
    }
    Ok(document.to_pretty_json()?)
}
