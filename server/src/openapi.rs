//! The OpenAPI document of the whole shop: the services' parts put together.

use contracts::{BoxError, problem::Code};
use serde_json::{Map, Value, json};
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
    let mut document = serde_json::to_value(&document)?;
    for operation in operations(&mut document) {
        complete(operation);
    }
    Ok(serde_json::to_string_pretty(&document)?)
}

/// Every operation of every path.
fn operations(document: &mut Value) -> impl Iterator<Item = &mut Map<String, Value>> {
    let paths = document.get_mut("paths").and_then(Value::as_object_mut);
    paths
        .into_iter()
        .flat_map(|paths| paths.values_mut())
        .filter_map(Value::as_object_mut)
        .flat_map(|path| path.values_mut())
        .filter_map(Value::as_object_mut)
        .filter(|operation| operation.contains_key("responses"))
}

/// What the door adds to every operation: its own refusals, and the media type that all refusals have.
fn complete(operation: &mut Map<String, Value>) {
    let takes_body = operation.contains_key("requestBody");
    let Some(responses) = operation
        .get_mut("responses")
        .and_then(Value::as_object_mut)
    else {
        return;
    };
    let from_the_door: &[&str] = if takes_body {
        &["400", "408", "413", "415", "429", "503"]
    } else {
        &["400", "429", "503"]
    };
    for status in from_the_door {
        let refusal = json!({"content": {"application/json": {"schema": {"$ref": "#/components/schemas/Problem"}}}});
        responses.entry(*status).or_insert(refusal);
    }
    for (status, response) in responses
        .iter_mut()
        .filter(|(status, _)| status.starts_with(['4', '5']))
    {
        let Some(response) = response.as_object_mut() else {
            continue;
        };
        let code = Code::ALL
            .iter()
            .find(|code| code.status().to_string() == *status);
        let unsaid = response
            .get("description")
            .and_then(Value::as_str)
            .is_none_or(str::is_empty);
        if let Some(code) = code.filter(|_| unsaid) {
            response.insert("description".to_owned(), json!(code.title()));
        }
        let content = response.get_mut("content").and_then(Value::as_object_mut);
        if let Some((content, schema)) =
            content.and_then(|content| content.remove("application/json").map(|s| (content, s)))
        {
            content.insert("application/problem+json".to_owned(), schema);
        }
    }
}
