//! The operations of the matrix: how each is asked for, again and again with the same key, and how the world
//! must look when it is done. Never asks with a second key.

use crate::{
    books::Provider,
    world::{PRICE, QUANTITY, STOCK, World},
};
use reqwest::Method;
use serde_json::{Value, json};
use std::time::{Duration, Instant};
use testkit::Answer;

/// What a paid order of the story costs.
const TOTAL: i64 = PRICE * QUANTITY;
/// How long an unpaid order holds its stock where the operation is to expire.
pub(crate) const WINDOW: [(&str, &str); 2] = [
    ("SOUK_ORDERS__PAYMENT_WINDOW_SECONDS", "30"),
    ("SOUK_ORDERS__ORPHAN_GRACE_SECONDS", "30"),
];

/// Something that takes several steps.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Operation {
    /// Order, and pay later.
    Place,
    /// Order and pay in one request.
    Buy,
    /// Pay an order that is there.
    Pay,
    /// Prove to the provider what it wants; it calls the shop back.
    Prove,
    /// Give up a payment that waits for a proof.
    Void,
    /// Call off an order that was not paid.
    Cancel,
    /// Call off an order that was paid: its money and its stock come back.
    CancelPaid,
    /// Give back an order's money and units.
    Refund,
    /// Receive a unit that was sent and comes back: it goes back on sale, and its money goes back.
    Return,
    /// An order's time runs out.
    Expire,
    /// Stock was held for an order that never came.
    Orphan,
}

impl Operation {
    pub(crate) const ALL: [Self; 11] = [
        Self::Place,
        Self::Buy,
        Self::Pay,
        Self::Prove,
        Self::Void,
        Self::Cancel,
        Self::CancelPaid,
        Self::Refund,
        Self::Return,
        Self::Expire,
        Self::Orphan,
    ];

