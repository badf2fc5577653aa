//! What the door adds to every operation of the document: its own refusals, who may ask, and the shapes of headers
//! and numbers that types alone do not tell. It describes what is there; it makes no rule.

use super::Operation;
use contracts::problem::Code;
use gateway::Need;
use serde_json::{Value, json};

/// Refused before any service is asked: a bad request line or query, a token that is no good, too long an address,
/// too many headers, too many requests, too much to do.
const ALWAYS: &[&str] = &["400", "401", "414", "429", "431", "500", "503"];
/// A body may be slow, too large, or of another kind.
const WITH_BODY: &[&str] = &["408", "413", "415"];
/// A page of another site may have sent it; its outcome may be unknown.
const UNSAFE: &[&str] = &["403", "504"];

/// What takes a password, a code or a refresh token in place of an access token.
const FOR_ANYBODY: &[&str] = &[
    "/api/v1/auth/login",
    "/api/v1/auth/login/second-factor",
    "/api/v1/auth/logout",
    "/api/v1/auth/refresh",
    "/api/v1/auth/register",
    "/api/v1/auth/setup",
];

/// Headers that are texts to the compiler and have a shape all the same.
const HEADERS: &[(&str, &str)] = &[
    (
        "Idempotency-Key",
        r##"^("[!-~]{1,128}"|[!#-~][!-~]{0,127}|"|"[!-~]{0,126}[!#-~])$"##,
    ),
    (
        "If-Match",
        r#"^("0*[1-9][0-9]{0,17}(-[0-9]+)?"|0*[1-9][0-9]{0,17}(-[0-9]+)?)$"#,
    ),
];

/// Integers without a sign, as utoipa spells them, as the registry of formats does, and the largest of each.
const UNSIGNED: &[(&str, &str, u64)] = &[
    ("u-int8", "uint8", 0xff),
    ("u-int16", "uint16", 0xffff),
    ("u-int32", "uint32", 0xffff_ffff),
    ("u-int64", "uint64", u64::MAX),
];

/// Completes an operation.
pub(super) fn complete(path: &str, method: &str, operation: &mut Operation) {
    secure(path, operation);
    let for_keys = admit_keys(path, method, operation);
    shape_headers(operation);
    let takes_body = operation.contains_key("requestBody");
    let responses = operation.get_mut("responses");
    let Some(responses) = responses.and_then(Value::as_object_mut) else {
        return;
    };
    let with_body = WITH_BODY.iter().filter(|_| takes_body);
    // A key that lacks the scope is refused where others read.
    let is_unsafe = !matches!(method, "get" | "head");
    let for_keys = for_keys.then_some(&"403");
    let when_unsafe = UNSAFE.iter().filter(|_| is_unsafe);
    for status in ALWAYS
        .iter()
        .chain(with_body)
        .chain(when_unsafe)
        .chain(for_keys)
    {
        let schema = json!({"$ref": "#/components/schemas/Problem"});
        let refusal = json!({"content": {"application/json": {"schema": schema}}});
        responses.entry(*status).or_insert(refusal);
    }
    for (status, response) in responses {
        if let Some(response) = response.as_object_mut()
            && status.starts_with(['4', '5'])
        {
            describe(status, response);
        }
    }
}

/// All refusals are problems, and say so in words too.
fn describe(status: &str, response: &mut Operation) {
    let mut codes = Code::ALL.iter();
    let code = codes.find(|code| code.status().to_string() == status);
    let said = response.get("description").and_then(Value::as_str);
    if let Some(code) = code.filter(|_| said.is_none_or(str::is_empty)) {
        response.insert("description".to_owned(), json!(code.title()));
    }
    let content = response.get_mut("content").and_then(Value::as_object_mut);
    if let Some((content, schema)) =
        content.and_then(|content| content.remove("application/json").map(|s| (content, s)))
    {
        content.insert("application/problem+json".to_owned(), schema);
    }
}

/// Who may ask, where the service does not say it: a signed-in caller where it answers 401 itself, anybody otherwise.
/// What signs somebody in or out is open to anybody.
fn secure(path: &str, operation: &mut Operation) {
    let refuses_strangers = operation
        .get("responses")
        .is_some_and(|responses| responses.get("401").is_some());
    let security = if refuses_strangers && !FOR_ANYBODY.contains(&path) {
        json!([{"bearer": []}])
    } else {
        json!([{}, {"bearer": []}])
    };
    operation.entry("security").or_insert(security);
}

/// Says which scope an API key must have here; whether there is one.
fn admit_keys(path: &str, method: &str, operation: &mut Operation) -> bool {
    let Some(Need::Scope(scope)) = gateway::need(&method.to_uppercase(), path) else {
        return false;
    };
    let ways = operation.get_mut("security").and_then(Value::as_array_mut);
    if let Some(ways) = ways {
        ways.push(json!({"api_key": [scope.as_str()]}));
    }
    true
}

fn shape_headers(operation: &mut Operation) {
    let parameters = operation.get_mut("parameters");
    for parameter in parameters
        .and_then(Value::as_array_mut)
        .into_iter()
        .flatten()
    {
        let name = parameter.get("name").and_then(Value::as_str);
        let known = HEADERS.iter().find(|(header, _)| Some(*header) == name);
        if let (Some((_, pattern)), Some(parameter)) = (known, parameter.as_object_mut()) {
            let schema = json!({"type": "string", "pattern": pattern});
            parameter.insert("schema".to_owned(), schema);
        }
    }
}

/// Says of integers without a sign how large they may be: `format` alone binds nobody.
pub(super) fn bound_numbers(value: &mut Value) {
    match value {
        Value::Object(members) => {
            let format = members.get("format").and_then(Value::as_str);
            let known = UNSIGNED.iter().find(|(found, ..)| Some(*found) == format);
            if let Some((_, name, largest)) = known {
                members.insert("format".to_owned(), json!(name));
                members.entry("maximum").or_insert(json!(largest));
            }
            members.values_mut().for_each(bound_numbers);
        }
        Value::Array(items) => items.iter_mut().for_each(bound_numbers),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}
