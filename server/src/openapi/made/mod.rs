//! Makes the document: the services' parts put together, and what the door adds (ADR 106).

mod door;
mod links;

use crate::{audit, events, export};
use axum::http::StatusCode;
use contracts::BoxError;
use serde_json::{Map, Value};
use std::{env, fs, path::Path};
use utoipa::openapi::{
    ComponentsBuilder, InfoBuilder, OpenApi, OpenApiBuilder,
    security::{ApiKey, ApiKeyValue, Http, HttpAuthScheme, SecurityScheme},
};

const API_KEY: &str = "An API key of `/api/v1/api-keys`, for machines: it acts as its owner. Where an operation is \
                       open to keys, it names the scope that the key must have.";

type Operation = Map<String, Value>;

/// Makes the document.
fn document() -> Result<String, BoxError> {
    let parts: [OpenApi; 10] = [
        identity::api(),
        identity::api_beside(),
        catalog::api(),
        orders::api(),
        orders::api_beside(),
        payments::api(),
        webhooks::api(),
        audit::routes().document(),
        events::routes().document(),
        export::routes().document(),
    ];
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
    let mut api_key = Http::new(HttpAuthScheme::Bearer);
    api_key.bearer_format = Some("souk_...".to_owned());
    api_key.description = Some(API_KEY.to_owned());
    let order_token = ApiKeyValue::with_description(
        "Order-Token",
        "What a guest got with the order, as `order_token`.",
    );
    let order_token = SecurityScheme::ApiKey(ApiKey::Header(order_token));
    let cart_token = ApiKeyValue::with_description(
        "Cart-Token",
        "What a guest got with the cart, as `cart_token`.",
    );
    let cart_token = SecurityScheme::ApiKey(ApiKey::Header(cart_token));
    let components = ComponentsBuilder::new()
        .security_scheme("bearer", SecurityScheme::Http(bearer))
        .security_scheme("api_key", SecurityScheme::Http(api_key))
        .security_scheme("order_token", order_token)
        .security_scheme("cart_token", cart_token)
        .build();
    let mut document = OpenApiBuilder::new()
        .info(info)
        .components(Some(components))
        .build();
    for part in parts {
        document.merge(part);
    }
    let mut document = serde_json::to_value(&document)?;
    for (path, method, operation) in operations(&mut document) {
        door::complete(path, method, operation);
        links::add(operation);
        describe(operation);
    }
    door::bound_numbers(&mut document);
    Ok(serde_json::to_string_pretty(&document)?)
}

/// Gives every answer the words that the standard asks for: those that nothing is to be said of have their status's.
fn describe(operation: &mut Operation) {
    let answers = operation
        .get_mut("responses")
        .and_then(Value::as_object_mut);
    for (status, answer) in answers.into_iter().flatten() {
        let words = status
            .parse()
            .ok()
            .and_then(|status: StatusCode| status.canonical_reason());
        if let Some(answer) = answer.as_object_mut() {
            let words = || words.unwrap_or(status).into();
            answer.entry("description").or_insert_with(words);
        }
    }
}

/// Every operation of every path.
fn operations(document: &mut Value) -> impl Iterator<Item = (&String, &String, &mut Operation)> {
    let paths = document.get_mut("paths").and_then(Value::as_object_mut);
    let methods = paths
        .into_iter()
        .flatten()
        .filter_map(|(path, methods)| methods.as_object_mut().map(|methods| (path, methods)))
        .flat_map(|(path, methods)| methods.iter_mut().map(move |pair| (path, pair)));
    methods
        .filter_map(|(path, (method, operation))| {
            operation
                .as_object_mut()
                .map(|operation| (path, method, operation))
        })
        .filter(|(.., operation)| operation.contains_key("responses"))
}

/// Write the file anew with `SOUK_UPDATE_SNAPSHOTS=1 cargo nextest run --workspace what_routes_say`.
#[test]
fn what_routes_say_is_the_document_in_docs() {
    let made = format!("{}\n", document().unwrap());
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/openapi.json");
    if env::var_os("SOUK_UPDATE_SNAPSHOTS").is_some() {
        fs::write(&path, &made).unwrap();
    }
    let kept = fs::read_to_string(path).unwrap();
    let changed = "the API changed: look at the difference, then write docs/openapi.json anew";
    assert!(kept == made, "{changed}");
}
