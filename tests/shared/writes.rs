//! How many statements the writes cost that a shop does all day: counted by PostgreSQL, and no more of them for an
//! order, a cart or a list of thirty lines than for one of three. They are asked of a node that comes to the database
//! under a name of its own, and another node does what follows by itself (events, mails, sweeps), which is not counted.

use crate::{
    counted::{Counted, QUIET, TIMES, of_whom},
    rows::{of_goods, of_people, of_rules},
    statements::{EUROS, counting_shop, made},
};
use reqwest::Method;
use serde_json::{Value, json};
use std::sync::atomic::{AtomicUsize, Ordering};
use testkit::{Answer, Client, Shop, Stripe};

/// What Stripe made of a card.
const CARD: &str = "pm_card_visa";
/// Lines of an order where there are few, and where there are many.
const FEW: usize = 3;
const MANY: usize = 30;

/// What is written without lines, and the most statements that it may cost. What begins and ends a transaction is not
/// counted; the mark is that most of them leave (ADR 24).
const ROWS: [(&str, u64); 19] = [
    ("an account", 6),
    // The account by its name and once more for its token, its second factor, the session, its token, and a line in
    // what becomes of accounts.
    ("signing in", 7),
    ("going on", 6),
    ("signing out", 4),
    ("another name", 2),
    // The password is asked for once more, and its owner is held while it is made; a line and a mail tell of it.
    ("a key", 9),
    ("a guest's cart", 2),
    // The product, its variant, its stock and the first movement of that, who made it, its address, and itself as it is
    // answered.
    ("a product", 8),
    ("another price", 7),
    // Variants are a version of their product: all are read, checked against each other, and kept in their order.
    ("a price in euros", 11),
    // The same, its stock, the first movement of that, what changed with it, and what is too far back for that.
    ("a variant", 16),
    ("a review", 4),
    ("a category", 2),
    ("a discount", 2),
    ("a way of shipping", 3),
    ("a tax rate", 3),
    ("a note", 3),
    ("a webhook", 4),
    ("another webhook", 4),
];

/// What is written with lines, and the most statements that it may cost with three of them; and how many more with
/// thirty.
const LINES: [(&str, u64, u64); 20] = [
    // A cart is read, priced, written, and priced once more as it is answered.
    ("a line put into a cart", 10, 0),
    ("where a cart goes", 7, 0),
    ("a code in a cart", 9, 0),
    ("how a cart is sent", 10, 0),
    // The cart, its code and its way beside what an order costs that is paid.
    ("a cart bought and paid", 53, 0),
    // Two functions of the database: stock is held, the order is written (ADR 36).
    ("an order", 4, 0),
    // Both of these together, and who sells what was bought.
    ("an order that is paid", 44, 0),
    // Seven commits of three services, so that none of it is lost whenever the power goes: the payment is there, the
    // order is fenced, the money is held, the stock is sold, the money is taken and in the books, the order is paid,
    // the payment knows that it is.
    ("paying an order", 35, 0),
    // Whoever asks is held against who bought and who sells; then the order with its event, and the stock.
    ("calling off an order", 19, 0),
    // The money goes back by the event, on whichever node has it.
    ("calling off what is paid", 19, 0),
    // Six commits: the refund is there, it is whose it is, it is made, it is in the books, the order has it in its
    // timeline and mails, the refund knows that.
    ("giving the money back", 41, 0),
    // A parcel of all that is left, and the order's move.
    ("sending an order", 15, 0),
    ("a parcel", 10, 0),
    ("an order that arrived", 10, 0),
    // What was sent and came back of each line, under a lock of its key (ADR 80).
    ("asking to send back", 12, 0),
    ("agreeing to a return", 8, 0),
    ("a return that is there", 13, 0),
    ("stock that came", 6, 0),
    ("a product with variants", 11, 0),
    // Each is a write of its own, with an answer of its own: eight for every product.
    ("products at once", 24, 8 * 27),
];

/// Something that is asked.
pub(crate) struct Ask {
    who: Client,
    method: Method,
    path: String,
    body: Value,
    key: Option<String>,
}

impl Ask {
    pub(crate) fn new(who: &Client, method: Method, path: &str, body: Value) -> Self {
        Self {
            who: who.clone(),
            method,
            path: path.to_owned(),
            body,
            key: None,
        }
    }

    pub(crate) fn post(who: &Client, path: &str, body: Value) -> Self {
        Self::new(who, Method::POST, path, body)
    }

    fn keyed(self, key: String) -> Self {
        let key = Some(key);
        Self { key, ..self }
    }

