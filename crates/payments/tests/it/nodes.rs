//! Several nodes on one PostgreSQL server: the same service, the same provider, nothing shared in memory.

use crate::{
    fakes::{FakeCatalog, FakeOrder, FakeOrders},
    shop::{PRICE, config, line, outward_options, user},
};
use contracts::{
    access::{Principal, Role},
    catalog::ReservationState,
    orders::{OrderStatus, PaymentEnd, Reader},
    payments::{
        PayError, PayOrder, PaymentStatus, PaymentView, Payments, RefundError, RefundOf,
        RefundOrder,
    },
    request::{Answered, IdempotencyKey},
    values::{Money, MoneyInput, OrderId, Timestamp},
};
use futures_util::future::join_all;
use payments::{Knobs, Parts, Service};
use platform::{clock::Clock, db::Place, tasks::Tasks};
use std::sync::Arc;
use testkit::postgres::Postgres;

struct Nodes {
    nodes: Vec<Arc<Service>>,
    clock: Clock,
    orders: Arc<FakeOrders>,
    catalog: Arc<FakeCatalog>,
    ann: Principal,
}

impl Nodes {
    async fn start(count: usize) -> Option<Self> {
        let server = Postgres::shared()?;
        let url = server.database();
        let mut all = Self {
            nodes: Vec::new(),
            clock: Clock::manual(Timestamp::from_ms(1_800_000_000_000)),
            orders: Arc::default(),
            catalog: Arc::default(),
            ann: user(&[Role::Customer]),
        };
        for _ in 0..count {
            let parts = Parts {
                place: Place::Postgres(server.place_at(url.clone(), "payments")),
                sandbox_place: Place::Postgres(server.place_at(url.clone(), "sandbox")),
                config: config(),
                outward: outward_options(),
                clock: all.clock.clone(),
                tasks: Tasks::default(),
                orders: all.orders.clone(),
                catalog: all.catalog.clone(),
            };
            all.nodes.push(payments::open(parts).await.unwrap());
        }
        Some(all)
    }

    fn order(&self) -> OrderId {
        let id = OrderId::generate();
        let order = FakeOrder {
            status: OrderStatus::Pending,
            total: Money::new(PRICE, "USD".parse().unwrap()),
            owner: Some(self.ann.user_id),
            token: None,
            payment: None,
            lines: vec![line("tea", PRICE, 1)],
            parts: Vec::new(),
            refunds: Vec::new(),
            returns: Vec::new(),
        };
        self.orders.orders.lock().unwrap().insert(id, order);
        self.catalog.set(id, ReservationState::Open);
        id
    }

    async fn pay(
        &self,
        node: usize,
        key: &str,
        order: OrderId,
    ) -> Result<Answered<PaymentView>, PayError> {
        let wish = PayOrder {
            order_id: order,
            method: "tok_ok".to_owned(),
        };
        let who = Reader::user(self.ann.clone());
        let key = IdempotencyKey::parse(key).unwrap();
        self.nodes[node].pay(&who, key, wish).await
    }

    fn turn(&self, down: bool) {
        for node in &self.nodes {
            node.sandbox().turn(Knobs {
                down,
                ..Knobs::default()
            });
        }
    }

    /// How many payments each node took up.
    async fn sweep(&self) -> Vec<usize> {
        let sweeping = join_all(self.nodes.iter().map(|node| node.sweep()));
        sweeping.await.into_iter().map(Result::unwrap).collect()
    }

