//! A shop that sells in several currencies: an order is in one from its prices to its refund, and at prices that its
//! buyer saw, whoever changes them meanwhile.

use crate::{ground::Ground, outcomes};
use futures_util::future::{join, join_all};
use serde_json::{Value, json};
use testkit::{Answer, Client};

const SETTINGS: [(&str, &str); 1] = [("SOUK_CATALOG__FURTHER_CURRENCIES", "[\"EUR\",\"JPY\"]")];

fn money(amount: i64, currency: &str) -> Value {
    json!({"amount": amount, "currency": currency})
}

/// Puts something on sale that costs this in dollars, and that in the others.
async fn sell(admin: &Client, sku: &str, dollars: i64, others: Value) -> (String, String) {
    let body = json!({"name": sku, "sku": sku, "price": money(dollars, "USD"), "prices": others, "stock": 500});
    let made = admin.post("/api/v1/products", &body).await;
    assert_eq!(made.status, 201, "{}", made.text);
    let id = made.str("/id").to_owned();
    (id, made.str("/variants/0/id").to_owned())
}

/// Its version is known: what a node shows may be older than what another one wrote.
async fn reprice(
    admin: &Client,
    (product, variant): &(String, String),
    (version, prices): (i64, Value),
) -> Answer {
    let body = json!({"prices": prices, "version": version});
    let path = format!("/api/v1/products/{product}/variants/{variant}");
    admin.patch(&path, &body).await
}

async fn made(admin: &Client, path: &str, body: &Value) -> Answer {
    let made = admin.post(path, body).await;
    assert_eq!(made.status, 201, "{}", made.text);
    made
}

fn refused(answer: &Answer, status: u16, code: &str) {
    assert_eq!(
        (answer.status, answer.code()),
        (status, code),
        "{}",
        answer.text
    );
}

async fn an_order_is_in_one_currency_from_its_prices_to_its_refund(mut shop: Ground) {
    let admin = shop.admin().await;
    let told = admin.get("/api/v1/currencies").await;
    let all = [("USD", 2), ("EUR", 2), ("JPY", 0)];
    let view = |(one, decimals): (&str, i64)| json!({"currency": one, "decimals": decimals});
    let all: Vec<Value> = all.into_iter().map(view).collect();
    assert_eq!(told.json["data"], json!(all));
    let prices = json!([money(1_799, "EUR"), money(2_490, "JPY")]);
    let (tea, _) = sell(&admin, "tea", 1_999, prices).await;
    let (cup, _) = sell(&admin, "cup", 900, json!([])).await;
    prices_are_read_in_a_currency(&admin, &tea, &cup).await;
    let ann = shop.customer("ann").await;
    let bought = all_parts_are_in_it(&admin, &ann, &tea).await;
    what_is_of_another_is_refused(&admin, &ann, (&tea, &cup)).await;
    let dollars = ann.order("k9", &tea, 1).await;
    assert_eq!(dollars.json["total"], money(1_999, "USD"));
    let path = format!("/api/v1/orders/{}/refund", bought.str("/id"));
    let foreign = json!({"amount": money(1_000, "USD")});
    let foreign = admin.post_with_key(&path, "r0", &foreign).await;
    assert_eq!(foreign.status, 422, "{}", foreign.text);
    let refund = json!({"amount": money(1_000, "EUR")});
    let refunded = admin.post_with_key(&path, "r1", &refund).await;
    assert!(refunded.status < 300, "{}", refunded.text);
    shop.verify().await;
}

/// Orders two of it in euros, with more.
async fn order(ann: &Client, key: &str, tea: &str, more: Value) -> Answer {
    let mut body = json!({"items": [{"product_id": tea, "quantity": 2}], "currency": "EUR"});
    for (field, value) in more.as_object().expect("fields") {
        body[field] = value.clone();
    }
    ann.post_with_key("/api/v1/orders", key, &body).await
}

