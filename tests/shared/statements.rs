//! How many statements a request that reads costs, on either store: the same for one row as for many. On PostgreSQL it
//! is asked of a node that comes to the database under a name of its own, and another node does what follows by itself
//! (events, mails, sweeps): else what that asks as well would be taken for the clock's.

use crate::counted::{Counted, QUIET, of_whom};
use serde_json::{Value, json};
use std::time::Duration;
use testkit::{Client, Folder, PASSWORD, Shop, postgres::Postgres};

/// What is sold in dollars is sold in euros as well.
pub(crate) const EUROS: (&str, &str) = ("SOUK_CATALOG__FURTHER_CURRENCIES", "[\"EUR\"]");
/// Rows where there are many.
const MANY: usize = 8;

/// What is asked, and the most statements that it may cost, for one row or for many: of a file, and of a server. What
/// is kept in memory for a second costs none or one, and so does looking whether the index of a search is as it should
/// be. Of a file, each product of a cart is read by itself, in one reading of the whole cart: no way to a server is
/// gone for it.
const COSTS: [(&str, [u64; 2]); 54] = [
    ("currencies", [1, 1]),
    ("products", [1, 1]),
    ("a search", [4, 4]),
    ("what it leaves", [4, 4]),
    ("what is meant", [4, 4]),
    ("categories", [1, 1]),
    ("a product", [1, 1]),
    ("a product in euros", [1, 1]),
    ("its variants", [1, 1]),
    ("its pictures", [1, 1]),
    ("its reviews", [1, 1]),
    ("prices it had", [1, 1]),
    ("stock", [1, 1]),
    ("stock of one", [1, 1]),
    ("what moved it", [2, 2]),
    ("discounts", [1, 1]),
    ("one of them", [1, 1]),
    ("ways of shipping", [1, 1]),
    ("tax rates", [1, 1]),
    ("a cart", [10, 3]),
    ("a cart in euros", [10, 3]),
    ("how a cart can be sent", [11, 4]),
    ("one's orders", [2, 2]),
    ("orders", [2, 2]),
    // The orders, and the name of whoever bought them; no figures.
    ("orders as a file", [3, 3]),
    ("figures", [8, 8]),
    ("earlier orders", [1, 2]),
    ("what they come to", [1, 1]),
    ("returns", [2, 1]),
    ("an order", [4, 4]),
    ("its timeline", [3, 3]),
    ("its notes", [4, 3]),
    ("its shipments", [5, 3]),
    ("its returns", [5, 3]),
    ("its invoice", [6, 6]),
    ("its packing slip", [7, 5]),
    ("a payment", [5, 5]),
    ("its refunds", [6, 6]),
    ("payments under way", [2, 2]),
    ("payments to look at", [1, 1]),
    ("people", [1, 1]),
    ("one of them", [1, 1]),
    ("what became of them", [1, 1]),
    ("oneself", [1, 1]),
    ("one's addresses", [1, 1]),
    ("one's second factor", [1, 1]),
    ("one's sessions", [1, 1]),
    ("what became of one", [1, 1]),
    ("keys", [1, 1]),
    ("one key", [1, 1]),
    ("webhooks", [1, 1]),
    ("the feed", [1, 1]),
    ("events given up", [2, 2]),
    ("what buyers say", [1, 1]),
];

/// Addresses of the document that are read and not asked here, and why.
const NOT_ASKED: [&str; 8] = [
    // Nothing is read for it.
    "/.well-known/jwks.json",
    // All books are, on purpose.
    "/api/v1/audit",
    // Nothing but an import makes one, and it is read as an order is.
    "/api/v1/earlier-orders/{id}",
    // It is sent as it is read, and ends when there is no more.
    "/api/v1/me/export",
    // The built-in provider's own books.
    "/api/v1/payments/providers/sandbox/charges",
    "/api/v1/payments/providers/sandbox/knobs",
    // Somebody would have to be there to be told.
    "/api/v1/webhooks/{id}",
    "/api/v1/webhooks/{id}/deliveries",
];

