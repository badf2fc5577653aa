//! Products at the seeds' addresses: each spelling, each kind of change, and many changes at once.

use crate::program::{Expected, Program, list, open};
use futures_util::future::join_all;
use serde_json::json;

#[tokio::test]
async fn a_product_is_the_same_at_every_spelling_of_its_address() {
    let shop = open().await;
    let amira = Program::register(&shop, "amira").await;
    for (number, path) in ["/products", "/products/", "/api/products", "/api/products/"]
        .iter()
        .enumerate()
    {
        let body = json!({"name": format!("Tea {number}"), "price": 1.5, "stock": 2});
        amira.post(path, body).await.is(201);
        let listed = amira.get(path).await.is(200);
        assert_eq!(list(&listed).len(), number + 1, "{path}");
    }
    let listed = amira.get("/products").await.is(200);
    let id = listed.str("/0/_id").to_owned();
    assert_eq!(listed.str("/0/id"), id);
    let one = amira.get(&format!("/products/{id}")).await.is(200);
    assert_eq!(one.json, listed.json[0]);
    for (version, root) in ["/products", "/api/products"].iter().enumerate() {
        let (bare, slashed) = (format!("{root}/{id}"), format!("{root}/{id}/"));
        amira.call("HEAD", &slashed, None).await.is(200);
        let body = json!({"description": root, "version": version});
        let changed = amira.put(&slashed, body).await.is(200);
        assert_eq!(changed.str("/name"), "Tea 3", "what was not named stays");
        assert_eq!(amira.get(&bare).await.is(200).json, changed.json);
        assert_eq!(amira.get(&slashed).await.is(200).str("/description"), *root);
    }
    amira.delete(&format!("/api/products/{id}/")).await.is(204);
    let told = amira.get(&format!("/products/{id}")).await;
    told.refused(404, "not_found");
}

#[tokio::test]
async fn names_may_be_used_twice_and_be_of_any_script() {
    let shop = open().await;
    let amira = Program::register(&shop, "amira").await;
    let names = [
        "Tea",
        "Tea",
        "tea",
        "شاي",
        "茶",
        "🍵",
        "Tee & Öl <b>",
        "  Tea  ",
    ];
    for name in names {
        let body = json!({"name": name, "price": "1.50", "stock": "1"});
        let made = amira.post("/products", body).await.is(201);
        assert_eq!(made.str("/name"), name.trim());
        let path = format!("/products/{}", made.str("/_id"));
        assert_eq!(amira.get(&path).await.is(200).json, made.json);
    }
    let listed = amira.get("/products").await.is(200);
    assert_eq!(list(&listed).len(), names.len());
}

#[tokio::test]
async fn a_change_is_checked_when_it_names_a_version_and_wins_when_it_names_none() {
    let shop = open().await;
    let amira = Program::register(&shop, "amira").await;
    let tea = amira.sell("Tea", "2", 5).await;
    let path = format!("/products/{tea}");
    let put = async |body| amira.put(&path, body).await;
    assert_eq!(
        put(json!({"price": 3, "version": 0}))
            .await
            .is(200)
            .int("/version"),
        1
    );
    assert_eq!(
        put(json!({"price": "4", "version": "1"}))
            .await
            .is(200)
            .int("/version"),
        2
    );
    for stale in [json!(0), json!("1"), json!(3), json!(9_000_000_000_i64)] {
        let body = json!({"price": 9, "stock": 50, "version": stale});
        let told = put(body).await.refused(409, "version_conflict");
        assert_eq!(told.int("/current_version"), 2);
        let sent = stale.to_string().replace('"', "");
        let message = format!("version {sent} was sent, version 2 is current");
        assert_eq!(told.str("/message"), message);
    }
    for bad in [
        json!(-1),
        json!(1.5),
        json!("new"),
        json!({"$gt": 0}),
        json!([2]),
    ] {
        let told = put(json!({"price": 9, "stock": 50, "version": bad})).await;
        assert!(matches!(told.status, 400 | 422), "{}", told.text);
    }
    let seen = amira.get(&path).await.is(200);
    assert_eq!(
        (&seen.json["price"], seen.int("/stock")),
        (&json!(4), 5),
        "nothing came through"
    );
    let etag = seen.header("etag").to_owned();
    let by_header = async |price: i64| {
        let headers = [("if-match", etag.as_str())];
        amira
            .call_with("PUT", &path, Some(json!({"price": price})), &headers)
            .await
    };
    by_header(5).await.is(200);
    by_header(6).await.refused(412, "precondition_failed");
    let unnamed = put(json!({"price": 7})).await.is(200);
    assert_eq!(
        (&unnamed.json["price"], unnamed.int("/version")),
        (&json!(7), 4)
    );
    let stale = [("if-none-match", etag.as_str())];
    amira.call_with("GET", &path, None, &stale).await.is(200);
}

