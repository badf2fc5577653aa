//! What people do all day: buyers who order, pay, retry, change their minds and pay twice; one person who runs the
//! shop. Each draws from a stream of its own.

mod carts;
mod returns;

use crate::{
    client::{Client, Town, Wish, price},
    random::Random,
    record::Good,
};
use checker::{Action, Outcome, Told};
use contracts::{
    access::Principal,
    catalog::ReturnedItem,
    orders::OrderStatus,
    values::{OrderId, PaymentId, Quantity, ReturnId, ShippingMethodId},
};
use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

/// Streams of the seed that people draw from.
const PEOPLE: u64 = 500;
/// The streams of those who run the shop, counted from there downwards.
const KEEPERS: [u64; 2] = [250, 251];
/// Tries for a wish before it is given up.
const TRIES: u32 = 40;

const METHODS: [&str; 7] = [
    "tok_ok",
    "tok_ok",
    "tok_ok",
    "tok_declined",
    "tok_slow",
    "tok_timeout",
    "tok_challenge",
];

/// What people tell one another.
#[derive(Clone, Default)]
pub struct Board {
    orders: Arc<Mutex<Vec<OrderId>>>,
    payments: Arc<Mutex<Vec<(PaymentId, OrderId)>>>,
    sent: Arc<Mutex<Vec<OrderId>>>,
    returns: Arc<Mutex<Vec<(OrderId, ReturnId)>>>,
    over: Arc<AtomicBool>,
}

impl Board {
    /// The day is over: what is begun is finished, nothing new is begun.
    pub fn close(&self) {
        self.over.store(true, Ordering::Relaxed);
    }

    fn is_open(&self) -> bool {
        !self.over.load(Ordering::Relaxed)
    }
}

/// A buyer, by number.
#[must_use]
pub fn buyer(town: &Town, seed: u64, number: u64, who: Principal) -> Buyer {
    Buyer {
        client: Client {
            town: town.clone(),
            who,
            random: Random::new(seed, PEOPLE.saturating_add(number)),
            name: format!("b{number}"),
        },
        own: Vec::new(),
        keys: 0,
    }
}

/// Somebody who buys.
pub struct Buyer {
    client: Client,
    own: Vec<OrderId>,
    keys: u32,
}

impl Buyer {
    /// Buys until the board is closed.
    pub async fn live(mut self, board: Board) -> Self {
        while board.is_open() {
            let pause = self.client.random.between(10, self.client.town.rest_ms_max);
            tokio::time::sleep(Duration::from_millis(pause)).await;
            match self.client.random.below(13) {
                0..=5 => self.buy(&board).await,
                6 => self.look().await,
                7 => self.regret().await,
                8 => self.pay_again(&board).await,
                9 => self.read_order().await,
                10 => self.fill_a_cart(&board).await,
                _ => self.bring_back(&board).await,
            }
        }
        self
    }

    /// One plain purchase, as after all faults; whoever comes too late gets a refusal, which is an answer too.
    pub async fn last_purchase(&mut self) {
        let wish = self.order(Some("tok_ok".to_owned()));
        let outcome = self.client.ask(&wish).await;
        if let Outcome::Ok(answer) = outcome
            && let Told::Order(order) = answer.told
        {
            let read = Wish::plain(Action::ReadOrder(order.id));
            self.client.ask(&read).await;
        }
    }

    fn key(&mut self) -> String {
        self.keys = self.keys.saturating_add(1);
        format!("{}-{}", self.client.name, self.keys)
    }

    fn order(&mut self, method: Option<String>) -> Wish {
        let random = &mut self.client.random;
        let count = random.between(1, 3);
        let goods = &self.client.town.goods;
        let lines = (0..count)
            .filter_map(|_| {
                let good: &Good = random.pick(goods)?;
                Some((
                    good.variant,
                    u32::try_from(random.between(1, 3)).unwrap_or(1),
                ))
            })
            .collect();
        let known = self.client.town.code;
        let code = known.filter(|_| self.client.random.chance(300));
        let action = Action::Place {
            lines,
            method,
            code: code.map(str::to_owned),
            shipping: self.shipping(),
            cart: None,
        };
        let key = self.key();
        Wish::keyed(action, key)
    }

    /// Some say how it is to come.
    fn shipping(&mut self) -> Option<ShippingMethodId> {
        let wants = self.client.random.chance(500);
        self.client.town.shipping.filter(|_| wants)
    }

    fn method(&mut self) -> String {
        self.client
            .random
            .pick(&METHODS)
            .map_or("tok_ok", |one| *one)
            .to_owned()
    }