/// What there is of everything: one, and many.
struct Goods {
    products: Vec<String>,
    shirt: String,
    /// A variant of one that has no other, and one of many.
    variants: [String; 2],
    discount: String,
}

pub(crate) async fn made(who: &Client, path: &str, body: &Value) -> String {
    let made = who.post(path, body).await;
    assert!(matches!(made.status, 200 | 201), "{path}: {}", made.text);
    made.str("/id").to_owned()
}

async fn goods(admin: &Client) -> Goods {
    let mut products = Vec::new();
    for number in 0..MANY {
        let euros = json!([{"amount": 900, "currency": "EUR"}]);
        let body = json!({"name": format!("Tea {number}"), "price": "10.00", "stock": 500, "prices": euros});
        products.push(made(admin, "/api/v1/products", &body).await);
    }
    let sizes: Vec<String> = (0..MANY).map(|size| format!("size {size}")).collect();
    let variants: Vec<Value> = sizes
        .iter()
        .map(|size| json!({"options": {"Size": size}, "stock": 3}))
        .collect();
    let mut discount = String::new();
    let options = json!([{"name": "Size", "values": sizes}]);
    let body = json!({"name": "Shirt", "price": "20.00", "options": options, "variants": variants});
    let shirt = made(admin, "/api/v1/products", &body).await;
    for number in 0..MANY {
        let price = json!({"price": format!("11.0{number}"), "version": number + 1});
        let path = format!("/api/v1/products/{}", products[1]);
        assert_eq!(admin.patch(&path, &price).await.status, 200);
        let code = json!({"code": format!("CODE{number}"), "basis_points": 100});
        discount = made(admin, "/api/v1/discounts", &code).await;
    }
    let mut variants = [const { String::new() }; 2];
    for (variant, product) in variants.iter_mut().zip([&products[0], &shirt]) {
        let shown = admin.get(&format!("/api/v1/products/{product}")).await;
        shown.str("/variants/0/id").clone_into(variant);
    }
    Goods {
        products,
        shirt,
        variants,
        discount,
    }
}

/// A cart with these in it.
async fn cart(who: &Client, products: &[String], currency: &str) -> String {
    let id = made(who, "/api/v1/carts", &json!({})).await;
    for product in products {
        let item = format!("/api/v1/carts/{id}/items/{product}");
        assert_eq!(who.put(&item, &json!({"quantity": 1})).await.status, 200);
    }
    let path = format!("/api/v1/carts/{id}/currency");
    let turned = who.put(&path, &json!({"currency": currency})).await;
    assert_eq!(turned.status, 200, "{}", turned.text);
    format!("/api/v1/carts/{id}")
}

/// An order of these, paid and sent in as many parcels, of which as much comes back: its address, and its payment's.
async fn order(
    (admin, who): (&Client, &Client),
    key: &str,
    products: &[String],
) -> (String, String) {
    let items: Vec<Value> = products
        .iter()
        .map(|id| json!({"product_id": id, "quantity": 2}))
        .collect();
    let order = who
        .post_with_key("/api/v1/orders", key, &json!({"items": items}))
        .await;
    assert_eq!(order.status, 201, "{}", order.text);
    let pay = json!({"order_id": order.str("/id"), "method": "tok_ok"});
    let payment = who.post_with_key("/api/v1/payments", key, &pay).await;
    assert_eq!(payment.status, 201, "{}", payment.text);
    let path = format!("/api/v1/orders/{}", order.str("/id"));
    for line in 1..=products.len() {
        let lines = json!([{"line": line, "quantity": 2}]);
        made(
            admin,
            &format!("{path}/shipments"),
            &json!({"lines": lines}),
        )
        .await;
        let back = json!({"lines": [{"line": line, "quantity": 1}], "reason": "too strong"});
        let back = who
            .post_with_key(&format!("{path}/returns"), &format!("{key}-{line}"), &back)
            .await;
        assert_eq!(back.status, 201, "{}", back.text);
        made(admin, &format!("{path}/notes"), &json!({"text": "fragile"})).await;
    }
    (path, format!("/api/v1/payments/{}", payment.str("/id")))
}

