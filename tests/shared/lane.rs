//! Reads by the express lane: word for word what the long way says, as fresh as that, and counted as well.

use reqwest::header::HeaderMap;
use serde_json::json;
use testkit::{Answer, Client, Shop, raw, raw_in_turn};

/// Whoever says so goes the long way, and is answered alike.
const LONG_WAY: &str = "origin: https://elsewhere.example\r\n";
/// What no two answers have in common.
const OWN: [&str; 6] = [
    "connection",
    "x-request-id",
    "ratelimit",
    "date",
    "content-length",
    "transfer-encoding",
];

const OPS: (&str, &str) = ("SOUK_HTTP__OPS_LISTEN", "127.0.0.1:0");

/// How many answers the lane gave.
async fn given(shop: &Shop) -> u64 {
    let metrics = shop.visitor().at(shop.ops_url()).get("/metrics").await;
    let line = metrics
        .text
        .lines()
        .find_map(|line| line.strip_prefix("souk_lane_given_total "));
    line.expect("the count").parse().expect("a number")
}

/// The same on a connection that stays, and has been asked for something else: there the lane stands before hyper.
async fn ask_again(shop: &Shop, path: &str, lines: &str) -> Answer {
    let first = "GET /livez HTTP/1.1\r\nhost: souk\r\n\r\n";
    let request = format!("GET {path} HTTP/1.1\r\nhost: souk\r\n{lines}\r\n");
    let answer = raw_in_turn(shop.url(), &[first.as_bytes(), request.as_bytes()]).await;
    answer.expect("an answer")
}

async fn ask(shop: &Shop, path: &str, lines: &str) -> Answer {
    let request = format!("GET {path} HTTP/1.1\r\nhost: souk\r\n{lines}connection: close\r\n\r\n");
    let answer = raw(shop.url(), request.as_bytes()).await;
    answer.expect("an answer")
}

fn common(headers: &HeaderMap) -> Vec<(String, String)> {
    let mut all: Vec<(String, String)> = headers
        .iter()
        .filter(|(name, _)| !OWN.contains(&name.as_str()))
        .map(|(name, value)| (name.to_string(), value.to_str().expect("text").to_owned()))
        .collect();
    all.sort();
    all
}

/// A product whose description is worth compressing.
async fn product(admin: &Client, name: &str) -> Answer {
    let wish = json!({
        "name": name, "price": {"amount": 420, "currency": "USD"}, "stock": 9,
        "description": "green leaves, dried ".repeat(80),
    });
    let made = admin.post("/api/v1/products", &wish).await;
    assert_eq!(made.status, 201, "{}", made.text);
    made
}

#[tokio::test]
async fn the_lane_says_what_the_long_way_says() {
    let mut shop = Shop::start_with(&[OPS]).await;
    let admin = shop.admin().await;
    let tea = product(&admin, "Lane tea").await;
    product(&admin, "Lane coffee").await;
    let one = format!("/api/v1/products/{}", tea.str("/id"));
    let slug = format!("/api/v1/products/{}", tea.str("/slug"));
    let (list, some) = ("/api/v1/products", "/api/v1/products?limit=1&sort=price");
    for path in [one.as_str(), &slug, list, some] {
        let tag = ask(&shop, path, LONG_WAY).await.header("etag").to_owned();
        for known in ["", &tag, "\"another\"", "*"] {
            for coding in ["", "gzip", "br, gzip;q=0.5", "identity"] {
                let field = |name: &str, value: &str| match value {
                    "" => String::new(),
                    value => format!("{name}: {value}\r\n"),
                };
                let lines = field("if-none-match", known) + &field("accept-encoding", coding);
                let long = ask(&shop, path, &format!("{LONG_WAY}{lines}")).await;
                let is_known = known == tag || known == "*";
                assert_eq!(
                    long.status,
                    if is_known { 304 } else { 200 },
                    "{path} {lines}"
                );
                let before = given(&shop).await;
                // What was kept may have come of age just before it would have been given.
                for _ in 0..10 {
                    for time in ["it was kept", "it was given", "it was given before hyper"] {
                        let lane = match time {
                            "it was given before hyper" => ask_again(&shop, path, &lines).await,
                            _ => ask(&shop, path, &lines).await,
                        };
                        let what = format!("{path} {lines}{time}");
                        assert_eq!(lane.status, long.status, "{what}");
                        assert_eq!(common(&lane.headers), common(&long.headers), "{what}");
                        assert_eq!(lane.text, long.text, "{what}");
                        for own in ["x-request-id", "date"] {
                            assert!(!lane.header(own).is_empty(), "{own}");
                        }
                    }
                    if given(&shop).await > before.saturating_add(1) {
                        break;
                    }
                }
                let now = given(&shop).await;
                assert!(
                    now > before.saturating_add(1),
                    "{path} {lines}: nobody took the lane on both ways"
                );
            }
        }
    }
}