    async fn buy(&mut self, board: &Board) {
        let at_once = self.client.random.chance(400);
        let method = if at_once { Some(self.method()) } else { None };
        let wish = self.order(method);
        self.place(&wish, at_once, board).await;
    }

    /// Places an order until it stands, and pays it.
    async fn place(&mut self, wish: &Wish, at_once: bool, board: &Board) {
        // Some give up after the first silence, and never learn what became of it.
        let tries = if self.client.random.chance(150) {
            1
        } else {
            TRIES
        };
        let outcome = self.client.insist(wish, tries).await;
        let Outcome::Ok(answer) = outcome else { return };
        let Told::Order(order) = answer.told else {
            return;
        };
        self.own.push(order.id);
        board.orders.lock().expect("the board").push(order.id);
        if order.status != OrderStatus::Pending || at_once || self.client.random.chance(200) {
            return;
        }
        let (order, method, key) = (order.id, self.method(), self.key());
        let pay = Wish::keyed(Action::Pay { order, method }, key);
        if self.client.random.chance(200) {
            self.pay_and_cancel(&pay, order).await;
        } else {
            let outcome = self.client.insist(&pay, tries).await;
            self.after_paying(&outcome, board).await;
        }
    }

    /// Proves what the provider wants to know, or has second thoughts.
    async fn after_paying(&mut self, outcome: &Outcome, board: &Board) {
        let Outcome::Ok(answer) = outcome else { return };
        let Told::Payment(payment) = &answer.told else {
            return;
        };
        let entry = (payment.id, payment.order_id);
        board.payments.lock().expect("the board").push(entry);
        let proof = payment
            .next_action
            .as_deref()
            .and_then(|url| url.rsplit('/').next());
        match (proof, self.client.random.below(10)) {
            (Some(proof), 0..=6) => {
                let wish = Wish::plain(Action::Prove {
                    proof: proof.to_owned(),
                    approve: self.client.random.chance(700),
                });
                self.client.ask(&wish).await;
            }
            (_, 7) => {
                self.client
                    .ask(&Wish::plain(Action::Void(payment.id)))
                    .await;
            }
            (_, _) => {}
        }
    }

    /// Pays, and calls off at the same time: one of the two wins, and money and stock follow it.
    async fn pay_and_cancel(&mut self, pay: &Wish, order: OrderId) {
        let mut other = Client {
            town: self.client.town.clone(),
            who: self.client.who.clone(),
            random: Random::new(self.client.random.number(), 3),
            name: format!("{}'", self.client.name),
        };
        let cancel = async move {
            let pause = other.random.below(150);
            tokio::time::sleep(Duration::from_millis(pause)).await;
            other.ask(&Wish::plain(Action::Cancel(order))).await
        };
        futures_util::future::join(self.client.insist(pay, TRIES), cancel).await;
    }

    async fn look(&mut self) {
        let goods = Arc::clone(&self.client.town.goods);
        if let Some(good) = self.client.random.pick(&goods) {
            // Stock has its page for sellers; buyers see it with the product.
            self.client
                .ask(&Wish::plain(Action::ReadProduct(good.product)))
                .await;
        }
    }

    fn one_of_own(&mut self) -> Option<OrderId> {
        self.client.random.pick(&self.own).copied()
    }

    async fn regret(&mut self) {
        if let Some(order) = self.one_of_own() {
            self.client.ask(&Wish::plain(Action::Cancel(order))).await;
        }
    }

    async fn pay_again(&mut self, board: &Board) {
        if let Some(order) = self.one_of_own() {
            let (method, key) = (self.method(), self.key());
            let wish = Wish::keyed(Action::Pay { order, method }, key);
            let outcome = self.client.ask(&wish).await;
            self.after_paying(&outcome, board).await;
        }
    }

    async fn read_order(&mut self) {
        if let Some(order) = self.one_of_own() {
            self.client
                .ask(&Wish::plain(Action::ReadOrder(order)))
                .await;
        }
    }
}

/// The two who run the shop, and get in each other's way.
#[must_use]
pub fn keepers(town: &Town, seed: u64, name: &str, who: [Principal; 2]) -> [Keeper; 2] {
    let [one, other] = who;
    let [first, second] = KEEPERS;
    [(first, one), (second, other)].map(|(number, who)| Keeper {
        client: Client {
            town: town.clone(),
            who,
            random: Random::new(seed, PEOPLE.saturating_sub(number)),
            name: format!("{name}{number}"),
        },
        versions: vec![Some(1); town.goods.len()],
        keys: 0,
    })
}

/// Somebody who runs the shop.
pub struct Keeper {
    client: Client,
    versions: Vec<Option<i64>>,
    keys: u32,
}

