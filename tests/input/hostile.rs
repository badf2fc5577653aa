//! Bodies that must be refused, made of the valid ones: what is no JSON, what has the wrong type, what breaks a
//! rule, what is too much.

use super::{
    ask::{Ask, Case},
    values::wrong_values,
    world::World,
    writes::{ROUTES, Route, SEEDS},
};
use contracts::problem::Code::{self, *};
use serde_json::Value;

const WRONG: &[Code] = &[Malformed, Validation];

/// No JSON, or not one object.
const NO_OBJECT: &[&[u8]] = &[
    b"{",
    b"}",
    b"nul",
    b"[]",
    b"[{}]",
    b"\"text\"",
    b"1",
    b"true",
    b"NaN",
    b"1e400",
    b"{\"a\":}",
    b"{\"a\":1,}",
    b"{\"a\" 1}",
    b"{a:1}",
    b"{'a':1}",
    b"{\"a\":NaN}",
    b"{\"a\":01}",
    b"{/* */}",
    b"{} x",
    b"{}{}",
    b"{}\0",
    b"\0{}",
    b"\xef\xbb\xbf{}",
    b"{\"\xff\":1}",
    b"{\"a\":\"\xc3\x28\"}",
    b"{\"a\":\"\xed\xa0\x80\"}",
    b"{\"a\":\"\0\"}",
    b"{\"a\":\"\n\"}",
    b"{\"a\":\"\\x\"}",
    b"{\"a\":\"\\u12\"}",
    b"\x1f\x8b\x08\x00\x00\x00\x00\x00",
    b"<xml/>",
    b"a=1&b=2",
    b" ",
];

/// Kinds of body that no route reads.
const KINDS: &[&str] = &[
    "text/plain",
    "text/json",
    "application/x-www-form-urlencoded",
    "multipart/form-data; boundary=x",
    "application/xml",
    "application/jsonx",
    "application/json-patch+json",
    "application/problem+json",
    "application/x-ndjson",
    "json",
    "*/*",
    ",",
    "",
];

/// Names of ours that no body may set, and some that mean something elsewhere.
const UNKNOWN: &[&str] = &[
    "x_unknown",
    "is_admin",
    "role",
    "admin",
    "id",
    "_id",
    "owner_id",
    "customer_id",
    "user_id",
    "created_at",
    "verified",
    "unit_price",
    "number",
    "epoch",
    "password_hash",
    "$where",
    "__proto__",
    "constructor",
    "",
    "a/b~c",
];

/// Names that some of the routes know.
const FOREIGN: &[&str] = &[
    "roles", "status", "price", "stock", "version", "items", "total", "name",
];

pub(crate) fn cases(world: &World) -> Vec<Case> {
    let routes = ROUTES.iter().flat_map(|route| {
        [
            bytes(world, route),
            fields(world, route),
            names(world, route),
            sizes(world, route),
        ]
        .into_iter()
        .flatten()
    });
    routes.chain(seeds(world)).collect()
}

fn ask(world: &World, route: &Route) -> Ask {
    let ask = Ask::new(world.fill(route.line)).by(world.client(route.by));
    ask.header("idempotency-key", format!("hostile-{}", world.number()))
}

fn bytes(world: &World, route: &Route) -> Vec<Case> {
    // What may come without a body may come with an empty one, but then nobody is known.
    let codes: &[Code] = if route.line.ends_with("logout") {
        &[Malformed, Validation, Unauthenticated]
    } else {
        // What comes first is told first: perhaps a name that is not known.
        WRONG
    };
    let valid = world.fill(route.body);
    let mut cases: Vec<Case> = NO_OBJECT
        .iter()
        .chain(&[b"".as_slice(), b"null"])
        .map(|body| Case::new(ask(world, route).json(body), codes))
        .collect();
    for (open, close) in [("[", "]"), ("{\"a\":", "}")] {
        let nest = |depth: usize| format!("{}1{}", open.repeat(depth), close.repeat(depth));
        cases.push(Case::new(ask(world, route).json(nest(33)), WRONG));
        cases.push(Case::new(ask(world, route).json(nest(5_000)), &[Malformed]));
        cases.push(Case::new(
            ask(world, route).json(nest(100_000)),
            &[Malformed, BodyTooLarge],
        ));
        cases.push(Case::new(
            ask(world, route).json(open.repeat(100_000)),
            &[Malformed, BodyTooLarge],
        ));
    }
    for kind in KINDS {
        let ask = ask(world, route).header("content-type", kind).body(&valid);
        cases.push(Case::new(ask, &[UnsupportedMediaType]));
    }
    cases.push(Case::new(
        ask(world, route).body(&valid),
        &[UnsupportedMediaType],
    ));
    cases.push(Case::new(
        ask(world, route)
            .header("content-type", b"\xff\xfe")
            .body(&valid),
        &[UnsupportedMediaType],
    ));
    for coding in ["gzip", "br", "deflate, gzip", "x"] {
        let ask = ask(world, route)
            .header("content-encoding", coding)
            .json(&valid);
        cases.push(Case::new(ask, &[UnsupportedMediaType]));
    }
    cases
}

