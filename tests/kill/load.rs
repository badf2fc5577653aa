//! Buyers who order and pay until the shop goes away, and who remember what they were told. Holds the rules of
//! what must be there afterwards. Never sends a key for a second thing.

use futures_util::future::join_all;
use serde_json::{Value, json};
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::atomic::{AtomicBool, Ordering},
};
use testkit::{Answer, Client, Shop};
use tokio::sync::watch;

/// Units of each product, more than any test sells.
const STOCK: i64 = 1_000_000;

/// A request that can be sent again.
#[derive(Debug, Clone)]
struct Wish {
    buyer: usize,
    path: &'static str,
    key: String,
    body: Value,
}

/// What became of the requests.
#[derive(Debug, Default)]
pub(crate) struct Ledger {
    answered: Vec<(Wish, Answer)>,
    lost: Vec<Wish>,
}

/// Buyers and what they know.
pub(crate) struct Load {
    admin: Client,
    buyers: Vec<Client>,
    products: Vec<String>,
    answers: watch::Sender<usize>,
    /// Until the next round an answer may say that the shop failed: its disk is gone and it lives on for a moment.
    /// Whoever hears that knows no more than without an answer.
    pub(crate) may_fail: AtomicBool,
    ledger: Ledger,
}

impl Load {
    /// A small catalog and eight buyers.
    pub(crate) async fn prepare(shop: &mut Shop) -> Self {
        let admin = shop.admin().await;
        let mut products = Vec::new();
        for (name, price) in [("tea", 1_999), ("cup", 700), ("pot", 4_250)] {
            products.push(admin.sell(name, price, STOCK).await);
        }
        let names: Vec<String> = (0..8).map(|number| format!("buyer{number}")).collect();
        let buyers = join_all(names.iter().map(|name| shop.customer(name))).await;
        Self {
            admin,
            buyers,
            products,
            answers: watch::Sender::new(0),
            may_fail: AtomicBool::new(false),
            ledger: Ledger::default(),
        }
    }

    /// Waits until this many more answers came than now.
    pub(crate) fn acknowledged(&self, more: usize) -> impl Future<Output = ()> + use<> {
        let mut answers = self.answers.subscribe();
        let until = *answers.borrow() + more;
        async move {
            answers
                .wait_for(|count| *count >= until)
                .await
                .map(drop)
                .unwrap_or_else(|_| panic!("the load is over"));
        }
    }

    /// Everybody orders and pays until the shop does not answer.
    pub(crate) async fn run(&self, round: usize) -> Ledger {
        self.may_fail.store(false, Ordering::SeqCst);
        let all = join_all((0..self.buyers.len()).map(|buyer| self.buy(buyer, round))).await;
        let mut sum = Ledger::default();
        for one in all {
            sum.answered.extend(one.answered);
            sum.lost.extend(one.lost);
        }
        sum
    }

    /// Adds what a round came to.
    pub(crate) fn keep(&mut self, round: Ledger) {
        self.ledger.answered.extend(round.answered);
        self.ledger.lost.extend(round.lost);
    }

    /// Requests without an answer so far.
    pub(crate) fn lost(&self) -> usize {
        self.ledger.lost.len()
    }

    async fn buy(&self, buyer: usize, round: usize) -> Ledger {
        let mut ledger = Ledger::default();
        for number in 0.. {
            let mut body = json!({"items": self.items(buyer + number)});
            if number % 3 == 0 {
                body["payment"] =
                    json!({"method": if number % 2 == 0 { "tok_ok" } else { "tok_slow" }});
            }
            let wish = Wish {
                buyer,
                path: "/api/v1/orders",
                key: format!("o{round}-{number}"),
                body,
            };
            let Some(order) = self.send(&mut ledger, wish).await else {
                break;
            };
            if number % 3 == 1 {
                let method = if number % 2 == 0 {
                    "tok_ok"
                } else {
                    "tok_slow"
                };
                let body = json!({"order_id": order.str("/id"), "method": method});
                let wish = Wish {
                    buyer,
                    path: "/api/v1/payments",
                    key: format!("p{round}-{number}"),
                    body,
                };
                if self.send(&mut ledger, wish).await.is_none() {
                    break;
                }
            }
        }
        ledger
    }

    fn items(&self, seed: usize) -> Value {
        let line = |index: usize, quantity: usize| {
            let product = &self.products[index % self.products.len()];
            json!({"product_id": product, "quantity": quantity})
        };
        match seed % 4 {
            0 => json!([line(seed, 1), line(seed + 1, 2)]),
            1 => json!([line(seed + 1, 3), line(seed, 1), line(seed + 1, 1)]),
            more => json!([line(seed, more)]),
        }
    }

    async fn send(&self, ledger: &mut Ledger, wish: Wish) -> Option<Answer> {
        let buyer = &self.buyers[wish.buyer];
        let request = buyer
            .request(reqwest::Method::POST, wish.path)
            .header("idempotency-key", &wish.key);
        let Ok(answer) = buyer.try_send(request.json(&wish.body)).await else {
            ledger.lost.push(wish);
            return None;
        };
        if answer.status >= 500 && self.may_fail.load(Ordering::SeqCst) {
            ledger.lost.push(wish);
            return None;
        }
        assert!(matches!(answer.status, 201 | 202), "{}", answer.text);
        assert_ne!(
            answer.header("idempotent-replayed"),
            "true",
            "every key is new"
        );
        self.answers.send_modify(|count| *count += 1);
        ledger.answered.push((wish, answer.clone()));
        Some(answer)
    }

