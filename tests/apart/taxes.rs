//! Taxes that are in the prices already, as most shops outside America have them: staff say the rates through the API,
//! and what an order is taxed is told to the cent, adds nothing to its total, and is of each line, after its share of
//! what is taken off. On both stores.

use crate::breadth::{adds_up, parts, to, usd};
use serde_json::{Value, json};
use testkit::{Answer, Client, Shop, on_both_stores};

const RATES: &str = "/api/v1/tax-rates";

/// A shop in Germany, whose prices have its taxes in them.
async fn open(more: &[(&str, &str)]) -> Shop {
    let own = [
        ("SOUK_ORDERS__TAX", "included"),
        ("SOUK_ORDERS__TAX_COUNTRY", "DE"),
    ];
    Shop::start_with(&[&own, more].concat()).await
}

on_both_stores! {
    open:
    taxes_in_the_prices_are_told_to_the_cent_and_add_nothing,
    another_rate_is_of_orders_from_then_on_and_of_none_before,
}

/// Who sells and who buys what.
struct World {
    admin: Client,
    ann: Client,
    /// For 19.99, 3.33 (taxed less) and 10.00 (not taxed).
    tea: String,
    cup: String,
    map: String,
    post: String,
}

impl World {
    async fn of(shop: &mut Shop) -> Self {
        let admin = shop.admin().await;
        let make = async |path: &str, body: Value| {
            let made = admin.post(path, &body).await;
            assert_eq!(made.status, 201, "{path}: {}", made.text);
            made.str("/id").to_owned()
        };
        let products = "/api/v1/products";
        let offer = |name: &str, price: &str, class: &str| {
            let attributes = json!({ "tax_class": class });
            json!({"name": name, "price": price, "stock": 500, "attributes": attributes})
        };
        for rate in [
            json!({"name": "VAT 19%", "country": "DE", "millionths": 190_000}),
            json!({"name": "VAT 7%", "country": "DE", "class": "reduced", "millionths": 70_000}),
            // As much again: half of what is odd is no whole cent.
            json!({"name": "Half of it", "country": "AT", "millionths": 1_000_000}),
        ] {
            make(RATES, rate).await;
        }
        for code in [
            json!({"code": "FIVER", "amount": usd(500)}),
            json!({"code": "TENTH", "basis_points": 1_000}),
            json!({"code": "GIFT", "basis_points": 10_000}),
            json!({"code": "POSTFREE", "basis_points": 10_000, "takes_off": "shipping"}),
        ] {
            make("/api/v1/discounts", code).await;
        }
        let post = json!({"name": "Post", "price": usd(499)});
        Self {
            tea: make(products, offer("Tea", "19.99", "standard")).await,
            cup: make(products, offer("Cup", "3.33", "reduced")).await,
            map: make(products, offer("Map", "10.00", "zero")).await,
            post: make("/api/v1/shipping-methods", post).await,
            ann: shop.customer("ann").await,
            admin,
        }
    }

    /// One tea for 19.99 and three cups for 9.99.
    fn both(&self) -> Value {
        json!([{"product_id": self.tea, "quantity": 1}, {"product_id": self.cup, "quantity": 3}])
    }

    async fn buy(&self, key: &str, body: &Value) -> Answer {
        let order = self.ann.post_with_key("/api/v1/orders", key, body).await;
        assert_eq!(order.status, 201, "{key}: {}", order.text);
        order
    }

    /// A cart with both, the code and the way; what it is shown to cost, and the order that becomes of it.
    async fn by_cart(&self, key: &str, code: &str) -> (Answer, Answer) {
        let cart = self.ann.post("/api/v1/carts", &json!({})).await;
        let cart = cart.str("/id").to_owned();
        let put = async |rest: &str, body: Value| {
            let path = format!("/api/v1/carts/{cart}/{rest}");
            let put = self.ann.put(&path, &body).await;
            assert_eq!(put.status, 200, "{path}: {}", put.text);
            put
        };
        put(&format!("items/{}", self.tea), json!({"quantity": 1})).await;
        put(&format!("items/{}", self.cup), json!({"quantity": 3})).await;
        put("address", json!({"address": to()})).await;
        put("shipping", json!({"method": self.post})).await;
        let shown = put("discount", json!({ "code": code })).await;
        let body = json!({"cart_id": cart, "payment": {"method": "tok_ok"}});
        let order = self.buy(key, &body).await;
        (shown, order)
    }
}

