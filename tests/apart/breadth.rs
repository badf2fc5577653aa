//! What is around an order, through the public door: a catalog with all that a product can say, a cart, everything that
//! an order costs beside its lines, and what comes after it. A shop on PostgreSQL answers as one on its own files does.

use crate::{journeys::assert_same_but_numbers, transcript::Transcript};
use reqwest::Method;
use serde_json::{Value, json};
use testkit::{Answer, Client, Shop, postgres::Postgres};

/// A shop in Germany, where taxes come on top.
const SETTINGS: [(&str, &str); 2] = [
    ("SOUK_ORDERS__TAX", "added"),
    ("SOUK_ORDERS__TAX_COUNTRY", "DE"),
];

/// Who takes part, and what they are told.
struct Walk {
    told: Transcript,
    admin: Client,
    ann: Client,
    ben: Client,
    visitor: Client,
    /// The category of tea.
    teas: String,
}

#[tokio::test]
async fn what_is_around_an_order_is_the_same_on_both_stores() {
    let Some(server) = Postgres::shared() else {
        return;
    };
    let own = Shop::start_with(&SETTINGS).await;
    let database = server.database();
    let [tax, country] = SETTINGS;
    let db = [
        tax,
        country,
        ("SOUK_DB", database.as_str()),
        ("SOUK_POSTGRES__MIGRATE", "true"),
    ];
    let other = Shop::start_with(&db).await;
    assert_same_but_numbers(&walk(own).await, &walk(other).await);
}

async fn walk(mut shop: Shop) -> Transcript {
    let mut walk = Walk {
        told: Transcript::default(),
        admin: shop.admin().await,
        ann: shop.customer("ann").await,
        ben: shop.customer("ben").await,
        visitor: shop.visitor(),
        teas: String::new(),
    };
    let (tea, cup) = walk.shelves().await;
    walk.finding(&tea).await;
    let post = walk.prices().await;
    let order = walk.buying((&tea, &cup), &post).await;
    walk.buying_otherwise(&tea, &post).await;
    walk.buying_by_rules(&tea, &post).await;
    walk.afterwards(&order).await;
    walk.reviews(&tea).await;
    shop.verify().await;
    walk.told
}

/// Where Ann lives.
pub(crate) fn to() -> Value {
    json!({"name": "Ann", "line1": "Way 1", "city": "There", "postcode": "10115", "country": "DE"})
}

pub(crate) fn usd(amount: i64) -> Value {
    json!({"amount": amount, "currency": "USD"})
}

/// Lines and parts of an order or a cart add up to its total.
pub(crate) fn adds_up(order: &Answer) {
    let all = |list: &str| order.json[list].as_array().cloned().unwrap_or_default();
    let lines: i64 = all("items")
        .iter()
        .map(|line| line["line_total"]["amount"].as_i64().unwrap())
        .sum();
    let parts: i64 = all("parts")
        .iter()
        .map(|part| part["amount"]["amount"].as_i64().unwrap())
        .sum();
    assert_eq!(lines + parts, order.int("/total/amount"), "{}", order.text);
}

/// What an order costs beside its lines, in cents: discounts, shipping, what is taken off that, and taxes.
pub(crate) fn parts(order: &Answer) -> [i64; 4] {
    let parts = order.json["parts"].as_array().cloned().unwrap_or_default();
    ["discount", "shipping", "shipping_discount", "tax"].map(|kind| {
        let of_kind = parts.iter().filter(|part| part["kind"] == kind);
        of_kind
            .map(|part| part["amount"]["amount"].as_i64().unwrap())
            .sum()
    })
}

impl Walk {
    /// Notes what came of a step that must end so.
    fn note(&mut self, step: &str, status: u16, answer: Answer) -> Answer {
        assert_eq!(answer.status, status, "{step}: {}", answer.text);
        self.told.note(step, &answer);
        answer
    }

    async fn see(&mut self, path: &str) -> Answer {
        let answer = self.visitor.get(path).await;
        self.note(path, 200, answer)
    }

    async fn make(&mut self, path: &str, body: Value) -> Answer {
        let answer = self.admin.post(path, &body).await;
        self.note(path, 201, answer)
    }

    async fn put(&mut self, path: &str, body: Value) -> Answer {
        let answer = self.ann.put(path, &body).await;
        self.note(path, 200, answer)
    }

