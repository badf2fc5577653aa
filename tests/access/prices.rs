//! What makes orders cost something else, made by an admin.

use crate::cast::{Cast, Made};
use serde_json::json;
use testkit::Client;

impl Cast {
    pub(crate) async fn discount(&self, asker: Client) -> Made {
        let code = format!("MADE-{}", self.number());
        let body = json!({"code": code, "basis_points": 1_000});
        let made = self.admin.post("/api/v1/discounts", &body).await;
        assert_eq!(made.status, 201, "{}", made.text);
        Made::new(asker, made.str("/id")).with("$code", code)
    }

    pub(crate) async fn shipping_method(&self, asker: Client) -> Made {
        let body = json!({"name": "Post", "price": {"amount": 500, "currency": "USD"}});
        let made = self.admin.post("/api/v1/shipping-methods", &body).await;
        assert_eq!(made.status, 201, "{}", made.text);
        Made::new(asker, made.str("/id"))
    }

    /// Of a region of its own, for each place has one of a class.
    pub(crate) async fn tax_rate(&self, asker: Client) -> Made {
        let region = format!("Region {}", self.number());
        let body = json!({"name": "Tax", "country": "DE", "region": region, "millionths": 1});
        let made = self.admin.post("/api/v1/tax-rates", &body).await;
        assert_eq!(made.status, 201, "{}", made.text);
        Made::new(asker, made.str("/id"))
    }
}