/// A shop that sells in dollars and euros, whose database counts what it is asked; nothing where there is none.
pub(crate) async fn counting_shop(more: &[(&str, &str)]) -> Option<(Postgres, String, Shop)> {
    let settings = vec![
        ("fsync", "off"),
        ("shared_preload_libraries", "pg_stat_statements"),
        ("pg_stat_statements.track_utility", "off"),
    ];
    let server = Postgres::start_with(settings)?;
    let database = server.database();
    let own = [
        ("SOUK_DB", database.as_str()),
        ("SOUK_POSTGRES__MIGRATE", "true"),
        EUROS,
    ];
    let shop = Shop::start_with(&[&own, more].concat()).await;
    Some((server, database, shop))
}

/// Whom and what is asked, for one row and for many.
type Asked<'a> = (&'a str, [&'a Client; 2], [String; 2]);

fn both(path: &str) -> [String; 2] {
    [path.to_owned(), path.to_owned()]
}

fn pages(path: &str) -> [String; 2] {
    let by = if path.contains('?') { '&' } else { '?' };
    [1, MANY].map(|rows| format!("{path}{by}limit={rows}"))
}

fn of_goods<'a>(staff: [&'a Client; 2], goods: &Goods) -> Vec<Asked<'a>> {
    let product = |id: &str, rest: &str| format!("/api/v1/products/{id}{rest}");
    let (tea, dearer) = (&goods.products[0], &goods.products[1]);
    let plain = |rest: &str| [product(tea, rest), product(&goods.shirt, rest)];
    let kept = |rest: &str| {
        let path = |variant: &String| format!("/api/v1/inventory/{variant}{rest}");
        goods.variants.each_ref().map(path)
    };
    let past = [product(tea, "/prices"), product(dearer, "/prices")];
    let asked = [
        ("currencies", both("/api/v1/currencies")),
        ("products", pages("/api/v1/products")),
        ("a search", pages("/api/v1/products?q=tea")),
        ("what it leaves", both("/api/v1/products/facets?q=tea")),
        ("what is meant", both("/api/v1/products/suggestions?q=te")),
        ("categories", both("/api/v1/categories")),
        ("a product", plain("")),
        ("a product in euros", plain("?currency=EUR")),
        ("its variants", plain("/variants")),
        ("its pictures", plain("/images")),
        ("its reviews", plain("/reviews")),
        ("prices it had", past),
        ("stock", pages("/api/v1/inventory")),
        ("stock of one", kept("")),
        ("what moved it", kept("/movements")),
        ("discounts", pages("/api/v1/discounts")),
        (
            "one of them",
            both(&format!("/api/v1/discounts/{}", goods.discount)),
        ),
        ("ways of shipping", both("/api/v1/shipping-methods")),
        ("tax rates", both("/api/v1/tax-rates")),
    ];
    asked.map(|(name, paths)| (name, staff, paths)).into()
}

