//! Placing, repeating and reading orders.

use crate::shop::{Ask, CUP, CUP_VARIANT, GEM, Shop, TEA, admin, ann, bob, tea, with};
use axum::http::StatusCode;
use contracts::{
    event::Event,
    identity::UserDeleted,
    values::{EventId, ProductId},
};
use futures_util::future::join_all;
use serde_json::json;

#[tokio::test]
async fn an_order_is_placed_priced_and_found_again() {
    let shop = Shop::open().await;
    let wish = Ask::place(&tea(2)).key("k1").by(&ann());
    let placed = shop.ask(wish).await;
    assert_eq!(placed.status, StatusCode::CREATED, "{placed:?}");
    assert!(!placed.replayed());
    let id = placed.order_id();
    assert_eq!(placed.header("location"), format!("/api/v1/orders/{id}"));
    let shown = serde_json::to_string_pretty(&placed.json()).unwrap();
    insta::assert_snapshot!(shown, @r#"
    {
      "created_at": "2025-12-17T19:33:20Z",
      "customer_id": "usr_0a1850m2ga1850m2ga1850m2ga",
      "id": "ord_34w95f3875gwr9z3shaxqxv2jx",
      "items": [
        {
          "line_total": {
            "amount": 3998,
            "currency": "USD"
          },
          "name": "The TEA-1",
          "product_id": "prd_01040g2081040g2081040g2081",
          "quantity": 2,
          "sku": "TEA-1",
          "unit_price": {
            "amount": 1999,
            "currency": "USD"
          },
          "variant_id": "var_01040g2081040g2081040g2081"
        }
      ],
      "number": 10001,
      "payment_due_at": "2025-12-17T19:48:20Z",
      "status": "pending",
      "total": {
        "amount": 3998,
        "currency": "USD"
      },
      "tracking": null,
      "updated_at": "2025-12-17T19:33:20Z",
      "version": 1
    }
    "#);

    let found = shop.ask(Ask::order(id).by(&ann())).await;
    assert_eq!((found.status, found.bytes), (StatusCode::OK, placed.bytes));
    assert_eq!(found.headers["etag"], "\"1\"");
    assert_eq!(shop.catalog.stock(TEA), (10, 2));
}

#[tokio::test]
async fn lines_may_name_variants_and_the_same_thing_twice() {
    let shop = Shop::open().await;
    let wish = json!({"items": [
        {"product_id": TEA, "quantity": 2},
        {"variant_id": CUP_VARIANT, "quantity": 1},
        {"product_id": TEA, "quantity": 1},
    ]});
    let ask = Ask::place(&wish).key("k1").by(&ann());
    let placed = shop.ask(ask).await.json();
    let items = placed["items"].as_array().unwrap().iter();
    let lines: Vec<_> = items
        .map(|item| {
            (
                &item["sku"],
                &item["quantity"],
                &item["line_total"]["amount"],
            )
        })
        .collect();
    let (tea, cup) = (json!("TEA-1"), json!("CUP-1"));
    let expected = [
        (&tea, &json!(2), &json!(3_998)),
        (&cup, &json!(1), &json!(500)),
        (&tea, &json!(1), &json!(1_999)),
    ];
    assert_eq!(lines, expected);
    assert_eq!(placed["total"]["amount"], 6_497);
    assert_eq!(shop.catalog.stock(TEA), (10, 3));
    assert_eq!(shop.catalog.stock(CUP), (5, 1));
}

#[tokio::test]
async fn a_repeated_request_gets_the_same_bytes_however_far_the_order_has_come() {
    let shop = Shop::open().await;
    let wish = Ask::place(&tea(2)).key("k1").by(&ann());
    let first = shop.ask(wish.clone()).await;
    let id = first.order_id();
    for step in ["placed", "cancelled"] {
        // A quoted key is the same key, and spelling differences of the JSON do not matter.
        let body = format!(
            "{{ \"items\": [{{\"quantity\": 2, \"product_id\": \"{TEA}\"}}], \"total\": null }}"
        );
        for again in [
            wish.clone(),
            wish.clone().key("\"k1\""),
            Ask::post("/api/v1/orders", body).key("k1").by(&ann()),
        ] {
            let again = shop.ask(again).await;
            assert_eq!(again.status, first.status, "{step}");
            assert_eq!(again.bytes, first.bytes, "{step}");
            assert_eq!(again.header("location"), first.header("location"));
            assert!(again.replayed(), "{step}");
        }
        if step == "placed" {
            shop.ask(Ask::step(id, "cancel").by(&ann())).await;
        }
    }
    assert_eq!(shop.orders().await.len(), 1);
    assert_eq!(shop.catalog.stock(TEA), (10, 0));
}

#[tokio::test]
async fn a_repeated_request_with_payment_gets_the_same_bytes_after_the_order_was_shipped() {
    let shop = Shop::open().await;
    let wish = with(tea(2), "payment", json!({"method": "tok_ok"}));
    let wish = Ask::place(&wish).key("k1").by(&ann());
    let first = shop.ask(wish.clone()).await;
    let id = first.order_id();
    shop.clock.advance_seconds(60);
    let ship = Ask::post(&format!("/api/v1/orders/{id}/ship"), r#"{"tracking":"1Z"}"#);
    shop.ask(ship.by(&admin())).await;
    shop.ask(Ask::step(id, "deliver").by(&admin())).await;
    assert_eq!(shop.seen(id).await["status"], "delivered");
    let again = shop.ask(wish).await;
    assert_eq!((again.status, &again.bytes), (first.status, &first.bytes));
    assert!(again.replayed() && !first.replayed());
    assert_eq!(shop.catalog.stock(TEA), (8, 0));
}

#[tokio::test]
async fn a_key_that_came_with_another_body_is_refused() {
    let shop = Shop::open().await;
    shop.placed("k1", 2).await;
    for other in [
        tea(3),
        json!({"items": [{"product_id": CUP, "quantity": 2}]}),
        with(tea(2), "payment", json!({"method": "tok_ok"})),
        with(tea(2), "total", json!({"amount": 3_998, "currency": "USD"})),
    ] {
        let answer = shop.ask(Ask::place(&other).key("k1").by(&ann())).await;
        assert_eq!(answer.said(), "422 idempotency_key_reused", "{other}");
    }
    assert_eq!(shop.orders().await.len(), 1);
    assert_eq!(shop.catalog.stock(TEA), (10, 2));
    assert_eq!(shop.payments.begun().await, 0);
}

#[tokio::test]
async fn a_key_means_nothing_to_anybody_else() {
    let shop = Shop::open().await;
    let hers = shop.ask(Ask::place(&tea(1)).key("k1").by(&ann())).await;
    let his = shop.ask(Ask::place(&tea(3)).key("k1").by(&bob())).await;
    let guest = with(tea(1), "email", json!("ann@example.com"));
    let guests = shop.ask(Ask::place(&guest).key("k1")).await;
    let other = with(tea(2), "email", json!("bob@example.com"));
    let others = shop.ask(Ask::place(&other).key("k1")).await;
    for (answer, number) in [
        (&hers, 10_001),
        (&his, 10_002),
        (&guests, 10_003),
        (&others, 10_004),
    ] {
        assert_eq!(answer.status, StatusCode::CREATED);
        assert_eq!(answer.json()["number"], number);
        assert!(!answer.replayed());
    }
    assert_eq!(shop.catalog.stock(TEA), (10, 7));
}

#[tokio::test]
async fn a_guest_leaves_an_address_and_reads_with_the_order_token() {
    let shop = Shop::open().await;
    let nameless = shop.ask(Ask::place(&tea(1)).key("k1")).await;
    assert_eq!(nameless.said(), "422 validation_failed /email");
    shop.assert_untouched("a guest without an address").await;

    let wish = with(tea(1), "email", json!("ann@example.com"));
    let placed = shop.ask(Ask::place(&wish).key("k1")).await;
    let (id, body) = (placed.order_id(), placed.json());
    assert_eq!(body["customer_id"], json!(null));
    let token = body["order_token"].as_str().unwrap();
    let again = shop.ask(Ask::place(&wish).key("k1")).await;
    assert_eq!((again.replayed(), &again.bytes), (true, &placed.bytes));

    let timeline = Ask::get(&format!("/api/v1/orders/{id}/timeline"));
    for ask in [Ask::order(id), timeline] {
        let read = shop.ask(ask.clone().header("order-token", token)).await;
        assert_eq!(read.status, StatusCode::OK);
        assert!(!format!("{}", read.json()).contains(token), "told once");
        let forged = ask.clone().header("order-token", token.to_uppercase());
        assert_eq!(shop.ask(forged).await.said(), "404 not_found");
        assert_eq!(shop.ask(ask).await.said(), "401 unauthenticated");
    }
    let other = with(tea(1), "email", json!("bob@example.com"));
    let other = shop.ask(Ask::place(&other).key("k2")).await.order_id();
    let crossed = Ask::order(other).header("order-token", token);
    assert_eq!(shop.ask(crossed).await.said(), "404 not_found");

    let cancel = Ask::step(id, "cancel").header("order-token", token);
    assert_eq!(shop.ask(cancel).await.json()["status"], "cancelled");
    let (what, who) = shop.timeline(id).await.pop().unwrap();
    assert_eq!((what.as_str(), who.as_str()), ("cancelled", "guest"));
}

#[tokio::test]
async fn a_total_that_differs_is_refused_and_its_key_may_be_used_again() {
    let shop = Shop::open().await;
    let ask = |total| {
        Ask::place(&with(tea(2), "total", total))
            .key("k1")
            .by(&ann())
    };
    for wrong in [
        json!({"amount": 3_999, "currency": "USD"}),
        json!({"amount": 3_998, "currency": "EUR"}),
        json!("39.9"),
        json!("no number"),
        json!(-39.98),
    ] {
        let answer = shop.ask(ask(wrong.clone())).await;
        assert_eq!(answer.said(), "409 price_changed", "{wrong}");
        let right = json!({"amount": 3_998, "currency": "USD"});
        assert_eq!(answer.json()["total"], right);
        shop.assert_untouched("a wrong total").await;
    }
    let placed = shop
        .ask(ask(json!({"amount": 3_998, "currency": "USD"})))
        .await;
    assert_eq!(placed.status, StatusCode::CREATED, "nothing was kept");
    for (key, spelling) in [("k2", "\"39.98\""), ("k3", "39.98"), ("k4", "39.980")] {
        let body = format!(
            "{{\"items\":[{{\"product_id\":\"{TEA}\",\"quantity\":2}}],\"total\":{spelling}}}"
        );
        let ask = Ask::post("/api/v1/orders", body).key(key).by(&ann());
        assert_eq!(
            shop.ask(ask).await.status,
            StatusCode::CREATED,
            "{spelling}"
        );
    }
}

#[tokio::test]
async fn an_order_for_more_than_is_left_takes_no_line_of_it() {
    let shop = Shop::open().await;
    let wish = json!({"items": [
        {"product_id": CUP, "quantity": 1},
        {"product_id": TEA, "quantity": 6},
        {"product_id": TEA, "quantity": 5},
    ]});
    let answer = shop.ask(Ask::place(&wish).key("k1").by(&ann())).await;
    assert_eq!(answer.said(), "409 insufficient_stock");
    let items = answer.json()["items"].clone();
    assert_eq!(items.as_array().unwrap().len(), 1, "only what falls short");
    assert_eq!(items[0]["product_id"], json!(TEA));
    assert_eq!(
        (&items[0]["requested"], &items[0]["available"]),
        (&json!(11), &json!(10))
    );
    shop.assert_untouched("too much tea").await;
    assert_eq!(shop.catalog.stock(CUP), (5, 0));
    let less = shop.ask(Ask::place(&tea(10)).key("k1").by(&ann())).await;
    assert_eq!(less.status, StatusCode::CREATED, "a refusal keeps no key");
}

#[tokio::test]
async fn what_is_not_on_sale_and_what_cannot_be_counted_is_named() {
    let shop = Shop::open().await;
    let wish = json!({"items": [
        {"product_id": TEA, "quantity": 1},
        {"product_id": ProductId::generate(), "quantity": 1},
    ]});
    let unknown = shop.ask(Ask::place(&wish).key("k1").by(&ann())).await;
    assert_eq!(unknown.said(), "422 product_unavailable /items/1");
    let wish = json!({"items": [{"product_id": GEM, "quantity": 3}]});
    let too_much = shop.ask(Ask::place(&wish).key("k1").by(&ann())).await;
    assert_eq!(too_much.said(), "422 validation_failed /items");
    shop.assert_untouched("nothing to sell").await;
}

#[tokio::test]
async fn who_has_the_newest_state_is_told_nothing_new() {
    let shop = Shop::open().await;
    let id = shop.placed("k1", 1).await;
    let ask = |tag: &str| Ask::order(id).by(&ann()).header("if-none-match", tag);
    for tag in ["\"1\"", "W/\"1\"", "*", "\"7\", \"1\""] {
        let answer = shop.ask(ask(tag)).await;
        assert_eq!(answer.status, StatusCode::NOT_MODIFIED, "{tag}");
        assert!(answer.bytes.is_empty());
        assert_eq!(answer.headers["etag"], "\"1\"");
    }
    let cancelled = shop.ask(Ask::step(id, "cancel").by(&ann())).await;
    assert_eq!(cancelled.headers["etag"], "\"2\"");
    let answer = shop.ask(ask("\"1\"")).await;
    assert_eq!(
        (answer.status, &answer.bytes),
        (StatusCode::OK, &cancelled.bytes)
    );
    let foreign = Ask::order(id).by(&bob()).header("if-none-match", "*");
    assert_eq!(shop.ask(foreign).await.said(), "404 not_found");
}

#[tokio::test]
async fn no_cache_on_the_way_keeps_an_order() {
    let shop = Shop::open().await;
    let wish = with(tea(1), "payment", json!({"method": "tok_ok"}));
    let placed = shop.ask(Ask::place(&wish).key("k1").by(&ann())).await;
    let id = placed.order_id();
    let mut answers = vec![placed];
    for ask in [
        Ask::order(id),
        Ask::order(id).header("if-none-match", "*"),
        Ask::get(&format!("/api/v1/orders/{id}/timeline")),
        Ask::get("/api/v1/orders"),
        Ask::step(id, "cancel"),
    ] {
        answers.push(shop.ask(ask.by(&ann())).await);
    }
    for answer in answers {
        assert_eq!(answer.header("cache-control"), "private, no-cache");
    }
    let none = shop.ask(Ask::order(id).by(&bob())).await;
    assert_eq!(none.header("cache-control"), "no-store");
}

#[tokio::test]
async fn pages_lead_through_all_of_one_s_own_orders() {
    let shop = Shop::open().await;
    let foreign = Ask::place(&tea(1)).key("k").by(&bob());
    shop.ask(foreign).await;
    for key in ["k1", "k2", "k3", "k4", "k5"] {
        shop.placed(key, 1).await;
    }
    let mut path = "/api/v1/orders?limit=2&status=pending".to_owned();
    let mut seen = Vec::new();
    let mut pages = 0;
    while !path.is_empty() {
        let answer = shop.ask(Ask::get(&path).by(&ann())).await;
        assert_eq!(answer.status, StatusCode::OK);
        let page = answer.json();
        let numbers = page["data"].as_array().unwrap().iter();
        seen.extend(numbers.map(|order| order["number"].as_i64().unwrap()));
        pages += 1;
        let link = answer.header("link").to_owned();
        assert_eq!(link.is_empty(), page["next_cursor"].is_null());
        path = link
            .strip_prefix('<')
            .and_then(|rest| rest.strip_suffix(">; rel=\"next\""))
            .unwrap_or_default()
            .to_owned();
        assert!(path.is_empty() || path.contains("limit=2&status=pending&cursor="));
    }
    assert_eq!(
        (seen, pages),
        (vec![10_006, 10_005, 10_004, 10_003, 10_002], 3)
    );
}

#[tokio::test]
async fn a_list_is_narrowed_by_known_parameters_only() {
    let shop = Shop::open().await;
    shop.placed("k1", 1).await;
    shop.clock.advance_seconds(10);
    shop.paid("k2", 1).await;
    let ann_id = ann().user_id;
    for (query, expected) in [
        ("", vec![10_002, 10_001]),
        ("?status=paid", vec![10_002]),
        ("?status=shipped", vec![]),
        ("?created_after=2025-12-17T19:33:30Z", vec![10_002]),
        ("?created_after=2025-12-17T20:33:21%2B01:00", vec![10_002]),
        ("?created_after=1970-01-01T00:00:00Z&limit=1", vec![10_002]),
        (&format!("?customer_id={ann_id}"), vec![10_002, 10_001]),
    ] {
        let ask = Ask::get(&format!("/api/v1/orders{query}"));
        for who in [ann(), admin()] {
            let page = shop.ask(ask.clone().by(&who)).await.json();
            let orders = page["data"].as_array().unwrap().iter();
            let numbers: Vec<_> = orders
                .map(|order| order["number"].as_i64().unwrap())
                .collect();
            assert_eq!(numbers, expected, "{query}");
        }
    }
    for query in [
        "limit=0",
        "limit=101",
        "limit=-1",
        "limit=x",
        "limit=1.5",
        "page=2",
        "offset=3",
        "sort=-x",
        "status=bogus",
        "status=PAID",
        "customer_id=ann",
        "customer_id=ord_01h455vb4pex5vsknk084sn02q",
        "created_after=yesterday",
        "cursor=",
        "cursor=%27%20OR%201=1",
        "cursor=Zm9v",
        "cursor=zzz",
        "status=paid&status=paid",
    ] {
        let answer = shop
            .ask(Ask::get(&format!("/api/v1/orders?{query}")).by(&ann()))
            .await;
        let said = answer.said();
        assert!(said.starts_with("400 invalid_parameter"), "{query}: {said}");
    }
}

#[tokio::test]
async fn whoever_has_gone_is_forgotten_here_too() {
    let shop = Shop::open().await;
    let (id, other) = (shop.placed("k1", 1).await, bob());
    let his = shop.ask(Ask::place(&tea(1)).key("k1").by(&other)).await;
    let gone = UserDeleted {
        user_id: ann().user_id,
    };
    let envelope = gone
        .envelope(EventId::generate(), shop.clock.now())
        .unwrap();
    let consumer = shop.opened.consumer();
    assert!(consumer.wants().contains(&envelope.name.as_str()));
    for taken in join_all((0..100).map(|_| consumer.consume(&envelope))).await {
        taken.unwrap();
    }
    let order = shop.seen(id).await;
    assert_eq!(
        (&order["customer_id"], &order["number"]),
        (&json!(null), &json!(10_001))
    );
    let erased = ("placed".to_owned(), "erased".to_owned());
    assert_eq!(shop.timeline(id).await, [erased]);
    assert_eq!(
        shop.ask(Ask::order(id).by(&ann())).await.said(),
        "404 not_found"
    );
    assert_eq!(shop.seen(his.order_id()).await, his.json());
}
