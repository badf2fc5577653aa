//! Traces: one leads from an order over its payment to those who are told of it, in one process and across nodes, over
//! HTTP and over the broker; a collector that does not answer costs nobody anything.

use crate::world::Apart;
use futures_util::future::join_all;
use serde_json::{Value, json};
use std::time::Instant;
use testkit::{Answer, Client, Ear, Shop, Span, postgres::Postgres};

const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";
const ANOTHER: &str = "aaaabbbbccccddddeeeeffff00001111";
const CALLER: &str = "00f067aa0ba902b7";

/// All that wants to be told is told at once.
fn settings(collector: &str) -> Vec<(String, String)> {
    [
        ("OTEL_EXPORTER_OTLP_ENDPOINT", collector),
        ("OTEL_BSP_SCHEDULE_DELAY", "20"),
        ("SOUK_LOG_LEVEL", "warn"),
        ("SOUK_POSTGRES__MIGRATE", "true"),
        ("SOUK_WEBHOOKS__LOOK_EVERY_MS", "20"),
        ("SOUK_WEBHOOKS__OUTWARD__ALLOW", "[\"127.0.0.1\"]"),
        ("SOUK_WEBHOOKS__OUTWARD__HTTP", "true"),
        ("SOUK_WEBHOOKS__OUTWARD__PORTS", "[]"),
    ]
    .map(|(name, value)| (name.to_owned(), value.to_owned()))
    .to_vec()
}

async fn shop(settings: &[(String, String)]) -> Shop {
    let settings: Vec<(&str, &str)> = settings
        .iter()
        .map(|(name, value)| (name.as_str(), value.as_str()))
        .collect();
    Shop::start_with(&settings).await
}

/// Has somebody told of everything.
async fn listen(admin: &Client) -> Ear {
    let ear = Ear::open();
    let body = json!({"url": format!("{}/hook", ear.url())});
    let made = admin.post("/api/v1/webhooks", &body).await;
    assert_eq!(made.status, 201, "{}", made.text);
    ear
}

/// Orders and pays, as somebody who follows a trace of their own.
async fn buy(buyer: &Client, product: &str) -> Answer {
    let body = json!({
        "items": [{"product_id": product, "quantity": 1}], "payment": {"method": "tok_ok"},
    });
    let request = buyer
        .request("POST".parse().unwrap(), "/api/v1/orders")
        .header("idempotency-key", "followed")
        .header("traceparent", format!("00-{TRACE}-{CALLER}-01"))
        .json(&body);
    let bought = buyer.try_send(request).await.unwrap();
    assert_eq!(bought.status, 201, "{}", bought.text);
    bought
}

/// The place in which the ear heard of this.
async fn place(hook: &Ear, kind: &str) -> String {
    hook.until(|all| {
        let found = all.iter().find(|said| said.body["type"] == kind)?;
        assert!(
            !found.body.to_string().contains("trace"),
            "only the head says so: {}",
            found.body
        );
        Some(found.traceparent.clone())
    })
    .await
}

fn named<'s>(spans: &'s [Span], name: &str) -> &'s Span {
    let found = spans.iter().find(|span| span.name == name);
    assert!(found.is_some(), "no {name} in {spans:#?}");
    found.unwrap()
}

/// The names from a span up to whoever asked first.
fn upwards(spans: &[Span], from: &Span) -> Vec<String> {
    let mut names = vec![from.name.clone()];
    let mut above = from.parent.clone();
    while let Some(span) = spans.iter().find(|span| span.id == above) {
        names.push(span.name.clone());
        above.clone_from(&span.parent);
    }
    names.push(above);
    names
}

