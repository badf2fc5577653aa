//! The provider simulator, as an admin of the shop reaches it: its knobs, its own books, and a buyer's proof. It has no
//! way into the shop's books.

use crate::client::{Answer, Client};
use serde_json::{Value, json};

const DESK: &str = "/api/v1/payments/providers/sandbox";

/// More charges than any test makes.
const PAGES_MAX: usize = 1_000;

/// The sandbox provider of a shop.
pub struct Provider<'a> {
    admin: &'a Client,
}

impl<'a> Provider<'a> {
    /// As this admin sees it.
    pub fn of(admin: &'a Client) -> Self {
        Self { admin }
    }

    /// Makes it misbehave from now on; what is not named is turned off.
    pub async fn turn(&self, knobs: &Value) {
        let answer = self.admin.put(&format!("{DESK}/knobs"), knobs).await;
        assert_eq!(answer.status, 200, "{}", answer.text);
    }

    /// Makes it behave.
    pub async fn behave(&self) {
        self.turn(&json!({})).await;
    }

    /// Its own books, every charge in the order it was made.
    pub async fn charges(&self) -> Vec<Value> {
        let mut charges: Vec<Value> = Vec::new();
        for _ in 0..PAGES_MAX {
            let after = charges.last().map_or(0, |last| number(last, "/number"));
            let page = self
                .admin
                .get(&format!("{DESK}/charges?after={after}"))
                .await;
            assert_eq!(page.status, 200, "{}", page.text);
            let data = page.json.pointer("/data").and_then(Value::as_array);
            let data = data.expect("a page").clone();
            if data.is_empty() {
                return charges;
            }
            charges.extend(data);
        }
        panic!("the provider's books have no end");
    }

    /// What it holds of all charges together, captured less refunded, in minor units.
    pub async fn net(&self) -> i64 {
        self.charges().await.iter().fold(0_i64, |sum, charge| {
            let (captured, refunded) = (
                number(charge, "/captured/amount"),
                number(charge, "/refunded/amount"),
            );
            sum.saturating_add(captured.saturating_sub(refunded))
        })
    }

    /// The buyer of a payment proves what it wants, or fails to.
    pub async fn prove(buyer: &Client, payment: &Answer, approve: bool) -> Answer {
        let address = payment.str("/next_action");
        buyer.post(address, &json!({"approve": approve})).await
    }
}

fn number(value: &Value, pointer: &str) -> i64 {
    let number = value.pointer(pointer).and_then(Value::as_i64);
    number.expect("a number")
}
