//! News of an order, as its page listens to them: they come, from any node; they are for whoever may know of the order,
//! and for so many at a time; and they end with the session, the order's way, and the node.

use crate::browser::{Browser, HTML, all, open};
use reqwest::{Method, Response};
use std::time::{Duration, Instant};
use testkit::{Client, Shop, postgres::Postgres};
use tokio::time::timeout;

/// Longer than news take on a busy machine; shorter than a stream lasts.
const PATIENCE: Duration = Duration::from_secs(30);
/// Listeners that an order may have.
const OF_AN_ORDER: usize = 4;

/// A stream of events that somebody reads.
struct Stream {
    response: Response,
    text: String,
}

impl Stream {
    /// Listens as this browser does, at this shop.
    async fn open(shop: &Shop, browser: &Browser, path: &str) -> Self {
        let pairs = browser.cookies.iter();
        let cookies: Vec<_> = pairs
            .map(|(name, value)| format!("{name}={value}"))
            .collect();
        let request = shop.visitor().request(Method::GET, path);
        let request = request
            .header("accept", "text/event-stream")
            .header("accept-encoding", "gzip")
            .header("cookie", cookies.join("; "));
        let response = request.send().await.expect("an answer");
        Self {
            response,
            text: String::new(),
        }
    }

    fn status(&self) -> u16 {
        self.response.status().as_u16()
    }

    /// Reads on until this was said.
    async fn says(&mut self, words: &str) {
        let reading = async {
            while !self.text.contains(words) {
                let more = self.response.chunk().await.expect("a whole stream");
                let more = more.expect("it goes on");
                self.text.push_str(&String::from_utf8_lossy(&more));
            }
        };
        timeout(PATIENCE, reading).await.expect("news in time");
    }

    /// Reads on until it ends, and says how long that took.
    async fn ends(&mut self) -> Duration {
        let begun = Instant::now();
        let reading = async {
            while let Some(more) = self.response.chunk().await.expect("a whole stream") {
                self.text.push_str(&String::from_utf8_lossy(&more));
            }
        };
        timeout(PATIENCE, reading).await.expect("an end in time");
        begun.elapsed()
    }
}

/// An order of Ann's that is paid: where its page is, and where its API.
async fn bought(shop: &Shop, admin: &Client) -> (Browser, Client, String) {
    let tea = admin.sell("TEA-1", 1_999, 50).await;
    let ann = shop.customer("ann").await;
    let order = ann.buy("k1", &tea, 1, "tok_ok").await;
    assert_eq!(order.status, 201, "{}", order.text);
    let browser = Browser::signed_in(shop, "ann@souk.example").await;
    (browser, ann, order.str("/id").to_owned())
}

async fn step(admin: &Client, order: &str, verb: &str) {
    let path = format!("/api/v1/orders/{order}/{verb}");
    let moved = admin.post(&path, &serde_json::json!({})).await;
    assert_eq!(moved.status, 200, "{}", moved.text);
}

#[tokio::test]
async fn an_order_s_page_hears_of_every_step_until_the_last_one() {
    let mut shop = open().await;
    let admin = shop.admin().await;
    let (mut browser, _ann, order) = bought(&shop, &admin).await;
    let page = browser.get(&format!("/order/{order}")).await;
    let news = all(&page, "data-news=\"")[0].replace("&#38;", "&");
    let script = all(&page, "<script src=\"")[0];
    let script = browser.get(script).await;
    assert!(script.header("content-type").starts_with("text/javascript"));
    assert!(script.header("cache-control").contains("immutable"));
    assert!(
        page.header("content-security-policy")
            .starts_with("default-src 'self';"),
        "the script is one of ours"
    );
    let mut stream = Stream::open(&shop, &browser, &news).await;
    assert_eq!(stream.status(), 200);
    let head = stream.response.headers();
    assert_eq!(head["content-type"], "text/event-stream");
    assert_eq!(head["cache-control"], "no-store");
    assert!(
        head.get("content-encoding").is_none(),
        "it would wait to be worth it"
    );
    step(&admin, &order, "ship").await;
    stream.says("\"status\":\"shipped\"").await;
    assert!(
        stream.text.contains("event: moved\ndata: "),
        "{}",
        stream.text
    );
    assert!(
        !stream.text.contains("\"paid\""),
        "the page has that: {}",
        stream.text
    );
    step(&admin, &order, "deliver").await;
    stream.says("\"status\":\"delivered\"").await;
    stream.ends().await;
    let last = stream.text.rsplit("id: ").next().expect("an id");
    let last = last.split('\n').next().expect("its end").to_owned();
    let again = format!("/order/{order}/news");
    let over = browser.get_with(&again, ("last-event-id", &last)).await;
    assert_eq!(
        over.status, 204,
        "nobody needs to come again: {}",
        over.text
    );
    let page = browser.get(&format!("/order/{order}")).await;
    assert!(!page.text.contains("data-news") && !page.text.contains("/assets/souk.js"));
}

