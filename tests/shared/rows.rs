//! What a shop writes a row at a time: accounts and sessions, and what staff make and change. How many statements each
//! costs is counted in `writes`.

use crate::{
    counted::TIMES,
    statements::made,
    writes::{Ask, World, Write, times},
};
use reqwest::Method;
use serde_json::{Value, json};
use testkit::{PASSWORD, Shop};

/// Accounts and their sessions.
pub(crate) async fn of_people(world: &World, shop: &Shop) -> Vec<Write> {
    let visitor = shop.visitor();
    let email = |name: &str| json!({"email": format!("{name}@souk.example"), "password": PASSWORD});
    let register =
        times().map(|_| Ask::post(&visitor, "/api/v1/auth/register", email(&world.name())));
    let sign_in = times().map(|_| Ask::post(&visitor, "/api/v1/auth/login", email("ann")));
    let (mut refresh, mut leave) = (Vec::new(), Vec::new());
    for _ in times() {
        let signed_in = Ask::post(&visitor, "/api/v1/auth/login", email("ann"))
            .send()
            .await;
        let token = json!({"refresh_token": signed_in.str("/refresh_token")});
        refresh.push(Ask::post(&visitor, "/api/v1/auth/refresh", token));
        let leaving = shop.sign_in("ann").await;
        leave.push(Ask::post(&leaving, "/api/v1/auth/logout", json!({})));
    }
    let rename = times().map(|version| {
        let body = json!({"name": world.name(), "version": version + 1});
        Ask::new(&world.ann, Method::PATCH, "/api/v1/me", body)
    });
    let key = times().map(|_| {
        let body = json!({"name": world.name(), "scopes": ["orders:read"], "password": PASSWORD});
        Ask::post(&world.admin, "/api/v1/api-keys", body)
    });
    let cart = times().map(|_| Ask::post(&visitor, "/api/v1/carts", json!({})));
    vec![
        ("an account", register.collect()),
        ("signing in", sign_in.collect()),
        ("going on", refresh),
        ("signing out", leave),
        ("another name", rename.collect()),
        ("a key", key.collect()),
        ("a guest's cart", cart.collect()),
    ]
}

/// The same asked of staff again and again, each time with another name.
fn named(world: &World, path: &str, body: impl Fn(String) -> Value) -> Vec<Ask> {
    times()
        .map(|_| Ask::post(&world.admin, path, body(world.name())))
        .collect()
}

/// Something that staff change again and again, from its first version on.
fn patched(world: &World, path: &str, body: impl Fn(u64) -> Value) -> Vec<Ask> {
    times()
        .map(|version| Ask::new(&world.admin, Method::PATCH, path, body(version + 1)))
        .collect()
}

/// Products, what they cost, and what is said of them.
pub(crate) async fn of_goods(world: &World) -> Vec<Write> {
    let products = "/api/v1/products";
    let [product, other] = [0, 1].map(|place| format!("{products}/{}", world.products[place]));
    let tea = |name: String| json!({"name": name, "price": "1.00", "stock": 5});
    let dearer = |version: u64| json!({"price": format!("11.0{version}"), "version": version});
    let variant = format!("{other}/variants/{}", world.variants[1]);
    let euros = |version: u64| {
        let price = json!([{"amount": 900 + version, "currency": "EUR"}]);
        json!({"prices": price, "version": version})
    };
    let sizes: Vec<String> = (0..=TIMES + 1).map(|size| format!("size {size}")).collect();
    let shirt = json!({"name": "Shirt", "price": "20.00", "options": [{"name": "Size", "values": sizes}],
        "variants": [{"options": {"Size": "size 0"}}]});
    let shirt = made(&world.admin, products, &shirt).await;
    let grown = sizes.iter().skip(1).map(|size| {
        let body = json!({"options": {"Size": size}});
        Ask::post(&world.admin, &format!("{products}/{shirt}/variants"), body)
    });
    let review = world.buyers.iter().map(|buyer| {
        let body = json!({"rating": 4, "text": "well"});
        Ask::post(buyer, &format!("{product}/reviews"), body)
    });
    let category = |name: String| json!({ "name": name });
    vec![
        ("a product", named(world, products, tea)),
        ("another price", patched(world, &product, dearer)),
        ("a price in euros", patched(world, &variant, euros)),
        ("a variant", grown.collect()),
        ("a review", review.collect()),
        ("a category", named(world, "/api/v1/categories", category)),
    ]
}

/// What orders cost beside their goods, what is noted of them, and who is told.
pub(crate) async fn of_rules(world: &World) -> Vec<Write> {
    let order = world.order(1, None).await;
    let hook = |name: String| json!({"url": "https://127.0.0.1/", "description": name, "types": ["user.deleted"]});
    let hooks = "/api/v1/webhooks";
    let first = Ask::post(&world.admin, hooks, hook("one".to_owned()));
    let first = first.send().await.header("location").to_owned();
    let other = |version: u64| json!({"description": format!("No {version}"), "version": version});
    let code = |name: String| json!({"code": name, "basis_points": 100});
    let usd = json!({"amount": 500, "currency": "USD"});
    let way = |name: String| json!({"name": name, "price": usd});
    let tax =
        |name: String| json!({"name": "Tax", "country": "US", "region": name, "millionths": 1});
    let note = |name: String| json!({ "text": name });
    vec![
        ("a discount", named(world, "/api/v1/discounts", code)),
        (
            "a way of shipping",
            named(world, "/api/v1/shipping-methods", way),
        ),
        ("a tax rate", named(world, "/api/v1/tax-rates", tax)),
        ("a note", named(world, &format!("{order}/notes"), note)),
        ("a webhook", named(world, hooks, hook)),
        ("another webhook", patched(world, &first, other)),
    ]
}