    pub(crate) async fn send(&self) -> Answer {
        let mut request = self.who.request(self.method.clone(), &self.path);
        if let Some(key) = &self.key {
            request = request.header("idempotency-key", key);
        }
        let answer = self.who.send(request.json(&self.body)).await;
        let (path, text) = (&self.path, &answer.text);
        assert!((200..300).contains(&answer.status), "{path}: {text}");
        answer
    }
}

/// The same thing done to several, one after the other: the first is not counted, for it fills what is kept in memory.
pub(crate) type Write = (&'static str, Vec<Ask>);

/// So many of a thing.
pub(crate) fn times() -> std::ops::RangeInclusive<u64> {
    0..=TIMES
}

/// The same to each of these.
fn each(name: &'static str, of: &[String], ask: impl Fn(&str) -> Ask) -> Write {
    (name, of.iter().map(|one| ask(one)).collect())
}

/// What there is, and who asks.
pub(crate) struct World {
    pub(crate) admin: Client,
    pub(crate) ann: Client,
    /// As many as things are done.
    pub(crate) buyers: Vec<Client>,
    pub(crate) products: Vec<String>,
    pub(crate) variants: Vec<String>,
    ways: [String; 2],
    number: AtomicUsize,
}

impl World {
    /// Something that nothing else is called.
    pub(crate) fn name(&self) -> String {
        format!("n{}", self.number.fetch_add(1, Ordering::Relaxed))
    }

    fn items(&self, lines: usize) -> Value {
        let products = self.products[..lines].iter();
        products
            .map(|id| json!({"product_id": id, "quantity": 2}))
            .collect()
    }

    /// An order of Ann's: its address.
    pub(crate) async fn order(&self, lines: usize, payment: Option<&str>) -> String {
        let mut body = json!({"items": self.items(lines)});
        if let Some(method) = payment {
            body["payment"] = json!({ "method": method });
        }
        let ask = Ask::post(&self.ann, "/api/v1/orders", body).keyed(self.name());
        format!("/api/v1/orders/{}", ask.send().await.str("/id"))
    }

    async fn orders(&self, lines: usize, payment: Option<&str>) -> Vec<String> {
        let mut orders = Vec::new();
        for _ in times() {
            orders.push(self.order(lines, payment).await);
        }
        orders
    }

    /// Orders that are paid and sent.
    async fn shipped(&self, lines: usize) -> Vec<String> {
        let orders = self.orders(lines, Some(CARD)).await;
        for order in &orders {
            let ship = Ask::post(&self.admin, &format!("{order}/ship"), json!({}));
            ship.send().await;
        }
        orders
    }

    fn send_back(&self, order: &str, lines: usize) -> Ask {
        let lines: Value = (1..=lines)
            .map(|line| json!({"line": line, "quantity": 1}))
            .collect();
        let body = json!({"lines": lines, "reason": "too strong"});
        Ask::post(&self.ann, &format!("{order}/returns"), body).keyed(self.name())
    }

    /// Returns that were asked for, of orders that were sent.
    async fn returned(&self, lines: usize) -> Vec<String> {
        let mut returns = Vec::new();
        for order in self.shipped(lines).await {
            let back = self.send_back(&order, lines).send().await;
            returns.push(format!("{order}/returns/{}", back.str("/id")));
        }
        returns
    }

    /// A cart of this buyer's with so many lines: its address.
    async fn cart(&self, buyer: &Client, lines: usize) -> String {
        let cart = format!(
            "/api/v1/carts/{}",
            made(buyer, "/api/v1/carts", &json!({})).await
        );
        for product in &self.products[..lines] {
            let path = format!("{cart}/items/{product}");
            let put = Ask::new(buyer, Method::PUT, &path, json!({"quantity": 1}));
            put.send().await;
        }
        cart
    }
}

/// What becomes of carts of so many lines.
async fn in_carts(world: &World, node: &Shop, lines: usize) -> Vec<Write> {
    // Nobody's so far: it has no code and no way of shipping yet.
    let buyer = node.customer(&world.name()).await;
    let cart = world.cart(&buyer, lines).await;
    let put =
        |rest: &str, body: Value| Ask::new(&buyer, Method::PUT, &format!("{cart}/{rest}"), body);
    let item = format!("items/{}", world.products[0]);
    let put_in = times().map(|more| put(&item, json!({"quantity": more + 2})));
    let to = |number: u64| json!({"name": "Ann", "line1": format!("Way {number}"), "city": "There", "country": "DE"});
    let address = times().map(|number| put("address", json!({"address": to(number)})));
    let code = |number| ["TENTH", "FIFTH"][usize::from(number % 2 == 0)];
    let codes = times().map(|number| put("discount", json!({"code": code(number)})));
    let way = |number| &world.ways[usize::from(number % 2 == 0)];
    let ways = times().map(|number| put("shipping", json!({"method": way(number)})));
    let mut bought = Vec::new();
    for buyer in &world.buyers {
        let cart = world.cart(buyer, lines).await;
        let id = cart.rsplit('/').next();
        let body = json!({"cart_id": id, "payment": {"method": CARD}});
        bought.push(Ask::post(buyer, "/api/v1/orders", body).keyed(world.name()));
    }
    vec![
        ("a line put into a cart", put_in.collect()),
        ("where a cart goes", address.collect()),
        ("a code in a cart", codes.collect()),
        ("how a cart is sent", ways.collect()),
        ("a cart bought and paid", bought),
    ]
}

/// What becomes of orders of so many lines.
async fn in_orders(world: &World, lines: usize) -> Vec<Write> {
    let World { admin, ann, .. } = world;
    let place = |payment: Value| {
        let body = json!({"items": world.items(lines), "payment": payment});
        Ask::post(ann, "/api/v1/orders", body).keyed(world.name())
    };
    let pay = |order: &str| {
        let id = order.rsplit('/').next();
        let body = json!({"order_id": id, "method": CARD});
        Ask::post(ann, "/api/v1/payments", body).keyed(world.name())
    };
    let verb = |who: &Client, of: &str, verb: &str| {
        Ask::post(who, &format!("{of}/{verb}"), json!({})).keyed(world.name())
    };
    let parcel: Value = (1..=lines)
        .map(|line| json!({"line": line, "quantity": 1}))
        .collect();
    let parcel = json!({"lines": parcel, "tracking": "T-1"});
    let parcel = |order: &str| Ask::post(admin, &format!("{order}/shipments"), parcel.clone());
    let unpaid = world.orders(lines, None).await;
    let called_off = world.orders(lines, None).await;
    let paid = Some(CARD);
    let paid_back = world.orders(lines, paid).await;
    let refunded = world.orders(lines, paid).await;
    let sent = world.orders(lines, paid).await;
    let parcels = world.orders(lines, paid).await;
    let agreed = world.returned(lines).await;
    for back in &agreed {
        verb(admin, back, "approve").send().await;
    }
    let ends =
        |of: &[String], name, step: &'static str| each(name, of, |one| verb(admin, one, step));
    vec![
        ("an order", times().map(|_| place(Value::Null)).collect()),
        (
            "an order that is paid",
            times().map(|_| place(json!({"method": CARD}))).collect(),
        ),
        each("paying an order", &unpaid, pay),
        each("calling off an order", &called_off, |order| {
            verb(ann, order, "cancel")
        }),
        ends(&paid_back, "calling off what is paid", "cancel"),
        ends(&refunded, "giving the money back", "refund"),
        ends(&sent, "sending an order", "ship"),
        each("a parcel", &parcels, parcel),
        ends(
            &world.shipped(lines).await,
            "an order that arrived",
            "deliver",
        ),
        each(
            "asking to send back",
            &world.shipped(lines).await,
            |order| world.send_back(order, lines),
        ),
        ends(
            &world.returned(lines).await,
            "agreeing to a return",
            "approve",
        ),
        ends(&agreed, "a return that is there", "receive"),
    ]
}

/// Lists of so many products, variants, changes of stock.
fn in_lists(world: &World, lines: usize) -> Vec<Write> {
    let moves = |delta: u64| -> Value {
        let variants = world.variants[..lines].iter();
        variants
            .map(|id| json!({"variant_id": id, "delta": delta + 1, "reason": "came"}))
            .collect()
    };
    let stock = times().map(|delta| {
        let body = json!({"changes": moves(delta)});
        Ask::post(&world.admin, "/api/v1/inventory/adjust", body)
    });
    let sizes: Vec<String> = (0..lines).map(|size| format!("size {size}")).collect();
    let variants: Value = sizes
        .iter()
        .map(|size| json!({"options": {"Size": size}, "stock": 3}))
        .collect();
    let shirts = times().map(|_| {
        let body = json!({
            "name": world.name(), "price": "20.00", "options": [{"name": "Size", "values": sizes}],
            "variants": variants,
        });
        Ask::post(&world.admin, "/api/v1/products", body)
    });
    let teas = times().map(|_| {
        let teas: Value = (0..lines)
            .map(|_| json!({"name": world.name(), "price": "1.00", "stock": 1}))
            .collect();
        let body = json!({ "products": teas });
        Ask::post(&world.admin, "/api/v1/products/batch", body)
    });
    vec![
        ("stock that came", stock.collect()),
        ("a product with variants", shirts.collect()),
        ("products at once", teas.collect()),
    ]
}

/// What each of these costs.
async fn measured(counted: &Counted, writes: Vec<Write>) -> Vec<(&'static str, u64)> {
    let mut costs = Vec::new();
    for (name, asks) in writes {
        assert_eq!(asks.len(), times().count(), "{name}");
        asks[0].send().await;
        let rest = async {
            for ask in &asks[1..] {
                ask.send().await;
            }
        };
        costs.push((name, counted.each(rest).await));
    }
    costs
}

/// A node that comes by this address, and does nothing by the clock that another node does as well.
async fn node(database: &str, paid_by: &[(&str, &str)]) -> Shop {
    let own = [
        ("SOUK_DB", database),
        EUROS,
        ("SOUK_WEBHOOKS__OUTWARD__ALLOW", "[\"127.0.0.1\"]"),
    ];
    Shop::start_with(&[&QUIET[..], &own, paid_by].concat()).await
}

async fn world(admin: Client, node: &Shop) -> World {
    let (mut products, mut variants, mut buyers) = (Vec::new(), Vec::new(), Vec::new());
    for number in 0..MANY {
        let body = json!({"name": format!("Tea {number}"), "price": "10.00", "stock": 5_000});
        let made = Ask::post(&admin, "/api/v1/products", body).send().await;
        products.push(made.str("/id").to_owned());
        variants.push(made.str("/variants/0/id").to_owned());
    }
    for number in times() {
        buyers.push(node.customer(&format!("buyer{number}")).await);
    }
    for code in ["TENTH", "FIFTH"] {
        let code = json!({"code": code, "basis_points": 1_000});
        made(&admin, "/api/v1/discounts", &code).await;
    }
    let post = json!({"name": "Post", "price": {"amount": 500, "currency": "USD"}});
    let ways = [
        made(&admin, "/api/v1/shipping-methods", &post).await,
        made(&admin, "/api/v1/shipping-methods", &post).await,
    ];
    World {
        ann: node.customer("ann").await,
        admin,
        buyers,
        products,
        variants,
        ways,
        number: AtomicUsize::new(0),
    }
}

/// All that is written with so many lines.
async fn with_lines(
    counted: &Counted,
    (world, node): (&World, &Shop),
    lines: usize,
) -> Vec<(&'static str, u64)> {
    let all = [
        in_carts(world, node, lines).await,
        in_orders(world, lines).await,
        in_lists(world, lines),
    ];
    measured(counted, all.into_iter().flatten().collect()).await
}

#[tokio::test]
async fn a_write_costs_few_statements_however_many_lines_it_has() {
    // The built-in provider keeps its own books in the same database.
    let stripe = Stripe::start();
    stripe.at_our_time();
    let settings = stripe.settings();
    let settings: Vec<_> = settings
        .iter()
        .map(|(name, value)| (&**name, &**value))
        .collect();
    let Some((server, database, mut first)) = counting_shop(&settings).await else {
        return;
    };
    let admin = first.admin().await;
    server.sql("postgres", "CREATE ROLE counted SUPERUSER LOGIN");
    let (_, place) = of_whom(&database);
    let own = format!("postgres://counted@{place}");
    let node = node(&own, &settings).await;
    let world = world(admin.at(node.url()), &node).await;
    let mut counted = Counted::of_server(server, &own);
    counted.learn().await;
    let few = with_lines(&counted, (&world, &node), FEW).await;
    let many = with_lines(&counted, (&world, &node), MANY).await;
    let rows = [
        of_people(&world, &node).await,
        of_goods(&world).await,
        of_rules(&world).await,
    ];
    let rows = measured(&counted, rows.into_iter().flatten().collect()).await;
    let mut dear = Vec::new();
    assert_eq!((rows.len(), few.len()), (ROWS.len(), LINES.len()));
    for ((name, cost), (of, most)) in rows.into_iter().zip(ROWS) {
        assert_eq!(name, of);
        if cost > most {
            dear.push(format!("{name}: {cost} statements of {most}"));
        }
    }
    for (((name, few), (_, many)), (of, most, more)) in few.into_iter().zip(many).zip(LINES) {
        assert_eq!(name, of);
        if few > most || many > most + more {
            dear.push(format!(
                "{name}: {few} and {many} statements of {most} and {more} more"
            ));
        }
    }
    assert!(dear.is_empty(), "{dear:#?}");
    first.verify().await;
}