async fn all_parts_are_in_it(admin: &Client, ann: &Client, tea: &str) -> Answer {
    let tariff = json!({"price": money(450, "EUR"), "free_from": money(9_000, "EUR")});
    let post = json!({"name": "Post", "price": money(500, "USD"), "currencies": [tariff]});
    let post = made(admin, "/api/v1/shipping-methods", &post).await;
    let tenth = json!({"code": "TENTH", "basis_points": 1_000});
    made(admin, "/api/v1/discounts", &tenth).await;
    // 3598 less 360 and 450 for the post.
    let wished = |total: Value| {
        json!({"discount_code": "TENTH", "shipping_method": post.str("/id"), "total": total,
               "payment": {"method": "tok_ok"}})
    };
    let dollars = order(ann, "k1", tea, wished(money(3_688, "USD"))).await;
    refused(&dollars, 409, "price_changed");
    assert_eq!(dollars.json["total"], money(3_688, "EUR"));
    let bought = order(ann, "k1", tea, wished(money(3_688, "EUR"))).await;
    let (status, text) = (bought.status, &bought.text);
    assert_eq!((status, bought.str("/status")), (201, "paid"), "{text}");
    assert_eq!(bought.json["total"], money(3_688, "EUR"));
    assert_eq!(bought.json["items"][0]["unit_price"], money(1_799, "EUR"));
    let part = |index: usize| &bought.json["parts"][index]["amount"];
    assert_eq!(part(0), &money(-360, "EUR"));
    assert_eq!(part(1), &money(450, "EUR"));
    let again = order(ann, "k1", tea, wished(money(3_688, "EUR"))).await;
    assert_eq!(again.str("/id"), bought.str("/id"));
    bought
}

async fn what_is_of_another_is_refused(admin: &Client, ann: &Client, (tea, cup): (&str, &str)) {
    let fiver = json!({"code": "FIVER", "amount": money(500, "USD")});
    made(admin, "/api/v1/discounts", &fiver).await;
    let bike = json!({"name": "Bike", "price": money(1, "USD")});
    let bike = made(admin, "/api/v1/shipping-methods", &bike).await;
    let fiver = order(ann, "k2", tea, json!({"discount_code": "FIVER"})).await;
    refused(&fiver, 422, "discount_not_applicable");
    let bike = json!({"shipping_method": bike.str("/id")});
    let bike = order(ann, "k3", tea, bike).await;
    refused(&bike, 422, "shipping_not_applicable");
    let francs = order(ann, "k4", tea, json!({"currency": "CHF"})).await;
    refused(&francs, 409, "not_priced");
    let line = |product: &str| json!({"product_id": product, "quantity": 1});
    let both = json!({"items": [line(tea), line(cup)]});
    let both = order(ann, "k5", tea, both).await;
    refused(&both, 409, "not_priced");
    assert_eq!(both.json["errors"][0]["field"], "/items/1");
    let yen = order(ann, "k6", tea, json!({"currency": "JPY"})).await;
    assert_eq!(yen.json["total"], money(4_980, "JPY"), "{}", yen.text);
}

async fn prices_are_read_in_a_currency(admin: &Client, tea: &str, cup: &str) {
    let path = format!("/api/v1/products/{tea}");
    let euros = admin.get(&format!("{path}?currency=EUR")).await;
    assert_eq!(euros.json["price"], money(1_799, "EUR"));
    let dollars = admin.get(&path).await;
    assert_eq!(dollars.json["price"], money(1_999, "USD"));
    assert_ne!(dollars.header("etag"), euros.header("etag"));
    let prices = json!([money(1_799, "EUR"), money(2_490, "JPY")]);
    assert_eq!(dollars.json["variants"][0]["prices"], prices);
    let none = admin
        .get(&format!("/api/v1/products/{cup}?currency=EUR"))
        .await;
    assert_eq!(none.json["price"], money(900, "USD"));
    let list = admin.get("/api/v1/products?currency=EUR&sort=-price").await;
    assert_eq!(list.json["data"][0]["price"], money(1_799, "EUR"));
    assert_eq!(admin.get("/api/v1/products?currency=XXX").await.status, 400);
    let history = admin.get(&format!("{path}/prices?currency=JPY")).await;
    assert_eq!(history.json["data"][0]["price"], money(2_490, "JPY"));
}

