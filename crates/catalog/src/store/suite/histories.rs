//! Random histories of stock against a model of ten lines. The model knows no ledger and no batch.
#![expect(
    clippy::arithmetic_side_effects,
    reason = "the model counts small numbers"
)]

use super::{Room, resolve, wish};
use ReservationState::{Committed, Expired, Open, Released, Returned};
use contracts::{
    catalog::{ProductView, ReservationState, Reserve, Resolve},
    values::OrderId,
};
use proptest::prelude::*;
use serde_json::json;
use std::collections::HashMap;

const PRODUCTS: usize = 3;
const ORDERS: u8 = 8;

#[derive(Debug, Clone)]
enum Step {
    Adjust { product: usize, delta: i64 },
    Reserve(Vec<(u8, Vec<(usize, u32)>)>),
    Resolve(Vec<(u8, ReservationState)>),
}

/// What every shop clerk knows.
#[derive(Default)]
struct Model {
    on_hand: [i64; PRODUCTS],
    orders: HashMap<u8, (ReservationState, Vec<(usize, u32)>)>,
}

impl Model {
    fn count(&self, product: usize, state: ReservationState) -> i64 {
        let held = self.orders.values().filter(|(is, _)| *is == state);
        let lines = held.flat_map(|(_, lines)| lines);
        lines
            .filter(|(of, _)| *of == product)
            .map(|(_, units)| i64::from(*units))
            .sum()
    }

    fn adjust(&mut self, product: usize, delta: i64) -> bool {
        let after = self.on_hand[product] + delta;
        let fine = after >= self.count(product, Open);
        if fine {
            self.on_hand[product] = after;
        }
        fine
    }

    fn reserve(&mut self, order: u8, lines: &[(usize, u32)]) -> bool {
        if let Some((state, known)) = self.orders.get(&order) {
            return *state == Open && known == lines;
        }
        let wanted = |product| -> i64 {
            let lines = lines.iter().filter(|(of, _)| *of == product);
            lines.map(|(_, units)| i64::from(*units)).sum()
        };
        let fine = (0..PRODUCTS)
            .all(|product| wanted(product) <= self.on_hand[product] - self.count(product, Open));
        if fine {
            self.orders.insert(order, (Open, lines.to_vec()));
        }
        fine
    }

    fn resolve(&mut self, order: u8, to: ReservationState) -> bool {
        let Some((state, lines)) = self.orders.get_mut(&order) else {
            return false;
        };
        let sign = match (*state, to) {
            (Open, Committed) => -1,
            (Committed, Returned) => 1,
            (Open, Released | Expired) => 0,
            (from, to) => return from == to && to != Open,
        };
        *state = to;
        for (product, units) in lines {
            self.on_hand[*product] += sign * i64::from(*units);
        }
        true
    }
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let line = (0..PRODUCTS, 1_u32..4);
    let lines = proptest::collection::vec(line, 1..4);
    let order = 0..ORDERS;
    let state = prop_oneof![
        4 => Just(Committed),
        2 => Just(Released),
        1 => Just(Expired),
        2 => Just(Returned),
        1 => Just(Open),
    ];
    let step = prop_oneof![
        2 => (0..PRODUCTS, -6_i64..12).prop_map(|(product, delta)| Step::Adjust { product, delta }),
        4 => proptest::collection::vec((order.clone(), lines), 1..5).prop_map(Step::Reserve),
        4 => proptest::collection::vec((order, state), 1..5).prop_map(Step::Resolve),
    ];
    proptest::collection::vec(step, 1..16)
}

struct Case {
    room: Room,
    products: Vec<ProductView>,
    orders: Vec<OrderId>,
    model: Model,
}

impl Case {
    async fn new(room: Room) -> Self {
        let mut products = Vec::new();
        for _ in 0..PRODUCTS {
            products.push(room.tea(0).await);
        }
        let orders = (0..ORDERS).map(|_| OrderId::generate()).collect();
        Self {
            room,
            products,
            orders,
            model: Model::default(),
        }
    }