    /// Each order was paid once, and all books agree.
    async fn assert_paid_once(&self, orders: &[OrderId], given_back: i64) {
        let payments = self.nodes[0].audit(None, 1_000).await.unwrap();
        assert_eq!(payments.len(), orders.len());
        for payment in &payments {
            let net = payment.amount.minor - payment.refunded_minor;
            assert_eq!(payment.provider_net_minor, Some(net));
            let ends = self.orders.ends_of(payment.id);
            assert!(ends.iter().all(|end| *end == PaymentEnd::Paid));
            assert!(!ends.is_empty(), "the order knows");
        }
        for node in &self.nodes {
            let charges = node.audit_charges(0, 1_000).await.unwrap();
            assert_eq!(charges.len(), orders.len(), "all see the same provider");
            assert!(charges.iter().all(|charge| charge.known));
        }
        let ledger = self.nodes[0].audit_ledger().await.unwrap();
        assert!(ledger.gap_free && ledger.broken_at.is_none());
        assert_eq!(ledger.unbalanced, 0);
        let sums = ledger.balances.iter().map(|one| one.summed_minor);
        assert_eq!(sums.sum::<i64>(), 0, "the ledger sums to zero");
        let cash = ledger
            .balances
            .iter()
            .find(|one| one.account == "cash:sandbox");
        let taken = i64::try_from(orders.len()).unwrap() * PRICE;
        assert_eq!(cash.unwrap().kept_minor, taken - given_back);
    }
}

#[tokio::test]
async fn a_key_that_comes_to_two_nodes_at_once_is_charged_once() {
    let Some(all) = Nodes::start(2).await else {
        return;
    };
    let orders: Vec<OrderId> = (0..20).map(|_| all.order()).collect();
    for order in &orders {
        let key = order.to_string();
        let (one, other) = tokio::join!(all.pay(0, &key, *order), all.pay(1, &key, *order));
        let answers = [one, other];
        assert!(answers.iter().any(Result::is_ok), "{answers:?}");
        for answer in answers {
            assert!(
                matches!(answer, Ok(_) | Err(PayError::InProgress)),
                "{answer:?}"
            );
        }
        // Whoever was told to wait asks again, on whichever node.
        let again = all.pay(1, &key, *order).await.unwrap();
        assert!(again.replayed);
    }
    all.clock.advance_seconds(61);
    all.sweep().await;
    all.assert_paid_once(&orders, 0).await;
}

#[tokio::test]
async fn what_a_node_left_is_brought_to_its_end_by_the_others_each_once() {
    let Some(all) = Nodes::start(3).await else {
        return;
    };
    all.turn(true);
    let orders: Vec<OrderId> = (0..30).map(|_| all.order()).collect();
    for order in &orders {
        let begun = all.pay(0, &order.to_string(), *order).await.unwrap();
        assert_eq!(begun.value.status, PaymentStatus::Pending);
    }
    all.turn(false);
    all.clock.advance_seconds(61);
    let taken = all.sweep().await;
    assert_eq!(taken.iter().sum::<usize>(), 30, "{taken:?}");
    assert_eq!(all.sweep().await, [0, 0, 0]);
    all.assert_paid_once(&orders, 0).await;
}

#[tokio::test]
async fn refunds_on_two_nodes_give_back_no_more_than_was_paid() {
    let Some(all) = Nodes::start(2).await else {
        return;
    };
    let order = all.order();
    let paid = all.pay(0, "k", order).await.unwrap().value;
    let admin = user(&[Role::Admin]);
    let refunding = (0..50).map(|turn| {
        let wish = RefundOrder {
            amount: Some(MoneyInput::Decimal("1.00".to_owned())),
            ..RefundOrder::default()
        };
        let key = IdempotencyKey::parse(&format!("refund-{turn}")).unwrap();
        all.nodes[turn % 2].refund(&admin, key, RefundOf::Payment(paid.id), wish)
    });
    let answers = join_all(refunding).await;
    let given = answers.iter().filter(|answer| answer.is_ok()).count();
    let refused = answers
        .iter()
        .filter(|answer| matches!(answer, Err(RefundError::TooMuch { left }) if left.minor == 99));
    assert_eq!((given, refused.count()), (19, 31));
    all.clock.advance_seconds(61);
    all.sweep().await;
    all.assert_paid_once(&[order], 1_900).await;
}