#[tokio::test]
async fn the_lane_shows_no_price_no_stock_and_no_product_that_has_gone() {
    let mut shop = Shop::start_with(&[OPS]).await;
    let admin = shop.admin().await;
    let tea = product(&admin, "Fleeting tea").await;
    let path = format!("/api/v1/products/{}", tea.str("/id"));
    let variant = tea.str("/variants/0/id");
    let (list, visitor) = ("/api/v1/products", shop.visitor());
    for time in 1..=20_i64 {
        let price = 100 * time + 50;
        let seen = visitor.get(&path).await;
        let wish =
            json!({"price": {"amount": price, "currency": "USD"}, "version": seen.int("/version")});
        let saved = admin.patch(&path, &wish).await;
        assert_eq!(saved.status, 200, "{}", saved.text);
        let order = json!({"items": [{"variant_id": variant, "quantity": 1}]});
        if time <= 9 {
            let key = format!("lane-{time}");
            let sold = admin.post_with_key("/api/v1/orders", &key, &order).await;
            assert_eq!(sold.status, 201, "{}", sold.text);
        }
        for _ in 0..3 {
            let one = visitor.get(&path).await;
            assert_eq!(one.int("/price/amount"), price, "{}", one.text);
            assert_eq!(
                one.int("/stock/available"),
                (9 - time).max(0),
                "{}",
                one.text
            );
            let all = visitor.get(list).await;
            assert_eq!(all.int("/data/0/price/amount"), price, "{}", all.text);
        }
    }
    let version = visitor.get(&path).await.int("/version");
    let gone = admin
        .delete(&format!("{path}?version={version}"), None)
        .await;
    assert_eq!(gone.status, 204, "{}", gone.text);
    assert_eq!(visitor.get(&path).await.status, 404);
    assert_eq!(visitor.get(list).await.json["data"], json!([]));
    assert!(
        given(&shop).await >= 20,
        "of two or three reads at a time the lane gives one"
    );
    shop.verify().await;
}

#[tokio::test]
async fn reads_by_the_lane_are_counted_and_limited_like_others() {
    const UNITS: usize = 30;
    let units = UNITS.to_string();
    let mut shop = Shop::start_with(&[
        ("SOUK_LIMITS__ENABLED", "true"),
        ("SOUK_LIMITS__DEFAULT__UNITS", &units),
        ("SOUK_LIMITS__DEFAULT__WINDOW_SECONDS", "3600"),
        OPS,
    ])
    .await;
    let admin = shop.admin().await;
    let tea = product(&admin, "Counted tea").await;
    let path = format!("/api/v1/products/{}", tea.str("/id"));
    let (mut statuses, mut left) = (Vec::new(), Vec::new());
    for _ in 0..=UNITS {
        let answer = shop.visitor().get(&path).await;
        statuses.push(answer.status);
        left.push(answer.header("ratelimit").to_owned());
    }
    let let_in = statuses.iter().filter(|status| **status == 200).count();
    assert!(let_in <= UNITS, "{statuses:?}");
    assert_eq!(statuses.last(), Some(&429), "{statuses:?}");
    let told: Vec<String> = (0..let_in)
        .rev()
        .map(|units| format!("\"default\";r={units};t=3600"))
        .collect();
    assert_eq!(left[..let_in], told);
    assert!(given(&shop).await > 10, "most of it within two seconds");
    let metrics = shop.visitor().at(shop.ops_url()).get("/metrics").await;
    let route = "door=\"shop\",method=\"GET\",route=\"/api/v1/products/{product}\",status=\"2xx\"";
    let line = format!("souk_http_request_seconds_count{{{route}}} {let_in}");
    assert!(metrics.text.lines().any(|one| one == line), "{line}");
}

/// An order of one of these, and where it is.
async fn ordered(who: &Client, key: &str, variant: &str) -> (Answer, String) {
    let wish = json!({"items": [{"variant_id": variant, "quantity": 1}]});
    let order = who.post_with_key("/api/v1/orders", key, &wish).await;
    assert_eq!(order.status, 201, "{}", order.text);
    let path = format!("/api/v1/orders/{}", order.str("/id"));
    (order, path)
}