#[tokio::test]
async fn news_of_an_order_are_for_its_buyer_and_for_few_at_a_time_who_need_not_read() {
    let mut shop = open().await;
    let admin = shop.admin().await;
    let (browser, _ann, order) = bought(&shop, &admin).await;
    shop.customer("bob").await;
    let bob = Browser::signed_in(&shop, "bob@souk.example").await;
    let news = format!("/order/{order}/news?seen=0");
    for stranger in [&bob, &Browser::new(&shop)] {
        let refused = Stream::open(&shop, stranger, &news).await;
        assert!(
            (401..=404).contains(&refused.status()),
            "{}",
            refused.status()
        );
    }
    // None of them reads anything.
    let mut streams = Vec::new();
    for _ in 0..OF_AN_ORDER {
        let stream = Stream::open(&shop, &browser, &news).await;
        assert_eq!(stream.status(), 200);
        streams.push(stream);
    }
    let many = Stream::open(&shop, &browser, &news).await;
    assert_eq!(many.status(), 429);
    // The shop goes on for everybody meanwhile, and whoever reads at last is told.
    step(&admin, &order, "ship").await;
    let last = streams.last_mut().expect("a stream");
    last.says("\"shipped\"").await;
    streams.remove(0);
    let begun = Instant::now();
    while Stream::open(&shop, &browser, &news).await.status() == 429 {
        assert!(begun.elapsed() < PATIENCE, "a place is free again");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

#[tokio::test]
async fn whoever_signs_out_hears_no_more_and_a_guest_s_order_is_told_to_its_browser() {
    let mut shop = open().await;
    let admin = shop.admin().await;
    let (browser, ann, order) = bought(&shop, &admin).await;
    let news = format!("/order/{order}/news?seen=0");
    let mut stream = Stream::open(&shop, &browser, &news).await;
    stream.says("\"paid\"").await;
    // Another session that ends changes nothing.
    let other = shop.sign_in("ann").await;
    let ended = other
        .post("/api/v1/auth/logout", &serde_json::json!({}))
        .await;
    assert!(ended.status < 300, "{}", ended.text);
    step(&admin, &order, "ship").await;
    stream.says("\"shipped\"").await;
    let gone = ann.delete("/api/v1/me/sessions", None).await;
    assert!(gone.status < 300, "{}", gone.text);
    stream.ends().await;
    step(&admin, &order, "deliver").await;
    assert!(!stream.text.contains("delivered"), "{}", stream.text);
    let refused = Stream::open(&shop, &browser, &news).await;
    assert_ne!(refused.status(), 200, "it does not come again either");
}

#[tokio::test]
async fn a_node_that_stops_waits_for_no_listener() {
    let mut shop = open().await;
    let admin = shop.admin().await;
    let (browser, _ann, order) = bought(&shop, &admin).await;
    let news = format!("/order/{order}/news?seen=0");
    let mut stream = Stream::open(&shop, &browser, &news).await;
    stream.says("\"paid\"").await;
    let begun = Instant::now();
    let (stopped, _) = tokio::join!(shop.stop(), stream.ends());
    assert!(stopped, "nothing had to be cut off");
    assert!(begun.elapsed() < PATIENCE, "{:?}", begun.elapsed());
}

#[tokio::test]
async fn what_one_node_does_is_told_at_the_other() {
    let Some(server) = Postgres::shared() else {
        return;
    };
    let database = server.database();
    let settings = [
        ("SOUK_DB", database.as_str()),
        ("SOUK_POSTGRES__MIGRATE", "true"),
    ];
    let first = Shop::start_with(&settings).await;
    let mut second = Shop::start_with(&settings).await;
    let admin = second.admin().await;
    let (browser, _ann, order) = bought(&second, &admin).await;
    let page = first
        .visitor()
        .request(Method::GET, "/")
        .header("accept", HTML);
    assert_eq!(first.visitor().send(page).await.status, 200);
    let mut stream = Stream::open(&first, &browser, &format!("/order/{order}/news?seen=0")).await;
    assert_eq!(stream.status(), 200);
    stream.says("\"paid\"").await;
    step(&admin, &order, "ship").await;
    stream.says("\"shipped\"").await;
}
