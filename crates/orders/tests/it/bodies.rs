//! Bad keys and bad bodies: each refused by name, and nothing placed or reserved for any of them.

use crate::shop::{Ask, CUP_VARIANT, Shop, TEA, ann, config, tea, with};
use axum::http::StatusCode;
use orders::Config;
use serde_json::{Value, json};

#[tokio::test]
async fn an_order_needs_a_key() {
    let shop = Shop::open().await;
    let answer = shop.ask(Ask::place(&tea(1)).by(&ann())).await;
    assert_eq!(answer.said(), "400 idempotency_key_missing");
    shop.assert_untouched("no key").await;
}

#[tokio::test]
async fn a_key_is_up_to_128_visible_characters() {
    let shop = Shop::open().await;
    let long = "k".repeat(129);
    let bad: [&[u8]; 8] = [
        b"",
        b"\"\"",
        b"a b",
        b"a\tb",
        b"caf\xc3\xa9",
        b"\xff",
        b"\"a b\"",
        long.as_bytes(),
    ];
    for key in bad {
        let ask = Ask::place(&tea(1))
            .header("idempotency-key", key)
            .by(&ann());
        let answer = shop.ask(ask).await;
        assert_eq!(answer.said(), "400 idempotency_key_invalid", "{key:?}");
    }
    shop.assert_untouched("bad keys").await;
    let longest = "k".repeat(128);
    for key in [
        longest.as_str(),
        "'; DROP TABLE orders; --".replace(' ', "_").as_str(),
        "%00",
    ] {
        let answer = shop.ask(Ask::place(&tea(1)).key(key).by(&ann())).await;
        assert_eq!(answer.status, StatusCode::CREATED, "{key}");
    }
    assert_eq!(shop.orders().await.len(), 3);
}

/// A body with one line of this quantity, written as it is.
fn quantity(text: &str) -> String {
    format!("{{\"items\":[{{\"product_id\":\"{TEA}\",\"quantity\":{text}}}]}}")
}

#[tokio::test]
async fn a_quantity_is_a_whole_number_from_1() {
    let shop = Shop::open().await;
    for (text, expected) in [
        ("0", "422 validation_failed"),
        ("-1", "422 validation_failed"),
        ("1000001", "422 validation_failed"),
        ("2147483648", "422 validation_failed"),
        ("4294967297", "422 validation_failed"),
        ("9223372036854775808", "422 validation_failed"),
        ("18446744073709551617", "400 malformed"),
        ("1e400", "400 malformed"),
        ("1.5", "400 malformed"),
        ("1.0", "400 malformed"),
        ("1e0", "400 malformed"),
        ("\"1\"", "400 malformed"),
        ("null", "400 malformed"),
        ("true", "400 malformed"),
        ("[1]", "400 malformed"),
        ("{\"$gt\":0}", "400 malformed"),
    ] {
        let ask = Ask::post("/api/v1/orders", quantity(text));
        let said = shop.ask(ask.key("k1").by(&ann())).await.said();
        assert!(said.starts_with(expected), "{text}: {said}");
        let placed = text.starts_with("1e400") || said.ends_with("/items/0/quantity");
        assert!(placed, "{text}: {said}");
    }
    shop.assert_untouched("bad quantities").await;
}

#[tokio::test]
async fn only_known_fields_are_taken() {
    let shop = Shop::open().await;
    let line = |field: &str| {
        let line = json!({"product_id": TEA, "quantity": 1});
        json!({"items": [with(line, field, json!(1))]})
    };
    let card = json!({"method": "tok_ok", "card_number": "4242424242424242"});
    let mut bodies: Vec<(Value, String)> = Vec::new();
    for field in [
        "price",
        "user_id",
        "customer_id",
        "status",
        "id",
        "paid",
        "expected_total",
    ] {
        bodies.push((with(tea(1), field, json!(1)), format!("/{field}")));
        bodies.push((line(field), format!("/items/0/{field}")));
    }
    bodies.push((
        with(tea(1), "payment", card),
        "/payment/card_number".to_owned(),
    ));
    let money = json!({"amount": 1_999, "currency": "USD", "rate": 2});
    bodies.push((with(tea(1), "total", money), "/total/rate".to_owned()));
    for (body, field) in bodies {
        let answer = shop.ask(Ask::place(&body).key("k1").by(&ann())).await;
        assert_eq!(answer.said(), format!("422 validation_failed {field}"));
        assert_eq!(answer.json()["errors"][0]["code"], "unknown_field");
    }
    shop.assert_untouched("unknown fields").await;
}

/// That each body is refused as is said, and that nothing came of any of them.
async fn assert_refused(bodies: Vec<(Value, &str)>) {
    let shop = Shop::open().await;
    for (body, expected) in bodies {
        let answer = shop.ask(Ask::place(&body).key("k1").by(&ann())).await;
        assert_eq!(answer.said(), expected, "{body}");
    }
    shop.assert_untouched("bad bodies").await;
}