fn sizes(world: &World, route: &Route) -> Vec<Case> {
    let too_large = |bytes: usize| format!("{{\"x\":\"{}\"}}", "a".repeat(bytes));
    let codes = &[BodyTooLarge];
    vec![
        Case::new(ask(world, route).json(too_large(route.bytes_max)), codes),
        Case::new(
            ask(world, route).json(too_large(route.bytes_max)).chunked(),
            codes,
        ),
        Case::new(
            ask(world, route)
                .json(too_large(4 * route.bytes_max))
                .chunked(),
            codes,
        ),
        Case::new(
            ask(world, route)
                .json(" ".repeat(route.bytes_max + 1))
                .chunked(),
            codes,
        ),
        Case::new(
            ask(world, route)
                .header("content-length", "99999999999")
                .json("{"),
            codes,
        ),
    ]
}

/// The valid body with this raw JSON in the place of a field.
fn with(valid: &Value, pointer: &str, raw: &str) -> String {
    let mut body = valid.clone();
    *body
        .pointer_mut(pointer)
        .unwrap_or_else(|| panic!("no {pointer} in {valid}")) = Value::from("@@");
    body.to_string().replace("\"@@\"", raw)
}

fn without(valid: &Value, pointer: &str) -> String {
    let mut body = valid.clone();
    let (parent, name) = pointer.rsplit_once('/').unwrap();
    body.pointer_mut(parent)
        .unwrap()
        .as_object_mut()
        .unwrap()
        .remove(name)
        .unwrap();
    body.to_string()
}

fn valid(world: &World, route: &Route) -> Value {
    serde_json::from_str(&world.fill(route.body)).unwrap()
}

fn fields(world: &World, route: &Route) -> Vec<Case> {
    let valid = valid(world, route);
    let mut cases = Vec::new();
    for (pointer, kind) in route.fields {
        for value in wrong_values(*kind) {
            let ask = ask(world, route).json(with(&valid, pointer, &value));
            cases.push(Case::new(ask, WRONG).at(parent_of_money(pointer)));
        }
    }
    for pointer in route.required {
        let ask = ask(world, route).json(without(&valid, pointer));
        cases.push(Case::new(ask, &[Validation]).at(parent_of_money(pointer)));
    }
    cases
}

/// Money is read from its own text, so that what is wrong within it is told of the whole.
fn parent_of_money(pointer: &str) -> &str {
    let parts = ["/price", "/total"]
        .into_iter()
        .find(|money| pointer.starts_with(money));
    parts.unwrap_or(pointer)
}

fn names(world: &World, route: &Route) -> Vec<Case> {
    let valid = valid(world, route);
    let known: Vec<&String> = valid.as_object().unwrap().keys().collect();
    let unknown = UNKNOWN.iter().chain(FOREIGN.iter().filter(|name| {
        // Not in this body, and no field that this route has but this body lacks.
        let takes_many = ["products", "discounts"];
        !known.contains(&&(**name).to_owned())
            && !takes_many.iter().any(|of| route.line.contains(of))
    }));
    let text = valid.to_string();
    let inner = &text[1..];
    let comma = if inner == "}" { "" } else { "," };
    let mut cases: Vec<Case> = unknown
        .map(|name| {
            let body = format!("{{\"{name}\":1{comma}{inner}");
            let pointer = format!("/{}", name.replace('~', "~0").replace('/', "~1"));
            Case::new(ask(world, route).json(body), &[Validation]).at(pointer)
        })
        .collect();
    for (pointer, _) in route.fields {
        if let Some(Value::Object(_)) = valid.pointer(pointer)
            && !matches!(*pointer, "/attributes")
        {
            let mut body = valid.clone();
            body.pointer_mut(pointer).unwrap()["x_unknown"] = Value::from(1);
            cases.push(
                Case::new(ask(world, route).json(body.to_string()), &[Validation]).at(*pointer),
            );
        }
    }
    for name in known {
        let again = format!("{{\"{name}\":{},{inner}", valid[name]);
        cases.push(Case::new(ask(world, route).json(again), &[Malformed]).at(format!("/{name}")));
    }
    cases
}

fn seeds(world: &World) -> Vec<Case> {
    let mut cases = Vec::new();
    for (line, by, bytes_max) in SEEDS {
        let ask = || Ask::new(world.fill(line)).by(world.client(*by));
        // What may come without a body may also come with one that says nothing.
        let says_nothing = |body: &&[u8]| body.is_empty() || **body == *b" ";
        let bodies = NO_OBJECT
            .iter()
            .copied()
            .filter(|body| !says_nothing(body))
            .chain([b"null".as_slice()]);
        cases.extend(bodies.map(|body| Case::new(ask().json(body), &[Malformed])));
        let deep = format!("{{\"name\":{}1{}}}", "[".repeat(5_000), "]".repeat(5_000));
        cases.push(Case::new(ask().json(deep), &[Malformed]));
        cases.push(Case::new(ask().json("{\"name\":1,\"name\":1}"), &[Malformed]).at("/name"));
        cases.push(Case::new(
            ask().header("content-type", "text/plain").body("{}"),
            &[UnsupportedMediaType],
        ));
        let large = format!("{{\"name\":\"{}\"}}", "a".repeat(*bytes_max));
        cases.push(Case::new(ask().json(&large), &[BodyTooLarge]));
        cases.push(Case::new(ask().json(&large).chunked(), &[BodyTooLarge]));
    }
    cases
}