    /// Categories, variants, pictures, attributes, relations, another address, another price, a day to come.
    async fn shelves(&mut self) -> (String, String) {
        let (products, categories) = ("/api/v1/products", "/api/v1/categories");
        self.make(categories, json!({"name": "Drinks"})).await;
        let teas = json!({"name": "Tea", "parent": "drinks"});
        let teas = self.make(categories, teas).await;
        teas.str("/id").clone_into(&mut self.teas);
        let tea = json!({
            "name": "Green tea", "sku": "TEA", "price": "10.00", "stock": 20, "category": "tea",
            "attributes": {"origin": "Japan", "weight_grams": 250},
        });
        let tea = self.make(products, tea).await.str("/id").to_owned();
        let sizes = json!([{"name": "Size", "values": ["S", "L"]}]);
        let cup = json!({
            "name": "Cup", "price": "5.00", "options": sizes,
            "attributes": {"tax_class": "reduced", "weight_grams": 200},
            "variants": [
                {"options": {"Size": "S"}, "sku": "CUP-S", "stock": 9},
                {"options": {"Size": "L"}, "sku": "CUP-L", "stock": 2, "price": "6.00"},
            ],
        });
        let cup = self.make(products, cup).await;
        let (variant, cup) = (
            cup.str("/variants/0/id").to_owned(),
            cup.str("/id").to_owned(),
        );
        let here = format!("{products}/{tea}");
        let change = json!({"related": [cup], "slug": "fine-tea", "price": "11.00", "version": 1});
        let changed = self.admin.patch(&here, &change).await;
        self.note("another address and price", 200, changed);
        let picture = self.admin.show(&tea).await;
        let picture = self.note("a picture", 201, picture);
        let file = self.visitor.get(picture.str("/full/url")).await;
        self.note("its file", 200, file);
        for (path, status) in [
            ("/p/green-tea", 308),
            ("/p/fine-tea", 200),
            ("/c/drinks", 200),
        ] {
            let page = self.visitor.get(path).await;
            self.note(path, status, page);
        }
        let day = "2099-12-01T00:00:00Z";
        let later = json!({"name": "Winter tea", "sku": "COLD", "price": "9.00", "status": "draft", "publish_at": day});
        let later = self.make(products, later).await.str("/id").to_owned();
        let unseen = self.visitor.get(&format!("{products}/{later}")).await;
        self.note("what is not on sale yet", 404, unseen);
        let history = self.see(&format!("{here}/prices")).await;
        assert_eq!(
            history.json["data"].as_array().map(Vec::len),
            Some(2),
            "{}",
            history.text
        );
        let low = self.admin.get("/api/v1/inventory?low_stock=true").await;
        let low = self.note("what runs low", 200, low);
        assert_eq!(low.str("/data/0/sku"), "CUP-L", "{}", low.text);
        (tea, variant)
    }

    /// By beginnings, with a typing error, by what there is to choose.
    async fn finding(&mut self, tea: &str) {
        for words in ["gree", "gren+tea", "JAPAN"] {
            let found = self.see(&format!("/api/v1/products?q={words}")).await;
            assert_eq!(found.str("/data/0/id"), tea, "{words}: {}", found.text);
        }
        let facets = self.see("/api/v1/products/facets?category=drinks").await;
        assert_eq!(facets.int("/total"), 1, "{}", facets.text);
        let suggested = self.see("/api/v1/products/suggestions?q=gr").await;
        assert_eq!(
            suggested.str("/data/0/slug"),
            "fine-tea",
            "{}",
            suggested.text
        );
    }

    /// Discounts of each kind, taxes, and a way of shipping by place, weight and sum; its id.
    async fn prices(&mut self) -> String {
        let discounts = "/api/v1/discounts";
        let tea = json!({"categories": [self.teas]});
        for discount in [
            json!({"code": "TENTH", "basis_points": 1_000, "uses_max": 10, "customer_uses_max": 1}),
            json!({"code": "FIVER", "amount": usd(500), "minimum": usd(3_000)}),
            json!({"code": "POSTFREE", "basis_points": 10_000, "takes_off": "shipping"}),
            json!({
                "code": "TEA-3", "name": "Three teas for two", "basis_points": 10_000, "automatic": true,
                "buy": {"quantity": 2, "of": tea, "get": 1}, "only": tea,
            }),
            json!({"code": "OVER", "basis_points": 5_000, "ends_at": "2020-01-01T00:00:00Z"}),
        ] {
            self.make(discounts, discount).await;
        }
        for rate in [
            json!({"name": "VAT 19%", "country": "DE", "millionths": 190_000}),
            json!({"name": "VAT 7%", "country": "DE", "class": "reduced", "millionths": 70_000}),
            json!({"name": "Sales tax", "country": "US", "region": "CA", "millionths": 72_500}),
        ] {
            self.make("/api/v1/tax-rates", rate).await;
        }
        let bands = json!([{"weight_max_grams": 500, "price": usd(300)}]);
        let zones = json!([
            {"countries": ["DE", "AT"], "price": usd(500), "bands": bands},
            {"countries": ["US"], "regions": ["CA"], "price": usd(2_000)},
        ]);
        let post =
            json!({"name": "Post", "price": usd(0), "zones": zones, "free_from": usd(20_000)});
        self.make("/api/v1/shipping-methods", post)
            .await
            .str("/id")
            .to_owned()
    }

