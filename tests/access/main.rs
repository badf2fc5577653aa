//! Who may do what, asked through the real door: every route by everybody, tokens of every kind, and what
//! one customer can learn of another. Requests are valid, so that a refusal is about authority and nothing else.
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::string_slice,
    clippy::arithmetic_side_effects,
    reason = "a test that cannot go on should stop"
)]

mod callbacks;
mod canary;
mod cards;
mod cast;
mod export;
mod forged;
mod keys;
mod logged;
mod prices;
mod scanned;
mod table;
mod thing;
mod tokens;

use cast::{Cast, Who, keyed};
use contracts::problem::Code;
use futures_util::{StreamExt, stream};
use reqwest::Method;
use serde_json::Value;
use std::collections::BTreeSet;
use table::{ROUTES, Row, SEEDS};
use testkit::{Answer, Shop};
use thing::Thing;

/// Cells that are asked at a time.
const AT_A_TIME: usize = 8;

/// What somebody may send who hopes to be taken for an admin.
const CLAIMS: &[(&str, &str)] = &[
    ("x-user-id", "$admin"),
    ("x-user", "$admin"),
    ("x-user-roles", "admin"),
    ("x-role", "admin"),
    ("x-roles", "admin,merchant"),
    ("x-admin", "true"),
    ("x-principal", "$admin"),
    ("x-auth-request-user", "$admin"),
    ("x-authenticated-user", "$admin"),
    ("x-forwarded-user", "$admin"),
    ("x-forwarded-email", "admin@souk.example"),
    ("x-forwarded-for", "127.0.0.1"),
    ("x-real-ip", "127.0.0.1"),
    ("forwarded", "for=127.0.0.1;by=admin"),
    ("remote-user", "$admin"),
    ("x-original-url", "/livez"),
    ("x-rewrite-url", "/livez"),
    ("x-http-method-override", "GET"),
    ("x-internal", "1"),
    ("cookie", "role=admin; user_id=$admin; session=$admin"),
];

/// Asks once; what is wrong with the answer, if something is.
async fn ask(cast: &Cast, row: &Row, column: usize, claims: &[(&str, &str)]) -> Option<String> {
    let Row(route, thing, body, expected) = row;
    let who = Who::ALL[column];
    let made = cast.make(who, *thing).await;
    let (method, path) = route.split_once(' ').unwrap();
    let path = made.path(path);
    let method: Method = method.parse().unwrap();
    let mut request = made.asker.request(method.clone(), &path);
    if method != Method::GET {
        request = keyed(request, cast.number());
    }
    if let Some(token) = &made.order_token {
        request = request.header("order-token", token);
    }
    if let Some(token) = &made.cart_token {
        request = request.header("cart-token", token);
    }
    for (name, value) in claims {
        request = request.header(*name, value.replace("$admin", cast.admin.user_id()));
    }
    if !body.is_empty() {
        request = request
            .header("content-type", "application/json")
            .body(made.fill(body));
    }
    let answer = made.asker.send(request).await;
    let wrong = wrong_with(&answer, expected[column]).or_else(|| cast.leak(who, &path, &answer));
    wrong.map(|wrong| format!("{route} of {thing:?} by {who:?}: {wrong}"))
}

fn wrong_with(answer: &Answer, expected: u16) -> Option<String> {
    let code = Code::from_slug(answer.code());
    let explained = answer.status < 400 || code.is_some_and(|code| code.status() == answer.status);
    let challenged =
        answer.status != 401 || answer.header("www-authenticate").starts_with("Bearer");
    let wrong = if answer.status != expected {
        format!("{} instead of {expected}", answer.status)
    } else if !explained {
        "no code of ours".to_owned()
    } else if !challenged {
        "401 without WWW-Authenticate".to_owned()
    } else if answer.text.contains("$argon2") || answer.text.contains("password_hash") {
        "a password's hash".to_owned()
    } else {
        return None;
    };
    Some(format!("{wrong}: {}", answer.text))
}

/// Asks all of these cells, some at a time; what went wrong, one a line.
async fn ask_all(cast: &Cast, columns: &[usize], claims: &[(&str, &str)]) -> String {
    let rows = ROUTES.iter().chain(SEEDS);
    let cells = rows.flat_map(|row| columns.iter().map(move |column| (row, *column)));
    let asked = stream::iter(cells).map(|(row, column)| ask(cast, row, column, claims));
    let wrong: Vec<Option<String>> = asked.buffer_unordered(AT_A_TIME).collect().await;
    wrong.into_iter().flatten().collect::<Vec<_>>().join("\n")
}

