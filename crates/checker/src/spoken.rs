//! How an action is said over HTTP, and what an answer means: the API as anybody outside knows it. Whoever sends it is
//! somebody else.

use crate::history::{Action, Answer, Outcome, Refusal, Told};
use contracts::{
    catalog::InventoryView,
    problem::{Code, ProblemBody},
    values::{CartId, Money, OrderId, Page, ProductId, ReturnId, ShippingMethodId, VariantId},
};
use serde_json::{Map, Value, json};

/// A request, but for who asks and where.
#[derive(Debug, Clone, PartialEq)]
pub struct Spoken {
    /// The method.
    pub method: &'static str,
    /// The path.
    pub path: String,
    /// The body and what it is, if it has one.
    pub body: Option<(&'static str, Value)>,
}

const JSON: &str = "application/json";
const PATCH: &str = "application/merge-patch+json";
const PROBLEM: &str = "application/problem+json";

impl Action {
    /// As a request.
    #[must_use]
    pub fn spoken(&self) -> Spoken {
        match self {
            Self::Place {
                lines,
                method,
                code,
                shipping,
                cart,
            } => {
                let beside = (method.as_deref(), code.as_deref(), *shipping, *cart);
                post("/api/v1/orders".to_owned(), order(lines, beside))
            }
            Self::OpenCart => post("/api/v1/carts".to_owned(), json!({})),
            Self::SetCartItem {
                cart,
                variant,
                units,
            } => in_cart(
                *cart,
                &format!("items/{variant}"),
                json!({ "quantity": units }),
            ),
            Self::SetCartShipping { cart, method } => {
                in_cart(*cart, "shipping", json!({ "method": method }))
            }
            Self::AskReturn { order, lines } => asked(*order, lines),
            Self::AnswerReturn {
                order,
                back,
                approve,
            } => {
                let answer = if *approve { "approve" } else { "refuse" };
                returned((*order, *back), answer, json!({}))
            }
            Self::ReceiveReturn {
                order,
                back,
                written_off,
                amount,
            } => {
                let body = json!({ "written_off": written_off, "amount": amount });
                returned((*order, *back), "receive", body)
            }
            Self::Pay { order, method } => {
                let body = json!({ "order_id": order, "method": method });
                post("/api/v1/payments".to_owned(), body)
            }
            Self::Void(payment) => post(format!("/api/v1/payments/{payment}/void"), json!({})),
            Self::Prove { proof, approve } => {
                let path = format!("/api/v1/payments/providers/sandbox/proofs/{proof}");
                post(path, json!({ "approve": approve }))
            }
            Self::Refund {
                payment,
                amount,
                items,
            } => {
                let path = format!("/api/v1/payments/{payment}/refunds");
                post(path, json!({ "amount": amount, "items": items }))
            }
            Self::Cancel(order) => moved(*order, "cancel"),
            Self::Ship(order) => moved(*order, "ship"),
            Self::Deliver(order) => moved(*order, "deliver"),
            Self::Restock { variant, units } => restocked(*variant, *units),
            Self::Reprice { product, price, .. } => repriced(*product, *price),
            Self::ReadStock(variant) => get(format!("/api/v1/inventory/{variant}")),
            Self::ReadOrder(order) => get(format!("/api/v1/orders/{order}")),
            Self::ReadProduct(product) => get(format!("/api/v1/products/{product}")),
        }
    }
}

type Beside<'a> = (
    Option<&'a str>,
    Option<&'a str>,
    Option<ShippingMethodId>,
    Option<CartId>,
);

fn order(lines: &[(VariantId, u32)], (method, code, shipping, cart): Beside<'_>) -> Value {
    let mut body = Map::new();
    if let Some(cart) = cart {
        body.insert("cart_id".to_owned(), json!(cart));
    } else {
        let items = lines
            .iter()
            .map(|(variant, units)| json!({ "variant_id": variant, "quantity": units }));
        body.insert("items".to_owned(), items.collect());
    }
    if let Some(method) = method {
        body.insert("payment".to_owned(), json!({ "method": method }));
    }
    if let Some(code) = code {
        body.insert("discount_code".to_owned(), json!(code));
    }
    if let Some(shipping) = shipping {
        body.insert("shipping_method".to_owned(), json!(shipping));
    }
    Value::Object(body)
}