/// Orders of one line and of many, and where they are kept.
struct Orders<'a> {
    own: [&'a Client; 2],
    staff: [&'a Client; 2],
    orders: [String; 2],
    payments: [String; 2],
    carts: [String; 2],
    abroad: [String; 2],
}

fn of_orders(of: Orders<'_>) -> Vec<Asked<'_>> {
    let Orders {
        own,
        staff,
        orders,
        payments,
        carts,
        abroad,
    } = of;
    let order = |rest: &str| orders.clone().map(|order| format!("{order}{rest}"));
    let refunds = payments.clone().map(|payment| format!("{payment}/refunds"));
    let sent = carts.clone().map(|cart| format!("{cart}/shipping-methods"));
    let files = own.map(|who| format!("/admin/orders.csv?customer={}", who.user_id()));
    vec![
        ("a cart", own, carts),
        ("a cart in euros", own, abroad),
        ("how a cart can be sent", own, sent),
        ("one's orders", own, pages("/api/v1/orders")),
        ("orders", staff, pages("/api/v1/orders")),
        ("orders as a file", staff, files),
        ("figures", staff, both("/api/v1/orders/figures")),
        ("earlier orders", staff, both("/api/v1/earlier-orders")),
        (
            "what they come to",
            staff,
            both("/api/v1/earlier-orders/totals"),
        ),
        ("returns", staff, pages("/api/v1/returns")),
        ("an order", own, order("")),
        ("its timeline", own, order("/timeline")),
        ("its notes", staff, order("/notes")),
        ("its shipments", own, order("/shipments")),
        ("its returns", own, order("/returns")),
        ("its invoice", own, order("/invoice")),
        ("its packing slip", staff, order("/packing-slip")),
        ("a payment", own, payments),
        ("its refunds", own, refunds),
        ("payments under way", staff, both("/api/v1/payments/sagas")),
        (
            "payments to look at",
            staff,
            both("/api/v1/payments/reviews"),
        ),
    ]
}

/// An admin's key.
async fn key(admin: &Client) -> String {
    let body = json!({"name": "till", "scopes": ["orders:read"], "password": PASSWORD});
    let made = admin.post("/api/v1/api-keys", &body).await;
    assert_eq!(made.status, 201, "{}", made.text);
    format!("/api/v1/api-keys/{}", made.str("/key/id"))
}

fn of_people<'a>(own: [&'a Client; 2], staff: [&'a Client; 2], key: &str) -> Vec<Asked<'a>> {
    let people = own.map(|who| format!("/api/v1/users/{}", who.user_id()));
    vec![
        ("people", staff, pages("/api/v1/users")),
        ("one of them", staff, people),
        (
            "what became of them",
            staff,
            pages("/api/v1/audit/security-events"),
        ),
        ("oneself", own, both("/api/v1/me")),
        ("one's addresses", own, both("/api/v1/me/addresses")),
        ("one's second factor", own, both("/api/v1/me/second-factor")),
        ("one's sessions", own, both("/api/v1/me/sessions")),
        (
            "what became of one",
            own,
            pages("/api/v1/me/security-events"),
        ),
        ("keys", staff, both("/api/v1/api-keys")),
        ("one key", staff, both(key)),
        ("webhooks", staff, both("/api/v1/webhooks")),
        ("the feed", staff, pages("/api/v1/events")),
        ("events given up", staff, both("/api/v1/events/dead")),
        ("what buyers say", staff, pages("/api/v1/reviews")),
    ]
}

/// Addresses of the document that are read, and none of these.
fn not_asked(asked: &[Asked<'_>]) -> Vec<String> {
    let document: Value = serde_json::from_str(include_str!("../../docs/openapi.json"))
        .expect("the document of the API");
    let paths = document["paths"].as_object().expect("its addresses");
    let is = |template: &str, path: &str| {
        let path = path.split('?').next().unwrap_or_default();
        let parts: Vec<&str> = template.split('/').collect();
        let pieces: Vec<&str> = path.split('/').collect();
        let fits = |(part, piece): (&&str, &&str)| part.starts_with('{') || part == piece;
        parts.len() == pieces.len() && parts.iter().zip(&pieces).all(fits)
    };
    let mut read: Vec<&String> = paths
        .iter()
        .filter(|(_, methods)| !methods["get"].is_null())
        .map(|(template, _)| template)
        .collect();
    for path in asked.iter().flat_map(|(_, _, paths)| paths) {
        // Of several that fit, the one that says most of it.
        let fitting = paths.keys().filter(|template| is(template, path));
        let of = fitting.min_by_key(|template| template.matches('{').count());
        read.retain(|template| Some(*template) != of);
    }
    read.into_iter().cloned().collect()
}

/// What each request costs that is more than it may, of two figures the one for this store.
async fn dear(
    counted: &mut Counted,
    (admin, shop): (&Client, &Shop),
    most: fn([u64; 2]) -> u64,
) -> Vec<String> {
    let (ann, ben) = (shop.customer("ann").await, shop.customer("ben").await);
    let goods = goods(admin).await;
    let (tea, all) = (&goods.products[..1], &goods.products[..]);
    let (small, small_payment) = order((admin, &ann), "a", tea).await;
    let (large, large_payment) = order((admin, &ben), "b", all).await;
    for key in 0..MANY {
        ben.order(&format!("more {key}"), &goods.products[0], 1)
            .await;
    }
    let (own, staff) = ([&ann, &ben], [admin, admin]);
    let orders = Orders {
        own,
        staff,
        orders: [small, large],
        payments: [small_payment, large_payment],
        carts: [cart(&ann, tea, "USD").await, cart(&ben, all, "USD").await],
        abroad: [cart(&ann, tea, "EUR").await, cart(&ben, all, "EUR").await],
    };
    let asked = [
        of_goods(staff, &goods),
        of_orders(orders),
        of_people(own, staff, &key(admin).await),
    ]
    .concat();
    assert_eq!(asked.len(), COSTS.len());
    assert_eq!(not_asked(&asked), NOT_ASKED);
    counted.learn().await;
    let mut dear = Vec::new();
    for ((name, who, paths), (of, both)) in asked.iter().zip(COSTS) {
        assert_eq!(*name, of);
        for (who, path) in who.iter().zip(paths) {
            let (cost, most) = (counted.cost(who, path).await, most(both));
            if cost > most {
                dear.push(format!("{name}: {path}: {cost} statements of {most}"));
            }
        }
    }
    dear
}

#[tokio::test]
async fn looking_whether_the_stores_are_there_counts_nothing_that_is_in_them() {
    let folder = Folder::default();
    let file = folder.write("statements", "");
    let settings = [
        ("SOUK_STATEMENTS_FILE", file.as_str()),
        ("SOUK_READINESS__EVERY_MS", "20"),
    ];
    let _shop = Shop::breakable(&settings).await;
    let asked = || std::fs::read_to_string(&file).expect("a file of ours");
    let looks = || asked().matches("INDEXED BY orders_by_payment_due").count();
    let enough = async {
        while looks() < 20 {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    let enough = tokio::time::timeout(Duration::from_secs(30), enough).await;
    assert!(enough.is_ok(), "nobody looks");
    let asked = asked();
    let counts = ["COUNT(*) FROM orders", "COUNT(*) FROM by_order"];
    let counting = asked
        .lines()
        .filter(|line| counts.iter().any(|count| line.contains(count)));
    assert_eq!(counting.collect::<Vec<_>>(), [""; 0]);
}

#[tokio::test]
async fn a_request_costs_few_statements_however_many_rows_it_reads_on_postgresql() {
    let Some((server, database, mut first)) = counting_shop(&[]).await else {
        return;
    };
    let admin = first.admin().await;
    server.sql("postgres", "CREATE ROLE counted SUPERUSER LOGIN");
    let (_, place) = of_whom(&database);
    let own = format!("postgres://counted@{place}");
    let node = Shop::start_with(&[&QUIET[..], &[("SOUK_DB", own.as_str()), EUROS]].concat()).await;
    let mut counted = Counted::of_server(server, &own);
    let who = admin.at(node.url());
    let dear = Box::pin(dear(&mut counted, (&who, &node), |[_, server]| server)).await;
    assert!(dear.is_empty(), "{dear:#?}");
}

#[tokio::test]
async fn a_request_costs_few_statements_however_many_rows_it_reads_on_sqlite() {
    let (mut shop, mut counted) = Counted::on_files(&[]).await;
    let admin = shop.admin().await;
    let dear = Box::pin(dear(&mut counted, (&admin, &shop), |[file, _]| file)).await;
    assert!(dear.is_empty(), "{dear:#?}");
}