async fn a_cart_that_changes_its_currency_shows_what_differs_and_is_bought_as_it_was_seen(
    mut shop: Ground,
) {
    let admin = shop.admin().await;
    let tea = sell(&admin, "tea", 1_999, json!([money(1_799, "EUR")])).await;
    let (cup, _) = sell(&admin, "cup", 900, json!([])).await;
    let ann = shop.customer("ann").await;
    let cart = ann.post("/api/v1/carts", &json!({})).await;
    let path = format!("/api/v1/carts/{}", cart.str("/id"));
    let put = async |product: &str, quantity: u32| {
        let item = format!("{path}/items/{product}");
        ann.put(&item, &json!({"quantity": quantity})).await
    };
    put(&tea.0, 2).await;
    put(&cup, 1).await;
    let turn = async |currency: Value| {
        let body = json!({"currency": currency});
        ann.put(&format!("{path}/currency"), &body).await
    };
    refused(&turn(json!("CHF")).await, 422, "validation_failed");
    let turned = turn(json!("EUR")).await;
    assert_eq!(turned.str("/currency"), "EUR", "{}", turned.text);
    assert_eq!(turned.str("/items/0/change"), "price_changed");
    assert_eq!(turned.json["items"][0]["unit_price"], money(1_799, "EUR"));
    assert_eq!(
        turned.json["items"][0]["unit_price_before"],
        money(1_999, "USD")
    );
    assert_eq!(turned.str("/items/1/change"), "not_priced");
    let buy = async |key: &str, more: Value| {
        let mut body = json!({"cart_id": cart.str("/id")});
        if !more.is_null() {
            body["total"] = more;
        }
        ann.post_with_key("/api/v1/orders", key, &body).await
    };
    refused(&buy("k1", Value::Null).await, 409, "not_priced");
    refused(&put(&cup, 2).await, 409, "not_priced");
    assert_eq!(put(&cup, 0).await.status, 200);
    refused(&buy("k2", Value::Null).await, 409, "price_changed");
    assert_eq!(
        reprice(&admin, &tea, (1, json!([money(1_899, "EUR")])))
            .await
            .status,
        200
    );
    refused(&buy("k3", money(3_598, "EUR")).await, 409, "price_changed");
    let shown = put(&tea.0, 2).await;
    assert_eq!(shown.json["total"], money(3_798, "EUR"), "{}", shown.text);
    let bought = buy("k4", Value::Null).await;
    assert_eq!(bought.json["total"], money(3_798, "EUR"), "{}", bought.text);
    shop.verify().await;
}

async fn who_names_a_total_in_euros_pays_that_or_nothing_while_prices_change(mut shop: Ground) {
    let admin = shop.admin().await;
    let tea = sell(&admin, "tea", 1_999, json!([money(1_799, "EUR")])).await;
    let ann = shop.customer("ann").await;
    let prices = [1_799, 1_999];
    let changes = async {
        for turn in 1..=24 {
            let price = prices[usize::from(turn % 2 == 0)];
            let changed = reprice(&admin, &tea, (turn, json!([money(price, "EUR")]))).await;
            assert_eq!(changed.status, 200, "{}", changed.text);
        }
    };
    let buys = async {
        let mut all = Vec::new();
        for round in 0..12 {
            let wishes = (0..16).map(|number| {
                let total = (number % 3 > 0).then(|| money(prices[number % 2], "EUR"));
                let mut body =
                    json!({"items": [{"product_id": tea.0, "quantity": 1}], "currency": "EUR"});
                if let Some(total) = &total {
                    body["total"] = total.clone();
                }
                let ann = &ann;
                async move {
                    let key = format!("k{round}-{number}");
                    (
                        total,
                        ann.post_with_key("/api/v1/orders", &key, &body).await,
                    )
                }
            });
            all.extend(join_all(wishes).await);
        }
        all
    };
    let ((), all) = join(changes, buys).await;
    let bought = all.iter().filter(|(_, answer)| answer.status == 201);
    assert!(
        bought.clone().count() >= 64,
        "who names no total always buys"
    );
    for (total, answer) in bought {
        let paid = &answer.json["total"];
        assert!(
            prices.iter().any(|price| *paid == money(*price, "EUR")),
            "{}",
            answer.text
        );
        assert!(
            total.as_ref().is_none_or(|total| total == paid),
            "{}",
            answer.text
        );
    }
    for (total, answer) in all.iter().filter(|(_, answer)| answer.status != 201) {
        assert!(total.is_some());
        refused(answer, 409, "price_changed");
    }
    let answers: Vec<Answer> = all.into_iter().map(|(_, answer)| answer).collect();
    let sold = outcomes(&answers)[&(201, "")];
    let sold = i64::try_from(sold).expect("a few");
    shop.has_stock(&tea.0, (500, sold, 500 - sold)).await;
    shop.verify().await;
}

/// In a shop, and on two nodes, that sell in dollars, euros and yen.
macro_rules! in_three_currencies {
    ($($race:ident),* $(,)?) => {
        mod in_one_shop {
            $(#[tokio::test(flavor = "multi_thread")]
            async fn $race() {
                super::$race(crate::Ground::one_shop_with(&super::SETTINGS).await).await;
            })*
        }
        mod on_two_nodes {
            $(#[tokio::test(flavor = "multi_thread")]
            async fn $race() {
                if let Some(nodes) = crate::Ground::two_nodes_with(&super::SETTINGS).await {
                    super::$race(nodes).await;
                }
            })*
        }
    };
}

in_three_currencies! {
    an_order_is_in_one_currency_from_its_prices_to_its_refund,
    a_cart_that_changes_its_currency_shows_what_differs_and_is_bought_as_it_was_seen,
    who_names_a_total_in_euros_pays_that_or_nothing_while_prices_change,
}