impl Keeper {
    /// Runs the shop until the board is closed.
    pub async fn live(mut self, board: Board) -> Self {
        while board.is_open() {
            let pause = self.client.random.between(50, 1_100);
            tokio::time::sleep(Duration::from_millis(pause)).await;
            match self.client.random.below(16) {
                0 | 1 => self.restock(TRIES).await,
                8 | 9 => self.give_back(&board).await,
                10 | 11 => self.answer_return(&board).await,
                12..=14 => self.receive_return(&board).await,
                2 => self.reprice().await,
                3 => self.look().await,
                4 => self.send(&board, Action::Deliver).await,
                _ => self.send(&board, Action::Ship).await,
            }
        }
        self
    }

    /// Fills the shelves once more, after all faults.
    pub async fn last_restock(&mut self) {
        self.restock(1).await;
        self.look().await;
    }

    fn any_good(&mut self) -> Option<(usize, Good)> {
        let goods = Arc::clone(&self.client.town.goods);
        let index =
            usize::try_from(self.client.random.below(u64::try_from(goods.len()).ok()?)).ok()?;
        goods.get(index).cloned().map(|good| (index, good))
    }

    async fn restock(&mut self, tries: u32) {
        let Some((_, good)) = self.any_good() else {
            return;
        };
        let units = i64::try_from(self.client.random.between(1, 6)).unwrap_or(1);
        self.keys = self.keys.saturating_add(1);
        let wish = Wish::keyed(
            Action::Restock {
                variant: good.variant,
                units,
            },
            format!("{}-{}", self.client.name, self.keys),
        );
        self.client.insist(&wish, tries).await;
    }

    /// Gives money back, in part or whole, with or without the goods; sometimes more than there is.
    async fn give_back(&mut self, board: &Board) {
        let known = board.payments.lock().expect("the board").clone();
        let Some((payment, _)) = self.client.random.pick(&known).copied() else {
            return;
        };
        let some_money = self.client.random.chance(600);
        let some_goods = self.client.random.chance(500);
        let good = self.any_good();
        let items = good.filter(|_| some_goods).map(|(_, good)| ReturnedItem {
            variant_id: good.variant,
            quantity: Quantity::ONE,
        });
        self.keys = self.keys.saturating_add(1);
        let wish = Wish::keyed(
            Action::Refund {
                payment,
                amount: some_money.then(|| price(self.client.random.between(1, 20_000))),
                items: items.into_iter().collect(),
            },
            format!("{}-{}", self.client.name, self.keys),
        );
        let tries = if self.client.random.chance(200) {
            1
        } else {
            TRIES
        };
        self.client.insist(&wish, tries).await;
    }

    /// Changes a price at the version that was seen last; whoever is not sure looks first.
    async fn reprice(&mut self) {
        let Some((index, good)) = self.any_good() else {
            return;
        };
        // A product of several variants is changed by its variants.
        if !good.is_alone {
            return;
        }
        if self.versions.get(index).copied().flatten().is_none() {
            let read = Wish::plain(Action::ReadProduct(good.product));
            let outcome = self.client.ask(&read).await;
            self.remember(index, &outcome);
        }
        let Some(version) = self.versions.get(index).copied().flatten() else {
            return;
        };
        let wish = Wish {
            action: Action::Reprice {
                product: good.product,
                variant: good.variant,
                price: price(self.client.random.between(100, 9_999)),
            },
            key: None,
            version: Some(version),
            order: None,
        };
        let outcome = self.client.ask(&wish).await;
        self.remember(index, &outcome);
    }

    fn remember(&mut self, index: usize, outcome: &Outcome) {
        let seen = match outcome {
            Outcome::Ok(answer) => match &answer.told {
                Told::Product(product) => Some(product.version.get()),
                Told::Order(_)
                | Told::Payment(_)
                | Told::Refund(_)
                | Told::Cart(_)
                | Told::Return(_)
                | Told::Stock(_)
                | Told::Other => None,
            },
            Outcome::Refused(_) | Outcome::Unknown(_) => None,
        };
        if let Some(place) = self.versions.get_mut(index) {
            *place = seen;
        }
    }

    async fn look(&mut self) {
        if let Some((_, good)) = self.any_good() {
            self.client
                .ask(&Wish::plain(Action::ReadStock(good.variant)))
                .await;
        }
    }

    async fn send(&mut self, board: &Board, step: fn(OrderId) -> Action) {
        let orders = board.orders.lock().expect("the board").clone();
        if let Some(order) = self.client.random.pick(&orders) {
            let outcome = self.client.ask(&Wish::plain(step(*order))).await;
            if matches!(outcome, Outcome::Ok(_)) {
                board.sent.lock().expect("the board").push(*order);
            }
        }
    }
}