    /// Points of these families lie on its way.
    pub(crate) const fn families(self) -> &'static [&'static str] {
        match self {
            Self::Place => &["place"],
            Self::Buy => &["place", "settle"],
            Self::Pay => &["settle"],
            Self::Prove => &["callback"],
            Self::Void => &["void"],
            Self::Cancel => &["cancel", "event"],
            Self::CancelPaid => &["cancel", "event", "refund"],
            Self::Refund => &["refund"],
            Self::Return => &["return", "event", "refund"],
            Self::Expire => &["expire"],
            Self::Orphan => &["orphan"],
        }
    }

    /// Groups of writes that it takes at least; each is died before and after.
    pub(crate) const fn commits_min(self) -> usize {
        match self {
            Self::Place | Self::Orphan => 2,
            Self::Void | Self::Cancel | Self::Expire => 3,
            Self::Prove | Self::CancelPaid | Self::Refund => 5,
            Self::Pay | Self::Return => 6,
            Self::Buy => 8,
        }
    }

    /// The world before it.
    pub(crate) async fn prepare(self) -> World {
        if matches!(self, Self::Expire | Self::Orphan) {
            self.prepare_with(&WINDOW).await
        } else {
            self.prepare_with(&[]).await
        }
    }

    /// The world before it, with these settings.
    pub(crate) async fn prepare_with(self, settings: &[(&str, &str)]) -> World {
        let mut world = World::new(settings).await;
        match self {
            Self::Place | Self::Buy => {}
            Self::Pay | Self::Cancel | Self::Expire => {
                world.order = done(Self::Place, &world).await;
            }
            Self::CancelPaid | Self::Refund => {
                world.order = done(Self::Place, &world).await;
                world.payment = done(Self::Pay, &world).await;
            }
            Self::Return => {
                world.order = done(Self::Place, &world).await;
                world.payment = done(Self::Pay, &world).await;
                world.back = sent_and_to_come_back(&world).await;
            }
            Self::Prove | Self::Void => {
                world.order = done(Self::Place, &world).await;
                let challenged = pay(&world, "tok_challenge").await;
                let challenged = challenged.unwrap_or_else(|| panic!("no answer"));
                let proof = challenged.str("/next_action").rsplit('/').next();
                world.proof = proof.unwrap_or_default().to_owned();
                world.payment = challenged.str("/id").to_owned();
                assert!(!world.proof.is_empty(), "{}", challenged.text);
            }
            Self::Orphan => {
                world.shop.kill().await;
                world = world.doomed("place.reserved").await;
                assert!(order(&world, None).await.is_none());
            }
        }
        world.shop.kill().await;
        world
    }

    /// Asks for it, always with the same key; `None` when no answer came. What time brings about is asked of
    /// the clock.
    pub(crate) async fn ask(self, world: &World) -> Option<Answer> {
        match self {
            Self::Place => order(world, None).await,
            Self::Buy => order(world, Some("tok_ok")).await,
            Self::Pay => pay(world, "tok_ok").await,
            Self::Prove => {
                let path = format!("/api/v1/payments/providers/sandbox/proofs/{}", world.proof);
                post(world, &path, "", &json!({"approve": true})).await
            }
            Self::Void => {
                let path = format!("/api/v1/payments/{}/void", world.payment);
                post(world, &path, "", &json!({})).await
            }
            Self::Cancel | Self::CancelPaid => {
                let path = format!("/api/v1/orders/{}/cancel", world.order);
                post(world, &path, "", &json!({})).await
            }
            Self::Refund => {
                let path = format!("/api/v1/payments/{}/refunds", world.payment);
                let body = json!({"items": [{"variant_id": world.variant, "quantity": QUANTITY}]});
                let request = world.admin.request(Method::POST, &path);
                let request = request.header("idempotency-key", "r1").json(&body);
                world.admin.try_send(request).await.ok()
            }
            Self::Return => {
                let path = format!(
                    "/api/v1/orders/{}/returns/{}/receive",
                    world.order, world.back
                );
                let request = world.admin.request(Method::POST, &path).json(&json!({}));
                world.admin.try_send(request).await.ok()
            }
            Self::Expire => {
                world.shop.set_clock_offset_seconds(40);
                None
            }
            Self::Orphan => {
                world.shop.set_clock_offset_seconds(100);
                None
            }
        }
    }

    /// Asks until it is done, and once more: the last two answers must be the same, byte for byte. Says who did it.
    pub(crate) async fn ask_again(self, world: &World, first: Option<&Answer>) -> &'static str {
        // Whoever holds a lease is dead: so much later it is over.
        world
            .shop
            .set_clock_offset_seconds(if self == Self::Orphan { 160 } else { 100 });
        match self {
            Self::Place | Self::Buy | Self::Pay | Self::Refund => {
                let (found, done) = self.ask_until_done(world).await;
                let again = self.must_ask(world).await;
                assert_eq!(
                    again.header("idempotent-replayed"),
                    "true",
                    "{}",
                    again.text
                );
                assert_eq!(
                    (again.status, &again.text),
                    (201, &done.text),
                    "the same answer"
                );
                if let Some(first) = first.filter(|first| first.status == 201) {
                    assert_eq!(done.text, first.text, "what was acknowledged is so again");
                }
                found
            }
            Self::Return => self.received_again(world).await,
            Self::Prove => match self.must_ask(world).await.status {
                200 => "done by the retry",
                // There is nothing left to prove.
                404 => "was done",
                other => panic!("{other}"),
            },
            Self::Void => match self.must_ask(world).await.status {
                200 => "done",
                202 => {
                    // The sweeper was at it, and has put it off.
                    world.shop.set_clock_offset_seconds(200);
                    "done by the sweeper"
                }
                other => panic!("{other}"),
            },
            Self::Cancel | Self::CancelPaid => {
                let answer = self.must_ask(world).await;
                match (answer.status, answer.code()) {
                    (200, _) => "done by the retry",
                    (409, "illegal_transition") => "was done",
                    _ => panic!("{}", answer.text),
                }
            }
            Self::Expire | Self::Orphan => "done by the sweeper",
        }
    }

    /// The shop says once more that it came, and the buyer asks once more with the same key.
    async fn received_again(self, world: &World) -> &'static str {
        let found = match return_of(world).await.as_str() {
            "approved" => "done by the retry",
            _ => "was done",
        };
        assert_eq!(self.must_ask(world).await.status, 200);
        world.returned().await;
        let (one, other) = (self.must_ask(world).await, self.must_ask(world).await);
        assert_eq!(
            (one.status, &one.text),
            (200, &other.text),
            "the same answer"
        );
        let asked = ask_return(world).await;
        assert_eq!(
            asked.header("idempotent-replayed"),
            "true",
            "{}",
            asked.text
        );
        assert_eq!(asked.str("/id"), world.back);
        found
    }

    async fn must_ask(self, world: &World) -> Answer {
        let answer = self.ask(world).await;
        answer.unwrap_or_else(|| panic!("{self:?}: no answer"))
    }

    async fn ask_until_done(self, world: &World) -> (&'static str, Answer) {
        let started = Instant::now();
        let mut found = None;
        loop {
            let answer = self.must_ask(world).await;
            let replayed = answer.header("idempotent-replayed") == "true";
            let found = *found.get_or_insert(match (replayed, answer.status) {
                (false, _) => "done by the retry",
                (true, 201) => "was done",
                (true, _) => "done by the sweeper",
            });
            match answer.status {
                201 => return (found, answer),
                202 | 409 => {}
                _ => panic!("{}", answer.text),
            }
            assert!(
                started.elapsed() < Duration::from_secs(30),
                "{}",
                answer.text
            );
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }

    /// Waits until it is done, and looks whether it was done once.
    pub(crate) async fn check(self, world: &World) {
        let (status, on_hand, reserved) = match self {
            Self::Place | Self::Void => ("pending", STOCK, QUANTITY),
            Self::Buy | Self::Pay | Self::Prove => ("paid", STOCK - QUANTITY, 0),
            Self::Refund => ("refunded", STOCK, 0),
            Self::Return => ("shipped", STOCK - QUANTITY + 1, 0),
            Self::Cancel | Self::CancelPaid | Self::Expire | Self::Orphan => {
                ("cancelled", STOCK, 0)
            }
        };
        world.stock_becomes(on_hand, reserved).await;
        let orders = world.orders().await;
        if self == Self::Orphan {
            let late = order(world, None)
                .await
                .unwrap_or_else(|| panic!("no answer"));
            assert_eq!((late.status, orders.len()), (409, 0), "{}", late.text);
        } else {
            assert_eq!(orders.len(), 1, "{orders:?}");
            let id = orders[0]["id"].as_str().unwrap_or_default();
            let order = world.becomes(&format!("/api/v1/orders/{id}"), status).await;
            assert_eq!(order.int("/total/amount"), TOTAL);
            assert_eq!(world.happened(id, "placed").await, 1);
            assert_eq!(
                world.happened(id, status).await,
                usize::from(status != "pending")
            );
        }
        if self == Self::Return {
            for kind in ["return_received", "refunded_in_part"] {
                assert_eq!(world.happened(&world.order, kind).await, 1, "{kind}");
            }
        }
        self.check_money(world).await;
    }

    async fn check_money(self, world: &World) {
        let taken = Provider {
            captures: 1,
            captured_minor: TOTAL,
            ..Provider::NOTHING
        };
        let returned = Provider {
            refunds: 1,
            refunded_minor: TOTAL,
            ..taken
        };
        let in_part = Provider {
            refunded_minor: PRICE,
            ..returned
        };
        let (status, expected) = match self {
            Self::Place | Self::Cancel | Self::Expire | Self::Orphan => ("", Provider::NOTHING),
            Self::Void => ("voided", Provider::NOTHING),
            Self::Prove => ("captured", taken),
            Self::Return => ("captured", in_part),
            Self::Buy | Self::Pay => ("", taken),
            Self::CancelPaid | Self::Refund => ("refunded", returned),
        };
        if !status.is_empty() {
            let path = format!("/api/v1/payments/{}", world.payment);
            world.becomes(&path, status).await;
        }
        assert_eq!(world.provider(), expected);
    }
}