/// The taxes of an order by their names: each is in the prices, adds nothing, and is what its lines and shipping are.
fn taxes(order: &Answer) -> Vec<(&str, i64)> {
    let parts = order.json["parts"].as_array().into_iter().flatten();
    let taxes = parts.filter(|part| part["kind"] == "tax");
    let tax = |part: &'_ Value| {
        let minor = |pointer: &str| part.pointer(pointer).and_then(Value::as_i64);
        assert_eq!(part["tax"]["included"], true, "{part}");
        assert_eq!(minor("/amount/amount"), Some(0), "{part}");
        let lines = part["tax"]["lines"].as_array().into_iter().flatten();
        let lines: i64 = lines
            .filter_map(|line| line["amount"]["amount"].as_i64())
            .sum();
        let shipping = minor("/tax/shipping/amount").unwrap_or_default();
        let amount = minor("/tax/amount/amount").unwrap_or_default();
        assert_eq!(lines + shipping, amount, "{part}");
        amount
    };
    taxes
        .map(|part| (part["title"].as_str().unwrap_or_default(), tax(part)))
        .collect()
}

/// What is wanted, what it costs, its parts that add something, and its taxes.
type Case = (&'static str, Value, i64, [i64; 4], Vec<(&'static str, i64)>);

/// Of 19.99 are 19/119, of 9.99 are 7/107, of the parcel for 4.99 are 19/119, each rounded by itself.
fn cases(world: &World) -> Vec<Case> {
    let (vat, less) = ("VAT 19%", "VAT 7%");
    let one = |id: &str| json!({"product_id": id, "quantity": 1});
    let (both, alone) = (world.both(), json!([one(&world.tea)]));
    let mixed = json!({"items": [one(&world.tea), one(&world.map)]});
    let abroad = |country: &str| {
        let there = json!({"name": "Ann", "line1": "Way 1", "city": "There", "country": country});
        json!({"items": both, "shipping_address": there})
    };
    let sent = |items: &Value, code: Option<&str>| {
        let (to, post) = (to(), &world.post);
        json!({"items": items, "shipping_address": to, "shipping_method": post, "discount_code": code})
    };
    let home = json!({"items": both, "payment": {"method": "tok_ok"}});
    let (fiver, tenth) = (sent(&both, Some("FIVER")), sent(&both, Some("TENTH")));
    let (gift, free) = (sent(&alone, Some("GIFT")), sent(&alone, Some("POSTFREE")));
    let goods = vec![(vat, 319), (less, 65)];
    let with_parcel = vec![(vat, 319 + 80), (less, 65)];
    vec![
        ("home", home, 2_998, [0; 4], goods),
        ("untaxed", mixed, 2_999, [0; 4], vec![(vat, 319)]),
        (
            "parcel",
            sent(&both, None),
            3_497,
            [0, 499, 0, 0],
            with_parcel,
        ),
        // 3.33 are the tea's, 1.67 the cups': 16.66 and 8.32 are left.
        (
            "fiver",
            fiver,
            2_997,
            [-500, 499, 0, 0],
            vec![(vat, 266 + 80), (less, 54)],
        ),
        // 2.00 and 1.00: 17.99 and 8.99 are left.
        (
            "tenth",
            tenth,
            3_197,
            [-300, 499, 0, 0],
            vec![(vat, 287 + 80), (less, 59)],
        ),
        ("gift", gift, 499, [-1_999, 499, 0, 0], vec![(vat, 80)]),
        (
            "post-free",
            free,
            1_999,
            [0, 499, -499, 0],
            vec![(vat, 319)],
        ),
        // Of 19.99 half is 9.995: up. There is no rate for what is taxed less.
        (
            "half",
            abroad("AT"),
            2_998,
            [0; 4],
            vec![("Half of it", 1_000)],
        ),
        ("nowhere", abroad("US"), 2_998, [0; 4], vec![]),
    ]
}

