//! Addresses that must be refused: malformed ids, parameters that are not known or not readable, methods and
//! paths that are not there. And hostile searches, which must find nothing that they do not name.

use super::{
    ask::{Ask, Case, wrong_shape},
    world::{
        By::{self, *},
        World,
    },
};
use contracts::problem::Code::{self, *};
use serde_json::Value;
use std::time::{Duration, Instant};

/// Texts in the place of an id, as they stand in an address.
#[rustfmt::skip] // words, not a column
const NO_IDS: &[&str] = &[
    "x", "0", "-1", "1e400", "null", "undefined", "true", "*", "%", "prd", "ord_", "_", "prd_x", "ord_x",
    "usr_x", "cat_01h455vb4pex5vsknk084sn02q", "ORD_01H455VB4PEX5VSKNK084SN02Q",
    "prd_01H455VB4PEX5VSKNK084SN02Q", "ord_8zzzzzzzzzzzzzzzzzzzzzzzzz", "ord_01h455vb4pex5vsknk084sn02q0",
    "prd_01h455vb4pex5vsknk084sn02", "ord_01h455vb4pex5vsknk084sn02q%00", "%20ord_01h455vb4pex5vsknk084sn02q",
    "%00", "%ff%fe", "%c3%28", "%zz", "%", "%27%20OR%201=1--", "%7B%22$ne%22:null%7D", "$ne", "[$ne]=1",
    "%2e%2e", "..%2f..%2fetc%2fpasswd", "%2Fetc%2Fpasswd", "%252e%252e%252f", "..;", "%F0%9F%98%80",
    "%3Cscript%3E", "${7*7}", "01a1fdea-617d-75f9-ad79-d12739dcbb60",
];