async fn post(world: &World, path: &str, key: &str, body: &Value) -> Option<Answer> {
    let mut request = world.ann.request(Method::POST, path).json(body);
    if !key.is_empty() {
        request = request.header("idempotency-key", key);
    }
    world.ann.try_send(request).await.ok()
}

async fn order(world: &World, method: Option<&str>) -> Option<Answer> {
    let mut body = json!({"items": [{"product_id": world.product, "quantity": QUANTITY}]});
    if let Some(method) = method {
        body["payment"] = json!({"method": method});
    }
    post(world, "/api/v1/orders", "k1", &body).await
}

async fn pay(world: &World, method: &str) -> Option<Answer> {
    let body = json!({"order_id": world.order, "method": method});
    post(world, "/api/v1/payments", "p1", &body).await
}

/// Sends the order, and approves that a unit of it comes back; gives the return's id.
async fn sent_and_to_come_back(world: &World) -> String {
    let path = format!("/api/v1/orders/{}", world.order);
    let sent = world.admin.post(&format!("{path}/ship"), &json!({})).await;
    assert_eq!(sent.status, 200, "{}", sent.text);
    let asked = ask_return(world).await;
    let back = asked.str("/id");
    let approve = format!("{path}/returns/{back}/approve");
    let approved = world.admin.post(&approve, &json!({})).await;
    assert_eq!(approved.status, 200, "{}", approved.text);
    back.to_owned()
}

/// What the buyer asks for, always with the same key.
async fn ask_return(world: &World) -> Answer {
    let path = format!("/api/v1/orders/{}/returns", world.order);
    let body = json!({"lines": [{"line": 1, "quantity": 1}], "reason": "too strong"});
    let asked = post(world, &path, "b1", &body).await;
    let asked = asked.unwrap_or_else(|| panic!("no answer"));
    assert_eq!(asked.status, 201, "{}", asked.text);
    asked
}

/// Where the one return stands.
async fn return_of(world: &World) -> String {
    let path = format!("/api/v1/orders/{}/returns", world.order);
    let seen = world.ann.get(&path).await;
    let count = seen.json["data"].as_array().map(Vec::len);
    assert_eq!(count, Some(1), "{}", seen.text);
    seen.str("/data/0/status").to_owned()
}

/// Does an operation in peace; gives the id of what it made.
async fn done(operation: Operation, world: &World) -> String {
    let answer = operation.must_ask(world).await;
    assert_eq!(answer.status, 201, "{}", answer.text);
    answer.str("/id").to_owned()
}
