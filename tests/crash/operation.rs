//! The operations of the matrix: how each is asked for, again and again with the same key, and how the world
//! must look when it is done. Never asks with a second key.

use crate::{
    books::Provider,
    world::{PRICE, QUANTITY, STOCK, World},
};
use serde_json::json;
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
    /// Call off an order that was not paid.
    Cancel,
    /// Call off an order that was paid: its money and its stock come back.
    Refund,
    /// An order's time runs out.
    Expire,
    /// Stock was held for an order that never came.
    Orphan,
}

impl Operation {
    /// Points of these families lie on its way.
    pub(crate) const fn families(self) -> &'static [&'static str] {
        match self {
            Self::Place => &["place"],
            Self::Buy => &[],
            Self::Pay => &["settle"],
            Self::Cancel => &["cancel", "event"],
            Self::Refund => &["refund"],
            Self::Expire => &["expire"],
            Self::Orphan => &["orphan"],
        }
    }

    /// Groups of writes that it takes at least; each is died before and after.
    pub(crate) const fn commits_min(self) -> usize {
        match self {
            Self::Place | Self::Orphan => 2,
            Self::Buy => 8,
            Self::Pay => 6,
            Self::Cancel | Self::Expire => 3,
            Self::Refund => 5,
        }
    }

    /// The world before it.
    pub(crate) async fn prepare(self) -> World {
        self.prepare_with(match self {
            Self::Expire | Self::Orphan => &WINDOW,
            Self::Place | Self::Buy | Self::Pay | Self::Cancel | Self::Refund => &[],
        })
        .await
    }

    /// The world before it, with these settings.
    pub(crate) async fn prepare_with(self, settings: &[(&str, &str)]) -> World {
        let mut world = World::new(settings).await;
        match self {
            Self::Place | Self::Buy => {}
            Self::Pay | Self::Cancel | Self::Expire => {
                world.order = done(Self::Place, &world).await;
            }
            Self::Refund => {
                world.order = done(Self::Place, &world).await;
                world.payment = done(Self::Pay, &world).await;
            }
            Self::Orphan => {
                world.shop.kill().await;
                world = world.doomed("place.reserved").await;
                assert!(self.ask_for_order(&world).await.is_none());
            }
        }
        world.shop.kill().await;
        world
    }

    /// Asks for it, always with the same key; `None` when no answer came. What time brings about is asked of
    /// the clock.
    pub(crate) async fn ask(self, world: &World) -> Option<Answer> {
        match self {
            Self::Place | Self::Buy => self.ask_for_order(world).await,
            Self::Pay => {
                let body = json!({"order_id": world.order, "method": "tok_ok"});
                let request = world.ann.request(reqwest::Method::POST, "/api/v1/payments");
                let request = request.header("idempotency-key", "p1").json(&body);
                world.ann.try_send(request).await.ok()
            }
            Self::Cancel | Self::Refund => {
                let path = format!("/api/v1/orders/{}/cancel", world.order);
                let request = world.ann.request(reqwest::Method::POST, &path);
                world.ann.try_send(request.json(&json!({}))).await.ok()
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

    async fn ask_for_order(self, world: &World) -> Option<Answer> {
        let mut body = json!({"items": [{"product_id": world.product, "quantity": QUANTITY}]});
        if self == Self::Buy {
            body["payment"] = json!({"method": "tok_ok"});
        }
        let request = world.ann.request(reqwest::Method::POST, "/api/v1/orders");
        let request = request.header("idempotency-key", "k1").json(&body);
        world.ann.try_send(request).await.ok()
    }

    /// Asks until it is done, and once more: the last two answers must be the same, byte for byte. Says whether
    /// the first of them found it done already.
    pub(crate) async fn ask_again(self, world: &World, first: Option<&Answer>) -> &'static str {
        // A payment that broke off waits for its lease to end: so much later it is over.
        world.shop.set_clock_offset_seconds(match self {
            Self::Orphan => 160,
            Self::Place | Self::Buy | Self::Pay | Self::Cancel | Self::Refund | Self::Expire => 100,
        });
        match self {
            Self::Place | Self::Buy | Self::Pay => {
                let (found, done) = self.ask_until_done(world).await;
                let again = self.ask(world).await.unwrap_or_else(|| panic!("no answer"));
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
                    assert_eq!(
                        done.text, first.text,
                        "what was acknowledged is acknowledged again"
                    );
                }
                found
            }
            Self::Cancel | Self::Refund => {
                let answer = self.ask(world).await.unwrap_or_else(|| panic!("no answer"));
                match (answer.status, answer.code()) {
                    (200, _) => "done by the retry",
                    (409, "illegal_transition") => "was done",
                    _ => panic!("{}", answer.text),
                }
            }
            Self::Expire | Self::Orphan => "done by the sweeper",
        }
    }

    async fn ask_until_done(self, world: &World) -> (&'static str, Answer) {
        let started = Instant::now();
        let mut found = None;
        loop {
            let answer = self.ask(world).await.unwrap_or_else(|| panic!("no answer"));
            let replayed = answer.header("idempotent-replayed") == "true";
            found.get_or_insert(match (replayed, answer.status) {
                (false, _) => "done by the retry",
                (true, 201) => "was done",
                (true, _) => "done by the sweeper",
            });
            match answer.status {
                201 => return (found.unwrap_or_default(), answer),
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
            Self::Place => ("pending", STOCK, QUANTITY),
            Self::Buy | Self::Pay => ("paid", STOCK - QUANTITY, 0),
            Self::Cancel | Self::Refund | Self::Expire | Self::Orphan => ("cancelled", STOCK, 0),
        };
        world.stock_becomes(on_hand, reserved).await;
        if self == Self::Orphan {
            let late = self
                .ask_for_order(world)
                .await
                .unwrap_or_else(|| panic!("no answer"));
            assert_eq!(late.status, 409, "{}", late.text);
            assert_eq!(world.orders().await.len(), 0);
        } else {
            let orders = world.orders().await;
            assert_eq!(orders.len(), 1, "{orders:?}");
            let id = orders[0]["id"].as_str().unwrap_or_default();
            let order = world.becomes(&format!("/api/v1/orders/{id}"), status).await;
            assert_eq!(order.int("/total/amount"), TOTAL);
            assert_eq!(world.happened(id, "placed").await, 1);
            assert_eq!(
                world.happened(id, status).await,
                usize::from(self != Self::Place)
            );
        }
        self.check_money(world).await;
    }

    async fn check_money(self, world: &World) {
        let taken = Provider {
            captures: 1,
            captured_minor: TOTAL,
            ..Provider::NOTHING
        };
        let expected = match self {
            Self::Place | Self::Cancel | Self::Expire | Self::Orphan => Provider::NOTHING,
            Self::Buy | Self::Pay => taken,
            Self::Refund => {
                let path = format!("/api/v1/payments/{}", world.payment);
                world.becomes(&path, "refunded").await;
                Provider {
                    refunds: 1,
                    refunded_minor: TOTAL,
                    ..taken
                }
            }
        };
        assert_eq!(world.provider(), expected);
    }
}

/// Does an operation in peace; gives the id of what it made.
async fn done(operation: Operation, world: &World) -> String {
    let answer = operation.ask(world).await;
    let answer = answer.unwrap_or_else(|| panic!("no answer to {operation:?}"));
    assert_eq!(answer.status, 201, "{}", answer.text);
    answer.str("/id").to_owned()
}