#[tokio::test(flavor = "multi_thread")]
async fn one_trace_leads_from_an_order_over_its_payment_to_whoever_is_told() {
    followed(None).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn one_trace_leads_from_an_order_on_postgresql_to_whoever_is_told() {
    let Some(server) = Postgres::shared() else {
        return;
    };
    followed(Some(server.database())).await;
}

async fn followed(database: Option<String>) {
    let collector = Ear::open();
    let mut settings = settings(collector.url());
    settings.extend(database.map(|database| ("SOUK_DB".to_owned(), database)));
    let mut shop = shop(&settings).await;
    let admin = shop.admin().await;
    let hook = listen(&admin).await;
    let tea = admin.sell("tea", 1_999, 8).await;
    buy(&shop.customer("ann").await, &tea).await;

    // What the application writes, and what a trigger does.
    for kind in ["order.placed", "order.paid", "payment.captured"] {
        let place = place(&hook, kind).await;
        assert!(
            place.starts_with(&format!("00-{TRACE}-")),
            "{kind}: {place}"
        );
        assert!(place.ends_with("-01") && !place.contains(CALLER), "{place}");
    }
    let names = [
        "POST /api/v1/orders",
        "place an order",
        "pay an order",
        "payment provider",
        "webhook order.placed",
        "webhook order.paid",
        "webhook payment.captured",
    ];
    let spans = collector.trace_with(TRACE, &names).await;
    let first = named(&spans, "POST /api/v1/orders");
    assert_eq!((first.parent.as_str(), first.kind), (CALLER, 2));
    assert_eq!(
        upwards(&spans, named(&spans, "payment provider")),
        [
            "payment provider",
            "pay an order",
            "POST /api/v1/orders",
            CALLER
        ]
    );
    assert_eq!(
        upwards(&spans, named(&spans, "webhook order.placed"))[1..],
        ["place an order", "POST /api/v1/orders", CALLER]
    );
    for name in ["webhook order.paid", "webhook payment.captured"] {
        let above = upwards(&spans, named(&spans, name));
        assert!(above.contains(&"pay an order".to_owned()), "{above:?}");
        assert_eq!(above.last().unwrap(), CALLER);
    }
    // Whoever was told can go on from the very span that told them.
    let told = place(&hook, "order.paid").await;
    let teller = spans.iter().find(|span| told.contains(&span.id));
    assert!(teller.is_some(), "{told} is none of {spans:#?}");
    let teller = teller.unwrap();
    assert_eq!((teller.name.as_str(), teller.kind), ("POST", 3));
    let feed = admin.get("/api/v1/events?limit=100").await;
    assert!(!feed.text.contains("trace"), "{}", feed.text);
    shop.verify().await;
}

/// The door and payments on one node, orders and stock on another: the order goes there by HTTP, and what becomes of it
/// when it is called off comes back by the broker.
#[tokio::test(flavor = "multi_thread")]
async fn one_trace_crosses_nodes_by_http_and_by_the_broker() {
    let collector = Ear::open();
    let shape = ["identity,catalog,orders", "payments,gateway,storefront"];
    let settings = settings(collector.url());
    let Some(mut apart) = Apart::start_with(&shape, settings).await else {
        return;
    };
    let admin = apart.admin().await;
    let hook = listen(&admin).await;
    let tea = admin.sell("tea", 1_999, 8).await;
    let bought = buy(&admin, &tea).await;
    for kind in ["order.placed", "order.paid", "payment.captured"] {
        let place = place(&hook, kind).await;
        assert!(
            place.starts_with(&format!("00-{TRACE}-")),
            "{kind}: {place}"
        );
    }
    // The door counts what it hands on by its role; the node that has orders knows the route.
    let names = ["POST orders", "POST /api/v1/orders", "webhook order.paid"];
    let spans = collector.trace_with(TRACE, &names).await;
    let there = named(&spans, "POST /api/v1/orders");
    let expected = ["POST /api/v1/orders", "ask orders", "POST orders", CALLER];
    assert_eq!(upwards(&spans, there), expected);

    let path = format!("/api/v1/orders/{}/cancel", bought.str("/id"));
    let other = format!("00-{ANOTHER}-{CALLER}-01");
    let request = admin.request("POST".parse().unwrap(), &path);
    let request = request.header("traceparent", other).json(&json!({}));
    let called_off = admin.try_send(request).await.unwrap();
    assert_eq!(called_off.status, 200, "{}", called_off.text);
    let taken = "payments-refunds orders.cancelled.v1";
    // Nodes tell of their spans each in its own time, and the door of its own last.
    let names = [
        "POST orders",
        "ask orders",
        "POST /api/v1/orders/{id}/cancel",
        taken,
    ];
    let spans = collector.trace_with(ANOTHER, &names).await;
    let taken = named(&spans, taken);
    assert_eq!(taken.kind, 5);
    assert_eq!(upwards(&spans, taken).last().unwrap(), CALLER);
}

/// A queue of one, and nobody who takes what is in it.
#[tokio::test(flavor = "multi_thread")]
async fn a_collector_that_is_gone_keeps_nobody_waiting_and_what_is_lost_is_counted() {
    let mut settings = settings("http://127.0.0.1:1");
    for (name, value) in [
        ("OTEL_BSP_MAX_QUEUE_SIZE", "1"),
        ("SOUK_HTTP__OPS_LISTEN", "127.0.0.1:0"),
    ] {
        settings.push((name.to_owned(), value.to_owned()));
    }
    let mut shop = shop(&settings).await;
    let admin = shop.admin().await;
    let tea = admin.sell("tea", 1_999, 100).await;
    for number in 0..20 {
        let bought = admin.buy(&format!("b{number}"), &tea, 1, "tok_ok").await;
        assert_eq!(bought.status, 201, "{}", bought.text);
    }
    let metrics = admin.at(shop.ops_url()).get("/metrics").await;
    let dropped = metrics
        .text
        .lines()
        .find_map(|line| line.strip_prefix("souk_spans_total{outcome=\"dropped\"} "));
    assert!(dropped.is_some(), "{}", metrics.text);
    let dropped = dropped.unwrap();
    assert!(dropped.parse::<u32>().unwrap() >= 20, "{dropped}");
    assert!(shop.stop().await, "it closes all the same");
}

/// How many spans of this name came so far.
fn heard(collector: &Ear, name: &str) -> u64 {
    let all = collector.all();
    let texts = all.iter().map(|said| said.body.to_string());
    let name = format!("\"name\":\"{name}\"");
    texts.map(|text| text.matches(&name).count() as u64).sum()
}

/// Of reads that come by thousands a few each second are enough to see, and no order is lost among them.
#[tokio::test(flavor = "multi_thread")]
async fn of_a_crowd_that_reads_a_few_are_told_of_and_so_is_the_order_among_them() {
    let collector = Ear::open();
    let mut shop = shop(&settings(collector.url())).await;
    let admin = shop.admin().await;
    let tea = admin.sell("tea", 1_999, 8).await;
    let (begun, path) = (Instant::now(), format!("/api/v1/products/{tea}"));
    for _ in 0..50 {
        let answers = join_all((0..50).map(|_| admin.get(&path))).await;
        assert!(answers.iter().all(|answer| answer.status == 200));
    }
    // Of the second in which it began and of that in which it ended, too.
    let told_max = 100 * (begun.elapsed().as_secs() + 2);
    let bought = admin.buy("among", &tea, 1, "tok_ok").await;
    assert_eq!(bought.status, 201, "{}", bought.text);
    assert!(shop.stop().await, "the last spans are sent");
    assert!(heard(&collector, "POST /api/v1/orders") == 1);
    let told = heard(&collector, "GET /api/v1/products/{product}");
    assert!((1..=told_max).contains(&told), "{told}, not {told_max}");
}

/// The decision not to tell of a trace goes along, and nothing is told or kept of it.
#[tokio::test(flavor = "multi_thread")]
async fn a_trace_that_nobody_wants_is_told_to_nobody() {
    let collector = Ear::open();
    let mut settings = settings(collector.url());
    for (name, value) in [
        ("OTEL_TRACES_SAMPLER", "parentbased_traceidratio"),
        ("OTEL_TRACES_SAMPLER_ARG", "0"),
    ] {
        settings.push((name.to_owned(), value.to_owned()));
    }
    let mut shop = shop(&settings).await;
    let admin = shop.admin().await;
    let hook = listen(&admin).await;
    let tea = admin.sell("tea", 1_999, 8).await;
    let bought = admin.buy("unseen", &tea, 1, "tok_ok").await;
    assert_eq!(bought.status, 201, "{}", bought.text);
    assert_eq!(place(&hook, "order.paid").await, "");
    let all = collector.all();
    assert!(all.is_empty(), "{all:?}");
    // Whoever wants theirs has it all the same.
    buy(&admin, &tea).await;
    collector.trace_with(TRACE, &["POST /api/v1/orders"]).await;
    let told: Vec<Value> = hook.all().into_iter().map(|said| said.body).collect();
    assert!(told.iter().all(|body| body.get("traceparent").is_none()));
}