async fn taxes_in_the_prices_are_told_to_the_cent_and_add_nothing(mut shop: Shop) {
    let world = World::of(&mut shop).await;
    for (key, wish, total, added, wanted) in cases(&world) {
        let order = world.buy(key, &wish).await;
        adds_up(&order);
        assert_eq!(order.int("/total/amount"), total, "{key}: {}", order.text);
        assert_eq!(parts(&order), added, "{key}: {}", order.text);
        assert_eq!(taxes(&order), wanted, "{key}: {}", order.text);
        let path = format!("/api/v1/orders/{}", order.str("/id"));
        let kept = world.ann.get(&path).await;
        assert_eq!(kept.json["parts"], order.json["parts"], "{key}");
        assert_eq!(kept.json["items"], order.json["items"], "{key}");
    }
    // As if they came on top: nobody pays them twice.
    let twice = json!({"items": world.both(), "total": usd(2_998 + 319 + 65)});
    let orders = "/api/v1/orders";
    let refused = world.ann.post_with_key(orders, "twice", &twice).await;
    assert_eq!((refused.status, refused.code()), (409, "price_changed"));
    assert_eq!(refused.int("/total/amount"), 2_998, "{}", refused.text);
    let (shown, order) = world.by_cart("cart", "FIVER").await;
    adds_up(&shown);
    assert_eq!(taxes(&shown), [("VAT 19%", 346), ("VAT 7%", 54)]);
    assert_eq!(shown.int("/total/amount"), 2_997);
    assert_eq!(order.json["parts"], shown.json["parts"]);
    assert_eq!(order.json["total"], shown.json["total"]);
    assert_eq!(order.str("/status"), "paid", "{}", order.text);
    shop.verify().await;
}

async fn another_rate_is_of_orders_from_then_on_and_of_none_before(mut shop: Shop) {
    let world = World::of(&mut shop).await;
    let wish = json!({"items": world.both()});
    let before = world.buy("before", &wish).await;
    let rates = world.admin.get(RATES).await;
    let rates = rates.json["data"].as_array().unwrap().clone();
    let standard = rates.iter().find(|rate| rate["name"] == "VAT 19%");
    let path = standard.and_then(|rate| rate["id"].as_str());
    let path = format!("{RATES}/{}", path.unwrap());
    let body = json!({"name": "VAT 16%", "country": "DE", "millionths": 160_000, "version": 1});
    let theirs = world.ann.put(&path, &body).await;
    assert_eq!(theirs.status, 403, "{}", theirs.text);
    assert_eq!(taxes(&world.buy("still", &wish).await), taxes(&before));
    let changed = world.admin.put(&path, &body).await;
    assert_eq!(changed.status, 200, "{}", changed.text);
    // 16/116 of 19.99.
    let after = world.buy("after", &wish).await;
    assert_eq!(taxes(&after), [("VAT 16%", 276), ("VAT 7%", 65)]);
    assert_eq!(after.int("/total/amount"), before.int("/total/amount"));
    let kept = format!("/api/v1/orders/{}", before.str("/id"));
    let kept = world.ann.get(&kept).await;
    assert_eq!(taxes(&kept), [("VAT 19%", 319), ("VAT 7%", 65)]);
    let gone = world.admin.delete(&format!("{path}?version=2"), None).await;
    assert_eq!(gone.status, 204, "{}", gone.text);
    assert_eq!(taxes(&world.buy("none", &wish).await), [("VAT 7%", 65)]);
    shop.verify().await;
}