#[tokio::test]
async fn items_are_lines_that_name_one_thing_each() {
    let line = |field: &str, id: Value| json!({"items": [{field: id, "quantity": 1}]});
    let both = json!({"product_id": TEA, "variant_id": CUP_VARIANT, "quantity": 1});
    let (no_id, no_such_kind) = (
        "400 malformed /items/0/product_id",
        "ord_01h455vb4pex5vsknk084sn02q",
    );
    let no_128_bits = "prd_81h455vb4pex5vsknk084sn02q";
    assert_refused(vec![
        (json!({}), "422 validation_failed /items"),
        (json!({"items": []}), "422 validation_failed /items"),
        (json!({"items": null}), "400 malformed /items"),
        (json!({"items": {"0": 1}}), "400 malformed /items"),
        (json!({"items": [1]}), "400 malformed /items/0"),
        (
            json!({"items": [{"quantity": 1}]}),
            "422 validation_failed /items/0",
        ),
        (json!({"items": [both]}), "422 validation_failed /items/0"),
        (
            json!({"items": [{"product_id": TEA}]}),
            "422 validation_failed /items/0/quantity",
        ),
        (line("product_id", json!("")), no_id),
        (line("product_id", json!(1)), no_id),
        (line("product_id", json!("1 OR 1=1")), no_id),
        (line("product_id", json!(no_such_kind)), no_id),
        (line("product_id", json!(no_128_bits)), no_id),
        (
            line("variant_id", json!(TEA)),
            "400 malformed /items/0/variant_id",
        ),
    ])
    .await;
}

#[tokio::test]
async fn all_other_fields_have_their_shape_too() {
    let tea = |field: &str, value: Value| with(tea(1), field, value);
    assert_refused(vec![
        (json!([]), "400 malformed "),
        (json!("items"), "400 malformed "),
        (json!(null), "400 malformed "),
        (
            tea("email", json!("nobody")),
            "422 validation_failed /email",
        ),
        (
            tea("email", json!("a\r\nBcc: b@c.d")),
            "422 validation_failed /email",
        ),
        (tea("email", json!(7)), "400 malformed /email"),
        (
            tea("payment", json!({})),
            "422 validation_failed /payment/method",
        ),
        (tea("payment", json!("tok_ok")), "400 malformed /payment"),
        (
            tea("payment", json!({"method": 1})),
            "400 malformed /payment/method",
        ),
        (tea("total", json!(true)), "400 malformed /total"),
        (
            tea("total", json!({"amount": 1.5, "currency": "USD"})),
            "400 malformed /total",
        ),
        (
            tea("total", json!({"amount": 1, "currency": "XXX"})),
            "422 validation_failed /total",
        ),
    ])
    .await;
}

#[tokio::test]
async fn a_body_is_one_whole_json_object() {
    let shop = Shop::open().await;
    let deep = format!("{{\"items\":{}1{}}}", "[".repeat(40), "]".repeat(40));
    let twice = quantity("1").replace("{\"items\"", "{\"items\":[],\"items\"");
    let bodies: [&[u8]; 9] = [
        b"",
        b"{",
        b"{\"items\":[{\"product_id\":",
        b"{\"items\":[]} {}",
        b"items=1",
        b"{\"items\":[]}\0",
        b"{\"items\":[\"\xff\xfe\"]}",
        deep.as_bytes(),
        twice.as_bytes(),
    ];
    for body in bodies {
        let ask = Ask::post("/api/v1/orders", body).key("k1").by(&ann());
        let said = shop.ask(ask).await.said();
        assert!(said.starts_with("400 malformed"), "{said}");
    }
    shop.assert_untouched("broken bodies").await;
}

#[tokio::test]
async fn a_body_says_that_it_is_json() {
    let shop = Shop::open().await;
    let ask = Ask::place(&tea(1)).key("k1").by(&ann());
    for kind in [
        "",
        "text/plain",
        "application/x-www-form-urlencoded",
        "application/merge-patch+json",
        "text/html; application/json",
    ] {
        let answer = shop.ask(ask.clone().header("content-type", kind)).await;
        assert_eq!(answer.said(), "415 unsupported_media_type", "{kind:?}");
    }
    let answer = shop.ask(ask.clone().without("content-type")).await;
    assert_eq!(answer.said(), "415 unsupported_media_type");
    shop.assert_untouched("other kinds of bodies").await;
    let kind = "Application/JSON; charset=utf-8";
    let answer = shop.ask(ask.header("content-type", kind)).await;
    assert_eq!(answer.status, StatusCode::CREATED);
}

fn lines(count: usize) -> Value {
    let line = json!({"product_id": TEA, "quantity": 1});
    json!({"items": vec![line; count]})
}

#[tokio::test]
async fn an_order_has_a_bounded_number_of_lines() {
    let shop = Shop::with(Config {
        lines_max: 3,
        ..config()
    })
    .await;
    let answer = shop.ask(Ask::place(&lines(4)).key("k1").by(&ann())).await;
    assert_eq!(answer.said(), "422 validation_failed /items");
    shop.assert_untouched("too many lines").await;
    let answer = shop.ask(Ask::place(&lines(3)).key("k1").by(&ann())).await;
    assert_eq!(answer.status, StatusCode::CREATED);
    assert_eq!(answer.json()["items"].as_array().unwrap().len(), 3);
}

#[tokio::test]
async fn an_order_may_be_larger_than_other_bodies_but_not_without_end() {
    let shop = Shop::open().await;
    let big = lines(1_500);
    assert!(
        big.to_string().len() > 65_536,
        "more than the stack's own limit"
    );
    let answer = shop.ask(Ask::place(&big).key("k1").by(&ann())).await;
    assert_eq!(answer.said(), "409 insufficient_stock", "it was read");
    let mut padded = tea(1).to_string();
    padded.push_str(&" ".repeat(262_144));
    let ask = Ask::post("/api/v1/orders", padded).key("k1").by(&ann());
    assert_eq!(shop.ask(ask).await.said(), "413 body_too_large");
    shop.assert_untouched("large bodies").await;
}