fn asked(order: OrderId, lines: &[(u32, u32)]) -> Spoken {
    let line = |(line, units): &(u32, u32)| json!({ "line": line, "quantity": units });
    let lines: Vec<Value> = lines.iter().map(line).collect();
    let body = json!({ "lines": lines, "reason": "it is not what I thought" });
    post(format!("/api/v1/orders/{order}/returns"), body)
}

fn returned((order, back): (OrderId, ReturnId), step: &str, body: Value) -> Spoken {
    post(
        format!("/api/v1/orders/{order}/returns/{back}/{step}"),
        body,
    )
}

const fn post(path: String, body: Value) -> Spoken {
    Spoken {
        method: "POST",
        path,
        body: Some((JSON, body)),
    }
}

fn in_cart(cart: CartId, what: &str, body: Value) -> Spoken {
    Spoken {
        method: "PUT",
        path: format!("/api/v1/carts/{cart}/{what}"),
        body: Some((JSON, body)),
    }
}

fn repriced(product: ProductId, price: Money) -> Spoken {
    Spoken {
        method: "PATCH",
        path: format!("/api/v1/products/{product}"),
        body: Some((PATCH, json!({ "price": price }))),
    }
}

fn restocked(variant: VariantId, units: i64) -> Spoken {
    let change = json!({ "variant_id": variant, "delta": units, "reason": "came in" });
    let path = "/api/v1/inventory/adjust".to_owned();
    post(path, json!({ "changes": [change] }))
}

const fn get(path: String) -> Spoken {
    Spoken {
        method: "GET",
        path,
        body: None,
    }
}

fn moved(order: OrderId, verb: &str) -> Spoken {
    post(format!("/api/v1/orders/{order}/{verb}"), json!({}))
}

impl Outcome {
    /// What an answer to an action means.
    #[must_use]
    pub fn read(action: &Action, status: u16, content_type: &str, body: &[u8]) -> Self {
        if (200..300).contains(&status) {
            return Self::Ok(Answer {
                status,
                told: Told::read(action, body),
                body: String::from_utf8_lossy(body).into_owned(),
            });
        }
        let problem: Option<ProblemBody> = serde_json::from_slice(body).ok();
        let code = problem.as_ref().map(|body| Code::from_slug(&body.code));
        let refusal = Refusal {
            status,
            code: code.flatten(),
            is_problem: content_type.starts_with(PROBLEM)
                && problem.is_some_and(|body| body.status == status && !body.request_id.is_empty()),
        };
        if status < 500 {
            Self::Refused(refusal)
        } else {
            Self::Unknown(Some(refusal))
        }
    }
}

impl Told {
    /// What a 2xx answer to an action tells.
    #[must_use]
    pub fn read(action: &Action, body: &[u8]) -> Self {
        let told = match action {
            Action::Place { .. }
            | Action::Cancel(_)
            | Action::Ship(_)
            | Action::Deliver(_)
            | Action::ReadOrder(_) => serde_json::from_slice(body).ok().map(Self::Order),
            Action::Pay { .. } | Action::Void(_) => {
                serde_json::from_slice(body).ok().map(Self::Payment)
            }
            Action::Refund { .. } => serde_json::from_slice(body).ok().map(Self::Refund),
            Action::OpenCart | Action::SetCartItem { .. } | Action::SetCartShipping { .. } => {
                serde_json::from_slice(body).ok().map(Self::Cart)
            }
            Action::AskReturn { .. }
            | Action::AnswerReturn { .. }
            | Action::ReceiveReturn { .. } => serde_json::from_slice(body).ok().map(Self::Return),
            Action::Prove { .. } => None,
            Action::Restock { .. } => serde_json::from_slice::<Page<InventoryView>>(body)
                .ok()
                .map(|page| Self::Stock(page.data)),
            Action::ReadStock(_) => serde_json::from_slice(body)
                .ok()
                .map(|view: InventoryView| Self::Stock(vec![view])),
            Action::Reprice { .. } | Action::ReadProduct(_) => {
                serde_json::from_slice(body).ok().map(Self::Product)
            }
        };
        told.unwrap_or_default()
    }
}
