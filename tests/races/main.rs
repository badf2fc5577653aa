//! Many at once, against the real binary: whatever races, as many win as there is room for, nothing is sold or
//! charged twice, and nobody gets a 5xx. Never looks inside the shop, except by `souk verify`.
#![expect(
    clippy::arithmetic_side_effects,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "tests: what cannot be should stop them"
)]

/// Each of these races in one shop, and on two nodes.
macro_rules! on_both_grounds {
    ($($race:ident),* $(,)?) => {
        mod in_one_shop {
            $(#[tokio::test(flavor = "multi_thread")]
            async fn $race() {
                super::$race(crate::ground::Ground::one_shop().await).await;
            })*
        }
        mod on_two_nodes {
            $(#[tokio::test(flavor = "multi_thread")]
            async fn $race() {
                if let Some(nodes) = crate::ground::Ground::two_nodes().await {
                    super::$race(nodes).await;
                }
            })*
        }
    };
}

mod accounts;
mod baskets;
mod carts;
mod currencies;
mod discounts;
mod editing;
mod ground;
mod keys;
mod moves;
mod payments;
mod provider;
mod refunds;
mod returns;
mod reviews;
mod storm;
mod stripe;
mod timeline;
mod twins;

use futures_util::future::{join, join_all};
use ground::Ground;
use std::{cell::Cell, collections::BTreeMap, future::Future};
use testkit::{Answer, Client, Shop};

/// A shop that says only what went wrong: a line for each of a thousand payments helps nobody; and that waits for all
/// who come from one address, as a thousand people do here.
async fn start() -> Shop {
    let settings = [
        ("SOUK_LOG_LEVEL", "warn"),
        ("SOUK_HTTP__HESITANT_PER_ADDRESS_MAX", "2000"),
    ];
    Shop::start_with(&settings).await
}

async fn customers(shop: &Ground, count: usize) -> Vec<Client> {
    join_all((0..count).map(|number| async move { shop.customer(&format!("buyer{number}")).await }))
        .await
}

/// How often each outcome came: the status, and the problem's code if it is one.
fn outcomes(answers: &[Answer]) -> BTreeMap<(u16, &str), usize> {
    let mut counts = BTreeMap::new();
    for answer in answers {
        *counts.entry((answer.status, answer.code())).or_default() += 1;
    }
    counts
}

/// Does something while somebody reads a product's stock again and again; gives the available units that
/// were read as well.
async fn watched<T>(
    visitor: &Client,
    product: &str,
    work: impl Future<Output = T>,
) -> (T, Vec<i64>) {
    let over = Cell::new(false);
    let reads = async {
        let mut seen = Vec::new();
        while !over.get() {
            seen.push(visitor.stock(product).await.2);
        }
        seen
    };
    let work = async {
        let done = work.await;
        over.set(true);
        done
    };
    join(work, reads).await
}

/// Checks that all answers are one: the same bytes, and all but the first say that they repeat it.
fn assert_are_twins(answers: &[Answer], status: u16) {
    let fresh = answers
        .iter()
        .filter(|answer| answer.header("idempotent-replayed") != "true");
    assert_eq!(
        outcomes(answers),
        BTreeMap::from([((status, ""), answers.len())])
    );
    assert_eq!(fresh.count(), 1, "one did it, the others were told");
    for answer in answers {
        assert_eq!(answer.text, answers[0].text);
    }
}