#[tokio::test]
async fn everybody_gets_of_every_route_what_the_table_says() {
    let cast = Cast::gather().await;
    let wrong = ask_all(&cast, &[0, 1, 2, 3, 4, 5], &[]).await;
    assert!(wrong.is_empty(), "{wrong}");
    cast.shop.verify().await;
}

#[tokio::test]
async fn headers_that_claim_to_be_somebody_change_nothing() {
    let cast = Cast::gather().await;
    let wrong = ask_all(&cast, &[0, 1, 3], CLAIMS).await;
    assert!(wrong.is_empty(), "{wrong}");
    cast.shop.verify().await;
}

#[tokio::test]
async fn the_table_has_every_route_of_the_document_and_no_other() {
    let shop = Shop::start().await;
    let document = shop.visitor().get("/openapi.json").await.json;
    let paths = document["paths"].as_object().unwrap().iter();
    let listed: BTreeSet<String> = paths
        .flat_map(|(path, item)| methods(item).map(move |method| format!("{method} {path}")))
        .collect();
    let bare = |row: &Row| row.0.split('?').next().unwrap().to_owned();
    let tabled: BTreeSet<String> = ROUTES.iter().map(bare).collect();
    let untested: Vec<_> = listed.difference(&tabled).collect();
    let unlisted: Vec<_> = tabled.difference(&listed).collect();
    assert!(untested.is_empty(), "not in the table: {untested:?}");
    assert!(unlisted.is_empty(), "not in the document: {unlisted:?}");
}

fn methods(item: &Value) -> impl Iterator<Item = String> {
    const METHODS: [&str; 8] = [
        "get", "put", "post", "delete", "options", "head", "patch", "trace",
    ];
    let known = item
        .as_object()
        .unwrap()
        .keys()
        .filter(|key| METHODS.contains(&key.as_str()));
    known.map(|method| method.to_ascii_uppercase())
}

/// Lists, what is in them, and who finds it there.
#[rustfmt::skip] // a list a line
const LISTS: &[(&str, Thing, [bool; 6])] = &[
    ("/api/v1/products?status=draft&limit=100", Thing::Draft, [false, false, false, false, true, true]),
    ("/api/v1/products?status=archived&limit=100", Thing::Archived, [false, false, false, false, true, true]),
    ("/api/v1/products?limit=100", Thing::Product, [true, true, true, true, true, true]),
    ("/api/v1/products?limit=100", Thing::Draft, [false, false, false, false, false, false]),
    ("/api/v1/products?limit=100&q=offer", Thing::Draft, [false, false, false, false, false, false]),
    ("/products", Thing::Draft, [false, false, false, false, false, false]),
    ("/api/v1/inventory?limit=100", Thing::Variant, [false, false, false, false, true, true]),
    ("/api/v1/orders?limit=100", Thing::Pending, [false, false, true, false, false, true]),
    ("/api/v1/orders?limit=100&status=pending", Thing::Pending, [false, false, true, false, false, true]),
    ("/api/v1/orders?limit=100", Thing::Guests, [false, false, false, false, false, true]),
    ("/orders", Thing::Pending, [false, false, true, false, false, false]),
    ("/orders/user/$owner", Thing::Pending, [false, false, true, false, false, true]),
];

#[tokio::test]
async fn a_list_holds_what_its_reader_may_see_and_nothing_else() {
    let cast = Cast::gather().await;
    for (path, thing, expected) in LISTS {
        for (who, expected) in Who::ALL.iter().zip(expected) {
            let made = cast.make(*who, *thing).await;
            let list = made.asker.get(&made.fill(path)).await;
            assert_eq!(
                list.text.contains(&made.id),
                *expected,
                "{thing:?} in {path} by {who:?}"
            );
        }
    }
}

const ADJUST: &str = r#"{"changes":[{"variant_id":"$id","delta":1,"reason":"x"}]}"#;