    /// A guest's cart comes along, is told what changed, and becomes one order.
    async fn buying(&mut self, (tea, cup): (&str, &str), post: &str) -> String {
        let cart = self.visitor.post("/api/v1/carts", &json!({})).await;
        let cart = self.note("a guest's cart", 201, cart);
        let (here, token) = (
            format!("/api/v1/carts/{}", cart.str("/id")),
            cart.str("/cart_token"),
        );
        for (item, quantity) in [(tea, 3), (cup, 2)] {
            let path = format!("{here}/items/{item}");
            let request = self.visitor.request(Method::PUT, &path);
            let request = request
                .json(&json!({"quantity": quantity}))
                .header("cart-token", token);
            let put = self.visitor.send(request).await;
            self.note("put in", 200, put);
        }
        let request = self.ann.request(Method::POST, &format!("{here}/merge"));
        let merged = self.ann.send(request.header("cart-token", token)).await;
        let merged = self.note("merged", 200, merged);
        let here = format!("/api/v1/carts/{}", merged.str("/id"));
        let dearer = json!({"price": "12.00", "version": 2});
        let dearer = self
            .admin
            .patch(&format!("/api/v1/products/{tea}"), &dearer)
            .await;
        self.note("dearer", 200, dearer);
        self.put(&format!("{here}/address"), json!({"address": to()}))
            .await;
        let ways = self.ann.get(&format!("{here}/shipping-methods")).await;
        self.note("ways", 200, ways);
        self.put(&format!("{here}/shipping"), json!({"method": post}))
            .await;
        let shown = self
            .put(&format!("{here}/discount"), json!({"code": "TENTH"}))
            .await;
        adds_up(&shown);
        let cart = merged.str("/id");
        let wish = |total: &Value| {
            let payment = json!({"method": "tok_ok"});
            json!({"cart_id": cart, "total": total, "payment": payment})
        };
        let unseen = self
            .ann
            .post_with_key("/api/v1/orders", "k0", &wish(&usd(1)))
            .await;
        self.note("another total", 409, unseen);
        let order = self
            .ann
            .post_with_key("/api/v1/orders", "k1", &wish(&shown.json["total"]))
            .await;
        let order = self.note("bought", 201, order);
        adds_up(&order);
        assert_eq!(order.json["total"], shown.json["total"]);
        // 1,299 of the discounts are tea's share: 19 % of 23.01, 7 % of 6.39, 19 % of the parcel.
        assert_eq!(parts(&order), [-1_660, 500, 0, 577], "{}", order.text);
        format!("/api/v1/orders/{}", order.str("/id"))
    }

    /// Codes that are not given, and an order that goes elsewhere.
    async fn buying_otherwise(&mut self, tea: &str, post: &str) {
        let one = json!([{"product_id": tea, "quantity": 1}]);
        let again = json!({"items": one, "discount_code": "TENTH", "shipping_address": to()});
        let again = self.ann.post_with_key("/api/v1/orders", "k2", &again).await;
        self.note("a code twice", 409, again);
        for (key, code) in [("b1", "FIVER"), ("b2", "OVER"), ("b3", "NONE")] {
            let wish = json!({"items": one, "discount_code": code});
            let refused = self.ben.post_with_key("/api/v1/orders", key, &wish).await;
            let is_refused = (400..500).contains(&refused.status);
            assert!(is_refused, "{code}: {}", refused.text);
            self.told.note(code, &refused);
        }
        let abroad = json!({
            "name": "Ben", "line1": "Road 2", "city": "Far", "postcode": "90001", "region": "CA", "country": "US",
        });
        let wish = json!({
            "items": one, "shipping_address": abroad, "shipping_method": post,
            "discount_code": "POSTFREE", "payment": {"method": "tok_ok"},
        });
        let far = self.ben.post_with_key("/api/v1/orders", "b4", &wish).await;
        let far = self.note("far away", 201, far);
        adds_up(&far);
        assert_eq!(parts(&far), [0, 2_000, -2_000, 87], "{}", far.text);
    }

