//! Buyers at once: the last units go to as many as there are, and baskets never stand in each other's way.

use crate::{customers, ground::Ground, outcomes, watched};
use futures_util::future::join_all;
use serde_json::json;
use std::collections::BTreeMap;
use testkit::{Answer, Client};

/// A thousand orders of one unit, all under way at once; each of fifty buyers places twenty.
async fn thousand_orders(buyers: &[Client], product: &str, method: Option<&str>) -> Vec<Answer> {
    let orders = (0..20).flat_map(|number| buyers.iter().map(move |buyer| (number, buyer)));
    let orders = orders.map(|(number, buyer)| async move {
        let key = format!("k{number}");
        match method {
            Some(method) => buyer.buy(&key, product, 1, method).await,
            None => buyer.order(&key, product, 1).await,
        }
    });
    join_all(orders).await
}

async fn of_a_thousand_ten_get_the_last_ten(mut shop: Ground, method: Option<&str>) {
    let admin = shop.admin().await;
    let product = admin.sell("tea", 1_999, 10).await;
    let buyers = customers(&shop, 50).await;
    let race = thousand_orders(&buyers, &product, method);
    let (answers, seen) = watched(&shop.visitor(), &product, race).await;
    let expected = BTreeMap::from([((201, ""), 10), ((409, "insufficient_stock"), 990)]);
    assert_eq!(outcomes(&answers), expected);
    assert!(
        seen.iter().all(|available| (0..=10).contains(available)),
        "{seen:?}"
    );
    let (status, left) = match method {
        Some(_) => ("paid", (0, 0, 0)),
        None => ("pending", (10, 10, 0)),
    };
    shop.has_stock(&product, left).await;
    for answer in answers.iter().filter(|answer| answer.status == 201) {
        assert_eq!(answer.str("/status"), status);
    }
    let verified = shop.verify().await;
    assert!(
        verified.contains(" 10 orders (10 lines, 10 units)"),
        "{verified}"
    );
}

async fn of_a_thousand_buyers_of_the_last_ten_units_ten_get_one(shop: Ground) {
    of_a_thousand_ten_get_the_last_ten(shop, None).await;
}

async fn of_a_thousand_buyers_who_pay_at_once_ten_get_the_last_ten_units(shop: Ground) {
    of_a_thousand_ten_get_the_last_ten(shop, Some("tok_ok")).await;
}

async fn two_hundred_baskets_of_the_same_two_products_in_both_orders_all_finish(mut shop: Ground) {
    let admin = shop.admin().await;
    let (tea, cup) = (
        admin.sell("tea", 1_999, 150).await,
        admin.sell("cup", 700, 1_000).await,
    );
    let buyers = customers(&shop, 25).await;
    let baskets = (0..8).flat_map(|number| buyers.iter().map(move |buyer| (number, buyer)));
    let baskets = baskets.map(|(number, buyer)| {
        let mut items = vec![
            json!({"product_id": tea, "quantity": 1}),
            json!({"product_id": cup, "quantity": 2}),
        ];
        if number % 2 == 1 {
            items.reverse();
        }
        let mut body = json!({"items": items});
        if number % 4 < 2 {
            body["payment"] = json!({"method": "tok_ok"});
        }
        async move {
            buyer
                .post_with_key("/api/v1/orders", &format!("b{number}"), &body)
                .await
        }
    });
    let answers = join_all(baskets).await;
    let expected = BTreeMap::from([((201, ""), 150), ((409, "insufficient_stock"), 50)]);
    assert_eq!(outcomes(&answers), expected);
    let count = |status: &str| {
        answers
            .iter()
            .filter(|answer| answer.str("/status") == status)
            .map(|_| 1)
            .sum::<i64>()
    };
    let (paid, pending) = (count("paid"), count("pending"));
    assert_eq!(paid + pending, 150);
    shop.has_stock(&tea, (150 - paid, pending, 0)).await;
    let cups = (1_000 - 2 * paid, 2 * pending, 700);
    shop.has_stock(&cup, cups).await;
    shop.verify().await;
}

/// Each buyer wants one of each of two variants, an order each, while the seller goes on changing their prices.
async fn each_variant_is_sold_exactly_as_often_as_it_was_there(mut shop: Ground) {
    let admin = shop.admin().await;
    let shirt = json!({"name": "Shirt", "price": "10.00", "options": [{"name": "Size", "values": ["S", "M"]}],
        "variants": [{"options": {"Size": "S"}, "stock": 7}, {"options": {"Size": "M"}, "stock": 3}]});
    let shirt = admin.post("/api/v1/products", &shirt).await;
    assert_eq!(shirt.status, 201, "{}", shirt.text);
    let product = shirt.str("/id");
    let variants = [shirt.str("/variants/0/id"), shirt.str("/variants/1/id")];
    let buyers = customers(&shop, 30).await;
    let orders = buyers.iter().flat_map(|buyer| {
        variants.map(|variant| async move {
            let items = json!([{"variant_id": variant, "quantity": 1}]);
            let body = json!({"items": items, "payment": {"method": "tok_ok"}});
            buyer.post_with_key("/api/v1/orders", variant, &body).await
        })
    });
    let edits = async {
        for version in 1..=5 {
            let path = format!(
                "/api/v1/products/{product}/variants/{}",
                variants[version % 2]
            );
            let body = json!({"price": format!("{}.00", 10 + version), "version": version});
            let edited = admin.patch(&path, &body).await;
            assert_eq!(edited.status, 200, "{}", edited.text);
        }
    };
    let (answers, ()) = tokio::join!(join_all(orders), edits);
    let expected = BTreeMap::from([((201, ""), 10), ((409, "insufficient_stock"), 50)]);
    assert_eq!(outcomes(&answers), expected);
    for (variant, units) in variants.into_iter().zip([7, 3]) {
        let sold = answers
            .iter()
            .filter(|answer| answer.status == 201 && answer.str("/items/0/variant_id") == variant);
        assert_eq!(sold.count(), units);
    }
    shop.has_stock(product, (0, 0, 0)).await;
    let verified = shop.verify().await;
    assert!(
        verified.contains(" 10 orders (10 lines, 10 units)"),
        "{verified}"
    );
}

on_both_grounds! {
    each_variant_is_sold_exactly_as_often_as_it_was_there,
    of_a_thousand_buyers_of_the_last_ten_units_ten_get_one,
    of_a_thousand_buyers_who_pay_at_once_ten_get_the_last_ten_units,
    two_hundred_baskets_of_the_same_two_products_in_both_orders_all_finish,
}