/// Routes with an id: who asks, before it, after it, a valid body.
#[rustfmt::skip] // a route a line
const WITH_ID: &[(By, &str, &str, &str)] = &[
    (Ann, "GET /api/v1/orders/", "", ""),
    (Ann, "GET /api/v1/orders/", "/timeline", ""),
    (Ann, "POST /api/v1/orders/", "/cancel", "{}"),
    (Admin, "POST /api/v1/orders/", "/ship", "{}"),
    (Admin, "POST /api/v1/orders/", "/deliver", "{}"),
    (Ann, "GET /api/v1/payments/", "", ""),
    (Ann, "DELETE /api/v1/me/sessions/", "", ""),
    (Admin, "GET /api/v1/users/", "", ""),
    (Admin, "PATCH /api/v1/users/", "", r#"{"roles":["customer"],"version":1}"#),
    (Admin, "GET /api/v1/products/", "", ""),
    (Admin, "PUT /api/v1/products/", "", r#"{"name":"x","price":1,"version":1}"#),
    (Admin, "PATCH /api/v1/products/", "", r#"{"name":"x","version":1}"#),
    (Admin, "DELETE /api/v1/products/", "?version=1", ""),
    (Admin, "GET /api/v1/products/", "/images", ""),
    (Admin, "PATCH /api/v1/products/prd_01h455vb4pex5vsknk084sn02q/images/", "", r#"{"alt":"x","version":1}"#),
    (Admin, "DELETE /api/v1/products/prd_01h455vb4pex5vsknk084sn02q/images/", "?version=1", ""),
    (Admin, "GET /images/", "", ""),
    (Admin, "GET /api/v1/products/", "/variants", ""),
    (Admin, "PATCH /api/v1/products/prd_01h455vb4pex5vsknk084sn02q/variants/", "", r#"{"sku":"x","version":1}"#),
    (Admin, "DELETE /api/v1/products/prd_01h455vb4pex5vsknk084sn02q/variants/", "?version=1", ""),
    (Admin, "GET /api/v1/products/", "/prices", ""),
    (Admin, "GET /api/v1/products/", "/reviews", ""),
    (Ann, "POST /api/v1/products/", "/reviews", r#"{"rating":5}"#),
    (Ann, "PUT /api/v1/reviews/", "", r#"{"rating":5,"version":1}"#),
    (Ann, "DELETE /api/v1/reviews/", "?version=1", ""),
    (Admin, "PUT /api/v1/reviews/", "/status", r#"{"status":"hidden","version":1}"#),
    (Admin, "PATCH /api/v1/categories/", "", r#"{"name":"x","version":1}"#),
    (Admin, "DELETE /api/v1/categories/", "?version=1", ""),
    (Admin, "GET /api/v1/inventory/", "", ""),
    (Admin, "GET /api/v1/inventory/", "/movements", ""),
    (Nobody, "GET /products/", "", ""),
    (Admin, "PUT /products/", "", r#"{"name":"x","price":1}"#),
    (Admin, "DELETE /products/", "", ""),
    (Ann, "GET /orders/", "", ""),
    (Admin, "PUT /orders/", "/status", r#"{"status":"shipped"}"#),
    (Admin, "PUT /orders/", "", r#"{"status":"shipped"}"#),
    (Ann, "GET /orders/user/", "", ""),
];

pub(crate) fn ids(world: &World) -> Vec<Case> {
    let mut cases = Vec::new();
    for (by, before, after, body) in WITH_ID {
        let long = "a".repeat(7_000);
        for id in NO_IDS.iter().copied().chain([long.as_str()]) {
            let ask = Ask::new(format!("{before}{id}{after}")).by(world.client(*by));
            let ask = if body.is_empty() { ask } else { ask.json(body) };
            cases.push(Case::new(
                ask.header("idempotency-key", "ids"),
                &[Malformed, NotFound],
            ));
        }
    }
    cases
}

/// Lists, and who may read them.
const LISTS: &[(By, &str)] = &[
    (Nobody, "/api/v1/products"),
    (Admin, "/api/v1/products"),
    (Ann, "/api/v1/me/sessions"),
    (Ann, "/api/v1/orders"),
    (Admin, "/api/v1/orders"),
    (Admin, "/api/v1/returns"),
    (Admin, "/api/v1/inventory"),
    (Admin, "/api/v1/inventory/$variant/movements"),
    (Nobody, "/products"),
    (Ann, "/orders"),
];

/// Parameters that no list reads.
#[rustfmt::skip] // words, not a column
const BAD_QUERIES: &[&str] = &[
    "x=1", "limit=0", "limit=101", "limit=-1", "limit=x", "limit=", "limit", "limit=1.5", "limit=1e2",
    "limit=0x10", "limit=99999999999999999999", "limit=1&limit=2", "limit[]=1", "limit[$ne]=1", "Limit=1",
    "limit=%00", "limit=%D9%A1", "cursor=", "cursor=x", "cursor=%00", "cursor=%F0%9F%98%80", "cursor=' OR 1=1",
    "cursor=e30", "cursor=bnVsbA", "cursor=W10", "cursor=LTE", "cursor=MWUzMDA", "cursor=IiI",
    "cursor=eyJzb3J0IjoiLWNyZWF0ZWRfYXQifQ", "cursor=eyJzb3J0IjoibmFtZSIsImtleSI6IiIsIm51bWJlciI6MX0",
    "cursor=//////", "offset=1", "page=2", "$where=1", "access_token=x", "include=secrets", "fields=password",
    "=1", "%00=1", "%ff=1", "a%5Bb%5D=1",
];

/// Parameters of one list each.
#[rustfmt::skip] // a list a line
const OWN_QUERIES: &[(By, &str, &[&str])] = &[
    (Nobody, "/api/v1/products", &[
        "status=", "status=bogus", "status=Active", "status[]=draft", "sort=", "sort=price;drop", "sort=-name",
        "sort=relevance", "sort=password", "price_min=x", "price_min=1.5", "price_min=1e400",
        "price_min=9223372036854775808", "price_max=",
        "in_stock=maybe", "in_stock=1", "in_stock=", "owner_id=x", "q=a&q=b",
    ]),
    (Admin, "/api/v1/orders", &[
        "status=", "status=bogus", "status=PAID", "customer_id=", "customer_id=x",
        "customer_id=ord_01h455vb4pex5vsknk084sn02q",
        "created_after=", "created_after=yesterday", "created_after=2026-13-01T00:00:00Z", "created_after=9",
        "created_after=99999-01-01T00:00:00Z", "created_after=2026-01-01T00:00:00%2B99:99", "q=tea", "sort=number",
    ]),
    (Admin, "/api/v1/returns", &["status=", "status=bogus", "status=REQUESTED", "order_id=x", "sort=number"]),
    (Admin, "/api/v1/inventory", &["low_stock=maybe", "low_stock=", "low_stock=1", "status=active", "sku=a&sku=b"]),
    (Admin, "/api/v1/inventory/$variant/movements", &["kind=sold", "low_stock=true"]),
    (Ann, "/api/v1/me/sessions", &["status=ended", "user_id=x", "sort=created_at"]),
    (Admin, "/api/v1/categories", &["x=1", "limit=1", "cursor=x"]),
    (Ann, "/api/v1/orders/$paid/timeline", &["x=1", "limit=1", "cursor=x"]),
];

pub(crate) fn queries(world: &World) -> Vec<Case> {
    const CODES: &[Code] = &[InvalidParameter];
    let ask = |by: By, path: &str, query: &str| {
        Ask::new(format!(
            "GET {}?{}",
            world.fill(path),
            query.replace(' ', "%20")
        ))
        .by(world.client(by))
    };
    let shared = LISTS
        .iter()
        .flat_map(|(by, path)| BAD_QUERIES.iter().map(move |query| (*by, *path, *query)));
    let own = OWN_QUERIES
        .iter()
        .flat_map(|(by, path, queries)| queries.iter().map(move |query| (*by, *path, *query)));
    let long = format!("cursor={}", "a".repeat(1_025));
    let long = LISTS
        .iter()
        .map(|(by, path)| Case::new(ask(*by, path, &long), CODES));
    shared
        .chain(own)
        .map(|(by, path, query)| Case::new(ask(by, path, query), CODES))
        .chain(long)
        .collect()
}

/// Where nothing is.
#[rustfmt::skip] // words, not a column
const NOWHERE: &[&str] = &[
    "/api", "/api/", "/api/v1", "/api/v1/", "/api/v1/nope", "/api/v1/user", "/api/v1/auth", "/api/v2/products",
    "/API/V1/products", "/api/v1/products/x/y", "/api/v1//products", "//api/v1/products",
    "/api/v1/orders/x/y/z", "/api/v1/inventory/x/y", "/api/v1/products/%2e%2e/users",
    "/api/v1/../../etc/passwd", "/api/v1/%2e%2e/%2e%2e/etc/passwd", "/api/v1/..;/internal",
    "/api%2fv1%2fproducts", "/.env", "/.git/config", "/wp-login.php", "/phpmyadmin/", "/actuator/env",
    "/server-status", "/internal", "/metrics", "/debug/pprof", "/admin.php", "/assets/", "/assets/nope.css",
    "/assets/../../Cargo.toml", "/assets/%2e%2e%2f%2e%2e%2fCargo.toml", "/assets/..%5c..%5cCargo.toml",
    "/media/", "/media/..%2f..%2fetc%2fpasswd", "/%00", "/%ff", "/openapi.yaml", "/openapi.json/x", "/livez/x",
    "/.well-known/", "/.well-known/nope", "/docs/..%2f..",
];

pub(crate) fn nowhere(world: &World) -> Vec<Case> {
    let lines = NOWHERE
        .iter()
        .flat_map(|path| ["GET", "DELETE"].map(|method| format!("{method} {path}")));
    lines
        .map(|line| {
            Case::new(
                Ask::new(line).by(&world.admin),
                &[NotFound, Malformed, MethodNotAllowed],
            )
        })
        .collect()
}

/// Every address of the document, and the methods it has there.
async fn listed(world: &World) -> Vec<(String, Vec<String>)> {
    let document = world.nobody.get("/openapi.json").await.json;
    let paths = document["paths"].as_object().unwrap().iter();
    let fill = |path: &str| {
        let word = match path.split('/').nth(3) {
            Some("orders") => "$pending",
            Some("payments") => "$payment",
            Some("users") => "$bob",
            Some("inventory") => "$variant",
            _ => "$product",
        };
        let cut = path.find('{').zip(path.find('}'));
        let path = cut.map_or_else(
            || path.to_owned(),
            |(open, close)| format!("{}{word}{}", &path[..open], &path[close + 1..]),
        );
        world.fill(&path)
    };
    let methods = |item: &Value| {
        item.as_object()
            .unwrap()
            .keys()
            .map(|key| key.to_ascii_uppercase())
            .collect()
    };
    paths
        .map(|(path, item)| (fill(path), methods(item)))
        .collect()
}

/// Methods that an address does not have are refused, and it tells those that it has.
pub(crate) async fn assert_methods(world: &World) {
    let mut wrong = Vec::new();
    for (path, methods) in listed(world).await {
        for method in [
            "GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "BREW", "get",
        ] {
            if methods.contains(&method.to_owned()) {
                continue;
            }
            let ask = Ask::new(format!("{method} {path}"))
                .by(&world.admin)
                .json("{}");
            let answer = ask.send(world.url()).await.unwrap();
            let allowed = answer.header("allow").to_owned();
            let tells = methods
                .iter()
                .all(|method| allowed.split(',').any(|one| one.trim() == method));
            // An address below may have a name that reads as an id here.
            let fits = (answer.status, answer.code()) == (405, "method_not_allowed") && tells;
            if let Some(shape) = wrong_shape(world.url(), &path, &answer)
                .or_else(|| (!fits).then(|| "not refused so".to_owned()))
            {
                wrong.push(format!(
                    "{method} {path}: {shape}: {} {allowed:?} {}",
                    answer.status, answer.text
                ));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// HEAD is GET without the body.
pub(crate) async fn assert_heads(world: &World) {
    let mut paths: Vec<String> = listed(world)
        .await
        .into_iter()
        .filter(|(_, methods)| methods.contains(&"GET".to_owned()))
        .map(|(path, _)| path)
        .collect();
    paths.extend(
        [
            "/",
            "/livez",
            "/readyz",
            "/version",
            "/openapi.json",
            "/docs",
            "/products",
            "/api/v1/nope",
            "/nope",
        ]
        .map(str::to_owned),
    );
    paths.push(world.fill("/api/v1/orders/ord_01h455vb4pex5vsknk084sn02q"));
    for path in paths {
        let get = Ask::new(format!("GET {path}"))
            .by(&world.admin)
            .send(world.url())
            .await
            .unwrap();
        let head = Ask::new(format!("HEAD {path}"))
            .by(&world.admin)
            .send(world.url())
            .await
            .unwrap();
        let seen = |answer: &testkit::Answer| {
            (
                answer.status,
                answer.header("content-type").to_owned(),
                answer.header("etag").to_owned(),
            )
        };
        assert_eq!(seen(&get), seen(&head), "{path}");
        assert_eq!(head.text, "", "{path}");
    }
}

/// What somebody may write into a search, and whether it names tea (which is there).
#[rustfmt::skip] // words, not a column
const SEARCHES: &[(&str, bool)] = &[
    ("tea", true), ("TEA", true), ("te", true), ("tea'", true), ("\"tea\"", true), ("(tea)", true),
    ("tea*", true), ("*tea", true), ("^tea", true), ("'", false), ("\"", false), ("\"\"\"", false),
    ("*", false), ("%", false), ("_", false), ("%%%", false), ("__a", false), ("-", false), ("^", false),
    ("(", false), (")", false), ("((((", false), ("\\", false), ("/", false), (";", false), ("--", false),
    ("NEAR", false), ("NEAR(tea cup, 5)", false), ("AND", false), ("OR", false), ("NOT", false),
    ("tea AND", false), ("tea OR cup", false), ("NOT tea", false), ("name:tea", false),
    ("{name sku}:tea", false), ("rowid:1", false), ("tea' OR '1'='1", false),
    ("'; DROP TABLE products; --", false), ("' UNION SELECT password FROM users --", false), ("(a+)+$", false),
    ("^(([a-z])+.)+[A-Z]([a-z])+$", false), ("\u{1f375}", false), ("\u{202e}aet", false), ("\u{0}", false),
    ("\u{feff}", false), ("<script>alert(1)</script>", false), ("{\"$ne\":null}", false),
    ("../../etc/passwd", false), ("\r\nSet-Cookie: a=b", false), ("ſ", false), ("ß", false), ("ﷺ", false),
    // Accents tell no words apart, however many there are.
    ("t\u{301}\u{301}\u{301}ea", true),
];

/// Searches are answered soon, with what they name and nothing else, whatever they look like.
pub(crate) async fn assert_searches(world: &World) {
    let long: Vec<(String, bool)> = [
        "a".repeat(7_000),
        "a ".repeat(2_000),
        "%22".repeat(2_000),
        "*".repeat(5_000),
        "%C3%A9".repeat(1_000),
        "%CC%81".repeat(1_000),
    ]
    .map(|text| (text, false))
    .into();
    let short = SEARCHES.iter().map(|(text, finds)| (encoded(text), *finds));
    for (text, finds) in short.chain(long) {
        for path in [
            "/api/v1/products?q=",
            "/api/v1/products?category=",
            "/api/v1/products?sort=relevance&q=",
            "/products?q=",
        ] {
            let began = Instant::now();
            let ask = Ask::new(format!("GET {path}{}", text.replace(' ', "+")));
            let answer = ask.send(world.url()).await.unwrap();
            assert!(
                began.elapsed() < Duration::from_secs(5),
                "{path}{text} takes long"
            );
            let ids = answer.text.matches("\"sku\":\"Tea\"").count();
            assert_eq!(answer.status, 200, "{path}{text}: {}", answer.text);
            assert_eq!(
                ids > 0,
                finds && path.contains("q="),
                "{path}{text}: {}",
                answer.text
            );
        }
    }
    let sku = world.admin.get("/api/v1/inventory?sku=%25").await;
    assert_eq!(
        sku.json["data"],
        Value::Array(Vec::new()),
        "a SKU is no pattern"
    );
}

/// Also that of a product whose name is an address beside the products'.
pub(crate) async fn assert_every_slug_leads_to_its_product(world: &World) {
    for name in [
        "Batch",
        "Products",
        "..",
        "%2e%2e",
        "prd_x",
        "\u{1f375}",
        "\u{8336}",
    ] {
        let id = world.admin.sell(name, 100, 1).await;
        let slug = world
            .admin
            .get(&format!("/api/v1/products/{id}"))
            .await
            .str("/slug")
            .to_owned();
        let found = world.nobody.get(&format!("/api/v1/products/{slug}")).await;
        assert_eq!(found.str("/id"), id, "{name} at {slug}: {}", found.text);
    }
}

fn encoded(text: &str) -> String {
    text.bytes().map(|byte| format!("%{byte:02X}")).collect()
}