/// Routes with an id that a stranger asks for: what of another's is there, and what is not.
#[rustfmt::skip] // a route a line
const PRIVATE: &[(Who, &str, Thing, &str)] = &[
    (Who::Stranger, "GET /api/v1/orders/{id}", Thing::Paid, ""),
    (Who::Stranger, "GET /api/v1/orders/{id}/timeline", Thing::Paid, ""),
    (Who::Stranger, "POST /api/v1/orders/{id}/cancel", Thing::Pending, "{}"),
    (Who::Stranger, "POST /api/v1/orders/{id}/ship", Thing::Paid, "{}"),
    (Who::Stranger, "POST /api/v1/orders/{id}/deliver", Thing::Shipped, "{}"),
    (Who::Stranger, "GET /api/v1/payments/{id}", Thing::Payment, ""),
    (Who::Stranger, "POST /api/v1/payments", Thing::Pending, r#"{"order_id":"$id","method":"tok_ok"}"#),
    (Who::Stranger, "GET /api/v1/products/{id}", Thing::Draft, ""),
    (Who::Stranger, "GET /api/v1/users/{id}", Thing::OwnerHerself, ""),
    (Who::Stranger, "GET /api/v1/api-keys/{id}", Thing::Key, ""),
    (Who::Stranger, "DELETE /api/v1/api-keys/{id}", Thing::Key, ""),
    (Who::Admin, "POST /api/v1/api-keys/{id}/rotate", Thing::Key, r#"{"password":"$password"}"#),
    (Who::Stranger, "GET /orders/{id}", Thing::Paid, ""),
    (Who::Stranger, "PUT /orders/{id}/status", Thing::Paid, r#"{"status":"shipped"}"#),
    (Who::Stranger, "GET /orders/user/{id}", Thing::OwnerHerself, ""),
    (Who::Nobody, "GET /api/v1/products/{id}", Thing::Draft, ""),
    (Who::Nobody, "GET /api/v1/orders/{id}", Thing::GuestsWithOther, ""),
    (Who::ForeignMerchant, "GET /api/v1/orders/{id}", Thing::Paid, ""),
    (Who::ForeignMerchant, "GET /api/v1/products/{id}", Thing::Draft, ""),
    (Who::ForeignMerchant, "PUT /api/v1/products/{id}", Thing::Product, r#"{"name":"x","price":1,"version":1}"#),
    (Who::ForeignMerchant, "PATCH /api/v1/products/{id}", Thing::Product, r#"{"name":"x","version":1}"#),
    (Who::ForeignMerchant, "DELETE /api/v1/products/{id}?version=1", Thing::Product, ""),
    (Who::ForeignMerchant, "GET /api/v1/inventory/{id}", Thing::Variant, ""),
    (Who::ForeignMerchant, "GET /api/v1/inventory/{id}/movements", Thing::Variant, ""),
    (Who::ForeignMerchant, "POST /api/v1/inventory/adjust", Thing::Variant, ADJUST),
];

#[tokio::test]
async fn what_belongs_to_others_looks_like_what_is_not_there() {
    let cast = Cast::gather().await;
    for (who, route, thing, body) in PRIVATE {
        let mut seen = Vec::new();
        for there in [true, false] {
            let mut made = cast.make(*who, *thing).await;
            if !there {
                made.id = absent(&made.id);
            }
            let (method, path) = route.split_once(' ').unwrap();
            let request = made
                .asker
                .request(method.parse().unwrap(), &made.path(path));
            let mut request = keyed(request, cast.number());
            if let Some(token) = &made.order_token {
                request = request.header("order-token", token);
            }
            if !body.is_empty() {
                request = request
                    .header("content-type", "application/json")
                    .body(made.fill(body));
            }
            let (witness, address) = match &made.witness {
                Some((owner, address)) => (owner, (*address).to_owned()),
                None => (&cast.admin, address_of(&made.id)),
            };
            let before = shown(witness.get(&address).await);
            seen.push(shown(made.asker.send(request).await));
            let after = shown(witness.get(&address).await);
            assert_eq!(before, after, "{route} of {thing:?} by {who:?} changed it");
            if there {
                assert!(before.starts_with("200"), "nobody saw it: {before}");
            }
        }
        assert_eq!(seen[0], seen[1], "{route} of {thing:?} by {who:?}");
        assert!(
            seen[0].starts_with("404") || seen[0].starts_with("403"),
            "{}",
            seen[0]
        );
    }
}

/// Where an admin reads what has this id.
fn address_of(id: &str) -> String {
    let list = match id.split('_').next().unwrap() {
        "ord" => "orders",
        "key" => "api-keys",
        "pay" => "payments",
        "prd" => "products",
        "usr" => "users",
        _ => "inventory",
    };
    format!("/api/v1/{list}/{id}")
}

/// An id of the same kind that nothing has.
fn absent(id: &str) -> String {
    let kind = id.split('_').next().unwrap();
    format!("{kind}_01h455vb4pex5vsknk084sn02q")
}

/// Status, header names and body, but for what is the request's own.
fn shown(answer: Answer) -> String {
    let mut body = answer.json.clone();
    for own in ["instance", "request_id"] {
        body.as_object_mut().unwrap().remove(own);
    }
    let names: BTreeSet<&str> = answer
        .headers
        .keys()
        .map(reqwest::header::HeaderName::as_str)
        .collect();
    format!("{} {names:?} {body}", answer.status)
}