    /// The shop is somewhere else now.
    pub(crate) fn follow(&mut self, shop: &Shop) {
        let url = shop.url();
        self.admin = self.admin.at(url);
        self.buyers = self.buyers.iter().map(|buyer| buyer.at(url)).collect();
    }

    /// Everything that was acknowledged is there, with what was acknowledged, and is acknowledged again.
    pub(crate) async fn check_acknowledged(&self) {
        for (wish, answer) in &self.ledger.answered {
            let buyer = &self.buyers[wish.buyer];
            let now = buyer
                .get(&format!("{}/{}", wish.path, answer.str("/id")))
                .await;
            assert_eq!(now.status, 200, "lost: {}", answer.text);
            for member in [
                "id",
                "number",
                "order_id",
                "items",
                "total",
                "amount",
                "customer_id",
                "created_at",
            ] {
                assert_eq!(
                    now.json[member], answer.json[member],
                    "{member} of {}",
                    answer.text
                );
            }
            let (was, is) = (answer.str("/status"), now.str("/status"));
            let legal = was == is
                || matches!(
                    (was, is),
                    ("pending", "paid" | "authorised") | ("pending" | "authorised", "captured")
                );
            assert!(legal, "{was} became {is}: {}", now.text);
            let again = buyer.post_with_key(wish.path, &wish.key, &wish.body).await;
            assert_eq!(
                again.header("idempotent-replayed"),
                "true",
                "{}",
                again.text
            );
            assert_eq!(again.str("/id"), answer.str("/id"));
            if answer.status == 201 {
                assert_eq!(
                    (again.status, &again.text),
                    (201, &answer.text),
                    "the same answer"
                );
            }
        }
    }

    /// Every request without an answer is sent again, and is answered; gives how many had been done already.
    pub(crate) async fn send_lost_again(&mut self) -> usize {
        let mut done = 0;
        for wish in std::mem::take(&mut self.ledger.lost) {
            let answer = self.buyers[wish.buyer]
                .post_with_key(wish.path, &wish.key, &wish.body)
                .await;
            assert!(matches!(answer.status, 201 | 202), "{}", answer.text);
            done += usize::from(answer.header("idempotent-replayed") == "true");
            self.ledger.answered.push((wish, answer));
        }
        done
    }

    /// There is one order for each key, and no other.
    pub(crate) async fn check_counts(&self) {
        let orders = self
            .ledger
            .answered
            .iter()
            .filter(|(wish, _)| wish.path == "/api/v1/orders");
        let mut known = BTreeMap::new();
        for (wish, answer) in orders {
            let other = known.insert(answer.str("/id").to_owned(), (wish.buyer, wish.key.clone()));
            assert_eq!(other, None, "two keys, one order");
        }
        let (mut ids, mut numbers, mut page) = (BTreeSet::new(), BTreeSet::new(), String::new());
        loop {
            let answer = self
                .admin
                .get(&format!("/api/v1/orders?limit=100{page}"))
                .await;
            for order in answer.json["data"]
                .as_array()
                .unwrap_or_else(|| panic!("{}", answer.text))
            {
                ids.insert(order["id"].as_str().unwrap_or_default().to_owned());
                assert!(
                    numbers.insert(order["number"].as_i64()),
                    "a number twice: {order}"
                );
            }
            match answer.str("/next_cursor") {
                "" => break,
                cursor => page = format!("&cursor={cursor}"),
            }
        }
        assert_eq!(ids, known.into_keys().collect());
    }

    /// Every payment ends, every order that was paid for is paid, and the stock is what was not sold.
    pub(crate) async fn check_settled(&self) {
        let mut sold = 0;
        let mut held = 0;
        for (wish, answer) in &self.ledger.answered {
            let buyer = &self.buyers[wish.buyer];
            if wish.path == "/api/v1/payments" {
                let path = format!("/api/v1/payments/{}", answer.str("/id"));
                buyer
                    .get_until(&path, |payment| payment.str("/status") == "captured")
                    .await;
            }
        }
        for (wish, answer) in self
            .ledger
            .answered
            .iter()
            .filter(|(wish, _)| wish.path == "/api/v1/orders")
        {
            let buyer = &self.buyers[wish.buyer];
            let path = format!("/api/v1/orders/{}", answer.str("/id"));
            let wants_money =
                wish.body.get("payment").is_some() || self.is_paid_for(answer.str("/id"));
            let order = buyer
                .get_until(&path, |order| {
                    !wants_money || order.str("/status") == "paid"
                })
                .await;
            let units = order.json["items"].as_array().into_iter().flatten();
            let units: i64 = units.filter_map(|line| line["quantity"].as_i64()).sum();
            match order.str("/status") {
                "paid" => sold += units,
                "pending" => held += units,
                other => panic!("{other}: {}", order.text),
            }
        }
        let (mut on_hand, mut reserved) = (0, 0);
        for product in &self.products {
            let stock = self.admin.stock(product).await;
            assert_eq!(stock.2, stock.0 - stock.1);
            on_hand += stock.0;
            reserved += stock.1;
        }
        assert_eq!((on_hand + sold, reserved), (3 * STOCK, held));
    }

    fn is_paid_for(&self, order: &str) -> bool {
        self.ledger
            .answered
            .iter()
            .any(|(wish, _)| wish.body["order_id"] == order)
    }
}