    /// The fingerprint follows from the lines: the same order with other lines is another request.
    fn wish(&self, order: u8, lines: &[(usize, u32)]) -> Reserve {
        let named: Vec<_> = lines
            .iter()
            .map(|(product, units)| (self.products[*product].id, *units))
            .collect();
        let mut wish = wish(self.orders[usize::from(order)], &named);
        for (place, (product, units)) in lines.iter().enumerate() {
            wish.fingerprint[place * 2] = u8::try_from(*product).unwrap() + 2;
            wish.fingerprint[place * 2 + 1] = u8::try_from(*units).unwrap();
        }
        wish
    }

    async fn run(&mut self, step: &Step) {
        match step {
            Step::Adjust { product, delta } => {
                let sku = &self.products[*product].sku;
                let change = json!([{"sku": sku, "delta": delta, "reason": "test"}]);
                let answer = self.room.adjust(change).await;
                let expected = *delta != 0 && self.model.adjust(*product, *delta);
                assert_eq!(answer.is_ok(), expected, "{answer:?}");
            }
            Step::Reserve(wishes) => {
                let batch: Vec<Reserve> = wishes
                    .iter()
                    .map(|(order, lines)| self.wish(*order, lines))
                    .collect();
                let answers = self.room.reserve(batch).await;
                assert_eq!(answers.len(), wishes.len());
                for ((order, lines), answer) in wishes.iter().zip(answers) {
                    let expected = self.model.reserve(*order, lines);
                    assert_eq!(answer.is_ok(), expected, "order {order}: {answer:?}");
                    if let Ok(reserved) = answer {
                        assert_eq!(reserved.lines.len(), lines.len(), "a line for each line");
                    }
                }
            }
            Step::Resolve(wishes) => {
                let batch: Vec<Resolve> = wishes
                    .iter()
                    .map(|(order, to)| resolve(self.orders[usize::from(*order)], *to))
                    .collect();
                let answers = self
                    .room
                    .store
                    .resolve_all(batch, super::NOW)
                    .await
                    .unwrap()
                    .answers;
                for ((order, to), answer) in wishes.iter().zip(answers) {
                    let expected = self.model.resolve(*order, *to);
                    assert_eq!(answer.is_ok(), expected, "order {order}: {answer:?}");
                }
            }
        }
    }

    async fn compare(&self) {
        for (index, product) in self.products.iter().enumerate() {
            let seen = self.room.seen(product.id).await;
            assert_eq!(
                (seen.stock.on_hand, seen.stock.reserved),
                (self.model.on_hand[index], self.model.count(index, Open)),
                "product {index}"
            );
            let variant = seen.variants[0].id;
            let limit = 100.try_into().unwrap();
            let page = self.room.store.movements(variant, limit, None).await;
            let page = page.unwrap();
            let sum = |of: fn(&contracts::catalog::MovementView) -> i64| -> i64 {
                page.data.iter().map(of).sum()
            };
            assert_eq!(
                (sum(|m| m.on_hand_delta), sum(|m| m.reserved_delta)),
                (seen.stock.on_hand, seen.stock.reserved),
                "movements add up"
            );
            assert_eq!(seen.version.get(), 1, "no sale is an edit");
        }
    }
}

pub(super) async fn any_history_leaves_the_stock_that_a_clerk_would_count(room: Room) {
    let mut runner = proptest::test_runner::TestRunner::new(ProptestConfig {
        cases: room.histories,
        failure_persistence: None,
        ..ProptestConfig::default()
    });
    let now = tokio::runtime::Handle::current();
    let tried = room.clone();
    // The runner waits for each history where it stands: on a thread of its own.
    let result = tokio::task::spawn_blocking(move || {
        runner.run(&steps(), |steps| {
            now.block_on(async {
                let mut case = Case::new(tried.clone()).await;
                for step in &steps {
                    case.run(step).await;
                }
                case.compare().await;
            });
            Ok(())
        })
    });
    result.await.unwrap().unwrap();
    room.assert_books_balance().await;
}