#[tokio::test]
async fn the_lane_says_of_ones_own_order_what_the_long_way_says_and_to_nobody_else() {
    let mut shop = Shop::start_with(&[OPS]).await;
    let admin = shop.admin().await;
    let tea = product(&admin, "Tea of one's own").await;
    let (anna, bert) = (shop.customer("anna").await, shop.customer("bert").await);
    let (order, path) = ordered(&anna, "own-1", tea.str("/variants/0/id")).await;
    let guest = shop.visitor();
    let wish = json!({"items": [{"variant_id": tea.str("/variants/0/id"), "quantity": 1}],
                      "email": "guest@souk.example"});
    let theirs = guest.post_with_key("/api/v1/orders", "own-2", &wish).await;
    let bearer = |who: &Client| format!("authorization: Bearer {}\r\n", who.token());
    for tag in ["", "if-none-match: \"1\"\r\n"] {
        let lines = bearer(&anna) + tag;
        let long = ask(&shop, &path, &format!("{LONG_WAY}{lines}")).await;
        assert_eq!(
            long.status,
            if tag.is_empty() { 200 } else { 304 },
            "{}",
            long.text
        );
        for _ in 0..3 {
            let lane = ask(&shop, &path, &lines).await;
            assert_eq!(lane.status, long.status);
            assert_eq!(common(&lane.headers), common(&long.headers));
            assert_eq!(lane.text, long.text);
        }
    }
    assert!(given(&shop).await >= 2, "nobody took the lane");
    assert_eq!(anna.get(&path).await.str("/id"), order.str("/id"));
    for _ in 0..2 {
        assert_eq!(bert.get(&path).await.status, 404);
        assert_eq!(shop.visitor().get(&path).await.status, 401);
        assert_eq!(admin.get(&path).await.status, 200);
        let broken = format!("authorization: Bearer {}x\r\n", anna.token());
        assert_eq!(ask(&shop, &path, &broken).await.status, 401);
    }
    assert_eq!(theirs.status, 201, "{}", theirs.text);
    let path_of_guest = format!("/api/v1/orders/{}", theirs.str("/id"));
    let token = format!("order-token: {}\r\n", theirs.str("/order_token"));
    for _ in 0..2 {
        assert_eq!(ask(&shop, &path_of_guest, &token).await.status, 200);
        assert_eq!(ask(&shop, &path_of_guest, "").await.status, 401);
        let nobodys = ask(&shop, &path_of_guest, &bearer(&anna)).await;
        assert_eq!(nobodys.status, 404);
    }
    let left = anna.post("/api/v1/auth/logout", &json!({})).await;
    assert!(left.status < 300, "{}", left.text);
    assert_eq!(anna.get(&path).await.status, 401, "the session has ended");
}

#[tokio::test]
async fn whoever_moved_an_order_sees_it_moved_and_no_other_order_with_it() {
    let mut shop = Shop::start_with(&[OPS]).await;
    let admin = shop.admin().await;
    let tea = product(&admin, "Moving tea").await;
    let anna = shop.customer("anna").await;
    let variant = tea.str("/variants/0/id");
    let (_, resting) = ordered(&anna, "resting", variant).await;
    for time in 0..6 {
        let (order, path) = ordered(&anna, &format!("moving-{time}"), variant).await;
        for _ in 0..2 {
            assert_eq!(anna.get(&path).await.str("/status"), "pending");
        }
        let pay = json!({"order_id": order.str("/id"), "method": "tok_ok"});
        let paid = anna
            .post_with_key("/api/v1/payments", &format!("pay-{time}"), &pay)
            .await;
        assert_eq!(paid.status, 201, "{}", paid.text);
        for _ in 0..2 {
            assert_eq!(anna.get(&path).await.str("/status"), "paid", "{time}");
        }
        let called_off = anna.post(&format!("{path}/cancel"), &json!({})).await;
        assert_eq!(called_off.status, 200, "{}", called_off.text);
        for _ in 0..2 {
            let seen = anna.get(&path).await;
            assert_eq!(seen.str("/status"), called_off.str("/status"), "{time}");
        }
        assert_eq!(anna.get(&resting).await.str("/status"), "pending");
    }
    assert!(
        given(&shop).await >= 6,
        "of two reads at a time the lane gives one"
    );
    shop.verify().await;
}