#[tokio::test]
async fn stock_in_a_change_is_what_can_be_bought_from_now_on() {
    let shop = open().await;
    let amira = Program::register(&shop, "amira").await;
    let tea = amira.sell("Tea", "2", 5).await;
    let path = format!("/products/{tea}");
    let order = amira.place(&tea, 2).await;
    assert_eq!(amira.stock(&tea).await, 3);
    assert_eq!(
        amira
            .put(&path, json!({"stock": 10}))
            .await
            .is(200)
            .int("/stock"),
        10
    );
    assert_eq!(amira.stock(&tea).await, 10);
    amira.set_status(&order, "cancelled").await.is(200);
    assert_eq!(amira.stock(&tea).await, 12, "the held units come on top");
    // A form that sends back what it read changes nothing.
    let seen = amira.get(&path).await.is(200);
    let same = amira.put(&path, seen.json.clone()).await.is(200);
    assert_eq!((same.int("/stock"), &same.json["price"]), (12, &json!(2)));
    assert_eq!(
        amira
            .put(&path, json!({"quantity": "0"}))
            .await
            .is(200)
            .int("/quantity"),
        0
    );
    let told = amira.order(&tea, 1).await;
    told.refused(409, "insufficient_stock");
    for bad in [
        json!(-1),
        json!(1.5),
        json!("many"),
        json!(5_000_000_000_i64),
        json!({"$inc": 1}),
    ] {
        let told = amira.put(&path, json!({"stock": bad, "price": 9})).await;
        assert!(matches!(told.status, 400 | 422), "{}", told.text);
    }
    let seen = amira.get(&path).await.is(200);
    assert_eq!(
        (seen.int("/stock"), &seen.json["price"]),
        (0, &json!(2)),
        "nothing came through"
    );
    shop.verify().await;
}

#[tokio::test]
async fn d5_of_many_changes_with_one_version_exactly_one_succeeds() {
    let shop = open().await;
    let amira = Program::register(&shop, "amira").await;
    let tea = amira.sell("Tea", "2", 5).await;
    let path = format!("/products/{tea}");
    for round in 0..5 {
        let change = async |number: i64| {
            let body = json!({"name": format!("Tea {number}"), "price": number, "stock": number, "version": round});
            amira.put(&path, body).await
        };
        let answers = join_all((1..=16).map(change)).await;
        let won: Vec<_> = answers
            .iter()
            .filter(|answer| answer.status == 200)
            .collect();
        let lost = answers
            .iter()
            .filter(|answer| answer.code() == "version_conflict");
        assert_eq!((won.len(), lost.count()), (1, 15));
        let seen = amira.get(&path).await.is(200);
        assert_eq!(seen.int("/version"), round + 1);
        assert_eq!(seen.json["name"], won[0].json["name"]);
        assert_eq!(
            seen.int("/stock"),
            won[0].int("/stock"),
            "no loser moved the stock"
        );
    }
    let unnamed = async |number: i64| amira.put(&path, json!({"price": number})).await;
    let answers = join_all((1..=4).map(unnamed)).await;
    assert!(answers.iter().all(|answer| answer.status == 200));
    assert_eq!(
        amira.get(&path).await.int("/version"),
        9,
        "each of them counted"
    );
    shop.verify().await;
}

#[tokio::test]
async fn two_clients_who_race_with_a_version_agree_on_who_won() {
    let shop = open().await;
    let one = Program::register(&shop, "one").await;
    let tea = one.sell("Tea", "2", 5).await;
    let session = one
        .post("/login", crate::program::account("one"))
        .await
        .is(200);
    let two = Program::new(&shop).with(session.str("/token"));
    let path = format!("/api/products/{tea}");
    for round in 0..10 {
        let body = |who: &str| json!({"description": who, "version": round});
        let (first, second) =
            tokio::join!(one.put(&path, body("one")), two.put(&path, body("two")),);
        let (winner, loser) = if first.status == 200 {
            (first, second)
        } else {
            (second, first)
        };
        let winner = winner.is(200);
        let loser = loser.refused(409, "version_conflict");
        assert_eq!(loser.int("/current_version"), winner.int("/version"));
        let seen = one.get(&path).await.is(200);
        assert_eq!(seen.str("/description"), winner.str("/description"));
    }
}