    /// What comes by itself, what a code takes off that needs a sum, and a parcel by its weight.
    async fn buying_by_rules(&mut self, tea: &str, post: &str) {
        for (key, quantity, code, wanted) in [
            ("r1", 3, None, [-1_200, 500, 0, 551]),
            ("r2", 1, None, [0, 300, 0, 285]),
            ("r3", 4, Some("FIVER"), [-1_700, 500, 0, 684]),
        ] {
            let wish = json!({
                "items": [{"product_id": tea, "quantity": quantity}], "shipping_address": to(),
                "shipping_method": post, "discount_code": code,
            });
            let order = self.ben.post_with_key("/api/v1/orders", key, &wish).await;
            let order = self.note(key, 201, order);
            adds_up(&order);
            assert_eq!(parts(&order), wanted, "{key}: {}", order.text);
            let path = format!("/api/v1/orders/{}/cancel", order.str("/id"));
            let over = self.ben.post(&path, &json!({})).await;
            self.note("called off", 200, over);
        }
    }

    /// Parcels, notes, papers, and what comes back.
    async fn afterwards(&mut self, order: &str) {
        let parcel = json!({"lines": [{"line": 1, "quantity": 2}], "carrier": "Post", "tracking": "T-1",
            "tracking_url": "https://post.example/T-1"});
        self.make(&format!("{order}/shipments"), parcel).await;
        self.make(&format!("{order}/shipments"), json!({"tracking": "T-2"}))
            .await;
        self.make(
            &format!("{order}/notes"),
            json!({"text": "handle with care", "for_customer": true}),
        )
        .await;
        let invoice = self.ann.get(&format!("{order}/invoice")).await;
        let slip = self.admin.get(&format!("{order}/packing-slip")).await;
        for paper in [&invoice, &slip] {
            assert_eq!(paper.header("content-type"), "application/pdf");
            assert!(paper.text.starts_with("%PDF-"));
        }
        let back = json!({"lines": [{"line": 1, "quantity": 1}], "reason": "too strong"});
        let returns = format!("{order}/returns");
        let back = self.ann.post_with_key(&returns, "back", &back).await;
        let back = self.note("a return", 201, back);
        let back = format!("{returns}/{}", back.str("/id"));
        for verb in ["approve", "receive"] {
            let said = self.admin.post(&format!("{back}/{verb}"), &json!({})).await;
            assert_eq!(said.status, 200, "{verb}: {}", said.text);
        }
        let is_paid = |seen: &Answer| seen.str("/data/0/status") == "refunded";
        let paid = self.ann.get_until(&returns, is_paid).await;
        self.note("paid back", 200, paid);
        let all = self.admin.get("/api/v1/returns?status=refunded").await;
        let all = self.note("returns of all orders", 200, all);
        assert!(back.ends_with(all.str("/data/0/id")), "{}", all.text);
        for part in ["/shipments", "/notes", "/timeline"] {
            let path = format!("{order}{part}");
            let seen = self.ann.get(&path).await;
            self.note(part, 200, seen);
        }
    }

    /// Of those who bought, with an exact average.
    async fn reviews(&mut self, tea: &str) {
        let path = format!("/api/v1/products/{tea}/reviews");
        for (who, rating, status) in [
            (self.ann.clone(), 4, 201),
            (self.ben.clone(), 5, 201),
            (self.admin.clone(), 1, 403),
            (self.ann.clone(), 2, 409),
        ] {
            let said = who
                .post(&path, &json!({"rating": rating, "text": "well"}))
                .await;
            self.note("a review", status, said);
        }
        let product = self.see(&format!("/api/v1/products/{tea}")).await;
        assert_eq!(product.int("/rating/count"), 2, "{}", product.text);
        assert_eq!(
            product.json["rating"]["average"].as_f64(),
            Some(4.5),
            "{}",
            product.text
        );
        // Three were bought and one came back; one more went far away.
        assert_eq!(
            product.int("/stock/on_hand"),
            20 - 3 + 1 - 1,
            "{}",
            product.text
        );
    }
}
